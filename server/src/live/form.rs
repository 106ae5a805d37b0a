//! The settings as pages send and get them (server-admin-api §3), and what they are in settings.json.

use std::ops::RangeInclusive;
use std::path::Path;

use serde_json::{Map, Value, json};
use windlass_actors::staleness::StalenessSettings;

use crate::administration::{DefaultSettings, logging_directory};
use crate::settings::BadSetting;

/// The interfaces that are there, and whether settings.json can switch them off.
pub(super) const INTERFACES: [(&str, bool); 11] = [
    ("applicationData", false),
    ("appstore", false),
    ("logfiles", false),
    ("nmea-tcp", true),
    ("plugins", false),
    ("providers", false),
    ("rest", false),
    ("tcp", true),
    ("wasm", true),
    ("webapps", false),
    ("ws", false),
];
/// Options that are a key of settings.json with the same name, and what they are when it is absent.
const OPTIONS: [(&str, bool); 7] = [
    ("mdns", true),
    ("wsCompression", false),
    ("accessLogging", true),
    ("enablePluginLogging", true),
    ("trustProxy", false),
    ("useBLEManager", false),
    ("ssl", false),
];
/// Switches within an object of settings.json, and what they are when it is absent.
const SWITCHES: [(&str, &str, bool); 2] =
    [("courseApi", "apiOnly", false), ("notifications", "manageNotifications", true)];
/// Keys of `staleness`, which stand in settings.json itself; their types are those of the defaults.
const STALENESS: [&str; 6] = [
    "enforceDataTimeouts",
    "useDefaultTimeouts",
    "defaultTimeout",
    "staleCheckIntervalMs",
    "autoTimeoutSamples",
    "autoTimeoutWarmupSeconds",
];

/// The settings as pages know them.
pub fn shown(settings: &Map<String, Value>, directory: &Path, defaults: DefaultSettings) -> Value {
    let flag = |key: &str, default: bool| settings.get(key).and_then(Value::as_bool).unwrap_or(default);
    let count =
        |key: &str, default: u64| settings.get(key).and_then(number).map_or(json!(default), |n| json!(n as u64));
    let minutes = settings.get("pruneContextsMinutes").and_then(number).unwrap_or(defaults.prune_contexts_minutes);
    let minutes = if minutes.fract() == 0.0 { json!(minutes as u64) } else { json!(minutes) };
    let interface = |name: &str| settings.get("interfaces").and_then(|all| all.get(name)).and_then(Value::as_bool);
    let interfaces = INTERFACES
        .iter()
        .map(|(name, optional)| ((*name).to_owned(), json!(!optional || interface(name).unwrap_or(true))))
        .collect::<Map<_, _>>();
    let mut options: Map<_, _> =
        OPTIONS.iter().map(|(key, default)| ((*key).to_owned(), json!(flag(key, *default)))).collect();
    let ping = match settings.get("wsPingInterval") {
        Some(Value::Bool(false)) => json!(false),
        _ => count("wsPingInterval", defaults.ws_ping_interval),
    };
    options.insert("wsPingInterval".into(), ping);
    let staleness = json!(StalenessSettings::default());
    let staleness = STALENESS.map(|key| (key.to_owned(), settings.get(key).unwrap_or(&staleness[key]).clone()));
    let mut shown = json!({
        "interfaces": interfaces,
        "options": options,
        "loggingDirectory": logging_directory(directory, settings),
        "pruneContextsMinutes": minutes,
        "keepMostRecentLogsOnly": flag("keepMostRecentLogsOnly", true),
        "logCountToKeep": count("logCountToKeep", 24),
        "runFromSystemd": false,
        "staleness": Map::from_iter(staleness),
        "port": count("port", u64::from(defaults.port)),
        "sslport": count("sslport", u64::from(defaults.ssl_port)),
    });
    for (object, key, default) in SWITCHES {
        let set = settings.get(object).and_then(|object| object.get(key)).and_then(Value::as_bool);
        shown[object] = json!({key: set.unwrap_or(default)});
    }
    shown
}

/// TLS needs a port of its own, and so does each TCP output, of which `outputs` has the interface, the variable and the port.
///
/// # Errors
/// Two of them would get the same; only if `body`, which has made `settings` of `before`, has to do with it.
pub fn check_ports(
    before: &Map<String, Value>,
    settings: &Map<String, Value>,
    body: &Value,
    defaults: DefaultSettings,
    outputs: &[(&str, &str, u16)],
) -> Result<(), BadSetting> {
    let port = |of: &Map<String, Value>, key: &str, default: u16| {
        of.get(key).and_then(number).unwrap_or_else(|| f64::from(default))
    };
    let named = ["port", "sslport"].iter().any(|key| body.get(key).is_some()) || body["options"]["ssl"] == true;
    let (plain, tls) = (port(settings, "port", defaults.port), port(settings, "sslport", defaults.ssl_port));
    let has_tls = |of: &Map<String, Value>| of.get("ssl") == Some(&Value::Bool(true));
    // 0 is any free one.
    if has_tls(settings) && named && plain == tls && tls != 0.0 {
        return Err(invalid("settings", "/sslport", "TLS needs another port than `port`"));
    }
    let is_new = has_tls(settings) && !has_tls(before);
    for (key, chosen, default, begins) in
        [("port", plain, defaults.port, false), ("sslport", tls, defaults.ssl_port, is_new)]
    {
        if chosen == port(before, key, default) && !begins {
            continue;
        }
        // Also of an output that is off: it would not find its port when it is switched on.
        if let Some((interface, variable, _)) = outputs.iter().find(|(.., of)| *of != 0 && f64::from(*of) == chosen) {
            let why = format!(
                "{chosen} is the port of the TCP output interfaces.{interface}; nothing is saved. Choose another port, or give the output \
                 another one with the environment variable {variable}"
            );
            return Err(invalid("settings", &format!("/{key}"), &why));
        }
    }
    Ok(())
}

/// Takes over what a body names. What is not known is left alone.
///
/// # Errors
/// Something in it can't be; nothing is to be saved then.
pub fn apply(settings: &mut Map<String, Value>, body: &Value) -> Result<(), BadSetting> {
    let options = object(body.get("options").unwrap_or(&Value::Null), "/options")?;
    for (key, _) in OPTIONS {
        if let Some(value) = options.get(key) {
            settings.insert(key.into(), boolean(value, &format!("/options/{key}"))?.into());
        }
    }
    match options.get("wsPingInterval") {
        None => {}
        Some(Value::Bool(false)) => drop(settings.insert("wsPingInterval".into(), false.into())),
        Some(Value::String(text)) if text == "false" => drop(settings.insert("wsPingInterval".into(), false.into())),
        Some(value) if number(value) == Some(0.0) => drop(settings.insert("wsPingInterval".into(), 0.into())),
        // Whoever is pinged more often is lost as soon as the network is slow, and the server is busy with it.
        Some(value) => {
            let pointer = "/options/wsPingInterval";
            set_count(settings, "wsPingInterval", value, pointer, 1000..=86_400_000)
                .map_err(|BadSetting(why)| BadSetting(format!("{why}, or false for never")))?;
        }
    }
    if let Some(interfaces) = body.get("interfaces") {
        for (name, value) in object(interfaces, "/interfaces")? {
            let on = boolean(value, &format!("/interfaces/{name}"))?;
            member(settings, "interfaces")?.insert(name.clone(), on.into());
        }
    }
    for (object_name, key, _) in SWITCHES {
        let pointer = format!("/{object_name}");
        let Some(given) = body.get(object_name) else { continue };
        if let Some(value) = object(given, &pointer)?.get(key) {
            let on = boolean(value, &format!("{pointer}/{key}"))?;
            member(settings, object_name)?.insert(key.into(), on.into());
        }
    }
    // Port 0 would be another one after each start.
    for (key, least, most) in [("port", 1, 65_535), ("sslport", 1, 65_535), ("logCountToKeep", 0, 1_000_000)] {
        if let Some(value) = body.get(key) {
            set_count(settings, key, value, &format!("/{key}"), least..=most)?;
        }
    }
    if let Some(value) = body.get("pruneContextsMinutes") {
        let minutes = number(value).filter(|minutes| (0.0..=10_000_000.0).contains(minutes));
        let expected = "a number from 0 to 10000000 is expected";
        let minutes = minutes.ok_or_else(|| invalid("settings", "/pruneContextsMinutes", expected))?;
        let whole = minutes.fract() == 0.0;
        settings.insert("pruneContextsMinutes".into(), if whole { json!(minutes as u64) } else { json!(minutes) });
    }
    if let Some(value) = body.get("keepMostRecentLogsOnly") {
        settings.insert("keepMostRecentLogsOnly".into(), boolean(value, "/keepMostRecentLogsOnly")?.into());
    }
    match body.get("loggingDirectory") {
        None => {}
        Some(Value::String(directory)) => {
            settings.insert("loggingDirectory".into(), directory.as_str().into());
        }
        Some(_) => return Err(invalid("settings", "/loggingDirectory", "a text is expected")),
    }
    if let Some(staleness) = body.get("staleness") {
        apply_staleness(settings, staleness)?;
    }
    Ok(())
}

fn apply_staleness(settings: &mut Map<String, Value>, given: &Value) -> Result<(), BadSetting> {
    let given = given.as_object().ok_or_else(|| invalid("staleness", "/", "an object is expected"))?;
    let defaults = json!(StalenessSettings::default());
    let mut changed = Map::new();
    for key in STALENESS {
        let Some(value) = given.get(key) else { continue };
        let pointer = format!("/{key}");
        let value = match &defaults[key] {
            Value::Bool(_) => value.as_bool().map(Value::from).ok_or("true or false is expected"),
            Value::Number(whole) if whole.is_u64() => number(value)
                .filter(|n| n.fract() == 0.0 && *n >= 0.0)
                .map(|n| json!(n as u64))
                .ok_or("a whole number is expected"),
            _ => number(value).map(Value::from).ok_or("a number is expected"),
        };
        changed.insert(key.into(), value.map_err(|why| invalid("staleness", &pointer, why))?);
    }
    // The ranges are those that the server checks at its start.
    let checked: StalenessSettings = serde_json::from_value(changed.clone().into())
        .map_err(|error| invalid("staleness", "/", &error.to_string()))?;
    if let Some((key, allowed)) = checked.problem() {
        return Err(invalid("staleness", &format!("/{key}"), &format!("must be {allowed}")));
    }
    settings.extend(changed);
    Ok(())
}

/// The words of a refusal.
pub(super) fn invalid(what: &str, pointer: &str, why: &str) -> BadSetting {
    BadSetting(format!("Invalid {what} payload at {pointer}: {why}"))
}

fn object<'a>(value: &'a Value, pointer: &str) -> Result<&'a Map<String, Value>, BadSetting> {
    value.as_object().ok_or_else(|| invalid("settings", pointer, "an object is expected"))
}

fn boolean(value: &Value, pointer: &str) -> Result<bool, BadSetting> {
    value.as_bool().ok_or_else(|| invalid("settings", pointer, "true or false is expected"))
}

/// A number, also one that is a text, as form fields are.
pub(super) fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|number: &f64| number.is_finite())
}

fn set_count(
    settings: &mut Map<String, Value>,
    key: &str,
    value: &Value,
    pointer: &str,
    range: RangeInclusive<u32>,
) -> Result<(), BadSetting> {
    let (least, most) = (*range.start(), *range.end());
    let whole = number(value).filter(|n| n.fract() == 0.0 && (f64::from(least)..=f64::from(most)).contains(n));
    let expected = || invalid("settings", pointer, &format!("a whole number from {least} to {most} is expected"));
    let whole = whole.ok_or_else(expected)?;
    settings.insert(key.into(), json!(whole as u64));
    Ok(())
}

/// The object with this name in settings.json, made if it is absent.
fn member<'a>(settings: &'a mut Map<String, Value>, name: &str) -> Result<&'a mut Map<String, Value>, BadSetting> {
    let slot = settings.entry(name).or_insert_with(|| Map::new().into());
    slot.as_object_mut().ok_or_else(|| BadSetting(format!("settings.json: {name} is no object; correct the file")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: DefaultSettings =
        DefaultSettings { port: 3000, ssl_port: 3443, ws_ping_interval: 30_000, prune_contexts_minutes: 60.0 };

    fn map(json: Value) -> Map<String, Value> {
        json.as_object().cloned().expect("an object")
    }

    #[test]
    fn the_defaults_are_shown() {
        let shown = shown(&Map::new(), Path::new("/boat"), DEFAULTS);
        assert_eq!((&shown["port"], &shown["loggingDirectory"]), (&json!(3000), &json!("/boat")));
        assert_eq!(shown["options"]["wsPingInterval"], 30_000);
        assert_eq!(shown["staleness"], json!(StalenessSettings::default()));
        assert_eq!(
            (&shown["courseApi"], &shown["notifications"]),
            (&json!({"apiOnly": false}), &json!({"manageNotifications": true}))
        );
        assert!(shown["interfaces"].as_object().is_some_and(|all| all.values().all(|on| on == true)));
    }

    #[test]
    fn what_is_saved_is_shown_again_and_the_rest_stays() {
        // SK-201, SK-226
        let mut settings =
            map(json!({"unknown": [1], "interfaces": {"other": false}, "pipedProviders": [], "port": "1"}));
        let body = json!({"options": {"mdns": false, "wsPingInterval": "false"}, "interfaces": {"tcp": false},
            "port": "3456", "loggingDirectory": "/logs", "logCountToKeep": 3, "courseApi": {"apiOnly": true},
            "staleness": {"enforceDataTimeouts": true, "defaultTimeout": "90"}, "strange": 7});
        apply(&mut settings, &body).expect("applied");
        assert_eq!(
            Value::from(settings.clone()),
            json!({"unknown": [1], "interfaces": {"other": false, "tcp": false}, "pipedProviders": [], "port": 3456,
                "mdns": false, "wsPingInterval": false, "courseApi": {"apiOnly": true}, "logCountToKeep": 3,
                "loggingDirectory": "/logs", "enforceDataTimeouts": true, "defaultTimeout": 90.0})
        );
        let shown = shown(&settings, Path::new("/boat"), DEFAULTS);
        assert_eq!((&shown["interfaces"]["tcp"], &shown["interfaces"]["ws"]), (&json!(false), &json!(true)));
        assert_eq!((&shown["options"]["mdns"], &shown["options"]["wsPingInterval"]), (&json!(false), &json!(false)));
        assert_eq!(
            (&shown["staleness"]["defaultTimeout"], &shown["loggingDirectory"]),
            (&json!(90.0), &json!("/logs"))
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for (body, words) in [
            (json!({}), "Invalid settings payload at /options: "),
            (json!([]), "Invalid settings payload at /options: "),
            (json!({"options": {"mdns": "yes"}}), "Invalid settings payload at /options/mdns: "),
            (json!({"options": {"wsPingInterval": "soon"}}), "Invalid settings payload at /options/wsPingInterval: "),
            (
                json!({"options": {"wsPingInterval": 999}}),
                "Invalid settings payload at /options/wsPingInterval: a whole number from 1000 ",
            ),
            (json!({"options": {"wsPingInterval": -1}}), "Invalid settings payload at /options/wsPingInterval: "),
            (json!({"options": {}, "port": 65_536}), "Invalid settings payload at /port: "),
            (json!({"options": {}, "interfaces": {"ws": 1}}), "Invalid settings payload at /interfaces/ws: "),
            (json!({"options": {}, "notifications": true}), "Invalid settings payload at /notifications: "),
            (json!({"options": {}, "loggingDirectory": 7}), "Invalid settings payload at /loggingDirectory: "),
            (json!({"options": {}, "staleness": []}), "Invalid staleness payload at /: "),
            (
                json!({"options": {}, "staleness": {"defaultTimeout": 86_401}}),
                "Invalid staleness payload at /defaultTimeout: ",
            ),
            (
                json!({"options": {}, "staleness": {"staleCheckIntervalMs": 99}}),
                "Invalid staleness payload at /staleCheckIntervalMs: ",
            ),
            (
                json!({"options": {}, "staleness": {"autoTimeoutSamples": 2.5}}),
                "Invalid staleness payload at /autoTimeoutSamples: ",
            ),
            (
                json!({"options": {}, "staleness": {"useDefaultTimeouts": 1}}),
                "Invalid staleness payload at /useDefaultTimeouts: ",
            ),
        ] {
            let BadSetting(refused) = apply(&mut Map::new(), &body).expect_err("refused");
            assert!(refused.starts_with(words), "{body}: {refused}");
        }
    }

    #[test]
    fn pings_are_rare_or_never() {
        for (given, saved) in [(json!(0), json!(0)), (json!("0"), json!(0)), (json!(1000), json!(1000))] {
            let mut settings = Map::new();
            apply(&mut settings, &json!({"options": {"wsPingInterval": given}})).expect("applied");
            assert_eq!(settings["wsPingInterval"], saved);
        }
    }

    #[test]
    fn each_port_is_for_one() {
        let outputs = [("nmea-tcp", "NMEA0183PORT", 10110), ("tcp", "TCPSTREAMPORT", 8375), ("any", "ANY", 0)];
        let refusal = |before: Value, body: Value| {
            let before = map(before);
            let mut settings = before.clone();
            apply(&mut settings, &body).expect("applied");
            check_ports(&before, &settings, &body, DEFAULTS, &outputs).err().map(|BadSetting(why)| why)
        };
        let off = json!({"interfaces": {"tcp": false, "nmea-tcp": false}});
        for (before, body, words) in [
            (json!({}), json!({"options": {}, "port": 8375}), ["/port: ", "interfaces.tcp", "TCPSTREAMPORT"]),
            (off, json!({"options": {}, "port": "10110"}), ["/port: ", "interfaces.nmea-tcp", "NMEA0183PORT"]),
            // Saved for later is too late as well.
            (json!({}), json!({"options": {}, "sslport": 8375}), ["/sslport: ", "interfaces.tcp", "TCPSTREAMPORT"]),
            (
                json!({"sslport": 8375}),
                json!({"options": {"ssl": true}}),
                ["/sslport: ", "interfaces.tcp", "Choose another port"],
            ),
            (json!({}), json!({"options": {"ssl": true}, "sslport": 3000}), ["/sslport: ", "another port", "`port`"]),
        ] {
            let why = refusal(before, body.clone()).unwrap_or_default();
            assert!(words.iter().all(|word| why.contains(word)), "{body}: {why}");
        }
        for (before, body) in [
            (json!({}), json!({"options": {}, "port": 8376, "sslport": 8377})),
            // It was so before: what has nothing to do with it can be changed.
            (json!({"port": 8375}), json!({"options": {"mdns": false}, "port": 8375})),
            (json!({"ssl": true, "sslport": 8375}), json!({"options": {"ssl": true}})),
            (json!({}), json!({"options": {"ssl": true}})),
        ] {
            assert_eq!(refusal(before, body.clone()), None, "{body}");
        }
    }
}
