//! What the server makes of a text (server-admin-api §7): one can try sentences and deltas before a device sends them.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Value, json};
use windlass_actors::nmea0183::{Decoded, Decoder, Options};
use windlass_actors::put::{DeleteRequest, PutRequest, RequestStatus};
use windlass_broker::{Context, Delta, DeltaVersion, Intake, Origin, Provider, Publish, RawJson, publish_and_settle};
use windlass_security::Level;

use super::answers::{blocking, failure};
use super::auth::Visitor;
use super::{AppState, plugins, put};

/// In whose name what is tried is sent on, if it is to be.
const PROVIDER: &str = "inputTest";
/// Most lines or deltas that are tried at once.
const MAX_ENTRIES: usize = 1000;
/// Most requests that are sent at once.
const MAX_REQUESTS: usize = 20;
/// The own ship in requests.
const OWN: &str = "vessels.self";
/// Largest body: readers may try things too.
const MAX_BODY: usize = 1024 * 1024;

/// Registers the route.
pub fn routes(config: &mut ServiceConfig) {
    config.service(
        web::resource("/skServer/inputTest")
            .app_data(web::JsonConfig::default().limit(MAX_BODY).error_handler(plugins::bad_json))
            .route(web::post().to(test)),
    );
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    value: String,
    #[serde(default)]
    send_to_server: bool,
    #[serde(default, rename = "sendToN2K")]
    send_to_n2k: bool,
}

async fn test(request: HttpRequest, state: web::Data<AppState>, body: web::Json<Body>) -> HttpResponse {
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
    let Body { value, send_to_server, .. } = body.into_inner();
    let decoding = blocking(move || {
        let input = decode(&value, &intake)?;
        let shown: Vec<Value> = input.deltas.iter().map(as_json).collect();
        Ok::<_, String>((input, shown))
    });
    let (Input { deltas, requests }, shown) = match decoding.await {
        Ok(Ok(decoded)) => decoded,
        Ok(Err(error)) => return refused(&error),
        Err(error) => return failure(&error),
    };
    let mut results = Vec::new();
    if send_to_server {
        let tried = Publish { provider: provider.id, origin: Origin::NONE, deltas };
        if !tried.deltas.is_empty() && publish_and_settle(&state.broker, tried).await.is_err() {
            return refused("the server is shutting down");
        }
        for wanted in requests {
            results.push(wanted.send(&state, &request).await);
        }
    }
    HttpResponse::Ok().json(json!({"deltas": shown, "putResults": results, "n2kOutAvailable": false}))
}

/// What a text was found to be.
#[derive(Debug, Default)]
struct Input {
    deltas: Vec<Delta>,
    requests: Vec<Wanted>,
}

/// A PUT or DELETE as a client of the stream would send it (signalk-v1 §6.3, §6.4).
#[derive(Debug)]
struct Wanted {
    context: String,
    path: String,
    /// `None` for a DELETE.
    put: Option<(RawJson, Option<String>)>,
}

impl Wanted {
    fn read(context: Option<&Value>, entry: &Value, is_put: bool) -> Result<Self, String> {
        let context = match context {
            None | Some(Value::Null) => OWN.to_owned(),
            Some(Value::String(context)) => context.clone(),
            Some(_) => return Err("the context of a request is a text".to_owned()),
        };
        let path = entry["path"].as_str().filter(|path| !path.is_empty()).ok_or("a request needs a path")?.to_owned();
        if !is_put {
            return Ok(Self { context, path, put: None });
        }
        let value = entry.get("value").ok_or("a put needs a value")?;
        let source = entry.get("source").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { context, path, put: Some((RawJson::of(value), source)) })
    }

    async fn send(self, state: &AppState, request: &HttpRequest) -> RequestStatus {
        let Self { context, path, put: wanted } = self;
        let from = put::from(request);
        match wanted {
            Some((value, source)) => state.puts.put(PutRequest { from, context, path, value, source }).await,
            None => state.puts.delete(DeleteRequest { from, context, path }),
        }
    }
}

/// Guesses what a text is, and reads it.
fn decode(text: &str, intake: &Intake) -> Result<Input, String> {
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
    Ok(Input { deltas, ..Input::default() })
}

fn read_json(text: &str, intake: &Intake) -> Result<Input, String> {
    let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let entries = match json {
        Value::Array(entries) if entries.len() <= MAX_ENTRIES => entries,
        Value::Array(_) => return Err(format!("at most {MAX_ENTRIES} deltas are expected")),
        one => vec![one],
    };
    let mut input = Input::default();
    for entry in entries {
        if entry.get("updates").is_some() {
            input.deltas.extend(take(&entry, intake)?);
        } else if let Some((is_put, wanted)) = requests_of(&entry) {
            for one in wanted {
                input.requests.push(Wanted::read(entry.get("context"), one, is_put)?);
            }
            if input.requests.len() > MAX_REQUESTS {
                return Err(format!("at most {MAX_REQUESTS} requests are expected"));
            }
        } else if entry.get("pgn").is_some() {
            return Err("NMEA 2000 messages can't be decoded".to_owned());
        } else {
            return Err("unknown JSON format".to_owned());
        }
    }
    Ok(input)
}

/// The requests in a message, and whether they are to PUT something.
fn requests_of(entry: &Value) -> Option<(bool, &[Value])> {
    let of =
        |key: &str| entry.get(key).map(|wanted| wanted.as_array().map_or(std::slice::from_ref(wanted), Vec::as_slice));
    of("put").map(|wanted| (true, wanted)).or_else(|| of("delete").map(|wanted| (false, wanted)))
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

    fn read(text: &str) -> Result<Input, String> {
        let own = Context::new("vessels.urn:mrn:imo:mmsi:230099999").expect("a context");
        let intake = Intake {
            self_context: own,
            provider: Provider::new(PROVIDER).expect("a name"),
            override_timestamps: false,
        };
        decode(text, &intake)
    }

    fn decoded(text: &str) -> Result<Vec<Value>, String> {
        read(text).map(|input| input.deltas.iter().map(as_json).collect())
    }

    #[test]
    fn requests_are_recognised() {
        let put = r#"[{"requestId":"1","put":{"path":"a.b","value":{"x":1},"source":"p"}},
            {"context":"vessels.self","delete":{"path":"a.b.meta"}},{"put":[{"path":"c","value":null}]}]"#;
        let requests = read(put).expect("requests").requests;
        let texts: Vec<_> = requests
            .iter()
            .map(|wanted| (wanted.path.as_str(), wanted.put.as_ref().map(|put| put.0.as_str())))
            .collect();
        assert_eq!(texts, [("a.b", Some(r#"{"x":1}"#)), ("a.b.meta", None), ("c", Some("null"))]);
        assert!(requests.iter().all(|wanted| wanted.context == OWN));
        let many = format!(r#"{{"delete":[{}]}}"#, vec![r#"{"path":"a"}"#; 21].join(","));
        for (text, words) in [
            (r#"{"put":{"value":1}}"#, "needs a path"),
            (r#"{"put":{"path":"a"}}"#, "needs a value"),
            (r#"{"delete":{}}"#, "needs a path"),
            (r#"{"context":7,"delete":{"path":"a"}}"#, "is a text"),
            (many.as_str(), "at most 20"),
        ] {
            let error = read(text).expect_err("refused");
            assert!(error.contains(words), "{text}: {error}");
        }
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
