//! The data model: the latest value of every path and source (signalk-v1 §1).
//!
//! The [`DataModel`] actor is the only writer and works in the broker's order. Everybody else reads a [`ModelView`], which shares the
//! same maps and never waits in the actor's mailbox.

mod budget;
mod context;
mod leaf;
mod sources;
mod view;

use actix::prelude::*;
use windlass_broker::{ApplyDeltas, CachedValue, CollectSnapshot, DeltaVersion, SourceRef};

pub use context::ContextModel;
pub use leaf::Leaf;
pub use view::{Identity, ModelView, Sees};

/// The only writer of the data model.
pub struct DataModel {
    view: ModelView,
}

impl DataModel {
    /// The writer of what `view` shows.
    pub fn new(view: ModelView) -> Self {
        Self { view }
    }
}

impl Actor for DataModel {
    type Context = Context<Self>;
}

impl Handler<ApplyDeltas> for DataModel {
    type Result = ();

    fn handle(&mut self, ApplyDeltas(deltas): ApplyDeltas, _: &mut Self::Context) {
        for judged in deltas.iter() {
            self.view.apply(judged);
        }
    }
}

impl Handler<CollectSnapshot> for DataModel {
    type Result = Vec<CachedValue>;

    fn handle(&mut self, CollectSnapshot(topics): CollectSnapshot, _: &mut Self::Context) -> Self::Result {
        self.view.snapshot(&topics)
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
        self.view.forget_source(&source)
    }
}

/// Version 2 state is cached and streamed but is no part of the v1 tree (signalk-v1 §2.2 no. 10).
fn in_tree(version: DeltaVersion) -> bool {
    version == DeltaVersion::V1
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
