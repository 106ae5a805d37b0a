//! The harness against servers whose faults are known: it must report exactly those.

// The helpers of this test are test code too.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use support::{Server, Treatment};
use windlass_load_harness::{
    HandshakeError, HarnessError, Plan, Rate, RateControl, Report, ServerProcess, Subscription, run,
};

/// 2 producers, 3 subscribers, 1000 deltas of 2 values in all.
fn plan(server: &Server) -> Plan {
    Plan {
        url: server.url(),
        producers: 2,
        rate: Rate::PerSecond(2000.0),
        values_per_delta: 2,
        paths: 5,
        subscribers: 3,
        warm_up: Duration::from_millis(100),
        duration: Duration::from_millis(400),
        drain_timeout: Duration::from_secs(30),
        ..Plan::default()
    }
}

const VALUES: u64 = 3 * 1000 * 2;

fn report(plan: &Plan) -> Report {
    run(plan, &mut |_| ()).unwrap()
}

#[test]
fn a_faithful_server_loses_nothing() {
    let server = Server::start(Treatment::Faithful);
    let plan = Plan { server: ServerProcess::Pid(std::process::id()), ..plan(&server) };
    let report = report(&plan);
    assert_eq!((report.expected, report.received, report.lost), (VALUES, VALUES, 0));
    assert_eq!((report.duplicates, report.out_of_order, report.unreadable, report.unpublished), (0, 0, 0, 0));
    assert!(report.is_complete());
    assert!((report.published_per_second * report.seconds).round() > 0.0);
    let ratio = report.values_per_second / report.delivered_per_second;
    assert!((ratio - 2.0).abs() < 1e-6, "whole deltas hold two values: {ratio}");
    let latency = report.latency.unwrap();
    assert!(
        0.0 < latency.p50 && latency.p50 <= latency.p90 && latency.p90 <= latency.p99 && latency.p99 <= latency.max
    );
    if cfg!(target_os = "linux") {
        assert!(report.server.unwrap().resident > 0);
    }
}

#[test]
fn single_value_frames_are_accounted_like_whole_deltas() {
    let server = Server::start(Treatment::Split);
    let report = report(&plan(&server));
    assert_eq!((report.expected, report.received, report.lost, report.duplicates), (VALUES, VALUES, 0, 0));
    assert!((report.values_per_second / report.delivered_per_second - 1.0).abs() < 1e-6);
}

#[test]
fn lost_deltas_are_counted_to_the_last() {
    let server = Server::start(Treatment::DropEveryTenth);
    let plan = Plan { drain_timeout: Duration::from_millis(300), ..plan(&server) };
    let report = report(&plan);
    assert_eq!((report.lost, report.received), (VALUES / 10, VALUES / 10 * 9));
    assert_eq!((report.duplicates, report.out_of_order), (0, 0));
    assert!(!report.is_complete());
}

#[test]
fn repeated_deltas_are_duplicates_and_no_loss() {
    let server = Server::start(Treatment::RepeatEveryTenth);
    let report = report(&plan(&server));
    assert_eq!((report.lost, report.duplicates, report.out_of_order), (0, VALUES / 10, 0));
}

#[test]
fn overtaken_deltas_are_out_of_order_and_no_loss() {
    let server = Server::start(Treatment::HoldBackEveryTenth);
    // One producer, and one path, so that each held back value is overtaken by one of its own path.
    let plan = Plan { producers: 1, paths: 1, values_per_delta: 1, ..plan(&server) };
    let report = report(&plan);
    assert_eq!((report.expected, report.lost, report.duplicates, report.out_of_order), (3000, 0, 0, 300));
}

#[test]
fn pings_are_answered_and_fragments_joined() {
    let server = Server::start(Treatment::PingAndFragment);
    let report = report(&plan(&server));
    assert_eq!((report.received, report.lost), (VALUES, 0));
    server.wait_for_pongs();
}

#[test]
fn an_explicit_subscription_expects_only_what_its_pattern_covers() {
    let server = Server::start(Treatment::Faithful);
    let pattern = Subscription::Paths("load.p1.v*".into(), RateControl::default());
    let report = report(&Plan { subscription: pattern, ..plan(&server) });
    assert_eq!((report.expected, report.received, report.lost), (VALUES / 2, VALUES / 2, 0));
}

#[test]
fn a_rate_controlled_subscription_owes_the_last_value_of_each_path() {
    let server = Server::start(Treatment::Faithful);
    let control = RateControl { policy: Some("fixed".into()), period: Some(50), min_period: None };
    let report = report(&Plan { subscription: Subscription::Paths("*".into(), control), ..plan(&server) });
    assert!(report.rate_controlled);
    assert_eq!((report.expected, report.lost), (3 * 2 * 5, 0));
    assert!(report.received < VALUES, "values must have been skipped");
}

#[test]
fn values_of_an_earlier_run_are_not_taken_for_own_ones() {
    let server = Server::start(Treatment::Remember);
    for _ in 0..2 {
        let report = report(&plan(&server));
        assert_eq!((report.received, report.lost, report.duplicates), (VALUES, 0, 0));
    }
}

#[test]
fn saturating_with_a_window_keeps_the_queue_short_and_loses_nothing() {
    let server = Server::start(Treatment::Faithful);
    let plan = Plan { rate: Rate::Saturating, in_flight: Some(50), subscribers: 1, ..plan(&server) };
    let report = report(&plan);
    assert_eq!((report.lost, report.target_rate), (0, None));
    assert!(report.received > 1000);
    assert!(server.longest_queue() <= 2 * 50, "{} deltas queued with a window of 50", server.longest_queue());
}

#[test]
fn saturating_without_a_window_is_bounded_by_the_socket() {
    let server = Server::start(Treatment::Faithful);
    let report = report(&Plan { rate: Rate::Saturating, subscribers: 1, ..plan(&server) });
    assert_eq!((report.lost, report.received), (0, report.expected));
}

#[test]
fn producers_alone_are_enough() {
    let server = Server::start(Treatment::Faithful);
    let report = report(&Plan { subscribers: 0, ..plan(&server) });
    assert_eq!((report.expected, report.lost, report.latency), (0, 0, None));
    assert!(report.published_per_second > 0.0);
}

#[test]
fn a_connection_that_the_server_closes_is_reported_with_its_reason() {
    let server = Server::start(Treatment::CloseAfterHundred);
    let plan = Plan { drain_timeout: Duration::from_millis(300), ..plan(&server) };
    let report = report(&plan);
    assert_eq!(report.disconnects.count, 3);
    let reason = report.disconnects.first.as_deref().unwrap_or_default();
    assert!(reason.contains("1008") && reason.contains("enough"), "{reason}");
    assert!(report.lost > 0 && !report.is_complete());
}

#[test]
fn a_server_that_takes_no_deltas_is_named_as_the_trouble() {
    let server = Server::start(Treatment::Ignore);
    let plan = Plan { connect_timeout: Duration::from_millis(600), ..plan(&server) };
    let error = run(&plan, &mut |_| ()).unwrap_err();
    assert!(matches!(error, HarnessError::NothingArrives { subscriber: 0, producer: 0, .. }), "{error}");
}

#[test]
fn a_refused_subscriber_is_named_with_the_servers_words() {
    let server = Server::start(Treatment::RefuseAfter(2));
    let error = run(&plan(&server), &mut |_| ()).unwrap_err();
    let HarnessError::Handshake { role: "subscriber", index: 2, error: HandshakeError::Refused { status, body } } =
        error
    else {
        panic!("{error}")
    };
    assert_eq!((status, body.as_str()), (429, r#"{"error":"Too many"}"#));
}

#[test]
fn nobody_listening_is_an_error_with_the_address() {
    let server = Server::start(Treatment::Faithful);
    let plan = plan(&server);
    drop(server);
    let error = run(&plan, &mut |_| ()).unwrap_err().to_string();
    assert!(error.contains("127.0.0.1") && error.contains("subscriber 0"), "{error}");
}

#[test]
fn the_program_fails_on_losses_unless_they_are_allowed() {
    let program = |server: &Server, more: &[&str]| {
        let load = "--rate 1000 --subscribers 2 --warm-up 0 --duration 0.3 --drain-timeout 0.3 --json";
        std::process::Command::new(env!("CARGO_BIN_EXE_load-harness"))
            .args(["--url", &server.url()])
            .args(load.split(' '))
            .args(more)
            .output()
            .unwrap()
    };
    let lossy = Server::start(Treatment::DropEveryTenth);
    let output = program(&lossy, &[]);
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["expected"], &report["lost"]), (&600.into(), &60.into()));
    assert_eq!(program(&lossy, &["--allow-loss"]).status.code(), Some(0));
    assert_eq!(program(&Server::start(Treatment::RefuseAfter(0)), &[]).status.code(), Some(2));
}
