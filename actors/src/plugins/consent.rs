//! What the operator has consented to: a plugin that asks for more after an upgrade is not started before they consent again.
//!
//! A plugin without a record may start, and is recorded then: it was enabled as it is. When records have been lost that can't be told any
//! more, so from then on a plugin without a record waits for consent.

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
    Read(Records),
    /// The file is there but can't be read; why.
    Broken(String),
}

/// What the file holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Records {
    /// An earlier file was lost: no record means no consent. No plugin id has a `*`.
    #[serde(rename = "*strict", default, skip_serializing_if = "std::ops::Not::not")]
    strict: bool,
    /// By plugin id.
    #[serde(flatten)]
    plugins: BTreeMap<String, Consent>,
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
         /skServer/plugins/{id}/@consent, or enable it with \"consent\": true); otherwise install the earlier version",
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
    /// The records were lost, and consent has not been given since.
    #[error(
        "it is not known any more what you agreed to for this plugin, because {FILE} was lost or damaged. If it may run with what it asks \
         for, give your consent (POST /skServer/plugins/{id}/@consent, or enable it with \"consent\": true)"
    )]
    Lost {
        /// The plugin.
        id: String,
    },
    /// What was consented to is not known any more.
    #[error(
        "{} can't be read: {reason}; repair it, or give your consent again (POST /skServer/plugins/{id}/@consent), which keeps the \
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
            Err(error) if error.kind() == io::ErrorKind::NotFound => State::Read(Records::default()),
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
            State::Read(records) => records.plugins.get(id).cloned(),
            State::Broken(_) => None,
        }
    }

    /// What a package asks for beyond what was consented to. Without a record that is nothing, or everything when records were lost.
    pub(super) fn missing(&self, package: &PluginPackage) -> Vec<String> {
        let consented = match &*self.lock() {
            State::Read(records) => match records.plugins.get(package.id.as_str()) {
                Some(consent) => consent.capabilities.clone(),
                None if records.strict => {
                    Capabilities { data_read: false, data_write: false, ..Capabilities::default() }
                }
                None => return Vec::new(),
            },
            State::Broken(_) => return Vec::new(),
        };
        consented.widened_by(&package.capabilities)
    }

    /// Whether a package that is enabled may start. Without a record it may, and is recorded: the operator enabled it as it is. Answered
    /// with what the operator should know when that can't be written.
    ///
    /// # Errors
    /// It asks for more than the record says, or the records can't be read or were lost.
    pub(super) fn admit(&self, package: &PluginPackage) -> Result<Option<String>, ConsentError> {
        let id = package.id.to_string();
        let (known, strict) = match &*self.lock() {
            State::Read(records) => (records.plugins.contains_key(&id), records.strict),
            State::Broken(reason) => {
                return Err(ConsentError::Broken { id, file: self.file.clone(), reason: reason.clone() });
            }
        };
        match known {
            true => match self.missing(package) {
                missing if missing.is_empty() => Ok(None),
                missing => Err(ConsentError::Missing { id, version: package.version.clone(), missing }),
            },
            false if strict => Err(ConsentError::Lost { id }),
            // A record that can't be written does not keep a plugin from its work; the next start tries again.
            false => Ok(self.give(package).err()),
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
        let mut records = match &*state {
            State::Read(records) => records.clone(),
            State::Broken(_) => {
                // A copy: should the new file fail, the broken one must stay, because none at all counts as a first start.
                fs::copy(&self.file, self.file.with_extension("json.bad")).map_err(refused)?;
                Records { strict: true, ..Records::default() }
            }
        };
        let capabilities = package.capabilities.clone();
        let consent = Consent { version: package.version.clone(), time: Timestamp::now().to_string(), capabilities };
        records.plugins.insert(package.id.to_string(), consent);
        let text = serde_json::to_vec_pretty(&records).map_err(|error| refused(error.into()))?;
        durable::write(&self.file, &text).map_err(refused)?;
        *state = State::Read(records);
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
        named("p", capabilities)
    }

    fn named(name: &str, capabilities: Value) -> PluginPackage {
        let directory = tempfile::tempdir().expect("a directory");
        let package = json!({"name": name, "version": "2.0.0", "keywords": ["signalk-wasm-plugin"], "wasmCapabilities": capabilities});
        fs::write(directory.path().join("package.json"), package.to_string()).expect("written");
        PluginPackage::read(directory.path(), name).expect("a plugin")
    }

    #[test]
    fn a_plugin_that_asks_for_more_needs_another_consent() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = package(json!({"putHandlers": true, "dataWrite": false}));
        let consents = Consents::open(directory.path());
        assert_eq!(consents.admit(&first), Ok(None), "an installation from before there were consents");
        let consents = Consents::open(directory.path());
        assert_eq!(consents.of("p").expect("recorded").capabilities, first.capabilities);
        assert_eq!(consents.admit(&package(json!({"dataWrite": false}))), Ok(None), "less is fine");
        let second = package(json!({"putHandlers": true, "resourceProvider": true}));
        let error = consents.admit(&second).expect_err("refused");
        let missing = vec!["dataWrite".to_owned(), "resourceProvider".to_owned()];
        assert_eq!(error, ConsentError::Missing { id: "p".into(), version: "2.0.0".into(), missing });
        assert!(error.to_string().contains("dataWrite, resourceProvider"), "{error}");
        consents.give(&second).expect("recorded");
        assert_eq!(Consents::open(directory.path()).admit(&second), Ok(None));
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
        assert_eq!(consents.admit(&package(json!({}))), Ok(None));
        assert_eq!(fs::read_to_string(directory.path().join("plugin-consents.json.bad")).expect("kept"), "{");
        // Whether there was consent for another one is not known any more, nor after another start.
        let other = named("other", json!({"putHandlers": true}));
        for consents in [consents, Consents::open(directory.path())] {
            assert_eq!(consents.admit(&other), Err(ConsentError::Lost { id: "other".into() }));
            assert_eq!(consents.missing(&other), ["dataRead", "dataWrite", "putHandlers"]);
        }
        let consents = Consents::open(directory.path());
        consents.give(&other).expect("recorded");
        assert_eq!((consents.admit(&other), consents.missing(&other)), (Ok(None), Vec::new()));
        let third = Consents::open(directory.path()).admit(&named("third", json!({})));
        assert!(matches!(third, Err(ConsentError::Lost { .. })), "{third:?}");
    }

    #[test]
    fn a_record_that_can_not_be_written_is_told() {
        let directory = tempfile::tempdir().expect("a directory");
        let consents = Consents::open(&directory.path().join("gone"));
        let problem = consents.admit(&package(json!({}))).expect("it may run").expect("a problem");
        assert!(problem.contains("can't be saved"), "{problem}");
        assert_eq!(consents.of("p"), None);
    }
}
