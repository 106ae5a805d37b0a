//! What the administration pages read of the server itself, and the restart (server-admin-api §6, §7, §9), and Windlass's own statistics.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use serde_json::json;
use windlass_actors::metadata::MetadataRegistry;
use windlass_broker::CollectBrokerStatistics;
use windlass_security::Mode;

use super::{AppState, read};
use crate::logging::logging;

/// Registers the routes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/skServer/availablePaths").route(read().to(available_paths)))
        .service(web::resource("/skServer/paths").route(read().to(paths)))
        .service(web::resource("/skServer/nodeInfo").route(read().to(node_info)))
        .service(web::resource("/skServer/eventsRoutingData").route(read().to(events_routing)))
        .service(
            web::resource(["/skServer/appstore/available", "/skServer/appstore/available/"]).route(read().to(store)),
        )
        .service(web::resource("/skServer/restart").route(web::put().to(restart)))
        .service(web::resource("/windlass/statistics").route(read().to(statistics)));
}

/// The own ship's paths that have had a value; "" stands for root values.
async fn available_paths(state: web::Data<AppState>) -> HttpResponse {
    let root = state.view.own().root().latest.is_some().then(String::new);
    let paths = state.view.own_paths().into_iter().map(|path| path.to_string());
    HttpResponse::Ok().json(root.into_iter().chain(paths).collect::<Vec<_>>())
}

/// The built-in metadata by path pattern.
async fn paths() -> HttpResponse {
    HttpResponse::Ok().json(MetadataRegistry::builtin().to_json())
}

/// There is no Node.js here; pages show nothing then.
async fn node_info() -> HttpResponse {
    HttpResponse::Ok().json(json!({"nodeVersion": null, "npmVersion": null, "recommendedNodeVersion": null}))
}

/// Events are not routed by name in this server.
async fn events_routing() -> HttpResponse {
    HttpResponse::Ok().json(json!({"events": []}))
}

/// There is no store: plugins are installed by `windlass plugin install`.
async fn store() -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "available": [], "installed": [], "updates": [], "installing": [], "categories": [],
        "storeAvailable": false, "isInDocker": false, "canUpdateServer": false,
    }))
}

/// Ends the process in two seconds, well, so that whoever supervises it starts it anew. Not while everybody may do everything.
async fn restart(state: web::Data<AppState>) -> HttpResponse {
    if state.security.mode() == Mode::Open {
        return HttpResponse::build(StatusCode::UNAUTHORIZED).json("Restart not allowed");
    }
    log::info!("an admin asks for a restart");
    state.admin.restart();
    HttpResponse::Ok().json("Restarting...")
}

/// `GET /windlass/statistics`: every counter of the server; whatever was dropped is here.
async fn statistics(state: web::Data<AppState>) -> HttpResponse {
    let Ok(broker) = state.broker.send(CollectBrokerStatistics).await else {
        return HttpResponse::ServiceUnavailable().json(json!({"error": "the server is shutting down"}));
    };
    let (bytes, refused) = state.view.memory();
    HttpResponse::Ok().json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "broker": broker,
        "stream": state.stream.counters.read(),
        "events": {"dropped": state.events.dropped()},
        "log": {"dropped": logging().rows().dropped()},
        "connections": state.connections.connections(),
        "outputs": state.outputs.to_json(),
        "dataLog": state.raw_log.statistics(),
        "model": {
            "contexts": state.view.context_count(),
            "ownPaths": state.view.own().path_count(),
            "bytes": bytes,
            "refused": refused,
        },
        "binaryStreams": state.plugins.streams().statistics(),
        "providers": {"failures": state.providers.failures.read()},
        "status": state.status.all(),
    }))
}
