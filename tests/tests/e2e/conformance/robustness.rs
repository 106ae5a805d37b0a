//! Group N: damaged files, and what is too long.

use std::path::Path;
use std::sync::Arc;

use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use windlass_tests::{Json, NmeaPeer, PATIENCE, Server, ServerOptions, WatPlugin, rows, run_table, sentence};

use super::{MMSI, NAME};

/// Largest JSON body, in bytes.
const BODY: usize = 10 * 1024 * 1024;
/// Longest line.
const LINE: usize = 2048;

#[tokio::test]
async fn group_n_damaged_files() {
    let server = Server::start().await;
    let rows = rows![
        [227] a_damaged_file_stops_only_its_own_part,
        [227] the_last_good_version_takes_the_place_of_a_damaged_file,
        [227] settings_that_make_no_sense_are_left_out_one_by_one,
    ];
    run_table(&server, rows).await;
}

#[tokio::test]
async fn group_n_too_long() {
    let server = ServerOptions::new().nmea_listener("gps").start().await;
    let rows = rows![
        [228] bodies_of_more_than_ten_megabytes_are_refused,
        [228] lines_of_more_than_2048_bytes_are_dropped_and_the_next_is_read,
    ];
    run_table(&server, rows).await;
}

/// A file of the configuration directory, and the part of the server that needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Connections,
    Users,
    Vessel,
    Priorities,
    ApplicationData,
    Plugin,
}

use Part::{ApplicationData, Connections, Plugin, Priorities, Users, Vessel};

const PARTS: [Part; 6] = [Connections, Users, Vessel, Priorities, ApplicationData, Plugin];
const SKIPPER: &str = "skipper";

impl Part {
    fn file(self) -> &'static str {
        match self {
            Connections => "settings.json",
            Users => "security.json",
            Vessel => "baseDeltas.json",
            Priorities => "priorities.json",
            ApplicationData => "applicationData/global/app/1.0.json",
            Plugin => "plugin-config-data/probe.json",
        }
    }

    fn content(self) -> Json {
        match self {
            Connections => {
                let listener = json!({"type": "tcplistener", "host": "127.0.0.1", "port": 0});
                let element =
                    json!({"type": "providers/simple", "options": {"type": "NMEA0183", "subOptions": listener}});
                json!({"pipedProviders": [{"id": "gps", "enabled": true, "pipeElements": [element]}]})
            }
            // The hash of `signalk`.
            Users => json!({"allow_readonly": true, "secretKey": "c0ffee".repeat(20), "devices": [], "users": [
                {"username": SKIPPER, "type": "admin",
                    "password": "$2b$04$S0ZvmD9T7k5wBMMYl5DYg.3/ac3qe4mfHjMzAZvWgrB4EJHgvYKrq"}]}),
            Vessel => json!([{"context": "vessels.self", "updates": [
                {"values": [{"path": "", "value": {"name": NAME, "mmsi": MMSI}}]}]}]),
            Priorities => json!({"priorityDefaults": {"fallbackMs": 4321}}),
            ApplicationData => json!({"theme": "night"}),
            Plugin => json!({"enabled": true, "configuration": {"rate": 2.5}}),
        }
    }

    /// Whether this part of the server does what its file says. `admin` is nobody's token when nobody can log in.
    async fn works(self, server: &Server, admin: Option<&str>) -> bool {
        let get = async |path: &str| match admin {
            Some(token) => server.as_who(token, Method::GET, path, None).await,
            None => server.get(path).await,
        };
        match self {
            Connections => {
                let connections = get("/windlass/statistics").await.json()["connections"].clone();
                connections.to_string().contains("\"gps\"")
            }
            Users => admin.is_some(),
            Vessel => get("/signalk/v1/api/vessels/self").await.json()["name"] == NAME,
            Priorities => get("/skServer/priorityDefaults").await.json()["fallbackMs"] == 4321,
            ApplicationData => {
                let answer = get("/signalk/v1/applicationData/global/app/1.0/theme").await;
                answer.status == 200 && answer.json() == "night"
            }
            Plugin => {
                let config = get("/skServer/plugins/probe/config").await.json();
                (&config["enabled"], &config["configuration"]["rate"]) == (&json!(true), &json!(2.5))
            }
        }
    }
}

/// A boat whose files are all good.
fn boat() -> ServerOptions {
    let package = json!({"name": "probe", "version": "1.0.0", "wasmManifest": "plugin.wasm", "keywords": ["signalk-wasm-plugin"]});
    let options = ServerOptions::new()
        .secured()
        .json_file("node_modules/probe/package.json", &package)
        .file("node_modules/probe/plugin.wasm", WatPlugin::new().wasm());
    PARTS.iter().fold(options, |options, part| options.json_file(part.file(), &part.content()))
}

/// The token of the admin, if people can log in.
async fn admin(server: &Server) -> Option<String> {
    let answer = server.post("/signalk/v1/auth/login", &json!({"username": SKIPPER, "password": "signalk"})).await;
    (answer.status == 200).then(|| answer.json()["token"].as_str().expect("a token").to_owned())
}

/// Which parts do not do what their files say.
async fn lost(server: &Server) -> Vec<Part> {
    let admin = admin(server).await;
    if admin.is_some() {
        // Plugins are loaded in the background.
        let loaded = async {
            let token = admin.as_deref().unwrap_or_default();
            while server.as_who(token, Method::GET, "/skServer/plugins/probe/config", None).await.status != 200 {
                tokio::time::sleep(windlass_tests::BETWEEN_LOOKS).await;
            }
        };
        tokio::time::timeout(PATIENCE, loaded).await.expect("the plugin is found");
    }
    let mut lost = Vec::new();
    for part in PARTS {
        if !part.works(server, admin.as_deref()).await {
            lost.push(part);
        }
    }
    lost
}

/// The server has said in its log which file is damaged.
async fn is_said(server: &Server, part: Part) {
    let file = Path::new(part.file()).file_name().and_then(|name| name.to_str()).expect("a name");
    server.logs().wait_for(&["ERROR", file]).await;
}

/// What a disk makes of a file: nothing, the first half of it, zeroes.
fn damages(part: Part) -> [Vec<u8>; 3] {
    let whole = part.content().to_string().into_bytes();
    [Vec::new(), whole[..whole.len() / 2].to_vec(), vec![0; whole.len()]]
}

async fn a_damaged_file_stops_only_its_own_part(_: &Server) {
    let whole = boat().start().await;
    assert_eq!(lost(&whole).await, [], "all files are good");
    for part in PARTS {
        for damage in damages(part) {
            let server = boat().file(part.file(), damage.clone()).start().await;
            let start = String::from_utf8_lossy(&damage[..damage.len().min(20)]).into_owned();
            if part == Users {
                // Nobody knows who may do what: nobody is let in, and what is open to everybody is there.
                assert_eq!(server.get("/signalk/v1/api/vessels/self").await.status, 401, "{start:?}");
                let login = json!({"username": SKIPPER, "password": "signalk"});
                assert_eq!(server.post("/signalk/v1/auth/login", &login).await.status, 503, "{start:?}");
                assert_eq!(server.get("/admin/").await.status, 200);
                assert!(server.json("/signalk").await["endpoints"]["v1"]["signalk-ws"].is_string());
            } else if part == Vessel && start.starts_with("[{") {
                // The identity is found in what is left of it, so that nothing becomes somebody else's.
                assert_eq!(lost(&server).await, [Vessel], "{start:?}");
            } else {
                assert_eq!(lost(&server).await, [part], "{start:?}");
            }
            is_said(&server, part).await;
            let kept = std::fs::read(server.directory().join(part.file())).expect("the file is still there");
            assert_eq!(kept, damage, "whoever wants to repair it finds it as it was");
        }
    }
}

/// What was read or saved well once is not lost. The file of a plugin's configuration stays where it is until another takes its place.
async fn the_last_good_version_takes_the_place_of_a_damaged_file(_: &Server) {
    let server = boat().start().await;
    assert_eq!(lost(&server).await, []);
    let mut directory: Arc<TempDir> = server.terminate().await.directory;
    for part in PARTS {
        for damage in damages(part) {
            std::fs::write(directory.path().join(part.file()), &damage).expect("the file can be written");
            let server = ServerOptions::new().secured().directory(&directory).start().await;
            assert_eq!(lost(&server).await, [], "{part:?}");
            is_said(&server, part).await;
            let suffix = if part == Plugin { "" } else { ".damaged" };
            let aside = directory.path().join(format!("{}{suffix}", part.file()));
            assert_eq!(std::fs::read(aside).expect("the damaged one is kept"), damage);
            directory = server.terminate().await.directory;
        }
    }
    let server = ServerOptions::new().secured().directory(&directory).start().await;
    assert_eq!(lost(&server).await, []);
    assert!(server.logs().find(&["is damaged"]).is_none(), "the good version has taken its place");
}

async fn settings_that_make_no_sense_are_left_out_one_by_one(_: &Server) {
    let server = ServerOptions::new()
        .nmea_listener("gps")
        .setting("ssl", json!("perhaps"))
        .setting("sslport", json!(-1))
        .setting("wsPingInterval", json!([]))
        .setting("pruneContextsMinutes", json!("soon"))
        .setting("staleCheckIntervalMs", json!("often"))
        .setting("interfaces", json!(7))
        .setting("resourcesApi", json!("none"))
        .json_file(
            "priorities.json",
            &json!({"priorityDefaults": {"fallbackMs": "long"}, "sourceAliases": {"gps": "GPS"}}),
        )
        .start()
        .await;
    for key in ["ssl", "sslport", "wsPingInterval", "pruneContextsMinutes", "staleness", "priorityDefaults"] {
        server.logs().wait_for(&["ERROR", key]).await;
    }
    assert_eq!(server.json("/skServer/sourceAliases").await, json!({"gps": "GPS"}));
    let mut peer = NmeaPeer::connect(&server.input("gps").await).await;
    peer.say("GPHDT,10.0,T").await;
    server.eventually("/signalk/v1/api/vessels/self/navigation/headingTrue", |leaf| leaf["value"].is_f64()).await;
}

/// What a server answers to a body that announces its length, before any of it has come.
async fn announced(server: &Server, method: &str, path: &str, length: usize) -> u16 {
    status_of(server, method, path, &format!("Content-Length: {length}"), Vec::new()).await
}

/// What a server answers to a body of which it finds out the length when it has come.
async fn unannounced(server: &Server, method: &str, path: &str, length: usize) -> u16 {
    let chunk = |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    let mut body: Vec<u8> = long(length).as_bytes().chunks(64 * 1024).flat_map(chunk).collect();
    body.extend(b"0\r\n\r\n");
    status_of(server, method, path, "Transfer-Encoding: chunked", body).await
}

async fn status_of(server: &Server, method: &str, path: &str, header: &str, body: Vec<u8>) -> u16 {
    let socket = TcpStream::connect(server.address()).await.expect("the server listens");
    let (reading, mut writing) = socket.into_split();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n{header}\r\n\r\n",
        server.address()
    );
    writing.write_all(head.as_bytes()).await.expect("the server reads");
    let sending = tokio::spawn(async move {
        // The server may have heard enough before the end.
        let _ = writing.write_all(&body).await;
        writing
    });
    let mut line = String::new();
    let read = tokio::time::timeout(PATIENCE, BufReader::new(reading).read_line(&mut line)).await;
    read.expect("the server does not wait for more").expect("an answer");
    sending.abort();
    line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no status: {line:?}"))
}

/// JSON of this length.
fn long(length: usize) -> String {
    let (start, end) = ("{\"value\":\"", "\"}");
    format!("{start}{}{end}", "x".repeat(length - start.len() - end.len()))
}

async fn bodies_of_more_than_ten_megabytes_are_refused(server: &Server) {
    const DATA: &str = "/signalk/v1/applicationData/global/large/1.0";
    for (method, path) in [
        ("PUT", "/signalk/v1/api/vessels/self/test/large"),
        ("POST", DATA),
        ("PUT", "/skServer/settings"),
        ("PUT", "/skServer/vessel"),
        ("POST", "/skServer/providers"),
        ("PUT", "/skServer/priorities"),
        ("POST", "/skServer/inputTest"),
        ("POST", "/skServer/plugins/probe/config"),
        ("POST", "/plugins/probe/config"),
        ("POST", "/signalk/v2/api/resources/waypoints"),
        ("PUT", "/signalk/v2/api/resources/routes/5a3f2b1c-0d9e-4c8b-9a7f-1234567890ab"),
    ] {
        assert_eq!(announced(server, method, path, BODY + 1).await, 413, "{method} {path}");
    }
    for path in [DATA, "/signalk/v1/api/vessels/self/test/large"] {
        let method = if path == DATA { "POST" } else { "PUT" };
        assert_eq!(unannounced(server, method, path, BODY + 1).await, 413, "{path}");
    }
    // As much as is allowed is taken: it is only that nobody handles this path.
    let path = "/signalk/v1/api/vessels/self/test/large";
    assert_eq!(unannounced(server, "PUT", path, BODY).await, 405);
    assert_eq!(server.request(Method::PUT, path, &[], Some(long(BODY))).await.status, 405);
    // A document is a little longer on the disk than on the way.
    let almost = BODY - 1024;
    assert_eq!(unannounced(server, "POST", DATA, almost).await, 200);
    let kept = server.json(&format!("{DATA}/value")).await;
    assert_eq!(kept.as_str().map(str::len), Some(almost - "{\"value\":\"\"}".len()));
    assert_eq!(server.get("/signalk").await.status, 200);
}

/// A heading in a line of this length, line end not counted.
fn heading(degrees: f64, length: usize) -> String {
    let body = format!("GPHDT,{degrees:.1},T,");
    let line = sentence(&format!("{body}{}", "0".repeat(length - body.len() - "$*00".len())));
    assert_eq!(line.trim_end().len(), length);
    line
}

async fn lines_of_more_than_2048_bytes_are_dropped_and_the_next_is_read(server: &Server) {
    let mut peer = NmeaPeer::connect(&server.input("gps").await).await;
    let seen = async |degrees: f64| {
        let is_it =
            |leaf: &Json| leaf["value"].as_f64().is_some_and(|value| (value - degrees.to_radians()).abs() < 1e-9);
        server.eventually("/signalk/v1/api/vessels/self/navigation/headingTrue", is_it).await;
    };
    peer.send(heading(10.0, LINE).as_bytes()).await;
    seen(10.0).await;
    let counts = server.connection_statistics("gps").await;
    assert_eq!((&counts["badLines"], &counts["lines"]), (&json!(0), &json!(1)), "the longest line is a good one");
    // Each of them is followed by a good one at once.
    for (number, length) in [(1, LINE + 1), (2, LINE + 2), (3, 2 * LINE), (4, 1_000_000)] {
        let next = 20.0 + f64::from(number);
        peer.send((heading(99.0, length) + &sentence(&format!("GPHDT,{next:.1},T"))).as_bytes()).await;
        seen(next).await;
        let counts = server.connection_statistics("gps").await;
        assert_eq!(counts["badLinesByKind"]["tooLong"], number, "{length}: {counts}");
        assert_eq!(counts["badLines"], number, "{length}: and nothing else was bad");
    }
    server.logs().wait_for(&["WARN", "gps"]).await;
}
