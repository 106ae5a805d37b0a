//! What a plugin has to tell the broker, kept in order until it is sent.

use actix::{Addr, MailboxError, Recipient};
use windlass_broker::observe::Flow;
use windlass_broker::{
    AttachConsumer, Broker, ConsumerId, ConsumerReady, DeliverDeltas, Delta, DetachConsumer, ForgiveCrashes, Origin,
    Publish, SourceRef, StartBuffering, StopBuffering, Topic,
};

/// Deltas in one [`Publish`]. A plugin that emits thousands in one call must not keep the broker from others meanwhile.
const BATCH: usize = 256;

/// Which deltas the guest wants (§7.5).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Subscription {
    /// By context and path.
    pub topic: Topic,
    /// Its own ones too.
    pub own_deltas: bool,
}

/// A message to the broker.
pub(super) enum ToBroker {
    /// Deltas the guest emitted.
    Publish(Vec<Delta>),
    /// The guest wants deltas.
    Attach(Subscription, Recipient<DeliverDeltas>),
    /// It does not any more.
    Detach,
    /// Keep them back.
    StartBuffering,
    /// Let them flow.
    StopBuffering,
    /// The last batch is done.
    Ready,
    /// Forget crashes.
    Forgive,
}

/// Sends messages one after the other, each when the broker has taken the one before: that keeps their order, and a broker that is
/// behind holds up the plugin that publishes and nobody else.
pub(super) async fn send_all(
    broker: &Addr<Broker>,
    flow: &Flow,
    consumer: &ConsumerId,
    provider: &SourceRef,
    messages: Vec<ToBroker>,
) -> Result<(), MailboxError> {
    let id = || consumer.clone();
    for message in messages {
        match message {
            ToBroker::Publish(mut deltas) => {
                while !deltas.is_empty() {
                    let rest = deltas.split_off(deltas.len().min(BATCH));
                    let publish = Publish { provider: provider.clone(), origin: Origin::NONE, deltas };
                    broker.send(flow.carry(publish)).await?;
                    deltas = rest;
                }
            }
            ToBroker::Attach(Subscription { topic, own_deltas }, recipient) => {
                let except = (!own_deltas).then(|| provider.clone());
                broker.send(AttachConsumer { consumer: id(), topic, except, recipient }).await?;
            }
            ToBroker::Detach => broker.send(DetachConsumer(id())).await?,
            ToBroker::StartBuffering => broker.send(StartBuffering(id())).await?,
            ToBroker::StopBuffering => broker.send(StopBuffering(id())).await?,
            ToBroker::Ready => broker.send(ConsumerReady(id())).await?,
            ToBroker::Forgive => broker.send(ForgiveCrashes(id())).await?,
        }
    }
    Ok(())
}
