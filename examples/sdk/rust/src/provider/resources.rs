//! Resources: routes, waypoints, notes, regions, charts, or a type of one's own.

use super::{ProviderError, failure};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Keeps resources. One provider may serve several types; `kind` says which is meant.
pub trait ResourceProvider {
    /// The resources by id. `query` is the request's, its values decoded from JSON where they are JSON.
    ///
    /// # Errors
    /// The client gets an empty list; the error is logged.
    fn list(&mut self, kind: &str, query: &Map<String, Value>) -> Result<Map<String, Value>, ProviderError>;

    /// One resource, or with `property` (dots between names) a part of it. `None`: there is none.
    ///
    /// # Errors
    /// The client is told that there is none; the error is logged.
    fn get(&mut self, kind: &str, id: &str, property: Option<&str>) -> Result<Option<Value>, ProviderError>;

    /// Makes or replaces a resource. Without an implementation the provider is read-only.
    ///
    /// # Errors
    /// The text for the client.
    fn set(&mut self, kind: &str, id: &str, value: Value) -> Result<(), ProviderError> {
        let _ = (id, value);
        Err(format!("{kind} of this provider can't be changed").into())
    }

    /// Deletes a resource. Without an implementation the provider is read-only.
    ///
    /// # Errors
    /// The text for the client.
    fn delete(&mut self, kind: &str, id: &str) -> Result<(), ProviderError> {
        let _ = id;
        Err(format!("{kind} of this provider can't be deleted").into())
    }
}

/// The four exports.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "named like the exports")]
pub enum Call {
    List,
    Get,
    Set,
    Delete,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    resource_type: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    property: Option<String>,
    #[serde(default)]
    value: Value,
}

impl Call {
    /// Answers a request; the empty text means success without a result, or that there is none.
    pub(crate) fn answer(self, provider: &mut impl ResourceProvider, request: &[u8]) -> String {
        let answer = match self {
            Self::List => list(provider, request),
            _ => self.item(provider, request),
        };
        match answer {
            Ok(value) => value.map(|value| value.to_string()).unwrap_or_default(),
            Err(error) => {
                crate::host::debug(format!("resource provider: {error}"));
                match self {
                    Self::List => "{}".to_owned(),
                    _ => failure(&error).to_string(),
                }
            }
        }
    }

    fn item(self, provider: &mut impl ResourceProvider, request: &[u8]) -> Result<Option<Value>, ProviderError> {
        let Request { resource_type: kind, id, property, value } = serde_json::from_slice(request)?;
        match self {
            Self::Set => provider.set(&kind, &id, value).map(|()| None),
            Self::Delete => provider.delete(&kind, &id).map(|()| None),
            _ => provider.get(&kind, &id, property.as_deref()),
        }
    }
}

fn list(provider: &mut impl ResourceProvider, request: &[u8]) -> Result<Option<Value>, ProviderError> {
    let mut query: Map<String, Value> = serde_json::from_slice(request)?;
    let kind = query.remove("resourceType");
    let kind = kind.as_ref().and_then(Value::as_str).ok_or("a request without resourceType")?;
    provider.list(kind, &query).map(|found| Some(json!(found)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Shelf(Map<String, Value>);

    impl ResourceProvider for Shelf {
        fn list(&mut self, kind: &str, query: &Map<String, Value>) -> Result<Map<String, Value>, ProviderError> {
            if kind != "notes" {
                return Err(format!("no {kind} here").into());
            }
            let limit = query.get("limit").and_then(Value::as_u64).unwrap_or(u64::MAX);
            Ok(self.0.clone().into_iter().take(usize::try_from(limit)?).collect())
        }

        fn get(&mut self, _: &str, id: &str, property: Option<&str>) -> Result<Option<Value>, ProviderError> {
            let found = self.0.get(id);
            Ok(match property {
                Some(name) => found.and_then(|note| note.get(name)).cloned(),
                None => found.cloned(),
            })
        }

        fn set(&mut self, _: &str, id: &str, value: Value) -> Result<(), ProviderError> {
            self.0.insert(id.to_owned(), value);
            Ok(())
        }
    }

    #[test]
    fn requests_are_answered_as_servers_expect() {
        // ABI-68, ABI-70
        let mut shelf = Shelf::default();
        let set = Call::Set.answer(&mut shelf, br#"{"id":"a","value":{"title":"Reef"},"resourceType":"notes"}"#);
        assert_eq!(set, "", "success has no text");
        assert_eq!(Call::Get.answer(&mut shelf, br#"{"id":"a","resourceType":"notes"}"#), r#"{"title":"Reef"}"#);
        let title = Call::Get.answer(&mut shelf, br#"{"id":"a","property":"title","resourceType":"notes"}"#);
        assert_eq!(title, r#""Reef""#);
        assert_eq!(Call::Get.answer(&mut shelf, br#"{"id":"b","resourceType":"notes"}"#), "");
        let list = |shelf: &mut Shelf, request: &[u8]| Call::List.answer(shelf, request);
        assert_eq!(list(&mut shelf, br#"{"resourceType":"notes"}"#), r#"{"a":{"title":"Reef"}}"#);
        assert_eq!(list(&mut shelf, br#"{"limit":0,"resourceType":"notes"}"#), "{}");
        assert_eq!(list(&mut shelf, br#"{"resourceType":"routes"}"#), "{}");
        let refused = Call::Delete.answer(&mut shelf, br#"{"id":"a","resourceType":"notes"}"#);
        assert!(refused.starts_with(r#"{"error":"notes of this provider"#), "{refused}");
        assert!(Call::Get.answer(&mut shelf, b"{").contains("error"));
    }
}
