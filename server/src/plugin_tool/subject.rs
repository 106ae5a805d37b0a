//! What is checked and measured: a package's folder, or a module alone.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::Value;
use windlass_wasm_host::interface::ModuleReport;
use windlass_wasm_host::{Capabilities, NetworkAccess, PluginPackage, Sandbox};

use super::ToolError;
use super::output::plain;

/// A module, and the package it belongs to.
#[derive(Debug)]
pub struct Subject {
    /// The package; `None` for a module alone.
    pub package: Option<PluginPackage>,
    /// The module's file.
    pub file: PathBuf,
    /// Its content.
    pub wasm: Vec<u8>,
}

impl Subject {
    /// The module's file, for people.
    pub fn shown(&self) -> String {
        plain(&self.file.display().to_string())
    }

    /// Reads what is at `path`: a folder with a `package.json`, or a module.
    ///
    /// # Errors
    /// There is no plugin.
    pub fn read(path: &Path) -> Result<Self, ToolError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| ToolError::File { path, source }
        };
        if !path.metadata().map_err(failed(path))?.is_dir() {
            let wasm = std::fs::read(path).map_err(failed(path))?;
            return Ok(Self { package: None, file: path.to_owned(), wasm });
        }
        let description = path.join("package.json");
        let text = std::fs::read(&description).map_err(|source| match source.kind() {
            ErrorKind::NotFound => {
                ToolError::NotAPlugin { path: path.to_owned(), reason: "it has no package.json".to_owned() }
            }
            _ => ToolError::File { path: description.clone(), source },
        })?;
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
        let not_a_plugin = |reason: String| ToolError::NotAPlugin { path: path.to_owned(), reason: plain(&reason) };
        let json: Value = serde_json::from_slice(text)
            .map_err(|error| not_a_plugin(format!("its package.json can't be read as JSON: {error}")))?;
        let Some(name) = json["name"].as_str() else {
            return Err(not_a_plugin("its package.json has no name".to_owned()));
        };
        let package = PluginPackage::read(path, name).ok_or_else(|| {
            not_a_plugin(
                "its package.json lacks the keyword \"signalk-wasm-plugin\", by which servers find plugins".to_owned(),
            )
        })?;
        match (&package.problem, package.wasm_file.clone()) {
            (Some(problem), _) => Err(not_a_plugin(problem.to_string())),
            (None, None) => Err(not_a_plugin("its package.json names no module".to_owned())),
            (None, Some(file)) => {
                let wasm = std::fs::read(&file).map_err(failed(&file))?;
                Ok(Self { package: Some(package), file, wasm })
            }
        }
    }

    /// What it may do when it is tried: what the package declares; of a module alone, what it needs. The network is only there when
    /// `network` says so, because nobody has consented to anything yet.
    pub fn capabilities(&self, report: &ModuleReport, network: bool) -> Capabilities {
        let mut granted = match &self.package {
            Some(package) => package.capabilities.clone(),
            None => {
                let needed = report.capabilities_needed().into_iter().map(|name| (name.to_owned(), true.into()));
                let package = serde_json::json!({"wasmCapabilities": Value::Object(needed.collect())});
                Capabilities::from_package_json(&package).0
            }
        };
        if !network {
            granted.network = NetworkAccess::Denied;
            granted.raw_sockets = NetworkAccess::Denied;
        }
        granted
    }

    /// What surrounds an instance, with `directory` for its files.
    pub fn sandbox(&self, directory: PathBuf, capabilities: Capabilities) -> Sandbox {
        match &self.package {
            Some(package) => Sandbox { capabilities, ..Sandbox::of(package, directory) },
            None => Sandbox { vfs_root: Some(directory), environment: Vec::new(), capabilities, utf16_requests: false },
        }
    }
}
