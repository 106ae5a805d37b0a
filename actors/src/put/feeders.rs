//! Stream clients that carry out PUT requests for the values they feed (signalk-v1 §6.5 no. 4).
//!
//! A client that sends values of the own ship is asked when somebody PUTs one of them: it gets the request, and what it replies is the
//! state of the request from then on.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix::{Message, Recipient};
use serde_json::Value;
use tokio::time::Instant;
use windlass_broker::{Path, RawJson, SourceRef};

use super::outcome::Outcome;
use super::requests::{OpenRequest, RequestState, RequestStatus};

/// How long a client may take for its first word unless another time is set (signalk-v1 §6.5 no. 4),
const PATIENCE: Duration = Duration::from_secs(60);
/// and for the last one after it has said that it goes on.
const LONG_PATIENCE: Duration = Duration::from_secs(600);
/// Most values that are remembered of one client, and of all together.
const MAX_OF_CLIENT: usize = 2_000;
const MAX_VALUES: usize = 50_000;
/// Most requests that wait for clients, and for one of them.
const MAX_WAITING: usize = 1_000;
const MAX_WAITING_FOR_CLIENT: usize = 32;

/// A request for the client that feeds the value; it answers with [`FeederSeat::reply`].
#[derive(Debug, Clone, PartialEq, Message)]
#[rtype(result = "()")]
pub struct PutForward {
    /// The id that the reply has to name.
    pub id: String,
    /// The path in the own ship.
    pub path: String,
    /// The wanted value.
    pub value: RawJson,
}

/// Which clients feed which values of the own ship, and what was asked of them. Clones share.
#[derive(Debug, Clone)]
pub struct Feeders {
    table: Arc<Mutex<Table>>,
    patience: Duration,
}

#[derive(Debug, Default)]
struct Table {
    by_path: HashMap<Path, Vec<Feeder>>,
    values: usize,
    waiting: HashMap<String, Waiting>,
    /// Values that were not remembered because there are too many.
    refused: u64,
}

#[derive(Debug)]
struct Feeder {
    client: u64,
    source: SourceRef,
    recipient: Recipient<PutForward>,
}

#[derive(Debug)]
struct Waiting {
    client: u64,
    request: OpenRequest,
    until: Instant,
}

/// A stream client's place among the feeders. It is gone when this is dropped, and what it was asked is answered for it.
#[derive(Debug)]
pub struct FeederSeat {
    feeders: Feeders,
    client: u64,
    recipient: Recipient<PutForward>,
    values: HashSet<(Path, SourceRef)>,
}

/// Who is to be asked.
#[derive(Debug)]
pub(super) enum Found {
    Nobody,
    One(Candidate),
    Several,
}

#[derive(Debug, Clone)]
pub(super) struct Candidate {
    client: u64,
    recipient: Recipient<PutForward>,
}

impl Default for Feeders {
    /// Clients have a minute for their first word.
    fn default() -> Self {
        Self::waiting(PATIENCE)
    }
}

impl Feeders {
    /// Clients have so long for their first word; a request that they are silent about ends with 504.
    pub fn waiting(patience: Duration) -> Self {
        Self { table: Arc::default(), patience }
    }

    /// A seat for a client who gets requests at `recipient`.
    pub fn seat(&self, recipient: Recipient<PutForward>) -> FeederSeat {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let client = NEXT.fetch_add(1, Ordering::Relaxed);
        FeederSeat { feeders: self.clone(), client, recipient, values: HashSet::new() }
    }

    /// Values that were not remembered because there were too many, since the start.
    pub fn refused(&self) -> u64 {
        self.lock().refused
    }

    pub(super) fn find(&self, path: &str, source: Option<&str>) -> Found {
        let Some(path) = Path::find(path) else { return Found::Nobody };
        let table = self.lock();
        let feeders = table.by_path.get(&path).map(Vec::as_slice).unwrap_or_default();
        // Of several with the same source the latest counts: the same client, come back before its former connection was given up.
        let meant = feeders.iter().rev().filter(|feeder| source.is_none_or(|source| feeder.source.as_str() == source));
        let mut meant = meant.peekable();
        let Some(one) = meant.peek().copied() else { return Found::Nobody };
        if meant.any(|other| other.source != one.source) {
            return Found::Several;
        }
        Found::One(Candidate { client: one.client, recipient: one.recipient.clone() })
    }

    /// Hands a request on to a client. The request is pending; a task ends it when the client does not answer.
    pub(super) fn forward(
        &self,
        to: &Candidate,
        mut request: OpenRequest,
        path: &str,
        value: RawJson,
    ) -> RequestStatus {
        let mut table = self.lock();
        let of_client = table.waiting.values().filter(|waiting| waiting.client == to.client).count();
        if table.waiting.len() >= MAX_WAITING || of_client >= MAX_WAITING_FOR_CLIENT {
            drop(table);
            return request.tell(Outcome::completed(503, "too many requests wait for stream clients; try again"));
        }
        // An id of its own: two clients may have chosen the same one.
        let id = uuid::Uuid::new_v4().to_string();
        let status = request.tell(Outcome::pending());
        let until = Instant::now() + self.patience;
        table.waiting.insert(id.clone(), Waiting { client: to.client, request, until });
        drop(table);
        if to.recipient.try_send(PutForward { id: id.clone(), path: path.to_owned(), value }).is_err() {
            let waiting = self.lock().waiting.remove(&id);
            // Without it the client has gone meanwhile, and the request is answered.
            return waiting.map_or(status, |mut waiting| {
                waiting.request.tell(Outcome::completed(503, "the client that feeds this value is too busy; try again"))
            });
        }
        let feeders = self.clone();
        actix::spawn(async move {
            while let Some(until) = feeders.overdue(&id) {
                tokio::time::sleep_until(until).await;
            }
        });
        status
    }

    /// Until when a request may wait; `None` when it does not wait (any more). One that has waited too long is ended.
    fn overdue(&self, id: &str) -> Option<Instant> {
        let mut table = self.lock();
        let until = table.waiting.get(id)?.until;
        if Instant::now() < until {
            return Some(until);
        }
        let waiting = table.waiting.remove(id);
        drop(table);
        if let Some(mut waiting) = waiting {
            waiting.request.tell(Outcome::completed(504, "the client that feeds this value has not answered in time"));
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // Whole between any two statements, also after a panic.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FeederSeat {
    /// The client has sent a value. Cheap when it was known before.
    pub fn feeds(&mut self, path: &Path, source: &SourceRef) {
        if self.values.contains(&(path.clone(), source.clone())) {
            return;
        }
        let mut table = self.feeders.lock();
        if self.values.len() >= MAX_OF_CLIENT || table.values >= MAX_VALUES {
            table.refused += 1;
            return;
        }
        table.values += 1;
        let feeder = Feeder { client: self.client, source: source.clone(), recipient: self.recipient.clone() };
        table.by_path.entry(path.clone()).or_default().push(feeder);
        drop(table);
        self.values.insert((path.clone(), source.clone()));
    }

    /// What the client says about a request that it was handed: `state`, and maybe `statusCode` and `message`. False when it was not asked,
    /// or has answered before.
    pub fn reply(&self, id: &str, reply: &Value) -> bool {
        let mut table = self.feeders.lock();
        if table.waiting.get(id).is_none_or(|waiting| waiting.client != self.client) {
            return false;
        }
        let outcome = Outcome::of_reply(reply).unwrap_or_else(|reason| {
            Outcome::completed(
                502,
                format!("the client that feeds this value gave an answer that makes no sense: {reason}"),
            )
        });
        if outcome.state == RequestState::Pending {
            if let Some(waiting) = table.waiting.get_mut(id) {
                waiting.until = Instant::now() + LONG_PATIENCE;
                waiting.request.tell(outcome);
            }
            return true;
        }
        let waiting = table.waiting.remove(id);
        drop(table);
        if let Some(mut waiting) = waiting {
            waiting.request.tell(outcome);
        }
        true
    }

    /// Gives the place up: nothing more is asked of the client.
    pub fn leave(&mut self) {
        let mut table = self.feeders.lock();
        for (path, source) in self.values.drain() {
            if let Some(feeders) = table.by_path.get_mut(&path) {
                let before = feeders.len();
                feeders.retain(|feeder| feeder.client != self.client || feeder.source != source);
                let (gone, none_left) = (before - feeders.len(), feeders.is_empty());
                table.values -= gone;
                if none_left {
                    table.by_path.remove(&path);
                }
            }
        }
        let left: Vec<_> = table.waiting.extract_if(|_, waiting| waiting.client == self.client).collect();
        drop(table);
        for (_, mut waiting) in left {
            waiting.request.tell(Outcome::completed(502, "the client that feeds this value has gone"));
        }
    }
}

impl Drop for FeederSeat {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use actix::prelude::*;
    use serde_json::json;
    use tokio::sync::mpsc;

    use super::super::requests::RequestStore;
    use super::super::requests::tests::nameless;
    use super::*;

    /// A client that notes what it is asked.
    struct Feeding(mpsc::UnboundedSender<PutForward>);

    impl Actor for Feeding {
        type Context = Context<Self>;
    }

    impl Handler<PutForward> for Feeding {
        type Result = ();

        fn handle(&mut self, asked: PutForward, _: &mut Self::Context) {
            self.0.send(asked).expect("the test listens");
        }
    }

    fn client(feeders: &Feeders) -> (FeederSeat, mpsc::UnboundedReceiver<PutForward>) {
        let (sender, asked) = mpsc::unbounded_channel();
        (feeders.seat(Feeding(sender).start().recipient()), asked)
    }

    fn names(path: &str, source: &str) -> (Path, SourceRef) {
        (Path::new(path).expect("a path"), SourceRef::new(source).expect("a source"))
    }

    fn ask(feeders: &Feeders, store: &RequestStore, path: &str) -> String {
        let Found::One(candidate) = feeders.find(path, None) else { panic!("nobody feeds {path}") };
        let status = feeders.forward(&candidate, store.begin(nameless()), path, RawJson::number(1.0));
        assert_eq!((status.state, status.status_code), (RequestState::Pending, 202));
        status.request_id
    }

    #[actix::test]
    async fn the_client_that_feeds_a_value_completes_the_request() {
        // SK-110
        let (feeders, store) = (Feeders::default(), RequestStore::default());
        let (mut one, mut asked) = client(&feeders);
        let (other, _other_asked) = client(&feeders);
        let (path, source) = names("electrical.switches.feeder.a", "ws.a");
        one.feeds(&path, &source);
        one.feeds(&path, &source);
        let id = ask(&feeders, &store, path.as_str());
        let forward = asked.recv().await.expect("a request");
        assert_eq!((forward.path.as_str(), forward.value.as_str()), (path.as_str(), "1"));
        let done = json!({"state": "COMPLETED", "statusCode": 200, "message": "on"});
        assert!(!other.reply(&forward.id, &done), "another client can't answer");
        assert!(one.reply(&forward.id, &json!({"state": "PENDING"})));
        assert!(one.reply(&forward.id, &done));
        assert!(!one.reply(&forward.id, &done), "once");
        let status = store.of_crew(&id, std::time::Instant::now()).expect("kept");
        assert_eq!(
            (status.state, status.status_code, status.message.as_deref()),
            (RequestState::Completed, 200, Some("on"))
        );
    }

    #[actix::test]
    async fn several_need_a_source_and_who_has_gone_is_not_asked() {
        // SK-109, SK-110
        let (feeders, store) = (Feeders::default(), RequestStore::default());
        let (mut one, _asked) = client(&feeders);
        let (mut two, mut asked_two) = client(&feeders);
        let (path, a) = names("electrical.switches.feeder.b", "ws.a");
        let (_, b) = names("electrical.switches.feeder.b", "ws.b");
        one.feeds(&path, &a);
        two.feeds(&path, &b);
        assert!(matches!(feeders.find(path.as_str(), None), Found::Several));
        assert!(matches!(feeders.find(path.as_str(), Some("ws.b")), Found::One(_)));
        assert!(matches!(feeders.find(path.as_str(), Some("ws.c")), Found::Nobody));
        drop(one);
        let id = ask(&feeders, &store, path.as_str());
        asked_two.recv().await.expect("a request");
        drop(two);
        assert_eq!(store.of_crew(&id, std::time::Instant::now()).map(|status| status.status_code), Some(502));
        assert!(matches!(feeders.find(path.as_str(), None), Found::Nobody));
        assert_eq!(feeders.lock().values, 0);
    }

    #[actix::test]
    async fn a_client_that_came_back_is_asked_and_its_former_connection_is_not() {
        let (feeders, store) = (Feeders::default(), RequestStore::default());
        let (mut former, mut asked_former) = client(&feeders);
        let (mut present, mut asked) = client(&feeders);
        let (path, source) = names("electrical.switches.feeder.back", "ws.a");
        former.feeds(&path, &source);
        present.feeds(&path, &source);
        let id = ask(&feeders, &store, path.as_str());
        let forward = asked.recv().await.expect("a request");
        assert!(asked_former.try_recv().is_err());
        drop(former);
        assert!(present.reply(&forward.id, &json!({"state": "COMPLETED", "statusCode": 200})));
        assert_eq!(store.of_crew(&id, std::time::Instant::now()).map(|status| status.status_code), Some(200));
    }

    #[actix::test]
    async fn a_silent_client_holds_up_so_many_requests_and_no_more() {
        let (feeders, store) = (Feeders::default(), RequestStore::default());
        let (mut one, _asked) = client(&feeders);
        let (path, source) = names("electrical.switches.feeder.silent", "ws.a");
        one.feeds(&path, &source);
        for _ in 0..MAX_WAITING_FOR_CLIENT {
            ask(&feeders, &store, path.as_str());
        }
        let Found::One(candidate) = feeders.find(path.as_str(), None) else { panic!("nobody feeds it") };
        let request = store.begin(nameless());
        let status = feeders.forward(&candidate, request, path.as_str(), RawJson::number(1.0));
        assert_eq!(status.status_code, 503);
    }

    #[actix::test]
    async fn silence_ends_in_504() {
        // SK-111
        tokio::time::pause();
        let (feeders, store) = (Feeders::default(), RequestStore::default());
        let (mut one, _asked) = client(&feeders);
        let (path, source) = names("electrical.switches.feeder.c", "ws.a");
        one.feeds(&path, &source);
        let id = ask(&feeders, &store, path.as_str());
        tokio::time::sleep(PATIENCE - Duration::from_millis(10)).await;
        assert_eq!(store.of_crew(&id, std::time::Instant::now()).map(|status| status.status_code), Some(202));
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(
            store.of_crew(&id, std::time::Instant::now()).map(|status| (status.state, status.status_code)),
            Some((RequestState::Completed, 504))
        );
        assert!(feeders.lock().waiting.is_empty());
    }

    #[actix::test]
    async fn what_is_remembered_is_bounded() {
        let feeders = Feeders::default();
        let (mut one, _asked) = client(&feeders);
        for number in 0..=MAX_OF_CLIENT {
            let (path, source) = names(&format!("feeder.many.{number}"), "ws.a");
            one.feeds(&path, &source);
        }
        let values = feeders.lock().values;
        assert_eq!((values, feeders.refused()), (MAX_OF_CLIENT, 1));
    }
}
