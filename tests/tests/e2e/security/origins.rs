//! Pages of other origins, framed or under a name that was made to lead here.

use reqwest::Method;
use serde_json::json;
use windlass_tests::{PASSWORD, ServerOptions, Stream, delta};

use super::{raw, status};

const EVIL: &str = "http://evil.example:3000";

#[tokio::test]
async fn a_rebound_name_gives_no_rights_on_an_open_server() {
    let server = ServerOptions::new().start().await;
    let address = format!("ws://{}/signalk/v1/stream?subscribe=none&serverevents=all", server.address());
    let headers = [("Host", "evil.example:3000"), ("Origin", EVIL)];
    let mut page = Stream::open_with(&address, &headers).await.expect("it may read");
    page.send(&delta("evil", "steering.rebound", 42)).await;
    page.send(&json!({"requestId": "1", "put": {"path": "steering.rebound", "value": 1}})).await;
    let refused = page.wait_for_frame("the answer", |frame| frame["requestId"] == "1").await;
    assert_eq!(refused["statusCode"], 403, "{refused}");
    // What only admins see: an event of the log's settings, and the log.
    page.send(&json!({"context": "vessels.self", "subscribe": [{"path": "log"}]})).await;
    page.wait_for_frame("the refusal", |frame| frame["errorMessage"].is_string()).await;

    let mut own = Stream::connect(&server, "subscribe=none").await;
    own.send(&delta("own", "steering.own", 1)).await;
    server.eventually("/signalk/v1/api/vessels/self/steering", |steering| steering["own"].is_object()).await;
    assert_eq!(server.tree_status("vessels/self/steering/rebound").await, 404);
    page.send(&json!({"requestId": "2", "query": true})).await;
    loop {
        let frame = page.next_json().await;
        let kind = frame["type"].as_str().unwrap_or_default();
        assert!(!["LOG", "DEBUG_SETTINGS", "ACCESS_REQUEST"].contains(&kind), "{frame}");
        if frame["requestId"] == "2" {
            break;
        }
    }
}

#[tokio::test]
async fn pages_of_other_origins_see_values_only() {
    let server = ServerOptions::new().start().await;
    let get = |path: &'static str, name: &'static str, value: &'static str| {
        let server = &server;
        async move { server.request(Method::GET, path, &[(name, value)], None).await.status.as_u16() }
    };
    for path in ["/skServer/settings", "/skServer/plugins", "/plugins/no-such-thing", "/skServer/no-such-thing"] {
        assert_eq!(get(path, "Origin", EVIL).await, 403, "{path}");
        assert_eq!(get(path, "Host", "evil.example:3000").await, 403, "{path}");
    }
    for path in ["/signalk/v1/api/vessels/self", "/signalk", "/skServer/loginStatus"] {
        assert_eq!(get(path, "Origin", EVIL).await, 200, "{path}");
        assert_eq!(get(path, "Host", "evil.example:3000").await, 200, "{path}");
    }
    let own = format!("http://{}", server.address());
    let answer = server.request(Method::GET, "/skServer/settings", &[("Origin", &own)], None).await;
    assert_eq!(answer.status, 200);
    // Without a name there is none that could be a local one.
    assert_eq!(status(&raw(&server, "GET /skServer/settings HTTP/1.0\r\n").await), 403);
    assert_eq!(status(&raw(&server, "GET /signalk HTTP/1.0\r\n").await), 200);
}

#[tokio::test]
async fn a_page_of_another_origin_logs_nobody_in() {
    let (server, _) = ServerOptions::new().start_claimed().await;
    let form = format!("username=admin&password={}", PASSWORD.replace(' ', "+"));
    let login = |origin: String| {
        let head = format!(
            "POST /login HTTP/1.1\r\nHost: {}\r\nOrigin: {origin}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{form}",
            server.address(),
            form.len()
        );
        let server = &server;
        async move { raw(server, &head).await }
    };
    let own = login(format!("http://{}", server.address())).await;
    assert!(status(&own) == 302 && own.to_ascii_lowercase().contains("set-cookie: jauthentication="), "{own}");
    let foreign = login(EVIL.to_owned()).await;
    assert!(status(&foreign) == 403 && !foreign.to_ascii_lowercase().contains("set-cookie"), "{foreign}");
    // A program in a page gets a token for itself, and the browser no cookie.
    let body = json!({"username": "admin", "password": PASSWORD}).to_string();
    let answer = server.request(Method::POST, "/signalk/v1/auth/login", &[("Origin", EVIL)], Some(body)).await;
    assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (200, ""));
    assert!(answer.json()["token"].is_string());
}

#[tokio::test]
async fn the_token_of_a_cookie_stays_in_it() {
    let (server, admin) = ServerOptions::new().start_claimed().await;
    let cookie = format!("JAUTHENTICATION={admin}");
    let answer = server.request(Method::POST, "/signalk/v1/auth/validate", &[("Cookie", &cookie)], None).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.text.contains(&admin), "{}", answer.text);
    assert!(answer.json()["timeToLive"].as_u64().is_some_and(|seconds| seconds > 0), "{}", answer.text);
    let answer = server.as_who(&admin, Method::POST, "/signalk/v1/auth/validate", None).await;
    assert_eq!(answer.json()["token"], admin, "a program has it anyway");
}

#[tokio::test]
async fn pages_of_this_server_are_in_frames_of_its_own_only() {
    let server = ServerOptions::new().start().await;
    let policy = server.get("/admin/").await.header("content-security-policy").to_owned();
    assert!(policy.contains("frame-ancestors 'self'"), "{policy}");
    let policy = server.get("/access").await.header("content-security-policy").to_owned();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
}
