//! What can go wrong in a call of the server.

use std::fmt;

/// A call of the server that did not succeed. The text says which, and what can be done about it.
#[derive(Debug)]
pub enum Error {
    /// The server refused. It gives no reason, so these are the usual ones.
    Refused {
        /// What was asked for, for example `PUT handler for navigation.anchor.position`.
        what: String,
        /// The key of `wasmCapabilities` in package.json that this needs, if it needs one.
        capability: Option<&'static str>,
    },
    /// A JSON text has another shape than was asked for.
    Json {
        /// Where the text is from, for example the path that was read.
        what: String,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// A socket can't do it.
    Socket {
        /// What was tried, for example `binding UDP port 2000`.
        what: String,
    },
}

impl Error {
    pub(crate) fn refused(what: impl Into<String>, capability: Option<&'static str>) -> Self {
        Self::Refused { what: what.into(), capability }
    }

    pub(crate) fn json(what: impl Into<String>, source: serde_json::Error) -> Self {
        Self::Json { what: what.into(), source }
    }

    pub(crate) fn socket(what: impl Into<String>) -> Self {
        Self::Socket { what: what.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { what, capability: Some(capability) } => write!(
                f,
                "the server refused: {what}; does package.json say `{capability}` in wasmCapabilities, and is the value valid?"
            ),
            Self::Refused { what, capability: None } => {
                write!(f, "the server refused: {what}; its log may say why")
            }
            Self::Json { what, source } => write!(f, "{what} is not what was expected: {source}"),
            Self::Socket { what } => {
                write!(
                    f,
                    "{what} failed; does package.json say `rawSockets` in wasmCapabilities, and is the port free?"
                )
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Json { source, .. } => Some(source),
            _ => None,
        }
    }
}
