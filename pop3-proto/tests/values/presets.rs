//! What the presets hold, as their documentation says.

#[cfg(feature = "scram")]
use pop3_proto::Secret;
use pop3_proto::client::{ClientConfig, Pipelining, Security, SendPolicy};
use pop3_proto::codec::LineEnding;
use pop3_proto::server::{ServerConfig, ServerLeniency, ServerLimits};
use pop3_proto::{InvalidValue, Leniency, Limits, Text};

/// V0001, V0002: each switch of a client, in the strict, the tolerant and Outlook's preset.
#[test]
fn switches_of_a_client() {
    type Switch = fn(&Leniency) -> bool;
    let table: [(&str, Switch, [bool; 3]); 13] = [
        ("field_separators", |set| set.field_separators, [false, true, true]),
        ("trailing_information", |set| set.trailing_information, [false, true, true]),
        ("status_case", |set| set.status_case, [false, true, true]),
        ("any_plus_positive", |set| set.any_plus_positive, [false, false, true]),
        ("leading_dot_ends_listing", |set| set.leading_dot_ends_listing, [false, false, true]),
        ("long_unique_ids", |set| set.long_unique_ids, [false, true, true]),
        ("malformed_items", |set| set.malformed_items, [false, true, true]),
        ("repeated_numbers", |set| set.repeated_numbers, [false, true, true]),
        ("negative_stat", |set| set.negative_stat, [false, true, true]),
        ("ok_as_continuation", |set| set.ok_as_continuation, [false, true, true]),
        ("bare_plus", |set| set.bare_plus, [true, true, true]),
        ("text_challenge", |set| set.text_challenge, [false, true, true]),
        ("junk_before_greeting", |set| set.junk_before_greeting, [false, false, false]),
    ];
    let presets = [Leniency::strict(), Leniency::tolerant(), Leniency::outlook()];
    for (name, switch, expected) in table {
        assert_eq!(presets.each_ref().map(switch), expected, "{name}");
    }
    for preset in presets {
        assert_eq!(preset.line_ending, LineEnding::Crlf, "no preset takes a bare line feed");
    }
    assert_eq!(Leniency::default(), Leniency::tolerant());
}

/// V0003, V0006, V0007, V0008, C0003: what Outlook never sends. RFC 6856 §2.2: nobody sends UTF-8 in a
/// name to a server that announces nothing, unless told to.
#[test]
fn commands_of_a_client() {
    let switches = |policy: SendPolicy| {
        (policy.single_listings, policy.rset, policy.apop, policy.beyond_ascii)
    };
    assert_eq!(switches(SendPolicy::all()), (true, true, true, true));
    assert_eq!(switches(SendPolicy::outlook()), (false, false, false, false));
    for policy in [SendPolicy::all(), SendPolicy::outlook()] {
        assert!(!policy.unannounced_utf8);
    }
    assert_eq!(SendPolicy::default(), SendPolicy::all());
}

/// A preset of a client is the presets of its parts.
#[test]
fn configurations_of_a_client() {
    for security in [Security::StlsRequired, Security::PlaintextAllowed] {
        let parts = |config: ClientConfig| {
            assert_eq!(config.security, security);
            assert_eq!(config.pipelining, Pipelining::Announced);
            assert_eq!(config.limits, Limits::DEFAULT);
            (config.leniency, config.send_policy)
        };
        let all = SendPolicy::all();
        assert_eq!(parts(ClientConfig::new(security)), (Leniency::tolerant(), all));
        assert_eq!(parts(ClientConfig::strict(security)), (Leniency::strict(), all));
        assert_eq!(
            parts(ClientConfig::outlook(security)),
            (Leniency::outlook(), SendPolicy::outlook())
        );
    }
}

/// I3: the bounds of a client, from which the documentation of [`Limits`] reckons what a session holds.
#[test]
fn bounds_of_a_client() {
    const KIB: usize = 1024;
    let limits = Limits::default();
    assert_eq!(limits, Limits::DEFAULT);
    assert_eq!((limits.status_line, limits.listing_line), (8 * KIB, 8 * KIB));
    assert_eq!((limits.sasl_line, limits.sasl_rounds), (64 * KIB, 16));
    assert_eq!((limits.capabilities, limits.listing_items), (512, 2_097_152));
    assert_eq!((limits.in_flight, limits.drain), (1024, 1_048_576));
    assert_eq!(2 * limits.input_block, 128 * KIB);
    assert_eq!(3 * limits.output, 192 * KIB);
    assert_eq!(2 * limits.capabilities * limits.listing_line, 8 * KIB * KIB);
}

/// What a server does for clients in the field, by default and in the strict preset.
#[test]
fn switches_of_a_server() {
    let strict = ServerLeniency::strict();
    assert!(!strict.auth_listing && strict.password_spaces && !strict.opaque_passwords);
    assert_eq!(strict.line_ending, LineEnding::Crlf);
    assert_eq!((strict.nul_replacement, strict.missing_blank_line), (None, false));
    let mut tolerant = ServerLeniency::tolerant();
    assert_eq!(tolerant, ServerLeniency::default());
    assert_eq!(tolerant, ServerConfig::new().leniency);
    assert!(tolerant.auth_listing);
    tolerant.auth_listing = false;
    assert_eq!(tolerant, strict);
}

/// I3, R2449-4.01: the bounds of a server. A command line may have more than the 255 octets that a client
/// may send, and an idle session has room for little more.
#[test]
fn bounds_of_a_server() {
    const KIB: usize = 1024;
    let limits = ServerLimits::default();
    assert_eq!(limits, ServerLimits::DEFAULT);
    assert_eq!(limits, ServerConfig::new().limits);
    assert_eq!((limits.command_line, limits.discard), (512, 64 * KIB));
    assert_eq!((limits.sasl_line, limits.sasl_rounds), (12 * KIB, 16));
    assert_eq!((limits.input_block, limits.output), (2 * KIB, 64 * KIB));
    assert_eq!((limits.bad_commands_before_login, limits.bad_commands_after_login), (3, 20));
    assert_eq!(limits.login_attempts, 3);
}

/// I3, I6: a value may be as long as its limit says and no longer, and says by how much it is.
#[test]
fn values_up_to_their_limit() {
    /// Makes a value of so many octets.
    type Make = fn(usize) -> Result<(), InvalidValue>;

    let too_long = |limit| Err(InvalidValue::TooLong { octets: limit + 1, limit });
    let limits: [(usize, Make); 2] = [
        (Text::MAX_OCTETS, |octets| Text::new(&"x".repeat(octets)).map(drop)),
        (Text::MAX_OCTETS, |octets| Text::utf8(&"x".repeat(octets)).map(drop)),
    ];
    for (limit, make) in limits {
        assert_eq!((make(limit), make(limit + 1)), (Ok(()), too_long(limit)));
    }
    assert_eq!(Text::MAX_OCTETS, 512 - "-ERR \r\n".len(), "R2449-3.02");
    #[cfg(feature = "scram")]
    {
        use pop3_proto::sasl::{ChannelBinding, Plain, ScramKeys};
        use std::num::NonZeroU32;

        let limits: [(usize, Make); 3] = [
            (255, |octets| Plain::new(None, &"x".repeat(octets), Secret::new(*b"x")).map(drop)),
            (64, |octets| ChannelBinding::tls_server_end_point(&vec![7; octets]).map(drop)),
            (1024, |octets| {
                let keys = [0; 32];
                ScramKeys::sha_256(&vec![7; octets], NonZeroU32::MIN, &keys, &keys).map(drop)
            }),
        ];
        for (limit, make) in limits {
            assert_eq!(make(0), Err(InvalidValue::Empty));
            assert_eq!((make(limit), make(limit + 1)), (Ok(()), too_long(limit)));
        }
    }
}
