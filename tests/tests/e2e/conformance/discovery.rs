//! Group A: discovery and hello.

use reqwest::Method;
use serde_json::json;
use windlass_tests::{Server, ServerOptions, Stream, rows, run_table};

use super::{MMSI, NAME, is_utc, own_context};

#[tokio::test]
async fn group_a_discovery_and_hello() {
    let server = ServerOptions::new().vessel(NAME, MMSI).start().await;
    let rows = rows![
        [1, 3] discovery_names_the_endpoints,
        [2] discovery_echoes_host_and_port,
        [4] discovery_behind_a_tls_proxy_says_https_and_wss,
        [5] discovery_works_with_a_slash_at_the_end,
        [6] discovery_is_open_without_any_credentials,
        [8] discovery_names_the_server,
        [9, 12] the_stream_begins_with_hello,
        [10] hello_and_rest_agree_on_who_we_are,
        [11] hello_has_the_roles,
    ];
    run_table(&server, rows).await;
}

async fn discovery_names_the_endpoints(server: &Server) {
    let answer = server.get("/signalk").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("application/json"), "{:?}", answer.headers);
    let v1 = &answer.json()["endpoints"]["v1"];
    assert_eq!(v1["signalk-http"], format!("http://{}/signalk/v1/api/", server.address()));
    assert_eq!(v1["signalk-ws"], format!("ws://{}/signalk/v1/stream", server.address()));
    // They are not only well-formed, they work.
    let stream = Stream::open(v1["signalk-ws"].as_str().expect("a text")).await.expect("the address can be opened");
    assert_eq!(stream.own_context(), own_context());
}

async fn discovery_echoes_host_and_port(server: &Server) {
    for host in ["boat.local:3443", "10.1.2.3:80", "boat.local"] {
        let answer = server.request(Method::GET, "/signalk", &[("Host", host)], None).await;
        let v1 = &answer.json()["endpoints"]["v1"];
        assert_eq!(v1["signalk-http"], format!("http://{host}/signalk/v1/api/"));
        assert_eq!(v1["signalk-ws"], format!("ws://{host}/signalk/v1/stream"));
    }
}

async fn discovery_behind_a_tls_proxy_says_https_and_wss(server: &Server) {
    let headers = [("Host", "boat.example"), ("X-Forwarded-Proto", "https")];
    let v1 = &server.request(Method::GET, "/signalk", &headers, None).await.json()["endpoints"]["v1"];
    assert_eq!(v1["signalk-http"], "https://boat.example/signalk/v1/api/");
    assert_eq!(v1["signalk-ws"], "wss://boat.example/signalk/v1/stream");
}

async fn discovery_works_with_a_slash_at_the_end(server: &Server) {
    assert_eq!(server.json("/signalk/").await, server.json("/signalk").await);
}

/// Also where the configuration asks for a login for everything else.
async fn discovery_is_open_without_any_credentials(_: &Server) {
    let server = ServerOptions::new()
        .setting("security", json!({"strategy": "./tokensecurity"}))
        .json_file(
            "security.json",
            &json!({"allow_readonly": false, "secretKey": "c0ffee", "users": [], "devices": []}),
        )
        .start()
        .await;
    let v1 = &server.json("/signalk").await["endpoints"]["v1"];
    assert!(v1["signalk-http"].is_string());
}

async fn discovery_names_the_server(server: &Server) {
    let said = &server.json("/signalk").await["server"];
    for key in ["id", "version"] {
        assert!(said[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {said}");
    }
}

async fn the_stream_begins_with_hello(server: &Server) {
    for query in ["", "subscribe=self", "subscribe=all", "subscribe=none", "sendMeta=all", "serverevents=all"] {
        let stream = Stream::connect(server, query).await;
        let hello = stream.hello();
        for key in ["name", "version", "self", "timestamp"] {
            assert!(hello[key].as_str().is_some_and(|text| !text.is_empty()), "{query}: {key} in {hello}");
        }
        assert!(hello["roles"].is_array(), "{query}: {hello}");
        assert!(is_utc(hello["timestamp"].as_str().expect("checked above")), "{query}: {hello}");
    }
}

async fn hello_and_rest_agree_on_who_we_are(server: &Server) {
    let stream = Stream::connect(server, "").await;
    assert_eq!(stream.own_context(), own_context());
    assert_eq!(server.tree("self").await, stream.own_context());
}

async fn hello_has_the_roles(server: &Server) {
    assert_eq!(Stream::connect(server, "").await.hello()["roles"], json!(["master", "main"]));
}
