//! What the server tells of itself: its actors and who sends to whom, the process, and the last quarter of an hour.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value as Json, json};
use windlass_tests::{NmeaPeer, PATIENCE, Server, ServerOptions, Stream, WatPlugin, delta};

const ACTORS: &str = "/windlass/actors";
/// A plugin may hang for so long in one delta.
const DEADLINE: f64 = 4000.0;

fn with_plugin(options: ServerOptions, name: &str, plugin: &WatPlugin) -> ServerOptions {
    let package = json!({"name": name, "version": "1.0.0", "wasmManifest": "plugin.wasm",
        "keywords": ["signalk-wasm-plugin"], "wasmCapabilities": {"dataRead": true, "storage": "none"}});
    options
        .json_file(format!("node_modules/{name}/package.json"), &package)
        .file(format!("node_modules/{name}/plugin.wasm"), plugin.wasm())
        .json_file(format!("plugin-config-data/{name}.json"), &json!({"enabled": true, "configuration": {}}))
}

fn actors<'a>(seen: &'a Json, kind: &'a str) -> impl Iterator<Item = &'a Json> {
    seen["actors"].as_array().into_iter().flatten().filter(move |actor| actor["kind"] == kind)
}

fn actor<'a>(seen: &'a Json, id: &str) -> Option<&'a Json> {
    seen["actors"].as_array()?.iter().find(|actor| actor["id"] == id)
}

fn flows<'a>(seen: &'a Json, wanted: impl Fn(&str, &str) -> bool + 'a) -> impl Iterator<Item = &'a Json> {
    let text = |json: &'a Json| json.as_str().unwrap_or_default();
    let rows = seen["flows"].as_array().into_iter().flatten();
    rows.filter(move |flow| wanted(text(&flow["from"]), text(&flow["to"])))
}

fn deltas<'a>(rows: impl Iterator<Item = &'a Json>) -> u64 {
    rows.filter_map(|row| row["deltas"].as_u64()).sum()
}

fn number(row: &Json, pointer: &str) -> f64 {
    row.pointer(pointer).and_then(Json::as_f64).unwrap_or_default()
}

async fn runs(server: &Server, plugin: &str) {
    let path = format!("/skServer/plugins/{plugin}/status");
    server.eventually(&path, |status| status["status"] == "running" || status["state"] == "running").await;
}

#[tokio::test]
async fn a_plugin_that_hangs_shows_in_its_own_row_and_in_no_other() {
    let limits = format!("[plugins.limits.deadlines]\ndelta = {DEADLINE}\n");
    let hanging = WatPlugin::new().body("delta_handler", "(loop $forever (br $forever))");
    let options = with_plugin(ServerOptions::new().file("windlass.toml", limits), "hangs", &hanging);
    let server = with_plugin(options, "works", &WatPlugin::new()).start().await;
    runs(&server, "hangs").await;
    runs(&server, "works").await;
    let mut reader = Stream::connect(&server, "subscribe=self").await;
    let mut boat = Stream::connect(&server, "subscribe=none").await;
    for n in 0..20 {
        boat.send(&delta("boat", "performance.hangs", n)).await;
    }
    reader.wait_for("the last value", |value| value.value == 19).await;
    let is_hanging = |seen: &Json| actor(seen, "plugin:hangs").is_some_and(|row| number(row, "/running") > 1000.0);
    let seen = server.eventually(ACTORS, is_hanging).await;
    let hangs = actor(&seen, "plugin:hangs").expect("it was found a moment ago");
    assert_eq!(hangs["thread"], "plugin hangs");
    assert!(number(hangs, "/longest") >= number(hangs, "/running"), "{hangs}");
    for other in seen["actors"].as_array().expect("a list").iter().filter(|row| row["id"] != "plugin:hangs") {
        assert!(number(other, "/longest") < 900.0 && number(other, "/running") < 900.0, "{other}");
    }
    for thread in seen["threads"].as_array().expect("a list") {
        assert!(number(thread, "/longestStall") < 900.0, "{thread}");
    }
    let works = actor(&seen, "plugin:works").expect("it is there");
    assert!(number(works, "/deltas") >= 20.0, "{works}");

    // It is interrupted, started anew, and gets the deltas that have waited for it.
    let started_anew = |seen: &Json| actor(seen, "plugin:hangs").is_some_and(|row| number(row, "/restarts") >= 1.0);
    let seen = server.eventually(ACTORS, started_anew).await;
    let hangs = actor(&seen, "plugin:hangs").expect("it was found a moment ago");
    assert!(number(hangs, "/longest") >= DEADLINE * 0.9, "{hangs}");
    assert_eq!(number(hangs, "/queue/capacity"), 1000.0, "{hangs}");
    assert_eq!(actor(&seen, "plugin:works").expect("it is there")["restarts"], 0);
}

#[tokio::test]
async fn counts_agree_with_the_deltas_sent() {
    const SENT: u64 = 300;
    const LINES: u64 = 50;
    let options = with_plugin(ServerOptions::new().nmea_listener("gps"), "works", &WatPlugin::new());
    let server = options.start().await;
    runs(&server, "works").await;
    let mut reader = Stream::connect(&server, "subscribe=all&sendCachedValues=false").await;
    let mut writer = Stream::connect(&server, "subscribe=none").await;
    for n in 0..SENT {
        writer.send(&delta("boat", "performance.counts", n)).await;
    }
    reader.wait_for("the last value", |value| value.path == "performance.counts" && value.value == SENT - 1).await;
    let mut gps = NmeaPeer::connect(&server.input("gps").await).await;
    for _ in 0..LINES {
        gps.say("SDDBT,,f,00007.0,M,,F").await;
    }
    server.connection_counts("gps", "/deltas", LINES).await;

    // What was handed over a moment ago may still be on its way.
    let settled = |seen: &Json| {
        let broker = actor(seen, "broker").expect("a broker");
        let taken = broker["deltas"].as_u64();
        number(broker, "/queue/waiting") == 0.0
            && taken == Some(deltas(flows(seen, |_, to| to == "broker")))
            && deltas(flows(seen, |from, to| from == "broker" && to == "plugin:works")) >= SENT + LINES
            && actor(seen, "data-model").map(|model| &model["deltas"]) == Some(&broker["deltas"])
    };
    let seen = server.eventually(ACTORS, settled).await;
    let by_writer: Vec<_> = flows(&seen, |from, to| from.starts_with("client:") && to == "broker").collect();
    assert_eq!(deltas(by_writer.iter().copied().filter(|flow| flow["deltas"] != 0)), SENT, "{by_writer:?}");
    let gps = actor(&seen, "connection:gps").expect("the connection");
    assert_eq!((&gps["messages"], &gps["deltas"], &gps["thread"]), (&json!(LINES), &json!(LINES), &json!("io")));
    assert_eq!(deltas(flows(&seen, |from, to| from == "connection:gps" && to == "broker")), LINES);
    // Writer and reader are on any two of the workers.
    let total = actor(&seen, "broker").expect("a broker")["deltas"].as_u64().expect("a number");
    let to_clients: Vec<_> = flows(&seen, |from, to| from.starts_with("hub:") && to.starts_with("client:")).collect();
    let read = deltas(to_clients.iter().copied());
    assert!((SENT + LINES..=total).contains(&read), "{read} of {total}: {to_clients:?}");
    let reads = to_clients.iter().find(|flow| flow["deltas"].as_u64() >= Some(SENT)).expect("the reader");
    let row = actor(&seen, reads["to"].as_str().expect("an id")).expect("who is sent to is there");
    assert_eq!((&row["kind"], &row["label"]), (&json!("client"), &json!("ws at 127.0.0.1")));
    assert!(row["thread"].as_str().is_some_and(|thread| thread.starts_with("worker ")), "{row}");
    assert!(number(row, "/busy") > 0.0 && row["queue"]["unit"] == "bytes", "{row}");
    let statistics = server.statistics().await;
    assert_eq!(statistics["broker"]["deltas"], total);

    // Every end of a flow can be drawn.
    for flow in flows(&seen, |_, _| true) {
        for end in ["from", "to"] {
            let id = flow[end].as_str().expect("an id");
            assert!(actor(&seen, id).is_some(), "{end} of {flow}");
        }
    }
}

#[tokio::test]
async fn a_thousand_clients_leave_nothing_behind() {
    let server = ServerOptions::new().environment("MAX_WS_CONNECTIONS_PER_IP", "200").start().await;
    let before = server.eventually(ACTORS, |seen| actors(seen, "hub").next().is_some()).await;
    let rows = |seen: &Json, key: &str| seen[key].as_array().map_or(0, Vec::len);
    for _ in 0..20 {
        let clients = join_all((0..50).map(|_| Stream::connect(&server, "subscribe=all"))).await;
        let seen = server.eventually(ACTORS, |seen| actors(seen, "client").count() >= 50).await;
        assert!(rows(&seen, "flows") >= rows(&before, "flows") + 50, "{}", seen["flows"]);
        join_all(clients.into_iter().map(Stream::close)).await;
    }
    let gone = |seen: &Json| actors(seen, "client").count() == 0;
    let seen = server.eventually(ACTORS, gone).await;
    assert_eq!((rows(&seen, "actors"), rows(&seen, "flows")), (rows(&before, "actors"), rows(&before, "flows")));
    assert_eq!(seen["unlisted"], json!({"actors": 0, "flows": 0}));
}

#[tokio::test]
async fn only_admins_see_how_the_server_is_doing() {
    let (server, admin) = ServerOptions::new().start_claimed().await;
    let crew = server.add_user(&admin, "crew", "readwrite").await;
    for path in [ACTORS, "/windlass/process", "/windlass/performance"] {
        assert_eq!(server.get(path).await.status, 401, "{path}");
        let answer = server.as_who(&crew, Method::GET, path, None).await;
        assert!(matches!(answer.status.as_u16(), 401 | 403), "{path}: {}", answer.status);
        assert_eq!(server.as_who(&admin, Method::GET, path, None).await.status, 200, "{path}");
        let answer = server.as_who(&admin, Method::POST, path, Some(json!({}))).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
    }
}

#[tokio::test]
async fn the_process_and_its_last_minutes_are_told() {
    let server = Server::start().await;
    let _reader = Stream::connect(&server, "subscribe=self").await;
    let mut boat = Stream::connect(&server, "subscribe=none").await;
    let process = server.json("/windlass/process").await;
    let resident = number(&process, "/residentBytes");
    let (least, most) = (server.resident_bytes() as f64 * 0.8, server.resident_bytes() as f64 * 1.25);
    assert!((least..=most).contains(&resident), "{process}");
    assert!(number(&process, "/anonymousBytes") <= resident, "{process}");
    assert!(number(&process, "/threads") >= 4.0 && number(&process, "/openFiles") >= 5.0, "{process}");
    assert!(number(&process, "/cpuSeconds") < number(&process, "/uptime") * 64.0 + 10.0, "{process}");
    assert!(process["written"]["todaySince"].as_str() >= process["written"]["since"].as_str(), "{process}");

    let history = server.json("/windlass/performance").await;
    assert_eq!((number(&history, "/interval"), number(&history, "/capacity")), (5.0, 180.0));
    // Deltas go on until one of the intervals is over.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let sample = loop {
        boat.send(&delta("boat", "performance.history", 1)).await;
        let history = server.json("/windlass/performance").await;
        let busy = |sample: &&Json| number(sample, "/deltasPerSecond") > 0.0;
        if let Some(sample) = history["samples"].as_array().expect("a list").iter().find(busy) {
            break sample.clone();
        }
        assert!(tokio::time::Instant::now() < deadline, "{history}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(number(&sample, "/clients") == 2.0 && number(&sample, "/framesPerSecond") > 0.0, "{sample}");
    assert!(number(&sample, "/residentBytes") > 1e6 && number(&sample, "/longestHandler") > 0.0, "{sample}");
    let seen = server.json(ACTORS).await;
    assert!((4.0..=30.0).contains(&number(&seen, "/interval")), "{}", seen["interval"]);
    let broker = actor(&seen, "broker").expect("a broker");
    assert!(broker["lately"]["busy"].is_number() && broker["thread"] == "core", "{broker}");
    let threads: Vec<_> = seen["threads"].as_array().expect("a list").iter().map(|row| row["name"].clone()).collect();
    for name in ["core", "io", "main", "worker 0"] {
        assert!(threads.contains(&json!(name)), "{threads:?}");
    }
}
