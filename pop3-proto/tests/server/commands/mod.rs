//! Every command line at every point of a session: the event, the answer, and what it leaves behind;
//! and every answer to every open command.

mod answers;
mod lines;
mod table;

use pop3_proto::Command;
use pop3_proto::server::{Event, ServerConfig, ServerSession};

use crate::server_support::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    Authorization,
    AfterUser,
    Transaction,
    /// QUIT was taken in TRANSACTION and is not answered.
    AfterQuit,
    Closed,
}

fn at(point: Point, config: ServerConfig) -> ServerSession {
    match point {
        Point::Authorization => greeted(config),
        Point::AfterUser => after_user(config),
        Point::Transaction => in_transaction(config),
        Point::AfterQuit => {
            let mut session = in_transaction(config.clone());
            say(&mut session, b"QUIT\r\n");
            assert_eq!(session.poll_event(), Some(Event::Command(Command::Quit)));
            session
        }
        Point::Closed => {
            let mut session = at(Point::AfterQuit, config);
            session.ok(&text("bye")).expect("QUIT waits");
            assert_eq!(written(&mut session), b"+OK bye\r\n");
            assert_eq!(session.poll_event(), Some(Event::Closed { commit: true }));
            session
        }
    }
}
