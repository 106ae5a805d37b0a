//! Group N as far as it is served: NMEA 0183 inputs.

use serde_json::{Value as Json, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, UdpSocket};
use windlass_tests::{NmeaPeer, Server, ServerOptions, Stream, rows, run_table, sentence};

#[tokio::test]
async fn group_n_inputs() {
    let server = Server::start().await;
    let rows = rows![
        [217] a_bad_checksum_drops_the_sentence,
        [219] a_tcp_input_reconnects_and_says_how_it_is,
        [] datagrams_are_read,
        [] a_recording_is_played_from_the_command_line,
        [] a_recording_is_played_from_the_settings,
        [] a_connection_that_can_not_be_started_disturbs_nothing,
    ];
    run_table(&server, rows).await;
}

/// Waits until a heading in degrees is in the tree.
async fn heading(server: &Server, degrees: f64) -> Json {
    let radians = degrees.to_radians();
    let is_it = |leaf: &Json| leaf["value"].as_f64().is_some_and(|value| (value - radians).abs() < 1e-9);
    server.eventually("/signalk/v1/api/vessels/self/navigation/headingTrue", is_it).await
}

async fn a_bad_checksum_drops_the_sentence(_: &Server) {
    let listener = |validate: bool| json!({"type": "tcplistener", "port": 0, "validateChecksum": validate});
    let server = ServerOptions::new()
        .connection("strict", "NMEA0183", listener(true))
        .connection("lax", "NMEA0183", listener(false))
        .start()
        .await;
    let mut strict = NmeaPeer::connect(&server.input("strict").await).await;
    strict.say("GPHDT,10.0,T").await;
    heading(&server, 10.0).await;
    strict.send(sentence("GPHDT,20.0,T").replace("20.0", "20.1").as_bytes()).await;
    server.connection_counts("strict", "/badLinesByKind/checksum", 1).await;
    let leaf = server.tree("vessels/self/navigation/headingTrue").await;
    assert_eq!(leaf["$source"], "strict.GP");
    assert!((leaf["value"].as_f64().expect("a number") - 10f64.to_radians()).abs() < 1e-9, "{leaf}");
    let mut lax = NmeaPeer::connect(&server.input("lax").await).await;
    lax.send(sentence("GPHDT,20.0,T").replace("20.0", "20.1").as_bytes()).await;
    assert_eq!(heading(&server, 20.1).await["$source"], "lax.GP");
}

async fn a_tcp_input_reconnects_and_says_how_it_is(_: &Server) {
    let gps = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = gps.local_addr().expect("it is bound");
    let sub_options = json!({"type": "tcp", "host": "127.0.0.1", "port": address.port()});
    let server = ServerOptions::new().connection("gps", "NMEA0183", sub_options).start().await;
    let mut events = Stream::connect(&server, "subscribe=none&serverevents=all").await;
    let (mut socket, _) = gps.accept().await.expect("the server connects");
    socket.write_all(sentence("GPHDT,30.0,T").as_bytes()).await.expect("the server reads");
    heading(&server, 30.0).await;
    status(&mut events, |entry| entry["type"] == "status").await;
    // The instrument is switched off, and on again.
    drop(gps);
    drop(socket);
    let lost = status(&mut events, |entry| entry["type"] == "error").await;
    let gps = TcpListener::bind(address).await.expect("the port is free again");
    let (mut socket, _) = gps.accept().await.expect("the server connects again");
    socket.write_all(sentence("GPHDT,40.0,T").as_bytes()).await.expect("the server reads");
    heading(&server, 40.0).await;
    let back = status(&mut events, |entry| entry["type"] == "status" && entry["lastError"].is_string()).await;
    assert_eq!((&back["statusType"], &lost["statusType"]), (&json!("provider"), &json!("provider")));
}

/// Waits for the connection's entry in a `PROVIDERSTATUS` event.
async fn status(events: &mut Stream, wanted: impl Fn(&Json) -> bool) -> Json {
    let entry =
        |frame: &Json| frame["data"].as_array()?.iter().find(|entry| entry["id"] == "gps" && wanted(entry)).cloned();
    let matches = |frame: &Json| frame["type"] == "PROVIDERSTATUS" && entry(frame).is_some();
    let frame = events.wait_for_frame("a PROVIDERSTATUS of the input", matches).await;
    entry(&frame).expect("it was found a moment ago")
}

async fn datagrams_are_read(_: &Server) {
    let options = json!({"type": "udp", "bindAddress": "127.0.0.1", "port": 0});
    let server = ServerOptions::new().connection("udp", "NMEA0183", options).start().await;
    let input = server.input("udp").await;
    let instrument = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    // Two sentences in one datagram, the second without line end.
    let text = sentence("GPHDT,50.0,T") + sentence("SDDBT,,f,10.0,M,,F").trim_end();
    instrument.send_to(text.as_bytes(), &input).await.expect("a local datagram is sent");
    assert_eq!(heading(&server, 50.0).await["$source"], "udp.GP");
    server
        .eventually("/signalk/v1/api/vessels/self/environment/depth/belowTransducer", |leaf| leaf["value"] == 10.0)
        .await;
}

async fn a_recording_is_played_from_the_command_line(_: &Server) {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let file = folder.path().join("trip.log");
    let at = |time: &str, heading: &str| sentence(&format!("GPZDA,{time},02,05,2026,00,00")) + &sentence(heading);
    // 20 s apart: at 100 times the speed 0.2 s.
    std::fs::write(&file, at("100000", "GPHDT,60.0,T") + &at("100020", "GPHDT,70.0,T")).expect("a file can be written");
    let server = ServerOptions::new()
        .argument("--playback")
        .argument(&file)
        .arguments(["--playback-speed", "100"])
        .start()
        .await;
    let leaf = heading(&server, 70.0).await;
    assert_eq!(leaf["$source"], "playback.GP");
    // It starts over at the end.
    heading(&server, 60.0).await;
    heading(&server, 70.0).await;
}

async fn a_recording_is_played_from_the_settings(_: &Server) {
    let options = json!({"dataType": "NMEA0183", "filename": "trip.log", "speed": 0, "loop": false});
    let server = ServerOptions::new()
        .file("trip.log", sentence("GPHDT,80.0,T") + &sentence("GPHDT,90.0,T"))
        .connection("file", "FileStream", options)
        .start()
        .await;
    assert_eq!(heading(&server, 90.0).await["$source"], "file.GP");
}

async fn a_connection_that_can_not_be_started_disturbs_nothing(_: &Server) {
    let server = ServerOptions::new()
        .connection("nowhere", "NMEA0183", json!({"type": "tcp", "port": "many"}))
        .connection("unknown", "SeaTalkNG", json!({}))
        .nmea_listener("good")
        .start()
        .await;
    for id in ["nowhere", "unknown"] {
        server.logs().wait_for(&["ERROR", id]).await;
    }
    let mut peer = NmeaPeer::connect(&server.input("good").await).await;
    peer.say("GPHDT,95.0,T").await;
    heading(&server, 95.0).await;
}
