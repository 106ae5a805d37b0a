//! Requests that clients can ask about (signalk-v1 §6.1).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use uuid::Uuid;

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

/// Remembers requests for an hour. Clones share.
#[derive(Debug, Clone, Default)]
pub struct RequestStore(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    by_id: HashMap<String, (u64, RequestStatus)>,
    /// Number, time and id of each, the oldest first. One that a later request of the same id has replaced is there still.
    order: VecDeque<(u64, Instant, String)>,
    count: u64,
}

impl RequestStore {
    /// What has become of a request; `None` for one that nobody made, or that is forgotten.
    pub fn get(&self, id: &str) -> Option<RequestStatus> {
        self.get_at(id, Instant::now())
    }

    /// Keeps a request; one with the same id is replaced.
    pub(super) fn keep(&self, id: Option<String>, outcome: Outcome) -> RequestStatus {
        self.keep_at(id, outcome, Instant::now())
    }

    fn get_at(&self, id: &str, now: Instant) -> Option<RequestStatus> {
        self.with(now, |kept| kept.by_id.get(id).map(|(_, status)| status.clone()))
    }

    fn keep_at(&self, id: Option<String>, outcome: Outcome, now: Instant) -> RequestStatus {
        let id = id.unwrap_or_else(|| Uuid::new_v4().to_string());
        let href = format!("/signalk/v1/requests/{id}");
        let pending = outcome.state == RequestState::Pending;
        let status = RequestStatus {
            state: outcome.state,
            request_id: id.clone(),
            status_code: outcome.status_code,
            message: outcome.message,
            action: pending.then(|| PendingAction { href: href.clone() }),
            href,
        };
        self.with(now, |kept| {
            kept.count += 1;
            kept.by_id.insert(id.clone(), (kept.count, status.clone()));
            kept.order.push_back((kept.count, now, id));
            if kept.order.len() > MAX_REQUESTS {
                kept.forget_oldest();
            }
        });
        status
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

impl Kept {
    fn forget_oldest(&mut self) {
        if let Some((number, _, id)) = self.order.pop_front()
            && self.by_id.get(&id).is_some_and(|(latest, _)| *latest == number)
        {
            self.by_id.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outcome(state: RequestState, status_code: u16) -> Outcome {
        Outcome { state, status_code, message: None }
    }

    #[test]
    fn a_pending_request_says_where_it_can_be_asked_about() {
        // ABI-63
        let store = RequestStore::default();
        let status = store.keep(Some("r1".to_owned()), outcome(RequestState::Pending, 202));
        let href = "/signalk/v1/requests/r1";
        assert_eq!(
            serde_json::to_value(&status).expect("JSON"),
            json!({"state": "PENDING", "requestId": "r1", "statusCode": 202, "href": href, "action": {"href": href}})
        );
        assert_eq!(store.get("r1"), Some(status));
        let other = store.keep(None, outcome(RequestState::Completed, 200));
        assert!(other.action.is_none() && other.href.ends_with(&other.request_id));
        assert_eq!(store.get("r2"), None);
    }

    #[test]
    fn requests_are_forgotten_after_an_hour() {
        let store = RequestStore::default();
        let start = Instant::now();
        store.keep_at(Some("a".to_owned()), outcome(RequestState::Pending, 202), start);
        let later = start + MEMORY / 2;
        store.keep_at(Some("b".to_owned()), outcome(RequestState::Pending, 202), start);
        store.keep_at(Some("b".to_owned()), outcome(RequestState::Completed, 200), later);
        assert!(store.get_at("a", start + MEMORY - Duration::from_millis(1)).is_some());
        assert!(store.get_at("a", start + MEMORY).is_none());
        assert_eq!(
            store.get_at("b", start + MEMORY).map(|status| status.status_code),
            Some(200),
            "the later one stays"
        );
        assert!(store.get_at("b", later + MEMORY).is_none());
    }

    #[test]
    fn the_memory_is_bounded() {
        let store = RequestStore::default();
        let first = store.keep(None, outcome(RequestState::Completed, 405));
        for _ in 0..MAX_REQUESTS {
            store.keep(Some("same".to_owned()), outcome(RequestState::Completed, 405));
        }
        assert_eq!((store.get(&first.request_id), store.get("same").is_some()), (None, true));
        assert_eq!(store.0.lock().expect("no panic").order.len(), MAX_REQUESTS);
    }
}
