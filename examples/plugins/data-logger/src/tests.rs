//! The whole plugin on a mock host, with a directory of its own.

use super::*;
use serde_json::Value;
use tempfile::TempDir;
use windlass_plugin::testing::MockHost;

const SELF: &str = "vessels.urn:mrn:imo:mmsi:230099999";

struct Bench {
    server: MockHost,
    dir: TempDir,
}

impl Bench {
    fn new() -> Self {
        let server = MockHost::new();
        server.set_self_path("mmsi", json!("230099999"));
        Self { server, dir: tempfile::tempdir().unwrap() }
    }

    fn open(&self, config: &str) -> DataLogger {
        DataLogger::open(serde_json::from_str(config).unwrap(), self.dir.path()).unwrap()
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log-000001.csv")).unwrap()
    }
}

fn deliver(logger: &mut DataLogger, context: &str, path: &str, value: Value) {
    let delta = json!({ "context": context, "updates": [{
        "$source": "gps.GP",
        "timestamp": "2024-05-01T10:00:00.000Z",
        "values": [{ "path": path, "value": value }],
    }] });
    logger.delta(RawDelta::new(delta.to_string().as_bytes()));
}

fn file(name: &str) -> Request {
    Request::new("GET", &format!("/api/files/{name}")).with_param("name", name)
}

#[test]
fn selected_values_of_the_own_vessel_are_written_and_a_restart_appends() {
    // ABI-29
    let bench = Bench::new();
    for speed in [3.25, 3.5] {
        let mut logger = bench.open(r#"{"paths":["navigation.*"]}"#);
        deliver(&mut logger, SELF, "navigation.speedOverGround", json!(speed));
        deliver(&mut logger, SELF, "environment.depth.belowKeel", json!(2));
        deliver(&mut logger, "vessels.urn:mrn:imo:mmsi:230011111", "navigation.speedOverGround", json!(9));
        logger.stop();
    }
    assert_eq!(
        bench.text(),
        "timestamp,path,value,source\n\
         2024-05-01T10:00:00.000Z,navigation.speedOverGround,3.25,gps.GP\n\
         2024-05-01T10:00:00.000Z,navigation.speedOverGround,3.5,gps.GP\n"
    );
    assert!(bench.server.statuses().last().unwrap().contains("1 values"));
}

#[test]
fn the_interval_limits_each_path() {
    let bench = Bench::new();
    let mut logger = bench.open(r#"{"paths":["*"],"interval":3600}"#);
    for value in 0..5 {
        deliver(&mut logger, SELF, "a.one", json!(value));
        deliver(&mut logger, SELF, "a.two", json!(value));
    }
    logger.poll();
    assert_eq!(bench.text().lines().count(), 3);
    let mut logger = bench.open(r#"{"paths":["*"],"interval":0}"#);
    for value in 0..5 {
        deliver(&mut logger, SELF, "a.one", json!(value));
    }
    logger.poll();
    assert_eq!(bench.text().lines().count(), 8);
}

#[test]
fn the_own_vessel_may_become_known_later() {
    let bench = Bench::new();
    bench.server.set_self_path("mmsi", Value::Null);
    let mut logger = bench.open("{}");
    deliver(&mut logger, SELF, "navigation.speedOverGround", json!(1));
    bench.server.set_self_path("mmsi", json!("230099999"));
    logger.poll();
    deliver(&mut logger, SELF, "navigation.speedOverGround", json!(2));
    logger.poll();
    assert!(bench.text().ends_with("navigation.speedOverGround,2,gps.GP\n"), "{}", bench.text());
    assert_eq!(bench.text().lines().count(), 2);
}

#[test]
fn files_are_listed_and_read_over_http() {
    let bench = Bench::new();
    let mut logger = bench.open(r#"{"paths":["*"],"interval":0,"maxBytes":1024,"maxFiles":3}"#);
    for value in 0..40 {
        deliver(&mut logger, SELF, "navigation.speedOverGround", json!(value));
    }
    let list = logger.http_get_files(&Request::new("GET", "/api/files")).unwrap();
    let list = list.body().unwrap();
    let names: Vec<_> = list["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["log-000001.csv", "log-000002.csv", "log-000003.csv"]);
    assert!(list["files"][0]["bytes"].as_u64().unwrap() <= 1024);
    assert_eq!(list["current"], "log-000003.csv");
    let mut total = 0;
    for name in names {
        let answer = logger.http_get_file(&file(name)).unwrap();
        total += answer.body().unwrap().as_str().unwrap().lines().count() - 1;
    }
    assert_eq!(total, 40);
    let tail = logger.http_get_file(&file("log-000001.csv").with_query("offset", "28")).unwrap();
    assert!(tail.body().unwrap().as_str().unwrap().starts_with("2024-05-01"));
    assert_eq!(logger.http_get_file(&file("../config.json")).unwrap_err().status(), 404);
    assert_eq!(logger.http_get_file(&file("log-000099.csv")).unwrap_err().status(), 404);
    assert_eq!(logger.http_get_file(&file("log-000001.csv").with_query("offset", "x")).unwrap_err().status(), 400);
}

#[test]
fn a_long_file_comes_in_parts() {
    let bench = Bench::new();
    let mut logger = bench.open(r#"{"paths":["*"],"interval":0}"#);
    for _ in 0..3 {
        deliver(&mut logger, SELF, "notes.text", json!("x".repeat(100_000)));
        logger.poll();
    }
    let first = serde_json::to_value(logger.http_get_file(&file("log-000001.csv")).unwrap()).unwrap();
    let next = first["headers"]["X-Next-Offset"].as_str().unwrap();
    let rest = logger.http_get_file(&file("log-000001.csv").with_query("offset", next)).unwrap();
    let rest = serde_json::to_value(rest).unwrap();
    assert_eq!(rest["headers"].get("X-Next-Offset"), None);
    assert_eq!(format!("{}{}", first["body"].as_str().unwrap(), rest["body"].as_str().unwrap()), bench.text());
}

#[test]
fn what_can_not_be_written_waits_and_the_error_is_shown() {
    let bench = Bench::new();
    let mut logger = bench.open(r#"{"paths":["*"],"interval":0,"maxBytes":1024}"#);
    // The next file can't be made: its name is taken by a directory.
    let next = bench.dir.path().join("log-000002.csv");
    std::fs::create_dir(&next).unwrap();
    for value in 0..40 {
        deliver(&mut logger, SELF, "navigation.speedOverGround", json!(value));
    }
    logger.poll();
    assert!(bench.server.errors()[0].contains("Can't write"), "{:?}", bench.server.errors());
    std::fs::remove_dir(&next).unwrap();
    logger.poll();
    assert!(bench.server.statuses().last().unwrap().contains("40 values"), "{:?}", bench.server.statuses());
    // What waits is bounded.
    std::fs::create_dir(bench.dir.path().join("log-000005.csv")).unwrap();
    for _ in 0..20 {
        deliver(&mut logger, SELF, "notes.text", json!("x".repeat(20_000)));
    }
    assert_eq!(logger.lost, 7);
}

#[test]
fn a_directory_that_can_not_be_used_fails_the_start() {
    let bench = Bench::new();
    let blocked = bench.dir.path().join("blocked");
    std::fs::write(&blocked, "a file").unwrap();
    let error = DataLogger::open(Config::default(), &blocked).unwrap_err().to_string();
    assert!(error.contains("private directory"), "{error}");
    let config: Config = serde_json::from_str(r#"{"paths":[]}"#).unwrap();
    assert!(DataLogger::open(config, bench.dir.path()).is_err());
}
