//! Group N as far as it is served: NMEA 0183 inputs.

use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, UdpSocket};
use tokio::time::timeout;
use windlass_tests::{NmeaPeer, PATIENCE, Server, ServerOptions, Stream, rows, run_table, sentence};

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
        [49] a_source_can_be_named_by_its_can_name,
        [47] talkers_of_a_group_are_one_source,
        [] sentences_of_an_event_are_written_to_a_device,
        [] an_option_without_effect_is_named,
        [] what_goes_over_connections_can_be_looked_at,
        [] a_connection_can_be_tried_before_it_is_added,
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

async fn a_source_can_be_named_by_its_can_name(_: &Server) {
    let udp = |named: bool| json!({"type": "udp", "bindAddress": "127.0.0.1", "port": 0, "useCanName": named});
    let server = ServerOptions::new()
        .connection("named", "SignalK", udp(true))
        .connection("numbered", "SignalK", udp(false))
        .start()
        .await;
    let gateway = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    let send = async |id: &str, heading: f64, own: Option<&str>| {
        let source = json!({"label": id, "type": "NMEA2000", "pgn": 127250, "src": "7", "canName": "c0788c00e7e04312"});
        let mut update =
            json!({"source": source, "values": [{"path": "navigation.headingTrue", "value": heading.to_radians()}]});
        if let Some(own) = own {
            update["$source"] = own.into();
        }
        let delta = json!({"updates": [update]}).to_string();
        gateway.send_to(delta.as_bytes(), server.input(id).await).await.expect("a local datagram is sent");
        heading_of(&server, heading).await["$source"].clone()
    };
    assert_eq!(send("named", 10.0, None).await, "named.c0788c00e7e04312");
    assert_eq!(send("numbered", 20.0, None).await, "numbered.7");
    // What the sender calls it stays (SK-45).
    assert_eq!(send("named", 30.0, Some("bridge.7")).await, "bridge.7");
}

/// The leaf of a heading, once it is there from whichever source.
async fn heading_of(server: &Server, degrees: f64) -> Json {
    let radians = degrees.to_radians();
    let is_it = |leaf: &Json| leaf["value"].as_f64().is_some_and(|value| (value - radians).abs() < 1e-9);
    let found = |leaf: &Json| {
        let each = leaf["values"].as_object().into_iter().flatten().find(|(_, value)| is_it(value));
        each.map(|(source, value)| json!({"$source": source, "value": value["value"]}))
            .or_else(|| is_it(leaf).then(|| leaf.clone()))
    };
    let path = "/signalk/v1/api/vessels/self/navigation/headingTrue";
    found(&server.eventually(path, |leaf| found(leaf).is_some()).await).expect("it was found a moment ago")
}

async fn talkers_of_a_group_are_one_source(_: &Server) {
    let options = json!({"type": "tcplistener", "port": 0, "talkerGroups": {"Compass": ["HC", "HE"]},
        "removeNulls": true, "appendChecksum": true});
    let server = ServerOptions::new().connection("bow", "NMEA0183", options).start().await;
    let mut peer = NmeaPeer::connect(&server.input("bow").await).await;
    for (line, degrees, source) in [
        ("$HCHDT,10.0,T\r\n", 10.0, "bow.compass"),
        ("$HEHDT,20.0,T\0\0\r\n", 20.0, "bow.compass"),
        ("$GPHDT,30.0,T\r\n", 30.0, "bow.GP"),
    ] {
        peer.send(line.as_bytes()).await;
        assert_eq!(heading_of(&server, degrees).await["$source"], source);
    }
}

async fn sentences_of_an_event_are_written_to_a_device(_: &Server) {
    let pilot = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = pilot.local_addr().expect("it is bound").port();
    let server = ServerOptions::new()
        .connection(
            "pilot",
            "NMEA0183",
            json!({"type": "tcp", "host": "127.0.0.1", "port": port, "outEvent": "to-pilot"}),
        )
        .connection("plotter", "NMEA0183", json!({"type": "tcplistener", "port": 0, "sentenceEvent": "to-pilot"}))
        .nmea_listener("gps")
        .start()
        .await;
    let mut device = BufReader::new(pilot.accept().await.expect("the server connects").0);
    server.eventually("/windlass/connections/pilot", |it| it["state"] == "running").await;
    let mut gps = NmeaPeer::connect(&server.input("gps").await).await;
    let mut plotter = NmeaPeer::connect(&server.input("plotter").await).await;
    gps.say("GPHDT,10.0,T").await;
    heading(&server, 10.0).await;
    plotter.say("ECHDT,20.0,T").await;
    let mut line = String::new();
    timeout(PATIENCE, device.read_line(&mut line)).await.expect("a line comes").expect("the connection stands");
    assert_eq!(line, sentence("ECHDT,20.0,T"), "only what is of the event");
    let shown = server.eventually("/windlass/connections/pilot", |it| it["statistics"]["linesOut"] == 1).await;
    assert_eq!(shown["lastLines"]["out"][0]["line"], sentence("ECHDT,20.0,T").trim_end());
}

async fn an_option_without_effect_is_named(_: &Server) {
    let options = json!({"type": "tcpserver", "outEvent": "nmea0183out"});
    let server = ServerOptions::new().connection("clients", "NMEA0183", options).start().await;
    let shown = server.eventually("/windlass/connections/clients", |it| it["state"] == "running").await;
    for text in [&shown["notes"][0], &shown["message"]] {
        assert!(text.as_str().is_some_and(|text| text.contains("`outEvent` has no effect")), "{shown}");
    }
    server.logs().wait_for(&["WARN", "clients", "`outEvent` has no effect"]).await;
}

async fn what_goes_over_connections_can_be_looked_at(_: &Server) {
    let server = ServerOptions::new()
        .nmea_listener("gps")
        .connection("test", "NMEA0183", json!({"type": "tcplistener"}))
        .start()
        .await;
    let mut peer = NmeaPeer::connect(&server.input("gps").await).await;
    peer.say("GPHDT,10.0,T").await;
    peer.send(b"$GPHDT,20.0,T*00\r\n\x07\x1b[2Jnoise\r\n").await;
    server.connection_counts("gps", "/badLinesByKind/notASentence", 1).await;
    let all = server.json("/windlass/connections").await;
    assert_eq!(
        (&all[0]["id"], &all[0]["type"], &all[0]["input"]),
        (&json!("gps"), &json!("NMEA0183"), &json!("tcplistener"))
    );
    assert_eq!((&all[0]["state"], &all[0]["enabled"]), (&json!("running"), &json!(true)));
    let counted = &all[0]["statistics"];
    assert_eq!((&counted["lines"], &counted["sentences"]), (&json!(3), &json!({"HDT": 1})));
    assert_eq!(counted["badLinesByKind"], json!({"checksum": 1, "notASentence": 1}));
    assert!(counted["linesPerSecond"].is_number() && counted["bytesOut"] == 0, "{counted}");
    assert!(all[0].get("lastLines").is_none(), "the list is short");
    let gps = server.json("/windlass/connections/gps").await;
    let lines = gps["lastLines"]["in"].as_array().expect("a list");
    let shown: Vec<_> = lines.iter().map(|it| (it["line"].as_str().expect("a text"), &it["problem"])).collect();
    let good = sentence("GPHDT,10.0,T");
    let [checksum, noise] = [json!("checksum"), json!("notASentence")];
    let expected =
        [(good.trim_end(), &Json::Null), ("$GPHDT,20.0,T*00", &checksum), ("\u{fffd}\u{fffd}[2Jnoise", &noise)];
    assert_eq!(shown, expected);
    let since = |it: &Json| it.as_str().is_some_and(|text| text.ends_with('Z'));
    assert!(since(&gps["since"]) && since(&lines[0]["at"]), "{gps}");
    // One that is called as the route for trying is seen all the same.
    let refused = server.json("/windlass/connections/test").await;
    assert_eq!((&refused["state"], &refused["running"]), (&json!("refused"), &json!(false)));
    assert!(refused["problem"].as_str().is_some_and(|it| it.contains("`subOptions.port` is missing")), "{refused}");
    assert_eq!(server.get("/windlass/connections/nothing").await.status, 404);
}

async fn a_connection_can_be_tried_before_it_is_added(server: &Server) {
    let gps = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = gps.local_addr().expect("it is bound").port();
    let body = |port: u16| json!({"type": "NMEA0183", "options": {"type": "tcp", "host": "127.0.0.1", "port": port}});
    let speaking = async {
        let (mut socket, _) = gps.accept().await.expect("the server connects");
        let text: String = (0..30).map(|_| sentence("GPHDT,77.0,T")).collect();
        socket.write_all(text.as_bytes()).await.expect("the server reads");
        socket
    };
    // It ends when enough has come, long before the time is over.
    let wanted = body(port);
    let (tried, _socket) = tokio::join!(server.post("/windlass/connections/test?seconds=15", &wanted), speaking);
    assert_eq!(tried.status, 200);
    let tried = tried.json();
    assert_eq!((&tried["connected"], &tried["format"]["kind"]), (&json!(true), &json!("nmea0183")));
    assert_eq!(tried["lines"][0]["line"], sentence("GPHDT,77.0,T").trim_end());
    assert_eq!(server.json("/windlass/connections").await, json!([]), "it is not added");
    assert_eq!(
        server.get("/signalk/v1/api/vessels/self/navigation/headingTrue").await.status,
        404,
        "nothing of it counts"
    );
    drop(gps);
    let failed = server.post("/windlass/connections/test", &body(port)).await.json();
    assert!(failed["connected"] == false && failed["problem"].as_str().is_some_and(|it| it.contains("can't connect")));
    let unknown = json!({"type": "NMEA2000", "options": {"type": "canbus-canboatjs"}});
    let refused = server.post("/windlass/connections/test", &unknown).await.json();
    assert!(
        refused["connected"] == false && refused["problem"].as_str().is_some_and(|it| it.contains("not supported"))
    );
    for (path, body) in [
        ("/windlass/connections/test?seconds=1000", body(port)),
        ("/windlass/connections/test", json!({"type": "pigeon", "options": {}})),
        ("/windlass/connections/test", json!({"type": "NMEA0183"})),
    ] {
        assert_eq!(server.post(path, &body).await.status, 400, "{path} {body}");
    }
}
