//! The bodies that all interfaces of version 2 answer with (signalk-v2 §1).

use std::fmt::Display;

use actix_web::error::{InternalError, JsonPayloadError};
use actix_web::http::StatusCode;
use actix_web::{Error, HttpRequest, HttpResponse};
use serde_json::{Value, json};

/// `ok`.
pub fn ok() -> HttpResponse {
    completed(StatusCode::OK, "OK")
}

/// Something was done; the message says what.
pub fn completed(status: StatusCode, message: impl Display) -> HttpResponse {
    completed_with(status, "message", message.to_string().into())
}

/// `created`, with the id of what was.
pub fn created(id: &str) -> HttpResponse {
    completed_with(StatusCode::CREATED, "id", id.into())
}

/// Something was done, with one more key.
pub fn completed_with(status: StatusCode, key: &str, value: Value) -> HttpResponse {
    let mut body = json!({"state": "COMPLETED", "statusCode": status.as_u16()});
    body[key] = value;
    HttpResponse::build(status).json(body)
}

/// Something was not done.
pub fn failed(status: StatusCode, message: impl Display) -> HttpResponse {
    let message = message.to_string();
    HttpResponse::build(status).json(json!({"state": "FAILED", "statusCode": status.as_u16(), "message": message}))
}

/// Something that the visitor may not do.
pub fn unauthorised() -> HttpResponse {
    failed(StatusCode::FORBIDDEN, "Unauthorised")
}

/// A body that is no JSON, or too long.
pub fn bad_json(error: JsonPayloadError, _: &HttpRequest) -> Error {
    let answer = match &error {
        JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => {
            failed(StatusCode::PAYLOAD_TOO_LARGE, &error)
        }
        _ => failed(StatusCode::BAD_REQUEST, &error),
    };
    InternalError::from_response(error, answer).into()
}
