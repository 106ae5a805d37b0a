//! `POST /plugins/resources-provider/_config/<type>`: how apps have the server offer a type of resources of theirs (clients.md).

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, HttpResponse};
use serde::Deserialize;
use windlass_store::ChangeError;

use super::AppState;
use super::answers::blocking;
use super::v2::answers::{failed, ok};

/// Registers the route, before those of plugins.
pub fn routes(config: &mut ServiceConfig) {
    for prefix in ["/skServer/plugins", "/plugins"] {
        // A route, not a resource: other methods go on to a plugin of that name.
        config.route(&format!("{prefix}/resources-provider/_config/{{type}}"), web::post().to(add));
    }
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    description: Option<String>,
}

async fn add(
    state: web::Data<AppState>,
    kind: web::Path<String>,
    body: web::Json<Body>,
) -> Result<HttpResponse, Error> {
    let (custom, name) = (state.custom_resources.clone(), kind.clone());
    let description = body.into_inner().description.unwrap_or_default();
    Ok(match blocking(move || custom.add(&name, &description)).await? {
        Ok(()) => {
            state.providers.resources.expect(&kind);
            ok()
        }
        Err(ChangeError::Refused(error)) => failed(StatusCode::BAD_REQUEST, error),
        Err(error) => {
            log::error!("{error}");
            failed(StatusCode::INTERNAL_SERVER_ERROR, error)
        }
    })
}
