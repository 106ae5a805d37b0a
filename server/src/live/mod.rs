//! Settings that are changed while the server runs.
//!
//! One task, the conductor, carries out all changes, one after the other, on the main thread. It compares what the settings ask for with
//! what the server does ([`Running`]), and tells each part only what is different. What can fail is tried before anything is saved: a port
//! is taken, a certificate read, a folder written to. So whoever makes a change is told of what is wrong with it, and everything stays as
//! it was. A change that was begun is finished, also when the client that asked for it has gone.
//!
//! | setting | who holds it | how it is changed |
//! |---|---|---|
//! | `port`, `sslport`, `options.ssl` | [`Listeners`] | the new port is taken and served, then the former one is left: requests under way are answered, streams go on for an hour at most; also those without encryption when it is switched on |
//! | `options.mdns` | [`Announcement`] | is begun or taken back; also begun anew when the port that it names is another one |
//! | `interfaces.tcp`, `interfaces.nmea-tcp` | [`Outputs`] | that port alone is opened or closed |
//! | `interfaces.wasm` | `PluginManager` | all plugins are stopped, or those that are enabled are started |
//! | `options.wsPingInterval` | `PingInterval` | connected clients begin anew with it |
//! | `options.trustProxy` | `Proxies` | counts from the next request on |
//! | `options.accessLogging` | `AccessLog` | counts from the next request on |
//! | `pruneContextsMinutes` | the ticker | a channel; it is looked for silent contexts at once |
//! | `staleness.*` | `StalenessControl` | the stage takes it over; switched on, it also watches what came before |
//! | `notifications.manageNotifications` | `NotificationManager` | notifications pass it as they are, and it forgets those that do |
//! | `loggingDirectory`, `keepMostRecentLogsOnly`, `logCountToKeep` | `RawLog` | counts from the next line on, in another file |
//!
//! Others are changed elsewhere and hold at once as well: connections, priorities, units, users and permissions with the origins that may
//! ask, the log's level and debug keys. `host`, `workers`, limits of plugins and the bounds of streams are in windlass.toml or the
//! environment only, which are read when the server starts.

mod form;
mod prepared;
mod report;
mod running;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use actix::ArbiterHandle;
use config::Config;
use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot, watch};
use windlass_actors::discovery::Reach;
use windlass_actors::staleness::StalenessControl;
use windlass_broker::RetimeStages;
use windlass_store::ChangeError;

pub use self::form::shown;
use self::prepared::Prepared;
use self::report::Judge;
pub use self::report::{Address, Change, Effect, Report};
pub use self::running::{CommandLine, Running};
use crate::http::{AppState, TlsService};
use crate::listeners::{Listeners, Port, Site};
use crate::mdns::{self, Announcement, Subject};
use crate::outputs::{Outputs, output_ports};
use crate::settings::{BadSetting, SaveSettingsError, Settings, TlsFiles};
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
        let mut conductor = Conductor {
            parts,
            running,
            command_line,
            own: settings.own.clone(),
            tls: settings.tls.clone(),
            saved: settings.reference.clone(),
            directory,
        };
        conductor.announce();
        actix::spawn(conductor.conduct(self.0));
    }
}

struct Conductor {
    parts: Parts,
    running: Running,
    command_line: CommandLine,
    /// windlass.toml, as it was at the start: whoever is about to edit it may not be done.
    own: Config,
    /// The certificates that it named.
    tls: TlsFiles,
    /// settings.json, as `running` was made from it.
    saved: Map<String, Value>,
    directory: PathBuf,
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
        // What is wrong with them was told at the start.
        let outputs = output_ports(|name| std::env::var(name).ok(), &mut Vec::new());
        let edit = move |settings: &mut Map<String, Value>| {
            let before = settings.clone();
            form::apply(settings, &body)?;
            form::check_ports(&before, settings, &body, defaults, &outputs)
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
        if let Err(error) = state.settings.change(edit).await {
            prepared.give_back();
            return Err(error);
        }
        let before = std::mem::replace(&mut self.saved, wanted);
        let (moved, obstacles) = self.apply(next, prepared).await;
        let shown = [&before, &self.saved].map(|saved| shown(saved, &self.directory, defaults));
        let judge = Judge {
            saved: &self.saved,
            running: &self.running,
            command_line: &self.command_line,
            has_variable: |name| std::env::var_os(name).is_some(),
            obstacles: &obstacles,
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
        let settings = Settings::with_reference(&self.directory, &self.own, reference.clone());
        let mut settings = settings.map_err(|error| BadSetting(format!("nothing is saved: {error}")))?;
        self.command_line.apply(&mut settings);
        // What is wrong with other settings was told at the start.
        let mut next = Running::of(&settings, &self.directory, &mut Vec::new());
        // A name that can't be looked up any more is no reason to listen elsewhere.
        next.host.clone_from(&self.running.host);
        next.outputs.signalk_host.clone_from(&self.running.outputs.signalk_host);
        Ok(next)
    }

    /// Has the parts do what is to be done, each only if that is something else than before. Returns whether the server listens elsewhere,
    /// and what it does not do, as [`Prepared::obstacles`].
    async fn apply(&mut self, next: Running, prepared: Prepared) -> (bool, BTreeMap<String, String>) {
        let former = std::mem::replace(&mut self.running, next);
        let Prepared { plain, tls, mut obstacles } = prepared;
        let moved = self.move_ports(&former, plain, tls);
        let mut fails = |what: &str, why: String| {
            log::error!("{why}");
            obstacles.insert(what.to_owned(), why);
        };
        let (now, parts) = (&self.running, &mut self.parts);
        // Who connects from here on is led to TLS; streams without it are not to go on for ever.
        if now.ssl
            && !former.ssl
            && let Err(error) = parts.listeners.renew_plain(&parts.site).await
        {
            fails(
                "options.ssl",
                format!("Encryption is on, but present streams stay without it: {error}. Start the server again."),
            );
        }
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
                let why =
                    "Stale values are looked for as before, because the broker has stopped. Start the server again.";
                fails("staleness", why.to_owned());
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
            fails("interfaces.wasm", format!("Plugins are run as before: {error}. Start the server again."));
        }
        if moved || now.announced() != former.announced() {
            self.announce_anew().await;
        }
        (moved, obstacles)
    }

    fn move_ports(&mut self, former: &Running, plain: Option<Port>, tls: Option<(Port, Tls)>) -> bool {
        let (now, parts) = (&self.running, &mut self.parts);
        let before = parts.listeners.addresses();
        match tls {
            Some((next, served)) => {
                let (port, root) = (next.port(), served.root.as_deref().map(Arc::from));
                tls::tell_problems(&served.problems, &parts.state.status);
                parts.listeners.move_tls(Some(next));
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
        if let Some(next) = plain {
            parts.listeners.move_plain(next);
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
