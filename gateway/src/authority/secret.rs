//! The secret that opens the authority's key: where it comes from, and who may read its file.

use std::fmt;
use std::fs;
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::AuthorityError;
use crate::data_dir::{random_bytes, replace_file};

/// Fewer bytes could be guessed.
const BYTES_MIN: usize = 16;

/// More are not read: no key and no secret is as long.
const BYTES_MAX: u64 = 1_048_576;

/// Random bytes of a secret that is made here.
const BYTES_MADE: usize = 32;

/// The name of the systemd credential.
const CREDENTIAL: &str = "lujiang-authority";

/// Whoever else may read or write a secret file: nobody.
const OTHERS: u32 = 0o077;

/// Where the secret lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SecretPlace {
    /// Where the operator or systemd has put it: never made here.
    Given(PathBuf),
    /// In the data folder: made where there is none.
    Own(PathBuf),
}

/// The secret. Prints as `[redacted]`.
pub(super) struct AuthoritySecret(Vec<u8>);

impl SecretPlace {
    /// The operator's file, else systemd's credential, else a file of our own.
    pub(super) fn choose(
        configured: Option<&Path>,
        credentials: Option<&Path>,
        own: PathBuf,
    ) -> Self {
        let credential = credentials.map(|folder| folder.join(CREDENTIAL));
        let given = configured.map(Path::to_owned);
        match given.or(credential.filter(|file| file.exists())) {
            Some(file) => Self::Given(file),
            None => Self::Own(own),
        }
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Given(path) | Self::Own(path) => path,
        }
    }
}

impl AuthoritySecret {
    /// Reads the secret.
    pub(super) fn read(place: &SecretPlace) -> Result<Self, AuthorityError> {
        let text = read_private(place.path())?;
        let secret = text.trim_ascii();
        match secret.len() {
            0..BYTES_MIN => Err(AuthorityError::Secret {
                path: place.path().to_owned(),
                expected: "16 characters at least that nobody can guess",
            }),
            _ => Ok(Self(secret.to_vec())),
        }
    }

    /// Reads the secret, or makes one where it is ours to make.
    pub(super) fn read_or_make(place: &SecretPlace) -> Result<Self, AuthorityError> {
        if let SecretPlace::Own(path) = place
            && !path.exists()
        {
            let secret = hex::encode(random_bytes::<BYTES_MADE>());
            replace_file(path, secret.as_bytes())?;
        }
        Self::read(place)
    }

    pub(super) fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for AuthoritySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Reads a file that nobody but its owner may read; what others may read is no secret.
pub(super) fn read_private(path: &Path) -> Result<Vec<u8>, AuthorityError> {
    let failed = |source| AuthorityError::File {
        action: "read",
        path: path.to_owned(),
        source,
    };
    // A pipe in place of a file must not hold up the start.
    let file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits())
        .open(path)
        .map_err(|source| match source.kind() {
            ErrorKind::NotFound => AuthorityError::Missing {
                path: path.to_owned(),
            },
            _ => failed(source),
        })?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() || metadata.mode() & OTHERS != 0 {
        return Err(AuthorityError::OpenToOthers {
            path: path.to_owned(),
            mode: metadata.mode() & 0o7777,
        });
    }
    let mut bytes = Vec::new();
    file.take(BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_operators_file_comes_before_systemds_and_both_before_our_own() {
        let folder = tempfile::tempdir().unwrap();
        let (given, own) = (Path::new("/a/given"), folder.path().join("own"));
        let choose = |configured| SecretPlace::choose(configured, Some(folder.path()), own.clone());
        assert_eq!(choose(Some(given)), SecretPlace::Given(given.to_owned()));
        assert_eq!(choose(None), SecretPlace::Own(own.clone()));
        let credential = folder.path().join(CREDENTIAL);
        fs::write(&credential, "x").unwrap();
        assert_eq!(choose(None), SecretPlace::Given(credential));
    }

    #[test]
    fn a_secret_of_ours_is_made_once_for_its_owner_alone_and_a_given_one_never() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let given = SecretPlace::Given(path.clone());
        let missing = AuthoritySecret::read_or_make(&given).unwrap_err();
        assert!(matches!(missing, AuthorityError::Missing { .. }));
        let own = SecretPlace::Own(path.clone());
        let made = AuthoritySecret::read_or_make(&own).unwrap();
        assert_eq!(made.reveal().len(), 2 * BYTES_MADE);
        let again = AuthoritySecret::read_or_make(&own).unwrap();
        assert_eq!(made.reveal(), again.reveal());
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(format!("{made:?}"), "[redacted]");
    }

    #[test]
    fn a_secret_that_others_may_read_or_that_is_short_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let place = SecretPlace::Given(path.clone());
        replace_file(&path, b"0123456789abcde\n").unwrap();
        let short = AuthoritySecret::read(&place).unwrap_err().to_string();
        assert!(short.contains(path.to_str().unwrap()), "{short}");
        assert!(!short.contains("0123456"), "{short}");
        replace_file(&path, b"0123456789abcdef\n").unwrap();
        AuthoritySecret::read(&place).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let open = AuthoritySecret::read(&place).unwrap_err().to_string();
        assert!(open.contains("640") && open.contains("chmod 600"), "{open}");
    }
}
