//! What the server is doing, for the pages that show it: the actors, the process, and how both went in the last quarter of an hour.

use std::time::Instant;

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};

use super::{AppState, read};

/// Registers the routes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/windlass/actors").route(read().to(actors)))
        .service(web::resource("/windlass/process").route(read().to(process)))
        .service(web::resource("/windlass/performance").route(read().to(history)));
}

/// `GET /windlass/actors`: every actor, who sends to whom, and the threads. No actor is asked, so one that hangs is shown too.
async fn actors(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(state.performance.observatory().report(Instant::now()))
}

/// `GET /windlass/process`: memory, processor time, threads, open files, bytes written.
async fn process(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(state.performance.process())
}

/// `GET /windlass/performance`: one sample every five seconds of the last fifteen minutes, the oldest first.
async fn history(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(state.performance.history())
}
