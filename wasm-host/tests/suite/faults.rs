//! Plugins that trap, loop, or grow without end.

use std::time::{Duration, Instant};

use windlass_wasm_host::{CallError, Guest, Limits, LoadError};

use super::support::*;

type Call = fn(&mut dyn Guest) -> Option<CallError>;

/// Every call a guest can get.
const CALLS: [(&str, Call); 6] = [
    ("plugin_name", |guest| guest.name().err()),
    ("plugin_schema", |guest| guest.schema().err()),
    ("plugin_start", |guest| guest.start("{}").err()),
    ("plugin_stop", |guest| guest.stop().err()),
    ("poll", |guest| guest.poll().err()),
    ("delta_handler", |guest| guest.deliver("{}").err()),
];

/// A plugin that does `what` in every export, in both flavours.
fn everywhere(what: &str) -> [String; 2] {
    let wat = Wat { name: what, schema: what, start: what, stop: what, poll: what, delta: what, ..Wat::default() };
    [wat.buffer(), wat.assembly_script()]
}

#[test]
fn a_trap_in_any_export_is_reported_and_ends_the_instance() {
    for (trap, words) in [
        ("(unreachable)", "unreachable"),
        ("(drop (i32.load (i32.const -4))) (unreachable)", "out of bounds"),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0))) (unreachable)", "divide by zero"),
    ] {
        for wat in everywhere(trap) {
            for (export, call) in CALLS {
                let mut plugin = Plugin::load(&wat);
                let error = call(&mut *plugin.guest).expect("it traps");
                assert!(matches!(&error, CallError::Trap { export: at, .. } if at == export), "{error}");
                assert!(error.to_string().contains(words), "{error}");
                assert!(error.is_crash());
                assert_eq!(plugin.guest.calls().failed, 1);
                let after = call(&mut *plugin.guest).expect("it is not used again");
                assert!(matches!(after, CallError::Discarded { .. }) && !after.is_crash());
            }
        }
    }
}

#[test]
fn an_endless_loop_in_any_export_is_interrupted() {
    for wat in everywhere("(loop $l (br $l)) (unreachable)") {
        for (export, call) in CALLS {
            let mut plugin = Plugin::within(&wat, sandbox(), &impatient());
            let begun = Instant::now();
            let error = call(&mut *plugin.guest).expect("it is interrupted");
            assert!(matches!(&error, CallError::Deadline { export: at, .. } if at == export), "{error}");
            assert!(begun.elapsed() >= Duration::from_millis(200));
            assert!(error.is_crash());
        }
    }
}

#[test]
fn an_endless_loop_of_host_calls_is_interrupted() {
    let wat = Wat {
        imports: r#"(import "env" "sk_debug" (func $debug (param i32 i32)))"#,
        poll: "(loop $l (call $debug (i32.const 0) (i32.const 100)) (br $l)) (unreachable)",
        ..Wat::default()
    };
    let mut plugin = Plugin::within(&wat.buffer(), sandbox(), &impatient());
    assert!(matches!(plugin.guest.poll(), Err(CallError::Deadline { .. })));
}

#[test]
fn an_endless_loop_while_loading_is_interrupted() {
    for more in [
        r#"(func $begin (loop $l (br $l))) (start $begin)"#,
        r#"(func (export "_initialize") (loop $l (br $l)))"#,
        r#"(func (export "_start") (loop $l (br $l)))"#,
    ] {
        let error = Plugin::refusal(&Wat { more, ..Wat::default() }.buffer(), &impatient());
        assert!(matches!(error, LoadError::Initialize(CallError::Deadline { .. })), "{error}");
        assert!(error.is_crash());
    }
    let trapping = Wat { more: "(func $begin (unreachable)) (start $begin)", ..Wat::default() };
    let error = Plugin::refusal(&trapping.buffer(), &patient());
    assert!(matches!(error, LoadError::Initialize(CallError::Trap { .. })), "{error}");
}

#[test]
fn one_looping_plugin_does_not_stop_another() {
    let looping = Wat { poll: "(loop $l (br $l)) (unreachable)", ..Wat::default() }.buffer();
    let thread = std::thread::spawn(move || {
        Plugin::within(
            &looping,
            sandbox(),
            &Limits { deadlines: windlass_wasm_host::Deadlines::all(Duration::from_secs(1)), ..patient() },
        )
        .guest
        .poll()
    });
    let mut other = Plugin::within(&Wat { poll: "(i32.const 1)", ..Wat::default() }.buffer(), sandbox(), &patient());
    let mut served = 0;
    while !thread.is_finished() {
        served += other.guest.poll().unwrap();
    }
    assert!(matches!(thread.join().unwrap(), Err(CallError::Deadline { .. })));
    assert!(served > 1000, "the other plugin was called {served} times meanwhile");
}

#[test]
fn memory_does_not_grow_beyond_the_limit() {
    // ABI-88: grows until refused, then gives up; reports how many pages there are.
    let limits = Limits { memory_bytes: 40 << 16, ..patient() };
    let grow = "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))";
    let polite = Wat { poll: &format!("{grow} (memory.size)"), ..Wat::default() };
    let mut plugin = Plugin::within(&polite.buffer(), sandbox(), &limits);
    assert_eq!(plugin.guest.poll().unwrap(), 40, "ABI-88");
    assert_eq!(plugin.guest.memory_bytes(), limits.memory_bytes);

    let rude = Wat { poll: &format!("{grow} (unreachable)"), ..Wat::default() };
    let mut plugin = Plugin::within(&rude.buffer(), sandbox(), &limits);
    let error = plugin.guest.poll().unwrap_err();
    assert!(
        matches!(error, CallError::MemoryLimit { used, limit, .. } if used == limit && limit == limits.memory_bytes),
        "ABI-88 {error}"
    );
    assert!(error.is_crash());
}

#[test]
fn only_a_guest_that_was_refused_memory_is_said_to_lack_it() {
    // ABI-88
    let limits = Limits { memory_bytes: 40 << 16, ..patient() };
    let fail = |poll: &str, wat: &dyn Fn(String) -> String| {
        let imports = r#"(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))"#;
        let wat = wat(Wat { poll, imports, ..Wat::default() }.buffer());
        Plugin::within(&wat, sandbox(), &limits).guest.poll().unwrap_err()
    };
    let nearly = fail("(drop (memory.grow (i32.const 35))) (unreachable)", &|wat| wat);
    assert!(matches!(nearly, CallError::Trap { .. }), "ABI-88 {nearly}");
    let declared = |wat: String| wat.replace("(memory (export \"memory\") 4)", "(memory (export \"memory\") 4 10)");
    let own = fail("(drop (memory.grow (i32.const 7))) (unreachable)", &declared);
    assert!(matches!(own, CallError::Trap { .. }), "its own maximum: {own}");
    for (end, words) in [
        ("(drop (i32.load (i32.const -4))) (unreachable)", "out of bounds"),
        ("(call $exit (i32.const 2)) (unreachable)", "exit code 2"),
    ] {
        let error = fail(&format!("(drop (memory.grow (i32.const 37))) {end}"), &|wat| wat);
        assert!(
            matches!(&error, CallError::MemoryLimit { reason, used, .. } if reason.contains(words) && *used == 4 << 16),
            "ABI-88 {error}"
        );
    }
}

#[test]
fn growing_page_by_page_is_quick_keeps_the_content_and_can_be_interrupted() {
    let wat = Wat {
        poll: "(i32.store (i32.const 1000) (i32.const 4711))
            (loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
            (i32.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4)) (i32.const 1))
            (i32.add (i32.load (i32.const 1000)) (memory.size))",
        ..Wat::default()
    };
    for pages in [2048, 2000] {
        let limits = Limits { memory_bytes: pages << 16, ..patient() };
        assert_eq!(Plugin::within(&wat.buffer(), sandbox(), &limits).guest.poll().unwrap(), 4711 + pages as i32);
    }
    for pages in [0, 1] {
        let endless = format!("(loop $l (drop (memory.grow (i32.const {pages}))) (br $l)) (unreachable)");
        let wat = Wat { poll: &endless, ..Wat::default() };
        let error = Plugin::within(&wat.buffer(), sandbox(), &impatient()).guest.poll().unwrap_err();
        assert!(matches!(error, CallError::Deadline { .. }), "{error}");
    }
}

#[test]
fn the_time_in_the_guest_is_counted() {
    let spin = "(local $k i32)
        (loop $l (local.set $k (i32.add (local.get $k) (i32.const 1))) (br_if $l (i32.lt_u (local.get $k) (i32.const 30000000))))
        (i32.const 0)";
    let mut plugin = Plugin::load(&Wat { poll: spin, ..Wat::default() }.buffer());
    let begun = Instant::now();
    plugin.guest.poll().unwrap();
    plugin.guest.poll().unwrap();
    let (calls, elapsed) = (plugin.guest.calls(), begun.elapsed());
    assert!(calls.time <= elapsed && calls.longest <= calls.time && calls.longest * 2 >= calls.time, "{calls:?}");
    assert!(calls.longest > Duration::from_micros(100), "{calls:?}");
}

#[test]
fn tables_do_not_grow_beyond_the_limit() {
    let limits = Limits { table_elements: 50, ..patient() };
    let wat = Wat {
        poll: "(loop $l (br_if $l (i32.ne (table.grow $t (ref.null func) (i32.const 1)) (i32.const -1)))) (table.size $t)",
        more: "(table $t 1 funcref)",
        ..Wat::default()
    };
    assert_eq!(Plugin::within(&wat.buffer(), sandbox(), &limits).guest.poll().unwrap(), 50);
}

#[test]
fn endless_recursion_is_a_trap() {
    let wat = Wat {
        poll: "(call $down (i32.const 0))",
        more: "(func $down (param i32) (result i32)
            (i32.add (call $down (i32.add (local.get 0) (i32.const 1))) (local.get 0)))",
        ..Wat::default()
    };
    let error = Plugin::load(&wat.buffer()).guest.poll().unwrap_err();
    assert!(error.to_string().contains("stack"), "{error}");
}

#[test]
fn a_panic_of_the_host_is_contained() {
    let wat = Wat {
        imports: r#"(import "env" "sk_set_status" (func $status (param i32 i32)))"#,
        poll: "(call $status (i32.const 0) (i32.const 0)) (i32.const 0)",
        ..Wat::default()
    };
    let host = Recorder { panics: true, ..Recorder::default() };
    let mut plugin = Plugin::try_within(&wat.buffer(), sandbox(), &patient(), host).unwrap();
    let error = plugin.guest.poll().unwrap_err();
    assert!(matches!(&error, CallError::HostPanic { message, .. } if message.contains("on purpose")), "{error}");
    assert!(error.is_crash());
    drop(plugin);
    assert_eq!(Plugin::load(&Wat::default().buffer()).guest.poll().unwrap(), 0, "others go on");
}

#[test]
fn starting_and_stopping_many_times_does_not_leak_into_the_guest() {
    // ABI-92
    let mut plugin = Plugin::load(&Wat::default().buffer());
    plugin.guest.start("{}").unwrap();
    let before = plugin.guest.memory_bytes();
    for _ in 0..1000 {
        plugin.guest.start(r#"{"enableDebug":false}"#).unwrap();
        plugin.guest.stop().unwrap();
    }
    assert_eq!(plugin.guest.memory_bytes(), before, "ABI-92");
}
