//! A data logger: values of the own vessel go to CSV files in the plugin's private directory.
//!
//! It shows how a Signal K WASM plugin uses files: `/data` belongs to it alone and stays over
//! restarts. [`csv`] makes the lines, [`store`] keeps the files, [`config`] has the settings, and this
//! file ties them together and serves the files over HTTP.

pub mod config;
pub mod csv;
pub mod store;

use config::{Config, SCHEMA};
use serde_json::json;
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;
use store::Store;
use windlass_plugin::{Plugin, RawDelta, Request, Response, StartError, data, export_plugin, host};

/// The directory that stays over restarts.
const DIRECTORY: &str = "/data";
/// Lines that can't be written wait, up to this much of them, bytes.
const WAITING: usize = 256 << 10;
/// The largest part of a file in one answer, bytes. Servers take answers of a megabyte, and in JSON a text grows.
const PART: u64 = 256 << 10;

/// The running plugin.
#[derive(Debug)]
pub struct DataLogger {
    config: Config,
    store: Store,
    /// The own vessel's context in deltas, once it is known.
    self_context: Option<String>,
    /// When a value of a path was logged last.
    logged: HashMap<String, Instant>,
    /// Lines for the next write, which is once a second: a write for each value would wear out memory cards.
    waiting: String,
    lines: u64,
    lost: u64,
}

impl Plugin for DataLogger {
    const ID: &'static str = "data-logger";
    const NAME: &'static str = "Data logger";
    type Config = Config;

    fn schema() -> Cow<'static, str> {
        SCHEMA.into()
    }

    fn start(config: Config) -> Result<Self, StartError> {
        Self::open(config, Path::new(DIRECTORY))
    }

    fn stop(&mut self) {
        self.flush();
    }

    fn poll(&mut self) -> i32 {
        if self.self_context.is_none() {
            self.self_context = data::self_context();
        }
        self.flush();
        0
    }

    fn delta(&mut self, delta: RawDelta<'_>) {
        let Some(self_context) = &self.self_context else {
            return;
        };
        if !delta.mentions(self_context) {
            return;
        }
        let delta = match delta.parse() {
            Ok(delta) if delta.context == *self_context => delta,
            Ok(_) => return,
            Err(error) => return host::debug(error.to_string()),
        };
        let now = Instant::now();
        for (update, entry) in delta.values() {
            if !self.config.wants(&entry.path) || !self.is_due(&entry.path, now) {
                continue;
            }
            let timestamp = update.timestamp.as_deref().unwrap_or_default();
            let source = update.source.as_deref().unwrap_or_default();
            let line = csv::line(timestamp, &entry.path, &entry.value, source);
            if self.waiting.len() + line.len() > WAITING {
                self.lost += 1;
            } else {
                self.waiting.push_str(&line);
            }
        }
    }
}

impl DataLogger {
    fn open(config: Config, directory: &Path) -> Result<Self, StartError> {
        config.check()?;
        let store = Store::open(directory, config.max_bytes, config.max_files).map_err(|error| {
            format!("The private directory can't be used: {error}; does package.json grant storage?")
        })?;
        host::set_status(format!("Logging to {}", store.current()));
        Ok(Self {
            config,
            store,
            self_context: data::self_context(),
            logged: HashMap::new(),
            waiting: String::new(),
            lines: 0,
            lost: 0,
        })
    }

    /// Whether the interval of a path is over; if so, it begins anew.
    fn is_due(&mut self, path: &str, now: Instant) -> bool {
        let interval = self.config.interval();
        match self.logged.get_mut(path) {
            Some(last) if now.saturating_duration_since(*last) < interval => false,
            Some(last) => {
                *last = now;
                true
            }
            None => {
                self.logged.insert(path.to_owned(), now);
                true
            }
        }
    }

    /// Writes what waits. What could not be written waits on.
    fn flush(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut self.waiting);
        let mut written = 0;
        for line in waiting.split_inclusive('\n') {
            if let Err(error) = self.store.write(line) {
                self.waiting = waiting[written..].to_owned();
                return host::set_error(format!("Can't write to {}: {error}", self.store.current()));
            }
            written += line.len();
            self.lines += 1;
        }
        let lost = if self.lost > 0 { format!(", {} lost", self.lost) } else { String::new() };
        host::set_status(format!("Logging to {}: {} values{lost}", self.store.current(), self.lines));
    }

    /// `GET /api/files`: names and sizes, the oldest first.
    fn http_get_files(&mut self, _: &Request) -> Result<Response, Response> {
        self.flush();
        let entries = self.store.entries().map_err(unreadable)?;
        let files: Vec<_> =
            entries.into_iter().map(|entry| json!({ "name": entry.name, "bytes": entry.bytes })).collect();
        Ok(Response::json(json!({ "files": files, "current": self.store.current() })))
    }

    /// `GET /api/files/:name`: the file's lines, from `offset` on. A part that is not the last has the header `X-Next-Offset`.
    fn http_get_file(&mut self, request: &Request) -> Result<Response, Response> {
        self.flush();
        let offset = match request.query("offset").map(str::parse) {
            None => 0,
            Some(Ok(offset)) => offset,
            Some(Err(_)) => return Err(Response::error(400, "offset must be a number of bytes")),
        };
        let name = request.param("name").unwrap_or_default();
        match self.store.read(name, offset, PART).map_err(unreadable)? {
            Some(part) => {
                let response = Response::content("text/csv; charset=utf-8", part.text);
                Ok(match part.next {
                    Some(next) => response.header("X-Next-Offset", &next.to_string()),
                    None => response,
                })
            }
            None => Err(Response::error(404, format!("There is no file {name:?}"))),
        }
    }
}

fn unreadable(error: std::io::Error) -> Response {
    Response::error(500, format!("The private directory can't be read: {error}"))
}

export_plugin!(
    DataLogger,
    poll,
    deltas,
    http {
        "GET" "/api/files" => http_get_files,
        "GET" "/api/files/:name" => http_get_file,
    },
);

#[cfg(test)]
mod tests;
