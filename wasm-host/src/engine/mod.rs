//! The engine layer: everything the rest of the crate needs of a WebAssembly engine, in a few small traits.
//!
//! It isolates wasmer and its experimental interruption, so that an interpreter can serve machines wasmer has no
//! compiler for. Nothing outside `engine/` and `wasi/` names a wasmer type.

pub(crate) mod cache;
pub(crate) mod declarations;
mod functions;
pub(crate) mod inspect;
mod memory;
mod tables;
#[cfg(test)]
pub(crate) mod tests;
mod tunables;
pub(crate) mod wasmer;
pub(crate) mod watchdog;

use std::{any::Any, rc::Rc, sync::Arc, time::Duration};

use crate::{
    Limits, LoadError,
    wasi::{FileRefusals, WasiSetup},
};

/// A type of a parameter or result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueType {
    I32,
    I64,
    F32,
    F64,
    /// A vector or a reference, which no plugin interface uses.
    Other,
}

/// A number passed into or out of a guest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value {
    I32(i32),
    I64(i64),
    F32(f32),
    F64(f64),
}

impl Value {
    /// As an integer; floats are truncated and saturate (§4.1).
    pub(crate) fn int(self) -> i32 {
        match self {
            Value::I32(value) => value,
            Value::I64(value) => value as i32,
            Value::F32(value) => value as i32,
            Value::F64(value) => value as i32,
        }
    }

    /// As a float.
    pub(crate) fn float(self) -> f64 {
        match self {
            Value::I32(value) => f64::from(value),
            Value::I64(value) => value as f64,
            Value::F32(value) => f64::from(value),
            Value::F64(value) => value,
        }
    }

    /// The same number as a value of type `ty`.
    pub(crate) fn to_type(self, ty: ValueType) -> Value {
        match (ty, self) {
            (ValueType::I32 | ValueType::Other, value) => Value::I32(value.int()),
            (ValueType::I64, Value::I64(value)) => Value::I64(value),
            (ValueType::I64, Value::F32(_) | Value::F64(_)) => Value::I64(self.float() as i64),
            (ValueType::I64, Value::I32(value)) => Value::I64(i64::from(value)),
            (ValueType::F32, value) => Value::F32(value.float() as f32),
            (ValueType::F64, value) => Value::F64(value.float()),
        }
    }
}

/// The type of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    pub params: Vec<ValueType>,
    pub results: Vec<ValueType>,
}

impl Signature {
    /// Whether this is a function of `params` i32 parameters with `results` i32 results.
    pub(crate) fn is_ints(&self, params: usize, results: usize) -> bool {
        self.params.len() == params
            && self.results.len() == results
            && self.params.iter().chain(&self.results).all(|ty| *ty == ValueType::I32)
    }

    /// Whether the function can be called with numbers: no vectors, no references.
    pub(crate) fn is_numeric(&self) -> bool {
        self.params.iter().chain(&self.results).all(|ty| *ty != ValueType::Other)
    }
}

/// What an import or export is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ItemType {
    Function(Signature),
    Memory,
    Table,
    Global,
    Tag,
}

/// An import a module declares.
#[derive(Clone, Debug)]
pub(crate) struct ImportDeclaration {
    pub module: String,
    pub name: String,
    pub ty: ItemType,
}

/// An export a module declares.
#[derive(Clone, Debug)]
pub(crate) struct ExportDeclaration {
    pub name: String,
    pub ty: ItemType,
}

/// Why guest code stopped without returning.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Trap {
    /// Stopped by the watchdog.
    Interrupted,
    /// The guest asked to exit.
    Exit(i32),
    /// AssemblyScript's `abort`.
    Abort { message: String, file: String, line: u32, column: u32 },
    /// Any other trap, in words.
    Fault(String),
    /// Host code panicked.
    HostPanic(String),
}

/// A range outside the guest's memory, or no memory at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfBounds;

/// Access to a guest's linear memory. Offsets are unsigned; both methods check bounds.
pub(crate) trait Memory {
    /// Current size in bytes; 0 while there is none (during the start section).
    fn memory_bytes(&self) -> u64;
    fn read(&self, at: u32, into: &mut [u8]) -> Result<(), OutOfBounds>;
    fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), OutOfBounds>;
}

/// A function the host provides, with the type the module declared for it.
pub(crate) struct HostImport {
    pub module: String,
    pub name: String,
    pub signature: Signature,
    pub run: HostFunction,
}

/// The guest, seen from inside a host function that it has called.
pub(crate) trait Caller: Memory {
    /// Calls an export of the guest within the call in progress, whose deadline goes on. Only for functions that allocate: no other
    /// import may call back (ABI specification, appendix C).
    ///
    /// # Errors
    /// The export does not exist, is declared with other types, or trapped; the guest must end with this trap.
    fn call_export(&mut self, name: &str, args: &[Value]) -> Result<Option<Value>, Trap>;

    /// Runs `work`, which waits for something outside and has a deadline of its own, while the guest's deadline stands still.
    fn wait_outside(&mut self, work: &mut dyn FnMut());
}

/// The body of a host function: gets the guest and the arguments, returns the single result, or `None`.
/// A result is converted to the declared type, dropped when none is declared, and 0 when declared but absent.
pub(crate) type HostFunction = Box<dyn Fn(&mut dyn Caller, &[Value]) -> Result<Option<Value>, Trap> + Send + Sync>;

/// Compiles modules.
pub(crate) trait Engine: Send + Sync {
    /// Compiles `wasm` or takes it from the cache. The caps on memory, tables and stack become part of the result.
    fn compile(&self, wasm: &[u8], limits: &Limits) -> Result<(Arc<dyn Module>, Origin), LoadError>;
}

/// Where a compiled module came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was compiled now.
    Compiled,
    /// It was loaded from the module cache.
    Cached,
}

/// A compiled module.
pub(crate) trait Module: Send + Sync {
    fn imports(&self) -> &[ImportDeclaration];
    fn exports(&self) -> &[ExportDeclaration];
    /// Creates an instance on this thread and runs its start section under `deadline`.
    fn instantiate(
        &self,
        imports: Vec<HostImport>,
        wasi: WasiSetup,
        deadline: Duration,
    ) -> Result<Box<dyn Instance>, LoadError>;
}

/// How much memory a guest has, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MemoryUse {
    pub used: u64,
    /// What it may grow to: the cap, or less when the module itself declares less.
    pub limit: u64,
    /// Whether the latest call was refused memory because of the cap.
    pub refused: bool,
}

/// How large a guest's tables are, in elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TableUse {
    /// Of the largest one.
    pub largest: u32,
    /// How often one was refused to grow because of the cap.
    pub refused: u64,
}

/// A function exported by an instance. Whoever asked for it owns it: the instance keeps no list of them.
#[derive(Clone, Debug)]
pub(crate) struct ExportedFunction {
    /// The engine's own.
    pub function: Rc<dyn Any>,
    pub signature: Signature,
}

/// A live instance. It belongs to the thread that created it.
pub(crate) trait Instance: Memory {
    /// Looks an exported function up.
    fn function(&mut self, name: &str) -> Option<ExportedFunction>;
    /// Calls a function; `args` must have its declared types. Returns the first result.
    fn call(&mut self, function: &ExportedFunction, args: &[Value], deadline: Duration) -> Result<Option<Value>, Trap>;
    /// How long the latest call took, without what it [waited outside](Caller::wait_outside).
    fn spent(&self) -> Duration;
    /// The state of the memory after the latest call.
    fn memory_use(&self) -> MemoryUse;
    /// The state of the tables after the latest call.
    fn table_use(&mut self) -> TableUse;
    /// How often the file system had no room left, in bytes or in files.
    fn file_refusals(&self) -> FileRefusals;
    /// The content of `len` bytes at `at` is not needed any more: the engine may give the memory back to the system. What the guest finds
    /// there afterwards is undefined.
    fn discard(&mut self, at: u32, len: u32);
    /// Sets an exported mutable i32 global; false when there is none.
    fn set_global(&mut self, name: &str, value: i32) -> bool;
}
