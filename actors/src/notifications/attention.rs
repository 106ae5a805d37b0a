//! What people on board have done about an alarm: silenced it, acknowledged it.

use serde_json::{Map, Value, json};
use windlass_broker::Timestamp;

use super::AlarmState;

/// The `method` that makes a noise,
pub(crate) const SOUND: &str = "sound";
/// and the one that is to be seen.
pub(crate) const VISUAL: &str = "visual";

/// What was done about an alarm that is still active.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attention {
    /// It is to make no sound.
    pub silenced: bool,
    /// When somebody said that they have seen it, ISO 8601; absent when nobody has.
    pub acknowledged: Option<String>,
}

impl Attention {
    /// What a notification says about itself, as another server does.
    pub(super) fn told_by(notification: &Map<String, Value>) -> Self {
        let Some(status) = notification.get("status").and_then(Value::as_object) else { return Self::default() };
        let flag = |name: &str| status.get(name).and_then(Value::as_bool).unwrap_or(false);
        let at = || status.get("acknowledgedAt").and_then(Value::as_str).map_or_else(now, str::to_owned);
        Self { silenced: flag("silenced"), acknowledged: flag("acknowledged").then(at) }
    }

    /// What it is after somebody has given the alarm another `method`: without its sound it is silenced, with nothing to see either it is
    /// acknowledged. An emergency can't be silenced; it is acknowledged, and stays on the screens (signalk-v2 §4).
    pub(super) fn after_method(self, state: AlarmState, before: &[&str], after: &[&str]) -> Self {
        if after.contains(&SOUND) {
            return Self::default();
        }
        let seen = |acknowledged: Option<String>| Some(acknowledged.unwrap_or_else(now));
        if state == AlarmState::Emergency {
            return Self { silenced: false, acknowledged: seen(self.acknowledged) };
        }
        let silenced = self.silenced || before.contains(&SOUND);
        if !after.contains(&VISUAL) {
            return Self { silenced, acknowledged: seen(self.acknowledged) };
        }
        // Who puts it back on the screens wants it to be seen.
        Self { silenced, acknowledged: self.acknowledged.filter(|_| before.contains(&VISUAL)) }
    }

    /// Both together: what is known here, and what the sender says.
    pub(super) fn or(self, other: Self) -> Self {
        Self { silenced: self.silenced || other.silenced, acknowledged: self.acknowledged.or(other.acknowledged) }
    }

    /// Takes from the `method` of an update what nobody wants to hear or see any more: whoever raised the alarm says the same again and again.
    pub(super) fn hush(&self, state: AlarmState, notification: &mut Map<String, Value>) {
        let Some(Value::Array(method)) = notification.get_mut("method") else { return };
        if self.acknowledged.is_some() {
            method.clear();
            keep_on_screens(state, method);
        } else if self.silenced {
            method.retain(|one| one != SOUND);
        }
    }

    /// `status` of a notification (signalk-v1 §7.1).
    pub(super) fn status(&self, state: AlarmState) -> Value {
        let active = state.is_active();
        let mut status = json!({
            "silenced": active && self.silenced,
            "acknowledged": active && self.acknowledged.is_some(),
            "canSilence": active && state != AlarmState::Emergency,
            "canAcknowledge": active,
            "canClear": false,
        });
        if let Some(at) = self.acknowledged.as_ref().filter(|_| active) {
            status["acknowledgedAt"] = at.as_str().into();
        }
        status
    }
}

/// Nobody takes an emergency from the screens (signalk-v2 §4).
pub(crate) fn keep_on_screens(state: AlarmState, method: &mut Vec<Value>) {
    if state == AlarmState::Emergency && !method.iter().any(|one| one == VISUAL) {
        method.insert(0, VISUAL.into());
    }
}

/// The words of a `method`.
pub(crate) fn methods(method: Option<&Value>) -> Vec<&str> {
    method.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn now() -> String {
    Timestamp::now().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [&str; 2] = [VISUAL, SOUND];

    /// Silenced and acknowledged after a change of `method`.
    fn after(state: AlarmState, before: &[&str], after: &[&str], attention: Attention) -> (bool, bool) {
        let Attention { silenced, acknowledged } = attention.after_method(state, before, after);
        (silenced, acknowledged.is_some())
    }

    #[test]
    fn what_is_taken_out_of_the_method_says_what_was_done() {
        let none = Attention::default();
        for (before, given, expected) in [
            (&BOTH[..], &[VISUAL][..], (true, false)),
            (&BOTH, &[], (true, true)),
            (&[VISUAL], &[VISUAL], (false, false)),
            (&[VISUAL], &[], (false, true)),
            (&[], &[], (false, true)),
            (&[SOUND], &[], (true, true)),
            (&[VISUAL], &BOTH, (false, false)),
        ] {
            assert_eq!(after(AlarmState::Alarm, before, given, none.clone()), expected, "{before:?} to {given:?}");
        }
        for given in [&[VISUAL][..], &[]] {
            assert_eq!(after(AlarmState::Emergency, &BOTH, given, none.clone()), (false, true), "never silenced");
        }
    }

    #[test]
    fn what_was_done_can_be_taken_back() {
        let done = Attention { silenced: true, acknowledged: Some("t".into()) };
        assert_eq!(after(AlarmState::Alarm, &[], &BOTH, done.clone()), (false, false));
        assert_eq!(after(AlarmState::Alarm, &[], &[VISUAL], done.clone()), (true, false));
        let again = done.clone().after_method(AlarmState::Alarm, &[], &[]);
        assert_eq!(again, done, "it was seen when it was seen first");
    }

    #[test]
    fn an_update_makes_no_noise_again() {
        let hushed = |state, attention: Attention| {
            let mut value = Map::from_iter([("method".to_owned(), json!(["visual", "sound", "push"]))]);
            attention.hush(state, &mut value);
            value["method"].clone()
        };
        let silenced = Attention { silenced: true, acknowledged: None };
        let seen = Attention { silenced: false, acknowledged: Some("t".into()) };
        assert_eq!(hushed(AlarmState::Warn, Attention::default()), json!(["visual", "sound", "push"]));
        assert_eq!(hushed(AlarmState::Warn, silenced), json!(["visual", "push"]));
        assert_eq!(hushed(AlarmState::Warn, seen.clone()), json!([]));
        assert_eq!(hushed(AlarmState::Emergency, seen), json!(["visual"]));
    }
}
