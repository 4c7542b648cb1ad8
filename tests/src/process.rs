//! Real binaries as processes: started, asked, killed, and always ended by who started them.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

/// Longest time a process may take to end after SIGTERM.
const END: Duration = Duration::from_secs(180);

/// Where cargo put our binaries: beside the test's own executable.
///
/// # Panics
/// Where the binary was not built: `cargo build --workspace --bins` does it.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a running test has a path");
    let folder = own.ancestors().find(|folder| folder.join(name).is_file());
    folder
        .unwrap_or_else(|| panic!("{name} is not built: run `cargo build --workspace --bins`"))
        .join(name)
}

/// A running process; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
}

impl Process {
    /// Starts `program` with its standard error appended to `log`.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(program: &Path, arguments: &[&str], log: &Path) -> anyhow::Result<Self> {
        Self::start_in(program, arguments, log, &[])
    }

    /// As [`Process::start`], with more environment.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start_in(
        program: &Path,
        arguments: &[&str],
        log: &Path,
        environment: &[(String, String)],
    ) -> anyhow::Result<Self> {
        let log_file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("opening {}", log.display()))?;
        let child = Command::new(program)
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log_file.try_clone().context("a second handle of the log")?)
            .stderr(log_file)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let name = program
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Ok(Self { child, name })
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// With its exit status, where it ended.
    pub fn check_running(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait().context("asking for the child")? {
            None => Ok(()),
            Some(status) => anyhow::bail!("{} ended: {status}", self.name),
        }
    }

    /// Its process id.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn id(&self) -> anyhow::Result<u32> {
        self.child
            .id()
            .with_context(|| format!("{} has ended", self.name))
    }

    /// SIGKILL, and gone.
    ///
    /// # Errors
    /// Where it cannot be killed.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.child
            .kill()
            .await
            .with_context(|| format!("killing {}", self.name))
    }

    /// Any signal.
    ///
    /// # Errors
    /// Where it has ended already.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let id = i32::try_from(self.id()?).context("process ids fit")?;
        kill(Pid::from_raw(id), signal).with_context(|| format!("{signal} to {}", self.name))
    }

    /// SIGTERM, and its exit status.
    ///
    /// # Errors
    /// Where it does not end in time.
    pub async fn end(&mut self) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::SIGTERM)?;
        self.ended().await
    }

    /// Waits for it to end by itself.
    ///
    /// # Errors
    /// Where it does not end in time.
    pub async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        tokio::time::timeout(END, self.child.wait())
            .await
            .with_context(|| format!("{} did not end within {END:?}", self.name))?
            .context("waiting for the child")
    }
}

/// What a program said, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub errors: String,
}

/// Runs a program to its end, however it ends.
///
/// # Errors
/// Where it cannot be run, or takes too long.
pub async fn said(program: &Path, arguments: &[&str]) -> anyhow::Result<Said> {
    let done = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let done = tokio::time::timeout(END, done)
        .await
        .with_context(|| format!("{} took too long", program.display()))??;
    Ok(Said {
        code: done.status.code(),
        out: String::from_utf8_lossy(&done.stdout).into_owned(),
        errors: String::from_utf8_lossy(&done.stderr).into_owned(),
    })
}

/// Runs a program to its end and gives back its standard output.
///
/// # Errors
/// With its standard error, where it does not exit with 0.
pub async fn output(program: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    output_within(program, arguments, END).await
}

/// As [`output`], of a program that may take so long.
///
/// # Errors
/// With its standard error, where it does not exit with 0.
pub async fn output_within(
    program: &Path,
    arguments: &[&str],
    patience: Duration,
) -> anyhow::Result<String> {
    let done = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let done = tokio::time::timeout(patience, done)
        .await
        .with_context(|| format!("{} took too long", program.display()))??;
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    if !done.status.success() {
        let errors = String::from_utf8_lossy(&done.stderr);
        anyhow::bail!(
            "{} {arguments:?}: {}: {text}{errors}",
            program.display(),
            done.status
        );
    }
    Ok(text)
}
