//! HTTP requests of AssemblyScript plugins, against a real server on the loopback interface.

use std::{
    net::TcpListener,
    process::Command,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use windlass_wasm_host::{Capabilities, Deadlines, HandlerKind, Limits, NetworkAccess, Sandbox};

use super::{
    support::*,
    web::{self, Web},
};

const URL: u32 = 1024;
const BODY: u32 = 8192;
/// An `Array<Array<string>>` with one row.
const HEADERS: u32 = 12_288;

/// The parts of a module that fetches: `$get`, `$post` and `$later` do one request each; what comes back is logged.
/// The functions that unwind trap, because this host never needs them.
pub fn fetching(url: &str, body: &[u8], header: (&str, &str)) -> (String, String) {
    let imports = r#"
        (import "env" "sk_debug" (func $debug (param i32 i32)))
        (import "env" "sk_has_capability" (func $has (param i32 i32) (result i32)))
        (import "as-fetch" "_initAsyncify" (func $init (param i32 i32)))
        (import "as-fetch" "_fetchGETSync" (func $fetch_get (param i32 i32 i32) (result i32)))
        (import "as-fetch" "_fetchPOSTSync" (func $fetch_post (param i32 i32 i32 i32) (result i32)))
        (import "as-fetch" "_fetchGET" (func $fetch_get_later (param i32 i32 i32 i32)))
        (import "as-fetch" "_fetchPOST" (func $fetch_post_later (param i32 i32 i32 i32 i32)))"#;
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let array = |at: u32, elements: &[u32]| {
        let count = elements.len() as u32;
        data(at, &words(&[at + 16, at + 16, 4 * count, count])) + &data(at + 16, &words(elements))
    };
    let mut buffer = words(&[0, 0, 0, 1, body.len() as u32]);
    buffer.extend_from_slice(body);
    let more = [
        managed_string(URL, url),
        data(BODY - 20, &buffer),
        array(HEADERS, &[HEADERS + 64]),
        array(HEADERS + 64, &[HEADERS + 200, HEADERS + 400]),
        managed_string(HEADERS + 200, header.0),
        managed_string(HEADERS + 400, header.1),
        data(600, b"network"),
        format!(
            r#"
            (global $state (mut i32) (i32.const 0))
            (func (export "asyncify_get_state") (result i32) (global.get $state))
            (func (export "asyncify_start_unwind") (param i32) (unreachable))
            (func (export "asyncify_stop_unwind") (unreachable))
            (func (export "asyncify_start_rewind") (param i32) (unreachable))
            (func (export "asyncify_stop_rewind") (unreachable))
            (func $log (param $buffer i32)
              (call $debug (local.get $buffer) (i32.load (i32.sub (local.get $buffer) (i32.const 4)))))
            (func $get (call $init (i32.const 8) (i32.const 16))
              (call $log (call $fetch_get (i32.const {URL}) (i32.const 2) (i32.const {HEADERS}))))
            (func $post
              (call $log (call $fetch_post (i32.const {URL}) (i32.const 1) (i32.const {HEADERS}) (i32.const {BODY}))))
            (func $later
              (call $fetch_get_later (i32.const {URL}) (i32.const 2) (i32.const 0) (i32.const 7))
              (call $fetch_post_later (i32.const {URL}) (i32.const 2) (i32.const {HEADERS}) (i32.const {BODY}) (i32.const 8)))
            (func (export "on_http") (param i32) (result i32) (call $get) (call $post) (i32.const 0))
            (func (export "responseHandler") (param $body i32) (param $status i32) (param $redirected i32) (param $id i32)
              (call $log (local.get $body))
              (i32.store8 (i32.const 700) (i32.add (i32.const 48) (local.get $id)))
              (i32.store8 (i32.const 701) (i32.add (i32.const 48) (i32.div_u (local.get $status) (i32.const 100))))
              (i32.store8 (i32.const 702) (i32.add (i32.const 48) (local.get $redirected)))
              (call $debug (i32.const 700) (i32.const 3)))"#
        ),
    ]
    .concat();
    (imports.to_owned(), more)
}

/// A plugin that sends one GET request when it is started.
pub fn getting(url: &str, access: NetworkAccess, limits: &Limits) -> Plugin {
    let (imports, more) = fetching(url, b"", ("x-key", "42"));
    let wat = Wat { imports: &imports, more: &more, start: "(call $get) (i32.const 0)", ..Wat::default() };
    Plugin::within(&wat.assembly_script(), networked(access), limits)
}

pub fn networked(access: NetworkAccess) -> Sandbox {
    Sandbox { capabilities: Capabilities { network: access, ..Capabilities::default() }, ..sandbox() }
}

pub fn listed(entries: &[&str]) -> NetworkAccess {
    serde_json::from_value(json!({ "allow": entries })).unwrap()
}

/// The loopback interface.
pub fn local() -> NetworkAccess {
    listed(&["127.0.0.0/8"])
}

#[test]
fn requests_work_from_every_export() {
    // ABI-76
    let server = Web::serve(|request, stream| {
        let body = request.split("\r\n\r\n").nth(1).unwrap_or_default();
        web::ok(stream, &format!("{} <{body}>", request.lines().next().unwrap()));
    });
    let (imports, more) = fetching(&server.url("/a?b=c"), "{\"name\":\"Tromsø\"}".as_bytes(), ("X-Key", "forty two"));
    let both = "(call $get) (call $post)";
    let zero = format!("{both} (i32.const 0)");
    let wat = Wat { imports: &imports, more: &more, start: &zero, poll: &zero, delta: both, ..Wat::default() };
    let mut plugin = Plugin::within(&wat.assembly_script(), networked(local()), &patient());
    plugin.guest.start("{}").unwrap();
    plugin.guest.poll().unwrap();
    plugin.guest.deliver("{}").unwrap();
    for kind in [HandlerKind::Http, HandlerKind::Put, HandlerKind::Provider] {
        plugin.guest.handle(kind, "on_http", "{}").unwrap();
    }
    let (get, post) = ("GET /a?b=c HTTP/1.1 <>", "POST /a?b=c HTTP/1.1 <{\"name\":\"Tromsø\"}>");
    assert_eq!(plugin.host.debug_lines(), [get, post].repeat(6));
    for request in server.requests() {
        assert!(request.to_ascii_lowercase().contains("\r\nx-key: forty two\r\n"), "{request}");
        assert!(!request.to_ascii_lowercase().contains("\r\ncookie:"), "{request}");
    }
    let fetches = plugin.guest.fetches();
    assert_eq!((fetches.sent, fetches.failed, fetches.refused, fetches.in_progress), (12, 0, 0, 0));
}

#[test]
fn the_result_of_start_is_the_real_one() {
    // ABI-77
    let server = Web::echo();
    let (imports, more) = fetching(&server.url("/"), b"", ("a", "b"));
    let start = "(call $get) (call $get) (call $get) (i32.const 7)";
    let wat = Wat { imports: &imports, more: &more, start, ..Wat::default() };
    let mut plugin = Plugin::within(&wat.assembly_script(), networked(local()), &patient());
    assert_eq!(plugin.guest.start("{}"), Ok(7));
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_server_that_does_not_answer_gives_an_empty_body() {
    // ABI-78
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = Web::serve(|_, _| thread::sleep(Duration::from_secs(60)));
    let limits = Limits { fetch_deadline: Duration::from_millis(300), ..patient() };
    for (case, url) in [("refused", format!("http://{refusing}/")), ("silent", silent.url("/?secret=1"))] {
        let mut plugin = getting(&url, local(), &limits);
        let begun = Instant::now();
        assert_eq!(plugin.guest.start("{}"), Ok(0), "{case}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{case}");
        assert_eq!(plugin.host.debug_lines().last().unwrap(), "", "{case}");
        let error = plugin.host.events().into_iter().find_map(|event| match event {
            Event::Error(text) => Some(text),
            _ => None,
        });
        let error = error.unwrap_or_else(|| panic!("{case}: no error was set"));
        assert!(error.contains("127.0.0.1") && !error.contains("secret"), "{case}: {error}");
        assert_eq!(plugin.guest.fetches().failed, 1, "{case}");
    }
}

#[test]
fn waiting_stops_the_clock_and_nobody_else() {
    // ABI-78: the answer takes longer than the call may.
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let server = Web::serve(move |_, stream| {
        released.lock().unwrap().recv().unwrap();
        web::ok(stream, "late");
    });
    let url = server.url("/");
    let limits = Limits { deadlines: Deadlines::all(Duration::from_millis(500)), ..Limits::default() };
    let waiting = thread::spawn(move || {
        let mut plugin = getting(&url, local(), &limits);
        (plugin.guest.start("{}"), plugin.host.debug_lines())
    });
    let begun = Instant::now();
    while server.requests().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(30));
        thread::sleep(Duration::from_millis(2));
    }
    let mut other = Plugin::load(&Wat::default().buffer());
    let asked = Instant::now();
    while asked.elapsed() < Duration::from_secs(1) {
        other.guest.poll().unwrap();
    }
    release.send(()).unwrap();
    let (result, lines) = waiting.join().unwrap();
    assert_eq!((result, lines), (Ok(0), vec!["late".to_owned()]));
}

#[test]
fn answers_never_reach_another_plugin() {
    // ABI-79
    let server = Web::echo();
    let plugins: Vec<_> = ["/a", "/b", "/c"]
        .map(|path| {
            let url = server.url(path);
            thread::spawn(move || {
                let mut plugin = getting(&url, local(), &patient());
                for _ in 0..20 {
                    plugin.guest.start("{}").unwrap();
                }
                assert_eq!(plugin.host.debug_lines(), vec![format!("GET {path} HTTP/1.1"); 20]);
            })
        })
        .into();
    for plugin in plugins {
        plugin.join().unwrap();
    }
}

#[test]
fn without_the_capability_the_answer_is_empty() {
    // ABI-80
    let server = Web::echo();
    let (imports, more) = fetching(&server.url("/"), b"", ("a", "b"));
    let wat = Wat {
        imports: &imports,
        more: &more,
        start: "(call $get) (call $post) (call $later) (call $has (i32.const 600) (i32.const 7))",
        ..Wat::default()
    };
    let mut plugin = Plugin::within(&wat.assembly_script(), sandbox(), &patient());
    assert_eq!(plugin.guest.start("{}"), Ok(0));
    assert_eq!(plugin.host.debug_lines(), ["", ""]);
    let denied = |import| Event::Denied(import, "network");
    for import in ["_fetchGETSync", "_fetchPOSTSync", "_fetchGET", "_fetchPOST"] {
        assert!(plugin.host.events().contains(&denied(import)), "{import}");
    }
    assert_eq!(plugin.guest.deliver_responses(), Ok(2), "also callbacks hear of it");
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn error_statuses_and_redirects_are_followed_to_their_body() {
    let server = Web::serve(|request, stream| {
        let path = request.split(' ').nth(1).unwrap();
        let number: u32 = path[1..].parse().unwrap_or(0);
        match path {
            "/broken" => web::respond(stream, "503 Unavailable", "", "try later"),
            "/moved" => web::respond(stream, "302 Found", "location: /here?x=1\r\n", "gone"),
            "/kept" => web::respond(stream, "307 Temporary Redirect", "location: /here\r\n", ""),
            _ if number > 0 => {
                web::respond(stream, "302 Found", &format!("location: /{}\r\n", number - 1), "");
            }
            _ => web::ok(stream, &format!("{} {path}", request.split(' ').next().unwrap())),
        }
    });
    for (path, get, post) in [
        ("/broken", "try later", "try later"),
        ("/moved", "GET /here?x=1", "GET /here?x=1"),
        ("/kept", "GET /here", "POST /here"),
        ("/5", "GET /0", "GET /0"),
        ("/6", "", ""),
    ] {
        let (imports, more) = fetching(&server.url(path), b"x", ("a", "b"));
        let wat =
            Wat { imports: &imports, more: &more, start: "(call $get) (call $post) (i32.const 0)", ..Wat::default() };
        let mut plugin = Plugin::within(&wat.assembly_script(), networked(local()), &patient());
        plugin.guest.start("{}").unwrap();
        let bodies: Vec<_> =
            plugin.host.debug_lines().into_iter().filter(|line| !line.starts_with("no answer")).collect();
        assert_eq!(bodies, [get, post], "{path}");
    }
}

#[test]
fn callbacks_get_their_answers_with_a_later_call() {
    let server = Web::serve(|request, stream| match request.starts_with("GET") {
        true => web::respond(stream, "404 Not Found", "", "nothing"),
        false => web::ok(stream, request.split("\r\n\r\n").nth(1).unwrap()),
    });
    let (imports, more) = fetching(&server.url("/"), b"payload", ("a", "b"));
    let wat = Wat { imports: &imports, more: &more, start: "(call $later) (i32.const 0)", ..Wat::default() };
    let mut plugin = Plugin::within(&wat.assembly_script(), networked(local()), &patient());
    plugin.guest.start("{}").unwrap();
    assert_eq!(plugin.host.debug_lines(), [""; 0], "nothing is delivered within the call");
    let begun = Instant::now();
    while plugin.guest.fetches().undelivered < 2 {
        assert!(begun.elapsed() < Duration::from_secs(30));
        thread::sleep(Duration::from_millis(2));
    }
    plugin.guest.poll().unwrap();
    // Callback, first digit of the status, whether redirected.
    let lines = plugin.host.debug_lines();
    let mut answers: Vec<&[String]> = lines.chunks(2).collect();
    answers.sort_by_key(|answer| &answer[1]);
    assert_eq!(answers, [["nothing", "740"], ["payload", "820"]]);
    assert_eq!(plugin.guest.deliver_responses(), Ok(0));
}

#[test]
fn failures_of_later_answers_are_held_to_the_rate_and_length_of_lines() {
    const ROUNDS: usize = 10;
    const LINES: u32 = 3;
    const LONGEST: usize = 30;
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (imports, more) = fetching(&format!("http://{refusing}/a/long/path/beyond/any/line"), b"", ("a", "b"));
    let wat = Wat { imports: &imports, more: &more, start: "(call $later) (i32.const 0)", ..Wat::default() };
    let limits = Limits { log_lines_per_second: LINES, log_line_bytes: LONGEST, ..patient() };
    let mut plugin = Plugin::within(&wat.assembly_script(), networked(local()), &limits);
    let begun = Instant::now();
    let mut delivered = 0;
    for _ in 0..ROUNDS {
        plugin.guest.start("{}").unwrap();
        while plugin.guest.fetches().undelivered < 2 {
            assert!(begun.elapsed() < Duration::from_secs(30));
            thread::sleep(Duration::from_millis(2));
        }
        delivered += plugin.guest.deliver_responses().unwrap();
    }
    assert_eq!((delivered, plugin.guest.fetches().failed), (2 * ROUNDS, 2 * ROUNDS as u64));
    let said: Vec<String> = plugin
        .host
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Debug(text) | Event::Error(text) => Some(text),
            _ => None,
        })
        .collect();
    assert!(said[0].starts_with("no answer from http://127.0.0"), "{said:?}");
    assert!(said.iter().all(|line| line.len() <= LONGEST), "{said:?}");
    // Each second that has begun lets some pass.
    let most = (begun.elapsed().as_secs() as usize + 1) * LINES as usize;
    assert!(said.len() <= most && most < 4 * ROUNDS, "{} lines, at most {most}", said.len());
    // Each answer that did not come is two lines, and the plugin's handler logs two.
    assert_eq!(plugin.guest.limit_use().lines_dropped, (2 * ROUNDS * 4 - said.len()) as u64);
}

#[test]
fn requests_are_limited_by_rate() {
    let server = Web::echo();
    let mut plugin = getting(&server.url("/"), local(), &Limits { fetches_per_minute: 3, ..patient() });
    for _ in 0..5 {
        plugin.guest.start("{}").unwrap();
    }
    assert_eq!(server.requests().len(), 3);
    assert_eq!((plugin.guest.fetches().sent, plugin.guest.fetches().refused), (3, 2));
}

#[test]
fn waiting_ends_when_the_server_shuts_down() {
    let runtime = windlass_wasm_host::Runtime::new(Default::default()).unwrap();
    let server = Web::serve(|_, _| thread::sleep(Duration::from_secs(60)));
    let url = server.url("/");
    let own = runtime.clone();
    let waiting = thread::spawn(move || {
        let (imports, more) = fetching(&url, b"", ("a", "b"));
        let wat = Wat { imports: &imports, more: &more, start: "(call $get) (i32.const 0)", ..Wat::default() };
        let wasm = wat::parse_str(wat.assembly_script()).unwrap();
        let compiled = own.compile_bytes(&wasm, &patient()).unwrap();
        let host = std::sync::Arc::new(Recorder::default());
        let mut guest = own.instantiate(&compiled, host, networked(local()), &patient()).unwrap();
        let begun = Instant::now();
        guest.start("{}").unwrap();
        begun.elapsed()
    });
    while server.requests().is_empty() {
        thread::sleep(Duration::from_millis(2));
    }
    runtime.abort_requests();
    assert!(waiting.join().unwrap() < Duration::from_secs(25), "it waited for its own deadline");
}

/// Runs another test of this file in a process whose environment names a proxy that does not exist.
#[test]
fn proxies_of_the_environment_are_not_used() {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "suite::fetch::the_result_of_start_is_the_real_one"])
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("http_proxy", "http://127.0.0.1:1")
        .env("ALL_PROXY", "http://127.0.0.1:1")
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn an_allocator_that_fetches_is_stopped_before_it_uses_up_the_host() {
    // `__new` fetches, which calls `__new`, and so on.
    let wat = r#"(module
        (import "as-fetch" "_fetchGETSync" (func $fetch (param i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "__new") (param i32 i32) (result i32) (call $fetch (i32.const 0) (i32.const 0) (i32.const 0)))
        (func (export "plugin_name") (result i32) (i32.const 0))
        (func (export "plugin_schema") (result i32) (i32.const 0))
        (func (export "plugin_start") (param i32 i32) (result i32) (call $fetch (i32.const 0) (i32.const 0) (i32.const 0)))
        (func (export "plugin_stop") (result i32) (i32.const 0)))"#;
    for capabilities in [nothing(), everything()] {
        let mut plugin = Plugin::within(wat, Sandbox { capabilities, ..sandbox() }, &patient());
        let error = plugin.guest.start("{}").expect_err("it can't go on");
        assert!(error.is_crash(), "{error}");
    }
}
