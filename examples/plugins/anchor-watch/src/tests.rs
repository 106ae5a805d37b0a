//! The whole plugin on a mock host.

use crate::AnchorWatch;
use serde_json::{Value, json};
use windlass_plugin::testing::{Harness, MockHost};
use windlass_plugin::{Position, Request};

const SELF: &str = "vessels.urn:mrn:imo:mmsi:230099999";

fn server() -> MockHost {
    let server = MockHost::new();
    server.set_self_path("mmsi", json!("230099999"));
    server
}

fn running(config: &str) -> Harness<AnchorWatch> {
    Harness::start_on(server(), config).unwrap()
}

fn position(context: &str, latitude: f64) -> String {
    json!({ "context": context, "updates": [{ "$source": "gps", "values": [
        { "path": "navigation.position", "value": { "latitude": latitude, "longitude": 24.0 } },
    ] }] })
    .to_string()
}

/// What the plugin emitted since the last look.
fn emitted(running: &Harness<AnchorWatch>) -> Vec<(String, Value)> {
    let values = running.host().values();
    running.host().clear_deltas();
    values
}

fn at(latitude: f64, longitude: f64) -> Position {
    Position { latitude, longitude }
}

#[test]
fn a_drag_publishes_distance_and_alarm() {
    let mut running = running("{}");
    assert_eq!(emitted(&running), [("navigation.anchor.maxRadius".to_owned(), json!(50.0))]);
    running.deliver(&position(SELF, 60.0));
    let dropped = emitted(&running);
    assert_eq!(dropped[0], ("navigation.anchor.position".to_owned(), json!({ "latitude": 60.0, "longitude": 24.0 })));
    assert_eq!(dropped[1], ("navigation.anchor.state".to_owned(), json!("on")));
    running.deliver(&position(SELF, 60.001));
    let dragging = emitted(&running);
    let (path, radius) = &dragging[0];
    assert_eq!(path, "navigation.anchor.currentRadius");
    assert!((radius.as_f64().unwrap() - 111.4).abs() < 0.1);
    let (path, notification) = dragging.last().unwrap();
    assert_eq!(path, "notifications.navigation.anchor");
    assert_eq!(notification["state"], "alarm");
    assert_eq!(notification["method"], json!(["visual", "sound"]));
    assert!(running.host().statuses().last().unwrap().contains("dragging"));
}

#[test]
fn other_vessels_are_not_watched() {
    let mut running = running("{}");
    emitted(&running);
    running.deliver(&position("vessels.urn:mrn:imo:mmsi:230011111", 59.0));
    assert_eq!(emitted(&running), []);
}

#[test]
fn positions_that_are_none_are_passed_over() {
    let mut running = running("{}");
    emitted(&running);
    for value in ["null", r#"{"latitude":600,"longitude":24.9}"#, r#""here""#] {
        running.deliver(&format!(
            r#"{{"context":"{SELF}","updates":[{{"values":[{{"path":"navigation.position","value":{value}}}]}}]}}"#
        ));
    }
    assert_eq!(emitted(&running), []);
}

#[test]
fn the_own_context_is_learned_from_the_echo_of_an_own_delta() {
    let mut running = Harness::<AnchorWatch>::start("{}").unwrap();
    running.plugin(|plugin| plugin.own_sources = vec!["anchor".to_owned()]);
    emitted(&running);
    running.deliver(&position(SELF, 60.0));
    assert_eq!(emitted(&running), []);
    running.poll();
    assert_eq!(emitted(&running)[0].0, "navigation.anchor.maxRadius");
    let echo = json!({ "context": SELF, "updates": [{ "$source": "anchor", "values": [
        { "path": "navigation.anchor.maxRadius", "value": 50 } ] }] });
    running.deliver(&echo.to_string());
    running.poll();
    assert_eq!(emitted(&running), []);
    running.deliver(&position(SELF, 60.0));
    assert_eq!(emitted(&running)[0].0, "navigation.anchor.position");
}

#[test]
fn an_anchor_from_before_a_crash_is_found_again() {
    let server = server();
    server.set_self_path("navigation.anchor.position", json!({ "latitude": 60.0, "longitude": 24.0 }));
    let mut running = Harness::<AnchorWatch>::start_on(server, "{}").unwrap();
    assert_eq!(running.plugin(|plugin| plugin.watch.anchor()), Some(at(60.0, 24.0)));
    assert_eq!(running.host().last_value("navigation.anchor.state"), Some(json!("on")));
}

#[test]
fn stopping_clears_what_was_published() {
    let mut running = running("{}");
    emitted(&running);
    running.stop();
    let values = emitted(&running);
    assert!(values.contains(&("navigation.anchor.currentRadius".to_owned(), Value::Null)));
    assert!(values.contains(&("navigation.anchor.position".to_owned(), Value::Null)));
    assert_eq!(values.last().unwrap().1["state"], "normal");
}

#[test]
fn a_bad_configuration_fails_the_start() {
    for (config, named) in [(r#"{"maxRadius":-1}"#, "Alarm radius"), (r#"{"maxRadius":"far"}"#, "configuration")] {
        let error = Harness::<AnchorWatch>::start(config).unwrap_err();
        assert!(error.contains(named), "{error}");
    }
}

#[test]
fn a_broken_delta_is_only_logged() {
    let mut running = running("{}");
    running.deliver("{\"context\":\"navigation.position");
    assert_eq!(running.host().lines().len(), 1);
}

#[test]
fn a_radius_set_by_put_counts_and_is_saved() {
    // ABI-62
    let server = server();
    server.set_config(&json!({ "warnRatio": 0.5 }));
    let mut running = Harness::<AnchorWatch>::start_on(server, r#"{"warnRatio":0.5}"#).unwrap();
    let small = running.plugin(|plugin| plugin.put_max_radius(5.0));
    assert_eq!(small.status(), 400);
    assert!(small.message().unwrap().contains("at least 10 m"), "{small:?}");
    let good = running.plugin(|plugin| plugin.put_max_radius(30.0));
    assert_eq!(good.status(), 200);
    assert_eq!(running.host().last_value("navigation.anchor.maxRadius"), Some(json!(30.0)));
    assert_eq!(running.host().config(), Some(json!({ "warnRatio": 0.5, "maxRadius": 30.0 })));
    running.host().refuse_all();
    let unsaved = running.plugin(|plugin| plugin.put_max_radius(40.0));
    assert_eq!(unsaved.status(), 200);
    assert!(unsaved.message().unwrap().contains("until the next start"), "{unsaved:?}");
}

#[test]
fn the_anchor_is_dropped_and_weighed_by_put() {
    let mut running = running(r#"{"autoDrop":false}"#);
    let next = running.plugin(|plugin| plugin.put_state("on".to_owned()));
    assert!(next.message().unwrap().contains("next position"), "{next:?}");
    running.deliver(&position(SELF, 60.0));
    assert_eq!(running.host().last_value("navigation.anchor.state"), Some(json!("on")));
    assert_eq!(running.plugin(|plugin| plugin.put_state("off".to_owned())).status(), 200);
    assert_eq!(running.host().last_value("navigation.anchor.state"), Some(json!("off")));
    assert_eq!(running.host().last_value("navigation.anchor.currentRadius"), Some(Value::Null));
    assert_eq!(running.plugin(|plugin| plugin.put_state("sideways".to_owned())).status(), 400);
    assert_eq!(running.plugin(|plugin| plugin.put_position(Some(at(60.0001, 24.0)))).status(), 200);
    let radius = running.host().last_value("navigation.anchor.currentRadius").unwrap();
    assert!((radius.as_f64().unwrap() - 11.14).abs() < 0.01, "{radius}");
    assert_eq!(running.plugin(|plugin| plugin.put_position(Some(at(95.0, 24.0)))).status(), 400);
    assert_eq!(running.plugin(|plugin| plugin.put_position(None)).status(), 200);
    assert_eq!(running.host().last_value("navigation.anchor.position"), Some(Value::Null));
}

#[test]
fn the_anchor_is_dropped_by_http() {
    // ABI-52
    let mut running = running(r#"{"autoDrop":false}"#);
    let mut ask = |request: Request| {
        running.plugin(|plugin| match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/api/status") => plugin.http_get_status(&request),
            ("GET", "/api/position") => plugin.http_get_position(&request),
            _ => plugin.http_post_drop(&request).unwrap_or_else(|refused| refused),
        })
    };
    let get = |path: &str| Request::new("GET", path);
    let drop = |body: Value| Request::new("POST", "/api/drop").with_body(body);
    assert_eq!(ask(get("/api/position")).status(), 404);
    for bad in [
        json!({}),
        json!([]),
        json!({ "latitude": "north", "longitude": 1 }),
        json!({ "latitude": 95, "longitude": 24 }),
        json!({ "latitude": 60, "longitude": 24, "maxRadius": 5 }),
    ] {
        let refused = ask(drop(bad.clone()));
        assert_eq!(refused.status(), 400, "{bad}");
        assert!(refused.body().unwrap()["error"].is_string());
    }
    assert_eq!(ask(get("/api/status")).body().unwrap()["state"], "off");
    assert_eq!(ask(drop(json!({ "latitude": 60.1, "longitude": 24.9, "maxRadius": 40 }))).status(), 200);
    assert_eq!(ask(get("/api/position")).body(), Some(&json!({ "latitude": 60.1, "longitude": 24.9 })));
    let status = ask(get("/api/status"));
    let status = status.body().unwrap();
    assert_eq!(
        (&status["state"], &status["maxRadius"], &status["alarm"]),
        (&json!("on"), &json!(40.0), &json!("normal"))
    );
    assert_eq!(status["currentRadius"], Value::Null);
    let dropped = json!({ "latitude": 60.1, "longitude": 24.9 });
    assert_eq!(running.host().last_value("navigation.anchor.position"), Some(dropped));
    assert_eq!(running.host().last_value("navigation.anchor.maxRadius"), Some(json!(40.0)));
}

#[test]
#[should_panic(expected = "crashOnDelta")]
fn crash_on_delta_crashes_in_a_delta() {
    let mut running = running(r#"{"crashOnDelta":true}"#);
    assert_eq!(running.poll(), 0);
    running.deliver("{}");
}

#[test]
#[should_panic(expected = "crashOnPoll")]
fn crash_on_poll_crashes_in_a_poll() {
    let mut running = running(r#"{"crashOnPoll":true}"#);
    running.deliver(&position(SELF, 60.0));
    running.poll();
}
