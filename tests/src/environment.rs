//! Where the set-up has put things. `cargo xtask test` sets the variables.

use std::path::{Path, PathBuf};

/// The server's binary: `WINDLASS_BIN`, or `windlass` in the target directory that the test itself was built into.
///
/// # Panics
/// When there is none.
pub fn server_binary() -> PathBuf {
    let binary = match std::env::var_os("WINDLASS_BIN") {
        Some(path) => PathBuf::from(path),
        None => beside_the_test().join(format!("windlass{}", std::env::consts::EXE_SUFFIX)),
    };
    assert!(
        binary.is_file(),
        "there is no server at {}: run the tests with `cargo xtask test`, which builds it, or set WINDLASS_BIN to its path",
        binary.display()
    );
    binary
}

/// `<target>/<profile>`; the test runs in its folder `deps`.
fn beside_the_test() -> PathBuf {
    let test = std::env::current_exe().expect("the system knows which program runs");
    let folder = test.ancestors().nth(2).expect("a test binary lies in <target>/<profile>/deps");
    folder.to_owned()
}

/// The folder whose `node_modules` has the published packages that `tests/npm` pins.
pub fn npm_packages() -> PathBuf {
    folder("WINDLASS_NPM_DIR")
}

/// A Python that has the packages that `tests/python` pins.
pub fn python() -> PathBuf {
    let Some(python) = std::env::var_os("WINDLASS_PYTHON").map(PathBuf::from) else {
        panic!("WINDLASS_PYTHON is not set: run the tests with `cargo xtask test`, which fetches what they need")
    };
    assert!(
        python.is_file(),
        "WINDLASS_PYTHON is {}, which is no file: run `cargo xtask test` again",
        python.display()
    );
    python
}

/// The folder with the recordings of real boats, `plaka.log` among them.
pub fn recordings() -> PathBuf {
    folder("WINDLASS_SAMPLES_DIR")
}

/// The `node_modules` with the example plugins.
pub fn demo_plugins() -> PathBuf {
    folder("WINDLASS_DEMO_PLUGINS")
}

/// A browser.
pub fn chromium() -> PathBuf {
    let browser =
        std::env::var_os("WINDLASS_CHROMIUM").map_or_else(|| PathBuf::from("/usr/bin/chromium"), PathBuf::from);
    assert!(
        browser.is_file(),
        "there is no browser at {}: `cargo xtask test` finds or installs one",
        browser.display()
    );
    browser
}

/// A file of this package, such as `js/dashboard.mjs`.
pub fn test_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn folder(variable: &str) -> PathBuf {
    let folder = match std::env::var_os(variable) {
        Some(folder) => PathBuf::from(folder),
        None => panic!("{variable} is not set: run the tests with `cargo xtask test`, which fetches what they need"),
    };
    assert!(folder.is_dir(), "{variable} is {}, which is no folder: run `cargo xtask test` again", folder.display());
    folder
}
