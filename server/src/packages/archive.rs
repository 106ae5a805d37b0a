//! Archives of packages, as `npm pack` makes them: what is in one is looked at before npm gets it.

use std::io::{Read, Write};
use std::path::{Component, Path};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tar::{Archive, Builder, EntryType, Header};
use windlass_wasm_host::interface::inspect_module;

use super::{PackageError, PackageName};

/// Most bytes that an archive may have once it is unpacked.
const MAX_UNPACKED: u64 = 512 * 1024 * 1024;
/// Most files.
const MAX_FILES: usize = 20_000;
/// Largest package.json.
const MAX_DESCRIPTION: u64 = 1024 * 1024;
/// The keywords of plugins and web apps.
const KEYWORDS: [&str; 6] = [
    "signalk-wasm-plugin",
    "signalk-node-server-plugin",
    "signalk-webapp",
    "signalk-embeddable-webapp",
    "signalk-plugin-configurator",
    "signalk-node-server-addon",
];
/// The version of a package that is made of a module alone.
const NO_VERSION: &str = "0.0.0";

/// What an archive holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Contents {
    /// The package's name.
    pub name: PackageName,
    /// Its version.
    pub version: String,
    /// The whole `package.json`.
    pub package_json: Value,
}

impl Contents {
    /// Whether a Signal K server has a use for it.
    pub fn is_for_signalk(&self) -> bool {
        is_for_signalk(&self.package_json)
    }
}

/// Whether a `package.json` has a keyword of plugins or web apps.
pub fn is_for_signalk(package_json: &Value) -> bool {
    let mut keywords = package_json["keywords"].as_array().into_iter().flatten();
    keywords.any(|keyword| KEYWORDS.iter().any(|known| keyword == known))
}

/// Looks through an archive. Nothing in it may lie outside the package, and there may be no links, which `npm pack` does not make either.
///
/// # Errors
/// It is no archive of a package, or is larger than any good one.
pub fn check(archive: impl Read) -> Result<Contents, PackageError> {
    let bad = |reason: String| PackageError::Archive(reason);
    let unreadable = |error: std::io::Error| PackageError::Archive(format!("it can't be read as .tgz: {error}"));
    let mut archive = Archive::new(MultiGzDecoder::new(archive).take(MAX_UNPACKED));
    let (mut files, mut bytes, mut description) = (0, 0, None);
    for entry in archive.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader {
            continue;
        }
        let path = entry.path().map_err(unreadable)?.into_owned();
        if !path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(bad(format!("{} in it lies outside the package", path.display())));
        }
        if !(kind.is_file() || kind.is_dir()) {
            return Err(bad(format!("{} in it is no file, but a link or something else", path.display())));
        }
        files += 1;
        bytes += entry.size();
        if files > MAX_FILES || bytes >= MAX_UNPACKED {
            return Err(bad(format!("it has more than {MAX_FILES} files or {} MiB", MAX_UNPACKED / 1024 / 1024)));
        }
        // The first folder may have any name.
        if kind.is_file() && is_description(&path) {
            let mut text = Vec::new();
            entry.by_ref().take(MAX_DESCRIPTION).read_to_end(&mut text).map_err(unreadable)?;
            description = Some(text);
        }
    }
    let text = description.ok_or_else(|| bad("there is no package.json in its folder".to_owned()))?;
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    let package_json: Value =
        serde_json::from_slice(text).map_err(|error| bad(format!("its package.json can't be read: {error}")))?;
    let name = PackageName::new(package_json["name"].as_str().unwrap_or_default())?;
    let version = package_json["version"].as_str().unwrap_or_default();
    let version = semver::Version::parse(version).map_err(|_| PackageError::Version(version.to_owned()))?;
    Ok(Contents { name, version: version.to_string(), package_json })
}

/// A package for a module that came alone, named after its file: its `package.json` asks for the capabilities that the module needs. Returns
/// the archive.
///
/// # Errors
/// It is no module that can run.
pub fn of_module(file_name: &str, wasm: &[u8]) -> Result<Vec<u8>, PackageError> {
    let report = inspect_module(wasm).map_err(|error| PackageError::Module(error.to_string()))?;
    if !report.missing_exports.is_empty() {
        return Err(PackageError::Module(format!("it does not export {}", report.missing_exports.join(", "))));
    }
    let needed = report.capabilities_needed().into_iter().map(|name| (name.to_owned(), true.into()));
    let stem = file_name.strip_suffix(".wasm").unwrap_or(file_name);
    let letters = stem
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' })
        .collect::<String>();
    let name = PackageName::new(letters.trim_matches(['-', '_']))?;
    let description = json!({
        "name": name.as_str(),
        "version": NO_VERSION,
        "description": "Installed as a module without a package",
        "keywords": [KEYWORDS[0]],
        "wasmManifest": "plugin.wasm",
        "wasmCapabilities": Value::Object(needed.collect()),
    });
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    let mut put = |path: &str, content: &[u8]| {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, content)
    };
    let written = put("package/package.json", format!("{description:#}\n").as_bytes())
        .and_then(|()| put("package/plugin.wasm", wasm));
    let finished = written.and_then(|()| archive.into_inner()?.finish());
    // Memory takes everything; a name that is too long for an archive is what can go wrong.
    let mut packed = finished.map_err(|error| PackageError::Archive(error.to_string()))?;
    packed.flush().map_err(|error| PackageError::Archive(error.to_string()))?;
    Ok(packed)
}

fn is_description(path: &Path) -> bool {
    let mut parts = path.components().filter(|part| matches!(part, Component::Normal(_)));
    parts.nth(1).is_some_and(|part| part.as_os_str() == "package.json") && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
        let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, kind, content) in entries {
            let mut header = Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_entry_type(*kind);
            if kind.is_symlink() {
                header.set_link_name("/etc/passwd").expect("a link");
            }
            // Past the library, which refuses to write what is refused here.
            let name = &mut header.as_gnu_mut().expect("a header of its kind").name;
            name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            archive.append(&header, content.as_bytes()).expect("appended");
        }
        archive.into_inner().expect("written").finish().expect("packed")
    }

    const GOOD: &str = r#"{"name": "@me/x", "version": "1.2.3", "keywords": ["signalk-webapp"]}"#;

    #[test]
    fn what_is_in_an_archive_is_read() {
        let inner = r#"{"name": "inner"}"#;
        let packed = archive(&[
            ("package/lib/package.json", EntryType::Regular, inner),
            ("package/package.json", EntryType::Regular, GOOD),
        ]);
        let contents = check(packed.as_slice()).expect("a package");
        assert_eq!((contents.name.as_str(), contents.version.as_str()), ("@me/x", "1.2.3"));
        assert!(contents.is_for_signalk());
    }

    #[test]
    fn what_could_do_harm_is_refused() {
        let good = ("package/package.json", EntryType::Regular, GOOD);
        for (path, kind) in [
            ("../outside", EntryType::Regular),
            ("package/../../outside", EntryType::Regular),
            ("/etc/cron.d/x", EntryType::Regular),
            ("package/link", EntryType::Symlink),
            ("package/link", EntryType::Link),
            ("package/device", EntryType::Char),
        ] {
            let refused = check(archive(&[good, (path, kind, "")]).as_slice()).expect_err(path).to_string();
            assert!(refused.contains("npm pack"), "{refused}");
        }
        for (text, reason) in [
            ("{", "can't be read"),
            (r#"{"version": "1.0.0"}"#, "no package name"),
            (r#"{"name": "../x", "version": "1.0.0"}"#, "no package name"),
            (r#"{"name": "x", "version": "one"}"#, "no version"),
        ] {
            let packed = archive(&[("package/package.json", EntryType::Regular, text)]);
            let refused = check(packed.as_slice()).expect_err(text).to_string();
            assert!(refused.contains(reason), "{refused}");
        }
        assert!(check(archive(&[("x", EntryType::Regular, "")]).as_slice()).is_err(), "without package.json");
        assert!(check(&b"no archive"[..]).is_err());
        assert!(check(&archive(&[good])[..40]).is_err(), "cut off");
    }

    #[test]
    fn what_is_no_plugin_is_no_package_either() {
        for wasm in [&b"no module"[..], b"\0asm\x01\0\0\0"] {
            let refused = of_module("x.wasm", wasm).expect_err("refused").to_string();
            assert!(refused.contains("WebAssembly module"), "{refused}");
        }
    }
}
