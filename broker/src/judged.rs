//! What the source priorities say about a delta (signalk-v1 §2.2 no. 8 to 10).

use std::sync::Arc;

use smallvec::SmallVec;

use crate::delta::{Delta, SharedDelta, ValueIndex};

/// A delta, and which of its values are those of a preferred source. Nearly always all of them are, and nothing is copied.
#[derive(Debug, Clone)]
pub struct Judged {
    delta: Arc<SharedDelta>,
    preferred: Option<Arc<SharedDelta>>,
    held: SmallVec<[ValueIndex; 4]>,
}

impl Judged {
    /// A delta all of whose values are accepted.
    pub fn accepted(delta: Delta) -> Self {
        let delta = SharedDelta::new(delta);
        Self { preferred: Some(delta.clone()), delta, held: SmallVec::new() }
    }

    /// A delta of which the values at `held` are not accepted: a better source is fresh.
    pub fn holding(delta: Delta, held: SmallVec<[ValueIndex; 4]>) -> Self {
        if held.is_empty() {
            return Self::accepted(delta);
        }
        let mut rest = delta.clone();
        for (u, update) in rest.updates.iter_mut().enumerate() {
            let mut v = 0;
            update.values.retain(|_| {
                v += 1;
                !held.contains(&ValueIndex { update: u as u16, value: v - 1 })
            });
        }
        rest.updates.retain(|update| !update.values.is_empty() || !update.meta.is_empty());
        let preferred = (!rest.updates.is_empty()).then(|| SharedDelta::new(rest));
        Self { delta: SharedDelta::new(delta), preferred, held }
    }

    /// The delta with the values of all sources.
    pub fn delta(&self) -> &Arc<SharedDelta> {
        &self.delta
    }

    /// What is left of it without the values that are held back; `None` when that is nothing.
    pub fn preferred(&self) -> Option<&Arc<SharedDelta>> {
        self.preferred.as_ref()
    }

    /// Which values of [`Self::delta`] are held back.
    pub fn held(&self) -> &[ValueIndex] {
        &self.held
    }
}
