//! NMEA 0183 sentences that plugins make: they emit the event `nmea0183out` with a sentence or a list of them (signalk-v1 §13.2), or
//! another event whose name a connection has as its `outEvent` or `toStdout` (§15).

use actix::prelude::*;
use serde::Deserialize;
use smol_str::SmolStr;
use windlass_broker::Origin;

use super::sentences::{MADE, SentenceBus};
use crate::stream::{EventBus, ServerEvent};

/// How the text of such an event begins: events of plugins have this prefix in their type.
const BEGINNING: &str = "{\"type\":\"PLUGIN_";
/// Events that may wait.
const MAILBOX: usize = 256;

/// Hands the sentences of plugins to the outputs.
pub struct PluginSentences {
    events: EventBus,
    bus: SentenceBus,
}

#[derive(Deserialize)]
struct Event {
    data: Sentences,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Sentences {
    One(String),
    Many(Vec<String>),
}

impl PluginSentences {
    /// Listens on `events` from its start on.
    pub fn new(events: EventBus, bus: SentenceBus) -> Self {
        Self { events, bus }
    }
}

impl Actor for PluginSentences {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        // What the server said before is none of a plugin's.
        drop(self.events.listen(ctx.address().recipient()));
    }
}

impl Handler<ServerEvent> for PluginSentences {
    type Result = ();

    fn handle(&mut self, ServerEvent(text): ServerEvent, _: &mut Self::Context) {
        let Some(event) = text.strip_prefix(BEGINNING).and_then(|rest| rest.split('"').next()) else { return };
        if MADE != event && !self.bus.is_wanted(event) {
            return;
        }
        let events = [SmolStr::new(event)];
        let sentences = match serde_json::from_str(&text) {
            Ok(Event { data: Sentences::One(one) }) => vec![one],
            Ok(Event { data: Sentences::Many(many) }) => many,
            Err(error) => {
                return log::warn!(
                    "a plugin's event {event} is neither a sentence nor a list of sentences ({error}); it is ignored"
                );
            }
        };
        for sentence in sentences {
            // One line each, so that nothing can be slipped in behind a sentence.
            let is_one = sentence.starts_with(['$', '!']) && !sentence.trim_end().contains(char::is_control);
            if is_one {
                self.bus.emit(&events, sentence.as_bytes(), Origin::NONE);
            } else {
                log::debug!("a plugin's event {event} has something that is no sentence; it is left out");
            }
        }
    }
}
