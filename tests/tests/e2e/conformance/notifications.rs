//! Group G: notifications and zones.

use reqwest::Method;
use serde_json::json;
use windlass_tests::{Json, Publisher, Server, ServerOptions, Stream, Value, delta, rows, run_table};

use super::{MMSI, NAME, own_context};

/// Has zones in baseDeltas.json.
const DEPTH: &str = "environment.depth.belowKeel";
const NORMAL: &str = "Value is within normal range";

#[tokio::test]
async fn group_g_notifications_and_zones() {
    let zones = json!([{"upper": 2, "state": "alarm", "message": "Aground"}, {"upper": 5, "state": "warn"}]);
    let base = json!([
        {"context": "vessels.self", "updates": [{"values": [{"path": "", "value": {"name": NAME, "mmsi": MMSI}}]}]},
        {"context": "vessels.self", "updates": [{"meta": [{"path": DEPTH, "value": {"zones": zones}}]}]},
    ]);
    let server = ServerOptions::new().json_file("baseDeltas.json", &base).start().await;
    let rows = rows![
        [117, 118, 119] entering_notifies_staying_is_quiet_and_leaving_is_normal,
        [117, 119] zones_may_be_configured_in_base_deltas,
        [118] what_is_no_number_is_in_no_zone,
        [117] other_vessels_have_no_zones,
        [120] a_zone_has_its_lower_bound_and_not_its_upper,
        [121] the_first_of_overlapping_zones_counts,
        [122] the_method_comes_from_the_metadata,
        [123] managed_notifications_have_an_id_and_a_status,
        [123] without_the_manager_they_are_as_they_were_made,
        [124] removing_the_zones_clears_the_notification,
        [117, 118, 123] an_alarm_is_still_in_force_after_a_power_cut,
    ];
    run_table(&server, rows).await;
}

/// Somebody who measures one path, and somebody who hears its notifications.
struct Watched<'a> {
    server: &'a Server,
    path: &'static str,
    instrument: Publisher,
    alarms: Stream,
    marks: u32,
}

impl<'a> Watched<'a> {
    /// Each check has a path of its own.
    async fn new(server: &'a Server, path: &'static str) -> Self {
        let mut alarms = Stream::connect(server, "subscribe=none").await;
        let row = |path: String| json!({"path": path, "policy": "instant"});
        let rows = json!([row(format!("notifications.{path}")), row(format!("mark.{path}"))]);
        alarms.subscribe("vessels.self", rows).await;
        let mut watched = Self { server, path, instrument: Publisher::connect(server).await, alarms, marks: 0 };
        assert_eq!(watched.told().await, [], "nothing is said about {path} yet");
        watched
    }

    fn address(&self, below: &str) -> String {
        format!("/signalk/v1/api/vessels/self/{}{below}", self.path.replace('.', "/"))
    }

    /// Sets metadata, and waits until it holds.
    async fn set(&mut self, below: &str, value: Json) {
        let body = json!({"value": value}).to_string();
        let path = self.address(&format!("/meta{below}"));
        let pending = self.server.request(Method::PUT, &path, &[], Some(body)).await;
        assert_eq!(pending.status, 202, "{}", pending.text);
        let href = pending.json()["href"].as_str().expect("an href").to_owned();
        let done = self.server.eventually(&href, |request| request["state"] == "COMPLETED").await;
        assert_eq!(done["statusCode"], 200, "{done}");
    }

    /// Measures values one after the other; the notifications that this makes.
    async fn measure(&mut self, values: impl IntoIterator<Item = impl Into<Json>>) -> Vec<Value> {
        for value in values {
            self.instrument.send(&delta("g.instrument", self.path, value)).await;
        }
        self.told().await
    }

    /// The notifications since the last call. What comes of the values that arrive together is said after all of them, so there is a
    /// fence, which has been seen by others, before the mark. What is behind the mark was said after it: a connection keeps the order.
    async fn told(&mut self) -> Vec<Value> {
        self.marks += 1;
        self.instrument.value("g.fence", &format!("fence.{}", self.path), self.marks).await;
        let (path, mark) = (format!("mark.{}", self.path), self.marks);
        self.instrument.send(&delta("g.mark", &path, mark)).await;
        let mut told = self.alarms.read_until("the mark", |value| value.path == path && value.value == mark).await;
        told.retain(|value| value.path != path);
        told
    }

    /// Measures a value that makes exactly one notification.
    async fn alarm(&mut self, value: impl Into<Json>) -> Json {
        let value = value.into();
        let mut told = self.measure([value.clone()]).await;
        assert_eq!(told.len(), 1, "{value}: {told:?}");
        let Value { context, path, value, source, .. } = told.remove(0);
        assert_eq!((context, path), (own_context(), format!("notifications.{}", self.path)));
        assert_eq!(source, "self.notificationhandler");
        // Over REST it is the same.
        let leaf = self.server.tree(&format!("vessels/self/notifications/{}", self.path.replace('.', "/"))).await;
        assert_eq!((&leaf["value"], &leaf["$source"]), (&value, &json!("self.notificationhandler")));
        value
    }
}

/// What people see of a notification.
fn shown(notification: &Json) -> (&str, &str, &Json) {
    let text = |key: &str| notification[key].as_str().unwrap_or_default();
    (text("state"), text("message"), &notification["method"])
}

async fn entering_notifies_staying_is_quiet_and_leaving_is_normal(server: &Server) {
    let mut watched = Watched::new(server, "test.zones.entered").await;
    let zones = json!([
        {"lower": 10, "upper": 20, "state": "warn", "message": "High"},
        {"lower": 20, "state": "alarm", "message": "Much too high"},
    ]);
    watched.set("", json!({"zones": zones, "warnMethod": ["visual", "sound"]})).await;
    assert_eq!(watched.told().await, [], "no value, no alarm");
    assert_eq!(shown(&watched.alarm(12).await), ("warn", "High", &json!(["visual", "sound"])));
    assert_eq!(watched.measure([12.0, 13.5, 19.9, 10.0]).await, []);
    assert_eq!(shown(&watched.alarm(25).await), ("alarm", "Much too high", &json!(["visual"])));
    assert_eq!(watched.measure([26, 1000]).await, []);
    assert_eq!(shown(&watched.alarm(5).await), ("normal", NORMAL, &json!(["visual"])));
    assert_eq!(watched.measure([6, -7]).await, []);
    let states = watched.measure([11, 21, 3]).await;
    let states: Vec<_> = states.iter().map(|told| told.value["state"].clone()).collect();
    assert_eq!(states, ["warn", "alarm", "normal"], "each change is told, in order");
}

async fn zones_may_be_configured_in_base_deltas(server: &Server) {
    let mut watched = Watched::new(server, DEPTH).await;
    assert_eq!(server.tree("vessels/self/environment/depth/belowKeel/meta/zones").await[0]["message"], "Aground");
    // The first value is always judged aloud.
    assert_eq!(shown(&watched.alarm(9.5).await), ("normal", NORMAL, &json!(["visual"])));
    assert_eq!(shown(&watched.alarm(4.5).await), ("warn", "undefined < value < 5", &json!(["visual"])));
    assert_eq!(watched.measure([4.4, 2.0]).await, []);
    assert_eq!(shown(&watched.alarm(1.9).await), ("alarm", "Aground", &json!(["visual"])));
}

async fn what_is_no_number_is_in_no_zone(server: &Server) {
    let mut watched = Watched::new(server, "test.zones.odd").await;
    watched.set("", json!({"zones": [{"lower": 10, "state": "warn"}]})).await;
    for odd in [json!(null), json!("30"), json!({"value": 30}), json!(true), json!([30])] {
        assert_eq!(watched.alarm(30).await["state"], "warn");
        assert_eq!(shown(&watched.alarm(odd.clone()).await), ("normal", NORMAL, &json!(["visual"])), "{odd}");
    }
}

async fn other_vessels_have_no_zones(server: &Server) {
    let mut watched = Watched::new(server, "test.zones.others").await;
    watched.set("", json!({"zones": [{"lower": 10, "state": "warn"}]})).await;
    let mut theirs = delta("g.other", watched.path, 30);
    theirs["context"] = json!("vessels.urn:mrn:imo:mmsi:230055555");
    watched.instrument.send(&theirs).await;
    assert_eq!(watched.told().await, []);
    let tree = server.tree("vessels/urn:mrn:imo:mmsi:230055555").await;
    assert_eq!((&tree["test"]["zones"]["others"]["value"], tree.get("notifications")), (&json!(30), None));
    assert_eq!(watched.alarm(30).await["state"], "warn");
}

async fn a_zone_has_its_lower_bound_and_not_its_upper(server: &Server) {
    let mut watched = Watched::new(server, "test.zones.bounds").await;
    let zones = json!([
        {"lower": 10, "upper": 20, "state": "warn"},
        {"lower": null, "upper": 0, "state": "alert"},
        {"lower": 100, "state": "alarm"},
    ]);
    watched.set("", json!({"zones": zones})).await;
    let (inside, below, above) = ("10 < value < 20", "undefined < value < 0", "100 < value < undefined");
    for (value, state, message) in [
        (10.0, "warn", inside),
        (9.999, "normal", NORMAL),
        (19.999, "warn", inside),
        (20.0, "normal", NORMAL),
        (-0.001, "alert", below),
        (0.0, "normal", NORMAL),
        (-1e12, "alert", below),
        (99.999, "normal", NORMAL),
        (100.0, "alarm", above),
        (50.0, "normal", NORMAL),
        (1e12, "alarm", above),
    ] {
        assert_eq!(shown(&watched.alarm(value).await), (state, message, &json!(["visual"])), "{value}");
    }
}

async fn the_first_of_overlapping_zones_counts(server: &Server) {
    let mut watched = Watched::new(server, "test.zones.overlap").await;
    let (wide, high) = (json!({"lower": 10, "upper": 30, "state": "warn"}), json!({"lower": 20, "state": "alarm"}));
    watched.set("", json!({"zones": [wide, high]})).await;
    assert_eq!(watched.alarm(25).await["state"], "warn");
    assert_eq!(watched.alarm(30).await["state"], "alarm");
    watched.set("/zones", json!([high, wide])).await;
    assert_eq!(watched.told().await, [], "other zones are told with the next value");
    assert_eq!(watched.alarm(25).await["state"], "alarm");
    assert_eq!(watched.alarm(19).await["state"], "warn");
}

async fn the_method_comes_from_the_metadata(server: &Server) {
    let mut watched = Watched::new(server, "test.zones.method").await;
    let states = ["nominal", "alert", "warn", "alarm", "emergency"];
    let zones: Vec<_> =
        states.iter().zip(1..).map(|(state, n)| json!({"lower": n, "upper": n + 1, "state": state})).collect();
    let meta = json!({"zones": zones, "normalMethod": [], "warnMethod": ["sound"], "alarmMethod": ["visual", "sound"],
        "emergencyMethod": null, "alertMethod": "sound"});
    watched.set("", meta).await;
    for (value, state, method) in [
        (1, "nominal", json!(["visual"])),
        // What is no list is as good as nothing.
        (2, "alert", json!(["visual"])),
        (3, "warn", json!(["sound"])),
        (4, "alarm", json!(["visual", "sound"])),
        (5, "emergency", json!([])),
        (6, "normal", json!([])),
    ] {
        let alarm = watched.alarm(value).await;
        assert_eq!((&alarm["state"], &alarm["method"]), (&json!(state), &method));
    }
    watched.set("/warnMethod", json!(["visual"])).await;
    assert_eq!(watched.alarm(3).await["method"], json!(["visual"]), "from the next notification on");
}

async fn managed_notifications_have_an_id_and_a_status(server: &Server) {
    let mut watched = Watched::new(server, "test.zones.managed").await;
    let mut frames = Stream::connect(server, "subscribe=none").await;
    frames.subscribe("vessels.self", json!([{"path": "notifications.test.zones.managed"}])).await;
    watched
        .set("", json!({"zones": [{"lower": 10, "upper": 20, "state": "alarm"}, {"lower": 20, "state": "emergency"}]}))
        .await;
    let mut ids = Vec::new();
    for (value, silence, acknowledge) in [(15, true, true), (25, false, true), (5, false, false)] {
        let alarm = watched.alarm(value).await;
        let status = json!({"silenced": false, "acknowledged": false, "canSilence": silence,
            "canAcknowledge": acknowledge, "canClear": false});
        assert_eq!(alarm["status"], status, "{value}");
        let update = frames.next_delta().await["updates"][0].clone();
        assert_eq!(update["notificationId"], alarm["id"], "{update}");
        ids.push(alarm["id"].as_str().expect("an id").to_owned());
    }
    assert!(ids[0].len() == 36 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    // The same alarm of somebody else is another one, and one that is taken back is over.
    let alarm = json!({"state": "alarm", "method": ["visual"], "message": "Bilge"});
    for (source, value) in [("g.one", alarm.clone()), ("g.two", alarm), ("g.one", Json::Null)] {
        watched.instrument.send(&delta(source, "notifications.test.zones.managed", value)).await;
    }
    let [one, two, gone] = &watched.told().await[..] else { panic!("three notifications") };
    assert!(one.value["id"].is_string() && one.value["id"] != two.value["id"] && one.value["id"] != ids[0].as_str());
    assert_eq!((&gone.value["id"], &gone.value["state"]), (&one.value["id"], &json!("normal")));
    assert_eq!((&gone.value["method"], &gone.value["message"]), (&json!([]), &json!("")));
}

async fn without_the_manager_they_are_as_they_were_made(_: &Server) {
    let server = ServerOptions::new()
        .vessel(NAME, MMSI)
        .setting("notifications", json!({"manageNotifications": false}))
        .start()
        .await;
    let mut watched = Watched::new(&server, "test.zones.plain").await;
    watched.set("", json!({"zones": [{"lower": 10, "state": "alarm", "message": "Hot"}]})).await;
    let expected = json!({"state": "alarm", "method": ["visual"], "message": "Hot"});
    assert_eq!(watched.alarm(11).await, expected);
}

async fn removing_the_zones_clears_the_notification(server: &Server) {
    let mut watched = Watched::new(server, "test.zones.removed").await;
    let zones = json!([{"lower": 10, "state": "alarm"}]);
    watched.set("", json!({"zones": zones, "normalMethod": ["visual"]})).await;
    assert_eq!(watched.alarm(11).await["state"], "alarm");
    watched.set("/zones", Json::Null).await;
    let [cleared] = &watched.told().await[..] else { panic!("one notification") };
    assert_eq!((&cleared.value["state"], &cleared.value["method"]), (&json!("normal"), &json!([])));
    assert_eq!(watched.measure([11, 5, 12]).await, [], "there is nothing to watch any more");
    watched.set("/zones", zones).await;
    assert_eq!(watched.alarm(12).await["state"], "alarm");
}

async fn an_alarm_is_still_in_force_after_a_power_cut(_: &Server) {
    const PATH: &str = "test.zones.kept";
    let address = format!("vessels/self/notifications/{}", PATH.replace('.', "/"));
    let server = ServerOptions::new().vessel(NAME, MMSI).start().await;
    let mut watched = Watched::new(&server, PATH).await;
    watched.set("", json!({"zones": [{"lower": 10, "state": "alarm", "message": "Hot"}]})).await;
    watched.alarm(11).await;
    let before = server.tree(&address).await;
    let memory = server.directory().join("serverstate/zones.json");
    let deadline = std::time::Instant::now() + windlass_tests::PATIENCE;
    while !std::fs::read_to_string(&memory).is_ok_and(|text| text.contains(PATH)) {
        assert!(std::time::Instant::now() < deadline, "the alarm is not written down");
        tokio::time::sleep(windlass_tests::BETWEEN_LOOKS).await;
    }
    drop(watched);
    let ended = server.kill().await;
    let server = ServerOptions::new().directory(&ended.directory).start().await;
    let after = server.eventually(&format!("/signalk/v1/api/{address}"), |_| true).await;
    assert_eq!(after, before, "with its id and its time, before anything was measured");
    // The client that connects now hears of it.
    let mut late = Stream::connect(&server, "").await;
    assert_eq!(late.wait_for_path(&format!("notifications.{PATH}")).await.value, before["value"]);
    let mut instrument = Publisher::connect(&server).await;
    instrument.send(&delta("g.instrument", PATH, 3)).await;
    let is_over = |value: &Value| value.path == format!("notifications.{PATH}") && value.value["state"] == "normal";
    let over = late.wait_for("the end of the alarm", is_over).await;
    assert_eq!(over.value["id"], before["value"]["id"]);
}
