//! Publishing for somebody who reads at once what he has written.

use actix::{Addr, Context, Handler, MailboxError, Message};

use crate::{Broker, Publish};

/// Is what was published before this in the data model, and on its way to the subscribers?
#[derive(Message)]
#[rtype(result = "()")]
struct Settle;

/// The broker reads no message before the deltas of the one before are applied and routed, so the answer is all there is to it.
impl Handler<Settle> for Broker {
    type Result = ();

    fn handle(&mut self, _: Settle, _: &mut Context<Self>) {}
}

/// Publishes, and waits until the deltas are in the data model and on their way to the subscribers. [`Publish`] alone is answered when they
/// are taken in, which is what a connection with many of them wants.
///
/// # Errors
/// The broker has stopped, or stops before they are applied.
pub async fn publish_and_settle(broker: &Addr<Broker>, deltas: Publish) -> Result<(), MailboxError> {
    broker.send(deltas).await?;
    broker.send(Settle).await
}
