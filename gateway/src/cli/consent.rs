//! Asking whoever sits at the terminal before something is done that cannot be taken back.

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};

use anyhow::Context as _;

use crate::cli::failure::Failure;

/// A line is enough; what comes without end is not waited for.
const ANSWER_BYTES_MAX: u64 = 100;

/// Whether there is somebody to ask.
pub(super) fn is_somebody_there() -> bool {
    std::io::stdin().is_terminal()
}

/// Asks, and says whether the answer was yes.
///
/// # Errors
/// Where the terminal cannot be written or read.
pub(super) fn is_agreed(question: &str) -> Result<bool, Failure> {
    let mut out = std::io::stderr();
    let asked = out
        .write_all(format!("{question} [y/N] ").as_bytes())
        .and_then(|()| out.flush());
    asked.context("asking")?;
    let mut answer = String::new();
    let mut line = std::io::stdin().lock().take(ANSWER_BYTES_MAX);
    line.read_line(&mut answer).context("reading the answer")?;
    let answer = answer.trim().to_lowercase();
    Ok(["y", "yes", "是"].contains(&answer.as_str()))
}
