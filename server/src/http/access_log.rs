//! One line in the log for each request, for those who debug `windlass::access`: `accessLogging` of settings.json switches them off.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, web};
use log::Level;

use super::AppState;
use super::auth::address_of;

/// Who wants to see the lines names this.
const TARGET: &str = "windlass::access";

/// Whether requests may be logged. Clones share.
#[derive(Debug, Clone)]
pub struct AccessLog(Arc<AtomicBool>);

impl AccessLog {
    /// On or off.
    pub fn new(on: bool) -> Self {
        Self(Arc::new(AtomicBool::new(on)))
    }

    /// Switches it on or off.
    pub fn set(&self, on: bool) {
        self.0.store(on, Relaxed);
    }
}

/// Stands before everything else: says who asked for what, and how it ended. Queries are left out, they may have tokens in them.
pub async fn note(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let state = request.app_data::<web::Data<AppState>>().filter(|state| state.access_log.0.load(Relaxed));
    let wanted = state.filter(|_| log::log_enabled!(target: TARGET, Level::Debug));
    let asked = wanted.map(|state| {
        let address = address_of(request.request(), &state.proxies);
        (Instant::now(), format!("{address} {} {}", request.method(), request.path()))
    });
    let answer = next.call(request).await;
    if let Some((begun, asked)) = asked {
        let status =
            answer.as_ref().map_or_else(|error| error.as_response_error().status_code(), ServiceResponse::status);
        log::debug!(target: TARGET, "{asked} {} {} ms", status.as_u16(), begun.elapsed().as_millis());
    }
    answer
}
