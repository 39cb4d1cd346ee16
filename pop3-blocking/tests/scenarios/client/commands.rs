//! What each command of a client gives, and what is refused.

use pop3_blocking::Error;

use super::{Scenario, opens, usable};
use crate::scenarios::{Call, Take, does, fails, is, says, talk};
use crate::support::{Act, expect, send};

/// R1939-6.01, I5: every command once, and QUIT to commit.
pub(crate) fn a_whole_session_in_pieces_of_every_size() -> Vec<Scenario> {
    let mut script = talk(&[("STAT\r\n", "+OK 2 320\r\n")]);
    script.extend([expect("LIST\r\n"), Act::Interrupt]);
    script.push(send("+OK 2 messages (320 octets)\r\n1 120\r\n2 200\r\n.\r\n"));
    script.extend(talk(&[
        ("UIDL\r\n", "+OK\r\n1 a\r\n2 b\r\n.\r\n"),
        ("LIST 2\r\n", "+OK 2 200\r\n"),
        ("UIDL 2\r\n", "+OK 2 b\r\n"),
        ("RETR 1\r\n", "+OK 120 octets\r\none\r\n..two\r\n\r\n.\r\n"),
        ("TOP 2 0\r\n", "+OK\r\nSubject: x\r\n\r\n.\r\n"),
        ("XRAW\r\n", "+OK\r\nline\r\n.\r\n"),
        ("DELE 1\r\n", "+OK marked\r\n"),
        ("NOOP\r\n", "+OK\r\n"),
        ("RSET\r\n", "+OK\r\n"),
        ("QUIT\r\n", "+OK bye\r\n"),
    ]));
    let steps = vec![
        does(Call::Stat, [is("2 320")]),
        does(Call::List(Take::All), [is("1 120"), is("2 200")]),
        does(Call::Uidl(Take::All), [is("1 a"), is("2 b")]),
        does(Call::ListOne(2), [is("2 200")]),
        does(Call::UidlOne(2), [is("2 b")]),
        does(Call::Retr(1, Take::All), [is("one\r\n.two\r\n\r\n")]),
        does(Call::Top(2, 0, Take::Reads(99)), [is("Subject: x\r\n\r\n")]),
        does(Call::Raw("XRAW", Take::All), [is("line\r\n")]),
        does(Call::Dele(1), [is("+OK marked")]),
        does(Call::Noop, [is("+OK ")]),
        does(Call::Rset, [is("+OK ")]),
        does(Call::Quit, [is("deletions were committed")]),
    ];
    vec![Scenario::logged_in("every command", script, steps)]
}

/// R1939-3.10, I1: a body is the same however it is read.
pub(crate) fn a_body_reads_the_same_in_every_way() -> Vec<Scenario> {
    let takes = [
        Take::Reads(1),
        Take::Reads(3),
        Take::Reads(4096),
        Take::Lines,
        Take::All,
        Take::First(19),
        Take::UpTo(19),
    ];
    let reply = "+OK\r\n..dots\r\n\r\n...\r\nlast\r\n.\r\n";
    let script = takes.iter().flat_map(|_| talk(&[("RETR 1\r\n", reply)])).collect();
    let octets = || is(".dots\r\n\r\n..\r\nlast\r\n");
    let steps = takes.map(|take| does(Call::Retr(1, take), [octets()]));
    vec![Scenario::logged_in("a body", script, steps.into())]
}

/// D20, E13: no message is as long as a server announces, and what a caller will not hold is no end.
pub(crate) fn a_message_is_as_long_as_it_is() -> Vec<Scenario> {
    let (more, usable) = usable();
    let mut script = talk(&[
        ("RETR 1\r\n", "+OK 5 octets\r\n0123456789\r\n.\r\n"),
        ("RETR 1\r\n", "+OK 99999999999 octets\r\n0123456789\r\n.\r\n"),
        ("RETR 1\r\n", "+OK 5 octets\r\n0123456789\r\n.\r\n"),
    ]);
    script.extend(more);
    let too_large = fails!(Error::TooLarge { limit: 5 });
    let steps = vec![
        does(Call::Retr(1, Take::All), [is("0123456789\r\n")]),
        does(Call::Retr(1, Take::UpTo(12)), [is("0123456789\r\n")]),
        does(Call::Retr(1, Take::UpTo(5)), [too_large]),
        usable,
    ];
    vec![Scenario::logged_in("RETR", script, steps)]
}

/// R6856-2.1.01, R6856-3.1.01, R6856-3.2.03, R6856-3.2.04, R6856-3.2.05: UTF-8 mode before the login, languages
/// before and after.
pub(crate) fn utf8_and_languages() -> Vec<Scenario> {
    let languages = "+OK Language listing follows:\r\nen English\r\nsv Svenska \u{e5}\r\n\
                     i-default\r\n.\r\n";
    let mut script = vec![send("+OK ready\r\n")];
    script.extend(talk(&[
        ("UTF8\r\n", "+OK UTF8 enabled\r\n"),
        ("LANG\r\n", languages),
        ("USER mrose\r\n", "+OK\r\n"),
        ("PASS x\r\n", "+OK\r\n"),
        ("LANG uga\r\n", "-ERR Ce Language n'est pas support\u{e9}\r\n"),
        ("LANG *\r\n", "+OK fr La Language commande a ex\u{e9}cut\u{e9}e\r\n"),
    ]));
    let steps = vec![
        opens(),
        does(Call::Utf8, [is("done")]),
        does(Call::Languages, [is("en English, sv Svenska \u{e5}, i-default ")]),
        does(Call::UserPass("mrose", "x"), [is("USER")]),
        does(Call::ChooseLanguage("uga"), [fails!(Error::Refused(_))]),
        does(Call::ChooseLanguage("*"), [is("fr La Language commande a ex\u{e9}cut\u{e9}e")]),
    ];
    vec![Scenario::new("UTF8 and LANG", script, steps)]
}

/// H3: `-ERR` is an answer like any other.
pub(crate) fn a_refusal_leaves_the_session_usable() -> Vec<Scenario> {
    let refused = || fails!(Error::Refused(response) if response.text.octets() == b"no");
    [
        (Call::Stat, "STAT\r\n"),
        (Call::List(Take::All), "LIST\r\n"),
        (Call::ListOne(1), "LIST 1\r\n"),
        (Call::Uidl(Take::All), "UIDL\r\n"),
        (Call::UidlOne(1), "UIDL 1\r\n"),
        (Call::Retr(1, Take::All), "RETR 1\r\n"),
        (Call::Top(1, 1, Take::All), "TOP 1 1\r\n"),
        (Call::Dele(1), "DELE 1\r\n"),
        (Call::Rset, "RSET\r\n"),
        (Call::Capa, "CAPA\r\n"),
    ]
    .into_iter()
    .map(|(call, heard)| {
        let (more, usable) = usable();
        let script = talk(&[(heard, "-ERR no\r\n")]).into_iter().chain(more).collect();
        Scenario::logged_in(heard, script, vec![does(call, [refused()]), usable])
    })
    .collect()
}

/// R1939-6.02, I9: the three outcomes of QUIT, and the one that removes nothing.
pub(crate) fn quit_has_three_outcomes() -> Vec<Scenario> {
    let closed = || fails!(Error::Closed { farewell: None });
    let unknown = || is("the answer to QUIT never came: deletions may or may not be committed");
    let mut scenarios: Vec<_> = [
        (send("+OK\r\n"), vec![is("deletions were committed")]),
        (
            send("-ERR some deleted messages not removed\r\n"),
            vec![is("the server refused to commit: some or no messages were removed")],
        ),
        (Act::Close, vec![unknown(), closed()]),
        (Act::Reset, vec![unknown(), closed()]),
        (Act::Silence, vec![unknown(), says!("timed out waiting for the reply to QUIT")]),
    ]
    .into_iter()
    .map(|(act, seen)| {
        let name = format!("QUIT, and {act:?}");
        let script = vec![expect("QUIT\r\n"), act];
        Scenario::logged_in(name, script, vec![does(Call::Quit, seen)])
    })
    .collect();
    let script = vec![send("+OK\r\n"), expect("QUIT\r\n"), send("+OK\r\n")];
    let steps = vec![opens(), does(Call::Quit, [is("nothing was removed")])];
    scenarios.push(Scenario::new("QUIT in AUTHORIZATION", script, steps));
    scenarios
}
