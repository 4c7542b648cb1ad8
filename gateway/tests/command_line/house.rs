//! A data folder with the real binary on it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::thread::JoinHandle;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::DEADLINE;

pub(super) struct House {
    _folder: tempfile::TempDir,
    pub(super) data: PathBuf,
    pub(super) config: PathBuf,
}

pub(super) struct Running {
    pub(super) child: Child,
    pub(super) data: PathBuf,
    /// Up to the line that says that it is ready.
    pub(super) log_so_far: String,
    rest_of_log: Option<JoinHandle<String>>,
}

impl House {
    pub(super) fn new() -> Self {
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

    pub(super) fn config(&self) -> &str {
        self.config.to_str().unwrap()
    }

    pub(super) fn gateway(&self, arguments: &[&str]) -> Command {
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

    pub(super) fn command(&self, arguments: &[&str]) -> Output {
        self.gateway(arguments).output().unwrap()
    }

    /// Runs a command that must succeed; what it printed.
    pub(super) fn done(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    pub(super) fn add_device(&self, device: &str) -> String {
        let arguments = [
            "device", "add", device, "--kind", "gate", "--site", "main", "--json",
        ];
        let printed: Value = serde_json::from_str(&self.done(&arguments)).unwrap();
        assert_eq!(printed.as_object().unwrap().len(), 2);
        assert_eq!(printed["device"], device);
        printed["password"].as_str().unwrap().to_owned()
    }

    pub(super) fn devices(&self) -> Vec<String> {
        let listed: Value =
            serde_json::from_str(&self.done(&["device", "list", "--json"])).unwrap();
        let devices = listed.as_array().unwrap().iter();
        devices
            .map(|device| device["device"].as_str().unwrap().to_owned())
            .collect()
    }

    pub(super) fn run(&self) -> Running {
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
    pub(super) fn endpoints(&self) -> Value {
        endpoints(&self.data)
    }

    /// An MQTT 3.1.1 connection with the CONNECT sent.
    pub(super) fn connect(&self, name: &str, password: &str) -> TcpStream {
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
    pub(super) fn end(mut self, signal: Signal) -> String {
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

pub(super) fn endpoints(data: &Path) -> Value {
    let file = std::fs::read(data.join("endpoints.json")).unwrap();
    serde_json::from_slice(&file).unwrap()
}

pub(super) fn connack(stream: &mut TcpStream) -> u8 {
    let mut packet = [0; 4];
    stream.read_exact(&mut packet).unwrap();
    assert_eq!(packet[..2], [0x20, 0x02], "a CONNACK");
    packet[3]
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
