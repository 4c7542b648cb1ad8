//! The socket of one connection and the bytes on both sides of it.

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf,
};
use tokio::time::timeout;

/// Bytes read at once from an idle connection: one gate's packet is far smaller.
pub(crate) const READ_CHUNK: usize = 4 * 1024;

/// How long a peer that is being closed may take to read why.
const FAREWELL_MAX: Duration = Duration::from_secs(1);

/// The socket and the bytes on both sides of it.
pub(crate) struct Wire<S> {
    pub(crate) reader: ReadHalf<S>,
    pub(crate) writer: WriteHalf<S>,
    pub(crate) received: BytesMut,
    pub(crate) unsent: BytesMut,
}

impl<S: AsyncRead + AsyncWrite> Wire<S> {
    pub(crate) fn new(stream: S) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            reader,
            writer,
            received: BytesMut::new(),
            unsent: BytesMut::new(),
        }
    }

    /// Reads more into `received`.
    ///
    /// # Cancel safety
    /// Nothing read is lost.
    pub(crate) async fn read(&mut self) -> std::io::Result<usize> {
        self.received.reserve(READ_CHUNK);
        self.reader.read_buf(&mut self.received).await
    }

    /// Writes what is unsent, closes, and reads away what still comes for a moment: a socket
    /// closed over unread bytes takes the last words back.
    pub(crate) async fn farewell(mut self) {
        let closing = async {
            self.writer.write_all_buf(&mut self.unsent).await?;
            self.writer.shutdown().await?;
            loop {
                self.received.clear();
                if self.read().await? == 0 {
                    return Ok::<(), std::io::Error>(());
                }
            }
        };
        // Whoever does not listen to the end goes without it.
        let _ = timeout(FAREWELL_MAX, closing).await;
    }
}
