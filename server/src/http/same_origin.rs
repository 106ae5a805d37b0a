//! Keeps pages of other origins from changing anything in the name of whoever looks at them.
//!
//! Any page may read (see [`super::cors`]), and a browser sends simple requests anywhere without asking. It says where they come from,
//! though: programs, which are not tricked into anything, don't.

use actix_web::HttpRequest;
use actix_web::http::header;
use url::Url;

/// The name, and port, that a request is for: `Host`, or in HTTP/2 the authority, which is not among the headers there.
pub fn host(request: &HttpRequest) -> Option<&str> {
    match request.headers().get(header::HOST) {
        Some(host) => host.to_str().ok(),
        None => request.uri().authority().map(|authority| authority.as_str()),
    }
}

/// Whether a request comes from a page of this server, or from no page at all.
pub fn is_own(request: &HttpRequest) -> bool {
    let headers = request.headers();
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    // The browser's own judgement, which no page can set. It holds behind a proxy too, which may change `Host`.
    if headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin") {
        return true;
    }
    origin.to_str().ok().zip(host(request)).is_some_and(|(origin, host)| is_same(origin, host))
}

/// The scheme is not compared: behind a proxy it may be `https`.
fn is_same(origin: &str, host: &str) -> bool {
    let Ok(theirs) = Url::parse(origin) else { return false };
    let Ok(ours) = Url::parse(&format!("{}://{host}", theirs.scheme())) else { return false };
    // An origin without a host, such as that of a file, is not even its own.
    theirs.origin() == ours.origin()
}

/// Top-level names that no registry gives away, so that nobody outside can make one of them lead here.
const LOCAL_ZONES: [&str; 6] = ["local", "lan", "localhost", "internal", "home", "home.arpa"];

/// Whether a request is for an address, for a name without a dot, for one of a local zone, or for one of `known`.
///
/// A request that is for no name at all is for none of these.
pub fn is_local_name(request: &HttpRequest, known: &[String]) -> bool {
    let Some(url) = host(request).and_then(|host| Url::parse(&format!("http://{host}")).ok()) else {
        return false;
    };
    match url.host() {
        Some(url::Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            !name.contains('.')
                || known.iter().any(|known| known.eq_ignore_ascii_case(&name))
                || LOCAL_ZONES.iter().any(|zone| name.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.')))
        }
        Some(url::Host::Ipv4(_) | url::Host::Ipv6(_)) => true,
        None => false,
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn names_that_others_can_register_are_not_local() {
        use actix_web::test::TestRequest;
        for (host, expected) in [
            ("127.0.0.1:3000", true),
            ("[::1]:3000", true),
            ("192.168.1.5", true),
            ("boat:3000", true),
            ("boat.local:3000", true),
            ("Boat.LAN", true),
            ("localhost:3000", true),
            ("evil.example:3000", false),
            ("local.evil.example", false),
            ("evillocal.example.", false),
            ("boat.example", true),
        ] {
            let request = TestRequest::default().insert_header(("Host", host)).to_http_request();
            assert_eq!(is_local_name(&request, &["boat.example".to_owned()]), expected, "{host}");
        }
    }

    #[test]
    fn in_http_2_the_name_is_in_the_uri() {
        use actix_web::test::TestRequest;
        for (uri, local, own) in [
            ("https://boat.local:3443/x", true, true),
            ("https://evil.example:3443/x", false, false),
            ("/x", false, false),
        ] {
            let request =
                TestRequest::default().uri(uri).insert_header(("Origin", "https://boat.local:3443")).to_http_request();
            assert!(!request.headers().contains_key("host"));
            assert_eq!((is_local_name(&request, &[]), is_own(&request)), (local, own), "{uri}");
        }
    }

    #[test]
    fn the_browser_says_which_pages_are_this_servers() {
        use actix_web::test::TestRequest;
        let (own, foreign) = ("http://boat:3000", "http://elsewhere.example");
        for (headers, expected) in [
            (vec![], true),
            (vec![("Origin", own)], true),
            (vec![("Origin", foreign)], false),
            (vec![("Origin", "null")], false),
            (vec![("Origin", foreign), ("Sec-Fetch-Site", "cross-site")], false),
            (vec![("Origin", foreign), ("Sec-Fetch-Site", "same-origin")], true),
        ] {
            let mut request = TestRequest::default().append_header(("Host", "boat:3000"));
            for header in &headers {
                request = request.append_header(*header);
            }
            assert_eq!(is_own(&request.to_http_request()), expected, "{headers:?}");
        }
    }
}
