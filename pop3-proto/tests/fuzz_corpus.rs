//! The bodies of the fuzz targets, over their whole corpora and over random octets: what the fuzzer once found stays found.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use pop3_proto::fuzzing;
use proptest::collection::vec;
use proptest::prelude::*;

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target)
}

/// The files of a folder that has some, in their order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

fn over(files: Vec<PathBuf>, body: impl Fn(&[u8])) {
    for file in files {
        let octets = fs::read(&file).unwrap();
        let ran = catch_unwind(AssertUnwindSafe(|| body(&octets)));
        assert!(ran.is_ok(), "{} fails", file.display());
    }
}

/// Runs `body` over every file of a corpus, and over what was found beside it; one that is missing or empty is a mistake.
fn over_corpus(target: &str, body: fn(&[u8])) {
    over(files(&corpus(target)), body);
    over(files(&corpus(target).join("found")), body);
}

/// T24, C18.1, C18.2, S18.3: every session of the corpora that has a name, ended behind every octet of the peer.
#[test]
fn every_session_ends_anywhere() {
    over(files(&corpus("client_session")), fuzzing::client_session_cut_anywhere);
    over(files(&corpus("server_session")), |script| {
        for at in (9..script.len()).step_by(1 + script.len() / 256) {
            let end = if at % 2 == 0 { b"\0E" } else { b"\0e" };
            fuzzing::server_session(&[&script[..at], end].concat());
        }
    });
}

/// What becomes of each login of the corpus that has a name, by how it says so.
const LOGINS: &[(&str, &str)] = &[
    (
        "TLS is required and the server does not offer it",
        "attacker-strikes-stls-off clear-stls-required-nothing-leaves stls-stripped \
         together-no-stls",
    ),
    ("logged in by ANONYMOUS", "anonymous together-anonymous"),
    (
        "logged in by APOP",
        "apop-on-request stls-timestamp-kept together-apop together-utf8-password-apop \
         utf8-apop-prepared",
    ),
    ("logged in by CRAM-MD5", "cram-md5 list-twice-sasl together-cram-md5"),
    ("logged in by EXTERNAL", "external external-for-another together-certificate"),
    ("logged in by LOGIN", "first-of-those-announced login together-login"),
    ("logged in by OAUTHBEARER", "oauthbearer together-token"),
    (
        "logged in by PLAIN",
        "clear-allowed list-in-lower-case list-in-two-rounds list-malformed \
         mechanism-of-the-callers-own plain plain-for-another plain-too-long-for-its-line \
         plain-without-initial-response scram-not-where-prohibited scram-not-without-a-nonce \
         stls stls-octets-in-place-of-tls stls-preferred together-plain-for-another",
    ),
    ("logged in by SCRAM-SHA-1", "scram-sha-1"),
    ("logged in by SCRAM-SHA-1-PLUS", "scram-sha-1-plus together-stls-from-a-trusted-channel"),
    (
        "logged in by SCRAM-SHA-256",
        "scram-for-another scram-plus-not-offered scram-prepared scram-sha-256 \
         together-best-without-binding together-utf8-name-prepared",
    ),
    (
        "logged in by SCRAM-SHA-256-PLUS",
        "attacker-lists-what-he-likes scram-plus-with-end-point scram-sha-256-plus \
         stls-to-scram-plus together-the-best together-the-best-behind-stls",
    ),
    (
        "logged in by USER",
        "apop-not-without-request clear-trusted greeting-lower-case \
         greeting-tells-the-password list-ended-by-a-dot-line list-refused-behind-the-login \
         list-with-bad-names login-not-for-a-long-name password-that-is-no-text password-that-holds-a-control \
         stls-downgrade-in-tls stls-list-not-given-again stls-without-capabilities \
         together-password-that-is-no-text together-user-and-pass \
         together-user-and-pass-in-clear together-utf8-name user-and-pass \
         user-and-pass-and-no-more user-and-pass-without-capabilities \
         user-where-nothing-is-listed utf8-name-announced utf8-name-unannounced-by-policy \
         welcome-with-a-bare-plus",
    ),
    ("logged in by XOAUTH2", "together-xoauth2 xoauth2"),
    ("no login by NTLM", "only-a-mechanism-nobody-has"),
    ("the connection broke", "eof-in-an-exchange stls-handshake-fails"),
    (
        "the server closed the connection while waiting for",
        "attacker-injects-behind-stls eof-before-greeting eof-before-list \
         eof-before-list-behind-the-login eof-before-pass eof-before-user list-without-end \
         stls-eof-before-tls stls-no-tls-and-welcomed",
    ),
    ("the greeting holds no timestamp", "apop-without-timestamp"),
    (
        "the login by PLAIN was given up",
        "plain-challenged-before-its-message plain-challenged-behind-its-message",
    ),
    ("the login by SCRAM-SHA-256 was given up: 4095", "scram-too-few-iterations"),
    (
        "the security policy forbids AUTH in clear",
        "clear-implicit-nothing-leaves clear-stls-preferred-nothing-leaves \
         stls-stripped-where-preferred together-policy-forbids-clear",
    ),
    (
        "the security policy forbids USER in clear",
        "clear-only-user clear-required-but-not-asked-for greeting-claims-a-login",
    ),
    ("the send policy forbids APOP", "outlook-sends-no-apop"),
    ("the send policy forbids PASS", "outlook-sends-no-utf8"),
    (
        "the server accepted the login without having proved",
        "login-welcome-too-early scram-forged-signature scram-welcome-at-once \
         scram-welcome-unproven",
    ),
    ("the server closed the connection", "password-echoed-in-farewell"),
    ("the server closed the connection: too slow", "farewell-behind-the-greeting"),
    (
        "the server did not greet",
        "greeting-lower-case-strict greeting-tells-the-password-behind-an-escaped-octet",
    ),
    (
        "the server ended a line without CR",
        "attacker-drops-an-octet stls-answered-in-bare-line-feed",
    ),
    (
        "the server offers no acceptable way to log in",
        "no-method-acceptable utf8-name-not-announced",
    ),
    (
        "the server offers no acceptable way to log in; it announces",
        "list-of-many-mechanisms mechanism-of-the-callers-own-not-offered no-method \
         only-a-mechanism-that-is-not-listed stls-list-of-the-clear-forgotten",
    ),
    ("the server refused service: full", "greeting-refused"),
    (
        "the server refused the login by APOP:",
        "apop-refused-and-nothing-weaker together-wrong-apop",
    ),
    (
        "the server refused the login by OAUTHBEARER:",
        "oauthbearer-refused-with-reasons together-stale-token",
    ),
    (
        "the server refused the login by PLAIN:",
        "plain-refused-and-nothing-weaker together-back-end-down",
    ),
    (
        "the server refused the login by SCRAM-SHA-256:",
        "attacker-alters-a-scram-proof scram-refused-and-nothing-weaker \
         together-wrong-password",
    ),
    (
        "the server refused the login by USER, with a text that is withheld",
        "password-echoed-in-refusal",
    ),
    (
        "the server refused the login by USER:",
        "pass-refused-and-nothing-else terminal-escapes together-wrong-user-pass user-refused",
    ),
    (
        "the server refused to begin TLS",
        "attacker-refuses-stls stls-list-stripped stls-refused stls-refused-where-preferred",
    ),
    (
        "the server sent something in clear where TLS",
        "attacker-answers-stls-himself stls-half-a-line-injected stls-octets-injected",
    ),
    (
        "the server sent something that nothing had",
        "attacker-welcomes reply-before-its-command reply-to-pass-before-it \
         stls-answered-before-it-left",
    ),
    ("the server's reply has a malformed line", "list-malformed-strict"),
    (
        "the server's reply is neither +OK nor -ERR: (withheld",
        "continued-where-no-exchange-is password-echoed-by-the-list-behind-it",
    ),
    ("timed out waiting for the reply to AUTH", "timed-out-in-the-exchange"),
];

/// Every login of the corpus that has a name comes to what its name says.
#[test]
fn every_login_comes_to_what_its_name_says() {
    let files = files(&corpus("login"));
    let mut left: BTreeSet<_> =
        files.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    for (end, names) in LOGINS {
        for name in names.split_whitespace() {
            assert!(left.remove(name), "{name} is not there");
            let octets = fs::read(corpus("login").join(name)).unwrap();
            let found = match fuzzing::login_comes_to(&octets).expect("a script") {
                Ok(method) => format!("logged in by {method}"),
                Err(error) => error.to_string(),
            };
            assert!(found.starts_with(end), "{name}: {found}");
        }
    }
    assert!(left.is_empty(), "not in the list: {left:?}");
}

/// The plan in `fuzz/README.md` names what there is: targets, and tests that are in the file where it says so.
#[test]
fn the_plan_names_what_there_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let plan = fs::read_to_string(root.join("fuzz/README.md")).unwrap();
    let (_, plan) = plan.split_once("## Where what is asserted").unwrap();
    let rows: Vec<_> = plan.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() >= 20, "{} rows", rows.len());
    for row in rows {
        let (_, held) = row.trim_end_matches(" |").rsplit_once(" | ").unwrap();
        let mut names = held.split('`').skip(1).step_by(2).peekable();
        assert!(names.peek().is_some() || held == "every target", "nobody holds: {row}");
        for name in names {
            let there = match name.split_once("::") {
                Some((file, test)) => {
                    fs::read_to_string(root.join(file)).unwrap().contains(&format!("fn {test}("))
                }
                None if name.starts_with(".ci/run ") => {
                    let steps = fs::read_to_string(root.join(".ci/run")).unwrap();
                    name.split(' ').skip(1).all(|step| steps.contains(&format!("step_{step}()")))
                }
                None => root.join("fuzz/corpus").join(name).is_dir(),
            };
            assert!(there, "{name} is nowhere");
        }
    }
}

/// Octets in which the words of the protocol come up, some of them behind a NUL, where a script has what the caller does.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "+OK",
        "-ERR",
        "+",
        "+ ",
        "\r\n",
        ".\r\n",
        "\r\n.\r\n",
        "\r\n..",
        ".",
        "\n",
        "\r",
        " ",
        "\t",
        "1",
        "2 320",
        "0",
        "1 120\r\n",
        "2 a\r\n",
        "+OK\r\n",
        "+OK\r\n.\r\n",
        "-ERR [SYS/TEMP] x\r\n",
        "PIPELINING\r\n",
        "PASS ",
        "USER ",
        "<a@b>",
        "[AUTH]",
        "4294967296",
        "AQ==",
        "\u{202e}",
        "\x1b[31m",
        "RETR 1",
        "TOP 1 0",
        "Subject: x\r\n\r\n",
        "+OK\r\n\0p+OK\r\n",
        "\0u+OK\r\n\0p+OK\r\n",
        "+ QUJD\r\n",
        "+ =\r\n",
        "+ go ahead\r\n",
        "\0o+ \r\n\0k",
        "\0O+OK\r\n",
        "\0YP+ \r\n\0|",
        "\0YL+ \r\n\0|+ \r\n\0|+OK\r\n",
        "\0YC+ QUJD\r\n\0|",
        "\0YS+ \r\n\0|+ cj1meWtvUyxzPUFBQUEsaT00\r\n\0|",
        "\0S+OK\r\n\0V",
        "\0S-ERR\r\n",
        "en English\r\n",
        "CRAM-MD5",
    ];
    let acts = &b"*uapslLiIrtdnzcqxXhwWAB-TEe|oO=kK!mMSV8gG"[..];
    let piece = prop_oneof![
        6 => prop::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        3 => (prop::sample::select(acts.to_vec()), prop::sample::select(&b"0123"[..])).prop_map(|(act, argument)| {
            if b"*LIrtdWAB".contains(&act) { vec![0, act, argument] } else { vec![0, act] }
        }),
        1 => vec(any::<u8>(), 0..12),
        1 => (vec(any::<u8>(), 1..4), 1..300_usize).prop_map(|(piece, times)| piece.repeat(times)),
    ];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// A session's script: its configuration, mostly with the greeting or the login done.
fn script() -> impl Strategy<Value = Vec<u8>> {
    let heads = [
        "T0A00PC",
        "S0P00PC",
        "O0P00PC",
        "T2PxxPC",
        "T0PzQPC",
        "o0N00RC",
        "S1Ap0IT",
        "T0P\x03\x02PL",
    ];
    let login = "+OK\r\n\0u+OK\r\n\0p+OK\r\n";
    let beginnings = ["", "+OK\r\n", "+OK <a@b>\r\n", login, login];
    (
        prop::sample::select(heads.to_vec()),
        any::<[u8; 2]>(),
        prop::sample::select(beginnings.to_vec()),
        octets(),
    )
        .prop_map(|(head, seed, beginning, octets)| {
            [head.as_bytes(), &seed, beginning.as_bytes(), &octets].concat()
        })
}

/// What a client sends and what the caller does: configuration, a message or two, mostly a login.
fn server_script() -> impl Strategy<Value = Vec<u8>> {
    let heads = [
        "00C0000",
        "00T0000",
        "23L0000",
        "4<C0000",
        "10C@\x08z\x15",
        "00C\x14\x01\x14z",
        "02Cz@00",
        "p0C0000",
        "ppE0000",
        "ppC0000",
        "ppT0000",
        "ppCz\x13\x20\x2a",
        "rpE\x46000",
    ];
    let words = [
        "USER a\r\n",
        "PASS hunter2\r\n",
        "PASS h\u{e4}hunter2\r\n",
        "APOP a c4c9334bac560ecc979e58001b3e22fb\r\n",
        "AUTH PLAIN\r\n",
        "AUTH plain =\r\n",
        "AUTH SCRAM-SHA-256 AQ==\r\n",
        "AUTH X\r\n",
        "AQ==\r\n",
        "*\r\n",
        "=\r\n",
        "STLS\r\n",
        "STLS\r\n\0|",
        "STLS x\r\n",
        " stls\r\n",
        "UTF8\r\n",
        "LANG\r\n",
        "LANG en\r\n",
        "QUIT\r\n",
        "STAT\r\nNOOP\r\n",
        "LIST\r\n",
        "list 2\r\n",
        "UIDL\r\n",
        "UIDL 1\r\n",
        "RETR 1\r\n",
        "RETR 2\r\n",
        "TOP 1 0\r\n",
        "TOP 2 1\r\n",
        "DELE 1\r\n",
        "RSET\r\n",
        "CAPA\r\n",
        "AUTH\r\n",
        "X\r\n",
        "\r\n",
        "QUIT",
        "\n",
        "\r",
        " ",
    ];
    let acts = [
        "D", "N", "R0", "R1", "R:", "R@", "F", "X", "B\x02", "B\x30", "g", "h", "w", "W\x09", "x",
        "-", "E", "e", "|", "*\x40",
    ];
    let piece = prop_oneof![
        8 => prop::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        2 => prop::sample::select(acts.to_vec()).prop_map(|act| format!("\0{act}").into_bytes()),
        1 => vec(any::<u8>(), 0..12),
        1 => (vec(any::<u8>(), 1..4), 1..300_usize).prop_map(|(piece, times)| piece.repeat(times)),
    ];
    let message = vec(prop::sample::select(&b"..\r\n\na:"[..]), 0..80);
    (
        prop::sample::select(heads.to_vec()),
        any::<[u8; 2]>(),
        vec(message, 0..4),
        any::<bool>(),
        vec(piece, 0..24),
    )
        .prop_map(|(head, seed, messages, logged_in, pieces)| {
            let mut script = [head.as_bytes(), &seed].concat();
            for message in messages {
                script.extend_from_slice(&[&message[..], b"\0/"].concat());
            }
            if logged_in {
                script.extend_from_slice(b"USER a\r\nPASS b\r\n");
            }
            script.extend_from_slice(&pieces.concat());
            script
        })
}

/// What a client does with a server of this library, and where the link between them ends.
fn pair_script() -> impl Strategy<Value = Vec<u8>> {
    let heads = ["TP000000", "SA00000\x0b", "oPz\x0500\x10\x05", "TN0000\x01\x01", "SPz\x0133z0"];
    let piece = prop_oneof![
        4 => prop::sample::select(vec!["s", "l", "i", "n", "z", "c", "A", "w", "-"]).prop_map(String::from),
        4 => (prop::sample::select(vec!["L", "I", "r", "r", "t", "T", "d", "b"]), 0..4).prop_map(|(act, n)| format!("{act}{n}")),
        1 => Just(String::from("q")),
    ];
    let message = vec(prop::sample::select(&b"..\r\n\na:\x01"[..]), 0..80);
    (
        prop::sample::select(heads.to_vec()),
        any::<[u8; 2]>(),
        prop::sample::select(&b"000\x01\x02\x03\x04\x05\x06\x07"[..]),
        any::<u8>(),
        vec(message, 0..4),
        vec(piece, 0..24),
    )
        .prop_map(|(head, sizes, how, at, messages, pieces)| {
            let mut script = [head.as_bytes(), &sizes, &[how, at]].concat();
            for message in messages {
                script.extend_from_slice(&[b"\0", &message[..], b"\0"].concat());
            }
            script.extend_from_slice(pieces.concat().as_bytes());
            script
        })
}

/// One side of a mechanism and what it is told, or both and what somebody does to a message.
fn sasl_script() -> impl Strategy<Value = Vec<u8>> {
    let parts = prop::sample::select(vec![
        "n,,",
        "y,,",
        "p=tls-exporter,,",
        "n,a=shared,",
        "n=tim,r=abc",
        "c=\x02c,r=\x02r,p=\x02k",
        "r=\x02nS,s=\x02s,i=4",
        "v=\x02v",
        ",x=y",
        "m=x,",
        "e=other-error",
        "i=0",
        "=2C",
        "tim",
        "\0tim\0hunter2",
        "hunter2",
        " \x02d",
        "user=tim\x01auth=Bearer \x02t\x01\x01",
        "n,,\x01auth=Bearer \x02t\x01\x01",
        ",",
        "=",
    ]);
    let message = prop_oneof![
        6 => vec(parts, 0..4).prop_map(|parts| parts.concat().into_bytes()),
        1 => vec(any::<u8>(), 0..12),
    ];
    let alone = vec(message, 1..4).prop_map(|messages| messages.join(&0xff));
    let altered =
        (0..5_u8, prop::sample::select(&b"idruc^wa"[..]), any::<u8>(), vec(any::<u8>(), 0..4))
            .prop_map(|(message, how, at, octets)| {
                [&[message, how, at % 64][..], &octets].concat()
            });
    (
        prop::sample::select(&b"PLCxoeasS"[..]),
        prop_oneof![
            (prop::sample::select(&b"csS"[..]), alone),
            (prop::sample::select(&b"bB"[..]), altered),
        ],
        any::<u8>(),
        prop::sample::select(&b"000\x00\x01\x02\x03\x04\x05\x06\x08"[..]),
    )
        .prop_map(|(kind, (play, rest), choices, answers)| {
            [&[kind, play, choices, answers][..], &rest].concat()
        })
}

/// Who logs in where, and what a server says to it; or what one of this library offers, and who is between.
fn login_script() -> impl Strategy<Value = Vec<u8>> {
    let rounds = prop::sample::select(vec![
        "+OK ready\r\n",
        "+OK ready <1896.697@x.example>\r\n",
        "+OK\r\nUSER\r\n.\r\n",
        "+OK\r\nSTLS\r\nSASL PLAIN\r\n.\r\n",
        "+OK\r\nSASL LOGIN XOAUTH2\r\nUTF8 USER\r\n.\r\n",
        "+OK\r\nSASL CRAM-MD5 OAUTHBEARER EXTERNAL\r\n.\r\n",
        "+OK\r\n",
        "-ERR [AUTH] no\r\n",
        "-ERR what is hunter2\r\n",
        "+ \r\n",
        "+ PDFAeD4=\r\n",
        "+OK\r\n\0V",
        "+OK\r\n\0N",
        "+OK\r\n+OK\r\n",
        "+OK",
        "\0E",
        "\0T",
        "\x1b[31m\r\n",
    ]);
    let piece = prop_oneof![
        9 => rounds.prop_map(|round| [round.as_bytes(), b"\0|"].concat()),
        1 => vec(any::<u8>(), 0..12),
    ];
    let greeting =
        prop::sample::select(vec!["+OK ready\r\n\0|", "+OK <1896.697@x.example>\r\n\0|", ""]);
    let alone = (greeting, vec(piece, 0..10))
        .prop_map(|(greeting, pieces)| [greeting.as_bytes(), &pieces.concat()].concat());
    // Without SCRAM, which takes its time.
    let together = (0..8_u8, 0..8_u8, 0..128_u8, any::<[u8; 2]>(), vec(any::<u8>(), 0..12))
        .prop_map(|(low, high, offers, sizes, edit)| {
            [&[low, high, offers, sizes[0], sizes[1]][..], &edit].concat()
        });
    let [preset, security, channel, stls] =
        [&b"TSOo"[..], b"IROP", b"TLCC", b"---RON"].map(prop::sample::select);
    (
        prop_oneof![alone.prop_map(|rest| (b'A', rest)), together.prop_map(|rest| (b'T', rest))],
        (preset, security, channel, stls),
        prop::sample::select(&b"BBBmuaPLCoxeyn0FGH"[..]),
        prop::sample::select(&b"pP89lbdtcCa"[..]),
        (any::<u8>(), any::<[u8; 2]>()),
    )
        .prop_map(
            |((play, rest), (preset, security, channel, stls), choice, who, (more, sizes))| {
                let head = [play, preset, security, channel, stls, choice, who, more];
                [&head[..], &sizes, &rest].concat()
            },
        )
}

macro_rules! targets {
    ($($target:ident: $input:expr;)*) => {
        mod corpus {
            use super::*;

            $(#[test]
            fn $target() {
                over_corpus(stringify!($target), fuzzing::$target);
            })*
        }

        mod random {
            use super::*;

            proptest! {
                #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

                $(#[test]
                fn $target(input in $input) {
                    fuzzing::$target(&input);
                })*
            }
        }

        /// A target that nobody runs would go unnoticed.
        #[test]
        fn every_corpus_has_its_target() {
            let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
            for entry in fs::read_dir(corpora).unwrap() {
                let name = entry.unwrap().file_name();
                assert!([$(stringify!($target)),*].iter().any(|target| *target == name), "{name:?}");
            }
        }
    };
}

targets! {
    client_session: script();
    multiline: octets();
    stuffing: octets();
    command_roundtrip: octets();
    response_roundtrip: octets();
    server_session: server_script();
    pair: pair_script();
    sasl_exchange: sasl_script();
    login: login_script();
}
