use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn after(start: Instant, millis: u64) -> Instant {
    start + Duration::from_millis(millis)
}

/// A handler that begins and ends at given moments.
fn handle(observed: &Observed, from: Instant, to: Instant) {
    let handling = observed.begin_when(from);
    observed.end_at(handling, Moment::of(to));
}

fn actor(seen: &Observation, id: &str) -> ActorReport {
    let found = seen.actors.iter().find(|actor| actor.id.as_str() == id);
    found.unwrap_or_else(|| panic!("{id} is not among {:?}", seen.actors)).clone()
}

#[test]
fn ids_are_what_flows_and_people_call_actors() {
    assert_eq!(ActorId::broker().as_str(), "broker");
    assert_eq!(ActorId::new(ActorKind::Plugin, "anchor").to_string(), "plugin:anchor");
    for kind in [ActorKind::DataModel, ActorKind::PreferredSources, ActorKind::BinaryClient, ActorKind::AccessDesk] {
        let written = serde_json::to_string(&kind).expect("a kind can be written");
        assert_eq!(written, format!("\"{}\"", kind.name()));
    }
}

#[test]
fn a_handler_that_runs_is_seen_running_and_nobody_else() {
    let (observatory, start) = (Observatory::default(), Instant::now());
    let (slow, other) =
        (observatory.observe(ActorKind::Plugin, "slow"), observatory.observe(ActorKind::Plugin, "other"));
    handle(&slow, start, after(start, 20));
    handle(&other, start, after(start, 5));
    let stalled = slow.begin_when(after(start, 100));
    let seen = observatory.report(after(start, 1100));
    let row = actor(&seen, "plugin:slow");
    assert_eq!((row.running, row.longest, row.busy), (Some(1000.0), 1000.0, 1020.0));
    let row = actor(&seen, "plugin:other");
    assert_eq!((row.running, row.longest, row.busy), (None, 5.0, 5.0));
    slow.end_at(stalled, Moment::of(after(start, 1600)));
    let row = actor(&observatory.report(after(start, 5000)), "plugin:slow");
    assert_eq!((row.running, row.longest, row.busy), (None, 1500.0, 1520.0));
}

#[test]
fn an_interval_tells_of_itself_only() {
    let (observatory, start) = (Observatory::default(), Instant::now());
    let observed = observatory.observe(ActorKind::DataModel, "");
    observed.count(1000, 5000);
    handle(&observed, start, after(start, 900));
    assert_eq!(actor(&observatory.report(start), "data-model").lately, None);
    observatory.turn(after(start, 1000));
    let seen = observatory.report(after(start, 1000));
    assert_eq!((seen.interval, actor(&seen, "data-model").lately), (None, None), "nobody saw where it began");

    observed.count(10, 30);
    observed.drop_more(4);
    handle(&observed, after(start, 1100), after(start, 1300));
    handle(&observed, after(start, 1300), after(start, 1400));
    observatory.turn(after(start, 3000));
    let seen = observatory.report(after(start, 3500));
    let lately = actor(&seen, "data-model").lately.expect("an interval is over");
    let expected = Lately {
        messages_per_second: 5.0,
        deltas_per_second: 15.0,
        busy: 0.15,
        longest: 200.0,
        dropped: 4,
        most_waiting: 0,
    };
    assert_eq!((seen.interval, lately), (Some(2.0), expected));
    observatory.turn(after(start, 4000));
    let row = actor(&observatory.report(after(start, 4000)), "data-model");
    let lately = row.lately.expect("an interval is over");
    assert_eq!((lately.messages_per_second, lately.busy, lately.longest, lately.dropped), (0.0, 0.0, 0.0, 0));
    assert_eq!((row.longest, row.messages, row.deltas, row.dropped), (900.0, 1010, 5030, 4));
}

#[test]
fn a_handler_that_outlasts_the_interval_fills_it() {
    let (observatory, start) = (Observatory::default(), Instant::now());
    let observed = observatory.observe(ActorKind::Plugin, "hangs");
    observatory.turn(start);
    let handling = observed.begin_when(after(start, 1000));
    for (end, busy, longest) in [(2000, 0.5, 1000.0), (4000, 1.0, 3000.0)] {
        observatory.turn(after(start, end));
        let lately = actor(&observatory.report(after(start, end)), "plugin:hangs").lately.expect("an interval is over");
        assert_eq!((lately.busy, lately.longest), (busy, longest), "at {end}");
    }
    observed.end_at(handling, Moment::of(after(start, 5000)));
    observatory.turn(after(start, 6000));
    let lately = actor(&observatory.report(after(start, 6000)), "plugin:hangs").lately.expect("an interval is over");
    assert_eq!((lately.busy, lately.longest), (0.5, 4000.0));
}

#[test]
fn what_waits_is_counted_until_it_is_handled_or_dropped() {
    let observatory = Observatory::default();
    let broker = observatory.observe(ActorKind::Broker, "");
    let waiting = broker.queue().clone();
    let from: Vec<_> = (0..3).map(|_| observatory.queue(&ActorId::broker()).enter()).collect();
    assert_eq!(actor(&observatory.report(Instant::now()), "broker").queue, None, "nobody knows what is counted");
    waiting.holds(QueueUnit::Batches, 128);
    waiting.drop_more(2);
    let queue = || actor(&observatory.report(Instant::now()), "broker").queue.expect("a queue");
    let expected = QueueReport { unit: QueueUnit::Batches, waiting: 3, most: 3, capacity: 128, dropped: 2 };
    assert_eq!(queue(), expected);
    let start = Instant::now();
    observatory.turn(start);
    drop(from);
    let one = waiting.enter();
    assert_eq!((queue().waiting, queue().most), (1, 3));
    observatory.turn(start + SECOND);
    let most = || actor(&observatory.report(start), "broker").lately.expect("an interval is over").most_waiting;
    assert_eq!(most(), 3, "those that waited when it began");
    drop(one);
    observatory.turn(start + 2 * SECOND);
    assert_eq!(most(), 1);
    observatory.turn(start + 3 * SECOND);
    assert_eq!(most(), 0);
}

#[test]
fn flows_between_the_same_two_are_one_row() {
    let observatory = Observatory::default();
    let hub = observatory.observe(ActorKind::Hub, "0");
    let client = ActorId::new(ActorKind::Client, "7");
    let (one, two) = (hub.flow_to(&client), hub.flow_to(&client));
    let back = observatory.flow(&client, hub.id());
    let start = Instant::now();
    observatory.turn(start);
    one.count(1, 10);
    two.count(2, 30);
    back.count(1, 1);
    observatory.turn(start + 2 * SECOND);
    let seen = observatory.report(start);
    let expected = |from: &ActorId, to: &ActorId, messages: u64, deltas: u64| FlowReport {
        from: from.clone(),
        to: to.clone(),
        messages,
        deltas,
        messages_per_second: messages as f64 / 2.0,
        deltas_per_second: deltas as f64 / 2.0,
    };
    assert_eq!(seen.flows, [expected(&client, hub.id(), 1, 1), expected(hub.id(), &client, 3, 40)]);
    drop((two, back));
    assert_eq!(observatory.report(start).flows, [expected(hub.id(), &client, 1, 10)]);
}

#[test]
fn who_has_gone_is_not_listed_and_leaves_nothing_behind() {
    let observatory = Observatory::default();
    let stays = observatory.observe(ActorKind::Hub, "0");
    for number in 0..10_000 {
        let client = observatory.observe(ActorKind::Client, &number.to_string());
        let _flow = stays.flow_to(client.id());
        if number % 1000 == 0 {
            assert_eq!(observatory.report(Instant::now()).actors.len(), 2);
        }
    }
    let [actors, flows, queues] = observatory.sizes();
    assert!(actors <= 200 && flows <= 200 && queues <= 200, "{actors} {flows} {queues}");
    observatory.turn(Instant::now());
    assert_eq!(observatory.sizes(), [1, 0, 1]);
    let seen = observatory.report(Instant::now());
    assert_eq!((seen.actors.len(), seen.flows.len(), seen.unlisted), (1, 0, Unlisted::default()));
}

#[test]
fn what_finds_the_list_full_works_unlisted_and_is_counted() {
    let observatory = Observatory::default();
    let all: Vec<_> = (0..MAX_ACTORS).map(|n| observatory.observe(ActorKind::Client, &n.to_string())).collect();
    let unlisted = observatory.observe(ActorKind::Client, "late");
    unlisted.count(1, 1);
    let seen = observatory.report(Instant::now());
    assert_eq!((seen.actors.len(), seen.unlisted.actors), (MAX_ACTORS, 1));
    drop(all);
    let _listed = observatory.observe(ActorKind::Client, "later");
    let seen = observatory.report(Instant::now());
    assert_eq!(seen.actors.iter().map(|actor| actor.id.as_str()).collect::<Vec<_>>(), ["client:later"]);
}

#[test]
fn counters_that_are_kept_elsewhere_are_read_there() {
    let observatory = Observatory::default();
    let lines = Arc::new(AtomicU64::new(7));
    let read = lines.clone();
    let reading = move || Reading { messages: read.load(Relaxed), deltas: 3, dropped: 1 };
    let observed = observatory.observe_counters(ActorKind::Connection, "gps", reading);
    lines.store(9, Relaxed);
    observed.drop_more(1);
    observed.restarted();
    observed.label("on /dev/ttyUSB0");
    let row = actor(&observatory.report(Instant::now()), "connection:gps");
    assert_eq!((row.messages, row.deltas, row.dropped, row.restarts), (9, 3, 2, 1));
    assert_eq!(row.label.as_deref(), Some("on /dev/ttyUSB0"));
}

#[test]
fn parts_and_order_and_threads_are_told() {
    let observatory = Observatory::default();
    name_thread("core");
    let broker = observatory.observe(ActorKind::Broker, "");
    let _zones = observatory.observe_part(ActorKind::Stage, "zones", broker.id());
    let _hubs = ["10", "9"].map(|name| observatory.observe(ActorKind::Hub, name));
    let elsewhere = std::thread::Builder::new().name("other".into());
    let moved = observatory.observe(ActorKind::Connection, "gps");
    let listed = observatory.clone();
    let run = move || {
        moved.runs_here();
        (listed.observe(ActorKind::Plugin, "p"), moved)
    };
    let _there = elsewhere.spawn(run).expect("a thread").join().expect("no panic");
    let seen = observatory.report(Instant::now());
    let rows: Vec<_> = seen.actors.iter().map(|actor| (actor.id.as_str(), actor.thread.as_str())).collect();
    let expected = [
        ("broker", "core"),
        ("stage:zones", "core"),
        ("hub:9", "core"),
        ("hub:10", "core"),
        ("plugin:p", "other"),
        ("connection:gps", "other"),
    ];
    assert_eq!(rows, expected);
    assert_eq!(seen.actors[1].parent.as_ref(), Some(broker.id()));
}

#[actix::test]
async fn a_thread_that_is_kept_busy_misses_its_beat() {
    tokio::time::pause();
    let observatory = Observatory::default();
    observatory.watch_thread(|| "core".to_owned());
    observatory.watch_thread(|| unreachable!("it has a name"));
    let now = || actix::clock::Instant::now().into_std();
    let thread = |at: Instant| observatory.report(at).threads.first().cloned().expect("a thread");
    for _ in 0..10 {
        tokio::time::sleep(BEAT).await;
    }
    assert_eq!((thread(now()).longest_stall, thread(now()).stalled), (0.0, None));
    // Time goes on while nothing else gets its turn.
    observatory.turn(now());
    tokio::time::advance(BEAT + 3 * SECOND).await;
    let late = thread(now()).longest_stall;
    assert!((2950.0..=3250.0).contains(&late), "{late}");
    tokio::time::sleep(5 * BEAT).await;
    observatory.turn(now());
    assert_eq!(thread(now()).stalled, None);
    assert_eq!(thread(now()).lately, thread(now()).longest_stall);
    tokio::time::sleep(5 * BEAT).await;
    observatory.turn(now());
    assert_eq!(thread(now()).lately, 0.0, "in the last interval it was in time");
    assert!(thread(now()).longest_stall >= 2800.0);
    // Another thread sees it as stalled as long as it does not beat.
    let stalled = thread(now() + 4 * SECOND).stalled.expect("overdue");
    assert!((3000.0..=4000.0).contains(&stalled), "{stalled}");
}
