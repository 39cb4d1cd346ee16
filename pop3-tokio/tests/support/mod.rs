//! Transports for tests: one that follows a script, and one on which a small server answers.

#![allow(dead_code, reason = "not every test needs each of them")]

use std::collections::VecDeque;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

// The scripts are those of the blocking adapter.
#[path = "../../../pop3-blocking/tests/support/mod.rs"]
mod script;
#[allow(unused_imports, reason = "not every test needs each of them")]
pub(crate) use script::{Act, Cuts, Pauses, Scripted, expect, next_random, send, surplus};

/// A transport on which the peer follows a script; where it is silent nothing is ever ready.
#[derive(Debug)]
pub(crate) struct Script<T = Scripted> {
    peer: T,
    pause: Option<Pin<Box<Sleep>>>,
}

impl<T> Script<T> {
    pub(crate) const fn new(peer: T) -> Self {
        Self { peer, pause: None }
    }
}

/// What would block is not ready.
fn ready_or_not<R>(done: io::Result<R>) -> Poll<io::Result<R>> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        done => Poll::Ready(done),
    }
}

impl<T: Pauses + Unpin> AsyncRead for Script<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if let Some(pause) = &mut this.pause {
                ready!(pause.as_mut().poll(cx));
                this.pause = None;
            }
            let Some(pause) = this.peer.take_pause() else { break };
            this.pause = Some(Box::pin(sleep(pause)));
        }
        let read = ready!(ready_or_not(this.peer.read(buffer.initialize_unfilled())));
        Poll::Ready(read.map(|read| buffer.advance(read)))
    }
}

impl<T: Pauses + Unpin> AsyncWrite for Script<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready_or_not(self.peer.write(octets))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready_or_not(self.peer.flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What a server has been told, line by line.
pub(crate) type Lines = Arc<Mutex<Vec<String>>>;

/// A server with a maildrop of three messages, which notes what it is told.
#[derive(Debug, Default)]
pub(crate) struct Responder {
    pub(crate) lines: Lines,
    line: Vec<u8>,
}

impl Responder {
    /// What it answers to these octets.
    pub(crate) fn answer(&mut self, octets: &[u8]) -> String {
        let mut replies = String::new();
        for octet in octets {
            self.line.push(*octet);
            let Some(line) = self.line.strip_suffix(b"\r\n") else { continue };
            let line = std::str::from_utf8(line).expect("ASCII").to_owned();
            self.line.clear();
            replies.push_str(&reply(&line));
            self.lines.lock().unwrap().push(line);
        }
        replies
    }
}

/// The message that RETR gives for a number.
pub(crate) fn message(number: &str) -> String {
    format!("Subject: {number}\r\n\r\n.dots\r\n-ERR in message {number}\r\n")
}

fn reply(line: &str) -> String {
    match line.split_once(' ') {
        None if line == "CAPA" => "+OK\r\nPIPELINING\r\nUIDL\r\nTOP\r\nUSER\r\n.\r\n".to_owned(),
        None if line == "STAT" => "+OK 3 60\r\n".to_owned(),
        None if line == "LIST" => "+OK\r\n1 10\r\n2 20\r\n3 30\r\n.\r\n".to_owned(),
        None if line == "UIDL" => "+OK\r\n1 a\r\n2 b\r\n3 c\r\n.\r\n".to_owned(),
        None if ["NOOP", "RSET", "QUIT"].contains(&line) => "+OK\r\n".to_owned(),
        Some(("USER" | "PASS" | "DELE", _)) => "+OK\r\n".to_owned(),
        Some(("LIST", number)) => format!("+OK {number} {number}0\r\n"),
        Some(("RETR", number)) => {
            format!("+OK\r\n{}.\r\n", message(number).replace("\r\n.", "\r\n.."))
        }
        _ => panic!("the client says {line:?}"),
    }
}

/// How much of what is there is given and taken at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// So many octets at most, and none every other time.
    Each(usize),
    /// Anything, as a generator with this state says.
    Random(u32),
}

impl Pace {
    /// `None` is that nothing is ready now.
    fn step(&mut self, waited: &mut bool) -> Option<usize> {
        match self {
            Self::Each(piece) => {
                *waited = !*waited;
                (!*waited).then_some(*piece)
            }
            Self::Random(state) => {
                let random = next_random(state);
                (random % 3 != 0).then_some(1 + (random >> 8) as usize % 23)
            }
        }
    }
}

/// A transport that gives and takes in pieces, and is seldom ready.
#[derive(Debug)]
pub(crate) struct Paced<T> {
    inner: T,
    pace: Pace,
    read_waited: bool,
    write_waited: bool,
    flush_waited: bool,
}

impl<T> Paced<T> {
    pub(crate) const fn new(inner: T, pace: Pace) -> Self {
        Self { inner, pace, read_waited: false, write_waited: false, flush_waited: false }
    }
}

fn not_now<T>(cx: &Context<'_>) -> Poll<T> {
    cx.waker().wake_by_ref();
    Poll::Pending
}

impl<T: AsyncRead + Unpin> AsyncRead for Paced<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let Some(piece) = this.pace.step(&mut this.read_waited) else { return not_now(cx) };
        let mut part = buffer.take(piece);
        ready!(Pin::new(&mut this.inner).poll_read(cx, &mut part))?;
        let read = part.filled().len();
        buffer.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Paced<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let Some(piece) = this.pace.step(&mut this.write_waited) else { return not_now(cx) };
        Pin::new(&mut this.inner).poll_write(cx, &octets[..octets.len().min(piece)])
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.pace.step(&mut this.flush_waited).is_none() {
            return not_now(cx);
        }
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

/// A responder at the other end, who answers at once.
#[derive(Debug)]
pub(crate) struct Answering {
    responder: Responder,
    replies: VecDeque<u8>,
}

impl Answering {
    pub(crate) fn new(lines: &Lines) -> Self {
        let responder = Responder { lines: Arc::clone(lines), line: Vec::new() };
        Self { responder, replies: b"+OK ready\r\n".iter().copied().collect() }
    }
}

impl AsyncRead for Answering {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.replies.is_empty() {
            return Poll::Pending;
        }
        let len = self.replies.len().min(buffer.remaining());
        for octet in self.replies.drain(..len) {
            buffer.put_slice(&[octet]);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Answering {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let replies = self.responder.answer(octets);
        self.replies.extend(replies.into_bytes());
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Polls a future so often, then drops it: `None` if it was not done by then.
pub(crate) async fn polled<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = times;
    std::future::poll_fn(move |cx| {
        let Some(less) = left.checked_sub(1) else { return Poll::Ready(None) };
        left = less;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
