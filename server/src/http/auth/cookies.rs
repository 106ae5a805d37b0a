//! The cookies of a login, and what a request presents to be let in (signalk-v1 §8.2, §8.3).

use std::time::SystemTime;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderValue, HttpDate};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use windlass_security::{AuthError, Login, Security, Session};

/// The cookie with the token.
const TOKEN: &str = "JAUTHENTICATION";
/// The cookie that tells pages whether somebody is logged in; they can read it.
const INFO: &str = "skLoginInfo";

/// The tokens that a request carries.
#[derive(Debug)]
pub struct Presented {
    cookie: Option<String>,
    header: Option<String>,
}

impl Presented {
    /// Reads the cookie, and `Authorization` or `X-Authorization` with `Bearer` or `JWT`.
    pub fn of(headers: &HeaderMap) -> Self {
        let cookie = named(headers, TOKEN).map(str::to_owned);
        let authorization = ["authorization", "x-authorization"].iter().find_map(|name| {
            let (scheme, token) = headers.get(*name)?.to_str().ok()?.split_once(' ')?;
            let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("jwt");
            known.then(|| token.trim().to_owned())
        });
        Self { cookie, header: authorization.filter(|token| !token.is_empty()) }
    }

    /// Whether the request acts for whoever uses the browser.
    pub fn has_cookie(&self) -> bool {
        self.cookie.is_some() && self.header.is_none()
    }

    /// The token that counts. A program that sets a header means it, whatever cookie is left over from before.
    pub fn token(&self) -> Option<&str> {
        self.header.as_deref().or(self.cookie.as_deref())
    }

    /// Who it is.
    ///
    /// # Errors
    /// The token is no good.
    pub fn authenticate(&self, security: &Security, now: SystemTime) -> Result<Session, AuthError> {
        security.authenticate(self.token(), now)
    }
}

/// The value of a cookie, unless it is empty.
pub fn named<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, value)| *name == wanted && !value.is_empty()).map(|(_, value)| value)
}

/// Whether a request came over TLS, to us or to a proxy before us.
pub fn is_secure(request: &HttpRequest) -> bool {
    request.app_config().secure() || request.connection_info().scheme() == "https"
}

/// Sets the cookies of a login.
pub fn set(headers: &mut HeaderMap, login: &Login, secure: bool, now: SystemTime) {
    let mut attributes = String::from("; Path=/; SameSite=Strict");
    if secure {
        attributes.push_str("; Secure");
    }
    if let Some(lifetime) = login.time_to_live.filter(|_| login.remember) {
        let expires =
            now.checked_add(lifetime).map(|at| format!("; Expires={}", HttpDate::from(at))).unwrap_or_default();
        attributes.push_str(&format!("; Max-Age={}{expires}", lifetime.as_secs()));
    }
    let info = json!({"status": "loggedIn", "user": login.user}).to_string();
    let info = utf8_percent_encode(&info, NON_ALPHANUMERIC);
    append(headers, format!("{TOKEN}={}{attributes}; HttpOnly", login.token.as_str()));
    append(headers, format!("{INFO}={info}{attributes}"));
}

/// Ends the cookies of a login.
pub fn clear(headers: &mut HeaderMap, secure: bool) {
    let attributes =
        if secure { "; Path=/; SameSite=Strict; Secure; Max-Age=0" } else { "; Path=/; SameSite=Strict; Max-Age=0" };
    let past = HttpDate::from(SystemTime::UNIX_EPOCH);
    append(headers, format!("{TOKEN}={attributes}; Expires={past}; HttpOnly"));
    append(headers, format!("{INFO}={attributes}; Expires={past}"));
}

fn append(headers: &mut HeaderMap, cookie: String) {
    match HeaderValue::from_str(&cookie) {
        Ok(value) => headers.append(header::SET_COOKIE, value),
        Err(_) => log::error!("a cookie could not be set, because it is no text that a header may have"),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn tokens_are_found_where_clients_put_them() {
        // SK-127, SK-128
        for (name, value, expected, cookie) in [
            ("Authorization", "Bearer t", Some("t"), false),
            ("Authorization", "JWT t", Some("t"), false),
            ("X-Authorization", "jwt t", Some("t"), false),
            ("Authorization", "Basic dTpw", None, false),
            ("Authorization", "t", None, false),
            ("Cookie", "a=b; JAUTHENTICATION=t; c=d", Some("t"), true),
            ("Cookie", "JAUTHENTICATION=; xJAUTHENTICATION=t", None, false),
        ] {
            let request = TestRequest::default().insert_header((name, value)).to_http_request();
            let presented = Presented::of(request.headers());
            assert_eq!((presented.token(), presented.has_cookie()), (expected, cookie), "{name}: {value}");
        }
        let both = TestRequest::default()
            .insert_header(("Cookie", "JAUTHENTICATION=old"))
            .insert_header(("Authorization", "Bearer new"));
        let both = both.to_http_request();
        assert_eq!(Presented::of(both.headers()).token(), Some("new"));
    }
}
