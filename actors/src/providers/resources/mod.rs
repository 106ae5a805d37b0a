//! Resources: routes, waypoints and other things on the chart, kept by one or more providers (signalk-v2 §2).

mod error;
mod property;
mod provider;
mod query;
mod validation;
mod writing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::Addr;
use futures_util::future::join_all;
use serde_json::{Map, Value};
use windlass_broker::{Broker, Context};

pub use error::ResourceError;
pub use provider::ResourceProvider;
pub use validation::{Issue, Issues, Place};

use super::failures::Failures;
use super::plugin::PluginProvider;
use crate::plugins::PluginManager;

/// The types that the specification knows. Their ids, bodies and queries are checked.
pub const STANDARD_TYPES: [&str; 5] = ["routes", "waypoints", "notes", "regions", "charts"];
/// The provider that new resources go to until another one is chosen, when it is there.
const USUAL_DEFAULT: &str = "resources-provider";

/// All resources of all providers. Clones share.
#[derive(Clone)]
pub struct Resources(Arc<Inner>);

struct Inner {
    plugins: PluginManager,
    failures: Failures,
    broker: Addr<Broker>,
    own: Context,
    built_in: Mutex<Vec<Arc<dyn ResourceProvider>>>,
    /// The chosen provider of each type.
    defaults: Mutex<BTreeMap<String, String>>,
    /// Types beside the standard ones that clients count on.
    expected: Mutex<BTreeSet<String>>,
}

type Provider = Arc<dyn ResourceProvider>;

/// Whether somebody may see a resource: its path, `resources.<type>.<id>`, and its provider (signalk-v1 §8.5).
pub type SeesResource<'a> = &'a dyn Fn(&str, &str) -> bool;

/// The path under which changes of a resource go out.
pub fn resource_path(kind: &str, id: &str) -> String {
    format!("resources.{kind}.{id}")
}

fn is_standard(kind: &str) -> bool {
    STANDARD_TYPES.contains(&kind)
}

impl Resources {
    pub(super) fn new(
        plugins: PluginManager,
        failures: Failures,
        broker: Addr<Broker>,
        own: Context,
        defaults: BTreeMap<String, String>,
    ) -> Self {
        let (built_in, defaults) = (Mutex::default(), Mutex::new(defaults));
        let expected = Mutex::default();
        Self(Arc::new(Inner { plugins, failures, broker, own, built_in, defaults, expected }))
    }

    /// Adds a provider that is a part of the server. It comes before the plugins.
    pub fn add(&self, provider: Provider) {
        lock(&self.0.built_in).push(provider);
    }

    /// From now on there are none of a type while nobody keeps it, as of a standard type, instead of there being no such type.
    pub fn expect(&self, kind: &str) {
        lock(&self.0.expected).insert(kind.to_owned());
    }

    /// The types that somebody keeps, sorted.
    pub fn types(&self) -> Vec<String> {
        let mut types = self.0.plugins.offers().resource_types();
        types.extend(lock(&self.0.built_in).iter().flat_map(|provider| provider.types()));
        types.sort_unstable();
        types.dedup();
        types
    }

    /// The ids of the providers of a type, first come first.
    ///
    /// # Errors
    /// There are none.
    pub fn provider_ids(&self, kind: &str) -> Result<Vec<String>, ResourceError> {
        Ok(self.of(kind)?.iter().map(|provider| provider.id().to_owned()).collect())
    }

    /// The provider that new resources of a type go to.
    ///
    /// # Errors
    /// There is none.
    pub fn default_provider(&self, kind: &str) -> Result<String, ResourceError> {
        let providers = self.of(kind).map_err(|_| ResourceError::TypeNotFound(kind.to_owned()))?;
        Ok(self.default_of(kind, &providers)?.id().to_owned())
    }

    /// The id of a provider that can be made the default of a type, given its id or package name.
    ///
    /// # Errors
    /// The type or the provider does not exist.
    pub fn possible_default(&self, kind: &str, name: &str) -> Result<String, ResourceError> {
        let providers = self.of(kind).map_err(|_| ResourceError::InvalidType(kind.to_owned()))?;
        let found = self.named(&providers, name).map_err(|_| ResourceError::NoSuchProvider(kind.to_owned()))?;
        Ok(found.id().to_owned())
    }

    /// Makes a provider the default of a type.
    pub fn set_default(&self, kind: &str, provider: &str) {
        lock(&self.0.defaults).insert(kind.to_owned(), provider.to_owned());
    }

    /// The resources of a type by id that `sees` allows: of all providers, or of the one that the parameter `provider` names. A provider that fails is left
    /// out; that is counted. Of a standard type that nobody keeps there are none, nor of one that is expected: chart plotters ask for them on
    /// every server.
    ///
    /// # Errors
    /// There is no such type or provider, or a parameter is wrong.
    pub async fn list(
        &self,
        kind: &str,
        query: Vec<(String, String)>,
        sees: SeesResource<'_>,
    ) -> Result<Map<String, Value>, ResourceError> {
        let wanted = query.iter().find(|(key, _)| key == "provider").map(|(_, name)| name.clone());
        let providers = match self.selected(kind, wanted.as_deref()) {
            Err(ResourceError::UnknownType(_)) if wanted.is_none() && self.is_expected(kind) => Vec::new(),
            selected => selected?,
        };
        let query = query::read(query);
        query::check(kind, &query)?;
        let lists = join_all(providers.iter().map(|provider| provider.list(kind, &query))).await;
        let mut all = Map::new();
        // Those that failed have been counted.
        for (provider, resources) in providers.iter().zip(lists) {
            let resources = resources.into_iter().flatten();
            all.extend(resources.filter(|(id, _)| sees(&resource_path(kind, id), provider.id())));
        }
        let limit = query.get("limit").and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
        Ok(match limit {
            Some(limit) if all.len() > limit && is_standard(kind) => all.into_iter().take(limit).collect(),
            _ => all,
        })
    }

    /// One resource. Where several providers have it, the keys of later ones overwrite those of earlier ones.
    ///
    /// # Errors
    /// There is no such type, provider or resource.
    pub async fn get(
        &self,
        kind: &str,
        id: &str,
        provider: Option<&str>,
        sees: SeesResource<'_>,
    ) -> Result<Value, ResourceError> {
        let providers = self.seen(kind, id, provider, sees)?;
        let found = join_all(providers.iter().map(|provider| provider.get(kind, id))).await;
        let found = found.into_iter().filter_map(|answer| answer.ok().flatten());
        let merged = found.reduce(|earlier, later| match (earlier, later) {
            (Value::Object(mut earlier), Value::Object(later)) => {
                earlier.extend(later);
                earlier.into()
            }
            (_, later) => later,
        });
        merged.ok_or_else(|| ResourceError::NotFound(id.to_owned()))
    }

    /// A property of a resource: `{"value", "timestamp", "$source"}`, of the latest provider that has it.
    ///
    /// # Errors
    /// There is no such type, provider, resource or property.
    pub async fn property(
        &self,
        kind: &str,
        id: &str,
        path: &[String],
        provider: Option<&str>,
        sees: SeesResource<'_>,
    ) -> Result<Value, ResourceError> {
        let providers = self.seen(kind, id, provider, sees)?;
        let found = join_all(providers.iter().map(|provider| provider.get_property(kind, id, path))).await;
        let found = providers.iter().zip(found).rev().find_map(|(provider, answer)| {
            let mut property = answer.ok().flatten()?;
            property::complete(&mut property, provider.id());
            Some(property)
        });
        found.ok_or_else(|| ResourceError::NotFound(id.to_owned()))
    }

    fn is_expected(&self, kind: &str) -> bool {
        is_standard(kind) || lock(&self.0.expected).contains(kind)
    }

    /// The providers of a type: those of the server, then plugins, first come first.
    fn of(&self, kind: &str) -> Result<Vec<Provider>, ResourceError> {
        let built_in = lock(&self.0.built_in).clone();
        let mut providers: Vec<Provider> =
            built_in.into_iter().filter(|provider| provider.types().iter().any(|known| known == kind)).collect();
        let plugin = |id| {
            let (plugins, failures) = (self.0.plugins.clone(), self.0.failures.clone());
            Arc::new(PluginProvider { plugins, failures, id }) as Provider
        };
        providers.extend(self.0.plugins.offers().resource_providers(kind).into_iter().map(plugin));
        if providers.is_empty() { Err(ResourceError::UnknownType(kind.to_owned())) } else { Ok(providers) }
    }

    /// The providers of a type, or the one that is named.
    fn selected(&self, kind: &str, name: Option<&str>) -> Result<Vec<Provider>, ResourceError> {
        let providers = self.of(kind)?;
        match name {
            Some(name) => Ok(vec![self.named(&providers, name)?]),
            None => Ok(providers),
        }
    }

    /// The same, of those whose resource with that id may be seen.
    fn seen(
        &self,
        kind: &str,
        id: &str,
        name: Option<&str>,
        sees: SeesResource<'_>,
    ) -> Result<Vec<Provider>, ResourceError> {
        let mut providers = self.selected(kind, name)?;
        providers.retain(|provider| sees(&resource_path(kind, id), provider.id()));
        Ok(providers)
    }

    fn named(&self, providers: &[Provider], name: &str) -> Result<Provider, ResourceError> {
        let plugin = self.0.plugins.id_of(name);
        let found = providers.iter().find(|provider| provider.id() == name || plugin.as_deref() == Some(provider.id()));
        found.cloned().ok_or_else(|| ResourceError::UnknownProvider(name.to_owned()))
    }

    fn default_of(&self, kind: &str, providers: &[Provider]) -> Result<Provider, ResourceError> {
        let chosen = lock(&self.0.defaults).get(kind).cloned();
        let chosen = chosen.and_then(|name| self.named(providers, &name).ok());
        let usual = || providers.iter().find(|provider| provider.id() == USUAL_DEFAULT).cloned();
        let found = chosen.or_else(usual).or_else(|| providers.first().cloned());
        found.ok_or_else(|| ResourceError::UnknownType(kind.to_owned()))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Only this file's short sections hold these locks, and each leaves them whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
