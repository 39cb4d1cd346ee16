//! An acceptor alone with a client that says anything.

use alloc::format;
use alloc::vec::Vec;

use super::model::Transcript;
use super::parties::{BackEnd, Kind, PASSWORD, Said, Setup, TOKEN};
use super::script::filled_in;
use crate::fuzzing::{assert_printable, assert_shown_printable};
use crate::sasl::{Acceptor, Answer, Identity, Input, Refusal, Step};

/// T19.
pub(super) fn check(setup: &Setup, starts: bool, messages: &[Vec<u8>]) {
    let mut back_end = BackEnd::new(setup);
    let run = Run::of(setup, starts, messages, &mut back_end);
    let transcript =
        Transcript { setup, password: PASSWORD, client: &run.client, server: &run.server };
    let expected = transcript.lets_in(starts).filter(|_| !back_end.failed);
    check_end(setup, run.end.as_ref(), expected.as_ref());

    // S14.7: nobody can tell a wrong password from no such user.
    if matches!(setup.kind, Kind::Plain | Kind::Login | Kind::CramMd5 | Kind::Scram(_)) {
        let mut wrong = BackEnd::with(setup, Some("another"));
        let mut unknown = BackEnd::with(setup, None);
        let wrong = Run::of(setup, starts, messages, &mut wrong);
        let unknown = Run::of(setup, starts, messages, &mut unknown);
        let shape = |run: &Run| run.server.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(shape(&wrong), shape(&unknown), "one is told what another is not");
        assert_eq!(wrong.end, unknown.end);
        assert!(!matches!(wrong.end, Some(Ok(_))), "let in without the password");
    }
}

/// What the model says of the end, exactly or as far as it goes.
pub(super) fn check_end(
    setup: &Setup,
    end: Option<&Result<Identity, Refusal>>,
    expected: Option<&Identity>,
) {
    let found = end.and_then(|end| end.as_ref().ok());
    let necessary = matches!(setup.kind, Kind::OAuthBearer | Kind::Scram(_)) && found.is_none();
    assert!(necessary || found == expected, "{end:?} where {expected:?} is due");
}

/// One exchange of an acceptor.
struct Run {
    client: Vec<Vec<u8>>,
    /// But for an empty challenge that asks for a first message.
    server: Vec<Vec<u8>>,
    end: Option<Result<Identity, Refusal>>,
}

impl Run {
    fn of(setup: &Setup, starts: bool, messages: &[Vec<u8>], back_end: &mut BackEnd) -> Self {
        let mut acceptor = setup.acceptor();
        let mut run = Self { client: Vec::new(), server: Vec::new(), end: None };
        if starts {
            let said = back_end.say(&mut *acceptor, Input::Start);
            run.take(said);
        }
        for message in messages {
            if run.end.is_some() {
                break;
            }
            let transcript =
                Transcript { setup, password: PASSWORD, client: &run.client, server: &run.server };
            let message = filled_in(message, &transcript);
            let initial = run.client.is_empty() && !starts;
            let input = if initial { Input::Initial(&message) } else { Input::Response(&message) };
            let said = back_end.say(&mut *acceptor, input);
            run.client.push(message);
            run.take(said);
            run.check_shown(&*acceptor);
        }
        if run.end.is_some() {
            check_over(&mut *acceptor);
        }
        run
    }

    fn take(&mut self, said: Said) {
        match said {
            Said::Challenge(challenge) => {
                if !(challenge.expose().is_empty() && self.client.is_empty()) {
                    self.server.push(challenge.expose().to_vec());
                }
                assert!(self.server.len() <= 3, "I2: it challenges without end");
            }
            Said::End(end) => {
                if let Err(refusal) = &end {
                    assert_shown_printable(refusal);
                }
                self.end = Some(end);
            }
        }
    }

    fn check_shown(&self, acceptor: &dyn Acceptor) {
        let shown = format!("{acceptor:?}");
        assert_printable(&shown);
        // A client's trace and name are no secrets, whatever it writes there.
        let named = |secret: &str| {
            let plain = self
                .client
                .iter()
                .any(|said| memchr::memmem::find(said, secret.as_bytes()).is_some());
            plain && shown.contains(secret)
        };
        for secret in [PASSWORD, TOKEN] {
            assert!(!shown.contains(secret) || named(secret), "I10: {shown}");
        }
    }
}

/// Behind the end there is nothing.
pub(super) fn check_over(acceptor: &mut dyn Acceptor) {
    for input in
        [Input::Answer(Answer::Accepted), Input::Response(b""), Input::Start, Input::Initial(b"")]
    {
        assert!(matches!(acceptor.step(input), Step::Refused(_)), "it went on behind its end");
    }
}
