//! Twenty plugins that crash, leak, hang and are reloaded at random, under 500 deltas a second, for as long as is asked for.
//!
//! `cargo xtask soak --minutes N` builds what is needed and starts it. It fails when a delta is lost, a plugin is stuck, or the memory of the
//! server goes on growing; the figures are printed at the end.
//!
//! When it does grow, `--only reload|restart|off-and-on|crash|nothing` finds out by what: the plugins are then all well-behaved (with `crash`:
//! all crashing) and only this is done to them, `--every MILLISECONDS`.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::time::{Instant, MissedTickBehavior, interval};
use windlass_tests::{Continuity, Server, ServerOptions, WatPlugin};

/// 500 deltas a second.
const PERIOD: Duration = Duration::from_millis(2);
/// How often a plugin is picked, and something done to it.
const BETWEEN_ACTIONS: Duration = Duration::from_millis(700);
const BETWEEN_WARMING_ACTIONS: Duration = Duration::from_millis(25);
const WARMING_ACTIONS_BETWEEN_LOOKS: usize = 200;
/// The last part of the time counts; before, what was busy while warming up calms down.
const MEASURED: f64 = 0.8;
const BETWEEN_SAMPLES: Duration = Duration::from_secs(5);
/// What the memory may grow by while it is measured, in KiB.
///
/// The system's allocator keeps freed memory for each thread (up to 236 KiB) and in as many arenas as eight times the cores, each of which
/// grows to the most that was ever in use in it at once: growth with an end, in steps of up to 0.4 MiB and up to 0.6 MiB in seven minutes as
/// measured (docs/performance.md). A leak has no end: in the 24 minutes that
/// are measured of 30, one of the smallest piece of memory there is (32 bytes) for each delta is 22 MiB, and one of a stopped instance
/// (30 KiB) for each action 60 MiB; what can be as large as this bound is one of 750 bytes an action. `--every` makes it smaller.
const MOST_KIB: f64 = 1536.0;
const SETTINGS: &str = "[plugins.limits]\nmemoryBytes = 16777216\n[plugins.limits.deadlines]\npoll = 250\n";

/// What a plugin of the soak does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Counts what it is given.
    Steady,
    /// The same with WASI, as most plugins have it.
    Wasi,
    /// Traps at every few thousandth delta.
    Crashing,
    /// Takes a page of memory with each poll, until it gets none and traps.
    Leaking,
    /// Loops forever in its tenth poll.
    Hanging,
}

const KINDS: [(Kind, usize); 5] =
    [(Kind::Steady, 5), (Kind::Wasi, 5), (Kind::Crashing, 5), (Kind::Leaking, 3), (Kind::Hanging, 2)];

/// What is done to plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Reload,
    Restart,
    OffAndOn,
    /// They do it themselves; whoever has been switched off for it is started again.
    Crash,
    /// Deltas only.
    Nothing,
}

const ACTIONS: [(&str, Action); 5] = [
    ("reload", Action::Reload),
    ("restart", Action::Restart),
    ("off-and-on", Action::OffAndOn),
    ("crash", Action::Crash),
    ("nothing", Action::Nothing),
];

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
            Kind::Wasi => calm("")
                .wasi("clock_time_get", "(param i32 i64 i32) (result i32)")
                .poll("(drop (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 65536)))")
                .wasm(),
            Kind::Crashing => {
                let every = 2_003 + 601 * (number % 5);
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

fn members(only: Option<Action>) -> Vec<Member> {
    let name = |kind: Kind, number| Member { name: format!("{kind:?}-{number}").to_lowercase(), kind };
    let all: usize = KINDS.iter().map(|(_, count)| count).sum();
    match only {
        None => KINDS.iter().flat_map(|(kind, count)| (0..*count).map(move |number| name(*kind, number))).collect(),
        Some(Action::Crash) => (0..all).map(|number| name(Kind::Crashing, number)).collect(),
        Some(_) => (0..all).map(|number| name([Kind::Steady, Kind::Wasi][number % 2], number)).collect(),
    }
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

    fn action(&mut self) -> Action {
        [Action::Reload, Action::Reload, Action::Restart, Action::OffAndOn][self.below(4)]
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
    async fn act(&mut self, server: &Server, member: &Member, action: Action) {
        let path = format!("/skServer/plugins/{}", member.name);
        let action = match action {
            Action::Reload => {
                self.reloads += 1;
                "reload"
            }
            Action::Restart => {
                self.restarts += 1;
                "restart"
            }
            Action::OffAndOn => {
                self.off_and_on += 1;
                server.post(&format!("{path}/disable"), &json!({})).await;
                "enable"
            }
            Action::Crash => "enable",
            Action::Nothing => return,
        };
        // A plugin that has just crashed may be busy; that is an answer, too.
        if server.post(&format!("{path}/{action}"), &json!({})).await.status != 200 {
            self.refused += 1;
        }
    }
}

/// Fills whatever has a bound before the memory is measured: the log of each plugin, which keeps 500 lines and would take half an hour for
/// them, and what the allocator keeps for each thread.
async fn warm_up(server: &Server, members: &[Member], tally: &mut Tally, dice: &mut Dice) {
    let mut pace = interval(BETWEEN_WARMING_ACTIONS);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut filling: Vec<&Member> = members.iter().collect();
    while !filling.is_empty() {
        for _ in 0..WARMING_ACTIONS_BETWEEN_LOOKS {
            pace.tick().await;
            tally.act(server, filling[dice.below(filling.len())], dice.action()).await;
        }
        let mut left = Vec::new();
        for member in filling {
            let log = server.json(&format!("/skServer/plugins/{}/@log?after=0", member.name)).await;
            // A line that is missing has made room for another one: the book is full.
            if log["missed"] == 0 {
                left.push(member);
            }
        }
        filling = left;
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

#[derive(Debug)]
struct Options {
    minutes: f64,
    only: Option<Action>,
    every: Duration,
}

fn options() -> Result<Options, String> {
    let mut options = Options { minutes: 30.0, only: None, every: BETWEEN_ACTIONS };
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--minutes" => {
                options.minutes = value
                    .parse()
                    .ok()
                    .filter(|minutes: &f64| *minutes > 0.0 && minutes.is_finite())
                    .ok_or_else(|| format!("--minutes takes a number above 0, not {value:?}"))?;
            }
            "--every" => {
                let milliseconds: Option<u64> = value.parse().ok().filter(|milliseconds| *milliseconds > 0);
                options.every = Duration::from_millis(
                    milliseconds.ok_or_else(|| format!("--every takes a number of milliseconds, not {value:?}"))?,
                );
            }
            "--only" => {
                let known = ACTIONS.iter().find(|(name, _)| *name == value);
                options.only = Some(known.map(|(_, action)| *action).ok_or_else(|| {
                    let names: Vec<_> = ACTIONS.iter().map(|(name, _)| *name).collect();
                    format!("--only takes one of {}, not {value:?}", names.join(", "))
                })?);
            }
            _ => {
                return Err(format!(
                    "the options are --minutes N, --only ACTION and --every MILLISECONDS, not {name:?}"
                ));
            }
        }
    }
    Ok(options)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Options { minutes, only, every } = match options() {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    let members = members(only);
    let server = start(&members).await;
    let mut flowing = Continuity::paced(&server, PERIOD).await;
    let (mut dice, mut warming, warming_begun) = (Dice(20), Tally::default(), Instant::now());
    warm_up(&server, &members, &mut warming, &mut dice).await;
    println!("warm after {:.1} minutes: {warming:?}", warming_begun.elapsed().as_secs_f64() / 60.0);
    let begun = Instant::now();
    let end = begun + Duration::from_secs_f64(minutes * 60.0);
    let (mut tally, mut samples) = (Tally::default(), Vec::new());
    let (mut actions, mut sampling) = (interval(every), interval(BETWEEN_SAMPLES));
    actions.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while Instant::now() < end {
        tokio::select! {
            _ = actions.tick() => {
                let member = &members[dice.below(members.len())];
                let action = only.unwrap_or_else(|| dice.action());
                tally.act(&server, member, action).await;
            }
            _ = sampling.tick() => {
                flowing.flows_on(1).await;
                let minute = begun.elapsed().as_secs_f64() / 60.0;
                let kib = server.anonymous_bytes() as f64 / 1024.0;
                samples.push((minute, kib));
                if samples.len() % 12 == 1 {
                    println!("minute {minute:5.1}: {kib:.0} KiB, {} KiB resident", server.resident_bytes() / 1024);
                }
            }
        }
    }
    let settled: Vec<_> = samples.iter().copied().filter(|(minute, _)| *minute >= minutes * (1.0 - MEASURED)).collect();
    let growth = slope(&settled);
    let most = MOST_KIB / (minutes * MEASURED);
    let stuck = stuck(&server, &members).await;
    let sent = flowing.finish().await;
    let mut crashes = 0;
    for member in &members {
        let status = server.json(&format!("/skServer/plugins/{}/status", member.name)).await;
        crashes += status["crashCount"].as_u64().unwrap_or_default();
    }
    let (first, last) = (settled.first().map_or(0.0, |s| s.1), settled.last().map_or(0.0, |s| s.1));
    println!("{tally:?}, {crashes} crashes, {sent} deltas without a gap");
    println!("memory: {first:.0} KiB settled, {last:.0} KiB at the end, {growth:+.1} KiB a minute (at most {most:.0})");
    println!("stuck plugins: {stuck:?}");
    let ended = server.terminate().await;
    let sound = ended.status.code() == Some(0) && ended.logs.find(&["panicked"]).is_none();
    if stuck.is_empty() && sound && growth < most {
        ExitCode::SUCCESS
    } else {
        eprintln!("the soak has failed; the log ends\n{}", ended.logs.tail());
        ExitCode::FAILURE
    }
}
