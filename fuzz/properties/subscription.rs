//! What holds for every message that a client may send about its subscriptions (signalk-v1 §5.4, §5.5).

use std::time::Duration;

use serde_json::json;
use serde_json::value::RawValue;
use windlass_broker::{Context, ContextPattern, Glob, Scope, SourcePolicy, Topic};

use super::message::{ControlMessage, RateControl, SubscribeRow};
use super::subscribe::{Subscribed, Unsubscribed, excerpt, read_subscribe, read_unsubscribe};

/// The own ship.
const OWN: &str = "vessels.urn:mrn:imo:mmsi:230099999";
/// Most rows of a message; the announcement of paths is one more.
const MAX_ROWS: usize = 1000;
/// Longest pattern in bytes.
const MAX_PATTERN: usize = 512;
/// Most excluded sources.
const MAX_EXCLUDED: usize = 1000;
/// Longest answer to one oddity.
const MAX_REPLY_BYTES: usize = 1024;
/// Most answers to one row.
const MAX_REPLIES: usize = 3;
/// Longest period.
const MAX_PERIOD: Duration = Duration::from_secs(24 * 3600);
/// Rows that are looked at one by one.
const LOOKED_AT: usize = 32;
/// Texts that patterns are tried on, besides the patterns themselves.
const NAMES: [&str; 4] = ["", "navigation.speedOverGround", "aaaaaaaaaaaaaaaaaaaaaaaaab", OWN];

/// Reads an input as a message; false when it is none.
pub fn check(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let Ok(message) = serde_json::from_str::<ControlMessage<'_>>(text) else { return false };
    let own = Context::new(OWN).expect("a context");
    if let Some(rows) = message.subscribe {
        let subscribed = read_subscribe(&message, rows, &own, SourcePolicy::Preferred);
        is_bounded(&subscribed, rows);
        for row in subscribed.rows.iter().take(LOOKED_AT) {
            patterns_cover_what_they_say(&row.topic);
        }
        means_the_same_again(&message, &subscribed, &own);
        is_undone_by_its_own_rows(&message, rows, &subscribed, &own);
    }
    if let Some(rows) = message.unsubscribe {
        match read_unsubscribe(message.context.as_ref(), rows, &own) {
            Ok(Unsubscribed::Everything) => {}
            Ok(Unsubscribed::Rows(context, paths)) => {
                assert!(paths.len() <= MAX_ROWS && paths.iter().all(|path| path.as_str().len() <= MAX_PATTERN));
                is_usable(&context);
            }
            Err(reply) => is_brief(&reply),
        }
    }
    for value in [&message.put, &message.login, &message.query, &message.request_id].into_iter().flatten() {
        assert!(excerpt(value).chars().count() <= 81);
    }
    true
}

fn is_bounded(subscribed: &Subscribed, rows: &RawValue) {
    assert!(subscribed.rows.len() <= MAX_ROWS + 1, "{} rows", subscribed.rows.len());
    assert!(subscribed.filter.excluded.len() <= MAX_EXCLUDED);
    for SubscribeRow { topic, rate } in &subscribed.rows {
        let Scope::Values(path) = &topic.scope else { panic!("a row that is not about values: {topic:?}") };
        assert!(path.as_str().len() <= MAX_PATTERN, "a path of {} bytes", path.as_str().len());
        is_usable(&topic.context);
        match *rate {
            RateControl::Instant | RateControl::FirstOfPath => {}
            // A number of milliseconds below a nanosecond is no time at all.
            RateControl::MinPeriod { period } | RateControl::Fixed { period } => assert!(period <= MAX_PERIOD),
            RateControl::Ideal { period } => {
                assert!((Duration::from_millis(100)..=MAX_PERIOD).contains(&period), "{period:?}");
            }
        }
    }
    for (at, row) in subscribed.rows.iter().enumerate().take(LOOKED_AT) {
        assert!(!subscribed.rows[..at].contains(row), "the same row twice: {row:?}");
    }
    let given = serde_json::from_str::<Vec<&RawValue>>(rows.get()).map_or(0, |rows| rows.len());
    assert!(subscribed.replies.len() <= 2 + MAX_REPLIES * given.min(MAX_ROWS), "{} replies", subscribed.replies.len());
    subscribed.replies.iter().for_each(|reply| is_brief(reply));
}

fn is_brief(reply: &str) {
    assert!(reply.len() <= MAX_REPLY_BYTES, "{} bytes: {reply:.100}", reply.len());
}

fn is_usable(context: &ContextPattern) {
    match context {
        ContextPattern::Exact(context) => {
            let bad = |segment: &str| matches!(segment, "__proto__" | "constructor" | "prototype");
            assert!(!context.as_str().split('.').any(bad) && !context.as_str().contains('*'), "{context}");
        }
        ContextPattern::Glob(glob) => assert!(glob.as_str().len() <= MAX_PATTERN && glob.as_str().contains('*')),
    }
}

/// Patterns are matched in one go from the left; here they are matched by their definition.
fn patterns_cover_what_they_say(topic: &Topic) {
    let Scope::Values(path) = &topic.scope else { return };
    for name in NAMES.into_iter().chain([path.as_str()]) {
        assert_eq!(path.matches(name), covers(path, name), "{path} {name}");
        if let ContextPattern::Glob(glob) = &topic.context {
            assert_eq!(glob.matches(name), covers(glob, name), "{glob} {name}");
        }
    }
}

/// `*` is any run of characters. One line of the table for each character of the pattern.
fn covers(glob: &Glob, name: &str) -> bool {
    let mut reached: Vec<bool> = std::iter::once(true).chain(name.bytes().map(|_| false)).collect();
    for expected in glob.as_str().bytes() {
        reached = if expected == b'*' {
            reached
                .iter()
                .scan(false, |any, here| {
                    *any |= here;
                    Some(*any)
                })
                .collect()
        } else {
            let hits = reached.iter().zip(name.bytes()).map(|(here, byte)| *here && byte == expected);
            std::iter::once(false).chain(hits).collect()
        };
    }
    reached.last().copied().unwrap_or_default()
}

/// The message that says plainly what was understood is understood in the same way, without a word.
fn means_the_same_again(message: &ControlMessage<'_>, subscribed: &Subscribed, own: &Context) {
    let plain_row = |row: &SubscribeRow| {
        let Scope::Values(path) = &row.topic.scope else { panic!("a row that is not about values") };
        let path = path.as_str();
        let milliseconds = |period: Duration| period.as_secs_f64() * 1000.0;
        match row.rate {
            RateControl::FirstOfPath => None,
            RateControl::Instant => Some(json!({"path": path, "policy": "instant"})),
            RateControl::MinPeriod { period } => Some(json!({"path": path, "minPeriod": milliseconds(period)})),
            RateControl::Fixed { period } => {
                Some(json!({"path": path, "policy": "fixed", "period": milliseconds(period)}))
            }
            RateControl::Ideal { period } => {
                Some(json!({"path": path, "policy": "ideal", "period": milliseconds(period)}))
            }
        }
    };
    let rows: Vec<_> = subscribed.rows.iter().filter_map(plain_row).collect();
    let zero = |rate: RateControl| matches!(rate, RateControl::MinPeriod { period } | RateControl::Fixed { period } if period.is_zero());
    // Periods that are rounded to nothing are read once more as no period; a row without a word on its rate is another row.
    if rows.is_empty() || subscribed.rows.iter().any(|row| zero(row.rate)) {
        return;
    }
    let announces = subscribed.rows.iter().any(|row| row.rate.announces());
    let sources = subscribed.rows.first().map(|row| row.topic.sources);
    let policy = if sources == Some(SourcePolicy::All) { "all" } else { "preferred" };
    let plain = json!({
        "context": message.context, "subscribe": rows, "sourcePolicy": policy,
        "excludeSources": subscribed.filter.excluded, "announceNewPaths": announces,
    });
    let text = plain.to_string();
    let plain: ControlMessage<'_> = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let again = read_subscribe(&plain, plain.subscribe.expect("rows"), own, SourcePolicy::Preferred);
    assert_eq!(again.replies, [] as [String; 0], "{text}");
    assert_eq!(again.filter, subscribed.filter, "{text}");
    // Rows whose periods differ by less than a nanosecond are one row now.
    for row in &subscribed.rows {
        assert!(again.rows.iter().any(|other| is_the_same(row, other)), "{row:?} is not in {text}");
    }
}

fn is_the_same(a: &SubscribeRow, b: &SubscribeRow) -> bool {
    let near = |a: Duration, b: Duration| a.abs_diff(b) <= Duration::from_nanos(100);
    let rate = match (a.rate, b.rate) {
        (RateControl::MinPeriod { period: a }, RateControl::MinPeriod { period: b })
        | (RateControl::Fixed { period: a }, RateControl::Fixed { period: b })
        | (RateControl::Ideal { period: a }, RateControl::Ideal { period: b }) => near(a, b),
        (a, b) => a == b,
    };
    rate && a.topic == b.topic
}

/// The same context and rows, as an unsubscribe message, end what they began.
fn is_undone_by_its_own_rows(message: &ControlMessage<'_>, rows: &RawValue, subscribed: &Subscribed, own: &Context) {
    let Ok(ended) = read_unsubscribe(message.context.as_ref(), rows, own) else { return };
    for row in subscribed.rows.iter().filter(|row| !row.rate.announces()).take(LOOKED_AT) {
        assert!(ended.covers(&row.topic), "{row:?} goes on");
    }
}
