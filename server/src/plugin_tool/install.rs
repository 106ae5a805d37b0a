//! Installing packages with npm.

use std::io::Write;

use serde_json::{Value, json};
use windlass_wasm_host::PluginPackage;

use super::output::plain;
use super::remote::Remote;
use super::{ServerArguments, ToolError};
use crate::packages::{Installed, Npm, PackageError, entries, installed};

/// Installs packages into the configuration directory, where the server looks for them, and says what they ask for. npm is run as the user
/// has it set up (its registry, its proxy); scripts of packages never run, because a plugin's code belongs into the sandbox.
pub fn install(out: &mut dyn Write, server: &ServerArguments, packages: &[String]) -> Result<(), ToolError> {
    let npm = Npm::of(&server.config_dir()?);
    let mut command = npm.install(packages)?;
    let (before, entries_before) = (installed(npm.directory()), entries(&npm.modules()));
    let status = command.status().map_err(PackageError::NoNpm)?;
    if !status.success() {
        return Err(ToolError::Program(format!("npm ended with {status}; its messages are above")));
    }
    let (after, entries_after) = (installed(npm.directory()), entries(&npm.modules()));
    let vanished: Vec<_> = entries_before.difference(&entries_after).map(|name| plain(name)).collect();
    if !vanished.is_empty() {
        writeln!(out, "npm removed what nothing needs any more: {}", vanished.join(", "))?;
    }
    let changed: Vec<_> = after.iter().filter(|installed| !before.contains(installed)).collect();
    for installed in &changed {
        describe(out, &installed.package)?;
    }
    if changed.is_empty() {
        writeln!(out, "No plugin was added or changed: what npm installed is no WASM plugin, or was there already.")?;
    } else {
        writeln!(out, "{}", tell_server(server, &changed)?)?;
    }
    Ok(())
}

/// Has a running server take in what is there now; says what it did.
fn tell_server(server: &ServerArguments, changed: &[&Installed]) -> Result<String, ToolError> {
    let names: Vec<_> = changed.iter().map(|installed| installed.package.name.as_str()).collect();
    match Remote::new(server)?.post("/@rescan", &json!({"replaced": names})) {
        Ok(_) => Ok("The running server has taken it in.".to_owned()),
        Err(ToolError::Unreachable { .. }) if server.url.is_none() => {
            Ok("The server finds new packages when it is started.".to_owned())
        }
        Err(error) => Ok(format!(
            "It is installed; the running server finds new packages when it is started again, for now: {error}"
        )),
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
