//! Claiming a server, switching security off and on again.

use serde_json::json;

use super::*;
use crate::{AuthError, Level, Mode, SecurityError};

const PASSWORD: &str = "skipper-password";

// SK-205
#[test]
fn a_new_server_is_read_only_until_it_is_claimed() {
    let boat = Boat::fresh();
    let security = &boat.security;
    assert_eq!(security.mode(), Mode::Unclaimed);
    assert!(security.may_read(&Principal::Anonymous) && !security.may_write(&Principal::Anonymous));
    assert!(!boat.path("security.json").exists(), "nothing is saved for a server that nobody has");
    let code = security.claim_code().expect("a code");
    let revision = security.revision();
    let login = security.claim(ADDRESS, &code.to_lowercase(), " skipper ", PASSWORD, true, at(0)).expect("claimed");
    assert!(security.revision() > revision);
    assert_eq!((login.user.as_str(), login.level), ("skipper", Level::Admin));
    assert_eq!((security.mode(), security.claim_code()), (Mode::Secured, None), "at once, and the code is spent");
    for security in [security, &boat.reloaded()] {
        session(security, login.token.as_str(), 1).expect("good, after a restart too");
        assert!(security.is_admin(&user("skipper")) && security.may_read(&Principal::Anonymous));
        security.login(ADDRESS, "skipper", PASSWORD, false, at(0)).expect("logged in");
    }
    let file = boat.file();
    let secret = file["secretKey"].as_str().expect("a key");
    assert!(secret.len() == 512 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()), "{secret}");
    let again = security.claim(ADDRESS, &code, "eve", "eve-password", true, at(0));
    assert!(matches!(again, Err(SecurityError::AlreadyClaimed)));
    let private = Boat::fresh();
    let code = private.security.claim_code().expect("a code");
    private.security.claim(ADDRESS, &code, "skipper", PASSWORD, false, at(0)).expect("claimed");
    assert!(!private.security.may_read(&Principal::Anonymous));
}

#[test]
fn without_the_code_nobody_claims_a_server() {
    let boat = Boat::fresh();
    let claim = |code: &str, name: &str, password: &str, seconds| {
        boat.security.claim(ADDRESS, code, name, password, true, at(seconds)).map(|_| ())
    };
    let code = boat.security.claim_code().expect("a code");
    for (name, password) in [("", PASSWORD), ("skipper", "1234567"), ("a/b", PASSWORD)] {
        let error = claim(&code, name, password, 0).expect_err("no claim").to_string();
        assert!(error.contains("missing or too short") || error.contains("slashes"), "{error}");
    }
    for wrong in ["", "0000-0000-0000-0000", &code[1..], "\0", "⛵"] {
        assert!(matches!(claim(wrong, "eve", PASSWORD, 0), Err(SecurityError::WrongCode)), "{wrong}");
    }
    let refused = claim(&code, "skipper", PASSWORD, 20);
    assert!(matches!(refused, Err(SecurityError::TooMany { retry_after }) if retry_after == Duration::from_secs(40)));
    assert_eq!((boat.security.mode(), boat.security.claim_code()), (Mode::Unclaimed, Some(code.clone())));
    let other = "192.0.2.99".parse().expect("an address");
    boat.security.claim(other, &code, "skipper", PASSWORD, true, at(20)).expect("others are not held up");
}

#[test]
fn a_claim_that_can_not_be_saved_is_none() {
    let boat = Boat::fresh();
    boat.block("security.json");
    let code = boat.security.claim_code().expect("a code");
    let refused = boat.security.claim(ADDRESS, &code, "skipper", PASSWORD, true, at(0));
    assert!(matches!(refused, Err(SecurityError::Unsaved { .. })), "{refused:?}");
    assert_eq!((boat.security.mode(), boat.security.claim_code()), (Mode::Unclaimed, Some(code.clone())));
    boat.unblock("security.json");
    boat.security.claim(ADDRESS, &code, "skipper", PASSWORD, true, at(0)).expect("claimed");
}

#[test]
fn a_server_whose_users_are_no_admins_can_be_claimed() {
    let file = json!({"secretKey": SECRET, "users": [
        {"username": "crew", "type": "readwrite", "password": bcrypt_of("crew-password")},
        {"username": "ghost", "type": "admin"},
    ], "devices": [{"clientId": "sensor", "permissions": "readwrite"}], "kept": 1});
    let boat = Boat::with(&file, SecurityOptions::default());
    assert_eq!(boat.security.mode(), Mode::Secured);
    boat.login("crew");
    let code = boat.security.claim_code().expect("a code");
    boat.security.claim(ADDRESS, &code, "ghost", PASSWORD, false, at(0)).expect("claimed");
    assert!(boat.security.login(ADDRESS, "ghost", PASSWORD, false, at(0)).is_ok());
    boat.login("crew");
    let saved = boat.file();
    assert_eq!((&saved["kept"], &saved["devices"], &saved["secretKey"]), (&json!(1), &file["devices"], &json!(SECRET)));
}

#[test]
fn devices_of_an_unclaimed_server_read_only() {
    let file = json!({"devices": [{"clientId": "sensor", "permissions": "admin"}], "allow_readonly": false});
    let boat = Boat::with(&file, SecurityOptions::default());
    assert_eq!(boat.security.mode(), Mode::Unclaimed);
    assert_eq!(boat.security.level_of(&Principal::Device("sensor".into())), Some(Level::ReadOnly));
    assert!(!boat.security.may_read(&Principal::Anonymous), "the file says so");
}

#[test]
fn security_is_switched_off_and_on_again() {
    let boat = Boat::secured();
    let security = &boat.security;
    let before = boat.file();
    let login = boat.login("crew");
    let disable = |name, password| security.disable(ADDRESS, name, password, at(0));
    for (name, password) in [("admin", "wrong-password"), ("crew", "crew-password"), ("nobody", "x"), ("panel", "")] {
        assert!(matches!(disable(name, password), Err(SecurityError::WrongCredentials)), "{name}");
    }
    assert!(!security.has_backup());
    assert!(matches!(security.restore(ADDRESS, "admin", "admin-password", at(0)), Err(SecurityError::AlreadyClaimed)));
    let revision = security.revision();
    disable("admin", "admin-password").expect("saved");
    assert!(security.revision() > revision);
    assert!(security.has_backup() && !boat.path("security.json").exists());
    assert_eq!(security.mode(), Mode::Unclaimed);
    security.check(&login.session, at(0)).expect_err("nobody is logged in any more");
    assert!(!security.may_write(&Principal::Anonymous));
    assert!(security.claim_code().is_some(), "it can be claimed");
    assert_eq!(boat.reloaded().mode(), Mode::Unclaimed);
    let restore = |name, password| security.restore(ADDRESS, name, password, at(0));
    for (name, password) in [("admin", "wrong-password"), ("crew", "crew-password"), ("nobody", "x")] {
        assert!(matches!(restore(name, password), Err(SecurityError::WrongCredentials)), "{name}");
    }
    restore("admin", "admin-password").expect("restored");
    assert_eq!((security.mode(), security.claim_code(), security.has_backup()), (Mode::Secured, None, false));
    assert_eq!(boat.file(), before);
    for security in [security, &boat.reloaded()] {
        session(security, login.token.as_str(), 1).expect("as it was");
    }
    assert!(matches!(Boat::fresh().security.restore(ADDRESS, "a", "b", at(0)), Err(SecurityError::NoBackup)));
}

#[test]
fn a_backup_that_is_damaged_opens_nothing() {
    let boat = Boat::fresh();
    for damage in ["", "{", "[]", r#"{"users": 1}"#, "{}"] {
        fs::write(boat.path("security.json.disabled"), damage).expect("a file");
        let refused = boat.security.restore(ADDRESS, "", "", at(0));
        let expected = matches!(refused, Err(SecurityError::Damaged { .. } | SecurityError::WrongCredentials));
        assert!(expected, "{damage}: {refused:?}");
    }
    assert_eq!(boat.security.mode(), Mode::Unclaimed);
}

#[test]
fn an_open_server_can_not_be_claimed() {
    let security = Security::open("--demo");
    assert!(matches!(security.claim(ADDRESS, "x", "a", PASSWORD, true, at(0)), Err(SecurityError::Open)));
    assert!(matches!(security.disable(ADDRESS, "a", "b", at(0)), Err(SecurityError::Open)));
    assert!(matches!(security.restore(ADDRESS, "a", "b", at(0)), Err(SecurityError::Open)));
    assert!(matches!(security.add_user("a", None, Level::Admin, at(0)), Err(SecurityError::Open)));
    assert!(!security.has_backup());
    assert_eq!(security.check(&Session::without_token(Principal::Nobody), at(0)), Err(AuthError::NoToken));
}
