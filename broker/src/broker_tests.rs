use std::sync::{Mutex, MutexGuard};

use super::*;
use crate::delta::DeltaVersion;
use crate::hub::{MAX_PENDING, MAX_PENDING_BYTES};
use crate::intake::Intake;
use crate::pattern::{ContextPattern, Glob};
use crate::routing::{Scope, Topic};
use crate::source::Provider;
use crate::{Context as SkContext, ReloadBuffer};

#[path = "broker_stage_tests.rs"]
mod stages;

/// Stands in for the data model: keeps the texts of what was applied, and answers snapshots with the last of them.
#[derive(Default)]
struct Model {
    log: Log,
    last: Option<Arc<SharedDelta>>,
}

/// What happened, in order, across the actors of a test.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().expect("no test panicked before")
    }
    fn push(&self, text: String) {
        self.lock().push(text);
    }
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lock())
    }
}

impl Actor for Model {
    type Context = Context<Self>;
}
impl Handler<ApplyDeltas> for Model {
    type Result = ();
    fn handle(&mut self, ApplyDeltas(deltas): ApplyDeltas, _: &mut Self::Context) {
        for delta in deltas.iter() {
            self.log.push(format!("applied {}", number(delta.delta())));
            self.last = Some(delta.delta().clone());
        }
    }
}
impl Handler<CollectSnapshot> for Model {
    type Result = Vec<CachedValue>;
    fn handle(&mut self, CollectSnapshot(rows): CollectSnapshot, _: &mut Self::Context) -> Self::Result {
        let index = crate::ValueIndex { update: 0, value: 0 };
        let last = self.last.iter().filter(|_| !rows.is_empty());
        last.map(|delta| CachedValue { row: 0, delta: delta.clone(), index }).collect()
    }
}

/// Stands in for a worker's hub.
struct TestHub(Log);
impl Actor for TestHub {
    type Context = Context<Self>;
}
impl Handler<FanOut> for TestHub {
    type Result = ();
    fn handle(&mut self, FanOut(items): FanOut, _: &mut Self::Context) {
        for item in items {
            self.0.push(match item {
                FanOutItem::Delta(delta, ..) => format!("told {}", number(&delta)),
                FanOutItem::Join { cached, .. } => {
                    let cached: Vec<_> = cached.iter().map(|c| number(&c.delta)).collect();
                    format!("joined with {cached:?}")
                }
                FanOutItem::Leave { .. } => "left".into(),
            });
        }
    }
}

/// Stands in for a plugin; ready for more only when told so.
struct TestConsumer(Log);
impl Actor for TestConsumer {
    type Context = Context<Self>;
}
impl Handler<DeliverDeltas> for TestConsumer {
    type Result = ();
    fn handle(&mut self, DeliverDeltas(deltas): DeliverDeltas, _: &mut Self::Context) {
        for delta in &deltas {
            self.0.push(number(delta));
        }
    }
}
impl Handler<RestartInstance> for TestConsumer {
    type Result = ();
    fn handle(&mut self, RestartInstance { crash }: RestartInstance, _: &mut Self::Context) {
        self.0.push(format!("restart after crash {crash}"));
    }
}

fn number(delta: &SharedDelta) -> String {
    delta.delta().updates[0].values[0].value.to_string()
}

fn own() -> SkContext {
    SkContext::new("vessels.urn:mrn:imo:mmsi:1").expect("a context")
}

fn publish(numbers: std::ops::Range<u32>) -> Publish {
    let provider = Provider::new("test").expect("a name");
    let id = provider.id.clone();
    let intake = Intake { self_context: own(), provider, override_timestamps: false };
    let take =
        |n| intake.take(&format!(r#"{{"updates":[{{"values":[{{"path":"a.b","value":{n}}}]}}]}}"#), DeltaVersion::V1);
    Publish { provider: id, origin: Origin::NONE, deltas: numbers.map(|n| take(n).delta.expect("a delta")).collect() }
}

fn topic(path: &str) -> Topic {
    Topic::new(ContextPattern::Exact(own()), Scope::Values(Glob::new(path)))
}

fn whole() -> Topic {
    Topic::new(ContextPattern::all(), Scope::Whole)
}

struct Bus {
    broker: Addr<Broker>,
    log: Log,
}

fn bus() -> Bus {
    let log = Log::default();
    let model = Model { log: log.clone(), last: None }.start();
    Bus { broker: Broker::new(model.clone().recipient(), model.recipient()).start(), log }
}

impl Bus {
    async fn send<M>(&self, message: M) -> M::Result
    where
        M: Message + Send + 'static,
        M::Result: Send,
        Broker: Handler<M>,
        <Broker as Actor>::Context: actix::dev::ToEnvelope<Broker, M>,
    {
        self.broker.send(message).await.expect("the broker lives")
    }

    async fn statistics(&self) -> BrokerStatistics {
        self.send(CollectBrokerStatistics).await
    }

    /// Waits until the log has this many entries.
    async fn entries(&self, log: &Log, count: usize) -> Vec<String> {
        while log.lock().len() < count {
            self.statistics().await;
        }
        log.take()
    }
}

#[actix::test]
async fn a_value_is_applied_before_anybody_is_told_and_the_snapshot_joins_without_a_gap() {
    let bus = bus();
    let hub = bus.send(AttachHub(TestHub(bus.log.clone()).start().recipient())).await;
    let subscribe = Subscribe { hub, subscription: SubscriptionId(1), rows: vec![topic("a.*")], cached: true };
    bus.send(publish(0..2)).await;
    bus.send(subscribe).await;
    bus.send(publish(2..4)).await;
    bus.send(Unsubscribe { hub, subscription: SubscriptionId(1) }).await;
    bus.send(publish(4..5)).await;
    let log = bus.entries(&bus.log, 9).await;
    let told: Vec<_> = log.iter().filter(|l| !l.starts_with("applied")).collect();
    assert_eq!(told, ["joined with [\"1\"]", "told 2", "told 3", "left"]);
    for n in 2..4 {
        let at = |text: String| log.iter().position(|l| *l == text).expect("an entry");
        assert!(at(format!("applied {n}")) < at(format!("told {n}")));
    }
    assert_eq!(bus.statistics().await.topics, 0);
}

#[actix::test]
async fn a_hub_whose_worker_has_ended_leaves_nothing_behind() {
    let bus = bus();
    let start = || {
        let (arbiter, log) = (Arbiter::new(), bus.log.clone());
        (TestHub::start_in_arbiter(&arbiter.handle(), move |_| TestHub(log)).recipient(), arbiter)
    };
    let end = |arbiter: Arbiter| {
        arbiter.stop();
        arbiter.join().expect("it ends");
    };
    let ((first, first_worker), (second, second_worker)) = (start(), start());
    let (hub, idle) = (bus.send(AttachHub(first)).await, bus.send(AttachHub(second)).await);
    let subscribe = Subscribe { hub, subscription: SubscriptionId(1), rows: vec![topic("a.*")], cached: false };
    bus.send(subscribe).await;
    bus.entries(&bus.log, 1).await;
    end(first_worker);
    end(second_worker);
    bus.send(publish(0..1)).await;
    while bus.statistics().await.subscriptions > 0 {}
    let left = bus.statistics().await;
    assert_eq!((left.topics, left.hubs.len()), (0, 1), "nobody has asked for the one without subscriptions yet");
    // Their numbers are taken again.
    let (third, third_worker) = start();
    let again = bus.send(AttachHub(third)).await;
    assert_eq!(again, hub);
    assert_eq!(bus.statistics().await.hubs.len(), 1);
    let (fourth, fourth_worker) = start();
    assert_eq!(bus.send(AttachHub(fourth)).await, idle);
    end(third_worker);
    end(fourth_worker);
}

#[actix::test]
async fn a_consumer_gets_everything_in_order_and_only_when_ready() {
    let bus = bus();
    let (id, log) = (ConsumerId("p".into()), Log::default());
    let recipient = TestConsumer(log.clone()).start().recipient();
    bus.send(AttachConsumer { consumer: id.clone(), topic: whole(), except: None, recipient }).await;
    bus.send(publish(0..10)).await;
    let consumer = |s: &BrokerStatistics| s.consumers[0].clone();
    assert_eq!(consumer(&bus.statistics().await).queued, 10);
    bus.send(StopBuffering(id.clone())).await;
    assert_eq!(bus.entries(&log, 10).await, (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
    bus.send(publish(10..30)).await;
    assert_eq!(consumer(&bus.statistics().await).queued, 20, "it has not said that it is ready");
    bus.send(ConsumerReady(id.clone())).await;
    assert_eq!(bus.entries(&log, 20).await, (10..30).map(|n| n.to_string()).collect::<Vec<_>>());
    bus.send(DetachConsumer(id)).await;
    assert_eq!(bus.statistics().await.topics, 0);
}

#[actix::test]
async fn during_a_reload_the_newest_thousand_are_kept() {
    // ABI-90
    let bus = bus();
    let (id, log) = (ConsumerId("p".into()), Log::default());
    let recipient = TestConsumer(log.clone()).start().recipient();
    bus.send(AttachConsumer { consumer: id.clone(), topic: whole(), except: None, recipient }).await;
    bus.send(publish(0..1200)).await;
    bus.send(StopBuffering(id.clone())).await;
    let mut got = Vec::new();
    while got.len() < 1000 {
        got.extend(bus.entries(&log, 1).await);
        bus.send(ConsumerReady(id.clone())).await;
    }
    assert_eq!(got, (200..1200).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(bus.statistics().await.consumers[0].dropped, 200);
}

#[actix::test]
async fn a_crashing_consumer_is_restarted_three_times_and_loses_nothing() {
    // ABI-87, under virtual time
    let bus = bus();
    let (id, log) = (ConsumerId("p".into()), Log::default());
    let plugin = TestConsumer(log.clone()).start();
    let attach =
        AttachConsumer { consumer: id.clone(), topic: whole(), except: None, recipient: plugin.clone().recipient() };
    bus.send(attach).await;
    bus.send(StopBuffering(id.clone())).await;
    tokio::time::pause();
    for seconds in [1, 2, 4] {
        let crash = ReportCrash { consumer: id.clone(), crash: seconds, restart: plugin.clone().recipient() };
        let expected = Duration::from_secs(seconds);
        assert_eq!(bus.send(crash).await, RestartDecision::RestartAfter(expected));
        bus.send(publish(0..1)).await;
        tokio::time::advance(expected - Duration::from_millis(2)).await;
        assert_eq!(bus.statistics().await.consumers[0].queued, 1);
        assert_eq!(log.take(), Vec::<String>::new(), "before its time");
        tokio::time::advance(Duration::from_millis(4)).await;
        assert_eq!(bus.entries(&log, 1).await, [format!("restart after crash {seconds}")]);
        bus.send(StopBuffering(id.clone())).await;
        assert_eq!(bus.entries(&log, 1).await, ["0"]);
        bus.send(ConsumerReady(id.clone())).await;
    }
    let crash = || ReportCrash { consumer: id.clone(), crash: 5, restart: plugin.clone().recipient() };
    assert_eq!(bus.send(crash()).await, RestartDecision::Disable);
    bus.send(ForgiveCrashes(id.clone())).await;
    assert_eq!(bus.send(crash()).await, RestartDecision::RestartAfter(Duration::from_secs(1)));
}

#[actix::test]
async fn a_hub_that_is_behind_makes_publishers_wait_and_loses_nothing() {
    /// Answers only when it may.
    struct SlowHub(Log, Arc<tokio::sync::Semaphore>);
    impl Actor for SlowHub {
        type Context = Context<Self>;
    }
    impl Handler<FanOut> for SlowHub {
        type Result = ResponseFuture<()>;
        fn handle(&mut self, FanOut(items): FanOut, _: &mut Self::Context) -> Self::Result {
            for item in items {
                if let FanOutItem::Delta(delta, ..) = item {
                    self.0.push(number(&delta));
                }
            }
            let gate = self.1.clone();
            Box::pin(async move { gate.acquire().await.expect("never closed").forget() })
        }
    }
    let bus = bus();
    let (log, gate) = (Log::default(), Arc::new(tokio::sync::Semaphore::new(0)));
    let hub = bus.send(AttachHub(SlowHub(log.clone(), gate.clone()).start().recipient())).await;
    bus.send(Subscribe { hub, subscription: SubscriptionId(1), rows: vec![whole()], cached: false }).await;
    let publishing = actix::spawn({
        let broker = bus.broker.clone();
        async move {
            for n in 0..300 {
                broker.send(publish(n * 100..n * 100 + 100)).await.expect("the broker lives");
            }
        }
    });
    // The hub answers nothing: the broker takes what it may keep and then no more.
    while log.lock().len() < MAX_PENDING {
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!publishing.is_finished());
    gate.add_permits(1000);
    publishing.await.expect("no panic");
    let got = bus.entries(&log, 30_000).await;
    assert_eq!(got, (0..30_000).map(|n| n.to_string()).collect::<Vec<_>>());
    assert!(bus.statistics().await.hubs[0].stalls > 0);
}

#[actix::test]
async fn timestamps_are_replaced_when_the_server_is_told_so() {
    let log = Log::default();
    let model = Model { log: log.clone(), last: None }.start();
    let broker = Broker::new(model.clone().recipient(), model.recipient()).overriding_timestamps(true).start();
    let bus = Bus { broker, log: log.clone() };
    let (id, seen) = (ConsumerId("p".into()), Arc::new(Mutex::new(None)));
    struct Keep(Arc<Mutex<Option<crate::Timestamp>>>);
    impl Actor for Keep {
        type Context = Context<Self>;
    }
    impl Handler<DeliverDeltas> for Keep {
        type Result = ();
        fn handle(&mut self, DeliverDeltas(deltas): DeliverDeltas, _: &mut Self::Context) {
            *self.0.lock().expect("no panic") = Some(deltas[0].delta().updates[0].timestamp.clone());
        }
    }
    let recipient = Keep(seen.clone()).start().recipient();
    bus.send(AttachConsumer { consumer: id.clone(), topic: whole(), except: None, recipient }).await;
    bus.send(StopBuffering(id)).await;
    let mut old = publish(0..1);
    old.deltas[0].updates[0].timestamp = crate::Timestamp::from_millis(0);
    let before = crate::Timestamp::now();
    bus.send(old).await;
    while seen.lock().expect("no panic").is_none() {
        bus.statistics().await;
    }
    assert!(*seen.lock().expect("no panic") >= Some(before));
}

#[actix::test]
async fn a_consumer_can_leave_out_what_it_publishes_itself() {
    let (bus, log) = (bus(), Log::default());
    let recipient = TestConsumer(log.clone()).start().recipient();
    let id = ConsumerId("plugin".into());
    let except = Some(SourceRef::new("test").expect("a name"));
    bus.send(AttachConsumer { consumer: id.clone(), topic: whole(), except, recipient: recipient.clone() }).await;
    bus.send(StopBuffering(id.clone())).await;
    bus.send(publish(0..3)).await;
    bus.send(Publish { provider: SourceRef::new("other").expect("a name"), ..publish(3..5) }).await;
    assert_eq!(bus.entries(&log, 2).await, ["3", "4"]);
    // Attached again without the exception, it hears itself.
    bus.send(AttachConsumer { consumer: id.clone(), topic: whole(), except: None, recipient }).await;
    bus.send(StopBuffering(id)).await;
    bus.send(publish(5..6)).await;
    assert_eq!(bus.entries(&log, 1).await, ["5"]);
}

/// A hub that writes down the values it is told, by topic number.
struct ValueHub(Log);
impl Actor for ValueHub {
    type Context = Context<Self>;
}
impl Handler<FanOut> for ValueHub {
    type Result = ();
    fn handle(&mut self, FanOut(items): FanOut, _: &mut Self::Context) {
        for item in items {
            if let FanOutItem::Delta(delta, routes, origin) = item {
                for (index, topics) in &routes.values {
                    let (update, value) = delta.value(*index);
                    let origin = if origin == Origin::NONE { "" } else { " of a connection" };
                    self.0.push(format!(
                        "{} {}={} for {}{origin}",
                        update.source_ref,
                        value.path,
                        value.value,
                        topics.len()
                    ));
                }
            }
        }
    }
}

fn from(source: &str, values: &str) -> Publish {
    let provider = Provider::new(source).expect("a name");
    let id = provider.id.clone();
    let intake = Intake { self_context: own(), provider, override_timestamps: false };
    let taken = intake.take(&format!(r#"{{"updates":[{{"values":[{values}]}}]}}"#), DeltaVersion::V1);
    Publish { provider: id, origin: Origin::NONE, deltas: vec![taken.delta.expect("a delta")] }
}

async fn value_hub(bus: &Bus, rows: Vec<Topic>) {
    let hub = bus.send(AttachHub(ValueHub(bus.log.clone()).start().recipient())).await;
    bus.send(Subscribe { hub, subscription: SubscriptionId(1), rows, cached: false }).await;
}

#[actix::test]
async fn only_who_wants_all_sources_gets_what_is_held_back() {
    // SK-76, SK-154
    let log = Log::default();
    let model = Model { log: Log::default(), last: None }.start();
    let settings = serde_json::json!({"groups": [{"id": "g", "sources": ["good", "poor"]}]});
    let broker = Broker::new(model.clone().recipient(), model.recipient())
        .judging(own(), &serde_json::from_value(settings).expect("settings"));
    let bus = Bus { broker: broker.start(), log };
    let all = Topic { sources: SourcePolicy::All, ..topic("a") };
    value_hub(&bus, vec![topic("a"), all, topic("b")]).await;
    bus.send(from("good", r#"{"path":"a","value":1}"#)).await;
    bus.send(from("poor", r#"{"path":"a","value":2},{"path":"b","value":3}"#)).await;
    let told = bus.entries(&bus.log, 3).await;
    assert_eq!(told, ["good a=1 for 2", "poor a=2 for 1", "poor b=3 for 1"]);
    assert_eq!(bus.statistics().await.held, 1);
    let preferred = bus.send(CollectPreferredSources).await;
    let preferred: Vec<_> = preferred.iter().map(|(path, source)| format!("{path} {source}")).collect();
    assert_eq!(preferred, ["a good", "b poor"]);
    bus.send(SetPriorities(PrioritySettings::default())).await;
    bus.send(from("poor", r#"{"path":"a","value":4}"#)).await;
    assert_eq!(bus.entries(&bus.log, 1).await, ["poor a=4 for 2"]);
}

/// A data model that has kept what came from two sources, and gives it to each row that asks.
struct Kept(Vec<Arc<SharedDelta>>);
impl Actor for Kept {
    type Context = Context<Self>;
}
impl Handler<ApplyDeltas> for Kept {
    type Result = ();
    fn handle(&mut self, ApplyDeltas(deltas): ApplyDeltas, _: &mut Self::Context) {
        self.0.extend(deltas.iter().map(|judged| judged.delta().clone()));
    }
}
impl Handler<CollectSnapshot> for Kept {
    type Result = Vec<CachedValue>;
    fn handle(&mut self, CollectSnapshot(rows): CollectSnapshot, _: &mut Self::Context) -> Self::Result {
        let index = crate::ValueIndex { update: 0, value: 0 };
        let of_row = |row| self.0.iter().map(move |delta| CachedValue { row, delta: delta.clone(), index });
        (0..rows.len()).flat_map(of_row).collect()
    }
}

/// Says what a subscription gets at once, as `<row> <source> <value>`.
struct JoinedHub(Log);
impl Actor for JoinedHub {
    type Context = Context<Self>;
}
impl Handler<FanOut> for JoinedHub {
    type Result = ();
    fn handle(&mut self, FanOut(items): FanOut, _: &mut Self::Context) {
        for item in items {
            let FanOutItem::Join { cached, .. } = item else { continue };
            let text = |cached: &CachedValue| {
                let (update, value) = cached.delta.value(cached.index);
                format!("{} {} {}", cached.row, update.source_ref, value.value)
            };
            self.0.push(format!("{:?}", cached.iter().map(text).collect::<Vec<_>>()));
        }
    }
}

#[actix::test]
async fn a_snapshot_of_the_preferred_has_nothing_of_who_was_preferred_once() {
    // SK-76, SK-154
    let log = Log::default();
    let model = Kept(Vec::new()).start();
    let settings = serde_json::json!({"groups": [{"id": "g", "sources": ["good", "poor"]}]});
    let broker = Broker::new(model.clone().recipient(), model.recipient())
        .judging(own(), &serde_json::from_value(settings).expect("settings"));
    let bus = Bus { broker: broker.start(), log };
    let hub = bus.send(AttachHub(JoinedHub(bus.log.clone()).start().recipient())).await;
    // The poor one counts as long as it is alone, and is accepted; nothing of it is held back.
    bus.send(from("poor", r#"{"path":"a","value":1}"#)).await;
    bus.send(from("good", r#"{"path":"a","value":2}"#)).await;
    assert_eq!(bus.statistics().await.held, 0);
    let mut other = from("poor", r#"{"path":"a","value":3}"#);
    other.deltas[0].context = SkContext::new("vessels.urn:mrn:imo:mmsi:2").expect("a context");
    bus.send(other).await;
    let all = Topic { sources: SourcePolicy::All, ..topic("a") };
    let join = async |id: u64| {
        let rows = vec![topic("a"), all.clone()];
        bus.send(Subscribe { hub, subscription: SubscriptionId(id), rows, cached: true }).await;
        bus.entries(&bus.log, 1).await.remove(0)
    };
    // Other vessels are nobody's to rank.
    assert_eq!(join(1).await, r#"["0 good 2", "0 poor 3", "1 poor 1", "1 good 2", "1 poor 3"]"#);
    bus.send(SetPriorities(PrioritySettings::default())).await;
    assert_eq!(join(2).await, r#"["0 poor 1", "0 good 2", "0 poor 3", "1 poor 1", "1 good 2", "1 poor 3"]"#);
}

#[actix::test]
async fn a_root_value_is_told_under_its_name() {
    // SK-96
    let bus = bus();
    value_hub(&bus, vec![topic("name"), topic("communication.*"), topic("*")]).await;
    bus.send(from("defaults", r#"{"path":"","value":{"name":"PLAKA","communication":{"callsignVhf":"OJ1"}}}"#)).await;
    let told = bus.entries(&bus.log, 4).await;
    let told: Vec<_> = told.iter().filter(|line| !line.starts_with("applied")).collect();
    assert_eq!(
        told,
        [
            "defaults ={\"name\":\"PLAKA\",\"communication\":{\"callsignVhf\":\"OJ1\"}} for 1",
            "defaults name=\"PLAKA\" for 1",
            "defaults communication.callsignVhf=\"OJ1\" for 1"
        ]
    );
}

#[actix::test]
async fn a_root_value_is_told_under_its_name_to_those_who_want_all_sources_too() {
    // SK-76, SK-96
    let log = Log::default();
    let model = Model { log: Log::default(), last: None }.start();
    let settings = serde_json::json!({"groups": [{"id": "g", "sources": ["good", "poor"]}]});
    let broker = Broker::new(model.clone().recipient(), model.recipient())
        .judging(own(), &serde_json::from_value(settings).expect("settings"));
    let bus = Bus { broker: broker.start(), log };
    let all = Topic { sources: SourcePolicy::All, ..topic("flag") };
    value_hub(&bus, vec![topic("flag"), all]).await;
    bus.send(from("good", r#"{"path":"","value":{"flag":"FI"}}"#)).await;
    assert_eq!(bus.entries(&bus.log, 1).await, [r#"good flag="FI" for 2"#]);
    bus.send(from("poor", r#"{"path":"","value":{"flag":"SE"}}"#)).await;
    assert_eq!(bus.entries(&bus.log, 1).await, [r#"poor flag="SE" for 1"#]);
    assert_eq!(bus.statistics().await.held, 1);
}

#[actix::test]
async fn a_hub_that_is_behind_does_not_fill_the_memory_with_large_values() {
    /// Answers when it gets permits, and says how many bytes it gets at once.
    struct LargeHub(Log, Arc<tokio::sync::Semaphore>);
    impl Actor for LargeHub {
        type Context = Context<Self>;
    }
    impl Handler<FanOut> for LargeHub {
        type Result = ResponseFuture<()>;
        fn handle(&mut self, FanOut(items): FanOut, _: &mut Self::Context) -> Self::Result {
            let bytes = |item: &FanOutItem| if let FanOutItem::Delta(delta, ..) = item { delta.bytes() } else { 0 };
            self.0.push(items.iter().map(bytes).sum::<usize>().to_string());
            let gate = self.1.clone();
            Box::pin(async move { gate.acquire().await.expect("the gate is never closed").forget() })
        }
    }
    const LARGE: usize = 512 * 1024;
    let bus = bus();
    let (log, gate) = (Log::default(), Arc::new(tokio::sync::Semaphore::new(0)));
    let hub = bus.send(AttachHub(LargeHub(log.clone(), gate.clone()).start().recipient())).await;
    bus.send(Subscribe { hub, subscription: SubscriptionId(1), rows: vec![topic("a")], cached: false }).await;
    let large = from("x", &format!(r#"{{"path":"a","value":"{}"}}"#, "x".repeat(LARGE - 2)));
    let publishing = actix::spawn({
        let broker = bus.broker.clone();
        async move {
            for _ in 0..300 {
                let deltas = large.deltas.clone();
                let publish = Publish { provider: large.provider.clone(), origin: Origin::NONE, deltas };
                broker.send(publish).await.expect("the broker lives");
            }
        }
    });
    while log.lock().len() < 2 {
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!publishing.is_finished(), "publishers wait");
    gate.add_permits(1000);
    publishing.await.expect("no panic");
    let mut sizes: Vec<usize> = Vec::new();
    while sizes.iter().sum::<usize>() < 300 * LARGE {
        sizes.extend(bus.entries(&log, 1).await.iter().map(|size| size.parse::<usize>().expect("a number")));
    }
    assert!(sizes.iter().all(|size| *size <= MAX_PENDING_BYTES), "{sizes:?}");
    assert!(bus.statistics().await.hubs[0].stalls > 0);
}

#[actix::test]
async fn stages_change_watch_and_speak_in_order() {
    /// Leaves out path `secret`, and answers each value at `a` with one at `b`; speaks by the clock too.
    struct Answering(SourceRef);
    impl Stage for Answering {
        fn name(&self) -> &SourceRef {
            &self.0
        }
        fn admit(&mut self, delta: &mut Delta) {
            for update in &mut delta.updates {
                update.values.retain(|value| value.path.as_str() != "secret");
            }
            delta.updates.retain(|update| !update.values.is_empty());
        }
        fn observe(&mut self, judged: &Judged, _: Instant, emit: &mut Vec<Delta>) {
            let delta = judged.delta().delta();
            if delta.updates[0].values[0].path.as_str() == "a" {
                let mut answer = delta.clone();
                answer.updates[0].values[0].path = crate::Path::new("b").expect("a path");
                emit.push(answer);
            }
        }
        fn tick(&mut self, _: Instant, _: &Priorities, emit: &mut Vec<Delta>) {
            emit.extend(from("clock", r#"{"path":"c","value":0}"#).deltas);
        }
        fn tick_interval(&self) -> Option<Duration> {
            Some(Duration::from_millis(1))
        }
    }
    let log = Log::default();
    let model = Model { log: Log::default(), last: None }.start();
    let stage = Answering(SourceRef::new("stage").expect("a name"));
    let broker = Broker::new(model.clone().recipient(), model.recipient()).with_stages(vec![Box::new(stage)]);
    let bus = Bus { broker: broker.start(), log };
    value_hub(&bus, vec![topic("a"), topic("b"), topic("secret")]).await;
    let origin = Origin::unique();
    let mut published = from("x", r#"{"path":"secret","value":1}"#);
    published.deltas.extend(from("x", r#"{"path":"a","value":2},{"path":"secret","value":3}"#).deltas);
    bus.send(Publish { origin, ..published }).await;
    assert_eq!(bus.entries(&bus.log, 2).await, ["x a=2 for 1 of a connection", "x b=2 for 1"]);
    assert!(!origin.is(Origin::NONE) && origin.is(origin) && !Origin::NONE.is(Origin::NONE));
    value_hub(&bus, vec![topic("c")]).await;
    assert_eq!(bus.entries(&bus.log, 1).await[0], "clock c=0 for 1");
}

#[test]
fn a_buffer_takes_back_what_could_not_be_sent() {
    let mut buffer = ReloadBuffer::with_capacity(3);
    (0..3).for_each(|n| assert!(!buffer.push(n)));
    let taken = buffer.take(2);
    buffer.put_back(taken);
    assert_eq!(buffer.take(9), [0, 1, 2]);
}

/// A data model that answers when it gets permits.
struct GatedModel(Arc<tokio::sync::Semaphore>);
impl Actor for GatedModel {
    type Context = Context<Self>;
}
impl Handler<ApplyDeltas> for GatedModel {
    type Result = ResponseFuture<()>;
    fn handle(&mut self, _: ApplyDeltas, _: &mut Self::Context) -> Self::Result {
        let gate = self.0.clone();
        Box::pin(async move { gate.acquire().await.expect("the gate is never closed").forget() })
    }
}
impl Handler<CollectSnapshot> for GatedModel {
    type Result = Vec<CachedValue>;
    fn handle(&mut self, _: CollectSnapshot, _: &mut Self::Context) -> Self::Result {
        Vec::new()
    }
}

#[actix::test]
async fn what_waits_and_who_sends_to_whom_is_seen_while_the_model_hangs() {
    let (observatory, gate) = (Observatory::default(), Arc::new(tokio::sync::Semaphore::new(0)));
    let model = GatedModel(gate.clone()).start();
    let broker = Broker::new(model.clone().recipient(), model.recipient()).observed_by(&observatory).start();
    let log = Log::default();
    let hub = broker.send(AttachHub(TestHub(log.clone()).start().recipient())).await.expect("it lives");
    let subscribe = Subscribe { hub, subscription: SubscriptionId(1), rows: vec![whole()], cached: false };
    broker.send(subscribe).await.expect("it lives");
    let (id, recipient) = (ConsumerId("anchor".into()), TestConsumer(log.clone()).start().recipient());
    let attach = AttachConsumer { consumer: id.clone(), topic: whole(), except: None, recipient };
    broker.send(attach).await.expect("it lives");
    let gps = observatory.observe(ActorKind::Connection, "gps");
    let to_broker = gps.flow_to(&ActorId::broker());
    let sent: Vec<_> = (0..3).map(|n| broker.send(to_broker.carry(publish(2 * n..2 * n + 2)))).collect();
    let sent: Vec<_> = sent.into_iter().map(actix::spawn).collect();
    broker.try_send(publish(6..7)).expect("there is room");

    let seen = || observatory.report(Instant::now());
    let row = |id: &str| seen().actors.into_iter().find(|actor| actor.id.as_str() == id).expect("it is listed");
    while row("broker").deltas < 2 {
        tokio::task::yield_now().await;
    }
    let queue = row("broker").queue.expect("its mailbox");
    assert_eq!((queue.unit, queue.waiting, queue.most, queue.capacity), (QueueUnit::Batches, 2, 3, MAILBOX as u64));

    gate.add_permits(4);
    for sent in sent {
        sent.await.expect("no panic").expect("it lives");
    }
    let flow = |from: &str, to: &str| {
        let found = seen().flows.into_iter().find(|flow| flow.from.as_str() == from && flow.to.as_str() == to);
        found.map(|flow| (flow.messages, flow.deltas))
    };
    while flow("broker", "hub:0").is_none_or(|(_, deltas)| deltas < 7) {
        tokio::task::yield_now().await;
    }
    let statistics = broker.send(CollectBrokerStatistics).await.expect("it lives");
    assert_eq!(row("broker").queue.expect("its mailbox").waiting, 0);
    assert_eq!(flow("connection:gps", "broker"), Some((3, 6)));
    assert_eq!(flow("server", "broker"), Some((1, 1)), "what nobody in particular has sent");
    assert_eq!(flow("broker", "data-model"), Some((4, 7)));
    // Attached consumers get nothing before buffering ends.
    assert_eq!(flow("broker", "plugin:anchor"), Some((0, 0)));
    assert_eq!(observatory.queue(&id.actor()).waiting(), 7);
    broker.send(StopBuffering(id)).await.expect("it lives");
    assert_eq!(flow("broker", "plugin:anchor"), Some((1, 7)));
    assert_eq!((statistics.deltas, statistics.busy > Duration::ZERO), (7, true));
    assert!(statistics.longest_handler <= statistics.busy);
    assert_eq!(statistics.hubs[0].most_pending as u64, observatory.queue(&HubId(0).actor()).most());
}
