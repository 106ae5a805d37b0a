//! One plugin package: what its `package.json` says (ABI specification §1.2–1.4).

use std::path::{Component, Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::{Capabilities, CapabilityWarning, PluginId, Storage};

/// A plugin package found on disk. Packages that cannot run are listed too, with the reason in
/// [`problem`](Self::problem).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginPackage {
    /// The plugin's identity.
    pub id: PluginId,
    /// The package name.
    pub name: String,
    /// The package version; empty when the package does not say.
    pub version: String,
    /// The package description; empty when the package does not say.
    pub description: String,
    /// The package keywords.
    pub keywords: Vec<String>,
    /// `signalk.displayName`: a name for people. The module's own name wins once it has been loaded.
    pub display_name: Option<String>,
    /// The package directory, as found (symbolic links are not resolved).
    pub directory: PathBuf,
    /// The module file, with links resolved and proven to lie inside the package; `None` with a problem.
    pub wasm_file: Option<PathBuf>,
    /// What the plugin may do.
    pub capabilities: Capabilities,
    /// What was not understood in the package's capability object.
    pub capability_warnings: Vec<CapabilityWarning>,
    /// `signalk-plugin-enabled-by-default`: start it although no configuration was ever saved.
    pub enabled_by_default: bool,
    /// `signalk.wasm.subscriptions`: path patterns that narrow which deltas are delivered; `None` means all.
    pub subscriptions: Option<Vec<String>>,
    /// Why the package cannot run.
    pub problem: Option<PackageProblem>,
    /// Whether it came with the server instead of being installed by the user.
    pub bundled: bool,
    /// The whole `package.json`.
    pub package_json: Value,
}

/// Why a package that calls itself a plugin cannot run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "camelCase", tag = "kind")]
#[non_exhaustive]
pub enum PackageProblem {
    /// `package.json` has the keyword, but names no module (§1.2).
    #[error("Missing wasmManifest in package.json")]
    NoManifest,
    /// `wasmManifest` is something else than a text.
    #[error("wasmManifest is {found}, expected the path of the .wasm file inside the package; correct package.json")]
    ManifestNotText {
        /// The value found, as JSON.
        found: String,
    },
    /// `wasmManifest` points out of the package, or is absolute (§1.3).
    #[error("wasmManifest \"{manifest}\" lies outside the package directory; it must be a relative path inside it")]
    ManifestOutside {
        /// The value in package.json.
        manifest: String,
    },
    /// The module file does not exist.
    #[error("wasmManifest names \"{manifest}\", which does not exist; build or reinstall the plugin")]
    ManifestMissing {
        /// The value in package.json.
        manifest: String,
    },
    /// The module's path is not a regular file.
    #[error("wasmManifest names \"{manifest}\", which is not a file")]
    ManifestNotAFile {
        /// The value in package.json.
        manifest: String,
    },
    /// `package.json` is not JSON, or not an object.
    #[error("package.json cannot be read as JSON: {reason}; reinstall the plugin")]
    BadPackageJson {
        /// The parser's reason.
        reason: String,
    },
    /// The package's name is absent, or differs from its directory (§1.1).
    #[error("package.json says the name is {found}, but the directory is that of \"{expected}\"; reinstall the plugin")]
    WrongName {
        /// The name in package.json, as JSON.
        found: String,
        /// The name its place on disk implies.
        expected: String,
    },
    /// Another package derives the same id (§1.4).
    #[error("its id {id} is already taken by the package \"{taken_by}\"; rename or remove one of the two")]
    DuplicateId {
        /// The id.
        id: PluginId,
        /// The package that keeps it.
        taken_by: String,
    },
}

/// The keywords that mark a package as a plugin (§1.1).
const PLUGIN_KEYWORDS: [&str; 2] = [WASM_KEYWORD, "signalk-node-server-plugin"];
/// That of plugins which no other server but one with a sandbox can run.
const WASM_KEYWORD: &str = "signalk-wasm-plugin";
/// The keywords that mark a package with pages.
const PAGE_KEYWORDS: [&str; 4] =
    ["signalk-webapp", "signalk-embeddable-webapp", "signalk-plugin-configurator", "signalk-node-server-addon"];

impl PluginPackage {
    /// Reads the package in `directory`, whose place implies the package name `expected_name`.
    ///
    /// `None`: there is no `package.json`, or it has none of the plugin keywords. One that is not JSON is listed only when
    /// its text names one of them: `node_modules` holds thousands of other packages. A package with pages whose plugin is for Node.js is
    /// no plugin here.
    pub fn read(directory: &Path, expected_name: &str) -> Option<Self> {
        let text = std::fs::read(directory.join("package.json")).ok()?;
        // Some editors put a byte order mark in front, which npm and Node.js leave out.
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
        let json: Value = match serde_json::from_slice(text) {
            Ok(json) => json,
            Err(error) => return Self::unparsable(directory, expected_name, text, &error),
        };
        let keywords = keywords(&json);
        if !keywords.iter().any(|keyword| PLUGIN_KEYWORDS.contains(&keyword.as_str())) {
            return None;
        }
        let mut package = Self::described(directory, expected_name, json, keywords);
        if package.package_json["name"].as_str() != Some(expected_name) {
            package.problem = Some(PackageProblem::WrongName {
                found: package.package_json["name"].to_string(),
                expected: expected_name.to_owned(),
            });
            return Some(package);
        }
        let manifest = manifest(&package.package_json);
        let has_pages = package.keywords.iter().any(|keyword| PAGE_KEYWORDS.contains(&keyword.as_str()));
        if manifest == Err(PackageProblem::NoManifest) && has_pages && !package.claims_a_module() {
            return None;
        }
        match manifest.and_then(|manifest| module_file(directory, manifest)) {
            Ok(file) => package.wasm_file = Some(file),
            Err(problem) => package.problem = Some(problem),
        }
        Some(package)
    }

    fn described(directory: &Path, name: &str, json: Value, keywords: Vec<String>) -> Self {
        let (capabilities, capability_warnings) = Capabilities::from_package_json(&json);
        let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let signalk = json.get("signalk");
        let subscriptions = signalk
            .and_then(|signalk| signalk.get("wasm"))
            .and_then(|wasm| wasm.get("subscriptions"))
            .filter(|value| value.is_array());
        Self {
            id: PluginId::of_package(name),
            name: name.to_owned(),
            version: text("version"),
            description: text("description"),
            keywords,
            display_name: signalk
                .and_then(|signalk| signalk.get("displayName"))
                .and_then(Value::as_str)
                .map(str::to_owned),
            directory: directory.to_owned(),
            wasm_file: None,
            capabilities,
            capability_warnings,
            enabled_by_default: json.get("signalk-plugin-enabled-by-default") == Some(&Value::Bool(true)),
            subscriptions: subscriptions.map(|list| strings(Some(list))),
            problem: None,
            bundled: false,
            package_json: json,
        }
    }

    /// A `package.json` that is not JSON: listed only when its text mentions one of the keywords, since most packages in
    /// `node_modules` are not plugins.
    fn unparsable(directory: &Path, name: &str, text: &[u8], error: &serde_json::Error) -> Option<Self> {
        let text = String::from_utf8_lossy(text);
        if !PLUGIN_KEYWORDS.iter().any(|keyword| text.contains(&format!("\"{keyword}\""))) {
            return None;
        }
        let mut package = Self::described(directory, name, Value::Object(Default::default()), Vec::new());
        package.problem = Some(PackageProblem::BadPackageJson { reason: error.to_string() });
        Some(package)
    }

    /// Whether the package is a plugin for Node.js: it names no module, and does not claim to have one.
    pub fn is_for_node(&self) -> bool {
        self.problem == Some(PackageProblem::NoManifest) && !self.claims_a_module()
    }

    fn claims_a_module(&self) -> bool {
        self.keywords.iter().any(|keyword| keyword == WASM_KEYWORD)
    }

    /// Whether the plugin gets a file system.
    pub fn has_storage(&self) -> bool {
        self.capabilities.storage == Storage::VfsOnly
    }
}

fn strings(value: Option<&Value>) -> Vec<String> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The keywords; also those given as one text, which npm takes apart at spaces and commas.
fn keywords(package: &Value) -> Vec<String> {
    match package.get("keywords") {
        Some(Value::String(text)) => {
            text.split([' ', ',']).filter(|keyword| !keyword.is_empty()).map(str::to_owned).collect()
        }
        value => strings(value),
    }
}

/// What `wasmManifest` says. Values that JavaScript takes for false are as good as none (§1.2).
fn manifest(package: &Value) -> Result<&str, PackageProblem> {
    match package.get("wasmManifest") {
        None | Some(Value::Null | Value::Bool(false)) => Err(PackageProblem::NoManifest),
        Some(Value::String(text)) if text.is_empty() => Err(PackageProblem::NoManifest),
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(PackageProblem::ManifestNotText { found: other.to_string() }),
    }
}

/// Resolves `manifest` inside the package: links of the package directory are followed (that is how plugins are
/// developed), but the result must lie inside the resolved directory.
fn module_file(directory: &Path, manifest: &str) -> Result<PathBuf, PackageProblem> {
    let outside = || PackageProblem::ManifestOutside { manifest: manifest.to_owned() };
    let missing = || PackageProblem::ManifestMissing { manifest: manifest.to_owned() };
    let relative = Path::new(manifest);
    if relative.components().any(|part| matches!(part, Component::RootDir | Component::Prefix(_))) {
        return Err(outside());
    }
    let root = directory.canonicalize().map_err(|_| missing())?;
    let file = match root.join(relative).canonicalize() {
        Ok(file) => file,
        Err(_) if escapes(relative) => return Err(outside()),
        Err(_) => return Err(missing()),
    };
    if !file.starts_with(&root) {
        return Err(outside());
    }
    if !file.is_file() {
        return Err(PackageProblem::ManifestNotAFile { manifest: manifest.to_owned() });
    }
    Ok(file)
}

/// Whether a path climbs above its start, judged by its text alone.
fn escapes(path: &Path) -> bool {
    let mut depth = 0i32;
    path.components().any(|part| {
        match part {
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
            _ => {}
        }
        depth < 0
    })
}
