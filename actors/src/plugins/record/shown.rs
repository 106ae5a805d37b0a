//! A record as the management API shows it (§8).

use std::time::Instant;

use serde_json::{Map, Value, json};
use windlass_wasm_host::DiskUsage;

use super::super::config::PluginConfig;
use super::{PluginState, Record};

impl Record {
    fn status_message(&self) -> String {
        match self.lock().state {
            PluginState::Disabled => return "WASM interface disabled".to_owned(),
            _ if self.package().problem.is_some() => {}
            _ => return self.board.get(self.id()).map(|entry| entry.message).unwrap_or_default(),
        }
        self.error().unwrap_or_default()
    }

    /// The saved settings with what is forced on them from outside; `{}` without any (§8.1).
    fn data(&self) -> Map<String, Value> {
        let saved = self.saved();
        let by_default = saved.is_none() && self.enablement.by_default;
        let mut data = saved.map(PluginConfig::into_object).unwrap_or_default();
        if self.enablement.disable_all || !self.enablement.wasm {
            data.insert("enabled".into(), false.into());
        } else if by_default {
            data.insert("enabled".into(), true.into());
        }
        data
    }

    /// An item of the plugin list (§8.1). Reads the configuration file.
    pub(in crate::plugins) fn list_item(&self) -> Value {
        let (data, package) = (self.data(), self.package());
        let condition = self.lock();
        let mut item = json!({
            "id": self.id(),
            "name": condition.name,
            "packageName": package.name,
            "keywords": package.keywords,
            "version": package.version,
            "description": package.description,
            "schema": condition.schema,
            "statusMessage": null,
            "state": condition.state,
            "data": data,
            "type": "wasm",
            "bundled": package.bundled,
        });
        drop(condition);
        // After the state: texts are reported before states, so this one is not older.
        item["statusMessage"] = self.status_message().into();
        item
    }

    /// The answer of `GET …/plugins/<id>` (§8.2). Reads the configuration file.
    pub(in crate::plugins) fn info(&self) -> Value {
        let package = self.package();
        json!({
            "enabled": self.wanted(self.saved().as_ref()),
            "enabledByDefault": self.enablement.by_default || package.enabled_by_default,
            "id": self.id(),
            "name": self.name(),
            "version": package.version,
        })
    }

    /// The answer of `GET …/plugins/<id>/config`: the file over the defaults (§8.2).
    pub(in crate::plugins) fn config_json(&self) -> Value {
        let mut config = Map::from_iter([
            ("enabled".to_owned(), self.wanted(None).into()),
            ("enableDebug".to_owned(), false.into()),
        ]);
        config.extend(self.data());
        config.into()
    }

    /// The answer of `GET …/plugins/<id>/status` (§8.4), without what only the broker and the disk know.
    pub(in crate::plugins) fn status(&self) -> Map<String, Value> {
        let package = self.package();
        let (consented, missing) = (self.consented(), self.missing_consent());
        let condition = self.lock();
        let calls = condition.all_calls();
        let mut status = json!({
            "id": self.id(),
            "state": condition.state,
            "statusMessage": null,
            "errorMessage": condition.error,
            "crashCount": condition.crash_count,
            "lastCrash": condition.last_crash,
            "restartBackoff": condition.restart_backoff.map(|delay| delay.as_millis() as u64),
            "version": package.version,
            "capabilities": package.capabilities,
            "consented": consented,
            "missingConsent": missing,
            "pendingVersion": self.pending().map(|pending| pending.version.clone()),
            "capabilityWarnings": package.capability_warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "abi": condition.abi,
            "memoryBytes": condition.memory_bytes,
            "queuedDeltas": condition.queued,
            "refusedDeltas": condition.refused_deltas.total(),
            "refusedDeltasByReason": condition.refused_deltas,
            "deniedCalls": condition.denied_calls,
            "refusedRequests": condition.refused_requests,
            "sockets": condition.sockets,
            "fetches": condition.fetches,
            "notices": condition.notices,
            "calls": {
                "count": calls.count,
                "failed": calls.failed,
                "maxMs": calls.longest.as_secs_f64() * 1000.0,
            },
        });
        drop(condition);
        status["statusMessage"] = self.status_message().into();
        match status {
            Value::Object(status) => status,
            _ => Map::new(),
        }
    }

    /// What it costs, for the list of all plugins: `{cpuShare, cpuLimit, memoryBytes, memoryLimit, emittedPerSecond, refusedDeltas, crashCount}`;
    /// see [`limits_json`](Self::limits_json).
    pub(in crate::plugins) fn cost(&self) -> Map<String, Value> {
        let now = Instant::now();
        let (cpu, share, emitted) = {
            let mut budgets = self.budgets();
            (budgets.cpu.used(now), budgets.cpu.share(), budgets.deltas.used(now))
        };
        let condition = self.lock();
        Map::from_iter([
            ("cpuShare".to_owned(), cpu.into()),
            ("cpuLimit".to_owned(), share.into()),
            ("memoryBytes".to_owned(), condition.memory_bytes.into()),
            ("memoryLimit".to_owned(), self.limits.sandbox.memory_bytes.into()),
            ("emittedPerSecond".to_owned(), emitted.into()),
            ("refusedDeltas".to_owned(), condition.refused_deltas.total().into()),
            ("crashCount".to_owned(), condition.crash_count.into()),
        ])
    }

    /// What the plugin may use up, uses, and how often it wanted more (§8.4). `disk`: what its files take.
    ///
    /// `used` is what it uses now, except for what is over as soon as it happened: there it is the peak, of the longest call and of the
    /// largest answer. Where the name says per second or per minute, it is what was used of the present one, or lately. `exceeded` counts
    /// since the server started, over all instances.
    pub(in crate::plugins) fn limits_json(&self, disk: DiskUsage) -> Value {
        let row =
            |limit: Value, used: Value, exceeded: Value| json!({"limit": limit, "used": used, "exceeded": exceeded});
        let (sandbox, now) = (&self.limits.sandbox, Instant::now());
        let (share, cpu, throttled, rate, refused) = {
            let mut budgets = self.budgets();
            let (used, rate) = (budgets.cpu.used(now), budgets.deltas.used(now));
            let refused = budgets.deltas.refused();
            (budgets.cpu.share(), used, budgets.cpu.throttled(), rate, refused)
        };
        let round = |value: f64| Value::from((value * 1000.0).round() / 1000.0);
        let condition = self.lock();
        let (longest, uses) = (condition.all_calls().longest, condition.all_uses());
        let fetches = if uses.fetches_until.is_some_and(|end| now < end) { uses.fetches } else { 0 };
        json!({
            "memoryBytes": row(sandbox.memory_bytes.into(), condition.memory_bytes.into(), condition.exceeded.memory.into()),
            "tableElements": row(
                sandbox.table_elements.into(),
                uses.table_elements.into(),
                uses.tables_refused.into(),
            ),
            "callMs": row(
                json!(sandbox.deadlines),
                round(longest.as_secs_f64() * 1000.0),
                condition.exceeded.deadline.into(),
            ),
            "cpuShare": row(share.into(), round(cpu), throttled.into()),
            "emittedDeltasPerSecond": row(self.limits.emitted_deltas_per_second.into(), round(rate), refused.into()),
            "fileBytes": row(
                sandbox.file_bytes.into(),
                disk.total_bytes.into(),
                uses.file_bytes_refused.into(),
            ),
            "files": row(sandbox.files.into(), disk.file_count.into(), uses.files_refused.into()),
            "answerBytes": row(
                sandbox.answer_bytes.into(),
                uses.largest_answer.into(),
                uses.answers_refused.into(),
            ),
            "sockets": row(
                sandbox.open_sockets.into(),
                condition.sockets.open.into(),
                condition.sockets.refused.into(),
            ),
            "fetchesPerMinute": row(
                sandbox.fetches_per_minute.into(),
                fetches.into(),
                condition.fetches.refused.into(),
            ),
            "logLinesPerSecond": row(
                sandbox.log_lines_per_second.into(),
                self.log.lines_per_second().into(),
                uses.lines_dropped.into(),
            ),
        })
    }
}
