//! Radars: their controls, their state, and the targets they follow. The picture goes out by
//! [`stream::emit_spokes`](crate::stream::emit_spokes).

use super::{ProviderError, failure};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Speaks with radars. Only [`radars`](Self::radars), [`info`](Self::info), [`state`](Self::state) and
/// [`set_control`](Self::set_control) must be implemented. Objects have the shape that the radar API describes.
pub trait RadarProvider {
    /// The ids of the radars there are: letters, digits, `_` and `-`.
    fn radars(&mut self) -> Vec<String>;

    /// What a radar is: `{name, brand, model?, radarIpAddress}`.
    ///
    /// # Errors
    /// The text for the client; there is no such radar.
    fn info(&mut self, radar: &str) -> Result<Value, ProviderError>;

    /// How a radar is: `{id, timestamp, status, controls, …}`.
    ///
    /// # Errors
    /// The text for the client.
    fn state(&mut self, radar: &str) -> Result<Value, ProviderError>;

    /// Sets a control, for example `power` to `"transmit"`, `range` to metres, `gain` to `{"auto": false, "value": 40}`.
    ///
    /// # Errors
    /// The text for the client.
    fn set_control(&mut self, radar: &str, control: &str, value: Value) -> Result<(), ProviderError>;

    /// What a radar can do, as a manifest.
    ///
    /// # Errors
    /// The text for the client.
    fn capabilities(&mut self, radar: &str) -> Result<Value, ProviderError> {
        unsupported(radar, "a description of its capabilities")
    }

    /// One control's value. Without an implementation it is taken from [`state`](Self::state).
    ///
    /// # Errors
    /// The text for the client.
    fn control(&mut self, radar: &str, control: &str) -> Result<Value, ProviderError> {
        let state = self.state(radar)?;
        let value = state.get("controls").and_then(|controls| controls.get(control));
        value.cloned().ok_or_else(|| format!("the radar {radar} has no control {control}").into())
    }

    /// The targets that a radar follows: `{radarId, timestamp, targets}`.
    ///
    /// # Errors
    /// The text for the client.
    fn targets(&mut self, radar: &str) -> Result<Value, ProviderError> {
        unsupported(radar, "target tracking")
    }

    /// Begins to follow a target. Returns its id.
    ///
    /// # Errors
    /// The text for the client.
    fn acquire_target(&mut self, radar: &str, target: Target) -> Result<Value, ProviderError> {
        let _ = target;
        unsupported(radar, "target tracking")
    }

    /// Stops following a target.
    ///
    /// # Errors
    /// The text for the client.
    fn cancel_target(&mut self, radar: &str, target: &Value) -> Result<(), ProviderError> {
        let _ = target;
        unsupported(radar, "target tracking").map(drop)
    }

    /// The settings of target tracking.
    ///
    /// # Errors
    /// The text for the client.
    fn arpa_settings(&mut self, radar: &str) -> Result<Value, ProviderError> {
        unsupported(radar, "target tracking")
    }

    /// Changes the settings of target tracking.
    ///
    /// # Errors
    /// The text for the client.
    fn set_arpa_settings(&mut self, radar: &str, settings: Value) -> Result<(), ProviderError> {
        let _ = settings;
        unsupported(radar, "target tracking").map(drop)
    }
}

/// Where a target is seen from the boat.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Target {
    /// True bearing, radians.
    pub bearing: f64,
    /// Metres.
    pub distance: f64,
}

fn unsupported(radar: &str, what: &str) -> Result<Value, ProviderError> {
    Err(format!("the radar {radar} has no {what}").into())
}

/// The exports that take a request.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "named like the exports")]
pub enum Call {
    Info,
    State,
    Capabilities,
    Control,
    SetControl,
    SetControls,
    /// A control with an export of its own: its id, which is also the key of the value.
    SetNamed(&'static str),
    /// The same, where the key differs from the control's id: id, key.
    SetAs(&'static str, &'static str),
    Targets,
    AcquireTarget,
    CancelTarget,
    ArpaSettings,
    SetArpaSettings,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    radar_id: String,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Request {
    fn take(&mut self, key: &str) -> Value {
        self.rest.remove(key).unwrap_or_default()
    }
}

impl Call {
    pub(crate) fn answer(self, provider: &mut impl RadarProvider, request: &[u8]) -> String {
        let answer = serde_json::from_slice(request)
            .map_err(ProviderError::from)
            .and_then(|request| self.call(provider, request))
            .unwrap_or_else(|error| {
                crate::host::debug(format!("radar provider: {error}"));
                self.failed(&error)
            });
        answer.to_string()
    }

    fn call(self, provider: &mut impl RadarProvider, mut request: Request) -> Result<Value, ProviderError> {
        let id = std::mem::take(&mut request.radar_id);
        let id = id.as_str();
        let done = |()| Value::Bool(true);
        let success = |()| json!({ "success": true });
        match self {
            Self::Info => provider.info(id),
            Self::State => provider.state(id),
            Self::Capabilities => provider.capabilities(id),
            Self::Control => provider.control(id, text(&request.take("controlId"))?),
            Self::SetControl => {
                let value = request.take("value");
                provider.set_control(id, text(&request.take("controlId"))?, value).map(success)
            }
            Self::SetControls => {
                let Value::Object(controls) = request.take("controls") else {
                    return Err("controls must be an object".into());
                };
                controls.into_iter().try_for_each(|(key, value)| provider.set_control(id, &key, value)).map(done)
            }
            Self::SetNamed(control) => provider.set_control(id, control, request.take(control)).map(done),
            Self::SetAs(control, key) => provider.set_control(id, control, request.take(key)).map(done),
            Self::Targets => provider.targets(id),
            Self::AcquireTarget => {
                let target: Target = serde_json::from_value(Value::Object(request.rest))?;
                provider.acquire_target(id, target).map(|target| json!({ "success": true, "targetId": target }))
            }
            Self::CancelTarget => provider.cancel_target(id, &request.take("targetId")).map(done),
            Self::ArpaSettings => provider.arpa_settings(id),
            Self::SetArpaSettings => provider.set_arpa_settings(id, request.take("settings")).map(success),
        }
    }

    /// How each export says that it failed.
    fn failed(self, error: &ProviderError) -> Value {
        match self {
            Self::SetControls | Self::SetNamed(_) | Self::SetAs(..) | Self::CancelTarget => Value::Bool(false),
            Self::SetControl | Self::AcquireTarget | Self::SetArpaSettings => {
                json!({ "success": false, "error": error.to_string() })
            }
            _ => failure(error),
        }
    }
}

fn text(value: &Value) -> Result<&str, ProviderError> {
    value.as_str().ok_or_else(|| "a request without controlId".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Scanner {
        set: Vec<(String, Value)>,
    }

    impl RadarProvider for Scanner {
        fn radars(&mut self) -> Vec<String> {
            vec!["x1".to_owned()]
        }

        fn info(&mut self, radar: &str) -> Result<Value, ProviderError> {
            if radar == "x1" { Ok(json!({ "name": "X" })) } else { Err("no such radar".into()) }
        }

        fn state(&mut self, _: &str) -> Result<Value, ProviderError> {
            Ok(json!({ "controls": { "gain": { "auto": true } } }))
        }

        fn set_control(&mut self, _: &str, control: &str, value: Value) -> Result<(), ProviderError> {
            if control == "smoke" {
                return Err("no smoke".into());
            }
            self.set.push((control.to_owned(), value));
            Ok(())
        }

        fn acquire_target(&mut self, _: &str, target: Target) -> Result<Value, ProviderError> {
            Ok(json!(target.distance))
        }
    }

    #[test]
    fn requests_are_answered_as_servers_expect() {
        // ABI-72
        let mut scanner = Scanner::default();
        let mut ask = |call: Call, request: &str| call.answer(&mut scanner, request.as_bytes());
        assert_eq!(ask(Call::Info, r#"{"radarId":"x1"}"#), r#"{"name":"X"}"#);
        assert_eq!(ask(Call::Info, r#"{"radarId":"y"}"#), r#"{"error":"no such radar"}"#);
        assert_eq!(ask(Call::Control, r#"{"radarId":"x1","controlId":"gain"}"#), r#"{"auto":true}"#);
        assert!(ask(Call::Control, r#"{"radarId":"x1","controlId":"sea"}"#).contains("no control sea"));
        assert_eq!(
            ask(Call::SetControl, r#"{"radarId":"x1","controlId":"gain","value":{"auto":false}}"#),
            r#"{"success":true}"#
        );
        assert_eq!(
            ask(Call::SetControl, r#"{"radarId":"x1","controlId":"smoke","value":1}"#),
            r#"{"error":"no smoke","success":false}"#
        );
        assert_eq!(ask(Call::SetAs("power", "state"), r#"{"radarId":"x1","state":"transmit"}"#), "true");
        assert_eq!(ask(Call::SetNamed("range"), r#"{"radarId":"x1","range":1852}"#), "true");
        assert_eq!(ask(Call::SetControls, r#"{"radarId":"x1","controls":{"sea":1,"smoke":2}}"#), "false");
        assert_eq!(
            ask(Call::AcquireTarget, r#"{"radarId":"x1","bearing":1.5,"distance":900}"#),
            r#"{"success":true,"targetId":900.0}"#
        );
        assert_eq!(ask(Call::CancelTarget, r#"{"radarId":"x1","targetId":1}"#), "false");
        assert!(ask(Call::Capabilities, r#"{"radarId":"x1"}"#).contains("error"));
        assert_eq!(
            scanner.set,
            [
                ("gain".to_owned(), json!({ "auto": false })),
                ("power".to_owned(), json!("transmit")),
                ("range".to_owned(), json!(1852)),
                ("sea".to_owned(), json!(1)),
            ]
        );
    }
}
