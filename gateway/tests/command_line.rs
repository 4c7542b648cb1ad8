//! The real binary, its data folder and its exit codes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// Longest wait for a byte that must come.
const DEADLINE: Duration = Duration::from_secs(30);

#[test]
fn a_device_is_added_to_a_stopped_gateway_and_to_a_running_one() {
    let house = House::new();
    let first = house.add_device("gate-1");
    let running = house.run();
    let second = house.add_device("gate-2");
    assert_ne!(first, second);
    let taken = house.command(&[
        "device", "add", "gate-2", "--kind", "gate", "--site", "main",
    ]);
    assert_eq!(taken.status.code(), Some(1));
    assert!(text(&taken.stderr).contains("gate-2 is registered already"));
    assert_eq!(house.devices(), ["gate-1", "gate-2"]);
    for (device, password) in [("gate-1", &first), ("gate-2", &second)] {
        let mut connection = running.connect(device, password);
        assert_eq!(connack(&mut connection), ACCEPTED);
    }
    let log = running.end(Signal::SIGTERM);
    assert_eq!(house.devices(), ["gate-1", "gate-2"]);
    let token = std::fs::read_to_string(house.data.join("admin.token")).unwrap();
    for secret in [&first, &second, token.trim(), "argon2"] {
        assert!(!log.contains(secret), "a secret is in the log: {log}");
    }
}

#[test]
fn endpoints_are_what_was_bound_and_are_taken_back() {
    let house = House::new();
    let running = house.run();
    let endpoints = running.endpoints();
    for name in ["mqtt", "mqtts", "http", "https"] {
        let address = endpoints[name].as_str().unwrap();
        assert!(!address.ends_with(":0"), "{endpoints}");
        TcpStream::connect(address).unwrap();
        assert!(running.log_so_far.contains(address));
    }
    assert_eq!(endpoints.as_object().unwrap().len(), 4);
    running.end(Signal::SIGINT);
    assert!(!house.data.join("endpoints.json").exists());
}

#[test]
fn a_second_gateway_on_the_same_folder_is_refused_by_name() {
    let house = House::new();
    let running = house.run();
    let second = house.command(&["run", "--config", house.config()]);
    assert_eq!(second.status.code(), Some(1));
    let told = text(&second.stderr);
    assert!(
        told.contains(&format!("process {}", running.child.id())),
        "{told}"
    );
    assert!(told.contains(house.data.to_str().unwrap()), "{told}");
    running.end(Signal::SIGTERM);
}

#[test]
fn what_a_killed_gateway_left_behind_misleads_nobody() {
    let house = House::new();
    let mut running = house.run();
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    assert!(house.data.join("endpoints.json").exists());
    house.add_device("gate-1");
    house.run().end(Signal::SIGTERM);
    assert_eq!(house.devices(), ["gate-1"]);
}

#[test]
fn a_device_that_is_disabled_is_disconnected_and_not_let_in_again() {
    let house = House::new();
    let password = house.add_device("gate-1");
    let running = house.run();
    let mut connection = running.connect("gate-1", &password);
    assert_eq!(connack(&mut connection), ACCEPTED);
    let disabled = house.command(&["device", "set", "gate-1", "--enabled", "false"]);
    assert_eq!(
        disabled.status.code(),
        Some(0),
        "{}",
        text(&disabled.stderr)
    );
    let mut rest = Vec::new();
    connection.read_to_end(&mut rest).unwrap();
    let mut again = running.connect("gate-1", &password);
    assert_eq!(connack(&mut again), NOT_AUTHORISED);
    let mut wrong = running.connect("gate-1", "wrong");
    assert_eq!(connack(&mut wrong), BAD_CREDENTIALS);
    let mut nobody = running.connect("gate-9", "wrong");
    assert_eq!(connack(&mut nobody), BAD_CREDENTIALS);
    running.end(Signal::SIGTERM);
}

#[test]
fn a_new_password_ends_the_connection_of_the_old_one() {
    let house = House::new();
    let old = house.add_device("gate-1");
    let running = house.run();
    let mut connection = running.connect("gate-1", &old);
    assert_eq!(connack(&mut connection), ACCEPTED);
    let printed = house.done(&["device", "password", "gate-1", "--json"]);
    let printed: Value = serde_json::from_str(&printed).unwrap();
    let new = printed["password"].as_str().unwrap();
    connection.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(
        connack(&mut running.connect("gate-1", &old)),
        BAD_CREDENTIALS
    );
    assert_eq!(connack(&mut running.connect("gate-1", new)), ACCEPTED);
    let log = running.end(Signal::SIGTERM);
    assert!(!log.contains(new));
}

#[test]
fn check_names_every_problem_and_a_gateway_does_not_run_with_one() {
    let house = House::new();
    let good = house.command(&["check", "--config", house.config()]);
    assert_eq!(good.status.code(), Some(0));
    let text_of_two = "[mqtt]\nlisten = 5\nconections_max = 7\n";
    std::fs::write(house.config(), text_of_two).unwrap();
    let checked = house.command(&["check", "--config", house.config()]);
    assert_eq!(checked.status.code(), Some(3));
    let told = text(&checked.stdout);
    assert_eq!(told.lines().count(), 2, "{told}");
    assert!(
        told.contains("listen") && told.contains("connections_max"),
        "{told}"
    );
    let refused = house.command(&["run", "--config", house.config()]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("connections_max"));
    assert_eq!(house.command(&["check"]).status.code(), Some(2));
    assert_eq!(house.command(&["no-such-command"]).status.code(), Some(2));
}

#[test]
fn sites_and_readers_are_set_with_and_without_a_gateway() {
    let house = House::new();
    house.done(&[
        "site",
        "set",
        "main",
        "--name",
        "中心馆",
        "--open",
        "Mon-Sun 08:00-20:00",
    ]);
    let running = house.run();
    house.done(&[
        "site",
        "set",
        "branch",
        "--open",
        "Mon-Fri 08:30-17:30, Sat 09:00-12:00",
    ]);
    let bad = house.command(&["site", "set", "branch", "--open", "Mon 20:00-08:00"]);
    assert_eq!(bad.status.code(), Some(2));
    let filter = ["--filter", "library/v1/devices/+/events", "--json"];
    let reader = house.done(&[&["reader", "add", "node-red"], &filter[..]].concat());
    let reader: Value = serde_json::from_str(&reader).unwrap();
    assert_eq!(reader["reader"], "node-red");
    let password = reader["password"].as_str().unwrap();
    assert_eq!(
        connack(&mut running.connect("node-red", password)),
        ACCEPTED
    );
    running.end(Signal::SIGTERM);
    let sites: Value = serde_json::from_str(&house.done(&["site", "list", "--json"])).unwrap();
    assert_eq!(sites[0]["name"], "中心馆");
    assert_eq!(sites[1]["open"], "Mon-Fri 08:30-17:30, Sat 09:00-12:00");
}

#[test]
fn a_running_gateway_gives_a_link_and_rebuilds_its_views() {
    let house = House::new();
    let none = house.command(&["sign-in"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(text(&none.stderr).contains("no gateway runs on"));
    assert!(
        !house.data.exists(),
        "looking for a gateway makes no folder"
    );
    let running = house.run();
    let http = running.endpoints()["http"].as_str().unwrap().to_owned();
    let link = house.done(&["sign-in"]);
    assert!(link.starts_with(&format!("http://{http}/")), "{link}");
    let token = link.trim().rsplit(['/', '=']).next().unwrap().to_owned();
    house.done(&["views", "rebuild"]);
    let log = running.end(Signal::SIGTERM);
    assert!(!log.contains(&token), "the link is in the log: {log}");
    house.done(&["views", "rebuild"]);
}

/// MQTT 3.1.1 CONNACK return codes.
const ACCEPTED: u8 = 0;
const BAD_CREDENTIALS: u8 = 4;
const NOT_AUTHORISED: u8 = 5;

struct House {
    _folder: tempfile::TempDir,
    data: PathBuf,
    config: PathBuf,
}

struct Running {
    child: Child,
    data: PathBuf,
    /// Up to the line that says that it is ready.
    log_so_far: String,
    rest_of_log: Option<JoinHandle<String>>,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (data, config) = (
            folder.path().join("data"),
            folder.path().join("gateway.toml"),
        );
        let free_ports = "[mqtt]\nlisten = \"127.0.0.1:0\"\n[http]\nlisten = \"127.0.0.1:0\"\n\
             [tls]\nmqtt_listen = \"127.0.0.1:0\"\nhttp_listen = \"127.0.0.1:0\"\n\
            [log]\nfilter = \"debug\"\n";
        std::fs::write(&config, free_ports).unwrap();
        Self {
            _folder: folder,
            data,
            config,
        }
    }

    fn config(&self) -> &str {
        self.config.to_str().unwrap()
    }

    fn gateway(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lujiang-gateway"));
        command
            .args(arguments)
            .arg("--data")
            .arg(&self.data)
            .stdin(Stdio::null());
        command
            .env_remove("LUJIANG_DATA")
            .env_remove("LUJIANG_CONFIG");
        command
    }

    fn command(&self, arguments: &[&str]) -> Output {
        self.gateway(arguments).output().unwrap()
    }

    /// Runs a command that must succeed; what it printed.
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    fn add_device(&self, device: &str) -> String {
        let arguments = [
            "device", "add", device, "--kind", "gate", "--site", "main", "--json",
        ];
        let printed: Value = serde_json::from_str(&self.done(&arguments)).unwrap();
        assert_eq!(printed.as_object().unwrap().len(), 2);
        assert_eq!(printed["device"], device);
        printed["password"].as_str().unwrap().to_owned()
    }

    fn devices(&self) -> Vec<String> {
        let listed: Value =
            serde_json::from_str(&self.done(&["device", "list", "--json"])).unwrap();
        let devices = listed.as_array().unwrap().iter();
        devices
            .map(|device| device["device"].as_str().unwrap().to_owned())
            .collect()
    }

    fn run(&self) -> Running {
        let mut command = self.gateway(&["run", "--config", self.config()]);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let log_so_far = read_until_ready(&mut log);
        let rest = std::thread::spawn(move || {
            let mut rest = String::new();
            log.read_to_string(&mut rest).unwrap();
            rest
        });
        Running {
            child,
            data: self.data.clone(),
            log_so_far,
            rest_of_log: Some(rest),
        }
    }
}

impl Running {
    fn endpoints(&self) -> Value {
        endpoints(&self.data)
    }

    /// An MQTT 3.1.1 connection with the CONNECT sent.
    fn connect(&self, name: &str, password: &str) -> TcpStream {
        let address = self.endpoints()["mqtt"].as_str().unwrap().to_owned();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        // Protocol MQTT, level 4; user name, password, clean session; keep alive 60 s.
        let mut body = b"\x00\x04MQTT\x04\xC2\x00\x3C".to_vec();
        for field in [name, name, password] {
            body.extend(u16::try_from(field.len()).unwrap().to_be_bytes());
            body.extend(field.as_bytes());
        }
        let length = u8::try_from(body.len()).unwrap();
        assert!(length < 128, "one byte of Remaining Length");
        stream
            .write_all(&[&[0x10, length], body.as_slice()].concat())
            .unwrap();
        stream
    }

    /// Ends it by a signal; it must end well. The whole log.
    fn end(mut self, signal: Signal) -> String {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(pid, signal).unwrap();
        let status = self.child.wait().unwrap();
        let rest = self.rest_of_log.take().unwrap().join().unwrap();
        let log = std::mem::take(&mut self.log_so_far) + &rest;
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

fn read_until_ready(log: &mut BufReader<ChildStderr>) -> String {
    let mut so_far = String::new();
    loop {
        let before = so_far.len();
        let read = log.read_line(&mut so_far).unwrap();
        assert_ne!(read, 0, "the gateway ended: {so_far}");
        if so_far[before..].contains("lujiang_gateway::run: ready") {
            return so_far;
        }
    }
}

fn endpoints(data: &Path) -> Value {
    let file = std::fs::read(data.join("endpoints.json")).unwrap();
    serde_json::from_slice(&file).unwrap()
}

fn connack(stream: &mut TcpStream) -> u8 {
    let mut packet = [0; 4];
    stream.read_exact(&mut packet).unwrap();
    assert_eq!(packet[..2], [0x20, 0x02], "a CONNACK");
    packet[3]
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
