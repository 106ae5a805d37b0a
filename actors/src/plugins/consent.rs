//! What the operator has consented to: a plugin that asks for more after an upgrade is not started before they consent again.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use windlass_broker::Timestamp;
use windlass_wasm_host::{Capabilities, PluginPackage};

use crate::durable;

/// The file in the configuration directory.
const FILE: &str = "plugin-consents.json";

/// The consents of all plugins, in `<config dir>/plugin-consents.json`.
#[derive(Debug)]
pub(super) struct Consents {
    file: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Read(BTreeMap<String, Consent>),
    /// The file is there but can't be read; why.
    Broken(String),
}

/// What was consented to for one plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Consent {
    /// The version of the package at that time.
    pub version: String,
    /// When.
    pub time: String,
    /// The capabilities that it was given.
    pub capabilities: Capabilities,
}

/// Why a plugin may not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ConsentError {
    /// It asks for more than was consented to.
    #[error(
        "version {version} of the plugin asks for more than you agreed to: {}. If that is what you want, give your consent (POST \
         /skServer/plugins/{id}/consent, or enable it with \"consent\": true); otherwise install the earlier version",
        .missing.join(", ")
    )]
    Missing {
        /// The plugin.
        id: String,
        /// The version that asks.
        version: String,
        /// Names of capabilities.
        missing: Vec<String>,
    },
    /// What was consented to is not known any more.
    #[error(
        "{} can't be read: {reason}; repair it, or give your consent again (POST /skServer/plugins/{id}/consent), which keeps the \
         broken file as {FILE}.bad",
        file.display()
    )]
    Broken {
        /// The plugin.
        id: String,
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
}

impl Consents {
    /// Reads the file; it need not exist.
    pub(super) fn open(config_dir: &Path) -> Self {
        let file = config_dir.join(FILE);
        let state = match fs::read(&file) {
            Ok(text) => match serde_json::from_slice(&text) {
                Ok(consents) => State::Read(consents),
                Err(error) => State::Broken(error.to_string()),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => State::Read(BTreeMap::new()),
            Err(error) => State::Broken(error.to_string()),
        };
        if let State::Broken(reason) = &state {
            log::error!(
                "{} can't be read: {reason}. No plugin is started until it is repaired or consent is given anew",
                file.display()
            );
        }
        Self { file, state: Mutex::new(state) }
    }

    /// What was consented to for a plugin.
    pub(super) fn of(&self, id: &str) -> Option<Consent> {
        match &*self.lock() {
            State::Read(consents) => consents.get(id).cloned(),
            State::Broken(_) => None,
        }
    }

    /// What a package asks for beyond what was consented to; nothing without a record.
    pub(super) fn missing(&self, package: &PluginPackage) -> Vec<String> {
        let consent = self.of(package.id.as_str());
        consent.map(|consent| consent.capabilities.widened_by(&package.capabilities)).unwrap_or_default()
    }

    /// Whether a package that is enabled may start. Without a record it may, and is recorded: the operator enabled it as it is.
    ///
    /// # Errors
    /// It asks for more than the record says, or the records can't be read.
    pub(super) fn admit(&self, package: &PluginPackage) -> Result<(), ConsentError> {
        let id = package.id.as_str();
        if let State::Broken(reason) = &*self.lock() {
            return Err(ConsentError::Broken { id: id.to_owned(), file: self.file.clone(), reason: reason.clone() });
        }
        if self.of(id).is_none() {
            // A record that can't be written does not keep a plugin from its work; the next start tries again.
            if let Err(error) = self.give(package) {
                log::error!("plugin {id}: {error}");
            }
            return Ok(());
        }
        match self.missing(package) {
            missing if missing.is_empty() => Ok(()),
            missing => Err(ConsentError::Missing { id: id.to_owned(), version: package.version.clone(), missing }),
        }
    }

    /// Records that the operator agrees to what a package asks for.
    ///
    /// # Errors
    /// The file can't be written, in words; nothing is recorded then.
    pub(super) fn give(&self, package: &PluginPackage) -> Result<(), String> {
        let refused = |error: io::Error| {
            format!(
                "your consent can't be saved in {}: {error}; free disk space or correct the permissions",
                self.file.display()
            )
        };
        let mut state = self.lock();
        let mut consents = match &*state {
            State::Read(consents) => consents.clone(),
            State::Broken(_) => {
                fs::rename(&self.file, self.file.with_extension("json.bad")).map_err(refused)?;
                BTreeMap::new()
            }
        };
        let capabilities = package.capabilities.clone();
        let consent = Consent { version: package.version.clone(), time: Timestamp::now().to_string(), capabilities };
        consents.insert(package.id.to_string(), consent);
        let text = serde_json::to_vec_pretty(&consents).map_err(|error| refused(error.into()))?;
        durable::write(&self.file, &text).map_err(refused)?;
        *state = State::Read(consents);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Assigned in one step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn package(capabilities: Value) -> PluginPackage {
        let directory = tempfile::tempdir().expect("a directory");
        let package = json!({"name": "p", "version": "2.0.0", "keywords": ["signalk-wasm-plugin"], "wasmCapabilities": capabilities});
        fs::write(directory.path().join("package.json"), package.to_string()).expect("written");
        PluginPackage::read(directory.path(), "p").expect("a plugin")
    }

    #[test]
    fn a_plugin_that_asks_for_more_needs_another_consent() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = package(json!({"putHandlers": true, "dataWrite": false}));
        let consents = Consents::open(directory.path());
        assert_eq!(consents.admit(&first), Ok(()), "an installation from before there were consents");
        let consents = Consents::open(directory.path());
        assert_eq!(consents.of("p").expect("recorded").capabilities, first.capabilities);
        assert_eq!(consents.admit(&package(json!({"dataWrite": false}))), Ok(()), "less is fine");
        let second = package(json!({"putHandlers": true, "resourceProvider": true}));
        let error = consents.admit(&second).expect_err("refused");
        let missing = vec!["dataWrite".to_owned(), "resourceProvider".to_owned()];
        assert_eq!(error, ConsentError::Missing { id: "p".into(), version: "2.0.0".into(), missing });
        assert!(error.to_string().contains("dataWrite, resourceProvider"), "{error}");
        consents.give(&second).expect("recorded");
        assert_eq!(Consents::open(directory.path()).admit(&second), Ok(()));
    }

    #[test]
    fn a_broken_file_is_not_taken_for_consent() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join(FILE);
        fs::write(&file, "{").expect("written");
        let consents = Consents::open(directory.path());
        assert!(matches!(consents.admit(&package(json!({}))), Err(ConsentError::Broken { .. })));
        assert_eq!(fs::read_to_string(&file).expect("the file"), "{");
        consents.give(&package(json!({}))).expect("recorded");
        assert_eq!(consents.admit(&package(json!({}))), Ok(()));
        assert_eq!(fs::read_to_string(directory.path().join("plugin-consents.json.bad")).expect("kept"), "{");
    }
}
