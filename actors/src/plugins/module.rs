//! Compiling a plugin's module, and trying it out, where it holds up neither its thread nor too many processor cores.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use windlass_wasm_host::{CompiledPlugin, Limits, LoadError, PluginPackage, Runtime, Sandbox};

use super::plugin::Plugin;
use super::scratch::ScratchHost;

/// What is needed to make a module runnable.
pub(super) struct ModuleSource {
    runtime: Runtime,
    package: Arc<PluginPackage>,
    limits: Limits,
    /// Places to compile at.
    compilers: Arc<Semaphore>,
}

/// A module that can be instantiated and says what it is.
pub(super) struct Examined {
    pub compiled: CompiledPlugin,
    pub name: String,
    /// As the module gives it; may be no JSON.
    pub schema: String,
}

impl Plugin {
    /// The module of a package, to be run by this plugin.
    pub(super) fn module_source(&self, package: Arc<PluginPackage>) -> ModuleSource {
        ModuleSource {
            runtime: self.runtime.clone(),
            package,
            limits: self.limits.clone(),
            compilers: self.compilers.clone(),
        }
    }
}

/// Compiles a module, or takes it from the cache.
///
/// # Errors
/// It can't be used.
pub(super) async fn compile(source: ModuleSource) -> Result<CompiledPlugin, LoadError> {
    on_a_compiler(source, |source| {
        let compiled = source.runtime.compile(&source.package, &source.limits)?;
        log::debug!(target: "signalk:wasm:loader", "[{}] {:?}, {:?}", source.package.id, compiled.abi(), compiled.origin());
        Ok(compiled)
    })
    .await
}

/// Compiles a module and asks an instance that is thrown away for its name and schema (§2.4).
///
/// # Errors
/// It can't be used, or fails already here.
pub(super) async fn examine(source: ModuleSource) -> Result<Examined, LoadError> {
    on_a_compiler(source, |source| {
        let compiled = source.runtime.compile(&source.package, &source.limits)?;
        let host = Arc::new(ScratchHost { id: source.package.id.to_string() });
        let sandbox = Sandbox::scratch(&source.package);
        let mut guest = source.runtime.instantiate(&compiled, host, sandbox, &source.limits)?;
        let name = guest.name().map_err(LoadError::Initialize)?;
        let schema = guest.schema().map_err(LoadError::Initialize)?;
        Ok(Examined { compiled, name, schema })
    })
    .await
}

async fn on_a_compiler<T: Send + 'static>(
    source: ModuleSource,
    work: impl FnOnce(&ModuleSource) -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    // Nobody closes it; without a place the work would only be slower.
    let _place = source.compilers.clone().acquire_owned().await.ok();
    let done = spawn_blocking(move || work(&source)).await;
    done.unwrap_or_else(|error| Err(LoadError::Compile { reason: format!("the server failed: {error}") }))
}
