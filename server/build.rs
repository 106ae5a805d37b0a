//! Decides which web pages are embedded: the built dashboard when there is one, else a page that says how to build it.

use std::path::{Path, PathBuf};

fn main() {
    println!("cargo:rerun-if-env-changed=WINDLASS_UI_DIST");
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let named = std::env::var_os("WINDLASS_UI_DIST").map(PathBuf::from);
    let built = named.unwrap_or_else(|| here.join("../ui/dist"));
    let folder = if built.join("index.html").is_file() { built } else { here.join("placeholder") };
    watch(&folder);
    // What `windlass plugin new` writes.
    watch(&here.join("templates"));
    watch(&here.join("../examples/sdk/rust/src"));
    // The bundle may appear later: its folder is watched also while the placeholder is in use.
    println!("cargo:rerun-if-changed={}", here.join("../ui/dist").display());
    println!("cargo:rustc-env=WINDLASS_UI_EMBED={}", folder.display());
}

fn watch(folder: &Path) {
    println!("cargo:rerun-if-changed={}", folder.display());
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            watch(&path);
        } else {
            println!("cargo:rerun-if-changed={}", path.display());
        }
    }
}
