//! Starting and stopping: which actor runs on which thread.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, Arbiter};
use actix_web::dev::ServerHandle;
use actix_web::middleware::Compress;
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpServer};
use windlass_actors::StatusBoard;
use windlass_actors::connections::{ConnectionContext, ConnectionManager, ConnectionSettings, PlaybackOptions};
use windlass_actors::data_model::{DataModel, ModelView};
use windlass_actors::plugins::{PluginManager, PluginSettings};
use windlass_actors::providers::Providers;
use windlass_actors::put::{PutHandlers, RequestStore};
use windlass_actors::stream::{EventBus, Hello, Hub, StreamContext, StreamCounters};
use windlass_broker::{Broker, DEFAULTS_SOURCE, DeltaVersion, Intake, NameError, Provider, Publish};

use crate::demo;
use crate::http::{self, AppState, ConnectionLimit, Cors, PROTOCOL_VERSION};
use crate::identity::{IdentityError, OwnShip};
use crate::settings::{Settings, SettingsError, SettingsFile};
use crate::ticker;

/// How long open connections may take to end when the server stops.
const SHUTDOWN: u64 = 1;
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
    /// A name that the server needs is refused.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// A running server.
pub struct Server {
    handle: ServerHandle,
    addresses: Vec<SocketAddr>,
    connections: Arc<ConnectionManager>,
    plugins: PluginManager,
    broker: Addr<Broker>,
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
        settings.port = options.port.unwrap_or(settings.port);
        if let Some(host) = &options.host {
            settings.host.clone_from(host);
        }
        let own = OwnShip::load(&config_dir)?;
        log::info!(
            "windlass {} in {}, own ship {}",
            env!("CARGO_PKG_VERSION"),
            config_dir.display(),
            own.identity.id()
        );

        let (core, io) = (Arbiter::new(), Arbiter::new());
        let view = ModelView::new(own.identity.clone());
        let model = DataModel::start_in_arbiter(&core.handle(), {
            let view = view.clone();
            move |_| DataModel::new(view)
        });
        let broker = Broker::start_in_arbiter(&core.handle(), {
            let model = model.clone();
            let override_timestamps = settings.override_timestamps;
            move |_| {
                Broker::new(model.clone().recipient(), model.recipient()).overriding_timestamps(override_timestamps)
            }
        });
        publish_base_deltas(&own, &broker).await?;

        let status = StatusBoard::default();
        let events = EventBus::default();
        let own_context = own.identity.context().clone();
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
            cache_dir: config_dir.join("wasm-cache"),
            wasm_enabled: settings.plugins.enabled,
            disable_all: std::env::var_os("DISABLEPLUGINS").is_some(),
            enabled_by_default: split_list(std::env::var("DEFAULTENABLEDPLUGINS").unwrap_or_default()),
        };
        let plugins = PluginManager::start(
            plugin_settings,
            broker.clone(),
            view.clone(),
            status.clone(),
            events.clone(),
            own_context.clone(),
        );
        let connection_context = ConnectionContext {
            broker: broker.clone(),
            self_context: own_context.clone(),
            status: status.clone(),
            override_timestamps: settings.override_timestamps,
            directory: config_dir.clone(),
            arbiter: io.handle(),
        };
        let connections = Arc::new(ConnectionManager::start(connections, connection_context));

        let ping = settings.ws_ping_interval;
        let defaults = std::mem::take(&mut settings.default_resource_providers);
        let state = AppState {
            broker: broker.clone(),
            view: view.clone(),
            plugins: plugins.clone(),
            puts: PutHandlers::new(plugins.clone(), own_context.as_str(), RequestStore::default()),
            providers: Providers::new(&plugins, broker.clone(), own_context.clone(), defaults),
            settings: SettingsFile::in_directory(&config_dir),
            connections: connections.clone(),
            status: status.clone(),
            events: events.clone(),
            stream: StreamContext {
                broker: broker.clone(),
                view: view.clone(),
                events: events.clone(),
                counters: StreamCounters::default(),
                hello: Arc::new(Hello {
                    name: "windlass".into(),
                    version: PROTOCOL_VERSION.into(),
                    own: own_context.as_str().to_owned(),
                    roles: ["master", "main"],
                    server_start_id: uuid::Uuid::new_v4().to_string(),
                }),
                ping_interval: (ping > 0).then(|| Duration::from_millis(ping)),
            },
            limit: ConnectionLimit::new(settings.max_ws_connections_per_ip),
        };
        ticker::start(&core, state.clone(), settings.prune_contexts_minutes);
        let (handle, addresses) = listen(&settings, state)?;
        Ok(Self { handle, addresses, connections, plugins, broker, arbiters: vec![core, io] })
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Resolves when a part has stopped without which nothing works.
    pub async fn failed(&self) {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        while self.broker.connected() {
            tick.tick().await;
        }
    }

    /// Stops: inputs first, then the plugins, then the clients.
    pub async fn stop(&self) {
        self.connections.stop().await;
        self.plugins.stop_all().await;
        self.handle.stop(true).await;
        for arbiter in &self.arbiters {
            arbiter.stop();
        }
    }
}

fn split_list(text: String) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// Sends the configured vessel data as ordinary deltas (signalk-v1 §2.3).
async fn publish_base_deltas(own: &OwnShip, broker: &Addr<Broker>) -> Result<(), NameError> {
    let provider = Provider::new(DEFAULTS_SOURCE)?;
    let id = provider.id.clone();
    let intake = Intake { self_context: own.identity.context().clone(), provider, override_timestamps: false };
    let mut deltas = Vec::new();
    for delta in &own.base_deltas {
        let taken = intake.take(&delta.to_string(), DeltaVersion::V1);
        for problem in taken.problems {
            log::warn!("baseDeltas.json: {problem}");
        }
        deltas.extend(taken.delta);
    }
    if broker.send(Publish { provider: id, deltas }).await.is_err() {
        log::error!("the broker has stopped; the vessel's configured data are missing");
    }
    Ok(())
}

fn listen(settings: &Settings, state: AppState) -> Result<(ServerHandle, Vec<SocketAddr>), StartError> {
    let address = format!("{}:{}", settings.host, settings.port);
    let mut server = HttpServer::new(move || {
        // Runs on each worker's own thread: the hub and the clients of the worker share it.
        let hub = Hub::new(state.broker.clone()).start();
        App::new().wrap(Compress::default()).wrap(Cors).configure(http::configure(state.clone(), hub))
    })
    .on_connect(|connection, extensions| {
        if let Some(stream) = connection.downcast_ref::<TcpStream>() {
            // A frame leaves when it is written: waiting for company costs 40 ms and most of the throughput.
            if let Err(error) = stream.set_nodelay(true) {
                log::debug!("TCP_NODELAY could not be set: {error}");
            }
            // A handle of its own, to end a connection whose client does not read.
            match socket2::SockRef::from(stream).try_clone() {
                Ok(socket) => drop(extensions.insert(Arc::new(socket))),
                Err(error) => {
                    log::warn!("no second handle of a connection could be made: {error}; raise the limit of open files")
                }
            }
        }
    })
    .disable_signals()
    .shutdown_timeout(SHUTDOWN);
    if settings.workers > 0 {
        server = server.workers(settings.workers);
    }
    let refused = |source| StartError::Listen { address: address.clone(), source };
    let server = server.bind(&address).map_err(refused)?;
    let addresses = server.addrs();
    let server = server.run();
    let handle = server.handle();
    actix::spawn(async move {
        if let Err(error) = server.await {
            log::error!("the HTTP server ended: {error}");
        }
    });
    Ok((handle, addresses))
}
