//! Calls of the server on a machine that is none: they go to the test's mock host.

use super::ADDRESS_ROOM;
use crate::testing::with_host;

/// Defines functions that pass their call to the mock's method of the same name. `else` is what a server answers that grants nothing.
macro_rules! mocked {
    ($($name:ident($($arg:ident: $type:ty),*) else $denied:expr;)*) => {
        $(pub(crate) fn $name($($arg: $type),*) -> i32 {
            with_host(|host| host.$name($($arg),*)).unwrap_or($denied)
        })*
    };
}

mocked! {
    publish_notification(path: &str, value: &str) else -1;
    get_self_path(path: &str, answer: &mut [u8]) else 0;
    get_path(path: &str, answer: &mut [u8]) else 0;
    read_config(answer: &mut [u8]) else 0;
    save_config(json: &str) else -1;
    has_capability(name: &str) else 0;
    register_put_handler(context: &str, path: &str) else 0;
    register_resource_provider(kind: &str) else 0;
    register_weather_provider(name: &str) else 0;
    register_radar_provider(name: &str) else 0;
    emit_binary_stream(id: &str, frame: &[u8]) else 0;
    radar_emit_spokes(radar: &str, frame: &[u8]) else 0;
    udp_create(kind: i32) else -1;
    udp_bind(socket: i32, port: i32) else -1;
    udp_join_multicast(socket: i32, group: &str, interface: &str) else -1;
    udp_leave_multicast(socket: i32, group: &str, interface: &str) else -1;
    udp_set_multicast_ttl(socket: i32, ttl: i32) else -1;
    udp_set_multicast_loopback(socket: i32, on: i32) else -1;
    udp_set_broadcast(socket: i32, on: i32) else -1;
    udp_send(socket: i32, host: &str, port: i32, data: &[u8]) else -1;
    udp_recv(socket: i32, out: &mut [u8], address: &mut [u8; ADDRESS_ROOM], port: &mut u16) else -1;
    udp_pending(socket: i32) else -1;
    tcp_create() else -1;
    tcp_connect(socket: i32, host: &str, port: i32) else -1;
    tcp_connected(socket: i32) else -1;
    tcp_set_line_buffering(socket: i32, on: i32) else -1;
    tcp_send(socket: i32, data: &[u8]) else -1;
    tcp_recv_line(socket: i32, answer: &mut [u8]) else -1;
    tcp_recv_raw(socket: i32, answer: &mut [u8]) else -1;
    tcp_pending(socket: i32) else -1;
}

// These report nothing, so there is nothing to say when no host listens.

pub(crate) fn debug(line: &str) {
    with_host(|host| host.lines.push(line.to_owned()));
}

pub(crate) fn set_status(message: &str) {
    with_host(|host| host.statuses.push(message.to_owned()));
}

pub(crate) fn set_error(message: &str) {
    with_host(|host| host.errors.push(message.to_owned()));
}

/// Unlike the others it may call back into the plugin, so the mock is not borrowed meanwhile.
pub(crate) fn handle_message(delta: &str, version: i32) {
    crate::testing::emit(delta, version);
}

pub(crate) fn udp_close(socket: i32) {
    with_host(|host| host.udp_close(socket));
}

pub(crate) fn tcp_close(socket: i32) {
    with_host(|host| host.tcp_close(socket));
}
