//! Functions the host provides, and what happens to those it does not.

use windlass_wasm_host::{Capabilities, DeltaVersion, LoadError, Sandbox, interface};

use super::support::*;

#[test]
fn aliases_reach_the_same_functions() {
    for (names, event) in [
        (&["sk_debug", "sk_log_debug", "sk_log_info", "sk_log_warn", "sk_log_error"][..], Event::Debug("hei".into())),
        (&["sk_set_status", "sk_set_plugin_status", "sk_set_status_ffi"], Event::Status("hei".into())),
        (&["sk_set_error", "sk_set_plugin_error"], Event::Error("hei".into())),
    ] {
        for name in names {
            let (_, plugin) = result_of(
                &format!(r#"(import "env" "{name}" (func $f (param i32 i32)))"#),
                "(call $f (i32.const 1024) (i32.const 3)) (i32.const 0)",
                &data(1024, b"hei"),
                Capabilities::default(),
            );
            assert_eq!(plugin.host.events(), vec![event.clone()], "{name}");
        }
    }
}

#[test]
fn lookups_return_all_or_nothing() {
    const VALUE: &str = r#"{"latitude":60.1,"longitude":24.9}"#;
    let size = VALUE.len() as i32;
    // Row: import, path, room in the buffer, expected result. The byte behind the buffer must stay 0x2a.
    for (statement, import, path, room, expected) in [
        ("ABI-38 found", "sk_get_self_path", "navigation.position", 1000, size),
        ("ABI-38 exact fit", "sk_get_self_path", "navigation.position", size, size),
        ("ABI-38 one byte too small", "sk_get_self_path", "navigation.position", size - 1, 0),
        ("ABI-38 unknown", "sk_get_self_path", "navigation.speed", 1000, 0),
        ("ABI-39 found", "sk_get_path", "vessels.self.navigation.position", 1000, size),
        ("ABI-39 unknown", "sk_get_path", "vessels.other", 1000, 0),
    ] {
        let call = format!(
            "(i32.store8 (i32.const 2048) (i32.const 42))
             (call $f (i32.const 1024) (i32.const {}) (i32.const 2048) (i32.const {room}))",
            path.len()
        );
        let wat = Wat {
            imports: &format!(
                r#"(import "env" "{import}" (func $f (param i32 i32 i32 i32) (result i32)))
                (import "env" "sk_debug" (func $debug (param i32 i32)))"#
            ),
            start: &call,
            poll: &format!("(call $debug (i32.const 2048) (i32.const {})) (i32.const 0)", expected.max(1)),
            more: &data(1024, path.as_bytes()),
            ..Wat::default()
        };
        let mut plugin = Plugin::load(&wat.buffer());
        assert_eq!(plugin.guest.start("{}").unwrap(), expected, "{statement}");
        plugin.guest.poll().unwrap();
        let seen = if expected > 0 { VALUE } else { "*" };
        assert_eq!(plugin.host.debug_lines(), [seen], "{statement}");
    }
}

#[test]
fn configuration_is_read_and_saved() {
    for (statement, room, expected) in [("ABI-42 fits", 13, 13), ("ABI-42 too small", 12, 0)] {
        let (result, _) = result_of(
            r#"(import "env" "sk_read_config" (func $f (param i32 i32) (result i32)))"#,
            &format!("(call $f (i32.const 2048) (i32.const {room}))"),
            "",
            Capabilities::default(),
        );
        assert_eq!(result, expected, "{statement}");
    }
    for (statement, json, expected) in
        [("ABI-43 valid", r#"{"radius":50}"#, 0), ("ABI-43 invalid", "{radius", -1), ("ABI-43 empty", "", -1)]
    {
        let (result, plugin) = result_of(
            r#"(import "env" "sk_save_config" (func $f (param i32 i32) (result i32)))"#,
            &format!("(call $f (i32.const 1024) (i32.const {}))", json.len()),
            &data(1024, json.as_bytes()),
            Capabilities::default(),
        );
        assert_eq!(result, expected, "{statement}");
        assert_eq!(plugin.host.events().len(), usize::from(expected == 0), "{statement}");
    }
}

#[test]
fn capabilities_are_told_truthfully() {
    // ABI-44: all names, with all granted and with all denied.
    let (granted, denied) = (everything(), nothing());
    let known = interface::capabilities().into_iter().map(|known| known.name);
    for name in known.chain(["flying", "", "Network", "network "]) {
        for (capabilities, expected) in
            [(&granted, !matches!(name, "flying" | "" | "Network" | "network ")), (&denied, false)]
        {
            let (result, _) = result_of(
                r#"(import "env" "sk_has_capability" (func $f (param i32 i32) (result i32)))"#,
                &format!("(call $f (i32.const 1024) (i32.const {}))", name.len()),
                &data(1024, name.as_bytes()),
                capabilities.clone(),
            );
            assert_eq!(result, i32::from(expected), "ABI-44 {name}");
        }
    }
}

#[test]
fn notifications_are_checked() {
    for (statement, path, value, expected) in [
        ("ABI-41 alarm", "notifications.mob", r#"{"state":"alarm","message":"x"}"#, 0),
        ("ABI-41 nominal", "notifications.mob", r#"{"state":"nominal"}"#, 0),
        ("ABI-41 null clears", "notifications.mob", "null", 0),
        ("ABI-41 unknown state", "notifications.mob", r#"{"state":"bad"}"#, -1),
        ("ABI-41 missing state", "notifications.mob", "{}", -1),
        ("ABI-41 bad JSON", "notifications.mob", "{", -1),
        ("ABI-41 another path", "navigation.mob", r#"{"state":"alarm"}"#, -1),
    ] {
        let (result, plugin) = result_of(
            r#"(import "env" "sk_publish_notification" (func $f (param i32 i32 i32 i32) (result i32)))"#,
            &format!(
                "(call $f (i32.const 1024) (i32.const {}) (i32.const 2048) (i32.const {}))",
                path.len(),
                value.len()
            ),
            &(data(1024, path.as_bytes()) + &data(2048, value.as_bytes())),
            Capabilities::default(),
        );
        assert_eq!(result, expected, "{statement}");
        let published = vec![Event::Notification(path.into(), value.into())];
        assert_eq!(plugin.host.events(), if expected == 0 { published } else { vec![] }, "{statement}");
    }
}

#[test]
fn data_write_denied_drops_deltas_and_notifications() {
    // ABI-37
    let denied = Capabilities { data_write: false, ..Capabilities::default() };
    let (result, plugin) = result_of(
        r#"(import "env" "sk_handle_message" (func $emit (param i32 i32 i32)))
           (import "env" "sk_publish_notification" (func $notify (param i32 i32 i32 i32) (result i32)))"#,
        "(call $emit (i32.const 1024) (i32.const 2) (i32.const 1))
         (call $notify (i32.const 1024) (i32.const 2) (i32.const 1024) (i32.const 2))",
        &data(1024, b"{}"),
        denied,
    );
    assert_eq!(result, -1);
    assert_eq!(
        plugin.host.events(),
        [Event::Denied("sk_handle_message", "dataWrite"), Event::Denied("sk_publish_notification", "dataWrite")]
    );
}

#[test]
fn data_read_denied_finds_nothing_and_delivers_nothing() {
    // ABI-40
    let wat = Wat {
        imports: r#"(import "env" "sk_get_self_path" (func $f (param i32 i32 i32 i32) (result i32)))"#,
        start: "(call $f (i32.const 1024) (i32.const 19) (i32.const 2048) (i32.const 1000))",
        delta: "(unreachable)",
        more: &data(1024, b"navigation.position"),
        ..Wat::default()
    };
    let capabilities = Capabilities { data_read: false, ..Capabilities::default() };
    for wat in [wat.buffer(), wat.assembly_script()] {
        let sandbox = Sandbox { capabilities: capabilities.clone(), ..sandbox() };
        let mut plugin = Plugin::within(&wat, sandbox, &patient());
        assert_eq!(plugin.guest.start("{}").unwrap(), 0);
        assert_eq!(plugin.host.events(), [Event::Denied("sk_get_self_path", "dataRead")]);
        assert!(!plugin.guest.has_delta_handler());
        plugin.guest.deliver("{}").expect("the handler, which traps, is not called");
    }
}

#[test]
fn running_programs_is_refused_with_a_notice() {
    let (result, plugin) = result_of(
        r#"(import "env" "sk_exec_command" (func $f (param i32 i32 i32 i32) (result i32)))"#,
        "(drop (call $f (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1)))
         (call $f (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1))",
        "",
        Capabilities::default(),
    );
    assert_eq!(result, 0);
    let notices = plugin.host.notices();
    assert_eq!(notices.len(), 1, "once, not at every call");
    assert!(notices[0].contains("sk_exec_command"));
}

#[test]
fn parameters_of_other_types_and_numbers_are_fitted() {
    // Each import is declared in its own way; the text is always "hei" at 1024.
    for (name, params, arguments) in [
        ("sk_debug", "i64 f64", "(i64.const 1024) (f64.const 3.9)"),
        ("sk_debug", "f32 i64", "(f32.const 1024) (i64.const 3)"),
        ("sk_debug", "i32 i32 i64 f32", "(i32.const 1024) (i32.const 3) (i64.const -1) (f32.const nan)"),
    ] {
        let (_, plugin) = result_of(
            &format!(r#"(import "env" "{name}" (func $f (param {params})))"#),
            &format!("(call $f {arguments}) (i32.const 0)"),
            &data(1024, b"hei"),
            Capabilities::default(),
        );
        assert_eq!(plugin.host.events(), [Event::Debug("hei".into())], "{name} ({params})");
    }
    // Floats that are no integers saturate, which is a range outside memory.
    for argument in ["(f64.const inf)", "(f64.const -1e300)"] {
        let (_, plugin) = result_of(
            r#"(import "env" "sk_debug" (func $f (param f64 i32)))"#,
            &format!("(call $f {argument} (i32.const 3)) (i32.const 0)"),
            "",
            Capabilities::default(),
        );
        assert_eq!(plugin.host.events(), [], "{argument}");
    }
    // ABI-26: the version counts when it is declared, in whatever type.
    for (params, version, expected) in [
        ("i32 i32", "", DeltaVersion::V1),
        ("i32 i32 i32", "(i32.const 0)", DeltaVersion::V1),
        ("i32 i32 i32", "(i32.const 1)", DeltaVersion::V1),
        ("i32 i32 i32", "(i32.const 2)", DeltaVersion::V2),
        ("i32 i32 i32", "(i32.const 3)", DeltaVersion::V1),
        ("i32 i32 i64", "(i64.const 2)", DeltaVersion::V2),
        ("i32 i32 f64", "(f64.const 2)", DeltaVersion::V2),
    ] {
        let (_, plugin) = result_of(
            &format!(r#"(import "env" "sk_handle_message" (func $f (param {params})))"#),
            &format!("(call $f (i32.const 1024) (i32.const 2) {version}) (i32.const 0)"),
            &data(1024, b"{}"),
            Capabilities::default(),
        );
        assert_eq!(plugin.host.events(), [Event::Delta("{}".into(), expected)], "ABI-26 ({params}) {version}");
    }
}

#[test]
fn results_are_fitted_to_the_declared_type() {
    for (result, read) in [
        ("(result i32)", "(call $f (i32.const 1024) (i32.const 8))"),
        ("(result i64)", "(i32.wrap_i64 (call $f (i32.const 1024) (i32.const 8)))"),
        ("(result f64)", "(i32.trunc_f64_s (call $f (i32.const 1024) (i32.const 8)))"),
    ] {
        let (result_value, _) = result_of(
            &format!(r#"(import "env" "sk_has_capability" (func $f (param i32 i32) {result}))"#),
            read,
            &data(1024, b"dataRead"),
            Capabilities::default(),
        );
        assert_eq!(result_value, 1, "{result}");
    }
    let (dropped, _) = result_of(
        r#"(import "env" "sk_has_capability" (func $f (param i32 i32)))"#,
        "(call $f (i32.const 1024) (i32.const 8)) (i32.const 7)",
        &data(1024, b"dataRead"),
        Capabilities::default(),
    );
    assert_eq!(dropped, 7, "no result is declared");
    let (filled, _) = result_of(
        r#"(import "env" "sk_debug" (func $f (param i32 i32) (result i32)))"#,
        "(call $f (i32.const 1024) (i32.const 3))",
        &data(1024, b"hei"),
        Capabilities::default(),
    );
    assert_eq!(filled, 0, "a function without a result gives 0");
}

#[test]
fn unknown_functions_of_env_return_zero_and_are_noticed_once() {
    // ABI-27
    let (result, plugin) = result_of(
        r#"(import "env" "sk_fly" (func $f (param i32 f64) (result i64)))"#,
        "(drop (call $f (i32.const 1) (f64.const 2)))
         (i32.wrap_i64 (call $f (i32.const 1) (f64.const 2)))",
        "",
        Capabilities::default(),
    );
    assert_eq!(result, 0);
    let notices = plugin.host.notices();
    assert_eq!(notices.len(), 1);
    assert!(notices[0].contains("sk_fly"));
}

#[test]
fn unknown_modules_and_things_that_are_not_functions_are_refused_by_name() {
    for (imports, expected) in [
        (r#"(import "other" "f" (func))"#, "other.f"),
        (r#"(import "as-fetch" "_fetchMagic" (func (param i32 i32 i32) (result i32)))"#, "as-fetch._fetchMagic"),
        (r#"(import "wasix_64v1" "proc_fork" (func (param i32 i32) (result i32)))"#, "wasix_64v1.proc_fork"),
        (r#"(import "wasi_snapshot_preview1" "thread-spawn" (func (param i32) (result i32)))"#, "thread-spawn"),
        (r#"(import "env" "g" (global i32))"#, "env.g"),
        (r#"(import "env" "t" (table 1 funcref))"#, "env.t"),
        (r#"(import "env" "v" (func (param v128)))"#, "env.v"),
    ] {
        let error = Plugin::refusal(&Wat { imports, ..Wat::default() }.buffer(), &patient());
        assert!(matches!(error, LoadError::UnknownImport { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    let memory = Wat::default().buffer().replace(
        "(memory (export \"memory\") 4)",
        "(import \"env\" \"memory\" (memory 4)) (export \"memory\" (memory 0))",
    );
    assert!(Plugin::refusal(&memory, &patient()).to_string().contains("env.memory"));
}

#[test]
fn too_long_texts_are_refused_and_long_lines_cut() {
    let wat = Wat {
        imports: r#"(import "env" "sk_debug" (func $debug (param i32 i32)))
            (import "env" "sk_handle_message" (func $emit (param i32 i32)))"#,
        poll: "(memory.fill (i32.const 1024) (i32.const 0x61) (i32.const 60000))
            (call $debug (i32.const 1024) (i32.const 60000))
            (call $emit (i32.const 1024) (i32.const 60000)) (i32.const 0)",
        ..Wat::default()
    };
    let limits = windlass_wasm_host::Limits { text_bytes: 60_000, log_line_bytes: 100, ..patient() };
    let mut plugin = Plugin::within(&wat.buffer(), sandbox(), &limits);
    plugin.guest.poll().unwrap();
    assert_eq!(plugin.host.debug_lines(), ["a".repeat(100)]);
    assert_eq!(plugin.host.events().len(), 2);

    let limits = windlass_wasm_host::Limits { text_bytes: 59_999, ..limits };
    let mut plugin = Plugin::within(&wat.buffer(), sandbox(), &limits);
    plugin.guest.poll().unwrap();
    assert_eq!(plugin.host.notices().len(), 2);
    assert_eq!(plugin.host.events().len(), 2, "nothing but the notices");
}

#[test]
fn floods_of_debug_text_are_held_back() {
    let wat = Wat {
        imports: r#"(import "env" "sk_debug" (func $debug (param i32 i32)))"#,
        poll: "(local $i i32)
            (loop $again
              (call $debug (i32.const 0) (i32.const 1))
              (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))
            (i32.const 0)",
        ..Wat::default()
    };
    let limits = windlass_wasm_host::Limits { log_lines_per_second: 10, ..patient() };
    let mut plugin = Plugin::within(&wat.buffer(), sandbox(), &limits);
    let begun = std::time::Instant::now();
    plugin.guest.poll().unwrap();
    let seconds = begun.elapsed().as_secs() as usize + 1;
    assert!((10..=10 * (seconds + 1)).contains(&plugin.host.debug_lines().len()));
}
