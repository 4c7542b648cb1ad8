//! `content export`: a release onto a stick, for kiosks that no line reaches. It only reads, so it
//! works whether a gateway runs or not.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Args;
use lujiang_content::{Repository, StickMade, make_stick};
use lujiang_wire::{BlobHash, DeviceId, Label, Stick};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::cli::failure::{Failure, Outcome};
use crate::cli::folder::Folder;
use crate::cli::printer::Printer;
use crate::cli::progress::Progress;
use crate::content::blob_store_beside;
use crate::places::DeviceKind;
use crate::store::content::{self as rows, ReleaseRow};
use crate::store::registry;

/// `content export`
#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArgs {
    /// The kiosks, with commas between them: what one of them may have is put there
    #[arg(
        long = "for",
        value_name = "DEVICES",
        value_delimiter = ',',
        required = true
    )]
    devices: Vec<DeviceId>,
    /// The folder of the stick
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// The release; the one published last where left out
    #[arg(long)]
    release: Option<Label>,
    /// Print {"release","revision","devices","folder","files","bytes","kept_bytes","code"}
    #[arg(long)]
    json: bool,
}

/// What there is to put on a stick.
struct Offered {
    repository: Repository,
    releases: Vec<ReleaseRow>,
    /// The SHA-256 of the first root and the newest snapshot, one after the other: what a kiosk asks
    /// about at first contact.
    code: BlobHash,
}

impl ExportArgs {
    /// Makes the stick.
    pub(super) async fn perform(
        self,
        folder: &Folder,
        printer: &mut Printer,
    ) -> Result<Outcome, Failure> {
        let offered = self.read(folder)?;
        let release = match self.release {
            Some(release) => release,
            None => newest(&offered.releases)?,
        };
        let section = folder.config()?.content;
        let store = blob_store_beside(&section.s3, &folder.paths().content_dir());
        let store = store.map_err(anyhow::Error::new)?;
        let stick = Stick {
            release,
            revision: offered.repository.revision(),
            devices: self.devices,
        };
        let mut progress = Progress::of_bytes();
        let told = |done, of| progress.reached(done, of);
        let made = make_stick(&offered.repository, &store, &stick, &self.to, told).await;
        progress.finish();
        let made = made.with_context(|| format!("making a stick in {}", self.to.display()))?;
        let code = &offered.code;
        match self.json {
            true => printer.json(&json!({
                "release": stick.release,
                "revision": stick.revision,
                "devices": stick.devices,
                "folder": self.to,
                "files": made.blobs,
                "bytes": made.bytes,
                "kept_bytes": made.kept,
                "code": code.to_string(),
            }))?,
            false => tell(printer, &stick, made, code, &self.to)?,
        }
        Ok(Outcome::Done)
    }

    /// What there is, where all of the kiosks are known.
    fn read(&self, folder: &Folder) -> Result<Offered, Failure> {
        let readers = folder.read_only()?;
        let read = readers.read(|connection| {
            let known = registry::load(connection)?;
            Ok((rows::files(connection)?, rows::releases(connection)?, known))
        });
        let (files, releases, known) = read.context("reading the releases")?;
        for device in &self.devices {
            if !known.devices.iter().any(|it| it.id == *device) {
                return Err(Failure::Usage(anyhow!("there is no device {device}")));
            }
            let placed = known.placements.iter();
            let placed = placed.filter(|it| it.device == *device);
            let newest = placed.max_by_key(|it| it.valid_from);
            if newest.is_none_or(|it| it.kind != DeviceKind::Kiosk) {
                let told = anyhow!("{device} is no kiosk: it shows no release");
                return Err(Failure::Usage(told));
            }
        }
        if files.is_empty() {
            let told = "there is no repository yet: make its keys with `lujiang-gateway content keys init FOLDER`";
            return Err(Failure::Usage(anyhow!(told)));
        }
        let repository =
            Repository::restore(files).context("reading the repository of releases")?;
        let file = |name: &str| {
            let file = repository.files().get(name);
            file.with_context(|| format!("the repository has no {name}"))
        };
        let snapshot = format!("{}.snapshot.json", repository.revision());
        let code = Sha256::new().chain_update(file("1.root.json")?);
        let code = BlobHash::new(code.chain_update(file(&snapshot)?).finalize().into());
        Ok(Offered {
            repository,
            releases,
            code,
        })
    }
}

fn tell(
    printer: &mut Printer,
    stick: &Stick,
    made: StickMade,
    code: &BlobHash,
    to: &Path,
) -> anyhow::Result<()> {
    let devices: Vec<&str> = stick.devices.iter().map(DeviceId::as_str).collect();
    printer.line(format!(
        "{} is on the stick for {}: {} files, {:.1} MB, of which {:.1} MB were there; revision {}",
        stick.release,
        devices.join(", "),
        made.blobs,
        made.bytes as f64 / 1e6,
        made.kept as f64 / 1e6,
        stick.revision
    ))?;
    printer.line(format!("code  {code}"))?;
    printer.line(format!(
        "on the kiosk: lujiang-agent content import {}; one that has taken no release yet asks \
         for the code above: write it down, and do not read it from the stick",
        to.display()
    ))
}

/// The release that was published last and is not withdrawn.
fn newest(releases: &[ReleaseRow]) -> Result<Label, Failure> {
    let standing = releases.iter().filter(|it| it.withdrawn.is_none());
    let newest = standing.max_by_key(|it| it.published);
    let newest = newest.ok_or_else(|| Failure::Usage(anyhow!("there is no release yet")))?;
    let name = newest.name.parse();
    Ok(name.with_context(|| format!("reading the release {}", newest.name))?)
}
