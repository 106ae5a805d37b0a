//! Who may do what: every route of the access table, asked by everybody who can ask, and compared with the table.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::json;
use windlass::http::access::{Need, Routes, TABLE};
use windlass_tests::{Json, PASSWORD, Server, ServerOptions};

/// Somebody who asks, and what they may do.
struct Who {
    name: &'static str,
    token: Option<String>,
    /// `None` for a token that is no good at all.
    may: Option<Need>,
}

/// A concrete path of a route: parts in braces become something that is not there, so that nothing is harmed by asking.
pub(crate) fn example(routes: Routes) -> Vec<String> {
    let pattern = match routes {
        Routes::At(pattern) => pattern.to_owned(),
        Routes::Below(path) => return vec![path.to_owned(), format!("{path}/no-such-thing")],
    };
    let mut path = String::new();
    let mut rest = pattern.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').expect("a closing brace");
        path += before;
        path += if name.contains(":.*") { "vessels/self" } else { "no-such-thing" };
        rest = after;
    }
    vec![path + rest]
}

/// What the server does with somebody: lets in, or how it refuses.
async fn ask(server: &Server, who: &Who, method: &Method, path: &str) -> u16 {
    let bearer = who.token.as_ref().map(|token| format!("Bearer {token}"));
    let headers: Vec<_> = bearer.iter().map(|bearer| ("Authorization", bearer.as_str())).collect();
    // A body that no handler can do anything with.
    let body = (*method != Method::GET).then(|| "[".to_owned());
    server.request(method.clone(), path, &headers, body).await.status.as_u16()
}

fn is_refusal(status: u16, path: &str) -> bool {
    status == 401 || (status == 403 && path.starts_with("/signalk/v2/"))
}

#[tokio::test]
async fn every_route_lets_in_whom_the_table_says() {
    let (server, admin) = ServerOptions::new()
        .environment("HTTP_RATE_LIMITS", "api=100000,loginStatus=100000,login=1000")
        .start_claimed()
        .await;
    let other = ServerOptions::new().secured().start().await;
    let expired = expired_token(&server, &admin).await;
    let everybody = [
        Who { name: "nobody", token: None, may: Some(Need::Nothing) },
        Who { name: "an expired token", token: Some(expired), may: None },
        Who { name: "a token of another server", token: Some(other.claim().await), may: None },
        Who {
            name: "a reader",
            token: Some(server.add_user(&admin, "reader", "readonly").await),
            may: Some(Need::Read),
        },
        Who {
            name: "a reading device",
            token: Some(server.add_device(&admin, "display", "readonly").await),
            may: Some(Need::Read),
        },
        Who {
            name: "a writer",
            token: Some(server.add_user(&admin, "writer", "readwrite").await),
            may: Some(Need::Write),
        },
        Who {
            name: "a writing device",
            token: Some(server.add_device(&admin, "sensor", "readwrite").await),
            may: Some(Need::Write),
        },
        Who { name: "an admin", token: Some(admin), may: Some(Need::Admin) },
    ];
    let mut wrong = Vec::new();
    let mut asked = 0;
    for row in TABLE {
        for path in example(row.routes) {
            for method in [Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::PATCH] {
                let need = if method == Method::GET { row.read } else { row.change };
                // These check the token in ways of their own, which other tests show.
                if path.ends_with("/logout") {
                    continue;
                }
                // It would end the server before all is asked; other tests show what an admin gets.
                let ends = method == Method::PUT && (path.ends_with("/restart") || path.ends_with("/shutdown"));
                for who in everybody.iter().filter(|who| !ends || who.may != Some(Need::Admin)) {
                    let expected = need == Need::Nothing || who.may.is_some_and(|may| may >= need);
                    let status = ask(&server, who, &method, &path).await;
                    asked += 1;
                    // A stream refuses a bad token in its handshake, also where the table asks for nothing.
                    let is_login = path.ends_with("/login") || path.contains("enableSecurity");
                    if is_refusal(status, &path) == expected && !is_login {
                        wrong.push(format!("{method} {path} by {}: {status}, but it needs {need:?}", who.name));
                    }
                }
            }
        }
    }
    assert!(asked > 1000, "only {asked} requests were made");
    assert!(wrong.is_empty(), "{} of {asked} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(server.logs().find(&["has no row in the access table"]).is_none());
}

/// A token that was good for a second.
pub(crate) async fn expired_token(server: &Server, admin: &str) -> String {
    let put = |expiration: &'static str| {
        server.as_who(admin, Method::PUT, "/skServer/security/config", Some(json!({"expiration": expiration})))
    };
    assert_eq!(put("1s").await.status, 200);
    let login = json!({"username": "admin", "password": PASSWORD});
    let token =
        server.post("/signalk/v1/auth/login", &login).await.json()["token"].as_str().expect("a token").to_owned();
    assert_eq!(put("1d").await.status, 200);
    // It is over when the server says so.
    while server.as_who(&token, Method::GET, "/signalk/v1/api/self", None).await.status != 401 {
        tokio::time::sleep(windlass_tests::BETWEEN_LOOKS).await;
    }
    token
}

/// An open server lets everybody in, and says so.
#[tokio::test]
async fn an_open_server_says_that_it_is_open() {
    let server = ServerOptions::new().start().await;
    assert!(server.logs().find(&["security is off", "--insecure"]).is_some());
    let status: BTreeMap<String, Json> =
        serde_json::from_value(server.json("/skServer/loginStatus").await).expect("an object");
    assert_eq!((&status["authenticationRequired"], &status["readOnlyAccess"]), (&json!(false), &json!(false)));
    assert_eq!(server.get("/skServer/plugins").await.status, 200);
    assert_eq!(server.post("/signalk/v1/auth/login", &json!({"username": "a", "password": "b"})).await.status, 404);
    let asked = server.post("/signalk/v1/access/requests", &json!({"clientId": "x", "description": "y"})).await;
    assert_eq!(asked.status, 404);
    assert_eq!(asked.json()["message"], "Access requests not available. Server security is not enabled.");
    // Not even an open server does what a page of another site asks for.
    let put = server
        .request(
            Method::PUT,
            "/signalk/v1/api/vessels/self/a/b",
            &[("Origin", "https://evil.example")],
            Some("{}".into()),
        )
        .await;
    assert_eq!(put.status, 403);
}
