//! A JSON file that people and the server write, and its last good version.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::durable;

/// Where the last good versions are, beside the files themselves.
const LAST_GOOD: &str = ".last-good";

/// A JSON file of the configuration directory.
///
/// Each version that was read or saved well is kept a second time, in the directory `.last-good` beside the file. When the file turns out
/// damaged at a later start, that version is used, and the damaged one is put aside as `<name>.damaged` for whoever edited it.
#[derive(Debug)]
pub struct Document {
    path: PathBuf,
    private: bool,
    /// Held while the file is changed: one change at a time.
    changing: Mutex<()>,
}

/// What there was to read.
#[derive(Debug, Clone, PartialEq)]
pub enum Loaded {
    /// No file, and no earlier version of it.
    Absent,
    /// The file.
    Good(Value),
    /// The file is damaged or gone; this is its last good version, and why the file is not used, in words for the log.
    Recovered(Value, String),
    /// The file is damaged and there is no other version. The words for the log say what is wrong and where the file is now.
    Damaged(String),
}

impl Loaded {
    /// The content, and what is to be said about it. Absent and damaged files have none.
    pub fn into_parts(self) -> (Option<Value>, Option<String>) {
        match self {
            Self::Absent => (None, None),
            Self::Good(value) => (Some(value), None),
            Self::Recovered(value, problem) => (Some(value), Some(problem)),
            Self::Damaged(problem) => (None, Some(problem)),
        }
    }
}

/// Why a change was not saved. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError<E> {
    /// What is on the disk can't be read, so that nothing can be kept of it.
    #[error("{path} is damaged ({reason}); correct the file, then try again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The disk refuses.
    #[error(
        "{path} can't be saved: {source}; make the configuration directory writable and see that the disk has room"
    )]
    Unsaved {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Whoever makes the change refuses.
    #[error(transparent)]
    Refused(E),
}

impl Document {
    /// A file with the permissions that it has; a new one is for its owner only.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), private: false, changing: Mutex::default() }
    }

    /// A file with secrets: for its owner only after each saving.
    pub fn private(path: impl Into<PathBuf>) -> Self {
        Self { private: true, ..Self::new(path) }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file at start. A damaged one is put aside, and its last good version takes its place.
    ///
    /// `check` says what is wrong with the content, if something is, beyond its being JSON.
    ///
    /// A disk that is full or can only be read prevents none of this: what can't be written is told, and the file stays as it is.
    ///
    /// # Errors
    /// The file is there but can't be read at all, such as for lack of permission.
    pub fn load(&self, check: impl Fn(&Value) -> Result<(), String>) -> io::Result<Loaded> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(directory) = self.path.parent() {
            durable::sweep(directory, &self.path);
        }
        let reason = match read(&self.path, &check)? {
            Content::Good(text, value) => {
                self.hide(&self.path);
                self.try_to_keep(&text);
                return Ok(Loaded::Good(value));
            }
            // A file that somebody has removed is meant to be gone: its earlier version is no reason to bring it back.
            Content::Absent => return Ok(Loaded::Absent),
            Content::Damaged(reason) => reason,
        };
        let earlier = match read(&self.last_good(), &check) {
            Ok(Content::Good(text, value)) => Some((text, value)),
            Ok(Content::Absent | Content::Damaged(_)) | Err(_) => None,
        };
        let name = self.path.display();
        let aside = with_suffix(&self.path, ".damaged");
        let copied = fs::copy(&self.path, &aside).map(|_| self.hide(&aside));
        let kept = match &copied {
            Ok(()) => format!("the damaged file is kept as {}", aside.display()),
            Err(error) => format!("the damaged file is left where it is, because it can't be copied ({error})"),
        };
        let Some((text, value)) = earlier else {
            return Ok(Loaded::Damaged(format!(
                "{name} is damaged ({reason}), and there is no earlier version of it; {kept}"
            )));
        };
        let restored = copied.and_then(|()| self.write(&self.path, &text)).err();
        let after = restored.map_or_else(String::new, |error| format!("; it couldn't be put in its place: {error}"));
        Ok(Loaded::Recovered(
            value,
            format!("{name} is damaged ({reason}); its last good version is used, {kept}{after}"),
        ))
    }

    /// Takes a file with secrets away from everybody else.
    fn hide(&self, path: &Path) {
        if self.private
            && let Err(error) = durable::hide(path)
        {
            log::warn!("{} has secrets, and others may read it: its mode can't be changed: {error}", path.display());
        }
    }

    /// Saves a new content. When this returns, it survives a power cut.
    ///
    /// # Errors
    /// The directory or the disk refuses; the file is as it was.
    pub fn save(&self, value: &Value) -> io::Result<()> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.save_locked(value)
    }

    /// Changes what is on the disk now: an absent file is an empty object. Nothing is written when `change` refuses or changes nothing.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub fn change<T, E>(&self, change: impl FnOnce(&mut Value) -> Result<T, E>) -> Result<T, ChangeError<E>> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let unsaved = |source| ChangeError::Unsaved { path: self.path.clone(), source };
        let before = match read(&self.path, &|_| Ok(())).map_err(unsaved)? {
            Content::Good(_, value) => value,
            Content::Absent => Value::Object(serde_json::Map::new()),
            Content::Damaged(reason) => return Err(ChangeError::Damaged { path: self.path.clone(), reason }),
        };
        let mut value = before.clone();
        let done = change(&mut value).map_err(ChangeError::Refused)?;
        if value != before {
            self.save_locked(&value).map_err(unsaved)?;
        }
        Ok(done)
    }

    /// Keeps a version that its owner has read or written itself, and found good.
    pub fn keep_as_good(&self, text: &[u8]) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.try_to_keep(text);
    }

    /// The last good version as it was read or saved, for whoever finds the file damaged.
    pub fn last_good_version(&self) -> Option<Vec<u8>> {
        fs::read(self.last_good()).ok()
    }

    fn save_locked(&self, value: &Value) -> io::Result<()> {
        let text = format!("{value:#}\n").into_bytes();
        self.write(&self.path, &text)?;
        // What counts is saved. Without the copy only a later damage of the file would cost more.
        self.try_to_keep(&text);
        Ok(())
    }

    fn try_to_keep(&self, text: &[u8]) {
        if let Err(error) = self.keep(text) {
            log::warn!("no second copy of {} could be kept: {error}", self.path.display());
        }
    }

    /// Keeps a good version beside the file.
    fn keep(&self, text: &[u8]) -> io::Result<()> {
        let copy = self.last_good();
        if fs::read(&copy).is_ok_and(|kept| kept == text) {
            return Ok(());
        }
        if let Some(directory) = copy.parent() {
            durable::create_directory(directory)?;
        }
        durable::write_private(&copy, text)
    }

    fn write(&self, path: &Path, text: &[u8]) -> io::Result<()> {
        if self.private { durable::write_private(path, text) } else { durable::write(path, text) }
    }

    fn last_good(&self) -> PathBuf {
        self.path.with_file_name(LAST_GOOD).join(self.path.file_name().unwrap_or_default())
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

enum Content {
    Absent,
    Good(Vec<u8>, Value),
    Damaged(String),
}

fn read(path: &Path, check: &impl Fn(&Value) -> Result<(), String>) -> io::Result<Content> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Content::Absent),
        Err(error) => return Err(error),
    };
    let checked = serde_json::from_slice(&text).map_err(|error| error.to_string());
    match checked.and_then(|value| check(&value).map(|()| value)) {
        Ok(value) => Ok(Content::Good(text, value)),
        Err(reason) => Ok(Content::Damaged(reason)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: &Value) -> Result<(), String> {
        value.is_object().then_some(()).ok_or_else(|| "it is no object".to_owned())
    }

    #[test]
    fn a_damaged_file_is_put_aside_and_the_last_good_version_used() {
        let directory = tempfile::tempdir().expect("a directory");
        let document = Document::new(directory.path().join("settings.json"));
        assert_eq!(document.load(object).expect("readable"), Loaded::Absent);
        document.save(&json!({"port": 1})).expect("saved");
        document
            .change(|value| {
                value["port"] = 2.into();
                Ok::<_, String>(())
            })
            .expect("changed");
        for damage in ["{\"port\": ", "", "[]", "\u{0}\u{0}\u{0}"] {
            fs::write(document.path(), damage).expect("a file");
            let refused = document.change(|_| Ok::<_, String>(()));
            assert!(damage == "[]" || matches!(refused, Err(ChangeError::Damaged { .. })), "{refused:?}");
            let Loaded::Recovered(value, said) = document.load(object).expect("readable") else {
                panic!("not recovered")
            };
            assert_eq!(value, json!({"port": 2}));
            assert!(said.contains("settings.json is damaged"), "{said}");
            let aside = directory.path().join("settings.json.damaged");
            assert_eq!(fs::read_to_string(aside).expect("kept"), damage);
            assert_eq!(document.load(object).expect("readable"), Loaded::Good(json!({"port": 2})), "it is whole again");
        }
    }

    #[test]
    fn without_an_earlier_version_the_damage_is_told() {
        let directory = tempfile::tempdir().expect("a directory");
        let document = Document::new(directory.path().join("security.json"));
        fs::write(document.path(), "{").expect("a file");
        let Loaded::Damaged(said) = document.load(object).expect("readable") else { panic!("not damaged") };
        assert!(said.contains("security.json.damaged"), "{said}");
        assert_eq!(fs::read_to_string(document.path()).expect("still there"), "{", "nothing is lost");
    }

    #[test]
    fn an_edit_by_hand_is_the_next_last_good_version() {
        let directory = tempfile::tempdir().expect("a directory");
        let document = Document::new(directory.path().join("x.json"));
        document.save(&json!({"a": 1})).expect("saved");
        fs::write(document.path(), r#"{"a": 3}"#).expect("a file");
        assert_eq!(document.load(object).expect("readable"), Loaded::Good(json!({"a": 3})));
        fs::write(document.path(), "?").expect("a file");
        assert!(
            matches!(document.load(object).expect("readable"), Loaded::Recovered(value, _) if value == json!({"a": 3}))
        );
        fs::remove_file(document.path()).expect("removed");
        assert_eq!(document.load(object).expect("readable"), Loaded::Absent, "whoever removes it means it");
    }

    #[test]
    fn a_disk_that_takes_nothing_prevents_no_start() {
        let directory = tempfile::tempdir().expect("a directory");
        let document = Document::new(directory.path().join("x.json"));
        fs::write(document.path(), r#"{"a": 1}"#).expect("a file");
        fs::write(directory.path().join(LAST_GOOD), "in the way").expect("a file");
        assert_eq!(document.load(object).expect("readable"), Loaded::Good(json!({"a": 1})));

        fs::remove_file(directory.path().join(LAST_GOOD)).expect("removed");
        assert_eq!(document.load(object).expect("readable"), Loaded::Good(json!({"a": 1})), "and is kept now");
        fs::create_dir(directory.path().join("x.json.damaged")).expect("a directory");
        fs::write(document.path(), "{").expect("a file");
        let Loaded::Recovered(value, said) = document.load(object).expect("readable") else { panic!("not recovered") };
        assert_eq!(value, json!({"a": 1}));
        assert!(said.contains("is left where it is"), "{said}");
        assert_eq!(fs::read_to_string(document.path()).expect("the file"), "{", "nothing is lost");
    }

    #[test]
    fn what_a_power_cut_left_behind_is_removed() {
        let directory = tempfile::tempdir().expect("a directory");
        let document = Document::new(directory.path().join("x.json"));
        document.save(&json!({"a": 1})).expect("saved");
        for name in [".x.json.Ab3dE9.tmp", ".y.json.Ab3dE9.tmp", ".x.json.mine.tmp.bak"] {
            fs::write(directory.path().join(name), "secret").expect("a file");
        }
        document.load(object).expect("readable");
        let left = |name: &str| directory.path().join(name).exists();
        assert!(!left(".x.json.Ab3dE9.tmp") && left(".y.json.Ab3dE9.tmp") && left(".x.json.mine.tmp.bak"));
    }

    #[test]
    fn a_refused_change_changes_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let document = Document::new(directory.path().join("x.json"));
        document.save(&json!({"a": 1})).expect("saved");
        let refused = document.change(|value| {
            value["a"] = 2.into();
            Err::<(), _>("no")
        });
        assert!(matches!(refused, Err(ChangeError::Refused("no"))));
        assert_eq!(document.load(object).expect("readable"), Loaded::Good(json!({"a": 1})));
    }

    #[cfg(unix)]
    #[test]
    fn secrets_are_for_their_owner() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("a directory");
        let document = Document::private(directory.path().join("security.json"));
        fs::write(document.path(), "{}").expect("a file");
        let open = || fs::set_permissions(document.path(), fs::Permissions::from_mode(0o644)).expect("changed");
        let mode = |path: &Path| fs::metadata(path).expect("the file").permissions().mode() & 0o777;
        open();
        document.load(object).expect("readable");
        assert_eq!(mode(document.path()), 0o600, "before anything is saved");
        open();
        document.save(&json!({"secretKey": "x"})).expect("saved");
        assert_eq!([mode(document.path()), mode(&document.last_good())], [0o600; 2]);
        fs::write(document.path(), "{").expect("a file");
        open();
        document.load(object).expect("readable");
        assert_eq!(mode(&with_suffix(document.path(), ".damaged")), 0o600);
    }
}
