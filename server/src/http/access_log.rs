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

/// Where requests are found by an id that only who made them knows.
const REQUESTS: &str = "/signalk/v1/requests/";

/// A path as it may be logged: who knows the id of a request for access can take its token.
fn shown(path: &str) -> &str {
    if path.starts_with(REQUESTS) { "/signalk/v1/requests/{id}" } else { path }
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
        (Instant::now(), format!("{address} {} {}", request.method(), shown(request.path())))
    });
    let answer = next.call(request).await;
    if let Some((begun, asked)) = asked {
        let status =
            answer.as_ref().map_or_else(|error| error.as_response_error().status_code(), ServiceResponse::status);
        log::debug!(target: TARGET, "{asked} {} {} ms", status.as_u16(), begun.elapsed().as_millis());
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn what_opens_a_door_is_not_logged() {
        assert_eq!(shown("/signalk/v1/requests/0b6d-4c"), "/signalk/v1/requests/{id}");
        assert_eq!(shown("/signalk/v1/api/self"), "/signalk/v1/api/self");
    }
}
