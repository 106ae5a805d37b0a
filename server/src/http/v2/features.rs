//! What this server can do: `/signalk/v2/features` (signalk-v2 §9).

use std::collections::HashSet;

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::AppState;

/// The interfaces of version 2 that are served.
const APIS: [&str; 3] = ["resources", "weather", "radar"];

/// The filter.
#[derive(Debug, Deserialize)]
pub struct Query {
    /// `true`, `1`, `false` or `0`; everything else filters nothing.
    enabled: Option<String>,
}

/// `GET /signalk/v2/features`.
pub async fn features(state: web::Data<AppState>, query: web::Query<Query>) -> HttpResponse {
    let wanted = match query.enabled.as_deref() {
        Some("true" | "1") => Some(true),
        Some("false" | "0") => Some(false),
        _ => None,
    };
    let (mut plugins, mut seen) = (Vec::new(), HashSet::new());
    for item in state.plugins.list().await {
        let Some(id) = item["id"].as_str().filter(|id| seen.insert((*id).to_owned())) else { continue };
        // Whether it is enabled depends on more than what is saved.
        let enabled = state.plugins.info(id).await.is_ok_and(|info| info["enabled"] == Value::Bool(true));
        if wanted.is_none_or(|wanted| wanted == enabled) {
            plugins.push(json!({"id": id, "name": item["name"], "version": item["version"], "enabled": enabled}));
        }
    }
    HttpResponse::Ok().json(json!({"apis": APIS, "plugins": plugins}))
}
