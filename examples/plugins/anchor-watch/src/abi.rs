//! The shell: the exports that the server calls and the imports it provides.
//!
//! Text travels as a pointer and a length of UTF-8 bytes. The server obtains its buffers from
//! [`allocate`] and gives them back to [`deallocate`]; none is kept after a call.

use crate::config::SCHEMA;
use crate::plugin::{Effect, Plugin, Surroundings};
use crate::watch::Position;
use std::alloc::Layout;
use std::cell::RefCell;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn sk_debug(text: *const u8, len: usize);
    fn sk_set_status(text: *const u8, len: usize);
    fn sk_set_error(text: *const u8, len: usize);
    fn sk_handle_message(delta: *const u8, len: usize);
    fn sk_get_self_path(path: *const u8, len: usize, out: *mut u8, max: usize) -> i32;
}

thread_local! {
    static PLUGIN: RefCell<Option<Plugin>> = const { RefCell::new(None) };
}

/// Every buffer is aligned like this; JSON text needs no more.
const ALIGN: usize = 8;

/// Gives the server a buffer of `size` bytes; null when there is no memory.
#[unsafe(no_mangle)]
pub extern "C" fn allocate(size: usize) -> *mut u8 {
    match Layout::from_size_align(size.max(1), ALIGN) {
        // SAFETY: the layout's size is not zero.
        Ok(layout) => unsafe { std::alloc::alloc(layout) },
        Err(_) => std::ptr::null_mut(),
    }
}

/// Takes a buffer back.
///
/// # Safety
/// `buffer` is from [`allocate`] with the same `size` and was not given back before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn deallocate(buffer: *mut u8, size: usize) {
    if buffer.is_null() {
        return;
    }
    if let Ok(layout) = Layout::from_size_align(size.max(1), ALIGN) {
        // SAFETY: by this function's contract the buffer was allocated with this layout.
        unsafe { std::alloc::dealloc(buffer, layout) }
    }
}

/// The plugin's own short name. Servers derive the id they use from the package name.
///
/// # Safety
/// `max` bytes at `out` are writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plugin_id(out: *mut u8, max: usize) -> i32 {
    // SAFETY: passed on from the caller.
    unsafe { write("anchor-watch", out, max) }
}

/// The name shown to users.
///
/// # Safety
/// `max` bytes at `out` are writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plugin_name(out: *mut u8, max: usize) -> i32 {
    // SAFETY: passed on from the caller.
    unsafe { write("Anchor watch", out, max) }
}

/// The JSON Schema of the configuration.
///
/// # Safety
/// `max` bytes at `out` are writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plugin_schema(out: *mut u8, max: usize) -> i32 {
    // SAFETY: passed on from the caller.
    unsafe { write(SCHEMA, out, max) }
}

/// Starts with a configuration (JSON). 0 is success; otherwise the error was set.
///
/// # Safety
/// `len` bytes at `config` are readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plugin_start(config: *const u8, len: usize) -> i32 {
    // SAFETY: by this function's contract.
    let config = unsafe { std::slice::from_raw_parts(config, len) };
    match Plugin::start(config, surroundings()) {
        Ok((plugin, effects)) => {
            PLUGIN.set(Some(plugin));
            perform(effects);
            0
        }
        Err(error) => {
            perform(vec![Effect::Error(error)]);
            1
        }
    }
}

/// Stops. A plugin that isn't running stays so.
#[unsafe(no_mangle)]
pub extern "C" fn plugin_stop() -> i32 {
    perform(PLUGIN.take().map(Plugin::stop).unwrap_or_default());
    0
}

/// Called once a second.
#[unsafe(no_mangle)]
pub extern "C" fn poll() -> i32 {
    perform(with_plugin(|plugin| plugin.poll(now())));
    0
}

/// Called for every delta on the server.
///
/// # Safety
/// `len` bytes at `delta` are readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn delta_handler(delta: *const u8, len: usize) {
    // SAFETY: by this function's contract.
    let delta = unsafe { std::slice::from_raw_parts(delta, len) };
    perform(with_plugin(|plugin| plugin.delta(delta, now())));
}

/// Runs `step` on the plugin; its state is free again when the effects are performed.
fn with_plugin(step: impl FnOnce(&mut Plugin) -> Vec<Effect>) -> Vec<Effect> {
    PLUGIN.with_borrow_mut(|plugin| plugin.as_mut().map(step).unwrap_or_default())
}

fn perform(effects: Vec<Effect>) {
    for effect in effects {
        let (call, text): (unsafe extern "C" fn(*const u8, usize), _) = match effect {
            Effect::Emit(delta) => (sk_handle_message, delta),
            Effect::Status(text) => (sk_set_status, text),
            Effect::Error(text) => (sk_set_error, text),
            Effect::Debug(text) => (sk_debug, text),
        };
        // SAFETY: the server only reads these bytes, during the call.
        unsafe { call(text.as_ptr(), text.len()) }
    }
}

fn surroundings() -> Surroundings {
    let mmsi = self_path::<String>("mmsi").map(|mmsi| format!("vessels.urn:mrn:imo:mmsi:{mmsi}"));
    let uuid = || self_path::<String>("uuid").map(|uuid| format!("vessels.{uuid}"));
    Surroundings {
        self_context: mmsi.or_else(uuid),
        own_sources: ["SIGNALK_PLUGIN_ID", "PLUGIN_ID"].iter().filter_map(|name| std::env::var(name).ok()).collect(),
        anchor: self_path::<Position>("navigation.anchor.position").filter(|p| p.is_valid()),
    }
}

/// The value at a path of the own vessel, when the server knows it.
fn self_path<T: serde::de::DeserializeOwned>(path: &str) -> Option<T> {
    let mut buffer = [0_u8; 1024];
    // SAFETY: the server reads the path and writes at most the buffer's length, during the call.
    let written = unsafe { sk_get_self_path(path.as_ptr(), path.len(), buffer.as_mut_ptr(), buffer.len()) };
    let json = buffer.get(..usize::try_from(written).ok()?)?;
    serde_json::from_slice(json).ok()
}

fn now() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// Copies `text` to `out`, or nothing when it doesn't fit: half a schema helps nobody, and the
/// server may ask again with a larger buffer.
///
/// # Safety
/// `max` bytes at `out` are writable.
unsafe fn write(text: &str, out: *mut u8, max: usize) -> i32 {
    if text.len() > max {
        return 0;
    }
    // SAFETY: `out` has room by this function's contract, and static text is elsewhere.
    unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), out, text.len()) }
    i32::try_from(text.len()).expect("the texts are a few kilobytes")
}
