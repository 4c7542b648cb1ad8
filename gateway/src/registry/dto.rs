//! What the registry's routes are asked and answer, shared by the HTTP API and the command line.

use jiff::Timestamp;
use lujiang_wire::{DeviceId, TopicFilter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::enrolment::IssuedToken;
use crate::places::DeviceKind;
use crate::registry::{DeviceChange, DeviceLimits, Issued, NewDevice, RegistryError, SiteChange};

/// `POST /api/v1/devices`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDeviceRequest {
    /// The device id.
    #[schema(value_type = String, example = "gate-1")]
    pub id: DeviceId,
    /// `gate`, `self-checkout`, `kiosk`, `bus` or `other`.
    #[schema(example = "gate")]
    pub kind: String,
    /// Where it stands; a site that is not known yet is made, named by its id.
    #[schema(value_type = String, example = "main")]
    pub site: DeviceId,
    /// Its name for people; the id where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The password of a new device: shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssuedDevice {
    /// The device.
    #[schema(value_type = String)]
    pub device: DeviceId,
    /// Its password.
    pub password: String,
}

/// `PATCH /api/v1/devices/{device}`: what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceChangeRequest {
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it may connect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// What it is for, from the next full hour on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Where it stands, from the next full hour on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub site: Option<DeviceId>,
}

/// A device as the registry has it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceSummary {
    /// Its id.
    #[schema(value_type = String)]
    pub device: DeviceId,
    /// Its name for people.
    pub name: String,
    /// What it is for.
    pub kind: String,
    /// Where it stands.
    #[schema(value_type = Option<String>)]
    pub site: Option<DeviceId>,
    /// Whether it may connect.
    pub enabled: bool,
    /// What it may do, where its row says otherwise than the configuration.
    #[serde(default, skip_serializing_if = "DeviceLimits::is_default")]
    #[schema(required = false)]
    pub limits: DeviceLimits,
}

/// `PUT /api/v1/sites/{site}`: what is left out stays; a site that is not known is made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteRequest {
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its opening hours: `Mon-Fri 08:30-17:30, Sat 09:00-12:00`, or `always`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<String>,
    /// From when these hours hold; the next full hour where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub open_from: Option<Timestamp>,
}

/// A site as the registry has it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SiteSummary {
    /// Its id.
    #[schema(value_type = String)]
    pub site: DeviceId,
    /// Its name for people.
    pub name: String,
    /// Its newest opening hours; `always` where there are none.
    pub open: String,
    /// From when these hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub open_from: Option<Timestamp>,
}

/// `POST /api/v1/readers`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReaderRequest {
    /// Its name: the grammar of a device id; no device may have it.
    #[schema(value_type = String, example = "node-red")]
    pub name: DeviceId,
    /// What it may subscribe to.
    #[schema(value_type = Vec<String>, example = json!(["library/v1/devices/+/events"]))]
    pub filters: Vec<TopicFilter>,
}

/// The password of a new reader: shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssuedReader {
    /// The reader.
    pub reader: String,
    /// Its password.
    pub password: String,
}

/// A reader as the registry has it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReaderSummary {
    /// Its name.
    pub reader: String,
    /// What it may subscribe to.
    #[schema(value_type = Vec<String>)]
    pub filters: Vec<TopicFilter>,
}

/// The token of `POST /api/v1/devices/{device}/enrolment`: shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssuedEnrolment {
    /// The device.
    #[schema(value_type = String)]
    pub device: DeviceId,
    /// For `lujiang-agent enrol` on the device.
    pub token: String,
    /// Until when it is good.
    #[schema(value_type = String, format = DateTime)]
    pub expires: Timestamp,
}

/// What a device sends to `/api/v1/enrolment`; the form is `EnrolmentRequest` of the wire.
#[derive(ToSchema)]
pub struct EnrolmentForm {
    /// Who it is.
    pub device: String,
    /// The secret of its token: the part between the two dots.
    pub secret: String,
    /// A certificate signing request (PKCS #10, PEM). Only its key is used.
    pub csr: String,
}

/// What a device sends to `/api/v1/certificate`.
#[derive(ToSchema)]
pub struct RenewalForm {
    /// A certificate signing request (PKCS #10, PEM). Only its key is used.
    pub csr: String,
}

/// A certificate for a device; the form is `CertificateIssued` of the wire.
#[derive(ToSchema)]
pub struct CertificateForm {
    /// The device's certificate, then its issuer's (PEM).
    pub certificate: String,
    /// What the gateway's own certificates may be rooted in (PEM, one or several).
    pub roots: String,
    /// From when it is good.
    #[schema(format = DateTime)]
    pub not_before: String,
    /// Until when it is good.
    #[schema(format = DateTime)]
    pub not_after: String,
    /// When the device should ask for the next one.
    #[schema(format = DateTime)]
    pub renew_after: String,
}

/// The progress of a rebuild, within `GET /api/v1/views`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ViewsState {
    /// The ledger entry the figures reach.
    pub folded: i64,
    /// The last entry of the ledger.
    pub head: i64,
    /// How often the views were rebuilt since the gateway started.
    pub rebuilds: u64,
    /// The rebuild under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebuilding: Option<Rebuilding>,
}

/// A rebuild under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rebuilding {
    /// Entries folded.
    pub done: u64,
    /// Entries there are.
    pub total: u64,
}

impl NewDeviceRequest {
    /// What the registry is asked.
    ///
    /// # Errors
    /// Where the kind is none.
    pub fn new_device(self) -> Result<NewDevice, RegistryError> {
        Ok(NewDevice {
            kind: kind(&self.kind)?,
            id: self.id,
            site: self.site,
            name: self.name,
        })
    }
}

impl DeviceChangeRequest {
    /// What the registry is asked.
    ///
    /// # Errors
    /// Where the kind is none.
    pub fn change(self) -> Result<DeviceChange, RegistryError> {
        Ok(DeviceChange {
            name: self.name,
            enabled: self.enabled,
            kind: self.kind.as_deref().map(kind).transpose()?,
            site: self.site,
        })
    }
}

impl SiteRequest {
    /// What the registry is asked.
    ///
    /// # Errors
    /// Where the opening hours are none.
    pub fn change(&self) -> Result<SiteChange, RegistryError> {
        Ok(SiteChange {
            name: self.name.clone(),
            week: self.open.as_deref().map(str::parse).transpose()?,
            week_from: self.open_from,
        })
    }
}

impl From<Issued<DeviceId>> for IssuedDevice {
    fn from(issued: Issued<DeviceId>) -> Self {
        Self {
            device: issued.name,
            password: issued.password.reveal().to_owned(),
        }
    }
}

impl From<(DeviceId, IssuedToken)> for IssuedEnrolment {
    fn from((device, issued): (DeviceId, IssuedToken)) -> Self {
        Self {
            device,
            token: issued.token.reveal(),
            expires: issued.expires,
        }
    }
}

impl From<Issued<DeviceId>> for IssuedReader {
    fn from(issued: Issued<DeviceId>) -> Self {
        Self {
            reader: issued.name.to_string(),
            password: issued.password.reveal().to_owned(),
        }
    }
}

fn kind(text: &str) -> Result<DeviceKind, RegistryError> {
    text.parse().map_err(|_| RegistryError::Kind {
        found: text.chars().take(80).collect(),
    })
}
