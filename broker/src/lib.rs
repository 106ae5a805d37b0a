//! The delta bus of Windlass.
//!
//! It solves four problems: to carry vessel data without interpreting it ([`Delta`], [`RawJson`], [`Intake`]); to find out who wants a
//! value without asking everybody ([`RoutingIndex`]); to lose nothing while a plugin is away, within a bound ([`ReloadBuffer`]); and to
//! bring back what crashed without a storm of restarts ([`RestartPolicy`]). The [`Broker`] actor joins them.
//!
//! This crate knows no HTTP, no WebSocket, no wasm and no files.

mod broker;
mod consumers;
mod delta;
mod hub;
mod intake;
mod intern;
mod judged;
mod messages;
pub mod observe;
mod pattern;
mod priorities;
mod raw_json;
mod reload_buffer;
mod restart_policy;
mod routing;
mod settle;
mod source;
mod source_cache;
mod stage;
mod timestamp;

pub use broker::Broker;
pub use delta::{Delta, DeltaVersion, PathValue, SharedDelta, Update, ValueIndex, push_string};
pub use intake::{
    DEFAULTS_SOURCE, Intake, IntakeError, MAX_DELTA_BYTES, MAX_ENTRIES, MAX_PROBLEMS, MAX_VALUE_BYTES, Taken,
    without_static_data,
};
pub use intern::{Context, MAX_NAME_BYTES, MAX_NAMES, NameError, Path, SourceRef};
pub use judged::Judged;
pub use messages::*;
pub use pattern::{ContextPattern, Glob};
pub use priorities::{
    DEFAULT_FALLBACK_MS, Priorities, PriorityDefaults, PriorityGroup, PrioritySettings, RankedSource, SourceSwitch,
};
pub use raw_json::{MAX_VALUE_DEPTH, RawJson, RawJsonError};
pub use reload_buffer::{RELOAD_BUFFER_CAPACITY, ReloadBuffer};
pub use restart_policy::{RestartDecision, RestartPolicy};
pub use routing::{Routes, RoutingIndex, Scope, SourcePolicy, Topic, TopicId};
pub use settle::publish_and_settle;
pub use source::{Provider, Source};
pub use stage::Stage;
pub use timestamp::{MAX_TIMESTAMP_BYTES, Timestamp};
