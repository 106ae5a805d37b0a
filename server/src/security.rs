//! How the server is secured when it starts, and what its owner is told about it (docs/security.md).

use std::path::Path;
use std::time::SystemTime;

use windlass_security::{Mode, RateLimit, RateLimits, Security, SecurityError, SecurityOptions};

/// Limits of requests that need no login (signalk-v1 §11).
#[derive(Debug, Clone)]
pub struct RequestLimits {
    /// Access requests, and asking for what has become of requests.
    pub api: std::sync::Arc<RateLimit>,
    /// Asking who is logged in.
    pub login_status: std::sync::Arc<RateLimit>,
}

impl RequestLimits {
    fn new(limits: &RateLimits) -> Self {
        Self {
            api: RateLimit::new(limits.api, limits.window).into(),
            login_status: RateLimit::new(limits.login_status, limits.window).into(),
        }
    }
}

/// Reads security.json, or opens the server to everybody for the given reason. Says in the log, or on the console, what the owner has to
/// know.
///
/// # Errors
/// security.json can't be read, or the environment has something that can't be used.
pub fn load(config_dir: &Path, open: Option<&str>) -> Result<(Security, RequestLimits), SecurityError> {
    let options = SecurityOptions::from_environment(|name| std::env::var(name).ok())?;
    let limits = RequestLimits::new(&options.rate_limits);
    if let Some(reason) = open {
        log::warn!("security is off ({reason}): everybody who reaches this server may read and change everything");
        return Ok((Security::open(reason), limits));
    }
    let security = Security::load(config_dir, options, SystemTime::now())?;
    for problem in security.problems() {
        log::error!("{problem}");
    }
    match security.mode() {
        Mode::Unclaimed => {
            log::info!(
                "nobody owns this server yet: everybody may read, nobody may change anything until it is claimed"
            );
        }
        Mode::Locked => log::error!(
            "security.json is damaged and there is no earlier version of it: nobody is let in. Correct the file, or move it away to claim the server anew"
        ),
        Mode::Secured | Mode::Open => {}
    }
    // Also when there are users, but no admin among them who can log in: the code is the only way in then.
    if let Some(code) = security.claim_code() {
        show_claim_code(&code);
    }
    Ok((security, limits))
}

/// Shows the claim code where only who has the machine sees it: on the console, never in the log.
pub fn show_claim_code(code: &str) {
    println!("To claim this server, open its page /access and enter the code {code}");
}
