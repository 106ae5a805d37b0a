//! What a visitor may see and change of the data: the ACLs, for a request (signalk-v1 §8.5).

use std::sync::Arc;

use actix_web::HttpRequest;
use windlass_broker::Context;
use windlass_security::{Access, Acl};

use super::AppState;
use super::auth::Visitor;

/// The ACLs as they are for a visitor.
pub struct Sight {
    visitor: Visitor,
    acl: Arc<Acl>,
    own: Context,
}

impl Sight {
    /// That of whoever a request is from.
    pub fn of(request: &HttpRequest, state: &AppState) -> Self {
        let own = state.view.identity().context().clone();
        Self { visitor: Visitor::of(request), acl: state.security.acl(), own }
    }

    /// Whether there is nothing that the visitor may not see.
    pub fn is_unlimited(&self) -> bool {
        self.acl.is_empty()
    }

    /// Whether the visitor may see the values of a path and source.
    pub fn sees(&self, context: &Context, path: &str, source: &str) -> bool {
        self.access(context, path, source).read
    }

    /// The same of a context that may be of the past, by its name. `own` says that it was the own ship then, whatever that is called now.
    pub fn sees_noted(&self, own: bool, context: &str, path: &str, source: &str) -> bool {
        let own = own || context == self.own.as_str();
        self.acl.decide(self.visitor.principal(), own, context, path, source).read
    }

    /// The same of the own ship.
    pub fn sees_own(&self, path: &str, source: &str) -> bool {
        self.sees(&self.own, path, source)
    }

    /// Whether the visitor may change something of the own ship, by the ACLs. What the level allows is another matter.
    pub fn may_put_own(&self, path: &str, source: &str) -> bool {
        self.access(&self.own, path, source).put
    }

    fn access(&self, context: &Context, path: &str, source: &str) -> Access {
        self.acl.decide(self.visitor.principal(), *context == self.own, context.as_str(), path, source)
    }
}
