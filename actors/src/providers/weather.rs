//! Weather data (signalk-v2 §5, wasm-plugin-abi §3.9).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::failures::Failures;
use super::named::NamedProviders;
use super::plugin::ProviderError;
use crate::plugins::{Offers, PluginManager};

/// The weather providers. Clones share.
#[derive(Clone)]
pub struct Weather(Arc<NamedProviders>);

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeatherKind {
    /// What was measured.
    Observations,
    /// A value a day.
    DailyForecasts,
    /// Values of points in time.
    PointForecasts,
    /// Warnings of the authorities.
    Warnings,
}

/// A request as a client makes it: the parameters of its query.
#[derive(Debug, Clone, PartialEq)]
pub struct WeatherRequest {
    latitude: f64,
    longitude: f64,
    /// `{"custom": {…}, "maxCount"?, "startDate"?}`.
    options: Value,
    provider: Option<String>,
}

/// Why there are no weather data. The texts are those of the reference server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeatherError {
    /// `lat` or `lon` is missing.
    #[error("Location not supplied!")]
    NoLocation,
    /// `lat` or `lon` is no number of degrees.
    #[error("Invalid position data!")]
    InvalidLocation,
    /// `count` or `date` is not what it should be.
    #[error("Invalid {0} supplied! It must be {1}.")]
    InvalidOption(&'static str, &'static str),
    /// Nobody provides weather data.
    #[error("No providers registered!")]
    NoProviders,
    /// The wanted provider does not.
    #[error("Requested provider not found! ({0})")]
    UnknownProvider(String),
}

impl WeatherRequest {
    /// Reads the parameters `lat`, `lon`, `count`, `date` and `provider`; all others are for the provider.
    ///
    /// # Errors
    /// The location is missing, or a parameter is wrong.
    pub fn from_query(query: impl IntoIterator<Item = (String, String)>) -> Result<Self, WeatherError> {
        let (mut latitude, mut longitude, mut provider) = (None, None, None);
        let (mut custom, mut options) = (Map::new(), Map::new());
        for (key, value) in query {
            match key.as_str() {
                "lat" => latitude = Some(value),
                "lon" => longitude = Some(value),
                "provider" => provider = Some(value),
                "count" => {
                    let count = value.parse::<u32>().ok().filter(|count| *count > 0);
                    let count = count.ok_or(WeatherError::InvalidOption("count", "a whole number of at least 1"))?;
                    options.insert("maxCount".to_owned(), count.into());
                }
                "date" => {
                    let is_date = value.len() == 10 && value.parse::<jiff::civil::Date>().is_ok();
                    if !is_date {
                        return Err(WeatherError::InvalidOption("date", "a day as YYYY-MM-DD"));
                    }
                    options.insert("startDate".to_owned(), value.into());
                }
                _ => drop(custom.insert(key, value.into())),
            }
        }
        options.insert("custom".to_owned(), custom.into());
        let (Some(latitude), Some(longitude)) = (latitude, longitude) else { return Err(WeatherError::NoLocation) };
        let degrees = |text: String, most: f64| {
            let degrees = text.trim().parse::<f64>().ok().filter(|degrees| degrees.abs() <= most);
            degrees.ok_or(WeatherError::InvalidLocation)
        };
        let (latitude, longitude) = (degrees(latitude, 90.0)?, degrees(longitude, 180.0)?);
        Ok(Self { latitude, longitude, options: options.into(), provider })
    }

    fn for_plugin(&self, kind: WeatherKind) -> Value {
        let position = json!({"latitude": self.latitude, "longitude": self.longitude});
        match kind {
            WeatherKind::Observations => json!({"position": position, "options": self.options}),
            WeatherKind::DailyForecasts => json!({"position": position, "type": "daily", "options": self.options}),
            WeatherKind::PointForecasts => json!({"position": position, "type": "point", "options": self.options}),
            WeatherKind::Warnings => json!({"position": position}),
        }
    }
}

impl WeatherKind {
    fn export(self) -> &'static str {
        match self {
            Self::Observations => "weather_get_observations",
            Self::DailyForecasts | Self::PointForecasts => "weather_get_forecasts",
            Self::Warnings => "weather_get_warnings",
        }
    }

    /// The `type` of the entries that are wanted; a provider may send forecasts of both types.
    fn entry_type(self) -> Option<&'static str> {
        match self {
            Self::DailyForecasts => Some("daily"),
            Self::PointForecasts => Some("point"),
            Self::Observations | Self::Warnings => None,
        }
    }
}

impl Weather {
    pub(super) fn new(plugins: PluginManager, failures: Failures) -> Self {
        Self(Arc::new(NamedProviders::new(plugins, failures, Offers::weather_providers)))
    }

    /// The providers.
    pub fn providers(&self) -> &NamedProviders {
        &self.0
    }

    /// The entries of the wanted or the default provider. A provider that fails has none; that is counted.
    ///
    /// # Errors
    /// There is no such provider, or none at all.
    pub async fn get(&self, kind: WeatherKind, request: &WeatherRequest) -> Result<Vec<Value>, WeatherError> {
        let provider = match &request.provider {
            _ if self.0.default().is_none() => return Err(WeatherError::NoProviders),
            Some(name) => self.0.find(name).ok_or_else(|| WeatherError::UnknownProvider(name.clone()))?,
            None => self.0.default_provider().ok_or(WeatherError::NoProviders)?,
        };
        let export = kind.export();
        let mut entries = match provider.ask(export, &request.for_plugin(kind)).await {
            Ok(Some(Value::Array(entries))) => entries,
            Ok(None | Some(Value::Null)) => Vec::new(),
            Ok(Some(other)) => {
                let reason = super::plugin::error_text(&other).unwrap_or_else(|| "its answer is no array".to_owned());
                provider.note(export, &ProviderError::Refused(reason));
                Vec::new()
            }
            Err(error @ ProviderError::Unsupported(_)) => {
                provider.note(export, &error);
                Vec::new()
            }
            // Counted where it happened.
            Err(_) => Vec::new(),
        };
        if let Some(wanted) = kind.entry_type() {
            entries.retain(|entry| entry["type"] == wanted);
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(query: &[(&str, &str)]) -> Result<WeatherRequest, WeatherError> {
        WeatherRequest::from_query(query.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn a_query_becomes_position_and_options() {
        let given = [("lat", "0"), ("lon", "-0.5"), ("count", "3"), ("date", "2026-05-01"), ("model", "gfs")];
        let request = request(&given).expect("good parameters");
        let options = json!({"maxCount": 3, "startDate": "2026-05-01", "custom": {"model": "gfs"}});
        let position = json!({"latitude": 0.0, "longitude": -0.5});
        assert_eq!(
            request.for_plugin(WeatherKind::PointForecasts),
            json!({"position": position, "type": "point", "options": options})
        );
        assert_eq!(request.for_plugin(WeatherKind::Warnings), json!({"position": position}));
    }

    #[test]
    fn wrong_parameters_have_their_texts() {
        for (query, expected) in [
            (&[("lat", "1")][..], "Location not supplied!"),
            (&[], "Location not supplied!"),
            (&[("lat", "x"), ("lon", "1")], "Invalid position data!"),
            (&[("lat", ""), ("lon", "1")], "Invalid position data!"),
            (&[("lat", "NaN"), ("lon", "1")], "Invalid position data!"),
            (&[("lat", "91"), ("lon", "1")], "Invalid position data!"),
            (
                &[("lat", "1"), ("lon", "1"), ("count", "0")],
                "Invalid count supplied! It must be a whole number of at least 1.",
            ),
            (
                &[("lat", "1"), ("lon", "1"), ("date", "tomorrow")],
                "Invalid date supplied! It must be a day as YYYY-MM-DD.",
            ),
        ] {
            assert_eq!(request(query).expect_err("a wrong query").to_string(), expected, "{query:?}");
        }
    }
}
