//! AssemblyScript: managed UTF-16 strings reached through one pointer (ABI specification §3.1).

use std::time::Duration;

use super::{
    Abi, CallStatistics, Detected, Guest,
    core::{Export, GuestCore},
};
use crate::{
    CallError, LoadError,
    text::{self, ARRAY_BUFFER, STRING},
};

/// A plugin in AssemblyScript.
pub(super) struct AssemblyScriptGuest {
    runtime: Runtime,
    name: Export,
    schema: Export,
    start: Export,
    stop: Export,
    poll: Option<Export>,
    delta_handler: Option<Export>,
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
    pub(super) fn new(mut core: GuestCore, detected: &Detected) -> Result<Self, LoadError> {
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
            delta_handler: if core.delivers_deltas { core.find("delta_handler") } else { None },
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
            Err(error) => Err(self.core.broken(export.name, error.to_string())),
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
            return Err(self.core.broken(new.name, "a text of more than 2 GiB"));
        };
        let at = self.core.call(new, &[size, class], deadline)?;
        if at == 0 {
            return Err(self.core.broken(new.name, format!("no memory for {size} bytes (it returned 0)")));
        }
        let at = match &self.pin {
            Some(pin) => self.core.call(pin, &[at], deadline)?,
            None => at,
        };
        self.core.write("__new", at, payload)?;
        Ok(at)
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

    /// The configuration is passed as UTF-8 bytes and their number, not as a string.
    fn start(&mut self, config_json: &str) -> Result<i32, CallError> {
        let deadline = self.runtime.core.limits.deadlines.start;
        let bytes = config_json.as_bytes();
        let at = self.runtime.create(self.start.name, ARRAY_BUFFER, bytes, deadline)?;
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
        let deadline = self.runtime.core.limits.deadlines.delta;
        let mut utf16 = std::mem::take(&mut self.runtime.utf16);
        text::encode_utf16(delta_json, &mut utf16);
        let created = self.runtime.create(handler.name, STRING, &utf16, deadline);
        self.runtime.utf16 = utf16;
        let at = created?;
        self.runtime.call(handler, &[at], deadline)?;
        self.runtime.release(at, deadline)
    }

    fn memory_bytes(&self) -> u64 {
        self.runtime.core.memory_bytes()
    }

    fn calls(&self) -> CallStatistics {
        self.runtime.core.statistics()
    }
}
