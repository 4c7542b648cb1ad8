//! How `status` shows an agent: from its outbox as it stands on disk, and from the account it
//! keeps of itself while it runs.

use std::collections::BTreeMap;
use std::io::Write;

use jiff::Timestamp;
use lujiang_agent::identity::ENROL_AGAIN;
use lujiang_agent::{
    AgentStatus, CertificateStatus, GateStatus, IdentityFolder, Link, MachineStatus, PapersStatus,
    StreamDepth,
};
use lujiang_config::{AgentConfig, Credential};
use lujiang_wire::Stream;
use serde_json::json;

/// Writes the account, for people or for programs.
pub(crate) fn write(
    out: &mut dyn Write,
    config: &AgentConfig,
    state: Option<AgentStatus>,
    outbox: BTreeMap<Stream, StreamDepth>,
    for_programs: bool,
) -> anyhow::Result<()> {
    if for_programs {
        let mut account = json!({ "device": config.agent.device.as_str(), "outbox": outbox });
        if let Some(state) = state {
            account = serde_json::to_value(AgentStatus { outbox, ..state })?;
        }
        writeln!(out, "{account}")?;
        return Ok(());
    }
    writeln!(out, "device   {}", config.agent.device)?;
    for (stream, depth) in &outbox {
        writeln!(
            out,
            "outbox   {stream}: {} written, {} settled, {} waiting",
            depth.written, depth.settled, depth.waiting
        )?;
    }
    if outbox.is_empty() {
        writeln!(out, "outbox   empty")?;
    }
    if config.uplink.credential == Credential::Certificate {
        write_certificate(out, config, state.as_ref())?;
    }
    match state {
        Some(state) => write_state(out, &state),
        None => Ok(writeln!(out, "link     never tried")?),
    }
}

/// The certificate as it stands on disk now, and what the running agent says of its renewal.
fn write_certificate(
    out: &mut dyn Write,
    config: &AgentConfig,
    state: Option<&AgentStatus>,
) -> anyhow::Result<()> {
    let folder = IdentityFolder::new(&config.uplink.identity, &config.agent.device);
    let certificate = match folder.load() {
        Ok(identity) => CertificateStatus::of(&identity, None),
        Err(error) => {
            let error = anyhow::Error::from(error);
            return Ok(writeln!(out, "identity {error:#}")?);
        }
    };
    if certificate.not_after <= Timestamp::now() {
        let until = certificate.not_after;
        return Ok(writeln!(
            out,
            "identity certificate lapsed at {until} by this clock; {ENROL_AGAIN}"
        )?);
    }
    write!(
        out,
        "identity certificate until {}, renews at {}",
        certificate.not_after, certificate.renews
    )?;
    let told = state.and_then(|state| state.certificate.as_ref());
    match told.filter(|told| told.not_after == certificate.not_after) {
        Some(CertificateStatus {
            trouble: Some(trouble),
            ..
        }) => writeln!(out, "; not renewed: {trouble}")?,
        Some(_) | None => writeln!(out)?,
    }
    Ok(())
}

fn write_state(out: &mut dyn Write, state: &AgentStatus) -> anyhow::Result<()> {
    let link = match &state.link {
        Link::Idle => "never tried".to_owned(),
        Link::Connecting => "connecting".to_owned(),
        Link::Measuring => "connected, measuring the clock".to_owned(),
        Link::Online => "online".to_owned(),
        Link::Down { reason } => format!("down: {reason}"),
        Link::Stopped => "stopped".to_owned(),
    };
    writeln!(out, "link     {link}, since {}", state.link_since)?;
    match &state.clock {
        Some(report) => writeln!(
            out,
            "clock    measured at {} give or take {} ms",
            report.time, report.error_ms
        )?,
        None => writeln!(out, "clock    not measured since the start")?,
    }
    match (&state.receipt, state.receipt_time) {
        (Some(receipt), Some(time)) => writeln!(
            out,
            "receipt  at {time} from ledger {}: {}",
            receipt.ledger.0,
            serde_json::to_string(&receipt.streams)?
        )?,
        _ => writeln!(out, "receipt  none since the start")?,
    }
    if let Some(gate) = &state.gate {
        write_gate(out, gate)?;
    }
    if let Some(papers) = &state.papers {
        write_papers(out, papers)?;
    }
    for (name, machine) in &state.self_checkouts {
        write_machine(out, name, machine)?;
    }
    if let Some(bytes) = state.content_read_bytes {
        writeln!(out, "content  {bytes} bytes came over the line so far")?;
    }
    writeln!(out, "as of    {}", state.time)?;
    Ok(())
}

fn write_papers(out: &mut dyn Write, papers: &PapersStatus) -> anyhow::Result<()> {
    match &papers.held {
        Some(held) => write!(
            out,
            "papers   revision {}, {} readers blocked",
            held.revision, held.blocked
        )?,
        None => write!(out, "papers   none, so nothing is lent off-line")?,
    }
    match &papers.trouble {
        Some(trouble) => writeln!(out, "; no others: {trouble}")?,
        None => writeln!(out)?,
    }
    Ok(())
}

fn write_gate(out: &mut dyn Write, gate: &GateStatus) -> anyhow::Result<()> {
    let total =
        |total: Option<u64>| total.map_or_else(|| "-".to_owned(), |total| total.to_string());
    write!(
        out,
        "gate     in {} out {}; {} readings, {} doubted, {} failed",
        total(gate.entered),
        total(gate.left),
        gate.readings,
        gate.doubted,
        gate.failures
    )?;
    match &gate.failing {
        Some(reason) => writeln!(out, "; failing: {reason}")?,
        None => writeln!(out)?,
    }
    Ok(())
}

fn write_machine(out: &mut dyn Write, name: &str, machine: &MachineStatus) -> anyhow::Result<()> {
    let is = |is_so: bool, yes: &'static str, no: &'static str| if is_so { yes } else { no };
    writeln!(
        out,
        "machine  {name} at {}: {}, library system {}; {} answered by it, {} here, {} unsure{}{}",
        machine.place,
        is(machine.connected, "connected", "not connected"),
        is(machine.library_system, "there", "away"),
        machine.answered_by_library_system,
        machine.answered_here,
        machine.unsure,
        is(machine.out_of_paper, "; no paper", ""),
        is(machine.shutting_down, "; shutting down", ""),
    )?;
    Ok(())
}
