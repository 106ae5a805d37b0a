use actix::{Actor, Handler};
use windlass_broker::{Broker, Intake, Origin, Provider, Publish, SourcesSwitched};

use super::*;
use crate::data_model::{DataModel, ForgetSource, Identity};

struct Watch {
    stage: Staleness,
    view: ModelView,
    intake: Intake,
    start: Instant,
}

impl Watch {
    fn new(settings: Value) -> Self {
        let own = Context::new("vessels.urn:mrn:imo:mmsi:1").expect("a context");
        let view = ModelView::new(Identity::new(own.clone()));
        let control = StalenessControl::new(serde_json::from_value(settings).expect("settings"));
        let stage = Staleness::new(view.clone(), &control).expect("names");
        let intake =
            Intake { self_context: own, provider: Provider::new("gps").expect("a name"), override_timestamps: false };
        Self { stage, view, intake, start: Instant::now() }
    }
    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }
    fn give(&mut self, ms: u64, update: Value) {
        let text = json!({"updates": [update]}).to_string();
        let judged = Judged::accepted(self.intake.take(&text, DeltaVersion::V1).delta.expect("a delta"));
        let now = self.at(ms);
        self.stage.observe(&judged, now, &mut Vec::new());
        self.view.apply(&judged);
    }
    fn value(&mut self, ms: u64, path: &str, value: Value) {
        self.give(ms, json!({"values": [{"path": path, "value": value}]}));
    }
    /// The paths that a check finds stale; what it says is taken in, as the broker does.
    fn stale(&mut self, ms: u64) -> Vec<String> {
        let mut emit = Vec::new();
        let now = self.at(ms);
        self.stage.tick(now, &Priorities::default(), &mut emit);
        for delta in &emit {
            self.stage.observe(&Judged::accepted(delta.clone()), now, &mut Vec::new());
        }
        let mut paths: Vec<_> = emit.iter().map(|delta| delta.updates[0].values[0].path.to_string()).collect();
        paths.sort();
        paths
    }
}

#[test]
fn what_was_silent_before_it_was_watched_becomes_null_too() {
    let mut watch = Watch::new(json!({"useDefaultTimeouts": true, "defaultTimeout": 10}));
    watch.value(0, "old", json!(1));
    assert_eq!(watch.stage.tick_interval(), None);
    let settings = |text: Value| serde_json::from_value(text).expect("settings");
    watch
        .stage
        .control
        .set(settings(json!({"enforceDataTimeouts": true, "useDefaultTimeouts": true, "defaultTimeout": 10})));
    assert_eq!(watch.stage.tick_interval(), Some(Duration::from_secs(1)));
    // The model has its times by the clock of this computer, so the value is as old as this test is at that.
    assert!(watch.stale(9_000).is_empty());
    assert_eq!(watch.stale(20_000), ["old"]);
    watch.value(21_000, "new", json!(1));
    // Another limit holds for what is watched already.
    watch
        .stage
        .control
        .set(settings(json!({"enforceDataTimeouts": true, "useDefaultTimeouts": true, "defaultTimeout": 2})));
    assert_eq!(watch.stale(24_000), ["new"]);
    watch.value(25_000, "new", json!(2));
    watch.stage.control.set(settings(json!({"useDefaultTimeouts": true, "defaultTimeout": 2})));
    assert!(watch.stale(60_000).is_empty(), "nobody wants it any more");
}

#[test]
fn a_silent_path_becomes_null_once() {
    // SK-162
    let mut watch = Watch::new(json!({"enforceDataTimeouts": true, "useDefaultTimeouts": true, "defaultTimeout": 10}));
    watch.give(0, json!({"meta": [{"path": "fast", "value": {"timeout": 1}}, {"path": "never", "value": {"timeout": 0}}, {"path": "event", "value": {"updateContract": "event"}}]}));
    for path in ["fast", "slow", "never", "event", "navigation.anchor.position", "flag"] {
        watch.value(0, path, json!(1.5));
    }
    watch.value(0, "text", json!("on"));
    watch.value(0, "switch", json!(true));
    assert!(watch.stale(1000).is_empty());
    assert_eq!(watch.stale(1001), ["fast"]);
    assert!(watch.stale(5000).is_empty(), "it is told once");
    watch.value(6000, "fast", json!(2));
    assert_eq!(watch.stale(7001), ["fast"], "and again after news");
    assert_eq!(watch.stale(10_001), ["slow"]);
}

#[test]
fn the_delta_says_what_the_last_value_was() {
    let mut watch = Watch::new(json!({"enforceDataTimeouts": true, "useDefaultTimeouts": true, "defaultTimeout": 1}));
    watch.give(0, json!({"timestamp": "2026-01-01T00:00:00.000Z", "values": [{"path": "x", "value": 7}]}));
    let mut emit = Vec::new();
    let now = watch.at(1001);
    watch.stage.tick(now, &Priorities::default(), &mut emit);
    let text: Value = serde_json::from_str(&emit[0].render()).expect("JSON");
    let value = &text["updates"][0]["values"][0];
    assert_eq!(text["updates"][0]["$source"], "gps");
    let last = json!({"timestamp": "2026-01-01T00:00:00.000Z", "value": 7});
    assert_eq!(value, &json!({"path": "x", "value": null, "state": {"timedOut": true, "lastValue": last}}));
}

#[test]
fn an_automatic_timeout_follows_the_usual_interval() {
    let mut watch = Watch::new(json!({"enforceDataTimeouts": true}));
    watch.give(0, json!({"meta": [{"path": "x", "value": {"timeout": "auto"}}]}));
    for n in 0..=31 {
        watch.value(n * 1000, "x", json!(n));
    }
    assert!(watch.stale(31_000 + 5000).is_empty());
    assert_eq!(watch.stale(31_000 + 5001), ["x"]);
    // Before it is warm there is no timeout without a default.
    watch.value(40_000, "x", json!(1));
    watch.value(41_000, "x", json!(1));
    assert!(watch.stale(60_000).is_empty());
}

#[test]
fn a_source_that_may_still_take_over_is_waited_for() {
    let settings =
        json!({"overrides": {"x": [{"sourceRef": "gps", "timeout": 0}, {"sourceRef": "b", "timeout": 9000}]}});
    let priorities = Priorities::new(&serde_json::from_value(settings).expect("settings"));
    let mut watch = Watch::new(json!({"enforceDataTimeouts": true, "useDefaultTimeouts": true, "defaultTimeout": 1}));
    watch.value(0, "x", json!(1));
    let (mut early, mut late) = (Vec::new(), Vec::new());
    let (at_9, after) = (watch.at(9000), watch.at(9001));
    watch.stage.tick(at_9, &priorities, &mut early);
    watch.stage.tick(after, &priorities, &mut late);
    assert_eq!((early.len(), late.len()), (0, 1));
}

#[test]
fn metadata_is_read_when_it_changes_and_not_at_each_check() {
    let mut watch = Watch::new(json!({"enforceDataTimeouts": true}));
    let meta = |timeout: f64| json!({"meta": [{"path": "x", "value": {"timeout": timeout}}]});
    watch.value(0, "x", json!(1));
    watch.value(0, "y", json!(1));
    assert!(watch.stale(5000).is_empty());
    // In the model, but not said to the stage: it does not look there again for a path without a timeout.
    let told = json!({"updates": [meta(1.0)]}).to_string();
    watch.view.apply(&Judged::accepted(watch.intake.take(&told, DeltaVersion::V1).delta.expect("a delta")));
    assert!(watch.stale(10_000).is_empty());
    watch.give(10_000, meta(12.0));
    assert!(watch.stale(11_000).is_empty());
    watch.give(11_000, meta(11.0));
    assert_eq!(watch.stale(11_001), ["x"]);
}

#[actix::test]
async fn what_was_taken_out_does_not_come_back_as_a_null() {
    let mut watch = Watch::new(json!({"enforceDataTimeouts": true, "useDefaultTimeouts": true, "defaultTimeout": 10}));
    watch.value(0, "x", json!(1));
    watch.give(0, json!({"$source": "other", "values": [{"path": "x", "value": 2}, {"path": "y", "value": 2}]}));
    let model = DataModel::new(watch.view.clone()).start();
    assert!(model.send(ForgetSource(SourceRef::new("other").expect("a name"))).await.expect("the model lives"));
    assert_eq!(watch.stale(10_001), ["x"], "of the source that is left");
    assert!(watch.stage.watched.is_empty());
}

/// Takes what the broker tells of switches.
struct Listener(Arc<Mutex<Vec<String>>>);
impl Actor for Listener {
    type Context = actix::Context<Self>;
}
impl Handler<SourcesSwitched> for Listener {
    type Result = ();
    fn handle(&mut self, SourcesSwitched(switches): SourcesSwitched, _: &mut Self::Context) {
        let mut told = self.0.lock().expect("no panic");
        told.extend(switches.iter().map(|switch| format!("{} {}", switch.path, switch.to)));
    }
}

#[actix::test]
async fn a_path_that_another_source_has_taken_over_does_not_become_null() {
    // SK-155, SK-162
    tokio::time::pause();
    let own = Context::new("vessels.urn:mrn:imo:mmsi:1").expect("a context");
    let view = ModelView::new(Identity::new(own.clone()));
    let model = DataModel::new(view.clone()).start();
    let settings = json!({"enforceDataTimeouts": true, "useDefaultTimeouts": true, "defaultTimeout": 20});
    let control = StalenessControl::new(serde_json::from_value(settings).expect("settings"));
    let stage = Staleness::new(view.clone(), &control).expect("names");
    let ranking = json!({"groups": [{"id": "g", "sources": ["a", "b"]}]});
    let switches = Arc::new(Mutex::new(Vec::new()));
    let broker = Broker::new(model.clone().recipient(), model.recipient())
        .judging(own.clone(), &serde_json::from_value(ranking).expect("settings"))
        .telling_switches(Listener(switches.clone()).start().recipient())
        .with_stages(vec![Box::new(stage)])
        .start();
    let intake =
        Intake { self_context: own, provider: Provider::new("test").expect("a name"), override_timestamps: false };
    let send = async |source: &str, value: u32| {
        let text = json!({"updates": [{"$source": source, "values": [{"path": "x", "value": value}]}]}).to_string();
        let deltas = vec![intake.take(&text, DeltaVersion::V1).delta.expect("a delta")];
        let publish = Publish { provider: intake.provider.id.clone(), origin: Origin::NONE, deltas };
        broker.send(publish).await.expect("the broker lives");
    };
    let read = |field: &str| view.node(&["vessels", "self", "x"]).map(|leaf| leaf[field].clone()).unwrap_or_default();
    send("a", 1).await;
    for second in 1..=40 {
        send("b", 100 + second).await;
        let expected = if second > 15 { json!(100 + second) } else { json!(1) };
        // When the broker has answered twice, it has published everything.
        for _ in 0..2 {
            broker.send(windlass_broker::CollectPreferredSources).await.expect("the broker lives");
        }
        assert_eq!(read("value"), expected, "{second} s after the last value of a");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(read("values")["a"]["value"], Value::Null, "a is known to be silent");
    assert_eq!(*switches.lock().expect("no panic"), ["x a", "x b"]);
    // It comes back as soon as it has something to say.
    send("a", 2).await;
    send("b", 200).await;
    broker.send(windlass_broker::CollectPreferredSources).await.expect("the broker lives");
    assert_eq!(read("value"), json!(2));
}
