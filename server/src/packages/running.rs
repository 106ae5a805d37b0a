//! Programs that the server runs, for as long as they may take.

use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::time::timeout;

use super::PackageError;

/// Most bytes that are read of what a program prints.
const MAX_PRINTED: u64 = 8 * 1024 * 1024;

/// Runs a program to its end. Gives what it has printed, and tells what it says beside that, line by line.
///
/// # Errors
/// It can't be run, or takes too long; then it is stopped.
pub async fn run(
    command: Command,
    longest: Duration,
    mut hear: impl FnMut(&str),
) -> Result<(ExitStatus, Vec<u8>), PackageError> {
    let mut command = tokio::process::Command::from(command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(PackageError::NoNpm)?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let mut printed = Vec::new();
    let work = async {
        let reading = async {
            if let Some(out) = out {
                out.take(MAX_PRINTED).read_to_end(&mut printed).await?;
            }
            Ok(())
        };
        let (read, heard) = tokio::join!(reading, listen(err, &mut hear));
        read.and(heard)?;
        child.wait().await
    };
    match timeout(longest, work).await {
        Ok(status) => Ok((status.map_err(PackageError::NoNpm)?, printed)),
        // Dropping the child kills it.
        Err(_) => Err(PackageError::TooLong(longest.as_secs())),
    }
}

/// Runs what waits for the disk where it may. `None`: the server goes down.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

async fn listen(err: Option<impl AsyncRead + Unpin>, hear: &mut impl FnMut(&str)) -> std::io::Result<()> {
    let Some(err) = err else { return Ok(()) };
    let mut lines = BufReader::new(err.take(MAX_PRINTED)).split(b'\n');
    while let Some(line) = lines.next_segment().await? {
        hear(String::from_utf8_lossy(&line).trim_end());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[actix_web::test]
    async fn what_a_program_prints_and_says_is_kept_apart() {
        let mut said = Vec::new();
        let run = run(shell("echo out; echo one >&2; echo two >&2; exit 3"), Duration::from_secs(60), |line| {
            said.push(line.to_owned())
        });
        let (status, printed) = run.await.expect("it runs");
        assert_eq!(
            (status.code(), printed.as_slice(), said.as_slice()),
            (Some(3), &b"out\n"[..], &["one".to_owned(), "two".to_owned()][..])
        );
    }

    #[actix_web::test]
    async fn what_does_not_end_is_stopped_and_what_is_not_there_is_told() {
        let run_forever = run(shell("exec sleep 600"), Duration::from_millis(50), |_| {});
        assert!(matches!(run_forever.await, Err(PackageError::TooLong(_))));
        let nothing = run(Command::new("/no/such/npm"), Duration::from_secs(60), |_| {}).await;
        assert!(nothing.expect_err("nothing to run").to_string().contains("install Node.js"));
    }
}
