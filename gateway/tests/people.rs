//! People and the real binary: who is shown the first link, tokens from the command line, and
//! that no secret appears where it does not belong.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::header::SET_COOKIE;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

/// Longest wait for what must come.
const DEADLINE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn the_first_link_is_shown_at_a_terminal_and_to_no_log_collector() {
    let house = House::new();
    let piped = house.run(Stdio::from(File::create(house.path("out")).unwrap()));
    piped.end();
    assert_eq!(fs::read_to_string(house.path("out")).unwrap(), "");

    let terminal = openpty(None, None).unwrap();
    let running = house.run(Stdio::from(terminal.slave));
    let mut screen = BufReader::new(File::from(terminal.master));
    let mut shown = String::new();
    while !shown.contains("token=") {
        assert_ne!(screen.read_line(&mut shown).unwrap(), 0, "{shown}");
    }
    let token = shown.trim().rsplit('=').next().unwrap().to_owned();
    assert!(shown.contains(&format!("{}/sign-in?token=", running.address)));
    let set = running
        .post(
            "/sign-in/password",
            &json!({"token": token, "name": "admin", "password": "correct horse battery"}),
        )
        .await;
    assert_eq!(set.status(), 204);
    let log = running.end();
    assert!(!log.contains(&token), "the link is in the log: {log}");

    // Once there is a password, nobody is shown a link.
    let terminal = openpty(None, None).unwrap();
    let running = house.run(Stdio::from(terminal.slave));
    running.end();
    let mut screen = BufReader::new(File::from(terminal.master));
    let mut shown = String::new();
    // The other end is closed: reading fails once nothing is left.
    while screen.read_line(&mut shown).is_ok_and(|read| read > 0) {}
    assert_eq!(shown, "");
}

#[tokio::test]
async fn tokens_are_made_listed_and_removed_with_and_without_a_gateway() {
    let house = House::new();
    let stopped = house.done(&["token", "add", "stopped", "--scope", "read", "--json"]);
    let stopped: Value = serde_json::from_str(&stopped).unwrap();
    let running = house.run(Stdio::null());
    let made = house.done(&["token", "add", "ci", "--scope", "operate"]);
    let made = made
        .split_whitespace()
        .find(|word| word.starts_with("ljt_"));
    for (token, right) in [
        (stopped["token"].as_str().unwrap(), "read"),
        (made.unwrap(), "operate"),
    ] {
        let session = running.get("/session", token).await;
        assert_eq!(session.json::<Value>().await.unwrap()["right"], right);
    }
    house.done(&["token", "remove", "stopped"]);
    let refused = running
        .get("/session", stopped["token"].as_str().unwrap())
        .await;
    assert_eq!(refused.status(), 401);
    let listed = house.done(&["token", "list"]);
    assert!(
        listed.contains("ci") && !listed.contains("stopped"),
        "{listed}"
    );
    running.end();
    let again = house.command(&["token", "add", "ci", "--scope", "read"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("there is a token ci already"));
    house.done(&["token", "remove", "ci"]);
    let wrong = house.command(&["token", "add", "ci", "--scope", "admin"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[tokio::test]
async fn no_secret_of_people_is_in_a_log_a_metric_an_error_the_audit_or_the_store() {
    let house = House::new();
    let running = house.run(Stdio::from(File::create(house.path("out")).unwrap()));
    let (good, guess) = ("correct horse battery", "incorrect horse battery");
    let link = house.done(&["sign-in"]);
    let link = link.trim().rsplit('=').next().unwrap().to_owned();
    let mut secrets = vec![good.to_owned(), guess.to_owned(), link.clone()];
    let mut said = String::new();
    said += &refused_passwords(&running, &link, good, guess).await;
    let body = json!({"token": link, "name": "admin", "password": good});
    let set = running.post("/sign-in/password", &body).await;
    assert_eq!(set.status(), 204);
    secrets.push(cookie(&set));
    said += &refused_guesses(&running, guess).await;

    let made = house.done(&["token", "add", "ci", "--scope", "administer", "--json"]);
    let token: Value = serde_json::from_str(&made).unwrap();
    let token = token["token"].as_str().unwrap().to_owned();
    let admin = fs::read_to_string(house.data.join("admin.token")).unwrap();
    for path in [
        "/session",
        "/tokens",
        "/audit?limit=1000",
        "/sign-in",
        "/nothing",
    ] {
        said += &running.get(path, &token).await.text().await.unwrap();
    }
    let mistyped = format!("{}x", &token[..token.len() - 1]);
    said += &running
        .get("/session", &mistyped)
        .await
        .text()
        .await
        .unwrap();
    said += &running
        .get("/../../metrics", &token)
        .await
        .text()
        .await
        .unwrap();
    secrets.extend([token, mistyped, admin.trim().to_owned()]);
    assert!(said.contains("person.sign-in-failed") && said.contains("lujiang_sessions"));

    let log = running.end();
    assert!(log.contains("a password was wrong"), "{log}");
    said += &log;
    said += &fs::read_to_string(house.path("out")).unwrap();
    for secret in &secrets {
        assert!(!said.contains(secret.as_str()), "{secret} is told");
    }
    assert!(!said.contains("argon2") && !said.contains("20080404"));
    let files = fs::read_dir(&house.data).unwrap();
    for path in files.map(|file| file.unwrap().path()) {
        if path.is_file() && !path.ends_with("admin.token") {
            holds_none(&path, &secrets);
        }
    }
}

/// Passwords that are refused for what they are; what is said of each.
async fn refused_passwords(running: &Running, link: &str, good: &str, guess: &str) -> String {
    let mut said = String::new();
    for body in [
        json!({"token": link, "name": "admin", "password": 20_080_404}),
        json!({"token": link, "name": "admin", "password": "horse"}),
        json!({"token": "another-link", "name": "admin", "password": good}),
        json!({"token": link, "name": "admin", "password": good, "extra": guess}),
    ] {
        let answer = running.post("/sign-in/password", &body).await;
        assert!(answer.status().is_client_error(), "{}", answer.status());
        said += &answer.text().await.unwrap();
    }
    said
}

/// Wrong passwords, also typed into the wrong field; what is said of each.
async fn refused_guesses(running: &Running, guess: &str) -> String {
    let mut said = String::new();
    for number in 0..15 {
        let name = ["admin", guess][number % 2];
        let body = json!({"name": name, "password": guess});
        let answer = running.post("/sign-in", &body).await;
        assert!(answer.status().is_client_error(), "{}", answer.status());
        said += &answer.text().await.unwrap();
    }
    said
}

fn holds_none(path: &Path, secrets: &[String]) {
    let bytes = fs::read(path).unwrap();
    for secret in secrets {
        let mut windows = bytes.windows(secret.len());
        let is_there = windows.any(|it| it == secret.as_bytes());
        assert!(!is_there, "{secret} is in {}", path.display());
    }
}

struct House {
    folder: tempfile::TempDir,
    data: PathBuf,
    config: PathBuf,
}

struct Running {
    child: Child,
    log: PathBuf,
    address: String,
    http: Client,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("gateway.toml");
        let text = "[mqtt]\nlisten = \"127.0.0.1:0\"\n[http]\nlisten = \"127.0.0.1:0\"\n\
             [tls]\nmqtt_listen = \"127.0.0.1:0\"\nhttp_listen = \"127.0.0.1:0\"\n\
             [log]\nfilter = \"debug\"\n";
        fs::write(&config, text).unwrap();
        Self {
            data: folder.path().join("data"),
            folder,
            config,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn gateway(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lujiang-gateway"));
        command
            .args(arguments)
            .arg("--data")
            .arg(&self.data)
            .arg("--config")
            .arg(&self.config)
            .stdin(Stdio::null());
        command
    }

    fn command(&self, arguments: &[&str]) -> std::process::Output {
        self.gateway(arguments).output().unwrap()
    }

    fn done(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn run(&self, stdout: Stdio) -> Running {
        let log = self.path("log");
        let child = self
            .gateway(&["run"])
            .stdout(stdout)
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut running = Running {
            child,
            log,
            address: String::new(),
            http: Client::builder().no_proxy().build().unwrap(),
        };
        let endpoints = running.endpoints(&self.data.join("endpoints.json"));
        running.address = format!("http://{}", endpoints["http"].as_str().unwrap());
        running
    }
}

impl Running {
    fn endpoints(&mut self, file: &Path) -> Value {
        let give_up = Instant::now() + DEADLINE;
        loop {
            if let Ok(text) = fs::read(file) {
                return serde_json::from_slice(&text).unwrap();
            }
            let log = || fs::read_to_string(&self.log).unwrap();
            assert!(self.child.try_wait().unwrap().is_none(), "{}", log());
            assert!(Instant::now() < give_up, "{}", log());
            std::thread::yield_now();
        }
    }

    async fn post(&self, path: &str, body: &Value) -> Response {
        let url = format!("{}/api/v1{path}", self.address);
        let request = self.http.request(Method::POST, url).json(body);
        request.timeout(DEADLINE).send().await.unwrap()
    }

    async fn get(&self, path: &str, token: &str) -> Response {
        let url = format!("{}/api/v1{path}", self.address);
        let request = self.http.get(url).bearer_auth(token);
        request.timeout(DEADLINE).send().await.unwrap()
    }

    /// Ends it; it must end well. The whole log.
    fn end(mut self) -> String {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(pid, Signal::SIGTERM).unwrap();
        let status = self.child.wait().unwrap();
        let log = fs::read_to_string(&self.log).unwrap();
        assert_eq!(status.code(), Some(0), "{log}");
        log
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only where a test failed it still runs.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The session in the cookie that an answer sets.
fn cookie(answer: &Response) -> String {
    let cookie = answer.headers()[SET_COOKIE].to_str().unwrap();
    let value = cookie.split(';').next().unwrap().rsplit('=').next();
    value.unwrap().to_owned()
}
