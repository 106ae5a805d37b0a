//! AssemblyScript: managed UTF-16 strings reached through one pointer (ABI specification §3.1).

use std::time::Duration;

use super::{
    Abi, CallStatistics, Detected, Guest, HandlerKind, LimitUse,
    core::{Export, GuestCore},
};
use crate::{
    CallError, DeltaText, FetchStatistics, LoadError, SocketStatistics,
    net::Answer,
    text::{self, ARRAY_BUFFER, STRING, TextError},
};

/// A request, and its length.
const HANDLER_PARAMS: usize = 2;

/// A plugin in AssemblyScript.
pub(super) struct AssemblyScriptGuest {
    runtime: Runtime,
    name: Export,
    schema: Export,
    start: Export,
    stop: Export,
    poll: Option<Export>,
    delta_handler: Option<Export>,
    event_handler: Option<Export>,
    http_endpoints: Option<Export>,
    /// Takes answers to HTTP requests made with a callback.
    response_handler: Option<Export>,
    /// A handler with two parameters gets the string itself instead of UTF-8 bytes (`signalk.wasm.httpRequestEncoding`).
    utf16_requests: bool,
}

/// The instance with AssemblyScript's memory management.
struct Runtime {
    core: GuestCore,
    new: Option<Export>,
    pin: Option<Export>,
    unpin: Option<Export>,
    arguments: ArgumentsLength,
    /// Where strings are turned into UTF-16, kept between calls.
    utf16: Vec<u8>,
}

/// How the guest wants to be told how many arguments a call really has; exports with optional parameters depend on it.
enum ArgumentsLength {
    Function(Export),
    Global,
    None,
}

impl AssemblyScriptGuest {
    pub(super) fn new(mut core: GuestCore, detected: &Detected, utf16_requests: bool) -> Result<Self, LoadError> {
        let arguments = match core.find("__setArgumentsLength") {
            Some(export) => ArgumentsLength::Function(export),
            None if core.instance().set_global("__argumentsLength", 0) => ArgumentsLength::Global,
            None => ArgumentsLength::None,
        };
        Ok(Self {
            name: core.require(detected.name)?,
            schema: core.require(detected.schema)?,
            start: core.require(detected.start)?,
            stop: core.require(detected.stop)?,
            poll: core.find("poll"),
            delta_handler: if core.delivers.deltas { core.find("delta_handler") } else { None },
            event_handler: if core.delivers.events { core.find("event_handler") } else { None },
            http_endpoints: core.find("http_endpoints"),
            response_handler: core.find("responseHandler"),
            utf16_requests,
            runtime: Runtime {
                new: core.find("__new"),
                pin: core.find("__pin"),
                unpin: core.find("__unpin"),
                arguments,
                utf16: Vec::new(),
                core,
            },
        })
    }
}

impl Runtime {
    /// Calls an export after telling the guest how many arguments there are.
    fn call(&mut self, export: &Export, args: &[i32], deadline: Duration) -> Result<Option<i32>, CallError> {
        let count = args.len().min(export.params()) as i32;
        match &self.arguments {
            ArgumentsLength::Function(set) => drop(self.core.call(set, &[count], deadline)?),
            ArgumentsLength::Global => drop(self.core.instance().set_global("__argumentsLength", count)),
            ArgumentsLength::None => {}
        }
        self.core.call_optional(export, args, deadline)
    }

    /// Calls a function that returns a string; null and nothing read as empty. The string is read at once: the next call
    /// may collect it.
    fn get(&mut self, export: &Export, deadline: Duration) -> Result<String, CallError> {
        let at = self.call(export, &[], deadline)?.unwrap_or(0);
        let max = self.core.limits.metadata_bytes.saturating_mul(2);
        match text::read_managed(self.core.instance(), at as u32, max) {
            Ok(text) => Ok(text.unwrap_or_default()),
            Err(error) => Err(self.core.broken(&export.name, error.to_string())),
        }
    }

    /// Makes a managed object with `payload`, rooted so that the guest's collector leaves it alone.
    fn create(&mut self, wanted_by: &str, class: i32, payload: &[u8], deadline: Duration) -> Result<i32, CallError> {
        let Some(new) = &self.new else {
            return Err(CallError::Unsupported {
                export: wanted_by.to_owned(),
                reason: "the module does not export __new; build it with \"exportRuntime\": true".to_owned(),
            });
        };
        let Ok(size) = i32::try_from(payload.len()) else {
            return Err(self.core.broken(&new.name, "a text of more than 2 GiB"));
        };
        let at = self.core.call(new, &[size, class], deadline)?;
        if at == 0 {
            return Err(self.core.broken(&new.name, format!("no memory for {size} bytes (it returned 0)")));
        }
        let at = match &self.pin {
            Some(pin) => self.core.call(pin, &[at], deadline)?,
            None => at,
        };
        self.core.write("__new", at, payload)?;
        Ok(at)
    }

    /// Calls the handler of deltas or events with a string.
    fn deliver(&mut self, handler: &Export, utf16: &[u8]) -> Result<(), CallError> {
        let deadline = self.core.limits.deadlines.delta;
        let at = self.create(&handler.name, STRING, utf16, deadline)?;
        self.call(handler, &[at], deadline)?;
        self.release(at, deadline)
    }

    fn release(&mut self, at: i32, deadline: Duration) -> Result<(), CallError> {
        match &self.unpin {
            Some(unpin) => self.core.call(unpin, &[at], deadline).map(drop),
            None => Ok(()),
        }
    }
}

impl Guest for AssemblyScriptGuest {
    fn abi(&self) -> Abi {
        Abi::AssemblyScript
    }

    fn name(&mut self) -> Result<String, CallError> {
        let deadline = self.runtime.core.limits.deadlines.metadata;
        self.runtime.get(&self.name, deadline)
    }

    fn schema(&mut self) -> Result<String, CallError> {
        let deadline = self.runtime.core.limits.deadlines.metadata;
        let schema = self.runtime.get(&self.schema, deadline)?;
        Ok(if schema.trim().is_empty() { "{}".to_owned() } else { schema })
    }

    fn own_id(&mut self) -> Result<Option<String>, CallError> {
        let deadline = self.runtime.core.limits.deadlines.metadata;
        match self.runtime.core.find_own_id(0) {
            Some(export) => self.runtime.get(&export, deadline).map(Some),
            None => Ok(None),
        }
    }

    /// The configuration is passed as UTF-8 bytes and their number, not as a string.
    fn start(&mut self, config_json: &str) -> Result<i32, CallError> {
        let deadline = self.runtime.core.limits.deadlines.start;
        let bytes = config_json.as_bytes();
        let at = self.runtime.create(&self.start.name, ARRAY_BUFFER, bytes, deadline)?;
        // `create` has made sure that the length fits.
        let result = self.runtime.call(&self.start, &[at, bytes.len() as i32], deadline)?;
        self.runtime.release(at, deadline)?;
        Ok(result.unwrap_or(0))
    }

    fn stop(&mut self) -> Result<i32, CallError> {
        let deadline = self.runtime.core.limits.deadlines.stop;
        Ok(self.runtime.call(&self.stop, &[], deadline)?.unwrap_or(0))
    }

    fn has_poll(&self) -> bool {
        self.poll.is_some()
    }

    fn poll(&mut self) -> Result<i32, CallError> {
        self.deliver_responses()?;
        let deadline = self.runtime.core.limits.deadlines.poll;
        match &self.poll {
            Some(poll) => Ok(self.runtime.call(poll, &[], deadline)?.unwrap_or(0)),
            None => Ok(0),
        }
    }

    fn has_delta_handler(&self) -> bool {
        self.delta_handler.is_some()
    }

    fn deliver(&mut self, delta_json: &str) -> Result<(), CallError> {
        let Some(handler) = &self.delta_handler else { return Ok(()) };
        let mut utf16 = std::mem::take(&mut self.runtime.utf16);
        text::encode_utf16(delta_json, &mut utf16);
        let delivered = self.runtime.deliver(handler, &utf16);
        self.runtime.utf16 = utf16;
        delivered
    }

    fn deliver_shared(&mut self, delta: &dyn DeltaText) -> Result<(), CallError> {
        match &self.delta_handler {
            Some(handler) => self.runtime.deliver(handler, delta.utf16()),
            None => Ok(()),
        }
    }

    fn has_event_handler(&self) -> bool {
        self.event_handler.is_some()
    }

    fn deliver_event(&mut self, event_json: &str) -> Result<(), CallError> {
        let Some(handler) = &self.event_handler else { return Ok(()) };
        let mut utf16 = std::mem::take(&mut self.runtime.utf16);
        text::encode_utf16(event_json, &mut utf16);
        let delivered = self.runtime.deliver(handler, &utf16);
        self.runtime.utf16 = utf16;
        delivered
    }

    fn http_endpoints(&mut self) -> Result<Option<String>, CallError> {
        let deadline = self.runtime.core.limits.deadlines.metadata;
        match &self.http_endpoints {
            Some(export) => self.runtime.get(export, deadline).map(Some),
            None => Ok(None),
        }
    }

    /// How an HTTP handler gets its request depends on how many parameters it declares (§3.6): one is a managed string, two are UTF-8 bytes
    /// and their number.
    fn handle(&mut self, kind: HandlerKind, export: &str, request_json: &str) -> Result<Option<String>, CallError> {
        let export = self.runtime.core.handler(export, HANDLER_PARAMS)?;
        let deadline = self.runtime.core.limits.deadlines.of(kind);
        let request = match kind {
            HandlerKind::ProviderList => "{}",
            _ => request_json,
        };
        let (at, length) = match export.params() {
            0 => (None, 0),
            2 if kind == HandlerKind::Http && !self.utf16_requests => {
                let bytes = request.as_bytes();
                (Some(self.runtime.create(&export.name, ARRAY_BUFFER, bytes, deadline)?), bytes.len() as i32)
            }
            _ => {
                let mut utf16 = std::mem::take(&mut self.runtime.utf16);
                text::encode_utf16(request, &mut utf16);
                let created = self.runtime.create(&export.name, STRING, &utf16, deadline);
                let units = (utf16.len() / 2) as i32;
                self.runtime.utf16 = utf16;
                (Some(created?), units)
            }
        };
        let answer = self.runtime.call(&export, &[at.unwrap_or(0), length], deadline)?.unwrap_or(0);
        let max = self.runtime.core.limits.answer_bytes.saturating_mul(2);
        let answer = match text::read_managed(self.runtime.core.instance(), answer as u32, max) {
            Ok(answer) => answer,
            Err(error) => {
                if let TextError::TooLong(_) = error {
                    self.runtime.core.refuse_answer();
                }
                return Err(self.runtime.core.broken(&export.name, error.to_string()));
            }
        };
        self.runtime.core.answered(answer.as_ref().map_or(0, String::len));
        if let Some(at) = at {
            self.runtime.release(at, deadline)?;
        }
        Ok(answer.filter(|answer| !answer.is_empty()))
    }

    fn has_handler(&mut self, _: HandlerKind, export: &str) -> bool {
        self.runtime.core.handler(export, HANDLER_PARAMS).is_ok()
    }

    fn put_handler(&mut self, context: &str, path: &str) -> Option<String> {
        self.runtime.core.put_handler(context, path, HANDLER_PARAMS)
    }

    fn memory_bytes(&self) -> u64 {
        self.runtime.core.memory_bytes()
    }

    fn limit_use(&mut self) -> LimitUse {
        self.runtime.core.limit_use()
    }

    fn memory_limit(&self) -> u64 {
        self.runtime.core.memory_use().limit
    }

    fn calls(&self) -> CallStatistics {
        self.runtime.core.statistics()
    }

    fn sockets(&self) -> SocketStatistics {
        self.runtime.core.outside.network.sockets()
    }

    fn fetches(&self) -> FetchStatistics {
        self.runtime.core.outside.network.fetches()
    }

    fn deliver_responses(&mut self) -> Result<usize, CallError> {
        let deadline = self.runtime.core.limits.deadlines.request;
        let mut delivered = 0;
        // What the handler asks for anew is left to the next time, so that this ends.
        for _ in 0..self.runtime.core.outside.network.fetches().undelivered {
            let Some(Answer { callback, body: answer, failure }) = self.runtime.core.outside.network.take_answer()
            else {
                break;
            };
            if let Some(failure) = failure {
                self.runtime.core.outside.voice.complain(&failure.to_string());
            }
            let Some(handler) = &self.response_handler else { continue };
            let (status, redirected, bytes) = match &answer {
                Some(answer) => (i32::from(answer.status), i32::from(answer.redirected), &answer.bytes[..]),
                None => (0, 0, &[][..]),
            };
            let at = self.runtime.create(&handler.name, ARRAY_BUFFER, bytes, deadline)?;
            self.runtime.call(handler, &[at, status, redirected, callback], deadline)?;
            self.runtime.release(at, deadline)?;
            delivered += 1;
        }
        Ok(delivered)
    }
}
