//! The imports themselves. Only those that a plugin really uses end up in its module.

use super::ADDRESS_ROOM;

/// The raw functions, as the server declares them.
mod raw {
    #[link(wasm_import_module = "env")]
    unsafe extern "C" {
        pub fn sk_debug(text: *const u8, len: usize);
        pub fn sk_set_status(text: *const u8, len: usize);
        pub fn sk_set_error(text: *const u8, len: usize);
        pub fn sk_handle_message(delta: *const u8, len: usize, version: i32);
        pub fn sk_publish_notification(path: *const u8, path_len: usize, value: *const u8, len: usize) -> i32;
        pub fn sk_get_self_path(path: *const u8, path_len: usize, out: *mut u8, max: usize) -> i32;
        pub fn sk_get_path(path: *const u8, path_len: usize, out: *mut u8, max: usize) -> i32;
        pub fn sk_read_config(out: *mut u8, max: usize) -> i32;
        pub fn sk_save_config(json: *const u8, len: usize) -> i32;
        pub fn sk_has_capability(name: *const u8, len: usize) -> i32;
        pub fn sk_register_put_handler(context: *const u8, context_len: usize, path: *const u8, len: usize) -> i32;
        pub fn sk_register_resource_provider(kind: *const u8, len: usize) -> i32;
        pub fn sk_register_weather_provider(name: *const u8, len: usize) -> i32;
        pub fn sk_register_radar_provider(name: *const u8, len: usize) -> i32;
        pub fn sk_emit_binary_stream(id: *const u8, id_len: usize, data: *const u8, len: usize) -> i32;
        pub fn sk_radar_emit_spokes(radar: *const u8, radar_len: usize, data: *const u8, len: usize) -> i32;
        pub fn sk_udp_create(kind: i32) -> i32;
        pub fn sk_udp_bind(socket: i32, port: i32) -> i32;
        pub fn sk_udp_join_multicast(
            socket: i32,
            group: *const u8,
            group_len: usize,
            interface: *const u8,
            len: usize,
        ) -> i32;
        pub fn sk_udp_leave_multicast(
            socket: i32,
            group: *const u8,
            group_len: usize,
            interface: *const u8,
            len: usize,
        ) -> i32;
        pub fn sk_udp_set_multicast_ttl(socket: i32, ttl: i32) -> i32;
        pub fn sk_udp_set_multicast_loopback(socket: i32, on: i32) -> i32;
        pub fn sk_udp_set_broadcast(socket: i32, on: i32) -> i32;
        pub fn sk_udp_send(
            socket: i32,
            host: *const u8,
            host_len: usize,
            port: i32,
            data: *const u8,
            len: usize,
        ) -> i32;
        pub fn sk_udp_recv(socket: i32, out: *mut u8, max: usize, address: *mut u8, port: *mut u16) -> i32;
        pub fn sk_udp_pending(socket: i32) -> i32;
        pub fn sk_udp_close(socket: i32);
        pub fn sk_tcp_create() -> i32;
        pub fn sk_tcp_connect(socket: i32, host: *const u8, host_len: usize, port: i32) -> i32;
        pub fn sk_tcp_connected(socket: i32) -> i32;
        pub fn sk_tcp_set_line_buffering(socket: i32, on: i32) -> i32;
        pub fn sk_tcp_send(socket: i32, data: *const u8, len: usize) -> i32;
        pub fn sk_tcp_recv_line(socket: i32, out: *mut u8, max: usize) -> i32;
        pub fn sk_tcp_recv_raw(socket: i32, out: *mut u8, max: usize) -> i32;
        pub fn sk_tcp_pending(socket: i32) -> i32;
        pub fn sk_tcp_close(socket: i32);
    }
}

/// Defines a safe function for each raw one. Texts and bytes become pointer and length, numbers stay.
macro_rules! imports {
    ($($name:ident = $raw:ident($($arg:ident: $kind:tt),*) $(-> $result:ty)?;)*) => {
        $(pub(crate) fn $name($($arg: imports!(@type $kind)),*) $(-> $result)? {
            // SAFETY: the server reads or writes only the bytes of these slices, and only during the call.
            unsafe { imports!(@call $raw [] $($arg: $kind,)*) }
        })*
    };
    (@type text) => { &str };
    (@type bytes) => { &[u8] };
    (@type out) => { &mut [u8] };
    (@type int) => { i32 };
    (@call $raw:ident [$($done:expr,)*]) => { raw::$raw($($done),*) };
    (@call $raw:ident [$($done:expr,)*] $arg:ident: int, $($rest:tt)*) => {
        imports!(@call $raw [$($done,)* $arg,] $($rest)*)
    };
    (@call $raw:ident [$($done:expr,)*] $arg:ident: out, $($rest:tt)*) => {
        imports!(@call $raw [$($done,)* $arg.as_mut_ptr(), $arg.len(),] $($rest)*)
    };
    (@call $raw:ident [$($done:expr,)*] $arg:ident: $slice:tt, $($rest:tt)*) => {
        imports!(@call $raw [$($done,)* $arg.as_ptr(), $arg.len(),] $($rest)*)
    };
}

imports! {
    debug = sk_debug(line: text);
    set_status = sk_set_status(message: text);
    set_error = sk_set_error(message: text);
    handle_message = sk_handle_message(delta: text, version: int);
    publish_notification = sk_publish_notification(path: text, value: text) -> i32;
    get_self_path = sk_get_self_path(path: text, answer: out) -> i32;
    get_path = sk_get_path(path: text, answer: out) -> i32;
    read_config = sk_read_config(answer: out) -> i32;
    save_config = sk_save_config(json: text) -> i32;
    has_capability = sk_has_capability(name: text) -> i32;
    register_put_handler = sk_register_put_handler(context: text, path: text) -> i32;
    register_resource_provider = sk_register_resource_provider(kind: text) -> i32;
    register_weather_provider = sk_register_weather_provider(name: text) -> i32;
    register_radar_provider = sk_register_radar_provider(name: text) -> i32;
    emit_binary_stream = sk_emit_binary_stream(id: text, frame: bytes) -> i32;
    radar_emit_spokes = sk_radar_emit_spokes(radar: text, frame: bytes) -> i32;
    udp_create = sk_udp_create(kind: int) -> i32;
    udp_bind = sk_udp_bind(socket: int, port: int) -> i32;
    udp_join_multicast = sk_udp_join_multicast(socket: int, group: text, interface: text) -> i32;
    udp_leave_multicast = sk_udp_leave_multicast(socket: int, group: text, interface: text) -> i32;
    udp_set_multicast_ttl = sk_udp_set_multicast_ttl(socket: int, ttl: int) -> i32;
    udp_set_multicast_loopback = sk_udp_set_multicast_loopback(socket: int, on: int) -> i32;
    udp_set_broadcast = sk_udp_set_broadcast(socket: int, on: int) -> i32;
    udp_send = sk_udp_send(socket: int, host: text, port: int, data: bytes) -> i32;
    udp_pending = sk_udp_pending(socket: int) -> i32;
    udp_close = sk_udp_close(socket: int);
    tcp_create = sk_tcp_create() -> i32;
    tcp_connect = sk_tcp_connect(socket: int, host: text, port: int) -> i32;
    tcp_connected = sk_tcp_connected(socket: int) -> i32;
    tcp_set_line_buffering = sk_tcp_set_line_buffering(socket: int, on: int) -> i32;
    tcp_send = sk_tcp_send(socket: int, data: bytes) -> i32;
    tcp_recv_line = sk_tcp_recv_line(socket: int, answer: out) -> i32;
    tcp_recv_raw = sk_tcp_recv_raw(socket: int, answer: out) -> i32;
    tcp_pending = sk_tcp_pending(socket: int) -> i32;
    tcp_close = sk_tcp_close(socket: int);
}

pub(crate) fn udp_recv(socket: i32, out: &mut [u8], address: &mut [u8; ADDRESS_ROOM], port: &mut u16) -> i32 {
    // SAFETY: the server writes only the bytes of these places (the port as little-endian, which wasm is), during the call.
    unsafe { raw::sk_udp_recv(socket, out.as_mut_ptr(), out.len(), address.as_mut_ptr(), port) }
}
