//! Packages that come and go while the server runs (§1.1).

use std::collections::BTreeSet;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};

use futures_util::future::join_all;
use serde_json::Value;
use windlass_wasm_host::{PackageProblem, PluginPackage, discover};

use super::error::PluginError;
use super::manager::{Entry, Inner, PluginManager, blocking};
use super::web_apps::WebApp;
use crate::{StatusKind, StatusSubject};

/// An installed package: a plugin, a web app, or both.
#[derive(Debug, Clone)]
pub struct InstalledPackage {
    /// Its name.
    pub name: String,
    /// The whole `package.json`.
    pub package_json: Value,
    /// The id of its plugin, if it is one of this server's.
    pub plugin: Option<String>,
    /// It has pages for the browser.
    pub web_app: bool,
}

/// What looking for packages again has changed. All are package names.
#[derive(Debug, Clone, Default)]
pub struct PackageChanges {
    /// What is new.
    pub added: Vec<String>,
    /// What is gone; its plugin has been stopped.
    pub removed: Vec<String>,
    /// What was reloaded because it has changed, and how that went. Where it failed, what ran before runs on.
    pub reloaded: Vec<(String, Result<(), PluginError>)>,
}

impl PluginManager {
    /// Looks for packages again. Plugins that are new are started if they are enabled, those that are gone are stopped and leave the list,
    /// and those whose `package.json` has changed are reloaded, as are `replaced`, whose files somebody has changed. Web apps come and go
    /// the same way. Returns when all that is done; a start goes on in the background.
    ///
    /// # Errors
    /// The server goes down.
    pub async fn look_again(&self, replaced: &[String]) -> Result<PackageChanges, PluginError> {
        let mut changes = PackageChanges::default();
        let changed = {
            let closed = self.0.looking.lock().await;
            if *closed {
                return Err(shut_down());
            }
            let roots = self.0.launcher.settings.roots.clone();
            let looking = blocking(move || (discover(&roots), WebApp::discover(&roots)));
            let (packages, apps) = looking.await.ok_or_else(shut_down)?;
            self.0.set_web_apps(apps, &mut changes);
            self.exchange(packages, &mut changes).await
        };
        for name in changed.union(&replaced.iter().cloned().collect()) {
            // What has just been started is new, and a web app has nothing to reload.
            if !changes.added.contains(name) && self.0.find(name).is_ok() {
                changes.reloaded.push((name.clone(), self.reload(name).await));
            }
        }
        if !(changes.added.is_empty() && changes.removed.is_empty()) {
            log::info!("packages added: {:?}, removed: {:?}", changes.added, changes.removed);
            self.0.launcher.changed.send_modify(|version| *version += 1);
        }
        Ok(changes)
    }

    /// Stops the plugin of a package that is about to be removed, and takes it off the list, until it is looked for packages again.
    pub async fn take_out(&self, name: &str) {
        let _one_at_a_time = self.0.looking.lock().await;
        let (leaving, staying): (Vec<_>, Vec<_>) =
            self.0.entries().iter().cloned().partition(|entry| entry.record.package().name == name);
        self.0.set_entries(staying);
        for entry in leaving {
            self.0.retire(&entry).await;
        }
        self.0.launcher.changed.send_modify(|version| *version += 1);
    }

    /// Runs plugins, or none of them (`interfaces.wasm`). Those that run are stopped; those that are enabled are started, from what is
    /// installed by then. Their web apps stay. Returns when all have stopped; a start goes on in the background.
    ///
    /// # Errors
    /// The server goes down.
    pub async fn run_plugins(&self, run: bool) -> Result<(), PluginError> {
        let closed = self.0.looking.lock().await;
        if *closed {
            return Err(shut_down());
        }
        let launcher = &self.0.launcher;
        if launcher.wasm_enabled.swap(run, Relaxed) == run {
            return Ok(());
        }
        let roots = launcher.settings.roots.clone();
        let packages = blocking(move || discover(&roots)).await.ok_or_else(shut_down)?;
        // What is asked of a plugin meanwhile finds none.
        let former = self.0.entries();
        self.0.set_entries(Vec::new());
        join_all(former.iter().map(|entry| self.0.retire(entry))).await;
        launcher.names.set(&packages);
        self.0.set_entries(packages.into_iter().map(|package| Arc::new(Entry::start(launcher, package))).collect());
        launcher.changed.send_modify(|version| *version += 1);
        log::info!(
            "{}",
            if run { "plugins are run again" } else { "no plugin is run any more: interfaces.wasm is off" }
        );
        Ok(())
    }

    /// The installed packages, plugins first.
    pub fn packages(&self) -> Vec<InstalledPackage> {
        let apps = self.web_apps();
        let is_app = |name: &str| apps.iter().any(|app| app.name == name);
        let plugins = self.0.records().into_iter().map(|record| {
            let package = record.package();
            let (name, package_json) = (package.name.clone(), package.package_json.clone());
            InstalledPackage { plugin: Some(record.id().to_owned()), web_app: is_app(&name), name, package_json }
        });
        let mut packages: Vec<_> = plugins.collect();
        let others: Vec<_> = apps.iter().filter(|app| packages.iter().all(|known| known.name != app.name)).collect();
        packages.extend(others.into_iter().map(|app| InstalledPackage {
            name: app.name.clone(),
            package_json: app.package_json.clone(),
            plugin: None,
            web_app: true,
        }));
        packages
    }

    /// Makes the list of plugins fit these packages. Returns those that stay and whose `package.json` is another one.
    async fn exchange(&self, packages: Vec<PluginPackage>, changes: &mut PackageChanges) -> BTreeSet<String> {
        let former = self.0.entries();
        let successor = |entry: &Arc<Entry>| packages.iter().find(|package| is_same(entry, package));
        let (staying, leaving): (Vec<_>, Vec<_>) = former.iter().cloned().partition(|entry| successor(entry).is_some());
        let changed = staying.iter().filter_map(|entry| {
            let (package, pending) = (entry.record.package(), entry.record.pending());
            let latest = &pending.unwrap_or(package).package_json;
            let now = successor(entry)?;
            (now.package_json != *latest).then(|| now.name.clone())
        });
        let changed = changed.collect();
        // Those that go end first: one that comes may have the same id, from another place.
        self.0.set_entries(staying.clone());
        for entry in &leaving {
            self.0.retire(entry).await;
        }
        self.0.launcher.names.set(&packages);
        let mut entries = Vec::with_capacity(packages.len());
        for package in packages {
            match staying.iter().find(|entry| is_same(entry, &package)) {
                Some(entry) => entries.push(entry.clone()),
                None => {
                    push_new(&mut changes.added, package.name.clone());
                    entries.push(Arc::new(Entry::start(&self.0.launcher, package)));
                }
            }
        }
        for name in leaving.iter().map(|entry| entry.record.package().name.clone()) {
            if !changes.added.contains(&name) {
                push_new(&mut changes.removed, name);
            }
        }
        self.0.set_entries(entries);
        changed
    }
}

impl Inner {
    fn set_entries(&self, entries: Vec<Arc<Entry>>) {
        *self.entries.write().unwrap_or_else(PoisonError::into_inner) = entries.into();
    }

    fn set_web_apps(&self, apps: Vec<WebApp>, changes: &mut PackageChanges) {
        let apps: Arc<[WebApp]> = apps.into();
        let former =
            std::mem::replace(&mut *self.web_apps.write().unwrap_or_else(PoisonError::into_inner), apps.clone());
        let names = |apps: &[WebApp]| apps.iter().map(|app| app.name.clone()).collect::<BTreeSet<_>>();
        let (before, after) = (names(&former), names(&apps));
        changes.added.extend(after.difference(&before).cloned());
        changes.removed.extend(before.difference(&after).cloned());
    }

    /// Stops a plugin that is not there any more. Nothing is said about it from then on.
    async fn retire(&self, entry: &Entry) {
        entry.stop(self.timing.shutdown, true).await;
        let record = &entry.record;
        if record.is_duplicate() {
            // The id is another package's.
            return;
        }
        self.offers().forget(record.id());
        record.board.set(record.id(), StatusSubject::Plugin, StatusKind::Status, "");
    }
}

/// Whether an entry is for a package as it was found now. A package that comes from another place, or whose id is free now, is another one.
fn is_same(entry: &Entry, found: &PluginPackage) -> bool {
    let known = entry.record.package();
    let is_duplicate = matches!(found.problem, Some(PackageProblem::DuplicateId { .. }));
    known.name == found.name
        && known.directory == found.directory
        && known.bundled == found.bundled
        && entry.record.is_duplicate() == is_duplicate
}

fn shut_down() -> PluginError {
    PluginError::ShutDown("*".to_owned())
}

fn push_new(names: &mut Vec<String>, name: String) {
    if !names.contains(&name) {
        names.push(name);
    }
}
