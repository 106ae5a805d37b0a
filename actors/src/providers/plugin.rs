//! Asking a plugin that is a provider.

use std::time::Duration;

use serde_json::Value;

use super::failures::Failures;
use crate::plugins::{CallTarget, PluginCallError, PluginManager};

/// How long a provider may take. The plugin's own deadline for a call is shorter, but it may have other things to do first.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Why a provider did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It has no such function.
    #[error("the provider has no function {0}")]
    Unsupported(&'static str),
    /// It answered that it does not.
    #[error("{0}")]
    Refused(String),
    /// It does not run, crashed, did not answer in time, or answered something that makes no sense.
    #[error("{0}")]
    Failed(String),
}

/// One plugin in its role as a provider.
#[derive(Clone)]
pub(super) struct PluginProvider {
    pub plugins: PluginManager,
    pub failures: Failures,
    pub id: String,
}

impl PluginProvider {
    /// Calls an export; `None` when it answered nothing. Failures are counted, a missing export is not.
    pub async fn ask_text(&self, export: &'static str, request: &Value) -> Result<Option<String>, ProviderError> {
        self.call(export, CallTarget::Provider(export.to_owned()), request.to_string(), PATIENCE).await
    }

    /// The same, the answer read as JSON.
    pub async fn ask(&self, export: &'static str, request: &Value) -> Result<Option<Value>, ProviderError> {
        let text = self.ask_text(export, request).await?;
        self.read(export, text)
    }

    /// Calls an export that gets no request, and waits no longer than `patience`.
    pub async fn ask_list(&self, export: &'static str, patience: Duration) -> Result<Option<Value>, ProviderError> {
        let text = self.call(export, CallTarget::ProviderList(export.to_owned()), String::new(), patience).await?;
        self.read(export, text)
    }

    /// Counts something that only the asker can tell to be a failure.
    pub fn note(&self, export: &'static str, error: &ProviderError) {
        self.failures.note(&self.id, export, error);
    }

    async fn call(
        &self,
        export: &'static str,
        target: CallTarget,
        request: String,
        patience: Duration,
    ) -> Result<Option<String>, ProviderError> {
        let answer = self.plugins.call(&self.id, target, request, patience).await;
        answer.map(|text| text.filter(|text| !text.trim().is_empty())).map_err(|error| match error {
            PluginCallError::NoHandler(_) => ProviderError::Unsupported(export),
            error => {
                let error = ProviderError::Failed(error.to_string());
                self.note(export, &error);
                error
            }
        })
    }

    fn read(&self, export: &'static str, text: Option<String>) -> Result<Option<Value>, ProviderError> {
        let Some(text) = text else { return Ok(None) };
        serde_json::from_str(&text).map_err(|error| {
            let error = ProviderError::Failed(format!("its answer is no JSON: {error}"));
            self.note(export, &error);
            error
        })
    }
}

/// Whether an answer says that there is nothing: `null`, `{}`, or an object whose only key is `error` (wasm-plugin-abi §3.8).
pub(super) fn is_nothing(answer: &Value) -> bool {
    match answer {
        Value::Null => true,
        Value::Object(object) => object.keys().all(|key| key == "error"),
        _ => false,
    }
}

/// The text of an `error` in an answer.
pub(super) fn error_text(answer: &Value) -> Option<String> {
    match answer.get("error")? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
