//! Users, devices and settings: what admins change.

use std::thread;

use serde_json::json;

use super::*;
use crate::{Level, SecurityError};

// SK-206
#[test]
fn users_are_listed_added_changed_and_removed() {
    let boat = Boat::secured();
    let security = &boat.security;
    security.add_user(" mate ", Some("mate-password"), Level::ReadWrite, at(0)).expect("saved");
    security.update_user("mate", None, Some(Level::Admin), at(0)).expect("saved");
    assert!(security.remove_user("guest").expect("saved"));
    assert!(!security.remove_user("guest").expect("nothing to do"));
    let expected = json!([
        {"userId": "admin", "type": "admin", "isOIDC": false}, {"userId": "crew", "type": "readwrite", "isOIDC": false},
        {"userId": "panel", "type": "readwrite", "isOIDC": false}, {"userId": "mate", "type": "admin", "isOIDC": false},
    ]);
    for security in [security, &boat.reloaded()] {
        assert_eq!(serde_json::to_value(security.users()).expect("JSON"), expected);
        security.login(ADDRESS, "mate", "mate-password", false, at(0)).expect("logged in");
    }
    let file = boat.file();
    assert_eq!(file["kept"], json!({"by": "somebody"}), "what is not understood survives");
    let hash = |n: usize| file["users"][n]["password"].as_str().unwrap_or_default();
    assert!(hash(3).starts_with("$argon2id$") && hash(0).starts_with("$2"), "an old hash stays until it is changed");
}

#[test]
fn names_and_passwords_that_make_trouble_are_refused() {
    let boat = Boat::secured();
    let add = |name: &str, password| boat.security.add_user(name, password, Level::ReadOnly, at(0));
    let long = "n".repeat(129);
    for name in [
        "",
        "  ",
        "a\0b",
        "a\nb",
        "a/b",
        "..",
        "a\\b",
        "any",
        "AUTO",
        "\u{7f}",
        "x\u{85}x",
        "admin\u{200b}",
        "\u{202e}nimda",
        long.as_str(),
    ] {
        assert!(matches!(add(name, None), Err(SecurityError::BadName(..))), "{name:?}");
    }
    assert!(matches!(add("short", Some("1234567")), Err(SecurityError::BadPassword)));
    assert!(matches!(add("crew", Some("12345678")), Err(SecurityError::UserExists)));
    assert!(matches!(boat.security.update_user("crew", Some(""), None, at(0)), Err(SecurityError::BadPassword)));
    assert!(matches!(boat.security.update_user("nobody", None, None, at(0)), Err(SecurityError::UnknownUser)));
    assert_eq!(boat.security.users().len(), 4);
    for name in ["__proto__", "constructor", "prototype", "Jürgen ⛵", "a@b.org", "${x}", "<b>", "' OR 1=1 --"] {
        add(name, Some("long-password")).expect(name);
        let login = boat.security.login(ADDRESS, name, "long-password", false, at(0)).expect(name);
        assert_eq!(session(&boat.reloaded(), login.token.as_str(), 0).expect(name).principal(), &user(name));
    }
}

#[test]
fn the_last_admin_stays() {
    let boat = Boat::secured();
    let security = &boat.security;
    assert!(matches!(security.remove_user("admin"), Err(SecurityError::LastAdmin)));
    let lowered = security.update_user("admin", None, Some(Level::ReadWrite), at(0));
    assert!(matches!(lowered, Err(SecurityError::LastAdmin)));
    security.update_user("panel", None, Some(Level::Admin), at(0)).expect("saved");
    assert!(matches!(security.remove_user("admin"), Err(SecurityError::LastAdmin)), "panel can't log in");
    security.update_user("crew", None, Some(Level::Admin), at(0)).expect("saved");
    assert!(security.remove_user("admin").expect("saved"));
    assert!(matches!(security.remove_user("crew"), Err(SecurityError::LastAdmin)));
    assert!(boat.reloaded().is_admin(&user("crew")));
}

// SK-206
#[test]
fn devices_are_listed_changed_and_removed() {
    let boat = Boat::secured();
    let security = &boat.security;
    security.update_device("sensor", Some(Level::ReadOnly), Some("Wind aloft")).expect("saved");
    security.update_device("sensor", None, None).expect("nothing to do");
    let expected = json!([{"clientId": "sensor", "permissions": "readonly", "description": "Wind aloft"}]);
    assert_eq!(serde_json::to_value(security.devices()).expect("JSON"), expected);
    assert_eq!(boat.file()["devices"][0]["unit"], 5, "what is not understood survives");
    assert!(matches!(security.update_device("x", None, None), Err(SecurityError::UnknownDevice)));
    let long = "x".repeat(2000);
    assert!(matches!(security.update_device("sensor", None, Some(&long)), Err(SecurityError::BadSetting { .. })));
    assert!(security.remove_device("sensor").expect("saved"));
    assert!(!security.remove_device("sensor").expect("nothing to do"));
    assert!(boat.reloaded().devices().is_empty());
}

// SK-152
#[test]
fn settings_are_told_without_secrets_and_changed_without_loss() {
    let boat = Boat::secured();
    let config = boat.security.config();
    assert_eq!(
        config,
        json!({
            "allow_readonly": true, "expiration": "1d", "kept": {"by": "somebody"}, "allowNewUserRegistration": true,
            "allowDeviceAccessRequests": true, "allowedCorsOrigins": "", "acls": [], "immutableConfig": false,
        })
    );
    boat.security
        .set_config(&json!({
            "expiration": "60d", "allowedCorsOrigins": "https://a.example", "new": [1], "kept": null,
            "users": [], "devices": [], "secretKey": "x", "oidc": {"clientSecret": "x"},
        }))
        .expect("saved");
    let file = boat.file();
    assert_eq!((&file["expiration"], &file["new"], &file["kept"]), (&json!("60d"), &json!([1]), &Value::Null));
    assert_eq!((&file["secretKey"], &file["oidc"]), (&json!(SECRET), &Value::Null));
    assert_eq!((boat.security.users().len(), boat.security.devices().len()), (4, 1));
    for security in [&boat.security, &boat.reloaded()] {
        assert_eq!(security.policy().allowed_cors_origins, ["https://a.example"]);
        assert_eq!(security.policy().expiration.lifetime(), Some(Duration::from_secs(60 * DAY)));
    }
    boat.security.set_config(&boat.security.config()).expect("what was told can be sent back");
}

#[test]
fn settings_that_can_not_be_used_are_refused() {
    let boat = Boat::secured();
    let before = (boat.file(), boat.security.revision());
    for (config, said) in [
        (json!([]), "no object"),
        (json!({"expiration": "soon"}), "such as 15m"),
        (json!({"expiration": 0}), "such as 15m"),
        (json!({"allow_readonly": "true"}), "allow_readonly"),
        (json!({"allowNewUserRegistration": 1}), "allowNewUserRegistration"),
        (json!({"allowedCorsOrigins": ["*"]}), "allowedCorsOrigins"),
        (json!({"acls": [{}]}), "acls[0].context"),
        (
            json!({"acls": [{"context": "*", "resources": [{"permissions": [{"subject": "a", "permission": "x"}]}]}]}),
            "grants nothing",
        ),
    ] {
        let error = boat.security.set_config(&config).expect_err(said).to_string();
        assert!(error.contains(said), "{error}");
    }
    assert_eq!((boat.file(), boat.security.revision()), before);
}

#[test]
fn an_immutable_configuration_stays_as_it_is() {
    let boat = Boat::secured();
    let login = boat.login("crew");
    boat.security.set_config(&json!({"immutableConfig": true})).expect("saved");
    let before = boat.file();
    let security = &boat.security;
    for refused in [
        security.add_user("x", Some("long-password"), Level::Admin, at(0)),
        security.update_user("crew", None, Some(Level::Admin), at(0)),
        security.remove_user("crew").map(|_| ()),
        security.update_device("sensor", None, Some("x")),
        security.remove_device("sensor").map(|_| ()),
        security.set_config(&json!({"immutableConfig": false})),
        security.disable(ADDRESS, "admin", "admin-password", at(0)),
    ] {
        assert!(matches!(refused, Err(SecurityError::Immutable)), "{refused:?}");
    }
    assert_eq!(boat.file(), before);
    security.logout(login.token.as_str(), at(0)).expect("one's own session is no configuration");
}

#[test]
fn the_environment_wins_and_is_not_saved() {
    let variables = [
        ("ADMINUSER", "owner:owner-password"),
        ("SECRETKEY", "a-secret-of-the-environment-that-is-long-enough"),
        ("ALLOW_READONLY", "false"),
        ("ALLOW_DEVICE_ACCESS_REQUESTS", "false"),
    ];
    let options = SecurityOptions::from_environment(|name| {
        variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    });
    let options = options.expect("options");
    let boat = Boat::with(&json!({"allow_readonly": true, "users": []}), options.clone());
    let security = &boat.security;
    assert_eq!((security.mode(), security.claim_code()), (crate::Mode::Secured, None));
    assert!(!security.may_read(&Principal::Anonymous) && !security.policy().allow_device_access_requests);
    let login = security.login(ADDRESS, "owner", "owner-password", false, at(0)).expect("logged in");
    assert!(security.is_admin(&user("owner")));
    for refused in [
        security.add_user("owner", Some("long-password"), Level::Admin, at(0)),
        security.update_user("owner", Some("long-password"), None, at(0)),
        security.remove_user("owner").map(|_| ()),
        security.set_config(&json!({"allow_readonly": true})),
        security.disable(ADDRESS, "owner", "owner-password", at(0)),
    ] {
        let fixed = matches!(refused, Err(SecurityError::FixedByEnvironment(_) | SecurityError::UserExists));
        assert!(fixed, "{refused:?}");
    }
    security.set_config(&json!({"allow_readonly": false, "expiration": "2d"})).expect("saved");
    let text = fs::read_to_string(boat.path("security.json")).expect("the file");
    assert!(!text.contains("owner") && !text.contains("a-secret"), "{text}");
    let again = Security::load(boat.directory.path(), options.clone(), at(0)).expect("readable");
    session(&again, login.token.as_str(), 0).expect("good after a restart too");
    let mut other = options;
    other.admin.as_mut().expect("an admin").password = "another-password".to_owned();
    let other = Security::load(boat.directory.path(), other, at(0)).expect("readable");
    session(&other, login.token.as_str(), 0).expect_err("another password in the environment");
}

#[test]
fn a_change_that_can_not_be_saved_is_none() {
    let boat = Boat::secured();
    let security = &boat.security;
    let before = (security.users(), security.devices(), security.config(), security.revision());
    boat.block("security.json");
    for refused in [
        security.add_user("x", Some("long-password"), Level::Admin, at(0)),
        security.update_user("crew", Some("long-password"), None, at(0)),
        security.remove_user("crew").map(|_| ()),
        security.remove_device("sensor").map(|_| ()),
        security.set_config(&json!({"expiration": "2d"})),
        security.disable(ADDRESS, "admin", "admin-password", at(0)),
    ] {
        assert!(matches!(refused, Err(SecurityError::Unsaved { .. })), "{refused:?}");
    }
    assert_eq!((security.users(), security.devices(), security.config(), security.revision()), before);
    boat.login("crew");
    boat.unblock("security.json");
    security.remove_user("crew").expect("saved");
}

#[test]
fn an_edit_by_hand_survives_the_next_change() {
    let boat = Boat::secured();
    let mut file = boat.file();
    file["note"] = json!("by hand");
    fs::write(boat.path("security.json"), file.to_string()).expect("a file");
    boat.security.add_user("x", None, Level::ReadOnly, at(0)).expect("saved");
    assert_eq!(boat.file()["note"], "by hand");
    for damage in ["{", r#"{"users": {}}"#] {
        fs::write(boat.path("security.json"), damage).expect("a file");
        let refused = boat.security.remove_user("x");
        assert!(matches!(refused, Err(SecurityError::Damaged { .. })), "{refused:?}");
    }
    fs::remove_file(boat.path("security.json")).expect("removed");
    boat.security.remove_user("x").expect("saved");
    assert_eq!(boat.file()["users"].as_array().expect("a list").len(), 4, "it is whole again");
    assert_eq!(boat.file()["secretKey"], SECRET);
}

#[test]
fn changes_at_the_same_time_all_count() {
    let boat = Boat::secured();
    thread::scope(|scope| {
        for n in 0..8 {
            let security = boat.security.clone();
            scope.spawn(move || security.add_user(&format!("user{n}"), None, Level::ReadOnly, at(0)).expect("saved"));
        }
    });
    assert_eq!((boat.security.users().len(), boat.reloaded().users().len()), (12, 12));
}

#[cfg(unix)]
#[test]
fn the_files_are_for_their_owner() {
    use std::os::unix::fs::PermissionsExt;
    let boat = Boat::secured();
    let login = boat.login("crew");
    boat.security.logout(login.token.as_str(), at(0)).expect("saved");
    boat.security.remove_user("crew").expect("saved");
    boat.security.disable(ADDRESS, "admin", "admin-password", at(0)).expect("saved");
    for name in ["security.json.disabled", "revoked-tokens.json", ".last-good/security.json"] {
        let mode = fs::metadata(boat.path(name)).expect(name).permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
