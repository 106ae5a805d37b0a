//! What the operator does with plugins besides configuring them: reload, consent, read their log, see how the bus treats them (§8.4).

use std::sync::{Arc, PoisonError, Weak};

use actix::prelude::*;
use serde_json::{Value, json};
use tokio::time::{Duration, sleep, timeout};
use windlass_broker::{CollectBrokerStatistics, ConsumerStatistics};
use windlass_wasm_host::PluginPackage;

use super::error::PluginError;
use super::log_book::LogExcerpt;
use super::manager::{Entry, Inner, PluginManager, blocking};
use super::plugin::{ApplyConfig, Plugin};
use super::record::{PluginState, Record};
use super::reload::Reload;
use super::watch::{Stamps, Watcher};
use crate::plugins::config_store::Revision;

/// Longest time that a reader of a log may wait for the next line.
const MAX_WAIT: Duration = Duration::from_secs(25);

impl PluginManager {
    /// Reads a plugin's `package.json` and module anew and runs them in place of the present ones, without losing a delta (§7.3). Waits
    /// until that is done, at most two minutes.
    ///
    /// # Errors
    /// No such plugin, it is just being started or reloaded; or the new module is no good, or asks for more than was consented to: then what
    /// ran before runs on.
    pub async fn reload(&self, id: &str) -> Result<(), PluginError> {
        let entry = self.0.find(id)?;
        if entry.record.is_duplicate() || !self.0.launcher.runs_plugins() {
            return Err(entry.reason());
        }
        let busy = || PluginError::Busy(entry.record.id().to_owned());
        let _reloading = entry.record.begin_reload().ok_or_else(busy)?;
        if entry.record.state() == PluginState::Starting {
            return Err(busy());
        }
        let former = entry.record.package();
        let read = blocking(move || {
            let package = PluginPackage::read(&former.directory, &former.name);
            package.map(|package| PluginPackage { bundled: former.bundled, ..package })
        });
        let Some(read) = read.await else { return Err(PluginError::ShutDown(entry.record.id().to_owned())) };
        let gone = "its package.json is gone, or has none of the keywords of a plugin; install the plugin again";
        let mut package = read.ok_or_else(|| PluginError::Invalid(gone.to_owned()))?;
        if let Some(problem) = &package.problem {
            return Err(PluginError::Invalid(problem.to_string()));
        }
        self.0.launcher.restrict(&mut package);
        let plugin = self.actor_of(&entry)?;
        let hurry = entry.record.waits.cut_short();
        let answer = tokio::spawn(plugin.send(Reload { package: Arc::new(package), hurry }));
        match timeout(self.0.timing.reload, answer).await {
            Ok(Ok(Ok(answer))) => answer,
            Ok(_) => Err(PluginError::ShutDown(entry.record.id().to_owned())),
            // It will be told by the plugin's status how it ends.
            Err(_) => Err(busy()),
        }
    }

    /// The actor of a plugin; one that could not be run so far gets its actor now, which waits for the module.
    fn actor_of<'a>(&self, entry: &'a Entry) -> Result<&'a Addr<Plugin>, PluginError> {
        // Held by nobody who panics half way: the cell is set in one step.
        let _one_at_a_time = self.0.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plugin) = entry.plugin.get() {
            return Ok(plugin);
        }
        let plugin = self.0.launcher.launch(&entry.record, true).map_err(PluginError::Invalid)?;
        Ok(entry.plugin.get_or_init(|| plugin))
    }

    /// Agrees to what a plugin asks for now, and starts it when it is enabled; waits as [`save_config`](Self::save_config) does. Where a
    /// reload was refused for want of consent, it is for that version, which is loaded then as [`reload`](Self::reload) does.
    ///
    /// # Errors
    /// No such plugin, the consent can't be saved; or it is saved, but the plugin does not start.
    pub async fn consent(&self, id: &str) -> Result<(), PluginError> {
        let entry = self.0.find(id)?;
        if entry.record.is_duplicate() {
            return Err(entry.reason());
        }
        let record = entry.record.clone();
        let giving = blocking(move || record.give_consent()).await;
        let reload = match giving {
            Some(given) => given.map_err(PluginError::ConsentNotSaved)?,
            None => return Err(PluginError::ShutDown(entry.record.id().to_owned())),
        };
        match entry.plugin.get() {
            Some(_) if reload => self.reload(entry.record.id()).await,
            Some(plugin) => {
                self.0
                    .ask(&entry, plugin, ApplyConfig { revision: Revision::default(), restart: false, hurry: None })
                    .await
            }
            None => Ok(()),
        }
    }

    /// The latest lines about and from a plugin, those after number `after`. When there are none yet, waits for one, at most `wait` or 25
    /// seconds.
    ///
    /// # Errors
    /// No such plugin.
    pub async fn log(&self, id: &str, after: u64, wait: Duration) -> Result<LogExcerpt, PluginError> {
        let record = self.0.find(id)?.record.clone();
        Ok(record.log.wait_after(after, wait.min(MAX_WAIT)).await)
    }

    /// What plugins want of the bus and how far they are with it (§7.6): `{totalSubscriptions, activePlugins, bufferingPlugins,
    /// bufferedDeltas, plugins: [{id, state, patterns, ownDeltas, subscribed, buffering, queuedDeltas, mostQueued, deliveredDeltas,
    /// droppedDeltas, recentCrashes, cpuShare, cpuLimit, memoryBytes, memoryLimit, emittedPerSecond, refusedDeltas, crashCount}]}`. `patterns` is null
    /// for a plugin that gets everything; `cpuShare` is of one core, in the last ten seconds.
    pub async fn statistics(&self) -> Value {
        let broker = self.0.broker.send(CollectBrokerStatistics).await;
        let consumers = broker.map(|broker| broker.consumers).unwrap_or_default();
        let (mut plugins, mut subscriptions, mut active, mut buffering, mut buffered) = (Vec::new(), 0, 0, 0, 0);
        for record in self.0.records().iter().filter(|record| !record.is_duplicate()) {
            let consumer = consumers.iter().find(|consumer| consumer.consumer.0 == record.id());
            active += u64::from(record.state() == PluginState::Running);
            if let Some(consumer) = consumer.filter(|consumer| consumer.attached) {
                subscriptions += record.package().subscriptions.as_ref().map_or(1, Vec::len);
                buffering += u64::from(consumer.buffering);
                buffered += consumer.queued;
            }
            plugins.push(row(record, consumer));
        }
        json!({
            "totalSubscriptions": subscriptions,
            "activePlugins": active,
            "bufferingPlugins": buffering,
            "bufferedDeltas": buffered,
            "plugins": plugins,
        })
    }
}

fn row(record: &Record, consumer: Option<&ConsumerStatistics>) -> Value {
    let package = record.package();
    let own_deltas = package.subscriptions.is_none() || package.package_json["signalk"]["wasm"]["ownDeltas"] == true;
    let mut row = json!({
        "id": record.id(),
        "state": record.state(),
        "patterns": package.subscriptions,
        "ownDeltas": own_deltas,
        "subscribed": consumer.is_some_and(|consumer| consumer.attached),
        "buffering": consumer.is_some_and(|consumer| consumer.attached && consumer.buffering),
        "queuedDeltas": consumer.map_or(0, |consumer| consumer.queued),
        "mostQueued": consumer.map_or(0, |consumer| consumer.most_queued),
        "deliveredDeltas": consumer.map_or(0, |consumer| consumer.delivered),
        "droppedDeltas": consumer.map_or(0, |consumer| consumer.dropped),
        "recentCrashes": consumer.map_or(0, |consumer| consumer.crashes),
    });
    for (key, value) in record.cost() {
        row[key] = value;
    }
    row
}

/// Reloads plugins whose files have changed, until the manager is gone.
pub(super) async fn watch_files(manager: Weak<Inner>, period: Duration) {
    let mut watcher = Watcher::default();
    loop {
        let Some(inner) = manager.upgrade() else { return };
        // While none is run there is nothing to reload; what has changed meanwhile is read when they are started.
        let runs = inner.launcher.runs_plugins();
        let records: Vec<_> = inner.records().into_iter().filter(|record| runs && !record.is_duplicate()).collect();
        drop(inner);
        let look = move || records.iter().map(|r| (r.id().to_owned(), Stamps::of(&r.package()))).collect::<Vec<_>>();
        for (id, stamps) in blocking(look).await.unwrap_or_default() {
            if !watcher.look(&id, stamps) {
                continue;
            }
            let Some(inner) = manager.upgrade() else { return };
            log::info!("plugin {id}: its files have changed");
            match PluginManager(inner).reload(&id).await {
                Ok(()) => log::info!("plugin {id}: reloaded"),
                Err(PluginError::Busy(_)) => watcher.again(&id),
                Err(error) => log::error!("plugin {id}: not reloaded: {error}"),
            }
        }
        sleep(period).await;
    }
}
