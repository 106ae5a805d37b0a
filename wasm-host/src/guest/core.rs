//! What all flavours of guests share: calling exports under a deadline, counting, and never touching an instance again
//! after it failed.

use std::{borrow::Cow, collections::HashMap, time::Duration};

use super::{CallStatistics, Delivers, LimitUse, Outside};
use crate::{
    CallError, Limits, LoadError,
    engine::{ExportedFunction, Instance, MemoryUse, OutOfBounds, Value},
    imports::fit,
};

/// An export that was found.
#[derive(Clone)]
pub(super) struct Export {
    pub name: Cow<'static, str>,
    function: ExportedFunction,
}

impl Export {
    /// Whether it is declared with `params` i32 parameters and i32 as its only result, if any.
    pub(super) fn takes_ints(&self, params: usize) -> bool {
        let signature = &self.function.signature;
        signature.is_ints(params, signature.results.len()) && signature.results.len() <= 1
    }

    /// How many parameters it declares.
    pub(super) fn params(&self) -> usize {
        self.function.signature.params.len()
    }
}

/// An instance and the books about it.
pub(crate) struct GuestCore {
    instance: Box<dyn Instance>,
    pub limits: Limits,
    /// What the plugin may be given.
    pub delivers: Delivers,
    statistics: CallStatistics,
    failed: bool,
    handlers: HashMap<String, Option<Export>>,
    largest_answer: u64,
    answers_refused: u64,
    pub outside: Outside,
}

/// Parameters passed without a list of their own.
const FEW: usize = 4;

/// Handlers remembered; a plugin names its own.
const MAX_HANDLERS: usize = 256;

/// Whether a request must not reach this export, because it has a meaning of its own (§3.6, G59).
fn is_reserved(name: &str) -> bool {
    name.starts_with("__")
        || name.starts_with("asyncify_")
        || name.starts_with("plugin_")
        || matches!(
            name,
            "_start"
                | "_initialize"
                | "allocate"
                | "deallocate"
                | "id"
                | "name"
                | "schema"
                | "start"
                | "stop"
                | "poll"
                | "delta_handler"
                | "event_handler"
                | "http_endpoints"
                | "responseHandler"
        )
}

impl GuestCore {
    pub(crate) fn new(instance: Box<dyn Instance>, limits: Limits, delivers: Delivers, outside: Outside) -> Self {
        Self {
            instance,
            limits,
            delivers,
            statistics: CallStatistics::default(),
            failed: false,
            handlers: HashMap::new(),
            largest_answer: 0,
            answers_refused: 0,
            outside,
        }
    }

    /// Runs `_start`, or else `_initialize`, exactly once (§2.4). Ending with exit code 0 is success.
    pub(super) fn initialize(&mut self) -> Result<(), LoadError> {
        let Some(export) = self.find("_start").or_else(|| self.find("_initialize")) else { return Ok(()) };
        match self.call(&export, &[], self.limits.deadlines.initialize) {
            Ok(_) => Ok(()),
            Err(CallError::Exit { code: 0, .. }) => {
                self.failed = false;
                self.statistics.failed = 0;
                Ok(())
            }
            Err(error) => Err(LoadError::Initialize(error)),
        }
    }

    pub(super) fn find(&mut self, name: impl Into<Cow<'static, str>>) -> Option<Export> {
        let name = name.into();
        let function = self.instance.function(&name)?;
        function.signature.is_numeric().then_some(Export { name, function })
    }

    /// The handler called `name`, with up to `most` parameters; looked up once. Functions that have another meaning are none.
    pub(super) fn handler(&mut self, name: &str, most: usize) -> Result<Export, CallError> {
        if !self.handlers.contains_key(name) {
            let found = if is_reserved(name) { None } else { self.find(name.to_owned()) };
            if self.handlers.len() >= MAX_HANDLERS {
                self.handlers.clear();
            }
            self.handlers.insert(name.to_owned(), found);
        }
        let export = self.handlers.get(name).cloned().flatten();
        export
            .filter(|export| export.params() <= most && export.takes_ints(export.params()))
            .ok_or_else(|| CallError::NoHandler { export: name.to_owned() })
    }

    /// An export whose presence was established when the module was loaded.
    pub(super) fn require(&mut self, name: &'static str) -> Result<Export, LoadError> {
        self.find(name).ok_or_else(|| LoadError::MissingExports(vec![name.to_owned()]))
    }

    /// The export with which a module names itself: a function of `params` numbers.
    pub(super) fn find_own_id(&mut self, params: usize) -> Option<Export> {
        let export = self.find("plugin_id").or_else(|| self.find("id"))?;
        (export.params() == params && export.takes_ints(params)).then_some(export)
    }

    /// Calls an export with as many of `args` as it declares. The result is the first one, 0 when it declares none.
    pub(super) fn call(&mut self, export: &Export, args: &[i32], deadline: Duration) -> Result<i32, CallError> {
        self.call_optional(export, args, deadline).map(|result| result.unwrap_or(0))
    }

    /// The same, with `None` for an export that returns nothing.
    pub(super) fn call_optional(
        &mut self,
        export: &Export,
        args: &[i32],
        deadline: Duration,
    ) -> Result<Option<i32>, CallError> {
        if self.failed {
            return Err(CallError::Discarded { export: export.name.to_string() });
        }
        let params = &export.function.signature.params;
        // Nearly all functions fit; a list of values would be another allocation for each call.
        let mut few = [Value::I32(0); FEW];
        let many;
        let values = match few.get_mut(..params.len()) {
            Some(values) => {
                for (index, (value, ty)) in values.iter_mut().zip(params).enumerate() {
                    *value = Value::I32(args.get(index).copied().unwrap_or(0)).to_type(*ty);
                }
                &*values
            }
            None => {
                many = fit(args, params);
                many.as_slice()
            }
        };
        let result = self.instance.call(&export.function, values, deadline);
        let spent = self.instance.spent();
        self.statistics.count += 1;
        self.statistics.time += spent;
        self.statistics.longest = self.statistics.longest.max(spent);
        result.map(|value| value.map(Value::int)).map_err(|trap| {
            self.failed = true;
            self.statistics.failed += 1;
            CallError::from_trap(&export.name, trap, deadline, self.instance.memory_use())
        })
    }

    /// The guest broke the interface: it is not used any more.
    pub(super) fn broken(&mut self, export: &str, reason: impl Into<String>) -> CallError {
        self.failed = true;
        self.statistics.failed += 1;
        CallError::Protocol { export: export.to_owned(), reason: reason.into() }
    }

    pub(super) fn write(&mut self, export: &str, at: i32, bytes: &[u8]) -> Result<(), CallError> {
        self.instance.write(at as u32, bytes).map_err(|OutOfBounds| {
            self.broken(export, format!("its allocator returned {}, outside its memory", at as u32))
        })
    }

    pub(super) fn instance(&mut self) -> &mut dyn Instance {
        &mut *self.instance
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        self.instance.memory_bytes()
    }

    pub(super) fn memory_use(&self) -> MemoryUse {
        self.instance.memory_use()
    }

    /// The export that answers PUT requests for `path` of `context` (§3.7): spelt exactly, with only letters, digits and `_`, or that in
    /// lower case.
    pub(super) fn put_handler(&mut self, context: &str, path: &str, most: usize) -> Option<String> {
        let exact = format!("handle_put_{}_{}", context.replace('.', "_"), path.replace('.', "_"));
        let plain: String = exact.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let lower = plain.to_ascii_lowercase();
        [exact, plain, lower].into_iter().find(|name| self.handler(name, most).is_ok())
    }

    /// A handler has answered with so many bytes.
    pub(super) fn answered(&mut self, bytes: usize) {
        self.largest_answer = self.largest_answer.max(bytes as u64);
    }

    /// A handler's answer is too large to be taken.
    pub(super) fn refuse_answer(&mut self) {
        self.answers_refused += 1;
    }

    pub(super) fn limit_use(&mut self) -> LimitUse {
        let (tables, files) = (self.instance.table_use(), self.instance.file_refusals());
        let (fetches, fetches_until) = self.outside.network.fetches_this_minute();
        LimitUse {
            table_elements: tables.largest,
            tables_refused: tables.refused,
            file_bytes_refused: files.bytes,
            files_refused: files.files,
            largest_answer: self.largest_answer,
            answers_refused: self.answers_refused,
            fetches,
            fetches_until,
            lines_dropped: self.outside.voice.dropped(),
        }
    }

    pub(super) fn statistics(&self) -> CallStatistics {
        self.statistics
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::tests::guest_core, limits::Deadlines};

    #[test]
    fn handlers_are_remembered_up_to_a_number_and_found_again_beyond_it() {
        const EXPORTS: usize = 3 * MAX_HANDLERS;
        let exports: String =
            (0..EXPORTS).map(|n| format!("(func (export \"on{n}\") (result i32) (i32.const {n}))")).collect();
        let mut core = guest_core(&exports);
        for round in 0..2 {
            for n in 0..EXPORTS {
                let handler = core.handler(&format!("on{n}"), 0).expect("there is one");
                let answer = core.call(&handler, &[], Deadlines::default().request);
                assert_eq!(answer, Ok(n as i32), "round {round}");
                assert!(core.handler(&format!("off{n}"), 0).is_err(), "names of nothing count as well");
                assert!(core.handlers.len() <= MAX_HANDLERS, "{}", core.handlers.len());
            }
        }
    }
}
