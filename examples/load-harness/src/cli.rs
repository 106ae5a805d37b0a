//! The command line.

use std::time::Duration;

use clap::{Parser, ValueEnum};
use windlass_load_harness::{Plan, Rate, RateControl, ServerProcess, Subscription};

const EXAMPLES: &str = "\
Examples:
  A crowd of readers, on a server that is started for it:
    MAX_WS_CONNECTIONS_PER_IP=1000 load-harness --spawn 'windlass --port 3000' -r 1000 -s 500 -d 60
  How much one server takes in, with at most 1000 deltas under way:
    load-harness --pid $(pidof windlass) -r 0 -p 4 -s 1 --in-flight 1000
  Single values at most every 200 ms:
    load-harness --path 'load.*' --min-period 200 -r 5000\n";

/// Puts a Signal K server under load and reports rates, losses, latencies and the server's costs.
///
/// Exit status: 0 when every value arrived, 1 when values or connections were lost, 2 when the run could not take place.
#[derive(Debug, Parser)]
#[command(name = "load-harness", version, after_help = EXAMPLES)]
pub struct Arguments {
    /// The server
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    url: String,
    /// Login token with write access, for a server with security on
    #[arg(long)]
    token: Option<String>,
    /// Context of the deltas
    #[arg(long, default_value = "vessels.self")]
    context: String,

    /// Producers, each with a connection and a $source of its own
    #[arg(long, short = 'p', default_value_t = 1)]
    producers: usize,
    /// Deltas per second of all producers together; 0 publishes as fast as the server takes them
    #[arg(long, short = 'r', default_value_t = 1000.0)]
    rate: f64,
    /// Deltas per second of each producer, instead of --rate
    #[arg(long, conflicts_with = "rate")]
    rate_each: Option<f64>,
    /// Values in each delta
    #[arg(long, short = 'v', default_value_t = 1)]
    values_per_delta: u64,
    /// Paths of each producer (load.pN.vM), used in turn
    #[arg(long, default_value_t = 10)]
    paths: u64,
    /// The most deltas of a producer on their way to the slowest subscriber
    #[arg(long)]
    in_flight: Option<u64>,

    /// Subscribers, each with a connection of its own
    #[arg(long, short = 's', default_value_t = 1)]
    subscribers: usize,
    /// The default stream they receive
    #[arg(long, value_enum, default_value_t = Stream::Own)]
    subscribe: Stream,
    /// Path pattern of an explicit subscription, instead of --subscribe
    #[arg(long, conflicts_with = "subscribe")]
    path: Option<String>,
    /// Policy of the explicit subscription: instant, fixed or ideal
    #[arg(long, requires = "path")]
    policy: Option<String>,
    /// Period of the explicit subscription, in ms
    #[arg(long, requires = "path")]
    period: Option<u64>,
    /// Shortest distance between values of the explicit subscription, in ms
    #[arg(long, requires = "path")]
    min_period: Option<u64>,

    /// Measured time in seconds
    #[arg(long, short = 'd', default_value_t = 10.0, value_parser = seconds)]
    duration: f64,
    /// Time at full rate before that, in seconds
    #[arg(long, default_value_t = 2.0, value_parser = seconds)]
    warm_up: f64,
    /// How long to wait for outstanding values afterwards, in seconds
    #[arg(long, default_value_t = 10.0, value_parser = seconds)]
    drain_timeout: f64,
    /// How long the server may take to start, to connect and to deliver first values, in seconds
    #[arg(long, default_value_t = 10.0, value_parser = seconds)]
    connect_timeout: f64,
    /// Let frames gather for so many ms between reads: costs less CPU, adds to the latencies
    #[arg(long, default_value_t = 0.0, value_parser = seconds)]
    read_interval: f64,

    /// Process id of the server, to measure its CPU time and memory
    #[arg(long, conflicts_with = "spawn")]
    pid: Option<u32>,
    /// Command that starts the server; it is measured, and stopped at the end
    #[arg(long)]
    spawn: Option<String>,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
    /// Exit with 0 also when values were lost
    #[arg(long)]
    pub allow_loss: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Stream {
    /// Own ship
    #[value(name = "self")]
    Own,
    /// Every context
    All,
}

/// A number of seconds (or milliseconds) that makes a time.
fn seconds(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|error| format!("{error}"))?;
    match Duration::try_from_secs_f64(number) {
        Ok(duration) if duration < Duration::from_secs(30 * 24 * 3600) => Ok(number),
        _ => Err("must be a time from 0 to 30 days".to_owned()),
    }
}

impl Arguments {
    /// The plan that the arguments describe.
    pub fn plan(&self) -> Plan {
        let total = self.rate_each.map_or(self.rate, |each| each * self.producers as f64);
        let control = RateControl { policy: self.policy.clone(), period: self.period, min_period: self.min_period };
        Plan {
            url: self.url.clone(),
            token: self.token.clone(),
            context: self.context.clone(),
            producers: self.producers,
            rate: if total == 0.0 { Rate::Saturating } else { Rate::PerSecond(total) },
            values_per_delta: self.values_per_delta,
            paths: self.paths,
            subscribers: self.subscribers,
            subscription: match (&self.path, self.subscribe) {
                (Some(pattern), _) => Subscription::Paths(pattern.clone(), control),
                (None, Stream::Own) => Subscription::Own,
                (None, Stream::All) => Subscription::All,
            },
            warm_up: Duration::from_secs_f64(self.warm_up),
            duration: Duration::from_secs_f64(self.duration),
            drain_timeout: Duration::from_secs_f64(self.drain_timeout),
            connect_timeout: Duration::from_secs_f64(self.connect_timeout),
            read_interval: Duration::from_secs_f64(self.read_interval / 1000.0),
            in_flight: self.in_flight,
            server: match (&self.pid, &self.spawn) {
                (Some(pid), _) => ServerProcess::Pid(*pid),
                (None, Some(command)) => ServerProcess::Spawn(command.clone()),
                (None, None) => ServerProcess::Unknown,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(line: &str) -> Plan {
        Arguments::try_parse_from(format!("load-harness {line}").split_whitespace()).unwrap().plan()
    }

    #[test]
    fn the_rate_is_a_total_or_for_each_producer() {
        assert_eq!(plan("-p 4 --rate 100").rate, Rate::PerSecond(100.0));
        assert_eq!(plan("-p 4 --rate-each 100").rate, Rate::PerSecond(400.0));
        assert_eq!(plan("--rate 0").rate, Rate::Saturating);
    }

    #[test]
    fn defaults_are_those_of_the_plan() {
        assert_eq!(format!("{:?}", plan("")), format!("{:?}", Plan::default()));
    }

    #[test]
    fn impossible_arguments_are_refused() {
        for line in ["--duration -1", "--warm-up nan", "--duration 1e300", "--policy fixed", "--path * --subscribe all"]
        {
            Arguments::try_parse_from(format!("load-harness {line}").split_whitespace()).unwrap_err();
        }
    }

    #[test]
    fn an_explicit_subscription_keeps_its_rate_control() {
        let control = RateControl { policy: Some("fixed".into()), period: Some(500), min_period: None };
        let plan = plan("--path load.* --policy fixed --period 500 --read-interval 5");
        assert_eq!(plan.subscription, Subscription::Paths("load.*".into(), control));
        assert_eq!(plan.read_interval, Duration::from_millis(5));
    }
}
