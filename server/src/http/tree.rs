//! Reading the data model: `/signalk/v1/api/…` (signalk-v1 §4.2).

use actix_web::{Error, HttpRequest, HttpResponse, web};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::AppState;
use super::auth::Visitor;
use super::pages::not_found;
use super::sight::Sight;
use super::unit_preferences::choice_of;

/// The field of metadata that says how values are shown.
const DISPLAY_UNITS: &str = "displayUnits";

/// `GET /signalk/v1/api/<path>`: a node of the full model.
pub async fn node(request: HttpRequest, state: web::Data<AppState>) -> Result<HttpResponse, Error> {
    let below = request.path().strip_prefix("/signalk/v1/api/").unwrap_or_default();
    let below = below.strip_suffix('/').filter(|rest| *rest != "self").unwrap_or(below);
    // Divided first and decoded then: an encoded slash stays inside its segment.
    let decode = |segment| percent_decode_str(segment).decode_utf8();
    let segments: Result<Vec<_>, _> =
        if below.is_empty() { Ok(Vec::new()) } else { below.split('/').map(decode).collect() };
    let Ok(segments) = segments else { return Ok(not_found(request).await) };
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    let sight = Sight::of(&request, &state);
    let mut node = match sight.is_unlimited() {
        true => state.view.node(&segments),
        false => {
            state.view.node_seen_by(&segments, &|context, path, source| sight.sees(context, path, source.as_str()))
        }
    };
    if let Some(asked) = AskedMeta::of(&segments) {
        let visitor = Visitor::of(&request);
        let choice = choice_of(&state, &visitor).await?;
        let shown =
            |path: &str, meta: &Map<String, Value>| state.units.display_units(path, meta, visitor.name(), &choice);
        node = asked.with_units(node, &state, shown);
    }
    Ok(match node {
        Some(node) => HttpResponse::Ok().json(node),
        None => not_found(request).await,
    })
}

/// Which metadata a path asks for.
#[derive(Debug, PartialEq, Eq)]
enum AskedMeta {
    /// That of all paths of a context.
    OfContext,
    /// That of one path.
    Of(String),
    /// How the values of one path are to be shown.
    DisplayUnits(String),
}

impl AskedMeta {
    fn of(segments: &[&str]) -> Option<Self> {
        let id_length = if segments.starts_with(&["shore", "basestations"]) { 3 } else { 2 };
        match segments.get(id_length..)? {
            ["meta"] => Some(Self::OfContext),
            [path @ .., "meta"] => Some(Self::Of(path.join("."))),
            [path @ .., "meta", "displayUnits"] if !path.is_empty() => Some(Self::DisplayUnits(path.join("."))),
            _ => None,
        }
    }

    /// Metadata with `displayUnits` as the visitor wants values to be shown (signalk-v1 §3).
    fn with_units(
        self,
        node: Option<Value>,
        state: &AppState,
        shown: impl Fn(&str, &Map<String, Value>) -> Option<Value>,
    ) -> Option<Value> {
        let add = |path: &str, meta: &mut Value| {
            if let Value::Object(meta) = meta
                && let Some(shown) = shown(path, meta)
            {
                meta.insert(DISPLAY_UNITS.to_owned(), shown);
            }
        };
        match (self, node) {
            (Self::Of(path), Some(mut meta)) => {
                add(&path, &mut meta);
                Some(meta)
            }
            (Self::OfContext, Some(Value::Object(mut paths))) => {
                for (path, meta) in &mut paths {
                    add(path, meta);
                }
                Some(paths.into())
            }
            (Self::DisplayUnits(path), node) => {
                let meta = state.view.metadata(&path);
                meta.and_then(|meta| shown(&path, &meta)).or(node)
            }
            (_, node) => node,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AskedMeta;

    #[test]
    fn metadata_is_asked_for_by_the_end_of_the_path() {
        for (segments, asked) in [
            (&["vessels", "self", "meta"][..], Some(AskedMeta::OfContext)),
            (&["vessels", "self", "a", "b", "meta"], Some(AskedMeta::Of("a.b".to_owned()))),
            (&["vessels", "self", "a", "meta", "displayUnits"], Some(AskedMeta::DisplayUnits("a".to_owned()))),
            (&["shore", "basestations", "x", "meta"], Some(AskedMeta::OfContext)),
            (&["shore", "basestations", "x", "a", "meta"], Some(AskedMeta::Of("a".to_owned()))),
            (&["vessels", "self", "a", "meta", "units"], None),
            (&["vessels", "self"], None),
            (&["vessels"], None),
            (&[], None),
        ] {
            assert_eq!(AskedMeta::of(segments), asked, "{segments:?}");
        }
    }
}
