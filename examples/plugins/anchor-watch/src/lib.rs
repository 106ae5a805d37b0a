//! An anchor watch: position in, distance and alarm out.
//!
//! The plugin follows `navigation.position` of the own vessel, publishes how far the boat lies from
//! her anchor, and raises the notification `notifications.navigation.anchor` when she drags or when
//! the position fails. Clients drop, move and weigh the anchor by PUT requests and by HTTP endpoints.
//!
//! It shows how a Signal K WASM plugin can be laid out: [`watch`] is the seamanship, [`config`] the
//! settings, `publish` the deltas, `requests` what clients may ask for, and this file ties them
//! together. `cargo test` tests all of it without a server.

pub mod config;
mod publish;
mod requests;
pub mod watch;

use config::{Config, SCHEMA};
use std::borrow::Cow;
use std::time::Instant;
use watch::{State, Watch};
use windlass_plugin::{Plugin, Position, RawDelta, StartError, data, export_plugin, host};

/// Path of the boat's position.
const POSITION: &str = "navigation.position";

/// The running plugin.
#[derive(Debug)]
pub struct AnchorWatch {
    config: Config,
    watch: Watch,
    /// The clock of the watch counts from here.
    started: Instant,
    /// The own vessel's context in deltas, once it is known.
    self_context: Option<String>,
    /// The `$source` values under which the server publishes this plugin's deltas.
    own_sources: Vec<String>,
}

impl Plugin for AnchorWatch {
    const ID: &'static str = "anchor-watch";
    const NAME: &'static str = "Anchor watch";
    type Config = Config;

    fn schema() -> Cow<'static, str> {
        SCHEMA.into()
    }

    fn start(config: Config) -> Result<Self, StartError> {
        config.check()?;
        // An anchor in the server's data is from before a crash.
        let lying = data::self_path(publish::ANCHOR_POSITION).ok().flatten().filter(|at: &Position| at.is_valid());
        let plugin = Self {
            watch: Watch::new(&config, lying),
            config,
            started: Instant::now(),
            self_context: data::self_context(),
            own_sources: host::own_sources(),
        };
        plugin.announce();
        host::set_status(match plugin.watch.anchor() {
            Some(_) => "Anchor is down, waiting for a position",
            None if plugin.watch.drops_at_next_position() => "Drops the anchor at the first position",
            None => "No anchor is down: set its position in the configuration, or drop it by a PUT request",
        });
        Ok(plugin)
    }

    fn stop(&mut self) {
        publish::Outgoing::default()
            .anchor(None)
            .range(None)
            .notification(State::Normal, "The anchor watch is off")
            .emit();
    }

    fn poll(&mut self) -> i32 {
        assert!(!self.config.crash_on_poll, "the setting crashOnPoll asks for this crash");
        let report = self.watch.tick(self.started.elapsed());
        self.publish(report);
        if self.self_context.is_none() {
            self.announce();
        }
        0
    }

    fn delta(&mut self, delta: RawDelta<'_>) {
        assert!(!self.config.crash_on_delta, "the setting crashOnDelta asks for this crash");
        if self.self_context.is_some() && !delta.mentions(POSITION) {
            return;
        }
        let delta = match delta.parse() {
            Ok(delta) => delta,
            Err(error) => return host::debug(error.to_string()),
        };
        if self.self_context.is_none() && delta.is_from(&self.own_sources) {
            // Our own delta came back: its context is the one behind the alias `vessels.self`.
            self.self_context = Some(delta.context.clone().into_owned());
        }
        if self.self_context.as_deref() != Some(&*delta.context) {
            return;
        }
        let now = self.started.elapsed();
        for position in delta.values_of::<Position>(POSITION).filter(|position| position.is_valid()) {
            let report = self.watch.position(position, now);
            self.publish(report);
        }
    }
}

impl AnchorWatch {
    /// Publishes what is known before any position, which also makes the server tell us, by the
    /// echo, which context the own vessel has.
    fn announce(&self) {
        let mut delta = publish::Outgoing::default().max_radius(self.watch.max_radius());
        if let Some(anchor) = self.watch.anchor() {
            delta = delta.anchor(Some(anchor));
        }
        delta.emit();
    }

    /// Publishes what a step of the watch found out.
    fn publish(&self, report: watch::Report) {
        let mut delta = publish::Outgoing::default();
        if report.weighed && report.dropped.is_none() {
            delta = delta.anchor(None).range(None);
        }
        if let Some(anchor) = report.dropped {
            delta = delta.anchor(Some(anchor));
            host::debug(format!("Anchor dropped at {:.5}, {:.5}", anchor.latitude, anchor.longitude));
        }
        if report.range.is_some() {
            delta = delta.range(report.range);
        }
        if let Some((state, message)) = report.changed {
            host::set_status(&message);
            delta = delta.notification(state, &message);
        }
        delta.emit();
    }
}

export_plugin!(
    AnchorWatch,
    poll,
    deltas,
    http {
        "GET" "/api/status" => http_get_status,
        "GET" "/api/position" => http_get_position,
        "POST" "/api/drop" => http_post_drop,
    },
    put {
        navigation.anchor.position => put_position,
        navigation.anchor.maxRadius => put_max_radius,
        navigation.anchor.state => put_state,
    },
);

#[cfg(test)]
mod tests;
