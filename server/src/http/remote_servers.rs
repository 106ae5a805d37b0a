//! Setting up a connection to another Signal K server from the page (server-admin-api §10).
//!
//! | Request | Answer |
//! |---|---|
//! | `POST /skServer/testSignalKConnection` | `{success, connected?, authenticated?, userLevel?, username?, server?{id, version}, error?, problem?}` |
//! | `POST /skServer/requestAccess` | `{state, requestId?, error?, problem?}` |
//! | `POST /skServer/checkAccessRequest` | `{state, requestId?, accessRequest?{permission, token?}, error?, problem?}` |
//!
//! `error` is always the one sentence of the specification, `problem` says what to do; `reachable` is false where trying again may help.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::answers::blocking;
use super::plugins::bad_json;
use crate::remote_server::{RemoteError, RemoteServer, Whereabouts, is_id};

/// Largest body: a certificate is the longest part of it.
const MAX_BODY: usize = 128 * 1024;
/// How many servers are asked at once; each takes a thread for blocking work.
static UNDER_WAY: Semaphore = Semaphore::const_new(4);
/// Longest name of a client and longest description, in bytes.
const LONGEST: usize = 256;
/// What is said about every failure.
const FAILED: &str = "Could not connect to Signal K server";

/// Registers the routes.
pub fn routes(config: &mut ServiceConfig) {
    let post = |path: &str| {
        let json = web::JsonConfig::default().limit(MAX_BODY).error_handler(bad_json);
        web::resource(path).app_data(json)
    };
    config
        .service(post("/skServer/testSignalKConnection").route(web::post().to(test)))
        .service(post("/skServer/requestAccess").route(web::post().to(request_access)))
        .service(post("/skServer/checkAccessRequest").route(web::post().to(check_access_request)));
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asking {
    #[serde(flatten)]
    at: Whereabouts,
    client_id: String,
    description: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Checking {
    #[serde(flatten)]
    at: Whereabouts,
    request_id: String,
}

async fn test(body: web::Json<Whereabouts>) -> HttpResponse {
    ask(body.into_inner(), json!({"success": false, "connected": false}), |server| server.test()).await
}

async fn request_access(body: web::Json<Asking>) -> HttpResponse {
    let Asking { at, client_id, description } = body.into_inner();
    let fits = |text: &str| (1..=LONGEST).contains(&text.trim().len());
    if !fits(&client_id) || !fits(&description) {
        return refused(
            "`clientId` and `description` are texts of 1 to 256 characters that tell the other boat's skipper who asks",
        );
    }
    ask(at, json!({"state": "FAILED"}), move |server| server.request_access(&client_id, &description)).await
}

async fn check_access_request(body: web::Json<Checking>) -> HttpResponse {
    let Checking { at, request_id } = body.into_inner();
    if !is_id(&request_id) {
        return refused("`requestId` is the one that requestAccess answered");
    }
    ask(at, json!({"state": "FAILED"}), move |server| server.check_access_request(&request_id)).await
}

/// Asks on a thread that may wait; `failed` is what an answer without success begins with.
async fn ask(
    at: Whereabouts,
    mut failed: Value,
    question: impl FnOnce(&RemoteServer) -> Result<Value, RemoteError> + Send + 'static,
) -> HttpResponse {
    let Ok(seat) = UNDER_WAY.try_acquire() else {
        let words = "other servers are being asked already; try again in a few seconds";
        return HttpResponse::build(StatusCode::TOO_MANY_REQUESTS).json(json!({"error": words}));
    };
    let server = match RemoteServer::new(at) {
        Ok(server) => server,
        Err(wrong) => return refused(&wrong.to_string()),
    };
    // The seat is taken as long as the thread is, also when the client does not wait for the answer.
    let asking = blocking(move || {
        let answer = question(&server);
        drop(seat);
        answer
    });
    match asking.await {
        Ok(Ok(answer)) => HttpResponse::Ok().json(answer),
        Ok(Err(problem)) => {
            failed["error"] = json!(FAILED);
            failed["problem"] = json!(problem.to_string());
            failed["reachable"] = json!(!matches!(problem, RemoteError::Unreachable(_)));
            HttpResponse::Ok().json(failed)
        }
        Err(error) => HttpResponse::from_error(error),
    }
}

fn refused(words: &str) -> HttpResponse {
    HttpResponse::BadRequest().json(json!({"error": words}))
}
