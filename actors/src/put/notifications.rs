//! Changing a notification: `PUT` of its `state` or `method` (signalk-v1 §7.4).

use actix::Addr;
use serde_json::{Map, Value};
use smallvec::SmallVec;
use windlass_broker::{
    Broker, Delta, DeltaVersion, Origin, Path, PathValue, Publish, RawJson, SourceRef, Timestamp, Update,
    publish_and_settle,
};

use super::metadata::shutting_down;
use super::outcome::Outcome;
use crate::data_model::ModelView;
use crate::notifications::{AlarmState, ROOT};

/// In whose name changed notifications are published; their `$source` is that of whoever raised them.
const PROVIDER: &str = "put";
/// What is known about an alarm, and does not stay when somebody gives it another state.
const STATUS: &str = "status";
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
    let Value::Object(mut object) = present.value.to_value() else { return Outcome::bare(404) };
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
    let managed = update.notification_id.clone().filter(|_| key == "method" && is_active(&object));
    object.insert(key.to_owned(), value);
    if managed.is_none() {
        object.remove(STATUS);
    }
    let provider = match SourceRef::new(PROVIDER) {
        Ok(provider) => provider,
        Err(error) => return Outcome::completed(500, error.to_string()),
    };
    let changed = Update {
        source: None,
        source_ref: update.source_ref.clone(),
        timestamp: Timestamp::now(),
        values: SmallVec::from_iter([PathValue::new(present.path.clone(), RawJson::of(&object))]),
        meta: Vec::new(),
        notification_id: managed,
    };
    let context = view.identity().context().clone();
    let delta = Delta { context, updates: SmallVec::from_iter([changed]), version: DeltaVersion::V1 };
    match publish_and_settle(broker, Publish { provider, origin: Origin::NONE, deltas: vec![delta] }).await {
        Ok(()) => Outcome::done(),
        Err(_) => shutting_down(),
    }
}

fn is_active(notification: &Map<String, Value>) -> bool {
    AlarmState::of_state(notification.get("state")).is_active()
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
}
