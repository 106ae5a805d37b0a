//! The Signal K stream: hubs, clients and their subscriptions (signalk-v1 §5).
//!
//! One [`Hub`] lives on each HTTP worker's thread. The broker tells it "these deltas, these topics", and it tells its own
//! [`Subscription`]s, which apply policy and period and hand text frames to their [`Client`], one WebSocket. So a delta crosses threads
//! once per worker, is rendered once, and frames of one wake-up leave in one write.

mod backlog;
mod client;
mod events;
#[cfg(test)]
mod fuzz_corpus;
mod hub;
mod look;
mod message;
mod metadata_sent;
mod nearby;
mod outbox;
mod pings;
mod rate;
mod rights;
mod row;
mod server_log;
mod statistics;
mod subscribe;
mod subscription;

pub use backlog::SlowClientLimits;
pub(crate) use client::shut_down;
pub use client::{Client, ClientOptions, Hello, StreamContext};
pub use events::{EventBus, ServerEvent};
pub use hub::Hub;
pub use message::{DefaultSubscription, RateControl, SubscribeRow};
pub use pings::PingInterval;
pub use server_log::{LogRow, ServerLog};
pub use statistics::{StreamCounters, StreamStatistics};
pub use subscribe::source_policy;
pub use subscription::Subscription;
