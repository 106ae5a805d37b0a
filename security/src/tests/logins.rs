//! Logins, their limit and their time.

use std::time::{Duration, Instant};

use serde_json::json;

use super::*;
use crate::{Level, LoginError};

// SK-125, SK-126
#[test]
fn the_right_password_and_no_other_logs_in() {
    let boat = Boat::secured();
    let login = |name: &str, password: &str| boat.security.login(ADDRESS, name, password, true, at(0));
    let admin = login(" admin\t", "admin-password").expect("names are trimmed");
    assert_eq!((admin.user.as_str(), admin.level, admin.remember), ("admin", Level::Admin, true));
    assert_eq!(admin.time_to_live, Some(Duration::from_secs(DAY)));
    assert_eq!(session(&boat.security, admin.token.as_str(), 0), Ok(admin.session.clone()));
    assert!(admin.session.remember());
    assert_eq!(admin.session.expires(), Some(at(DAY)));
    let long = "x".repeat(5000);
    for (name, password) in [
        ("admin", "guest-password"),
        ("admin", "admin-password "),
        ("admin", "admin-password\0"),
        ("admin", ""),
        ("admin", long.as_str()),
        ("Admin", "admin-password"),
        ("admin\0", "admin-password"),
        ("panel", ""),
        ("panel", "panel-password"),
        ("panel", "admin-password"),
        ("panel", "crew-password"),
        ("panel", "guest-password"),
        ("nobody", "admin-password"),
        ("sensor", ""),
        ("nobody", "nobody-password"),
        ("", ""),
        ("__proto__", "x"),
        ("constructor", "x"),
        ("toString", "x"),
        ("ädmin⛵", "x"),
        ("\u{202e}nimda", "x"),
        ("AUTO", ""),
        ("any", ""),
    ] {
        assert_eq!(login(name, password), Err(LoginError::WrongCredentials), "{name:?} {password:.20?}");
    }
}

#[test]
fn a_login_that_never_expires_says_so() {
    let boat = Boat::secured();
    boat.security.set_config(&json!({"expiration": "NEVER"})).expect("saved");
    let login = boat.login("crew");
    assert_eq!((login.time_to_live, login.session.expires()), (None, None));
    session(&boat.security, login.token.as_str(), 100 * 365 * DAY).expect("still good");
}

// SK-146
#[test]
fn an_address_has_a_hundred_tries_in_ten_minutes() {
    let boat = Boat::secured();
    // The cheapest refusal; successes count too.
    let long = "x".repeat(5000);
    boat.login("admin");
    for _ in 1..100 {
        let refused = boat.security.login(ADDRESS, "admin", &long, false, at(0));
        assert_eq!(refused, Err(LoginError::WrongCredentials));
    }
    let refused = boat.security.login(ADDRESS, "admin", "admin-password", false, at(100));
    assert_eq!(refused, Err(LoginError::TooMany { retry_after: Duration::from_secs(500) }));
    assert_eq!(boat.security.logins_refused(), 1);
    boat.security
        .login("192.0.2.8".parse().expect("an address"), "admin", "admin-password", false, at(100))
        .expect("another");
    boat.security.login(ADDRESS, "admin", "admin-password", false, at(600)).expect("the next window");
}

#[test]
fn the_limit_can_be_set_from_outside() {
    let options = SecurityOptions::from_environment(|name| {
        (name == "HTTP_RATE_LIMITS").then(|| "login=1,windowMs=5000".to_owned())
    });
    let boat = Boat::with(&json!({"users": [], "allow_readonly": true}), options.expect("options"));
    let login = |seconds| boat.security.login(ADDRESS, "a", "b", false, at(seconds));
    assert_eq!(login(0), Err(LoginError::WrongCredentials));
    assert_eq!(login(1), Err(LoginError::TooMany { retry_after: Duration::from_secs(4) }));
    assert_eq!(login(5), Err(LoginError::WrongCredentials));
}

#[test]
fn an_unknown_user_takes_as_long_as_a_known_one() {
    let hash = bcrypt::hash_with_salt("admin-password", 10, [3; 16]).expect("a hash").to_string();
    let file = json!({"secretKey": SECRET, "users": [
        {"username": "admin", "type": "admin", "password": hash}, {"username": "panel", "type": "readonly"},
    ]});
    let boat = Boat::with(&file, SecurityOptions::default());
    let names = ["admin", "nobody", "somebody", "panel", ""];
    let mut fastest = [Duration::MAX; 5];
    // In turns, so that whatever else the machine does meets all of them.
    for _ in 0..7 {
        for (name, fastest) in names.iter().zip(&mut fastest) {
            let started = Instant::now();
            boat.security.login(ADDRESS, name, "wrong", false, at(0)).expect_err("wrong");
            *fastest = started.elapsed().min(*fastest);
        }
    }
    let known = fastest[0];
    for (name, unknown) in names.iter().zip(fastest) {
        assert!(unknown > known / 2 && unknown < known * 2, "{name}: {unknown:?}, a known one: {known:?}");
    }
}

#[test]
fn an_open_server_has_nobody_to_log_in() {
    let security = Security::open("--insecure");
    assert_eq!(security.login(ADDRESS, "admin", "x", false, at(0)), Err(LoginError::Off));
}

// SK-152
#[test]
fn nothing_secret_is_shown() {
    let boat = Boat::secured();
    let login = boat.login("admin");
    let shown = format!("{:?} {login:?} {:?} {:?}", boat.security, boat.security.users(), boat.security.config());
    let file = boat.file();
    for secret in [SECRET, login.token.as_str(), file["users"][0]["password"].as_str().expect("a hash"), "$2"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
