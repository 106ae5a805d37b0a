//! PUT requests that plugins handle.

use super::script::assembly_script;
use super::*;

/// Asks for a value to be changed.
async fn put(server: &Server, path: &str, body: &Json) -> Answer {
    let url = format!("/signalk/v1/api/{path}");
    server.request(Method::PUT, &url, &[], Some(body.to_string())).await
}

const REGISTER: &str = "sk_register_put_handler";
const RADIUS: &str = "navigation.anchor.maxRadius";

/// A plugin with PUT handlers: path, and the body of its handler's export if it has one.
fn with_put_handlers(handlers: &[(&str, Option<&str>)]) -> WatPlugin {
    let mut plugin = WatPlugin::new().body("allocate", ALLOCATE).env(REGISTER, "(param i32 i32 i32 i32) (result i32)");
    let mut start = String::new();
    for (path, body) in handlers {
        start += &format!("(call $must_be (i32.const 1) (call ${REGISTER} @\"vessels.self\" @\"{path}\"))");
        if let Some(body) = body {
            let name = format!("handle_put_vessels_self_{path}").replace(['.', '-'], "_");
            plugin = plugin.field(handler(&name, body));
        }
    }
    plugin.start(start)
}

fn says(answer: &str) -> String {
    format!("(call $answer (local.get $to) @'{answer}'@)")
}

#[tokio::test]
async fn put_requests_are_handled_by_plugins() {
    let radius = format!(
        "(if (result i32) (i32.eq (i32.load8_u (local.get $at)) (i32.const 53)) (then {}) (else {}))",
        says(r#"{"state":"COMPLETED","statusCode":400,"message":"Radius must be 10 or more"}"#),
        says(r#"{"state":"COMPLETED","statusCode":200,"message":"Radius set"}"#),
    );
    let (pending, bad) = (says(r#"{"state":"PENDING"}"#), says("oops"));
    // The request is the value alone: its length is the answer's code.
    let length = says(r#"{"state":"COMPLETED","statusCode":299}"#);
    let length = format!("(if (i32.ne (local.get $length) (i32.const 13)) (then (return {}))) {length}", says("{}"));
    let plugin = with_put_handlers(&[
        (RADIUS, Some(&radius)),
        ("steering.slow", Some(&pending)),
        ("steering.with-dash", Some(&length)),
        ("steering.bad", Some(&bad)),
        ("steering.missing", None),
        ("steering.trap", Some("unreachable")),
    ]);
    let options = install(options(), "anchor", plugin.wasm(), json!({}));
    // ABI-66
    let denied = WatPlugin::new()
        .env(REGISTER, "(param i32 i32 i32 i32) (result i32)")
        .start(format!("(call $must_be (i32.const 0) (call ${REGISTER} @\"vessels.self\" @\"steering.denied\"))"));
    let server = install(options, "denied", denied.wasm(), json!({"wasmCapabilities": {}})).start().await;
    let status = in_state(&server, "anchor", "running").await;
    assert_eq!(status["statusMessage"], "held", "{status}");
    let status = in_state(&server, "denied", "running").await;
    assert_eq!((&status["statusMessage"], &status["deniedCalls"]), (&json!("held"), &json!(1)), "{status}");

    // ABI-62
    let path = "vessels/self/navigation/anchor/maxRadius";
    let answer = put(&server, path, &json!({"value": 30})).await;
    let reply = answer.json();
    assert_eq!((answer.status.as_u16(), &reply["state"]), (200, &json!("COMPLETED")), "{reply}");
    assert_eq!((&reply["statusCode"], &reply["message"]), (&json!(200), &json!("Radius set")), "{reply}");
    assert_eq!(reply["href"], format!("/signalk/v1/requests/{}", reply["requestId"].as_str().expect("an id")));
    assert!(reply.get("action").is_none(), "{reply}");
    let answer = put(&server, path, &json!({"value": 5})).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["message"]), (400, &json!("Radius must be 10 or more")));
    for same in
        ["vessels/urn:mrn:imo:mmsi:230099999/navigation/anchor/maxRadius", "vessels/self/navigation.anchor.maxRadius"]
    {
        assert_eq!(put(&server, same, &json!({"value": 30, "source": "anchor"})).await.status, 200, "{same}");
    }
    let text = json!({"value": {"a": 1.0, "b": "ø"}});
    assert_eq!(
        put(&server, "vessels/self/steering/with-dash", &text).await.status,
        500,
        "{{\"a\":1,\"b\":\"ø\"}} has 16 bytes"
    );
    assert_eq!(put(&server, "vessels/self/steering/with-dash", &json!({"value": [1.0, "ø", null]})).await.status, 299);

    // ABI-63
    let answer = put(&server, "vessels/self/steering/slow", &json!({"value": null})).await;
    let reply = answer.json();
    assert_eq!((answer.status.as_u16(), &reply["state"]), (202, &json!("PENDING")), "{reply}");
    assert_eq!(reply["action"]["href"], reply["href"], "{reply}");
    assert_eq!(server.json(reply["href"].as_str().expect("an address")).await, reply);
    let unknown = server.get("/signalk/v1/requests/none").await;
    assert_eq!((unknown.status.as_u16(), unknown.text.as_str()), (404, "Unable to check request: not found"));

    // ABI-67
    let meta = |meta: &Json| meta["supportsPut"] == true;
    let publisher = json!({"updates": [{"values": [{"path": RADIUS, "value": 30}]}]});
    let mut stream = windlass_tests::Stream::connect(&server, "subscribe=none").await;
    stream.send(&publisher).await;
    server.eventually("/signalk/v1/api/vessels/self/navigation/anchor/maxRadius/meta", meta).await;
    // Whoever feeds a path handles its PUTs when nobody else does (signalk-v1 §6.5); here nobody is to be left.
    stream.close().await;
    server.eventually("/windlass/statistics", |all| all["stream"]["clients"] == 0).await;

    for (path, body, code, message) in [
        ("vessels/self/steering/unknown", json!({"value": 1}), 405, "PUT not supported for steering.unknown"),
        ("vessels/self/steering/denied", json!({"value": 1}), 405, "PUT not supported for steering.denied"),
        ("vessels/other/navigation/anchor/maxRadius", json!({"value": 1}), 405, "PUT not supported"),
        (path, json!({"value": 30, "source": "denied"}), 405, "PUT not supported"),
        (path, json!({"value": 30, "source": "nobody"}), 405, "PUT not supported"),
        // ABI-65
        ("vessels/self/steering/missing", json!({"value": 1}), 501, "Handler not implemented"),
        ("vessels/self/steering/bad", json!({"value": 1}), 500, "Handler error: "),
        ("vessels/self/steering/trap", json!({"value": 1}), 500, "Handler error: "),
    ] {
        let answer = put(&server, path, &body).await;
        let reply = answer.json();
        assert_eq!((answer.status.as_u16(), &reply["state"]), (code, &json!("COMPLETED")), "{path}: {reply}");
        assert_eq!(reply["statusCode"], code, "{path}: {reply}");
        assert!(reply["message"].as_str().is_some_and(|text| text.contains(message)), "{path}: {reply}");
    }
    // After the crash it is away for a second; that is not the same as nobody handling the path.
    let answer = put(&server, path, &json!({"value": 30})).await;
    assert!([503, 200].contains(&answer.status.as_u16()), "{}", answer.text);
    in_state(&server, "anchor", "running").await;
    for (body, text) in [("{}", "input is missing a value"), ("", "input is missing a value")] {
        let url = format!("/signalk/v1/api/{path}");
        let answer = send(&server, Method::PUT, &url, "application/json", body).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (400, text), "{body:?}");
        let plain = send(&server, Method::PUT, &url, "text/plain", r#"{"value":1}"#).await;
        assert_eq!((plain.status.as_u16(), plain.text.as_str()), (400, text));
        assert_eq!(send(&server, Method::PUT, &url, "application/json", "{oops").await.status, 400);
    }
    let short = put(&server, "vessels/self", &json!({"value": 1})).await;
    assert_eq!((short.status.as_u16(), short.text.as_str()), (400, "invalid path"));
    let deleted = server.request(Method::DELETE, &format!("/signalk/v1/api/{path}"), &[], None).await;
    assert_eq!((deleted.status.as_u16(), &deleted.json()["state"]), (405, &json!("COMPLETED")));

    // ABI-66
    for (change, state, code) in [("disable", "stopped", 405), ("enable", "running", 200), ("restart", "running", 200)]
    {
        server.post(&format!("/plugins/anchor/{change}"), &json!({})).await;
        in_state(&server, "anchor", state).await;
        assert_eq!(put(&server, path, &json!({"value": 30})).await.status.as_u16(), code, "{change}");
    }
}

#[tokio::test]
async fn a_path_with_several_put_handlers_needs_a_source() {
    let answering = |text: &str| {
        let answer = format!("{{\"state\":\"SUCCESS\",\"message\":\"{text}\"}}");
        with_put_handlers(&[(RADIUS, Some(&says(&answer)))]).wasm()
    };
    let options = install(options(), "first", answering("first"), json!({}));
    let options = install(options, "@s/second", answering("second"), json!({}));
    // ABI-64
    let handler = format!(
        "(func (export \"handle_put_vessels_self_{}\") (param $value i32) (result i32)
            (call $join @'{{\"state\":\"COMPLETED\",\"statusCode\":202,\"message\":\"'@ (local.get $value) @'\"}}'@))",
        "script_level"
    );
    let register = format!("(import \"env\" \"{REGISTER}\" (func $register (param i32 i32 i32 i32) (result i32)))");
    let texts = "(data (i32.const 100) \"vessels.self\") (data (i32.const 200) \"script.level\")";
    let start = "(drop (call $register (i32.const 100) (i32.const 12) (i32.const 200) (i32.const 12)))";
    let script = assembly_script(&register, start, &[], &format!("{handler} {texts}"));
    let server = install(options, "script", script, json!({})).start().await;
    for name in ["first", "@s/second", "script"] {
        in_state(&server, name, "running").await;
    }
    let answer = put(&server, "vessels/self/script/level", &json!({"value": 42.0})).await;
    let reply = answer.json();
    assert_eq!((answer.status.as_u16(), &reply["message"]), (202, &json!("42")), "{reply}");

    let path = "vessels/self/navigation/anchor/maxRadius";
    let answer = put(&server, path, &json!({"value": 1})).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert!(answer.text.contains("multiple sources"), "{}", answer.text);
    for (source, text) in [("first", "first"), ("_s_second", "second"), ("@s/second", "second")] {
        let answer = put(&server, path, &json!({"value": 1, "source": source})).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["message"]), (200, &json!(text)), "{source}");
    }
    server.post("/plugins/first/disable", &json!({})).await;
    in_state(&server, "first", "stopped").await;
    assert_eq!(put(&server, path, &json!({"value": 1})).await.json()["message"], "second");
}
