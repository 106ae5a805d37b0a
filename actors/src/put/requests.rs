//! Requests that clients can ask about, and those who wait for what becomes of them (signalk-v1 §6.1).
//!
//! Clients choose ids, and several choose `1`: what is kept belongs to the principal who made it. Others see it only by an id that nobody
//! guesses, which is as good as a token.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix::{Message, Recipient};
use serde::Serialize;
use uuid::Uuid;
use windlass_security::Principal;

use super::outcome::Outcome;

/// How long a request is remembered.
const MEMORY: Duration = Duration::from_secs(60 * 60);
/// Requests that are remembered; of more the oldest are forgotten.
const MAX_REQUESTS: usize = 5_000;

/// How far a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RequestState {
    /// It has not been carried out yet.
    Pending,
    /// It is done with, well or badly: the status code says which.
    Completed,
    /// It failed.
    Failed,
}

/// The reply to a request, now or when its `href` is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestStatus {
    /// How far it is.
    pub state: RequestState,
    /// Its id.
    pub request_id: String,
    /// In HTTP's terms; also the status of the HTTP answer.
    pub status_code: u16,
    /// What there is to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Where this can be read later: `/signalk/v1/requests/<id>`.
    pub href: String,
    /// Who made it: the name of a user, the id of a device, or `AUTO`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The same for a pending request, where older clients look for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<PendingAction>,
}

/// See [`RequestStatus::action`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PendingAction {
    /// `/signalk/v1/requests/<id>`
    pub href: String,
}

/// A request has a new state. Sent to whoever made it and stays connected: one message a state, the first included, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct RequestChanged(pub RequestStatus);

/// What a request is to be remembered as.
#[derive(Debug, Clone)]
pub struct NewRequest {
    /// The client's id of it; a new one is made when it has none. A later request of the same id and principal takes its place.
    pub id: Option<String>,
    /// Who makes it.
    pub by: Principal,
    /// Whether it can be asked about. What somebody who may change nothing asks for is answered, and takes nobody's place in the memory.
    pub remembered: bool,
    /// Who is told of each state. A request has few states, so these messages need no bound of their own.
    pub watcher: Option<Recipient<RequestChanged>>,
}

/// Who asks about a request.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// Who it is: they see what they have asked for themselves,
    pub principal: &'a Principal,
    /// and as an admin, what others have.
    pub is_admin: bool,
}

/// Remembers requests for an hour. Clones share.
#[derive(Debug, Clone, Default)]
pub struct RequestStore(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// The states by id, one for each principal who has made a request of it.
    by_id: HashMap<String, Vec<Entry>>,
    /// Number, time and id of each, the oldest first. One that a later request of the same id has replaced is there still.
    order: VecDeque<(u64, Instant, String)>,
    count: u64,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    by: Principal,
    status: RequestStatus,
}

/// A request that is being carried out. Whoever does so tells how it goes on.
#[derive(Debug)]
pub struct OpenRequest {
    store: RequestStore,
    number: u64,
    id: String,
    by: Principal,
    remembered: bool,
    watcher: Option<Recipient<RequestChanged>>,
    told: bool,
}

impl RequestStore {
    /// What has become of a request: of one's own, or of somebody's whose id is a random one (UUID of version 4), or for an admin of
    /// anybody's. `None` for one that nobody made, that is forgotten, or that the asker may not see.
    pub fn get(&self, id: &str, asker: Asker<'_>) -> Option<RequestStatus> {
        self.get_at(id, asker, Instant::now())
    }

    /// Begins a request. It is remembered from its first state on.
    pub fn begin(&self, request: NewRequest) -> OpenRequest {
        let NewRequest { id, by, remembered, watcher } = request;
        let number = self.with(Instant::now(), |kept| {
            kept.count += 1;
            kept.count
        });
        let id = id.unwrap_or_else(|| Uuid::new_v4().to_string());
        OpenRequest { store: self.clone(), number, id, by, remembered, watcher, told: false }
    }

    fn get_at(&self, id: &str, asker: Asker<'_>, now: Instant) -> Option<RequestStatus> {
        self.with(now, |kept| {
            let entries = kept.by_id.get(id)?;
            let own = entries.iter().find(|entry| entry.by == *asker.principal);
            let secret = || Uuid::parse_str(id).is_ok_and(|id| id.get_version_num() == 4);
            let found = own.or_else(|| match entries.as_slice() {
                // With several it can't be known which is meant.
                [one] if asker.is_admin || secret() => Some(one),
                _ => None,
            });
            found.map(|entry| entry.status.clone())
        })
    }

    fn with<T>(&self, now: Instant, work: impl FnOnce(&mut Kept) -> T) -> T {
        // Whole between any two statements, also after a panic.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while kept.order.front().is_some_and(|(_, at, _)| now.saturating_duration_since(*at) >= MEMORY) {
            kept.forget_oldest();
        }
        work(&mut kept)
    }
}

impl OpenRequest {
    /// The id under which the request can be asked about.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Keeps the request's new state and tells whoever waits for it.
    pub(super) fn tell(&mut self, outcome: Outcome) -> RequestStatus {
        self.tell_at(outcome, Instant::now())
    }

    fn tell_at(&mut self, outcome: Outcome, now: Instant) -> RequestStatus {
        let href = format!("/signalk/v1/requests/{}", self.id);
        let pending = outcome.state == RequestState::Pending;
        let status = RequestStatus {
            state: outcome.state,
            request_id: self.id.clone(),
            status_code: outcome.status_code,
            message: outcome.message,
            user: self.by.id().map(str::to_owned),
            action: pending.then(|| PendingAction { href: href.clone() }),
            href,
        };
        let first = !std::mem::replace(&mut self.told, true);
        if self.remembered {
            self.store.with(now, |kept| self.keep(kept, status.clone(), first, now));
        }
        if let Some(watcher) = &self.watcher {
            #[expect(
                clippy::disallowed_methods,
                reason = "a request has few states, and its watcher has to learn each"
            )]
            watcher.do_send(RequestChanged(status.clone()));
        }
        status
    }
}

impl OpenRequest {
    fn keep(&self, kept: &mut Kept, status: RequestStatus, first: bool, now: Instant) {
        let entry = Entry { number: self.number, by: self.by.clone(), status };
        let known =
            kept.by_id.get_mut(&self.id).and_then(|entries| entries.iter_mut().find(|known| known.by == self.by));
        match known {
            // A later request of the same id has taken its place.
            Some(known) if known.number > self.number => return,
            Some(known) if known.number == self.number => {
                *known = entry;
                return;
            }
            // It is forgotten.
            _ if !first => return,
            Some(known) => *known = entry,
            None => kept.by_id.entry(self.id.clone()).or_default().push(entry),
        }
        kept.order.push_back((self.number, now, self.id.clone()));
        if kept.order.len() > MAX_REQUESTS {
            kept.forget_oldest();
        }
    }
}

impl Kept {
    fn forget_oldest(&mut self) {
        if let Some((number, _, id)) = self.order.pop_front()
            && let Some(entries) = self.by_id.get_mut(&id)
        {
            entries.retain(|entry| entry.number != number);
            if entries.is_empty() {
                self.by_id.remove(&id);
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    fn outcome(state: RequestState, status_code: u16) -> Outcome {
        Outcome { state, status_code, message: None }
    }

    fn crew() -> Principal {
        Principal::User("crew".into())
    }

    pub(in super::super) fn nameless() -> NewRequest {
        NewRequest { id: None, by: crew(), remembered: true, watcher: None }
    }

    fn named(id: &str) -> NewRequest {
        NewRequest { id: Some(id.to_owned()), ..nameless() }
    }

    impl RequestStore {
        pub(in super::super) fn of_crew(&self, id: &str, now: Instant) -> Option<RequestStatus> {
            self.get_at(id, Asker { principal: &crew(), is_admin: false }, now)
        }
    }

    #[test]
    fn a_pending_request_says_where_it_can_be_asked_about() {
        // ABI-63, SK-102
        let store = RequestStore::default();
        let mut request = store.begin(named("r1"));
        let status = request.tell(outcome(RequestState::Pending, 202));
        let href = "/signalk/v1/requests/r1";
        assert_eq!(
            serde_json::to_value(&status).expect("JSON"),
            json!({"state": "PENDING", "requestId": "r1", "statusCode": 202, "href": href, "user": "crew", "action": {"href": href}})
        );
        assert_eq!(store.of_crew("r1", Instant::now()), Some(status));
        request.tell(outcome(RequestState::Completed, 200));
        assert_eq!(
            store.of_crew("r1", Instant::now()).map(|status| (status.status_code, status.action)),
            Some((200, None))
        );
        let other = store.begin(nameless()).tell(outcome(RequestState::Completed, 200));
        assert!(other.action.is_none() && other.href.ends_with(&other.request_id));
        assert_eq!(store.of_crew("r2", Instant::now()), None);
    }

    #[test]
    fn requests_are_forgotten_after_an_hour() {
        let store = RequestStore::default();
        let start = Instant::now();
        let mut first = store.begin(named("a"));
        first.tell_at(outcome(RequestState::Pending, 202), start);
        let later = start + MEMORY / 2;
        store.begin(named("b")).tell_at(outcome(RequestState::Pending, 202), start);
        store.begin(named("b")).tell_at(outcome(RequestState::Completed, 200), later);
        assert!(store.of_crew("a", start + MEMORY - Duration::from_millis(1)).is_some());
        assert!(store.of_crew("a", start + MEMORY).is_none());
        first.tell_at(outcome(RequestState::Completed, 200), start + MEMORY);
        assert!(store.of_crew("a", start + MEMORY).is_none(), "what is forgotten stays forgotten");
        assert_eq!(
            store.of_crew("b", start + MEMORY).map(|status| status.status_code),
            Some(200),
            "the later one stays"
        );
        assert!(store.of_crew("b", later + MEMORY).is_none());
    }

    #[test]
    fn a_later_request_of_the_same_id_is_not_overwritten() {
        let store = RequestStore::default();
        let (mut one, mut two) = (store.begin(named("1")), store.begin(named("1")));
        one.tell(outcome(RequestState::Pending, 202));
        two.tell(outcome(RequestState::Pending, 202));
        assert_eq!(one.tell(outcome(RequestState::Completed, 400)).status_code, 400, "its own client hears of it");
        assert_eq!(store.of_crew("1", Instant::now()).map(|status| status.status_code), Some(202));
        two.tell(outcome(RequestState::Completed, 200));
        assert_eq!(store.of_crew("1", Instant::now()).map(|status| status.status_code), Some(200));
    }

    #[test]
    fn the_memory_is_bounded() {
        let store = RequestStore::default();
        let first = store.begin(nameless()).tell(outcome(RequestState::Completed, 405));
        for _ in 0..MAX_REQUESTS {
            store.begin(named("same")).tell(outcome(RequestState::Completed, 405));
        }
        assert_eq!(
            (store.of_crew(&first.request_id, Instant::now()), store.of_crew("same", Instant::now()).is_some()),
            (None, true)
        );
        assert_eq!(store.0.lock().expect("no panic").order.len(), MAX_REQUESTS);
    }

    #[test]
    fn nobody_sees_or_replaces_what_another_has_asked_for() {
        let store = RequestStore::default();
        let mate = Principal::User("mate".into());
        // A device of the same name is somebody else.
        let device = Principal::Device("crew".into());
        store.begin(named("1")).tell(outcome(RequestState::Pending, 202));
        for by in [&mate, &device] {
            store.begin(NewRequest { by: by.clone(), ..named("1") }).tell(outcome(RequestState::Completed, 405));
        }
        store
            .begin(NewRequest { by: mate.clone(), remembered: false, ..named("1") })
            .tell(outcome(RequestState::Completed, 403));
        let seen = |principal: &Principal, is_admin, id: &str| {
            store.get(id, Asker { principal, is_admin }).map(|status| status.status_code)
        };
        assert_eq!((seen(&crew(), false, "1"), seen(&mate, false, "1")), (Some(202), Some(405)));
        assert_eq!(seen(&Principal::Anonymous, false, "1"), None);
        assert_eq!(seen(&Principal::User("admin".into()), true, "1"), None, "whose?");
        store.begin(named("2")).tell(outcome(RequestState::Completed, 200));
        assert_eq!(seen(&Principal::User("admin".into()), true, "2"), Some(200));
        assert_eq!(seen(&mate, false, "2"), None);
        let random = store.begin(nameless()).tell(outcome(RequestState::Completed, 201)).request_id;
        assert_eq!(seen(&Principal::Nobody, false, &random), Some(201), "nobody guesses it");
    }
}
