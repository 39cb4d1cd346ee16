//! What a script says and nobody may read.

use pop3_proto::{Base64, Secret};

use super::octets::decoded;

/// Credentials that the client has sent, in each form in which a server may repeat them.
#[derive(Debug, Default)]
pub(super) struct Secrets(Vec<Secret>);

impl Secrets {
    /// Learns what a command line holds, well-formed or not.
    pub(super) fn learn_command(&mut self, line: &[u8]) {
        let line = line.trim_ascii_start();
        let mut words = line.splitn(2, |octet| *octet == b' ');
        let (keyword, rest) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if keyword.eq_ignore_ascii_case(b"PASS") {
            self.learn(rest);
        } else if keyword.eq_ignore_ascii_case(b"APOP") {
            self.learn(rest.rsplit(|octet| *octet == b' ').next().unwrap_or_default());
        } else if keyword.eq_ignore_ascii_case(b"AUTH") {
            let mut words = rest.splitn(2, |octet| *octet == b' ');
            self.learn_response(words.nth(1).unwrap_or_default());
        }
    }

    /// Learns what a response to a challenge holds.
    pub(super) fn learn_response(&mut self, line: &[u8]) {
        if matches!(line, b"*" | b"=") {
            return;
        }
        self.learn(line);
        if let Some(Ok(response)) = std::str::from_utf8(line).ok().map(Base64::new) {
            let octets = decoded(&response);
            // PLAIN has the password behind the last NUL (RFC 4616 §2).
            self.learn(octets.rsplit(|octet| *octet == 0).next().unwrap_or_default());
            self.learn(&octets);
        }
    }

    fn learn(&mut self, octets: &[u8]) {
        if !octets.is_empty() {
            self.0.push(Secret::new(octets));
        }
    }

    /// Whether a text repeats one of them.
    pub(super) fn are_told_by(&self, text: &[u8]) -> bool {
        self.0.iter().any(|secret| {
            text.windows(secret.expose().len()).any(|window| window == secret.expose())
        })
    }
}
