//! How a plugin is loaded, started, stopped and brought back (§2.4, §3.3, §7).

use std::sync::Arc;

use actix::prelude::*;
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;
use tokio::time::Instant;
use windlass_broker::{ContextPattern, Glob, ReportCrash, RestartDecision, Scope, Topic};
use windlass_wasm_host::{CallError, CompiledPlugin, Guest, LoadError, Sandbox};

use super::config::PluginConfig;
use super::error::PluginError;
use super::plugin::Plugin;
use super::record::PluginState;
use super::scratch::ScratchHost;
use super::to_broker::ToBroker;
use crate::StatusKind;

/// What a plugin that crashes again and again says (§7.2).
const DISABLED: &str = "Plugin repeatedly crashing, automatic restart disabled";
const STARTING: &str = "Starting";

type Ctx = Context<Plugin>;

impl Plugin {
    /// The beginning: a plugin that is to run is started, another one only asked for its name and schema.
    pub(super) fn load(&mut self, ctx: &mut Ctx) {
        let saved = self.record.saved();
        if self.record.wanted(saved.as_ref()) {
            if saved.is_none() && self.record.package.enabled_by_default {
                self.save_as_enabled();
            }
            return self.begin(true, ctx);
        }
        if let Err(error) = self.read_description() {
            self.fail(&error.to_string(), ctx);
        }
    }

    fn save_as_enabled(&self) {
        if let Err(error) = self.record.config.update(|_| PluginConfig::enabled_unconfigured()) {
            log::error!("plugin {}: enabled by its package, but that can't be saved: {error}", self.id());
        }
    }

    fn compile(&mut self) -> Result<CompiledPlugin, LoadError> {
        if let Some(compiled) = &self.compiled {
            return Ok(compiled.clone());
        }
        let compiled = self.runtime.compile(&self.record.package, &self.limits)?;
        log::debug!(target: "signalk:wasm:loader", "[{}] {:?}, {:?}", self.id(), compiled.abi(), compiled.origin());
        Ok(self.compiled.insert(compiled).clone())
    }

    /// Name and schema from an instance that is thrown away (§2.4).
    fn read_description(&mut self) -> Result<(), LoadError> {
        let compiled = self.compile()?;
        let host = Arc::new(ScratchHost { id: self.id().to_owned() });
        let sandbox = Sandbox::scratch(&self.record.package);
        let mut guest = self.runtime.instantiate(&compiled, host, sandbox, &self.limits)?;
        self.describe(&mut *guest).map_err(LoadError::Initialize)
    }

    fn describe(&self, guest: &mut dyn Guest) -> Result<(), CallError> {
        let (name, schema) = (guest.name()?, guest.schema()?);
        let schema = match serde_json::from_str(&schema) {
            Ok(schema @ Value::Object(_)) => schema,
            other => {
                let reason = other.err().map_or_else(|| "it is not an object".to_owned(), |error| error.to_string());
                let problem =
                    format!("its configuration schema can't be used: {reason}; the plugin has no settings page");
                if self.record.note(&problem) {
                    log::warn!("plugin {}: {problem}", self.id());
                }
                self.record.report(StatusKind::Error, &problem);
                Map::new().into()
            }
        };
        self.record.describe(guest.abi(), &name, schema);
        Ok(())
    }

    /// Starts the plugin, after stopping it if it runs. `fresh` asks for a new instance in any case. The rest follows in
    /// [`Self::prepare`] and [`Self::launch`], between which the actor does nothing but wait for the broker.
    pub(super) fn begin(&mut self, fresh: bool, ctx: &mut Ctx) {
        let was_running = self.is_running();
        self.cancel_poll(ctx);
        self.record.report(StatusKind::Status, STARTING);
        self.record.enter(PluginState::Starting, None);
        if self.attached {
            self.outbox.push(ToBroker::StartBuffering);
        }
        self.send_then(ctx, move |plugin, ctx| {
            if was_running {
                plugin.stop_guest(fresh);
            }
            plugin.prepare(ctx);
        });
    }

    /// Calls `plugin_stop`; false when that failed. Then, or when asked, the instance is dropped (§3.3).
    fn stop_guest(&mut self, discard: bool) -> bool {
        let Some(guest) = &mut self.guest else { return true };
        let result = guest.stop();
        self.collect_emitted();
        let clean = match result {
            Ok(0) => true,
            Ok(code) => {
                log::warn!("plugin {}: plugin_stop returned {code}", self.id());
                true
            }
            Err(error) => {
                log::error!("plugin {}: stopping failed: {error}", self.id());
                false
            }
        };
        if discard || !clean {
            self.drop_guest();
        }
        clean
    }

    fn drop_guest(&mut self) {
        self.guest = None;
        self.record.retire_instance(self.queue.len());
    }

    /// Makes sure that there is an instance, and that the broker knows whether it wants deltas.
    fn prepare(&mut self, ctx: &mut Ctx) {
        if self.guest.is_none()
            && let Err(error) = self.instantiate()
        {
            return match error.is_crash() {
                true => self.crash(&error.to_string(), ctx),
                false => self.fail(&error.to_string(), ctx),
            };
        }
        self.collect_emitted();
        let wants_deltas = self.guest.as_ref().is_some_and(|guest| guest.has_delta_handler());
        if wants_deltas && !self.attached {
            self.attached = true;
            self.outbox.push(ToBroker::Attach(self.topic(), ctx.address().recipient()));
        } else if !wants_deltas {
            self.detach();
        }
        self.send_then(ctx, Self::launch);
    }

    fn instantiate(&mut self) -> Result<(), LoadError> {
        let compiled = self.compile()?;
        let sandbox = Sandbox::of(&self.record.package, self.record.config.vfs_root());
        let mut guest = self.runtime.instantiate(&compiled, self.host.clone(), sandbox, &self.limits)?;
        self.describe(&mut *guest).map_err(LoadError::Initialize)?;
        self.guest = Some(guest);
        Ok(())
    }

    /// Which deltas the plugin gets (§7.5).
    fn topic(&self) -> Topic {
        let scope = match &self.record.package.subscriptions {
            None => Scope::Whole,
            Some(globs) => Scope::WholeIfAny(globs.iter().map(|glob| Glob::new(glob)).collect()),
        };
        Topic { context: ContextPattern::all(), scope }
    }

    fn launch(&mut self, ctx: &mut Ctx) {
        let (revision, config) = self.record.saved_revision();
        let config = config.unwrap_or_default();
        self.started_with = revision;
        self.host.set_debug(config.enable_debug());
        let Some(guest) = &mut self.guest else { return };
        let result = guest.start(&config.start_json());
        self.collect_emitted();
        match result {
            Ok(0) => self.go(ctx),
            Ok(code) => self.fail(&format!("Plugin start() returned error code: {code}"), ctx),
            Err(error) if error.is_crash() => self.crash(&error.to_string(), ctx),
            Err(error) => self.fail(&error.to_string(), ctx),
        }
    }

    fn go(&mut self, ctx: &mut Ctx) {
        if self.record.board.get(self.id()).is_some_and(|entry| entry.message == STARTING) {
            // It has said nothing of itself.
            self.record.report(StatusKind::Status, "Started");
        }
        self.record.enter(PluginState::Running, None);
        log::info!("plugin {} started", self.id());
        self.clear_alarm("Plugin started");
        if self.attached {
            self.outbox.push(ToBroker::StopBuffering);
        }
        self.answer(&Ok(()));
        self.schedule_poll(Instant::now(), ctx);
        self.send_then(ctx, Self::schedule_delivery);
    }

    /// The plugin can't run, and trying again would not help.
    fn fail(&mut self, reason: &str, ctx: &mut Ctx) {
        log::error!("plugin {}: failed to start: {reason}", self.id());
        self.collect_emitted();
        self.drop_guest();
        self.detach();
        self.record.report(StatusKind::Error, &format!("Failed to start: {reason}"));
        self.record.enter(PluginState::Error, Some(reason.to_owned()));
        self.answer(&Err(PluginError::Start(reason.to_owned())));
        self.send(ctx);
    }

    /// The instance failed. What it was given is done with, what waits is kept, and the broker says how to go on (§7.2).
    pub(super) fn crash(&mut self, reason: &str, ctx: &mut Ctx) {
        log::error!("plugin {}: crashed: {reason}", self.id());
        self.cancel_poll(ctx);
        self.collect_emitted();
        self.drop_guest();
        self.record.count_crash();
        self.record.report(StatusKind::Error, &format!("Crashed: {reason}"));
        self.record.enter(PluginState::Crashed, Some(reason.to_owned()));
        self.answer(&Err(PluginError::Start(format!("Crashed: {reason}"))));
        if self.attached && self.queue.is_empty() {
            self.outbox.push(ToBroker::StartBuffering);
            self.outbox.push(ToBroker::Ready);
        }
        let sending = self.sending();
        let broker = self.broker.clone();
        let report = ReportCrash { consumer: self.consumer(), restart: ctx.address().recipient() };
        let reporting = async move {
            sending.await;
            broker.send(report).await
        };
        ctx.wait(reporting.into_actor(self).map(|decision, plugin, ctx| match decision {
            Ok(RestartDecision::RestartAfter(delay)) => {
                log::info!("plugin {}: restart in {} s", plugin.id(), delay.as_secs_f32());
                plugin.record.set_backoff(delay);
            }
            Ok(RestartDecision::Disable) => plugin.give_up(ctx),
            Err(_) => log::warn!("plugin {}: not restarted, because the broker has stopped", plugin.id()),
        }));
    }

    fn give_up(&mut self, ctx: &mut Ctx) {
        log::error!("plugin {}: {DISABLED}; enable, configure or restart it to try again", self.id());
        self.detach();
        self.record.report(StatusKind::Error, DISABLED);
        self.record.enter(PluginState::Error, Some(DISABLED.to_owned()));
        self.alarmed = true;
        self.raise(&json!({"state": "alert", "method": ["visual"], "message": DISABLED}));
        self.send(ctx);
    }

    /// Puts a notification about the plugin itself in line.
    fn raise(&mut self, value: &Value) {
        let path = format!("notifications.server.plugins.{}", self.id());
        if let Err(problem) = self.host.notify(&path, &value.to_string()) {
            log::error!("plugin {}: the notification {path} is not published: {problem}", self.id());
        }
        self.collect_emitted();
    }

    fn clear_alarm(&mut self, message: &str) {
        if std::mem::take(&mut self.alarmed) {
            self.raise(&json!({"state": "normal", "method": [], "message": message}));
        }
    }

    /// Stops the plugin because a person wants it stopped.
    pub(super) fn stop(&mut self, ctx: &mut Ctx) {
        let was_running = self.is_running();
        self.cancel_poll(ctx);
        self.detach();
        let clean = !was_running || self.stop_guest(true);
        self.clear_alarm("Plugin stopped");
        if clean {
            self.record.report(StatusKind::Status, "Stopped");
            self.record.enter(PluginState::Stopped, None);
        } else {
            let reason = "plugin_stop failed; the plugin is stopped all the same";
            self.record.report(StatusKind::Error, reason);
            self.record.enter(PluginState::Error, Some(reason.to_owned()));
        }
        self.send(ctx);
    }

    /// Stops the plugin if it runs, and ends the actor. `done` is dropped then.
    pub(super) fn shut_down(&mut self, done: oneshot::Sender<()>, ctx: &mut Ctx) {
        self.cancel_poll(ctx);
        self.detach();
        if self.is_running() {
            self.stop_guest(true);
            self.record.enter(PluginState::Stopped, None);
        }
        self.send_then(ctx, move |_, ctx| {
            drop(done);
            ctx.stop();
        });
    }

    fn detach(&mut self) {
        self.queue.clear();
        if std::mem::take(&mut self.attached) {
            self.outbox.push(ToBroker::Detach);
        }
    }

    fn cancel_poll(&mut self, ctx: &mut Ctx) {
        if let Some(poll) = self.poll.take() {
            ctx.cancel_future(poll);
        }
    }

    fn answer(&mut self, result: &Result<(), PluginError>) {
        for waiting in self.waiting.drain(..) {
            // Who has stopped waiting does not mind.
            let _ = waiting.send(result.clone());
        }
    }
}
