//! What the administration pages read of the server itself (server-admin-api §2, §5, §7), and Windlass's own statistics.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use serde_json::json;
use windlass_broker::CollectBrokerStatistics;

use super::AppState;

/// `GET /skServer/loginStatus`, with security off.
pub async fn login_status() -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(json!({
        "status": "notLoggedIn",
        "readOnlyAccess": false,
        "authenticationRequired": false,
        "securityWasEnabled": false,
    }))
}

/// `GET /skServer/availablePaths`: the own ship's paths that have had a value.
pub async fn available_paths(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(state.view.own_paths())
}

/// `GET /skServer/providers`: the data connections as they are configured.
pub async fn providers(state: web::Data<AppState>) -> HttpResponse {
    let connections = state.connections.settings().into_iter().map(|settings| {
        let element = settings.entry().get("pipeElements").and_then(|elements| elements.get(0));
        let options = element.and_then(|element| element.get("options"));
        let sub_options = options.and_then(|options| options.get("subOptions"));
        json!({
            "id": settings.id(),
            "enabled": settings.enabled(),
            "type": settings.kind(),
            "logging": options.and_then(|options| options.get("logging")).and_then(serde_json::Value::as_bool).unwrap_or(false),
            "options": sub_options,
            "editable": sub_options.is_some(),
        })
    });
    HttpResponse::Ok().json(connections.collect::<Vec<_>>())
}

/// `GET /windlass/statistics`: every counter of the server; whatever was dropped is here.
pub async fn statistics(state: web::Data<AppState>) -> HttpResponse {
    let Ok(broker) = state.broker.send(CollectBrokerStatistics).await else {
        return HttpResponse::ServiceUnavailable().json(json!({"error": "the server is shutting down"}));
    };
    let (bytes, refused) = state.view.memory();
    HttpResponse::Ok().json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "broker": broker,
        "stream": state.stream.counters.read(),
        "events": {"dropped": state.events.dropped()},
        "connections": state.connections.connections(),
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
