//! The client's login, alone with a server that says anything and together with the server's.

mod caller;
mod judge;
mod model;
mod replies;
mod script;
mod setup;
mod together;

use super::Sizes;
use crate::client::{LoginError, Method};
use caller::{Caller, Habits};
use script::{Play, Script};

/// I1, I2, I5, I10, I12 and class B of attacks, and that the strongest is tried and nothing weaker after it. Of a login with a
/// server that says anything: read whole, in pieces and octet by octet it says the same and comes to the same; what leaves in
/// clear is no credential unless that is allowed; inside TLS it says what it says after any other words in clear; the method is
/// the one that a model takes, and as long as the server speaks plainly every line and the end are the model's; it ends, for
/// good; nobody is logged in whom the server did not welcome; nothing secret is shown. Together with the server of this
/// library, over a link that cuts octets anywhere: who knows the secret is let in by the method of the model, who does not is
/// not, and both sides stand alike; where somebody alters what is said in clear, nobody is let in by it.
///
/// Input: see the script's format.
pub fn login(data: &[u8]) {
    let Some(script) = Script::read(data) else { return };
    let setup = &script.setup;
    let [small, large] = script.seed;
    match &script.play {
        Play::Alone(steps) => {
            let whole = Caller::run(setup, steps, Habits::whole());
            let pieces = Habits {
                reads: Sizes::new(small, large),
                window: small & 0x20 != 0,
                steps: small & 0x40 == 0,
                writes: Sizes::new(large, small),
            };
            assert_eq!(whole, Caller::run(setup, steps, pieces), "I1: in pieces");
            assert_eq!(whole, Caller::run(setup, steps, Habits::octets()), "I1: octet by octet");
            judge::check_lines(setup, &whole);
            judge::check(setup, &whole);
            for clear in whole.other_words_in_clear(setup, steps) {
                let other = Caller::run(setup, &clear, Habits::whole());
                assert_eq!(
                    whole.inside_tls(),
                    other.inside_tls(),
                    "I12: said in clear, heard in TLS"
                );
                assert_eq!(whole.outcome, other.outcome, "I12: said in clear, heard in TLS");
            }
        }
        Play::Together(server) => together::check(setup, server),
    }
}

/// What a script of [`login`] comes to, read whole; `None` if it is none.
#[must_use]
pub fn login_comes_to(data: &[u8]) -> Option<Result<Method, LoginError>> {
    match Script::read(data)? {
        Script { setup, play: Play::Alone(steps), .. } => {
            Some(Caller::run(&setup, &steps, Habits::whole()).outcome)
        }
        Script { setup, play: Play::Together(server), .. } => together::outcome(&setup, &server),
    }
}
