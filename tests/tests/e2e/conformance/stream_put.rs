//! Group F: PUT, DELETE and what becomes of requests. Handlers of plugins are beside the plugins' other promises.

use reqwest::Method;
use serde_json::json;
use windlass_tests::{Answer, Json, Publisher, Server, ServerOptions, Stream, delta, rows, run_table};

use super::{MMSI, NAME, own_context};

#[tokio::test]
async fn group_f_put_delete_and_requests() {
    let server = ServerOptions::new().vessel(NAME, MMSI).start().await;
    let rows = rows![
        [103, 104] without_a_handler_put_is_405,
        [105, 106, 112] put_over_the_stream_tells_each_state,
        [107] put_needs_a_value,
        [108] dots_and_slashes_divide_alike,
        [109, 110] the_client_that_feeds_a_value_is_asked,
        [101, 102, 114] metadata_is_changed_saved_and_told,
        [113] an_unknown_request_is_404,
        [115] metadata_can_be_deleted_and_nothing_else,
        [116] a_notification_can_be_changed,
        [105] a_frame_may_have_several_keys,
    ];
    run_table(&server, rows).await;
}

/// SK-114: after a restart metadata is what it was set to; everything else in the file stays.
#[tokio::test]
async fn metadata_survives_a_restart() {
    let server = ServerOptions::new().vessel(NAME, MMSI).start().await;
    let path = "vessels/self/environment/water/temperature/meta";
    let zones = json!([{"lower": 300, "state": "warn", "message": "warm"}]);
    for (path, value) in
        [(path.to_owned(), json!({"displayName": "Sea", "zones": []})), (format!("{path}/zones"), zones)]
    {
        let answer = put(&server, &path, &json!({"value": value})).await;
        completed(&server, &answer).await;
    }
    let ended = server.terminate().await;
    let server = ServerOptions::new().directory(&ended.directory).start().await;
    let meta = server.tree(path).await;
    assert_eq!((&meta["displayName"], &meta["units"]), (&json!("Sea"), &json!("K")), "{meta}");
    assert_eq!(meta["zones"][0]["message"], "warm");
    assert_eq!(server.tree("vessels/self/name").await, NAME);
    // The zone is watched from the start.
    let mut publisher = Publisher::connect(&server).await;
    publisher.send(&delta("f", "environment.water.temperature", 301)).await;
    let alarm = publisher.stream().wait_for_path("notifications.environment.water.temperature").await;
    assert_eq!(alarm.value["state"], "warn");
}

async fn put(server: &Server, path: &str, body: &Json) -> Answer {
    server.request(Method::PUT, &format!("/signalk/v1/api/{path}"), &[], Some(body.to_string())).await
}

/// Waits until a request that was pending is done, and checks what the two answers have in common.
async fn completed(server: &Server, answer: &Answer) -> Json {
    let pending = answer.json();
    assert_eq!((answer.status.as_u16(), &pending["statusCode"]), (202, &json!(202)), "{pending}");
    assert_eq!((&pending["state"], &pending["action"]["href"]), (&json!("PENDING"), &pending["href"]));
    let href = pending["href"].as_str().expect("an href");
    let done = server.eventually(href, |request| request["state"] == "COMPLETED").await;
    assert_eq!(done["requestId"], pending["requestId"]);
    done
}

/// The answers to a request over the stream.
async fn answers(stream: &mut Stream, id: &str) -> Vec<Json> {
    let mut answers: Vec<Json> = Vec::new();
    while answers.last().is_none_or(|answer| answer["state"] == "PENDING") {
        answers.push(stream.wait_for_frame("an answer", |frame| frame["requestId"] == id).await);
    }
    answers
}

fn codes(answers: &[Json]) -> Vec<u64> {
    answers.iter().map(|answer| answer["statusCode"].as_u64().expect("a number")).collect()
}

async fn without_a_handler_put_is_405(server: &Server) {
    let own = format!("vessels/{}/test/nobody", own_context().trim_start_matches("vessels."));
    for path in ["vessels/self/test/nobody", own.as_str(), "vessels/urn:mrn:imo:mmsi:230000001/test/nobody"] {
        let answer = put(server, path, &json!({"value": 1})).await;
        let reply = answer.json();
        assert_eq!(
            (answer.status.as_u16(), &reply["statusCode"], &reply["state"]),
            (405, &json!(405), &json!("COMPLETED"))
        );
        assert_eq!(reply["message"], "PUT not supported for test.nobody", "{path}");
        let href = reply["href"].as_str().expect("an href");
        assert_eq!(server.json(href).await, reply);
    }
}

async fn put_over_the_stream_tells_each_state(server: &Server) {
    let mut stream = Stream::connect(server, "subscribe=none").await;
    stream
        .send(&json!({"context": "vessels.self", "requestId": "s1", "put": {"path": "test.nobody", "value": 1}}))
        .await;
    let seen = answers(&mut stream, "s1").await;
    assert_eq!((codes(&seen), &seen[0]["message"]), (vec![405], &json!("PUT not supported for test.nobody")));
    let meta = json!({"path": "test.states.meta.displayName", "value": "States"});
    // The same id once more is another request, which takes the place of the first.
    for context in ["vessels.self", &own_context()] {
        stream.send(&json!({"context": context, "requestId": "s1", "put": meta})).await;
        let seen = answers(&mut stream, "s1").await;
        assert_eq!(codes(&seen), [202, 200], "{seen:?}");
        assert_eq!((&seen[0]["state"], &seen[1]["state"]), (&json!("PENDING"), &json!("COMPLETED")));
    }
    stream.send(&json!({"requestId": "s1", "query": true})).await;
    let known = stream.next_json().await;
    assert_eq!((&known["requestId"], &known["statusCode"]), (&json!("s1"), &json!(200)));
    stream.send(&json!({"requestId": "unknown", "query": true})).await;
    assert_eq!(stream.next_json().await, json!({"requestId": "unknown", "statusCode": 404}));
    // A list of one is that one; of several there would have to be several answers.
    stream.send(&json!({"requestId": "s2", "put": [meta]})).await;
    assert_eq!(codes(&answers(&mut stream, "s2").await), [202, 200]);
    for (put, code) in
        [(json!([meta, meta]), 502), (json!({"value": 1}), 400), (json!({"path": "a"}), 400), (json!(7), 400)]
    {
        stream.send(&json!({"requestId": "s3", "put": put})).await;
        assert_eq!(codes(&answers(&mut stream, "s3").await), [code], "{put}");
    }
    stream.send(&json!({"put": {"path": "test.nobody", "value": 1}})).await;
    let unnamed = stream.next_json().await;
    assert!(unnamed["requestId"].as_str().is_some_and(|id| id.len() == 36), "{unnamed}");
}

async fn put_needs_a_value(server: &Server) {
    for body in [json!({}), json!({"source": "x"}), json!([])] {
        let answer = put(server, "vessels/self/test/x", &body).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (400, "input is missing a value"), "{body}");
    }
    for path in ["vessels/self", "vessels/self/"] {
        let answer = put(server, path, &json!({"value": 1})).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (400, "invalid path"), "{path}");
    }
}

async fn dots_and_slashes_divide_alike(server: &Server) {
    for path in ["test/divided/meta/displayName", "test.divided.meta.displayName", "test/divided.meta/displayName"] {
        let answer = put(server, &format!("vessels/self/{path}"), &json!({"value": path})).await;
        assert_eq!(completed(server, &answer).await["statusCode"], 200);
        assert_eq!(server.tree("vessels/self/test/divided/meta/displayName").await, path);
    }
}

async fn the_client_that_feeds_a_value_is_asked(server: &Server) {
    const PATH: &str = "electrical.switches.anchorLight.state";
    let mut feeder = Publisher::connect(server).await;
    feeder.value("feeder.one", PATH, 0).await;
    let mut requester = Stream::connect(server, "subscribe=none").await;
    let asked = json!({"context": "vessels.self", "requestId": "f1", "put": {"path": PATH, "value": 1}});
    requester.send(&asked).await;
    assert_eq!(requester.next_json().await["statusCode"], 202);
    let forwarded = feeder.sender().next_json().await;
    let expected = json!([{"path": PATH, "value": 1}]);
    assert_eq!((&forwarded["context"], &forwarded["put"]), (&json!("vessels.self"), &expected));
    let id = forwarded["requestId"].clone();
    // Only who was asked may answer.
    let reply = json!({"requestId": id, "state": "COMPLETED", "statusCode": 200, "message": "lit"});
    let mut stranger = Stream::connect(server, "subscribe=none").await;
    stranger.send(&json!({"requestId": id, "state": "COMPLETED", "statusCode": 400})).await;
    stranger.send(&json!({"requestId": "q", "query": true})).await;
    stranger.next_json().await;
    feeder.sender().send(&json!({"requestId": id, "state": "PENDING", "statusCode": 202})).await;
    assert_eq!(requester.next_json().await["state"], "PENDING");
    feeder.sender().send(&reply).await;
    let done = requester.next_json().await;
    assert_eq!((&done["requestId"], &done["statusCode"], &done["message"]), (&json!("f1"), &json!(200), &json!("lit")));
    // Over HTTP the answer is polled for.
    let answer = put(server, "vessels/self/electrical/switches/anchorLight/state", &json!({"value": 2})).await;
    let id = feeder.sender().next_json().await["requestId"].clone();
    feeder.sender().send(&json!({"requestId": id, "state": "COMPLETED", "statusCode": 502, "message": "fuse"})).await;
    let done = completed(server, &answer).await;
    assert_eq!((&done["statusCode"], &done["message"]), (&json!(502), &json!("fuse")));
    // With a second source it has to be said which is meant.
    let mut other = Publisher::connect(server).await;
    other.value("feeder.two", PATH, 0).await;
    requester.send(&asked).await;
    let refused = requester.next_json().await;
    assert_eq!(refused["statusCode"], 400);
    assert!(refused["message"].as_str().is_some_and(|text| text.contains("multiple sources")), "{refused}");
    let mut with_source = asked.clone();
    with_source["put"]["source"] = json!("feeder.two");
    requester.send(&with_source).await;
    assert_eq!(requester.next_json().await["statusCode"], 202);
    assert_eq!(other.sender().next_json().await["put"], expected);
    // A client that goes takes its work with it.
    drop(other);
    assert_eq!(requester.next_json().await["statusCode"], 502);
    requester.send(&asked).await;
    assert_eq!(requester.next_json().await["statusCode"], 202, "there is one left");
    drop(feeder);
    assert_eq!(requester.next_json().await["statusCode"], 502);
    requester.send(&asked).await;
    assert_eq!(requester.next_json().await["statusCode"], 405, "nobody is left");
}

async fn metadata_is_changed_saved_and_told(server: &Server) {
    const PATH: &str = "environment.outside.pressure";
    let mut publisher = Publisher::connect(server).await;
    let mut default = Stream::connect(server, "sendCachedValues=false").await;
    publisher.value("f", PATH, 101_300).await;
    default.wait_for_path(PATH).await;
    let url = "vessels/self/environment/outside/pressure/meta";
    let answer = put(server, url, &json!({"value": {"displayName": "Barometer", "timeout": 5}})).await;
    assert_eq!(completed(server, &answer).await["statusCode"], 200);
    let has_meta = |frame: &Json| frame["updates"][0]["meta"][0]["path"] == PATH;
    let told = default.wait_for_frame("the new metadata", has_meta).await;
    let update = &told["updates"][0];
    assert_eq!((&told["context"], &update["$source"]), (&json!(own_context()), &json!("defaults")));
    let meta = &update["meta"][0]["value"];
    assert_eq!(
        (&meta["displayName"], &meta["units"]),
        (&json!("Barometer"), &json!("Pa")),
        "all that is known: {meta}"
    );
    let answer = put(server, &format!("{url}/displayName"), &json!({"value": "Glass"})).await;
    completed(server, &answer).await;
    let meta = server.tree(url).await;
    assert_eq!((&meta["displayName"], &meta["timeout"]), (&json!("Glass"), &json!(5)));
    let saved = std::fs::read_to_string(server.directory().join("baseDeltas.json")).expect("the file");
    let saved: Json = serde_json::from_str(&saved).expect("JSON");
    assert_eq!(saved[0]["updates"][0]["values"][0]["value"]["name"], NAME, "what was there stays: {saved}");
    let entries: Vec<_> = saved
        .as_array()
        .expect("an array")
        .iter()
        .filter_map(|delta| delta["updates"][0]["meta"].as_array())
        .flatten()
        .collect();
    let entry = entries.iter().find(|entry| entry["path"] == PATH).expect("an entry");
    assert_eq!(entry["value"], json!({"displayName": "Glass", "timeout": 5}));
    let bad = put(server, url, &json!({"value": 5})).await;
    assert_eq!((bad.status.as_u16(), bad.json()["statusCode"].as_u64()), (400, Some(400)));
}

async fn an_unknown_request_is_404(server: &Server) {
    assert_eq!(server.get("/signalk/v1/requests/none").await.status, 404);
}

async fn metadata_can_be_deleted_and_nothing_else(server: &Server) {
    const URL: &str = "/signalk/v1/api/vessels/self/environment/inside/temperature/meta";
    let delete = async |path: &str| server.request(Method::DELETE, path, &[], None).await;
    let answer = put(
        server,
        "vessels/self/environment/inside/temperature/meta",
        &json!({"value": {"units": "C", "displayName": "Cabin"}}),
    )
    .await;
    completed(server, &answer).await;
    assert_eq!(server.json(URL).await["units"], "C");
    // What is completed can be read at once, however busy the bus is.
    for number in 0..30 {
        let name = format!("Cabin {number}");
        let path = "vessels/self/environment/inside/temperature/meta/displayName";
        completed(server, &put(server, path, &json!({"value": name})).await).await;
        assert_eq!(server.json(URL).await["displayName"], json!(name));
    }
    let done = completed(server, &delete(&format!("{URL}/units")).await).await;
    assert_eq!(done["statusCode"], 200);
    assert_eq!(server.json(URL).await["units"], "K", "the built-in unit again");
    let done = completed(server, &delete(&format!("{URL}/units")).await).await;
    assert_eq!(done["statusCode"], 404, "nothing is stored any more");
    let mut stream = Stream::connect(server, "subscribe=none").await;
    let message =
        json!({"requestId": "d", "context": "vessels.self", "delete": {"path": "environment.inside.temperature.meta"}});
    stream.send(&message).await;
    assert_eq!(codes(&answers(&mut stream, "d").await), [202, 200]);
    assert_eq!(server.json(URL).await.get("displayName"), None);
    let refused = delete("/signalk/v1/api/vessels/self/environment/inside/temperature").await;
    assert_eq!((refused.status.as_u16(), &refused.json()["state"]), (405, &json!("COMPLETED")));
    assert_eq!(refused.json()["message"], "DELETE not supported for environment.inside.temperature");
    stream.send(&json!({"requestId": "d", "delete": {"path": "a.b"}})).await;
    assert_eq!(codes(&answers(&mut stream, "d").await), [405]);
}

async fn a_notification_can_be_changed(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    let alarm = json!({"state": "alarm", "method": ["visual", "sound"], "message": "Bilge"});
    publisher.send(&delta("f.bilge", "notifications.bilge", alarm)).await;
    publisher.stream().wait_for_path("notifications.bilge").await;
    let url = "vessels/self/notifications/bilge";
    for (key, value) in [("method", json!(["visual"])), ("state", json!("warn"))] {
        let answer = put(server, &format!("{url}/{key}"), &json!({"value": value})).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["state"]), (200, &json!("COMPLETED")), "{key}");
        let changed = publisher.stream().wait_for_path("notifications.bilge").await;
        assert_eq!((&changed.value[key], &changed.value["message"]), (&value, &json!("Bilge")), "the rest stays");
        assert_eq!(changed.source, "f.bilge");
    }
    for (path, value, code) in [
        ("notifications/nothing/state", json!("warn"), 404),
        ("notifications/bilge/message", json!("x"), 405),
        ("notifications/bilge/state", json!("bad"), 400),
    ] {
        let answer = put(server, &format!("vessels/self/{path}"), &json!({"value": value})).await;
        assert_eq!(answer.status.as_u16(), code, "{path}");
        assert_eq!(answer.json().get("message").is_none(), code != 400, "{path}");
    }
}

async fn a_frame_may_have_several_keys(server: &Server) {
    let mut watcher = Stream::connect(server, "").await;
    let mut stream = Stream::connect(server, "subscribe=none").await;
    let mut message = delta("f", "test.several", 1);
    message["subscribe"] = json!([{"path": "test.several.other"}]);
    message["context"] = json!("vessels.self");
    message["requestId"] = json!("k");
    message["put"] = json!({"path": "test.nobody", "value": 1});
    message["query"] = json!(true);
    stream.send(&message).await;
    watcher.wait_for_path("test.several").await;
    assert_eq!(stream.next_json().await["requestId"], "k");
    stream.wait_for_frame("the second answer", |frame| frame["requestId"] == "k").await;
    let mut publisher = Publisher::connect(server).await;
    publisher.value("f", "test.several.other", 1).await;
    stream.wait_for_path("test.several.other").await;
}
