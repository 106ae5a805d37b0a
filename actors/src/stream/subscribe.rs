//! Reading what a client wants and what it does not want any more (signalk-v1 §5.4, §5.5).

use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use windlass_broker::{Context, ContextPattern, Glob, Scope, SourcePolicy, Topic};

use super::message::{ControlMessage, RateControl, SubscribeRow, ValueFilter};
use super::nearby::Nearby;

/// Most rows of one subscribe message.
const MAX_ROWS: usize = 1000;
/// Most sources that a subscribe message may exclude.
const MAX_EXCLUDED: usize = 1000;
/// Longest path or context pattern, in bytes.
const MAX_PATTERN: usize = 512;
/// Most stars in a path or context pattern.
const MAX_STARS: usize = 8;
/// Most patterns of an unsubscribe message: each is compared with every row of the connection.
const MAX_ENDED: usize = 256;
/// The period of a `fixed` or `ideal` row that names none.
const DEFAULT_PERIOD: Duration = Duration::from_millis(1000);
/// Longest period.
const MAX_PERIOD: Duration = Duration::from_secs(24 * 3600);
/// Shortest period in which values are repeated without news.
const MIN_REPEAT: Duration = Duration::from_millis(100);
/// The path that stands for the server's log (§5.10).
const LOG: &str = "log";

/// A subscribe message that was understood, and the bare strings that answer its oddities.
#[derive(Debug, Default, PartialEq)]
pub struct Subscribed {
    /// The rows.
    pub rows: Vec<SubscribeRow>,
    /// What is left out of them.
    pub filter: ValueFilter,
    /// The server's log is wanted.
    pub log: bool,
    /// Texts for the client.
    pub replies: Vec<String>,
}

/// Reads a subscribe message. What can't be understood is answered with a text and costs its row only. `sources` is what the connection
/// wants when the message does not say.
pub fn read_subscribe(
    message: &ControlMessage<'_>,
    rows: &RawValue,
    own: &Context,
    sources: SourcePolicy,
) -> Subscribed {
    let mut subscribed = Subscribed::default();
    let context = match read_context(message.context.as_ref(), own) {
        Ok((context, nearby)) => {
            subscribed.filter.nearby = nearby;
            context
        }
        Err(reply) => {
            subscribed.replies.push(reply);
            return subscribed;
        }
    };
    let sources = message.source_policy.as_ref().and_then(Value::as_str).and_then(source_policy).unwrap_or(sources);
    match &message.exclude_sources {
        None | Some(Value::Null) => {}
        Some(Value::Array(excluded)) if excluded.len() <= MAX_EXCLUDED => {
            subscribed.filter.excluded = excluded.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        }
        Some(_) => subscribed.replies.push(format!("excludeSources has to be a list of at most {MAX_EXCLUDED} texts")),
    }
    let Ok(rows) = serde_json::from_str::<Vec<Value>>(rows.get()) else {
        subscribed.replies.push("subscribe must be an array of {\"path\": <pattern>}".into());
        return subscribed;
    };
    if rows.len() > MAX_ROWS {
        subscribed.replies.push(format!("a subscribe message of {} rows is too long; at most {MAX_ROWS}", rows.len()));
        return subscribed;
    }
    let topic = |glob: &str| Topic { sources, ..Topic::new(context.clone(), Scope::Values(Glob::new(glob))) };
    for row in rows {
        let path = row.get("path").and_then(Value::as_str).filter(|path| is_short(path));
        match (row.as_object(), path) {
            (Some(_), Some(LOG)) => subscribed.log = true,
            (Some(row), Some(path)) => {
                let rate = read_rate(row, &mut subscribed.replies);
                let row = SubscribeRow { topic: topic(path), rate };
                // The same row twice in a message would only deliver everything twice.
                if !subscribed.rows.contains(&row) {
                    subscribed.rows.push(row);
                }
            }
            _ => subscribed.replies.push(format!("subscribe row without a usable path ignored: {}", excerpt(&row))),
        }
    }
    if message.announce_new_paths.as_ref().and_then(Value::as_bool) == Some(true) {
        subscribed.rows.push(SubscribeRow { topic: topic("*"), rate: RateControl::FirstOfPath });
    }
    subscribed
}

/// `preferred` or `all`.
pub fn source_policy(text: &str) -> Option<SourcePolicy> {
    match text {
        "preferred" => Some(SourcePolicy::Preferred),
        "all" => Some(SourcePolicy::All),
        _ => None,
    }
}

fn is_short(pattern: &str) -> bool {
    pattern.len() <= MAX_PATTERN && pattern.matches('*').count() <= MAX_STARS
}

fn read_context(context: Option<&Value>, own: &Context) -> Result<(ContextPattern, Option<Nearby>), String> {
    match context {
        // The reference takes a missing context for every context, the specification for the own ship (signalk-v1 §17).
        None | Some(Value::Null) => Ok((ContextPattern::all(), None)),
        Some(Value::String(text)) if is_short(text) => {
            ContextPattern::new(text, own).map(|pattern| (pattern, None)).map_err(|error| error.to_string())
        }
        Some(Value::String(text)) => Err(format!(
            "context of {} bytes is too long; at most {MAX_PATTERN} bytes and {MAX_STARS} stars",
            text.len()
        )),
        Some(Value::Object(relative)) => match Nearby::read(relative) {
            Some(nearby) => Ok((ContextPattern::all(), Some(nearby))),
            None => Err("Please specify a radius and position for relativePosition".into()),
        },
        Some(_) => Err("context must be a string such as vessels.self or vessels.*".into()),
    }
}

fn read_rate(row: &Map<String, Value>, replies: &mut Vec<String>) -> RateControl {
    let policy = row.get("policy").filter(|policy| !policy.is_null());
    if row.get("format").is_some_and(|format| format != "delta" && !format.is_null()) {
        replies.push("Only delta format supported, using it".into());
    }
    let text = policy.map(excerpt);
    let text = text.as_deref();
    if !matches!(text, None | Some("instant" | "fixed" | "ideal")) {
        let policy = text.unwrap_or_default();
        replies.push(format!("Only 'instant', 'fixed' and 'ideal' policies supported, ignoring policy {policy}"));
    }
    let period = row.get("period").and_then(milliseconds);
    if let Some(given) = row.get("minPeriod").filter(|value| !value.is_null()) {
        if let Some(other) = text.filter(|policy| *policy != "instant") {
            replies.push(format!("minPeriod assumes policy 'instant', ignoring policy {other}"));
        }
        match milliseconds(given) {
            Some(period) => return RateControl::MinPeriod { period },
            None => replies.push(format!("invalid minPeriod value '{}', ignoring", excerpt(given))),
        }
    } else if text == Some("ideal") {
        return RateControl::Ideal { period: period.unwrap_or(DEFAULT_PERIOD).max(MIN_REPEAT) };
    } else if let Some(period) = period {
        if let Some(other) = text.filter(|policy| *policy != "fixed") {
            replies.push(format!("period assumes policy 'fixed', ignoring policy {other}"));
        }
        return RateControl::Fixed { period };
    }
    match text {
        Some("fixed") => RateControl::Fixed { period: DEFAULT_PERIOD },
        _ => RateControl::Instant,
    }
}

/// A number of milliseconds, also given as a string.
fn milliseconds(value: &Value) -> Option<Duration> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }?;
    (number.is_finite() && number > 0.0)
        .then(|| Duration::from_secs_f64((number / 1000.0).min(MAX_PERIOD.as_secs_f64())))
}

/// What an unsubscribe message ends.
#[derive(Debug, PartialEq)]
pub enum Unsubscribed {
    /// Everything, the default subscription included: `{"context": "*", "unsubscribe": [{"path": "*"}]}`.
    Everything,
    /// The rows that one of these covers, in these contexts.
    Rows(ContextPattern, Vec<Glob>),
}

/// Reads an unsubscribe message.
///
/// # Errors
/// A text for the client.
pub fn read_unsubscribe(context: Option<&Value>, rows: &RawValue, own: &Context) -> Result<Unsubscribed, String> {
    let refused = || {
        let given = excerpt(&serde_json::from_str(rows.get()).unwrap_or(Value::Null));
        format!("unsubscribe must be an array of {{\"path\": <pattern>}}, with a context; received {given}")
    };
    let (context, nearby) = read_context(context, own)?;
    let rows: Vec<Value> = serde_json::from_str(rows.get()).map_err(|_| refused())?;
    let paths: Option<Vec<_>> = rows.iter().map(|row| row.get("path").and_then(Value::as_str)).collect();
    let paths = paths.filter(|paths| paths.len() <= MAX_ENDED && paths.iter().all(|path| is_short(path)));
    let paths: Vec<_> = paths.filter(|_| nearby.is_none()).ok_or_else(refused)?.into_iter().map(Glob::new).collect();
    if context == ContextPattern::all() && paths.iter().any(|path| path.as_str() == "*") {
        return Ok(Unsubscribed::Everything);
    }
    Ok(Unsubscribed::Rows(context, paths))
}

impl Unsubscribed {
    /// Whether a row of an earlier subscribe message is ended: its own patterns are covered.
    pub fn covers(&self, row: &Topic) -> bool {
        let Self::Rows(contexts, paths) = self else { return true };
        let context = match (contexts, &row.context) {
            (contexts, ContextPattern::Exact(context)) => contexts.matches(context),
            (ContextPattern::Glob(outer), ContextPattern::Glob(inner)) => outer.matches(inner.as_str()),
            (ContextPattern::Exact(_), ContextPattern::Glob(_)) => false,
        };
        let path = match &row.scope {
            Scope::Values(glob) => glob.as_str(),
            Scope::Whole | Scope::WholeIfAny(_) => "*",
        };
        context && paths.iter().any(|ended| ended.matches(path))
    }
}

/// A short form of a value for a reply or a log.
pub fn excerpt(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn own() -> Context {
        Context::new("vessels.urn:mrn:imo:mmsi:1").expect("a context")
    }

    fn read(message: Value) -> Subscribed {
        let text = message.to_string();
        let message: ControlMessage<'_> = serde_json::from_str(&text).expect("a message");
        read_subscribe(&message, message.subscribe.expect("rows"), &own(), SourcePolicy::Preferred)
    }

    fn subscribe(context: Value, rows: Value) -> Subscribed {
        read(json!({"context": context, "subscribe": rows}))
    }

    fn rate(row: Value) -> (RateControl, Vec<String>) {
        let subscribed = subscribe(json!("vessels.self"), json!([row]));
        (subscribed.rows[0].rate, subscribed.replies)
    }

    #[test]
    fn rate_control_is_read_as_the_reference_reads_it() {
        let ms = Duration::from_millis;
        let fixed = |n| RateControl::Fixed { period: ms(n) };
        let min_period = |n| RateControl::MinPeriod { period: ms(n) };
        for (row, expected, reply) in [
            (json!({"path": "a"}), RateControl::Instant, ""),
            (json!({"path": "a", "policy": "instant"}), RateControl::Instant, ""),
            (json!({"path": "a", "period": 500}), fixed(500), ""),
            (json!({"path": "a", "period": "500"}), fixed(500), ""),
            (json!({"path": "a", "period": 1e300}), RateControl::Fixed { period: MAX_PERIOD }, ""),
            (json!({"path": "a", "period": -1}), RateControl::Instant, ""),
            (json!({"path": "a", "policy": "fixed"}), fixed(1000), ""),
            (
                json!({"path": "a", "policy": "instant", "period": 500}),
                fixed(500),
                "period assumes policy 'fixed', ignoring policy instant",
            ),
            (json!({"path": "a", "minPeriod": 200}), min_period(200), ""),
            (
                json!({"path": "a", "minPeriod": 200, "policy": "fixed"}),
                min_period(200),
                "minPeriod assumes policy 'instant', ignoring policy fixed",
            ),
            (
                json!({"path": "a", "minPeriod": "soon"}),
                RateControl::Instant,
                "invalid minPeriod value 'soon', ignoring",
            ),
            (json!({"path": "a", "policy": "ideal"}), RateControl::Ideal { period: ms(1000) }, ""),
            (json!({"path": "a", "policy": "ideal", "period": 1}), RateControl::Ideal { period: MIN_REPEAT }, ""),
            (
                json!({"path": "a", "policy": "sometimes"}),
                RateControl::Instant,
                "Only 'instant', 'fixed' and 'ideal' policies supported, ignoring policy sometimes",
            ),
            (json!({"path": "a", "format": "full"}), RateControl::Instant, "Only delta format supported, using it"),
        ] {
            let (got, replies) = rate(row.clone());
            assert_eq!(got, expected, "SK-88 SK-89 SK-90 {row}");
            assert_eq!(replies.first().map_or("", String::as_str), reply, "SK-99 {row}");
        }
    }

    #[test]
    fn what_can_not_be_understood_is_answered_and_costs_its_row_only() {
        let rows = json!([{"path": 5}, null, {"path": "a"}]);
        let subscribed = subscribe(json!("*"), rows);
        assert_eq!((subscribed.rows.len(), subscribed.replies.len()), (1, 2));
        for (context, reply) in [
            (json!({"radius": 5}), "Please specify a radius and position for relativePosition"),
            (json!(7), "context must be a string"),
        ] {
            let subscribed = subscribe(context.clone(), json!([{"path": "a"}]));
            assert!(subscribed.rows.is_empty() && subscribed.replies[0].starts_with(reply), "SK-92 {context}");
        }
        assert!(subscribe(json!("*"), json!({"path": "a"})).rows.is_empty());
    }

    #[test]
    fn what_else_a_subscription_wants_is_read() {
        // SK-76, SK-91, SK-98, SK-100
        let subscribed = read(json!({
            "context": {"radius": 100, "position": {"latitude": 60, "longitude": 24}},
            "subscribe": [{"path": "a"}, {"path": "log"}], "sourcePolicy": "all", "excludeSources": ["x", 5],
            "announceNewPaths": true,
        }));
        assert!(subscribed.filter.nearby.is_some() && subscribed.log);
        assert_eq!(subscribed.filter.excluded, ["x"]);
        assert!(subscribed.rows.iter().all(|row| row.topic.sources == SourcePolicy::All));
        assert_eq!(subscribed.rows[1].rate, RateControl::FirstOfPath);
        assert_eq!((subscribed.rows.len(), subscribed.replies.len()), (2, 0));
        let only = read(json!({"subscribe": [], "announceNewPaths": true}));
        assert_eq!(only.rows.len(), 1, "an empty list may announce");
    }

    #[test]
    fn unsubscribing_ends_the_rows_that_it_covers() {
        let unsubscribe = |context: Value, rows: Value| {
            let rows = serde_json::value::to_raw_value(&rows).expect("JSON");
            read_unsubscribe(Some(&context), &rows, &own())
        };
        let all = unsubscribe(json!("*"), json!([{"path": "*"}]));
        assert_eq!(all, Ok(Unsubscribed::Everything));
        for rows in [json!([{"path": 5}]), json!({"path": "*"}), json!("*")] {
            assert!(unsubscribe(json!("*"), rows).is_err());
        }
        let row = |context: &str, path: &str| subscribe(json!(context), json!([{"path": path}])).rows[0].topic.clone();
        for (context, path, of, covered, expected) in [
            ("vessels.self", "navigation.log", "vessels.self", "navigation.log", true),
            ("self", "navigation.*", "vessels.urn:mrn:imo:mmsi:1", "navigation.log", true),
            ("vessels.self", "navigation.*", "vessels.self", "navigation.*", true),
            ("vessels.self", "navigation.log", "vessels.self", "navigation.*", false),
            ("vessels.*", "navigation.log", "vessels.self", "navigation.log", true),
            ("vessels.self", "navigation.log", "vessels.*", "navigation.log", false),
            ("*", "navigation.log", "vessels.*", "navigation.log", true),
            ("vessels.self", "navigation.log", "vessels.self", "navigation.lo", false),
        ] {
            let unsubscribed = unsubscribe(json!(context), json!([{"path": path}])).expect("rows");
            assert_eq!(unsubscribed.covers(&row(of, covered)), expected, "{context} {path} of {of} {covered}");
        }
        let default = Topic::new(ContextPattern::Exact(own()), Scope::Whole);
        let ends = |context: &str, path: &str| {
            unsubscribe(json!(context), json!([{"path": path}])).expect("rows").covers(&default)
        };
        assert!(ends("vessels.self", "*") && !ends("vessels.self", "a") && !ends("vessels.urn:mrn:imo:mmsi:2", "*"));
    }
}
