//! `token`: API tokens from the command line.

use anyhow::Context as _;
use clap::Subcommand;
use lujiang_wire::DeviceId;
use reqwest::Method;

use crate::cli::access::{Access, Stopped, actor};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::folder::Folder;
use crate::cli::moment::moment;
use crate::cli::printer::Printer;
use crate::people::dto::{IssuedToken, NewTokenRequest, TokenSummary, Tokens};
use crate::people::{Caller, Means, People, Right};
use crate::run::SystemClock;

/// `token …`
#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make an API token and print it, once
    #[command(after_help = "Examples:
  lujiang-gateway token add warehouse --scope read
  lujiang-gateway token add deploy --scope operate --expires 2027-01-01 --json")]
    Add {
        /// Its name: 1 to 64 of a-z A-Z 0-9 - _ . beginning with a letter or digit
        name: DeviceId,
        /// read, operate or administer
        #[arg(long)]
        scope: Right,
        /// When it ends: a date or a time; when it is removed, where left out
        #[arg(long)]
        expires: Option<String>,
        /// Print {"name","scope","expires","token"}
        #[arg(long)]
        json: bool,
    },
    /// List the API tokens
    #[command(after_help = "Example:\n  lujiang-gateway token list --json")]
    List {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Remove an API token; what it still does ends within seconds
    #[command(after_help = "Example:\n  lujiang-gateway token remove warehouse")]
    Remove {
        /// Its name
        name: DeviceId,
    },
}

impl TokenCommand {
    pub(super) async fn perform(
        self,
        folder: &Folder,
        printer: &mut Printer,
    ) -> Result<Outcome, Failure> {
        match self {
            Self::Add {
                name,
                scope,
                expires,
                json,
            } => {
                let zone = folder.config()?.library.time_zone;
                let request = NewTokenRequest {
                    name,
                    scope: scope.as_str().to_owned(),
                    expires: expires.map(|at| moment(&at, &zone)).transpose()?,
                };
                let issued = add(folder, request).await?;
                match json {
                    true => printer.json(&issued)?,
                    false => {
                        printer.line(format!("name   {}", issued.name))?;
                        printer.line(format!("token  {}", issued.token))?;
                        printer
                            .line("The token is kept as a hash only: it cannot be shown again.")?;
                    }
                }
            }
            Self::List { json } => {
                let tokens = list(folder).await?;
                let rows: Vec<_> = tokens.iter().map(row).collect();
                match json {
                    true => printer.json(&tokens)?,
                    false => printer.table(
                        ["TOKEN", "SCOPE", "MADE BY", "MADE", "EXPIRES", "USED"],
                        &rows,
                    )?,
                }
            }
            Self::Remove { name } => remove(folder, &name).await?,
        }
        Ok(Outcome::Done)
    }
}

fn row(token: &TokenSummary) -> [String; 6] {
    let time = |at: Option<jiff::Timestamp>, none: &str| {
        at.map_or_else(|| none.to_owned(), |at| format!("{at:.0}"))
    };
    [
        token.name.to_string(),
        token.scope.clone(),
        token.made_by.clone(),
        time(Some(token.made), ""),
        time(token.expires, "never"),
        time(token.used, "never"),
    ]
}

async fn add(folder: &Folder, request: NewTokenRequest) -> Result<IssuedToken, Failure> {
    let context = format!("making token {}", request.name);
    Ok(match Access::find(folder).await? {
        Access::Running(gateway) => gateway.post("/api/v1/tokens", &request).await,
        Access::Stopped(stopped) => {
            let added = beside(folder, *stopped, async |people| {
                people
                    .add_token(request.new_token()?, &owner())
                    .await
                    .map_err(anyhow::Error::new)
            });
            added
                .await
                .map(|(token, secret)| IssuedToken::of(token, &secret))
        }
    }
    .context(context)?)
}

async fn list(folder: &Folder) -> Result<Vec<TokenSummary>, Failure> {
    Ok(match Access::find(folder).await? {
        Access::Running(gateway) => gateway
            .get("/api/v1/tokens")
            .await
            .map(|tokens: Tokens| tokens.tokens),
        Access::Stopped(stopped) => beside(folder, *stopped, async |people| Ok(people.tokens()))
            .await
            .map(|tokens| tokens.into_iter().map(TokenSummary::from).collect()),
    }
    .context("listing the tokens")?)
}

async fn remove(folder: &Folder, name: &DeviceId) -> Result<(), Failure> {
    let context = format!("removing token {name}");
    Ok(match Access::find(folder).await? {
        Access::Running(gateway) => {
            let path = format!("/api/v1/tokens/{name}");
            gateway.tell(Method::DELETE, &path, None::<&()>).await
        }
        Access::Stopped(stopped) => {
            beside(folder, *stopped, async |people| {
                people
                    .remove_token(name, &owner())
                    .await
                    .map_err(anyhow::Error::new)
            })
            .await
        }
    }
    .context(context)?)
}

/// Works on the people of a stopped gateway, then lets its folder go.
async fn beside<T>(
    folder: &Folder,
    stopped: Stopped,
    work: impl AsyncFnOnce(&People) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let config = folder
        .config()
        .map_err(|failure| anyhow::anyhow!("{failure}"))?;
    let token = stopped.data.admin_token()?;
    let clock = std::sync::Arc::new(SystemClock::new());
    let people = People::open(stopped.store.clone(), clock, token.as_str(), &config).await?;
    let done = work(&people).await;
    people.settled().await;
    drop(people);
    stopped.close().await;
    done
}

/// Whoever may write in the folder may do everything.
fn owner() -> Caller {
    Caller {
        name: actor().as_str().to_owned(),
        right: Right::Administer,
        means: Means::AdminToken,
    }
}
