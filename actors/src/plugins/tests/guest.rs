//! Small plugins of the buffer ABI in the WebAssembly text format.

use std::fmt::Write;

/// The texts of a module begin here, the buffer of `$report` follows, then the heap.
const TEXTS: usize = 1024;

/// A plugin. In the code, `@name` stands for pointer and length of a text, and these functions can be called:
///
/// * `$emit` (pointer, length, version), `$status`, `$error`, `$debug` (pointer, length), `$save`, `$get`, `$put`, `$radar`, `$subscribe`: the
///   imports,
/// * `$report` (pointer and length of the start of a delta, pointer and length of a JSON value): emits the delta.
pub struct GuestSource {
    texts: Vec<(&'static str, String)>,
    start: String,
    rest: String,
}

impl GuestSource {
    /// One that does nothing and is called `Probe`.
    pub fn new() -> Self {
        let texts = vec![("name", "Probe".to_owned()), ("schema", r#"{"type":"object"}"#.to_owned())];
        Self { texts, start: "(i32.const 0)".to_owned(), rest: String::new() }
    }

    /// With a text; the later one of the same name counts.
    pub fn text(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.texts.retain(|known| known.0 != name);
        self.texts.push((name, text.into()));
        self
    }

    /// With the start of a delta for `$report`: the value at `path` is what is reported.
    pub fn report(self, name: &'static str, path: &str) -> Self {
        self.text(name, format!(r#"{{"updates":[{{"values":[{{"path":"{path}","value":"#))
    }

    /// The code of `plugin_start` (`$at`, `$len`: the configuration), which leaves an i32.
    pub fn start(mut self, code: &str) -> Self {
        self.start = code.to_owned();
        self
    }

    /// Another export without parameters that leaves an i32.
    pub fn export(mut self, name: &str, code: &str) -> Self {
        writeln!(self.rest, "(func (export \"{name}\") (result i32) {code})").expect("memory");
        self
    }

    /// A handler of requests (`$at`, `$len`: the request; `$out`, `$max`: room for the answer), which leaves the length of the answer.
    pub fn handler(mut self, name: &str, code: &str) -> Self {
        let parameters = "(param $at i32) (param $len i32) (param $out i32) (param $max i32)";
        writeln!(self.rest, "(func (export \"{name}\") {parameters} (result i32) {code})").expect("memory");
        self
    }

    /// A function of a provider that gets no request (`$out`, `$max`: room for the answer), which leaves the length of the answer.
    pub fn lister(mut self, name: &str, code: &str) -> Self {
        writeln!(self.rest, "(func (export \"{name}\") (param $out i32) (param $max i32) (result i32) {code})")
            .expect("memory");
        self
    }

    /// `delta_handler` (`$at`, `$len`: the delta).
    pub fn delta_handler(mut self, code: &str) -> Self {
        writeln!(self.rest, "(func (export \"delta_handler\") (param $at i32) (param $len i32) {code})")
            .expect("memory");
        self
    }

    /// `event_handler` (`$at`, `$len`: the event).
    pub fn event_handler(mut self, code: &str) -> Self {
        writeln!(self.rest, "(func (export \"event_handler\") (param $at i32) (param $len i32) {code})")
            .expect("memory");
        self
    }

    /// A getter of a text that was given; `$out`, `$max`: room for it.
    pub fn getter(mut self, name: &str, text: &'static str) -> Self {
        writeln!(
            self.rest,
            "(func (export \"{name}\") (param $out i32) (param $max i32) (result i32) (call $answer (local.get $out) @{text}))"
        )
        .expect("memory");
        self
    }

    /// Another definition of the module: a table, a global, a function.
    pub fn define(mut self, code: &str) -> Self {
        writeln!(self.rest, "{code}").expect("memory");
        self
    }

    /// The module.
    pub fn wasm(&self) -> Vec<u8> {
        self.wasm_with("")
    }

    /// The module, with more imports.
    pub fn wasm_with(&self, imports: &str) -> Vec<u8> {
        let stop = if self.rest.contains("\"plugin_stop\"") {
            ""
        } else {
            r#"(func (export "plugin_stop") (result i32) (i32.const 0))"#
        };
        let mut code = format!(
            r#"
            (func (export "plugin_name") (param $out i32) (param $max i32) (result i32) (call $answer (local.get $out) @name))
            (func (export "plugin_schema") (param $out i32) (param $max i32) (result i32) (call $answer (local.get $out) @schema))
            (func (export "plugin_start") (param $at i32) (param $len i32) (result i32) {})
            {} {stop}"#,
            self.start, self.rest
        );
        let (mut data, mut at) = (String::new(), TEXTS);
        let mut texts = self.texts.clone();
        texts.push(("END", "}]}]}".to_owned()));
        // Longer names first, so that none is taken for the start of another.
        texts.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let mut library = LIBRARY.to_owned();
        for (name, text) in texts {
            let place = format!("(i32.const {at}) (i32.const {})", text.len());
            code = code.replace(&format!("@{name}"), &place);
            library = library.replace(&format!("@{name}"), &place);
            let escaped: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
            writeln!(data, "(data (i32.const {at}) \"{escaped}\")").expect("memory");
            at += text.len();
        }
        assert!(at < 32_768, "the texts reach into the buffer");
        wat::parse_str(format!("(module {imports} {library} {data} {code})")).expect("a module")
    }
}

const LIBRARY: &str = r#"
    (import "env" "sk_handle_message" (func $emit (param i32 i32 i32)))
    (import "env" "sk_set_status" (func $status (param i32 i32)))
    (import "env" "sk_set_error" (func $error (param i32 i32)))
    (import "env" "sk_debug" (func $debug (param i32 i32)))
    (import "env" "sk_save_config" (func $save (param i32 i32) (result i32)))
    (import "env" "sk_read_config" (func $read (param i32 i32) (result i32)))
    (import "env" "sk_get_self_path" (func $get (param i32 i32 i32 i32) (result i32)))
    (import "env" "sk_register_put_handler" (func $put (param i32 i32 i32 i32) (result i32)))
    (import "env" "sk_subscribe_events" (func $subscribe (param i32 i32) (result i32)))
    (import "env" "sk_register_radar_provider" (func $radar (param i32 i32) (result i32)))
    (memory (export "memory") 64)
    (global $heap (mut i32) (i32.const 131072))
    (global $count (mut i32) (i32.const 0))
    (func $answer (param $out i32) (param $at i32) (param $len i32) (result i32)
        (memory.copy (local.get $out) (local.get $at) (local.get $len)) (local.get $len))
    (func (export "allocate") (param $size i32) (result i32)
        (local $missing i32)
        (global.get $heap)
        (global.set $heap (i32.add (global.get $heap) (local.get $size)))
        (local.set $missing (i32.sub (global.get $heap) (i32.shl (memory.size) (i32.const 16))))
        (if (i32.gt_s (local.get $missing) (i32.const 0))
          (then (drop (memory.grow (i32.shr_u (i32.add (local.get $missing) (i32.const 65535)) (i32.const 16)))))))
    (func $report (param $start i32) (param $start_len i32) (param $at i32) (param $len i32)
        (local $end i32)
        (memory.copy (i32.const 32768) (local.get $start) (local.get $start_len))
        (local.set $end (i32.add (i32.const 32768) (local.get $start_len)))
        (memory.copy (local.get $end) (local.get $at) (local.get $len))
        (local.set $end (i32.add (local.get $end) (local.get $len)))
        (call $append (local.get $end) @END)
        (call $emit (i32.const 32768) (i32.sub (i32.add (local.get $end) (i32.const 5)) (i32.const 32768)) (i32.const 1)))
    (func $append (param $to i32) (param $at i32) (param $len i32)
        (memory.copy (local.get $to) (local.get $at) (local.get $len)))
"#;

/// A plugin in AssemblyScript, as far as it takes one to send HTTP requests. In the code, `(call $ask)` asks `url` and waits for the answer, `(call
/// $ask_later)` has it given to the export `responseHandler` of `more`. `start` is done when the plugin is started.
pub fn fetching(url: &str, start: &str, more: &str) -> Vec<u8> {
    let text: Vec<u8> = url.encode_utf16().flat_map(u16::to_le_bytes).collect();
    // What lies before a managed string: twelve bytes of the runtime's, the class, the size.
    let object = [&[0; 12][..], &2u32.to_le_bytes(), &(text.len() as u32).to_le_bytes(), &text].concat();
    let object: String = object.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let module = format!(
        r#"(module
        (import "as-fetch" "_fetchGETSync" (func $fetch (param i32 i32 i32) (result i32)))
        (import "as-fetch" "_fetchGET" (func $fetch_later (param i32 i32 i32 i32)))
        (memory (export "memory") 2)
        (data (i32.const 1024) "{object}")
        (func $ask (drop (call $fetch (i32.const 1044) (i32.const 2) (i32.const 0))))
        (func $ask_later (call $fetch_later (i32.const 1044) (i32.const 2) (i32.const 0) (i32.const 1)))
        (func (export "__new") (param i32 i32) (result i32) (i32.const 65556))
        (func (export "plugin_name") (result i32) (i32.const 0))
        (func (export "plugin_schema") (result i32) (i32.const 0))
        (func (export "plugin_start") (param i32 i32) (result i32) {start} (i32.const 0))
        (func (export "plugin_stop") (result i32) (i32.const 0))
        {more})"#
    );
    wat::parse_str(module).expect("a module")
}
