//! The bounds a plugin runs within.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::HandlerKind;

/// The size of a page of wasm memory, in bytes.
pub(crate) const PAGE: u64 = 65_536;

/// Bounds of one plugin: memory, time, files and output. Durations are serialised in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// Largest linear memory, in bytes; rounded down to whole pages of 64 KiB. Below 32 MiB ordinary C
    /// plugins are refused, because their initial memory holds a 16 MiB stack.
    pub memory_bytes: u64,
    /// Most elements in one table.
    pub table_elements: u32,
    /// Stack for guest code, in bytes. Stacks are pooled, so a plugin may get somewhat more.
    pub stack_bytes: usize,
    /// Largest module file, in bytes.
    pub module_bytes: u64,
    /// Deadlines of calls into the guest.
    pub deadlines: Deadlines,
    /// Bytes of files the plugin may keep.
    pub file_bytes: u64,
    /// Files and directories the plugin may keep. Also the longest directory listing it can read.
    pub files: u64,
    /// Files and directories the plugin may hold open at once.
    pub open_files: usize,
    /// Longest line of output, debug text, status or error; the rest of a longer one is cut off. In bytes.
    pub log_line_bytes: usize,
    /// Lines of output and debug text accepted per second; more are dropped and the number is reported.
    pub log_lines_per_second: u32,
    /// Longest text (delta, configuration, notification) taken from a guest in one call, in bytes.
    pub text_bytes: u32,
    /// Largest answer the buffer ABI's metadata functions may give, in bytes.
    pub metadata_bytes: u32,
    /// Largest answer of a handler (HTTP, PUT, providers), in bytes of UTF-8; at least 64 KiB.
    pub answer_bytes: u32,
    /// UDP and TCP sockets the plugin may have open at once.
    pub open_sockets: u32,
    /// Largest answer to one of the plugin's HTTP requests, after decompression, and largest body it may send. In bytes.
    pub fetch_bytes: u64,
    /// How long an HTTP request may take, redirects included. The plugin waits meanwhile, and the deadline of the call it is in
    /// stands still.
    #[serde(with = "milliseconds")]
    pub fetch_deadline: Duration,
    /// HTTP requests the plugin may send in a minute; more fail at once.
    pub fetches_per_minute: u32,
}

/// How long each kind of call may take before it is interrupted and counts as a crash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Deadlines {
    /// The start section, `_initialize` and `_start`, each.
    #[serde(with = "milliseconds")]
    pub initialize: Duration,
    /// `plugin_name` and `plugin_schema`.
    #[serde(with = "milliseconds")]
    pub metadata: Duration,
    /// `plugin_start`.
    #[serde(with = "milliseconds")]
    pub start: Duration,
    /// `plugin_stop`.
    #[serde(with = "milliseconds")]
    pub stop: Duration,
    /// `poll`.
    #[serde(with = "milliseconds")]
    pub poll: Duration,
    /// `delta_handler`.
    #[serde(with = "milliseconds")]
    pub delta: Duration,
    /// Handlers of HTTP and PUT requests.
    #[serde(with = "milliseconds")]
    pub request: Duration,
    /// Resource, weather and radar providers.
    #[serde(with = "milliseconds")]
    pub provider: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 128 << 20,
            table_elements: 1 << 20,
            stack_bytes: 1 << 20,
            module_bytes: 16 << 20,
            deadlines: Deadlines::default(),
            file_bytes: 100 << 20,
            files: 10_000,
            open_files: 64,
            log_line_bytes: 8 << 10,
            log_lines_per_second: 200,
            text_bytes: 1 << 20,
            metadata_bytes: 1 << 20,
            answer_bytes: 32 << 20,
            open_sockets: 64,
            fetch_bytes: 4 << 20,
            fetch_deadline: Duration::from_secs(30),
            fetches_per_minute: 120,
        }
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            initialize: Duration::from_secs(5),
            metadata: Duration::from_secs(2),
            start: Duration::from_secs(30),
            stop: Duration::from_secs(5),
            poll: Duration::from_secs(5),
            delta: Duration::from_secs(2),
            request: Duration::from_secs(10),
            provider: Duration::from_secs(30),
        }
    }
}

impl Deadlines {
    /// The same short deadline for every kind of call.
    pub fn all(deadline: Duration) -> Self {
        Self {
            initialize: deadline,
            metadata: deadline,
            start: deadline,
            stop: deadline,
            poll: deadline,
            delta: deadline,
            request: deadline,
            provider: deadline,
        }
    }
}

impl Deadlines {
    /// The deadline of a handler.
    pub(crate) fn of(&self, kind: HandlerKind) -> Duration {
        match kind {
            HandlerKind::Http | HandlerKind::Put => self.request,
            HandlerKind::Provider | HandlerKind::ProviderList => self.provider,
        }
    }
}

impl Limits {
    /// The memory cap in whole pages; never more than a 32-bit memory can have.
    pub(crate) fn memory_pages(&self) -> u32 {
        u32::try_from((self.memory_bytes / PAGE).min(65_536)).unwrap_or(65_536)
    }
}

mod milliseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(value.as_millis()).unwrap_or(u64::MAX))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}
