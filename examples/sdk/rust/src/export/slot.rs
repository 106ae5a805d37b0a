//! Where the one instance of a plugin lives.

use crate::{Plugin, RawDelta, host};
use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;

/// How many deltas wait when the server delivers them while the plugin is in a call; the oldest go first.
const PENDING: usize = 1000;

/// The plugin, while it runs.
///
/// Each call takes the instance out and puts it back. So a server that calls the plugin again before a call returned, as some do
/// when the plugin emits a delta, finds none: a delta then waits for the end of the call, anything else is refused.
pub struct Slot<P> {
    state: Cell<State<P>>,
    pending: Cell<VecDeque<Vec<u8>>>,
}

#[derive(Default)]
enum State<P> {
    #[default]
    Stopped,
    Busy,
    Running(P),
}

/// Why there is no plugin to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unavailable {
    /// It was not started.
    Stopped,
    /// It is in another call.
    Busy,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopped => "the plugin is not running",
            Self::Busy => "the plugin is busy with another call",
        })
    }
}

impl<P: Plugin> Slot<P> {
    /// A slot without a plugin.
    pub const fn new() -> Self {
        Self { state: Cell::new(State::Stopped), pending: Cell::new(VecDeque::new()) }
    }

    /// Starts the plugin with a configuration (JSON), then runs `register`. 0 is success; otherwise the error was set.
    pub fn start(&self, config: &[u8], register: impl FnOnce()) -> i32 {
        report_panics::<P>();
        // An instance that was never stopped ends here, before the new one wants its sockets.
        drop(self.state.replace(State::Busy));
        self.pending.take();
        let started = serde_json::from_slice(config)
            .map_err(|error| format!("The configuration can't be used: {error}").into())
            .and_then(P::start);
        match started {
            Ok(plugin) => {
                self.state.set(State::Running(plugin));
                register();
                0
            }
            Err(error) => {
                self.state.set(State::Stopped);
                host::set_error(error.to_string());
                1
            }
        }
    }

    /// Stops and drops the plugin, if it runs.
    pub fn stop(&self) -> i32 {
        if let Ok(mut plugin) = self.take() {
            plugin.stop();
            self.state.set(State::Stopped);
        }
        self.pending.take();
        0
    }

    /// The tick of every second.
    pub fn poll(&self) -> i32 {
        self.with(P::poll).unwrap_or(0)
    }

    /// Delivers a delta, now or when the current call is over.
    pub fn deliver(&self, delta: &[u8]) {
        if self.with(|plugin| plugin.delta(RawDelta::new(delta))) == Err(Unavailable::Busy) {
            let mut pending = self.pending.take();
            if pending.len() >= PENDING {
                pending.pop_front();
            }
            pending.push_back(delta.to_owned());
            self.pending.set(pending);
        }
    }

    /// Calls the plugin, then delivers what waited meanwhile. Deltas that come during that delivery wait for the next call: a
    /// plugin that answers its own deltas must not run for ever.
    ///
    /// # Errors
    /// When it is not running, or busy.
    pub fn with<R>(&self, call: impl FnOnce(&mut P) -> R) -> Result<R, Unavailable> {
        let mut plugin = self.take()?;
        let result = call(&mut plugin);
        for delta in self.pending.take() {
            plugin.delta(RawDelta::new(&delta));
        }
        self.state.set(State::Running(plugin));
        Ok(result)
    }

    fn take(&self) -> Result<P, Unavailable> {
        match self.state.replace(State::Busy) {
            State::Running(plugin) => Ok(plugin),
            State::Busy => Err(Unavailable::Busy),
            State::Stopped => {
                self.state.set(State::Stopped);
                Err(Unavailable::Stopped)
            }
        }
    }
}

impl<P: Plugin> Default for Slot<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P> fmt::Debug for Slot<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}

/// From now on a panic is shown as the plugin's error and on its standard error, before the module ends. Tests have their own
/// way of showing panics.
fn report_panics<P: Plugin>() {
    if cfg!(target_arch = "wasm32") {
        std::panic::set_hook(Box::new(|panic| {
            let text = format!("{}: {}", P::ID, panic.to_string().replace('\n', " "));
            host::set_error(&text);
            eprintln!("{text}");
        }));
    }
}
