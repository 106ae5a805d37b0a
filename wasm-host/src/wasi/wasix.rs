//! Setting wasmer-wasix up for one plugin, and standing between it and the guest.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use virtual_fs::{EmptyFileSystem, NullFile};
use wasmer::{FunctionEnv, FunctionEnvMut, FunctionType, Imports, Instance, RuntimeError, Store, Type, Value};
use wasmer_wasix::{
    PluggableRuntime, UnsupportedVirtualNetworking, WasiEnv, WasiFunctionEnv,
    runtime::task_manager::tokio::TokioTaskManager,
};

use super::{
    FileRefusals, JailedFileSystem, WasiSetup,
    calls::{Treatment, directory, directory_arguments, errno, treatment, wasix_treatment},
    output::LineWriter,
    wait,
};
use crate::{
    LoadError, OutputStream,
    engine::{
        ImportDeclaration, Memory, Trap,
        wasmer::{GuestMemory, HostState, TrapError},
        watchdog::Watch,
    },
};

/// What all plugins' WASI environments share. It never runs anything: no threads, no sockets and no waits are passed on.
#[derive(Clone)]
pub(crate) struct WasixRuntime {
    runtime: Arc<PluggableRuntime>,
    handle: tokio::runtime::Handle,
}

impl WasixRuntime {
    pub(crate) fn new() -> std::io::Result<Self> {
        let tokio = tokio::runtime::Builder::new_current_thread().build()?;
        let handle = tokio.handle().clone();
        let mut runtime = PluggableRuntime::new(Arc::new(TokioTaskManager::new(tokio)));
        runtime.set_networking_implementation(UnsupportedVirtualNetworking::default());
        Ok(Self { runtime: Arc::new(runtime), handle })
    }
}

/// The WASI environment of one instance.
pub(crate) struct Wasi {
    env: WasiFunctionEnv,
    functions: Imports,
    guard: Arc<Guard>,
}

/// What the calls of one instance share.
struct Guard {
    files: Option<JailedFileSystem>,
    /// Descriptors the guest opened.
    descriptors: Mutex<HashSet<u32>>,
    max_descriptors: usize,
    watch: Arc<Watch>,
}

impl Guard {
    fn descriptors(&self) -> MutexGuard<'_, HashSet<u32>> {
        self.descriptors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wasi {
    pub(crate) fn new(
        store: &mut Store,
        module: &wasmer::Module,
        setup: WasiSetup,
        shared: &WasixRuntime,
        watch: Arc<Watch>,
    ) -> Result<Self, LoadError> {
        let sandbox = |reason: String| LoadError::Sandbox { reason };
        let _entered = shared.handle.enter();
        let writer = |stream| Box::new(LineWriter::new(stream, Arc::clone(&setup.voice)));
        let runtime = Arc::clone(&shared.runtime);
        let mut builder = WasiEnv::builder("plugin")
            .runtime(runtime)
            .stdin(Box::new(NullFile::default()))
            .stdout(writer(OutputStream::Stdout))
            .stderr(writer(OutputStream::Stderr))
            .disable_default_builtins(true);
        for (name, value) in &setup.environment {
            builder.add_env(name, value);
        }
        let files = match &setup.vfs_root {
            None => {
                builder.set_fs(Arc::new(EmptyFileSystem::default()) as Arc<dyn virtual_fs::FileSystem + Send + Sync>);
                None
            }
            Some(root) => {
                let files = JailedFileSystem::open(root, &setup.limits)
                    .and_then(|files| files.empty_tmp().map(|()| files))
                    .map_err(|error| sandbox(format!("{}: {error}", root.display())))?;
                builder.set_fs(Arc::new(files.clone()) as Arc<dyn virtual_fs::FileSystem + Send + Sync>);
                builder.add_preopen_dir("/").map_err(|error| sandbox(error.to_string()))?;
                Some(files)
            }
        };
        let env = builder.finalize(store).map_err(|error| sandbox(error.to_string()))?;
        let functions =
            env.import_object_for_all_wasi_versions(store, module).map_err(|error| sandbox(error.to_string()))?;
        let guard =
            Arc::new(Guard { files, descriptors: Mutex::default(), max_descriptors: setup.limits.open_files, watch });
        Ok(Self { env, functions, guard })
    }

    /// The function for one declared import.
    pub(crate) fn import(
        &self,
        store: &mut Store,
        state: &FunctionEnv<HostState>,
        declaration: &ImportDeclaration,
        ty: &FunctionType,
    ) -> Result<wasmer::Function, LoadError> {
        let unknown = |advice| LoadError::UnknownImport {
            module: declaration.module.clone(),
            name: declaration.name.clone(),
            advice,
        };
        let is_wasix = declaration.module == super::WASIX_MODULE;
        let treatment = match is_wasix {
            true => Some(wasix_treatment(&declaration.name)),
            false => treatment(&declaration.name),
        };
        let treatment = treatment.ok_or_else(|| unknown("it is not a function of WASI preview 1"))?;
        if is_wasix && let Treatment::Answer(errno) = treatment {
            // Whatever the module declares: it is not called on.
            return self.refusing(store, state, ty, errno).ok_or_else(|| unknown("it is declared with an odd type"));
        }
        let passed = match self.functions.get_export(&declaration.module, &declaration.name) {
            Some(wasmer::Extern::Function(function)) => function,
            _ => return Err(unknown("it is not a function of this version of WASI")),
        };
        if passed.ty(store) != *ty {
            return Err(unknown("the module declares it with another type; rebuild it with a current WASI SDK"));
        }
        let close = match self.functions.get_export(&declaration.module, "fd_close") {
            Some(wasmer::Extern::Function(function)) => function,
            _ => return Err(unknown("closing files is not available")),
        };
        let old_interface = declaration.module == super::WASI_MODULES[1];
        let directories =
            if self.guard.files.is_some() { directory_arguments(&declaration.name) } else { Default::default() };
        let call = Call { treatment, passed, close, guard: Arc::clone(&self.guard), old_interface, directories };
        Ok(wasmer::Function::new_with_env(store, state, ty, move |env, arguments: &[Value]| {
            call.run_in_time(env, arguments)
        }))
    }

    /// How often the guest's files were refused room.
    pub(crate) fn file_refusals(&self) -> FileRefusals {
        self.guard.files.as_ref().map(JailedFileSystem::refusals).unwrap_or_default()
    }

    /// A function that does nothing but answer with an error number.
    fn refusing(
        &self,
        store: &mut Store,
        state: &FunctionEnv<HostState>,
        ty: &FunctionType,
        errno: u16,
    ) -> Option<wasmer::Function> {
        let result = match ty.results() {
            [] => Vec::new(),
            [Type::I32] => vec![Value::I32(i32::from(errno))],
            _ => return None,
        };
        let watch = Arc::clone(&self.guard.watch);
        Some(wasmer::Function::new_with_env(store, state, ty, move |_, _: &[Value]| match watch.fired() {
            true => Err(TrapError::raise(Trap::Interrupted)),
            false => Ok(result.clone()),
        }))
    }

    /// Ties the environment to the instance's memory; before this, calls are answered with "not supported".
    pub(crate) fn initialize(&mut self, store: &mut Store, instance: &Instance) -> Result<(), LoadError> {
        self.env.initialize(store, instance.clone()).map_err(|error| LoadError::Sandbox { reason: error.to_string() })
    }
}

/// One WASI function of one instance.
struct Call {
    treatment: Treatment,
    passed: wasmer::Function,
    close: wasmer::Function,
    guard: Arc<Guard>,
    /// Imported under the interface's old name, in which waiting had another layout.
    old_interface: bool,
    /// Which arguments are directories.
    directories: &'static [usize],
}

type Answer = Result<Vec<Value>, RuntimeError>;

impl Call {
    /// Ends a call into the guest that is overdue here, where it is safe: see [`Watch`].
    fn run_in_time(&self, env: FunctionEnvMut<'_, HostState>, arguments: &[Value]) -> Answer {
        let _host = self.guard.watch.host_function()?;
        let result = self.run(env, arguments)?;
        if self.guard.watch.fired() { Err(TrapError::raise(Trap::Interrupted)) } else { Ok(result) }
    }

    fn run(&self, mut env: FunctionEnvMut<'_, HostState>, arguments: &[Value]) -> Answer {
        let int = |at: usize| match arguments.get(at) {
            Some(Value::I32(value)) => *value as u32,
            _ => 0,
        };
        // No memory yet: the start section runs. The environment would panic.
        if GuestMemory(&mut env).memory_bytes() == 0 && self.treatment != Treatment::Exit {
            return answer(errno::NOSYS);
        }
        match self.treatment {
            Treatment::Pass => self.pass(&mut env, arguments),
            Treatment::Answer(errno) => answer(errno),
            Treatment::Exit => Err(TrapError::raise(Trap::Exit(int(0) as i32))),
            Treatment::Clock => answer(wait::clock_time_get(&mut GuestMemory(&mut env), int(0), int(2))),
            Treatment::Wait if self.old_interface => answer(errno::NOSYS),
            Treatment::Wait => {
                let slots = [int(0), int(1), int(2), int(3)];
                answer(
                    wait::poll_oneoff(&mut GuestMemory(&mut env), &self.guard.watch, slots)
                        .map_err(TrapError::raise)?,
                )
            }
            Treatment::Buffers => {
                if !sane_buffers(&GuestMemory(&mut env), int(1), int(2)) {
                    return answer(errno::INVAL);
                }
                self.pass(&mut env, arguments)
            }
            Treatment::Sleep => {
                let nanoseconds = match arguments.first() {
                    Some(Value::I64(value)) => *value as u64,
                    _ => 0,
                };
                wait::sleep(Duration::from_nanos(nanoseconds), &self.guard.watch).map_err(TrapError::raise)?;
                answer(errno::SUCCESS)
            }
            Treatment::Open(out) => {
                if self.guard.descriptors().len() >= self.guard.max_descriptors {
                    return answer(errno::MFILE);
                }
                let result = self.pass(&mut env, arguments)?;
                let mut opened = [0; 4];
                if succeeded(&result) && GuestMemory(&mut env).read(int(out), &mut opened).is_ok() {
                    self.guard.descriptors().insert(u32::from_le_bytes(opened));
                }
                Ok(result)
            }
            Treatment::Close => {
                let result = self.pass(&mut env, arguments)?;
                if succeeded(&result) {
                    self.guard.descriptors().remove(&int(0));
                }
                Ok(result)
            }
            Treatment::Renumber => {
                let (from, to) = (int(0), int(1));
                {
                    let open = self.guard.descriptors();
                    if !open.contains(&from) || !open.contains(&to) {
                        return answer(errno::BADF);
                    }
                }
                let result = self.pass(&mut env, arguments)?;
                // What is passed on duplicates; the standard says that `from` is gone afterwards.
                if succeeded(&result) && from != to {
                    let (_, mut store) = env.data_and_store_mut();
                    self.close.call(&mut store, &[Value::I32(from as i32)])?;
                    self.guard.descriptors().remove(&from);
                }
                Ok(result)
            }
        }
    }

    fn pass(&self, env: &mut FunctionEnvMut<'_, HostState>, arguments: &[Value]) -> Answer {
        let (_, mut store) = env.data_and_store_mut();
        let mut result = if self.directories.is_empty() {
            self.passed.call(&mut store, arguments)?.into_vec()
        } else {
            let mut arguments = arguments.to_vec();
            for index in self.directories {
                if let Some(Value::I32(descriptor)) = arguments.get_mut(*index) {
                    *descriptor = directory(*descriptor);
                }
            }
            self.passed.call(&mut store, &arguments)?.into_vec()
        };
        // The environment has no word for an exceeded quota.
        if let Some(errno) = self.guard.files.as_ref().and_then(JailedFileSystem::take_refusal)
            && !succeeded(&result)
        {
            result = vec![Value::I32(i32::from(errno))];
        }
        Ok(result)
    }
}

fn answer(errno: u16) -> Answer {
    Ok(vec![Value::I32(i32::from(errno))])
}

fn succeeded(result: &[Value]) -> bool {
    matches!(result, [Value::I32(0)])
}

/// Whether a list of buffers names at most 1,024 of them, together no longer than the memory: more can only be overlapping
/// ones, which would keep the host busy beyond any deadline.
fn sane_buffers(memory: &dyn Memory, list: u32, count: u32) -> bool {
    if count > 1024 {
        return false;
    }
    let mut entries = vec![0; count as usize * 8];
    if memory.read(list, &mut entries).is_err() {
        return false;
    }
    let total: u64 = entries
        .chunks_exact(8)
        .map(|entry| u64::from(u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]])))
        .sum();
    total <= memory.memory_bytes()
}
