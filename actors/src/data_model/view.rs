//! Reading the data model: leaves, subtrees and the full tree, as REST shows them (signalk-v1 §4.2).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use foldhash::fast::RandomState;
use serde_json::{Map, Value};
use tokio::time::Instant;
use windlass_broker::{Context, Judged, Path, PathValue, RawJson, SourceRef, Timestamp, Topic, Update, ValueIndex};

use super::budget::{Budget, MAX_BYTES};
use super::context::{ContextModel, Root};
use super::in_tree;
use super::leaf::{Entry, Leaf, is_large};
use super::snapshot::{MAX_CACHED_VALUES, Snapshot, Taking};
use super::sources::Sources;
use crate::metadata::MetadataRegistry;

/// `version` in the full tree: a fixed text, not the server's version (signalk-v1 §1.1).
const TREE_VERSION: &str = "0.1.0";

/// Most paths for which deltas may set metadata.
const MAX_METADATA_PATHS: usize = 50_000;
/// Most keys of one path's metadata that deltas may bring.
const MAX_METADATA_KEYS: usize = 100;
/// Longest metadata of a path in one delta, in bytes.
const MAX_METADATA_BYTES: usize = 16 * 1024;

/// Who the own ship is.
#[derive(Debug, Clone)]
pub struct Identity {
    context: Context,
}

impl Identity {
    /// From `vessels.<id>`.
    pub fn new(context: Context) -> Self {
        Self { context }
    }

    /// `vessels.<id>`.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The id below `vessels`.
    pub fn id(&self) -> &str {
        self.context.split().map_or("", |(_, id)| id)
    }
}

/// A shared, always readable view of the model.
#[derive(Debug, Clone)]
pub struct ModelView(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    identity: Identity,
    own: Arc<ContextModel>,
    contexts: DashMap<Context, Arc<ContextModel>, RandomState>,
    budget: Arc<Budget>,
    sources: Sources,
    /// What deltas have said about paths, over the built-in metadata.
    metadata: DashMap<Path, Map<String, Value>, RandomState>,
    /// Where its own clock begins, which nobody puts forward or back.
    started: Instant,
}

impl ModelView {
    /// An empty model for an own ship.
    pub fn new(identity: Identity) -> Self {
        Self::with_budget(identity, MAX_BYTES)
    }

    /// An empty model that may take `bytes` bytes.
    pub fn with_budget(identity: Identity, bytes: usize) -> Self {
        let budget = Arc::new(Budget::new(bytes));
        let own = Arc::new(ContextModel::new(identity.context().clone(), budget.clone()));
        let contexts = DashMap::with_hasher(RandomState::default());
        contexts.insert(identity.context().clone(), own.clone());
        let metadata = DashMap::with_hasher(RandomState::default());
        Self(Arc::new(Inner {
            identity,
            own,
            contexts,
            budget,
            sources: Sources::default(),
            metadata,
            started: Instant::now(),
        }))
    }

    /// Who the own ship is.
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// Takes a delta in. Only the [`super::DataModel`] actor and benchmarks of it call this.
    pub fn apply(&self, judged: &Judged) {
        let delta = judged.delta();
        let large = is_large(delta);
        let (now, clock) = (Timestamp::now().as_millis().unwrap_or_default(), self.clock());
        for (u, update) in delta.delta().updates.iter().enumerate() {
            self.0.sources.note(update);
            if !update.values.is_empty() {
                let model = self.context_for_writing(&delta.delta().context);
                for v in 0..update.values.len() {
                    let index = ValueIndex { update: u as u16, value: v as u16 };
                    let entry = Entry::new(delta, index, large, now);
                    if judged.is_held(index) {
                        model.hold(entry, clock);
                    } else {
                        model.write(entry, clock);
                    }
                }
            }
            self.apply_metadata(update);
        }
    }

    fn context_for_writing(&self, context: &Context) -> Arc<ContextModel> {
        if context == self.0.own.context() {
            return self.0.own.clone();
        }
        if let Some(known) = self.0.contexts.get(context) {
            return known.clone();
        }
        let new = || Arc::new(ContextModel::new(context.clone(), self.0.budget.clone()));
        self.0.contexts.entry(context.clone()).or_insert_with(new).clone()
    }

    fn apply_metadata(&self, update: &Update) {
        for entry in &update.meta {
            let Value::Object(object) = entry.value.to_value() else { continue };
            let (room, keys) = match self.0.metadata.get(&entry.path) {
                // What is said again takes no further room.
                Some(known) => (true, known.len() + object.keys().filter(|key| !known.contains_key(*key)).count()),
                None => (self.0.metadata.len() < MAX_METADATA_PATHS, object.len()),
            };
            if !room || keys > MAX_METADATA_KEYS || entry.value.as_str().len() > MAX_METADATA_BYTES {
                self.0.budget.refuse();
                continue;
            }
            self.0.metadata.entry(entry.path.clone()).or_default().extend(object);
        }
    }

    /// Forgets contexts other than the own ship that have been silent for so long; that the system's clock is set does not count. Returns
    /// how many.
    pub fn prune(&self, silent: Duration) -> usize {
        let (count, now) = (self.0.contexts.len(), self.clock());
        let speaks = |model: &ContextModel| u128::from(now.saturating_sub(model.touched())) < silent.as_millis();
        self.0.contexts.retain(|context, model| context == self.0.own.context() || speaks(model));
        count - self.0.contexts.len()
    }

    /// Milliseconds of its own clock.
    fn clock(&self) -> u64 {
        u64::try_from(self.0.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Takes out what a source has brought. Only the [`super::DataModel`] actor calls this.
    pub(super) fn forget_source(&self, source: &SourceRef) -> bool {
        let mut found = self.0.sources.forget(source.as_str());
        for model in self.all_contexts() {
            found |= model.forget_source(source);
        }
        found
    }

    /// Whether the `sources` tree has a place for a source.
    pub fn has_source(&self, source: &SourceRef) -> bool {
        self.0.sources.contains(source.as_str())
    }

    /// The present values that topics cover, oldest first.
    pub fn snapshot(&self, topics: &[Topic]) -> Snapshot {
        self.snapshot_up_to(topics, MAX_CACHED_VALUES)
    }

    /// The same, with at most so many values.
    pub(super) fn snapshot_up_to(&self, topics: &[Topic], most: usize) -> Snapshot {
        let mut taking = Taking::new(topics, most);
        for context in taking.named_contexts() {
            if let Some(model) = self.0.contexts.get(&context).map(|model| model.clone()) {
                taking.take(&model);
            }
        }
        if taking.wants_others() {
            // If there are too many, those of the own ship are among those that are sent.
            taking.take_other(&self.0.own);
            for model in self.all_contexts().iter().filter(|model| model.context() != self.0.own.context()) {
                taking.take_other(model);
            }
        }
        taking.finish()
    }

    fn all_contexts(&self) -> Vec<Arc<ContextModel>> {
        let mut all: Vec<_> = self.0.contexts.iter().map(|model| model.clone()).collect();
        all.sort_by(|a, b| a.context().cmp(b.context()));
        all
    }

    /// Bytes that the values take, and how many values or keys were refused because there are too many.
    pub fn memory(&self) -> (usize, u64) {
        (self.0.budget.used(), self.0.budget.refused())
    }

    /// The own ship.
    pub fn own(&self) -> &ContextModel {
        &self.0.own
    }

    /// The latest value at a path of a context.
    pub fn latest(&self, context: &Context, path: &Path) -> Option<RawJson> {
        let leaf = self.0.contexts.get(context)?.leaf(path)?;
        Some(leaf.latest().parts().1.value.clone())
    }

    /// Whether a root value says nothing that is not known already.
    pub fn is_unchanged_root(&self, context: &Context, value: &PathValue) -> bool {
        if !value.path.as_str().is_empty() {
            return false;
        }
        let (Some(model), Value::Object(said)) = (self.0.contexts.get(context), value.value.to_value()) else {
            return false;
        };
        let root = model.root();
        said.iter().all(|(key, value)| root.attributes.get(key) == Some(value))
    }

    /// Shows the values that are known of a source at a path, held ones included: each with its time, and when it was received in
    /// milliseconds since 1970.
    pub fn each_of_source(
        &self,
        context: &Context,
        path: &Path,
        source: &SourceRef,
        mut see: impl FnMut(&Timestamp, &RawJson, i64),
    ) {
        let Some(leaf) = self.0.contexts.get(context).and_then(|context| context.leaf(path)) else { return };
        leaf.each_entry(true, |entry| {
            let (update, known) = entry.parts();
            if update.source_ref == *source {
                see(&update.timestamp, &known.value, entry.received());
            }
        });
    }

    /// How many contexts there are, the own ship included.
    pub fn context_count(&self) -> usize {
        self.0.contexts.len()
    }

    /// The own ship's paths that have had a value, sorted.
    pub fn own_paths(&self) -> Vec<Path> {
        let mut paths = Vec::new();
        self.0.own.each_leaf(|path, _| paths.push(path.clone()));
        paths.sort();
        paths
    }

    /// The own ship's paths that have had a value which somebody may see, sorted; "" stands for root values (server-admin-api §7).
    pub fn own_paths_seen_by(&self, sees: Sees<'_>) -> Vec<String> {
        let own = &self.0.own;
        let mut paths = Vec::new();
        if own.root().latest.is_some_and(|entry| sees(own.context(), "", &entry.parts().0.source_ref)) {
            paths.push(String::new());
        }
        own.each_leaf(|path, leaf| {
            if seen_leaf(own, path, leaf, sees).is_some() {
                paths.push(path.to_string());
            }
        });
        paths.sort();
        paths
    }

    /// What is known about a path: built-in metadata overlaid with what deltas said (signalk-v1 §3). A field that was set to null is taken
    /// back.
    pub fn metadata(&self, path: &str) -> Option<Map<String, Value>> {
        let builtin = MetadataRegistry::builtin().lookup(path).and_then(|meta| serde_json::to_value(meta).ok());
        let said = Path::find(path).and_then(|path| self.0.metadata.get(&path).map(|meta| meta.clone()));
        let mut meta = match (builtin, said) {
            (Some(Value::Object(mut meta)), said) => {
                meta.extend(said.into_iter().flatten());
                meta
            }
            (_, said) => said?,
        };
        meta.retain(|_, value| !value.is_null());
        (!meta.is_empty()).then_some(meta)
    }

    /// A node of the full model by its path segments, as below `/signalk/v1/api/`. `None` is 404.
    pub fn node(&self, segments: &[&str]) -> Option<Value> {
        self.find_node(segments, &Sight { sees: &|_, _, _| true, limited: false })
    }

    /// The same, of what somebody may see: values for which `sees` says no are left out, and with them what shows that they are there: their
    /// contexts, sources and metadata (signalk-v1 §8.5).
    pub fn node_seen_by(&self, segments: &[&str], sees: Sees<'_>) -> Option<Value> {
        self.find_node(segments, &Sight { sees, limited: true })
    }

    fn find_node(&self, segments: &[&str], sight: &Sight<'_>) -> Option<Value> {
        if segments.iter().any(|segment| segment.is_empty()) {
            return None;
        }
        let own_id = self.0.identity.id();
        let segments: Vec<_> =
            segments.iter().enumerate().map(|(i, s)| if i > 0 && *s == "self" { own_id } else { s }).collect();
        match segments.split_first() {
            None => Some(self.full_tree(sight)),
            Some((&"self", [])) => Some(self.0.identity.context().as_str().into()),
            Some((&"version", [])) => Some(TREE_VERSION.into()),
            Some((&"sources", rest)) => descend(self.sources_tree(sight), rest),
            Some((root, rest)) => self.collection_node(root, rest, sight),
        }
    }

    fn full_tree(&self, sight: &Sight<'_>) -> Value {
        let mut tree = Map::new();
        tree.insert("vessels".into(), Map::new().into());
        tree.insert("self".into(), self.0.identity.context().as_str().into());
        tree.insert("version".into(), TREE_VERSION.into());
        tree.insert("sources".into(), self.sources_tree(sight));
        for model in self.all_contexts() {
            if let (Some((root, id)), Some(seen)) = (model.context().split(), self.seen_tree(&model, sight)) {
                let place = tree.entry(root).or_insert_with(|| Map::new().into());
                place_at(place, id, seen);
            }
        }
        tree.into()
    }

    /// The sources of values that can be seen.
    fn sources_tree(&self, sight: &Sight<'_>) -> Value {
        if !sight.limited {
            return self.0.sources.to_json();
        }
        let mut seen = HashSet::new();
        for model in self.all_contexts() {
            let mut look = |path: &str, source: &SourceRef| {
                if !seen.contains(source) && (sight.sees)(model.context(), path, source) {
                    seen.insert(source.clone());
                }
            };
            model.root().sources.values().for_each(|source| look("", source));
            model.each_leaf(|path, leaf| {
                leaf.each_entry(true, |entry| look(path.as_str(), &entry.parts().0.source_ref));
            });
        }
        self.0.sources.to_json_of(|source| seen.iter().any(|seen| seen.as_str() == source))
    }

    /// A context's tree; `None` when it has something, but nothing that can be seen.
    fn seen_tree(&self, model: &ContextModel, sight: &Sight<'_>) -> Option<Map<String, Value>> {
        let tree = self.context_tree(model, sight.sees);
        if !sight.limited || model.context() == self.0.identity.context() {
            return Some(tree);
        }
        let root = model.root();
        let mut has = root.latest.is_some();
        let mut shows = root.sources.values().any(|source| (sight.sees)(model.context(), "", source));
        model.each_leaf(|path, leaf| {
            has = true;
            shows = shows || seen_leaf(model, path, leaf, sight.sees).is_some();
        });
        (shows || !has).then_some(tree)
    }

    fn collection_node(&self, root: &str, rest: &[&str], sight: &Sight<'_>) -> Option<Value> {
        let (id, rest) = match rest {
            [] => return self.collection(root, "", sight),
            ["basestations"] if root == "shore" => return self.collection(root, "basestations.", sight),
            ["basestations", id, rest @ ..] if root == "shore" => (format!("basestations.{id}"), rest),
            [id, rest @ ..] => ((*id).to_owned(), rest),
        };
        if let ["meta"] = rest {
            return self.context_metadata(root, &id, sight.sees);
        }
        let model = Context::find(&format!("{root}.{id}")).and_then(|c| self.0.contexts.get(&c).map(|m| m.clone()));
        match model {
            Some(model) if rest.is_empty() => self.seen_tree(&model, sight).map(Value::from),
            Some(model) => {
                self.context_node(&model, rest, sight.sees).or_else(|| self.metadata_node(Some(&model), rest, sight))
            }
            None => self.metadata_node(None, rest, sight),
        }
    }

    /// All contexts of a collection; `None` when there is none, except that vessels always exist.
    fn collection(&self, root: &str, prefix: &str, sight: &Sight<'_>) -> Option<Value> {
        let mut collection = Value::Object(Map::new());
        for model in self.all_contexts() {
            if let Some((of, id)) = model.context().split()
                && of == root
                && let Some(id) = id.strip_prefix(prefix)
                && let Some(seen) = self.seen_tree(&model, sight)
            {
                place_at(&mut collection, id, seen);
            }
        }
        let empty = collection.as_object().is_some_and(Map::is_empty);
        (!empty).then_some(collection)
    }

    fn context_tree(&self, model: &ContextModel, sees: Sees<'_>) -> Map<String, Value> {
        let mut tree = seen_root(model, sees);
        self.collect(model, "", sees, &mut tree);
        tree
    }

    /// Puts the leaves below a path prefix (empty, or ending in a dot) into a tree.
    fn collect(&self, model: &ContextModel, prefix: &str, sees: Sees<'_>, tree: &mut Map<String, Value>) {
        let mut leaves: Vec<(Path, Leaf)> = Vec::new();
        model.each_leaf(|path, leaf| {
            if path.as_str().starts_with(prefix)
                && in_tree(leaf.latest().delta().delta().version)
                && let Some(leaf) = seen_leaf(model, path, leaf, sees)
            {
                leaves.push((path.clone(), leaf));
            }
        });
        leaves.sort_by(|a, b| a.0.cmp(&b.0));
        for (path, leaf) in leaves {
            let object = leaf.to_json(self.metadata(path.as_str()));
            let mut node = &mut *tree;
            let mut parts = path.as_str()[prefix.len()..].split('.').peekable();
            while let Some(part) = parts.next() {
                let child = node.entry(part).or_insert_with(|| Map::new().into());
                if !child.is_object() {
                    // A root value of the same name, which a path below it can't live in.
                    *child = Map::new().into();
                }
                let Value::Object(child) = child else { break };
                if parts.peek().is_none() {
                    child.extend(object.clone());
                }
                node = child;
            }
        }
    }

    /// A node inside a context.
    fn context_node(&self, model: &ContextModel, segments: &[&str], sees: Sees<'_>) -> Option<Value> {
        // Dots don't divide a path in a URL (signalk-v1 §4.2); a `$source` below `values` may have them.
        let undotted = segments.iter().take_while(|segment| !segment.contains('.')).count();
        // The longest prefix that is a leaf decides: what follows it addresses the leaf's own fields.
        for end in (1..=undotted).rev() {
            let path = segments[..end].join(".");
            let leaf = Path::find(&path).and_then(|path| seen_leaf(model, &path, &model.leaf(&path)?, sees));
            if let Some(leaf) = leaf.filter(|leaf| in_tree(leaf.latest().delta().delta().version)) {
                let mut object = leaf.to_json(self.metadata(&path));
                self.collect(model, &format!("{path}."), sees, &mut object);
                return descend(object.into(), &segments[end..]);
            }
        }
        if undotted < segments.len() {
            return None;
        }
        let mut subtree = Map::new();
        self.collect(model, &format!("{}.", segments.join(".")), sees, &mut subtree);
        if !subtree.is_empty() {
            return Some(subtree.into());
        }
        descend(seen_root(model, sees).into(), segments)
    }

    /// `…/<path>/meta` and `…/<path>/meta/<field>` for a path without a value: metadata does not depend on the vessel. Who may not see
    /// everything gets what everybody knows, and nothing for a path whose values are hidden.
    fn metadata_node(&self, model: Option<&ContextModel>, segments: &[&str], sight: &Sight<'_>) -> Option<Value> {
        let at = segments.iter().rposition(|segment| *segment == "meta").filter(|at| *at > 0)?;
        let path = segments[..at].join(".");
        let meta = if sight.limited {
            if Path::find(&path).is_some_and(|path| model.is_some_and(|model| model.leaf(&path).is_some())) {
                return None;
            }
            MetadataRegistry::builtin().lookup(&path).and_then(|meta| serde_json::to_value(meta).ok())?
        } else {
            self.metadata(&path)?.into()
        };
        descend(meta, &segments[at + 1..])
    }

    /// `…/<id>/meta`: the metadata of all paths of a context.
    fn context_metadata(&self, root: &str, id: &str, sees: Sees<'_>) -> Option<Value> {
        let context = Context::find(&format!("{root}.{id}"))?;
        let model = self.0.contexts.get(&context)?.clone();
        let mut paths = Vec::new();
        model.each_leaf(|path, leaf| {
            if seen_leaf(&model, path, leaf, sees).is_some() {
                paths.push(path.clone());
            }
        });
        paths.sort();
        let known = paths.iter().filter_map(|path| Some((path.to_string(), self.metadata(path.as_str())?.into())));
        Some(Value::Object(known.collect()))
    }
}

/// Whether somebody may see a context's value at a path from a source.
pub type Sees<'a> = &'a dyn Fn(&Context, &str, &SourceRef) -> bool;

/// What somebody may see.
struct Sight<'a> {
    sees: Sees<'a>,
    /// Whether there is anything that they may not.
    limited: bool,
}

/// The leaf with the sources that somebody may see; `None` when there is none.
fn seen_leaf(model: &ContextModel, path: &Path, leaf: &Leaf, sees: Sees<'_>) -> Option<Leaf> {
    leaf.only(|entry| sees(model.context(), path.as_str(), &entry.parts().0.source_ref))
}

/// The root values that somebody may see, each judged with who brought it.
fn seen_root(model: &ContextModel, sees: Sees<'_>) -> Map<String, Value> {
    let Root { mut attributes, sources, .. } = model.root();
    attributes.retain(|key, _| sources.get(key).is_none_or(|source| sees(model.context(), "", source)));
    attributes
}

/// Puts a context's tree at its id; base stations ashore have a level of their own.
fn place_at(collection: &mut Value, id: &str, tree: Map<String, Value>) {
    let Value::Object(collection) = collection else { return };
    match id.strip_prefix("basestations.") {
        Some(id) => {
            if let Value::Object(stations) = collection.entry("basestations").or_insert_with(|| Map::new().into()) {
                stations.insert(id.to_owned(), tree.into());
            }
        }
        None => drop(collection.insert(id.to_owned(), tree.into())),
    }
}

fn descend(mut node: Value, segments: &[&str]) -> Option<Value> {
    for segment in segments {
        node = match node {
            Value::Object(mut object) => object.remove(*segment)?,
            Value::Array(mut array) => {
                let at = segment.parse::<usize>().ok().filter(|at| *at < array.len())?;
                array.swap_remove(at)
            }
            _ => return None,
        };
    }
    Some(node)
}
