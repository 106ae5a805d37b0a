//! Changing metadata: `PUT` and `DELETE` of `…/meta` and `…/meta/<field>` (signalk-v1 §6.6).
//!
//! What is set is kept in `baseDeltas.json` and told to everybody at once as a metadata delta with `$source` `defaults`.

use std::sync::{Arc, OnceLock};

use actix::Addr;
use serde_json::{Map, Value, json};
use tokio::sync::{Mutex, Semaphore};
use windlass_broker::{
    Broker, DEFAULTS_SOURCE, DeltaVersion, Intake, Origin, Path, Provider, Publish, publish_and_settle,
};
use windlass_store::ChangeError;

use super::base_deltas::{BaseDeltas, BaseDeltasError, remove_metadata, set_metadata, stored_metadata};
use super::outcome::Outcome;
use crate::data_model::ModelView;
use crate::metadata::MetadataRegistry;
use crate::notifications::DEFAULT_METHOD;

/// Most changes that may wait for the disk.
const MAX_WAITING: usize = 64;
/// Longest metadata of a path, in bytes, and most fields of it: what the data model takes (signalk-v1 §3).
const MAX_BYTES: usize = 16 * 1024;
const MAX_FIELDS: usize = 100;

/// Which metadata a path is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// The path that the metadata is of.
    pub path: String,
    /// One field of it.
    pub field: Option<String>,
}

/// Says whether values may belong to a category, given their unit where it is known; the words are for whoever wants it.
pub type CategoryCheck = Box<dyn Fn(Option<&str>, &str) -> Result<(), String> + Send + Sync>;

/// Where metadata is changed.
pub(super) struct Metadata {
    /// Who knows the categories of `displayUnits`. Without it there are none to check.
    pub categories: OnceLock<CategoryCheck>,
    pub base_deltas: Arc<BaseDeltas>,
    pub broker: Addr<Broker>,
    pub view: ModelView,
    /// One change at a time: each is told as a whole, with those before it.
    changing: Mutex<()>,
    waiting: Arc<Semaphore>,
}

impl Target {
    /// `a.b.meta` and `a.b.meta.units`; `None` for every other path.
    pub fn of(path: &str) -> Option<Self> {
        let (before, last) = path.rsplit_once('.')?;
        if last == "meta" {
            return Some(Self { path: before.to_owned(), field: None });
        }
        let path = before.strip_suffix(".meta")?;
        Some(Self { path: path.to_owned(), field: Some(last.to_owned()) })
    }

    /// The fields that a PUT of `value` sets.
    ///
    /// # Errors
    /// The answer to what can't be set.
    pub fn changes(&self, value: Value) -> Result<Map<String, Value>, Outcome> {
        let bad = |message: &str| Outcome::completed(400, message);
        let mut changes = match (&self.field, value) {
            (Some(field), value) => Map::from_iter([(field.clone(), value)]),
            (None, Value::Object(fields)) => fields,
            (None, _) => return Err(bad("metadata is an object; PUT a single field at …/meta/<field>")),
        };
        // An empty list says as much as null, and null is what takes effect as "none".
        for value in changes.values_mut().filter(|value| value.as_array().is_some_and(Vec::is_empty)) {
            *value = Value::Null;
        }
        if Path::new(&self.path).is_err() {
            return Err(bad("the path is refused"));
        }
        let size: usize = changes.iter().map(|(field, value)| field.len() + value.to_string().len()).sum();
        if changes.len() > MAX_FIELDS || size > MAX_BYTES {
            return Err(bad(TOO_LARGE));
        }
        Ok(changes)
    }
}

impl Metadata {
    pub fn new(base_deltas: Arc<BaseDeltas>, broker: Addr<Broker>, view: ModelView) -> Self {
        let waiting = Arc::new(Semaphore::new(MAX_WAITING));
        Self { categories: OnceLock::new(), base_deltas, broker, view, changing: Mutex::new(()), waiting }
    }

    /// Checks the category of `displayUnits`, if it is to be changed (signalk-v1 §6.6).
    ///
    /// # Errors
    /// The answer to one that is not known, or is for values in another unit.
    pub fn check(&self, path: &str, changes: &Map<String, Value>) -> Result<(), Outcome> {
        let bad = |message: String| Outcome::completed(400, message);
        let shown = match changes.get("displayUnits") {
            None | Some(Value::Null) => return Ok(()),
            Some(Value::Object(shown)) => shown,
            Some(_) => return Err(bad("displayUnits is an object with a category".to_owned())),
        };
        let category = match shown.get("category") {
            None | Some(Value::Null) => return Ok(()),
            Some(Value::String(category)) => category,
            Some(_) => return Err(bad("displayUnits.category is the name of a category".to_owned())),
        };
        let Some(check) = self.categories.get() else { return Ok(()) };
        let known = self.view.metadata(path).unwrap_or_default();
        let units = changes.get("units").or_else(|| known.get("units")).and_then(Value::as_str);
        check(units, category).map_err(bad)
    }

    /// Saves fields of a path's metadata and tells everybody.
    pub async fn set(&self, path: &str, changes: Map<String, Value>) -> Outcome {
        let Ok(_place) = self.waiting.try_acquire() else { return busy() };
        let _changing = self.changing.lock().await;
        let of = path.to_owned();
        let saved = self.save(move |deltas| {
            let stored = set_metadata(deltas, &of, &changes);
            if stored.len() > MAX_FIELDS || Value::from(stored.clone()).to_string().len() > MAX_BYTES {
                return Err(Outcome::completed(400, TOO_LARGE));
            }
            Ok(stored)
        });
        match saved.await {
            Ok(stored) => self.tell(path, stored).await,
            Err(outcome) => outcome,
        }
    }

    /// Takes back what was set; a field of the built-in metadata has its old value again.
    pub async fn remove(&self, target: &Target) -> Outcome {
        let Ok(_place) = self.waiting.try_acquire() else { return busy() };
        let _changing = self.changing.lock().await;
        let Target { path, field } = target.clone();
        let saved = self.save(move |deltas| match remove_metadata(deltas, &path, field.as_deref()) {
            removed if removed.is_empty() => Err(Outcome::completed(404, "no such metadata was set")),
            removed => Ok((removed, stored_metadata(deltas, &path))),
        });
        match saved.await {
            Ok((removed, stored)) => {
                let builtin = MetadataRegistry::builtin().lookup(&target.path);
                let builtin = builtin.and_then(|meta| serde_json::to_value(meta).ok()).unwrap_or_default();
                let reverted = removed.into_iter().map(|field| {
                    let value = match &builtin[&field] {
                        // Null would mean: tell nobody.
                        Value::Null if field.ends_with("Method") => json!(DEFAULT_METHOD),
                        value => value.clone(),
                    };
                    (field, value)
                });
                self.tell(&target.path, reverted.chain(stored).collect()).await
            }
            Err(outcome) => outcome,
        }
    }

    async fn save<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Vec<Value>) -> Result<T, Outcome> + Send + 'static,
    ) -> Result<T, Outcome> {
        let base_deltas = self.base_deltas.clone();
        match tokio::task::spawn_blocking(move || base_deltas.change(|deltas| change(deltas).map_err(Refusal))).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(ChangeError::Refused(BaseDeltasError::Refused(Refusal(outcome))))) => Err(outcome),
            Ok(Err(error)) => Err(Outcome::completed(500, error.to_string())),
            Err(_) => Err(shutting_down()),
        }
    }

    /// Tells everybody all that is known of a path now. `latest` may be newer than what the data model has.
    async fn tell(&self, path: &str, latest: Map<String, Value>) -> Outcome {
        let mut meta = self.view.metadata(path).unwrap_or_default();
        meta.extend(latest);
        let delta = json!({"updates": [{"$source": DEFAULTS_SOURCE, "meta": [{"path": path, "value": meta}]}]});
        publish(&self.broker, &self.view, DEFAULTS_SOURCE, &delta).await
    }
}

/// Why a change of the file is refused, as the answer to its request.
#[derive(Debug, thiserror::Error)]
#[error("the change is refused")]
struct Refusal(Outcome);

const TOO_LARGE: &str = "the metadata is too large: at most 100 fields and 16 KiB are kept for a path";

fn busy() -> Outcome {
    Outcome::completed(503, "too many changes of metadata wait for the disk; try again")
}

pub(super) fn shutting_down() -> Outcome {
    Outcome::completed(503, "the server is shutting down")
}

/// Publishes a delta of the server's own. The outcome is that of the request that led to it.
pub(super) async fn publish(broker: &Addr<Broker>, view: &ModelView, provider: &str, delta: &Value) -> Outcome {
    let own = view.identity().context().clone();
    let provider = match Provider::new(provider) {
        Ok(provider) => provider,
        Err(error) => return Outcome::completed(500, error.to_string()),
    };
    let id = provider.id.clone();
    let intake = Intake { self_context: own, provider, override_timestamps: false };
    let taken = intake.take(&delta.to_string(), DeltaVersion::V1);
    let Some(delta) = taken.delta else {
        let problem = taken.problems.first().map_or_else(|| "nothing is left of it".to_owned(), ToString::to_string);
        return Outcome::completed(400, problem);
    };
    match publish_and_settle(broker, Publish { provider: id, origin: Origin::NONE, deltas: vec![delta] }).await {
        Ok(()) => Outcome::done(),
        Err(_) => shutting_down(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_says_which_metadata_is_meant() {
        // SK-114
        let target = |path: &str| Target::of(path).map(|target| (target.path, target.field));
        let whole = |path: &str| Some((path.to_owned(), None));
        let field = |path: &str, field: &str| Some((path.to_owned(), Some(field.to_owned())));
        for (path, expected) in [
            ("a.b.meta", whole("a.b")),
            ("a.meta", whole("a")),
            ("a.b.meta.units", field("a.b", "units")),
            ("a.meta.meta", whole("a.meta")),
            ("meta", None),
            ("a.b", None),
            ("a.metadata", None),
            ("a.meta.b.c", None),
            ("meta.a", None),
        ] {
            assert_eq!(target(path), expected, "{path}");
        }
    }

    #[test]
    fn only_objects_and_single_fields_are_set() {
        let whole = Target { path: "a.b".to_owned(), field: None };
        let field = Target { field: Some("zones".to_owned()), ..whole.clone() };
        assert_eq!(whole.changes(json!(5)).map_err(|outcome| outcome.status_code), Err(400));
        assert_eq!(whole.changes(json!({"a": "x".repeat(20_000)})).map_err(|outcome| outcome.status_code), Err(400));
        assert_eq!(
            whole.changes(json!({"units": "m", "zones": []})).map(Value::from),
            Ok(json!({"units": "m", "zones": null})),
            "an empty list means none"
        );
        assert_eq!(field.changes(json!([])).map(Value::from), Ok(json!({"zones": null})));
    }
}
