//! Twenty plugins that crash, leak, hang and are reloaded at random, under 500 deltas a second, for as long as is asked for.
//!
//! `cargo xtask soak --minutes N` builds what is needed and starts it. It fails when a delta is lost, a plugin is stuck, or the memory of the
//! server goes on growing; the figures are printed at the end.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::time::{Instant, MissedTickBehavior, interval};
use windlass_tests::{Continuity, Server, ServerOptions, WatPlugin};

/// 500 deltas a second.
const PERIOD: Duration = Duration::from_millis(2);
/// How often a plugin is picked, and something done to it.
const BETWEEN_ACTIONS: Duration = Duration::from_millis(700);
const BETWEEN_SAMPLES: Duration = Duration::from_secs(5);
/// Growth that is still noise: memory arenas and caches settle for a long time.
const NOISE_KIB_A_MINUTE: f64 = 256.0;
const SETTINGS: &str = "[plugins.limits]\nmemoryBytes = 16777216\n[plugins.limits.deadlines]\npoll = 250\n";

/// What a plugin of the soak does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Counts what it is given.
    Steady,
    /// Traps at every few thousandth delta.
    Crashing,
    /// Takes a page of memory with each poll, until it gets none and traps.
    Leaking,
    /// Loops forever in its tenth poll.
    Hanging,
}

const KINDS: [(Kind, usize); 4] = [(Kind::Steady, 10), (Kind::Crashing, 5), (Kind::Leaking, 3), (Kind::Hanging, 2)];

struct Member {
    name: String,
    kind: Kind,
}

impl Member {
    fn wasm(&self, number: usize) -> Vec<u8> {
        let path = format!("soak.{}", self.name);
        let calm = |then: &str| WatPlugin::counting(&path, 50, then);
        match self.kind {
            Kind::Steady => calm("").wasm(),
            Kind::Crashing => {
                let every = 2_003 + 601 * number;
                calm(&format!("(if (i32.eqz (i32.rem_u (global.get $seen) (i32.const {every}))) (then unreachable))"))
                    .wasm()
            }
            Kind::Leaking => {
                calm("").poll("(if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))").wasm()
            }
            Kind::Hanging => calm("")
                .field("(global $polls (mut i32) (i32.const 0))")
                .poll(
                    "(global.set $polls (i32.add (global.get $polls) (i32.const 1)))
                     (if (i32.ge_u (global.get $polls) (i32.const 10)) (then (loop $forever (br $forever))))",
                )
                .wasm(),
        }
    }
}

fn members() -> Vec<Member> {
    let name = |kind: Kind, number| Member { name: format!("{kind:?}-{number}").to_lowercase(), kind };
    KINDS.iter().flat_map(|(kind, count)| (0..*count).map(move |number| name(*kind, number))).collect()
}

async fn start(members: &[Member]) -> Server {
    let mut options = ServerOptions::new().file("windlass.toml", SETTINGS);
    for (number, member) in members.iter().enumerate() {
        let name = &member.name;
        let package = json!({
            "name": name, "version": "1.0.0", "wasmManifest": "plugin.wasm", "keywords": ["signalk-wasm-plugin"],
            "signalk": {"wasm": {"subscriptions": ["navigation.speedOverGround"]}},
        });
        options = options
            .json_file(format!("node_modules/{name}/package.json"), &package)
            .file(format!("node_modules/{name}/plugin.wasm"), member.wasm(number))
            .json_file(format!("plugin-config-data/{name}.json"), &json!({"enabled": true, "configuration": {}}));
    }
    options.start().await
}

/// A small generator of numbers; the same seed gives the same soak.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

#[derive(Debug, Default)]
struct Tally {
    reloads: u64,
    restarts: u64,
    off_and_on: u64,
    refused: u64,
}

impl Tally {
    async fn act(&mut self, server: &Server, member: &Member, dice: &mut Dice) {
        let path = format!("/skServer/plugins/{}", member.name);
        let action = match dice.below(4) {
            0 | 1 => {
                self.reloads += 1;
                "reload"
            }
            2 => {
                self.restarts += 1;
                "restart"
            }
            _ => {
                self.off_and_on += 1;
                server.post(&format!("{path}/disable"), &json!({})).await;
                "enable"
            }
        };
        // A plugin that has just crashed may be busy; that is an answer, too.
        if server.post(&format!("{path}/{action}"), &json!({})).await.status != 200 {
            self.refused += 1;
        }
    }
}

/// Kilobytes a minute by which the samples grow: the slope of the line with the least squares.
fn slope(samples: &[(f64, f64)]) -> f64 {
    let count = samples.len() as f64;
    let (sum_x, sum_y) = samples.iter().fold((0.0, 0.0), |(x, y), sample| (x + sample.0, y + sample.1));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let covariance: f64 = samples.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = samples.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    if variance == 0.0 { 0.0 } else { covariance / variance }
}

/// The plugins that don't do what they should at the end: run, and count on.
async fn stuck(server: &Server, members: &[Member]) -> Vec<String> {
    let mut stuck = Vec::new();
    for member in members {
        let path = format!("/skServer/plugins/{}", member.name);
        // Whatever state chance has left it in, it must be possible to bring it back.
        server.post(&format!("{path}/enable"), &json!({})).await;
        server.post(&format!("{path}/restart"), &json!({})).await;
        let calls = |status: &Json| status["calls"]["count"].as_u64().unwrap_or_default();
        let running = server.eventually(&format!("{path}/status"), |status| status["state"] == "running").await;
        let before = calls(&running);
        let deadline = Instant::now() + Duration::from_secs(20);
        while calls(&server.json(&format!("{path}/status")).await) < before + 100 {
            if Instant::now() > deadline {
                stuck.push(member.name.clone());
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    stuck
}

fn minutes() -> Result<f64, String> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [] => Ok(30.0),
        [name, value] if name == "--minutes" => match value.parse() {
            Ok(minutes) if minutes > 0.0 => Ok(minutes),
            _ => Err(format!("--minutes takes a number above 0, not {value:?}")),
        },
        _ => Err(format!("the only option is --minutes N, not {args:?}")),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let minutes = match minutes() {
        Ok(minutes) => minutes,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    let members = members();
    let server = start(&members).await;
    let mut flowing = Continuity::paced(&server, PERIOD).await;
    let begun = Instant::now();
    let end = begun + Duration::from_secs_f64(minutes * 60.0);
    let (mut dice, mut tally, mut samples) = (Dice(20), Tally::default(), Vec::new());
    let (mut actions, mut sampling) = (interval(BETWEEN_ACTIONS), interval(BETWEEN_SAMPLES));
    actions.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while Instant::now() < end {
        tokio::select! {
            _ = actions.tick() => {
                let member = &members[dice.below(members.len())];
                tally.act(&server, member, &mut dice).await;
            }
            _ = sampling.tick() => {
                flowing.flows_on(1).await;
                let minute = begun.elapsed().as_secs_f64() / 60.0;
                let kib = server.resident_bytes() as f64 / 1024.0;
                samples.push((minute, kib));
                if samples.len() % 12 == 1 {
                    println!("minute {minute:5.1}: {:.1} MiB", kib / 1024.0);
                }
            }
        }
    }
    // The first fifth is for caches to fill and arenas to settle.
    let settled: Vec<_> = samples.iter().copied().filter(|(minute, _)| *minute >= minutes / 5.0).collect();
    let growth = slope(&settled);
    let stuck = stuck(&server, &members).await;
    let sent = flowing.finish().await;
    let mut crashes = 0;
    for member in &members {
        let status = server.json(&format!("/skServer/plugins/{}/status", member.name)).await;
        crashes += status["crashCount"].as_u64().unwrap_or_default();
    }
    let (first, last) = (settled.first().map_or(0.0, |s| s.1), settled.last().map_or(0.0, |s| s.1));
    println!("{tally:?}, {crashes} crashes, {sent} deltas without a gap");
    println!(
        "memory: {:.1} MiB settled, {:.1} MiB at the end, {growth:+.1} KiB a minute",
        first / 1024.0,
        last / 1024.0
    );
    println!("stuck plugins: {stuck:?}");
    let ended = server.terminate().await;
    let sound = ended.status.code() == Some(0) && ended.logs.find(&["panicked"]).is_none();
    if stuck.is_empty() && sound && growth < NOISE_KIB_A_MINUTE {
        ExitCode::SUCCESS
    } else {
        eprintln!("the soak has failed; the log ends\n{}", ended.logs.tail());
        ExitCode::FAILURE
    }
}
