//! The endpoints of plugins of the buffer ABI: requests, answers, errors, and when they are there.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use windlass_tests::Continuity;

use super::*;

/// Requests that may wait for one plugin.
const MAX_WAITING: usize = 64;

/// One that answers with a text of so many bytes.
fn long(name: &str, bytes: usize) -> String {
    handler(
        name,
        &format!(
            "(local $end i32)
             (local.set $end (i32.add (local.get $to) (call $answer (local.get $to) @'{{\"body\":\"'@)))
             (memory.fill (local.get $end) (i32.const 120) (i32.const {bytes}))
             (local.set $end (i32.add (local.get $end) (i32.const {bytes})))
             (i32.sub (i32.add (local.get $end) (call $answer (local.get $end) @'\"}}'@)) (local.get $to))"
        ),
    )
}

/// Answers with the request itself.
fn echo() -> String {
    let body = "(local $end i32)
        (local.set $end (i32.add (local.get $to) (call $answer (local.get $to) @'{\"body\":'@)))
        (memory.copy (local.get $end) (local.get $at) (local.get $length))
        (local.set $end (i32.add (local.get $end) (local.get $length)))
        (i32.sub (i32.add (local.get $end) (call $answer (local.get $end) @'}'@)) (local.get $to))";
    handler("echo", body)
}

#[tokio::test]
async fn requests_reach_the_handler_and_its_answer_comes_back() {
    let plugin = with_endpoints(&[
        ("get", "/api/echo/:id", "echo"),
        ("POST", "/api/echo/:id", "echo"),
        ("PUT", "/api/echo/:id", "echo"),
        ("DELETE", "/files/*", "echo"),
        ("GET", "/api/text", "text"),
        ("GET", "/api/json", "json"),
        ("GET", "/api/object", "object"),
        ("GET", "/api/headers", "headers"),
        ("GET", "/api/missing", "no_such_handler"),
        ("GET", "/api/bad", "bad"),
        ("GET", "/api/half", "half"),
        ("GET", "/api/huge", "huge"),
        ("GET", "/api/allocate", "allocate"),
        ("GET", "/api/stop", "plugin_stop"),
        ("GET", "/config", "text"),
        ("get", "/Status/", "text"),
        ("PATCH", "/api/patch", "text"),
        ("GET", "/api/trap", "trap"),
    ])
    .field(echo())
    .field(constant("text", r#"{"headers":{"cOnTeNt-TyPe":"text/plain"},"body":"{ \"a\" : 1.0 }"}"#))
    .field(constant(
        "json",
        r#"{"statusCode":0,"headers":{"content-TYPE":"application/json"},"body":"{ \"a\" : 1.0 }"}"#,
    ))
    .field(constant("object", r#"{"statusCode":201,"body":{"z":1.0,"a":"å"}}"#))
    .field(constant(
        "headers",
        r#"{"headers":{"X-Own":"yes","Connection":"close","Content-Length":"99","bad header":"x"},"body":"x"}"#,
    ))
    .field(constant("bad", "oops"))
    .field(long("half", 500_000))
    .field(long("huge", 16 << 20))
    .field(handler("trap", "unreachable"));
    let server = install(options(), "@scope/probe", plugin.wasm(), json!({})).start().await;
    let status = in_state(&server, "@scope/probe", "running").await;
    let id = "_scope_probe";

    // ABI-53
    let asked = "/api/Echo/%C3%A4%20b/?x=1&y=2&y=3&a[b]=c";
    let answer = server.request(Method::GET, &format!("/plugins/{id}{asked}"), &[("X-Mine", "1")], None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    let request = answer.json();
    let keys: Vec<_> = request.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["method", "path", "query", "params", "body", "headers"]);
    assert_eq!((&request["method"], &request["path"]), (&json!("GET"), &json!("/api/Echo/%C3%A4%20b/")));
    assert_eq!(request["query"], json!({"x": "1", "y": ["2", "3"], "a": {"b": "c"}}));
    assert_eq!((&request["params"], &request["body"]), (&json!({"id": "ä b"}), &json!({})));
    assert_eq!((&request["headers"]["x-mine"], &request["headers"]["host"]), (&json!("1"), &json!(server.address())));
    assert!(answer.text.starts_with(r#"{"method":"GET","path":"#), "compact: {}", answer.text);
    let path = format!("/plugins/{id}/api/echo/7");
    let posted = server.post(&path, &json!({"latitude": 60.5, "list": [1]})).await.json();
    assert_eq!((&posted["method"], &posted["body"]), (&json!("POST"), &json!({"latitude": 60.5, "list": [1]})));
    let form = send(&server, Method::PUT, &path, "application/x-www-form-urlencoded", "a[b]=1&c=%C3%A5").await.json();
    assert_eq!(form["body"], json!({"a": {"b": "1"}, "c": "å"}));
    let text = send(&server, Method::POST, &path, "text/plain", "{\"a\":1}").await.json();
    assert_eq!(text["body"], json!({}));
    let deleted = server.request(Method::DELETE, &format!("/plugins/{id}/files/a/b"), &[], None).await.json();
    assert_eq!((&deleted["method"], &deleted["params"]), (&json!("DELETE"), &json!({"0": "a/b"})));
    for (kind, body, expected) in [("application/json", "{oops", 400), ("application/json", "\"", 400)] {
        assert_eq!(send(&server, Method::POST, &path, kind, body).await.status, expected, "{body}");
    }
    assert_eq!(server.get(&format!("/plugins/{id}/api/echo/%E0")).await.status, 400);
    let too_long = send(&server, Method::POST, &path, "application/json", &" ".repeat((10 << 20) + 1)).await;
    assert_eq!(too_long.status, 413, "{}", too_long.text);

    // ABI-55
    for (path, code, kind, body) in [
        ("text", 200, "text/plain; charset=utf-8", r#"{ "a" : 1.0 }"#),
        ("json", 200, "application/json; charset=utf-8", r#"{"a":1}"#),
        ("object", 201, "application/json; charset=utf-8", r#"{"z":1,"a":"å"}"#),
        ("headers", 200, "text/html; charset=utf-8", "x"),
    ] {
        let answer = server.get(&format!("/plugins/{id}/api/{path}")).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type"), answer.text.as_str()), (code, kind, body));
    }
    let answer = server.get(&format!("/plugins/{id}/api/headers")).await;
    assert_eq!((answer.header("x-own"), answer.header("content-length")), ("yes", "1"));
    let head = server.request(Method::HEAD, &format!("/plugins/{id}/api/text"), &[], None).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));

    // ABI-60: both prefixes, the id and the package name.
    for mount in ["/skServer/plugins/_scope_probe", "/plugins/%40scope%2Fprobe", "/skServer/plugins/@scope%2Fprobe"] {
        assert_eq!(server.get(&format!("{mount}/api/object")).await.status, 201, "{mount}");
        assert_eq!(server.json(&format!("{mount}/status")).await["id"], id, "{mount}");
    }

    // ABI-58, and far beyond it.
    for (path, bytes) in [("half", 500_000), ("huge", 16 << 20)] {
        let answer = server.get(&format!("/plugins/{id}/api/{path}")).await;
        assert_eq!((answer.status.as_u16(), answer.text.len()), (200, bytes));
        assert!(answer.text.bytes().all(|byte| byte == b'x'));
    }

    // ABI-56
    for (path, code, reason) in [
        ("api/missing", 500, "Handler function no_such_handler not found"),
        ("api/bad", 500, "expected value"),
        // ABI-96
        ("api/allocate", 500, "Handler function allocate not found"),
        ("api/stop", 500, "Handler function plugin_stop not found"),
        ("api/unknown", 404, "Cannot GET"),
        ("api/patch", 404, "Cannot GET"),
    ] {
        let answer = server.get(&format!("/plugins/{id}/{path}")).await;
        assert_eq!(answer.status.as_u16(), code, "{path}: {}", answer.text);
        let error = answer.json()["error"].as_str().unwrap_or_default().to_owned();
        assert!(error.contains(reason), "{path}: {error}");
    }
    assert_eq!(server.request(Method::PATCH, &format!("/plugins/{id}/api/patch"), &[], None).await.status, 404);
    assert_eq!(server.get("/plugins/nobody/api/text").await.status, 404);
    // What the management answers is not the plugin's.
    assert_eq!(server.json(&format!("/plugins/{id}/config")).await["enabled"], true);
    assert_eq!(server.post(&format!("/plugins/{id}/status"), &json!({})).await.status, 404);
    let notices = ["/config", "/Status/", "PATCH", "allocate", "plugin_stop", "no_such_handler"];
    assert!(notices.iter().all(|word| has_notice(&status, &[word])), "{status}");
    let status = in_state(&server, "@scope/probe", "running").await;
    assert!(has_notice(&status, &["header", "connection"]) && has_notice(&status, &["bad header"]), "{status}");
    assert_eq!(status["crashCount"], 0, "nothing of this is a crash: {status}");

    let answer = server.get(&format!("/plugins/{id}/api/trap")).await;
    assert_eq!(answer.status, 500);
    assert!(answer.json()["error"].as_str().is_some_and(|text| text.contains("trapped")), "{}", answer.text);
    let status = in_state(&server, "@scope/probe", "running").await;
    assert_eq!(status["crashCount"], 1, "{status}");
    assert_eq!(server.get(&format!("/plugins/{id}/api/text")).await.status, 200);
}

#[tokio::test]
async fn a_handler_that_never_ends_disturbs_nobody() {
    // ABI-57
    let looping = with_endpoints(&[("GET", "/loop", "spin"), ("GET", "/text", "text")])
        .field(handler("spin", "(loop $forever (br $forever)) unreachable"))
        .field(constant("text", r#"{"body":"still here"}"#));
    let polite = with_endpoints(&[("GET", "/text", "text")]).field(constant("text", r#"{"body":"here"}"#));
    let options = install(options(), "looping", looping.wasm(), json!({}));
    let server = install(options, "polite", polite.wasm(), json!({})).start().await;
    in_state(&server, "looping", "running").await;
    in_state(&server, "polite", "running").await;
    let mut flowing = Continuity::start(&server).await;

    let start = Instant::now();
    let waiting = async {
        let answer = server.get("/plugins/looping/loop").await;
        (answer, start.elapsed())
    };
    let others = async {
        for _ in 0..20 {
            assert_eq!(server.get("/plugins/polite/text").await.text, "here");
        }
        start.elapsed()
    };
    let ((answer, waited), others) = tokio::join!(waiting, others);
    assert_eq!(answer.status, 504, "{}", answer.text);
    assert_eq!(answer.json()["error"], "Plugin handler timeout");
    assert!(answer.json()["message"].is_string(), "{}", answer.text);
    assert!(waited >= Duration::from_secs(2), "{waited:?}");
    assert!(others < waited, "the other plugin answered meanwhile: {others:?}, {waited:?}");
    let is_back = |status: &Json| status["state"] == "running" && status["crashCount"] == 1;
    server.eventually("/plugins/looping/status", is_back).await;
    assert_eq!(server.get("/plugins/looping/text").await.text, "still here");

    // More requests than may wait are refused at once, and counted.
    let flood = join_all((0..MAX_WAITING + 20).map(|_| server.get("/plugins/looping/loop"))).await;
    let refused = flood.iter().filter(|answer| answer.header("retry-after") == "1").count();
    assert!(refused > 0, "{:?}", flood.iter().map(|answer| answer.status.as_u16()).collect::<Vec<_>>());
    assert!(flood.iter().all(|answer| [503, 504].contains(&answer.status.as_u16())));
    let is_back = |status: &Json| status["state"] == "running" && status["crashCount"].as_u64() >= Some(2);
    let status = server.eventually("/plugins/looping/status", is_back).await;
    assert_eq!(status["refusedRequests"], refused, "{status}");
    flowing.flows_on(50).await;
    flowing.finish().await;
}

#[tokio::test]
async fn endpoints_are_there_only_while_the_plugin_runs() {
    let plugin = || with_endpoints(&[("GET", "/api", "text")]).field(constant("text", r#"{"body":"here"}"#));
    let undeclared = json!({"wasmCapabilities": {}});
    let options = install(options(), "probe", plugin().wasm(), undeclared);
    let options = install(options, "silent", plugin().wasm(), json!({"wasmCapabilities": {"httpEndpoints": false}}));
    let server = install(options, "sleeping", plugin().wasm(), json!({}))
        .json_file("plugin-config-data/sleeping.json", &json!({"enabled": false}))
        .start()
        .await;
    let status = in_state(&server, "probe", "running").await;
    assert!(has_notice(&status, &["httpEndpoints"]), "{status}");
    assert_eq!(server.get("/plugins/probe/api").await.text, "here", "not declared, but not denied either");

    // ABI-61
    in_state(&server, "silent", "running").await;
    assert_eq!(server.get("/plugins/silent/api").await.status, 404);

    // ABI-59
    for (state, change, code) in [("stopped", "disable", 503), ("running", "enable", 200)] {
        server.post(&format!("/plugins/probe/{change}"), &json!({})).await;
        in_state(&server, "probe", state).await;
        let answer = server.get("/plugins/probe/api").await;
        assert_eq!(answer.status.as_u16(), code, "{}", answer.text);
        assert_eq!(server.get("/plugins/probe/none").await.status, 404);
        if code == 503 {
            assert_eq!(answer.json(), json!({"error": "Plugin not running"}));
        }
    }
    in_state(&server, "sleeping", "stopped").await;
    assert_eq!(server.get("/plugins/sleeping/api").await.status, 503);
    server.post("/plugins/sleeping/enable", &json!({})).await;
    in_state(&server, "sleeping", "running").await;
    assert_eq!(server.get("/plugins/sleeping/api").await.text, "here");
}
