//! Creating, replacing and deleting resources (signalk-v2 §2.1, 2.5).

use futures_util::future::join_all;
use serde_json::{Value, json};
use windlass_broker::{DeltaVersion, Intake, Origin, Publish, publish_and_settle};

use super::super::plugin::ProviderError;
use super::{Provider, ResourceError, Resources, validation};

impl Resources {
    /// Creates a resource and returns its id: a chart's own identifier, else a new UUID.
    ///
    /// # Errors
    /// There is no such type or provider, the body is wrong, the provider does not take it, or it can't be told whose the chart is.
    pub async fn create(&self, kind: &str, body: &Value, provider: Option<&str>) -> Result<String, ResourceError> {
        self.selected(kind, provider)?;
        validation::check(kind, body)?;
        let (id, keeper) = match body["identifier"].as_str().filter(|_| kind == "charts") {
            Some(id) if !validation::is_id(kind, id) => return Err(ResourceError::InvalidId(id.to_owned())),
            Some(id) => (id.to_owned(), self.keeper(kind, id, provider).await?),
            // Nobody has it yet.
            None => (uuid::Uuid::new_v4().to_string(), self.meant(kind, provider)?),
        };
        match keeper.set(kind, &id, body).await {
            Ok(()) => {
                self.publish(&*keeper, kind, &id, body).await;
                Ok(id)
            }
            // Counted where it happened.
            Err(_) => Err(ResourceError::Creating { kind: kind.to_owned(), id }),
        }
    }

    /// Creates or replaces a resource.
    ///
    /// # Errors
    /// There is no such type or provider, the id or the body is wrong, the provider does not take it, or it can't be told whose it is.
    pub async fn replace(
        &self,
        kind: &str,
        id: &str,
        body: &Value,
        provider: Option<&str>,
    ) -> Result<(), ResourceError> {
        self.selected(kind, provider)?;
        if !validation::is_id(kind, id) {
            return Err(ResourceError::InvalidId(id.to_owned()));
        }
        validation::check(kind, body)?;
        let keeper = self.keeper(kind, id, provider).await?;
        match keeper.set(kind, id, body).await {
            Ok(()) => {
                self.publish(&*keeper, kind, id, body).await;
                Ok(())
            }
            Err(_) => Err(ResourceError::Saving { kind: kind.to_owned(), id: id.to_owned() }),
        }
    }

    /// Deletes a resource of the provider that has it; of the named one, if one is.
    ///
    /// # Errors
    /// There is no such type, provider or resource, the provider does not delete it, or it can't be told whose it is.
    pub async fn delete(&self, kind: &str, id: &str, provider: Option<&str>) -> Result<(), ResourceError> {
        let providers = self.selected(kind, provider)?;
        let owners = Owners::ask(&providers, kind, id).await;
        let Some(owner) = owners.found.first() else {
            return Err(match owners.silent.is_empty() {
                true => ResourceError::NoOwner(id.to_owned()),
                false => owners.unknown(kind, id),
            });
        };
        match owner.delete(kind, id).await {
            Ok(()) => {
                self.publish(&**owner, kind, id, &Value::Null).await;
                Ok(())
            }
            Err(_) => Err(ResourceError::Deleting(id.to_owned())),
        }
    }

    /// Who a resource is to be written to: who has it, else who is named, else the default. Nobody, when nobody is named and the one who
    /// has it may be among those that can't say: a second copy elsewhere would hide it.
    async fn keeper(&self, kind: &str, id: &str, provider: Option<&str>) -> Result<Provider, ResourceError> {
        let providers = self.of(kind)?;
        let named = provider.map(|name| self.named(&providers, name)).transpose()?;
        let owners = Owners::ask(&providers, kind, id).await;
        let named_owner = named.as_ref().and_then(|named| owners.found.iter().find(|owner| owner.id() == named.id()));
        match named_owner.or(owners.found.first()).cloned().or(named) {
            Some(keeper) => Ok(keeper),
            None if owners.silent.is_empty() => self.default_of(kind, &providers),
            None => Err(owners.unknown(kind, id)),
        }
    }

    /// Who a new resource is to be written to.
    fn meant(&self, kind: &str, provider: Option<&str>) -> Result<Provider, ResourceError> {
        let providers = self.of(kind)?;
        match provider {
            Some(name) => self.named(&providers, name),
            None => self.default_of(kind, &providers),
        }
    }

    /// Tells the subscribers of `resources.<type>.<id>`.
    async fn publish(&self, provider: &dyn super::ResourceProvider, kind: &str, id: &str, value: &Value) {
        let path = format!("resources.{kind}.{id}");
        let source = match windlass_broker::Provider::new(provider.id()) {
            Ok(source) => source,
            Err(error) => return log::error!("the change of {path} is not published: {error}"),
        };
        let values = json!([{"path": path, "value": value}]);
        let delta = json!({"updates": [{"$source": provider.id(), "values": values}]}).to_string();
        let from = source.id.clone();
        let intake = Intake { self_context: self.0.own.clone(), provider: source, override_timestamps: false };
        let taken = intake.take(&delta, DeltaVersion::V2);
        for problem in taken.problems {
            log::warn!("the change of {path} is saved, but not published: {problem}");
        }
        let deltas: Vec<_> = taken.delta.into_iter().collect();
        let news = Publish { provider: from, origin: Origin::NONE, deltas };
        if !news.deltas.is_empty() && publish_and_settle(&self.0.broker, news).await.is_err() {
            log::error!("the broker has stopped; the change of {path} is not published");
        }
    }
}

/// The providers that have a resource.
struct Owners {
    found: Vec<Provider>,
    /// The ids of those that may have it, because they failed or did not answer. One that can't read single resources has none.
    silent: Vec<String>,
}

impl Owners {
    async fn ask(providers: &[Provider], kind: &str, id: &str) -> Self {
        let answers = join_all(providers.iter().map(|provider| provider.get(kind, id))).await;
        let mut owners = Self { found: Vec::new(), silent: Vec::new() };
        for (provider, answer) in providers.iter().zip(answers) {
            match answer {
                Ok(Some(_)) => owners.found.push(provider.clone()),
                Ok(None) | Err(ProviderError::Unsupported(_)) => {}
                Err(ProviderError::Refused(_) | ProviderError::Failed(_)) => {
                    owners.silent.push(provider.id().to_owned());
                }
            }
        }
        owners
    }

    /// Why nothing can be written when nobody was found.
    fn unknown(self, kind: &str, id: &str) -> ResourceError {
        ResourceError::OwnerUnknown { kind: kind.to_owned(), id: id.to_owned(), silent: self.silent }
    }
}
