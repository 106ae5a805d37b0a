//! Files of packages: their folder `public/`, and nothing outside of it (wasm-plugin-abi §8.3).

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

use actix_files::NamedFile;
use actix_web::http::header::{self, ContentEncoding, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use mime_guess::mime::{self, Mime};
use percent_encoding::percent_decode_str;

/// A file that was compressed when the package was made, beside the one that it stands for.
const SIDECARS: [(&str, ContentEncoding); 2] = [("br", ContentEncoding::Brotli), ("gz", ContentEncoding::Gzip)];

/// What a path below the folder is.
enum Found {
    File(Box<NamedFile>),
    /// A folder whose path has no slash at the end; relative links in its page would lead elsewhere.
    Folder,
}

/// The file at `path`, which begins with a slash and is not decoded, or the `index.html` of the folder there; `None` when there is none
/// that may be seen.
pub async fn serve(request: &HttpRequest, public: &Path, path: &str) -> Option<HttpResponse> {
    let relative = relative_path(path)?;
    let is_folder = path.ends_with('/');
    let encodings: Vec<_> = SIDECARS.into_iter().filter(|(_, encoding)| accepts(request, *encoding)).collect();
    let public = public.to_owned();
    // An error is a panic, which has been reported, or the end of the server.
    let found = web::block(move || find(&public, &relative, is_folder, &encodings)).await.ok().flatten()?;
    Some(match found {
        Found::File(file) => respond(request, *file),
        Found::Folder => with_slash(request),
    })
}

/// Leads to the same path with a slash at its end, and the same query.
pub fn with_slash(request: &HttpRequest) -> HttpResponse {
    let query = Some(request.query_string()).filter(|query| !query.is_empty());
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let location = format!("{}/{query}", request.path());
    HttpResponse::MovedPermanently().insert_header((header::LOCATION, location)).finish()
}

fn respond(request: &HttpRequest, file: NamedFile) -> HttpResponse {
    let mut response = file.disable_content_disposition().into_response(request);
    let headers = response.headers_mut();
    let more: [(HeaderName, &'static str); 3] = [
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "Accept-Encoding"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in more {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The decoded path; `None` for one with a part that is hidden, or leads up or elsewhere.
fn relative_path(path: &str) -> Option<PathBuf> {
    let mut relative = PathBuf::new();
    let inner = path.strip_prefix('/')?;
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    for part in inner.split('/').filter(|_| !inner.is_empty()) {
        let part = percent_decode_str(part).decode_utf8().ok()?;
        if part.is_empty() || part.starts_with('.') || part.contains(['/', '\\', ':', '\0']) {
            return None;
        }
        relative.push(&*part);
    }
    Some(relative)
}

fn find(public: &Path, relative: &Path, is_folder: bool, encodings: &[(&str, ContentEncoding)]) -> Option<Found> {
    let root = public.canonicalize().ok()?;
    // Links may lead anywhere inside, but for what is hidden.
    let inside = |path: &Path| {
        let real = path.canonicalize().ok()?;
        let mut parts = real.strip_prefix(&root).ok()?.components();
        let is_seen = parts.all(|part| !part.as_os_str().as_encoded_bytes().starts_with(b"."));
        is_seen.then_some(real)
    };
    let mut asked = root.join(relative);
    let mut real = inside(&asked)?;
    if real.is_dir() {
        if !is_folder {
            return Some(Found::Folder);
        }
        asked = asked.join("index.html");
        real = inside(&asked)?;
    } else if is_folder {
        return None;
    }
    if !real.is_file() {
        return None;
    }
    let kind = content_type(&asked);
    for (extension, encoding) in encodings {
        let mut name = OsString::from(&asked);
        name.push(".");
        name.push(extension);
        if let Some(sidecar) = inside(Path::new(&name)).filter(|sidecar| sidecar.is_file()) {
            let file = NamedFile::from_file(File::open(&sidecar).ok()?, &sidecar).ok()?;
            let file = file.set_content_type(kind).set_content_encoding(*encoding);
            return Some(Found::File(Box::new(file)));
        }
    }
    let file = NamedFile::from_file(File::open(&real).ok()?, &real).ok()?;
    Some(Found::File(Box::new(file.set_content_type(kind))))
}

/// The type by the name's extension. Text is UTF-8 everywhere.
fn content_type(path: &Path) -> Mime {
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    if kind.type_() != mime::TEXT || kind.get_param(mime::CHARSET).is_some() {
        return kind;
    }
    format!("{kind}; charset=utf-8").parse().unwrap_or(kind)
}

/// Whether the client takes an encoding, and says so by its name.
fn accepts(request: &HttpRequest, encoding: ContentEncoding) -> bool {
    let accepted = request.headers().get_all(header::ACCEPT_ENCODING).filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding.as_str()));
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
        named && weight.is_none_or(|weight| weight > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use actix_web::body::to_bytes;
    use actix_web::test::TestRequest;

    use super::*;

    /// Status and body of what is served at a path.
    async fn get(public: &Path, path: &str, headers: &[(&str, &str)]) -> Option<(u16, String, HttpResponse<()>)> {
        let mut request = TestRequest::get().uri(path);
        for (name, value) in headers {
            request = request.append_header((*name, *value));
        }
        let path = path.split('?').next().expect("a path");
        let response = serve(&request.to_http_request(), public, path).await?;
        let (status, (head, body)) = (response.status().as_u16(), response.into_parts());
        let body = to_bytes(body).await.expect("a body");
        Some((status, String::from_utf8_lossy(&body).into_owned(), head))
    }

    fn header<'r>(response: &'r HttpResponse<()>, name: &str) -> &'r str {
        response.headers().get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    #[actix_web::test]
    async fn files_have_their_type_and_can_be_asked_for_in_part() {
        let directory = tempfile::tempdir().expect("a directory");
        let public = directory.path().join("public");
        fs::create_dir_all(public.join("sub dir")).expect("a directory");
        for (name, text) in [("index.html", "<p>"), ("a.js", "let a"), ("sub dir/index.html", "sub"), ("x.zzz", "?")] {
            fs::write(public.join(name), text).expect("written");
        }
        let (status, body, response) = get(&public, "/", &[]).await.expect("the index");
        assert_eq!(
            (status, body.as_str(), header(&response, "content-type")),
            (200, "<p>", "text/html; charset=utf-8")
        );
        let (_, body, response) = get(&public, "/a.js", &[]).await.expect("a file");
        assert_eq!((body.as_str(), header(&response, "content-type")), ("let a", "text/javascript; charset=utf-8"));
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        let tag = header(&response, "etag").to_owned();
        assert!(!tag.is_empty() && !header(&response, "last-modified").is_empty());
        assert_eq!(get(&public, "/a.js", &[("If-None-Match", &tag)]).await.expect("a file").0, 304);
        let (status, body, response) = get(&public, "/a.js", &[("Range", "bytes=1-2")]).await.expect("a file");
        assert_eq!((status, body.as_str(), header(&response, "content-range")), (206, "et", "bytes 1-2/5"));
        let (status, _, response) = get(&public, "/sub%20dir?x=1", &[]).await.expect("a folder");
        assert_eq!((status, header(&response, "location")), (301, "/sub%20dir/?x=1"));
        assert_eq!(get(&public, "/sub%20dir/", &[]).await.expect("a folder").1, "sub");
        let (_, _, response) = get(&public, "/x.zzz", &[]).await.expect("a file");
        assert_eq!(header(&response, "content-type"), "application/octet-stream");
        for absent in ["/none", "/a.js/", "/sub%20dir/none", "/sub%20dir//index.html"] {
            assert!(get(&public, absent, &[]).await.is_none(), "{absent}");
        }
    }

    #[actix_web::test]
    async fn compressed_files_go_to_those_who_take_them() {
        let directory = tempfile::tempdir().expect("a directory");
        for (name, text) in [("a.js", "plain"), ("a.js.gz", "gzipped"), ("a.js.br", "brotli"), ("b.js", "plain")] {
            fs::write(directory.path().join(name), text).expect("written");
        }
        for (path, accepted, expected, encoding) in [
            ("/a.js", "", "plain", ""),
            ("/a.js", "gzip", "gzipped", "gzip"),
            ("/a.js", "gzip, deflate, br;q=0.9", "brotli", "br"),
            ("/a.js", "gzip, br;q=0", "gzipped", "gzip"),
            ("/b.js", "gzip, br", "plain", ""),
        ] {
            let (_, body, response) =
                get(directory.path(), path, &[("Accept-Encoding", accepted)]).await.expect("a file");
            assert_eq!(
                (body.as_str(), header(&response, "content-encoding")),
                (expected, encoding),
                "{path} {accepted}"
            );
            assert_eq!(header(&response, "content-type"), "text/javascript; charset=utf-8");
            assert_eq!(header(&response, "vary"), "Accept-Encoding");
        }
    }

    #[cfg(unix)]
    #[actix_web::test]
    async fn nothing_outside_and_nothing_hidden_is_served() {
        let directory = tempfile::tempdir().expect("a directory");
        let public = directory.path().join("public");
        fs::create_dir_all(public.join(".git")).expect("a directory");
        fs::write(directory.path().join("secret"), "secret").expect("written");
        for name in ["ok", ".env", ".git/config"] {
            fs::write(public.join(name), name).expect("written");
        }
        for (link, target) in [
            ("link", "../secret"),
            ("up", ".."),
            ("fine", "ok"),
            ("loop", "loop"),
            ("seen", ".git/config"),
            ("git", ".git"),
        ] {
            std::os::unix::fs::symlink(target, public.join(link)).expect("a link");
        }
        std::os::unix::fs::symlink("../secret", public.join("ok.gz")).expect("a link");
        for path in [
            "/../secret",
            "/%2e%2e/secret",
            "/..%2fsecret",
            "/%2e%2e%2fsecret",
            "/..%5csecret",
            "/link",
            "/up/secret",
            "/up/",
            "/loop",
            "/seen",
            "/git/config",
            "/.env",
            "/%2eenv",
            "/.git/config",
            "/ok%00.html",
            "//etc/passwd",
            "/%2fetc/passwd",
            "/%ff",
            "secret",
        ] {
            assert!(get(&public, "/ok", &[]).await.is_some());
            let request = TestRequest::get().to_http_request();
            assert!(serve(&request, &public, path).await.is_none(), "{path}");
        }
        assert_eq!(get(&public, "/fine", &[]).await.expect("a link inside").1, "ok");
        let (_, body, response) = get(&public, "/ok", &[("Accept-Encoding", "gzip")]).await.expect("a file");
        assert_eq!((body.as_str(), header(&response, "content-encoding")), ("ok", ""));
    }
}
