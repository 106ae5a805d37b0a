//! Files that are damaged, lost, or make no sense.

use serde_json::json;

use super::*;
use crate::{AuthError, Level, LoginError, Mode, SecurityError};

#[test]
fn a_damaged_file_without_an_earlier_version_locks_the_server() {
    for damage in ["", "{", "[]", "\u{0}\u{0}", r#"{"users": {}}"#, r#"{"users": [1]}"#, r#"{"acls": [5]}"#, "nonsense"]
    {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("security.json"), damage).expect("a file");
        let security = Security::load(directory.path(), SecurityOptions::default(), at(0)).expect("told, not fatal");
        assert_eq!((security.mode(), security.claim_code()), (Mode::Locked, None), "{damage}");
        assert!(security.problems()[0].contains("damaged"), "{:?}", security.problems());
        assert_eq!(security.authenticate(None, at(0)).map(|s| s.principal().clone()), Ok(Principal::Nobody));
        assert_eq!(security.authenticate(Some("x"), at(0)), Err(AuthError::Locked));
        for principal in [Principal::Anonymous, Principal::Anybody, Principal::Nobody, user("admin")] {
            assert_eq!(security.level_of(&principal), None);
        }
        assert_eq!(security.login(ADDRESS, "a", "b", false, at(0)), Err(LoginError::Locked));
        let claimed = security.claim(ADDRESS, "", "admin", "admin-password", true, at(0));
        assert!(matches!(claimed, Err(SecurityError::Locked)));
        assert!(matches!(security.add_user("a", None, Level::Admin, at(0)), Err(SecurityError::Locked)));
        assert!(matches!(security.restore(ADDRESS, "a", "b", at(0)), Err(SecurityError::Locked)));
        assert!(!security.login_status(&Principal::Nobody).read_only_access);
        let kept = fs::read_to_string(directory.path().join("security.json")).expect("the file");
        assert_eq!(kept, damage, "nothing is overwritten");
    }
}

#[test]
fn a_damaged_file_locks_the_server_whatever_the_environment_says() {
    let options = SecurityOptions::from_environment(|name| match name {
        "ADMINUSER" => Some("owner:owner-password".to_owned()),
        "ALLOW_READONLY" => Some("true".to_owned()),
        _ => None,
    });
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("security.json"), "{").expect("a file");
    let security = Security::load(directory.path(), options.expect("options"), at(0)).expect("told, not fatal");
    assert_eq!(security.mode(), Mode::Locked);
    assert!(!security.may_read(&Principal::Anonymous));
}

#[test]
fn the_last_good_version_takes_the_place_of_a_damaged_file() {
    let boat = Boat::secured();
    boat.security.update_user("crew", Some("another-password"), None, at(0)).expect("saved");
    for damage in ["", "{\"users\": [", r#"{"users": "all"}"#] {
        fs::write(boat.path("security.json"), damage).expect("a file");
        let security = boat.reloaded();
        assert_eq!((security.mode(), security.users().len()), (Mode::Secured, 4));
        assert!(security.problems()[0].contains("last good version"), "{:?}", security.problems());
        security.login(ADDRESS, "crew", "another-password", false, at(0)).expect("no change is lost");
    }
}

#[test]
fn without_a_key_a_new_one_is_made_and_kept() {
    for key in [Value::Null, json!(""), json!(5)] {
        let file = json!({"secretKey": key, "users": [{"username": "crew", "type": "readwrite", "password": bcrypt_of("crew-password")}]});
        let boat = Boat::with(&file, SecurityOptions::default());
        let login = boat.login("crew");
        session(&boat.reloaded(), login.token.as_str(), 0).expect("good after a restart too");
        assert_eq!(boat.file()["secretKey"].as_str().map(str::len), Some(512));
    }
}

#[test]
fn when_the_list_of_logged_out_tokens_is_lost_users_log_in_again() {
    let boat = Boat::secured();
    let (crew, guest) = (boat.login("crew"), boat.login("guest"));
    boat.security.logout(crew.token.as_str(), at(0)).expect("saved");
    let request = boat.security.request_device("r", ADDRESS, "d", "", Some(Level::ReadOnly), at(0)).expect("taken");
    let approved = crate::Decision::Approved { permissions: None, expiration: None, config: None };
    let device = boat.security.decide(&request.identifier, approved, at(0)).expect("saved").token.expect("a token");
    fs::remove_dir_all(boat.path(".last-good")).expect("removed");
    fs::write(boat.path("revoked-tokens.json"), "{").expect("a file");
    for n in 0..2 {
        let security = boat.reloaded();
        assert_eq!(security.problems().len(), 1 - n, "{:?}", security.problems());
        assert_eq!(session(&security, crew.token.as_str(), 1), Err(AuthError::Revoked));
        assert_eq!(session(&security, guest.token.as_str(), 1), Err(AuthError::Revoked));
        session(&security, device.as_str(), 1).expect("devices can't log in again");
        let login = security.login(ADDRESS, "guest", "guest-password", false, at(1)).expect("logged in");
        session(&security, login.token.as_str(), 1).expect("good, in the same second");
    }
}

#[test]
fn problems_name_no_secret() {
    let file = json!({"secretKey": SECRET, "expiration": "soon", "users": [
        {"username": "admin", "type": "admin", "password": "my-plain-password"},
    ]});
    let boat = Boat::with(&file, SecurityOptions::default());
    let problems = boat.security.problems().join("\n");
    assert!(problems.contains("expiration") && problems.contains("admin"), "{problems}");
    assert!(!problems.contains("my-plain-password") && !problems.contains(SECRET), "{problems}");
    boat.security.login(ADDRESS, "admin", "my-plain-password", false, at(0)).expect_err("no hash, no login");
}

#[test]
fn a_directory_that_can_not_be_read_is_an_error() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::create_dir(directory.path().join("security.json")).expect("a directory");
    let error = Security::load(directory.path(), SecurityOptions::default(), at(0)).expect_err("unreadable");
    assert!(matches!(error, SecurityError::Unreadable { .. }), "{error}");
}
