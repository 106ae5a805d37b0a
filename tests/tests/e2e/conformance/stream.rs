//! Group D: the stream, its connection and its default subscription.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use windlass_tests::{Frame, PATIENCE, Publisher, Server, ServerOptions, Stream, delta, rows, run_table, values_of};

use super::{MMSI, NAME, is_utc, own_context};

const OTHER: &str = "vessels.urn:mrn:imo:mmsi:230022222";

#[tokio::test]
async fn group_d_stream_and_default_subscription() {
    let server = ServerOptions::new().vessel(NAME, MMSI).start().await;
    let rows = rows![
        [59] without_parameters_the_own_ship_is_sent,
        [60] subscribe_all_sends_every_context,
        [61] subscribe_none_sends_hello_only,
        [62] cached_values_come_at_once,
        [63] cached_values_can_be_suppressed,
        [64, 65] live_deltas_are_complete,
        [66] values_of_a_path_stay_in_order,
        [67, 68] metadata_comes_once_before_the_first_value,
        [69] changed_metadata_reaches_default_subscribers,
        [70] a_slash_at_the_end_is_accepted,
        [71] a_plain_get_is_426,
        [74] invalid_json_does_not_close_the_connection,
        [77] the_start_id_changes_with_each_start,
    ];
    run_table(&server, rows).await;
}

#[tokio::test]
async fn group_d_pings() {
    let server = ServerOptions::new().setting("wsPingInterval", json!(300)).start().await;
    let rows = rows![
        [72] both_sides_may_ping,
        [73] a_client_that_does_not_answer_pings_is_closed,
    ];
    run_table(&server, rows).await;
}

#[tokio::test]
async fn group_d_connection_limit() {
    // The default, 30.
    let server = Server::start().await;
    run_table(&server, rows![[75] the_31st_connection_of_an_address_is_refused]).await;
}

/// Publishes a value of another ship, and after it one of the own ship.
async fn publish_for_both(server: &Server, path: &str) {
    let mut publisher = Publisher::connect(server).await;
    let mut other = delta("d", path, "other");
    other["context"] = json!(OTHER);
    publisher.publish(&other).await;
    publisher.value("d", path, "own").await;
}

async fn without_parameters_the_own_ship_is_sent(server: &Server) {
    for query in ["", "subscribe=self"] {
        let path = format!("test.own{}", query.len());
        let mut stream = Stream::connect(server, query).await;
        publish_for_both(server, &path).await;
        let read = stream.read_until("the own ship's value", |value| value.path == path).await;
        assert!(read.iter().all(|value| value.context == own_context()), "{read:?}");
    }
}

async fn subscribe_all_sends_every_context(server: &Server) {
    let mut stream = Stream::connect(server, "subscribe=all").await;
    publish_for_both(server, "test.all").await;
    for (context, value) in [(OTHER.to_owned(), "other"), (own_context(), "own")] {
        stream.wait_for(value, |seen| seen.path == "test.all" && seen.context == context && seen.value == value).await;
    }
}

async fn subscribe_none_sends_hello_only(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    let mut stream = Stream::connect(server, "subscribe=none").await;
    publisher.value("d", "test.none", 1).await;
    // The next thing it sees is what it asks for.
    publisher.value("d", "test.asked", 2).await;
    stream.subscribe("vessels.self", json!([{"path": "test.asked"}])).await;
    assert_eq!(values_of(&stream.next_json().await)[0].path, "test.asked");
}

async fn cached_values_come_at_once(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    publisher
        .publish(&json!({"updates": [{"$source": "d", "timestamp": "2024-05-01T10:00:00.000Z",
        "values": [{"path": "test.cached", "value": {"a": 1}}]}]}))
        .await;
    for query in ["", "subscribe=all", "sendCachedValues=true"] {
        let mut stream = Stream::connect(server, query).await;
        let value = stream.wait_for_path("test.cached").await;
        let expected = ("d", "2024-05-01T10:00:00.000Z", json!({"a": 1}));
        assert_eq!((value.source.as_str(), value.timestamp.as_str(), value.value), expected, "{query}");
    }
    // Root values, too.
    let root = Stream::connect(server, "").await.wait_for_path("").await;
    assert_eq!(root.value["name"], NAME);
}

async fn cached_values_can_be_suppressed(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    publisher.value("d", "test.suppressed", "old").await;
    let mut stream = Stream::connect(server, "sendCachedValues=false").await;
    // Several, because the first may be faster than the subscription.
    let mut numbers = 1..;
    let read = loop {
        let number = numbers.next().expect("there is no end of numbers");
        publisher.value("d", "test.live", number).await;
        if let Some(Frame::Json(frame)) = stream.next_frame(Duration::from_millis(50)).await {
            break values_of(&frame);
        }
    };
    assert_eq!(read[0].path, "test.live", "nothing older comes");
}

async fn live_deltas_are_complete(server: &Server) {
    let mut stream = Stream::connect(server, "").await;
    let mut publisher = Publisher::connect(server).await;
    let paths = ["test.complete.a", "test.complete.b", "test.complete.c"];
    for round in 0..3 {
        let values: Vec<_> = paths.iter().map(|path| json!({"path": path, "value": round})).collect();
        let update =
            json!({"source": {"label": "dev", "type": "NMEA2000", "src": "5", "pgn": 127250}, "values": values});
        publisher.publish(&json!({"context": "vessels.self", "updates": [update]})).await;
        for path in paths {
            let value = stream.wait_for(path, |value| value.path == path && value.value == round).await;
            assert_eq!((value.context, value.source.as_str()), (own_context(), "dev.5"));
            assert!(is_utc(&value.timestamp), "{}", value.timestamp);
        }
    }
}

async fn values_of_a_path_stay_in_order(server: &Server) {
    let mut stream = Stream::connect(server, "").await;
    let mut publisher = Publisher::connect(server).await;
    publisher.value("d", "test.order", 0).await;
    stream.wait_for_path("test.order").await;
    const COUNT: u64 = 2000;
    for number in 1..COUNT {
        publisher.send(&delta("d", "test.order", number)).await;
    }
    publisher.value("d", "test.order", COUNT).await;
    let read = stream.read_until("the last number", |value| value.value == COUNT).await;
    let numbers: Vec<_> = read.iter().filter(|v| v.path == "test.order").filter_map(|v| v.value.as_u64()).collect();
    assert_eq!(numbers, (1..=COUNT).collect::<Vec<_>>());
}

async fn metadata_comes_once_before_the_first_value(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    const PATH: &str = "environment.wind.speedApparent";
    let mut stream = Stream::connect(server, "sendMeta=all").await;
    for number in 1..=5 {
        publisher.value("d", PATH, number).await;
    }
    let (mut metadata, mut values) = (Vec::new(), 0);
    while values < 5 {
        let frame = stream.next_delta().await;
        for update in frame["updates"].as_array().expect("a delta has updates") {
            let entries = update["meta"].as_array().into_iter().flatten().filter(|entry| entry["path"] == PATH);
            for entry in entries {
                assert_eq!(values, 0, "metadata comes before the first value");
                metadata.push(entry["value"].clone());
            }
        }
        let seen: Vec<_> = values_of(&frame).into_iter().filter(|value| value.path == PATH).collect();
        // The cached value may be any of them.
        values = seen.last().and_then(|value| value.value.as_u64()).unwrap_or(values);
        assert!(values == 0 || !metadata.is_empty(), "a value came without metadata before it");
    }
    assert_eq!(metadata.len(), 1, "once per connection");
    assert_eq!(metadata[0]["units"], "m/s");
}

async fn changed_metadata_reaches_default_subscribers(server: &Server) {
    let mut stream = Stream::connect(server, "").await;
    let mut publisher = Publisher::connect(server).await;
    publisher.value("d", "test.measured", 1).await;
    stream.wait_for_path("test.measured").await;
    let entry = json!({"path": "test.measured", "value": {"units": "Pa", "displayName": "Measured"}});
    publisher.send(&json!({"updates": [{"$source": "d", "meta": [entry]}]})).await;
    let frame =
        stream.wait_for_frame("metadata", |frame| frame["updates"][0]["meta"][0]["path"] == "test.measured").await;
    assert_eq!(frame["updates"][0]["meta"][0]["value"]["units"], "Pa");
    assert_eq!(server.tree("vessels/self/test/measured/meta/displayName").await, "Measured");
}

async fn a_slash_at_the_end_is_accepted(server: &Server) {
    let address = format!("ws://{}/signalk/v1/stream/?subscribe=none", server.address());
    let stream = Stream::open(&address).await.expect("the stream opens");
    assert_eq!(stream.own_context(), own_context());
}

async fn a_plain_get_is_426(server: &Server) {
    let answer = server.get("/signalk/v1/stream").await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (426, "Upgrade Required"));
}

async fn invalid_json_does_not_close_the_connection(server: &Server) {
    let mut watcher = Stream::connect(server, "").await;
    let mut stream = Stream::connect(server, "").await;
    for bad in ["", "{", "nonsense", "[1,2", "{\"updates\":", "{\"subscribe\":[{\"path\":}]}", "\u{0}"] {
        stream.send_message(Message::text(bad)).await;
    }
    stream.send(&delta("d", "test.stillOpen", 1)).await;
    watcher.wait_for_path("test.stillOpen").await;
}

async fn the_start_id_changes_with_each_start(server: &Server) {
    let id = |stream: &Stream| stream.hello()["serverStartId"].as_str().map(str::to_owned);
    let first = id(&Stream::connect(server, "").await).expect("hello has a serverStartId");
    assert_eq!(id(&Stream::connect(server, "").await), Some(first.clone()));
    let other = Server::start().await;
    let before = id(&Stream::connect(&other, "").await);
    let directory = other.terminate().await.directory;
    let again = ServerOptions::new().directory(&directory).start().await;
    let after = id(&Stream::connect(&again, "").await);
    assert!(after.is_some() && after != before, "{before:?} {after:?}");
    assert_ne!(before, Some(first));
}

async fn both_sides_may_ping(server: &Server) {
    let mut stream = Stream::connect(server, "subscribe=none").await;
    stream.send_message(Message::Ping("are you there?".into())).await;
    let (mut pings, mut pongs) = (0, 0);
    // This client answers the pings, so it stays connected for longer than two intervals.
    while pings < 4 || pongs < 1 {
        match stream.next_frame(PATIENCE).await {
            Some(Frame::Ping) => pings += 1,
            Some(Frame::Pong(payload)) => {
                assert_eq!(payload, b"are you there?");
                pongs += 1;
            }
            other => panic!("{other:?} after {pings} pings and {pongs} pongs"),
        }
    }
}

/// A bare socket, since every WebSocket library answers pings by itself.
async fn a_client_that_does_not_answer_pings_is_closed(server: &Server) {
    let mut socket = TcpStream::connect(server.address()).await.expect("the server listens");
    let request = format!(
        "GET /signalk/v1/stream?subscribe=none HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        server.address()
    );
    socket.write_all(request.as_bytes()).await.expect("the server reads");
    let mut received = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut received)).await;
    // A reset is as good as an orderly end.
    assert!(closed.is_ok(), "the connection is still open");
    let text = String::from_utf8_lossy(&received);
    assert!(text.starts_with("HTTP/1.1 101") && text.contains("serverStartId"), "{text:?}");
}

async fn the_31st_connection_of_an_address_is_refused(server: &Server) {
    let mut streams = Vec::new();
    for _ in 0..30 {
        streams.push(Stream::connect(server, "subscribe=none").await);
    }
    match Stream::try_connect(server, "subscribe=none").await {
        Err(Error::Http(answer)) => {
            assert_eq!(answer.status(), 429);
            let body = answer.body().as_deref().unwrap_or_default();
            let body: serde_json::Value = serde_json::from_slice(body).expect("the refusal is JSON");
            assert_eq!(body["error"], "Too many concurrent websocket connections from same IP address");
        }
        other => panic!("{other:?} instead of a refusal"),
    }
    // A probe without upgrade does not count, and is not refused.
    assert_eq!(server.get("/signalk/v1/stream").await.status, 426);
    streams.pop().expect("there are 30").close().await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while Stream::try_connect(server, "subscribe=none").await.is_err() {
        assert!(tokio::time::Instant::now() < deadline, "closing a connection makes no room");
        tokio::time::sleep(windlass_tests::BETWEEN_LOOKS).await;
    }
}
