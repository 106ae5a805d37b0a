//! Attempts to reach with HTTP requests what a plugin may not reach, and answers meant to harm the server.

use std::{
    io::Write,
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use windlass_wasm_host::{Limits, NetworkAccess};

use super::{
    fetch::{fetching, getting, listed, local, networked},
    support::*,
    web::{self, Web},
};

/// What the plugin got, and what it was told beside it.
fn answer(plugin: &mut Plugin) -> (String, Vec<String>) {
    plugin.guest.start("{}").unwrap();
    let mut lines = plugin.host.debug_lines();
    (lines.pop().unwrap(), lines)
}

#[test]
fn disguised_addresses_are_recognised() {
    let server = Web::echo();
    let port = server.address.port();
    let any = NetworkAccess::Granted;
    let api = listed(&["api.example", "*.api.example"]);
    // Row: what is granted, the URL with PORT for the server's port, a part of the reason given.
    for (access, url, reason) in [
        (&any, "http://127.0.0.1:PORT/", "loopback"),
        (&any, "http://localhost:PORT/", "loopback"),
        (&any, "http://LOCALHOST.:PORT/", ""),
        (&any, "http://127.1:PORT/", "loopback"),
        (&any, "http://2130706433:PORT/", "loopback"),
        (&any, "http://0x7f000001:PORT/", "loopback"),
        (&any, "http://0x7f.0.0.1:PORT/", "loopback"),
        (&any, "http://017700000001:PORT/", "loopback"),
        (&any, "http://%31%32%37.0.0.1:PORT/", "loopback"),
        (&any, "http://\u{ff11}27.0.0.1:PORT/", "loopback"),
        (&any, "http://0.0.0.0:PORT/", "unspecified"),
        (&any, "http://0:PORT/", "unspecified"),
        (&any, "http://[::1]:PORT/", "loopback"),
        (&any, "http://[::]:PORT/", "unspecified"),
        (&any, "http://[::ffff:127.0.0.1]:PORT/", "loopback"),
        (&any, "http://[::ffff:7f00:1]:PORT/", "loopback"),
        (&any, "http://[64:ff9b::7f00:1]:PORT/", "loopback"),
        (&any, "http://169.254.169.254/latest/meta-data/", "link-local"),
        (&any, "http://[fe80::1]:PORT/", "link-local"),
        (&api, "http://127.0.0.1:PORT/", "loopback"),
        (&api, "http://localhost:PORT/", "not in the plugin's allow-list"),
        (&api, "http://api.example@127.0.0.1:PORT/", "user name"),
        (&api, "http://api.example:80@127.0.0.1:PORT/", "user name"),
        (&api, "http://127.0.0.1:PORT\\@api.example/", "loopback"),
        (&api, "http://127.0.0.1:PORT#@api.example/", "loopback"),
        (&api, "http://127.0.0.1:PORT?@api.example/", "loopback"),
        (&api, "http://api.example.evil.example:PORT/", "not in the plugin's allow-list"),
        (&api, "http://evilapi.example:PORT/", "not in the plugin's allow-list"),
        (&listed(&["127.0.0.1:1-79"]), "http://127.0.0.1:PORT/", "loopback"),
        (&listed(&["127.0.0.1:80", "0.0.0.0/0", "*"]), "http://127.0.0.1:PORT/", "loopback"),
        (&local(), "file:///etc/passwd", "file"),
        (&local(), "ftp://127.0.0.1:PORT/", "ftp"),
        (&local(), "gopher://127.0.0.1:PORT/_GET%20/", "gopher"),
        (&local(), "data:text/plain,x", "data"),
        (&local(), "unix:/run/docker.sock", "unix"),
        (&local(), "//127.0.0.1:PORT/", "not a URL"),
        (&local(), "", "not a URL"),
    ] {
        let url = url.replace("PORT", &port.to_string());
        let mut plugin = getting(&url, access.clone(), &patient());
        let (body, told) = answer(&mut plugin);
        assert_eq!(body, "", "{url} with {access}");
        assert!(told.iter().any(|line| line.contains(reason)), "{url} with {access}: {told:?}");
    }
    assert_eq!(server.requests(), [""; 0], "something got through");
    // The same server is reached by whoever may.
    let (body, _) = answer(&mut getting(&server.url("/"), listed(&[&format!("127.0.0.1:{port}")]), &patient()));
    assert_eq!(body, "GET / HTTP/1.1");
    let url = format!("http://localhost:{port}/");
    assert_eq!(answer(&mut getting(&url, listed(&["localhost"]), &patient())).0, "GET / HTTP/1.1");
}

#[test]
fn redirects_are_judged_like_requests() {
    let inner = Web::echo();
    let other = inner.address.port();
    for target in [
        inner.url("/"),
        format!("//127.0.0.1:{other}/"),
        format!("http://2130706433:{other}/"),
        format!("http://[::ffff:127.0.0.1]:{other}/"),
        format!("http://localhost:{other}/"),
        "file:///etc/passwd".to_owned(),
        "ftp://127.0.0.1/".to_owned(),
        "http://169.254.169.254/latest/".to_owned(),
        "http://user:word@127.0.0.1/".to_owned(),
        "http://".to_owned(),
    ] {
        let location = format!("location: {target}\r\n");
        let outer = Web::serve(move |_, stream| web::respond(stream, "302 Found", &location, "a redirect's body"));
        let entry = format!("127.0.0.1:{}", outer.address.port());
        let (body, _) = answer(&mut getting(&outer.url("/"), listed(&[&entry]), &patient()));
        assert_eq!(body, "", "{target}");
        assert_eq!(outer.requests().len(), 1, "{target}");
    }
    assert_eq!(inner.requests(), [""; 0]);
}

#[test]
fn credentials_do_not_follow_a_redirect_to_another_server() {
    let other = Web::echo();
    let location = format!("location: {}\r\n", other.url("/"));
    let first = Web::serve(move |_, stream| web::respond(stream, "302 Found", &location, ""));
    let (imports, more) = fetching(&first.url("/"), b"secret", ("Authorization", "Bearer word"));
    let wat = Wat { imports: &imports, more: &more, start: "(call $post) (i32.const 0)", ..Wat::default() };
    let mut plugin = Plugin::within(&wat.assembly_script(), networked(local()), &patient());
    plugin.guest.start("{}").unwrap();
    assert!(first.requests()[0].contains("Bearer word"));
    let second = other.requests().remove(0);
    assert!(second.starts_with("GET ") && !second.contains("word") && !second.contains("secret"), "{second}");
}

#[test]
fn headers_cannot_be_smuggled_in() {
    let server = Web::echo();
    for (name, value) in [
        ("x-a", "1\r\nx-evil: 1"),
        ("x-a", "1\nx-evil: 1"),
        ("x-a", "1\r\n\r\nGET /evil HTTP/1.1"),
        ("x-a", "nul\0"),
        ("x-a: 1\r\nx-evil", "1"),
        ("x a", "1"),
        ("", "1"),
    ] {
        let (imports, more) = fetching(&server.url("/"), b"", (name, value));
        let wat = Wat { imports: &imports, more: &more, start: "(call $get) (i32.const 0)", ..Wat::default() };
        let mut plugin = Plugin::within(&wat.assembly_script(), networked(local()), &patient());
        assert_eq!(answer(&mut plugin).0, "", "{name:?}: {value:?}");
    }
    assert_eq!(server.requests(), [""; 0]);

    // Headers that belong to the connection are left out.
    for (name, value) in [
        ("Host", "evil.example"),
        ("Content-Length", "999"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "upgrade"),
    ] {
        let (imports, more) = fetching(&server.url("/"), b"body", (name, value));
        let wat = Wat { imports: &imports, more: &more, start: "(call $post) (i32.const 0)", ..Wat::default() };
        let mut plugin = Plugin::within(&wat.assembly_script(), networked(local()), &patient());
        assert_eq!(answer(&mut plugin).0, "POST / HTTP/1.1", "{name}");
        let request = server.requests().pop().unwrap().to_ascii_lowercase();
        assert!(!request.contains(value) && request.contains(&format!("host: {}", server.address)), "{request}");
    }
}

/// Writes until the client stops it, and counts.
fn pour(stream: &mut TcpStream, head: &str, piece: &[u8], pause: Duration, poured: &AtomicUsize) {
    let mut result = stream.write_all(head.as_bytes());
    while result.is_ok() {
        result = stream.write_all(piece);
        poured.fetch_add(piece.len(), Ordering::Relaxed);
        thread::sleep(pause);
    }
}

#[test]
fn endless_and_oversized_answers_are_cut_off() {
    const LIMIT: u64 = 100_000;
    let chunk = format!("{:x}\r\n{}\r\n", 1000, "x".repeat(1000));
    let none = Duration::ZERO;
    // Row: what the server does, its head, what it goes on to write, how slowly.
    let rows: [(&str, String, Vec<u8>, Duration); 6] = [
        (
            "announces too much",
            "HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n".into(),
            vec![b'x'; 1000],
            none,
        ),
        ("never ends", "HTTP/1.1 200 OK\r\n\r\n".into(), vec![b'x'; 1000], none),
        ("sends chunks for ever", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".into(), chunk.into(), none),
        (
            "never ends its headers",
            "HTTP/1.1 200 OK\r\n".into(),
            b"x-header: more and more and more\r\n".to_vec(),
            none,
        ),
        ("drips", "HTTP/1.1 200 OK\r\n\r\n".into(), vec![b'x'], Duration::from_millis(20)),
        ("drips its headers", "HTTP/1.1 200 OK\r\nx-a: ".into(), vec![b'x'], Duration::from_millis(20)),
    ];
    for (case, head, piece, pause) in rows {
        let poured = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&poured);
        let server = Web::serve(move |_, stream| pour(stream, &head, &piece, pause, &counter));
        let limits = Limits { fetch_bytes: LIMIT, fetch_deadline: Duration::from_millis(700), ..patient() };
        let mut plugin = getting(&server.url("/"), local(), &limits);
        let begun = Instant::now();
        assert_eq!(answer(&mut plugin).0, "", "{case}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{case}");
        // The connection is closed, so the server notices.
        let stopped = loop {
            let before = poured.load(Ordering::Relaxed);
            thread::sleep(Duration::from_millis(200));
            if poured.load(Ordering::Relaxed) == before {
                break before;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{case}: the server could go on");
        };
        assert!(stopped < 64 << 20, "{case}: {stopped} bytes were taken");
    }
}

/// Bits, least significant first, as deflate wants them.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn push(&mut self, bits: &[u8]) {
        for bit in bits {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().unwrap() |= bit << (self.used % 8);
            self.used += 1;
        }
    }
}

/// A gzip file of `runs` × 258 zero bytes and one more, about 160 times smaller than that. Its checksum is wrong: nobody should get so
/// far.
fn bomb(runs: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    // The only block, with the fixed code; a zero; then again and again "258 bytes like the last one".
    bits.push(&[1, 1, 0]);
    bits.push(&[0, 0, 1, 1, 0, 0, 0, 0]);
    for _ in 0..runs {
        bits.push(&[1, 1, 0, 0, 0, 1, 0, 1]);
        bits.push(&[0, 0, 0, 0, 0]);
    }
    bits.push(&[0; 7]);
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    file.extend(bits.bytes);
    file.extend([0; 8]);
    file
}

#[test]
fn a_gzip_bomb_is_cut_off_at_its_decoded_size() {
    let file = bomb(400_000);
    assert!(file.len() < 1 << 20, "it is small on the wire");
    let server = Web::serve(move |_, stream| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", file.len());
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&file));
    });
    let mut plugin = getting(&server.url("/"), local(), &patient());
    let (body, told) = answer(&mut plugin);
    assert_eq!(body, "");
    assert!(told.iter().any(|line| line.contains("larger than 4194304 bytes")), "{told:?}");
}

#[test]
fn a_large_answer_within_the_limit_arrives_whole() {
    let server = Web::serve(|_, stream| web::ok(stream, &"0123456789".repeat(50_000)));
    let limits = Limits { log_line_bytes: 1 << 20, ..patient() };
    let (imports, more) = fetching(&server.url("/"), b"", ("a", "b"));
    let start = "(call $get) (i32.const 0)";
    let wat = Wat { imports: &imports, more: &more, start, pages: 20, ..Wat::default() };
    let mut plugin = Plugin::within(&wat.assembly_script(), networked(local()), &limits);
    assert_eq!(answer(&mut plugin).0, "0123456789".repeat(50_000));
}

#[test]
fn nonsense_instead_of_pointers_does_no_harm() {
    let server = Web::echo();
    let (imports, more) = fetching(&server.url("/"), b"", ("a", "b"));
    for (url, headers, body) in
        [(0, 0, 0), (-1, 0, 0), (1024, -1, 0), (1024, 1024, 0), (1024, 0, -1), (1024, 0, 1024), (19, 19, 19)]
    {
        let start = format!(
            "(call $log (call $fetch_post (i32.const {url}) (i32.const 1) (i32.const {headers}) (i32.const {body})))
             (i32.const 0)"
        );
        let wat = Wat { imports: &imports, more: &more, start: &start, ..Wat::default() };
        let mut plugin = Plugin::within(&wat.assembly_script(), networked(local()), &patient());
        assert_eq!(answer(&mut plugin).0, "", "{url} {headers} {body}");
    }
    assert_eq!(server.requests(), [""; 0]);
}

#[test]
fn headers_that_all_point_to_one_large_text_are_bounded() {
    // Rows of names and values that share one string each: little memory in the guest, much in a request.
    let server = Web::echo();
    for (rows, length, sent) in
        [(1, 30_000, true), (2, 30_000, true), (3, 30_000, false), (64, 30_000, false), (65, 1, false)]
    {
        let (imports, more) = fetching(&server.url("/"), b"", ("x", "y"));
        const ROWS: u32 = 16_384;
        const VALUE: u32 = 24_576;
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        let array = |at: u32, elements: &[u32]| {
            let count = elements.len() as u32;
            data(at, &words(&[at + 16, at + 16, 4 * count, count])) + &data(at + 16, &words(elements))
        };
        let row = ROWS + 1024;
        let more = more
            + &array(ROWS, &vec![row; rows])
            + &array(row, &[row + 128, VALUE])
            + &managed_string(row + 128, "x-long")
            + &managed_string(VALUE, &"v".repeat(length));
        let start =
            format!("(call $log (call $fetch_get (i32.const 1024) (i32.const 2) (i32.const {ROWS}))) (i32.const 0)");
        let wat = Wat { imports: &imports, more: &more, start: &start, pages: 8, ..Wat::default() };
        // The texts lie below where its allocator begins.
        let wat = wat
            .assembly_script()
            .replace("(global $used (mut i32) (i32.const 65536))", "(global $used (mut i32) (i32.const 131072))");
        let mut plugin = Plugin::within(&wat, networked(local()), &patient());
        let (body, told) = answer(&mut plugin);
        assert_eq!(body, if sent { "GET / HTTP/1.1" } else { "" }, "{rows} rows of {length}: {told:?}");
        assert_eq!(told.is_empty(), sent, "{told:?}");
    }
    assert_eq!(server.requests().len(), 2);
}
