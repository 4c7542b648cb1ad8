//! `lujiang-agent enrol`.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use lujiang_agent::{GatewayUrl, Identity, Present, SystemClock, enrol, first_papers};
use lujiang_config::{AgentConfig, Credential};
use lujiang_wire::EnrolmentToken;

/// What is read at most where a token is expected: ten times its length.
const TOKEN_BYTES_MAX: u64 = 1_024;

/// Means standard input in place of a token or of a file.
const STANDARD_INPUT: &str = "-";

/// Where the certificate comes from, and by what right.
#[derive(Debug, Args)]
pub(crate) struct Enrolment {
    /// The gateway's HTTPS address: https://HOST:PORT.
    #[arg(long, value_name = "URL")]
    gateway: GatewayUrl,
    #[command(flatten)]
    source: TokenSource,
    /// Replace a certificate that is still good.
    #[arg(long)]
    again: bool,
}

/// Where the token is. Debug shows no token.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct TokenSource {
    /// The token that `lujiang-gateway device enrol` printed, or "-" to read it from standard
    /// input. Others on this machine can see it here: rather use --token-file.
    #[arg(long, value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A file with the token, or "-" for standard input.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenSource")
            .field("token_file", &self.token_file)
            .finish_non_exhaustive()
    }
}

impl Enrolment {
    /// Enrols, and says until when.
    pub(crate) fn run(&self, config: &AgentConfig) -> anyhow::Result<()> {
        let token = self.source.read()?;
        let present = if self.again {
            Present::Replace
        } else {
            Present::Keep
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        let enrolled = runtime.block_on(enrol(config, &self.gateway, &token, present))?;
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "{} is enrolled with {}; its certificate is good until {} and renews by itself",
            config.agent.device,
            enrolled.gateway(),
            enrolled.not_after()
        )?;
        if config.lending.is_some() {
            writeln!(
                out,
                "{}",
                runtime.block_on(told_of_papers(config, &enrolled))
            )?;
        }
        if config.uplink.credential == Credential::Password {
            writeln!(
                out,
                "uplink.credential is \"password\": set it to \"certificate\" to use it"
            )?;
        }
        Ok(())
    }
}

/// Gets the papers a device lends by, and says so. It is enrolled without them, too: the agent
/// asks again.
async fn told_of_papers(config: &AgentConfig, identity: &Identity) -> String {
    let papers = match SystemClock::new() {
        Ok(clock) => first_papers(config, identity, Arc::new(clock)).await,
        Err(error) => Err(error.into()),
    };
    match papers {
        Ok(revision) => format!("it has its papers to lend by, revision {revision}"),
        Err(error) => format!("it has no papers to lend by yet, the agent asks again: {error:#}"),
    }
}

impl TokenSource {
    fn read(&self) -> anyhow::Result<EnrolmentToken> {
        let text = match (&self.token, &self.token_file) {
            (Some(token), _) if token != STANDARD_INPUT => token.clone(),
            (_, Some(path)) if path != Path::new(STANDARD_INPUT) => std::fs::File::open(path)
                .and_then(read_some)
                .with_context(|| format!("cannot read the token file {}", path.display()))?,
            (Some(_), _) | (_, Some(_)) => read_some(std::io::stdin().lock())
                .context("cannot read the token from standard input")?,
            (None, None) => bail!("no token: give --token-file FILE, or --token-file - "),
        };
        Ok(text.parse()?)
    }
}

fn read_some(from: impl Read) -> std::io::Result<String> {
    let mut text = String::new();
    from.take(TOKEN_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}
