//! Who keeps resources.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::super::plugin::{PluginProvider, ProviderError, error_text, is_nothing};
use super::property;

/// Something that keeps resources of one or more types: a plugin, or a part of the server.
pub trait ResourceProvider: Send + Sync {
    /// Its id, which is also the `$source` of what is written through it.
    fn id(&self) -> &str;

    /// The types that it keeps at present.
    fn types(&self) -> Vec<String>;

    /// Its resources of a type by id. `query` is what the client asked for, checked for standard types.
    fn list<'a>(
        &'a self,
        kind: &'a str,
        query: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<Map<String, Value>, ProviderError>>;

    /// One resource; `None` when it does not have it.
    fn get<'a>(&'a self, kind: &'a str, id: &'a str) -> BoxFuture<'a, Result<Option<Value>, ProviderError>>;

    /// A property of a resource as `{"value", "timestamp"?, "$source"?}`; `None` when it does not have the resource, or that not the
    /// property.
    fn get_property<'a>(
        &'a self,
        kind: &'a str,
        id: &'a str,
        path: &'a [String],
    ) -> BoxFuture<'a, Result<Option<Value>, ProviderError>> {
        async move {
            let resource = self.get(kind, id).await?;
            Ok(resource.as_ref().and_then(|resource| property::of_resource(resource, path)))
        }
        .boxed()
    }

    /// Creates or replaces a resource.
    fn set<'a>(&'a self, kind: &'a str, id: &'a str, value: &'a Value) -> BoxFuture<'a, Result<(), ProviderError>>;

    /// Removes a resource.
    fn delete<'a>(&'a self, kind: &'a str, id: &'a str) -> BoxFuture<'a, Result<(), ProviderError>>;
}

const LIST: &str = "resources_list_resources";
const GET: &str = "resources_get_resource";
const SET: &str = "resources_set_resource";
const DELETE: &str = "resources_delete_resource";

impl PluginProvider {
    /// Counts an export that a resource provider must have and this one has not.
    fn miss<T>(&self, export: &'static str, answer: Result<T, ProviderError>) -> Result<T, ProviderError> {
        answer.inspect_err(|error| {
            if matches!(error, ProviderError::Unsupported(_)) {
                self.note(export, error);
            }
        })
    }

    async fn get_with(&self, request: Value) -> Result<Option<Value>, ProviderError> {
        let answer = self.miss(GET, self.ask(GET, &request).await)?;
        Ok(answer.filter(|answer| !is_nothing(answer)))
    }

    async fn write(&self, export: &'static str, request: Value) -> Result<(), ProviderError> {
        let answer = self.miss(export, self.ask_text(export, &request).await)?;
        written(answer.as_deref()).inspect_err(|error| self.note(export, error))
    }
}

impl ResourceProvider for PluginProvider {
    fn id(&self) -> &str {
        &self.id
    }

    fn types(&self) -> Vec<String> {
        self.plugins.offers().of(&self.id).resources
    }

    fn list<'a>(
        &'a self,
        kind: &'a str,
        query: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<Map<String, Value>, ProviderError>> {
        async move {
            let mut request = query.clone();
            // Last also when the query has such a key.
            request.shift_remove("resourceType");
            request.insert("resourceType".to_owned(), kind.into());
            let failed = match self.miss(LIST, self.ask(LIST, &request.into()).await)? {
                None | Some(Value::Null) => return Ok(Map::new()),
                Some(answer) if is_nothing(&answer) && answer.get("error").is_some() => {
                    ProviderError::Refused(error_text(&answer).unwrap_or_else(|| "it says error: null".to_owned()))
                }
                Some(Value::Object(resources)) => return Ok(resources),
                Some(_) => ProviderError::Failed("its answer is no object of resources by id".to_owned()),
            };
            self.note(LIST, &failed);
            Err(failed)
        }
        .boxed()
    }

    fn get<'a>(&'a self, kind: &'a str, id: &'a str) -> BoxFuture<'a, Result<Option<Value>, ProviderError>> {
        self.get_with(json!({"id": id, "resourceType": kind})).boxed()
    }

    fn get_property<'a>(
        &'a self,
        kind: &'a str,
        id: &'a str,
        path: &'a [String],
    ) -> BoxFuture<'a, Result<Option<Value>, ProviderError>> {
        async move {
            let request = json!({"id": id, "property": path.join("."), "resourceType": kind});
            let Some(answer) = self.get_with(request).await? else { return Ok(None) };
            if answer.get("value").is_some() {
                return Ok(Some(answer));
            }
            // Plugins may ignore the property, and nothing in the answer tells what it is: the whole resource decides.
            match self.get(kind, id).await? {
                Some(resource) => Ok(property::of_resource(&resource, path)
                    .or_else(|| (!answer.is_object()).then(|| property::wrap(answer, None)))),
                None => Ok(None),
            }
        }
        .boxed()
    }

    fn set<'a>(&'a self, kind: &'a str, id: &'a str, value: &'a Value) -> BoxFuture<'a, Result<(), ProviderError>> {
        self.write(SET, json!({"id": id, "value": value, "resourceType": kind})).boxed()
    }

    fn delete<'a>(&'a self, kind: &'a str, id: &'a str) -> BoxFuture<'a, Result<(), ProviderError>> {
        self.write(DELETE, json!({"id": id, "resourceType": kind})).boxed()
    }
}

/// What the answer to a write means: nothing, `null`, `true` or an object is success, unless the object has an `error` or says
/// `"success": false`; any other text is the reason of a failure (wasm-plugin-abi §3.8).
fn written(answer: Option<&str>) -> Result<(), ProviderError> {
    let Some(text) = answer else { return Ok(()) };
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Null | Value::Bool(true)) => Ok(()),
        Ok(Value::String(empty)) if empty.is_empty() => Ok(()),
        Ok(answer @ Value::Object(_)) => match error_text(&answer) {
            Some(reason) => Err(ProviderError::Refused(reason)),
            None if answer["success"] == false => Err(ProviderError::Refused("it says success: false".to_owned())),
            None => Ok(()),
        },
        _ => Err(ProviderError::Refused(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_write_tells_success_from_failure() {
        // ABI-70
        for good in ["null", "true", "{}", r#"{"success":true}"#, r#"{"id":"x"}"#, r#"{"error":null}"#, r#""""#] {
            assert_eq!(written(Some(good)), Ok(()), "{good}");
        }
        assert_eq!(written(None), Ok(()));
        for bad in [r#"{"error":"disk full"}"#, r#"{"success":false}"#, "disk full", "false", "0", "[]", r#""no""#] {
            assert!(matches!(written(Some(bad)), Err(ProviderError::Refused(_))), "{bad}");
        }
    }
}
