//! Takes blobs from a server of the tests, so that it can be killed while it does.
//!
//! `taker ADDRESS FOLDER METER PLANT`: asks the server for its list, fetches all of it into the
//! folder, and writes into the file METER how many bytes of bodies were read, before they are
//! handed on: what a kill cannot take back. PLANT is a rule to break: `restart` begins anew what
//! was cut, `trust` takes whatever is on the disk.

#![allow(clippy::print_stdout, reason = "it tells whoever started it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use lujiang_kiosk::{
    BlobFolder, DownloadOptions, Downloads, ETag, Opened, Pace, Plan, Resource, Source,
    SourceError, Wanted, Yielding,
};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// A server that answers `KIND HASH FROM` with `LENGTH` and the bytes from there on.
#[derive(Debug)]
struct Server {
    address: String,
    meter: File,
    read: Arc<AtomicU64>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, address, folder, meter, plant] = &arguments[..] else {
        panic!("taker ADDRESS FOLDER METER PLANT");
    };
    let folder = Path::new(folder);
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    let meter = options.open(meter).unwrap();
    let mut before = [0; 8];
    let kept = meter.read_at(&mut before, 0).unwrap();
    let before = if kept == 8 {
        u64::from_le_bytes(before)
    } else {
        0
    };
    let server = Server {
        address: address.clone(),
        meter,
        read: Arc::new(AtomicU64::new(before)),
    };
    let wanted = server.list().await;
    if plant == "restart" {
        for it in &wanted {
            let _ = std::fs::remove_file(folder.join(format!("{}.part", it.blob)));
        }
    }
    if plant == "trust" {
        for it in &wanted {
            let part = folder.join(format!("{}.part", it.blob));
            if std::fs::metadata(&part).is_ok_and(|part| part.len() == it.size) {
                std::fs::rename(&part, folder.join(it.blob.to_string())).unwrap();
            }
        }
    }
    let (_, yielding) = watch::channel(Yielding::Free);
    let options = DownloadOptions {
        pause_min: Duration::from_millis(50),
        pause_max: Duration::from_millis(500),
        ..DownloadOptions::default()
    };
    let blobs = BlobFolder::open(folder).unwrap();
    let downloads = Downloads::new(blobs, Pace::free(yielding), options);
    let plan = Plan {
        wanted,
        elsewhere: Vec::new(),
    };
    downloads.fetch(&plan, &[Arc::new(server)]).await.unwrap();
    println!("done {:?}", downloads.meter());
}

impl Server {
    /// Asks until it gets the whole list.
    async fn list(&self) -> Vec<Wanted> {
        loop {
            let Ok((length, mut body)) = self.ask("list all 0").await else {
                // Nobody listens, or the line was cut: there is nothing else to wait for.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let mut text = vec![0; usize::try_from(length).unwrap()];
            if body.read_exact(&mut text).await.is_ok() {
                let text = String::from_utf8(text).unwrap();
                return text.lines().map(wanted).collect();
            }
        }
    }

    async fn ask(&self, question: &str) -> std::io::Result<(u64, BufReader<TcpStream>)> {
        let mut line = TcpStream::connect(&self.address).await?;
        line.write_all(format!("{question}\n").as_bytes()).await?;
        let mut body = BufReader::with_capacity(16 * 1024, line);
        let mut length = String::new();
        body.read_line(&mut length).await?;
        let length = length.trim().parse();
        Ok((length.map_err(std::io::Error::other)?, body))
    }
}

#[async_trait]
impl Source for Server {
    async fn open(
        &self,
        resource: &Resource,
        from: u64,
        etag: Option<&ETag>,
    ) -> Result<Opened, SourceError> {
        let (kind, blob) = match resource {
            Resource::Blob(blob) => ("blob", blob),
            Resource::Blocks(blob) => ("blocks", blob),
            Resource::Metadata(_) => return Err(SourceError::Absent(resource.clone())),
        };
        let asked = self.ask(&format!("{kind} {blob} {from}")).await;
        let (length, body) = asked.map_err(|error| SourceError::Unreachable(Box::new(error)))?;
        let meter = self.meter.try_clone().unwrap();
        let read = Arc::clone(&self.read);
        let pieces = stream::unfold((body, length - from), move |(mut body, left)| {
            let (meter, read) = (meter.try_clone().unwrap(), Arc::clone(&read));
            async move {
                if left == 0 {
                    return None;
                }
                let mut piece = vec![0; 16 * 1024];
                let length = match body.read(&mut piece).await {
                    Ok(0) => Err("cut".into()),
                    Ok(length) => Ok(length as u64),
                    Err(error) => Err(error.into()),
                };
                let length = match length {
                    Ok(length) => length,
                    Err(error) => return Some((Err(SourceError::Unreachable(error)), (body, 0))),
                };
                let sum = read.fetch_add(length, Ordering::Relaxed) + length;
                meter.write_all_at(&sum.to_le_bytes(), 0).unwrap();
                piece.truncate(usize::try_from(length).unwrap());
                Some((Ok(Bytes::from(piece)), (body, left - length)))
            }
        });
        Ok(Opened {
            offset: from,
            length: Some(length),
            etag: etag.cloned(),
            body: pieces.boxed(),
        })
    }
}

/// `HASH SIZE BLOCKS`
fn wanted(line: &str) -> Wanted {
    let mut words = line.split(' ');
    let mut word = || words.next().unwrap();
    Wanted {
        blob: word().parse().unwrap(),
        size: word().parse().unwrap(),
        blocks: Some(word().parse().unwrap()),
    }
}
