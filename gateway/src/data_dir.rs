//! The data folder: its lock, its endpoints file, its secrets, and where each store lives.
//!
//! Whoever holds a [`DataDir`] is the only process that writes in the folder. [`DataPaths`] only
//! names places; a command uses it to find a running gateway. Every file that must be whole after
//! a crash is written by [`replace_file`].

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::net::SocketAddr;
use std::ops::Deref;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Random bytes in the admin token: 256 bits cannot be guessed.
const TOKEN_BYTES: usize = 32;

/// Mode of every file here: what lies in the folder concerns nobody else.
const FILE_MODE: u32 = 0o600;

/// A data folder that this process alone writes in, until it is dropped.
#[derive(Debug)]
pub struct DataDir {
    paths: DataPaths,
    /// Locked as long as it is open.
    _lock: File,
}

/// Where everything lies in a data folder, whoever holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataPaths {
    root: PathBuf,
}

/// What a running gateway has bound, as in `endpoints.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// The door, on this machine.
    pub mqtt: SocketAddr,
    /// The door behind TLS.
    pub mqtts: SocketAddr,
    /// API and page, on this machine.
    pub http: SocketAddr,
    /// API, page and enrolment behind TLS.
    pub https: SocketAddr,
}

/// The bearer token of whoever may read the data folder. Prints as `[redacted]`.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminToken(String);

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process holds it.
    #[error("data folder {} is in use by {}", path.display(), holder(*pid))]
    InUse {
        /// The folder.
        path: PathBuf,
        /// Who holds it, where it has said so.
        pid: Option<u32>,
    },
    /// A file or folder could not be read or written.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{} is not {expected}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
    },
}

impl DataDir {
    /// Takes the folder for this process; creates it, for its owner only, where there is none.
    ///
    /// # Errors
    /// Where another process holds it, or it cannot be created.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let paths = DataPaths::new(path);
        make_folder(path)?;
        let lock_file = paths.lock_file();
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(&lock_file)
            .map_err(|source| failed("open", &lock_file, source))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DataDirError::InUse {
                    path: path.to_owned(),
                    pid: read_pid(&mut lock),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed("lock", &lock_file, source)),
        }
        write_pid(&mut lock).map_err(|source| failed("write", &lock_file, source))?;
        make_folder(&paths.keys_dir())?;
        Ok(Self { paths, _lock: lock })
    }

    /// The admin token, made at the first call.
    ///
    /// # Errors
    /// Where the file cannot be read or written, or holds no token.
    pub fn admin_token(&self) -> Result<AdminToken, DataDirError> {
        if let Some(token) = self.paths.read_admin_token()? {
            return Ok(token);
        }
        let token = hex::encode(random_bytes::<TOKEN_BYTES>());
        replace_file(&self.paths.admin_token_file(), token.as_bytes())?;
        Ok(AdminToken(token))
    }

    /// Tells commands where this gateway listens.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn publish_endpoints(&self, endpoints: &Endpoints) -> Result<(), DataDirError> {
        let json = serde_json::to_vec(endpoints).expect("addresses are always JSON");
        replace_file(&self.paths.endpoints_file(), &json)
    }

    /// Takes the endpoints back; none there is fine.
    ///
    /// # Errors
    /// Where the file cannot be removed.
    pub fn withdraw_endpoints(&self) -> Result<(), DataDirError> {
        let file = self.paths.endpoints_file();
        match fs::remove_file(&file) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(failed("remove", &file, source))
            }
            _ => Ok(()),
        }
    }
}

impl Deref for DataDir {
    type Target = DataPaths;

    fn deref(&self) -> &DataPaths {
        &self.paths
    }
}

impl DataPaths {
    /// The places below this folder.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Facts, decisions and persons: the SQLite database.
    #[must_use]
    pub fn ledger_db(&self) -> PathBuf {
        self.root.join("ledger.db")
    }

    /// The views; may be deleted at any time the gateway is stopped.
    #[must_use]
    pub fn views_dir(&self) -> PathBuf {
        self.root.join("views")
    }

    /// The keys that open what is sealed.
    #[must_use]
    pub fn keys_dir(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// The blobs of releases, where no bucket is configured.
    #[must_use]
    pub fn content_dir(&self) -> PathBuf {
        self.root.join("content")
    }

    /// The files of releases that are being made.
    #[must_use]
    pub fn drafts_dir(&self) -> PathBuf {
        self.root.join("drafts")
    }

    /// The files of one of them.
    #[must_use]
    pub fn draft_dir(&self, id: &str) -> PathBuf {
        self.drafts_dir().join(id)
    }

    /// `endpoints.json`
    #[must_use]
    pub fn endpoints_file(&self) -> PathBuf {
        self.root.join("endpoints.json")
    }

    /// `admin.token`
    #[must_use]
    pub fn admin_token_file(&self) -> PathBuf {
        self.root.join("admin.token")
    }

    /// The authority's certificate (PEM), for people and foreign clients.
    #[must_use]
    pub fn authority_file(&self) -> PathBuf {
        self.keys_dir().join("authority.pem")
    }

    /// The authority's certificate and its sealed key.
    #[must_use]
    pub fn authority_key_file(&self) -> PathBuf {
        self.keys_dir().join("authority.key")
    }

    /// The secret that opens that key, where no other is configured.
    #[must_use]
    pub fn authority_secret_file(&self) -> PathBuf {
        self.keys_dir().join("authority.secret")
    }

    fn lock_file(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// Where the running gateway listens; none while it starts or stops.
    ///
    /// # Errors
    /// Where the file cannot be read, or is not ours.
    pub fn read_endpoints(&self) -> Result<Option<Endpoints>, DataDirError> {
        let file = self.endpoints_file();
        let Some(json) = read_if_there(&file)? else {
            return Ok(None);
        };
        serde_json::from_str(&json)
            .map(Some)
            .map_err(|_| DataDirError::Content {
                path: file,
                expected: "an endpoints file",
            })
    }

    /// The admin token, where the folder has one.
    ///
    /// # Errors
    /// Where the file cannot be read, or holds no token.
    pub fn read_admin_token(&self) -> Result<Option<AdminToken>, DataDirError> {
        let file = self.admin_token_file();
        let Some(text) = read_if_there(&file)? else {
            return Ok(None);
        };
        let token = text.trim();
        let whole = token.len() == 2 * TOKEN_BYTES && token.bytes().all(|b| b.is_ascii_hexdigit());
        if !whole {
            return Err(DataDirError::Content {
                path: file,
                expected: "a token of 64 hexadecimal digits (remove it, and a new one is made)",
            });
        }
        Ok(Some(AdminToken(token.to_owned())))
    }
}

impl AdminToken {
    /// The token as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is what was presented; takes the same time wherever they differ.
    #[must_use]
    pub fn is(&self, presented: &str) -> bool {
        let (ours, theirs) = (self.0.as_bytes(), presented.as_bytes());
        let differences = ours.iter().zip(theirs).fold(0, |all, (a, b)| all | (a ^ b));
        ours.len() == theirs.len() && differences == 0
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Puts a file in place so that after a crash either the old or the new one is there, whole:
/// new file, fsync, rename, fsync of the folder.
///
/// # Errors
/// Where the system refuses one of these.
pub fn replace_file(path: &Path, contents: &[u8]) -> Result<(), DataDirError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(FILE_MODE)
            .open(&beside)?;
        file.write_all(contents)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|source| failed("write", path, source))
}

/// Random bytes nobody can guess.
///
/// # Panics
/// Where the operating system has none, which happens on no Linux we run on.
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("Linux always gives random bytes");
    bytes
}

/// Makes a folder, for its owner only, where there is none.
pub(crate) fn make_folder(path: &Path) -> Result<(), DataDirError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| failed("create", path, source))
}

fn read_if_there(path: &Path) -> Result<Option<String>, DataDirError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(failed("read", path, source)),
    }
}

fn write_pid(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())
}

fn read_pid(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn holder(pid: Option<u32>) -> String {
    match pid {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    }
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> DataDirError {
    DataDirError::File {
        action,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_second_holder_is_refused_by_pid_and_let_in_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let first = DataDir::open(&path).unwrap();
        let refused = DataDir::open(&path).unwrap_err().to_string();
        assert!(refused.contains(&format!("process {}", std::process::id())));
        assert!(refused.contains(&path.display().to_string()));
        drop(first);
        DataDir::open(&path).unwrap();
    }

    #[test]
    fn the_folder_and_the_token_are_for_the_owner_alone_and_the_token_stays() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(&folder.path().join("data")).unwrap();
        let token = data.admin_token().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(data.root()), 0o700);
        assert_eq!(mode(&data.keys_dir()), 0o700);
        assert_eq!(mode(&data.admin_token_file()), 0o600);
        assert_eq!(data.admin_token().unwrap(), token);
        assert!(token.is(token.as_str()));
        assert!(!token.is(&token.as_str()[1..]));
        assert!(!token.is(""));
        assert_eq!(format!("{token:?}"), "[redacted]");
    }

    #[test]
    fn a_token_file_that_was_cut_is_refused_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        fs::write(data.admin_token_file(), "").unwrap();
        assert!(matches!(
            data.admin_token(),
            Err(DataDirError::Content { .. })
        ));
    }

    #[test]
    fn endpoints_come_and_go() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        let endpoints = Endpoints {
            mqtt: "127.0.0.1:1883".parse().unwrap(),
            mqtts: "[::]:8883".parse().unwrap(),
            http: "127.0.0.1:8080".parse().unwrap(),
            https: "0.0.0.0:8443".parse().unwrap(),
        };
        assert_eq!(data.read_endpoints().unwrap(), None);
        data.publish_endpoints(&endpoints).unwrap();
        assert_eq!(
            fs::read_to_string(data.endpoints_file()).unwrap(),
            concat!(
                r#"{"mqtt":"127.0.0.1:1883","mqtts":"[::]:8883","#,
                r#""http":"127.0.0.1:8080","https":"0.0.0.0:8443"}"#
            )
        );
        assert_eq!(data.read_endpoints().unwrap(), Some(endpoints));
        data.withdraw_endpoints().unwrap();
        data.withdraw_endpoints().unwrap();
        assert_eq!(data.read_endpoints().unwrap(), None);
    }
}
