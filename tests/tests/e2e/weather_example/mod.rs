//! The weather example, an AssemblyScript plugin with `as-fetch`: its requests leave the server where the operator allows it, over HTTP and
//! over HTTPS, and nowhere else.

mod service;

use serde_json::{Value as Json, json};
use windlass_tests::{Server, ServerOptions, demo_plugins};

use service::{Authority, Service};

const ID: &str = "_windlass_weather-provider";
const BASE: &str = "/signalk/v2/api/weather";
const PLACE: &str = "lat=54.5&lon=11.25";

/// The example as npm would install it, enabled, and set to the service. `plugins` is the part of the settings of this name.
fn options(service: &Service, plugins: &Json) -> ServerOptions {
    let package = demo_plugins().join("@windlass/weather-provider");
    let mut options = ServerOptions::new();
    for file in ["package.json", "plugin.wasm"] {
        let content = std::fs::read(package.join(file)).expect("`cargo xtask test` has built the plugin");
        options = options.file(format!("node_modules/@windlass/weather-provider/{file}"), content);
    }
    let config = json!({"enabled": true, "configuration": {"baseUrl": service.url()}});
    options
        .json_file(format!("plugin-config-data/{ID}.json"), &config)
        .setting("plugins", plugins.clone())
        .environment("DEBUG", "signalk:wasm:*")
}

/// Settings with which the plugin may reach the service.
fn allowing(service: &Service) -> Json {
    json!({"overrides": {ID: {"capabilities": {"network": {"allow": [service.address()]}}}}})
}

async fn running(options: ServerOptions) -> Server {
    let server = options.start().await;
    server.eventually(&format!("/skServer/plugins/{ID}/status"), |status| status["state"] == "running").await;
    server
}

async fn ask(server: &Server, what: &str) -> Json {
    server.json(&format!("{BASE}/{what}")).await
}

/// What the plugin's requests came to: sent, failed, refused.
async fn counts(server: &Server) -> [u64; 3] {
    let status = server.json(&format!("/skServer/plugins/{ID}/status")).await;
    ["sent", "failed", "refused"].map(|key| {
        let count = status["fetches"][key].as_u64();
        count.unwrap_or_else(|| panic!("fetches.{key} is missing in {status}"))
    })
}

#[tokio::test]
async fn the_weather_is_fetched_from_where_the_operator_allows_it() {
    // ABI-71, ABI-76
    let service = Service::plain();
    let server = running(options(&service, &allowing(&service))).await;
    let providers = json!({ID: {"name": "Weather from Open-Meteo", "isDefault": true}});
    assert_eq!(ask(&server, "_providers").await, providers);
    assert_eq!(
        ask(&server, &format!("observations?{PLACE}")).await,
        json!([{
            "date": "2026-03-01T00:15:00.000Z", "type": "observation", "description": "Light rain",
            "outside": {"temperature": 285.45, "pressure": 101_320, "precipitationType": "rain"},
            "wind": {"speedTrue": 5.14, "directionTrue": std::f64::consts::PI, "gust": 9.5},
        }])
    );
    let points = ask(&server, &format!("forecasts/point?{PLACE}&count=2")).await;
    let temperatures: Vec<_> =
        points.as_array().expect("a list").iter().map(|point| &point["outside"]["temperature"]).collect();
    assert_eq!(temperatures, [&json!(283.15), &json!(282.65)], "{points}");
    let days = ask(&server, &format!("forecasts/daily?{PLACE}&date=2026-03-02")).await;
    assert_eq!((days[0]["outside"]["maxTemperature"].clone(), days[1].clone()), (json!(279.65), Json::Null), "{days}");
    let warnings = ask(&server, &format!("warnings?{PLACE}")).await;
    assert_eq!(
        warnings,
        json!([{
            "startTime": "2026-03-01T01:00:00.000Z", "endTime": "2026-03-01T03:00:00.000Z",
            "details": "Wind up to 19 m/s, gusts up to 31 m/s", "type": "Gale",
            "source": format!("Forecast of {}", service.url()),
        }])
    );

    let requests = service.requests();
    assert_eq!(requests.len(), 5, "one at the start, and one for each question: {requests:?}");
    assert!(requests[1].starts_with("GET /v1/forecast?latitude=54.5&longitude=11.25&"), "{requests:?}");
    assert_eq!(counts(&server).await, [5, 0, 0]);
}

#[tokio::test]
async fn without_the_operators_word_the_service_is_not_reached() {
    // The package itself asks for api.open-meteo.com only; another port of this machine is another service.
    let (service, other) = (Service::plain(), Service::plain());
    for plugins in [json!({}), allowing(&other)] {
        let server = running(options(&service, &plugins)).await;
        assert_eq!(ask(&server, &format!("observations?{PLACE}")).await, json!([]));
        let line = server.logs().wait_for(&[ID, "no answer from", &service.url()]).await;
        assert!(line.contains("127.0.0.1") && line.contains("allow"), "{line}");
        assert_eq!(counts(&server).await, [0, 0, 2]);
    }
    assert_eq!((service.requests(), other.requests()), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_the_settings_name_it() {
    let authority = Authority::new();
    let service = Service::secure(&authority, "127.0.0.1");
    let mut plugins = allowing(&service);

    let server = running(options(&service, &plugins)).await;
    assert_eq!(ask(&server, &format!("observations?{PLACE}")).await, json!([]));
    let line = server.logs().wait_for(&[ID, "certificate is not trusted"]).await;
    assert!(line.contains("plugins.certificateAuthorities"), "{line}");
    assert_eq!((counts(&server).await, service.requests()), ([2, 2, 0], Vec::new()));
    drop(server);

    plugins["certificateAuthorities"] = "own/ca.pem".into();
    let server = running(options(&service, &plugins).file("own/ca.pem", authority.pem.as_str())).await;
    let observations = ask(&server, &format!("observations?{PLACE}")).await;
    assert_eq!(observations[0]["outside"]["temperature"], 285.45, "{observations}");
    assert_eq!((counts(&server).await, service.requests().len()), ([2, 0, 0], 2));
    drop(server);

    // Its word is good for the names in the certificate only.
    let elsewhere = Service::secure(&authority, "weather.example");
    plugins["overrides"] = allowing(&elsewhere)["overrides"].clone();
    let server = running(options(&elsewhere, &plugins).file("own/ca.pem", authority.pem.as_str())).await;
    assert_eq!(ask(&server, &format!("observations?{PLACE}")).await, json!([]));
    server.logs().wait_for(&[ID, "certificate is not trusted", "weather.example"]).await;
    assert_eq!(elsewhere.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn a_file_of_authorities_that_can_not_be_used_is_an_error_and_adds_none() {
    let authority = Authority::new();
    let service = Service::secure(&authority, "127.0.0.1");
    let mut plugins = allowing(&service);
    plugins["certificateAuthorities"] = "ca.pem".into();
    for (content, reason) in [(None, "can't be read"), (Some("no certificate"), "has no certificate")] {
        let mut options = options(&service, &plugins);
        if let Some(content) = content {
            options = options.file("ca.pem", content);
        }
        let server = running(options).await;
        server.logs().wait_for(&["ERROR", "plugins.certificateAuthorities", "ca.pem", reason]).await;
        assert_eq!(ask(&server, &format!("observations?{PLACE}")).await, json!([]));
    }
    assert_eq!(service.requests(), Vec::<String>::new());
}
