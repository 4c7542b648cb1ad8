//! The demonstration: a gateway with its broker and store, and a simulated library of real agents.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use lujiang_tests::demo::Demo;
use tokio::signal::unix::{SignalKind, signal};

/// A whole library on this machine: one gateway, and a real agent beside every simulated device.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:
  lujiang-demo                          a working day at sixty times its speed
  lujiang-demo --speed 1 --seed 2016    in real time
  lujiang-demo --for 2m --data /tmp/x   two minutes, then the end; data stay in /tmp/x"
)]
struct Options {
    /// Simulated time per real time, 1 to 600.
    #[arg(long, default_value_t = 60.0)]
    speed: f64,
    /// Who comes when is drawn from this; the same seed gives the same visitors.
    #[arg(long, default_value_t = 2016)]
    seed: u64,
    /// Ends by itself after this time: 90s, 5m, 1h; otherwise on Ctrl-C.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    length: Option<Duration>,
    /// Where the data live; a new temporary folder when not given.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Logs on standard error: warn, info, debug.
    #[arg(long, default_value = "warn")]
    log: String,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_new(&options.log).context("--log")?)
        .with_writer(std::io::stderr)
        .init();
    anyhow::ensure!(
        (1.0..=600.0).contains(&options.speed),
        "--speed {}: expected simulated time per real time from 1 to 600",
        options.speed
    );
    tokio::runtime::Runtime::new()
        .context("starting the runtime")?
        .block_on(run(options))
}

async fn run(options: Options) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let data = match options.data {
        Some(folder) => folder,
        None => tempfile::Builder::new()
            .prefix("lujiang-demo-")
            .tempdir()
            .context("making a temporary folder")?
            .keep(),
    };
    let mut demo = Demo::start(&data, options.speed, options.seed).await?;
    say(&format!(
        "Lujiang demonstration: one library, {} devices, simulated time x {}\n\
         page      {}\n\
         or        {}   (the gateway's own certificate)\n\
         sign in   {}   (good once)\n\
         bus desk  {}\n\
         shelf     {}   (the right-hand screen is its /announcements)\n\
         data      {}\n\
         end       {}",
        demo.devices(),
        options.speed,
        demo.page(),
        demo.secure_page(),
        demo.sign_in_link(),
        demo.bus_desk().await?,
        demo.shelf().await?,
        data.display(),
        options.length.map_or("Ctrl-C".to_owned(), |length| format!(
            "in {length:?}, or Ctrl-C"
        )),
    ))?;
    let end = async {
        match options.length {
            Some(length) => tokio::time::sleep(length).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = end => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        failed = demo.run() => failed.context("the simulated library stopped by itself")?,
    }
    say("ending: gates are read a last time, outboxes drained")?;
    let story = demo.stop().await?;
    say(&story)
}

fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .context("writing to standard output")
}

/// Reads 90s, 5m, 1h.
fn duration(text: &str) -> Result<Duration, String> {
    let expected = || format!("expected a duration such as 90s, 5m or 1h, found {text:?}");
    let (number, unit) = text.split_at(text.find(char::is_alphabetic).ok_or_else(expected)?);
    let number: u64 = number.parse().map_err(|_| expected())?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return Err(expected()),
    };
    Ok(Duration::from_secs(number * seconds))
}
