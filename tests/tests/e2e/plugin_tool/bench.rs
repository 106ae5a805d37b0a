//! `windlass plugin bench`: figures, for modules with and without handlers.

use serde_json::json;
use windlass_tests::WatPlugin;

use super::{package, temporary, tool, write};

/// The number that stands before a unit, in the row that begins with `name`.
fn figure(out: &str, name: &str, after: &str) -> f64 {
    let row = out.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no row {name}: {out}"));
    let (_, rest) = row.split_once(after).unwrap_or_else(|| panic!("{after:?} is missing: {row}"));
    let number = rest.trim_start().split(' ').next().unwrap_or_default();
    number.parse().unwrap_or_else(|_| panic!("{number:?} is no number: {row}"))
}

#[test]
fn figures_are_printed() {
    let place = temporary();
    package(place.path(), &WatPlugin::echo("test.echo").wasm(), json!({}));
    let out = tool(&["bench", place.path().to_str().unwrap(), "--deltas", "2000"]).succeeded();
    for name in ["delta_handler", "poll"] {
        assert!(figure(&out, name, "median") > 0.0, "{out}");
        assert!(figure(&out, name, "p95") > 0.0, "{out}");
    }
    assert!(out.contains("20 batches of 100") && out.contains("1.00 emitted for each"), "{out}");
    assert!(figure(&out, "start-up", "start-up") > 0.0 && out.contains("from the cache"), "{out}");
    assert_eq!(figure(&out, "memory", "memory"), 4096.0, "64 pages: {out}");
}

#[test]
fn the_delta_can_be_chosen_and_a_plugin_that_fails_has_no_figures() {
    let place = temporary();
    let delta = place.path().join("delta.json");
    write(&delta, "{\n \"updates\": [ ] }");
    let module = place.path().join("echo.wasm");
    write(&module, WatPlugin::echo("test.echo").wasm());
    let arguments = |file: &std::path::Path| {
        let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
        ["bench".to_owned(), path(file), "--delta".to_owned(), path(&delta), "--deltas".to_owned(), "100".to_owned()]
    };
    let out = tool(&arguments(&module)).succeeded();
    assert!(out.contains("14 B a delta"), "white space is taken out: {out}");
    write(&module, WatPlugin::new().body("delta_handler", "unreachable").wasm());
    let reason = tool(&arguments(&module)).failed();
    assert!(reason.contains("delta_handler"), "{reason}");
    write(&module, WatPlugin::new().body("plugin_start", "(i32.const 7)").wasm());
    let reason = tool(&arguments(&module)).failed();
    assert!(reason.contains("error code 7"), "{reason}");
    write(&delta, "{");
    let reason = tool(&arguments(&module)).failed();
    assert!(reason.contains("no JSON"), "{reason}");
}
