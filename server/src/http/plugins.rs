//! Managing plugins: `/skServer/plugins…` and `/plugins…` (wasm-plugin-abi §8).

use actix_web::error::{InternalError, JsonPayloadError};
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, HttpRequest, HttpResponse};
use serde_json::{Value, json};
use windlass_actors::plugins::PluginError;

use super::AppState;

/// The routes below a prefix.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource(["", "/"]).route(web::get().to(list)))
        .service(web::resource(["/{id}", "/{id}/"]).route(web::get().to(info)))
        .service(web::resource("/{id}/config").route(web::get().to(read_config)).route(web::post().to(save_config)))
        .service(web::resource("/{id}/status").route(web::get().to(status)))
        .service(web::resource("/{id}/enable").route(web::post().to(enable)))
        .service(web::resource("/{id}/disable").route(web::post().to(disable)))
        .service(web::resource("/{id}/restart").route(web::post().to(restart)));
}

/// Malformed JSON in a body (signalk-v1 §4.3).
pub fn bad_json(error: JsonPayloadError, _: &HttpRequest) -> Error {
    let answer = match &error {
        JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => {
            HttpResponse::PayloadTooLarge()
        }
        _ => HttpResponse::BadRequest(),
    }
    .json(json!({"error": error.to_string()}));
    InternalError::from_response(error, answer).into()
}

async fn list(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(state.plugins.list().await)
}

async fn info(state: web::Data<AppState>, id: web::Path<String>) -> HttpResponse {
    answer(state.plugins.info(&id).await)
}

async fn read_config(state: web::Data<AppState>, id: web::Path<String>) -> HttpResponse {
    answer(state.plugins.config(&id).await)
}

async fn save_config(state: web::Data<AppState>, id: web::Path<String>, body: web::Json<Value>) -> HttpResponse {
    let saved = state.plugins.save_config(&id, body.into_inner()).await;
    answer(saved.map(|()| json!(format!("Saved configuration for plugin {id}"))))
}

async fn status(state: web::Data<AppState>, id: web::Path<String>) -> HttpResponse {
    answer(state.plugins.status(&id).await)
}

async fn enable(state: web::Data<AppState>, id: web::Path<String>) -> HttpResponse {
    let done = state.plugins.set_enabled(&id, true).await;
    answer_state(&state, &id, done).await
}

async fn disable(state: web::Data<AppState>, id: web::Path<String>) -> HttpResponse {
    let done = state.plugins.set_enabled(&id, false).await;
    answer_state(&state, &id, done).await
}

async fn restart(state: web::Data<AppState>, id: web::Path<String>) -> HttpResponse {
    let done = state.plugins.restart(&id).await;
    answer_state(&state, &id, done).await
}

/// `{id, state}` after something was done to a plugin (wasm-plugin-abi §8.4).
async fn answer_state(state: &AppState, id: &str, done: Result<(), PluginError>) -> HttpResponse {
    let status = match done {
        Ok(()) => state.plugins.status(id).await,
        Err(error) => Err(error),
    };
    answer(status.map(|status| json!({"id": status["id"], "state": status["state"]})))
}

fn answer(result: Result<Value, PluginError>) -> HttpResponse {
    match result {
        Ok(value) => HttpResponse::Ok().json(value),
        Err(error @ PluginError::Unknown(_)) => HttpResponse::NotFound().json(json!({"error": error.to_string()})),
        Err(error) => HttpResponse::InternalServerError().json(json!({"error": error.to_string()})),
    }
}
