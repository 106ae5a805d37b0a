//! The TCP outputs, and the log of what is received.

use std::path::Path;
use std::time::Instant;

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use windlass_tests::{BETWEEN_LOOKS, Continuity, NmeaPeer, PATIENCE, ServerOptions};

use super::{again, changed, hold, refused};

const STATISTICS: &str = "/windlass/statistics";

async fn reader(address: &str) -> BufReader<TcpStream> {
    BufReader::new(TcpStream::connect(address).await.expect("it listens"))
}

async fn line(reader: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    timeout(PATIENCE, reader.read_line(&mut line)).await.expect("a line comes").expect("it can be read");
    line
}

#[tokio::test]
async fn outputs_are_switched_one_by_one() {
    let server = ServerOptions::new().nmea_listener("gps").start().await;
    let mut peer = NmeaPeer::connect(&server.input("gps").await).await;
    let flow = Continuity::start(&server).await;
    let mut nmea = reader(&server.output("nmeaTcp").await).await;
    let signalk = server.output("signalkTcp").await;
    let mut reading = reader(&signalk).await;
    assert!(line(&mut reading).await.contains("\"self\""));
    hold(&changed(&server, json!({"options": {}, "interfaces": {"tcp": false}})).await, &["interfaces.tcp"]);
    assert_eq!(server.json(STATISTICS).await["outputs"]["signalkTcp"], json!(null));
    assert!(TcpStream::connect(&signalk).await.is_err(), "nobody listens there any more");
    let mut rest = Vec::new();
    timeout(PATIENCE, reading.read_to_end(&mut rest)).await.expect("its reader is sent away").ok();
    assert!(server.json("/signalk").await["endpoints"]["v1"].get("signalk-tcp").is_none());
    // Whoever reads the other one does not notice.
    peer.say("GPHDT,71.0,T").await;
    assert!(line(&mut nmea).await.contains("GPHDT,71.0,T"));
    let report = changed(&server, json!({"options": {}, "interfaces": {"tcp": true, "nmea-tcp": false}})).await;
    hold(&report, &["interfaces.nmea-tcp", "interfaces.tcp"]);
    assert_eq!(line(&mut nmea).await, "", "it is closed");
    let mut reading = reader(&server.output("signalkTcp").await).await;
    assert!(line(&mut reading).await.contains("\"self\""));
    flow.finish().await;
    let server = again(server).await;
    server.output("signalkTcp").await;
    assert_eq!(server.json(STATISTICS).await["outputs"]["nmeaTcp"], json!(null), "also after a restart");
}

/// The lines of all logs in a folder.
fn recorded(folder: &Path) -> Vec<String> {
    let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
    let names = files.map(|file| file.expect("an entry").path());
    let logs = names.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
    let texts = logs.map(|path| std::fs::read_to_string(path).expect("a text"));
    texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// Waits for a line in a folder.
async fn records(folder: &Path, words: &str) {
    let start = Instant::now();
    while !recorded(folder).iter().any(|line| line.contains(words)) {
        assert!(start.elapsed() < PATIENCE, "{words} is not in {}", folder.display());
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

#[tokio::test]
async fn the_data_log_goes_elsewhere_from_the_next_line_on() {
    let listener = json!({"type": "tcplistener", "host": "127.0.0.1", "port": 0});
    let element =
        json!([{"type": "providers/simple", "options": {"type": "NMEA0183", "logging": true, "subOptions": listener}}]);
    let connection = json!({"id": "gps", "enabled": true, "pipeElements": element});
    let server = ServerOptions::new()
        .setting("pipedProviders", json!([connection]))
        .setting("loggingDirectory", json!("first"))
        .start()
        .await;
    let (first, second) = (server.directory().join("first"), server.directory().join("second"));
    let mut peer = NmeaPeer::connect(&server.input("gps").await).await;
    let flow = Continuity::start(&server).await;
    peer.say("GPHDT,71.0,T").await;
    records(&first, "GPHDT,71.0").await;
    // Files of hours that have passed.
    std::fs::create_dir(&second).expect("it is new");
    for hour in 10..20 {
        std::fs::write(second.join(format!("skserver-raw_2026-05-01T{hour}.log")), "x\n").expect("a file");
    }
    let body = json!({"options": {}, "loggingDirectory": second, "logCountToKeep": 4});
    hold(&changed(&server, body).await, &["loggingDirectory", "logCountToKeep"]);
    assert_eq!(server.json("/skServer/logfiles/").await.as_array().map(Vec::len), Some(10), "those there are shown");
    peer.say("GPHDT,72.0,T").await;
    records(&second, "GPHDT,72.0").await;
    assert_eq!(server.json("/skServer/logfiles/").await.as_array().map(Vec::len), Some(4));
    // More may be kept, or all.
    hold(&changed(&server, json!({"options": {}, "keepMostRecentLogsOnly": false})).await, &["keepMostRecentLogsOnly"]);
    for hour in 10..20 {
        std::fs::write(second.join(format!("skserver-raw_2026-05-02T{hour}.log")), "x\n").expect("a file");
    }
    peer.say("GPHDT,73.0,T").await;
    records(&second, "GPHDT,73.0").await;
    assert_eq!(server.json("/skServer/logfiles/").await.as_array().map(Vec::len), Some(14));
    assert_eq!(recorded(&first).len(), 1, "what came before the change, and nothing else");
    let statistics = server.statistics().await;
    assert_eq!((&statistics["dataLog"]["lines"], &statistics["dataLog"]["dropped"]), (&json!(3), &json!(0)));
    flow.finish().await;
}

#[tokio::test]
async fn a_folder_that_can_not_be_written_is_refused() {
    let server = ServerOptions::new().file("file", "x").start().await;
    let within = server.directory().join("file").join("logs");
    let words = ["/loggingDirectory: ", "file/logs can't be written", "name a folder"];
    refused(&server, json!({"options": {}, "loggingDirectory": within}), &words).await;
}

#[tokio::test]
async fn announcements_in_vain_are_told() {
    // By default others are told, and the server listens for this computer only.
    let server = ServerOptions::new().setting("mdns", json!(false)).start().await;
    let report = changed(&server, json!({"options": {"mdns": true}})).await;
    let change = &report["changes"][0];
    assert_eq!((&change["setting"], &change["effect"]), (&json!("options.mdns"), &json!("overridden")), "{report}");
    assert!(change["why"].as_str().is_some_and(|why| why.contains("--host")), "{report}");
    let off = changed(&server, json!({"options": {"mdns": false}})).await;
    hold(&off, &["options.mdns"]);
}

#[tokio::test]
async fn an_output_whose_port_is_taken_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = taken.local_addr().expect("it is bound").port();
    let server = ServerOptions::new()
        .environment("TCPSTREAMPORT", port.to_string())
        .setting("interfaces", json!({"tcp": false}))
        .start()
        .await;
    let report = changed(&server, json!({"options": {}, "interfaces": {"tcp": true}})).await;
    let change = &report["changes"][0];
    assert_eq!((&change["setting"], &change["effect"]), (&json!("interfaces.tcp"), &json!("overridden")), "{report}");
    let why = change["why"].as_str().expect("it is said why");
    assert!(why.contains(&format!("port {port} can't be opened")) && why.contains("TCPSTREAMPORT"), "{why}");
    drop(taken);
    assert_eq!(server.output("signalkTcp").await, format!("127.0.0.1:{port}"), "it is tried until it works");
}
