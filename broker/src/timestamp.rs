//! Timestamps of updates: ISO 8601 UTC text on the wire, eight bytes inside.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// The time of an update. The usual form `YYYY-MM-DDTHH:MM:SS.mmmZ` is kept as milliseconds; any other text a producer sends is kept
/// as it came, because a server passes timestamps through (signalk-v1 §2.1).
#[derive(Clone, PartialEq, Eq)]
pub struct Timestamp(Form);

#[derive(Clone, PartialEq, Eq)]
enum Form {
    Millis(i64),
    Text(Arc<str>),
}

/// Longest timestamp text that is accepted from a producer, in bytes.
pub const MAX_TIMESTAMP_BYTES: usize = 64;

impl Timestamp {
    /// From milliseconds since 1970-01-01T00:00:00Z.
    pub fn from_millis(millis: i64) -> Self {
        Self(Form::Millis(millis))
    }

    /// The present time of the system clock.
    pub fn now() -> Self {
        Self::from_millis(jiff::Timestamp::now().as_millisecond())
    }

    /// From the text of a delta. Texts longer than [`MAX_TIMESTAMP_BYTES`] are refused.
    pub fn from_text(text: &str) -> Option<Self> {
        if let Some(millis) = parse_usual_form(text.as_bytes()) {
            return Some(Self(Form::Millis(millis)));
        }
        (text.len() <= MAX_TIMESTAMP_BYTES && !text.chars().any(char::is_control))
            .then(|| Self(Form::Text(text.into())))
    }

    /// Milliseconds since 1970, or `None` when the producer's text is no ISO 8601 time.
    pub fn as_millis(&self) -> Option<i64> {
        match &self.0 {
            Form::Millis(millis) => Some(*millis),
            Form::Text(text) => text.parse::<jiff::Timestamp>().ok().map(|t| t.as_millisecond()),
        }
    }

    /// Appends the text without quotes.
    pub fn push_to(&self, out: &mut String) {
        match &self.0 {
            Form::Millis(millis) => push_usual_form(*millis, out),
            Form::Text(text) => out.push_str(text),
        }
    }

    /// True when the text needs JSON escapes.
    pub(crate) fn needs_escape(&self) -> bool {
        matches!(&self.0, Form::Text(text) if text.contains(['"', '\\']))
    }
}

const DAY: i64 = 86_400_000;

fn parse_usual_form(b: &[u8]) -> Option<i64> {
    if b.len() != 24
        || b[4] != b'-'
        || b[7] != b'-'
        || b[10] != b'T'
        || b[13] != b':'
        || b[16] != b':'
        || b[19] != b'.'
        || b[23] != b'Z'
    {
        return None;
    }
    let number = |range: std::ops::Range<usize>| {
        b[range].iter().try_fold(0i64, |n, d| d.is_ascii_digit().then(|| n * 10 + i64::from(d - b'0')))
    };
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second, milli) = (number(11..13)?, number(14..16)?, number(17..19)?, number(20..23)?);
    // Only what prints back to the same text may take the short form.
    if !(1..=12).contains(&month)
        || day < 1
        || day > days_in_month(year, month)
        || hour > 23
        || minute > 59
        || second > 59
    {
        return None;
    }
    Some(days_from_civil(year, month, day) * DAY + ((hour * 60 + minute) * 60 + second) * 1000 + milli)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar, counted in 400-year eras that start in March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn push_usual_form(millis: i64, out: &mut String) {
    let (year, month, day) = civil_from_days(millis.div_euclid(DAY));
    let rest = millis.rem_euclid(DAY);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let mut put = |at: usize, digits: usize, mut n: i64| {
        for i in (at..at + digits).rev() {
            text[i] = b'0' + (n % 10) as u8;
            n /= 10;
        }
    };
    put(0, 4, year.clamp(0, 9999));
    put(5, 2, month);
    put(8, 2, day);
    put(11, 2, rest / 3_600_000);
    put(14, 2, rest / 60_000 % 60);
    put(17, 2, rest / 1000 % 60);
    put(20, 3, rest % 1000);
    out.extend(text.iter().map(|b| char::from(*b)));
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(24);
        self.push_to(&mut text);
        f.write_str(&text)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl PartialOrd for Timestamp {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Sorted as text, as the reference sorts the cached values (signalk-v1 §2.1).
impl Ord for Timestamp {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (&self.0, &other.0) {
            (Form::Millis(a), Form::Millis(b)) => a.cmp(b),
            _ => self.to_string().cmp(&other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_as_they_went_in() {
        for text in [
            "2014-08-15T19:02:31.507Z",
            "2024-02-29T23:59:59.999Z",
            "1970-01-01T00:00:00.000Z",
            "1969-12-31T23:59:59.999Z",
            "2024-05-01T10:00:00Z",
            "2024-05-01T10:00:00.123456Z",
            "2024-02-30T10:00:00.000Z",
            "2024-05-01T12:00:00.000+02:00",
            "yesterday",
        ] {
            assert_eq!(Timestamp::from_text(text).expect(text).to_string(), text);
        }
        assert_eq!(Timestamp::from_text(&"9".repeat(65)), None);
    }

    proptest::proptest! {
        #[test]
        fn the_calendar_agrees_with_a_library(millis in -62_135_596_800_000i64..253_402_300_799_999) {
            let library = jiff::Timestamp::from_millisecond(millis).expect("in range");
            let text = Timestamp::from_millis(millis).to_string();
            proptest::prop_assert_eq!(text.parse::<jiff::Timestamp>().expect("ISO 8601"), library);
            proptest::prop_assert_eq!(parse_usual_form(text.as_bytes()), Some(millis));
        }
    }
}
