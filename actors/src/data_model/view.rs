//! Reading the data model: leaves, subtrees and the full tree, as REST shows them (signalk-v1 §4.2).

use std::sync::Arc;

use dashmap::DashMap;
use foldhash::fast::RandomState;
use serde_json::{Map, Value};
use windlass_broker::{
    CachedValue, Context, ContextPattern, Path, Scope, SharedDelta, Timestamp, Topic, Update, ValueIndex,
};

use super::budget::{Budget, MAX_BYTES};
use super::context::ContextModel;
use super::in_tree;
use super::leaf::{Entry, Leaf, is_large};
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
        Self(Arc::new(Inner { identity, own, contexts, budget, sources: Sources::default(), metadata }))
    }

    /// Who the own ship is.
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// Takes a delta in. Only the [`super::DataModel`] actor and benchmarks of it call this.
    pub fn apply(&self, delta: &Arc<SharedDelta>) {
        let large = is_large(delta);
        let now = Timestamp::now().as_millis().unwrap_or_default();
        for (u, update) in delta.delta().updates.iter().enumerate() {
            self.0.sources.note(update);
            if !update.values.is_empty() {
                let model = self.context_for_writing(&delta.delta().context);
                for v in 0..update.values.len() {
                    model.write(Entry::new(delta, ValueIndex { update: u as u16, value: v as u16 }, large), now);
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
            let known = self.0.metadata.get(&entry.path).map_or(0, |meta| meta.len());
            let room = self.0.metadata.len() < MAX_METADATA_PATHS || known > 0;
            if !room || known + object.len() > MAX_METADATA_KEYS || entry.value.as_str().len() > MAX_METADATA_BYTES {
                self.0.budget.refuse();
                continue;
            }
            self.0.metadata.entry(entry.path.clone()).or_default().extend(object);
        }
    }

    /// Forgets contexts other than the own ship that have been silent since `before` (milliseconds since 1970). Returns how many.
    pub fn prune(&self, before: i64) -> usize {
        let count = self.0.contexts.len();
        self.0.contexts.retain(|context, model| context == self.0.own.context() || model.touched() >= before);
        count - self.0.contexts.len()
    }

    /// The present values that topics cover, oldest first.
    pub fn snapshot(&self, topics: &[Topic]) -> Vec<CachedValue> {
        let mut found = Vec::new();
        for (row, topic) in topics.iter().enumerate() {
            self.each_context(&topic.context, |model| {
                let covered = |path: &str| match &topic.scope {
                    Scope::Whole | Scope::WholeIfAny(_) => true,
                    Scope::Values(glob) => glob.matches(path),
                };
                let mut add = |entry: &Entry| {
                    found.push(CachedValue { row, delta: entry.delta().clone(), index: entry.index() });
                };
                if covered("")
                    && let Some(entry) = root_entry(model)
                {
                    add(&entry);
                }
                model.each_leaf(|path, leaf| {
                    if covered(path.as_str()) {
                        leaf.entries().iter().for_each(&mut add);
                    }
                });
            });
        }
        found.sort_by_cached_key(|cached| cached.delta.value(cached.index).0.timestamp.clone());
        found
    }

    fn each_context(&self, pattern: &ContextPattern, mut see: impl FnMut(&ContextModel)) {
        match pattern {
            ContextPattern::Exact(context) => {
                if let Some(model) = self.0.contexts.get(context).map(|model| model.clone()) {
                    see(&model);
                }
            }
            ContextPattern::Glob(_) => {
                for model in self.all_contexts() {
                    if pattern.matches(model.context()) {
                        see(&model);
                    }
                }
            }
        }
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

    /// What is known about a path: built-in metadata overlaid with what deltas said (signalk-v1 §3).
    pub fn metadata(&self, path: &str) -> Option<Map<String, Value>> {
        let builtin = MetadataRegistry::builtin().lookup(path).and_then(|meta| serde_json::to_value(meta).ok());
        let said = Path::find(path).and_then(|path| self.0.metadata.get(&path).map(|meta| meta.clone()));
        match (builtin, said) {
            (Some(Value::Object(mut meta)), said) => {
                meta.extend(said.into_iter().flatten());
                Some(meta)
            }
            (_, said) => said,
        }
    }

    /// A node of the full model by its path segments, as below `/signalk/v1/api/`. `None` is 404.
    pub fn node(&self, segments: &[&str]) -> Option<Value> {
        if segments.iter().any(|segment| segment.is_empty()) {
            return None;
        }
        let own_id = self.0.identity.id();
        let segments: Vec<_> =
            segments.iter().enumerate().map(|(i, s)| if i > 0 && *s == "self" { own_id } else { s }).collect();
        match segments.split_first() {
            None => Some(self.full_tree()),
            Some((&"self", [])) => Some(self.0.identity.context().as_str().into()),
            Some((&"version", [])) => Some(TREE_VERSION.into()),
            Some((&"sources", rest)) => descend(self.0.sources.to_json(), rest),
            Some((root, rest)) => self.collection_node(root, rest),
        }
    }

    fn full_tree(&self) -> Value {
        let mut tree = Map::new();
        tree.insert("vessels".into(), Map::new().into());
        tree.insert("self".into(), self.0.identity.context().as_str().into());
        tree.insert("version".into(), TREE_VERSION.into());
        tree.insert("sources".into(), self.0.sources.to_json());
        for model in self.all_contexts() {
            if let Some((root, id)) = model.context().split() {
                let place = tree.entry(root).or_insert_with(|| Map::new().into());
                place_at(place, id, self.context_tree(&model));
            }
        }
        tree.into()
    }

    fn collection_node(&self, root: &str, rest: &[&str]) -> Option<Value> {
        let (id, rest) = match rest {
            [] => return self.collection(root, ""),
            ["basestations"] if root == "shore" => return self.collection(root, "basestations."),
            ["basestations", id, rest @ ..] if root == "shore" => (format!("basestations.{id}"), rest),
            [id, rest @ ..] => ((*id).to_owned(), rest),
        };
        if let ["meta"] = rest {
            return self.context_metadata(root, &id);
        }
        let model = Context::find(&format!("{root}.{id}")).and_then(|c| self.0.contexts.get(&c).map(|m| m.clone()));
        match model {
            Some(model) if rest.is_empty() => Some(self.context_tree(&model).into()),
            Some(model) => self.context_node(&model, rest).or_else(|| self.metadata_node(rest)),
            None => self.metadata_node(rest),
        }
    }

    /// All contexts of a collection; `None` when there is none, except that vessels always exist.
    fn collection(&self, root: &str, prefix: &str) -> Option<Value> {
        let mut collection = Value::Object(Map::new());
        for model in self.all_contexts() {
            if let Some((of, id)) = model.context().split()
                && of == root
                && let Some(id) = id.strip_prefix(prefix)
            {
                place_at(&mut collection, id, self.context_tree(&model));
            }
        }
        let empty = collection.as_object().is_some_and(Map::is_empty);
        (!empty).then_some(collection)
    }

    fn context_tree(&self, model: &ContextModel) -> Map<String, Value> {
        let mut tree = model.root().attributes;
        self.collect(model, "", &mut tree);
        tree
    }

    /// Puts the leaves below a path prefix (empty, or ending in a dot) into a tree.
    fn collect(&self, model: &ContextModel, prefix: &str, tree: &mut Map<String, Value>) {
        let mut leaves: Vec<(Path, Leaf)> = Vec::new();
        model.each_leaf(|path, leaf| {
            if path.as_str().starts_with(prefix) && in_tree(leaf.latest().delta().delta().version) {
                leaves.push((path.clone(), leaf.clone()));
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
    fn context_node(&self, model: &ContextModel, segments: &[&str]) -> Option<Value> {
        // Dots don't divide a path in a URL (signalk-v1 §4.2); a `$source` below `values` may have them.
        let undotted = segments.iter().take_while(|segment| !segment.contains('.')).count();
        // The longest prefix that is a leaf decides: what follows it addresses the leaf's own fields.
        for end in (1..=undotted).rev() {
            let path = segments[..end].join(".");
            let leaf = Path::find(&path).and_then(|path| model.leaf(&path));
            if let Some(leaf) = leaf.filter(|leaf| in_tree(leaf.latest().delta().delta().version)) {
                let mut object = leaf.to_json(self.metadata(&path));
                self.collect(model, &format!("{path}."), &mut object);
                return descend(object.into(), &segments[end..]);
            }
        }
        if undotted < segments.len() {
            return None;
        }
        let mut subtree = Map::new();
        self.collect(model, &format!("{}.", segments.join(".")), &mut subtree);
        if !subtree.is_empty() {
            return Some(subtree.into());
        }
        descend(model.root().attributes.into(), segments)
    }

    /// `…/<path>/meta` and `…/<path>/meta/<field>` for a path without a value: metadata does not depend on the vessel.
    fn metadata_node(&self, segments: &[&str]) -> Option<Value> {
        let at = segments.iter().rposition(|segment| *segment == "meta").filter(|at| *at > 0)?;
        descend(self.metadata(&segments[..at].join("."))?.into(), &segments[at + 1..])
    }

    /// `…/<id>/meta`: the metadata of all paths of a context.
    fn context_metadata(&self, root: &str, id: &str) -> Option<Value> {
        let context = Context::find(&format!("{root}.{id}"))?;
        let model = self.0.contexts.get(&context)?.clone();
        let mut paths = Vec::new();
        model.each_leaf(|path, _| paths.push(path.clone()));
        paths.sort();
        let known = paths.iter().filter_map(|path| Some((path.to_string(), self.metadata(path.as_str())?.into())));
        Some(Value::Object(known.collect()))
    }
}

/// The root values of a context as one entry at path "".
fn root_entry(model: &ContextModel) -> Option<Entry> {
    let root = model.root();
    let latest = root.latest?;
    let (update, value) = latest.parts();
    let mut update = update.clone();
    let value =
        windlass_broker::PathValue { path: value.path.clone(), value: windlass_broker::RawJson::of(&root.attributes) };
    update.values = smallvec::SmallVec::from_iter([value]);
    update.meta = Vec::new();
    let updates = smallvec::SmallVec::from_iter([update]);
    let delta = windlass_broker::Delta {
        context: model.context().clone(),
        updates,
        version: windlass_broker::DeltaVersion::V1,
    };
    Some(Entry::new(&SharedDelta::new(delta), ValueIndex { update: 0, value: 0 }, false))
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
