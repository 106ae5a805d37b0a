//! Plugins in the WebAssembly text format, whose parts can be exchanged for bad ones.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Where the texts of a module begin.
const TEXTS: usize = 4096;

/// The exports of a harmless plugin of the buffer ABI: name, type and body. `init` is called by the start section.
const EXPORTS: [(&str, &str, &str); 8] = [
    ("init", "", "nop"),
    (
        "allocate",
        "(param $size i32) (result i32)",
        "(global.get $free) (global.set $free (i32.add (global.get $free) (local.get $size)))",
    ),
    ("plugin_name", "(param $to i32) (param $room i32) (result i32)", "(call $answer (local.get $to) @\"Probe\")"),
    ("plugin_schema", "(param $to i32) (param $room i32) (result i32)", "(call $answer (local.get $to) @'{}'@)"),
    ("plugin_start", "(param $at i32) (param $length i32) (result i32)", "(i32.const 0)"),
    ("plugin_stop", "(result i32)", "(i32.const 0)"),
    ("poll", "(result i32)", "(i32.const 0)"),
    ("delta_handler", "(param $at i32) (param $length i32)", "nop"),
];

/// What every fixture can call besides its imports.
const LIBRARY: &str = r#"
    (func $answer (param $to i32) (param $at i32) (param $length i32) (result i32)
        (memory.copy (local.get $to) (local.get $at) (local.get $length)) (local.get $length))
    (func $verdict (param $got_through i32)
        (if (local.get $got_through)
            (then (call $sk_set_status @"ESCAPED"))
            (else (call $sk_set_status @"held"))))
    (func $must_fail (param $error i32) (call $verdict (i32.eqz (local.get $error))))
    (func $must_be (param $wanted i32) (param $got i32)
        (call $verdict (i32.ne (local.get $wanted) (local.get $got))))
"#;

/// A plugin that does nothing, until parts of it are changed. In code, `@"text"` and, for texts with quotes, `@'text'@` stand for pointer
/// and length of a text; `$verdict`
/// (1: it got through), `$must_fail` (an error number) and `$must_be` (wanted, got) report as the plugin's status.
#[derive(Debug, Clone)]
pub struct WatPlugin {
    imports: String,
    bodies: BTreeMap<&'static str, String>,
    fields: String,
    memory: &'static str,
}

impl Default for WatPlugin {
    fn default() -> Self {
        Self::new()
    }
}

impl WatPlugin {
    /// One that does nothing.
    pub fn new() -> Self {
        let plugin = Self { imports: String::new(), bodies: BTreeMap::new(), fields: String::new(), memory: "64" };
        plugin.env("sk_set_status", "(param i32 i32)")
    }

    /// With a function of module `env`, under its own name.
    pub fn env(self, name: &str, kind: &str) -> Self {
        self.import("env", name, kind)
    }

    /// With a function of WASI.
    pub fn wasi(self, name: &str, kind: &str) -> Self {
        self.import("wasi_snapshot_preview1", name, kind)
    }

    /// With a function of any module, under its own name.
    pub fn import(mut self, module: &str, name: &str, kind: &str) -> Self {
        writeln!(self.imports, "(import \"{module}\" \"{name}\" (func ${name} {kind}))").expect("memory");
        self
    }

    /// With another body of one of the usual exports.
    pub fn body(mut self, export: &'static str, body: impl Into<String>) -> Self {
        assert!(EXPORTS.iter().any(|(name, ..)| *name == export), "{export}");
        self.bodies.insert(export, body.into());
        self
    }

    /// The body of `plugin_start`; the plugin then runs.
    pub fn start(self, code: impl AsRef<str>) -> Self {
        self.body("plugin_start", format!("{} (i32.const 0)", code.as_ref()))
    }

    /// The body of `poll`.
    pub fn poll(self, code: impl AsRef<str>) -> Self {
        self.body("poll", format!("{} (i32.const 0)", code.as_ref()))
    }

    /// With further fields of the module.
    pub fn field(mut self, text: impl AsRef<str>) -> Self {
        self.fields.push_str(text.as_ref());
        self
    }

    /// One that emits each delta it gets as the value of a path: what it was given can be followed from outside.
    pub fn echo(path: &str) -> Self {
        let before = format!("{{\"updates\":[{{\"values\":[{{\"path\":\"{path}\",\"value\":");
        let plugin = Self::new().env("sk_handle_message", "(param i32 i32)");
        plugin.body(
            "delta_handler",
            format!(
                "(local $end i32)
                 (local.set $end (i32.const 65536))
                 (local.set $end (i32.add (local.get $end) (call $answer (local.get $end) @'{before}'@)))
                 (memory.copy (local.get $end) (local.get $at) (local.get $length))
                 (local.set $end (i32.add (local.get $end) (local.get $length)))
                 (local.set $end (i32.add (local.get $end) (call $answer (local.get $end) @'}}]}}]}}'@)))
                 (call $sk_handle_message (i32.const 65536) (i32.sub (local.get $end) (i32.const 65536)))"
            ),
        )
    }

    /// One that emits the number of deltas it has been given, at each `every`th; `then` is what it does after counting.
    pub fn counting(path: &str, every: u32, then: &str) -> Self {
        let before = format!("{{\"updates\":[{{\"values\":[{{\"path\":\"{path}\",\"value\":\"");
        let digits = before.len();
        let text = format!("{before}00000000\"}}]}}]}}");
        let plugin = Self::new().env("sk_handle_message", "(param i32 i32)");
        plugin
            .field(format!(
                "(global $seen (mut i32) (i32.const 0))
                 (func $say (param $at i32) (param $length i32) (local $i i32) (local $number i32)
                    (local.set $number (global.get $seen))
                    (local.set $i (i32.const {}))
                    (loop $next
                        (i32.store8 (i32.add (local.get $at) (local.get $i))
                            (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10))))
                        (local.set $number (i32.div_u (local.get $number) (i32.const 10)))
                        (local.set $i (i32.sub (local.get $i) (i32.const 1)))
                        (br_if $next (i32.ge_s (local.get $i) (i32.const {digits}))))
                    (call $sk_handle_message (local.get $at) (local.get $length)))",
                digits + 7
            ))
            .body(
                "delta_handler",
                format!(
                    "(global.set $seen (i32.add (global.get $seen) (i32.const 1)))
                     (if (i32.eqz (i32.rem_u (global.get $seen) (i32.const {every}))) (then (call $say @'{text}'@)))
                     {then}"
                ),
            )
    }

    /// With a memory of this type, in pages.
    pub fn memory(mut self, pages: &'static str) -> Self {
        self.memory = pages;
        self
    }

    /// The module.
    ///
    /// # Panics
    /// When the code is no WebAssembly.
    pub fn wasm(&self) -> Vec<u8> {
        let mut text = format!("{LIBRARY}{}", self.fields);
        for (name, kind, harmless) in EXPORTS {
            let body = self.bodies.get(name).map_or(harmless, String::as_str);
            write!(text, "(func ${name} (export \"{name}\") {kind} {body})").expect("memory");
        }
        let (text, data) = place_texts(&text);
        let module = format!(
            "(module {} (memory (export \"memory\") {}) (global $free (mut i32) (i32.const 131072)) {data} {text} (start $init))",
            self.imports, self.memory
        );
        wat::parse_str(&module).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Puts the texts into the memory, and their places into the code.
fn place_texts(code: &str) -> (String, String) {
    let (mut placed, mut data, mut at) = (String::new(), String::new(), TEXTS);
    let mut rest = code;
    while let Some(start) = [rest.find("@\""), rest.find("@'")].into_iter().flatten().min() {
        placed.push_str(&rest[..start]);
        let after = &rest[start + 2..];
        let end = if rest[start + 1..].starts_with('"') { "\"" } else { "'@" };
        let (text, after) = after.split_once(end).expect("a text has an end");
        write!(placed, "(i32.const {at}) (i32.const {})", text.len()).expect("memory");
        let escaped: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
        write!(data, "(data (i32.const {at}) \"{escaped}\")").expect("memory");
        at += text.len() + 8;
        rest = after;
    }
    assert!(at < 131_072, "the texts reach into the heap");
    placed.push_str(rest);
    (placed, data)
}
