//! The HTTP interface: who may call what, and which handler answers.

pub mod access;
mod access_log;
mod admin;
mod alarms;
mod answers;
mod application_data;
pub mod auth;
mod backup;
mod connections;
mod cors;
mod custom_resources;
mod discovery;
mod frame_guard;
mod input_test;
mod limit;
mod logs;
mod packages;
mod pages;
mod performance;
mod plugin_admin;
mod plugins;
mod providers;
mod proxies;
mod put;
mod remote_servers;
mod run_discovery;
mod same_origin;
mod settings;
mod sight;
mod snapshot;
mod sources;
mod stream;
mod tree;
mod unit_preferences;
mod uploads;
mod v2;
mod vessel;

use std::sync::{Arc, PoisonError, RwLock};

use actix::Addr;
use actix_web::Route;
use actix_web::guard::{Any, Get, Head};
use actix_web::web::{self, ServiceConfig};
use windlass_actors::access_desk::AccessDesk;
use windlass_actors::alarm_history::AlarmHistory;
use windlass_actors::connections::{ConnectionManager, RawLog};
use windlass_actors::data_model::ModelView;
use windlass_actors::discovery::Reach;
use windlass_actors::plugins::PluginManager;
use windlass_actors::providers::Providers;
use windlass_actors::put::PutHandlers;
use windlass_actors::stream::{Hub, StreamContext};
use windlass_actors::{StatusBoard, stream::EventBus};
use windlass_broker::Broker;
use windlass_security::Security;

pub use access_log::{AccessLog, note as note_access};
pub use cors::Cors;
pub use limit::ConnectionLimit;
pub use proxies::Proxies;

use crate::administration::Administration;
use crate::custom_resources::CustomResources;
use crate::live::Live;
use crate::outputs::OutputReports;
use crate::packages::Installer;
use crate::performance::Performance;
use crate::priorities::PriorityFile;
use crate::security::RequestLimits;
use crate::settings::SettingsFile;
use crate::unit_preferences::UnitPreferences;

/// What the handlers share.
#[derive(Clone)]
pub struct AppState {
    /// What the TCP outputs have done.
    pub outputs: OutputReports,
    /// The raw data log.
    pub raw_log: RawLog,
    /// What alarms there were.
    pub alarm_history: AlarmHistory,
    /// The bus.
    pub broker: Addr<Broker>,
    /// The data model.
    pub view: ModelView,
    /// The plugins.
    pub plugins: PluginManager,
    /// Who installs and removes packages.
    pub installer: Installer,
    /// What the actors do, and what the process uses up.
    pub performance: Performance,
    /// Where PUT requests go.
    pub puts: PutHandlers,
    /// Who provides resources, weather data and radars.
    pub providers: Providers,
    /// What is saved of the settings.
    pub settings: SettingsFile,
    /// Which sources are preferred.
    pub priorities: Arc<PriorityFile>,
    /// The data connections.
    pub connections: Arc<ConnectionManager>,
    /// What connections and plugins say.
    pub status: StatusBoard,
    /// Server events.
    pub events: EventBus,
    /// What stream clients share.
    pub stream: StreamContext,
    /// WebSocket connections by address.
    pub limit: ConnectionLimit,
    /// In which units people want values.
    pub units: Arc<UnitPreferences>,
    /// Types of resources that apps have asked for.
    pub custom_resources: Arc<CustomResources>,
    /// What the administration changes.
    pub admin: Arc<Administration>,
    /// Who may do what.
    pub security: Security,
    /// Where devices and people ask for access.
    pub access: AccessDesk,
    /// Limits of what needs no login.
    pub limits: RequestLimits,
    /// Names of this server beyond its addresses and local names: `hostname` and `proxy_host` of settings.json, `EXTERNALHOST`.
    pub host_names: Arc<[String]>,
    /// The proxies that say where requests come from.
    pub proxies: Proxies,
    /// TLS, to which the other port leads when it is served.
    pub tls: ServedTls,
    /// Whether requests are logged.
    pub access_log: AccessLog,
    /// Who changes how the server works.
    pub live: Live,
    /// Where other servers are looked for.
    pub mdns_reach: Reach,
}

/// TLS as it is served at the moment. Clones share.
#[derive(Debug, Clone, Default)]
pub struct ServedTls(Arc<RwLock<Option<TlsService>>>);

/// How TLS is served.
#[derive(Debug, Clone)]
pub struct TlsService {
    /// The port.
    pub port: u16,
    /// The root of the boat's own certificate authority, in PEM form, if its certificates are used.
    pub root: Option<Arc<str>>,
}

impl ServedTls {
    /// From now on TLS is served so; or it is not served.
    pub fn set(&self, served: Option<TlsService>) {
        // Set in one step, so whole also after a panic.
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = served;
    }

    /// The port, if TLS is served.
    pub fn port(&self) -> Option<u16> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(|served| served.port)
    }

    /// The root that phones have to trust, if TLS is served with the boat's own certificates.
    pub fn root(&self) -> Option<Arc<str>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).as_ref()?.root.clone()
    }
}

/// The version that clients compare with what they need; a reference version, because they know no other (clients.md).
pub const PROTOCOL_VERSION: &str = "2.31.1";
/// Largest JSON body (signalk-v1 §4.3).
const MAX_BODY: usize = 10 * 1024 * 1024;

/// Registers what a worker's handlers need, and all routes. Its clients' deltas come through `hub`.
pub fn configure(state: AppState, hub: Addr<Hub>) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        config.app_data(web::Data::new(state)).app_data(web::Data::new(hub)).configure(routes);
    }
}

/// All routes. Each has a row in the access table, [`access::TABLE`].
fn routes(config: &mut ServiceConfig) {
    config
        .app_data(web::JsonConfig::default().limit(MAX_BODY).error_handler(plugins::bad_json))
        .service(web::resource(["/signalk", "/signalk/"]).route(read().to(discovery::discovery)))
        .service(web::resource(["/signalk/v1/stream", "/signalk/v1/stream/"]).route(web::get().to(stream::stream)))
        .service(web::resource("/signalk/v1/apps/list").route(read().to(plugins::webapps::apps)))
        .configure(snapshot::routes)
        .service(
            web::resource("/signalk/v1/api/{path:.*}")
                .app_data(web::PayloadConfig::new(MAX_BODY))
                .route(read().to(tree::node))
                .route(web::put().to(put::put))
                .route(web::delete().to(put::delete)),
        )
        .configure(auth::routes)
        .service(web::resource("/windlass/ca.pem").route(read().to(pages::root)))
        .configure(admin::routes)
        .configure(performance::routes)
        .configure(alarms::routes)
        .configure(settings::routes)
        .configure(vessel::routes)
        .configure(providers::routes)
        .configure(connections::routes)
        .configure(remote_servers::routes)
        .configure(run_discovery::routes)
        .configure(sources::routes)
        .configure(logs::routes)
        .configure(backup::routes)
        .configure(input_test::routes)
        .configure(application_data::routes)
        .configure(unit_preferences::routes)
        .service(web::resource("/skServer/webapps").route(read().to(plugins::webapps::list)))
        .service(web::resource("/skServer/addons").route(read().to(plugins::webapps::addons)))
        .configure(custom_resources::routes)
        .configure(packages::routes)
        .service(plugins::scope("/skServer/plugins"))
        .service(plugins::scope("/plugins"))
        .configure(v2::routes)
        .configure(pages::routes)
        .default_service(web::to(plugins::webapps::serve));
}

/// A route for GET, and for HEAD, which is a GET of which only the headers are sent.
fn read() -> Route {
    web::route().guard(Any(Get()).or(Head()))
}
