use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use jiff::Timestamp;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use windlass_broker::{SourceRef, Timestamp as BusTimestamp};

use super::bus::*;
use crate::StatusKind;
use crate::connections::tcp_client::READ_BYTES;
use crate::connections::*;

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

async fn server() -> (TcpListener, u16) {
    let listener = TcpListener::bind((LOCAL, 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    (listener, port)
}

async fn accept(listener: &TcpListener) -> TcpStream {
    soon(listener.accept()).await.expect("a client").0
}

#[actix::test]
async fn sentences_of_a_tcp_server_become_deltas() {
    let bus = Bus::new();
    let (server, port) = server().await;
    let manager = bus.start(ConnectionSettings::nmea0183_client("gps", "127.0.0.1", port));
    let mut stream = accept(&server).await;
    bus.status_text("gps", &format!("Connected to 127.0.0.1 {port}")).await;
    let before = Timestamp::now().as_millisecond();
    let rmc = with_checksum("GPRMC,085412.25,A,5222.3198,N,00454.5784,E,0.58,251.34,030414,0.8,E,A");
    stream.write_all(format!("{}{rmc}", sentence(7)).as_bytes()).await.expect("sent");
    let deltas = bus.deltas(2).await;
    let after = Timestamp::now().as_millisecond();
    assert_eq!(bus.batches(), [2], "one read is one batch");
    let [depth, fix] = deltas.as_slice() else { panic!("{deltas:?}") };
    assert_eq!(depth.context, bus.context.self_context);
    let update = &depth.updates[0];
    assert_eq!(update.source_ref, SourceRef::new("gps.SD").expect("a name"), "SK-47");
    let received = update.timestamp.as_millis().expect("a time");
    assert!((before..=after).contains(&received), "the time of reception");
    let text = depth.render();
    let source = r#""source":{"label":"gps","type":"NMEA0183","talker":"SD","sentence":"DBT"},"$source":"gps.SD""#;
    assert!(text.contains(source), "{text}");
    assert!(text.contains(r#""values":[{"path":"environment.depth.belowTransducer","value":7}]"#), "{text}");
    let text = fix.render();
    assert!(text.contains(r#""$source":"gps.GP","timestamp":"2014-04-03T08:54:12.250Z""#), "{text}");
    assert!(text.contains(r#"{"path":"navigation.position","value":{"latitude":52.3"#), "{text}");
    let shown = manager.connection("gps").expect("a connection");
    assert!(shown.running && shown.problem.is_none());
    let read = shown.statistics;
    assert_eq!((read.lines, read.deltas, read.bad_lines, read.peers, read.connects), (2, 2, 0, 1, 1));
    assert_eq!(read.bytes as usize, sentence(7).len() + rmc.len());
    let last = read.last_line.and_then(|time| time.as_millis()).expect("a time");
    assert!((before..=after).contains(&last));
    manager.stop().await;
}

#[actix::test]
async fn timestamps_can_be_those_of_reception() {
    let mut bus = Bus::new();
    bus.context.override_timestamps = true;
    let (server, port) = server().await;
    let manager = bus.start(ConnectionSettings::nmea0183_client("gps", "127.0.0.1", port));
    let before = BusTimestamp::now();
    let gll = with_checksum("GPGLL,6005.071,N,02332.346,E,095559,A,D");
    accept(&server).await.write_all(gll.as_bytes()).await.expect("sent");
    assert!(bus.deltas(1).await[0].updates[0].timestamp >= before);
    manager.stop().await;
}

#[actix::test]
async fn a_lost_connection_comes_back_and_says_so() {
    // SK-219
    let bus = Bus::new();
    let (server, port) = server().await;
    let manager = bus.start(ConnectionSettings::nmea0183_client("gps", "127.0.0.1", port));
    let mut first = accept(&server).await;
    // The last line has no end: a complete sentence is taken, one that is cut off is not.
    first.write_all(sentence(1).trim_end().as_bytes()).await.expect("sent");
    drop(first);
    let lost = bus.status_text("gps", "Reconnect").await;
    assert_eq!(lost.message, format!("Reconnect 127.0.0.1 {port} retry 1 delay 1000"));
    assert_eq!(lost.kind, StatusKind::Error);
    assert_eq!(lost.last_error, Some(format!("127.0.0.1 {port} closed the connection")));
    // From here on nothing but timers is waited for.
    tokio::time::pause();
    let mut second = accept(&server).await;
    tokio::time::resume();
    second.write_all(&sentence(2).as_bytes()[..10]).await.expect("sent");
    drop(second);
    // The second connection brought data, so the delays start over.
    statistics(&manager, "gps", |s| s.connects == 2 && s.peers == 0).await;
    bus.status("gps", |entry| entry.message.ends_with("retry 1 delay 1000")).await;
    assert_eq!(bad_lines(&statistics(&manager, "gps", |s| s.bad_lines > 0).await), HashMap::from([("noChecksum", 1)]));
    drop(server);
    tokio::time::pause();
    for (retry, delay) in [(2, 2000), (3, 4000), (4, 5000), (5, 5000)] {
        let text = format!("Reconnect 127.0.0.1 {port} retry {retry} delay {delay}");
        let entry = bus.status_text("gps", &text).await;
        let cause = entry.last_error.expect("a cause");
        assert!(cause.starts_with(&format!("can't connect to 127.0.0.1 {port}: ")), "{cause}");
    }
    tokio::time::resume();
    let server = TcpListener::bind((LOCAL, port)).await.expect("the port again");
    tokio::time::pause();
    let mut third = accept(&server).await;
    tokio::time::resume();
    third.write_all(sentence(3).as_bytes()).await.expect("sent");
    assert_eq!(bus.depths(2).await, ["1", "3"]);
    let entry = bus.status_text("gps", "Connected").await;
    assert_eq!(entry.kind, StatusKind::Status);
    assert_eq!(entry.last_error, Some(format!("Reconnect 127.0.0.1 {port} retry 5 delay 5000")));
    manager.stop().await;
}

#[actix::test]
async fn a_sentence_that_is_cut_off_is_not_taken_whatever_the_settings_say() {
    for (option, value) in [("validateChecksum", false), ("appendChecksum", true)] {
        let bus = Bus::new();
        let (server, port) = server().await;
        let sub = serde_json::json!({"type": "tcp", "host": "127.0.0.1", "port": port, option: value});
        let options = serde_json::json!({"type": "NMEA0183", "subOptions": sub});
        let elements = serde_json::json!([{"type": "providers/simple", "options": options}]);
        let entry = serde_json::json!({"id": "gps", "pipeElements": elements});
        let manager = bus.start(serde_json::from_value(entry).expect("an object"));
        let mut stream = accept(&server).await;
        // Of the depth, 23.0, the first letter is left.
        stream.write_all(b"$SDDBT,,f,2").await.expect("sent");
        drop(stream);
        let read = statistics(&manager, "gps", |it| it.bad_lines > 0).await;
        assert_eq!((bad_lines(&read), read.deltas), (HashMap::from([("noChecksum", 1)]), 0), "{option}");
        // A whole one that lacks nothing but its line end is good.
        let mut stream = accept(&server).await;
        stream.write_all(sentence(7).trim_end().as_bytes()).await.expect("sent");
        drop(stream);
        assert_eq!(bus.depths(1).await, ["7"], "{option}");
        manager.stop().await;
    }
}

#[actix::test]
async fn a_server_that_falls_silent_is_connected_anew() {
    let bus = Bus::new();
    let (server, port) = server().await;
    let manager = bus.start(ConnectionSettings::nmea0183_client("gps", "127.0.0.1", port));
    let mut first = accept(&server).await;
    first.write_all(sentence(1).as_bytes()).await.expect("sent");
    bus.deltas(1).await;
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    let lost = bus.status_text("gps", "Reconnect").await;
    // The sentence came a moment before the clock was stopped.
    assert!((55.0..60.1).contains(&start.elapsed().as_secs_f64()), "noDataReceivedTimeout, {:?}", start.elapsed());
    assert!(lost.last_error.expect("a cause").contains("no data from 127.0.0.1"));
    accept(&server).await;
    tokio::time::resume();
    manager.stop().await;
}

#[actix::test]
async fn bad_lines_are_counted_by_kind_and_the_data_flows_on() {
    // SK-217, SK-228 and "Bad input" of the sentences
    let bus = Bus::new();
    let (server, port) = server().await;
    let manager = bus.start(ConnectionSettings::nmea0183_client("gps", "127.0.0.1", port));
    let mut stream = accept(&server).await;
    let bad: [(&str, Vec<u8>); 10] = [
        ("notASentence", b"\x00\x01\x02garbage\x7f\r\n".to_vec()),
        ("notASentence", b"\xff\xfe\xfd\xfc\n".to_vec()),
        ("notASentence", b"{\"updates\":[]}\r\n".to_vec()),
        ("tooLong", [vec![b'x'; 1024 * 1024], b"\r\n".to_vec()].concat()),
        ("tooLong", [vec![b'y'; 2049], b"\n".to_vec()].concat()),
        ("checksum", b"$SDDBT,,f,00099.0,M,,F*00\r\n".to_vec()),
        ("noChecksum", b"$SDDBT,,f,00099\r\n".to_vec()),
        ("noChecksum", b"$SDDBT,,f,\xc3\x28,M,,F\r\n".to_vec()),
        ("notText", with_checksum("SDDBT,,f,\x01,M,,F").into_bytes()),
        ("malformed", with_checksum("SDDBT,,f,deep,M,,F").into_bytes()),
    ];
    for (n, (kind, line)) in (1..).zip(&bad) {
        let counted = |manager: &ConnectionManager| {
            let statistics = manager.connection("gps").expect("a connection").statistics;
            statistics.bad_lines_by_kind.get(*kind).copied().unwrap_or(0)
        };
        let before = counted(&manager);
        stream.write_all(line).await.expect("sent");
        stream.write_all(sentence(n).as_bytes()).await.expect("sent");
        let depths = bus.depths(n as usize).await;
        assert_eq!(depths.last(), Some(&n.to_string()), "after {kind}");
        assert_eq!(counted(&manager), before + 1, "{kind}");
    }
    let read = statistics(&manager, "gps", |s| s.deltas == 10).await;
    assert_eq!((read.bad_lines, read.lines, read.connects), (10, 20, 1));
    let json = serde_json::to_value(&read).expect("JSON");
    assert_eq!(json["badLinesByKind"]["tooLong"], 2);
    manager.stop().await;
}

#[actix::test]
async fn a_broker_that_does_not_answer_stops_the_reading() {
    const SENTENCES: u32 = 40_000;
    let bus = Bus::blocked();
    let (server, port) = server().await;
    let manager = bus.start(ConnectionSettings::nmea0183_client("gps", "127.0.0.1", port));
    let mut stream = accept(&server).await;
    let text: String = (0..SENTENCES).map(|n| sentence(n % 90_000)).collect();
    let (sent, mut written) = tokio::sync::watch::channel(0);
    let length = text.len();
    let writer = actix::spawn(async move {
        for chunk in text.as_bytes().chunks(READ_BYTES) {
            stream.write_all(chunk).await.expect("sent");
            sent.send_modify(|written| *written += chunk.len());
        }
        stream
    });
    // Far more has been sent than the connection takes: one batch at the model, one in the broker's mailbox.
    soon(written.wait_for(|written| *written >= 8 * READ_BYTES)).await.expect("the system's buffers take so much");
    for _ in 0..5_000 {
        tokio::task::yield_now().await;
    }
    let read = manager.connection("gps").expect("a connection").statistics;
    assert!(read.bytes as usize <= 2 * READ_BYTES, "{} bytes were read although nobody took them", read.bytes);
    assert_eq!(bus.batches().len(), 1);
    bus.gate.add_permits(1);
    let depths = bus.depths(SENTENCES as usize).await;
    assert!(depths.iter().enumerate().all(|(n, depth)| *depth == n.to_string()), "all, in order");
    assert_eq!(statistics(&manager, "gps", |s| s.deltas == u64::from(SENTENCES)).await.bytes as usize, length);
    assert!(bus.batches().iter().all(|deltas| *deltas <= READ_BYTES / 20));
    drop(soon(writer).await.expect("no panic"));
    manager.stop().await;
}
