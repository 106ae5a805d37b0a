//! Installs and removes packages while the server runs, one at a time, and tells how far it is.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::NamedTempFile;
use windlass_actors::plugins::{InstalledPackage, PackageChanges, PluginManager};
use windlass_actors::stream::EventBus;

use super::missing::{Missing, check_others, missing};
use super::modules::{self, Installed};
use super::registry::{self, PLUGINS, WEB_APPS, complaint};
use super::running::{blocking, run};
use super::{Action, Job, JobState, Npm, Offered, PackageError, PackageName, shelf};

/// Largest archive or module that is taken, in bytes.
pub const MAX_ARCHIVE: usize = 64 * 1024 * 1024;
/// Jobs that may wait.
const MAX_WAITING: usize = 8;
/// Jobs that are over and still shown.
const MAX_OVER: usize = 20;
/// How long npm may be at it.
const NPM: Duration = Duration::from_secs(10 * 60);
/// How long the registry may be asked.
const SEARCH: Duration = Duration::from_secs(10);
/// How long an answer of the registry is good enough.
const FRESH: Duration = Duration::from_secs(60);
/// The event that tells about all this (server-admin-api §6).
const CHANGED: &str = "APP_STORE_CHANGED";

/// What the registry has, or why nobody knows.
type Answer = Result<Arc<[Offered]>, String>;

/// Does it. Clones share.
#[derive(Clone)]
pub struct Installer(Arc<Inner>);

struct Inner {
    npm: Npm,
    plugins: PluginManager,
    events: EventBus,
    /// Held while npm changes `node_modules`.
    turn: tokio::sync::Mutex<()>,
    jobs: Mutex<Jobs>,
    /// Held from when an archive is put away until its job is known, and while those that nobody needs are removed.
    archives: tokio::sync::Mutex<()>,
    /// Held while the registry is asked.
    asking: tokio::sync::Mutex<()>,
    answer: Mutex<Option<(Instant, Answer)>>,
}

#[derive(Default)]
struct Jobs {
    latest: u64,
    all: VecDeque<Job>,
}

enum Work {
    /// What npm is to install.
    Install(String),
    Remove(PackageName),
}

impl Installer {
    /// For a configuration directory.
    pub fn new(directory: &Path, plugins: PluginManager, events: EventBus) -> Self {
        Self(Arc::new(Inner {
            npm: Npm::of(directory),
            plugins,
            events,
            turn: tokio::sync::Mutex::default(),
            jobs: Mutex::default(),
            archives: tokio::sync::Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            answer: Mutex::default(),
        }))
    }

    /// Has a version of a package installed from the registry. Returns when the registry has said that there is one; the rest goes on.
    ///
    /// # Errors
    /// The registry does not know it or does not answer, it is not for Signal K, or too much waits.
    pub async fn install(&self, name: &PackageName, version: &semver::Version) -> Result<u64, PackageError> {
        let mut said = Vec::new();
        let (status, printed) = run(self.0.npm.view(name, version), SEARCH, |line| said.push(line.to_owned())).await?;
        if !status.success() {
            let why = complaint(said.iter().map(String::as_str));
            let unknown = ["E404", "ETARGET"].iter().any(|code| why.contains(code));
            return Err(if unknown { PackageError::Unknown(name.to_string()) } else { PackageError::Registry(why) });
        }
        if !registry::is_for_signalk(&printed) {
            return Err(PackageError::Unknown(name.to_string()));
        }
        self.begin(Action::Install, name, Some(version.to_string()), Work::Install(format!("{name}@{version}")), false)
    }

    /// Has a package installed from what was sent: an archive, or a module, which has a name that ends with `.wasm`. Returns its name
    /// when it was looked through; the rest goes on.
    ///
    /// # Errors
    /// It is no package of a plugin or web app, the disk refuses, or too much waits.
    pub async fn install_file(&self, file_name: String, file: NamedTempFile) -> Result<Job, PackageError> {
        let _put_away = self.0.archives.lock().await;
        let directory = self.0.npm.directory().to_owned();
        let (contents, path) =
            blocking(move || shelf::keep(&file_name, file, &directory)).await.ok_or(PackageError::ShutDown)??;
        let version = Some(contents.version.clone());
        let work = Work::Install(path.display().to_string());
        let id = self.begin(Action::Install, &contents.name, version, work, true)?;
        self.job(id).ok_or(PackageError::ShutDown)
    }

    /// What `package.json` names and is not there.
    pub async fn missing(&self) -> Vec<Missing> {
        let directory = self.0.npm.directory().to_owned();
        blocking(move || missing(&directory)).await.unwrap_or_default()
    }

    /// Has what is missing installed, but for what can't be had. Returns what is done now; the rest goes on.
    ///
    /// # Errors
    /// Too much waits.
    pub async fn install_missing(&self) -> Result<Vec<Job>, PackageError> {
        let mut begun = Vec::new();
        for one in self.missing().await {
            let Some(what) = one.what else { continue };
            let is_file = one.from.starts_with("file:");
            match self.begin(Action::Install, &one.name, None, Work::Install(what), is_file) {
                Ok(id) => begun.extend(self.job(id)),
                // It is being installed already.
                Err(PackageError::Busy(_)) => {}
                // With each package npm installs all others that are named, so the rest comes along.
                Err(PackageError::Full) if !begun.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(begun)
    }

    /// Has a package removed; its plugin is stopped before. What it has saved stays.
    ///
    /// # Errors
    /// It is not installed, npm did not install it, or too much waits.
    pub async fn remove(&self, name: &PackageName) -> Result<u64, PackageError> {
        let (npm, wanted) = (self.0.npm.clone(), name.clone());
        let possible = blocking(move || npm.remove(&wanted).map(drop)).await.ok_or(PackageError::ShutDown)?;
        match possible {
            Err(PackageError::NotNpms(_)) if !self.installed().iter().any(|one| one.name == name.as_str()) => {
                return Err(PackageError::Unknown(name.to_string()));
            }
            possible => possible?,
        }
        self.begin(Action::Remove, name, None, Work::Remove(name.clone()), false)
    }

    /// What is and was done, latest first.
    pub fn jobs(&self) -> Vec<Job> {
        self.lock().all.iter().rev().cloned().collect()
    }

    /// The latest about a package.
    pub fn job_of(&self, name: &str) -> Option<Job> {
        self.lock().all.iter().rev().find(|job| job.name == name).cloned()
    }

    fn job(&self, id: u64) -> Option<Job> {
        self.lock().all.iter().find(|job| job.id == id).cloned()
    }

    /// The installed packages.
    pub fn installed(&self) -> Vec<InstalledPackage> {
        self.0.plugins.packages()
    }

    /// Whether npm can remove a package.
    pub async fn removable(&self) -> Vec<String> {
        let directory = self.0.npm.directory().to_owned();
        let named = blocking(move || modules::dependencies(&directory)).await.unwrap_or_default();
        named.into_iter().map(|(name, _)| name).collect()
    }

    /// What the registry has; asked at most once a minute.
    ///
    /// # Errors
    /// In words: it does not answer, or there is no npm.
    pub async fn offered(&self) -> Answer {
        if let Some(known) = self.known() {
            return known;
        }
        let _one_at_a_time = self.0.asking.lock().await;
        if let Some(known) = self.known() {
            return known;
        }
        let found = self.search().await.map_err(|error| error.to_string());
        *self.0.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), found.clone()));
        found
    }

    /// The registry is asked again the next time.
    pub fn refresh(&self) {
        *self.0.answer.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The latest answer of the registry, if it is fresh.
    fn known(&self) -> Option<Answer> {
        let answer = self.0.answer.lock().unwrap_or_else(PoisonError::into_inner);
        answer.as_ref().filter(|(at, _)| at.elapsed() < FRESH).map(|(_, answer)| answer.clone())
    }

    async fn search(&self) -> Result<Arc<[Offered]>, PackageError> {
        let ask = async |keyword| {
            let mut said = Vec::new();
            let (status, printed) = run(self.0.npm.search(keyword), SEARCH, |line| said.push(line.to_owned())).await?;
            match registry::found(&printed) {
                Err(_) if !status.success() && !said.is_empty() => {
                    Err(PackageError::Registry(complaint(said.iter().map(String::as_str))))
                }
                found => found,
            }
        };
        let (plugins, apps) = tokio::join!(ask(PLUGINS), ask(WEB_APPS));
        let mut all = plugins?;
        for app in apps? {
            if all.iter().all(|known| known.name != app.name) {
                all.push(app);
            }
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all.into())
    }

    fn begin(
        &self,
        action: Action,
        name: &PackageName,
        version: Option<String>,
        work: Work,
        file: bool,
    ) -> Result<u64, PackageError> {
        let id = {
            let mut jobs = self.lock();
            let under_way = jobs.all.iter().filter(|job| !job.state.is_over());
            if under_way.clone().any(|job| job.name == name.as_str()) {
                return Err(PackageError::Busy(name.to_string()));
            }
            if under_way.count() >= MAX_WAITING {
                return Err(PackageError::Full);
            }
            if jobs.all.len() >= MAX_OVER
                && let Some(oldest) = jobs.all.iter().position(|job| job.state.is_over())
            {
                jobs.all.remove(oldest);
            }
            jobs.latest += 1;
            let id = jobs.latest;
            jobs.all.push_back(Job::new(id, action, name.to_string(), version, file));
            id
        };
        let (installer, name) = (self.clone(), name.clone());
        // Of its own: it goes on when whoever asked for it has gone.
        actix_web::rt::spawn(async move { installer.carry_out(id, &name, work).await });
        Ok(id)
    }

    async fn carry_out(&self, id: u64, name: &PackageName, work: Work) {
        self.tell().await;
        let _turn = self.0.turn.lock().await;
        let done = match work {
            Work::Install(what) => self.put_in(id, name, what).await,
            Work::Remove(what) => self.take_away(id, &what).await,
        };
        self.clear_shelf(id).await;
        match done {
            Ok(message) => {
                log::info!("package {name}: {message}");
                self.change(id, |job| job.enter(JobState::Done, message));
            }
            Err(error) => {
                log::error!("package {name}: {error}");
                self.change(id, |job| job.enter(JobState::Failed, error.to_string()));
            }
        }
        self.tell().await;
    }

    /// Removes the archives that nothing is installed from, after a job; not while another one waits for its turn.
    async fn clear_shelf(&self, id: u64) {
        let _nothing_comes = self.0.archives.lock().await;
        if self.lock().all.iter().any(|job| job.id != id && !job.state.is_over()) {
            return;
        }
        let directory = self.0.npm.directory().to_owned();
        if let Some(Err(error)) = blocking(move || shelf::clear(&directory)).await {
            log::warn!("{error}");
        }
    }

    async fn put_in(&self, id: u64, name: &PackageName, what: String) -> Result<String, PackageError> {
        self.enter(id, JobState::Npm, "npm installs it").await;
        let (npm, wanted) = (self.0.npm.clone(), name.clone());
        let prepared = blocking(move || {
            check_others(npm.directory(), &wanted)?;
            Ok::<_, PackageError>((npm.install(&[what])?, modules::installed(npm.directory())))
        });
        let (command, before) = prepared.await.ok_or(PackageError::ShutDown)??;
        self.run(id, command).await?;
        self.enter(id, JobState::Loading, "the server looks for it").await;
        let directory = self.0.npm.directory().to_owned();
        let after = blocking(move || modules::installed(&directory)).await.ok_or(PackageError::ShutDown)?;
        let changes = self.0.plugins.look_again(&replaced(&before, &after)).await?;
        let plugin = self.0.plugins.id_of(name.as_str());
        self.change(id, |job| job.plugin.clone_from(&plugin));
        Ok(outcome(name, &after, &changes, &self.0.plugins))
    }

    async fn take_away(&self, id: u64, name: &PackageName) -> Result<String, PackageError> {
        let (npm, wanted) = (self.0.npm.clone(), name.clone());
        let command = blocking(move || npm.remove(&wanted)).await.ok_or(PackageError::ShutDown)??;
        self.enter(id, JobState::Stopping, "its plugin is stopped").await;
        self.0.plugins.take_out(name.as_str()).await;
        self.enter(id, JobState::Npm, "npm removes it").await;
        let removed = self.run(id, command).await;
        self.enter(id, JobState::Loading, "the server looks what is left").await;
        // Also when it could not be removed: then its plugin comes back.
        self.0.plugins.look_again(&[]).await?;
        removed?;
        Ok("removed; its settings are kept, should it be installed again".to_owned())
    }

    async fn run(&self, id: u64, mut command: std::process::Command) -> Result<(), PackageError> {
        // What it fetches is the only progress that npm tells of.
        command.env("npm_config_loglevel", "http");
        let (status, printed) = run(command, NPM, |line| self.change(id, |job| job.hear(line))).await?;
        for line in String::from_utf8_lossy(&printed).lines().filter(|line| !line.is_empty()) {
            self.change(id, |job| job.hear(line));
        }
        if status.success() {
            return Ok(());
        }
        let said = self.job(id).map(|job| complaint(job.log())).unwrap_or_default();
        Err(PackageError::Npm { status, said })
    }

    async fn enter(&self, id: u64, state: JobState, message: &str) {
        self.change(id, |job| job.enter(state, message));
        self.tell().await;
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut Job)) {
        if let Some(job) = self.lock().all.iter_mut().find(|job| job.id == id) {
            change(job);
        }
    }

    async fn tell(&self) {
        self.0.events.emit(CHANGED, &self.store_as_known().await);
    }

    /// The answer of `GET /skServer/appstore/available/` (server-admin-api §6), after asking the registry.
    pub async fn store(&self) -> Value {
        let offered = self.offered().await;
        self.store_with(Some(offered)).await
    }

    /// The same with what is known of the registry.
    async fn store_as_known(&self) -> Value {
        let answer = self.0.answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.store_with(answer.map(|(_, answer)| answer)).await
    }

    async fn store_with(&self, offered: Option<Answer>) -> Value {
        let problem = offered.as_ref().and_then(|offered| offered.as_ref().err().cloned());
        let found = offered.and_then(Result::ok);
        let removable = self.removable().await;
        super::store::document(found.as_deref(), problem, &self.installed(), &removable, &self.jobs())
    }

    fn lock(&self) -> MutexGuard<'_, Jobs> {
        // Whole between any two statements above, also after a panic.
        self.0.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names of the plugins that are another file than before.
fn replaced(before: &[Installed], after: &[Installed]) -> Vec<String> {
    let changed = after.iter().filter(|one| !before.contains(one));
    changed.map(|one| one.package.name.clone()).collect()
}

/// What came of it, for people.
fn outcome(name: &PackageName, after: &[Installed], changes: &PackageChanges, plugins: &PluginManager) -> String {
    let Some(installed) = after.iter().find(|one| one.package.name == name.as_str()) else {
        return match plugins.web_apps().iter().any(|app| app.name == name.as_str()) {
            true => format!("the web app is installed; it is at /{name}/"),
            false => {
                "npm has installed it, but it is neither a plugin nor a web app that this server can use".to_owned()
            }
        };
    };
    if let Some(problem) = &installed.package.problem {
        return format!("it is installed, but can't run: {problem}");
    }
    let version = &installed.package.version;
    match changes.reloaded.iter().find(|(reloaded, _)| reloaded == name.as_str()) {
        Some((_, Ok(()))) => format!("version {version} is loaded"),
        Some((_, Err(error))) => format!("version {version} is installed, but not loaded: {error}"),
        None if changes.added.iter().any(|added| added == name.as_str()) => {
            format!("version {version} is installed; the plugin is in the list now")
        }
        None => format!("version {version} was there already"),
    }
}

/// For pages that show one job with its log: `{…, lines}`.
pub fn with_log(job: &Job) -> Value {
    let mut shown = json!(job);
    shown["lines"] = job.log().collect::<Vec<_>>().into();
    shown
}
