//! The file with the on-line keys, mode 0600, made at the first start. Without it the repository
//! cannot be renewed, and a new root is needed: it belongs in the backup.

use std::path::Path;

use anyhow::Context as _;
use lujiang_content::OnlineKeys;

use crate::data_dir::replace_file;

const FILE: &str = "content-online.json";

pub(super) fn read_or_make(keys_dir: &Path) -> anyhow::Result<OnlineKeys> {
    let path = keys_dir.join(FILE);
    match std::fs::read(&path) {
        Ok(text) => {
            // Without the parser's words, which would show what stands there.
            let keys = serde_json::from_slice(&text).ok();
            keys.with_context(|| format!("{} holds no on-line keys", path.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let keys = OnlineKeys::generate();
            let text = serde_json::to_vec(&keys).expect("keys are always JSON");
            replace_file(&path, &text)?;
            Ok(keys)
        }
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}
