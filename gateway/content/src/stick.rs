//! Making a stick: a release as a folder, for kiosks that no line reaches.
//!
//! It can be made again onto the same stick: what is whole there and wanted again stays, and what
//! only others may have is taken away. `stick.json` goes first and comes last, so that a stick that
//! was pulled out too early is none.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use futures_util::{StreamExt as _, TryStreamExt as _};
use lujiang_wire::{
    Allotment, BlobHash, Catalogue, Copies, Label, NOTICES_PATHS, STICK_BLOBS, STICK_BLOCKS,
    STICK_FILE, STICK_METADATA, Stick, allotment_target, blob_target, catalogue_target,
};
use serde::de::DeserializeOwned;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::blob_store::{BlobError, BlobStore};
use crate::block_list::BlockHasher;
use crate::repository::Repository;

/// Largest document that is read whole.
const DOCUMENT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Bytes that are read at once.
const CHUNK: usize = 256 * 1024;

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StickMade {
    /// Blobs on it.
    pub blobs: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of those that were there before.
    pub kept: u64,
}

/// Why there is no stick.
#[derive(Debug, thiserror::Error)]
pub enum StickError {
    /// No such release is signed.
    #[error("no release {0} is signed: it was never published, or is withdrawn")]
    NoRelease(Label),
    /// A blob is not in the store.
    #[error("{0} is not among the blobs")]
    Absent(BlobHash),
    /// A document of the release is none.
    #[error("{0} cannot be read")]
    Document(String, #[source] serde_json::Error),
    /// What the store gives is not what was signed.
    #[error("{0} in the store of blobs is not what was signed")]
    Altered(BlobHash),
    /// It does not fit.
    #[error("{needed} bytes are to go onto the stick and {free} are free there")]
    NoRoom {
        /// How many are to come.
        needed: u64,
        /// How many are free.
        free: u64,
    },
    /// The store fails.
    #[error(transparent)]
    Store(#[from] BlobError),
    /// The stick refuses.
    #[error("{0} cannot be written")]
    Stick(PathBuf, #[source] io::Error),
}

/// Writes a stick into a folder; `told` hears how many of how many bytes are there.
///
/// # Errors
/// Where something is missing, or the stick refuses; there is no `stick.json` then.
pub async fn make_stick(
    repository: &Repository,
    store: &BlobStore,
    stick: &Stick,
    folder: &Path,
    mut told: impl FnMut(u64, u64),
) -> Result<StickMade, StickError> {
    let wanted = wanted(repository, store, stick).await?;
    for name in [STICK_METADATA, STICK_BLOBS, STICK_BLOCKS] {
        make_folder(&folder.join(name)).await?;
    }
    let label = folder.join(STICK_FILE);
    match tokio::fs::remove_file(&label).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(StickError::Stick(label, error));
        }
        Ok(()) | Err(_) => {}
    }
    for name in [STICK_BLOBS, STICK_BLOCKS] {
        sweep(&folder.join(name), &wanted).await?;
    }
    let mut there = BTreeSet::new();
    for blob in wanted.keys() {
        if is_whole(&folder.join(STICK_BLOBS).join(blob.to_string()), blob).await {
            there.insert(*blob);
        }
    }
    let bytes = wanted.values().sum();
    let kept = there.iter().filter_map(|blob| wanted.get(blob)).sum();
    check_room(folder, bytes - kept)?;
    let mut done = kept;
    for (blob, size) in &wanted {
        if !there.contains(blob) {
            copy(store, blob, *size, folder, |more| told(done + more, bytes)).await?;
            done += size;
        }
        let list = store.blocks(blob).await?.ok_or(StickError::Absent(*blob))?;
        let place = folder.join(STICK_BLOCKS).join(blob.to_string());
        write(&place, &list).await?;
        told(done, bytes);
    }
    // The timestamp last: whoever reads it finds what it names.
    let (last, first): (Vec<_>, Vec<_>) = repository
        .files()
        .iter()
        .partition(|(name, _)| *name == "timestamp.json");
    for (name, bytes) in first.into_iter().chain(last) {
        write(&folder.join(STICK_METADATA).join(name), bytes).await?;
    }
    let text = serde_json::to_vec_pretty(stick).expect("a label is always JSON");
    write(&label, &text).await?;
    Ok(StickMade {
        blobs: wanted.len(),
        bytes,
        kept,
    })
}

/// What the devices of a stick need, by size: the documents of the release and of the notices, and
/// the files and covers of the titles that one of them may have.
async fn wanted(
    repository: &Repository,
    store: &BlobStore,
    stick: &Stick,
) -> Result<BTreeMap<BlobHash, u64>, StickError> {
    let needed = repository.needed();
    let signed: BTreeMap<&str, (BlobHash, u64)> = needed
        .iter()
        .map(|it| (it.target.as_str(), (it.blob, it.size)))
        .collect();
    let document = |name: String| {
        let found = signed.get(name.as_str()).copied();
        found.ok_or_else(|| StickError::NoRelease(stick.release.clone()))
    };
    let documents = [
        document(catalogue_target(&stick.release))?,
        document(allotment_target(&stick.release))?,
    ];
    let catalogue: Catalogue = read(store, documents[0]).await?;
    let allotment: Allotment = read(store, documents[1]).await?;
    let notices = NOTICES_PATHS.trim_end_matches('*');
    let said = signed.iter().filter(|(name, _)| name.starts_with(notices));
    let mut wanted: BTreeMap<BlobHash, u64> = said.map(|(_, target)| *target).collect();
    wanted.extend(documents);
    for title in &catalogue.publications {
        let identifier = &title.metadata.identifier;
        let has = |device| allotment.copies(device, identifier) != Copies::None;
        if !stick.devices.iter().any(has) {
            continue;
        }
        let links = title.images.iter().chain(title.acquisition());
        for blob in links.filter_map(|link| link.blob()) {
            let target = signed.get(blob_target(&blob).as_str()).copied();
            wanted.extend([target.ok_or(StickError::Absent(blob))?]);
        }
    }
    Ok(wanted)
}

async fn read<T: DeserializeOwned>(
    store: &BlobStore,
    (blob, size): (BlobHash, u64),
) -> Result<T, StickError> {
    let there = store.size(&blob).await?;
    if there != Some(size) || size > DOCUMENT_BYTES_MAX {
        return Err(StickError::Absent(blob));
    }
    let parts: Vec<bytes::Bytes> = store.read(&blob, 0..size).await?.try_collect().await?;
    let document = serde_json::from_slice(&parts.concat());
    document.map_err(|error| StickError::Document(blob.to_string(), error))
}

/// Copies a blob, which has its name once it is whole and on the stick; `told` hears how many bytes
/// of it are.
async fn copy(
    store: &BlobStore,
    blob: &BlobHash,
    size: u64,
    folder: &Path,
    mut told: impl FnMut(u64),
) -> Result<(), StickError> {
    if store.size(blob).await? != Some(size) {
        return Err(StickError::Absent(*blob));
    }
    let place = folder.join(STICK_BLOBS).join(blob.to_string());
    let beside = folder.join(STICK_BLOBS).join(format!("{blob}.part"));
    let mut body = store.read(blob, 0..size).await?;
    let mut hasher = BlockHasher::default();
    let refused = |error| StickError::Stick(beside.clone(), error);
    let mut file = File::create(&beside).await.map_err(refused)?;
    let mut written = 0;
    while let Some(bytes) = body.next().await {
        let bytes = bytes?;
        hasher.update(&bytes);
        file.write_all(&bytes).await.map_err(refused)?;
        written += bytes.len() as u64;
        told(written);
    }
    if hasher.finish().blob != *blob {
        return Err(StickError::Altered(*blob));
    }
    finish(file, &beside, &place).await.map_err(refused)
}

async fn write(place: &Path, bytes: &[u8]) -> Result<(), StickError> {
    let beside = place.with_extension("part");
    let written = async {
        let mut file = File::create(&beside).await?;
        file.write_all(bytes).await?;
        finish(file, &beside, place).await
    };
    let refused = |error| StickError::Stick(place.to_owned(), error);
    written.await.map_err(refused)
}

async fn finish(mut file: File, beside: &Path, place: &Path) -> io::Result<()> {
    file.flush().await?;
    file.sync_all().await?;
    drop(file);
    open_to_all(beside, 0o644).await;
    tokio::fs::rename(beside, place).await?;
    let folder = place.parent().unwrap_or(Path::new("."));
    File::open(folder).await?.sync_all().await
}

async fn make_folder(folder: &Path) -> Result<(), StickError> {
    let made = tokio::fs::create_dir_all(folder).await;
    made.map_err(|error| StickError::Stick(folder.to_owned(), error))?;
    open_to_all(folder, 0o755).await;
    Ok(())
}

/// The kiosk's agent runs as somebody else. A stick with FAT has no such modes, and needs none.
async fn open_to_all(path: &Path, mode: u32) {
    let mode = std::fs::Permissions::from_mode(mode);
    let _ = tokio::fs::set_permissions(path, mode).await;
}

/// Takes away what an earlier stick for other kiosks left, and what broke off: a stick holds nothing
/// that none of its kiosks may have. What is no name of ours is somebody's, and stays.
async fn sweep(folder: &Path, wanted: &BTreeMap<BlobHash, u64>) -> Result<(), StickError> {
    let refused = |error| StickError::Stick(folder.to_owned(), error);
    let mut entries = tokio::fs::read_dir(folder).await.map_err(refused)?;
    while let Some(entry) = entries.next_entry().await.map_err(refused)? {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let (stem, is_part) = match name.strip_suffix(".part") {
            Some(stem) => (stem, true),
            None => (&*name, false),
        };
        let Ok(blob) = stem.parse::<BlobHash>() else {
            continue;
        };
        if is_part || !wanted.contains_key(&blob) {
            let removed = tokio::fs::remove_file(entry.path()).await;
            removed.map_err(|error| StickError::Stick(entry.path(), error))?;
        }
    }
    Ok(())
}

/// Whether a blob is there from before: read, for sticks forget.
async fn is_whole(place: &Path, blob: &BlobHash) -> bool {
    let Ok(mut file) = File::open(place).await else {
        return false;
    };
    let (mut hasher, mut chunk) = (BlockHasher::default(), vec![0; CHUNK]);
    loop {
        match file.read(&mut chunk).await {
            Ok(0) => return hasher.finish().blob == *blob,
            Ok(read) => hasher.update(&chunk[..read]),
            Err(_) => return false,
        }
    }
}

fn check_room(folder: &Path, needed: u64) -> Result<(), StickError> {
    let room = nix::sys::statvfs::statvfs(folder);
    let room = room.map_err(|error| StickError::Stick(folder.to_owned(), error.into()))?;
    let free = room.blocks_available() * room.fragment_size();
    match free < needed {
        true => Err(StickError::NoRoom { needed, free }),
        false => Ok(()),
    }
}
