//! A gateway with its folder and its link: a real process, and what can be asked of it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use serde::Deserialize;
use serde_json::Value;

use crate::link::Link;
use crate::process::{Process, binary, output, output_within};
use crate::wait::until;

/// Longest wait for a process to be ready, or for a fact to arrive, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A gateway process and everything around it.
#[derive(Debug)]
pub struct Library {
    /// Where everything lives; also logs.
    folder: PathBuf,
    data: PathBuf,
    /// What runs as the gateway; the real one where nothing else is said.
    program: Option<PathBuf>,
    environment: Vec<(String, String)>,
    gateway: Option<Process>,
    endpoints: Option<Endpoints>,
    link: Option<Link>,
    secure_link: Option<Link>,
    http: reqwest::Client,
}

/// What a gateway really bound.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Endpoints {
    /// The door.
    pub mqtt: SocketAddr,
    /// The API and the page.
    pub http: SocketAddr,
    /// The door behind TLS.
    pub mqtts: SocketAddr,
    /// The API behind TLS, where devices enrol.
    pub https: SocketAddr,
}

/// What `device add --json` prints.
#[derive(Debug, Clone, Deserialize)]
pub struct Issued {
    /// The device.
    pub device: String,
    /// Its password, shown once.
    pub password: String,
}

impl Library {
    /// As [`Library::in_folder`], with a gateway that breaks one rule, where one is named.
    ///
    /// # Errors
    /// Where the configuration cannot be written.
    pub fn planted(folder: &Path, data: &Path, plant: Option<&str>) -> anyhow::Result<Self> {
        let mut library = Self::in_folder(folder, data)?;
        if let Some(plant) = plant {
            library.program = Some(binary("planted-gateway"));
            library.environment("LUJIANG_PLANT", plant);
        }
        Ok(library)
    }

    /// A library that is not running yet; `data` may lie on another disk than `folder`.
    ///
    /// # Errors
    /// Where the configuration cannot be written.
    pub fn in_folder(folder: &Path, data: &Path) -> anyhow::Result<Self> {
        let library = Self {
            folder: folder.to_owned(),
            data: data.to_owned(),
            program: None,
            environment: Vec::new(),
            gateway: None,
            endpoints: None,
            link: None,
            secure_link: None,
            http: reqwest::Client::new(),
        };
        library.configure("")?;
        Ok(library)
    }

    /// Writes the gateway's configuration: free ports, and whatever else; where that says nothing
    /// of the log, what a test that failed is read with.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn configure(&self, more: &str) -> anyhow::Result<()> {
        let log = match more.contains("[log]") {
            true => "",
            false => "[log]\nfilter = \"info,lujiang_broker=debug\"\n",
        };
        let text = format!(
            "[mqtt]\nlisten = \"127.0.0.1:0\"\n[http]\nlisten = \"127.0.0.1:0\"\n\
             [tls]\nmqtt_listen = \"127.0.0.1:0\"\nhttp_listen = \"127.0.0.1:0\"\n\
             {log}{more}"
        );
        self.configure_as(&text)
    }

    /// Writes this as the gateway's whole configuration.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn configure_as(&self, text: &str) -> anyhow::Result<()> {
        std::fs::write(self.config(), text).context("writing the gateway's configuration")
    }

    /// From its next start on the gateway is this program, which takes the same arguments.
    pub fn run_as(&mut self, program: PathBuf) {
        self.program = Some(program);
    }

    /// The process id of the gateway.
    ///
    /// # Errors
    /// Where it does not run.
    pub fn process_id(&self) -> anyhow::Result<u32> {
        self.gateway
            .as_ref()
            .context("the gateway does not run")?
            .id()
    }

    /// Any signal for the gateway.
    ///
    /// # Errors
    /// Where it does not run.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let gateway = self.gateway.as_ref();
        gateway.context("the gateway does not run")?.signal(signal)
    }

    /// From its next start on the gateway sees this environment too.
    pub fn environment(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    fn config(&self) -> PathBuf {
        self.folder.join("gateway.toml")
    }

    /// The gateway's data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The test's own folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The gateway's log so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("gateway.log")).unwrap_or_default()
    }

    /// Starts the gateway and waits until it is ready; the link leads to it from then on.
    ///
    /// # Errors
    /// Where it does not become ready.
    pub async fn start(&mut self) -> anyhow::Result<Endpoints> {
        let endpoints_file = self.data.join("endpoints.json");
        // One left by a killed gateway would be read for the new one's.
        let _ = std::fs::remove_file(&endpoints_file);
        let config = self.config();
        let arguments = ["run", "--config", text(&config), "--data", text(&self.data)];
        let log = self.folder.join("gateway.log");
        let real = || binary("lujiang-gateway");
        let program = self.program.clone().unwrap_or_else(real);
        let mut process = Process::start_in(&program, &arguments, &log, &self.environment)?;
        let http = self.http.clone();
        let ready = async || -> anyhow::Result<Endpoints> {
            let text = std::fs::read_to_string(&endpoints_file).context("no endpoints.json yet")?;
            let endpoints: Endpoints = serde_json::from_str(&text).context("endpoints.json")?;
            let answer = http
                .get(format!("http://{}/readyz", endpoints.http))
                .send()
                .await?;
            anyhow::ensure!(answer.status().is_success(), "readyz: {}", answer.status());
            Ok(endpoints)
        };
        let endpoints = until("the gateway to be ready", PATIENCE, ready).await;
        let endpoints = match endpoints {
            Ok(endpoints) => endpoints,
            Err(error) => {
                process.check_running()?;
                return Err(error.context(self.log()));
            }
        };
        self.gateway = Some(process);
        self.endpoints = Some(endpoints);
        match &self.link {
            Some(link) => link.retarget(endpoints.mqtt),
            None => self.link = Some(Link::to(endpoints.mqtt).await?),
        }
        match &self.secure_link {
            Some(link) => link.retarget(endpoints.mqtts),
            None => self.secure_link = Some(Link::to(endpoints.mqtts).await?),
        }
        Ok(endpoints)
    }

    /// SIGKILL for the gateway.
    ///
    /// # Errors
    /// Where it does not run.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.gateway
            .take()
            .context("the gateway does not run")?
            .kill()
            .await
    }

    /// SIGTERM for the gateway; its exit must be clean.
    ///
    /// # Errors
    /// Where it ends otherwise.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        let status = self
            .gateway
            .take()
            .context("the gateway does not run")?
            .end()
            .await?;
        anyhow::ensure!(status.success(), "the gateway ended with {status}");
        Ok(())
    }

    /// What is bound now.
    ///
    /// # Panics
    /// Before the first start.
    #[must_use]
    pub fn endpoints(&self) -> Endpoints {
        self.endpoints.expect("started before asked")
    }

    /// The network between agents and the gateway.
    ///
    /// # Panics
    /// Before the first start.
    #[must_use]
    pub fn link(&self) -> &Link {
        self.link.as_ref().expect("started before asked")
    }

    /// The network between agents and the gateway's door behind TLS.
    ///
    /// # Panics
    /// Before the first start.
    #[must_use]
    pub fn secure_link(&self) -> &Link {
        self.secure_link.as_ref().expect("started before asked")
    }

    /// The certificate of the gateway's own authority (PEM).
    #[must_use]
    pub fn authority_file(&self) -> PathBuf {
        self.data.join("keys/authority.pem")
    }

    /// A one-time token for a registered device.
    ///
    /// # Errors
    /// Where the registry refuses.
    pub async fn token(&self, device: &str) -> anyhow::Result<String> {
        let path = format!("/api/v1/devices/{device}/enrolment");
        let issued = self.post(&path, &serde_json::json!({})).await?;
        let token = issued["token"].as_str().context("a token")?;
        Ok(token.to_owned())
    }

    /// Runs the gateway's command line against this data folder.
    ///
    /// # Errors
    /// Where it does not exit with 0.
    pub async fn command(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut all = arguments.to_vec();
        all.extend(["--data", text(&self.data)]);
        output(&binary("lujiang-gateway"), &all).await
    }

    /// As [`Library::command`], for one that may take so long.
    ///
    /// # Errors
    /// Where it does not exit with 0.
    pub async fn command_within(
        &self,
        arguments: &[&str],
        patience: Duration,
    ) -> anyhow::Result<String> {
        let mut all = arguments.to_vec();
        all.extend(["--data", text(&self.data)]);
        output_within(&binary("lujiang-gateway"), &all, patience).await
    }

    /// Every entry of the ledger, as `ledger export --format jsonl` gives it.
    ///
    /// # Errors
    /// Where the export fails.
    pub async fn entries(&self) -> anyhow::Result<Vec<Value>> {
        let range = ["--from", "2000-01-01", "--to", "2100-01-01"];
        let mut arguments = vec!["ledger", "export", "--format", "jsonl"];
        arguments.extend(range);
        let lines = self.command(&arguments).await?;
        lines
            .lines()
            .map(|line| serde_json::from_str(line).context("a line of the export"))
            .collect()
    }

    /// Registers a device and gets its password.
    ///
    /// # Errors
    /// Where the registry refuses.
    pub async fn add_device(&self, device: &str, kind: &str, site: &str) -> anyhow::Result<Issued> {
        let printed = self
            .command(&[
                "device", "add", device, "--kind", kind, "--site", site, "--json",
            ])
            .await?;
        serde_json::from_str(&printed).with_context(|| format!("device add printed {printed:?}"))
    }

    /// Registers a reader of this filter and gets its password, under its name.
    ///
    /// # Errors
    /// Where the registry refuses.
    pub async fn add_reader(&self, reader: &str, filter: &str) -> anyhow::Result<Issued> {
        let printed = self
            .command(&["reader", "add", reader, "--filter", filter, "--json"])
            .await?;
        let issued: Value = serde_json::from_str(&printed).context("reader add")?;
        let password = issued["password"].as_str().context("a password")?;
        Ok(Issued {
            device: reader.to_owned(),
            password: password.to_owned(),
        })
    }

    /// GETs a path of the API as administrator.
    ///
    /// # Errors
    /// Where the answer is no success.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let body = self.text(path).await?;
        serde_json::from_str(&body).with_context(|| format!("GET {path} answered {body:?}"))
    }

    /// As [`Library::get`], for what is no JSON.
    ///
    /// # Errors
    /// Where the answer is no success.
    pub async fn text(&self, path: &str) -> anyhow::Result<String> {
        self.ask(self.http.get(self.url(path))).await
    }

    /// As [`Library::get`], for a file.
    ///
    /// # Errors
    /// Where the answer is no success.
    pub async fn bytes(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let answer = self
            .authorised(self.http.get(self.url(path)))?
            .send()
            .await?;
        let answer = answer.error_for_status()?;
        Ok(answer.bytes().await?.to_vec())
    }

    /// POSTs to a path of the API as administrator.
    ///
    /// # Errors
    /// Where the answer is no success.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let body = self.ask(self.http.post(self.url(path)).json(body)).await?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&body).with_context(|| format!("POST {path} answered {body:?}"))
    }

    /// PUTs bytes to a path of the API as administrator.
    ///
    /// # Errors
    /// Where the answer is no success.
    pub async fn put(&self, path: &str, body: Vec<u8>) -> anyhow::Result<Value> {
        let body = self.ask(self.http.put(self.url(path)).body(body)).await?;
        serde_json::from_str(&body).with_context(|| format!("PUT {path} answered {body:?}"))
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.endpoints().http)
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> anyhow::Result<String> {
        let answer = self.authorised(request)?.send().await?;
        let (status, url) = (answer.status(), answer.url().clone());
        let body = answer.text().await?;
        anyhow::ensure!(status.is_success(), "{url}: {status}: {body}");
        Ok(body)
    }

    fn authorised(
        &self,
        request: reqwest::RequestBuilder,
    ) -> anyhow::Result<reqwest::RequestBuilder> {
        let token =
            std::fs::read_to_string(self.data.join("admin.token")).context("admin.token")?;
        Ok(request.bearer_auth(token.trim()))
    }

    /// The visitor total of a wide range around now.
    ///
    /// # Errors
    /// Where the API does not answer.
    pub async fn total(&self) -> anyhow::Result<Value> {
        let mut report = self
            .get("/api/v1/visits?from=2000-01-01&to=2100-01-01&bucket=year")
            .await?;
        Ok(report["total"].take())
    }

    /// Waits until the total of persons in is exactly `expected`.
    ///
    /// # Errors
    /// What it was instead, at the deadline.
    pub async fn total_becomes(&self, expected: u64, deadline: Duration) -> anyhow::Result<Value> {
        until(&format!("a total of {expected}"), deadline, || async {
            let total = self.total().await?;
            anyhow::ensure!(total["in"] == expected, "total {total}");
            Ok(total)
        })
        .await
    }
}

/// Writes a device's password for its agent alone.
///
/// # Errors
/// Where the file cannot be made.
pub fn write_password(file: &Path, password: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let written = options
        .open(file)
        .and_then(|mut file| file.write_all(password.as_bytes()));
    written.with_context(|| format!("writing {}", file.display()))
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("test folders have plain names")
}
