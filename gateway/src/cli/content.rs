//! `content`: releases of e-books. What needs the vault is signed here, where the vault is; the
//! running gateway verifies it and tells the devices.

mod diff;
mod export;
mod keys;
mod publish;
mod understanding;
mod upload;

use std::path::PathBuf;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use lujiang_wire::Label;
use reqwest::Method;
use serde_json::json;

use crate::cli::access::Access;
use crate::cli::client::encoded;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::folder::Folder;
use crate::cli::moment::moment;
use crate::cli::printer::Printer;
use crate::content::dto::{NoticesForm, ReleaseForm, RevisionForm};

use diff::DiffArgs;
use export::ExportArgs;
use keys::KeysCommand;
use publish::PublishArgs;

/// `content …`
#[derive(Debug, Subcommand)]
pub(super) enum ContentCommand {
    /// The keys that sign releases, in a folder of yours, on a stick perhaps
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Make a release of a folder of books and their licences: the whole shelf, with what stays of
    /// the release before. Exit code 3 where a file or line is refused; then nothing is published
    /// without --take-understood
    #[command(after_help = "Examples:
  lujiang-gateway content publish --release 2026-11 november --licences november/licences.csv --dry-run
  lujiang-gateway content publish --release 2026-11 november --licences november/licences.csv \\
      --keys /media/stick/lujiang
  lujiang-gateway content publish --draft 0f3a9c41d2e85b67 --keys /media/stick/lujiang
The table of licences has a line of headings; `file`, `isbn` or `sha256` says which title, then
  start, end     days of the library: from 00:00 of the first to 24:00 of the last
  copies         how many may read at once in all places; nothing for as many as like
  sites          main;east for these together, main=2;east=1 for so many in each
  phone          yes, or the address where a phone may borrow it
  title, author, language, publisher   where the file does not say it
More of both forms stands in docs/licences.md.")]
    Publish(Box<PublishArgs>),
    /// Show what changed from one release to another
    #[command(after_help = "Example:\n  lujiang-gateway content diff 2026-10 2026-11")]
    Diff(DiffArgs),
    /// List the releases there are and were
    #[command(after_help = "Example:\n  lujiang-gateway content list")]
    List {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Withdraw a release: no device can be given it any more
    #[command(after_help = "Example:
  lujiang-gateway content withdraw 2026-10 --keys /media/stick")]
    Withdraw {
        /// Its name
        release: Label,
        /// The folder with the keys
        #[arg(long, value_name = "FOLDER")]
        keys: PathBuf,
    },
    /// Put a release on a stick, for kiosks that no line reaches
    #[command(after_help = "Example:
  lujiang-gateway content export --for kiosk-1,kiosk-2 --to /media/stick
What is whole on the stick from before is not copied again, and what only other kiosks may have is
taken away. A stick that was pulled out meanwhile is none: write it again.")]
    Export(ExportArgs),
    /// Notices for the right-hand screens
    #[command(subcommand)]
    Notice(NoticeCommand),
    /// Hide a title: it is gone from every kiosk at its next contact
    #[command(after_help = "Example:
  lujiang-gateway content hide urn:isbn:9787101003048 --reason 'the publisher withdrew it'")]
    Hide {
        /// Its identifier, as the catalogue has it
        title: Label,
        /// Why, in a line
        #[arg(long)]
        reason: Label,
    },
    /// Show a title again that was hidden
    #[command(after_help = "Example:\n  lujiang-gateway content show urn:isbn:9787101003048")]
    Show {
        /// Its identifier
        title: Label,
    },
}

/// `content notice …`
#[derive(Debug, Subcommand)]
pub(super) enum NoticeCommand {
    /// Show a notice, or another in the place of the one of its name
    #[command(after_help = "Examples:
  lujiang-gateway content notice add closed --title 明日闭馆 --body '11月26日全天闭馆。' --until 2026-11-27
  lujiang-gateway content notice add fair --title 书市 --image fair.jpg --order -1")]
    Add {
        /// What it is called
        id: Label,
        /// Its headline
        #[arg(long)]
        title: Label,
        /// Its text, at most 500 characters
        #[arg(long, default_value = "")]
        body: String,
        /// Its picture: a JPEG, PNG or WebP file
        #[arg(long, value_name = "FILE")]
        image: Option<PathBuf>,
        /// Shown from then on: a date of the library, or a time with its offset; now where left
        /// out
        #[arg(long, value_name = "DATE")]
        from: Option<String>,
        /// Shown no more from then on
        #[arg(long, value_name = "DATE")]
        until: Option<String>,
        /// The lower, the earlier in the loop
        #[arg(long, default_value_t = 0, allow_hyphen_values = true)]
        order: i32,
    },
    /// List what is said: notices, and hidden titles
    #[command(after_help = "Example:\n  lujiang-gateway content notice list")]
    List {
        /// Print {"notices","hidden"}
        #[arg(long)]
        json: bool,
    },
    /// Show a notice no more
    #[command(after_help = "Example:\n  lujiang-gateway content notice remove closed")]
    Remove {
        /// What it is called
        id: Label,
    },
}

impl ContentCommand {
    /// Does it.
    pub(super) async fn perform(
        self,
        folder: &Folder,
        printer: &mut Printer,
    ) -> Result<Outcome, Failure> {
        match self {
            Self::Keys(command) => return command.perform(folder, printer).await,
            Self::Notice(command) => return command.perform(folder, printer).await,
            Self::Diff(diff) => return diff.perform(folder, printer).await,
            Self::Publish(publish) => return publish.perform(folder, printer).await,
            Self::Export(export) => return export.perform(folder, printer).await,
            Self::List { json } => {
                let client = Access::running(folder).await?;
                let releases: Vec<ReleaseForm> = client.get("/api/v1/content/releases").await?;
                if json {
                    printer.json(&releases)?;
                } else {
                    list(printer, &releases)?;
                }
            }
            Self::Withdraw { release, keys } => {
                let revision = upload::withdraw(folder, &keys, &release).await?;
                printer.line(format!("{release} is withdrawn; revision {revision}"))?;
            }
            Self::Hide { title, reason } => {
                let client = Access::running(folder).await?;
                let form = json!({ "title": title, "reason": reason });
                let path = "/api/v1/content/hidden";
                let told: RevisionForm = client.post(path, &form).await?;
                printer.line(format!("{title} is hidden; revision {}", told.revision))?;
            }
            Self::Show { title } => {
                let client = Access::running(folder).await?;
                let path = format!("/api/v1/content/hidden/{}", encoded(title.as_str()));
                client.tell(Method::DELETE, &path, None::<&()>).await?;
                printer.line(format!("{title} is shown again where its licence allows"))?;
            }
        }
        Ok(Outcome::Done)
    }
}

impl NoticeCommand {
    async fn perform(self, folder: &Folder, printer: &mut Printer) -> Result<Outcome, Failure> {
        let client = Access::running(folder).await?;
        match self {
            Self::Add {
                id,
                title,
                body,
                image,
                from,
                until,
                order,
            } => {
                let zone = folder.config()?.library.time_zone;
                let at = |text: Option<String>| text.map(|it| moment(&it, &zone)).transpose();
                let image = match image {
                    None => None,
                    Some(file) => {
                        let bytes = std::fs::read(&file);
                        Some(bytes.with_context(|| format!("reading {}", file.display()))?)
                    }
                };
                let form = json!({
                    "id": id, "title": title, "body": body, "order": order,
                    "from": at(from)?, "until": at(until)?,
                    "image": image.map(|bytes| STANDARD.encode(bytes)),
                });
                let path = "/api/v1/content/notices";
                let told: RevisionForm = client.post(path, &form).await?;
                printer.line(format!("{id} is shown; revision {}", told.revision))?;
            }
            Self::List { json } => {
                let said: NoticesForm = client.get("/api/v1/content/notices").await?;
                if json {
                    printer.json(&said)?;
                } else {
                    list_said(printer, &said)?;
                }
            }
            Self::Remove { id } => {
                let path = format!("/api/v1/content/notices/{}", encoded(id.as_str()));
                client.tell(Method::DELETE, &path, None::<&()>).await?;
                printer.line(format!("{id} is shown no more"))?;
            }
        }
        Ok(Outcome::Done)
    }
}

fn list(printer: &mut Printer, releases: &[ReleaseForm]) -> anyhow::Result<()> {
    let rows: Vec<[String; 5]> = releases
        .iter()
        .map(|release| {
            let withdrawn = release.withdrawn.clone();
            [
                release.name.clone(),
                release.titles.to_string(),
                format!("{:.1} MB", release.bytes as f64 / 1e6),
                release.published.clone(),
                withdrawn.map_or(String::new(), |at| format!("withdrawn {at}")),
            ]
        })
        .collect();
    printer.table(["release", "titles", "size", "published", ""], &rows)
}

fn list_said(printer: &mut Printer, said: &NoticesForm) -> anyhow::Result<()> {
    let notices = said.notices.iter().map(|it| {
        let until = it
            .until
            .map_or("stays".to_owned(), |until| until.to_string());
        let shown = format!("{} – {until}", it.from);
        [
            "notice".to_owned(),
            it.id.to_string(),
            it.title.to_string(),
            shown,
        ]
    });
    let hidden = said.hidden.iter().map(|it| {
        let since = format!("since {}", it.since);
        [
            "hidden".to_owned(),
            it.title.to_string(),
            it.reason.to_string(),
            since,
        ]
    });
    let rows: Vec<[String; 4]> = notices.chain(hidden).collect();
    printer.table(["what", "name", "title or reason", "shown"], &rows)
}
