//! Source priorities: which source's value counts when several measure the same (signalk-v1 §9).
//!
//! Only values of the own ship are judged, and never notifications. A path has a ranking when an override names it, when its source
//! belongs to a group, or when a group has claimed it before. Without a ranking every source passes, and costs one comparison.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::intern::{Path, SourceRef};

/// Milliseconds after which a lower ranked source of a group takes over, unless configured.
pub const DEFAULT_FALLBACK_MS: i64 = 15_000;
/// How long a ranked source keeps out one that nobody has ranked, at least.
const UNKNOWN_HOLD_MS: i64 = 10_000;
/// Source references whose rank is remembered; beyond, the memory is cleared and grows anew.
const MAX_REMEMBERED: usize = 10_000;
/// Paths whose provider is remembered; beyond, as above.
const MAX_WINNERS: usize = 50_000;
/// Stands for every source in an override.
const ANY: &str = "*";

/// Which sources are preferred, as in priorities.json (signalk-v1 §16).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PrioritySettings {
    /// Ranked sources, for all paths that they provide.
    pub groups: Vec<PriorityGroup>,
    /// Ranked sources by path, over the groups.
    pub overrides: BTreeMap<String, Vec<RankedSource>>,
    /// What holds for all groups.
    pub defaults: PriorityDefaults,
}

/// Sources that measure the same things, the best first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PriorityGroup {
    /// Its name.
    pub id: String,
    /// `$source` of each, the best first.
    pub sources: Vec<String>,
    /// Whether it is switched off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inactive: bool,
}

/// A source of an override.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RankedSource {
    /// `$source`, or `*` for every source.
    pub source_ref: String,
    /// Milliseconds that better sources must have been silent before this one counts; negative: it never does. A text of digits is taken
    /// too.
    #[serde(deserialize_with = "number_or_text")]
    pub timeout: i64,
}

/// See [`PrioritySettings::defaults`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PriorityDefaults {
    /// Milliseconds after which the next source of a group takes over; [`DEFAULT_FALLBACK_MS`] when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_ms: Option<i64>,
}

fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Timeout {
        Number(f64),
        Text(String),
    }
    match Timeout::deserialize(deserializer)? {
        Timeout::Number(ms) if ms.is_finite() => Ok(ms as i64),
        Timeout::Text(text) => {
            text.trim().parse().map_err(|_| D::Error::custom("a timeout is a whole number of milliseconds"))
        }
        Timeout::Number(_) => Err(D::Error::custom("a timeout is a number of milliseconds")),
    }
}

impl PrioritySettings {
    /// The first two active groups that claim the same source: the source, and their ids. A source may belong to one only.
    pub fn conflict(&self) -> Option<(&str, &str, &str)> {
        let mut claimed: HashMap<&str, &str> = HashMap::new();
        for group in self.groups.iter().filter(|group| !group.inactive) {
            for source in &group.sources {
                if let Some(other) = claimed.insert(key_of(source), &group.id).filter(|other| *other != group.id) {
                    return Some((source, other, &group.id));
                }
            }
        }
        None
    }
}

/// Another source than before now provides a path's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSwitch {
    /// Which path of the own ship.
    pub path: Path,
    /// Whose value counted until now; `None` for the first of the path.
    pub from: Option<SourceRef>,
    /// Whose value counts from now on.
    pub to: SourceRef,
}

/// Judges values by the settings and by what came before.
#[derive(Debug, Default)]
pub struct Priorities {
    /// Source key → its group and its place there.
    grouped: HashMap<String, (usize, usize), RandomState>,
    overrides: HashMap<String, Vec<(String, i64)>, RandomState>,
    fallback_ms: i64,
    /// What `grouped` says about source references that have been seen.
    remembered: HashMap<SourceRef, Option<(usize, usize)>, RandomState>,
    winners: HashMap<Path, Winner, RandomState>,
}

/// Who provides a path's value.
#[derive(Debug)]
struct Winner {
    source: SourceRef,
    at: Instant,
    /// The group that claimed the path.
    group: Option<usize>,
}

/// A source's place: the smaller, the better.
#[derive(Debug, Clone, Copy)]
struct Rank {
    place: usize,
    timeout: i64,
}

impl Priorities {
    /// Judges by these settings. What was provided by whom until now is forgotten.
    pub fn new(settings: &PrioritySettings) -> Self {
        let mut grouped = HashMap::default();
        let mut inactive = Vec::new();
        for (g, group) in settings.groups.iter().enumerate() {
            for (place, source) in group.sources.iter().enumerate() {
                if group.inactive {
                    inactive.push(key_of(source));
                } else {
                    grouped.entry(key_of(source).to_owned()).or_insert((g, place));
                }
            }
        }
        let switched_off = |ranked: &[RankedSource]| {
            !ranked.is_empty()
                && ranked.iter().all(|s| {
                    let key = key_of(&s.source_ref);
                    inactive.contains(&key) && !grouped.contains_key(key)
                })
        };
        let overrides = settings.overrides.iter().filter(|(_, ranked)| !switched_off(ranked) && !ranked.is_empty());
        let overrides = overrides
            .map(|(path, ranked)| {
                (path.clone(), ranked.iter().map(|s| (key_of(&s.source_ref).to_owned(), s.timeout)).collect())
            })
            .collect();
        let fallback_ms = settings.defaults.fallback_ms.filter(|ms| *ms > 0).unwrap_or(DEFAULT_FALLBACK_MS);
        Self { grouped, overrides, fallback_ms, remembered: HashMap::default(), winners: HashMap::default() }
    }

    /// Whether nothing is ranked, so that everything passes.
    pub fn is_empty(&self) -> bool {
        self.grouped.is_empty() && self.overrides.is_empty()
    }

    /// Whether a value of the own ship is accepted, and whether its source is another one than that of the value before.
    pub fn judge(&mut self, path: &Path, source: &SourceRef, now: Instant) -> (bool, Option<SourceSwitch>) {
        if is_exempt(path.as_str()) {
            return (true, None);
        }
        let grouped = self.group_of(source);
        let winner = self.winners.get(path);
        let ranked = self.overrides.get(path.as_str());
        let group = grouped.map(|(group, _)| group).or(winner.and_then(|winner| winner.group));
        if ranked.is_none() && group.is_none() {
            return (true, None);
        }
        let rank = |of: &SourceRef, grouped: Option<(usize, usize)>| match ranked {
            Some(ranked) => {
                let key = key_of(of.as_str());
                let place = ranked.iter().position(|(other, _)| other == key)?;
                Some(Rank { place, timeout: ranked[place].1 })
            }
            None => {
                let place = grouped.filter(|(of, _)| Some(*of) == group)?.1;
                Some(Rank { place, timeout: if place == 0 { 0 } else { self.fallback_ms } })
            }
        };
        let everybody = ranked.is_some_and(|ranked| ranked.iter().any(|(key, _)| key == ANY));
        let own = rank(source, grouped);
        let accepted = match (everybody, winner) {
            _ if own.is_some_and(|own| own.timeout < 0) => false,
            (true, _) | (_, None) => true,
            (false, Some(winner)) if key_of(winner.source.as_str()) == key_of(source.as_str()) => true,
            (false, Some(winner)) => {
                let theirs = rank(&winner.source, self.grouped.get(key_of(winner.source.as_str())).copied());
                let hold = match (own, theirs) {
                    (_, None) => None,
                    (Some(own), Some(theirs)) => (theirs.place < own.place).then_some(own.timeout),
                    (None, Some(theirs)) => Some(theirs.timeout.max(UNKNOWN_HOLD_MS)),
                };
                hold.is_none_or(|ms| {
                    let hold = Duration::from_millis(u64::try_from(ms).unwrap_or(0));
                    now.saturating_duration_since(winner.at) > hold
                })
            }
        };
        if !accepted {
            return (false, None);
        }
        let group = if ranked.is_some() { None } else { group };
        if self.winners.len() >= MAX_WINNERS && !self.winners.contains_key(path) {
            self.winners.clear();
        }
        let before = self.winners.insert(path.clone(), Winner { source: source.clone(), at: now, group });
        let from = before.map(|winner| winner.source);
        let switched = from.as_ref() != Some(source);
        (true, switched.then(|| SourceSwitch { path: path.clone(), from, to: source.clone() }))
    }

    /// Whether what a source has said counts at present: it provides the path's value, or nobody does. This changes nothing: a source that
    /// has fallen silent does not become the path's source by that, nor keep others waiting.
    pub fn counts(&self, path: &Path, source: &SourceRef) -> bool {
        let key = key_of(source.as_str());
        match self.winners.get(path) {
            Some(winner) => key_of(winner.source.as_str()) == key,
            None => {
                let mut ranked = self.overrides.get(path.as_str()).into_iter().flatten();
                is_exempt(path.as_str()) || !ranked.any(|(other, timeout)| other == key && *timeout < 0)
            }
        }
    }

    /// Whose value counts now, by path; only paths that have a ranking.
    pub fn preferred(&self) -> Vec<(Path, SourceRef)> {
        let mut all: Vec<_> = self.winners.iter().map(|(path, winner)| (path.clone(), winner.source.clone())).collect();
        all.sort();
        all
    }

    /// Longest time that sources of a path are held back, for those who have to know when a path is silent. Zero without a ranking.
    pub fn longest_hold(&self, path: &Path) -> Duration {
        let ms = match self.overrides.get(path.as_str()) {
            Some(ranked) => ranked.iter().map(|(_, timeout)| *timeout).max().unwrap_or(0),
            None if self.winners.get(path).is_some_and(|winner| winner.group.is_some()) => self.fallback_ms,
            None => 0,
        };
        Duration::from_millis(u64::try_from(ms).unwrap_or(0))
    }

    fn group_of(&mut self, source: &SourceRef) -> Option<(usize, usize)> {
        if self.grouped.is_empty() {
            return None;
        }
        if let Some(known) = self.remembered.get(source) {
            return *known;
        }
        let found = self.grouped.get(key_of(source.as_str())).copied();
        if self.remembered.len() >= MAX_REMEMBERED {
            self.remembered.clear();
        }
        self.remembered.insert(source.clone(), found);
        found
    }
}

/// Notifications are never held back (signalk-v1 §9).
fn is_exempt(path: &str) -> bool {
    path.strip_prefix("notifications").is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What identifies a source: a device on an NMEA 2000 bus is the same device whatever connection it is seen through, so of a reference that
/// ends in its CAN name, 16 hexadecimal digits, only these count.
fn key_of(source_ref: &str) -> &str {
    match source_ref.rsplit_once('.') {
        Some((_, name)) if name.len() == 16 && name.bytes().all(|b| b.is_ascii_hexdigit()) => name,
        _ => source_ref,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    struct Judge {
        priorities: Priorities,
        start: Instant,
    }

    impl Judge {
        fn new(settings: serde_json::Value) -> Self {
            let settings: PrioritySettings = serde_json::from_value(settings).expect("settings");
            Self { priorities: Priorities::new(&settings), start: Instant::now() }
        }
        fn at(&mut self, ms: u64, path: &str, source: &str) -> bool {
            let (path, source) = (Path::new(path).expect("a path"), SourceRef::new(source).expect("a source"));
            self.priorities.judge(&path, &source, self.start + Duration::from_millis(ms)).0
        }
    }

    #[test]
    fn a_lower_source_waits_for_the_timeout_and_the_higher_returns_at_once() {
        // SK-154, SK-155, SK-156
        let mut judge = Judge::new(
            json!({"overrides": {"x": [{"sourceRef": "a", "timeout": 0}, {"sourceRef": "b", "timeout": "5000"}]}}),
        );
        for (ms, source, accepted) in [
            (0, "a", true),
            (100, "b", false),
            (1000, "a", true),
            (6000, "b", false),
            (6001, "b", true),
            (6100, "b", true),
            (6200, "a", true),
            (6300, "b", false),
        ] {
            assert_eq!(judge.at(ms, "x", source), accepted, "{source} at {ms}");
        }
        assert!(judge.at(6300, "y", "b"), "another path has no ranking");
    }

    #[test]
    fn an_unranked_source_waits_longer() {
        // SK-157
        let mut judge = Judge::new(
            json!({"overrides": {"x": [{"sourceRef": "a", "timeout": 0}, {"sourceRef": "b", "timeout": 20000}]}}),
        );
        for (ms, source, accepted) in [
            (0, "zz", true),
            (1, "a", true),
            (10_001, "zz", false),
            (10_002, "zz", true),
            (10_003, "yy", true),
            (10_004, "b", true),
            (30_004, "zz", false),
            (30_005, "zz", true),
        ] {
            assert_eq!(judge.at(ms, "x", source), accepted, "{source} at {ms}");
        }
    }

    #[test]
    fn groups_rank_all_paths_of_their_sources() {
        let mut judge = Judge::new(json!({
            "groups": [{"id": "gps", "sources": ["g1.GP", "g2.GP"]}, {"id": "off", "sources": ["w1", "w2"], "inactive": true}],
            "overrides": {"wind": [{"sourceRef": "w1", "timeout": 0}, {"sourceRef": "w2", "timeout": 1000}]},
            "defaults": {"fallbackMs": 2000},
        }));
        assert!(judge.at(0, "navigation.position", "g1.GP"));
        assert!(!judge.at(2000, "navigation.position", "g2.GP"));
        assert!(judge.at(2001, "navigation.position", "g2.GP"));
        assert!(judge.at(2002, "navigation.position", "g1.GP"));
        assert!(!judge.at(3000, "navigation.position", "unknown"), "the group has claimed the path");
        assert!(judge.at(0, "depth", "unknown"), "no group has claimed it");
        // The override's sources are all in a group that is switched off.
        assert!(judge.at(0, "wind", "w1") && judge.at(1, "wind", "w2"));
    }

    #[test]
    fn negative_timeouts_disable_and_a_star_passes_everybody() {
        // SK-160, SK-161
        let mut judge = Judge::new(json!({"overrides": {
            "x": [{"sourceRef": "a", "timeout": 0}, {"sourceRef": "b", "timeout": -1}],
            "y": [{"sourceRef": "*", "timeout": 0}],
        }}));
        assert!(!judge.at(0, "x", "b"));
        assert!(judge.at(1, "x", "a"));
        assert!(!judge.at(100_000, "x", "b"));
        assert!(judge.at(0, "y", "a") && judge.at(1, "y", "b") && judge.at(2, "y", "c"));
    }

    #[test]
    fn notifications_pass() {
        // SK-158
        let mut judge = Judge::new(
            json!({"overrides": {"notifications.x": [{"sourceRef": "a", "timeout": -1}]}, "groups": [{"id": "g", "sources": ["a", "b"]}]}),
        );
        assert!(judge.at(0, "notifications.x", "a") && judge.at(1, "notifications.y", "a"));
        assert!(judge.at(2, "notifications.y", "b"));
    }

    #[test]
    fn a_device_is_the_same_through_any_connection() {
        let mut judge =
            Judge::new(json!({"groups": [{"id": "g", "sources": ["can0.c0788c00e7e04312", "can0.c0788c00e7e04313"]}]}));
        assert!(judge.at(0, "x", "can1.c0788c00e7e04312"));
        assert!(!judge.at(1, "x", "can0.c0788c00e7e04313"));
        assert!(judge.at(2, "x", "can0.c0788c00e7e04312"));
    }

    #[test]
    fn switches_are_told_and_conflicts_found() {
        let settings = json!({"groups": [{"id": "g", "sources": ["a", "b"]}, {"id": "h", "sources": ["b"]}]});
        let settings: PrioritySettings = serde_json::from_value(settings).expect("settings");
        assert_eq!(settings.conflict(), Some(("b", "g", "h")));
        let mut priorities = Priorities::new(&settings);
        let name = |text: &str| SourceRef::new(text).expect("a source");
        let (path, start) = (Path::new("x").expect("a path"), Instant::now());
        let (_, first) = priorities.judge(&path, &name("b"), start);
        assert_eq!(first, Some(SourceSwitch { path: path.clone(), from: None, to: name("b") }));
        let (_, second) = priorities.judge(&path, &name("a"), start);
        assert_eq!(second.and_then(|switch| switch.from), Some(name("b")));
        assert_eq!(priorities.judge(&path, &name("a"), start), (true, None));
        assert_eq!(priorities.preferred(), [(path, name("a"))]);
        let text =
            |t: serde_json::Value| serde_json::from_value::<RankedSource>(json!({"sourceRef": "a", "timeout": t}));
        assert!(text(json!("12x")).is_err() && text(json!(null)).is_err() && text(json!("-1")).is_ok());
    }
}
