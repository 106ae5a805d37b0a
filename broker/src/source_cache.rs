//! Source objects that were read before.
//!
//! A connection repeats the same few source objects (an address and a parameter group, a talker and a sentence) with every delta.
//! Reading one costs more than the rest of a delta, so what came of a text is remembered on the thread that read it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::intern::SourceRef;
use crate::raw_json::{RawJsonError, is_too_deep};
use crate::source::{Provider, Source};

/// Most remembered texts a thread; beyond, the memory is cleared.
const MAX_TEXTS: usize = 1024;
/// Most providers remembered for a text.
const MAX_PROVIDERS: usize = 8;
/// Longer texts are read each time.
const MAX_TEXT: usize = 512;

type Known = HashMap<Box<str>, Vec<(SourceRef, bool, Arc<Source>, SourceRef)>, RandomState>;

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

/// The source object of a text with its label settled for the provider, and the `$source` derived from it.
pub fn settle(text: &str, provider: &Provider) -> Result<(Arc<Source>, SourceRef), String> {
    let remembered = KNOWN.with_borrow(|known| {
        let same = |entry: &&(SourceRef, bool, Arc<Source>, SourceRef)| {
            entry.0 == provider.id && entry.1 == provider.use_can_name
        };
        known.get(text)?.iter().find(same).map(|entry| (entry.2.clone(), entry.3.clone()))
    });
    if let Some(remembered) = remembered {
        return Ok(remembered);
    }
    if is_too_deep(text.as_bytes()) {
        return Err(format!("`source` can't be used: {}", RawJsonError::TooDeep));
    }
    let Some(mut source) = Source::from_json(text) else { return Err("`source` must be an object".into()) };
    source.settle_label(provider);
    let source_ref = source.derive_ref(provider).map_err(|error| error.to_string())?;
    let source = Arc::new(source);
    if text.len() <= MAX_TEXT {
        KNOWN.with_borrow_mut(|known| {
            if known.len() >= MAX_TEXTS {
                known.clear();
            }
            let entry = (provider.id.clone(), provider.use_can_name, source.clone(), source_ref.clone());
            let entries = known.entry(text.into()).or_default();
            if entries.len() >= MAX_PROVIDERS {
                entries.clear();
            }
            entries.push(entry);
        });
    }
    Ok((source, source_ref))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_belongs_to_the_provider() {
        let text = r#"{"label":"bad label","talker":"GP","canName":"c0"}"#;
        let first = Provider::new("first").expect("a name");
        let can = Provider { use_can_name: true, ..first.clone() };
        let second = Provider::new("second").expect("a name");
        for _ in 0..2 {
            for (provider, expected) in [(&first, "first.GP"), (&second, "second.GP"), (&can, "first.c0")] {
                assert_eq!(settle(text, provider).expect("a source").1.as_str(), expected);
            }
        }
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(100), "]".repeat(100));
        for text in ["[]", &deep] {
            assert!(settle(text, &first).is_err(), "{text}");
        }
    }
}
