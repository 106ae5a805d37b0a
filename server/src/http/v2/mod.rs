//! The interfaces of version 2: `/signalk/v2/…` (signalk-v2).

pub(super) mod answers;
mod features;
mod named;
mod radar;
mod resources;
mod streams;
mod weather;

use actix_web::Resource;
use actix_web::http::header;
use actix_web::middleware::{DefaultHeaders, from_fn};
use actix_web::web::{self, ServiceConfig};

use super::{MAX_BODY, pages, read};

/// All routes.
pub fn routes(config: &mut ServiceConfig) {
    let fresh = DefaultHeaders::new().add((header::CACHE_CONTROL, "no-cache"));
    config.service(at("/signalk/v2/features").route(read().to(features::features))).service(
        web::scope("/signalk/v2/api")
            .app_data(web::JsonConfig::default().limit(MAX_BODY).error_handler(answers::bad_json))
            .service(
                web::scope("/vessels/self/radars").wrap(from_fn(radar::by_acl)).wrap(fresh).configure(radar::routes),
            )
            .service(web::scope("/resources").configure(resources::routes))
            .service(web::scope("/weather").configure(weather::routes))
            .service(handshake("/streams/{stream:.+}").route(web::get().to(streams::stream))),
    );
}

/// A path with or without a slash at its end. Methods that it has no route for are answered as unknown paths are.
fn at(path: &str) -> Resource {
    web::resource([path.to_owned(), format!("{path}/")]).default_service(web::to(pages::not_found))
}

/// The path of a WebSocket, which is opened with GET and has no slash at its end.
fn handshake(path: &str) -> Resource {
    web::resource(path).default_service(web::to(pages::not_found))
}
