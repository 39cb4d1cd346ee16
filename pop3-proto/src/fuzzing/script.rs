//! What a server sends and what the caller does in between, as one string of octets.
//!
//! Nine octets make the configuration. After them every octet is the server's, but for NUL: the octet behind it names what
//! the caller does, with an argument of one octet where it needs one. So a corpus file reads like one side of a transcript.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::client::{Channel, ClientConfig, Eof, Pipelining, Security};
use crate::codec::LineEnding;
use crate::sasl::{Binding, CramMd5, Login, Mechanism, Plain, Scram, ScramHash, XOAuth2};
use crate::{
    ApopDigest, Base64, Command, LanguageRange, Leniency, Limits, Mailbox, MechanismName,
    MessageNumber, Password, RawFraming, Secret,
};

/// What no message of the library may show.
pub(super) const CANARY: &str = "hunter2";
/// The same in the lines of an exchange: on the line of AUTH behind `\0mrose\0`, and alone.
const INITIAL: &str = "AG1yb3NlAGh1bnRlcjI=";
const RESPONSE: &str = "aHVudGVyMg==";

/// Whether `shown` holds the canary in a form that can be told back.
pub(super) fn shows_the_canary(shown: &[u8]) -> bool {
    [CANARY, INITIAL, RESPONSE]
        .iter()
        .any(|form| memchr::memmem::find(shown, form.as_bytes()).is_some())
}

/// Octets of the server in one script, repeated ones included.
const MAX_OCTETS: usize = 1 << 14;

#[derive(Clone, Debug)]
pub(super) enum Step<A = Act> {
    /// The peer sends this.
    Octets(Vec<u8>),
    /// The caller does this.
    Act(A),
}

/// What NUL begins.
pub(super) enum Directive<A> {
    Act(A),
    /// A NUL of the peer.
    Nul,
    /// So many times what the peer has sent since the last act.
    Repeat(usize),
}

#[derive(Clone, Debug)]
pub(super) enum Act {
    Send(Command),
    /// Lets the session conduct an exchange.
    Authenticate(Conducted),
    /// Output is written as it comes up, or held back.
    Hold(bool),
    /// So many octets of the output leave.
    Write(usize),
    /// Gives up the command that was taken so many commands ago.
    Abandon(usize),
    /// Gives up the command at the head when so many events have come.
    AbandonAfter(u8),
    /// Answers the challenge.
    Answer(Base64),
    CancelAuth,
    TlsEstablished,
    ReleaseIdle,
    TimeOut,
    Eof(Eof),
    /// Nothing: all that came so far is polled.
    Rest,
}

/// A mechanism, with the canary for its password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conducted {
    Plain,
    Login,
    CramMd5,
    XOAuth2,
    Scram,
}

impl Conducted {
    pub(super) fn mechanism(self) -> Box<dyn Mechanism> {
        let password = Secret::new(CANARY);
        match self {
            Self::Plain => Box::new(Plain::new(None, "mrose", password).expect("RFC 4616 §2")),
            Self::Login => Box::new(Login::new("mrose", password).expect("well-formed")),
            Self::CramMd5 => Box::new(CramMd5::new("mrose", password).expect("RFC 2195 §2")),
            Self::XOAuth2 => Box::new(XOAuth2::new("mrose", password).expect("a token")),
            Self::Scram => {
                let (hash, binding) = (ScramHash::Sha256, Binding::Unsupported);
                let scram = Scram::new(hash, None, "mrose", password, "fyko", binding);
                Box::new(scram.expect("RFC 5802 §7").with_iterations(1..=16))
            }
        }
    }

    /// Whether `+OK` may count behind so many messages of the client.
    pub(super) fn may_succeed(self, messages: usize) -> bool {
        match self {
            Self::Plain | Self::CramMd5 | Self::XOAuth2 => messages == 1,
            Self::Login => messages == 2,
            // Nobody here can prove that he knows the password.
            Self::Scram => false,
        }
    }
}

/// The preset and the policy that two letters stand for.
pub(super) fn config(preset: u8, security: u8) -> ClientConfig {
    let security = match security {
        b'I' => Security::Implicit,
        b'R' => Security::StlsRequired,
        b'O' => Security::StlsPreferred,
        _ => Security::PlaintextAllowed,
    };
    match preset {
        b'S' => ClientConfig::strict(security),
        b'O' => ClientConfig::outlook(security),
        b'o' => ClientConfig { leniency: Leniency::outlook(), ..ClientConfig::new(security) },
        _ => ClientConfig::new(security),
    }
}

pub(super) const fn channel_of(letter: u8) -> Channel {
    match letter {
        b'T' => Channel::Tls,
        b'L' => Channel::Trusted,
        _ => Channel::Clear,
    }
}

pub(super) struct Script {
    pub(super) config: ClientConfig,
    pub(super) channel: Channel,
    /// What chooses the reads and the habits of the callers.
    pub(super) seed: [u8; 2],
    pub(super) steps: Vec<Step>,
    /// Whether the server itself says what it must not be told.
    pub(super) holds_canary: bool,
}

impl Script {
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let (
            &[preset, switches, pipelining, status, listing, security, channel, small, large],
            rest,
        ) = data.split_first_chunk()?;
        let mut config = config(preset, security);
        config.leniency.junk_before_greeting = switches & 1 != 0;
        if switches & 2 != 0 {
            config.leniency.line_ending = LineEnding::CrlfOrLf;
        }
        config.leniency.leading_dot_ends_listing ^= switches & 4 != 0;
        config.leniency.malformed_items ^= switches & 8 != 0;
        config.pipelining = match pipelining {
            b'P' => Pipelining::Always,
            b'N' => Pipelining::Never,
            _ => Pipelining::Announced,
        };
        config.limits = limits(status, listing);
        let steps = steps(rest, act);
        let mut said = Vec::new();
        for step in &steps {
            if let Step::Octets(octets) = step {
                said.extend_from_slice(octets);
            }
        }
        let holds_canary = shows_the_canary(&said);
        Some(Self {
            config,
            channel: channel_of(channel),
            seed: [small, large],
            steps,
            holds_canary,
        })
    }

    /// Octets that the server sends.
    pub(super) fn octets(&self) -> usize {
        let octets = self.steps.iter().map(|step| match step {
            Step::Octets(octets) => octets.len(),
            Step::Act(_) => 0,
        });
        octets.sum()
    }

    /// The same up to the octet `at`, which the server does not come to send.
    pub(super) fn cut(&self, at: usize, eof: Eof) -> Self {
        let (mut steps, mut left) = (Vec::new(), at);
        for step in &self.steps {
            match step {
                Step::Octets(octets) if octets.len() > left => {
                    steps.push(Step::Octets(octets[..left].to_vec()));
                    break;
                }
                Step::Octets(octets) => left -= octets.len(),
                Step::Act(_) => {}
            }
            steps.push(step.clone());
        }
        steps.push(Step::Act(Act::Eof(eof)));
        Self { steps, ..*self }
    }
}

/// `00` leaves the limits as they are; anything else makes them small enough to be met.
fn limits(status: u8, listing: u8) -> Limits {
    if status == b'0' && listing == b'0' {
        return Limits::DEFAULT;
    }
    Limits {
        status_line: status.into(),
        listing_line: listing.into(),
        listing_items: u32::from(listing % 32),
        capabilities: usize::from(status % 32),
        sasl_line: usize::from(status ^ 0x55),
        sasl_rounds: u32::from(listing % 4),
        in_flight: 1 + usize::from(listing % 8),
        input_block: usize::from(status ^ listing),
        output: usize::from(status % 128),
        drain: u64::from(listing) * 2,
    }
}

/// Reads octets of the peer and, behind each NUL, what `read` makes of it.
pub(super) fn steps<A>(
    script: &[u8],
    read: impl Fn(&mut dyn Iterator<Item = u8>) -> Directive<A>,
) -> Vec<Step<A>> {
    let mut steps = Vec::new();
    let mut octets = Vec::new();
    let mut left = MAX_OCTETS;
    let mut script = script.iter().copied();
    while let Some(octet) = script.next() {
        let directive = if octet == 0 { read(&mut script) } else { Directive::Nul };
        match directive {
            Directive::Nul if left > 0 => {
                left -= 1;
                octets.push(octet);
            }
            Directive::Nul => {}
            Directive::Repeat(count) => {
                let again = octets.len() * (count.max(2) - 1);
                if again <= left {
                    left -= again;
                    octets = octets.repeat(count.max(2));
                }
            }
            Directive::Act(act) => {
                if !octets.is_empty() {
                    steps.push(Step::Octets(core::mem::take(&mut octets)));
                }
                steps.push(Step::Act(act));
            }
        }
    }
    if !octets.is_empty() {
        steps.push(Step::Octets(octets));
    }
    steps
}

fn act(script: &mut dyn Iterator<Item = u8>) -> Directive<Act> {
    let name = script.next().unwrap_or(b'|');
    let mut argument = || script.next().unwrap_or(b'1');
    let message = |octet: u8| match u32::from(octet) {
        octet @ 0x30..=0x39 => MessageNumber::new(octet - 0x30),
        octet => MessageNumber::new(octet.wrapping_sub(0x41)),
    };
    let named = |octet: u8| message(octet).unwrap_or(MessageNumber::FIRST);
    let mailbox = || Mailbox::new("mrose").expect("RFC 1939 §7");
    let base64 = |text| Base64::new(text).expect("base64");
    let auth = |initial| {
        let mechanism = MechanismName::new("PLAIN").expect("RFC 4616 §3");
        Act::Send(Command::Auth { mechanism, initial })
    };
    Directive::Act(match name {
        0 => return Directive::Nul,
        b'*' => return Directive::Repeat(argument().into()),
        b'u' => Act::Send(Command::User(mailbox())),
        b'p' => Act::Send(Command::Pass(Password::new(CANARY).expect("graphic ASCII"))),
        b'a' => Act::Send(Command::Apop {
            mailbox: mailbox(),
            digest: ApopDigest::new("c4c9334bac560ecc979e58001b3e22fb").expect("RFC 1939 §7"),
        }),
        b'o' => auth(None),
        b'O' => auth(Some(base64(INITIAL))),
        b'=' => auth(Some(Base64::empty())),
        b'k' => Act::Answer(base64(RESPONSE)),
        b'K' => Act::Answer(Base64::empty()),
        b'!' => Act::CancelAuth,
        b'Y' => Act::Authenticate(match argument() {
            b'P' => Conducted::Plain,
            b'L' => Conducted::Login,
            b'C' => Conducted::CramMd5,
            b'X' => Conducted::XOAuth2,
            _ => Conducted::Scram,
        }),
        b'm' => Act::Send(Command::Mechanisms { trailing_space: false }),
        b'M' => Act::Send(Command::Mechanisms { trailing_space: true }),
        b'S' => Act::Send(Command::Stls),
        b'V' => Act::TlsEstablished,
        b'8' => Act::Send(Command::Utf8),
        b'g' => Act::Send(Command::Lang(None)),
        b'G' => Act::Send(Command::Lang(Some(LanguageRange::Default))),
        b's' => Act::Send(Command::Stat),
        b'l' => Act::Send(Command::List(None)),
        b'L' => Act::Send(Command::List(Some(named(argument())))),
        b'i' => Act::Send(Command::Uidl(None)),
        b'I' => Act::Send(Command::Uidl(Some(named(argument())))),
        b'r' => Act::Send(Command::Retr(named(argument()))),
        b't' => Act::Send(Command::Top { message: named(argument()), lines: 10 }),
        b'd' => Act::Send(Command::Dele(named(argument()))),
        b'n' => Act::Send(Command::Noop),
        b'z' => Act::Send(Command::Rset),
        b'c' => Act::Send(Command::Capa),
        b'q' => Act::Send(Command::Quit),
        b'x' => Act::Send(Command::raw("XTND XMIT", RawFraming::SingleLine).expect("no keyword")),
        b'X' => Act::Send(Command::raw("XTND DUMP", RawFraming::Multiline).expect("no keyword")),
        b'h' => Act::Hold(true),
        b'w' => Act::Hold(false),
        b'W' => Act::Write(argument().into()),
        b'A' => Act::Abandon(usize::from(argument() & 7)),
        b'B' => Act::AbandonAfter(argument() & 15),
        b'-' => Act::ReleaseIdle,
        b'T' => Act::TimeOut,
        b'E' => Act::Eof(Eof::Clean),
        b'e' => Act::Eof(Eof::Abrupt),
        _ => Act::Rest,
    })
}
