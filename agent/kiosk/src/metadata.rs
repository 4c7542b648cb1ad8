//! The metadata of the repository, verified as TUF has it [TUF §5], by the library tough.
//!
//! What tough does not do is here. It reads and writes a datastore that is not written safely: so
//! each reading gets a folder of its own, made of what we keep, and what it leaves is kept by one
//! rename. It refuses everything once the clock steps back: so its time is taken away from it, and
//! expiry is judged by our own rule: on-line with a trusted time what has expired is refused, and
//! otherwise it is taken with a warning, as long as nothing is older than what was seen.

mod code;
mod kept;
mod transport;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use lujiang_wire::{BlobCustom, BlobHash};
use tempfile::TempDir;
use tough::schema::Target;
use tough::{ExpirationEnforcement, Limits, Repository, RepositoryLoader, TargetName};
use url::Url;

use crate::durable::replace;
use crate::source::{MetadataName, Resource, Source, SourceError};
use kept::KeptFiles;
use transport::SourceTransport;

/// Most bytes of a file whose size nothing signed says: of a root, a timestamp, a snapshot.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Most bytes of the targets: forty thousand titles.
const TARGETS_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Most new roots at once: years of monthly rotations.
const ROOTS_MAX: u64 = 256;

/// How often what is kept may turn out not to hold in one reading: once for each role, and more.
const REREADS_MAX: usize = 8;

/// How long a timestamp is good from when it was signed: the gateway's promise.
const TIMESTAMP_LIFE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// The root everything begins with.
const FIRST_ROOT: &str = "1.root.json";

/// What tough's datastore is made of, but for its clock.
const DATASTORE: [&str; 3] = ["timestamp.json", "snapshot.json", "targets.json"];

/// What is verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// The version of the snapshot.
    pub revision: u64,
    /// When the newest state was signed: it is at least so late now.
    pub signed_at: Timestamp,
    /// What has expired, and was taken all the same.
    pub expired: Vec<&'static str>,
    targets: BTreeMap<String, VerifiedTarget>,
}

/// A target of the verified metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedTarget {
    /// Its bytes are these.
    pub blob: BlobHash,
    /// So many.
    pub size: u64,
    /// The SHA-256 of its block list, where it is the file of a title.
    pub blocks: Option<BlobHash>,
}

/// By which time expiry is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// On-line, and the time is trusted: what has expired is refused.
    Refused(Timestamp),
    /// Off-line, or nobody knows what time it is: told, and taken.
    Told(Timestamp),
}

/// Why metadata is not taken. What was taken before stands.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// It does not hold, or the source is out of reach; tough says which.
    #[error("the repository does not hold: {0}")]
    Tough(#[source] Box<tough::error::Error>),
    /// The source cannot be reached.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It was good once.
    #[error("the {0} of the repository has expired: is it a copy that is kept back?")]
    Expired(&'static str),
    /// A target whose name leads out of the repository, or around in it: no release of ours has
    /// one, whoever signed it.
    #[error("the target {0:?} has a name that leads elsewhere")]
    Name(String),
    /// The first root cannot be had.
    #[error("the source has no root to begin with")]
    NoRoot,
    /// First contact by a stick, and nobody has vouched for it by this code.
    #[error("nobody has confirmed the code {0}")]
    Unconfirmed(BlobHash),
    /// Our own copy cannot be read or written.
    #[error("the metadata kept cannot be used")]
    Kept(#[from] std::io::Error),
}

impl MetadataError {
    /// Whether asking again may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Source(SourceError::Unreachable(_) | SourceError::Busy { .. }) => true,
            Self::Source(
                SourceError::Absent(_) | SourceError::Refused(_) | SourceError::Beyond,
            ) => false,
            // That the source is out of reach is told as what it is.
            Self::Tough(_) | Self::Expired(_) | Self::Name(_) | Self::NoRoot => false,
            Self::Unconfirmed(_) | Self::Kept(_) => false,
        }
    }
}

/// The metadata that is kept in a folder.
#[derive(Debug, Clone)]
pub struct MetadataFolder(PathBuf);

impl MetadataFolder {
    /// Opens the folder, and makes it where there is none.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn open(folder: &Path) -> Result<Self, MetadataError> {
        std::fs::create_dir_all(folder)?;
        Ok(Self(folder.to_owned()))
    }

    /// Whether there was a first contact.
    #[must_use]
    pub fn has_root(&self) -> bool {
        self.0.join(FIRST_ROOT).exists()
    }

    /// At first contact by a stick: its first root is taken where its code is the one that somebody
    /// has compared. Afterwards it is not asked about.
    ///
    /// # Errors
    /// Where it is another, or nobody has compared it; nothing is taken then.
    pub async fn vouch(
        &self,
        source: &Arc<dyn Source>,
        compared: Option<&BlobHash>,
    ) -> Result<(), MetadataError> {
        if self.has_root() {
            return Ok(());
        }
        let bytes = self.read_first_root(source).await?;
        let found = code::of(source, &bytes).await?;
        if compared != Some(&found) {
            return Err(MetadataError::Unconfirmed(found));
        }
        replace(&self.0.join(FIRST_ROOT), &bytes)?;
        Ok(())
    }

    /// Asks a source what is newest. At first contact its first root is believed: the source is
    /// then the gateway, known by its certificate, or a stick that somebody has vouched for.
    ///
    /// # Errors
    /// Where it does not hold; what was taken before stands.
    pub async fn refresh(
        &self,
        source: &Arc<dyn Source>,
        expiry: Expiry,
    ) -> Result<Verified, MetadataError> {
        let read = self.read(source, expiry).await;
        read.map(|(verified, _)| verified)
    }

    /// As [`MetadataFolder::refresh`], with the files as they are signed: every root, and the
    /// newest of each other role, by their names.
    ///
    /// # Errors
    /// As [`MetadataFolder::refresh`].
    pub(crate) async fn read(
        &self,
        source: &Arc<dyn Source>,
        expiry: Expiry,
    ) -> Result<(Verified, BTreeMap<String, Vec<u8>>), MetadataError> {
        let root = match self.newest_root()? {
            Some(root) => root,
            None => self.first_root(source).await?,
        };
        let (loaded, transport, scratch) = self.load(&root, source).await?;
        let verified = judge(&loaded, expiry)?;
        transport.keep_last()?;
        let mut files = transport.files();
        for (name, bytes) in files.iter().filter(|(name, _)| is_root(name)) {
            // Every root is kept, for ever: sticks carry the chain.
            replace(&self.0.join(name), bytes)?;
        }
        for name in DATASTORE {
            let read = std::fs::read(scratch.path().join(name));
            replace(&self.0.join(name), &read?)?;
        }
        for name in self.roots() {
            let bytes = std::fs::read(self.0.join(&name))?;
            files.insert(name, bytes);
        }
        Ok((verified, files))
    }

    /// Has tough read it all, in a folder of its own. What is kept and does not hold, the disk's
    /// fault or a gateway's that was restored, is thrown away and fetched.
    async fn load(
        &self,
        root: &[u8],
        source: &Arc<dyn Source>,
    ) -> Result<(Repository, SourceTransport, TempDir), MetadataError> {
        let kept = KeptFiles(self.0.clone());
        let mut rereads = 0;
        loop {
            let scratch = self.scratch()?;
            let transport = SourceTransport::new(Arc::clone(source), kept.clone());
            let base = Url::parse("lujiang:///").expect("a constant");
            let loaded = RepositoryLoader::new(&root, base.clone(), base)
                .transport(transport.clone())
                .datastore(scratch.path())
                .limits(limits())
                .expiration_enforcement(ExpirationEnforcement::Unsafe)
                .load()
                .await;
            let error = match loaded {
                Ok(loaded) => return Ok((loaded, transport, scratch)),
                Err(error) => error,
            };
            if let Some(unreachable) = transport.unreachable() {
                return Err(MetadataError::Source(unreachable));
            }
            match transport.ended_with_kept() {
                Some(name) if rereads < REREADS_MAX => {
                    tracing::warn!(name, %error, "metadata on the disk does not hold: it is fetched");
                    kept.throw_away(&name)?;
                    rereads += 1;
                }
                Some(_) | None => return Err(MetadataError::Tough(Box::new(error))),
            }
        }
    }

    /// A folder for one reading, with what was seen before.
    fn scratch(&self) -> Result<TempDir, MetadataError> {
        let scratch = tempfile::Builder::new()
            .prefix("reading-")
            .tempdir_in(&self.0)?;
        for name in DATASTORE {
            match std::fs::copy(self.0.join(name), scratch.path().join(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error.into());
                }
                Ok(_) | Err(_) => {}
            }
        }
        Ok(scratch)
    }

    async fn first_root(&self, source: &Arc<dyn Source>) -> Result<Vec<u8>, MetadataError> {
        let bytes = self.read_first_root(source).await?;
        replace(&self.0.join(FIRST_ROOT), &bytes)?;
        Ok(bytes)
    }

    async fn read_first_root(&self, source: &Arc<dyn Source>) -> Result<Vec<u8>, MetadataError> {
        let name = MetadataName::new(FIRST_ROOT).expect("a constant");
        match transport::read(source, Resource::Metadata(name), FILE_BYTES_MAX).await {
            Err(SourceError::Absent(_)) => Err(MetadataError::NoRoot),
            read => Ok(read?),
        }
    }

    fn newest_root(&self) -> Result<Option<Vec<u8>>, MetadataError> {
        match self.roots().last() {
            Some(name) => Ok(Some(std::fs::read(self.0.join(name))?)),
            None => Ok(None),
        }
    }

    /// The names of the roots that are kept, in their order.
    fn roots(&self) -> impl Iterator<Item = String> {
        let names = (1..).map(|version| format!("{version}.root.json"));
        names.take_while(|name| self.0.join(name).exists())
    }
}

impl Verified {
    /// The target of this name.
    #[must_use]
    pub fn target(&self, name: &str) -> Option<VerifiedTarget> {
        self.targets.get(name).copied()
    }
}

fn is_root(name: &str) -> bool {
    name.ends_with(".root.json")
}

fn limits() -> Limits {
    Limits {
        max_root_size: FILE_BYTES_MAX,
        max_timestamp_size: FILE_BYTES_MAX,
        max_snapshot_size: FILE_BYTES_MAX,
        max_targets_size: TARGETS_BYTES_MAX,
        max_root_updates: ROOTS_MAX,
    }
}

fn judge(loaded: &Repository, expiry: Expiry) -> Result<Verified, MetadataError> {
    let ends = [
        ("root", loaded.root().signed.expires),
        ("timestamp", loaded.timestamp().signed.expires),
        ("snapshot", loaded.snapshot().signed.expires),
        ("targets", loaded.targets().signed.expires),
    ];
    let (Expiry::Refused(now) | Expiry::Told(now)) = expiry;
    let expired = ends.into_iter().filter(|(_, end)| *end <= now);
    let expired: Vec<&'static str> = expired.map(|(role, _)| role).collect();
    if let (Expiry::Refused(_), Some(role)) = (expiry, expired.first()) {
        return Err(MetadataError::Expired(role));
    }
    let odd = loaded.all_targets().find(|(name, _)| leads_elsewhere(name));
    if let Some((name, _)) = odd {
        return Err(MetadataError::Name(name.raw().to_owned()));
    }
    let all = loaded.all_targets();
    let targets = all.filter_map(|(name, target)| Some((name.raw().to_owned(), verified(target)?)));
    Ok(Verified {
        revision: loaded.snapshot().signed.version.get(),
        signed_at: loaded.timestamp().signed.expires - TIMESTAMP_LIFE,
        expired,
        targets: targets.collect(),
    })
}

/// Names are no paths here; but who signs `../` or `\` means one.
fn leads_elsewhere(name: &TargetName) -> bool {
    let is_odd = |c: char| c == '\\' || c.is_control();
    let raw = name.raw();
    raw != name.resolved() || raw.starts_with('/') || raw.contains(is_odd)
}

fn verified(target: &Target) -> Option<VerifiedTarget> {
    let digest: [u8; 32] = target.hashes.sha256.as_ref().try_into().ok()?;
    let custom = serde_json::to_value(&target.custom).ok()?;
    let custom: Option<BlobCustom> = serde_json::from_value(custom).ok();
    Some(VerifiedTarget {
        blob: BlobHash::new(digest),
        size: target.length,
        blocks: custom.map(|custom| custom.blocks),
    })
}
