//! Hostile plugins beside a victim and a client: each tries to escape, starve, flood, lie or crash; nobody but itself notices.

mod escape;
mod flood;
mod lie;
mod starve;

use std::os::unix::fs::symlink;

use serde_json::{Map, Value as Json, json};
use windlass_tests::{Continuity, Server, ServerOptions, Stream, WatPlugin};

/// Short deadlines and little room, so that the attacks reach their bounds soon.
const LIMITS: &str = "[plugins.limits]\nmemoryBytes = 16777216\nfiles = 200\nfileBytes = 1048576\n[plugins.limits.deadlines]\n\
                      initialize = 500\nmetadata = 500\nstart = 500\nstop = 500\npoll = 500\ndelta = 500\nrequest = 500\n";
/// What the server may keep of all attacks together: caches and arenas, but nothing that grows with them.
const KEPT_BYTES: u64 = 48 << 20;
const VICTIM: &str = "victim";

/// How an attack has to end.
#[derive(Debug, Clone, Copy)]
enum End {
    /// The plugin runs, and says that its attempt failed.
    Held,
    /// It crashes, with this in the reason.
    Crash(&'static str),
    /// Its module is refused, with this in the reason.
    Refused(&'static str),
    /// It does not come to run; how, is the engine's choice.
    Ends,
    /// It runs, whatever it does.
    Runs,
    /// It runs, and a number of its status reaches this.
    Counted(&'static str, u64),
    /// It runs, and a value of the own vessel comes from this source.
    Source(&'static str, &'static str),
}

struct Attack {
    name: &'static str,
    plugin: WatPlugin,
    capabilities: Map<String, Json>,
    /// A path below the plugin's endpoints, and the status its answer must have.
    request: Option<(&'static str, u16)>,
    end: End,
}

impl Attack {
    fn new(name: &'static str, plugin: WatPlugin, end: End) -> Self {
        Self { name, plugin, capabilities: Map::new(), request: None, end }
    }

    fn with(mut self, capabilities: Json) -> Self {
        let Json::Object(capabilities) = capabilities else { panic!("{capabilities} is no object") };
        self.capabilities.extend(capabilities);
        self
    }

    fn request(mut self, path: &'static str, status: u16) -> Self {
        self.request = Some((path, status));
        self
    }

    fn ends(mut self, end: End) -> Self {
        self.end = end;
        self
    }

    /// Lets the plugin loose, and waits for its end.
    async fn run(&self, server: &Server) {
        let name = self.name;
        let path = format!("/skServer/plugins/{name}");
        // The answer says how the start went, which is not the point here.
        server.post(&format!("{path}/enable"), &json!({})).await;
        if let Some((request, expected)) = self.request {
            server.eventually(&format!("{path}/status"), |status| status["state"] == "running").await;
            let answer = server.get(&format!("/plugins/{name}/{request}")).await;
            assert_eq!(answer.status.as_u16(), expected, "{name}: {}", answer.text);
            assert!(!answer.headers.contains_key("set-cookie"), "{name}: {:?}", answer.headers);
        }
        let text = |status: &Json, key: &str| status[key].as_str().unwrap_or_default().to_owned();
        let wanted = |status: &Json| match self.end {
            End::Held => {
                let message = text(status, "statusMessage");
                assert!(!message.contains("ESCAPED"), "{name} got through: {status}");
                status["state"] == "running" && message == "held"
            }
            End::Crash(_) => status["crashCount"].as_u64() >= Some(1),
            End::Refused(reason) => status["state"] == "error" && text(status, "errorMessage").contains(reason),
            End::Ends => status["state"] == "error" || status["crashCount"].as_u64() >= Some(1),
            End::Runs | End::Source(..) => status["state"] == "running",
            End::Counted(pointer, least) => {
                status["state"] == "running" && status.pointer(pointer).and_then(Json::as_u64) >= Some(least)
            }
        };
        let status = server.eventually(&format!("{path}/status"), wanted).await;
        match self.end {
            End::Crash(reason) => {
                drop(server.logs().wait_for(&["ERROR", &format!("plugin {name}: crashed"), reason]).await)
            }
            End::Source(path, source) => {
                let leaf =
                    server.eventually(&format!("/signalk/v1/api/vessels/self/{path}"), |leaf| leaf.is_object()).await;
                assert_eq!(leaf["$source"], source, "{name}: {leaf}");
            }
            End::Refused(_) => assert_eq!(status["crashCount"], 0, "{name}: {status}"),
            End::Held | End::Ends | End::Runs | End::Counted(..) => {}
        }
        server.post(&format!("{path}/disable"), &json!({})).await;
        let rests = |status: &Json| matches!(status["state"].as_str(), Some("stopped" | "error"));
        let status = server.eventually(&format!("{path}/status"), rests).await;
        assert_eq!(status["memoryBytes"], 0, "{name} is gone: {status}");
    }
}

/// A plugin that says how many deltas of the counter it was given.
fn victim() -> Vec<u8> {
    WatPlugin::counting("victim.seen", 1, "").wasm()
}

fn package(name: &str, capabilities: &Map<String, Json>, more: Json) -> String {
    json!({
        "name": name, "version": "1.0.0", "wasmManifest": "plugin.wasm", "keywords": ["signalk-wasm-plugin"],
        "wasmCapabilities": capabilities, "signalk": more,
    })
    .to_string()
}

fn install(mut options: ServerOptions, attacks: &[Attack]) -> ServerOptions {
    // Its own deltas would make it count for ever.
    let counts = json!({"wasm": {"subscriptions": ["navigation.speedOverGround"]}});
    options = options
        .file("windlass.toml", LIMITS)
        .file("node_modules/victim/package.json", package(VICTIM, &Map::new(), counts))
        .file("node_modules/victim/plugin.wasm", victim())
        .json_file("plugin-config-data/victim.json", &json!({"enabled": true, "configuration": {}}));
    for attack in attacks {
        let folder = format!("node_modules/{}", attack.name);
        options = options
            .file(format!("{folder}/package.json"), package(attack.name, &attack.capabilities, json!({})))
            .file(format!("{folder}/plugin.wasm"), attack.plugin.wasm());
    }
    options
}

/// Runs the attacks one after the other; the victim, a client and the server's memory are watched throughout.
async fn nobody_notices(attacks: Vec<Attack>) {
    let server = install(ServerOptions::new(), &attacks).start().await;
    plant_links(&server);
    for name in attacks.iter().map(|attack| attack.name).chain([VICTIM]) {
        // Each has been loaded once, so that the memory for that is taken before it is measured.
        let loaded = |status: &Json| !["starting"].contains(&status["state"].as_str().unwrap_or_default());
        server.eventually(&format!("/skServer/plugins/{name}/status"), loaded).await;
    }
    server.eventually(&format!("/skServer/plugins/{VICTIM}/status"), |status| status["state"] == "running").await;
    let mut seen = Stream::connect(&server, "subscribe=none").await;
    seen.subscribe("vessels.self", json!([{"path": "victim.seen", "policy": "instant"}])).await;
    let mut flowing = Continuity::start(&server).await;
    let before = server.resident_bytes();
    for attack in &attacks {
        attack.run(&server).await;
        flowing.flows_on(5).await;
    }
    let sent = flowing.finish().await;
    // The victim saw each number, one by one.
    let mut expected = 1;
    while expected <= sent {
        let value = seen.wait_for_path("victim.seen").await;
        assert_eq!((value.value, value.source.as_str()), (json!(format!("{expected:08}")), VICTIM));
        expected += 1;
    }
    let status = server.json(&format!("/skServer/plugins/{VICTIM}/status")).await;
    assert_eq!(
        (&status["state"], &status["crashCount"], &status["droppedDeltas"]),
        (&json!("running"), &json!(0), &json!(0))
    );
    let after = server.resident_bytes();
    assert!(after < before + KEPT_BYTES, "the server had {before} bytes before the attacks, {after} after");
    assert_eq!(server.logs().find(&["panicked"]), None);
    let outside = std::fs::read_dir(server.directory().join("plugin-config-data")).expect("the folder is there");
    let outside: Vec<_> = outside.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    assert!(!outside.iter().any(|name| name.starts_with("escaped") || name == "stolen"), "{outside:?}");
    let ended = server.terminate().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.logs.tail());
}

/// Links out of a plugin's directory, as a careless operator or a restored backup may leave them.
fn plant_links(server: &Server) {
    for (plugin, link, target) in [
        ("open-planted-link", "planted", "/etc"),
        ("open-planted-file-link", "planted-file", "/etc/passwd"),
        ("create-through-dangling-link", "dangling", "../../../escaped-through-link"),
    ] {
        let root = server.directory().join("plugin-config-data").join(plugin).join("vfs");
        std::fs::create_dir_all(&root).expect("a folder can be made");
        symlink(target, root.join(link)).expect("a link can be made");
    }
}

#[tokio::test]
async fn plugins_that_try_to_escape() {
    // ABI-30, ABI-37, ABI-40, ABI-66, ABI-86, ABI-93
    nobody_notices(escape::attacks()).await;
}

#[tokio::test]
async fn plugins_that_try_to_starve_others() {
    // ABI-57, ABI-87, ABI-88
    nobody_notices(starve::attacks()).await;
}

#[tokio::test]
async fn plugins_that_try_to_flood_the_server() {
    // ABI-36
    nobody_notices(flood::attacks()).await;
}

#[tokio::test]
async fn plugins_that_lie_or_fail() {
    // ABI-33, ABI-56
    nobody_notices(lie::attacks()).await;
}

#[test]
fn there_are_more_than_forty_attacks() {
    let all = [escape::attacks(), starve::attacks(), flood::attacks(), lie::attacks()].concat_names();
    let mut names = all.clone();
    names.sort_unstable();
    names.dedup();
    assert!(names.len() == all.len() && all.len() > 40, "{all:?}");
}

trait ConcatNames {
    fn concat_names(&self) -> Vec<&'static str>;
}

impl ConcatNames for [Vec<Attack>; 4] {
    fn concat_names(&self) -> Vec<&'static str> {
        self.iter().flatten().map(|attack| attack.name).collect()
    }
}
