//! Finding plugin packages (ABI specification §1.1).

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use crate::{PackageProblem, PluginId, PluginPackage};

/// Finds the plugin packages below `roots`, sorted by name with `@signalk/…` first.
///
/// Each root is a `node_modules` directory; the first is the user's, packages of the later ones are
/// [`bundled`](PluginPackage::bundled). A package present in several roots is taken from the first. A root that does not
/// exist has no packages. Packages that cannot run are listed with a problem; of two packages deriving the same id the
/// one that comes first in the list is kept usable.
pub fn discover(roots: &[PathBuf]) -> Vec<PluginPackage> {
    let mut found: Vec<PluginPackage> = Vec::new();
    let mut scanned = HashSet::new();
    let mut names = HashSet::new();
    for (index, root) in roots.iter().enumerate() {
        if !scanned.insert(root.canonicalize().unwrap_or_else(|_| root.clone())) {
            continue;
        }
        for (directory, name) in package_directories(root) {
            if let Some(mut package) = PluginPackage::read(&directory, &name)
                && names.insert(name)
            {
                package.bundled = index > 0;
                found.push(package);
            }
        }
    }
    found.sort_by_cached_key(|package| package.name.replace("@signalk", " ").to_lowercase());
    refuse_duplicate_ids(&mut found);
    found
}

/// The directories of `root` that may be packages, with the package name their place implies.
fn package_directories(root: &Path) -> Vec<(PathBuf, String)> {
    let mut directories = Vec::new();
    for (path, name) in entries(root) {
        if name.starts_with('@') {
            directories.extend(entries(&path).map(|(path, inner)| (path, format!("{name}/{inner}"))));
        } else {
            directories.push((path, name));
        }
    }
    directories
}

/// The subdirectories of `directory`, links followed, hidden ones left out.
fn entries(directory: &Path) -> impl Iterator<Item = (PathBuf, String)> {
    std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.path(), entry.file_name().into_string().ok()?)))
        .filter(|(path, name)| !name.starts_with('.') && path.is_dir())
}

fn refuse_duplicate_ids(packages: &mut [PluginPackage]) {
    let mut owners: HashMap<PluginId, String> = HashMap::new();
    for package in packages {
        match owners.get(&package.id) {
            Some(owner) => {
                package.problem = Some(PackageProblem::DuplicateId { id: package.id.clone(), taken_by: owner.clone() });
                package.wasm_file = None;
            }
            None => {
                owners.insert(package.id.clone(), package.name.clone());
            }
        }
    }
}
