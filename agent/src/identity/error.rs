//! Why there is no identity.

use std::path::PathBuf;

use lujiang_wire::DeviceId;

/// Why a device has no identity it can use. No message holds anything of the key.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Never enrolled.
    #[error(
        "no certificate: {} is not there; make a token with `lujiang-gateway device enrol {device}`, \
         then run `lujiang-agent enrol --config FILE --gateway URL --token-file FILE`", path.display()
    )]
    Absent {
        /// The file.
        path: PathBuf,
        /// The device.
        device: DeviceId,
    },
    /// Others can use it.
    #[error("{} has mode {found:04o}, expected {expected:04o}: run `chmod {expected:o} {}`", path.display(), path.display())]
    Mode {
        /// The file or folder.
        path: PathBuf,
        /// Its mode.
        found: u32,
        /// What it must have.
        expected: u32,
    },
    /// The system refuses.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A file with something wrong in it.
    #[error("the identity in {} cannot be used", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Box<IdentityError>,
    },
    /// Not what `lujiang-agent enrol` writes.
    #[error("it is not an identity as `lujiang-agent enrol` writes it")]
    Form,
    /// Of another version.
    #[error("it is of version {found}, expected {expected}")]
    Version {
        /// What stands there.
        found: u32,
        /// What this program knows.
        expected: u32,
    },
    /// A part that is no PEM, or damaged.
    #[error("its {part} cannot be read, expected PEM")]
    Part {
        /// Which.
        part: &'static str,
    },
    /// A certificate for another device.
    #[error("its certificate is for {found}, expected {expected}")]
    OtherDevice {
        /// Who it names.
        found: String,
        /// Who we are.
        expected: DeviceId,
    },
    /// A certificate for another key.
    #[error("its certificate is for another key")]
    OtherKey,
}
