//! Server events (§4.10).

use windlass_wasm_host::{Capabilities, Sandbox};

use super::support::*;

fn with_events() -> Capabilities {
    Capabilities { server_events: true, ..Capabilities::default() }
}

#[test]
fn subscriptions_are_narrowed_to_what_is_allowed() {
    for (types, expected) in [
        ("[]", Some(vec![])),
        (r#"["VESSEL_INFO","PLUGIN_ANCHOR"]"#, Some(vec!["VESSEL_INFO", "PLUGIN_ANCHOR"])),
        (r#"["RECEIVE_LOGIN_STATUS","SERVERSTATISTICS"]"#, Some(vec!["SERVERSTATISTICS"])),
        (r#"["RECEIVE_LOGIN_STATUS"]"#, None),
        (r#"["LOG","plugin_x"]"#, None),
        (r#""VESSEL_INFO""#, None),
        ("[1]", None),
        ("", None),
    ] {
        let (result, plugin) = result_of(
            r#"(import "env" "sk_subscribe_events" (func $f (param i32 i32) (result i32)))"#,
            &format!("(call $f (i32.const 1024) (i32.const {}))", types.len()),
            &data(1024, types.as_bytes()),
            with_events(),
        );
        assert_eq!(result, i32::from(expected.is_some()), "{types}");
        let subscribed = plugin.host.events().into_iter().find(|event| !matches!(event, Event::Notice(_)));
        let expected = expected.map(|types| Event::Subscribed(types.into_iter().map(str::to_owned).collect()));
        assert_eq!(subscribed, expected, "{types}");
    }
}

#[test]
fn emitted_events_bear_the_prefix() {
    let long = "X".repeat(129);
    for (kind, json, expected) in [
        ("ANCHOR", r#"{"a":1}"#, Some("PLUGIN_ANCHOR")),
        ("PLUGIN_ANCHOR", "null", Some("PLUGIN_ANCHOR")),
        ("VESSEL_INFO", "1", Some("PLUGIN_VESSEL_INFO")),
        ("", "1", None),
        ("PLUGIN_", "1", None),
        ("A\nB", "1", None),
        ("*", "1", None),
        (long.as_str(), "1", None),
        ("ANCHOR", "{", None),
        ("ANCHOR", "", None),
    ] {
        let (result, plugin) = result_of(
            r#"(import "env" "sk_emit_event" (func $f (param i32 i32 i32 i32) (result i32)))"#,
            &format!(
                "(call $f (i32.const 1024) (i32.const {}) (i32.const 2048) (i32.const {}))",
                kind.len(),
                json.len()
            ),
            &(data(1024, kind.as_bytes()) + &data(2048, json.as_bytes())),
            with_events(),
        );
        assert_eq!(result, i32::from(expected.is_some()), "{kind} {json}");
        let emitted = plugin.host.events().into_iter().find(|event| !matches!(event, Event::Notice(_)));
        assert_eq!(emitted, expected.map(|kind| Event::Emitted(kind.into(), json.into())), "{kind} {json}");
    }
}

#[test]
fn the_allowed_types_are_told() {
    const TYPES: &str = r#"["SERVERSTATISTICS","VESSEL_INFO","DEBUG_SETTINGS","SERVERMESSAGE","PROVIDERSTATUS","SOURCEPRIORITIES","PLUGIN_*"]"#;
    let wat = Wat {
        imports: r#"(import "env" "sk_get_allowed_event_types" (func $f (param i32 i32) (result i32)))
            (import "env" "sk_debug" (func $debug (param i32 i32)))"#,
        start: "(call $debug (i32.const 2048) (call $f (i32.const 2048) (i32.const 1000)))
            (call $f (i32.const 2048) (i32.const 20))",
        ..Wat::default()
    };
    let mut plugin = Plugin::within(&wat.buffer(), Sandbox { capabilities: with_events(), ..sandbox() }, &patient());
    assert_eq!(plugin.guest.start("{}").unwrap(), 0, "too small a buffer");
    assert_eq!(plugin.host.debug_lines(), [TYPES]);
}

#[test]
fn events_are_delivered_with_the_capability_only() {
    const EVENT: &str = r#"{"type":"PLUGIN_Å","data":{"a":1},"timestamp":1700000000000}"#;
    let imports = r#"(import "env" "sk_debug" (func $debug (param i32 i32)))
        (import "env" "console.log" (func $log (param i32)))"#;
    let buffer = Wat {
        imports,
        more: r#"(func (export "event_handler") (param i32 i32) (call $debug (local.get 0) (local.get 1)))"#,
        ..Wat::default()
    };
    let managed = Wat {
        imports,
        more: r#"(func (export "event_handler") (param i32) (call $log (local.get 0)))"#,
        ..Wat::default()
    };
    for wat in [buffer.buffer(), managed.assembly_script()] {
        for (capabilities, expected) in [(with_events(), vec![EVENT]), (Capabilities::default(), vec![])] {
            let mut plugin = Plugin::within(&wat, Sandbox { capabilities, ..sandbox() }, &patient());
            assert_eq!(plugin.guest.has_event_handler(), !expected.is_empty());
            plugin.guest.deliver_event(EVENT).unwrap();
            assert_eq!(plugin.host.debug_lines(), expected);
        }
    }
    for wat in [Wat::default().buffer(), Wat::default().assembly_script()] {
        let mut plugin = Plugin::within(&wat, Sandbox { capabilities: with_events(), ..sandbox() }, &patient());
        assert!(!plugin.guest.has_event_handler());
        plugin.guest.deliver_event(EVENT).expect("without a handler nothing happens");
    }
}
