//! How host functions end.

use super::{Escape, HostCall};
use crate::{HostError, engine::Value};

/// What the body of a host function gives.
pub(super) type Answer = Result<Option<Value>, Escape>;

/// 1, or the failure value with a notice that says why.
pub(super) fn done(call: &HostCall<'_>, result: Result<(), HostError>) -> Answer {
    match result {
        Ok(()) => Ok(Some(Value::I32(1))),
        Err(error) => {
            call.context.host.notice(&error.to_string());
            Err(Escape::Failure)
        }
    }
}
