use windlass_broker::observe::Observed;

use super::*;

/// A moment so many seconds after the first.
fn at(start: Instant, seconds: u64) -> Instant {
    start + Duration::from_secs(seconds)
}

fn performance() -> Performance {
    Performance(Arc::new(Inner {
        observatory: Observatory::default(),
        counters: StreamCounters::default(),
        events: EventBus::default(),
        state: Mutex::new(State { process: ProcessMeter::new(), samples: VecDeque::new(), before: Totals::default() }),
    }))
}

fn broker(performance: &Performance) -> Observed {
    performance.observatory().observe(ActorKind::Broker, "")
}

#[test]
fn a_sample_tells_of_the_time_since_the_one_before() {
    let (performance, start) = (performance(), Instant::now());
    let broker = broker(&performance);
    let plugin = performance.observatory().observe(ActorKind::Plugin, "p");
    broker.count(1, 1_000_000);
    performance.sample(start);
    assert_eq!(performance.history().samples, [], "nobody knows when that began");
    broker.count(10, 500);
    let waiting: Vec<_> = (0..7).map(|_| broker.queue().enter()).collect();
    drop(waiting);
    plugin.queue().drop_more(3);
    performance.sample(at(start, 5));
    performance.sample(at(start, 10));
    let history = performance.history();
    let [busy, idle] = &history.samples[..] else { panic!("{history:?}") };
    assert_eq!((busy.deltas_per_second, busy.most_waiting, busy.dropped), (100.0, 7, 3));
    assert_eq!((idle.deltas_per_second, idle.most_waiting, idle.dropped), (0.0, 0, 0));
    assert_eq!(idle.longest_by, None);
}

#[test]
fn the_slowest_is_named() {
    let (performance, start) = (performance(), Instant::now());
    let (broker, plugin) = (broker(&performance), performance.observatory().observe(ActorKind::Plugin, "slow"));
    performance.sample(start);
    // Its handler runs since the first sample.
    let handling = plugin.begin_when(start);
    performance.sample(at(start, 5));
    plugin.pause(handling);
    let sample = performance.history().samples.pop().expect("a sample");
    assert_eq!((sample.longest_handler, sample.longest_by.as_ref()), (5000.0, Some(plugin.id())));
    assert_eq!(sample.broker_busy, 0.0, "{}", broker.id());
}

#[test]
fn a_quarter_of_an_hour_is_kept() {
    let (performance, start) = (performance(), Instant::now());
    let broker = broker(&performance);
    for n in 0..=1000 {
        broker.count(1, 5 * n as usize);
        performance.sample(at(start, 5 * n));
    }
    let history = performance.history();
    assert_eq!((history.interval, history.capacity, history.samples.len()), (5.0, 180, 180));
    let rates: Vec<_> = history.samples.iter().map(|sample| sample.deltas_per_second).collect();
    let expected: Vec<_> = (821..=1000).map(f64::from).collect();
    assert_eq!(rates, expected);
}
