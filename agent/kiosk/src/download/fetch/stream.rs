//! What one source gives of one blob: its block list, and the bytes of its gaps. Nothing is read
//! beyond what is signed to be there.

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use lujiang_wire::BlobHash;
use tokio::time::timeout;

use super::{Fetch, Stop, blocking, judged};
use crate::download::blocks::Blocks;
use crate::download::pace::ReadOn;
use crate::download::part::Part;
use crate::download::{DownloadError, Wanted};
use crate::{ETag, Opened, Resource, SourceError};

/// A block that is wrong this often is not the line's fault.
const WRONG_MAX: u32 = 3;

/// A source that ends early this often in a row, without giving a byte, has no more of it.
const EMPTY_MAX: u32 = 5;

impl Fetch<'_> {
    /// The block list, from this source.
    pub(super) async fn list(
        self,
        wanted: &Wanted,
        signed: &BlobHash,
        source: usize,
    ) -> Result<(Blocks, Vec<u8>), Stop> {
        let resource = Resource::Blocks(wanted.blob);
        let opened = self.ask(wanted, source, &resource, 0).await?;
        let length = Blocks::list_bytes(wanted);
        if opened.offset != 0 || opened.length.is_some_and(|found| found != length) {
            return Err(Stop::Out(DownloadError::BlockList { blob: wanted.blob }));
        }
        let mut body = opened.body;
        let mut list = Vec::new();
        while (list.len() as u64) < length {
            match self.next(wanted, &mut body, list.len() as u64).await? {
                Some(bytes) => list.extend_from_slice(&bytes),
                None => break,
            }
        }
        let blocks = Blocks::checked(wanted, signed, &list);
        let blocks = blocks.ok_or(DownloadError::BlockList { blob: wanted.blob });
        Ok((blocks.map_err(Stop::Out)?, list))
    }

    /// Fills the gaps from this source until it gives no more; none where nothing is missing.
    pub(super) async fn gaps(
        self,
        wanted: &Wanted,
        mut part: Part,
        told: &mut u64,
        source: usize,
    ) -> Result<(Part, Option<Stop>), DownloadError> {
        let mut progressed = 0;
        let mut empty = 0;
        while let Some(gap) = part.gap() {
            let mut next = gap.start;
            let mut body = match self.open_at(wanted, source, next).await {
                Ok(body) => body,
                Err(Stop::Broken { retry_after, .. }) => {
                    let stop = Stop::Broken {
                        progressed,
                        retry_after,
                    };
                    return Ok((part, Some(stop)));
                }
                Err(out) => return Ok((part, Some(out))),
            };
            let mut came = false;
            while part.gap().is_some_and(|gap| gap.start == next) {
                let bytes = match self.next(wanted, &mut body, progressed).await {
                    Ok(Some(bytes)) => bytes,
                    Ok(None) => break,
                    Err(stop) => return Ok((part, Some(stop))),
                };
                let took = bytes.len();
                next += took as u64;
                let (left, wrong) = blocking(move || {
                    let wrong = part.take(&bytes)?;
                    Ok((part, wrong))
                })
                .await?;
                part = left;
                (came, progressed) = (true, progressed + took as u64);
                self.gauge.came(took);
                self.room.wrote(took as u64).await?;
                let read_on = self.pace.take(took).await;
                self.gauge.moved(*told, part.bytes());
                *told = part.bytes();
                for wrong in wrong {
                    self.gauge.was_wrong();
                    if wrong.times >= WRONG_MAX {
                        let altered = DownloadError::Altered {
                            blob: wanted.blob,
                            block: wrong.block as u64,
                            times: wrong.times,
                        };
                        return Ok((part, Some(Stop::Out(altered))));
                    }
                }
                if read_on == ReadOn::No {
                    break;
                }
            }
            empty = if came { 0 } else { empty + 1 };
            if empty == EMPTY_MAX {
                let short = self.length(wanted, part.gap().map(|gap| gap.start));
                return Ok((part, Some(Stop::Out(short))));
            }
        }
        Ok((part, None))
    }

    /// The bytes from here on. A source that gives the whole is let run up to here: that costs the
    /// line, and loses nothing that is there.
    async fn open_at(
        self,
        wanted: &Wanted,
        source: usize,
        from: u64,
    ) -> Result<BoxStream<'static, Result<Bytes, SourceError>>, Stop> {
        let resource = Resource::Blob(wanted.blob);
        let opened = self.ask(wanted, source, &resource, from).await?;
        let is_other = opened.length.is_some_and(|found| found != wanted.size);
        if is_other || opened.offset > from {
            return Err(Stop::Out(self.length(wanted, opened.length)));
        }
        let mut body = opened.body;
        let mut to_skip = from - opened.offset;
        while to_skip > 0 {
            let Some(mut bytes) = self.next(wanted, &mut body, 0).await? else {
                return Err(Stop::Out(self.length(wanted, Some(from - to_skip))));
            };
            let skipped = bytes
                .len()
                .min(usize::try_from(to_skip).unwrap_or(usize::MAX));
            to_skip -= skipped as u64;
            let rest = bytes.split_off(skipped);
            if !rest.is_empty() {
                let rest = futures_util::stream::once(async { Ok(rest) });
                return Ok(rest.chain(body).boxed());
            }
        }
        Ok(body)
    }

    async fn ask(
        self,
        wanted: &Wanted,
        source: usize,
        resource: &Resource,
        from: u64,
    ) -> Result<Opened, Stop> {
        self.pace.ready().await;
        self.gauge.asked();
        // What is named by its hash is the same as long as its name is; the gateway says so by
        // an ETag that is the name.
        let etag = ETag(format!("\"{}\"", wanted.blob));
        let if_range = (from > 0).then_some(&etag);
        let opened = self.sources[source].open(resource, from, if_range);
        match timeout(self.options.patience, opened).await {
            Ok(Ok(opened)) => Ok(self.gauge.metered(opened)),
            Ok(Err(error)) => Err(judged(wanted.blob, error, 0)),
            Err(late) => Err(judged(wanted.blob, silent(late), 0)),
        }
    }

    /// The next bytes of a body.
    async fn next(
        self,
        wanted: &Wanted,
        body: &mut BoxStream<'static, Result<Bytes, SourceError>>,
        progressed: u64,
    ) -> Result<Option<Bytes>, Stop> {
        let read = timeout(self.options.patience, body.next()).await;
        let read = read.unwrap_or_else(|late| Some(Err(silent(late))));
        let read = read.transpose();
        read.map_err(|error| judged(wanted.blob, error, progressed))
    }

    fn length(self, wanted: &Wanted, found: Option<u64>) -> DownloadError {
        DownloadError::Length {
            blob: wanted.blob,
            expected: wanted.size,
            found,
        }
    }
}

fn silent(late: tokio::time::error::Elapsed) -> SourceError {
    SourceError::Unreachable(Box::new(late))
}
