//! The buffer ABI: UTF-8 in memory from the module's own `allocate` (ABI specification §3.1).

use std::time::Duration;

use super::{
    Abi, CallStatistics, Detected, Guest,
    core::{Export, GuestCore},
};
use crate::{CallError, LoadError, text};

/// First size of the buffer requests are written to; it grows geometrically.
const REQUEST: u32 = 4 << 10;
/// First size of the buffer answers are read from.
const RESPONSE: u32 = 64 << 10;

/// A plugin in Rust, TinyGo, C, Zig…
pub(super) struct BufferGuest {
    core: GuestCore,
    allocate: Export,
    deallocate: Option<Export>,
    name: Export,
    schema: Export,
    start: Export,
    stop: Export,
    poll: Option<Export>,
    delta_handler: Option<Export>,
    /// Kept between calls: in some toolchains `deallocate` does nothing, and each allocation would leak.
    request: Scratch,
}

/// A buffer in the guest, allocated by it.
#[derive(Clone, Copy, Default)]
struct Scratch {
    at: i32,
    size: u32,
}

impl BufferGuest {
    pub(super) fn new(mut core: GuestCore, detected: &Detected) -> Result<Self, LoadError> {
        Ok(Self {
            allocate: core.require("allocate")?,
            deallocate: core.find("deallocate"),
            name: core.require(detected.name)?,
            schema: core.require(detected.schema)?,
            start: core.require(detected.start)?,
            stop: core.require(detected.stop)?,
            poll: core.find("poll"),
            delta_handler: if core.delivers_deltas { core.find("delta_handler") } else { None },
            request: Scratch::default(),
            core,
        })
    }
}

/// `core`, `allocate` and `deallocate` of a guest, borrowed apart from the export that is called.
struct Allocator<'a> {
    core: &'a mut GuestCore,
    allocate: &'a Export,
    deallocate: Option<&'a Export>,
}

impl Allocator<'_> {
    fn allocate(&mut self, size: u32, deadline: Duration) -> Result<Scratch, CallError> {
        let at = self.core.call(self.allocate, &[size as i32], deadline)?;
        if at == 0 {
            return Err(self.core.broken(self.allocate.name, format!("no memory for {size} bytes (it returned 0)")));
        }
        let end = u64::from(at as u32) + u64::from(size);
        if end > self.core.memory_bytes() {
            let reason = format!("it returned {} for {size} bytes, outside its memory", at as u32);
            return Err(self.core.broken(self.allocate.name, reason));
        }
        Ok(Scratch { at, size })
    }

    fn free(&mut self, scratch: Scratch, deadline: Duration) -> Result<(), CallError> {
        if let (Some(deallocate), true) = (self.deallocate, scratch.size > 0) {
            self.core.call(deallocate, &[scratch.at, scratch.size as i32], deadline)?;
        }
        Ok(())
    }

    /// Makes `scratch` hold at least `size` bytes.
    fn reserve(&mut self, scratch: &mut Scratch, size: u32, deadline: Duration) -> Result<(), CallError> {
        if scratch.size < size {
            let old = std::mem::take(scratch);
            self.free(old, deadline)?;
            *scratch = self.allocate(size.next_power_of_two().max(REQUEST), deadline)?;
        }
        Ok(())
    }

    /// A getter `f(out, max) -> written`. The answer may be as long as fits; when it fills the buffer it may have been cut, so the
    /// function, which has no side effects, is asked again with twice the room.
    fn get(&mut self, export: &Export, deadline: Duration) -> Result<String, CallError> {
        let max = self.core.limits.metadata_bytes;
        let mut size = RESPONSE.min(max);
        loop {
            let buffer = self.allocate(size, deadline)?;
            let written = self.core.call(export, &[buffer.at, size as i32], deadline)?;
            if written < 0 || written as u32 > size {
                let reason = format!("it says it wrote {written} bytes into a buffer of {size}");
                return Err(self.core.broken(export.name, reason));
            }
            let full = written as u32 == size && size < max;
            let text = text::read_utf8(self.core.instance(), buffer.at as u32, written as u32, max)
                .map_err(|error| self.core.broken(export.name, error.to_string()))?;
            self.free(buffer, deadline)?;
            if !full {
                return Ok(text);
            }
            size = size.saturating_mul(2).min(max);
        }
    }

    /// Calls `f(pointer, length)` with `text`.
    fn pass(
        &mut self,
        export: &Export,
        request: &mut Scratch,
        text: &str,
        deadline: Duration,
    ) -> Result<i32, CallError> {
        let Ok(length) = u32::try_from(text.len()) else {
            return Err(self.core.broken(export.name, "a text of more than 4 GiB"));
        };
        self.reserve(request, length.max(1), deadline)?;
        self.core.write(self.allocate.name, request.at, text.as_bytes())?;
        self.core.call(export, &[request.at, length as i32], deadline)
    }
}

macro_rules! allocator {
    ($guest:ident) => {
        Allocator { core: &mut $guest.core, allocate: &$guest.allocate, deallocate: $guest.deallocate.as_ref() }
    };
}

impl Guest for BufferGuest {
    fn abi(&self) -> Abi {
        Abi::Buffer
    }

    fn name(&mut self) -> Result<String, CallError> {
        let deadline = self.core.limits.deadlines.metadata;
        allocator!(self).get(&self.name, deadline)
    }

    fn schema(&mut self) -> Result<String, CallError> {
        let deadline = self.core.limits.deadlines.metadata;
        let schema = allocator!(self).get(&self.schema, deadline)?;
        Ok(if schema.trim().is_empty() { "{}".to_owned() } else { schema })
    }

    fn start(&mut self, config_json: &str) -> Result<i32, CallError> {
        let deadline = self.core.limits.deadlines.start;
        allocator!(self).pass(&self.start, &mut self.request, config_json, deadline)
    }

    fn stop(&mut self) -> Result<i32, CallError> {
        self.core.call(&self.stop, &[], self.core.limits.deadlines.stop)
    }

    fn has_poll(&self) -> bool {
        self.poll.is_some()
    }

    fn poll(&mut self) -> Result<i32, CallError> {
        match &self.poll {
            Some(poll) => self.core.call(poll, &[], self.core.limits.deadlines.poll),
            None => Ok(0),
        }
    }

    fn has_delta_handler(&self) -> bool {
        self.delta_handler.is_some()
    }

    fn deliver(&mut self, delta_json: &str) -> Result<(), CallError> {
        let deadline = self.core.limits.deadlines.delta;
        match &self.delta_handler {
            Some(handler) => allocator!(self).pass(handler, &mut self.request, delta_json, deadline).map(drop),
            None => Ok(()),
        }
    }

    fn memory_bytes(&self) -> u64 {
        self.core.memory_bytes()
    }

    fn calls(&self) -> CallStatistics {
        self.core.statistics()
    }
}
