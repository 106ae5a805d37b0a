//! Who looks at a stream, and whether they still may (signalk-v1 §5.9).

use std::sync::Arc;
use std::time::SystemTime;

use windlass_security::{Acl, Security, Session};

/// Somebody who was let in to a stream.
#[derive(Debug)]
pub struct Viewer {
    security: Security,
    session: Session,
    /// What it was judged by.
    revision: u64,
    acl: Arc<Acl>,
}

impl Viewer {
    /// Somebody who may see the stream now, ACLs included.
    pub fn new(security: Security, session: Session) -> Self {
        // The revision first: what changes meanwhile is noticed the next time.
        let revision = security.revision();
        let acl = security.acl();
        Self { security, session, revision, acl }
    }

    /// Whether that is still so. When other ACLs are in force it is not known any more, and counts as no: a client that may see the stream
    /// connects anew.
    pub fn may_stay(&mut self, now: SystemTime) -> bool {
        let revision = self.security.revision();
        let is_over = self.session.expires().is_some_and(|expires| now >= expires);
        if revision == self.revision && !is_over {
            return true;
        }
        let may_read =
            self.security.check(&self.session, now).is_ok() && self.security.may_read(self.session.principal());
        if may_read && *self.security.acl() == *self.acl {
            self.revision = revision;
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use windlass_security::SecurityOptions;

    use super::*;

    #[test]
    fn a_right_that_ends_ends_for_those_who_are_there() {
        let directory = tempfile::tempdir().expect("a directory");
        let hash = "$2b$04$......................wJlp0zGpDVRNkRwNkqzCzJEhzJIXWC6";
        let file = json!({
            "allow_readonly": true, "secretKey": "0123456789abcdef0123456789abcdef",
            "users": [{"username": "admin", "type": "admin", "password": hash}],
        });
        std::fs::write(directory.path().join("security.json"), file.to_string()).expect("a file");
        let now = SystemTime::now();
        let security = Security::load(directory.path(), SecurityOptions::default(), now).expect("readable");
        let visitor = || Viewer::new(security.clone(), security.authenticate(None, now).expect("no token is fine"));
        let device = {
            let asked = security.request_device("r", [127, 0, 0, 1].into(), "display", "", None, now);
            let decision = windlass_security::Decision::Approved {
                permissions: Some(windlass_security::Level::ReadOnly),
                expiration: Some("1h".parse().expect("a lifetime")),
                config: None,
            };
            let decided = security.decide(&asked.expect("taken").request_id, decision, now).expect("saved");
            let token = decided.token.expect("a token");
            security.authenticate(Some(token.as_str()), now).expect("good")
        };
        let (mut anybody, mut display) = (visitor(), Viewer::new(security.clone(), device));
        assert!(anybody.may_stay(now) && display.may_stay(now));
        assert!(!display.may_stay(now + Duration::from_secs(3601)), "the token is over");
        security.set_config(&json!({"expiration": "2d"})).expect("saved");
        assert!(anybody.may_stay(now) && display.may_stay(now), "nothing that concerns them");
        security.remove_device("display").expect("saved");
        assert!(anybody.may_stay(now) && !display.may_stay(now));
        let acls = json!([{"context": "*", "resources": [{"paths": ["a"], "permissions": []}]}]);
        security.set_config(&json!({"acls": acls})).expect("saved");
        assert!(!anybody.may_stay(now), "other ACLs");
        let mut anybody = visitor();
        assert!(anybody.may_stay(now));
        security.set_config(&json!({"allow_readonly": false})).expect("saved");
        assert!(!anybody.may_stay(now));
    }
}
