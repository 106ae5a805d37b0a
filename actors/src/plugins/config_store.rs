//! The configuration file of one plugin: read tolerantly, written so that a power cut leaves the old file or the new one (§6.1).

use std::fs::{self, DirBuilder, File};
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};
use windlass_store::Document;

use super::config::PluginConfig;
use crate::durable;

/// Directory below the configuration directory.
const DIRECTORY: &str = "plugin-config-data";
/// Longest id that a configuration is imported from, in bytes.
const LONGEST_NAME: usize = 200;
/// Broken files that are kept for one plugin.
const MAX_BAD_FILES: usize = 100;

/// Reads and writes `<config dir>/plugin-config-data/<id>.json`.
#[derive(Debug)]
pub struct ConfigStore {
    directory: PathBuf,
    id: String,
    /// Held while the file is read, changed and written.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    revision: Revision,
    /// The log has been told that the file is broken.
    complained: bool,
}

/// What was found on disk.
enum Content {
    Nothing,
    Config(PluginConfig),
    /// A file that is not a JSON object; why.
    Bad(String),
}

/// Counts what was saved, so that one can tell whether something has been read before or after.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision(u64);

/// Why a configuration could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Reading failed for another reason than that there is no file.
    #[error("cannot read {}: {reason}; correct the file's permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        reason: String,
    },
    /// The file of another id can't be used.
    #[error("{} is {reason}; repair it, or remove it if nobody needs it", path.display())]
    Bad {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Writing failed; the file is as it was.
    #[error("cannot write {}: {reason}; the earlier configuration is still there: free disk space or correct the permissions", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        reason: String,
    },
}

impl ConfigStore {
    /// The store of the plugin `id` below a configuration directory.
    pub fn new(config_dir: &Path, id: &str) -> Self {
        Self { directory: config_dir.join(DIRECTORY), id: id.to_owned(), state: Mutex::default() }
    }

    /// The configuration file.
    pub fn file(&self) -> PathBuf {
        self.directory.join(format!("{}.json", self.id))
    }

    /// The plugin's own directory; it exists only once the plugin has run with storage (§6.3).
    pub fn vfs_root(&self) -> PathBuf {
        self.directory.join(&self.id).join("vfs")
    }

    /// What is saved; `None` when nothing is. In the place of a file that is not a JSON object its last good version counts, if there is one; the file
    /// becomes `<file>.bad` when another takes its place. A
    /// file at the nested place of early releases, `<id>/<id>.json`, is copied here when it is the only one.
    ///
    /// # Errors
    /// The file exists but can't be read.
    pub fn load(&self) -> Result<Option<PluginConfig>, ConfigError> {
        self.load_revision().1
    }

    /// The same, with the revision that it is.
    pub fn load_revision(&self) -> (Revision, Result<Option<PluginConfig>, ConfigError>) {
        let mut state = self.lock();
        let loaded = match self.read() {
            Ok(Content::Config(config)) => Ok(Some(config)),
            Ok(Content::Nothing) => Ok(None),
            Ok(Content::Bad(reason)) => {
                // It may just be half written by somebody's editor, so it is left in its place.
                let earlier = self.earlier();
                if !mem::replace(&mut state.complained, true) {
                    self.complain(&reason, earlier.is_some());
                }
                return (state.revision, Ok(earlier));
            }
            Err(error) => Err(error),
        };
        state.complained = false;
        (state.revision, loaded)
    }

    /// Changes what is saved; `change` gets an empty configuration when nothing is. Returns what is saved now, and its revision.
    ///
    /// # Errors
    /// The file can't be read or written; what was saved before is still there.
    pub fn update(
        &self,
        change: impl FnOnce(PluginConfig) -> PluginConfig,
    ) -> Result<(PluginConfig, Revision), ConfigError> {
        let mut state = self.lock();
        let saved = match self.read()? {
            Content::Config(config) => config,
            Content::Nothing => PluginConfig::default(),
            Content::Bad(reason) => {
                let earlier = self.earlier();
                self.complain(&reason, earlier.is_some());
                self.keep_as_bad()?;
                earlier.unwrap_or_default()
            }
        };
        let changed = change(saved);
        self.write(&changed)?;
        state.revision.0 += 1;
        Ok((changed, state.revision))
    }

    /// Copies the configuration that is kept under another id, when there is none under this one, not even a broken one. True when that
    /// was done. `other` may be anything: it is nothing unless it is a plain file name, and links are not followed.
    ///
    /// # Errors
    /// A file can't be read or written.
    pub(super) fn import(&self, other: &str) -> Result<bool, ConfigError> {
        let mut state = self.lock();
        let has_own = self.file().symlink_metadata().is_ok() || !matches!(self.read()?, Content::Nothing);
        if has_own || !is_file_name(other) {
            return Ok(false);
        }
        let file = self.directory.join(format!("{other}.json"));
        if !file.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Ok(false);
        }
        let Some(text) = read_if_present(&file)? else { return Ok(false) };
        match parse(&text) {
            Ok(config) => self.write(&config)?,
            Err(reason) => {
                return Err(ConfigError::Bad { path: file, reason });
            }
        }
        state.revision.0 += 1;
        Ok(true)
    }

    fn read(&self) -> Result<Content, ConfigError> {
        if let Some(text) = read_if_present(&self.file())? {
            return Ok(match parse(&text) {
                Ok(config) => {
                    self.document().keep_as_good(&text);
                    Content::Config(config)
                }
                Err(reason) => Content::Bad(reason),
            });
        }
        let nested = self.directory.join(&self.id).join(format!("{}.json", self.id));
        let Some(text) = read_if_present(&nested)? else { return Ok(Content::Nothing) };
        match parse(&text) {
            Ok(config) => {
                self.write(&config)?;
                log::info!("{}: configuration taken over from {}", self.id, nested.display());
                Ok(Content::Config(config))
            }
            Err(reason) => Ok(Content::Bad(format!("{reason}, at its early place {}", nested.display()))),
        }
    }

    fn document(&self) -> Document {
        Document::new(self.file())
    }

    /// The last good version of a file that is none.
    fn earlier(&self) -> Option<PluginConfig> {
        parse(&self.document().last_good_version()?).ok()
    }

    fn complain(&self, reason: &str, has_earlier: bool) {
        let instead = if has_earlier { "its last good version is used" } else { "the plugin counts as not configured" };
        log::error!(
            "{}: the configuration {} is {reason}; {instead}. Repair the file, or configure the plugin anew, which keeps this file as \
             {0}.json.bad",
            self.id,
            self.file().display()
        );
    }

    /// Moves a file that is about to be replaced, and that nobody could read, out of the way.
    fn keep_as_bad(&self) -> Result<(), ConfigError> {
        let name = |n: usize| match n {
            1 => self.directory.join(format!("{}.json.bad", self.id)),
            n => self.directory.join(format!("{}.json.bad{n}", self.id)),
        };
        let file = self.file();
        let bad = (1..MAX_BAD_FILES).map(name).find(|bad| !bad.exists()).unwrap_or_else(|| name(MAX_BAD_FILES));
        match fs::rename(&file, &bad) {
            Ok(()) => {
                log::warn!("{}: the broken configuration is kept as {}", self.id, bad.display());
                Ok(())
            }
            // It was at its early place, where it stays.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(ConfigError::Write { path: bad, reason: error.to_string() }),
        }
    }

    fn write(&self, config: &PluginConfig) -> Result<(), ConfigError> {
        let file = self.file();
        self.replace(&file, config).map_err(|error| ConfigError::Write { path: file, reason: error.to_string() })
    }

    fn replace(&self, file: &Path, config: &PluginConfig) -> io::Result<()> {
        if !self.directory.is_dir() {
            private_directory(&self.directory)?;
            if let Some(parent) = self.directory.parent() {
                File::open(parent)?.sync_all()?;
            }
        }
        let text = serde_json::to_vec_pretty(config.as_object())?;
        durable::write(file, &text)?;
        self.document().keep_as_good(&text);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // It protects the file, which is whole at any instant.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a name leads to a file in a directory, and nowhere else, on any system.
pub(super) fn is_file_name(name: &str) -> bool {
    let is_plain = |c: char| !c.is_control() && !r#"/\:*?"<>|"#.contains(c);
    (1..=LONGEST_NAME).contains(&name.len()) && !name.starts_with('.') && name.chars().all(is_plain)
}

fn private_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn read_if_present(path: &Path) -> Result<Option<Vec<u8>>, ConfigError> {
    match fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(ConfigError::Read { path: path.to_owned(), reason: error.to_string() }),
    }
}

fn parse(text: &[u8]) -> Result<PluginConfig, String> {
    match serde_json::from_slice::<Value>(text) {
        Ok(Value::Object(object)) => Ok(PluginConfig::new(object)),
        Ok(_) => Err("not a JSON object".to_owned()),
        Err(error) => Err(format!("not valid JSON ({error})")),
    }
}

impl From<Map<String, Value>> for PluginConfig {
    fn from(object: Map<String, Value>) -> Self {
        Self::new(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(config_dir: &Path) -> ConfigStore {
        ConfigStore::new(config_dir, "_a_b")
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).expect("a directory");
        let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
        let mut names: Vec<_> = names.filter(|name| name != ".last-good").collect();
        names.sort();
        names
    }

    #[test]
    fn the_file_is_two_space_json_that_only_the_owner_reads() {
        // ABI-16
        let directory = tempfile::tempdir().expect("a directory");
        let store = saved(directory.path());
        assert_eq!(store.load(), Ok(None));
        store.update(|_| PluginConfig::enabled_unconfigured()).expect("saved");
        let text = fs::read_to_string(directory.path().join("plugin-config-data/_a_b.json")).expect("the file");
        assert_eq!(text, "{\n  \"configuration\": {},\n  \"enabled\": true,\n  \"enableDebug\": false\n}");
        assert_eq!(names(&directory.path().join("plugin-config-data")), ["_a_b.json"], "no temporary file stays");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(store.file()).expect("the file").permissions().mode();
            assert_eq!(mode & 0o077, 0, "{mode:o}");
        }
    }

    #[test]
    fn a_file_that_can_not_be_written_leaves_the_old_one() {
        // ABI-23
        let directory = tempfile::tempdir().expect("a directory");
        let store = saved(directory.path());
        // A directory in the file's place: the rename fails as it would on a failing disk.
        fs::create_dir_all(store.file().join("x")).expect("a directory");
        let error = store.write(&PluginConfig::enabled_unconfigured()).expect_err("not writable");
        assert!(error.to_string().contains("_a_b.json"), "{error}");
        assert_eq!(names(&directory.path().join("plugin-config-data")), ["_a_b.json"], "the temporary file is removed");
    }

    #[test]
    fn a_bad_file_is_kept_aside() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = saved(directory.path());
        fs::create_dir_all(directory.path().join("plugin-config-data")).expect("a directory");
        for (bad, earlier) in [("{\"enabled\":tr", None), ("[]", Some(PluginConfig::enabled_unconfigured()))] {
            fs::write(store.file(), bad).expect("written");
            assert_eq!(store.load(), Ok(earlier.clone()), "{bad}");
            assert_eq!(fs::read_to_string(store.file()).expect("still there"), bad);
            let before = |config| {
                assert_eq!(config, earlier.clone().unwrap_or_default(), "what is not changed is not lost");
                PluginConfig::enabled_unconfigured()
            };
            store.update(before).expect("saved");
        }
        let names = names(&directory.path().join("plugin-config-data"));
        assert_eq!(names, ["_a_b.json", "_a_b.json.bad", "_a_b.json.bad2"]);
    }

    #[test]
    fn what_was_good_once_is_used_while_the_file_is_not() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = saved(directory.path());
        fs::create_dir_all(directory.path().join("plugin-config-data")).expect("a directory");
        fs::write(store.file(), r#"{"enabled":true,"x":1}"#).expect("an edit by hand");
        let good = store.load().expect("readable").expect("a configuration");
        for damage in ["", "{\"enabled\":", "\0\0\0"] {
            fs::write(store.file(), damage).expect("written");
            assert_eq!(store.load(), Ok(Some(good.clone())), "{damage:?}");
        }
        fs::remove_file(store.file()).expect("removed");
        assert_eq!(store.load(), Ok(None), "whoever removes it means it");
    }

    #[test]
    fn a_nested_file_is_taken_over_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = saved(directory.path());
        let nested = directory.path().join("plugin-config-data/_a_b/_a_b.json");
        fs::create_dir_all(nested.parent().expect("a directory")).expect("created");
        fs::write(&nested, r#"{"enabled":true,"x":1}"#).expect("written");
        let config = store.load().expect("readable").expect("taken over");
        assert_eq!((config.enabled(), &config.as_object()["x"]), (Some(true), &1.into()));
        assert!(store.file().is_file() && nested.is_file());
        fs::write(&nested, "{}").expect("written");
        assert_eq!(store.load().expect("readable"), Some(config));
    }

    #[test]
    fn a_configuration_of_another_id_is_copied_when_there_is_none() {
        let directory = tempfile::tempdir().expect("a directory");
        let (store, data) = (saved(directory.path()), directory.path().join("plugin-config-data"));
        fs::create_dir_all(data.join("nested")).expect("a directory");
        let former = r#"{"enabled":true,"configuration":{"radius":30},"x":1}"#;
        fs::write(data.join("former.json"), former).expect("written");
        fs::write(data.join("broken.json"), "{").expect("written");
        // What no name may lead to.
        for outside in
            [directory.path().join("security.json"), data.join("nested/inner.json"), data.join(".hidden.json")]
        {
            fs::write(outside, former).expect("written");
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(directory.path().join("security.json"), data.join("link.json")).expect("a link");
        let absolute = directory.path().join("security");
        for name in [
            "",
            ".",
            "..",
            "../security",
            "..\\security",
            "./former",
            "nested/inner",
            "nested/../former",
            "/former",
            ".hidden",
            "former\0",
            "link",
            "absent",
            "former.json",
            absolute.to_str().expect("UTF-8"),
            &"x".repeat(300),
        ] {
            assert_eq!(store.import(name), Ok(false), "{name:?}");
        }
        assert!(matches!(store.import("broken"), Err(ConfigError::Bad { .. })));
        assert!(!store.file().exists());
        assert_eq!(store.import("former"), Ok(true));
        assert_eq!(fs::read_to_string(data.join("former.json")).expect("kept"), former);
        let taken_over = store.load().expect("readable").expect("taken over");
        assert_eq!((taken_over.enabled(), &taken_over.as_object()["x"]), (Some(true), &1.into()));
        // Never again, neither over a configuration nor over a broken one.
        for own in ["{}", "{"] {
            fs::write(store.file(), own).expect("written");
            assert_eq!(store.import("former"), Ok(false), "{own}");
            assert_eq!(fs::read_to_string(store.file()).expect("still there"), own);
        }
    }
}
