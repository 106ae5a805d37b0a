//! Reading the fields of a sentence: numbers, angles, positions and times, each with its own complaint.

use std::ops::RangeInclusive;

use jiff::civil::{Date, Time};
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::value::Value;
use super::{SentenceError, units};

/// The data fields of one sentence. Fields are numbered as in the standard: the first after the address is 1.
/// A field behind the last one reads as empty, since devices cut trailing empty fields off.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    sentence: &'a str,
    list: SmallVec<[&'a [u8]; 24]>,
}

/// A time of day in UTC; the second may be 60 in a leap second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeOfDay {
    /// Milliseconds since midnight.
    pub milliseconds: i64,
}

impl<'a> Fields<'a> {
    pub fn split(sentence: &'a str, data: &'a [u8]) -> Self {
        Self { sentence, list: data.split(|byte| *byte == b',').collect() }
    }

    /// The sentence id.
    pub fn sentence(&self) -> &'a str {
        self.sentence
    }

    /// How many fields the sentence has.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The field without surrounding spaces.
    pub fn raw(&self, field: usize) -> &'a [u8] {
        self.list.get(field - 1).map_or(b"", |text| text.trim_ascii())
    }

    /// Whether all of the fields are empty.
    pub fn all_empty(&self, fields: RangeInclusive<usize>) -> bool {
        fields.into_iter().all(|field| self.raw(field).is_empty())
    }

    /// The error for a field that cannot be used.
    pub fn malformed(&self, field: usize, expected: &'static str) -> SentenceError {
        let mut text = latin_text(self.raw(field));
        if text.chars().count() > 24 {
            text = text.chars().take(24).chain(['…']).collect();
        }
        SentenceError::Malformed { sentence: SmolStr::new(self.sentence), field, text, expected }
    }

    /// A single letter in capitals, or `None` if empty.
    pub fn letter(&self, field: usize) -> Result<Option<u8>, SentenceError> {
        match self.raw(field) {
            [] => Ok(None),
            [letter] => Ok(Some(letter.to_ascii_uppercase())),
            _ => Err(self.malformed(field, "one letter")),
        }
    }

    /// Whether the field is the letter.
    pub fn is(&self, field: usize, letter: u8) -> bool {
        self.raw(field).eq_ignore_ascii_case(&[letter])
    }

    /// A text, or `None` if empty. Bytes that are not UTF-8 are taken for Latin-1, which older plotters send.
    pub fn text(&self, field: usize) -> Option<SmolStr> {
        let raw = self.raw(field);
        (!raw.is_empty()).then(|| latin_text(raw))
    }

    /// A decimal number, or `None` if empty.
    pub fn number(&self, field: usize) -> Result<Option<f64>, SentenceError> {
        let raw = self.raw(field);
        if raw.is_empty() {
            return Ok(None);
        }
        decimal(raw).map(Some).ok_or_else(|| self.malformed(field, "a decimal number"))
    }

    /// A number that counts or identifies something.
    pub fn integer(&self, field: usize) -> Result<Option<u32>, SentenceError> {
        let raw = self.raw(field);
        if raw.is_empty() {
            return Ok(None);
        }
        let digits = raw.iter().all(u8::is_ascii_digit).then_some(raw);
        let number = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        number.map(Some).ok_or_else(|| self.malformed(field, "a whole number"))
    }

    /// A number times the factor of its unit.
    pub fn scaled(&self, field: usize, factor: f64) -> Result<Option<f64>, SentenceError> {
        Ok(self.number(field)?.map(|number| number * factor))
    }

    /// Degrees of at most one turn.
    pub fn degrees(&self, field: usize) -> Result<Option<f64>, SentenceError> {
        match self.number(field)? {
            Some(degrees) if degrees.abs() > 360.0 => Err(self.malformed(field, "an angle of at most 360 degrees")),
            degrees => Ok(degrees),
        }
    }

    /// A direction in radians, 0..2π.
    pub fn direction(&self, field: usize) -> Result<Option<f64>, SentenceError> {
        Ok(self.degrees(field)?.map(units::direction))
    }

    /// Degrees with the direction in the next field: the `positive` letter, or the `negative` one.
    pub fn signed_degrees(
        &self,
        field: usize,
        positive: u8,
        negative: u8,
        expected: &'static str,
    ) -> Result<Option<f64>, SentenceError> {
        let Some(degrees) = self.degrees(field)? else {
            return Ok(None);
        };
        match self.letter(field + 1)? {
            Some(letter) if letter == positive => Ok(Some(degrees)),
            Some(letter) if letter == negative => Ok(Some(-degrees)),
            None if degrees == 0.0 => Ok(Some(0.0)),
            _ => Err(self.malformed(field + 1, expected)),
        }
    }

    /// Magnetic variation or deviation in radians, east positive.
    pub fn east_west(&self, field: usize) -> Result<Option<f64>, SentenceError> {
        let degrees = self.signed_degrees(field, b'E', b'W', "E or W")?;
        Ok(degrees.map(f64::to_radians))
    }

    /// A distance with its unit in the field after it, in metres. `N` are nautical miles and `K` kilometres.
    pub fn distance(&self, field: usize, unit_field: usize) -> Result<Option<f64>, SentenceError> {
        let factor = match self.letter(unit_field)? {
            Some(b'N') | None => units::NAUTICAL_MILE,
            Some(b'K') => 1000.0,
            Some(_) => return Err(self.malformed(unit_field, "N or K")),
        };
        self.scaled(field, factor)
    }

    /// A temperature with its unit in the next field, in kelvin. Celsius unless the unit is `F`.
    pub fn temperature(&self, field: usize) -> Result<Option<f64>, SentenceError> {
        let Some(number) = self.number(field)? else {
            return Ok(None);
        };
        match self.letter(field + 1)? {
            Some(b'C') | None => Ok(Some(number + units::ZERO_CELSIUS)),
            Some(b'F') => Ok(Some((number - 32.0) / 1.8 + units::ZERO_CELSIUS)),
            Some(_) => Err(self.malformed(field + 1, "C or F")),
        }
    }

    /// A position in four fields from `field` on: latitude, N or S, longitude, E or W. `None` if a part is empty.
    pub fn position(&self, field: usize) -> Result<Option<Value>, SentenceError> {
        if (field..field + 4).any(|part| self.raw(part).is_empty()) {
            return Ok(None);
        }
        let latitude = self.coordinate(field, 90.0, b'N', b'S', "N or S")?;
        let longitude = self.coordinate(field + 2, 180.0, b'E', b'W', "E or W")?;
        Ok(Some(Value::Position { latitude, longitude, altitude: None }))
    }

    fn coordinate(
        &self,
        field: usize,
        limit: f64,
        positive: u8,
        negative: u8,
        expected_letter: &'static str,
    ) -> Result<f64, SentenceError> {
        let raw = self.raw(field);
        let point = raw.iter().position(|byte| *byte == b'.').unwrap_or(raw.len());
        // The last two digits before the point are minutes, what precedes them are degrees.
        let (degrees, minutes) = raw.split_at(point.saturating_sub(2));
        let unsigned = point > 0 && raw.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
        let degrees = if degrees.is_empty() { Some(0.0) } else { decimal(degrees) };
        let magnitude = match (degrees, decimal(minutes)) {
            (Some(degrees), Some(minutes)) if unsigned && minutes < 60.0 => degrees + minutes / 60.0,
            _ => return Err(self.malformed(field, "degrees and minutes")),
        };
        if magnitude > limit {
            return Err(self.malformed(field, "degrees and minutes"));
        }
        match self.letter(field + 1)? {
            Some(letter) if letter == positive => Ok(magnitude),
            Some(letter) if letter == negative => Ok(-magnitude),
            _ => Err(self.malformed(field + 1, expected_letter)),
        }
    }

    /// A time of day, `hhmmss` with optional fraction, or `None` if empty.
    pub fn time(&self, field: usize) -> Result<Option<TimeOfDay>, SentenceError> {
        let raw = self.raw(field);
        if raw.is_empty() {
            return Ok(None);
        }
        time_of_day(raw).map(Some).ok_or_else(|| self.malformed(field, "a time as hhmmss"))
    }

    /// A date as `ddmmyy`, or `None` if empty.
    pub fn date(&self, field: usize) -> Result<Option<Date>, SentenceError> {
        let raw = self.raw(field);
        if raw.is_empty() {
            return Ok(None);
        }
        let parts =
            (raw.len() == 6).then(|| Some((two_digits(raw, 0)?, two_digits(raw, 2)?, two_digits(raw, 4)?))).flatten();
        parts
            .and_then(|(day, month, year)| Date::new(full_year(year.into()), month, day).ok())
            .map(Some)
            .ok_or_else(|| self.malformed(field, "a date as ddmmyy"))
    }

    /// A date in three fields from `field` on: day, month, year. `None` if a part is empty.
    pub fn split_date(&self, field: usize) -> Result<Option<Date>, SentenceError> {
        let (Some(day), Some(month), Some(year)) =
            (self.integer(field)?, self.integer(field + 1)?, self.integer(field + 2)?)
        else {
            return Ok(None);
        };
        let year = i16::try_from(year).ok().map(full_year).filter(|year| YEARS.contains(year));
        let year = year.ok_or_else(|| self.malformed(field + 2, "a year from 1980 to 2199"))?;
        let month = i8::try_from(month).map_err(|_| self.malformed(field + 1, "a month"))?;
        let day = i8::try_from(day).map_err(|_| self.malformed(field, "a day"))?;
        Date::new(year, month, day).map(Some).map_err(|_| self.malformed(field, "a day of its month"))
    }
}

/// The years that a receiver may be in. Satellite navigation began in 1980, and its clock would not reach a later year by mistake.
const YEARS: RangeInclusive<i16> = 1980..=2199;
/// No measurement aboard is larger, whatever its unit.
const LARGEST: f64 = 1e12;

/// The century for a year of two digits.
fn full_year(year: i16) -> i16 {
    match year {
        0..80 => year + 2000,
        80..100 => year + 1900,
        full => full,
    }
}

fn two_digits(raw: &[u8], at: usize) -> Option<i8> {
    let (tens, ones) = (raw.get(at)?, raw.get(at + 1)?);
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| i8::try_from((tens - b'0') * 10 + (ones - b'0')).expect("two digits make at most 99"))
}

fn time_of_day(raw: &[u8]) -> Option<TimeOfDay> {
    let (hour, minute, second) = (two_digits(raw, 0)?, two_digits(raw, 2)?, two_digits(raw, 4)?);
    let leap = i8::from(second == 60);
    let time = Time::new(hour, minute, second - leap, 0).ok()?;
    let fraction = match &raw[6..] {
        [] => 0,
        [b'.', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => {
            digits.iter().chain(b"000").take(3).fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
        }
        _ => return None,
    };
    let seconds = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    Some(TimeOfDay { milliseconds: (seconds + i64::from(leap)) * 1000 + fraction })
}

/// A decimal number as talkers write it: digits, a point, a sign; no exponent, no `inf` or `nan`, and not beyond all measure.
fn decimal(raw: &[u8]) -> Option<f64> {
    if !raw.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+')) {
        return None;
    }
    std::str::from_utf8(raw).ok()?.parse().ok().filter(|number: &f64| number.abs() <= LARGEST)
}

/// The bytes as text. Those that no text has are shown as such: as Latin-1, the bytes from 0x80 to 0x9F are control characters, which a
/// terminal that shows the log would obey.
pub(super) fn latin_text(raw: &[u8]) -> SmolStr {
    let shown = |character: char| if character.is_control() { char::REPLACEMENT_CHARACTER } else { character };
    match std::str::from_utf8(raw) {
        Ok(text) => text.chars().map(shown).collect(),
        Err(_) => raw.iter().map(|byte| shown(char::from(*byte))).collect(),
    }
}
