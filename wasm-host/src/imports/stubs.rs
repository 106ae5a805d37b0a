//! Functions of the plugin interface that this version links but does not serve, with the value that tells a plugin so
//! (ABI specification, appendix D).

/// The documented failure value of the host function `name`; `None` when there is no such function.
pub(super) fn result(name: &str) -> Option<i32> {
    Some(match name {
        "sk_register_put_handler"
        | "sk_register_resource_provider"
        | "sk_register_weather_provider"
        | "sk_register_radar_provider"
        | "sk_emit_binary_stream"
        | "sk_radar_emit_spokes"
        | "sk_exec_command"
        | "sk_subscribe_events"
        | "sk_emit_event"
        | "sk_get_allowed_event_types"
        | "sk_udp_close"
        | "sk_tcp_close" => 0,
        "sk_udp_create"
        | "sk_udp_bind"
        | "sk_udp_join_multicast"
        | "sk_udp_leave_multicast"
        | "sk_udp_set_multicast_ttl"
        | "sk_udp_set_multicast_loopback"
        | "sk_udp_set_broadcast"
        | "sk_udp_send"
        | "sk_udp_recv"
        | "sk_udp_recv_from"
        | "sk_udp_pending"
        | "sk_tcp_create"
        | "sk_tcp_connect"
        | "sk_tcp_connected"
        | "sk_tcp_set_line_buffering"
        | "sk_tcp_send"
        | "sk_tcp_recv_line"
        | "sk_tcp_recv_raw"
        | "sk_tcp_pending" => -1,
        _ => return None,
    })
}
