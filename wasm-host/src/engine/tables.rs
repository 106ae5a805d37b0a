//! How large a guest's tables are, and how often they were refused to grow.
//!
//! The engine grows tables without asking anybody. So compiled code counts for itself: behind a `table.grow` it adds 1 to a hidden global
//! when that failed. Sizes are read from where compiled code reads them.

use std::{
    cell::RefCell,
    ptr::NonNull,
    sync::{Arc, OnceLock},
};

use wasmer::{
    Store,
    sys::{FunctionMiddleware, MiddlewareReaderState, ModuleMiddleware, vm::VMTableDefinition, wasmparser::Operator},
};
use wasmer_types::{
    ExportIndex, GlobalIndex, GlobalInit, GlobalType, LocalFunctionIndex, MiddlewareError, ModuleInfo, Mutability, Type,
};

/// What the hidden exports begin with; the number of the table follows.
const COUNTER: &str = "windlass refused to grow table ";

/// Whether an export was added here.
pub(super) fn is_hidden(export: &str) -> bool {
    export.starts_with(COUNTER)
}

thread_local! {
    /// The tables of the instance that is being created on this thread.
    static CREATED: RefCell<Vec<NonNull<VMTableDefinition>>> = const { RefCell::new(Vec::new()) };
}

/// An instance that is being created on this thread gets a table whose size is kept at this place.
pub(super) fn created(definition: NonNull<VMTableDefinition>) {
    CREATED.with_borrow_mut(|created| created.push(definition));
}

/// The tables of an instance.
pub(super) struct Tables {
    definitions: Vec<NonNull<VMTableDefinition>>,
    /// Of those tables that may grow up to the cap, and not only to a smaller maximum of their own.
    refused: Vec<wasmer::Global>,
}

impl Tables {
    /// Forgets what an attempt to create an instance that failed has left.
    pub(super) fn forget_created() {
        CREATED.take();
    }

    /// The tables of `instance`, which has just been created on this thread. `cap`: the most elements they may have.
    ///
    /// # Safety
    /// The result must not be used any more when the store of the instance is gone.
    pub(super) unsafe fn of(instance: &wasmer::Instance, module: &wasmer::Module, cap: u32) -> Self {
        let may_reach_cap = |(index, ty): (_, &wasmer::TableType)| {
            let index: wasmer_types::TableIndex = index;
            let reaches = ty.maximum.is_none_or(|maximum| maximum > cap);
            reaches.then(|| instance.exports.get_global(&counter(index.as_u32())).ok().cloned()).flatten()
        };
        Self { definitions: CREATED.take(), refused: module.info().tables.iter().filter_map(may_reach_cap).collect() }
    }

    /// Elements of the largest one; tables never shrink.
    pub(super) fn largest(&self) -> u32 {
        // SAFETY: the definitions belong to the instance, whose store is there still; nobody writes them now, because the guest
        // that does runs on this thread only.
        let sizes = self.definitions.iter().map(|definition| unsafe { definition.as_ref() }.current_elements);
        sizes.max().unwrap_or(0)
    }

    /// How often they were refused to grow because of the cap.
    pub(super) fn refused(&self, store: &mut Store) -> u64 {
        let count = |global: &wasmer::Global| match global.get(store) {
            wasmer::Value::I32(count) => u64::from(count as u32),
            _ => 0,
        };
        self.refused.iter().map(count).sum()
    }
}

fn counter(table: u32) -> String {
    format!("{COUNTER}{table}")
}

/// Has a module count its failed attempts to grow a table.
#[derive(Debug, Default)]
pub(super) struct CountRefusals(OnceLock<Arc<Added>>);

/// The globals added to a module.
#[derive(Debug)]
struct Added {
    /// Holds the result of `table.grow` while it is looked at.
    result: u32,
    /// By table.
    counters: Vec<u32>,
}

impl ModuleMiddleware for CountRefusals {
    fn generate_function_middleware<'a>(&self, _: LocalFunctionIndex) -> Box<dyn FunctionMiddleware<'a> + 'a> {
        Box::new(CountInFunction(self.0.get().cloned()))
    }

    fn transform_module_info(&self, info: &mut ModuleInfo) -> Result<(), MiddlewareError> {
        if info.tables.is_empty() {
            return Ok(());
        }
        let result = add_global(info);
        let counters = (0..info.tables.len() as u32).map(|table| {
            let global = add_global(info);
            info.exports.insert(counter(table), ExportIndex::Global(global));
            global.as_u32()
        });
        let added = Added { result: result.as_u32(), counters: counters.collect() };
        self.0
            .set(Arc::new(added))
            .map_err(|_| MiddlewareError::new("CountRefusals", "it is for one module only".to_owned()))
    }
}

fn add_global(info: &mut ModuleInfo) -> GlobalIndex {
    info.global_initializers.push(GlobalInit::I32Const(0));
    info.globals.push(GlobalType::new(Type::I32, Mutability::Var))
}

#[derive(Debug)]
struct CountInFunction(Option<Arc<Added>>);

impl<'a> FunctionMiddleware<'a> for CountInFunction {
    fn feed(&mut self, operator: Operator<'a>, state: &mut MiddlewareReaderState<'a>) -> Result<(), MiddlewareError> {
        let table = if let Operator::TableGrow { table } = operator { Some(table as usize) } else { None };
        state.push_operator(operator);
        if let (Some(table), Some(added)) = (table, &self.0)
            && let Some(&counter) = added.counters.get(table)
        {
            let result = added.result;
            // counter = (result == -1) + counter
            state.extend([
                Operator::GlobalSet { global_index: result },
                Operator::GlobalGet { global_index: result },
                Operator::I32Const { value: -1 },
                Operator::I32Eq,
                Operator::GlobalGet { global_index: counter },
                Operator::I32Add,
                Operator::GlobalSet { global_index: counter },
                Operator::GlobalGet { global_index: result },
            ]);
        }
        Ok(())
    }
}
