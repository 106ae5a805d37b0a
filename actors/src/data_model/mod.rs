//! The data model: the latest value of every path and source (signalk-v1 §1).
//!
//! The [`DataModel`] actor is the only writer and works in the broker's order. Everybody else reads a [`ModelView`], which shares the
//! same maps and never waits in the actor's mailbox.

mod budget;
mod context;
mod leaf;
mod snapshot;
mod sources;
mod view;

use actix::prelude::*;
use windlass_broker::observe::{ActorKind, Observatory, Observed};
use windlass_broker::{ApplyDeltas, CachedValue, CollectSnapshot, DeltaVersion, SourceRef};

pub use context::ContextModel;
pub use leaf::Leaf;
pub use snapshot::Snapshot;
pub use view::{Identity, ModelView, Sees};

/// The only writer of the data model.
pub struct DataModel {
    view: ModelView,
    observed: Observed,
    /// How many snapshots had not all values.
    cut: u64,
}

impl DataModel {
    /// The writer of what `view` shows.
    pub fn new(view: ModelView) -> Self {
        Self { view, observed: Observatory::default().observe(ActorKind::DataModel, ""), cut: 0 }
    }

    /// Is seen in `observatory`. To be said on its own thread.
    pub fn observed_by(self, observatory: &Observatory) -> Self {
        Self { observed: observatory.observe(ActorKind::DataModel, ""), ..self }
    }
}

impl Actor for DataModel {
    type Context = Context<Self>;
}

impl Handler<ApplyDeltas> for DataModel {
    type Result = ();

    fn handle(&mut self, ApplyDeltas(deltas): ApplyDeltas, _: &mut Self::Context) {
        let handling = self.observed.begin();
        for judged in deltas.iter() {
            self.view.apply(judged);
        }
        self.observed.end(handling, deltas.len());
    }
}

impl Handler<CollectSnapshot> for DataModel {
    type Result = Vec<CachedValue>;

    fn handle(&mut self, CollectSnapshot(topics): CollectSnapshot, _: &mut Self::Context) -> Self::Result {
        let handling = self.observed.begin();
        let snapshot = self.view.snapshot(&topics);
        if snapshot.left_out > 0 {
            self.observed.drop_more(snapshot.left_out as u64);
            self.cut += 1;
            if self.cut.is_power_of_two() {
                log::warn!(
                    "a subscription of {} rows covers {} present values more than the {} that it gets at once; the others come with their \
                     next change ({} such subscriptions so far)",
                    topics.len(),
                    snapshot.left_out,
                    snapshot.values.len(),
                    self.cut
                );
            }
        }
        self.observed.end(handling, 0);
        snapshot.values
    }
}

/// Take everything out that a source has brought: its values, and its place in the `sources` tree. Answered with whether there was
/// anything (server-admin-api §8).
#[derive(Debug, Message)]
#[rtype(result = "bool")]
pub struct ForgetSource(pub SourceRef);

impl Handler<ForgetSource> for DataModel {
    type Result = bool;

    fn handle(&mut self, ForgetSource(source): ForgetSource, _: &mut Self::Context) -> bool {
        let handling = self.observed.begin();
        let found = self.view.forget_source(&source);
        self.observed.end(handling, 0);
        found
    }
}

/// Version 2 state is cached and streamed but is no part of the v1 tree (signalk-v1 §2.2 no. 10).
fn in_tree(version: DeltaVersion) -> bool {
    version == DeltaVersion::V1
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
