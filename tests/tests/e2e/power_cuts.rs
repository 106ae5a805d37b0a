//! The power fails at any moment, again and again: no start fails, and what was said to be saved is saved.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use windlass_tests::{Json, Server, ServerOptions};

/// How often the power fails.
const CUTS: u64 = 200;

/// Something that is saved: how a number is written, and read back.
struct Thing {
    name: &'static str,
    method: Method,
    path: &'static str,
    body: fn(u64) -> Json,
    read: &'static str,
    value: fn(&Json) -> Option<u64>,
}

fn number(value: &Json) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn things() -> Vec<Thing> {
    vec![
        Thing {
            name: "settings.json",
            method: Method::PUT,
            path: "/skServer/settings",
            body: |n| json!({"options": {}, "logCountToKeep": n}),
            read: "/skServer/settings",
            value: |answer| number(&answer["logCountToKeep"]),
        },
        Thing {
            name: "baseDeltas.json",
            method: Method::PUT,
            path: "/skServer/vessel",
            body: |n| json!({"name": n.to_string(), "draft": 2.5}),
            read: "/skServer/vessel",
            value: |answer| number(&answer["name"]),
        },
        Thing {
            name: "priorities.json",
            method: Method::PUT,
            path: "/skServer/priorityDefaults",
            body: |n| json!({"fallbackMs": n + 1}),
            read: "/skServer/priorityDefaults",
            value: |answer| number(&answer["fallbackMs"]).map(|ms| ms - 1),
        },
        Thing {
            name: "application data",
            method: Method::POST,
            path: "/signalk/v1/applicationData/global/cuts/1.0",
            body: |n| json!({"n": n}),
            read: "/signalk/v1/applicationData/global/cuts/1.0",
            value: |answer| number(&answer["n"]),
        },
        Thing {
            name: "security.json",
            method: Method::PUT,
            path: "/skServer/security/devices/sensor",
            body: |n| json!({"description": n.to_string()}),
            read: "/skServer/security/devices",
            value: |answer| number(&answer[0]["description"]),
        },
    ]
}

/// What was sent and what was acknowledged of each thing.
#[derive(Default)]
struct Progress {
    sent: AtomicU64,
    acknowledged: AtomicU64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_power_cut_costs_what_was_acknowledged() {
    let (server, admin) = ServerOptions::new().start_claimed().await;
    server.add_device(&admin, "sensor", "readwrite").await;
    let things = things();
    let progress: BTreeMap<_, _> = things.iter().map(|thing| (thing.name, Progress::default())).collect();
    let mut server = Some(server);
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for cut in 0..CUTS {
        let running = server.take().expect("a server runs");
        for thing in &things {
            check(&running, &admin, thing, &progress[thing.name], cut).await;
        }
        // Everything is written at once, until the power fails somewhere in between.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let until = Duration::from_micros(random % 40_000);
        let writing = things.iter().map(|thing| write_on(&running, &admin, thing, &progress[thing.name]));
        let writing = futures_util::future::join_all(writing);
        // Not a wait for something to have happened: the moment of the cut is what is tried out.
        let _ = tokio::time::timeout(until, writing).await;
        let ended = running.kill().await;
        server = Some(ServerOptions::new().directory(&ended.directory).secured().start().await);
    }
    let total: u64 = progress.values().map(|one| one.acknowledged.load(Ordering::Relaxed)).sum();
    assert!(total > CUTS, "only {total} changes were acknowledged");
}

async fn write_on(server: &Server, admin: &str, thing: &Thing, progress: &Progress) {
    loop {
        let n = progress.sent.fetch_add(1, Ordering::Relaxed) + 1;
        let answer = server.as_who(admin, thing.method.clone(), thing.path, Some((thing.body)(n))).await;
        assert_eq!(answer.status, 200, "{}: {}", thing.name, answer.text);
        progress.acknowledged.store(n, Ordering::Relaxed);
    }
}

async fn check(server: &Server, admin: &str, thing: &Thing, progress: &Progress, cut: u64) {
    let (sent, acknowledged) = (progress.sent.load(Ordering::Relaxed), progress.acknowledged.load(Ordering::Relaxed));
    if acknowledged == 0 {
        return;
    }
    let answer = server.as_who(admin, Method::GET, thing.read, None).await;
    let found = (answer.status == 200).then(|| (thing.value)(&answer.json())).flatten();
    let is_kept = found.is_some_and(|found| (acknowledged..=sent).contains(&found));
    let damage = server.logs().find(&["is damaged"]);
    assert!(
        is_kept && damage.is_none(),
        "after cut {cut}, {}: {found:?} is there, {acknowledged} was acknowledged, {sent} was sent; {damage:?}\n{}",
        thing.name,
        answer.text
    );
}
