//! What plugins emit, read and are given.

use serde_json::{Value, json};
use windlass_broker::DeltaVersion;

use super::guest::GuestSource;
use super::server::{SELF, Server, delta};

fn enabled() -> Value {
    json!({"enabled": true, "configuration": {}})
}

#[actix::test]
async fn what_a_plugin_emits_is_in_the_model_under_its_id() {
    // ABI-11, ABI-34
    let mut server = Server::new().await;
    let guest = GuestSource::new()
        .text("delta", r#"{"updates":[{"values":[{"path":"test.a","value":101300.0}]}]}"#)
        .start("(call $emit @delta (i32.const 1)) (i32.const 0)");
    server.install("@scope/emitter", &guest, json!({}));
    server.configure("_scope_emitter", enabled());
    let manager = server.manager();
    assert_eq!(server.values("test.a", 1).await, [json!(101300)]);
    let leaf = server.view.node(&["vessels", "self", "test", "a"]).expect("a leaf");
    assert_eq!((&leaf["value"], &leaf["$source"]), (&json!(101300), &json!("_scope_emitter")));
    assert!(leaf["timestamp"].is_string(), "{leaf}");
    let status = server.until_state(&manager, "@scope/emitter", "running").await;
    assert_eq!((&status["statusMessage"], &status["abi"]), (&json!("Started"), &json!("buffer")));
    assert_eq!(server.board.get("_scope_emitter").expect("an entry").message, "Started");
    manager.stop_all().await;
}

#[actix::test]
async fn deltas_come_in_order_and_in_the_agreed_form() {
    // ABI-47, ABI-48
    let mut server = Server::new().await;
    let guest = GuestSource::new()
        .report("seen", "test.seen")
        .delta_handler("(call $report @seen (local.get $at) (local.get $len))");
    server.install("reader", &guest, json!({"signalk": {"wasm": {"subscriptions": ["input.*"]}}}));
    server.configure("reader", enabled());
    let manager = server.manager();
    server.until_state(&manager, "reader", "running").await;
    server.publish(delta("other.thing", json!(0))).await;
    for n in 0..300 {
        server.publish(delta("input.n", json!(n))).await;
    }
    server.publish_version(delta("input.two", json!(2.0)), DeltaVersion::V2).await;
    server.publish(json!({"updates": [{"meta": [{"path": "input.m", "value": {"units": "m"}}]}]})).await;
    let foreign =
        json!({"context": "vessels.urn:mrn:imo:mmsi:1", "updates": [{"values": [{"path": "input.f", "value": 1}]}]});
    server.publish(foreign).await;
    let seen = server.values("test.seen", 303).await;
    let numbers: Vec<_> = seen[..300].iter().map(|d| d["updates"][0]["values"][0]["value"].clone()).collect();
    assert_eq!(numbers, (0..300).map(Value::from).collect::<Vec<_>>());
    assert_eq!((&seen[0]["context"], &seen[302]["context"]), (&json!(SELF), &json!("vessels.urn:mrn:imo:mmsi:1")));
    assert_eq!(seen[300]["updates"][0]["values"], json!([{"path": "input.two", "value": 2}]));
    assert_eq!(seen[301]["updates"][0]["meta"], json!([{"path": "input.m", "value": {"units": "m"}}]));
    // What the guest gets is the text itself: `path` first, no white space.
    assert!(seen[0].to_string().contains(r#""values":[{"path":"input.n","value":0}]"#), "{}", seen[0]);
    let status = manager.status("reader").await.expect("a plugin");
    assert_eq!((&status["queuedDeltas"], &status["droppedDeltas"]), (&json!(0), &json!(0)));
    manager.stop_all().await;
}

#[actix::test]
async fn an_own_delta_comes_back_after_the_call_that_emitted_it() {
    // ABI-49
    let mut server = Server::new().await;
    let guest = GuestSource::new()
        .text("one", "1")
        .text("two", "2")
        .report("echo", "test.echo")
        // Trap when called inside the call that emits.
        .delta_handler(
            r#"(if (i32.ge_u (global.get $count) (i32.const 100)) (then (unreachable)))
               (global.set $count (i32.add (global.get $count) (i32.const 101)))
               (if (i32.eq (global.get $count) (i32.const 101)) (then (call $report @echo @one)))
               (if (i32.eq (global.get $count) (i32.const 102)) (then (call $report @echo @two)))
               (global.set $count (i32.sub (global.get $count) (i32.const 100)))"#,
        );
    server.install("echo", &guest, json!({}));
    server.configure("echo", enabled());
    let manager = server.manager();
    server.until_state(&manager, "echo", "running").await;
    server.publish(delta("input.a", json!(1))).await;
    assert_eq!(server.values("test.echo", 2).await, [json!(1), json!(2)]);
    assert_eq!(manager.status("echo").await.expect("a plugin")["crashCount"], 0);
    manager.stop_all().await;
}

#[actix::test]
async fn a_plugin_can_not_speak_as_another() {
    let mut server = Server::new().await;
    let emit = |source: &str| {
        let delta =
            format!(r#"{{"updates":[{{"$source":"{source}","values":[{{"path":"test.s","value":"{source}"}}]}}]}}"#);
        GuestSource::new().text("delta", delta).start("(call $emit @delta (i32.const 1)) (i32.const 0)")
    };
    for (id, source) in [("alpha", "beta"), ("beta", "radar.1"), ("gamma", "gamma.x")] {
        server.install(id, &emit(source), json!({}));
        server.configure(id, enabled());
    }
    let manager = server.manager();
    let mut updates = server.updates("test.s", 3).await;
    updates.sort_by_key(|(_, value)| value.to_string());
    let sources: Vec<_> = updates.iter().map(|(source, _)| source.as_str()).collect();
    assert_eq!(sources, ["alpha.beta", "gamma.x", "radar.1"]);
    manager.stop_all().await;
}

#[actix::test]
async fn bad_deltas_are_counted_and_good_parts_survive() {
    // ABI-36
    let mut server = Server::new().await;
    let guest = GuestSource::new()
        .text("bad", "{not json")
        .text("none", r#"{"a":1}"#)
        .text("mixed", r#"{"updates":[{"values":[null]},{"values":[{"path":"test.good","value":1}]}]}"#)
        .start(
            "(call $emit @bad (i32.const 1)) (call $emit @none (i32.const 1)) (call $emit @mixed (i32.const 1)) (i32.const 0)",
        );
    server.install("sloppy", &guest, json!({}));
    server.configure("sloppy", enabled());
    let manager = server.manager();
    assert_eq!(server.values("test.good", 1).await, [json!(1)]);
    let status = server.until_state(&manager, "sloppy", "running").await;
    assert_eq!((&status["refusedDeltas"], &status["crashCount"]), (&json!(3), &json!(0)));
    manager.stop_all().await;
}

#[actix::test]
async fn capabilities_and_lookups_hold() {
    // ABI-37, ABI-38
    let mut server = Server::new().await;
    server.publish(delta("navigation.speedOverGround", json!(3.50))).await;
    let reading = GuestSource::new().text("path", "navigation.speedOverGround").report("found", "test.found").start(
        r#"(call $report @found (i32.const 65536) (call $get @path (i32.const 65536) (i32.const 100)))
               (i32.const 0)"#,
    );
    server.install("reading", &reading, json!({}));
    let mute = GuestSource::new()
        .text("delta", r#"{"updates":[{"values":[{"path":"test.mute","value":1}]}]}"#)
        .start("(call $emit @delta (i32.const 1)) (i32.const 0)");
    server.install("mute", &mute, json!({"wasmCapabilities": {"dataWrite": false}}));
    for id in ["reading", "mute"] {
        server.configure(id, enabled());
    }
    let manager = server.manager();
    assert_eq!(server.values("test.found", 1).await, [json!(3.5)]);
    let status = server.until_state(&manager, "mute", "running").await;
    assert_eq!(status["deniedCalls"], 1);
    assert_eq!(server.values_so_far("test.mute"), [] as [Value; 0]);
    manager.stop_all().await;
}
