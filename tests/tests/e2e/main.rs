//! End-to-end tests: the real binary, real sockets, real clients. See `windlass_tests` for what they share.

mod attacks;
mod bad_input;
mod bad_plugins;
mod conformance;
mod dashboard;
mod examples;
mod lifecycle;
mod nmea_differential;
mod plaka;
mod plugin_calls;
mod plugin_http;
mod plugin_tool;
mod plugins;
mod providers;
mod published_client;
mod reload;
