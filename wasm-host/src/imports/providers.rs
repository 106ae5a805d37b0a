//! The `sk_*` functions by which a plugin offers something: PUT handlers, providers, binary streams (ABI specification §4.4, §4.5).

use super::{Entry, Escape, Param, answers::done};

/// Largest frame of a binary stream, in bytes.
const FRAME: u32 = 4 << 20;

pub(super) const PROVIDERS: &[Entry] = &[
    Entry {
        name: "sk_register_put_handler",
        aliases: &[],
        params: &[Param::Text("context"), Param::Text("path")],
        result: Some("1"),
        capability: Some("putHandlers"),
        failure: 0,
        doc: "From now on PUT requests for the path are answered by the export `handle_put_<context>_<path>`, its dots replaced by \
              underscores.",
        run: |call| {
            let (context, path) = (call.text(0)?, call.text(2)?);
            done(call, call.context.host.register_put_handler(&context, &path))
        },
    },
    Entry {
        name: "sk_register_resource_provider",
        aliases: &[],
        params: &[Param::Text("type")],
        result: Some("1"),
        capability: Some("resourceProvider"),
        failure: 0,
        doc: "From now on resources of the type are served by the exports `resources_…`. May be called for several types.",
        run: |call| {
            let kind = call.text(0)?;
            done(call, call.context.host.register_resource_provider(&kind))
        },
    },
    Entry {
        name: "sk_register_weather_provider",
        aliases: &[],
        params: &[Param::Text("name")],
        result: Some("1"),
        capability: Some("weatherProvider"),
        failure: 0,
        doc: "From now on weather data are served by the exports `weather_…`, under a name for people.",
        run: |call| {
            let name = call.text(0)?;
            done(call, call.context.host.register_weather_provider(&name))
        },
    },
    Entry {
        name: "sk_register_radar_provider",
        aliases: &[],
        params: &[Param::Text("name")],
        result: Some("1"),
        capability: Some("radarProvider"),
        failure: 0,
        doc: "From now on radars are served by the exports `radar_…`, under a name for people.",
        run: |call| {
            let name = call.text(0)?;
            done(call, call.context.host.register_radar_provider(&name))
        },
    },
];

pub(super) const STREAMS: &[Entry] = &[
    Entry {
        name: "sk_emit_binary_stream",
        aliases: &[],
        params: &[Param::Text("stream"), Param::Bytes("frame")],
        result: Some("1"),
        capability: None,
        failure: 0,
        doc: "Sends a frame to the clients of a binary stream: `plugins/<plugin id>/…`, or `radars/<radar id>` with the capability \
              radarProvider.",
        run: |call| {
            let stream = call.text(0)?;
            if stream.starts_with("radars/") && !call.context.capabilities.grants("radarProvider") {
                call.context.host.denied("sk_emit_binary_stream", "radarProvider");
                return Err(Escape::Failure);
            }
            let frame = call.bytes(2, FRAME)?;
            done(call, call.context.host.emit_binary_stream(&stream, &frame))
        },
    },
    Entry {
        name: "sk_radar_emit_spokes",
        aliases: &[],
        params: &[Param::Text("radar"), Param::Bytes("frame")],
        result: Some("1"),
        capability: Some("radarProvider"),
        failure: 0,
        doc: "Sends a frame of spokes to the clients of one of the plugin's radars.",
        run: |call| {
            let (radar, frame) = (call.text(0)?, call.bytes(2, FRAME)?);
            done(call, call.context.host.emit_radar_spokes(&radar, &frame))
        },
    },
];
