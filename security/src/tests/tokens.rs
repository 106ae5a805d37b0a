//! Tokens: whom they let in, and until when.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::json;

use super::*;
use crate::{AuthError, Level};

/// As another server with the same key would make it.
fn foreign(payload: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&json!({"alg": "HS256", "typ": "JWT"})), part(payload));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn second(seconds: u64) -> u64 {
    1_750_000_000 + seconds
}

#[test]
fn without_a_token_there_is_a_visitor() {
    let boat = Boat::secured();
    let visitor = boat.security.authenticate(None, at(0)).expect("no token is no bad token");
    assert_eq!(visitor.principal(), &Principal::Anonymous);
    assert_eq!(boat.security.check(&visitor, at(0)), Ok(()));
    boat.security.set_config(&json!({"allow_readonly": false})).expect("saved");
    assert_eq!(boat.security.check(&visitor, at(0)), Err(AuthError::NoToken), "an open connection learns of it");
    let nobody = boat.security.authenticate(None, at(0)).expect("no token is no bad token");
    assert_eq!(nobody.principal(), &Principal::Nobody);
    assert_eq!(boat.security.check(&nobody, at(0)), Err(AuthError::NoToken));
}

// SK-134, SK-145
#[test]
fn bad_tokens_are_refused_also_where_visitors_may_read() {
    let boat = Boat::secured();
    let exp = |seconds| json!({"id": "admin", "iat": second(0), "exp": second(seconds)});
    for (token, expected) in [
        (foreign(&exp(10)), Ok(())),
        (foreign(&exp(0)), Err(AuthError::Expired)),
        (foreign(&json!({"id": "admin", "exp": -1})), Err(AuthError::Expired)),
        (foreign(&json!({"id": "stranger"})), Err(AuthError::Gone)),
        (foreign(&json!({"id": "sensor"})), Err(AuthError::Gone)),
        (foreign(&json!({"device": "admin"})), Err(AuthError::Gone)),
        (foreign(&json!({"id": "__proto__"})), Err(AuthError::Gone)),
        (foreign(&json!({"id": "AUTO"})), Err(AuthError::Gone)),
        (foreign(&json!({"id": "admin", "device": "sensor"})), Err(AuthError::Malformed)),
        (foreign(&json!({"iat": 1})), Err(AuthError::Malformed)),
        (foreign(&json!({"id": "admin", "gen": 1})), Err(AuthError::Outdated)),
        (foreign(&exp(10)).replace("eyJ", "fyJ"), Err(AuthError::BadSignature)),
        (String::new(), Err(AuthError::Malformed)),
        ("undefined".to_owned(), Err(AuthError::Malformed)),
        ("null".to_owned(), Err(AuthError::Malformed)),
    ] {
        assert_eq!(session(&boat.security, &token, 0).map(|_| ()), expected, "{token}");
    }
}

#[test]
fn tokens_of_an_existing_installation_go_on_working() {
    let boat = Boat::secured();
    for (payload, principal, level) in [
        (json!({"id": "admin", "iat": second(0), "exp": second(DAY)}), user("admin"), Level::Admin),
        (json!({"id": "panel", "iat": second(0)}), user("panel"), Level::ReadWrite),
        (
            json!({"id": "guest", "rememberMe": true, "iat": second(0), "exp": second(9)}),
            user("guest"),
            Level::ReadOnly,
        ),
        (json!({"device": "sensor", "iat": second(0)}), Principal::Device("sensor".into()), Level::ReadWrite),
    ] {
        let session = session(&boat.security, &foreign(&payload), 5).expect("good");
        assert_eq!(session.principal(), &principal);
        assert_eq!(boat.security.level_of(&principal), Some(level));
    }
}

#[test]
fn a_token_of_another_key_is_none_of_ours() {
    let (boat, other) = (Boat::secured(), Boat::fresh());
    let code = other.security.claim_code().expect("a code");
    let login = other.security.claim(ADDRESS, &code, "admin", "admin-password", true, at(0)).expect("claimed");
    assert_eq!(session(&boat.security, login.token.as_str(), 0), Err(AuthError::BadSignature));
}

// SK-143
#[test]
fn a_new_password_ends_what_was_before() {
    let boat = Boat::secured();
    let (ours, theirs) = (boat.login("crew"), foreign(&json!({"id": "crew", "iat": second(0)})));
    let bystander = boat.login("guest");
    let revision = boat.security.revision();
    boat.security.update_user("crew", Some("another-password"), None, at(0)).expect("saved");
    assert!(boat.security.revision() > revision);
    assert_eq!(boat.security.check(&ours.session, at(0)), Err(AuthError::Outdated));
    for security in [&boat.security, &boat.reloaded()] {
        assert_eq!(session(security, ours.token.as_str(), 0), Err(AuthError::Outdated), "made in the same second");
        assert_eq!(session(security, &theirs, 9), Err(AuthError::Outdated), "that of another server too");
        assert_eq!(session(security, &foreign(&json!({"id": "crew"})), 9), Err(AuthError::Outdated));
        session(security, bystander.token.as_str(), 0).expect("others stay");
    }
    boat.security.update_user("crew", Some("a-third-password"), None, at(1)).expect("saved");
    assert_eq!(session(&boat.security, &theirs, 9), Err(AuthError::Outdated));
    session(&boat.security, &foreign(&json!({"id": "crew", "iat": second(2)})), 9).expect("made later");
    let new = boat.security.login(ADDRESS, "crew", "a-third-password", false, at(1)).expect("logged in");
    session(&boat.reloaded(), new.token.as_str(), 1).expect("good");
    boat.security.update_user("crew", None, Some(Level::ReadOnly), at(2)).expect("saved");
    session(&boat.security, new.token.as_str(), 2).expect("a level is looked up, and ends nothing");
}

#[test]
fn a_clock_that_was_wrong_keeps_no_token_alive() {
    let boat = Boat::secured();
    let early = boat.security.login(ADDRESS, "crew", "crew-password", false, at(9 * DAY)).expect("logged in");
    boat.security.update_user("crew", Some("another-password"), None, at(5)).expect("saved");
    assert_eq!(session(&boat.security, early.token.as_str(), 6), Err(AuthError::Outdated));
    let late = boat.security.login(ADDRESS, "crew", "another-password", false, at(9 * DAY)).expect("logged in");
    boat.security.update_user("crew", Some("a-third-password"), None, SystemTime::UNIX_EPOCH).expect("saved");
    assert_eq!(session(&boat.security, late.token.as_str(), 6), Err(AuthError::Outdated));
    let between = boat.security.login(ADDRESS, "crew", "a-third-password", false, at(5)).expect("logged in");
    boat.security.update_user("crew", Some("a-fourth-password"), None, SystemTime::UNIX_EPOCH).expect("saved");
    assert_eq!(session(&boat.security, between.token.as_str(), 6), Err(AuthError::Outdated), "twice at the same time");
}

// SK-143
#[test]
fn who_is_removed_is_out_also_when_somebody_takes_the_name() {
    let boat = Boat::secured();
    let login = boat.login("crew");
    let device = foreign(&json!({"device": "sensor", "iat": second(0)}));
    session(&boat.security, &device, 0).expect("good");
    assert!(boat.security.remove_user("crew").expect("saved"));
    assert!(boat.security.remove_device("sensor").expect("saved"));
    assert_eq!(session(&boat.security, login.token.as_str(), 0), Err(AuthError::Gone));
    assert_eq!(session(&boat.security, &device, 0), Err(AuthError::Gone));
    assert_eq!(boat.security.check(&login.session, at(0)), Err(AuthError::Gone));
    assert_eq!(boat.security.level_of(&user("crew")), None);
    boat.security.add_user("crew", Some("crew-password"), Level::Admin, at(1)).expect("saved");
    assert_eq!(session(&boat.security, login.token.as_str(), 2), Err(AuthError::Outdated));
    assert_eq!(session(&boat.reloaded(), login.token.as_str(), 2), Err(AuthError::Outdated));
}

// SK-144: the cookies are the HTTP server's; the token ends here.
#[test]
fn logging_out_ends_the_session_for_good() {
    let boat = Boat::secured();
    let (login, other) = (boat.login("crew"), boat.login("crew"));
    let theirs = foreign(&json!({"id": "crew", "iat": second(0), "exp": second(DAY)}));
    let twin = foreign(&json!({"id": "crew", "iat": second(1), "exp": second(DAY)}));
    let renewed = boat.security.renew(&login.session, at(DAY / 2)).expect("renewed");
    let revision = boat.security.revision();
    for token in [login.token.as_str(), &theirs] {
        boat.security.logout(token, at(DAY / 2)).expect("saved");
    }
    assert_eq!(boat.security.revision(), revision + 2);
    for security in [&boat.security, &boat.reloaded()] {
        for token in [login.token.as_str(), renewed.token.as_str(), &theirs] {
            assert_eq!(session(security, token, DAY / 2), Err(AuthError::Revoked));
        }
        session(security, other.token.as_str(), DAY / 2).expect("another login of the same user");
        session(security, &twin, DAY / 2).expect("another login by the other server");
    }
    assert_eq!(boat.security.renew(&renewed.session, at(DAY + 1)), None);
    let before = boat.security.revision();
    for token in ["", "rubbish", login.token.as_str(), &foreign(&json!({"id": "stranger"}))] {
        boat.security.logout(token, at(DAY / 2)).expect("nothing to do");
    }
    assert_eq!(boat.security.revision(), before);
}

#[test]
fn a_logout_that_can_not_be_saved_is_none() {
    let boat = Boat::secured();
    let login = boat.login("crew");
    boat.block("revoked-tokens.json");
    let error = boat.security.logout(login.token.as_str(), at(0)).expect_err("can't be saved").to_string();
    assert!(error.contains("revoked-tokens.json"), "{error}");
    session(&boat.security, login.token.as_str(), 0).expect("still good");
    boat.unblock("revoked-tokens.json");
    boat.security.logout(login.token.as_str(), at(0)).expect("saved");
    assert_eq!(session(&boat.security, login.token.as_str(), 0), Err(AuthError::Revoked));
}

// SK-150
#[test]
fn a_login_is_renewed_past_half_of_its_life() {
    let boat = Boat::secured();
    let login = boat.login("crew");
    for (seconds, renewed) in [(0, false), (DAY / 2 - 1, false), (DAY / 2, true), (DAY - 1, true), (DAY, false)] {
        assert_eq!(boat.security.renew(&login.session, at(seconds)).is_some(), renewed, "{seconds}");
    }
    let next = boat.security.renew(&login.session, at(DAY - 1)).expect("renewed");
    assert_eq!(next.time_to_live, Some(Duration::from_secs(DAY)));
    assert_eq!((next.user.as_str(), next.level), ("crew", Level::ReadWrite));
    let session_later = session(&boat.security, next.token.as_str(), 2 * DAY - 2).expect("good");
    assert!(boat.security.renew(&session_later, at(2 * DAY - 2)).is_some(), "again and again");
    boat.security.update_user("crew", Some("another-password"), None, at(DAY - 1)).expect("saved");
    assert_eq!(boat.security.renew(&login.session, at(DAY - 1)), None, "only as long as it is good");
    let device = foreign(&json!({"device": "sensor", "iat": second(0), "exp": second(100)}));
    let device = session(&boat.security, &device, 99).expect("good");
    assert_eq!(boat.security.renew(&device, at(99)), None, "devices have no cookie");
    let never = session(&boat.security, &foreign(&json!({"id": "guest"})), 99).expect("good");
    assert_eq!(boat.security.renew(&never, at(99)), None);
    let theirs = foreign(&json!({"id": "guest", "rememberMe": true, "iat": second(0), "exp": second(100)}));
    let theirs = session(&boat.security, &theirs, 99).expect("good");
    let next = boat.security.renew(&theirs, at(99)).expect("renewed");
    assert!(next.remember);
    boat.security.logout(next.token.as_str(), at(100)).expect("saved");
    assert_eq!(boat.security.check(&theirs, at(99)), Err(AuthError::Revoked), "it is one session");
}

#[test]
fn times_that_make_no_sense_stop_nothing() {
    let boat = Boat::secured();
    for payload in [
        json!({"id": "guest", "iat": u64::MAX, "exp": u64::MAX}),
        json!({"id": "guest", "iat": 0, "exp": u64::MAX}),
        json!({"id": "guest", "iat": 1e300, "exp": 1e300}),
        json!({"id": "guest", "iat": second(10), "exp": second(5)}),
    ] {
        let session = session(&boat.security, &foreign(&payload), 1).expect("good");
        session.expires();
        if let Some(login) = boat.security.renew(&session, at(1)) {
            boat.security.logout(login.token.as_str(), at(1)).expect("saved");
        }
    }
    boat.security
        .authenticate(Some(&foreign(&json!({"id": "guest"}))), SystemTime::UNIX_EPOCH - Duration::from_secs(9))
        .expect("good");
}
