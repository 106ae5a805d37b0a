//! What comes around in a circle, and what only looks like it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use windlass_broker::Timestamp;

use super::super::echoes::{Alarm, Echo};
use super::super::link::Link;
use super::super::statistics::Counters;
use super::bus::*;
use crate::connections::*;

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn settings(id: &str, sub: Value) -> ConnectionSettings {
    let options = json!({"type": "SignalK", "subOptions": sub});
    let entry = json!({"id": id, "pipeElements": [{"type": "providers/simple", "options": options}]});
    serde_json::from_value(entry).expect("an object")
}

fn lines_of(id: &str, port: u16) -> ConnectionSettings {
    settings(id, json!({"type": "tcp", "host": "127.0.0.1", "port": port, "subscription": []}))
}

async fn server() -> (TcpListener, u16) {
    let listener = TcpListener::bind((LOCAL, 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    (listener, port)
}

async fn accept(server: &TcpListener) -> TcpStream {
    soon(server.accept()).await.expect("connected").0
}

fn line(path: &str, timestamp: &str, value: u32) -> String {
    let values = json!([{"path": path, "value": value}]);
    let updates = json!([{"$source": "x.1", "timestamp": timestamp, "values": values}]);
    json!({"context": "vessels.self", "updates": updates}).to_string() + "\r\n"
}

async fn say(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.expect("sent");
}

#[actix::test]
async fn a_sender_whose_clock_is_put_back_goes_on_being_heard() {
    let bus = Bus::new();
    let (server, port) = server().await;
    let manager = bus.start(lines_of("in", port));
    let mut sensor = accept(&server).await;
    say(&mut sensor, &line("a.b", "2036-01-01T00:00:00.000Z", 1)).await;
    bus.know(bus.deltas(1).await.remove(0));
    say(&mut sensor, &line("a.b", "2026-05-02T10:00:00.000Z", 2)).await;
    // The model is still behind.
    bus.deltas(2).await;
    say(&mut sensor, &line("a.b", "2026-05-02T10:00:01.000Z", 3)).await;
    assert_eq!(bus.depths(3).await, ["1", "2", "3"]);
    let read = manager.connection("in").expect("a connection").statistics;
    assert_eq!((read.echoes, read.outdated), (0, 0));
    manager.stop().await;
}

/// So many present values, as a server sends them at the start.
fn present_values(count: u32) -> String {
    (0..count).map(|n| line(&format!("navigation.course{n}"), "2026-05-02T10:00:00.000Z", n)).collect()
}

#[actix::test]
async fn a_connection_that_is_changed_or_doubled_is_no_circle() {
    let bus = Bus::new();
    let (server, port) = server().await;
    let manager = bus.start(lines_of("in", port));
    let mut peer = accept(&server).await;
    say(&mut peer, &present_values(20)).await;
    for delta in bus.deltas(20).await {
        bus.know(delta);
    }
    // Its options are changed; the other server tells everything again.
    assert!(manager.replace("in", lines_of("in", port)).await);
    let mut peer = accept(&server).await;
    say(&mut peer, &(present_values(20) + &line("a.b", "2026-05-02T10:00:01.000Z", 1))).await;
    bus.deltas(21).await;
    let read = statistics(&manager, "in", |it| it.lines == 21).await;
    assert_eq!((read.echoes, read.outdated, read.deltas), (0, 0, 1));
    // A second connection to the same server, later.
    let known = Timestamp::now();
    while Timestamp::now() <= known {
        tokio::task::yield_now().await;
    }
    manager.add(lines_of("two", port));
    let mut peer = accept(&server).await;
    say(&mut peer, &(present_values(20) + &line("a.c", "2026-05-02T10:00:01.000Z", 1))).await;
    bus.deltas(22).await;
    let read = statistics(&manager, "two", |it| it.lines == 21).await;
    assert_eq!((read.echoes, read.outdated, read.deltas), (0, 20, 1));
    manager.stop().await;
}

#[actix::test]
async fn a_circle_goes_on_when_its_connection_is_made_anew() {
    let bus = Bus::new();
    let settings = lines_of("in", 1);
    let plan = settings.plan(bus.directory.path()).expect("a plan");
    let counters = Arc::new(Counters::new("in", true));
    let link = Link::new(bus.context.clone(), &plan, "in", &counters).expect("a name");
    tokio::time::pause();
    let echo = Echo { path: "a.b", source: "gps.GP" };
    let first = Alarm::new(&link);
    for _ in 0..10 {
        first.note(echo);
    }
    assert!(bus.deltas(1).await[0].render().contains(r#""state":"warn""#));
    drop(first);
    let second = Alarm::new(&link);
    for _ in 0..30 {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        second.note(echo);
    }
    assert_eq!(bus.deltas(1).await.len(), 1, "nobody says that it is over, nor that it begins");
    assert!(bus.deltas(2).await[1].render().contains(r#""state":"normal""#));
    assert_eq!(counters.read().echoes, 40);
}
