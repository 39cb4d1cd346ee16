//! Messages to try things with.

/// Eleven messages that between them hold what goes wrong in POP3: lines that begin with dots, an empty
/// body, 8-bit text, a NUL, a line of 5000 octets, LF alone, a missing last line end, no blank line, and
/// a few megabytes. The same in every run.
#[must_use]
pub fn sample() -> Vec<Vec<u8>> {
    let dots = b".\r\n..\r\n.leading\r\nmid.dle\r\n...\r\n.\r\n";
    let dotted_lines = [b".".repeat(70), b"\r\n".to_vec()].concat().repeat(15_000);
    let long_line = [b"x".repeat(5000), b"\r\n".to_vec()].concat();
    let base64 = [b"TWFpbA==".repeat(9), b"\r\n".to_vec()].concat().repeat(40_000);
    vec![
        message("plain", b"Hello\r\n"),
        message("dots", dots),
        message("empty body", b""),
        message("no newline", b"last line has no newline"),
        message("eight-bit", "grüße 日本語 \u{1F4EC}\r\n".as_bytes()),
        message("long line", &long_line),
        message("LF only", b"one\ntwo\n.three\n"),
        message("NUL", b"before\0after\r\n"),
        b"Subject: no blank line\r\n".to_vec(),
        message("dotted megabyte", &dotted_lines),
        message("three megabytes", &base64),
    ]
}

fn message(subject: &str, body: &[u8]) -> Vec<u8> {
    let headers = format!(
        "From: alice@example.org\r\nTo: bob@example.org\r\nSubject: {subject}\r\n\
         Date: Mon, 5 Jan 2026 10:00:00 +0000\r\n\r\n"
    );
    [headers.as_bytes(), body].concat()
}
