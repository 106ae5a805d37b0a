//! Zones: a value that enters one raises a notification (signalk-v1 §7.2).

use std::collections::HashMap;
use std::time::Instant;

use foldhash::fast::RandomState;
use serde_json::{Map, Value, json};
use smallvec::SmallVec;
use windlass_broker::{
    Context, Delta, DeltaVersion, Judged, NameError, Path, PathValue, RawJson, SourceRef, Stage, Timestamp, Update,
};

use super::ROOT;
use super::memory::{SavedZone, ZoneMemory};

/// How an alarm is told when the metadata says nothing of it (signalk-v1 §7.2).
pub(crate) const DEFAULT_METHOD: [&str; 1] = ["visual"];

/// In whose name the notifications are.
const SOURCE: &str = "self.notificationhandler";
/// Most paths that may have zones.
const MAX_PATHS: usize = 10_000;
/// Most zones of a path.
const MAX_ZONES: usize = 100;
/// Metadata of our own: how far a value must be out of a zone before the zone counts as left, in the unit of the path.
const HYSTERESIS: &str = "zonesHysteresis";

/// The stage that watches the own ship's values for zones.
///
/// A value on the edge of a zone would raise a notification with every wave. `zonesHysteresis` in the metadata of a path prevents that: the
/// zone is left when the value is that far outside. A worse zone is entered at once.
#[derive(Debug)]
pub struct Zones {
    name: SourceRef,
    own: Context,
    paths: HashMap<Path, PathZones, RandomState>,
    memory: ZoneMemory,
}

#[derive(Debug, Default)]
struct PathZones {
    /// The metadata that matters here.
    meta: Map<String, Value>,
    zones: Vec<Zone>,
    hysteresis: f64,
    /// The zone that the last value was in.
    zone: Option<usize>,
    /// Whether a value has been seen since the zones were set.
    seen: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Zone {
    lower: Option<f64>,
    upper: Option<f64>,
    state: String,
    message: Option<String>,
}

impl Zones {
    /// Watches the own ship, and goes on from what is remembered.
    ///
    /// # Errors
    /// There are too many names.
    pub fn new(own: Context, memory: ZoneMemory) -> Result<Self, NameError> {
        Ok(Self { name: SourceRef::new(SOURCE)?, own, paths: HashMap::default(), memory })
    }

    /// The alarms that were in force when the server stopped, as they were. To be published before anything new comes.
    ///
    /// An alarm whose path has no zones any more, which `has_zones` tells, is forgotten: nothing would ever end it. Zones that are told later,
    /// by a plugin for instance, speak with the first value that comes.
    pub fn remembered(&self, has_zones: impl Fn(&str) -> bool) -> Vec<Delta> {
        let mut deltas = Vec::new();
        for (path, saved) in self.memory.saved() {
            if !has_zones(&path) {
                self.memory.remember(&path, None);
                continue;
            }
            if let (Ok(path), Some(timestamp)) = (Path::new(&path), Timestamp::from_text(&saved.timestamp)) {
                deltas.extend(self.notification(&path, timestamp, &saved.notification));
            }
        }
        deltas
    }

    fn take_metadata(&mut self, update: &Update, emit: &mut Vec<Delta>) {
        for entry in &update.meta {
            let relevant = |key: &str| key == "zones" || key == HYSTERESIS || key.ends_with("Method");
            let Value::Object(object) = entry.value.to_value() else { continue };
            let new: Map<_, _> = object.into_iter().filter(|(key, _)| relevant(key)).collect();
            let known = self.paths.contains_key(&entry.path);
            if new.is_empty() || (!known && !new.contains_key("zones") && self.paths.len() >= MAX_PATHS) {
                continue;
            }
            if !known && self.paths.len() >= MAX_PATHS {
                log::warn!("{}: zones ignored; more than {MAX_PATHS} paths have some", entry.path);
                continue;
            }
            let place = self.paths.entry(entry.path.clone()).or_default();
            let set = new.get("zones").filter(|zones| place.meta.get("zones") != Some(zones)).cloned();
            place.meta.extend(new);
            place.hysteresis = place.meta.get(HYSTERESIS).and_then(Value::as_f64).filter(|h| *h > 0.0).unwrap_or(0.0);
            let Some(set) = set else { continue };
            let had_zones = !place.zones.is_empty();
            place.zones = read_zones(&set, &entry.path);
            (place.zone, place.seen) = (None, false);
            if place.zones.is_empty() {
                self.memory.remember(entry.path.as_str(), None);
                if had_zones {
                    let value = json!({"state": "normal", "method": []});
                    emit.extend(self.notification(&entry.path, Timestamp::now(), &value));
                }
            } else if let Some(saved) = self.memory.saved().get(entry.path.as_str()) {
                place.zone = place.zones.iter().position(|zone| zone.to_json() == saved.zone);
            }
        }
    }

    fn take_value(&mut self, value: &PathValue, emit: &mut Vec<Delta>) {
        let Some(place) = self.paths.get_mut(&value.path).filter(|place| !place.zones.is_empty()) else { return };
        let number = value.value.as_str().parse::<f64>().ok().filter(|number| number.is_finite());
        let zone = place.zone_of(number);
        if place.seen && zone == place.zone {
            return;
        }
        (place.zone, place.seen) = (zone, true);
        let now = Timestamp::now();
        let notification = place.notification(zone);
        let saved = zone.map(|zone| SavedZone {
            zone: place.zones[zone].to_json(),
            timestamp: now.to_string(),
            notification: notification.clone(),
        });
        self.memory.remember(value.path.as_str(), saved);
        emit.extend(self.notification(&value.path, now, &notification));
    }

    fn notification(&self, path: &Path, timestamp: Timestamp, value: &Value) -> Option<Delta> {
        let path = Path::new(&format!("{ROOT}{path}"))
            .inspect_err(|error| log::warn!("a notification can't be made: {error}"))
            .ok()?;
        let update = Update {
            source: None,
            source_ref: self.name.clone(),
            timestamp,
            values: SmallVec::from_iter([PathValue::new(path, RawJson::of(value))]),
            meta: Vec::new(),
            notification_id: None,
        };
        Some(Delta { context: self.own.clone(), updates: SmallVec::from_iter([update]), version: DeltaVersion::V1 })
    }
}

impl Stage for Zones {
    fn name(&self) -> &SourceRef {
        &self.name
    }

    fn observe(&mut self, judged: &Judged, _: Instant, emit: &mut Vec<Delta>) {
        let Some(delta) = judged.preferred().map(|shared| shared.delta()) else { return };
        for update in &delta.updates {
            self.take_metadata(update, emit);
            if !self.paths.is_empty() && delta.context == self.own {
                for value in &update.values {
                    self.take_value(value, emit);
                }
            }
        }
    }
}

impl PathZones {
    fn zone_of(&self, value: Option<f64>) -> Option<usize> {
        let value = value?;
        let plain = self.zones.iter().position(|zone| zone.contains(value, 0.0));
        let Some(current) = self.zone.filter(|zone| Some(*zone) != plain) else { return plain };
        let still_in = self.hysteresis > 0.0 && self.zones[current].contains(value, self.hysteresis);
        let worse = plain.is_some_and(|zone| self.zones[zone].severity() > self.zones[current].severity());
        if still_in && !worse { Some(current) } else { plain }
    }

    fn notification(&self, zone: Option<usize>) -> Value {
        match zone.map(|zone| &self.zones[zone]) {
            Some(zone) => json!({
                "state": zone.state,
                "method": self.method(&zone.state),
                "message": zone.message.clone().unwrap_or_else(|| zone.range()),
            }),
            None => json!({
                "state": "normal",
                "method": self.method("normal"),
                "message": "Value is within normal range",
            }),
        }
    }

    /// The metadata key `<state>Method`; `["visual"]` when there is none (signalk-v1 §7.2).
    fn method(&self, state: &str) -> Value {
        match self.meta.get(&format!("{state}Method")) {
            Some(method @ Value::Array(_)) => method.clone(),
            Some(Value::Null) => json!([]),
            _ => json!(DEFAULT_METHOD),
        }
    }
}

impl Zone {
    fn contains(&self, value: f64, margin: f64) -> bool {
        self.lower.is_none_or(|lower| value >= lower - margin) && self.upper.is_none_or(|upper| value < upper + margin)
    }

    fn severity(&self) -> usize {
        let order = ["nominal", "normal", "alert", "warn", "alarm", "emergency"];
        order.iter().position(|state| *state == self.state).unwrap_or(0)
    }

    fn range(&self) -> String {
        let bound = |bound: Option<f64>| {
            bound.map_or_else(|| "undefined".to_owned(), |bound| RawJson::number(bound).as_str().to_owned())
        };
        format!("{} < value < {}", bound(self.lower), bound(self.upper))
    }

    fn to_json(&self) -> Value {
        json!({"lower": self.lower, "upper": self.upper, "state": self.state})
    }
}

/// Reads the zones of a path; null and an empty list mean none. One that makes no sense is logged and left out.
fn read_zones(zones: &Value, path: &Path) -> Vec<Zone> {
    let Value::Array(zones) = zones else { return Vec::new() };
    let mut read = Vec::new();
    for zone in zones.iter().take(MAX_ZONES) {
        let bound = |name: &str| match zone.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => text.trim().parse().map(Some).map_err(|_| ()),
            Some(bound) => bound.as_f64().map(Some).ok_or(()),
        };
        let text = |name: &str| zone.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        match (bound("lower"), bound("upper"), text("state")) {
            (Ok(lower), Ok(upper), Some(state)) => {
                read.push(Zone { lower, upper, state: state.into(), message: text("message").map(str::to_owned) });
            }
            _ => log::warn!("{path}: the zone {zone} is left out; it needs a state, and numbers as lower and upper"),
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use windlass_broker::{Intake, Provider};

    use super::*;

    struct Watch {
        zones: Zones,
        intake: Intake,
    }

    impl Watch {
        fn new(memory: ZoneMemory) -> Self {
            let own = Context::new("vessels.urn:mrn:imo:mmsi:1").expect("a context");
            let provider = Provider::new("test").expect("a name");
            let intake = Intake { self_context: own.clone(), provider, override_timestamps: false };
            Self { zones: Zones::new(own, memory).expect("names"), intake }
        }
        fn give(&mut self, update: Value) -> Vec<(String, Value)> {
            let text = json!({"updates": [update]}).to_string();
            let delta = self.intake.take(&text, DeltaVersion::V1).delta.expect("a delta");
            let mut emit = Vec::new();
            self.zones.observe(&Judged::accepted(delta), Instant::now(), &mut emit);
            let values = emit.iter().flat_map(|delta| &delta.updates).flat_map(|update| &update.values);
            values.map(|value| (value.path.to_string(), value.value.to_value())).collect()
        }
        fn meta(&mut self, meta: Value) -> Vec<(String, Value)> {
            self.give(json!({"meta": [{"path": "x", "value": meta}]}))
        }
        fn states(&mut self, value: Value) -> Vec<String> {
            let notifications = self.give(json!({"values": [{"path": "x", "value": value}]}));
            notifications.iter().map(|(_, value)| value["state"].as_str().expect("a state").to_owned()).collect()
        }
    }

    fn two_zones() -> Value {
        json!([{"lower": 10, "upper": 20, "state": "warn", "message": "high"}, {"lower": 15, "state": "alarm"}])
    }

    #[test]
    fn zones_are_entered_and_left() {
        // SK-117, SK-118, SK-119, SK-120, SK-121
        let mut watch = Watch::new(ZoneMemory::volatile());
        assert!(watch.meta(json!({"zones": two_zones()})).is_empty());
        for (value, expected) in [
            (json!(1), vec!["normal"]),
            (json!(2), vec![]),
            (json!(10), vec!["warn"]),
            (json!(17), vec![]),
            (json!(20), vec!["alarm"]),
            (json!(19.9), vec!["warn"]),
            (json!(9.99), vec!["normal"]),
            (json!(30), vec!["alarm"]),
            (json!(null), vec!["normal"]),
            (json!("30"), vec![]),
            (json!({"a": 30}), vec![]),
        ] {
            assert_eq!(watch.states(value.clone()), expected, "{value}");
        }
        let notification = watch.give(json!({"values": [{"path": "x", "value": 12}]}));
        let expected = json!({"state": "warn", "method": ["visual"], "message": "high"});
        assert_eq!(notification, [("notifications.x".to_owned(), expected)]);
        let notification = watch.give(json!({"values": [{"path": "x", "value": 20.5}]}));
        assert_eq!(notification[0].1["message"], "15 < value < undefined");
    }

    #[test]
    fn the_method_is_that_of_the_state() {
        // SK-122, SK-124
        let mut watch = Watch::new(ZoneMemory::volatile());
        watch.meta(json!({"zones": two_zones(), "warnMethod": ["visual", "sound"], "alarmMethod": null}));
        let mut method =
            |value: f64| watch.give(json!({"values": [{"path": "x", "value": value}]}))[0].1["method"].clone();
        assert_eq!(
            [method(0.0), method(12.0), method(25.0)],
            [json!(["visual"]), json!(["visual", "sound"]), json!([])]
        );
        assert_eq!(
            watch.meta(json!({"zones": null})),
            [("notifications.x".to_owned(), json!({"state": "normal", "method": []}))]
        );
        assert!(watch.states(json!(12)).is_empty());
        assert!(watch.meta(json!({"zones": null})).is_empty(), "there were none");
    }

    #[test]
    fn a_zone_is_left_when_the_value_is_far_enough_outside() {
        let mut watch = Watch::new(ZoneMemory::volatile());
        watch.meta(
            json!({"zones": [{"lower": 10, "state": "warn"}, {"upper": 2, "state": "alarm"}], "zonesHysteresis": 3}),
        );
        for (value, expected) in [
            (10.0, vec!["warn"]),
            (7.0, vec![]),
            (9.9, vec![]),
            (6.9, vec!["normal"]),
            (9.9, vec![]),
            (1.9, vec!["alarm"]),
            (4.9, vec![]),
            (10.0, vec!["warn"]),
        ] {
            assert_eq!(watch.states(json!(value)), expected, "{value}");
        }
        watch.meta(json!({"zonesHysteresis": 20}));
        assert_eq!(watch.states(json!(1)), ["alarm"], "a worse zone is entered at once");
    }

    #[test]
    fn an_alarm_without_zones_is_forgotten() {
        let memory = ZoneMemory::volatile();
        let mut watch = Watch::new(memory.clone());
        watch.meta(json!({"zones": [{"lower": 10, "state": "alarm"}]}));
        assert_eq!(watch.states(json!(11)), ["alarm"]);
        let again = Watch::new(memory.clone());
        assert!(again.zones.remembered(|_| false).is_empty());
        assert!(memory.saved().is_empty(), "also at the starts after this one");
    }

    #[test]
    fn a_restart_keeps_the_alarm_and_its_zone() {
        let memory = ZoneMemory::volatile();
        let mut watch = Watch::new(memory.clone());
        let meta = json!({"zones": [{"lower": 10, "state": "warn"}], "zonesHysteresis": 3});
        watch.meta(meta.clone());
        assert_eq!(watch.states(json!(11)), ["warn"]);
        let mut again = Watch::new(memory.clone());
        let remembered = again.zones.remembered(|path| path == "x");
        assert_eq!(remembered[0].updates[0].values[0].path.as_str(), "notifications.x");
        again.meta(meta.clone());
        assert_eq!(
            again.states(json!(8)),
            ["warn"],
            "within the hysteresis it is still in force; the first value always tells"
        );
        assert_eq!(again.states(json!(6)), ["normal"]);
        assert!(memory.saved().is_empty() && Watch::new(memory).zones.remembered(|_| true).is_empty());
    }

    #[test]
    fn zones_that_make_no_sense_are_left_out() {
        let mut watch = Watch::new(ZoneMemory::volatile());
        watch.meta(
            json!({"zones": [{"lower": "high", "state": "warn"}, 7, {"lower": 1}, {"lower": "5", "state": "warn"}]}),
        );
        assert_eq!(
            (watch.states(json!(3)), watch.states(json!(6))),
            (vec!["normal".to_owned()], vec!["warn".to_owned()])
        );
        assert!(watch.meta(json!({"description": "x"})).is_empty());
    }
}
