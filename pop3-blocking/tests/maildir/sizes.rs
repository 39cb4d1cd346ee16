//! How many octets a message has, which is what RETR gives of it.

use pop3_blocking::pop3_proto::codec::{LineEnding, MultilineDecoder, MultilineEncoder};
use proptest::prelude::*;

use crate::Fixture;

/// What a client has after RETR.
fn delivered(message: &[u8]) -> Vec<u8> {
    let (mut encoder, mut wire) = (MultilineEncoder::new(), Vec::new());
    assert_eq!(encoder.encode(message, &mut wire), message.len());
    assert!(encoder.finish(&mut wire));
    let mut out = vec![0; wire.len()];
    let decoded = MultilineDecoder::new(LineEnding::Crlf).decode_into(&wire, &mut out);
    assert!(decoded.end);
    out.truncate(decoded.written);
    out
}

/// R1939-5.09, R1939-11.03: LIST says how many octets RETR gives, whatever the line ends, measured or
/// from the index.
#[test]
fn sizes_are_what_retr_gives() {
    let messages: [&[u8]; 12] = [
        b"",
        b"\n",
        b"\r",
        b"one\r\ntwo\r\n",
        b"one\ntwo\n",
        b"one\r\ntwo\nthree",
        b"one\rtwo",
        b".\n..\n.",
        b"\r\n.\r\n",
        b"a\r\r\n\n\r",
        b"\0\xff\n\x80",
        &vec![b'\n'; 200_001],
    ];
    let fixture = Fixture::new();
    for (at, message) in messages.iter().enumerate() {
        fixture.write(format!("new/{at}.a"), message);
    }
    let expected: Vec<_> = messages.iter().map(|message| delivered(message).len() as u64).collect();
    assert_eq!(fixture.sizes(), expected);
    assert_eq!(fixture.sizes(), expected, "from the index");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// R1939-11.03, for any octets.
    #[test]
    fn any_size_is_what_retr_gives(message in prop::collection::vec(prop::sample::select(b"\r\n.ab\xff".to_vec()), 0..200)) {
        let fixture = Fixture::new();
        fixture.write("new/1.a", &message);
        let expected = delivered(&message).len() as u64;
        prop_assert_eq!(fixture.sizes(), [expected]);
        prop_assert_eq!(fixture.sizes(), [expected]);
    }
}
