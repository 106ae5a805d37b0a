//! A plugin with every part that `export_plugin!` knows, each as short as can be.
//!
//! `cargo build --release --target wasm32-wasip1 --example all_parts` makes a module of it.

use serde_json::{Map, Value, json};
use windlass_plugin::net::{Connection, TcpSocket, UdpSocket};
use windlass_plugin::provider::{
    Forecast, ProviderError, RadarProvider, ResourceProvider, WeatherOptions, WeatherProvider,
};
use windlass_plugin::{
    DeltaBuilder, Plugin, Position, PutResult, RawDelta, Request, Response, StartError, data, export_plugin, host,
    stream,
};

struct AllParts {
    notes: Map<String, Value>,
    range: Value,
    bilge_alarm: UdpSocket,
    instruments: TcpSocket,
    deltas: u64,
}

impl Plugin for AllParts {
    const ID: &'static str = "all-parts";
    const NAME: &'static str = "All parts";
    type Config = Value;

    fn start(_: Value) -> Result<Self, StartError> {
        Ok(Self {
            notes: Map::new(),
            range: json!(1852),
            bilge_alarm: UdpSocket::bind(2000)?,
            instruments: TcpSocket::connect("127.0.0.1", 10110)?,
            deltas: 0,
        })
    }

    /// Sockets receive in the background; once a second is the time to look at them.
    fn poll(&mut self) -> i32 {
        let mut buffer = [0; 1500];
        while let Ok(Some(datagram)) = self.bilge_alarm.receive(&mut buffer) {
            host::debug(format!("{} bytes from {}", datagram.data.len(), datagram.address));
        }
        if self.instruments.connection() == Connection::Open {
            while let Ok(Some(line)) = self.instruments.receive_line(&mut buffer) {
                host::debug(String::from_utf8_lossy(line));
            }
        }
        if let Err(error) = stream::emit_spokes("pixie", &[0; 64]) {
            host::set_error(error.to_string());
        }
        0
    }

    fn delta(&mut self, _: RawDelta<'_>) {
        self.deltas += 1;
    }
}

impl AllParts {
    fn http_count(&mut self, _: &Request) -> Response {
        let name = data::self_path::<String>("name").ok().flatten();
        Response::json(json!({ "vessel": name, "deltas": self.deltas }))
    }

    fn put_lights(&mut self, on: bool) -> PutResult {
        DeltaBuilder::new().value("electrical.switches.lights.state", on).emit();
        PutResult::completed()
    }
}

impl ResourceProvider for AllParts {
    fn list(&mut self, _kind: &str, _query: &Map<String, Value>) -> Result<Map<String, Value>, ProviderError> {
        Ok(self.notes.clone())
    }

    fn get(&mut self, _kind: &str, id: &str, _property: Option<&str>) -> Result<Option<Value>, ProviderError> {
        Ok(self.notes.get(id).cloned())
    }

    fn set(&mut self, _kind: &str, id: &str, value: Value) -> Result<(), ProviderError> {
        self.notes.insert(id.to_owned(), value);
        Ok(())
    }
}

impl WeatherProvider for AllParts {
    fn observations(&mut self, _: Position, _: &WeatherOptions) -> Result<Vec<Value>, ProviderError> {
        Ok(vec![
            json!({ "type": "observation", "date": "2024-05-01T10:00:00.000Z", "outside": { "temperature": 288.15 } }),
        ])
    }

    fn forecasts(&mut self, _: Position, kind: Forecast, _: &WeatherOptions) -> Result<Vec<Value>, ProviderError> {
        let kind = if kind == Forecast::Daily { "daily" } else { "point" };
        Ok(vec![json!({ "type": kind, "date": "2024-05-02T00:00:00.000Z", "outside": { "temperature": 290.15 } })])
    }
}

impl RadarProvider for AllParts {
    fn radars(&mut self) -> Vec<String> {
        vec!["pixie".to_owned()]
    }

    fn info(&mut self, _: &str) -> Result<Value, ProviderError> {
        Ok(json!({ "name": "Pixie", "brand": "None", "radarIpAddress": "127.0.0.1" }))
    }

    fn state(&mut self, radar: &str) -> Result<Value, ProviderError> {
        Ok(json!({ "id": radar, "status": "standby", "controls": { "range": self.range } }))
    }

    fn set_control(&mut self, _: &str, control: &str, value: Value) -> Result<(), ProviderError> {
        match control {
            "range" => self.range = value,
            other => return Err(format!("there is no control {other}").into()),
        }
        Ok(())
    }
}

export_plugin!(
    AllParts,
    poll,
    deltas,
    http { "GET" "/api/count" => http_count },
    put { electrical.switches.lights.state => put_lights },
    resources ["notes"],
    weather "Always fine",
    radar "Pixie",
);
