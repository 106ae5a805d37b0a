//! The entry point: compiling plugins and bringing them to life.

use std::{fmt, io, path::PathBuf, sync::Arc};

use crate::{
    Abi, Capabilities, CertificateAuthorities, Guest, Host, Limits, LoadError, Origin, PluginPackage,
    access::NetworkAccess,
    engine::{self, Engine, cache::ModuleCache, wasmer::WasmerEngine, watchdog::Watchdog},
    guest::{self, Detected},
    imports::{self, GuestContext},
    net::{GuestNetwork, NetworkLease, NetworkLoop},
    voice::Voice,
    wasi::{WasiSetup, wasix::WasixRuntime},
};

/// How the runtime is set up.
#[derive(Clone, Debug, Default)]
pub struct RuntimeOptions {
    /// Where compiled modules are kept between starts; `None` compiles them every time. The directory is made accessible to
    /// the server only, and must lie outside every plugin's own directory. One of another user is refused, and modules that
    /// others could have written are compiled again. Modules that were not used for 30 days go, and beyond 256 MiB those used
    /// longest ago.
    pub cache_dir: Option<PathBuf>,
    /// Whom the requests of plugins trust to vouch for servers.
    pub authorities: CertificateAuthorities,
}

/// Why the runtime could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The cache directory cannot be used.
    #[error("the module cache {} cannot be used: {source}; choose another directory or correct its permissions", directory.display())]
    Cache {
        /// The directory.
        directory: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A thread or an event loop could not be created.
    #[error("the plugin runtime could not be started: {0}")]
    Start(#[from] io::Error),
}

/// What all plugins share: the engine, the cache of compiled modules and the watchdog thread.
///
/// Clones refer to the same runtime.
#[derive(Clone)]
pub struct Runtime {
    engine: Arc<dyn Engine>,
    network: NetworkLoop,
    authorities: CertificateAuthorities,
}

/// A module ready to be instantiated, any number of times, on any thread.
#[derive(Clone)]
pub struct CompiledPlugin {
    module: Arc<dyn engine::Module>,
    detected: Detected,
    origin: Origin,
}

/// What surrounds one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sandbox {
    /// The host directory the guest sees as `/`, created when absent; `None` gives it no files at all.
    pub vfs_root: Option<PathBuf>,
    /// Environment variables, name and value.
    pub environment: Vec<(String, String)>,
    /// What the guest may do.
    pub capabilities: Capabilities,
    /// AssemblyScript's HTTP handlers with two parameters get a string and its length in UTF-16 units, as the reference server passes it,
    /// instead of UTF-8 bytes (§3.6).
    pub utf16_requests: bool,
}

impl Sandbox {
    /// The sandbox of a running plugin (§2.5): its directory unless it declares `storage: "none"`, and the environment
    /// variables plugins expect.
    pub fn of(package: &PluginPackage, vfs_root: PathBuf) -> Self {
        let environment = [
            ("PLUGIN_ID", package.name.as_str()),
            ("SIGNALK_PLUGIN_ID", package.id.as_str()),
            ("SIGNALK_PACKAGE_NAME", package.name.as_str()),
            ("SIGNALK_PLUGIN_VERSION", package.version.as_str()),
        ];
        Self {
            vfs_root: package.has_storage().then_some(vfs_root),
            environment: environment.map(|(name, value)| (name.to_owned(), value.replace('\0', ""))).to_vec(),
            capabilities: package.capabilities.clone(),
            utf16_requests: package.package_json["signalk"]["wasm"]["httpRequestEncoding"] == "utf16",
        }
    }

    /// The sandbox of an instance that is only asked for its name and schema: no files, so that a disabled plugin leaves
    /// nothing behind (§2.4), and no network, so that it says nothing either.
    pub fn scratch(package: &PluginPackage) -> Self {
        let mut sandbox = Self { vfs_root: None, ..Self::of(package, PathBuf::new()) };
        // Nobody has agreed to anything yet: a module that is only looked at reaches nobody.
        sandbox.capabilities.network = NetworkAccess::Denied;
        sandbox.capabilities.raw_sockets = NetworkAccess::Denied;
        sandbox
    }
}

impl Runtime {
    /// Sets the runtime up.
    ///
    /// # Errors
    /// When the cache directory cannot be used or no thread can be started.
    pub fn new(options: RuntimeOptions) -> Result<Self, RuntimeError> {
        let cache = options
            .cache_dir
            .map(|directory| ModuleCache::open(&directory).map_err(|source| RuntimeError::Cache { directory, source }))
            .transpose()?;
        let engine = WasmerEngine::new(cache, Watchdog::start()?, WasixRuntime::new()?);
        Ok(Self { engine: Arc::new(engine), network: NetworkLoop::start()?, authorities: options.authorities })
    }

    /// Reads and compiles the module of a package, or takes it from the cache. The caps on memory, tables and stack become
    /// part of the result. Takes about a millisecond per kilobyte; may be called on any thread.
    ///
    /// # Errors
    /// The package has a problem, or its module cannot be used.
    pub fn compile(&self, package: &PluginPackage, limits: &Limits) -> Result<CompiledPlugin, LoadError> {
        if let Some(problem) = &package.problem {
            return Err(problem.clone().into());
        }
        let path = package.wasm_file.as_ref().ok_or(crate::PackageProblem::NoManifest)?;
        let unreadable = |error: io::Error| LoadError::Unreadable { path: path.clone(), reason: error.to_string() };
        let size = std::fs::metadata(path).map_err(unreadable)?.len();
        if size > limits.module_bytes {
            return Err(LoadError::ModuleTooLarge { size, limit: limits.module_bytes });
        }
        self.compile_bytes(&std::fs::read(path).map_err(unreadable)?, limits)
    }

    /// Compiles a module from memory.
    ///
    /// # Errors
    /// The module cannot be used.
    pub fn compile_bytes(&self, wasm: &[u8], limits: &Limits) -> Result<CompiledPlugin, LoadError> {
        engine::inspect::inspect(wasm, limits)?;
        let (module, origin) = self.engine.compile(wasm, limits)?;
        let detected = guest::detect(module.exports())?;
        Ok(CompiledPlugin { module, detected, origin })
    }

    /// Creates a live instance on the calling thread, which from then on is the only one to use it: links it to `host`, runs its
    /// start section and its `_initialize` or `_start`. Of `limits`, those on memory, tables and stack are the
    /// ones given to [`compile`](Self::compile).
    ///
    /// # Errors
    /// An import is unknown, the sandbox cannot be set up, or the module's initialisation fails.
    pub fn instantiate(
        &self,
        compiled: &CompiledPlugin,
        host: Arc<dyn Host>,
        sandbox: Sandbox,
        limits: &Limits,
    ) -> Result<Box<dyn Guest>, LoadError> {
        let voice = Voice::new(Arc::clone(&host), limits);
        let delivers =
            guest::Delivers { deltas: sandbox.capabilities.data_read, events: sandbox.capabilities.server_events };
        let utf16_requests = sandbox.utf16_requests;
        let network = GuestNetwork::new(
            &self.network,
            &self.authorities,
            sandbox.capabilities.network.clone(),
            sandbox.capabilities.raw_sockets.clone(),
            host.waits(),
            limits,
        );
        let lease = NetworkLease::new(Arc::clone(&network));
        let context = Arc::new(GuestContext {
            network,
            host,
            capabilities: sandbox.capabilities,
            limits: limits.clone(),
            voice: Arc::clone(&voice),
        });
        let family = guest::import_family(compiled.detected.abi);
        let imports = imports::link(family, compiled.module.imports(), &context)?;
        let wasi = WasiSetup {
            vfs_root: sandbox.vfs_root,
            environment: sandbox.environment,
            voice: Arc::clone(&voice),
            limits: limits.clone(),
        };
        let instance = compiled.module.instantiate(imports, wasi, limits.deadlines.initialize)?;
        let outside = guest::Outside { network: lease, voice };
        guest::open(&compiled.detected, instance, limits.clone(), delivers, utf16_requests, outside)
    }

    /// Breaks off the HTTP requests of all live instances and refuses further ones: for shutting down, since a plugin that waits for an
    /// answer cannot be stopped before it has one. Instances created later are not concerned.
    pub fn abort_requests(&self) {
        self.network.abort_requests();
    }
}

impl CompiledPlugin {
    /// The flavour of the module.
    pub fn abi(&self) -> Abi {
        self.detected.abi
    }

    /// Whether it was compiled now or came from the cache.
    pub fn origin(&self) -> Origin {
        self.origin
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

impl fmt::Debug for CompiledPlugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompiledPlugin")
            .field("abi", &self.detected.abi)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}
