//! Installing packages with npm.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use windlass_wasm_host::{PluginPackage, discover};

use super::output::plain;
use super::{ServerArguments, ToolError};

/// Installs packages into the configuration directory, where the server looks for them, and says what they ask for. npm is run as the user
/// has it set up (its registry, its proxy); scripts of packages never run, because a plugin's code belongs into the sandbox.
pub fn install(out: &mut dyn Write, server: &ServerArguments, packages: &[String]) -> Result<(), ToolError> {
    let directory = server.config_dir()?;
    std::fs::create_dir_all(&directory).map_err(|source| ToolError::File { path: directory.clone(), source })?;
    if let Some(option) = packages.iter().find(|package| package.starts_with('-')) {
        return Err(ToolError::Program(format!("{option:?} is no package")));
    }
    let before = state(&directory);
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
    let after = state(&directory);
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

/// A folder or file as a path that npm understands from any directory. A name without a dot or slash in front is a package, also when
/// there is such a folder, as it is for npm.
fn absolute(package: &str) -> String {
    let path = Path::new(package);
    let is_local = path.exists() && (package.starts_with(['.', '/']) || package.ends_with(".tgz"));
    match is_local.then(|| path.canonicalize()) {
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
        Ok(serde_json::Value::Object(capabilities)) => capabilities
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
