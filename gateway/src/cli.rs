//! The command line.
//!
//! A command that changes something asks the running gateway over HTTP, which it finds by
//! `endpoints.json` and `admin.token`; only where no gateway holds the data folder it opens the
//! store itself. Commands that only read open the database for reading, whoever writes it.

mod access;
mod check;
mod client;
mod consent;
mod content;
mod failure;
mod folder;
mod identity;
mod ledger;
mod limits;
mod loans;
mod log;
mod moment;
mod person;
mod printer;
mod progress;
mod quarantine;
mod registry;
mod rollout;
mod run;
mod sign_in;
mod stops;
mod token;
mod views;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use failure::{Failure, Outcome};
use folder::Folder;
use printer::Printer;

/// Longest wait for blocking work after a command has ended.
const RUNTIME_GRACE: Duration = Duration::from_secs(5);

/// The gateway of Lujiang: takes facts from devices, keeps them, and shows figures.
#[derive(Debug, Parser)]
#[command(
    name = "lujiang-gateway",
    version,
    after_help = "Examples:
  lujiang-gateway run --config /etc/lujiang/gateway.toml --data /var/lib/lujiang-gateway
  lujiang-gateway device add gate-1 --kind gate --site main
  lujiang-gateway ledger verify

Exit codes: 0 done; 1 failed; 2 wrong usage or configuration; 3 done, and problems were found."
)]
struct Cli {
    #[command(flatten)]
    place: PlaceArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct PlaceArgs {
    /// The data folder
    #[arg(
        long,
        global = true,
        env = "LUJIANG_DATA",
        default_value = "./lujiang-data",
        value_name = "DIR"
    )]
    data: PathBuf,
    /// The configuration; without it the defaults
    #[arg(long, global = true, env = "LUJIANG_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway until SIGINT or SIGTERM
    #[command(after_help = "Example:\n  lujiang-gateway run --data ./lujiang-data")]
    Run,
    /// Name every problem of a configuration file
    #[command(after_help = "Example:\n  lujiang-gateway check --config gateway.toml")]
    Check,
    /// Devices: who may connect, and where they stand
    #[command(subcommand)]
    Device(registry::DeviceCommand),
    /// Sites: their names and opening hours
    #[command(subcommand)]
    Site(registry::SiteCommand),
    /// Readers: credentials for those who only subscribe
    #[command(subcommand)]
    Reader(registry::ReaderCommand),
    /// The ledger: check it, take it out
    #[command(subcommand)]
    Ledger(ledger::LedgerCommand),
    /// The quarantine: look at what was kept aside, and decide on it
    #[command(subcommand)]
    Quarantine(quarantine::QuarantineCommand),
    /// Readers: erase what is kept of them
    #[command(subcommand)]
    Person(person::PersonCommand),
    /// Loans: what devices may lend off-line, and what the library system hears of it
    #[command(subcommand)]
    Loans(loans::LoansCommand),
    /// Releases of e-books: keys, notices, withdrawals
    #[command(subcommand)]
    Content(content::ContentCommand),
    /// Rollouts: who is to have a release, and how far each kiosk is
    #[command(subcommand)]
    Rollout(rollout::RolloutCommand),
    /// The views: figures folded from the ledger
    #[command(subcommand)]
    Views(views::ViewsCommand),
    /// Stops of the bus: the yearly tables of years before the ledger
    #[command(subcommand)]
    Stops(stops::StopsCommand),
    /// API tokens: for programs, each with a scope
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Print a one-time link that signs in, and sets the administrator's password where wanted
    #[command(after_help = "Example:\n  lujiang-gateway sign-in")]
    SignIn,
}

/// Runs the command this process was started with.
#[must_use]
pub fn main() -> ExitCode {
    // What lies in the data folder concerns nobody else, whichever library creates a file there.
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return report(Err(Failure::Failed(error.into()))),
    };
    let result = runtime.block_on(perform(cli));
    // A rebuild cannot be called off; it is not waited for either: the views are made anew.
    runtime.shutdown_timeout(RUNTIME_GRACE);
    report(result)
}

async fn perform(cli: Cli) -> Result<Outcome, Failure> {
    let folder = Folder::new(cli.place.data, cli.place.config);
    let mut printer = Printer::standard_output();
    match cli.command {
        Command::Run => run::run(&folder, &mut printer).await,
        Command::Check => check::check(&folder, &mut printer),
        Command::Device(command) => command.perform(&folder, &mut printer).await,
        Command::Site(command) => command.perform(&folder, &mut printer).await,
        Command::Reader(command) => command.perform(&folder, &mut printer).await,
        Command::Ledger(command) => command.perform(&folder, &mut printer).await,
        Command::Quarantine(command) => command.perform(&folder, &mut printer).await,
        Command::Person(command) => command.perform(&folder, &mut printer).await,
        Command::Loans(command) => command.perform(&folder, &mut printer).await,
        Command::Content(command) => command.perform(&folder, &mut printer).await,
        Command::Rollout(command) => command.perform(&folder, &mut printer).await,
        Command::Views(command) => command.perform(&folder, &mut printer).await,
        Command::Stops(command) => command.perform(&folder, &mut printer).await,
        Command::Token(command) => command.perform(&folder, &mut printer).await,
        Command::SignIn => sign_in::sign_in(&folder, &mut printer).await,
    }
}

fn report(result: Result<Outcome, Failure>) -> ExitCode {
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::ProblemsFound) => ExitCode::from(3),
        // Whoever read the output has seen enough, as `head` does.
        Err(failure) if failure.is_closed_output() => ExitCode::SUCCESS,
        Err(failure) => {
            // A closed standard error leaves nobody to tell.
            let _ = writeln!(std::io::stderr(), "lujiang-gateway: {failure}");
            failure.exit_code()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_whole() {
        Cli::command().debug_assert();
    }
}
