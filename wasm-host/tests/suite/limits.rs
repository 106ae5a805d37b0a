//! What is told of a plugin's limits: how far it goes towards each, and how often it wanted more.

use std::time::{Duration, Instant};

use windlass_wasm_host::{HandlerKind, LimitUse, Limits, Sandbox};

use super::{
    fetch::{getting, local},
    support::*,
    wasi,
    web::Web,
};

#[test]
fn tables_are_shown_and_their_refusals_counted() {
    let grow = |by: i32| format!("(table.grow $t (ref.null func) (i32.const {by}))");
    let wat =
        Wat { more: "(table $t 10 funcref)", start: &grow(90), poll: &grow(1), stop: &grow(-1), ..Wat::default() };
    let mut plugin = Plugin::within(&wat.buffer(), sandbox(), &Limits { table_elements: 100, ..patient() });
    let mut seen = vec![plugin.guest.limit_use()];
    assert_eq!(plugin.guest.start("{}"), Ok(10));
    seen.push(plugin.guest.limit_use());
    assert_eq!(plugin.guest.poll(), Ok(-1), "one more than the limit");
    assert_eq!(plugin.guest.stop(), Ok(-1));
    seen.push(plugin.guest.limit_use());
    let figures: Vec<_> = seen.iter().map(|used| (used.table_elements, used.tables_refused)).collect();
    assert_eq!(figures, [(10, 0), (100, 0), (100, 2)]);
}

#[test]
fn a_table_without_growth_and_a_module_without_tables_count_nothing() {
    for more in ["(table 7 funcref)", ""] {
        let mut plugin = Plugin::load(&Wat { more, ..Wat::default() }.buffer());
        let used = plugin.guest.limit_use();
        assert_eq!((used.table_elements, used.tables_refused), (if more.is_empty() { 0 } else { 7 }, 0), "{more}");
    }
}

#[test]
fn the_hidden_counters_cannot_be_reached_or_replaced() {
    // A module that exports what the counters are called, and one that looks for a handler of that name.
    let name = "windlass refused to grow table 0";
    let more = format!(
        r#"(table $t 1 funcref) (global (export "{name}") (mut i32) (i32.const 77))
        (func (export "grow") (result i32) (table.grow $t (ref.null func) (i32.const 1000)))"#
    );
    let limits = Limits { table_elements: 100, ..patient() };
    let mut plugin = Plugin::within(&Wat { more: &more, ..Wat::default() }.buffer(), sandbox(), &limits);
    assert!(!plugin.guest.has_handler(HandlerKind::Http, name));
    plugin.guest.handle(HandlerKind::Http, "grow", "").expect_err("-1 is no length of an answer");
    assert_eq!(plugin.guest.limit_use().tables_refused, 1, "not 77, nor 78");
}

#[test]
fn refused_writes_and_files_are_counted() {
    let root = tempfile::tempdir().unwrap();
    // A file of the allowed size, one byte more, twice, and as many more files as fit, and one.
    let start = "(local $e i32) (local $k i32)
        (drop (call $open (i32.const 1024) (i32.const 6) (i32.const 1)))
        (drop (call $write (i32.load (i32.const 0)) (i32.const 2048) (i32.const 1000)))
        (drop (call $write (i32.load (i32.const 0)) (i32.const 2048) (i32.const 1)))
        (drop (call $fd_filestat_set_size (i32.load (i32.const 0)) (i64.const 1001)))
        (loop $next
          (i32.store8 (i32.const 1029) (i32.add (i32.const 97) (local.get $k)))
          (local.set $e (call $open (i32.const 1024) (i32.const 6) (i32.const 1)))
          (local.set $k (i32.add (local.get $k) (i32.const 1)))
          (br_if $next (i32.eqz (local.get $e))))
        (local.get $k)";
    let limits = Limits { file_bytes: 1000, files: 8, ..patient() };
    // `data`, `config`, `tmp`, and the first file are there: four more fit.
    let (opened, mut plugin) = wasi::run(start, &[(1024, "data/_")], &root, &limits);
    assert_eq!(opened, 5);
    let used = plugin.guest.limit_use();
    assert_eq!((used.file_bytes_refused, used.files_refused), (2, 1));
}

#[test]
fn the_largest_answer_and_those_that_were_too_large_are_told() {
    let answer = format!("(if (result i32) (i32.eqz (local.get $l)) (then {}) (else (local.get $l)))", give(1024, 300));
    let handler = format!(
        r#"(func (export "answer") (param $q i32) (param $l i32) (param $p i32) (param $n i32) (result i32) {answer})
        (func (export "too_much") (param $q i32) (param $l i32) (param $p i32) (param $n i32) (result i32)
          (i32.add (local.get $n) (i32.const 1)))"#
    );
    let wat = Wat { more: &(handler + &data(1024, &[b'x'; 300])), ..Wat::default() };
    let mut plugin = Plugin::load(&wat.buffer());
    for request in ["", "12345"] {
        plugin.guest.handle(HandlerKind::Http, "answer", request).unwrap();
        let used = plugin.guest.limit_use();
        assert_eq!((used.largest_answer, used.answers_refused), (300, 0), "the peak");
    }
    plugin.guest.handle(HandlerKind::Http, "too_much", "").unwrap_err();
    assert_eq!((plugin.guest.limit_use().largest_answer, plugin.guest.limit_use().answers_refused), (300, 1));

    let strings = managed_string(1024, &"ø".repeat(100)) + &managed_string(4096, &"x".repeat(101));
    let handlers = r#"(func (export "answer") (result i32) (i32.const 1024))
        (func (export "too_much") (result i32) (i32.const 4096))"#;
    let wat = Wat { more: &(strings + handlers), ..Wat::default() };
    let mut plugin = Plugin::within(&wat.assembly_script(), sandbox(), &Limits { answer_bytes: 100, ..patient() });
    plugin.guest.handle(HandlerKind::Http, "answer", "{}").unwrap();
    plugin.guest.handle(HandlerKind::Http, "too_much", "{}").unwrap_err();
    let used = plugin.guest.limit_use();
    assert_eq!((used.largest_answer, used.answers_refused), (200, 1));
}

#[test]
fn requests_of_the_minute_are_told() {
    let server = Web::echo();
    let begun = Instant::now();
    let mut plugin = getting(&server.url("/"), local(), &Limits { fetches_per_minute: 3, ..patient() });
    for (sent, refused) in [(1, 0), (2, 0), (3, 0), (3, 1), (3, 2)] {
        plugin.guest.start("{}").unwrap();
        let LimitUse { fetches, fetches_until, .. } = plugin.guest.limit_use();
        assert_eq!((fetches, plugin.guest.fetches().refused), (sent, refused));
        let until = fetches_until.expect("a minute has begun");
        assert!(until >= begun && until <= Instant::now() + Duration::from_secs(60));
    }
}

#[test]
fn dropped_lines_are_counted() {
    let imports = r#"(import "env" "sk_debug" (func $debug (param i32 i32)))"#;
    let start = "(loop $next
          (call $debug (i32.const 1024) (i32.const 5))
          (global.set $n (i32.add (global.get $n) (i32.const 1)))
          (br_if $next (i32.lt_u (global.get $n) (i32.const 5000))))
        (i32.const 0)";
    let more = data(1024, b"again") + "(global $n (mut i32) (i32.const 0))";
    let wat = Wat { imports, start, more: &more, ..Wat::default() };
    let mut plugin = Plugin::within(&wat.buffer(), Sandbox { ..sandbox() }, &patient());
    plugin.guest.start("{}").unwrap();
    let passed = plugin.host.debug_lines().len() as u64;
    assert!(passed >= u64::from(Limits::default().log_lines_per_second), "{passed}");
    assert_eq!(plugin.guest.limit_use().lines_dropped, 5000 - passed);
}
