//! The cache of compiled modules.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use windlass_wasm_host::{Host, Limits, Origin, Runtime, RuntimeOptions};

use super::support::*;

fn runtime_in(directory: &Path) -> Runtime {
    Runtime::new(RuntimeOptions { cache_dir: Some(directory.to_owned()), ..RuntimeOptions::default() }).unwrap()
}

fn only_file(directory: &Path) -> std::path::PathBuf {
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

/// Loads the module and checks that it works.
fn load(runtime: &Runtime, wasm: &[u8], limits: &Limits) -> Origin {
    let compiled = runtime.compile_bytes(wasm, limits).unwrap();
    let host = Arc::new(Recorder::default()) as Arc<dyn Host>;
    let mut guest = runtime.instantiate(&compiled, host, sandbox(), limits).unwrap();
    assert_eq!(guest.poll().unwrap(), 42);
    compiled.origin()
}

fn answer() -> Vec<u8> {
    wat::parse_str(Wat { poll: "(i32.const 42)", ..Wat::default() }.buffer()).unwrap()
}

#[test]
fn the_second_load_comes_from_the_cache_also_in_another_process() {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("cache/modules");
    let wasm = answer();
    assert_eq!(load(&runtime_in(&cache), &wasm, &patient()), Origin::Compiled);
    assert_eq!(load(&runtime_in(&cache), &wasm, &patient()), Origin::Cached);
    assert_eq!(load(runtime(), &wasm, &patient()), Origin::Compiled, "without a cache");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[test]
fn a_damaged_entry_is_noticed_and_replaced() {
    let wasm = answer();
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 7] = [
        ("empty", |bytes| bytes.clear()),
        ("cut in the header", |bytes| bytes.truncate(40)),
        ("cut", |bytes| bytes.truncate(bytes.len() / 2)),
        ("longer", |bytes| bytes.push(0)),
        ("another key", |bytes| bytes[0] ^= 1),
        ("flipped in the code", |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x10;
        }),
        ("flipped at the end", |bytes| *bytes.last_mut().unwrap() ^= 1),
    ];
    for (what, damage) in damages {
        let directory = tempfile::tempdir().unwrap();
        let runtime = runtime_in(directory.path());
        load(&runtime, &wasm, &patient());
        let file = only_file(directory.path());
        let mut bytes = fs::read(&file).unwrap();
        damage(&mut bytes);
        fs::write(&file, bytes).unwrap();
        assert_eq!(load(&runtime, &wasm, &patient()), Origin::Compiled, "{what}");
        assert_eq!(load(&runtime, &wasm, &patient()), Origin::Cached, "{what}: replaced");
    }
}

#[test]
fn an_entry_with_a_right_checksum_but_wrong_content_is_compiled_again() {
    // Whoever can write this could do worse; but a bug of ours must not stop the server.
    let directory = tempfile::tempdir().unwrap();
    let runtime = runtime_in(directory.path());
    let wasm = answer();
    load(&runtime, &wasm, &patient());
    let file = only_file(directory.path());
    let key = fs::read(&file).unwrap()[..32].to_vec();
    let nonsense = b"not an artifact at all".to_vec();
    let checksum = {
        use sha2::Digest;
        sha2::Sha256::digest(&nonsense).to_vec()
    };
    fs::write(&file, [key, checksum, nonsense].concat()).unwrap();
    assert_eq!(load(&runtime, &wasm, &patient()), Origin::Compiled);
    assert_eq!(load(&runtime, &wasm, &patient()), Origin::Cached);
}

#[test]
fn a_cached_module_obeys_the_limits_of_its_new_runtime() {
    let directory = tempfile::tempdir().unwrap();
    let wat = Wat { poll: "(drop (memory.grow (i32.const 20))) (memory.size)", ..Wat::default() };
    let wasm = wat::parse_str(wat.buffer()).unwrap();
    for (pages, expected, origin) in [(100, 24, Origin::Compiled), (10, 4, Origin::Cached)] {
        let runtime = runtime_in(directory.path());
        let limits = Limits { memory_bytes: pages << 16, ..patient() };
        let compiled = runtime.compile_bytes(&wasm, &limits).unwrap();
        assert_eq!(compiled.origin(), origin);
        let host = Arc::new(Recorder::default()) as Arc<dyn Host>;
        let mut guest = runtime.instantiate(&compiled, host, sandbox(), &limits).unwrap();
        assert_eq!(guest.poll().unwrap(), expected);
    }
}

#[test]
fn an_unusable_cache_directory_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let error =
        Runtime::new(RuntimeOptions { cache_dir: Some(file.clone()), ..RuntimeOptions::default() }).unwrap_err();
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
}

/// Puts a file of `size` bytes that was used `days` ago into the cache's directory.
fn leave(directory: &Path, name: &str, size: u64, days: u64) {
    let file = fs::File::create(directory.join(name)).unwrap();
    file.set_len(size).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60)).unwrap();
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_was_not_used_for_thirty_days_goes_when_the_cache_is_opened() {
    let directory = tempfile::tempdir().unwrap();
    for (name, days) in [("a.module", 29), ("b.module", 31), ("c.new", 2), ("d.new", 0), ("notes.txt", 400)] {
        leave(directory.path(), name, 10, days);
    }
    fs::create_dir(directory.path().join("e.module")).unwrap();
    runtime_in(directory.path());
    assert_eq!(names(directory.path()), ["a.module", "d.new", "e.module", "notes.txt"]);
}

#[test]
fn beyond_256_mib_those_used_longest_ago_go() {
    let directory = tempfile::tempdir().unwrap();
    for (name, mebibytes, days) in
        [("a.module", 100, 3), ("b.module", 100, 1), ("c.module", 100, 2), ("d.module", 50, 4)]
    {
        leave(directory.path(), name, mebibytes << 20, days);
    }
    runtime_in(directory.path());
    assert_eq!(
        names(directory.path()),
        ["b.module", "c.module", "d.module"],
        "the newest two, and what fits beside them"
    );
}

#[test]
fn using_a_module_keeps_it() {
    let directory = tempfile::tempdir().unwrap();
    let wasm = answer();
    load(&runtime_in(directory.path()), &wasm, &patient());
    let file = only_file(directory.path());
    let age = |days: u64| {
        let used = SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60);
        fs::File::options().write(true).open(&file).unwrap().set_modified(used).unwrap();
    };
    age(20);
    assert_eq!(load(&runtime_in(directory.path()), &wasm, &patient()), Origin::Cached);
    let used = fs::metadata(&file).unwrap().modified().unwrap();
    assert!(used.elapsed().unwrap() < Duration::from_secs(3600), "its use was noted");
    age(40);
    assert_eq!(load(&runtime_in(directory.path()), &wasm, &patient()), Origin::Compiled, "forgotten");
}

#[cfg(unix)]
mod trust {
    use std::os::unix::fs::{PermissionsExt, chown};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_others_could_have_written_is_not_loaded() {
        let directory = tempfile::tempdir().unwrap();
        let cache = directory.path().join("modules");
        let wasm = answer();
        load(&runtime_in(&cache), &wasm, &patient());
        assert_eq!((mode(&cache), mode(&only_file(&cache))), (0o700, 0o600));
        // All of it, when the directory was open; other things in it are nobody's business.
        fs::write(cache.join("notes.txt"), "mine").unwrap();
        for open in [0o777, 0o770, 0o1707] {
            set_mode(&cache, open);
            let runtime = runtime_in(&cache);
            assert_eq!((names(&cache), mode(&cache)), (vec!["notes.txt".to_owned()], 0o700), "{open:o}");
            assert_eq!(load(&runtime, &wasm, &patient()), Origin::Compiled, "{open:o}");
        }
        set_mode(&cache, 0o755);
        assert_eq!(load(&runtime_in(&cache), &wasm, &patient()), Origin::Cached, "others could only read it");
        // One module, when it was open.
        fs::remove_file(cache.join("notes.txt")).unwrap();
        for open in [0o620, 0o602] {
            set_mode(&only_file(&cache), open);
            let runtime = runtime_in(&cache);
            assert_eq!(load(&runtime, &wasm, &patient()), Origin::Compiled, "{open:o}");
            assert_eq!(load(&runtime, &wasm, &patient()), Origin::Cached, "{open:o}: replaced");
        }
    }

    #[test]
    fn a_cache_of_another_user_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        // Only root can give a directory away; every system has one that is root's.
        let foreign = match chown(directory.path(), Some(12345), None) {
            Ok(()) => directory.path(),
            Err(_) => Path::new("/usr"),
        };
        let error = Runtime::new(RuntimeOptions { cache_dir: Some(foreign.to_owned()), ..RuntimeOptions::default() })
            .expect_err("it is somebody else's");
        assert!(error.to_string().contains("another user"), "{error}");
        // And so is a module, when it is somebody else's.
        let own = tempfile::tempdir().unwrap();
        let wasm = answer();
        load(&runtime_in(own.path()), &wasm, &patient());
        if chown(only_file(own.path()), Some(12345), None).is_ok() {
            assert_eq!(load(&runtime_in(own.path()), &wasm, &patient()), Origin::Compiled);
            assert_eq!(load(&runtime_in(own.path()), &wasm, &patient()), Origin::Cached, "replaced");
        }
    }
}
