//! The hubs of the HTTP workers: who joins, what goes to them, and what is left of one that has ended.

use super::*;

impl Broker {
    pub(super) fn flush_hubs(&mut self, ctx: &mut Context<Self>) {
        let mut stalled = Vec::new();
        for (id, hub) in self.hubs.iter_mut().enumerate() {
            hub.tell_length();
            if hub.pending.is_empty() {
                continue;
            }
            if !hub.in_flight {
                hub.in_flight = true;
                let pending = hub.take_pending();
                let sent = hub.recipient.send(pending);
                ctx.spawn(
                    actix::fut::wrap_future::<_, Self>(sent)
                        .map(move |answer, broker, ctx| broker.hub_done(id, answer, ctx)),
                );
            } else if hub.is_full() {
                // The hub is far behind: nothing more is taken from publishers until it has caught up.
                hub.stalls += 1;
                let pending = hub.take_pending();
                stalled.push(hub.recipient.send(pending));
            }
        }
        for sent in stalled {
            self.wait_for(sent, ctx, |_, _, _| ());
        }
    }

    fn hub_done(&mut self, id: usize, answer: Result<(), MailboxError>, ctx: &mut Context<Self>) {
        self.hubs[id].in_flight = false;
        match answer {
            Ok(()) => self.flush_hubs(ctx),
            Err(_) => self.hub_is_gone(HubId(id)),
        }
    }

    /// A worker has ended, and its clients with it; they can't say any more that they leave. Its number is free for another one.
    fn hub_is_gone(&mut self, id: HubId) {
        let hub = &mut self.hubs[id.0];
        hub.gone = true;
        hub.forget();
        let left: Vec<_> = self.subscriptions.keys().filter(|(hub, _)| *hub == id).copied().collect();
        for key in left {
            if let Some(topics) = self.subscriptions.remove(&key) {
                self.leave_topics(id, &topics);
            }
        }
    }

    pub(super) fn leave_topics(&mut self, hub: HubId, topics: &[TopicId]) {
        for topic in topics {
            if let Some(users) = self.hub_users.get_mut(topic) {
                users[hub.0] -= 1;
                if users.iter().all(|n| *n == 0) {
                    self.hub_users.remove(topic);
                }
            }
            self.index.leave(*topic);
        }
    }
}

pub(super) fn wanted_by(
    users: &HashMap<TopicId, SmallVec<[u32; 8]>, RandomState>,
    hub: usize,
    routes: &Routes,
) -> bool {
    let used = |topic: &TopicId| users.get(topic).is_some_and(|counts| counts.get(hub).is_some_and(|n| *n > 0));
    routes.whole.iter().any(used) || routes.values.iter().any(|(_, topics)| topics.iter().any(used))
}

impl Handler<AttachHub> for Broker {
    type Result = MessageResult<AttachHub>;

    fn handle(&mut self, AttachHub(recipient): AttachHub, _: &mut Self::Context) -> Self::Result {
        // Workers end when their port is left. One that had no subscriptions is sent nothing, so nobody has noticed.
        for id in (0..self.hubs.len()).map(HubId) {
            let hub = &self.hubs[id.0];
            if !hub.gone && !hub.in_flight && !hub.recipient.connected() {
                self.hub_is_gone(id);
            }
        }
        let free = self.hubs.iter().position(|hub| hub.gone);
        let id = HubId(free.unwrap_or(self.hubs.len()));
        let flow = self.observed.flow_to(&id.actor());
        let hub = Hub::new(recipient, self.observatory.queue(&id.actor()), flow);
        match free {
            Some(index) => self.hubs[index] = hub,
            None => self.hubs.push(hub),
        }
        MessageResult(id)
    }
}

impl Handler<Subscribe> for Broker {
    type Result = ();

    fn handle(&mut self, message: Subscribe, ctx: &mut Self::Context) {
        let Subscribe { hub, subscription, rows, cached } = message;
        if hub.0 >= self.hubs.len() {
            log::error!("subscription {subscription:?} names the unknown hub {hub:?}; it gets nothing");
            return;
        }
        let wanted = if cached { rows.clone() } else { Vec::new() };
        let snapshot = self.snapshots.send(CollectSnapshot(wanted));
        self.wait_for(snapshot, ctx, move |answer, broker, ctx| {
            let Ok(mut cached) = answer else {
                log::error!("the data model has stopped; subscription {subscription:?} gets nothing");
                return;
            };
            cached.retain(|value| broker.is_wanted(&rows, value));
            let topics: Vec<_> = rows.into_iter().map(|topic| broker.index.join(topic).0).collect();
            for topic in &topics {
                let users = broker.hub_users.entry(*topic).or_default();
                if users.len() <= hub.0 {
                    users.resize(hub.0 + 1, 0);
                }
                users[hub.0] += 1;
            }
            broker.hubs[hub.0].pending.push(FanOutItem::Join { subscription, topics: topics.clone(), cached });
            if let Some(earlier) = broker.subscriptions.insert((hub, subscription), topics) {
                broker.leave_topics(hub, &earlier);
            }
            broker.flush_hubs(ctx);
        });
    }
}

impl Handler<Unsubscribe> for Broker {
    type Result = ();

    fn handle(&mut self, Unsubscribe { hub, subscription }: Unsubscribe, ctx: &mut Self::Context) {
        if let Some(topics) = self.subscriptions.remove(&(hub, subscription)) {
            self.leave_topics(hub, &topics);
            self.hubs[hub.0].pending.push(FanOutItem::Leave { subscription });
            self.flush_hubs(ctx);
        }
    }
}
