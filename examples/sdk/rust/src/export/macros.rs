//! The macro that makes a module of a plugin.

/// Exports a [`Plugin`](crate::Plugin) and those of its parts that are listed. What is not listed does not exist in the module:
/// a server then spends nothing on it.
///
/// | part | what it needs |
/// | --- | --- |
/// | `poll` | [`Plugin::poll`](crate::Plugin::poll), called once a second |
/// | `deltas` | [`Plugin::delta`](crate::Plugin::delta), called for every delta on the server |
/// | `http { "GET" "/api/status" => status, … }` | methods `fn status(&mut self, request: &Request) -> Response`, or a `Result` of two responses |
/// | `put { navigation.anchor.maxRadius => put_radius, … }` | methods `fn put_radius(&mut self, value: f64) -> PutResult`, with any type that serde reads; capability `putHandlers` |
/// | `resources ["routes", …]` | [`ResourceProvider`](crate::provider::ResourceProvider); capability `resourceProvider` |
/// | `weather "Name for people"` | [`WeatherProvider`](crate::provider::WeatherProvider); capability `weatherProvider` |
/// | `radar "Name for people"` | [`RadarProvider`](crate::provider::RadarProvider); capability `radarProvider` |
///
/// PUT handlers and providers are registered after a successful start. A registration that the server refuses becomes the plugin's
/// error text, and the plugin runs without it.
///
/// The crate must be a `cdylib`; with `rlib` besides, its tests run on the author's machine.
///
/// ```
/// use windlass_plugin::{Plugin, PutResult, RawDelta, Request, Response, StartError, export_plugin, serde_json::json};
///
/// #[derive(Default)]
/// struct Counter {
///     deltas: u64,
/// }
///
/// impl Plugin for Counter {
///     const ID: &'static str = "counter";
///     const NAME: &'static str = "Delta counter";
///     type Config = windlass_plugin::serde_json::Value;
///
///     fn start(_: Self::Config) -> Result<Self, StartError> {
///         Ok(Self::default())
///     }
///
///     fn delta(&mut self, _: RawDelta<'_>) {
///         self.deltas += 1;
///     }
/// }
///
/// impl Counter {
///     fn http_count(&mut self, _: &Request) -> Response {
///         Response::json(json!({ "deltas": self.deltas }))
///     }
///
///     fn put_count(&mut self, value: u64) -> PutResult {
///         self.deltas = value;
///         PutResult::completed()
///     }
/// }
///
/// export_plugin!(
///     Counter,
///     deltas,
///     http { "GET" "/api/count" => http_count },
///     put { environment.deltaCount => put_count },
/// );
/// ```
///
/// A part that it does not know is an error:
///
/// ```compile_fail
/// # struct Nothing;
/// windlass_plugin::export_plugin!(Nothing, teleport);
/// ```
#[macro_export]
macro_rules! export_plugin {
    ($plugin:ty $(, $($parts:tt)*)?) => {
        $crate::__windlass_core!($plugin, [$($($parts)*)?]);
        $crate::__windlass_parts!($plugin; $($($parts)*)?);
    };
}

/// The exports that every plugin has.
#[doc(hidden)]
#[macro_export]
macro_rules! __windlass_core {
    ($plugin:ty, [$($parts:tt)*]) => {
        ::std::thread_local! {
            static __WINDLASS_PLUGIN: $crate::export::Slot<$plugin> = const { $crate::export::Slot::new() };
        }

        // Only wasm has the names: on other systems `poll`, for one, is a function of the C library. There the functions are
        // compiled all the same, so that `cargo test` shows what is wrong with them; that each is also assigned to the type that
        // the server calls keeps them from being unused.
        const _: () = {
            #[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
            extern "C" fn allocate(size: usize) -> *mut u8 {
                $crate::export::allocate(size)
            }

            #[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
            unsafe extern "C" fn deallocate(buffer: *mut u8, size: usize) {
                // SAFETY: the server gives back what it got.
                unsafe { $crate::export::deallocate(buffer, size) }
            }

            #[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
            unsafe extern "C" fn plugin_id(out: *mut u8, max: usize) -> i32 {
                // SAFETY: the server's buffer has room for `max` bytes.
                unsafe { $crate::export::getter(out, max, <$plugin as $crate::Plugin>::ID) }
            }

            #[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
            unsafe extern "C" fn plugin_name(out: *mut u8, max: usize) -> i32 {
                // SAFETY: the server's buffer has room for `max` bytes.
                unsafe { $crate::export::getter(out, max, <$plugin as $crate::Plugin>::NAME) }
            }

            #[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
            unsafe extern "C" fn plugin_schema(out: *mut u8, max: usize) -> i32 {
                // SAFETY: the server's buffer has room for `max` bytes.
                unsafe { $crate::export::getter(out, max, &<$plugin as $crate::Plugin>::schema()) }
            }

            #[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
            unsafe extern "C" fn plugin_start(config: *const u8, len: usize) -> i32 {
                // SAFETY: the server wrote `len` bytes.
                unsafe {
                    $crate::export::input(config, len, |config| {
                        __WINDLASS_PLUGIN.with(|slot| slot.start(config, || { $crate::__windlass_register!($($parts)*); }))
                    })
                }
            }

            #[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
            extern "C" fn plugin_stop() -> i32 {
                __WINDLASS_PLUGIN.with(|slot| slot.stop())
            }

            let _: extern "C" fn(usize) -> *mut u8 = allocate;
            let _: unsafe extern "C" fn(*mut u8, usize) = deallocate;
            let _: [unsafe extern "C" fn(*mut u8, usize) -> i32; 3] = [plugin_id, plugin_name, plugin_schema];
            let _: unsafe extern "C" fn(*const u8, usize) -> i32 = plugin_start;
            let _: extern "C" fn() -> i32 = plugin_stop;
        };
    };
}

/// What is registered at the start.
#[doc(hidden)]
#[macro_export]
macro_rules! __windlass_register {
    () => {};
    (put { $($first:ident $(. $more:tt)* => $method:ident),* $(,)? } $($rest:tt)*) => {
        $($crate::export::registered($crate::export::register_put(
            ::core::concat!(::core::stringify!($first) $(, ".", ::core::stringify!($more))*)
        ));)*
        $crate::__windlass_register!($($rest)*);
    };
    (resources [$($kind:literal),+ $(,)?] $($rest:tt)*) => {
        $($crate::export::registered($crate::export::register_resources($kind));)+
        $crate::__windlass_register!($($rest)*);
    };
    (weather $name:literal $($rest:tt)*) => {
        $crate::export::registered($crate::export::register_weather($name));
        $crate::__windlass_register!($($rest)*);
    };
    (radar $name:literal $($rest:tt)*) => {
        $crate::export::registered($crate::export::register_radar($name));
        $crate::__windlass_register!($($rest)*);
    };
    ($other:tt $($rest:tt)*) => { $crate::__windlass_register!($($rest)*); };
}

/// The exports of the listed parts.
#[doc(hidden)]
#[macro_export]
macro_rules! __windlass_parts {
    ($plugin:ty;) => {};
    ($plugin:ty; , $($rest:tt)*) => { $crate::__windlass_parts!($plugin; $($rest)*); };
    ($plugin:ty; poll $($rest:tt)*) => {
        const _: () = {
            #[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
            extern "C" fn poll() -> i32 {
                __WINDLASS_PLUGIN.with(|slot| slot.poll())
            }
            let _: extern "C" fn() -> i32 = poll;
        };
        $crate::__windlass_parts!($plugin; $($rest)*);
    };
    ($plugin:ty; deltas $($rest:tt)*) => {
        const _: () = {
            #[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
            unsafe extern "C" fn delta_handler(delta: *const u8, len: usize) {
                // SAFETY: the server wrote `len` bytes.
                unsafe { $crate::export::input(delta, len, |delta| __WINDLASS_PLUGIN.with(|slot| slot.deliver(delta))) }
            }
            let _: unsafe extern "C" fn(*const u8, usize) = delta_handler;
        };
        $crate::__windlass_parts!($plugin; $($rest)*);
    };
    ($plugin:ty; http { $($method:literal $path:literal => $handler:ident),* $(,)? } $($rest:tt)*) => {
        const _: () = {
            #[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
            unsafe extern "C" fn http_endpoints(out: *mut u8, max: usize) -> i32 {
                const ENDPOINTS: &[$crate::export::Endpoint] = &[
                    $($crate::export::Endpoint { method: $method, path: $path, handler: ::core::stringify!($handler) }),*
                ];
                // SAFETY: the server's buffer has room for `max` bytes.
                unsafe { $crate::export::getter(out, max, &$crate::export::endpoints(ENDPOINTS)) }
            }
            let _: unsafe extern "C" fn(*mut u8, usize) -> i32 = http_endpoints;
        };
        $($crate::__windlass_handler!(::core::stringify!($handler), |slot, request| {
            $crate::export::http(slot, request, <$plugin>::$handler)
        });)*
        $crate::__windlass_parts!($plugin; $($rest)*);
    };
    ($plugin:ty; put { $($first:ident $(. $more:tt)* => $handler:ident),* $(,)? } $($rest:tt)*) => {
        $($crate::__windlass_handler!(
            ::core::concat!("handle_put_vessels_self_", ::core::stringify!($first) $(, "_", ::core::stringify!($more))*),
            |slot, request| $crate::export::put(slot, request, <$plugin>::$handler)
        );)*
        $crate::__windlass_parts!($plugin; $($rest)*);
    };
    ($plugin:ty; resources [$($kind:literal),+ $(,)?] $($rest:tt)*) => {
        $crate::__windlass_handlers!(resources, ResourceCall;
            "resources_list_resources" => List,
            "resources_get_resource" => Get,
            "resources_set_resource" => Set,
            "resources_delete_resource" => Delete,
        );
        $crate::__windlass_parts!($plugin; $($rest)*);
    };
    ($plugin:ty; weather $name:literal $($rest:tt)*) => {
        $crate::__windlass_handlers!(weather, WeatherCall;
            "weather_get_observations" => Observations,
            "weather_get_forecasts" => Forecasts,
            "weather_get_warnings" => Warnings,
        );
        $crate::__windlass_parts!($plugin; $($rest)*);
    };
    ($plugin:ty; radar $name:literal $($rest:tt)*) => {
        const _: () = {
            #[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
            unsafe extern "C" fn radar_get_radars(out: *mut u8, max: usize) -> i32 {
                // SAFETY: the server's buffer has room for `max` bytes.
                unsafe { $crate::export::getter(out, max, &__WINDLASS_PLUGIN.with(|slot| $crate::export::radars(slot))) }
            }
            let _: unsafe extern "C" fn(*mut u8, usize) -> i32 = radar_get_radars;
        };
        $crate::__windlass_handlers!(radar, RadarCall;
            "radar_get_radar_info" => Info,
            "radar_get_state" => State,
            "radar_get_capabilities" => Capabilities,
            "radar_get_control" => Control,
            "radar_set_control" => SetControl,
            "radar_set_controls" => SetControls,
            "radar_set_power" => SetAs("power", "state"),
            "radar_set_range" => SetNamed("range"),
            "radar_set_gain" => SetNamed("gain"),
            "radar_set_sea" => SetNamed("sea"),
            "radar_set_rain" => SetNamed("rain"),
            "radar_get_targets" => Targets,
            "radar_acquire_target" => AcquireTarget,
            "radar_cancel_target" => CancelTarget,
            "radar_get_arpa_settings" => ArpaSettings,
            "radar_set_arpa_settings" => SetArpaSettings,
        );
        $crate::__windlass_parts!($plugin; $($rest)*);
    };
    ($plugin:ty; $unknown:tt $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "export_plugin! can't read the part that begins with `", ::core::stringify!($unknown),
            "`; the documentation of the macro lists the parts and how they are written"
        ));
    };
}

/// One export that answers requests.
#[doc(hidden)]
#[macro_export]
macro_rules! __windlass_handler {
    ($name:expr, |$slot:ident, $request:ident| $answer:expr) => {
        const _: () = {
            #[cfg_attr(target_arch = "wasm32", unsafe(export_name = $name))]
            unsafe extern "C" fn handler(request: *const u8, len: usize, out: *mut u8, max: usize) -> i32 {
                // SAFETY: the server wrote `len` bytes, and its other buffer has room for `max`.
                unsafe {
                    $crate::export::handler(request, len, out, max, |$request| __WINDLASS_PLUGIN.with(|$slot| $answer))
                }
            }
            let _: unsafe extern "C" fn(*const u8, usize, *mut u8, usize) -> i32 = handler;
        };
    };
}

/// The exports of a provider.
#[doc(hidden)]
#[macro_export]
macro_rules! __windlass_handlers {
    ($part:ident, $call:ident; $($name:literal => $variant:ident $(($($arg:literal),*))?,)*) => {
        $($crate::__windlass_handler!($name, |slot, request| {
            $crate::export::$part(slot, $crate::export::$call::$variant $(($($arg),*))?, request)
        });)*
    };
}
