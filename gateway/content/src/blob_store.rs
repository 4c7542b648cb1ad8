//! Blobs by their SHA-256, each with its block list, on a disk or in any S3 store. A blob is there
//! whole or not at all: its hash is known before it is put in its place, and on a disk it is
//! synced, renamed, and its folder synced.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _};
use lujiang_wire::BlobHash;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Location;
use object_store::{
    GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, PutPayload, WriteMultipart,
};

use crate::block_list::BlockHasher;
use crate::offer::BlobFacts;

/// The folder of blobs, and that of their block lists.
const BLOBS: &str = "blobs";
const BLOCKS: &str = "blocks";

/// Parts of an upload under way at once to an S3 store.
const PARTS_AT_ONCE: usize = 4;

/// The blobs. Clones are the same store.
#[derive(Debug, Clone)]
pub struct BlobStore(Arc<dyn ObjectStore>);

/// Where an S3 store is, and with what it is spoken to. Debug shows no secret.
pub struct S3 {
    /// The endpoint, where it is not Amazon's own.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// The access key's id.
    pub access_key: String,
    /// The access key's secret.
    pub secret: String,
    /// Whether the endpoint may be spoken to without TLS.
    pub plain: PlainHttp,
}

/// Whether plain HTTP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainHttp {
    /// Never.
    Refused,
    /// On this machine.
    OnLoopback,
}

/// Bytes of a blob as they come.
pub type BlobStream = BoxStream<'static, Result<Bytes, BlobError>>;

/// Why a blob cannot be had or put.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The store fails.
    #[error("the store of blobs fails")]
    Store(#[from] object_store::Error),
    /// What came is not what its name says.
    #[error("{found} came under the name of {expected}")]
    Hash {
        /// What it was called.
        expected: BlobHash,
        /// What it is.
        found: BlobHash,
    },
    /// More than was announced, or may be.
    #[error("more than {max} bytes came")]
    TooLarge {
        /// How many may come.
        max: u64,
    },
    /// It broke off.
    #[error("the bytes broke off after {0}")]
    BrokeOff(u64),
}

impl BlobStore {
    /// In a folder, which is made, and in which nobody else writes: what a killed process left
    /// half there is taken away.
    ///
    /// # Errors
    /// Where it cannot be.
    pub fn on_disk(folder: &Path) -> Result<Self, BlobError> {
        let failed = |source: std::io::Error| object_store::Error::Generic {
            store: "folder",
            source: Box::new(source),
        };
        fs::create_dir_all(folder).map_err(failed)?;
        for within in [BLOBS, BLOCKS] {
            remove_half_written(&folder.join(within)).map_err(failed)?;
        }
        let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self(Arc::new(store)))
    }

    /// In a folder in which somebody else writes, a running gateway: what is half there is his.
    ///
    /// # Errors
    /// Where it cannot be.
    pub fn beside(folder: &Path) -> Result<Self, BlobError> {
        let store = LocalFileSystem::new_with_prefix(folder)?;
        Ok(Self(Arc::new(store)))
    }

    /// In a bucket.
    ///
    /// # Errors
    /// Where the options make no store.
    pub fn in_bucket(s3: &S3) -> Result<Self, BlobError> {
        let mut builder = AmazonS3Builder::new()
            .with_region(&s3.region)
            .with_bucket_name(&s3.bucket)
            .with_access_key_id(&s3.access_key)
            .with_secret_access_key(&s3.secret)
            .with_allow_http(s3.plain == PlainHttp::OnLoopback);
        if let Some(endpoint) = &s3.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        Ok(Self(Arc::new(builder.build()?)))
    }

    /// The size of a blob that is there.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn size(&self, blob: &BlobHash) -> Result<Option<u64>, BlobError> {
        match self.0.head(&place(blob)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a part of a blob, which must lie within it.
    ///
    /// # Errors
    /// Where it is not there, or the store fails.
    pub async fn read(&self, blob: &BlobHash, part: Range<u64>) -> Result<BlobStream, BlobError> {
        if part.is_empty() {
            return Ok(futures_util::stream::empty().boxed());
        }
        let options = GetOptions {
            range: Some(GetRange::Bounded(part)),
            ..GetOptions::default()
        };
        let found = self.0.get_opts(&place(blob), options).await?;
        let stream = found.into_stream();
        Ok(stream.map(|bytes| bytes.map_err(BlobError::from)).boxed())
    }

    /// The block list of a blob.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn blocks(&self, blob: &BlobHash) -> Result<Option<Bytes>, BlobError> {
        match self.0.get(&blocks_place(blob)).await {
            Ok(found) => Ok(Some(found.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts a blob, which is there under its name once this ends, or not at all.
    ///
    /// # Errors
    /// Where the bytes are others, too many, or break off; or the store fails.
    ///
    /// # Cancel safety
    /// Dropped before it ends, nothing is there under its name.
    pub async fn put<E>(
        &self,
        blob: BlobHash,
        size_max: u64,
        mut body: impl futures_util::Stream<Item = Result<Bytes, E>> + Unpin + Send,
    ) -> Result<BlobFacts, BlobError> {
        let upload = self.0.put_multipart(&place(&blob)).await?;
        let mut writer = WriteMultipart::new(upload);
        let mut hasher = BlockHasher::default();
        let taken = async {
            while let Some(bytes) = body.next().await {
                let bytes = bytes.map_err(|_| BlobError::BrokeOff(hasher.size()))?;
                if hasher.size() + bytes.len() as u64 > size_max {
                    return Err(BlobError::TooLarge { max: size_max });
                }
                hasher.update(&bytes);
                writer.wait_for_capacity(PARTS_AT_ONCE).await?;
                writer.write(&bytes);
            }
            let hashed = hasher.finish();
            match hashed.blob == blob {
                true => Ok(hashed),
                false => Err(BlobError::Hash {
                    expected: blob,
                    found: hashed.blob,
                }),
            }
        };
        let hashed = match taken.await {
            Ok(hashed) => hashed,
            Err(error) => {
                // What is half there has no name; that it goes is a courtesy to the disk.
                let _ = writer.abort().await;
                return Err(error);
            }
        };
        let facts = BlobFacts {
            size: hashed.size,
            blocks: hashed.blocks(),
        };
        // The list first: a blob that is there has one.
        let list = PutPayload::from(hashed.list);
        if let Err(error) = self.0.put(&blocks_place(&blob), list).await {
            let _ = writer.abort().await;
            return Err(error.into());
        }
        writer.finish().await?;
        Ok(facts)
    }

    /// Puts bytes that are at hand.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn put_bytes(&self, bytes: Vec<u8>) -> Result<(BlobHash, BlobFacts), BlobError> {
        let mut hasher = BlockHasher::default();
        hasher.update(&bytes);
        let hashed = hasher.finish();
        let size = hashed.size;
        let body = futures_util::stream::iter([Ok::<_, std::convert::Infallible>(bytes.into())]);
        let facts = self.put(hashed.blob, size, body).await?;
        Ok((hashed.blob, facts))
    }

    /// Every blob that is there with its bytes; 0 for one of which only the block list is there.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn list(&self) -> Result<BTreeMap<BlobHash, u64>, BlobError> {
        let mut blobs = BTreeMap::new();
        for (folder, is_blob) in [(BLOCKS, false), (BLOBS, true)] {
            let mut found = self.0.list(Some(&Location::from(folder)));
            while let Some(meta) = found.next().await {
                let meta = meta?;
                let name = meta.location.filename().and_then(|it| it.parse().ok());
                blobs
                    .extend(name.map(|name: BlobHash| (name, if is_blob { meta.size } else { 0 })));
            }
        }
        Ok(blobs)
    }

    /// Takes a blob away.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn remove(&self, blob: &BlobHash) -> Result<(), BlobError> {
        // The blob first: what has no list is not there.
        for place in [place(blob), blocks_place(blob)] {
            match self.0.delete(&place).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for S3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3")
            .field("endpoint", &self.endpoint)
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}

/// Takes away files whose names are no blob's: the store writes a file under another name, and
/// renames it once it is whole.
fn remove_half_written(folder: &Path) -> std::io::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    for fan in fs::read_dir(folder)? {
        for entry in fs::read_dir(fan?.path())? {
            let entry = entry?;
            let name = entry.file_name();
            let is_blob = name
                .to_str()
                .is_some_and(|it| it.parse::<BlobHash>().is_ok());
            if !is_blob {
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

/// In 256 folders, so that none has more than some thousands of names.
fn place(blob: &BlobHash) -> Location {
    let name = blob.to_string();
    Location::from(format!("{BLOBS}/{}/{name}", &name[..2]))
}

fn blocks_place(blob: &BlobHash) -> Location {
    let name = blob.to_string();
    Location::from(format!("{BLOCKS}/{}/{name}", &name[..2]))
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt as _;

    use super::*;

    #[tokio::test]
    async fn a_blob_is_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let store = BlobStore::on_disk(folder.path()).unwrap();
        let bytes: Vec<u8> = (0..200_000_u32).map(|it| it as u8).collect();
        let (blob, facts) = store.put_bytes(bytes.clone()).await.unwrap();
        assert_eq!(store.size(&blob).await.unwrap(), Some(200_000));
        assert_eq!(facts.size, 200_000);
        let list = store.blocks(&blob).await.unwrap().unwrap();
        assert_eq!(list.len(), 4 * 32);

        let part = store.read(&blob, 65_530..65_540).await.unwrap();
        let part: Vec<Bytes> = part.try_collect().await.unwrap();
        assert_eq!(part.concat(), bytes[65_530..65_540]);

        store.remove(&blob).await.unwrap();
        let wrong = BlobHash::new([1; 32]);
        let whole = || futures_util::stream::iter([Ok::<_, ()>(Bytes::from(bytes.clone()))]);
        let refused = store.put(wrong, 1 << 20, whole()).await;
        assert!(matches!(refused, Err(BlobError::Hash { .. })));
        let refused = store.put(blob, 1_000, whole()).await;
        assert!(matches!(refused, Err(BlobError::TooLarge { max: 1_000 })));
        let cut = futures_util::stream::iter([Ok(Bytes::from(bytes.clone())), Err(())]);
        let refused = store.put(blob, 1 << 20, cut).await;
        assert!(matches!(refused, Err(BlobError::BrokeOff(200_000))));
        assert_eq!(store.list().await.unwrap(), BTreeMap::new());
        assert_eq!(store.size(&blob).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_a_killed_process_left_half_there_is_gone_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let store = BlobStore::on_disk(folder.path()).unwrap();
        let (blob, _) = store.put_bytes(vec![1; 100]).await.unwrap();
        let path = place(&BlobHash::new([1; 32]));
        let upload = store.0.put_multipart(&path).await.unwrap();
        let mut writer = WriteMultipart::new(upload);
        writer.write(&vec![2; 10 * 1024 * 1024]);
        writer.wait_for_capacity(0).await.unwrap();
        // As a killed process leaves it: nobody aborts.
        std::mem::forget(writer);
        let files = || {
            let fans = fs::read_dir(folder.path().join(BLOBS)).unwrap();
            let files = fans.flat_map(|fan| fs::read_dir(fan.unwrap().path()).unwrap());
            files.count()
        };
        assert_eq!(files(), 2);

        let again = BlobStore::on_disk(folder.path()).unwrap();

        assert_eq!(files(), 1);
        assert_eq!(again.list().await.unwrap(), [(blob, 100)].into());
    }
}
