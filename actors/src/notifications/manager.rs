//! Gives every notification an id, says what can be done about it and what was (signalk-v1 §7.1).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use smallvec::SmallVec;
use uuid::Uuid;
use windlass_broker::{Context, Delta, PathValue, RawJson, SourceRef, Stage, Update};

use super::attention::{SOUND, VISUAL, keep_on_screens, methods};
use super::{AlarmState, Attention, ROOT};

/// Most active alarms of the own ship of which it is known what was done about them.
const MAX_KNOWN: usize = 10_000;
/// Longest value of an alarm that is kept, in bytes of JSON.
const MAX_VALUE: usize = 16 * 1024;
/// How long after the start an alarm counts as the one of before it, when somebody raises it again.
const RECALL: Duration = Duration::from_secs(60);

/// The stage that manages notifications.
///
/// Each notification gets an update of its own, with `notificationId`; in its value are `id` and `status`. Null becomes state `normal`.
/// The id is made from context, path and `$source`, so it is the same after a restart.
///
/// What was done about an alarm holds until it is over or becomes worse, whatever its sender says again. It is done by an update that has
/// a `notificationId` when it comes, which nobody can send from outside: of its value only `method` counts, and it changes the alarm as
/// that is by then. So an alarm that ends meanwhile is not raised again by whoever silences it, and one that has become worse than the
/// `state` of that update, which is what was seen, goes on as it is.
///
/// Only of the own ship's alarms it is known what was done: others are not for those on board to silence, and there is no end of them.
#[derive(Debug)]
pub struct NotificationManager {
    name: SourceRef,
    /// Whose alarms are known.
    own: Context,
    /// Only alarms that are active.
    known: HashMap<Uuid, Known, RandomState>,
    /// Those of before the start that were not raised since, and how long they count.
    recalled: HashMap<Uuid, (AlarmState, Attention), RandomState>,
    recalled_until: Instant,
    /// Whether it does anything.
    on: Arc<AtomicBool>,
}

/// An alarm that is active.
#[derive(Debug)]
struct Known {
    state: AlarmState,
    /// What was done about it here.
    attention: Attention,
    /// Its value as it went on; absent when it is too long to be kept.
    value: Option<RawJson>,
}

/// An alarm of before the start that somebody has silenced or acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttendedAlarm {
    /// Context, path with `notifications.` and `$source` of it.
    pub names: [String; 3],
    /// Its state then.
    pub state: AlarmState,
    /// What was done.
    pub attention: Attention,
}

impl NotificationManager {
    /// A manager that would speak in this name, if it had something to say. `own` is the context of the own ship.
    pub fn new(name: SourceRef, own: Context) -> Self {
        Self {
            name,
            own,
            known: HashMap::default(),
            recalled: HashMap::default(),
            recalled_until: Instant::now() + RECALL,
            on: Arc::new(AtomicBool::new(true)),
        }
    }

    /// Goes on with what was done about alarms before the start. An emergency is told anew: better once too often.
    pub fn recalling(mut self, alarms: impl IntoIterator<Item = AttendedAlarm>) -> Self {
        let own = self.own.as_str();
        let calm = alarms.into_iter().filter(|alarm| alarm.names[0] == own && alarm.state != AlarmState::Emergency);
        let named = |alarm: AttendedAlarm| (id_of(alarm.names.each_ref()), (alarm.state, alarm.attention));
        self.recalled = calm.take(MAX_KNOWN).map(named).collect();
        self
    }

    /// It manages notifications while `on` says so (`manageNotifications` of the settings).
    pub fn switched_by(self, on: Arc<AtomicBool>) -> Self {
        Self { on, ..self }
    }

    /// What goes on of an update with one notification; `None` for nothing.
    fn manage(&mut self, context: &Context, of: &Update, mut value: PathValue) -> Option<Update> {
        let id = id_of([context.as_str(), value.path.as_str(), of.source_ref.as_str()]);
        let object = match value.value.to_value() {
            Value::Object(object) => Some(object),
            Value::Null => Some(Map::from_iter([
                ("state".to_owned(), json!("normal")),
                ("method".to_owned(), json!([])),
                ("message".to_owned(), json!("")),
            ])),
            // What is no notification goes on as it is.
            _ => None,
        };
        let managed = object.is_some();
        if let Some(object) = object {
            value.value = match of.notification_id {
                Some(_) => self.attend(id, object)?,
                None if *context == self.own => self.take(id, object),
                None => dressed(id, state_of(&object), &Attention::told_by(&object), object),
            };
        }
        Some(Update {
            source: None,
            source_ref: of.source_ref.clone(),
            timestamp: of.timestamp.clone(),
            values: SmallVec::from_iter([value]),
            meta: Vec::new(),
            notification_id: managed.then(|| id.to_string().into()),
        })
    }

    /// What somebody says of an alarm of the own ship.
    fn take(&mut self, id: Uuid, mut object: Map<String, Value>) -> RawJson {
        let state = state_of(&object);
        let in_time = || Instant::now() < self.recalled_until;
        let recalled = self.recalled.remove(&id).filter(|_| in_time());
        let before = self.known.remove(&id).map(|known| (known.state, known.attention)).or(recalled);
        // One that has become worse wants to be noticed anew.
        let attention =
            before.filter(|(before, _)| state.is_active() && state <= *before).map(|(_, attention)| attention);
        let attention = attention.unwrap_or_default();
        attention.hush(state, &mut object);
        let told = Attention::told_by(&object);
        self.keep(id, state, attention.clone(), attention.or(told), object)
    }

    /// Somebody has given an alarm another `method`. `None` when it is over, or has become worse than what was seen.
    fn attend(&mut self, id: Uuid, given: Map<String, Value>) -> Option<RawJson> {
        let seen = state_of(&given);
        // What is not kept was told in both ways, as far as is known.
        let as_seen = || {
            let mut object = given.clone();
            object.insert("method".to_owned(), json!([VISUAL, SOUND]));
            Value::Object(object)
        };
        let present = match self.known.get(&id) {
            Some(known) if known.state > seen => return None,
            Some(Known { value: Some(value), .. }) => value.to_value(),
            // Too long to be kept: it is what was seen if it is as bad.
            Some(known) if known.state == seen => as_seen(),
            // It may be one of too many.
            None if self.known.len() >= MAX_KNOWN => as_seen(),
            _ => return None,
        };
        let Value::Object(mut object) = present else { return None };
        self.known.remove(&id);
        let state = state_of(&object);
        let mut method = given.get("method").and_then(Value::as_array).cloned().unwrap_or_default();
        keep_on_screens(state, &mut method);
        let method = Value::Array(method);
        let before = methods(object.get("method"));
        let attention = Attention::told_by(&object).after_method(state, &before, &methods(Some(&method)));
        object.insert("method".to_owned(), method);
        Some(self.keep(id, state, attention.clone(), attention, object))
    }

    /// The value as it goes on; it is known from now on when it is an alarm.
    fn keep(
        &mut self,
        id: Uuid,
        state: AlarmState,
        attention: Attention,
        shown: Attention,
        object: Map<String, Value>,
    ) -> RawJson {
        let value = dressed(id, state, &shown, object);
        if state.is_active() && self.known.len() < MAX_KNOWN {
            let kept = (value.as_str().len() <= MAX_VALUE).then(|| value.clone());
            self.known.insert(id, Known { state, attention, value: kept });
        }
        value
    }

    /// Lets a delta go on as it is. What becomes of its alarms is not seen from here on: one that comes back later is another alarm. Others
    /// are known as before.
    fn let_pass(&mut self, delta: &mut Delta) {
        for update in &mut delta.updates {
            for value in update.values.iter().filter(|value| is_notification(value)) {
                let id = id_of([delta.context.as_str(), value.path.as_str(), update.source_ref.as_str()]);
                self.known.remove(&id);
                self.recalled.remove(&id);
            }
            // Whoever changes it after this changes what passed, of which nothing is known.
            update.notification_id = None;
        }
    }
}

impl Stage for NotificationManager {
    fn name(&self) -> &SourceRef {
        &self.name
    }

    fn admit(&mut self, delta: &mut Delta) {
        if !delta.updates.iter().any(|update| update.values.iter().any(is_notification)) {
            return;
        }
        if !self.on.load(Relaxed) {
            self.let_pass(delta);
            return;
        }
        let mut updates = SmallVec::with_capacity(delta.updates.len() + 1);
        for mut update in std::mem::take(&mut delta.updates) {
            let (notifications, others): (Vec<_>, Vec<_>) = update.values.drain(..).partition(is_notification);
            update.values = others.into();
            let manage = |value| self.manage(&delta.context, &update, value);
            let managed: Vec<_> = notifications.into_iter().filter_map(manage).collect();
            if !update.values.is_empty() || !update.meta.is_empty() {
                updates.push(update);
            }
            updates.extend(managed);
        }
        delta.updates = updates;
    }
}

fn is_notification(value: &PathValue) -> bool {
    value.path.as_str().starts_with(ROOT)
}

/// The value of a notification with its id and what was done about it.
fn dressed(id: Uuid, state: AlarmState, shown: &Attention, mut object: Map<String, Value>) -> RawJson {
    object.insert("id".into(), id.to_string().into());
    object.insert("status".into(), shown.status(state));
    RawJson::of(&object)
}

fn state_of(notification: &Map<String, Value>) -> AlarmState {
    AlarmState::of_state(notification.get("state"))
}

/// The id of a context's notification by a source: always the same one.
fn id_of(names: [impl AsRef<str>; 3]) -> Uuid {
    let mut hash = Sha256::new();
    for part in names {
        let part = part.as_ref();
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
#[path = "manager_tests.rs"]
mod tests;
