//! What the hot paths of the bus cost: taking a delta in, routing it, publishing it to subscribers.

#![allow(missing_docs, reason = "criterion_group! makes a public function without documentation")]

use std::hint::black_box;
use std::sync::Arc;

use actix::prelude::*;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use windlass_broker::observe::{ActorId, ActorKind, Observatory, name_thread};
use windlass_broker::*;

const OWN: &str = "vessels.urn:mrn:imo:mmsi:230099999";
/// 282 bytes, two values: the size of delta that the figures of docs/performance.md speak of.
const DELTA: &str = r#"{"context":"vessels.urn:mrn:imo:mmsi:230099999","updates":[{"source":{"label":"can0","type":"NMEA2000","src":"43"},"timestamp":"2024-05-01T10:00:00.000Z","values":[{"path":"navigation.speedOverGround","value":3.14},{"path":"navigation.courseOverGroundTrue","value":1.2345678901}]}]}"#;

fn own() -> windlass_broker::Context {
    windlass_broker::Context::new(OWN).expect("a context")
}

fn intake() -> Intake {
    let provider = Provider::new("bench").expect("a name");
    Intake { self_context: own(), provider, override_timestamps: false }
}

fn delta(path: &str) -> Delta {
    let text = format!(
        r#"{{"updates":[{{"$source":"bench","timestamp":"2024-05-01T10:00:00.000Z","values":[{{"path":"{path}","value":1.5}}]}}]}}"#
    );
    intake().take(&text, DeltaVersion::V1).delta.expect("a delta")
}

fn topic(path: &str) -> Topic {
    Topic::new(ContextPattern::Exact(own()), Scope::Values(Glob::new(path)))
}

fn intake_and_rendering(c: &mut Criterion) {
    let intake = intake();
    let mut group = c.benchmark_group("delta of 282 bytes");
    group.throughput(Throughput::Bytes(DELTA.len() as u64));
    group.bench_function("take in", |b| b.iter(|| intake.take(black_box(DELTA), DeltaVersion::V1)));
    let taken = intake.take(DELTA, DeltaVersion::V1).delta.expect("a delta");
    group.bench_function("render", |b| b.iter(|| black_box(&taken).render()));
    group.finish();
}

/// 1,000 subscriptions over 10,000 paths: most name one path, some a branch, some everything.
fn index() -> RoutingIndex {
    let mut index = RoutingIndex::new();
    for n in 0..1000 {
        let path = match n {
            0..900 => format!("branch{}.leaf{}", n % 100, n * 10),
            900..990 => format!("branch{}.*", n % 100),
            _ => format!("*{}", n % 10),
        };
        index.join(topic(&path));
    }
    index
}

fn routing(c: &mut Criterion) {
    let mut index = index();
    let deltas: Vec<_> = (0..10_000).map(|n| delta(&format!("branch{}.leaf{n}", n % 100))).collect();
    for delta in &deltas {
        index.route(delta);
    }
    let mut next = deltas.iter().cycle();
    c.bench_function("route a 1-value delta: 1,000 subscriptions, 10,000 paths", |b| {
        b.iter(|| index.route(next.next().expect("a cycle does not end")));
    });
    c.bench_function("route a 1-value delta: path seen for the first time", |b| {
        let mut n = 0;
        b.iter_batched(
            || {
                n += 1;
                delta(&format!("new.leaf{n}"))
            },
            |delta| index.route(&delta),
            BatchSize::SmallInput,
        );
    });
}

#[derive(Default)]
struct Model;
impl Actor for Model {
    type Context = actix::Context<Self>;
}
impl Handler<ApplyDeltas> for Model {
    type Result = ();
    fn handle(&mut self, _: ApplyDeltas, _: &mut Self::Context) {}
}
impl Handler<CollectSnapshot> for Model {
    type Result = Vec<CachedValue>;
    fn handle(&mut self, _: CollectSnapshot, _: &mut Self::Context) -> Self::Result {
        Vec::new()
    }
}

/// Stands in for the hub of a worker: gives each subscriber its share, rendered once.
struct CountingHub {
    subscribers: usize,
    frames: tokio::sync::mpsc::UnboundedSender<usize>,
}
impl Actor for CountingHub {
    type Context = actix::Context<Self>;
}
impl Handler<FanOut> for CountingHub {
    type Result = ();
    fn handle(&mut self, FanOut(items): FanOut, _: &mut Self::Context) {
        let mut frames = 0;
        for item in &items {
            if let FanOutItem::Delta(delta, ..) = item {
                for _ in 0..self.subscribers {
                    black_box(delta.whole());
                    frames += 1;
                }
            }
        }
        // The benchmark ended when nobody counts any more.
        let _ = self.frames.send(frames);
    }
}

fn publishing(c: &mut Criterion) {
    const SUBSCRIBERS: usize = 100;
    let mut group = c.benchmark_group("publish to 100 subscribers");
    for batch in [1, 64] {
        group.throughput(Throughput::Elements((batch * SUBSCRIBERS) as u64));
        group.bench_function(format!("{batch} deltas a message"), |b| {
            let system = System::new();
            let (sender, mut frames) = tokio::sync::mpsc::unbounded_channel();
            let broker = system.block_on(async {
                let model = Model.start();
                let broker = Broker::new(model.clone().recipient(), model.recipient()).start();
                let hub = CountingHub { subscribers: SUBSCRIBERS, frames: sender }.start();
                let hub = broker.send(AttachHub(hub.recipient())).await.expect("the broker lives");
                for n in 0..SUBSCRIBERS as u64 {
                    let rows = vec![Topic::new(ContextPattern::all(), Scope::Whole)];
                    let subscribe = Subscribe { hub, subscription: SubscriptionId(n), rows, cached: false };
                    broker.send(subscribe).await.expect("the broker lives");
                }
                broker
            });
            let provider = SourceRef::new("bench").expect("a name");
            let deltas: Vec<_> = (0..batch).map(|n| delta(&format!("publish.leaf{n}"))).collect();
            b.iter_batched(
                || deltas.clone(),
                |deltas| {
                    system.block_on(async {
                        let publish = Publish { provider: provider.clone(), origin: Origin::NONE, deltas };
                        broker.send(publish).await.expect("the broker lives");
                        let mut seen = 0;
                        while seen < batch * SUBSCRIBERS {
                            seen += frames.recv().await.expect("the hub lives");
                        }
                    });
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
    c.bench_function("share a rendered delta", |b| {
        let delta: Arc<SharedDelta> = SharedDelta::new(delta("share"));
        b.iter(|| black_box(delta.whole()));
    });
}

/// What it costs an actor to be seen; each is paid once a message, not once a delta.
fn observing(c: &mut Criterion) {
    name_thread("bench");
    let observatory = Observatory::default();
    let observed = observatory.observe(ActorKind::Client, "1");
    let flow = observed.flow_to(&ActorId::broker());
    let provider = SourceRef::new("bench").expect("a name");
    let mut group = c.benchmark_group("observe");
    group.bench_function("a message that is counted", |b| b.iter(|| black_box(&observed).count(1, black_box(3))));
    group.bench_function("a message that is timed", |b| {
        b.iter(|| {
            let handling = black_box(&observed).begin();
            observed.end(handling, black_box(3))
        });
    });
    group.bench_function("the clock alone, read twice", |b| {
        b.iter(|| (black_box(std::time::Instant::now()), black_box(std::time::Instant::now())));
    });
    group.bench_function("a batch sent", |b| b.iter(|| black_box(&flow).count(1, black_box(3))));
    group.bench_function("a length told", |b| b.iter(|| black_box(observed.queue()).set(black_box(17))));
    group.bench_function("a batch through a mailbox", |b| {
        b.iter(|| {
            let publish = Publish { provider: provider.clone(), origin: Origin::NONE, deltas: Vec::new() };
            drop(black_box(flow.carry(publish)));
        });
    });
    group.finish();
}

criterion_group!(benches, intake_and_rendering, routing, publishing, observing);
criterion_main!(benches);
