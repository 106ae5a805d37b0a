//! Group H over the stream, and what of the server its clients may see.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio_tungstenite::tungstenite::Error;
use windlass_tests::{
    Frame, Json, PASSWORD, PATIENCE, Publisher, Server, ServerOptions, Stream, delta, rows, run_table, values_of,
};

use super::{MMSI, NAME};

const ADMIN: &str = "admin";

#[tokio::test]
async fn group_h_security_over_the_stream() {
    let (server, admin) = ServerOptions::new().vessel(NAME, MMSI).start_claimed().await;
    server.add_user(&admin, "reader", "readonly").await;
    server.add_user(&admin, "j.writer", "readwrite").await;
    server.add_user(&admin, "leaver", "readwrite").await;
    let rows = rows![
        [128, 129] each_kind_of_token_opens_the_stream,
        [135] a_bad_token_is_refused_at_the_handshake,
        [136] without_a_token_there_is_hello_and_nothing_else,
        [137] a_login_over_the_stream_is_answered,
        [138] deltas_of_those_who_may_not_write_are_ignored,
        [139, 140, 141] a_device_asks_for_access_over_the_stream,
        [143] who_is_removed_is_disconnected,
        [132] put_over_the_stream_needs_the_right,
        [210, 211] who_is_no_admin_sees_few_events_and_no_log,
    ];
    run_table(&server, rows).await;
}

#[tokio::test]
async fn group_h_anonymous_reading() {
    let (server, admin) = ServerOptions::new().vessel(NAME, MMSI).start_claimed().await;
    set_config(&server, &admin, json!({"allow_readonly": true})).await;
    server.add_user(&admin, "writer", "readwrite").await;
    let rows = rows![
        [131] everybody_reads_and_nobody_writes,
        [135] a_bad_token_is_no_visitor,
        [147, 148] acls_hide_values_and_refuse_changes,
        [131] closing_the_server_ends_the_streams_of_visitors,
    ];
    run_table(&server, rows).await;
}

async fn set_config(server: &Server, admin: &str, config: Json) {
    let answer = server.as_who(admin, Method::PUT, "/skServer/security/config", Some(config)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

async fn publish_as(server: &Server, user: &str) -> Publisher {
    let token = server.log_in(user).await;
    Publisher::connect_as(server, &format!("token={token}")).await
}

fn address(server: &Server, query: &str) -> String {
    format!("ws://{}/signalk/v1/stream?{query}", server.address())
}

async fn log_in(stream: &mut Stream, name: &str, password: &str) -> Json {
    stream.send(&json!({"requestId": "l1", "login": {"username": name, "password": password}})).await;
    stream.wait_for_frame("the answer to a login", |frame| frame["requestId"] == "l1").await
}

/// Waits for the end of a connection, and returns the frames before it.
async fn read_to_the_end(stream: &mut Stream) -> Vec<Json> {
    let mut frames = Vec::new();
    loop {
        match stream.next_frame(PATIENCE).await {
            Some(Frame::Json(json)) => frames.push(json),
            Some(Frame::Ping | Frame::Pong(_)) => {}
            Some(Frame::Closed) => return frames,
            None => panic!("the connection is not closed; it sent {frames:?}"),
        }
    }
}

async fn each_kind_of_token_opens_the_stream(server: &Server) {
    publish_as(server, ADMIN).await.value("h", "test.token", 1).await;
    let token = server.log_in("reader").await;
    let cookie = format!("a=b; JAUTHENTICATION={token}");
    let bearer = format!("Bearer {token}");
    let query = format!("subscribe=self&token={token}");
    for (query, headers) in [
        (query.as_str(), vec![]),
        // The query wins over everything else.
        (query.as_str(), vec![("Authorization", "Bearer nonsense")]),
        ("", vec![("Authorization", bearer.as_str())]),
        ("", vec![("X-Authorization", bearer.as_str())]),
        ("", vec![("Cookie", cookie.as_str())]),
    ] {
        let mut stream = Stream::open_with(&address(server, query), &headers).await.expect("a good token");
        stream.wait_for_path("test.token").await;
    }
    // A page of another origin gets nothing for the cookie that the browser adds.
    let foreign = vec![("Cookie", cookie.as_str()), ("Origin", "https://evil.example")];
    let mut stream = Stream::open_with(&address(server, ""), &foreign).await.expect("it may log in");
    assert_eq!(log_in(&mut stream, "reader", "wrong").await["statusCode"], 401, "the next frame after hello");
}

async fn a_bad_token_is_refused_at_the_handshake(server: &Server) {
    for query in ["token=nonsense", "token=eyJhbGciOiJub25lIn0.eyJpZCI6ImFkbWluIn0."] {
        match Stream::try_connect(server, query).await {
            Err(Error::Http(answer)) => {
                assert_eq!(answer.status(), 401);
                let body: Json =
                    serde_json::from_slice(answer.body().as_deref().unwrap_or_default()).expect("the refusal is JSON");
                assert!(body["error"].is_string(), "{body}");
            }
            other => panic!("{other:?} instead of a refusal"),
        }
    }
}

async fn a_bad_token_is_no_visitor(server: &Server) {
    a_bad_token_is_refused_at_the_handshake(server).await;
}

async fn without_a_token_there_is_hello_and_nothing_else(server: &Server) {
    let mut publisher = publish_as(server, ADMIN).await;
    publisher.value("h", "test.secret", 1).await;
    let mut stream = Stream::connect(server, "serverevents=all").await;
    assert_eq!(stream.hello()["name"], "windlass");
    stream.subscribe("vessels.self", json!([{"path": "test.later"}, {"path": "test.secret"}])).await;
    publisher.value("h", "test.secret", 2).await;
    stream.send(&json!({"requestId": "q", "query": true})).await;
    assert_eq!(stream.next_json().await, json!({"requestId": "q", "statusCode": 404}), "the first frame after hello");
    // Once it has logged in, live data come, and no cached ones.
    assert_eq!(log_in(&mut stream, "reader", PASSWORD).await["statusCode"], 200);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    for number in 0.. {
        publisher.value("h", "test.later", number).await;
        if let Some(Frame::Json(frame)) = stream.next_frame(Duration::from_millis(50)).await {
            let seen = values_of(&frame);
            assert!(seen.iter().all(|value| value.path != "test.secret"), "{seen:?}");
            if seen.iter().any(|value| value.path == "test.later") {
                break;
            }
        }
        assert!(tokio::time::Instant::now() < deadline, "nothing comes after the login");
    }
}

async fn a_login_over_the_stream_is_answered(server: &Server) {
    let mut stream = Stream::connect(server, "subscribe=none").await;
    let wrong = log_in(&mut stream, "reader", "wrong").await;
    assert_eq!((&wrong["state"], &wrong["statusCode"]), (&json!("COMPLETED"), &json!(401)));
    assert_eq!(wrong["login"], json!({}));
    let right = log_in(&mut stream, " reader ", PASSWORD).await;
    assert_eq!((&right["state"], &right["statusCode"]), (&json!("COMPLETED"), &json!(200)));
    assert_eq!(right["login"]["timeToLive"], 24 * 60 * 60);
    let token = right["login"]["token"].as_str().expect("a token").to_owned();
    let answer = server.as_who(&token, Method::GET, "/signalk/v1/api/vessels/self", None).await;
    assert_eq!(answer.status, 200, "the token is good elsewhere too");
    // What comes after the login in the same frame has its rights.
    let mut stream = Stream::connect(server, "subscribe=none").await;
    let login = json!({"username": "j.writer", "password": PASSWORD});
    stream.send(&json!({"requestId": "x", "put": {"path": "test.put", "value": 1}, "login": login})).await;
    assert!(stream.next_json().await["login"]["token"].is_string());
    assert_eq!(stream.next_json().await["statusCode"], 405);
}

async fn deltas_of_those_who_may_not_write_are_ignored(server: &Server) {
    let mut watcher = publish_as(server, ADMIN).await;
    for user in [None, Some("reader")] {
        let mut stream = Stream::connect(server, "subscribe=none").await;
        if let Some(user) = user {
            log_in(&mut stream, user, PASSWORD).await;
        }
        stream.send(&delta("h", "test.ignored", 1)).await;
        stream.send(&json!({"requestId": "q", "query": true})).await;
        stream.next_json().await;
    }
    let mut writer = Stream::connect(server, "subscribe=none").await;
    log_in(&mut writer, "j.writer", PASSWORD).await;
    writer.send(&json!({"updates": [{"values": [{"path": "test.taken", "value": 1}]}]})).await;
    let read = watcher.stream().read_until("the writer's delta", |value| value.path == "test.taken").await;
    assert!(read.iter().all(|value| value.path != "test.ignored"), "{read:?}");
    let taken = read.last().expect("it was awaited");
    assert_eq!(taken.source, "ws.j_writer", "the user's name is in the source");
    let admin = server.log_in(ADMIN).await;
    let statistics = server.as_who(&admin, Method::GET, "/windlass/statistics", None).await.json();
    assert!(statistics["stream"]["refusedDeltas"].as_u64() >= Some(2), "{}", statistics["stream"]);
    let status = statistics["status"].as_array().expect("a list").iter().find(|status| status["id"] == "ws.reader");
    assert_eq!(status.map(|status| &status["type"]), Some(&json!("error")), "{}", statistics["status"]);
}

async fn a_device_asks_for_access_over_the_stream(server: &Server) {
    let admin = server.log_in(ADMIN).await;
    let ask = |client: &str, id: &str| {
        let asked = json!({"clientId": client, "description": "a sensor", "permissions": "readwrite"});
        json!({"requestId": id, "accessRequest": asked})
    };
    let decide = async |client: &str, word: &str| {
        let path = format!("/skServer/security/access/requests/{client}/{word}");
        let answer = server.as_who(&admin, Method::PUT, &path, Some(json!({"permissions": "readonly"}))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    };
    let id = "0f0e0d0c-0b0a-4908-8706-050403020100";
    let mut stream = Stream::connect(server, "").await;
    stream.send(&ask("stream-device", id)).await;
    let pending = stream.next_json().await;
    assert_eq!((&pending["state"], &pending["requestId"]), (&json!("PENDING"), &json!(id)));
    assert_eq!((&pending["statusCode"], &pending["ip"]), (&json!(202), &json!("127.0.0.1")));
    stream.send(&ask("another", "a2")).await;
    let second = stream.next_json().await;
    assert_eq!((&second["statusCode"], &second["requestId"]), (&json!(400), &json!("a2")));
    assert_eq!(second["message"], "A request has already been submitted");
    decide("stream-device", "approved").await;
    let approved =
        stream.wait_for_frame("the decision", |frame| frame["requestId"] == id && frame["state"] == "COMPLETED").await;
    assert_eq!(approved["accessRequest"]["permission"], "APPROVED");
    assert!(approved["accessRequest"]["token"].is_string(), "{approved}");
    // The connection has the device's rights from then on.
    stream.send(&json!({"requestId": "p", "put": {"path": "test.put", "value": 1}})).await;
    let put = stream.wait_for_frame("an answer", |frame| frame["requestId"] == "p").await;
    assert_eq!((&put["statusCode"], &put["user"]), (&json!(405), &json!("stream-device")));

    // An id that others could guess leads to no token.
    let mut stream = Stream::connect(server, "").await;
    stream.send(&ask("guessable", "1")).await;
    let pending = stream.next_json().await;
    let href = pending["href"].as_str().expect("an href").to_owned();
    assert_eq!((&pending["requestId"], href.ends_with("/1")), (&json!("1"), false));
    decide("guessable", "denied").await;
    let denied = stream.wait_for_frame("the decision", |frame| frame["state"] == "COMPLETED").await;
    assert_eq!((&denied["requestId"], &denied["accessRequest"]), (&json!("1"), &json!({"permission": "DENIED"})));
    assert_eq!(server.get("/signalk/v1/requests/1").await.status, 404);
}

async fn who_is_removed_is_disconnected(server: &Server) {
    let admin = server.log_in(ADMIN).await;
    let token = server.log_in("leaver").await;
    let mut publisher = publish_as(server, ADMIN).await;
    let mut stream = Stream::connect(server, &format!("token={token}")).await;
    stream.send(&delta("h", "test.leaver", 1)).await;
    publisher.stream().wait_for_path("test.leaver").await;
    let removed = server.as_who(&admin, Method::DELETE, "/skServer/security/users/leaver", None).await;
    assert_eq!(removed.status, 200, "{}", removed.text);
    // Not even the next value reaches it: the rights are looked up with each.
    publisher.value("h", "test.afterwards", 1).await;
    let last = read_to_the_end(&mut stream).await;
    assert_eq!(last.last(), Some(&json!({"errorMessage": "Connection disconnected by security constraint"})));
    assert!(last.iter().flat_map(values_of).all(|value| value.path != "test.afterwards"), "{last:?}");
    assert!(matches!(Stream::try_connect(server, &format!("token={token}")).await, Err(Error::Http(_))));
}

async fn put_over_the_stream_needs_the_right(server: &Server) {
    let mut stream = Stream::connect(server, "subscribe=none").await;
    for (user, status_code) in [(None, 403), (Some("reader"), 403), (Some("j.writer"), 405), (Some("reader"), 403)] {
        if let Some(user) = user {
            log_in(&mut stream, user, PASSWORD).await;
        }
        for message in [
            json!({"requestId": "p", "put": {"path": "test.put", "value": 1}}),
            json!({"requestId": "p", "delete": {"path": "test.put"}}),
        ] {
            stream.send(&message).await;
            let answer = stream.wait_for_frame("an answer", |frame| frame["requestId"] == "p").await;
            assert_eq!(
                (&answer["state"], &answer["statusCode"]),
                (&json!("COMPLETED"), &json!(status_code)),
                "{user:?}"
            );
        }
    }
}

async fn who_is_no_admin_sees_few_events_and_no_log(server: &Server) {
    let kinds = async |user: &str| {
        let token = server.log_in(user).await;
        let query = format!("subscribe=none&serverevents=all&token={token}");
        let mut stream = Stream::connect(server, &query).await;
        let mut kinds = Vec::new();
        // It comes every five seconds, after all that are sent at the beginning.
        while !kinds.contains(&json!("RECEIVE_LOGIN_STATUS")) || kinds.last() != Some(&json!("SERVERSTATISTICS")) {
            kinds.push(stream.next_json().await["type"].clone());
        }
        stream.subscribe("*", json!([{"path": "log"}])).await;
        let answer = stream
            .wait_for_frame("an answer", |frame| frame["type"] == "LOG" || frame.get("errorMessage").is_some())
            .await;
        (kinds, answer)
    };
    let public = ["VESSEL_INFO", "SERVERSTATISTICS", "PROVIDERSTATUS", "RECEIVE_LOGIN_STATUS"];
    let (seen, log) = kinds("reader").await;
    assert_eq!(seen[0], "VESSEL_INFO");
    assert!(seen.iter().all(|kind| public.iter().any(|public| kind == public)), "{seen:?}");
    assert_eq!(log, json!({"errorMessage": "Server log access requires admin permissions"}));
    let (seen, log) = kinds(ADMIN).await;
    assert!(seen.iter().any(|kind| kind == "DEBUG_SETTINGS"), "{seen:?}");
    assert!(log["data"]["row"].is_string(), "{log}");
}

async fn everybody_reads_and_nobody_writes(server: &Server) {
    let mut publisher = publish_as(server, "writer").await;
    let mut visitor = Stream::connect(server, "").await;
    visitor.send(&delta("h", "test.visitor", 1)).await;
    visitor.send(&json!({"requestId": "p", "put": {"path": "test.visitor", "value": 1}})).await;
    let answer = visitor.wait_for_frame("an answer", |frame| frame["requestId"] == "p").await;
    assert_eq!((&answer["statusCode"], &answer["user"]), (&json!(403), &json!("AUTO")));
    publisher.value("h", "test.after", 1).await;
    let read = visitor.read_until("live data", |value| value.path == "test.after").await;
    assert!(read.iter().all(|value| value.path != "test.visitor"), "{read:?}");
}

async fn acls_hide_values_and_refuse_changes(server: &Server) {
    let admin = server.log_in(ADMIN).await;
    let acls = json!([{"context": "vessels.self", "resources": [
        {"paths": ["hidden.*"], "permissions": [{"subject": "writer", "permission": "write"}]},
        {"paths": ["fixed.*"], "permissions": [{"subject": "any", "permission": "read"}]},
        {"paths": ["*"], "permissions": [
            {"subject": "any", "permission": "read"},
            {"subject": "writer", "permission": "write"}, {"subject": "writer", "permission": "put"},
            {"subject": "admin", "permission": "write"},
        ]},
    ]}]);
    let mut before = Stream::connect(server, "").await;
    set_config(server, &admin, json!({"acls": acls})).await;
    let mut publisher = publish_as(server, "writer").await;
    let values = json!([{"path": "hidden.a", "value": 1}, {"path": "shown.a", "value": 1}]);
    // Older than the end of the cached values, which come in the order of their times.
    let update = json!({"$source": "h", "timestamp": "2026-01-01T00:00:00.000Z", "values": values});
    publisher.publish(&json!({"updates": [update]})).await;
    publisher.value("h", "shown.end", 1).await;
    // Streams that were open before, new ones with the cached values, and subscriptions.
    let mut subscribed = Stream::connect(server, "subscribe=none").await;
    subscribed.subscribe("vessels.self", json!([{"path": "hidden.*"}, {"path": "shown.*"}])).await;
    let mut cached = Stream::connect(server, "").await;
    for (what, stream) in [("before", &mut before), ("cached", &mut cached), ("subscribed", &mut subscribed)] {
        let read = stream.read_until(what, |value| value.path == "shown.end").await;
        assert!(read.iter().any(|value| value.path == "shown.a"), "{what}: {read:?}");
        assert!(read.iter().all(|value| value.path != "hidden.a"), "{what}: {read:?}");
    }
    // Who may see it does.
    let token = server.log_in("writer").await;
    Stream::connect(server, &format!("token={token}")).await.wait_for_path("hidden.a").await;
    // The tree shows the same.
    let bearer = format!("Bearer {token}");
    for (headers, status) in [(vec![], 404), (vec![("Authorization", bearer.as_str())], 200)] {
        for path in ["/signalk/v1/api/vessels/self/hidden", "/signalk/v1/api/vessels/self/hidden/a/value"] {
            assert_eq!(server.request(Method::GET, path, &headers, None).await.status, status, "{path}");
        }
        let whole = server.request(Method::GET, "/signalk/v1/api/", &headers, None).await;
        assert_eq!(whole.text.contains("\"hidden\""), status == 200, "{}", whole.text);
        assert!(whole.text.contains("\"shown\""), "{}", whole.text);
    }
    // Writing and PUT are judged too.
    publisher.send(&delta("h", "fixed.a", 1)).await;
    publisher.value("h", "shown.end", 2).await;
    let path = "/signalk/v1/api/vessels/self/fixed/a";
    assert_eq!(server.as_who(&token, Method::GET, path, None).await.status, 404, "it was not written");
    for (path, status_code) in [("fixed.a", 403), ("shown.a", 400), ("shown.b", 405)] {
        let sender = publisher.sender();
        sender.send(&json!({"requestId": path, "put": {"path": path, "value": 1, "source": null}})).await;
        let answer = sender.wait_for_frame("an answer", |frame| frame["requestId"] == path).await;
        let accepted = answer["statusCode"] == status_code || (path == "shown.a" && answer["statusCode"] == 202);
        assert!(accepted, "{path}: {answer}");
        if status_code == 403 {
            let url = format!("/signalk/v1/api/vessels/self/{path}");
            let put = server.as_who(&token, Method::PUT, &url, Some(json!({"value": 1}))).await;
            assert_eq!((put.status.as_u16(), &put.json()["state"]), (403, &json!("COMPLETED")));
        }
    }
    set_config(server, &admin, json!({"acls": []})).await;
}

async fn closing_the_server_ends_the_streams_of_visitors(server: &Server) {
    let admin = server.log_in(ADMIN).await;
    let mut publisher = publish_as(server, "writer").await;
    let mut visitor = Stream::connect(server, "").await;
    publisher.value("h", "test.open", 1).await;
    visitor.wait_for_path("test.open").await;
    set_config(server, &admin, json!({"allow_readonly": false})).await;
    publisher.value("h", "test.closed", 1).await;
    let frames = read_to_the_end(&mut visitor).await;
    assert_eq!(
        frames.last().map(|frame| &frame["errorMessage"]),
        Some(&json!("Connection disconnected by security constraint"))
    );
}
