//! Presets and switches of leniency, by name.

use pop3_proto::Leniency;
use pop3_proto::client::{ClientConfig, Security};
use pop3_proto::codec::LineEnding;
use pop3_proto::server::{ServerConfig, ServerLeniency};

/// What Outlook takes for NUL, at which it ends a message.
const NUL_REPLACEMENT: u8 = 0x80;

/// What a session forgives, `PRESET[,SWITCH]...`, and what a client may say in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Forgiven {
    preset: Preset,
    client: Leniency,
    server: ServerLeniency,
    security: Security,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Preset {
    Strict,
    Tolerant,
    Outlook,
}

impl Default for Forgiven {
    fn default() -> Self {
        Self::of(Preset::Tolerant)
    }
}

impl Forgiven {
    /// Nothing.
    #[allow(dead_code, reason = "the tests play strict twins")]
    pub(crate) fn strict() -> Self {
        Self::of(Preset::Strict)
    }

    pub(crate) fn parse(names: &str) -> Result<Self, String> {
        let mut names = names.split(',');
        let mut forgiven = Self::of(match names.next() {
            Some("strict") => Preset::Strict,
            Some("tolerant") => Preset::Tolerant,
            Some("outlook") => Preset::Outlook,
            _ => return Err("no such preset of leniency (strict, tolerant, outlook)".to_owned()),
        });
        for name in names {
            let known = forgiven.switch(name);
            known.ok_or_else(|| format!("no such switch of leniency: {name}"))?;
        }
        Ok(forgiven)
    }

    fn of(preset: Preset) -> Self {
        let (client, server) = match preset {
            Preset::Strict => (Leniency::strict(), ServerLeniency::strict()),
            Preset::Tolerant => (Leniency::tolerant(), ServerLeniency::tolerant()),
            Preset::Outlook => {
                let mut server = ServerLeniency::tolerant();
                server.nul_replacement = Some(NUL_REPLACEMENT);
                server.missing_blank_line = true;
                (Leniency::outlook(), server)
            }
        };
        Self { preset, client, server, security: Security::PlaintextAllowed }
    }

    /// The same for a client with this policy.
    #[allow(dead_code, reason = "the attacks need it")]
    pub(crate) const fn with_security(mut self, security: Security) -> Self {
        self.security = security;
        self
    }

    /// `None` if neither role has such a switch.
    fn switch(&mut self, name: &str) -> Option<()> {
        let Self { client, server, .. } = self;
        *match name {
            "field_separators" => &mut client.field_separators,
            "trailing_information" => &mut client.trailing_information,
            "status_case" => &mut client.status_case,
            "any_plus_positive" => &mut client.any_plus_positive,
            "leading_dot_ends_listing" => &mut client.leading_dot_ends_listing,
            "long_unique_ids" => &mut client.long_unique_ids,
            "malformed_items" => &mut client.malformed_items,
            "repeated_numbers" => &mut client.repeated_numbers,
            "negative_stat" => &mut client.negative_stat,
            "ok_as_continuation" => &mut client.ok_as_continuation,
            "bare_plus" => &mut client.bare_plus,
            "text_challenge" => &mut client.text_challenge,
            "junk_before_greeting" => &mut client.junk_before_greeting,
            "auth_listing" => &mut server.auth_listing,
            "password_spaces" => &mut server.password_spaces,
            "opaque_passwords" => &mut server.opaque_passwords,
            "missing_blank_line" => &mut server.missing_blank_line,
            "nul_replacement" => {
                server.nul_replacement = Some(NUL_REPLACEMENT);
                return Some(());
            }
            "line_ending" => {
                client.line_ending = LineEnding::CrlfOrLf;
                server.line_ending = LineEnding::CrlfOrLf;
                return Some(());
            }
            _ => return None,
        } = true;
        Some(())
    }

    /// A client's configuration: unless it has a policy, what a script sends may be sent in clear, but under `outlook` nothing that Outlook
    /// does not send.
    pub(crate) const fn client(&self) -> ClientConfig {
        let security = self.security;
        let mut config = match self.preset {
            Preset::Outlook => ClientConfig::outlook(security),
            Preset::Strict | Preset::Tolerant => ClientConfig::new(security),
        };
        config.leniency = self.client;
        config
    }

    /// A server's configuration, which takes credentials in clear.
    pub(super) const fn server(&self) -> ServerConfig {
        let mut config = ServerConfig::new();
        config.plaintext = true;
        config.leniency = self.server;
        config
    }
}
