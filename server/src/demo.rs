//! The demo: a simulated boat that speaks NMEA 0183 over TCP, as instruments do, and the example plugins.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use windlass_actors::durable;
use windlass_actors::simulator::{BoatSettings, Simulator};

use crate::identity::root_delta;

/// Where the built example plugins are, as `node_modules` with packages.
const PLUGINS_VARIABLE: &str = "WINDLASS_DEMO_PLUGINS";
/// The connection's id.
pub const CONNECTION: &str = "demo-boat";
/// How often the simulated instruments speak.
const TICK: Duration = Duration::from_millis(200);
/// Longest pause that she makes up for.
const PAUSE: Duration = Duration::from_secs(10);
/// What decides about her wind and waves.
const SEED: u64 = 1;

/// The folder with the example plugins, if they have been built.
pub fn plugin_root() -> Option<PathBuf> {
    let root = std::env::var_os(PLUGINS_VARIABLE).map(PathBuf::from);
    if root.is_none() {
        log::warn!("the example plugins are not built: start the demo with `cargo xtask run` to have them");
    }
    root
}

/// Where the demo keeps compiled plugins from one start to the next, while its configuration is a temporary one:
/// `${XDG_CACHE_HOME:-$HOME/.cache}/windlass/modules`.
pub fn module_cache() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    caches.map(|caches| caches.join("windlass").join("modules"))
}

/// Prepares a configuration directory: a name for the boat and configurations that enable the example plugins, where there are none.
pub fn prepare(directory: &Path) -> std::io::Result<()> {
    let boat = json!([root_delta(json!({"name": "Demo boat", "mmsi": "230099999"}))]);
    write_absent(&directory.join("baseDeltas.json"), &boat)?;
    let plugins = directory.join("plugin-config-data");
    std::fs::create_dir_all(&plugins)?;
    let enabled = |configuration: Value| json!({"enabled": true, "enableDebug": false, "configuration": configuration});
    // The boat sails on, so the anchor is weighed and dropped again: the alarm comes and goes.
    write_absent(&plugins.join("_windlass_anchor-watch.json"), &enabled(json!({"weighBeyond": 150})))?;
    write_absent(&plugins.join("_windlass_true-wind.json"), &enabled(json!({})))
}

fn write_absent(path: &Path, content: &Value) -> std::io::Result<()> {
    if path.exists() { Ok(()) } else { durable::write(path, format!("{content:#}\n").as_bytes()) }
}

/// Starts the simulated instruments on the current arbiter, listening on a free local port.
pub async fn start_boat() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    actix::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(actix::spawn(speak(stream))),
                Err(error) => {
                    log::warn!("demo boat: a connection could not be accepted: {error}");
                    tokio::time::sleep(TICK).await;
                }
            }
        }
    });
    Ok(address)
}

/// What the boat says until now. After a longer pause, such as when the computer slept or its clock was set, she starts anew: nobody
/// wants to hear what she would have said meanwhile, and computing it would take long.
fn say(boat: &mut Simulator, now: jiff::Timestamp) -> String {
    if now.duration_since(boat.now()).unsigned_abs() > PAUSE {
        *boat = Simulator::new(BoatSettings::default(), SEED, now);
    }
    boat.advance(now).join("\r\n")
}

async fn speak(mut stream: TcpStream) {
    let mut boat = Simulator::new(BoatSettings::default(), SEED, jiff::Timestamp::now());
    let mut tick = tokio::time::interval(TICK);
    loop {
        tick.tick().await;
        let mut text = say(&mut boat, jiff::Timestamp::now());
        if text.is_empty() {
            continue;
        }
        text.push_str("\r\n");
        // The listener goes away when the server stops, and then nobody listens to the boat.
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;

    #[test]
    fn the_boat_does_not_make_up_for_a_long_pause() {
        let start: Timestamp = "2026-05-02T10:00:00Z".parse().expect("a time");
        let after = |seconds| start + SignedDuration::from_secs(seconds);
        let mut boat = Simulator::new(BoatSettings::default(), SEED, start);
        assert!(say(&mut boat, after(1)).contains('$'));
        assert!(say(&mut boat, after(9)).lines().count() > 100, "a short pause is made up for");
        let mut now = 9;
        // A night's sleep, and then the clock is put back.
        for leap in [100_000, -100_000] {
            now += leap;
            assert_eq!(say(&mut boat, after(now)), "");
            now += 1;
            assert!(say(&mut boat, after(now)).lines().count() > 10, "and she goes on");
        }
    }
}
