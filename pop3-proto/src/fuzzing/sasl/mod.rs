//! Both sides of every mechanism: each alone with a peer that says anything, and both together with somebody between them.

mod client;
pub(super) mod model;
pub(super) mod parties;
mod script;
mod server;
mod together;

use script::{Play, Script};

/// I1 to I3 and I10 of the mechanisms, class I of attacks (T18 to T20). A client is satisfied only where its mechanism has
/// seen all that it wants to see, SCRAM a signature that a model finds right; what it says is what the model says, and an
/// error is for ever. An acceptor lets in exactly whom a model lets in, asks before one acts for another, refuses for ever,
/// and shows no difference between a wrong password and an unknown user. Of an exchange of honest sides in which somebody
/// altered a message, both sides together are never content with SCRAM.
///
/// Input: see the script's format.
pub fn sasl_exchange(data: &[u8]) {
    let Some(script) = Script::read(data) else { return };
    match &script.play {
        Play::Client(messages) => client::check(&script.setup, messages),
        Play::Server { starts, messages } => server::check(&script.setup, *starts, messages),
        Play::Together { starts, alteration } => {
            together::check(&script.setup, *starts, alteration.as_ref());
        }
    }
}
