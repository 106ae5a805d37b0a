//! Access control lists: who may read, write and PUT which values (signalk-v1 §8.5).

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use crate::level::Principal;

/// What the own ship's context is called in `acls`.
const OWN_CONTEXT: &str = "vessels.self";
/// The subject that stands for everybody.
const EVERYBODY: &str = "any";

/// What the ACLs let somebody do with a value. The level of the principal is another matter, and judged besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Access {
    /// See it.
    pub read: bool,
    /// Send deltas with it. Includes reading.
    pub write: bool,
    /// PUT it.
    pub put: bool,
}

impl Access {
    /// Everything.
    pub const ALL: Self = Self { read: true, write: true, put: true };
    /// Nothing.
    pub const NONE: Self = Self { read: false, write: false, put: false };
}

/// The compiled `acls` of security.json; immutable. Get the one in force with [`crate::Security::acl`], again when the revision changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acl {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    context: Glob,
    resources: Vec<Resource>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Resource {
    paths: Vec<Glob>,
    sources: Vec<Glob>,
    grants: Vec<Grant>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Grant {
    subject: Subject,
    access: Access,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Subject {
    Everybody,
    /// The name of a user: a device that takes the same client id does not get what is meant for the user.
    User(Arc<str>),
    Other(Arc<str>),
}

impl Acl {
    /// Compiles the value of `acls`. `users` are the names of all users; `problem` is told what in it grants nothing.
    pub(crate) fn compile(
        acls: &Value,
        users: &HashSet<&str>,
        mut problem: impl FnMut(String),
    ) -> Result<Self, String> {
        let mut entries = Vec::new();
        for (n, entry) in list(acls, || "acls".to_owned())?.iter().enumerate() {
            let at = || format!("acls[{n}]");
            let context = entry["context"].as_str().ok_or_else(|| format!("{}.context is no text", at()))?;
            let mut resources = Vec::new();
            for (m, resource) in list(&entry["resources"], || format!("{}.resources", at()))?.iter().enumerate() {
                let at = || format!("acls[{n}].resources[{m}]");
                let mut grants = Vec::new();
                for grant in list(&resource["permissions"], || format!("{}.permissions", at()))? {
                    let subject = grant["subject"].as_str().ok_or_else(|| format!("{}: a subject is no text", at()))?;
                    let permission = grant["permission"].as_str().unwrap_or_default();
                    let Some(access) = access(permission) else {
                        problem(format!("{}: the permission {permission:?} grants nothing", at()));
                        continue;
                    };
                    let subject = match subject {
                        EVERYBODY => Subject::Everybody,
                        name if users.contains(name) => Subject::User(name.into()),
                        name => Subject::Other(name.into()),
                    };
                    grants.push(Grant { subject, access });
                }
                let globs = |key: &str| match &resource[key] {
                    Value::Null => Ok(Vec::new()),
                    value => list(value, || format!("{}.{key}", at()))?
                        .iter()
                        .map(|glob| {
                            glob.as_str().map(Glob::new).ok_or_else(|| format!("{}.{key}: an entry is no text", at()))
                        })
                        .collect(),
                };
                resources.push(Resource { paths: globs("paths")?, sources: globs("sources")?, grants });
            }
            entries.push(Entry { context: Glob::new(context), resources });
        }
        Ok(Self { entries })
    }

    /// True when there are no ACLs: then everybody has the access of their level, and nothing needs to be asked.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What somebody may do with the value of a path and source.
    ///
    /// `own` says that `context` is the own ship, which the ACLs call `vessels.self` whatever its id is. The first entry whose context
    /// matches decides, and in it the first resource with a matching path or source: it gives what it grants to the principal and to `any`.
    /// Where none matches, nothing is granted. The time this takes is linear in the lengths of the ACLs and the texts.
    pub fn decide(&self, principal: &Principal, own: bool, context: &str, path: &str, source: &str) -> Access {
        if self.is_empty() || *principal == Principal::Anybody {
            return Access::ALL;
        }
        let context = if own { OWN_CONTEXT } else { context };
        let entry = self.entries.iter().find(|entry| entry.context.matches(context));
        let resource = entry.and_then(|entry| entry.resources.iter().find(|resource| resource.covers(path, source)));
        let grants = resource.into_iter().flat_map(|resource| &resource.grants);
        grants.filter(|grant| grant.subject.is(principal)).fold(Access::NONE, |sum, grant| Access {
            read: sum.read || grant.access.read,
            write: sum.write || grant.access.write,
            put: sum.put || grant.access.put,
        })
    }
}

impl Resource {
    fn covers(&self, path: &str, source: &str) -> bool {
        self.paths.iter().any(|glob| glob.matches(path)) || self.sources.iter().any(|glob| glob.matches(source))
    }
}

impl Subject {
    fn is(&self, principal: &Principal) -> bool {
        match self {
            Self::Everybody => true,
            Self::User(name) => matches!(principal, Principal::User(user) if user == name),
            Self::Other(name) => principal.id() == Some(name),
        }
    }
}

fn access(permission: &str) -> Option<Access> {
    match permission {
        "read" => Some(Access { read: true, ..Access::NONE }),
        "write" => Some(Access { read: true, write: true, ..Access::NONE }),
        "put" => Some(Access { put: true, ..Access::NONE }),
        _ => None,
    }
}

fn list(value: &Value, at: impl Fn() -> String) -> Result<&[Value], String> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| format!("{} is no list", at()))
}

/// `*` stands for any run of characters, everything else for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Glob {
    start: Box<str>,
    /// What comes after the first star: the texts between stars, and the end. `None` without a star.
    rest: Option<(Vec<Box<str>>, Box<str>)>,
}

impl Glob {
    fn new(text: &str) -> Self {
        let Some((start, rest)) = text.split_once('*') else { return Self { start: text.into(), rest: None } };
        let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
        let middle = middle.split('*').filter(|part| !part.is_empty()).map(Box::from).collect();
        Self { start: start.into(), rest: Some((middle, end.into())) }
    }

    fn matches(&self, text: &str) -> bool {
        let Some((middle, end)) = &self.rest else { return *text == *self.start };
        let Some(mut text) = text.strip_prefix(&*self.start).and_then(|text| text.strip_suffix(&**end)) else {
            return false;
        };
        // The first place of each part is as good as any later one: what follows has the more room.
        for part in middle {
            match text.find(&**part) {
                Some(at) => text = &text[at + part.len()..],
                None => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn compile(acls: &Value, users: &[&str]) -> Result<Acl, String> {
        Acl::compile(acls, &users.iter().copied().collect(), |problem| panic!("{problem}"))
    }

    fn user(name: &str) -> Principal {
        Principal::User(name.into())
    }

    const READ: Access = Access { read: true, write: false, put: false };
    const WRITE: Access = Access { read: true, write: true, put: false };
    const PUT: Access = Access { read: false, write: false, put: true };

    // SK-147, SK-148
    #[test]
    fn the_first_entry_and_its_first_resource_decide() {
        let acl = compile(
            &json!([
                { "context": "vessels.self", "resources": [
                    { "paths": ["steering.*"], "permissions": [
                        {"subject": "any", "permission": "read"}, {"subject": "bob", "permission": "put"},
                    ] },
                    { "sources": ["actisense.*", "ais"], "permissions": [{"subject": "bob", "permission": "write"}] },
                    { "paths": ["*"], "permissions": [{"subject": "AUTO", "permission": "read"}] },
                ] },
                { "context": "vessels.*", "resources": [
                    { "paths": ["navigation.*"], "permissions": [{"subject": "any", "permission": "read"}] },
                ] },
                { "context": "*", "resources": [] },
            ]),
            &["bob"],
        )
        .expect("ACLs");
        let (own, other, aton) = ("vessels.urn:mrn:imo:mmsi:1", "vessels.urn:mrn:imo:mmsi:2", "atons.x");
        let bob_may = Access { put: true, ..READ };
        let (bob, eve, device) = (user("bob"), user("eve"), Principal::Device("bob".into()));
        for (principal, is_own, context, path, source, expected) in [
            (&bob, true, own, "steering.rudderAngle", "x", bob_may),
            (&eve, true, own, "steering.rudderAngle", "x", READ),
            (&device, true, own, "steering.rudderAngle", "x", READ),
            (&Principal::Anonymous, true, own, "steering.rudderAngle", "actisense.1", READ),
            (&bob, true, own, "steering", "actisense.35", WRITE),
            (&eve, true, own, "navigation.position", "ais", Access::NONE),
            (&bob, true, own, "navigation.position", "ais2", Access::NONE),
            (&Principal::Anonymous, true, own, "navigation.position", "ais2", READ),
            (&Principal::Nobody, true, own, "navigation.position", "ais2", Access::NONE),
            (&eve, false, other, "navigation.position", "x", READ),
            (&eve, false, other, "name", "x", Access::NONE),
            (&eve, false, "vessels.self", "name", "ais", Access::NONE),
            (&eve, false, aton, "navigation.position", "x", Access::NONE),
            (&eve, false, "", "", "", Access::NONE),
            (&Principal::Anybody, false, aton, "navigation.position", "x", Access::ALL),
        ] {
            assert_eq!(
                acl.decide(principal, is_own, context, path, source),
                expected,
                "{principal:?} {context} {path} {source}"
            );
        }
    }

    #[test]
    fn permissions_of_a_subject_add_up() {
        let acl = compile(
            &json!([{ "context": "*", "resources": [{ "paths": ["*"], "permissions": [
                {"subject": "sensor", "permission": "write"}, {"subject": "sensor", "permission": "put"},
                {"subject": "__proto__", "permission": "put"},
            ] }] }]),
            &[],
        )
        .expect("ACLs");
        let sensor = Principal::Device("sensor".into());
        assert_eq!(acl.decide(&sensor, false, "c", "p", "s"), Access::ALL);
        assert_eq!(acl.decide(&user("__proto__"), false, "c", "p", "s"), PUT);
        assert_eq!(acl.decide(&user("constructor"), false, "c", "p", "s"), Access::NONE);
    }

    #[test]
    fn without_acls_nothing_is_refused() {
        let acl = compile(&json!([]), &[]).expect("no ACLs");
        assert!(acl.is_empty());
        assert_eq!(acl.decide(&user("bob"), false, "c", "p", "s"), Access::ALL);
    }

    #[test]
    fn what_is_no_acl_is_refused_with_its_place() {
        for (acls, place) in [
            (json!({}), "acls is"),
            (json!([1]), "acls[0].context"),
            (json!([{"context": "*"}]), "acls[0].resources"),
            (json!([{"context": "*", "resources": [{"paths": ["*"]}]}]), "acls[0].resources[0].permissions"),
            (json!([{"context": "*", "resources": [{"paths": "*", "permissions": []}]}]), "resources[0].paths"),
            (json!([{"context": "*", "resources": [{"sources": [1], "permissions": []}]}]), "resources[0].sources"),
            (json!([{"context": "*", "resources": [{"permissions": [{"permission": "read"}]}]}]), "subject"),
        ] {
            let reason = compile(&acls, &[]).expect_err(place);
            assert!(reason.contains(place), "{reason}");
        }
        let mut problems = Vec::new();
        let unknown = json!([{"context": "*", "resources": [
            {"paths": ["*"], "permissions": [{"subject": "any", "permission": "READ"}]},
        ]}]);
        let acl = Acl::compile(&unknown, &HashSet::new(), |problem| problems.push(problem)).expect("ACLs");
        assert_eq!(
            acl.decide(&user("bob"), false, "c", "p", "s"),
            Access::NONE,
            "what is not understood grants nothing"
        );
        assert!(problems[0].contains("READ"), "{problems:?}");
    }

    #[test]
    fn globs_with_many_stars_take_linear_time() {
        let glob = Glob::new(&"*a".repeat(5_000));
        let started = Instant::now();
        assert!(!glob.matches(&"a".repeat(4_999)));
        assert!(glob.matches(&"a".repeat(5_000)));
        assert!(!glob.matches(&format!("{}b", "a".repeat(100_000))));
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }

    /// The plain definition, exponential at worst.
    fn matches_plainly(glob: &[char], text: &[char]) -> bool {
        match (glob, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => (0..=text.len()).any(|taken| matches_plainly(rest, &text[taken..])),
            ([g, glob @ ..], [t, text @ ..]) => g == t && matches_plainly(glob, text),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn globs_match_what_their_definition_says(glob in "[ab*é.]{0,8}", text in "[abé.]{0,8}") {
            let plain = matches_plainly(&glob.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>());
            prop_assert_eq!(Glob::new(&glob).matches(&text), plain);
        }
    }
}
