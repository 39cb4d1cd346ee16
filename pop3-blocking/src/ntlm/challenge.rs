//! The server's `CHALLENGE_MESSAGE`.

use ntlmclient::Flags;

/// Octets of a whole message at most. Real ones have some hundreds; and what is said to it must
/// count its octets in 16 bits.
pub(super) const MAX_OCTETS: usize = 8 * 1024;

/// Where the payload begins at the earliest: behind the fixed fields without the version.
const HEADER_OCTETS: usize = 48;

/// `MsvAvEOL` and `MsvAvTimestamp` ([MS-NLMP] 2.2.2.1).
const END_OF_LIST: u16 = 0;
const TIMESTAMP: u16 = 7;

/// What `NTLMv2` needs of a `CHALLENGE_MESSAGE` ([MS-NLMP] 2.2.1.2).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge<'a> {
    pub(super) flags: Flags,
    pub(super) nonce: [u8; 8],
    /// The list of names, its end included.
    pub(super) target_info: &'a [u8],
    /// The server's time, if it tells it.
    pub(super) timestamp: Option<[u8; 8]>,
}

impl<'a> Challenge<'a> {
    /// Reads a message; `None` if it is none to be answered in Unicode. Nothing is
    /// copied: the fields of the message only say where to look in it.
    pub(super) fn parse(message: &'a [u8]) -> Option<Self> {
        if message.len() > MAX_OCTETS || !message.starts_with(b"NTLMSSP\0\x02\0\0\0") {
            return None;
        }
        let flags = Flags::from_bits_retain(u32::from_le_bytes(array(message, 20)?));
        if !flags.contains(Flags::NEGOTIATE_UNICODE | Flags::NEGOTIATE_NTLM) {
            return None;
        }
        let name = Span::read(message, 12)?;
        let info = Span::read(message, 40)?;
        if name.overlaps(&info) {
            return None;
        }
        let (target_info, timestamp) = match message.get(info.start..info.end)? {
            // Servers with no names to tell have no list at all, as Cyrus has none.
            [] if !flags.contains(Flags::NEGOTIATE_TARGET_INFO) => (&[0; 4][..], None),
            list => target_info(list)?,
        };
        Some(Self { flags, nonce: array(message, 24)?, target_info, timestamp })
    }
}

/// A part of the payload.
struct Span {
    start: usize,
    end: usize,
}

impl Span {
    /// Reads the length and the offset at `at`; `None` if they do not lie in the payload. The offset
    /// of nothing means nothing.
    fn read(message: &[u8], at: usize) -> Option<Self> {
        let length = usize::from(u16::from_le_bytes(array(message, at)?));
        let offset = u32::from_le_bytes(array(message, at.checked_add(4)?)?);
        if length == 0 {
            return Some(Self { start: 0, end: 0 });
        }
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(length)?;
        (start >= HEADER_OCTETS && end <= message.len()).then_some(Self { start, end })
    }

    const fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// The list up to its end, and the time in it. A list that does not end is none.
fn target_info(list: &[u8]) -> Option<(&[u8], Option<[u8; 8]>)> {
    let mut at = 0_usize;
    let mut timestamp = None;
    loop {
        let id = u16::from_le_bytes(array(list, at)?);
        let length = usize::from(u16::from_le_bytes(array(list, at.checked_add(2)?)?));
        at = at.checked_add(4)?;
        let value = list.get(at..at.checked_add(length)?)?;
        at = at.checked_add(length)?;
        match id {
            END_OF_LIST if value.is_empty() => return Some((list.get(..at)?, timestamp)),
            END_OF_LIST => return None,
            TIMESTAMP => timestamp = Some(value.try_into().ok()?),
            _ => {}
        }
    }
}

fn array<const N: usize>(octets: &[u8], at: usize) -> Option<[u8; N]> {
    octets.get(at..at.checked_add(N)?)?.try_into().ok()
}
