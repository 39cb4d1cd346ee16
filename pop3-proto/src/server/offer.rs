//! What is offered here and now: by the configuration, on this channel, in this state.

use alloc::vec::Vec;
use core::cmp::Reverse;

use super::{ConfigError, ServerConfig, ServerSession, Utf8Offer};
use crate::client::Channel;
use crate::error::CommandError;
use crate::state::{Keyword, Points, State};
use crate::{Capabilities, Capability, Command, Expiry, LanguageListing, MechanismName, Text};

/// What the session lists by itself.
const OWN: [&str; 10] = [
    "TOP",
    "USER",
    "SASL",
    "RESP-CODES",
    "AUTH-RESP-CODE",
    "PIPELINING",
    "UIDL",
    "STLS",
    "UTF8",
    "LANG",
];

impl ServerConfig {
    /// Whether every line that comes from it can be written.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        check_further(&self.capabilities)?;
        if !self.mechanisms.is_empty() && sasl(&self.mechanisms).is_none() {
            return Err(ConfigError::Mechanisms);
        }
        let fits = |listing: &LanguageListing| {
            let octets = listing.tag.as_str().len() + 1 + listing.description.octets().len();
            octets <= Text::MAX_OCTETS
        };
        if self.languages.iter().all(fits) { Ok(()) } else { Err(ConfigError::Language) }
    }
}

fn check_further(capabilities: &[Capability]) -> Result<(), ConfigError> {
    for capability in capabilities {
        // One that was received may be longer than one that may be sent.
        let params: Vec<_> = capability.params().collect();
        let sound = Capability::new(capability.tag(), &params).is_ok();
        if !sound || OWN.iter().any(|own| capability.is(own)) {
            return Err(ConfigError::Capability);
        }
    }
    Ok(())
}

/// What a user may find worse than was announced: the delay, and how soon messages go.
fn terms(list: &Capabilities) -> (Option<u32>, Reverse<u32>) {
    let days = match list.expire().map(|expire| expire.expiry) {
        Some(Expiry::Days(days)) => days,
        Some(Expiry::Never) | None => u32::MAX,
    };
    (list.login_delay().map(|delay| delay.seconds), Reverse(days))
}

impl ServerSession {
    /// Lists these from now on instead of [`ServerConfig::capabilities`]: what differs from user to user, once it is known
    /// who that is, before the login is answered; and what is told to nobody else, as IMPLEMENTATION
    /// (RFC 2449 §6.5, §6.7, §6.9).
    ///
    /// # Errors
    /// [`ConfigError::Capability`] if one is the session's own or no capability line; if one is missing that
    /// was listed, since what is there before login is there after it (RFC 2449 §5); or if LOGIN-DELAY is
    /// longer or EXPIRE shorter than was announced, since before login the worst is announced. Nothing
    /// has changed then.
    pub fn announce(&mut self, capabilities: Vec<Capability>) -> Result<(), ConfigError> {
        check_further(&capabilities)?;
        let before: Capabilities = self.config.capabilities.iter().cloned().collect();
        let after: Capabilities = capabilities.iter().cloned().collect();
        let ((delay, expiry), (longest, soonest)) = (terms(&after), terms(&before));
        let is_kept = before.iter().all(|capability| after.find(capability.tag()).is_some());
        if !is_kept || delay > longest || expiry > soonest {
            return Err(ConfigError::Capability);
        }
        self.config.capabilities = capabilities;
        Ok(())
    }

    /// Whether somebody may authenticate some day.
    pub(super) fn check_ways(&self) -> Result<(), ConfigError> {
        let here =
            [Keyword::User, Keyword::Apop, Keyword::Auth].map(|keyword| self.offers(keyword));
        let after_stls =
            self.config.stls && (here.contains(&true) || !self.config.mechanisms.is_empty());
        if self.takes_credentials() && here.contains(&true) || after_stls {
            Ok(())
        } else {
            Err(ConfigError::NoAuthentication)
        }
    }

    /// Whether `command` is offered, legal at this point, and protected if it has to be.
    pub(super) fn check(
        &self,
        command: Command,
        here: Option<Points>,
    ) -> Result<Command, CommandError> {
        let keyword = command.keyword().ok_or(CommandError::Unknown)?;
        let lists = matches!(command, Command::Mechanisms { .. });
        if lists && self.config.leniency.auth_listing && self.state == State::Authorization {
            return Ok(command);
        }
        if !self.offers(keyword) {
            return Err(CommandError::Unsupported(keyword));
        }
        let rule = keyword.rule();
        let legal = here.is_some_and(|here| rule.legal.contains(here));
        if !legal || keyword == Keyword::Stls && !self.may_begin_tls() {
            return Err(CommandError::WrongState(keyword));
        }
        if rule.credential && !self.takes_credentials() {
            return Err(CommandError::NotProtected(keyword));
        }
        self.check_arguments(&command, keyword)?;
        Ok(command)
    }

    fn check_arguments(&self, command: &Command, keyword: Keyword) -> Result<(), CommandError> {
        let leniency = &self.config.leniency;
        // RFC 6856 §2.2: well-formed UTF-8, and only where it is announced.
        let is_utf8 = |octets: &[u8]| {
            let text = core::str::from_utf8(octets).ok();
            let sound = text.is_some_and(|text| !text.contains(char::is_control));
            sound && self.config.utf8 == Utf8Offer::User
        };
        match command {
            Command::User(mailbox) | Command::Apop { mailbox, .. } => {
                let name = mailbox.as_str();
                if !name.is_ascii() && !is_utf8(name.as_bytes()) {
                    return Err(CommandError::ForbiddenOctet);
                }
            }
            Command::Pass(password) => {
                let octets = password.expose();
                if password.is_opaque() && !leniency.opaque_passwords && !is_utf8(octets) {
                    return Err(CommandError::ForbiddenOctet);
                }
                if octets.contains(&b' ') && !leniency.password_spaces {
                    return Err(CommandError::Arguments(keyword));
                }
            }
            Command::Auth { mechanism, .. }
                if !self.mechanisms().any(|name| name == *mechanism) =>
            {
                return Err(CommandError::Mechanism);
            }
            Command::Mechanisms { .. } => return Err(CommandError::Arguments(keyword)),
            _ => {}
        }
        Ok(())
    }

    /// What CAPA lists (RFC 2449 §5). What there is before login is listed after it too, but for STLS
    /// (RFC 2595 §4).
    pub(super) fn capabilities(&self) -> Vec<Capability> {
        let plain = |tag| Capability::new(tag, &[]).ok();
        let when = |offered: bool, tag| plain(tag).filter(|_| offered);
        let tls = self.config.stls && self.state == State::Authorization && self.may_begin_tls();
        let own = [
            when(self.config.top, "TOP"),
            when(self.config.user_pass && self.takes_credentials(), "USER"),
            sasl(&self.mechanisms().collect::<Vec<_>>()),
            plain("RESP-CODES"),
            plain("AUTH-RESP-CODE"),
            plain("PIPELINING"),
            when(self.config.uidl, "UIDL"),
            when(tls, "STLS"),
            match self.config.utf8 {
                Utf8Offer::No => None,
                Utf8Offer::Yes => plain("UTF8"),
                Utf8Offer::User => Capability::new("UTF8", &["USER"]).ok(),
            },
            when(self.offers(Keyword::Lang), "LANG"),
        ];
        own.into_iter().flatten().chain(self.config.capabilities.iter().cloned()).collect()
    }

    /// The mechanisms of AUTH that are offered on this channel, in their order; none where no
    /// credentials are taken. Those whose names end in `-PLUS` need TLS to bind to (RFC 5802 §6).
    pub fn mechanisms(&self) -> impl Iterator<Item = MechanismName> + '_ {
        self.possible().filter(|_| self.takes_credentials())
    }

    /// Says that this TLS connection has nothing that a client could bind to: no mechanism is offered
    /// whose name ends in `-PLUS`. It is called before anything of the client's is read over TLS.
    pub const fn without_channel_binding(&mut self) {
        self.unbound = true;
    }

    /// The mechanisms that this channel could carry.
    fn possible(&self) -> impl Iterator<Item = MechanismName> + '_ {
        let binds = self.channel == Channel::Tls && !self.unbound;
        let carried = move |name: &MechanismName| binds || !name.as_str().ends_with("-PLUS");
        self.config.mechanisms.iter().copied().filter(carried)
    }

    /// Whether the configuration has it at all.
    fn offers(&self, keyword: Keyword) -> bool {
        match keyword {
            Keyword::User | Keyword::Pass => self.config.user_pass,
            Keyword::Apop => self.timestamp.is_some(),
            Keyword::Auth => self.possible().next().is_some(),
            Keyword::Stls => self.config.stls,
            Keyword::Utf8 => self.config.utf8 != Utf8Offer::No,
            Keyword::Lang => !self.config.languages.is_empty(),
            Keyword::Top => self.config.top,
            Keyword::Uidl => self.config.uidl,
            _ => true,
        }
    }

    /// Whether credentials are taken on this channel (RFC 5034 §4, RFC 8314 §4.1).
    const fn takes_credentials(&self) -> bool {
        self.config.plaintext || self.channel.is_protected()
    }

    /// Not twice, and not behind UTF8 (RFC 2595 §4, RFC 6856 §2.1).
    fn may_begin_tls(&self) -> bool {
        self.channel != Channel::Tls && !self.utf8
    }
}

/// The line of CAPA; `None` if there are no mechanisms, or more than fit.
fn sasl(mechanisms: &[MechanismName]) -> Option<Capability> {
    let names: Vec<_> = mechanisms.iter().map(MechanismName::as_str).collect();
    Capability::new("SASL", &names).ok().filter(|_| !names.is_empty())
}
