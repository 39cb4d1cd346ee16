//! What a line comes to at each point.

use pop3_proto::state::Keyword;
use pop3_proto::{Command, CommandError, Mailbox, MessageNumber, Password};

use crate::server_support::number;

use CommandError::{Arguments, Empty, ForbiddenOctet, TooLong, Unknown, Unsupported, WrongState};

const CAPABILITIES: &str = "+OK capability list follows\r\nTOP\r\nUSER\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n\
                            PIPELINING\r\nUIDL\r\n.\r\n";
const NO_MECHANISMS: &str = "+OK mechanism list follows\r\n.\r\n";

/// What a line comes to at one point.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    Command(Command),
    /// The session answers by itself.
    Session(&'static str),
    Rejected(CommandError),
}

/// A line without its CRLF, and what it comes to in AUTHORIZATION, after USER and in TRANSACTION.
pub(super) struct Row(pub(super) Vec<u8>, pub(super) [Outcome; 3]);

fn everywhere(line: impl AsRef<[u8]>, error: CommandError) -> Row {
    let outcome = Outcome::Rejected(error);
    Row(line.as_ref().to_vec(), [outcome.clone(), outcome.clone(), outcome])
}

fn taken(line: impl AsRef<[u8]>, command: &Command, legal: [bool; 3]) -> Row {
    let wrong = WrongState(command.keyword().expect("a known command"));
    let outcomes =
        legal.map(
            |legal| {
                if legal { Outcome::Command(command.clone()) } else { Outcome::Rejected(wrong) }
            },
        );
    Row(line.as_ref().to_vec(), outcomes)
}

pub(super) fn pass(password: &[u8]) -> Command {
    Command::Pass(Password::opaque(password).expect("a password"))
}

pub(super) fn user(name: &str) -> Command {
    Command::User(Mailbox::new(name).expect("a mailbox"))
}

const AUTHORIZATION: [bool; 3] = [true, false, false];
const AFTER_USER: [bool; 3] = [false, true, false];
const TRANSACTION: [bool; 3] = [false, false, true];
const ANYWHERE: [bool; 3] = [true, true, true];

const DIGEST: &str = "c4c9334bac560ecc979e58001b3e22fb";

/// R1939-3.14, 3.15, 7.11, 7.16, 7.17; R2449-3.01, R2449-4.02, R2449-5.05; classes F1–F12, F21–F26, G6, G7.
#[allow(clippy::too_many_lines, reason = "a table")]
pub(super) fn table() -> Vec<Row> {
    let first = MessageNumber::FIRST;
    let mut rows = vec![
        taken("USER alice", &user("alice"), AUTHORIZATION),
        taken("USER a.b+c/d@e", &user("a.b+c/d@e"), AUTHORIZATION),
        taken("USER %s%n", &user("%s%n"), AUTHORIZATION),
        taken("PASS x", &pass(b"x"), AFTER_USER),
        taken("PASS two words", &pass(b"two words"), AFTER_USER),
        taken("PASS  before", &pass(b" before"), AFTER_USER),
        taken("PASS behind ", &pass(b"behind "), AFTER_USER),
        taken("PASS %n%n", &pass(b"%n%n"), AFTER_USER),
        taken("QUIT", &Command::Quit, ANYWHERE),
        taken("STAT", &Command::Stat, TRANSACTION),
        taken("NOOP", &Command::Noop, TRANSACTION),
        taken("RSET", &Command::Rset, TRANSACTION),
        taken("LIST", &Command::List(None), TRANSACTION),
        taken("LIST 1", &Command::List(Some(first)), TRANSACTION),
        taken("LIST 4294967295", &Command::List(Some(number(u32::MAX))), TRANSACTION),
        taken("LIST 00000000000000000001", &Command::List(Some(first)), TRANSACTION),
        taken("UIDL", &Command::Uidl(None), TRANSACTION),
        taken("UIDL 2", &Command::Uidl(Some(number(2))), TRANSACTION),
        taken("RETR 1", &Command::Retr(first), TRANSACTION),
        taken("DELE 1", &Command::Dele(first), TRANSACTION),
        taken("TOP 1 0", &Command::Top { message: first, lines: 0 }, TRANSACTION),
        taken(
            "TOP 2 00000000000000000010",
            &Command::Top { message: number(2), lines: 10 },
            TRANSACTION,
        ),
        taken(
            "TOP 1 18446744073709551615",
            &Command::Top { message: first, lines: u64::MAX },
            TRANSACTION,
        ),
        Row(
            b"CAPA".to_vec(),
            [
                Outcome::Session(CAPABILITIES),
                Outcome::Rejected(WrongState(Keyword::Capa)),
                Outcome::Session(CAPABILITIES),
            ],
        ),
        // A password that would have to be opaque is refused where a password may stand.
        Row(
            b"PASS p\xe4ss".to_vec(),
            [WrongState(Keyword::Pass), ForbiddenOctet, WrongState(Keyword::Pass)]
                .map(Outcome::Rejected),
        ),
        Row(
            b"PASS a\tb".to_vec(),
            [WrongState(Keyword::Pass), ForbiddenOctet, WrongState(Keyword::Pass)]
                .map(Outcome::Rejected),
        ),
    ];
    for line in ["AUTH", "AUTH "] {
        let listing = Outcome::Session(NO_MECHANISMS);
        let unsupported = Outcome::Rejected(Unsupported(Keyword::Auth));
        rows.push(Row(line.into(), [listing.clone(), listing, unsupported]));
    }
    rows.push(everywhere("", Empty));
    for line in [
        " ",
        "  ",
        " STAT",
        "X",
        "XTND",
        "XTND XMIT",
        "EUIDL",
        "STATS",
        "STA",
        "a:b",
        ":",
        ".",
        "*",
        "+OK",
        "-ERR",
        "MDEF x()",
        "GET / HTTP/1.1",
        "EHLO relay.example",
        "[AUTH]",
        "USER:alice",
        "LIST,1",
    ] {
        rows.push(everywhere(line, Unknown));
    }
    for (line, keyword) in [
        (&*format!("APOP alice {DIGEST}"), Keyword::Apop),
        ("AUTH PLAIN", Keyword::Auth),
        ("AUTH PLAIN =", Keyword::Auth),
        ("STLS", Keyword::Stls),
        ("UTF8", Keyword::Utf8),
        ("LANG", Keyword::Lang),
        ("LANG en", Keyword::Lang),
    ] {
        rows.push(everywhere(line, Unsupported(keyword)));
    }
    for (line, keyword) in [
        ("AUTH  ", Keyword::Auth),
        ("AUTH PLAIN =AAA", Keyword::Auth),
        ("AUTH PLAIN\\", Keyword::Auth),
        ("LANG ", Keyword::Lang),
        ("LANG en fr", Keyword::Lang),
    ] {
        rows.push(everywhere(line, Arguments(keyword)));
    }
    for keyword in [
        Keyword::Stat,
        Keyword::Noop,
        Keyword::Rset,
        Keyword::Capa,
        Keyword::Quit,
        Keyword::Stls,
        Keyword::Utf8,
    ] {
        for rest in [" ", "  ", " x", " 1", " AAAAAAAAAAAAAAAAAAAA"] {
            rows.push(everywhere(format!("{keyword}{rest}"), Arguments(keyword)));
        }
    }
    for rest in ["", " ", "  ", "  alice", " alice ", " a b"] {
        rows.push(everywhere(format!("USER{rest}"), Arguments(Keyword::User)));
    }
    for rest in ["", " "] {
        rows.push(everywhere(format!("PASS{rest}"), Arguments(Keyword::Pass)));
    }
    for rest in ["", " ", " alice", " alice ", " alice 1", &format!("  alice {DIGEST}")] {
        rows.push(everywhere(format!("APOP{rest}"), Arguments(Keyword::Apop)));
    }
    for digest in [
        DIGEST.to_uppercase(),
        format!("{DIGEST} "),
        format!(" {DIGEST}"),
        format!("{DIGEST}0"),
        "a".repeat(400),
    ] {
        rows.push(everywhere(format!("APOP alice {digest}"), Arguments(Keyword::Apop)));
    }
    for keyword in [Keyword::List, Keyword::Uidl, Keyword::Retr, Keyword::Dele] {
        let optional = matches!(keyword, Keyword::List | Keyword::Uidl);
        for rest in ["", " ", "  1", " 1 ", " 1 2", " +1", " -1", " x", " 1x", " 0x1", " 1,2"] {
            if !(optional && rest.is_empty()) {
                rows.push(everywhere(format!("{keyword}{rest}"), Arguments(keyword)));
            }
        }
        for rest in [
            "0",
            "00000000000000000000",
            "4294967296",
            "4294967297",
            "18446744073709551615",
            "18446744073709551616",
            "000000000000000000001",
            "99999999999999999999999999999999",
        ] {
            rows.push(everywhere(
                format!("{keyword} {rest}"),
                CommandError::MessageNumber(keyword),
            ));
        }
    }
    for rest in [
        "",
        " ",
        " 1",
        " 1 ",
        "  1 1",
        " 1  1",
        " 1 1 ",
        " 1 1 1",
        " 1 -1",
        " 1 x",
        " x 1",
        " -1 1",
        " 1 99999999999999999999",
        " 1 18446744073709551616",
        " 1 000000000000000000001",
    ] {
        rows.push(everywhere(format!("TOP{rest}"), Arguments(Keyword::Top)));
    }
    for rest in [" 0 1", " 4294967296 1", " 99999999999999999999 1"] {
        rows.push(everywhere(format!("TOP{rest}"), CommandError::MessageNumber(Keyword::Top)));
    }
    for line in [
        &b"\0"[..],
        b"\t",
        b"\tSTAT",
        b"STAT\t",
        b"LIST\t1",
        b"LIST 1\t",
        b"USER\talice",
        b"PASS\tx",
        b"US\0ER a",
        b"USER root\0x",
        b"PASS a\0",
        b"RETR 1\0",
        b"USER \xe4",
        b"RETR \xd9\xa1",
        b"\xffSTAT",
        b"NOOP\x7f",
        b"NOOP\x1b[2J",
        b"US\rER a",
        b"NOOP\rDELE 1",
        b"NOOP\r",
        b"\r",
        b"PASS a\rb",
        b"\x16\x03\x01\x02",
    ] {
        rows.push(everywhere(line, ForbiddenOctet));
    }
    // R2449-4.02: 255 octets must be taken, 512 are; the limit counts the CRLF.
    for octets in [255, 256, 511, 512, 513, 514, 1024, 2047, 2048] {
        let fill = |start: &str| format!("{start}{}", "A".repeat(octets - 2 - start.len()));
        let [name, password, unknown, list, noop] =
            ["USER ", "PASS ", "X", "LIST 1 ", "NOOP "].map(fill);
        if octets > 512 {
            rows.extend(
                [name, password, unknown, list, noop].map(|line| everywhere(line, TooLong)),
            );
        } else {
            rows.push(taken(&name, &user(&name[5..]), AUTHORIZATION));
            rows.push(taken(&password, &pass(&password.as_bytes()[5..]), AFTER_USER));
            rows.push(everywhere(unknown, Unknown));
            rows.push(everywhere(list, Arguments(Keyword::List)));
            rows.push(everywhere(noop, Arguments(Keyword::Noop)));
        }
    }
    rows
}
