//! Logging in and out (signalk-v1 §8.2, server-admin-api §2).

use std::time::SystemTime;

use actix_web::http::header;
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::json;
use windlass_security::{Login, LoginError, Mode};

use super::{Visitor, address_of, blocking, cookies, is_trusted_origin};
use crate::http::{AppState, pages, read};

/// Largest body of a login.
const MAX_BODY: usize = 10 * 1024;

pub(super) fn routes(config: &mut ServiceConfig) {
    for path in ["/signalk/v1/auth/login", "/login"] {
        config.service(web::resource(path).app_data(web::PayloadConfig::new(MAX_BODY)).route(web::post().to(login)));
    }
    for path in ["/signalk/v1/auth/logout", "/logout"] {
        config.service(web::resource(path).route(web::put().to(logout)));
    }
    config
        .service(web::resource("/signalk/v1/auth/validate").route(web::post().to(validate)))
        .service(web::resource(["/skServer/loginStatus", "/loginStatus"]).route(read().to(status)));
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    username: String,
    password: String,
    #[serde(default, deserialize_with = "loose_flag")]
    remember_me: bool,
    #[serde(default)]
    destination: Option<String>,
}

/// A form sends its check mark as text.
fn loose_flag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value == true || matches!(value.as_str(), Some("true" | "on" | "1")))
}

async fn login(request: HttpRequest, state: web::Data<AppState>, body: web::Bytes) -> Result<HttpResponse, Error> {
    if state.security.mode() == Mode::Open {
        return Ok(pages::not_found(request).await);
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_form = kind.starts_with("application/x-www-form-urlencoded");
    // A page of another origin must not make the browser be somebody else here. It may log in for itself, with the token of the answer.
    let is_trusted = is_trusted_origin(&request, &state.security);
    if is_form && !is_trusted {
        let message = "a form of another origin may not log in; use the pages of this server, or name the origin in allowedCorsOrigins";
        return Ok(HttpResponse::Forbidden().json(json!({"statusCode": 403, "message": message})));
    }
    let credentials = if is_form {
        web::Query::<Credentials>::from_query(&String::from_utf8_lossy(&body)).map(web::Query::into_inner).ok()
    } else {
        serde_json::from_slice::<Credentials>(&body).ok()
    };
    let Some(credentials) = credentials else {
        let message = "send {\"username\": …, \"password\": …} as JSON or as a form";
        return Ok(HttpResponse::BadRequest().json(json!({"statusCode": 400, "message": message})));
    };
    let (security, address) = (state.security.clone(), address_of(&request, &state.proxies));
    let now = SystemTime::now();
    let Credentials { username, password, remember_me, destination } = credentials;
    let outcome = blocking(move || security.login(address, &username, &password, remember_me, now)).await?;
    let login = match outcome {
        Ok(login) => login,
        Err(error) => return Ok(refused(&error, is_form)),
    };
    let mut answer = if is_form {
        HttpResponse::Found().insert_header((header::LOCATION, local(destination.as_deref()))).finish()
    } else {
        HttpResponse::Ok().json(granted(&login))
    };
    if is_trusted {
        cookies::set(answer.headers_mut(), &login, cookies::is_secure(&request), now);
    }
    Ok(answer)
}

fn granted(login: &Login) -> serde_json::Value {
    json!({"timeToLive": login.time_to_live.map(|life| life.as_secs()), "token": login.token.as_str()})
}

fn refused(error: &LoginError, is_form: bool) -> HttpResponse {
    let message = error.to_string();
    match error {
        LoginError::TooMany { retry_after } => HttpResponse::TooManyRequests()
            .insert_header((header::RETRY_AFTER, retry_after.as_secs().max(1).to_string()))
            .json(json!({"message": message})),
        LoginError::WrongCredentials if is_form => {
            HttpResponse::Unauthorized().content_type("text/plain; charset=utf-8").body(message)
        }
        LoginError::WrongCredentials => {
            HttpResponse::Unauthorized().json(json!({"statusCode": 401, "message": message}))
        }
        LoginError::Off | LoginError::Locked | LoginError::Randomness => {
            HttpResponse::ServiceUnavailable().json(json!({"statusCode": 503, "message": message}))
        }
    }
}

/// Where a form login goes: only to this server (SK-151). `//host` and `/\host` are other servers to a browser.
fn local(destination: Option<&str>) -> &str {
    match destination {
        Some(path)
            if path.starts_with('/')
                && !path.starts_with("//")
                && !path.contains('\\')
                && !path.chars().any(char::is_control) =>
        {
            path
        }
        _ => "/",
    }
}

async fn logout(request: HttpRequest, state: web::Data<AppState>) -> Result<HttpResponse, Error> {
    let presented = cookies::Presented::of(request.headers());
    if let Some(token) = presented.token().map(str::to_owned) {
        let security = state.security.clone();
        let ended = blocking(move || security.logout(&token, SystemTime::now())).await?;
        if let Err(error) = ended {
            log::error!("a token stays valid after its logout: {error}");
            return Ok(HttpResponse::InternalServerError().json(json!({"message": error.to_string()})));
        }
    }
    let mut answer = HttpResponse::Ok().json("Logout OK");
    cookies::clear(answer.headers_mut(), cookies::is_secure(&request));
    Ok(answer)
}

/// `POST /signalk/v1/auth/validate`: a fresh token for a good one, as the specification has it and the reference has not. Where the token is
/// in a cookie it stays there: no script of a page is to have it.
async fn validate(request: HttpRequest, state: web::Data<AppState>) -> HttpResponse {
    let (visitor, now) = (Visitor::of(&request), SystemTime::now());
    if visitor.name().is_none() {
        return HttpResponse::Unauthorized().content_type("text/plain; charset=utf-8").body("Unauthorized");
    }
    let presented = cookies::Presented::of(request.headers());
    let renewed = state.security.renew(visitor.session(), now);
    if !presented.has_cookie() {
        return match renewed {
            Some(login) => HttpResponse::Ok().json(granted(&login)),
            // Still in its first half: the token that was presented goes on.
            None => HttpResponse::Ok().json(json!({"token": presented.token()})),
        };
    }
    let left = visitor.session().expires().map(|expires| expires.duration_since(now).unwrap_or_default());
    let life = renewed.as_ref().map_or(left, |login| login.time_to_live);
    let mut answer = HttpResponse::Ok().json(json!({"timeToLive": life.map(|life| life.as_secs())}));
    if let Some(login) = renewed {
        cookies::set(answer.headers_mut(), &login, cookies::is_secure(&request), now);
    }
    answer
}

async fn status(request: HttpRequest, state: web::Data<AppState>) -> HttpResponse {
    let address = address_of(&request, &state.proxies);
    if let Err(wait) = state.limits.login_status.take(address, SystemTime::now()) {
        return too_many_requests(wait);
    }
    let visitor = Visitor::of(&request);
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(state.security.login_status(visitor.principal()))
}

/// 429 of the general limits (signalk-v1 §11).
pub(super) fn too_many_requests(wait: std::time::Duration) -> HttpResponse {
    HttpResponse::TooManyRequests()
        .insert_header((header::RETRY_AFTER, wait.as_secs().max(1).to_string()))
        .json(json!({"message": "Too many requests from this IP, please try again after 10 minutes"}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_this_server_only() {
        // SK-151
        for (destination, expected) in [
            (Some("/@signalk/instrumentpanel/"), "/@signalk/instrumentpanel/"),
            (Some("//evil.example/"), "/"),
            (Some("/\\evil.example"), "/"),
            (Some("https://evil.example"), "/"),
            (Some("/x\r\nSet-Cookie: a=b"), "/"),
            (Some("x"), "/"),
            (None, "/"),
        ] {
            assert_eq!(local(destination), expected, "{destination:?}");
        }
    }
}
