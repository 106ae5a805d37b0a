//! Weather: observations, forecasts and warnings.

use super::ProviderError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Knows the weather. Results are JSON objects in SI units, as the weather API describes them: `date`, `type`, `outside`,
/// `wind` and so on. Errors are logged, and the client gets an empty list.
pub trait WeatherProvider {
    /// What was measured near a position, newest first.
    ///
    /// # Errors
    /// Anything that keeps it from knowing.
    fn observations(&mut self, position: Position, options: &WeatherOptions) -> Result<Vec<Value>, ProviderError>;

    /// What is to come at a position.
    ///
    /// # Errors
    /// Anything that keeps it from knowing.
    fn forecasts(
        &mut self,
        position: Position,
        kind: Forecast,
        options: &WeatherOptions,
    ) -> Result<Vec<Value>, ProviderError>;

    /// Warnings for a position: objects with `startTime`, `endTime`, `details`, `source`, `type`.
    ///
    /// # Errors
    /// Anything that keeps it from knowing.
    fn warnings(&mut self, position: Position) -> Result<Vec<Value>, ProviderError> {
        let _ = position;
        Ok(Vec::new())
    }
}

/// A position on the WGS 84 ellipsoid, degrees, north and east positive.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Degrees, north positive.
    pub latitude: f64,
    /// Degrees, east positive.
    pub longitude: f64,
}

impl Position {
    /// Whether it lies on the globe. Not-a-number doesn't.
    pub fn is_valid(self) -> bool {
        (-90.0..=90.0).contains(&self.latitude) && (-180.0..=180.0).contains(&self.longitude)
    }
}

impl From<Position> for Value {
    fn from(position: Position) -> Value {
        serde_json::json!({ "latitude": position.latitude, "longitude": position.longitude })
    }
}

/// What sort of forecast is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Forecast {
    /// One for each day.
    Daily,
    /// For points in time, for example each hour.
    Point,
}

/// What a client may ask for besides.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WeatherOptions {
    /// At most this many results.
    pub max_count: Option<u32>,
    /// From this day on, `YYYY-MM-DD`.
    pub start_date: Option<String>,
    /// All other keys of the query.
    pub custom: Map<String, Value>,
}

/// The three exports.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "named like the exports")]
pub enum Call {
    Observations,
    Forecasts,
    Warnings,
}

#[derive(Deserialize)]
struct Request {
    position: Position,
    #[serde(rename = "type", default)]
    kind: Option<Forecast>,
    #[serde(default)]
    options: WeatherOptions,
}

impl Call {
    pub(crate) fn answer(self, provider: &mut impl WeatherProvider, request: &[u8]) -> String {
        let answer = serde_json::from_slice(request).map_err(ProviderError::from).and_then(|request: Request| {
            let Request { position, kind, options } = request;
            match self {
                Self::Observations => provider.observations(position, &options),
                Self::Forecasts => provider.forecasts(position, kind.unwrap_or(Forecast::Point), &options),
                Self::Warnings => provider.warnings(position),
            }
        });
        let found = answer.unwrap_or_else(|error| {
            crate::host::debug(format!("weather provider: {error}"));
            Vec::new()
        });
        Value::Array(found).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Sun;

    impl WeatherProvider for Sun {
        fn observations(&mut self, position: Position, options: &WeatherOptions) -> Result<Vec<Value>, ProviderError> {
            if position.latitude > 80.0 {
                return Err("too cold".into());
            }
            Ok(vec![json!({ "type": "observation", "count": options.max_count })])
        }

        fn forecasts(
            &mut self,
            _: Position,
            kind: Forecast,
            options: &WeatherOptions,
        ) -> Result<Vec<Value>, ProviderError> {
            Ok(vec![json!({ "daily": kind == Forecast::Daily, "from": options.start_date, "more": options.custom })])
        }
    }

    #[test]
    fn requests_are_answered_as_servers_expect() {
        // ABI-71
        let ask = |call: Call, request: &str| call.answer(&mut Sun, request.as_bytes());
        let here = r#""position":{"latitude":60.1,"longitude":24.9}"#;
        assert_eq!(
            ask(Call::Observations, &format!(r#"{{{here},"options":{{"maxCount":3,"custom":{{}}}}}}"#)),
            r#"[{"count":3,"type":"observation"}]"#
        );
        let request =
            format!(r#"{{{here},"type":"daily","options":{{"startDate":"2024-05-01","custom":{{"a":"b"}}}}}}"#);
        assert_eq!(ask(Call::Forecasts, &request), r#"[{"daily":true,"from":"2024-05-01","more":{"a":"b"}}]"#);
        assert_eq!(ask(Call::Warnings, &format!("{{{here}}}")), "[]");
        assert_eq!(ask(Call::Observations, r#"{"position":{"latitude":85,"longitude":0},"options":{}}"#), "[]");
        assert_eq!(ask(Call::Observations, "{}"), "[]");
    }
}
