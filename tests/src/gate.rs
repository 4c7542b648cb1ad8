//! A gate: a counter on its line and the agent beside it, a real process.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lujiang_config::Credential;
use serde_json::Value;

use crate::counter::Counter;
use crate::process::{Process, binary, output};
use crate::site::{Issued, Library, PATIENCE, text, write_password};
use crate::wait::until;

/// Of the section `[gate]`: quick, as in a test.
const USUAL: &str = "poll = \"100ms\"\nperiod = \"1s\"\nsilence = \"2s\"\nanswer_timeout = \"3s\"";

/// As usual, with an agent that does not wait long for its counter.
const IMPATIENT: &str =
    "poll = \"100ms\"\nperiod = \"1s\"\nsilence = \"2s\"\nanswer_timeout = \"1s\"";

/// An agent process beside a gate's counter.
#[derive(Debug)]
pub struct Gate {
    /// The counter on its line.
    pub counter: Counter,
    folder: PathBuf,
    program: PathBuf,
    environment: Vec<(String, String)>,
    credential: Credential,
    agent: Option<Process>,
}

impl Gate {
    /// A gate that is registered, with its agent configured but not yet running.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn registered(library: &Library, issued: &Issued, data: &Path) -> anyhow::Result<Self> {
        Self::planted(library, issued, data, None)
    }

    /// As [`Gate::registered`], with an agent that breaks one rule, where one is named.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn planted(
        library: &Library,
        issued: &Issued,
        data: &Path,
        plant: Option<&str>,
    ) -> anyhow::Result<Self> {
        let folder = library.folder().join(&issued.device);
        std::fs::create_dir_all(&folder).context("making the agent's folder")?;
        let counter = Counter::plugged_in(&folder.join("line"), 1 << 32, 1_000)?;
        let program = binary(if plant.is_some() {
            "planted-agent"
        } else {
            "lujiang-agent"
        });
        let environment = Vec::new();
        let mut gate = Self {
            counter,
            folder,
            program,
            environment,
            credential: Credential::Password,
            agent: None,
        };
        if let Some(plant) = plant {
            gate.environment("LUJIANG_PLANT", plant);
        }
        let password = gate.folder.join("password");
        write_password(&password, &issued.password)?;
        gate.configure(library, issued, data, USUAL)?;
        Ok(gate)
    }

    /// A gate whose agent has a certificate, and knows the gateway by its token's pin.
    ///
    /// # Errors
    /// Where it is not enrolled.
    pub async fn enrolled(library: &Library, issued: &Issued, data: &Path) -> anyhow::Result<Self> {
        Self::registered(library, issued, data)?
            .with_certificate(library, issued, data)
            .await
    }

    /// Enrols: from now on its agent is known by its certificate, and its password is gone.
    ///
    /// # Errors
    /// Where it is not enrolled.
    pub async fn with_certificate(
        mut self,
        library: &Library,
        issued: &Issued,
        data: &Path,
    ) -> anyhow::Result<Self> {
        std::fs::remove_file(self.folder.join("password")).context("no password is needed")?;
        self.credential = Credential::Certificate;
        self.configure(library, issued, data, USUAL)?;
        let token = library.token(&issued.device).await?;
        self.enrol(library, &token, &[]).await?;
        Ok(self)
    }

    /// From its next start its agent waits 300 ms for the counter.
    ///
    /// # Errors
    /// Where its configuration cannot be written.
    pub fn be_impatient(
        &self,
        library: &Library,
        issued: &Issued,
        data: &Path,
    ) -> anyhow::Result<()> {
        self.configure(library, issued, data, IMPATIENT)
    }

    /// The folder with its key and certificate.
    #[must_use]
    pub fn identity(&self) -> PathBuf {
        self.folder.join("identity")
    }

    /// `lujiang-agent enrol` with this token; gives back what it printed.
    ///
    /// # Errors
    /// With what it said, where it does not exit with 0.
    pub async fn enrol(
        &self,
        library: &Library,
        token: &str,
        more: &[&str],
    ) -> anyhow::Result<String> {
        let program = binary("lujiang-agent");
        self.enrol_by(&program, library, token, more).await
    }

    /// As [`Gate::enrol`], by an agent that may break a rule.
    ///
    /// # Errors
    /// As [`Gate::enrol`].
    pub async fn enrol_by(
        &self,
        program: &Path,
        library: &Library,
        token: &str,
        more: &[&str],
    ) -> anyhow::Result<String> {
        let file = self.folder.join("token");
        crate::site::write_password(&file, token)?;
        let config = self.config();
        let gateway = format!("https://localhost:{}", library.endpoints().https.port());
        let mut arguments = vec!["enrol", "--config", text(&config), "--gateway", &gateway];
        arguments.extend(["--token-file", text(&file)]);
        arguments.extend(more);
        output(program, &arguments).await
    }

    /// Writes the agent's configuration: quick, as in a test; `gate_section` is added to `[gate]`.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn configure(
        &self,
        library: &Library,
        issued: &Issued,
        data: &Path,
        gate_section: &str,
    ) -> anyhow::Result<()> {
        let (link, known_by) = match self.credential {
            Credential::Password => {
                let file = self.folder.join("password");
                let lines = format!(
                    "credential = \"password\"\npassword_file = \"{}\"",
                    file.display()
                );
                (library.link().address(), lines)
            }
            Credential::Certificate => {
                let folder = self.identity();
                let lines = format!(
                    "credential = \"certificate\"\nidentity = \"{}\"",
                    folder.display()
                );
                (library.secure_link().address(), lines)
            }
        };
        let text = format!(
            "[agent]\ndevice = \"{device}\"\ndata = \"{data}\"\ntelemetry_interval = \"1s\"\n\
             [uplink]\nhost = \"{host}\"\nport = {port}\n{known_by}\n\
             keep_alive = \"5s\"\nconnect_timeout = \"10s\"\nack_timeout = \"10s\"\n\
             backoff_min = \"50ms\"\nbackoff_max = \"500ms\"\nclock_timeout = \"10s\"\n\
             [gate]\nunit = 1\n\
             visits_per_minute_max = 60000\n{gate_section}\n\
             [gate.serial]\nport = \"{line}\"\n\
             [gate.entered]\naddress = 0\n[gate.left]\naddress = 2\n\
             [log]\nfilter = \"info,lujiang_agent=debug\"\n",
            device = issued.device,
            data = data.display(),
            host = link.ip(),
            port = link.port(),
            line = self.counter.port().display(),
        );
        std::fs::write(self.config(), text).context("writing the agent's configuration")
    }

    /// Short periods and many readings: for faults that strike between them.
    ///
    /// # Errors
    /// Where the configuration cannot be written.
    pub fn quickly(&self, library: &Library, issued: &Issued, data: &Path) -> anyhow::Result<()> {
        let quick =
            "poll = \"20ms\"\nperiod = \"100ms\"\nsilence = \"2s\"\nanswer_timeout = \"3s\"";
        self.configure(library, issued, data, quick)
    }

    /// From its next start on the agent sees this environment too.
    pub fn environment(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// The agent's configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.folder.join("agent.toml")
    }

    /// The agent's log so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("agent.log")).unwrap_or_default()
    }

    /// Starts the agent.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(&mut self) -> anyhow::Result<()> {
        let config = self.config();
        let log = self.folder.join("agent.log");
        let arguments = ["run", "--config", text(&config)];
        let started = Process::start_in(&self.program, &arguments, &log, &self.environment)?;
        self.agent = Some(started);
        Ok(())
    }

    /// Waits until the agent has taken its baseline: the counter was read since `asked`.
    ///
    /// # Errors
    /// Where it does not ask in time.
    pub async fn is_read(&mut self, asked: u64) -> anyhow::Result<()> {
        self.agent
            .as_mut()
            .context("the agent does not run")?
            .check_running()?;
        until("the agent to read its counter", PATIENCE, async || {
            anyhow::ensure!(
                self.counter.asked() >= asked + 4,
                "asked {}",
                self.counter.asked()
            );
            Ok(())
        })
        .await
        .with_context(|| self.log())
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

    /// SIGKILL, if it still runs: an agent whose disk died may have ended by itself.
    pub async fn kill_if_running(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            // It may be gone; that is what is wanted.
            let _ = agent.kill().await;
        }
    }

    /// Waits until everything written by now is settled by a receipt.
    ///
    /// # Errors
    /// The status seen last, at the deadline.
    pub async fn is_settled(&self) -> anyhow::Result<()> {
        let written = self.status().await?["outbox"]["visit"]["written"].as_u64();
        until("the outbox to be settled", PATIENCE, async || {
            let status = self.status().await?;
            let settled = status["outbox"]["visit"]["settled"].as_u64();
            anyhow::ensure!(settled.is_some() && settled >= written, "status {status}");
            Ok(())
        })
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

    /// The agent's `status --json`.
    ///
    /// # Errors
    /// Where the command fails.
    pub async fn status(&self) -> anyhow::Result<Value> {
        let config = self.config();
        let printed = output(
            &binary("lujiang-agent"),
            &["status", "--config", text(&config), "--json"],
        )
        .await?;
        serde_json::from_str(&printed).with_context(|| format!("status printed {printed:?}"))
    }
}
