//! `sign-in`: a fresh one-time link to the page of the running gateway.

use crate::cli::access::Access;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::folder::Folder;
use crate::cli::printer::Printer;
use crate::people::dto::SignInLink;

/// Prints the link.
pub(super) async fn sign_in(folder: &Folder, printer: &mut Printer) -> Result<Outcome, Failure> {
    let gateway = Access::running(folder).await?;
    let link: SignInLink = gateway
        .post("/api/v1/sign-in-links", &serde_json::json!({}))
        .await?;
    printer.line(link.link)?;
    Ok(Outcome::Done)
}
