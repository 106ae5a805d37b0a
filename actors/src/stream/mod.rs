//! The Signal K stream: hubs, clients and their subscriptions (signalk-v1 §5).
//!
//! One [`Hub`] lives on each HTTP worker's thread. The broker tells it "these deltas, these topics", and it tells its own
//! [`Subscription`]s, which apply policy and period and hand text frames to their [`Client`], one WebSocket. So a delta crosses threads
//! once per worker, is rendered once, and frames of one wake-up leave in one write.

mod client;
mod events;
mod hub;
mod message;
mod metadata_sent;
mod outbox;
mod rate;
mod statistics;
mod subscription;

pub(crate) use client::shut_down;
pub use client::{Client, ClientOptions, Hello, StreamContext};
pub use events::{EventBus, ServerEvent};
pub use hub::Hub;
pub use message::{DefaultSubscription, RateControl, SubscribeRow};
pub use statistics::{StreamCounters, StreamStatistics};
pub use subscription::Subscription;
