//! The model of one context: a vessel, an aid to navigation, an aircraft (signalk-v1 §1.2).

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use dashmap::DashMap;
use foldhash::fast::RandomState;
use serde_json::{Map, Value};
use windlass_broker::{Context, Path, SourceRef};

use super::budget::Budget;
use super::leaf::{Entry, Forgotten, Leaf};

/// Leaves and root values of a context.
#[derive(Debug)]
pub struct ContextModel {
    context: Context,
    leaves: DashMap<Path, Leaf, RandomState>,
    root: RwLock<Root>,
    /// When something was last received, in milliseconds of the model's own clock.
    touched: AtomicU64,
    /// Shared by all contexts of the model, and what of it is this context's.
    budget: Arc<Budget>,
    bytes: AtomicUsize,
}

/// Most keys among the root values of a context.
const MAX_ROOT_KEYS: usize = 256;

/// The values at path "" (signalk-v1 §1.4).
#[derive(Debug, Default, Clone)]
pub struct Root {
    /// The merged attributes.
    pub attributes: Map<String, Value>,
    /// Who brought each of them; nobody has brought the identity.
    pub sources: HashMap<String, SourceRef, RandomState>,
    /// What brought the latest of them; `None` while there is only the identity.
    pub latest: Option<Entry>,
}

impl ContextModel {
    /// An empty context, with its identity as a root attribute.
    pub fn new(context: Context, budget: Arc<Budget>) -> Self {
        let mut attributes = Map::new();
        if let Some((_, id)) = context.split() {
            let (key, value) = identity_attribute(id);
            attributes.insert(key.into(), value.into());
        }
        let root = RwLock::new(Root { attributes, ..Root::default() });
        let leaves = DashMap::with_hasher(RandomState::default());
        Self { context, leaves, root, touched: AtomicU64::new(0), budget, bytes: AtomicUsize::new(0) }
    }

    /// The context's name.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Writes a value; `now` in milliseconds of the model's own clock.
    pub fn write(&self, entry: Entry, now: u64) {
        self.touched.store(now, Ordering::Relaxed);
        let path = &entry.parts().1.path;
        if path.as_str().is_empty() {
            return self.merge_root(entry);
        }
        if let Some(mut leaf) = self.leaves.get_mut(path) {
            if self.pay(leaf.bytes_replaced_by(&entry), entry.bytes()) {
                leaf.write(entry);
            }
            return;
        }
        if self.pay(0, entry.bytes()) {
            // The data model is the only writer, so the path is still absent.
            self.leaves.insert(path.clone(), Leaf::new(entry));
        }
    }

    /// Keeps a value whose source is not preferred at present: for those who want all sources, not for the tree (signalk-v1 §9).
    pub fn hold(&self, entry: Entry, now: u64) {
        self.touched.store(now, Ordering::Relaxed);
        // A path without any accepted value is not known yet: nothing is held back before something better came.
        if let Some(mut leaf) = self.leaves.get_mut(&entry.parts().1.path)
            && self.pay(leaf.bytes_replaced_by_held(&entry), entry.bytes())
        {
            leaf.hold(entry);
        }
    }

    fn pay(&self, before: usize, after: usize) -> bool {
        let paid = self.budget.exchange(before, after);
        if paid {
            let bytes = self.bytes.load(Ordering::Relaxed) + after - before;
            self.bytes.store(bytes, Ordering::Relaxed);
        }
        paid
    }

    fn merge_root(&self, entry: Entry) {
        if let Value::Object(object) = entry.parts().1.value.to_value() {
            let mut root = self.root.write().unwrap_or_else(PoisonError::into_inner);
            let source = &entry.parts().0.source_ref;
            for (key, value) in object {
                if root.attributes.len() < MAX_ROOT_KEYS || root.attributes.contains_key(&key) {
                    root.sources.insert(key.clone(), source.clone());
                    root.attributes.insert(key, value);
                } else {
                    self.budget.refuse();
                }
            }
            root.latest = Some(entry);
        } else {
            log::warn!("{}: the value at path \"\" is not an object and is left out of the tree", self.context);
        }
    }

    /// Takes out the values of a source. Whether there were any.
    pub fn forget_source(&self, source: &SourceRef) -> bool {
        let mut found = false;
        self.leaves.retain(|_, leaf| {
            let Forgotten { bytes, any_left } = leaf.forget_source(source);
            found |= bytes > 0;
            self.pay(bytes, 0);
            any_left
        });
        found
    }

    /// The leaf of a path, as a copy.
    pub fn leaf(&self, path: &Path) -> Option<Leaf> {
        self.leaves.get(path).map(|leaf| leaf.clone())
    }

    /// Calls `see` for each leaf, in no order.
    pub fn each_leaf(&self, mut see: impl FnMut(&Path, &Leaf)) {
        for leaf in &self.leaves {
            see(leaf.key(), leaf.value());
        }
    }

    /// The root values, as a copy.
    pub fn root(&self) -> Root {
        self.root.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many paths have had a value.
    pub fn path_count(&self) -> usize {
        self.leaves.len()
    }

    /// When something was last received, in milliseconds of the model's own clock.
    pub fn touched(&self) -> u64 {
        self.touched.load(Ordering::Relaxed)
    }
}

impl Drop for ContextModel {
    fn drop(&mut self) {
        self.budget.exchange(*self.bytes.get_mut(), 0);
    }
}

/// The root attribute that names a context: `mmsi`, `uuid` or `url` (signalk-v1 §1.1).
fn identity_attribute(id: &str) -> (&'static str, &str) {
    let id = id.strip_prefix("basestations.").unwrap_or(id);
    match id.strip_prefix("urn:mrn:imo:mmsi:") {
        Some(mmsi) => ("mmsi", mmsi),
        None if id.starts_with("urn:mrn:signalk:uuid:") => ("uuid", id),
        None => ("url", id),
    }
}
