//! The password file: one line, readable by its owner only.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The file.
    #[error("cannot read the password file {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others can read it.
    #[error("the password file {path} has mode {mode:04o}, expected 0600: run chmod 600 on it")]
    Mode {
        /// Which.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Nothing in it.
    #[error("the password file {path} is empty")]
    Empty {
        /// Which.
        path: PathBuf,
    },
}

/// A password, which never prints.
pub(crate) struct Password(String);

impl Password {
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Reads the password of a file nobody else can read.
pub(crate) fn read(path: &Path) -> Result<Password, PasswordError> {
    let file = |source| PasswordError::File {
        path: path.to_owned(),
        source,
    };
    let mode = std::fs::metadata(path).map_err(file)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(PasswordError::Mode {
            path: path.to_owned(),
            mode,
        });
    }
    let text = std::fs::read_to_string(path).map_err(file)?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(PasswordError::Empty {
            path: path.to_owned(),
        });
    }
    Ok(Password(password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_others_can_read_is_refused_and_none_is_ever_printed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, "secret\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(
            read(&path),
            Err(PasswordError::Mode { mode: 0o640, .. })
        ));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let password = read(&path).unwrap();
        assert_eq!(password.reveal(), "secret");
        assert_eq!(format!("{password:?}"), "[redacted]");
    }
}
