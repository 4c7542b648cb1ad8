//! A file as it comes from a browser: written beside, made durable, then named, so that a draft has
//! it whole or not at all. Whoever was cut off brings it again.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use serde_json::json;
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt as _;

use super::name::{DraftId, FileName};
use super::{DraftError, Drafts, at, blocking};
use crate::data_dir::random_bytes;
use crate::registry::Actor;

/// What the name of a file begins with while it comes: what begins with a dot is no book.
const PART: &str = ".part-";

impl Drafts {
    /// Takes a file, or another in the place of the one of its name; its bytes.
    ///
    /// # Errors
    /// Where it is too large, breaks off, or cannot be written.
    pub async fn take_file<E>(
        &self,
        id: &DraftId,
        name: &FileName,
        body: impl Stream<Item = Result<Bytes, E>> + Unpin + Send,
        actor: &Actor,
    ) -> Result<u64, DraftError> {
        let turn = self.0.uploads.acquire().await;
        let _turn = turn.expect("the turns are never closed");
        let max = self.one(id).await?.room_for(name, &self.0.section)?;
        let folder = self.0.paths.draft_dir(id.as_str());
        let part = Part(folder.join(format!("{PART}{}", hex::encode(random_bytes::<8>()))));
        let bytes = part.fill(name, max, body).await?;
        self.name(id, name, part, bytes, actor).await?;
        Ok(bytes)
    }

    /// The file is part of the draft from here on.
    async fn name(
        &self,
        id: &DraftId,
        name: &FileName,
        part: Part,
        bytes: u64,
        actor: &Actor,
    ) -> Result<(), DraftError> {
        let _one = self.0.steps.lock().await;
        // Others came meanwhile.
        let mut draft = self.one(id).await?;
        let max = draft.room_for(name, &self.0.section)?;
        if bytes > max {
            return Err(too_large(name, max));
        }
        let file = self.file(id, name);
        let naming = file.clone();
        blocking(move || {
            fs::rename(&part.0, &naming).map_err(at(&naming))?;
            let folder = naming.parent().unwrap_or(Path::new("."));
            fs::File::open(folder)
                .and_then(|it| it.sync_all())
                .map_err(at(folder))
        })
        .await?;
        draft.files.insert(name.clone(), bytes);
        draft.changed = self.0.clock.wall();
        let after = json!({ "file": name, "bytes": bytes });
        let action = "content.draft.file.add";
        self.keep(id, Some(draft), action, actor, [None, Some(after)])
            .await
    }
}

/// A file that is coming; dropped before it has its name, it is gone.
struct Part(PathBuf);

impl Part {
    async fn fill<E>(
        &self,
        name: &FileName,
        max: u64,
        mut body: impl Stream<Item = Result<Bytes, E>> + Unpin + Send,
    ) -> Result<u64, DraftError> {
        let mut options = OpenOptions::new();
        let opening = options.write(true).create_new(true).mode(0o600);
        let mut file: File = opening.open(&self.0).await.map_err(at(&self.0))?;
        let mut bytes = 0;
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|_| DraftError::BrokeOff {
                name: name.as_str().to_owned(),
                bytes,
            })?;
            bytes += piece.len() as u64;
            if bytes > max {
                return Err(too_large(name, max));
            }
            file.write_all(&piece).await.map_err(at(&self.0))?;
        }
        file.flush().await.map_err(at(&self.0))?;
        file.sync_all().await.map_err(at(&self.0))?;
        Ok(bytes)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Named, it is there no more; what stays after a crash goes at the next start.
        let _ = fs::remove_file(&self.0);
    }
}

fn too_large(name: &FileName, max: u64) -> DraftError {
    DraftError::Large {
        name: name.as_str().to_owned(),
        max,
    }
}
