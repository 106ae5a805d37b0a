//! What is in `node_modules` of the configuration directory, as npm and the server see it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use serde_json::Value;
use windlass_wasm_host::{PluginPackage, discover};

use super::PackageError;

/// A plugin package as it lies there, and when its module was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Installed {
    /// The package.
    pub package: PluginPackage,
    /// Size and time of its module.
    pub module: Option<(u64, SystemTime)>,
}

/// The plugins that are installed in a configuration directory.
pub fn installed(directory: &Path) -> Vec<Installed> {
    let packages = discover(&[directory.join("node_modules")]);
    let installed = packages.into_iter().map(|package| {
        let metadata = package.wasm_file.as_ref().and_then(|file| file.metadata().ok());
        Installed { package, module: metadata.and_then(|metadata| Some((metadata.len(), metadata.modified().ok()?))) }
    });
    installed.collect()
}

/// Packages that npm removes because it knows nothing of them: somebody put them there, or links to them. Those that are to be
/// installed are not among them.
pub(super) fn hand_placed(directory: &Path, wanted: &[String]) -> Vec<String> {
    let modules = directory.join("node_modules");
    let mut known: BTreeSet<String> = wanted.iter().filter_map(|package| package_name(package)).collect();
    let named = json(&directory.join("package.json"));
    for list in ["dependencies", "devDependencies", "optionalDependencies"] {
        known.extend(keys(&named[list]).cloned());
    }
    for lock in [modules.join(".package-lock.json"), directory.join("package-lock.json")] {
        let lock = json(&lock);
        known.extend(keys(&lock["packages"]).filter_map(|path| Some(path.strip_prefix("node_modules/")?.to_owned())));
        // What the files of npm 6 have.
        known.extend(keys(&lock["dependencies"]).cloned());
    }
    entries(&modules).difference(&known).cloned().collect()
}

/// What `package.json` of the configuration directory says is to be there, and where from; nothing when it can't be read.
pub(super) fn dependencies(directory: &Path) -> Vec<(String, String)> {
    named(directory, "dependencies").unwrap_or_default()
}

/// The same of one of the lists in `package.json`, for whoever has to tell an empty list from one that nobody knows.
///
/// # Errors
/// The file is not there, can't be read, or is no description of a package.
pub(super) fn named(directory: &Path, list: &str) -> Result<Vec<(String, String)>, PackageError> {
    let path = directory.join("package.json");
    let unknown = |reason: String| PackageError::Unlisted { path: path.clone(), reason };
    let text = fs::read(&path).map_err(|error| unknown(error.to_string()))?;
    let description: Value = serde_json::from_slice(&text).map_err(|error| unknown(error.to_string()))?;
    let description = description.as_object().ok_or_else(|| unknown("it is no object".to_owned()))?;
    let named = match description.get(list) {
        // npm leaves out a list with nothing in it.
        None => return Ok(Vec::new()),
        Some(named) => named.as_object().ok_or_else(|| unknown(format!("{list} in it is no object")))?,
    };
    Ok(named.iter().filter_map(|(name, from)| Some((name.clone(), from.as_str()?.to_owned()))).collect())
}

/// A file's JSON; null when there is none, for npm then knows nothing either.
fn json(file: &Path) -> Value {
    fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

fn keys(value: &Value) -> impl Iterator<Item = &String> {
    value.as_object().into_iter().flatten().map(|(key, _)| key)
}

/// The names of the packages, or what looks like some, right below a `node_modules`.
pub fn entries(modules: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for name in folders(modules) {
        if name.starts_with('@') {
            found.extend(folders(&modules.join(&name)).map(|inner| format!("{name}/{inner}")));
        } else {
            found.insert(name);
        }
    }
    found
}

/// Folders, and links, which npm does not follow before it removes them.
fn folders(parent: &Path) -> impl Iterator<Item = String> + use<> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir() || kind.is_symlink()));
    folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).filter(|name| !name.starts_with('.'))
}

/// The name of a package that is to be installed; `None` for an archive, into which somebody else looks.
fn package_name(package: &str) -> Option<String> {
    if is_local(package) {
        return Some(json(&Path::new(package).join("package.json"))["name"].as_str()?.to_owned());
    }
    // The `@` of a scope is no version's.
    let version = package.char_indices().skip(1).find(|(_, letter)| *letter == '@');
    Some(package[..version.map_or(package.len(), |(at, _)| at)].to_owned())
}

pub(super) fn is_local(package: &str) -> bool {
    Path::new(package).exists() && (package.starts_with(['.', '/']) || is_archive(package))
}

/// Whether a name is that of a package's archive.
pub fn is_archive(package: &str) -> bool {
    package.ends_with(".tgz")
}

/// Whether it is there itself; a link to elsewhere is not.
pub(super) fn lies_in(path: &Path, folder: &Path) -> bool {
    matches!((path.canonicalize(), folder.canonicalize()), (Ok(path), Ok(folder)) if path.starts_with(&folder))
}

/// A folder or file as a path that npm understands from any directory. A name without a dot or slash in front is a package, also when
/// there is such a folder, as it is for npm.
pub(super) fn absolute(package: &str) -> String {
    match is_local(package).then(|| Path::new(package).canonicalize()) {
        Some(Ok(path)) => path.display().to_string(),
        _ => package.to_owned(),
    }
}
