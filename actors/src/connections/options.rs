//! The options that connections have in common: how lines are read, which events they are, and which events are written out
//! (signalk-v1 §15).

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use serde_json::Value;
use smol_str::SmolStr;

use super::keys::{Keys, wrong};
use super::plan::{Input, Protocol};
use super::settings::SettingsError;
use crate::nmea0183;
use crate::outputs::RECEIVED;

/// Most events of one connection, and most letters of their names.
const MOST_EVENTS: usize = 16;
const LONGEST_NAME: usize = 64;
/// Most talkers in groups: there are no more in use.
const MOST_TALKERS: usize = 500;

/// How the lines of a connection are read.
#[derive(Debug, Clone, Default)]
pub(super) struct LineOptions {
    pub decoding: nmea0183::Options,
    /// The events that a received sentence is (`sentenceEvent`; `nmea0183` unless it is suppressed).
    pub events: Vec<SmolStr>,
    /// Give sentences without a checksum the one they should have (`appendChecksum`).
    pub append_checksum: bool,
    /// Drop bytes of value 0 (`removeNulls`).
    pub remove_nulls: bool,
    pub talkers: TalkerGroups,
}

/// Talkers that are one source together (`talkerGroups`): the group by the talker in capitals.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct TalkerGroups(HashMap<SmolStr, SmolStr, RandomState>);

impl LineOptions {
    pub fn read(sub: Keys<'_>) -> Result<Self, SettingsError> {
        let decoding = nmea0183::Options {
            validate_checksum: sub.flag("validateChecksum", true)?,
            ignored_sentences: sub.words("ignoredSentences", "a list of sentence ids, such as [\"GSV\"]")?,
        };
        let received = if sub.flag("suppress0183event", false)? { None } else { Some(RECEIVED) };
        let mut events = events(sub, "sentenceEvent")?;
        events.retain(|event| *event != RECEIVED);
        events.extend(received);
        Ok(Self {
            decoding,
            events,
            append_checksum: sub.flag("appendChecksum", false)?,
            remove_nulls: sub.flag("removeNulls", false)?,
            talkers: TalkerGroups::read(sub)?,
        })
    }
}

/// The events that are written out: `outEvent` and `toStdout`, which the reference has for different inputs.
pub(super) fn outgoing(sub: Keys<'_>) -> Result<Vec<SmolStr>, SettingsError> {
    let mut found = events(sub, "outEvent")?;
    for event in events(sub, "toStdout")? {
        if !found.contains(&event) {
            found.push(event);
        }
    }
    Ok(found)
}

/// The names of events: a text with commas between them, or a list.
fn events(sub: Keys<'_>, key: &'static str) -> Result<Vec<SmolStr>, SettingsError> {
    const EXPECTED: &str = "the name of an event such as nmea0183out, or a list of at most 16 of them";
    let mut events = sub.words(key, EXPECTED)?;
    events.retain(|event| !event.is_empty());
    let fits = |event: &SmolStr| event.len() <= LONGEST_NAME && !event.chars().any(char::is_control);
    if events.len() <= MOST_EVENTS && events.iter().all(fits) {
        return Ok(events);
    }
    Err(wrong(&format!("subOptions.{key}"), sub.map.get(key).unwrap_or(&Value::Null), EXPECTED))
}

impl TalkerGroups {
    fn read(sub: Keys<'_>) -> Result<Self, SettingsError> {
        const EXPECTED: &str = "an object with a list of talkers for each group, such as {\"gnss\":[\"GP\",\"GL\"]}";
        let mut groups = Self::default();
        let Some(given) = sub.find("talkerGroups", Value::as_object, EXPECTED)? else { return Ok(groups) };
        let refused = || wrong("subOptions.talkerGroups", &Value::from(given.clone()), EXPECTED);
        for (group, talkers) in given {
            let group = group.trim().to_lowercase();
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if group.is_empty() || group.len() > LONGEST_NAME || !group.chars().all(fits) {
                return Err(refused());
            }
            for talker in talkers.as_array().ok_or_else(refused)? {
                let talker = talker.as_str().map(str::trim).filter(|talker| !talker.is_empty()).ok_or_else(refused)?;
                let former = groups.0.insert(talker.to_ascii_uppercase().into(), group.as_str().into());
                if let Some(former) = former.filter(|former| *former != group) {
                    log::warn!("talkerGroups: {talker} is in {former} and in {group}; the latter counts");
                }
            }
        }
        if groups.0.len() > MOST_TALKERS { Err(refused()) } else { Ok(groups) }
    }

    /// The group of a talker.
    pub fn group(&self, talker: &str) -> Option<&SmolStr> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(talker).or_else(|| self.0.get(talker.to_ascii_uppercase().as_str()))
    }
}

/// What the settings ask for and this connection can't do, one sentence each. The connection works without it.
pub(super) fn without_effect(input: &Input, sub: Keys<'_>) -> Arc<[String]> {
    const N2K: &str = "it belongs to NMEA 2000 inputs";
    const SENTENCES: &str = "it is about NMEA 0183 sentences";
    let reads = input.protocol();
    let mut notes = Vec::new();
    let mut note = |key: &str, why: &str| {
        if is_set(sub.map.get(key)) {
            notes.push(format!("`{key}` has no effect: {why}"));
        }
    };
    if !input.can_write() {
        let why = match input {
            Input::OutputClients => {
                "the clients of the NMEA 0183 output are sent all events nmea0183 and nmea0183out already"
            }
            Input::Playback(_) => "a recording can't be written to",
            Input::TcpClient(client) if client.protocol == Protocol::Gpsd => "gpsd takes no sentences",
            _ => "sentences can only be written to NMEA 0183 connections of type tcp, tcplistener, udp and serial",
        };
        note("outEvent", why);
        note("toStdout", why);
    }
    if reads == Some(Protocol::SignalK) {
        for key in ["sentenceEvent", "talkerGroups", "appendChecksum"] {
            note(key, SENTENCES);
        }
    }
    if matches!(input, Input::WebSocket(_) | Input::OutputClients) {
        note("removeNulls", "lines come without them here");
    }
    if !matches!(input, Input::WebSocket(remote) if remote.secure) {
        note("certificateAuthority", "only connections of type wss have certificates");
    }
    if matches!(reads, Some(Protocol::Nmea0183 | Protocol::Gpsd)) {
        note("useCanName", "sentences have talkers, no CAN names");
    }
    for key in ["camelCaseCompat", "uniqueNumber", "mfgCode", "filtersEnabled"] {
        note(key, N2K);
    }
    notes.into()
}

/// Whether an option asks for something: a form leaves empty values for what it does not.
fn is_set(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.trim().is_empty(),
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(object)) => !object.is_empty(),
        Some(Value::Bool(true) | Value::Number(_)) => true,
    }
}
