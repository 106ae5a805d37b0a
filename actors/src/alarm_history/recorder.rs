//! The stage that sees the notifications.

use std::time::{Duration, Instant};

use serde_json::Value;
use windlass_broker::{Delta, Judged, NameError, Priorities, SourceRef, Stage, Timestamp};

use super::entries::Seen;
use super::history::AlarmHistory;
use crate::notifications::{AlarmState, ROOT};

/// The name of the stage.
const NAME: &str = "alarmHistory";
/// How long after the start whoever raised alarms before it may take to raise them again.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often it is looked whether that time is over.
const LOOK: Duration = Duration::from_secs(30);

/// The stage that notes in the [`AlarmHistory`] what it sees, of all contexts and sources.
#[derive(Debug)]
pub struct AlarmRecorder {
    name: SourceRef,
    history: AlarmHistory,
    /// When alarms of before the start are over that nobody has raised again.
    lost_at: Option<Instant>,
}

impl AlarmRecorder {
    /// Notes in this history. It comes behind the [`crate::notifications::NotificationManager`], which says what was done about alarms.
    ///
    /// # Errors
    /// There are too many names.
    pub fn new(history: AlarmHistory) -> Result<Self, NameError> {
        Ok(Self { name: SourceRef::new(NAME)?, history, lost_at: Some(Instant::now() + PATIENCE) })
    }
}

impl Stage for AlarmRecorder {
    fn name(&self) -> &SourceRef {
        &self.name
    }

    fn observe(&mut self, judged: &Judged, _: Instant, _: &mut Vec<Delta>) {
        let delta = judged.delta().delta();
        for update in &delta.updates {
            for value in &update.values {
                if !value.path.as_str().starts_with(ROOT) {
                    continue;
                }
                let notification = value.value.to_value();
                let Some(state) = AlarmState::of(&notification) else { continue };
                let is = |flag: &str| notification["status"][flag] == true;
                self.history.see(&Seen {
                    context: delta.context.as_str(),
                    path: value.path.as_str(),
                    source: update.source_ref.as_str(),
                    state,
                    message: notification.get("message").and_then(Value::as_str).unwrap_or_default(),
                    silenced: is("silenced"),
                    acknowledged: is("acknowledged"),
                    now: &Timestamp::now().to_string(),
                });
            }
        }
    }

    fn tick(&mut self, now: Instant, _: &Priorities, _: &mut Vec<Delta>) {
        if self.lost_at.take_if(|at| *at <= now).is_some() {
            self.history.end_lost(&Timestamp::now().to_string());
        }
    }

    fn tick_interval(&self) -> Option<Duration> {
        Some(LOOK)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use windlass_broker::{Context, DeltaVersion, Intake, Provider};

    use super::*;
    use crate::notifications::NotificationManager;

    #[test]
    fn notifications_of_all_contexts_are_noted_with_what_was_done() {
        let own = Context::new("vessels.urn:mrn:imo:mmsi:1").expect("a context");
        let provider = Provider::new("test").expect("a name");
        let mut manager = NotificationManager::new(provider.id.clone(), own.clone());
        let intake = Intake { self_context: own.clone(), provider, override_timestamps: false };
        let history = AlarmHistory::volatile(own.as_str());
        let mut recorder = AlarmRecorder::new(history.clone()).expect("a name");
        let mut tell = |context: &str, values: Value, by_hand: bool| {
            let text = json!({"context": context, "updates": [{"$source": "s", "values": values}]}).to_string();
            let mut delta = intake.take(&text, DeltaVersion::V1).delta.expect("a delta");
            delta.updates[0].notification_id = by_hand.then(|| "x".into());
            manager.admit(&mut delta);
            recorder.observe(&Judged::accepted(delta), Instant::now(), &mut Vec::new());
        };
        let alarm = json!({"state": "alarm", "method": ["visual", "sound"], "message": "Bilge"});
        tell("vessels.self", json!([{"path": "a", "value": 1}, {"path": "notifications.a", "value": alarm}]), false);
        tell("vessels.urn:mrn:imo:mmsi:2", json!([{"path": "notifications.a", "value": alarm}]), false);
        tell("vessels.self", json!([{"path": "notifications.a", "value": {"state": "alarm", "method": []}}]), true);
        tell("vessels.self", json!([{"path": "notifications.odd", "value": "alarm"}]), false);
        let noted = history.newest_first();
        assert_eq!(noted.len(), 2, "{noted:?}");
        let [other, mine] = [&noted[0], &noted[1]];
        assert_eq!((other.context.as_str(), &other.acknowledged), ("vessels.urn:mrn:imo:mmsi:2", &None));
        assert_eq!((mine.message.as_str(), mine.state, mine.source.as_str()), ("Bilge", AlarmState::Alarm, "s"));
        assert!(mine.silenced.is_some() && mine.acknowledged.is_some());
        tell("vessels.self", json!([{"path": "notifications.a", "value": null}]), false);
        assert_eq!(history.newest_first()[0].state, AlarmState::Normal);
    }
}
