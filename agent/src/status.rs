//! What an agent says about itself: for `lujiang-agent status`, and for the program around it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard};

use jiff::Timestamp;
use lujiang_kiosk::Traffic;
use lujiang_wire::{ClockReport, DeviceId, Epoch, MachineMetric, Receipts, Stream};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::gate::Totals;
use crate::identity::Identity;
use crate::lending::PapersView;
use crate::renewal::Schedule;

/// How far one stream of the outbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamDepth {
    /// Last number written.
    pub written: u64,
    /// Last number with a PUBACK on this connection; not known from the file alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<u64>,
    /// Last number the gateway's receipts cover.
    pub settled: u64,
    /// Facts that are not settled.
    pub waiting: u64,
}

/// The link to the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Link {
    /// Not tried yet.
    #[default]
    Idle,
    /// Being made.
    Connecting,
    /// Made; the clock is measured before facts are sent.
    Measuring,
    /// Made, and in use.
    Online,
    /// Lost or refused; tried again after a pause.
    Down {
        /// What happened.
        reason: String,
    },
    /// Ended on purpose.
    Stopped,
}

/// The device's certificate, and its renewal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateStatus {
    /// From when it is good.
    pub not_before: Timestamp,
    /// Until when it is good.
    pub not_after: Timestamp,
    /// When the next one is asked for.
    pub renews: Timestamp,
    /// Why the last asking failed; none where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

impl CertificateStatus {
    /// Of this identity, with what keeps it from being renewed.
    #[must_use]
    pub fn of(identity: &Identity, trouble: Option<String>) -> Self {
        Self {
            not_before: identity.not_before(),
            not_after: identity.not_after(),
            renews: Schedule::of(identity).due(),
            trouble,
        }
    }
}

/// What the gate driver has seen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GateStatus {
    /// Good readings since the start.
    pub readings: u64,
    /// Readings without an answer, or with one that cannot be.
    pub failures: u64,
    /// Readings that were doubted.
    pub doubted: u64,
    /// Why the last reading failed; none after a good one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<String>,
    /// The last total in that was believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entered: Option<u64>,
    /// The last total out that was believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<u64>,
}

/// What a self-checkout's task has seen since the start.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MachineStatus {
    /// Where it comes in: an address, or a serial line.
    pub place: String,
    /// Whether it is connected.
    pub connected: bool,
    /// Whether the library system serves it.
    pub library_system: bool,
    /// It said that its printer has no paper.
    pub out_of_paper: bool,
    /// It said that it shuts down.
    pub shutting_down: bool,
    /// Requests that the library system answered.
    pub answered_by_library_system: u64,
    /// Requests that were answered in its place.
    pub answered_here: u64,
    /// Requests that came again, and were not done again.
    pub repeated: u64,
    /// Requests that were sent to the library system and whose fate is not known.
    pub unsure: u64,
    /// Of these, payments; each is a fact with its amount.
    #[serde(default)]
    pub payments_unresolved: u64,
    /// A vendor's own messages that got no answer.
    #[serde(default)]
    pub unanswered: u64,
    /// Decisions of the library system that could not be written down as facts.
    pub unrecorded: u64,
    /// Lines of the machine that could not be read.
    pub garbled_by_machine: u64,
    /// Lines of the library system that could not be read, or answered nothing.
    pub garbled_by_library_system: u64,
    /// Answers that the machine's charset has no letters for.
    pub unwritable: u64,
    /// Logins that the library system refused.
    pub logins_refused: u64,
}

impl MachineStatus {
    /// The metrics of a machine, without what names it.
    pub(crate) fn metrics(&self) -> [(&'static str, u64); 15] {
        [
            (MachineMetric::Connected.as_str(), self.connected.into()),
            (
                MachineMetric::LibrarySystem.as_str(),
                self.library_system.into(),
            ),
            (MachineMetric::OutOfPaper.as_str(), self.out_of_paper.into()),
            (
                MachineMetric::ShuttingDown.as_str(),
                self.shutting_down.into(),
            ),
            (
                "answered_by_library_system_total",
                self.answered_by_library_system,
            ),
            ("answered_here_total", self.answered_here),
            ("repeated_total", self.repeated),
            ("unsure_total", self.unsure),
            (
                MachineMetric::PaymentsUnresolved.as_str(),
                self.payments_unresolved,
            ),
            ("unanswered_total", self.unanswered),
            ("unrecorded_total", self.unrecorded),
            ("garbled_by_machine_total", self.garbled_by_machine),
            (
                "garbled_by_library_system_total",
                self.garbled_by_library_system,
            ),
            ("unwritable_total", self.unwritable),
            ("logins_refused_total", self.logins_refused),
        ]
    }
}

/// The papers by which a device lends off-line.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PapersStatus {
    /// Those it has; none where none ever came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<PapersView>,
    /// Why the last asking for others failed; none where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// An agent's account of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentStatus {
    /// Whose.
    pub device: String,
    /// When, by the device's clock.
    pub time: Timestamp,
    /// The life of the outbox.
    pub epoch: Epoch,
    /// Per stream, how far the outbox is.
    pub outbox: BTreeMap<Stream, StreamDepth>,
    /// The link to the gateway.
    pub link: Link,
    /// Since when, by the device's clock.
    pub link_since: Timestamp,
    /// The last measurement of the clock that worked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockReport>,
    /// The last receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipts>,
    /// When it came, by the device's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_time: Option<Timestamp>,
    /// The certificate, where the device has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateStatus>,
    /// The gate, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateStatus>,
    /// The papers it lends by, where it lends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub papers: Option<PapersStatus>,
    /// The self-checkouts, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub self_checkouts: BTreeMap<String, MachineStatus>,
    /// Where the bus desk's page is served, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bus_desk: Option<SocketAddr>,
    /// Where the pages of the screens are served, where it is a kiosk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screens: Option<SocketAddr>,
    /// Bytes of content that came over the line so far, where it is a kiosk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_read_bytes: Option<u64>,
    /// Where it serves the devices on its route, where it carries for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrying: Option<SocketAddr>,
    /// Whether the bus is here, where one comes by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bus_is_here: Option<bool>,
}

/// Where the tasks of an agent write down what they see, for its account of itself.
#[derive(Debug)]
pub(crate) struct Board {
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    link: Link,
    link_since: Timestamp,
    clock: Option<ClockReport>,
    receipt: Option<(Receipts, Timestamp)>,
    certificate: Option<CertificateStatus>,
    gate: Option<GateStatus>,
    papers: Option<PapersStatus>,
    self_checkouts: BTreeMap<String, MachineStatus>,
    bus_desk: Option<SocketAddr>,
    screens: Option<SocketAddr>,
    content_read: Option<Traffic>,
    carrying: Option<SocketAddr>,
    bus_is_here: Option<bool>,
}

impl Board {
    pub(crate) fn new(now: Timestamp, has_gate: bool) -> Self {
        let (changes, _) = watch::channel(0);
        Self {
            state: Mutex::new(State {
                link: Link::Idle,
                link_since: now,
                clock: None,
                receipt: None,
                certificate: None,
                gate: has_gate.then(GateStatus::default),
                papers: None,
                self_checkouts: BTreeMap::new(),
                bus_desk: None,
                screens: None,
                content_read: None,
                carrying: None,
                bus_is_here: None,
            }),
            changes,
        }
    }

    /// Moves with what `lujiang-agent status` would show differently.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(crate) fn link(&self, link: Link, now: Timestamp) {
        let mut state = self.state();
        if state.link != link {
            state.link = link;
            state.link_since = now;
            self.changed();
        }
    }

    /// The link, and since when.
    pub(crate) fn link_shown(&self) -> (Link, Timestamp) {
        let state = self.state();
        (state.link.clone(), state.link_since)
    }

    pub(crate) fn clock(&self, report: ClockReport) {
        self.state().clock = Some(report);
        self.changed();
    }

    pub(crate) fn receipt(&self, receipts: Receipts, now: Timestamp) {
        self.state().receipt = Some((receipts, now));
        self.changed();
    }

    pub(crate) fn certificate(&self, certificate: CertificateStatus) {
        let mut state = self.state();
        if state.certificate.as_ref() != Some(&certificate) {
            state.certificate = Some(certificate);
            self.changed();
        }
    }

    pub(crate) fn bus(&self, is_here: bool) {
        let before = self.state().bus_is_here.replace(is_here);
        if before != Some(is_here) {
            self.changed();
        }
    }

    pub(crate) fn carrying(&self, address: SocketAddr) {
        self.state().carrying = Some(address);
        self.changed();
    }

    pub(crate) fn screens(&self, address: SocketAddr) {
        self.state().screens = Some(address);
        self.changed();
    }

    /// Where the bytes of content are counted.
    pub(crate) fn content_read(&self, traffic: Traffic) {
        self.state().content_read = Some(traffic);
    }

    /// Bytes of content that came over the line so far.
    pub(crate) fn content_read_bytes(&self) -> Option<u64> {
        self.state().content_read.as_ref().map(Traffic::bytes)
    }

    pub(crate) fn bus_desk(&self, address: SocketAddr) {
        self.state().bus_desk = Some(address);
        self.changed();
    }

    #[cfg(test)]
    pub(crate) fn certificate_shown(&self) -> Option<CertificateStatus> {
        self.state().certificate.clone()
    }

    pub(crate) fn papers(&self, papers: PapersStatus) {
        let mut state = self.state();
        if state.papers.as_ref() != Some(&papers) {
            state.papers = Some(papers);
            self.changed();
        }
    }

    pub(crate) fn gate_read(&self, doubted: bool, totals: Option<Totals>) {
        let mut state = self.state();
        let gate = state.gate.get_or_insert_default();
        gate.readings += 1;
        gate.doubted += u64::from(doubted);
        gate.entered = totals.map(|totals| totals.entered);
        gate.left = totals.and_then(|totals| totals.left);
        if gate.failing.take().is_some() {
            self.changed();
        }
    }

    pub(crate) fn gate_failed(&self, reason: String) {
        let mut state = self.state();
        let gate = state.gate.get_or_insert_default();
        gate.failures += 1;
        if gate.failing.replace(reason).is_none() {
            self.changed();
        }
    }

    pub(crate) fn gate(&self) -> Option<GateStatus> {
        self.state().gate.clone()
    }

    /// Notes something about a self-checkout.
    pub(crate) fn machine(&self, name: &str, change: impl FnOnce(&mut MachineStatus)) {
        let mut state = self.state();
        let status = state.self_checkouts.entry(name.to_owned()).or_default();
        let shown = |status: &MachineStatus| {
            let MachineStatus {
                connected,
                library_system,
                out_of_paper,
                shutting_down,
                ..
            } = *status;
            (connected, library_system, out_of_paper, shutting_down)
        };
        let before = shown(status);
        change(status);
        // Counts alone are worth no writing of the state file: flash wears.
        if before != shown(status) {
            self.changed();
        }
    }

    pub(crate) fn machines(&self) -> BTreeMap<String, MachineStatus> {
        self.state().self_checkouts.clone()
    }

    /// The account, with what the outbox says of itself.
    pub(crate) fn account(
        &self,
        device: &DeviceId,
        time: Timestamp,
        epoch: &Epoch,
        outbox: BTreeMap<Stream, StreamDepth>,
    ) -> AgentStatus {
        let state = self.state();
        let (receipt, receipt_time) = state.receipt.clone().unzip();
        AgentStatus {
            device: device.to_string(),
            time,
            epoch: epoch.clone(),
            outbox,
            link: state.link.clone(),
            link_since: state.link_since,
            clock: state.clock.clone(),
            receipt,
            receipt_time,
            certificate: state.certificate.clone(),
            gate: state.gate.clone(),
            papers: state.papers.clone(),
            self_checkouts: state.self_checkouts.clone(),
            bus_desk: state.bus_desk,
            screens: state.screens,
            content_read_bytes: state.content_read.as_ref().map(Traffic::bytes),
            carrying: state.carrying,
            bus_is_here: state.bus_is_here,
        }
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nothing panics while it writes on the board")
    }
}
