//! With which consent the package of a plugin was started.

use std::sync::{Arc, PoisonError};

use windlass_wasm_host::{Capabilities, PluginPackage};

use super::super::consent::ConsentError;
use super::Record;

/// The consent that a package was started with. That for another version may have taken its place in the records since.
#[derive(Debug, Clone)]
pub(in crate::plugins) struct Admission {
    package: Arc<PluginPackage>,
    consented: Capabilities,
}

impl Admission {
    /// Whether it is for this package, as it was read then.
    fn is_for(&self, package: &Arc<PluginPackage>) -> bool {
        Arc::ptr_eq(&self.package, package)
    }

    fn missing(&self) -> Vec<String> {
        self.consented.widened_by(&self.package.capabilities)
    }
}

impl Record {
    /// What the plugin, or its version that waits for consent, asks for beyond what was consented to.
    pub(in crate::plugins) fn missing_consent(&self) -> Vec<String> {
        let package = self.pending().unwrap_or_else(|| self.package());
        match self.admission_of(&package) {
            Some(admission) => admission.missing(),
            None => self.consents.missing(&package),
        }
    }

    /// What was consented to for the package that is to run, as far as anything was.
    pub(in crate::plugins) fn consented(&self) -> Option<Capabilities> {
        let admission = self.admission_of(&self.package()).map(|admission| admission.consented);
        admission.or_else(|| self.consents.of(self.id()).map(|consent| consent.capabilities))
    }

    /// Whether the package that is to run may start: with the consent that it was started with before, otherwise with the latest.
    /// Answered with what the operator should know when that can't be recorded.
    ///
    /// # Errors
    /// It asks for more than was consented to, or nobody knows what that was.
    pub(in crate::plugins) fn admit(&self) -> Result<Option<String>, ConsentError> {
        let package = self.package();
        if self.admission_of(&package).is_some_and(|admission| admission.missing().is_empty()) {
            return Ok(None);
        }
        let problem = self.consents.admit(&package)?;
        // Where it can't be recorded, it was enabled as it is.
        let recorded = self.consents.of(self.id()).map(|consent| consent.capabilities);
        let consented = recorded.unwrap_or_else(|| package.capabilities.clone());
        self.restore_admission(Some(Admission { package, consented }));
        Ok(problem)
    }

    /// The consent that the package was started with.
    pub(in crate::plugins) fn admission(&self) -> Option<Admission> {
        self.admission.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The package with this consent gets its place back.
    pub(in crate::plugins) fn restore_admission(&self, admission: Option<Admission>) {
        *self.admission.write().unwrap_or_else(PoisonError::into_inner) = admission;
    }

    fn admission_of(&self, package: &Arc<PluginPackage>) -> Option<Admission> {
        self.admission().filter(|admission| admission.is_for(package))
    }
}
