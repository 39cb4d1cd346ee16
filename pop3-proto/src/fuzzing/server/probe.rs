//! Answers that do not fit.

use alloc::vec::Vec;

use super::caller::{Caller, Open, text};
use super::script::listing;
use crate::server::RespondError;
use crate::{Base64, Command, DropListing, MessageNumber, ScanListing, UniqueId, UniqueIdListing};

impl Caller<'_> {
    /// I8: every answer that does not fit is refused and changes nothing.
    pub(super) fn probe(&mut self) {
        let before = self.standing();
        let drop_listing = self.maildrop.drop_listing();
        let mismatch = match self.open {
            Open::Nothing => RespondError::NothingToAnswer,
            _ => RespondError::Mismatch,
        };
        let refused = |answered: Result<(), RespondError>| assert_eq!(answered, Err(mismatch));
        let open = self.open.clone();
        let command = match &open {
            Open::Command(command) => Some(command),
            _ => None,
        };
        let session = &mut self.session;
        let said = text("wrong");
        if !matches!(open, Open::Command(_) | Open::Response(_) | Open::Rejection(_)) {
            refused(session.err(None, &said));
        }
        if !matches!(open, Open::Rejection(_)) {
            refused(session.reject());
        }
        if !open.is_login() {
            refused(session.authenticated(&said));
            refused(session.authentication_failed());
        }
        let exchanges = matches!(open, Open::Response(_) | Open::Command(Command::Auth { .. }));
        if !exchanges {
            refused(session.challenge(&Base64::empty()));
        }
        if !matches!(command, Some(Command::Lang(_))) {
            refused(session.language(&listing("en", "wrong")));
        }
        refused(session.tls_established());
        if !matches!(
            command,
            Some(
                Command::User(_)
                    | Command::Stls
                    | Command::Dele(_)
                    | Command::Noop
                    | Command::Rset
                    | Command::Quit
            )
        ) {
            refused(session.ok(&said));
        }
        if !matches!(command, Some(Command::Stat)) {
            refused(session.drop_listing(DropListing::new(1, 2)));
        }
        let listed = |open: &Open, one: fn(&Command) -> bool| match open {
            Open::Command(command) => one(command) && command.message().is_some(),
            Open::Listing(command) => one(command),
            _ => false,
        };
        if !listed(&open, |command| matches!(command, Command::List(_))) {
            refused(session.scan_listing(ScanListing::new(MessageNumber::FIRST, 3)));
        }
        if !listed(&open, |command| matches!(command, Command::Uidl(_))) {
            let id = UniqueId::new(b"wrong").expect("graphic ASCII");
            refused(session.unique_id_listing(&UniqueIdListing::new(MessageNumber::FIRST, id)));
        }
        let multiline = |command: &Command| {
            matches!(
                command,
                Command::List(None) | Command::Uidl(None) | Command::Retr(_) | Command::Top { .. }
            )
        };
        if !command.is_some_and(multiline) {
            refused(session.begin_multiline(&said));
        }
        if !matches!(open, Open::Message { .. }) {
            refused(session.write_body(b"wrong").map(|_| ()));
            assert!(!session.wants_body());
        }
        if !matches!(open, Open::Message { .. } | Open::Listing(_)) {
            refused(session.finish_multiline());
        }
        // The maildrop, shown what is not due.
        for wrong in [
            Command::Stat,
            Command::Noop,
            Command::Rset,
            Command::Quit,
            Command::List(None),
            Command::Uidl(Some(MessageNumber::FIRST)),
            Command::Dele(MessageNumber::FIRST),
            Command::Dele(MessageNumber::new(99).expect("not 0")),
            Command::Top { message: MessageNumber::FIRST, lines: 99 },
        ] {
            if command != Some(&wrong) {
                refused(self.maildrop.answer(&wrong, session).map(|_| ()));
            }
        }
        assert_eq!(self.maildrop.drop_listing(), drop_listing, "I8: the maildrop changed");
        let marked: Vec<_> = self.maildrop.marked().map(MessageNumber::value).collect();
        assert_eq!(marked, self.store.marked(), "I8: the marks changed");
        assert_eq!(self.standing(), before, "I8: an error that changed something");
    }
}
