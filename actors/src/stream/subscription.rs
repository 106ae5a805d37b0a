//! One subscription of a client: its rows' rate control, the metadata that goes before values, and its way to the client's socket.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix::prelude::*;
use bytestring::ByteString;
use socket2::Socket;
use windlass_broker::{SharedDelta, SubscriptionId, ValueIndex};

use super::client::{Client, Frames, shut_down};
use super::message::RateControl;
use super::metadata_sent::MetadataSent;
use super::outbox::{Outbox, Outgoing};
use super::rate::RowRate;
use super::statistics::StreamCounters;

/// What the hub has for a subscription, in order.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Deliver(pub(super) Vec<Delivery>);

/// One thing for a subscription.
#[derive(Debug)]
pub(super) enum Delivery {
    /// A delta as it is.
    Whole(Arc<SharedDelta>),
    /// A new value for a row.
    Value { row: u16, delta: Arc<SharedDelta>, index: ValueIndex },
    /// A present value for a row, sent at once.
    Cached { row: u16, delta: Arc<SharedDelta>, index: ValueIndex },
}

/// The subscription of one subscribe message, or a client's default subscription. Lives on its client's thread.
pub struct Subscription {
    id: SubscriptionId,
    client: Addr<Client>,
    rows: Vec<RowRate>,
    /// Shared by the subscriptions of a client: metadata is sent once per connection.
    metadata: Option<Rc<RefCell<MetadataSent>>>,
    outbox: Outbox,
    sending: bool,
    timer: Option<(Instant, SpawnHandle)>,
    counters: StreamCounters,
    socket: Option<Arc<Socket>>,
}

/// Bytes that are passed on to a client at once.
const PART: usize = 64 * 1024;

/// The clock of subscriptions: tokio's, so that tests can turn it.
fn now() -> Instant {
    actix::clock::Instant::now().into_std()
}

impl Subscription {
    pub(super) fn new(
        id: SubscriptionId,
        client: Addr<Client>,
        rates: impl IntoIterator<Item = RateControl>,
        metadata: Option<Rc<RefCell<MetadataSent>>>,
        counters: StreamCounters,
        socket: Option<Arc<Socket>>,
    ) -> Self {
        let rows = rates.into_iter().map(|rate| RowRate::new(rate, now())).collect();
        Self { id, client, rows, metadata, outbox: Outbox::default(), sending: false, timer: None, counters, socket }
    }

    fn value(&self, delta: Arc<SharedDelta>, index: ValueIndex, out: &mut Vec<Outgoing>) {
        self.metadata_before(&delta, index, out);
        out.push(Outgoing::Value(delta, index));
    }

    fn metadata_before(&self, delta: &SharedDelta, index: ValueIndex, out: &mut Vec<Outgoing>) {
        if let Some(metadata) = &self.metadata {
            let mut texts = Vec::new();
            metadata.borrow_mut().before(delta, index, &mut texts);
            out.extend(texts.into_iter().map(Outgoing::Text));
        }
    }

    fn whole(&self, delta: Arc<SharedDelta>, out: &mut Vec<Outgoing>) {
        if self.metadata.is_some() {
            for (u, update) in delta.delta().updates.iter().enumerate() {
                for v in 0..update.values.len() {
                    self.metadata_before(&delta, ValueIndex { update: u as u16, value: v as u16 }, out);
                }
            }
        }
        out.push(Outgoing::Whole(delta));
    }

    /// Passes things on to the client, or queues them while it can't take them.
    fn send(&mut self, out: Vec<Outgoing>, ctx: &mut Context<Self>) {
        if out.is_empty() {
            return;
        }
        for item in out {
            // A large batch alone does not make a client slow: it is passed on in parts as long as the client takes them.
            if !self.sending && self.outbox.queued_bytes() >= PART {
                self.drain(ctx);
            }
            let added = self.outbox.add(item, now());
            self.counters.conflated(added.conflated);
            if added.fell_behind {
                self.counters.backpressure_began();
            }
            if added.hopeless {
                return self.disconnect(ctx);
            }
        }
        if !self.sending {
            self.drain(ctx);
        }
    }

    fn drain(&mut self, ctx: &mut Context<Self>) {
        while !self.outbox.is_empty() {
            let frames: Vec<ByteString> = self.outbox.take(now());
            match self.client.try_send(Frames { subscription: self.id, frames }) {
                Ok(()) => {}
                Err(SendError::Full(message)) => {
                    self.sending = true;
                    let waiting = self.client.send(message);
                    ctx.spawn(actix::fut::wrap_future::<_, Self>(waiting).map(|answer, subscription, ctx| {
                        subscription.sending = false;
                        match answer {
                            Ok(()) => subscription.drain(ctx),
                            Err(_) => ctx.stop(),
                        }
                    }));
                    return;
                }
                Err(SendError::Closed(_)) => return ctx.stop(),
            }
        }
    }

    /// The client's socket is blocked, so nothing can be said to it any more: the socket is shut down under it.
    fn disconnect(&mut self, ctx: &mut Context<Self>) {
        self.counters.disconnected();
        log::warn!(
            "a stream client did not read for too long and is disconnected; its values would have grown without end"
        );
        match &self.socket {
            Some(socket) => shut_down(socket),
            // Without a handle of the socket the client ends as soon as it is polled again.
            None => drop(actix::spawn(self.client.send(End))),
        }
        ctx.stop();
    }

    /// Sets the timer to the earliest moment at which a row has something to send.
    fn wind_timer(&mut self, ctx: &mut Context<Self>) {
        let Some(due) = self.rows.iter().filter_map(RowRate::due).min() else { return };
        if let Some((set, handle)) = self.timer.take() {
            if set <= due {
                self.timer = Some((set, handle));
                return;
            }
            ctx.cancel_future(handle);
        }
        let handle = ctx.run_later(due.saturating_duration_since(now()), |subscription, ctx| {
            subscription.timer = None;
            let mut out = Vec::new();
            let ready: Vec<_> = subscription.rows.iter_mut().flat_map(|row| row.take_due(now())).collect();
            for (delta, index) in ready {
                subscription.value(delta, index, &mut out);
            }
            subscription.send(out, ctx);
            subscription.wind_timer(ctx);
        });
        self.timer = Some((due, handle));
    }
}

impl Actor for Subscription {
    type Context = Context<Self>;
}

impl Handler<Deliver> for Subscription {
    type Result = ();

    fn handle(&mut self, Deliver(deliveries): Deliver, ctx: &mut Self::Context) {
        let mut out = Vec::with_capacity(deliveries.len());
        let now = now();
        for delivery in deliveries {
            match delivery {
                Delivery::Whole(delta) => self.whole(delta, &mut out),
                Delivery::Cached { row, delta, index } => {
                    if let Some(rate) = self.rows.get_mut(usize::from(row)) {
                        rate.sent(&delta, index, now);
                    }
                    self.value(delta, index, &mut out);
                }
                Delivery::Value { row, delta, index } => {
                    let Some(rate) = self.rows.get_mut(usize::from(row)) else { continue };
                    if let Some((delta, index)) = rate.value(delta, index, now) {
                        self.value(delta, index, &mut out);
                    }
                }
            }
        }
        self.send(out, ctx);
        self.wind_timer(ctx);
    }
}

/// The client has unsubscribed: nothing more is to be sent.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct End;

impl Handler<End> for Subscription {
    type Result = ();

    fn handle(&mut self, _: End, ctx: &mut Self::Context) {
        ctx.stop();
    }
}
