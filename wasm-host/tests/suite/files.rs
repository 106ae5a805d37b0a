//! The jailed file system, attacked and filled.

use std::{fs, io::SeekFrom, path::Path};

use futures_util::{FutureExt, future::Future};
use virtual_fs::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, FileSystem, FsError, VirtualFile};
use windlass_wasm_host::{JailedFileSystem, Limits};

/// Everything the jail does happens at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("files do not wait")
}

struct Jail {
    /// Holds the jail's root `root`, a sibling `root-sibling` and a secret.
    outside: tempfile::TempDir,
    files: JailedFileSystem,
}

fn jail_with(limits: &Limits) -> Jail {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    fs::create_dir(outside.path().join("root-sibling")).unwrap();
    fs::write(outside.path().join("root-sibling/secret"), "secret").unwrap();
    let files = JailedFileSystem::open(&outside.path().join("root"), limits).unwrap();
    Jail { outside, files }
}

fn jail() -> Jail {
    jail_with(&Limits::default())
}

impl Jail {
    fn host(&self, path: &str) -> std::path::PathBuf {
        self.outside.path().join("root").join(path)
    }

    fn create(&self, path: &str) -> Result<Box<dyn VirtualFile + Send + Sync>, FsError> {
        self.files.new_open_options().read(true).write(true).create(true).open(path)
    }

    fn write(&self, path: &str, content: &[u8]) -> std::io::Result<()> {
        let mut file = self.files.new_open_options().write(true).create(true).truncate(true).open(path)?;
        now(file.write_all(content))
    }

    fn read(&self, path: &str) -> Result<String, FsError> {
        let mut text = String::new();
        let mut file = self.files.new_open_options().read(true).open(path)?;
        now(file.read_to_string(&mut text)).unwrap();
        Ok(text)
    }

    fn bytes(&self) -> u64 {
        self.files.usage().total_bytes
    }
}

#[test]
fn files_are_written_read_listed_renamed_and_removed() {
    let jail = jail();
    jail.write("/data/state.json", b"{\"a\":1}").unwrap();
    assert_eq!(fs::read_to_string(jail.host("data/state.json")).unwrap(), "{\"a\":1}");
    assert_eq!(jail.read("data/state.json").unwrap(), "{\"a\":1}");
    jail.files.create_dir(Path::new("/data/sub")).unwrap();
    now(jail.files.rename(Path::new("/data/state.json"), Path::new("/data/sub/s"))).unwrap();
    let names = |path: &str| -> Vec<_> {
        jail.files.read_dir(Path::new(path)).unwrap().map(|entry| entry.unwrap().path().display().to_string()).collect()
    };
    assert_eq!(names("/"), ["/config", "/data", "/tmp"]);
    assert_eq!(names("/data/sub"), ["/data/sub/s"]);
    assert_eq!(jail.files.remove_dir(Path::new("/data/sub")), Err(FsError::DirectoryNotEmpty));
    jail.files.remove_file(Path::new("/data/sub/s")).unwrap();
    jail.files.remove_dir(Path::new("/data/sub")).unwrap();
    assert_eq!(jail.files.metadata(Path::new("/data/sub")), Err(FsError::EntryNotFound));
    assert!(jail.files.metadata(Path::new("/data")).unwrap().is_dir());
    assert_eq!(jail.bytes(), 0);
    assert_eq!(jail.files.usage().file_count, 3);
}

#[cfg(unix)]
#[test]
fn no_path_leads_out() {
    // ABI-30
    use std::os::unix::fs::symlink;
    let jail = jail();
    let outside = jail.outside.path().to_owned();
    symlink(outside.join("secret"), jail.host("absolute-file")).unwrap();
    symlink(&outside, jail.host("absolute-directory")).unwrap();
    symlink("../secret", jail.host("relative")).unwrap();
    symlink("relative", jail.host("chain")).unwrap();
    symlink("chain", jail.host("longer-chain")).unwrap();
    symlink("..", jail.host("up")).unwrap();
    symlink("../planted", jail.host("dangling")).unwrap();
    symlink(outside.join("planted"), jail.host("dangling-absolute")).unwrap();
    symlink(jail.host("data"), jail.host("absolute-inside")).unwrap();
    let secret = outside.join("secret").display().to_string();
    for path in [
        "../secret",
        "/../secret",
        "/../../../../../../etc/passwd",
        "/data/../../secret",
        "/data/../../root-sibling/secret",
        "../root-sibling/secret",
        "/etc/passwd",
        "/proc/self/environ",
        "/proc/self/root/etc/passwd",
        secret.as_str(),
        "absolute-file",
        "absolute-directory/secret",
        "relative",
        "chain",
        "longer-chain",
        "up/secret",
        "up/root-sibling/secret",
    ] {
        assert!(jail.read(path).is_err(), "read {path}");
        assert!(jail.files.new_open_options().write(true).open(path).is_err(), "write {path}");
        assert!(jail.files.new_open_options().write(true).truncate(true).open(path).is_err(), "truncate {path}");
        assert!(jail.files.metadata(Path::new(path)).is_err(), "look at {path}");
    }
    for path in [
        "../planted",
        "/data/../../planted",
        "absolute-directory/planted",
        "up/planted",
        "dangling",
        "dangling-absolute",
    ] {
        assert!(jail.create(path).is_err(), "create {path}");
        assert!(jail.files.new_open_options().write(true).create_new(true).open(path).is_err(), "create new {path}");
        assert!(jail.files.create_dir(Path::new(path)).is_err(), "mkdir {path}");
    }
    jail.write("/data/mine", b"mine").unwrap();
    for path in ["../secret", "absolute-directory/secret", "up/secret", "up/root-sibling/secret"] {
        assert!(jail.files.remove_file(Path::new(path)).is_err(), "unlink {path}");
        assert!(now(jail.files.rename(Path::new(path), Path::new("/data/stolen"))).is_err(), "rename from {path}");
        assert!(now(jail.files.rename(Path::new("/data/mine"), Path::new(path))).is_err(), "rename to {path}");
    }
    for path in ["..", "absolute-directory", "up", "/data/../.."] {
        assert!(jail.files.read_dir(Path::new(path)).is_err(), "list {path}");
        assert!(jail.files.remove_dir(Path::new(path)).is_err(), "rmdir {path}");
    }
    assert!(jail.files.readlink(Path::new("absolute-file")).is_err(), "an absolute target is not told");
    assert!(jail.create("absolute-inside/x").is_err(), "absolute links are refused also when they point inside");
    // Nothing happened outside.
    assert!(!outside.join("planted").exists());
    assert_eq!(fs::read_to_string(outside.join("secret")).unwrap(), "secret");
    assert_eq!(fs::read_to_string(outside.join("root-sibling/secret")).unwrap(), "secret");
    assert_eq!(jail.read("/data/mine").unwrap(), "mine");
}

#[cfg(unix)]
#[test]
fn links_inside_work_but_cannot_be_made_or_moved() {
    // ABI-30
    let jail = jail();
    jail.write("/data/real", b"real").unwrap();
    std::os::unix::fs::symlink("real", jail.host("data/link")).unwrap();
    std::os::unix::fs::symlink("data", jail.host("folder")).unwrap();
    assert_eq!(jail.read("/data/link").unwrap(), "real");
    assert_eq!(jail.read("/folder/real").unwrap(), "real");
    assert_eq!(
        jail.files.create_symlink(Path::new("/data/real"), Path::new("/data/new")),
        Err(FsError::PermissionDenied)
    );
    assert_eq!(jail.files.hard_link(Path::new("/data/real"), Path::new("/data/new")), Err(FsError::PermissionDenied));
    assert!(
        now(jail.files.rename(Path::new("/data/link"), Path::new("/link"))).is_err(),
        "it would mean something else"
    );
}

#[cfg(unix)]
#[test]
fn only_regular_files_are_opened() {
    let jail = jail();
    let fifo = jail.host("data/fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(jail.host("data/socket")).unwrap();
    for path in ["/data/fifo", "/data/socket", "/data", "/"] {
        assert!(jail.read(path).is_err(), "{path}");
        assert!(jail.create(path).is_err(), "{path}");
    }
}

#[test]
fn names_are_bounded() {
    let jail = jail();
    assert_eq!(jail.create(&"a/".repeat(2049)).err(), Some(FsError::InvalidInput));
    assert!(jail.create(&"a".repeat(256)).is_err());
    assert!(jail.create("/data/nul\0nul").is_err());
    assert!(jail.create("").is_err());
}

fn quota(bytes: u64) -> Limits {
    Limits { file_bytes: bytes, files: 10, ..Limits::default() }
}

#[test]
fn growth_is_charged_and_given_back() {
    let jail = jail_with(&quota(1 << 20));
    let block = vec![1; 600_000];
    jail.write("/data/a", &block).unwrap();
    assert!(jail.write("/data/b", &block).is_err(), "two of them exceed a mebibyte");
    assert_eq!(jail.bytes(), 600_000);
    jail.write("/data/a", &block[..100]).unwrap();
    assert_eq!(jail.bytes(), 100, "truncation gives back");
    jail.write("/data/b", &block).unwrap();
    let mut a = jail.create("/data/a").unwrap();
    assert!(a.set_len(1 << 30).is_err(), "a sparse gibibyte");
    now(a.seek(SeekFrom::Start(1 << 40))).unwrap();
    assert!(now(a.write(b"x")).is_err(), "a byte far out");
    assert_eq!(jail.bytes(), 600_100);
    a.set_len(400_000).unwrap();
    assert_eq!(jail.bytes(), 1_000_000);
    now(a.seek(SeekFrom::Start(0))).unwrap();
    now(a.write_all(&block[..400_000])).unwrap();
    assert_eq!(jail.bytes(), 1_000_000, "overwriting costs nothing");
    a.set_len(0).unwrap();
    jail.files.remove_file(Path::new("/data/b")).unwrap();
    assert_eq!(jail.bytes(), 0);
}

#[test]
fn a_replaced_target_is_given_back() {
    let jail = jail_with(&quota(1000));
    jail.write("/data/a", &[1; 400]).unwrap();
    jail.write("/data/b", &[2; 500]).unwrap();
    now(jail.files.rename(Path::new("/data/a"), Path::new("/data/b"))).unwrap();
    assert_eq!((jail.bytes(), jail.files.usage().file_count), (400, 4));
}

#[test]
fn bytes_of_an_open_file_stay_charged_after_its_name_is_gone() {
    let jail = jail_with(&quota(1000));
    let mut file = jail.create("/data/a").unwrap();
    now(file.write_all(&[0; 600])).unwrap();
    jail.files.remove_file(Path::new("/data/a")).unwrap();
    assert_eq!(jail.bytes(), 600);
    assert!(jail.write("/data/b", &[0; 600]).is_err(), "the disk still holds the first");
    now(file.write_all(&[0; 100])).unwrap();
    assert_eq!(jail.bytes(), 700);
    drop(file);
    assert_eq!(jail.bytes(), 0);
    jail.write("/data/b", &[0; 600]).unwrap();
}

#[test]
fn an_open_file_knows_its_new_name() {
    let jail = jail();
    let mut file = jail.create("/data/a").unwrap();
    jail.files.create_dir(Path::new("/data/d")).unwrap();
    now(jail.files.rename(Path::new("/data/a"), Path::new("/data/d/b"))).unwrap();
    now(jail.files.rename(Path::new("/data/d"), Path::new("/data/e"))).unwrap();
    jail.write("/data/a", b"another").unwrap();
    file.unlink().unwrap();
    assert!(!jail.host("data/e/b").exists());
    assert_eq!(jail.read("/data/a").unwrap(), "another");
    assert_eq!(file.unlink(), Err(FsError::EntryNotFound));
}

#[test]
fn files_and_directories_are_counted() {
    let jail = jail_with(&quota(1000));
    for index in 3..9 {
        jail.create(&format!("/data/{index}")).unwrap();
    }
    jail.files.create_dir(Path::new("/data/directory")).unwrap();
    assert!(jail.create("/data/one-more").is_err());
    assert!(jail.files.create_dir(Path::new("/one-more")).is_err());
    assert!(jail.create("/data/5").is_ok(), "opening what exists is no new file");
    jail.files.remove_file(Path::new("/data/5")).unwrap();
    jail.create("/data/one-more").unwrap();
    assert!(jail.files.create_dir(Path::new("/data/directory")).is_err());
    assert_eq!(jail.files.usage().file_count, 10, "failures cost nothing");
}

#[test]
fn what_is_there_at_load_counts() {
    let first = jail_with(&quota(1000));
    first.write("/data/a", &[0; 700]).unwrap();
    first.write("/tmp/b", &[0; 200]).unwrap();
    let again = JailedFileSystem::open(&first.host(""), &quota(1000)).unwrap();
    assert_eq!((again.usage().total_bytes, again.usage().file_count), (900, 5));
    again.empty_tmp().unwrap();
    assert_eq!((again.usage().total_bytes, again.usage().file_count), (700, 4));
    assert!(!first.host("tmp/b").exists() && first.host("tmp").is_dir());
    // Less than there is: nothing can grow, everything can be read.
    let small = JailedFileSystem::open(&first.host(""), &quota(100)).unwrap();
    let mut file = small.new_open_options().read(true).write(true).open("/data/a").unwrap();
    assert!(now(file.write(&[1; 701])).is_err());
    assert_eq!(now(file.write(&[1; 700])).unwrap(), 700);
}
