//! UDP and TCP sockets, against real ones on the loopback interface.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    time::{Duration, Instant},
};

use serde_json::json;
use socket2::{Domain, Protocol, Socket, Type};
use windlass_wasm_host::{Capabilities, HandlerKind, Limits, NetworkAccess, Sandbox};

use super::support::*;

/// Functions under test and what they take: `i` a number, `t` a text and `b` bytes (each pointer and length, from the request), `o` the
/// buffer for answers and its size, `a` and `p` the places for address and port, `m` a pointer as given.
const FUNCTIONS: &[(&str, &str)] = &[
    ("sk_udp_create", "i"),
    ("sk_udp_bind", "ii"),
    ("sk_udp_join_multicast", "itt"),
    ("sk_udp_leave_multicast", "itt"),
    ("sk_udp_set_multicast_ttl", "ii"),
    ("sk_udp_set_multicast_loopback", "ii"),
    ("sk_udp_set_broadcast", "ii"),
    ("sk_udp_send", "itib"),
    ("sk_udp_recv", "ioap"),
    ("sk_udp_pending", "i"),
    ("sk_udp_close", "i"),
    ("sk_tcp_create", ""),
    ("sk_tcp_connect", "iti"),
    ("sk_tcp_connected", "i"),
    ("sk_tcp_set_line_buffering", "ii"),
    ("sk_tcp_send", "imm"),
    ("sk_tcp_recv_line", "io"),
    ("sk_tcp_recv_raw", "io"),
    ("sk_tcp_pending", "i"),
    ("sk_tcp_close", "i"),
];

/// Requests are numbers of eight hexadecimal digits, then texts at every 256th character. Answers are the hexadecimal form of: result, port,
/// 64 bytes for the address, and as many bytes of data as the result says.
const TEXTS: usize = 256;
const RESULT: u32 = 0x7000;
const PORT: u32 = RESULT + 4;
const ADDRESS: u32 = PORT + 2;
const DATA: u32 = ADDRESS + 64;

fn module() -> String {
    let mut imports = String::new();
    let mut exports = String::new();
    for (name, takes) in FUNCTIONS {
        let mut params = 0;
        let mut args = String::new();
        let mut number = 0;
        let mut text = 1;
        let mut next = || {
            number += 1;
            format!("(call $number (local.get $p) (i32.const {})) ", (number - 1) * 8)
        };
        for kind in takes.chars() {
            match kind {
                'i' | 'm' => args += &next(),
                't' | 'b' => {
                    args += &format!("(i32.add (local.get $p) (i32.const {})) ", text * TEXTS);
                    args += &next();
                    text += 1;
                }
                'o' => {
                    args += &format!("(i32.const {DATA}) ");
                    args += &next();
                }
                'a' => args += &format!("(i32.const {ADDRESS}) "),
                'p' => args += &format!("(i32.const {PORT}) "),
                other => unreachable!("{other}"),
            }
            params += if "tbo".contains(kind) { 2 } else { 1 };
        }
        let params = "i32 ".repeat(params);
        let (result, call) = if name.ends_with("_close") {
            ("", format!("(call ${name} {args}) (i32.store (i32.const {RESULT}) (i32.const 0))"))
        } else {
            ("(result i32)", format!("(i32.store (i32.const {RESULT}) (call ${name} {args}))"))
        };
        imports += &format!("(import \"env\" \"{name}\" (func ${name} (param {params}) {result}))\n");
        exports += &format!(
            "(func (export \"do_{name}\") (param $p i32) (param $n i32) (param $out i32) (param $max i32) (result i32)
               (memory.fill (i32.const {RESULT}) (i32.const 255) (i32.const 70)) {call} (call $answer (local.get $out)))\n"
        );
    }
    let more = format!(
        r#"
        (func $digit (param $c i32) (result i32)
          (if (result i32) (i32.gt_u (local.get $c) (i32.const 57))
            (then (i32.sub (local.get $c) (i32.const 87))) (else (i32.sub (local.get $c) (i32.const 48)))))
        (func $number (param $p i32) (param $at i32) (result i32) (local $i i32) (local $v i32)
          (loop $next
            (local.set $v (i32.or (i32.shl (local.get $v) (i32.const 4))
              (call $digit (i32.load8_u (i32.add (i32.add (local.get $p) (local.get $at)) (local.get $i))))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $i) (i32.const 8))))
          (local.get $v))
        (func $hex (param $v i32) (result i32)
          (if (result i32) (i32.gt_u (local.get $v) (i32.const 9))
            (then (i32.add (local.get $v) (i32.const 87))) (else (i32.add (local.get $v) (i32.const 48)))))
        (func $answer (param $out i32) (result i32) (local $i i32) (local $n i32) (local $b i32)
          (local.set $n (i32.const 70))
          (if (i32.gt_s (i32.load (i32.const {RESULT})) (i32.const 0))
            (then (if (i32.lt_s (i32.load (i32.const {RESULT})) (i32.const 30000))
              (then (local.set $n (i32.add (local.get $n) (i32.load (i32.const {RESULT}))))))))
          (loop $next
            (local.set $b (i32.load8_u (i32.add (i32.const {RESULT}) (local.get $i))))
            (i32.store8 (i32.add (local.get $out) (i32.shl (local.get $i) (i32.const 1)))
              (call $hex (i32.shr_u (local.get $b) (i32.const 4))))
            (i32.store8 offset=1 (i32.add (local.get $out) (i32.shl (local.get $i) (i32.const 1)))
              (call $hex (i32.and (local.get $b) (i32.const 15))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $i) (local.get $n))))
          (i32.shl (local.get $n) (i32.const 1)))
        (func (export "do_crash") (param i32 i32 i32 i32) (result i32) (unreachable))
        {exports}"#
    );
    Wat { imports: &imports, more: &more, pages: 40, ..Wat::default() }.buffer()
}

/// A plugin whose socket functions the test calls one by one.
struct Sockets(Plugin);

enum Arg<'a> {
    Number(i32),
    Text(&'a str),
}

impl From<i32> for Arg<'_> {
    fn from(number: i32) -> Self {
        Arg::Number(number)
    }
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(text: &'a str) -> Self {
        Arg::Text(text)
    }
}

/// What a function returned and wrote.
#[derive(Debug)]
struct Outcome {
    result: i32,
    port: u16,
    /// Up to the zero byte.
    address: String,
    data: Vec<u8>,
}

macro_rules! call {
    ($sockets:expr, $name:ident $(, $arg:expr)*) => {
        $sockets.call(concat!("do_sk_", stringify!($name)), &[$(Arg::from($arg)),*])
    };
}

impl Sockets {
    fn with(access: NetworkAccess, limits: &Limits) -> Self {
        let capabilities = Capabilities { raw_sockets: access, ..Capabilities::default() };
        Self(Plugin::within(&module(), Sandbox { capabilities, ..sandbox() }, limits))
    }

    /// A plugin that may reach the loopback interface.
    fn local() -> Self {
        Self::with(listed(&["127.0.0.0/8", "[::1]", "localhost", "239.0.0.0/8"]), &patient())
    }

    fn call(&mut self, function: &str, args: &[Arg<'_>]) -> Outcome {
        let mut numbers = String::new();
        let mut texts = Vec::new();
        for arg in args {
            match arg {
                Arg::Number(number) => numbers += &format!("{number:08x}"),
                Arg::Text(text) => {
                    numbers += &format!("{:08x}", text.len());
                    texts.push(*text);
                }
            }
        }
        let mut request = format!("{numbers:<TEXTS$}");
        for text in texts {
            request += &format!("{text:<width$}", width = TEXTS - text.len() + text.chars().count());
        }
        let answer =
            self.0.guest.handle(HandlerKind::Http, function, &request).unwrap_or_else(|e| panic!("{e}")).unwrap();
        let bytes: Vec<u8> =
            (0..answer.len()).step_by(2).map(|at| u8::from_str_radix(&answer[at..at + 2], 16).unwrap()).collect();
        Outcome {
            result: i32::from_le_bytes(bytes[..4].try_into().unwrap()),
            port: u16::from_le_bytes([bytes[4], bytes[5]]),
            address: bytes[6..70]
                .split(|byte| *byte == 0)
                .next()
                .map(|text| String::from_utf8_lossy(text).into())
                .unwrap(),
            data: bytes[70..].to_vec(),
        }
    }

    /// A bound UDP socket and its port.
    fn bound(&mut self) -> (i32, u16) {
        let id = call!(self, udp_create, 0).result;
        for _ in 0..100 {
            let port = free_port();
            if call!(self, udp_bind, id, i32::from(port)).result == 0 {
                return (id, port);
            }
        }
        panic!("no port could be bound");
    }

    /// A TCP socket connected to a listener of the test's.
    fn connected(&mut self) -> (i32, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let id = call!(self, tcp_create).result;
        let port = i32::from(listener.local_addr().unwrap().port());
        assert_eq!(call!(self, tcp_connect, id, "127.0.0.1", port).result, 0);
        let (peer, _) = listener.accept().unwrap();
        until("the socket is connected", || call!(self, tcp_connected, id).result == 1);
        (id, peer)
    }
}

fn listed(entries: &[&str]) -> NetworkAccess {
    serde_json::from_value(json!({ "allow": entries })).unwrap()
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(30), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A UDP port that was free a moment ago.
fn free_port() -> u16 {
    UdpSocket::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn datagrams_travel_between_plugins() {
    // ABI-81
    let (mut a, mut b) = (Sockets::local(), Sockets::local());
    let (here, port) = a.bound();
    assert_eq!(here, 1, "numbers begin at 1 in every plugin");
    let there = call!(b, udp_create, 0).result;
    assert_eq!(call!(b, udp_send, there, "127.0.0.1", i32::from(port), "$GPRMC,ø").result, 9);
    until("the datagram arrives", || call!(a, udp_pending, here).result == 1);
    let got = call!(a, udp_recv, here, 100);
    assert_eq!((got.result, got.data, got.address.as_str()), (9, "$GPRMC,ø".as_bytes().to_vec(), "127.0.0.1"));
    assert_eq!(call!(a, udp_recv, here, 100).result, 0);

    // The port is where an answer goes, to a host name this time; what does not fit in the buffer is lost.
    assert_eq!(call!(a, udp_send, here, "localhost", i32::from(got.port), "abcdef").result, 6);
    until("the answer arrives", || call!(b, udp_pending, there).result == 1);
    assert_eq!(call!(b, udp_recv, there, 4).data, b"abcd");
    assert_eq!(call!(b, udp_recv, there, 4).result, 0);

    let (sent, received) = (a.0.guest.sockets(), b.0.guest.sockets());
    assert_eq!((sent.open, sent.datagrams_sent, sent.datagrams_received, sent.bytes_sent), (1, 1, 1, 6));
    assert_eq!((received.datagrams_received, received.bytes_received), (1, 6));
}

#[test]
fn binding_tells_the_truth() {
    // ABI-81
    let mut plugin = Sockets::local();
    let exclusive = UdpSocket::bind("0.0.0.0:0").unwrap();
    let used = i32::from(exclusive.local_addr().unwrap().port());
    let id = call!(plugin, udp_create, 0).result;
    for (case, id, port) in [("used", id, used), ("unknown", 99, 0), ("too large", id, 65_536), ("negative", id, -1)] {
        assert_eq!(call!(plugin, udp_bind, id, port).result, -1, "{case}");
    }
    assert_eq!(call!(plugin, udp_bind, id, 0).result, 0);
    assert_eq!(call!(plugin, udp_bind, id, 0).result, -1, "bound twice");
}

#[test]
fn options_set_before_binding_hold() {
    // ABI-81
    let mut plugin = Sockets::local();
    let id = call!(plugin, udp_create, 0).result;
    assert_eq!(call!(plugin, udp_send, id, "127.255.255.255", 9, "x").result, -1, "broadcast without the option");
    let id = call!(plugin, udp_create, 0).result;
    assert_eq!(call!(plugin, udp_set_broadcast, id, 1).result, 0);
    assert_eq!(call!(plugin, udp_send, id, "127.255.255.255", 9, "x").result, 1);
    let id = call!(plugin, udp_create, 0).result;
    for (name, result) in [
        ("ttl", call!(plugin, udp_set_multicast_ttl, id, 4)),
        ("loopback", call!(plugin, udp_set_multicast_loopback, id, 1)),
        ("join", call!(plugin, udp_join_multicast, id, "239.255.42.42", "127.0.0.1")),
    ] {
        assert_eq!(result.result, 0, "{name}");
    }
    assert_eq!(call!(plugin, udp_set_multicast_ttl, id, 256).result, -1);
    assert_eq!(call!(plugin, udp_join_multicast, id, "10.0.0.1", "").result, -1, "not a group");
    let port = free_port();
    assert_eq!(call!(plugin, udp_bind, id, i32::from(port)).result, 0);

    let sender = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
    sender.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
    let to: SocketAddr = format!("239.255.42.42:{port}").parse().unwrap();
    sender.send_to(b"joined", &to.into()).unwrap();
    until("the multicast arrives", || call!(plugin, udp_pending, id).result == 1);
    assert_eq!(call!(plugin, udp_recv, id, 10).data, b"joined");
    assert_eq!(call!(plugin, udp_leave_multicast, id, "239.255.42.42", "127.0.0.1").result, 0);
    assert_eq!(call!(plugin, udp_leave_multicast, id, "239.255.42.42", "127.0.0.1").result, -1, "left twice");
}

#[test]
fn ipv6_sockets_speak_both() {
    // ABI-81; a machine without IPv6 must say so.
    let mut plugin = Sockets::local();
    let id = call!(plugin, udp_create, 1).result;
    let Ok(peer) = UdpSocket::bind("[::1]:0") else {
        assert!(id == -1 || call!(plugin, udp_send, id, "::1", 9, "x").result == -1);
        return;
    };
    peer.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let port = i32::from(peer.local_addr().unwrap().port());
    assert_eq!(call!(plugin, udp_send, id, "::1", port, "six").result, 3);
    let mut buffer = [0; 10];
    let (size, from) = peer.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..size], b"six");
    peer.send_to(b"back", from).unwrap();
    until("the answer arrives", || call!(plugin, udp_pending, id).result == 1);
    let got = call!(plugin, udp_recv, id, 10);
    assert_eq!((got.data, got.address.as_str()), (b"back".to_vec(), "::1"));

    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    assert_eq!(call!(plugin, udp_send, id, "127.0.0.1", i32::from(peer.local_addr().unwrap().port()), "x").result, 1);
}

#[test]
fn the_newest_thousand_datagrams_are_kept() {
    // ABI-82
    let mut plugin = Sockets::local();
    let (id, port) = plugin.bound();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    for number in 0..1500u32 {
        sender.send_to(&number.to_le_bytes(), ("127.0.0.1", port)).unwrap();
        // The system's own buffer is smaller: give the host time to empty it.
        if number % 50 == 49 {
            until("they are received", || plugin.0.guest.sockets().datagrams_received == u64::from(number) + 1);
        }
    }
    assert_eq!(call!(plugin, udp_pending, id).result, 1000);
    for number in 500..1500u32 {
        assert_eq!(call!(plugin, udp_recv, id, 10).data, number.to_le_bytes());
    }
    assert_eq!(plugin.0.guest.sockets().datagrams_dropped, 500);
}

#[test]
fn lines_and_raw_bytes_arrive_whole() {
    // ABI-83
    let mut plugin = Sockets::local();
    let (id, mut peer) = plugin.connected();
    peer.write_all("$GPGGA,1\r\n\r\n\nTroms\u{f8}"[..].as_bytes().split_last().unwrap().1).unwrap();
    peer.write_all(b"\xb8\nlast").unwrap();
    until("two lines wait", || call!(plugin, tcp_pending, id).result == 2);
    assert_eq!(call!(plugin, tcp_recv_line, id, 100).data, b"$GPGGA,1");
    // The rest of a line that does not fit comes next.
    assert_eq!(call!(plugin, tcp_recv_line, id, 4).data, b"Trom");
    assert_eq!(call!(plugin, tcp_recv_line, id, 4).data, "sø".as_bytes());
    assert_eq!(call!(plugin, tcp_recv_line, id, 4).result, 0);

    // The unfinished line becomes raw data.
    assert_eq!(call!(plugin, tcp_set_line_buffering, id, 0).result, 0);
    peer.write_all(b"\x00\xff\r\n\r\nbinary").unwrap();
    let mut all = Vec::new();
    until("all bytes have come", || {
        all.extend(call!(plugin, tcp_recv_raw, id, 3).data);
        all.len() >= 16
    });
    assert_eq!(all, b"last\x00\xff\r\n\r\nbinary");
}

#[test]
fn the_state_of_a_connection_is_told() {
    // ABI-84: a listener whose queue is full leaves the next connection waiting.
    let listener = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let fills = TcpStream::connect(address).unwrap();
    let mut plugin = Sockets::local();
    let id = call!(plugin, tcp_create).result;
    assert_eq!(call!(plugin, tcp_connected, id).result, 0);
    assert_eq!(call!(plugin, tcp_connect, id, "127.0.0.1", i32::from(address.port())).result, 0);
    assert_eq!(call!(plugin, tcp_connect, id, "127.0.0.1", i32::from(address.port())).result, -1, "twice");
    assert_eq!(call!(plugin, tcp_connected, id).result, 0);
    assert_eq!(call!(plugin, tcp_send, id, 0, 10).result, -1, "not connected");

    drop((listener.accept().unwrap(), fills));
    let (peer, _) = listener.accept().unwrap();
    until("it is connected", || call!(plugin, tcp_connected, id).result == 1);
    peer.send(b"one\ntwo").unwrap();
    drop(peer);
    // What came before the end stays readable; a last line without an end is one.
    until("the end arrives", || call!(plugin, tcp_connected, id).result == 0);
    assert_eq!(call!(plugin, tcp_recv_line, id, 10).data, b"one");
    assert_eq!(call!(plugin, tcp_connected, id).result, 0);
    assert_eq!(call!(plugin, tcp_recv_line, id, 10).data, b"two");
    assert_eq!(call!(plugin, tcp_connected, id).result, -1);
    assert_eq!(plugin.0.guest.sockets().open, 0, "a socket that is over is forgotten");

    // A refused connection.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let id = call!(plugin, tcp_create).result;
    assert_eq!(call!(plugin, tcp_connect, id, "127.0.0.1", i32::from(closed)).result, 0);
    until("it fails", || call!(plugin, tcp_connected, id).result == -1);
    assert!(plugin.0.host.debug_lines().iter().any(|line| line.contains("127.0.0.1") && line.contains("refused")));
}

#[test]
fn sending_stops_when_nobody_reads() {
    let mut plugin = Sockets::local();
    let (id, mut peer) = plugin.connected();
    let piece = 1 << 20;
    let mut accepted = 0i64;
    let last = loop {
        let result = call!(plugin, tcp_send, id, 0, piece).result;
        assert!((0..=piece).contains(&result));
        accepted += i64::from(result);
        if result == 0 {
            break result;
        }
        assert!(accepted < 100 << 20, "far more than any buffer holds was accepted");
    };
    assert_eq!(last, 0);
    // Everything accepted arrives, once it is read.
    peer.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut buffer = vec![0; 1 << 16];
    let mut received = 0;
    while received < accepted {
        received += peer.read(&mut buffer).unwrap() as i64;
    }
    assert_eq!(received, accepted);
    until("there is room", || call!(plugin, tcp_send, id, 0, 10).result == 10);
}

#[test]
fn sockets_belong_to_one_plugin_and_end_with_it() {
    // ABI-85
    for crash in [false, true] {
        let (mut owner, mut other) = (Sockets::local(), Sockets::local());
        let (udp, port) = owner.bound();
        let (tcp, mut peer) = owner.connected();
        assert_eq!(call!(other, udp_send, udp, "127.0.0.1", 9, "x").result, -1);
        assert_eq!(call!(other, udp_recv, udp, 10).result, -1);
        assert_eq!(call!(other, tcp_send, tcp, 0, 1).result, -1);
        assert_eq!(call!(other, tcp_connected, tcp).result, -1);
        call!(other, udp_close, udp);
        call!(other, tcp_close, tcp);
        assert_eq!(call!(owner, tcp_connected, tcp).result, 1, "closing one's own number closes nobody else's socket");
        assert!(UdpSocket::bind(("0.0.0.0", port)).is_err());

        if crash {
            assert!(owner.0.guest.handle(HandlerKind::Http, "do_crash", "").unwrap_err().is_crash());
        } else {
            owner.0.guest.stop().unwrap();
        }
        drop(owner);
        peer.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        assert_eq!(peer.read(&mut [0; 10]).unwrap(), 0, "crash: {crash}");
        UdpSocket::bind(("0.0.0.0", port)).unwrap_or_else(|error| panic!("crash: {crash}: {error}"));
    }
}

#[test]
fn nothing_works_without_the_capability() {
    // ABI-86
    let mut plugin = Sockets::with(NetworkAccess::Denied, &patient());
    for (name, takes) in FUNCTIONS.iter().filter(|(name, _)| !name.ends_with("_close")) {
        let args: Vec<Arg<'_>> = takes
            .chars()
            .filter(|kind| !"ap".contains(*kind))
            .map(|kind| if "tb".contains(kind) { Arg::Text("x") } else { Arg::Number(1) })
            .collect();
        assert_eq!(plugin.call(&format!("do_{name}"), &args).result, -1, "{name}");
        assert_eq!(plugin.0.host.events().last(), Some(&Event::Denied(name, "rawSockets")), "{name}");
    }
}

#[test]
fn only_listed_addresses_are_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = i32::from(listener.local_addr().unwrap().port());
    let any = NetworkAccess::Granted;
    let this = listed(&[&format!("127.0.0.1:{port}")]);
    let others = listed(&["10.0.0.0/8", "0.0.0.0/0", &format!("127.0.0.1:{}", port ^ 1)]);
    // Row: what is granted, the host, whether it is reached.
    for (access, host, reached) in [
        (&this, "127.0.0.1", true),
        (&this, "localhost", true),
        (&any, "127.0.0.1", false),
        (&any, "localhost", false),
        (&any, "::ffff:127.0.0.1", false),
        (&any, "0.0.0.0", false),
        // Spellings that only the system's resolver takes for an address.
        (&any, "2130706433", false),
        (&any, "0x7f000001", false),
        (&any, "127.1", false),
        (&any, "169.254.169.254", false),
        (&others, "127.0.0.1", false),
        (&others, "localhost", false),
    ] {
        let case = format!("{host} with {access}");
        let mut plugin = Sockets::with(access.clone(), &patient());
        let id = call!(plugin, tcp_create).result;
        let started = call!(plugin, tcp_connect, id, host, port).result;
        if reached {
            assert_eq!(started, 0, "{case}");
            until("it is connected", || call!(plugin, tcp_connected, id).result == 1);
            drop(listener.accept().unwrap());
        } else if started == 0 {
            until("it is refused", || call!(plugin, tcp_connected, id).result == -1);
        } else {
            assert_eq!(started, -1, "{case}");
        }
        let udp = call!(plugin, udp_create, 0).result;
        assert_eq!(call!(plugin, udp_send, udp, host, port, "x").result, if reached { 1 } else { -1 }, "{case}");
        assert_eq!(plugin.0.guest.sockets().refused > 0, !reached, "{case}");
    }
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "somebody got through");
}

#[test]
fn the_number_of_sockets_is_limited() {
    let mut plugin = Sockets::with(NetworkAccess::Granted, &Limits { open_sockets: 3, ..patient() });
    assert_eq!(call!(plugin, udp_create, 0).result, 1);
    assert_eq!(call!(plugin, tcp_create).result, 1);
    assert_eq!(call!(plugin, tcp_create).result, 2);
    assert_eq!(call!(plugin, udp_create, 0).result, -1);
    assert!(plugin.0.host.notices().iter().any(|notice| notice.contains("3 sockets")));
    call!(plugin, tcp_close, 2);
    assert_eq!(call!(plugin, udp_create, 0).result, 2);
}

#[test]
fn lines_not_taken_yet_are_raw_bytes_when_lines_are_no_longer_wanted() {
    let mut plugin = Sockets::local();
    let (id, mut peer) = plugin.connected();
    peer.write_all(b"one\r\ntwo\n\nthree\nta").unwrap();
    until("three lines wait", || call!(plugin, tcp_pending, id).result == 3);
    assert_eq!(call!(plugin, tcp_recv_line, id, 2).data, b"on", "a line half taken");
    until("all of it is there", || plugin.0.guest.sockets().bytes_received == 18);
    assert_eq!(call!(plugin, tcp_set_line_buffering, id, 0).result, 0);
    assert_eq!(call!(plugin, tcp_recv_line, id, 100).result, 0, "there are no lines any more");
    assert_eq!(call!(plugin, tcp_recv_raw, id, 100).data, b"e\r\ntwo\nthree\nta", "in order, with their ends");
    peer.write_all(b"il\nraw\n").unwrap();
    let mut all = Vec::new();
    until("the rest has come", || {
        all.extend(call!(plugin, tcp_recv_raw, id, 100).data);
        all.len() >= 7
    });
    assert_eq!(all, b"il\nraw\n");

    // And back: what was not taken becomes lines.
    peer.write_all(b"a\nb").unwrap();
    until("it is there", || plugin.0.guest.sockets().bytes_received == 28);
    assert_eq!(call!(plugin, tcp_set_line_buffering, id, 1).result, 0);
    assert_eq!(call!(plugin, tcp_pending, id).result, 1);
    drop(peer);
    until("the end arrives", || call!(plugin, tcp_connected, id).result == 0);
    assert_eq!(call!(plugin, tcp_recv_line, id, 10).data, b"a");
    assert_eq!(call!(plugin, tcp_recv_line, id, 10).data, b"b");
    assert_eq!(plugin.0.guest.sockets().chunks_dropped, 0);
}

#[test]
fn a_thousand_lines_become_raw_bytes_without_loss() {
    let mut plugin = Sockets::local();
    let (id, mut peer) = plugin.connected();
    let text: String = (0..1000).map(|n| format!("$LINE,{n:04},{}\r\n", "x".repeat(80))).collect();
    peer.write_all(text.as_bytes()).unwrap();
    until("all lines wait", || call!(plugin, tcp_pending, id).result == 1000);
    assert_eq!(call!(plugin, tcp_set_line_buffering, id, 0).result, 0);
    let mut all = Vec::new();
    while call!(plugin, tcp_pending, id).result > 0 {
        all.extend(call!(plugin, tcp_recv_raw, id, 20_000).data);
    }
    assert_eq!(String::from_utf8(all).unwrap(), text);
    assert_eq!(plugin.0.guest.sockets().chunks_dropped, 0);
}

#[test]
fn the_rest_of_an_over_long_line_is_no_line() {
    const LONGEST: usize = 64 << 10;
    let mut plugin = Sockets::local();
    let (id, mut peer) = plugin.connected();
    let long = "x".repeat(3 * LONGEST);
    peer.write_all(format!("{long}$FAKE,1\r\n$REAL,2\r\n").as_bytes()).unwrap();
    until("two lines wait", || call!(plugin, tcp_pending, id).result == 2);
    let mut first = Vec::new();
    while first.len() < LONGEST {
        let piece = call!(plugin, tcp_recv_line, id, 20_000).data;
        assert!(!piece.is_empty() && piece.iter().all(|byte| *byte == b'x'));
        first.extend(piece);
    }
    assert_eq!(first.len(), LONGEST);
    assert_eq!(call!(plugin, tcp_recv_line, id, 100).data, b"$REAL,2");
    let told = plugin.0.guest.sockets();
    assert_eq!((told.lines_cut, told.chunks_dropped), (1, 0));
}

#[test]
fn groups_of_one_socket_are_bounded() {
    // Before the socket is bound joining costs the system nothing, so only the host bounds it.
    let mut plugin = Sockets::local();
    let id = call!(plugin, udp_create, 0).result;
    for n in 0..64 {
        let group = format!("239.1.1.{n}");
        assert_eq!(call!(plugin, udp_join_multicast, id, group.as_str(), "127.0.0.1").result, 0, "{group}");
    }
    assert_eq!(call!(plugin, udp_join_multicast, id, "239.1.2.1", "127.0.0.1").result, -1, "one too many");
    assert!(plugin.0.host.debug_lines().iter().any(|line| line.contains("at most 64 groups")));
    assert_eq!(call!(plugin, udp_join_multicast, id, "239.1.1.0", "127.0.0.1").result, 0, "joined already");
    assert_eq!(call!(plugin, udp_leave_multicast, id, "239.1.1.0", "127.0.0.1").result, 0);
    assert_eq!(call!(plugin, udp_join_multicast, id, "239.1.2.1", "127.0.0.1").result, 0, "there is room again");
    let other = call!(plugin, udp_create, 0).result;
    assert_eq!(call!(plugin, udp_join_multicast, other, "239.1.2.1", "127.0.0.1").result, 0, "of each socket");
}
