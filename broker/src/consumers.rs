//! The consumers of whole deltas (plugins and taps), each behind its own reload buffer and with its own restart policy.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use actix::Recipient;
use actix::prelude::SendError;
use foldhash::fast::RandomState;

use crate::delta::SharedDelta;
use crate::intern::SourceRef;
use crate::messages::{ConsumerId, ConsumerStatistics, DeliverDeltas};
use crate::observe::{Flow, Queue, QueueUnit};
use crate::reload_buffer::{RELOAD_BUFFER_CAPACITY, ReloadBuffer};
use crate::restart_policy::{RestartDecision, RestartPolicy};
use crate::routing::TopicId;

/// Deltas handed over at once. What a consumer holds is out of the buffer's reach, so this is small.
const BATCH: usize = 64;

/// All consumers.
#[derive(Default)]
pub(crate) struct Consumers {
    all: HashMap<ConsumerId, Consumer, RandomState>,
    by_topic: HashMap<TopicId, Vec<ConsumerId>, RandomState>,
}

#[derive(Default)]
struct Consumer {
    attached: Option<(TopicId, Recipient<DeliverDeltas>)>,
    /// Whose deltas it does not get.
    except: Option<SourceRef>,
    buffer: ReloadBuffer<Arc<SharedDelta>>,
    buffering: bool,
    /// It has been given deltas and has not said that it is ready for more.
    busy: bool,
    delivered: u64,
    policy: RestartPolicy,
    /// Since it was attached for the first time.
    seen: Option<SeenConsumer>,
}

/// How a consumer is seen from outside.
pub(crate) struct SeenConsumer {
    /// What waits for it.
    pub(crate) queue: Arc<Queue>,
    /// What it is given.
    pub(crate) flow: Flow,
}

impl Consumers {
    /// Adds a consumer, or gives a known one its new address; its buffer stays. Returns the topic it had before.
    pub(crate) fn attach(
        &mut self,
        id: ConsumerId,
        topic: TopicId,
        except: Option<SourceRef>,
        recipient: Recipient<DeliverDeltas>,
        seen: SeenConsumer,
    ) -> Option<TopicId> {
        let consumer = self.all.entry(id.clone()).or_default();
        seen.queue.holds(QueueUnit::Deltas, RELOAD_BUFFER_CAPACITY as u64);
        // What is known of the one who has come back goes on.
        consumer.seen.get_or_insert(seen);
        consumer.except = except;
        let earlier = consumer.attached.replace((topic, recipient)).map(|(topic, _)| topic);
        consumer.buffering = true;
        consumer.busy = false;
        if let Some(earlier) = earlier {
            self.forget_topic(earlier, &id);
        }
        self.by_topic.entry(topic).or_default().push(id);
        earlier
    }

    /// Ends a consumer's deltas. Its crashes are remembered: leaving does not clear the record.
    pub(crate) fn detach(&mut self, id: &ConsumerId) -> Option<TopicId> {
        let consumer = self.all.get_mut(id)?;
        let (topic, _) = consumer.attached.take()?;
        consumer.buffer.take(usize::MAX);
        consumer.tell_length();
        self.forget_topic(topic, id);
        Some(topic)
    }

    fn forget_topic(&mut self, topic: TopicId, id: &ConsumerId) {
        if let Some(ids) = self.by_topic.get_mut(&topic) {
            ids.retain(|other| other != id);
            if ids.is_empty() {
                self.by_topic.remove(&topic);
            }
        }
    }

    /// Queues a delta for the consumers of a topic, except those that do not want to hear its publisher.
    pub(crate) fn offer(&mut self, topic: TopicId, publisher: &SourceRef, delta: &Arc<SharedDelta>) {
        for id in self.by_topic.get(&topic).into_iter().flatten() {
            let Some(consumer) = self.all.get_mut(id) else { continue };
            if consumer.except.as_ref() == Some(publisher) {
                continue;
            }
            let dropped = consumer.buffer.push(delta.clone());
            if let (true, Some(seen)) = (dropped, &consumer.seen) {
                seen.queue.drop_more(1);
            }
            if dropped && consumer.buffer.dropped().is_power_of_two() {
                log::warn!(
                    "{}: more than {} deltas wait; the oldest are dropped, {} so far",
                    id.0,
                    consumer.buffer.len(),
                    consumer.buffer.dropped()
                );
            }
            consumer.tell_length();
        }
    }

    /// Hands queued deltas to all who are ready.
    pub(crate) fn flush(&mut self) {
        for consumer in self.all.values_mut() {
            consumer.flush();
        }
    }

    pub(crate) fn ready(&mut self, id: &ConsumerId) {
        if let Some(consumer) = self.all.get_mut(id) {
            consumer.busy = false;
            consumer.flush();
        }
    }

    pub(crate) fn set_buffering(&mut self, id: &ConsumerId, buffering: bool) {
        if let Some(consumer) = self.all.get_mut(id) {
            consumer.buffering = buffering;
            consumer.flush();
        }
    }

    pub(crate) fn crashed(&mut self, id: &ConsumerId, now: Instant) -> RestartDecision {
        let consumer = self.all.entry(id.clone()).or_default();
        consumer.buffering = true;
        consumer.policy.crashed(now)
    }

    pub(crate) fn forgive(&mut self, id: &ConsumerId) {
        if let Some(consumer) = self.all.get_mut(id) {
            consumer.policy.reset();
        }
    }

    pub(crate) fn statistics(&self) -> Vec<ConsumerStatistics> {
        let mut all: Vec<_> = self.all.iter().map(|(id, consumer)| consumer.statistics(id.clone())).collect();
        all.sort_by(|a, b| a.consumer.cmp(&b.consumer));
        all
    }
}

impl Consumer {
    fn tell_length(&self) {
        if let Some(seen) = &self.seen {
            seen.queue.set(self.buffer.len());
        }
    }

    fn flush(&mut self) {
        let Some((_, recipient)) = &self.attached else { return };
        if self.buffering || self.busy || self.buffer.is_empty() {
            return;
        }
        let batch = self.buffer.take(BATCH);
        let count = batch.len() as u64;
        match recipient.try_send(DeliverDeltas(batch)) {
            Ok(()) => {
                self.busy = true;
                self.delivered += count;
                if let Some(seen) = &self.seen {
                    seen.flow.count(1, count as usize);
                }
                self.tell_length();
            }
            // Its mailbox is full of other work: the next delta tries again.
            Err(SendError::Full(DeliverDeltas(batch))) => self.buffer.put_back(batch),
            // Its actor is gone; the supervisor will attach a new one.
            Err(SendError::Closed(DeliverDeltas(batch))) => {
                self.buffer.put_back(batch);
                self.buffering = true;
            }
        }
    }

    fn statistics(&self, consumer: ConsumerId) -> ConsumerStatistics {
        ConsumerStatistics {
            consumer,
            queued: self.buffer.len(),
            most_queued: self.seen.as_ref().map_or(0, |seen| seen.queue.most() as usize),
            dropped: self.buffer.dropped(),
            delivered: self.delivered,
            attached: self.attached.is_some(),
            buffering: self.buffering,
            crashes: self.policy.crash_count(),
        }
    }
}
