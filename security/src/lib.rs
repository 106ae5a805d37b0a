//! Users, devices, tokens and permissions of a Signal K server (signalk-v1 §8).
//!
//! It solves four problems: to know who asks ([`Security::authenticate`], [`Session`]); to know what they may do at this moment
//! ([`Security::level_of`], [`Acl`]); to let the owner change that without a restart and without losing anything in a power cut; and to
//! do all of it with the `security.json` of an existing installation.
//!
//! This crate knows no HTTP, no actors and no sockets: everything is a plain call, and the time is an argument. Calls that hash a password
//! or save a file say so; a server makes those on threads that may block.

mod access_requests;
mod acl;
mod administration;
mod changes;
mod claim;
mod configuration;
mod error;
mod expiration;
mod level;
mod options;
mod ownership;
mod password;
mod rate_limit;
mod revocation;
mod security;
mod session;
mod snapshot;
mod status;
mod token;

#[cfg(test)]
mod tests;

pub use access_requests::{
    AccessError, AccessRequest, Decided, Decision, MAX_PENDING, MAX_PENDING_OF_ADDRESS, PENDING_LIFETIME, Requester,
};
pub use acl::{Access, Acl};
pub use administration::{DeviceInfo, OidcInfo, UserInfo};
pub use configuration::Policy;
pub use error::{AuthError, LoginError, SecurityError};
pub use expiration::{Expiration, ExpirationError};
pub use level::{Level, Principal};
pub use options::{Admin, SecurityOptions};
pub use rate_limit::{RateLimit, RateLimits, RateLimitsError, network};
pub use security::{Mode, Security};
pub use session::{Login, Session, Token};
pub use status::LoginStatus;
