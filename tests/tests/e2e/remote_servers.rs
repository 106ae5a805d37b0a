//! Asking another Signal K server for access (server-admin-api §10): two real servers, and somebody who approves at the other one.

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use windlass_tests::{Json, Server, ServerOptions, Stream, delta};

const FAILED: &str = "Could not connect to Signal K server";

/// What the routes are told about where a server is.
fn at(server: &Server, more: Json) -> Json {
    let mut body = json!({"host": "127.0.0.1", "port": server.port()});
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    body
}

async fn tested(server: &Server, body: &Json) -> Json {
    let answer = server.post("/skServer/testSignalKConnection", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn access_is_asked_for_approved_and_used() {
    let (other, admin) = ServerOptions::new().vessel("Other", "230022520").start_claimed().await;
    let server = ServerOptions::new().vessel("Asking", "230022521").start().await;

    let seen = tested(&server, &at(&other, json!({}))).await;
    assert_eq!(
        (&seen["success"], &seen["connected"], &seen["authenticated"]),
        (&json!(true), &json!(true), &json!(false))
    );
    assert!(seen["server"]["id"].as_str().is_some_and(|id| !id.is_empty()), "{seen}");
    let stranger = tested(&server, &at(&other, json!({"token": "nobody's"}))).await;
    assert_eq!((&stranger["success"], &stranger["authenticated"]), (&json!(false), &json!(false)), "{stranger}");

    let asking = at(&other, json!({"clientId": "windlass-7", "description": "The other boat"}));
    let asked = server.post("/skServer/requestAccess", &asking).await.json();
    assert_eq!(asked["state"], "PENDING", "{asked}");
    let again = server.post("/skServer/requestAccess", &asking).await.json();
    assert_eq!((&again["state"], &again["error"]), (&json!("FAILED"), &json!(FAILED)));
    assert!(again["problem"].as_str().is_some_and(|it| it.contains("already requested access")), "{again}");
    let checking = at(&other, json!({"requestId": asked["requestId"]}));
    let waiting = server.post("/skServer/checkAccessRequest", &checking).await.json();
    assert_eq!(waiting, json!({"state": "PENDING", "requestId": asked["requestId"]}));

    let approve = "/skServer/security/access/requests/windlass-7/approved";
    let decided = other.as_who(&admin, Method::PUT, approve, Some(json!({"permissions": "readonly"}))).await;
    assert_eq!(decided.status, 200, "{}", decided.text);
    let done = server.post("/skServer/checkAccessRequest", &checking).await.json();
    assert_eq!((&done["state"], &done["accessRequest"]["permission"]), (&json!("COMPLETED"), &json!("APPROVED")));
    let token = done["accessRequest"]["token"].as_str().expect("a token").to_owned();
    let known = tested(&server, &at(&other, json!({"token": token}))).await;
    assert_eq!((&known["success"], &known["authenticated"]), (&json!(true), &json!(true)), "{known}");

    // With the token data come, without it they don't.
    let options = json!({"type": "ws", "host": "127.0.0.1", "port": other.port(), "token": token});
    let entry = |options: Json| json!({"id": "other", "enabled": true, "type": "SignalK", "options": options});
    assert_eq!(server.post("/skServer/providers", &entry(options)).await.status, 200);
    server.logs().wait_for(&["connection other: connected to"]).await;
    let mut sender = Stream::connect(&other, &format!("subscribe=none&token={admin}")).await;
    sender.send(&delta("t", "test.source", 1)).await;
    let path = "/signalk/v1/api/vessels/urn:mrn:imo:mmsi:230022520/test/source";
    server.eventually(path, |leaf| leaf["value"] == 1).await;
    let shown = server.json("/skServer/providers").await;
    assert_eq!(shown[0]["secrets"], json!(["token"]));
    assert!(!shown.to_string().contains(&token), "{shown}");

    // The token is given up.
    let forgets = entry(json!({"type": "ws", "host": "127.0.0.1", "port": other.port(), "token": null}));
    let saved = server.request(Method::PUT, "/skServer/providers/other", &[], Some(forgets.to_string())).await;
    assert_eq!(saved.status, 200, "{}", saved.text);
    let settings = std::fs::read_to_string(server.directory().join("settings.json")).expect("the settings");
    assert!(!settings.contains(&token));
    assert_eq!(server.json("/skServer/providers").await[0].get("secrets"), None);
}

#[tokio::test]
async fn a_denied_request_and_a_server_without_security_are_told() {
    let (other, admin) = ServerOptions::new().start_claimed().await;
    let (open, server) = tokio::join!(Server::start(), Server::start());
    let asking = at(&other, json!({"clientId": "c", "description": "d"}));
    let asked = server.post("/skServer/requestAccess", &asking).await.json();
    let deny = "/skServer/security/access/requests/c/denied";
    assert_eq!(other.as_who(&admin, Method::PUT, deny, None).await.status, 200);
    let checking = at(&other, json!({"requestId": asked["requestId"]}));
    let done = server.post("/skServer/checkAccessRequest", &checking).await.json();
    assert_eq!((&done["state"], &done["accessRequest"]), (&json!("COMPLETED"), &json!({"permission": "DENIED"})));

    let asking = at(&open, json!({"clientId": "c", "description": "d"}));
    let needless = server.post("/skServer/requestAccess", &asking).await.json();
    assert_eq!(needless["state"], "FAILED");
    assert!(needless["problem"].as_str().is_some_and(|it| it.contains("its security is off")), "{needless}");
    let gone = at(&other, json!({"requestId": "0-0"}));
    let gone = server.post("/skServer/checkAccessRequest", &gone).await.json();
    assert!(gone["problem"].as_str().is_some_and(|it| it.contains("ask again")), "{gone}");
}

#[tokio::test]
async fn nothing_but_a_signal_k_server_is_looked_into() {
    let server = Server::start().await;
    // Something else, with a secret in its answer and somewhere else to send who asks.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let page = tokio::spawn(async move {
        let mut asked = Vec::new();
        for answer in ["200 OK\r\n", "302 Found\r\nLocation: /secret\r\n"] {
            let (mut socket, _) = listener.accept().await.expect("a connection");
            let mut head = vec![0; 4096];
            let length = socket.read(&mut head).await.expect("a request");
            asked.push(String::from_utf8_lossy(&head[..length]).lines().next().unwrap_or_default().to_owned());
            let body = r#"{"secret": "hidden treasure"}"#;
            let text = format!("HTTP/1.1 {answer}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
            socket.write_all(text.as_bytes()).await.expect("sent");
        }
        asked
    });
    for _ in 0..2 {
        let seen = tested(&server, &json!({"host": "127.0.0.1", "port": port})).await;
        assert_eq!((&seen["success"], &seen["error"]), (&json!(false), &json!(FAILED)));
        assert!(seen["problem"].as_str().is_some_and(|it| it.contains("not as a Signal K server")), "{seen}");
        assert!(!seen.to_string().contains("treasure"), "{seen}");
    }
    assert_eq!(page.await.expect("it ends"), ["GET /signalk HTTP/1.1", "GET /signalk HTTP/1.1"]);

    for host in ["169.254.169.254", "fe80::1", "0.0.0.0", "::ffff:169.254.169.254"] {
        let seen = tested(&server, &json!({"host": host, "port": 80})).await;
        assert_eq!((&seen["connected"], &seen["error"]), (&json!(false), &json!(FAILED)), "{host}: {seen}");
        assert!(
            seen["problem"].as_str().is_some_and(|it| it.contains("can't be reached: host not found")),
            "{host}: {seen}"
        );
    }
    let unknown = tested(&server, &json!({"host": "no-such-host.invalid", "port": 80})).await;
    assert!(unknown["problem"].as_str().is_some_and(|it| it.contains("check host, port and TLS")), "{unknown}");
    for (route, body, words) in [
        ("testSignalKConnection", json!({"host": "http://a", "port": 80}), "`host` is a name or an address alone"),
        ("testSignalKConnection", json!({"host": "a", "port": 0}), "`port` is a number from 1"),
        ("testSignalKConnection", json!({"host": "a"}), "missing field `port`"),
        ("testSignalKConnection", json!({"host": "a", "port": 80, "certificateAuthority": "x"}), "PEM text"),
        ("requestAccess", json!({"host": "a", "port": 80, "clientId": "", "description": "d"}), "`clientId`"),
        ("checkAccessRequest", json!({"host": "a", "port": 80, "requestId": "../users"}), "`requestId`"),
    ] {
        let answer = server.post(&format!("/skServer/{route}"), &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
        assert!(answer.json()["error"].as_str().is_some_and(|it| it.contains(words)), "{body}: {}", answer.text);
    }
}

#[tokio::test]
async fn who_goes_away_frees_no_seat() {
    let server = Server::start().await;
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let body = json!({"host": "127.0.0.1", "port": silent.local_addr().expect("bound").port()});
    let url = server.url("/skServer/testSignalKConnection");
    let mut connections = Vec::new();
    for _ in 0..4 {
        let asking = server.http().post(&url).json(&body).send();
        // The question is on its way to the silent one when its asker goes away.
        tokio::select! {
            answer = asking => panic!("an answer: {answer:?}"),
            asked = silent.accept() => connections.push(asked.expect("a connection")),
        }
    }
    let late = server.post("/skServer/testSignalKConnection", &body).await;
    assert_eq!(late.status, 429, "{}", late.text);
    drop((silent, connections));
    // The four are over, and somebody else is asked.
    let start = std::time::Instant::now();
    while server.post("/skServer/testSignalKConnection", &body).await.status == 429 {
        assert!(start.elapsed() < windlass_tests::PATIENCE, "the seats are not freed");
    }
}
