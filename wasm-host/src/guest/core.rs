//! What all flavours of guests share: calling exports under a deadline, counting, and never touching an instance again
//! after it failed.

use std::time::{Duration, Instant};

use super::CallStatistics;
use crate::{
    CallError, Limits, LoadError,
    engine::{ExportedFunction, Instance, OutOfBounds, Value},
    imports::fit,
    limits::PAGE,
};

/// An export that was found.
pub(super) struct Export {
    pub name: &'static str,
    function: ExportedFunction,
}

impl Export {
    /// How many parameters it declares.
    pub(super) fn params(&self) -> usize {
        self.function.signature.params.len()
    }
}

/// An instance and the books about it.
pub(super) struct GuestCore {
    instance: Box<dyn Instance>,
    pub limits: Limits,
    /// Whether the plugin may be given deltas.
    pub delivers_deltas: bool,
    statistics: CallStatistics,
    failed: bool,
}

impl GuestCore {
    pub(super) fn new(instance: Box<dyn Instance>, limits: Limits, delivers_deltas: bool) -> Self {
        Self { instance, limits, delivers_deltas, statistics: CallStatistics::default(), failed: false }
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

    pub(super) fn find(&mut self, name: &'static str) -> Option<Export> {
        let function = self.instance.function(name)?;
        function.signature.is_numeric().then_some(Export { name, function })
    }

    /// An export whose presence was established when the module was loaded.
    pub(super) fn require(&mut self, name: &'static str) -> Result<Export, LoadError> {
        self.find(name).ok_or_else(|| LoadError::MissingExports(vec![name.to_owned()]))
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
            return Err(CallError::Discarded { export: export.name.to_owned() });
        }
        let args = fit(args, &export.function.signature.params);
        let begun = Instant::now();
        let result = self.instance.call(&export.function, &args, deadline);
        self.statistics.count += 1;
        self.statistics.longest = self.statistics.longest.max(begun.elapsed());
        result.map(|value| value.map(Value::int)).map_err(|trap| {
            self.failed = true;
            self.statistics.failed += 1;
            let limit = u64::from(self.limits.memory_pages()) * PAGE;
            CallError::from_trap(export.name, trap, deadline, self.instance.memory_bytes(), limit)
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

    pub(super) fn statistics(&self) -> CallStatistics {
        self.statistics
    }
}
