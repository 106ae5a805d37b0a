//! Access requests of devices and people.

use serde_json::json;

use super::*;
use crate::{
    AccessError, Decision, Expiration, Level, MAX_PENDING, MAX_PENDING_OF_ADDRESS, PENDING_LIFETIME, Requester,
    SecurityError,
};

fn approved(permissions: Option<Level>) -> Decision {
    Decision::Approved { permissions, expiration: None, config: None }
}

// SK-139, SK-140
#[test]
fn a_device_that_is_approved_gets_a_token() {
    let boat = Boat::secured();
    let security = &boat.security;
    let request = security.request_device("r1", ADDRESS, "d.1", "Display", None, at(0)).expect("taken");
    let pending = security.pending_requests(at(1));
    assert_eq!(pending, [request]);
    assert_eq!(
        serde_json::to_value(&pending).expect("JSON"),
        json!([{
            "requestId": "r1", "accessIdentifier": "d.1", "accessDescription": "Display", "requestedPermissions": false,
            "ip": "192.0.2.7", "date": "2025-06-15T15:06:40.000Z", "state": "PENDING",
            "clientRequest": {"requestId": "r1", "accessRequest": {"clientId": "d.1", "description": "Display"}},
        }])
    );
    assert!(matches!(security.decide("d.1", approved(None), at(1)), Err(SecurityError::NoPermissions)));
    let decision = Decision::Approved {
        permissions: Some(Level::ReadWrite),
        expiration: Some("1y".parse().expect("a lifetime")),
        config: Some(json!({"unit": 1})),
    };
    let decided = security.decide("d.1", decision, at(1)).expect("saved");
    assert_eq!((decided.request.request_id.as_str(), decided.permissions), ("r1", Some(Level::ReadWrite)));
    let token = decided.token.as_ref().expect("a token").as_str().to_owned();
    assert_eq!(decided.answer(), json!({"permission": "APPROVED", "token": token}));
    assert!(!format!("{decided:?}").contains(&token), "SK-152");
    for security in [security, &boat.reloaded()] {
        let session = session(security, &token, 1).expect("good");
        assert_eq!(session.principal(), &Principal::Device("d.1".into()));
        assert_eq!(session.expires(), Some(at(1 + 31_557_600)));
        assert!(security.may_write(session.principal()) && !security.is_admin(session.principal()));
        let device = serde_json::to_value(&security.devices()[1]).expect("JSON");
        let expected = json!({"clientId": "d.1", "permissions": "readwrite", "description": "Display",
            "config": {"unit": 1}, "tokenExpiry": 1_750_000_001_u64 + 31_557_600});
        assert_eq!(device, expected);
    }
    assert!(security.pending_requests(at(1)).is_empty());
    assert!(matches!(security.decide("d.1", Decision::Denied, at(1)), Err(SecurityError::UnknownRequest)));
    security.remove_device("d.1").expect("saved");
    session(security, &token, 1).expect_err("SK-143");
}

// SK-141
#[test]
fn a_device_that_is_denied_gets_none() {
    let boat = Boat::secured();
    let before = boat.file();
    boat.security.request_device("r1", ADDRESS, "d", "", Some(Level::Admin), at(0)).expect("taken");
    let decided = boat.security.decide("r1", Decision::Denied, at(0)).expect("by request id");
    assert_eq!((decided.answer(), &decided.token), (json!({"permission": "DENIED"}), &None));
    assert_eq!(boat.file(), before);
    boat.security.request_device("r2", ADDRESS, "d", "", None, at(0)).expect("it may ask again");
}

#[test]
fn the_level_asked_for_wins() {
    let boat = Boat::secured();
    boat.security.request_device("r1", ADDRESS, "d", "", Some(Level::ReadOnly), at(0)).expect("taken");
    let decided = boat.security.decide("d", approved(Some(Level::Admin)), at(0)).expect("saved");
    assert_eq!(decided.permissions, Some(Level::ReadOnly));
    assert_eq!(boat.security.level_of(&Principal::Device("d".into())), Some(Level::ReadOnly));
    let expiry = boat.security.devices()[1].token_expiry;
    assert_eq!(expiry, Some(1_750_000_000 + DAY), "that of logins, as nothing else was said");
}

#[test]
fn a_device_that_asks_again_keeps_its_token() {
    let boat = Boat::secured();
    let ask = |level, expiration| {
        boat.security.request_device("r", ADDRESS, "d", "", Some(level), at(0)).expect("taken");
        let decision = Decision::Approved { permissions: None, expiration, config: None };
        boat.security.decide("d", decision, at(0)).expect("saved").token.expect("a token")
    };
    let (first, second) = (ask(Level::ReadOnly, None), ask(Level::ReadWrite, Some(Expiration::Never)));
    for token in [first, second] {
        session(&boat.reloaded(), token.as_str(), 0).expect("good");
    }
    assert_eq!((boat.security.devices().len(), boat.security.devices()[1].token_expiry), (2, None));
    boat.security.request_device("r", ADDRESS, "sensor", "Wind", None, at(0)).expect("taken");
    boat.security.decide("sensor", approved(Some(Level::ReadOnly)), at(0)).expect("saved");
    assert_eq!(boat.file()["devices"][0]["unit"], 5, "what is not understood survives");
}

// SK-142
#[test]
fn requests_are_bounded() {
    let boat = Boat::secured();
    let security = &boat.security;
    // Each from another address.
    let from = |n: usize| IpAddr::from([198, 51, 100, u8::try_from(n).expect("a part of an address")]);
    let ask_from =
        |address, id: &str, seconds| security.request_device("r", address, id, "", None, at(seconds)).map(|_| ());
    let ask = |id: &str, seconds| ask_from(ADDRESS, id, seconds);
    ask("d0", 0).expect("taken");
    let error = ask("d0", 1).expect_err("twice");
    assert_eq!(error.to_string(), "A device with clientId 'd0' has already requested access");
    for n in 1..MAX_PENDING {
        ask_from(from(n), &format!("d{n}"), 10).expect("taken");
    }
    assert!(matches!(ask("one-more", 10), Err(AccessError::Full)));
    assert!(matches!(security.request_user("r", ADDRESS, "mate", "mate-password", at(10)), Err(AccessError::Full)));
    let lifetime = PENDING_LIFETIME.as_secs();
    ask("one-more", lifetime).expect("d0 has made room");
    let expired = security.take_expired_requests(at(lifetime));
    assert_eq!(expired.iter().map(|request| &*request.identifier).collect::<Vec<_>>(), ["d0"]);
    assert_eq!(security.take_expired_requests(at(lifetime)), [], "each once");
    assert!(matches!(
        security.decide("d0", approved(Some(Level::Admin)), at(lifetime)),
        Err(SecurityError::UnknownRequest)
    ));
    assert_eq!(security.take_expired_requests(at(lifetime + 10)).len(), MAX_PENDING - 1);
    assert_eq!(security.pending_requests(at(lifetime + 10)).len(), 1);
}

#[test]
fn one_address_does_not_keep_others_away() {
    let boat = Boat::secured();
    let security = &boat.security;
    let network = |n: u16| IpAddr::from([0x2001, 0xdb8, 0, 0, n, 0, 0, 1]);
    for n in 0..MAX_PENDING_OF_ADDRESS {
        let address = network(u16::try_from(n).expect("few"));
        security.request_device("r", address, &format!("d{n}"), "", None, at(0)).expect("taken");
    }
    let refused = security.request_device("r", network(99), "more", "", None, at(0));
    assert!(matches!(refused, Err(AccessError::TooManyPending)), "{refused:?}");
    let refused = security.request_user("r", network(99), "mate", "mate-password", at(0));
    assert!(matches!(refused, Err(AccessError::TooManyPending)), "{refused:?}");
    security.request_device("r", ADDRESS, "more", "", None, at(0)).expect("another address");
    security.decide("d0", Decision::Denied, at(0)).expect("decided");
    security.request_device("r", network(99), "again", "", None, at(0)).expect("there is room again");
}

#[test]
fn a_decision_is_about_one_request() {
    let boat = Boat::secured();
    let security = &boat.security;
    security.request_device("r1", ADDRESS, "mate", "New user", Some(Level::Admin), at(0)).expect("taken");
    security.request_user("r2", ADDRESS, "mate", "mate-password", at(0)).expect("taken");
    // Over a stream a client may choose the id: here that of a device that it knows of.
    security.request_device("sensor", ADDRESS, "evil", "", Some(Level::Admin), at(0)).expect("taken");
    security.request_device("r3", ADDRESS, "sensor", "", None, at(0)).expect("taken");
    for name in ["mate", "sensor"] {
        let refused = security.decide(name, approved(Some(Level::ReadOnly)), at(0));
        assert!(matches!(refused, Err(SecurityError::SeveralRequests)), "{name}: {refused:?}");
    }
    assert_eq!((security.pending_requests(at(0)).len(), security.devices().len()), (4, 1));
    let decided = security.decide("r2", approved(Some(Level::ReadOnly)), at(0)).expect("saved");
    assert_eq!((decided.request.requester, decided.permissions), (Requester::User, Some(Level::ReadOnly)));
    let decided = security.decide("r3", approved(Some(Level::ReadOnly)), at(0)).expect("saved");
    assert_eq!(&*decided.request.identifier, "sensor");
    let decided = security.decide("mate", Decision::Denied, at(0)).expect("there is one left");
    assert_eq!(decided.request.requester, Requester::Device);
}

#[test]
fn malformed_requests_are_refused() {
    let boat = Boat::secured();
    let long = "x".repeat(2000);
    for (id, description) in
        [("", ""), (long.as_str(), ""), ("a\0", ""), ("any", ""), ("AUTO", ""), ("d", long.as_str())]
    {
        let refused = boat.security.request_device("r", ADDRESS, id, description, None, at(0));
        assert!(matches!(refused, Err(AccessError::Malformed(_))), "{id:.9} {refused:?}");
    }
    for (name, password) in
        [("", "long-password"), ("mate", ""), ("mate", "1234567"), ("a\0b", "long-password"), ("mate", long.as_str())]
    {
        let refused = boat.security.request_user("r", ADDRESS, name, password, at(0));
        assert!(matches!(refused, Err(AccessError::Malformed(_))), "{name} {refused:?}");
    }
    assert!(boat.security.pending_requests(at(0)).is_empty());
}

#[test]
fn requests_can_be_switched_off() {
    let boat = Boat::secured();
    let config = json!({"allowNewUserRegistration": false, "allowDeviceAccessRequests": false});
    boat.security.set_config(&config).expect("saved");
    let open = Security::open("--insecure");
    let device = |security: &Security| security.request_device("r", ADDRESS, "d", "", None, at(0));
    let person = |security: &Security| security.request_user("r", ADDRESS, "mate", "mate-password", at(0));
    assert!(matches!(device(&boat.security), Err(AccessError::Off)));
    assert!(matches!(person(&boat.security), Err(AccessError::Off)));
    assert!(matches!(device(&open), Err(AccessError::NotAvailable)));
    assert!(matches!(person(&open), Err(AccessError::NotAvailable)));
    assert!(matches!(open.decide("d", Decision::Denied, at(0)), Err(SecurityError::Open)));
}

#[test]
fn a_person_who_is_approved_can_log_in() {
    let boat = Boat::secured();
    let security = &boat.security;
    let request = security.request_user("r1", ADDRESS, " mate ", "mate-password", at(0)).expect("taken");
    assert_eq!((request.requester, &*request.identifier), (Requester::User, "mate"));
    let again = security.request_user("r2", ADDRESS, "mate", "eve-password", at(0)).expect_err("twice");
    assert!(matches!(again, AccessError::AlreadyRequested { .. }));
    let shown = format!("{:?} {}", security.pending_requests(at(0)), serde_json::to_string(&request).expect("JSON"));
    assert!(!shown.contains("mate-password") && !shown.contains("argon2"), "{shown}");
    security.login(ADDRESS, "mate", "mate-password", false, at(0)).expect_err("not yet");
    let decided = security.decide("mate", approved(Some(Level::ReadWrite)), at(0)).expect("saved");
    assert_eq!(decided.answer(), json!({"permission": "APPROVED"}));
    for security in [security, &boat.reloaded()] {
        let login = security.login(ADDRESS, "mate", "mate-password", false, at(0)).expect("logged in");
        assert_eq!(login.level, Level::ReadWrite);
    }
}

#[test]
fn nobody_takes_over_a_user_by_asking_for_it() {
    let boat = Boat::secured();
    boat.security.request_user("r1", ADDRESS, "admin", "eve-password", at(0)).expect("it is not said who exists");
    let refused = boat.security.decide("admin", approved(Some(Level::Admin)), at(0));
    assert!(matches!(refused, Err(SecurityError::UserExists)), "{refused:?}");
    boat.security.login(ADDRESS, "admin", "eve-password", false, at(0)).expect_err("it is not");
    boat.login("admin");
    boat.security.decide("admin", Decision::Denied, at(0)).expect("it can be denied");
}

#[test]
fn a_decision_that_can_not_be_saved_is_none() {
    let boat = Boat::secured();
    boat.security.request_device("r1", ADDRESS, "d", "", Some(Level::ReadOnly), at(0)).expect("taken");
    boat.block("security.json");
    let refused = boat.security.decide("d", approved(None), at(0));
    assert!(matches!(refused, Err(SecurityError::Unsaved { .. })), "{refused:?}");
    boat.unblock("security.json");
    assert_eq!((boat.security.pending_requests(at(0)).len(), boat.security.devices().len()), (1, 1));
    boat.security.decide("d", approved(None), at(0)).expect("saved");
}

#[test]
fn registrations_count_as_logins() {
    let options = SecurityOptions::from_environment(|name| (name == "HTTP_RATE_LIMITS").then(|| "login=2".to_owned()));
    let boat = Boat::with(&json!({"users": []}), options.expect("options"));
    let ask = |name: &str| boat.security.request_user("r", ADDRESS, name, "long-password", at(0)).map(|_| ());
    ask("a").expect("taken");
    ask("b").expect("taken");
    assert!(matches!(ask("c"), Err(AccessError::TooMany { retry_after }) if retry_after == Duration::from_secs(600)));
}
