//! Why a request about resources is refused.

use super::validation::Issues;

/// Why a request about resources is refused. The texts are those that clients know (signalk-v2 §2.1).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResourceError {
    /// Nobody keeps resources of this type.
    #[error("Resource type not found! ({0})")]
    UnknownType(String),
    /// The same, asked for its default provider.
    #[error("Resource type not found! ({0})")]
    TypeNotFound(String),
    /// The same, where a default provider is to be chosen.
    #[error("Invalid resource type ({0}) supplied!")]
    InvalidType(String),
    /// The provider that is to become the default of this type does not keep it.
    #[error("Resource provider not found for {0}!")]
    NoSuchProvider(String),
    /// The wanted provider does not keep this type.
    #[error("Resource provider not found! ({0})")]
    UnknownProvider(String),
    /// Nobody has this resource.
    #[error("Resource not found! ({0})")]
    NotFound(String),
    /// Nobody has this resource, which is to be deleted.
    #[error("Resource not found! ({0})")]
    NoOwner(String),
    /// The id does not have the form of the type's ids.
    #[error("Invalid resource id provided ({0})")]
    InvalidId(String),
    /// The query or the body is wrong.
    #[error("{0}")]
    Invalid(Issues),
    /// Nothing was changed: the provider that has the resource may be one of those that did not answer.
    #[error(
        "It is not known which provider has the {kind} resource ({id}), because {} gave no usable answer, so nothing was changed. Try again later; if the \
         provider stays silent, restart or disable its plugin, or name another one with ?provider=<id>.",
        .silent.join(", ")
    )]
    OwnerUnknown {
        /// The type.
        kind: String,
        /// The id.
        id: String,
        /// The ids of the providers that failed or did not answer.
        silent: Vec<String>,
    },
    /// The provider did not take a new resource.
    #[error("Error saving {kind} resource ({id})!")]
    Creating {
        /// The type.
        kind: String,
        /// The id.
        id: String,
    },
    /// The provider did not take a resource.
    #[error("Error saving {kind} resource ({id})!")]
    Saving {
        /// The type.
        kind: String,
        /// The id.
        id: String,
    },
    /// The provider did not delete a resource.
    #[error("Error deleting resource ({0})!")]
    Deleting(String),
}

impl From<Issues> for ResourceError {
    fn from(issues: Issues) -> Self {
        Self::Invalid(issues)
    }
}
