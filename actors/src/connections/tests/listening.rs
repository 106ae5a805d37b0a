use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::bus::*;
use crate::StatusKind;
use crate::connections::*;

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn nmea(id: &str, sub: serde_json::Value) -> ConnectionSettings {
    let options = json!({"type": "NMEA0183", "subOptions": sub});
    let entry = json!({"id": id, "pipeElements": [{"type": "providers/simple", "options": options}]});
    serde_json::from_value(entry).expect("an object")
}

async fn address(manager: &ConnectionManager, id: &str) -> SocketAddr {
    let listening = statistics(manager, id, |s| s.local_address.is_some()).await;
    listening.local_address.expect("an address")
}

#[actix::test]
async fn peers_of_a_listener_are_independent() {
    let bus = Bus::new();
    let manager = bus.start(ConnectionSettings::nmea0183_listener("nmea", LOCAL, 0));
    let address = address(&manager, "nmea").await;
    bus.status_text("nmea", &format!("Listening on TCP port {}", address.port())).await;
    let mut one = TcpStream::connect(address).await.expect("connected");
    let mut two = TcpStream::connect(address).await.expect("connected");
    // Half a line of one does not mix with the line of the other.
    let whole = sentence(1);
    let (start, end) = whole.split_at(9);
    one.write_all(start.as_bytes()).await.expect("sent");
    statistics(&manager, "nmea", |s| s.bytes == 9 && s.peers == 2).await;
    two.write_all(sentence(2).as_bytes()).await.expect("sent");
    assert_eq!(bus.depths(1).await, ["2"]);
    one.write_all(end.as_bytes()).await.expect("sent");
    assert_eq!(bus.depths(2).await, ["2", "1"]);
    drop(two);
    statistics(&manager, "nmea", |s| s.peers == 1).await;
    one.write_all(sentence(3).as_bytes()).await.expect("sent");
    assert_eq!(bus.depths(3).await, ["2", "1", "3"]);
    // Stopping closes the peers' sockets and the listener.
    manager.stop().await;
    assert_eq!(soon(one.read(&mut [0])).await.expect("an end"), 0);
    assert!(TcpStream::connect(address).await.is_err());
    assert_eq!(manager.connections(), []);
}

#[actix::test]
async fn no_more_peers_than_allowed() {
    let bus = Bus::new();
    let manager = bus.start(nmea("nmea", json!({"type": "tcplistener", "port": 0, "maxPeers": 1})));
    let address = address(&manager, "nmea").await;
    let mut one = TcpStream::connect(address).await.expect("connected");
    statistics(&manager, "nmea", |s| s.peers == 1).await;
    let mut two = TcpStream::connect(address).await.expect("connected");
    assert_eq!(soon(two.read(&mut [0])).await.expect("an end"), 0, "sent away");
    one.write_all(sentence(1).as_bytes()).await.expect("sent");
    assert_eq!(bus.depths(1).await, ["1"]);
    drop(one);
    statistics(&manager, "nmea", |s| s.peers == 0).await;
    let mut three = TcpStream::connect(address).await.expect("connected");
    three.write_all(sentence(3).as_bytes()).await.expect("sent");
    assert_eq!(bus.depths(2).await, ["1", "3"]);
    let read = manager.connection("nmea").expect("a connection").statistics;
    assert_eq!((read.connects, read.refused_peers), (2, 1));
    manager.stop().await;
}

#[actix::test]
async fn a_taken_port_is_an_error_until_it_is_free() {
    let bus = Bus::new();
    let other = TcpListener::bind((LOCAL, 0)).await.expect("a port");
    let port = other.local_addr().expect("an address").port();
    let manager = bus.start(ConnectionSettings::nmea0183_listener("nmea", LOCAL, port));
    let failed = bus.status_text("nmea", &format!("can't listen on TCP 127.0.0.1 port {port}: ")).await;
    assert_eq!(failed.kind, StatusKind::Error);
    drop(other);
    tokio::time::pause();
    bus.status_text("nmea", &format!("Listening on TCP port {port}")).await;
    tokio::time::resume();
    manager.stop().await;
}

#[actix::test]
async fn datagrams_hold_whole_lines() {
    let bus = Bus::new();
    let manager = bus.start(nmea("wifi", json!({"type": "udp", "port": 0, "bindAddress": "127.0.0.1"})));
    let address = address(&manager, "wifi").await;
    bus.status_text("wifi", &format!("Listening on UDP port {}", address.port())).await;
    let sender = UdpSocket::bind((LOCAL, 0)).await.expect("a port");
    let mut lines = 0;
    for (datagram, depths) in [
        (sentence(1), vec!["1"]),
        (format!("{}{}", sentence(2), sentence(3)), vec!["2", "3"]),
        (sentence(4).trim_end().to_owned(), vec!["4"]),
        ("$SDDBT,,f,0".to_owned(), vec![]),
        (sentence(5), vec!["5"]),
        (String::new(), vec![]),
        ("x".repeat(60_000), vec![]),
        (sentence(6), vec!["6"]),
    ] {
        sender.send_to(datagram.as_bytes(), address).await.expect("sent");
        lines += depths.len();
        let got = bus.depths(lines).await;
        assert_eq!(got[lines - depths.len()..], depths, "{datagram:.60}");
    }
    // More at once than go into one batch; nobody else runs while they are sent.
    let std_sender = std::net::UdpSocket::bind((LOCAL, 0)).expect("a port");
    for depth in 0..150 {
        std_sender.send_to(sentence(depth).as_bytes(), address).expect("sent");
    }
    assert_eq!(bus.depths(156).await[6..], (0..150).map(|n| n.to_string()).collect::<Vec<_>>());
    let read = statistics(&manager, "wifi", |s| s.deltas == 156).await;
    assert_eq!(bad_lines(&read), HashMap::from([("noChecksum", 1), ("tooLong", 1)]));
    manager.stop().await;
    assert!(UdpSocket::bind(address).await.is_ok(), "the port is free again");
}
