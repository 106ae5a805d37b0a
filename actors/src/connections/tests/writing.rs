//! Sentences that go the other way: from inputs and plugins to devices.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use windlass_broker::Origin;

use super::bus::*;
use super::others::terminal;
use crate::StatusKind;
use crate::connections::*;

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn nmea(id: &str, sub: Value) -> ConnectionSettings {
    let options = json!({"type": "NMEA0183", "subOptions": sub});
    let entry = json!({"id": id, "pipeElements": [{"type": "providers/simple", "options": options}]});
    serde_json::from_value(entry).expect("an object")
}

async fn address(manager: &ConnectionManager, id: &str) -> SocketAddr {
    statistics(manager, id, |it| it.local_address.is_some()).await.local_address.expect("an address")
}

async fn line(stream: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    soon(stream.read_line(&mut line)).await.expect("a line");
    line
}

#[actix::test]
async fn a_tcp_device_is_sent_the_events_that_it_is_to_get() {
    let bus = Bus::new();
    let device = TcpListener::bind((LOCAL, 0)).await.expect("a port");
    let port = device.local_addr().expect("an address").port();
    let sub = json!({"type": "tcp", "host": "127.0.0.1", "port": port, "outEvent": "nmea0183out", "toStdout": ["bow"]});
    let manager = bus.start(nmea("pilot", sub));
    manager
        .add(nmea("bow", json!({"type": "tcplistener", "port": 0, "sentenceEvent": "bow", "suppress0183event": true})));
    manager.add(ConnectionSettings::nmea0183_listener("stern", LOCAL, 0));
    let mut device = BufReader::new(soon(device.accept()).await.expect("connected").0);
    bus.status_text("pilot", "Connected").await;
    let mut bow = TcpStream::connect(address(&manager, "bow").await).await.expect("connected");
    let mut stern = TcpStream::connect(address(&manager, "stern").await).await.expect("connected");
    stern.write_all(sentence(1).as_bytes()).await.expect("sent");
    bus.depths(1).await;
    bow.write_all(sentence(2).as_bytes()).await.expect("sent");
    assert_eq!(line(&mut device).await, sentence(2), "what the other input says is no event of its");
    let made = ["nmea0183out".into()];
    bus.context.sentences.emit(&made, b"$ECAPB,1*00", Origin::NONE);
    assert_eq!(line(&mut device).await, "$ECAPB,1*00\r\n");
    // What it sends is read meanwhile.
    device.get_mut().write_all(sentence(3).as_bytes()).await.expect("sent");
    assert_eq!(bus.depths(3).await, ["1", "2", "3"]);
    let read = statistics(&manager, "pilot", |it| it.lines_out == 2).await;
    assert_eq!((read.bytes_out as usize, read.lost_out), (sentence(2).len() + 13, 0));
    let last = manager.details("pilot").expect("a connection").last_lines;
    let shown: Vec<_> = last.written.iter().map(|it| it.line.as_str()).collect();
    assert_eq!(shown, [sentence(2).trim_end(), "$ECAPB,1*00"]);
    manager.stop().await;
}

#[actix::test]
async fn nobody_is_sent_what_came_from_there() {
    let bus = Bus::new();
    let both = |id| nmea(id, json!({"type": "tcplistener", "port": 0, "outEvent": "nmea0183"}));
    let manager = bus.start(both("one"));
    manager.add(both("two"));
    let connect = async |id| {
        let stream = TcpStream::connect(address(&manager, id).await).await.expect("connected");
        statistics(&manager, id, |it| it.peers == 1).await;
        BufReader::new(stream)
    };
    let (mut one, mut two) = (connect("one").await, connect("two").await);
    one.get_mut().write_all(sentence(1).as_bytes()).await.expect("sent");
    assert_eq!(line(&mut two).await, sentence(1));
    two.get_mut().write_all(sentence(2).as_bytes()).await.expect("sent");
    assert_eq!(line(&mut one).await, sentence(2), "not its own");
    // Whoever has gone takes nothing with him.
    drop(two);
    statistics(&manager, "two", |it| it.peers == 0).await;
    let mut two = connect("two").await;
    one.get_mut().write_all(sentence(3).as_bytes()).await.expect("sent");
    assert_eq!(line(&mut two).await, sentence(3));
    manager.stop().await;
}

#[actix::test]
async fn datagrams_carry_a_sentence_each() {
    let bus = Bus::new();
    let device = UdpSocket::bind((LOCAL, 0)).await.expect("a port");
    let port = device.local_addr().expect("an address").port();
    // Both use the same port, as instruments do, on addresses of their own.
    let sub =
        json!({"type": "udp", "port": port, "bindAddress": "127.0.0.2", "host": "127.0.0.1", "outEvent": "nmea0183"});
    let manager = bus.start(nmea("net", sub));
    let local = address(&manager, "net").await;
    bus.context.sentences.repeat(b"$GPRMC,1*00\r\n", Origin::NONE);
    bus.context.sentences.repeat(b"$GPRMC,2*00", Origin::NONE);
    let mut buffer = [0; 100];
    for expected in ["$GPRMC,1*00\r\n", "$GPRMC,2*00\r\n"] {
        let (length, from) = soon(device.recv_from(&mut buffer)).await.expect("a datagram");
        assert_eq!((&buffer[..length], from), (expected.as_bytes(), local));
    }
    statistics(&manager, "net", |it| it.lines_out == 2).await;
    device.send_to(sentence(1).as_bytes(), local).await.expect("sent");
    assert_eq!(bus.depths(1).await, ["1"]);
    manager.stop().await;
    // A broadcast reaches its sender, too; here everything is sent to ourselves.
    let sub = json!({"type": "udp", "port": 0, "host": "127.0.0.1", "outEvent": "nmea0183out"});
    let manager = bus.start(nmea("net", sub));
    let port = address(&manager, "net").await.port();
    bus.context.sentences.emit(&["nmea0183out".into()], sentence(2).as_bytes(), Origin::NONE);
    statistics(&manager, "net", |it| it.lines_out == 1).await;
    device.send_to(sentence(3).as_bytes(), (LOCAL, port)).await.expect("sent");
    assert_eq!(bus.depths(2).await, ["1", "3"]);
    assert_eq!(statistics(&manager, "net", |it| it.lines == 1).await.bytes as usize, sentence(3).len());
    manager.stop().await;
    let nowhere = json!({"type": "udp", "port": 0, "bindAddress": "127.0.0.1", "host": "::1", "outEvent": "x"});
    let manager = bus.start(nmea("nowhere", nowhere));
    let entry = bus.status("nowhere", |entry| entry.kind == StatusKind::Error).await;
    assert!(entry.message.contains("set `host`"), "{}", entry.message);
    manager.stop().await;
}

#[actix::test]
async fn a_serial_port_is_written_to() {
    let bus = Bus::new();
    let (mut instrument, device) = terminal();
    let manager = bus.start(nmea("bus", json!({"type": "serial", "device": device, "toStdout": "nmea0183out"})));
    bus.status_text("bus", "Connected").await;
    bus.context.sentences.emit(&["nmea0183out".into()], b"$ECAPB,1*00", Origin::NONE);
    statistics(&manager, "bus", |it| it.lines_out == 1).await;
    let mut written = [0; 13];
    instrument.read_exact(&mut written).expect("what was written");
    assert_eq!(&written, b"$ECAPB,1*00\r\n");
    instrument.write_all(sentence(3).as_bytes()).expect("written");
    assert_eq!(bus.depths(1).await, ["3"]);
    manager.stop().await;
}

#[actix::test]
async fn a_device_that_takes_nothing_costs_sentences_only() {
    let bus = Bus::new();
    let device = TcpListener::bind((LOCAL, 0)).await.expect("a port");
    let port = device.local_addr().expect("an address").port();
    let sub = json!({"type": "tcp", "host": "127.0.0.1", "port": port, "outEvent": "nmea0183"});
    let manager = bus.start(nmea("stuck", sub));
    let mut device = soon(device.accept()).await.expect("connected").0;
    bus.status_text("stuck", "Connected").await;
    let long = [b'x'; 1000];
    // More than all buffers on the way hold.
    for _ in 0..64 * 1024 {
        bus.context.sentences.repeat(&long, Origin::NONE);
        tokio::task::yield_now().await;
    }
    // It is counted within a second.
    let read = statistics(&manager, "stuck", |it| it.lost_out > 0).await;
    assert!(read.lost_out > 0 && read.peers == 1, "{read:?}");
    device.write_all(sentence(1).as_bytes()).await.expect("sent");
    assert_eq!(bus.depths(1).await, ["1"]);
    manager.stop().await;
}

#[actix::test]
async fn lines_are_mended_before_they_are_read() {
    let bus = Bus::new();
    let sub = json!({"type": "tcplistener", "port": 0, "removeNulls": true, "appendChecksum": true,
        "talkerGroups": {"Sounder": ["SD"]}});
    let manager = bus.start(nmea("old", sub));
    let heard = bus.context.sentences.listen_to(&["nmea0183".into()], Origin::unique(), 10_000);
    let mut device = TcpStream::connect(address(&manager, "old").await).await.expect("connected");
    device.write_all(b"\0\0$SDDBT,,f,\x00007.0,M,,F\r\0\n$SDDBT,,f,008.0,M,,F*00\r\n").await.expect("sent");
    let deltas = bus.deltas(1).await;
    assert_eq!(deltas[0].updates[0].source_ref.as_str(), "old.sounder");
    assert!(deltas[0].render().contains(r#""talker":"SD""#), "{}", deltas[0].render());
    let read = statistics(&manager, "old", |it| it.bad_lines == 1).await;
    assert_eq!(read.bad_lines_by_kind["checksum"], 1, "one that is wrong is not mended");
    let mut repeated = Vec::new();
    soon(heard.queue.take(&mut repeated, 1)).await;
    assert_eq!(repeated, with_checksum("SDDBT,,f,007.0,M,,F").as_bytes());
    manager.stop().await;
}
