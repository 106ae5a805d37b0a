//! Lets requests in: who asks, and whether the access table allows it (signalk-v1 §8.3, §8.4).

mod access_requests;
mod administration;
pub(super) mod cookies;
mod login;

use std::net::{IpAddr, Ipv4Addr};
use std::time::SystemTime;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap};
use actix_web::middleware::Next;
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse};
use serde_json::json;
use windlass_security::{Level, Principal, Security, Session};

use super::access::{self, Need};
use super::{AppState, same_origin};
use cookies::Presented;

/// Registers everything about logging in and about users, devices and access requests.
pub fn routes(config: &mut ServiceConfig) {
    login::routes(config);
    access_requests::routes(config);
    administration::routes(config);
}

/// Who makes a request; every handler finds it among the request's extensions.
#[derive(Debug, Clone)]
pub struct Visitor {
    session: Session,
    security: Security,
}

impl Visitor {
    /// Whoever a request is from.
    ///
    /// # Panics
    /// Never behind [`guard`], which stands before every handler.
    pub fn of(request: &HttpRequest) -> Self {
        request.extensions().get::<Self>().cloned().expect("the guard stands before every handler")
    }

    /// The principal, for ACLs.
    pub fn principal(&self) -> &Principal {
        self.session.principal()
    }

    /// The session, for those who keep it longer than the request.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The name of a user or the id of a device.
    pub fn name(&self) -> Option<&str> {
        match self.principal() {
            Principal::User(name) | Principal::Device(name) => Some(name),
            Principal::Anonymous | Principal::Nobody | Principal::Anybody => None,
        }
    }

    /// What the visitor may do as a whole.
    pub fn level(&self) -> Option<Level> {
        self.security.level_of(self.principal())
    }
}

/// Stands before every route: finds out who asks, looks into the access table, and renews cookies.
pub async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(state) = request.app_data::<web::Data<AppState>>().cloned() else {
        return Ok(request.into_response(HttpResponse::InternalServerError().finish()));
    };
    if let Some(answer) = to_tls(&request, &state) {
        return Ok(request.into_response(answer));
    }
    let security = &state.security;
    let pattern = request.match_pattern();
    let Some(row) = access::row(pattern.as_deref(), request.path()) else {
        log::error!("{} has no row in the access table; it is refused", pattern.unwrap_or_default());
        return Ok(request.into_response(HttpResponse::Forbidden().finish()));
    };
    let need = row.need(request.method());
    let now = SystemTime::now();
    let presented = Presented::of(request.headers());
    let (session, bad_token) = match presented.authenticate(security, now) {
        Ok(session) => (session, false),
        // Where nothing is needed a bad token is as good as none, so that the login page can be reached.
        Err(_) if need == Need::Nothing => match security.authenticate(None, now) {
            Ok(session) => (session, true),
            Err(_) => return Ok(refuse(request, HttpResponse::Unauthorized().body("Unauthorized"), false)),
        },
        Err(error) => {
            log::debug!("{}: a token is refused: {error}", request.path());
            let answer = HttpResponse::Unauthorized().content_type("text/plain; charset=utf-8").body("bad auth token");
            return Ok(refuse(request, answer, presented.has_cookie()));
        }
    };
    // A browser adds its cookie, and its way into an open server, to whatever any page asks for.
    let ambient = presented.has_cookie() || matches!(session.principal(), Principal::Anybody);
    if ambient && !request.method().is_safe() && !is_trusted_origin(request.headers(), security) {
        let reason = "a page of another origin may not do this; use the pages of this server, or a program with a token, or name the origin in allowedCorsOrigins";
        return Ok(request.into_response(HttpResponse::Forbidden().json(json!({"error": reason}))));
    }
    // A page whose name was made to lead here is of the same origin to a browser. It has no cookie of ours, but an open server needs none.
    let open = matches!(session.principal(), Principal::Anybody);
    if open && !request.method().is_safe() && !same_origin::is_local_name(request.headers(), &state.host_names) {
        let reason = "an open server is changed under its address or a local name only; name the host in `hostname` of settings.json, or set up users";
        return Ok(request.into_response(HttpResponse::Forbidden().json(json!({"error": reason}))));
    }
    let visitor = Visitor { session, security: security.clone() };
    if !is_enough(visitor.level(), need) {
        let answer = too_little(&request, &visitor, need);
        return Ok(request.into_response(answer));
    }
    let renewed = presented.has_cookie().then(|| security.renew(visitor.session(), now)).flatten();
    let secure = cookies::is_secure(request.request());
    request.extensions_mut().insert(visitor);
    let mut answer = next.call(request).await?.map_into_boxed_body();
    if let Some(login) = renewed {
        cookies::set(answer.headers_mut(), &login, secure, now);
    } else if bad_token && presented.has_cookie() && !answer.headers().contains_key(header::SET_COOKIE) {
        cookies::clear(answer.headers_mut(), secure);
    }
    Ok(answer)
}

/// The way to TLS, when it is served and the request came without. The root that a phone has to trust is to be had before that.
fn to_tls(request: &ServiceRequest, state: &AppState) -> Option<HttpResponse> {
    let port = state.tls_port?;
    let came_secure = request.app_config().secure() || (state.trust_proxy && cookies::is_secure(request.request()));
    if came_secure || request.path() == "/windlass/ca.pem" {
        return None;
    }
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let url = url::Url::parse(&format!("http://{host}")).ok()?;
    let target = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let location = format!("https://{}:{port}{target}", url.host_str()?);
    Some(HttpResponse::TemporaryRedirect().insert_header((header::LOCATION, location)).finish())
}

fn is_enough(level: Option<Level>, need: Need) -> bool {
    match need {
        Need::Nothing => true,
        Need::Read => level.is_some(),
        Need::Write => level >= Some(Level::ReadWrite),
        Need::Admin => level == Some(Level::Admin),
    }
}

fn refuse(request: ServiceRequest, mut answer: HttpResponse, clear: bool) -> ServiceResponse<BoxBody> {
    if clear {
        let secure = cookies::is_secure(request.request());
        cookies::clear(answer.headers_mut(), secure);
    }
    request.into_response(answer)
}

/// 401, in the words that the reference's clients know; version 2 changes are 403 (signalk-v1 §8.3).
fn too_little(request: &ServiceRequest, visitor: &Visitor, need: Need) -> HttpResponse {
    if request.path().starts_with("/signalk/v2/") && need >= Need::Write {
        return HttpResponse::Forbidden()
            .json(json!({"state": "FAILED", "statusCode": 403, "message": "Unauthorised"}));
    }
    let accepts = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let mut answer = HttpResponse::Unauthorized();
    if accepts.contains("application/json") && !accepts.contains("text/") && !accepts.contains("*/*") {
        return answer.json(json!({"error": "Permission Denied"}));
    }
    answer.content_type("text/plain; charset=utf-8");
    if *visitor.principal() == Principal::Nobody {
        return answer.body("Unauthorized");
    }
    answer.body("You do not have permission to view this resource, <a href='/admin/#/login'>Please Login</a>")
}

/// Whether a request comes from a page of this server, from one of an origin that the owner trusts, or from no page at all.
pub(super) fn is_trusted_origin(headers: &HeaderMap, security: &Security) -> bool {
    if same_origin::is_own(headers) {
        return true;
    }
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).unwrap_or_default();
    security.policy().allowed_cors_origins.iter().any(|allowed| allowed == origin)
}

/// Where a request comes from; behind a proxy that is trusted, where the proxy says (signalk-v1 §5.1).
pub fn address_of(request: &HttpRequest, trust_proxy: bool) -> IpAddr {
    let forwarded = || {
        let list = request.headers().get("x-forwarded-for")?.to_str().ok()?;
        list.split(',').next()?.trim().parse().ok()
    };
    let peer = || request.peer_addr().map(|peer| peer.ip());
    let found = if trust_proxy { forwarded().or_else(peer) } else { peer() };
    found.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// Runs what hashes passwords or waits for the disk where it may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    web::block(work).await.map_err(actix_web::error::ErrorServiceUnavailable)
}
