//! A plugin's trial: it is started in the sandbox, and everything it says is shown.

use std::io::Write;
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;
use windlass_wasm_host::interface::ModuleReport;
use windlass_wasm_host::{CallError, Capabilities, CompiledPlugin, Guest, HandlerKind, Limits, LoadError, Runtime};

use super::ToolError;
use super::findings::{Findings, delta_problem, schema_findings};
use super::output::plain;
use super::subject::Subject;
use super::trial_host::{CONTEXT, Said, TrialHost};

/// How often `poll` is called.
const POLLS: usize = 3;
/// The folders of a plugin's private directory (wasm-plugin-abi §6.3).
const FOLDERS: [&str; 3] = ["data", "config", "tmp"];
/// Methods of HTTP that an endpoint can have (§3.6).
const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];
/// What providers must export (§3.8, §3.9).
const RESOURCES: [&str; 4] =
    ["resources_list_resources", "resources_get_resource", "resources_set_resource", "resources_delete_resource"];
const WEATHER: [&str; 3] = ["weather_get_observations", "weather_get_forecasts", "weather_get_warnings"];

/// A live instance, with a directory of its own that is removed in the end.
pub struct Instance {
    /// The instance.
    pub guest: Box<dyn Guest>,
    /// What it talks to.
    pub host: Arc<TrialHost>,
    _directory: TempDir,
}

impl Instance {
    /// Brings the module to life.
    ///
    /// # Errors
    /// It can't be linked or initialised, or there is no room for temporary files.
    pub fn new(
        runtime: &Runtime,
        compiled: &CompiledPlugin,
        subject: &Subject,
        capabilities: Capabilities,
        host: TrialHost,
    ) -> Result<Self, ToolError> {
        let directory = temporary_directory()?;
        for folder in FOLDERS {
            let path = directory.path().join(folder);
            std::fs::create_dir(&path).map_err(|source| ToolError::File { path, source })?;
        }
        let sandbox = subject.sandbox(directory.path().to_owned(), capabilities);
        let host = Arc::new(host);
        let guest = runtime.instantiate(compiled, host.clone(), sandbox, &Limits::default()).map_err(cannot_load)?;
        Ok(Self { guest, host, _directory: directory })
    }
}

/// A directory that is removed when it is no longer used.
pub fn temporary_directory() -> Result<TempDir, ToolError> {
    tempfile::Builder::new()
        .prefix("windlass-plugin-")
        .tempdir()
        .map_err(|source| ToolError::File { path: std::env::temp_dir(), source })
}

/// The reason a module can't be loaded, for the user.
pub fn cannot_load(error: LoadError) -> ToolError {
    ToolError::CannotRun(plain(&error.to_string()))
}

/// The reason a call failed, for the user.
pub fn cannot_call(error: CallError) -> ToolError {
    ToolError::CannotRun(plain(&error.to_string()))
}

/// A delta as a boat has many: about 300 bytes. `number` makes it differ from the one before.
pub fn sample_delta(number: usize) -> String {
    let last = number % 10;
    format!(
        "{{\"context\":\"{CONTEXT}\",\"updates\":[{{\"values\":[\
         {{\"path\":\"navigation.position\",\"value\":{{\"longitude\":24.951{last},\"latitude\":60.1453}}}},\
         {{\"path\":\"navigation.speedOverGround\",\"value\":3.8{last}}},\
         {{\"path\":\"environment.depth.belowTransducer\",\"value\":7.{last}}}],\
         \"$source\":\"trial\",\"timestamp\":\"2026-01-01T00:00:0{last}.000Z\"}}]}}"
    )
}

/// Starts a plugin, lets it work for a moment, and stops it.
///
/// # Errors
/// It can't run.
pub fn run(
    out: &mut dyn Write,
    subject: &Subject,
    report: &ModuleReport,
    network: bool,
    config: &str,
    findings: &mut Findings,
) -> Result<(), ToolError> {
    let runtime = Runtime::new(Default::default())?;
    let compiled = runtime.compile_bytes(&subject.wasm, &Limits::default()).map_err(cannot_load)?;
    let capabilities = subject.capabilities(report, network);
    let instance = Instance::new(&runtime, &compiled, subject, capabilities, TrialHost::new())?;
    let mut trial = Trial { out, instance, findings };
    trial.heard()?;
    let outcome = trial.carry_out(config);
    // What it said before it failed is what explains the failure.
    trial.heard()?;
    outcome
}

struct Trial<'a> {
    out: &'a mut dyn Write,
    instance: Instance,
    findings: &'a mut Findings,
}

impl Trial<'_> {
    fn carry_out(&mut self, config: &str) -> Result<(), ToolError> {
        let name = self.instance.guest.name().map_err(cannot_call)?;
        self.step("plugin_name", &plain(&name))?;
        if name.is_empty() {
            self.findings.note("plugin_name gives nothing: the package name is shown instead".to_owned());
        }
        let schema = self.instance.guest.schema().map_err(cannot_call)?;
        let settings = schema_findings(&schema, self.findings);
        self.step("plugin_schema", &plain(&settings))?;
        if let Some(endpoints) = self.instance.guest.http_endpoints().map_err(cannot_call)? {
            let routes = self.endpoints(&endpoints);
            self.step("http_endpoints", &plain(&routes))?;
        }
        let code = self.instance.guest.start(config).map_err(cannot_call)?;
        if code != 0 {
            self.step("plugin_start", &format!("error code {code}"))?;
            return Err(ToolError::CannotRun(format!(
                "plugin_start returned error code {code} for the configuration {}; name one that it accepts with --config",
                plain(config)
            )));
        }
        self.step("plugin_start", "ok")?;
        if self.instance.guest.has_poll() {
            for _ in 0..POLLS {
                self.instance.guest.poll().map_err(cannot_call)?;
            }
            self.step("poll", &format!("{POLLS} times"))?;
        }
        if self.instance.guest.has_delta_handler() {
            self.instance.guest.deliver(&sample_delta(0)).map_err(cannot_call)?;
            self.step("delta_handler", "a delta with position, speed and depth")?;
        }
        let code = self.instance.guest.stop().map_err(cannot_call)?;
        self.step(
            "plugin_stop",
            &if code == 0 { "ok".to_owned() } else { format!("error code {code}, which is only logged") },
        )?;
        let memory = self.instance.guest.memory_bytes() / 1024;
        writeln!(self.out, "  {:<16}{memory} KiB in the end", "memory")?;
        Ok(())
    }

    fn step(&mut self, name: &str, result: &str) -> Result<(), ToolError> {
        writeln!(self.out, "  {name:<16}{result}")?;
        self.heard()
    }

    /// Shows what was said since the last time, equal things once.
    fn heard(&mut self) -> Result<(), ToolError> {
        let said = self.instance.host.take();
        for group in said.chunk_by(|one, next| one == next) {
            let times = if group.len() > 1 { format!(" (×{})", group.len()) } else { String::new() };
            writeln!(self.out, "    {}{times}", group[0])?;
            self.judge(&group[0]);
        }
        Ok(())
    }

    fn judge(&mut self, said: &Said) {
        let guest = &mut self.instance.guest;
        let lacks = |guest: &mut Box<dyn Guest>, kind, names: &[&str]| -> Vec<String> {
            names.iter().filter(|name| !guest.has_handler(kind, name)).map(|name| (*name).to_owned()).collect()
        };
        let missing = match said {
            Said::Delta(json) => {
                if let Some(problem) = delta_problem(json) {
                    self.findings.warn(format!("it emits a delta that servers drop: {problem}"));
                }
                return;
            }
            Said::Denied(import, capability) => {
                self.findings.warn(format!("{import} was called and refused: it needs the capability {capability}"));
                return;
            }
            Said::PutHandler(context, path) => match guest.put_handler(context, path) {
                Some(_) => return,
                None => vec![format!("handle_put_{}_{}", context.replace('.', "_"), path.replace('.', "_"))],
            },
            Said::Resources(_) => lacks(guest, HandlerKind::Provider, &RESOURCES),
            Said::Weather(_) => lacks(guest, HandlerKind::Provider, &WEATHER),
            Said::Radar(_) => {
                let mut missing = lacks(guest, HandlerKind::ProviderList, &["radar_get_radars"]);
                missing.extend(lacks(guest, HandlerKind::Provider, &["radar_get_radar_info"]));
                missing
            }
            _ => return,
        };
        if !missing.is_empty() {
            self.findings.warn(format!("it {said}, but does not export {}", plain(&missing.join(", "))));
        }
    }

    /// The routes in words; what is wrong with them goes to the findings.
    fn endpoints(&mut self, text: &str) -> String {
        let Ok(Value::Array(endpoints)) = serde_json::from_str::<Value>(text) else {
            self.findings.warn("http_endpoints gives no JSON array: nothing is mounted".to_owned());
            return "not understood".to_owned();
        };
        let mut routes = Vec::new();
        for endpoint in &endpoints {
            let (Some(method), Some(path), Some(handler)) =
                (endpoint["method"].as_str(), endpoint["path"].as_str(), endpoint["handler"].as_str())
            else {
                self.findings
                    .warn(format!("the endpoint {} lacks method, path or handler", plain(&endpoint.to_string())));
                continue;
            };
            if !METHODS.contains(&method.to_uppercase().as_str()) {
                self.findings.warn(format!(
                    "the endpoint {} {} is not mounted: methods are {}",
                    plain(method),
                    plain(path),
                    METHODS.join(", ")
                ));
            }
            if !self.instance.guest.has_handler(HandlerKind::Http, handler) {
                self.findings.warn(format!(
                    "the endpoint {} {} names the handler {}, which is not exported as one",
                    plain(method),
                    plain(path),
                    plain(handler)
                ));
            }
            routes.push(format!("{} {path}", method.to_uppercase()));
        }
        if routes.is_empty() { "none".to_owned() } else { routes.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_a_delta_of_about_300_bytes() {
        for number in [0, 7, 12_345] {
            let delta = sample_delta(number);
            assert!((280..=320).contains(&delta.len()), "{}", delta.len());
            assert_eq!(delta_problem(&delta), None);
        }
        assert_ne!(sample_delta(0), sample_delta(1));
    }
}
