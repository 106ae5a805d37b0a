//! What a connection may do at this moment (signalk-v1 §5.9, §8.5).
//!
//! A session lasts as long as its connection, rights don't: levels, ACLs and tokens change meanwhile. So everything is looked up when it
//! is needed. What a delivery needs is remembered until [`Security::revision`] moves, which costs an atomic to compare.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use foldhash::fast::RandomState;
use windlass_broker::{Context, Delta, Path, SharedDelta, SourceRef, ValueIndex};
use windlass_security::{Acl, Mode, Principal, Security, Session};

use super::rate::ValueKey;

/// Most decisions of the ACLs that are remembered for a connection; beyond, the memory is cleared.
const MAX_DECISIONS: usize = 10_000;

/// The rights of a connection, shared by its client and its subscriptions on one thread.
pub struct Rights {
    security: Security,
    own: Context,
    only_reads: bool,
    inner: RefCell<Inner>,
}

struct Inner {
    session: Session,
    /// What the rest was looked up for.
    revision: u64,
    readable: bool,
    /// Until when that holds although nothing changes: the token expires.
    until: Option<SystemTime>,
    acl: Arc<Acl>,
    decided: HashMap<ValueKey, bool, RandomState>,
}

impl Rights {
    /// The rights that a session gives; with `only_reads` without those to change something.
    pub fn new(security: Security, own: Context, session: Session, only_reads: bool) -> Self {
        let (acl, decided) = (Arc::default(), HashMap::default());
        let inner = Inner { session, revision: 0, readable: false, until: None, acl, decided };
        let rights = Self { security, own, only_reads, inner: RefCell::new(inner) };
        rights.look_up();
        rights
    }

    /// The session.
    pub fn session(&self) -> Session {
        self.inner.borrow().session.clone()
    }

    /// Who it is.
    pub fn principal(&self) -> Principal {
        self.inner.borrow().session.principal().clone()
    }

    /// Somebody has logged in on the connection.
    pub fn begin(&self, session: Session) {
        self.inner.borrow_mut().session = session;
        self.look_up();
    }

    /// Looks everything up anew: also what changes without a new revision, such as a token that expires. True when reading is allowed.
    pub fn look_up(&self) -> bool {
        let mut inner = self.inner.borrow_mut();
        // The revision first: what changes while the rest is looked up is noticed the next time.
        inner.revision = self.security.revision();
        let session = &inner.session;
        let good = self.security.check(session, SystemTime::now()).is_ok();
        let (readable, until) = (good && self.security.may_read(session.principal()), session.expires());
        (inner.readable, inner.until) = (readable, until);
        inner.acl = self.security.acl();
        inner.decided.clear();
        inner.readable
    }

    /// Whether the connection may read, the ACLs apart.
    pub fn may_read(&self) -> bool {
        let inner = self.inner.borrow();
        let over = inner.readable && inner.until.is_some_and(|until| SystemTime::now() >= until);
        if inner.revision == self.security.revision() && !over {
            return inner.readable;
        }
        drop(inner);
        self.look_up()
    }

    /// Whether the connection may send deltas and PUT, the ACLs apart.
    pub fn may_write(&self) -> bool {
        let inner = self.inner.borrow();
        !self.only_reads
            && self.security.check(&inner.session, SystemTime::now()).is_ok()
            && self.security.may_write(inner.session.principal())
    }

    /// Whether the connection may see what is for admins.
    pub fn is_admin(&self) -> bool {
        let inner = self.inner.borrow();
        !self.only_reads
            && self.security.check(&inner.session, SystemTime::now()).is_ok()
            && self.security.is_admin(inner.session.principal())
    }

    /// Whether the server is open, so that there is nobody to log in.
    pub fn is_open(&self) -> bool {
        self.security.mode() == Mode::Open
    }

    /// Whether the ACLs let the connection see a value.
    pub fn may_see(&self, delta: &SharedDelta, index: ValueIndex) -> bool {
        if self.is_unrestricted() {
            return true;
        }
        let (update, value) = delta.value(index);
        self.may_see_at(&delta.delta().context, &value.path, &update.source_ref)
    }

    /// A delta without the values and metadata that the connection may not see; `None` when nothing is left.
    pub fn visible(&self, delta: Arc<SharedDelta>) -> Option<Arc<SharedDelta>> {
        if self.is_unrestricted() {
            return Some(delta);
        }
        let whole = delta.delta();
        let sees = |path: &Path, source: &SourceRef| self.may_see_at(&whole.context, path, source);
        let everything = whole
            .updates
            .iter()
            .all(|update| update.values.iter().chain(&update.meta).all(|entry| sees(&entry.path, &update.source_ref)));
        if everything {
            return Some(delta);
        }
        let mut rest = whole.clone();
        for update in &mut rest.updates {
            let source = update.source_ref.clone();
            update.values.retain(|value| sees(&value.path, &source));
            update.meta.retain(|entry| sees(&entry.path, &source));
        }
        rest.updates.retain(|update| !update.values.is_empty() || !update.meta.is_empty());
        (!rest.updates.is_empty()).then(|| SharedDelta::new(rest))
    }

    /// Takes out of a delta what the ACLs do not let the connection write. Returns how many values and metadata entries that are.
    pub fn strip_unwritable(&self, delta: &mut Delta) -> usize {
        // As it is now, whatever was looked up for reading.
        let acl = self.security.acl();
        let principal = self.principal();
        if acl.is_empty() || principal == Principal::Anybody {
            return 0;
        }
        let (mut kept, mut all) = (0, 0);
        let own = delta.context == self.own;
        for update in &mut delta.updates {
            all += update.values.len() + update.meta.len();
            let (context, source) = (delta.context.as_str(), update.source_ref.as_str());
            let may = |path: &Path| acl.decide(&principal, own, context, path.as_str(), source).write;
            update.values.retain(|value| may(&value.path));
            update.meta.retain(|entry| may(&entry.path));
            kept += update.values.len() + update.meta.len();
        }
        delta.updates.retain(|update| !update.values.is_empty() || !update.meta.is_empty());
        all - kept
    }

    /// The fast path: nothing has to be asked value by value.
    fn is_unrestricted(&self) -> bool {
        let inner = self.inner.borrow();
        inner.acl.is_empty() || *inner.session.principal() == Principal::Anybody
    }

    fn may_see_at(&self, context: &Context, path: &Path, source: &SourceRef) -> bool {
        let mut inner = self.inner.borrow_mut();
        let key = ValueKey::new(context.clone(), path.clone(), source.clone());
        if let Some(decided) = inner.decided.get(&key) {
            return *decided;
        }
        let own = *context == self.own;
        let principal = inner.session.principal();
        let access = inner.acl.decide(principal, own, context.as_str(), path.as_str(), source.as_str());
        if inner.decided.len() >= MAX_DECISIONS {
            inner.decided.clear();
        }
        inner.decided.insert(key, access.read);
        access.read
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use windlass_broker::{DeltaVersion, Intake, Provider};
    use windlass_security::SecurityOptions;

    use super::*;

    fn own() -> Context {
        Context::new("vessels.urn:mrn:imo:mmsi:1").expect("a context")
    }

    fn delta() -> Arc<SharedDelta> {
        let provider = Provider::new("test").expect("a name");
        let intake = Intake { self_context: own(), provider, override_timestamps: false };
        let values = json!([{"path": "steering.rudderAngle", "value": 1}, {"path": "navigation.log", "value": 2}]);
        let meta = json!([{"path": "navigation.log", "value": {"units": "m"}}]);
        let text = json!({"updates": [{"$source": "a.b", "values": values, "meta": meta}]}).to_string();
        SharedDelta::new(intake.take(&text, DeltaVersion::V1).delta.expect("a delta"))
    }

    /// A server whose anonymous visitors may read what these ACLs say.
    fn security(acls: serde_json::Value) -> (tempfile::TempDir, Security) {
        let directory = tempfile::tempdir().expect("a directory");
        let file = json!({
            "allow_readonly": true, "secretKey": "0123456789abcdef0123456789abcdef",
            "users": [{"username": "panel", "type": "readwrite"}], "acls": acls,
        });
        std::fs::write(directory.path().join("security.json"), file.to_string()).expect("a file");
        let security = Security::load(directory.path(), SecurityOptions::default(), SystemTime::now());
        (directory, security.expect("readable"))
    }

    fn rights(security: &Security) -> Rights {
        let session = security.authenticate(None, SystemTime::now()).expect("no token is fine");
        Rights::new(security.clone(), own(), session, false)
    }

    #[test]
    fn acls_take_values_out_one_by_one() {
        // SK-147
        let (_directory, security) = security(json!([{"context": "vessels.self", "resources": [
            {"paths": ["steering.*"], "permissions": [{"subject": "panel", "permission": "write"}]},
            {"paths": ["*"], "permissions": [{"subject": "any", "permission": "read"}]},
        ]}]));
        let rights = rights(&security);
        assert!(rights.may_read() && !rights.may_write() && !rights.is_admin());
        let whole = delta();
        let at = |value| ValueIndex { update: 0, value };
        assert!(!rights.may_see(&whole, at(0)));
        assert!(rights.may_see(&whole, at(1)));
        let visible = rights.visible(whole.clone()).expect("something is left");
        assert!(!visible.whole().contains("steering") && visible.whole().contains("navigation.log"));
        let mut written = whole.delta().clone();
        assert_eq!(rights.strip_unwritable(&mut written), 3, "reading is not writing");
        assert!(written.updates.is_empty());
    }

    #[test]
    fn without_acls_a_delta_passes_as_it_is() {
        let (_directory, security) = security(json!([]));
        let whole = delta();
        let visible = rights(&security).visible(whole.clone()).expect("all of it");
        assert!(Arc::ptr_eq(&whole, &visible));
        let open = rights(&Security::open("a test"));
        assert!(open.may_read() && open.may_write() && open.is_admin() && open.is_open());
        assert_eq!(open.strip_unwritable(&mut whole.delta().clone()), 0);
    }

    #[test]
    fn a_change_takes_effect_on_the_next_question() {
        let (_directory, security) = security(json!([]));
        let rights = rights(&security);
        assert!(rights.may_read());
        security.set_config(&json!({"allow_readonly": false})).expect("saved");
        assert!(!rights.may_read());
    }

    #[test]
    fn a_token_that_expires_is_noticed_although_nothing_changes() {
        let now = SystemTime::now();
        let acls = json!([{"context": "vessels.self", "resources": [
            {"paths": ["*"], "permissions": [{"subject": "panel", "permission": "read"}]},
        ]}]);
        let (_directory, security) = security(acls);
        security.set_config(&json!({"allow_readonly": false})).expect("saved");
        let rights = rights(&security);
        assert!(!rights.may_read(), "visitors may not");
        let revision = security.revision();
        // As if it had been looked up a moment before the token expired.
        let looked_up = |until| {
            let mut inner = rights.inner.borrow_mut();
            (inner.readable, inner.until, inner.revision) = (true, Some(until), security.revision());
        };
        looked_up(now + std::time::Duration::from_secs(3600));
        assert!(rights.may_read());
        looked_up(now);
        assert!(!rights.may_read(), "it is looked up again");
        assert_eq!(security.revision(), revision);
    }
}
