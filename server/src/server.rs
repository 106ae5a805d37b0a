//! Starting and stopping: which actor runs on which thread.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use actix::{Actor, Addr, Arbiter};
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use windlass_actors::StatusBoard;
use windlass_actors::access_desk::AccessDesk;
use windlass_actors::alarm_history::{AlarmHistory, AlarmRecorder};
use windlass_actors::connections::{ConnectionContext, ConnectionManager, ConnectionSettings, PlaybackOptions, RawLog};
use windlass_actors::data_model::{DataModel, ModelView};
use windlass_actors::notifications::{NotificationManager, ZoneMemory, Zones};
use windlass_actors::outputs::SentenceBus;
use windlass_actors::plugins::{PluginManager, PluginSettings};
use windlass_actors::providers::Providers;
use windlass_actors::put::{CategoryCheck, Feeders, PutHandlers};
use windlass_actors::staleness::{Staleness, StalenessControl};
use windlass_actors::stream::{EventBus, Hello, PingInterval, SlowClientLimits, StreamContext, StreamCounters};
use windlass_broker::observe::Observatory;
use windlass_broker::{Broker, DEFAULTS_SOURCE, Delta, NameError, Origin, Publish, SourceRef, Stage};
use windlass_security::SecurityError;

use crate::administration::{Administration, DefaultSettings, Ending};
use crate::custom_resources::CustomResources;
use crate::demo;
use crate::http::{AccessLog, AppState, ConnectionLimit, PROTOCOL_VERSION, ServedTls};
use crate::identity::{IdentityError, OwnShip, VesselFile, defaults_as_deltas};
use crate::listeners::{Listeners, Reserved, Site};
use crate::live::{self, CommandLine, Live, Parts, Running};
use crate::logging::logging;
use crate::outputs::Outputs;
use crate::packages::Installer;
use crate::performance::Performance;
use crate::priorities::PriorityFile;
use crate::security;
use crate::settings::{Settings, SettingsError, SettingsFile};
use crate::source_events::{self, AskBroker, PreferredSources};
use crate::ticker;
use crate::tls::{self, TlsError};
use crate::unit_preferences::UnitPreferences;
use crate::vessel::has_zones;

/// In whose name alarms of before the start are published.
const ZONES: &str = "zones";
/// The id of the connection that `--playback` adds.
const PLAYBACK: &str = "playback";

/// What the command line says.
#[derive(Debug, Clone, Default)]
pub struct StartOptions {
    /// The configuration directory; made when absent.
    pub config_dir: PathBuf,
    /// Port, over the settings.
    pub port: Option<u16>,
    /// Address, over the settings.
    pub host: Option<String>,
    /// A recording to play, and how many times faster.
    pub playback: Option<(PathBuf, f64)>,
    /// Simulate a boat and run the example plugins.
    pub demo: bool,
    /// Let everybody do everything.
    pub insecure: bool,
    /// Where compiled plugins are kept, if not in the configuration directory.
    pub module_cache: Option<PathBuf>,
}

/// Why the server can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration directory can't be used.
    #[error(
        "the configuration directory {path} can't be used: {source}; make it writable or name another with --config-dir"
    )]
    ConfigDir {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The settings can't be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The own ship can't be told.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The recording can't be read.
    #[error("the recording {path} can't be played: {source}")]
    Playback {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The simulated boat can't start.
    #[error("the simulated boat can't start: {0}")]
    Demo(#[source] std::io::Error),
    /// The port is taken or not allowed.
    #[error("can't listen on {address}: {source}; choose another port with --port, or end the program that uses it")]
    Listen {
        /// Host and port.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The port of TLS is taken or not allowed.
    #[error(
        "can't listen for TLS on {address}: {source}; choose another `sslport` in settings.json, or end the program that uses it"
    )]
    ListenTls {
        /// Host and port.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The users and permissions can't be read.
    #[error(transparent)]
    Security(#[from] SecurityError),
    /// TLS can't be served.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A name that the server needs is refused.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// A running server.
pub struct Server {
    live: Live,
    addresses: Vec<(&'static str, SocketAddr)>,
    connections: Arc<ConnectionManager>,
    plugins: PluginManager,
    broker: Addr<Broker>,
    admin: Arc<Administration>,
    raw_log: RawLog,
    zone_memory: ZoneMemory,
    alarm_history: AlarmHistory,
    arbiters: Vec<Arbiter>,
}

impl Server {
    /// Starts everything. Plugins load in the background: the port is open first.
    pub async fn start(options: StartOptions) -> Result<Self, StartError> {
        let config_dir = options.config_dir.clone();
        let config_dir_error = |source| StartError::ConfigDir { path: options.config_dir.clone(), source };
        std::fs::create_dir_all(&config_dir).map_err(config_dir_error)?;
        let config_dir = config_dir.canonicalize().map_err(config_dir_error)?;
        if options.demo {
            demo::prepare(&config_dir).map_err(config_dir_error)?;
        }
        let mut settings = Settings::load(&config_dir)?;
        for problem in &settings.problems {
            log::error!("{problem}");
        }
        let configured = DefaultSettings::from(&settings);
        recall_debug(&settings.reference);
        let command_line = CommandLine { port: options.port, host: options.host, demo: options.demo };
        command_line.apply(&mut settings);
        let mut problems = Vec::new();
        let running = Running::of(&settings, &config_dir, &mut problems);
        for problem in &problems {
            log::error!("{problem}");
        }
        let open = match (options.insecure, settings.insecure, options.demo) {
            (true, _, _) => Some("started with --insecure"),
            (_, true, _) => Some("insecure is set in windlass.toml or the environment"),
            (_, _, true) => Some("the demo is open to this computer"),
            _ => None,
        };
        let (security, limits) = security::load(&config_dir, open)?;
        let status = StatusBoard::default();
        let tls = if settings.ssl {
            let (certificates, names) = settings.tls.certificates(&config_dir);
            let tls = certificates.load_or_replace(&config_dir, &names, SystemTime::now())?;
            tls::tell_problems(&tls.problems, &status);
            Some(tls)
        } else {
            None
        };
        let own = OwnShip::load(&config_dir)?;
        let vessel = VesselFile::in_directory(&config_dir, &own);
        log::info!(
            "windlass {} in {}, own ship {}",
            env!("CARGO_PKG_VERSION"),
            config_dir.display(),
            own.identity.id()
        );

        let (core, io, observatory) = (Arbiter::new(), Arbiter::new(), Observatory::default());
        observatory.watch_thread(|| "main".to_owned());
        for (arbiter, name) in [(&core, "core"), (&io, "io")] {
            let observatory = observatory.clone();
            arbiter.spawn_fn(move || observatory.watch_thread(|| name.to_owned()));
        }
        let view = ModelView::new(own.identity.clone());
        let model = DataModel::start_in_arbiter(&core.handle(), {
            let (view, observatory) = (view.clone(), observatory.clone());
            move |_| DataModel::new(view).observed_by(&observatory)
        });
        let own_context = own.identity.context().clone();
        let zone_memory = ZoneMemory::load(&config_dir);
        io.spawn({
            let memory = zone_memory.clone();
            async move { memory.save_changes().await }
        });
        let zones = Zones::new(own_context.clone(), zone_memory.clone())?;
        let remembered = zones.remembered(|path| has_zones(&own.base_deltas, path));
        let alarm_history = AlarmHistory::load(&config_dir, own_context.as_str());
        io.spawn({
            let history = alarm_history.clone();
            async move { history.save_changes().await }
        });
        let mut stages: Vec<Box<dyn Stage>> = Vec::new();
        let notifications = Arc::new(AtomicBool::new(settings.manage_notifications));
        let manager = NotificationManager::new(SourceRef::new("notificationApi")?, own_context.clone());
        stages.push(Box::new(manager.recalling(alarm_history.attended()).switched_by(notifications.clone())));
        stages.push(Box::new(zones));
        stages.push(Box::new(AlarmRecorder::new(alarm_history.clone())?));
        let staleness = StalenessControl::new(settings.staleness.clone());
        stages.push(Box::new(Staleness::new(view.clone(), &staleness)?));
        let mut problems = Vec::new();
        let priorities = Arc::new(PriorityFile::load(&config_dir, &settings.reference, &mut problems));
        for problem in &problems {
            log::error!("{problem}");
        }
        let events = EventBus::default();
        let remember = settings.reference.get("rememberDebug") == Some(&Value::Bool(true));
        events.emit("DEBUG_SETTINGS", &json!({"debugEnabled": logging().debug(), "rememberDebug": remember}));
        events.emit("VESSEL_INFO", &own.info());
        source_events::emit_priorities(&events, &priorities);
        source_events::emit_groups(&events, &view, &priorities);
        let preferred = PreferredSources::start_in_arbiter(&core.handle(), {
            let (events, observatory) = (events.clone(), observatory.clone());
            move |_| PreferredSources::new(events, &observatory)
        });
        let broker = Broker::start_in_arbiter(&core.handle(), {
            let switches = preferred.clone().recipient();
            let (model, own, ranking) = (model.clone(), own_context.clone(), priorities.settings());
            let override_timestamps = settings.override_timestamps;
            let observatory = observatory.clone();
            move |_| {
                Broker::new(model.clone().recipient(), model.recipient())
                    .observed_by(&observatory)
                    .overriding_timestamps(override_timestamps)
                    .judging(own, &ranking)
                    .telling_switches(switches)
                    .with_stages(stages)
            }
        });
        if preferred.send(AskBroker(broker.clone())).await.is_err() {
            log::error!("nobody will be told which sources are preferred: the thread of the bus has stopped");
        }
        publish_base_deltas(&own, &broker).await?;
        publish(&broker, SourceRef::new(ZONES)?, remembered).await;

        let mut connections = std::mem::take(&mut settings.connections);
        if let Some((file, speed)) = &options.playback {
            let unreadable = |source| StartError::Playback { path: file.clone(), source };
            let file = file.canonicalize().map_err(unreadable)?;
            std::fs::File::open(&file).map_err(unreadable)?;
            let playing = PlaybackOptions { speed: *speed, looped: true };
            connections.push(ConnectionSettings::playback(PLAYBACK, &file, playing));
        }
        if options.demo {
            let boat = demo::start_boat().await.map_err(StartError::Demo)?;
            let (host, port) = (boat.ip().to_string(), boat.port());
            connections.push(ConnectionSettings::nmea0183_client(demo::CONNECTION, &host, port));
        }

        let mut roots = vec![config_dir.join("node_modules")];
        if options.demo {
            roots.extend(demo::plugin_root());
        }
        let plugin_settings = PluginSettings {
            config_dir: config_dir.clone(),
            roots,
            limits: settings.plugins.limits.clone(),
            overrides: settings.plugins.overrides.clone(),
            watch: settings.plugins.watch,
            cache_dir: options.module_cache.unwrap_or_else(|| config_dir.join("wasm-cache")),
            authorities: std::mem::take(&mut settings.plugins.authorities),
            wasm_enabled: settings.plugins.enabled,
            disable_all: std::env::var_os("DISABLEPLUGINS").is_some(),
            enabled_by_default: split_list(std::env::var("DEFAULTENABLEDPLUGINS").unwrap_or_default()),
            observatory: observatory.clone(),
        };
        let plugins = PluginManager::start(
            plugin_settings,
            broker.clone(),
            view.clone(),
            status.clone(),
            events.clone(),
            own_context.clone(),
        );
        let sentences = SentenceBus::default();
        let raw_log = RawLog::new(running.raw_log.clone(), status.clone());
        let connection_context = ConnectionContext {
            broker: broker.clone(),
            self_context: own_context.clone(),
            status: status.clone(),
            override_timestamps: settings.override_timestamps,
            view: view.clone(),
            sentences: sentences.clone(),
            raw_log: raw_log.clone(),
            directory: config_dir.clone(),
            arbiter: io.handle(),
            observatory: observatory.clone(),
            reach: settings.mdns_reach,
        };
        let connections = Arc::new(ConnectionManager::start(connections, connection_context));

        let ping = settings.ws_ping_interval;
        let defaults = std::mem::take(&mut settings.default_resource_providers);
        let access =
            AccessDesk::new(security.clone(), broker.clone(), events.clone(), own_context.clone(), &observatory)?;
        let mut problems = Vec::new();
        let units = Arc::new(UnitPreferences::load(&config_dir, &mut problems));
        let custom_resources = Arc::new(CustomResources::load(&config_dir, &mut problems));
        for problem in &problems {
            log::error!("{problem}");
        }
        let providers = Providers::new(&plugins, broker.clone(), own_context.clone(), defaults);
        for kind in custom_resources.names() {
            providers.resources.expect(&kind);
        }
        let categories: CategoryCheck = Box::new({
            let units = units.clone();
            move |unit, category| units.check_category(unit, category)
        });
        let feeders = Feeders::waiting(Duration::from_millis(settings.put_reply_timeout));
        let puts = PutHandlers::new(
            plugins.clone(),
            security.clone(),
            broker.clone(),
            view.clone(),
            vessel.base_deltas(),
            feeders,
        )
        .checking_categories(categories);
        let slow =
            SlowClientLimits::from_environment(|name| std::env::var(name).ok(), |problem| log::error!("{problem}"));
        let admin = Arc::new(Administration::new(&config_dir, configured, vessel, model));
        let stream = StreamContext {
            broker: broker.clone(),
            view: view.clone(),
            security: security.clone(),
            access: access.clone(),
            access_limit: limits.api.clone(),
            puts: puts.clone(),
            events: events.clone(),
            log: logging().rows().clone(),
            status: status.clone(),
            counters: StreamCounters::default(),
            observatory: observatory.clone(),
            slow,
            hello: Arc::new(Hello {
                name: "windlass".into(),
                version: PROTOCOL_VERSION.into(),
                own: own_context.as_str().to_owned(),
                roles: ["master", "main"],
                server_start_id: uuid::Uuid::new_v4().to_string(),
            }),
            ping_interval: PingInterval::new((ping > 0).then(|| Duration::from_millis(ping))),
        };
        // Before the outputs: whatever they are told to listen on, the pages are there to correct it.
        let reserved = Reserved::take(&running)?;
        let (outputs, output_reports) =
            Outputs::start(running.outputs.clone(), stream.clone(), &status, sentences, &io.handle());
        let (live, orders) = live::channel();
        let performance = Performance::start(observatory, stream.clone());
        let state = AppState {
            performance,
            outputs: output_reports,
            raw_log: raw_log.clone(),
            alarm_history: alarm_history.clone(),
            units,
            custom_resources,
            admin: admin.clone(),
            security: security.clone(),
            access: access.clone(),
            limits: limits.clone(),
            proxies: running.proxies.clone(),
            access_log: AccessLog::new(running.access_log),
            tls: ServedTls::default(),
            live: live.clone(),
            host_names: host_names(&settings.reference),
            mdns_reach: settings.mdns_reach,
            broker: broker.clone(),
            view: view.clone(),
            plugins: plugins.clone(),
            installer: Installer::new(&config_dir, plugins.clone(), events.clone()),
            puts: puts.clone(),
            providers,
            settings: SettingsFile::in_directory(&config_dir),
            priorities,
            connections: connections.clone(),
            status: status.clone(),
            events: events.clone(),
            stream,
            limit: ConnectionLimit::new(settings.max_ws_connections_per_ip),
        };
        let (prune_minutes, minutes) = watch::channel(settings.prune_contexts_minutes);
        ticker::start(&core, state.clone(), minutes);
        let site = Site::new(state.clone(), settings.workers);
        let listeners = Listeners::open(&site, reserved, &running, tls, &state.tls).await?;
        let addresses = listeners.addresses();
        let parts = Parts {
            state,
            site,
            listeners,
            outputs,
            reach: settings.mdns_reach,
            announcement: None,
            prune_minutes,
            staleness,
            notifications,
            io: io.handle(),
        };
        orders.serve(parts, &settings, running, command_line);
        Ok(Self {
            live,
            addresses,
            connections,
            plugins,
            broker,
            admin,
            raw_log,
            zone_memory,
            alarm_history,
            arbiters: vec![core, io],
        })
    }

    /// Where it listened at first, with the scheme of each.
    pub fn addresses(&self) -> &[(&'static str, SocketAddr)] {
        &self.addresses
    }

    /// Resolves when a part has stopped without which nothing works.
    pub async fn failed(&self) {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        while self.broker.connected() {
            tick.tick().await;
        }
    }

    /// Resolves when an admin has asked for a restart or the end, and it is time for it.
    pub async fn ended(&self) -> Ending {
        self.admin.ended().await
    }

    /// Stops: inputs first, then the plugins, then the clients.
    pub async fn stop(&self) {
        self.connections.stop().await;
        // Nothing comes any more.
        self.raw_log.close().await;
        let parts = self.live.end().await;
        if let Some(Parts { announcement, outputs, .. }) = &parts {
            if let Some(announcement) = announcement {
                announcement.stop().await;
            }
            outputs.stop().await;
        }
        self.plugins.stop_all().await;
        if let Some(Parts { listeners, .. }) = parts {
            listeners.stop().await;
        }
        self.zone_memory.flush().await;
        self.alarm_history.flush().await;
        for arbiter in &self.arbiters {
            arbiter.stop();
        }
    }
}

/// Debugging goes on after a restart, if that was asked for and the environment says nothing else (server-admin-api §9).
fn recall_debug(settings: &Map<String, Value>) {
    let remember = settings.get("rememberDebug") == Some(&Value::Bool(true));
    if let Some(patterns) = settings.get("debugEnabled").and_then(Value::as_str).filter(|_| remember)
        && std::env::var_os("DEBUG").is_none()
        && logging().set_debug(patterns).is_err()
    {
        log::error!("settings.json: debugEnabled can't be used; it is left alone");
    }
}

fn split_list(text: String) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// Sends the configured vessel data as ordinary deltas (signalk-v1 §2.3).
async fn publish_base_deltas(own: &OwnShip, broker: &Addr<Broker>) -> Result<(), NameError> {
    let deltas = defaults_as_deltas(own.identity.context(), &own.base_deltas)?;
    publish(broker, SourceRef::new(DEFAULTS_SOURCE)?, deltas).await;
    Ok(())
}

async fn publish(broker: &Addr<Broker>, provider: SourceRef, deltas: Vec<Delta>) {
    if !deltas.is_empty() && broker.send(Publish { provider, origin: Origin::NONE, deltas }).await.is_err() {
        log::error!("the broker has stopped; what is known of the vessel at the start is missing");
    }
}

fn host_names(reference: &serde_json::Map<String, serde_json::Value>) -> Arc<[String]> {
    let named = ["hostname", "proxy_host"].iter().filter_map(|key| reference.get(*key)?.as_str().map(str::to_owned));
    named.chain(std::env::var("EXTERNALHOST")).filter(|name| !name.is_empty()).collect()
}
