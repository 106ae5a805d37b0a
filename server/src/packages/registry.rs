//! What the registry has, read from what npm prints.

use serde_json::Value;

use super::{PackageError, archive};

/// The keyword of plugins that run here.
pub(super) const PLUGINS: &str = "signalk-wasm-plugin";
/// The keyword of web apps.
pub(super) const WEB_APPS: &str = "signalk-webapp";

/// A package that can be installed.
#[derive(Debug, Clone, PartialEq)]
pub struct Offered {
    /// Its name.
    pub name: String,
    /// Its latest version.
    pub version: String,
    /// What it says of itself.
    pub description: String,
    /// Who makes it.
    pub author: String,
    /// When the version was published, in RFC 3339; may be empty.
    pub updated: String,
    /// Its keywords.
    pub keywords: Vec<String>,
}

impl Offered {
    /// Whether it has a keyword.
    pub fn is(&self, keyword: &str) -> bool {
        self.keywords.iter().any(|known| known == keyword)
    }

    /// Whether it is a plugin that can run here.
    pub fn is_plugin(&self) -> bool {
        self.is(PLUGINS)
    }

    /// Whether it is a web app.
    pub fn is_web_app(&self) -> bool {
        self.is(WEB_APPS)
    }
}

/// The packages that `npm search --json` has printed.
///
/// # Errors
/// It is something else.
pub(super) fn found(printed: &[u8]) -> Result<Vec<Offered>, PackageError> {
    let list: Value = serde_json::from_slice(printed).map_err(|error| PackageError::Registry(error.to_string()))?;
    let Value::Array(list) = list else {
        return Err(PackageError::Registry(words(&list).unwrap_or_else(|| "npm printed no list".to_owned())));
    };
    Ok(list.iter().filter_map(offered).collect())
}

fn offered(item: &Value) -> Option<Offered> {
    let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
    let (name, version) = (text("name"), text("version"));
    let author = ["author", "publisher"].iter().find_map(|key| {
        let who = &item[*key];
        who.as_str().or_else(|| who["name"].as_str()).or_else(|| who["username"].as_str())
    });
    let keywords =
        item["keywords"].as_array().into_iter().flatten().filter_map(|keyword| keyword.as_str().map(str::to_owned));
    (!name.is_empty() && !version.is_empty()).then(|| Offered {
        name,
        version,
        description: text("description"),
        author: author.unwrap_or_default().to_owned(),
        updated: text("date"),
        keywords: keywords.collect(),
    })
}

/// Whether what `npm view --json` has printed is a package for a Signal K server.
pub(super) fn is_for_signalk(printed: &[u8]) -> bool {
    serde_json::from_slice::<Value>(printed).is_ok_and(|package| archive::is_for_signalk(&package))
}

/// What npm says in JSON was wrong.
fn words(printed: &Value) -> Option<String> {
    let error = &printed["error"];
    let said = error["summary"].as_str().filter(|said| !said.is_empty()).or_else(|| error["code"].as_str())?;
    Some(said.to_owned())
}

/// What npm has said was wrong, in one line: without the code, and without the place of its log.
pub(super) fn complaint<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let errors = lines.filter_map(|line| line.strip_prefix("npm error").or_else(|| line.strip_prefix("npm ERR!")));
    let errors = errors.map(str::trim).filter(|line| !line.is_empty() && !line.contains("complete log of this run"));
    let said: Vec<_> = errors.take(4).collect();
    if said.is_empty() { "it did not say why".to_owned() } else { said.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_npm_prints_is_understood() {
        let printed = br#"[
            {"name": "@a/b", "version": "1.0.0", "description": "d", "keywords": ["signalk-wasm-plugin"],
             "date": "2026-01-01T00:00:00.000Z", "publisher": {"username": "me", "email": "x"}},
            {"name": "c", "version": "2.0.0", "author": {"name": "Jo"}, "keywords": ["signalk-webapp"]},
            {"version": "2.0.0"}, null
        ]"#;
        let found = found(printed).expect("a list");
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].author.as_str(), found[0].is_plugin(), found[0].is_web_app()), ("me", true, false));
        assert_eq!((found[1].author.as_str(), found[1].is_plugin(), found[1].is_web_app()), ("Jo", false, true));
    }

    #[test]
    fn what_went_wrong_is_told_in_words() {
        let printed = br#"{"error": {"code": "ENOTFOUND", "summary": "request failed, reason: no network"}}"#;
        let error = found(printed).expect_err("no list").to_string();
        assert!(error.contains("no network") && error.contains("from a file"), "{error}");
        let lines = [
            "npm http fetch GET",
            "npm error code E404",
            "npm error",
            "npm error 404 Not Found",
            "npm error A complete log of this run can be found in: x",
        ];
        assert_eq!(complaint(lines.into_iter()), "code E404; 404 Not Found");
        assert_eq!(complaint([""].into_iter()), "it did not say why");
        assert!(is_for_signalk(br#"{"name": "x", "keywords": ["signalk-webapp"]}"#));
        assert!(!is_for_signalk(br#"{"name": "x", "keywords": ["react"]}"#) && !is_for_signalk(b"null"));
    }
}
