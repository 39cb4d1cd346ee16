//! What a server says that answers nothing, or as no server may.

use pop3_blocking::Error;
use pop3_blocking::pop3_proto::Leniency;
use pop3_blocking::pop3_proto::client::ProtocolError;

use super::{Scenario, opens, usable};
use crate::scenarios::{Call, Take, does, fails, is, over, talk};
use crate::support::{Act, expect, send, surplus};

/// H1: what answers nothing is fatal, but for a `-ERR` with which the server closes.
pub(crate) fn surplus_octets_and_farewells() -> Vec<Scenario> {
    let noop = || does(Call::Noop, [is("+OK ")]);
    let unsolicited = || fails!(Error::Protocol(ProtocolError::Unsolicited));
    let mut scenarios: Vec<_> = ["+OK 2 320\r\n", "x", "-ERR one\r\n-ERR two\r\n"]
        .into_iter()
        .map(|said| {
            let script = vec![expect("NOOP\r\n"), send(format!("+OK\r\n{said}")), Act::Close];
            let steps = vec![noop(), does(Call::Stat, [unsolicited()]), over()];
            Scenario::logged_in(format!("{said:?} behind a reply"), script, steps).at_once()
        })
        .collect();
    for announced in [false, true] {
        let list = if announced { "+OK\r\nRESP-CODES\r\n.\r\n" } else { "+OK\r\n.\r\n" };
        let listed = is(if announced { "RESP-CODES" } else { "" });
        let said = format!("{list}-ERR [SYS/TEMP] idle\r\n");
        let script = vec![expect("CAPA\r\n"), send(said), expect("STAT\r\n"), Act::Close];
        let closed = if announced {
            fails!(error @ Error::Closed { farewell: Some(_) } if error.is_transient())
        } else {
            fails!(error @ Error::Closed { farewell: Some(_) } if !error.is_transient())
        };
        let steps = vec![does(Call::Capa, [listed]), does(Call::Stat, [closed]), over()];
        let name = format!("a farewell, RESP-CODES announced: {announced}");
        scenarios.push(Scenario::logged_in(name, script, steps).at_once());
    }
    scenarios
}

/// A16, H2, I5: a server that answers before it is asked is not believed.
pub(crate) fn an_answer_before_its_command_answers_nothing() -> Vec<Scenario> {
    let unsolicited = || fails!(Error::Protocol(ProtocolError::Unsolicited));
    let early = vec![send("+OK ready\r\n+OK\r\n"), surplus("+OK\r\n")];
    let steps = vec![opens(), does(Call::UserPass("mrose", "x"), [unsolicited()])];
    let behind = vec![expect("STAT\r\n"), send("+OK 1 1\r\n+OK 1 1\r\n")];
    let stat = vec![does(Call::Stat, [is("1 1")]), does(Call::ListOne(1), [unsolicited()]), over()];
    vec![
        Scenario::new("behind the greeting", early, steps).at_once(),
        Scenario::logged_in("behind STAT", behind, stat).at_once(),
    ]
}

/// R1939-3.06, E1, D17: a line that never ends, one that ends by LF, and one that says neither `+OK` nor `-ERR`.
pub(crate) fn lines_that_are_none() -> Vec<Scenario> {
    let long = "x".repeat(20_000);
    let too_long = || fails!(Error::Protocol(ProtocolError::LineTooLong { limit: 8192 }));
    let bare = || fails!(Error::Protocol(ProtocolError::BareLineFeed));
    let malformed = fails!(Error::Protocol(ProtocolError::MalformedStatus { .. }));
    let strict = |scenario: &mut Scenario| scenario.config.leniency = Leniency::strict();
    vec![
        (Call::Stat, "STAT\r\n", format!("+OK {long}"), vec![too_long()]),
        (Call::Retr(1, Take::All), "RETR 1\r\n", format!("+OK {long}"), vec![too_long()]),
        (
            Call::List(Take::All),
            "LIST\r\n",
            format!("+OK\r\n1 1\r\n2 {long}"),
            vec![is("1 1"), too_long()],
        ),
        (Call::Stat, "STAT\r\n", "+OK 1 1\n".to_owned(), vec![bare()]),
        (
            Call::Uidl(Take::All),
            "UIDL\r\n",
            "+OK\r\n1 a\r\n2 b\n.\r\n".to_owned(),
            vec![is("1 a"), bare()],
        ),
        (Call::Noop, "NOOP\r\n", "250 done\r\n".to_owned(), vec![malformed]),
    ]
    .into_iter()
    .map(|(call, heard, said, seen)| {
        let name = format!("{call:?}, {}", &said[..said.len().min(24)]);
        let script = vec![expect(heard), surplus(said)];
        Scenario::logged_in(name, script, vec![does(call, seen), over()]).with(strict)
    })
    .collect()
}

/// I3: a listing has as many items as the limits allow, and a message-number stands in it once.
pub(crate) fn a_listing_beyond_its_limits() -> Vec<Scenario> {
    let script = || {
        let listing = "1 1\r\n2 1\r\n3 1\r\n4 1\r\n5 1\r\n";
        vec![expect("LIST\r\n"), surplus(format!("+OK\r\n{listing}.\r\n"))]
    };
    let too_many = || fails!(Error::Protocol(ProtocolError::TooManyItems { limit: 3 }));
    let seen = [is("1 1"), is("2 1"), is("3 1"), too_many()];
    let repeated = vec![expect("LIST\r\n"), surplus("+OK\r\n1 1\r\n2 1\r\n1 1\r\n.\r\n")];
    let twice = fails!(Error::Protocol(ProtocolError::RepeatedNumber(_)));
    let steps = vec![does(Call::List(Take::All), [is("1 1"), is("2 1"), twice]), over()];
    vec![
        Scenario::logged_in("too many", script(), vec![does(Call::List(Take::All), seen), over()])
            .with(|scenario| scenario.config.limits.listing_items = 3),
        Scenario::logged_in("twice", repeated, steps)
            .with(|scenario| scenario.config.leniency = Leniency::strict()),
    ]
}

/// A line that is no item is told, and those behind it are items again.
pub(crate) fn a_malformed_line_does_not_end_a_listing() -> Vec<Scenario> {
    let (more, usable) = usable();
    let mut script = talk(&[("UIDL\r\n", "+OK\r\n1 a\r\n2\r\n3 c\r\n.\r\n")]);
    script.extend(more);
    let malformed = fails!(Error::MalformedItem(text) if text.octets() == b"2");
    let seen = [is("1 a"), malformed, is("3 c")];
    let steps = vec![does(Call::Uidl(Take::All), seen), usable];
    vec![Scenario::logged_in("UIDL", script, steps)]
}

/// G9: LIST and UIDL with a message-number are answered for that message.
pub(crate) fn an_answer_for_another_message() -> Vec<Scenario> {
    [
        (Call::ListOne(2), "LIST 2\r\n", "+OK 3 200\r\n"),
        (Call::UidlOne(2), "UIDL 2\r\n", "+OK 3 c\r\n"),
    ]
    .map(|(call, heard, said)| {
        let wrong = fails!(Error::Protocol(ProtocolError::WrongMessage { .. }));
        let script = talk(&[(heard, said)]);
        Scenario::logged_in(heard, script, vec![does(call, [wrong]), over()])
    })
    .into()
}
