//! What a client's events are called.

use pop3_proto::Response;
use pop3_proto::client::{CommandId, Eof, Event, Item};
use pop3_proto::state::Keyword;

use super::octets::decoded;
use super::trace::Trace;

/// Tells one event.
pub(super) fn event(trace: &mut Trace, event: &Event) {
    match event {
        Event::Greeting(greeting) => status(trace, "greeting:", &greeting.response),
        Event::Started { id, response } => status(trace, format!("{}:", name(*id)), response),
        Event::Completed { id, response } => {
            status(trace, format!("{} completed:", name(*id)), response);
        }
        Event::StartTls { id, response } => {
            status(trace, format!("{} starts TLS:", name(*id)), response);
        }
        Event::Item { id, item } => listed(trace, *id, item),
        Event::Data { id, data } => trace.data(format_args!("{} data: ", name(*id)), data),
        Event::Finished { id } => trace.line(format_args!("{} finished", name(*id))),
        Event::Challenge { id, challenge } => {
            let octets = decoded(challenge).len();
            trace.line(format_args!("{} challenge: {octets} octets", name(*id)));
        }
        Event::Cancelled { id, reason } => {
            trace.line(format_args!("{} cancelled: {reason}", name(*id)));
        }
        Event::FailureDetail { id, detail } => {
            trace.text(format_args!("{} failure: ", name(*id)), detail.octets());
        }
        Event::Deviation { id: Some(id), deviation } => {
            trace.line(format_args!("{} deviation: {deviation}", name(*id)));
        }
        Event::Deviation { id: None, deviation } => {
            trace.line(format_args!("deviation: {deviation}"));
        }
        Event::Closed { update, farewell, eof } => {
            if let Some(farewell) = farewell {
                status(trace, "farewell:", farewell);
            }
            let who = match eof {
                None => "",
                Some(Eof::Clean) => " by the server",
                Some(Eof::Abrupt) => " by a broken connection",
            };
            trace.line(format_args!("closed{who}: {update}"));
        }
        // Whoever adds an event gives it a name here; until then it shows what it shows everywhere.
        other => trace.line(format_args!("{other:?}")),
    }
}

fn name(id: CommandId) -> String {
    format!("{id} {}", id.keyword().map_or("raw", Keyword::as_str))
}

fn status(trace: &mut Trace, before: impl std::fmt::Display, response: &Response) {
    trace.text(format_args!("{before} {} ", response.status.as_str()), response.text.octets());
}

fn listed(trace: &mut Trace, id: CommandId, item: &Item) {
    let before = format!("{} item:", name(id));
    match item {
        Item::Drop(drop) => {
            let octets =
                drop.octets.map_or_else(|| "unknown".to_owned(), |octets| octets.to_string());
            trace.line(format_args!("{before} messages {}, octets {octets}", drop.messages));
        }
        Item::Scan(scan) => {
            trace.line(format_args!("{before} message {}, octets {}", scan.message, scan.octets));
        }
        Item::UniqueId(listing) => {
            let before = format!("{before} message {}, unique-id ", listing.message);
            trace.text(before, listing.id.octets());
        }
        Item::Capability(capability) => {
            trace.text(format_args!("{before} capability "), capability.to_string().as_bytes());
        }
        Item::Mechanism(mechanism) => trace.line(format_args!("{before} mechanism {mechanism}")),
        Item::Language(listing) => {
            let before = format!("{before} language {}, ", listing.tag);
            trace.text(before, listing.description.octets());
        }
        Item::Malformed(text) => trace.text(format_args!("{before} malformed "), text.octets()),
        other => trace.line(format_args!("{before} {other:?}")),
    }
}
