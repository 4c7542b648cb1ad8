//! `content publish`: a folder and its licences become a release. What is understood is shown;
//! nothing is signed before somebody agrees.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use lujiang_content::{
    BookLimits, Draft, DraftSources, FolderReading, Kiosk, LICENCES_BYTES_MAX, LicenceList,
    Shelved, Vault,
};
use lujiang_wire::{Catalogue, Label};

use super::understanding;
use super::upload;
use crate::cli::access::Access;
use crate::cli::client::{Client, encoded};
use crate::cli::consent;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::folder::Folder;
use crate::cli::printer::Printer;
use crate::cli::progress::Progress;
use crate::content::dto::ReleaseForm;
use crate::drafts::DraftId;
use crate::drafts::dto::DraftForm;
use crate::places::DeviceKind;
use crate::registry::RegistryListing;

/// `content publish …`
#[derive(Debug, Args)]
pub(in crate::cli) struct PublishArgs {
    /// The folder with the EPUB and PDF files
    #[arg(value_name = "DIR", required_unless_present = "draft")]
    books: Option<PathBuf>,
    /// The release's name: 2026-11
    #[arg(long, required_unless_present = "draft")]
    release: Option<Label>,
    /// The licences: a table (CSV) or an OPDS 2.0 feed
    #[arg(long, value_name = "FILE", required_unless_present = "draft")]
    licences: Option<PathBuf>,
    /// The draft that was brought to the page, in place of folder, name and licences
    #[arg(long, value_name = "ID", conflicts_with_all = ["books", "release", "licences"])]
    draft: Option<DraftId>,
    /// The folder with the keys
    #[arg(long, value_name = "FOLDER", required_unless_present = "dry_run")]
    keys: Option<PathBuf>,
    /// The release it goes on from; the one published last where left out
    #[arg(long, value_name = "RELEASE")]
    after: Option<Label>,
    /// A title of the release before that is not to stay, by its identifier; as often as needed
    #[arg(long, value_name = "TITLE")]
    retire: Vec<Label>,
    /// Take the place of a release of the same name
    #[arg(long)]
    replace: bool,
    /// Publish what is understood, also where some files or lines are refused
    #[arg(long)]
    take_understood: bool,
    /// Ask nobody
    #[arg(long)]
    yes: bool,
    /// Only show what is understood
    #[arg(long)]
    dry_run: bool,
    /// Print {"release","titles","problems","bytes","new_bytes","revision"}; asks nobody
    #[arg(long)]
    json: bool,
}

impl PublishArgs {
    pub(super) async fn perform(
        self,
        folder: &Folder,
        printer: &mut Printer,
    ) -> Result<Outcome, Failure> {
        let vault = match &self.keys {
            Some(keys) if !self.dry_run => Some(
                Vault::open(keys)
                    .context("opening the vault")
                    .map_err(Failure::Usage)?,
            ),
            Some(_) | None => None,
        };
        let client = Access::running(folder).await?;
        let bundle = self.bundle(folder, &client).await?;
        let zone = folder.config()?.library.time_zone;
        // Covers lie in it until they are at the gateway; it is gone with this command.
        let covers = tempfile::tempdir().context("making a folder for covers")?;
        let sources = self
            .sources(folder, &client, &zone, &bundle, &covers)
            .await?;
        let draft = Draft::of(sources);
        if !self.json {
            understanding::tell(printer, &draft, &zone)?;
        }
        let problems = match draft.is_refused_in_part() {
            true => Outcome::ProblemsFound,
            false => Outcome::Done,
        };
        let Some(vault) = vault else {
            return self.without_consent(
                printer,
                &draft,
                "A dry run: nothing was published.",
                problems,
            );
        };
        if draft.is_refused_in_part() && !self.take_understood {
            let why = "Nothing was published: mend what is refused, or publish the rest with --take-understood.";
            return self.without_consent(printer, &draft, why, problems);
        }
        if draft.parts.catalogue.publications.is_empty() {
            return Err(anyhow!("nothing was published: the release would have no title").into());
        }
        self.consent(&draft)?;
        let mut progress = Progress::of_bytes();
        let mut sent = 0;
        let total = draft.bytes();
        let revision = upload::publish(&client, &vault, draft.parts.clone(), |bytes| {
            sent += bytes;
            progress.reached(sent, total);
        });
        let revision = revision.await;
        progress.finish();
        let revision = revision.context("publishing the release")?;
        match self.json {
            true => printer.json(&understanding::json(&draft, Some(revision)))?,
            false => printer.line(format!(
                "{} is published; revision {revision}",
                bundle.release
            ))?,
        }
        Ok(problems)
    }

    fn without_consent(
        &self,
        printer: &mut Printer,
        draft: &Draft,
        why: &str,
        outcome: Outcome,
    ) -> Result<Outcome, Failure> {
        match self.json {
            true => printer.json(&understanding::json(draft, None))?,
            false => printer.line(why)?,
        }
        Ok(outcome)
    }

    /// Whoever sits at the terminal, or said so before.
    fn consent(&self, draft: &Draft) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        if self.json || !consent::is_somebody_there() {
            let why = anyhow!("nobody to ask: agree with --yes, or look with --dry-run");
            return Err(Failure::Usage(why));
        }
        let question = format!(
            "Sign and publish {} with {}?",
            draft.parts.catalogue.metadata.identifier,
            understanding::titles(draft)
        );
        match consent::is_agreed(&question)? {
            true => Ok(()),
            false => Err(anyhow!("nothing was published: not agreed to").into()),
        }
    }

    /// The folder, the name and the licences: as they were named, or those of the draft.
    async fn bundle(&self, folder: &Folder, client: &Client) -> Result<Bundle, Failure> {
        if let (Some(books), Some(release), Some(licences)) =
            (&self.books, &self.release, &self.licences)
        {
            return Ok(Bundle {
                release: release.clone(),
                books: books.clone(),
                licences: licences.clone(),
            });
        }
        let Some(id) = &self.draft else {
            return Err(Failure::Usage(anyhow!(
                "name a folder, --release and --licences, or a --draft"
            )));
        };
        let draft: DraftForm = client.get(&format!("/api/v1/content/drafts/{id}")).await?;
        let books = folder.paths().draft_dir(id.as_str());
        let licences = draft.licences.ok_or_else(|| {
            Failure::Usage(anyhow!(
                "the draft has no licences yet: bring a CSV or JSON file"
            ))
        })?;
        Ok(Bundle {
            release: draft.release,
            licences: books.join(licences),
            books,
        })
    }

    async fn sources(
        &self,
        folder: &Folder,
        client: &Client,
        zone: &TimeZone,
        bundle: &Bundle,
        covers: &tempfile::TempDir,
    ) -> Result<DraftSources, Failure> {
        let licences = bundle.read_licences(zone).map_err(Failure::Usage)?;
        let registry = RegistryListing::of(folder, zone)?;
        let is_kiosk = |kind: &str| kind.parse() == Ok(DeviceKind::Kiosk);
        let kiosks = registry
            .devices
            .into_iter()
            .filter(|it| it.enabled && is_kiosk(&it.kind));
        let kiosks = kiosks.filter_map(|it| {
            Some(Kiosk {
                device: it.device,
                site: it.site?,
            })
        });
        let (before, earlier) = self.published(client, &bundle.release).await?;
        let files = read_books(
            bundle.books.clone(),
            bundle.licences.clone(),
            covers.path().to_owned(),
        );
        Ok(DraftSources {
            release: bundle.release.clone(),
            now: Timestamp::now(),
            zone: zone.clone(),
            files: files.await?,
            licences,
            before,
            earlier,
            kiosks: kiosks.collect(),
            sites: registry
                .sites
                .into_iter()
                .map(|it| (it.site, it.name))
                .collect(),
            retire: self.retire.iter().cloned().collect::<BTreeSet<_>>(),
        })
    }

    /// The release it goes on from, and the catalogues of the others.
    async fn published(
        &self,
        client: &Client,
        name: &Label,
    ) -> Result<(Option<Shelved>, Vec<Catalogue>), Failure> {
        let mut releases: Vec<ReleaseForm> = client.get("/api/v1/content/releases").await?;
        releases.retain(|it| it.withdrawn.is_none());
        let at = |release: &ReleaseForm| release.published.parse::<Timestamp>().ok();
        releases.sort_by_key(at);
        if releases.iter().any(|it| it.name == name.as_str()) && !self.replace {
            let why = anyhow!("there is a release {name} already: name another, or --replace it");
            return Err(Failure::Usage(why));
        }
        releases.retain(|it| it.name != name.as_str());
        let from = match &self.after {
            None => releases.last().map(|it| it.name.clone()),
            Some(after) if releases.iter().any(|it| it.name == after.as_str()) => {
                Some(after.to_string())
            }
            Some(after) => return Err(Failure::Usage(anyhow!("no release {after} to go on from"))),
        };
        let mut before = None;
        let mut earlier = Vec::new();
        for release in releases {
            let shelved = shelved(client, &release.name).await?;
            match Some(&release.name) == from.as_ref() {
                true => before = Some(shelved),
                false => earlier.push(shelved.catalogue),
            }
        }
        Ok((before, earlier))
    }
}

/// What a release is to be made of.
struct Bundle {
    release: Label,
    books: PathBuf,
    licences: PathBuf,
}

impl Bundle {
    /// What they say.
    fn read_licences(&self, zone: &TimeZone) -> anyhow::Result<LicenceList> {
        let reading = || format!("reading {}", self.licences.display());
        let file = std::fs::File::open(&self.licences).with_context(reading)?;
        let mut bytes = Vec::new();
        file.take(LICENCES_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .with_context(reading)?;
        if bytes.len() as u64 > LICENCES_BYTES_MAX {
            return Err(anyhow!("more than {LICENCES_BYTES_MAX} bytes").context(reading()));
        }
        Ok(LicenceList::read(&bytes, zone))
    }
}

/// A release as the gateway has it.
pub(super) async fn shelved(client: &Client, release: &str) -> anyhow::Result<Shelved> {
    let path = format!("/api/v1/content/releases/{}", encoded(release));
    Ok(Shelved {
        catalogue: client.get(&path).await?,
        allotment: client.get(&format!("{path}/allotment")).await?,
    })
}

async fn read_books(
    folder: PathBuf,
    licences: PathBuf,
    covers: PathBuf,
) -> anyhow::Result<Vec<lujiang_content::FoundFile>> {
    let reading = format!("reading {}", folder.display());
    let read = tokio::task::spawn_blocking(move || {
        let reading = FolderReading {
            folder: &folder,
            licences: Some(&licences),
            covers: &covers,
            limits: BookLimits::default(),
        };
        let mut progress = Progress::of_bytes();
        let found = reading.read(|done, total| {
            progress.reached(done, total);
            true
        });
        progress.finish();
        found
    });
    read.await
        .context("reading was interrupted")?
        .context(reading)
}
