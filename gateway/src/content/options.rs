//! Where the blobs are, as the configuration says.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use lujiang_config::S3Section;
use lujiang_content::{BlobError, BlobStore, PlainHttp, S3};
use std::os::unix::fs::PermissionsExt as _;

/// Why there is no store of blobs.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// The file with the keys cannot be read.
    #[error("the keys of the bucket cannot be read from {0}")]
    File(PathBuf, #[source] std::io::Error),
    /// Others may read it.
    #[error("{0} may be read by others: chmod 600 it")]
    Open(PathBuf),
    /// It does not hold two lines.
    #[error("{0}: expected the access key's id and, on the next line, its secret")]
    Form(PathBuf),
    /// Secrets would go over the street in clear.
    #[error("content.s3.endpoint = {0:?}: expected https://, or http:// on this machine")]
    Plain(String),
    /// The store cannot be made.
    #[error(transparent)]
    Store(#[from] BlobError),
}

/// The store of blobs.
///
/// # Errors
/// Where its keys cannot be read, or it cannot be made.
pub(crate) fn blob_store(s3: &S3Section, folder: &Path) -> Result<BlobStore, OptionsError> {
    match bucket(s3)? {
        Some(store) => Ok(store),
        None => Ok(BlobStore::on_disk(folder)?),
    }
}

/// The store of blobs, to be read beside a gateway that may be running.
///
/// # Errors
/// As [`blob_store`].
pub(crate) fn blob_store_beside(s3: &S3Section, folder: &Path) -> Result<BlobStore, OptionsError> {
    match bucket(s3)? {
        Some(store) => Ok(store),
        None => Ok(BlobStore::beside(folder)?),
    }
}

fn bucket(s3: &S3Section) -> Result<Option<BlobStore>, OptionsError> {
    let (Some(bucket), Some(file)) = (&s3.bucket, &s3.credentials_file) else {
        return Ok(None);
    };
    let failed = |source| OptionsError::File(file.clone(), source);
    let mode = std::fs::metadata(file)
        .map_err(failed)?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        return Err(OptionsError::Open(file.clone()));
    }
    let text = std::fs::read_to_string(file).map_err(failed)?;
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|it| !it.is_empty())
        .collect();
    let [access_key, secret] = lines[..] else {
        return Err(OptionsError::Form(file.clone()));
    };
    let plain = match &s3.endpoint {
        Some(endpoint) if endpoint.starts_with("http://") => {
            if !is_loopback(endpoint) {
                return Err(OptionsError::Plain(endpoint.clone()));
            }
            PlainHttp::OnLoopback
        }
        Some(_) | None => PlainHttp::Refused,
    };
    Ok(Some(BlobStore::in_bucket(&S3 {
        endpoint: s3.endpoint.clone(),
        region: s3.region.clone(),
        bucket: bucket.clone(),
        access_key: access_key.to_owned(),
        secret: secret.to_owned(),
        plain,
    })?))
}

fn is_loopback(endpoint: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(endpoint) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host.parse()
        .is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_in_clear_on_this_machine_only() {
        for ours in ["http://127.0.0.1:9000", "http://[::1]:9000"] {
            assert!(is_loopback(ours), "{ours}");
        }
        for others in ["http://192.0.2.1", "http://localhost.example", "http:/"] {
            assert!(!is_loopback(others), "{others}");
        }
    }
}
