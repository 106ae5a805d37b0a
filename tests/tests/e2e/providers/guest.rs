//! Plugins that provide something, in the WebAssembly text format.

/// A plugin of the buffer ABI. In its code, `@name` stands for pointer and length of a text, handlers get `$at` and `$len` (the request),
/// and these functions can be called: `$put` (pointer, length) appends to the answer, `$request` appends the request to the answer,
/// `$has` (pointer, length) tells whether the request contains a text, `$stored` whether it is about the resource that was stored last.
pub struct Guest {
    texts: Vec<(&'static str, String)>,
    start: String,
    rest: String,
}

const LIBRARY: &str = r#"
    (import "env" "sk_register_resource_provider" (func $resources (param i32 i32) (result i32)))
    (import "env" "sk_register_weather_provider" (func $weather (param i32 i32) (result i32)))
    (import "env" "sk_register_radar_provider" (func $radar (param i32 i32) (result i32)))
    (import "env" "sk_radar_emit_spokes" (func $spokes (param i32 i32 i32 i32) (result i32)))
    (import "env" "sk_emit_binary_stream" (func $stream (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 64)
    (global $free (mut i32) (i32.const 0x300000))
    (global $out (mut i32) (i32.const 0))
    (global $written (mut i32) (i32.const 0))
    (global $at (mut i32) (i32.const 0))
    (global $len (mut i32) (i32.const 0))
    (global $kept (mut i32) (i32.const 0))
    (func (export "allocate") (param $size i32) (result i32) (local $at i32)
        (local.set $at (global.get $free))
        (if (i32.gt_u (local.get $size) (i32.sub (i32.const 0x400000) (local.get $at))) (then (return (i32.const 0))))
        (global.set $free (i32.add (local.get $at) (local.get $size)))
        (local.get $at))
    (func $name (export "plugin_name") (param $to i32) (param i32) (result i32)
        (i32.store8 (local.get $to) (i32.const 80)) (i32.const 1))
    (func (export "plugin_schema") (param $to i32) (param i32) (result i32)
        (i32.store16 (local.get $to) (i32.const 0x7d7b)) (i32.const 2))
    (func (export "plugin_stop") (result i32) (i32.const 0))
    (func $begin (param $at i32) (param $len i32) (param $out i32)
        (global.set $at (local.get $at)) (global.set $len (local.get $len))
        (global.set $out (local.get $out)) (global.set $written (i32.const 0)))
    (func $put (param $from i32) (param $size i32)
        (memory.copy (i32.add (global.get $out) (global.get $written)) (local.get $from) (local.get $size))
        (global.set $written (i32.add (global.get $written) (local.get $size))))
    (func $request (call $put (global.get $at) (global.get $len)))
    (func $same (param $a i32) (param $b i32) (param $size i32) (result i32)
        (block $yes (loop $next
            (br_if $yes (i32.eqz (local.get $size)))
            (if (i32.ne (i32.load8_u (local.get $a)) (i32.load8_u (local.get $b))) (then (return (i32.const 0))))
            (local.set $a (i32.add (local.get $a) (i32.const 1)))
            (local.set $b (i32.add (local.get $b) (i32.const 1)))
            (local.set $size (i32.sub (local.get $size) (i32.const 1)))
            (br $next)))
        (i32.const 1))
    (func $has (param $text i32) (param $size i32) (result i32) (local $i i32)
        (block $no (loop $next
            (br_if $no (i32.gt_s (i32.add (local.get $i) (local.get $size)) (global.get $len)))
            (if (call $same (i32.add (global.get $at) (local.get $i)) (local.get $text) (local.get $size))
                (then (return (i32.const 1))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $next)))
        (i32.const 0))
    ;; A request to set a waypoint is kept whole: {"id":"<uuid>","value":<value>,"resourceType":"waypoints"}.
    (func $keep
        (memory.copy (i32.const 0x200000) (global.get $at) (global.get $len))
        (global.set $kept (global.get $len)))
    (func $stored (result i32)
        (if (i32.eqz (global.get $kept)) (then (return (i32.const 0))))
        (call $same (global.get $at) (i32.const 0x200000) (i32.const 44)))
    (func $put_id (call $put (i32.const 0x200006) (i32.const 38)))
    (func $put_value (call $put (i32.const 0x200035) (i32.sub (global.get $kept) (i32.const 81))))
"#;

impl Guest {
    pub fn new(start: &str) -> Self {
        Self { texts: Vec::new(), start: start.to_owned(), rest: String::new() }
    }

    pub fn text(mut self, name: &'static str, text: &str) -> Self {
        self.texts.push((name, text.to_owned()));
        self
    }

    pub fn handler(mut self, name: &str, code: &str) -> Self {
        self.rest += &format!(
            "(func (export \"{name}\") (param $at i32) (param $len i32) (param $out i32) (param i32) (result i32)
                (call $begin (local.get $at) (local.get $len) (local.get $out)) {code} (global.get $written))"
        );
        self
    }

    /// A function that gets no request.
    pub fn getter(mut self, name: &str, code: &str) -> Self {
        self.rest += &format!(
            "(func (export \"{name}\") (param $out i32) (param i32) (result i32)
                (call $begin (i32.const 0) (i32.const 0) (local.get $out)) {code} (global.get $written))"
        );
        self
    }

    pub fn poll(mut self, code: &str) -> Self {
        self.rest += &format!("(func (export \"poll\") (result i32) {code} (i32.const 0))");
        self
    }

    pub fn wasm(&self) -> Vec<u8> {
        let mut code = format!(
            "(func (export \"plugin_start\") (param i32 i32) (result i32) {} (i32.const 0)) {}",
            self.start, self.rest
        );
        let (mut data, mut at) = (String::new(), 1024);
        let mut texts = self.texts.clone();
        // Longer names first, so that none is taken for the start of another.
        texts.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        for (name, text) in texts {
            code = code.replace(&format!("@{name}"), &format!("(i32.const {at}) (i32.const {})", text.len()));
            let escaped: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
            data += &format!("(data (i32.const {at}) \"{escaped}\")");
            at += text.len();
        }
        wat::parse_str(format!("(module {LIBRARY} {data} {code})")).unwrap_or_else(|error| panic!("{error}"))
    }
}
