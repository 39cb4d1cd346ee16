//! What leaves in clear where TLS is required, and what of the clear outlives it: whatever the server says, whatever the
//! caller tries.

use pop3_proto::client::{Channel, ClientConfig, Eof, Pipelining, Security, Waiting};
use pop3_proto::{
    ApopDigest, Base64, Command, LanguageRange, Mailbox, MechanismName, Password, RawFraming,
};
use proptest::prelude::*;

use crate::support::{
    self, CANARY, DIGEST, GREETING, Run, Step, apop, auth, pass, presets, s, shows_the_canary, user,
};

/// The canary in base64, in its three alignments.
const ALIGNED: [&str; 3] = ["VHIwdWI0ZG9yJjM=", "eFRyMHViNGRvciYz", "eHlUcjB1YjRkb3ImMw=="];

/// Every command that there is, a credential in each that can hold one.
fn commands() -> Vec<Command> {
    let mailbox = Mailbox::new(CANARY).unwrap();
    let digest = ApopDigest::new(DIGEST).unwrap();
    let mechanism = || MechanismName::new("PLAIN").unwrap();
    let initial = |text: &&str| Some(Base64::new(text).unwrap());
    let mut commands = vec![
        Command::User(mailbox.clone()),
        Command::Pass(Password::new(CANARY).unwrap()),
        Command::Apop { mailbox, digest },
        Command::Auth { mechanism: mechanism(), initial: None },
        Command::Mechanisms { trailing_space: true },
        Command::Utf8,
        Command::Lang(None),
        Command::Lang(Some(LanguageRange::Default)),
        Command::Stat,
        Command::List(None),
        Command::Noop,
        Command::raw(&format!("XAUTH {CANARY}"), RawFraming::SingleLine).unwrap(),
        Command::raw("XTND", RawFraming::Multiline).unwrap(),
        Command::Capa,
        Command::Stls,
        Command::Quit,
    ];
    commands.extend(
        ALIGNED.iter().map(|text| Command::Auth { mechanism: mechanism(), initial: initial(text) }),
    );
    commands
}

/// What the caller and the server do.
#[derive(Clone, Debug)]
enum Act {
    Say(Vec<u8>),
    Try(Command),
    Answer(&'static str),
    CancelAuth,
    /// Gives up the command that was taken last.
    Abandon,
    Write(usize),
    End(Eof),
}

fn said() -> impl Strategy<Value = Vec<u8>> {
    let plausible = prop::sample::select(vec![
        "+OK\r\n",
        "+OK Begin TLS\r\n",
        "-ERR no\r\n",
        "-ERR [AUTH] no\r\n",
        "+ \r\n",
        "+ QUJD\r\n",
        "+\r\n",
        "+ok\r\n",
        ".\r\n",
        "+OK\r\nSTLS\r\nSASL PLAIN\r\nUSER\r\nPIPELINING\r\n.\r\n",
        "+OK\r\nSASL PLAIN LOGIN\r\nUSER\r\nPIPELINING\r\n.\r\n",
        "+OK\r\nPLAIN\r\nLOGIN\r\n.\r\n",
        "+OK [AUTH] already logged in\r\n",
        "+OK maildrop has 2 messages\r\n",
        "+OK\r\n+OK\r\n+OK\r\n",
        "+",
        "+OK",
        "\r",
        "\n",
    ]);
    prop_oneof![
        8 => plausible.prop_map(|said| said.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
        1 => prop::collection::vec(prop::sample::select(&b"+-OKER .\r\n"[..]), 0..20),
    ]
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        6 => said().prop_map(Act::Say),
        10 => prop::sample::select(commands()).prop_map(Act::Try),
        1 => prop::sample::select(&ALIGNED[..]).prop_map(Act::Answer),
        1 => Just(Act::CancelAuth),
        1 => Just(Act::Abandon),
        4 => prop_oneof![Just(usize::MAX), 0..9_usize].prop_map(Act::Write),
        1 => prop_oneof![Just(Eof::Clean), Just(Eof::Abrupt)].prop_map(Act::End),
    ];
    let greeting = prop_oneof![
        8 => Just(GREETING.to_vec()),
        1 => Just(b"+OK [AUTH] already logged in\r\n".to_vec()),
        1 => said(),
    ];
    (greeting, prop::collection::vec(act, 0..30))
        .prop_map(|(greeting, acts)| [vec![Act::Say(greeting)], acts].concat())
}

/// A run up to the moment at which TLS is due, and every octet that left until then.
fn in_clear(config: ClientConfig, acts: &[Act], reads: &[usize]) -> Vec<u8> {
    let mut run = Run::new(config, Channel::Clear);
    let mut reads = reads.iter().copied().cycle();
    for act in acts {
        if run.session.waiting() == Waiting::Tls {
            break;
        }
        match act {
            Act::Say(octets) => {
                let mut rest = &octets[..];
                while !rest.is_empty() && run.session.wants_read() {
                    let len = reads.next().unwrap_or(usize::MAX).min(rest.len());
                    let taken = run.session.receive(&rest[..len]);
                    rest = &rest[taken..];
                    run.poll();
                }
            }
            Act::Try(command) => drop(run.queue(command)),
            Act::Answer(text) => drop(run.session.answer(&Base64::new(text).unwrap())),
            Act::CancelAuth => drop(run.session.cancel_auth()),
            Act::Abandon => {
                if let Some(id) = run.ids.last() {
                    run.session.abandon(*id);
                }
            }
            Act::Write(len) => {
                let mut out = run.session.outgoing();
                let len = (*len).min(bytes::Buf::remaining(&out));
                run.sent.extend_from_slice(&bytes::Buf::chunk(&out)[..len]);
                bytes::Buf::advance(&mut out, len);
            }
            Act::End(eof) => run.end(*eof),
        }
    }
    run.flush();
    run.sent
}

/// What a server may have been asked, and have said, before TLS: exchanges that leave a session in AUTHORIZATION.
fn preludes() -> Vec<Vec<Step>> {
    let capa = |list: &str| vec![Step::C(Command::Capa), s(format!("+OK\r\n{list}.\r\n"))];
    let plain = || Step::C(auth("PLAIN", None));
    let raw = Command::raw("XTND", RawFraming::Multiline).unwrap();
    vec![
        capa("PIPELINING\r\nSASL PLAIN LOGIN\r\nUTF8 USER\r\nLANG\r\nSTLS\r\n"),
        capa("X\r\n"),
        capa(""),
        vec![Step::C(user("a")), s("-ERR [AUTH] a\r\n")],
        vec![Step::C(user("a")), s("+OK\r\n"), Step::C(pass("b")), s("-ERR [IN-USE] b\r\n")],
        vec![Step::C(apop()), s("-ERR c\r\n")],
        vec![plain(), s("+ \r\n"), Step::Answer("QUJD"), s("-ERR [AUTH] d\r\n")],
        vec![plain(), s("+OK\r\n"), Step::CancelAuth, s("-ERR\r\n")],
        vec![Step::C(auth("X", Some("QQ=="))), s("+ %\r\n"), Step::Flush, s("-ERR e\r\n")],
        vec![Step::C(Command::Mechanisms { trailing_space: false }), s("+OK\r\nPLAIN\r\n.\r\n")],
        vec![Step::C(Command::Mechanisms { trailing_space: true }), s("-ERR f\r\n")],
        vec![Step::C(Command::Lang(Some(LanguageRange::Default))), s("+OK sv svenska\r\n")],
        vec![Step::C(Command::Lang(None)), s("+OK\r\nsv\r\nen English\r\n.\r\n")],
        vec![Step::C(Command::Utf8), s("-ERR g\r\n")],
        vec![Step::C(Command::Stls), s("-ERR h\r\n")],
        vec![Step::C(raw), s("+OK\r\n..\r\nx\r\n.\r\n")],
    ]
}

/// What the caller asks inside TLS, and what the server says to it.
fn inside() -> impl Strategy<Value = Vec<(Command, Vec<u8>)>> {
    let login = vec![(user("mrose"), b"+OK\r\n".to_vec()), (pass("secret"), b"+OK\r\n".to_vec())];
    let rest = prop::collection::vec((prop::sample::select(commands()), said()), 0..12);
    (any::<bool>(), rest).prop_map(
        move |(logs_in, rest)| {
            if logs_in { [login.clone(), rest].concat() } else { rest }
        },
    )
}

/// A session that went through `prelude` and STLS, and then what `script` comes to, trace, refusals, octets and all.
fn through(
    config: ClientConfig,
    prelude: &[Step],
    script: &[(Command, Vec<u8>)],
    end: Option<Eof>,
) -> (Vec<String>, Vec<String>, Vec<u8>, String) {
    let mut run = Run::new(config, Channel::Clear);
    run.run(&[s(GREETING)], support::Cut::Whole);
    run.run(prelude, support::Cut::Whole);
    run.run(&[Step::C(Command::Stls), s("+OK\r\n"), Step::Tls], support::Cut::Whole);
    run.take_trace();
    run.sent.clear();
    let mut refused = Vec::new();
    for (command, reply) in script {
        match run.send(command) {
            Ok(_) => {}
            Err(error) => refused.push(format!("{error:?}")),
        }
        let mut rest = &reply[..];
        while !rest.is_empty() && run.session.wants_read() {
            let taken = run.session.receive(rest);
            rest = &rest[taken..];
            run.poll();
        }
        run.flush();
    }
    if let Some(eof) = end {
        run.end(eof);
    }
    (run.take_trace(), refused, run.sent.clone(), run.picture())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// R6856-7.01, R6186-6.01, I10, R8314-5.2.02, R5034-4.21, B1 to B6, B16, A3: where TLS is required nothing leaves
    /// in clear but whole lines of CAPA, STLS and QUIT, and no form of a credential.
    #[test]
    fn nothing_leaves_before_tls(
        preset in 0..3_usize,
        implicit in any::<bool>(),
        always in any::<bool>(),
        acts in acts(),
        reads in prop::collection::vec(1..9_usize, 0..4),
    ) {
        let mut config = presets()[preset];
        config.security = if implicit { Security::Implicit } else { Security::StlsRequired };
        config.pipelining = if always { Pipelining::Always } else { Pipelining::Announced };
        let sent = in_clear(config, &acts, &reads);
        let mut lines: Vec<&[u8]> = sent.split_inclusive(|octet| *octet == b'\n').collect();
        // Where the session broke while a line was leaving, the rest of that line stays here.
        if let Some(part) = lines.last().copied().filter(|line| !line.ends_with(b"\n")) {
            lines.pop();
            let whole = [&b"CAPA\r\n"[..], b"STLS\r\n", b"QUIT\r\n"];
            prop_assert!(whole.iter().any(|line| line.starts_with(part)), "{}", sent.escape_ascii());
        }
        for line in lines {
            let may = matches!(line, b"CAPA\r\n" | b"STLS\r\n" | b"QUIT\r\n");
            prop_assert!(may, "{}", sent.escape_ascii());
        }
        prop_assert!(!shows_the_canary(&String::from_utf8_lossy(&sent)));
    }

    /// I12, R2595-4.04, R5034-4.19, A4: inside TLS a session does what it would have done if the clear had been silent:
    /// the same events, refusals, output and state.
    #[test]
    fn nothing_of_the_clear_is_used_inside_tls(
        preset in 0..3_usize,
        chosen in prop::collection::vec(prop::sample::select(preludes()), 0..6),
        script in inside(),
        end in prop_oneof![Just(None), Just(Some(Eof::Clean)), Just(Some(Eof::Abrupt))],
    ) {
        let mut config = presets()[preset];
        let prelude = chosen.concat();
        if preset == 0 {
            config.leniency.ok_as_continuation = true;
        }
        let asked = prelude.iter().filter(|step| matches!(step, Step::C(_))).count();
        // As many commands, so that the ids are the same, and nothing learnt from any.
        let silent = vec![[Step::C(Command::Capa), s("-ERR\r\n")]; asked].concat();
        prop_assert_eq!(through(config, &prelude, &script, end), through(config, &silent, &script, end));
    }
}

/// The checks above see what they are to see: without a policy the credentials do leave.
#[test]
fn credentials_leave_where_they_may() {
    let mut config = presets()[0];
    for command in commands().into_iter().filter(Command::holds_credential) {
        config.security = Security::PlaintextAllowed;
        let acts = [Act::Say(GREETING.to_vec()), Act::Try(command.clone())];
        let sent = in_clear(config, &acts, &[]);
        let shown = shows_the_canary(&String::from_utf8_lossy(&sent));
        // PASS is not legal here, and this AUTH and this raw command hold nothing.
        let holds = match &command {
            Command::Auth { initial, .. } => initial.is_some(),
            Command::Raw(raw) => raw.line() != "XTND",
            command => !matches!(command, Command::Pass(_)),
        };
        assert_eq!(shown, holds, "{command:?}");
        config.security = Security::StlsRequired;
        assert_eq!(in_clear(config, &acts, &[]), b"");
    }
}
