//! Changing a notification: `PUT` of its `state` or `method` (signalk-v1 §7.4).

use actix::Addr;
use serde_json::{Map, Value, json};
use smallvec::SmallVec;
use windlass_broker::{
    Broker, Delta, DeltaVersion, Origin, Path, PathValue, Publish, RawJson, SourceRef, Timestamp, Update,
    publish_and_settle,
};

use super::metadata::shutting_down;
use super::outcome::Outcome;
use crate::data_model::ModelView;
use crate::notifications::{AlarmState, ROOT, SOUND, VISUAL, keep_on_screens, methods};

/// In whose name changed notifications are published; their `$source` is that of whoever raised them.
const PROVIDER: &str = "put";
/// What is known about an alarm, and does not stay when somebody gives it another state.
const STATUS: &str = "status";
/// Why a change of `method` is refused.
const WORSE: &str = "the alarm has become worse meanwhile; nothing was changed about it: look at it again";
const ANEW: &str = "the alarm was raised anew meanwhile, so that is still not done: look at it again";
/// What a notification can be.
const STATES: [&str; 6] = ["normal", "nominal", "alert", "warn", "alarm", "emergency"];

/// The notification and the key of it that a path names: `notifications.mob.state` is `state` of `notifications.mob`.
pub(super) fn target(path: &str) -> Option<(&str, &str)> {
    path.rsplit_once('.').filter(|(notification, key)| notification.starts_with(ROOT) && !key.is_empty())
}

/// Changes a key of a notification of the own ship and tells everybody. `source` chooses among several who raised it; without one it is
/// the latest.
pub(super) async fn change(
    broker: &Addr<Broker>,
    view: &ModelView,
    (notification, key): (&str, &str),
    value: Value,
    source: Option<&str>,
) -> Outcome {
    let leaf = Path::find(notification).and_then(|path| view.own().leaf(&path));
    let entry = leaf.as_ref().and_then(|leaf| match source {
        None => Some(leaf.latest()),
        Some(source) => leaf.entries().iter().find(|entry| entry.parts().0.source_ref.as_str() == source),
    });
    let Some((update, present)) = entry.map(|entry| entry.parts()) else { return Outcome::bare(404) };
    let Value::Object(object) = present.value.to_value() else { return Outcome::bare(404) };
    let fine = match key {
        "state" => value.as_str().is_some_and(|state| STATES.contains(&state)),
        "method" => value.as_array().is_some_and(|methods| methods.iter().all(Value::is_string)),
        _ => return Outcome::bare(405),
    };
    if !fine {
        return Outcome::completed(
            400,
            "state is one of normal, nominal, alert, warn, alarm and emergency; method a list of visual and sound",
        );
    }
    // The manager of notifications knows what the alarm has become by then, and what was done about it.
    let before = AlarmState::of_state(object.get("state"));
    let hushes = key == "method" && before.is_active();
    let managed = update.notification_id.clone().filter(|_| hushes);
    let asked = value.clone();
    let object = changed(object, key, value, managed.is_some());
    let provider = match SourceRef::new(PROVIDER) {
        Ok(provider) => provider,
        Err(error) => return Outcome::completed(500, error.to_string()),
    };
    let source_ref = update.source_ref.clone();
    let path = present.path.clone();
    let changed = Update {
        source: None,
        source_ref: source_ref.clone(),
        timestamp: Timestamp::now(),
        values: SmallVec::from_iter([PathValue::new(path.clone(), RawJson::of(&object))]),
        meta: Vec::new(),
        notification_id: managed,
    };
    let context = view.identity().context().clone();
    let delta = Delta { context, updates: SmallVec::from_iter([changed]), version: DeltaVersion::V1 };
    if publish_and_settle(broker, Publish { provider, origin: Origin::NONE, deltas: vec![delta] }).await.is_err() {
        return shutting_down();
    }
    if !hushes {
        return Outcome::done();
    }
    // It was not done to an alarm that nobody has seen like that.
    let leaf = view.own().leaf(&path);
    let mut entries = leaf.iter().flat_map(|leaf| leaf.entries()).map(|entry| entry.parts());
    match entries.find(|(update, _)| update.source_ref == source_ref).map(|(_, value)| value.value.to_value()) {
        Some(Value::Object(now)) => not_done(before, &methods(Some(&asked)), &now)
            .map_or_else(Outcome::done, |reason| Outcome::completed(409, reason)),
        _ => Outcome::bare(404),
    }
}

/// The notification with another value of a key. One that becomes an alarm, or a worse one, is told as one that is raised (signalk-v2 §4),
/// whatever was done about it before.
fn changed(mut object: Map<String, Value>, key: &str, mut value: Value, managed: bool) -> Map<String, Value> {
    let before = AlarmState::of_state(object.get("state"));
    if key == "state" {
        let state = AlarmState::of_state(Some(&value));
        if state.is_active() && state > before {
            object.insert("method".to_owned(), json!([VISUAL, SOUND]));
        }
    } else if let (Value::Array(method), false) = (&mut value, managed) {
        keep_on_screens(before, method);
    }
    object.insert(key.to_owned(), value);
    if !managed {
        object.remove(STATUS);
    }
    object
}

/// Why an alarm that was read in the state `before`, and was to be told in no other ways than `asked`, is not so `now`. `None` when it is
/// so, or when the alarm is over.
fn not_done(before: AlarmState, asked: &[&str], now: &Map<String, Value>) -> Option<&'static str> {
    let state = AlarmState::of_state(now.get("state"));
    let told = methods(now.get("method"));
    let still = |one: &str| told.contains(&one) && !asked.contains(&one);
    if !state.is_active() {
        None
    } else if state > before {
        Some(WORSE)
    } else if still(SOUND) || (state != AlarmState::Emergency && still(VISUAL)) {
        Some(ANEW)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_is_the_key() {
        for (path, expected) in [
            ("notifications.mob.state", Some(("notifications.mob", "state"))),
            ("notifications.a.b.method", Some(("notifications.a.b", "method"))),
            ("notifications.mob", None),
            ("navigation.state", None),
        ] {
            assert_eq!(target(path), expected, "{path}");
        }
    }

    fn object(state: &str, method: Value) -> Map<String, Value> {
        let status = json!({"silenced": true});
        Map::from_iter([("state".into(), state.into()), ("method".into(), method), (STATUS.into(), status)])
    }

    #[test]
    fn an_alarm_that_is_raised_is_seen_and_heard() {
        let loud = json!(["visual", "sound"]);
        for (before, after, expected) in [
            ("normal", "alert", &loud),
            ("normal", "emergency", &loud),
            ("warn", "alarm", &loud),
            ("alarm", "alarm", &json!([])),
            ("alarm", "warn", &json!([])),
            ("alarm", "normal", &json!([])),
            ("nominal", "normal", &json!([])),
        ] {
            let now = changed(object(before, json!([])), "state", json!(after), false);
            assert_eq!((&now["state"], &now["method"]), (&json!(after), expected), "{before} to {after}");
            assert!(!now.contains_key(STATUS), "{before} to {after}");
        }
    }

    #[test]
    fn an_emergency_stays_on_the_screens() {
        for (state, managed, expected) in [
            ("emergency", false, json!(["visual"])),
            ("alarm", false, json!([])),
            // The manager knows what it is by then.
            ("emergency", true, json!([])),
        ] {
            let now = changed(object(state, json!(["visual", "sound"])), "method", json!([]), managed);
            assert_eq!((&now["method"], now.contains_key(STATUS)), (&expected, managed), "{state}, {managed}");
        }
    }

    #[test]
    fn what_is_still_told_is_not_claimed_to_be_done() {
        let (none, seen, both) = (&[][..], &["visual"][..], &["visual", "sound"][..]);
        for (asked, state, method, expected) in [
            (seen, "alarm", seen, None),
            (none, "alarm", none, None),
            (none, "alarm", seen, Some(ANEW)),
            (seen, "warn", both, Some(ANEW)),
            (both, "alarm", seen, None),
            (none, "normal", both, None),
            (seen, "emergency", both, Some(WORSE)),
            (none, "emergency", none, Some(WORSE)),
        ] {
            let now = object(state, json!(method));
            assert_eq!(not_done(AlarmState::Alarm, asked, &now), expected, "{asked:?}: {state}, {method:?}");
        }
        let now = object("emergency", json!(["visual"]));
        assert_eq!(not_done(AlarmState::Emergency, &[], &now), None, "that is all that can be done");
    }
}
