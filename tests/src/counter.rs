//! A gate's counter: a real Modbus RTU slave on a pseudo-terminal, with a counter's faults.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use tokio_modbus::server::Service;
use tokio_modbus::server::rtu::Server;
use tokio_modbus::{ExceptionCode, Request, Response, SlaveRequest};
use tokio_serial::{SerialPort as _, SerialStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::wait::until;

/// How a counter behaves when it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Manner {
    /// Answers at once, and rightly.
    Well = 0,
    /// Does not answer at all.
    Silent = 1,
    /// Answers after a second and a half, when nobody waits any more.
    Late = 2,
    /// Answers with totals that were never counted.
    Nonsense = 3,
    /// Answers with Modbus exception 4.
    Exception = 4,
}

/// The totals of a counter, and how it behaves; shared between the door and the line.
#[derive(Debug)]
struct Totals {
    entered: AtomicU64,
    left: AtomicU64,
    modulus: u64,
    manner: AtomicU8,
    asked: AtomicU64,
    /// Whoever holds it, no reading begins meanwhile; and how many would.
    between: tokio::sync::Mutex<()>,
    waiting: AtomicU64,
}

/// A gate's counter on its line.
#[derive(Debug)]
pub struct Counter {
    totals: Arc<Totals>,
    /// A symbolic link to the pseudo-terminal of the moment.
    port: PathBuf,
    line: Mutex<Option<Line>>,
    tasks: TaskTracker,
}

/// The line while it is plugged in.
#[derive(Debug)]
struct Line {
    /// Held open so that the master sees no hang-up while the agent is away.
    _agent_side: SerialStream,
    end: CancellationToken,
}

impl Counter {
    /// Plugs in a counter whose 32-bit totals run to `modulus`, reachable at `port`.
    ///
    /// # Errors
    /// Where no pseudo-terminal can be had.
    pub fn plugged_in(port: &Path, modulus: u64, first: u64) -> anyhow::Result<Self> {
        let totals = Totals {
            entered: AtomicU64::new(first),
            left: AtomicU64::new(first),
            modulus,
            manner: AtomicU8::new(Manner::Well as u8),
            asked: AtomicU64::new(0),
            between: tokio::sync::Mutex::new(()),
            waiting: AtomicU64::new(0),
        };
        let counter = Self {
            totals: Arc::new(totals),
            port: port.to_owned(),
            line: Mutex::new(None),
            tasks: TaskTracker::new(),
        };
        counter.plug_in()?;
        Ok(counter)
    }

    /// Where the agent finds the line.
    #[must_use]
    pub fn port(&self) -> &Path {
        &self.port
    }

    /// Somebody walks through the gate.
    pub fn pass(&self, entered: u64, left: u64) {
        let add = |total: &AtomicU64, more: u64| {
            let wrap = |now| Some((now + more) % self.totals.modulus);
            // Each total stands alone; the bus has its own order.
            let _ = total.fetch_update(Ordering::SeqCst, Ordering::SeqCst, wrap);
        };
        add(&self.totals.entered, entered);
        add(&self.totals.left, left);
    }

    /// Does something between two readings: a reading asks for one total after the other, and what
    /// happens in the middle of it stands in half of it.
    ///
    /// # Errors
    /// Where nobody reads within `deadline`.
    pub async fn between_readings(
        &self,
        deadline: Duration,
        act: impl FnOnce(),
    ) -> anyhow::Result<()> {
        let _held = self.totals.between.lock().await;
        // The next reading is about to begin, so the one before has ended.
        until("a reading to begin", deadline, async || {
            let waiting = self.totals.waiting.load(Ordering::SeqCst);
            anyhow::ensure!(waiting > 0, "nobody reads");
            Ok(())
        })
        .await?;
        act();
        Ok(())
    }

    /// Both totals stand at `total`, as if they had always counted.
    pub fn set(&self, total: u64) {
        self.totals.entered.store(total, Ordering::SeqCst);
        self.totals.left.store(total, Ordering::SeqCst);
    }

    /// The totals begin again at zero, as after a loss of power.
    pub fn reset(&self) {
        self.totals.entered.store(0, Ordering::SeqCst);
        self.totals.left.store(0, Ordering::SeqCst);
    }

    /// From now on it behaves so.
    pub fn behave(&self, manner: Manner) {
        self.totals.manner.store(manner as u8, Ordering::SeqCst);
    }

    /// How often it was asked for its totals.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.totals.asked.load(Ordering::SeqCst)
    }

    /// Pulls the plug of the line; the totals go on.
    pub fn unplug(&self) {
        if let Some(line) = self.line.lock().expect("no panic holds it").take() {
            line.end.cancel();
        }
        // The link may be gone already; that is what is wanted.
        let _ = std::fs::remove_file(&self.port);
    }

    /// Plugs the line in again; the port is another device behind the same name.
    ///
    /// # Errors
    /// Where no pseudo-terminal can be had.
    pub fn plug_in(&self) -> anyhow::Result<()> {
        let (bus, agent_side) = SerialStream::pair().context("opening a pseudo-terminal")?;
        let name = agent_side.name().context("a pseudo-terminal has a name")?;
        // An old link is replaced.
        let _ = std::fs::remove_file(&self.port);
        std::os::unix::fs::symlink(&name, &self.port)
            .with_context(|| format!("linking {} to {name}", self.port.display()))?;
        let end = CancellationToken::new();
        let ended = end.clone().cancelled_owned();
        let totals = Arc::clone(&self.totals);
        self.tasks.spawn(async move {
            tokio::select! {
                // A line that breaks is a line that ends; the agent is what is tested.
                _ = Server::new(bus).serve_forever(Slave(totals)) => {}
                () = ended => {}
            }
        });
        let line = Line {
            _agent_side: agent_side,
            end,
        };
        *self.line.lock().expect("no panic holds it") = Some(line);
        Ok(())
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.unplug();
    }
}

/// Answers functions 3 and 4: registers 0-1 total in, 2-3 total out, high word first.
struct Slave(Arc<Totals>);

impl Service for Slave {
    type Request = SlaveRequest<'static>;
    type Response = Option<Response>;
    type Exception = ExceptionCode;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Exception>> + Send>>;

    fn call(&self, request: Self::Request) -> Self::Future {
        let totals = Arc::clone(&self.0);
        Box::pin(async move {
            let begins = matches!(
                request.request,
                Request::ReadInputRegisters(0, _) | Request::ReadHoldingRegisters(0, _)
            );
            if begins {
                totals.waiting.fetch_add(1, Ordering::SeqCst);
                let _between = totals.between.lock().await;
                totals.waiting.fetch_sub(1, Ordering::SeqCst);
            }
            totals.asked.fetch_add(1, Ordering::SeqCst);
            let manner = totals.manner.load(Ordering::SeqCst);
            if manner == Manner::Silent as u8 {
                return Ok(None);
            }
            if manner == Manner::Exception as u8 {
                return Err(ExceptionCode::ServerDeviceFailure);
            }
            let registers = totals.registers(manner == Manner::Nonsense as u8);
            if manner == Manner::Late as u8 {
                tokio::time::sleep(Duration::from_millis(1_500)).await;
            }
            match request.request {
                Request::ReadInputRegisters(from, count) => slice(&registers, from, count)
                    .map(|words| Some(Response::ReadInputRegisters(words))),
                Request::ReadHoldingRegisters(from, count) => slice(&registers, from, count)
                    .map(|words| Some(Response::ReadHoldingRegisters(words))),
                _ => Err(ExceptionCode::IllegalFunction),
            }
        })
    }
}

impl Totals {
    fn registers(&self, nonsense: bool) -> [u16; 4] {
        let mut entered = self.entered.load(Ordering::SeqCst);
        let mut left = self.left.load(Ordering::SeqCst);
        if nonsense {
            // 2^23 + 3,951: what one gate really dropped in a day; never the same twice.
            let asked = self.asked.load(Ordering::SeqCst);
            entered = (entered + 8_392_559 * (asked % 7 + 1)) % self.modulus;
            left = (left + 8_392_559 * (asked % 5 + 1)) % self.modulus;
        }
        let high = |total: u64| u16::try_from((total >> 16) & 0xFFFF).expect("masked");
        let low = |total: u64| u16::try_from(total & 0xFFFF).expect("masked");
        [high(entered), low(entered), high(left), low(left)]
    }
}

fn slice(registers: &[u16; 4], from: u16, count: u16) -> Result<Vec<u16>, ExceptionCode> {
    let from = usize::from(from);
    registers
        .get(from..from + usize::from(count))
        .map(<[u16]>::to_vec)
        .ok_or(ExceptionCode::IllegalDataAddress)
}
