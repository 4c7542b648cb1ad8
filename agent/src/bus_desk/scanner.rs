//! A barcode scanner on a serial line: each line it sends is one scan, done once, and shown on
//! whichever page is open. A scanner that is pulled out is opened again when it is back.

use std::time::Duration;

use futures_util::StreamExt;
use lujiang_config::{Parity, SerialSection};
use tokio_serial::{DataBits, SerialPortBuilderExt, SerialStream, StopBits};
use tokio_util::codec::{AnyDelimiterCodec, FramedRead};
use tokio_util::sync::CancellationToken;

use super::attendant::{Ask, Counter};

/// How long it waits before it looks again for a scanner that is not there: a serial line that is
/// plugged in tells nobody.
const PAUSE: Duration = Duration::from_secs(2);

/// Longest line of a scanner in bytes; no barcode of a library is longer.
const LINE_BYTES_MAX: usize = 1_024;

/// The task.
pub(super) struct Scanner {
    pub(super) section: SerialSection,
    pub(super) counter: Counter,
}

impl Scanner {
    /// Reads until the agent ends.
    pub(super) async fn run(self, stop: CancellationToken) {
        let port = self.section.port.display().to_string();
        // Said once, not every two seconds while nobody plugs it in.
        let mut is_told = false;
        while !stop.is_cancelled() {
            match open(&self.section) {
                Ok(line) => {
                    tracing::info!(port, "the scanner is there");
                    is_told = false;
                    self.read(line, &stop).await;
                }
                Err(error) if is_told => tracing::debug!(port, %error, "no scanner yet"),
                Err(error) => {
                    tracing::warn!(port, %error, "no scanner on this line");
                    is_told = true;
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                // A scanner that is plugged in tells nobody: the line is tried again.
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    async fn read(&self, line: SerialStream, stop: &CancellationToken) {
        let ends = AnyDelimiterCodec::new_with_max_length(
            b"\r\n".to_vec(),
            b"\n".to_vec(),
            LINE_BYTES_MAX,
        );
        let mut lines = FramedRead::new(line, ends);
        loop {
            let line = tokio::select! {
                () = stop.cancelled() => return,
                line = lines.next() => line,
            };
            match line {
                Some(Ok(bytes)) => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    // Done when it is answered; what comes meanwhile waits on the line.
                    if self
                        .counter
                        .ask(|answer| Ask::Scan(text, answer))
                        .await
                        .is_none()
                    {
                        return;
                    }
                }
                Some(Err(error)) => {
                    // A line without an end is noise: it is thrown away up to its end.
                    tracing::warn!(%error, "the scanner's line failed");
                    return;
                }
                None => return,
            }
        }
    }
}

fn open(section: &SerialSection) -> tokio_serial::Result<SerialStream> {
    let path = section.port.to_string_lossy();
    tokio_serial::new(path, section.baud)
        .data_bits(DataBits::Eight)
        .parity(match section.parity {
            Parity::None => tokio_serial::Parity::None,
            Parity::Even => tokio_serial::Parity::Even,
            Parity::Odd => tokio_serial::Parity::Odd,
        })
        .stop_bits(if section.stop_bits == 2 {
            StopBits::Two
        } else {
            StopBits::One
        })
        .open_native_async()
}
