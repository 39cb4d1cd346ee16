//! From answers to octets.

use alloc::vec::Vec;

use bytes::BufMut as _;

use super::message::MessageEncoder;
use super::{Open, RespondError, ServerSession};
use crate::state::{Effect, Framing, Keyword, State};
use crate::value::put_text;
use crate::{
    Command, DropListing, KnownCode, LanguageListing, MessageNumber, Response, ScanListing, Status,
    Text, UniqueIdListing,
};

impl ServerSession {
    /// Answers `+OK` to a command whose positive answer is one free line: USER, STLS, DELE, NOOP, RSET,
    /// QUIT. Single lines always find room. Behind STLS the session takes nothing but
    /// [`ServerSession::tls_established`].
    ///
    /// # Errors
    /// [`RespondError::Mismatch`] for any other command: PASS, APOP and AUTH have
    /// [`ServerSession::authenticated`], the others answers of their own. [`RespondError::NotAscii`]
    /// here and wherever a text is given, unless the client has asked for such texts.
    pub fn ok(&mut self, text: &Text) -> Result<(), RespondError> {
        let keyword = self.command()?;
        let effect = keyword.rule().effect;
        match keyword {
            Keyword::User
            | Keyword::Stls
            | Keyword::Dele
            | Keyword::Noop
            | Keyword::Rset
            | Keyword::Quit => {}
            _ => return Err(RespondError::Mismatch),
        }
        self.check_text(text)?;
        self.after_user = effect == Effect::Named;
        self.answer(&response(Status::Ok, None, text.clone()));
        if effect == Effect::Tls {
            self.open = Open::Tls { begun: false };
        }
        Ok(())
    }

    /// Answers `-ERR`, with a response code if there is one to give (RFC 2449 §8, RFC 3206).
    ///
    /// [`KnownCode::InUse`] and [`KnownCode::LoginDelay`] go with PASS, APOP and AUTH only (RFC 2449
    /// §8.1), [`KnownCode::Utf8`] with LIST, RETR and TOP outside UTF-8 mode (RFC 6856 §5). For refused
    /// credentials use [`ServerSession::authentication_failed`], which counts them and alone says
    /// [`KnownCode::Auth`].
    ///
    /// # Errors
    /// [`RespondError`] if nothing waits for an answer, a positive one was begun, or the code does
    /// not go with the command.
    ///
    /// A login that is refused without a code is a failed login and counts as one: malformed responses
    /// are no way to try for ever.
    pub fn err(&mut self, code: Option<KnownCode>, text: &Text) -> Result<(), RespondError> {
        match self.open {
            Open::Nothing => return Err(RespondError::NothingToAnswer),
            Open::Command { .. } | Open::Response | Open::Rejection(_) => {}
            Open::Listing(_) | Open::Message(_) | Open::Tls { .. } => {
                return Err(RespondError::Mismatch);
            }
        }
        let fits = match code {
            Some(KnownCode::Auth) => false,
            Some(KnownCode::InUse | KnownCode::LoginDelay) => self.login().is_ok(),
            Some(KnownCode::Utf8) => {
                let reads = matches!(
                    self.open,
                    Open::Command { keyword: Keyword::List | Keyword::Retr | Keyword::Top, .. }
                );
                reads && !self.utf8
            }
            _ => true,
        };
        if !fits {
            return Err(RespondError::Mismatch);
        }
        self.check_text(text)?;
        if code.is_none() && self.login().is_ok() {
            self.count_failed_login();
        }
        self.answer(&response(Status::Err, code, text.clone()));
        Ok(())
    }

    /// Answers a rejected line with its standard text, which repeats nothing that the client sent.
    ///
    /// # Errors
    /// [`RespondError`] if no rejected line waits for an answer.
    pub fn reject(&mut self) -> Result<(), RespondError> {
        match self.open {
            Open::Nothing => Err(RespondError::NothingToAnswer),
            Open::Rejection(error) => {
                let text = Text::received(error.text().as_bytes());
                self.answer(&response(Status::Err, None, text));
                Ok(())
            }
            _ => Err(RespondError::Mismatch),
        }
    }

    /// Answers PASS, APOP, or AUTH and what followed it: the credentials are right and the maildrop is
    /// open and locked; the session is in TRANSACTION (RFC 1939 §4).
    ///
    /// # Errors
    /// [`RespondError`] if no login waits for an answer.
    pub fn authenticated(&mut self, text: &Text) -> Result<(), RespondError> {
        self.login()?;
        self.check_text(text)?;
        self.state = State::Transaction;
        self.bad_commands = 0;
        self.answer(&response(Status::Ok, None, text.clone()));
        Ok(())
    }

    /// Answers PASS, APOP, or AUTH and what followed it: the credentials are wrong. Always the same
    /// line, whether the mailbox exists or not; after the last attempt that is borne the session ends.
    ///
    /// # Errors
    /// [`RespondError`] if no login waits for an answer.
    pub fn authentication_failed(&mut self) -> Result<(), RespondError> {
        self.login()?;
        self.count_failed_login();
        let text = Text::received(b"authentication failed");
        self.answer(&response(Status::Err, Some(KnownCode::Auth), text));
        Ok(())
    }

    /// Answers LANG with a language: from this line on texts are in it, and may be more than ASCII
    /// (RFC 6856 §3.2). A text that is too long for its line is cut.
    ///
    /// # Errors
    /// [`RespondError`] if no LANG waits for an answer.
    pub fn language(&mut self, listing: &LanguageListing) -> Result<(), RespondError> {
        if self.command()? != Keyword::Lang {
            return Err(RespondError::Mismatch);
        }
        self.language = true;
        let text = put_text(|line| {
            listing.encode(line);
            cut(line);
        });
        self.answer(&Response::new(Status::Ok, text));
        Ok(())
    }

    /// Answers STAT.
    ///
    /// # Errors
    /// [`RespondError`] if no STAT waits for an answer.
    pub fn drop_listing(&mut self, listing: DropListing) -> Result<(), RespondError> {
        if self.command()? != Keyword::Stat {
            return Err(RespondError::Mismatch);
        }
        self.answer_with(|line| listing.encode(line));
        Ok(())
    }

    /// Answers LIST with a message-number, or adds a line to a LIST that was begun.
    ///
    /// # Errors
    /// [`RespondError::Full`] if the line finds no room: write, then give it again;
    /// [`RespondError::Mismatch`] if another message was asked for.
    pub fn scan_listing(&mut self, listing: ScanListing) -> Result<(), RespondError> {
        self.item(Keyword::List, listing.message, |line| listing.encode(line))
    }

    /// Answers UIDL with a message-number, or adds a line to a UIDL that was begun.
    ///
    /// # Errors
    /// As [`ServerSession::scan_listing`]; [`RespondError::Mismatch`] also for a unique-id that is
    /// longer than a server may send (RFC 1939 §7).
    pub fn unique_id_listing(&mut self, listing: &UniqueIdListing) -> Result<(), RespondError> {
        if listing.id.is_long() {
            return Err(self.nothing_or_mismatch());
        }
        self.item(Keyword::Uidl, listing.message, |line| listing.encode(line))
    }

    /// Begins the multi-line answer to LIST or UIDL without a message-number, RETR or TOP.
    ///
    /// # Errors
    /// [`RespondError::Mismatch`] if the command's answer is no multi-line one.
    pub fn begin_multiline(&mut self, text: &Text) -> Result<(), RespondError> {
        let Open::Command { keyword, message, lines } = self.open else {
            return Err(self.nothing_or_mismatch());
        };
        let next = match keyword.rule().framing {
            // LANG comes here only with an argument, which is no message-number.
            Framing::MultilineWithoutArgument if message.is_none() && keyword != Keyword::Lang => {
                Open::Listing(keyword)
            }
            Framing::Multiline => Open::Message(MessageEncoder::new(lines, self.config.leniency)),
            _ => return Err(RespondError::Mismatch),
        };
        self.check_text(text)?;
        self.put(&response(Status::Ok, None, text.clone()));
        self.open = next;
        Ok(())
    }

    /// Whether the message that is being sent should go on: not once TOP has its lines.
    #[must_use]
    pub fn wants_body(&self) -> bool {
        matches!(&self.open, Open::Message(message) if message.wants_more())
    }

    /// Takes octets of the message as it is stored, with any line ends: they are made CRLF and
    /// byte-stuffed. Gives how many it took; fewer than all means: write, then offer the rest.
    ///
    /// # Errors
    /// [`RespondError`] if no RETR or TOP was begun.
    pub fn write_body(&mut self, octets: &[u8]) -> Result<usize, RespondError> {
        let room = self.room();
        let Open::Message(message) = &mut self.open else { return Err(self.nothing_or_mismatch()) };
        Ok(self.output.write(room, |buffer| message.encode(octets, &mut buffer.limit(room))))
    }

    /// Ends a multi-line answer.
    ///
    /// # Errors
    /// [`RespondError::Full`] if the end finds no room: write, then call again.
    pub fn finish_multiline(&mut self) -> Result<(), RespondError> {
        let room = self.room();
        match &mut self.open {
            Open::Listing(_) | Open::Message(_) if room < MessageEncoder::END_OCTETS => {
                return Err(RespondError::Full);
            }
            Open::Listing(_) => self.put_line(|line| line.push(b'.')),
            Open::Message(message) => {
                self.output.write(room, |buffer| message.finish(&mut buffer.limit(room)));
            }
            _ => return Err(self.nothing_or_mismatch()),
        }
        self.open = Open::Nothing;
        Ok(())
    }

    /// Breaks the session off: what was begun cannot be completed, because a message could not be
    /// read to its end. The client sees the connection end inside the answer and knows that it is not
    /// whole. What was written so far still leaves.
    pub fn abort(&mut self) {
        self.ending = true;
        self.open = Open::Nothing;
    }

    /// Whether `command` is the one that waits for its status line.
    pub(super) fn awaits(&self, command: &Command) -> Result<(), RespondError> {
        let Open::Command { keyword, message, lines } = self.open else {
            return Err(self.nothing_or_mismatch());
        };
        let same = command.keyword() == Some(keyword)
            && command.message() == message
            && lines_of(command) == lines;
        if same { Ok(()) } else { Err(RespondError::Mismatch) }
    }

    /// The command that waits for its status line.
    fn command(&self) -> Result<Keyword, RespondError> {
        match self.open {
            Open::Command { keyword, .. } => Ok(keyword),
            _ => Err(self.nothing_or_mismatch()),
        }
    }

    /// Whether what waits is a login.
    fn login(&self) -> Result<(), RespondError> {
        if matches!(self.open, Open::Response) {
            return Ok(());
        }
        match self.command()?.rule().effect {
            Effect::Authenticated => Ok(()),
            _ => Err(RespondError::Mismatch),
        }
    }

    /// Whether AUTH, or a response to a challenge, waits.
    pub(super) fn exchanges(&self) -> Result<(), RespondError> {
        match self.open {
            Open::Response | Open::Command { keyword: Keyword::Auth, .. } => Ok(()),
            _ => Err(self.nothing_or_mismatch()),
        }
    }

    /// Whether the client takes the text (RFC 6856 §§2.1, 3.2).
    fn check_text(&self, text: &Text) -> Result<(), RespondError> {
        if self.utf8 || self.language || text.octets().is_ascii() {
            Ok(())
        } else {
            Err(RespondError::NotAscii)
        }
    }

    pub(super) fn count_failed_login(&mut self) {
        self.failed_logins = self.failed_logins.saturating_add(1);
        self.ending |= self.failed_logins >= self.config.limits.login_attempts;
    }

    pub(super) fn nothing_or_mismatch(&self) -> RespondError {
        if matches!(self.open, Open::Nothing) {
            RespondError::NothingToAnswer
        } else {
            RespondError::Mismatch
        }
    }

    fn item(
        &mut self,
        keyword: Keyword,
        message: MessageNumber,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), RespondError> {
        match self.open {
            Open::Command { keyword: of, message: Some(asked), .. }
                if of == keyword && asked == message =>
            {
                self.answer_with(encode);
                Ok(())
            }
            Open::Listing(of) if of == keyword => {
                // Each line is far shorter than this.
                if self.room() < crate::MAX_RESPONSE_OCTETS {
                    return Err(RespondError::Full);
                }
                self.put_line(encode);
                Ok(())
            }
            _ => Err(self.nothing_or_mismatch()),
        }
    }

    /// Writes the single line that answers what is open; after QUIT, and where the budget is spent,
    /// the session ends behind it.
    fn answer(&mut self, response: &Response) {
        if matches!(self.open, Open::Command { keyword: Keyword::Quit, .. }) {
            self.ending = true;
        }
        self.end_exchange();
        self.put(response);
        self.open = Open::Nothing;
    }

    fn answer_with(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        self.put_line(|line| {
            line.extend_from_slice(b"+OK ");
            encode(line);
        });
        self.open = Open::Nothing;
    }

    pub(super) fn put(&mut self, response: &Response) {
        self.output.write(crate::MAX_RESPONSE_OCTETS, |buffer| response.encode(buffer));
    }

    fn put_line(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        self.output.write(crate::MAX_RESPONSE_OCTETS, |buffer| {
            encode(buffer);
            buffer.extend_from_slice(b"\r\n");
        });
    }
}

/// How many lines of the body TOP asks for.
pub(super) const fn lines_of(command: &Command) -> Option<u64> {
    match command {
        Command::Top { lines, .. } => Some(*lines),
        _ => None,
    }
}

/// A response code goes in front; a text that would look like one is set apart (RFC 2449 §6.4).
pub(super) fn response(status: Status, code: Option<KnownCode>, text: Text) -> Response {
    let code = match code {
        None if text.octets().first() == Some(&b'[') => "",
        None => return Response::new(status, text),
        Some(code) => code.as_str(),
    };
    let mut line = Vec::new();
    if !code.is_empty() {
        line.push(b'[');
        line.extend_from_slice(code.as_bytes());
        line.push(b']');
    }
    line.push(b' ');
    line.extend_from_slice(text.octets());
    cut(&mut line);
    Response::new(status, Text::received(&line))
}

/// Cuts a text to what a line holds, between characters.
fn cut(line: &mut Vec<u8>) {
    let begins = |at: &usize| line.get(*at).is_none_or(|octet| octet & 0xc0 != 0x80);
    // No character has more octets than four.
    let mut ends = (0..=Text::MAX_OCTETS).rev().take(4);
    let end = ends.find(begins).unwrap_or(Text::MAX_OCTETS);
    line.truncate(end);
}
