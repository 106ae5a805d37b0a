//! Resources, weather data, radars and binary streams of plugins.

use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::{Value as Json, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};
use tokio_tungstenite::{WebSocketStream, client_async};
use windlass_tests::{Server, ServerOptions, Stream};

/// Longer than anything here takes; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(60);
const ID: &str = "5a3f2b1c-0d9e-4c8b-9a7f-1234567890ab";
const OTHER: &str = "6a3f2b1c-0d9e-4c8b-9a7f-1234567890ab";

/// A plugin of the buffer ABI. In its code, `@name` stands for pointer and length of a text, handlers get `$at` and `$len` (the request),
/// and these functions can be called: `$put` (pointer, length) appends to the answer, `$request` appends the request to the answer,
/// `$has` (pointer, length) tells whether the request contains a text, `$stored` whether it is about the resource that was stored last.
struct Guest {
    texts: Vec<(&'static str, String)>,
    start: String,
    rest: String,
}

const LIBRARY: &str = r#"
    (import "env" "sk_register_resource_provider" (func $resources (param i32 i32) (result i32)))
    (import "env" "sk_register_weather_provider" (func $weather (param i32 i32) (result i32)))
    (import "env" "sk_register_radar_provider" (func $radar (param i32 i32) (result i32)))
    (import "env" "sk_radar_emit_spokes" (func $spokes (param i32 i32 i32 i32) (result i32)))
    (import "env" "sk_emit_binary_stream" (func $stream (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 64)
    (global $free (mut i32) (i32.const 0x300000))
    (global $out (mut i32) (i32.const 0))
    (global $written (mut i32) (i32.const 0))
    (global $at (mut i32) (i32.const 0))
    (global $len (mut i32) (i32.const 0))
    (global $kept (mut i32) (i32.const 0))
    (func (export "allocate") (param $size i32) (result i32) (local $at i32)
        (local.set $at (global.get $free))
        (if (i32.gt_u (local.get $size) (i32.sub (i32.const 0x400000) (local.get $at))) (then (return (i32.const 0))))
        (global.set $free (i32.add (local.get $at) (local.get $size)))
        (local.get $at))
    (func $name (export "plugin_name") (param $to i32) (param i32) (result i32)
        (i32.store8 (local.get $to) (i32.const 80)) (i32.const 1))
    (func (export "plugin_schema") (param $to i32) (param i32) (result i32)
        (i32.store16 (local.get $to) (i32.const 0x7d7b)) (i32.const 2))
    (func (export "plugin_stop") (result i32) (i32.const 0))
    (func $begin (param $at i32) (param $len i32) (param $out i32)
        (global.set $at (local.get $at)) (global.set $len (local.get $len))
        (global.set $out (local.get $out)) (global.set $written (i32.const 0)))
    (func $put (param $from i32) (param $size i32)
        (memory.copy (i32.add (global.get $out) (global.get $written)) (local.get $from) (local.get $size))
        (global.set $written (i32.add (global.get $written) (local.get $size))))
    (func $request (call $put (global.get $at) (global.get $len)))
    (func $same (param $a i32) (param $b i32) (param $size i32) (result i32)
        (block $yes (loop $next
            (br_if $yes (i32.eqz (local.get $size)))
            (if (i32.ne (i32.load8_u (local.get $a)) (i32.load8_u (local.get $b))) (then (return (i32.const 0))))
            (local.set $a (i32.add (local.get $a) (i32.const 1)))
            (local.set $b (i32.add (local.get $b) (i32.const 1)))
            (local.set $size (i32.sub (local.get $size) (i32.const 1)))
            (br $next)))
        (i32.const 1))
    (func $has (param $text i32) (param $size i32) (result i32) (local $i i32)
        (block $no (loop $next
            (br_if $no (i32.gt_s (i32.add (local.get $i) (local.get $size)) (global.get $len)))
            (if (call $same (i32.add (global.get $at) (local.get $i)) (local.get $text) (local.get $size))
                (then (return (i32.const 1))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $next)))
        (i32.const 0))
    ;; A request to set a waypoint is kept whole: {"id":"<uuid>","value":<value>,"resourceType":"waypoints"}.
    (func $keep
        (memory.copy (i32.const 0x200000) (global.get $at) (global.get $len))
        (global.set $kept (global.get $len)))
    (func $stored (result i32)
        (if (i32.eqz (global.get $kept)) (then (return (i32.const 0))))
        (call $same (global.get $at) (i32.const 0x200000) (i32.const 44)))
    (func $put_id (call $put (i32.const 0x200006) (i32.const 38)))
    (func $put_value (call $put (i32.const 0x200035) (i32.sub (global.get $kept) (i32.const 81))))
"#;

impl Guest {
    fn new(start: &str) -> Self {
        Self { texts: Vec::new(), start: start.to_owned(), rest: String::new() }
    }

    fn text(mut self, name: &'static str, text: &str) -> Self {
        self.texts.push((name, text.to_owned()));
        self
    }

    fn handler(mut self, name: &str, code: &str) -> Self {
        self.rest += &format!(
            "(func (export \"{name}\") (param $at i32) (param $len i32) (param $out i32) (param i32) (result i32)
                (call $begin (local.get $at) (local.get $len) (local.get $out)) {code} (global.get $written))"
        );
        self
    }

    /// A function that gets no request.
    fn getter(mut self, name: &str, code: &str) -> Self {
        self.rest += &format!(
            "(func (export \"{name}\") (param $out i32) (param i32) (result i32)
                (call $begin (i32.const 0) (i32.const 0) (local.get $out)) {code} (global.get $written))"
        );
        self
    }

    fn poll(mut self, code: &str) -> Self {
        self.rest += &format!("(func (export \"poll\") (result i32) {code} (i32.const 0))");
        self
    }

    fn wasm(&self) -> Vec<u8> {
        let mut code = format!(
            "(func (export \"plugin_start\") (param i32 i32) (result i32) {} (i32.const 0)) {}",
            self.start, self.rest
        );
        let (mut data, mut at) = (String::new(), 1024);
        let mut texts = self.texts.clone();
        // Longer names first, so that none is taken for the start of another.
        texts.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        for (name, text) in texts {
            code = code.replace(&format!("@{name}"), &format!("(i32.const {at}) (i32.const {})", text.len()));
            let escaped: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
            data += &format!("(data (i32.const {at}) \"{escaped}\")");
            at += text.len();
        }
        wat::parse_str(format!("(module {LIBRARY} {data} {code})")).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Installs and enables a plugin that may provide everything.
fn install(options: ServerOptions, name: &str, id: &str, guest: &Guest) -> ServerOptions {
    let capabilities = json!({"resourceProvider": true, "weatherProvider": true, "radarProvider": true});
    install_restricted(options, name, guest, &capabilities)
        .json_file(format!("plugin-config-data/{id}.json"), &json!({"enabled": true, "configuration": {}}))
}

/// Installs a plugin that may do this, without enabling it.
fn install_restricted(options: ServerOptions, name: &str, guest: &Guest, capabilities: &Json) -> ServerOptions {
    let package = json!({"name": name, "version": "1.0.0", "keywords": ["signalk-wasm-plugin"],
        "wasmManifest": "plugin.wasm", "wasmCapabilities": capabilities});
    options
        .json_file(format!("node_modules/{name}/package.json"), &package)
        .file(format!("node_modules/{name}/plugin.wasm"), guest.wasm())
}

async fn until_running(server: &Server, id: &str) {
    server.eventually(&format!("/skServer/plugins/{id}/status"), |status| status["state"] == "running").await;
}

async fn put(server: &Server, path: &str, body: &Json) -> (u16, Json) {
    let answer = server.request(Method::PUT, path, &[], Some(body.to_string())).await;
    (answer.status.as_u16(), answer.json())
}

async fn delete(server: &Server, path: &str) -> u16 {
    server.request(Method::DELETE, path, &[], None).await.status.as_u16()
}

fn failed(status: u16, message: &str) -> (u16, Json) {
    (status, json!({"state": "FAILED", "statusCode": status, "message": message}))
}

fn completed(status: u16, message: &str) -> (u16, Json) {
    (status, json!({"state": "COMPLETED", "statusCode": status, "message": message}))
}

/// Keeps one waypoint, and shows what a list of the type `echo` was asked with.
fn keeper() -> Guest {
    Guest::new("(drop (call $resources @waypoints)) (drop (call $resources @echo)) (drop (call $weather @display))")
        .text("waypoints", "waypoints")
        .text("echo", "echo")
        .text("display", "Test weather")
        .text("asked", r#"{"asked":"#)
        .text("end", "}")
        .text("colon", ":")
        .text("open", "{")
        .text("echotype", r#""resourceType":"echo"}"#)
        .text("refuse", "refuse me")
        .text("full", "disk full")
        .text("unknown", r#"{"error":"no such resource"}"#)
        .text("observation", r#"[{"type":"observation","asked":"#)
        .text("daily", r#"[{"type":"point"},{"type":"daily","asked":"#)
        .text("close", "}]")
        .handler(
            "resources_list_resources",
            "(if (call $has @echotype) (then (call $put @asked) (call $request) (call $put @end))
             (else (if (global.get $kept)
                (then (call $put @open) (call $put_id) (call $put @colon) (call $put_value) (call $put @end)))))",
        )
        .handler("resources_get_resource", "(if (call $stored) (then (call $put_value)) (else (call $put @unknown)))")
        .handler("resources_set_resource", "(if (call $has @refuse) (then (call $put @full)) (else (call $keep)))")
        .handler(
            "resources_delete_resource",
            "(if (call $stored) (then (global.set $kept (i32.const 0))) (else (call $put @unknown)))",
        )
        .handler("weather_get_observations", "(call $put @observation) (call $request) (call $put @close)")
        .handler("weather_get_forecasts", "(call $put @daily) (call $request) (call $put @close)")
}

/// Provides waypoints, has none, and takes none.
fn refuser() -> Guest {
    Guest::new("(drop (call $resources @waypoints))")
        .text("waypoints", "waypoints")
        .text("full", "disk full")
        .text("unknown", r#"{"error":"no such resource"}"#)
        .handler("resources_list_resources", "")
        .handler("resources_get_resource", "(call $put @unknown)")
        .handler("resources_set_resource", "(call $put @full)")
        .handler("resources_delete_resource", "(call $put @full)")
}

fn waypoint(name: &str) -> Json {
    json!({"name": name, "feature": {"type": "Feature", "geometry": {"type": "Point", "coordinates": [24.5, 60]}}})
}

#[tokio::test]
async fn resources_of_plugins_are_read_and_written() {
    // ABI-68, ABI-69, ABI-70, ABI-73
    let options = install(ServerOptions::new(), "@test/keeper", "_test_keeper", &keeper());
    let server = install(options, "refuser", "refuser", &refuser()).setting("mine", json!([1])).start().await;
    until_running(&server, "_test_keeper").await;
    until_running(&server, "refuser").await;
    let base = "/signalk/v2/api/resources";
    let types = server.json(base).await;
    assert_eq!(types["waypoints"], json!({"description": "Path containing waypoint resources"}), "{types}");
    assert_eq!((server.json(&format!("{base}/waypoints/")).await, types["routes"].clone()), (json!({}), Json::Null));

    // What the plugin is asked, key by key.
    let echo = server.get(&format!("{base}/echo?limit=5&name=Home&box=[1,2]")).await.text;
    assert_eq!(echo, r#"{"asked":{"limit":5,"name":"Home","box":[1,2],"resourceType":"echo"}}"#);

    let mut stream = Stream::connect(&server, "subscribe=none").await;
    stream.subscribe("vessels.self", json!([{"path": "resources.*"}])).await;
    let path = format!("{base}/waypoints/{ID}");
    let home = waypoint("Home");
    assert_eq!(put(&server, &format!("{path}?provider=@test/keeper"), &home).await, completed(200, ID));
    let delta = stream.wait_for_path(&format!("resources.waypoints.{ID}")).await;
    assert_eq!((&delta.value, delta.source.as_str()), (&home, "_test_keeper"));
    assert_eq!(server.json(&path).await, home);
    assert_eq!(server.json(&format!("{base}/waypoints")).await, json!({ID: home}));
    let name = server.json(&format!("{path}/feature/geometry/type")).await;
    assert_eq!((&name["value"], &name["$source"]), (&json!("Point"), &json!("_test_keeper")));
    assert!(name["timestamp"].is_string(), "{name}");
    for unknown in [format!("{base}/waypoints/{OTHER}"), format!("{path}?provider=refuser"), format!("{path}/colour")] {
        let answer = server.get(&unknown).await;
        let id = if unknown.contains(OTHER) { OTHER } else { ID };
        let expected = failed(404, &format!("Resource not found! ({id})"));
        assert_eq!((answer.status.as_u16(), answer.json()), expected, "{unknown}");
    }

    // The default does not take what somebody else has.
    let default = format!("{base}/waypoints/_providers/_default");
    let answer = server.post(&format!("{default}/refuser"), &json!({})).await;
    assert_eq!((answer.status.as_u16(), answer.json()), completed(201, "refuser"));
    assert_eq!(server.json(&default).await, json!("refuser"));
    let saved = std::fs::read_to_string(server.directory().join("settings.json")).expect("settings are saved");
    let saved: Json = serde_json::from_str(&saved).expect("JSON");
    let expected = json!({"mine": [1], "resourcesApi": {"defaultProviders": {"waypoints": "refuser"}}});
    assert_eq!(saved, expected);
    let moved = waypoint("Moved");
    assert_eq!(put(&server, &path, &moved).await, completed(200, ID));
    assert_eq!(server.json(&path).await, moved);

    // What a plugin refuses is an error, and no delta.
    let refused = format!("Error saving waypoints resource ({OTHER})!");
    assert_eq!(put(&server, &format!("{base}/waypoints/{OTHER}"), &home).await, failed(404, &refused));
    assert_eq!(put(&server, &path, &waypoint("refuse me")).await.0, 404);
    let answer = server.post(&format!("{base}/waypoints"), &home).await;
    assert_eq!(
        (answer.status.as_u16(), answer.text.contains("Error saving waypoints")),
        (400, true),
        "{}",
        answer.text
    );
    assert_eq!(put(&server, &format!("{base}/waypoints/harbour"), &home).await.0, 400);
    assert_eq!(put(&server, &path, &json!({"name": "nowhere"})).await.0, 400);
    let failures = server.statistics().await["providers"]["failures"].clone();
    assert_eq!(failures["refuser"]["resources_set_resource"], 2, "{failures}");

    assert_eq!(delete(&server, &format!("{base}/waypoints/{OTHER}")).await, 404);
    assert_eq!(delete(&server, &path).await, 200);
    let gone = stream.wait_for("the deletion", |value| value.path.ends_with(ID) && value.value.is_null()).await;
    assert_eq!(gone.source, "_test_keeper");
    assert_eq!(server.get(&path).await.status, 404);
    let answer = server.post(&format!("{base}/waypoints?provider=_test_keeper"), &home).await;
    let id = answer.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!((answer.status.as_u16(), answer.json()["state"].clone()), (201, json!("COMPLETED")));
    assert_eq!(server.json(&format!("{base}/waypoints/{id}")).await, home);

    for (path, message) in [
        (format!("{base}/waypoints/_providers/_default/nobody"), "Resource provider not found for waypoints!"),
        (format!("{base}/ghosts/_providers/_default/refuser"), "Invalid resource type (ghosts) supplied!"),
    ] {
        let answer = server.post(&path, &json!({})).await;
        assert_eq!((answer.status.as_u16(), answer.json()), failed(400, message));
    }
    for path in ["ghosts", "ghosts/x", "waypoints?provider=nobody", "ghosts/_providers"] {
        let answer = server.get(&format!("{base}/{path}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (404, "text/html; charset=utf-8"),
            "{path}"
        );
    }
    let answer = server.get(&format!("{base}/waypoints?limit=0")).await;
    assert_eq!((answer.status.as_u16(), answer.text.contains("limit")), (400, true), "{}", answer.text);

    // With the plugin goes what it provides.
    let features = server.json("/signalk/v2/features?enabled=true").await;
    let listed = |features: &Json| features["plugins"].as_array().expect("a list").iter().any(|p| p["id"] == "refuser");
    assert!(listed(&features) && features["apis"] == json!(["resources", "weather", "radar"]), "{features}");
    server.post("/skServer/plugins/refuser/disable", &json!({})).await;
    assert_eq!(server.json(&format!("{base}/waypoints/_providers")).await, json!(["_test_keeper"]));
    assert!(!listed(&server.json("/signalk/v2/features?enabled=1").await));
    assert!(listed(&server.json("/signalk/v2/features?enabled=false").await));
    server.post("/skServer/plugins/_test_keeper/disable", &json!({})).await;
    assert_eq!(server.json(base).await, json!({}));
    assert_eq!(server.json("/signalk/v2/api/weather/_providers").await, json!({}));
}

#[tokio::test]
async fn weather_of_plugins_is_served() {
    // ABI-71, ABI-73
    let server = install(ServerOptions::new(), "@test/keeper", "_test_keeper", &keeper()).start().await;
    until_running(&server, "_test_keeper").await;
    let base = "/signalk/v2/api/weather";
    let listed = json!({"_test_keeper": {"name": "Test weather", "isDefault": true}});
    assert_eq!(server.json(&format!("{base}/_providers")).await, listed);
    assert_eq!(server.json(&format!("{base}/_providers/_default")).await, json!({"id": "_test_keeper"}));
    let query = "lat=0&lon=-24.5&count=2&date=2026-05-01&model=gfs";
    let options = json!({"maxCount": 2, "startDate": "2026-05-01", "custom": {"model": "gfs"}});
    let position = json!({"latitude": 0.0, "longitude": -24.5});
    let observed = json!([{"type": "observation", "asked": {"position": position, "options": options}}]);
    let by_name = format!("{base}/observations?{query}&provider=@test/keeper");
    assert_eq!(server.json(&by_name).await, observed);
    let asked = json!({"position": position, "type": "daily", "options": options});
    assert_eq!(
        server.json(&format!("{base}/forecasts/daily?{query}")).await,
        json!([{"type": "daily", "asked": asked}])
    );
    assert_eq!(server.json(&format!("{base}/forecasts/point?{query}")).await, json!([{"type": "point"}]));
    assert_eq!(server.json(&format!("{base}/warnings?{query}")).await, json!([]), "it has no such function");
    for (path, message) in [
        ("observations?lat=1", "Location not supplied!"),
        ("warnings?lat=1&lon=east", "Invalid position data!"),
        ("forecasts/daily?lat=1&lon=1&provider=nobody", "Requested provider not found! (nobody)"),
    ] {
        let answer = server.get(&format!("{base}/{path}")).await;
        assert_eq!((answer.status.as_u16(), answer.json()), failed(400, message), "{path}");
    }
    let answer = server.post(&format!("{base}/_providers/_default/@test/keeper"), &json!({})).await;
    assert_eq!((answer.status.as_u16(), answer.json()), completed(200, "Default provider set to _test_keeper."));
    let answer = server.post(&format!("{base}/_providers/_default/nobody"), &json!({})).await;
    assert_eq!((answer.status.as_u16(), answer.json()), failed(400, "Provider nobody not found!"));
    server.post("/skServer/plugins/_test_keeper/disable", &json!({})).await;
    let answer = server.get(&format!("{base}/observations?{query}")).await;
    assert_eq!((answer.status.as_u16(), answer.json()), failed(400, "No providers registered!"));
    // The next start brings it back.
    server.post("/skServer/plugins/_test_keeper/enable", &json!({})).await;
    assert_eq!(server.json(&format!("{base}/_providers")).await, listed);
}

/// A radar whose power can be set in one way or the other.
fn radar(ids: &str, power: &str, right: &str, wrong: &str) -> Guest {
    Guest::new("(drop (call $radar @display))")
        .text("display", "Test radar")
        .text("ids", ids)
        .text("info", r#"{"name":"Test","brand":"None","radarIpAddress":"192.0.2.1"}"#)
        .text("state", r#"{"status":"standby","controls":{"gain":{"auto":true}}}"#)
        .text("good", "true")
        .text("success", r#"{"success":true,"targetId":7}"#)
        .text("general", r#""controlId":"power","value":"transmit""#)
        .text("typed", r#""state":"transmit""#)
        .text("bad", r#"{"success":false,"error":"the wrong function"}"#)
        .getter("radar_get_radars", "(call $put @ids)")
        .handler("radar_get_radar_info", "(call $put @info)")
        .handler("radar_get_state", "(call $put @state)")
        .handler("radar_acquire_target", "(call $put @success)")
        .handler(power, &format!("(if (call $has {right}) (then (call $put @good)) (else (call $put {wrong})))"))
}

#[tokio::test]
async fn radars_of_plugins_are_controlled() {
    // ABI-72
    let typed = radar(r#"["one"]"#, "radar_set_power", "@typed", "@bad");
    let general =
        radar(r#"["two"]"#, "radar_set_control", "@general", "@bad").handler("radar_set_power", "(call $put @bad)");
    let options = install(ServerOptions::new(), "typed", "typed", &typed);
    let server = install(options, "general", "general", &general).start().await;
    until_running(&server, "typed").await;
    until_running(&server, "general").await;
    let base = "/signalk/v2/api/vessels/self/radars";
    let answer = server.get(base).await;
    let info = json!({"name": "Test", "brand": "None", "radarIpAddress": "192.0.2.1"});
    assert_eq!(answer.json(), json!({"version": "3.4.0", "radars": {"one": info, "two": info}}));
    assert_eq!(answer.header("cache-control"), "no-cache");
    assert_eq!(server.json(&format!("{base}/one")).await, info);
    assert_eq!(server.json(&format!("{base}/_providers")).await["typed"]["name"], "Test radar");
    for radar in ["one", "two"] {
        let power = format!("{base}/{radar}/power");
        assert_eq!(put(&server, &power, &json!({"value": "transmit"})).await, completed(200, "OK"), "{radar}");
        assert_eq!(put(&server, &power, &json!({"value": "standby"})).await, failed(400, "the wrong function"));
        assert_eq!(put(&server, &power, &json!({"value": "on"})).await.0, 400);
    }
    let unsupported = failed(501, "Provider does not support gain");
    assert_eq!(put(&server, &format!("{base}/one/gain"), &json!({"auto": true})).await, unsupported);
    assert_eq!(put(&server, &format!("{base}/one/controls/power"), &json!("transmit")).await.0, 200);
    assert_eq!(put(&server, &format!("{base}/two"), &json!({"power": "transmit"})).await.0, 200);
    assert_eq!(
        put(&server, &format!("{base}/three/power"), &json!({"value": "off"})).await,
        failed(404, "Resource not found.")
    );
    assert_eq!(server.json(&format!("{base}/one/controls/gain")).await, json!({"auto": true}));
    assert_eq!(server.json(&format!("{base}/one/state")).await["status"], "standby");
    for (path, status) in [("one/capabilities", 501), ("one/controls/sea", 404), ("three", 404), ("one/targets", 501)] {
        let answer = server.get(&format!("{base}/{path}")).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["state"]), (status, &json!("FAILED")), "{path}");
        assert_eq!(answer.header("cache-control"), "no-cache");
    }
    let answer = server.post(&format!("{base}/one/targets"), &json!({"bearing": 1.5, "distance": 900})).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["targetId"]), (201, &json!(7)), "{}", answer.text);
    assert_eq!(server.post(&format!("{base}/one/targets"), &json!({"bearing": 7, "distance": 900})).await.status, 400);
    // ABI-73
    server.post("/skServer/plugins/typed/disable", &json!({})).await;
    assert_eq!(server.get(&format!("{base}/one")).await.status, 404);
    assert_eq!(server.get(&format!("{base}/two")).await.status, 200);
}

type Socket = WebSocketStream<TcpStream>;

/// Opens a WebSocket whose system buffer for what arrives is small.
async fn open(server: &Server, path: &str) -> Socket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let address = server.address().parse().expect("an address");
    let tcp = socket.connect(address).await.expect("the server listens");
    let (socket, _) = client_async(format!("ws://{}{path}", server.address()), tcp).await.expect("a WebSocket");
    socket
}

/// The next message that is no ping; `Err` with the reason when it is a close.
async fn next(socket: &mut Socket) -> Result<Vec<u8>, CloseFrame> {
    loop {
        let message = timeout(PATIENCE, socket.next()).await.expect("something comes").expect("the stream goes on");
        match message.expect("the connection is whole") {
            Message::Binary(bytes) => return Ok(bytes.to_vec()),
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Close(reason) => return Err(reason.expect("a close has a reason")),
            other => panic!("nothing but frames is sent: {other:?}"),
        }
    }
}

async fn close_of(socket: &mut Socket) -> (u16, String) {
    loop {
        if let Err(reason) = next(socket).await {
            return (reason.code.into(), reason.reason.to_string());
        }
    }
}

/// Sends 20 frames of 64 KiB each second: too few at a time for a client that reads to be given up.
fn flood() -> Guest {
    Guest::new("(drop (call $radar @display))").text("display", "Flood").text("id", "flood").poll(
        "(local $n i32) (loop $next
                (drop (call $spokes @id (i32.const 0x100000) (i32.const 0x10000)))
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if $next (i32.lt_u (local.get $n) (i32.const 20))))",
    )
}

/// Tries once to send a frame of the radar that is another plugin's, one of its own, and one of a stream of its own.
fn intruder() -> Guest {
    let start = "(drop (call $radar @display))
        (drop (call $spokes @foreign @spoke)) (drop (call $spokes @own @spoke)) (drop (call $stream @log @line))";
    Guest::new(start)
        .text("display", "Intruder")
        .text("foreign", "flood")
        .text("own", "own")
        .text("spoke", "SPOKES")
        .text("log", "plugins/@test/intruder/log")
        .text("line", "LINE")
}

#[tokio::test]
async fn a_radar_belongs_to_the_plugin_that_has_the_right_and_was_first() {
    // ABI-74
    let options = install(ServerOptions::new(), "flood", "flood", &flood());
    let may = json!({"radarProvider": true});
    let options = install_restricted(options, "@test/intruder", &intruder(), &may);
    let server = install_restricted(options, "incapable", &intruder(), &json!({})).start().await;
    until_running(&server, "flood").await;
    let mut reader = open(&server, "/signalk/v2/api/vessels/self/radars/flood/spokes").await;
    let mut own = open(&server, "/signalk/v2/api/vessels/self/radars/own/spokes").await;
    assert_eq!(next(&mut reader).await.expect("a frame").len(), 0x10000);
    // Under the package's name as well as under the id.
    let mut lines = Vec::new();
    for name in ["@test/intruder", "_test_intruder"] {
        lines.push(open(&server, &format!("/signalk/v2/api/streams/plugins/{name}/log")).await);
    }
    for plugin in ["incapable", "_test_intruder"] {
        let answer = server.post(&format!("/skServer/plugins/{plugin}/enable"), &json!({})).await;
        assert_eq!(answer.status, 200, "{plugin}: {}", answer.text);
    }
    assert_eq!(next(&mut own).await.expect("a frame"), b"SPOKES");
    for line in &mut lines {
        assert_eq!(next(line).await.expect("a frame"), b"LINE");
    }
    for _ in 0..30 {
        assert_eq!(next(&mut reader).await.expect("a frame").len(), 0x10000, "a frame of somebody else");
    }
    let status = server.json("/skServer/plugins/_test_intruder/status").await;
    assert!(status["notices"].to_string().contains("belongs to the plugin flood"), "{status}");
    let status = server.json("/skServer/plugins/incapable/status").await;
    assert_eq!((&status["state"], &status["deniedCalls"]), (&json!("running"), &json!(3)), "{status}");
    let published = server.statistics().await["binaryStreams"]["streams"].clone();
    assert_eq!(published, 3, "the radars flood and own and the log, and nothing of the plugin without the right");
    let radars = server.json("/signalk/v2/api/vessels/self/radars/_providers").await;
    assert_eq!(radars.as_object().map(|providers| providers.len()), Some(2), "{radars}");
}

#[tokio::test]
async fn frames_reach_those_who_read_and_slow_clients_are_closed() {
    // ABI-75
    let server = install(ServerOptions::new(), "flood", "flood", &flood()).start().await;
    until_running(&server, "flood").await;
    let mut slow = open(&server, "/signalk/v2/api/vessels/self/radars/flood/spokes").await;
    let mut reader = open(&server, "/signalk/v2/api/streams/radars%2Fflood").await;
    let mut other = open(&server, "/signalk/v2/api/streams/radars/other").await;
    assert_eq!(next(&mut reader).await.expect("a frame"), vec![0; 0x10000]);
    // The reader goes on until the other one is given up.
    let mut frames = 1;
    loop {
        assert!(next(&mut reader).await.is_ok(), "a client that reads is not given up");
        frames += 1;
        if frames % 10 == 0 && server.statistics().await["binaryStreams"]["disconnected"] == 1 {
            break;
        }
        assert!(frames < 5000, "the client that does not read is kept");
    }
    let expected = (1008, "Client cannot keep up with data rate".to_owned());
    assert_eq!(close_of(&mut slow).await, expected);
    assert!(next(&mut reader).await.is_ok());
    let statistics = server.statistics().await["binaryStreams"].clone();
    assert_eq!((&statistics["clients"], &statistics["streams"]), (&json!(2), &json!(2)), "{statistics}");
    assert!(statistics["skipped"].as_u64().is_some_and(|skipped| skipped > 30), "{statistics}");

    server.post("/skServer/plugins/flood/disable", &json!({})).await;
    assert_eq!(close_of(&mut reader).await, (1001, "Stream ended".to_owned()));
    // Nobody's stream goes on waiting.
    other.close(None).await.expect("it is open");
    server.eventually("/windlass/statistics", |all| all["binaryStreams"]["streams"] == 0).await;
    for path in ["radars/no%20radar", "plugins/nobody/x", "plugins/flood", "x"] {
        let headers = [("Upgrade", "websocket"), ("Connection", "Upgrade")];
        let answer = server.request(Method::GET, &format!("/signalk/v2/api/streams/{path}"), &headers, None).await;
        assert_eq!(answer.status, 404, "{path}");
    }
}
