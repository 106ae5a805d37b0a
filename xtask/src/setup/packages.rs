//! Published packages that the tests run against: an independent NMEA 0183 decoder, client libraries,
//! web apps, a browser driver, and recordings of real boats.

use super::node;
use super::python::Environment;
use crate::project::{Project, hex};
use crate::stamp::{Inputs, remove};
use crate::step::{Done, step};
use crate::tool::Tool;
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha512};
use std::path::{Path, PathBuf};

/// The package with the recordings. Only its `samples` folder is unpacked, and nothing installed.
const SAMPLES: &str = "signalk-server@2.23.0";
const SAMPLES_SHA512: &str = "bcdc93f97e9540395abed396a162f6f9885f4f49bcbc6cacab5c394556746e35b0bb20e42d142ff4d363437e091e30339d052c6ec9bdf725eaa780ae9f3c3842";
const RECORDINGS: [&str; 2] = ["plaka.log", "aava-n2k.data"];

/// Installs the packages that `tests/npm` pins, and returns the directory with their `node_modules`.
pub fn install(project: &Project) -> Result<PathBuf> {
    let source = project.root.join("tests/npm");
    let inputs = Inputs::default().files(&source, &["node_modules"])?.finish();
    let dir = project.cache.join("npm").join(&inputs[..16]);
    step("installing the npm packages of the tests", || {
        std::fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
        for file in [".npmrc", "package.json", "package-lock.json"] {
            std::fs::copy(source.join(file), dir.join(file)).with_context(|| format!("copying tests/npm/{file}"))?;
        }
        node::install(&dir)
    })?;
    Ok(dir)
}

/// Installs the Python packages that `tests/python` pins, and returns the Python that has them.
pub fn python(project: &Project) -> Result<PathBuf> {
    let file = project.root.join("tests/python/requirements.txt");
    let environment = Environment::with_requirements(project, "the Python packages of the tests", &file)?;
    Ok(environment.program("python"))
}

/// Fetches the recordings, and returns the directory that they are in.
pub fn samples(project: &Project) -> Result<PathBuf> {
    let dir = project.cache.join("samples").join(SAMPLES);
    step("fetching the recordings of real boats", || {
        if RECORDINGS.iter().all(|file| dir.join(file).is_file()) {
            return Ok(Done::UpToDate);
        }
        fetch(&dir)?;
        Ok(Done::Made)
    })?;
    Ok(dir)
}

fn fetch(dir: &Path) -> Result<()> {
    let work = dir.with_extension("part");
    remove(&work)?;
    std::fs::create_dir_all(&work).with_context(|| work.display().to_string())?;
    node::npm(&work, &["pack", SAMPLES, "--loglevel=error"]).hint("the npm registry must be reachable").quiet()?;
    let archive = work.join(SAMPLES.replace('@', "-") + ".tgz");
    let bytes = std::fs::read(&archive).with_context(|| archive.display().to_string())?;
    let found = hex(&Sha512::digest(&bytes));
    if found != SAMPLES_SHA512 {
        bail!("{SAMPLES} has the SHA-512 {found}, not {SAMPLES_SHA512}: this is another file");
    }
    Tool::new("tar")
        .args(["-xzf"])
        .args([&archive])
        .args(["package/samples"])
        .dir(&work)
        .hint("`tar` with gzip is needed")
        .quiet()?;
    let unpacked = work.join("package/samples");
    for file in RECORDINGS {
        if !unpacked.join(file).is_file() {
            bail!("{SAMPLES} has no samples/{file}");
        }
    }
    remove(dir)?;
    std::fs::rename(&unpacked, dir).with_context(|| dir.display().to_string())?;
    remove(&work)
}
