//! The broker actor: everything published passes here, in order, on its way to the data model and to the subscribers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use foldhash::fast::RandomState;
use smallvec::SmallVec;

use crate::consumers::Consumers;
use crate::delta::SharedDelta;
use crate::intern::SourceRef;
use crate::messages::*;
use crate::restart_policy::RestartDecision;
use crate::routing::{Routes, RoutingIndex, TopicId};
use crate::timestamp::Timestamp;

/// Messages that may wait for the broker. Publishers send batches, so this is a few thousand deltas.
const MAILBOX: usize = 128;
/// Items that may wait for a hub before publishers have to wait too.
const MAX_PENDING: usize = 8192;

/// Routes deltas from publishers to the data model, the hubs of the clients and the consumers; supervises the consumers.
pub struct Broker {
    model: Recipient<ApplyDeltas>,
    snapshots: Recipient<CollectSnapshot>,
    index: RoutingIndex,
    hubs: Vec<Hub>,
    subscriptions: HashMap<(HubId, SubscriptionId), Vec<TopicId>, RandomState>,
    /// How many subscriptions of each hub use a topic.
    hub_users: HashMap<TopicId, SmallVec<[u32; 8]>, RandomState>,
    consumers: Consumers,
    by_provider: HashMap<SourceRef, u64, RandomState>,
    override_timestamps: bool,
    statistics: BrokerStatistics,
}

struct Hub {
    recipient: Recipient<FanOut>,
    pending: Vec<FanOutItem>,
    in_flight: bool,
    statistics: HubStatistics,
}

impl Broker {
    /// A broker that applies deltas to `model` and takes snapshots from `snapshots`.
    pub fn new(model: Recipient<ApplyDeltas>, snapshots: Recipient<CollectSnapshot>) -> Self {
        Self {
            model,
            snapshots,
            index: RoutingIndex::new(),
            hubs: Vec::new(),
            subscriptions: HashMap::default(),
            hub_users: HashMap::default(),
            consumers: Consumers::default(),
            by_provider: HashMap::default(),
            override_timestamps: false,
            statistics: BrokerStatistics::default(),
        }
    }

    /// Whether every timestamp is replaced with the time of reception, whoever sent it (signalk-v1 §2.2 no. 2).
    pub fn overriding_timestamps(self, override_timestamps: bool) -> Self {
        Self { override_timestamps, ..self }
    }

    /// Hands applied deltas to everybody who wants them.
    fn route(&mut self, publisher: &SourceRef, deltas: &[Arc<SharedDelta>], ctx: &mut Context<Self>) {
        for delta in deltas {
            let routes = self.index.route(delta.delta());
            if routes.whole.is_empty() && routes.values.is_empty() {
                continue;
            }
            for topic in &routes.whole {
                self.consumers.offer(*topic, publisher, delta);
            }
            let routes = Arc::new(routes);
            for (id, hub) in self.hubs.iter_mut().enumerate() {
                if wanted_by(&self.hub_users, id, &routes) {
                    hub.pending.push(FanOutItem::Delta(delta.clone(), routes.clone()));
                }
            }
        }
        self.consumers.flush();
        self.flush_hubs(ctx);
    }

    fn flush_hubs(&mut self, ctx: &mut Context<Self>) {
        for (id, hub) in self.hubs.iter_mut().enumerate() {
            hub.statistics.most_pending = hub.statistics.most_pending.max(hub.pending.len());
            if hub.pending.is_empty() {
                continue;
            }
            if !hub.in_flight {
                hub.in_flight = true;
                hub.statistics.batches += 1;
                let sent = hub.recipient.send(FanOut(std::mem::take(&mut hub.pending)));
                ctx.spawn(
                    actix::fut::wrap_future::<_, Self>(sent)
                        .map(move |answer, broker, ctx| broker.hub_done(id, answer, ctx)),
                );
            } else if hub.pending.len() >= MAX_PENDING {
                // The hub is far behind: nothing more is taken from publishers until it has caught up.
                hub.statistics.batches += 1;
                hub.statistics.stalls += 1;
                let sent = hub.recipient.send(FanOut(std::mem::take(&mut hub.pending)));
                ctx.wait(actix::fut::wrap_future::<_, Self>(sent).map(|_, _, _| ()));
            }
        }
    }

    fn hub_done(&mut self, id: usize, answer: Result<(), MailboxError>, ctx: &mut Context<Self>) {
        let hub = &mut self.hubs[id];
        hub.in_flight = false;
        if answer.is_err() {
            // The worker is gone, and its clients with it.
            hub.pending.clear();
            return;
        }
        self.flush_hubs(ctx);
    }

    fn leave_topics(&mut self, hub: HubId, topics: &[TopicId]) {
        for topic in topics {
            if let Some(users) = self.hub_users.get_mut(topic) {
                users[hub.0] -= 1;
                if users.iter().all(|n| *n == 0) {
                    self.hub_users.remove(topic);
                }
            }
            self.index.leave(*topic);
        }
    }

    fn time(&mut self, since: Instant) {
        let took = since.elapsed();
        self.statistics.busy += took;
        self.statistics.longest_handler = self.statistics.longest_handler.max(took);
    }
}

fn wanted_by(users: &HashMap<TopicId, SmallVec<[u32; 8]>, RandomState>, hub: usize, routes: &Routes) -> bool {
    let used = |topic: &TopicId| users.get(topic).is_some_and(|counts| counts.get(hub).is_some_and(|n| *n > 0));
    routes.whole.iter().any(used) || routes.values.iter().any(|(_, topics)| topics.iter().any(used))
}

impl Actor for Broker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
    }
}

impl Handler<Publish> for Broker {
    type Result = ();

    fn handle(&mut self, mut message: Publish, ctx: &mut Self::Context) {
        let since = Instant::now();
        if self.override_timestamps {
            let now = Timestamp::now();
            message.deltas.iter_mut().flat_map(|d| &mut d.updates).for_each(|u| u.timestamp = now.clone());
        }
        self.statistics.batches += 1;
        self.statistics.deltas += message.deltas.len() as u64;
        let values = message.deltas.iter().flat_map(|d| &d.updates).map(|u| u.values.len() as u64).sum::<u64>();
        self.statistics.values += values;
        let publisher = message.provider;
        *self.by_provider.entry(publisher.clone()).or_default() += message.deltas.len() as u64;
        let deltas: Arc<Vec<_>> = Arc::new(message.deltas.into_iter().map(SharedDelta::new).collect());
        let applied = self.model.send(ApplyDeltas(deltas.clone()));
        self.time(since);
        ctx.wait(applied.into_actor(self).map(move |answer, broker, ctx| {
            let since = Instant::now();
            if answer.is_err() {
                // Only while the server goes down: the model's arbiter has stopped before the broker's context did.
                log::error!("the data model has stopped; {} deltas are lost", deltas.len());
                return ctx.stop();
            }
            broker.route(&publisher, &deltas, ctx);
            broker.time(since);
        }));
    }
}

impl Handler<AttachHub> for Broker {
    type Result = MessageResult<AttachHub>;

    fn handle(&mut self, AttachHub(recipient): AttachHub, _: &mut Self::Context) -> Self::Result {
        let id = HubId(self.hubs.len());
        self.hubs.push(Hub { recipient, pending: Vec::new(), in_flight: false, statistics: HubStatistics::default() });
        MessageResult(id)
    }
}

impl Handler<Subscribe> for Broker {
    type Result = ();

    fn handle(&mut self, message: Subscribe, ctx: &mut Self::Context) {
        let Subscribe { hub, subscription, rows, cached } = message;
        if hub.0 >= self.hubs.len() {
            log::error!("subscription {subscription:?} names the unknown hub {hub:?}; it gets nothing");
            return;
        }
        let wanted = if cached { rows.clone() } else { Vec::new() };
        let snapshot = self.snapshots.send(CollectSnapshot(wanted));
        ctx.wait(snapshot.into_actor(self).map(move |answer, broker, ctx| {
            let Ok(cached) = answer else {
                log::error!("the data model has stopped; subscription {subscription:?} gets nothing");
                return;
            };
            let topics: Vec<_> = rows.into_iter().map(|topic| broker.index.join(topic).0).collect();
            for topic in &topics {
                let users = broker.hub_users.entry(*topic).or_default();
                if users.len() <= hub.0 {
                    users.resize(hub.0 + 1, 0);
                }
                users[hub.0] += 1;
            }
            broker.hubs[hub.0].pending.push(FanOutItem::Join { subscription, topics: topics.clone(), cached });
            if let Some(earlier) = broker.subscriptions.insert((hub, subscription), topics) {
                broker.leave_topics(hub, &earlier);
            }
            broker.flush_hubs(ctx);
        }));
    }
}

impl Handler<Unsubscribe> for Broker {
    type Result = ();

    fn handle(&mut self, Unsubscribe { hub, subscription }: Unsubscribe, ctx: &mut Self::Context) {
        if let Some(topics) = self.subscriptions.remove(&(hub, subscription)) {
            self.leave_topics(hub, &topics);
            self.hubs[hub.0].pending.push(FanOutItem::Leave { subscription });
            self.flush_hubs(ctx);
        }
    }
}

impl Handler<AttachConsumer> for Broker {
    type Result = ();

    fn handle(&mut self, message: AttachConsumer, _: &mut Self::Context) {
        let (topic, _) = self.index.join(message.topic);
        if let Some(earlier) = self.consumers.attach(message.consumer, topic, message.except, message.recipient) {
            self.index.leave(earlier);
        }
    }
}

impl Handler<DetachConsumer> for Broker {
    type Result = ();

    fn handle(&mut self, DetachConsumer(consumer): DetachConsumer, _: &mut Self::Context) {
        if let Some(topic) = self.consumers.detach(&consumer) {
            self.index.leave(topic);
        }
    }
}

impl Handler<ConsumerReady> for Broker {
    type Result = ();

    fn handle(&mut self, ConsumerReady(consumer): ConsumerReady, _: &mut Self::Context) {
        self.consumers.ready(&consumer);
    }
}

impl Handler<StartBuffering> for Broker {
    type Result = ();

    fn handle(&mut self, StartBuffering(consumer): StartBuffering, _: &mut Self::Context) {
        self.consumers.set_buffering(&consumer, true);
    }
}

impl Handler<StopBuffering> for Broker {
    type Result = ();

    fn handle(&mut self, StopBuffering(consumer): StopBuffering, _: &mut Self::Context) {
        self.consumers.set_buffering(&consumer, false);
    }
}

impl Handler<ReportCrash> for Broker {
    type Result = MessageResult<ReportCrash>;

    fn handle(&mut self, message: ReportCrash, ctx: &mut Self::Context) -> Self::Result {
        // tokio's clock, so that tests can turn it.
        let decision = self.consumers.crashed(&message.consumer, actix::clock::Instant::now().into_std());
        if let RestartDecision::RestartAfter(delay) = decision {
            let order = RestartInstance { crash: message.crash };
            ctx.run_later(delay, move |_, ctx| send_restart(message.restart, order, ctx));
        }
        MessageResult(decision)
    }
}

/// Asks for the restart; when the supervisor's mailbox is full, again in a moment.
fn send_restart(restart: Recipient<RestartInstance>, order: RestartInstance, ctx: &mut Context<Broker>) {
    if let Err(SendError::Full(order)) = restart.try_send(order) {
        ctx.run_later(Duration::from_millis(50), move |_, ctx| send_restart(restart, order, ctx));
    }
}

impl Handler<ForgiveCrashes> for Broker {
    type Result = ();

    fn handle(&mut self, ForgiveCrashes(consumer): ForgiveCrashes, _: &mut Self::Context) {
        self.consumers.forgive(&consumer);
    }
}

impl Handler<CollectBrokerStatistics> for Broker {
    type Result = MessageResult<CollectBrokerStatistics>;

    fn handle(&mut self, _: CollectBrokerStatistics, _: &mut Self::Context) -> Self::Result {
        let mut providers: Vec<_> = self.by_provider.iter().map(|(id, n)| (id.as_str().into(), *n)).collect();
        providers.sort();
        MessageResult(BrokerStatistics {
            providers,
            topics: self.index.len(),
            subscriptions: self.subscriptions.len(),
            hubs: self
                .hubs
                .iter()
                .map(|h| HubStatistics { pending: h.pending.len(), ..h.statistics.clone() })
                .collect(),
            consumers: self.consumers.statistics(),
            ..self.statistics.clone()
        })
    }
}

#[cfg(test)]
#[path = "broker_tests.rs"]
mod tests;
