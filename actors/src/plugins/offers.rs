//! What running plugins offer to the rest of the server: PUT handlers and providers (§3.7–3.9, §4.4, §4.5).

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// What all plugins together may register, so that one that registers in a loop can't fill the memory.
const MAX_OFFERS_PER_PLUGIN: usize = 1_000;

/// The registrations of all plugins. An offer lives from its registration until its plugin stops, crashes or is disabled; it can be
/// called as soon as the plugin runs. Clones share.
#[derive(Debug, Clone, Default)]
pub struct Offers(Arc<RwLock<Table>>);

#[derive(Debug, Default)]
struct Table {
    by_plugin: BTreeMap<String, PluginOffers>,
    /// Plugin ids in the order of their first registration of a kind decide who is asked first.
    order: Vec<String>,
    /// The PUT handlers that a plugin had when it was withdrawn, for those who ask while it is being restarted.
    withdrawn_puts: BTreeMap<String, Vec<(String, String)>>,
}

/// What one plugin offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PluginOffers {
    /// Context and path, as registered.
    pub puts: Vec<(String, String)>,
    /// Resource types.
    pub resources: Vec<String>,
    /// The display name as a weather provider.
    pub weather: Option<String>,
    /// The display name as a radar provider.
    pub radar: Option<String>,
}

/// One plugin has registered more than makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {MAX_OFFERS_PER_PLUGIN} PUT handlers and providers of one plugin; the rest is refused")]
pub struct TooManyOffers;

impl Offers {
    /// The plugin answers PUT requests for a path. False when it was registered before, which changes nothing.
    ///
    /// # Errors
    /// The plugin has registered too much.
    pub fn add_put(&self, plugin: &str, context: &str, path: &str) -> Result<bool, TooManyOffers> {
        self.add(plugin, |offers| push_new(&mut offers.puts, (context.to_owned(), path.to_owned())))
    }

    /// The plugin does not answer PUT requests for a path after all.
    pub fn remove_put(&self, plugin: &str, context: &str, path: &str) {
        if let Some(offers) = self.write().by_plugin.get_mut(plugin) {
            offers.puts.retain(|put| put.0 != context || put.1 != path);
        }
    }

    /// The plugin serves resources of a type.
    ///
    /// # Errors
    /// The plugin has registered too much.
    pub fn add_resources(&self, plugin: &str, kind: &str) -> Result<(), TooManyOffers> {
        self.add(plugin, |offers| push_new(&mut offers.resources, kind.to_owned())).map(drop)
    }

    /// The plugin serves weather data; the latest name counts.
    ///
    /// # Errors
    /// The plugin has registered too much.
    pub fn add_weather(&self, plugin: &str, name: &str) -> Result<(), TooManyOffers> {
        self.add(plugin, |offers| offers.weather = Some(name.to_owned()))
    }

    /// The plugin serves radars; the latest name counts.
    ///
    /// # Errors
    /// The plugin has registered too much.
    pub fn add_radar(&self, plugin: &str, name: &str) -> Result<(), TooManyOffers> {
        self.add(plugin, |offers| offers.radar = Some(name.to_owned()))
    }

    /// The plugin has stopped: it offers nothing any more. True when it did.
    pub fn withdraw(&self, plugin: &str) -> bool {
        let mut table = self.write();
        table.order.retain(|id| id != plugin);
        let Some(offers) = table.by_plugin.remove(plugin) else { return false };
        table.withdrawn_puts.insert(plugin.to_owned(), offers.puts);
        true
    }

    /// The plugin is not there any more: nobody waits for what it offered.
    pub fn forget(&self, plugin: &str) {
        self.withdraw(plugin);
        self.write().withdrawn_puts.remove(plugin);
    }

    /// The plugins that answer PUT requests for a path, first come first.
    pub fn put_handlers(&self, context: &str, path: &str) -> Vec<String> {
        self.plugins(|offers| offers.puts.iter().any(|put| put.0 == context && put.1 == path))
    }

    /// The plugins that answered PUT requests for a path until they were last withdrawn.
    pub fn withdrawn_put_handlers(&self, context: &str, path: &str) -> Vec<String> {
        let table = self.read();
        let answered = |puts: &[(String, String)]| puts.iter().any(|put| put.0 == context && put.1 == path);
        let of = table.withdrawn_puts.iter().filter(|(id, puts)| !table.by_plugin.contains_key(*id) && answered(puts));
        of.map(|(id, _)| id.clone()).collect()
    }

    /// The plugins that serve a type of resources, first come first.
    pub fn resource_providers(&self, kind: &str) -> Vec<String> {
        self.plugins(|offers| offers.resources.iter().any(|known| known == kind))
    }

    /// All types of resources that somebody serves, sorted.
    pub fn resource_types(&self) -> Vec<String> {
        let mut types: Vec<_> =
            self.read().by_plugin.values().flat_map(|offers| offers.resources.iter().cloned()).collect();
        types.sort_unstable();
        types.dedup();
        types
    }

    /// The plugins that serve weather data, with their display names, first come first.
    pub fn weather_providers(&self) -> Vec<(String, String)> {
        self.named(|offers| offers.weather.clone())
    }

    /// The plugins that serve radars, with their display names, first come first.
    pub fn radar_providers(&self) -> Vec<(String, String)> {
        self.named(|offers| offers.radar.clone())
    }

    /// What one plugin offers.
    pub fn of(&self, plugin: &str) -> PluginOffers {
        self.read().by_plugin.get(plugin).cloned().unwrap_or_default()
    }

    fn add<T>(&self, plugin: &str, change: impl FnOnce(&mut PluginOffers) -> T) -> Result<T, TooManyOffers> {
        let mut table = self.write();
        if !table.by_plugin.contains_key(plugin) {
            table.order.push(plugin.to_owned());
        }
        let offers = table.by_plugin.entry(plugin.to_owned()).or_default();
        if offers.puts.len() + offers.resources.len() >= MAX_OFFERS_PER_PLUGIN {
            return Err(TooManyOffers);
        }
        Ok(change(offers))
    }

    fn plugins(&self, offers_it: impl Fn(&PluginOffers) -> bool) -> Vec<String> {
        let table = self.read();
        table.order.iter().filter(|id| table.by_plugin.get(*id).is_some_and(&offers_it)).cloned().collect()
    }

    fn named(&self, name: impl Fn(&PluginOffers) -> Option<String>) -> Vec<(String, String)> {
        let table = self.read();
        let named = |id: &String| Some((id.clone(), table.by_plugin.get(id).and_then(&name)?));
        table.order.iter().filter_map(named).collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        // Each of the sections above leaves it whole.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// False when the item is there already.
fn push_new<T: PartialEq>(list: &mut Vec<T>, item: T) -> bool {
    let new = !list.contains(&item);
    if new {
        list.push(item);
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_ends_with_its_plugin() {
        // ABI-73
        let offers = Offers::default();
        for plugin in ["b", "a"] {
            offers.add_resources(plugin, "routes").expect("room");
            offers.add_weather(plugin, &plugin.to_uppercase()).expect("room");
        }
        let add_put = |path| offers.add_put("a", "vessels.self", path).expect("room");
        assert!(add_put("steering.target") && !add_put("steering.target") && add_put("steering.mode"));
        offers.remove_put("a", "vessels.self", "steering.mode");
        assert_eq!(offers.of("a").puts, [("vessels.self".to_owned(), "steering.target".to_owned())]);
        assert_eq!(offers.resource_providers("routes"), ["b", "a"]);
        assert_eq!(offers.resource_types(), ["routes"]);
        assert_eq!(offers.weather_providers()[0], ("b".to_owned(), "B".to_owned()));
        assert_eq!(offers.put_handlers("vessels.self", "steering.target"), ["a"]);
        assert!(offers.put_handlers("vessels.other", "steering.target").is_empty());
        assert!(offers.withdraw("a"));
        assert!(!offers.withdraw("a"));
        assert!(offers.put_handlers("vessels.self", "steering.target").is_empty());
        assert_eq!(offers.withdrawn_put_handlers("vessels.self", "steering.target"), ["a"]);
        offers.add_resources("a", "notes").expect("room");
        assert!(offers.withdrawn_put_handlers("vessels.self", "steering.target").is_empty(), "it is back without");
        assert_eq!(offers.resource_providers("routes"), ["b"]);
    }

    #[test]
    fn registering_in_a_loop_ends() {
        let offers = Offers::default();
        let refused = (0..).find(|number| offers.add_resources("a", &number.to_string()).is_err());
        assert_eq!(refused, Some(MAX_OFFERS_PER_PLUGIN));
    }
}
