//! What goes over the data connections now, and trying one that is not there yet. Only Windlass has these routes.
//!
//! | Request | Answer |
//! |---|---|
//! | `GET /windlass/connections` | all connections: settings in short, state, counters |
//! | `GET /windlass/connections/{id}` | one of them, with the last lines in and out |
//! | `POST /windlass/connections/test` | what came over a connection that is only tried |

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::guard::Post;
use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use serde::Deserialize;
use serde_json::json;
use windlass_actors::connections::{LONGEST_TRIAL, TrialError};

use super::answers::text;
use super::{AppState, providers, read};

/// How long a connection is tried unless the query says otherwise.
const TRIAL: Duration = Duration::from_secs(5);

/// Registers the routes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/windlass/connections").route(read().to(list)))
        // A connection may be called `test`: only POST is about trying.
        .service(web::resource("/windlass/connections/test").guard(Post()).to(test))
        .service(web::resource("/windlass/connections/{id:.+}").route(read().to(details)));
}

/// How to try.
#[derive(Debug, Deserialize)]
struct Trying {
    /// Seconds, at most 15.
    #[serde(default)]
    seconds: Option<f64>,
}

async fn list(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(state.connections.connections())
}

async fn details(state: web::Data<AppState>, id: web::Path<String>) -> HttpResponse {
    match state.connections.details(&id) {
        Some(details) => HttpResponse::Ok().json(details),
        None => text(StatusCode::NOT_FOUND, format!("Connection with name {id} not found")),
    }
}

/// Tries the connection that the body describes as for `POST /skServer/providers`; the id may be left out. Of a connection that is there
/// already, the secrets are known and need not be sent again.
async fn test(
    state: web::Data<AppState>,
    trying: web::Query<Trying>,
    body: web::Json<providers::Connection>,
) -> HttpResponse {
    let most = match trying.seconds {
        None => TRIAL,
        Some(seconds) if (0.1..=LONGEST_TRIAL.as_secs_f64()).contains(&seconds) => Duration::from_secs_f64(seconds),
        Some(_) => {
            let words = format!("seconds is a number from 0.1 to {}", LONGEST_TRIAL.as_secs());
            return text(StatusCode::BAD_REQUEST, words);
        }
    };
    let settings = match providers::to_try(&state, body.into_inner()) {
        Ok(settings) => settings,
        Err(refusal) => return refusal.answer(),
    };
    match state.connections.try_out(&settings, most).await {
        Ok(trial) => HttpResponse::Ok().json(trial),
        Err(busy @ TrialError::Busy) => text(StatusCode::CONFLICT, busy.to_string()),
        Err(down @ TrialError::ShuttingDown) => text(StatusCode::SERVICE_UNAVAILABLE, down.to_string()),
        Err(refused) => HttpResponse::Ok().json(json!({"connected": false, "problem": refused.to_string()})),
    }
}
