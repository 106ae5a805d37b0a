//! Lets requests in: who asks, and whether the access table allows it (signalk-v1 §8.3, §8.4).

mod access_requests;
mod administration;
pub(super) mod cookies;
mod login;

use std::net::IpAddr;
use std::time::SystemTime;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse};
use serde_json::json;
use windlass_security::{Level, Principal, Security, Session};

use super::access::{self, Need};
use super::proxies::Proxies;
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
    let need = match need_of(&request) {
        Ok(need) => need,
        Err(status) => return Ok(request.into_response(HttpResponse::new(status))),
    };
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
    // Any page may see values (signalk-v1 §4.3), but neither change anything nor see what is for admins.
    let guarded = need == Need::Admin || !request.method().is_safe();
    // A browser adds its cookie, and its way into an open server, to whatever any page asks for.
    let open = matches!(session.principal(), Principal::Anybody);
    let ambient = presented.has_cookie() || open;
    if ambient && guarded && !is_trusted_origin(request.request(), security) {
        let reason = "a page of another origin may not do this; use the pages of this server, or a program with a token, or name the origin in allowedCorsOrigins";
        return Ok(request.into_response(HttpResponse::Forbidden().json(json!({"error": reason}))));
    }
    // A page whose name was made to lead here is of the same origin to a browser. It has no cookie of ours, but an open server needs none.
    if open && guarded && !same_origin::is_local_name(request.request(), &state.host_names) {
        let reason = "an open server is administered and changed under its address or a local name only; name the host in `hostname` of settings.json, or set up users";
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

/// What a request needs, by the route that will serve it.
///
/// The router decodes the path before it looks for a route, so the path is judged decoded; and as handlers read it as it was sent, a path
/// that is another one by then leads nowhere. Letters that need no encoding are encoded by nobody but those who look for a way around.
///
/// # Errors
/// The status of the answer: 404 for such a path, 403 for a route that has no row in the access table.
fn need_of(request: &ServiceRequest) -> Result<Need, StatusCode> {
    let (routed, sent) = (request.match_info().as_str(), request.path());
    let pattern = request.resource_map().match_pattern(routed);
    let row = access::row(pattern.as_deref(), routed);
    if routed != sent {
        let as_sent = request.resource_map().match_pattern(sent);
        if as_sent != pattern || access::row(as_sent.as_deref(), sent) != row {
            return Err(StatusCode::NOT_FOUND);
        }
    }
    match row {
        Some(row) => Ok(row.need(request.method())),
        None => {
            log::error!("{} has no row in the access table; it is refused", pattern.unwrap_or_default());
            Err(StatusCode::FORBIDDEN)
        }
    }
}

/// The way to TLS, when it is served and the request came without. The root that a phone has to trust is to be had before that.
fn to_tls(request: &ServiceRequest, state: &AppState) -> Option<HttpResponse> {
    let port = state.tls.port()?;
    let proxied = || state.proxies.trust(request.peer_addr().map(|peer| peer.ip()));
    let came_secure = request.app_config().secure() || (cookies::is_secure(request.request()) && proxied());
    if came_secure || request.path() == "/windlass/ca.pem" {
        return None;
    }
    let host = same_origin::host(request.request()).unwrap_or("localhost");
    let Some(host) = url::Url::parse(&format!("http://{host}")).ok().and_then(|url| url.host_str().map(str::to_owned))
    else {
        // Nothing is served without TLS, whatever it is asked for by.
        return Some(HttpResponse::BadRequest().json(json!({"error": "the header Host is no name of a host"})));
    };
    let target = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let location = format!("https://{host}:{port}{target}");
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
pub(super) fn is_trusted_origin(request: &HttpRequest, security: &Security) -> bool {
    if same_origin::is_own(request) {
        return true;
    }
    let origin = request.headers().get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).unwrap_or_default();
    security.policy().allowed_cors_origins.iter().any(|allowed| allowed == origin)
}

/// Where a request comes from; behind a proxy that is trusted, where the proxy says (signalk-v1 §5.1).
pub fn address_of(request: &HttpRequest, proxies: &Proxies) -> IpAddr {
    proxies.client(request.peer_addr().map(|peer| peer.ip()), request.headers())
}

/// Runs what hashes passwords or waits for the disk where it may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    web::block(work).await.map_err(actix_web::error::ErrorServiceUnavailable)
}
