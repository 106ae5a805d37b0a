//! What a client may say on the stream, besides deltas (signalk-v1 §5.4, §5.5, §5.8, §6.3).

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use windlass_broker::{SharedDelta, Topic, ValueIndex};

use super::nearby::Nearby;
use crate::data_model::ModelView;

/// What is delivered without a subscribe message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DefaultSubscription {
    /// The own ship.
    #[default]
    Own,
    /// Every context.
    All,
    /// Nothing.
    None,
}

/// The keys of a message that the server acts on. A message may have several of them.
#[derive(Debug, Deserialize)]
pub struct ControlMessage<'a> {
    /// Echoed in answers.
    #[serde(default, rename = "requestId")]
    pub request_id: Option<Value>,
    /// For subscribe, unsubscribe, put and delete.
    #[serde(default)]
    pub context: Option<Value>,
    /// Rows.
    #[serde(borrow, default)]
    pub subscribe: Option<&'a RawValue>,
    /// `preferred` or `all`, for subscribe.
    #[serde(default, rename = "sourcePolicy")]
    pub source_policy: Option<Value>,
    /// List of `$source`, for subscribe.
    #[serde(default, rename = "excludeSources")]
    pub exclude_sources: Option<Value>,
    /// For subscribe.
    #[serde(default, rename = "announceNewPaths")]
    pub announce_new_paths: Option<Value>,
    /// Rows.
    #[serde(borrow, default)]
    pub unsubscribe: Option<&'a RawValue>,
    /// `{clientId, description, permissions?}` or `{userId, password}`.
    #[serde(default, rename = "accessRequest")]
    pub access_request: Option<Value>,
    /// `{username, password}`
    #[serde(default)]
    pub login: Option<Value>,
    /// `{path, value, source?}`
    #[serde(default)]
    pub put: Option<Value>,
    /// `{path}`
    #[serde(default)]
    pub delete: Option<Value>,
    /// `true`: what has become of the request?
    #[serde(default)]
    pub query: Option<Value>,
    /// With `requestId`, the reply to a PUT that was handed to this client.
    #[serde(default)]
    pub state: Option<Value>,
    /// See `state`.
    #[serde(default, rename = "statusCode")]
    pub status_code: Option<Value>,
    /// See `state`.
    #[serde(default)]
    pub message: Option<Value>,
}

/// How often values of a row are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateControl {
    /// Each as it arrives.
    Instant,
    /// The first at once, then at most one a period, the last one at its end.
    MinPeriod {
        /// The window.
        period: Duration,
    },
    /// Collected, and the latest delivered at the end of each period.
    Fixed {
        /// The period.
        period: Duration,
    },
    /// Each as it arrives, and the last one again whenever a period passes without news.
    Ideal {
        /// The period.
        period: Duration,
    },
    /// The first value of each path, and no other: `announceNewPaths`.
    FirstOfPath,
}

impl RateControl {
    /// Whether the row only announces paths.
    pub fn announces(self) -> bool {
        self == Self::FirstOfPath
    }
}

/// A row of a subscription.
#[derive(Debug, Clone, PartialEq)]
pub struct SubscribeRow {
    /// What it covers.
    pub topic: Topic,
    /// How often.
    pub rate: RateControl,
}

/// What a subscribe message wants less of than its rows say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ValueFilter {
    /// `$source`s that are left out.
    pub excluded: Vec<String>,
    /// Only contexts that are there.
    pub nearby: Option<Nearby>,
}

impl ValueFilter {
    /// Whether a value is wanted.
    pub fn admits(&self, view: &ModelView, delta: &SharedDelta, index: ValueIndex) -> bool {
        let source = || delta.value(index).0.source_ref.as_str();
        let excluded = !self.excluded.is_empty() && self.excluded.iter().any(|excluded| excluded == source());
        !excluded && self.nearby.as_ref().is_none_or(|nearby| nearby.covers(view, &delta.delta().context))
    }
}
