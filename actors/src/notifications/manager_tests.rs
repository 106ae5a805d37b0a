use windlass_broker::{DeltaVersion, Intake, Provider};

use super::*;

fn admitted(text: Value) -> Delta {
    let own = Context::new("vessels.urn:mrn:imo:mmsi:1").expect("a context");
    let provider = Provider::new("test").expect("a name");
    let name = provider.id.clone();
    let intake = Intake { self_context: own.clone(), provider, override_timestamps: false };
    let mut delta = intake.take(&text.to_string(), DeltaVersion::V1).delta.expect("a delta");
    NotificationManager::new(name, own).admit(&mut delta);
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
    let delta = admitted(json!({"updates": [{"$source": "s", "values": [{"path": "notificationsx", "value": 1}]}]}));
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
        let intake = Intake { self_context: own.clone(), provider, override_timestamps: false };
        Self(NotificationManager::new(name, own).recalling(recalled), intake)
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
        self.put_seeing("alarm", method)
    }

    /// By somebody who has seen it in this state.
    fn put_seeing(&mut self, state: &str, method: Value) -> Option<Value> {
        let mut delta = self.delta(&json!({"state": state, "method": method, "message": "as it was"}));
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
fn what_nobody_spoke_of_meanwhile_is_known_as_before() {
    let on = Arc::new(AtomicBool::new(true));
    let Managed(manager, intake) = Managed::new(Vec::new());
    let mut managed = Managed(manager.switched_by(on.clone()), intake);
    managed.say("alarm");
    on.store(false, Relaxed);
    let other = json!({"updates": [{"$source": "t", "values": [{"path": "notifications.a", "value": null}]}]});
    let other = managed.1.take(&other.to_string(), DeltaVersion::V1).delta.expect("a delta");
    managed.pass(other);
    on.store(true, Relaxed);
    assert_eq!(shown(&managed.put(json!(["visual"])).expect("it goes on")), (true, false, json!(["visual"])));
    // What is changed while it is off is what the sender says: it has no id that would make it more.
    on.store(false, Relaxed);
    let mut delta = managed.delta(&json!({"state": "alarm", "method": []}));
    delta.updates[0].notification_id = Some("x".into());
    managed.0.admit(&mut delta);
    assert!(delta.updates[0].notification_id.is_none() && managed.0.known.is_empty());
}

#[test]
fn nobody_silences_what_nobody_has_seen() {
    for (seen, is, method, expected) in [
        ("warn", "alarm", json!(["visual"]), None),
        ("warn", "emergency", json!([]), None),
        ("alarm", "alarm", json!(["visual"]), Some((true, false, json!(["visual"])))),
        ("emergency", "alarm", json!(["visual"]), Some((true, false, json!(["visual"])))),
        ("emergency", "emergency", json!([]), Some((false, true, json!(["visual"])))),
    ] {
        let mut managed = Managed::new(Vec::new());
        managed.say(is);
        let done = managed.put_seeing(seen, method.clone());
        assert_eq!(done.as_ref().map(shown), expected, "{seen}, {is}, {method}");
        // It is known as before, and can be silenced by whoever looks again.
        assert!(managed.put_seeing(is, json!(["visual"])).is_some(), "{seen}, {is}");
    }
}

#[test]
fn what_is_kept_is_of_the_own_ship_and_not_long() {
    let mut managed = Managed::new(Vec::new());
    let theirs = json!({"context": "vessels.urn:mrn:imo:mmsi:2", "updates": [{"$source": "s", "values": [
        {"path": "notifications.a", "value": {"state": "alarm", "method": ["sound"]}}]}]});
    let theirs = managed.1.take(&theirs.to_string(), DeltaVersion::V1).delta.expect("a delta");
    let value = managed.pass(theirs).expect("it goes on");
    assert!(value["id"].is_string() && value["status"]["canSilence"] == true, "{value}");
    assert!(managed.0.known.is_empty());

    let long = json!({"state": "alarm", "method": ["visual", "sound"], "message": "x".repeat(MAX_VALUE)});
    let delta = managed.delta(&long);
    managed.pass(delta).expect("it goes on");
    assert!(managed.0.known.values().all(|known| known.value.is_none()) && managed.0.known.len() == 1);
    assert_eq!(managed.put_seeing("emergency", json!([])), None, "it is not what was seen");
    let silenced = managed.put(json!(["visual"])).expect("it goes on");
    assert_eq!(shown(&silenced), (true, false, json!(["visual"])));
    let delta = managed.delta(&long);
    assert_eq!(managed.pass(delta).expect("it goes on")["method"], json!(["visual"]), "what was done holds");
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
    let seen = managed.put_seeing("emergency", json!(["visual"])).expect("it goes on");
    assert_eq!(shown(&seen), (false, true, json!(["visual"])));
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
