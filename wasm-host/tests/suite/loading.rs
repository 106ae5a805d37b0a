//! What loads, what does not, and in which order things happen while loading.

use windlass_wasm_host::{Abi, CallError, Limits, LoadError, PackageProblem};

use super::support::*;

#[test]
fn files_that_are_no_modules_are_refused_with_distinct_reasons() {
    // ABI-8
    let module = wat::parse_str(Wat::default().buffer()).unwrap();
    let truncated = &module[..module.len() - 10];
    let component = [b"\0asm".as_slice(), &[0x0d, 0, 1, 0]].concat();
    let newer = [b"\0asm".as_slice(), &[2, 0, 0, 0]].concat();
    let cases: [(&str, &[u8], &str); 8] = [
        ("text", b"<!DOCTYPE html>", "not a WebAssembly module"),
        ("empty", b"", "it is empty"),
        ("three bytes", b"\0as", "ends after 3 bytes"),
        ("component", &component, "component"),
        ("another version", &newer, "format version"),
        ("truncated", truncated, "damaged"),
        ("header only", b"\0asm\x01\0\0\0", "does not export memory, plugin_name"),
        ("random sections", b"\0asm\x01\0\0\0\xff\xff\xff", "damaged"),
    ];
    let mut messages = std::collections::HashSet::new();
    for (what, bytes, expected) in cases {
        let error = runtime().compile_bytes(bytes, &patient()).unwrap_err();
        assert!(error.to_string().contains(expected), "ABI-8 {what}: {error}");
        assert!(!error.is_crash());
        assert!(messages.insert(error.to_string()), "ABI-8 {what}: not told apart from another: {error}");
    }
}

#[test]
fn missing_exports_are_listed() {
    // ABI-8
    for (export, flavour) in
        [("plugin_stop", "buffer"), ("plugin_schema", "as"), ("memory", "buffer"), ("plugin_start", "as")]
    {
        let wat = if flavour == "buffer" { Wat::default().buffer() } else { Wat::default().assembly_script() };
        let error = compile(&wat.replace(&format!("\"{export}\""), "\"renamed\"")).unwrap_err();
        assert_eq!(error, LoadError::MissingExports(vec![export.to_owned()]), "ABI-8");
    }
}

#[test]
fn flavours_are_told_apart_by_signature() {
    let buffer = Wat::default().buffer();
    assert_eq!(compile(&buffer).unwrap().abi(), Abi::Buffer);
    assert_eq!(compile(&Wat::default().assembly_script()).unwrap().abi(), Abi::AssemblyScript);
    // An AssemblyScript module built with an exported start function.
    let start = Wat { more: r#"(func (export "_start"))"#, ..Wat::default() }.assembly_script();
    assert_eq!(compile(&start).unwrap().abi(), Abi::AssemblyScript);
    // `allocate` of another type does not make it the buffer ABI, and nothing else makes it AssemblyScript.
    let odd = buffer
        .replace("(export \"allocate\") (param $size i32)", "(export \"allocate\") (param $size i32) (param i32)");
    assert!(matches!(compile(&odd), Err(LoadError::MissingExports(_))));
}

#[test]
fn initialize_is_called_exactly_once() {
    // ABI-24: the second call would trap.
    let wat = Wat {
        poll: "(global.get $times)",
        more: r#"(global $times (mut i32) (i32.const 0))
            (func (export "_initialize")
              (if (global.get $times) (then (unreachable)))
              (global.set $times (i32.add (global.get $times) (i32.const 1))))"#,
        ..Wat::default()
    };
    for wat in [wat.buffer(), wat.assembly_script()] {
        let mut plugin = Plugin::load(&wat);
        plugin.guest.name().unwrap();
        plugin.guest.start("{}").unwrap();
        assert_eq!(plugin.guest.poll().unwrap(), 1, "ABI-24");
    }
}

#[test]
fn a_command_runs_its_start_once_and_then_answers() {
    // ABI-25: TinyGo. It ends with exit code 0, with another code, or by returning.
    let wat = |ending: &str| {
        Wat {
            imports: r#"(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))"#,
            name: "(i32.store8 (local.get $p) (i32.add (i32.const 0x30) (global.get $times))) (i32.const 1)",
            more: &format!(
                r#"(global $times (mut i32) (i32.const 0))
                (func (export "_initialize") (unreachable))
                (func (export "_start")
                  (global.set $times (i32.add (global.get $times) (i32.const 1)))
                  {ending})"#
            ),
            ..Wat::default()
        }
        .buffer()
    };
    for ending in ["(call $exit (i32.const 0)) (unreachable)", ""] {
        let mut plugin = Plugin::load(&wat(ending));
        assert_eq!(plugin.guest.name().unwrap(), "1", "ABI-25 {ending}");
        assert_eq!(plugin.guest.start("{}").unwrap(), 0);
    }
    let error = Plugin::refusal(&wat("(call $exit (i32.const 3))"), &patient());
    assert!(matches!(error, LoadError::Initialize(CallError::Exit { code: 3, .. })), "ABI-25 {error}");
}

#[test]
fn host_calls_of_the_start_section_do_nothing() {
    // ABI-28: there is no memory to read yet.
    let wat = Wat {
        imports: r#"(import "env" "sk_debug" (func $debug (param i32 i32)))
            (import "env" "sk_save_config" (func $save (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))"#,
        poll: "(global.get $saved)",
        start: "(global.get $written)",
        more: r#"(global $saved (mut i32) (i32.const 0)) (global $written (mut i32) (i32.const 0))
            (func $begin
              (call $debug (i32.const 0) (i32.const 4))
              (global.set $written (call $write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
              (global.set $saved (call $save (i32.const 0) (i32.const 4))))
            (start $begin)"#,
        ..Wat::default()
    };
    let mut plugin = Plugin::load(&wat.buffer());
    assert_eq!(plugin.guest.poll().unwrap(), -1, "ABI-28: the failure value");
    assert_eq!(plugin.guest.start("{}").unwrap(), 52, "ABI-28: not supported");
    assert_eq!(plugin.host.events(), []);
}

#[test]
fn memories_and_tables_beyond_the_limits_are_refused() {
    let limits = Limits { memory_bytes: 10 << 16, table_elements: 100, ..patient() };
    let eleven = Wat { pages: 11, ..Wat::default() };
    assert!(Plugin::refusal(&eleven.buffer(), &limits).to_string().contains("wants 11 pages"));
    assert!(
        Plugin::refusal(&Wat { pages: 65_536, ..Wat::default() }.buffer(), &patient()).to_string().contains("65536")
    );
    let exact = Wat { pages: 10, ..Wat::default() };
    assert_eq!(Plugin::within(&exact.buffer(), sandbox(), &limits).guest.memory_bytes(), 10 << 16);
    let table = Wat { more: "(table 101 funcref)", ..Wat::default() };
    assert!(Plugin::refusal(&table.buffer(), &limits).to_string().contains("101 elements"));
    let two = Wat { more: "(memory 1)", ..Wat::default() };
    assert!(Plugin::refusal(&two.buffer(), &limits).to_string().contains("2 memories"));
    let shared = Wat::default().buffer().replace("\"memory\") 4", "\"memory\") 4 10 shared");
    assert!(Plugin::refusal(&shared, &limits).to_string().contains("shared memory"));
    let long = Wat::default().buffer().replace("\"memory\") 4", "\"memory\") i64 4");
    assert!(Plugin::refusal(&long, &limits).to_string().contains("64-bit"));
    let large = runtime().compile_bytes(&vec![0; 1000], &Limits { module_bytes: 999, ..patient() }).unwrap_err();
    assert_eq!(large, LoadError::ModuleTooLarge { size: 1000, limit: 999 });
}

#[test]
fn a_package_with_a_problem_does_not_compile() {
    let directory = tempfile::tempdir().unwrap();
    let plugin = directory.path().join("p");
    std::fs::create_dir(&plugin).unwrap();
    std::fs::write(plugin.join("package.json"), r#"{"name":"p","keywords":["signalk-wasm-plugin"]}"#).unwrap();
    let packages = windlass_wasm_host::discover(&[directory.path().to_owned()]);
    let error = runtime().compile(&packages[0], &patient()).unwrap_err();
    assert_eq!(error, LoadError::Package(PackageProblem::NoManifest));
}
