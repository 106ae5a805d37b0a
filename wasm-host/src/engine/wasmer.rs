//! The engine on wasmer with the cranelift compiler.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use wasmer::{
    AsStoreMut, AsStoreRef, ExternType, FunctionEnv, FunctionEnvMut, FunctionType, Imports, InstantiationError,
    RuntimeError, Store, Type,
    sys::{CompilerConfig, Cranelift, EngineBuilder, Features, NativeEngineExt, Target},
};
use wasmer_types::TrapCode;

use super::{
    Caller, Engine, ExportDeclaration, ExportedFunction, HostImport, ImportDeclaration, Instance, ItemType, Memory,
    MemoryUse, Module, Origin, OutOfBounds, Signature, TableUse, Trap, Value, ValueType,
    cache::{CacheKey, ModuleCache},
    functions::GuestFunction,
    memory::refusals,
    tables::{self, CountRefusals, Tables},
    tunables::{CappedTunables, MEMORY_STYLE},
    watchdog::{Watch, Watchdog},
};
use crate::{
    CallError, Limits, LoadError,
    wasi::{
        FileRefusals, WASI_MODULES, WasiSetup,
        wasix::{Wasi, WasixRuntime},
    },
};

/// The pinned version of wasmer; part of the cache key, since artifacts of another version must not be loaded.
const WASMER_VERSION: &str = "7.4.2";

/// Compiles with cranelift and keeps the results.
pub(crate) struct WasmerEngine {
    cache: Option<ModuleCache>,
    watchdog: Watchdog,
    wasix: WasixRuntime,
}

impl WasmerEngine {
    pub(crate) fn new(cache: Option<ModuleCache>, watchdog: Watchdog, wasix: WasixRuntime) -> Self {
        Self { cache, watchdog, wasix }
    }

    /// An engine of its own for each plugin, because limits belong to the engine.
    fn engine_for(limits: &Limits) -> wasmer::Engine {
        let mut compiler = Cranelift::default();
        compiler.push_middleware(Arc::new(CountRefusals::default()));
        let mut engine: wasmer::Engine = EngineBuilder::new(compiler).set_features(Some(features())).engine().into();
        engine.set_tunables(CappedTunables::new(limits));
        engine
    }

    fn load_cached(&self, engine: &wasmer::Engine, key: &CacheKey) -> Option<wasmer::Module> {
        let cache = self.cache.as_ref()?;
        let artifact = cache.get(key)?;
        // SAFETY: the artifact was written by this server into a directory that only it can write to, under a key that
        // names module, engine, options and processor, and its checksum has just been verified.
        let loaded = catch_unwind(AssertUnwindSafe(|| unsafe { wasmer::Module::deserialize(engine, artifact) }));
        match loaded {
            Ok(Ok(module)) => return Some(module),
            Ok(Err(error)) => log::warn!("module cache: {error}; the module is compiled again"),
            Err(panic) => log::warn!("module cache: {}; the module is compiled again", panic_message(&*panic)),
        }
        cache.remove(key);
        None
    }
}

/// What modules may use: what current compilers emit for plugins, and nothing that would get round the limits.
fn features() -> Features {
    let mut features = Features::new();
    features.threads(false).multi_memory(false).memory64(false).module_linking(false);
    features
}

/// Everything besides the module that decides what machine code comes out.
fn configuration() -> String {
    let target = Target::default();
    format!(
        "wasmer {WASMER_VERSION} cranelift; {}; {:?}; {MEMORY_STYLE:?}; {:?}; interrupt; table refusals",
        target.triple(),
        target.cpu_features(),
        features()
    )
}

impl Engine for WasmerEngine {
    fn compile(&self, wasm: &[u8], limits: &Limits) -> Result<(Arc<dyn Module>, Origin), LoadError> {
        let engine = Self::engine_for(limits);
        let key = CacheKey::new(&configuration(), wasm);
        let (module, origin) = match self.load_cached(&engine, &key) {
            Some(module) => (module, Origin::Cached),
            None => {
                let compiled = catch_unwind(AssertUnwindSafe(|| wasmer::Module::new(&engine, wasm)))
                    .map_err(|panic| LoadError::Compile { reason: panic_message(&*panic) })?;
                let module = compiled.map_err(|error| match error {
                    wasmer::CompileError::Validate(reason) => LoadError::Invalid { reason },
                    wasmer::CompileError::Wasm(error) => LoadError::Invalid { reason: error.to_string() },
                    error => LoadError::Compile { reason: error.to_string() },
                })?;
                if let Some(cache) = &self.cache {
                    match module.serialize() {
                        Ok(artifact) => cache.put(&key, &artifact),
                        Err(error) => log::warn!("module cache: {error}"),
                    }
                }
                (module, Origin::Compiled)
            }
        };
        let imports = module
            .imports()
            .map(|import| ImportDeclaration {
                module: import.module().to_owned(),
                name: import.name().to_owned(),
                ty: item_type(import.ty()),
            })
            .collect();
        let exports = module
            .exports()
            .filter(|export| !tables::is_hidden(export.name()))
            .map(|export| ExportDeclaration { name: export.name().to_owned(), ty: item_type(export.ty()) })
            .collect();
        let compiled = WasmerModule {
            module,
            engine,
            imports,
            exports,
            watchdog: self.watchdog.clone(),
            wasix: self.wasix.clone(),
        };
        Ok((Arc::new(compiled), origin))
    }
}

struct WasmerModule {
    module: wasmer::Module,
    engine: wasmer::Engine,
    imports: Vec<ImportDeclaration>,
    exports: Vec<ExportDeclaration>,
    watchdog: Watchdog,
    wasix: WasixRuntime,
}

impl WasmerModule {
    fn link(
        &self,
        store: &mut Store,
        state: &FunctionEnv<HostState>,
        host_imports: Vec<HostImport>,
        wasi: Option<&Wasi>,
    ) -> Result<Imports, LoadError> {
        let mut imports = Imports::new();
        for import in host_imports {
            let ty = function_type(&import.signature);
            let HostImport { module, name, signature, run } = import;
            let function = wasmer::Function::new_with_env(store, state, ty, move |mut env, arguments| {
                let mut guest = GuestMemory(&mut env);
                let watch = Arc::clone(&guest.0.data().watch);
                let _host = watch.host_function()?;
                let arguments: Vec<Value> = arguments.iter().map(from_wasmer).collect();
                let result = run(&mut guest, &arguments).map_err(TrapError::raise)?;
                guest.in_time()?;
                let result = result.unwrap_or(Value::I32(0));
                Ok(signature.results.iter().map(|ty| to_wasmer(result.to_type(*ty))).collect())
            });
            imports.define(&module, &name, function);
        }
        if let Some(wasi) = wasi {
            for import in self.imports.iter().filter(|import| WASI_MODULES.contains(&import.module.as_str())) {
                if let ItemType::Function(signature) = &import.ty {
                    let function = wasi.import(store, state, import, &function_type(signature))?;
                    imports.define(&import.module, &import.name, function);
                }
            }
        }
        Ok(imports)
    }

    fn instantiate_inner(
        &self,
        host_imports: Vec<HostImport>,
        setup: WasiSetup,
        deadline: Duration,
    ) -> Result<Box<dyn Instance>, LoadError> {
        let mut store = Store::new(self.engine.clone());
        let watch = self.watchdog.register(interrupt(&store));
        let limit = u64::from(setup.limits.memory_pages()) * crate::limits::PAGE;
        let table_cap = setup.limits.table_elements;
        let state = FunctionEnv::new(
            &mut store,
            HostState { memory: None, instance: None, nested: false, watch: Arc::clone(&watch) },
        );
        let uses_wasi = self.imports.iter().any(|import| WASI_MODULES.contains(&import.module.as_str()));
        let mut wasi = uses_wasi
            .then(|| Wasi::new(&mut store, &self.module, setup, &self.wasix, Arc::clone(&watch)))
            .transpose()?;
        let imports = self.link(&mut store, &state, host_imports, wasi.as_ref())?;

        let refused = refusals();
        Tables::forget_created();
        watch.enter(deadline);
        let created = catch_unwind(AssertUnwindSafe(|| {
            wasmer::Instance::new(&mut store, &self.module, &imports).map_err(Box::new)
        }));
        let interrupted = watch.leave();
        let failed = |trap: Trap| {
            let memory = MemoryUse { used: 0, limit, refused: refusals() > refused };
            LoadError::Initialize(CallError::from_trap("start section", trap, deadline, memory))
        };
        let instance = match created {
            _ if interrupted => return Err(failed(Trap::Interrupted)),
            Ok(Ok(instance)) => instance,
            Ok(Err(error)) => {
                return Err(match *error {
                    InstantiationError::Start(error) => failed(trap(error)),
                    error => LoadError::Instantiate { reason: error.to_string() },
                });
            }
            Err(panic) => return Err(failed(Trap::HostPanic(panic_message(&*panic)))),
        };
        let memory = instance.exports.get_memory("memory").ok().cloned();
        // SAFETY: it goes into the same structure as the store, whose last field that is.
        let tables = unsafe { Tables::of(&instance, &self.module, table_cap) };
        let shared = state.as_mut(&mut store);
        shared.memory = memory.clone();
        shared.instance = Some(instance.clone());
        if let Some(wasi) = &mut wasi {
            wasi.initialize(&mut store, &instance)?;
        }
        Ok(Box::new(WasmerInstance {
            instance,
            memory,
            tables,
            limit,
            watch,
            spent: Duration::ZERO,
            refused: false,
            wasi,
            store,
        }))
    }
}

impl Module for WasmerModule {
    fn imports(&self) -> &[ImportDeclaration] {
        &self.imports
    }

    fn exports(&self) -> &[ExportDeclaration] {
        &self.exports
    }

    fn instantiate(
        &self,
        imports: Vec<HostImport>,
        wasi: WasiSetup,
        deadline: Duration,
    ) -> Result<Box<dyn Instance>, LoadError> {
        catch_unwind(AssertUnwindSafe(|| self.instantiate_inner(imports, wasi, deadline)))
            .unwrap_or_else(|panic| Err(LoadError::Instantiate { reason: panic_message(&*panic) }))
    }
}

/// The store is the last field: everything in it refers to it.
struct WasmerInstance {
    instance: wasmer::Instance,
    memory: Option<wasmer::Memory>,
    tables: Tables,
    /// The cap on the memory in bytes.
    limit: u64,
    watch: Arc<Watch>,
    spent: Duration,
    refused: bool,
    wasi: Option<Wasi>,
    store: Store,
}

impl Memory for WasmerInstance {
    fn memory_bytes(&self) -> u64 {
        self.memory.as_ref().map_or(0, |memory| memory.view(&self.store).data_size())
    }

    fn read(&self, at: u32, into: &mut [u8]) -> Result<(), OutOfBounds> {
        let memory = self.memory.as_ref().ok_or(OutOfBounds)?;
        memory.view(&self.store).read(u64::from(at), into).map_err(|_| OutOfBounds)
    }

    fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), OutOfBounds> {
        let memory = self.memory.as_ref().ok_or(OutOfBounds)?;
        memory.view(&self.store).write(u64::from(at), bytes).map_err(|_| OutOfBounds)
    }
}

impl Instance for WasmerInstance {
    fn function(&mut self, name: &str) -> Option<ExportedFunction> {
        let function = self.instance.exports.get_function(name).ok()?.clone();
        let signature = signature(&function.ty(&self.store));
        let function = Rc::new(GuestFunction::new(function, &self.store, &signature));
        Some(ExportedFunction { function, signature })
    }

    fn call(&mut self, function: &ExportedFunction, args: &[Value], deadline: Duration) -> Result<Option<Value>, Trap> {
        let Some(target) = function.function.downcast_ref::<GuestFunction>() else {
            return Err(Trap::Fault("the function belongs to another engine".to_owned()));
        };
        let refused = refusals();
        let begun = self.watch.enter(deadline);
        let result = catch_unwind(AssertUnwindSafe(|| target.call(&mut self.store, args)));
        let interrupted = self.watch.leave();
        self.spent = begun.elapsed().saturating_sub(self.watch.outside());
        self.refused = refusals() > refused;
        if interrupted {
            return Err(Trap::Interrupted);
        }
        match result {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(error)) => Err(trap(error)),
            Err(panic) => Err(Trap::HostPanic(panic_message(&*panic))),
        }
    }

    fn spent(&self) -> Duration {
        self.spent
    }

    fn memory_use(&self) -> MemoryUse {
        let declared = self.memory.as_ref().and_then(|memory| memory.ty(&self.store).maximum);
        let limit = declared.map_or(self.limit, |pages| self.limit.min(u64::from(pages.0) * crate::limits::PAGE));
        MemoryUse { used: self.memory_bytes(), limit, refused: self.refused }
    }

    fn table_use(&mut self) -> TableUse {
        TableUse { largest: self.tables.largest(), refused: self.tables.refused(&mut self.store) }
    }

    fn file_refusals(&self) -> FileRefusals {
        self.wasi.as_ref().map(Wasi::file_refusals).unwrap_or_default()
    }

    fn discard(&mut self, at: u32, len: u32) {
        if let Some(memory) = &self.memory {
            super::memory::discard(&memory.view(&self.store), at, len);
        }
    }

    fn set_global(&mut self, name: &str, value: i32) -> bool {
        match self.instance.exports.get_global(name) {
            Ok(global) => global.set(&mut self.store, wasmer::Value::I32(value)).is_ok(),
            Err(_) => false,
        }
    }
}

#[cfg(unix)]
fn interrupt(store: &Store) -> super::watchdog::Interrupt {
    let interrupter = store.interrupter();
    Box::new(move || interrupter.interrupt())
}

/// Elsewhere the engine cannot be interrupted.
#[cfg(not(unix))]
fn interrupt(_: &Store) -> super::watchdog::Interrupt {
    let reported = std::sync::Once::new();
    Box::new(move || {
        reported.call_once(|| log::error!("a plugin passed its deadline, and this platform cannot interrupt it"));
    })
}

/// What host functions share: the guest, absent while the start section runs.
pub(crate) struct HostState {
    memory: Option<wasmer::Memory>,
    instance: Option<wasmer::Instance>,
    /// A host function has called an export.
    nested: bool,
    watch: Arc<Watch>,
}

/// The guest's memory, seen from inside a host function.
pub(crate) struct GuestMemory<'a, 'b>(pub &'a mut FunctionEnvMut<'b, HostState>);

impl GuestMemory<'_, '_> {
    /// Ends a call into the guest that is overdue here, where it is safe: see [`Watch`].
    fn in_time(&self) -> Result<(), RuntimeError> {
        if self.0.data().watch.fired() { Err(TrapError::raise(Trap::Interrupted)) } else { Ok(()) }
    }
}

impl Memory for GuestMemory<'_, '_> {
    fn memory_bytes(&self) -> u64 {
        self.0.data().memory.as_ref().map_or(0, |memory| memory.view(&self.0.as_store_ref()).data_size())
    }

    fn read(&self, at: u32, into: &mut [u8]) -> Result<(), OutOfBounds> {
        let memory = self.0.data().memory.as_ref().ok_or(OutOfBounds)?;
        memory.view(&self.0.as_store_ref()).read(u64::from(at), into).map_err(|_| OutOfBounds)
    }

    fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), OutOfBounds> {
        let memory = self.0.data().memory.clone().ok_or(OutOfBounds)?;
        memory.view(&self.0.as_store_mut()).write(u64::from(at), bytes).map_err(|_| OutOfBounds)
    }
}

impl Caller for GuestMemory<'_, '_> {
    fn call_export(&mut self, name: &str, args: &[Value]) -> Result<Option<Value>, Trap> {
        let instance = self.0.data().instance.clone();
        let instance =
            instance.ok_or_else(|| Trap::Fault(format!("{name} can't be called while the module starts")))?;
        let function = instance.exports.get_function(name).map_err(|error| Trap::Fault(error.to_string()))?;
        if self.0.data().nested {
            // Each level would take from the stack of the host, which is not the guest's to use up.
            return Err(Trap::Fault(format!("{name} called the host function that had called it")));
        }
        let args: Vec<wasmer::Value> = args.iter().copied().map(to_wasmer).collect();
        let watch = Arc::clone(&self.0.data().watch);
        self.0.data_mut().nested = true;
        watch.in_guest();
        let results = function.call(&mut self.0.as_store_mut(), &args);
        watch.in_host();
        self.0.data_mut().nested = false;
        Ok(results.map_err(trap)?.first().map(from_wasmer))
    }

    fn wait_outside(&mut self, work: &mut dyn FnMut()) {
        let watch = Arc::clone(&self.0.data().watch);
        let pause = watch.pause();
        work();
        watch.resume(pause);
    }
}

/// A trap on its way through the engine.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0:?}")]
pub(crate) struct TrapError(Trap);

impl TrapError {
    pub(crate) fn raise(trap: Trap) -> RuntimeError {
        RuntimeError::user(Box::new(Self(trap)))
    }
}

fn trap(error: RuntimeError) -> Trap {
    if let Some(TrapError(trap)) = error.downcast_ref::<TrapError>() {
        return trap.clone();
    }
    let mut reason = error.message();
    let place: Vec<&str> = error.trace().iter().filter_map(|frame| frame.function_name()).take(3).collect();
    if !place.is_empty() {
        reason = format!("{reason} in {}", place.join(", called by "));
    }
    match error.to_trap() {
        Some(TrapCode::HostInterrupt) => Trap::Interrupted,
        _ => Trap::Fault(reason),
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

fn value_type(ty: &Type) -> ValueType {
    match ty {
        Type::I32 => ValueType::I32,
        Type::I64 => ValueType::I64,
        Type::F32 => ValueType::F32,
        Type::F64 => ValueType::F64,
        _ => ValueType::Other,
    }
}

fn signature(ty: &FunctionType) -> Signature {
    Signature {
        params: ty.params().iter().map(value_type).collect(),
        results: ty.results().iter().map(value_type).collect(),
    }
}

fn item_type(ty: &ExternType) -> ItemType {
    match ty {
        ExternType::Function(ty) => ItemType::Function(signature(ty)),
        ExternType::Memory(_) => ItemType::Memory,
        ExternType::Table(_) => ItemType::Table,
        ExternType::Global(_) => ItemType::Global,
        ExternType::Tag(_) => ItemType::Tag,
    }
}

fn function_type(signature: &Signature) -> FunctionType {
    let types = |list: &[ValueType]| -> Vec<Type> {
        list.iter()
            .map(|ty| match ty {
                ValueType::I32 | ValueType::Other => Type::I32,
                ValueType::I64 => Type::I64,
                ValueType::F32 => Type::F32,
                ValueType::F64 => Type::F64,
            })
            .collect()
    };
    FunctionType::new(types(&signature.params), types(&signature.results))
}

pub(super) fn from_wasmer(value: &wasmer::Value) -> Value {
    match value {
        wasmer::Value::I32(value) => Value::I32(*value),
        wasmer::Value::I64(value) => Value::I64(*value),
        wasmer::Value::F32(value) => Value::F32(*value),
        wasmer::Value::F64(value) => Value::F64(*value),
        // Functions with such types are refused when the module is loaded.
        _ => Value::I32(0),
    }
}

pub(super) fn to_wasmer(value: Value) -> wasmer::Value {
    match value {
        Value::I32(value) => wasmer::Value::I32(value),
        Value::I64(value) => wasmer::Value::I64(value),
        Value::F32(value) => wasmer::Value::F32(value),
        Value::F64(value) => wasmer::Value::F64(value),
    }
}
