//! Keeps pages of other origins from changing anything in the name of whoever looks at them.
//!
//! Any page may read (see [`super::cors`]), and a browser sends simple requests anywhere without asking. It says where they come from,
//! though: programs, which are not tricked into anything, don't.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse};
use serde_json::json;
use url::Url;

/// Refuses requests of pages of other origins with 403, unless they only read.
pub async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if request.method().is_safe() || is_own(request.headers()) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let reason = "a page of another origin may not do this; use the pages of this server, or a program";
    Ok(request.into_response(HttpResponse::Forbidden().json(json!({"error": reason}))))
}

/// Whether a request comes from a page of this server, or from no page at all.
fn is_own(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    // The browser's own judgement, which no page can set. It holds behind a proxy too, which may change `Host`.
    if headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin") {
        return true;
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    origin.to_str().ok().zip(host).is_some_and(|(origin, host)| is_same(origin, host))
}

/// The scheme is not compared: behind a proxy it may be `https`.
fn is_same(origin: &str, host: &str) -> bool {
    let Ok(theirs) = Url::parse(origin) else { return false };
    let Ok(ours) = Url::parse(&format!("{}://{host}", theirs.scheme())) else { return false };
    // An origin without a host, such as that of a file, is not even its own.
    theirs.origin() == ours.origin()
}

#[cfg(test)]
mod tests {
    use actix_web::http::{Method, StatusCode};
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, web};

    use super::*;

    #[test]
    fn an_origin_is_compared_with_the_host() {
        for (origin, host, expected) in [
            ("http://boat.local:3000", "boat.local:3000", true),
            ("http://BOAT.local", "boat.local:80", true),
            ("https://boat.local", "boat.local", true),
            ("http://[::1]:3000", "[::1]:3000", true),
            ("http://boat.local:3001", "boat.local:3000", false),
            ("http://boat.local.example", "boat.local", false),
            ("http://localhost:3000", "127.0.0.1:3000", false),
            ("null", "boat.local", false),
            ("file://", "boat.local", false),
            ("http://boat.local", "", false),
        ] {
            assert_eq!(is_same(origin, host), expected, "{origin} {host}");
        }
    }

    #[actix_web::test]
    async fn pages_of_other_origins_can_only_read() {
        let routes = || web::scope("").default_service(web::to(HttpResponse::Ok)).wrap(from_fn(guard));
        let app = init_service(App::new().service(routes())).await;
        let (own, foreign) = ("http://boat:3000", "http://elsewhere.example");
        for (method, headers, expected) in [
            (Method::POST, vec![], StatusCode::OK),
            (Method::POST, vec![("Origin", own)], StatusCode::OK),
            (Method::POST, vec![("Origin", foreign)], StatusCode::FORBIDDEN),
            (Method::PUT, vec![("Origin", foreign)], StatusCode::FORBIDDEN),
            (Method::DELETE, vec![("Origin", "null")], StatusCode::FORBIDDEN),
            (Method::POST, vec![("Origin", foreign), ("Sec-Fetch-Site", "cross-site")], StatusCode::FORBIDDEN),
            (Method::POST, vec![("Origin", foreign), ("Sec-Fetch-Site", "same-origin")], StatusCode::OK),
            (Method::GET, vec![("Origin", foreign)], StatusCode::OK),
            (Method::HEAD, vec![("Origin", foreign)], StatusCode::OK),
        ] {
            let mut request =
                TestRequest::default().method(method.clone()).uri("/x").append_header(("Host", "boat:3000"));
            for header in &headers {
                request = request.append_header(*header);
            }
            let answer = call_service(&app, request.to_request()).await;
            assert_eq!(answer.status(), expected, "{method} {headers:?}");
        }
    }
}
