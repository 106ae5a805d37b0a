//! Group I: source priorities and staleness.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};
use tokio::time::Instant;
use windlass_tests::{BETWEEN_LOOKS, PATIENCE, Server, ServerOptions, Stream, delta, rows, run_table};

/// Longer than any test.
const NEVER: i64 = 3_600_000;

#[tokio::test]
async fn group_i_source_priorities() {
    let server = Server::start().await;
    let rows = rows![
        [76, 154] a_lower_source_does_not_count_while_a_higher_is_fresh,
        [76, 154] what_was_preferred_once_is_not_told_to_who_comes_later,
        [155, 156] the_lower_takes_over_after_its_timeout_and_the_higher_at_once,
        [157] an_unranked_source_waits_ten_seconds,
        [158, 159] notifications_and_other_vessels_are_never_filtered,
        [160, 161] negative_timeouts_disable_and_a_star_passes_all,
        [154, 155] groups_rank_all_paths_of_their_sources,
        [154] nonsense_is_refused,
        [154] what_is_known_of_a_source_can_be_seen_and_removed,
    ];
    run_table(&server, rows).await;
}

#[tokio::test]
async fn group_i_staleness() {
    let server = ServerOptions::new()
        .setting("enforceDataTimeouts", json!(true))
        .setting("useDefaultTimeouts", json!(true))
        .setting("defaultTimeout", json!(0.3))
        .setting("staleCheckIntervalMs", json!(100))
        .start()
        .await;
    run_table(&server, rows![[162] a_silent_path_becomes_null]).await;
}

/// Somebody who sends values of a path, and somebody who watches it.
struct Watched {
    path: String,
    sender: Stream,
    reader: Stream,
    marks: u32,
}

impl Watched {
    async fn new(server: &Server, path: &str) -> Self {
        let sender = Stream::connect(server, "subscribe=none").await;
        let mut reader = Stream::connect(server, "subscribe=none").await;
        reader.subscribe("*", json!([{"path": path}, {"path": "test.mark"}])).await;
        let mut watched = Self { path: path.to_owned(), sender, reader, marks: 0 };
        // What was there before is read.
        watched.seen().await;
        watched
    }

    async fn send(&mut self, source: &str, value: i64) {
        self.sender.send(&delta(source, &self.path, value)).await;
    }

    /// The values that came until now: what is sent together with a mark comes before it.
    async fn seen(&mut self) -> Vec<Json> {
        self.marks += 1;
        let mark = json!(format!("{} {}", self.path, self.marks));
        self.sender.send(&delta("marker", "test.mark", mark.clone())).await;
        let read = self.reader.read_until("the mark", |value| value.path == "test.mark" && value.value == mark).await;
        read.into_iter().filter(|value| value.path == self.path).map(|value| value.value).collect()
    }

    /// Sends values until one is accepted; how long that took.
    async fn send_until_accepted(&mut self, source: &str, value: i64) -> Duration {
        let start = Instant::now();
        loop {
            self.send(source, value).await;
            if self.seen().await.contains(&json!(value)) {
                return start.elapsed();
            }
            assert!(start.elapsed() < PATIENCE, "{source} is never accepted for {}", self.path);
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }
}

async fn put(server: &Server, part: &str, body: Json) {
    let path = format!("/skServer/{part}");
    let answer = server.request(Method::PUT, &path, &[], Some(body.to_string())).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, r#"{"result":"ok"}"#), "{path} {body}");
    assert_eq!(server.json(&path).await, body, "{path}");
}

fn ranked(sources: &[(&str, i64)]) -> Json {
    sources.iter().map(|(source, timeout)| json!({"sourceRef": source, "timeout": timeout})).collect()
}

async fn tree_value(server: &Server, path: &str) -> Json {
    server.tree(&format!("vessels/self/{}", path.replace('.', "/"))).await
}

async fn a_lower_source_does_not_count_while_a_higher_is_fresh(server: &Server) {
    let path = "test.prio.fresh";
    put(server, "priorityOverrides", json!({path: ranked(&[("hi", 0), ("lo", NEVER)])})).await;
    let mut watched = Watched::new(server, path).await;
    watched.send("hi", 1).await;
    watched.send("lo", 2).await;
    watched.send("hi", 3).await;
    watched.send("lo", 4).await;
    assert_eq!(watched.seen().await, [json!(1), json!(3)]);
    let leaf = tree_value(server, path).await;
    assert_eq!((&leaf["value"], &leaf["$source"], leaf.get("values")), (&json!(3), &json!("hi"), None), "{leaf}");
    // Whoever wants all sources gets them.
    let mut all = Stream::connect(server, "subscribe=none").await;
    all.send(&json!({"context": "vessels.self", "sourcePolicy": "all", "subscribe": [{"path": path}]})).await;
    let mut cached = [all.next_value().await.value, all.next_value().await.value];
    cached.sort_by_key(Json::as_i64);
    assert_eq!(cached, [json!(3), json!(4)]);
    let mut whole = Stream::connect(server, "sourcePolicy=all").await;
    for value in [3, 4] {
        whole.wait_for("cached values of both", |seen| seen.path == path && seen.value == value).await;
    }
    watched.send("lo", 5).await;
    whole.wait_for("a live value of the lower one", |seen| seen.path == path && seen.value == 5).await;
    assert_eq!(server.json("/skServer/multiSourcePaths").await[path], json!(["hi", "lo"]));
    assert_eq!(server.json("/skServer/livePreferredSources").await[path], "hi");
}

/// The lower one counted as long as it was alone, and has said nothing since: nothing of it was ever held back.
async fn what_was_preferred_once_is_not_told_to_who_comes_later(server: &Server) {
    let (path, mark) = ("test.prio.once", "test.prio.zz");
    put(server, "priorityOverrides", json!({path: ranked(&[("hi", 0), ("lo", NEVER)])})).await;
    let mut watched = Watched::new(server, path).await;
    watched.send("lo", 1).await;
    watched.send("hi", 2).await;
    assert_eq!(watched.seen().await, [json!(1), json!(2)]);
    // The newest value of all comes last of the present ones.
    let mut last = delta("marker", mark, 1);
    last["updates"][0]["timestamp"] = json!("2100-01-01T00:00:00.000Z");
    watched.sender.send(&last).await;
    watched.reader.unsubscribe_all().await;
    watched.reader.subscribe("*", json!([{"path": mark}])).await;
    watched.reader.wait_for_path(mark).await;
    let known = async |query: &str, message: Json| {
        let mut stream = Stream::connect(server, query).await;
        if !message.is_null() {
            stream.send(&message).await;
        }
        let read = stream.read_until("the mark", |value| value.path == mark).await;
        let mut values: Vec<_> =
            read.into_iter().filter(|value| value.path == path).map(|it| (it.source, it.value)).collect();
        values.sort_by_key(|(source, _)| source.clone());
        values
    };
    let winner = ("hi".to_owned(), json!(2));
    let both = vec![winner.clone(), ("lo".to_owned(), json!(1))];
    let rows = json!([{"path": "test.prio.*"}]);
    let message = |policy: &str| json!({"context": "vessels.self", "sourcePolicy": policy, "subscribe": rows});
    assert_eq!(known("subscribe=self", Json::Null).await, std::slice::from_ref(&winner));
    assert_eq!(known("subscribe=none", message("preferred")).await, [winner]);
    assert_eq!(known("sourcePolicy=all", Json::Null).await, both);
    assert_eq!(known("subscribe=none", message("all")).await, both);
}

async fn the_lower_takes_over_after_its_timeout_and_the_higher_at_once(server: &Server) {
    let path = "test.prio.timeout";
    let hold = Duration::from_millis(600);
    put(server, "priorityOverrides", json!({path: ranked(&[("hi", 0), ("lo", 600)])})).await;
    let mut events = Stream::connect(server, "subscribe=none&serverevents=all").await;
    let mut watched = Watched::new(server, path).await;
    watched.send("hi", 1).await;
    assert_eq!(watched.seen().await, [json!(1)]);
    let sent = Instant::now();
    watched.send_until_accepted("lo", 2).await;
    assert!(sent.elapsed() > hold - Duration::from_millis(100), "after {:?}", sent.elapsed());
    // An event when the source switches.
    events.wait_for_frame("the switch to lo", |e| e["type"] == "LIVEPREFERREDSOURCES" && e["data"][path] == "lo").await;
    watched.send("hi", 3).await;
    watched.send("lo", 4).await;
    assert_eq!(watched.seen().await, [json!(3)], "the higher counts at once, and the lower no more");
    events.wait_for_frame("the switch back", |e| e["type"] == "LIVEPREFERREDSOURCES" && e["data"][path] == "hi").await;
}

async fn an_unranked_source_waits_ten_seconds(server: &Server) {
    let path = "test.prio.unranked";
    put(server, "priorityOverrides", json!({path: ranked(&[("hi", 0)])})).await;
    let mut watched = Watched::new(server, path).await;
    let start = Instant::now();
    watched.send("hi", 1).await;
    watched.send("nobody", 2).await;
    assert_eq!(watched.seen().await, [json!(1)]);
    watched.send_until_accepted("nobody", 3).await;
    assert!(start.elapsed() >= Duration::from_secs(10), "after {:?}", start.elapsed());
    watched.send("hi", 4).await;
    assert_eq!(watched.seen().await, [json!(4)]);
}

async fn notifications_and_other_vessels_are_never_filtered(server: &Server) {
    let path = "test.prio.others";
    let alarm = "notifications.test.prio";
    let two = ranked(&[("hi", 0), ("lo", -1)]);
    put(server, "priorityOverrides", json!({path: two, alarm: two})).await;
    let mut watched = Watched::new(server, path).await;
    let other = "vessels.urn:mrn:imo:mmsi:230000001";
    for (source, value) in [("hi", 1), ("lo", 2), ("hi", 3), ("lo", 4)] {
        let mut about_other = delta(source, path, value);
        about_other["context"] = json!(other);
        watched.sender.send(&about_other).await;
    }
    assert_eq!(watched.seen().await, [json!(1), json!(2), json!(3), json!(4)]);
    watched.send("hi", 5).await;
    watched.send("lo", 6).await;
    assert_eq!(watched.seen().await, [json!(5)], "the own ship's are filtered");
    let mut alarms = Stream::connect(server, "subscribe=none").await;
    alarms.subscribe("vessels.self", json!([{"path": alarm}])).await;
    for source in ["hi", "lo"] {
        let value = json!({"state": "alarm", "message": format!("of {source}"), "method": ["visual"]});
        watched.sender.send(&delta(source, alarm, value)).await;
        alarms.wait_for(source, |value| value.value["message"] == format!("of {source}")).await;
    }
}

async fn negative_timeouts_disable_and_a_star_passes_all(server: &Server) {
    let (off, star) = ("test.prio.off", "test.prio.star");
    let overrides = json!({off: ranked(&[("hi", 0), ("lo", -1)]), star: ranked(&[("*", 0)])});
    put(server, "priorityOverrides", overrides).await;
    let mut watched = Watched::new(server, off).await;
    watched.send("lo", 1).await;
    watched.send("hi", 2).await;
    watched.send("lo", 3).await;
    assert_eq!(watched.seen().await, [json!(2)], "not even before the other");
    let mut watched = Watched::new(server, star).await;
    for (value, source) in ["a", "b", "c", "a"].iter().enumerate() {
        watched.send(source, value as i64).await;
    }
    assert_eq!(watched.seen().await, [json!(0), json!(1), json!(2), json!(3)]);
}

async fn groups_rank_all_paths_of_their_sources(server: &Server) {
    let priorities =
        json!({"groups": [{"id": "gps", "sources": ["g1", "g2"]}], "overrides": {}, "defaults": {"fallbackMs": NEVER}});
    put(server, "priorities", priorities.clone()).await;
    assert_eq!(server.json("/skServer/priorityDefaults").await, json!({"fallbackMs": NEVER}));
    for path in ["test.group.one", "test.group.two"] {
        let mut watched = Watched::new(server, path).await;
        watched.send("g1", 1).await;
        watched.send("g2", 2).await;
        watched.send("g3", 3).await;
        assert_eq!(watched.seen().await, [json!(1)], "{path}");
    }
    let groups = server.json("/skServer/reconciledGroups").await;
    let group = groups.as_array().and_then(|all| all.iter().find(|group| group["matchedSavedId"] == "gps"));
    let group = group.unwrap_or_else(|| panic!("{groups}"));
    assert_eq!((&group["sources"], &group["newcomerSources"]), (&json!(["g1", "g2", "g3"]), &json!(["g3"])));
    assert_eq!(group["paths"], json!(["test.group.one", "test.group.two"]));
    // Whoever comes later is told what is configured, and that after everything else.
    let mut events = Stream::connect(server, "subscribe=none&serverevents=all").await;
    let told = events.wait_for_frame("the groups", |event| event["type"] == "PRIORITYGROUPS").await;
    assert_eq!(told["data"], priorities["groups"]);
    let answer = server.request(Method::DELETE, "/skServer/priorities", &[], None).await;
    assert_eq!(answer.status, 200);
    assert_eq!(server.json("/skServer/priorities").await, json!({"groups": [], "overrides": {}, "defaults": {}}));
    events.wait_for_frame("their end", |event| event["type"] == "PRIORITYGROUPS" && event["data"] == json!([])).await;
}

async fn nonsense_is_refused(server: &Server) {
    let conflict = json!([{"id": "a", "sources": ["s"]}, {"id": "b", "sources": ["s"]}]);
    let said = "Source s appears in groups a and b; a source may belong to at most one active group.";
    for (part, body, words) in [
        ("priorityGroups", conflict, said),
        ("priorityGroups", json!({}), "Invalid priorityGroups payload at "),
        ("priorityOverrides", json!({"x": [{"sourceRef": 1, "timeout": 0}]}), "Invalid priorityOverrides payload at "),
        ("priorityDefaults", json!({"fallbackMs": 0}), "Invalid priorityDefaults payload at "),
        ("priorities", json!({"groups": []}), "Invalid priorities payload at /overrides"),
        ("sourceAliases", json!({"a": 1}), "Invalid sourceAliases payload at "),
    ] {
        let path = format!("/skServer/{part}");
        let before = server.json(&path).await;
        let answer = server.request(Method::PUT, &path, &[], Some(body.to_string())).await;
        assert_eq!(answer.status, 400, "{part} {body}");
        assert!(answer.text.starts_with(words), "{part}: {}", answer.text);
        assert_eq!(server.json(&path).await, before, "{part}");
    }
    put(server, "sourceAliases", json!({"g1": "the GPS on the mast"})).await;
    put(server, "ignoredInstanceConflicts", json!({"a+b": "2026-01-01T00:00:00.000Z"})).await;
    put(server, "sourcePriorities", json!({"test.older": ranked(&[("a", 0)])})).await;
    assert_eq!(server.json("/skServer/priorityOverrides").await, json!({"test.older": ranked(&[("a", 0)])}));
}

async fn what_is_known_of_a_source_can_be_seen_and_removed(server: &Server) {
    let path = "test.remove.me";
    let mut watched = Watched::new(server, path).await;
    watched.send("gone.1", 1).await;
    watched.seen().await;
    let clean = json!({"sourceRef": "gone.1", "deltaCachePaths": [], "fullSignalKPaths": [], "inSourceMeta": false,
        "inSourceDeltas": false, "clean": true});
    let seen = server.json("/skServer/cacheInspect?sourceRef=gone.1").await;
    assert_eq!(
        (&seen["deltaCachePaths"], &seen["fullSignalKPaths"], &seen["clean"]),
        (&json!([path]), &json!([path]), &json!(false))
    );
    let remove = async |query: &str| {
        let answer = server.request(Method::DELETE, &format!("/skServer/removeSource{query}"), &[], None).await;
        (answer.status.as_u16(), answer.json()["message"].clone())
    };
    assert_eq!(remove("?sourceRef=gone.1").await, (200, json!("Removed source gone.1")));
    assert_eq!(server.json("/skServer/cacheInspect?sourceRef=gone.1").await, clean);
    assert_eq!(server.tree_status("vessels/self/test/remove/me").await, 404);
    assert!(server.tree("sources").await.get("gone").is_none());
    assert_eq!(remove("?sourceRef=gone.1").await, (404, json!("Source gone.1 not found")));
    assert_eq!(remove("").await, (400, json!("sourceRef query parameter required")));
}

async fn a_silent_path_becomes_null(server: &Server) {
    let path = "environment.test";
    let mut sender = Stream::connect(server, "subscribe=none").await;
    let mut reader = Stream::connect(server, "subscribe=self").await;
    for round in 1..=2 {
        sender.send(&delta("sensor", path, round)).await;
        let is_it = |frame: &Json| frame["updates"][0]["values"][0]["path"] == path;
        let live = reader.wait_for_frame("the value", is_it).await;
        assert_eq!(live["updates"][0]["values"][0]["value"], round);
        let stale = reader.wait_for_frame("the end of it", is_it).await;
        let update = &stale["updates"][0];
        assert_eq!((&update["$source"], &update["values"][0]["value"]), (&json!("sensor"), &json!(null)), "{stale}");
        let state = &update["values"][0]["state"];
        assert_eq!((&state["timedOut"], &state["lastValue"]["value"]), (&json!(true), &json!(round)), "{stale}");
        let leaf = tree_value(server, path).await;
        assert_eq!((&leaf["value"], &leaf["state"]["timedOut"]), (&json!(null), &json!(true)), "{leaf}");
    }
}
