//! A line to a library system that breaks the desk's rule: after a break it says the last order
//! again instead of asking what became of it. Planted between a gateway and its library system.

use std::net::SocketAddr;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// What ends a message.
const END: u8 = b'\r';

/// The codes of what changes something: a loan, a return, a renewal.
const ORDERS: [&[u8]; 3] = [b"11", b"09", b"29"];

/// How often it says one order again.
const AGAIN_MAX: usize = 3;

/// Listens, and speaks to the library system for whoever calls; until it is aborted.
///
/// # Errors
/// Where there is no port.
pub async fn listen(library_system: SocketAddr) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A connection that ends, ends: the gateway calls again.
            tokio::spawn(async move { serve(stream, library_system).await });
        }
    });
    Ok(address)
}

/// One end of a line.
struct Line {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

async fn serve(gateway: TcpStream, library_system: SocketAddr) -> anyhow::Result<()> {
    let mut near = Line::over(gateway);
    let mut far = Line::to(library_system).await?;
    let mut login = None;
    loop {
        let said = near.next().await?;
        if said.starts_with(b"93") {
            login = Some(said.clone());
        }
        let mut answer = far.ask(&said).await;
        let is_order = ORDERS.iter().any(|code| said.starts_with(code));
        for _ in 0..AGAIN_MAX {
            if answer.is_ok() || !is_order {
                break;
            }
            far = Line::to(library_system).await?;
            if let Some(login) = &login {
                far.ask(login).await?;
            }
            answer = far.ask(&said).await;
        }
        near.writer.write_all(&answer?).await?;
    }
}

impl Line {
    async fn to(address: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self::over(TcpStream::connect(address).await?))
    }

    fn over(stream: TcpStream) -> Self {
        let (reader, writer) = stream.into_split();
        let reader = BufReader::new(reader);
        Self { reader, writer }
    }

    async fn ask(&mut self, said: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.writer.write_all(said).await?;
        self.next().await
    }

    async fn next(&mut self) -> anyhow::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.reader.read_until(END, &mut line).await?;
        let is_whole = line.last() == Some(&END);
        is_whole.then_some(line).context("the line ended")
    }
}
