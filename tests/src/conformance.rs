//! Tables of promises, and the record of which statements of the specification they show.

use std::any::Any;
use std::io::Write as _;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use crate::Server;

/// One row: a check and the statements it shows.
pub struct Row {
    /// 34 stands for `SK-34`.
    pub statements: &'static [u16],
    /// The name of the check.
    pub name: &'static str,
    /// Panics when the promise is broken.
    pub check: for<'a> fn(&'a Server) -> LocalBoxFuture<'a, ()>,
}

/// Makes [`Row`]s from the names of `async fn(&Server)`: `rows![[1, 3] discovery_names_the_endpoints, …]`.
#[macro_export]
macro_rules! rows {
    ($([$($statement:literal),* $(,)?] $check:ident),* $(,)?) => {
        &[$($crate::Row {
            statements: &[$($statement),*],
            name: stringify!($check),
            check: |server| ::std::boxed::Box::pin($check(server)),
        }),*]
    };
}

/// Checks all rows one after the other against one server. A broken promise doesn't keep the others from being checked.
///
/// # Panics
/// At the end, when promises were broken; the message names them all.
pub async fn run_table(server: &Server, rows: &[Row]) {
    let mut broken = Vec::new();
    for Row { statements, name, check } in rows {
        let outcome = AssertUnwindSafe(check(server)).catch_unwind().await;
        let ids: Vec<_> = statements.iter().map(|id| format!("SK-{id}")).collect();
        for id in &ids {
            record(id, outcome.is_ok(), name);
        }
        if let Err(panic) = outcome {
            broken.push(format!("{} {name}: {}", ids.join(" "), message(&*panic)));
        }
    }
    assert!(broken.is_empty(), "{} of {} promises are broken:\n\n{}", broken.len(), rows.len(), broken.join("\n\n"));
}

/// Appends a line such as `SK-34 ok name_of_the_test` to the file that `WINDLASS_CONFORMANCE_FILE` names.
fn record(id: &str, passed: bool, test: &str) {
    let line = format!("{id} {} {test}\n", if passed { "ok" } else { "FAILED" });
    print!("{line}");
    if let Some(path) = std::env::var_os("WINDLASS_CONFORMANCE_FILE") {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(&path);
        // One write a line: lines of tests that run at the same time don't mix.
        let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
        written.unwrap_or_else(|error| panic!("{} can't be written: {error}", path.display()));
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked without a message")
}
