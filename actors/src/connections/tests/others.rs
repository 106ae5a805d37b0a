//! Inputs that are no plain NMEA 0183 over TCP: serial ports, gpsd, and other Signal K servers.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::FromRawFd;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use super::bus::*;
use crate::StatusKind;
use crate::connections::*;

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn connection(kind: &str, sub: Value) -> ConnectionSettings {
    let options = json!({"type": kind, "subOptions": sub});
    let entry = json!({"id": "in", "pipeElements": [{"type": "providers/simple", "options": options}]});
    serde_json::from_value(entry).expect("an object")
}

async fn server() -> (TcpListener, u16) {
    let listener = TcpListener::bind((LOCAL, 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    (listener, port)
}

/// A terminal, and the device at which what is written to it arrives.
pub(super) fn terminal() -> (std::fs::File, std::path::PathBuf) {
    let mut name = [0u8; 128];
    // SAFETY: the calls get a descriptor that has just been made and a buffer of the length that is told; the descriptor is owned by
    // nobody else.
    let terminal = unsafe {
        let terminal = libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY);
        assert!(terminal >= 0 && libc::grantpt(terminal) == 0 && libc::unlockpt(terminal) == 0, "a terminal");
        assert_eq!(libc::ptsname_r(terminal, name.as_mut_ptr().cast(), name.len()), 0, "its name");
        std::fs::File::from_raw_fd(terminal)
    };
    let name = std::ffi::CStr::from_bytes_until_nul(&name).expect("an end").to_str().expect("a text");
    (terminal, name.into())
}

/// SK-216.
#[actix::test]
async fn a_serial_port_is_read_and_opened_again() {
    let bus = Bus::new();
    let (mut instrument, device) = terminal();
    let manager = bus.start(connection("NMEA0183", json!({"type": "serial", "device": device, "baudrate": 38400})));
    let connected = format!("Connected to {} at 38400 baud", device.display());
    bus.status_text("in", &connected).await;
    instrument.write_all(sentence(3).as_bytes()).expect("written");
    assert_eq!(bus.depths(1).await, ["3"]);
    // Unplugged.
    drop(instrument);
    let lost = bus.status("in", |entry| entry.kind == StatusKind::Error).await;
    assert!(lost.message.contains("the serial port"), "{}", lost.message);
    manager.stop().await;
    let manager = bus.start(connection("NMEA0183", json!({"type": "serial", "device": "/dev/no-such-port"})));
    bus.status("in", |entry| entry.message.contains("check that the device is plugged in")).await;
    manager.stop().await;
}

#[actix::test]
async fn gpsd_is_asked_for_sentences_and_its_other_answers_are_passed_over() {
    let bus = Bus::new();
    let (server, port) = server().await;
    let manager = bus.start(connection("NMEA0183", json!({"type": "gpsd", "hostname": "127.0.0.1", "port": port})));
    let (stream, _) = soon(server.accept()).await.expect("connected");
    let mut stream = BufReader::new(stream);
    let mut asked = String::new();
    soon(stream.read_line(&mut asked)).await.expect("a line");
    assert_eq!(asked, "?WATCH={\"enable\":true,\"nmea\":true};\r\n");
    let answer = format!("{{\"class\":\"VERSION\",\"release\":\"3.25\"}}\r\n{}", sentence(9));
    stream.write_all(answer.as_bytes()).await.expect("sent");
    assert_eq!(bus.depths(1).await, ["9"]);
    let read = manager.connection("in").expect("a connection").statistics;
    assert_eq!((read.lines, read.bad_lines), (1, 0));
    manager.stop().await;
}

fn delta(depth: f64) -> String {
    json!({"updates": [{"$source": "far.SD", "timestamp": "2026-05-02T10:00:00.000Z",
        "values": [{"path": "environment.depth.belowTransducer", "value": depth}]}]})
    .to_string()
}

#[actix::test]
async fn deltas_come_in_lines_and_datagrams() {
    let bus = Bus::new();
    let (server, port) = server().await;
    let subscription = json!({"context": "vessels.self", "subscribe": [{"path": "*"}]});
    let sub = json!({"type": "tcp", "host": "127.0.0.1", "port": port, "subscription": subscription.to_string()});
    let manager = bus.start(connection("SignalK", sub));
    let (stream, _) = soon(server.accept()).await.expect("connected");
    let mut stream = BufReader::new(stream);
    let mut asked = String::new();
    soon(stream.read_line(&mut asked)).await.expect("a line");
    assert_eq!(serde_json::from_str::<Value>(&asked).expect("JSON"), subscription);
    let long = json!({"updates": [{"values": [{"path": "a", "value": "x".repeat(5000)}]}]});
    let text = format!(
        "{{\"name\":\"far\",\"self\":\"vessels.urn:mrn:imo:mmsi:1\"}}\r\nnonsense\r\n{}\r\n{long}\r\n",
        delta(1.0)
    );
    stream.write_all(text.as_bytes()).await.expect("sent");
    let deltas = bus.deltas(2).await;
    assert_eq!(deltas[0].updates[0].source_ref.as_str(), "far.SD");
    // Whoever says no context speaks about himself, and that is not us.
    assert_eq!(deltas[0].context.as_str(), "vessels.urn:mrn:imo:mmsi:1");
    assert!(deltas[1].render().len() > 5000, "deltas may be longer than sentences");
    let read = statistics(&manager, "in", |it| it.bad_lines == 1).await;
    assert_eq!(bad_lines(&read), HashMap::from([("delta", 1)]));
    manager.stop().await;
    let manager = bus.start(connection("SignalK", json!({"type": "udp", "bindAddress": "127.0.0.1", "port": 0})));
    let address = statistics(&manager, "in", |it| it.local_address.is_some()).await.local_address.expect("an address");
    let sender = UdpSocket::bind((LOCAL, 0)).await.expect("a port");
    sender.send_to(delta(2.0).as_bytes(), address).await.expect("sent");
    let deltas = bus.deltas(3).await;
    assert_eq!(deltas[2].context, bus.context.self_context);
    manager.stop().await;
}

/// Takes one WebSocket client; its path and its `Authorization`.
#[expect(clippy::result_large_err, reason = "the handshake's own type")]
async fn accept(server: &TcpListener) -> (WebSocketStream<TcpStream>, String, String) {
    let (stream, _) = soon(server.accept()).await.expect("connected");
    let mut asked = (String::new(), String::new());
    let note = |request: &Request, response: Response| {
        let header = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        asked = (request.uri().to_string(), header.unwrap_or_default().to_owned());
        Ok(response)
    };
    let socket = soon(tokio_tungstenite::accept_hdr_async(stream, note)).await.expect("a handshake");
    (socket, asked.0, asked.1)
}

async fn say(socket: &mut WebSocketStream<TcpStream>, text: String) {
    socket.send(Message::text(text)).await.expect("sent");
}

#[actix::test]
async fn another_server_is_followed_with_token_and_subscription() {
    let bus = Bus::new();
    let (server, port) = server().await;
    let wanted = json!({"context": "*", "subscribe": [{"path": "navigation.*"}]});
    let sub = json!({"type": "ws", "host": "127.0.0.1", "port": port, "token": "secret", "subscription": [wanted],
        "selfHandling": "useRemoteSelf"});
    let manager = bus.start(connection("SignalK", sub));
    let (mut socket, path, token) = accept(&server).await;
    assert_eq!((path.as_str(), token.as_str()), ("/signalk/v1/stream?subscribe=none", "Bearer secret"));
    let asked = soon(socket.next()).await.expect("a frame").expect("no error");
    assert_eq!(serde_json::from_str::<Value>(asked.to_text().expect("a text")).expect("JSON"), wanted);
    bus.status_text("in", &format!("Connected to 127.0.0.1 {port}")).await;
    let theirs = "vessels.urn:mrn:imo:mmsi:1";
    say(&mut socket, json!({"name": "far", "self": theirs, "roles": ["master"]}).to_string()).await;
    let values =
        json!([{"path": "", "value": {"name": "FAR", "flag": "FI"}}, {"path": "navigation.logTrip", "value": 5}]);
    let about =
        |context: &str| json!({"context": context, "updates": [{"$source": "gps.1", "values": values}]}).to_string();
    say(&mut socket, about(theirs)).await;
    say(&mut socket, about("vessels.urn:mrn:imo:mmsi:2")).await;
    let deltas = bus.deltas(2).await;
    assert_eq!(deltas[0].context, bus.context.self_context, "their own ship is ours");
    let text = deltas[0].render();
    assert!(text.contains(r#""flag":"FI""#) && !text.contains("FAR"), "static data are not taken over: {text}");
    assert_eq!(deltas[1].context.as_str(), "vessels.urn:mrn:imo:mmsi:2");
    assert!(deltas[1].render().contains("FAR"));
    // It comes back after a loss.
    socket.close(None).await.expect("closed");
    let lost = bus.status_text("in", &format!("Reconnect 127.0.0.1 {port} retry 1 delay 1000")).await;
    assert_eq!(lost.last_error, Some(format!("127.0.0.1 {port} closed the connection")));
    drop(socket);
    let (mut socket, ..) = accept(&server).await;
    say(&mut socket, about("vessels.urn:mrn:imo:mmsi:3")).await;
    assert_eq!(bus.deltas(3).await[2].context.as_str(), "vessels.urn:mrn:imo:mmsi:3");
    manager.stop().await;
}

#[actix::test]
async fn a_server_that_does_not_let_us_in_says_so_without_the_token() {
    let bus = Bus::new();
    let (server, port) = server().await;
    let sub = json!({"type": "ws", "host": "127.0.0.1", "port": port, "token": "secret"});
    let manager = bus.start(connection("SignalK", sub));
    let (mut stream, _) = soon(server.accept()).await.expect("connected");
    stream.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n").await.expect("sent");
    let refused = bus.status("in", |entry| entry.last_error.is_some()).await;
    let text = refused.last_error.expect("an error");
    assert!(text.contains("set a valid `token`") && !text.contains("secret"), "{text}");
    manager.stop().await;
}

#[actix::test]
async fn what_comes_around_in_a_circle_is_dropped_and_told_once() {
    let bus = Bus::new();
    let (server, port) = server().await;
    let manager = bus.start(connection("SignalK", json!({"type": "ws", "host": "127.0.0.1", "port": port})));
    let (mut socket, ..) = accept(&server).await;
    let text = |n: u32| {
        json!({"context": "vessels.self", "updates": [{"$source": "gps.GP", "timestamp": format!("2026-05-02T10:00:{n:02}.000Z"),
            "values": [{"path": format!("navigation.course{n}"), "value": n}]}]})
        .to_string()
    };
    say(&mut socket, text(1)).await;
    let first = bus.deltas(1).await.remove(0);
    bus.know(first);
    // The same again from the same side is no circle, such as the present values after a loss of the connection.
    socket.close(None).await.expect("closed");
    drop(socket);
    let (mut socket, ..) = accept(&server).await;
    for n in [1, 2] {
        say(&mut socket, text(n)).await;
    }
    bus.deltas(2).await;
    assert_eq!(manager.connection("in").expect("a connection").statistics.echoes, 0);
    // What another connection has brought.
    let reader = windlass_broker::Intake {
        self_context: bus.context.self_context.clone(),
        provider: windlass_broker::Provider::new("gps").expect("a name"),
        override_timestamps: false,
    };
    for n in 10..30 {
        let delta = reader.take(&text(n), windlass_broker::DeltaVersion::V1).delta.expect("a delta");
        bus.know(delta);
    }
    for n in 10..30 {
        say(&mut socket, text(n)).await;
    }
    let counted = statistics(&manager, "in", |it| it.echoes == 20).await;
    assert_eq!(counted.bad_lines, 0);
    // From here on nothing but the end of the loop is waited for.
    tokio::time::pause();
    // Nothing of it is published again, but the alarm, and later that it is over.
    let deltas = bus.deltas(4).await;
    let told: Vec<String> = deltas[2..].iter().map(|delta| delta.render().to_string()).collect();
    assert!(told[0].contains("notifications.server.loop.in") && told[0].contains(r#""state":"warn""#), "{told:?}");
    assert!(told[0].contains("connection in has been here before") && told[0].contains("connection gps"), "{told:?}");
    assert!(told[1].contains(r#""state":"normal""#), "{told:?}");
    manager.stop().await;
}
