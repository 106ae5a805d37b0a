//! What a run is to do.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::pacing::Rate;
use crate::selection::Selection;
use crate::stamp::MAX_PRODUCERS;

/// Own ship, in whatever identity the server has.
const OWN_SHIP: &str = "vessels.self";

/// What a run is to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The server, `http://host:port`.
    pub url: String,
    /// A login token, when the server wants one.
    pub token: Option<String>,
    /// The context of every delta.
    pub context: String,
    /// Producers, each with its own connection and `$source`.
    pub producers: usize,
    /// Deltas per second of all producers together.
    pub rate: Rate,
    /// Values in each delta, each for another path.
    pub values_per_delta: u64,
    /// Paths of each producer; its values take them in turn.
    pub paths: u64,
    /// Subscribers, each with its own connection.
    pub subscribers: usize,
    /// What each subscriber asks for.
    pub subscription: Subscription,
    /// Time at full rate before the measured window.
    pub warm_up: Duration,
    /// The measured window.
    pub duration: Duration,
    /// How long to wait for outstanding values afterwards.
    pub drain_timeout: Duration,
    /// How long the server may take for a connection, for the first values, and to start.
    pub connect_timeout: Duration,
    /// Let arriving frames gather for this long between reads: cheaper, but it adds to the latencies.
    pub read_interval: Duration,
    /// The most deltas of a producer that may be on their way to the slowest subscriber.
    pub in_flight: Option<u64>,
    /// The server's process, for its costs.
    pub server: ServerProcess,
}

/// What a subscriber asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Subscription {
    /// `subscribe=self`: own ship, whole deltas.
    Own,
    /// `subscribe=all`: every context, whole deltas.
    All,
    /// An explicit subscription to the paths that a glob covers; one value per frame.
    Paths(String, RateControl),
}

/// The rate control of an explicit subscription (Signal K v1 §5.4).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RateControl {
    /// `instant`, `fixed` or `ideal`.
    pub policy: Option<String>,
    /// Milliseconds.
    pub period: Option<u64>,
    /// Milliseconds.
    pub min_period: Option<u64>,
}

/// Where the server's process is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerProcess {
    /// Not on this machine, or not of interest.
    Unknown,
    /// A running process.
    Pid(u32),
    /// To be started with this command and stopped at the end.
    Spawn(String),
}

/// Why a plan cannot be carried out.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlanError {
    /// The number of producers.
    #[error("there must be 1 to {MAX_PRODUCERS} producers")]
    Producers,
    /// The rate.
    #[error("the rate must be a number of deltas per second, or 0 to saturate the server")]
    Rate,
    /// The number of values or paths.
    #[error("a delta needs at least one value, and a producer at least as many paths as a delta has values")]
    Values,
    /// The measured window.
    #[error("the measured window must be longer than nothing")]
    Duration,
    /// Nothing of that context reaches the subscribers.
    #[error("subscribers of 'self' receive nothing of the context {0}; use --subscribe all or --path")]
    Context(String),
    /// Nothing matches.
    #[error("the pattern '{0}' covers none of the producers' paths (load.p<producer>.v<number>)")]
    Pattern(String),
    /// Closed loop without feedback.
    #[error(
        "--in-flight needs at least one subscriber that receives every value (no --path), and a window of 1 or more"
    )]
    InFlight,
}

impl RateControl {
    /// Whether the server may skip values.
    pub fn skips_values(&self) -> bool {
        self.period.is_some()
            || self.min_period.is_some_and(|period| period > 0)
            || self.policy.as_deref().is_some_and(|policy| policy != "instant")
    }
}

impl Plan {
    /// Finds what makes the plan impossible before anything is started.
    pub fn check(&self) -> Result<(), PlanError> {
        if !(1..=MAX_PRODUCERS).contains(&self.producers) {
            return Err(PlanError::Producers);
        }
        if let Rate::PerSecond(rate) = self.rate
            && !(rate > 0.0 && rate.is_finite())
        {
            return Err(PlanError::Rate);
        }
        if self.values_per_delta == 0 || self.paths < self.values_per_delta {
            return Err(PlanError::Values);
        }
        if self.duration.is_zero() {
            return Err(PlanError::Duration);
        }
        if self.subscription == Subscription::Own && self.context != OWN_SHIP && self.subscribers > 0 {
            return Err(PlanError::Context(self.context.clone()));
        }
        if let Subscription::Paths(pattern, _) = &self.subscription
            && self.selections().iter().all(|selection| selection.covered() == 0)
        {
            return Err(PlanError::Pattern(pattern.clone()));
        }
        let partial = matches!(self.subscription, Subscription::Paths(..));
        if self.in_flight.is_some_and(|window| window == 0 || self.subscribers == 0 || partial) {
            return Err(PlanError::InFlight);
        }
        Ok(())
    }

    /// What of each producer's stream a subscriber receives.
    pub(crate) fn selections(&self) -> Vec<Selection> {
        let of_producer = |producer| match &self.subscription {
            Subscription::Own | Subscription::All => Selection::everything(self.paths),
            Subscription::Paths(pattern, _) => Selection::matching(pattern, producer, self.paths),
        };
        (0..self.producers).map(of_producer).collect()
    }

    /// Whether the server may skip values for the subscribers.
    pub(crate) fn rate_controlled(&self) -> bool {
        matches!(&self.subscription, Subscription::Paths(_, control) if control.skips_values())
    }

    /// The query with which a subscriber opens its stream.
    pub(crate) fn subscriber_query(&self) -> &'static str {
        match self.subscription {
            Subscription::Own => "subscribe=self&sendCachedValues=false",
            Subscription::All => "subscribe=all&sendCachedValues=false",
            Subscription::Paths(..) => "subscribe=none",
        }
    }

    /// The message that a subscriber sends after opening its stream, if any.
    pub(crate) fn subscribe_message(&self) -> Option<String> {
        let Subscription::Paths(pattern, control) = &self.subscription else { return None };
        let mut row = Map::from_iter([("path".to_owned(), Value::from(pattern.as_str()))]);
        let mut set = |key: &str, value: Option<Value>| row.extend(value.map(|value| (key.to_owned(), value)));
        set("policy", control.policy.clone().map(Value::from));
        set("period", control.period.map(Value::from));
        set("minPeriod", control.min_period.map(Value::from));
        Some(json!({"context": self.context, "subscribe": [row]}).to_string())
    }
}

impl Default for Plan {
    /// One producer with a thousand deltas per second, one subscriber, ten seconds.
    fn default() -> Self {
        Plan {
            url: "http://127.0.0.1:3000".to_owned(),
            token: None,
            context: OWN_SHIP.to_owned(),
            producers: 1,
            rate: Rate::PerSecond(1000.0),
            values_per_delta: 1,
            paths: 10,
            subscribers: 1,
            subscription: Subscription::Own,
            warm_up: Duration::from_secs(2),
            duration: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(10),
            read_interval: Duration::ZERO,
            in_flight: None,
            server: ServerProcess::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_plans_are_refused() {
        let check = |change: fn(&mut Plan)| {
            let mut plan = Plan::default();
            change(&mut plan);
            plan.check()
        };
        let paths = |pattern: &str| Subscription::Paths(pattern.into(), RateControl::default());
        assert_eq!(check(|_| ()), Ok(()));
        assert_eq!(check(|plan| plan.producers = 0), Err(PlanError::Producers));
        assert_eq!(check(|plan| plan.rate = Rate::PerSecond(f64::NAN)), Err(PlanError::Rate));
        assert_eq!(check(|plan| plan.values_per_delta = 11), Err(PlanError::Values));
        assert_eq!(check(|plan| plan.duration = Duration::ZERO), Err(PlanError::Duration));
        assert_eq!(check(|plan| plan.context = "vessels.x".into()), Err(PlanError::Context("vessels.x".into())));
        assert_eq!(check(|plan| plan.in_flight = Some(0)), Err(PlanError::InFlight));
        let plan = |pattern: &str, in_flight| Plan { subscription: paths(pattern), in_flight, ..Plan::default() };
        assert_eq!(plan("navigation.*", None).check(), Err(PlanError::Pattern("navigation.*".into())));
        assert_eq!(plan("load.*", Some(5)).check(), Err(PlanError::InFlight));
    }

    #[test]
    fn the_subscribe_message_has_the_row_that_was_asked_for() {
        let control = RateControl { policy: Some("fixed".into()), period: Some(500), min_period: None };
        let plan = Plan { subscription: Subscription::Paths("load.*".into(), control), ..Plan::default() };
        let message: Value = serde_json::from_str(&plan.subscribe_message().unwrap()).unwrap();
        let row = json!({"path": "load.*", "policy": "fixed", "period": 500});
        assert_eq!(message, json!({"context": "vessels.self", "subscribe": [row]}));
        assert!(plan.rate_controlled());
        assert_eq!(Plan::default().subscribe_message(), None);
    }
}
