//! What lines seem to be, for whoever does not know what a device sends.

use serde::Serialize;
use serde_json::Value;

use super::pacing::multiplexed;
use super::plan::Protocol;
use super::recent::LastLine;
use crate::nmea0183::sentence_id;

/// A kind of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FormatKind {
    /// Sentences.
    Nmea0183,
    /// Deltas, or the greeting of a Signal K server.
    SignalK,
    /// The answers of gpsd.
    Gpsd,
    /// NMEA 2000 as text: canboat's CSV or JSON, Actisense, iKonvert or Yacht Devices.
    Nmea2000,
    /// A log of this or the reference server, with times and kinds.
    Multiplexed,
    /// Some other JSON.
    Json,
    /// Some other text.
    Text,
    /// No text.
    Binary,
}

/// What lines seem to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Format {
    /// What most of them are.
    pub kind: FormatKind,
    /// The same for people.
    pub name: &'static str,
    /// How many of the lines are.
    pub lines: usize,
    /// What to do about it, where the format is not what it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<&'static str>,
}

impl FormatKind {
    fn name(self) -> &'static str {
        match self {
            Self::Nmea0183 => "NMEA 0183",
            Self::SignalK => "Signal K deltas",
            Self::Gpsd => "gpsd",
            Self::Nmea2000 => "NMEA 2000 as text",
            Self::Multiplexed => "a multiplexed log",
            Self::Json => "JSON",
            Self::Text => "text",
            Self::Binary => "binary data",
        }
    }

    /// What to do about it with a connection that reads something else, or this.
    fn advice(self, reads: Option<Protocol>) -> Option<&'static str> {
        let fits = match reads {
            Some(Protocol::Nmea0183) => self == Self::Nmea0183,
            Some(Protocol::Gpsd) => matches!(self, Self::Nmea0183 | Self::Gpsd),
            Some(Protocol::SignalK) => self == Self::SignalK,
            None => matches!(self, Self::Nmea0183 | Self::SignalK),
        };
        if fits {
            return None;
        }
        Some(match self {
            Self::Nmea0183 => "use a connection of type NMEA0183",
            Self::SignalK => "use a connection of type SignalK",
            Self::Gpsd => "use a connection of type NMEA0183 with gpsd",
            Self::Nmea2000 => "inputs for NMEA 2000 are not supported yet; many gateways can send NMEA 0183 instead",
            Self::Multiplexed => "use a connection of type FileStream with dataType Multiplexed",
            Self::Json => "JSON is only understood as Signal K deltas, one a line",
            Self::Text => "check that the device is set to send NMEA 0183 or Signal K",
            Self::Binary => "with a serial port, try another baud rate; else the device sends a format of its own",
        })
    }
}

/// What most of the lines are. When `bytes` came and no line, they can't be text. `None` when nothing came.
/// `reads` is what the connection takes lines for.
pub(super) fn guess(lines: &[LastLine], bytes: u64, reads: Option<Protocol>) -> Option<Format> {
    let mut kinds: Vec<_> = lines.iter().map(|line| kind(&line.line)).collect();
    if kinds.is_empty() && bytes > 0 {
        kinds.push(FormatKind::Binary);
    }
    let count = |kind| kinds.iter().filter(|it| **it == kind).count();
    // Of two that are as many, the one that is served.
    let most = kinds.iter().copied().max_by_key(|kind| (count(*kind), std::cmp::Reverse(*kind)))?;
    let lines = count(most).min(lines.len());
    Some(Format { kind: most, name: most.name(), lines, advice: most.advice(reads) })
}

fn kind(line: &str) -> FormatKind {
    let line = line.trim();
    if line.starts_with("!PDGY") || is_canboat(line) || is_raw_frame(line) {
        return FormatKind::Nmea2000;
    }
    if sentence_id(line.as_bytes()).is_some() {
        return FormatKind::Nmea0183;
    }
    if multiplexed(line.as_bytes()).is_some() {
        return FormatKind::Multiplexed;
    }
    if line.starts_with('{') {
        return json_kind(line);
    }
    let strange = line.chars().filter(|character| *character == char::REPLACEMENT_CHARACTER).count();
    if strange * 10 > line.chars().count() { FormatKind::Binary } else { FormatKind::Text }
}

/// The line may have been cut, so that it can't be parsed.
fn json_kind(line: &str) -> FormatKind {
    let has = |key: &str| line.contains(&format!("\"{key}\""));
    let object = serde_json::from_str::<Value>(line);
    let has_key = |key: &str| object.as_ref().map_or_else(|_| has(key), |object| object.get(key).is_some());
    if has_key("updates") || has_key("self") && has_key("version") {
        FormatKind::SignalK
    } else if has_key("pgn") {
        FormatKind::Nmea2000
    } else if has_key("class") {
        FormatKind::Gpsd
    } else {
        FormatKind::Json
    }
}

/// canboat's text: a time, priority, parameter group, source, destination, length and bytes, with commas between them.
fn is_canboat(line: &str) -> bool {
    let fields: Vec<&str> = line.split(',').collect();
    let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let hex = |text: &&str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    fields.len() > 6
        && fields[0].starts_with(|c: char| c.is_ascii_digit())
        && fields[0].contains(':')
        && fields[1..6].iter().all(is_number)
        && fields[6..].iter().take(2).all(hex)
}

/// Yacht Devices' text: a time, R or T, and an identifier of eight digits before the bytes.
fn is_raw_frame(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let time = words.next().is_some_and(|word| word.len() >= 8 && word.as_bytes().get(2) == Some(&b':'));
    let direction = words.next().is_some_and(|word| word == "R" || word == "T");
    let identifier = words.next();
    time && direction && identifier.is_some_and(|word| word.len() == 8 && word.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use windlass_broker::Timestamp;

    use super::*;

    #[test]
    fn lines_are_recognised() {
        for (line, expected) in [
            ("$GPRMC,1*00", FormatKind::Nmea0183),
            ("\\s:a*00\\!AIVDM,1", FormatKind::Nmea0183),
            (r#"{"updates":[]}"#, FormatKind::SignalK),
            (r#"{"context":"vessels.self","updates":[{"values":[{"pa…"#, FormatKind::SignalK),
            (r#"{"name":"x","version":"2","self":"vessels.y","roles":[]}"#, FormatKind::SignalK),
            (r#"{"class":"VERSION","release":"3.25"}"#, FormatKind::Gpsd),
            (r#"{"timestamp":"x","prio":2,"pgn":127250}"#, FormatKind::Nmea2000),
            (r#"{"temperature":7}"#, FormatKind::Json),
            ("2016-04-09T16:41:09.078Z,3,127257,17,255,8,00,ff,7f", FormatKind::Nmea2000),
            ("16:29:27.082 R 09F8017F 50 C3 B8 13 47 D8 2B C6", FormatKind::Nmea2000),
            ("!PDGY,127250,255,1,0,0,x", FormatKind::Nmea2000),
            ("1700000000000;N;$GPRMC,1", FormatKind::Multiplexed),
            ("12:00:00,hello", FormatKind::Text),
            ("hello", FormatKind::Text),
            ("a\u{fffd}\u{fffd}~", FormatKind::Binary),
        ] {
            assert_eq!(kind(line), expected, "{line}");
        }
    }

    #[test]
    fn the_most_counts() {
        let line = |text: &str| LastLine { at: Timestamp::now(), line: text.into(), problem: None };
        let guess = |lines: &[LastLine], bytes| guess(lines, bytes, Some(Protocol::Nmea0183));
        assert_eq!(guess(&[], 0), None);
        let binary = guess(&[], 10).expect("something came");
        assert_eq!((binary.kind, binary.lines, binary.advice.is_some()), (FormatKind::Binary, 0, true));
        let mixed = guess(&[line("\u{fffd}"), line("$GPRMC,1"), line("$GPGGA,1")], 99).expect("something came");
        assert_eq!((mixed.kind, mixed.lines, mixed.advice), (FormatKind::Nmea0183, 2, None));
        let half = guess(&[line("x"), line("$GPRMC,1")], 99).expect("something came");
        assert_eq!(half.kind, FormatKind::Nmea0183);
        let deltas = guess(&[line(r#"{"updates":[]}"#)], 99).expect("something came");
        assert_eq!((deltas.kind, deltas.advice), (FormatKind::SignalK, Some("use a connection of type SignalK")));
    }
}
