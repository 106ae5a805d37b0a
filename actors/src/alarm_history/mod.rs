//! What alarms there were: raised, silenced, acknowledged, ended.
//!
//! The [`AlarmRecorder`] is a stage of the broker: it sees every notification in its order and misses none, and what it has noted is there
//! before anybody is told of the change. The [`AlarmHistory`] is what everybody reads; it is kept in `serverstate/alarms.jsonl`.

mod entries;
mod entry;
mod history;
mod recorder;

pub use entry::AlarmEntry;
pub use history::AlarmHistory;
pub use recorder::AlarmRecorder;
