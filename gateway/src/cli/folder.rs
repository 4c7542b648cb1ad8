//! Where a command works: the data folder, and the configuration that goes with it.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use lujiang_config::GatewayConfig;

use crate::cli::failure::Failure;
use crate::data_dir::DataPaths;
use crate::store::readers::Readers;

/// The data folder and the configuration file of a command.
pub(super) struct Folder {
    paths: DataPaths,
    config: Option<PathBuf>,
}

impl Folder {
    pub(super) fn new(data: PathBuf, config: Option<PathBuf>) -> Self {
        Self {
            paths: DataPaths::new(data),
            config,
        }
    }

    pub(super) fn paths(&self) -> &DataPaths {
        &self.paths
    }

    pub(super) fn config_file(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// The configuration, or the defaults where no file is named.
    pub(super) fn config(&self) -> Result<GatewayConfig, Failure> {
        match &self.config {
            Some(file) => GatewayConfig::load(file)
                .map_err(|problems| Failure::Usage(anyhow!("configuration refused\n{problems}"))),
            None => Ok(GatewayConfig::default()),
        }
    }

    /// The database, for reading only, whoever writes it.
    pub(super) fn read_only(&self) -> Result<Readers, Failure> {
        self.ledger().map(|file| Readers::new(&file))
    }

    /// The file of the ledger; that there is none is a failure.
    pub(super) fn ledger(&self) -> Result<PathBuf, Failure> {
        let file = self.paths.ledger_db();
        match file.is_file() {
            true => Ok(file),
            false => Err(Failure::Failed(anyhow!(
                "there is no ledger at {}: name the data folder with --data",
                file.display()
            ))),
        }
    }
}
