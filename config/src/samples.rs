//! The samples in `config/samples` are complete, true and equal to the defaults; and whatever
//! single thing in them is spoilt is named by its line.

use std::path::Path;

use proptest::prelude::*;

use crate::document::KnownKey;
use crate::{
    AgentConfig, AgentSection, BusDeskSection, CardSection, CarriedBySection, CarryingSection,
    Fault, GateSection, GatewayConfig, KioskSection, LendingSection, LogSection, MachineLine,
    MachineSection, OutboxSection, Problem, Problems, SelfCheckoutSection, UplinkSection,
};

const GATEWAY: &str = include_str!("../samples/gateway.toml");
const AGENT: &str = include_str!("../samples/agent.toml");

fn gateway_keys() -> Vec<KnownKey> {
    GatewayConfig::reading(GATEWAY, Path::new("gateway.toml"))
        .unwrap()
        .1
}

fn agent_keys() -> Vec<KnownKey> {
    AgentConfig::reading(AGENT, Path::new("/etc/agent.toml"))
        .unwrap()
        .1
}

#[test]
fn the_gateway_sample_equals_the_defaults() {
    let config = GatewayConfig::parse(GATEWAY, Path::new("gateway.toml")).unwrap();
    assert_eq!(config, GatewayConfig::default());
    let empty = GatewayConfig::parse("", Path::new("gateway.toml")).unwrap();
    assert_eq!(empty, GatewayConfig::default());
}

#[test]
fn the_agent_sample_equals_the_defaults() {
    let config = AgentConfig::parse(AGENT, Path::new("/etc/agent.toml")).unwrap();
    let agent = AgentSection::of_device("gate-1".parse().unwrap());
    let line = GateSection::on_port("/dev/ttyS1".into()).serial;
    let machines = [
        ("front_desk".to_owned(), MachineSection::on_port(6_001)),
        (
            "side_room".to_owned(),
            MachineSection::on(MachineLine::Serial(line)),
        ),
    ];
    let self_checkout = SelfCheckoutSection {
        card: Some(CardSection::of_message("63", "XK")),
        ..SelfCheckoutSection::for_machines(&agent.data, machines.into())
    };
    let expected = AgentConfig {
        uplink: UplinkSection::in_folder(&agent.data),
        agent,
        outbox: OutboxSection::default(),
        gate: Some(GateSection::on_port("/dev/ttyUSB0".into())),
        self_checkout: Some(self_checkout),
        lending: Some(LendingSection::default()),
        bus_desk: Some(BusDeskSection {
            scanner: Some(GateSection::on_port("/dev/ttyACM0".into()).serial),
            ..BusDeskSection::default()
        }),
        kiosk: Some(KioskSection::default()),
        carrying: Some(CarryingSection::default()),
        carried_by: Some(CarriedBySection::at(
            "bus-1".parse().unwrap(),
            "192.168.8.1",
        )),
        log: LogSection::default(),
    };
    assert_eq!(config, expected);
}

#[test]
fn every_known_key_stands_in_the_sample_with_what_is_expected_and_its_default() {
    for (sample, keys) in [(GATEWAY, gateway_keys()), (AGENT, agent_keys())] {
        let lines: Vec<&str> = sample.lines().collect();
        for KnownKey {
            path,
            expected,
            default,
        } in keys
        {
            let line = line_of(sample, &path).unwrap_or_else(|| panic!("{path} is not there"));
            let comment: Vec<&str> = lines[..line - 1]
                .iter()
                .rev()
                .map_while(|line| line.strip_prefix("# "))
                .collect();
            let default = default.map_or("No default".to_owned(), |d| format!("Default: {d}"));
            let stated = format!("Expected: {expected}. {default}.");
            let told = comment.iter().rev().copied().collect::<Vec<_>>().join(" ");
            assert!(
                told.ends_with(&stated),
                "{path}: the comment should end with\n{stated}\nnot\n{told}"
            );
            assert!(told.len() > stated.len(), "{path}: says what, and not why");
        }
    }
}

#[test]
fn every_problem_is_named_at_once() {
    let text = "[mqtt]\nlisten = \"0.0.0.0:1883\"\nkeep_alive_max = \"20 parsecs\"\n\
                keep_alive = \"5m\"\nconnections_max = 0\n\n[htp]\n";
    let problems = GatewayConfig::parse(text, Path::new("gateway.toml")).unwrap_err();
    let told: Vec<String> = problems.iter().map(Problem::to_string).collect();
    assert_eq!(
        told,
        [
            "gateway.toml:2: mqtt.listen = \"0.0.0.0:1883\": expected a loopback address and \
             port such as \"127.0.0.1:0\" or \"[::1]:0\" (port 0 takes a free one; others only \
             once there is TLS)",
            "gateway.toml:3: mqtt.keep_alive_max = \"20 parsecs\": expected a duration of whole \
             seconds such as \"90s\", \"5m\", from 1s to 18h",
            "gateway.toml:4: mqtt.keep_alive: unknown; did you mean keep_alive_max?",
            "gateway.toml:5: mqtt.connections_max = 0: expected a whole number from 1 to 100000",
            "gateway.toml:7: htp: unknown; did you mean http?",
        ]
    );
}

#[test]
fn what_is_not_toml_is_named_by_line_and_column() {
    let problems =
        GatewayConfig::parse("[mqtt]\nlisten = \n", Path::new("gateway.toml")).unwrap_err();
    let [problem] = problems.iter().collect::<Vec<_>>()[..] else {
        panic!("one problem expected: {problems}");
    };
    assert_eq!(problem.line, Some(2));
    assert!(
        matches!(problem.fault, Fault::Syntax { column: 10, .. }),
        "{problem}"
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let problems = GatewayConfig::load(Path::new("/nowhere/gateway.toml")).unwrap_err();
    assert!(
        problems
            .to_string()
            .starts_with("/nowhere/gateway.toml: cannot be read: ")
    );
}

#[test]
fn what_has_no_default_is_asked_for() {
    let problems = agent_problems("[gate]\n[gate.left]\n");
    let missing: Vec<&str> = problems
        .iter()
        .map(|problem| problem.key.as_str())
        .collect();
    assert_eq!(
        missing,
        [
            "agent.device",
            "gate.serial.port",
            "gate.entered.address",
            "gate.left.address"
        ]
    );
    let a_gate_less_agent = "[agent]\ndevice = \"bus\"\n";
    let config = AgentConfig::parse(a_gate_less_agent, Path::new("agent.toml")).unwrap();
    assert_eq!(config.gate, None);
}

#[test]
fn the_password_file_stands_by_the_data_and_paths_begin_at_the_file() {
    let text = "[agent]\ndevice = \"bus\"\ndata = \"state\"\n";
    let config = AgentConfig::parse(text, Path::new("/etc/lujiang/agent.toml")).unwrap();
    assert_eq!(config.agent.data, Path::new("/etc/lujiang/state"));
    assert_eq!(
        config.uplink.password_file,
        Path::new("/etc/lujiang/state/password")
    );
}

#[test]
fn values_that_do_not_fit_together_are_named() {
    for (good, bad, key) in [
        (
            "backoff_max = \"1m\"",
            "backoff_max = \"100ms\"",
            "uplink.backoff_max",
        ),
        ("silence = \"3m\"", "silence = \"5s\"", "gate.silence"),
        ("period = \"1m\"", "period = \"1s\"", "gate.period"),
        ("address = 2\n", "address = 65535\n", "gate.left.address"),
        (
            "papers_pause_max = \"10m\"",
            "papers_pause_max = \"1s\"",
            "lending.papers_pause_max",
        ),
        ("width = 2\n", "width = 1\n", "gate.entered.modulus"),
        (
            "listen = \"127.0.0.1:6001\"",
            "listen = \"\"",
            "self_checkout.machines.front_desk.listen",
        ),
        (
            "listen = \"\"",
            "listen = \"127.0.0.1:6002\"",
            "self_checkout.machines.side_room.listen",
        ),
    ] {
        let problems = agent_problems(&AGENT.replacen(good, bad, 1));
        let keys: Vec<&str> = problems
            .iter()
            .map(|problem| problem.key.as_str())
            .collect();
        assert_eq!(keys, [key], "{problems}");
    }
}

fn agent_problems(text: &str) -> Problems {
    AgentConfig::parse(text, Path::new("agent.toml")).unwrap_err()
}

/// How a key of a sample is spoilt.
#[derive(Debug, Clone, Copy)]
enum Spoil {
    /// A value of another kind.
    Kind,
    /// A value of the right kind that cannot be meant.
    Value,
    /// Another name.
    Name,
    /// The same again.
    Twice,
    /// No value.
    Syntax,
}

proptest! {
    #[test]
    fn whatever_single_key_is_spoilt_its_line_is_named(
        is_agent in any::<bool>(),
        which in any::<prop::sample::Index>(),
        spoil in prop::sample::select(vec![Spoil::Kind, Spoil::Value, Spoil::Name, Spoil::Twice, Spoil::Syntax]),
        junk in "[a-z]{1,8}",
    ) {
        let (sample, keys) = if is_agent { (AGENT, agent_keys()) } else { (GATEWAY, gateway_keys()) };
        let path = &which.get(&keys).path;
        let line = line_of(sample, path).unwrap();
        let mut lines: Vec<String> = sample.lines().map(str::to_owned).collect();
        let original = lines[line - 1].clone();
        let (name, value) = original.split_once(" = ").unwrap();
        let is_text = value.starts_with('"');
        let spoilt = match spoil {
            Spoil::Kind if is_text => format!("{name} = 5"),
            Spoil::Kind => format!("{name} = \"{junk}\""),
            // A path that may be left out may be empty, but no path has a NUL in it.
            // Nor has a field that may be none.
            Spoil::Value if value == "\"\"" || path.ends_with("card.reader") => format!("{name} = \"\\u0000\""),
            // A path, a name or a host may be nearly anything, but not empty.
            Spoil::Value if is_text => format!("{name} = \"\""),
            Spoil::Value => format!("{name} = -1"),
            Spoil::Name => format!("{name}_{junk} = {value}"),
            Spoil::Twice => format!("{name} = {value}\n{name} = {value}"),
            Spoil::Syntax => format!("{name} = {junk}"),
        };
        lines[line - 1] = spoilt;
        let text = lines.join("\n");
        let problems = if is_agent {
            AgentConfig::parse(&text, Path::new("x.toml")).unwrap_err()
        } else {
            GatewayConfig::parse(&text, Path::new("x.toml")).unwrap_err()
        };
        let expected = line + usize::from(matches!(spoil, Spoil::Twice));
        let named = problems.iter().any(|problem| problem.line == Some(expected));
        prop_assert!(named, "{}", problems);
        // A key that has no default is missing besides, at its section.
        let most = if matches!(spoil, Spoil::Name) { 2 } else { 1 };
        prop_assert!(problems.iter().count() <= most, "{}", problems);
    }
}

proptest! {
    #[test]
    fn whatever_text_is_put_in_it_is_read_or_named_by_a_line(
        is_agent in any::<bool>(),
        at in any::<prop::sample::Index>(),
        length in 0..40_usize,
        junk in "[\\[\\]{}=.,\"'#\n \\\\a-z0-9_门\\-]{0,12}",
    ) {
        let sample: Vec<char> = if is_agent { AGENT } else { GATEWAY }.chars().collect();
        let at = at.index(sample.len());
        let until = (at + length).min(sample.len());
        let text: String = sample[..at].iter().copied()
            .chain(junk.chars())
            .chain(sample[until..].iter().copied())
            .collect();
        let problems = if is_agent {
            AgentConfig::parse(&text, Path::new("x.toml")).err()
        } else {
            GatewayConfig::parse(&text, Path::new("x.toml")).err()
        };
        for problem in problems.iter().flatten() {
            let lines = text.lines().count() + 1;
            let is_whole = matches!(problem.fault, Fault::Missing { .. });
            prop_assert!(problem.line.map_or(is_whole, |line| (1..=lines).contains(&line)), "{}", problem);
        }
    }
}

/// The line of a key with its sections in a sample, from 1.
fn line_of(sample: &str, path: &str) -> Option<usize> {
    let (section, key) = path.rsplit_once('.')?;
    let mut current = "";
    sample.lines().enumerate().find_map(|(number, line)| {
        if let Some(header) = line.strip_prefix('[') {
            current = header.trim_end_matches(']');
        }
        let is_key = line.split_once(" = ").is_some_and(|(name, _)| name == key);
        (current == section && is_key).then_some(number + 1)
    })
}
