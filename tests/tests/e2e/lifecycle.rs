//! Starting and ending.

use std::process::Command;
use std::time::Duration;

use serde_json::json;
use windlass_tests::{
    Continuity, Frame, NmeaPeer, PATIENCE, Server, ServerOptions, Stream, demo_plugins, server_binary,
};

/// What a person who ends a program with Ctrl-C would still call at once.
const SOON: Duration = Duration::from_secs(8);

#[tokio::test]
async fn sigterm_ends_a_server_with_clients_cleanly() {
    let server = ServerOptions::new()
        .nmea_listener("instruments")
        .argument("--demo")
        .environment("WINDLASS_DEMO_PLUGINS", demo_plugins())
        .start()
        .await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(Stream::connect(&server, "subscribe=all").await);
    }
    let mut flowing = Continuity::start(&server).await;
    flowing.flows_on(10).await;
    let mut instrument = NmeaPeer::connect(&server.input("instruments").await).await;
    instrument.say("GPHDT,10.0,T").await;
    flowing.finish().await;
    let ended = server.terminate().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.logs.tail());
    assert!(ended.took < SOON, "it took {:?}\n{}", ended.took, ended.logs.tail());
    assert_eq!(ended.logs.find(&["panicked"]), None);
    for mut client in clients {
        loop {
            match client.next_frame(PATIENCE).await {
                Some(Frame::Closed) => break,
                Some(_) => {}
                None => panic!("the connection of a client is still open"),
            }
        }
    }
}

#[tokio::test]
async fn ctrl_c_ends_the_server_cleanly() {
    let server = Server::start().await;
    let _client = Stream::connect(&server, "").await;
    let ended = server.interrupt().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.logs.tail());
    assert!(ended.took < SOON, "it took {:?}", ended.took);
}

#[tokio::test]
async fn a_made_up_identity_is_kept() {
    let server = Server::start().await;
    let first = server.tree("self").await;
    let saved = std::fs::read_to_string(server.directory().join("baseDeltas.json")).expect("the identity is saved");
    let uuid = first.as_str().and_then(|own| own.strip_prefix("vessels.")).expect("a context");
    assert!(saved.contains(uuid), "{uuid} in {saved}");
    let ended = server.terminate().await;
    let again = ServerOptions::new().directory(&ended.directory).start().await;
    assert_eq!(again.tree("self").await, first);
    let other = Server::start().await;
    assert_ne!(other.tree("self").await, first, "every boat has its own");
}

#[tokio::test]
async fn the_older_defaults_file_gives_the_identity() {
    let own = json!({"mmsi": "230088888", "name": "Older", "design": {"draft": {"value": {"maximum": 1.9}}}});
    let server = ServerOptions::new().json_file("defaults.json", &json!({"vessels": {"self": own}})).start().await;
    assert_eq!(server.tree("self").await, "vessels.urn:mrn:imo:mmsi:230088888");
    assert_eq!(server.tree("vessels/self/name").await, "Older");
    assert_eq!(server.tree("vessels/self/design/draft/value/maximum").await, 1.9);
}

#[tokio::test]
async fn unknown_keys_of_the_settings_are_left_alone() {
    let server =
        ServerOptions::new().setting("vendorKey", json!({"deep": [1, 2]})).setting("mdns", json!(true)).start().await;
    let settings = std::fs::read_to_string(server.directory().join("settings.json")).expect("the settings are there");
    assert!(settings.contains("vendorKey"), "{settings}");
}

#[test]
fn help_names_every_option() {
    let output = Command::new(server_binary()).arg("--help").output().expect("the server's binary can be started");
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).expect("the help is text");
    for option in
        ["--config-dir", "--port", "--playback", "--playback-speed", "--insecure", "--demo", "--help", "--version"]
    {
        assert!(help.contains(option), "{option} in\n{help}");
    }
}

#[test]
fn a_wrong_option_or_file_is_named() {
    let fails_with = |arguments: &[&str], named: &str| {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let mut command = Command::new(server_binary());
        command.args(arguments).args(["--port", "0", "--config-dir"]).arg(directory.path());
        // Not even readable; of a file that is only damaged the last good version is used.
        std::fs::create_dir(directory.path().join("settings.json")).expect("a directory can be made");
        let output = command.output().expect("the server's binary can be started");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(named), "{arguments:?}: {} {said}", output.status);
    };
    fails_with(&["--no-such-option"], "--no-such-option");
    fails_with(&[], "settings.json");
}
