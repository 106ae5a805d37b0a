//! Listing, enabling, disabling, reloading plugins, and reading their logs.

use std::io::{self, Write};

use serde_json::{Map, Value, json};
use windlass_actors::plugins::ConfigStore;
use windlass_wasm_host::{PluginPackage, discover};

use super::output::plain;
use super::remote::{Remote, segment};
use super::{ServerArguments, ToolError};

/// How long the server may hold a request for further lines of a log, in seconds.
const WAIT: u32 = 20;

/// A line a plugin; from the running server, or else from the packages on disk.
pub fn list(out: &mut dyn Write, server: &ServerArguments) -> Result<(), ToolError> {
    match Remote::new(server)?.get("") {
        Ok(Value::Array(plugins)) => {
            let row = |plugin: &Value| ["id", "version", "state", "statusMessage"].map(|key| text(plugin, key));
            print_rows(out, plugins.iter().map(row))
        }
        Ok(other) => Err(ToolError::Refused(format!("the server's list of plugins is {}", plain(&other.to_string())))),
        // Without a name it was the default that was tried.
        Err(ToolError::Unreachable { .. }) if server.url.is_none() => {
            writeln!(out, "(the server does not run)")?;
            let config_dir = server.config_dir()?;
            print_rows(
                out,
                installed(server)?.iter().map(|package| {
                    let saved = ConfigStore::new(&config_dir, package.id.as_str()).load();
                    let state = match &saved {
                        Ok(config) => {
                            let enabled = config.as_ref().and_then(|config| config.enabled());
                            if enabled.unwrap_or(package.enabled_by_default) { "enabled" } else { "disabled" }
                        }
                        Err(_) => "disabled",
                    };
                    let package_problem = package.problem.as_ref().map(ToString::to_string);
                    let problem = package_problem.or_else(|| saved.err().map(|error| error.to_string()));
                    [package.id.to_string(), package.version.clone(), state.to_owned(), problem.unwrap_or_default()]
                        .map(|text| plain(&text))
                }),
            )
        }
        Err(error) => Err(error),
    }
}

/// Enables a plugin, after consenting to what it asks for if that is wanted.
pub fn enable(out: &mut dyn Write, server: &ServerArguments, plugin: &str, consent: bool) -> Result<(), ToolError> {
    if consent {
        // A consent is given to what the server knows of the package, so it can't be written down without one.
        Remote::new(server)?.post(&format!("/{}/@consent", segment(plugin)), &json!({}))?;
    }
    match set_enabled(out, server, plugin, true) {
        Err(ToolError::Refused(reason)) if !consent && reason.contains("consent") => {
            Err(ToolError::Refused(format!("{reason}\nTo consent: windlass plugin enable {plugin} --consent")))
        }
        done => done,
    }
}

/// Disables a plugin.
pub fn disable(out: &mut dyn Write, server: &ServerArguments, plugin: &str) -> Result<(), ToolError> {
    set_enabled(out, server, plugin, false)
}

/// Enables or disables a plugin; without a running server this is only written down.
fn set_enabled(out: &mut dyn Write, server: &ServerArguments, plugin: &str, enabled: bool) -> Result<(), ToolError> {
    let action = if enabled { "enable" } else { "disable" };
    match Remote::new(server)?.post(&format!("/{}/{action}", segment(plugin)), &json!({})) {
        Ok(answer) => {
            writeln!(out, "{plugin}: {}", plain(answer["state"].as_str().unwrap_or("done")))?;
            Ok(())
        }
        Err(ToolError::Unreachable { .. }) if server.url.is_none() => {
            let packages = installed(server)?;
            let found = packages.iter().find(|package| package.id.as_str() == plugin || package.name == plugin);
            let package = found.ok_or_else(|| ToolError::Unknown(plugin.to_owned()))?;
            let flag = Map::from_iter([("enabled".to_owned(), enabled.into())]);
            ConfigStore::new(&server.config_dir()?, package.id.as_str()).update(|config| config.merged(&flag))?;
            writeln!(out, "{plugin}: {action}d; it counts when the server is started")?;
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Has the running server load the plugin's module anew.
pub fn reload(out: &mut dyn Write, server: &ServerArguments, plugin: &str) -> Result<(), ToolError> {
    let answer = Remote::new(server)?.post(&format!("/{}/reload", segment(plugin)), &json!({}))?;
    writeln!(out, "{plugin}: {}", plain(answer["state"].as_str().unwrap_or("reloaded")))?;
    Ok(())
}

/// Prints the lines of a plugin's log; with `follow` until the program is ended.
pub fn logs(out: &mut dyn Write, server: &ServerArguments, plugin: &str, follow: bool) -> Result<(), ToolError> {
    let remote = Remote::new(server)?;
    let (mut after, mut wait) = (0, 0);
    loop {
        let log = remote.get(&format!("/{}/@log?after={after}&wait={wait}", segment(plugin)))?;
        if let Some(missed @ 1..) = log["missed"].as_u64() {
            writeln!(out, "({missed} lines are no longer kept)")?;
        }
        for line in log["lines"].as_array().into_iter().flatten() {
            writeln!(out, "{} {:<5} {}", text(line, "time"), text(line, "level"), text(line, "text"))?;
        }
        if !follow {
            return Ok(());
        }
        // So that whoever reads sees it now, and a reader who went away is noticed.
        out.flush()?;
        // It goes back when the server was started anew.
        after = log["last"].as_u64().unwrap_or(after);
        wait = WAIT;
    }
}

fn installed(server: &ServerArguments) -> Result<Vec<PluginPackage>, ToolError> {
    Ok(discover(&[server.config_dir()?.join("node_modules")]))
}

fn text(object: &Value, key: &str) -> String {
    plain(object[key].as_str().unwrap_or_default())
}

/// Columns as wide as their widest entry.
fn print_rows(out: &mut dyn Write, rows: impl Iterator<Item = [String; 4]>) -> Result<(), ToolError> {
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        writeln!(out, "no plugins are installed")?;
    }
    Ok(rows_of(out, &rows)?)
}

fn rows_of(out: &mut dyn Write, rows: &[[String; 4]]) -> io::Result<()> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (first, second, third) = (width(0), width(1), width(2));
    for [a, b, c, d] in rows {
        writeln!(out, "{}", format!("{a:first$}  {b:second$}  {c:third$}  {d}").trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_entry() {
        let rows = [["a", "1.0.0", "running", ""], ["längere", "2", "error", "why"]].map(|row| row.map(str::to_owned));
        let mut out = Vec::new();
        rows_of(&mut out, &rows).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a        1.0.0  running\nlängere  2      error    why\n");
    }
}
