//! Failures of providers: the first of a kind is logged, all are counted.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Characters of a reason that are logged.
const SHOWN: usize = 300;

/// Counts failures by provider and function. Clones share.
#[derive(Debug, Clone, Default)]
pub struct Failures(Arc<Mutex<BTreeMap<String, BTreeMap<&'static str, u64>>>>);

impl Failures {
    /// A provider did not do what it was asked, and the client is not told why.
    pub(super) fn note(&self, provider: &str, function: &'static str, reason: impl Display) {
        // The reason may be a plugin's own words, at any length.
        let reason: String =
            reason.to_string().chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut failures = self.lock();
        let count = failures.entry(provider.to_owned()).or_default().entry(function).or_default();
        *count += 1;
        let first = *count == 1;
        drop(failures);
        if first {
            log::warn!(
                "provider {provider}: {function} failed: {reason}. Further failures of it are only counted (providers.failures in \
                 /windlass/statistics)"
            );
        } else {
            log::debug!("provider {provider}: {function} failed: {reason}");
        }
    }

    /// The counts since the server started.
    pub fn read(&self) -> BTreeMap<String, BTreeMap<&'static str, u64>> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, BTreeMap<&'static str, u64>>> {
        // Each of the sections above leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
