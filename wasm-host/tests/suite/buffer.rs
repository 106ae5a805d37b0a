//! The buffer ABI.

use windlass_wasm_host::{Abi, CallError, DeltaVersion};

use super::support::*;

const DEBUG: &str = r#"(import "env" "sk_debug" (func $debug (param i32 i32)))"#;

#[test]
fn name_schema_start_deltas_poll_and_stop() {
    // ABI-18: the configuration arrives as UTF-8.
    let (name, schema) = ("Anker-Wächter ⚓", r#"{"type":"object"}"#);
    let wat = Wat {
        imports: DEBUG,
        name: &give(1024, name.len()),
        schema: &give(2048, schema.len()),
        start: "(call $debug (local.get $p) (local.get $n)) (i32.const 7)",
        stop: "(i32.const 3)",
        poll: "(i32.const -5)",
        delta: "(call $debug (local.get $p) (local.get $n))",
        more: &(data(1024, name.as_bytes()) + &data(2048, schema.as_bytes())),
        ..Wat::default()
    };
    let mut plugin = Plugin::load(&wat.buffer());
    assert_eq!(plugin.guest.abi(), Abi::Buffer);
    assert_eq!(plugin.guest.name().unwrap(), name);
    assert_eq!(plugin.guest.schema().unwrap(), schema);
    assert_eq!(plugin.guest.start(r#"{"navn":"Tromsø","enableDebug":false}"#).unwrap(), 7);
    assert!(plugin.guest.has_delta_handler() && plugin.guest.has_poll());
    plugin.guest.deliver(r#"{"updates":[]}"#).unwrap();
    assert_eq!(plugin.guest.poll().unwrap(), -5);
    assert_eq!(plugin.guest.stop().unwrap(), 3);
    assert_eq!(plugin.host.debug_lines(), [r#"{"navn":"Tromsø","enableDebug":false}"#, r#"{"updates":[]}"#]);
    assert_eq!(plugin.guest.calls().failed, 0);
    assert!(plugin.guest.calls().count >= 8);
    assert_eq!(plugin.guest.memory_bytes() % 65536, 0);
}

#[test]
fn bare_lifecycle_names_are_accepted_and_the_prefixed_ones_win() {
    let wat = Wat { name: "(i32.store8 (local.get $p) (i32.const 0x61)) (i32.const 1)", ..Wat::default() }.buffer();
    let bare = ["name", "schema", "start", "stop"]
        .iter()
        .fold(wat.clone(), |wat, name| wat.replace(&format!("\"plugin_{name}\""), &format!("\"{name}\"")));
    assert_eq!(Plugin::load(&bare).guest.name().unwrap(), "a");
    let both = wat.replace("(memory ", "(func (export \"name\") (param i32 i32) (result i32) (unreachable)) (memory ");
    assert_eq!(Plugin::load(&both).guest.name().unwrap(), "a");
}

#[test]
fn both_arities_of_sk_handle_message_link() {
    // ABI-26: the third parameter is the version; only 2 means 2.
    let two = Wat {
        imports: r#"(import "env" "sk_handle_message" (func $emit (param i32 i32)))"#,
        poll: "(call $emit (i32.const 1024) (i32.const 2)) (i32.const 0)",
        more: &data(1024, b"{}"),
        ..Wat::default()
    };
    let mut plugin = Plugin::load(&two.buffer());
    plugin.guest.poll().unwrap();
    assert_eq!(plugin.host.events(), [Event::Delta("{}".into(), DeltaVersion::V1)]);

    let three = Wat {
        imports: r#"(import "env" "sk_handle_message" (func $emit (param i32 i32 i32)))"#,
        start: "(call $emit (i32.const 1024) (i32.const 2) (i32.load8_u (local.get $p))) (i32.const 0)",
        poll: "(i32.const 0)",
        ..two
    };
    for (version, expected) in
        [(0, DeltaVersion::V1), (1, DeltaVersion::V1), (2, DeltaVersion::V2), (3, DeltaVersion::V1)]
    {
        let mut plugin = Plugin::load(&three.buffer());
        plugin.guest.start(&char::from(version).to_string()).unwrap();
        assert_eq!(plugin.host.events(), [Event::Delta("{}".into(), expected)], "version {version}");
    }
}

#[test]
fn long_metadata_is_asked_for_again_with_a_larger_buffer() {
    // Fills whatever it is given, up to 150,000 bytes.
    let fill = "(local $k i32) (local.set $k (select (local.get $n) (i32.const 150000)
        (i32.lt_u (local.get $n) (i32.const 150000))))
        (memory.fill (local.get $p) (i32.const 0x78) (local.get $k)) (local.get $k)";
    let mut plugin = Plugin::load(&Wat { schema: fill, ..Wat::default() }.buffer());
    assert_eq!(plugin.guest.schema().unwrap(), "x".repeat(150_000));
}

#[test]
fn an_empty_schema_is_an_empty_object() {
    assert_eq!(Plugin::load(&Wat::default().buffer()).guest.schema().unwrap(), "{}");
    assert_eq!(Plugin::load(&Wat::default().buffer()).guest.name().unwrap(), "");
}

#[test]
fn requests_reuse_one_buffer() {
    // ABI-92: `allocate` never frees here, so anything allocated per delta would show.
    let mut plugin = Plugin::load(&Wat::default().buffer());
    plugin.guest.deliver("{}").unwrap();
    let before = plugin.guest.memory_bytes();
    let delta = "d".repeat(3000);
    for _ in 0..1000 {
        plugin.guest.deliver(&delta).unwrap();
    }
    assert_eq!(plugin.guest.memory_bytes(), before);
}

#[test]
fn a_request_larger_than_the_memory_so_far_is_delivered() {
    let wat = Wat {
        imports: DEBUG,
        delta: "(call $debug (i32.sub (i32.add (local.get $p) (local.get $n)) (i32.const 3)) (i32.const 3))",
        ..Wat::default()
    };
    let mut plugin = Plugin::load(&wat.buffer());
    plugin.guest.deliver(&format!("{}end", " ".repeat(1_000_000))).unwrap();
    assert_eq!(plugin.host.debug_lines(), ["end"]);
}

#[test]
fn impossible_lengths_and_pointers_break_only_the_plugin() {
    // ABI-93
    for (what, wat) in [
        ("more than fits", Wat { name: "(i32.add (local.get $n) (i32.const 1))", ..Wat::default() }.buffer()),
        ("negative", Wat { name: "(i32.const -1)", ..Wat::default() }.buffer()),
        (
            "allocation outside memory",
            Wat::default().buffer().replace("(local.set $at (global.get $used))", "(local.set $at (i32.const -16))"),
        ),
        (
            "no allocation",
            Wat::default().buffer().replace("(local.set $at (global.get $used))", "(return (i32.const 0))"),
        ),
    ] {
        let mut plugin = Plugin::load(&wat);
        let error = plugin.guest.name().unwrap_err();
        assert!(matches!(error, CallError::Protocol { .. }), "{what}: {error}");
        assert!(error.is_crash());
        assert!(matches!(plugin.guest.poll(), Err(CallError::Discarded { .. })), "{what}");
    }
}

#[test]
fn exports_with_fewer_parameters_get_what_they_declare() {
    let wat = Wat::default()
        .buffer()
        .replace(
            "(func (export \"plugin_start\") (param $p i32) (param $n i32) (result i32)",
            "(func (export \"plugin_start\") (result i32)",
        )
        .replace(
            "(func (export \"delta_handler\") (param $p i32) (param $n i32)",
            "(func (export \"delta_handler\") (param $p i64) (param f64 i32)",
        );
    let mut plugin = Plugin::load(&wat);
    assert_eq!(plugin.guest.start("{}").unwrap(), 0);
    plugin.guest.deliver("{}").unwrap();
}
