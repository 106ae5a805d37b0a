//! The broker actor: everything published passes here, in order, on its way to the data model and to the subscribers.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use foldhash::fast::RandomState;
use smallvec::SmallVec;

use crate::consumers::{Consumers, SeenConsumer};
use crate::delta::{Delta, SharedDelta, ValueIndex};
use crate::hub::Hub;
use crate::intern::{Context as SkContext, SourceRef};
use crate::judged::Judged;
use crate::messages::*;
use crate::observe::{ActorId, ActorKind, Carried, Flow, Observatory, Observed, QueueUnit};
use crate::priorities::{Priorities, PrioritySettings, SourceSwitch};
use crate::restart_policy::RestartDecision;
use crate::routing::{Routes, RoutingIndex, SourcePolicy, Topic, TopicId};
use crate::stage::{SeenStage, Stage};
use crate::timestamp::Timestamp;

#[path = "broker_consumers.rs"]
mod consuming;
#[path = "broker_hubs.rs"]
mod hubs;

use self::hubs::wanted_by;

/// Messages that may wait for the broker. Publishers send batches, so this is a few thousand deltas.
const MAILBOX: usize = 128;

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
    switches: Option<(Recipient<SourcesSwitched>, Flow)>,
    stages: Vec<SeenStage>,
    /// The clocks of the stages that tick.
    clocks: Vec<SpawnHandle>,
    /// What the stages have to say to what was published last, or at a tick. All of it is published before the mailbox is read again, so
    /// there is never more.
    emitted: VecDeque<Carried<Publish>>,
    /// Stages whose tick came while an answer was waited for.
    due: VecDeque<usize>,
    /// How many answers are waited for: while there are some, the mailbox is not read.
    awaited: usize,
    statistics: BrokerStatistics,
    observatory: Observatory,
    observed: Observed,
    to_model: Flow,
    /// What comes from those who are no actors themselves.
    server: Observed,
    from_server: Flow,
}

impl Broker {
    /// A broker that applies deltas to `model` and takes snapshots from `snapshots`.
    pub fn new(model: Recipient<ApplyDeltas>, snapshots: Recipient<CollectSnapshot>) -> Self {
        let observatory = Observatory::default();
        let observed = observe(&observatory);
        let to_model = observed.flow_to(&ActorId::data_model());
        let server = observatory.observe(ActorKind::Server, "");
        let from_server = server.flow_to(observed.id());
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
            clocks: Vec::new(),
            emitted: VecDeque::new(),
            due: VecDeque::new(),
            awaited: 0,
            statistics: BrokerStatistics::default(),
            observatory,
            observed,
            to_model,
            server,
            from_server,
        }
    }

    /// Is seen in `observatory`, and with it what it sends to whom. To be said on the broker's own thread, and before
    /// [`Self::with_stages`] and [`Self::telling_switches`].
    pub fn observed_by(self, observatory: &Observatory) -> Self {
        let observed = observe(observatory);
        let to_model = observed.flow_to(&ActorId::data_model());
        let server = observatory.observe(ActorKind::Server, "");
        let from_server = server.flow_to(observed.id());
        Self { observatory: observatory.clone(), observed, to_model, server, from_server, ..self }
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
        let flow = self.observed.flow_to(&ActorId::new(ActorKind::PreferredSources, ""));
        Self { switches: Some((listener, flow)), ..self }
    }

    /// Lets these see every delta, in this order.
    pub fn with_stages(self, stages: Vec<Box<dyn Stage>>) -> Self {
        let see = |stage| SeenStage::new(stage, &self.observatory, self.observed.id());
        let stages = stages.into_iter().map(see).collect();
        Self { stages, ..self }
    }

    /// Takes a batch in: it is judged and applied, and when the data model has it, routed.
    fn publish(&mut self, mut message: Publish, ctx: &mut Context<Self>) {
        let handling = self.observed.begin();
        if self.override_timestamps {
            let now = Timestamp::now();
            message.deltas.iter_mut().flat_map(|d| &mut d.updates).for_each(|u| u.timestamp = now.clone());
        }
        let count = message.deltas.len();
        self.statistics.batches += 1;
        self.statistics.deltas += count as u64;
        let values = message.deltas.iter().flat_map(|d| &d.updates).map(|u| u.values.len() as u64).sum::<u64>();
        self.statistics.values += values;
        let (publisher, origin) = (message.provider, message.origin);
        *self.by_provider.entry(publisher.clone()).or_default() += count as u64;
        let deltas = Arc::new(self.judge(message.deltas));
        self.to_model.count(1, deltas.len());
        let applied = self.model.send(ApplyDeltas(deltas.clone()));
        self.observed.end(handling, count);
        self.wait_for(applied, ctx, move |answer, broker, ctx| {
            let handling = broker.observed.begin();
            if answer.is_err() {
                // Only while the server goes down: the model's arbiter has stopped before the broker's context did.
                log::error!("the data model has stopped; {} deltas are lost", deltas.len());
                return ctx.stop();
            }
            broker.route(&publisher, origin, &deltas, ctx);
            broker.observed.pause(handling);
        });
    }

    /// Does `then` with an answer, and reads nothing else from the mailbox before.
    fn wait_for<F: Future + 'static>(
        &mut self,
        answer: F,
        ctx: &mut Context<Self>,
        then: impl FnOnce(F::Output, &mut Self, &mut Context<Self>) + 'static,
    ) {
        self.awaited += 1;
        ctx.wait(actix::fut::wrap_future::<_, Self>(answer).map(|answer, broker, ctx| {
            then(answer, broker, ctx);
            broker.awaited -= 1;
            broker.go_on(ctx);
        }));
    }

    /// When everything is applied and routed: publishes what the stages have to say to it, so that it comes after what it is about and
    /// before anything later. Messages to itself would not do, as the context may handle them after the next one of the mailbox, and in
    /// another order; and what is polled between a message and its answer finds half of the work done.
    fn go_on(&mut self, ctx: &mut Context<Self>) {
        while self.awaited == 0 {
            if let Some(Carried { message, waiting }) = self.emitted.pop_front() {
                drop(waiting);
                self.publish(message, ctx);
            } else if let Some(stage) = self.due.pop_front() {
                self.tick(stage);
            } else {
                return;
            }
        }
    }

    fn start_clocks(&mut self, ctx: &mut Context<Self>) {
        for (index, seen) in self.stages.iter().enumerate() {
            let Some(interval) = seen.stage.tick_interval() else { continue };
            let clock = ctx.run_interval(interval, move |broker: &mut Self, ctx| {
                if !broker.due.contains(&index) {
                    broker.due.push_back(index);
                }
                broker.go_on(ctx);
            });
            self.clocks.push(clock);
        }
    }

    fn tick(&mut self, stage: usize) {
        let now = actix::clock::Instant::now().into_std();
        let mut emit = Vec::new();
        let seen = &mut self.stages[stage];
        let handling = seen.observed.begin();
        seen.stage.tick(now, &self.priorities, &mut emit);
        seen.observed.pause(handling);
        self.emitted.extend(seen.publish(emit));
    }

    /// Takes what was published through the stages and the priorities. Returns what is to be applied and routed.
    fn judge(&mut self, deltas: Vec<Delta>) -> Vec<Judged> {
        let now = actix::clock::Instant::now().into_std();
        let mut switched = Vec::new();
        let mut judged = Vec::with_capacity(deltas.len());
        for mut delta in deltas {
            for seen in &mut self.stages {
                seen.stage.admit(&mut delta);
            }
            if !delta.updates.is_empty() {
                judged.push(self.judge_delta(delta, now, &mut switched));
            }
        }
        if !switched.is_empty() {
            self.statistics.switches += switched.len() as u64;
            if let Some((listener, flow)) = &self.switches {
                match listener.try_send(SourcesSwitched(switched)) {
                    Ok(()) => flow.count(1, 0),
                    Err(SendError::Full(lost)) => {
                        log::debug!("{} switches of sources are told with the next ones only", lost.0.len());
                    }
                    // Only while the server goes down.
                    Err(SendError::Closed(_)) => {}
                }
            }
        }
        let mut before = None;
        for seen in &mut self.stages {
            let mut emit = Vec::new();
            let handling = before.map_or_else(|| seen.observed.begin(), |ended| seen.observed.begin_after(ended));
            for one in &judged {
                seen.stage.observe(one, now, &mut emit);
            }
            before = Some(seen.observed.end(handling, judged.len()));
            self.emitted.extend(seen.publish(emit));
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
                let (accepted, switch) = if value.is_timed_out() {
                    (self.priorities.counts(&value.path, &update.source_ref), None)
                } else {
                    self.priorities.judge(&value.path, &update.source_ref, now)
                };
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
            if let Some(named) = judged.delta().delta().root_values_by_name() {
                let routes = if judged.held().is_empty() {
                    self.index.route_by_name(&named)
                } else {
                    self.index.route_by_name_for(&named, SourcePolicy::All)
                };
                self.offer(publisher, origin, &SharedDelta::new(named), routes);
            }
            if !judged.held().is_empty()
                && let Some(named) = judged.preferred().and_then(|preferred| preferred.delta().root_values_by_name())
            {
                let routes = self.index.route_by_name_for(&named, SourcePolicy::Preferred);
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
                hub.push_delta(delta, &routes, origin);
            }
        }
    }

    /// Whether a present value is for the row that it answers: to those who want the preferred sources only, not one that was preferred once.
    fn is_wanted(&self, rows: &[Topic], cached: &CachedValue) -> bool {
        if self.priorities.is_empty()
            || self.own.as_ref() != Some(&cached.delta.delta().context)
            || rows.get(cached.row).is_some_and(|row| row.sources == SourcePolicy::All)
        {
            return true;
        }
        let (update, value) = cached.delta.value(cached.index);
        self.priorities.counts(&value.path, &update.source_ref)
    }
}

fn observe(observatory: &Observatory) -> Observed {
    let observed = observatory.observe(ActorKind::Broker, "");
    observed.queue().holds(QueueUnit::Batches, MAILBOX as u64);
    observed
}

impl Actor for Broker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.start_clocks(ctx);
    }
}

impl Handler<Carried<Publish>> for Broker {
    type Result = ();

    fn handle(&mut self, Carried { message, waiting }: Carried<Publish>, ctx: &mut Self::Context) {
        drop(waiting);
        self.publish(message, ctx);
    }
}

impl Handler<Publish> for Broker {
    type Result = ();

    fn handle(&mut self, message: Publish, ctx: &mut Self::Context) {
        self.server.count(1, message.deltas.len());
        self.from_server.count(1, message.deltas.len());
        self.publish(message, ctx);
    }
}

impl Handler<SetPriorities> for Broker {
    type Result = ();

    fn handle(&mut self, SetPriorities(settings): SetPriorities, _: &mut Self::Context) {
        self.priorities = Priorities::new(&settings);
    }
}

impl Handler<RetimeStages> for Broker {
    type Result = ();

    fn handle(&mut self, _: RetimeStages, ctx: &mut Self::Context) {
        for clock in std::mem::take(&mut self.clocks) {
            ctx.cancel_future(clock);
        }
        self.start_clocks(ctx);
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
            hubs: self.hubs.iter().filter(|hub| !hub.gone).map(Hub::statistics).collect(),
            consumers: self.consumers.statistics(),
            busy: self.observed.busy(),
            longest_handler: self.observed.longest(),
            ..self.statistics.clone()
        })
    }
}

#[cfg(test)]
#[path = "broker_tests.rs"]
mod tests;
