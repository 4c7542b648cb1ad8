//! `check`: every problem of a configuration file.

use anyhow::anyhow;
use lujiang_config::GatewayConfig;

use crate::cli::failure::{Failure, Outcome};
use crate::cli::folder::Folder;
use crate::cli::printer::Printer;

/// Prints every problem of the file, one a line.
pub(super) fn check(folder: &Folder, printer: &mut Printer) -> Result<Outcome, Failure> {
    let file = folder
        .config_file()
        .ok_or_else(|| Failure::Usage(anyhow!("name the file to check: check --config FILE")))?;
    match GatewayConfig::load(file) {
        Ok(_) => {
            printer.line(format!("{}: no problem found", file.display()))?;
            Ok(Outcome::Done)
        }
        Err(problems) => {
            for problem in &problems {
                printer.line(problem.to_string())?;
            }
            Ok(Outcome::ProblemsFound)
        }
    }
}
