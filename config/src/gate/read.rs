//! The gate's sections, key by key.

use std::path::PathBuf;
use std::time::Duration;

use crate::section::Section;
use crate::{
    CounterRegister, GateSection, Parity, RegisterFunction, ResetPolicy, SerialSection, WordOrder,
};

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// What no counter of more than 32 bits reaches: the largest whole number TOML promises.
const MODULUS_MAX: u64 = i64::MAX.unsigned_abs();

impl GateSection {
    /// Reads the section; none where a problem was named.
    pub(crate) fn read(section: &mut Section<'_>) -> Option<Self> {
        let serial = section.section("serial", SerialSection::read);
        let port = serial
            .as_ref()
            .map_or_else(PathBuf::new, |serial| serial.port.clone());
        let default = Self::on_port(port);
        let entered = section.section("entered", CounterRegister::read);
        let left = section.optional_section("left", CounterRegister::read);
        let read = Self {
            serial: default.serial,
            entered: default.entered,
            left: default.left,
            unit: section.number("unit", default.unit, 1..=247),
            poll: section.duration("poll", default.poll, 10 * MILLI..=HOUR),
            period: section.duration("period", default.period, 100 * MILLI..=DAY),
            answer_timeout: section.duration(
                "answer_timeout",
                default.answer_timeout,
                10 * MILLI..=MINUTE,
            ),
            silence: section.duration("silence", default.silence, SECOND..=DAY),
            reset: section.choice(
                "reset",
                default.reset,
                &[
                    ("never", ResetPolicy::Never),
                    ("power-up", ResetPolicy::PowerUp),
                    ("door", ResetPolicy::Door),
                    ("daily", ResetPolicy::Daily),
                ],
            ),
            visits_per_minute_max: section.number(
                "visits_per_minute_max",
                default.visits_per_minute_max,
                1..=100_000,
            ),
        };
        let (period, poll) = (read.period, read.poll);
        section.fits(
            "period",
            period >= poll,
            "at least poll, or a period is not read",
        );
        let silence = read.silence;
        section.fits(
            "silence",
            silence > poll,
            "more than poll, or all is silence",
        );
        Some(Self {
            serial: serial?,
            entered: entered?,
            left: match left {
                Some(left) => Some(left?),
                None => None,
            },
            ..read
        })
    }
}

impl SerialSection {
    pub(crate) fn read(section: &mut Section<'_>) -> Option<Self> {
        let port = section.required_path("port");
        let default = GateSection::on_port(PathBuf::new()).serial;
        let read = Self {
            port: default.port,
            baud: section.number("baud", default.baud, 300..=4_000_000),
            parity: section.choice(
                "parity",
                default.parity,
                &[
                    ("none", Parity::None),
                    ("even", Parity::Even),
                    ("odd", Parity::Odd),
                ],
            ),
            stop_bits: section.number("stop_bits", default.stop_bits, 1..=2),
        };
        port.map(|port| Self { port, ..read })
    }
}

impl CounterRegister {
    fn read(section: &mut Section<'_>) -> Option<Self> {
        let address = section.required_number("address", 0..=u16::MAX);
        let default = GateSection::on_port(PathBuf::new()).entered;
        let function = section.choice(
            "function",
            default.function,
            &[
                ("input", RegisterFunction::Input),
                ("holding", RegisterFunction::Holding),
            ],
        );
        let width = section.width("width", default.width);
        let word_order = section.choice(
            "word_order",
            default.word_order,
            &[
                ("high-first", WordOrder::HighFirst),
                ("low-first", WordOrder::LowFirst),
            ],
        );
        let full = full_width(width);
        let modulus = section.number("modulus", full, 2..=MODULUS_MAX);
        section.fits(
            "modulus",
            modulus <= full,
            "at most what its width can hold",
        );
        let last = address.unwrap_or(0).checked_add(u16::from(width) - 1);
        section.fits("address", last.is_some(), "all its registers within 65535");
        Some(Self {
            function,
            address: address?,
            width,
            word_order,
            modulus,
        })
    }
}

/// One more than the largest total of this many registers; the default of `modulus`.
fn full_width(width: u8) -> u64 {
    match width {
        1 => 1 << 16,
        2 => 1 << 32,
        _ => MODULUS_MAX,
    }
}
