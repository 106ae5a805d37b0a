//! Hot reload: a new module takes over while deltas are kept, and the former one comes back when it fails (§7.3).
//!
//! ```text
//! package.json and module read, compiled, tried out, consented to ──fails──► nothing changes
//!   │ the former module runs on meanwhile
//!   ▼
//! deltas kept ► former stopped ► new one started ──fails──► former one started ► kept deltas, in order ► live
//!                                  └─► kept deltas, in order ► live
//! ```

use std::sync::Arc;

use actix::prelude::*;
use tokio::sync::oneshot;
use windlass_wasm_host::{CompiledPlugin, CutShort, PluginPackage};

use super::consent::ConsentError;
use super::error::PluginError;
use super::log_book::{LogLevel, LogSource};
use super::module::{self, Examined};
use super::plugin::Plugin;
use super::record::{Admission, PluginState};
use super::to_broker::ToBroker;
use crate::StatusKind;

/// What a reloaded plugin says of itself until it says something else.
const RELOADED: &str = "Reloaded successfully";

type Answer = oneshot::Sender<Result<(), PluginError>>;

/// Run this version of the package from now on. Answered when it runs, or the former one again.
#[derive(Message)]
#[rtype(result = "Result<(), PluginError>")]
pub(super) struct Reload {
    /// The package as it was read now.
    pub package: Arc<PluginPackage>,
    /// Until the new module is looked at, the plugin waits for nothing outside.
    pub hurry: CutShort,
}

/// A package with its compiled module.
pub(super) struct NewModule {
    pub package: Arc<PluginPackage>,
    pub compiled: CompiledPlugin,
    /// The consent that it has been started with, if it has been.
    pub admission: Option<Admission>,
}

/// The first start of a new module.
pub(super) struct Trial {
    /// What ran before, until it has been put back.
    former: Option<NewModule>,
    /// Why it was put back.
    failure: Option<String>,
    answer: Answer,
}

impl Handler<Reload> for Plugin {
    type Result = ResponseFuture<Result<(), PluginError>>;

    fn handle(&mut self, Reload { package, hurry }: Reload, ctx: &mut Self::Context) -> Self::Result {
        let id = self.id().to_owned();
        if std::mem::replace(&mut self.examining, true) {
            return Box::pin(std::future::ready(Err(PluginError::Busy(id))));
        }
        let (answer, answered) = oneshot::channel();
        let examining = module::examine(self.module_source(package.clone()).hurried(hurry));
        // Not waited for: the former module goes on with its work.
        ctx.spawn(examining.into_actor(self).map(move |(examined, hurry), plugin, ctx| {
            drop(hurry);
            plugin.examining = false;
            match examined {
                Ok(examined) => plugin.swap(package, examined, answer, ctx),
                Err(error) => plugin.refuse_module(&package, &error.to_string(), answer, ctx),
            }
        }));
        Box::pin(async move { answered.await.unwrap_or(Err(PluginError::ShutDown(id))) })
    }
}

impl Plugin {
    fn swap(&mut self, package: Arc<PluginPackage>, examined: Examined, answer: Answer, ctx: &mut Context<Self>) {
        let Examined { compiled, name, schema, own_id } = examined;
        self.import_config(own_id.as_deref());
        let abi = compiled.abi();
        let wanted = self.record.wanted(self.record.saved().as_ref());
        // One that waits for its restart after a crash may yet be better than the new one.
        let lives = matches!(self.record.state(), PluginState::Running | PluginState::Crashed);
        let former = self.compiled.clone().filter(|_| lives);
        let former = former.map(|compiled| {
            let (package, admission) = (self.record.package(), self.record.admission());
            NewModule { package, compiled, admission }
        });
        if wanted && former.is_some() {
            match self.record.consents.admit(&package) {
                Ok(None) => {}
                Ok(Some(problem)) => self.complain(&problem),
                Err(error) => return self.hold_back(package, &error, answer),
            }
        }
        self.next = Some(NewModule { package, compiled, admission: None });
        if wanted {
            self.trial = Some(Trial { former, failure: None, answer });
            self.outbox.push(ToBroker::Forgive);
            return self.begin(true, ctx);
        }
        if self.is_running() {
            // Switched off behind our back, in its configuration file.
            self.stop_guest(true);
        }
        self.cancel_poll(ctx);
        self.detach();
        self.forget_extras();
        self.clear_alarm("Plugin stopped");
        self.take_over_next();
        self.describe(abi, &name, &schema);
        self.record.report(StatusKind::Status, RELOADED);
        self.record.enter(PluginState::Stopped, None);
        self.send_then(ctx, |_, _| {
            // Who has stopped waiting does not mind.
            let _ = answer.send(Ok(()));
        });
    }

    /// The new version asks for more than the operator has consented to: it waits for that, and what there is stays.
    fn hold_back(&mut self, package: Arc<PluginPackage>, error: &ConsentError, answer: Answer) {
        let reason = format!("Reload failed, the former version stays: {error}");
        log::error!("plugin {}: {reason}", self.id());
        self.record.log.write(LogLevel::Error, LogSource::Server, &reason);
        self.record.set_pending(Some(package));
        self.record.report(StatusKind::Error, &reason);
        // Who has stopped waiting does not mind.
        let _ = answer.send(Err(PluginError::ConsentNeeded(error.to_string())));
    }

    /// The new module is no good: what there is stays.
    fn refuse_module(&mut self, package: &Arc<PluginPackage>, reason: &str, answer: Answer, ctx: &mut Context<Self>) {
        log::error!("plugin {}: not reloaded: {reason}", self.id());
        self.record.log.write(LogLevel::Error, LogSource::Server, &format!("not reloaded: {reason}"));
        self.record.set_pending(None);
        let _ = answer.send(Err(PluginError::Invalid(reason.to_owned())));
        // Nothing runs that could be left running: then the latest reason is of more use than the first.
        if self.record.state() == PluginState::Error {
            self.compiled = None;
            self.record.replace_package(package.clone());
            self.fail(reason, ctx);
        }
    }

    /// Puts the new module in the place of the former one, which has been stopped.
    pub(super) fn take_over_next(&mut self) {
        if let Some(next) = self.next.take() {
            self.install(next);
        }
    }

    fn install(&mut self, module: NewModule) {
        self.drop_guest();
        self.compiled = Some(module.compiled);
        self.record.replace_package(module.package);
        self.record.restore_admission(module.admission);
        self.host.package_changed();
    }

    /// After a failed start: puts the former module back. False when there is none to put back.
    pub(super) fn put_back(&mut self, reason: &str) -> bool {
        let Some(trial) = &mut self.trial else { return false };
        let Some(former) = trial.former.take() else { return false };
        trial.failure = Some(reason.to_owned());
        log::error!("plugin {}: the new module does not start, the former one is put back: {reason}", self.id());
        let line = format!("the new module does not start, the former one is put back: {reason}");
        self.record.log.write(LogLevel::Error, LogSource::Server, &line);
        self.collect_emitted();
        self.install(former);
        true
    }

    /// The status text after the first start of a new module, or after the former one was put back.
    pub(super) fn report_trial(&self) {
        match self.trial.as_ref().and_then(|trial| trial.failure.as_ref()) {
            None => self.record.report(StatusKind::Status, RELOADED),
            Some(reason) => {
                self.record.report(StatusKind::Error, &format!("Reload failed, the former version runs: {reason}"));
            }
        }
    }

    /// Tells who asked for the reload how it ended.
    pub(super) fn answer_trial(&mut self, result: &Result<(), PluginError>) {
        let Some(trial) = self.trial.take() else { return };
        let result = match (trial.failure, result) {
            (Some(reason), _) => Err(PluginError::Invalid(reason)),
            (None, Err(PluginError::Start(reason))) => Err(PluginError::Invalid(reason.clone())),
            (None, result) => result.clone(),
        };
        // Who has stopped waiting does not mind.
        let _ = trial.answer.send(result);
    }
}
