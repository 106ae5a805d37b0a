//! One subscription of a client: what of it the client may see, its rows' rate control, the metadata that goes before values, and its
//! way to the client's socket.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use bytestring::ByteString;
use socket2::Socket;
use tokio::sync::OwnedSemaphorePermit;
use windlass_broker::observe::Observed;
use windlass_broker::{Glob, Scope, SharedDelta, SubscriptionId, ValueIndex};

use super::backlog::Backlog;
use super::client::{Client, Frames, RightsChanged, Terminate, shut_down};
use super::message::{SubscribeRow, ValueFilter};
use super::metadata_sent::MetadataSent;
use super::outbox::{Outbox, Outgoing};
use super::rate::Kept;
use super::rights::Rights;
use super::row::Row;
use super::statistics::StreamCounters;
use crate::data_model::ModelView;

/// How long a client that is disconnected for its slowness may take to read why.
const LAST_WORDS: Duration = Duration::from_secs(2);

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

/// What the subscriptions of a client share.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) client: Addr<Client>,
    pub(super) rights: Rc<Rights>,
    pub(super) backlog: Rc<Backlog>,
    /// Room for what the rows remember.
    pub(super) kept: Kept,
    /// Metadata is sent once per connection.
    pub(super) metadata: Option<Rc<RefCell<MetadataSent>>>,
    pub(super) view: ModelView,
    pub(super) counters: StreamCounters,
    /// The client, of which its subscriptions are a part.
    pub(super) observed: Observed,
    pub(super) socket: Option<Arc<Socket>>,
}

/// The subscription of one subscribe message, or a client's default subscription. Lives on its client's thread.
pub struct Subscription {
    id: SubscriptionId,
    connection: Connection,
    filter: ValueFilter,
    rows: Vec<Row>,
    outbox: Outbox,
    /// A batch that is larger than what a client may be owed; see [`Self::send`].
    rest: VecDeque<Outgoing>,
    sending: bool,
    watching: bool,
    timer: Option<(Instant, SpawnHandle)>,
}

/// The clock of subscriptions: tokio's, so that tests can turn it.
fn now() -> Instant {
    actix::clock::Instant::now().into_std()
}

impl Subscription {
    pub(super) fn new(id: SubscriptionId, connection: Connection, rows: &[SubscribeRow], filter: ValueFilter) -> Self {
        let named: Arc<[Glob]> = rows
            .iter()
            .filter_map(|row| match &row.topic.scope {
                Scope::Values(glob) if !row.rate.announces() => Some(glob.clone()),
                _ => None,
            })
            .collect();
        let rows = rows.iter().map(|row| Row::new(row.rate, &named, &connection.kept, now())).collect();
        let outbox = Outbox::new(connection.backlog.clone());
        Self {
            id,
            connection,
            filter,
            rows,
            outbox,
            rest: VecDeque::new(),
            sending: false,
            watching: false,
            timer: None,
        }
    }

    fn admits(&self, delta: &SharedDelta, index: ValueIndex) -> bool {
        self.filter.admits(&self.connection.view, delta, index) && self.connection.rights.may_see(delta, index)
    }

    fn value(&self, delta: Arc<SharedDelta>, index: ValueIndex, out: &mut VecDeque<Outgoing>) {
        self.metadata_before(&delta, index, out);
        out.push_back(Outgoing::Value(delta, index));
    }

    fn metadata_before(&self, delta: &SharedDelta, index: ValueIndex, out: &mut VecDeque<Outgoing>) {
        if let Some(metadata) = &self.connection.metadata {
            let mut texts = Vec::new();
            metadata.borrow_mut().before(delta, index, &mut texts);
            out.extend(texts.into_iter().map(Outgoing::Text));
        }
    }

    fn whole(&self, delta: Arc<SharedDelta>, out: &mut VecDeque<Outgoing>) {
        let Some(delta) = self.connection.rights.visible(delta) else { return };
        if self.connection.metadata.is_some() {
            for (u, update) in delta.delta().updates.iter().enumerate() {
                for v in 0..update.values.len() {
                    self.metadata_before(&delta, ValueIndex { update: u as u16, value: v as u16 }, out);
                }
            }
        }
        out.push_back(Outgoing::Whole(delta));
    }

    /// Passes things on to the client, or queues them while it can't take them.
    ///
    /// A large batch alone, such as all present values, does not make a client slow: in its midst the client gets a turn to take what
    /// there is, and only what it leaves then counts.
    fn send(&mut self, out: VecDeque<Outgoing>, ctx: &mut Context<Self>) {
        self.rest.extend(out);
        self.go_on(false, ctx);
    }

    fn go_on(&mut self, mut had_a_turn: bool, ctx: &mut Context<Self>) {
        while let Some(item) = self.rest.pop_front() {
            if self.connection.backlog.is_long() {
                self.drain(ctx);
                if self.connection.backlog.is_long() && !had_a_turn && !self.rest.is_empty() {
                    self.rest.push_front(item);
                    // Nothing else is delivered in between, so that the order stays.
                    let turn = async {
                        for _ in 0..2 {
                            tokio::task::yield_now().await;
                        }
                    };
                    ctx.wait(turn.into_actor(self).map(|(), subscription, ctx| subscription.go_on(true, ctx)));
                    return;
                }
            } else {
                had_a_turn = false;
            }
            let added = self.outbox.add(item, now());
            let counters = &self.connection.counters;
            counters.conflated(added.conflated);
            if added.conflated > 0 {
                self.connection.observed.drop_more(added.conflated);
            }
            if added.fell_behind {
                counters.backpressure_began();
            }
            if added.hopeless {
                return self.disconnect(ctx);
            }
        }
        self.drain(ctx);
        self.connection.observed.queue().set(self.connection.backlog.bytes());
        self.watch(ctx);
    }

    fn drain(&mut self, ctx: &mut Context<Self>) {
        while !self.sending && !self.outbox.is_empty() {
            let wanted = self.outbox.room_wanted();
            let room = self.connection.backlog.room().clone();
            match room.clone().try_acquire_many_owned(wanted) {
                Ok(room) => self.pass_on(room, ctx),
                Err(_) => {
                    self.sending = true;
                    let room = room.acquire_many_owned(wanted);
                    ctx.spawn(room.into_actor(self).map(|room, subscription, ctx| {
                        subscription.sending = false;
                        // The semaphore is never closed.
                        if let Ok(room) = room {
                            subscription.pass_on(room, ctx);
                            subscription.drain(ctx);
                        }
                    }));
                }
            }
        }
    }

    fn pass_on(&mut self, room: OwnedSemaphorePermit, ctx: &mut Context<Self>) {
        let frames: Vec<ByteString> = self.outbox.take(now());
        if frames.is_empty() {
            return;
        }
        match self.connection.client.try_send(Frames { subscription: self.id, frames, room }) {
            Ok(()) => {}
            Err(SendError::Full(message)) => {
                self.sending = true;
                let waiting = self.connection.client.send(message);
                ctx.spawn(waiting.into_actor(self).map(|answer, subscription, ctx| {
                    subscription.sending = false;
                    match answer {
                        Ok(()) => subscription.drain(ctx),
                        Err(_) => ctx.stop(),
                    }
                }));
            }
            Err(SendError::Closed(_)) => {
                self.sending = true;
                ctx.stop();
            }
        }
    }

    /// Looks again when a client that is above the limit has been there for too long, also if nothing more comes for it.
    fn watch(&mut self, ctx: &mut Context<Self>) {
        let backlog = &self.connection.backlog;
        let Some(since) = backlog.above_since().filter(|_| !self.watching) else { return };
        self.watching = true;
        let until = since + backlog.limits().patience + Duration::from_millis(1);
        ctx.run_later(until.saturating_duration_since(now()), |subscription, ctx| {
            subscription.watching = false;
            if subscription.connection.backlog.is_hopeless(now()) {
                subscription.disconnect(ctx);
            } else {
                subscription.watch(ctx);
            }
        });
    }

    /// The client is told why, if it reads that; then its socket is shut down under it, because a blocked one takes nothing more.
    fn disconnect(&mut self, ctx: &mut Context<Self>) {
        ctx.stop();
        if !self.connection.backlog.end() {
            return;
        }
        self.connection.counters.disconnected();
        log::warn!(
            "a stream client did not read for too long and is disconnected; its values would have grown without end"
        );
        let Connection { client, socket, .. } = self.connection.clone();
        actix::spawn(async move {
            // Whether it arrives makes no difference to what follows.
            let told = client.send(Terminate);
            let _ = tokio::time::timeout(LAST_WORDS, told).await;
            if let Some(socket) = socket {
                tokio::time::sleep(LAST_WORDS).await;
                shut_down(&socket);
            }
        });
    }

    /// Sets the timer to the earliest moment at which a row has something to send.
    fn wind_timer(&mut self, ctx: &mut Context<Self>) {
        let Some(due) = self.rows.iter().filter_map(Row::due).min() else { return };
        if let Some((set, handle)) = self.timer.take() {
            if set <= due {
                self.timer = Some((set, handle));
                return;
            }
            ctx.cancel_future(handle);
        }
        let handle = ctx.run_later(due.saturating_duration_since(now()), |subscription, ctx| {
            subscription.timer = None;
            let mut out = VecDeque::new();
            let ready: Vec<_> = subscription.rows.iter_mut().flat_map(|row| row.take_due(now())).collect();
            if subscription.connection.rights.may_read() {
                for (delta, index) in ready {
                    // What was allowed when it came may not be any more.
                    if subscription.admits(&delta, index) {
                        subscription.value(delta, index, &mut out);
                    }
                }
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
        if self.connection.backlog.has_ended() {
            return ctx.stop();
        }
        if !self.connection.rights.may_read() {
            // One that has no room for this will look on its own.
            let _ = self.connection.client.try_send(RightsChanged);
            return;
        }
        let (mut out, count) = (VecDeque::with_capacity(deliveries.len()), deliveries.len());
        let now = now();
        let handling = self.connection.observed.begin_when(now);
        for delivery in deliveries {
            match delivery {
                Delivery::Whole(delta) => self.whole(delta, &mut out),
                Delivery::Cached { row, delta, index } => {
                    if self.admits(&delta, index)
                        && self.rows.get_mut(usize::from(row)).is_some_and(|row| row.cached(&delta, index, now))
                    {
                        self.value(delta, index, &mut out);
                    }
                }
                Delivery::Value { row, delta, index } => {
                    if !self.admits(&delta, index) {
                        continue;
                    }
                    let Some(row) = self.rows.get_mut(usize::from(row)) else { continue };
                    if let Some((delta, index)) = row.value(delta, index, now) {
                        self.value(delta, index, &mut out);
                    }
                }
            }
        }
        self.send(out, ctx);
        self.wind_timer(ctx);
        self.connection.observed.end(handling, count);
    }
}

/// The client has unsubscribed from some of the rows.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct EndRows(pub(super) Vec<u16>);

impl Handler<EndRows> for Subscription {
    type Result = ();

    fn handle(&mut self, EndRows(rows): EndRows, _: &mut Self::Context) {
        for row in rows {
            if let Some(row) = self.rows.get_mut(usize::from(row)) {
                *row = Row::Ended;
            }
        }
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
