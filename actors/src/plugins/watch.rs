//! Development mode: a plugin whose files have changed is reloaded.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use windlass_wasm_host::PluginPackage;

/// What a file looked like; `None` when there was none.
type Stamp = Option<(SystemTime, u64)>;

/// The `package.json` and the module of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamps([Stamp; 2]);

impl Stamps {
    /// As the files are now.
    pub(super) fn of(package: &PluginPackage) -> Self {
        // Through the manifest: the file may have been missing when the package was read.
        let manifest = package.package_json["wasmManifest"].as_str().filter(|name| !name.is_empty());
        let module = manifest.and_then(|name| stamp(&package.directory.join(name)));
        Self([stamp(&package.directory.join("package.json")), module])
    }
}

fn stamp(file: &Path) -> Stamp {
    let metadata = fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Which plugins have changed and then been left alone for one look: a build writes a file in several steps.
#[derive(Debug, Default)]
pub(super) struct Watcher(HashMap<String, Seen>);

#[derive(Debug)]
struct Seen {
    /// When it was loaded.
    loaded: Stamps,
    /// At the latest look.
    latest: Stamps,
}

impl Watcher {
    /// Looks once more at a plugin. True: reload it now. The first look is taken for what is loaded.
    pub(super) fn look(&mut self, id: &str, now: Stamps) -> bool {
        let Some(seen) = self.0.get_mut(id) else {
            self.0.insert(id.to_owned(), Seen { loaded: now, latest: now });
            return false;
        };
        let stable = seen.latest == now;
        seen.latest = now;
        if !stable || seen.loaded == now {
            return false;
        }
        seen.loaded = now;
        true
    }

    /// It could not be reloaded at the moment: try at the next look.
    pub(super) fn again(&mut self, id: &str) {
        if let Some(seen) = self.0.get_mut(id) {
            seen.loaded = Stamps([None, Some((SystemTime::UNIX_EPOCH, u64::MAX))]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_change_counts_when_it_is_complete() {
        let at = |seconds| Stamps([None, Some((SystemTime::UNIX_EPOCH + Duration::from_secs(seconds), seconds))]);
        let mut watcher = Watcher::default();
        let looks = [1, 1, 2, 3, 3, 3, 4, 4, 4].map(|seconds| watcher.look("p", at(seconds)));
        assert_eq!(looks, [false, false, false, false, true, false, false, true, false]);
        watcher.again("p");
        assert!(watcher.look("p", at(4)));
        assert!(!watcher.look("p", at(4)));
    }
}
