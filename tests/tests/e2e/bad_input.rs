//! Bad input while data flow: it is counted and logged, and nobody else is disturbed.

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use windlass_tests::{Continuity, NmeaPeer, PATIENCE, Server, ServerOptions, Stream, delta, sentence};

const MEGABYTE: usize = 1024 * 1024;

/// Waits until the server has counted more bad messages of clients.
async fn bad_messages(server: &Server, at_least: u64) -> u64 {
    let counted = |all: &Json| all["stream"]["badMessages"].as_u64().is_some_and(|count| count >= at_least);
    server.eventually("/windlass/statistics", counted).await["stream"]["badMessages"].as_u64().expect("it was a number")
}

#[tokio::test]
async fn bad_messages_of_a_stream_client() {
    let server = Server::start().await;
    let mut flowing = Continuity::start(&server).await;
    let mut client = Stream::connect(&server, "subscribe=none").await;
    let large = "x".repeat(MEGABYTE);
    let not_understood = [
        // Malformed JSON.
        "{".to_owned(),
        "{\"updates\": [{\"values\": [}".to_owned(),
        "{\"updates\":[]} trailing".to_owned(),
        "not JSON at all".to_owned(),
        "{\"subscribe\": [{\"path\": \"a\"".to_owned(),
        "[".repeat(100_000),
        format!("{{\"updates\":{}{}}}", "[".repeat(50_000), "]".repeat(50_000)),
        // Wrong types.
        json!({"updates": 7}).to_string(),
        json!({"updates": {"values": []}}).to_string(),
        json!([{"updates": []}]).to_string(),
        json!({"updates": [7, null, "x", []]}).to_string(),
        json!({"context": 7, "updates": [{"values": [{"path": "test.bad", "value": 1}]}]}).to_string(),
        json!({"updates": [{"values": [{"path": ["test.bad"], "value": 1}]}]}).to_string(),
        json!({"updates": [{"timestamp": 12, "values": [{"path": "test.bad", "value": 1}]}]}).to_string(),
        json!({"updates": [{"timestamp": "9".repeat(100), "values": [{"path": "test.bad", "value": 1}]}]}).to_string(),
        json!({"updates": [{"$source": {}, "values": [{"path": "test.bad", "value": 1}]}]}).to_string(),
        json!({"updates": [{"source": "gps", "values": [{"path": "test.bad", "value": 1}]}]}).to_string(),
        json!({"updates": [{"meta": "units", "values": 3}]}).to_string(),
        // A megabyte where a few bytes belong.
        delta("d", "test.bad", large.as_str()).to_string(),
        delta("d", "test.bad", &large[..MEGABYTE / 2 + 1]).to_string(),
        delta("d", &format!("test.bad.{large}"), 1).to_string(),
        delta(&large, "test.bad", 1).to_string(),
        json!({"context": large, "updates": [{"values": [{"path": "test.bad", "value": 1}]}]}).to_string(),
        format!("\"{large}\"updates\""),
        // Control characters in a name.
        json!({"updates": [{"values": [{"path": "test.bad\u{0}", "value": 1}]}]}).to_string(),
    ];
    for text in &not_understood {
        let before = bad_messages(&server, 0).await;
        client.send_message(Message::text(text.as_str())).await;
        let start: String = text.chars().take(80).collect();
        let counted = bad_messages(&server, before + 1);
        let counted = tokio::time::timeout(PATIENCE, counted).await;
        assert!(counted.is_ok(), "not counted: {start}");
    }
    // Binary frames that hold no text.
    let so_far = bad_messages(&server, 0).await;
    client.send_message(Message::binary(vec![0xff, 0xfe, 0x80])).await;
    bad_messages(&server, so_far + 1).await;
    server.logs().wait_for(&["WARN", "ignored"]).await;

    // The same connection still works, and what it doesn't know does no harm.
    let unknown = json!({"version": "9", "vendor": {"x": []}, "updates": [
        {"$source": "d", "vendor": 1, "values": [{"path": "test.kept", "value": 1, "vendor": null}]}]});
    client.send(&unknown).await;
    client.send(&json!({"hello": "server"})).await;
    client.subscribe("vessels.self", json!([{"path": "test.kept", "vendor": true}])).await;
    assert_eq!(client.next_value().await.value, 1);
    assert_eq!(server.tree_status("vessels/self/test/bad").await, 404, "nothing bad is in the tree");
    flowing.flows_on(50).await;
    flowing.finish().await;
}

/// A connection whose frames are made by hand, so that they can be wrong.
async fn bare_stream(server: &Server) -> TcpStream {
    let mut socket = TcpStream::connect(server.address()).await.expect("the server listens");
    let request = format!(
        "GET /signalk/v1/stream?subscribe=none HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        server.address()
    );
    socket.write_all(request.as_bytes()).await.expect("the server reads");
    let mut received = Vec::new();
    while !String::from_utf8_lossy(&received).contains("serverStartId") {
        let mut some = [0; 1024];
        let count =
            tokio::time::timeout(PATIENCE, socket.read(&mut some)).await.expect("hello comes").expect("it is open");
        assert!(count > 0, "the connection was closed: {}", String::from_utf8_lossy(&received));
        received.extend_from_slice(&some[..count]);
    }
    socket
}

/// A masked frame with this first byte.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).ok().filter(|length| *length < 126).expect("a short frame");
    // The mask 0 leaves the payload as it is.
    [&[first, 0x80 | length, 0, 0, 0, 0][..], payload].concat()
}

#[tokio::test]
async fn frames_that_break_the_web_socket_protocol() {
    let server = Server::start().await;
    let mut flowing = Continuity::start(&server).await;
    let text = 0x81;
    let wrong = [
        ("invalid UTF-8", frame(text, b"{\"updates\":\"\xff\xfe\"}")),
        ("half a character", frame(text, b"\xe2\x82")),
        ("a frame without mask", vec![text, 2, b'{', b'}']),
        ("a reserved opcode", frame(0x83, b"x")),
        ("a frame of more bytes than there can be", [&[text, 0xff][..], &[0xff; 8], &[0; 4], b"{"].concat()),
        ("a continuation of nothing", frame(0x80, b"x")),
        ("a long control frame", [&[0x89, 0xfe, 1, 0][..], &[0; 4], &[b'x'; 256]].concat()),
    ];
    let mut sockets = Vec::new();
    for (what, bytes) in &wrong {
        let before = bad_messages(&server, 0).await;
        let mut socket = bare_stream(&server).await;
        socket.write_all(bytes).await.expect("the server reads");
        let counted = tokio::time::timeout(PATIENCE, bad_messages(&server, before + 1)).await;
        assert!(counted.is_ok(), "not counted: {what}");
        // Kept: the server must cope without the client going away.
        sockets.push(socket);
    }
    flowing.flows_on(50).await;
    flowing.finish().await;
}

/// The announced length of a frame is no reason to keep everything that comes.
#[tokio::test]
async fn a_frame_without_end_is_refused() {
    const ANNOUNCED: [u8; 8] = (1_u64 << 40).to_be_bytes();
    let server = Server::start().await;
    let mut flowing = Continuity::start(&server).await;
    let mut socket = bare_stream(&server).await;
    let head = [&[0x81, 0xff][..], &ANNOUNCED, &[0; 4]].concat();
    let mut sent = 0;
    let mut open = socket.write_all(&head).await.is_ok();
    let some = vec![b'x'; MEGABYTE / 4];
    while open && sent < 64 * MEGABYTE {
        open = tokio::time::timeout(PATIENCE, socket.write_all(&some)).await.is_ok_and(|written| written.is_ok());
        sent += some.len();
    }
    assert!(!open, "the server took {} MB of one frame", sent / MEGABYTE);
    flowing.flows_on(50).await;
    flowing.finish().await;
}

#[tokio::test]
async fn bad_http_requests() {
    let server = Server::start().await;
    let mut flowing = Continuity::start(&server).await;
    for request in [
        "nonsense\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(MEGABYTE)),
        format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(MEGABYTE)),
        "POST /skServer/plugins/x/config HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n".to_owned(),
        "GET /signalk/v1/stream HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n".to_owned(),
    ] {
        let mut socket = TcpStream::connect(server.address()).await.expect("the server listens");
        // The server may refuse before it has read everything.
        let _ = socket.write_all(request.as_bytes()).await;
        let mut answer = [0; 12];
        let read = tokio::time::timeout(PATIENCE, socket.read_exact(&mut answer)).await.expect("an answer or the end");
        assert!(read.is_err() || answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
    }
    let malformed = Some("{\"enabled\":".to_owned());
    let answer = server.request(reqwest::Method::POST, "/skServer/plugins/x/config", &[], malformed).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    for path in [
        "/signalk/v1/api/%ff%fe",
        "/signalk/v1/api/vessels/%2e%2e/%2e%2e",
        "/admin/../../etc/passwd",
        "/admin/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    ] {
        assert_eq!(server.get(path).await.status.as_u16() / 100, 4, "{path}");
    }
    flowing.flows_on(50).await;
    flowing.finish().await;
}

#[tokio::test]
async fn bad_lines_of_an_instrument() {
    let server = ServerOptions::new().nmea_listener("gps").start().await;
    let mut flowing = Continuity::start(&server).await;
    let input = server.input("gps").await;
    let (mut good, mut bad) = (NmeaPeer::connect(&input).await, NmeaPeer::connect(&input).await);
    let checksum_off = sentence("GPGLL,6005.071,N,02332.346,E,095559,A,D").replace("6005", "6105");
    let complete = sentence("GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W");
    let mut expected = 0;
    for (kind, bytes) in [
        ("checksum", checksum_off.into_bytes()),
        ("noChecksum", b"$GPGLL,6005.071,N,02332.346,E,095559,A,D\r\n".to_vec()),
        // Cut off in the middle, with the next sentence right behind.
        ("checksum", format!("{}\r\n", &complete[..30]).into_bytes()),
        ("malformed", sentence("GPRMC,123519,A,9907.038,N,01131.000,E,022.4,084.4,230394,003.1,W").into_bytes()),
        ("malformed", sentence("GPRMC,123519,A,4807.038,N,01131.000,E,fast,084.4,230394,003.1,W").into_bytes()),
        ("tooLong", [vec![b'$'; MEGABYTE], b"\r\n".to_vec()].concat()),
        ("notText", [b"$GPGLL,\xff\xfe\x00\x80".to_vec(), b"*00\r\n".to_vec()].concat()),
        ("notASentence", b"hello, this is no instrument\r\n".to_vec()),
        ("notASentence", b"GET / HTTP/1.1\r\n".to_vec()),
    ] {
        bad.send(&bytes).await;
        expected += 1;
        let statistics = server.connection_counts("gps", "/badLines", expected).await;
        let by_kind = &statistics["badLinesByKind"];
        assert_eq!(statistics["badLines"], expected, "one bad line at a time: {kind}: {by_kind}");
        server.logs().wait_for(&["WARN", "gps"]).await;
        // The other instrument, and this one after it, are understood.
        good.say(&format!("GPHDT,{expected}.0,T")).await;
        bad.say(&format!("HEHDT,{expected}.5,T")).await;
        let heading = "/signalk/v1/api/vessels/self/navigation/headingTrue";
        let radians = |leaf: &Json, source: &str| leaf["values"][source]["value"].as_f64().unwrap_or_default();
        let both = |leaf: &Json| {
            let wanted = [("gps.GP", expected as f64), ("gps.HE", expected as f64 + 0.5)];
            wanted.iter().all(|(source, degrees)| (radians(leaf, source) - degrees.to_radians()).abs() < 1e-9)
        };
        server.eventually(heading, both).await;
    }
    let statistics = server.connection_statistics("gps").await;
    for kind in ["checksum", "malformed", "tooLong"] {
        assert!(statistics["badLinesByKind"][kind].as_u64().is_some_and(|count| count > 0), "{kind}: {statistics}");
    }
    server.logs().wait_for(&["WARN", "gps", "checksum"]).await;
    // A peer that leaves in the middle of a sentence costs nothing.
    bad.send(b"$GPGLL,6005").await;
    drop(bad);
    flowing.flows_on(50).await;
    flowing.finish().await;
}
