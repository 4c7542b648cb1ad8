//! The agent's configuration.

use std::path::PathBuf;
use std::time::Duration;

use lujiang_wire::DeviceId;

use crate::ByteSize;

/// Everything an agent can be told. `device` and `password_file` have no default.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentConfig {
    /// `[agent]`
    pub agent: AgentSection,
    /// `[uplink]`
    pub uplink: UplinkSection,
    /// `[outbox]`
    pub outbox: OutboxSection,
    /// `[gate]`: present where this device is a gate counter.
    pub gate: Option<GateSection>,
    /// `[log]`
    pub log: LogSection,
}

/// `[agent]`: who this is.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentSection {
    /// The device id, as registered.
    pub device: DeviceId,
    /// Where the outbox and the agent's state live.
    pub data: PathBuf,
    /// How often the agent's own health is sent.
    pub telemetry_interval: Duration,
    /// Longest time from SIGTERM to the end.
    pub stop_grace: Duration,
}

/// `[uplink]`: the way to the gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct UplinkSection {
    /// Host name or address of the door.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The file with the password, mode 0600.
    pub password_file: PathBuf,
    /// MQTT keep alive, whole seconds.
    pub keep_alive: Duration,
    /// From dialling to CONNACK.
    pub connect_timeout: Duration,
    /// First pause after a lost connection; doubles, with jitter.
    pub backoff_min: Duration,
    /// Longest pause.
    pub backoff_max: Duration,
    /// Longest wait for one PUBACK before the connection is given up.
    pub ack_timeout: Duration,
    /// Payloads under way at once.
    pub in_flight_max: u16,
    /// Facts in one payload when catching up, at most 500.
    pub batch_max: usize,
    /// Bytes in one payload, at most 256KiB.
    pub batch_bytes_max: ByteSize,
    /// Longest wait for the clock measurement before facts are sent.
    pub clock_timeout: Duration,
    /// How often the clock is measured again.
    pub clock_interval: Duration,
}

/// `[outbox]`: what waits, and what is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxSection {
    /// Settled facts are kept this long, for a gateway restored from an old backup.
    pub keep: Duration,
    /// Largest size of the outbox file; beyond it settled facts go first, then visits are merged.
    pub size_max: ByteSize,
}

/// `[gate]`: a gate counter on a Modbus RTU line. There is no common register map.
#[derive(Debug, Clone, PartialEq)]
pub struct GateSection {
    /// The line.
    pub serial: SerialSection,
    /// Modbus unit id, 1 to 247.
    pub unit: u8,
    /// Register of the total in.
    pub entered: CounterRegister,
    /// Register of the total out, where there is one.
    pub left: Option<CounterRegister>,
    /// How often the counter is read.
    pub poll: Duration,
    /// Length of a counted period; periods end at multiples of it.
    pub period: Duration,
    /// Longest wait for one answer.
    pub answer_timeout: Duration,
    /// Without a good reading for this long, the time in between is not observed.
    pub silence: Duration,
    /// When the counter may begin again at zero by itself.
    pub reset: ResetPolicy,
    /// Persons a minute; a faster rise is not believed.
    pub visits_per_minute_max: u32,
}

/// `[gate.serial]`: an RS-485 line, 8 data bits.
#[derive(Debug, Clone, PartialEq)]
pub struct SerialSection {
    /// The device file, as `/dev/ttyUSB0`.
    pub port: PathBuf,
    /// Bits a second.
    pub baud: u32,
    /// Parity.
    pub parity: Parity,
    /// Stop bits, 1 or 2.
    pub stop_bits: u8,
}

/// Parity of a serial line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parity {
    /// No parity bit.
    None,
    /// Even.
    Even,
    /// Odd.
    Odd,
}

/// `[gate.entered]`, `[gate.left]`: where a running total stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterRegister {
    /// Modbus function.
    pub function: RegisterFunction,
    /// Address of the first register, from 0.
    pub address: u16,
    /// Width in registers of 16 bits: 1, 2 or 4.
    pub width: u8,
    /// Which register comes first.
    pub word_order: WordOrder,
    /// The total runs from 0 to this number less one.
    pub modulus: u64,
}

/// The Modbus function that reads a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegisterFunction {
    /// Function 3, Read Holding Registers.
    Holding,
    /// Function 4, Read Input Registers.
    Input,
}

/// The order of the registers of a wide total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordOrder {
    /// Most significant register first.
    HighFirst,
    /// Least significant register first.
    LowFirst,
}

/// When a counter may begin again at zero by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetPolicy {
    /// Never: a smaller total is a rollover if it can be one, otherwise a fault.
    Never,
    /// When it loses power.
    PowerUp,
    /// When its door opens (bus doors).
    Door,
    /// Once a day.
    Daily,
}

/// `[log]`: to standard error.
#[derive(Debug, Clone, PartialEq)]
pub struct LogSection {
    /// A `tracing` filter: `info`, `lujiang_broker=debug,info`.
    pub filter: String,
    /// `text` or `json`.
    pub format: LogFormat,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for LogSection {
    fn default() -> Self {
        Self {
            filter: "info".to_owned(),
            format: LogFormat::Text,
        }
    }
}

impl Default for OutboxSection {
    fn default() -> Self {
        Self {
            keep: Duration::from_secs(30 * 24 * 3_600),
            size_max: ByteSize::mib(256),
        }
    }
}

impl UplinkSection {
    /// The defaults, with the password file that has none.
    #[must_use]
    pub fn with_password_file(password_file: PathBuf) -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 1883,
            password_file,
            keep_alive: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(10),
            backoff_min: Duration::from_millis(500),
            backoff_max: Duration::from_secs(60),
            ack_timeout: Duration::from_secs(30),
            in_flight_max: 8,
            batch_max: 500,
            batch_bytes_max: ByteSize::kib(240),
            clock_timeout: Duration::from_secs(10),
            clock_interval: Duration::from_secs(600),
        }
    }
}

impl AgentSection {
    /// The defaults, with the device that has none.
    #[must_use]
    pub fn of_device(device: DeviceId) -> Self {
        Self {
            device,
            data: PathBuf::from("/var/lib/lujiang-agent"),
            telemetry_interval: Duration::from_secs(60),
            stop_grace: Duration::from_secs(10),
        }
    }
}

impl GateSection {
    /// The defaults for a counter on this line.
    #[must_use]
    pub fn on_port(port: PathBuf) -> Self {
        let register = |address| CounterRegister {
            function: RegisterFunction::Input,
            address,
            width: 2,
            word_order: WordOrder::HighFirst,
            modulus: 1 << 32,
        };
        Self {
            serial: SerialSection {
                port,
                baud: 9_600,
                parity: Parity::None,
                stop_bits: 1,
            },
            unit: 1,
            entered: register(0),
            left: Some(register(2)),
            poll: Duration::from_secs(5),
            period: Duration::from_secs(60),
            answer_timeout: Duration::from_millis(800),
            silence: Duration::from_secs(180),
            reset: ResetPolicy::PowerUp,
            visits_per_minute_max: 600,
        }
    }
}
