//! A self-checkout: an agent with its relay, a real process, between a machine and a library
//! system.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lujiang_sip2::Profile;
use serde_json::Value;

use crate::machine::Machine;
use crate::process::{Process, binary, output};
use crate::site::{Issued, Library, PATIENCE, text, write_password};
use crate::wait::until;

/// The name of the only machine.
const MACHINE: &str = "desk";

/// An agent process beside a self-checkout machine.
#[derive(Debug)]
pub struct SelfCheckout {
    /// What runs as the agent, and its first argument.
    program: (PathBuf, &'static str),
    folder: PathBuf,
    data: PathBuf,
    agent: Option<Process>,
}

impl SelfCheckout {
    /// A self-checkout that is known by its password, its agent configured but not yet running. It
    /// gets no papers so, and lends nothing off-line.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn registered(
        library: &Library,
        issued: &Issued,
        ils: SocketAddr,
        more: &str,
    ) -> anyhow::Result<Self> {
        let this = Self::in_folder(library, issued)?;
        let file = this.folder.join("password");
        write_password(&file, &issued.password)?;
        let door = library.link().address();
        let known_by = format!(
            "credential = \"password\"\npassword_file = \"{}\"",
            file.display()
        );
        this.configure(&issued.device, door, &known_by, ils, more)?;
        Ok(this)
    }

    /// A self-checkout that is known by its certificate, and gets papers.
    ///
    /// # Errors
    /// Where it is not enrolled.
    pub async fn enrolled(
        library: &Library,
        issued: &Issued,
        ils: SocketAddr,
        more: &str,
    ) -> anyhow::Result<Self> {
        let this = Self::in_folder(library, issued)?;
        let door = library.secure_link().address();
        let identity = this.folder.join("identity");
        let known_by = format!(
            "credential = \"certificate\"\nidentity = \"{}\"",
            identity.display()
        );
        this.configure(&issued.device, door, &known_by, ils, more)?;
        let token = this.folder.join("token");
        write_password(&token, &library.token(&issued.device).await?)?;
        let gateway = format!("https://localhost:{}", library.endpoints().https.port());
        let config = this.config();
        let arguments = ["enrol", "--config", text(&config), "--gateway", &gateway];
        let file = ["--token-file", text(&token)];
        output(&binary("lujiang-agent"), &[&arguments[..], &file].concat()).await?;
        Ok(this)
    }

    /// From its next start on the agent is this program, told `run` by that word.
    pub fn run_as(&mut self, program: PathBuf, run: &'static str) {
        self.program = (program, run);
    }

    /// Starts the agent.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(&mut self) -> anyhow::Result<()> {
        let (program, run) = &self.program;
        let config = self.config();
        let log = self.folder.join("agent.log");
        self.agent = Some(Process::start(
            program,
            &[run, "--config", text(&config)],
            &log,
        )?);
        Ok(())
    }

    /// A machine that connects to the relay, once that listens.
    ///
    /// # Errors
    /// Where it does not in time.
    pub async fn machine(&self, profile: Profile) -> anyhow::Result<Machine> {
        until("the relay to listen", PATIENCE, async || {
            let status = self.status()?;
            let place = status["self_checkouts"][MACHINE]["place"].as_str();
            let place: SocketAddr = place.context("a place in the status")?.parse()?;
            Machine::connect(place, profile).await
        })
        .await
        .with_context(|| self.log())
    }

    /// Waits until the status of its machine is as wanted.
    ///
    /// # Errors
    /// The status seen last, at the deadline.
    pub async fn becomes(&self, what: &str, is: impl Fn(&Value) -> bool) -> anyhow::Result<()> {
        until(what, PATIENCE, async || {
            let status = self.status()?;
            anyhow::ensure!(is(&status), "status {status}");
            Ok(())
        })
        .await
        .with_context(|| self.log())
    }

    /// Waits until the library system serves the machine, or does not.
    ///
    /// # Errors
    /// As [`SelfCheckout::becomes`].
    pub async fn is_served(&self, served: bool) -> anyhow::Result<()> {
        let wanted = Value::Bool(served);
        self.becomes("the library system", |status| {
            status["self_checkouts"][MACHINE]["library_system"] == wanted
        })
        .await
    }

    /// SIGKILL for the agent.
    ///
    /// # Errors
    /// Where it does not run.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.agent
            .take()
            .context("the agent does not run")?
            .kill()
            .await
    }

    /// SIGTERM for the agent; its exit must be clean.
    ///
    /// # Errors
    /// Where it ends otherwise.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        let status = self
            .agent
            .take()
            .context("the agent does not run")?
            .end()
            .await?;
        anyhow::ensure!(
            status.success(),
            "the agent ended with {status}: {}",
            self.log()
        );
        Ok(())
    }

    /// The agent's log so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("agent.log")).unwrap_or_default()
    }

    /// Where the agent keeps its outbox and its papers.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// What the agent writes down of itself.
    ///
    /// # Errors
    /// Where there is nothing yet.
    pub fn status(&self) -> anyhow::Result<Value> {
        let state = std::fs::read(self.data.join("state.json")).context("no state.json yet")?;
        serde_json::from_slice(&state).context("state.json")
    }

    fn in_folder(library: &Library, issued: &Issued) -> anyhow::Result<Self> {
        let folder = library.folder().join(&issued.device);
        std::fs::create_dir_all(&folder).context("making the agent's folder")?;
        let data = folder.join("data");
        Ok(Self {
            program: (binary("lujiang-agent"), "run"),
            folder,
            data,
            agent: None,
        })
    }

    fn config(&self) -> PathBuf {
        self.folder.join("agent.toml")
    }

    /// Quick, as in a test; `more` are further sections.
    fn configure(
        &self,
        device: &str,
        door: SocketAddr,
        known_by: &str,
        ils: SocketAddr,
        more: &str,
    ) -> anyhow::Result<()> {
        let text = format!(
            "[agent]\ndevice = \"{device}\"\ndata = \"{data}\"\ntelemetry_interval = \"1s\"\n\
             [uplink]\nhost = \"{host}\"\nport = {port}\n{known_by}\n\
             keep_alive = \"5s\"\nconnect_timeout = \"10s\"\nack_timeout = \"10s\"\n\
             backoff_min = \"50ms\"\nbackoff_max = \"500ms\"\nclock_timeout = \"10s\"\n\
             [self_checkout.acs]\nhost = \"{ils_host}\"\nport = {ils_port}\n\
             connect_timeout = \"1s\"\nanswer_timeout = \"5s\"\n\
             backoff_min = \"50ms\"\nbackoff_max = \"200ms\"\n\
             [self_checkout.machines.{MACHINE}]\nlisten = \"127.0.0.1:0\"\n\
             {more}\n\
             [log]\nfilter = \"info,lujiang_agent=debug\"\n",
            data = self.data.display(),
            host = door.ip(),
            port = door.port(),
            ils_host = ils.ip(),
            ils_port = ils.port(),
        );
        std::fs::write(self.config(), text).context("writing the agent's configuration")
    }
}
