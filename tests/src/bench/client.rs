//! One client of the load. It sends the same 300 bytes again and again with another id in them,
//! and costs as little as can be, so that the broker is what is measured.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsConnector;

use super::load::{Tally, Who};
use crate::packet::{self, CONNACK, Connect, PUBACK, Qos, Version};
use crate::papers::Papers;
use crate::publisher::visit;

/// The payload: one CloudEvent of a usual length.
pub const EVENT_BYTES: usize = 300;

/// Digits of an event's number.
const DIGITS: usize = 10;

/// Packet identifiers a paced client uses in turn; the door takes 64 at once.
const WINDOW: u16 = 64;

/// The longest wait for a PUBACK, or a CONNACK: beyond it the broker has failed.
const ANSWER: Duration = Duration::from_secs(60);

trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

/// Makes connections to one door.
pub struct Dialer {
    door: SocketAddr,
    roots: Option<Arc<RootCertStore>>,
}

/// A connected client.
pub struct Client {
    line: Box<dyn Line>,
    device: String,
    client_id: String,
    /// When the PUBLISH of each packet identifier was due; `None` where none is under way.
    due: Vec<Option<Instant>>,
    number: u64,
    tally: Tally,
    read: Vec<u8>,
}

/// A PUBLISH whose identifier and number are put in place before each sending.
struct Template {
    bytes: Vec<u8>,
    id_at: usize,
    number_at: usize,
}

impl Dialer {
    /// Trusts these roots, where the door is behind TLS. Sessions are never resumed: each
    /// connection costs a whole handshake, as after a power cut.
    ///
    /// # Errors
    /// Where the roots cannot be read.
    pub fn new(door: SocketAddr, roots: Option<&Path>) -> anyhow::Result<Self> {
        let roots = roots.map(read_roots).transpose()?.map(Arc::new);
        Ok(Self { door, roots })
    }

    /// Connects and is let in.
    ///
    /// # Errors
    /// Where it is not.
    pub async fn connect(&self, who: Who) -> anyhow::Result<Client> {
        timeout(ANSWER, self.try_connect(who))
            .await
            .context("no CONNACK in time")?
    }

    async fn try_connect(&self, who: Who) -> anyhow::Result<Client> {
        let stream = TcpStream::connect(self.door).await.context("dialling")?;
        stream.set_nodelay(true)?;
        let mut line: Box<dyn Line> = match &self.roots {
            None => Box::new(stream),
            Some(roots) => {
                let tls = connector(roots, who.papers.as_ref())?;
                let name = ServerName::from(self.door.ip());
                let secured = tls.connect(name, stream).await;
                Box::new(secured.context("the TLS handshake")?)
            }
        };
        let mut connect = Connect::new(Version::V311, &who.device, &who.password);
        connect.client_id.clone_from(&who.client_id);
        if who.papers.is_some() {
            connect.login = None;
        }
        connect.keep_alive = 1_200;
        line.write_all(&connect.bytes()).await.context("CONNECT")?;
        let (first, body) = packet::read(&mut line).await.context("CONNACK")?;
        ensure!(
            first == CONNACK && body.get(1) == Some(&0),
            "{}: CONNACK {first:#x} {body:?}",
            who.device
        );
        Ok(Client {
            line,
            device: who.device,
            client_id: who.client_id,
            due: vec![None; usize::from(WINDOW) + 1],
            number: 0,
            tally: Tally::default(),
            read: Vec::with_capacity(4_096),
        })
    }
}

fn read_roots(file: &Path) -> anyhow::Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(file).context("reading the roots")? {
        store.add(root?).context("a root")?;
    }
    Ok(store)
}

fn connector(roots: &Arc<RootCertStore>, papers: Option<&Papers>) -> anyhow::Result<TlsConnector> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(Arc::clone(roots));
    let mut config = match papers {
        None => config.with_no_client_auth(),
        Some(papers) => {
            let chain = CertificateDer::pem_file_iter(&papers.certificate)?;
            let chain = chain.collect::<Result<_, _>>().context("a certificate")?;
            let key = PrivateKeyDer::from_pem_file(&papers.key).context("a key")?;
            config.with_client_auth_cert(chain, key)?
        }
    };
    config.resumption = rustls::client::Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

impl Client {
    /// Keeps `in_flight` facts under way until `length` after `from`, then waits for the rest.
    ///
    /// # Errors
    /// Where the broker does not answer.
    pub async fn saturate(
        mut self,
        in_flight: u16,
        round: String,
        from: Instant,
        length: Duration,
    ) -> anyhow::Result<Tally> {
        let mut template = Template::new(&self.device, &self.client_id, &round);
        let mut free: Vec<u16> = (1..=in_flight.min(WINDOW)).collect();
        let all = free.len();
        let mut batch = Vec::new();
        loop {
            let now = Instant::now();
            if now < from + length {
                batch.clear();
                for id in free.drain(..) {
                    self.number += 1;
                    batch.extend_from_slice(template.fill(id, self.number));
                    self.due[usize::from(id)] = Some(now);
                }
                self.line.write_all(&batch).await.context("PUBLISH")?;
            } else if free.len() == all {
                return Ok(self.tally);
            }
            self.acknowledged(from, from + length, &mut free).await?;
        }
    }

    /// Sends a fact every `pause`, answered or not, as far as the window reaches.
    ///
    /// # Errors
    /// Where the broker does not answer.
    pub async fn paced(
        mut self,
        pause: Duration,
        round: String,
        from: Instant,
        length: Duration,
    ) -> anyhow::Result<Tally> {
        let mut template = Template::new(&self.device, &self.client_id, &round);
        let mut free: Vec<u16> = (1..=WINDOW).collect();
        // Clients are spread over the first pause, else all would send in the same instant.
        let spread = rand::random_range(0.0..1.0);
        let mut due = Instant::now() + pause.mul_f64(spread);
        let end = from + length;
        loop {
            tokio::select! {
                // Nothing is taken from the line before all is read: cancel safe.
                read = self.acknowledged(from, end, &mut free) => read?,
                () = sleep_until(due), if due < end && !free.is_empty() => {
                    let id = free.pop().context("just looked")?;
                    self.number += 1;
                    self.due[usize::from(id)] = Some(due);
                    let bytes = template.fill(id, self.number);
                    self.line.write_all(bytes).await.context("PUBLISH")?;
                    due += pause;
                }
            }
            if due >= end && free.len() == usize::from(WINDOW) {
                return Ok(self.tally);
            }
        }
    }

    /// Sends one fact and waits for its PUBACK.
    ///
    /// # Errors
    /// Where the broker does not answer.
    pub async fn one_fact(mut self, round: String) -> anyhow::Result<Tally> {
        let mut template = Template::new(&self.device, &self.client_id, &round);
        let (now, mut free) = (Instant::now(), Vec::new());
        self.due[1] = Some(now);
        let bytes = template.fill(1, 1);
        self.line.write_all(bytes).await.context("PUBLISH")?;
        while free.is_empty() {
            self.acknowledged(now, now + ANSWER, &mut free).await?;
        }
        Ok(self.tally)
    }

    /// Waits for PUBACKs and frees their identifiers. Cancel safe: what is read is kept.
    async fn acknowledged(
        &mut self,
        from: Instant,
        end: Instant,
        free: &mut Vec<u16>,
    ) -> anyhow::Result<()> {
        let read = timeout(ANSWER, self.line.read_buf(&mut self.read));
        let count = read.await.context("no PUBACK in time")??;
        ensure!(count > 0, "the broker closed the connection");
        let now = Instant::now();
        let whole = self.read.len() / 4 * 4;
        for puback in self.read[..whole].chunks_exact(4) {
            ensure!(puback[..2] == [PUBACK, 2], "no PUBACK: {puback:?}");
            let id = u16::from_be_bytes([puback[2], puback[3]]);
            let place = self.due.get_mut(usize::from(id)).context("a known id")?;
            let due = place.take().context("a PUBACK for nothing")?;
            self.tally.acknowledged_ever += 1;
            if (from..end).contains(&now) {
                let delay = (now - due).as_micros();
                self.tally
                    .delays
                    .push(u32::try_from(delay).unwrap_or(u32::MAX));
            }
            free.push(id);
        }
        self.read.drain(..whole);
        Ok(())
    }
}

impl Template {
    fn new(device: &str, client_id: &str, round: &str) -> Self {
        let prefix = format!("{round}-{client_id}-");
        let now = jiff::Timestamp::now();
        let event = |padding: usize| {
            let digits = "0".repeat(DIGITS);
            let id = format!("{prefix}{}{digits}", "x".repeat(padding));
            visit(device, &id, now, 1).to_string()
        };
        let event = event(EVENT_BYTES.saturating_sub(event(0).len()));
        let topic = format!("library/v1/devices/{device}/events");
        let bytes = packet::publish(Version::V311, &topic, event.as_bytes(), Qos::One(0));
        let number = "0".repeat(DIGITS) + "\"";
        let number_at = event.find(&number).expect("the id is in it");
        let event_at = bytes.len() - event.len();
        Self {
            id_at: event_at - 2,
            number_at: event_at + number_at,
            bytes,
        }
    }

    fn fill(&mut self, id: u16, mut number: u64) -> &[u8] {
        self.bytes[self.id_at..self.id_at + 2].copy_from_slice(&id.to_be_bytes());
        for digit in self.bytes[self.number_at..self.number_at + DIGITS]
            .iter_mut()
            .rev()
        {
            *digit = b'0' + u8::try_from(number % 10).expect("one digit");
            number /= 10;
        }
        &self.bytes
    }
}
