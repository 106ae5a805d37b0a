//! Settings that are changed while the server runs.
//!
//! One task, the conductor, carries out all changes, one after the other, on the main thread. It compares what the settings ask for with
//! what the server does ([`Running`]), and tells each part only what is different. What can fail is tried before anything is saved: a port
//! is taken, a certificate read, a folder written to. So whoever makes a change is told of what is wrong with it, and everything stays as
//! it was. A change that was begun is finished, also when the client that asked for it has gone.
//!
//! | setting | who holds it | how it is changed |
//! |---|---|---|
//! | `port`, `sslport`, `options.ssl` | [`Listeners`] | the new port is taken, then served; the former one is left: requests under way are answered, streams go on for an hour at most |
//! | `options.mdns` | [`Announcement`] | is begun or taken back; also begun anew when the port that it names is another one |
//! | `interfaces.tcp`, `interfaces.nmea-tcp` | [`Outputs`] | that port alone is opened or closed |
//! | `interfaces.wasm` | `PluginManager` | all plugins are stopped, or those that are enabled are started |
//! | `options.wsPingInterval` | `PingInterval` | connected clients begin anew with it |
//! | `options.trustProxy` | `Proxies` | counts from the next request on |
//! | `options.accessLogging` | `AccessLog` | counts from the next request on |
//! | `pruneContextsMinutes` | the ticker | a channel; it is looked for silent contexts at once |
//! | `staleness.*` | `StalenessControl` | the stage takes it over; switched on, it also watches what came before |
//! | `notifications.manageNotifications` | `NotificationManager` | notifications pass it as they are, and it forgets those it knew |
//! | `loggingDirectory`, `keepMostRecentLogsOnly`, `logCountToKeep` | `RawLog` | counts from the next line on, in another file |
//!
//! Others are changed elsewhere and hold at once as well: connections, priorities, units, users and permissions with the origins that may
//! ask, the log's level and debug keys. `host`, `workers`, limits of plugins and the bounds of streams are in windlass.toml or the
//! environment only, which are read when the server starts.

mod form;
mod report;
mod running;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

use actix::ArbiterHandle;
use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot, watch};
use windlass_actors::discovery::Reach;
use windlass_actors::staleness::StalenessControl;
use windlass_broker::RetimeStages;
use windlass_store::ChangeError;

use self::form::invalid;
pub use self::form::shown;
use self::report::Judge;
pub use self::report::{Address, Change, Effect, Report};
pub use self::running::{CommandLine, Running};
use crate::http::{AppState, TlsService};
use crate::listeners::{Bound, Listeners, Site};
use crate::mdns::{self, Announcement, Subject};
use crate::outputs::Outputs;
use crate::settings::{BadSetting, SaveSettingsError, Settings};
use crate::tls::{self, Tls};

/// Changes that may wait for their turn.
const WAITING: usize = 16;

/// Where changes are asked for. Clones share.
#[derive(Debug, Clone)]
pub struct Live(mpsc::Sender<Order>);

/// What is asked of the conductor, until there is one.
#[derive(Debug)]
pub struct Orders(mpsc::Receiver<Order>);

enum Order {
    /// A change, as the body of a request.
    Change(Value, oneshot::Sender<Result<Report, SaveSettingsError>>),
    /// The parts are to be given back: the server goes down.
    End(oneshot::Sender<Parts>),
}

/// What the conductor changes.
pub struct Parts {
    /// What the handlers share, and with it most of the parts.
    pub state: AppState,
    /// What the ports serve.
    pub site: Site,
    /// The ports.
    pub listeners: Listeners,
    /// The TCP outputs.
    pub outputs: Outputs,
    /// Where the server is announced.
    pub reach: Reach,
    /// The announcement, while there is one.
    pub announcement: Option<Announcement>,
    /// Minutes after which contexts are forgotten.
    pub prune_minutes: watch::Sender<f64>,
    /// When values count as stale.
    pub staleness: StalenessControl,
    /// Whether notifications are managed.
    pub notifications: Arc<AtomicBool>,
    /// Where input and output happen.
    pub io: ArbiterHandle,
}

/// Where changes are asked for, and what is to be served once there is a server.
pub fn channel() -> (Live, Orders) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Live(sender), Orders(receiver))
}

impl Live {
    /// Saves what the body of `PUT /skServer/settings` names, and has the running server do it.
    ///
    /// # Errors
    /// Something in it can't be, or can't be saved: everything stays as it was. The server goes down.
    pub async fn change(&self, body: Value) -> Result<Report, SaveSettingsError> {
        let (answer, answered) = oneshot::channel();
        self.0.send(Order::Change(body, answer)).await.map_err(|_| SaveSettingsError::ShutDown)?;
        answered.await.map_err(|_| SaveSettingsError::ShutDown)?
    }

    /// Ends the changes when those that were asked for are done, and gives back what they were made to; `None` the second time.
    pub async fn end(&self) -> Option<Parts> {
        let (answer, answered) = oneshot::channel();
        self.0.send(Order::End(answer)).await.ok()?;
        answered.await.ok()
    }
}

impl Orders {
    /// Carries out what is asked for from now on, on the present thread. `settings` are those that the parts have, with what the command
    /// line has put over them.
    pub fn serve(self, parts: Parts, settings: &Settings, running: Running, command_line: CommandLine) {
        let directory = parts.state.admin.directory.clone();
        let mut conductor = Conductor { parts, running, command_line, saved: settings.reference.clone(), directory };
        conductor.announce();
        actix::spawn(conductor.conduct(self.0));
    }
}

struct Conductor {
    parts: Parts,
    running: Running,
    command_line: CommandLine,
    /// settings.json, as `running` was made from it.
    saved: Map<String, Value>,
    directory: PathBuf,
}

/// What has been made ready for a change.
#[derive(Default)]
struct Prepared {
    plain: Option<Bound>,
    tls: Option<(Bound, Tls)>,
}

impl Conductor {
    async fn conduct(mut self, mut orders: mpsc::Receiver<Order>) {
        while let Some(order) = orders.recv().await {
            match order {
                Order::Change(body, answer) => {
                    let changed = self.change(body).await;
                    // Who has asked may have gone.
                    let _ = answer.send(changed);
                }
                Order::End(answer) => {
                    let _ = answer.send(self.parts);
                    return;
                }
            }
        }
    }

    async fn change(&mut self, body: Value) -> Result<Report, SaveSettingsError> {
        let state = self.parts.state.clone();
        let (body, defaults) = (Arc::new(body), state.admin.defaults);
        let edit = move |settings: &mut Map<String, Value>| {
            form::apply(settings, &body)?;
            form::check_ports(settings, &body, defaults)
        };
        // Tried on a copy first: nothing is written.
        let trial = edit.clone();
        let wanted = state
            .settings
            .change(move |settings| {
                let mut copy = settings.clone();
                trial(&mut copy).map(|()| copy)
            })
            .await?;
        let refused = |bad| SaveSettingsError::from(ChangeError::Refused(bad));
        let next = self.asked_for(&wanted).map_err(refused)?;
        let prepared = self.prepare(&next).await.map_err(refused)?;
        // In between nobody else changes these keys.
        state.settings.change(edit).await?;
        let before = std::mem::replace(&mut self.saved, wanted);
        let moved = self.apply(next, prepared).await;
        let shown = [&before, &self.saved].map(|saved| shown(saved, &self.directory, defaults));
        let judge = Judge {
            saved: &self.saved,
            running: &self.running,
            command_line: &self.command_line,
            has_variable: |name| std::env::var_os(name).is_some(),
        };
        Ok(Report {
            message: "Settings changed",
            changes: judge.changes(&before, [&shown[0], &shown[1]]),
            addresses: self.parts.listeners.addresses().into_iter().map(Address::of).collect(),
            moved,
        })
    }

    /// What the server is to do when settings.json has this content.
    fn asked_for(&self, reference: &Map<String, Value>) -> Result<Running, BadSetting> {
        let settings = Settings::with_reference(&self.directory, reference.clone());
        let mut settings = settings.map_err(|error| BadSetting(format!("nothing is saved: {error}")))?;
        self.command_line.apply(&mut settings);
        // What is wrong with other settings was told at the start.
        Ok(Running { host: self.running.host.clone(), ..Running::of(&settings, &self.directory, &mut Vec::new()) })
    }

    /// Makes ready what can fail.
    async fn prepare(&self, next: &Running) -> Result<Prepared, BadSetting> {
        let mut prepared = Prepared::default();
        if next.port != self.running.port {
            prepared.plain = Some(self.bind(next, next.port, "/port", None)?);
        }
        if next.ssl && (!self.running.ssl || next.ssl_port != self.running.ssl_port) {
            let (directory, is_on) = (self.directory.clone(), self.running.ssl);
            let tls = blocking(move || certificates(&directory, is_on)).await?;
            let bound = self.bind(next, next.ssl_port, "/sslport", Some(&tls))?;
            prepared.tls = Some((bound, tls));
        }
        if next.raw_log.directory != self.running.raw_log.directory {
            let directory = next.raw_log.directory.clone();
            blocking(move || check_folder(&directory)).await?;
        }
        Ok(prepared)
    }

    fn bind(&self, next: &Running, port: u16, pointer: &str, tls: Option<&Tls>) -> Result<Bound, BadSetting> {
        let address = next.address(port);
        self.parts.site.bind(&address, tls.map(|tls| tls.config.clone())).map_err(|error| {
            let why = format!(
                "can't listen on {address}: {error}; nothing is saved. Choose another port, or end the program that uses it"
            );
            invalid("settings", pointer, &why)
        })
    }

    /// Has the parts do what is to be done, each only if that is something else than before. Returns whether the server listens elsewhere.
    async fn apply(&mut self, next: Running, prepared: Prepared) -> bool {
        let former = std::mem::replace(&mut self.running, next);
        let moved = self.move_ports(&former, prepared);
        let (now, parts) = (&self.running, &mut self.parts);
        let state = &parts.state;
        state.proxies.set(&now.proxies);
        state.access_log.set(now.access_log);
        let ping = now.ws_ping_interval;
        state.stream.ping_interval.set((ping > 0).then(|| Duration::from_millis(ping)));
        parts.notifications.store(now.manage_notifications, Relaxed);
        parts.prune_minutes.send_if_modified(|minutes| {
            std::mem::replace(minutes, now.prune_contexts_minutes) != now.prune_contexts_minutes
        });
        if now.staleness != former.staleness {
            parts.staleness.set(now.staleness.clone());
            if state.broker.send(RetimeStages).await.is_err() {
                log::error!("the broker has stopped; stale values are looked for as before");
            }
        }
        if now.raw_log != former.raw_log {
            state.raw_log.set(now.raw_log.clone());
        }
        if now.outputs != former.outputs {
            parts.outputs.set(now.outputs.clone()).await;
        }
        if now.plugins != former.plugins
            && let Err(error) = state.plugins.run_plugins(now.plugins).await
        {
            log::error!("plugins are run as before: {error}");
        }
        if moved || now.announced() != former.announced() {
            self.announce_anew().await;
        }
        moved
    }

    fn move_ports(&mut self, former: &Running, Prepared { plain, tls }: Prepared) -> bool {
        let (now, parts) = (&self.running, &mut self.parts);
        let before = parts.listeners.addresses();
        match tls {
            Some((bound, served)) => {
                let (port, root) = (bound.port(), served.root.as_deref().map(Arc::from));
                tls::tell_problems(&served.problems, &parts.state.status);
                parts.listeners.move_tls(Some(bound));
                // The other port leads there from now on.
                parts.state.tls.set(Some(TlsService { port, root }));
            }
            None if former.ssl && !now.ssl => {
                parts.state.tls.set(None);
                parts.listeners.move_tls(None);
                tls::tell_problems(&[], &parts.state.status);
            }
            None => {}
        }
        if let Some(bound) = plain {
            parts.listeners.move_plain(bound);
        }
        let addresses = parts.listeners.addresses();
        for (scheme, address) in addresses.iter().filter(|address| !before.contains(address)) {
            // Where scripts wait for it, as at the start.
            println!("Windlass is listening on {scheme}://{address}");
            log::info!("listening on {scheme}://{address}");
        }
        before != addresses
    }

    async fn announce_anew(&mut self) {
        if let Some(announcement) = self.parts.announcement.take() {
            announcement.stop().await;
            mdns::forget(&self.parts.state.status);
        }
        self.announce();
    }

    fn announce(&mut self) {
        if !self.running.announced() {
            return;
        }
        let (parts, secure) = (&mut self.parts, self.running.ssl);
        let addresses = parts.listeners.addresses();
        let Some((_, address)) = addresses.iter().find(|(scheme, _)| (*scheme == "https") == secure) else { return };
        let subject = Subject {
            port: address.port(),
            secure,
            outputs: parts.state.outputs.clone(),
            view: parts.state.view.clone(),
            status: parts.state.status.clone(),
            reach: parts.reach,
        };
        parts.announcement = Some(Announcement::start(subject, &parts.io));
    }
}

/// Reads the certificates. TLS that can't be served is not switched on; where it is on already, something stands in, as at the start.
fn certificates(directory: &Path, is_on: bool) -> Result<Tls, BadSetting> {
    let bad = |error: &dyn std::fmt::Display| BadSetting(format!("SSL can't be switched on: {error}"));
    let settings = Settings::with_reference(directory, Map::new()).map_err(|error| bad(&error))?;
    let (certificates, names) = settings.tls.certificates(directory);
    let loaded = if is_on {
        certificates.load_or_replace(directory, &names, SystemTime::now())
    } else {
        certificates.load(directory, &names, SystemTime::now())
    };
    loaded.map_err(|error| bad(&error))
}

/// Whether the log can go to a folder, which is made when it is not there.
fn check_folder(directory: &Path) -> Result<(), BadSetting> {
    let made = std::fs::create_dir_all(directory);
    made.and_then(|()| tempfile::tempfile_in(directory)).map(drop).map_err(|error| {
        let why = format!(
            "{} can't be written: {error}; name a folder in which the server may make files",
            directory.display()
        );
        invalid("settings", "/loggingDirectory", &why)
    })
}

/// Runs what waits for the disk where it may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BadSetting> + Send + 'static,
) -> Result<T, BadSetting> {
    let down = |_| BadSetting("the server is shutting down; nothing is saved".to_owned());
    tokio::task::spawn_blocking(work).await.map_err(down)?
}
