//! Lending while nobody can be asked: what a device decides by itself, and writes down as facts.
//!
//! [`Lending`] is the one way in, for the SIP2 relay and for the bus desk's page; it speaks of
//! readers, items and stops, and knows neither SIP2 nor HTML. A page begins with what was read:
//! [`Lending::validate_reader`] and [`Lending::validate_item`] make a [`ReaderCard`] and a
//! [`Barcode`] of it, and catch one held in place of the other. Then [`Lending::lend`],
//! [`Lending::renew`], [`Lending::take_back`], [`Lending::undo`], whole lists with
//! [`Lending::block_loan`] and [`Lending::block_return`] (all or nothing; first
//! [`Lending::check_loan`] and [`Lending::check_return`] say what is wrong with which barcode),
//! [`Lending::open_stop`] and [`Lending::close_stop`]. What the library system itself decided is
//! written by [`Lending::record_online`], a card by [`Lending::card_issued`].
//!
//! Each of them has its facts on disk when it returns `Ok`, and nothing when it returns a
//! [`Refused`], whose [`Refused::word`] pages and screens make their words from. A call that is
//! dropped half way is carried out all the same. What is always in sight comes from
//! [`Lending::link`], [`Lending::waiting`], [`Lending::conflicts`], [`Lending::stops`],
//! [`Lending::papers`]; [`Lending::changes`] moves with them.
//!
//! The rules are a core (`policy`), what they go by is `memory` and `papers`; readers stand in
//! clear in [`ReaderCard`] only, which is never written anywhere.

mod transaction;

mod barcode;
mod reader_card;
mod refused;

mod forms;
mod open_stop;

mod calendar;
mod last_facts;
mod memory;
mod policy;

mod clerk;

mod local_key;
mod papers;
mod papers_clock;
mod papers_file;
mod papers_keeper;
mod reader_seal;

mod steward;
mod sync_meter;
mod telling;
mod views;

#[cfg(test)]
pub(crate) mod test_lending;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::Context;
use arc_swap::ArcSwapOption;
use lujiang_config::{AgentConfig, LendingSection, Offline};
use lujiang_wire::{Clock, Due, EventId, Label, PaymentUnresolved, StopClosed, StopOpened, Stream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use barcode::Barcode;
use clerk::Clerk;
use forms::Forms;
use local_key::LocalKey;
use memory::{DAY_NOTES, ITEM_NOTES, Memory, STOP_NOTE};
pub use open_stop::OpenStop;
use papers_file::PapersFile;
use papers_keeper::Fetch;
pub use papers_keeper::FetchError;
pub(crate) use papers_keeper::PapersKeeper;
use policy::Policy;
pub use reader_card::ReaderCard;
pub use refused::{Limit, Refused};
use steward::Steward;
pub use sync_meter::Synchronisation;
use sync_meter::{SYNC_NOTE, SyncMeter};
pub use telling::Reach;
use telling::Telling;
pub use transaction::{
    BlockLoan, BlockRefused, BlockReturn, Card, Lent, Loan, OnlineLoan, Return, TakenBack, Undone,
    Written,
};
pub use views::{BlockOut, LinkView, PapersView, Undoable, Waiting};

use crate::data_folder;
use crate::error_chain::chain;
use crate::identity::Identity;
use crate::measured_time::MeasuredTime;
use crate::outbox::{Outbox, OutboxError};
use crate::status::Board;

/// The name of the key of the memory of readers in the data folder.
const LOCAL_KEY: &str = "reader.key";

/// The lending of one device; a handle that is cheap to clone.
#[derive(Clone)]
pub struct Lending {
    clerk: Arc<Clerk>,
}

/// Lending, and what is done beside it: papers are kept, and how the outbox empties is observed.
pub(crate) struct Lender {
    pub(crate) lending: Lending,
    pub(crate) papers: PapersKeeper,
}

impl Lender {
    /// Does it until told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let steward = Steward::new(self.lending);
        tokio::join!(steward.run(stop.clone()), self.papers.run(stop));
    }
}

/// What lending stands among.
pub(crate) struct Surroundings {
    /// The data folder.
    pub(crate) data: PathBuf,
    pub(crate) outbox: Outbox,
    pub(crate) time: MeasuredTime,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) board: Arc<Board>,
}

impl Lending {
    /// The lending of the device whose outbox this is. It waits for the disk.
    pub(crate) fn open(
        section: &LendingSection,
        surroundings: Surroundings,
    ) -> anyhow::Result<Self> {
        let Surroundings {
            data,
            outbox,
            time,
            clock,
            board,
        } = surroundings;
        let memory = remembered(&outbox).context("cannot read what was lent here")?;
        let meter = SyncMeter::after(last_synchronisation(&outbox));
        let key = LocalKey::open(&data.join(LOCAL_KEY))?;
        let forms = Forms::of(section);
        let own = section.own_card.as_deref().map(|card| forms.reader(card));
        let own = own
            .transpose()
            .context("lending.own_card is not of the form of a reader")?;
        // Without papers a device takes back, and new ones are asked for: that is no reason not to
        // start.
        let papers_file = PapersFile::in_folder(&data);
        let papers = papers_file.load().unwrap_or_else(|error| {
            tracing::error!(reason = chain(&error), "the papers cannot be used");
            None
        });
        Ok(Self {
            clerk: Arc::new(Clerk {
                forms,
                policy: Policy::of(section),
                key,
                own,
                outbox,
                clock,
                time,
                board,
                papers: ArcSwapOption::from_pointee(papers),
                papers_file,
                papers_trouble: ArcSwapOption::empty(),
                changes: watch::Sender::new(0),
                last_facts: memory.last_facts(),
                memory: Mutex::new(memory),
                meter: Mutex::new(meter),
                told_within: section.told_within,
                telling: Mutex::new(Telling::default()),
            }),
        })
    }

    /// Reads a reader's card, from a scanner or a keyboard.
    ///
    /// # Errors
    /// Where it is of another form; of an item's form in particular.
    pub fn validate_reader(&self, read: &str) -> Result<ReaderCard, Refused> {
        self.clerk.forms.reader(read)
    }

    /// The card of this device itself, where it has one: what it carries is lent to it.
    #[must_use]
    pub fn own_card(&self) -> Option<&ReaderCard> {
        self.clerk.own.as_ref()
    }

    /// Reads an item's barcode.
    ///
    /// # Errors
    /// Where it is of another form; of a reader's form in particular.
    pub fn validate_item(&self, read: &str) -> Result<Barcode, Refused> {
        self.clerk.forms.item(read)
    }

    /// What this device does off-line.
    #[must_use]
    pub fn offline(&self) -> Offline {
        self.clerk.policy.offline()
    }

    /// Whether anything may be lent to this reader.
    ///
    /// # Errors
    /// Where the policy, the papers or the block list say no.
    pub fn may_borrow(&self, reader: &ReaderCard) -> Result<(), Refused> {
        let papers = self.clerk.papers.load();
        self.clerk
            .policy
            .admit(papers.as_deref(), reader)
            .map(|_| ())
    }

    /// How many items a reader has out by loans of this device.
    #[must_use]
    pub fn items_out(&self, reader: &ReaderCard) -> u32 {
        self.clerk.memory().out(&self.clerk.key.mark(reader))
    }

    /// When an item is due that this device lent and that is not back, as far as it knows.
    #[must_use]
    pub fn due_here(&self, item: &Barcode) -> Option<Due> {
        self.clerk
            .memory()
            .lent(item)
            .map(|lent| Due::Day(lent.due))
    }

    /// When an item is due that this device lent to this very reader.
    #[must_use]
    pub fn due_for(&self, reader: &ReaderCard, item: &Barcode) -> Option<Due> {
        let mark = self.clerk.key.mark(reader);
        let memory = self.clerk.memory();
        let lent = memory.lent(item).filter(|lent| lent.reader == mark)?;
        Some(Due::Day(lent.due))
    }

    /// How far what was last decided here about an item can have got; none where nothing was, or
    /// the library system decided since.
    ///
    /// # Errors
    /// Where the outbox cannot be read.
    pub async fn reach(&self, item: &str) -> Result<Option<Reach>, OutboxError> {
        let Ok(item) = self.validate_item(item) else {
            return Ok(None);
        };
        // Of most items nothing was decided here; those cost no look at the disk.
        let Some(last) = self.clerk.last_facts.of(&item) else {
            return Ok(None);
        };
        let settled = |outbox: &Outbox| outbox.settled(Stream::Loan);
        let settled = self.clerk.outbox.with(settled).await?;
        let reach = self.clerk.reach(last, settled);
        // A gateway restored from an older copy may have lost what it once had.
        Ok(Some(if settled < last { Reach::Here } else { reach }))
    }

    /// The library system serves this machine from now on, or does not.
    pub fn served(&self, machine: &str, serves: bool) {
        self.clerk.served(machine, serves);
    }

    /// Forgets what was decided here about an item: what happened to it since, happened elsewhere.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub async fn forget(&self, item: &Barcode) -> Result<(), Refused> {
        let item = item.clone();
        self.with(move |clerk| clerk.forget(&item)).await
    }

    /// How many items more a reader may borrow today, as far as this device remembers.
    #[must_use]
    pub fn items_left(&self, reader: &ReaderCard) -> u32 {
        let (clerk, mark) = (&self.clerk, self.clerk.key.mark(reader));
        let today = clerk.policy.day(clerk.now());
        clerk.policy.items_left(&clerk.memory(), &mark, today)
    }

    /// Lends an item.
    ///
    /// # Errors
    /// Where the reader, the item, the policy or the disk say no.
    pub async fn lend(&self, loan: Loan) -> Result<Lent, Refused> {
        self.with(move |clerk| clerk.lend(&loan)).await
    }

    /// Lends an item on.
    ///
    /// # Errors
    /// As [`Lending::lend`].
    pub async fn renew(&self, loan: Loan) -> Result<Lent, Refused> {
        self.with(move |clerk| clerk.renew(&loan)).await
    }

    /// Takes an item back, whoever had it.
    ///
    /// # Errors
    /// Where the disk says no.
    pub async fn take_back(&self, back: Return) -> Result<TakenBack, Refused> {
        self.with(move |clerk| clerk.take_back(&back)).await
    }

    /// Undoes the last that happened to an item here.
    ///
    /// # Errors
    /// Where it is not the last, was undone already, or the disk says no.
    pub async fn undo(&self, fact: &EventId) -> Result<Undone, Refused> {
        let fact = fact.clone();
        self.with(move |clerk| clerk.undo(&fact)).await
    }

    /// Undoes what was done with one item of a block.
    ///
    /// # Errors
    /// Where it is not of this block, something happened to it since, it was undone already, or
    /// the disk says no.
    pub async fn undo_in_block(&self, block: &Label, item: &Barcode) -> Result<Undone, Refused> {
        let (block, item) = (block.clone(), item.clone());
        self.with(move |clerk| clerk.undo_in_block(&block, &item))
            .await
    }

    /// What is wrong with which item of a list that this reader is to borrow.
    ///
    /// # Errors
    /// Where the reader cannot borrow at all, or the list is empty or too long.
    pub fn check_loan(
        &self,
        reader: &ReaderCard,
        items: &[Barcode],
    ) -> Result<Vec<(Barcode, Refused)>, Refused> {
        self.clerk.check_loan(&self.clerk.memory(), reader, items)
    }

    /// What is wrong with which item of a list that is to come back.
    ///
    /// # Errors
    /// Where the list is empty or too long.
    pub fn check_return(&self, items: &[Barcode]) -> Result<Vec<(Barcode, Refused)>, Refused> {
        self.clerk.policy.measure(items)?;
        Ok(self.clerk.policy.check_return(items))
    }

    /// Lends a list of items: all of them, or none.
    ///
    /// # Errors
    /// What is wrong with the whole or with which item.
    pub async fn block_loan(&self, loan: BlockLoan) -> Result<Vec<Lent>, BlockRefused> {
        self.with(move |clerk| Ok(clerk.block_loan(&loan))).await?
    }

    /// Takes back a list of items: all of them, or none.
    ///
    /// # Errors
    /// What is wrong with the whole or with which item.
    pub async fn block_return(&self, back: BlockReturn) -> Result<Vec<TakenBack>, BlockRefused> {
        self.with(move |clerk| Ok(clerk.block_return(&back)))
            .await?
    }

    /// Writes down what the library system decided; no reader stands in it.
    ///
    /// # Errors
    /// Where the disk says no.
    pub async fn record_online(&self, loan: OnlineLoan) -> Result<Written, Refused> {
        self.with(move |clerk| clerk.record_online(loan)).await
    }

    /// Writes down a card that was issued, or refused.
    ///
    /// # Errors
    /// Where there are no papers to seal its reader by, or the disk says no.
    pub async fn card_issued(&self, card: Card) -> Result<EventId, Refused> {
        self.with(move |clerk| clerk.card_issued(card)).await
    }

    /// Writes down a payment that was never confirmed.
    ///
    /// # Errors
    /// Where the disk says no.
    pub async fn payment_unresolved(&self, payment: PaymentUnresolved) -> Result<EventId, Refused> {
        self.with(move |clerk| clerk.payment_unresolved(payment))
            .await
    }

    /// Opens a stop of the bus. One is open at a time, also after a restart.
    ///
    /// # Errors
    /// Where one is open, or the disk says no.
    pub async fn open_stop(&self, stop: StopOpened) -> Result<EventId, Refused> {
        self.with(move |clerk| clerk.open_stop(stop)).await
    }

    /// Closes the stop that is open.
    ///
    /// # Errors
    /// Where another or none is open, or the disk says no.
    pub async fn close_stop(&self, stop: StopClosed) -> Result<EventId, Refused> {
        self.with(move |clerk| clerk.close_stop(stop)).await
    }

    /// Decides and writes on a thread that may wait for the disk; once begun it is carried out.
    async fn with<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Clerk) -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Refused> {
        let clerk = self.clerk.clone();
        let done = tokio::task::spawn_blocking(move || act(&clerk)).await;
        let done = done.unwrap_or(Err(Refused::Failed))?;
        self.clerk.changed();
        Ok(done)
    }
}

impl std::fmt::Debug for Lending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lending").finish_non_exhaustive()
    }
}

/// Gets a device that was just enrolled its first papers, so that it can lend before it was ever
/// on line; their revision.
///
/// # Errors
/// Where the gateway gives none, or they cannot be kept.
pub async fn first_papers(
    config: &AgentConfig,
    identity: &Identity,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Label> {
    data_folder::make(&config.agent.data)?;
    let fetch = Fetch {
        identity,
        time: &MeasuredTime::new(clock),
        deadline: config.uplink.https_timeout,
        file: &PapersFile::in_folder(&config.agent.data),
    };
    let papers = fetch.papers(None).await?;
    let papers = papers.context("the gateway says that nothing changed, where nothing was")?;
    Ok(papers.revision)
}

/// What the outbox has kept of what was lent.
fn remembered(outbox: &Outbox) -> Result<Memory, OutboxError> {
    let (items, days) = (
        outbox.notes_below(ITEM_NOTES)?,
        outbox.notes_below(DAY_NOTES)?,
    );
    for name in items.damaged.iter().chain(&days.damaged) {
        tracing::error!(
            name,
            "what was remembered of a loan is damaged, and forgotten"
        );
    }
    Ok(Memory::of_notes(items, days, outbox.note(STOP_NOTE)?))
}

/// What the last synchronisation did, as far as that is known: it is told to people and nothing
/// goes by it.
fn last_synchronisation(outbox: &Outbox) -> Option<Synchronisation> {
    let note = outbox.note(SYNC_NOTE).unwrap_or_else(|error| {
        let reason = chain(&error);
        tracing::warn!(reason, "what the last synchronisation did is not known");
        None
    });
    serde_json::from_str(&note?).ok()
}
