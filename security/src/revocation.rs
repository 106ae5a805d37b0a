//! Tokens that were logged out before they expired.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::token::{Claims, Subject};

/// Tokens that are remembered one by one.
const MAX_TOKENS: usize = 1000;
/// The subject that stands for all users.
const ALL_USERS: &str = "user:*";

/// What was logged out: single sessions until they would have ended anyway, and everything that a subject had before a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Revocations {
    sessions: HashMap<String, Revoked>,
    /// By subject: its tokens of this second and earlier, in seconds since 1970.
    ended_until: HashMap<String, u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Revoked {
    subject: String,
    /// When no token of the session can be valid any more.
    forget: Option<u64>,
}

impl Revocations {
    /// Whether a token was logged out.
    pub fn covers(&self, claims: &Claims) -> bool {
        self.sessions.contains_key(&claims.session)
            || self.ended_until(&claims.subject).is_some_and(|ended| claims.issued.unwrap_or_default() <= ended)
    }

    /// The last second whose tokens of this subject are void.
    pub fn ended_until(&self, subject: &Subject) -> Option<u64> {
        let all = matches!(subject, Subject::User(_)).then_some(ALL_USERS);
        let of = |key: &str| self.ended_until.get(key).copied();
        of(&subject.key()).max(all.and_then(of))
    }

    /// These, and a session more. What is over, or belongs to subjects that `exists` does not know, is left out. When there are too many,
    /// all tokens of the subject with the most are ended instead of single ones.
    pub fn with(&self, claims: &Claims, now: u64, exists: impl Fn(&str) -> bool) -> Self {
        let mut next = self.clone();
        next.sessions.retain(|_, revoked| revoked.forget.is_none_or(|at| at > now) && exists(&revoked.subject));
        next.ended_until.retain(|subject, _| subject == ALL_USERS || exists(subject));
        // A renewal of this session may be as long as the token is, counted from now.
        let forget = claims.expires.map(|expires| {
            let lifetime = expires.saturating_sub(claims.issued.unwrap_or_default().min(now));
            expires.max(now.saturating_add(lifetime))
        });
        next.sessions.insert(claims.session.clone(), Revoked { subject: claims.subject.key(), forget });
        if next.sessions.len() > MAX_TOKENS {
            next.end_most_frequent(now);
        }
        next
    }

    fn end_most_frequent(&mut self, now: u64) {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for revoked in self.sessions.values() {
            *counts.entry(&revoked.subject).or_default() += 1;
        }
        let Some(subject) = counts.into_iter().max_by_key(|(_, count)| *count).map(|(subject, _)| subject.to_owned())
        else {
            return;
        };
        self.sessions.retain(|_, revoked| revoked.subject != subject);
        self.ended_until.insert(subject, now);
    }

    /// What is to be assumed when the list is lost: whoever has logged in does so again. Devices stay, because nobody logs them out.
    pub fn all_users(now: u64) -> Self {
        Self { sessions: HashMap::new(), ended_until: HashMap::from([(ALL_USERS.to_owned(), now)]) }
    }

    pub fn to_json(&self) -> Value {
        let mut sessions: Vec<_> = self.sessions.iter().collect();
        sessions.sort_by_key(|(id, _)| *id);
        let mut ended: Vec<_> = self.ended_until.iter().collect();
        ended.sort();
        json!({
            "sessions": sessions.iter().map(|(id, revoked)| json!({
                "id": id, "subject": revoked.subject, "forget": revoked.forget,
            })).collect::<Vec<_>>(),
            "endedUntil": ended.iter().map(|(subject, at)| json!({"subject": subject, "at": at})).collect::<Vec<_>>(),
        })
    }

    pub fn from_json(value: &Value) -> Result<Self, String> {
        let list = |key: &str| value[key].as_array().ok_or_else(|| format!("{key} is no list"));
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| "an id is no text".to_owned());
        let mut this = Self::default();
        for entry in list("sessions")? {
            let revoked = Revoked { subject: text(&entry["subject"])?, forget: entry["forget"].as_u64() };
            this.sessions.insert(text(&entry["id"])?, revoked);
        }
        for entry in list("endedUntil")? {
            let at = entry["at"].as_u64().ok_or("a time is no number")?;
            this.ended_until.insert(text(&entry["subject"])?, at);
        }
        Ok(this)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(user: &str, session: &str, issued: u64, expires: Option<u64>) -> Claims {
        Claims {
            subject: Subject::User(user.into()),
            issued: Some(issued),
            expires,
            remember: false,
            session: session.to_owned(),
            generation: None,
        }
    }

    #[test]
    fn a_session_is_revoked_until_none_of_its_tokens_can_be_valid() {
        let token = claims("bob", "s", 100, Some(200));
        let revoked = Revocations::default().with(&token, 150, |_| true);
        assert!(revoked.covers(&token));
        assert!(revoked.covers(&claims("bob", "s", 149, Some(249))), "its renewal too");
        assert!(!revoked.covers(&claims("bob", "other", 100, Some(200))));
        let other = claims("bob", "other", 100, Some(300));
        assert!(revoked.with(&other, 249, |_| true).covers(&token));
        assert!(!revoked.with(&other, 250, |_| true).covers(&token), "over");
        assert!(!revoked.with(&other, 160, |subject| subject != "user:bob").covers(&token), "the user is gone");
        let forever = Revocations::default().with(&claims("bob", "s", 100, None), 150, |_| true);
        assert!(forever.with(&other, u64::MAX, |_| true).covers(&token));
    }

    #[test]
    fn the_list_is_bounded_without_reviving_a_token() {
        let mut revoked = Revocations::default().with(&claims("eve", "e", 100, None), 100, |_| true);
        for n in 0..=MAX_TOKENS as u64 {
            revoked = revoked.with(&claims("bob", &n.to_string(), 100 + n, None), 100 + n, |_| true);
            assert!(revoked.sessions.len() <= MAX_TOKENS);
        }
        assert!(revoked.covers(&claims("eve", "e", 100, None)));
        for n in 0..=MAX_TOKENS as u64 {
            assert!(revoked.covers(&claims("bob", &n.to_string(), 100 + n, None)), "{n}");
        }
        assert!(!revoked.covers(&claims("bob", "new", 1_000_000, None)));
        assert!(!revoked.covers(&claims("eve", "other", 100, None)));
    }

    #[test]
    fn a_lost_list_ends_the_logins_but_not_the_devices() {
        let lost = Revocations::all_users(1000);
        assert!(lost.covers(&claims("bob", "s", 1000, None)));
        assert!(!lost.covers(&claims("bob", "s", 1001, None)));
        let device = Claims { subject: Subject::Device("d".into()), ..claims("", "s", 5, None) };
        assert!(!lost.covers(&device));
    }

    #[test]
    fn the_file_has_all_of_it() {
        let revoked = Revocations::all_users(5).with(&claims("bob", "a", 1, None), 1, |_| true).with(
            &claims("__proto__", "__proto__", 1, Some(70)),
            1,
            |_| true,
        );
        assert_eq!(Revocations::from_json(&revoked.to_json()), Ok(revoked));
        for wrong in [
            json!({}),
            json!({"sessions": [{}], "endedUntil": []}),
            json!([]),
            json!({"sessions": [], "endedUntil": [1]}),
        ] {
            Revocations::from_json(&wrong).expect_err("no list of revoked tokens");
        }
    }
}
