//! The commands that npm gets.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::missing::check_others;
use super::modules::{absolute, dependencies, hand_placed, is_archive, is_local, lies_in};
use super::{PackageError, PackageName, archive};

/// What lets nothing in by the list in `package.json`, or by that of a package, but from the registry and from files. An npm that is older
/// than these passes over them.
const REGISTRY_ONLY: [&str; 2] = ["--allow-git=none", "--allow-remote=none"];

/// How many packages a search brings at most; the registry gives no more.
const MOST_FOUND: usize = 250;

/// npm for a configuration directory, in whose `node_modules` the server looks for packages.
#[derive(Debug, Clone)]
pub struct Npm {
    directory: PathBuf,
}

impl Npm {
    /// For this directory.
    pub fn of(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// The configuration directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where packages are.
    pub fn modules(&self) -> PathBuf {
        self.directory.join("node_modules")
    }

    /// The command that installs packages: folders, archives, or names as npm takes them. Archives are looked through before.
    ///
    /// # Errors
    /// It would do harm.
    pub fn install(&self, packages: &[String]) -> Result<Command, PackageError> {
        fs::create_dir_all(&self.directory).map_err(PackageError::at(&self.directory))?;
        if let Some(option) = packages.iter().find(|package| package.starts_with('-')) {
            return Err(PackageError::Option(option.clone()));
        }
        let modules = self.modules();
        let mut wanted = packages.to_vec();
        for package in packages.iter().filter(|package| is_local(package)) {
            let path = Path::new(package);
            if lies_in(path, &modules) {
                return Err(PackageError::InModules { package: package.clone(), directory: modules });
            }
            if is_archive(package) {
                let contents = archive::check(File::open(path).map_err(PackageError::at(path))?)?;
                wanted.push(contents.name.to_string());
            }
        }
        let placed = hand_placed(&self.directory, &wanted);
        if !placed.is_empty() {
            return Err(PackageError::HandPlaced { directory: modules, packages: placed });
        }
        let mut command = self.change("install");
        command.arg("--").args(packages.iter().map(|package| absolute(package)));
        Ok(command)
    }

    /// The command that removes a package.
    ///
    /// # Errors
    /// npm did not install it; or it would remove others with it.
    pub fn remove(&self, name: &PackageName) -> Result<Command, PackageError> {
        if !dependencies(&self.directory).iter().any(|(known, _)| known == name.as_str()) {
            return Err(PackageError::NotNpms(name.to_string()));
        }
        check_others(&self.directory, name)?;
        let placed = hand_placed(&self.directory, &[]);
        if !placed.is_empty() {
            return Err(PackageError::HandPlaced { directory: self.modules(), packages: placed });
        }
        let mut command = self.change("uninstall");
        command.arg("--").arg(name.as_str());
        Ok(command)
    }

    /// The command that asks the registry for packages with a keyword; it prints JSON.
    pub fn search(&self, keyword: &str) -> Command {
        let mut command = npm("search");
        command.args(["--json", &format!("--searchlimit={MOST_FOUND}"), "--", &format!("keywords:{keyword}")]);
        command
    }

    /// The command that asks the registry for what a version of a package is; it prints JSON.
    pub fn view(&self, name: &PackageName, version: &semver::Version) -> Command {
        let mut command = npm("view");
        command.args(["--json", "--", &format!("{name}@{version}"), "name", "version", "keywords"]);
        command
    }

    fn change(&self, what: &str) -> Command {
        let mut command = npm(what);
        command.args(["--ignore-scripts", "--no-audit", "--no-fund", "--save"]).args(REGISTRY_ONLY);
        command.arg("--prefix").arg(&self.directory);
        command
    }
}

fn npm(what: &str) -> Command {
    let mut command = Command::new("npm");
    command.arg(what).stdin(Stdio::null());
    command
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
        let npm = Npm::of(&config);
        let refused = npm.install(std::slice::from_ref(&source)).expect_err("refused");
        let PackageError::HandPlaced { packages, .. } = &refused else { panic!("{refused}") };
        assert_eq!(*packages, ["@scope/placed", "linked", "placed"], "the one to install may be there");
        assert!(refused.to_string().contains("windlass plugin install <folder>"), "{refused}");
        assert!(modules.join("placed/package.json").is_file());
        let inside = modules.join("placed").to_str().expect("UTF-8").to_owned();
        let refused = npm.install(&[inside]).expect_err("refused").to_string();
        assert!(refused.contains("move it elsewhere"), "{refused}");
        assert!(!lies_in(&modules.join("linked"), &modules), "a link to elsewhere");

        let wanted = ["@scope/placed@^1.2", "placed", "linked@2"].map(str::to_owned);
        assert_eq!(hand_placed(&config, &wanted), ["@me/linked"]);
        assert_eq!(hand_placed(&place.path().join("none"), &wanted), [""; 0]);

        let name = |text| PackageName::new(text).expect("a name");
        assert!(matches!(npm.remove(&name("placed")), Err(PackageError::NotNpms(_))), "npm knows nothing of it");
        assert!(matches!(npm.remove(&name("named")), Err(PackageError::HandPlaced { .. })), "others would go with it");
        assert!(matches!(npm.install(&["--global".to_owned()]), Err(PackageError::Option(_))));
    }

    #[test]
    fn scripts_never_run_and_nothing_comes_from_elsewhere() {
        let place = tempfile::tempdir().expect("a directory");
        let npm = Npm::of(place.path());
        let install = npm.install(&["x@1.2.3".to_owned()]).expect("a command");
        fs::write(place.path().join("package.json"), json!({"dependencies": {"x": "1"}}).to_string()).expect("written");
        let remove = npm.remove(&PackageName::new("x").expect("a name")).expect("a command");
        for (command, end) in [(install, ["--", "x@1.2.3"]), (remove, ["--", "x"])] {
            let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
            for option in ["--ignore-scripts", "--allow-git=none", "--allow-remote=none"] {
                assert!(arguments.iter().any(|argument| argument == option), "{arguments:?}");
            }
            assert_eq!(arguments[arguments.len() - 2..], end);
        }
    }

    #[test]
    fn nothing_is_removed_while_npm_would_bring_something_from_elsewhere() {
        let place = tempfile::tempdir().expect("a directory");
        let named = json!({"dependencies": {"x": "1", "y": "git+https://example.org/y.git"}});
        fs::write(place.path().join("package.json"), named.to_string()).expect("written");
        let remove = |name| Npm::of(place.path()).remove(&PackageName::new(name).expect("a name"));
        assert!(matches!(remove("x"), Err(PackageError::InTheWay { name, .. }) if name == "y"));
        assert!(remove("y").is_ok(), "that one may go");
    }
}
