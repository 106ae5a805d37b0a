//! End-to-end tests: the real binary, real sockets, real clients. See `windlass_tests` for what they share.

mod bad_input;
mod bad_plugins;
mod conformance;
mod dashboard;
mod lifecycle;
mod nmea_differential;
mod plaka;
mod plugins;
mod published_client;
