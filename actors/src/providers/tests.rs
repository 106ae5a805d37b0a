//! Resources of several providers. What plugins answer is tested with real plugins, end to end.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::*;
use crate::plugins::tests::guest::GuestSource;
use crate::plugins::tests::server::Server;

const ID: &str = "5a3f2b1c-0d9e-4c8b-9a7f-1234567890ab";
const OTHER: &str = "6a3f2b1c-0d9e-4c8b-9a7f-1234567890ab";

/// Keeps resources in memory.
struct Shelf {
    id: &'static str,
    types: &'static [&'static str],
    resources: Mutex<Map<String, Value>>,
    /// Answers nothing but this.
    broken: Option<ProviderError>,
}

impl Shelf {
    fn new(id: &'static str, types: &'static [&'static str], resources: Value) -> Arc<Self> {
        let resources = resources.as_object().expect("resources by id").clone();
        Arc::new(Self { id, types, resources: Mutex::new(resources), broken: None })
    }

    fn broken(id: &'static str, types: &'static [&'static str]) -> Arc<Self> {
        let broken = Some(ProviderError::Failed("out of order".to_owned()));
        Arc::new(Self { id, types, resources: Mutex::default(), broken })
    }

    fn ids(&self) -> Vec<String> {
        self.resources.lock().expect("whole").keys().cloned().collect()
    }

    fn answer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Map<String, Value>) -> T,
    ) -> BoxFuture<'static, Result<T, ProviderError>> {
        let answer = match &self.broken {
            Some(error) => Err(error.clone()),
            None => Ok(work(&mut self.resources.lock().expect("whole"))),
        };
        std::future::ready(answer).boxed()
    }
}

impl ResourceProvider for Shelf {
    fn id(&self) -> &str {
        self.id
    }

    fn types(&self) -> Vec<String> {
        self.types.iter().map(|kind| (*kind).to_owned()).collect()
    }

    fn list<'a>(
        &'a self,
        _: &'a str,
        _: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<Map<String, Value>, ProviderError>> {
        self.answer(|resources| resources.clone())
    }

    fn get<'a>(&'a self, _: &'a str, id: &'a str) -> BoxFuture<'a, Result<Option<Value>, ProviderError>> {
        self.answer(|resources| resources.get(id).cloned())
    }

    fn set<'a>(&'a self, _: &'a str, id: &'a str, value: &'a Value) -> BoxFuture<'a, Result<(), ProviderError>> {
        self.answer(|resources| drop(resources.insert(id.to_owned(), value.clone())))
    }

    fn delete<'a>(&'a self, _: &'a str, id: &'a str) -> BoxFuture<'a, Result<(), ProviderError>> {
        self.answer(|resources| drop(resources.remove(id)))
    }
}

fn resources(server: &Server, shelves: &[&Arc<Shelf>]) -> Resources {
    let own = server.view.identity().context().clone();
    let providers = Providers::new(&server.manager(), server.broker.clone(), own, BTreeMap::new());
    shelves.iter().for_each(|shelf| providers.resources.add((*shelf).clone()));
    providers.resources
}

fn waypoint(name: &str) -> Value {
    json!({"name": name, "feature": {"type": "Feature", "geometry": {"type": "Point", "coordinates": [24, 60]}}})
}

fn query(parameters: &[(&str, &str)]) -> Vec<(String, String)> {
    parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// ACLs that hide nothing.
fn everything(_: &str, _: &str) -> bool {
    true
}

#[actix::test]
async fn several_providers_are_read_as_one() {
    let server = Server::new().await;
    let first = Shelf::new("first", &["waypoints"], json!({ID: {"name": "old", "depth": 3}, "a": {}}));
    let second = Shelf::new("second", &["waypoints"], json!({ID: {"name": "new"}, "b": {}}));
    let third = Shelf::broken("third", &["waypoints"]);
    let all = resources(&server, &[&first, &second, &third]);
    let list = all.list("waypoints", Vec::new(), &everything).await.expect("a list");
    assert_eq!(Value::from(list), json!({ID: {"name": "new"}, "a": {}, "b": {}}));
    assert_eq!(all.list("waypoints", query(&[("limit", "2")]), &everything).await.expect("a list").len(), 2);
    assert_eq!(all.get("waypoints", ID, None, &everything).await, Ok(json!({"name": "new", "depth": 3})));
    assert_eq!(all.get("waypoints", ID, Some("first"), &everything).await, Ok(json!({"name": "old", "depth": 3})));
    let depth = all.property("waypoints", ID, &["depth".to_owned()], None, &everything).await.expect("a property");
    assert_eq!(
        (&depth["value"], &depth["$source"], depth["timestamp"].is_string()),
        (&json!(3), &json!("first"), true)
    );
    assert_eq!(all.get("waypoints", OTHER, None, &everything).await, Err(ResourceError::NotFound(OTHER.to_owned())));
    assert_eq!(all.provider_ids("waypoints").expect("a type"), ["first", "second", "third"]);
    assert_eq!(all.types(), ["waypoints"]);
    assert!(all.list("routes", Vec::new(), &everything).await.expect("a standard type").is_empty());
    // SK-147: whoever may not see what one provider has gets what the others have.
    let of_second = |path: &str, provider: &str| path == format!("resources.waypoints.{ID}") && provider == "second";
    let list = all.list("waypoints", Vec::new(), &of_second).await.expect("a list");
    assert_eq!(Value::from(list), json!({ID: {"name": "new"}}));
    assert_eq!(all.get("waypoints", ID, None, &of_second).await, Ok(json!({"name": "new"})));
    let hidden = all.get("waypoints", ID, Some("first"), &of_second).await;
    assert_eq!(hidden, Err(ResourceError::NotFound(ID.to_owned())));
    assert!(all.property("waypoints", ID, &["depth".to_owned()], None, &of_second).await.is_err());
    all.expect("groups");
    assert!(all.list("groups", Vec::new(), &everything).await.expect("an expected type").is_empty());
    for (kind, parameters) in [("fishing", Vec::new()), ("routes", query(&[("provider", "first")]))] {
        let unknown = all.list(kind, parameters, &everything).await;
        assert!(matches!(unknown, Err(ResourceError::UnknownType(_))), "{kind}: {unknown:?}");
    }
    let unknown = all.list("waypoints", query(&[("provider", "fourth")]), &everything).await;
    assert!(matches!(unknown, Err(ResourceError::UnknownProvider(_))), "{unknown:?}");
}

#[actix::test]
async fn a_write_goes_to_the_owner_else_to_whom_it_is_meant_for_else_to_the_default() {
    // ABI-69
    let mut server = Server::new().await;
    let first = Shelf::new("first", &["waypoints"], json!({}));
    let second = Shelf::new("second", &["waypoints"], json!({ID: waypoint("old")}));
    let all = resources(&server, &[&first, &second]);
    let body = waypoint("new");
    all.replace("waypoints", ID, &body, None).await.expect("saved");
    assert_eq!((first.ids().len(), second.ids().len()), (0, 1), "the owner keeps it");
    assert_eq!(all.get("waypoints", ID, None, &everything).await, Ok(body.clone()));
    all.replace("waypoints", OTHER, &body, Some("second")).await.expect("saved");
    assert_eq!((first.ids().len(), second.ids().len()), (0, 2));
    let id = all.create("waypoints", &body, None).await.expect("created");
    assert_eq!(first.ids(), std::slice::from_ref(&id));
    assert_eq!(all.default_provider("waypoints").as_deref(), Ok("first"));
    let chosen = all.possible_default("waypoints", "second").expect("a provider");
    assert_eq!(chosen, "second");
    all.set_default("waypoints", &chosen);
    all.create("waypoints", &body, None).await.expect("created");
    assert_eq!(second.ids().len(), 3);
    let elsewhere = all.delete("waypoints", &id, Some("second")).await;
    assert_eq!(elsewhere, Err(ResourceError::NoOwner(id.clone())), "only the named provider is asked");
    all.delete("waypoints", &id, None).await.expect("deleted");
    assert!(first.ids().is_empty());
    let path = format!("resources.waypoints.{id}");
    let updates = server.updates(&path, 2).await;
    assert_eq!(updates, [("first".to_owned(), body), ("first".to_owned(), Value::Null)]);
}

#[actix::test]
async fn a_write_goes_nowhere_when_the_owner_may_be_out_of_order() {
    let server = Server::new().await;
    let first = Shelf::new("first", &["waypoints", "charts"], json!({ID: waypoint("mine")}));
    let all = resources(&server, &[&first, &Shelf::broken("second", &["waypoints", "charts"])]);
    let body = waypoint("new");
    let unknown = |kind: &str, id: &str| {
        let silent = vec!["second".to_owned()];
        ResourceError::OwnerUnknown { kind: kind.to_owned(), id: id.to_owned(), silent }
    };
    assert_eq!(all.replace("waypoints", OTHER, &body, None).await, Err(unknown("waypoints", OTHER)));
    assert_eq!(all.delete("waypoints", OTHER, None).await, Err(unknown("waypoints", OTHER)));
    assert_eq!(all.delete("waypoints", OTHER, Some("second")).await, Err(unknown("waypoints", OTHER)));
    let chart = json!({"identifier": "chart_123", "type": "WMS"});
    assert_eq!(all.create("charts", &chart, None).await, Err(unknown("charts", "chart_123")));
    assert_eq!(first.ids(), [ID]);
    // Where the owner is known, or can't be another one, it is written.
    all.replace("waypoints", ID, &body, None).await.expect("saved");
    all.replace("waypoints", OTHER, &body, Some("first")).await.expect("saved where it is meant to be");
    let id = all.create("waypoints", &body, None).await.expect("nobody can have a new id");
    assert_eq!(first.ids(), [ID, OTHER, id.as_str()]);
}

#[actix::test]
async fn what_is_wrong_reaches_no_provider() {
    let server = Server::new().await;
    let shelf = Shelf::new("shelf", &["waypoints", "charts", "fishing"], json!({}));
    let all = resources(&server, &[&shelf]);
    let body = waypoint("x");
    let bad_id = all.replace("waypoints", "harbour", &body, None).await;
    assert_eq!(bad_id.expect_err("refused").to_string(), "Invalid resource id provided (harbour)");
    let bad_body = all.create("waypoints", &json!({"name": "x"}), None).await;
    assert!(bad_body.expect_err("refused").to_string().starts_with(r#"[{"path":"feature","#));
    let chart = json!({"identifier": "no good", "type": "WMS"});
    assert_eq!(all.create("charts", &chart, None).await, Err(ResourceError::InvalidId("no good".to_owned())));
    assert!(shelf.ids().is_empty());
    let chart = json!({"identifier": "chart_123", "type": "WMS"});
    assert_eq!(all.create("charts", &chart, None).await.as_deref(), Ok("chart_123"));
    all.replace("fishing", "any id", &json!(7), None).await.expect("custom types take anything");
    assert_eq!(shelf.ids(), ["chart_123", "any id"]);
}

#[actix::test]
async fn a_failing_provider_is_an_error_where_it_alone_counts() {
    // ABI-70
    let server = Server::new().await;
    let all = resources(&server, &[&Shelf::broken("broken", &["waypoints"])]);
    let body = waypoint("x");
    let saving = format!("Error saving waypoints resource ({ID})!");
    let failed = all.replace("waypoints", ID, &body, Some("broken")).await.expect_err("it is broken");
    assert_eq!((failed.to_string(), matches!(failed, ResourceError::Saving { .. })), (saving, true));
    let failed = all.create("waypoints", &body, None).await.expect_err("it is broken");
    assert!(matches!(failed, ResourceError::Creating { .. }), "{failed}");
    let failed = all.replace("waypoints", ID, &body, None).await.expect_err("it is broken");
    assert!(failed.to_string().contains("broken gave no usable answer"), "{failed}");
    assert!(all.list("waypoints", Vec::new(), &everything).await.expect("an empty list").is_empty());
    assert!(server.values_so_far(&format!("resources.waypoints.{ID}")).is_empty());
}

#[actix::test]
async fn the_provider_of_a_radar_is_asked_before_others() {
    let server = Server::new().await;
    let provider = |ids: &str| {
        GuestSource::new()
            .text("ids", ids)
            .text("about", r#"{"name":"Halo"}"#)
            .start("(drop (call $radar @name)) (i32.const 0)")
            .lister("radar_get_radars", "(call $answer (local.get $out) @ids)")
            .handler("radar_get_radar_info", "(call $answer (local.get $out) @about)")
    };
    for (id, ids) in [("damaged", "nonsense"), ("sound", r#"["halo"]"#)] {
        server.install(id, &provider(ids), json!({"wasmCapabilities": {"radarProvider": true}}));
        server.configure(id, json!({"enabled": true}));
    }
    let manager = server.manager();
    for id in ["damaged", "sound"] {
        server.until_state(&manager, id, "running").await;
    }
    let own = server.view.identity().context().clone();
    let all = Providers::new(&manager, server.broker.clone(), own, BTreeMap::new());
    for _ in 0..3 {
        assert_eq!(all.radars.info("halo").await, Ok(json!({"name": "Halo"})));
        assert_eq!(all.failures.read()["damaged"]["radar_get_radars"], 1, "asked only when nobody was known");
    }
    assert_eq!(all.radars.info("other").await, Err(RadarError::NotFound));
    assert_eq!(all.failures.read()["damaged"]["radar_get_radars"], 2);
    assert_eq!(all.radars.list(&|_, _| true).await["radars"], json!({"halo": {"name": "Halo"}}));
    // A radar goes with its provider.
    assert_eq!(manager.set_enabled("sound", false).await, Ok(()));
    assert_eq!(all.radars.info("halo").await, Err(RadarError::NotFound));
    manager.stop_all().await;
}
