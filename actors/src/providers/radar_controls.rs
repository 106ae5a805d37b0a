//! Setting the controls of radars (signalk-v2 §7, wasm-plugin-abi §3.9).
//!
//! A provider has one function for all controls, `radar_set_control`, or one for each of the five usual controls, or both; then the
//! former counts.

use std::f64::consts::TAU;

use serde_json::{Map, Value, json};

use super::plugin::{PluginProvider, ProviderError, error_text};
use super::radar::RadarError;

/// The controls that have an address of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RadarControl {
    /// `off`, `standby`, `transmit` or `warming`.
    Power,
    /// Metres.
    Range,
    /// `{"auto", "value"?}`.
    Gain,
    /// Sea clutter: `{"auto", "value"?}`.
    Sea,
    /// Rain clutter: `{"auto", "value"?}`.
    Rain,
}

impl RadarControl {
    const ALL: [Self; 5] = [Self::Power, Self::Range, Self::Gain, Self::Sea, Self::Rain];

    /// The control's id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Power => "power",
            Self::Range => "range",
            Self::Gain => "gain",
            Self::Sea => "sea",
            Self::Rain => "rain",
        }
    }

    fn by_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|control| control.id() == id)
    }

    /// The function for this control alone, and the key of the value in its request.
    fn typed(self) -> (&'static str, &'static str) {
        match self {
            Self::Power => ("radar_set_power", "state"),
            Self::Range => ("radar_set_range", "range"),
            Self::Gain => ("radar_set_gain", "gain"),
            Self::Sea => ("radar_set_sea", "sea"),
            Self::Rain => ("radar_set_rain", "rain"),
        }
    }

    /// Checks a value of this control.
    fn check(self, value: &Value) -> Result<(), RadarError> {
        let is_level = || {
            value["auto"].is_boolean() && value.get("value").is_none_or(|value| value.is_number() || value.is_null())
        };
        let (fine, expected) = match self {
            Self::Power => (
                matches!(value.as_str(), Some("off" | "standby" | "transmit" | "warming")),
                "the value must be off, standby, transmit or warming",
            ),
            Self::Range => (
                value.as_f64().is_some_and(|metres| metres > 0.0),
                "the value must be a number of metres greater than 0",
            ),
            Self::Gain | Self::Sea | Self::Rain => {
                (is_level(), "the value must be {\"auto\": boolean, \"value\"?: number}")
            }
        };
        if fine { Ok(()) } else { Err(RadarError::Invalid(format!("Invalid {}: {expected}", self.id()))) }
    }
}

/// The value of a body: a body whose only key is `value` stands for that value.
pub(super) fn unwrap_value(body: Value) -> Value {
    match body {
        Value::Object(mut object) if object.len() == 1 && object.contains_key("value") => {
            object.remove("value").unwrap_or_default()
        }
        body => body,
    }
}

/// Sets a control that has an address of its own. The value is the body, or its only key `value`.
pub(super) async fn set_usual(
    provider: &PluginProvider,
    radar: &str,
    control: RadarControl,
    body: Value,
) -> Result<(), RadarError> {
    let value = unwrap_value(body);
    control.check(&value)?;
    let general = json!({"radarId": radar, "controlId": control.id(), "value": value});
    match provider.ask("radar_set_control", &general).await {
        Err(ProviderError::Unsupported(_)) => set_typed(provider, radar, control, &value).await,
        answer => done(answer, control.id()),
    }
}

/// Sets any control.
pub(super) async fn set_any(
    provider: &PluginProvider,
    radar: &str,
    control: &str,
    body: Value,
) -> Result<(), RadarError> {
    if body.is_null() {
        return Err(RadarError::Invalid(format!("Invalid {control}: the body must be the value, or {{\"value\": …}}")));
    }
    let value = unwrap_value(body);
    let general = json!({"radarId": radar, "controlId": control, "value": value});
    match (provider.ask("radar_set_control", &general).await, RadarControl::by_id(control)) {
        (Err(ProviderError::Unsupported(_)), Some(usual)) => {
            usual.check(&value)?;
            set_typed(provider, radar, usual, &value).await
        }
        (answer, _) => done(answer, "setting controls"),
    }
}

/// Sets several controls at once; without `radar_set_controls` one after the other, up to the first that fails.
pub(super) async fn set_several(provider: &PluginProvider, radar: &str, body: Value) -> Result<(), RadarError> {
    let Value::Object(controls) = unwrap_value(body) else { return Err(RadarError::InvalidBody) };
    if controls.is_empty() {
        return Err(RadarError::InvalidBody);
    }
    match provider.ask("radar_set_controls", &json!({"radarId": radar, "controls": controls})).await {
        Err(ProviderError::Unsupported(_)) => set_each(provider, radar, controls).await,
        answer => done(answer, "setting controls"),
    }
}

async fn set_each(provider: &PluginProvider, radar: &str, controls: Map<String, Value>) -> Result<(), RadarError> {
    for (control, value) in controls {
        set_any(provider, radar, &control, value).await?;
    }
    Ok(())
}

async fn set_typed(
    provider: &PluginProvider,
    radar: &str,
    control: RadarControl,
    value: &Value,
) -> Result<(), RadarError> {
    let (export, key) = control.typed();
    let mut request = json!({"radarId": radar});
    request[key] = value.clone();
    done(provider.ask(export, &request).await, control.id())
}

/// What the answer to a change means: `true` or an object that says `"success": true` is success.
pub(super) fn done(answer: Result<Option<Value>, ProviderError>, what: &'static str) -> Result<(), RadarError> {
    accepted(answer, what).map(drop)
}

/// The same, with the answer.
pub(super) fn accepted(answer: Result<Option<Value>, ProviderError>, what: &'static str) -> Result<Value, RadarError> {
    match answer {
        Ok(Some(answer)) if answer == true || (answer["success"] == true && error_text(&answer).is_none()) => {
            Ok(answer)
        }
        Ok(Some(answer)) => {
            Err(RadarError::Invalid(error_text(&answer).unwrap_or_else(|| format!("The radar refuses: {what}"))))
        }
        Ok(None) => Err(RadarError::Invalid("No response".to_owned())),
        Err(ProviderError::Unsupported(_)) => Err(RadarError::Unsupported(what)),
        Err(error) => Err(RadarError::Failed(error.to_string())),
    }
}

/// Checks what a target is acquired by: `{"bearing" (radians, 0 to 2π), "distance" (metres)}`.
pub(super) fn check_target(body: &Value) -> Result<(f64, f64), RadarError> {
    let number = |key: &str| body[key].as_f64();
    let bearing = number("bearing").filter(|bearing| (0.0..=TAU).contains(bearing));
    let bearing =
        bearing.ok_or_else(|| RadarError::Invalid("Invalid bearing: it must be 0 to 2π radians".to_owned()))?;
    let distance = number("distance").filter(|distance| *distance > 0.0);
    let invalid = || RadarError::Invalid("Invalid distance: it must be a number of metres greater than 0".to_owned());
    Ok((bearing, distance.ok_or_else(invalid)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_before_a_radar_sees_them() {
        for (control, value, fine) in [
            (RadarControl::Power, json!("transmit"), true),
            (RadarControl::Power, json!("on"), false),
            (RadarControl::Power, json!(1), false),
            (RadarControl::Range, json!(1852.5), true),
            (RadarControl::Range, json!(0), false),
            (RadarControl::Gain, json!({"auto": true}), true),
            (RadarControl::Sea, json!({"auto": false, "value": 40}), true),
            (RadarControl::Rain, json!({"value": 40}), false),
            (RadarControl::Rain, json!({"auto": false, "value": "much"}), false),
        ] {
            assert_eq!(control.check(&value).is_ok(), fine, "{control:?} {value}");
        }
        assert!(check_target(&json!({"bearing": 6.2, "distance": 500})).is_ok());
        assert!(check_target(&json!({"bearing": 6.3, "distance": 500})).is_err());
        assert!(check_target(&json!({"bearing": 0})).is_err());
    }

    #[test]
    fn a_body_with_only_a_value_is_the_value() {
        assert_eq!(unwrap_value(json!({"value": {"auto": true}})), json!({"auto": true}));
        assert_eq!(unwrap_value(json!({"auto": false, "value": 3})), json!({"auto": false, "value": 3}));
        assert_eq!(unwrap_value(json!("transmit")), "transmit");
    }

    #[test]
    fn an_answer_is_success_a_refusal_or_a_failure() {
        assert_eq!(done(Ok(Some(json!(true))), "gain"), Ok(()));
        assert_eq!(done(Ok(Some(json!({"success": true}))), "gain"), Ok(()));
        let refused = |answer: Value| done(Ok(Some(answer)), "gain").expect_err("a refusal").to_string();
        assert_eq!(refused(json!({"success": false, "error": "too hot"})), "too hot");
        assert_eq!(refused(json!(false)), "The radar refuses: gain");
        assert_eq!(done(Ok(None), "gain"), Err(RadarError::Invalid("No response".to_owned())));
        assert_eq!(done(Err(ProviderError::Unsupported("x")), "gain"), Err(RadarError::Unsupported("gain")));
        let crashed = ProviderError::Failed("trap".to_owned());
        assert_eq!(done(Err(crashed), "gain"), Err(RadarError::Failed("trap".to_owned())));
    }
}
