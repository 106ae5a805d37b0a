//! Cross-origin access: any page may read, as Signal K's web apps expect, or only those of the origins that the owner allows
//! (signalk-v1 §4.3).

use std::future::{Ready, ready};

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{Error, HttpResponse};
use futures_util::future::LocalBoxFuture;
use windlass_security::Security;

/// Adds the headers to every answer, errors too, and answers preflight requests.
#[derive(Debug, Clone)]
pub struct Cors {
    security: Security,
}

impl Cors {
    /// By the security settings.
    pub fn new(security: Security) -> Self {
        Self { security }
    }

    /// Says which pages may see an answer.
    fn allow(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        let allowed = self.security.policy().allowed_cors_origins;
        let value = match (allowed.as_slice(), origin) {
            ([], _) => Some(HeaderValue::from_static("*")),
            ([first, ..], Some(origin)) if first == "*" => Some(origin.clone()),
            (allowed, Some(origin)) => {
                allowed.iter().any(|one| one.as_bytes() == origin.as_bytes()).then(|| origin.clone())
            }
            (_, None) => None,
        };
        if !allowed.is_empty() {
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(value) = value {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, value);
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }
}

impl<S, B> Transform<S, ServiceRequest> for Cors
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B, BoxBody>>;
    type Error = Error;
    type Transform = CorsService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(CorsService { service, cors: self.clone() }))
    }
}

/// The middleware of a worker.
#[derive(Debug)]
pub struct CorsService<S> {
    service: S,
    cors: Cors,
}

impl<S, B> Service<ServiceRequest> for CorsService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B, BoxBody>>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Error>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let origin = request.headers().get(header::ORIGIN).cloned();
        if request.method() == Method::OPTIONS {
            let mut answer = HttpResponse::NoContent().finish();
            let asked = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
            let headers = answer.headers_mut();
            self.cors.allow(origin.as_ref(), headers);
            let methods = HeaderValue::from_static("GET,HEAD,PUT,PATCH,POST,DELETE");
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
            if let Some(asked) = asked {
                headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
            }
            return Box::pin(ready(Ok(request.into_response(answer).map_into_right_body())));
        }
        let (answer, cors) = (self.service.call(request), self.cors.clone());
        Box::pin(async move {
            let mut answer = answer.await?.map_into_left_body();
            cors.allow(origin.as_ref(), answer.headers_mut());
            Ok(answer)
        })
    }
}
