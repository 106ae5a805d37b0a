//! TLS: the boat's own authority, the owner's certificate, and what happens when one of them is no good.

use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use reqwest::Method;
use serde_json::json;
use tokio_tungstenite::tungstenite::Error;
use windlass_tests::{Answer, Json, Server, ServerOptions, Stream, Trust, delta, server_binary};

const SETTINGS: &str = "/skServer/settings";

/// With TLS on any free port.
fn with_tls() -> ServerOptions {
    ServerOptions::new().setting("ssl", json!(true)).setting("sslport", json!(0))
}

/// A certificate authority that nobody knows.
struct Authority {
    trust: Trust,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key can be made");
        let root = parameters.self_signed(&key).expect("a certificate can be made").pem();
        Self { trust: Trust::new(root), issuer: Issuer::new(parameters, key) }
    }

    /// A certificate for this computer, and its key, as PEM.
    fn certificate(&self) -> (String, String) {
        let key = KeyPair::generate().expect("a key can be made");
        let parameters = CertificateParams::new(["127.0.0.1".to_owned()]).expect("an address is a name");
        let certificate = parameters.signed_by(&key, &self.issuer).expect("a certificate can be made");
        (certificate.pem(), key.serialize_pem())
    }
}

async fn is_refused(server: &Server, trust: &Trust) -> bool {
    let stream = Stream::connect_secure(server, "subscribe=none", trust).await;
    let https = trust.request(server, Method::GET, "/signalk", None).await;
    assert_eq!(stream.is_err(), https.is_err(), "HTTPS and the stream have the same certificate");
    matches!(stream, Err(Error::Io(_)))
}

#[tokio::test]
async fn the_boats_own_authority_is_trusted_once_its_root_is_downloaded() {
    let server = with_tls().start().await;
    let trust = Trust::download(&server).await;
    let address = server.tls_address().await;
    let discovery = trust.get(&server, "/signalk").await.json();
    let v1 = &discovery["endpoints"]["v1"];
    assert_eq!(v1["signalk-http"], format!("https://{address}/signalk/v1/api/"));
    assert_eq!(v1["signalk-ws"], format!("wss://{address}/signalk/v1/stream"));
    // Data go in and out.
    let mut reader = Stream::connect_secure(&server, "", &trust).await.expect("it is trusted");
    let mut sender = Stream::connect_secure(&server, "subscribe=none", &trust).await.expect("it is trusted");
    sender.send(&delta("t", "test.tls", "s".repeat(100_000))).await;
    assert_eq!(reader.wait_for_path("test.tls").await.value.as_str().map(str::len), Some(100_000));
    let leaf = trust.get(&server, "/signalk/v1/api/vessels/self/test/tls").await;
    assert_eq!((leaf.status.as_u16(), &leaf.json()["$source"]), (200, &json!("t")));
    assert_eq!(trust.get(&server, "/windlass/ca.pem").await.text, trust.root());
    // Who trusts somebody else does not get in by accident.
    assert!(is_refused(&server, &Authority::new().trust).await);
    // A phone that trusts the root today still does after the next start.
    let ended = server.terminate().await;
    let server = ServerOptions::new().directory(&ended.directory).start().await;
    assert_eq!(Trust::download(&server).await.root(), trust.root());
    assert_eq!(trust.get(&server, "/signalk").await.status, 200);
}

#[tokio::test]
async fn the_plain_port_leads_to_tls() {
    let server = with_tls().start().await;
    let address = server.tls_address().await;
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/signalk"),
        (Method::GET, "/signalk/v1/api/vessels/self?x=1"),
        (Method::PUT, "/signalk/v1/api/vessels/self/test/x"),
        (Method::POST, "/signalk/v1/auth/login"),
        (Method::GET, "/no/such/page"),
    ] {
        let answer = server.request(method, path, &[], Some("{}".into())).await;
        // 307 keeps the method and the body.
        assert_eq!((answer.status.as_u16(), answer.header("location")), (307, &*format!("https://{address}{path}")));
        assert_eq!(answer.text, "", "nothing is said in plain text");
    }
    match Stream::try_connect(&server, "").await {
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 307),
        other => panic!("the stream is open without TLS: {other:?}"),
    }
}

#[tokio::test]
async fn cookies_of_tls_do_not_leave_it() {
    let users = json!([{"username": "skipper", "type": "admin",
        "password": "$2b$04$S0ZvmD9T7k5wBMMYl5DYg.3/ac3qe4mfHjMzAZvWgrB4EJHgvYKrq"}]);
    let file = json!({"allow_readonly": false, "secretKey": "ab".repeat(32), "users": users, "devices": []});
    let server = with_tls().json_file("security.json", &file).secured().start().await;
    let trust = Trust::download(&server).await;
    let login = json!({"username": "skipper", "password": "signalk"}).to_string();
    let answer = trust.request(&server, Method::POST, "/signalk/v1/auth/login", Some(login)).await.expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.header("set-cookie").contains("; Secure"), "{:?}", answer.headers);
    let token = answer.json()["token"].as_str().expect("a token").to_owned();
    Stream::connect_secure(&server, &format!("token={token}"), &trust).await.expect("let in");
    match Stream::connect_secure(&server, "token=bad", &trust).await {
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 401),
        other => panic!("a bad token is let in: {other:?}"),
    }
}

#[tokio::test]
async fn the_owners_certificate_is_served() {
    let authority = Authority::new();
    let (chain, key) = authority.certificate();
    // Where the reference server has them, and where windlass.toml says.
    for (chain_file, key_file, toml) in [
        ("ssl-cert.pem", "ssl-key.pem", ""),
        ("own/chain.pem", "own/key.pem", "[tls]\ncertificate = \"own/chain.pem\"\nkey = \"own/key.pem\"\n"),
    ] {
        let options =
            with_tls().file(chain_file, chain.clone()).file(key_file, key.clone()).file("windlass.toml", toml);
        let server = options.start().await;
        assert_eq!(authority.trust.get(&server, "/signalk").await.status, 200, "{chain_file}");
        Stream::connect_secure(&server, "", &authority.trust).await.expect("it is trusted");
        assert_eq!(server.get("/windlass/ca.pem").await.status, 404, "there is no authority of the boat's");
        assert!(!server.directory().join("tls").exists());
    }
}

/// Files with which no TLS can be served, and what is said about them.
fn bad_files() -> [(&'static str, Vec<(&'static str, String)>); 4] {
    let (chain, key) = Authority::new().certificate();
    let (_, other) = Authority::new().certificate();
    [
        ("ssl-cert.pem", vec![("ssl-cert.pem", "no certificate".into()), ("ssl-key.pem", key.clone())]),
        ("ssl-cert.pem", vec![("ssl-cert.pem", String::new()), ("ssl-key.pem", key)]),
        ("ssl-key.pem", vec![("ssl-cert.pem", chain.clone()), ("ssl-key.pem", chain.clone())]),
        ("can't be used together", vec![("ssl-cert.pem", chain), ("ssl-key.pem", other)]),
    ]
}

#[tokio::test]
async fn a_bad_certificate_stops_neither_the_boat_nor_its_privacy() {
    for (said, files) in bad_files() {
        let options = files.into_iter().fold(with_tls(), |options, (name, text)| options.file(name, text));
        let server = options.nmea_listener("gps").start().await;
        server.logs().wait_for(&["ERROR", said, "the boat's own authority stands in"]).await;
        // Nothing goes over the plain port, and the boat's own authority is there.
        assert_eq!(server.get("/signalk").await.status, 307, "{said}");
        let trust = Trust::download(&server).await;
        assert_eq!(trust.get(&server, "/signalk").await.status, 200, "{said}");
        let mut events =
            Stream::connect_secure(&server, "subscribe=none&serverevents=all", &trust).await.expect("it is trusted");
        let entry = |event: &Json| {
            let entries = event["data"].as_array()?;
            entries.iter().find(|entry| entry["id"] == "tls").cloned()
        };
        let event = events.wait_for_frame("the problem", |event| entry(event).is_some()).await;
        let entry = entry(&event).expect("it was found a moment ago");
        assert_eq!(entry["type"], "error");
        assert!(entry["message"].as_str().is_some_and(|text| text.contains(said)), "{entry}");
        // The connections are there.
        let connections = trust.get(&server, "/windlass/statistics").await.json()["connections"].to_string();
        assert!(connections.contains("\"gps\""), "{connections}");
    }
}

#[tokio::test]
async fn a_damaged_authority_is_made_anew_and_said_to_be() {
    let server = with_tls().start().await;
    let root = Trust::download(&server).await.root().to_owned();
    let mut directory = server.terminate().await.directory;
    for (file, same_root, said) in [
        ("cert.pem", true, None),
        ("key.pem", true, None),
        ("ca.pem", false, Some("ca.pem")),
        ("ca-key.pem", false, Some("ca-key.pem")),
    ] {
        std::fs::write(directory.path().join("tls").join(file), "-----BEGIN").expect("the file can be written");
        let server = ServerOptions::new().directory(&directory).start().await;
        let trust = Trust::download(&server).await;
        assert_eq!(trust.get(&server, "/signalk").await.status, 200, "{file}");
        assert!(!same_root || trust.root() == root, "{file}: phones trust the root still");
        if let Some(said) = said {
            server.logs().wait_for(&["ERROR", said, "damaged"]).await;
        }
        if file == "ca.pem" {
            // Its key is the same, so a phone that trusts the root of before trusts the server as it is now.
            assert_eq!(Trust::new(root.as_str()).get(&server, "/signalk").await.status, 200);
        }
        directory = server.terminate().await.directory;
    }
}

async fn change(server: &Server, body: Json) -> Answer {
    server.request(Method::PUT, SETTINGS, &[], Some(body.to_string())).await
}

#[tokio::test]
async fn tls_that_can_not_be_served_is_not_switched_on() {
    let (_, files) = bad_files().into_iter().next().expect("there are some");
    let options = files.into_iter().fold(ServerOptions::new(), |options, (name, text)| options.file(name, text));
    let server = options.setting("sslport", json!(0)).start().await;
    let on = json!({"options": {"ssl": true}});
    let refused = change(&server, on.clone()).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(refused.text.starts_with("SSL can't be switched on: "), "{}", refused.text);
    assert!(refused.text.contains("ssl-cert.pem"), "{}", refused.text);
    assert_eq!(server.json(SETTINGS).await["options"]["ssl"], false, "nothing is saved");
    for sslport in [json!(3000), json!("3000")] {
        let body = json!({"options": {"ssl": true}, "port": 3000, "sslport": sslport});
        let refused = change(&server, body).await;
        assert_eq!(refused.status, 400, "{}", refused.text);
        assert!(refused.text.starts_with("Invalid settings payload at /sslport: "), "{}", refused.text);
    }
    // With good files it is, at once.
    let authority = Authority::new();
    let (chain, key) = authority.certificate();
    for (name, text) in [("ssl-cert.pem", chain), ("ssl-key.pem", key)] {
        std::fs::write(server.directory().join(name), text).expect("the file can be written");
    }
    let saved = change(&server, json!({"options": {"ssl": true}, "port": 3000})).await;
    assert_eq!((saved.status.as_u16(), saved.text.as_str()), (200, "Settings changed"));
    assert_eq!(server.get("/signalk").await.status, 307, "the other port leads there");
    assert_eq!(authority.trust.get(&server, "/signalk").await.status, 200);
    let ended = server.terminate().await;
    let server = ServerOptions::new().directory(&ended.directory).start().await;
    assert_eq!(authority.trust.get(&server, SETTINGS).await.json()["options"]["ssl"], true);
    // What has nothing to do with it can be changed although the files are bad again.
    std::fs::write(server.directory().join("ssl-cert.pem"), "").expect("the file can be written");
    let body = json!({"options": {}, "logCountToKeep": 7}).to_string();
    let saved = authority.trust.request(&server, Method::PUT, SETTINGS, Some(body)).await.expect("an answer");
    assert_eq!(saved.status, 200, "{}", saved.text);
}

#[tokio::test]
async fn a_taken_port_of_tls_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = taken.local_addr().expect("it is bound").port();
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let settings = json!({"ssl": true, "sslport": port}).to_string();
    std::fs::write(directory.path().join("settings.json"), settings).expect("a temporary file can be written");
    let mut command = Command::new(server_binary());
    command.args(["--insecure", "--host", "127.0.0.1", "--port", "0", "--config-dir"]).arg(directory.path());
    let output = tokio::task::spawn_blocking(move || command.env_remove("SSLPORT").output()).await.expect("it ends");
    let output = output.expect("the server's binary can be started");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{said}");
    assert!(said.contains(&format!("can't listen for TLS on 127.0.0.1:{port}")) && said.contains("sslport"), "{said}");
}

#[tokio::test]
async fn another_server_with_tls_is_a_source() {
    let other = with_tls().vessel("Other", "230022510").start().await;
    let trust = Trust::download(&other).await;
    let mut sender = Stream::connect_secure(&other, "subscribe=none", &trust).await.expect("it is trusted");
    sender.send(&delta("t", "test.source", 1)).await;
    let port: u16 = other.tls_address().await.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let options = |any: bool| json!({"type": "wss", "host": "127.0.0.1", "port": port, "selfsignedcert": any});
    let mut strict = options(false);
    strict.as_object_mut().expect("an object").remove("selfsignedcert");
    let server = ServerOptions::new()
        .vessel("Reader", "230022511")
        .connection("any", "SignalK", options(true))
        .connection("strict", "SignalK", strict)
        .connection("plain", "SignalK", json!({"type": "ws", "host": "127.0.0.1", "port": port}))
        .start()
        .await;
    let path = "/signalk/v1/api/vessels/urn:mrn:imo:mmsi:230022510/test/source";
    server.eventually(path, |leaf| leaf["value"] == 1).await;
    sender.send(&delta("t", "test.source", 2)).await;
    let leaf = server.eventually(path, |leaf| leaf["value"] == 2).await;
    assert_eq!(leaf.get("values"), None, "only the one that trusts anybody has brought it: {leaf}");
    // The others say why they bring nothing, and what to do.
    server
        .logs()
        .wait_for(&[
            "WARN",
            "connection strict",
            "no certificate that can be trusted",
            "`certificateAuthority`",
            "`selfsignedcert`",
        ])
        .await;
    server.logs().wait_for(&["WARN", "connection plain", "is no Signal K server with a stream"]).await;
    for id in ["strict", "plain"] {
        assert_eq!(server.connection_statistics(id).await["deltas"], 0, "{id}");
    }
}

#[tokio::test]
async fn another_boats_authority_is_trusted_by_name() {
    let other = with_tls().vessel("Other", "230022520").start().await;
    let trust = Trust::download(&other).await;
    let mut sender = Stream::connect_secure(&other, "subscribe=none", &trust).await.expect("it is trusted");
    sender.send(&delta("t", "test.source", 1)).await;
    let port: u16 = other.tls_address().await.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let to =
        |authority: &str| json!({"type": "wss", "host": "127.0.0.1", "port": port, "certificateAuthority": authority});
    let stranger = Authority::new().trust;
    let mut named = to(trust.root());
    // The other name of this computer is in its certificate too.
    named["host"] = json!("localhost");
    let server = ServerOptions::new()
        .vessel("Reader", "230022521")
        .connection("named", "SignalK", named)
        .connection("stranger", "SignalK", to(stranger.root()))
        .start()
        .await;
    let path = "/signalk/v1/api/vessels/urn:mrn:imo:mmsi:230022520/test/source";
    server.eventually(path, |leaf| leaf["value"] == 1).await;
    sender.send(&delta("t", "test.source", 2)).await;
    server.eventually(path, |leaf| leaf["value"] == 2).await;
    let refused = [
        "WARN",
        "connection stranger",
        "no certificate that can be trusted",
        "by the authority in `certificateAuthority`",
    ];
    server.logs().wait_for(&refused).await;
    assert_eq!(server.connection_statistics("stranger").await["deltas"], 0);
    // What can be no authority is found out when the connection is tried.
    let entry = |options: Json| json!({"id": "stranger", "type": "SignalK", "options": options});
    let both =
        json!({"type": "wss", "host": "h", "port": port, "certificateAuthority": trust.root(), "selfsignedcert": true});
    for (options, words) in [
        (to("ca.pem"), "`subOptions.certificateAuthority` is a text without a certificate"),
        (to(&trust.root()[..200]), "`subOptions.certificateAuthority` is damaged"),
        (both, "`subOptions.selfsignedcert` is true; it should be false"),
        (to(stranger.root()), "by the authority in `certificateAuthority`"),
    ] {
        let tried = server.post("/windlass/connections/test", &entry(options)).await.json();
        let problem = tried["problem"].as_str().unwrap_or_default();
        assert!(tried["connected"] == false && problem.contains(words), "{tried}");
    }
    let tried = server.post("/windlass/connections/test", &entry(to(trust.root()))).await.json();
    assert_eq!(tried["connected"], true, "{tried}");
    // The right one works as soon as it is saved.
    let body = json!({"id": "stranger", "enabled": true, "type": "SignalK", "options": to(trust.root())}).to_string();
    let saved = server.request(Method::PUT, "/skServer/providers/stranger", &[], Some(body)).await;
    assert_eq!(saved.status, 200, "{}", saved.text);
    server.logs().wait_for(&["connection stranger: connected to 127.0.0.1"]).await;
}
