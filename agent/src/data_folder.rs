//! The data folder of an agent, made where there is none.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use anyhow::Context;

/// What is read at a desk concerns nobody else on this machine.
const MODE: u32 = 0o700;

/// Makes the folder, with those it is in.
///
/// # Errors
/// Where the system refuses.
pub(crate) fn make(data: &Path) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(MODE)
        .create(data)
        .with_context(|| format!("cannot make the data folder {}", data.display()))
}
