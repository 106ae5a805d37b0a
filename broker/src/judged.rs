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
    pub fn holding(delta: Delta, mut held: SmallVec<[ValueIndex; 4]>) -> Self {
        if held.is_empty() {
            return Self::accepted(delta);
        }
        held.sort_unstable();
        let mut rest = delta.clone();
        for (u, update) in rest.updates.iter_mut().enumerate() {
            let mut v = 0;
            update.values.retain(|_| {
                v += 1;
                !is_among(&held, &ValueIndex { update: u as u16, value: v - 1 })
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

    /// Which values of [`Self::delta`] are held back, in their order.
    pub fn held(&self) -> &[ValueIndex] {
        &self.held
    }

    /// Whether the value at an index of [`Self::delta`] is held back.
    pub fn is_held(&self, index: ValueIndex) -> bool {
        is_among(&self.held, &index)
    }
}

/// Whether a sorted list has this: a delta may have ten thousand values, each of which is asked for.
fn is_among<T: Ord>(sorted: &[T], wanted: &T) -> bool {
    sorted.binary_search(wanted).is_ok()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::cmp::Ordering;

    use super::*;
    use crate::delta::{DeltaVersion, PathValue, Update};
    use crate::intern::{Context, Path, SourceRef};
    use crate::raw_json::RawJson;
    use crate::timestamp::Timestamp;

    #[test]
    fn every_second_of_ten_thousand_values_is_held_back() {
        let path = Path::new("judged.test").expect("a path");
        let values = (0..5000).map(|n| PathValue::new(path.clone(), RawJson::of(&n))).collect::<SmallVec<_>>();
        let update = Update {
            source: None,
            source_ref: SourceRef::new("judged").expect("a name"),
            timestamp: Timestamp::now(),
            values,
            meta: Vec::new(),
            notification_id: None,
        };
        let context = Context::new("vessels.judged").expect("a context");
        let delta =
            Delta { context, updates: SmallVec::from_iter([update.clone(), update]), version: DeltaVersion::V1 };
        let every = || (0..2).flat_map(|update| (0..5000).map(move |value| ValueIndex { update, value }));
        let odd = |index: &ValueIndex| (index.update + index.value) % 2 == 1;
        let judged = Judged::holding(delta, every().filter(odd).collect());
        assert_eq!(judged.held().len(), 5000);
        assert!(every().all(|index| judged.is_held(index) == odd(&index)));
        let rest = judged.preferred().expect("the others").delta();
        let values = |update: usize| rest.updates[update].values.iter().map(|value| value.value.to_string());
        assert!(values(0).eq((0..5000).step_by(2).map(|n| n.to_string())));
        assert!(values(1).eq((0..5000).skip(1).step_by(2).map(|n| n.to_string())));
    }

    #[test]
    fn what_is_held_is_not_searched_one_by_one() {
        thread_local!(static COMPARED: Cell<u32> = const { Cell::new(0) });
        #[derive(PartialEq, Eq)]
        struct Counted(u32);
        impl PartialOrd for Counted {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }
        impl Ord for Counted {
            fn cmp(&self, other: &Self) -> Ordering {
                COMPARED.set(COMPARED.get() + 1);
                self.0.cmp(&other.0)
            }
        }
        let held: Vec<_> = (0..10_000).map(Counted).collect();
        assert!((0..10_000).all(|n| is_among(&held, &Counted(n))) && !is_among(&held, &Counted(10_000)));
        assert!(COMPARED.get() <= 10_001 * 16, "{} comparisons", COMPARED.get());
    }
}
