//! `content export`: a release onto a stick, for kiosks that no line reaches. It only reads, so it
//! works whether a gateway runs or not.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use lujiang_content::{Repository, StickMade, make_stick};
use lujiang_wire::{BlobHash, DeviceId, Label, Stick};
use sha2::{Digest as _, Sha256};

use crate::cli::failure::{Failure, Outcome};
use crate::cli::folder::Folder;
use crate::cli::printer::Printer;
use crate::cli::progress::Progress;
use crate::content::blob_store;
use crate::store::content::{self as rows, ReleaseRow};
use crate::store::registry;

/// Makes the stick.
pub(super) async fn export(
    folder: &Folder,
    devices: Vec<DeviceId>,
    release: Option<Label>,
    to: &Path,
    printer: &mut Printer,
) -> Result<Outcome, Failure> {
    let readers = folder.read_only()?;
    let read = readers.read(|connection| {
        let known = registry::load(connection)?.devices;
        Ok((rows::files(connection)?, rows::releases(connection)?, known))
    });
    let (files, releases, known) = read.context("reading the releases")?;
    for device in &devices {
        if !known.iter().any(|it| it.id == *device) {
            return Err(Failure::Usage(anyhow!("there is no device {device}")));
        }
    }
    if files.is_empty() {
        let told = "there is no repository yet: make its keys with `lujiang-gateway content keys init FOLDER`";
        return Err(Failure::Usage(anyhow!(told)));
    }
    let root = files.get("1.root.json").map(|it| Sha256::digest(it).into());
    let root = BlobHash::new(root.context("the repository has no first root")?);
    let repository = Repository::restore(files).context("reading the repository of releases")?;
    let release = match release {
        Some(release) => release,
        None => newest(&releases)?,
    };
    let section = folder.config()?.content;
    let store = blob_store(&section.s3, &folder.paths().content_dir());
    let store = store.map_err(anyhow::Error::new)?;
    let stick = Stick {
        release,
        revision: repository.revision(),
        devices,
    };
    let mut progress = Progress::of_bytes();
    let made = make_stick(&repository, &store, &stick, to, |done, of| {
        progress.reached(done, of);
    });
    let made = made.await;
    progress.finish();
    let made = made.with_context(|| format!("making a stick in {}", to.display()))?;
    told(printer, &stick, made, &root, to)?;
    Ok(Outcome::Done)
}

fn told(
    printer: &mut Printer,
    stick: &Stick,
    made: StickMade,
    root: &BlobHash,
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
    printer.line(format!("root  {root}"))?;
    printer.line(format!(
        "on the kiosk: lujiang-agent content import {}; one that has taken no release yet asks \
         for the root above: write it down, and do not read it from the stick",
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
