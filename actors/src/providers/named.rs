//! Providers that are registered under a display name, one of which is the default: those of weather data and of radars.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};

use super::failures::Failures;
use super::plugin::PluginProvider;
use crate::plugins::{Offers, PluginManager};

/// All providers of one kind.
pub struct NamedProviders {
    plugins: PluginManager,
    failures: Failures,
    offered: fn(&Offers) -> Vec<(String, String)>,
    chosen: Mutex<Option<String>>,
}

/// There is no such provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Provider {0} not found!")]
pub struct UnknownProvider(pub String);

impl NamedProviders {
    pub(super) fn new(
        plugins: PluginManager,
        failures: Failures,
        offered: fn(&Offers) -> Vec<(String, String)>,
    ) -> Self {
        Self { plugins, failures, offered, chosen: Mutex::default() }
    }

    /// `{"<id>": {"name", "isDefault"}}`, in the order of registration.
    pub fn list(&self) -> Value {
        let default = self.default();
        let entry = |(id, name): (String, String)| {
            let is_default = default.as_ref() == Some(&id);
            (id, json!({"name": name, "isDefault": is_default}))
        };
        self.offered().into_iter().map(entry).collect::<Map<_, _>>().into()
    }

    /// The id of the chosen provider while it is there, else of the first one.
    pub fn default(&self) -> Option<String> {
        let offered = self.offered();
        let chosen = self.chosen().clone();
        let chosen = chosen.filter(|chosen| offered.iter().any(|(id, _)| id == chosen));
        chosen.or_else(|| offered.into_iter().next().map(|(id, _)| id))
    }

    /// Makes a provider, by id or package name, the default. Answered with its id.
    ///
    /// # Errors
    /// It is no provider of this kind, or not now.
    pub fn choose(&self, name: &str) -> Result<String, UnknownProvider> {
        let id = self.find(name).ok_or_else(|| UnknownProvider(name.to_owned()))?.id;
        *self.chosen() = Some(id.clone());
        Ok(id)
    }

    /// A provider by id or package name.
    pub(super) fn find(&self, name: &str) -> Option<PluginProvider> {
        let id = self.plugins.id_of(name)?;
        self.offered().iter().any(|(offered, _)| *offered == id).then(|| self.provider(id))
    }

    pub(super) fn default_provider(&self) -> Option<PluginProvider> {
        self.default().map(|id| self.provider(id))
    }

    /// All of them, first come first.
    pub(super) fn all(&self) -> Vec<PluginProvider> {
        self.offered().into_iter().map(|(id, _)| self.provider(id)).collect()
    }

    fn provider(&self, id: String) -> PluginProvider {
        PluginProvider { plugins: self.plugins.clone(), failures: self.failures.clone(), id }
    }

    fn offered(&self) -> Vec<(String, String)> {
        (self.offered)(self.plugins.offers())
    }

    fn chosen(&self) -> MutexGuard<'_, Option<String>> {
        // Nothing can fail while it is held.
        self.chosen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
