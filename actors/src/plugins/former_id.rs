//! The configuration of a plugin from the time when its id was what the module calls itself (§1.4).

use std::path::Path;

use super::config_store::is_file_name;
use super::plugin::Plugin;

impl Plugin {
    /// Takes over the configuration that an earlier server kept under the name that the module gives itself (§1.4). Any module can give
    /// itself any name, so it gets nothing that belongs to another installed package.
    pub(super) fn import_config(&self, own_id: Option<&str>) {
        let Some(former) = own_id.filter(|former| *former != self.id()) else { return };
        let package = self.record.package();
        let modules = package.directory.ancestors().find(|directory| directory.ends_with("node_modules"));
        let installed = |directory: &Path| is_file_name(former) && directory.join(former).is_dir();
        if self.host.is_another(former) || modules.is_some_and(installed) {
            return;
        }
        match self.record.config.import(former) {
            Ok(true) => {
                let notice = format!(
                    "its configuration was taken over from {former}.json, the name that the module gives itself"
                );
                log::info!("plugin {}: {notice}", self.id());
                self.record.note(&notice);
                self.record.note_change();
            }
            Ok(false) => {}
            Err(error) => {
                log::error!("plugin {}: the configuration of {former:?} is not taken over: {error}", self.id())
            }
        }
    }
}
