//! What a path may look like without being another one.

use std::collections::BTreeSet;

use reqwest::Method;
use windlass::http::access::{Need, TABLE};
use windlass_tests::ServerOptions;

use super::{raw, status};
use crate::access::{example, expired_token};

/// `text` with the byte at `at` percent-encoded.
fn encoded(text: &str, at: usize, lower: bool) -> String {
    let (before, rest) = text.split_at(at);
    let byte = rest.as_bytes()[0];
    let code = if lower { format!("%{byte:02x}") } else { format!("%{byte:02X}") };
    format!("{before}{code}{}", &rest[1..])
}

/// Other spellings of a path, which lead nowhere, or to the same with the same rights.
fn spellings(path: &str) -> BTreeSet<String> {
    let starts: Vec<_> = path.match_indices('/').map(|(at, _)| at + 1).filter(|at| *at < path.len()).collect();
    let mut all: BTreeSet<String> = ["", "/", "//", ";x", ";/", "%20", "%00", "%2f", "?x", "/.", "/%2e", "%0a", "%25"]
        .iter()
        .map(|end| format!("{path}{end}"))
        .collect();
    for start in ["/", "/.", "/%2e", "/x/..", "/x/%2e%2e", "/%2f", "/;x", "/admin/..", "/@signalk/x/..", "%2f"] {
        all.insert(format!("{start}{path}"));
    }
    all.insert(format!("http://{}{path}", "elsewhere.example"));
    all.insert(path.to_uppercase());
    for at in &starts {
        // The last letter has a hexadecimal code with a letter more often than the first.
        let end = path[*at..].find('/').map_or(path.len(), |length| at + length);
        for at in [*at, end - 1] {
            for lower in [true, false] {
                let once = encoded(path, at, lower);
                all.insert(once.replace('%', "%25"));
                all.insert(once);
            }
        }
        if *at > 1 {
            all.insert(encoded(path, at - 1, true));
            all.insert(format!("{}//{}", &path[..at - 1], &path[*at..]));
            all.insert(format!("{}/./{}", &path[..at - 1], &path[*at..]));
            all.insert(format!("{}\\{}", &path[..at - 1], &path[*at..]));
        }
    }
    // Every letter of it.
    all.insert(path.bytes().map(|byte| if byte == b'/' { "/".to_owned() } else { format!("%{byte:02x}") }).collect());
    all
}

#[tokio::test]
async fn no_spelling_of_a_path_is_a_way_around_the_access_table() {
    let (server, admin) = ServerOptions::new()
        .environment("HTTP_RATE_LIMITS", "api=1000000,loginStatus=1000000,login=1000")
        .start_claimed()
        .await;
    let people = [
        ("nobody", None, Some(Need::Nothing)),
        ("an expired token", Some(expired_token(&server, &admin).await), None),
        ("a reader", Some(server.add_user(&admin, "reader", "readonly").await), Some(Need::Read)),
        ("a device", Some(server.add_device(&admin, "display", "readwrite").await), Some(Need::Write)),
    ];
    let (mut asked, mut wrong) = (0, Vec::new());
    for row in TABLE {
        for (path, method) in example(row.routes)
            .into_iter()
            .flat_map(|path| [Method::GET, Method::HEAD, Method::PUT].map(|method| (path.clone(), method)))
        {
            let need = if method == Method::PUT { row.change } else { row.read };
            for (name, token, may) in &people {
                if may.is_some_and(|may| may >= need) || need == Need::Nothing {
                    continue;
                }
                let bearer = token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n"));
                for path in spellings(&path) {
                    let head = format!(
                        "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n{}",
                        server.address(),
                        bearer.as_deref().unwrap_or_default()
                    );
                    let status = status(&raw(&server, &head).await);
                    asked += 1;
                    // Anything else would say that a handler has seen the request.
                    if ![400, 401, 403, 404].contains(&status) {
                        wrong.push(format!("{method} {path} by {name}: {status}, but it needs {need:?}"));
                    }
                }
            }
        }
    }
    assert!(asked > 5000, "only {asked} requests were made");
    assert!(wrong.is_empty(), "{} of {asked} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(server.logs().find(&["has no row in the access table"]).is_none());
}

/// Handlers read the path as it was sent, so one that only the router understands leads nowhere, for admins too.
#[tokio::test]
async fn a_path_means_the_same_to_everybody() {
    let server = ServerOptions::new().start().await;
    for (path, expected) in [
        ("/skServer/settings", 200),
        ("/%73kServer/settings", 404),
        ("/skServer/setting%73", 404),
        ("/signalk/v1/api/vessels/self", 200),
        // Names are another matter: their encoding is the client's choice.
        ("/signalk/v1/api/vessels/sel%66", 200),
        ("/signalk/v1/%61pi/vessels/self", 404),
        ("/signalk/v2/api/resource%73", 404),
        ("/%61dmin/", 404),
    ] {
        let answer = raw(&server, &format!("GET {path} HTTP/1.1\r\nHost: {}\r\n", server.address())).await;
        assert_eq!(status(&answer), expected, "{path}: {answer}");
    }
}
