//! Compiling a plugin's module, and trying it out, where it holds up neither its thread nor too many processor cores.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use windlass_wasm_host::{CompiledPlugin, CutShort, Limits, LoadError, PluginPackage, Runtime, Sandbox, Waits};

use super::plugin::Plugin;
use super::scratch::ScratchHost;

/// What is needed to make a module runnable.
pub(super) struct ModuleSource {
    runtime: Runtime,
    package: Arc<PluginPackage>,
    limits: Limits,
    /// Places to compile at.
    compilers: Arc<Semaphore>,
    waits: Waits,
    /// Until the work has begun, the instance that runs waits for nothing outside: it would hold up the thread that has to begin it.
    hurry: Option<CutShort>,
}

/// A module that can be instantiated and says what it is.
pub(super) struct Examined {
    pub compiled: CompiledPlugin,
    pub name: String,
    /// As the module gives it; may be no JSON.
    pub schema: String,
    /// What it calls itself (§1.4).
    pub own_id: Option<String>,
}

impl Plugin {
    /// The module of a package, to be run by this plugin.
    pub(super) fn module_source(&self, package: Arc<PluginPackage>) -> ModuleSource {
        ModuleSource {
            runtime: self.runtime.clone(),
            package,
            limits: self.limits.clone(),
            compilers: self.compilers.clone(),
            waits: self.record.waits.clone(),
            hurry: None,
        }
    }
}

impl ModuleSource {
    /// The same for somebody who is in a hurry while another instance runs.
    pub(super) fn hurried(self, hurry: CutShort) -> Self {
        Self { hurry: Some(hurry), ..self }
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

/// Compiles a module and asks an instance that is thrown away for its name and schema (§2.4). With the result comes what has another
/// instance, which runs meanwhile, wait for nothing outside, so that its thread gets to the result soon.
pub(super) async fn examine(source: ModuleSource) -> (Result<Examined, LoadError>, Option<CutShort>) {
    let looked_at = on_a_compiler(source, |source| {
        let examined = look_into(source);
        Ok((examined, Some(source.waits.cut_short())))
    });
    looked_at.await.unwrap_or_else(|error| (Err(error), None))
}

fn look_into(source: &ModuleSource) -> Result<Examined, LoadError> {
    let compiled = source.runtime.compile(&source.package, &source.limits)?;
    let host = Arc::new(ScratchHost { id: source.package.id.to_string() });
    let sandbox = Sandbox::scratch(&source.package);
    let mut guest = source.runtime.instantiate(&compiled, host, sandbox, &source.limits)?;
    let name = guest.name().map_err(LoadError::Initialize)?;
    let schema = guest.schema().map_err(LoadError::Initialize)?;
    // It counts for little, so it need not work either.
    let own_id = guest.own_id().unwrap_or_else(|error| {
        log::debug!(target: "signalk:wasm:loader", "[{}] {error}", source.package.id);
        None
    });
    Ok(Examined { compiled, name, schema, own_id })
}

async fn on_a_compiler<T: Send + 'static>(
    mut source: ModuleSource,
    work: impl FnOnce(&ModuleSource) -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    // Nobody closes it; without a place the work would only be slower.
    let _place = source.compilers.clone().acquire_owned().await.ok();
    let done = spawn_blocking(move || {
        source.hurry = None;
        work(&source)
    })
    .await;
    done.unwrap_or_else(|error| Err(LoadError::Compile { reason: format!("the server failed: {error}") }))
}
