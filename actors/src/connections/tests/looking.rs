//! What the administration sees of connections, and connections that are only tried.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::bus::*;
use super::others::terminal;
use crate::connections::*;

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn connection(kind: &str, sub: Value) -> ConnectionSettings {
    let options = json!({"type": kind, "subOptions": sub});
    let entry = json!({"id": "in", "pipeElements": [{"type": "providers/simple", "options": options}]});
    serde_json::from_value(entry).expect("an object")
}

fn tcp(port: u16) -> ConnectionSettings {
    connection("NMEA0183", json!({"type": "tcp", "host": "127.0.0.1", "port": port, "useCanName": true}))
}

async fn state(manager: &ConnectionManager, wanted: ConnectionState) -> ConnectionOverview {
    soon(async {
        loop {
            let overview = manager.connection("in").expect("a connection");
            if overview.state == wanted {
                return overview;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

#[actix::test]
async fn a_connection_shows_how_it_is_and_what_came() {
    let bus = Bus::new();
    let device = TcpListener::bind((LOCAL, 0)).await.expect("a port");
    let port = device.local_addr().expect("an address").port();
    let manager = bus.start(tcp(port));
    let mut stream = soon(device.accept()).await.expect("connected").0;
    let running = state(&manager, ConnectionState::Running).await;
    let note = "`useCanName` has no effect: sentences have talkers, no CAN names";
    assert_eq!((running.input.as_deref(), running.notes.as_slice()), (Some("tcp"), [note.to_owned()].as_slice()));
    assert_eq!(running.message, Some(format!("Connected to 127.0.0.1 {port}; {note}")));
    let unknown = with_checksum("PGRME,15.0,M");
    let text = format!("{}{unknown}{}$SDDBT,,f,2.0,M,,F*00\r\n\x1b[2J\r\n", sentence(1), sentence(2));
    stream.write_all(text.as_bytes()).await.expect("sent");
    statistics(&manager, "in", |it| it.lines == 5).await;
    let details = manager.details("in").expect("a connection");
    let read = &details.overview.statistics;
    assert_eq!(serde_json::to_value(&read.sentences).expect("JSON"), json!({"DBT": 2, "PGRME": 1}));
    let shown: Vec<_> = details.last_lines.received.iter().map(|it| (it.line.as_str(), it.problem)).collect();
    let [first, second] = [sentence(1), sentence(2)];
    let expected = [
        (first.trim_end(), None),
        (unknown.trim_end(), None),
        (second.trim_end(), None),
        ("$SDDBT,,f,2.0,M,,F*00", Some("checksum")),
        ("\u{fffd}[2J", Some("notASentence")),
    ];
    assert_eq!(shown, expected);
    let json = serde_json::to_value(&details).expect("JSON");
    assert_eq!((&json["state"], &json["lastLines"]["out"]), (&json!("running"), &json!([])));
    assert_eq!(json["statistics"]["bytes"], text.len());
    drop((stream, device));
    let failing = state(&manager, ConnectionState::Failing).await;
    assert!(failing.since >= running.since && failing.last_error.is_some(), "{failing:?}");
    manager.stop().await;
}

#[actix::test]
async fn states_are_told_apart() {
    let bus = Bus::new();
    bus.record("a.log", &sentence(1));
    let manager = bus.start(connection("FileStream", json!({"filename": "a.log", "loop": false, "speed": 0})));
    let finished = state(&manager, ConnectionState::Finished).await;
    assert!(finished.message.is_some_and(|message| message.starts_with("Finished ")));
    for (settings, expected) in [
        (connection("Seatalk", json!({})), ConnectionState::Refused),
        (serde_json::from_value(json!({"id": "in", "enabled": false})).expect("an object"), ConnectionState::Disabled),
    ] {
        assert!(manager.replace("in", settings).await);
        assert_eq!(manager.connection("in").expect("a connection").state, expected);
    }
    manager.stop().await;
}

/// Whoever may name a file of a recording must not read files with it.
#[actix::test]
async fn lines_of_a_file_that_is_no_recording_are_not_shown() {
    let bus = Bus::new();
    let text = format!("root:x:0:0\n{{\"secretKey\":\"s\"}}\n{}", sentence(1));
    let file = bus.record("secret", &text);
    for data_type in ["NMEA0183", "SignalK"] {
        let sub = json!({"filename": file, "dataType": data_type, "loop": false, "speed": 0});
        let manager = bus.start(connection("FileStream", sub.clone()));
        state(&manager, ConnectionState::Finished).await;
        let details = serde_json::to_string(&manager.details("in")).expect("JSON");
        let tried = manager.try_out(&connection("FileStream", sub), Duration::from_secs(5)).await.expect("tried");
        let tried = serde_json::to_string(&tried).expect("JSON");
        for shown in [details, tried] {
            assert!(!shown.contains("root:") && !shown.contains("secretKey"), "{shown}");
        }
        manager.stop().await;
    }
}

#[actix::test]
async fn a_connection_can_be_tried_and_leaves_no_trace() {
    let bus = Bus::new();
    let manager = ConnectionManager::start(Vec::new(), bus.context.clone());
    let device = TcpListener::bind((LOCAL, 0)).await.expect("a port");
    let port = device.local_addr().expect("an address").port();
    let speaking = async {
        let mut stream = soon(device.accept()).await.expect("connected").0;
        let text: String = (0..30).map(sentence).collect();
        stream.write_all(text.as_bytes()).await.expect("sent");
        stream
    };
    // A time that a test never waits for: enough has come before.
    let settings = tcp(port);
    let (trial, _stream) = tokio::join!(manager.try_out(&settings, LONGEST_TRIAL), speaking);
    let trial = trial.expect("tried");
    assert!(trial.connected && trial.problem.is_none(), "{trial:?}");
    assert_eq!(trial.message, Some(format!("Connected to 127.0.0.1 {port}")));
    let format = trial.format.expect("lines came");
    assert_eq!((format.kind, format.advice), (FormatKind::Nmea0183, None));
    assert!(trial.statistics.lines >= 25 && trial.statistics.deltas >= 25, "{:?}", trial.statistics);
    assert_eq!(trial.lines[0].line, sentence(0).trim_end());
    assert_eq!(trial.notes.len(), 1);
    assert_eq!(bus.batches(), Vec::<usize>::new(), "nothing was published");
    assert_eq!((manager.connections(), bus.board.get("in"), bus.context.sentences.repeated()), (vec![], None, 0));
    // The server sends deltas where sentences were expected.
    let speaking = async {
        let mut stream = soon(device.accept()).await.expect("connected").0;
        stream.write_all(b"{\"updates\":[]}\r\n").await.expect("sent");
    };
    let (trial, ()) = tokio::join!(manager.try_out(&settings, LONGEST_TRIAL), speaking);
    let trial = trial.expect("tried");
    assert!(trial.connected && trial.problem.is_some_and(|it| it.contains("closed the connection")));
    let format = trial.format.expect("a line came");
    assert_eq!((format.kind, format.advice), (FormatKind::SignalK, Some("use a connection of type SignalK")));
}

#[actix::test]
async fn a_trial_says_why_it_fails() {
    let bus = Bus::new();
    let closed = TcpListener::bind((LOCAL, 0)).await.expect("a port").local_addr().expect("an address").port();
    let (_instrument, device) = terminal();
    let serial = connection("NMEA0183", json!({"type": "serial", "device": device}));
    let manager = bus.start(serial.clone());
    state(&manager, ConnectionState::Running).await;
    let failed = manager.try_out(&tcp(closed), LONGEST_TRIAL).await.expect("tried");
    assert!(!failed.connected && failed.problem.is_some_and(|it| it.contains("can't connect to")));
    let listener = connection("NMEA0183", json!({"type": "tcplistener", "port": 0}));
    let quiet = manager.try_out(&listener, Duration::from_millis(50)).await.expect("tried");
    assert!(quiet.connected && quiet.format.is_none() && quiet.problem.is_none(), "{quiet:?}");
    for (settings, words) in [
        (serial, "the connection in reads from"),
        (connection("NMEA0183", json!({"type": "tcpserver"})), "clients of the NMEA 0183 output"),
        (connection("NMEA0183", json!({"type": "tcp"})), "`subOptions.host` is missing"),
    ] {
        let error = manager.try_out(&settings, LONGEST_TRIAL).await.expect_err("refused");
        assert!(error.to_string().contains(words), "{error}");
    }
    // One at a time.
    let [first, second] = [Duration::from_millis(200); 2].map(|most| manager.try_out(&listener, most));
    let (first, second) = tokio::join!(first, second);
    assert_eq!(second.expect_err("busy"), TrialError::Busy);
    first.expect("tried");
    manager.stop().await;
    assert!(TcpStream::connect((LOCAL, closed)).await.is_err());
}
