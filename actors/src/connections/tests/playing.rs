use std::collections::HashMap;
use std::path::Path;

use serde_json::json;
use tokio::time::Instant;
use windlass_broker::Timestamp as BusTimestamp;

use super::bus::*;
use crate::StatusKind;
use crate::connections::*;

fn play(file: &Path, sub: serde_json::Value) -> ConnectionSettings {
    let mut sub = sub;
    sub["filename"] = json!(file);
    sub["dataType"] = json!("NMEA0183");
    let options = json!({"type": "FileStream", "subOptions": sub});
    let entry = json!({"id": "log", "pipeElements": [{"type": "providers/simple", "options": options}]});
    serde_json::from_value(entry).expect("an object")
}

/// A position at this second of the day.
fn position(second: u32) -> String {
    with_checksum(&format!(
        "GPGLL,6005.071,N,02332.346,E,{:02}{:02}{:02},A,D",
        second / 3600,
        second / 60 % 60,
        second % 60
    ))
}

/// Three positions two seconds apart, each with a depth after it.
fn recording() -> String {
    (0..3).map(|n| format!("{}{}", position(3599 + 2 * n), sentence(n))).collect()
}

#[actix::test]
async fn a_recording_keeps_its_timing_divided_by_the_speed() {
    for (speed, expected) in [(1.0, [0, 0, 2000, 2000, 4000, 4000]), (20.0, [0, 0, 100, 100, 200, 200]), (0.0, [0; 6])]
    {
        let bus = Bus::new();
        let file = bus.record("yacht.log", &recording());
        tokio::time::pause();
        let start = Instant::now();
        let manager = bus.start(play(&file, json!({"speed": speed, "loop": false})));
        bus.deltas(6).await;
        bus.assert_times(start, &expected, &format!("speed {speed}"));
        let end = bus.status_text("log", &format!("Finished {}", file.display())).await;
        assert_eq!(end.kind, StatusKind::Status);
        while manager.connection("log").expect("a connection").running {
            tokio::task::yield_now().await;
        }
        let read = manager.connection("log").expect("a connection").statistics;
        assert_eq!((read.lines, read.deltas, read.bytes as usize), (6, 6, recording().len()));
        manager.stop().await;
        tokio::time::resume();
    }
}

#[actix::test]
async fn a_recording_starts_over() {
    let bus = Bus::new();
    let file = bus.record("yacht.log", &recording());
    tokio::time::pause();
    let start = Instant::now();
    let manager = bus.start(play(&file, json!({"speed": 2})));
    bus.status_text("log", &format!("Playing {}", file.display())).await;
    bus.deltas(13).await;
    let expected = [0, 0, 1000, 1000, 2000, 2000, 2500, 2500, 3500, 3500, 4500, 4500, 5000];
    bus.assert_times(start, &expected, "twice as fast");
    manager.stop().await;
}

#[actix::test]
async fn a_recording_without_times_has_a_steady_rate() {
    let text: String = (0..5).map(sentence).collect();
    for (sub, expected) in [
        (json!({}), [0, 100, 200, 300, 400]),
        (json!({"linesPerSecond": 20, "speed": 5}), [0, 10, 20, 30, 40]),
        (json!({"throttleRate": "50"}), [0, 500, 1000, 1500, 2000]),
    ] {
        let bus = Bus::new();
        let file = bus.record("depths.log", &text);
        tokio::time::pause();
        let start = Instant::now();
        let manager = bus.start(play(&file, sub.clone()));
        bus.deltas(5).await;
        assert_eq!(sentence(0).trim_end().len(), 25, "for throttleRate");
        bus.assert_times(start, &expected, &sub.to_string());
        manager.stop().await;
        tokio::time::resume();
    }
}

#[actix::test]
async fn a_multiplexed_log_has_its_own_times() {
    let bus = Bus::new();
    let start_millis = 1_396_515_252_000u64;
    let line = |after: u64, kind: &str, line: &str| format!("{};{kind};{line}", start_millis + after);
    let frame = "2016-04-09T16:41:09.078Z,3,127257,17,255,8,00,ff,7f,52,00,21,fe,ff\n";
    let text = [line(0, "N", &sentence(1)), line(250, "A", frame), line(750, "N", &sentence(2))].concat();
    let file = bus.record("skserver-raw_2014-04-03T08.log", &text);
    tokio::time::pause();
    let start = Instant::now();
    let manager = bus.start(play(&file, json!({"loop": false})));
    let deltas = bus.deltas(2).await;
    bus.assert_times(start, &[0, 750], "multiplexed");
    let times: Vec<_> = deltas.iter().map(|delta| delta.updates[0].timestamp.to_string()).collect();
    assert_eq!(times, ["2014-04-03T08:54:12.000Z", "2014-04-03T08:54:12.750Z"], "received when it was logged");
    let read = statistics(&manager, "log", |s| s.deltas == 2).await;
    assert_eq!((bad_lines(&read), read.lines), (HashMap::from([("logKind", 1)]), 3));
    manager.stop().await;
    // Unless every timestamp is to be that of the playback.
    let mut bus = Bus::new();
    bus.context.override_timestamps = true;
    let before = BusTimestamp::now();
    let manager = bus.start(play(&file, json!({"loop": false})));
    let deltas = bus.deltas(2).await;
    assert!(deltas.iter().all(|delta| delta.updates[0].timestamp >= before), "{deltas:?}");
    let read = statistics(&manager, "log", |s| s.deltas == 2).await;
    assert!(read.last_line.expect("a time") >= before);
    manager.stop().await;
}

#[actix::test]
async fn what_gives_nothing_is_tried_less_and_less_often() {
    let bus = Bus::new();
    let file = bus.record("notes.log", "no sentences at all\n");
    tokio::time::pause();
    let start = Instant::now();
    let manager = bus.start(play(&file, json!({"linesPerSecond": 1e6})));
    while manager.connection("log").expect("a connection").statistics.lines < 5 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let seconds = start.elapsed().as_secs_f64();
    assert!((12.0..12.5).contains(&seconds), "1, 2, 4 and 5 s between the tries, not {seconds}");
    manager.stop().await;
}

#[actix::test]
async fn what_can_not_be_played_says_why() {
    let bus = Bus::new();
    tokio::time::pause();
    let absent = bus.directory.path().join("absent.log");
    let manager = bus.start(play(Path::new("absent.log"), json!({})));
    let text = format!("can't open the recording {}: ", absent.display());
    let entry = bus.status_text("log", &text).await;
    assert_eq!(entry.kind, StatusKind::Error);
    assert!(entry.message.ends_with("; check `filename`"), "{}", entry.message);
    // It is played as soon as it is there.
    bus.record("absent.log", &sentence(4));
    assert_eq!(bus.depths(1).await, ["4"]);
    manager.stop().await;
    for text in ["", "\n\n\n", "no sentences at all\n"] {
        let bus = Bus::new();
        let file = bus.record("empty.log", text);
        let manager = bus.start(play(&file, json!({})));
        bus.status_text("log", &format!("nothing in {} gives data", file.display())).await;
        manager.stop().await;
    }
}
