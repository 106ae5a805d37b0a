//! Installing packages with npm.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use serde_json::Value;
use windlass_wasm_host::{PluginPackage, discover};

use super::output::plain;
use super::{ServerArguments, ToolError};

/// Installs packages into the configuration directory, where the server looks for them, and says what they ask for. npm is run as the user
/// has it set up (its registry, its proxy); scripts of packages never run, because a plugin's code belongs into the sandbox.
pub fn install(out: &mut dyn Write, server: &ServerArguments, packages: &[String]) -> Result<(), ToolError> {
    let directory = server.config_dir()?;
    fs::create_dir_all(&directory).map_err(|source| ToolError::File { path: directory.clone(), source })?;
    if let Some(option) = packages.iter().find(|package| package.starts_with('-')) {
        return Err(ToolError::Program(format!("{option:?} is no package")));
    }
    let modules = directory.join("node_modules");
    if let Some(package) = packages.iter().find(|package| is_local(package) && lies_in(Path::new(package), &modules)) {
        let modules = modules.display();
        return Err(ToolError::Program(format!(
            "{package} lies in {modules}, which npm manages: move it elsewhere first"
        )));
    }
    let placed = hand_placed(&directory, packages);
    if !placed.is_empty() {
        return Err(ToolError::HandPlaced { directory: modules, packages: placed });
    }
    let (before, entries_before) = (state(&directory), entries(&modules));
    let status = Command::new("npm")
        .args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--save", "--prefix"])
        .arg(&directory)
        .arg("--")
        .args(packages.iter().map(|package| absolute(package)))
        .stdin(Stdio::null())
        .status()
        .map_err(|error| ToolError::Program(format!("npm can't be run: {error}; install Node.js, which brings it")))?;
    if !status.success() {
        return Err(ToolError::Program(format!("npm ended with {status}; its messages are above")));
    }
    let (after, entries_after) = (state(&directory), entries(&modules));
    let vanished: Vec<_> = entries_before.difference(&entries_after).map(|name| plain(name)).collect();
    if !vanished.is_empty() {
        writeln!(out, "npm removed what nothing needs any more: {}", vanished.join(", "))?;
    }
    let changed: Vec<_> = after.iter().filter(|installed| !before.contains(installed)).collect();
    for installed in &changed {
        describe(out, &installed.package)?;
    }
    let is_new = |installed: &&&Installed| before.iter().all(|old| old.package.name != installed.package.name);
    if changed.is_empty() {
        writeln!(out, "No plugin was added or changed: what npm installed is no WASM plugin, or was there already.")?;
    } else if changed.iter().any(|installed| is_new(&installed)) {
        writeln!(out, "A running server finds new packages when it is started again.")?;
    }
    Ok(())
}

/// A package as it lies there, and when its module was made.
#[derive(Debug, PartialEq)]
struct Installed {
    package: PluginPackage,
    module: Option<(u64, SystemTime)>,
}

fn state(directory: &Path) -> Vec<Installed> {
    let packages = discover(&[directory.join("node_modules")]);
    let installed = packages.into_iter().map(|package| {
        let metadata = package.wasm_file.as_ref().and_then(|file| file.metadata().ok());
        Installed { package, module: metadata.and_then(|metadata| Some((metadata.len(), metadata.modified().ok()?))) }
    });
    installed.collect()
}

/// Packages that npm removes because it knows nothing of them: somebody put them there, or links to them. Those that are to be
/// installed are not among them.
fn hand_placed(directory: &Path, wanted: &[String]) -> Vec<String> {
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

/// A file's JSON; null when there is none, for npm then knows nothing either.
fn json(file: &Path) -> Value {
    fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

fn keys(value: &Value) -> impl Iterator<Item = &String> {
    value.as_object().into_iter().flatten().map(|(key, _)| key)
}

/// The names of the packages, or what looks like some, right below a `node_modules`.
fn entries(modules: &Path) -> BTreeSet<String> {
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

/// The name of a package that is to be installed; `None` for an archive, which only npm looks into.
fn package_name(package: &str) -> Option<String> {
    if is_local(package) {
        return Some(json(&Path::new(package).join("package.json"))["name"].as_str()?.to_owned());
    }
    // The `@` of a scope is no version's.
    let version = package.char_indices().skip(1).find(|(_, letter)| *letter == '@');
    Some(package[..version.map_or(package.len(), |(at, _)| at)].to_owned())
}

fn is_local(package: &str) -> bool {
    Path::new(package).exists() && (package.starts_with(['.', '/']) || package.ends_with(".tgz"))
}

/// Whether it is there itself; a link to elsewhere is not.
fn lies_in(path: &Path, folder: &Path) -> bool {
    matches!((path.canonicalize(), folder.canonicalize()), (Ok(path), Ok(folder)) if path.starts_with(&folder))
}

/// A folder or file as a path that npm understands from any directory. A name without a dot or slash in front is a package, also when
/// there is such a folder, as it is for npm.
fn absolute(package: &str) -> String {
    match is_local(package).then(|| Path::new(package).canonicalize()) {
        Some(Ok(path)) => path.display().to_string(),
        _ => package.to_owned(),
    }
}

fn describe(out: &mut dyn Write, package: &PluginPackage) -> Result<(), ToolError> {
    writeln!(out, "{} {} (id {})", plain(&package.name), plain(&package.version), plain(package.id.as_str()))?;
    if let Some(problem) = &package.problem {
        writeln!(out, "  can't run: {}", plain(&problem.to_string()))?;
        return Ok(());
    }
    let asked = match serde_json::to_value(&package.capabilities) {
        Ok(Value::Object(capabilities)) => capabilities
            .iter()
            .filter(|(name, value)| package.capabilities.grants(name) && !value.is_null())
            .map(|(name, value)| if *value == true { name.clone() } else { format!("{name} {value}") })
            .collect::<Vec<_>>()
            .join(", "),
        _ => String::new(),
    };
    writeln!(out, "  asks for: {}", if asked.is_empty() { "nothing".to_owned() } else { plain(&asked) })?;
    for warning in &package.capability_warnings {
        writeln!(out, "  note: {}", plain(&warning.to_string()))?;
    }
    writeln!(out, "  start it with: windlass plugin enable {}", plain(&package.name))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(folder: &Path, name: &str) {
        fs::create_dir_all(folder).expect("a directory");
        fs::write(folder.join("package.json"), json!({"name": name}).to_string()).expect("written");
    }

    #[test]
    fn packages_that_npm_would_remove_stop_the_installation() {
        let place = tempfile::tempdir().expect("a directory");
        let (config, source) = (place.path().join("config"), place.path().join("source"));
        let modules = config.join("node_modules");
        for name in ["named", "@scope/locked", "needed", "placed", "@scope/placed", ".bin"] {
            package(&modules.join(name), name);
        }
        fs::write(modules.join("a file"), "").expect("written");
        fs::write(config.join("package.json"), json!({"dependencies": {"named": "1"}}).to_string()).expect("written");
        let lock = json!({"packages": {"": {}, "node_modules/@scope/locked": {}, "node_modules/needed": {},
            "node_modules/needed/node_modules/placed": {}}});
        fs::write(modules.join(".package-lock.json"), lock.to_string()).expect("written");
        package(&source, "@me/linked");
        std::os::unix::fs::symlink(&source, modules.join("linked")).expect("a link");
        fs::create_dir(modules.join("@me")).expect("a directory");
        std::os::unix::fs::symlink(&source, modules.join("@me/linked")).expect("a link");

        let source = source.to_str().expect("UTF-8").to_owned();
        let server = ServerArguments { url: None, config_dir: Some(config.clone()) };
        let refused = install(&mut Vec::new(), &server, std::slice::from_ref(&source)).expect_err("refused");
        let ToolError::HandPlaced { packages, .. } = &refused else { panic!("{refused}") };
        assert_eq!(*packages, ["@scope/placed", "linked", "placed"], "the one to install may be there");
        assert!(refused.to_string().contains("windlass plugin install <folder>"), "{refused}");
        assert!(modules.join("placed/package.json").is_file());
        let inside = modules.join("placed").to_str().expect("UTF-8").to_owned();
        let refused = install(&mut Vec::new(), &server, &[inside]).expect_err("refused").to_string();
        assert!(refused.contains("move it elsewhere"), "{refused}");
        assert!(!lies_in(&modules.join("linked"), &modules), "a link to elsewhere");

        let wanted = ["@scope/placed@^1.2", "placed", "linked@2"].map(str::to_owned);
        assert_eq!(hand_placed(&config, &wanted), ["@me/linked"]);
        assert_eq!(hand_placed(&place.path().join("none"), &wanted), [""; 0]);
    }
}
