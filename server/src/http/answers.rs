//! Answers that several administration routes give.

use std::fmt::Display;

use actix_web::http::StatusCode;
use actix_web::{Error, HttpResponse, web};

/// A text, as pages show it.
pub fn text(status: StatusCode, words: impl Into<String>) -> HttpResponse {
    HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(words.into())
}

/// Something that can't be done now, for no fault of who asks; the log has it too.
pub fn failure(error: &dyn Display) -> HttpResponse {
    log::error!("{error}");
    text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

/// Runs what waits for the disk where it may.
///
/// # Errors
/// The server goes down.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    web::block(work).await.map_err(actix_web::error::ErrorServiceUnavailable)
}
