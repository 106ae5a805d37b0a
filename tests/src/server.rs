//! A server of the test's own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;

use crate::{BETWEEN_LOOKS, Json, Logs, PATIENCE, server_binary};

/// The line by which the server says that it is ready.
const READY: &str = "Windlass is listening on http://127.0.0.1:";

/// How a server is started: in an empty temporary configuration directory, on a free port, unless told otherwise.
#[derive(Debug, Default)]
pub struct ServerOptions {
    directory: Option<Arc<TempDir>>,
    port: u16,
    unnamed: bool,
    /// The settings say which port it is.
    settled: bool,
    secured: bool,
    files: Vec<(PathBuf, Vec<u8>)>,
    settings: serde_json::Map<String, Json>,
    connections: Vec<Json>,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
}

impl ServerOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses the directory of a server that has ended.
    pub fn directory(mut self, directory: &Arc<TempDir>) -> Self {
        self.directory = Some(directory.clone());
        self
    }

    /// Uses the port of a server that has ended, for clients that come back to it.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Lets the settings say which port it is, instead of the command line, which counts more: another one can be set.
    pub fn settled_port(mut self, port: u16) -> Self {
        self.settled = true;
        self.setting("port", port.into())
    }

    /// Starts it again with the port that its settings have.
    pub fn with_its_settings(mut self) -> Self {
        self.settled = true;
        self
    }

    /// Does not tell the server a configuration directory: with `--demo` it makes one of its own.
    pub fn without_directory(mut self) -> Self {
        self.unnamed = true;
        self
    }

    /// Starts it as it is by default: nobody may change anything until it is claimed. Without this it is open to everybody.
    pub fn secured(mut self) -> Self {
        self.secured = true;
        self
    }

    /// Puts a file into the configuration directory.
    pub fn file(mut self, name: impl Into<PathBuf>, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.into(), content.into()));
        self
    }

    /// Puts a JSON file into the configuration directory.
    pub fn json_file(self, name: impl Into<PathBuf>, content: &Json) -> Self {
        self.file(name, content.to_string())
    }

    /// Gives the own ship a name and an MMSI, in `baseDeltas.json`.
    pub fn vessel(self, name: &str, mmsi: &str) -> Self {
        let values = json!([{"path": "", "value": {"name": name, "mmsi": mmsi}}]);
        self.json_file("baseDeltas.json", &json!([{"context": "vessels.self", "updates": [{"values": values}]}]))
    }

    /// Sets a key of `settings.json`.
    pub fn setting(mut self, key: &str, value: Json) -> Self {
        self.settings.insert(key.to_owned(), value);
        self
    }

    /// Adds a connection to `settings.json`: `options.type` and `subOptions` of a simple provider.
    pub fn connection(mut self, id: &str, kind: &str, sub_options: Json) -> Self {
        let elements = json!([{"type": "providers/simple", "options": {"type": kind, "subOptions": sub_options}}]);
        self.connections.push(json!({"id": id, "enabled": true, "pipeElements": elements}));
        self
    }

    /// Adds a connection that accepts NMEA 0183 on a free TCP port; see [`Server::input`].
    pub fn nmea_listener(self, id: &str) -> Self {
        self.connection(id, "NMEA0183", json!({"type": "tcplistener", "host": "127.0.0.1", "port": 0}))
    }

    /// Adds an argument.
    pub fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    pub fn arguments(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of the environment.
    pub fn environment(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Starts the server and waits until it is ready.
    ///
    /// # Panics
    /// When it does not come up; the message has its log.
    pub async fn start(mut self) -> Server {
        let temporary = || Arc::new(tempfile::tempdir().expect("a temporary directory can be made"));
        let directory = self.directory.take().unwrap_or_else(temporary);
        self.write_files(directory.path());
        let mut command = Command::new(server_binary());
        if !self.unnamed {
            command.arg("--config-dir").arg(directory.path());
        }
        command
            .args(["--host", "127.0.0.1"])
            .args((!self.settled).then(|| format!("--port={}", self.port)))
            .args((!self.secured).then_some("--insecure"))
            .args(&self.arguments)
            // What the person who runs the tests has in the environment is no part of them.
            .env_remove("RUST_LOG")
            .env_remove("DEBUG")
            .env_remove("PORT")
            .env_remove("SSLPORT")
            .env_remove("MAX_WS_CONNECTIONS_PER_IP")
            // Any free ports: see `windlass_tests::Server::output`.
            .env("NMEA0183PORT", "0")
            .env("TCPSTREAMPORT", "0")
            .env_remove("TCPSTREAMADDRESS")
            .env_remove("DISABLEPLUGINS")
            .env_remove("DEFAULTENABLEDPLUGINS")
            .envs(self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the server's binary can be started");
        let logs = Logs::default();
        logs.collect(child.stdout.take().expect("the output is piped"));
        logs.collect(child.stderr.take().expect("the output is piped"));
        let mut server = Server { child, port: 0, directory, logs, client: http_client() };
        server.port = server.wait_until_ready().await;
        server
    }

    fn write_files(&mut self, directory: &Path) {
        if !self.connections.is_empty() {
            self.settings.insert("pipedProviders".to_owned(), std::mem::take(&mut self.connections).into());
        }
        if !self.settings.is_empty() {
            let settings = Json::Object(std::mem::take(&mut self.settings)).to_string();
            self.files.push(("settings.json".into(), settings.into()));
        }
        for (name, content) in &self.files {
            let path = directory.join(name);
            let folder = path.parent().expect("the file lies in the directory");
            std::fs::create_dir_all(folder).expect("a temporary folder can be made");
            std::fs::write(&path, content).expect("a temporary file can be written");
        }
    }
}

/// A running server; dropping it ends it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    port: u16,
    directory: Arc<TempDir>,
    logs: Logs,
    pub(crate) client: reqwest::Client,
}

/// A server that has ended.
#[derive(Debug)]
pub struct Ended {
    /// How.
    pub status: ExitStatus,
    /// How long it took from the signal on.
    pub took: Duration,
    /// Its configuration directory.
    pub directory: Arc<TempDir>,
    /// Its log.
    pub logs: Logs,
}

impl Server {
    /// A server without anything special.
    pub async fn start() -> Self {
        ServerOptions::new().start().await
    }

    async fn wait_until_ready(&mut self) -> u16 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(line) = self.logs.find(&[READY]) {
                let address = line.split(READY).nth(1).expect("the line was found by this text");
                let digits = address.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
                return digits.parse().unwrap_or_else(|_| panic!("the ready line has no port: {line}"));
            }
            if let Some(status) = self.child.try_wait().expect("the child can be asked") {
                panic!("the server ended with {status} instead of starting; its log:\n{}", self.logs.tail());
            }
            assert!(Instant::now() < deadline, "the server is not ready; its log:\n{}", self.logs.tail());
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    /// `127.0.0.1:<port>`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of a page, such as `/signalk`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// The client that requests are made with, for those that [`Server::request`] can't make; it shows redirects.
    pub fn http(&self) -> &reqwest::Client {
        &self.client
    }

    /// The configuration directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What it has written.
    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("the child can be asked").is_none()
    }

    /// Memory of the process, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The part of it that the process has asked for itself, in bytes: without the pages of the program that have been read so far.
    pub fn anonymous_bytes(&self) -> u64 {
        self.memory("RssAnon:")
    }

    fn memory(&self, kind: &str) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(&path).expect("the system tells about a running process");
        let line = status.lines().find_map(|line| line.strip_prefix(kind)).expect("a process has memory");
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of kB");
        kilobytes * 1024
    }

    /// Ends it as a service manager does, with SIGTERM.
    pub async fn terminate(self) -> Ended {
        self.signal(Signal::TERM).await
    }

    /// Ends it as Ctrl-C in a terminal does, with SIGINT.
    pub async fn interrupt(self) -> Ended {
        self.signal(Signal::INT).await
    }

    /// Ends it at once, as a power cut does: nothing of it runs any more.
    pub async fn kill(self) -> Ended {
        self.signal(Signal::KILL).await
    }

    async fn signal(self, signal: Signal) -> Ended {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("a signal can be sent to the own child");
        self.ended().await
    }

    /// Waits until it has ended by itself, or for the signal that it was sent.
    pub async fn ended(mut self) -> Ended {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the child can be asked") {
                let (directory, logs) = (self.directory.clone(), self.logs.clone());
                return Ended { status, took: start.elapsed(), directory, logs };
            }
            assert!(start.elapsed() < PATIENCE, "the server does not end; its log:\n{}", self.logs.tail());
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }
}

/// Shows redirects instead of following them.
fn http_client() -> reqwest::Client {
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
    builder.build().expect("an HTTP client without TLS needs nothing of the system")
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error only says that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the log of the server on port {} ends ---\n{}\n---", self.port, self.logs.tail());
        }
    }
}
