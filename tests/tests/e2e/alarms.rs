//! What was done about alarms is known to everybody, and the server remembers what alarms there were.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use reqwest::Method;
use serde_json::json;
use windlass_tests::{Json, Publisher, Server, ServerOptions, Stream, Value, delta};

const HISTORY: &str = "/windlass/alarms/history";

/// What somebody who raises an alarm says again and again, each time in other words.
fn raised(state: &str) -> Json {
    static SAID: AtomicU64 = AtomicU64::new(0);
    let message = format!("Bilge: {state}, {}", SAID.fetch_add(1, Ordering::Relaxed));
    json!({"state": state, "method": ["visual", "sound"], "message": message})
}

/// Changes how an alarm is told, and waits until that holds.
async fn put_method(server: &Server, publisher: &mut Publisher, path: &str, method: Json) {
    let url = format!("/signalk/v1/api/vessels/self/{}/method", path.replace('.', "/"));
    let answer = server.request(Method::PUT, &url, &[], Some(json!({"value": method}).to_string())).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let is_it = |value: &Value| value.path == path && value.value["method"] == method;
    publisher.stream().wait_for("another method", is_it).await;
}

/// Changes a key of the notification `notifications.<subject>`. The status of the answer.
async fn put(server: &Server, subject: &str, key: &str, value: Json) -> u16 {
    let url = format!("/signalk/v1/api/vessels/self/notifications/{subject}/{key}");
    let answer = server.request(Method::PUT, &url, &[], Some(json!({"value": value}).to_string())).await;
    answer.status.as_u16()
}

/// Raises an alarm, and waits until it is told.
async fn raise(publisher: &mut Publisher, source: &str, path: &str, state: &str) -> Value {
    let alarm = raised(state);
    publisher.send(&delta(source, path, alarm.clone())).await;
    let is_it = |value: &Value| value.path == path && value.value["message"] == alarm["message"];
    publisher.stream().wait_for("the alarm", is_it).await
}

/// Silenced, acknowledged, and how it is told.
fn attention(value: &Json) -> (bool, bool, Json) {
    let status = &value["status"];
    (status["silenced"] == true, status["acknowledged"] == true, value["method"].clone())
}

async fn entries(server: &Server) -> Vec<Json> {
    server.json(&format!("{HISTORY}?limit=1000")).await["entries"].as_array().expect("a list").clone()
}

/// Path and state of each entry.
fn shown(entries: &[Json]) -> Vec<String> {
    let text = |entry: &Json, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    entries.iter().map(|entry| format!("{} {}", text(entry, "path"), text(entry, "state"))).collect()
}

#[tokio::test]
async fn what_one_does_about_an_alarm_everybody_sees() {
    // SK-116, SK-123
    const PATH: &str = "notifications.bilge";
    let server = ServerOptions::new().start().await;
    let mut publisher = Publisher::connect(&server).await;
    let (mut one, mut two) = (Stream::connect(&server, "").await, Stream::connect(&server, "").await);
    let loud = (false, false, json!(["visual", "sound"]));
    let first = raise(&mut publisher, "f.bilge", PATH, "alarm").await;
    assert_eq!(attention(&first.value), loud);

    put_method(&server, &mut publisher, PATH, json!(["visual"])).await;
    let silenced = (true, false, json!(["visual"]));
    for stream in [&mut one, &mut two] {
        let seen = stream.wait_for("that it is silenced", |value| value.value["status"]["silenced"] == true).await;
        assert_eq!((attention(&seen.value), seen.source.as_str()), (silenced.clone(), "f.bilge"));
        assert_eq!(seen.value["id"], first.value["id"]);
    }
    // Whoever raised it knows nothing of that, and says it again.
    assert_eq!(attention(&raise(&mut publisher, "f.bilge", PATH, "alarm").await.value), silenced);
    put_method(&server, &mut publisher, PATH, json!([])).await;
    for stream in [&mut one, &mut two] {
        let seen = stream.wait_for("that it was seen", |value| value.value["status"]["acknowledged"] == true).await;
        assert_eq!(attention(&seen.value), (true, true, json!([])));
        assert!(seen.value["status"]["acknowledgedAt"].is_string(), "{seen:?}");
    }
    let again = raise(&mut publisher, "f.bilge", PATH, "alarm").await;
    assert_eq!(attention(&again.value), (true, true, json!([])));
    // A worse one is another matter, and so is one that comes anew.
    assert_eq!(attention(&raise(&mut publisher, "f.bilge", PATH, "emergency").await.value), loud);
    put_method(&server, &mut publisher, PATH, json!(["visual"])).await;
    let seen = server.tree("vessels/self/notifications/bilge").await;
    assert_eq!(attention(&seen["value"]), (false, true, json!(["visual"])));
    for state in ["normal", "alarm"] {
        assert_eq!(attention(&raise(&mut publisher, "f.bilge", PATH, state).await.value), loud);
    }

    let history = entries(&server).await;
    let expected = ["alarm", "normal", "emergency", "alarm"].map(|state| format!("{PATH} {state}"));
    assert_eq!(shown(&history), expected);
    let done = |at: usize| ["silenced", "acknowledged", "ended"].map(|key| history[at][key].is_string());
    assert_eq!(
        [done(0), done(1), done(2), done(3)],
        [[false, false, false], [false, false, false], [false, true, true], [true, true, true]]
    );
    assert_eq!((&history[2]["from"], &history[2]["raised"]), (&json!("alarm"), &history[3]["time"]));
    assert_eq!((&history[3]["message"], &history[3]["source"]), (&first.value["message"], &json!("f.bilge")));
}

#[tokio::test]
async fn an_alarm_that_is_made_worse_by_hand_is_heard() {
    let server = ServerOptions::new().start().await;
    let mut publisher = Publisher::connect(&server).await;
    raise(&mut publisher, "f.bilge", "notifications.bilge", "warn").await;
    let loud = (false, false, json!(["visual", "sound"]));
    for (key, value, expected) in [
        ("method", json!([]), (true, true, json!([]))),
        ("state", json!("warn"), (true, true, json!([]))),
        ("state", json!("alarm"), loud.clone()),
        ("method", json!(["visual"]), (true, false, json!(["visual"]))),
        ("state", json!("normal"), (false, false, json!(["visual"]))),
        ("state", json!("emergency"), loud),
        ("method", json!([]), (false, true, json!(["visual"]))),
    ] {
        assert_eq!(put(&server, "bilge", key, value.clone()).await, 200, "{key} {value}");
        let now = server.tree("vessels/self/notifications/bilge").await;
        assert_eq!(attention(&now["value"]), expected, "{key} {value}: {now}");
    }
}

#[tokio::test]
async fn an_alarm_outlasts_that_nobody_manages_it() {
    let server = ServerOptions::new().start().await;
    let mut publisher = Publisher::connect(&server).await;
    for path in ["notifications.bilge", "notifications.fire"] {
        raise(&mut publisher, "f", path, "alarm").await;
    }
    for on in [false, true] {
        let settings = json!({"options": {}, "notifications": {"manageNotifications": on}});
        let answer = server.request(Method::PUT, "/skServer/settings", &[], Some(settings.to_string())).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        if !on {
            raise(&mut publisher, "f", "notifications.other", "alarm").await;
            assert_eq!(put(&server, "fire", "method", json!(["visual"])).await, 200);
        }
    }
    // One of which nobody spoke, one that was changed, and one that was raised meanwhile.
    for (subject, expected) in [("bilge", (true, false)), ("fire", (false, false)), ("other", (false, false))] {
        assert_eq!(put(&server, subject, "method", json!(["visual"])).await, 200, "{subject}");
        let now = server.tree(&format!("vessels/self/notifications/{subject}")).await;
        assert_eq!(attention(&now["value"]), (expected.0, expected.1, json!(["visual"])), "{subject}: {now}");
    }
}

/// Waits until the file of the history has this.
async fn written(server: &Server, text: &str) {
    let file = server.directory().join("serverstate/alarms.jsonl");
    let deadline = Instant::now() + windlass_tests::PATIENCE;
    while !std::fs::read_to_string(&file).is_ok_and(|content| content.contains(text)) {
        assert!(Instant::now() < deadline, "{text} is not written");
        tokio::time::sleep(windlass_tests::BETWEEN_LOOKS).await;
    }
}

#[tokio::test]
async fn the_history_outlives_stops_and_power_cuts() {
    let server = ServerOptions::new().vessel("Argo", "230099999").start().await;
    let mut publisher = Publisher::connect(&server).await;
    raise(&mut publisher, "f.bilge", "notifications.bilge", "alarm").await;
    put_method(&server, &mut publisher, "notifications.bilge", json!(["visual"])).await;
    raise(&mut publisher, "f.bilge", "notifications.over", "warn").await;
    raise(&mut publisher, "f.bilge", "notifications.over", "normal").await;
    let before = entries(&server).await;
    assert_eq!(before.len(), 3);
    drop(publisher);

    // A stop writes what is not written yet.
    let ended = server.terminate().await;
    let server = ServerOptions::new().directory(&ended.directory).start().await;
    assert_eq!(entries(&server).await, before);
    // The same alarm, raised again, is no news, and makes no noise.
    let mut publisher = Publisher::connect(&server).await;
    let again = raise(&mut publisher, "f.bilge", "notifications.bilge", "alarm").await;
    assert_eq!(attention(&again.value), (true, false, json!(["visual"])));
    assert_eq!(entries(&server).await, before);

    // A power cut costs nothing that is written, which is soon.
    raise(&mut publisher, "f.bilge", "notifications.new", "alarm").await;
    put_method(&server, &mut publisher, "notifications.new", json!([])).await;
    let before = entries(&server).await;
    assert_eq!((before.len(), before[0]["acknowledged"].is_string()), (4, true), "{before:?}");
    written(&server, before[0]["acknowledged"].as_str().expect("a time")).await;
    drop(publisher);
    let ended = server.kill().await;
    let server = ServerOptions::new().directory(&ended.directory).start().await;
    assert_eq!(entries(&server).await, before);

    // One that happens while it is written costs what was being written.
    let ended = server.terminate().await;
    let file = ended.directory.path().join("serverstate/alarms.jsonl");
    let text = std::fs::read(&file).expect("the file");
    std::fs::write(&file, &text[..text.len() - 10]).expect("it can be written");
    let server = ServerOptions::new().directory(&ended.directory).start().await;
    assert!(server.logs().find(&["alarms.jsonl", "cut off"]).is_some(), "{}", server.logs().tail());
    let kept = entries(&server).await;
    assert!(kept == before || kept == before[1..], "{kept:?}");
    let ended = server.terminate().await;
    std::fs::write(&file, "nonsense\n").expect("it can be written");
    let server = ServerOptions::new().directory(&ended.directory).start().await;
    assert!(server.logs().find(&["alarms.jsonl", "is damaged"]).is_some(), "{}", server.logs().tail());
    assert_eq!(entries(&server).await, [] as [Json; 0]);
}

#[tokio::test]
async fn the_history_is_bounded_and_read_page_by_page() {
    const OTHER: &str = "vessels.urn:mrn:imo:mmsi:230055555";
    let server = ServerOptions::new().start().await;
    let mut publisher = Publisher::connect(&server).await;
    let own = publisher.own_context().to_owned();
    let values: Vec<_> =
        (0..1_300).map(|n| json!({"path": format!("notifications.many.{n}"), "value": raised("warn")})).collect();
    for values in values.chunks(100) {
        publisher.send(&json!({"updates": [{"$source": "f", "values": values}]})).await;
    }
    publisher.stream().wait_for_path("notifications.many.1299").await;
    let mut theirs = delta("f", "notifications.theirs", raised("alarm"));
    theirs["context"] = json!(OTHER);
    publisher.send(&theirs).await;
    server.eventually(&format!("{HISTORY}?context={OTHER}"), |page| page["entries"][0]["context"] == OTHER).await;

    let all = server.json(&format!("{HISTORY}?limit=1000")).await;
    let all = (all["entries"].as_array().expect("a list"), &all["more"]);
    assert_eq!((all.0.len(), all.1), (1_000, &json!(false)));
    let mut ids = Vec::new();
    let mut before = String::new();
    loop {
        let page = server.json(&format!("{HISTORY}?limit=300{before}")).await;
        let found = page["entries"].as_array().expect("a list");
        ids.extend(found.iter().map(|entry| entry["id"].as_u64().expect("a number")));
        if page["more"] == false {
            break;
        }
        assert_eq!(found.len(), 300);
        before = format!("&before={}", ids.last().expect("some"));
    }
    assert!(ids.is_sorted_by(|a, b| a > b) && ids.iter().collect::<HashSet<_>>().len() == 1_000);
    assert_eq!(ids, all.0.iter().filter_map(|entry| entry["id"].as_u64()).collect::<Vec<_>>());
    // Own ship by either of its names.
    for name in ["vessels.self", own.as_str()] {
        let page = server.json(&format!("{HISTORY}?context={name}")).await;
        let contexts: HashSet<_> =
            page["entries"].as_array().into_iter().flatten().map(|one| &one["context"]).collect();
        assert_eq!((contexts, &page["more"]), (HashSet::from([&json!(own)]), &json!(true)));
    }
    for query in ["limit=0", "limit=1001", "limit=many", "before=-1"] {
        let answer = server.get(&format!("{HISTORY}?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.text.contains("limit"), "{}", answer.text);
    }
}

#[tokio::test]
async fn the_history_shows_what_one_may_see_and_is_cleared_by_admins() {
    let (server, admin) = ServerOptions::new().start_claimed().await;
    let reader = server.add_user(&admin, "reader", "readonly").await;
    let writer = server.add_user(&admin, "writer", "readwrite").await;
    let mut publisher = Publisher::connect_as(&server, &format!("token={writer}")).await;
    for (path, state) in [("hidden", "alarm"), ("open", "alarm"), ("open", "normal")] {
        raise(&mut publisher, "f", &format!("notifications.{path}"), state).await;
    }
    let all = ["notifications.open normal", "notifications.open alarm", "notifications.hidden alarm"];
    let read = async |token: &str| {
        let answer = server.as_who(token, Method::GET, HISTORY, None).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        shown(answer.json()["entries"].as_array().expect("a list"))
    };
    assert_eq!(server.get(HISTORY).await.status, 401);
    assert_eq!(read(&reader).await, all);
    let acls = json!([{"context": "vessels.self", "resources": [
        {"paths": ["notifications.hidden"], "permissions": [{"subject": "writer", "permission": "write"}]},
        {"paths": ["*"], "permissions": [{"subject": "any", "permission": "read"}, {"subject": "writer", "permission": "write"}]},
    ]}]);
    let set = server.as_who(&admin, Method::PUT, "/skServer/security/config", Some(json!({"acls": acls}))).await;
    assert_eq!(set.status, 200, "{}", set.text);
    assert_eq!(read(&reader).await, all[..2]);
    assert_eq!(read(&writer).await, all);

    for token in [&reader, &writer] {
        assert_eq!(server.as_who(token, Method::DELETE, HISTORY, None).await.status, 401);
    }
    assert_eq!(read(&writer).await, all);
    assert_eq!(server.as_who(&admin, Method::DELETE, HISTORY, None).await.status, 204);
    assert_eq!(read(&writer).await, all[2..], "what is active stays");
    // It is gone for good, and what stays is of the own ship, whatever that is called from now on.
    drop(publisher);
    let ended = server.kill().await;
    let renamed = ServerOptions::new().directory(&ended.directory).vessel("Argo", "230011111");
    let server = renamed.secured().start().await;
    let token = server.log_in("writer").await;
    for query in ["", "?context=vessels.self", "?context=vessels.urn:mrn:imo:mmsi:230011111"] {
        let answer = server.as_who(&token, Method::GET, &format!("{HISTORY}{query}"), None).await.json();
        assert_eq!(shown(answer["entries"].as_array().expect("a list")), all[2..], "{query}");
    }
}
