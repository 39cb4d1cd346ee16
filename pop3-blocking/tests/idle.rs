//! What a session holds while nothing comes.

#![cfg(feature = "server")]

use bytes::Buf as _;
use pop3_blocking::ChannelBindings;
use pop3_blocking::server::{Conversation, Memory, MemoryMaildrop, Passwords, Server, Step};
use pop3_proto::client::Channel;
use pop3_proto::{Mailbox, Password};

/// Octets of the heap that an idle session keeps, its ten messages' entries included. With the socket and the task
/// of an asynchronous server this has to stay below 8 KiB.
const HEAP: u64 = 3 * 1024;

/// Does what the conversation calls for until it would have to wait for the client.
fn turn(server: &Server<Memory, Passwords>, conversation: &mut Conversation<MemoryMaildrop>) {
    loop {
        match conversation.step(server).expect("an answer that fits") {
            Step::Work(work) => conversation.done(work.run(server)).expect("an answer that fits"),
            Step::Write => {
                let mut outgoing = conversation.session().outgoing();
                outgoing.advance(outgoing.remaining());
            }
            Step::Read => return conversation.release_idle(),
            step => panic!("{step:?}"),
        }
    }
}

/// A session that has sent messages keeps no room for them; what it keeps does not depend on what was sent.
#[test]
fn an_idle_session_is_small() {
    let mrose = Mailbox::new("mrose").expect("a mailbox");
    let password = Password::new("tanstaaf").expect("a password");
    let store = Memory::new();
    for message in 0..10 {
        store.deliver(&mrose, vec![b'x'; message << 14]);
    }
    let server = Server::new(store, [(mrose, password)].into_iter().collect());
    let mut held = None;
    let heap = allocation_counter::measure(|| {
        let bindings = ChannelBindings::default();
        let conversation = Conversation::new(&server, Channel::Trusted, &bindings, false);
        let conversation = held.insert(Box::new(conversation.expect("a way to log in")));
        turn(&server, conversation);
        for command in ["USER mrose", "PASS tanstaaf", "LIST", "UIDL", "RETR 10", "TOP 9 1"] {
            let line = format!("{command}\r\n");
            assert_eq!(conversation.session().receive(line.as_bytes()), line.len());
            turn(&server, conversation);
        }
    });
    let heap = u64::try_from(heap.bytes_current).expect("it was not there before");
    assert!((1024..=HEAP).contains(&heap), "{heap} octets");
}
