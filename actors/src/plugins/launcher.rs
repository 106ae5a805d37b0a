//! What every plugin gets from the server, and the start of its actor.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};

use actix::prelude::*;
use tokio::sync::{Semaphore, watch};
use windlass_broker::{Broker, Context as VesselContext};
use windlass_wasm_host::{PluginPackage, Runtime, RuntimeError, RuntimeOptions};

use super::config_store::ConfigStore;
use super::consent::Consents;
use super::host::{PluginHost, Surroundings};
use super::identities::Names;
use super::limits;
use super::plugin::{Plugin, PluginParts};
use super::record::{Enablement, Record, RecordParts};
use super::settings::{PluginSettings, Timing};
use crate::StatusBoard;
use crate::data_model::ModelView;

/// Makes records and actors of plugins.
pub(super) struct Launcher {
    pub settings: PluginSettings,
    /// Whether plugins are run at all: `interfaces.wasm` as it is now, `settings` has it as it was at the start.
    pub wasm_enabled: AtomicBool,
    pub consents: Arc<Consents>,
    pub status: StatusBoard,
    pub changed: Arc<watch::Sender<u64>>,
    pub view: ModelView,
    pub self_context: VesselContext,
    pub names: Names,
    pub surroundings: Surroundings,
    /// Opened with the first plugin that can run.
    pub runtime: OnceLock<Result<Runtime, String>>,
    pub compilers: Arc<Semaphore>,
    pub timing: Timing,
    pub broker: Addr<Broker>,
}

impl Launcher {
    /// The record of a package that was found.
    pub(super) fn describe(&self, mut package: PluginPackage) -> Record {
        let settings = &self.settings;
        let by_default = |name: &String| name == package.id.as_str() || *name == package.name;
        let enablement = Enablement {
            wasm: self.runs_plugins(),
            disable_all: settings.disable_all,
            by_default: settings.enabled_by_default.iter().any(by_default),
        };
        let overrides = limits::override_of(&settings.overrides, package.id.as_str(), &package.name);
        let changed = overrides.map_or(Ok(settings.limits.clone()), |own| settings.limits.changed(&own.limits));
        let limits = changed.unwrap_or_else(|error| {
            log::error!("plugin {}: {error}; it runs with the limits of all plugins", package.name);
            settings.limits.clone()
        });
        self.restrict(&mut package);
        let parts = RecordParts {
            config: ConfigStore::new(&settings.config_dir, package.id.as_str()),
            enablement,
            board: self.status.clone(),
            consents: self.consents.clone(),
            limits,
            changed: self.changed.clone(),
        };
        Record::new(package, parts)
    }

    /// Whether plugins are run at all.
    pub(super) fn runs_plugins(&self) -> bool {
        self.wasm_enabled.load(Relaxed)
    }

    /// Takes away what the operator does not want a package to have, and logs what is odd about its capabilities.
    pub(super) fn restrict(&self, package: &mut PluginPackage) {
        for warning in &package.capability_warnings {
            log::warn!("plugin {}: {warning}", package.name);
        }
        if let Some(own) = limits::override_of(&self.settings.overrides, package.id.as_str(), &package.name) {
            let (left, problems) = package.capabilities.restricted_by(&own.capabilities);
            for problem in problems {
                log::error!("plugin {}, plugins.overrides in the settings: {problem}", package.name);
            }
            package.capabilities = left;
        }
    }

    /// Starts the actor of a plugin on a thread of its own. `idle`: it does nothing until it is told to.
    ///
    /// # Errors
    /// In words.
    pub(super) fn launch(&self, record: &Arc<Record>, idle: bool) -> Result<Addr<Plugin>, String> {
        let open = || open_runtime(&self.settings).map_err(|error| error.to_string());
        let runtime = self.runtime.get_or_init(open).clone()?;
        let (view, own, names) = (self.view.clone(), self.self_context.clone(), self.names.clone());
        let host = PluginHost::new(record.clone(), view, own, names, self.surroundings.clone());
        let parts = PluginParts {
            record: record.clone(),
            host: Arc::new(host.map_err(|error| error.to_string())?),
            runtime,
            limits: record.limits.sandbox.clone(),
            timing: self.timing,
            broker: self.broker.clone(),
            compilers: self.compilers.clone(),
            observatory: self.settings.observatory.clone(),
            idle,
        };
        let arbiter = Arbiter::try_new().map_err(|error| format!("no thread can be started for it: {error}"))?;
        Ok(Plugin::start_in_arbiter(&arbiter.handle(), move |_| Plugin::new(parts)))
    }
}

/// The runtime; without its cache when that can't be used.
fn open_runtime(settings: &PluginSettings) -> Result<Runtime, RuntimeError> {
    let options = |cache_dir: Option<&PathBuf>| RuntimeOptions {
        cache_dir: cache_dir.cloned(),
        authorities: settings.authorities.clone(),
    };
    Runtime::new(options(Some(&settings.cache_dir))).or_else(|error| match error {
        RuntimeError::Cache { .. } => {
            log::error!("{error}. Plugins are compiled anew at every start");
            Runtime::new(options(None))
        }
        other => Err(other),
    })
}
