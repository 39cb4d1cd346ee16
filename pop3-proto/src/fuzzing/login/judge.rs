//! What holds of every login, by what was said and heard, and what is to be said as long as the server speaks plainly.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::caller::{Entry, Run};
use super::model::{self, Announced, Answer, Exchange, NoMethod, base64};
use super::replies::{self, List, Reply};
use super::setup::Setup;
use crate::client::{Channel, LoginError, Method, ProtocolError, Security, SendError, UseStls};
use crate::fuzzing::sasl::parties::{CLIENT_NONCE, SERVER_NONCE};
use crate::fuzzing::{assert_one_line, oracle};
use crate::state::{Keyword, State};

/// What comes of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    Done(Method),
    NoService,
    StlsNotOffered,
    StlsRefused,
    NoMethod(NoMethod),
    Send(SendError),
    Refused { method: Method, cancelled: bool },
    NotVerified,
}

/// And what the model says it comes to, if all was said plainly to the end.
pub(super) fn check(setup: &Setup, run: &Run) -> Option<End> {
    let mut walk = Walk { setup, log: &run.log, tls: setup.channel == Channel::Tls };
    let end = walk.follow();
    if let Some(end) = &end {
        let method = |no: &NoMethod| match no {
            NoMethod::NotAnnounced => None,
            NoMethod::Unfit(method, reason) => Some((*method, *reason)),
        };
        let fits = match (end, &run.outcome) {
            (End::Done(method), Ok(by)) => method == by,
            (End::NoService, Err(LoginError::NoService(_)))
            | (End::StlsNotOffered, Err(LoginError::StlsNotOffered))
            | (End::StlsRefused, Err(LoginError::StlsRefused(_))) => true,
            (End::NoMethod(no), Err(LoginError::NoMethod { .. })) => method(no).is_none(),
            (End::NoMethod(no), Err(LoginError::Unfit { method: by, reason })) => {
                method(no) == Some((*by, *reason))
            }
            (End::Send(due), Err(LoginError::Send(error))) => due == error,
            (End::Refused { method, cancelled }, Err(LoginError::Refused(refused))) => {
                *method == refused.method && *cancelled == refused.cancelled.is_some()
            }
            (End::NotVerified, Err(LoginError::Protocol(error))) => {
                *error == ProtocolError::ServerNotVerified
            }
            _ => false,
        };
        assert!(fits, "it has to come to {end:?}, and comes to {:?}", run.outcome);
        assert!(!walk.log.iter().any(|entry| matches!(entry, Entry::Said { .. })), "it says more");
    }
    end
}

/// What holds whatever the server says.
pub(super) fn check_lines(setup: &Setup, run: &Run) {
    let mut tls = setup.channel == Channel::Tls;
    let mut clear = setup.channel == Channel::Clear;
    let mut tried: Option<Method> = None;
    let mut keywords: Vec<&[u8]> = Vec::new();
    let mut first_in_tls = false;
    // What came behind the last line that is no CAPA.
    let (mut answered, mut is_answer) = (Vec::new(), true);
    let mut exchanging = false;
    for entry in &run.log {
        let (line, list, timestamp) = match entry {
            Entry::Said { line, list, timestamp } => (assert_one_line(line), list, *timestamp),
            Entry::Heard(octets) => {
                if is_answer {
                    answered.extend_from_slice(octets);
                }
                continue;
            }
            Entry::Tls => {
                (tls, clear, first_in_tls) = (true, false, true);
                continue;
            }
            Entry::End => continue,
        };
        is_answer = line != b"CAPA";
        if is_answer {
            answered.clear();
        }
        assert!(!first_in_tls || !setup.asks() || line == b"CAPA", "I12: it asks anew");
        first_in_tls = false;
        if clear && setup.config.security != Security::PlaintextAllowed {
            let leads = [&b"CAPA"[..], b"STLS"].contains(&line);
            assert!(leads, "I10: in clear: {}", line.escape_ascii());
        }
        if clear && !setup.clear_is_trusted() {
            assert!(!tells(setup, line), "I10: in clear: {}", line.escape_ascii());
        }
        let keyword = line.split(|octet| *octet == b' ').next().unwrap_or_default();
        exchanging &= line != b"CAPA";
        if exchanging {
            continue;
        }
        keywords.push(keyword);
        let method = match keyword {
            b"USER" => Method::UserPass,
            b"APOP" => Method::Apop,
            b"AUTH" => {
                exchanging = true;
                let name = line.split(|octet| *octet == b' ').nth(1).expect("a mechanism");
                let name = core::str::from_utf8(name).expect("ASCII");
                Method::Sasl(name.parse().expect("a mechanism"))
            }
            _ => continue,
        };
        assert_eq!(tried, None, "I14: it tries another");
        tried = Some(method);
        let announced = Announced { list: list.as_ref(), timestamp, tls };
        assert_eq!(model::choose(setup, &announced), Ok(method), "C3.3: not the strongest");
    }
    check_order(&keywords);
    let logged_in = run.standing.as_ref().map(|standing| standing.state == State::Transaction);
    assert_eq!(logged_in.unwrap_or(false), run.outcome.is_ok(), "logged in, or not");
    if let Ok(method) = &run.outcome {
        assert_eq!(tried, Some(*method), "nobody has logged in by it");
        let strict = !setup.config.leniency.status_case;
        let welcome: &[u8] = if strict { b"+OK" } else { b"+" };
        assert!(answered.starts_with(welcome), "no welcome: {}", answered.escape_ascii());
        if format!("{method}").starts_with("SCRAM-") {
            assert!(is_proven(setup, &run.log), "C14.3: nobody has proven anything");
        }
    }
}

/// CAPA once or twice, STLS once, one login, and CAPA behind it.
fn check_order(keywords: &[&[u8]]) {
    let count = |word: &[u8]| keywords.iter().filter(|keyword| **keyword == word).count();
    assert!(count(b"STLS") <= 1 && count(b"CAPA") <= 3 && count(b"PASS") <= 1);
    let at = |word: &[u8]| keywords.iter().position(|keyword| *keyword == word);
    if let Some(pass) = at(b"PASS") {
        assert_eq!(keywords[pass - 1], b"USER");
    }
    let login = [&b"USER"[..], b"APOP", b"AUTH"].iter().find_map(|word| at(word));
    if let Some(login) = login {
        let behind = keywords[login + 1..].iter().filter(|keyword| **keyword != b"PASS");
        assert!(behind.clone().count() <= 1 && behind.clone().all(|keyword| **keyword == *b"CAPA"));
    }
}

fn tells(setup: &Setup, octets: &[u8]) -> bool {
    setup.who.forms().iter().any(|form| memchr::memmem::find(octets, form).is_some())
}

/// Whether the server itself says it; the digits of an octet that is shown escaped may be the first of a form.
fn says(setup: &Setup, octets: &[u8]) -> bool {
    tells(setup, octets) || tells(setup, format!("{}", octets.escape_ascii()).as_bytes())
}

/// I10: nothing shows what the server has not said, neither the secret nor what of a line is good for guessing it. Of the login
/// itself nothing does that the server says once it may have been told.
pub(super) fn check_shown(setup: &Setup, log: &[Entry], session: &str, login: &[String]) {
    let told = |entry: &Entry| {
        let words = [&b"PASS "[..], b"APOP ", b"AUTH "];
        matches!(entry, Entry::Said { line, .. } if words.iter().any(|word| line.starts_with(word)))
    };
    let before = log.iter().position(told).unwrap_or(log.len());
    let mut shown: Vec<&str> = Vec::new();
    if !says(setup, &heard(&log[..before])) {
        shown.extend(login.iter().map(String::as_str));
    }
    let heard = heard(log);
    if !says(setup, &heard) {
        shown.push(session);
    }
    let proofs: Vec<_> = log.iter().flat_map(proofs).collect();
    for shown in shown {
        assert!(!tells(setup, shown.as_bytes()), "I10: {shown}");
        for proof in &proofs {
            let found = memchr::memmem::find(shown.as_bytes(), proof).is_some();
            let said = memchr::memmem::find(&heard, proof).is_some();
            assert!(!found || said, "I10: {shown}");
        }
    }
}

/// The last word of a line in an exchange, and what it proves: a digest, a signature.
fn proofs(entry: &Entry) -> Vec<Vec<u8>> {
    let Entry::Said { line, .. } = entry else { return Vec::new() };
    let word = line.trim_ascii_end().rsplit(|octet| *octet == b' ').next().unwrap_or_default();
    let message = oracle::base64(word).filter(|_| !line.starts_with(b"USER ")).unwrap_or_default();
    let inside = message.rsplit(|octet| b" ,".contains(octet)).next().unwrap_or_default();
    let digest = if line.starts_with(b"APOP ") || !message.is_empty() { word } else { b"" };
    let long = |proof: &&[u8]| proof.len() >= 24;
    [inside, digest].into_iter().filter(long).map(<[u8]>::to_vec).collect()
}

/// All that the server has said, over whatever the client said in between.
fn heard(log: &[Entry]) -> Vec<u8> {
    let said = log.iter().map(|entry| match entry {
        Entry::Heard(octets) => &octets[..],
        _ => b"",
    });
    said.collect::<Vec<_>>().concat()
}

/// The exchange of AUTH that was begun last.
fn exchange<'a>(setup: &'a Setup, log: &'a [Entry]) -> Option<Exchange<'a>> {
    let begins =
        |entry: &Entry| matches!(entry, Entry::Said { line, .. } if line.starts_with(b"AUTH "));
    let from = &log[log.iter().rposition(begins)?..];
    let (Entry::Said { line, .. }, rest) = from.split_first()? else { return None };
    let mut words = core::str::from_utf8(line).ok()?.trim_end().split(' ').skip(1);
    let mechanism = words.next()?;
    let mut said: Vec<_> =
        words.next().and_then(|word| oracle::base64(word.as_bytes())).into_iter().collect();
    let mut answers = Vec::new();
    for entry in rest {
        match entry {
            Entry::Said { line, .. } if line == b"CAPA\r\n" => break,
            Entry::Said { line, .. } => said.push(oracle::base64(line.strip_suffix(b"\r\n")?)?),
            Entry::Heard(octets) => answers.extend_from_slice(octets),
            Entry::Tls | Entry::End => break,
        }
    }
    let lines = answers.split(|octet| *octet == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let challenges = lines.filter_map(|line| oracle::base64(line.strip_prefix(b"+ ")?));
    let heard = challenges.filter(|challenge| !challenge.is_empty()).collect();
    Some(Exchange::of(setup, mechanism, said, heard))
}

/// Whether the server has shown that it knows the password.
fn is_proven(setup: &Setup, log: &[Entry]) -> bool {
    exchange(setup, log).is_some_and(|exchange| exchange.is_proven())
}

/// What a server says first, who knows the client's nonce.
pub(super) fn first_of_scram() -> Vec<u8> {
    let message = format!("r={CLIENT_NONCE}{SERVER_NONCE},s=dGVuIG9jdGV0cw==,i=4096");
    [b"+ ", &base64(message.as_bytes())[..], b"\r\n"].concat()
}

/// And last, if he knows the password too; else he guesses.
pub(super) fn last_of_scram(setup: &Setup, log: &[Entry], right: bool) -> Vec<u8> {
    let signature = exchange(setup, log).and_then(|exchange| exchange.signature());
    let message = signature.filter(|_| right).unwrap_or_else(|| b"v=AAAA".to_vec());
    [b"+ ", &base64(&message)[..], b"\r\n"].concat()
}

/// What is left of what was said and heard.
struct Walk<'a> {
    setup: &'a Setup,
    log: &'a [Entry],
    tls: bool,
}

impl Walk<'_> {
    fn says(&mut self, due: &[u8]) {
        let Some((Entry::Said { line, .. }, rest)) = self.log.split_first() else {
            panic!("it has to say {}", due.escape_ascii());
        };
        let said = line.strip_suffix(b"\r\n").unwrap_or(line);
        assert_eq!(format!("{}", said.escape_ascii()), format!("{}", due.escape_ascii()));
        self.log = rest;
    }

    /// All that is heard before the client's next line.
    fn hears(&mut self) -> Vec<u8> {
        let mut heard = Vec::new();
        while let Some((Entry::Heard(octets), rest)) = self.log.split_first() {
            heard.extend_from_slice(octets);
            self.log = rest;
        }
        heard
    }

    fn reply(&mut self) -> Option<Reply> {
        replies::reply(&self.hears())
    }

    /// Of a command that has no challenge.
    fn is_accepted(&mut self) -> Option<bool> {
        match self.reply()? {
            Reply::Ok(_) => Some(true),
            Reply::Err(_) => Some(false),
            Reply::Challenge(_) => None,
        }
    }

    #[expect(clippy::option_option, reason = "nothing plain, a refusal, a list")]
    fn asks(&mut self) -> Option<Option<List>> {
        self.says(b"CAPA");
        replies::list(&self.hears())
    }

    fn follow(&mut self) -> Option<End> {
        let setup = self.setup;
        let greeting = match self.reply()? {
            Reply::Ok(text) => text,
            Reply::Err(_) => return Some(End::NoService),
            Reply::Challenge(_) => return None,
        };
        let mut list = None;
        if !self.tls && setup.use_stls() != UseStls::Never {
            list = self.asks()?;
            let offered = list.as_ref().map(|list| list.has("STLS"));
            match (setup.use_stls(), offered) {
                (UseStls::Required, Some(false)) => return Some(End::StlsNotOffered),
                (UseStls::Required, _) | (_, Some(true)) => {
                    self.says(b"STLS");
                    if !self.is_accepted()? {
                        return Some(End::StlsRefused);
                    }
                    let (Entry::Tls, rest) = self.log.split_first()? else { return None };
                    (self.log, self.tls, list) = (rest, true, None);
                }
                _ => {}
            }
        }
        if setup.asks() && list.is_none() {
            list = self.asks()?;
        }
        let timestamp = oracle::timestamp(greeting.as_bytes());
        let announced =
            Announced { list: list.as_ref(), timestamp: timestamp.is_some(), tls: self.tls };
        let method = match model::choose(setup, &announced) {
            Ok(method) => method,
            Err(no) => return Some(End::NoMethod(no)),
        };
        let end = match method {
            Method::UserPass => self.user_pass()?,
            Method::Apop => self.apop(timestamp)?,
            Method::Sasl(name) => self.auth(name.as_str(), &announced)?,
        };
        if let Some(end) = end {
            return Some(end);
        }
        if list.is_some() {
            self.asks()?;
        }
        Some(End::Done(method))
    }

    /// RFC 8314 §5.2.
    fn not_protected(&self, keyword: Keyword) -> Option<SendError> {
        let protected = self.tls || self.setup.clear_is_trusted();
        (!protected).then_some(SendError::NotProtected { keyword: Some(keyword) })
    }

    /// `None` in the inner place if somebody is logged in.
    #[expect(clippy::option_option, reason = "nothing plain, logged in, or the end")]
    fn user_pass(&mut self) -> Option<Option<End>> {
        let (who, policy) = (&self.setup.who, self.setup.config.send_policy);
        let refused = Some(Some(End::Refused { method: Method::UserPass, cancelled: false }));
        if !policy.beyond_ascii && !who.name.is_ascii() {
            return Some(Some(End::Send(SendError::Forbidden(Keyword::User))));
        }
        if let Some(error) = self.not_protected(Keyword::User) {
            return Some(Some(End::Send(error)));
        }
        self.says(&[b"USER ", who.name.as_bytes()].concat());
        if !self.is_accepted()? {
            return refused;
        }
        let printable = who.secret.iter().all(|octet| (0x20..0x7f).contains(octet));
        if !policy.beyond_ascii && !printable {
            return Some(Some(End::Send(SendError::Forbidden(Keyword::Pass))));
        }
        self.says(&[b"PASS ", who.secret].concat());
        if self.is_accepted()? { Some(None) } else { refused }
    }

    #[expect(clippy::option_option, reason = "nothing plain, logged in, or the end")]
    fn apop(&mut self, timestamp: Option<&[u8]>) -> Option<Option<End>> {
        let Some(timestamp) = timestamp else {
            return Some(Some(End::Send(SendError::NoTimestamp)));
        };
        if !self.setup.config.send_policy.apop {
            return Some(Some(End::Send(SendError::Forbidden(Keyword::Apop))));
        }
        if let Some(error) = self.not_protected(Keyword::Apop) {
            return Some(Some(End::Send(error)));
        }
        self.says(&model::apop(self.setup, timestamp));
        let refused = End::Refused { method: Method::Apop, cancelled: false };
        Some(if self.is_accepted()? { None } else { Some(refused) })
    }

    #[expect(clippy::option_option, reason = "nothing plain, logged in, or the end")]
    fn auth(&mut self, mechanism: &str, announced: &Announced<'_>) -> Option<Option<End>> {
        if let Some(error) = self.not_protected(Keyword::Auth) {
            return Some(Some(End::Send(error)));
        }
        let method = Method::Sasl(mechanism.parse().expect("a mechanism"));
        let (mut exchange, line) = Exchange::begin(self.setup, mechanism, announced);
        self.says(&line);
        let mut cancelled = false;
        loop {
            match self.reply()? {
                Reply::Err(_) => return Some(Some(End::Refused { method, cancelled })),
                // A first answer may be forgiven for a challenge, and `*` is answered by `-ERR`.
                _ if cancelled => return None,
                Reply::Ok(_) if !exchange.has_spoken() => return None,
                Reply::Ok(_) if exchange.is_satisfied() => return Some(None),
                Reply::Ok(_) => return Some(Some(End::NotVerified)),
                Reply::Challenge(challenge) => match exchange.answer(&challenge) {
                    Answer::Message(message) => self.says(&base64(&message)),
                    Answer::Cancel => {
                        cancelled = true;
                        self.says(b"*");
                    }
                    Answer::NotVerified => return Some(Some(End::NotVerified)),
                    Answer::Unknown => return None,
                },
            }
        }
    }
}
