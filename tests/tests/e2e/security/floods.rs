//! Too much of something.

use reqwest::Method;
use serde_json::json;
use windlass_tests::{Json, PASSWORD, Server, ServerOptions};

use super::{raw, status};

#[tokio::test]
async fn what_needs_no_login_takes_no_large_bodies() {
    let (server, _) = ServerOptions::new().start_claimed().await;
    let claim = |length: usize| {
        let server = &server;
        async move { server.post("/skServer/enableSecurity", &json!({"code": "x".repeat(length)})).await.status.as_u16() }
    };
    assert_eq!((claim(11 * 1024).await, claim(9 * 1024).await), (413, 403));
    let open = ServerOptions::new().start().await;
    let answer = open.post("/skServer/inputTest", &json!({"value": "$".repeat(1024 * 1024)})).await;
    assert_eq!(answer.status, 413);
}

/// Wrong logins, each with another address in the header of proxies; their statuses.
async fn guesses(server: &Server) -> Vec<u16> {
    let mut statuses = Vec::new();
    for n in 0..8 {
        let body = json!({"username": "admin", "password": "guess"}).to_string();
        let address = format!("198.51.100.{n}");
        let headers = [("X-Forwarded-For", address.as_str())];
        let answer = server.request(Method::POST, "/signalk/v1/auth/login", &headers, Some(body)).await;
        statuses.push(answer.status.as_u16());
    }
    statuses
}

#[tokio::test]
async fn a_header_is_no_way_around_the_limits() {
    let start = async |trust: Json| {
        let options = ServerOptions::new().setting("trustProxy", trust);
        options.environment("HTTP_RATE_LIMITS", "login=4").start_claimed().await.0
    };
    for off in [Json::Null, json!(0), json!("")] {
        let statuses = guesses(&start(off.clone()).await).await;
        assert_eq!(statuses.last(), Some(&429), "{off}: {statuses:?}");
    }
    let behind = start(json!(1)).await;
    assert_eq!(guesses(&behind).await, [401; 8], "the proxy says that these are different clients");
    // What a client has put in the header itself stands before what the proxy adds.
    let mut statuses = Vec::new();
    for n in 0..6 {
        let body = json!({"username": "admin", "password": "guess"}).to_string();
        let list = format!("198.51.100.{n}, 203.0.113.7");
        let headers = [("X-Forwarded-For", list.as_str())];
        statuses
            .push(behind.request(Method::POST, "/signalk/v1/auth/login", &headers, Some(body)).await.status.as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 401, 429, 429]);
}

#[tokio::test]
async fn an_owner_without_an_admin_is_shown_the_code() {
    let file = json!({"allow_readonly": true, "users": [{"username": "guest", "type": "readonly"}]});
    let server = ServerOptions::new().secured().json_file("security.json", &file).start().await;
    let code = server.claim_code().await;
    let body = json!({"userId": "admin", "password": PASSWORD, "code": code});
    let answer = server.post("/skServer/enableSecurity", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn nothing_is_served_without_tls_because_of_a_strange_host() {
    let server = ServerOptions::new().setting("ssl", json!(true)).setting("sslport", json!(0)).start().await;
    for (host, expected) in [("boat.local:3000", 307), ("[", 400), ("a b", 400), ("%", 400)] {
        let answer = raw(&server, &format!("GET /signalk HTTP/1.1\r\nHost: {host}\r\n")).await;
        assert_eq!(status(&answer), expected, "{host}: {answer}");
    }
}
