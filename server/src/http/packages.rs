//! Installing and removing packages while the server runs: the store as the reference has it (server-admin-api §6), and files that are sent.

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, HttpResponse};
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::answers::blocking;
use super::uploads::{UploadError, store_file};
use super::{AppState, read};
use crate::packages::{MAX_ARCHIVE, PackageError, PackageName, with_log};

type State = web::Data<AppState>;

/// Registers the routes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(
            web::resource(["/skServer/appstore/available", "/skServer/appstore/available/"])
                .route(read().to(available)),
        )
        .service(web::resource("/skServer/appstore/refresh").route(web::post().to(refresh)))
        .service(web::resource("/skServer/appstore/install/{package:.*}").route(web::post().to(install)))
        .service(web::resource("/skServer/appstore/remove/{package:.*}").route(web::post().to(remove)))
        .service(web::resource("/skServer/appstore/installLog/{package:.*}").route(read().to(log)))
        .service(web::resource("/windlass/plugins/upload").route(web::post().to(upload)))
        .service(web::resource("/windlass/plugins/installs").route(read().to(installs)))
        .service(web::resource("/windlass/plugins/install-missing").route(web::post().to(install_missing)));
}

/// What is installed, what the registry has, and what is being done.
async fn available(state: State) -> HttpResponse {
    HttpResponse::Ok().json(state.installer.store().await)
}

/// The same, after asking the registry anew.
async fn refresh(state: State) -> HttpResponse {
    state.installer.refresh();
    available(state).await
}

/// `…/install/[<org>/]<name>/<version>`
async fn install(state: State, package: web::Path<String>) -> HttpResponse {
    let Some((name, version)) = package.rsplit_once('/') else {
        return refusal(&PackageError::Version(String::new()));
    };
    let version = decoded(version);
    let Ok(parsed) = semver::Version::parse(&version) else { return refusal(&PackageError::Version(version)) };
    let name = match PackageName::new(&decoded(name)) {
        Ok(name) => name,
        Err(error) => return refusal(&error),
    };
    match state.installer.install(&name, &parsed).await {
        Ok(_) => HttpResponse::Ok().json(format!("Installing {name}...")),
        Err(error) => refusal(&error),
    }
}

/// `…/remove/[<org>/]<name>`
async fn remove(state: State, package: web::Path<String>) -> HttpResponse {
    let name = match PackageName::new(&decoded(&package)) {
        Ok(name) => name,
        Err(error) => return refusal(&error),
    };
    match state.installer.remove(&name).await {
        Ok(_) => HttpResponse::Ok().json(format!("Removing {name}...")),
        Err(error) => refusal(&error),
    }
}

/// What was done last with a package, with what npm said.
async fn log(state: State, package: web::Path<String>) -> HttpResponse {
    let name = decoded(&package);
    match state.installer.job_of(&name) {
        Some(job) => HttpResponse::Ok().json(with_log(&job)),
        None => refusal(&PackageError::Unknown(name)),
    }
}

/// `{"installs": […], "missing": […]}`: what is and was done, latest first, and what `package.json` names that is not there.
async fn installs(state: State) -> HttpResponse {
    HttpResponse::Ok().json(json!({"installs": state.installer.jobs(), "missing": state.installer.missing().await}))
}

/// Installs what is missing, as after a backup was restored on another computer. 202 with `{"installs": […]}`: what is done now.
async fn install_missing(state: State) -> HttpResponse {
    match state.installer.install_missing().await {
        Ok(installs) => HttpResponse::Accepted().json(json!({"installs": installs})),
        Err(error) => refusal(&error),
    }
}

/// Takes a package as a file: an archive as `npm pack` makes it, or a module. 202 with what is being done now.
async fn upload(state: State, form: Multipart) -> Result<HttpResponse, Error> {
    let directory = state.admin.directory.clone();
    let file = match blocking(move || tempfile::Builder::new().suffix(".tgz").tempfile_in(directory)).await? {
        Ok(file) => file,
        Err(error) => return Ok(internal(&format!("there is no place for the file: {error}"))),
    };
    let writing = match file.as_file().try_clone() {
        Ok(writing) => writing,
        Err(error) => return Ok(internal(&format!("there is no place for the file: {error}"))),
    };
    let mut writing = tokio::fs::File::from_std(writing);
    let name = match store_file(form, MAX_ARCHIVE, check_name, &mut writing).await {
        Ok(name) => name,
        Err(error) => {
            let status = match &error {
                UploadError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
                UploadError::Disk(_) => StatusCode::INTERNAL_SERVER_ERROR,
                _ => StatusCode::BAD_REQUEST,
            };
            return Ok(HttpResponse::build(status).json(json!({"error": error.to_string()})));
        }
    };
    Ok(match state.installer.install_file(name, file).await {
        Ok(job) => HttpResponse::Accepted().json(job),
        Err(error) => refusal(&error),
    })
}

/// What the name of a package's file ends with.
fn check_name(name: &str) -> Result<(), &'static str> {
    match [".tgz", ".tar.gz", ".wasm"].iter().any(|end| name.ends_with(end)) {
        true => Ok(()),
        false => Err("a plugin is a .tgz file, as `npm pack` makes it, or a .wasm file"),
    }
}

/// A name in an address, whose slash may be encoded.
fn decoded(text: &str) -> String {
    percent_decode_str(text.trim_end_matches('/')).decode_utf8_lossy().into_owned()
}

fn internal(error: &str) -> HttpResponse {
    log::error!("{error}");
    HttpResponse::InternalServerError().json(json!({"error": error}))
}

/// The answer to what can't be done: `{"error": …}`, and for an unknown package the text of the reference.
fn refusal(error: &PackageError) -> HttpResponse {
    let status = match error {
        PackageError::Unknown(_) => return HttpResponse::NotFound().json(error.to_string()),
        PackageError::Name(_)
        | PackageError::Version(_)
        | PackageError::Option(_)
        | PackageError::Archive(_)
        | PackageError::Foreign(_)
        | PackageError::Module(_) => StatusCode::BAD_REQUEST,
        PackageError::Busy(_)
        | PackageError::HandPlaced { .. }
        | PackageError::NotNpms(_)
        | PackageError::InTheWay { .. }
        | PackageError::InModules { .. } => StatusCode::CONFLICT,
        PackageError::Full
        | PackageError::NoNpm(_)
        | PackageError::Registry(_)
        | PackageError::TooLong(_)
        | PackageError::ShutDown => StatusCode::SERVICE_UNAVAILABLE,
        _ => return internal(&error.to_string()),
    };
    HttpResponse::build(status).json(json!({"error": error.to_string()}))
}
