//! Events about sources for those who watch the server (server-admin-api §14).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use actix::prelude::*;
use windlass_actors::data_model::ModelView;
use windlass_actors::stream::EventBus;
use windlass_broker::observe::{ActorKind, Observatory, Observed};
use windlass_broker::{Broker, CollectPreferredSources, Path, SourcesSwitched, Timestamp};

use crate::priorities::PriorityFile;
use crate::source_groups::{multi_source_paths, reconcile};

/// Switches that come together are told together.
const TOGETHER: Duration = Duration::from_millis(100);
/// The path of positions.
const POSITION: &str = "navigation.position";

/// The events of what is configured.
pub fn emit_priorities(events: &EventBus, priorities: &PriorityFile) {
    for (kind, part) in [
        ("PRIORITYOVERRIDES", "priorityOverrides"),
        ("SOURCEPRIORITIES", "priorityOverrides"),
        ("SOURCEALIASES", "sourceAliases"),
        ("PRIORITYGROUPS", "priorityGroups"),
        ("PRIORITYDEFAULTS", "priorityDefaults"),
        ("IGNOREDINSTANCECONFLICTS", "ignoredInstanceConflicts"),
    ] {
        events.emit_change(kind, &priorities.part(part));
    }
}

/// The events of what the sources do; nothing that has not changed.
pub fn emit_groups(events: &EventBus, view: &ModelView, priorities: &PriorityFile) {
    let paths = multi_source_paths(view);
    events.emit_change("MULTISOURCEPATHS", &paths);
    events.emit_change("RECONCILEDGROUPS", &reconcile(&paths, &priorities.settings().groups));
}

/// Sources that have told the own ship's position within so many milliseconds before `now`.
pub fn position_sources(view: &ModelView, within: i64, now: Timestamp) -> BTreeSet<String> {
    let since = now.as_millis().unwrap_or_default().saturating_sub(within);
    let mut sources = BTreeSet::new();
    if let Some(leaf) = Path::find(POSITION).and_then(|path| view.own().leaf(&path)) {
        leaf.each_entry(true, |entry| {
            if entry.received() >= since {
                sources.insert(entry.parts().0.source_ref.to_string());
            }
        });
    }
    sources
}

/// Tells which source provides each path, whenever that changes: LIVEPREFERREDSOURCES.
pub struct PreferredSources {
    events: EventBus,
    broker: Option<Addr<Broker>>,
    soon: bool,
    observed: Observed,
}

/// The broker can be asked from now on.
#[derive(Message)]
#[rtype(result = "()")]
pub struct AskBroker(pub Addr<Broker>);

impl PreferredSources {
    /// Tells `events`. It is made before the broker, which sends to it, and learns of it by [`AskBroker`].
    pub fn new(events: EventBus, observatory: &Observatory) -> Self {
        let observed = observatory.observe(ActorKind::PreferredSources, "");
        Self { events, broker: None, soon: false, observed }
    }

    fn tell(&mut self, ctx: &mut Context<Self>) {
        self.soon = false;
        let Some(broker) = &self.broker else { return };
        let asked = broker.send(CollectPreferredSources).into_actor(self);
        ctx.spawn(asked.map(|answer, actor, _| {
            // An error means that the server goes down.
            let Ok(preferred) = answer else { return };
            let by_path: BTreeMap<_, _> =
                preferred.iter().map(|(path, source)| (path.as_str(), source.as_str())).collect();
            actor.events.emit_change("LIVEPREFERREDSOURCES", &by_path);
        }));
    }
}

impl Actor for PreferredSources {
    type Context = Context<Self>;
}

impl Handler<AskBroker> for PreferredSources {
    type Result = ();

    fn handle(&mut self, AskBroker(broker): AskBroker, _: &mut Self::Context) {
        self.broker = Some(broker);
    }
}

impl Handler<SourcesSwitched> for PreferredSources {
    type Result = ();

    /// The event carries the whole state, so it does not matter which paths have switched, nor that some news was lost on the way.
    fn handle(&mut self, _: SourcesSwitched, ctx: &mut Self::Context) {
        self.observed.count(1, 0);
        if !self.soon {
            self.soon = true;
            ctx.run_later(TOGETHER, Self::tell);
        }
    }
}
