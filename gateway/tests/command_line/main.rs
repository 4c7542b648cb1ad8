//! The real binary, its data folder and its exit codes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod house;
mod identity;

use std::io::Read as _;
use std::net::TcpStream;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use house::{House, connack, text};

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
