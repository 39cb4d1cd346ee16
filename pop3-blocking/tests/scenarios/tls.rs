//! What both sides do where TLS begins, breaks and ends.

use pop3_blocking::pop3_proto::client::{
    Channel, Eof, LoginError, ProtocolError, Security, UseStls,
};
use pop3_blocking::rustls::version::{TLS12, TLS13};
use pop3_blocking::rustls::{ALL_VERSIONS, ClientConfig, ServerConfig};
use pop3_blocking::server::{Ended, ServerTls};
use pop3_blocking::{Error, Tls, TlsErrorKind};

use super::super::certificates::Authority;
use super::super::support::{Act, Cuts, Scripted, expect, send, surplus};
use super::attacks;
use super::client::{Opening, Scenario, opens, unexpected_end};
use super::secured::Secured;
use super::server::{self, GREETING, and, asks};
use super::{Call, Seen, Step, Take, does, fails, is, over, pause, says, talk, ticks};

/// A client, whom it believes, and a server of its own.
pub(crate) struct Client {
    pub(crate) scenario: Scenario,
    pub(crate) tls: Tls,
    config: ServerConfig,
}

impl Client {
    fn new(authority: &Authority, scenario: Scenario) -> Self {
        Self::with(authority, scenario, authority.issue().server(ALL_VERSIONS, &[]))
    }

    fn with(authority: &Authority, scenario: Scenario, config: ServerConfig) -> Self {
        let tls = Tls::with_authorities(authority.pem().as_bytes()).expect("an authority");
        Self { scenario, tls, config }
    }

    pub(crate) fn transport(&self, cuts: Cuts) -> Secured {
        let script = Scripted::new(cuts, self.scenario.script.clone());
        Secured::server(script, self.config.clone())
    }
}

/// A server, what it shows, and a client of its own.
pub(crate) struct Server {
    pub(crate) scenario: server::Scenario,
    pub(crate) tls: Option<ServerTls>,
    config: ClientConfig,
}

impl Server {
    fn new(authority: &Authority, scenario: server::Scenario) -> Self {
        let issued = authority.issue();
        let tls = ServerTls::from_pem(issued.chain.as_bytes(), issued.key.as_bytes());
        let config = authority.client(ALL_VERSIONS, &["pop3"]);
        Self { scenario, tls: Some(tls.expect("a certificate")), config }
    }

    pub(crate) fn transport(&self, cuts: Cuts) -> Secured {
        let script = Scripted::new(cuts, self.scenario.script.clone());
        Secured::client(script, self.config.clone())
    }
}

fn fails_by(kind: TlsErrorKind) -> Seen {
    match kind {
        TlsErrorKind::Closed => fails!(Error::Tls(error) if error.kind() == TlsErrorKind::Closed),
        TlsErrorKind::NotTls => fails!(Error::Tls(error) if error.kind() == TlsErrorKind::NotTls),
        TlsErrorKind::WrongName => {
            fails!(Error::Tls(error) if error.kind() == TlsErrorKind::WrongName)
        }
        TlsErrorKind::UnknownIssuer => {
            fails!(Error::Tls(error) if error.kind() == TlsErrorKind::UnknownIssuer)
        }
        TlsErrorKind::Certificate => {
            fails!(Error::Tls(error) if error.kind() == TlsErrorKind::Certificate)
        }
        TlsErrorKind::Expired => fails!(Error::Tls(error) if error.kind() == TlsErrorKind::Expired),
        TlsErrorKind::NotValidYet => {
            fails!(Error::Tls(error) if error.kind() == TlsErrorKind::NotValidYet)
        }
        TlsErrorKind::Failed => fails!(Error::Tls(error) if error.kind() == TlsErrorKind::Failed),
        kind => panic!("{kind:?} is not looked for"),
    }
}

/// A server in clear that offers STLS and accepts it.
fn stls() -> Vec<Act> {
    let talk = talk(&[("CAPA\r\n", "+OK\r\nSTLS\r\n.\r\n"), ("STLS\r\n", "+OK\r\n")]);
    and(vec![send("+OK ready\r\n")], talk)
}

fn by_stls(scenario: &mut Scenario) {
    scenario.opening = Opening::Stls(UseStls::Required);
    scenario.config.security = Security::StlsRequired;
}

/// As whoever would go on in clear.
fn by_stls_if_it_is_offered(scenario: &mut Scenario) {
    scenario.opening = Opening::Stls(UseStls::IfOffered);
    scenario.config.security = Security::PlaintextAllowed;
}

fn from_the_first_octet(scenario: &mut Scenario) {
    scenario.opening = Opening::Tls;
    scenario.config.security = Security::Implicit;
}

/// Calls `$each!` with the names of all scenarios of clients.
macro_rules! tls_client_scenarios {
    ($each:ident) => {
        $each! {
            a_whole_session_over_tls,
            stls_that_does_not_begin,
            a_handshake_that_does_not_come_to_its_end,
            a_certificate_that_is_not_to_be_believed,
            a_server_of_an_older_tls,
            a_cut_is_told_from_an_end,
            tls_is_not_begun_over_what_is_broken,
        }
    };
}
pub(crate) use tls_client_scenarios;

/// Calls `$each!` with the names of all scenarios of servers.
macro_rules! tls_server_scenarios {
    ($each:ident) => {
        $each! {
            a_server_by_stls_and_from_the_first_octet,
            octets_behind_stls_are_never_answered,
            what_was_said_in_clear_is_forgotten,
            silence_within_the_handshake_is_given_up,
            without_a_certificate_there_is_no_tls,
            a_client_without_tls,
            a_client_of_an_older_tls,
            no_credential_is_taken_in_clear,
        }
    };
}
pub(crate) use tls_server_scenarios;

/// R2595-4.01, R8314-3.1.01, R8314-3.4.01: nothing but CAPA and STLS leaves in clear, the session goes on under TLS,
/// and the client says that it ends.
pub(crate) fn a_whole_session_over_tls() -> Vec<Client> {
    let authority = Authority::new();
    let mut scenarios = Vec::new();
    for version in [&TLS12, &TLS13] {
        for (set, begin) in [
            (by_stls as fn(&mut Scenario), and(stls(), [Act::BeginTls])),
            (from_the_first_octet, vec![Act::BeginTls, send("+OK ready\r\n")]),
        ] {
            let talk = talk(&[
                ("USER mrose\r\n", "+OK\r\n"),
                ("PASS x\r\n", "+OK\r\n"),
                ("RETR 1\r\n", "+OK\r\n..dots\r\n.\r\n"),
                ("QUIT\r\n", "+OK bye\r\n"),
            ]);
            let steps = vec![
                opens(),
                does(Call::UserPass("mrose", "x"), [is("USER")]),
                does(Call::Retr(1, Take::All), [is(".dots\r\n")]),
                does(Call::Quit, [is("deletions were committed")]),
            ];
            let script = and(and(begin, talk), [Act::Close, Act::ExpectEnd]);
            let scenario = Scenario::new(format!("{version:?}"), script, steps).with(set);
            let config = authority.issue().server(&[version], &[]);
            scenarios.push(Client::with(&authority, scenario, config));
        }
    }
    scenarios
}

/// The attacks on STLS.
pub(crate) fn hostile_servers() -> Vec<Client> {
    let authority = Authority::new();
    let attacks = attacks::hostile_servers(true);
    assert!(!attacks.is_empty());
    attacks.into_iter().map(|scenario| Client::new(&authority, scenario)).collect()
}

/// A1, B1, B2, I12: octets behind the answer to STLS end the session before any handshake; a refusal and
/// a server that offers nothing end it too, where TLS is required.
pub(crate) fn stls_that_does_not_begin() -> Vec<Client> {
    let authority = Authority::new();
    // R2595-9.02: none of it is a reason to go on in clear.
    let injected = || fails!(Error::Protocol(ProtocolError::OctetsAfterStls));
    let mut scenarios: Vec<_> = [
        ("+OK\r\n+OK injected\r\n", injected()),
        ("+OK\r\n\x16", injected()),
        ("-ERR not now\r\n", fails!(Error::Login(LoginError::StlsRefused(_)))),
    ]
    .into_iter()
    .map(|(answer, seen)| {
        let offered = talk(&[("CAPA\r\n", "+OK\r\nSTLS\r\n.\r\n"), ("STLS\r\n", answer)]);
        let script = and(vec![send("+OK ready\r\n")], offered);
        Scenario::new(answer, script, vec![does(Call::Open, [seen])])
    })
    .collect();
    let script = and(vec![send("+OK ready\r\n")], talk(&[("CAPA\r\n", "+OK\r\n.\r\n")]));
    let seen = fails!(Error::Login(LoginError::StlsNotOffered));
    scenarios.push(Scenario::new("not offered", script, vec![does(Call::Open, [seen])]));
    scenarios
        .into_iter()
        .map(|scenario| Client::new(&authority, scenario.with(by_stls).at_once()))
        .collect()
}

/// B3, B9, C0002: a peer that says nothing, one that closes and one that does not speak TLS; none of them is a
/// reason to go on in clear.
pub(crate) fn a_handshake_that_does_not_come_to_its_end() -> Vec<Client> {
    let authority = Authority::new();
    let silence = says!("timed out waiting for the TLS handshake");
    let ends = [
        (vec![Act::Close], fails_by(TlsErrorKind::Closed), None),
        (vec![send("+OK in clear\r\n"), Act::Close], fails_by(TlsErrorKind::NotTls), None),
        (
            vec![send(b"\x15\x03\x03\x00\x02\x02\x28"), Act::Close],
            fails_by(TlsErrorKind::Failed),
            None,
        ),
        (
            vec![send(b"\x16\x03\x03\x00\x04\xff\xff\xff\xff"), Act::Close],
            fails_by(TlsErrorKind::Failed),
            None,
        ),
        (vec![send(b"\x16\x03\x03"), Act::Close], fails_by(TlsErrorKind::Closed), None),
        (vec![pause(1000)], silence, Some(4)),
    ];
    let mut scenarios = Vec::new();
    for (set, begin) in [(by_stls as fn(&mut Scenario), stls()), (from_the_first_octet, vec![])] {
        for (end, seen, lasts) in ends.clone() {
            let script = and(begin.clone(), and(end, [Act::Ignore]));
            let steps = vec![does(Call::Open, [seen])];
            let mut scenario = Scenario::new(format!("{script:?}"), script, steps).with(set);
            scenario.deadlines.tls = ticks(4);
            scenario.lasts = lasts;
            // What makes a record is looked at as a whole.
            scenario.at_once = lasts.is_none();
            scenarios.push(Client::new(&authority, scenario));
        }
    }
    scenarios
}

/// B11, B15, B19, R5034-4.21, R8314-3.1.03: each is told apart, and before an octet of POP3 was sent under it.
pub(crate) fn a_certificate_that_is_not_to_be_believed() -> Vec<Client> {
    let authority = Authority::new();
    let names = &["localhost"];
    let another = Authority::named("another", &rcgen::PKCS_ECDSA_P256_SHA256);
    let mut scenarios = Vec::new();
    for (issued, kind) in [
        (
            authority.issue_for(&["elsewhere.example", "localhost.example"], |_| {}),
            TlsErrorKind::WrongName,
        ),
        (another.issue_for(names, |_| {}), TlsErrorKind::UnknownIssuer),
        // R7817-3.01: the issuer comes before the name.
        (another.issue_for(&["elsewhere.example"], |_| {}), TlsErrorKind::UnknownIssuer),
        // Of the same name, without its key.
        (Authority::new().issue_for(names, |_| {}), TlsErrorKind::Certificate),
        (
            authority.issue_for(names, |to| to.not_after = rcgen::date_time_ymd(2020, 1, 1)),
            TlsErrorKind::Expired,
        ),
        (
            authority.issue_for(names, |to| to.not_before = rcgen::date_time_ymd(2400, 1, 1)),
            TlsErrorKind::NotValidYet,
        ),
    ] {
        for version in [&TLS12, &TLS13] {
            // R2595-2.4.01, R2595-2.5.01, R8314-5.01, R8314-5.1.01, R8314-5.2.04: there is no way and no
            // policy in which one goes on with it.
            for (set, begin) in [
                (by_stls as fn(&mut Scenario), stls()),
                (by_stls_if_it_is_offered, stls()),
                (from_the_first_octet, vec![]),
            ] {
                let script = and(begin, [Act::BeginTls, surplus("+OK ready\r\n")]);
                let steps = vec![does(Call::Open, [fails_by(kind)])];
                let scenario = Scenario::new(format!("{kind:?} {version:?}"), script, steps);
                let config = issued.server(&[version], &[]);
                scenarios.push(Client::with(&authority, scenario.with(set).at_once(), config));
            }
        }
    }
    scenarios
}

/// The alert `protocol_version` (RFC 8446 §6.2), fatal.
const PROTOCOL_VERSION: &str = "\x15\x03\x03\0\x02\x02\x46";

/// A handshake message of that type in a record of that version.
fn record(version: [u8; 2], kind: u8, body: &[u8]) -> Vec<u8> {
    let length = |octets: usize| u16::try_from(octets).expect("it is small").to_be_bytes();
    let message = [&[kind, 0][..], &length(body.len()), body].concat();
    [&[22][..], &version, &length(message.len()), &message].concat()
}

/// R8314-4.01, R8314-5.02, R8996-4.01: a server that answers by SSL 3.0, TLS 1.0 or TLS 1.1 is refused by the alert for
/// that, and is no session.
pub(crate) fn a_server_of_an_older_tls() -> Vec<Client> {
    let authority = Authority::new();
    let mut scenarios = Vec::new();
    for (set, begin) in [(by_stls as fn(&mut Scenario), stls()), (from_the_first_octet, vec![])] {
        for (version, seen, alert) in [
            ([3, 0], fails_by(TlsErrorKind::Failed), PROTOCOL_VERSION),
            ([3, 1], fails_by(TlsErrorKind::Failed), PROTOCOL_VERSION),
            ([3, 2], fails_by(TlsErrorKind::Failed), PROTOCOL_VERSION),
            // With TLS 1.2 in the same words it waits for the certificate.
            ([3, 3], fails_by(TlsErrorKind::Closed), ""),
        ] {
            // The version, a nonce, no session, ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 and no compression.
            let hello = [&version[..], &[7; 32], &[0, 0xc0, 0x2b, 0]].concat();
            let answer = [Act::Ignore, send(record(version, 2, &hello)), expect(alert), Act::Close];
            let steps = vec![does(Call::Open, [seen])];
            let scenario = Scenario::new(format!("{version:?}"), and(begin.clone(), answer), steps);
            scenarios.push(Client::new(&authority, scenario.with(set).at_once()));
        }
    }
    scenarios
}

/// A18.4, H7, H10, R2595-2.2.01: an end without `close_notify` is told from one with it inside a message, and does
/// not matter behind QUIT's answer; behind either nothing goes on in clear.
pub(crate) fn a_cut_is_told_from_an_end() -> Vec<Client> {
    let authority = Authority::new();
    let begin = || {
        let talk = talk(&[("USER mrose\r\n", "+OK\r\n"), ("PASS x\r\n", "+OK\r\n")]);
        and(vec![Act::BeginTls, send("+OK ready\r\n")], talk)
    };
    let logs_in = || [opens(), does(Call::UserPass("mrose", "x"), [is("USER")])];
    let mut scenarios = Vec::new();
    for version in [&TLS12, &TLS13] {
        for (end, eof) in [(vec![Act::EndTls], Eof::Clean), (vec![], Eof::Abrupt)] {
            let end = and(end, [Act::Close]);
            let cut = and(vec![expect("RETR 1\r\n"), send("+OK\r\nhalf\r\n")], end.clone());
            let read = does(Call::Retr(1, Take::All), [is("half\r\n"), unexpected_end(eof)]);
            let quit = and(vec![expect("QUIT\r\n"), send("+OK\r\n")], end);
            let quits = does(Call::Quit, [is("deletions were committed")]);
            let behind: [(Vec<Act>, Vec<Step>); 2] =
                [(cut, vec![read, over()]), (quit, vec![quits])];
            for (script, steps) in behind {
                let steps = logs_in().into_iter().chain(steps).collect();
                let name = format!("{eof:?}, {version:?}");
                let scenario = Scenario::new(name, and(begin(), script), steps);
                let config = authority.issue().server(&[version], &[]);
                let scenario = scenario.with(from_the_first_octet);
                scenarios.push(Client::with(&authority, scenario, config));
            }
        }
    }
    scenarios
}

/// I12: where the connection takes nothing more TLS is not begun, whatever the server says.
pub(crate) fn tls_is_not_begun_over_what_is_broken() -> Vec<Client> {
    let authority = Authority::new();
    let offered = talk(&[("CAPA\r\n", "+OK\r\nSTLS\r\n.\r\n")]);
    let broken = Act::BreakFlush(std::io::ErrorKind::BrokenPipe);
    let accepted = [broken, expect("STLS\r\n"), send("+OK\r\n")];
    let script = and(and(vec![send("+OK ready\r\n")], offered), accepted);
    let steps = vec![does(Call::Open, [fails_by(TlsErrorKind::Closed)])];
    vec![Client::new(&authority, Scenario::new("STLS", script, steps).with(by_stls))]
}

/// R8314-3.1.01, R8314-3.4.01: a session is the same however TLS begins, and the server says that it ends.
pub(crate) fn a_server_by_stls_and_from_the_first_octet() -> Vec<Server> {
    let authority = Authority::new();
    let session = || {
        let talk = asks(&[
            ("USER mrose\r\n", "+OK send PASS\r\n"),
            ("PASS tan staaf\r\n", "+OK 2 messages\r\n"),
            ("RETR 2\r\n", "+OK message follows\r\nb\r\n\u{fffd}\r\n.\r\n"),
            ("DELE 1\r\n", "+OK message deleted\r\n"),
            ("QUIT\r\n", "+OK bye\r\n"),
        ]);
        and(talk, [Act::ExpectEnd])
    };
    let stls = asks(&[("", GREETING), ("STLS\r\n", "+OK begin TLS\r\n")]);
    let stls = and(and(stls, [Act::BeginTls]), session());
    let implicit = and(vec![Act::BeginTls, expect(GREETING)], session());
    // R2595-4.01, R8314-4.02: both are served.
    [("STLS", false, stls), ("TLS", true, implicit)]
        .map(|(name, implicit, script)| {
            let mut scenario = server::Scenario::new(name, script, Ended::Committed);
            (scenario.implicit, scenario.removed) = (implicit, &[0]);
            Server::new(&authority, scenario)
        })
        .into()
}

/// S2.3, R2595-4.10, I12: what comes in clear behind STLS is not answered, not in clear and not over TLS.
pub(crate) fn octets_behind_stls_are_never_answered() -> Vec<Server> {
    let authority = Authority::new();
    let mut scenarios = Vec::new();
    for behind in ["CAPA\r\n", "USER mrose\r\nPASS tan staaf\r\n", "x"] {
        let script = vec![expect(GREETING), send(format!("STLS\r\n{behind}"))];
        let scenario = server::Scenario::new(behind, script, Ended::NothingRemoved);
        scenarios.push(scenario.with(|scenario| scenario.at_once = true));
    }
    // After the answer it is no TLS, and an alert is no answer.
    let accepted = asks(&[("", GREETING), ("STLS\r\n", "+OK begin TLS\r\n")]);
    let script = and(accepted, [send("CAPA\r\n"), Act::Close, Act::Ignore]);
    let mut scenario = server::Scenario::new("no TLS", script, Ended::NothingRemoved);
    (scenario.ended, scenario.at_once) = (Err(TlsErrorKind::NotTls), true);
    scenarios.push(scenario);
    scenarios.into_iter().map(|scenario| Server::new(&authority, scenario)).collect()
}

/// R2595-4.08, S2.4: what was said in clear is forgotten; STLS is not offered twice.
pub(crate) fn what_was_said_in_clear_is_forgotten() -> Vec<Server> {
    let wrong = "-ERR command not valid in this state\r\n";
    let clear = asks(&[
        ("", GREETING),
        ("USER mrose\r\n", "+OK send PASS\r\n"),
        // Directly behind USER there is no STLS: what follows is a command again.
        ("CAPA\r\n", wrong),
        ("STLS\r\n", "+OK begin TLS\r\n"),
    ]);
    let tls = asks(&[
        ("PASS tan staaf\r\n", wrong),
        ("STLS\r\n", wrong),
        ("USER mrose\r\n", "+OK send PASS\r\n"),
        ("PASS tan staaf\r\n", "+OK 2 messages\r\n"),
        ("QUIT\r\n", "+OK bye\r\n"),
    ]);
    let script = and(and(clear, [Act::BeginTls]), tls);
    let scenario = server::Scenario::new("USER", script, Ended::Committed);
    vec![Server::new(&Authority::new(), scenario)]
}

/// B10, F19: silence within the handshake is given up, be it the first thing or behind STLS.
pub(crate) fn silence_within_the_handshake_is_given_up() -> Vec<Server> {
    let authority = Authority::new();
    let stls = || {
        let accepted = asks(&[("", GREETING), ("STLS\r\n", "+OK begin TLS\r\n")]);
        and(accepted, [pause(1000)])
    };
    [("TLS", vec![pause(1000)], false), ("STLS", stls(), false), ("a login", stls(), true)]
        .map(|(name, script, login)| {
            let mut scenario = server::Scenario::new(name, script, Ended::TimedOut);
            (scenario.implicit, scenario.lasts) = (name == "TLS", Some(4));
            scenario.ended = Err(TlsErrorKind::TimedOut);
            let deadlines = &mut scenario.deadlines;
            (deadlines.tls, deadlines.login) =
                if login { (ticks(9), ticks(4)) } else { (ticks(4), ticks(9)) };
            Server::new(&authority, scenario)
        })
        .into()
}

/// R8314-4.03: a server without a certificate offers no STLS and begins none.
pub(crate) fn without_a_certificate_there_is_no_tls() -> Vec<Server> {
    let list = "+OK capability list follows\r\nTOP\r\nUSER\r\n\
                SASL SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN\r\nRESP-CODES\r\n\
                AUTH-RESP-CODE\r\nPIPELINING\r\nUIDL\r\n.\r\n";
    let clear = asks(&[
        ("", GREETING),
        ("CAPA\r\n", list),
        ("STLS\r\n", "-ERR command not supported\r\n"),
        ("QUIT\r\n", "+OK bye\r\n"),
    ]);
    let mut implicit = server::Scenario::new("TLS", vec![], Ended::NothingRemoved);
    (implicit.implicit, implicit.ended) = (true, Err(TlsErrorKind::Configuration));
    [server::Scenario::new("STLS", clear, Ended::NothingRemoved), implicit]
        .map(|scenario| Server { tls: None, ..Server::new(&Authority::new(), scenario) })
        .into()
}

/// R8314-4.01, R8996-4.01: a client that has no more than TLS 1.1, or says that it wants no more, is refused by the
/// alert for that, whatever version its record bears.
pub(crate) fn a_client_of_an_older_tls() -> Vec<Server> {
    let authority = Authority::new();
    // Of TLS 1.0, 1.1 and 1.2: curve and form, and ECDSA with SHA-256.
    let extensions = b"\0\x0a\0\x04\0\x02\0\x17\0\x0b\0\x02\x01\0\0\x0d\0\x04\0\x02\x04\x03";
    let old = b"\0\x2b\0\x05\x04\x03\x02\x03\x01";
    let hello = |version: [u8; 2], more: &[u8]| {
        let extensions = [&extensions[..], more].concat();
        let length = u16::try_from(extensions.len()).expect("it is small").to_be_bytes();
        // The version, a nonce, no session, two suites, no compression.
        let suites = [0, 0, 4, 0xc0, 0x2b, 0xc0, 0x09, 1, 0];
        [&version[..], &[7; 32], &suites, &length, &extensions].concat()
    };
    let mut scenarios = Vec::new();
    for in_record in [[3, 0], [3, 1], [3, 3]] {
        for (version, more, accepted) in [
            ([3, 0], &b""[..], false),
            ([3, 1], b"", false),
            ([3, 2], b"", false),
            ([3, 3], old, false),
            // In the same words TLS 1.2 is begun.
            ([3, 3], b"", true),
        ] {
            let hello = send(record(in_record, 1, &hello(version, more)));
            let answer = if accepted { Act::Ignore } else { expect(PROTOCOL_VERSION) };
            let script = vec![hello, answer, Act::Close];
            let name = format!("{version:?} in {in_record:?} {more:?}");
            let mut scenario = server::Scenario::new(name, script, Ended::NothingRemoved);
            let kind = if accepted { TlsErrorKind::Closed } else { TlsErrorKind::Failed };
            (scenario.implicit, scenario.at_once, scenario.ended) = (true, true, Err(kind));
            scenarios.push(Server::new(&authority, scenario));
        }
    }
    scenarios
}

/// A client in clear, or of nothing at all, is answered by an alert at most.
pub(crate) fn a_client_without_tls() -> Vec<Server> {
    let authority = Authority::new();
    [
        ("USER mrose\r\nPASS tan staaf\r\nSTAT\r\n", TlsErrorKind::NotTls),
        ("", TlsErrorKind::Closed),
        ("\x16", TlsErrorKind::Closed),
    ]
    .map(|(said, kind)| {
        let script = vec![send(said), Act::Close, Act::Ignore];
        let mut scenario = server::Scenario::new(said, script, Ended::NothingRemoved);
        (scenario.implicit, scenario.at_once, scenario.ended) = (true, true, Err(kind));
        Server::new(&authority, scenario)
    })
    .into()
}

/// R2595-2.2.01, R5034-4.34: on a channel that anybody may read nothing but CAPA, STLS and QUIT is good for anything.
pub(crate) fn no_credential_is_taken_in_clear() -> Vec<Server> {
    let refused = "-ERR credentials are not accepted in clear\r\n";
    let authority = Authority::new();
    [
        ["USER mrose\r\n", "USER nobody\r\n"],
        ["AUTH PLAIN AG1yb3NlAHRhbiBzdGFhZg==\r\n", "AUTH PLAIN AG1yb3NlAHRhbiBzdGFhZw==\r\n"],
    ]
    // R2595-2.3.01, R8314-4.1.01: what is right is answered as what is wrong.
    .map(|[right, wrong]| {
        let asked =
            [("", GREETING), (right, refused), (wrong, refused), ("QUIT\r\n", "+OK bye\r\n")];
        let mut scenario = server::Scenario::new(right, asks(&asked), Ended::NothingRemoved);
        scenario.channel = Channel::Clear;
        Server::new(&authority, scenario)
    })
    .into()
}
