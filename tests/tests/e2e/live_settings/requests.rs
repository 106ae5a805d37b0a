//! How requests and streams are treated.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use windlass_tests::{Continuity, Frame, PATIENCE, Server, Stream};

use super::{changed, hold, refused};

/// Waits for a ping.
async fn pinged(stream: &mut Stream) {
    let start = Instant::now();
    while stream.next_frame(PATIENCE).await != Some(Frame::Ping) {
        assert!(start.elapsed() < PATIENCE, "no ping comes");
    }
}

#[tokio::test]
async fn connected_clients_are_pinged_as_often_as_is_set_now() {
    let server = Server::start().await;
    let mut stream = Stream::connect(&server, "subscribe=none").await;
    let flow = Continuity::start(&server).await;
    // Long enough that a busy machine does not lose the client over a late pong.
    let set = async |interval| changed(&server, json!({"options": {"wsPingInterval": interval}})).await;
    hold(&set(json!(1000)).await, &["options.wsPingInterval"]);
    pinged(&mut stream).await;
    pinged(&mut stream).await;
    hold(&set(json!(false)).await, &["options.wsPingInterval"]);
    // One may be on its way; then it is silent for a time in which there were three.
    let start = Instant::now();
    while stream.next_frame(Duration::from_secs(3)).await.is_some() {
        assert!(start.elapsed() < PATIENCE, "it is still pinged, or was disconnected");
    }
    hold(&set(json!(1000)).await, &["options.wsPingInterval"]);
    pinged(&mut stream).await;
    flow.finish().await;
}

#[tokio::test]
async fn proxies_are_trusted_and_requests_logged_from_the_next_one_on() {
    let server = Server::start().await;
    let flow = Continuity::start(&server).await;
    let ask = async |path: &str, client: &str| {
        let headers = [("X-Forwarded-For", client)];
        assert_eq!(server.request(Method::GET, path, &headers, None).await.status, 200);
    };
    assert_eq!(server.post("/skServer/debug", &json!({"value": "windlass::access"})).await.status, 200);
    ask("/signalk?token=secret", "198.51.100.1").await;
    let line = server.logs().wait_for(&["127.0.0.1 GET /signalk 200"]).await;
    assert!(!line.contains("secret"), "{line}");
    hold(&changed(&server, json!({"options": {"trustProxy": true}})).await, &["options.trustProxy"]);
    ask("/signalk", "198.51.100.2").await;
    server.logs().wait_for(&["198.51.100.2 GET /signalk 200"]).await;
    hold(&changed(&server, json!({"options": {"trustProxy": false}})).await, &["options.trustProxy"]);
    ask("/signalk", "198.51.100.3").await;
    hold(&changed(&server, json!({"options": {"accessLogging": false}})).await, &["options.accessLogging"]);
    ask("/signalk/v1/api/self", "198.51.100.4").await;
    hold(&changed(&server, json!({"options": {"accessLogging": true}})).await, &["options.accessLogging"]);
    ask("/signalk/v1/apps/list", "198.51.100.5").await;
    server.logs().wait_for(&["GET /signalk/v1/apps/list 200"]).await;
    assert_eq!(server.logs().find(&["GET /signalk/v1/api/self"]), None, "it was off");
    assert_eq!(server.logs().find(&["198.51.100.3"]), None, "nobody is trusted");
    flow.finish().await;
}

#[tokio::test]
async fn nonsense_changes_nothing() {
    let server = Server::start().await;
    for (body, words) in [
        (json!({"options": {"mdns": "yes"}, "pruneContextsMinutes": 1}), "/options/mdns"),
        (json!({"options": {"mdns": false}, "port": 70_000}), "/port"),
        (json!({"options": {"wsPingInterval": 1}}), "/options/wsPingInterval"),
        (json!({"options": {"wsPingInterval": 1000}, "staleness": {"defaultTimeout": -1}}), "/defaultTimeout"),
        (json!({"options": {"trustProxy": "friends"}}), "/options/trustProxy"),
    ] {
        refused(&server, body, &[words]).await;
    }
}
