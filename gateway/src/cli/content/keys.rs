//! `content keys`: the vault of the operator. What its keys are for, and what to do when they are
//! lost, stands in docs/content-keys.md.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use jiff::Timestamp;
use lujiang_content::{Offer, Vault, VaultError};

use super::upload::{offer, online, published, repository};
use crate::cli::access::Access;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::folder::Folder;
use crate::cli::printer::Printer;

/// `content keys …`
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum KeysCommand {
    /// Make the keys of root and targets, and begin the repository with them
    #[command(after_help = "Example:\n  lujiang-gateway content keys init /media/stick/lujiang")]
    Init {
        /// The folder, which gets mode 0700
        folder: PathBuf,
    },
    /// Put new keys in the place of the present ones, and tell every device by a new root
    #[command(after_help = "Examples:
  lujiang-gateway content keys rotate /media/stick/lujiang
  lujiang-gateway content keys rotate /media/stick/lujiang --only targets")]
    Rotate {
        /// The folder with the keys
        folder: PathBuf,
        /// Which: root or targets; both where left out
        #[arg(long)]
        only: Option<OffLineRole>,
    },
    /// Sign root and targets anew with the keys there are: before they end, and where the gateway
    /// has new on-line keys
    #[command(after_help = "Example:\n  lujiang-gateway content keys renew /media/stick/lujiang")]
    Renew {
        /// The folder with the keys
        folder: PathBuf,
    },
    /// Show how long each signature is good. Exit code 3 where one ends soon
    #[command(after_help = "Example:\n  lujiang-gateway content keys status")]
    Status {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
}

/// Whose key is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum OffLineRole {
    /// The root's.
    Root,
    /// The targets'.
    Targets,
}

impl KeysCommand {
    pub(super) async fn perform(
        self,
        folder: &Folder,
        printer: &mut Printer,
    ) -> Result<Outcome, Failure> {
        match self {
            Self::Init { folder: keys } => init(folder, &keys, printer).await,
            Self::Rotate { folder: keys, only } => {
                let mut vault = open(&keys)?;
                let rotates = |role| only.is_none_or(|only| only == role);
                if rotates(OffLineRole::Root) {
                    vault.rotate_root().context("replacing the root's key")?;
                }
                if rotates(OffLineRole::Targets) {
                    vault
                        .rotate_targets()
                        .context("replacing the targets' key")?;
                }
                renew(folder, &mut vault, printer).await
            }
            Self::Renew { folder: keys } => renew(folder, &mut open(&keys)?, printer).await,
            Self::Status { json } => status(folder, json, printer).await,
        }
    }
}

async fn init(folder: &Folder, keys: &Path, printer: &mut Printer) -> Result<Outcome, Failure> {
    let client = Access::running(folder).await?;
    let known = repository(&client).await?;
    if known.root.is_some() {
        let error = anyhow::anyhow!(
            "the repository was begun before: its keys are rotated, not made anew \
             (`lujiang-gateway content keys rotate`)"
        );
        return Err(Failure::Usage(error));
    }
    // Keys that are there already began nothing, or their gateway is not this one: where an offer
    // did not arrive, the second attempt takes the keys of the first.
    let vault = match Vault::init(keys) {
        Err(VaultError::Exists(_)) => open(keys)?,
        made => made.context("making the keys")?,
    };
    let first = Offer::begin(&vault, &online(&known)?, Timestamp::now()).await;
    let revision = offer(&client, first.context("signing")?).await?;
    printer.line(format!("the keys are in {}", keys.display()))?;
    printer.line(format!("the repository is begun; revision {revision}"))?;
    printer.line("put them where the gateway is not, and a copy elsewhere: whoever has them can make a release")?;
    Ok(Outcome::Done)
}

async fn renew(
    folder: &Folder,
    vault: &mut Vault,
    printer: &mut Printer,
) -> Result<Outcome, Failure> {
    let client = Access::running(folder).await?;
    let from = published(&client).await?;
    let renewed = Offer::renew(vault, &from, Timestamp::now()).await;
    let revision = offer(&client, renewed.context("signing")?).await?;
    // From now on the new root is what counts; the key before it signs nothing any more.
    vault.forget_former().context("forgetting the key before")?;
    printer.line(format!(
        "root and targets are signed anew; revision {revision}"
    ))?;
    Ok(Outcome::Done)
}

async fn status(folder: &Folder, json: bool, printer: &mut Printer) -> Result<Outcome, Failure> {
    let client = Access::running(folder).await?;
    let roles = repository(&client).await?.roles;
    if json {
        printer.json(&roles)?;
    } else if roles.is_empty() {
        printer.line("there is no repository yet: `lujiang-gateway content keys init FOLDER`")?;
    } else {
        let rows: Vec<[String; 4]> = roles
            .iter()
            .map(|it| {
                let told = if it.ends_soon { "ends soon" } else { "good" };
                [
                    it.role.clone(),
                    it.version.to_string(),
                    it.expires.clone(),
                    told.to_owned(),
                ]
            })
            .collect();
        printer.table(["role", "version", "until", ""], &rows)?;
    }
    match roles.iter().any(|role| role.ends_soon) {
        true => Ok(Outcome::ProblemsFound),
        false => Ok(Outcome::Done),
    }
}

fn open(folder: &Path) -> Result<Vault, Failure> {
    let vault = Vault::open(folder).context("opening the vault");
    vault.map_err(Failure::Usage)
}
