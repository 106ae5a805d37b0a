//! Reading the keys of an entry, each with its own complaint.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Map, Value};
use smol_str::SmolStr;

use super::settings::SettingsError;

/// Reads the keys of one object, and says where something is wrong.
#[derive(Clone, Copy)]
pub(super) struct Keys<'a> {
    pub map: &'a Map<String, Value>,
    /// What stands before the key in messages.
    pub at: &'static str,
}

impl<'a> Keys<'a> {
    /// The value of a key. Null and the empty text are what an emptied form field leaves: absent.
    pub fn present(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    pub fn find<T>(
        &self,
        key: &str,
        read: impl Fn(&'a Value) -> Option<T>,
        expected: &'static str,
    ) -> Result<Option<T>, SettingsError> {
        let Some(value) = self.present(key) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| wrong(&format!("{}{key}", self.at), value, expected))
    }

    pub fn need<T>(
        &self,
        key: &str,
        read: impl Fn(&'a Value) -> Option<T>,
        expected: &'static str,
    ) -> Result<T, SettingsError> {
        let missing = || SettingsError::Missing { key: format!("{}{key}", self.at), expected };
        self.find(key, read, expected)?.ok_or_else(missing)
    }

    pub fn text(&self, key: &str) -> Result<&'a str, SettingsError> {
        self.need(key, Value::as_str, "a text")
    }

    pub fn flag(&self, key: &str, default: bool) -> Result<bool, SettingsError> {
        Ok(self.find(key, Value::as_bool, "true or false")?.unwrap_or(default))
    }

    pub fn number(
        &self,
        key: &str,
        range: std::ops::RangeInclusive<f64>,
        expected: &'static str,
    ) -> Result<Option<f64>, SettingsError> {
        self.find(key, |value| number(value).filter(|n| range.contains(n)), expected)
    }

    pub fn port(&self, key: &str) -> Result<u16, SettingsError> {
        let port = |value: &Value| number(value).filter(|n| n.fract() == 0.0 && (0.0..=65535.0).contains(n));
        Ok(self.need(key, port, "a port number")? as u16)
    }

    /// A time; 0 is none at all.
    pub fn seconds(&self, key: &str, default: Option<Duration>) -> Result<Option<Duration>, SettingsError> {
        let seconds = self.number(key, 0.0..=1e6, "a number of seconds")?;
        Ok(seconds.map_or(default, |s| Some(Duration::from_secs_f64(s)).filter(|d| !d.is_zero())))
    }

    pub fn address(&self, key: &str, default: IpAddr) -> Result<IpAddr, SettingsError> {
        let read = |value: &Value| value.as_str()?.parse().ok();
        Ok(self.find(key, read, "an IP address of this machine, such as 127.0.0.1 or 0.0.0.0")?.unwrap_or(default))
    }

    /// A list of words, or one text with commas between them.
    pub fn words(&self, key: &str, expected: &'static str) -> Result<Vec<SmolStr>, SettingsError> {
        let words = |value: &Value| match value {
            Value::String(text) => {
                Some(text.split(',').map(str::trim).filter(|w| !w.is_empty()).map(SmolStr::new).collect())
            }
            Value::Array(list) => list.iter().map(|word| word.as_str().map(|word| SmolStr::new(word.trim()))).collect(),
            _ => None,
        };
        Ok(self.find(key, words, expected)?.unwrap_or_default())
    }
}

/// A number, also one written as a text.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

pub(super) fn wrong(key: &str, found: &Value, expected: &'static str) -> SettingsError {
    let text = found.to_string();
    let short: String = text.chars().take(60).collect();
    let found = if short.len() < text.len() { short + "…" } else { text };
    SettingsError::Wrong { key: key.to_owned(), found, expected }
}

pub(super) fn unsupported(what: String) -> SettingsError {
    SettingsError::Unsupported { what }
}
