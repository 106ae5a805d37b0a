//! What a PUT handler's answer means (wasm-plugin-abi §3.7).

use serde_json::Value;

use super::requests::RequestState;
use crate::plugins::PluginCallError;

/// Longest message that is kept, in characters.
const MAX_MESSAGE: usize = 2_000;

/// How a request ended, or that it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub state: RequestState,
    pub status_code: u16,
    pub message: Option<String>,
}

impl Outcome {
    pub(super) fn completed(status_code: u16, message: impl Into<String>) -> Self {
        let message: String = message.into();
        let message = match message.char_indices().nth(MAX_MESSAGE) {
            Some((end, _)) => format!("{}…", &message[..end]),
            None => message,
        };
        Self { state: RequestState::Completed, status_code, message: Some(message) }
    }

    /// It is done, well.
    pub(super) fn done() -> Self {
        Self { state: RequestState::Completed, status_code: 200, message: None }
    }

    /// It is done, and the status says all there is to say.
    pub(super) fn bare(status_code: u16) -> Self {
        Self { state: RequestState::Completed, status_code, message: None }
    }

    /// It goes on.
    pub(super) fn pending() -> Self {
        Self { state: RequestState::Pending, status_code: 202, message: None }
    }

    /// What the plugin said, or why it said nothing.
    pub(super) fn of(answer: Result<Option<String>, PluginCallError>) -> Self {
        let failed = |reason: &dyn std::fmt::Display| format!("Handler error: {reason}");
        match answer {
            Ok(Some(answer)) => Self::read(&answer).unwrap_or_else(|reason| Self::completed(500, failed(&reason))),
            Ok(None) => Self::completed(500, failed(&"it gave no answer")),
            Err(PluginCallError::NoHandler(_)) => Self::completed(501, "Handler not implemented".to_owned()),
            Err(error @ PluginCallError::Crashed(_)) => Self::completed(500, failed(&error)),
            Err(error @ PluginCallError::Timeout(_)) => Self::completed(504, failed(&error)),
            Err(error @ (PluginCallError::NotRunning | PluginCallError::Unknown(_) | PluginCallError::Busy)) => {
                Self::completed(503, error.to_string())
            }
        }
    }

    fn read(answer: &str) -> Result<Self, String> {
        Self::of_reply(&serde_json::from_str(answer).map_err(|error| error.to_string())?)
    }

    /// From an object with `state` and, maybe, `statusCode` and `message`: what plugins answer, and what stream clients reply.
    pub(super) fn of_reply(answer: &Value) -> Result<Self, String> {
        let (state, usual, forced) = match answer.get("state").and_then(Value::as_str) {
            Some("COMPLETED") => (RequestState::Completed, 200, None),
            Some("PENDING") => (RequestState::Pending, 202, None),
            Some("FAILED") => (RequestState::Failed, 502, None),
            Some("SUCCESS") => (RequestState::Completed, 200, Some(200)),
            Some("FAILURE") => (RequestState::Completed, 502, Some(502)),
            _ => return Err(r#"its answer needs a "state", which is COMPLETED or PENDING"#.to_owned()),
        };
        let given = match answer.get("statusCode") {
            None | Some(Value::Null) => None,
            Some(code) => match code.as_f64() {
                Some(0.0) => None,
                Some(code) if (200.0..600.0).contains(&code) => Some(code as u16),
                _ => return Err(format!("its statusCode {code} is not an HTTP status from 200 to 599")),
            },
        };
        let status_code = forced.or(given).unwrap_or(usual);
        let message = answer.get("message").and_then(Value::as_str).map(str::to_owned);
        let outcome = Self::completed(status_code, message.clone().unwrap_or_default());
        Ok(Self { state, message: message.and(outcome.message), ..outcome })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RequestState::{Completed, Failed, Pending};

    #[test]
    fn each_answer_has_its_meaning() {
        // ABI-62, ABI-63, ABI-65
        for (answer, state, code, message) in [
            (r#"{"state":"COMPLETED","statusCode":200,"message":"ok"}"#, Completed, 200, Some("ok")),
            (r#"{"state":"COMPLETED"}"#, Completed, 200, None),
            (r#"{"state":"COMPLETED","statusCode":0}"#, Completed, 200, None),
            (r#"{"state":"COMPLETED","statusCode":400.0,"message":"too small"}"#, Completed, 400, Some("too small")),
            (r#"{"state":"PENDING"}"#, Pending, 202, None),
            (r#"{"state":"PENDING","statusCode":203}"#, Pending, 203, None),
            (r#"{"state":"SUCCESS","statusCode":404}"#, Completed, 200, None),
            (r#"{"state":"FAILURE","statusCode":200,"message":"no"}"#, Completed, 502, Some("no")),
            (r#"{"state":"FAILED","message":"no"}"#, Failed, 502, Some("no")),
        ] {
            let expected = Outcome { state, status_code: code, message: message.map(str::to_owned) };
            assert_eq!(Outcome::of(Ok(Some(answer.to_owned()))), expected, "{answer}");
        }
    }

    #[test]
    fn what_is_no_answer_is_an_error_of_the_handler() {
        // ABI-65
        for answer in
            ["", "oops", "7", "null", "{}", r#"{"state":"MAYBE"}"#, r#"{"state":"COMPLETED","statusCode":42}"#]
        {
            let outcome = Outcome::of(Ok(Some(answer.to_owned())));
            assert_eq!((outcome.state, outcome.status_code), (Completed, 500), "{answer}");
            assert!(outcome.message.is_some_and(|message| message.starts_with("Handler error: ")), "{answer}");
        }
        for (error, code, message) in [
            (PluginCallError::NoHandler("x".into()), 501, "Handler not implemented"),
            (PluginCallError::Crashed("trapped".into()), 500, "Handler error: trapped"),
            (PluginCallError::Timeout("too slow".into()), 504, "Handler error: too slow"),
            (PluginCallError::NotRunning, 503, "Plugin not running"),
        ] {
            assert_eq!(Outcome::of(Err(error)), Outcome::completed(code, message.to_owned()));
        }
        assert_eq!(Outcome::of(Ok(None)).status_code, 500);
    }

    #[test]
    fn a_message_without_end_is_cut() {
        let answer = format!(r#"{{"state":"COMPLETED","message":"{}"}}"#, "ä".repeat(100_000));
        let message = Outcome::of(Ok(Some(answer))).message.expect("a message");
        assert_eq!(message.chars().count(), MAX_MESSAGE + 1);
    }
}
