//! How a plugin is loaded, started, stopped and brought back (§2.4, §3.3, §7).

use actix::prelude::*;
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;
use tokio::time::Instant;
use windlass_broker::{ContextPattern, Glob, ReportCrash, RestartDecision, Scope, Topic};
use windlass_wasm_host::{Abi, CompiledPlugin, LoadError, Sandbox};

use super::config::PluginConfig;
use super::error::PluginError;
use super::module::{self, Examined};
use super::plugin::Plugin;
use super::record::PluginState;
use super::storage;
use super::to_broker::{Subscription, ToBroker};
use crate::StatusKind;

/// What a plugin that crashes again and again says (§7.2).
const DISABLED: &str = "Plugin repeatedly crashing, automatic restart disabled";
const STARTING: &str = "Starting";

type Ctx = Context<Plugin>;

impl Plugin {
    /// The beginning: a plugin that is to run is started, another one only asked for its name and schema.
    pub(super) fn load(&mut self, ctx: &mut Ctx) {
        let saved = self.record.saved();
        if saved.is_some() && self.record.wanted(saved.as_ref()) {
            return self.begin(true, ctx);
        }
        let examining = module::examine(self.module_source(self.record.package()));
        ctx.wait(examining.into_actor(self).map(|(examined, _), plugin, ctx| plugin.loaded(examined, ctx)));
    }

    /// Nothing said so far that the plugin is to run; its configuration from the time of another id may.
    fn loaded(&mut self, examined: Result<Examined, LoadError>, ctx: &mut Ctx) {
        if let Ok(examined) = &examined {
            self.import_config(examined.own_id.as_deref());
        }
        let saved = self.record.saved();
        let wanted = self.record.wanted(saved.as_ref());
        if wanted && saved.is_none() && self.record.package().enabled_by_default {
            self.save_as_enabled();
        }
        match examined {
            Ok(examined) => {
                self.describe(examined.compiled.abi(), &examined.name, &examined.schema);
                self.compiled = Some(examined.compiled);
            }
            Err(error) if !wanted => return self.fail(&error.to_string(), ctx),
            // It may do better with its files and its network; otherwise the start says what is wrong.
            Err(_) => {}
        }
        if wanted {
            self.begin(true, ctx);
        }
    }

    fn save_as_enabled(&self) {
        if let Err(error) = self.record.config.update(|_| PluginConfig::enabled_unconfigured()) {
            log::error!("plugin {}: enabled by its package, but that can't be saved: {error}", self.id());
        }
    }

    /// Notes what the module says of itself.
    pub(super) fn describe(&self, abi: Abi, name: &str, schema: &str) {
        let schema = match serde_json::from_str(schema) {
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
        self.record.describe(abi, name, schema);
    }

    /// Starts the plugin, after stopping it if it runs. `fresh` asks for a new instance in any case. The rest follows in
    /// [`Self::prepare`] and [`Self::launch`], between which the actor does nothing but wait for the broker.
    pub(super) fn begin(&mut self, fresh: bool, ctx: &mut Ctx) {
        let was_running = self.is_running();
        self.cancel_poll(ctx);
        self.record.report(StatusKind::Status, STARTING);
        self.record.enter(PluginState::Starting, None);
        if self.attached.is_some() {
            self.outbox.push(ToBroker::StartBuffering);
        }
        self.send_then(ctx, move |plugin, ctx| {
            if was_running {
                plugin.stop_guest(fresh);
            }
            plugin.take_over_next();
            plugin.prepare(ctx);
        });
    }

    /// Calls `plugin_stop`; false when that failed. Then, or when asked, the instance is dropped (§3.3).
    pub(super) fn stop_guest(&mut self, discard: bool) -> bool {
        let Some(guest) = &mut self.guest else { return true };
        let handling = self.observed.begin();
        let result = guest.stop();
        self.observed.end(handling, 0);
        self.collect_emitted();
        self.host.withdraw();
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

    pub(super) fn drop_guest(&mut self) {
        self.guest = None;
        self.host.withdraw();
        self.record.retire_instance(self.queue.len());
    }

    /// Makes sure that there is an instance, when the plugin may have one.
    pub(super) fn prepare(&mut self, ctx: &mut Ctx) {
        match self.record.admit() {
            Ok(None) => {}
            Ok(Some(problem)) => self.complain(&problem),
            Err(error) => return self.refuse_without_consent(&error.to_string(), ctx),
        }
        match &self.compiled {
            _ if self.guest.is_some() => self.attach(ctx),
            Some(compiled) => self.bring_up(compiled.clone(), ctx),
            None => {
                let compiling = module::compile(self.module_source(self.record.package()));
                ctx.wait(compiling.into_actor(self).map(|compiled, plugin, ctx| match compiled {
                    Ok(compiled) => {
                        plugin.compiled = Some(compiled.clone());
                        plugin.bring_up(compiled, ctx);
                    }
                    Err(error) => plugin.start_failed(&error.to_string(), false, ctx),
                }));
            }
        }
    }

    fn bring_up(&mut self, compiled: CompiledPlugin, ctx: &mut Ctx) {
        if let Err(error) = self.prepare_storage() {
            let reason =
                format!("its directory {} can't be prepared: {error}", self.record.config.vfs_root().display());
            return self.start_failed(&reason, false, ctx);
        }
        match self.instantiate(&compiled) {
            Ok(()) => self.attach(ctx),
            Err(error) => {
                if let LoadError::Initialize(error) = &error {
                    self.record.count_failure(error);
                }
                self.start_failed(&error.to_string(), error.is_crash(), ctx);
            }
        }
    }

    fn prepare_storage(&self) -> std::io::Result<()> {
        if !self.record.package().has_storage() {
            return Ok(());
        }
        let prepared = storage::prepare(&self.record.config, &self.limits)?;
        if prepared.migrated > 0 {
            log::info!(
                "plugin {}: {} files of an earlier plugin are in its data directory now",
                self.id(),
                prepared.migrated
            );
        }
        if !prepared.left_out.is_empty() {
            let problem = format!(
                "files of an earlier plugin were not taken over, they are too large: {}",
                prepared.left_out.join(", ")
            );
            if self.record.note(&problem) {
                log::warn!("plugin {}: {problem}", self.id());
            }
        }
        Ok(())
    }

    fn instantiate(&mut self, compiled: &CompiledPlugin) -> Result<(), LoadError> {
        let sandbox = Sandbox::of(&self.record.package(), self.record.config.vfs_root());
        let mut guest = self.runtime.instantiate(compiled, self.host.clone(), sandbox, &self.limits)?;
        let name = guest.name().map_err(LoadError::Initialize)?;
        let schema = guest.schema().map_err(LoadError::Initialize)?;
        self.describe(guest.abi(), &name, &schema);
        self.read_endpoints(&mut *guest).map_err(LoadError::Initialize)?;
        self.guest = Some(guest);
        Ok(())
    }

    /// Has deltas kept for an instance that wants them and does not get any yet.
    fn attach(&mut self, ctx: &mut Ctx) {
        self.collect_emitted();
        if self.attached.is_none()
            && let Some(subscription) = self.subscription()
        {
            self.attach_to(subscription, ctx);
        }
        self.send_then(ctx, Self::launch);
    }

    fn attach_to(&mut self, subscription: Subscription, ctx: &mut Ctx) {
        self.attached = Some(subscription.clone());
        self.outbox.push(ToBroker::Attach(subscription, ctx.address().recipient()));
    }

    /// Which deltas the instance wants, if any (§7.5). A plugin that lists paths knows what it wants: its own deltas come back to it only
    /// when it asks for them. One that lists none gets everything.
    fn subscription(&self) -> Option<Subscription> {
        if !self.guest.as_ref().is_some_and(|guest| guest.has_delta_handler()) {
            return None;
        }
        let package = self.record.package();
        let (scope, own_deltas) = match &package.subscriptions {
            None => (Scope::Whole, true),
            Some(globs) => (
                Scope::WholeIfAny(globs.iter().map(|glob| Glob::new(glob)).collect()),
                package.package_json["signalk"]["wasm"]["ownDeltas"] == true,
            ),
        };
        Some(Subscription { topic: Topic::new(ContextPattern::all(), scope), own_deltas })
    }

    fn launch(&mut self, ctx: &mut Ctx) {
        let (revision, config) = self.record.saved_revision();
        let config = config.unwrap_or_default();
        self.started_with = revision;
        self.host.set_debug(config.enable_debug());
        let Some(guest) = &mut self.guest else { return };
        let handling = self.observed.begin();
        let result = guest.start(&config.start_json());
        self.observed.end(handling, 0);
        self.collect_emitted();
        match result {
            Ok(0) => self.go(ctx),
            Ok(code) => self.start_failed(&format!("Plugin start() returned error code: {code}"), false, ctx),
            Err(error) => {
                self.record.count_failure(&error);
                self.start_failed(&error.to_string(), error.is_crash(), ctx);
            }
        }
    }

    /// The instance did not start. After a reload the former module gets its place back.
    pub(super) fn start_failed(&mut self, reason: &str, is_crash: bool, ctx: &mut Ctx) {
        if self.put_back(reason) {
            return self.prepare(ctx);
        }
        match is_crash {
            true => self.crash(reason, ctx),
            false => self.fail(reason, ctx),
        }
    }

    fn go(&mut self, ctx: &mut Ctx) {
        if self.trial.is_some() {
            self.report_trial();
        } else if self.record.board.get(self.id()).is_some_and(|entry| entry.message == STARTING) {
            // It has said nothing of itself.
            self.record.report(StatusKind::Status, "Started");
        }
        self.record.enter(PluginState::Running, None);
        log::info!("plugin {} started", self.id());
        self.clear_alarm("Plugin started");
        // Only now is it certain that this module stays, which may want other deltas than the one before.
        match self.subscription() {
            None => self.detach(),
            Some(subscription) if self.attached.as_ref() != Some(&subscription) => self.attach_to(subscription, ctx),
            Some(_) => {}
        }
        if self.attached.is_some() {
            self.outbox.push(ToBroker::StopBuffering);
        }
        self.schedule_poll(Instant::now(), ctx);
        self.mind_extras(ctx);
        // Who is told that it runs may rely on its getting deltas.
        self.send_then(ctx, |plugin, ctx| {
            plugin.answer(&Ok(()));
            plugin.resume_events(ctx);
            plugin.schedule_delivery(ctx);
        });
    }

    /// The plugin can't run, and trying again would not help.
    pub(super) fn fail(&mut self, reason: &str, ctx: &mut Ctx) {
        log::error!("plugin {}: failed to start: {reason}", self.id());
        self.give_up_start(&format!("Failed to start: {reason}"), reason);
        self.answer(&Err(PluginError::Start(reason.to_owned())));
        self.send(ctx);
    }

    /// Tells the operator of a problem that does not keep the plugin from its work, once.
    pub(super) fn complain(&self, problem: &str) {
        if self.record.note(problem) {
            log::error!("plugin {}: {problem}", self.id());
        }
    }

    fn refuse_without_consent(&mut self, reason: &str, ctx: &mut Ctx) {
        log::error!("plugin {}: not started: {reason}", self.id());
        self.give_up_start(reason, reason);
        self.answer(&Err(PluginError::ConsentNeeded(reason.to_owned())));
        self.send(ctx);
    }

    fn give_up_start(&mut self, status: &str, reason: &str) {
        self.collect_emitted();
        self.drop_guest();
        self.detach();
        self.forget_extras();
        self.record.report(StatusKind::Error, status);
        self.record.enter(PluginState::Error, Some(reason.to_owned()));
    }

    /// The instance failed. What it was given is done with, what waits is kept, and the broker says how to go on (§7.2).
    pub(super) fn crash(&mut self, reason: &str, ctx: &mut Ctx) {
        log::error!("plugin {}: crashed: {reason}", self.id());
        self.cancel_poll(ctx);
        self.collect_emitted();
        self.drop_guest();
        self.crashes += 1;
        self.record.count_crash();
        self.record.report(StatusKind::Error, &format!("Crashed: {reason}"));
        self.record.enter(PluginState::Crashed, Some(reason.to_owned()));
        self.answer(&Err(PluginError::Start(format!("Crashed: {reason}"))));
        if self.attached.is_some() && self.queue.is_empty() {
            self.outbox.push(ToBroker::StartBuffering);
            self.outbox.push(ToBroker::Ready);
        }
        let sending = self.sending();
        let broker = self.broker.clone();
        let report = ReportCrash { consumer: self.consumer(), crash: self.crashes, restart: ctx.address().recipient() };
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
        self.forget_extras();
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

    pub(super) fn clear_alarm(&mut self, message: &str) {
        if std::mem::take(&mut self.alarmed) {
            self.raise(&json!({"state": "normal", "method": [], "message": message}));
        }
    }

    /// Stops the plugin because a person wants it stopped.
    pub(super) fn stop(&mut self, ctx: &mut Ctx) {
        let was_running = self.is_running();
        self.cancel_poll(ctx);
        self.detach();
        self.forget_extras();
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

    pub(super) fn detach(&mut self) {
        self.queue.clear();
        if self.attached.take().is_some() {
            self.outbox.push(ToBroker::Detach);
        }
    }

    pub(super) fn cancel_poll(&mut self, ctx: &mut Ctx) {
        if let Some(poll) = self.poll.take() {
            ctx.cancel_future(poll);
        }
    }

    fn answer(&mut self, result: &Result<(), PluginError>) {
        self.answer_trial(result);
        for waiting in self.waiting.drain(..) {
            // Who has stopped waiting does not mind.
            let _ = waiting.send(result.clone());
        }
    }
}
