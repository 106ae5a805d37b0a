//! A browser for the tests of the dashboard.

use super::debian;
use crate::step::{Done, step};
use crate::tool::find;
use anyhow::{Result, bail};
use std::path::PathBuf;

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const MAC: &str = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

/// The browser: `WINDLASS_CHROMIUM`, one on `PATH`, or Debian's, which is installed when we may.
pub fn find_or_install() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("WINDLASS_CHROMIUM").map(PathBuf::from) {
        if !path.is_file() {
            bail!("WINDLASS_CHROMIUM is {}, which is no file", path.display());
        }
        return Ok(path);
    }
    if let Some(path) = find_installed() {
        return Ok(path);
    }
    if debian::release().is_some() && debian::may_install() {
        step("installing Chromium for the browser tests", || {
            debian::install(&["chromium"])?;
            Ok(Done::Made)
        })?;
    }
    match find_installed() {
        Some(path) => Ok(path),
        None => bail!(
            "the browser tests need Chromium: `{}` on Debian, or install Chrome, or set WINDLASS_CHROMIUM to the program",
            debian::command(&["chromium"])
        ),
    }
}

fn find_installed() -> Option<PathBuf> {
    let on_path = NAMES.iter().find_map(|name| find(name));
    on_path.or_else(|| Some(PathBuf::from(MAC)).filter(|path| path.is_file()))
}
