//! What the server makes of a text (server-admin-api §7): one can try sentences and deltas before a device sends them.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Value, json};
use windlass_actors::nmea0183::{Decoded, Decoder, Options};
use windlass_broker::{Context, Delta, DeltaVersion, Intake, Origin, Provider, Publish};
use windlass_security::Level;

use super::AppState;
use super::auth::Visitor;

/// In whose name what is tried is sent on, if it is to be.
const PROVIDER: &str = "inputTest";
/// Most lines or deltas that are tried at once.
const MAX_ENTRIES: usize = 1000;

/// Registers the route.
pub fn routes(config: &mut ServiceConfig) {
    config.service(web::resource("/skServer/inputTest").route(web::post().to(test)));
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    value: String,
    #[serde(default)]
    send_to_server: bool,
    #[serde(default, rename = "sendToN2K")]
    send_to_n2k: bool,
}

async fn test(request: HttpRequest, state: web::Data<AppState>, body: web::Json<Input>) -> HttpResponse {
    let sends = body.send_to_server || body.send_to_n2k;
    let refused = |error: &str| HttpResponse::BadRequest().json(json!({"error": error}));
    if sends && Visitor::of(&request).level() != Some(Level::Admin) {
        return refused("permission denied");
    }
    if body.send_to_n2k {
        return refused("there is no NMEA 2000 output");
    }
    let Ok(provider) = Provider::new(PROVIDER) else { return refused("too many names are in use") };
    let own = state.view.identity().context().clone();
    let intake = Intake { self_context: own.clone(), provider: provider.clone(), override_timestamps: false };
    let deltas = match decode(&body.value, &intake) {
        Ok(deltas) => deltas,
        Err(error) => return refused(&error),
    };
    let shown: Vec<Value> = deltas.iter().map(as_json).collect();
    if body.send_to_server
        && state.broker.send(Publish { provider: provider.id, origin: Origin::NONE, deltas }).await.is_err()
    {
        return refused("the server is shutting down");
    }
    HttpResponse::Ok().json(json!({"deltas": shown, "n2kOutAvailable": false}))
}

/// Guesses what a text is, and reads it.
fn decode(text: &str, intake: &Intake) -> Result<Vec<Delta>, String> {
    let text = text.trim();
    if text.starts_with(['{', '[']) {
        return read_json(text, intake);
    }
    let mut decoder = Decoder::new(Options::default());
    let mut deltas = Vec::new();
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() || lines.len() > MAX_ENTRIES {
        return Err(format!("1 to {MAX_ENTRIES} lines are expected"));
    }
    for line in lines {
        // A tag block stands before the sentence.
        if !line.starts_with(['$', '!', '\\']) {
            return Err(format!("neither a sentence nor JSON: {}", line.chars().take(60).collect::<String>()));
        }
        let decoded = decoder.decode(line.as_bytes(), jiff::Timestamp::now()).map_err(|error| error.to_string())?;
        if let Some(decoded) = decoded {
            deltas.extend(take(&sentence_delta(&decoded, &intake.self_context), intake)?);
        }
    }
    Ok(deltas)
}

fn read_json(text: &str, intake: &Intake) -> Result<Vec<Delta>, String> {
    let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let entries = match json {
        Value::Array(entries) if entries.len() <= MAX_ENTRIES => entries,
        Value::Array(_) => return Err(format!("at most {MAX_ENTRIES} deltas are expected")),
        one => vec![one],
    };
    let mut deltas = Vec::new();
    for entry in entries {
        if entry.get("updates").is_some() {
            deltas.extend(take(&entry, intake)?);
        } else if entry.get("pgn").is_some() {
            return Err("NMEA 2000 messages can't be decoded".to_owned());
        } else {
            return Err("unknown JSON format".to_owned());
        }
    }
    Ok(deltas)
}

fn take(delta: &Value, intake: &Intake) -> Result<Option<Delta>, String> {
    let taken = intake.take(&delta.to_string(), DeltaVersion::V1);
    match taken.problems.first() {
        Some(problem) => Err(problem.to_string()),
        None => Ok(taken.delta),
    }
}

/// What a sentence says, as a connection would publish it.
fn sentence_delta(decoded: &Decoded, own: &Context) -> Value {
    let source = json!({"label": PROVIDER, "type": "NMEA0183", "talker": decoded.talker.as_str(), "sentence": decoded.sentence.as_str()});
    let values: Vec<_> = decoded
        .values
        .iter()
        .map(|(path, value)| json!({"path": path.as_str(), "value": serde_json::from_str::<Value>(&value.to_json()).ok()}))
        .collect();
    let mut update = json!({"source": source, "values": values});
    if let Some(timestamp) = decoded.timestamp {
        update["timestamp"] = timestamp.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string().into();
    }
    json!({"context": decoded.context.as_deref().unwrap_or(own.as_str()), "updates": [update]})
}

fn as_json(delta: &Delta) -> Value {
    serde_json::from_str(&delta.render()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Result<Vec<Value>, String> {
        let own = Context::new("vessels.urn:mrn:imo:mmsi:230099999").expect("a context");
        let intake = Intake {
            self_context: own,
            provider: Provider::new(PROVIDER).expect("a name"),
            override_timestamps: false,
        };
        decode(text, &intake).map(|deltas| deltas.iter().map(as_json).collect())
    }

    #[test]
    fn sentences_and_deltas_are_recognised() {
        let deltas = decoded("$SDDBT,7.8,f,2.4,M,1.3,F*0D\r\n\r\n").expect("a sentence");
        assert_eq!(deltas[0]["updates"][0]["$source"], "inputTest.SD");
        assert_eq!(
            deltas[0]["updates"][0]["values"],
            json!([{"path": "environment.depth.belowTransducer", "value": 2.4}])
        );
        let deltas = decoded(r#"[{"updates":[{"values":[{"path":"a.b","value":1}]}]}]"#).expect("a delta");
        assert_eq!(deltas[0]["context"], "vessels.urn:mrn:imo:mmsi:230099999");
        for (text, words) in [
            (r#"{"pgn":129026}"#, "NMEA 2000"),
            (r#"{"x":1}"#, "unknown JSON format"),
            (r#"{"updates":7}"#, "not a delta"),
            ("{", "EOF"),
            ("", "lines are expected"),
            ("hello", "neither"),
            ("$SDDBT,7.8,f,2.4,M,1.3,F*00", "checksum"),
        ] {
            let error = decoded(text).expect_err("refused");
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
