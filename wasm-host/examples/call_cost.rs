//! Measures what the host adds to a plugin's own work: `cargo run --release -p windlass-wasm-host --example call_cost [module.wasm…]`.
//!
//! Prints one table: delivering a delta, starting from the module cache, stopping a plugin that spins, and the memory of live instances. Modules
//! given as arguments are compiled and loaded from the cache as well.

use std::{
    fmt::Write as _,
    sync::{Arc, Barrier},
    time::{Duration, Instant},
};

use windlass_wasm_host::{
    CallError, Capabilities, CompiledPlugin, Deadlines, Guest, HandlerKind, Limits, NoHost, Runtime, RuntimeOptions,
    Sandbox, SharedText,
};

const DELTA: &str = r#"{"context":"vessels.urn:mrn:imo:mmsi:230099999","updates":[{"$source":"gps.GP","timestamp":"2024-05-01T12:00:00.000Z","values":[{"path":"navigation.position","value":{"latitude":60.1509,"longitude":24.9512}},{"path":"navigation.speedOverGround","value":3.85},{"path":"navigation.magneticVariation","value":0.1}]}]}"#;

/// The exports every buffer plugin has; the rest is up to the measurement.
const BUFFER: &str = r#"
    (func (export "plugin_name") (param i32 i32) (result i32) (i32.const 0))
    (func (export "plugin_schema") (param i32 i32) (result i32) (i32.const 0))
    (func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))
    (func (export "plugin_stop") (result i32) (i32.const 0))"#;

/// A buffer plugin that does nothing.
const IDLE: &str = r#"
    (memory (export "memory") 4)
    (func (export "allocate") (param i32) (result i32) (i32.const 65536))
    (func (export "poll") (result i32) (i32.const 0))
    (func (export "delta_handler") (param $p i32) (param $n i32))"#;

const ASSEMBLY_SCRIPT: &str = r#"(module
    (memory (export "memory") 4)
    (func (export "__new") (param i32 i32) (result i32) (i32.const 65536))
    (func (export "__pin") (param i32) (result i32) (local.get 0))
    (func (export "__unpin") (param i32))
    (func (export "__setArgumentsLength") (param i32))
    (func (export "plugin_name") (result i32) (i32.const 0))
    (func (export "plugin_schema") (result i32) (i32.const 0))
    (func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))
    (func (export "plugin_stop") (result i32) (i32.const 0))
    (func (export "poll") (result i32) (i32.const 0))
    (func (export "delta_handler") (param i32)))"#;

/// Grows its memory for each allocation; `FILL` is what it does with it. Its handler answers two bytes.
const ALLOCATING: &str = r#"
    (memory (export "memory") 2)
    (func (export "allocate") (param $n i32) (result i32)
      (local $at i32)
      (local.set $at (i32.mul (i32.const 65536)
        (memory.grow (i32.div_u (i32.add (local.get $n) (i32.const 65535)) (i32.const 65536)))))
      FILL
      (local.get $at))
    (func (export "status") (param $p i32) (param $n i32) (param $out i32) (param $max i32) (result i32)
      (i32.store16 (local.get $out) (i32.const 0x7d7b)) (i32.const 2))"#;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    println!("{:<58} {:>12} {:>12}", "what", "median", "goal");
    deltas()?;
    starting()?;
    stopping()?;
    answers()?;
    instances()
}

fn row(what: &str, median: &str, goal: &str) {
    println!("{what:<58} {median:>12} {goal:>12}");
}

fn buffer(more: &str) -> String {
    format!("(module {more} {BUFFER})")
}

fn open(runtime: &Runtime, plugin: &CompiledPlugin, limits: &Limits) -> Result<Box<dyn Guest>, Failure> {
    let sandbox =
        Sandbox { vfs_root: None, environment: vec![], capabilities: Capabilities::default(), utf16_requests: false };
    Ok(runtime.instantiate(plugin, Arc::new(NoHost), sandbox, limits)?)
}

fn load(runtime: &Runtime, wat: &str, limits: &Limits) -> Result<Box<dyn Guest>, Failure> {
    open(runtime, &runtime.compile_bytes(&wat::parse_str(wat)?, limits)?, limits)
}

fn median(mut values: Vec<Duration>) -> Duration {
    values.sort_unstable();
    values[values.len() / 2]
}

/// The cost of one call, as the median of rounds that are shorter than the time slices of a busy machine.
fn cost(guest: &mut dyn Guest, call: impl Fn(&mut dyn Guest) -> Result<(), CallError>) -> Result<String, CallError> {
    const CALLS: u32 = 500;
    let mut rounds = Vec::new();
    for _ in 0..2001 {
        let begun = Instant::now();
        for _ in 0..CALLS {
            call(guest)?;
        }
        rounds.push(begun.elapsed() / CALLS);
    }
    Ok(format!("{} ns", median(rounds).as_nanos()))
}

fn deltas() -> Result<(), Failure> {
    let runtime = Runtime::new(RuntimeOptions::default())?;
    let limits = Limits::default();
    let shared = SharedText::from(DELTA);
    for (flavour, wat, goal) in
        [("buffer", buffer(IDLE), "1000 ns"), ("AssemblyScript", ASSEMBLY_SCRIPT.to_owned(), "2500 ns")]
    {
        let mut guest = load(&runtime, &wat, &limits)?;
        guest.start("{}")?;
        let delivered = cost(&mut *guest, |guest| guest.deliver_shared(&shared))?;
        row(&format!("{flavour}: deliver {} bytes, rendered for all", DELTA.len()), &delivered, goal);
        row(&format!("{flavour}: deliver, rendered for one"), &cost(&mut *guest, |guest| guest.deliver(DELTA))?, "");
        row(&format!("{flavour}: call without arguments"), &cost(&mut *guest, |guest| guest.poll().map(drop))?, "");
    }
    Ok(())
}

/// A module of the size of a plugin in a compiled language.
fn large_module() -> String {
    let mut functions = String::new();
    for i in 0..1500 {
        let _ = write!(
            functions,
            "(func $f{i} (param $a i32) (param $b i32) (result i32) (local $k i32)
               (loop $l
                 (i32.store offset={offset} (local.get $k) (i32.xor (local.get $a) (i32.load (local.get $b))))
                 (local.set $k (i32.add (local.get $k) (i32.const 4)))
                 (if (i32.eqz (i32.rem_u (local.get $k) (i32.const {odd})))
                   (then (local.set $b (call $f{next} (local.get $k) (local.get $a)))))
                 (br_if $l (i32.lt_u (local.get $k) (i32.const 64))))
               (local.get $b))",
            offset = 4 * i,
            odd = 2 * i + 3,
            next = (i * 7 + 1) % 1500,
        );
    }
    buffer(&format!("{IDLE} {functions}"))
}

fn starting() -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let limits = Limits::default();
    let mut modules = vec![("generated".to_owned(), wat::parse_str(large_module())?)];
    for path in std::env::args().skip(1) {
        modules.push((path.clone(), std::fs::read(path)?));
    }
    for (index, (name, wasm)) in modules.into_iter().enumerate() {
        let mut compiled = Vec::new();
        let mut cached = Vec::new();
        for round in 0..5 {
            let cache_dir = directory.path().join(format!("{index}-{round}"));
            let runtime = Runtime::new(RuntimeOptions { cache_dir: Some(cache_dir), ..RuntimeOptions::default() })?;
            let begun = Instant::now();
            runtime.compile_bytes(&wasm, &limits)?;
            compiled.push(begun.elapsed());
            for _ in 0..5 {
                let begun = Instant::now();
                let plugin = runtime.compile_bytes(&wasm, &limits)?;
                cached.push(begun.elapsed());
                assert_eq!(plugin.origin(), windlass_wasm_host::Origin::Cached, "the cache is warm");
            }
        }
        let (compiled, cached) = (median(compiled), median(cached));
        let ratio = compiled.as_secs_f64() / cached.as_secs_f64();
        let size = wasm.len() / 1024;
        row(&format!("{name} ({size} KiB): compile"), &format!("{:.1} ms", compiled.as_secs_f64() * 1e3), "");
        row(&format!("{name}: load from the cache"), &format!("{:.2} ms", cached.as_secs_f64() * 1e3), "");
        row(&format!("{name}: ratio"), &format!("{ratio:.0} x"), "100 x");
    }
    let runtime = Runtime::new(RuntimeOptions::default())?;
    let plugin = runtime.compile_bytes(&wat::parse_str(buffer(IDLE))?, &limits)?;
    let mut rounds = Vec::new();
    for _ in 0..201 {
        let begun = Instant::now();
        drop(open(&runtime, &plugin, &limits)?);
        rounds.push(begun.elapsed());
    }
    row("instantiate and drop", &format!("{:.0} µs", median(rounds).as_secs_f64() * 1e6), "");
    Ok(())
}

fn stopping() -> Result<(), Failure> {
    const DEADLINE: Duration = Duration::from_millis(50);
    let runtime = Runtime::new(RuntimeOptions::default())?;
    let limits = Limits { deadlines: Deadlines::all(DEADLINE), ..Limits::default() };
    for (what, spin) in [
        ("a loop", "(loop $l (br $l)) (unreachable)"),
        ("a loop of host calls", "(loop $l (call $debug (i32.const 0) (i32.const 10)) (br $l)) (unreachable)"),
        ("a loop of memory.grow", "(loop $l (drop (memory.grow (i32.const 1))) (br $l)) (unreachable)"),
    ] {
        let poll = format!(r#"(func (export "poll") (result i32) {spin})"#);
        let wat = buffer(&format!(
            r#"(import "env" "sk_debug" (func $debug (param i32 i32)))
               {} {poll}"#,
            IDLE.replace(r#"(func (export "poll") (result i32) (i32.const 0))"#, "")
        ));
        let plugin = runtime.compile_bytes(&wat::parse_str(wat)?, &limits)?;
        let mut late = Vec::new();
        for _ in 0..21 {
            let mut guest = open(&runtime, &plugin, &limits)?;
            let begun = Instant::now();
            assert!(matches!(guest.poll(), Err(CallError::Deadline { .. })), "it was stopped");
            late.push(begun.elapsed() - DEADLINE);
        }
        let worst = late.iter().max().copied().unwrap_or_default();
        let middle = format!("{:.2} ms", median(late).as_secs_f64() * 1e3);
        row(&format!("stop {what} (worst {:.2} ms)", worst.as_secs_f64() * 1e3), &middle, "20 ms");
    }
    Ok(())
}

/// What the room for large answers costs a plugin that gives small ones.
fn answers() -> Result<(), Failure> {
    let runtime = Runtime::new(RuntimeOptions::default())?;
    let limits = Limits::default();
    for (allocator, fill) in
        [("leaves memory alone", ""), ("clears memory", "(memory.fill (local.get $at) (i32.const 0) (local.get $n))")]
    {
        let mut guest = load(&runtime, &buffer(&ALLOCATING.replace("FILL", fill)), &limits)?;
        guest.start("{}")?;
        let before = resident();
        guest.handle(HandlerKind::Http, "status", "{}")?;
        let room = guest.memory_bytes() >> 20;
        row(&format!("room for answers ({room} MiB), allocator {allocator}"), &difference(before), "");
    }
    Ok(())
}

fn instances() -> Result<(), Failure> {
    const INSTANCES: u64 = 100;
    let runtime = Runtime::new(RuntimeOptions::default())?;
    let limits = Limits::default();
    for (flavour, wat) in [("buffer", buffer(IDLE)), ("AssemblyScript", ASSEMBLY_SCRIPT.to_owned())] {
        let plugin = runtime.compile_bytes(&wat::parse_str(wat)?, &limits)?;
        let before = resident();
        let ready = Barrier::new(INSTANCES as usize + 1);
        let measured = Barrier::new(INSTANCES as usize + 1);
        std::thread::scope(|scope| {
            for _ in 0..INSTANCES {
                let work = || {
                    let mut guest = open(&runtime, &plugin, &limits).expect("it did before");
                    for _ in 0..100 {
                        guest.deliver(DELTA).expect("it takes deltas");
                    }
                    ready.wait();
                    measured.wait();
                };
                std::thread::Builder::new().stack_size(256 << 10).spawn_scoped(scope, work).expect("a thread");
            }
            ready.wait();
            row(&format!("{INSTANCES} live {flavour} plugins on threads"), &difference(before), "25 MiB");
            measured.wait();
        });
    }
    Ok(())
}

/// Bytes of memory that belong to this process alone, where the system tells.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let kibibytes = text
        .lines()
        .filter(|line| line.starts_with("Private_"))
        .filter_map(|line| line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()));
    Some(kibibytes.sum::<u64>() * 1024)
}

fn difference(before: Option<u64>) -> String {
    match before.zip(resident()) {
        Some((before, after)) => format!("{:.2} MiB", after.saturating_sub(before) as f64 / 1_048_576.0),
        None => "unknown".to_owned(),
    }
}
