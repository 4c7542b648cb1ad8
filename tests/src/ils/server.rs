//! The library system on a loopback port. It remembers across restarts; its connections do not.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use jiff::Timestamp;
use lujiang_sip2::{Command, Frame, Framer, MESSAGE_BYTES_MAX, Profile};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::fault::Faults;
use super::session::{Reply, Session};
use super::{Fault, Ils};
use crate::own_address::own_address;

/// How much is read at once.
const READ_BYTES: usize = 4 * 1024;

/// A message of no code that anybody knows, with the sum that is right for it.
const STRANGE: &[u8] = b"58nobody knows what this is|AY9AZF424\r";

/// The library system behind its port.
#[derive(Debug)]
pub struct IlsHandle {
    /// Where it listens; the same after a restart.
    pub addr: SocketAddr,
    profile: Profile,
    shared: Arc<Shared>,
    running: Option<Running>,
}

/// What connections share, and what outlives them.
#[derive(Debug)]
struct Shared {
    ils: Mutex<Ils>,
    manner: Mutex<Manner>,
}

/// How it behaves on the wire.
#[derive(Debug, Default)]
struct Manner {
    faults: Faults,
    refuse_logins: bool,
    connections: usize,
    /// When each line was received.
    received: Vec<Instant>,
    /// How often each code was received.
    codes: BTreeMap<String, usize>,
    /// The items at which the connection ends, whatever is asked about them.
    feared: Vec<String>,
}

/// Its tasks while it runs.
#[derive(Debug)]
struct Running {
    end: CancellationToken,
    tasks: TaskTracker,
}

/// What is done with an answer.
enum Delivery {
    /// It is written, and the connection goes on.
    Whole(Vec<u8>),
    /// It is written, then the connection ends.
    Last(Vec<u8>),
    /// It is written byte by byte.
    Dribbled(Vec<u8>),
    /// It is written after a while.
    Late(Duration, Vec<u8>),
    /// Nothing is written.
    Nothing,
    /// Nothing is written, and nothing is read any more.
    Deaf,
    /// The connection ends.
    Close,
}

impl IlsHandle {
    /// Listens on a free port of this process's own loopback address, so that it is still free when
    /// the library system comes back.
    ///
    /// # Errors
    /// Where there is none.
    pub async fn start(ils: Ils, profile: Profile) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((own_address(), 0))
            .await
            .context("a free port")?;
        let addr = listener
            .local_addr()
            .context("a bound listener has an address")?;
        let shared = Shared {
            ils: Mutex::new(ils),
            manner: Mutex::default(),
        };
        let mut handle = Self {
            addr,
            profile,
            shared: Arc::new(shared),
            running: None,
        };
        handle.run(listener);
        Ok(handle)
    }

    /// Ends all connections and the listener; what it knows it keeps.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.end.cancel();
            running.tasks.close();
            running.tasks.wait().await;
        }
    }

    /// Stops if it runs, and listens again on the same port.
    ///
    /// # Errors
    /// Where somebody else has the port by now.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.stop().await;
        let listener = TcpListener::bind(self.addr)
            .await
            .context("the port of before")?;
        self.run(listener);
        Ok(())
    }

    /// The next request that is not answered otherwise goes wrong so; further calls are for further
    /// requests.
    pub fn set_fault(&self, fault: Fault) {
        self.manner().faults.expect(None, fault);
    }

    /// The next request with that code goes wrong so.
    ///
    /// # Panics
    /// Where the code is not two digits.
    pub fn set_fault_of(&self, code: &str, fault: Fault) {
        let command = Command::of(code.as_bytes()).expect("a test names two digits");
        self.manner().faults.expect(Some(command), fault);
    }

    /// Whether a fault is still waiting for its request.
    pub fn awaits_fault(&self) -> bool {
        self.manner().faults.is_waiting()
    }

    /// From now on so many of a thousand requests go wrong, as `seed` has it.
    pub fn seed_faults(&self, seed: u64, per_thousand: u32) {
        self.manner().faults.seed(seed, per_thousand);
    }

    /// From now on the connection ends at every request about that item; nothing is executed.
    pub fn fear(&self, barcode: &str) {
        self.manner().feared.push(barcode.to_owned());
    }

    /// How many lines with that code were received.
    #[must_use]
    pub fn received_of(&self, code: &str) -> usize {
        self.manner().codes.get(code).copied().unwrap_or(0)
    }

    /// Nothing goes wrong any more.
    pub fn clear_faults(&self) {
        self.manner().faults.clear();
    }

    /// Whether every login is refused.
    pub fn refuse_logins(&self, refuse: bool) {
        self.manner().refuse_logins = refuse;
    }

    /// How many connections there were.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.manner().connections
    }

    /// How many lines were received.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.manner().received.len()
    }

    /// When each line was received.
    #[must_use]
    pub fn received(&self) -> Vec<Instant> {
        self.manner().received.clone()
    }

    /// What it knows, to look at and to change.
    pub fn ils(&self) -> MutexGuard<'_, Ils> {
        self.shared.ils.lock().expect("no panic holds it")
    }

    fn manner(&self) -> MutexGuard<'_, Manner> {
        self.shared.manner.lock().expect("no panic holds it")
    }

    fn run(&mut self, listener: TcpListener) {
        let (end, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(accept(
            listener,
            self.profile,
            Arc::clone(&self.shared),
            end.clone(),
            tasks.clone(),
        ));
        self.running = Some(Running { end, tasks });
    }
}

impl Drop for IlsHandle {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.end.cancel();
        }
    }
}

async fn accept(
    listener: TcpListener,
    profile: Profile,
    shared: Arc<Shared>,
    end: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = end.cancelled() => return,
        };
        let Ok((stream, _)) = accepted else { continue };
        shared.manner.lock().expect("no panic holds it").connections += 1;
        let (shared, ended) = (Arc::clone(&shared), end.clone());
        tasks.spawn(async move {
            tokio::select! {
                // A connection that breaks has ended; whoever asked is what is tested.
                _ = serve(stream, profile, &shared) => {}
                () = ended.cancelled() => {}
            }
        });
    }
}

async fn serve(mut stream: TcpStream, profile: Profile, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut session = Session::new(profile);
    let mut framer = Framer::new(MESSAGE_BYTES_MAX);
    let mut bytes = vec![0; READ_BYTES];
    loop {
        let count = stream.read(&mut bytes).await?;
        if count == 0 {
            return Ok(());
        }
        let mut input = &bytes[..count];
        while let Some(frame) = framer.next_frame(&mut input) {
            let Frame::Message(line) = frame else {
                return Ok(());
            };
            match shared.delivery(&mut session, &line) {
                Delivery::Whole(answer) => stream.write_all(&answer).await?,
                Delivery::Last(answer) => {
                    stream.write_all(&answer).await?;
                    return stream.shutdown().await;
                }
                Delivery::Dribbled(answer) => {
                    for byte in answer {
                        stream.write_all(&[byte]).await?;
                        tokio::task::yield_now().await;
                    }
                }
                Delivery::Late(delay, answer) => {
                    tokio::time::sleep(delay).await;
                    stream.write_all(&answer).await?;
                }
                Delivery::Nothing => {}
                Delivery::Deaf => std::future::pending().await,
                Delivery::Close => return Ok(()),
            }
        }
    }
}

impl Shared {
    /// Executes a line, or not, and says what is to be done with the answer.
    fn delivery(&self, session: &mut Session, line: &[u8]) -> Delivery {
        let (fault, refuse_logins) = {
            let mut manner = self.manner.lock().expect("no panic holds it");
            manner.received.push(Instant::now());
            let command = Command::of(line);
            if let Some(command) = command {
                *manner.codes.entry(command.to_string()).or_default() += 1;
            }
            let text = String::from_utf8_lossy(line);
            let is_of = |item: &String| text.contains(&format!("AB{item}|"));
            let fault = match manner.feared.iter().any(is_of) {
                true => Some(Fault::DropBefore),
                false => command.and_then(|command| manner.faults.next(command)),
            };
            (fault, manner.refuse_logins)
        };
        let mut ils = self.ils.lock().expect("no panic holds it");
        let mut execute = || session.receive(line, &mut ils, refuse_logins, Timestamp::now());
        match fault {
            None => whole(execute()),
            Some(Fault::DropBefore) => Delivery::Close,
            Some(Fault::SilentBefore) => Delivery::Deaf,
            Some(Fault::AskAgain) => whole(session.ask_again()),
            Some(Fault::DropAfter) => {
                execute();
                Delivery::Close
            }
            Some(Fault::SilentAfter) => {
                execute();
                Delivery::Deaf
            }
            Some(Fault::DropWithin) => match execute() {
                Reply::Answer(answer) | Reply::Last(answer) => {
                    Delivery::Last(answer[..answer.len() / 2].to_vec())
                }
                Reply::Nothing | Reply::Close => Delivery::Close,
            },
            Some(Fault::Delay(delay)) => match execute() {
                Reply::Answer(answer) | Reply::Last(answer) => Delivery::Late(delay, answer),
                Reply::Nothing => Delivery::Nothing,
                Reply::Close => Delivery::Close,
            },
            Some(Fault::WrongChecksum) => match execute() {
                Reply::Answer(answer) | Reply::Last(answer) => Delivery::Whole(damaged(answer)),
                Reply::Nothing => Delivery::Nothing,
                Reply::Close => Delivery::Close,
            },
            Some(Fault::Stranger) => match execute() {
                Reply::Answer(answer) | Reply::Last(answer) => {
                    Delivery::Whole([STRANGE, &answer].concat())
                }
                Reply::Nothing => Delivery::Nothing,
                Reply::Close => Delivery::Close,
            },
            Some(Fault::Dribble) => match execute() {
                Reply::Answer(answer) | Reply::Last(answer) => Delivery::Dribbled(answer),
                Reply::Nothing => Delivery::Nothing,
                Reply::Close => Delivery::Close,
            },
        }
    }
}

fn whole(reply: Reply) -> Delivery {
    match reply {
        Reply::Answer(answer) => Delivery::Whole(answer),
        Reply::Last(answer) => Delivery::Last(answer),
        Reply::Nothing => Delivery::Nothing,
        Reply::Close => Delivery::Close,
    }
}

/// Another digit at the end of the sum; without a sum nobody could notice, and nothing changes.
fn damaged(mut answer: Vec<u8>) -> Vec<u8> {
    let end = answer
        .iter()
        .rposition(|byte| !matches!(byte, b'\r' | b'\n'));
    if let Some(last) = end.filter(|end| answer[*end].is_ascii_hexdigit() && answer.contains(&b'Z'))
    {
        answer[last] = if answer[last] == b'0' { b'1' } else { b'0' };
    }
    answer
}
