//! Who wants a value: an index from (context, path) to topics, so that a delta never meets the list of all subscriptions.
//!
//! Subscriptions that ask for the same contexts and paths share a [`TopicId`]. Whoever delivers keeps its own list of subscribers by
//! topic, so what has to cross a thread for a value is a few numbers, however many clients want it. The answer for a (context, path)
//! pair is worked out at its first occurrence and remembered until a topic appears or goes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use crate::delta::{Delta, ValueIndex};
use crate::intern::{Context, Path};
use crate::pattern::{ContextPattern, Glob};

type Map<K, V> = HashMap<K, V, RandomState>;

/// A number for "these contexts, these paths".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicId(u32);

/// What a topic covers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Topic {
    /// The contexts.
    pub context: ContextPattern,
    /// What of them.
    pub scope: Scope,
    /// Of which sources.
    pub sources: SourcePolicy,
}

impl Topic {
    /// What the preferred sources say.
    pub fn new(context: ContextPattern, scope: Scope) -> Self {
        Self { context, scope, sources: SourcePolicy::Preferred }
    }
}

/// Whose values a topic delivers (signalk-v1 §5.1, §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SourcePolicy {
    /// Those of the source that is preferred at the time.
    #[default]
    Preferred,
    /// Those of every source.
    All,
}

/// Which part of a delta a topic delivers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Every delta as it is, metadata included: the default stream (signalk-v1 §5.3).
    Whole,
    /// One value at a time, of the paths that the glob covers (§5.4).
    Values(Glob),
    /// The whole delta, once, when one of its value or metadata paths is covered: plugins with patterns (wasm-plugin-abi §7.5).
    WholeIfAny(Box<[Glob]>),
}

/// The topics of one delta.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routes {
    /// Topics that get the delta as it is.
    pub whole: SmallVec<[TopicId; 4]>,
    /// Topics that get one value of it.
    pub values: SmallVec<[(ValueIndex, Arc<[TopicId]>); 2]>,
}

/// Most remembered (context, path) pairs; beyond, the memory is cleared and grows anew.
const MAX_REMEMBERED: usize = 200_000;

/// The index.
#[derive(Debug, Default)]
pub struct RoutingIndex {
    topics: Map<Topic, (TopicId, usize)>,
    by_id: Map<TopicId, Topic>,
    next_id: u32,
    whole_by_context: Map<u64, Arc<[TopicId]>>,
    by_value: Map<(u64, u64), Arc<[TopicId]>>,
    /// Topics of one path, by that path: most subscriptions name their paths.
    exact: Map<Box<str>, Vec<TopicId>>,
    /// Topics of values whose path has a `*`.
    wild: Vec<TopicId>,
    conditional: Vec<TopicId>,
}

impl RoutingIndex {
    /// An empty index.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts one more user of a topic. True when the topic is new.
    pub fn join(&mut self, topic: Topic) -> (TopicId, bool) {
        match self.topics.entry(topic) {
            Entry::Occupied(mut known) => {
                known.get_mut().1 += 1;
                (known.get().0, false)
            }
            Entry::Vacant(new) => {
                let id = TopicId(self.next_id);
                self.next_id += 1;
                match &new.key().scope {
                    Scope::Values(glob) if glob.is_exact() => {
                        self.exact.entry(glob.as_str().into()).or_default().push(id)
                    }
                    Scope::Values(_) => self.wild.push(id),
                    Scope::WholeIfAny(_) => self.conditional.push(id),
                    Scope::Whole => {}
                }
                self.by_id.insert(id, new.key().clone());
                new.insert((id, 1));
                self.forget_answers();
                (id, true)
            }
        }
    }

    /// Counts one user less. True when the topic is gone with it.
    pub fn leave(&mut self, id: TopicId) -> bool {
        let Some(topic) = self.by_id.get(&id) else { return false };
        let Some((_, users)) = self.topics.get_mut(topic) else { return false };
        *users -= 1;
        if *users > 0 {
            return false;
        }
        if let Scope::Values(glob) = &topic.scope
            && let Some(ids) = self.exact.get_mut(glob.as_str())
        {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.exact.remove(glob.as_str());
            }
        }
        self.wild.retain(|other| *other != id);
        self.conditional.retain(|other| *other != id);
        self.topics.remove(topic);
        self.by_id.remove(&id);
        self.forget_answers();
        true
    }

    /// What a topic covers.
    pub fn topic(&self, id: TopicId) -> Option<&Topic> {
        self.by_id.get(&id)
    }

    /// How many topics exist.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// True without topics.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The topics of a delta that deliver the values of these sources only.
    pub fn route_for(&mut self, delta: &Delta, sources: SourcePolicy) -> Routes {
        let routes = self.route(delta);
        self.only_for(routes, sources)
    }

    fn only_for(&self, mut routes: Routes, sources: SourcePolicy) -> Routes {
        let wanted = |id: &TopicId| self.by_id.get(id).is_some_and(|topic| topic.sources == sources);
        routes.whole.retain(|id| wanted(id));
        for (_, topics) in &mut routes.values {
            if !topics.iter().all(wanted) {
                *topics = topics.iter().filter(|id| wanted(id)).copied().collect();
            }
        }
        routes.values.retain(|(_, topics)| !topics.is_empty());
        routes
    }

    /// The topics of a delta.
    pub fn route(&mut self, delta: &Delta) -> Routes {
        let mut routes = Routes::default();
        routes.whole.extend_from_slice(&self.whole_topics(&delta.context));
        for (u, update) in delta.updates.iter().enumerate() {
            for (v, value) in update.values.iter().enumerate() {
                let topics = self.value_topics(&delta.context, &value.path);
                if !topics.is_empty() {
                    // Intake limits a delta to 10,000 entries, so the indices fit.
                    routes.values.push((ValueIndex { update: u as u16, value: v as u16 }, topics));
                }
            }
        }
        for id in &self.conditional {
            if let Some(Topic { context, scope: Scope::WholeIfAny(globs), .. }) = self.by_id.get(id)
                && context.matches(&delta.context)
                && touches(delta, globs)
            {
                routes.whole.push(*id);
            }
        }
        routes
    }

    /// The topics of root values under their own names (signalk-v1 §5.4). Those that cover path "" have had them.
    pub fn route_by_name(&mut self, delta: &Delta) -> Routes {
        let mut routes = self.route(delta);
        routes.whole.clear();
        let names_it = |id: &TopicId| match self.by_id.get(id) {
            Some(Topic { scope: Scope::Values(glob), .. }) => !glob.matches(""),
            _ => false,
        };
        for (_, topics) in &mut routes.values {
            *topics = topics.iter().filter(|id| names_it(id)).copied().collect();
        }
        routes.values.retain(|(_, topics)| !topics.is_empty());
        routes
    }

    /// The same, of those that deliver the values of these sources only.
    pub fn route_by_name_for(&mut self, delta: &Delta, sources: SourcePolicy) -> Routes {
        let routes = self.route_by_name(delta);
        self.only_for(routes, sources)
    }

    fn whole_topics(&mut self, context: &Context) -> Arc<[TopicId]> {
        if let Some(known) = self.whole_by_context.get(&context.id()) {
            return known.clone();
        }
        let topics = self
            .select(self.by_id.keys(), |topic| matches!(topic.scope, Scope::Whole) && topic.context.matches(context));
        if self.whole_by_context.len() >= MAX_REMEMBERED {
            self.whole_by_context.clear();
        }
        self.whole_by_context.insert(context.id(), topics.clone());
        topics
    }

    fn value_topics(&mut self, context: &Context, path: &Path) -> Arc<[TopicId]> {
        let key = (context.id(), path.id());
        if let Some(known) = self.by_value.get(&key) {
            return known.clone();
        }
        let exact = self.exact.get(path.as_str()).into_iter().flatten();
        let topics = self.select(exact.chain(&self.wild), |topic| match &topic.scope {
            Scope::Values(glob) => topic.context.matches(context) && glob.matches(path.as_str()),
            Scope::Whole | Scope::WholeIfAny(_) => false,
        });
        if self.by_value.len() >= MAX_REMEMBERED {
            self.by_value.clear();
        }
        self.by_value.insert(key, topics.clone());
        topics
    }

    fn select<'a>(&self, of: impl Iterator<Item = &'a TopicId>, wanted: impl Fn(&Topic) -> bool) -> Arc<[TopicId]> {
        let mut ids: Vec<_> = of.filter(|id| self.by_id.get(id).is_some_and(&wanted)).copied().collect();
        ids.sort_unstable();
        ids.into()
    }

    fn forget_answers(&mut self) {
        self.whole_by_context.clear();
        self.by_value.clear();
    }
}

fn touches(delta: &Delta, globs: &[Glob]) -> bool {
    let mut paths = delta.updates.iter().flat_map(|u| u.values.iter().chain(&u.meta)).map(|entry| entry.path.as_str());
    paths.any(|path| globs.iter().any(|glob| glob.matches(path)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delta::DeltaVersion;
    use crate::intake::Intake;
    use crate::source::Provider;

    const OTHER: &str = "vessels.urn:mrn:imo:mmsi:2";

    fn own() -> Context {
        Context::new("vessels.urn:mrn:imo:mmsi:1").expect("a context")
    }

    fn delta(context: &str, paths: &[&str]) -> Delta {
        let values: Vec<_> = paths.iter().map(|p| serde_json::json!({"path": p, "value": 1})).collect();
        let text = serde_json::json!({"context": context, "updates": [{"values": values}]}).to_string();
        let provider = Provider::new("test").expect("a name");
        let intake = Intake { self_context: own(), provider, override_timestamps: false };
        intake.take(&text, DeltaVersion::V1).delta.expect("a delta")
    }

    fn topic(context: &str, path: Option<&str>) -> Topic {
        let context = ContextPattern::new(context, &own()).expect("a context");
        Topic::new(context, path.map_or(Scope::Whole, |p| Scope::Values(Glob::new(p))))
    }

    #[test]
    fn values_find_their_topics() {
        let mut index = RoutingIndex::new();
        let mut join = |context, path| index.join(topic(context, path)).0;
        let position = join("vessels.self", Some("navigation.position"));
        let all_own = join("vessels.self", Some("*"));
        let everything = join("*", Some("*"));
        let engines = join("vessels.self", Some("propulsion.*.revolutions"));
        let whole_own = join("vessels.self", None);
        let whole_all = join("*", None);

        let routes = index.route(&delta("vessels.self", &["navigation.position", "propulsion.port.revolutions"]));
        assert_eq!(routes.whole[..], [whole_own, whole_all]);
        let values: Vec<_> = routes.values.iter().map(|(at, topics)| (at.value, topics.to_vec())).collect();
        assert_eq!(values, [(0, vec![position, all_own, everything]), (1, vec![all_own, everything, engines])]);

        let routes = index.route(&delta(OTHER, &["navigation.position"]));
        assert_eq!(routes.whole[..], [whole_all]);
        assert_eq!(routes.values[0].1[..], [everything]);
    }

    #[test]
    fn topics_are_shared_and_counted() {
        let mut index = RoutingIndex::new();
        let (first, new) = index.join(topic("vessels.self", Some("*")));
        assert!(new);
        assert_eq!(index.join(topic("self", Some("**"))), (first, false));
        assert_eq!(index.route(&delta("vessels.self", &["a"])).values.len(), 1);
        assert!(!index.leave(first));
        assert_eq!(index.route(&delta("vessels.self", &["a"])).values.len(), 1);
        assert!(index.leave(first));
        assert!(!index.leave(first));
        assert_eq!(index.route(&delta("vessels.self", &["a"])), Routes::default());
    }

    #[test]
    fn a_later_topic_reaches_known_paths() {
        let mut index = RoutingIndex::new();
        assert!(index.route(&delta("vessels.self", &["a"])).values.is_empty());
        index.join(topic("vessels.self", Some("a")));
        assert_eq!(index.route(&delta("vessels.self", &["a"])).values.len(), 1);
    }

    #[test]
    fn plugin_patterns_deliver_the_whole_delta_once() {
        let mut index = RoutingIndex::new();
        let globs: Box<[Glob]> = ["navigation.*", "environment.wind.*"].map(Glob::new).into();
        let (id, _) = index.join(Topic::new(ContextPattern::all(), Scope::WholeIfAny(globs)));
        let both = delta("vessels.self", &["navigation.position", "environment.wind.speedApparent", "x"]);
        assert_eq!(index.route(&both).whole[..], [id]);
        assert!(index.route(&delta("vessels.self", &["x"])).whole.is_empty());
        index.leave(id);
        assert!(index.route(&both).whole.is_empty());
    }

    proptest::proptest! {
        /// The index says what asking every topic would say.
        #[test]
        fn the_index_agrees_with_asking_every_topic(
            topics in proptest::collection::vec(("(vessels\\.self|\\*|vessels\\.\\*|vessels\\.urn:mrn:imo:mmsi:2)", "[ab.*]{1,4}"), 0..12),
            deltas in proptest::collection::vec((proptest::bool::ANY, "[ab.]{1,4}"), 0..12),
        ) {
            let mut index = RoutingIndex::new();
            let topics: Vec<_> = topics.iter().map(|(c, p)| topic(c, Some(p))).collect();
            let ids: Vec<_> = topics.iter().map(|t| index.join(t.clone()).0).collect();
            for (other, path) in deltas {
                let delta = delta(if other { OTHER } else { "vessels.self" }, &[&path]);
                let routes = index.route(&delta);
                let got: Vec<_> = routes.values.iter().flat_map(|(_, topics)| topics.to_vec()).collect();
                let mut expected: Vec<_> = topics.iter().zip(&ids).filter(|(topic, _)| {
                    let Scope::Values(glob) = &topic.scope else { return false };
                    topic.context.matches(&delta.context) && glob.matches(&path)
                }).map(|(_, id)| *id).collect();
                expected.sort_unstable();
                expected.dedup();
                proptest::prop_assert_eq!(got, expected);
            }
        }
    }
}
