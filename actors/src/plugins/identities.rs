//! Which `$source` a plugin may use (§4.3).

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use windlass_broker::{Delta, NameError, SourceRef};
use windlass_wasm_host::PluginPackage;

/// The ids and package names of all installed plugins. Clones share; packages come and go.
#[derive(Debug, Clone, Default)]
pub(super) struct Names(Arc<RwLock<Arc<HashSet<String>>>>);

impl Names {
    /// These packages are installed now.
    pub(super) fn set(&self, packages: &[PluginPackage]) {
        let names = packages.iter().flat_map(|package| [package.id.to_string(), package.name.clone()]);
        // Set in one step, so it is whole also after a panic.
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(names.collect());
    }

    fn get(&self) -> Arc<HashSet<String>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One plugin's identity among the others'.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    id: String,
    package_name: String,
    all: Names,
}

impl Identity {
    pub(super) fn new(id: &str, package_name: &str, all: Names) -> Self {
        Self { id: id.to_owned(), package_name: package_name.to_owned(), all }
    }

    /// Whether this is the id or package name of another plugin.
    pub(super) fn is_another(&self, name: &str) -> bool {
        name != self.id && name != self.package_name && self.all.get().contains(name)
    }

    /// Sets right every `$source` that is another plugin's identity: it becomes `<own id>.<given>`. The package name of the plugin
    /// itself, which the reference server uses, becomes its id.
    ///
    /// # Errors
    /// The corrected name is no valid `$source`.
    pub(super) fn correct(&self, delta: &mut Delta) -> Result<(), NameError> {
        for update in &mut delta.updates {
            if let Some(corrected) = self.corrected(update.source_ref.as_str()) {
                update.source_ref = SourceRef::new(&corrected)?;
            }
            if let Some(source) = &mut update.source
                && let Some(corrected) = self.corrected(&source.label)
            {
                Arc::make_mut(source).label = corrected.into();
            }
        }
        Ok(())
    }

    fn corrected(&self, given: &str) -> Option<String> {
        let is_or_below =
            |name: &str| given.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        if given == self.id {
            return None;
        }
        if self.package_name != self.id && given == self.package_name {
            return Some(self.id.clone());
        }
        let all = self.all.get();
        let foreign = all.contains(given)
            || (!is_or_below(&self.id) && all.iter().any(|name| *name != self.package_name && is_or_below(name)));
        foreign.then(|| format!("{}.{given}", self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_plugins_identity_is_not_to_be_had() {
        let names = ["_me_x", "@me/x", "other", "@o/p", "_o_p", "_me_x.sub"].map(str::to_owned);
        let all = Names(Arc::new(RwLock::new(Arc::new(names.into()))));
        let identity = Identity::new("_me_x", "@me/x", all);
        for (given, expected) in [
            ("_me_x", None),
            ("_me_x.gps", None),
            ("gps.GP", None),
            ("others", None),
            ("@me/x", Some("_me_x")),
            ("other", Some("_me_x.other")),
            ("other.XX", Some("_me_x.other.XX")),
            ("@o/p", Some("_me_x.@o/p")),
            ("_me_x.sub", Some("_me_x._me_x.sub")),
        ] {
            assert_eq!(identity.corrected(given).as_deref(), expected, "{given}");
        }
    }
}
