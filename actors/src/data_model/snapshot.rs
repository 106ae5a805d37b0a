//! The present values for a new subscription (signalk-v1 §5.3, §5.4).
//!
//! The broker waits meanwhile, so what this costs must not grow with rows times values: equal topics are looked up once, however many rows
//! ask for them, a path that is named is looked up by its name, and there is a limit to what a subscription gets.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::sync::Arc;

use foldhash::fast::RandomState;
use smallvec::SmallVec;
use windlass_broker::{
    CachedValue, Context, ContextPattern, Delta, DeltaVersion, Glob, Path, PathValue, RawJson, Scope, SharedDelta,
    SourcePolicy, Topic, ValueIndex,
};

use super::context::ContextModel;
use super::leaf::{Entry, Leaf};

/// Most present values that a subscription gets; all values of ten thousand vessels are fewer.
pub(super) const MAX_CACHED_VALUES: usize = 250_000;

/// What a new subscription gets at once.
#[derive(Debug)]
pub struct Snapshot {
    /// The present values, oldest first.
    pub values: Vec<CachedValue>,
    /// How many are missing because there are too many.
    pub left_out: usize,
    /// How many paths and leaves were looked at: what it has cost.
    pub looked_at: usize,
}

/// A snapshot that is being taken, context by context.
pub(super) struct Taking<'a> {
    wanted: Vec<Wanted<'a>>,
    most: usize,
    found: Snapshot,
}

/// A topic, and the rows that ask for it.
struct Wanted<'a> {
    topic: &'a Topic,
    rows: SmallVec<[usize; 1]>,
}

impl<'a> Taking<'a> {
    /// A snapshot of what topics cover, with at most so many values.
    pub(super) fn new(topics: &'a [Topic], most: usize) -> Self {
        let mut wanted: Vec<Wanted<'a>> = Vec::new();
        let mut places: HashMap<&Topic, usize, RandomState> = HashMap::default();
        for (row, topic) in topics.iter().enumerate() {
            match places.entry(topic) {
                Slot::Occupied(place) => wanted[*place.get()].rows.push(row),
                Slot::Vacant(place) => {
                    place.insert(wanted.len());
                    wanted.push(Wanted { topic, rows: SmallVec::from_iter([row]) });
                }
            }
        }
        Self { wanted, most, found: Snapshot { values: Vec::new(), left_out: 0, looked_at: 0 } }
    }

    /// The contexts that are called by their names.
    pub(super) fn named_contexts(&self) -> Vec<Context> {
        let named = |wanted: &Wanted<'_>| match &wanted.topic.context {
            ContextPattern::Exact(context) => Some(context.clone()),
            ContextPattern::Glob(_) => None,
        };
        let mut contexts: Vec<_> = self.wanted.iter().filter_map(named).collect();
        contexts.sort();
        contexts.dedup();
        contexts
    }

    /// Whether there may be more contexts that are covered.
    pub(super) fn wants_others(&self) -> bool {
        self.wanted.iter().any(|wanted| matches!(wanted.topic.context, ContextPattern::Glob(_)))
    }

    /// Takes what is wanted of a context that is called by its name.
    pub(super) fn take(&mut self, model: &ContextModel) {
        self.take_if(model, |pattern| matches!(pattern, ContextPattern::Exact(context) if context == model.context()));
    }

    /// Takes what is wanted of whatever contexts a pattern covers.
    pub(super) fn take_other(&mut self, model: &ContextModel) {
        self.take_if(
            model,
            |pattern| matches!(pattern, ContextPattern::Glob(glob) if glob.matches(model.context().as_str())),
        );
    }

    fn take_if(&mut self, model: &ContextModel, covered: impl Fn(&ContextPattern) -> bool) {
        let Self { wanted, most, found } = self;
        let root = RootValues { model, whole: OnceCell::new(), named: OnceCell::new() };
        // Those that have to see each path, as there is no name to look for.
        let mut searching: SmallVec<[(&Wanted<'_>, Option<&Glob>); 4]> = SmallVec::new();
        for wanted in wanted.iter().filter(|wanted| covered(&wanted.topic.context)) {
            let mut add = |entry: &Entry| found.add(wanted, entry, *most);
            match &wanted.topic.scope {
                Scope::Whole | Scope::WholeIfAny(_) => {
                    root.whole().iter().for_each(&mut add);
                    searching.push((wanted, None));
                }
                Scope::Values(glob) => {
                    if glob.matches("") {
                        root.whole().iter().for_each(&mut add);
                    } else if glob.is_exact() {
                        let named = root.named();
                        Path::find(glob.as_str()).and_then(|path| named.get(&path)).into_iter().for_each(&mut add);
                    } else {
                        let named = root.named().iter().filter(|(path, _)| glob.matches(path.as_str()));
                        named.for_each(|(_, entry)| add(entry));
                    }
                    if !glob.is_exact() {
                        searching.push((wanted, Some(glob)));
                        continue;
                    }
                    found.looked_at += 1;
                    if let Some(leaf) = Path::find(glob.as_str()).and_then(|path| model.leaf(&path)) {
                        found.add_leaf(wanted, &leaf, *most);
                    }
                }
            }
        }
        if searching.is_empty() {
            return;
        }
        model.each_leaf(|path, leaf| {
            for (wanted, glob) in &searching {
                found.looked_at += 1;
                if glob.is_none_or(|glob| glob.matches(path.as_str())) {
                    found.add_leaf(wanted, leaf, *most);
                }
            }
        });
    }

    /// What was found.
    pub(super) fn finish(self) -> Snapshot {
        let mut found = self.found;
        found.values.sort_by_cached_key(|cached| cached.delta.value(cached.index).0.timestamp.clone());
        found
    }
}

impl Snapshot {
    fn add_leaf(&mut self, wanted: &Wanted<'_>, leaf: &Leaf, most: usize) {
        leaf.each_entry(wanted.topic.sources == SourcePolicy::All, |entry| self.add(wanted, entry, most));
    }

    fn add(&mut self, wanted: &Wanted<'_>, entry: &Entry, most: usize) {
        for row in &wanted.rows {
            if self.values.len() < most {
                self.values.push(CachedValue { row: *row, delta: entry.delta().clone(), index: entry.index() });
            } else {
                self.left_out += 1;
            }
        }
    }
}

/// The root values of a context, made when the first asks for them.
struct RootValues<'a> {
    model: &'a ContextModel,
    whole: OnceCell<Option<Entry>>,
    named: OnceCell<HashMap<Path, Entry, RandomState>>,
}

impl RootValues<'_> {
    /// All of them, as one entry at path "".
    fn whole(&self) -> &Option<Entry> {
        self.whole.get_or_init(|| {
            let root = self.model.root();
            let latest = root.latest?;
            let (update, value) = latest.parts();
            let mut update = update.clone();
            let value = PathValue::new(value.path.clone(), RawJson::of(&root.attributes));
            update.values = SmallVec::from_iter([value]);
            update.meta = Vec::new();
            let updates = SmallVec::from_iter([update]);
            let delta = Delta { context: self.model.context().clone(), updates, version: DeltaVersion::V1 };
            Some(only_entry(&SharedDelta::new(delta), 0, latest.received()))
        })
    }

    /// Each by its own name.
    fn named(&self) -> &HashMap<Path, Entry, RandomState> {
        self.named.get_or_init(|| {
            let Some(whole) = self.whole() else { return HashMap::default() };
            let Some(named) = whole.delta().delta().root_values_by_name() else { return HashMap::default() };
            let named = SharedDelta::new(named);
            let values = named.delta().updates.first().map_or(0, |update| update.values.len());
            let entries = (0..values).map(|at| only_entry(&named, at as u16, whole.received()));
            entries.map(|entry| (entry.parts().1.path.clone(), entry)).collect()
        })
    }
}

fn only_entry(delta: &Arc<SharedDelta>, value: u16, received: i64) -> Entry {
    Entry::new(delta, ValueIndex { update: 0, value }, false, received)
}
