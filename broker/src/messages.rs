//! The messages of the bus: name = verb + noun, with who sends and who answers.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::{Message, Recipient};
use serde::Serialize;
use smol_str::SmolStr;

use crate::delta::{Delta, SharedDelta, ValueIndex};
use crate::intern::{Path, SourceRef};
use crate::judged::Judged;
use crate::observe::{ActorId, ActorKind};
use crate::priorities::{PrioritySettings, SourceSwitch};
use crate::restart_policy::RestartDecision;
use crate::routing::{Routes, Topic, TopicId};

/// Connections, clients and plugins hand over what they have taken in. Deltas of one sender stay in order. Send in batches: the wait
/// for room in the broker's mailbox is what pushes back to the sender's socket.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Publish {
    /// Who sends, for the statistics.
    pub provider: SourceRef,
    /// The connection that it came over, which must not hear it again.
    pub origin: Origin,
    /// What; see [`crate::Intake`].
    pub deltas: Vec<Delta>,
}

/// A number for a connection that both sends deltas and gets some: a stream client, a server that is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
pub struct Origin(u64);

impl Origin {
    /// Whoever only sends.
    pub const NONE: Self = Self(0);

    /// A number that nobody has had since the start.
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Whether a delta of this origin has to be kept from `listener`, because it came from there.
    pub fn is(self, listener: Self) -> bool {
        self != Self::NONE && self == listener
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The broker asks the data model to take deltas in, and routes them when it has answered: a value can be read before any subscriber
/// is told about it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ApplyDeltas(pub Arc<Vec<Judged>>);

/// The broker asks the data model for the present values of a new subscription, between two batches of deltas, so that snapshot and
/// live stream join without a gap.
#[derive(Debug, Message)]
#[rtype(result = "Vec<CachedValue>")]
pub struct CollectSnapshot(pub Vec<Topic>);

/// A present value of a snapshot.
#[derive(Debug, Clone)]
pub struct CachedValue {
    /// Which of the topics it answers.
    pub row: usize,
    /// A delta with this value.
    pub delta: Arc<SharedDelta>,
    /// Which value of the delta.
    pub index: ValueIndex,
}

/// A number for an HTTP worker's hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct HubId(pub usize);

impl HubId {
    /// What the hub is called where it is observed.
    pub fn actor(self) -> ActorId {
        ActorId::new(ActorKind::Hub, &self.0.to_string())
    }
}

/// A number for a subscription, unique in the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct SubscriptionId(pub u64);

/// A hub joins the broker. Answered with its number.
#[derive(Message)]
#[rtype(result = "HubId")]
pub struct AttachHub(pub Recipient<FanOut>);

/// What the broker sends to a hub: everything since the last time, in order. At most one such message is on its way to a hub; it is
/// answered when the hub has handed it out.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct FanOut(pub Vec<FanOutItem>);

/// One step of a [`FanOut`].
#[derive(Debug, Clone)]
pub enum FanOutItem {
    /// A delta for the subscriptions of these topics, except those of the connection that it came from.
    Delta(Arc<SharedDelta>, Arc<Routes>, Origin),
    /// From here on the subscription gets these topics.
    Join {
        /// Which subscription.
        subscription: SubscriptionId,
        /// The topic of each of its rows.
        topics: Vec<TopicId>,
        /// The present values.
        cached: Vec<CachedValue>,
    },
    /// From here on it gets nothing.
    Leave {
        /// Which subscription.
        subscription: SubscriptionId,
    },
}

/// A client's subscription asks for values. The answer comes as [`FanOutItem::Join`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Subscribe {
    /// The client's hub.
    pub hub: HubId,
    /// The subscription.
    pub subscription: SubscriptionId,
    /// What it wants, a topic a row.
    pub rows: Vec<Topic>,
    /// Whether the present values are wanted first.
    pub cached: bool,
}

/// A client's subscription ends.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Unsubscribe {
    /// The client's hub.
    pub hub: HubId,
    /// The subscription.
    pub subscription: SubscriptionId,
}

/// Who takes whole deltas directly, behind a queue of its own: a plugin or a tap.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ConsumerId(pub SmolStr);

impl ConsumerId {
    /// What the consumer is called where it is observed: consumers are plugins.
    pub fn actor(&self) -> ActorId {
        ActorId::new(ActorKind::Plugin, &self.0)
    }
}

/// A consumer joins, or comes back with a new address. It starts buffering; [`StopBuffering`] lets the deltas flow.
#[derive(Message)]
#[rtype(result = "()")]
pub struct AttachConsumer {
    /// Who.
    pub consumer: ConsumerId,
    /// What it wants.
    pub topic: Topic,
    /// Leave out what was published in this name: a consumer that publishes under it does not hear itself.
    pub except: Option<SourceRef>,
    /// Where to.
    pub recipient: Recipient<DeliverDeltas>,
}

/// A consumer leaves; what waits for it is thrown away.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct DetachConsumer(pub ConsumerId);

/// Deltas for a consumer, in order. The next come after it has sent [`ConsumerReady`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct DeliverDeltas(pub Vec<Arc<SharedDelta>>);

/// A consumer has worked through the last [`DeliverDeltas`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ConsumerReady(pub ConsumerId);

/// Keep a consumer's deltas back, at most [`crate::RELOAD_BUFFER_CAPACITY`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StartBuffering(pub ConsumerId);

/// Let a consumer's deltas flow again, the kept ones first.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StopBuffering(pub ConsumerId);

/// A consumer's instance crashed. The broker keeps its deltas back, decides by the restart policy, and asks for the restart itself.
#[derive(Message)]
#[rtype(result = "RestartDecision")]
pub struct ReportCrash {
    /// Whose.
    pub consumer: ConsumerId,
    /// A number that [`RestartInstance`] repeats.
    pub crash: u64,
    /// Who starts it again.
    pub restart: Recipient<RestartInstance>,
}

/// The delay after a crash is over: start a fresh instance. Nothing takes it back: when the consumer was started or crashed again
/// meanwhile, the number tells that this one is outdated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct RestartInstance {
    /// The number in the [`ReportCrash`].
    pub crash: u64,
}

/// A person enabled, configured or reloaded the plugin: earlier crashes count no more.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ForgiveCrashes(pub ConsumerId);

/// From now on these priorities hold. Who provided what until now is forgotten.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SetPriorities(pub PrioritySettings);

/// Settings of stages have changed: they are asked anew how often they tick.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct RetimeStages;

/// Which source's value counts now, by path? Only paths that have a ranking.
#[derive(Debug, Message)]
#[rtype(result = "Vec<(Path, SourceRef)>")]
pub struct CollectPreferredSources;

/// The broker tells that paths of the own ship have another source than before. Sent to whoever asked for it with
/// [`crate::Broker::telling_switches`]; what finds its mailbox full is counted and made up for by [`CollectPreferredSources`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SourcesSwitched(pub Vec<SourceSwitch>);

/// How is the broker?
#[derive(Debug, Message)]
#[rtype(result = "BrokerStatistics")]
pub struct CollectBrokerStatistics;

/// The broker's state.
#[derive(Debug, Clone, Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct BrokerStatistics {
    /// Deltas published since start.
    pub deltas: u64,
    /// Values in them.
    pub values: u64,
    /// [`Publish`] messages that brought them.
    pub batches: u64,
    /// Deltas by provider.
    pub providers: Vec<(SmolStr, u64)>,
    /// Topics in the routing index.
    pub topics: usize,
    /// Live subscriptions of clients.
    pub subscriptions: usize,
    /// Values held back because a better source is fresh.
    pub held: u64,
    /// Times that another source took a path over.
    pub switches: u64,
    /// One entry a hub.
    pub hubs: Vec<HubStatistics>,
    /// One entry a consumer.
    pub consumers: Vec<ConsumerStatistics>,
    /// Time spent in handlers.
    pub busy: Duration,
    /// The longest single handler.
    pub longest_handler: Duration,
}

/// A hub as the broker sees it.
#[derive(Debug, Clone, Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct HubStatistics {
    /// Items that wait for it.
    pub pending: usize,
    /// The most that ever waited.
    pub most_pending: usize,
    /// Messages sent to it.
    pub batches: u64,
    /// Times that publishers had to wait for it.
    pub stalls: u64,
}

/// A consumer as the broker sees it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerStatistics {
    /// Who.
    pub consumer: ConsumerId,
    /// Deltas that wait.
    pub queued: usize,
    /// The most that ever waited.
    pub most_queued: usize,
    /// Deltas dropped because more than the buffer holds waited.
    pub dropped: u64,
    /// Deltas handed over.
    pub delivered: u64,
    /// Whether it wants deltas at present.
    pub attached: bool,
    /// Whether they are kept back at present.
    pub buffering: bool,
    /// Crashes that count for the restart policy.
    pub crashes: usize,
}
