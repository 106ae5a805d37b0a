//! The HTTP interface: who may call what, and which handler answers.

mod admin;
mod cors;
mod discovery;
mod frame_guard;
mod limit;
mod pages;
mod plugin_admin;
mod plugins;
mod put;
mod same_origin;
mod stream;
mod tree;
mod v2;

use std::sync::Arc;

use actix::Addr;
use actix_web::Route;
use actix_web::guard::{Any, Get, Head};
use actix_web::web::{self, ServiceConfig};
use windlass_actors::connections::ConnectionManager;
use windlass_actors::data_model::ModelView;
use windlass_actors::plugins::PluginManager;
use windlass_actors::providers::Providers;
use windlass_actors::put::PutHandlers;
use windlass_actors::stream::{Hub, StreamContext};
use windlass_actors::{StatusBoard, stream::EventBus};
use windlass_broker::Broker;

pub use cors::Cors;
pub use limit::ConnectionLimit;

use crate::settings::SettingsFile;

/// What the handlers share.
#[derive(Clone)]
pub struct AppState {
    /// The bus.
    pub broker: Addr<Broker>,
    /// The data model.
    pub view: ModelView,
    /// The plugins.
    pub plugins: PluginManager,
    /// Where PUT requests go.
    pub puts: PutHandlers,
    /// Who provides resources, weather data and radars.
    pub providers: Providers,
    /// What is saved of the settings.
    pub settings: SettingsFile,
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
}

/// The version that clients compare with what they need; a reference version, because they know no other (clients.md).
pub const PROTOCOL_VERSION: &str = "2.31.1";
/// Largest JSON body (signalk-v1 §4.3).
const MAX_BODY: usize = 10 * 1024 * 1024;

/// Registers all routes of a worker, whose clients' deltas come through `hub`.
pub fn configure(state: AppState, hub: Addr<Hub>) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        config
            .app_data(web::Data::new(state))
            .app_data(web::Data::new(hub))
            .app_data(web::JsonConfig::default().limit(MAX_BODY).error_handler(plugins::bad_json))
            .service(web::resource(["/signalk", "/signalk/"]).route(read().to(discovery::discovery)))
            .service(web::resource(["/signalk/v1/stream", "/signalk/v1/stream/"]).route(web::get().to(stream::stream)))
            .service(web::resource("/signalk/v1/apps/list").route(read().to(plugins::webapps::apps)))
            .service(
                web::resource("/signalk/v1/api/{path:.*}")
                    .app_data(web::PayloadConfig::new(MAX_BODY))
                    .route(read().to(tree::node))
                    .route(web::put().to(put::put))
                    .route(web::delete().to(put::delete)),
            )
            .service(web::resource("/signalk/v1/requests/{id}").route(read().to(put::status)))
            .service(web::resource(["/skServer/loginStatus", "/loginStatus"]).route(read().to(admin::login_status)))
            .service(web::resource("/skServer/availablePaths").route(read().to(admin::available_paths)))
            .service(web::resource("/skServer/providers").route(read().to(admin::providers)))
            .service(web::resource("/windlass/statistics").route(read().to(admin::statistics)))
            .service(web::resource("/skServer/webapps").route(read().to(plugins::webapps::list)))
            .service(web::resource("/skServer/addons").route(read().to(plugins::webapps::addons)))
            .service(plugins::scope("/skServer/plugins"))
            .service(plugins::scope("/plugins"))
            .configure(v2::routes)
            .configure(pages::routes)
            .default_service(web::to(plugins::webapps::serve));
    }
}

/// A route for GET, and for HEAD, which is a GET of which only the headers are sent.
fn read() -> Route {
    web::route().guard(Any(Get()).or(Head()))
}
