//! A library whose gateway speaks to a library system: the loan desk, from a device's facts to
//! what was executed.

use std::time::Duration;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use lujiang_sip2::Profile;
use serde_json::{Value, json};

use crate::ils::{Deed, Ils, IlsHandle};
use crate::packet::Version;
use crate::publisher::Publisher;
use crate::site::{Issued, Library, PATIENCE, write_password};
use crate::wait::until;

/// The desk logs in as this, with that password.
pub const LOGIN: (&str, &str) = ("desk", "a-password-for-the-desk");

/// A library and its library system.
#[derive(Debug)]
pub struct LoanHouse {
    /// The gateway.
    pub library: Library,
    /// The library system.
    pub ils: IlsHandle,
    /// The bus, a device that speaks plainly.
    pub bus: Issued,
}

impl LoanHouse {
    /// Starts both, with a desk that is in a hurry; `make` is of `[loans]`, `more` as well.
    ///
    /// # Errors
    /// Where something does not start.
    pub async fn open(
        folder: &std::path::Path,
        ils: Ils,
        make: &str,
        more: &str,
    ) -> anyhow::Result<Self> {
        Self::planted(folder, ils, make, more, None).await
    }

    /// Starts both, the gateway with this fault.
    ///
    /// # Errors
    /// Where something does not start.
    pub async fn planted(
        folder: &std::path::Path,
        ils: Ils,
        make: &str,
        more: &str,
        plant: Option<&str>,
    ) -> anyhow::Result<Self> {
        let ils = IlsHandle::start(ils, Profile::default()).await?;
        let mut library = Library::planted(folder, &folder.join("data"), plant)?;
        let password = folder.join("ils-password");
        write_password(&password, LOGIN.1)?;
        let pace = match more.contains("request_interval") {
            true => "",
            false => "request_interval = \"1ms\"\n",
        };
        library.configure(&format!(
            "[loans]\nmake = \"{make}\"\npatience = \"1ms\"\n{pace}\
             break_pause = \"20ms\"\nruling_delay = \"10s\"\n{more}\n\
             [loans.ils]\nhost = \"{}\"\nport = {}\nuser = \"{}\"\npassword_file = \"{}\"\n\
             answer_timeout = \"5s\"\nbackoff_min = \"20ms\"\nbackoff_max = \"200ms\"\n",
            ils.addr.ip(),
            ils.addr.port(),
            LOGIN.0,
            password.display(),
        ))?;
        library.start().await?;
        let bus = library.add_device("bus-1", "bus", "main").await?;
        Ok(Self { library, ils, bus })
    }

    /// Has the bus send these facts, each acknowledged.
    ///
    /// # Errors
    /// Where one is not taken.
    pub async fn send(&self, facts: &[Value]) -> anyhow::Result<()> {
        let door = self.library.endpoints().mqtt;
        let mut publisher = Publisher::connect(door, &self.bus, Version::V311).await?;
        for fact in facts {
            let id = fact["id"].as_str().context("an id")?;
            publisher.deliver(id, fact).await?;
        }
        Ok(())
    }

    /// Waits until so many facts are settled or in dispute; gives back their outcomes by item and
    /// kind, the oldest first.
    ///
    /// # Errors
    /// What there was instead, at the deadline.
    pub async fn outcomes(&self, expected: usize) -> anyhow::Result<Vec<String>> {
        until(&format!("{expected} outcomes"), PATIENCE, || async {
            let page = self.library.get("/api/v1/loans?limit=1000").await?;
            let rows = page["rows"].as_array().context("rows")?;
            let done = |row: &&Value| {
                ["settled", "disputed"].contains(&row["state"].as_str().unwrap_or_default())
            };
            let told = |row: &Value| {
                let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
                format!("{} {} {}", text("kind"), text("item"), text("outcome"))
            };
            let done: Vec<String> = rows.iter().rev().filter(done).map(told).collect();
            anyhow::ensure!(
                done.len() == expected,
                "{done:?} of {} rows: {page}",
                rows.len()
            );
            Ok(done)
        })
        .await
    }

    /// What the library system executed, one line each.
    #[must_use]
    pub fn executed(&self) -> Vec<String> {
        let ils = self.ils.ils();
        let deeds = ils.journal().deeds().into_iter();
        let told = deeds.map(|deed| match deed {
            Deed::Checkout { item, patron, .. } => format!("checkout {item} {patron}"),
            Deed::Renew { item, patron, .. } => format!("renew {item} {patron}"),
            Deed::Checkin { item, .. } => format!("checkin {item}"),
            Deed::Block { .. } | Deed::FeePaid { .. } => "something else".to_owned(),
        });
        told.collect()
    }

    /// Waits until the desk's link is so.
    ///
    /// # Errors
    /// How it was instead, at the deadline.
    pub async fn link_is(&self, state: &str) -> anyhow::Result<Value> {
        until(&format!("the link to be {state}"), PATIENCE, || async {
            let desk = self.library.get("/api/v1/loans/desk").await?;
            anyhow::ensure!(desk["link"] == state, "{desk}");
            Ok(desk)
        })
        .await
    }
}

/// A loan, renewal or return of the bus, so long ago.
#[must_use]
pub fn fact(id: &str, kind: &str, item: &str, reader: Option<&str>, ago: Duration) -> Value {
    let now = Timestamp::now();
    let ago = SignedDuration::try_from(ago).unwrap_or_default();
    let at = now.saturating_sub(ago).unwrap_or(now);
    let mut data =
        json!({"item": item, "session": "s", "mode": "offline", "outcome": {"ok": true}});
    if let Some(reader) = reader {
        data["patron"] = json!({ "id": reader });
        let due = at
            .saturating_add(SignedDuration::from_hours(30 * 24))
            .unwrap_or(at);
        data["due"] = json!(due.to_string());
    }
    json!({
        "specversion": "1.0", "id": id, "source": "/devices/bus-1",
        "type": format!("library.loan.{kind}.v1"), "time": at.to_string(), "data": data,
    })
}

/// So many minutes.
#[must_use]
pub fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}
