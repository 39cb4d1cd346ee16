//! The two buffers that a session owns: one for what comes in, one for what goes out.

mod input;
mod output;

pub(crate) use input::Input;
pub(crate) use output::Output;

/// Overwrites what was a credential.
fn wipe(octets: &mut [u8]) {
    #[cfg(feature = "zeroize")]
    zeroize::Zeroize::zeroize(octets);
    #[cfg(not(feature = "zeroize"))]
    octets.fill(0);
}
