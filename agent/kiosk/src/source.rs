//! Where the bytes of a repository come from: the gateway, a neighbour on the local network, a
//! stick. None of them is believed: what comes is verified by its signature or its hash.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use lujiang_wire::BlobHash;

/// Something that can be asked for a resource.
#[async_trait]
pub trait Source: fmt::Debug + Send + Sync + 'static {
    /// Begins to read a resource, from this byte on where the source still has the same.
    ///
    /// # Errors
    /// Where there is none, or the source cannot be reached.
    async fn open(
        &self,
        resource: &Resource,
        from: u64,
        if_range: Option<&ETag>,
    ) -> Result<Opened, SourceError>;
}

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Resource {
    /// A file of metadata.
    Metadata(MetadataName),
    /// A blob.
    Blob(BlobHash),
    /// The block list of a blob.
    Blocks(BlobHash),
}

/// The file name of TUF metadata: `timestamp.json`, `12.snapshot.json`. It has no separator and
/// does not begin with a dot, so that it names a file in its folder wherever it is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MetadataName(String);

/// The name a source gives to this state of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ETag(pub String);

/// A resource that is being read.
pub struct Opened {
    /// Where its first byte belongs: what was asked for, or 0 where it comes whole.
    pub offset: u64,
    /// Bytes of the whole, where the source says so.
    pub length: Option<u64>,
    /// The state it is in.
    pub etag: Option<ETag>,
    /// The bytes from `offset` on. It ends early only with an error.
    pub body: BoxStream<'static, Result<Bytes, SourceError>>,
}

/// Why a source gives nothing.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It has no such thing. For TUF this is an answer: there is no newer root.
    #[error("the source has no {0:?}")]
    Absent(Resource),
    /// It has no time for us now.
    #[error("the source is busy")]
    Busy {
        /// When to ask again, where it says so.
        retry_after: Option<Duration>,
    },
    /// It has the thing, and it ends before the byte that was asked for.
    #[error("the source has fewer bytes of it than we do")]
    Beyond,
    /// It says no, and will again.
    #[error("the source refuses: {0}")]
    Refused(String),
    /// It cannot be reached, or broke off: asking again may help.
    #[error("the source cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl MetadataName {
    /// The name, where it is one.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '%');
        let is_name = !name.starts_with('.') && name.ends_with(".json") && name.len() <= 200;
        (is_name && name.chars().all(is_plain)).then(|| Self(name.to_owned()))
    }

    /// The file name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("offset", &self.offset)
            .field("length", &self.length)
            .field("etag", &self.etag)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_named_by_a_file_in_its_folder() {
        for name in ["timestamp.json", "12.snapshot.json", "3.notices.json"] {
            assert_eq!(MetadataName::new(name).unwrap().as_str(), name);
        }
        for wrong in ["../root.json", "a/b.json", ".json", "root", "root.json\0"] {
            assert_eq!(MetadataName::new(wrong), None, "{wrong}");
        }
    }
}
