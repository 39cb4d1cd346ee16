//! A message on its way out, repaired where the configuration says so.

use bytes::BufMut;

use super::ServerLeniency;
use crate::codec::{MultilineEncoder, TopLines, WireOctets};

/// What is done to the octets of a message before byte-stuffing.
#[derive(Clone, Debug)]
pub(super) struct Repairs {
    nul_replacement: Option<u8>,
    /// Looks for the blank line behind the headers; `None` if nobody asks for it.
    headers: Option<TopLines>,
    last: Option<u8>,
}

impl Repairs {
    pub(super) fn new(leniency: ServerLeniency) -> Self {
        let headers = leniency.missing_blank_line.then(|| TopLines::new(0));
        // Half a line end would move the ends of lines, which are counted and cut before.
        let nul_replacement =
            leniency.nul_replacement.filter(|octet| !matches!(octet, b'\r' | b'\n'));
        Self { nul_replacement, headers, last: None }
    }

    fn see(&mut self, octets: &[u8]) {
        if let Some(headers) = &mut self.headers {
            headers.take(octets);
        }
        self.last = octets.last().copied().or(self.last);
    }

    /// What has to follow the message for a blank line that is asked for and missing.
    fn missing(&self) -> &'static [u8] {
        let Some(headers) = &self.headers else { return b"" };
        let mut headers = headers.clone();
        if self.last == Some(b'\r') {
            // It will be sent as a whole line end.
            headers.take(b"\n");
        }
        match self.last {
            _ if headers.done() => b"",
            None | Some(b'\r' | b'\n') => b"\r\n",
            Some(_) => b"\r\n\r\n",
        }
    }
}

/// Counts the octets of a message as a session with `leniency` sends them, so that LIST says what RETR
/// gives (RFC 1939 §11).
///
/// ```
/// use pop3_proto::server::{MessageOctets, ServerLeniency};
/// let mut octets = MessageOctets::new(ServerLeniency::strict());
/// octets.update(b"Subject: x\n\none\n");
/// assert_eq!(octets.octets(), 19);
/// ```
#[derive(Clone, Debug)]
pub struct MessageOctets {
    octets: WireOctets,
    repairs: Repairs,
}

impl MessageOctets {
    /// For a message of which nothing has been counted yet.
    #[must_use]
    pub fn new(leniency: ServerLeniency) -> Self {
        Self { octets: WireOctets::new(), repairs: Repairs::new(leniency) }
    }

    /// Counts the next octets of the message.
    pub fn update(&mut self, octets: &[u8]) {
        self.repairs.see(octets);
        self.octets.update(octets);
    }

    /// The octets of the message, if it ended here.
    #[must_use]
    pub fn octets(&self) -> u64 {
        let mut whole = self.octets.clone();
        whole.update(self.repairs.missing());
        whole.octets()
    }
}

/// Encodes the message that answers RETR or TOP.
#[derive(Clone, Debug)]
pub(super) struct MessageEncoder {
    encoder: MultilineEncoder,
    top: Option<TopLines>,
    repairs: Repairs,
}

impl MessageEncoder {
    /// Octets that the end may need: a dot that is owed, two line ends and the terminator.
    pub(super) const END_OCTETS: usize = b".\r\n\r\n.\r\n".len();

    /// `lines`: how many lines of the body TOP asks for; `None` for RETR.
    pub(super) fn new(lines: Option<u64>, leniency: ServerLeniency) -> Self {
        Self {
            encoder: MultilineEncoder::new(),
            top: lines.map(TopLines::new),
            repairs: Repairs::new(leniency),
        }
    }

    /// Whether more of the message is wanted: not once TOP has its lines.
    pub(super) fn wants_more(&self) -> bool {
        !self.top.as_ref().is_some_and(TopLines::done)
    }

    /// Takes octets of the message, as many as there is room for; what TOP does not ask for is taken
    /// and dropped.
    pub(super) fn encode(&mut self, octets: &[u8], out: &mut impl BufMut) -> usize {
        // What finds no room now is shown again: looking at it would be for nothing.
        let shown = octets.get(..out.remaining_mut()).unwrap_or(octets);
        let wanted = match &self.top {
            Some(top) => top.clone().take(shown),
            None => shown.len(),
        };
        let answer = shown.get(..wanted).unwrap_or_default();
        let taken = match self.repairs.nul_replacement {
            Some(replacement) => self.encode_without_nuls(answer, replacement, out),
            None => self.encoder.encode(answer, out),
        };
        let seen = answer.get(..taken).unwrap_or_default();
        self.repairs.see(seen);
        if let Some(top) = &mut self.top {
            top.take(if taken == wanted { shown } else { seen });
        }
        if self.wants_more() { taken } else { octets.len() }
    }

    fn encode_without_nuls(
        &mut self,
        octets: &[u8],
        replacement: u8,
        out: &mut impl BufMut,
    ) -> usize {
        let mut taken = 0;
        loop {
            let rest = octets.get(taken..).unwrap_or_default();
            let now = match memchr::memchr(0, rest) {
                Some(0) => self.encoder.encode(&[replacement], out),
                run => {
                    let run = rest.get(..run.unwrap_or(rest.len())).unwrap_or_default();
                    self.encoder.encode(run, out)
                }
            };
            if now == 0 {
                return taken;
            }
            taken += now;
        }
    }

    /// Ends the message; `out` has room for [`MessageEncoder::END_OCTETS`].
    pub(super) fn finish(&mut self, out: &mut impl BufMut) {
        let missing = self.repairs.missing();
        self.encoder.encode(missing, out);
        let complete = self.encoder.finish(out);
        debug_assert!(complete, "no room for the end");
    }
}
