//! JSON Web Tokens, HS256 (signalk-v1 §8.3).
//!
//! One algorithm is computed, whatever a token asks for, so that there is nothing to choose between. The signature is verified before
//! anything else of the token is read.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Map, Value, json};

use crate::error::{AuthError, SecurityError};
use crate::session::Token;

/// Longer tokens are not looked at.
const MAX_TOKEN_BYTES: usize = 4096;

/// Whole seconds since 1970, as tokens count.
pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The other way round.
pub(crate) fn at(seconds: u64) -> SystemTime {
    // Nobody's clock goes so far, but a token can say so.
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds.min(1 << 40))).unwrap_or(UNIX_EPOCH)
}

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], SecurityError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| SecurityError::Randomness(error.to_string()))?;
    Ok(bytes)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whom a token is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    User(Arc<str>),
    Device(Arc<str>),
}

impl Subject {
    /// How files of revoked tokens call it.
    pub fn key(&self) -> String {
        match self {
            Self::User(name) => format!("user:{name}"),
            Self::Device(id) => format!("device:{id}"),
        }
    }
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claims {
    pub subject: Subject,
    /// `iat`, seconds since 1970.
    pub issued: Option<u64>,
    /// `exp`, seconds since 1970.
    pub expires: Option<u64>,
    pub remember: bool,
    /// `jti`: one for a login and all its renewals, so that logging out ends them all. For a token of another server that has none, a part
    /// of its signature.
    pub session: String,
    /// `gen`: when the password of the user, or the approval of the device, was the last change to it; 0 for one that is older than this
    /// server. It does not depend on a clock being right. `None` in tokens of other servers.
    pub generation: Option<u64>,
}

/// `secretKey`, ready to sign.
pub(crate) struct SigningKey(hmac::Key);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(hidden)")
    }
}

impl SigningKey {
    /// The bytes of the secret's text are the key, as other servers take them.
    pub fn new(secret: &str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }

    /// A number that depends on the key and a text, and tells nothing about either.
    pub fn number(&self, purpose: &str, text: &str) -> u64 {
        let mut context = hmac::Context::with_key(&self.0);
        // No token begins so: its first character is of the base64 alphabet.
        for part in ["\0", purpose, "\0", text] {
            context.update(part.as_bytes());
        }
        context.sign().as_ref().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    pub fn sign(&self, claims: &Claims) -> Token {
        let mut payload = Map::new();
        match &claims.subject {
            Subject::User(name) => payload.insert("id".to_owned(), (**name).into()),
            Subject::Device(id) => payload.insert("device".to_owned(), (**id).into()),
        };
        if claims.remember {
            payload.insert("rememberMe".to_owned(), true.into());
        }
        let numbers = [("gen", claims.generation), ("iat", claims.issued), ("exp", claims.expires)];
        for (name, value) in numbers {
            if let Some(value) = value {
                payload.insert(name.to_owned(), value.into());
            }
        }
        payload.insert("jti".to_owned(), claims.session.clone().into());
        let header = json!({"alg": "HS256", "typ": "JWT"}).to_string();
        let payload = plain(&Value::Object(payload).to_string());
        let mut token = URL_SAFE_NO_PAD.encode(header);
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(payload));
        let signature = hmac::sign(&self.0, token.as_bytes());
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Token::new(token)
    }

    /// What a token says, if this key has signed it. Whether it has expired is another question.
    pub fn verify(&self, token: &str) -> Result<Claims, AuthError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(AuthError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(AuthError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(AuthError::Malformed)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| AuthError::Malformed)?;
        hmac::verify(&self.0, signed.as_bytes(), &signature).map_err(|_| AuthError::BadSignature)?;
        let header = object(header)?;
        if header.get("alg").and_then(Value::as_str) != Some("HS256") || header.contains_key("crit") {
            return Err(AuthError::Malformed);
        }
        claims(&object(payload)?, &signature)
    }
}

fn object(part: &str) -> Result<Map<String, Value>, AuthError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| AuthError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| AuthError::Malformed)
}

fn claims(payload: &Map<String, Value>, signature: &[u8]) -> Result<Claims, AuthError> {
    let text = |name: &str| match payload.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.as_str())),
        Some(_) => Err(AuthError::Malformed),
    };
    let number = |name: &str| match payload.get(name) {
        None | Some(Value::Null) => Ok(None),
        // Other makers of tokens write fractions. What is below zero is long over.
        Some(value) => {
            value.as_f64().map(|number| value.as_u64().unwrap_or(number as u64)).map(Some).ok_or(AuthError::Malformed)
        }
    };
    let subject = match (text("id")?, text("device")?) {
        (Some(user), None) => Subject::User(user.into()),
        (None, Some(device)) => Subject::Device(device.into()),
        _ => return Err(AuthError::Malformed),
    };
    let session = match text("jti")? {
        Some(id) => id.to_owned(),
        None => format!("signature:{}", hex(&signature[..signature.len().min(16)])),
    };
    Ok(Claims {
        subject,
        issued: number("iat")?,
        expires: number("exp")?,
        remember: payload.get("rememberMe").and_then(Value::as_bool).unwrap_or_default(),
        session,
        generation: number("gen")?,
    })
}

/// JSON with `\u` escapes for everything that is not ASCII, and for those characters of ASCII that need `-` or `_` in base64url:
/// published clients decode the payload as plain base64. All of them can only be within strings.
fn plain(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() && !matches!(c, '>' | '?' | '~' | '\u{7f}') {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "0123456789abcdef";

    fn user(name: &str) -> Claims {
        Claims {
            subject: Subject::User(name.into()),
            issued: Some(1_700_000_000),
            expires: Some(1_700_086_400),
            remember: true,
            session: "5e55".to_owned(),
            generation: Some(1_699_999_999_123),
        }
    }

    fn signed(header: &str, payload: &str) -> String {
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    #[test]
    fn a_token_says_what_was_signed() {
        let key = SigningKey::new(SECRET);
        let device = Claims {
            subject: Subject::Device("d1".into()),
            expires: None,
            remember: false,
            generation: None,
            ..user("")
        };
        for claims in [user("skipper"), user("Jürgen ⛵ >?~\u{7f}\u{0}\"\\"), user("__proto__"), device] {
            let token = key.sign(&claims);
            assert_eq!(key.verify(token.as_str()), Ok(claims));
        }
    }

    #[test]
    fn tokens_of_other_makers_are_understood() {
        // Made with Python's hmac and base64 modules: HMAC-SHA256 with the key "0123456789abcdef" over
        // {"alg":"HS256","typ":"JWT"} . {"id":"admin","iat":1700000000,"exp":1700086400}
        let token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpZCI6ImFkbWluIiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwODY0MDB9.CLR8PWYzg3EqKFES5zPVCvRgukEjy-SpKux9PgnxhqM";
        let claims = SigningKey::new(SECRET).verify(token).expect("valid");
        assert_eq!(claims.subject, Subject::User("admin".into()));
        assert_eq!((claims.issued, claims.expires), (Some(1_700_000_000), Some(1_700_086_400)));
        assert_eq!((claims.remember, claims.generation), (false, None));
        assert!(claims.session.starts_with("signature:"), "{}", claims.session);

        let key = SigningKey::new(SECRET);
        let token = signed(r#"{"typ":"JWT","alg":"HS256"}"#, r#"{"device":"sensor","iat":1700000000.7,"exp":-5}"#);
        let claims = key.verify(&token).expect("valid");
        assert_eq!(claims.subject, Subject::Device("sensor".into()));
        assert_eq!((claims.issued, claims.expires), (Some(1_700_000_000), Some(0)));
    }

    #[test]
    fn forged_tokens_are_refused() {
        let key = SigningKey::new(SECRET);
        let good = key.sign(&user("admin")).into_string();
        let (signed_part, signature) = good.rsplit_once('.').expect("three parts");
        let payload = signed_part.split_once('.').expect("two parts").1;
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let body = r#"{"id":"admin","iat":1700000000}"#;
        let mut padded = good.clone();
        padded.push('=');
        // The last character of 32 bytes in base64 has bits that mean nothing: only one spelling is a signature.
        let mut respelled = good.clone();
        let last = respelled.pop().expect("a character");
        respelled.push(char::from(last as u8 + 1));
        for (token, expected) in [
            (format!("{none}.{payload}."), AuthError::BadSignature),
            (format!("{none}.{payload}.{signature}"), AuthError::BadSignature),
            (signed(r#"{"alg":"none"}"#, body), AuthError::Malformed),
            (signed(r#"{"alg":"HS512"}"#, body), AuthError::Malformed),
            (signed(r#"{"alg":"RS256"}"#, body), AuthError::Malformed),
            (signed(r#"{"alg":"hs256"}"#, body), AuthError::Malformed),
            (signed(r#"{"typ":"JWT"}"#, body), AuthError::Malformed),
            (signed(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, body), AuthError::Malformed),
            (SigningKey::new("another").sign(&user("admin")).into_string(), AuthError::BadSignature),
            (SigningKey::new("").sign(&user("admin")).into_string(), AuthError::BadSignature),
            (format!("{signed_part}."), AuthError::BadSignature),
            (format!("{signed_part}.{}", &signature[..20]), AuthError::BadSignature),
            (padded, AuthError::Malformed),
            (respelled, AuthError::Malformed),
            (format!("{good}.x"), AuthError::Malformed),
            (format!("x.{good}"), AuthError::BadSignature),
            (String::new(), AuthError::Malformed),
            (".".to_owned(), AuthError::Malformed),
            ("..".to_owned(), AuthError::BadSignature),
            ("é.ü.ß".to_owned(), AuthError::Malformed),
            ("a".repeat(10_000_000), AuthError::Malformed),
            (signed(r#"{"alg":"HS256"}"#, &json!({"id": "a".repeat(5000)}).to_string()), AuthError::Malformed),
        ] {
            assert_eq!(key.verify(&token), Err(expected), "{}", token.chars().take(200).collect::<String>());
        }
    }

    #[test]
    fn claims_that_are_none_are_refused() {
        let key = SigningKey::new(SECRET);
        for payload in [
            "",
            "null",
            "[]",
            "1",
            "{}",
            r#"{"id":""}"#,
            r#"{"id":1}"#,
            r#"{"id":["admin"]}"#,
            r#"{"id":null}"#,
            r#"{"id":"a","device":"b"}"#,
            r#"{"id":"a","exp":"never"}"#,
            r#"{"id":"a","exp":true}"#,
            r#"{"id":"a","iat":{}}"#,
            r#"{"id":"a","jti":5}"#,
            r#"{"id":"a"} x"#,
        ] {
            assert_eq!(key.verify(&signed(r#"{"alg":"HS256"}"#, payload)), Err(AuthError::Malformed), "{payload}");
        }
    }

    #[test]
    fn nothing_secret_is_shown() {
        let key = SigningKey::new(SECRET);
        let shown = format!("{key:?} {:?}", key.sign(&user("admin")));
        assert_eq!(shown, "SigningKey(hidden) Token(hidden)");
    }

    proptest! {
        /// Published clients decode the payload with plain base64.
        #[test]
        fn the_payload_is_plain_base64_for_every_name(name in any::<String>().prop_filter("empty", |s| !s.is_empty() && s.len() < 300)) {
            let key = SigningKey::new(SECRET);
            let token = key.sign(&user(&name)).into_string();
            let payload = token.split('.').nth(1).expect("a payload");
            prop_assert!(payload.bytes().all(|b| b.is_ascii_alphanumeric()), "{}", payload);
            let decoded = STANDARD_NO_PAD.decode(payload).expect("plain base64");
            prop_assert!(decoded.is_ascii());
            let value: Value = serde_json::from_slice(&decoded).expect("JSON");
            prop_assert_eq!(value["id"].as_str(), Some(name.as_str()));
            prop_assert_eq!(key.verify(&token), Ok(user(&name)));
        }

        #[test]
        fn no_text_is_taken_for_a_token(text in "[A-Za-z0-9_.=-]{0,120}") {
            prop_assert!(SigningKey::new(SECRET).verify(&text).is_err());
        }
    }
}
