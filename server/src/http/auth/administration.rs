//! Users, devices and the security settings (server-admin-api §4). Who may do this is in the access table.

use std::time::SystemTime;

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Value, json};
use windlass_security::{Level, Login, SecurityError};

use super::{address_of, blocking, cookies};
use crate::http::{AppState, plugins, read};

/// Largest body of a claim.
const MAX_BODY: usize = 10 * 1024;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(
            web::resource("/skServer/enableSecurity")
                // Nobody has to be logged in for this, and each connection could have the body in memory.
                .app_data(web::JsonConfig::default().limit(MAX_BODY).error_handler(plugins::bad_json))
                .route(web::post().to(enable)),
        )
        .service(web::resource("/skServer/disableSecurity").route(web::post().to(disable)))
        .service(web::resource("/skServer/security/hasBackup").route(read().to(has_backup)))
        .service(
            web::resource("/skServer/security/config").route(read().to(read_config)).route(web::put().to(save_config)),
        )
        .service(web::resource("/skServer/security/users").route(read().to(users)))
        .service(
            web::resource("/skServer/security/users/{id}")
                .route(web::post().to(add_user))
                .route(web::put().to(update_user))
                .route(web::delete().to(remove_user)),
        )
        .service(web::resource("/skServer/security/user/{id}/password").route(web::put().to(change_password)))
        .service(web::resource("/skServer/security/devices").route(read().to(devices)))
        .service(
            web::resource("/skServer/security/devices/{id}")
                .route(web::put().to(update_device))
                .route(web::delete().to(remove_device)),
        );
}

/// The first admin claims the server, or an earlier one takes it back.
#[derive(Deserialize)]
struct Claim {
    #[serde(default, rename = "userId")]
    user_id: String,
    #[serde(default)]
    password: String,
    /// What the console shows.
    #[serde(default)]
    code: String,
    #[serde(default)]
    allow_readonly: Option<bool>,
    #[serde(default)]
    restore: bool,
    #[serde(default)]
    username: String,
}

async fn enable(
    request: HttpRequest,
    state: web::Data<AppState>,
    body: web::Json<Claim>,
) -> Result<HttpResponse, Error> {
    let (security, now) = (state.security.clone(), SystemTime::now());
    let address = address_of(&request, &state.proxies);
    let claim = body.into_inner();
    let restore = claim.restore;
    let done: Result<Option<Login>, SecurityError> = blocking(move || {
        if claim.restore {
            return security.restore(address, &claim.username, &claim.password, now).map(|_| None);
        }
        let readable = claim.allow_readonly.unwrap_or(false);
        security.claim(address, &claim.code, &claim.user_id, &claim.password, readable, now).map(Some)
    })
    .await?;
    Ok(match done {
        Ok(login) => {
            log::info!("the server has an admin now; it is secured");
            let text = if restore { "Security restored" } else { "Security enabled" };
            let mut answer = said(StatusCode::OK, text);
            if let Some(login) = login {
                cookies::set(answer.headers_mut(), &login, cookies::is_secure(&request), now);
            }
            answer
        }
        Err(error) => refusal(&error),
    })
}

#[derive(Deserialize)]
struct Admin {
    username: String,
    password: String,
}

async fn disable(
    request: HttpRequest,
    state: web::Data<AppState>,
    body: web::Json<Admin>,
) -> Result<HttpResponse, Error> {
    let security = state.security.clone();
    let address = address_of(&request, &state.proxies);
    let done = blocking(move || security.disable(address, &body.username, &body.password, SystemTime::now())).await?;
    if done.is_ok()
        && let Some(code) = state.security.claim_code()
    {
        crate::security::show_claim_code(&code);
    }
    Ok(answer(done.map(drop), "Security disabled; the server has to be claimed again, or started with --insecure"))
}

async fn has_backup(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(json!({"hasBackup": state.security.has_backup()}))
}

async fn read_config(state: web::Data<AppState>) -> Result<HttpResponse, Error> {
    // It waits while a change is being saved.
    let security = state.security.clone();
    Ok(HttpResponse::Ok().json(blocking(move || security.config()).await?))
}

async fn save_config(state: web::Data<AppState>, body: web::Json<Value>) -> Result<HttpResponse, Error> {
    let security = state.security.clone();
    let done = blocking(move || security.set_config(&body)).await?;
    Ok(match done {
        Ok(()) => HttpResponse::Ok().json("security config saved"),
        Err(error) => refusal(&error),
    })
}

async fn users(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(state.security.users())
}

#[derive(Deserialize)]
struct UserChange {
    #[serde(default)]
    password: Option<String>,
    #[serde(default, rename = "type")]
    level: Option<Level>,
}

async fn add_user(
    state: web::Data<AppState>,
    id: web::Path<String>,
    body: web::Json<UserChange>,
) -> Result<HttpResponse, Error> {
    let security = state.security.clone();
    let UserChange { password, level } = body.into_inner();
    let level = level.unwrap_or(Level::ReadOnly);
    let done = blocking(move || security.add_user(&id, password.as_deref(), level, SystemTime::now())).await?;
    Ok(answer(done.map(drop), "User added"))
}

async fn update_user(
    state: web::Data<AppState>,
    id: web::Path<String>,
    body: web::Json<UserChange>,
) -> Result<HttpResponse, Error> {
    let security = state.security.clone();
    let UserChange { password, level } = body.into_inner();
    let done = blocking(move || security.update_user(&id, password.as_deref(), level, SystemTime::now())).await?;
    Ok(answer(done.map(drop), "User updated"))
}

async fn change_password(
    state: web::Data<AppState>,
    id: web::Path<String>,
    body: web::Json<String>,
) -> Result<HttpResponse, Error> {
    let security = state.security.clone();
    let done = blocking(move || security.update_user(&id, Some(&body), None, SystemTime::now())).await?;
    Ok(answer(done.map(drop), "Password changed"))
}

async fn remove_user(state: web::Data<AppState>, id: web::Path<String>) -> Result<HttpResponse, Error> {
    let security = state.security.clone();
    let done = blocking(move || security.remove_user(&id)).await?;
    Ok(answer(done.map(drop), "User deleted"))
}

async fn devices(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(state.security.devices())
}

#[derive(Deserialize)]
struct DeviceChange {
    #[serde(default)]
    permissions: Option<Level>,
    #[serde(default)]
    description: Option<String>,
}

async fn update_device(
    state: web::Data<AppState>,
    id: web::Path<String>,
    body: web::Json<DeviceChange>,
) -> Result<HttpResponse, Error> {
    let security = state.security.clone();
    let done = blocking(move || security.update_device(&id, body.permissions, body.description.as_deref())).await?;
    Ok(answer(done.map(drop), "Device updated"))
}

async fn remove_device(state: web::Data<AppState>, id: web::Path<String>) -> Result<HttpResponse, Error> {
    let security = state.security.clone();
    let done = blocking(move || security.remove_device(&id)).await?;
    Ok(answer(done.map(drop), "Device deleted"))
}

fn answer(done: Result<(), SecurityError>, text: &'static str) -> HttpResponse {
    match done {
        Ok(()) => said(StatusCode::OK, text),
        Err(error) => refusal(&error),
    }
}

pub(super) fn said(status: StatusCode, text: impl Into<String>) -> HttpResponse {
    HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(text.into())
}

/// What could not be done, in words, with a status that says whose fault it is.
pub(super) fn refusal(error: &SecurityError) -> HttpResponse {
    let status = match error {
        SecurityError::AlreadyClaimed
        | SecurityError::Immutable
        | SecurityError::FixedByEnvironment(_)
        | SecurityError::Open
        | SecurityError::Locked
        | SecurityError::WrongCode => StatusCode::FORBIDDEN,
        SecurityError::WrongCredentials => StatusCode::UNAUTHORIZED,
        SecurityError::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
        SecurityError::NoBackup
        | SecurityError::UnknownUser
        | SecurityError::UnknownDevice
        | SecurityError::UnknownRequest => StatusCode::NOT_FOUND,
        SecurityError::LastAdmin | SecurityError::SeveralRequests => StatusCode::CONFLICT,
        SecurityError::BadName(..)
        | SecurityError::BadPassword
        | SecurityError::UserExists
        | SecurityError::NoPermissions
        | SecurityError::Expiration(_)
        | SecurityError::BadSetting { .. } => StatusCode::BAD_REQUEST,
        SecurityError::Unreadable { .. }
        | SecurityError::Unsaved { .. }
        | SecurityError::Damaged { .. }
        | SecurityError::Randomness(_)
        | SecurityError::Environment { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    };
    said(status, error.to_string())
}
