//! What is being installed or removed, for those who watch.

use std::collections::VecDeque;

use serde::Serialize;
use windlass_broker::Timestamp;

/// Lines of a log that are kept for one job.
const MAX_LINES: usize = 300;
/// Characters of one.
const MAX_LINE: usize = 500;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Installed, or updated.
    Install,
    /// Removed.
    Remove,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Others come first.
    Waiting,
    /// The plugin is being stopped, because it will be removed.
    Stopping,
    /// npm is at work.
    Npm,
    /// The server looks for packages again.
    Loading,
    /// Done.
    Done,
    /// Not done; what was there before is there still.
    Failed,
}

impl JobState {
    /// Nothing more happens.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

/// One package that is installed or removed. As JSON: `{id, action, name, version, file, state, message, plugin, since, until}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Job {
    /// Counts up.
    pub id: u64,
    /// What is done.
    pub action: Action,
    /// The package.
    pub name: String,
    /// The version to be installed.
    pub version: Option<String>,
    /// It comes from a file that was sent, not from the registry.
    pub file: bool,
    /// How far it is.
    pub state: JobState,
    /// The same in words; in the end what came of it.
    pub message: String,
    /// The id of the plugin that was installed.
    pub plugin: Option<String>,
    /// When it was asked for.
    pub since: Timestamp,
    /// When it was over.
    pub until: Option<Timestamp>,
    /// What npm has said.
    #[serde(skip)]
    lines: VecDeque<String>,
}

impl Job {
    pub(super) fn new(id: u64, action: Action, name: String, version: Option<String>, file: bool) -> Self {
        Self {
            id,
            action,
            name,
            version,
            file,
            state: JobState::Waiting,
            message: "waits for its turn".to_owned(),
            plugin: None,
            since: Timestamp::now(),
            until: None,
            lines: VecDeque::new(),
        }
    }

    pub(super) fn enter(&mut self, state: JobState, message: impl Into<String>) {
        (self.state, self.message) = (state, message.into());
        self.until = state.is_over().then(Timestamp::now);
        let message = self.message.clone();
        self.hear(&message);
    }

    pub(super) fn hear(&mut self, line: &str) {
        if self.lines.len() == MAX_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line.chars().filter(|c| !c.is_control()).take(MAX_LINE).collect());
    }

    /// The latest lines of its log, oldest first.
    pub fn log(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_has_an_end() {
        let mut job = Job::new(1, Action::Install, "x".to_owned(), None, true);
        for number in 0..MAX_LINES * 2 {
            job.hear(&format!("{number}\u{1b}[31m {}", "long ".repeat(MAX_LINE)));
        }
        let lines: Vec<_> = job.log().collect();
        assert_eq!(lines.len(), MAX_LINES);
        assert!(lines[0].starts_with(&format!("{MAX_LINES}[31m")) && lines.iter().all(|line| line.len() <= MAX_LINE));
        job.enter(JobState::Done, "done");
        assert!(job.until.is_some() && job.state.is_over());
    }
}
