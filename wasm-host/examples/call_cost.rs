//! Measures what calls into a plugin cost: `cargo run --release -p windlass-wasm-host --example call_cost`.

use std::{hint::black_box, sync::Arc, time::Instant};

use windlass_wasm_host::{
    Capabilities, DeltaVersion, Guest, Host, HostError, Limits, OutputStream, Runtime, RuntimeOptions, Sandbox,
};

const DELTA: &str = r#"{"context":"vessels.urn:mrn:imo:mmsi:230099999","updates":[{"$source":"gps.GP","timestamp":"2024-05-01T12:00:00.000Z","values":[{"path":"navigation.position","value":{"latitude":60.1509,"longitude":24.9512}},{"path":"navigation.speedOverGround","value":3.85}]}]}"#;

const BUFFER: &str = r#"(module
    (import "env" "sk_debug" (func $debug (param i32 i32)))
    (memory (export "memory") 4)
    (func (export "allocate") (param i32) (result i32) (i32.const 65536))
    (func (export "plugin_name") (param i32 i32) (result i32) (i32.const 0))
    (func (export "plugin_schema") (param i32 i32) (result i32) (i32.const 0))
    (func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))
    (func (export "plugin_stop") (result i32) (i32.const 0))
    (func (export "poll") (result i32) (i32.const 0))
    (func (export "delta_handler") (param $p i32) (param $n i32)))"#;

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

struct Silent;

impl Host for Silent {
    fn debug(&self, _: &str) {}
    fn set_status(&self, _: &str) {}
    fn set_error(&self, _: &str) {}
    fn emit_delta(&self, json: &str, _: DeltaVersion) {
        black_box(json);
    }
    fn publish_notification(&self, _: &str, _: &str) -> Result<(), HostError> {
        Ok(())
    }
    fn self_path(&self, _: &str) -> Option<String> {
        None
    }
    fn path(&self, _: &str) -> Option<String> {
        None
    }
    fn read_config(&self) -> Result<String, HostError> {
        Ok("{}".into())
    }
    fn save_config(&self, _: &str) -> Result<(), HostError> {
        Ok(())
    }
    fn output_line(&self, _: OutputStream, _: &str) {}
    fn denied(&self, _: &'static str, _: &'static str) {}
    fn notice(&self, _: &str) {}
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = Runtime::new(RuntimeOptions::default())?;
    let limits = Limits::default();
    let sandbox = Sandbox { vfs_root: None, environment: vec![], capabilities: Capabilities::default() };
    println!("a delta of {} bytes", DELTA.len());
    for (flavour, wat) in [("buffer ABI", BUFFER), ("AssemblyScript", ASSEMBLY_SCRIPT)] {
        let compiled = runtime.compile_bytes(&wat::parse_str(wat)?, &limits)?;
        let mut guest = runtime.instantiate(&compiled, Arc::new(Silent), sandbox.clone(), &limits)?;
        guest.start("{}")?;
        measure(&format!("{flavour}: deliver"), 1_000_000, &mut *guest, |guest| guest.deliver(DELTA).is_ok());
        measure(&format!("{flavour}: poll"), 1_000_000, &mut *guest, |guest| guest.poll().is_ok());
        let begun = Instant::now();
        for _ in 0..200 {
            black_box(runtime.instantiate(&compiled, Arc::new(Silent), sandbox.clone(), &limits)?);
        }
        println!("{flavour}: instantiate and drop: {:.1} µs", begun.elapsed().as_secs_f64() * 1e6 / 200.0);
    }
    Ok(())
}

fn measure(what: &str, count: u32, guest: &mut dyn Guest, call: impl Fn(&mut dyn Guest) -> bool) {
    let begun = Instant::now();
    for _ in 0..count {
        assert!(call(guest), "the call failed");
    }
    println!("{what}: {:.0} ns", begun.elapsed().as_secs_f64() * 1e9 / f64::from(count));
}
