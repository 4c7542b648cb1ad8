//! The folder an identity lies in: for its owner only, checked at every reading.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use lujiang_wire::DeviceId;

use super::{Identity, IdentityError};
use crate::durable_file;

/// The name of the file in the folder.
const NAME: &str = "identity.json";

/// The one before it, after a renewal.
const PREVIOUS: &str = "previous.json";

/// Largest file that is read: a key and a handful of certificates are below 16 KiB.
const SIZE_MAX: u64 = 256 * 1024;

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// The folder with the identity of one device.
#[derive(Debug, Clone)]
pub struct IdentityFolder {
    path: PathBuf,
    device: DeviceId,
}

impl IdentityFolder {
    /// The folder at this path, which need not be there yet.
    #[must_use]
    pub fn new(path: &Path, device: &DeviceId) -> Self {
        Self {
            path: path.to_owned(),
            device: device.clone(),
        }
    }

    /// The device whose folder this is.
    #[must_use]
    pub fn device(&self) -> &DeviceId {
        &self.device
    }

    /// The file with everything in it.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.path.join(NAME)
    }

    /// Reads the identity.
    ///
    /// # Errors
    /// Where there is none, others can read it, or its parts do not belong together.
    pub fn load(&self) -> Result<Identity, IdentityError> {
        self.load_file(self.file())
    }

    /// Reads the identity before the present one: a gateway that was restored from an older copy
    /// knows that one, and not its successor.
    pub(crate) fn load_previous(&self) -> Result<Identity, IdentityError> {
        self.load_file(self.path.join(PREVIOUS))
    }

    /// Puts an identity in place of whatever is there, or the first; makes the folder where there
    /// is none. After a crash the old one or the new one is there, whole.
    pub(crate) fn replace(&self, identity: &Identity) -> Result<(), IdentityError> {
        self.make()?;
        write(&self.file(), identity)?;
        let previous = self.path.join(PREVIOUS);
        match fs::remove_file(&previous) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(IdentityError::File {
                action: "remove",
                path: previous,
                source,
            }),
            _ => Ok(()),
        }
    }

    /// Puts the renewed identity in place of the present one, which is kept beside it.
    pub(crate) fn succeed(&self, present: &Identity, next: &Identity) -> Result<(), IdentityError> {
        self.make()?;
        write(&self.path.join(PREVIOUS), present)?;
        write(&self.file(), next)
    }

    fn load_file(&self, file: PathBuf) -> Result<Identity, IdentityError> {
        check_mode(&self.path, FOLDER_MODE).map_err(|error| self.absent(error))?;
        check_mode(&file, FILE_MODE).map_err(|error| self.absent(error))?;
        let text = read(&file).map_err(|source| IdentityError::File {
            action: "read",
            path: file.clone(),
            source,
        })?;
        Identity::parse(&self.device, &text).map_err(|source| IdentityError::Unusable {
            path: file,
            source: Box::new(source),
        })
    }

    /// Makes the folder where there is none: before a token is spent, so that none is for nothing.
    pub(crate) fn make(&self) -> Result<(), IdentityError> {
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(&self.path)
            .map_err(|source| IdentityError::File {
                action: "make",
                path: self.path.clone(),
                source,
            })?;
        check_mode(&self.path, FOLDER_MODE)
    }

    /// Runs one call on a thread that may wait for the disk. One that has begun ends by itself,
    /// also where nobody waits for it any more.
    pub(crate) async fn with<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Self) -> Result<T, IdentityError> + Send + 'static,
    ) -> Result<T, IdentityError> {
        let folder = self.clone();
        let called = tokio::task::spawn_blocking(move || call(&folder)).await;
        called.unwrap_or_else(|error| {
            Err(IdentityError::File {
                action: "use",
                path: self.file(),
                source: io::Error::other(error),
            })
        })
    }

    /// What is not there was never enrolled.
    fn absent(&self, error: IdentityError) -> IdentityError {
        match error {
            IdentityError::File { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                IdentityError::Absent {
                    path: self.file(),
                    device: self.device.clone(),
                }
            }
            other => other,
        }
    }
}

fn check_mode(path: &Path, expected: u32) -> Result<(), IdentityError> {
    let metadata = fs::metadata(path).map_err(|source| IdentityError::File {
        action: "look at",
        path: path.to_owned(),
        source,
    })?;
    let found = metadata.permissions().mode() & 0o7777;
    // Its owner may have less than this; nobody else may have anything.
    if found & !expected != 0 {
        return Err(IdentityError::Mode {
            path: path.to_owned(),
            found,
            expected,
        });
    }
    Ok(())
}

fn write(file: &Path, identity: &Identity) -> Result<(), IdentityError> {
    durable_file::replace(file, &identity.to_json()).map_err(|source| IdentityError::File {
        action: "write",
        path: file.to_owned(),
        source,
    })
}

fn read(file: &Path) -> io::Result<String> {
    if fs::metadata(file)?.len() > SIZE_MAX {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is larger than {SIZE_MAX} bytes"),
        ));
    }
    fs::read_to_string(file)
}
