//! UDP and TCP sockets: `sk_udp_*` and `sk_tcp_*` (ABI specification §4.6, §4.7).

use super::{Entry, Escape, HostCall, Param, answers::Answer};
use crate::{
    engine::Value,
    net::{Connection, Datagram, IpVersion, Outgoing, SocketError},
};

/// Bytes of the longest textual address with the zero byte behind it.
const ADDRESS: u32 = 46;
/// Largest datagram that can be sent, in bytes.
const DATAGRAM: u32 = 65_507;
/// Most bytes taken by one `sk_tcp_send`: what may wait to be sent.
const SEND: u32 = 1 << 20;

const fn entry(
    name: &'static str,
    params: &'static [Param],
    result: Option<&'static str>,
    doc: &'static str,
    run: fn(&mut HostCall<'_>) -> Answer,
) -> Entry {
    Entry { name, aliases: &[], params, result, capability: Some("rawSockets"), failure: -1, doc, run }
}

pub(super) const UDP: &[Entry] = &[
    entry(
        "sk_udp_create",
        &[Param::Int("type")],
        Some("the socket's number, from 1"),
        "Creates a UDP socket: `type` 1 is IPv6 (and IPv4 in its mapped form), anything else IPv4. Other programs may listen on the same port. \
         Numbers are the plugin's own. UDP and TCP together may have 64 sockets (limit `openSockets`); all are closed when the plugin stops.",
        |call| {
            let version = if call.int(0) == 1 { IpVersion::V6 } else { IpVersion::V4 };
            let result = call.context.network.sockets().udp_create(version);
            value(call, result)
        },
    ),
    entry(
        "sk_udp_bind",
        &[Param::Int("socket"), Param::Int("port")],
        Some("0"),
        "Binds the socket to a port of all interfaces, 0 for any, and begins to receive. Groups joined before are joined now. Fails when the \
         port is in use or the socket is bound.",
        |call| {
            let result = call.context.network.sockets().udp_bind(call.int(0), call.int(1));
            let not_joined = result.map_err(|error| failed(call, &error))?;
            not_joined.iter().for_each(|reason| call.debug(reason));
            DONE
        },
    ),
    entry(
        "sk_udp_join_multicast",
        &[Param::Int("socket"), Param::Text("group"), Param::Text("interface")],
        Some("0"),
        "Joins a multicast group, before or after binding. `interface` is an address of the interface (IPv4) or its name or number (IPv6); empty \
         is the usual one.",
        |call| {
            let (group, interface) = (call.text(1)?, call.text(3)?);
            let result = call.context.network.sockets().udp_join(call.int(0), &group, &interface);
            done(call, result)
        },
    ),
    entry(
        "sk_udp_leave_multicast",
        &[Param::Int("socket"), Param::Text("group"), Param::Text("interface")],
        Some("0"),
        "Leaves a group, named as it was joined.",
        |call| {
            let (group, interface) = (call.text(1)?, call.text(3)?);
            let result = call.context.network.sockets().udp_leave(call.int(0), &group, &interface);
            done(call, result)
        },
    ),
    entry(
        "sk_udp_set_multicast_ttl",
        &[Param::Int("socket"), Param::Int("hops")],
        Some("0"),
        "How many routers multicasts may pass: 0 to 255.",
        |call| {
            let result = call.context.network.sockets().udp_set_multicast_ttl(call.int(0), call.int(1));
            done(call, result)
        },
    ),
    entry(
        "sk_udp_set_multicast_loopback",
        &[Param::Int("socket"), Param::Int("enabled")],
        Some("0"),
        "Whether the machine's own listeners get the multicasts sent.",
        |call| {
            let result = call.context.network.sockets().udp_set_multicast_loopback(call.int(0), call.int(1) != 0);
            done(call, result)
        },
    ),
    entry(
        "sk_udp_set_broadcast",
        &[Param::Int("socket"), Param::Int("enabled")],
        Some("0"),
        "Whether broadcasts may be sent; otherwise sending one fails.",
        |call| {
            let result = call.context.network.sockets().udp_set_broadcast(call.int(0), call.int(1) != 0);
            done(call, result)
        },
    ),
    entry(
        "sk_udp_send",
        &[Param::Int("socket"), Param::Text("host"), Param::Int("port"), Param::Bytes("datagram")],
        Some("the number of bytes sent"),
        "Sends a datagram to an address or, looking it up for at most two seconds, a host name. Binds the socket to any port when it is not \
         bound. Success means that the operating system took it.",
        udp_send,
    ),
    Entry {
        aliases: &["sk_udp_recv_from"],
        ..entry(
            "sk_udp_recv",
            &[Param::Int("socket"), Param::Out("datagram"), Param::Place("address"), Param::Place("port")],
            Some("the number of bytes written, 0 when there is none"),
            "Takes the oldest datagram. What does not fit is lost. The sender's address is written as text with a zero byte behind it (46 bytes at \
             most), its port as 16 bits, least significant byte first. 1000 datagrams and 4 MiB are kept, older ones give way.",
            udp_recv,
        )
    },
    entry(
        "sk_udp_pending",
        &[Param::Int("socket")],
        Some("how many datagrams wait"),
        "Tells how many datagrams can be taken.",
        |call| {
            let result = call.context.network.sockets().udp_pending(call.int(0));
            value(call, result.map(length))
        },
    ),
    Entry {
        result: None,
        failure: 0,
        ..entry("sk_udp_close", &[Param::Int("socket")], None, "Closes the socket.", |call| {
            call.context.network.sockets().udp_close(call.int(0));
            Ok(None)
        })
    },
];

pub(super) const TCP: &[Entry] = &[
    entry("sk_tcp_create", &[], Some("the socket's number, from 1"), "Creates a TCP socket.", |call| {
        let result = call.context.network.sockets().tcp_create();
        value(call, result)
    }),
    entry(
        "sk_tcp_connect",
        &[Param::Int("socket"), Param::Text("host"), Param::Int("port")],
        Some("0"),
        "Begins to connect to an address or host name. Each socket connects once.",
        |call| {
            let host = call.text(1)?;
            let result = call.context.network.sockets().tcp_connect(call.int(0), host, call.int(3));
            done(call, result)
        },
    ),
    entry(
        "sk_tcp_connected",
        &[Param::Int("socket")],
        Some("1 when connected, 0 while connecting"),
        "Tells how the connection is. After its end the result is 0 until everything received has been taken, then -1, and the socket is \
         gone.",
        tcp_connected,
    ),
    entry(
        "sk_tcp_set_line_buffering",
        &[Param::Int("socket"), Param::Int("enabled")],
        Some("0"),
        "Whether data are taken apart into lines, which is so at first. What has not been taken yet is treated anew.",
        |call| {
            let result = call.context.network.sockets().tcp_set_line_buffering(call.int(0), call.int(1) != 0);
            done(call, result)
        },
    ),
    entry(
        "sk_tcp_send",
        &[Param::Int("socket"), Param::Bytes("data")],
        Some("the number of bytes accepted"),
        "Sends. At most 1 MiB waits to be sent: less than all is accepted when there is no room for more, 0 when there is none. Fails when not \
         connected.",
        |call| {
            // What is beyond is not accepted, which the result says.
            let data = call.beginning(1, SEND)?;
            let result = call.context.network.sockets().tcp_send(call.int(0), &data);
            value(call, result.map(length))
        },
    ),
    entry(
        "sk_tcp_recv_line",
        &[Param::Int("socket"), Param::Out("line")],
        Some("the number of bytes written, 0 when there is no line"),
        "Takes a line without its end, `\\n` or `\\r\\n`. Empty lines are left out. What does not fit comes with the next call; what a \
         line has beyond 64 KiB is left out. 1000 lines and 4 MiB are kept, older ones give way.",
        |call| receive(call, |call, room| call.context.network.sockets().tcp_take_line(call.int(0), room)),
    ),
    entry(
        "sk_tcp_recv_raw",
        &[Param::Int("socket"), Param::Out("data")],
        Some("the number of bytes written, 0 when there are none"),
        "Takes bytes as they came, when the socket does not buffer lines. What does not fit comes with the next call. 1000 pieces and 4 MiB are kept, \
         older ones give way.",
        |call| receive(call, |call, room| call.context.network.sockets().tcp_take_chunk(call.int(0), room)),
    ),
    entry(
        "sk_tcp_pending",
        &[Param::Int("socket")],
        Some("how many lines or pieces wait"),
        "Tells how many lines, or pieces of raw data, can be taken.",
        |call| {
            let result = call.context.network.sockets().tcp_pending(call.int(0));
            value(call, result.map(length))
        },
    ),
    Entry {
        result: None,
        failure: 0,
        ..entry("sk_tcp_close", &[Param::Int("socket")], None, "Closes the socket.", |call| {
            call.context.network.sockets().tcp_close(call.int(0));
            Ok(None)
        })
    },
];

/// Success of a function that reports 0 for it.
const DONE: Answer = Ok(Some(Value::I32(0)));

fn length(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

fn value(call: &HostCall<'_>, result: Result<i32, SocketError>) -> Answer {
    result.map(|value| Some(Value::I32(value))).map_err(|error| failed(call, &error))
}

fn done(call: &HostCall<'_>, result: Result<(), SocketError>) -> Answer {
    value(call, result.map(|()| 0))
}

/// Tells the operator of what the rules forbid, and the log of what the network does not do.
fn failed(call: &HostCall<'_>, error: &SocketError) -> Escape {
    match error {
        error if error.is_refusal() => {
            call.context.network.sockets().count_refusal();
            call.context.host.notice(&error.to_string());
        }
        // Asking for these is how a plugin finds out.
        SocketError::Unknown(_) | SocketError::NotConnected => {}
        error => call.debug(&error.to_string()),
    }
    Escape::Failure
}

fn udp_send(call: &mut HostCall<'_>) -> Answer {
    let (host, datagram) = (call.text(1)?, call.bytes(4, DATAGRAM)?);
    let context = call.context;
    let outgoing = context.network.sockets().udp_outgoing(call.int(0), &host, call.int(3));
    let outgoing = outgoing.map_err(|error| failed(call, &error))?;
    let mut sent = None;
    if Outgoing::waits(&host) {
        call.memory.wait_outside(&mut || sent = Some(outgoing.send(&host, &datagram)));
    }
    let sent = sent.unwrap_or_else(|| outgoing.send(&host, &datagram));
    value(call, sent.map(length))
}

fn udp_recv(call: &mut HostCall<'_>) -> Answer {
    let (at, room) = (call.address(1), call.address(2));
    let (address, port) = (call.address(3), call.address(4));
    // Checked before the datagram is taken, so that it is not lost. A null pointer means that the guest does not care.
    for (start, length) in [(at, room), (address, if address == 0 { 0 } else { ADDRESS }), (port, 2)] {
        in_memory(call, start, length)?;
    }
    let received = call.context.network.sockets().udp_receive(call.int(0));
    let Some(Datagram { from, payload }) = received.map_err(|error| failed(call, &error))? else { return DONE };
    let part = &payload[..payload.len().min(room as usize)];
    call.memory.write(at, part)?;
    if address != 0 {
        call.memory.write(address, format!("{}\0", from.ip()).as_bytes())?;
    }
    if port != 0 {
        call.memory.write(port, &from.port().to_le_bytes())?;
    }
    Ok(Some(Value::I32(length(part.len()))))
}

fn tcp_connected(call: &mut HostCall<'_>) -> Answer {
    let (connection, failure) =
        call.context.network.sockets().tcp_connection(call.int(0)).map_err(|error| failed(call, &error))?;
    if let Some(failure) = failure {
        call.debug(&failure);
    }
    match connection {
        Connection::No => DONE,
        Connection::Yes => Ok(Some(Value::I32(1))),
        Connection::Gone => Err(Escape::Failure),
    }
}

/// What is there to be taken, up to a number of bytes.
type Take = fn(&HostCall<'_>, usize) -> Result<Option<Vec<u8>>, SocketError>;

/// Writes what `take` gives for the room in the buffer of arguments 1 and 2.
fn receive(call: &mut HostCall<'_>, take: Take) -> Answer {
    let (at, room) = (call.address(1), call.address(2));
    in_memory(call, at, room)?;
    if room == 0 {
        return DONE;
    }
    let taken = take(call, room as usize).map_err(|error| failed(call, &error))?;
    let taken = taken.unwrap_or_default();
    call.memory.write(at, &taken)?;
    Ok(Some(Value::I32(length(taken.len()))))
}

fn in_memory(call: &HostCall<'_>, at: u32, length: u32) -> Result<(), Escape> {
    let end = u64::from(at) + u64::from(length);
    if end > call.memory.memory_bytes() { Err(Escape::Failure) } else { Ok(()) }
}
