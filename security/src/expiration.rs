//! How long tokens are valid.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;

const MINUTE: f64 = 60.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;
const YEAR: f64 = 365.25 * DAY;
/// Longer is the same as for ever, and would not fit into dates.
const LONGEST: f64 = 1000.0 * YEAR;

/// The lifetime of tokens, as `expiration` of security.json and of approvals says it (server-admin-api §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiration {
    /// So long from the moment it is made; at least a second.
    After(Duration),
    /// The token does not expire (`NEVER`).
    Never,
}

/// Words that are no lifetime.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no lifetime of tokens; write a number and a unit, such as 15m, 1h, 60d or 1y, or NEVER")]
pub struct ExpirationError(String);

impl Expiration {
    /// The lifetime; `None` for [`Expiration::Never`].
    pub fn lifetime(self) -> Option<Duration> {
        match self {
            Self::After(lifetime) => Some(lifetime),
            Self::Never => None,
        }
    }

    /// From a setting: text, or a number of seconds.
    pub(crate) fn from_json(value: &Value) -> Result<Self, ExpirationError> {
        match value {
            Value::String(text) => text.parse(),
            Value::Number(seconds) => {
                after(seconds.as_f64().unwrap_or_default()).ok_or_else(|| ExpirationError(seconds.to_string()))
            }
            other => Err(ExpirationError(other.to_string())),
        }
    }
}

impl Default for Expiration {
    /// A day.
    fn default() -> Self {
        Self::After(Duration::from_secs(24 * 60 * 60))
    }
}

fn after(seconds: f64) -> Option<Expiration> {
    (1.0..=LONGEST).contains(&seconds).then(|| Expiration::After(Duration::from_secs(seconds as u64)))
}

impl FromStr for Expiration {
    type Err = ExpirationError;

    /// `NEVER`, or a number with a unit: `s`, `m`, `h`, `d`, `w`, `y` or the longer names (`2 days`).
    fn from_str(text: &str) -> Result<Self, ExpirationError> {
        let wrong = || ExpirationError(text.chars().take(40).collect());
        let trimmed = text.trim();
        if trimmed.eq_ignore_ascii_case("never") {
            return Ok(Self::Never);
        }
        let end = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, unit) = trimmed.split_at(end);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let seconds = match unit.trim_start().to_ascii_lowercase().as_str() {
            "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
            "m" | "min" | "mins" | "minute" | "minutes" => MINUTE,
            "h" | "hr" | "hrs" | "hour" | "hours" => HOUR,
            "d" | "day" | "days" => DAY,
            "w" | "week" | "weeks" => 7.0 * DAY,
            "y" | "yr" | "yrs" | "year" | "years" => YEAR,
            _ => return Err(wrong()),
        };
        after(number * seconds).ok_or_else(wrong)
    }
}

impl fmt::Display for Expiration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(lifetime) => write!(f, "{}s", lifetime.as_secs()),
            Self::Never => f.write_str("NEVER"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lifetimes_are_read_as_they_are_written() {
        for (text, seconds) in [
            ("1h", 3600),
            ("15m", 900),
            ("1d", 86_400),
            ("60d", 60 * 86_400),
            ("1y", 31_557_600),
            ("2 days", 172_800),
            (" 1W ", 604_800),
            ("1.5h", 5400),
            ("30s", 30),
        ] {
            assert_eq!(text.parse(), Ok(Expiration::After(Duration::from_secs(seconds))), "{text}");
        }
        for never in ["NEVER", "never"] {
            assert_eq!(never.parse(), Ok(Expiration::Never));
        }
        assert_eq!(Expiration::from_json(&json!(120)), Ok(Expiration::After(Duration::from_secs(120))));
    }

    #[test]
    fn what_is_no_lifetime_is_told() {
        for text in
            ["", "d", "1", "-1d", "1x", "0d", "0.1s", "1d2h", "1e9y", "99999999999999999999y", "..d", "½d", "٣d"]
        {
            let error = text.parse::<Expiration>().expect_err(text);
            assert!(error.to_string().contains("such as 15m"), "{error}");
        }
        for value in [json!(null), json!(0), json!(-5), json!(true), json!([1])] {
            Expiration::from_json(&value).expect_err("no lifetime");
        }
    }
}
