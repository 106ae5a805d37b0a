//! What principals may do, at this moment.

use serde_json::json;

use super::*;
use crate::{Access, Level, Mode};

// SK-130, SK-131, SK-132, SK-133: what the HTTP server asks.
#[test]
fn levels_say_who_may_do_what() {
    let boat = Boat::secured();
    let security = &boat.security;
    let device = Principal::Device("sensor".into());
    for (principal, level, read, write, admin) in [
        (user("admin"), Some(Level::Admin), true, true, true),
        (user("crew"), Some(Level::ReadWrite), true, true, false),
        (user("guest"), Some(Level::ReadOnly), true, false, false),
        (user("sensor"), None, false, false, false),
        (user("__proto__"), None, false, false, false),
        (device, Some(Level::ReadWrite), true, true, false),
        (Principal::Device("admin".into()), None, false, false, false),
        (Principal::Anonymous, Some(Level::ReadOnly), true, false, false),
        (Principal::Nobody, None, false, false, false),
        (Principal::Anybody, None, false, false, false),
    ] {
        assert_eq!(security.level_of(&principal), level, "{principal:?}");
        let may = (security.may_read(&principal), security.may_write(&principal), security.is_admin(&principal));
        assert_eq!(may, (read, write, admin), "{principal:?}");
    }
    security.set_config(&json!({"allow_readonly": false})).expect("saved");
    assert!(!security.may_read(&Principal::Anonymous));
    security.update_user("crew", None, Some(Level::ReadOnly), at(0)).expect("saved");
    assert!(!security.may_write(&user("crew")), "at once");
    security.update_device("sensor", Some(Level::ReadOnly), None).expect("saved");
    assert!(!security.may_write(&Principal::Device("sensor".into())), "at once");
}

#[test]
fn an_open_server_lets_anybody_do_everything() {
    let security = Security::open("--insecure");
    assert_eq!((security.mode(), security.open_reason()), (Mode::Open, Some("--insecure")));
    for token in [None, Some("rubbish")] {
        let session = security.authenticate(token, at(0)).expect("anybody");
        assert_eq!(session.principal(), &Principal::Anybody);
        assert_eq!(security.check(&session, at(0)), Ok(()));
        assert!(security.is_admin(session.principal()));
    }
    assert!(security.acl().is_empty() && security.users().is_empty() && security.devices().is_empty());
    assert_eq!((security.config(), security.claim_code()), (json!({}), None));
    security.logout("rubbish", at(0)).expect("nothing to do");
}

// SK-147, SK-148
#[test]
fn changed_acls_are_in_force_at_once() {
    let boat = Boat::secured();
    let (guest, crew) = (user("guest"), user("crew"));
    let before = (boat.security.acl(), boat.security.revision());
    assert!(before.0.is_empty());
    let acls = json!([{"context": "vessels.self", "resources": [
        {"paths": ["steering.*"], "permissions": [{"subject": "crew", "permission": "put"}]},
    ]}]);
    boat.security.set_config(&json!({"acls": acls})).expect("saved");
    assert!(boat.security.revision() > before.1);
    for security in [&boat.security, &boat.reloaded()] {
        let acl = security.acl();
        assert_eq!(acl.decide(&guest, true, "vessels.x", "steering.a", "s"), Access::NONE);
        assert_eq!(acl.decide(&crew, true, "vessels.x", "steering.a", "s"), Access { put: true, ..Access::NONE });
    }
    assert!(before.0.decide(&guest, true, "vessels.x", "steering.a", "s").read, "a batch goes on with what it had");
    boat.security.set_config(&json!({"acls": "all"})).expect_err("no ACLs");
    assert!(!boat.security.acl().is_empty());
}

#[test]
fn a_device_does_not_get_what_is_meant_for_the_user_of_its_id() {
    let boat = Boat::secured();
    let acls = json!([{"context": "*", "resources": [
        {"paths": ["*"], "permissions": [{"subject": "crew", "permission": "write"}]},
    ]}]);
    boat.security.set_config(&json!({"acls": acls})).expect("saved");
    let device = Principal::Device("crew".into());
    assert_eq!(boat.security.acl().decide(&device, true, "c", "p", "s"), Access::NONE);
    boat.security.remove_user("crew").expect("saved");
    assert!(boat.security.acl().decide(&device, true, "c", "p", "s").write, "now it can only mean the device");
}

// SK-149
#[test]
fn the_login_status_tells_everybody() {
    let boat = Boat::secured();
    let status = |security: &Security, principal: &Principal| {
        serde_json::to_value(security.login_status(principal)).expect("JSON")
    };
    let mut expected = json!({
        "status": "notLoggedIn", "readOnlyAccess": true, "authenticationRequired": true,
        "allowNewUserRegistration": true, "allowDeviceAccessRequests": true, "securityWasEnabled": false,
    });
    assert_eq!(status(&boat.security, &Principal::Anonymous), expected);
    assert_eq!(status(&boat.security, &Principal::Nobody), expected);
    expected["status"] = "loggedIn".into();
    expected["userLevel"] = "admin".into();
    expected["username"] = "admin".into();
    assert_eq!(status(&boat.security, &user("admin")), expected);
    let fresh = status(&Boat::fresh().security, &Principal::Anonymous);
    assert_eq!((&fresh["noUsers"], &fresh["readOnlyAccess"]), (&json!(true), &json!(true)));
    assert_eq!(
        status(&Security::open("--demo"), &Principal::Anybody),
        json!({"status": "notLoggedIn", "readOnlyAccess": false, "authenticationRequired": false, "securityWasEnabled": false})
    );
}

#[test]
fn principals_have_names_for_acls_and_providers() {
    for (principal, id, provider) in [
        (user("a.b@c.org"), Some("a.b@c.org"), Some("a_b@c_org")),
        (Principal::Device("d-1.2".into()), Some("d-1.2"), Some("d-1_2")),
        (Principal::Anonymous, Some("AUTO"), None),
        (Principal::Nobody, None, None),
        (Principal::Anybody, None, None),
    ] {
        assert_eq!((principal.id(), principal.name_for_provider().as_deref()), (id, provider));
    }
    assert!(Level::ReadOnly < Level::ReadWrite && Level::ReadWrite < Level::Admin);
    for level in [Level::ReadOnly, Level::ReadWrite, Level::Admin] {
        assert_eq!(Level::from_name(level.name()), Some(level));
        assert_eq!(serde_json::to_value(level).expect("JSON"), json!(level.name()));
    }
}

#[test]
fn everything_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<Security>();
    shared::<Session>();
    shared::<Principal>();
}
