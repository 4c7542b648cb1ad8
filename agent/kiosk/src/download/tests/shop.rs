//! A source that has blobs, and one thing that is wrong with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use lujiang_wire::{BLOCK_BYTES, BlobHash};
use sha2::{Digest as _, Sha256};

use super::broken;
use crate::download::Wanted;
use crate::{ETag, Opened, Resource, Source, SourceError};

/// The longest piece a body comes in.
pub(super) const PIECE_MAX: usize = 9_000;

/// What is wrong with a source.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    /// Bodies break off anywhere, and some are not begun.
    Cuts { seed: u64 },
    /// A byte is another, so many times.
    Flipped { at: u64, times: u32 },
    /// The block list is another.
    ListFlipped,
    /// Ranges are not looked at.
    NoRange,
    /// It says another length.
    Length { said: Option<u64> },
    /// It goes on for ever.
    Endless { said: Option<u64> },
    /// It ends, as if that were all.
    Short { bytes: u64 },
    /// It has no time, so many times.
    Busy { asked: Duration, times: u32 },
    /// It stops in the middle and says nothing more, so many times.
    Silent { times: u32 },
    /// It does not have it.
    Absent,
    /// It says no.
    Refuses,
    /// It says that this lies beyond.
    Beyond,
}

/// A source.
#[derive(Debug, Clone)]
pub(super) struct Shop(Arc<Mutex<Stock>>);

#[derive(Debug)]
struct Stock {
    blobs: BTreeMap<BlobHash, Bytes>,
    order: Vec<BlobHash>,
    fault: Option<Fault>,
    given: u64,
}

impl Shop {
    /// One blob of each size.
    pub(super) fn with(sizes: &[u64]) -> Self {
        let blobs = sizes.iter().enumerate().map(|(seed, size)| {
            let bytes: Vec<u8> = (0..*size)
                .map(|at| (at.wrapping_mul(31) >> 3) as u8 ^ seed as u8 ^ (at >> 16) as u8)
                .collect();
            (BlobHash::new(Sha256::digest(&bytes).into()), bytes.into())
        });
        let blobs: Vec<(BlobHash, Bytes)> = blobs.collect();
        Self(Arc::new(Mutex::new(Stock {
            order: blobs.iter().map(|(blob, _)| *blob).collect(),
            blobs: blobs.into_iter().collect(),
            fault: None,
            given: 0,
        })))
    }

    pub(super) fn set(&self, fault: Fault) {
        self.0.lock().unwrap().fault = Some(fault);
    }

    /// The first blob is signed under another hash.
    pub(super) fn rename(&self, named: BlobHash) {
        let mut stock = self.0.lock().unwrap();
        let bytes = stock.blobs.pop_first().unwrap().1;
        stock.blobs.insert(named, bytes);
        stock.order = vec![named];
    }

    pub(super) fn source(&self) -> Arc<dyn Source> {
        Arc::new(self.clone())
    }

    pub(super) fn blob(&self, blob: &BlobHash) -> Bytes {
        self.0.lock().unwrap().blobs[blob].clone()
    }

    pub(super) fn wanted(&self) -> Vec<Wanted> {
        let stock = self.0.lock().unwrap();
        let wanted = stock.order.iter().map(|blob| Wanted {
            blob: *blob,
            size: stock.blobs[blob].len() as u64,
            blocks: Some(BlobHash::new(
                Sha256::digest(list(&stock.blobs[blob])).into(),
            )),
        });
        wanted.collect()
    }

    /// Bytes of all blobs.
    pub(super) fn bytes(&self) -> u64 {
        let stock = self.0.lock().unwrap();
        stock.blobs.values().map(|bytes| bytes.len() as u64).sum()
    }

    /// Bytes of the block lists that are asked for.
    pub(super) fn list_bytes(&self) -> u64 {
        let stock = self.0.lock().unwrap();
        let lists = stock.blobs.values().map(|bytes| list(bytes).len() as u64);
        lists.filter(|bytes| *bytes > 32).sum()
    }

    /// Bytes it gave.
    pub(super) fn given(&self) -> u64 {
        self.0.lock().unwrap().given
    }
}

impl Stock {
    /// What it says instead of giving.
    fn refusal(&mut self, resource: &Resource) -> Option<SourceError> {
        match &mut self.fault {
            Some(Fault::Busy { asked, times }) if *times > 0 => {
                *times -= 1;
                let retry_after = Some(*asked);
                Some(SourceError::Busy { retry_after })
            }
            Some(Fault::Absent) => Some(SourceError::Absent(resource.clone())),
            Some(Fault::Refuses) => Some(SourceError::Refused("403".to_owned())),
            Some(Fault::Beyond) => Some(SourceError::Beyond),
            Some(_) | None => None,
        }
    }
}

#[async_trait]
impl Source for Shop {
    async fn open(
        &self,
        resource: &Resource,
        from: u64,
        if_range: Option<&ETag>,
    ) -> Result<Opened, SourceError> {
        let mut stock = self.0.lock().unwrap();
        if let Some(refusal) = stock.refusal(resource) {
            return Err(refusal);
        }
        let (blob, whole, is_blob) = match resource {
            Resource::Blob(blob) => (blob, stock.blobs.get(blob).cloned(), true),
            Resource::Blocks(blob) => {
                let list = stock.blobs.get(blob).map(|bytes| list(bytes).into());
                (blob, list, false)
            }
            Resource::Metadata(_) => return Err(SourceError::Absent(resource.clone())),
        };
        let mut whole = whole.ok_or_else(|| SourceError::Absent(resource.clone()))?;
        assert_eq!(if_range.is_some(), from > 0);
        assert!(if_range.is_none_or(|etag| etag.0 == format!("\"{blob}\"")));
        let length = whole.len() as u64;
        let mut opened = (from, Some(length));
        let mut end = None;
        match stock.fault {
            Some(Fault::Cuts { ref mut seed }) => {
                *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let luck = *seed >> 40;
                if luck % 5 == 0 {
                    return Err(broken("not reached"));
                }
                let most = usize::try_from(from + luck % 200_000).unwrap();
                if most < whole.len() {
                    whole.truncate(most);
                    end = Some(stream::iter([Err(broken("cut"))]).boxed());
                }
            }
            Some(Fault::Flipped { at, ref mut times }) if is_blob && from <= at && *times > 0 => {
                *times -= 1;
                let mut bytes = whole.to_vec();
                bytes[usize::try_from(at).unwrap()] ^= 0x10;
                whole = bytes.into();
            }
            Some(Fault::ListFlipped) if !is_blob => {
                let mut bytes = whole.to_vec();
                bytes[40] ^= 1;
                whole = bytes.into();
            }
            Some(Fault::NoRange) => opened.0 = 0,
            Some(Fault::Length { said }) if is_blob => opened.1 = said,
            Some(Fault::Endless { said }) if is_blob => {
                opened.1 = said;
                let more = stream::repeat_with(|| Ok(Bytes::from_static(&[0; 512])));
                end = Some(more.boxed());
            }
            Some(Fault::Short { bytes }) if is_blob => {
                whole.truncate(usize::try_from(bytes).unwrap());
            }
            Some(Fault::Silent { ref mut times }) if is_blob && *times > 0 => {
                *times -= 1;
                whole.truncate(usize::try_from(from).unwrap() + 5_000);
                end = Some(stream::pending().boxed());
            }
            Some(_) | None => {}
        }
        let rest = whole.slice(usize::try_from(opened.0).unwrap().min(whole.len())..);
        stock.given += rest.len() as u64;
        let end = end.unwrap_or_else(|| stream::empty().boxed());
        let body = pieces(rest).chain(end).boxed();
        Ok(Opened {
            offset: opened.0,
            length: opened.1,
            etag: if_range.cloned(),
            body,
        })
    }
}

/// A line takes its time, so that a fetch can be given up in the middle: the pause is the line's
/// own, and nobody waits by it.
fn pieces(rest: Bytes) -> BoxStream<'static, Result<Bytes, SourceError>> {
    let pieces = stream::unfold(rest, |mut rest| async move {
        let piece = rest.split_to(rest.len().min(PIECE_MAX));
        tokio::time::sleep(Duration::from_millis(5)).await;
        (!piece.is_empty()).then_some((Ok(piece), rest))
    });
    pieces.boxed()
}

fn list(bytes: &[u8]) -> Vec<u8> {
    bytes.chunks(BLOCK_BYTES).flat_map(Sha256::digest).collect()
}
