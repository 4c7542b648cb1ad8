//! Sites: their names and opening hours.

use jiff::Timestamp;
use serde_json::json;

use super::change::{Change, checked_name};
use super::{Actor, Registry, RegistryError, Week};
use crate::places::{Opening, Places, SiteId};
use crate::store::registry as rows;

/// What is to be different about a site; `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiteChange {
    /// Its name for people.
    pub name: Option<String>,
    /// Its opening hours.
    pub week: Option<Week>,
    /// From when these hold, cut up to a full hour; now where it is left out.
    pub week_from: Option<Timestamp>,
}

impl Registry {
    /// Names a site or sets its opening hours; makes it where there is none of that id.
    ///
    /// # Errors
    /// Where the name is none, or nothing could be written.
    pub async fn set_site(
        &self,
        site: &SiteId,
        changes: SiteChange,
        actor: &Actor,
    ) -> Result<(), RegistryError> {
        let site = site.clone();
        let zone = self.zone.clone();
        let change = move |change: &Change<'_>| {
            let before = change.site(&site);
            let known = before.as_ref().map(|before| before.name.as_str());
            let name = changes.name.as_deref().or(known).unwrap_or(site.as_str());
            let name = checked_name(name)?;
            rows::put_site(change.connection, &site, &name)?;
            let mut after = json!({ "name": name });
            if let Some(week) = changes.week {
                let from = changes
                    .week_from
                    .map(|from| Places::valid_from(&zone, from));
                let opening = Opening {
                    valid_from: from.unwrap_or(change.hour),
                    week: week.0,
                };
                rows::put_opening(change.connection, &site, &opening)?;
                after["open"] = json!(week.to_string());
                after["open_from"] = json!(opening.valid_from);
            }
            let before = before.map(|before| json!({ "name": before.name }));
            change.record("site.set", site.as_str(), before, Some(after))
        };
        self.change(actor, change).await
    }
}
