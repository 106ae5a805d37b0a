//! Gives every notification an id and says what can be done about it (signalk-v1 §7.1).

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use smallvec::SmallVec;
use uuid::Uuid;
use windlass_broker::{Context, Delta, Path, PathValue, RawJson, SourceRef, Stage, Update};

use super::ROOT;

/// The stage that manages notifications.
///
/// Each notification gets an update of its own, with `notificationId`; in its value are `id` and `status`. Null becomes state `normal`.
/// The id is made from context, path and `$source`, so it is the same after a restart.
#[derive(Debug)]
pub struct NotificationManager {
    name: SourceRef,
}

impl NotificationManager {
    /// A manager that would speak in this name, if it had something to say.
    pub fn new(name: SourceRef) -> Self {
        Self { name }
    }
}

impl Stage for NotificationManager {
    fn name(&self) -> &SourceRef {
        &self.name
    }

    fn admit(&mut self, delta: &mut Delta) {
        let is_notification = |value: &PathValue| value.path.as_str().starts_with(ROOT);
        if !delta.updates.iter().any(|update| update.values.iter().any(is_notification)) {
            return;
        }
        let mut updates = SmallVec::with_capacity(delta.updates.len() + 1);
        for mut update in std::mem::take(&mut delta.updates) {
            let (notifications, others): (Vec<_>, Vec<_>) = update.values.drain(..).partition(is_notification);
            update.values = others.into();
            let managed: Vec<_> =
                notifications.into_iter().map(|value| manage(&delta.context, &update, value)).collect();
            if !update.values.is_empty() || !update.meta.is_empty() {
                updates.push(update);
            }
            updates.extend(managed);
        }
        delta.updates = updates;
    }
}

fn manage(context: &Context, of: &Update, mut value: PathValue) -> Update {
    let id = id_of(context, &value.path, &of.source_ref);
    let object = match value.value.to_value() {
        Value::Object(object) => Some(object),
        Value::Null => Some(Map::from_iter([
            ("state".to_owned(), json!("normal")),
            ("method".to_owned(), json!([])),
            ("message".to_owned(), json!("")),
        ])),
        // What is no notification goes on as it is.
        _ => None,
    };
    let managed = object.map(|mut object| {
        let status = status_of(&object);
        object.insert("id".into(), id.to_string().into());
        object.insert("status".into(), status);
        value.value = RawJson::of(&object);
    });
    Update {
        source: None,
        source_ref: of.source_ref.clone(),
        timestamp: of.timestamp.clone(),
        values: SmallVec::from_iter([value]),
        meta: Vec::new(),
        notification_id: managed.map(|()| id.to_string().into()),
    }
}

/// The id of a context's notification by a source: always the same one.
fn id_of(context: &Context, path: &Path, source: &SourceRef) -> Uuid {
    let mut hash = Sha256::new();
    for part in [context.as_str(), path.as_str(), source.as_str()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// What can be done about a notification. What its sender already knows of that, as another server does, is kept.
fn status_of(notification: &Map<String, Value>) -> Value {
    let state = notification.get("state").and_then(Value::as_str).unwrap_or("normal");
    let active = !matches!(state, "normal" | "nominal");
    let known = notification.get("status").and_then(Value::as_object).cloned().unwrap_or_default();
    let flag = |name: &str| known.get(name).and_then(Value::as_bool).unwrap_or(false);
    let mut status = json!({
        "silenced": active && flag("silenced"),
        "acknowledged": active && flag("acknowledged"),
        "canSilence": active && state != "emergency",
        "canAcknowledge": active,
        "canClear": false,
    });
    if let Some(at) = known.get("acknowledgedAt").filter(|_| active) {
        status["acknowledgedAt"] = at.clone();
    }
    status
}

#[cfg(test)]
mod tests {
    use windlass_broker::{DeltaVersion, Intake, Provider};

    use super::*;

    fn admitted(text: Value) -> Delta {
        let own = Context::new("vessels.urn:mrn:imo:mmsi:1").expect("a context");
        let provider = Provider::new("test").expect("a name");
        let name = provider.id.clone();
        let intake = Intake { self_context: own, provider, override_timestamps: false };
        let mut delta = intake.take(&text.to_string(), DeltaVersion::V1).delta.expect("a delta");
        NotificationManager::new(name).admit(&mut delta);
        delta
    }

    #[test]
    fn a_notification_gets_an_id_and_a_status() {
        // SK-123
        let values = json!([
            {"path": "a", "value": 1},
            {"path": "notifications.mob", "value": {"state": "emergency", "message": "x"}},
            {"path": "notifications.gone", "value": null},
        ]);
        let delta = admitted(json!({"updates": [{"$source": "s", "source": {"label": "s"}, "values": values}]}));
        assert_eq!(delta.updates.len(), 3, "each in an update of its own");
        assert_eq!(delta.updates[0].values[0].path.as_str(), "a");
        let mob = &delta.updates[1];
        let value = mob.values[0].value.to_value();
        assert_eq!(value["id"].as_str(), mob.notification_id.as_deref());
        assert_eq!(
            value["status"],
            json!({"silenced": false, "acknowledged": false, "canSilence": false, "canAcknowledge": true, "canClear": false})
        );
        assert!(mob.source.is_none() && mob.source_ref.as_str() == "s");
        let gone = delta.updates[2].values[0].value.to_value();
        assert_eq!((gone["state"].as_str(), gone["method"].clone()), (Some("normal"), json!([])));
        let again =
            admitted(json!({"updates": [{"$source": "s", "values": [{"path": "notifications.mob", "value": null}]}]}));
        assert_eq!(again.updates[0].notification_id, mob.notification_id);
        let other =
            admitted(json!({"updates": [{"$source": "t", "values": [{"path": "notifications.mob", "value": null}]}]}));
        assert_ne!(other.updates[0].notification_id, mob.notification_id);
    }

    #[test]
    fn other_values_are_left_alone() {
        let delta =
            admitted(json!({"updates": [{"$source": "s", "values": [{"path": "notificationsx", "value": 1}]}]}));
        assert_eq!(delta.updates.len(), 1);
        assert!(delta.updates[0].notification_id.is_none());
        let text = admitted(json!({"updates": [{"values": [{"path": "notifications.x", "value": "odd"}]}]}));
        assert_eq!((text.updates[0].values[0].value.as_str(), &text.updates[0].notification_id), ("\"odd\"", &None));
    }
}
