//! The hub: one HTTP worker's share of the fan-out.

use std::collections::{HashMap, VecDeque};

use actix::prelude::*;
use foldhash::fast::RandomState;
use windlass_broker::observe::{ActorId, ActorKind, Flow, Observatory, Observed};
use windlass_broker::{
    AttachHub, Broker, CachedValue, FanOut, FanOutItem, HubId, Origin, Subscribe, SubscriptionId, Topic, TopicId,
    Unsubscribe,
};

use super::subscription::{Deliver, Delivery, Subscription};

/// Messages that may wait for a hub: subscribe and unsubscribe of its clients, and one fan-out.
const MAILBOX: usize = 1024;

/// Delivers what the broker sends to the subscriptions of one worker's clients.
pub struct Hub {
    broker: Addr<Broker>,
    id: Option<HubId>,
    local: HashMap<SubscriptionId, Local, RandomState>,
    /// Who wants a topic: the subscription and which of its rows.
    topics: HashMap<TopicId, Vec<(SubscriptionId, u16)>, RandomState>,
    touched: Vec<SubscriptionId>,
    /// What the broker has to be told; one message is on its way at a time.
    to_broker: Controls,
    telling_broker: bool,
    observatory: Observatory,
    /// Under its number as soon as it has one.
    observed: Observed,
}

struct Local {
    address: Addr<Subscription>,
    /// Its client, which does not hear itself.
    origin: Origin,
    topics: Vec<TopicId>,
    pending: Vec<Delivery>,
    /// What its client gets of it.
    flow: Flow,
}

enum Control {
    Open { subscription: SubscriptionId, rows: Vec<Topic>, cached: bool },
    Close { subscription: SubscriptionId },
}

/// What a broker that is behind has to be told, in order. What is opened and closed again before its turn comes is forgotten, so no more
/// waits than there are subscriptions, however often a client subscribes and unsubscribes.
#[derive(Default)]
struct Controls(VecDeque<Control>);

impl Controls {
    fn open(&mut self, subscription: SubscriptionId, rows: Vec<Topic>, cached: bool) {
        self.0.push_back(Control::Open { subscription, rows, cached });
    }

    fn close(&mut self, subscription: SubscriptionId) {
        let opens = |c: &Control| matches!(c, Control::Open { subscription: other, .. } if *other == subscription);
        match self.0.iter().rposition(opens) {
            Some(at) => drop(self.0.remove(at)),
            None => self.0.push_back(Control::Close { subscription }),
        }
    }

    fn next(&mut self) -> Option<Control> {
        self.0.pop_front()
    }
}

/// A client opens a subscription on its worker's hub.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct OpenSubscription {
    pub(super) subscription: SubscriptionId,
    pub(super) address: Addr<Subscription>,
    /// What its client is called where it is observed.
    pub(super) client: ActorId,
    pub(super) origin: Origin,
    pub(super) rows: Vec<Topic>,
    pub(super) cached: bool,
}

/// A client closes a subscription.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct CloseSubscription(pub(super) SubscriptionId);

impl Hub {
    /// A hub that joins `broker` when it starts.
    pub fn new(broker: Addr<Broker>) -> Self {
        let observatory = Observatory::default();
        Self {
            observed: observatory.observe(ActorKind::Hub, ""),
            observatory,
            broker,
            id: None,
            local: HashMap::default(),
            topics: HashMap::default(),
            touched: Vec::new(),
            to_broker: Controls::default(),
            telling_broker: false,
        }
    }

    /// Is seen in `observatory` as soon as it has joined the broker.
    pub fn observed_by(self, observatory: &Observatory) -> Self {
        Self { observatory: observatory.clone(), ..self }
    }

    fn tell_broker(&mut self, ctx: &mut Context<Self>) {
        let Some(hub) = self.id else { return };
        if self.telling_broker {
            return;
        }
        let Some(control) = self.to_broker.next() else { return };
        self.telling_broker = true;
        let broker = self.broker.clone();
        let told = async move {
            match control {
                Control::Open { subscription, rows, cached } => {
                    broker.send(Subscribe { hub, subscription, rows, cached }).await
                }
                Control::Close { subscription } => broker.send(Unsubscribe { hub, subscription }).await,
            }
        };
        ctx.spawn(told.into_actor(self).map(|answer, hub, ctx| {
            hub.telling_broker = false;
            if answer.is_err() {
                return ctx.stop();
            }
            hub.tell_broker(ctx);
        }));
    }

    fn join(&mut self, subscription: SubscriptionId, topics: Vec<TopicId>, cached: Vec<CachedValue>) {
        let Some(local) = self.local.get_mut(&subscription) else { return };
        for (row, topic) in topics.iter().enumerate() {
            self.topics.entry(*topic).or_default().push((subscription, row as u16));
        }
        local.topics = topics;
        for CachedValue { row, delta, index } in cached {
            let delivery = Delivery::Cached { row: row as u16, delta, index };
            add(&mut self.local, &mut self.touched, subscription, Origin::NONE, delivery);
        }
    }

    fn leave(&mut self, subscription: SubscriptionId) {
        let Some(local) = self.local.remove(&subscription) else { return };
        for topic in local.topics {
            if let Some(users) = self.topics.get_mut(&topic) {
                users.retain(|(user, _)| *user != subscription);
                if users.is_empty() {
                    self.topics.remove(&topic);
                }
            }
        }
    }

    /// Gives each subscription what has come together for it.
    fn hand_out(&mut self, ctx: &mut Context<Self>) {
        for subscription in std::mem::take(&mut self.touched) {
            let Some(local) = self.local.get_mut(&subscription) else { continue };
            local.flow.count(1, local.pending.len());
            let deliver = Deliver(std::mem::take(&mut local.pending));
            match local.address.try_send(deliver) {
                Ok(()) => {}
                Err(SendError::Full(deliver)) => {
                    // It has not been polled since the last hand-outs; its turn comes before the broker's next batch.
                    let waiting = local.address.send(deliver);
                    ctx.wait(actix::fut::wrap_future::<_, Self>(waiting).map(|_, _, _| ()));
                }
                // Its client has gone; the close message is on its way.
                Err(SendError::Closed(_)) => {}
            }
        }
    }
}

impl Actor for Hub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        let attached = self.broker.send(AttachHub(ctx.address().recipient()));
        ctx.wait(attached.into_actor(self).map(|answer, hub, ctx| match answer {
            Ok(id) => {
                hub.id = Some(id);
                hub.observed = hub.observatory.observe(ActorKind::Hub, &id.0.to_string());
            }
            Err(error) => {
                log::error!("the broker can't be reached ({error}); this worker's clients get no data");
                ctx.stop();
            }
        }));
    }
}

impl Handler<FanOut> for Hub {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, FanOut(items): FanOut, ctx: &mut Self::Context) -> Self::Result {
        let handling = self.observed.begin();
        let mut deltas = 0;
        for item in items {
            match item {
                FanOutItem::Delta(delta, routes, origin) => {
                    deltas += 1;
                    for topic in &routes.whole {
                        for (subscription, _) in self.topics.get(topic).map(Vec::as_slice).unwrap_or_default() {
                            let delivery = Delivery::Whole(delta.clone());
                            add(&mut self.local, &mut self.touched, *subscription, origin, delivery);
                        }
                    }
                    for (index, topics) in &routes.values {
                        for topic in topics.iter() {
                            for (subscription, row) in self.topics.get(topic).map(Vec::as_slice).unwrap_or_default() {
                                let delivery = Delivery::Value { row: *row, delta: delta.clone(), index: *index };
                                add(&mut self.local, &mut self.touched, *subscription, origin, delivery);
                            }
                        }
                    }
                }
                FanOutItem::Join { subscription, topics, cached } => self.join(subscription, topics, cached),
                FanOutItem::Leave { subscription } => self.leave(subscription),
            }
        }
        self.hand_out(ctx);
        self.observed.end(handling, deltas);
        // The answer lets the broker send the next batch. It is given after the subscriptions and clients of this thread had their
        // turn, so that what comes meanwhile leaves together.
        Box::pin(async {
            for _ in 0..2 {
                tokio::task::yield_now().await;
            }
        })
    }
}

fn add(
    local: &mut HashMap<SubscriptionId, Local, RandomState>,
    touched: &mut Vec<SubscriptionId>,
    subscription: SubscriptionId,
    origin: Origin,
    delivery: Delivery,
) {
    if let Some(local) = local.get_mut(&subscription)
        && !origin.is(local.origin)
    {
        if local.pending.is_empty() {
            touched.push(subscription);
        }
        local.pending.push(delivery);
    }
}

impl Handler<OpenSubscription> for Hub {
    type Result = ();

    fn handle(&mut self, message: OpenSubscription, ctx: &mut Self::Context) {
        let OpenSubscription { subscription, address, client, origin, rows, cached } = message;
        let flow = self.observed.flow_to(&client);
        self.local.insert(subscription, Local { address, origin, topics: Vec::new(), pending: Vec::new(), flow });
        self.to_broker.open(subscription, rows, cached);
        self.tell_broker(ctx);
    }
}

impl Handler<CloseSubscription> for Hub {
    type Result = ();

    fn handle(&mut self, CloseSubscription(subscription): CloseSubscription, ctx: &mut Self::Context) {
        self.leave(subscription);
        self.to_broker.close(subscription);
        self.tell_broker(ctx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_opened_and_closed_before_the_broker_answers_does_not_add_up() {
        let mut controls = Controls::default();
        controls.open(SubscriptionId(0), Vec::new(), true);
        // This one the broker is being told, and does not answer.
        assert!(matches!(controls.next(), Some(Control::Open { .. })));
        controls.close(SubscriptionId(0));
        for n in 1..=10_000 {
            controls.open(SubscriptionId(n), Vec::new(), true);
            assert!(controls.0.len() <= 2);
            controls.close(SubscriptionId(n));
        }
        controls.open(SubscriptionId(7), Vec::new(), false);
        assert!(matches!(controls.next(), Some(Control::Close { subscription: SubscriptionId(0) })), "it has to know");
        assert!(matches!(controls.next(), Some(Control::Open { subscription: SubscriptionId(7), .. })));
        assert!(controls.next().is_none());
    }
}
