use std::path::Path;
use std::time::Duration;

use super::*;
use crate::connections::pacing::Steady;
use crate::connections::plan::*;
use crate::connections::trust::Trust;

fn entry(options: Value) -> ConnectionSettings {
    let entry = json!({"id": "gps", "enabled": true, "pipeElements": [{"type": SIMPLE, "options": options}]});
    serde_json::from_value(entry).expect("an object")
}

fn nmea(sub: Value) -> ConnectionSettings {
    entry(json!({"type": "NMEA0183", "logging": false, "subOptions": sub}))
}

fn signalk(sub: Value) -> ConnectionSettings {
    entry(json!({"type": "SignalK", "subOptions": sub}))
}

fn tcp_client(host: &str, port: u16, silence: Option<Duration>) -> TcpClient {
    TcpClient { host: host.into(), port, silence, protocol: Protocol::Nmea0183, greeting: String::new() }
}

fn input(settings: &ConnectionSettings) -> Input {
    settings.plan(Path::new("/config")).expect("a plan").input
}

fn refusal(settings: &ConnectionSettings) -> String {
    settings.plan(Path::new("/config")).expect_err("a refusal").to_string()
}

#[test]
fn entries_of_the_reference_server_are_read_and_saved_unchanged() {
    // SK-226
    let text = r#"{"id":"gps","pipeElements":[{"type":"providers/simple","options":{"logging":false,"type":"NMEA0183","subOptions":{"validateChecksum":false,"type":"tcp","host":"192.168.1.5","port":"10110","noDataReceivedTimeout":"30","ignoredSentences":["GSV","ROT"],"outEvent":"x","baudrate":4800},"x-unknown":[1.0]}}],"enabled":true,"unknown":{"b":1,"a":2}}"#;
    let settings: ConnectionSettings = serde_json::from_str(text).expect("settings");
    assert_eq!(serde_json::to_string(&settings).expect("JSON"), text);
    assert_eq!((settings.id(), settings.enabled(), settings.kind()), (Some("gps"), true, Some("NMEA0183")));
    let plan = settings.plan(Path::new("/config")).expect("a plan");
    let silence = Some(Duration::from_secs(30));
    assert_eq!(plan.input, Input::TcpClient(tcp_client("192.168.1.5", 10110, silence)));
    assert!(!plan.lines.decoding.validate_checksum);
    assert_eq!(plan.lines.decoding.ignored_sentences, ["GSV", "ROT"]);
    assert_eq!((plan.writes, plan.lines.events), (vec!["x".into()], vec!["nmea0183".into()]));
    assert!(!plan.override_timestamp);
}

#[test]
fn defaults_are_those_of_the_reference() {
    let silence = Some(Duration::from_secs(60));
    let tcp =
        nmea(json!({"type": "tcp", "host": "h", "port": 1, "noDataReceivedTimeout": "", "ignoredSentences": null}));
    assert_eq!(input(&tcp), Input::TcpClient(tcp_client("h", 1, silence)));
    let plan = tcp.plan(Path::new("/config")).expect("a plan");
    assert!(plan.lines.decoding.validate_checksum && plan.lines.decoding.ignored_sentences.is_empty());
    let never = nmea(json!({"type": "tcp", "host": "h", "port": 1, "noDataReceivedTimeout": 0}));
    assert_eq!(input(&never), Input::TcpClient(tcp_client("h", 1, None)));
    let udp = nmea(json!({"type": "udp", "port": "2000", "host": "255.255.255.255"}));
    assert_eq!(
        input(&udp),
        Input::Udp(Udp {
            address: IpAddr::from([0, 0, 0, 0]),
            port: 2000,
            protocol: Protocol::Nmea0183,
            receiver: "255.255.255.255".into()
        })
    );
    let listener = nmea(json!({"type": "tcplistener", "port": 10111, "ignoredSentences": "GSV, rot"}));
    let address = IpAddr::from([127, 0, 0, 1]);
    let expected = TcpListener { address, port: 10111, max_peers: 32, silence: None };
    assert_eq!(input(&listener), Input::TcpListener(expected));
    assert_eq!(listener.plan(Path::new("/")).expect("a plan").lines.decoding.ignored_sentences, ["GSV", "rot"]);
}

#[test]
fn recordings() {
    let file = |sub: Value| entry(json!({"type": "FileStream", "subOptions": sub}));
    let expected = Recording {
        file: "/config/samples/a.log".into(),
        plain: 'N',
        speed: 1.0,
        looped: true,
        throttle: None,
        without_times: Steady::Lines(10.0),
    };
    let plain = file(json!({"dataType": "NMEA0183", "filename": "samples/a.log"}));
    assert_eq!(input(&plain), Input::Playback(expected.clone()));
    let outer = entry(json!({"type": "FileStream", "dataType": "NMEA2000", "subOptions": {"filename": "a"}}));
    assert!(refusal(&outer).starts_with("type FileStream with dataType NMEA2000 is not supported yet"));
    let throttled = file(json!({"dataType": "NMEA0183", "filename": "samples/a.log", "throttleRate": "500"}));
    assert_eq!(
        input(&throttled),
        Input::Playback(Recording { throttle: Some(Steady::Bytes(500.0)), ..expected.clone() })
    );
    let multiplexed = file(json!({"dataType": "Multiplexed", "filename": "/x.log", "throttleRate": 5, "loop": false}));
    let elsewhere = Recording { file: "/x.log".into(), looped: false, ..expected.clone() };
    assert_eq!(input(&multiplexed), Input::Playback(elsewhere));
    let options = PlaybackOptions { speed: 20.0, looped: false };
    let own = ConnectionSettings::playback("playback", Path::new("samples/a.log"), options);
    assert_eq!(input(&own), Input::Playback(Recording { speed: 20.0, looped: false, ..expected }));
    for speed in [json!(-1), json!(1e-9), json!("fast"), json!(1e300)] {
        let settings = file(json!({"filename": "a", "speed": speed}));
        assert!(refusal(&settings).contains("`subOptions.speed` is"), "{}", refusal(&settings));
    }
}

/// The TCP stream of a server sends nothing by itself (signalk-v1 §13.1).
#[test]
fn another_server_is_asked_for_everything_unless_the_settings_say_what() {
    let greeting = |subscription: Value| {
        let sub = json!({"type": "tcp", "host": "h", "port": 8375, "subscription": subscription});
        match input(&signalk(sub)) {
            Input::TcpClient(client) => client.greeting,
            other => panic!("{other:?}"),
        }
    };
    let everything = "{\"context\":\"vessels.self\",\"subscribe\":[{\"path\":\"*\"}]}\r\n";
    for nothing in [Value::Null, json!("")] {
        assert_eq!(greeting(nothing), everything);
    }
    assert_eq!(greeting(json!({"subscribe": []})), "{\"subscribe\":[]}\r\n");
    assert_eq!(greeting(json!([])), "", "a sender that understands nothing");
}

#[test]
fn refusals_say_where_and_what_to_do() {
    let n2k = json!({"type": "NMEA2000", "subOptions": {"type": "canbus-canboatjs", "interface": "can0"}});
    let cases = [
        (entry(n2k), "type NMEA2000 with canbus-canboatjs is not supported yet; supported are NMEA0183 with"),
        (nmea(json!({"type": "serial"})), "`subOptions.device` is missing; it should be a text"),
        (nmea(json!({"type": "pigeon"})), "type NMEA0183 with pigeon is not supported yet"),
        (nmea(json!({"type": "serial", "device": "/dev/x", "baudrate": 1})), "`subOptions.baudrate` is 1"),
        (signalk(json!({"type": "ws", "port": 1})), "`subOptions.host` is missing; it should be a text"),
        (signalk(json!({"type": "ws", "host": "h", "port": 1, "subscription": "x"})), "`subOptions.subscription` is"),
        (signalk(json!({"type": "ws", "host": "h", "port": 1, "selfHandling": "x"})), "`subOptions.selfHandling` is"),
        (
            signalk(json!({"type": "ws", "host": "h", "port": 1, "selfHandling": "manualSelf"})),
            "`subOptions.remoteSelf` is missing",
        ),
        (entry(json!({"type": "Execute", "subOptions": {"command": "rm"}})), "this server runs no programs"),
        (nmea(json!({"type": "tcp", "port": 1})), "`subOptions.host` is missing; it should be a text"),
        (nmea(json!({"type": "tcp", "host": "h"})), "`subOptions.port` is missing; it should be a port number"),
        (nmea(json!({"type": "udp", "port": 70000})), "`subOptions.port` is 70000; it should be a port number"),
        (nmea(json!({"type": "udp", "port": "x"})), "`subOptions.port` is \"x\"; it should be a port number"),
        (
            nmea(json!({"type": "tcplistener", "port": 1, "host": "nmea"})),
            "`subOptions.host` is \"nmea\"; it should be an IP",
        ),
        (nmea(json!({"type": "udp", "port": 1, "validateChecksum": "no"})), "`subOptions.validateChecksum` is \"no\""),
        (nmea(json!({"type": "udp", "port": 1, "ignoredSentences": [1]})), "`subOptions.ignoredSentences` is [1]"),
        (
            nmea(json!({"type": "udp", "port": 1, "outEvent": 7})),
            "`subOptions.outEvent` is 7; it should be the name of",
        ),
        (nmea(json!({"type": "udp", "port": 1, "toStdout": ["a\u{1}"]})), "`subOptions.toStdout` is"),
        (nmea(json!({"type": "udp", "port": 1, "host": 7})), "`subOptions.host` is 7"),
        (nmea(json!({"type": "udp", "port": 1, "talkerGroups": ["GP"]})), "`subOptions.talkerGroups` is"),
        (nmea(json!({"type": "udp", "port": 1, "talkerGroups": {"a.b": ["GP"]}})), "`subOptions.talkerGroups` is"),
        (nmea(json!({"type": "udp", "port": 1, "talkerGroups": {"a": "GP"}})), "`subOptions.talkerGroups` is"),
        (nmea(json!({"type": "udp", "port": 1, "talkerGroups": {"a": [""]}})), "`subOptions.talkerGroups` is"),
        (entry(json!("x")), "`pipeElements[0].options` is \"x\"; it should be an object"),
        (entry(json!({})), "`options.type` is missing"),
        (ConnectionSettings::new(Map::new()), "`id` is missing"),
        (ConnectionSettings::nmea0183_client("", "h", 1), "`id` is \"\"; it should be a text"),
    ];
    for (settings, expected) in cases {
        let refusal = refusal(&settings);
        assert!(refusal.starts_with(expected), "{refusal}");
    }
    for (elements, expected) in [
        (json!([]), "a chain of 0 pipe elements is not supported yet"),
        (json!([{"type": "providers/filestream"}]), "a pipe element other than providers/simple"),
        (json!([{"type": SIMPLE}, {"type": SIMPLE}]), "a chain of 2 pipe elements"),
        (json!({}), "`pipeElements` is {}; it should be a list"),
    ] {
        let settings = serde_json::from_value(json!({"id": "a", "pipeElements": elements})).expect("an object");
        assert!(refusal(&settings).starts_with(expected), "{}", refusal(&settings));
    }
}

#[test]
fn one_damaged_entry_costs_itself_only() {
    // SK-227
    let entries = vec![json!("x"), json!({"id": "a", "enabled": false}), json!({"id": 5})];
    let read = ConnectionSettings::from_entries(entries);
    let refusal = read[0].as_ref().expect_err("no object");
    assert_eq!(refusal.to_string(), "`pipedProviders[0]` is \"x\"; it should be an object");
    let settings = read[1].as_ref().expect("an entry");
    assert_eq!((settings.id(), settings.enabled()), (Some("a"), false));
    let settings = read[2].as_ref().expect("an entry");
    assert_eq!((settings.id(), settings.enabled()), (None, true));
}

#[test]
fn serial_ports_and_daemons() {
    let serial = nmea(json!({"type": "serial", "device": "/dev/ttyUSB0", "suppress0183event": true}));
    let expected = Serial { device: "/dev/ttyUSB0".into(), baud_rate: 4800, protocol: Protocol::Nmea0183 };
    assert_eq!(input(&serial), Input::Serial(expected));
    assert!(serial.plan(Path::new("/")).expect("a plan").lines.events.is_empty());
    let fast = nmea(json!({"type": "serial", "device": "/dev/ttyUSB0", "baudrate": "38400"}));
    assert!(matches!(input(&fast), Input::Serial(Serial { baud_rate: 38_400, .. })));
    let Input::TcpClient(gpsd) = input(&nmea(json!({"type": "gpsd"}))) else { panic!("gpsd is asked over TCP") };
    assert_eq!((gpsd.host.as_str(), gpsd.port, gpsd.protocol), ("localhost", 2947, Protocol::Gpsd));
    assert_eq!(gpsd.greeting, "?WATCH={\"enable\":true,\"nmea\":true};\r\n");
    assert_eq!(input(&nmea(json!({"type": "tcpserver"}))), Input::OutputClients);
}

#[test]
fn other_servers() {
    let all = r#"[{"context":"*","subscribe":[{"path":"*"}]}]"#;
    let remote = |settings: &ConnectionSettings| match input(settings) {
        Input::WebSocket(remote) => remote,
        other => panic!("{other:?}"),
    };
    let plain = remote(&signalk(json!({"type": "ws", "host": "h", "port": "3000", "token": ""})));
    assert_eq!(plain.url(), "ws://h:3000/signalk/v1/stream?subscribe=self");
    assert_eq!((plain.own_self.clone(), plain.token.clone()), (SelfHandling::Separate, None));
    let options = json!({"type": "wss", "host": "::1", "port": 3443, "token": "t", "subscription": all,
        "selfHandling": "useRemoteSelf", "selfsignedcert": true});
    let asking = remote(&signalk(options));
    assert_eq!(asking.url(), "wss://[::1]:3443/signalk/v1/stream?subscribe=none");
    assert_eq!(asking.subscriptions, [r#"{"context":"*","subscribe":[{"path":"*"}]}"#]);
    assert_eq!((asking.own_self.clone(), asking.trust.clone()), (SelfHandling::Remote, Trust::Anybody));
    assert_eq!(plain.trust, Trust::Public);
    assert!(!format!("{asking:?}").contains("\"t\""), "the token does not get into the log");
    let one = json!({"context": "vessels.self", "subscribe": [{"path": "navigation.*"}]});
    let manual = json!({"type": "ws", "host": "h", "port": 1, "subscription": one, "selfHandling": "manualSelf",
        "remoteSelf": "urn:mrn:imo:mmsi:1"});
    let manual = remote(&signalk(manual));
    assert_eq!(manual.subscriptions, [one.to_string()]);
    assert_eq!(manual.own_self, SelfHandling::Named("vessels.urn:mrn:imo:mmsi:1".into()));
    let Input::TcpClient(lines) =
        input(&signalk(json!({"type": "tcp", "host": "h", "port": 8375, "subscription": all})))
    else {
        panic!("lines come over TCP")
    };
    assert_eq!(lines.protocol, Protocol::SignalK);
    assert_eq!(lines.greeting, "{\"context\":\"*\",\"subscribe\":[{\"path\":\"*\"}]}\r\n");
}

#[test]
fn options_of_lines_and_events() {
    let plan = |settings: &ConnectionSettings| settings.plan(Path::new("/")).expect("a plan");
    let all = plan(&nmea(json!({"type": "tcp", "host": "h", "port": 1, "sentenceEvent": "bow, stern",
        "outEvent": "nmea0183out", "toStdout": ["nmea0183out", " autopilot "], "appendChecksum": true, "removeNulls": true,
        "useCanName": false, "talkerGroups": {" GNSS ": ["GP", "gl"], "wind": ["WI", "GP"]}})));
    assert_eq!(all.lines.events, ["bow", "stern", "nmea0183"]);
    assert_eq!(all.writes, ["nmea0183out", "autopilot"]);
    assert!(all.lines.append_checksum && all.lines.remove_nulls && !all.use_can_name);
    let group = |talker| all.lines.talkers.group(talker).map(|group| group.as_str());
    assert_eq!(["GP", "GL", "Gl", "II"].map(group), [Some("wind"), Some("gnss"), Some("gnss"), None]);
    assert!(all.notes.is_empty(), "{:?}", all.notes);
    let quiet = plan(&nmea(json!({"type": "udp", "port": 1, "suppress0183event": true, "sentenceEvent": ["bow"]})));
    assert_eq!((quiet.lines.events, quiet.writes), (vec!["bow".into()], vec![]));
    assert!(plan(&signalk(json!({"type": "udp", "port": 1, "useCanName": true}))).use_can_name);
}

/// An option that can't be served is said so; one that asks for nothing is not worth a word.
#[test]
fn options_without_effect_are_named() {
    let notes = |settings: &ConnectionSettings| settings.plan(Path::new("/")).expect("a plan").notes.to_vec();
    let asking = json!({"outEvent": "a", "toStdout": "", "sentenceEvent": "b", "talkerGroups": {}, "appendChecksum": true,
        "removeNulls": true, "useCanName": true, "filtersEnabled": true, "camelCaseCompat": false, "uniqueNumber": 7});
    let with = |own: Value| {
        let mut sub = asking.clone();
        sub.as_object_mut().expect("an object").extend(own.as_object().expect("an object").clone());
        sub
    };
    let named = |notes: Vec<String>| -> Vec<String> {
        notes.iter().map(|note| note.split('`').nth(1).expect("a key").to_owned()).collect()
    };
    let n2k = ["uniqueNumber", "filtersEnabled"];
    let server = signalk(with(json!({"type": "ws", "host": "h", "port": 1})));
    assert_eq!(named(notes(&server)), ["outEvent", "sentenceEvent", "appendChecksum", "removeNulls", n2k[0], n2k[1]]);
    let lines = nmea(with(json!({"type": "serial", "device": "/dev/x"})));
    assert_eq!(named(notes(&lines)), ["useCanName", n2k[0], n2k[1]]);
    let clients = nmea(with(json!({"type": "tcpserver"})));
    assert_eq!(named(notes(&clients)), ["outEvent", "removeNulls", "useCanName", n2k[0], n2k[1]]);
    let file = entry(json!({"type": "FileStream", "subOptions": with(json!({"filename": "a"}))}));
    assert_eq!(named(notes(&file)), ["outEvent", n2k[0], n2k[1]]);
    assert_eq!(notes(&file)[0], "`outEvent` has no effect: a recording can't be written to");
    let lines = signalk(json!({"type": "tcp", "host": "h", "port": 1, "certificateAuthority": "x"}));
    assert_eq!(named(notes(&lines)), ["certificateAuthority"]);
}
