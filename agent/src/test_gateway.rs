//! For tests: the HTTPS side of a gateway, as far as enrolment, renewal and papers go.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::gateway_url::GatewayUrl;
use crate::identity::provider;
use crate::test_authority::{Authority, YEAR};

/// How long a gateway that answers 503 asks to be left alone.
pub(crate) const BUSY_FOR: Duration = Duration::from_secs(77);

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    /// The ETag it was asked beside, with its quotes.
    pub(crate) known: Option<String>,
    pub(crate) body: Vec<u8>,
    /// The certificate it was asked with.
    pub(crate) certificate: Option<Vec<u8>>,
}

/// What is answered: a status and a body.
pub(crate) type Answer = (u16, Vec<u8>);

/// A gateway on a free port of this machine; it ends when it is dropped.
pub(crate) struct TestGateway {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

impl TestGateway {
    /// A gateway of this authority, which answers like this.
    pub(crate) async fn start(
        authority: &Authority,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let (chain, key) = authority.gateway("localhost", YEAR);
        Self::presenting(chain, key, authority, answer).await
    }

    /// A gateway that presents this chain and takes the clients of this authority.
    pub(crate) async fn presenting(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        clients: &Authority,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let acceptor = acceptor(chain, key, clients);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = asked.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // A client that goes away is its own affair.
                let _ = serve(&acceptor, stream, &heard, &answer).await;
            }
        });
        Self {
            address,
            asked,
            task,
        }
    }

    pub(crate) fn url(&self) -> GatewayUrl {
        format!("https://localhost:{}", self.address.port())
            .parse()
            .unwrap()
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// TLS that presents this chain and takes the clients of this authority.
pub(crate) fn acceptor(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    clients: &Authority,
) -> TlsAcceptor {
    let mut roots = RootCertStore::empty();
    roots.add(clients.root.clone()).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), provider())
        .allow_unauthenticated()
        .build()
        .unwrap();
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
    heard: &Mutex<Vec<Asked>>,
    answer: impl Fn(&Asked) -> Answer,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(acceptor.accept(stream).await?);
    let (mut path, mut length, mut known) = (String::new(), 0, None);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(rest) = line
            .strip_prefix("post ")
            .or_else(|| line.strip_prefix("get "))
        {
            path = rest.split(' ').next().unwrap().to_owned();
        } else if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        } else if let Some(value) = line.strip_prefix("if-none-match:") {
            known = Some(value.trim().to_owned());
        } else if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let certificate = stream.get_ref().get_ref().1.peer_certificates();
    let asked = Asked {
        path,
        known,
        body,
        certificate: certificate.map(|chain| chain[0].to_vec()),
    };
    let (status, body) = answer(&asked);
    heard.lock().unwrap().push(asked);
    let busy = match status {
        503 => format!("retry-after: {}\r\n", BUSY_FOR.as_secs()),
        _ => String::new(),
    };
    let head = format!(
        "HTTP/1.1 {status} Said\r\ncontent-length: {}\r\n{busy}connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    stream.shutdown().await
}
