//! How a command ends.

use std::process::ExitCode;
use std::{fmt, io};

/// How a command ended that could do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Done: 0.
    Done,
    /// Done, and what was looked at is not as it should be: 3.
    ProblemsFound,
}

/// Why a command could not do its work.
#[derive(Debug)]
pub(super) enum Failure {
    /// Something failed: 1.
    Failed(anyhow::Error),
    /// It was asked for in a way that cannot be done, or is configured wrongly: 2.
    Usage(anyhow::Error),
}

impl Failure {
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Failed(_) => ExitCode::from(1),
            Self::Usage(_) => ExitCode::from(2),
        }
    }
}

impl Failure {
    /// What went wrong, whoever is at fault.
    pub(super) fn into_error(self) -> anyhow::Error {
        let (Self::Failed(error) | Self::Usage(error)) = self;
        error
    }

    /// Whether all that failed was that nobody reads the output any more.
    pub(super) fn is_closed_output(&self) -> bool {
        let (Self::Failed(error) | Self::Usage(error)) = self;
        let io = |cause: &(dyn std::error::Error + 'static)| {
            let io = cause.downcast_ref::<io::Error>();
            io.is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe)
        };
        error.chain().any(io)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Failed(error) | Self::Usage(error)) = self;
        write!(f, "{error:#}")
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}
