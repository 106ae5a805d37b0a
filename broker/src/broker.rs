//! The broker actor: everything published passes here, in order, on its way to the data model and to the subscribers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use foldhash::fast::RandomState;
use smallvec::SmallVec;

use crate::consumers::Consumers;
use crate::delta::{Delta, SharedDelta, ValueIndex};
use crate::intern::{Context as SkContext, SourceRef};
use crate::judged::Judged;
use crate::messages::*;
use crate::priorities::{Priorities, PrioritySettings, SourceSwitch};
use crate::restart_policy::RestartDecision;
use crate::routing::{Routes, RoutingIndex, SourcePolicy, TopicId};
use crate::stage::Stage;
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
    own: Option<SkContext>,
    priorities: Priorities,
    switches: Option<Recipient<SourcesSwitched>>,
    stages: Vec<Box<dyn Stage>>,
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
            own: None,
            priorities: Priorities::default(),
            switches: None,
            stages: Vec::new(),
            statistics: BrokerStatistics::default(),
        }
    }

    /// Whether every timestamp is replaced with the time of reception, whoever sent it (signalk-v1 §2.2 no. 2).
    pub fn overriding_timestamps(self, override_timestamps: bool) -> Self {
        Self { override_timestamps, ..self }
    }

    /// Judges the own ship's values by source priorities (signalk-v1 §9); those of others all pass.
    pub fn judging(self, own: SkContext, settings: &PrioritySettings) -> Self {
        Self { own: Some(own), priorities: Priorities::new(settings), ..self }
    }

    /// Tells `listener` whenever another source takes a path over.
    pub fn telling_switches(self, listener: Recipient<SourcesSwitched>) -> Self {
        Self { switches: Some(listener), ..self }
    }

    /// Lets these see every delta, in this order.
    pub fn with_stages(self, stages: Vec<Box<dyn Stage>>) -> Self {
        Self { stages, ..self }
    }

    /// Takes what was published through the stages and the priorities. Returns what is to be applied and routed.
    fn judge(&mut self, deltas: Vec<Delta>, ctx: &mut Context<Self>) -> Vec<Judged> {
        let now = actix::clock::Instant::now().into_std();
        let mut switched = Vec::new();
        let mut judged = Vec::with_capacity(deltas.len());
        for mut delta in deltas {
            for stage in &mut self.stages {
                stage.admit(&mut delta);
            }
            if !delta.updates.is_empty() {
                judged.push(self.judge_delta(delta, now, &mut switched));
            }
        }
        if !switched.is_empty() {
            self.statistics.switches += switched.len() as u64;
            if let Some(listener) = &self.switches
                && let Err(SendError::Full(lost)) = listener.try_send(SourcesSwitched(switched))
            {
                log::debug!("{} switches of sources are told with the next ones only", lost.0.len());
            }
        }
        for stage in &mut self.stages {
            let mut emit = Vec::new();
            for one in &judged {
                stage.observe(one, now, &mut emit);
            }
            publish_emitted(stage.name(), emit, ctx);
        }
        judged
    }

    fn judge_delta(&mut self, delta: Delta, now: Instant, switched: &mut Vec<SourceSwitch>) -> Judged {
        if self.priorities.is_empty() || self.own.as_ref() != Some(&delta.context) {
            return Judged::accepted(delta);
        }
        let mut held = SmallVec::new();
        for (u, update) in delta.updates.iter().enumerate() {
            for (v, value) in update.values.iter().enumerate() {
                let (accepted, switch) = self.priorities.judge(&value.path, &update.source_ref, now);
                switched.extend(switch);
                if !accepted {
                    held.push(ValueIndex { update: u as u16, value: v as u16 });
                }
            }
        }
        self.statistics.held += held.len() as u64;
        Judged::holding(delta, held)
    }

    /// Hands applied deltas to everybody who wants them.
    fn route(&mut self, publisher: &SourceRef, origin: Origin, deltas: &[Judged], ctx: &mut Context<Self>) {
        for judged in deltas {
            if judged.held().is_empty() {
                let routes = self.index.route(judged.delta().delta());
                self.offer(publisher, origin, judged.delta(), routes);
            } else {
                let routes = self.index.route_for(judged.delta().delta(), SourcePolicy::All);
                self.offer(publisher, origin, judged.delta(), routes);
                if let Some(preferred) = judged.preferred() {
                    let routes = self.index.route_for(preferred.delta(), SourcePolicy::Preferred);
                    self.offer(publisher, origin, preferred, routes);
                }
            }
            // Who asks for a root value by its name gets it under that name (signalk-v1 §5.4).
            let named = judged.preferred().and_then(|preferred| preferred.delta().root_values_by_name());
            if let Some(named) = named {
                let routes = self.index.route_by_name(&named);
                self.offer(publisher, origin, &SharedDelta::new(named), routes);
            }
        }
        self.consumers.flush();
        self.flush_hubs(ctx);
    }

    fn offer(&mut self, publisher: &SourceRef, origin: Origin, delta: &Arc<SharedDelta>, routes: Routes) {
        if routes.whole.is_empty() && routes.values.is_empty() {
            return;
        }
        for topic in &routes.whole {
            self.consumers.offer(*topic, publisher, delta);
        }
        let routes = Arc::new(routes);
        for (id, hub) in self.hubs.iter_mut().enumerate() {
            if wanted_by(&self.hub_users, id, &routes) {
                hub.pending.push(FanOutItem::Delta(delta.clone(), routes.clone(), origin));
            }
        }
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

/// What a stage has to say goes through the whole pipeline, before anything else that waits.
fn publish_emitted(provider: &SourceRef, deltas: Vec<Delta>, ctx: &mut Context<Broker>) {
    if !deltas.is_empty() {
        ctx.notify(Publish { provider: provider.clone(), origin: Origin::NONE, deltas });
    }
}

impl Actor for Broker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        for (index, stage) in self.stages.iter().enumerate() {
            let Some(interval) = stage.tick_interval() else { continue };
            ctx.run_interval(interval, move |broker, ctx| {
                let now = actix::clock::Instant::now().into_std();
                let mut emit = Vec::new();
                let stage = &mut broker.stages[index];
                stage.tick(now, &broker.priorities, &mut emit);
                publish_emitted(stage.name(), emit, ctx);
            });
        }
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
        let (publisher, origin) = (message.provider, message.origin);
        *self.by_provider.entry(publisher.clone()).or_default() += message.deltas.len() as u64;
        let deltas = Arc::new(self.judge(message.deltas, ctx));
        let applied = self.model.send(ApplyDeltas(deltas.clone()));
        self.time(since);
        ctx.wait(applied.into_actor(self).map(move |answer, broker, ctx| {
            let since = Instant::now();
            if answer.is_err() {
                // Only while the server goes down: the model's arbiter has stopped before the broker's context did.
                log::error!("the data model has stopped; {} deltas are lost", deltas.len());
                return ctx.stop();
            }
            broker.route(&publisher, origin, &deltas, ctx);
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

impl Handler<SetPriorities> for Broker {
    type Result = ();

    fn handle(&mut self, SetPriorities(settings): SetPriorities, _: &mut Self::Context) {
        self.priorities = Priorities::new(&settings);
    }
}

impl Handler<CollectPreferredSources> for Broker {
    type Result = MessageResult<CollectPreferredSources>;

    fn handle(&mut self, _: CollectPreferredSources, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.priorities.preferred())
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
