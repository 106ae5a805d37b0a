//! Group N: clients that do not read, or not fast enough.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::json;
use windlass_tests::{
    BETWEEN_LOOKS, Continuity, Frame, Json, PATIENCE, Publisher, Server, ServerOptions, Stream, delta, rows, run_table,
    values_of,
};

/// Long enough to fill what the system keeps for a connection soon.
const LONG: usize = 100_000;
const PATH: &str = "test.slow";

#[tokio::test]
async fn group_n_slow_clients() {
    let server = ServerOptions::new().environment("MAXSENDBUFFERCHECKTIME", "1000").start().await;
    let rows = rows![
        [224] a_slow_client_gets_the_latest_values,
        [223] a_client_that_reads_nothing_is_disconnected_and_disturbs_nobody,
    ];
    run_table(&server, rows).await;
}

async fn counted(server: &Server, key: &str) -> u64 {
    server.statistics().await["stream"][key].as_u64().expect("a counter")
}

/// A client that subscribes and does not read from then on.
async fn blocked_client(server: &Server, path: &str) -> Stream {
    let mut stream = Stream::connect(server, "subscribe=none").await;
    stream.subscribe("vessels.self", json!([{"path": format!("{path}.*")}])).await;
    stream.send(&json!({"requestId": "ready", "query": true})).await;
    stream.wait_for_frame("an answer", |frame| frame["requestId"] == "ready").await;
    stream
}

fn long(number: u64) -> Json {
    json!({"number": number, "padding": "x".repeat(LONG)})
}

async fn a_slow_client_gets_the_latest_values(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    let mut slow = blocked_client(server, PATH).await;
    let (path, before) = (format!("{PATH}.a"), counted(server, "backpressure").await);
    let mut number = 0;
    // It falls behind, and goes on being behind for a while.
    while counted(server, "backpressure").await == before {
        number += 1;
        publisher.value("n.one", &path, long(number)).await;
    }
    for _ in 0..10 {
        number += 1;
        publisher.value("n.one", &path, long(number)).await;
        publisher.value("n.two", &path, number).await;
    }
    let (mut numbers, mut marked) = (Vec::new(), HashSet::new());
    while marked.len() < 2 {
        let frame = slow.next_delta().await;
        let value = values_of(&frame).pop().expect("one value a frame");
        let mark = &frame["$backpressure"];
        if value.source == "n.one" {
            numbers.push(value.value["number"].as_u64().expect("a number"));
        }
        if mark.is_null() {
            assert!(marked.is_empty(), "what was kept back comes before anything newer");
        } else {
            assert!(mark["accumulated"].as_u64() >= Some(2) && mark["duration"].as_u64().is_some(), "{mark}");
            assert!(marked.insert(value.source.clone()), "one value a source: {}", value.source);
        }
    }
    assert!(numbers.is_sorted() && numbers.last() == Some(&number), "{numbers:?} of {number}");
    assert!((numbers.len() as u64) < number, "those in between were left out");
    // It has caught up: everything comes as it is again.
    for number in 1..=3 {
        publisher.value("n.two", &path, number).await;
        let frame = slow.next_delta().await;
        assert_eq!((&frame["$backpressure"], &values_of(&frame)[0].value), (&Json::Null, &json!(number)));
    }
}

async fn a_client_that_reads_nothing_is_disconnected_and_disturbs_nobody(server: &Server) {
    let mut others = Continuity::start(server).await;
    let mut publisher = Stream::connect(server, "subscribe=none").await;
    let path = format!("{PATH}.b");
    let (disconnected, clients) = (counted(server, "disconnected").await, counted(server, "clients").await);
    let mut dead = blocked_client(server, &path).await;
    let deadline = tokio::time::Instant::now() + 4 * PATIENCE;
    let mut number = 0;
    while counted(server, "disconnected").await == disconnected {
        number += 1;
        publisher.send(&delta("n.one", &format!("{path}.c"), long(number))).await;
        assert!(tokio::time::Instant::now() < deadline, "it is not disconnected after {number} values");
        // Answers the server's pings.
        publisher.next_frame(Duration::from_millis(5)).await;
    }
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while counted(server, "clients").await > clients {
        assert!(tokio::time::Instant::now() < deadline, "it is still there");
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    // What had left before is all that it can read; then its connection has ended.
    let mut last = Json::Null;
    loop {
        match dead.next_frame(PATIENCE).await {
            Some(Frame::Json(json)) => last = json,
            Some(Frame::Ping | Frame::Pong(_)) => {}
            Some(Frame::Closed) => break,
            None => panic!("its connection is open; the last frame was {last}"),
        }
    }
    others.flows_on(10).await;
    others.finish().await;
}
