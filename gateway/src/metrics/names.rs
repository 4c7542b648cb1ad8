//! What is counted, and under which names it is exported.

/// A number that only rises while the process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counter {
    /// Facts accepted.
    FactsAccepted,
    /// Facts that came again.
    FactsRepeated,
    /// Elements kept aside, by reason.
    Quarantined,
    /// Payloads not acknowledged because the disk took no writes.
    PayloadsRefused,
    /// Connections the door accepted.
    DoorAccepted,
    /// PUBLISH packets the door read.
    DoorPublishes,
    /// Publishes and subscriptions the door refused, by reason code.
    DoorRequestsRefused,
    /// Connections the door did not let in, by reason.
    DoorRefused,
    /// Connections the door ended, by reason code.
    DoorEnded,
    /// Connections the door ended because nothing was heard from them, or nothing taken.
    DoorTimeouts,
    /// Connections of the door that ended by a panic.
    DoorPanics,
    /// Pauses in reading clients that sent more than their rates allow.
    DoorSlowed,
    /// Messages the door dropped for slow subscribers.
    DoorDropped,
    /// Restarts of the router behind the door.
    RouterRestarts,
    /// Rebuilds of the views.
    ViewsRebuilt,
    /// Bytes of blobs given to devices.
    BlobBytesServed,
}

/// A number that rises and falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gauge {
    /// Connections at the door.
    DoorConnections,
    /// Payloads waiting for the writer.
    QueuedPayloads,
    /// Devices, by state of their link.
    Devices,
    /// Numbers missing in streams, by state.
    MissingFacts,
    /// Gaps, by state.
    Gaps,
    /// Alarms, by kind.
    Alarms,
    /// When the gateway's certificate ends.
    CertificateExpiry,
    /// The last entry of the ledger.
    LedgerEntries,
    /// Entries not yet folded into the views.
    ViewsBehind,
    /// Whether facts can be kept.
    HasRoom,
    /// People signed in.
    Sessions,
    /// Live streams.
    LiveStreams,
    /// When what a role of the repository signed ends, by role.
    SignatureExpiry,
    /// Bytes of the blobs of releases.
    BlobBytes,
    /// Devices of the newest rollout, by how far they are.
    RolloutDevices,
}

/// Each counter, the name and the label it is exported under, and what it says.
pub(super) const COUNTERS: [(Counter, &str, Option<&str>, &str); 16] = [
    (
        Counter::FactsAccepted,
        "lujiang_facts_accepted_total",
        None,
        "Facts accepted.",
    ),
    (
        Counter::FactsRepeated,
        "lujiang_facts_repeated_total",
        None,
        "Facts that came again and were not counted.",
    ),
    (
        Counter::Quarantined,
        "lujiang_quarantined_total",
        Some("reason"),
        "Elements kept aside.",
    ),
    (
        Counter::DoorAccepted,
        "lujiang_door_accepted_total",
        None,
        "Connections the door accepted.",
    ),
    (
        Counter::PayloadsRefused,
        "lujiang_payloads_refused_total",
        None,
        "Payloads not acknowledged because the disk took no writes.",
    ),
    (
        Counter::DoorPublishes,
        "lujiang_door_publishes_total",
        None,
        "PUBLISH packets the door read.",
    ),
    (
        Counter::DoorRequestsRefused,
        "lujiang_door_requests_refused_total",
        Some("reason"),
        "Publishes and subscriptions the door refused.",
    ),
    (
        Counter::DoorRefused,
        "lujiang_door_refused_total",
        Some("reason"),
        "Connections the door did not let in.",
    ),
    (
        Counter::DoorEnded,
        "lujiang_door_ended_total",
        Some("reason"),
        "Connections the door ended by itself.",
    ),
    (
        Counter::DoorTimeouts,
        "lujiang_door_timeouts_total",
        None,
        "Connections the door ended because nothing was heard from them, or nothing taken.",
    ),
    (
        Counter::DoorPanics,
        "lujiang_door_panics_total",
        None,
        "Connections of the door that ended by a panic.",
    ),
    (
        Counter::DoorSlowed,
        "lujiang_door_slowed_total",
        None,
        "Pauses in reading clients that sent more than their rates allow.",
    ),
    (
        Counter::DoorDropped,
        "lujiang_door_dropped_total",
        None,
        "Messages the door dropped for slow subscribers.",
    ),
    (
        Counter::RouterRestarts,
        "lujiang_router_restarts_total",
        None,
        "Restarts of the router behind the door.",
    ),
    (
        Counter::ViewsRebuilt,
        "lujiang_views_rebuilt_total",
        None,
        "Rebuilds of the views.",
    ),
    (
        Counter::BlobBytesServed,
        "lujiang_content_served_bytes_total",
        None,
        "Bytes of files of releases given to devices.",
    ),
];

/// Each gauge, the name and the label it is exported under, and what it says.
pub(super) const GAUGES: [(Gauge, &str, Option<&str>, &str); 15] = [
    (
        Gauge::DoorConnections,
        "lujiang_door_connections",
        None,
        "Connections at the door.",
    ),
    (
        Gauge::QueuedPayloads,
        "lujiang_queued_payloads",
        None,
        "Payloads waiting for the writer.",
    ),
    (
        Gauge::Devices,
        "lujiang_devices",
        Some("state"),
        "Devices by the state of their link.",
    ),
    (
        Gauge::MissingFacts,
        "lujiang_missing_facts",
        Some("state"),
        "Numbers missing in the streams of devices.",
    ),
    (
        Gauge::Gaps,
        "lujiang_gaps",
        Some("state"),
        "Gaps in the streams of devices.",
    ),
    (
        Gauge::Alarms,
        "lujiang_alarms",
        Some("kind"),
        "Alarms, by kind: of devices, and of the gateway itself.",
    ),
    (
        Gauge::CertificateExpiry,
        "lujiang_gateway_certificate_expiry_timestamp_seconds",
        None,
        "When the first certificate of the chain the gateway shows ends.",
    ),
    (
        Gauge::LedgerEntries,
        "lujiang_ledger_entries",
        None,
        "Number of the last entry of the ledger.",
    ),
    (
        Gauge::ViewsBehind,
        "lujiang_views_behind_entries",
        None,
        "Entries of the ledger not yet folded into the views.",
    ),
    (
        Gauge::HasRoom,
        "lujiang_has_room",
        None,
        "1 while facts can be kept, 0 while the disk is full.",
    ),
    (
        Gauge::Sessions,
        "lujiang_sessions",
        None,
        "People signed in.",
    ),
    (
        Gauge::LiveStreams,
        "lujiang_live_streams",
        None,
        "Live streams open.",
    ),
    (
        Gauge::SignatureExpiry,
        "lujiang_content_signature_expiry_timestamp_seconds",
        Some("role"),
        "When what a role of the repository of releases signed ends.",
    ),
    (
        Gauge::BlobBytes,
        "lujiang_content_stored_bytes",
        None,
        "Bytes of the files of releases that are kept, at the last look.",
    ),
    (
        Gauge::RolloutDevices,
        "lujiang_rollout_devices",
        Some("state"),
        "Devices of the newest rollout that is not ended, by how far they are.",
    ),
];
