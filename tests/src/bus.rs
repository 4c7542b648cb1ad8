//! A bus that lends: an enrolled agent with its papers from the gateway, in this process, so that a
//! test can be its crew.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use lujiang_agent::lending::{Barcode, Lending, Loan, ReaderCard};
use lujiang_agent::{Agent, AgentOptions};
use lujiang_config::AgentConfig;
use lujiang_wire::{Event, EventId};

use crate::clock::WrongClock;
use crate::enrolled::{data_of, enrolled};
use crate::site::{Library, PATIENCE};
use crate::wait::until;

/// Of `[lending]`: a crew that lends all day, and is quick in everything.
const LENDING: &str = "reader_items_max = 100000\nreader_day_max = 100000\n\
     papers_pause_min = \"100ms\"\npapers_pause_max = \"1s\"\n";

/// The bus.
pub struct Bus {
    config: AgentConfig,
    agent: Option<Agent>,
}

impl Bus {
    /// Registers and enrols a bus; its agent does not run yet. Its way to the door leads through
    /// the library's link.
    ///
    /// # Errors
    /// Where it is not enrolled.
    pub async fn enrolled(library: &Library, device: &str) -> anyhow::Result<Self> {
        let ways = (library.secure_link().address(), library.endpoints().https);
        let (data, lending) = (data_of(library, device), format!("[lending]\n{LENDING}"));
        let config = enrolled(library, device, "bus", &data, ways, &lending).await?;
        Ok(Self {
            config,
            agent: None,
        })
    }

    /// Starts its agent.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        let agent = Agent::start(self.config.clone(), AgentOptions::system()?).await?;
        self.agent = Some(agent);
        Ok(())
    }

    /// Starts its agent under a wall clock that is off by so much.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn start_off_by(&mut self, off: jiff::SignedDuration) -> anyhow::Result<()> {
        let right = lujiang_agent::SystemClock::new().context("this machine's clocks")?;
        let options = AgentOptions {
            clock: std::sync::Arc::new(WrongClock { right, off }),
            ..AgentOptions::system()?
        };
        self.agent = Some(Agent::start(self.config.clone(), options).await?);
        Ok(())
    }

    /// Starts its agent, and waits until it has its papers.
    ///
    /// # Errors
    /// Where none come.
    pub async fn start_with_papers(&mut self) -> anyhow::Result<()> {
        self.start().await?;
        let lending = self.lending().clone();
        until("papers", PATIENCE, async || {
            let trouble = lending.papers_trouble().unwrap_or_default();
            lending.papers().context(trouble)
        })
        .await
        .map(drop)
    }

    /// Pulls the plug of its agent.
    pub fn kill(&mut self) {
        self.agent = None;
    }

    /// Ends its agent.
    ///
    /// # Panics
    /// Where it does not run.
    pub async fn stop(&mut self) {
        self.agent.take().expect("it runs").stop().await;
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.config.agent.data.clone()
    }

    /// Its agent.
    ///
    /// # Panics
    /// Where it does not run.
    #[must_use]
    pub fn agent(&self) -> &Agent {
        self.agent.as_ref().expect("it runs")
    }

    /// Its lending.
    ///
    /// # Panics
    /// Where it does not run.
    #[must_use]
    pub fn lending(&self) -> &Lending {
        self.agent().lending().expect("it is configured to lend")
    }

    /// The item of this number.
    ///
    /// # Panics
    /// Never, as long as the configured forms are the default ones.
    #[must_use]
    pub fn item(&self, number: usize) -> Barcode {
        let read = format!("LL{number:08}");
        self.lending().validate_item(&read).expect("an item")
    }

    /// The reader of this number.
    ///
    /// # Panics
    /// Never, as long as the configured forms are the default ones.
    #[must_use]
    pub fn reader(&self, number: usize) -> ReaderCard {
        let read = format!("43022319900101{number:03}X");
        self.lending().validate_reader(&read).expect("a reader")
    }

    /// Lends the items of these numbers, each to another of its readers.
    ///
    /// # Errors
    /// What was refused.
    pub async fn lend(&self, numbers: std::ops::Range<usize>) -> anyhow::Result<Vec<EventId>> {
        let mut facts = Vec::with_capacity(numbers.len());
        for number in numbers {
            let loan = Loan {
                reader: self.reader(number % 500),
                item: self.item(number),
                session: format!("s-{number}").parse()?,
                stop: None,
                block: None,
            };
            facts.push(self.lending().lend(loan).await?.fact);
        }
        Ok(facts)
    }

    /// Waits until the gateway has confirmed all.
    ///
    /// # Errors
    /// What still waits at the deadline.
    pub async fn drained(&self, deadline: Duration) -> anyhow::Result<()> {
        let lending = self.lending().clone();
        until("nothing to wait", deadline, async || {
            let waiting = lending.waiting().await?;
            anyhow::ensure!(waiting.facts == 0, "{waiting:?}");
            Ok(())
        })
        .await
    }
}

/// The loans in a ledger of one device, in the order of their numbers, and which of them stand
/// there twice.
///
/// # Errors
/// Where the ledger cannot be exported.
pub async fn loans_in(library: &Library, device: &str) -> anyhow::Result<Vec<Event>> {
    let mut loans = Vec::new();
    for entry in library.entries().await? {
        let event = &entry["event"];
        if entry["device"] == device && event["stream"] == "loan" {
            let event = Event::from_json(&event.to_string()).map_err(|e| anyhow::anyhow!("{e}"))?;
            loans.push(event);
        }
    }
    Ok(loans)
}
