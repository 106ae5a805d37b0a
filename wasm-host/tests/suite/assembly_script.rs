//! The AssemblyScript ABI.

use windlass_wasm_host::{Abi, CallError, SharedText};

use super::support::*;

/// Logs a managed string.
const LOG: &str = r#"(import "env" "console.log" (func $log (param i32)))"#;

#[test]
fn strings_travel_as_utf16_and_the_configuration_as_utf8() {
    // ABI-18, ABI-32
    let (name, schema) = ("Sann vind 🌬", r#"{"type":"object"}"#);
    let wat = Wat {
        imports: &format!(r#"{LOG} (import "env" "sk_debug" (func $debug (param i32 i32)))"#),
        name: "(i32.const 1024)",
        schema: "(i32.const 2048)",
        start: "(call $debug (local.get $p) (local.get $n)) (i32.const 0)",
        delta: "(call $log (local.get $p))",
        more: &(managed_string(1024, name) + &managed_string(2048, schema)),
        ..Wat::default()
    };
    let mut plugin = Plugin::load(&wat.assembly_script());
    assert_eq!(plugin.guest.abi(), Abi::AssemblyScript);
    assert_eq!(plugin.guest.name().unwrap(), name);
    assert_eq!(plugin.guest.schema().unwrap(), schema);
    assert_eq!(plugin.guest.start(r#"{"havn":"Tromsø"}"#).unwrap(), 0);
    plugin.guest.deliver(r#"{"navn":"Ærø ⚓"}"#).unwrap();
    plugin.guest.deliver("plain").unwrap();
    assert_eq!(plugin.host.debug_lines(), [r#"{"havn":"Tromsø"}"#, r#"{"navn":"Ærø ⚓"}"#, "plain"]);
}

#[test]
fn a_shared_delta_reaches_plugins_of_both_abis() {
    let delta = SharedText::from(r#"{"navn":"Ærø ⚓"}"#);
    let managed = Wat { imports: LOG, delta: "(call $log (local.get $p))", ..Wat::default() }.assembly_script();
    let buffer = Wat {
        imports: r#"(import "env" "sk_debug" (func $debug (param i32 i32)))"#,
        delta: "(call $debug (local.get $p) (local.get $n))",
        ..Wat::default()
    }
    .buffer();
    for wat in [&managed, &buffer, &managed] {
        let mut plugin = Plugin::load(wat);
        plugin.guest.deliver_shared(&delta).unwrap();
        assert_eq!(plugin.host.debug_lines(), [r#"{"navn":"Ærø ⚓"}"#]);
    }
}

#[test]
fn null_is_no_string() {
    let mut plugin = Plugin::load(&Wat::default().assembly_script());
    assert_eq!(plugin.guest.name().unwrap(), "");
    assert_eq!(plugin.guest.schema().unwrap(), "{}");
}

#[test]
fn what_is_passed_is_pinned_during_the_call_and_released_after_it() {
    // ABI-92
    let wat = Wat {
        start: "(global.get $pinned)",
        poll: "(global.get $pinned)",
        more: r#"(func (export "seen") (result i32) (global.get $arguments))"#,
        ..Wat::default()
    };
    let mut plugin = Plugin::load(&wat.assembly_script());
    assert_eq!(plugin.guest.start("{}").unwrap(), 1, "pinned while it runs");
    plugin.guest.deliver("{}").unwrap();
    assert_eq!(plugin.guest.poll().unwrap(), 0, "nothing stays pinned");
}

#[test]
fn the_number_of_arguments_is_announced_before_every_call() {
    let wat = Wat { start: "(global.get $arguments)", poll: "(global.get $arguments)", ..Wat::default() };
    let mut plugin = Plugin::load(&wat.assembly_script());
    assert_eq!(plugin.guest.start("{}").unwrap(), 2);
    assert_eq!(plugin.guest.poll().unwrap(), 0);

    // Older modules have a global instead of a function.
    let global = wat
        .assembly_script()
        .replace(r#"(func (export "__setArgumentsLength") (param i32) (global.set $arguments (local.get 0)))"#, "")
        .replace("(global $arguments (mut", r#"(global $arguments (export "__argumentsLength") (mut"#);
    assert_eq!(Plugin::load(&global).guest.start("{}").unwrap(), 2);
}

#[test]
fn without_its_runtime_a_module_still_tells_its_name_but_does_not_start() {
    let wat = Wat { name: "(i32.const 1024)", more: &managed_string(1024, "bare"), ..Wat::default() };
    let mut plugin = Plugin::load(&wat.assembly_script().replace("\"__new\"", "\"hidden\""));
    assert_eq!(plugin.guest.name().unwrap(), "bare");
    let error = plugin.guest.start("{}").unwrap_err();
    assert!(error.to_string().contains("exportRuntime"), "{error}");
    assert!(!error.is_crash());
    assert_eq!(plugin.guest.stop().unwrap(), 0, "the instance stays usable");
}

#[test]
fn abort_tells_message_and_place() {
    // ABI-33
    let wat = Wat {
        imports: r#"(import "env" "abort" (func $abort (param i32 i32 i32 i32)))"#,
        poll: "(call $abort (i32.const 1024) (i32.const 2048) (i32.const 12) (i32.const 5)) (unreachable)",
        more: &(managed_string(1024, "Indeks utenfor område") + &managed_string(2048, "assembly/index.ts")),
        ..Wat::default()
    };
    let mut plugin = Plugin::load(&wat.assembly_script());
    let error = plugin.guest.poll().unwrap_err();
    assert!(error.is_crash());
    assert!(
        matches!(&error, CallError::Abort { message, file, line: 12, column: 5, .. }
        if message == "Indeks utenfor område" && file == "assembly/index.ts"),
        "{error}"
    );
    assert!(matches!(plugin.guest.poll(), Err(CallError::Discarded { .. })));
}

#[test]
fn things_that_are_not_strings_are_refused() {
    // ABI-93
    for (what, name) in [
        ("no header before it", "(i32.const 8)"),
        ("outside memory", "(i32.const -4)"),
        ("another class", "(call $new (i32.const 4) (i32.const 1))"),
        ("longer than memory", "(i32.store (i32.const 1020) (i32.const -2)) (i32.const 1024)"),
    ] {
        let wat = Wat { name, more: &managed_string(1024, "x"), ..Wat::default() };
        let error = Plugin::load(&wat.assembly_script()).guest.name().unwrap_err();
        assert!(matches!(error, CallError::Protocol { .. }), "{what}: {error}");
    }
}

#[test]
fn fewer_parameters_and_results_are_accepted() {
    let wat = Wat::default()
        .assembly_script()
        .replace(
            "(func (export \"plugin_start\") (param $p i32) (param $n i32) (result i32) (i32.const 0))",
            "(func (export \"plugin_start\"))",
        )
        .replace("(func (export \"delta_handler\") (param $p i32) )", "(func (export \"delta_handler\"))");
    let mut plugin = Plugin::load(&wat);
    assert_eq!(plugin.guest.start("{}").unwrap(), 0);
    plugin.guest.deliver("{}").unwrap();
}

#[test]
fn the_runtime_library_finds_what_it_imports() {
    // ABI-32
    let wat = Wat {
        imports: r#"
            (import "env" "console.log" (func $log1 (param i32)))
            (import "env" "console.warn" (func $log2 (param i32 i32)))
            (import "env" "console.assert" (func $assert (param i32 i32)))
            (import "env" "console.time" (func $time (param i32)))
            (import "env" "trace" (func $trace (param i32 i32 f64 f64 f64 f64 f64)))
            (import "env" "seed" (func $seed (result f64)))
            (import "env" "Date.now" (func $now (result f64)))
            (import "Date" "now" (func $old_now (result f64)))
            (import "env" "performance.now" (func $elapsed (result f64)))
            (import "env" "Math.random" (func $random (result f64)))
            (import "env" "Math.pow" (func $pow (param f64 f64) (result f64)))
            (import "Math" "sqrt" (func $sqrt (param f64) (result f64)))
            (import "env" "Math.round" (func $round (param f64) (result f64)))
            (import "env" "crypto.getRandomValuesN" (func $fill (param i32) (result i32)))
            (import "env" "process.exit" (func $exit (param i32)))"#,
        start: r#"
            (call $log1 (i32.const 1024))
            (call $log2 (i32.const 3000) (i32.const 5))
            (call $assert (i32.const 0) (i32.const 1024))
            (call $assert (i32.const 1) (i32.const 1024))
            (call $trace (i32.const 1024) (i32.const 2) (f64.const 1) (f64.const 2.5) (f64.const 3) (f64.const 4) (f64.const 5))
            (if (f64.ge (call $random) (f64.const 1)) (then (return (i32.const 1))))
            (if (f64.eq (call $seed) (call $seed)) (then (return (i32.const 2))))
            (if (f64.lt (call $now) (f64.const 1.6e12)) (then (return (i32.const 3))))
            (if (f64.lt (call $old_now) (f64.const 1.6e12)) (then (return (i32.const 4))))
            (if (f64.lt (call $elapsed) (f64.const 0)) (then (return (i32.const 5))))
            (if (f64.ne (call $pow (f64.const 2) (f64.const 10)) (f64.const 1024)) (then (return (i32.const 6))))
            (if (f64.ne (call $sqrt (f64.const 81)) (f64.const 9)) (then (return (i32.const 7))))
            (if (f64.ne (call $round (f64.const -2.5)) (f64.const -2)) (then (return (i32.const 8))))
            (if (i32.ne (call $fill (i32.const 4096)) (i32.const 4096)) (then (return (i32.const 9))))
            (if (i64.eqz (i64.or (i64.load (i32.const 4096)) (i64.load (i32.const 4104)))) (then (return (i32.const 10))))
            (i32.const 0)"#,
        poll: "(call $exit (i32.const 3)) (i32.const 0)",
        more: &(managed_string(1024, "målt") + &data(3000, b"utf-8") + &data(4088, &[1, 0, 0, 0, 16, 0, 0, 0])),
        ..Wat::default()
    };
    let mut plugin = Plugin::load(&wat.assembly_script());
    assert_eq!(plugin.guest.start("{}").unwrap(), 0);
    assert_eq!(plugin.host.debug_lines(), ["målt", "utf-8", "Assertion failed: målt", "målt 1,2.5"]);
    assert!(matches!(plugin.guest.poll(), Err(CallError::Exit { code: 3, .. })));
}
