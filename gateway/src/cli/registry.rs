//! `device`, `site` and `reader`: the registry from the command line.

use anyhow::Context as _;
use clap::Subcommand;
use jiff::tz::TimeZone;
use lujiang_wire::{DeviceId, TopicFilter};
use reqwest::Method;

use crate::cli::access::{Access, actor};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::folder::Folder;
use crate::cli::identity;
use crate::cli::limits::{self, LimitArgs};
use crate::cli::moment::moment;
use crate::cli::printer::Printer;
use crate::places::DeviceKind;
use crate::registry::dto::{
    DeviceChangeRequest, IssuedDevice, IssuedReader, NewDeviceRequest, NewReaderRequest,
    SiteRequest,
};
use crate::registry::{Actor, Registry, RegistryListing};

/// `device …`
#[derive(Debug, Subcommand)]
pub(super) enum DeviceCommand {
    /// Register a device and print its password, once
    #[command(after_help = "Examples:
  lujiang-gateway device add gate-1 --kind gate --site main
  lujiang-gateway device add kiosk-2 --kind kiosk --site donggang --name 东岗村 --json")]
    Add {
        /// Its id: 1 to 64 of a-z A-Z 0-9 - _ . beginning with a letter or digit
        id: DeviceId,
        /// gate, self-checkout, kiosk, bus or other
        #[arg(long)]
        kind: DeviceKind,
        /// The id of the site it stands at; one that is new is made
        #[arg(long)]
        site: DeviceId,
        /// Its name for people
        #[arg(long)]
        name: Option<String>,
        /// Print {"device","password"}
        #[arg(long)]
        json: bool,
    },
    /// Change a device; one that is disabled is disconnected
    #[command(after_help = "Examples:
  lujiang-gateway device set gate-1 --site donggang
  lujiang-gateway device set gate-1 --enabled false")]
    Set {
        /// Its id
        id: DeviceId,
        /// What it is for, from the next full hour on
        #[arg(long)]
        kind: Option<DeviceKind>,
        /// Where it stands, from the next full hour on
        #[arg(long)]
        site: Option<DeviceId>,
        /// Its name for people
        #[arg(long)]
        name: Option<String>,
        /// Whether it may connect
        #[arg(long)]
        enabled: Option<bool>,
    },
    /// Give a device another password and print it, once; its connection ends
    #[command(after_help = "Example:\n  lujiang-gateway device password gate-1 --json")]
    Password {
        /// Its id
        id: DeviceId,
        /// Print {"device","password"}
        #[arg(long)]
        json: bool,
    },
    /// Make a one-time token by which a device gets its certificate, and print it
    #[command(after_help = "Example:\n  lujiang-gateway device enrol gate-1 --json")]
    Enrol {
        /// Its id
        id: DeviceId,
        /// Print {"device","token","expires"}
        #[arg(long)]
        json: bool,
    },
    /// Refuse a device's certificates, tokens and password from now on; its connections end
    #[command(after_help = "Example:\n  lujiang-gateway device revoke gate-1")]
    Revoke {
        /// Its id
        id: DeviceId,
    },
    /// Set how much a device may do where it differs from the configuration; its connection ends
    #[command(after_help = "Examples:
  lujiang-gateway device limits gate-1 --messages-per-second 5 --bytes-per-second 64KiB
  lujiang-gateway device limits gate-1 --default")]
    Limits {
        /// Its id
        id: DeviceId,
        #[command(flatten)]
        given: LimitArgs,
    },
    /// List the devices
    #[command(after_help = "Example:\n  lujiang-gateway device list --json")]
    List {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
}

/// `site …`
#[derive(Debug, Subcommand)]
pub(super) enum SiteCommand {
    /// Name a site, or set its opening hours
    #[command(after_help = "Examples:
  lujiang-gateway site set main --name 中心馆 --open 'Mon-Sun 08:00-20:00'
  lujiang-gateway site set branch --open 'Mon-Fri 08:30-17:30, Sat 09:00-12:00' --from 2026-03-01")]
    Set {
        /// Its id; one that is new is made
        id: DeviceId,
        /// Its name for people
        #[arg(long)]
        name: Option<String>,
        /// Its hours: days with hours, always, or closed
        #[arg(long, value_name = "WEEK")]
        open: Option<String>,
        /// From when these hours hold: a date or a time; the next full hour where left out
        #[arg(long, requires = "open")]
        from: Option<String>,
    },
    /// List the sites
    #[command(after_help = "Example:\n  lujiang-gateway site list")]
    List {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
}

/// `reader …`
#[derive(Debug, Subcommand)]
pub(super) enum ReaderCommand {
    /// Make a credential that may subscribe, and print its password, once
    #[command(after_help = "Example:
  lujiang-gateway reader add node-red --filter 'library/v1/devices/+/events' --json")]
    Add {
        /// Its name: the user name it connects with
        name: DeviceId,
        /// A topic filter it may subscribe within; may be given several times
        #[arg(long = "filter", required = true, value_name = "FILTER")]
        filters: Vec<TopicFilter>,
        /// Print {"reader","password"}
        #[arg(long)]
        json: bool,
    },
    /// Remove a credential; its connections end
    #[command(after_help = "Example:\n  lujiang-gateway reader remove node-red")]
    Remove {
        /// Its name
        name: DeviceId,
    },
    /// List the readers
    #[command(after_help = "Example:\n  lujiang-gateway reader list")]
    List {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
}

impl DeviceCommand {
    pub(super) async fn perform(
        self,
        folder: &Folder,
        printer: &mut Printer,
    ) -> Result<Outcome, Failure> {
        match self {
            Self::Add {
                id,
                kind,
                site,
                name,
                json,
            } => {
                let kind = kind.as_str().to_owned();
                let request = NewDeviceRequest {
                    id,
                    kind,
                    site,
                    name,
                };
                told_device(printer, &add_device(folder, request).await?, json)?;
            }
            Self::Password { id, json } => {
                told_device(printer, &renew_password(folder, &id).await?, json)?;
            }
            Self::Set {
                id,
                kind,
                site,
                name,
                enabled,
            } => {
                let kind = kind.map(|kind| kind.as_str().to_owned());
                let request = DeviceChangeRequest {
                    name,
                    enabled,
                    kind,
                    site,
                };
                set_device(folder, &id, request).await?;
            }
            Self::Enrol { id, json } => identity::enrol(folder, printer, &id, json).await?,
            Self::Revoke { id } => identity::revoke(folder, &id).await?,
            Self::Limits { id, given } => {
                let devices = listing(folder)?.devices.into_iter();
                let mut found = devices.filter(|device| device.device == id);
                let before = found.next().map(|device| device.limits);
                limits::set(folder, &id, before.unwrap_or_default(), given).await?;
            }
            Self::List { json } => list_devices(folder, printer, json)?,
        }
        Ok(Outcome::Done)
    }
}

impl SiteCommand {
    pub(super) async fn perform(
        self,
        folder: &Folder,
        printer: &mut Printer,
    ) -> Result<Outcome, Failure> {
        match self {
            Self::Set {
                id,
                name,
                open,
                from,
            } => {
                let zone = folder.config()?.library.time_zone;
                let open_from = from.map(|from| moment(&from, &zone)).transpose()?;
                let request = SiteRequest {
                    name,
                    open,
                    open_from,
                };
                set_site(folder, &id, request).await?;
            }
            Self::List { json } => {
                let sites = listing(folder)?.sites;
                let row = |site: &crate::registry::dto::SiteSummary| {
                    [site.site.as_str(), &site.open, &site.name].map(str::to_owned)
                };
                let rows: Vec<_> = sites.iter().map(row).collect();
                match json {
                    true => printer.json(&sites)?,
                    false => printer.table(["SITE", "OPEN", "NAME"], &rows)?,
                }
            }
        }
        Ok(Outcome::Done)
    }
}

impl ReaderCommand {
    pub(super) async fn perform(
        self,
        folder: &Folder,
        printer: &mut Printer,
    ) -> Result<Outcome, Failure> {
        match self {
            Self::Add {
                name,
                filters,
                json,
            } => {
                let issued = add_reader(folder, NewReaderRequest { name, filters }).await?;
                match json {
                    true => printer.json(&issued)?,
                    false => told(printer, "reader", &issued.reader, &issued.password)?,
                }
            }
            Self::Remove { name } => remove_reader(folder, &name).await?,
            Self::List { json } => {
                let readers = listing(folder)?.readers;
                let row = |reader: &crate::registry::dto::ReaderSummary| {
                    let filters: Vec<&str> =
                        reader.filters.iter().map(TopicFilter::as_str).collect();
                    [reader.reader.clone(), filters.join(" ")]
                };
                let rows: Vec<_> = readers.iter().map(row).collect();
                match json {
                    true => printer.json(&readers)?,
                    false => printer.table(["READER", "FILTERS"], &rows)?,
                }
            }
        }
        Ok(Outcome::Done)
    }
}

fn list_devices(folder: &Folder, printer: &mut Printer, json: bool) -> Result<(), Failure> {
    let devices = listing(folder)?.devices;
    let row = |device: &crate::registry::dto::DeviceSummary| {
        let site = device.site.as_ref().map_or("-", DeviceId::as_str);
        let state = if device.enabled {
            "enabled"
        } else {
            "disabled"
        };
        [
            device.device.as_str(),
            &device.kind,
            site,
            state,
            &device.name,
        ]
        .map(str::to_owned)
    };
    let rows: Vec<_> = devices.iter().map(row).collect();
    match json {
        true => printer.json(&devices)?,
        false => printer.table(["DEVICE", "KIND", "SITE", "STATE", "NAME"], &rows)?,
    }
    Ok(())
}

async fn add_device(folder: &Folder, request: NewDeviceRequest) -> Result<IssuedDevice, Failure> {
    let context = format!("adding device {}", request.id);
    Ok(match Access::find(folder).await? {
        Access::Running(gateway) => gateway.post("/api/v1/devices", &request).await,
        Access::Stopped(stopped) => {
            let add = async |registry: &Registry, actor: Actor| {
                registry.add_device(request.new_device()?, &actor).await
            };
            let issued = add(&stopped.registry, actor()).await;
            stopped.close().await;
            issued.map(IssuedDevice::from).map_err(anyhow::Error::new)
        }
    }
    .context(context)?)
}

async fn renew_password(folder: &Folder, id: &DeviceId) -> Result<IssuedDevice, Failure> {
    let context = format!("renewing the password of device {id}");
    Ok(match Access::find(folder).await? {
        Access::Running(gateway) => {
            let path = format!("/api/v1/devices/{id}/password");
            gateway.post(&path, &serde_json::json!({})).await
        }
        Access::Stopped(stopped) => {
            let issued = stopped.registry.renew_password(id, &actor()).await;
            stopped.close().await;
            issued.map(IssuedDevice::from).map_err(anyhow::Error::new)
        }
    }
    .context(context)?)
}

async fn set_device(
    folder: &Folder,
    id: &DeviceId,
    request: DeviceChangeRequest,
) -> Result<(), Failure> {
    let context = format!("changing device {id}");
    Ok(match Access::find(folder).await? {
        Access::Running(gateway) => {
            let path = format!("/api/v1/devices/{id}");
            gateway.tell(Method::PATCH, &path, Some(&request)).await
        }
        Access::Stopped(stopped) => {
            let set = async |registry: &Registry, actor: Actor| {
                registry.change_device(id, request.change()?, &actor).await
            };
            let set = set(&stopped.registry, actor()).await;
            stopped.close().await;
            set.map(drop).map_err(anyhow::Error::new)
        }
    }
    .context(context)?)
}

async fn set_site(folder: &Folder, id: &DeviceId, request: SiteRequest) -> Result<(), Failure> {
    let context = format!("setting site {id}");
    // What cannot be meant is refused here, with or without a gateway.
    let change = request
        .change()
        .map_err(|error| Failure::Usage(error.into()))?;
    Ok(match Access::find(folder).await? {
        Access::Running(gateway) => {
            let path = format!("/api/v1/sites/{id}");
            gateway.tell(Method::PUT, &path, Some(&request)).await
        }
        Access::Stopped(stopped) => {
            let set = stopped.registry.set_site(id, change, &actor()).await;
            stopped.close().await;
            set.map_err(anyhow::Error::new)
        }
    }
    .context(context)?)
}

async fn add_reader(folder: &Folder, request: NewReaderRequest) -> Result<IssuedReader, Failure> {
    let context = format!("adding reader {}", request.name);
    Ok(match Access::find(folder).await? {
        Access::Running(gateway) => gateway.post("/api/v1/readers", &request).await,
        Access::Stopped(stopped) => {
            let NewReaderRequest { name, filters } = request;
            let issued = stopped.registry.add_reader(&name, filters, &actor()).await;
            stopped.close().await;
            issued.map(IssuedReader::from).map_err(anyhow::Error::new)
        }
    }
    .context(context)?)
}

async fn remove_reader(folder: &Folder, name: &DeviceId) -> Result<(), Failure> {
    let context = format!("removing reader {name}");
    Ok(match Access::find(folder).await? {
        Access::Running(gateway) => {
            let path = format!("/api/v1/readers/{name}");
            gateway.tell(Method::DELETE, &path, None::<&()>).await
        }
        Access::Stopped(stopped) => {
            let removed = stopped.registry.remove_reader(name, &actor()).await;
            stopped.close().await;
            removed.map_err(anyhow::Error::new)
        }
    }
    .context(context)?)
}

fn listing(folder: &Folder) -> Result<RegistryListing, Failure> {
    RegistryListing::of(folder, &folder.config()?.library.time_zone)
}

impl RegistryListing {
    /// The registry of a data folder, whoever writes it.
    pub(super) fn of(folder: &Folder, zone: &TimeZone) -> Result<Self, Failure> {
        let readers = folder.read_only()?;
        let listing = readers.read(|connection| Self::load(connection, zone));
        Ok(listing.context("reading the registry")?)
    }
}

fn told_device(printer: &mut Printer, issued: &IssuedDevice, json: bool) -> anyhow::Result<()> {
    match json {
        true => printer.json(issued),
        false => told(printer, "device", issued.device.as_str(), &issued.password),
    }
}

fn told(printer: &mut Printer, what: &str, name: &str, password: &str) -> anyhow::Result<()> {
    printer.line(format!("{what}    {name}"))?;
    printer.line(format!("password  {password}"))?;
    printer.line("The password is kept as a hash only: it cannot be shown again.")
}
