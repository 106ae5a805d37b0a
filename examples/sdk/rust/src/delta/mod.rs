//! Deltas: the ones that come in, and the ones that a plugin makes.

mod builder;
mod incoming;
mod notification;

pub use builder::DeltaBuilder;
pub use incoming::{Delta, PathValue, RawDelta, Update};
pub use notification::{AlarmMethod, AlarmState, Notification};
