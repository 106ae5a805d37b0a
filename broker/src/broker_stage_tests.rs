//! In which order the broker publishes what its stages have to say.

use super::*;

/// Answers each value at `a` with the same at `b`.
struct Echo(SourceRef);

impl Stage for Echo {
    fn name(&self) -> &SourceRef {
        &self.0
    }
    fn observe(&mut self, judged: &Judged, _: Instant, emit: &mut Vec<Delta>) {
        if path_of(judged.delta()) == "a" {
            emit.push(at("b", judged.delta().delta()));
        }
    }
}

/// Says at each tick which value it saw last.
struct Clock(SourceRef, Option<Delta>);

impl Stage for Clock {
    fn name(&self) -> &SourceRef {
        &self.0
    }
    fn observe(&mut self, judged: &Judged, _: Instant, _: &mut Vec<Delta>) {
        if path_of(judged.delta()) == "a" {
            self.1 = Some(judged.delta().delta().clone());
        }
    }
    fn tick(&mut self, _: Instant, _: &Priorities, emit: &mut Vec<Delta>) {
        emit.extend(self.1.take().map(|seen| at("b", &seen)));
    }
    fn tick_interval(&self) -> Option<Duration> {
        Some(Duration::from_millis(1))
    }
}

fn path_of(delta: &SharedDelta) -> &str {
    delta.delta().updates[0].values[0].path.as_str()
}

fn at(path: &str, delta: &Delta) -> Delta {
    let mut moved = delta.clone();
    moved.updates[0].values[0].path = crate::Path::new(path).expect("a path");
    moved
}

/// A data model that writes down what it takes in, and what it shows to a new subscription.
struct OrderedModel(Log, Vec<Arc<SharedDelta>>);
impl Actor for OrderedModel {
    type Context = Context<Self>;
}
impl Handler<ApplyDeltas> for OrderedModel {
    type Result = ();
    fn handle(&mut self, ApplyDeltas(deltas): ApplyDeltas, _: &mut Self::Context) {
        for judged in deltas.iter() {
            self.0.push(format!("{}={}", path_of(judged.delta()), number(judged.delta())));
            self.1.push(judged.delta().clone());
        }
    }
}
impl Handler<CollectSnapshot> for OrderedModel {
    type Result = Vec<CachedValue>;
    fn handle(&mut self, CollectSnapshot(rows): CollectSnapshot, _: &mut Self::Context) -> Self::Result {
        let index = crate::ValueIndex { update: 0, value: 0 };
        let shown = self.1.iter().filter(|_| !rows.is_empty());
        shown.map(|delta| CachedValue { row: 0, delta: delta.clone(), index }).collect()
    }
}

/// A hub that writes down what it gets by path and value. One that never says that it is done leaves the broker something to look after
/// between two messages.
struct NamingHub {
    log: Log,
    answers: bool,
}
impl Actor for NamingHub {
    type Context = Context<Self>;
}
impl Handler<FanOut> for NamingHub {
    type Result = ResponseFuture<()>;
    fn handle(&mut self, FanOut(items): FanOut, _: &mut Self::Context) -> Self::Result {
        for item in items {
            match item {
                FanOutItem::Delta(delta, ..) => self.log.push(format!("told {}={}", path_of(&delta), number(&delta))),
                FanOutItem::Join { cached, .. } => {
                    let cached = cached.iter().map(|c| format!("{}={}", path_of(&c.delta), number(&c.delta)));
                    self.log.push(format!("joined with {}", cached.collect::<Vec<_>>().join(" ")));
                }
                FanOutItem::Leave { .. } => self.log.push("left".to_owned()),
            }
        }
        if self.answers { Box::pin(std::future::ready(())) } else { Box::pin(std::future::pending()) }
    }
}

fn hub(log: &Log, answers: bool) -> Recipient<FanOut> {
    NamingHub { log: log.clone(), answers }.start().recipient()
}

fn value(number: u32) -> Publish {
    from("x", &format!(r#"{{"path":"a","value":{number}}}"#))
}

/// A broker with a stage, and a hub that never answers and has got something already.
async fn bus_with(stage: impl Stage) -> Bus {
    let log = Log::default();
    let model = OrderedModel(log.clone(), Vec::new()).start();
    let broker = Broker::new(model.clone().recipient(), model.recipient()).with_stages(vec![Box::new(stage)]).start();
    let bus = Bus { broker, log };
    let id = bus.send(AttachHub(hub(&Log::default(), false))).await;
    bus.send(Subscribe { hub: id, subscription: SubscriptionId(1), rows: vec![whole()], cached: false }).await;
    bus.statistics().await;
    bus
}

#[actix::test]
async fn what_a_stage_says_comes_before_what_was_published_later() {
    let bus = bus_with(Echo(SourceRef::new("stage").expect("a name"))).await;
    for n in 1..=20 {
        bus.broker.try_send(value(n)).expect("there is room");
    }
    let applied = bus.entries(&bus.log, 40).await;
    let expected: Vec<_> = (1..=20).flat_map(|n| [format!("a={n}"), format!("b={n}")]).collect();
    assert_eq!(applied, expected);
}

#[actix::test]
async fn a_new_subscriber_misses_nothing_that_a_stage_says() {
    let bus = bus_with(Echo(SourceRef::new("stage").expect("a name"))).await;
    for n in 1..=50 {
        let log = Log::default();
        let id = bus.send(AttachHub(hub(&log, false))).await;
        bus.broker.try_send(value(n)).expect("there is room");
        let rows = vec![topic("b")];
        let subscribe = Subscribe { hub: id, subscription: SubscriptionId(n.into()), rows, cached: true };
        bus.broker.try_send(subscribe).expect("there is room");
        let told = bus.entries(&log, 1).await;
        assert!(told[0].starts_with("joined with") && told[0].ends_with(&format!(" b={n}")), "{}", told[0]);
    }
}

#[actix::test]
async fn what_a_tick_says_is_in_the_snapshot_or_comes_after_it() {
    let bus = bus_with(Clock(SourceRef::new("clock").expect("a name"), None)).await;
    for n in 1..=200 {
        let log = Log::default();
        let id = bus.send(AttachHub(hub(&log, true))).await;
        bus.broker.try_send(value(n)).expect("there is room");
        // The tick may come before, between or after these.
        tokio::time::sleep(Duration::from_micros(u64::from(n) * 37 % 1500)).await;
        let rows = vec![topic("b")];
        bus.send(Subscribe { hub: id, subscription: SubscriptionId(n.into()), rows, cached: true }).await;
        let wanted = format!("b={n}");
        while !bus.entries(&log, 1).await.iter().any(|line| line.split(' ').any(|word| word == wanted)) {}
    }
}

#[actix::test]
async fn what_a_silent_source_leaves_counts_only_where_it_was_the_preferred_one() {
    /// Says in the name of whoever sent to `silent` that it has fallen silent at `a`.
    struct Silence(SourceRef);
    impl Stage for Silence {
        fn name(&self) -> &SourceRef {
            &self.0
        }
        fn observe(&mut self, judged: &Judged, _: Instant, emit: &mut Vec<Delta>) {
            if path_of(judged.delta()) == "silent" {
                let mut null = at("a", judged.delta().delta());
                null.updates[0].values[0].value = crate::RawJson::NULL;
                null.updates[0].values[0].state = Some(Box::new(crate::RawJson::string("timed out")));
                emit.push(null);
            }
        }
    }
    let log = Log::default();
    let model = Model { log: Log::default(), last: None }.start();
    let settings =
        serde_json::json!({"groups": [{"id": "g", "sources": ["good", "poor"]}], "defaults": {"fallbackMs": 1000}});
    let broker = Broker::new(model.clone().recipient(), model.recipient())
        .judging(own(), &serde_json::from_value(settings).expect("settings"))
        .with_stages(vec![Box::new(Silence(SourceRef::new("stage").expect("a name")))]);
    let bus = Bus { broker: broker.start(), log };
    value_hub(&bus, vec![topic("a")]).await;
    tokio::time::pause();
    let a = |n: u32| format!(r#"{{"path":"a","value":{n}}}"#);
    let silent = r#"{"path":"silent","value":0}"#;
    bus.send(from("good", &a(1))).await;
    tokio::time::advance(Duration::from_millis(900)).await;
    // It is silent where it is the preferred one: that is told, but keeps the other waiting no longer.
    bus.send(from("good", silent)).await;
    tokio::time::advance(Duration::from_millis(101)).await;
    bus.send(from("poor", &a(2))).await;
    assert_eq!(bus.entries(&bus.log, 3).await, ["good a=1 for 1", "good a=null for 1", "poor a=2 for 1"]);
    // Where the other has taken over, nobody is told, and it keeps the path.
    bus.send(from("good", silent)).await;
    bus.send(from("poor", &a(3))).await;
    assert_eq!(bus.entries(&bus.log, 1).await, ["poor a=3 for 1"]);
    let statistics = bus.statistics().await;
    // To a, silent and again to a: good, good, poor.
    assert_eq!((statistics.switches, statistics.held), (3, 1));
}

#[actix::test]
async fn stages_tick_as_often_as_they_want_to_by_now() {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    /// Ticks only while it is told to.
    struct Sleeper(SourceRef, Arc<AtomicBool>, Arc<AtomicU32>);
    impl Stage for Sleeper {
        fn name(&self) -> &SourceRef {
            &self.0
        }
        fn tick(&mut self, _: Instant, _: &crate::Priorities, _: &mut Vec<Delta>) {
            self.2.fetch_add(1, Ordering::Relaxed);
        }
        fn tick_interval(&self) -> Option<Duration> {
            self.1.load(Ordering::Relaxed).then_some(Duration::from_millis(10))
        }
    }
    let (awake, ticks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let bus = bus_with(Sleeper(SourceRef::new("sleeper").expect("a name"), awake.clone(), ticks.clone())).await;
    tokio::time::pause();
    let passes = async || tokio::time::sleep(Duration::from_millis(105)).await;
    passes().await;
    assert_eq!(ticks.load(Ordering::Relaxed), 0);
    awake.store(true, Ordering::Relaxed);
    bus.send(crate::RetimeStages).await;
    passes().await;
    assert_eq!(ticks.swap(0, Ordering::Relaxed), 10);
    // Asking again does not make it tick twice.
    bus.send(crate::RetimeStages).await;
    passes().await;
    assert_eq!(ticks.swap(0, Ordering::Relaxed), 10);
    awake.store(false, Ordering::Relaxed);
    bus.send(crate::RetimeStages).await;
    passes().await;
    assert_eq!(ticks.load(Ordering::Relaxed), 0);
}
