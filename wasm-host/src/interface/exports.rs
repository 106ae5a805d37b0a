//! The exports a plugin may have (ABI specification §3, appendix D).

/// Exports that belong together.
pub(super) struct Group {
    pub title: &'static str,
    /// What holds for all of them, in Markdown.
    pub intro: &'static str,
    /// Their interface in the WIT description; `None`: they belong to the calling convention.
    pub wit: Option<&'static str>,
    pub exports: &'static [Export],
}

/// One export.
pub(super) struct Export {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub required: bool,
    pub shape: Shape,
    /// What the server passes, in Markdown; empty for nothing.
    pub request: &'static str,
    /// What it gives back, in Markdown; empty for nothing.
    pub answer: &'static str,
    pub doc: &'static str,
}

/// How an export is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Gives a text.
    Getter,
    /// Takes the configuration as UTF-8 bytes in both ABIs, gives a number.
    Start,
    /// Takes nothing, gives a number.
    Call,
    /// Takes a text.
    Delivery,
    /// Takes a text, gives a text.
    Handler,
    /// The same; in AssemblyScript the number of parameters decides how the request comes.
    HttpHandler,
    /// Gives a text; in AssemblyScript it may take an empty request.
    List,
    /// A function of one ABI, with its type.
    BufferOnly(&'static str),
    /// The same.
    AssemblyScriptOnly(&'static str),
    /// Something both ABIs have alike, with its type.
    AnyAbi(&'static str),
}

impl Shape {
    pub(super) fn buffer(self) -> Option<&'static str> {
        match self {
            Shape::Getter | Shape::List => Some("(out: i32, max: i32) -> i32"),
            Shape::Start => Some("(config: i32, len: i32) -> i32"),
            Shape::Call => Some("() -> i32"),
            Shape::Delivery => Some("(text: i32, len: i32)"),
            Shape::Handler | Shape::HttpHandler => Some("(request: i32, len: i32, out: i32, max: i32) -> i32"),
            Shape::BufferOnly(text) | Shape::AnyAbi(text) => Some(text),
            Shape::AssemblyScriptOnly(_) => None,
        }
    }

    pub(super) fn assembly_script(self) -> Option<&'static str> {
        match self {
            Shape::Getter => Some("() -> string"),
            Shape::Start => Some("(utf8: usize, len: usize) -> i32"),
            Shape::Call => Some("() -> i32"),
            Shape::Delivery => Some("(string)"),
            Shape::Handler => Some("(string) -> string"),
            Shape::HttpHandler => Some("(string) -> string, (utf8: usize, len: usize) -> string or () -> string"),
            Shape::List => Some("() -> string or (string) -> string"),
            Shape::BufferOnly(_) => None,
            Shape::AssemblyScriptOnly(text) | Shape::AnyAbi(text) => Some(text),
        }
    }
}

const fn required(
    name: &'static str,
    aliases: &'static [&'static str],
    shape: Shape,
    request: &'static str,
    answer: &'static str,
    doc: &'static str,
) -> Export {
    Export { name, aliases, required: true, shape, request, answer, doc }
}

const fn optional(
    name: &'static str,
    shape: Shape,
    request: &'static str,
    answer: &'static str,
    doc: &'static str,
) -> Export {
    Export { name, aliases: &[], required: false, shape, request, answer, doc }
}

pub(super) const GROUPS: &[Group] = &[
    Group {
        title: "Lifecycle",
        intro: "The order is: start section, `_start` or else `_initialize` (once), `plugin_name`, `plugin_schema`, `http_endpoints`, \
                `plugin_start`; then `poll`, deltas and requests, one at a time; then `plugin_stop`. A changed configuration stops and \
                starts the same instance. A plugin gets a fresh instance after a crash and when it is reloaded.",
        wit: Some("lifecycle"),
        exports: &[
            required("plugin_name", &["name"], Shape::Getter, "", "a name for people", "Names the plugin in lists."),
            required(
                "plugin_schema",
                &["schema"],
                Shape::Getter,
                "",
                "JSON Schema of the configuration; empty for none",
                "Describes the configuration, from which the admin UI makes a form.",
            ),
            required(
                "plugin_start",
                &["start"],
                Shape::Start,
                "the configuration as compact JSON, with `\"enableDebug\"` added; UTF-8 bytes in both ABIs",
                "0, or an error code",
                "Starts the plugin. An error code puts it in the state `error`, which is not a crash.",
            ),
            required(
                "plugin_stop",
                &["stop"],
                Shape::Call,
                "",
                "0, or an error code, which is only logged",
                "Stops the plugin.",
            ),
            Export {
                aliases: &["id"],
                ..optional(
                    "plugin_id",
                    Shape::Getter,
                    "",
                    "a text",
                    "Not the id, which is the package name with `@` and `/` replaced by `_`. When there is no configuration under that id, one that an \
              earlier server kept under this name is taken over, unless it belongs to another installed package.",
                )
            },
        ],
    },
    Group {
        title: "Memory and initialisation",
        intro: "Toolchains make these.",
        wit: None,
        exports: &[
            required("memory", &[], Shape::AnyAbi("memory"), "", "", "The one memory, 32-bit and not shared."),
            optional("_start", Shape::AnyAbi("()"), "", "", "Initialises the module, once. Exit code 0 is success."),
            optional(
                "_initialize",
                Shape::AnyAbi("()"),
                "",
                "",
                "Initialises the module, once, when there is no `_start`.",
            ),
            optional(
                "allocate",
                Shape::BufferOnly("(size: i32) -> i32"),
                "a number of bytes",
                "a pointer, or 0 when there is no memory",
                "Gives the server memory to write to. Exporting it makes the module one of the buffer ABI.",
            ),
            optional(
                "deallocate",
                Shape::BufferOnly("(ptr: i32, size: i32)"),
                "a pointer and the size asked for",
                "",
                "Takes the memory back. Recommended, not required.",
            ),
            optional(
                "__new",
                Shape::AssemblyScriptOnly("(size: i32, class: i32) -> i32"),
                "bytes and class id",
                "a pointer",
                "Makes an object. Exported when built with `exportRuntime`; required to start.",
            ),
            optional(
                "__pin",
                Shape::AssemblyScriptOnly("(ptr: i32) -> i32"),
                "a pointer",
                "the same",
                "Keeps the collector away from an object.",
            ),
            optional("__unpin", Shape::AssemblyScriptOnly("(ptr: i32)"), "a pointer", "", "Gives it back."),
            optional(
                "__setArgumentsLength",
                Shape::AssemblyScriptOnly("(count: i32)"),
                "a number",
                "",
                "Learns how many arguments the next call has.",
            ),
        ],
    },
    Group {
        title: "While it runs",
        intro: "",
        wit: Some("running"),
        exports: &[
            optional(
                "poll",
                Shape::Call,
                "",
                "a number without meaning",
                "Called about once a second. Ticks missed while another call ran are not made up for.",
            ),
            optional(
                "delta_handler",
                Shape::Delivery,
                "a delta as compact JSON; `context` is the full one (`vessels.urn:mrn:…`), `path` precedes `value`",
                "",
                "Receives deltas, of all contexts, with the capability `dataRead`. `signalk.wasm.subscriptions` in package.json \
                 narrows them to path patterns. A delta emitted during a call is delivered after it.",
            ),
            optional(
                "event_handler",
                Shape::Delivery,
                "a server event as compact JSON: `{\"type\",\"from\"?,\"data\",\"timestamp\"}`, the time in milliseconds since 1970",
                "",
                "Receives the events subscribed to, with the capability `serverEvents`.",
            ),
        ],
    },
    Group {
        title: "HTTP endpoints",
        intro: "Mounted below `/plugins/<plugin id>`. While the plugin does not run they answer 503. A handler may be any export \
                that has no other meaning.",
        wit: Some("http"),
        exports: &[
            optional(
                "http_endpoints",
                Shape::Getter,
                "",
                "a JSON array: `[{\"method\":\"GET\",\"path\":\"/api/data/:id\",\"handler\":\"handle_get_data\"}]`; methods are GET, POST, PUT and DELETE",
                "Lists the endpoints. Asked once, before `plugin_start`.",
            ),
            optional(
                "<handler>",
                Shape::HttpHandler,
                "`{\"method\",\"path\",\"query\",\"params\",\"body\",\"headers\"}`; without a body `\"body\"` is `{}`",
                "`{\"statusCode\":200,\"headers\":{…},\"body\":…}`; a text of type `application/json` is parsed first",
                "Answers requests. AssemblyScript: with one parameter the request is a string, with two it is UTF-8 bytes and their number.",
            ),
        ],
    },
    Group {
        title: "PUT requests",
        intro: "",
        wit: Some("puts"),
        exports: &[optional(
            "handle_put_<context>_<path>",
            Shape::Handler,
            "the JSON of the value alone",
            "`{\"state\":\"COMPLETED\"|\"PENDING\",\"statusCode\":200,\"message\":\"…\"}`",
            "Answers PUT requests for what `sk_register_put_handler` registered. Dots become underscores: \
             `handle_put_vessels_self_navigation_anchor_maxRadius`.",
        )],
    },
    Group {
        title: "Answers to HTTP requests of the plugin",
        intro: "",
        wit: None,
        exports: &[optional(
            "responseHandler",
            Shape::AssemblyScriptOnly("(body: i32, status: i32, redirected: i32, callback: i32)"),
            "an ArrayBuffer, the HTTP status (0 without an answer), 0 or 1, and the number of the callback",
            "",
            "Receives the answers to `_fetchGET` and `_fetchPOST`. It belongs to `as-fetch`: export it again from the plugin.",
        )],
    },
    Group {
        title: "Resource provider",
        intro: "After `sk_register_resource_provider`. One set of functions serves all types registered.",
        wit: Some("resources"),
        exports: &[
            optional(
                "resources_list_resources",
                Shape::Handler,
                "`{…query, \"resourceType\"}`",
                "an object of resources by id",
                "Lists the resources of a type.",
            ),
            optional(
                "resources_get_resource",
                Shape::Handler,
                "`{\"id\",\"property\"?,\"resourceType\"}`",
                "the resource; empty, `null`, `{}` or `{\"error\"}` when there is none",
                "Gives one resource.",
            ),
            optional(
                "resources_set_resource",
                Shape::Handler,
                "`{\"id\",\"value\",\"resourceType\"}`",
                "nothing, or an error text",
                "Saves a resource.",
            ),
            optional(
                "resources_delete_resource",
                Shape::Handler,
                "`{\"id\",\"resourceType\"}`",
                "nothing, or an error text",
                "Deletes a resource.",
            ),
        ],
    },
    Group {
        title: "Weather provider",
        intro: "After `sk_register_weather_provider`. `options` has `custom`, and `maxCount` and `startDate` when asked for.",
        wit: Some("weather"),
        exports: &[
            optional(
                "weather_get_observations",
                Shape::Handler,
                "`{\"position\":{\"latitude\",\"longitude\"},\"options\"}`",
                "an array",
                "Gives observations.",
            ),
            optional(
                "weather_get_forecasts",
                Shape::Handler,
                "`{\"position\",\"type\":\"daily\"|\"point\",\"options\"}`",
                "an array",
                "Gives forecasts.",
            ),
            optional("weather_get_warnings", Shape::Handler, "`{\"position\"}`", "an array", "Gives warnings."),
        ],
    },
    Group {
        title: "Radar provider",
        intro: "After `sk_register_radar_provider`. Every request names the radar as `radarId`. `radar_set_control` is preferred to the \
                functions for single controls.",
        wit: Some("radars"),
        exports: &[
            optional("radar_get_radars", Shape::List, "", "an array of radar ids", "Lists the radars."),
            optional(
                "radar_get_radar_info",
                Shape::Handler,
                "`{\"radarId\"}`",
                "`{\"name\",\"brand\",\"model\"?,\"radarIpAddress\"}`",
                "Describes a radar.",
            ),
            optional("radar_get_capabilities", Shape::Handler, "`{\"radarId\"}`", "an object", "Says what it can do."),
            optional(
                "radar_get_state",
                Shape::Handler,
                "`{\"radarId\"}`",
                "`{\"id\",\"timestamp\",\"status\",\"controls\"}`",
                "Gives its state.",
            ),
            optional(
                "radar_get_control",
                Shape::Handler,
                "`{\"radarId\",\"controlId\"}`",
                "an object",
                "Gives a control's value.",
            ),
            optional(
                "radar_set_control",
                Shape::Handler,
                "`{\"radarId\",\"controlId\",\"value\"}`",
                "`{\"success\",\"error\"?}`",
                "Sets a control.",
            ),
            optional("radar_set_controls", Shape::Handler, "`{\"radarId\",\"controls\"}`", "`true`", "Sets several."),
            optional(
                "radar_set_power",
                Shape::Handler,
                "`{\"radarId\",\"state\"}`: `off`, `standby`, `transmit` or `warming`",
                "`true`",
                "Switches it.",
            ),
            optional(
                "radar_set_range",
                Shape::Handler,
                "`{\"radarId\",\"range\"}`, metres",
                "`true`",
                "Sets the range.",
            ),
            optional(
                "radar_set_gain",
                Shape::Handler,
                "`{\"radarId\",\"gain\":{\"auto\",\"value\"?}}`",
                "`true`",
                "Sets the gain.",
            ),
            optional(
                "radar_set_sea",
                Shape::Handler,
                "`{\"radarId\",\"sea\":{\"auto\",\"value\"?}}`",
                "`true`",
                "Sets the sea clutter filter.",
            ),
            optional(
                "radar_set_rain",
                Shape::Handler,
                "`{\"radarId\",\"rain\":{\"auto\",\"value\"?}}`",
                "`true`",
                "Sets the rain clutter filter.",
            ),
            optional(
                "radar_get_targets",
                Shape::Handler,
                "`{\"radarId\"}`",
                "`{\"radarId\",\"timestamp\",\"targets\"}`",
                "Lists the targets tracked.",
            ),
            optional(
                "radar_acquire_target",
                Shape::Handler,
                "`{\"radarId\",\"bearing\",\"distance\"}`, radians and metres",
                "`{\"success\",\"targetId\"?,\"error\"?}`",
                "Begins to track a target.",
            ),
            optional(
                "radar_cancel_target",
                Shape::Handler,
                "`{\"radarId\",\"targetId\"}`",
                "`true`",
                "Stops tracking it.",
            ),
            optional(
                "radar_get_arpa_settings",
                Shape::Handler,
                "`{\"radarId\"}`",
                "an object",
                "Gives the settings of target tracking.",
            ),
            optional(
                "radar_set_arpa_settings",
                Shape::Handler,
                "`{\"radarId\",\"settings\"}`",
                "`{\"success\",\"error\"?}`",
                "Changes them.",
            ),
        ],
    },
];

/// The export called `name`, by either of its names; handlers of PUT requests by their pattern.
pub(super) fn find(name: &str) -> Option<&'static Export> {
    let pattern = if name.starts_with("handle_put_") { "handle_put_<context>_<path>" } else { name };
    GROUPS
        .iter()
        .flat_map(|group| group.exports)
        .find(|export| export.name == pattern || export.aliases.contains(&name))
}

/// The capability without which the server never calls the export.
pub(super) fn capability(name: &str) -> Option<&'static str> {
    match name {
        "delta_handler" => Some("dataRead"),
        "event_handler" => Some("serverEvents"),
        "http_endpoints" => Some("httpEndpoints"),
        _ => None,
    }
}
