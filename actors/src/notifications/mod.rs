//! Notifications: what all of them have (signalk-v1 §7.1), and those that the server makes of zones (§7.2).
//!
//! Both are stages of the broker: they see every delta in its order and miss none.

mod attention;
mod manager;
mod memory;
mod state;
mod zones;

pub use attention::Attention;
pub(crate) use attention::{SOUND, VISUAL, keep_on_screens, methods};
pub use manager::{AttendedAlarm, NotificationManager};
pub use memory::{SavedZone, ZoneMemory};
pub use state::AlarmState;
pub(crate) use zones::DEFAULT_METHOD;
pub use zones::Zones;

/// Where notifications are.
pub(crate) const ROOT: &str = "notifications.";
