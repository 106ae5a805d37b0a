//! What a client says: frames are put together, told apart, and their deltas published.

use actix::prelude::*;
use actix_http::ws::Item;
use actix_web_actors::ws;
use windlass_broker::{Delta, DeltaVersion, MAX_DELTA_BYTES, Publish};

use super::Client;
use crate::stream::look::Look;
use crate::stream::message::ControlMessage;
use crate::{StatusKind, StatusSubject};

/// Deltas of a client that are published together.
const BATCH: usize = 128;
/// Messages from this length on are timed; for shorter ones the clock would be a noticeable part of the work.
const TIMED: usize = 4 * 1024;

/// Publish what has been read since the last time.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct PublishPending;

impl Client {
    pub(super) fn read(&mut self, text: &str, ctx: &mut ws::WebsocketContext<Self>) {
        if text.len() < TIMED {
            self.observed.count(1, 0);
            return self.read_message(text, ctx);
        }
        let handling = self.observed.begin();
        self.read_message(text, ctx);
        self.observed.end(handling, 0);
    }

    fn read_message(&mut self, text: &str, ctx: &mut ws::WebsocketContext<Self>) {
        // Text is looked at for its keys before it is parsed, so that a delta is parsed once.
        let look = Look::at(text);
        if look.delta {
            self.take_delta(text, ctx);
        }
        if look.control {
            match serde_json::from_str::<ControlMessage<'_>>(text) {
                Ok(message) => self.control(message, ctx),
                Err(error) => self.complain(format_args!("message not understood: {error}"), text),
            }
        } else if !look.delta && serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
            self.complain(format_args!("message that is not JSON ignored"), text);
        }
    }

    fn take_delta(&mut self, text: &str, ctx: &mut ws::WebsocketContext<Self>) {
        if !self.rights.may_write() {
            return self.refuse_delta("it has no right to send data", text);
        }
        let taken = self.intake.take(text, DeltaVersion::V1);
        for problem in &taken.problems {
            self.complain(format_args!("{problem}"), text);
        }
        let Some(mut delta) = taken.delta else { return };
        if self.rights.strip_unwritable(&mut delta) > 0 {
            self.refuse_delta("the ACLs do not let it write all of what it sends", text);
        }
        if delta.updates.is_empty() {
            return;
        }
        self.note_fed(&delta, ctx);
        self.publishing.push(delta);
        if self.publishing.len() >= BATCH {
            self.publish(ctx);
        } else if !self.publish_soon {
            // Everything that is read in this wake-up is published together.
            self.publish_soon = ctx.address().try_send(PublishPending).is_ok();
            if !self.publish_soon {
                self.publish(ctx);
            }
        }
    }

    /// Data that the client may not send: ignored, counted, and told where connections tell their troubles (SK-138).
    fn refuse_delta(&mut self, reason: &str, text: &str) {
        self.stream.counters.refused_delta();
        let provider = self.intake.provider.id.as_str();
        let message = format!("data of the stream client at {} is ignored: {reason}", self.address);
        // Readers see these messages too; where somebody is, is in the log.
        let shown = format!("data of a stream client is ignored: {reason}");
        self.stream.status.set(provider, StatusSubject::Provider, StatusKind::Error, &shown);
        self.complain(format_args!("{message}"), text);
    }

    /// Who feeds a value of the own ship is asked when somebody wants it changed (signalk-v1 §6.5 no. 4).
    fn note_fed(&mut self, delta: &Delta, ctx: &mut ws::WebsocketContext<Self>) {
        if delta.context != self.intake.self_context {
            return;
        }
        let feeders = self.stream.puts.feeders();
        let seat = self.seat.get_or_insert_with(|| feeders.seat(ctx.address().recipient()));
        for update in &delta.updates {
            for value in update.values.iter().filter(|value| !value.path.as_str().is_empty()) {
                seat.feeds(&value.path, &update.source_ref);
            }
        }
    }

    pub(super) fn publish(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        if self.publishing.is_empty() {
            return;
        }
        let deltas = std::mem::take(&mut self.publishing);
        let publish = Publish { provider: self.intake.provider.id.clone(), origin: self.origin, deltas };
        match self.stream.broker.try_send(self.to_broker.carry(publish)) {
            Ok(()) => {}
            Err(SendError::Full(message)) => {
                // Nothing more is read from this socket until the broker has room: that pushes back to the sender.
                // It is sent from a task of its own, so that it arrives also when the client goes meanwhile.
                let published = actix::spawn(self.stream.broker.send(message));
                ctx.wait(actix::fut::wrap_future::<_, Self>(published).map(|_, _, _| ()));
            }
            Err(SendError::Closed(_)) => ctx.stop(),
        }
    }

    /// Counts a message that could not be used; the first of a connection is logged as a warning, the others for debugging.
    pub(super) fn complain(&mut self, problem: std::fmt::Arguments<'_>, text: &str) {
        self.stream.counters.bad_message();
        let level = if self.complained { log::Level::Debug } else { log::Level::Warn };
        self.complained = true;
        let provider = &self.intake.provider.id;
        // What may be a login is not repeated: it has a password.
        if ["\"login\"", "\"password\"", "\"token\""].into_iter().any(|key| text.contains(key)) {
            log::log!(level, "{provider}: {problem} (further ones of this client are logged at debug)");
            return;
        }
        let start: String = text.chars().take(120).collect();
        log::log!(
            level,
            "{provider}: {problem}; the message begins {start:?} (further ones of this client are logged at debug)"
        );
    }

    pub(super) fn fragment(&mut self, item: Item, ctx: &mut ws::WebsocketContext<Self>) {
        let (bytes, last) = match item {
            Item::FirstText(bytes) | Item::FirstBinary(bytes) => {
                self.partial = Some(Vec::new());
                (bytes, false)
            }
            Item::Continue(bytes) => (bytes, false),
            Item::Last(bytes) => (bytes, true),
        };
        let Some(partial) = &mut self.partial else { return };
        partial.extend_from_slice(&bytes);
        if partial.len() > 4 * MAX_DELTA_BYTES {
            self.partial = None;
            self.complain(format_args!("message of more than {} bytes ignored", 4 * MAX_DELTA_BYTES), "");
        } else if last && let Some(whole) = self.partial.take() {
            self.read_bytes(&whole, ctx);
        }
    }

    pub(super) fn read_bytes(&mut self, bytes: &[u8], ctx: &mut ws::WebsocketContext<Self>) {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.read(text, ctx),
            Err(error) => {
                let start = String::from_utf8_lossy(&bytes[..bytes.len().min(120)]).into_owned();
                self.complain(format_args!("message that is not UTF-8 ({error}) ignored"), &start);
            }
        }
    }
}

impl Handler<PublishPending> for Client {
    type Result = ();

    fn handle(&mut self, _: PublishPending, ctx: &mut Self::Context) {
        self.publish_soon = false;
        self.publish(ctx);
    }
}
