//! Gives every notification an id, says what can be done about it and what was (signalk-v1 §7.1).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use smallvec::SmallVec;
use uuid::Uuid;
use windlass_broker::{Context, Delta, PathValue, RawJson, SourceRef, Stage, Update};

use super::attention::methods;
use super::{AlarmState, Attention, ROOT};

/// Most active alarms of which it is known what was done about them.
const MAX_KNOWN: usize = 10_000;
/// How long after the start an alarm counts as the one of before it, when somebody raises it again.
const RECALL: Duration = Duration::from_secs(60);

/// The stage that manages notifications.
///
/// Each notification gets an update of its own, with `notificationId`; in its value are `id` and `status`. Null becomes state `normal`.
/// The id is made from context, path and `$source`, so it is the same after a restart.
///
/// What was done about an alarm holds until it is over or becomes worse, whatever its sender says again. It is done by an update that has
/// a `notificationId` when it comes, which nobody can send from outside: of its value only `method` counts, and it changes the alarm as
/// that is by then. So an alarm that ends meanwhile is not raised again by whoever silences it.
#[derive(Debug)]
pub struct NotificationManager {
    name: SourceRef,
    /// Only alarms that are active.
    known: HashMap<Uuid, Known, RandomState>,
    /// Those of before the start that were not raised since, and how long they count.
    recalled: HashMap<Uuid, (AlarmState, Attention), RandomState>,
    recalled_until: Instant,
    /// Whether it does anything.
    on: Arc<AtomicBool>,
}

/// An alarm that is active.
#[derive(Debug)]
struct Known {
    state: AlarmState,
    /// What was done about it here.
    attention: Attention,
    /// Its value as it went on.
    value: RawJson,
}

/// An alarm of before the start that somebody has silenced or acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttendedAlarm {
    /// Context, path with `notifications.` and `$source` of it.
    pub names: [String; 3],
    /// Its state then.
    pub state: AlarmState,
    /// What was done.
    pub attention: Attention,
}

impl NotificationManager {
    /// A manager that would speak in this name, if it had something to say.
    pub fn new(name: SourceRef) -> Self {
        Self {
            name,
            known: HashMap::default(),
            recalled: HashMap::default(),
            recalled_until: Instant::now() + RECALL,
            on: Arc::new(AtomicBool::new(true)),
        }
    }

    /// Goes on with what was done about alarms before the start. An emergency is told anew: better once too often.
    pub fn recalling(mut self, alarms: impl IntoIterator<Item = AttendedAlarm>) -> Self {
        let calm = alarms.into_iter().filter(|alarm| alarm.state != AlarmState::Emergency);
        let named = |alarm: AttendedAlarm| (id_of(alarm.names.each_ref()), (alarm.state, alarm.attention));
        self.recalled = calm.take(MAX_KNOWN).map(named).collect();
        self
    }

    /// It manages notifications while `on` says so (`manageNotifications` of the settings).
    pub fn switched_by(self, on: Arc<AtomicBool>) -> Self {
        Self { on, ..self }
    }

    /// What goes on of an update with one notification; `None` for nothing.
    fn manage(&mut self, context: &Context, of: &Update, mut value: PathValue) -> Option<Update> {
        let id = id_of([context.as_str(), value.path.as_str(), of.source_ref.as_str()]);
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
        let managed = object.is_some();
        if let Some(object) = object {
            value.value = if of.notification_id.is_some() { self.attend(id, object)? } else { self.take(id, object) };
        }
        Some(Update {
            source: None,
            source_ref: of.source_ref.clone(),
            timestamp: of.timestamp.clone(),
            values: SmallVec::from_iter([value]),
            meta: Vec::new(),
            notification_id: managed.then(|| id.to_string().into()),
        })
    }

    /// What somebody says of an alarm.
    fn take(&mut self, id: Uuid, mut object: Map<String, Value>) -> RawJson {
        let state = state_of(&object);
        let in_time = || Instant::now() < self.recalled_until;
        let recalled = self.recalled.remove(&id).filter(|_| in_time());
        let before = self.known.remove(&id).map(|known| (known.state, known.attention)).or(recalled);
        // One that has become worse wants to be noticed anew.
        let attention =
            before.filter(|(before, _)| state.is_active() && state <= *before).map(|(_, attention)| attention);
        let attention = attention.unwrap_or_default();
        attention.hush(state, &mut object);
        let told = Attention::told_by(&object);
        self.keep(id, state, attention.clone(), attention.or(told), object)
    }

    /// Somebody has given an alarm another `method`. `None` when it is over.
    fn attend(&mut self, id: Uuid, given: Map<String, Value>) -> Option<RawJson> {
        let mut object = match self.known.remove(&id).map(|known| known.value.to_value()) {
            Some(Value::Object(object)) => object,
            // It may be one of too many.
            _ if self.known.len() >= MAX_KNOWN => given.clone(),
            _ => return None,
        };
        let state = state_of(&object);
        let method = given.get("method").cloned().unwrap_or_else(|| json!([]));
        let before = methods(object.get("method"));
        let attention = Attention::told_by(&object).after_method(state, &before, &methods(Some(&method)));
        object.insert("method".to_owned(), method);
        Some(self.keep(id, state, attention.clone(), attention, object))
    }

    /// The value as it goes on; it is known from now on when it is an alarm.
    fn keep(
        &mut self,
        id: Uuid,
        state: AlarmState,
        attention: Attention,
        shown: Attention,
        mut object: Map<String, Value>,
    ) -> RawJson {
        object.insert("id".into(), id.to_string().into());
        object.insert("status".into(), shown.status(state));
        let value = RawJson::of(&object);
        if state.is_active() && self.known.len() < MAX_KNOWN {
            self.known.insert(id, Known { state, attention, value: value.clone() });
        }
        value
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
        if !self.on.load(Relaxed) {
            // What becomes of them is not seen: one that ends now and comes back later is another alarm.
            self.known.clear();
            self.recalled.clear();
            return;
        }
        let mut updates = SmallVec::with_capacity(delta.updates.len() + 1);
        for mut update in std::mem::take(&mut delta.updates) {
            let (notifications, others): (Vec<_>, Vec<_>) = update.values.drain(..).partition(is_notification);
            update.values = others.into();
            let manage = |value| self.manage(&delta.context, &update, value);
            let managed: Vec<_> = notifications.into_iter().filter_map(manage).collect();
            if !update.values.is_empty() || !update.meta.is_empty() {
                updates.push(update);
            }
            updates.extend(managed);
        }
        delta.updates = updates;
    }
}

fn state_of(notification: &Map<String, Value>) -> AlarmState {
    AlarmState::of_state(notification.get("state"))
}

/// The id of a context's notification by a source: always the same one.
fn id_of(names: [impl AsRef<str>; 3]) -> Uuid {
    let mut hash = Sha256::new();
    for part in names {
        let part = part.as_ref();
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
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

    /// A manager that is given notifications of one source, and the value that goes on; `None` when nothing does.
    struct Managed(NotificationManager, Intake);

    impl Managed {
        fn new(recalled: Vec<AttendedAlarm>) -> Self {
            let own = Context::new("vessels.urn:mrn:imo:mmsi:1").expect("a context");
            let provider = Provider::new("test").expect("a name");
            let name = provider.id.clone();
            let intake = Intake { self_context: own, provider, override_timestamps: false };
            Self(NotificationManager::new(name).recalling(recalled), intake)
        }

        fn delta(&self, value: &Value) -> Delta {
            let text = json!({"updates": [{"$source": "s", "values": [{"path": "notifications.a", "value": value}]}]});
            self.1.take(&text.to_string(), DeltaVersion::V1).delta.expect("a delta")
        }

        fn pass(&mut self, mut delta: Delta) -> Option<Value> {
            self.0.admit(&mut delta);
            delta.updates.first().map(|update| update.values[0].value.to_value())
        }

        fn say(&mut self, state: &str) -> Value {
            let delta = self.delta(&json!({"state": state, "method": ["visual", "sound"], "message": "x"}));
            self.pass(delta).expect("it goes on")
        }

        fn put(&mut self, method: Value) -> Option<Value> {
            let mut delta = self.delta(&json!({"state": "alarm", "method": method, "message": "as it was"}));
            delta.updates[0].notification_id = Some("x".into());
            self.pass(delta)
        }
    }

    /// Whether it is silenced and acknowledged, and how it is told.
    fn shown(value: &Value) -> (bool, bool, Value) {
        let status = &value["status"];
        (status["silenced"] == true, status["acknowledged"] == true, value["method"].clone())
    }

    #[test]
    fn what_it_did_not_see_it_does_not_remember() {
        let on = Arc::new(AtomicBool::new(true));
        let Managed(manager, intake) = Managed::new(Vec::new());
        let mut managed = Managed(manager.switched_by(on.clone()), intake);
        managed.say("alarm");
        assert_eq!(shown(&managed.put(json!([])).expect("it goes on")), (true, true, json!([])));
        on.store(false, Relaxed);
        let passed = managed.say("normal");
        assert!(passed.get("id").is_none() && passed.get("status").is_none(), "{passed}");
        on.store(true, Relaxed);
        assert_eq!(shown(&managed.say("alarm")), (false, false, json!(["visual", "sound"])), "another one");
    }

    #[test]
    fn what_was_done_about_an_alarm_holds_until_it_is_over_or_worse() {
        let mut managed = Managed::new(Vec::new());
        let loud = (false, false, json!(["visual", "sound"]));
        assert_eq!(shown(&managed.say("alarm")), loud);
        let silenced = managed.put(json!(["visual"])).expect("it goes on");
        assert_eq!((shown(&silenced), &silenced["message"]), ((true, false, json!(["visual"])), &json!("x")));
        assert_eq!(shown(&managed.say("alarm")), (true, false, json!(["visual"])), "said again");
        assert_eq!(shown(&managed.say("warn")), (true, false, json!(["visual"])), "better");
        assert_eq!(shown(&managed.say("alarm")), loud, "worse");
        let seen = managed.put(json!([])).expect("it goes on");
        assert!(seen["status"]["acknowledgedAt"].is_string(), "{seen}");
        let again = managed.say("alarm");
        assert_eq!((shown(&again), &again["status"]), ((true, true, json!([])), &seen["status"]));
        assert_eq!(shown(&managed.say("emergency")), loud);
        assert_eq!(shown(&managed.put(json!(["visual"])).expect("on")), (false, true, json!(["visual"])));
        assert_eq!(shown(&managed.say("emergency")), (false, true, json!(["visual"])));
        managed.say("normal");
        assert_eq!(shown(&managed.say("emergency")), loud, "another one");
    }

    #[test]
    fn an_alarm_that_is_over_is_not_raised_by_who_silences_it() {
        let mut managed = Managed::new(Vec::new());
        managed.say("alarm");
        managed.say("normal");
        assert_eq!(managed.put(json!(["visual"])), None);
        assert!(managed.0.known.is_empty());
    }

    #[test]
    fn what_the_sender_knows_is_shown_as_long_as_it_says_so() {
        let mut managed = Managed::new(Vec::new());
        let theirs = json!({"silenced": true, "acknowledged": true, "acknowledgedAt": "t"});
        let delta = managed.delta(&json!({"state": "alarm", "method": [], "status": theirs}));
        let value = managed.pass(delta).expect("it goes on");
        assert_eq!((shown(&value), &value["status"]["acknowledgedAt"]), ((true, true, json!([])), &json!("t")));
        assert_eq!(shown(&managed.say("alarm")), (false, false, json!(["visual", "sound"])));
    }

    #[test]
    fn a_restart_wakes_nobody_but_for_an_emergency() {
        let attended = |state| AttendedAlarm {
            names: ["vessels.urn:mrn:imo:mmsi:1".into(), "notifications.a".into(), "s".into()],
            state,
            attention: Attention { silenced: true, acknowledged: None },
        };
        let loud = (false, false, json!(["visual", "sound"]));
        for (before, said, expected) in [
            (AlarmState::Alarm, "alarm", (true, false, json!(["visual"]))),
            (AlarmState::Warn, "alarm", loud.clone()),
            (AlarmState::Emergency, "emergency", loud.clone()),
        ] {
            assert_eq!(shown(&Managed::new(vec![attended(before)]).say(said)), expected, "{before:?}, {said}");
        }
        let mut late = Managed::new(vec![attended(AlarmState::Alarm)]);
        late.0.recalled_until = Instant::now();
        assert_eq!(shown(&late.say("alarm")), loud, "by then it is another one");
    }
}
