//! Group N, the outputs, and what AIS, the data log and the past have to do with them.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use windlass_actors::simulator::radio::Message;
use windlass_tests::{NmeaPeer, PATIENCE, Server, ServerOptions, Stream, rows, run_table, sentence};

use super::{MMSI, NAME, is_utc, own_context};

#[tokio::test]
async fn group_n_outputs() {
    let server = ServerOptions::new().vessel(NAME, MMSI).nmea_listener("gps").start().await;
    let rows = rows![
        [220] received_sentences_are_repeated_on_the_output,
        [] an_input_can_keep_its_sentences_to_itself,
        [] clients_of_the_output_can_be_an_input,
        [221] the_tcp_stream_says_hello_and_obeys,
        [7] discovery_lists_the_tcp_stream_only_while_it_listens,
        [] outputs_are_closed_to_visitors_who_may_not_read,
        [53, 216] ais_vessels_have_the_paths_that_charts_draw,
        [54] aids_to_navigation_have_contexts_of_their_own,
        [54, 216] weather_stations_have_contexts_of_their_own,
        [53] satellites_hear_ships_from_afar,
        [51] the_own_transponder_does_not_overwrite_the_configuration,
        [222] the_data_log_can_be_played_again,
        [32] snapshots_without_history_are_refused_properly,
        [] playback_without_history_says_why,
    ];
    run_table(&server, rows).await;
}

/// A client of a TCP output.
struct Lines(BufReader<TcpStream>);

impl Lines {
    async fn connect(address: &str) -> Self {
        Self(BufReader::new(TcpStream::connect(address).await.expect("the output listens")))
    }

    /// The next line with its end.
    async fn next(&mut self) -> String {
        let mut line = String::new();
        timeout(PATIENCE, self.0.read_line(&mut line)).await.expect("a line comes").expect("the connection stands");
        line
    }

    async fn json(&mut self) -> Json {
        let line = self.next().await;
        assert!(line.ends_with("\r\n"), "{line:?}");
        serde_json::from_str(&line).expect("a line is JSON")
    }

    async fn say(&mut self, line: &str) {
        self.0.get_mut().write_all(line.as_bytes()).await.expect("the server reads");
    }
}

/// A client that is known to be on the bus of the output.
async fn listener(server: &Server) -> Lines {
    let clients = |all: &Json| all["outputs"]["nmeaTcp"]["clients"].as_u64().expect("a number");
    let before = clients(&server.statistics().await);
    let lines = Lines::connect(&server.output("nmeaTcp").await).await;
    server.eventually("/windlass/statistics", |all| clients(all) > before).await;
    lines
}

async fn received_sentences_are_repeated_on_the_output(server: &Server) {
    let mut clients = [listener(server).await, listener(server).await];
    let mut peer = NmeaPeer::connect(&server.input("gps").await).await;
    // What is damaged is not repeated; what this server can't decode is.
    peer.send(sentence("GPHDT,20.0,T").replace("20.0", "20.1").as_bytes()).await;
    let unknown = sentence("PGRME,15.0,M,45.0,M,25.0,M");
    peer.send(unknown.trim_end().as_bytes()).await;
    peer.send(b"\n").await;
    peer.say("GPHDT,30.0,T").await;
    for client in &mut clients {
        assert_eq!(client.next().await, unknown);
        assert_eq!(client.next().await, sentence("GPHDT,30.0,T"));
    }
}

async fn an_input_can_keep_its_sentences_to_itself(_: &Server) {
    let quiet = json!({"type": "tcplistener", "port": 0, "suppress0183event": true});
    let server = ServerOptions::new().connection("quiet", "NMEA0183", quiet).nmea_listener("loud").start().await;
    let mut client = listener(&server).await;
    let mut peers = join_all(["quiet", "loud"].map(async |id| NmeaPeer::connect(&server.input(id).await).await)).await;
    peers[0].say("GPHDT,10.0,T").await;
    server.connection_counts("quiet", "/lines", 1).await;
    peers[1].say("GPHDT,20.0,T").await;
    assert_eq!(client.next().await, sentence("GPHDT,20.0,T"));
}

async fn clients_of_the_output_can_be_an_input(_: &Server) {
    let server = ServerOptions::new().connection("plotter", "NMEA0183", json!({"type": "tcpserver"})).start().await;
    let (mut plotter, mut other) = (listener(&server).await, listener(&server).await);
    plotter.say(&sentence("GPHDT,44.0,T")).await;
    assert_eq!(other.next().await, sentence("GPHDT,44.0,T"));
    let leaf =
        server.eventually("/signalk/v1/api/vessels/self/navigation/headingTrue", |leaf| leaf["value"].is_f64()).await;
    assert_eq!(leaf["$source"], "plotter.GP");
    // It does not hear itself: the next that it hears is what the other says.
    other.say(&sentence("GPHDT,55.0,T")).await;
    assert_eq!(plotter.next().await, sentence("GPHDT,55.0,T"));
}

async fn the_tcp_stream_says_hello_and_obeys(server: &Server) {
    let mut lines = Lines::connect(&server.output("signalkTcp").await).await;
    let hello = lines.json().await;
    assert_eq!(hello["self"], own_context());
    assert!(is_utc(hello["timestamp"].as_str().expect("a text")), "{hello}");
    let mut peer = NmeaPeer::connect(&server.input("gps").await).await;
    peer.say("GPHDT,10.0,T").await;
    peer.say("SDDBT,,f,10.0,M,,F").await;
    server
        .eventually("/signalk/v1/api/vessels/self/environment/depth/belowTransducer", |leaf| leaf["value"] == 10.0)
        .await;
    // Nothing has come without being asked for: the first line is the answer.
    lines.say("{\"context\":\"vessels.self\",\"subscribe\":[{\"path\":\"environment.depth.*\"}]}\r\n").await;
    let first = lines.json().await;
    assert_eq!(first["updates"][0]["values"][0]["path"], "environment.depth.belowTransducer", "{first}");
    peer.say("GPHDT,11.0,T").await;
    peer.say("SDDBT,,f,11.0,M,,F").await;
    let next = lines.json().await;
    assert_eq!(next["updates"][0]["values"][0], json!({"path": "environment.depth.belowTransducer", "value": 11}));
    // What it sends is taken while the server is open, and does not come back to it.
    lines.say("{\"updates\":[{\"values\":[{\"path\":\"environment.depth.belowKeel\",\"value\":3}]}]}\r\n").await;
    let leaf =
        server.eventually("/signalk/v1/api/vessels/self/environment/depth/belowKeel", |leaf| leaf["value"] == 3).await;
    assert_eq!(leaf["$source"], "tcp");
    lines.say("no JSON\r\n{\"context\":\"*\",\"unsubscribe\":[{\"path\":\"*\"}]}\r\n").await;
    lines.say("{\"context\":\"vessels.self\",\"subscribe\":[{\"path\":\"environment.depth.belowKeel\"}]}\r\n").await;
    assert_eq!(lines.json().await["updates"][0]["values"][0]["value"], 3, "and it goes on after nonsense");
    peer.say("SDDBT,,f,12.0,M,,F").await;
    server
        .eventually("/signalk/v1/api/vessels/self/environment/depth/belowTransducer", |leaf| leaf["value"] == 12.0)
        .await;
    assert!(timeout(Duration::from_millis(200), lines.next()).await.is_err(), "it has unsubscribed");
}

async fn discovery_lists_the_tcp_stream_only_while_it_listens(server: &Server) {
    let listed = |discovery: &Json| discovery["endpoints"]["v1"]["signalk-tcp"].as_str().map(str::to_owned);
    let port = server.output("signalkTcp").await.rsplit(':').next().expect("a port").to_owned();
    assert_eq!(listed(&server.json("/signalk").await), Some(format!("tcp://127.0.0.1:{port}")));
    let without = ServerOptions::new().setting("interfaces", json!({"tcp": false, "nmea-tcp": false})).start().await;
    assert_eq!(listed(&without.json("/signalk").await), None);
    let outputs = &without.statistics().await["outputs"];
    assert_eq!((&outputs["signalkTcp"], &outputs["nmeaTcp"]), (&Json::Null, &Json::Null));
}

async fn outputs_are_closed_to_visitors_who_may_not_read(_: &Server) {
    let users = json!({"allow_readonly": false, "users": [
        {"username": "admin", "type": "admin", "password": "$2b$10$jpf0N/L6yqUIHOYYTDWsq.YFxO9eHyqwPRUkOnYZpqi.fxoVyhsMm"}]});
    let server = ServerOptions::new().secured().json_file("security.json", &users).start().await;
    for name in ["nmea-tcp", "tcp"] {
        server.logs().wait_for(&[&format!(" {name}: not listening: security is on")]).await;
    }
    assert_eq!(server.get("/windlass/statistics").await.status, 401);
    let discovery = server.json("/signalk").await;
    assert_eq!(discovery["endpoints"]["v1"]["signalk-tcp"], Json::Null);
}

/// An AIS position report with heading and static data.
fn ferry() -> Vec<String> {
    let opened = |kind: u32| Message::default().number(kind, 6).number(0, 2).number(230_035_780, 30);
    let moving = opened(1).number(0, 4).signed(0, 8).number(113, 10).number(1, 1).signed(12_900_000, 28);
    let position = moving.signed(35_850_000, 27).number(900, 12).number(90, 9).number(30, 6).number(0, 25);
    let named = opened(5).number(1, 2).number(0, 30).text("OJ1234", 7).text("FERRY", 20).number(60, 8);
    let sized = named.number(40, 9).number(14, 9).number(6, 6).number(6, 6).number(1, 4);
    let voyage = sized.number(0, 4).number(0, 5).number(24, 5).number(60, 6).number(34, 8).text("UTO", 20).number(0, 2);
    [position, voyage].into_iter().flat_map(|message| message.sentences('A', 3)).collect()
}

async fn hear(server: &Server, sentences: &[String]) {
    let mut peer = NmeaPeer::connect(&server.input("gps").await).await;
    for sentence in sentences {
        peer.send(format!("{sentence}\r\n").as_bytes()).await;
    }
}

async fn ais_vessels_have_the_paths_that_charts_draw(server: &Server) {
    let mut stream = Stream::connect(server, "subscribe=none").await;
    stream.subscribe("vessels.urn:mrn:imo:mmsi:230035780", json!([{"path": "*"}])).await;
    hear(server, &ferry()).await;
    let named = |vessel: &Json| vessel["name"] == "FERRY" && vessel["design"].is_object();
    let vessel = server.eventually("/signalk/v1/api/vessels/urn:mrn:imo:mmsi:230035780", named).await;
    let knot = 1852.0 / 3600.0;
    assert_eq!(vessel["mmsi"], "230035780");
    assert_eq!(vessel["navigation"]["position"]["value"], json!({"latitude": 59.75, "longitude": 21.5}));
    for (pointer, expected) in [
        ("/navigation/speedOverGround/value", 11.3 * knot),
        ("/navigation/courseOverGroundTrue/value", 90f64.to_radians()),
        ("/navigation/headingTrue/value", 90f64.to_radians()),
        ("/design/beam/value", 12.0),
        ("/design/length/value/overall", 54.0),
        ("/design/draft/value/current", 3.4),
    ] {
        let value = vessel.pointer(pointer).and_then(Json::as_f64).unwrap_or(f64::NAN);
        assert!((value - expected).abs() < 1e-9, "{pointer} is {value} instead of {expected}: {vessel}");
    }
    assert_eq!(vessel["sensors"]["ais"]["class"]["value"], "A");
    assert_eq!(vessel["navigation"]["state"]["value"], "motoring");
    assert_eq!(vessel["communication"]["callsignVhf"], "OJ1234");
    assert_eq!(vessel["navigation"]["position"]["$source"], "gps.AI");
    assert_eq!(vessel["navigation"]["position"]["sentence"], "VDM");
    stream.wait_for("the position on the stream", |value| value.path == "navigation.position").await;
}

async fn aids_to_navigation_have_contexts_of_their_own(server: &Server) {
    let opened = Message::default().number(21, 6).number(0, 2).number(992_309_901, 30).number(23, 5);
    let placed = opened.text("UTO BANK W", 20).number(1, 1).signed(12_600_000, 28).signed(35_842_000, 27);
    let aid = placed.number(0, 30).number(7, 4).number(60, 6).number(0, 13);
    hear(server, &aid.sentences('B', 0)).await;
    let found = |all: &Json| all["urn:mrn:imo:mmsi:992309901"]["name"] == "UTO BANK W";
    let aids = server.eventually("/signalk/v1/api/atons", found).await;
    let aid = &aids["urn:mrn:imo:mmsi:992309901"];
    assert_eq!(aid["atonType"]["value"], json!({"id": 23, "name": "Cardinal Mark W"}));
    assert_eq!((&aid["virtual"]["value"], &aid["offPosition"]["value"]), (&json!(false), &json!(false)));
    let vessels = server.tree("vessels").await;
    assert!(vessels.get("urn:mrn:imo:mmsi:992309901").is_none(), "it is no vessel");
}

async fn weather_stations_have_contexts_of_their_own(server: &Server) {
    let opened =
        Message::default().number(8, 6).number(0, 2).number(2_300_059, 30).number(0, 2).number(1, 10).number(31, 6);
    let placed = opened.signed(1_234_560, 25).signed(3_606_000, 24).number(0, 1);
    // Neither time nor gusts; 12 knots from the east, -5.3 degrees, and a clear view of more than 5.5 miles.
    let windy =
        placed.number(0, 5).number(24, 5).number(60, 6).number(12, 7).number(127, 7).number(90, 9).number(360, 9);
    let air =
        windy.signed(-53, 11).number(101, 7).signed(501, 10).number(511, 9).number(3, 2).number(1, 1).number(55, 7);
    let water =
        air.number(4001, 12).number(3, 2).number(255, 8).number(360, 9).number(0, 44).number(255, 8).number(63, 6);
    let still = water.number(360, 9).number(255, 8).number(63, 6).number(360, 9).number(13, 4).signed(501, 10);
    hear(server, &still.number(7, 3).number(510, 9).number(3, 2).number(0, 10).sentences('A', 5)).await;
    let path = "/signalk/v1/api/meteo/urn:mrn:imo:mmsi:002300059:100576";
    let station = server.eventually(path, |it| it["environment"]["wind"].is_object()).await;
    assert_eq!(station["mmsi"], "002300059");
    assert_eq!(station["navigation"]["position"]["value"], json!({"latitude": 60.1, "longitude": 20.576}));
    for (pointer, expected) in [
        ("/environment/wind/averageSpeed/value", 12.0 * 1852.0 / 3600.0),
        ("/environment/wind/directionTrue/value", 90f64.to_radians()),
        ("/environment/outside/temperature/value", 267.85),
        ("/environment/outside/horizontalVisibility/value", 10_186.0),
    ] {
        let value = station.pointer(pointer).and_then(Json::as_f64).unwrap_or(f64::NAN);
        assert!((value - expected).abs() < 1e-9, "{pointer} is {value} instead of {expected}: {station}");
    }
    assert_eq!(station["environment"]["outside"]["horizontalVisibility"]["overRange"]["value"], true);
    assert!(station["environment"].get("water").is_none(), "what is not observed is not told: {station}");
    assert!(server.tree("vessels").await.get("urn:mrn:imo:mmsi:002300059").is_none(), "it is no vessel");
}

async fn satellites_hear_ships_from_afar(server: &Server) {
    let opened = Message::default().number(27, 6).number(0, 2).number(230_999_001, 30).number(0, 2).number(0, 4);
    let far = opened.signed(-12_300, 18).signed(-36_006, 17).number(20, 6).number(90, 9).number(0, 2);
    hear(server, &far.sentences('A', 0)).await;
    let path = "/signalk/v1/api/vessels/urn:mrn:imo:mmsi:230999001/navigation";
    let ship = server.eventually(path, |it| it["position"].is_object()).await;
    assert_eq!(ship["position"]["value"], json!({"latitude": -60.01, "longitude": -20.5}));
    assert!((ship["speedOverGround"]["value"].as_f64().expect("a number") - 20.0 * 1852.0 / 3600.0).abs() < 1e-9);
    assert_eq!(ship["state"]["value"], "motoring");
}

async fn the_own_transponder_does_not_overwrite_the_configuration(server: &Server) {
    let own: Vec<String> = ferry()
        .iter()
        .map(|line| {
            let line = line.replace("AIVDM", "AIVDO");
            let body = &line[1..line.find('*').expect("a checksum")];
            sentence(body).trim_end().replacen('$', "!", 1)
        })
        .collect();
    hear(server, &own).await;
    let arrived = |leaf: &Json| leaf["sentence"] == "VDO";
    server.eventually("/signalk/v1/api/vessels/self/sensors/ais/class", arrived).await;
    server.eventually("/signalk/v1/api/vessels/self/navigation/destination/commonName", arrived).await;
    let vessel = server.tree("vessels/self").await;
    assert_eq!((&vessel["name"], &vessel["mmsi"]), (&json!(NAME), &json!(MMSI)));
    assert_eq!(vessel.pointer("/design/length"), None, "{vessel}");
    assert_eq!(vessel.pointer("/communication/callsignVhf"), None, "{vessel}");
}

async fn the_data_log_can_be_played_again(_: &Server) {
    let listener = json!({"type": "tcplistener", "port": 0});
    let element =
        json!([{"type": "providers/simple", "options": {"type": "NMEA0183", "logging": true, "subOptions": listener}}]);
    let connection = json!({"id": "gps", "enabled": true, "pipeElements": element});
    let server = ServerOptions::new()
        .setting("pipedProviders", json!([connection]))
        .setting("loggingDirectory", json!("logs"))
        .start()
        .await;
    let mut peer = NmeaPeer::connect(&server.input("gps").await).await;
    let before = jiff::Timestamp::now().as_millisecond();
    peer.say("GPHDT,71.0,T").await;
    peer.say("GPHDT,72.0,T").await;
    server.eventually("/windlass/statistics", |all| all["dataLog"]["lines"] == 2).await;
    let folder = server.directory().join("logs");
    // The lines are on the disk within a second or so.
    let text = timeout(PATIENCE, async {
        loop {
            let files = std::fs::read_dir(&folder).expect("the directory is made");
            let file = files.map(|file| file.expect("an entry").path()).next().expect("a file");
            let text = std::fs::read_to_string(&file).expect("a text");
            if text.lines().count() == 2 {
                let name = file.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
                assert!(name.starts_with("skserver-raw_20") && name.ends_with(".log"), "{name}");
                return text;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("the lines are written");
    for (line, body) in text.lines().zip(["GPHDT,71.0,T", "GPHDT,72.0,T"]) {
        let mut parts = line.splitn(3, ';');
        let millis: i64 = parts.next().and_then(|text| text.parse().ok()).expect("a time");
        assert!((before..=jiff::Timestamp::now().as_millisecond()).contains(&millis), "{line}");
        assert_eq!((parts.next(), parts.next()), (Some("N"), Some(sentence(body).trim_end())));
    }
    let again = ServerOptions::new()
        .file("raw.log", text)
        .connection("again", "FileStream", json!({"dataType": "Multiplexed", "filename": "raw.log", "loop": false}))
        .start()
        .await;
    let last = |leaf: &Json| leaf["value"].as_f64().is_some_and(|value| (value - 72f64.to_radians()).abs() < 1e-9);
    let leaf = again.eventually("/signalk/v1/api/vessels/self/navigation/headingTrue", last).await;
    assert_eq!(leaf["$source"], "again.GP");
}

async fn snapshots_without_history_are_refused_properly(server: &Server) {
    for base in ["/signalk/v1/snapshot/vessels/self", "/signalk/v1/api/snapshot/vessels/self"] {
        let answer = server.get(base).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (400, "Snapshot api requires time query parameter"));
        for time in ["yesterday", "2024-05-01", "2024-05-01T10:00:00", ""] {
            assert_eq!(server.get(&format!("{base}?time={time}")).await.status, 400, "{time}");
        }
        for time in ["2024-05-01T10:00:00Z", "2024-05-01T10:00:00.123Z"] {
            let answer = server.get(&format!("{base}?time={time}")).await;
            assert_eq!((answer.status.as_u16(), answer.text.as_str()), (501, "No history provider"));
        }
    }
}

async fn playback_without_history_says_why(server: &Server) {
    assert_eq!(server.get("/signalk/v1/playback").await.status, 426);
    for (query, expected) in [
        ("", "startTime is a required query parameter for playback connections"),
        ("?startTime=2024-05-01T10:00:00Z&playbackRate=2", "No history provider"),
    ] {
        let url = format!("ws://{}/signalk/v1/playback{query}", server.address());
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.expect("the handshake is done");
        let frame = futures_util::StreamExt::next(&mut socket).await.expect("a frame").expect("no error");
        assert_eq!(frame.into_text().expect("a text").as_str(), Json::from(expected).to_string());
        while let Some(Ok(frame)) = futures_util::StreamExt::next(&mut socket).await {
            assert!(frame.is_close(), "{frame}");
        }
    }
}
