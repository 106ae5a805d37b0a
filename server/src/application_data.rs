//! What web apps keep on the server: a JSON document for each application, version and user, or for all users (server-admin-api §12).
//!
//! The files are those of the reference: `global/<application>/<version>.json` and `users/<user>/<application>/<version>.json`. What
//! devices keep is in `devices/<id>/…`, and what is kept while security is off, when nobody has a name, in `anybody/…`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, CopyOperation, MoveOperation, Patch, PatchOperation};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use windlass_store::{Document, Loaded};

/// Longest id of an application, in characters, plus one.
const MAX_ID: usize = 30;
/// Largest document, in bytes of JSON.
const MAX_DOCUMENT: usize = 10 * 1024 * 1024;
/// Most applications of a user, and most versions of an application.
const MAX_ENTRIES: usize = 200;
/// Deepest document; what is much deeper could not be read back.
const MAX_DEPTH: usize = 100;
/// Bytes that the operations of one patch may copy or move.
const MAX_MOVED: usize = 2 * MAX_DOCUMENT;
/// Operations of one patch.
const MAX_OPERATIONS: usize = 1_000;
/// Bytes that one owner may keep, all documents together.
const MAX_OWNED: u64 = 50 * 1024 * 1024;
/// Keys that would harm clients in JavaScript (signalk-v1 §1.2).
const FORBIDDEN: [&str; 3] = ["__proto__", "constructor", "prototype"];
/// What stays as it is in the name of a user's folder.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'@').remove(b'.').remove(b' ').remove(b'+');

/// Whose data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// All users.
    Global,
    /// One user.
    User(String),
    /// One device. Its id may be the name of a user.
    Device(String),
    /// Whoever is there while security is off.
    Anybody,
}

/// Which document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    owner: Owner,
    application: String,
    version: String,
}

/// Why something is not kept, or not found.
#[derive(Debug, thiserror::Error)]
pub enum ApplicationDataError {
    /// An id of 30 characters or more, or one that is no file name.
    #[error("invalid application id")]
    Application,
    /// Something else than numbers with dots between them.
    #[error("invalid application version")]
    Version,
    /// A key that is not allowed, wherever in the document.
    #[error("invalid key {0}: it is not allowed in application data")]
    Key(String),
    /// The path leads through something that has no members.
    #[error("invalid path {0}: it leads through a value that has no such member")]
    Path(String),
    /// A document that is no object, or a patch that can't be applied.
    #[error("invalid application data: {0}")]
    Data(String),
    /// Too much of it.
    #[error("too much application data: {0}")]
    TooMuch(&'static str),
    /// The disk refuses, or the file is damaged.
    #[error("{path}: {reason}")]
    Storage {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

const TOO_DEEP: ApplicationDataError = ApplicationDataError::TooMuch("a document may be 100 levels deep");
const TOO_LARGE: ApplicationDataError = ApplicationDataError::TooMuch("a document may have 10 MiB");

type Result<T> = std::result::Result<T, ApplicationDataError>;

/// All of the application data. Every call waits for the disk.
#[derive(Debug)]
pub struct ApplicationData {
    root: PathBuf,
    /// Held while a document is read or changed: its last good version is put in its place when it is damaged.
    using: Mutex<()>,
}

impl Place {
    /// Checks the names.
    ///
    /// # Errors
    /// One of them is not allowed.
    pub fn new(owner: Owner, application: &str, version: &str) -> Result<Self> {
        check_application(application)?;
        let number = |part: &str| (1..=9).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if !version.split('.').all(number) || version.split('.').count() > 4 {
            return Err(ApplicationDataError::Version);
        }
        Ok(Self { owner, application: application.to_owned(), version: version.to_owned() })
    }
}

impl ApplicationData {
    /// Below a folder, which is made when there is something to keep.
    pub fn below(root: PathBuf) -> Self {
        Self { root, using: Mutex::default() }
    }

    /// A document, or a node of it; `None` when the node is not there. A document that nobody has kept is an empty object.
    ///
    /// # Errors
    /// The document is damaged, or can't be read.
    pub fn read(&self, place: &Place, path: &[String]) -> Result<Option<Value>> {
        let _using = self.lock();
        let mut node = load(&self.document(place))?.unwrap_or_else(|| Map::new().into());
        for segment in path {
            let child = match &mut node {
                Value::Object(object) => object.remove(segment),
                Value::Array(array) => segment.parse().ok().and_then(|at: usize| array.get_mut(at)).map(Value::take),
                _ => None,
            };
            match child {
                Some(child) => node = child,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }

    /// The versions of an application that have a document, in their order.
    ///
    /// # Errors
    /// The id is not allowed, or the folder can't be read.
    pub fn versions(&self, owner: &Owner, application: &str) -> Result<Vec<String>> {
        check_application(application)?;
        let folder = self.folder(owner).join(application);
        let names = entries(&folder).map_err(|error| storage(&folder, &error))?;
        let mut versions: Vec<_> = names
            .into_iter()
            .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
            .filter(|version| Place::new(owner.clone(), application, version).is_ok())
            .collect();
        let numbers = |version: &String| version.split('.').map(|part| part.parse().unwrap_or(0)).collect::<Vec<u64>>();
        versions.sort_by_cached_key(numbers);
        Ok(versions)
    }

    /// Keeps data: without a path, an object replaces the document and an array is a JSON Patch for it; with one, the node is set. When
    /// this returns, it survives a power cut.
    ///
    /// # Errors
    /// See [`ApplicationDataError`]; the document is as it was.
    pub fn write(&self, place: &Place, path: &[String], data: Value) -> Result<()> {
        check_keys(&data, path.iter().map(String::as_str))?;
        let _using = self.lock();
        let document = self.document(place);
        let replaces = path.is_empty() && data.is_object();
        let known = if replaces { None } else { load(&document)? };
        let mut content = known.unwrap_or_else(|| Map::new().into());
        match data {
            Value::Object(_) if path.is_empty() => content = data,
            Value::Array(_) if path.is_empty() => patch(&mut content, data)?,
            _ if path.is_empty() => {
                return Err(ApplicationDataError::Data(
                    "an object, or an array of patch operations, is expected".into(),
                ));
            }
            _ => set(&mut content, path, data)?,
        }
        let bytes = check_size(&content)?;
        self.check_owned(place, &document, bytes)?;
        self.make_room(place, &document)?;
        document.save(&content).map_err(|error| storage(document.path(), &error))
    }

    /// Whether the owner may keep so many bytes more, in the place of what the document has now.
    fn check_owned(&self, place: &Place, document: &Document, bytes: usize) -> Result<()> {
        let owner = self.folder(&place.owner);
        let mut owned = bytes as u64;
        for application in entries(&owner).map_err(|error| storage(&owner, &error))? {
            let folder = owner.join(application);
            for name in entries(&folder).map_err(|error| storage(&folder, &error))? {
                let file = folder.join(name);
                if file != document.path() {
                    owned += file.metadata().map_or(0, |file| file.len());
                }
            }
        }
        if owned > MAX_OWNED {
            return Err(ApplicationDataError::TooMuch("there are 50 MiB of this owner already"));
        }
        Ok(())
    }

    /// Makes the folder of a new document, if there may be one more.
    fn make_room(&self, place: &Place, document: &Document) -> Result<()> {
        if document.path().exists() {
            return Ok(());
        }
        let owner = self.folder(&place.owner);
        let folder = owner.join(&place.application);
        for (of, new, what) in [
            (&owner, &place.application, "there are 200 applications already"),
            (&folder, &format!("{}.json", place.version), "the application has 200 versions already"),
        ] {
            let names = entries(of).map_err(|error| storage(of, &error))?;
            if names.len() >= MAX_ENTRIES && !names.contains(new) {
                return Err(ApplicationDataError::TooMuch(what));
            }
        }
        windlass_store::create_directory(&folder).map_err(|error| storage(&folder, &error))
    }

    fn document(&self, place: &Place) -> Document {
        let folder = self.folder(&place.owner).join(&place.application);
        Document::private(folder.join(format!("{}.json", place.version)))
    }

    fn folder(&self, owner: &Owner) -> PathBuf {
        match owner {
            Owner::Global => self.root.join("global"),
            Owner::User(name) => self.root.join("users").join(folder_name(name)),
            Owner::Device(id) => self.root.join("devices").join(folder_name(id)),
            Owner::Anybody => self.root.join("anybody"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.using.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A user's name as the name of a folder: no two users share one, and none leads elsewhere.
fn folder_name(user: &str) -> String {
    let name = utf8_percent_encode(user, PLAIN).to_string();
    // Hidden names, and those that mean this folder or the one above.
    match name.strip_prefix('.') {
        Some(rest) => format!("%2E{rest}"),
        None if name.is_empty() => "%".to_owned(),
        None => name,
    }
}

fn check_application(id: &str) -> Result<()> {
    let good = !id.is_empty()
        && id.chars().count() < MAX_ID
        && !id.starts_with('.')
        && !id.chars().any(|c| matches!(c, '/' | '\\' | ':') || c.is_control())
        && !FORBIDDEN.contains(&id);
    if good { Ok(()) } else { Err(ApplicationDataError::Application) }
}

/// Looks for keys that are not allowed: in a path, in a document, and in the pointers of a patch.
fn check_keys<'a>(data: &Value, path: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut depth = 0;
    for segment in path {
        depth += 1;
        check_key(segment)?;
    }
    if depth > MAX_DEPTH {
        return Err(TOO_DEEP);
    }
    let mut rest = vec![data];
    while let Some(node) = rest.pop() {
        match node {
            Value::Object(object) => {
                for (key, child) in object {
                    check_key(key)?;
                    rest.push(child);
                }
            }
            Value::Array(array) => rest.extend(array),
            _ => {}
        }
    }
    Ok(())
}

fn check_key(key: &str) -> Result<()> {
    if FORBIDDEN.contains(&key) { Err(ApplicationDataError::Key(key.to_owned())) } else { Ok(()) }
}

/// About how many bytes of JSON a document is.
fn check_size(document: &Value) -> Result<usize> {
    match measure(document) {
        (bytes, _) if bytes > MAX_DOCUMENT => Err(TOO_LARGE),
        (_, depth) if depth > MAX_DEPTH => Err(TOO_DEEP),
        (bytes, _) => Ok(bytes),
    }
}

/// About how many bytes of JSON a value is, and how many levels deep. Without recursion, which a deep value would not survive.
fn measure(value: &Value) -> (usize, usize) {
    let (mut bytes, mut deepest) = (0, 0);
    let mut rest = vec![(value, 1)];
    while let Some((node, depth)) = rest.pop() {
        deepest = deepest.max(depth);
        bytes += match node {
            Value::String(text) => text.len() + 3,
            Value::Object(object) => {
                rest.extend(object.values().map(|child| (child, depth + 1)));
                object.keys().map(|key| key.len() + 3).sum::<usize>() + 2
            }
            Value::Array(array) => {
                rest.extend(array.iter().map(|child| (child, depth + 1)));
                2
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        };
    }
    (bytes, deepest)
}

/// Applies a JSON Patch, all of it or nothing. What is replaced may be absent, as with the reference: apps begin so.
fn patch(document: &mut Value, operations: Value) -> Result<()> {
    let unreadable = |error: serde_json::Error| ApplicationDataError::Data(format!("no JSON Patch: {error}"));
    let Patch(operations) = serde_json::from_value(operations).map_err(unreadable)?;
    if operations.len() > MAX_OPERATIONS {
        return Err(ApplicationDataError::TooMuch("a patch may have 1,000 operations"));
    }
    let mut patched = document.clone();
    let mut moved = 0;
    for operation in operations {
        let operation = match operation {
            PatchOperation::Replace(replace) if patched.pointer(replace.path.as_str()).is_none() => {
                PatchOperation::Add(AddOperation { path: replace.path, value: replace.value })
            }
            other => other,
        };
        for pointer in pointers(&operation) {
            let tokens: Vec<_> = pointer.tokens().map(|token| token.decoded().into_owned()).collect();
            check_keys(&Value::Null, tokens.iter().map(String::as_str))?;
        }
        // A few copies of a document into itself would fill the memory, or be too deep for the stack.
        if let PatchOperation::Copy(CopyOperation { from, path }) | PatchOperation::Move(MoveOperation { from, path }) =
            &operation
            && let Some(value) = patched.pointer(from.as_str())
        {
            let (bytes, depth) = measure(value);
            moved += bytes;
            if moved > MAX_MOVED {
                return Err(TOO_LARGE);
            }
            if depth + path.count() > MAX_DEPTH {
                return Err(TOO_DEEP);
            }
        }
        json_patch::patch(&mut patched, &[operation]).map_err(|error| ApplicationDataError::Data(error.to_string()))?;
    }
    if !patched.is_object() {
        return Err(ApplicationDataError::Data("the patch leaves something that is no object".into()));
    }
    *document = patched;
    Ok(())
}

fn pointers(operation: &PatchOperation) -> Vec<&PointerBuf> {
    match operation {
        PatchOperation::Add(add) => vec![&add.path],
        PatchOperation::Remove(remove) => vec![&remove.path],
        PatchOperation::Replace(replace) => vec![&replace.path],
        PatchOperation::Move(moved) => vec![&moved.from, &moved.path],
        PatchOperation::Copy(copy) => vec![&copy.from, &copy.path],
        PatchOperation::Test(test) => vec![&test.path],
    }
}

/// Sets a node; objects on the way to it are made.
fn set(document: &mut Value, path: &[String], data: Value) -> Result<()> {
    let no_way = || ApplicationDataError::Path(path.join("/"));
    let mut node = document;
    for segment in path {
        if node.is_null() {
            *node = Map::new().into();
        }
        node = match node {
            Value::Object(object) => object.entry(segment.as_str()).or_insert(Value::Null),
            Value::Array(array) => {
                let at: usize = segment.parse().map_err(|_| no_way())?;
                if at == array.len() {
                    array.push(Value::Null);
                }
                array.get_mut(at).ok_or_else(no_way)?
            }
            _ => return Err(no_way()),
        };
    }
    *node = data;
    Ok(())
}

fn load(document: &Document) -> Result<Option<Value>> {
    let is_object = |value: &Value| value.is_object().then_some(()).ok_or_else(|| "it is no JSON object".to_owned());
    match document.load(is_object).map_err(|error| storage(document.path(), &error))? {
        Loaded::Absent => Ok(None),
        Loaded::Good(value) => Ok(Some(value)),
        Loaded::Recovered(value, problem) => {
            log::error!("application data: {problem}");
            Ok(Some(value))
        }
        Loaded::Damaged(reason) => Err(ApplicationDataError::Storage { path: document.path().to_owned(), reason }),
    }
}

/// The names in a folder, without hidden ones; none when there is no folder.
fn entries(folder: &Path) -> io::Result<Vec<String>> {
    let listed = match std::fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in listed {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    Ok(names)
}

fn storage(path: &Path, error: &io::Error) -> ApplicationDataError {
    ApplicationDataError::Storage { path: path.to_owned(), reason: error.to_string() }
}

#[cfg(test)]
#[path = "application_data_tests.rs"]
mod tests;
