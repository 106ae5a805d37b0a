//! Cross-origin access: any page may read, as Signal K's web apps expect (signalk-v1 §4.3).

use std::future::{Ready, ready};

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{Error, HttpResponse};
use futures_util::future::LocalBoxFuture;

/// Adds the headers to every answer, errors too, and answers preflight requests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cors;

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
        ready(Ok(CorsService { service }))
    }
}

/// The middleware of a worker.
#[derive(Debug)]
pub struct CorsService<S> {
    service: S,
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
        if request.method() == Method::OPTIONS {
            let mut answer = HttpResponse::NoContent().finish();
            let asked = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
            let headers = answer.headers_mut();
            allow_everybody(headers);
            let methods = HeaderValue::from_static("GET,HEAD,PUT,PATCH,POST,DELETE");
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
            if let Some(asked) = asked {
                headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
            }
            return Box::pin(ready(Ok(request.into_response(answer).map_into_right_body())));
        }
        let answer = self.service.call(request);
        Box::pin(async move {
            let mut answer = answer.await?.map_into_left_body();
            allow_everybody(answer.headers_mut());
            Ok(answer)
        })
    }
}

fn allow_everybody(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
}
