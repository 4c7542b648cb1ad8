//! The line to a counter: Modbus RTU. Every wait has a time-out of ours, because the protocol
//! library has none; and since an RTU answer does not say which question it answers, a line that
//! was late is closed, opened and listened to until it is quiet before the next question.

use std::borrow::Cow;
use std::time::Duration;

use lujiang_config::{CounterRegister, GateSection, Parity, RegisterFunction, WordOrder};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;
use tokio_modbus::client::{Context, Reader, rtu};
use tokio_modbus::prelude::Slave;
use tokio_serial::{ClearBuffer, DataBits, SerialPort, SerialStream, StopBits};

use super::Totals;

/// A line that talks for this many answer time-outs without being asked is not a counter.
const QUIET_TRIES_MAX: u32 = 10;

/// Why a reading failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The device file.
    #[error("cannot open the serial port {port}: {reason}")]
    Open {
        /// Its path.
        port: String,
        /// Why.
        reason: String,
    },
    /// No answer in time.
    #[error("no answer within {waited:?}")]
    Silent {
        /// How long we waited.
        waited: Duration,
    },
    /// It talks when it is not asked.
    #[error("the line does not come to rest")]
    Restless,
    /// The line, or what came over it.
    #[error("the line failed: {reason}")]
    Line {
        /// What the library says.
        reason: String,
    },
    /// The counter refused.
    #[error("the counter refused: {reason}")]
    Refused {
        /// The Modbus exception.
        reason: String,
    },
    /// It answered with another number of registers.
    #[error("{found} registers came, expected {expected}")]
    Length {
        /// How many came.
        found: usize,
        /// How many were asked for.
        expected: u8,
    },
}

/// A line, open or not.
pub(crate) struct Line {
    section: GateSection,
    context: Option<Context>,
    /// Whether the last answer did not come in time: it may still come.
    late: bool,
}

impl Line {
    pub(crate) fn new(section: GateSection) -> Self {
        Self {
            section,
            context: None,
            late: false,
        }
    }

    /// Reads both totals; opens the line where it is not.
    pub(crate) async fn read(&mut self) -> Result<Totals, ReadError> {
        let result = self.read_totals().await;
        if let Err(error) = &result {
            match error {
                // The line is sound and in step: it answered.
                ReadError::Refused { .. } => {}
                ReadError::Silent { .. } => {
                    self.late = true;
                    self.context = None;
                }
                ReadError::Open { .. }
                | ReadError::Restless
                | ReadError::Line { .. }
                | ReadError::Length { .. } => self.context = None,
            }
        }
        result
    }

    async fn read_totals(&mut self) -> Result<Totals, ReadError> {
        let context = match self.context.take() {
            Some(context) => context,
            None => self.open().await?,
        };
        let context = self.context.insert(context);
        let wait = self.section.answer_timeout;
        let entered = read_total(context, &self.section.entered, wait).await?;
        let left = match &self.section.left {
            Some(register) => Some(read_total(context, register, wait).await?),
            None => None,
        };
        Ok(Totals { entered, left })
    }

    async fn open(&mut self) -> Result<Context, ReadError> {
        let serial = &self.section.serial;
        let port = serial.port.to_string_lossy();
        let builder = tokio_serial::new(Cow::clone(&port), serial.baud)
            .data_bits(DataBits::Eight)
            .parity(match serial.parity {
                Parity::None => tokio_serial::Parity::None,
                Parity::Even => tokio_serial::Parity::Even,
                Parity::Odd => tokio_serial::Parity::Odd,
            })
            .stop_bits(if serial.stop_bits == 2 {
                StopBits::Two
            } else {
                StopBits::One
            });
        let failed = |reason: String| ReadError::Open {
            port: port.to_string(),
            reason,
        };
        let mut stream = SerialStream::open(&builder).map_err(|error| failed(error.to_string()))?;
        stream
            .clear(ClearBuffer::Input)
            .map_err(|error| failed(error.to_string()))?;
        if self.late {
            quieten(&mut stream, self.section.answer_timeout).await?;
            self.late = false;
        }
        Ok(rtu::attach_slave(stream, Slave(self.section.unit)))
    }
}

/// Reads away what still comes, until nothing comes for as long as an answer may take.
async fn quieten(stream: &mut SerialStream, wait: Duration) -> Result<(), ReadError> {
    let failed = |reason: String| ReadError::Line { reason };
    let mut late = [0_u8; 256];
    for _ in 0..QUIET_TRIES_MAX {
        match timeout(wait, stream.read(&mut late)).await {
            Err(_) => return Ok(()),
            Ok(Ok(0)) => return Err(failed("closed by the other side".to_owned())),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(failed(error.to_string())),
        }
    }
    Err(ReadError::Restless)
}

async fn read_total(
    context: &mut Context,
    register: &CounterRegister,
    wait: Duration,
) -> Result<u64, ReadError> {
    let width = u16::from(register.width);
    let asked = async {
        match register.function {
            RegisterFunction::Holding => {
                context
                    .read_holding_registers(register.address, width)
                    .await
            }
            RegisterFunction::Input => context.read_input_registers(register.address, width).await,
        }
    };
    let words = timeout(wait, asked)
        .await
        .map_err(|_| ReadError::Silent { waited: wait })?
        .map_err(|error| ReadError::Line {
            reason: error.to_string(),
        })?
        .map_err(|exception| ReadError::Refused {
            reason: exception.to_string(),
        })?;
    if words.len() != usize::from(register.width) {
        return Err(ReadError::Length {
            found: words.len(),
            expected: register.width,
        });
    }
    Ok(join(&words, register.word_order))
}

/// Puts the registers of a total together.
fn join(words: &[u16], order: WordOrder) -> u64 {
    let add = |total: u64, word: &u16| (total << 16) | u64::from(*word);
    match order {
        WordOrder::HighFirst => words.iter().fold(0, add),
        WordOrder::LowFirst => words.iter().rev().fold(0, add),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_joined_in_the_order_the_counter_has_them() {
        assert_eq!(join(&[1, 2], WordOrder::HighFirst), 65_538);
        assert_eq!(join(&[2, 1], WordOrder::LowFirst), 65_538);
        assert_eq!(join(&[0, 0, 0, 7], WordOrder::HighFirst), 7);
        assert_eq!(join(&[0xFFFF], WordOrder::LowFirst), 65_535);
    }
}
