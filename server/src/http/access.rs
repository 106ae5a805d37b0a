//! Who may do what: one row a route. A route without a row is refused to everybody (signalk-v1 §8.4, server-admin-api §1).

use actix_web::http::Method;

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// Nothing: everybody may, also where anonymous reading is off.
    Nothing,
    /// The right to read.
    Read,
    /// The right to change values: readwrite or admin.
    Write,
    /// To be an admin.
    Admin,
}

/// The routes that a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Routes {
    /// The one that is registered with this pattern.
    At(&'static str),
    /// All that are registered below this path, and what is not registered there, such as the endpoints of plugins.
    Below(&'static str),
}

/// What a route needs, by what is done there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Row {
    /// Which routes.
    pub routes: Routes,
    /// For GET and HEAD.
    pub read: Need,
    /// For every other method.
    pub change: Need,
}

const fn at(pattern: &'static str, read: Need, change: Need) -> Row {
    Row { routes: Routes::At(pattern), read, change }
}

const fn below(path: &'static str, read: Need, change: Need) -> Row {
    Row { routes: Routes::Below(path), read, change }
}

use Need::{Admin, Nothing, Read, Write};

/// The rows; the first that fits a route counts.
pub const TABLE: &[Row] = &[
    // Discovery and login.
    at("/signalk", Nothing, Admin),
    at("/signalk/v1/apps/list", Nothing, Admin),
    at("/signalk/v1/auth/login", Nothing, Nothing),
    at("/login", Nothing, Nothing),
    at("/signalk/v1/auth/logout", Nothing, Nothing),
    at("/logout", Nothing, Nothing),
    at("/signalk/v1/auth/validate", Read, Read),
    at("/skServer/loginStatus", Nothing, Admin),
    // The claim proves itself by its code, a restored installation by the password of an admin in it.
    at("/skServer/enableSecurity", Nothing, Nothing),
    at("/skServer/security/hasBackup", Nothing, Admin),
    at("/signalk/v1/access/requests", Nothing, Nothing),
    at("/signalk/v1/requests/{id}", Nothing, Admin),
    at("/windlass/ca.pem", Nothing, Admin),
    // Each WebSocket is judged in its handshake, and each of its messages as it comes.
    at("/signalk/v1/stream", Nothing, Admin),
    at("/signalk/v1/playback", Nothing, Admin),
    // Data.
    at("/signalk/v1/api/{path:.*}", Read, Write),
    at("/signalk/v1/snapshot/{path:.*}", Read, Admin),
    at("/signalk/v1/api/snapshot/{path:.*}", Read, Admin),
    at("/signalk/v2/features", Nothing, Admin),
    below("/signalk/v2/api", Read, Write),
    at("/windlass/statistics", Read, Admin),
    at("/windlass/alarms/history", Read, Admin),
    below("/windlass/connections", Admin, Admin),
    below("/windlass/plugins", Admin, Admin),
    at("/windlass/actors", Admin, Admin),
    at("/windlass/process", Admin, Admin),
    at("/windlass/performance", Admin, Admin),
    at("/windlass/logging", Admin, Admin),
    at("/windlass/shutdown", Admin, Admin),
    // What web apps keep: their own for all users, and each user's.
    below("/signalk/v1/applicationData/global", Read, Admin),
    below("/signalk/v1/applicationData/user", Read, Write),
    below("/signalk/v1/unitpreferences", Read, Admin),
    // Administration.
    at("/skServer/webapps", Read, Admin),
    at("/skServer/addons", Nothing, Admin),
    at("/skServer/availablePaths", Read, Admin),
    at("/skServer/hasAnalyzer", Read, Admin),
    at("/skServer/inputTest", Read, Read),
    at("/skServer/paths", Nothing, Admin),
    at("/skServer/nodeInfo", Nothing, Admin),
    at("/skServer/debugKeys", Nothing, Admin),
    below("/skServer/security", Admin, Admin),
    below("/security/access/requests", Admin, Admin),
    below("/skServer/plugins", Admin, Admin),
    below("/plugins", Admin, Admin),
    at("/skServer/disableSecurity", Admin, Admin),
    at("/skServer/settings", Admin, Admin),
    at("/skServer/vessel", Admin, Admin),
    below("/skServer/providers", Admin, Admin),
    at("/skServer/runDiscovery", Admin, Admin),
    at("/skServer/serialports", Admin, Admin),
    at("/skServer/testSignalKConnection", Admin, Admin),
    at("/skServer/requestAccess", Admin, Admin),
    at("/skServer/checkAccessRequest", Admin, Admin),
    at("/skServer/restart", Admin, Admin),
    below("/skServer/appstore", Admin, Admin),
    at("/skServer/debug", Admin, Admin),
    at("/skServer/rememberDebug", Admin, Admin),
    below("/skServer/logfiles", Admin, Admin),
    at("/skServer/ziplogs", Admin, Admin),
    at("/skServer/backup", Admin, Admin),
    at("/skServer/validateBackup", Admin, Admin),
    at("/skServer/restore", Admin, Admin),
    at("/skServer/eventsRoutingData", Admin, Admin),
    at("/skServer/priorities", Admin, Admin),
    at("/skServer/priorityGroups", Admin, Admin),
    at("/skServer/priorityOverrides", Admin, Admin),
    at("/skServer/priorityDefaults", Admin, Admin),
    at("/skServer/sourcePriorities", Admin, Admin),
    at("/skServer/sourceAliases", Admin, Admin),
    at("/skServer/ignoredInstanceConflicts", Admin, Admin),
    at("/skServer/multiSourcePaths", Admin, Admin),
    at("/skServer/reconciledGroups", Admin, Admin),
    at("/skServer/livePreferredSources", Admin, Admin),
    at("/skServer/deviceIdentities", Admin, Admin),
    at("/skServer/positionSources", Admin, Admin),
    at("/skServer/cacheInspect", Admin, Admin),
    at("/skServer/removeSource", Admin, Admin),
    // Pages.
    at("/", Nothing, Admin),
    at("/access", Nothing, Admin),
    at("/access.js", Nothing, Admin),
    at("/admin", Nothing, Admin),
    at("/admin/{path:.*}", Nothing, Admin),
];

/// What is not registered is a file of a web app, or unknown: for that nothing is needed (signalk-v1 §8.4).
const FILES: Row = below("/", Nothing, Admin);

/// Where everything that is not in the table is for admins, so that nobody else learns what is there.
const CLOSED: [&str; 3] = ["/skServer", "/security", "/windlass"];

/// The row of a request: by the pattern of its route, if it has one, else by its path. `None` for a registered route without a row.
pub fn row(pattern: Option<&str>, path: &str) -> Option<Row> {
    let found = TABLE.iter().find(|row| match row.routes {
        Routes::At(at) => pattern == Some(at),
        Routes::Below(prefix) => is_below(pattern.unwrap_or(path), prefix),
    });
    match (found, pattern) {
        (Some(row), _) => Some(*row),
        (None, Some(_)) => None,
        (None, None) if CLOSED.iter().any(|prefix| is_below(path, prefix)) => Some(below("/", Admin, Admin)),
        (None, None) => Some(FILES),
    }
}

impl Row {
    /// What the method needs.
    pub fn need(&self, method: &Method) -> Need {
        if matches!(*method, Method::GET | Method::HEAD) { self.read } else { self.change }
    }
}

fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use actix_web::App;
    use actix_web::dev::Service as _;
    use actix_web::test::{TestRequest, call_service, init_service};

    use super::*;

    #[test]
    fn rows_are_found_by_pattern_and_by_path() {
        let need = |pattern, path, method: Method| row(pattern, path).map(|row| row.need(&method));
        assert_eq!(need(Some("/signalk"), "/signalk/", Method::GET), Some(Nothing));
        assert_eq!(need(Some("/signalk/v1/api/{path:.*}"), "/signalk/v1/api/self", Method::PUT), Some(Write));
        assert_eq!(need(Some("/skServer/plugins/{id}/config"), "/skServer/plugins/x/config", Method::GET), Some(Admin));
        assert_eq!(need(Some("/skServer/news"), "/skServer/news", Method::GET), None, "no row");
        assert_eq!(need(None, "/plugins/x/endpoint", Method::GET), Some(Admin));
        assert_eq!(need(None, "/skServer/unknown", Method::GET), Some(Admin));
        assert_eq!(need(None, "/pluginsx/index.html", Method::GET), Some(Nothing));
        assert_eq!(need(None, "/@signalk/instrumentpanel/main.js", Method::GET), Some(Nothing));
        assert_eq!(need(None, "/@signalk/instrumentpanel/main.js", Method::POST), Some(Admin));
    }

    /// The patterns that are registered, read from what the router shows of itself for debugging.
    async fn registered() -> Vec<String> {
        let shown = Rc::new(RefCell::new(String::new()));
        let seen = shown.clone();
        let app = App::new().configure(crate::http::routes).wrap_fn(move |request, service| {
            *seen.borrow_mut() = format!("{:?}", request.resource_map());
            service.call(request)
        });
        let app = init_service(app).await;
        call_service(&app, TestRequest::get().uri("/").to_request()).await;
        let text = shown.borrow().clone();
        full_patterns(&text)
    }

    /// Walks the nested `ResourceMap { pattern: ResourceDef { … patterns: Single("/x") …}, … nodes: Some([…]) }`.
    fn full_patterns(text: &str) -> Vec<String> {
        let (mut found, mut prefixes, mut depth) = (Vec::new(), Vec::<(usize, String)>::new(), 0_usize);
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            if let Some(after) =
                rest.strip_prefix("patterns: Single(\"").or_else(|| rest.strip_prefix("patterns: List([\""))
            {
                let pattern = &after[..after.find('"').expect("a closing quote")];
                while prefixes.last().is_some_and(|(at, _)| *at >= depth) {
                    prefixes.pop();
                }
                let prefix = prefixes.last().map(|(_, prefix)| prefix.clone()).unwrap_or_default();
                found.push(format!("{prefix}{pattern}"));
                prefixes.push((depth, format!("{prefix}{pattern}")));
            }
            match character {
                '{' | '[' | '(' => depth += 1,
                '}' | ']' | ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            rest = &rest[character.len_utf8()..];
        }
        found
    }

    #[actix_web::test]
    async fn every_registered_route_has_a_row() {
        let patterns = registered().await;
        assert!(patterns.iter().any(|pattern| pattern == "/signalk/v1/stream"), "{patterns:#?}");
        let without: Vec<_> =
            patterns.iter().filter(|pattern| !pattern.is_empty() && row(Some(pattern), "").is_none()).collect();
        assert!(without.is_empty(), "routes without a row in the access table: {without:#?}");
    }
}
