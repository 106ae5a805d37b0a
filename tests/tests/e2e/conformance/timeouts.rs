//! What happens by the clock: silent handlers of PUT, silent vessels, tokens that expire and cookies that are renewed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use ring::hmac;
use serde_json::json;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Error;
use windlass_tests::{
    BETWEEN_LOOKS, Frame, Json, PATIENCE, Publisher, Server, ServerOptions, Stream, delta, rows, run_table, values_of,
};

use super::{MMSI, NAME};

/// What a stream client may take to answer a PUT, on the server of these tests.
const REPLY: std::time::Duration = std::time::Duration::from_millis(400);
const SELF: &str = "/signalk/v1/api/vessels/self";

#[tokio::test]
async fn group_f_silent_handlers() {
    let toml = format!("put_reply_timeout = {}\n", REPLY.as_millis());
    let server = ServerOptions::new().vessel(NAME, MMSI).file("windlass.toml", toml).start().await;
    run_table(&server, rows![[111] a_handler_that_stays_silent_times_out]).await;
}

#[tokio::test]
async fn group_c_silent_vessels() {
    // 1.2 seconds.
    let server = ServerOptions::new().vessel(NAME, MMSI).setting("pruneContextsMinutes", json!(0.02)).start().await;
    run_table(&server, rows![[55] silent_vessels_are_forgotten_and_the_own_one_is_not]).await;
}

#[tokio::test]
async fn group_h_tokens_and_the_clock() {
    let security = json!({"secretKey": SECRET, "allow_readonly": true, "expiration": "1d",
        "users": [{"username": "skipper", "type": "admin", "password": NO_LOGIN}],
        "devices": [{"clientId": "sensor", "permissions": "readwrite", "description": "a sensor"}]});
    let server = ServerOptions::new().vessel(NAME, MMSI).json_file("security.json", &security).secured().start().await;
    let rows = rows![
        [145] an_expired_token_opens_nothing,
        [145] a_stream_ends_with_its_token,
        [150] a_cookie_in_use_is_renewed,
    ];
    run_table(&server, rows).await;
}

/// Nobody may read without a token here, and what is hidden only the crew and the skipper.
#[tokio::test]
async fn group_h_tokens_of_a_private_server() {
    let acls = json!([{"context": "vessels.self", "resources": [
        {"paths": ["hidden.*"], "permissions": [
            {"subject": "crew", "permission": "read"}, {"subject": "skipper", "permission": "write"},
        ]},
        {"paths": ["*"], "permissions": [{"subject": "skipper", "permission": "write"}]},
    ]}]);
    let user = |name: &str, level: &str| json!({"username": name, "type": level, "password": NO_LOGIN});
    let security = json!({"secretKey": SECRET, "allow_readonly": false, "expiration": "1d", "acls": acls,
        "users": [user("skipper", "admin"), user("crew", "readonly")], "devices": []});
    let server = ServerOptions::new().vessel(NAME, MMSI).json_file("security.json", &security).secured().start().await;
    run_table(&server, rows![[145, 147] what_only_a_token_allowed_ends_with_it]).await;
}

async fn a_handler_that_stays_silent_times_out(server: &Server) {
    const PATH: &str = "electrical.switches.silent.state";
    let mut feeder = Publisher::connect(server).await;
    feeder.value("feeder", PATH, 0).await;
    let mut requester = Stream::connect(server, "subscribe=none").await;
    let put = |id: &str| json!({"context": "vessels.self", "requestId": id, "put": {"path": PATH, "value": 1}});
    // One that is worked on, as its handler says, is waited for.
    requester.send(&put("slow")).await;
    assert_eq!(requester.next_json().await["statusCode"], 202);
    let slow = feeder.sender().next_json().await["requestId"].clone();
    feeder.sender().send(&json!({"requestId": slow, "state": "PENDING", "statusCode": 202})).await;
    assert_eq!(requester.next_json().await["state"], "PENDING");
    let start = Instant::now();
    requester.send(&put("silent")).await;
    assert_eq!(requester.next_json().await["statusCode"], 202);
    let silent = feeder.sender().next_json().await["requestId"].clone();
    let ended = requester.next_json().await;
    assert!(start.elapsed() >= REPLY, "after {:?}", start.elapsed());
    assert_eq!(
        (&ended["requestId"], &ended["state"], &ended["statusCode"]),
        (&json!("silent"), &json!("COMPLETED"), &json!(504)),
        "{ended}"
    );
    assert!(ended["message"].as_str().is_some_and(|text| text.contains("not answered in time")), "{ended}");
    // What comes too late changes nothing, and what is waited for still counts.
    let done = |id: &Json| json!({"requestId": id, "state": "COMPLETED", "statusCode": 200});
    feeder.sender().send(&done(&silent)).await;
    feeder.sender().send(&done(&slow)).await;
    let ended = requester.next_json().await;
    assert_eq!((&ended["requestId"], &ended["statusCode"]), (&json!("slow"), &json!(200)), "{ended}");
    requester.send(&json!({"requestId": "silent", "query": true})).await;
    assert_eq!(requester.next_json().await["statusCode"], 504);
    // Over HTTP the same is found at the href.
    let body = json!({"value": 1}).to_string();
    let path = format!("{SELF}/electrical/switches/silent/state");
    let pending = server.request(Method::PUT, &path, &[], Some(body)).await;
    assert_eq!((pending.status.as_u16(), &pending.json()["state"]), (202, &json!("PENDING")));
    let href = pending.json()["href"].as_str().expect("an href").to_owned();
    let ended = server.eventually(&href, |request| request["state"] == "COMPLETED").await;
    assert_eq!(ended["statusCode"], 504, "{ended}");
}

async fn silent_vessels_are_forgotten_and_the_own_one_is_not(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    let about = |context: &str, path: &str| {
        let mut delta = delta("c.ais", path, 1);
        delta["context"] = json!(context);
        delta
    };
    let (silent, aid, present) = (
        "vessels.urn:mrn:imo:mmsi:230055001",
        "atons.urn:mrn:imo:mmsi:992300550",
        "vessels.urn:mrn:imo:mmsi:230055002",
    );
    for context in [silent, aid, present] {
        publisher.publish(&about(context, "test.seen")).await;
    }
    publisher.value("c.own", "test.own", 7).await;
    let status = async |context: &str| {
        let path = format!("{}/test/seen", context.replacen('.', "/", 1));
        server.tree_status(&path).await.as_u16()
    };
    assert_eq!((status(silent).await, status(aid).await), (200, 200));
    let start = Instant::now();
    while (status(silent).await, status(aid).await) != (404, 404) {
        assert!(start.elapsed() < PATIENCE, "silent vessels are not forgotten");
        publisher.publish(&about(present, "test.seen")).await;
        assert_eq!(status(present).await, 200, "who speaks is not forgotten");
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    let own = server.tree("vessels/self").await;
    assert_eq!((&own["test"]["own"]["value"], &own["name"]), (&json!(7), &json!(NAME)), "the own ship may be silent");
    let vessels = server.tree("vessels").await;
    assert!(vessels.get(silent.trim_start_matches("vessels.")).is_none(), "{vessels}");
    // Who comes now hears nothing of them; what is known comes in the order of its age.
    let mut late = Stream::connect(server, "subscribe=all").await;
    let known = late.read_until("who is there", |value| value.context == present).await;
    assert!(known.iter().all(|value| value.context != silent && value.context != aid), "{known:?}");
    // A vessel that speaks again is there again.
    publisher.publish(&about(silent, "test.seen")).await;
    assert_eq!(status(silent).await, 200);
}

/// The hash of a password that nobody uses here.
const NO_LOGIN: &str = "$2b$04$S0ZvmD9T7k5wBMMYl5DYg.3/ac3qe4mfHjMzAZvWgrB4EJHgvYKrq";
/// With it tokens are signed.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Seconds since 1970, so many from now.
fn seconds(from_now: i64) -> i64 {
    jiff::Timestamp::now().as_second() + from_now
}

/// A token as this installation makes them.
fn signed(claims: &Json) -> String {
    let part = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
    let text = format!("{}.{}", part(&json!({"alg": "HS256", "typ": "JWT"})), part(claims));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// What a token says.
fn claims(token: &str) -> Json {
    let payload = token.split('.').nth(1).expect("a payload");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64")).expect("JSON")
}

/// The statuses of somebody who presents a token in every way that there is.
async fn presented(server: &Server, token: &str) -> Vec<u16> {
    let (bearer, jwt, cookie) = (format!("Bearer {token}"), format!("JWT {token}"), format!("JAUTHENTICATION={token}"));
    let mut statuses = Vec::new();
    for header in [("Authorization", &bearer), ("Authorization", &jwt), ("Cookie", &cookie)] {
        let answer = server.request(Method::GET, SELF, &[(header.0, header.1)], None).await;
        statuses.push(answer.status.as_u16());
    }
    let address = format!("ws://{}/signalk/v1/stream", server.address());
    for (address, headers) in [
        (format!("{address}?token={token}"), vec![]),
        (address.clone(), vec![("Authorization", bearer.as_str())]),
        (address, vec![("Cookie", cookie.as_str())]),
    ] {
        statuses.push(match Stream::open_with(&address, &headers).await {
            Ok(_) => 101,
            Err(Error::Http(answer)) => answer.status().as_u16(),
            Err(error) => panic!("{error}"),
        });
    }
    statuses
}

/// Reading is open to everybody here: it is the token that is refused.
async fn an_expired_token_opens_nothing(server: &Server) {
    assert_eq!(server.get(SELF).await.status, 200);
    for subject in [json!({"id": "skipper"}), json!({"device": "sensor"})] {
        let token = |issued: i64, expires: i64| {
            let mut claims = subject.clone();
            (claims["iat"], claims["exp"]) = (json!(seconds(issued)), json!(seconds(expires)));
            signed(&claims)
        };
        assert_eq!(presented(server, &token(-7200, 7200)).await, [200, 200, 200, 101, 101, 101], "{subject}");
        for (issued, expires) in [(-7200, -3600), (-7200, -1), (-7200, 0)] {
            assert_eq!(presented(server, &token(issued, expires)).await, [401; 6], "{subject} {expires}");
        }
        // Nor may it change anything.
        let path = format!("{SELF}/test/expired");
        let put = server.as_who(&token(-7200, -1), Method::PUT, &path, Some(json!({"value": 1}))).await;
        assert_eq!((put.status.as_u16(), put.text.as_str()), (401, "bad auth token"));
    }
}

async fn a_stream_ends_with_its_token(server: &Server) {
    let lasting = signed(&json!({"id": "skipper", "iat": seconds(-60), "exp": seconds(3600)}));
    let mut sender = Stream::connect(server, &format!("subscribe=none&token={lasting}")).await;
    let short = signed(&json!({"id": "skipper", "iat": seconds(-60), "exp": seconds(5)}));
    let mut stream = Stream::connect(server, &format!("token={short}")).await;
    let (deadline, mut last, mut number) = (Instant::now() + PATIENCE, Json::Null, 0);
    loop {
        number += 1;
        sender.send(&delta("h", "test.token", number)).await;
        match stream.next_frame(BETWEEN_LOOKS).await {
            Some(Frame::Json(json)) => last = json,
            Some(Frame::Closed) => break,
            Some(Frame::Ping | Frame::Pong(_)) | None => {}
        }
        assert!(Instant::now() < deadline, "the stream goes on without a good token; its last frame was {last}");
    }
    assert_eq!(last, json!({"errorMessage": "Connection disconnected by security constraint"}));
    assert!(jiff::Timestamp::now().as_second() >= claims(&short)["exp"].as_i64().expect("a time"), "not before");
    assert_eq!(presented(server, &short).await, [401; 6]);
}

/// Milliseconds since 1970, as this computer's clock has them: the server's is the same.
fn now_millis() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

async fn what_only_a_token_allowed_ends_with_it(server: &Server) {
    let lasting = signed(&json!({"id": "skipper", "iat": seconds(-60), "exp": seconds(3600)}));
    let expires = seconds(4);
    let short = signed(&json!({"id": "crew", "iat": seconds(-60), "exp": expires}));
    let mut sender = Stream::connect(server, &format!("subscribe=none&token={lasting}")).await;
    let mut clock = Stream::connect(server, &format!("subscribe=none&serverevents=all&token={lasting}")).await;
    let mut watching = Stream::connect(server, &format!("subscribe=none&serverevents=all&token={short}")).await;
    let mut streams = Vec::new();
    for (what, query, rows) in [
        ("default", "", json!(null)),
        ("instant", "subscribe=none&", json!([{"path": "hidden.*", "policy": "instant"}])),
        // What is sent later, by the clock, has to be judged by then.
        ("fixed", "subscribe=none&", json!([{"path": "hidden.*", "policy": "fixed", "period": 150}])),
        ("minPeriod", "subscribe=none&", json!([{"path": "hidden.*", "minPeriod": 150}])),
    ] {
        let mut stream = Stream::connect(server, &format!("{query}token={short}")).await;
        if rows.is_array() {
            stream.subscribe("vessels.self", rows).await;
        }
        streams.push((what, stream, Vec::new(), Json::Null));
    }
    // Each value says when it was sent, until all streams have ended.
    let deadline = Instant::now() + PATIENCE;
    let mut open = streams.iter().map(|_| true).collect::<Vec<_>>();
    while open.contains(&true) {
        assert!(Instant::now() < deadline, "a stream goes on without a good token: {open:?}");
        let values =
            json!([{"path": "hidden.now", "value": now_millis()}, {"path": "secret.now", "value": now_millis()}]);
        sender.send(&json!({"updates": [{"$source": "h", "values": values}]})).await;
        for ((_, stream, sent, last), open) in streams.iter_mut().zip(&mut open).filter(|(_, open)| **open) {
            match stream.next_frame(BETWEEN_LOOKS).await {
                Some(Frame::Json(json)) => {
                    sent.extend(values_of(&json));
                    *last = json;
                }
                Some(Frame::Closed) => *open = false,
                Some(Frame::Ping | Frame::Pong(_)) | None => {}
            }
        }
    }
    for (what, _, read, last) in &streams {
        assert!(read.iter().any(|value| value.path == "hidden.now"), "{what}: the token allowed it: {read:?}");
        assert!(read.iter().all(|value| value.path == "hidden.now"), "{what}: it allowed no more: {read:?}");
        let latest = read.iter().filter_map(|value| value.value.as_i64()).max();
        assert!(latest < Some(expires * 1000), "{what}: {latest:?} was sent when the token had expired at {expires}");
        assert_eq!(*last, json!({"errorMessage": "Connection disconnected by security constraint"}), "{what}");
    }
    // Events end with it too, though that stream may be open for a while. Whoever has a good token is told on and on.
    waiting(&mut clock).await;
    let mut later = Json::Null;
    for _ in 0..2 {
        let told = clock.wait_for_frame("statistics after the end", |event| event["type"] == "SERVERSTATISTICS").await;
        later = told["data"]["uptime"].clone();
    }
    let told: Vec<_> = waiting(&mut watching).await.iter().map(|event| event["data"]["uptime"].clone()).collect();
    assert!(told.iter().any(Json::is_number), "before the end it was told: {told:?}");
    assert!(!told.contains(&later), "{told:?} has what was told long after the token had expired, at {later}");
}

/// What has come and was not read yet.
async fn waiting(stream: &mut Stream) -> Vec<Json> {
    let mut read = Vec::new();
    loop {
        match stream.next_frame(BETWEEN_LOOKS).await {
            Some(Frame::Json(json)) => read.push(json),
            Some(Frame::Ping | Frame::Pong(_)) => {}
            Some(Frame::Closed) | None => return read,
        }
    }
}

async fn a_cookie_in_use_is_renewed(server: &Server) {
    const HOUR: i64 = 60 * 60;
    let ask = async |token: &str| {
        let cookie = format!("JAUTHENTICATION={token}");
        server.request(Method::GET, SELF, &[("Cookie", &cookie)], None).await
    };
    for remember in [false, true] {
        let token = |issued: i64, expires: i64| {
            signed(&json!({"id": "skipper", "iat": seconds(issued), "exp": seconds(expires), "rememberMe": remember}))
        };
        let young = ask(&token(-11 * HOUR, 13 * HOUR)).await;
        assert_eq!((young.status.as_u16(), young.header("set-cookie")), (200, ""), "before half of its life");
        let old = token(-13 * HOUR, 11 * HOUR);
        let answer = ask(&old).await;
        assert_eq!(answer.status, 200);
        let cookie = answer.header("set-cookie");
        let fresh = cookie.strip_prefix("JAUTHENTICATION=").and_then(|rest| rest.split(';').next());
        let fresh = fresh.unwrap_or_else(|| panic!("no new cookie: {:?}", answer.headers));
        assert!(cookie.contains("; Path=/; SameSite=Strict") && cookie.contains("; HttpOnly"), "{cookie}");
        assert_eq!(cookie.contains("; Max-Age=86400"), remember, "{cookie}");
        let said = claims(fresh);
        let time = |name: &str| said[name].as_i64().expect("a time");
        assert_eq!((&said["id"], time("exp") - time("iat")), (&json!("skipper"), 24 * HOUR), "{said}");
        assert!(time("exp") > seconds(23 * HOUR), "{said}");
        assert_eq!(ask(fresh).await.header("set-cookie"), "", "the new one is young");
        // A program that sends the token in a header takes care of itself.
        let bearer = server.as_who(&old, Method::GET, SELF, None).await;
        assert_eq!((bearer.status.as_u16(), bearer.header("set-cookie")), (200, ""));
        // The renewed cookie ends with the session that it belongs to.
        let out = [("Cookie", format!("JAUTHENTICATION={fresh}"))];
        let out = server.request(Method::PUT, "/signalk/v1/auth/logout", &[(out[0].0, &out[0].1)], None).await;
        assert_eq!(out.status, 200, "{}", out.text);
        assert_eq!((ask(fresh).await.status.as_u16(), ask(&old).await.status.as_u16()), (401, 401));
    }
    let device = signed(&json!({"device": "sensor", "iat": seconds(-13 * HOUR), "exp": seconds(11 * HOUR)}));
    assert_eq!(ask(&device).await.header("set-cookie"), "", "devices have no cookies");
}
