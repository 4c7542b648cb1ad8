//! `device enrol` and `device revoke`: what a device is known by.

use std::sync::Arc;

use anyhow::Context as _;
use lujiang_wire::DeviceId;
use reqwest::Method;

use crate::authority::Authority;
use crate::cli::access::{Access, Stopped, actor};
use crate::cli::failure::Failure;
use crate::cli::folder::Folder;
use crate::cli::printer::Printer;
use crate::enrolment::Enrolment;
use crate::registry::dto::IssuedEnrolment;
use crate::run::SystemClock;

/// Has a token made and prints it.
pub(super) async fn enrol(
    folder: &Folder,
    printer: &mut Printer,
    device: &DeviceId,
    json: bool,
) -> Result<(), Failure> {
    let context = format!("making a token for device {device}");
    let issued: IssuedEnrolment = match Access::find(folder).await? {
        Access::Running(gateway) => {
            let path = format!("/api/v1/devices/{device}/enrolment");
            gateway.post(&path, &serde_json::json!({})).await
        }
        Access::Stopped(stopped) => {
            let issued = token(folder, &stopped, device).await;
            stopped.close().await;
            issued
        }
    }
    .context(context)?;
    match json {
        true => printer.json(&issued)?,
        false => told(folder, printer, &issued)?,
    }
    Ok(())
}

/// Refuses everything a device is known by.
pub(super) async fn revoke(folder: &Folder, device: &DeviceId) -> Result<(), Failure> {
    let context = format!("revoking device {device}");
    Ok(match Access::find(folder).await? {
        Access::Running(gateway) => {
            let path = format!("/api/v1/devices/{device}/revoke");
            gateway.tell(Method::POST, &path, None::<&()>).await
        }
        Access::Stopped(stopped) => {
            let revoked = stopped.registry.revoke_device(device, &actor()).await;
            stopped.close().await;
            revoked.map_err(anyhow::Error::new)
        }
    }
    .context(context)?)
}

async fn token(
    folder: &Folder,
    stopped: &Stopped,
    device: &DeviceId,
) -> anyhow::Result<IssuedEnrolment> {
    let config = folder.config().map_err(Failure::into_error)?;
    let clock = Arc::new(SystemClock::new());
    let authority = Authority::open(&stopped.data, &config, clock.clone())?;
    let enrolment = Enrolment::new(authority, stopped.registry.clone(), clock, &config);
    let issued = enrolment.token(device, &actor()).await?;
    Ok((device.clone(), issued).into())
}

fn told(folder: &Folder, printer: &mut Printer, issued: &IssuedEnrolment) -> anyhow::Result<()> {
    let config = folder.config().map_err(Failure::into_error)?;
    let port = match folder.paths().read_endpoints()? {
        Some(endpoints) => endpoints.https.port(),
        None => config.tls.http_listen.port(),
    };
    let host = config.tls.names.first().map_or("GATEWAY", String::as_str);
    printer.line(format!("device   {}", issued.device))?;
    printer.line(format!("token    {}", issued.token))?;
    printer.line(format!("expires  {}", issued.expires))?;
    printer.line("The token is good once and cannot be shown again. On the device, run:")?;
    printer.line(format!(
        "  lujiang-agent enrol --config FILE --gateway https://{host}:{port} --token -"
    ))?;
    printer.line("and give it the token on standard input, where nobody else sees it.")
}
