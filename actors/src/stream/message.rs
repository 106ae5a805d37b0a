//! What a client may say on the stream, besides deltas (signalk-v1 §5.4, §5.5).

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use windlass_broker::{Context, ContextPattern, Glob, Scope, Topic};

/// Most rows of one subscribe message.
const MAX_ROWS: usize = 1000;
/// Longest path or context pattern, in bytes.
const MAX_PATTERN: usize = 512;
/// The period of a `fixed` row that names none.
const DEFAULT_PERIOD: Duration = Duration::from_millis(1000);
/// Longest period.
const MAX_PERIOD: Duration = Duration::from_secs(24 * 3600);

/// What is delivered without a subscribe message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DefaultSubscription {
    /// The own ship.
    #[default]
    Own,
    /// Every context.
    All,
    /// Nothing.
    None,
}

/// The keys of a message that the server acts on. A message may have several of them.
#[derive(Debug, Deserialize)]
pub struct ControlMessage<'a> {
    /// Echoed in answers.
    #[serde(default, rename = "requestId")]
    pub request_id: Option<Value>,
    /// For subscribe, unsubscribe and put.
    #[serde(default)]
    pub context: Option<Value>,
    /// Rows.
    #[serde(borrow, default)]
    pub subscribe: Option<&'a RawValue>,
    /// Rows.
    #[serde(borrow, default)]
    pub unsubscribe: Option<&'a RawValue>,
    /// `{path, value}`, or an array of them.
    #[serde(default)]
    pub put: Option<Value>,
}

/// How often values of a row are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateControl {
    /// Each as it arrives.
    Instant,
    /// The first at once, then at most one a period, the last one at its end.
    MinPeriod {
        /// The window.
        period: Duration,
    },
    /// Collected, and the latest delivered at the end of each period.
    Fixed {
        /// The period.
        period: Duration,
    },
}

/// A row of a subscription.
#[derive(Debug, Clone, PartialEq)]
pub struct SubscribeRow {
    /// What it covers.
    pub topic: Topic,
    /// How often.
    pub rate: RateControl,
}

/// A subscribe message that was understood, and the bare strings that answer its oddities.
#[derive(Debug, Default, PartialEq)]
pub struct Subscribed {
    /// The rows.
    pub rows: Vec<SubscribeRow>,
    /// Texts for the client.
    pub replies: Vec<String>,
}

/// Reads the rows of a subscribe message. What can't be understood is answered with a text and costs its row only.
pub fn read_subscribe(context: Option<&Value>, rows: &RawValue, own: &Context) -> Subscribed {
    let mut subscribed = Subscribed::default();
    let context = match context {
        // The reference takes a missing context for every context, the specification for the own ship (signalk-v1 §17).
        None | Some(Value::Null) => Ok(ContextPattern::all()),
        Some(Value::String(text)) if text.len() <= MAX_PATTERN => {
            ContextPattern::new(text, own).map_err(|error| error.to_string())
        }
        Some(Value::String(text)) => Err(format!("context of {} bytes is too long; at most {MAX_PATTERN}", text.len())),
        Some(Value::Object(relative)) if !relative.contains_key("radius") || !relative.contains_key("position") => {
            Err("Please specify a radius and position for relativePosition".into())
        }
        Some(Value::Object(_)) => {
            Err("Contexts by radius and position are not supported yet; use a pattern such as vessels.*".into())
        }
        Some(_) => Err("context must be a string such as vessels.self or vessels.*".into()),
    };
    let context = match context {
        Ok(context) => context,
        Err(reply) => {
            subscribed.replies.push(reply);
            return subscribed;
        }
    };
    let Ok(rows) = serde_json::from_str::<Vec<Value>>(rows.get()) else {
        subscribed.replies.push("subscribe must be an array of {\"path\": <pattern>}".into());
        return subscribed;
    };
    if rows.len() > MAX_ROWS {
        subscribed.replies.push(format!("a subscribe message of {} rows is too long; at most {MAX_ROWS}", rows.len()));
        return subscribed;
    }
    for row in rows {
        let path = row.get("path").and_then(Value::as_str).filter(|path| path.len() <= MAX_PATTERN);
        match (row.as_object(), path) {
            (Some(row), Some(path)) => {
                let scope = Scope::Values(Glob::new(path));
                let rate = read_rate(row, &mut subscribed.replies);
                let row = SubscribeRow { topic: Topic { context: context.clone(), scope }, rate };
                // The same row twice in a message would only deliver everything twice.
                if !subscribed.rows.contains(&row) {
                    subscribed.rows.push(row);
                }
            }
            _ => subscribed.replies.push(format!("subscribe row without a usable path ignored: {}", excerpt(&row))),
        }
    }
    subscribed
}

fn read_rate(row: &Map<String, Value>, replies: &mut Vec<String>) -> RateControl {
    let policy = row.get("policy").filter(|policy| !policy.is_null());
    if row.get("format").is_some_and(|format| format != "delta" && !format.is_null()) {
        replies.push("Only delta format supported, using it".into());
    }
    let text = policy.map(|policy| policy.as_str().map_or_else(|| excerpt(policy), str::to_owned));
    if !matches!(text.as_deref(), None | Some("instant" | "fixed")) {
        let policy = text.clone().unwrap_or_default();
        replies.push(format!("Only 'instant' and 'fixed' policies supported, ignoring policy {policy}"));
    }
    if let Some(given) = row.get("minPeriod").filter(|value| !value.is_null()) {
        if let Some(other) = text.as_deref().filter(|policy| *policy != "instant") {
            replies.push(format!("minPeriod assumes policy 'instant', ignoring policy {other}"));
        }
        match milliseconds(given) {
            Some(period) => return RateControl::MinPeriod { period },
            None => replies.push(format!("invalid minPeriod value '{}', ignoring", excerpt(given))),
        }
    } else if let Some(period) = row.get("period").and_then(milliseconds) {
        if let Some(other) = text.as_deref().filter(|policy| *policy != "fixed") {
            replies.push(format!("period assumes policy 'fixed', ignoring policy {other}"));
        }
        return RateControl::Fixed { period };
    }
    match text.as_deref() {
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

/// The one form of unsubscribe that the protocol has in practice.
pub fn is_unsubscribe_all(context: Option<&Value>, rows: &RawValue) -> bool {
    let every_path = |rows: Vec<Value>| rows.iter().any(|row| row.get("path").is_some_and(|path| path == "*"));
    context.is_some_and(|context| context == "*") && serde_json::from_str(rows.get()).is_ok_and(every_path)
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

    fn subscribe(context: Value, rows: Value) -> Subscribed {
        let rows = serde_json::value::to_raw_value(&rows).expect("JSON");
        read_subscribe(Some(&context), &rows, &own())
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
            (
                json!({"path": "a", "policy": "ideal"}),
                RateControl::Instant,
                "Only 'instant' and 'fixed' policies supported, ignoring policy ideal",
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
    fn only_everything_is_unsubscribed() {
        let raw = |rows: Value| serde_json::value::to_raw_value(&rows).expect("JSON");
        let all = json!("*");
        assert!(is_unsubscribe_all(Some(&all), &raw(json!([{"path": "*"}]))));
        assert!(!is_unsubscribe_all(Some(&all), &raw(json!([{"path": "navigation.*"}]))));
        assert!(!is_unsubscribe_all(Some(&json!("vessels.self")), &raw(json!([{"path": "*"}]))));
        assert!(!is_unsubscribe_all(None, &raw(json!([{"path": "*"}]))));
    }
}
