//! The code of a stick: what a person compares at first contact.

use std::sync::Arc;

use lujiang_wire::BlobHash;
use sha2::{Digest as _, Sha256};
use tough::schema::{Signed, Timestamp};

use super::{FILE_BYTES_MAX, MetadataError, transport};
use crate::source::{MetadataName, Resource, Source, SourceError};

/// The SHA-256 of a repository's first root and its newest snapshot, one after the other. The root
/// says whose it is; the snapshot, that it is not an older one of the same library. Where there is
/// no snapshot it is of the root alone, and equals no code that was ever printed.
pub(super) async fn of(
    source: &Arc<dyn Source>,
    first_root: &[u8],
) -> Result<BlobHash, MetadataError> {
    let mut code = Sha256::new().chain_update(first_root);
    let newest = read(source, "timestamp.json").await?;
    let newest = newest.and_then(|it| serde_json::from_slice::<Signed<Timestamp>>(&it).ok());
    if let Some(version) = newest.and_then(|it| Some(it.signed.meta.get("snapshot.json")?.version))
    {
        let snapshot = read(source, &format!("{version}.snapshot.json")).await?;
        code.update(snapshot.unwrap_or_default());
    }
    Ok(BlobHash::new(code.finalize().into()))
}

async fn read(source: &Arc<dyn Source>, name: &str) -> Result<Option<Vec<u8>>, SourceError> {
    let Some(name) = MetadataName::new(name) else {
        return Ok(None);
    };
    match transport::read(source, Resource::Metadata(name), FILE_BYTES_MAX).await {
        Err(SourceError::Absent(_)) => Ok(None),
        read => read.map(Some),
    }
}
