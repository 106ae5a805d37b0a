use std::net::{IpAddr, Ipv4Addr};

use actix::Arbiter;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::bus::*;
use crate::StatusKind;
use crate::connections::*;

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn settings(entry: serde_json::Value) -> ConnectionSettings {
    serde_json::from_value(entry).expect("an object")
}

#[actix::test]
async fn what_can_not_start_says_why_and_disturbs_nobody() {
    let bus = Bus::new();
    let n2k = json!({"type": "NMEA2000", "subOptions": {"type": "canbus-canboatjs", "interface": "can0"}});
    let entries = vec![
        settings(json!({"id": "can0", "pipeElements": [{"type": "providers/simple", "options": n2k}]})),
        ConnectionSettings::nmea0183_listener("nmea", LOCAL, 0),
        ConnectionSettings::nmea0183_listener("nmea", LOCAL, 0),
        settings(json!({"id": "off", "enabled": false, "pipeElements": "anything"})),
        settings(json!({"pipeElements": []})),
        settings(json!({"id": "constructor", "pipeElements": []})),
        ConnectionSettings::nmea0183_client("constructor", "h", 1),
    ];
    let manager = ConnectionManager::start(entries.clone(), bus.context.clone());
    let shown = manager.connections();
    let problems: Vec<_> = shown.iter().map(|c| c.problem.as_deref().unwrap_or_default()).collect();
    assert!(problems[0].starts_with("type NMEA2000 with canbus-canboatjs is not supported yet"), "{}", problems[0]);
    assert_eq!((problems[1], problems[3]), ("", ""));
    assert!(problems[2].starts_with("another connection has the id \"nmea\" already"), "{}", problems[2]);
    assert!(problems[4].starts_with("`id` is missing"), "{}", problems[4]);
    assert!(problems[6].starts_with("`id` can't be used: "), "{}", problems[6]);
    let running: Vec<_> = shown.iter().map(|c| c.running).collect();
    assert_eq!(running, [false, true, false, false, false, false, false]);
    assert_eq!(shown[3].id, "off");
    assert!(!shown[3].enabled);
    assert_eq!(shown[4].id, "connection 5 without id");
    let entry = bus.board.get("can0").expect("an entry");
    assert_eq!((entry.kind, entry.message.as_str()), (StatusKind::Error, problems[0]));
    assert_eq!(bus.board.get("off"), None);
    let listening = bus.status_text("nmea", "Listening on TCP port ").await;
    assert_eq!(listening.kind, StatusKind::Status, "the second of this id does not speak for the first");
    let json = serde_json::to_value(&shown[1]).expect("JSON");
    assert_eq!(
        (&json["id"], &json["type"], &json["statistics"]["lines"]),
        (&json!("nmea"), &json!("NMEA0183"), &json!(0))
    );
    assert_eq!(manager.settings(), entries);
    manager.stop().await;
}

#[actix::test]
async fn connections_come_and_go_while_others_run() {
    let bus = Bus::new();
    let manager = bus.start(ConnectionSettings::nmea0183_listener("one", LOCAL, 0));
    manager.add(ConnectionSettings::nmea0183_listener("two", LOCAL, 0));
    let mut streams = Vec::new();
    for id in ["one", "two"] {
        let address = statistics(&manager, id, |s| s.local_address.is_some()).await.local_address.expect("an address");
        streams.push(TcpStream::connect(address).await.expect("connected"));
    }
    streams[0].write_all(sentence(1).as_bytes()).await.expect("sent");
    assert_eq!(bus.depths(1).await, ["1"]);
    assert!(manager.remove("one").await);
    assert!(!manager.remove("one").await);
    assert_eq!(bus.board.get("one"), None);
    streams[1].write_all(sentence(2).as_bytes()).await.expect("sent");
    assert_eq!(bus.depths(2).await, ["1", "2"]);
    assert_eq!(manager.connections().len(), 1);
    manager.stop().await;
}

#[actix::test]
async fn changed_settings_take_the_place_of_a_connection_at_once() {
    let bus = Bus::new();
    let manager = bus.start(ConnectionSettings::nmea0183_listener("one", LOCAL, 0));
    manager.add(ConnectionSettings::nmea0183_listener("two", LOCAL, 0));
    let two = statistics(&manager, "two", |s| s.local_address.is_some()).await.local_address.expect("an address");
    let mut neighbour = TcpStream::connect(two).await.expect("connected");
    let one = statistics(&manager, "one", |s| s.local_address.is_some()).await.local_address.expect("an address");
    // The same port again: it must be free by then.
    assert!(manager.replace("one", ConnectionSettings::nmea0183_listener("renamed", LOCAL, one.port())).await);
    assert_eq!((bus.board.get("one"), manager.connection("one")), (None, None));
    statistics(&manager, "renamed", |s| s.local_address == Some(one)).await;
    let mut stream = TcpStream::connect(one).await.expect("connected");
    stream.write_all(sentence(1).as_bytes()).await.expect("sent");
    assert_eq!(bus.depths(1).await, ["1"]);
    let off = settings(json!({"id": "renamed", "enabled": false}));
    assert!(manager.replace("renamed", off).await);
    assert_eq!(bus.board.get("renamed"), None);
    assert!(TcpStream::connect(one).await.is_err(), "the port is closed");
    assert!(!manager.replace("one", ConnectionSettings::nmea0183_listener("one", LOCAL, 0)).await, "there is none");
    let shown = manager.connections();
    let shown: Vec<_> = shown.iter().map(|c| (c.id.as_str(), c.running)).collect();
    assert_eq!(shown, [("renamed", false), ("two", true)], "in its place");
    neighbour.write_all(sentence(2).as_bytes()).await.expect("sent");
    assert_eq!(bus.depths(2).await, ["1", "2"]);
    manager.stop().await;
}

#[actix::test]
async fn of_two_with_the_same_id_the_other_one_stays() {
    let bus = Bus::new();
    let listener = |id| ConnectionSettings::nmea0183_listener(id, LOCAL, 0);
    let manager = ConnectionManager::start(vec![listener("a"), listener("a"), listener("b")], bus.context.clone());
    let shown = || -> Vec<_> { manager.connections().into_iter().map(|it| (it.id, it.running)).collect() };
    let list = |entries: [(&str, bool); 3]| entries.map(|(id, running)| (id.to_owned(), running));
    assert_eq!(shown(), list([("a", true), ("a", false), ("b", true)]));
    assert!(manager.replace("a", listener("a")).await);
    assert_eq!(shown(), list([("a", true), ("a", false), ("b", true)]));
    // The name becomes free.
    assert!(manager.replace("a", listener("c")).await);
    assert_eq!(shown(), list([("c", true), ("a", true), ("b", true)]));
    bus.status_text("a", "Listening on TCP port ").await;
    manager.stop().await;
}

#[actix::test]
async fn connections_run_on_their_own_arbiter_and_stop_while_the_broker_is_blocked() {
    let mut bus = Bus::blocked();
    let io = Arbiter::new();
    bus.context.arbiter = io.handle();
    let manager = bus.start(ConnectionSettings::nmea0183_listener("nmea", LOCAL, 0));
    let listening = statistics(&manager, "nmea", |s| s.local_address.is_some()).await;
    let address = listening.local_address.expect("an address");
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let mut depth = 0;
    // Until the broker's answer is waited for.
    while manager.connection("nmea").expect("a connection").statistics.lines < 2 {
        stream.write_all(sentence(depth).as_bytes()).await.expect("sent");
        depth += 1;
        tokio::task::yield_now().await;
    }
    soon(manager.stop()).await;
    assert!(TcpStream::connect(address).await.is_err(), "the port is closed");
    io.stop();
    io.join().expect("no panic on the arbiter");
}

#[actix::test]
async fn stopping_after_the_arbiter_has_stopped_does_not_hang() {
    let mut bus = Bus::new();
    let io = Arbiter::new();
    bus.context.arbiter = io.handle();
    let manager = bus.start(ConnectionSettings::nmea0183_listener("nmea", LOCAL, 0));
    statistics(&manager, "nmea", |s| s.local_address.is_some()).await;
    io.stop();
    io.join().expect("no panic on the arbiter");
    soon(manager.stop()).await;
}
