//! What holds for every line that a device or a receiver may send, whatever came before it.

use jiff::{SignedDuration, Timestamp};
use windlass_broker::{Context, DeltaVersion, Intake, MAX_NAME_BYTES, Provider, RawJson, Update};

use super::nmea0183::{Decoded, Decoder, MAX_LINE_BYTES, Options, SentenceError, Value};

/// Lines of one input. What a decoder remembers of them is bounded by less.
const MAX_LINES: usize = 256;
/// Longest text of an error: it shows one field, and little of anything longer.
const MAX_ERROR_BYTES: usize = 512;
/// Most values of one sentence: a transducer report has the most, with four fields each.
const MAX_VALUES: usize = MAX_LINE_BYTES / 4;
/// Most JSON of one value. A list of satellites spans 16 sentences, and grows by the names of its members.
const MAX_JSON_BYTES: usize = 16 * MAX_LINE_BYTES * 8;

/// Decodes the lines of an input; false when there are none or too many.
pub fn check(input: &[u8]) -> bool {
    let lines: Vec<_> = input.split(|byte| *byte == b'\n').collect();
    if lines.len() > MAX_LINES || lines.iter().all(|line| line.trim_ascii().is_empty()) {
        return false;
    }
    let mut trusting = Decoder::new(Options { validate_checksum: false, ..Options::default() });
    let mut careful = Decoder::new(Options::default());
    let mut comparable = true;
    let mut now: Timestamp = "2024-05-01T10:00:00Z".parse().expect("a time");
    for line in lines {
        now += SignedDuration::from_secs(1);
        let decoded = trusting.decode(line, now);
        match &decoded {
            Ok(None) => {}
            Ok(Some(decoded)) => is_a_good_delta(decoded),
            Err(error) => is_told_briefly(error),
        }
        comparable = comparable && checksums_are_all_the_difference(&mut careful, line, now, &decoded);
    }
    for decoder in [&mut trusting, &mut careful] {
        let decoded = decoder.decode(b"$IIMTW,10.0,C*12", now).expect("the decoder goes on").expect("a value");
        assert_eq!(decoded.value("environment.water.temperature"), Some(&Value::Number(283.15)));
    }
    true
}

/// A decoder that looks at checksums gives the same for a line with the right one, and nothing for a line with a wrong one. False when
/// the line can't be given a checksum, so that it can't hear what the other one heard.
fn checksums_are_all_the_difference(
    careful: &mut Decoder,
    line: &[u8],
    now: Timestamp,
    decoded: &Result<Option<Decoded>, SentenceError>,
) -> bool {
    // What follows the `*` of a line without a checksum is not always text.
    if matches!(decoded, Err(SentenceError::NotText { .. } | SentenceError::TooLong { .. })) {
        return true;
    }
    let line = line.trim_ascii();
    let Some(sentence) = after_tag_blocks(line) else { return true };
    let Some((b'$' | b'!', body)) = sentence.split_first() else { return true };
    let body = body.iter().rposition(|byte| *byte == b'*').map_or(body, |star| &body[..star]);
    let end = line.len() - sentence.len() + 1 + body.len();
    let sum = body.iter().fold(0, |sum, byte| sum ^ byte);
    let with = |sum: u8| [&line[..end], format!("*{sum:02X}").as_bytes()].concat();
    if with(sum).len() > MAX_LINE_BYTES {
        return false;
    }
    assert!(!matches!(careful.decode(&with(sum ^ 0x21), now), Ok(Some(_))), "a wrong checksum is accepted");
    assert_eq!(&careful.decode(&with(sum), now), decoded, "{}", String::from_utf8_lossy(line));
    true
}

fn after_tag_blocks(mut line: &[u8]) -> Option<&[u8]> {
    while let Some(opened) = line.strip_prefix(b"\\") {
        line = &opened[opened.iter().position(|byte| *byte == b'\\')? + 1..];
    }
    Some(line)
}

/// What a sentence says is taken in by the bus without a complaint.
fn is_a_good_delta(decoded: &Decoded) {
    assert!(decoded.sentence.len() == 3 && !decoded.talker.is_empty(), "{decoded:?}");
    assert!((1..=MAX_VALUES).contains(&decoded.values.len()), "{} values", decoded.values.len());
    if let Some(context) = &decoded.context {
        let (root, id) = context.split_once('.').expect("a collection and an id");
        assert!(["vessels", "atons", "sar", "aircraft"].contains(&root), "{context}");
        let mmsi = id.strip_prefix("urn:mrn:imo:mmsi:").expect("an MMSI");
        assert!(mmsi.len() == 9 && mmsi.bytes().all(|digit| digit.is_ascii_digit()), "{context}");
    }
    let mut values = Vec::new();
    for (path, value) in &decoded.values {
        assert!(path.len() <= MAX_NAME_BYTES, "a path of {} bytes", path.len());
        assert!(path.is_empty() || path.split('.').all(|segment| !segment.is_empty()), "{path:?}");
        let json = value.to_json();
        assert!(json.len() <= MAX_JSON_BYTES, "{path} has {} bytes", json.len());
        let compact = RawJson::parse(&json).unwrap_or_else(|error| panic!("{path} {json}: {error}"));
        assert_eq!(compact.as_str(), json, "{path}");
        in_range(path, value);
        values.push(serde_json::json!({"path": path, "value": value_of(&json)}));
    }
    let delta = serde_json::json!({"context": decoded.context, "updates": [{"$source": "gps", "values": values}]});
    let own = Context::new("vessels.urn:mrn:signalk:uuid:c0d79334-4e25-4245-8892-54e8ccc8021d").expect("a context");
    let provider = Provider::new("gps").expect("a name");
    let intake = Intake { self_context: own, provider, override_timestamps: false };
    let taken = intake.take(&delta.to_string(), DeltaVersion::V1);
    assert_eq!(taken.problems, [], "{delta}");
    // Static data of the own ship is left out, and may have been all there was.
    let kept = taken.delta.map_or(0, |delta| delta.updates.iter().map(values_in).sum());
    assert!(kept == values.len() || decoded.context.is_none() && kept < values.len(), "{delta}");
}

fn values_in(update: &Update) -> usize {
    update.values.len()
}

fn value_of(json: &str) -> serde_json::Value {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn in_range(path: &str, value: &Value) {
    if let Value::Position { latitude, longitude, altitude } = value {
        assert!(latitude.abs() <= 90.0 && longitude.abs() <= 180.0, "{path} {value:?}");
        assert!(altitude.is_none_or(f64::is_finite), "{path} {value:?}");
    }
}

fn is_told_briefly(error: &SentenceError) {
    let text = error.to_string();
    assert!(text.len() <= MAX_ERROR_BYTES, "{} bytes: {text:.100}", text.len());
    assert!(!text.contains(|character: char| character.is_ascii_control()), "{text:?}");
    assert!(!error.kind().is_empty());
}
