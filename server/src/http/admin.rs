//! What the administration pages read of the server itself, and its end (server-admin-api §6, §7, §9), and Windlass's own statistics.

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;
use windlass_actors::metadata::MetadataRegistry;
use windlass_broker::{CollectBrokerStatistics, Context, SourceRef};
use windlass_security::Mode;

use super::sight::Sight;
use super::{AppState, read};
use crate::administration::Ending;
use crate::logging::logging;

/// Registers the routes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/skServer/availablePaths").route(read().to(available_paths)))
        .service(web::resource("/skServer/paths").route(read().to(paths)))
        .service(web::resource("/skServer/nodeInfo").route(read().to(node_info)))
        .service(web::resource("/skServer/eventsRoutingData").route(read().to(events_routing)))
        .service(web::resource("/skServer/restart").route(web::put().to(restart)))
        .service(web::resource("/windlass/shutdown").route(web::put().to(shut_down)))
        .service(web::resource("/windlass/statistics").route(read().to(statistics)));
}

/// The own ship's paths that have had a value which the visitor may see; "" stands for root values.
async fn available_paths(request: HttpRequest, state: web::Data<AppState>) -> HttpResponse {
    let sight = Sight::of(&request, &state);
    let sees = |context: &Context, path: &str, source: &SourceRef| sight.sees(context, path, source.as_str());
    HttpResponse::Ok().json(state.view.own_paths_seen_by(&sees))
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

/// Ends the process in two seconds, well, so that whoever supervises it starts it anew. Not while everybody may do everything.
async fn restart(state: web::Data<AppState>) -> HttpResponse {
    end(&state, Ending::Restart, "Restarting...", "Restart not allowed")
}

/// `PUT /windlass/shutdown`: ends the process in two seconds with exit code 0. It stays away unless whoever supervises it starts it anew all
/// the same. Not while everybody may do everything.
async fn shut_down(state: web::Data<AppState>) -> HttpResponse {
    end(&state, Ending::Shutdown, "Shutting down...", "Shutdown not allowed")
}

fn end(state: &AppState, ending: Ending, done: &str, refused: &str) -> HttpResponse {
    if state.security.mode() == Mode::Open {
        return HttpResponse::build(StatusCode::UNAUTHORIZED).json(refused);
    }
    log::info!("an admin asks for a {}", if ending == Ending::Restart { "restart" } else { "shutdown" });
    state.admin.end(ending);
    HttpResponse::Ok().json(done)
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
