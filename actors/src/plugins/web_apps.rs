//! Web apps: packages with pages for the browser (§8.3). A plugin may be one as well; most are not.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use windlass_wasm_host::PluginPackage;

/// The folder of a package whose files are served. Nothing else of a package is: it may hold the plugin's module and its sources.
const PUBLIC: &str = "public";
/// First parts of the server's own addresses, which no package can have.
const TAKEN: [&str; 6] = ["admin", "plugins", "signalk", "skserver", "windlass", "login"];

/// What a package with pages is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebAppKind {
    /// A page of its own.
    App,
    /// A page that the administration pages embed.
    Embeddable,
    /// The settings page of a plugin.
    Configurator,
    /// A part of the administration pages.
    Addon,
}

/// One package with pages.
#[derive(Debug, Clone)]
pub struct WebApp {
    /// The package name; the pages are at `/<name>/`.
    pub name: String,
    /// What it is; at least one.
    pub kinds: Vec<WebAppKind>,
    /// The folder that is served; `None` when the package has no `public/`.
    pub public: Option<PathBuf>,
    /// The whole `package.json`.
    pub package_json: Value,
}

impl WebAppKind {
    const ALL: [(Self, &'static str); 4] = [
        (Self::App, "signalk-webapp"),
        (Self::Embeddable, "signalk-embeddable-webapp"),
        (Self::Configurator, "signalk-plugin-configurator"),
        (Self::Addon, "signalk-node-server-addon"),
    ];
}

impl WebApp {
    /// Finds the packages with pages below `roots`, `node_modules` directories of which the earlier one counts, sorted by name.
    pub(super) fn discover(roots: &[PathBuf]) -> Vec<Self> {
        let mut names = HashSet::new();
        let mut found = Vec::new();
        for (directory, name) in roots.iter().flat_map(|root| package_directories(root)) {
            if let Some(app) = Self::read(&directory, &name)
                && names.insert(name)
            {
                found.push(app);
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    /// Whether it comes with a plugin that is not among those of this server.
    pub(super) fn is_for_node(&self, plugins: &[PluginPackage]) -> bool {
        let mut keywords = self.package_json["keywords"].as_array().into_iter().flatten();
        let claims = keywords.any(|keyword| keyword == "signalk-node-server-plugin");
        claims && !plugins.iter().any(|plugin| plugin.name == self.name)
    }

    fn read(directory: &Path, name: &str) -> Option<Self> {
        // A plugin's is read again; one that is no JSON is listed among the plugins with the reason.
        let package_json: Value = serde_json::from_slice(&fs::read(directory.join("package.json")).ok()?).ok()?;
        let keywords = package_json["keywords"].as_array()?;
        let is_kind = |(_, keyword): &&(WebAppKind, &str)| keywords.iter().any(|known| known == keyword);
        let kinds: Vec<_> = WebAppKind::ALL.iter().filter(is_kind).map(|(kind, _)| *kind).collect();
        if kinds.is_empty() || package_json["name"] != name {
            return None;
        }
        if TAKEN.contains(&name.to_ascii_lowercase().as_str()) {
            log::warn!("the web app {name} is not served: its name is an address of the server's own");
            return None;
        }
        let public = public_folder(directory);
        if public.is_none() {
            log::warn!(
                "the web app {name} has no folder {PUBLIC}/; nothing else of a package is served, so it shows nothing"
            );
        }
        Some(Self { name: name.to_owned(), kinds, public, package_json })
    }
}

/// The folder of a plugin whose files are served below its id; `None` when it has none, or does not want it.
pub(super) fn plugin_folder(package: &PluginPackage) -> Option<PathBuf> {
    let wanted = package.capabilities.static_files != Some(false);
    wanted.then(|| public_folder(&package.directory)).flatten()
}

/// Where the folder really is: inside the package, for a link may lead anywhere.
fn public_folder(directory: &Path) -> Option<PathBuf> {
    let package = directory.canonicalize().ok()?;
    let public = package.join(PUBLIC).canonicalize().ok()?;
    (public.is_dir() && public != package && public.starts_with(&package)).then_some(public)
}

/// Each directory that may be a package, with the name that its place implies.
fn package_directories(root: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for (path, name) in directories(root) {
        match name.starts_with('@') {
            true => found.extend(directories(&path).into_iter().map(|(path, inner)| (path, format!("{name}/{inner}")))),
            false => found.push((path, name)),
        }
    }
    found
}

fn directories(parent: &Path) -> Vec<(PathBuf, String)> {
    // A root that is not there has no packages.
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let named = entries.filter_map(|entry| Some((entry.path(), entry.file_name().into_string().ok()?)));
    named.filter(|(path, name)| !name.starts_with('.') && path.is_dir()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn packages_with_pages_are_found_by_their_keywords() {
        let directory = tempfile::tempdir().expect("a directory");
        let (mine, bundled) = (directory.path().join("a"), directory.path().join("b"));
        let install = |root: &Path, name: &str, keywords: Value, public: bool| {
            let package = root.join(name);
            fs::create_dir_all(if public { package.join("public") } else { package.clone() }).expect("a directory");
            let json = json!({"name": name, "version": root.file_name().expect("a name").to_string_lossy(), "keywords": keywords});
            fs::write(package.join("package.json"), json.to_string()).expect("written");
        };
        install(&mine, "@scope/app", json!(["signalk-webapp", "signalk-embeddable-webapp"]), true);
        install(&bundled, "@scope/app", json!(["signalk-webapp"]), true);
        install(&bundled, "bare", json!(["signalk-webapp"]), false);
        install(&mine, "library", json!(["something"]), true);
        install(&mine, ".hidden", json!(["signalk-webapp"]), true);
        install(&mine, "SignalK", json!(["signalk-webapp"]), true);
        fs::create_dir_all(mine.join("broken")).expect("a directory");
        fs::write(mine.join("broken/package.json"), "{").expect("written");

        let apps = WebApp::discover(&[mine, bundled, directory.path().join("none")]);
        let names: Vec<_> = apps.iter().map(|app| (app.name.as_str(), app.public.is_some())).collect();
        assert_eq!(names, [("@scope/app", true), ("bare", false)]);
        assert_eq!(apps[0].package_json["version"], "a", "the first root wins");
        assert_eq!(apps[0].kinds, [WebAppKind::App, WebAppKind::Embeddable]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_elsewhere_is_no_public_folder() {
        use std::os::unix::fs::symlink;

        let directory = tempfile::tempdir().expect("a directory");
        let outside = directory.path().join("outside");
        fs::create_dir(&outside).expect("a directory");
        let package = |name: &str, target: &Path| {
            let package = directory.path().join(name);
            fs::create_dir_all(package.join("dist")).expect("a directory");
            symlink(target, package.join(PUBLIC)).expect("a link");
            package
        };
        for target in [outside.as_path(), Path::new("../outside"), Path::new("."), Path::new(".."), Path::new("none")] {
            let name = format!("package-{}", target.display()).replace('/', "_");
            assert_eq!(public_folder(&package(&name, target)), None, "{}", target.display());
        }
        let inside = package("inside", Path::new("dist"));
        let real = inside.canonicalize().expect("there");
        assert_eq!(public_folder(&inside), Some(real.join("dist")));
        // npm installs a folder as a link.
        symlink(&inside, directory.path().join("linked")).expect("a link");
        assert_eq!(public_folder(&directory.path().join("linked")), Some(real.join("dist")));
    }
}
