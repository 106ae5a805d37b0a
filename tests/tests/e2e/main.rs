//! End-to-end tests: the real binary, real sockets, real clients. See `windlass_tests` for what they share.

mod access;
mod ais_demo;
mod ais_differential;
mod attacks;
mod bad_input;
mod bad_plugins;
mod clients;
mod conformance;
mod dashboard;
mod demo;
mod examples;
mod lifecycle;
mod metadata_differential;
mod nmea_differential;
mod outputs_loop;
mod plaka;
mod plugin_calls;
mod plugin_http;
mod plugin_tool;
mod plugins;
mod power_cuts;
mod providers;
mod reload;
mod weather_example;
