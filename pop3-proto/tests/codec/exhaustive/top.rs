//! `TopLines`, exhaustively.

use pop3_proto::codec::TopLines;

use super::{first_line, for_each_string, normalised, octet_by_octet};

/// RFC 1939 §7, line by line: how many octets belong to the answer.
fn top(message: &[u8], lines: u64) -> usize {
    let mut taken = 0;
    let mut left = None;
    while taken < message.len() && left != Some(0) {
        let (line, line_end) = first_line(&message[taken..]);
        taken += line + line_end;
        left = match left {
            None => (line == 0).then_some(lines),
            Some(left) => Some(left - 1),
        };
    }
    taken
}

/// RFC 1939 §7: headers, blank line and n lines, however the message is cut, and the same before and after its line ends
/// became CRLF.
#[test]
fn every_short_message_is_cut_alike_for_top() {
    for_each_string(8, |message| {
        for lines in 0..=3 {
            let expected = top(message, lines);
            let check = |cuts: &[usize]| {
                let mut top = TopLines::new(lines);
                let (mut taken, mut start) = (0, 0);
                for &cut in cuts {
                    let accepted = top.take(&message[start..cut]);
                    taken += accepted;
                    assert!(accepted == cut - start || top.done());
                    start = cut;
                }
                assert_eq!(
                    taken,
                    expected,
                    "\"{}\" cut at {cuts:?}, TOP {lines}",
                    message.escape_ascii()
                );
                assert!(
                    !top.done() || top.take(b"\n\r\na") == 0,
                    "nothing is taken when it is done"
                );
            };
            check(&[message.len()]);
            check(&octet_by_octet(message.len()));
            if message.len() <= 7 {
                (0..message.len()).for_each(|cut| check(&[cut, message.len()]));
            }
            let normal = normalised(message);
            assert_eq!(normalised(&message[..expected]), normal[..top(&normal, lines)]);
        }
    });
}
