//! Server events for plugins that ask for them, and the answers of asynchronous HTTP requests (§4.9, §4.10): what reaches a guest besides
//! deltas and requests.

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use actix::prelude::*;
use bytestring::ByteString;
use tokio::task::yield_now;

use super::plugin::Plugin;
use crate::stream::ServerEvent;

/// Events that wait for one plugin; the oldest are dropped.
const WAITING: usize = 100;
/// How often an asynchronous request under way is looked after.
const BETWEEN_LOOKS: Duration = Duration::from_millis(25);

/// Which events a plugin wants: these types, all that it may have when the list is empty.
#[derive(Debug, Clone, Default)]
pub(super) struct EventFilter(Vec<String>);

/// The server's events open to plugins.
const OPEN: [&str; 6] =
    ["SERVERSTATISTICS", "VESSEL_INFO", "DEBUG_SETTINGS", "SERVERMESSAGE", "PROVIDERSTATUS", "SOURCEPRIORITIES"];

impl EventFilter {
    pub(super) fn new(types: &[String]) -> Self {
        Self(types.to_vec())
    }

    fn admits(&self, kind: &str) -> bool {
        if self.0.is_empty() {
            return OPEN.contains(&kind) || kind.starts_with("PLUGIN_");
        }
        self.0.iter().any(|wanted| wanted == kind || (wanted == "PLUGIN_*" && kind.starts_with("PLUGIN_")))
    }
}

/// What waits for a plugin besides deltas.
#[derive(Debug, Default)]
pub(super) struct Extras {
    events: VecDeque<ByteString>,
    listening: bool,
    delivering: bool,
    looking: bool,
}

impl Plugin {
    /// Sees to it that events and answers reach the guest; called after each call into it.
    pub(super) fn mind_extras(&mut self, ctx: &mut Context<Self>) {
        let Some(guest) = &self.guest else { return };
        if !self.extras.listening && guest.has_event_handler() && self.host.wants_events() {
            self.extras.listening = true;
            // What the server said before is not news.
            drop(self.host.events().listen(ctx.address().recipient()));
        }
        let fetches = guest.fetches();
        if fetches.in_progress + fetches.undelivered > 0 {
            self.schedule_answers(BETWEEN_LOOKS, ctx);
        }
    }

    fn schedule_answers(&mut self, pause: Duration, ctx: &mut Context<Self>) {
        if mem::replace(&mut self.extras.looking, true) {
            return;
        }
        ctx.run_later(pause, |plugin, ctx| {
            plugin.extras.looking = false;
            // Answers wait for a plugin that has had more than its share of the processor, as deltas do.
            match plugin.record.rest() {
                Some(rest) if plugin.is_running() => plugin.schedule_answers(rest, ctx),
                _ => plugin.deliver_answers(ctx),
            }
        });
    }

    /// The plugin is stopped for good: nothing waits for it any more.
    pub(super) fn forget_extras(&mut self) {
        self.extras.events.clear();
        self.host.want_no_events();
    }

    fn deliver_answers(&mut self, ctx: &mut Context<Self>) {
        if !self.is_running() {
            return;
        }
        let Some(guest) = &mut self.guest else { return };
        let handling = self.observed.begin();
        let result = guest.deliver_responses().map(drop);
        self.observed.end(handling, 0);
        self.after_call(result, ctx, Self::send);
    }

    fn schedule_event(&mut self, ctx: &mut Context<Self>) {
        if self.extras.delivering || self.extras.events.is_empty() || !self.is_running() {
            return;
        }
        self.extras.delivering = true;
        let go_on = |plugin: &mut Self, ctx: &mut Context<Self>| {
            plugin.extras.delivering = false;
            plugin.deliver_event(ctx);
        };
        // Likewise; the oldest events are dropped meanwhile.
        match self.record.rest() {
            Some(rest) => ctx.run_later(rest, go_on),
            None => ctx.spawn(yield_now().into_actor(self).map(move |(), plugin, ctx| go_on(plugin, ctx))),
        };
    }

    fn deliver_event(&mut self, ctx: &mut Context<Self>) {
        if !self.is_running() {
            return;
        }
        let (Some(guest), Some(event)) = (&mut self.guest, self.extras.events.pop_front()) else { return };
        let handling = self.observed.begin();
        let result = guest.deliver_event(&event);
        self.observed.end(handling, 0);
        self.after_call(result, ctx, |plugin, ctx| plugin.send_then(ctx, Self::schedule_event));
    }

    /// Goes on with the events that came while the plugin was away.
    pub(super) fn resume_events(&mut self, ctx: &mut Context<Self>) {
        self.schedule_event(ctx);
    }
}

impl Handler<ServerEvent> for Plugin {
    type Result = ();

    fn handle(&mut self, ServerEvent(text): ServerEvent, ctx: &mut Self::Context) {
        let kind = text.strip_prefix("{\"type\":\"").and_then(|rest| rest.split('"').next()).unwrap_or_default();
        if !self.host.event_filter().is_some_and(|filter| filter.admits(kind)) {
            return;
        }
        let Some(open) = text.strip_suffix('}') else { return };
        let event = format!("{open},\"timestamp\":{}}}", jiff::Timestamp::now().as_millisecond());
        if self.extras.events.len() >= WAITING {
            self.extras.events.pop_front();
            self.record.note("server events came faster than the plugin took them; the oldest were dropped");
        }
        self.extras.events.push_back(event.into());
        self.schedule_event(ctx);
    }
}
