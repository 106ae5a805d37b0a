//! The consumers: plugins and taps, which take whole deltas behind a queue of their own.

use super::*;

impl Handler<AttachConsumer> for Broker {
    type Result = ();

    fn handle(&mut self, message: AttachConsumer, _: &mut Self::Context) {
        let (topic, _) = self.index.join(message.topic);
        let id = message.consumer.actor();
        let seen = SeenConsumer { queue: self.observatory.queue(&id), flow: self.observed.flow_to(&id) };
        let AttachConsumer { consumer, except, recipient, .. } = message;
        if let Some(earlier) = self.consumers.attach(consumer, topic, except, recipient, seen) {
            self.index.leave(earlier);
        }
    }
}

impl Handler<DetachConsumer> for Broker {
    type Result = ();

    fn handle(&mut self, DetachConsumer(consumer): DetachConsumer, _: &mut Self::Context) {
        if let Some(topic) = self.consumers.detach(&consumer) {
            self.index.leave(topic);
        }
    }
}

impl Handler<ConsumerReady> for Broker {
    type Result = ();

    fn handle(&mut self, ConsumerReady(consumer): ConsumerReady, _: &mut Self::Context) {
        self.consumers.ready(&consumer);
    }
}

impl Handler<StartBuffering> for Broker {
    type Result = ();

    fn handle(&mut self, StartBuffering(consumer): StartBuffering, _: &mut Self::Context) {
        self.consumers.set_buffering(&consumer, true);
    }
}

impl Handler<StopBuffering> for Broker {
    type Result = ();

    fn handle(&mut self, StopBuffering(consumer): StopBuffering, _: &mut Self::Context) {
        self.consumers.set_buffering(&consumer, false);
    }
}

impl Handler<ReportCrash> for Broker {
    type Result = MessageResult<ReportCrash>;

    fn handle(&mut self, message: ReportCrash, ctx: &mut Self::Context) -> Self::Result {
        // tokio's clock, so that tests can turn it.
        let decision = self.consumers.crashed(&message.consumer, actix::clock::Instant::now().into_std());
        if let RestartDecision::RestartAfter(delay) = decision {
            let order = RestartInstance { crash: message.crash };
            ctx.run_later(delay, move |_, ctx| send_restart(message.restart, order, ctx));
        }
        MessageResult(decision)
    }
}

/// Asks for the restart; when the supervisor's mailbox is full, again in a moment.
fn send_restart(restart: Recipient<RestartInstance>, order: RestartInstance, ctx: &mut Context<Broker>) {
    if let Err(SendError::Full(order)) = restart.try_send(order) {
        ctx.run_later(Duration::from_millis(50), move |_, ctx| send_restart(restart, order, ctx));
    }
}

impl Handler<ForgiveCrashes> for Broker {
    type Result = ();

    fn handle(&mut self, ForgiveCrashes(consumer): ForgiveCrashes, _: &mut Self::Context) {
        self.consumers.forgive(&consumer);
    }
}
