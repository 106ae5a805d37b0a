//! WASI as a guest sees it.

use std::{fs, time::Instant};

use windlass_wasm_host::{CallError, Limits, OutputStream, Sandbox};

use super::support::*;

/// A guest with the WASI functions the tests use and helpers around them. Addresses below 1024 are scratch.
fn guest(start: &str, poll: &str, texts: &[(u32, &str)]) -> String {
    let imports = [
        ("path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32"),
        ("fd_write", "i32 i32 i32 i32"),
        ("fd_read", "i32 i32 i32 i32"),
        ("fd_close", "i32"),
        ("fd_renumber", "i32 i32"),
        ("fd_filestat_set_size", "i32 i64"),
        ("fd_seek", "i32 i64 i32 i32"),
        ("path_unlink_file", "i32 i32 i32"),
        ("path_create_directory", "i32 i32 i32"),
        ("path_rename", "i32 i32 i32 i32 i32 i32"),
        ("path_symlink", "i32 i32 i32 i32 i32"),
        ("path_link", "i32 i32 i32 i32 i32 i32 i32"),
        ("fd_prestat_get", "i32 i32"),
        ("fd_readdir", "i32 i32 i32 i64 i32"),
        ("environ_get", "i32 i32"),
        ("environ_sizes_get", "i32 i32"),
        ("args_sizes_get", "i32 i32"),
        ("random_get", "i32 i32"),
        ("clock_time_get", "i32 i64 i32"),
        ("poll_oneoff", "i32 i32 i32 i32"),
        ("sock_accept", "i32 i32 i32"),
    ]
    .iter()
    .map(|(name, params)| {
        format!("(import \"wasi_snapshot_preview1\" \"{name}\" (func ${name} (param {params}) (result i32)))\n")
    })
    .collect::<String>()
        + "(import \"env\" \"sk_debug\" (func $debug (param i32 i32)))\n";
    let texts: String = texts.iter().map(|(at, text)| data(*at, text.as_bytes())).collect();
    Wat {
        imports: &imports,
        start,
        poll,
        more: &format!(
            r#"
            ;; Opens a path below `/`; leaves the error number, and the descriptor at 0.
            (func $open (param $path i32) (param $length i32) (param $oflags i32) (result i32)
              (local $rights i64)
              ;; Directories cannot be opened for writing.
              (local.set $rights (select (i64.const 0x1fffffbf) (i64.const 0x1fffffff) (i32.and (local.get $oflags) (i32.const 2))))
              (call $path_open (i32.const 3) (i32.const 1) (local.get $path) (local.get $length) (local.get $oflags)
                (local.get $rights) (local.get $rights) (i32.const 0) (i32.const 0)))
            (func $write (param $fd i32) (param $from i32) (param $length i32) (result i32)
              (i32.store (i32.const 16) (local.get $from))
              (i32.store (i32.const 20) (local.get $length))
              (call $fd_write (local.get $fd) (i32.const 16) (i32.const 1) (i32.const 24)))
            (func $read (param $fd i32) (param $to i32) (param $length i32) (result i32)
              (i32.store (i32.const 16) (local.get $to))
              (i32.store (i32.const 20) (local.get $length))
              (call $fd_read (local.get $fd) (i32.const 16) (i32.const 1) (i32.const 24)))
            (global $count (mut i32) (i32.const 0))
            {texts}"#
        ),
        ..Wat::default()
    }
    .buffer()
}

/// Loads a guest with a directory and returns what its start returned.
pub fn run(start: &str, texts: &[(u32, &str)], root: &tempfile::TempDir, limits: &Limits) -> (i32, Plugin) {
    let wat = guest(start, "(i32.const 0)", texts);
    let mut plugin = Plugin::within(&wat, in_directory(root.path().join("vfs")), limits);
    let result = plugin.guest.start("{}").unwrap_or_else(|error| panic!("{error}"));
    (result, plugin)
}

const CREATE: i32 = 1;
const EXCLUSIVE_CREATE: i32 = 1 | 4;

/// Code that returns a result other than 0 at once.
fn check(code: &str) -> String {
    format!("(if (local.tee $e {code}) (then (return (local.get $e))))")
}

#[test]
fn a_file_written_by_the_guest_is_in_its_directory_and_readable_after_a_restart() {
    // ABI-29
    let root = tempfile::tempdir().unwrap();
    let path = "data/state.json";
    let write = format!(
        "(local $e i32) {} {} {} (i32.const 0)",
        check(&format!("(call $open (i32.const 1024) (i32.const {}) (i32.const {CREATE}))", path.len())),
        check("(call $write (i32.load (i32.const 0)) (i32.const 2048) (i32.const 5))"),
        check("(call $fd_close (i32.load (i32.const 0)))"),
    );
    let (result, plugin) = run(&write, &[(1024, path), (2048, "state")], &root, &patient());
    assert_eq!(result, 0, "ABI-29");
    assert_eq!(fs::read_to_string(root.path().join("vfs/data/state.json")).unwrap(), "state", "ABI-29");
    assert!(root.path().join("vfs/config").is_dir() && root.path().join("vfs/tmp").is_dir());
    drop(plugin);

    let read = format!(
        "(local $e i32) {} {} (call $debug (i32.const 4096) (i32.load (i32.const 24))) (i32.const 0)",
        check(&format!("(call $open (i32.const 1024) (i32.const {}) (i32.const 0))", path.len())),
        check("(call $read (i32.load (i32.const 0)) (i32.const 4096) (i32.const 100))"),
    );
    let (result, plugin) = run(&read, &[(1024, path)], &root, &patient());
    assert_eq!(result, 0, "ABI-29");
    assert_eq!(plugin.host.debug_lines(), ["state"], "ABI-29");
}

#[test]
fn the_root_itself_can_be_written_and_listed_through_both_of_its_descriptors() {
    for root_fd in [3, 4] {
        let root = tempfile::tempdir().unwrap();
        let open = format!(
            "(call $path_open (i32.const {root_fd}) (i32.const 1) (i32.const 1024) (i32.const 3) (i32.const {CREATE})
               (i64.const 0x1fffffff) (i64.const 0x1fffffff) (i32.const 0) (i32.const 0))"
        );
        let code = format!(
            "(local $e i32) {} {} {} {} {} (call $debug (i32.const 8192) (i32.load (i32.const 32))) (i32.const 0)",
            check(&open),
            check("(call $write (i32.load (i32.const 0)) (i32.const 1024) (i32.const 3))"),
            check(&format!(
                "(call $path_rename (i32.const {root_fd}) (i32.const 1024) (i32.const 3)
                   (i32.const {root_fd}) (i32.const 1040) (i32.const 3))"
            )),
            check(&format!("(call $path_create_directory (i32.const {root_fd}) (i32.const 1056) (i32.const 3))")),
            check(&format!(
                "(call $fd_readdir (i32.const {root_fd}) (i32.const 8192) (i32.const 4096) (i64.const 0) (i32.const 32))"
            )),
        );
        let (result, plugin) = run(&code, &[(1024, "top"), (1040, "new"), (1056, "sub")], &root, &patient());
        assert_eq!(result, 0, "descriptor {root_fd}");
        assert_eq!(fs::read_to_string(root.path().join("vfs/new")).unwrap(), "top");
        let listing = &plugin.host.debug_lines()[0];
        for name in ["new", "sub", "data", "config", "tmp"] {
            assert!(listing.contains(name), "descriptor {root_fd}: {name} in {listing:?}");
        }
        assert!(!listing.contains("top"));
    }
}

#[test]
fn replacing_a_file_by_rename_shows_the_new_content() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("vfs/data")).unwrap();
    fs::write(root.path().join("vfs/data/b"), "old").unwrap();
    let code = format!(
        "(local $e i32) {} {} {} {} {} {} {} {} (call $debug (i32.const 4096) (i32.load (i32.const 24))) (i32.const 0)",
        check("(call $open (i32.const 1040) (i32.const 6) (i32.const 0))"),
        check("(call $read (i32.load (i32.const 0)) (i32.const 4096) (i32.const 100))"),
        check("(call $fd_close (i32.load (i32.const 0)))"),
        check(&format!("(call $open (i32.const 1024) (i32.const 6) (i32.const {CREATE}))")),
        check("(call $write (i32.load (i32.const 0)) (i32.const 2048) (i32.const 3))"),
        check(
            "(call $path_rename (i32.const 3) (i32.const 1024) (i32.const 6) (i32.const 3) (i32.const 1040) (i32.const 6))"
        ),
        check("(call $open (i32.const 1040) (i32.const 6) (i32.const 0))"),
        check("(call $read (i32.load (i32.const 0)) (i32.const 4096) (i32.const 100))"),
    );
    let (result, plugin) = run(&code, &[(1024, "data/a"), (1040, "data/b"), (2048, "new")], &root, &patient());
    assert_eq!(result, 0);
    assert_eq!(plugin.host.debug_lines(), ["new"]);
    assert!(!root.path().join("vfs/data/a").exists());
}

#[cfg(unix)]
#[test]
fn the_guest_cannot_leave_its_directory() {
    // ABI-30
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("secret"), "secret").unwrap();
    fs::create_dir(root.path().join("vfs-sibling")).unwrap();
    fs::create_dir(root.path().join("vfs")).unwrap();
    std::os::unix::fs::symlink("../secret", root.path().join("vfs/link")).unwrap();
    std::os::unix::fs::symlink(root.path(), root.path().join("vfs/out")).unwrap();
    let before = fs::read_dir(root.path()).unwrap().count();
    for path in
        ["../secret", "/../secret", "data/../../secret", "link", "out/secret", "/etc/passwd", "/proc/self/environ"]
    {
        let length = path.len();
        for flags in [0, CREATE, 8] {
            let code = format!("(call $open (i32.const 1024) (i32.const {length}) (i32.const {flags}))");
            let (result, _) = run(&code, &[(1024, path)], &root, &patient());
            // Creating below `/` what would be outside is allowed to make something inside, never outside.
            assert!(result != 0 || flags == CREATE, "ABI-30 {path} {flags}");
        }
        for code in [
            format!("(call $path_unlink_file (i32.const 3) (i32.const 1024) (i32.const {length}))"),
            format!(
                "(call $path_rename (i32.const 3) (i32.const 1024) (i32.const {length}) (i32.const 3) (i32.const 2048) (i32.const 6))"
            ),
            format!(
                "(call $path_symlink (i32.const 1024) (i32.const {length}) (i32.const 3) (i32.const 2048) (i32.const 6))"
            ),
            format!(
                "(call $path_link (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const {length}) (i32.const 3) (i32.const 2048) (i32.const 6))"
            ),
        ] {
            let (_, _) = run(&code, &[(1024, path), (2048, "data/x")], &root, &patient());
        }
        for planted in ["../planted", "out/planted", "/../vfs-sibling/planted"] {
            let code = format!(
                "(drop (call $path_create_directory (i32.const 3) (i32.const 1024) (i32.const {0})))
                 (call $open (i32.const 1024) (i32.const {0}) (i32.const {EXCLUSIVE_CREATE}))",
                planted.len()
            );
            run(&code, &[(1024, planted)], &root, &patient());
        }
    }
    assert_eq!(fs::read_to_string(root.path().join("secret")).unwrap(), "secret", "ABI-30");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), before, "ABI-30: nothing new outside");
    assert_eq!(fs::read_dir(root.path().join("vfs-sibling")).unwrap().count(), 0, "ABI-30");
    let (result, _) = run(
        "(call $path_symlink (i32.const 1024) (i32.const 1) (i32.const 3) (i32.const 1024) (i32.const 1))",
        &[(1024, "x")],
        &root,
        &patient(),
    );
    assert_eq!(result, 63, "ABI-30: EPERM");
}

#[test]
fn without_storage_there_are_no_files() {
    // ABI-30
    let open = "(call $open (i32.const 1024) (i32.const 6) (i32.const 1))";
    let wat = guest(open, "(call $fd_prestat_get (i32.const 4) (i32.const 0))", &[(1024, "data/x")]);
    let mut plugin = Plugin::load(&wat);
    assert_ne!(plugin.guest.start("{}").unwrap(), 0, "ABI-30");
    assert_eq!(plugin.guest.poll().unwrap(), 8, "ABI-30: no preopened directory");
}

#[test]
fn the_quota_is_reported_as_such() {
    let root = tempfile::tempdir().unwrap();
    let limits = Limits { file_bytes: 1000, ..patient() };
    let open = check(&format!("(call $open (i32.const 1024) (i32.const 6) (i32.const {CREATE}))"));
    let fd = "(i32.load (i32.const 0))";
    for code in [
        format!("(call $write {fd} (i32.const 8192) (i32.const 1001))"),
        format!("(call $fd_filestat_set_size {fd} (i64.const 1073741824))"),
        format!(
            "(drop (call $fd_seek {fd} (i64.const 1099511627776) (i32.const 0) (i32.const 32)))
             (call $write {fd} (i32.const 8192) (i32.const 1))"
        ),
    ] {
        let (result, _) = run(&format!("(local $e i32) {open} {code}"), &[(1024, "data/x")], &root, &limits);
        assert_eq!(result, 19, "EDQUOT from {code}");
        assert_eq!(fs::metadata(root.path().join("vfs/data/x")).unwrap().len(), 0);
    }
}

#[test]
fn open_files_are_limited_and_given_back_by_closing() {
    let root = tempfile::tempdir().unwrap();
    let limits = Limits { open_files: 5, ..patient() };
    // Opens a directory or file until refused; returns 100 times the number opened plus the error number.
    let loop_open = |flags| {
        format!(
            "(local $e i32)
            (loop $l
              (local.set $e (call $open (i32.const 1024) (i32.const 6) (i32.const {flags})))
              (if (i32.eqz (local.get $e))
                (then (global.set $count (i32.add (global.get $count) (i32.const 1))) (br $l))))"
        )
    };
    let result = "(i32.add (i32.mul (global.get $count) (i32.const 100)) (local.get $e))";
    for (path, flags) in [("data/x", CREATE), ("config", 2)] {
        let padded = format!("{path:/<6}");
        let (opened, _) = run(&format!("{} {result}", loop_open(flags)), &[(1024, &padded)], &root, &limits);
        assert_eq!(opened, 533, "EMFILE after five of {path}");
    }
    let closing = format!(
        "{} (drop (call $fd_close (i32.load (i32.const 0)))) (call $open (i32.const 1024) (i32.const 6) (i32.const 0))",
        loop_open(CREATE)
    );
    assert_eq!(run(&closing, &[(1024, "data/x")], &root, &limits).0, 0);
}

#[test]
fn renumbering_works_between_open_files_only() {
    let root = tempfile::tempdir().unwrap();
    let two = format!(
        "(local $e i32) (local $a i32) (local $b i32) {} (local.set $a (i32.load (i32.const 0))) {} (local.set $b (i32.load (i32.const 0)))",
        check(&format!("(call $open (i32.const 1024) (i32.const 6) (i32.const {CREATE}))")),
        check(&format!("(call $open (i32.const 1040) (i32.const 6) (i32.const {CREATE}))")),
    );
    let texts = [(1024, "data/a"), (1040, "data/b")];
    for (code, expected) in [
        ("(call $fd_renumber (local.get $a) (i32.const 4000000))", 8),
        ("(call $fd_renumber (local.get $a) (i32.const 1))", 8),
        ("(call $fd_renumber (i32.const 77) (local.get $b))", 8),
        ("(call $fd_renumber (local.get $a) (local.get $b))", 0),
        ("(drop (call $fd_renumber (local.get $a) (local.get $b))) (call $fd_close (local.get $a))", 8),
        (
            "(drop (call $fd_renumber (local.get $a) (local.get $b))) (call $write (local.get $b) (i32.const 1024) (i32.const 6))",
            0,
        ),
    ] {
        assert_eq!(run(&format!("{two} {code}"), &texts, &root, &patient()).0, expected, "{code}");
    }
    assert_eq!(fs::read_to_string(root.path().join("vfs/data/a")).unwrap(), "data/a");
}

#[test]
fn output_comes_as_lines() {
    // ABI-31
    let texts = [(2048, "one\ntwo\r\nthr"), (3072, "ee\n\npanicked"), (4096, "abcdefghijklmnopq\nz\n")];
    let wat = guest(
        "(drop (call $write (i32.const 1) (i32.const 2048) (i32.const 12)))
         (drop (call $write (i32.const 1) (i32.const 3072) (i32.const 4)))
         (call $write (i32.const 2) (i32.const 3076) (i32.const 8))",
        "(drop (call $write (i32.const 1) (i32.const 4096) (i32.const 20)))
         (call $read (i32.const 0) (i32.const 8192) (i32.const 100))",
        &texts,
    );
    let limits = Limits { log_line_bytes: 10, ..patient() };
    let mut plugin = Plugin::within(&wat, sandbox(), &limits);
    assert_eq!(plugin.guest.start("{}").unwrap(), 0);
    assert_eq!(plugin.guest.poll().unwrap(), 0, "standard input is at its end");
    let host = std::sync::Arc::clone(&plugin.host);
    drop(plugin);
    let line = |text: &str| Event::Line(OutputStream::Stdout, text.into());
    assert_eq!(
        host.events(),
        [
            line("one"),
            line("two"),
            line("three"),
            line(""),
            line("abcdefghij"),
            line("z"),
            Event::Line(OutputStream::Stderr, "panicked".into())
        ],
        "ABI-31"
    );
}

#[test]
fn absurd_lists_of_buffers_are_refused() {
    let wat = guest(
        "(call $fd_write (i32.const 1) (i32.const 8192) (i32.const 1025) (i32.const 24))",
        // Four overlapping buffers, each of the whole memory.
        "(local $i i32)
         (loop $l
           (i32.store (i32.add (i32.const 8196) (i32.mul (local.get $i) (i32.const 8))) (i32.const 262144))
           (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4))))
         (call $fd_write (i32.const 1) (i32.const 8192) (i32.const 4) (i32.const 24))",
        &[],
    );
    let mut plugin = Plugin::load(&wat);
    assert_eq!(plugin.guest.start("{}").unwrap(), 28);
    assert_eq!(plugin.guest.poll().unwrap(), 28);
    assert_eq!(plugin.host.events(), []);
}

#[test]
fn the_environment_is_what_we_pass() {
    // ABI-29
    let wat = guest(
        "(drop (call $environ_sizes_get (i32.const 0) (i32.const 4)))
         (drop (call $environ_get (i32.const 8192) (i32.const 9000)))
         (call $debug (i32.const 9000) (i32.load (i32.const 4)))
         (i32.load (i32.const 0))",
        "(drop (call $args_sizes_get (i32.const 0) (i32.const 4))) (i32.load (i32.const 0))",
        &[],
    );
    let environment = vec![("PLUGIN_ID".to_owned(), "@a/b".to_owned()), ("X".to_owned(), "ø".to_owned())];
    let mut plugin = Plugin::within(&wat, Sandbox { environment, ..sandbox() }, &patient());
    assert_eq!(plugin.guest.start("{}").unwrap(), 2, "ABI-29");
    assert_eq!(plugin.host.debug_lines(), ["PLUGIN_ID=@a/b\0X=ø\0"], "ABI-29");
    assert!(plugin.guest.poll().unwrap() <= 1, "ABI-29: argc small");
}

#[test]
fn clocks_and_random_numbers_work_and_sockets_do_not_exist() {
    let wat = guest(
        "(local $e i32)
         (drop (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 512)))
         (if (i64.lt_u (i64.load (i32.const 512)) (i64.const 1600000000000000000)) (then (return (i32.const 1))))
         (drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 512)))
         (drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 520)))
         (if (i64.lt_u (i64.load (i32.const 520)) (i64.load (i32.const 512))) (then (return (i32.const 2))))
         (if (i32.ne (call $clock_time_get (i32.const 9) (i64.const 0) (i32.const 512)) (i32.const 28)) (then (return (i32.const 3))))
         (if (i32.ne (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const -4)) (i32.const 21)) (then (return (i32.const 4))))
         (drop (call $random_get (i32.const 600) (i32.const 16)))
         (if (i64.eqz (i64.load (i32.const 600))) (then (return (i32.const 5))))
         (i32.const 0)",
        "(call $sock_accept (i32.const 3) (i32.const 0) (i32.const 0))",
        &[],
    );
    let mut plugin = Plugin::load(&wat);
    assert_eq!(plugin.guest.start("{}").unwrap(), 0);
    assert_eq!(plugin.guest.poll().unwrap(), 52);
}

/// Sleeps by `poll_oneoff` on one clock for so many nanoseconds; leaves the error number and the number of events at 700.
fn sleep(nanoseconds: i64) -> String {
    format!(
        "(i64.store (i32.const 8192) (i64.const 7)) (i32.store8 (i32.const 8200) (i32.const 0))
         (i32.store (i32.const 8208) (i32.const 1)) (i64.store (i32.const 8216) (i64.const {nanoseconds}))
         (call $poll_oneoff (i32.const 8192) (i32.const 9000) (i32.const 1) (i32.const 700))"
    )
}

#[test]
fn a_sleeping_guest_wakes_up_or_is_interrupted() {
    let wat =
        guest(&format!("{} (drop) (i32.load (i32.const 700))", sleep(30_000_000)), &sleep(3_600_000_000_000), &[]);
    let mut plugin = Plugin::load(&wat);
    let begun = Instant::now();
    assert_eq!(plugin.guest.start("{}").unwrap(), 1, "one event");
    assert!(begun.elapsed().as_millis() >= 30);

    let mut plugin = Plugin::within(&wat, sandbox(), &impatient());
    assert!(matches!(plugin.guest.poll(), Err(CallError::Deadline { .. })), "an hour is too long");
}

#[test]
fn proc_exit_in_a_call_is_a_crash() {
    let wat = Wat {
        imports: r#"(import "wasi_unstable" "proc_exit" (func $exit (param i32)))"#,
        poll: "(call $exit (i32.const 0)) (i32.const 0)",
        ..Wat::default()
    };
    let error = Plugin::load(&wat.buffer()).guest.poll().unwrap_err();
    assert!(matches!(error, CallError::Exit { code: 0, .. }) && error.is_crash(), "{error}");
}

#[test]
fn wild_pointers_get_an_error_number() {
    // ABI-93
    for (call, code) in [
        ("fd_write", "(call $fd_write (i32.const 1) (i32.const -8) (i32.const 2) (i32.const 24))"),
        (
            "fd_write buffers",
            "(i32.store (i32.const 16) (i32.const -4)) (i32.store (i32.const 20) (i32.const 100)) (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24))",
        ),
        ("path_open", "(call $open (i32.const -4) (i32.const 100) (i32.const 0))"),
        ("random_get", "(call $random_get (i32.const -4) (i32.const 100))"),
        ("environ_get", "(call $environ_get (i32.const -4) (i32.const -4))"),
        ("poll_oneoff", "(call $poll_oneoff (i32.const -4) (i32.const -4) (i32.const 1000) (i32.const -4))"),
    ] {
        let root = tempfile::tempdir().unwrap();
        let wat = guest(code, "(i32.const 0)", &[]);
        let environment = vec![("A".to_owned(), "b".to_owned())];
        let sandbox = Sandbox { environment, ..in_directory(root.path().join("vfs")) };
        let mut plugin = Plugin::within(&wat, sandbox, &patient());
        let result = plugin.guest.start("{}").unwrap_or_else(|error| panic!("ABI-93 {call}: {error}"));
        assert_ne!(result, 0, "ABI-93 {call}");
    }
}

#[test]
fn wasix_modules_find_what_stays_inside_the_sandbox() {
    let wat = |start: &str, poll: &str| {
        Wat {
            imports: r#"(import "wasix_32v1" "getcwd" (func $getcwd (param i32 i32) (result i32)))
                (import "wasix_32v1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
                (import "wasix_32v1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
                (import "wasix_32v1" "thread_sleep" (func $sleep (param i64) (result i32)))
                (import "wasix_32v1" "thread_spawn_v2" (func $spawn (param i32 i32) (result i32)))
                (import "wasix_32v1" "proc_fork" (func $fork (param i32 i32) (result i32)))
                (import "wasix_32v1" "sock_open" (func $socket (param i32 i32 i32 i32) (result i32)))
                (import "wasix_32v1" "callback_signal" (func $signal (param i32 i32)))"#,
            start,
            poll,
            more: &(data(512, b"Ahoy\n") + &data(600, b"../out") + &data(620, b"data/in")),
            ..Wat::default()
        }
        .buffer()
    };
    let root = tempfile::tempdir().unwrap();
    let own = || in_directory(root.path().join("vfs"));
    // Each leaves the error number; the calls that must fail are inverted, so that 0 is right everywhere.
    let right = "(call $signal (i32.const 512) (i32.const 4))
        (i32.store (i32.const 16) (i32.const 512)) (i32.store (i32.const 20) (i32.const 5))
        (i32.store (i32.const 40) (i32.const 100))
        (i32.or (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24))
        (i32.or (call $getcwd (i32.const 700) (i32.const 40))
        (i32.or (call $mkdir (i32.const 3) (i32.const 620) (i32.const 7))
        (i32.or (call $sleep (i64.const 1000))
        (i32.or (i32.eqz (call $mkdir (i32.const 3) (i32.const 600) (i32.const 6)))
        (i32.or (i32.ne (call $spawn (i32.const 0) (i32.const 0)) (i32.const 52))
        (i32.or (i32.ne (call $fork (i32.const 0) (i32.const 0)) (i32.const 52))
                (i32.ne (call $socket (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 0)) (i32.const 52)))))))))";
    let mut plugin = Plugin::within(&wat(right, "(i32.const 0)"), own(), &patient());
    assert_eq!(plugin.guest.start("{}").unwrap(), 0);
    assert!(plugin.host.events().contains(&Event::Line(OutputStream::Stdout, "Ahoy".into())));
    assert!(root.path().join("vfs/data/in").is_dir() && !root.path().join("out").exists());
    // An hour of sleep is interrupted like any other call.
    let mut plugin =
        Plugin::within(&wat("(i32.const 0)", "(call $sleep (i64.const 3600000000000))"), own(), &impatient());
    assert!(matches!(plugin.guest.poll(), Err(CallError::Deadline { .. })));
}

#[test]
fn the_own_directories_stay_and_trees_do_not_grow_without_end() {
    let root = tempfile::tempdir().unwrap();
    let vfs = root.path().join("vfs");
    // Removing and renaming `tmp`, and a directory 65 levels deep: all refused.
    let deep = vec!["d"; 65].join("/");
    let wat = guest(
        "(i32.or (i32.eqz (call $path_rename (i32.const 3) (i32.const 600) (i32.const 3) (i32.const 3) (i32.const 610) (i32.const 3)))
                 (i32.eqz (call $path_create_directory (i32.const 3) (i32.const 1100) (i32.const 129))))",
        "(i32.const 0)",
        &[(600, "tmp"), (610, "new"), (1100, &deep)],
    );
    let mut plugin = Plugin::within(&wat, in_directory(vfs.clone()), &patient());
    assert_eq!(plugin.guest.start("{}").unwrap(), 0);
    drop(plugin);
    // A file in the place of `tmp`, whoever has put it there, is no reason not to start.
    fs::remove_dir(vfs.join("tmp")).unwrap();
    fs::write(vfs.join("tmp"), "in the way").unwrap();
    Plugin::within(&wat, in_directory(vfs.clone()), &patient());
    assert!(vfs.join("tmp").is_dir());
}
