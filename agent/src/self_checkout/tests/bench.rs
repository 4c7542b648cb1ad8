//! The two sides of a relay under test. Checksums are computed here on their own, so that the
//! relay is not its own judge.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use lujiang_config::{GateSection, MachineLine, MachineSection, SelfCheckoutSection};
use lujiang_wire::{Clock, Event};
use nix::pty::openpty;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::lending::test_lending::{BEGIN, TestLending};
use crate::self_checkout::SelfCheckout;
use crate::status::{Board, MachineStatus};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long the relay waits for an answer: longer than a busy machine may keep a test waiting.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(6);

/// Long enough for something that must not come to have come.
const SILENCE: Duration = Duration::from_millis(300);

/// A relay, its lending, and the port of a library system.
pub(super) struct Bench {
    pub(super) lending: TestLending,
    board: Arc<Board>,
    library: Library,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// The library system's port. It stays ours while nobody listens, so that nobody else does.
enum Library {
    Closed(TcpSocket),
    Open(TcpListener),
    Gone,
}

/// One end of a line, with bytes.
pub(super) struct Party {
    carrier: Box<dyn Carrier>,
    read: Vec<u8>,
}

pub(super) trait Carrier: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Carrier for T {}

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) bytes: Vec<u8>,
    /// Without AY and AZ.
    pub(super) text: String,
    pub(super) sequence: Option<u8>,
}

/// Everything that was logged.
#[derive(Clone, Default)]
pub(super) struct Logs(Arc<Mutex<Vec<u8>>>);

impl Bench {
    /// A library system listens.
    pub(super) async fn start(lending: TestLending) -> Self {
        Self::with(lending, true, |_| ()).await
    }

    /// Nobody listens where it should be.
    pub(super) async fn away(lending: TestLending) -> Self {
        Self::with(lending, false, |_| ()).await
    }

    pub(super) async fn with(
        lending: TestLending,
        is_there: bool,
        adapt: impl FnOnce(&mut SelfCheckoutSection),
    ) -> Self {
        Self::with_machines(lending, is_there, &["desk"], adapt).await
    }

    pub(super) async fn with_machines(
        lending: TestLending,
        is_there: bool,
        names: &[&str],
        adapt: impl FnOnce(&mut SelfCheckoutSection),
    ) -> Self {
        let machine = |name: &&str| ((*name).to_owned(), MachineSection::on_port(0));
        let machines = names.iter().map(machine).collect();
        Self::open(lending, is_there, machines, adapt).await
    }

    /// One machine on a serial line, and its end of it.
    pub(super) async fn on_serial_line(
        lending: TestLending,
        adapt: impl FnOnce(&mut SelfCheckoutSection),
    ) -> (Self, Party) {
        let pty = openpty(None, None).unwrap();
        let mut modes = tcgetattr(&pty.slave).unwrap();
        cfmakeraw(&mut modes);
        tcsetattr(&pty.slave, SetArg::TCSANOW, &modes).unwrap();
        let path = nix::unistd::ttyname(&pty.slave).unwrap();
        let machine = MachineSection::on(serial(&path));
        let bench = Self::open(lending, false, [("desk".to_owned(), machine)].into(), adapt).await;
        bench.wait_for(|status| status.connected).await;
        let master = tokio::fs::File::from_std(pty.master.into());
        drop(pty.slave);
        (bench, Party::new(master))
    }

    async fn open(
        lending: TestLending,
        is_there: bool,
        machines: BTreeMap<String, MachineSection>,
        adapt: impl FnOnce(&mut SelfCheckoutSection),
    ) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let mut section = SelfCheckoutSection::for_machines(Path::new("/"), machines);
        section.acs.port = socket.local_addr().unwrap().port();
        section.acs.answer_timeout = ANSWER_TIMEOUT;
        section.acs.backoff_min = Duration::from_millis(10);
        section.acs.backoff_max = Duration::from_millis(100);
        adapt(&mut section);
        let board = Arc::new(Board::new(lending.clock.wall(), false));
        let relay = SelfCheckout::open(&section, &lending.folder(), &lending.lending, &board)
            .await
            .unwrap();
        let stop = CancellationToken::new();
        let mut bench = Self {
            lending,
            board,
            library: Library::Closed(socket),
            task: tokio::spawn(relay.run(stop.clone())),
            stop,
        };
        if is_there {
            bench.come_back();
        }
        bench
    }

    /// The library system is there from now on.
    pub(super) fn come_back(&mut self) {
        let Library::Closed(socket) = std::mem::replace(&mut self.library, Library::Gone) else {
            panic!("it is there, or gone for good");
        };
        self.library = Library::Open(socket.listen(16).unwrap());
    }

    /// It is away for the rest of the test.
    pub(super) fn go_away(&mut self) {
        self.library = Library::Gone;
    }

    /// The next connection to the library system.
    pub(super) async fn library(&self) -> Party {
        let Library::Open(library) = &self.library else {
            panic!("nobody listens");
        };
        let (stream, _) = timeout(PATIENCE, library.accept()).await.unwrap().unwrap();
        Party::new(stream)
    }

    pub(super) async fn machine(&self) -> Party {
        self.machine_at("desk").await
    }

    pub(super) async fn machine_at(&self, name: &str) -> Party {
        let place = self.board.machines()[name].place.clone();
        Party::new(TcpStream::connect(place).await.unwrap())
    }

    /// The facts, once there are so many.
    pub(super) async fn facts(&self, count: usize) -> Vec<Event> {
        let waited = timeout(PATIENCE, async {
            loop {
                let facts = self.lending.facts();
                if facts.len() >= count {
                    return facts;
                }
                tokio::task::yield_now().await;
            }
        });
        let facts = waited.await.expect("the facts are written");
        assert_eq!(facts.len(), count, "{facts:?}");
        facts
    }

    /// Waits until this is known of the machine.
    pub(super) async fn wait_for(&self, is_so: impl Fn(&MachineStatus) -> bool) {
        let mut interval = tokio::time::interval(Duration::from_millis(5));
        let waited = timeout(PATIENCE, async {
            while !is_so(&self.board.machines()["desk"]) {
                interval.tick().await;
            }
        });
        let known = || self.board.machines()["desk"].clone();
        waited
            .await
            .unwrap_or_else(|_| panic!("known: {:?}", known()));
    }

    /// Its task ends where it stands.
    pub(super) async fn die(self) -> TestLending {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
        self.lending
    }

    pub(super) async fn stop(self) -> TestLending {
        self.stop.cancel();
        timeout(PATIENCE, self.task).await.unwrap().unwrap();
        self.lending
    }
}

impl Party {
    fn new(carrier: impl Carrier + 'static) -> Self {
        Self {
            carrier: Box::new(carrier),
            read: Vec::new(),
        }
    }

    /// Says a message with a right sum.
    pub(super) async fn say(&mut self, text: &str, sequence: impl Into<Option<u8>>) {
        let line = sum(text, sequence.into());
        self.write(format!("{line}\r").as_bytes()).await;
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) {
        self.carrier.write_all(bytes).await.unwrap();
        self.carrier.flush().await.unwrap();
    }

    pub(super) async fn hear(&mut self) -> Heard {
        let heard = timeout(PATIENCE, self.next()).await.expect("in time");
        heard.expect("a message")
    }

    /// Nothing comes for a while.
    pub(super) async fn hears_nothing(&mut self) {
        if let Ok(heard) = timeout(SILENCE, self.next()).await {
            panic!("{heard:?}");
        }
    }

    /// The other side ends the connection.
    pub(super) async fn is_hung_up_on(&mut self) {
        let heard = timeout(PATIENCE, self.next()).await.expect("in time");
        assert!(heard.is_err(), "{heard:?}");
    }

    /// A library system is asked for its status after it had failed, and serves.
    pub(super) async fn proves_itself(&mut self) {
        let asked = self.hear().await;
        assert!(asked.text.starts_with("99"), "{}", asked.text);
        let status = format!("98YYYYYN100003{}2.00AOLL|", date());
        self.say(&status, asked.sequence).await;
    }

    /// A library system that lends whatever it is asked to.
    pub(super) async fn grant_all(mut self) {
        while let Ok(asked) = self.next().await {
            let field = |name: &str| {
                let fields = asked.text.split('|');
                fields
                    .filter_map(|f| f.strip_prefix(name))
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            };
            let (reader, item) = (field("AA"), field("AB"));
            self.say(&super::granted(&reader, &item), asked.sequence)
                .await;
        }
    }

    async fn next(&mut self) -> io::Result<Heard> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\r') {
                let mut bytes: Vec<u8> = self.read.drain(..=end).collect();
                bytes.pop();
                return Ok(Heard::read(bytes));
            }
            if self.carrier.read_buf(&mut self.read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

impl Heard {
    fn read(bytes: Vec<u8>) -> Self {
        let whole = String::from_utf8(bytes.clone()).unwrap();
        let (text, _) = whole.rsplit_once("AZ").unwrap();
        let (text, sequence) = match text.rsplit_once("AY") {
            Some((text, digit)) => (text, Some(digit.parse().unwrap())),
            None => (text, None),
        };
        assert_eq!(sum(text, sequence), whole, "a wrong sum");
        Self {
            bytes,
            text: text.to_owned(),
            sequence,
        }
    }
}

impl Logs {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A machine and a library system with nothing in between.
pub(super) async fn straight() -> (Party, Party) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
    let (near, far) = (near.unwrap(), far.unwrap().0);
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    (Party::new(near), Party::new(far))
}

/// Everything this thread logs from now on, traces too.
pub(super) fn logs() -> (Logs, tracing::subscriber::DefaultGuard) {
    let logs = Logs::default();
    let writer = logs.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    (logs, tracing::subscriber::set_default(subscriber))
}

/// The 18 characters of when the clock of a test begins, as the library's zone has it.
pub(super) fn date() -> String {
    let begin: Timestamp = BEGIN.parse().unwrap();
    let local = begin.to_zoned(jiff::tz::TimeZone::get("Asia/Shanghai").unwrap());
    local.strftime("%Y%m%d    %H%M%S").to_string()
}

/// The line of a message, by the standard's rule.
pub(super) fn sum(text: &str, sequence: Option<u8>) -> String {
    let text = match sequence {
        Some(digit) => format!("{text}AY{digit}AZ"),
        None => format!("{text}AZ"),
    };
    let total: u32 = text.bytes().map(u32::from).sum();
    let sum = total.wrapping_neg() & 0xffff;
    format!("{text}{sum:04X}")
}

fn serial(path: &Path) -> MachineLine {
    MachineLine::Serial(GateSection::on_port(path.to_owned()).serial)
}
