//! Where a body ends, what is left of its dots, and in which pieces it comes.

use bytes::Bytes;
use pop3_proto::Command;
use pop3_proto::client::{Event, Pipelining};

use crate::support::{Run, Step, expect_in_transaction, presets, retr, s, tolerant};

/// I1, I2, D15: lines as long as the block that holds them, at every offset in it; and bodies of every length around it.
#[test]
fn a_block_no_longer_than_a_line() {
    let mut config = tolerant();
    config.limits.status_line = 64;
    config.limits.listing_line = 64;
    config.limits.input_block = 1;
    for first in 7..=64 {
        let line = |octets: usize| format!("1 {}\r\n", "u".repeat(octets - 4));
        let listing = format!("+OK\r\n{}{}{}.\r\n", line(first), line(64), line(63));
        let item = |octets: usize| format!("#2 id 1 {}", "u".repeat(octets - 4));
        let told = "#2 deviation ListingOrder";
        let script = [Step::C(Command::Uidl(None)), s(listing)];
        expect_in_transaction(
            config,
            &script,
            &["#2 started + \"\"", &item(first), told, &item(64), &item(63), "#2 finished"],
        );
    }
    for len in 1..=200 {
        let body = "b".repeat(len);
        let data = format!("#2 data \"{body}\\r\\n\"");
        let script = [Step::C(retr(1)), s(format!("+OK\r\n{body}\r\n.\r\n"))];
        let lines = ["#2 started + \"\"", &data, "#2 finished"];
        expect_in_transaction(config, &script, &lines);
    }
}

/// R1939-3.10, V0002, D1 to D9, D11 to D13, D17, D20: where a body ends, and what is left of its dots.
#[test]
fn bodies() {
    for (wire, body) in [
        (".\r\n", ""),
        ("\r\n.\r\n", "\r\n"),
        ("..\r\n.\r\n", ".\r\n"),
        (".secret\r\n.\r\n", "secret\r\n"),
        ("text\r\n..\r\n+OK forged\r\n.\r\n", "text\r\n.\r\n+OK forged\r\n"),
        ("A\n.\n+OK SMUGGLED\r\n.\r\n", "A\n.\n+OK SMUGGLED\r\n"),
        ("A\n.\r\n.\r\n", "A\n.\r\n"),
        ("A\r\n.\n\r\n.\r\n", "A\r\n\n\r\n"),
        ("A\r\n.\r\r\n.\r\n", "A\r\n\r\r\n"),
        ("A\r\r\n.\r\n", "A\r\r\n"),
        ("A\r\n\0.\r\n.\r\n", "A\r\n\0.\r\n"),
        ("\r.\r\n.\r\n", "\r.\r\n"),
        ("foo.\r\n.\r\n", "foo.\r\n"),
    ] {
        for config in presets() {
            for text in ["", " 999999999999999999999 octets", " 0 octets"] {
                let reply = format!("+OK{text}\r\n{wire}-ERR next\r\n");
                let mut config = config;
                config.pipelining = Pipelining::Always;
                let script = [Step::C(retr(1)), Step::C(Command::Noop), s(reply)];
                let started = format!("#2 started + {:?}", text.trim_start());
                let data = format!("#2 data \"{}\"", body.as_bytes().escape_ascii());
                let mut lines = vec![started.as_str()];
                lines.extend((!body.is_empty()).then_some(data.as_str()));
                lines.extend(["#2 finished", "#3 completed - \"next\""]);
                expect_in_transaction(config, &script, &lines);
            }
        }
    }
}

/// All octets of a body, read in windows of `read` octets, chunks kept for `kept` reads.
fn body_of(wire: &[u8], read: usize, kept: usize) -> Vec<u8> {
    let mut run = Run::in_transaction(tolerant());
    let id = run.send(&retr(1)).unwrap();
    let (mut body, mut held) = (Vec::new(), std::collections::VecDeque::<Vec<Bytes>>::new());
    let mut rest = wire;
    loop {
        let mut chunks = Vec::new();
        while let Some(event) = run.session.poll_event().unwrap() {
            match event {
                Event::Data { id: of, data } => {
                    assert_eq!(of, id);
                    body.extend_from_slice(&data);
                    chunks.push(data);
                }
                Event::Finished { .. } => {
                    assert_eq!(rest, b"");
                    return body;
                }
                other => assert!(matches!(other, Event::Started { .. })),
            }
        }
        held.push_back(chunks);
        while held.len() > kept {
            held.pop_front();
        }
        let window = run.session.incoming();
        let len = read.min(window.len()).min(rest.len());
        assert!(len > 0);
        window[..len].copy_from_slice(&rest[..len]);
        run.session.received(len);
        rest = &rest[len..];
    }
}

/// D1, D11, I1, I4: bodies of which every line begins with a dot, while chunks are dropped and while they are held.
#[test]
fn dense_dots() {
    for line in [&b".\r\n"[..], b"..\r\n", b".a\r\n", b"\r\n", b"a.\r\n", b".\r.\n.\r\n"] {
        let body = line.repeat((1 << 20) / line.len());
        let mut wire = b"+OK\r\n".to_vec();
        for line in body.split_inclusive(|&octet| octet == b'\n') {
            // Bare LF begins no line: what is stuffed follows CRLF or begins the body.
            let begins = wire.ends_with(b"\r\n");
            if begins && line.starts_with(b".") {
                wire.push(b'.');
            }
            wire.extend_from_slice(line);
        }
        wire.extend_from_slice(b".\r\n");
        for (read, kept) in
            [(65_536, 0), (1024, 0), (4099, 0), (65_536, 1), (4099, 1), (4099, usize::MAX)]
        {
            assert!(body_of(&wire, read, kept) == body, "{line:?}, {read} octets, {kept} kept");
        }
    }
}

/// I1, D1, D11: how a body is searched may follow from the one before it, what is found in it may not.
#[test]
fn a_body_is_the_same_behind_any_other() {
    let plain = "a line of a message like others, of some fifty octets\r\n";
    let bodies = [
        String::new(),
        ".\r\n".into(),
        ".\r\n".repeat(200),
        plain.into(),
        format!("{plain}.\r\n"),
        format!("{}.a\r\n{plain}", plain.repeat(4)),
        format!("{}.a\r\n{plain}..\r\n", plain.repeat(40)),
        plain.repeat(100),
    ];
    let wire = |body: &String| {
        let lines = body.split_inclusive('\n');
        let stuffed: String =
            lines.map(|line| line.replacen('.', "..", line.starts_with('.').into())).collect();
        format!("+OK\r\n{stuffed}.\r\n")
    };
    for read in [usize::MAX, 61] {
        let mut run = Run::in_transaction(tolerant());
        for body in
            bodies.iter().flat_map(|first| bodies.iter().flat_map(move |then| [first, then]))
        {
            let id = run.send(&retr(1)).unwrap();
            let mut seen = Vec::new();
            for octets in wire(body).as_bytes().chunks(read) {
                assert_eq!(run.session.receive(octets), octets.len());
                while let Some(event) = run.session.poll_event().unwrap() {
                    assert!(event.replies_to(id), "{event:?}");
                    if let Event::Data { data, .. } = event {
                        seen.extend_from_slice(&data);
                    }
                }
            }
            assert_eq!(run.session.in_flight(), 0);
            assert!(seen == body.as_bytes(), "{} octets, {read} a read", body.len());
        }
    }
}

/// The sizes of the pieces in which a body comes that is received in reads of `read` octets.
fn pieces(body: &[u8], read: usize) -> Vec<usize> {
    let mut config = tolerant();
    config.limits.input_block = 128 << 10;
    let mut run = Run::in_transaction(config);
    run.send(&retr(1)).unwrap();
    let wire = [b"+OK\r\n", body, b".\r\n"].concat();
    let mut sizes = Vec::new();
    for octets in wire.chunks(read) {
        assert_eq!(run.session.receive(octets), octets.len());
        while let Some(event) = run.session.poll_event().unwrap() {
            if let Event::Data { data, .. } = event {
                sizes.push(data.len());
            }
        }
    }
    sizes
}

/// I4: runs that are short are moved together, not given away one by one; long ones are given away as they are.
#[test]
fn short_runs_are_moved_together() {
    let dense = b"..\r\n".repeat(8192);
    let plain = b"a line of a message like others, of some fifty octets\r\n".repeat(600);
    let both = [&dense[..], &plain].concat();
    let sizes = pieces(&both, usize::MAX);
    assert_eq!(sizes.iter().sum::<usize>(), 3 * 8192 + plain.len());
    assert!(sizes.len() <= 12, "{sizes:?}");
    assert!(sizes.iter().any(|size| *size > plain.len() / 2), "{sizes:?}");
    // One piece for each read, though the reads end inside a line.
    for (body, read) in [(&dense, 1001), (&plain, 1000), (&plain, 10_000)] {
        let sizes = pieces(body, read);
        assert!(sizes.len() <= body.len().div_ceil(read) + 2, "{read} {sizes:?}");
    }
}
