//! The table of host functions as a whole: every function is documented, gated and safe against wild pointers.

use std::{collections::BTreeSet, fs, path::Path};

use windlass_wasm_host::{
    Abi, CallError, Capabilities, LoadError, Sandbox,
    interface::{self, HostFunction, ImportStatus, ParameterKind, inspect_module},
};

use super::support::*;

/// Compares a generated text with the file in the repository, or writes it when told to.
fn check(file: &str, generated: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(file);
    if std::env::var_os("WINDLASS_BLESS").is_some_and(|value| value == "1") {
        fs::write(&path, generated).unwrap();
    }
    let present = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        present == generated,
        "docs/{file} is not what the tables say; run WINDLASS_BLESS=1 cargo test -p windlass-wasm-host interface, and look at the difference"
    );
}

#[test]
fn the_reference_page_is_that_of_the_tables() {
    check("plugin-interface.md", &interface::reference());
}

#[test]
fn the_wit_description_is_that_of_the_tables() {
    check("plugin-interface.wit", &interface::wit());
}

#[test]
fn the_wit_description_is_valid_and_complete() {
    let mut resolve = wit_parser::Resolve::new();
    let package = resolve.push_str("plugin-interface.wit", &interface::wit()).unwrap();
    let package = &resolve.packages[package];
    assert_eq!(package.name.to_string(), "windlass:signalk-plugin@1.0.0");
    let functions: usize = package.interfaces.values().map(|id| resolve.interfaces[*id].functions.len()).sum();
    let runtime = ["AssemblyScript's"];
    let imports = interface::host_functions()
        .iter()
        .filter(|function| !runtime.iter().any(|runtime| function.topic.starts_with(runtime)))
        .count();
    let of_the_toolchain = ["memory", "_start", "_initialize", "allocate", "deallocate", "responseHandler"];
    let exports = interface::known_exports()
        .iter()
        .filter(|export| !export.name.starts_with("__") && !of_the_toolchain.contains(&export.name))
        .count();
    assert_eq!(functions, imports + exports);
    assert!(package.worlds.contains_key("plugin") && package.worlds.contains_key("full-plugin"));
}

/// The functions of the specification's appendix D (and of §4.10): name, number of parameters, result on failure (`None`: it returns
/// nothing).
const SPECIFIED: &[(&str, usize, Option<i32>)] = &[
    ("sk_debug", 2, None),
    ("sk_set_status", 2, None),
    ("sk_set_error", 2, None),
    ("sk_handle_message", 3, None),
    ("sk_publish_notification", 4, Some(-1)),
    ("sk_get_self_path", 4, Some(0)),
    ("sk_get_path", 4, Some(0)),
    ("sk_read_config", 2, Some(0)),
    ("sk_save_config", 2, Some(-1)),
    ("sk_has_capability", 2, Some(0)),
    ("sk_register_put_handler", 4, Some(0)),
    ("sk_register_resource_provider", 2, Some(0)),
    ("sk_register_weather_provider", 2, Some(0)),
    ("sk_register_radar_provider", 2, Some(0)),
    ("sk_emit_binary_stream", 4, Some(0)),
    ("sk_radar_emit_spokes", 4, Some(0)),
    ("sk_udp_create", 1, Some(-1)),
    ("sk_udp_bind", 2, Some(-1)),
    ("sk_udp_join_multicast", 5, Some(-1)),
    ("sk_udp_leave_multicast", 5, Some(-1)),
    ("sk_udp_set_multicast_ttl", 2, Some(-1)),
    ("sk_udp_set_multicast_loopback", 2, Some(-1)),
    ("sk_udp_set_broadcast", 2, Some(-1)),
    ("sk_udp_send", 6, Some(-1)),
    ("sk_udp_recv", 5, Some(-1)),
    ("sk_udp_pending", 1, Some(-1)),
    ("sk_udp_close", 1, None),
    ("sk_tcp_create", 0, Some(-1)),
    ("sk_tcp_connect", 4, Some(-1)),
    ("sk_tcp_connected", 1, Some(-1)),
    ("sk_tcp_set_line_buffering", 2, Some(-1)),
    ("sk_tcp_send", 3, Some(-1)),
    ("sk_tcp_recv_line", 3, Some(-1)),
    ("sk_tcp_recv_raw", 3, Some(-1)),
    ("sk_tcp_pending", 1, Some(-1)),
    ("sk_tcp_close", 1, None),
    ("sk_subscribe_events", 2, Some(0)),
    ("sk_emit_event", 4, Some(0)),
    ("sk_get_allowed_event_types", 2, Some(0)),
    ("abort", 4, None),
    ("seed", 0, Some(0)),
    ("trace", 7, None),
    ("console.log", 1, None),
    ("_initAsyncify", 2, None),
    ("_fetchGETSync", 3, Some(0)),
    ("_fetchPOSTSync", 4, Some(0)),
    ("_fetchGET", 4, None),
    ("_fetchPOST", 5, None),
];

#[test]
fn every_function_of_the_specification_is_in_the_table() {
    let functions = interface::host_functions();
    for (name, params, failure) in SPECIFIED {
        let found = functions.iter().find(|function| function.name == *name).unwrap_or_else(|| panic!("{name}"));
        let module = if name.starts_with('_') { "as-fetch" } else { "env" };
        assert_eq!(found.module, module, "{name}");
        assert_eq!(core_params(found), *params, "{name}: {}", found.signature);
        assert_eq!(found.result.map(|_| found.failure), *failure, "{name}");
    }
    // And none of the interface is in the table without being specified.
    for function in functions.iter().filter(|function| function.name.starts_with("sk_")) {
        assert!(SPECIFIED.iter().any(|(name, ..)| *name == function.name), "{}", function.name);
    }
}

#[test]
fn no_two_functions_share_a_name_and_all_are_described() {
    let mut names = BTreeSet::new();
    let capabilities = interface::capabilities();
    for function in interface::host_functions() {
        for name in [function.name].iter().chain(function.aliases) {
            assert!(names.insert((function.module, *name)), "{name} twice");
        }
        assert!(function.doc.ends_with('.'), "{}", function.name);
        if let Some(capability) = function.capability {
            assert!(capabilities.iter().any(|known| known.name == capability), "{capability}");
        }
    }
    for export in interface::known_exports() {
        assert!(export.buffer.is_some() || export.assembly_script.is_some(), "{}", export.name);
    }
}

fn core_params(function: &HostFunction) -> usize {
    function.params.iter().map(|param| valid(param.kind).len()).sum()
}

/// Arguments that lie in memory: text at 1024, a managed string at 4020.
fn valid(kind: ParameterKind) -> &'static [&'static str] {
    match kind {
        ParameterKind::Text | ParameterKind::Bytes | ParameterKind::Out => &["(i32.const 1024)", "(i32.const 2)"],
        ParameterKind::Place => &["(i32.const 2048)"],
        ParameterKind::Int => &["(i32.const 1)"],
        ParameterKind::Float => &["(f64.const 0)"],
        ParameterKind::Managed => &["(i32.const 4020)"],
    }
}

/// Arguments that do not: four pages of memory end at 262144. None for numbers.
fn wild(kind: ParameterKind) -> &'static [&'static [&'static str]] {
    match kind {
        ParameterKind::Text | ParameterKind::Bytes | ParameterKind::Out => &[
            &["(i32.const 262143)", "(i32.const 2)"],
            &["(i32.const -1)", "(i32.const -1)"],
            &["(i32.const 0)", "(i32.const -1)"],
            &["(i32.const -2147483648)", "(i32.const 1)"],
            &["(i32.const 262145)", "(i32.const 0)"],
        ],
        ParameterKind::Place => &[&["(i32.const 262143)"], &["(i32.const -1)"], &["(i32.const -2147483648)"]],
        // The last three: before the first possible object, an object that is no string, and a string of 4 GiB.
        ParameterKind::Managed => &[
            &["(i32.const 262149)"],
            &["(i32.const -1)"],
            &["(i32.const -2147483648)"],
            &["(i32.const 3)"],
            &["(i32.const 3020)"],
            &["(i32.const 5020)"],
        ],
        ParameterKind::Int | ParameterKind::Float => &[],
    }
}

/// All argument lists with one wild argument and the others valid, and those with all arguments wild.
fn wild_calls(function: &HostFunction) -> Vec<String> {
    let mut calls = Vec::new();
    for (index, param) in function.params.iter().enumerate() {
        for (variant, arguments) in wild(param.kind).iter().enumerate() {
            let list = |all: bool| {
                let one = |(at, other): (usize, &interface::Parameter)| match wild(other.kind) {
                    _ if at == index => *arguments,
                    [] => valid(other.kind),
                    wild if all => wild[variant % wild.len()],
                    _ => valid(other.kind),
                };
                function.params.iter().enumerate().flat_map(one).copied().collect::<Vec<_>>().join(" ")
            };
            calls.extend([list(false), list(true)]);
        }
    }
    calls.sort();
    calls.dedup();
    calls
}

#[test]
fn wild_pointers_give_the_failure_value_to_every_function() {
    // ABI-93
    let mut tried = 0;
    for function in interface::host_functions() {
        let calls = wild_calls(&function);
        if calls.is_empty() {
            continue;
        }
        let HostFunction { module, name, signature, failure, result, .. } = &function;
        let body: String = calls
            .iter()
            .enumerate()
            .map(|(index, arguments)| {
                let call = format!("(call $f {arguments})");
                let wrong = match (result, *module) {
                    (None, _) => return call,
                    // An empty ArrayBuffer.
                    (Some(_), "as-fetch") => format!(
                        "(i32.or (i32.eqz (local.tee $p {call})) (i32.load (i32.sub (local.get $p) (i32.const 4))))"
                    ),
                    (Some(_), _) => format!("(i32.ne {call} (i32.const {failure}))"),
                };
                format!("(if {wrong} (then (return (i32.const {}))))", index + 1)
            })
            .collect();
        // Sockets exist, so that it is the pointer that makes a call fail.
        let wat = Wat {
            imports: &format!(
                r#"(import "{module}" "{name}" (func $f {signature}))
                (import "env" "sk_udp_create" (func $udp (param i32) (result i32)))
                (import "env" "sk_tcp_create" (func $tcp (result i32)))"#
            ),
            start: &format!("(drop (call $udp (i32.const 0))) (drop (call $tcp)) {body} (i32.const 0)"),
            more: &[
                data(1024, b"{}"),
                managed_string(4020, "{}"),
                data(5012, &2u32.to_le_bytes()),
                data(5016, &u32::MAX.to_le_bytes()),
            ]
            .concat(),
            ..Wat::default()
        };
        let mut plugin =
            Plugin::within(&wat.assembly_script(), Sandbox { capabilities: everything(), ..sandbox() }, &patient());
        let ended = plugin.guest.start("{}");
        if *name == "abort" {
            assert!(matches!(ended, Err(CallError::Abort { .. })), "ABI-93 {ended:?}");
            continue;
        }
        let first_wrong = ended.unwrap_or_else(|error| panic!("ABI-93 {name}: {error}"));
        assert_eq!(first_wrong, 0, "ABI-93 {name}({})", calls[first_wrong.max(1) as usize - 1]);
        let reports_failure = |event: &Event| match event {
            Event::Notice(_) => true,
            Event::Debug(_) => !matches!(*name, "sk_debug" | "trace") && !name.starts_with("console"),
            Event::Error(_) => *module == "as-fetch",
            _ => false,
        };
        let acted: Vec<_> = plugin.host.events().into_iter().filter(|event| !reports_failure(event)).collect();
        assert_eq!(acted, [], "ABI-93 {name}");
        tried += calls.len();
    }
    assert!(tried > 300, "only {tried} calls");
}

#[test]
fn without_its_capability_every_function_fails_and_the_refusal_is_counted() {
    // ABI-37, ABI-40, ABI-66, ABI-80, ABI-86 as far as this crate goes.
    let mut tried = 0;
    for function in interface::host_functions() {
        let Some(capability) = function.capability else { continue };
        let HostFunction { module, name, signature, failure, result, .. } = &function;
        let arguments: String =
            function.params.iter().flat_map(|param| valid(param.kind)).copied().collect::<Vec<_>>().join(" ");
        let call = format!("(call $f {arguments})");
        let start = match (result, *module) {
            (None, _) => format!("{call} (i32.const 0)"),
            (Some(_), "as-fetch") => format!("(i32.load (i32.sub {call} (i32.const 4)))"),
            (Some(_), _) => format!("(i32.ne {call} (i32.const {failure}))"),
        };
        let wat = Wat {
            imports: &format!(r#"(import "{module}" "{name}" (func $f {signature}))"#),
            start: &start,
            more: &(data(1024, b"{}") + &managed_string(4020, "{}")),
            ..Wat::default()
        };
        let mut plugin =
            Plugin::within(&wat.assembly_script(), Sandbox { capabilities: nothing(), ..sandbox() }, &patient());
        assert_eq!(plugin.guest.start("{}").unwrap(), 0, "{name}");
        assert_eq!(plugin.host.events(), [Event::Denied(name, capability)], "{name}");
        tried += 1;
    }
    assert!(tried > 30, "only {tried} functions");
}

#[test]
fn modules_are_reported_on_without_being_run() {
    let wat = Wat {
        imports: r#"
            (import "env" "sk_emit_delta" (func (param i32 i32)))
            (import "env" "sk_udp_create" (func (param i32) (result i32)))
            (import "env" "sk_fly" (func (param i64) (result f32)))
            (import "env" "sk_debug" (func (param i32 i32)))
            (import "env" "Math.sin" (func (param f64) (result f64)))
            (import "as-fetch" "_initAsyncify" (func (param i32 i32)))
            (import "as-fetch" "_fetchGETSync" (func (param i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
            (import "elsewhere" "f" (func))"#,
        more: r#"(func (export "handle_put_vessels_self_x") (param i32 i32 i32 i32) (result i32) (i32.const 0))
            (func (export "http_get") (param i32 i32 i32 i32) (result i32) (i32.const 0))
            (global (export "g") i32 (i32.const 0))"#,
        pages: 5,
        ..Wat::default()
    };
    let wasm = wat::parse_str(wat.buffer()).unwrap();
    let report = inspect_module(&wasm).unwrap();
    assert_eq!((report.abi, report.memory_pages, report.memory_pages_max), (Some(Abi::Buffer), 5, None));
    assert_eq!(report.size, wasm.len() as u64);
    assert_eq!(report.missing_exports, Vec::<String>::new());
    let provided = |alias_of, capability| ImportStatus::Provided { alias_of, capability };
    let expected = [
        ("sk_emit_delta", "(param i32 i32)", provided(Some("sk_handle_message"), Some("dataWrite"))),
        ("sk_udp_create", "(param i32) (result i32)", provided(None, Some("rawSockets"))),
        ("sk_fly", "(param i64) (result f32)", ImportStatus::Stub { result: 0 }),
        ("sk_debug", "(param i32 i32)", provided(None, None)),
        ("Math.sin", "(param f64) (result f64)", provided(None, None)),
        ("_initAsyncify", "(param i32 i32)", provided(None, None)),
        ("_fetchGETSync", "(param i32 i32 i32) (result i32)", provided(None, Some("network"))),
        ("proc_exit", "(param i32)", ImportStatus::Wasi),
        ("f", "", ImportStatus::Refused),
    ];
    let found: Vec<_> = report
        .imports
        .iter()
        .map(|import| (import.name.as_str(), import.signature.as_str(), import.status.clone()))
        .collect();
    assert_eq!(found, expected);
    // The module has a `delta_handler`.
    assert_eq!(report.capabilities_needed(), ["network", "dataRead", "dataWrite", "rawSockets"]);
    assert_eq!(report.capabilities_missing(&Capabilities::default()), ["network", "rawSockets"]);
    let export = |name: &str| {
        let found = report.exports.iter().find(|export| export.name == name).unwrap();
        (found.signature.as_str(), found.doc.is_some())
    };
    assert_eq!(export("plugin_start"), ("(param i32 i32) (result i32)", true));
    assert_eq!(export("handle_put_vessels_self_x"), ("(param i32 i32 i32 i32) (result i32)", true));
    assert_eq!(export("http_get"), ("(param i32 i32 i32 i32) (result i32)", false));
    assert_eq!((export("memory"), export("g")), (("memory", true), ("global", false)));
}

#[test]
fn modules_that_are_no_plugins_are_reported_on_or_refused() {
    let report = inspect_module(&wat::parse_str("(module (memory 2 9))").unwrap()).unwrap();
    assert_eq!((report.abi, report.memory_pages, report.memory_pages_max), (None, 2, Some(9)));
    assert!(report.missing_exports.iter().any(|name| name == "plugin_start"), "{:?}", report.missing_exports);
    assert_eq!(inspect_module(b"\0asm\x0d\0\x01\0"), Err(LoadError::Component));
    assert!(matches!(inspect_module(b"#!/bin/sh"), Err(LoadError::NotWasm { .. })));
    assert!(matches!(inspect_module(b"\0asm\x01\0\0\0\x01\xff"), Err(LoadError::Invalid { .. })));
    // An export of a function that is not there.
    assert!(matches!(inspect_module(b"\0asm\x01\0\0\0\x07\x05\x01\x01f\0\x07"), Err(LoadError::Invalid { .. })));
}
