//! Running other programs: no standard input, output kept and shown when they fail.

use anyhow::{Context, Result, bail};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How much of a failed tool's output is shown.
const SHOWN_LINES: usize = 60;

/// A program about to run.
#[derive(Debug)]
pub struct Tool {
    command: Command,
    hint: Option<String>,
    limit: Option<Duration>,
}

impl Tool {
    /// A program by its path, or by its name on `PATH`.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.stdin(Stdio::null());
        Self { command, hint: None, limit: None }
    }

    /// Adds arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets the working directory.
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Removes variables from the environment.
    pub fn without_env(mut self, names: &[&str]) -> Self {
        for name in names {
            self.command.env_remove(name);
        }
        self
    }

    /// What the user can do when the program is missing or fails.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Ends the program when it runs longer.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Runs it silently; a failure shows the end of its output.
    pub fn quiet(mut self) -> Result<()> {
        // A file without a name: it takes output of any size, where a pipe would fill up.
        let log = tempfile::tempfile().context("a temporary file for the output")?;
        self.command.stdout(log.try_clone()?).stderr(log.try_clone()?);
        let status = self.status()?;
        if status.success() {
            return Ok(());
        }
        let output = tail(log).context("reading the output again")?;
        bail!("{}\n{output}", self.failure(status))
    }

    /// Runs it with its output on ours.
    pub fn loud(mut self) -> Result<()> {
        let status = self.status()?;
        if !status.success() {
            bail!("{}", self.failure(status));
        }
        Ok(())
    }

    /// Runs it and returns its standard output, without white space at the end.
    pub fn read(mut self) -> Result<String> {
        let output = self.command.output().with_context(|| self.not_started())?;
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            bail!("{}\n{}", self.failure(output.status), errors.trim_end());
        }
        let text =
            String::from_utf8(output.stdout).with_context(|| format!("the output of {} is not UTF-8", self.name()))?;
        Ok(text.trim_end().to_owned())
    }

    /// Becomes the program: signals then reach it and nothing in between. Where the system can't do
    /// that, runs it and takes over its exit code.
    pub fn become_it(mut self) -> Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            let error = self.command.exec();
            Err(error).with_context(|| self.not_started())
        }
        #[cfg(not(unix))]
        {
            let status = self.status()?;
            std::process::exit(status.code().unwrap_or(1))
        }
    }

    fn status(&mut self) -> Result<ExitStatus> {
        let mut child = self.command.spawn().with_context(|| self.not_started())?;
        match self.limit {
            None => child.wait(),
            Some(limit) => wait(&mut child, limit),
        }
        .with_context(|| format!("waiting for {}", self.name()))
    }

    fn name(&self) -> String {
        Path::new(self.command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn not_started(&self) -> String {
        let hint = self.hint.as_deref().unwrap_or("is it installed?");
        format!("{} can't be started; {hint}", self.name())
    }

    fn failure(&self, status: ExitStatus) -> String {
        let args: Vec<_> = self.command.get_args().map(OsStr::to_string_lossy).collect();
        let hint = self.hint.as_ref().map(|hint| format!("; {hint}"));
        format!("`{} {}` ended with {status}{}", self.name(), args.join(" "), hint.unwrap_or_default())
    }
}

/// Waits for a child, and kills it when the time is over: that is then its exit status.
fn wait(child: &mut Child, limit: Duration) -> std::io::Result<ExitStatus> {
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() >= end {
            child.kill()?;
            return child.wait();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The end of what a silent tool wrote.
fn tail(mut log: File) -> Result<String> {
    let mut bytes = Vec::new();
    log.rewind()?;
    log.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n"))
}

/// Finds a program on `PATH`.
pub fn find(name: &str) -> Option<PathBuf> {
    let file = OsString::from(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    std::env::split_paths(&std::env::var_os("PATH")?).map(|dir| dir.join(&file)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_the_output_and_the_hint() {
        let error = Tool::new("sh")
            .args(["-c", "echo what went wrong; exit 3"])
            .hint("install the missing part")
            .quiet()
            .unwrap_err()
            .to_string();
        assert!(error.contains("what went wrong"), "{error}");
        assert!(error.contains("install the missing part"), "{error}");
        assert!(error.contains('3'), "{error}");
    }

    #[test]
    fn a_missing_program_says_what_to_install() {
        let error = Tool::new("no-such-program-anywhere").hint("install it").quiet().unwrap_err();
        assert!(format!("{error:#}").contains("install it"), "{error:#}");
    }

    #[test]
    fn a_program_that_takes_too_long_is_ended() {
        let start = Instant::now();
        let result = Tool::new("sleep").args(["600"]).limit(Duration::from_millis(1)).quiet();
        assert!(result.is_err());
        assert!(start.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn tools_have_no_standard_input() {
        assert_eq!(Tool::new("cat").read().unwrap(), "");
    }
}
