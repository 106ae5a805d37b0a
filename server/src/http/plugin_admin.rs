//! What Windlass adds to the management of plugins: reload, consent, the log, figures about the bus (wasm-plugin-abi §8.4).

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, Scope, web};
use serde::Deserialize;
use serde_json::{Value, json};
use windlass_actors::plugins::PluginError;

use super::{AppState, read};

/// Adds the routes below a prefix; before those of single plugins, for no plugin has an id with `@`. What the reference does not know has
/// one in its path too, so that a plugin may have `/log` and `/consent` for itself.
pub fn routes(scope: Scope) -> Scope {
    let mut scope = scope;
    for slash in ["", "/"] {
        scope = scope
            .route(&format!("/@statistics{slash}"), read().to(statistics))
            .route(&format!("/@rescan{slash}"), web::post().to(rescan))
            .route(&format!("/{{id}}/reload{slash}"), web::post().to(reload))
            .route(&format!("/{{id}}/@consent{slash}"), web::post().to(consent))
            .route(&format!("/{{id}}/@log{slash}"), read().to(log));
    }
    scope
}

/// `?after=<number>&wait=<seconds>`: the lines after that number; when there are none, waits for one.
#[derive(Debug, Deserialize)]
struct LogQuery {
    #[serde(default)]
    after: u64,
    #[serde(default)]
    wait: u64,
}

async fn statistics(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(state.plugins.statistics().await)
}

/// `{"replaced": [<package name>, …]}`: plugins whose files somebody has changed; may be left out.
#[derive(Debug, Default, Deserialize)]
struct Rescan {
    #[serde(default)]
    replaced: Vec<String>,
}

/// Looks for packages that have come or gone: `{added, removed, reloaded: [{name, error?}]}`.
async fn rescan(state: web::Data<AppState>, body: Option<web::Json<Rescan>>) -> HttpResponse {
    let Rescan { replaced } = body.map(web::Json::into_inner).unwrap_or_default();
    let changes = match state.plugins.look_again(&replaced).await {
        Ok(changes) => changes,
        Err(error) => return refusal(&error),
    };
    let reloaded = changes.reloaded.into_iter().map(|(name, done)| match done {
        Ok(()) => json!({"name": name}),
        Err(error) => json!({"name": name, "error": error.to_string()}),
    });
    HttpResponse::Ok().json(json!({
        "added": changes.added,
        "removed": changes.removed,
        "reloaded": reloaded.collect::<Vec<_>>(),
    }))
}

async fn reload(state: web::Data<AppState>, id: web::Path<String>) -> HttpResponse {
    answer_state(&state, &id, state.plugins.reload(&id).await).await
}

async fn consent(state: web::Data<AppState>, id: web::Path<String>) -> HttpResponse {
    answer_state(&state, &id, state.plugins.consent(&id).await).await
}

async fn log(state: web::Data<AppState>, id: web::Path<String>, query: web::Query<LogQuery>) -> HttpResponse {
    match state.plugins.log(&id, query.after, Duration::from_secs(query.wait)).await {
        Ok(excerpt) => HttpResponse::Ok().json(excerpt),
        Err(error) => refusal(&error),
    }
}

/// `{id, state}` after something was done to a plugin.
pub async fn answer_state(state: &AppState, id: &str, done: Result<(), PluginError>) -> HttpResponse {
    let status = match done {
        Ok(()) => state.plugins.status(id).await,
        Err(error) => Err(error),
    };
    match status {
        Ok(Value::Object(status)) => HttpResponse::Ok().json(json!({"id": status["id"], "state": status["state"]})),
        Ok(other) => HttpResponse::Ok().json(other),
        Err(error) => refusal(&error),
    }
}

/// The answer to a request about a plugin that was not carried out: `{"error": "…"}`.
pub fn refusal(error: &PluginError) -> HttpResponse {
    let status = match error {
        PluginError::Unknown(_) => StatusCode::NOT_FOUND,
        PluginError::Busy(_) | PluginError::NotEnabled(_) => StatusCode::CONFLICT,
        PluginError::Invalid(_) | PluginError::ConsentNeeded(_) => StatusCode::UNPROCESSABLE_ENTITY,
        PluginError::NotAnObject => StatusCode::BAD_REQUEST,
        PluginError::ShutDown(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    HttpResponse::build(status).json(json!({"error": error.to_string()}))
}
