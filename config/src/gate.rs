//! `[gate]` of the agent's configuration: a counter on an RS-485 line.

mod read;

use std::path::PathBuf;
use std::time::Duration;

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
