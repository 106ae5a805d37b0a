//! The buffer ABI: UTF-8 in memory from the module's own `allocate` (ABI specification §3.1).

use std::time::Duration;

use super::{
    Abi, CallStatistics, Detected, Guest, HandlerKind, LimitUse,
    core::{Export, GuestCore},
};
use crate::{
    CallError, DeltaText, FetchStatistics, LoadError, SocketStatistics, engine::MemoryUse, limits::PAGE, text,
};

/// First size of the buffer requests are written to; it grows geometrically.
const REQUEST: u32 = 4 << 10;
/// First size of the buffer answers are read from.
const RESPONSE: u32 = 64 << 10;

/// Room for answers to PUT requests, which are short.
const PUT_RESPONSE: u32 = 1 << 20;
/// After a longer answer its memory is given back.
const KEPT: u32 = 256 << 10;

/// `(answer, room)`.
const GETTER_PARAMS: usize = 2;
/// `(request, length, answer, room)`.
const HANDLER_PARAMS: usize = 4;

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
    event_handler: Option<Export>,
    http_endpoints: Option<Export>,
    /// Kept between calls: in some toolchains `deallocate` does nothing, and each allocation would leak.
    request: Scratch,
    /// Kept as well, for answers.
    response: Scratch,
}

/// A buffer in the guest, allocated by it.
#[derive(Clone, Copy, Default)]
struct Scratch {
    at: i32,
    size: u32,
    /// The size that was asked for, which the guest may not have had memory for.
    wanted: u32,
}

/// How large a buffer of `most` bytes may become without endangering the guest, whose allocator may trap or double its memory: a quarter of
/// what it does not use yet, and not beyond half of its limit; but at least [`RESPONSE`].
fn spare(memory: MemoryUse, most: u32) -> u32 {
    let quarter = memory.limit.saturating_sub(memory.used) / 4;
    let half = (memory.limit / 2).saturating_sub(memory.used);
    let whole_pages = quarter.min(half) / PAGE * PAGE;
    u32::try_from(whole_pages).unwrap_or(u32::MAX).min(most).max(RESPONSE)
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
            delta_handler: if core.delivers.deltas { core.find("delta_handler") } else { None },
            event_handler: if core.delivers.events { core.find("event_handler") } else { None },
            http_endpoints: core.find("http_endpoints"),
            request: Scratch::default(),
            response: Scratch::default(),
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
            return Err(self.core.broken(&self.allocate.name, format!("no memory for {size} bytes (it returned 0)")));
        }
        let end = u64::from(at as u32) + u64::from(size);
        if end > self.core.memory_bytes() {
            let reason = format!("it returned {} for {size} bytes, outside its memory", at as u32);
            return Err(self.core.broken(&self.allocate.name, reason));
        }
        Ok(Scratch { at, size, wanted: size })
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
                return Err(self.core.broken(&export.name, reason));
            }
            let full = written as u32 == size && size < max;
            let text = text::read_utf8(self.core.instance(), buffer.at as u32, written as u32, max)
                .map_err(|error| self.core.broken(&export.name, error.to_string()))?;
            self.free(buffer, deadline)?;
            if !full {
                return Ok(text);
            }
            size = size.saturating_mul(2).min(max);
        }
    }

    /// Makes sure that there is room for an answer of at most `most` bytes, as far as the guest has memory to spare.
    ///
    /// Handlers have side effects, so they are asked once, and some give up when their answer does not fit: better to offer too much. It
    /// costs address space of the guest, but memory only as far as it is written to.
    fn reserve_answer(&mut self, scratch: &mut Scratch, most: u32, deadline: Duration) -> Result<(), CallError> {
        if scratch.wanted >= most {
            return Ok(());
        }
        let old = std::mem::take(scratch);
        self.free(old, deadline)?;
        let size = spare(self.core.memory_use(), most);
        let at = if size > RESPONSE { self.core.call(self.allocate, &[size as i32], deadline)? } else { 0 };
        let fits = at != 0 && u64::from(at as u32) + u64::from(size) <= self.core.memory_bytes();
        *scratch = if fits { Scratch { at, size, wanted: most } } else { self.allocate(RESPONSE, deadline)? };
        scratch.wanted = most;
        // Some allocators fill what they give with zeros.
        self.core.instance().discard(scratch.at as u32, scratch.size);
        Ok(())
    }

    /// What a handler wrote.
    fn answer(&mut self, export: &Export, buffer: Scratch, written: i32) -> Result<String, CallError> {
        if written < 0 || written as u32 > buffer.size {
            if written > 0 {
                self.core.refuse_answer();
            }
            let reason = format!("it says it wrote {written} bytes into a buffer of {}", buffer.size);
            return Err(self.core.broken(&export.name, reason));
        }
        self.core.answered(written as usize);
        let answer = text::read_utf8(self.core.instance(), buffer.at as u32, written as u32, buffer.size)
            .map_err(|error| self.core.broken(&export.name, error.to_string()))?;
        if written as u32 > KEPT {
            self.core.instance().discard(buffer.at as u32, buffer.size);
        }
        Ok(answer)
    }

    /// Calls `f(pointer, length)` with `text`.
    fn pass(
        &mut self,
        export: &Export,
        request: &mut Scratch,
        text: &str,
        deadline: Duration,
    ) -> Result<i32, CallError> {
        self.pass_with(export, request, text, &[], deadline)
    }

    /// The same with arguments after those two, at most two.
    fn pass_with(
        &mut self,
        export: &Export,
        request: &mut Scratch,
        text: &str,
        more: &[i32],
        deadline: Duration,
    ) -> Result<i32, CallError> {
        let Ok(length) = u32::try_from(text.len()) else {
            return Err(self.core.broken(&export.name, "a text of more than 4 GiB"));
        };
        self.reserve(request, length.max(1), deadline)?;
        self.core.write(&self.allocate.name, request.at, text.as_bytes())?;
        let arg = |index: usize| more.get(index).copied().unwrap_or(0);
        self.core.call(export, &[request.at, length as i32, arg(0), arg(1)], deadline)
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

    fn own_id(&mut self) -> Result<Option<String>, CallError> {
        let deadline = self.core.limits.deadlines.metadata;
        match self.core.find_own_id(GETTER_PARAMS) {
            Some(export) => allocator!(self).get(&export, deadline).map(Some),
            None => Ok(None),
        }
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

    fn has_event_handler(&self) -> bool {
        self.event_handler.is_some()
    }

    fn deliver_event(&mut self, event_json: &str) -> Result<(), CallError> {
        let deadline = self.core.limits.deadlines.delta;
        match &self.event_handler {
            Some(handler) => allocator!(self).pass(handler, &mut self.request, event_json, deadline).map(drop),
            None => Ok(()),
        }
    }

    fn deliver_shared(&mut self, delta: &dyn DeltaText) -> Result<(), CallError> {
        self.deliver(delta.utf8())
    }

    fn http_endpoints(&mut self) -> Result<Option<String>, CallError> {
        let deadline = self.core.limits.deadlines.metadata;
        match &self.http_endpoints {
            Some(export) => allocator!(self).get(export, deadline).map(Some),
            None => Ok(None),
        }
    }

    fn handle(&mut self, kind: HandlerKind, export: &str, request_json: &str) -> Result<Option<String>, CallError> {
        let export = self.core.handler(export, HANDLER_PARAMS)?;
        let deadline = self.core.limits.deadlines.of(kind);
        let max = self.core.limits.answer_bytes.max(RESPONSE);
        let most = if kind == HandlerKind::Put { PUT_RESPONSE.min(max) } else { max };
        let mut allocator = allocator!(self);
        allocator.reserve_answer(&mut self.response, most, deadline)?;
        let (at, room) = (self.response.at, self.response.size as i32);
        let written = match kind {
            HandlerKind::ProviderList => allocator.core.call(&export, &[at, room], deadline)?,
            _ => allocator.pass_with(&export, &mut self.request, request_json, &[at, room], deadline)?,
        };
        let answer = allocator.answer(&export, self.response, written)?;
        Ok((!answer.is_empty()).then_some(answer))
    }

    fn has_handler(&mut self, _: HandlerKind, export: &str) -> bool {
        self.core.handler(export, HANDLER_PARAMS).is_ok()
    }

    fn put_handler(&mut self, context: &str, path: &str) -> Option<String> {
        self.core.put_handler(context, path, HANDLER_PARAMS)
    }

    fn memory_bytes(&self) -> u64 {
        self.core.memory_bytes()
    }

    fn limit_use(&mut self) -> LimitUse {
        self.core.limit_use()
    }

    fn memory_limit(&self) -> u64 {
        self.core.memory_use().limit
    }

    fn calls(&self) -> CallStatistics {
        self.core.statistics()
    }

    fn sockets(&self) -> SocketStatistics {
        self.core.outside.network.sockets()
    }

    fn fetches(&self) -> FetchStatistics {
        self.core.outside.network.fetches()
    }

    /// Requests with callbacks exist in AssemblyScript only: answers are managed objects.
    fn deliver_responses(&mut self) -> Result<usize, CallError> {
        Ok(0)
    }
}
