//! The operator's vault: a folder, on a stick perhaps, with the keys of root and targets. Whoever
//! has it can make a release; the gateway never does.
//!
//! `vault.json` (mode 0600, the folder 0700) is replaced by one rename. Keys that were replaced
//! stay in it until the root that no longer names them is published.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::role_key::RoleKey;

/// The file in the folder.
const FILE: &str = "vault.json";

/// The form this version writes.
const VERSION: u32 = 1;

/// The keys in a vault. Debug shows none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vault {
    folder: PathBuf,
    keys: Stored,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    root: RoleKey,
    targets: RoleKey,
    /// The root keys before this one, oldest first: a new root is signed by the one that the
    /// published root names, too [TUF §6.1]. Which of them that is only the gateway knows, where
    /// a rotation broke off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former_roots: Vec<RoleKey>,
}

/// Why a vault cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is one already: keys are never written over.
    #[error("{0} has keys already: choose another folder, or rotate them")]
    Exists(PathBuf),
    /// Others may read it.
    #[error("{path} may be read by others (mode {mode:o}): chmod 600 it")]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It is no vault of this version.
    #[error("{path} is no vault of version {VERSION}")]
    Form {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read or written.
    #[error("{path} cannot be used")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl Vault {
    /// Makes new keys in a folder that has none.
    ///
    /// # Errors
    /// Where it has some, or cannot be written.
    pub fn init(folder: &Path) -> Result<Self, VaultError> {
        let path = folder.join(FILE);
        if path.exists() {
            return Err(VaultError::Exists(path));
        }
        let keys = Stored {
            version: VERSION,
            root: RoleKey::generate(),
            targets: RoleKey::generate(),
            former_roots: Vec::new(),
        };
        let vault = Self {
            folder: folder.to_owned(),
            keys,
        };
        vault.write()?;
        Ok(vault)
    }

    /// Opens the vault in a folder.
    ///
    /// # Errors
    /// Where there is none, or others may read it.
    pub fn open(folder: &Path) -> Result<Self, VaultError> {
        let path = folder.join(FILE);
        let failed = |source| VaultError::File {
            path: path.clone(),
            source,
        };
        let mode = fs::metadata(&path).map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(VaultError::Open { path, mode });
        }
        let text = fs::read(&path).map_err(failed)?;
        // Without the parser's words, which would show what stands there.
        let keys: Option<Stored> = serde_json::from_slice(&text).ok();
        match keys.filter(|keys| keys.version == VERSION) {
            Some(keys) => Ok(Self {
                folder: folder.to_owned(),
                keys,
            }),
            None => Err(VaultError::Form { path }),
        }
    }

    /// Puts a new key in the place of the root's; the one before signs the next root, too.
    ///
    /// # Errors
    /// Where it cannot be written; the key is as before then.
    pub fn rotate_root(&mut self) -> Result<(), VaultError> {
        let mut keys = self.keys.clone();
        let former = std::mem::replace(&mut keys.root, RoleKey::generate());
        keys.former_roots.push(former);
        self.replace(keys)
    }

    /// Puts a new key in the place of the targets'.
    ///
    /// # Errors
    /// Where it cannot be written; the key is as before then.
    pub fn rotate_targets(&mut self) -> Result<(), VaultError> {
        let targets = RoleKey::generate();
        self.replace(Stored {
            targets,
            ..self.keys.clone()
        })
    }

    /// Forgets the root keys before this one, once a root that names this one is published.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn forget_former(&mut self) -> Result<(), VaultError> {
        let former_roots = Vec::new();
        self.replace(Stored {
            former_roots,
            ..self.keys.clone()
        })
    }

    /// The keys a new root is signed with: the new one, then those before.
    pub(crate) fn root_keys(&self) -> Vec<&RoleKey> {
        let former = &self.keys.former_roots;
        std::iter::once(&self.keys.root).chain(former).collect()
    }

    /// The key of the targets role.
    pub(crate) fn targets_key(&self) -> &RoleKey {
        &self.keys.targets
    }

    fn replace(&mut self, keys: Stored) -> Result<(), VaultError> {
        let replaced = Self {
            folder: self.folder.clone(),
            keys,
        };
        replaced.write()?;
        *self = replaced;
        Ok(())
    }

    fn write(&self) -> Result<(), VaultError> {
        let path = self.folder.join(FILE);
        let beside = self.folder.join(".vault.json.new");
        let text = serde_json::to_vec(&self.keys).expect("keys are always JSON");
        let write = || {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&self.folder)?;
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600);
            let mut file = options.open(&beside)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|source| VaultError::File { path, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_for_their_owner_alone_and_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let stick = folder.path().join("stick");
        let vault = Vault::init(&stick).unwrap();
        assert_eq!(Vault::open(&stick).unwrap(), vault);
        assert!(matches!(Vault::init(&stick), Err(VaultError::Exists(_))));

        let path = stick.join(FILE);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Vault::open(&stick), Err(VaultError::Open { .. })));
    }

    #[test]
    fn the_root_keys_before_sign_on_until_they_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let mut vault = Vault::init(folder.path()).unwrap();
        let first = vault.keys.root.clone();
        vault.rotate_root().unwrap();
        let second = vault.keys.root.clone();
        vault.rotate_root().unwrap();
        let reopened = Vault::open(folder.path()).unwrap();
        assert_eq!(reopened.root_keys(), [&vault.keys.root, &first, &second]);

        vault.forget_former().unwrap();
        assert_eq!(vault.root_keys().len(), 1);
    }
}
