//! Group H over HTTP: security. What of it is about the stream is beside the stream's other promises.

use reqwest::Method;
use serde_json::json;
use windlass_tests::{BETWEEN_LOOKS, Json, PASSWORD, PATIENCE, Server, ServerOptions, rows, run_table};

use super::{MMSI, NAME};

/// A server that has been claimed; its admin's token is in the environment of the rows by logging in again.
#[tokio::test]
async fn group_h_security_over_http() {
    let (server, admin) = ServerOptions::new().vessel(NAME, MMSI).start_claimed().await;
    server.add_user(&admin, "reader", "readonly").await;
    server.add_user(&admin, "writer", "readwrite").await;
    let rows = rows![
        [125] a_login_gives_a_token_and_cookies,
        [126] a_wrong_password_is_401,
        [127] bearer_and_jwt_are_accepted,
        [128] the_cookie_alone_is_accepted,
        [6, 130] without_a_token_reading_is_401_but_discovery_is_not,
        [132] who_may_only_read_can_not_put,
        [133] who_may_write_can_not_change_settings,
        [134] an_invalid_token_is_401,
        [139, 140] a_device_gets_access,
        [141] a_request_may_be_denied,
        [142] a_second_request_while_one_is_pending_is_400,
        [143] what_is_removed_gets_in_no_more,
        [144] logout_clears_the_cookies_and_ends_the_token,
        [149] login_status_is_for_everybody,
        [151] a_form_login_leads_to_this_server_only,
        [153] web_apps_need_no_token,
        [206] users_are_managed_by_admins,
        [132] anonymous_reading_can_be_allowed,
        [152] no_secret_is_shown,
        [205] a_fresh_server_is_claimed_once,
        [146] too_many_logins_are_refused,
    ];
    run_table(&server, rows).await;
}

const SELF: &str = "/signalk/v1/api/vessels/self";

async fn put_as(server: &Server, token: &str) -> u16 {
    let path = format!("{SELF}/environment/x");
    server.as_who(token, Method::PUT, &path, Some(json!({"value": 1}))).await.status.as_u16()
}

async fn login(server: &Server, body: Json) -> windlass_tests::Answer {
    server.post("/signalk/v1/auth/login", &body).await
}

async fn a_login_gives_a_token_and_cookies(server: &Server) {
    let answer = login(server, json!({"username": " admin ", "password": PASSWORD})).await;
    assert_eq!(answer.status, 200);
    let (token, life) = (answer.json()["token"].clone(), answer.json()["timeToLive"].clone());
    assert_eq!(life, json!(24 * 60 * 60));
    let cookies: Vec<_> =
        answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("text")).collect();
    let token_cookie =
        format!("JAUTHENTICATION={}; Path=/; SameSite=Strict; HttpOnly", token.as_str().expect("a token"));
    assert_eq!(cookies[0], token_cookie);
    assert!(cookies[1].starts_with("skLoginInfo=%7B") && !cookies[1].contains("HttpOnly"), "{cookies:?}");
    let remembered = login(server, json!({"username": "admin", "password": PASSWORD, "rememberMe": true})).await;
    assert!(remembered.header("set-cookie").contains("Max-Age=86400; Expires="), "{:?}", remembered.headers);
    let secure = server
        .request(
            Method::POST,
            "/login",
            &[("X-Forwarded-Proto", "https")],
            Some(json!({"username": "admin", "password": PASSWORD}).to_string()),
        )
        .await;
    assert!(secure.header("set-cookie").contains("; Secure"), "{:?}", secure.headers);
}

async fn a_wrong_password_is_401(server: &Server) {
    let expected = json!({"statusCode": 401, "message": "Invalid username/password"});
    for (name, password) in [("admin", "wrong"), ("nobody", PASSWORD), ("admin", ""), ("", "")] {
        let answer = login(server, json!({"username": name, "password": password})).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (401, expected.clone()), "{name}");
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    assert_eq!(login(server, json!({"username": "admin"})).await.status, 400);
}

async fn bearer_and_jwt_are_accepted(server: &Server) {
    let token = server.log_in("reader").await;
    for scheme in ["Bearer", "JWT"] {
        for header in ["Authorization", "X-Authorization"] {
            let value = format!("{scheme} {token}");
            let answer = server.request(Method::GET, SELF, &[(header, &value)], None).await;
            assert_eq!(answer.status, 200, "{header}: {scheme}");
        }
    }
}

async fn the_cookie_alone_is_accepted(server: &Server) {
    let cookie = format!("a=b; JAUTHENTICATION={}", server.log_in("writer").await);
    let get = |headers: Vec<(&'static str, String)>, method: Method| {
        let (cookie, body) = (cookie.clone(), (method != Method::GET).then(|| json!({"value": 1}).to_string()));
        async move {
            let mut all = vec![("Cookie", cookie.as_str())];
            all.extend(headers.iter().map(|(name, value)| (*name, value.as_str())));
            server.request(method, &format!("{SELF}/environment/x"), &all, body).await.status.as_u16()
        }
    };
    assert_eq!(get(vec![], Method::GET).await, 404, "allowed, and not there");
    assert_eq!(get(vec![], Method::PUT).await, 405, "allowed, and nobody handles it");
    // A page of another site must not do anything with the cookie of whoever looks at it.
    assert_eq!(get(vec![("Origin", "https://evil.example".to_owned())], Method::PUT).await, 403);
    assert_eq!(get(vec![("Origin", server.url(""))], Method::PUT).await, 405);
}

async fn without_a_token_reading_is_401_but_discovery_is_not(server: &Server) {
    for path in ["/signalk/v1/api/", SELF, "/signalk/v2/api/resources", "/windlass/statistics"] {
        let answer = server.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (401, "Unauthorized"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "errors too");
    }
    assert_eq!(server.get("/signalk").await.status, 200);
}

async fn who_may_only_read_can_not_put(server: &Server) {
    assert_eq!(put_as(server, &server.log_in("reader").await).await, 401);
    assert_eq!(put_as(server, &server.log_in("writer").await).await, 405);
    let token = server.log_in("reader").await;
    let headers = [("Authorization", format!("JWT {token}")), ("Accept", "application/json".to_owned())];
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let refused = server.request(Method::PUT, &format!("{SELF}/environment/x"), &headers, Some("{}".into())).await;
    assert_eq!((refused.status.as_u16(), refused.json()), (401, json!({"error": "Permission Denied"})));
    let path = "/signalk/v2/api/resources/waypoints";
    let refused = server.as_who(&token, Method::POST, path, Some(json!({}))).await;
    let expected = json!({"state": "FAILED", "statusCode": 403, "message": "Unauthorised"});
    assert_eq!((refused.status.as_u16(), refused.json()), (403, expected));
}

async fn who_may_write_can_not_change_settings(server: &Server) {
    for name in ["writer", "reader"] {
        let token = server.log_in(name).await;
        for (method, path) in [
            (Method::PUT, "/skServer/settings"),
            (Method::GET, "/skServer/security/users"),
            (Method::PUT, "/skServer/security/config"),
            (Method::GET, "/plugins"),
            (Method::POST, "/skServer/plugins/x/enable"),
        ] {
            let answer = server.as_who(&token, method.clone(), path, Some(json!({}))).await;
            assert_eq!(answer.status, 401, "{name} {method} {path}");
        }
    }
}

async fn an_invalid_token_is_401(server: &Server) {
    for token in ["nonsense", "eyJhbGciOiJub25lIn0.eyJpZCI6ImFkbWluIn0.", &"x".repeat(5000)] {
        let answer = server.as_who(token, Method::GET, SELF, None).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (401, "bad auth token"));
    }
    let answer = server.request(Method::GET, SELF, &[("Cookie", "JAUTHENTICATION=bad")], None).await;
    assert_eq!(answer.status, 401);
    assert!(answer.header("set-cookie").contains("Max-Age=0"), "{:?}", answer.headers);
}

async fn a_device_gets_access(server: &Server) {
    let admin = server.log_in("admin").await;
    let asked = json!({"clientId": "device-1", "description": "a display", "permissions": "readonly"});
    let answer = server.post("/signalk/v1/access/requests", &asked).await;
    let reply = answer.json();
    assert_eq!((answer.status.as_u16(), &reply["state"], &reply["statusCode"]), (202, &json!("PENDING"), &json!(202)));
    assert_eq!(reply["ip"], "127.0.0.1");
    let href = reply["href"].as_str().expect("an href").to_owned();
    assert_eq!(server.json(&href).await["state"], "PENDING", "anybody may ask, with the id");
    let pending = server.as_who(&admin, Method::GET, "/skServer/security/access/requests", None).await.json();
    assert_eq!(pending[0]["accessIdentifier"], "device-1");
    let path = format!("{SELF}/notifications/security/accessRequest/readonly/device-1/value/state");
    // Announced over the bus, which the answer does not wait for.
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let state = server.as_who(&admin, Method::GET, &path, None).await;
        if state.status == 200 && state.json() == "alert" {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "the request is not announced: {}", state.text);
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    let approve = "/skServer/security/access/requests/device-1/approved";
    // What was asked for wins over what the admin chose.
    let decided =
        server.as_who(&admin, Method::PUT, approve, Some(json!({"permissions": "admin", "expiration": "NEVER"}))).await;
    assert_eq!((decided.status.as_u16(), decided.text.as_str()), (200, "Request updated"));
    let state = server.json(&href).await;
    assert_eq!((&state["state"], &state["accessRequest"]["permission"]), (&json!("COMPLETED"), &json!("APPROVED")));
    let token = state["accessRequest"]["token"].as_str().expect("a token");
    assert_eq!(server.as_who(token, Method::GET, SELF, None).await.status, 200);
    assert_eq!(put_as(server, token).await, 401);
    let writing = server.add_device(&admin, "device-2", "readwrite").await;
    assert_eq!(put_as(server, &writing).await, 405);
}

async fn a_request_may_be_denied(server: &Server) {
    let admin = server.log_in("admin").await;
    let asked = json!({"clientId": "device-3", "description": "a stranger"});
    let href =
        server.post("/signalk/v1/access/requests", &asked).await.json()["href"].as_str().expect("an href").to_owned();
    // The older place of the same.
    let denied = server.as_who(&admin, Method::PUT, "/security/access/requests/device-3/denied", None).await;
    assert_eq!(denied.status, 200, "{}", denied.text);
    let state = server.json(&href).await;
    assert_eq!(state["state"], "COMPLETED");
    assert_eq!(state["accessRequest"], json!({"permission": "DENIED"}));
    let again = server.as_who(&admin, Method::PUT, "/security/access/requests/device-3/denied", None).await;
    assert_eq!(again.status, 500);
    assert!(again.text.starts_with("Unable update request"), "{}", again.text);
}

async fn a_second_request_while_one_is_pending_is_400(server: &Server) {
    let asked = json!({"clientId": "device-4", "description": "impatient"});
    assert_eq!(server.post("/signalk/v1/access/requests", &asked).await.status, 202);
    let again = server.post("/signalk/v1/access/requests", &asked).await;
    assert_eq!(again.status, 400);
    assert_eq!(again.json()["message"], "A device with clientId 'device-4' has already requested access");
    for bad in [
        json!({}),
        json!([]),
        json!({"clientId": "x"}),
        json!({"clientId": "x", "description": "y", "permissions": "god"}),
    ] {
        assert_eq!(server.post("/signalk/v1/access/requests", &bad).await.status, 400, "{bad}");
    }
    let large = json!({"clientId": "x", "description": "y".repeat(11 * 1024)});
    assert_eq!(server.post("/signalk/v1/access/requests", &large).await.status, 413);
}

async fn what_is_removed_gets_in_no_more(server: &Server) {
    let admin = server.log_in("admin").await;
    let user = server.add_user(&admin, "guest", "readwrite").await;
    let device = server.add_device(&admin, "device-5", "readonly").await;
    for (path, token, said) in [
        ("/skServer/security/users/guest", &user, "User deleted"),
        ("/skServer/security/devices/device-5", &device, "Device deleted"),
    ] {
        assert_eq!(server.as_who(token, Method::GET, SELF, None).await.status, 200);
        let answer = server.as_who(&admin, Method::DELETE, path, None).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, said));
        assert_eq!(server.as_who(token, Method::GET, SELF, None).await.status, 401);
    }
    // A user of the same name later is somebody else.
    server.add_user(&admin, "guest", "admin").await;
    assert_eq!(server.as_who(&user, Method::GET, SELF, None).await.status, 401);
}

async fn logout_clears_the_cookies_and_ends_the_token(server: &Server) {
    let token = server.log_in("writer").await;
    let cookie = format!("JAUTHENTICATION={token}");
    let answer = server.request(Method::PUT, "/signalk/v1/auth/logout", &[("Cookie", &cookie)], None).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!("Logout OK")));
    let cleared: Vec<_> =
        answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("text")).collect();
    assert!(cleared.len() == 2 && cleared.iter().all(|cookie| cookie.contains("Max-Age=0")), "{cleared:?}");
    assert_eq!(server.as_who(&token, Method::GET, SELF, None).await.status, 401, "the token itself is worth nothing");
}

async fn login_status_is_for_everybody(server: &Server) {
    let status = server.get("/skServer/loginStatus").await;
    assert_eq!(status.header("cache-control"), "no-store");
    let expected = json!({"status": "notLoggedIn", "readOnlyAccess": false, "authenticationRequired": true,
        "allowNewUserRegistration": true, "allowDeviceAccessRequests": true, "securityWasEnabled": false});
    assert_eq!(status.json(), expected);
    let token = server.log_in("writer").await;
    let status = server.as_who(&token, Method::GET, "/loginStatus", None).await.json();
    assert_eq!(
        (&status["status"], &status["userLevel"], &status["username"]),
        (&json!("loggedIn"), &json!("readwrite"), &json!("writer"))
    );
    let bad = server.request(Method::GET, "/skServer/loginStatus", &[("Cookie", "JAUTHENTICATION=bad")], None).await;
    assert_eq!((bad.status.as_u16(), &bad.json()["status"]), (200, &json!("notLoggedIn")));
    assert!(bad.header("set-cookie").contains("Max-Age=0"), "{:?}", bad.headers);
}

async fn a_form_login_leads_to_this_server_only(server: &Server) {
    let password = PASSWORD.replace(' ', "+");
    for (destination, location) in
        [("%2F%40signalk%2Fx%2F", "/@signalk/x/"), ("https%3A%2F%2Fevil.example", "/"), ("%2F%2Fevil.example", "/")]
    {
        let form = format!("username=admin&password={password}&destination={destination}");
        let request = server.http().post(server.url("/signalk/v1/auth/login"));
        let answer = request
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .expect("an answer");
        let to = answer.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
        assert_eq!((answer.status().as_u16(), to.as_deref()), (302, Some(location)), "{destination}");
    }
}

async fn web_apps_need_no_token(server: &Server) {
    assert_eq!(server.get("/signalk/v1/apps/list").await.status, 200);
    assert_eq!(server.get("/admin/").await.status, 200);
    assert_eq!(server.get("/access").await.status, 200);
    assert_eq!(server.get("/no-such-app/").await.status, 404);
}

async fn users_are_managed_by_admins(server: &Server) {
    let admin = server.log_in("admin").await;
    let users = server.as_who(&admin, Method::GET, "/skServer/security/users", None).await;
    let names: Vec<_> = users.json().as_array().expect("a list").iter().map(|user| user["userId"].clone()).collect();
    assert!(names.contains(&json!("reader")) && names.contains(&json!("admin")), "{names:?}");
    let put = |path: &'static str, body: Json| server.as_who(&admin, Method::PUT, path, Some(body));
    let exists = server
        .as_who(&admin, Method::POST, "/skServer/security/users/reader", Some(json!({"password": PASSWORD})))
        .await;
    assert_eq!((exists.status.as_u16(), exists.text.as_str()), (400, "User already exists"));
    let changed = put("/skServer/security/users/reader", json!({"type": "readwrite"})).await;
    assert_eq!((changed.status.as_u16(), changed.text.as_str()), (200, "User updated"));
    assert_eq!(put_as(server, &server.log_in("reader").await).await, 405);
    put("/skServer/security/users/reader", json!({"type": "readonly"})).await;
    let old = server.log_in("reader").await;
    let changed = put("/skServer/security/user/reader/password", json!("another good password")).await;
    assert_eq!((changed.status.as_u16(), changed.text.as_str()), (200, "Password changed"));
    assert_eq!(server.as_who(&old, Method::GET, SELF, None).await.status, 401);
    put("/skServer/security/user/reader/password", json!(PASSWORD)).await;
    // Nobody locks everybody out.
    server.as_who(&admin, Method::DELETE, "/skServer/security/users/guest", None).await;
    let last = server.as_who(&admin, Method::DELETE, "/skServer/security/users/admin", None).await;
    assert_eq!(last.status, 409, "{}", last.text);
    let config = server.as_who(&admin, Method::GET, "/skServer/security/config", None).await.json();
    assert!(config.get("users").is_none() && config.get("secretKey").is_none(), "{config}");
    let bad = put("/skServer/security/config", json!({"expiration": "soon"})).await;
    assert_eq!(bad.status, 400, "{}", bad.text);
}

async fn anonymous_reading_can_be_allowed(server: &Server) {
    // SK-131
    let admin = server.log_in("admin").await;
    let saved =
        server.as_who(&admin, Method::PUT, "/skServer/security/config", Some(json!({"allow_readonly": true}))).await;
    assert_eq!((saved.status.as_u16(), saved.json()), (200, json!("security config saved")));
    assert_eq!(server.get(SELF).await.status, 200);
    let put =
        server.request(Method::PUT, &format!("{SELF}/environment/x"), &[], Some(json!({"value": 1}).to_string())).await;
    assert_eq!(put.status, 401);
    assert!(put.text.contains("Please Login"), "{}", put.text);
    // SK-134
    assert_eq!(server.as_who("bad", Method::GET, SELF, None).await.status, 401);
    server.as_who(&admin, Method::PUT, "/skServer/security/config", Some(json!({"allow_readonly": false}))).await;
    assert_eq!(server.get(SELF).await.status, 401);
}

async fn no_secret_is_shown(server: &Server) {
    let admin = server.log_in("admin").await;
    let file = std::fs::read_to_string(server.directory().join("security.json")).expect("security.json");
    let saved: Json = serde_json::from_str(&file).expect("JSON");
    let secret = saved["secretKey"].as_str().expect("a key").to_owned();
    let hash = saved["users"][0]["password"].as_str().expect("a hash").to_owned();
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    for path in [
        "/skServer/security/config",
        "/skServer/security/users",
        "/skServer/security/devices",
        "/skServer/loginStatus",
        "/windlass/statistics",
        "/signalk/v1/api/",
    ] {
        let text = server.as_who(&admin, Method::GET, path, None).await.text;
        assert!(!text.contains(&secret) && !text.contains(&hash) && !text.contains(&admin), "{path}");
    }
    let log = server.logs().all().join("\n");
    assert!(!log.contains(&secret) && !log.contains(&hash) && !log.contains(&admin) && !log.contains(PASSWORD));
}

/// The first admin claims the server; the code is good once, and guessing is slow.
async fn a_fresh_server_is_claimed_once(_: &Server) {
    let server = ServerOptions::new().secured().start().await;
    let status = server.json("/skServer/loginStatus").await;
    assert_eq!(
        (&status["authenticationRequired"], &status["noUsers"], &status["readOnlyAccess"]),
        (&json!(true), &json!(true), &json!(true))
    );
    assert_eq!(server.get(SELF).await.status, 200, "reading is possible before");
    let write = |path: &'static str| server.request(Method::PUT, path, &[], Some(json!({"value": 1}).to_string()));
    assert_eq!(write("/signalk/v1/api/vessels/self/environment/x").await.status, 401, "changing is not");
    let claim = |code: String, password: &'static str| {
        let body = json!({"userId": "admin", "password": password, "type": "admin", "code": code});
        async { server.post("/skServer/enableSecurity", &Json::from(body)).await }
    };
    let code = server.claim_code().await;
    assert_eq!(claim("WRONG-CODE".into(), PASSWORD).await.status, 403);
    let short = claim(code.clone(), "short").await;
    assert_eq!(short.status, 400);
    assert!(short.text.starts_with("userId or password missing or too short"), "{}", short.text);
    let claimed = claim(code.clone(), PASSWORD).await;
    assert_eq!(claimed.status, 200, "{}", claimed.text);
    assert!(claimed.header("set-cookie").starts_with("JAUTHENTICATION="), "the admin is logged in at once");
    let again = claim(code, PASSWORD).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (403, "Security already enabled"));
    // After a restart it is still the admin's.
    let ended = server.terminate().await;
    let server = ServerOptions::new().directory(&ended.directory).secured().start().await;
    server.log_in("admin").await;
    assert!(server.logs().find(&["enter the code"]).is_none());
}

async fn too_many_logins_are_refused(_: &Server) {
    let server = ServerOptions::new().environment("HTTP_RATE_LIMITS", "login=3").secured().start().await;
    server.claim().await;
    let wrong = json!({"username": "admin", "password": "wrong"});
    let attempt = || server.post("/signalk/v1/auth/login", &wrong);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(attempt().await.status.as_u16());
    }
    assert_eq!(statuses, [401, 401, 429]);
    let refused = attempt().await;
    assert_eq!(refused.json()["message"], "Too many login attempts from this IP, please try again later");
    assert!(
        refused.header("retry-after").parse::<u64>().is_ok_and(|seconds| (1..=600).contains(&seconds)),
        "{:?}",
        refused.headers
    );
}

/// The users, the key and the tokens of a reference server are those of Windlass.
#[tokio::test]
async fn an_existing_security_json_is_taken_over() {
    // The bcrypt hash of `signalk`, cost 4, by another program.
    let users = json!([{"username": "skipper", "type": "admin", "password": "$2b$04$S0ZvmD9T7k5wBMMYl5DYg.3/ac3qe4mfHjMzAZvWgrB4EJHgvYKrq"}]);
    let file = json!({"secretKey": "ab".repeat(256), "allow_readonly": false, "unknown": {"kept": 1}, "users": users, "devices": []});
    let server = ServerOptions::new()
        .json_file("security.json", &file)
        .setting("security", json!({"strategy": "./tokensecurity"}))
        .secured()
        .start()
        .await;
    let wrong = login(&server, json!({"username": "skipper", "password": "signalkx"})).await;
    assert_eq!(wrong.status, 401);
    let answer = login(&server, json!({"username": "skipper", "password": "signalk"})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let token = answer.json()["token"].as_str().expect("a token").to_owned();
    server.add_user(&token, "mate", "readwrite").await;
    let text = std::fs::read_to_string(server.directory().join("security.json")).expect("the file");
    assert!(text.contains("$2b$04$") && text.contains("kept") && text.contains("$argon2id$"), "{text}");
}
