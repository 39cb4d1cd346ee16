//! What a client sends and what the caller does in between, as one string of octets.
//!
//! Nine octets make the configuration. After them every octet is the client's, but for NUL: the octet behind it names what
//! the caller does, with an argument of one octet where it needs one. Octets before `\0/` are a message in the maildrop.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::client::{Channel, Eof};
use crate::codec::LineEnding;
use crate::fuzzing::script::{Directive, Step, channel_of, steps};
use crate::fuzzing::store::Store;
use crate::server::{ServerConfig, ServerLeniency, ServerLimits, Utf8Offer};
use crate::{Capability, KnownCode, LanguageListing, LanguageTag, MechanismName, Text};

/// Messages in a maildrop at most.
const MAX_MESSAGES: usize = 64;

#[derive(Clone, Debug)]
pub(super) enum Act {
    /// What was sent last is no input but a message.
    Message,
    /// The next command that nothing has been decided about is answered so.
    Decide(Decision),
    /// What was put off is answered.
    Answer,
    /// Output is written as it comes up, or held back.
    Hold(bool),
    /// So many octets of the output leave.
    Write(usize),
    Abort,
    ReleaseIdle,
    Eof(Eof),
    /// Nothing: all that came so far is polled.
    Rest,
}

/// What becomes of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It is answered as the maildrop says; a password is right; AUTH goes on as long as the client asks for it.
    Answer,
    /// It is put off.
    Later,
    /// `-ERR`, with one of the texts and one of the codes.
    Refuse(u8),
    /// A password is wrong; anything else is refused.
    Fail,
    /// The session is broken off: at once or, in a message or a listing, when so much of it has been given.
    Abort(Option<usize>),
}

impl Decision {
    pub(super) fn code(choice: u8) -> Option<KnownCode> {
        match choice % 4 {
            _ if choice & 0x40 != 0 => Some(KnownCode::Utf8),
            0 => None,
            1 => Some(KnownCode::InUse),
            2 => Some(KnownCode::SysTemp),
            _ => Some(KnownCode::Auth),
        }
    }
}

pub(super) struct Script {
    pub(super) config: ServerConfig,
    pub(super) channel: Channel,
    /// What chooses the sizes of reads, writes and parts of messages.
    pub(super) seed: [u8; 2],
    pub(super) store: Store,
    pub(super) steps: Vec<Step<Act>>,
}

impl Script {
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let (&[lines, offers, channel, line, output, block, budgets, small, large], rest) =
            data.split_first_chunk()?;
        let mut config = ServerConfig::new();
        config.leniency = leniency(lines, offers);
        config.top = offers & 4 == 0;
        config.uidl = offers & 8 == 0;
        config.plaintext = channel == b'C';
        if lines & 0x40 != 0 {
            config.mechanisms = [MechanismName::PLAIN, MechanismName::SCRAM_SHA_256].into();
            config.apop = true;
        }
        if offers & 0x40 != 0 {
            config.stls = true;
            config.utf8 = if lines & 0x80 == 0 { Utf8Offer::Yes } else { Utf8Offer::User };
            config.languages = [listing("en", "English"), listing("mul", "")].into();
            config.capabilities =
                [Capability::new("IMPLEMENTATION", &["fuzz"]).expect("a capability")].into();
        }
        config.limits = limits(line, output, block, budgets);
        let mut messages = Vec::new();
        let mut kept: VecDeque<_> = steps(rest, act).into();
        let mut script = Vec::new();
        while let Some(step) = kept.pop_front() {
            match (step, kept.front()) {
                (Step::Octets(octets), Some(Step::Act(Act::Message))) => messages.push(octets),
                (Step::Act(Act::Message), Some(Step::Act(Act::Message))) => {
                    messages.push(Vec::new());
                }
                (step, _) => script.push(step),
            }
        }
        messages.truncate(MAX_MESSAGES);
        let store = Store::new(messages, config.leniency);
        Some(Self {
            config,
            channel: channel_of(channel),
            seed: [small, large],
            store,
            steps: script,
        })
    }
}

pub(super) fn listing(tag: &str, text: &str) -> LanguageListing {
    let text = Text::new(text).expect("printable");
    LanguageListing::new(LanguageTag::new(tag).expect("a tag"), text)
}

/// Two octets, of each the low four bits.
pub(in crate::fuzzing) fn leniency(lines: u8, messages: u8) -> ServerLeniency {
    let mut leniency = ServerLeniency::tolerant();
    leniency.auth_listing = lines & 1 == 0;
    if lines & 2 != 0 {
        leniency.line_ending = LineEnding::CrlfOrLf;
    }
    leniency.opaque_passwords = lines & 4 != 0;
    leniency.password_spaces = lines & 8 == 0;
    leniency.nul_replacement = (messages & 1 != 0).then_some(0x80);
    leniency.missing_blank_line = messages & 2 != 0;
    leniency
}

/// `0` leaves a limit as it is; anything else makes it small enough to be met.
fn limits(line: u8, output: u8, block: u8, budgets: u8) -> ServerLimits {
    let mut limits = ServerLimits::DEFAULT;
    if line != b'0' {
        limits.command_line = line.into();
        limits.sasl_line = (line ^ 0x55).into();
        limits.sasl_rounds = u32::from(line % 4);
    }
    if output != b'0' {
        limits.output = usize::from(output) * 8;
    }
    if block != b'0' {
        limits.input_block = block.into();
        limits.discard = usize::from(block) / 2;
    }
    if budgets != b'0' {
        limits.bad_commands_before_login = u32::from(budgets & 3);
        limits.bad_commands_after_login = u32::from(budgets >> 2 & 3);
        limits.login_attempts = u32::from(budgets >> 4 & 3);
    }
    limits
}

fn act(script: &mut dyn Iterator<Item = u8>) -> Directive<Act> {
    let name = script.next().unwrap_or(b'|');
    let mut argument = || script.next().unwrap_or(b'1');
    Directive::Act(match name {
        0 => return Directive::Nul,
        b'*' => return Directive::Repeat(argument().into()),
        b'/' => Act::Message,
        b'D' => Act::Decide(Decision::Later),
        b'N' => Act::Decide(Decision::Answer),
        b'R' => Act::Decide(Decision::Refuse(argument())),
        b'F' => Act::Decide(Decision::Fail),
        b'X' => Act::Decide(Decision::Abort(None)),
        b'B' => Act::Decide(Decision::Abort(Some(argument().into()))),
        b'g' => Act::Answer,
        b'h' => Act::Hold(true),
        b'w' => Act::Hold(false),
        b'W' => Act::Write(argument().into()),
        b'x' => Act::Abort,
        b'-' => Act::ReleaseIdle,
        b'E' => Act::Eof(Eof::Clean),
        b'e' => Act::Eof(Eof::Abrupt),
        _ => Act::Rest,
    })
}
