//! A client that begins each file anew after whatever broke it off, as a browser or a plain script
//! does: what ours is measured beside.

use anyhow::Context as _;
use tokio::time::Instant;

use crate::fetcher::Fetcher;

/// What it cost.
#[derive(Debug, Clone, Copy)]
pub struct Restarted {
    /// Bytes of bodies that were read.
    pub body_bytes: u64,
    /// Files that were whole in the end.
    pub files: usize,
    /// How long it took.
    pub took: std::time::Duration,
}

/// Fetches these paths whole, one after another, and gives up once it has read so many bytes.
///
/// # Errors
/// Where the gateway refuses.
pub async fn restart_whole_files(
    fetcher: &Fetcher,
    paths: &[String],
    bytes_max: u64,
) -> anyhow::Result<Restarted> {
    let began = Instant::now();
    let mut restarted = Restarted {
        body_bytes: 0,
        files: 0,
        took: began.elapsed(),
    };
    for path in paths {
        while restarted.body_bytes < bytes_max {
            match whole(fetcher, path, &mut restarted.body_bytes).await? {
                Ended::Whole => {
                    restarted.files += 1;
                    break;
                }
                Ended::BrokenOff => {}
            }
        }
    }
    restarted.took = began.elapsed();
    Ok(restarted)
}

/// How reading a file ended.
enum Ended {
    Whole,
    BrokenOff,
}

async fn whole(fetcher: &Fetcher, path: &str, read: &mut u64) -> anyhow::Result<Ended> {
    let Ok(answer) = fetcher.get(path, &[]).await else {
        return Ok(Ended::BrokenOff);
    };
    let mut answer = answer.error_for_status().context("the gateway refuses")?;
    loop {
        match answer.chunk().await {
            Ok(Some(bytes)) => *read += bytes.len() as u64,
            Ok(None) => return Ok(Ended::Whole),
            Err(_) => return Ok(Ended::BrokenOff),
        }
    }
}
