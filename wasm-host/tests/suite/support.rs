//! A recording host, and modules built from text.

use std::{
    path::PathBuf,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use windlass_wasm_host::{
    Capabilities, CompiledPlugin, Deadlines, DeltaVersion, Guest, Host, HostError, Limits, LoadError, NetworkAccess,
    OutputStream, Runtime, RuntimeOptions, Sandbox, Storage, Waits,
};

/// Everything a guest did to its host, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Debug(String),
    Status(String),
    Error(String),
    Delta(String, DeltaVersion),
    Notification(String, String),
    Saved(String),
    Line(OutputStream, String),
    Denied(&'static str, &'static str),
    Notice(String),
    PutHandler(String, String),
    Resources(String),
    Weather(String),
    Radar(String),
    Stream(String, Vec<u8>),
    Spokes(String, Vec<u8>),
    Subscribed(Vec<String>),
    Emitted(String, String),
}

#[derive(Default)]
pub struct Recorder {
    pub events: Mutex<Vec<Event>>,
    /// Panics in `set_status`, to stand for a fault of the server.
    pub panics: bool,
    /// Refuses whatever it may refuse.
    pub refuses: bool,
    pub waits: Waits,
}

impl Recorder {
    fn record(&self, event: Event) {
        self.events.lock().unwrap().push(event);
    }

    /// Records what may be refused, unless it is.
    fn accept(&self, event: Event) -> Result<(), HostError> {
        if self.refuses {
            return Err(HostError("refused on purpose".into()));
        }
        self.record(event);
        Ok(())
    }

    pub fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }

    pub fn debug_lines(&self) -> Vec<String> {
        self.events()
            .into_iter()
            .filter_map(|event| if let Event::Debug(line) = event { Some(line) } else { None })
            .collect()
    }

    pub fn notices(&self) -> Vec<String> {
        self.events()
            .into_iter()
            .filter_map(|event| if let Event::Notice(line) = event { Some(line) } else { None })
            .collect()
    }
}

impl Host for Recorder {
    fn waits(&self) -> Waits {
        self.waits.clone()
    }

    fn debug(&self, text: &str) {
        self.record(Event::Debug(text.into()));
    }

    fn set_status(&self, text: &str) {
        assert!(!self.panics, "the host fails on purpose");
        self.record(Event::Status(text.into()));
    }

    fn set_error(&self, text: &str) {
        self.record(Event::Error(text.into()));
    }

    fn emit_delta(&self, json: &str, version: DeltaVersion) {
        self.record(Event::Delta(json.into(), version));
    }

    fn publish_notification(&self, path: &str, value_json: &str) -> Result<(), HostError> {
        self.record(Event::Notification(path.into(), value_json.into()));
        Ok(())
    }

    fn self_path(&self, path: &str) -> Option<String> {
        (path == "navigation.position").then(|| r#"{"latitude":60.1,"longitude":24.9}"#.to_owned())
    }

    fn path(&self, path: &str) -> Option<String> {
        let path = path.strip_prefix("vessels.self.")?;
        self.self_path(path)
    }

    fn read_config(&self) -> Result<String, HostError> {
        Ok(r#"{"radius":30}"#.to_owned())
    }

    fn save_config(&self, json: &str) -> Result<(), HostError> {
        self.record(Event::Saved(json.into()));
        Ok(())
    }

    fn register_put_handler(&self, context: &str, path: &str) -> Result<(), HostError> {
        self.accept(Event::PutHandler(context.into(), path.into()))
    }

    fn register_resource_provider(&self, kind: &str) -> Result<(), HostError> {
        self.accept(Event::Resources(kind.into()))
    }

    fn register_weather_provider(&self, name: &str) -> Result<(), HostError> {
        self.accept(Event::Weather(name.into()))
    }

    fn register_radar_provider(&self, name: &str) -> Result<(), HostError> {
        self.accept(Event::Radar(name.into()))
    }

    fn emit_binary_stream(&self, stream: &str, frame: &[u8]) -> Result<(), HostError> {
        self.accept(Event::Stream(stream.into(), frame.into()))
    }

    fn emit_radar_spokes(&self, radar: &str, frame: &[u8]) -> Result<(), HostError> {
        self.accept(Event::Spokes(radar.into(), frame.into()))
    }

    fn subscribe_events(&self, types: &[String]) -> Result<(), HostError> {
        self.accept(Event::Subscribed(types.to_vec()))
    }

    fn emit_event(&self, kind: &str, data_json: &str) -> Result<(), HostError> {
        self.accept(Event::Emitted(kind.into(), data_json.into()))
    }

    fn output_line(&self, stream: OutputStream, line: &str) {
        self.record(Event::Line(stream, line.into()));
    }

    fn denied(&self, import: &'static str, capability: &'static str) {
        self.record(Event::Denied(import, capability));
    }

    fn notice(&self, text: &str) {
        self.record(Event::Notice(text.into()));
    }
}

/// The runtime all tests share, without a cache.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new(RuntimeOptions::default()).unwrap());
    &RUNTIME
}

/// The ordinary limits with deadlines long enough for a busy machine.
pub fn patient() -> Limits {
    Limits { deadlines: Deadlines::all(Duration::from_secs(60)), ..Limits::default() }
}

/// The ordinary limits with a deadline that endless loops reach soon.
pub fn impatient() -> Limits {
    Limits { deadlines: Deadlines::all(Duration::from_millis(200)), ..Limits::default() }
}

/// Every capability there is.
pub fn everything() -> Capabilities {
    Capabilities {
        network: NetworkAccess::Granted,
        storage: Storage::VfsOnly,
        data_read: true,
        data_write: true,
        serial_ports: true,
        put_handlers: true,
        http_endpoints: Some(true),
        static_files: Some(true),
        resource_provider: true,
        weather_provider: true,
        radar_provider: true,
        raw_sockets: NetworkAccess::Granted,
        server_events: true,
    }
}

/// No capability at all.
pub fn nothing() -> Capabilities {
    Capabilities {
        network: NetworkAccess::Denied,
        storage: Storage::None,
        data_read: false,
        data_write: false,
        serial_ports: false,
        put_handlers: false,
        http_endpoints: Some(false),
        static_files: Some(false),
        resource_provider: false,
        weather_provider: false,
        radar_provider: false,
        raw_sockets: NetworkAccess::Denied,
        server_events: false,
    }
}

pub fn sandbox() -> Sandbox {
    Sandbox { vfs_root: None, environment: vec![], capabilities: Capabilities::default(), utf16_requests: false }
}

pub fn compile(wat: &str) -> Result<CompiledPlugin, LoadError> {
    compile_within(wat, &patient())
}

pub fn compile_within(wat: &str, limits: &Limits) -> Result<CompiledPlugin, LoadError> {
    let wasm = wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}\n{wat}"));
    runtime().compile_bytes(&wasm, limits)
}

/// A plugin under test.
pub struct Plugin {
    pub host: Arc<Recorder>,
    pub guest: Box<dyn Guest>,
}

impl Plugin {
    pub fn load(wat: &str) -> Self {
        Self::within(wat, sandbox(), &patient())
    }

    pub fn within(wat: &str, sandbox: Sandbox, limits: &Limits) -> Self {
        Self::try_within(wat, sandbox, limits, Recorder::default()).unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn try_within(wat: &str, sandbox: Sandbox, limits: &Limits, host: Recorder) -> Result<Self, LoadError> {
        let host = Arc::new(host);
        let guest = runtime().instantiate(
            &compile_within(wat, limits)?,
            Arc::clone(&host) as Arc<dyn Host>,
            sandbox,
            limits,
        )?;
        Ok(Self { host, guest })
    }

    /// Loads a module whose loading fails.
    pub fn refusal(wat: &str, limits: &Limits) -> LoadError {
        match Self::try_within(wat, sandbox(), limits, Recorder::default()) {
            Ok(_) => panic!("loaded, but should have been refused"),
            Err(error) => error,
        }
    }
}

/// Calls an import from `plugin_start` and returns its result.
pub fn result_of(import: &str, call: &str, more: &str, capabilities: Capabilities) -> (i32, Plugin) {
    let wat = Wat { imports: import, start: call, more, ..Wat::default() };
    let mut plugin = Plugin::within(&wat.buffer(), Sandbox { capabilities, ..sandbox() }, &patient());
    let result = plugin.guest.start("{}").unwrap_or_else(|error| panic!("{error}"));
    (result, plugin)
}

pub fn in_directory(root: PathBuf) -> Sandbox {
    Sandbox { vfs_root: Some(root), ..sandbox() }
}

/// Parts of modules. Texts live in low memory; `allocate` hands out memory from 64 KiB on.
pub struct Wat<'a> {
    /// Imports.
    pub imports: &'a str,
    /// Bodies of the exports; each leaves an i32, except `delta`.
    pub name: &'a str,
    pub schema: &'a str,
    pub start: &'a str,
    pub stop: &'a str,
    pub poll: &'a str,
    pub delta: &'a str,
    /// Data, globals, further functions.
    pub more: &'a str,
    /// Pages of memory to begin with.
    pub pages: u32,
}

impl Default for Wat<'_> {
    fn default() -> Self {
        Self {
            imports: "",
            name: "(i32.const 0)",
            schema: "(i32.const 0)",
            start: "(i32.const 0)",
            stop: "(i32.const 0)",
            poll: "(i32.const 0)",
            delta: "",
            more: "",
            pages: 4,
        }
    }
}

impl Wat<'_> {
    /// A plugin of the buffer ABI. `allocate` grows the memory as needed and never reuses; `$used` is its top.
    pub fn buffer(&self) -> String {
        let Self { imports, name, schema, start, stop, poll, delta, more, pages } = self;
        format!(
            r#"(module
            {imports}
            (memory (export "memory") {pages})
            (global $used (mut i32) (i32.const 65536))
            (func (export "allocate") (param $size i32) (result i32)
              (local $at i32)
              (local.set $at (global.get $used))
              (global.set $used (i32.add (global.get $used) (local.get $size)))
              (block $fits
                (br_if $fits (i32.le_u (global.get $used) (i32.mul (memory.size) (i32.const 65536))))
                (if (i32.eq (memory.grow (i32.div_u (i32.add (local.get $size) (i32.const 65535)) (i32.const 65536)))
                            (i32.const -1))
                  (then (return (i32.const 0)))))
              (local.get $at))
            (func (export "plugin_name") (param $p i32) (param $n i32) (result i32) {name})
            (func (export "plugin_schema") (param $p i32) (param $n i32) (result i32) {schema})
            (func (export "plugin_start") (param $p i32) (param $n i32) (result i32) {start})
            (func (export "plugin_stop") (result i32) {stop})
            (func (export "poll") (result i32) {poll})
            (func (export "delta_handler") (param $p i32) (param $n i32) {delta})
            {more})"#
        )
    }

    /// A plugin of the AssemblyScript ABI with a minimal runtime: objects are never freed, `$pinned` counts pins.
    /// `name` and `schema` leave string pointers; `delta` gets its string as `$p`.
    pub fn assembly_script(&self) -> String {
        let Self { imports, name, schema, start, stop, poll, delta, more, pages } = self;
        format!(
            r#"(module
            {imports}
            (memory (export "memory") {pages})
            (global $used (mut i32) (i32.const 65536))
            (global $pinned (mut i32) (i32.const 0))
            (global $arguments (mut i32) (i32.const -1))
            (func $new (export "__new") (param $size i32) (param $class i32) (result i32)
              (local $at i32)
              (local.set $at (i32.add (global.get $used) (i32.const 20)))
              (global.set $used
                (i32.and (i32.add (i32.add (local.get $at) (local.get $size)) (i32.const 15)) (i32.const -16)))
              (i32.store (i32.sub (local.get $at) (i32.const 8)) (local.get $class))
              (i32.store (i32.sub (local.get $at) (i32.const 4)) (local.get $size))
              (local.get $at))
            (func (export "__pin") (param i32) (result i32)
              (global.set $pinned (i32.add (global.get $pinned) (i32.const 1)))
              (local.get 0))
            (func (export "__unpin") (param i32)
              (global.set $pinned (i32.sub (global.get $pinned) (i32.const 1))))
            (func (export "__setArgumentsLength") (param i32) (global.set $arguments (local.get 0)))
            (func (export "plugin_name") (result i32) {name})
            (func (export "plugin_schema") (result i32) {schema})
            (func (export "plugin_start") (param $p i32) (param $n i32) (result i32) {start})
            (func (export "plugin_stop") (result i32) {stop})
            (func (export "poll") (result i32) {poll})
            (func (export "delta_handler") (param $p i32) {delta})
            {more})"#
        )
    }
}

/// A data segment that holds a managed string: pointer `at` is that of the string.
pub fn managed_string(at: u32, text: &str) -> String {
    let payload: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut bytes = vec![0; 12];
    bytes.extend_from_slice(&2u32.to_le_bytes());
    bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&payload);
    data(at - 20, &bytes)
}

/// A data segment.
pub fn data(at: u32, bytes: &[u8]) -> String {
    let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!("(data (i32.const {at}) \"{escaped}\")")
}

/// Code that copies `length` bytes from `from` to the getter's buffer and leaves the length.
pub fn give(from: u32, length: usize) -> String {
    format!("(memory.copy (local.get $p) (i32.const {from}) (i32.const {length})) (i32.const {length})")
}
