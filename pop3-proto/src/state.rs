//! The one table about commands: where each is legal, how its response is framed, what its `+OK`
//! does.
//!
//! Client legality, client framing, server legality and the documentation's table read it.

use core::fmt;

/// The state of a session (RFC 1939 §3), as far as the replies that are in confirm it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// The greeting is due.
    Greeting,
    /// AUTHORIZATION: the client must identify itself.
    Authorization,
    /// TRANSACTION: the maildrop is open and locked.
    Transaction,
    /// UPDATE: QUIT from TRANSACTION was answered.
    Update,
    /// The session is over.
    Closed,
    /// The session broke: a protocol error was found, nothing more can be done with it.
    Failed,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "before the greeting",
            Self::Authorization => "AUTHORIZATION",
            Self::Transaction => "TRANSACTION",
            Self::Update => "UPDATE",
            Self::Closed => "closed",
            Self::Failed => "failed",
        })
    }
}

/// A set of points in a session at which a command is legal.
///
/// AUTHORIZATION is two points: after an accepted USER only PASS or QUIT may follow
/// (RFC 1939 §7, C0045).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Points(u8);

impl Points {
    /// AUTHORIZATION, but not directly after an accepted USER.
    pub const AUTHORIZATION: Self = Self(1);
    /// AUTHORIZATION, directly after an accepted USER.
    pub const AFTER_USER: Self = Self(2);
    /// TRANSACTION.
    pub const TRANSACTION: Self = Self(4);

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every point of `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The point at which a session in `state` stands; `None` where no command is legal.
    #[must_use]
    pub const fn of(state: State, after_user: bool) -> Option<Self> {
        match state {
            State::Authorization if after_user => Some(Self::AFTER_USER),
            State::Authorization => Some(Self::AUTHORIZATION),
            State::Transaction => Some(Self::TRANSACTION),
            _ => None,
        }
    }
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (point, name) in [
            (Self::AUTHORIZATION, "AUTHORIZATION"),
            (Self::AFTER_USER, "after USER"),
            (Self::TRANSACTION, "TRANSACTION"),
        ] {
            if self.contains(point) {
                write!(f, "{separator}{name}")?;
                separator = ", ";
            }
        }
        Ok(())
    }
}

/// How a positive response is framed. A negative one is always a single line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Framing {
    /// One line.
    SingleLine,
    /// A status line, byte-stuffed lines, and the termination octet on a line of its own.
    Multiline,
    /// As `Multiline` without an argument, as `SingleLine` with one.
    MultilineWithoutArgument,
    /// Continuations until a single line ends the exchange; without an argument as `Multiline`
    /// (RFC 5034 §4).
    Sasl,
}

impl fmt::Display for Framing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SingleLine => "single line",
            Self::Multiline => "multi-line",
            Self::MultilineWithoutArgument => "multi-line without argument, else single line",
            Self::Sasl => "SASL",
        })
    }
}

/// What a positive response does to the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// Nothing.
    Nothing,
    /// The mailbox is named: PASS may follow.
    Named,
    /// The session enters TRANSACTION.
    Authenticated,
    /// TLS negotiation begins at once.
    Tls,
    /// The message is marked as deleted.
    Marked,
    /// No message is marked as deleted.
    Unmarked,
    /// The session ends; from TRANSACTION what is marked is removed.
    Ended,
    /// UTF-8 mode is on (RFC 6856 §2).
    Utf8,
    /// Later texts are in the chosen language (RFC 6856 §3).
    Language,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "–",
            Self::Named => "mailbox named",
            Self::Authenticated => "→ TRANSACTION",
            Self::Tls => "TLS begins",
            Self::Marked => "message marked",
            Self::Unmarked => "no message marked",
            Self::Ended => "→ UPDATE, or closed",
            Self::Utf8 => "UTF-8 mode",
            Self::Language => "language",
        })
    }
}

/// What may be in flight beside a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Barrier {
    /// Anything: it may be pipelined (RFC 2449 §6.6).
    None,
    /// Nothing behind it until its reply is in (C0045, C0047).
    After,
    /// Nothing before it and nothing behind it (RFC 2595 §4, RFC 5034 §4).
    Around,
}

impl fmt::Display for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "–",
            Self::After => "nothing after",
            Self::Around => "nothing before or after",
        })
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// Which command.
    pub keyword: Keyword,
    /// Where it is legal.
    pub legal: Points,
    /// How its response is framed.
    pub framing: Framing,
    /// What its `+OK` does.
    pub effect: Effect,
    /// What may be in flight beside it.
    pub barrier: Barrier,
    /// Whether its line holds a credential: never shown, wiped once sent, never in clear unless the
    /// caller allows it.
    pub credential: bool,
    /// Whether it may leave before TLS where TLS is required (RFC 8314 §5.2).
    pub before_tls: bool,
}

/// Names every keyword once and derives from that the enum, the names and the table.
macro_rules! table {
    ($($(#[$doc:meta])* $variant:ident $name:literal: $legal:expr, $framing:ident, $effect:ident, $barrier:ident, $credential:literal, $before_tls:literal;)*) => {
        /// The keyword of a command.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Keyword { $($(#[$doc])* $variant,)* }

        impl Keyword {
            /// Every keyword.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The keyword as it is sent.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The keyword's row of the table.
            #[must_use]
            pub const fn rule(self) -> Rule {
                match self {
                    $(Self::$variant => Rule {
                        keyword: self,
                        legal: $legal,
                        framing: Framing::$framing,
                        effect: Effect::$effect,
                        barrier: Barrier::$barrier,
                        credential: $credential,
                        before_tls: $before_tls,
                    },)*
                }
            }
        }
    };
}

const AUTHORIZATION: Points = Points::AUTHORIZATION;
const AFTER_USER: Points = Points::AFTER_USER;
const TRANSACTION: Points = Points::TRANSACTION;
const BOTH: Points = AUTHORIZATION.and(TRANSACTION);

table! {
    // variant name:  legal, framing, effect of +OK, barrier, credential, before TLS
    /// Names the mailbox (RFC 1939 §7).
    User "USER": AUTHORIZATION, SingleLine, Named, After, true, false;
    /// Gives its password (RFC 1939 §7).
    Pass "PASS": AFTER_USER, SingleLine, Authenticated, After, true, false;
    /// Authenticates by digest (RFC 1939 §7).
    Apop "APOP": AUTHORIZATION, SingleLine, Authenticated, After, true, false;
    /// Authenticates by SASL (RFC 5034).
    Auth "AUTH": AUTHORIZATION, Sasl, Authenticated, Around, true, false;
    /// Begins TLS (RFC 2595 §4).
    Stls "STLS": AUTHORIZATION, SingleLine, Tls, Around, false, true;
    /// Turns UTF-8 mode on (RFC 6856 §2).
    Utf8 "UTF8": AUTHORIZATION, SingleLine, Utf8, After, false, false;
    /// Lists or chooses languages (RFC 6856 §3).
    Lang "LANG": BOTH, MultilineWithoutArgument, Language, After, false, false;
    /// Lists capabilities (RFC 2449 §5).
    Capa "CAPA": BOTH, Multiline, Nothing, None, false, true;
    /// The drop listing (RFC 1939 §5).
    Stat "STAT": TRANSACTION, SingleLine, Nothing, None, false, false;
    /// Scan listings (RFC 1939 §5).
    List "LIST": TRANSACTION, MultilineWithoutArgument, Nothing, None, false, false;
    /// Unique-id listings (RFC 1939 §7).
    Uidl "UIDL": TRANSACTION, MultilineWithoutArgument, Nothing, None, false, false;
    /// A message (RFC 1939 §5).
    Retr "RETR": TRANSACTION, Multiline, Nothing, None, false, false;
    /// The top of a message (RFC 1939 §7).
    Top "TOP": TRANSACTION, Multiline, Nothing, None, false, false;
    /// Marks a message as deleted (RFC 1939 §5).
    Dele "DELE": TRANSACTION, SingleLine, Marked, None, false, false;
    /// Unmarks all messages (RFC 1939 §5).
    Rset "RSET": TRANSACTION, SingleLine, Unmarked, None, false, false;
    /// Does nothing (RFC 1939 §5).
    Noop "NOOP": TRANSACTION, SingleLine, Nothing, None, false, false;
    /// Ends the session (RFC 1939 §§4, 6).
    Quit "QUIT": BOTH.and(AFTER_USER), SingleLine, Ended, After, false, true;
}

impl Keyword {
    /// The keyword that `word` is, in any case (RFC 1939 §3).
    #[must_use]
    pub fn parse(word: &[u8]) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|keyword| keyword.as_str().as_bytes().eq_ignore_ascii_case(word))
    }
}

impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R1939-3.03: keywords are 3 or 4 characters and case-insensitive.
    #[test]
    fn keywords_have_the_form_of_rfc_1939() {
        for keyword in Keyword::ALL {
            assert!(matches!(keyword.as_str().len(), 3 | 4));
            assert_eq!(
                Keyword::parse(keyword.as_str().to_ascii_lowercase().as_bytes()),
                Some(*keyword)
            );
            assert_eq!(keyword.rule().keyword, *keyword);
        }
        assert_eq!(Keyword::parse(b"XTND"), None);
        assert_eq!(Keyword::parse(b"USER "), None);
    }

    /// What holds a credential never leaves before TLS and is a barrier.
    #[test]
    fn credentials_are_barriers() {
        for rule in Keyword::ALL.iter().map(|keyword| keyword.rule()) {
            if rule.credential {
                assert!(!rule.before_tls && rule.barrier > Barrier::None, "{}", rule.keyword);
            }
            if rule.before_tls {
                assert!(rule.legal.contains(Points::AUTHORIZATION));
            }
        }
    }

    /// A set holds a point once, however often it is put in.
    #[test]
    fn points_make_sets() {
        let both = Points::AUTHORIZATION.and(Points::TRANSACTION);
        assert_eq!(both.and(Points::TRANSACTION), both);
        assert!(both.contains(Points::TRANSACTION) && !both.contains(Points::AFTER_USER));
    }
}
