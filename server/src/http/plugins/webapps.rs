//! Web apps: the pages of packages, at `/<package name>/` (wasm-plugin-abi §8.3).

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use windlass_actors::plugins::{WebApp, WebAppKind};

use super::super::AppState;
use super::super::pages::not_found;
use super::static_files;

/// What no other route answers: a page of a web app, or 404.
pub async fn serve(request: HttpRequest, state: web::Data<AppState>) -> HttpResponse {
    let is_read = [Method::GET, Method::HEAD].contains(request.method());
    let apps = state.plugins.web_apps();
    let Some((app, path)) = is_read.then(|| app_and_path(&apps, request.path())).flatten() else {
        return not_found(request).await;
    };
    if path.is_empty() {
        return static_files::with_slash(&request);
    }
    if state.plugins.awaits_consent(&app.name) {
        let reason = "its plugin asks for more than was agreed to, and waits for consent";
        return HttpResponse::NotFound().json(json!({"error": format!("{}: {reason}", app.name)}));
    }
    let Some(public) = &app.public else {
        let reason = "the package has no folder public/, and nothing else of it is served; its author has to add one";
        return HttpResponse::NotFound().json(json!({"error": format!("{}: {reason}", app.name)}));
    };
    match static_files::serve(&request, public, path).await {
        Some(file) => file,
        None => not_found(request).await,
    }
}

/// `GET /skServer/webapps`: the `package.json` of each web app whose plugin, if it has one, is not switched off.
pub async fn list(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(listed(&state, &[WebAppKind::App, WebAppKind::Embeddable]).await)
}

/// `GET /skServer/addons`: the same for parts of the administration pages.
pub async fn addons(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(listed(&state, &[WebAppKind::Addon]).await)
}

/// `GET /signalk/v1/apps/list`: the web apps for people, that of this server first (signalk-v1 §4.3).
pub async fn apps(state: web::Data<AppState>) -> HttpResponse {
    let mut apps = vec![json!({
        "name": "windlass-dashboard",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "The dashboard of this server",
        "location": "/admin/",
        "license": "Apache-2.0",
        "author": "Windlass",
    })];
    apps.extend(listed(&state, &[WebAppKind::App]).await.iter().map(app_item));
    HttpResponse::Ok().json(apps)
}

async fn listed(state: &AppState, kinds: &[WebAppKind]) -> Vec<Value> {
    let disabled = state.plugins.disabled_packages().await;
    let apps = state.plugins.web_apps();
    let wanted =
        apps.iter().filter(|app| app.kinds.iter().any(|kind| kinds.contains(kind)) && !disabled.contains(&app.name));
    wanted.map(|app| app.package_json.clone()).collect()
}

fn app_item(package: &Value) -> Value {
    let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
    // npm allows a name, and an object with one.
    let author = package["author"].as_str().or_else(|| package["author"]["name"].as_str()).unwrap_or_default();
    let name = text("name");
    json!({
        "version": text("version"),
        "description": text("description"),
        "location": format!("/{name}/"),
        "license": text("license"),
        "author": author,
        "name": name,
    })
}

/// The web app that a path belongs to, and what follows its name there.
fn app_and_path<'a, 'p>(apps: &'a [WebApp], path: &'p str) -> Option<(&'a WebApp, &'p str)> {
    let below = path.strip_prefix('/')?;
    let ends = below.match_indices('/').map(|(at, _)| at).chain([below.len()]);
    // A name has one part, or two with a scope, whose slash may be encoded.
    ends.take(2).find_map(|end| {
        let (name, path) = below.split_at(end);
        let name = percent_decode_str(name).decode_utf8().ok()?;
        Some((apps.iter().find(|app| app.name == name)?, path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_the_package_that_it_begins_with() {
        let app = |name: &str| WebApp {
            name: name.to_owned(),
            kinds: vec![WebAppKind::App],
            public: None,
            package_json: Value::Null,
        };
        let apps = [app("@s/one"), app("two")];
        for (path, expected) in [
            ("/two", Some(("two", ""))),
            ("/two/", Some(("two", "/"))),
            ("/two/a/b.js", Some(("two", "/a/b.js"))),
            ("/@s/one/a", Some(("@s/one", "/a"))),
            ("/%40s%2Fone/a", Some(("@s/one", "/a"))),
            ("/@s/one", Some(("@s/one", ""))),
            ("/@s/", None),
            ("/twofold/a", None),
            ("/x/two/a", None),
            ("//two", None),
            ("/", None),
        ] {
            let found = app_and_path(&apps, path).map(|(app, path)| (app.name.as_str(), path));
            assert_eq!(found, expected, "{path}");
        }
    }
}
