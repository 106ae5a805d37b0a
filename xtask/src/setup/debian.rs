//! Packages of Debian, for machines where we may install them.

use crate::tool::{Tool, find};
use anyhow::Result;

/// The release's major version (12 for bookworm); `None` on other systems.
pub fn release() -> Option<u32> {
    let text = std::fs::read_to_string("/etc/os-release").ok()?;
    let value = |key: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .map(|value| value.trim_matches('"').to_owned())
    };
    (value("ID")? == "debian").then(|| value("VERSION_ID")?.parse().ok())?
}

/// Whether all of these packages are installed.
pub fn installed(packages: &[&str]) -> bool {
    packages.iter().all(|package| {
        Tool::new("dpkg-query")
            .args(["--show", "--showformat=${db:Status-Status}", package])
            .read()
            .is_ok_and(|status| status == "installed")
    })
}

/// Whether [`install`] is allowed: we are root and there is apt.
pub fn may_install() -> bool {
    is_root() && find("apt-get").is_some()
}

/// Installs packages, without anything that is merely recommended.
pub fn install(packages: &[&str]) -> Result<()> {
    let apt = |args: &[&str]| {
        Tool::new("apt-get")
            .args(["-o", "DPkg::Lock::Timeout=300", "-y"])
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .hint(format!("to see why, run `{}`", command(packages)))
            .quiet()
    };
    apt(&["update"])?;
    let mut args = vec!["install", "--no-install-recommends"];
    args.extend(packages);
    apt(&args)
}

/// The command a user can run instead of [`install`].
pub fn command(packages: &[&str]) -> String {
    format!("sudo apt-get install --no-install-recommends {}", packages.join(" "))
}

fn is_root() -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
    }
    #[cfg(not(unix))]
    {
        false
    }
}
