//! Subscribing and unsubscribing, and in which order a message's keys are acted on (signalk-v1 §5.4, §5.5, §5.9).

use std::sync::atomic::{AtomicU64, Ordering};

use actix::prelude::*;
use actix_web_actors::ws;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use windlass_broker::{ContextPattern, Scope, SourcePolicy, SubscriptionId, Topic};

use super::Client;
use super::requests::Later;
use crate::stream::hub::{CloseSubscription, Hub, OpenSubscription};
use crate::stream::message::{ControlMessage, DefaultSubscription, RateControl, SubscribeRow, ValueFilter};
use crate::stream::subscribe::{Unsubscribed, read_subscribe, read_unsubscribe};
use crate::stream::subscription::{End, EndRows, Subscription};

/// Most subscribe messages that may be in force on one connection.
const MAX_SUBSCRIPTIONS: usize = 256;
/// Most rows of all of them together, and most of those with a `*` in their path: each of these is compared with every path there is.
const MAX_ROWS: usize = 2000;
const MAX_WILD_ROWS: usize = 128;

/// A subscription of the client.
pub(super) struct Opened {
    pub(super) id: SubscriptionId,
    pub(super) address: Addr<Subscription>,
    /// What its rows cover; `None` for those that were unsubscribed.
    rows: Vec<Option<Topic>>,
}

fn is_wild(topic: &Topic) -> bool {
    matches!(&topic.scope, Scope::Values(glob) if !glob.is_exact())
}

impl Client {
    /// Acts on the keys of a message in the order that the protocol has for them; `updates` came before.
    pub(super) fn control(&mut self, message: ControlMessage<'_>, ctx: &mut ws::WebsocketContext<Self>) {
        if let Some(rows) = message.subscribe {
            self.subscribe(&message, rows, ctx);
        }
        if let Some(rows) = message.unsubscribe {
            self.unsubscribe(message.context.as_ref(), rows, ctx);
        }
        let ControlMessage { request_id, context, access_request, login, put, delete, query, state, .. } = message;
        let id = match request_id {
            Some(Value::String(id)) => Some(id),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        if let Some(id) = id.as_deref()
            && state.is_some()
        {
            self.take_reply(
                id,
                &json!({"state": state, "statusCode": message.status_code, "message": message.message}),
            );
        }
        if let Some(asked) = access_request {
            self.ask_for_access(id.clone(), asked, ctx);
        }
        let later = Later { id, context, put, delete, query: query == Some(Value::Bool(true)) };
        match login {
            // What follows in the message is done with the rights that the login gives.
            Some(login) => self.login(&login, later, ctx),
            None => self.do_later(later, ctx),
        }
    }

    pub(super) fn open_default_subscription(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        let context = match self.options.subscribe {
            DefaultSubscription::None => return,
            DefaultSubscription::Own => ContextPattern::Exact(self.intake.self_context.clone()),
            DefaultSubscription::All => ContextPattern::all(),
        };
        let topic = Topic { sources: self.options.sources, ..Topic::new(context, Scope::Whole) };
        let row = SubscribeRow { topic, rate: RateControl::Instant };
        self.open_or_defer(vec![row], ValueFilter::default(), self.options.send_cached_values, ctx);
    }

    fn subscribe(&mut self, message: &ControlMessage<'_>, rows: &RawValue, ctx: &mut ws::WebsocketContext<Self>) {
        let sources: SourcePolicy = self.options.sources;
        let subscribed = read_subscribe(message, rows, &self.intake.self_context, sources);
        for reply in subscribed.replies {
            ctx.text(Value::from(reply).to_string());
        }
        if subscribed.log {
            self.subscribe_to_log(ctx);
        }
        if subscribed.rows.is_empty() {
            return;
        }
        let rows = self.rows + subscribed.rows.len();
        let wild = self.wild_rows() + subscribed.rows.iter().filter(|row| is_wild(&row.topic)).count();
        let reply = if self.subscriptions.len() + self.deferred.len() >= MAX_SUBSCRIPTIONS || rows > MAX_ROWS {
            format!(
                "more than {MAX_SUBSCRIPTIONS} subscriptions or {MAX_ROWS} rows on one connection; unsubscribe first"
            )
        } else if wild > MAX_WILD_ROWS {
            format!("more than {MAX_WILD_ROWS} rows with * in their path on one connection; unsubscribe first")
        } else {
            return self.open_or_defer(subscribed.rows, subscribed.filter, true, ctx);
        };
        ctx.text(Value::from(reply).to_string());
    }

    fn wild_rows(&self) -> usize {
        let opened = self.subscriptions.iter().flat_map(|opened| opened.rows.iter().flatten());
        let deferred = self.deferred.iter().flat_map(|(rows, _)| rows.iter().map(|row| &row.topic));
        opened.chain(deferred).filter(|topic| is_wild(topic)).count()
    }

    /// Whoever may not read gets nothing, but what was asked for counts once they have logged in.
    fn open_or_defer(
        &mut self,
        rows: Vec<SubscribeRow>,
        filter: ValueFilter,
        cached: bool,
        ctx: &mut ws::WebsocketContext<Self>,
    ) {
        self.rows += rows.len();
        if self.rights.may_read() {
            self.open(rows, filter, cached, ctx);
        } else {
            self.deferred.push((rows, filter));
        }
    }

    /// Opens what was asked for before the login. The present values are not sent (§5.9).
    pub(super) fn open_deferred(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        for (rows, filter) in std::mem::take(&mut self.deferred) {
            self.open(rows, filter, false, ctx);
        }
    }

    fn open(
        &mut self,
        rows: Vec<SubscribeRow>,
        filter: ValueFilter,
        cached: bool,
        ctx: &mut ws::WebsocketContext<Self>,
    ) {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = SubscriptionId(NEXT.fetch_add(1, Ordering::Relaxed));
        let address = Subscription::new(id, self.connection(ctx), &rows, filter).start();
        let topics: Vec<_> = rows.into_iter().map(|row| row.topic).collect();
        let opened = topics.iter().cloned().map(Some).collect();
        self.subscriptions.push(Opened { id, address: address.clone(), rows: opened });
        let client = self.observed.id().clone();
        let open = OpenSubscription { subscription: id, address, client, origin: self.origin, rows: topics, cached };
        self.tell_hub(open, ctx);
    }

    fn unsubscribe(&mut self, context: Option<&Value>, rows: &RawValue, ctx: &mut ws::WebsocketContext<Self>) {
        match read_unsubscribe(context, rows, &self.intake.self_context) {
            Ok(Unsubscribed::Everything) => self.close_all(ctx),
            Ok(some) => self.close_rows(&some, ctx),
            Err(reply) => ctx.text(Value::from(reply).to_string()),
        }
    }

    fn close_all(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        self.rows = 0;
        self.deferred.clear();
        for opened in std::mem::take(&mut self.subscriptions) {
            self.close(&opened, ctx);
        }
        if let Some(metadata) = &self.metadata {
            metadata.borrow_mut().forget();
        }
    }

    /// Ends rows. Those of a subscription that goes on for others count against the limit until it ends too.
    fn close_rows(&mut self, ended: &Unsubscribed, ctx: &mut ws::WebsocketContext<Self>) {
        let mut counted = 0;
        self.deferred.retain_mut(|(rows, _)| {
            let before = rows.len();
            rows.retain(|row| !ended.covers(&row.topic));
            counted += before - rows.len();
            !rows.is_empty()
        });
        let mut going_on = Vec::with_capacity(self.subscriptions.len());
        for mut opened in std::mem::take(&mut self.subscriptions) {
            let is_ended = |row: &Option<Topic>| row.as_ref().is_some_and(|topic| ended.covers(topic));
            let at: Vec<_> = (0..opened.rows.len()).filter(|at| is_ended(&opened.rows[*at])).collect();
            at.iter().for_each(|at| opened.rows[*at] = None);
            if opened.rows.iter().all(Option::is_none) {
                counted += opened.rows.len();
                self.close(&opened, ctx);
                continue;
            }
            if !at.is_empty() {
                let end = EndRows(at.into_iter().map(|at| at as u16).collect());
                if let Err(SendError::Full(end)) = opened.address.try_send(end) {
                    // It has to arrive, however much waits for the subscription; its rows bound how often this is said.
                    drop(actix::spawn(opened.address.send(end)));
                }
            }
            going_on.push(opened);
        }
        self.subscriptions = going_on;
        self.rows = self.rows.saturating_sub(counted);
    }

    fn close(&self, opened: &Opened, ctx: &mut ws::WebsocketContext<Self>) {
        if let Err(SendError::Full(end)) = opened.address.try_send(End) {
            drop(actix::spawn(opened.address.send(end)));
        }
        self.tell_hub(CloseSubscription(opened.id), ctx);
    }

    fn tell_hub<M>(&self, message: M, ctx: &mut ws::WebsocketContext<Self>)
    where
        M: Message<Result = ()> + Send + 'static,
        Hub: Handler<M>,
    {
        match self.hub.try_send(message) {
            Ok(()) => {}
            Err(SendError::Full(message)) => {
                // From a task of its own, so that it arrives also when the client goes meanwhile.
                drop(actix::spawn(self.hub.send(message)));
            }
            Err(SendError::Closed(_)) => {
                log::error!("this worker's hub has stopped; the client is closed so that it connects anew");
                ctx.stop();
            }
        }
    }
}
