//! Radars (signalk-v2 §7, wasm-plugin-abi §3.9).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Map, Value, json};

use super::failures::Failures;
use super::named::NamedProviders;
use super::plugin::{PATIENCE, PluginProvider, ProviderError, is_nothing};
use super::radar_controls::{self, RadarControl};
use crate::plugins::{Offers, PluginManager};

/// The version of the radar interface that is served.
const VERSION: &str = "3.4.0";
/// How long a provider may take to list its radars when others are asked as well: one that hangs must not hold up the radars of all.
const LIST_PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of a radar's id.
const MAX_ID: usize = 256;
/// Radars of one provider; more are left out.
const MAX_RADARS: usize = 256;

/// The radars of all providers. Clones share.
#[derive(Clone)]
pub struct Radars(Arc<Inner>);

struct Inner {
    providers: NamedProviders,
    /// Which provider each radar had when the providers were last asked; it is the first to be asked again.
    owners: Mutex<BTreeMap<String, String>>,
}

/// Why a request to a radar was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RadarError {
    /// There is no such radar, or it does not have what was asked for.
    #[error("Resource not found.")]
    NotFound,
    /// The body makes no sense.
    #[error("Invalid Data supplied.")]
    InvalidBody,
    /// A value is wrong, or the radar refuses it.
    #[error("{0}")]
    Invalid(String),
    /// The provider has no function for it.
    #[error("Provider does not support {0}")]
    Unsupported(&'static str),
    /// The provider failed.
    #[error("{0}")]
    Failed(String),
}

impl Radars {
    pub(super) fn new(plugins: PluginManager, failures: Failures) -> Self {
        let providers = NamedProviders::new(plugins, failures, Offers::radar_providers);
        Self(Arc::new(Inner { providers, owners: Mutex::default() }))
    }

    /// The providers.
    pub fn providers(&self) -> &NamedProviders {
        &self.0.providers
    }

    /// `{"version", "radars": {"<id>": {name, brand, …}}}`. A provider or radar that does not answer is left out; that is counted.
    /// `sees` says of the radars which may be seen, given the radar and its provider.
    pub async fn list(&self, sees: &dyn Fn(&str, &str) -> bool) -> Value {
        let mut owned = self.owned().await;
        owned.retain(|(provider, id)| sees(id, &provider.id));
        let infos = join_all(owned.iter().map(|(provider, id)| about(provider, "radar_get_radar_info", id))).await;
        let mut radars = Map::new();
        for ((provider, id), info) in owned.iter().zip(infos) {
            match info {
                Ok(Some(info)) => drop(radars.insert(id.clone(), info)),
                Ok(None) => {
                    let nothing = ProviderError::Failed(format!("it lists the radar {id}, but knows nothing of it"));
                    provider.note("radar_get_radar_info", &nothing);
                }
                Err(error @ ProviderError::Unsupported(_)) => provider.note("radar_get_radar_info", &error),
                // Counted where it happened.
                Err(_) => {}
            }
        }
        json!({"version": VERSION, "radars": radars})
    }

    /// The id of the provider that has a radar.
    ///
    /// # Errors
    /// There is no such radar.
    pub async fn owner(&self, radar: &str) -> Result<String, RadarError> {
        Ok(self.provider_of(radar).await?.id)
    }

    /// Name, brand, model and address.
    ///
    /// # Errors
    /// There is no such radar, or its provider does not say.
    pub async fn info(&self, radar: &str) -> Result<Value, RadarError> {
        self.read(radar, "radar_get_radar_info", "radar information").await
    }

    /// The manifest: what the radar can do.
    ///
    /// # Errors
    /// There is no such radar, or its provider does not say.
    pub async fn capabilities(&self, radar: &str) -> Result<Value, RadarError> {
        self.read(radar, "radar_get_capabilities", "capabilities").await
    }

    /// The present state, controls included.
    ///
    /// # Errors
    /// There is no such radar, or its provider does not say.
    pub async fn state(&self, radar: &str) -> Result<Value, RadarError> {
        self.read(radar, "radar_get_state", "state").await
    }

    /// The present values of all controls.
    ///
    /// # Errors
    /// There is no such radar, or its provider does not say.
    pub async fn controls(&self, radar: &str) -> Result<Value, RadarError> {
        let state = self.read(radar, "radar_get_state", "controls").await?;
        state.get("controls").cloned().ok_or(RadarError::NotFound)
    }

    /// The present value of one control.
    ///
    /// # Errors
    /// There is no such radar or control, or the provider does not say.
    pub async fn control(&self, radar: &str, control: &str) -> Result<Value, RadarError> {
        let provider = self.provider_of(radar).await?;
        let request = json!({"radarId": radar, "controlId": control});
        match provider.ask("radar_get_control", &request).await {
            Err(ProviderError::Unsupported(_)) => {
                let state = found(about(&provider, "radar_get_state", radar).await, "controls")?;
                state.get("controls").and_then(|all| all.get(control)).cloned().ok_or(RadarError::NotFound)
            }
            answer => found(answer.map(|answer| answer.filter(|answer| !is_nothing(answer))), "controls"),
        }
    }

    /// Sets one of the usual controls. The value is the body, or the only key `value` of it.
    ///
    /// # Errors
    /// There is no such radar, the value is wrong, or the provider can't or does not set it.
    pub async fn set_usual(&self, radar: &str, control: RadarControl, body: Value) -> Result<(), RadarError> {
        radar_controls::set_usual(&self.provider_of(radar).await?, radar, control, body).await
    }

    /// Sets any control, likewise.
    ///
    /// # Errors
    /// As [`set_usual`](Self::set_usual).
    pub async fn set_control(&self, radar: &str, control: &str, body: Value) -> Result<(), RadarError> {
        radar_controls::set_any(&self.provider_of(radar).await?, radar, control, body).await
    }

    /// Sets several controls: an object of values by control, or that under the only key `value`.
    ///
    /// # Errors
    /// As [`set_usual`](Self::set_usual).
    pub async fn set_controls(&self, radar: &str, body: Value) -> Result<(), RadarError> {
        radar_controls::set_several(&self.provider_of(radar).await?, radar, body).await
    }

    /// The targets that are followed.
    ///
    /// # Errors
    /// There is no such radar, or its provider does not say.
    pub async fn targets(&self, radar: &str) -> Result<Value, RadarError> {
        self.read(radar, "radar_get_targets", "targets").await
    }

    /// Follows a target: `{"bearing", "distance"}` in radians and metres. Answered with `{"success", "targetId"?}`.
    ///
    /// # Errors
    /// There is no such radar, the place is wrong, or the provider can't or does not follow it.
    pub async fn acquire_target(&self, radar: &str, body: &Value) -> Result<Value, RadarError> {
        let provider = self.provider_of(radar).await?;
        let (bearing, distance) = radar_controls::check_target(body)?;
        let request = json!({"radarId": radar, "bearing": bearing, "distance": distance});
        radar_controls::accepted(provider.ask("radar_acquire_target", &request).await, "target acquisition")
    }

    /// Follows a target no longer.
    ///
    /// # Errors
    /// There is no such radar or target, or the provider can't.
    pub async fn cancel_target(&self, radar: &str, target: &str) -> Result<(), RadarError> {
        let provider = self.provider_of(radar).await?;
        let target: u64 = target
            .parse()
            .map_err(|_| RadarError::Invalid("Invalid target: its id must be a whole number".to_owned()))?;
        let request = json!({"radarId": radar, "targetId": target});
        radar_controls::done(provider.ask("radar_cancel_target", &request).await, "target cancellation")
    }

    /// The settings of the automatic plotting.
    ///
    /// # Errors
    /// There is no such radar, or its provider does not say.
    pub async fn arpa_settings(&self, radar: &str) -> Result<Value, RadarError> {
        self.read(radar, "radar_get_arpa_settings", "ARPA settings").await
    }

    /// Changes the settings of the automatic plotting.
    ///
    /// # Errors
    /// There is no such radar, the body is no object, or the provider can't or does not take it.
    pub async fn set_arpa_settings(&self, radar: &str, body: Value) -> Result<(), RadarError> {
        let provider = self.provider_of(radar).await?;
        if !body.is_object() {
            return Err(RadarError::InvalidBody);
        }
        let request = json!({"radarId": radar, "settings": body});
        radar_controls::done(provider.ask("radar_set_arpa_settings", &request).await, "ARPA settings")
    }

    async fn read(&self, radar: &str, export: &'static str, what: &'static str) -> Result<Value, RadarError> {
        let provider = self.provider_of(radar).await?;
        found(about(&provider, export, radar).await, what)
    }

    async fn provider_of(&self, radar: &str) -> Result<PluginProvider, RadarError> {
        let known = self.owners().get(radar).cloned();
        if let Some(owner) = known.and_then(|owner| self.0.providers.find(&owner))
            && radar_ids(&owner, PATIENCE).await.is_some_and(|ids| ids.iter().any(|id| id == radar))
        {
            return Ok(owner);
        }
        let owned = self.owned().await;
        let found = owned.into_iter().find_map(|(provider, id)| (id == radar).then_some(provider));
        found.ok_or(RadarError::NotFound)
    }

    /// All radars with their providers: a radar stays with the provider that had it, else the first one that claims it has it.
    async fn owned(&self) -> Vec<(PluginProvider, String)> {
        let providers = self.0.providers.all();
        let lists = join_all(providers.iter().map(|provider| radar_ids(provider, LIST_PATIENCE))).await;
        let mut owners = self.owners();
        let answer_of = |id: &String| providers.iter().zip(&lists).find(|(provider, _)| provider.id == *id);
        // One that did not answer keeps what it had.
        owners.retain(|radar, owner| {
            answer_of(owner).is_some_and(|(_, ids)| ids.as_ref().is_none_or(|ids| ids.contains(radar)))
        });
        let mut owned = Vec::new();
        for (provider, ids) in providers.iter().zip(&lists) {
            for radar in ids.iter().flatten() {
                let owner = owners.entry(radar.clone()).or_insert_with(|| provider.id.clone());
                if *owner == provider.id {
                    owned.push((provider.clone(), radar.clone()));
                }
            }
        }
        owned
    }

    fn owners(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        // Each of the sections above leaves it whole.
        self.0.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The radars that a provider claims, each once; `None` when it fails, which is counted.
async fn radar_ids(provider: &PluginProvider, patience: Duration) -> Option<Vec<String>> {
    const EXPORT: &str = "radar_get_radars";
    let failed = match provider.ask_list(EXPORT, patience).await {
        Ok(None | Some(Value::Null)) => return Some(Vec::new()),
        Ok(Some(Value::Array(claimed))) => {
            let mut ids = Vec::new();
            for id in claimed.iter().filter_map(Value::as_str).filter(|id| id.len() <= MAX_ID).take(MAX_RADARS) {
                if !ids.iter().any(|known| known == id) {
                    ids.push(id.to_owned());
                }
            }
            return Some(ids);
        }
        Ok(Some(_)) => ProviderError::Failed("its answer is no array of radar ids".to_owned()),
        Err(error @ ProviderError::Unsupported(_)) => error,
        // Counted where it happened.
        Err(_) => return None,
    };
    provider.note(EXPORT, &failed);
    None
}

/// What a provider says about one of its radars; `None` when it has nothing to say.
async fn about(provider: &PluginProvider, export: &'static str, radar: &str) -> Result<Option<Value>, ProviderError> {
    let answer = provider.ask(export, &json!({"radarId": radar})).await?;
    Ok(answer.filter(|answer| !is_nothing(answer)))
}

fn found(answer: Result<Option<Value>, ProviderError>, what: &'static str) -> Result<Value, RadarError> {
    match answer {
        Ok(answer) => answer.ok_or(RadarError::NotFound),
        Err(ProviderError::Unsupported(_)) => Err(RadarError::Unsupported(what)),
        Err(error) => Err(RadarError::Failed(error.to_string())),
    }
}
