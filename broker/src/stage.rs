//! What looks at every delta on its way through the broker: notifications, zones, staleness.
//!
//! A stage runs on the broker's thread, in the broker's order, so it misses nothing and needs no queue. It must be quick: everything
//! published waits for it.

use std::time::{Duration, Instant};

use crate::delta::Delta;
use crate::intern::SourceRef;
use crate::judged::Judged;
use crate::messages::{Origin, Publish};
use crate::observe::{ActorId, ActorKind, Carried, Flow, Observatory, Observed};
use crate::priorities::Priorities;

/// One step of the broker's pipeline (signalk-v1 §2.2 no. 5 and 6, §7, §10).
pub trait Stage: Send + 'static {
    /// In whose name it emits deltas.
    fn name(&self) -> &SourceRef;

    /// Sees a delta before it is judged, and may change it. A delta that is left without updates goes no further.
    fn admit(&mut self, _delta: &mut Delta) {}

    /// Sees a delta after it was judged. What it puts into `emit` is published next, in its name.
    fn observe(&mut self, _judged: &Judged, _now: Instant, _emit: &mut Vec<Delta>) {}

    /// Called every [`Self::tick_interval`], when all that was published before is applied and routed.
    fn tick(&mut self, _now: Instant, _priorities: &Priorities, _emit: &mut Vec<Delta>) {}

    /// Time between two ticks; `None` for a stage that needs none. Asked when the broker starts, and again for each
    /// [`RetimeStages`](crate::RetimeStages).
    fn tick_interval(&self) -> Option<Duration> {
        None
    }
}

/// A stage, and how it is seen.
pub(crate) struct SeenStage {
    pub(crate) stage: Box<dyn Stage>,
    pub(crate) observed: Observed,
    to_broker: Flow,
}

impl SeenStage {
    /// A stage of the broker that has this id.
    pub(crate) fn new(stage: Box<dyn Stage>, observatory: &Observatory, broker: &ActorId) -> Self {
        let observed = observatory.observe_part(ActorKind::Stage, stage.name().as_str(), broker);
        let to_broker = observed.flow_to(broker);
        Self { stage, observed, to_broker }
    }

    /// What it has to say goes through the whole pipeline, before anything else that waits. `None` when it says nothing.
    pub(crate) fn publish(&self, deltas: Vec<Delta>) -> Option<Carried<Publish>> {
        if deltas.is_empty() {
            return None;
        }
        Some(self.to_broker.carry(Publish { provider: self.stage.name().clone(), origin: Origin::NONE, deltas }))
    }
}
