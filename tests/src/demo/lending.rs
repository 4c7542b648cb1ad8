//! Lending in the simulated library: a library system, readers at a self-checkout, and the crew of
//! the bus, who lend out of range and come back.
//!
//! Each item has one borrower at a time here, so nothing the library system could dispute is ever
//! done: in the end it has to know of every loan, once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use lujiang_agent::lending::{Lending, Loan, Return};
use lujiang_sip2::{Checkin, Checkout, Private, Profile, Response, SipDate};
use lujiang_wire::{Clock as _, Label, StopClosed, StopOpened};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::FastClock;
use crate::ils::{Deed, Habits, Ils, IlsHandle, Item, Kind, Patron};
use crate::link::{Link, Weather};
use crate::machine::Machine;

/// Loans of 2016 in the library's annual report, of which the self-checkout has a share.
const LOANS_A_YEAR: f64 = 930_000.0;

/// The share of one self-checkout machine of a main library with several.
const SHARE: f64 = 0.25;

/// Items a person borrows at once, as the report has it: loans by visits of borrowers.
const ITEMS_AT_ONCE: u32 = 3;

/// Readers and items of the simulated library.
const READERS: usize = 400;
/// See [`READERS`]; the first quarter is on the bus.
const ITEMS: usize = 4_000;

/// When the bus is out, after the beginning of the demonstration, simulated.
const BUS_LEAVES: Duration = Duration::from_secs(15 * 60);
/// See [`BUS_LEAVES`].
const BUS_RETURNS: Duration = Duration::from_secs(2 * 3_600);

/// Simulated time between two readers at the bus.
const BUS_READER_EVERY: Duration = Duration::from_secs(150);

/// The library system, and everybody who lends.
pub(super) struct Lenders {
    ils: IlsHandle,
    link: Arc<Link>,
    lent: Granted,
    tasks: JoinSet<anyhow::Result<()>>,
    end: CancellationToken,
}

/// What lends, once its agents run.
pub(super) struct Counters {
    /// Where the relay waits for the machine.
    pub(super) relay: SocketAddr,
    /// The bus's lending.
    pub(super) bus: Lending,
}

impl Lenders {
    /// The simulated library system, running.
    pub(super) async fn library_system() -> anyhow::Result<IlsHandle> {
        let mut ils = Ils::new(Habits::of(Kind::Koha));
        for number in 0..READERS {
            ils.add_patron(Patron::new(&reader(number), "读者"));
        }
        for number in 0..ITEMS {
            ils.add_item(Item::new(&item(number), "渌江书院志"));
        }
        IlsHandle::start(ils, Profile::default()).await
    }

    /// Everybody who lends; the way of the bus leads to `door`.
    pub(super) async fn open(ils: IlsHandle, door: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self {
            ils,
            link: Arc::new(Link::to(door).await?),
            lent: Granted::default(),
            tasks: JoinSet::new(),
            end: CancellationToken::new(),
        })
    }

    /// The library system's address.
    pub(super) fn ils(&self) -> SocketAddr {
        self.ils.addr
    }

    /// The way of the bus to the door.
    pub(super) fn way_of_the_bus(&self) -> SocketAddr {
        self.link.address()
    }

    /// Has readers come, and the bus leave.
    pub(super) fn begin(
        &mut self,
        counters: Counters,
        clock: Arc<FastClock>,
        speed: f64,
        seed: u64,
    ) {
        let dice = StdRng::seed_from_u64(seed);
        let pace = Pace { speed };
        let readers = Readers {
            relay: counters.relay,
            shelf: (ITEMS / 4..ITEMS).map(item).collect(),
            out: BTreeMap::new(),
            clock: clock.clone(),
            lent: self.lent.clone(),
            dice: dice.clone(),
            pace,
            end: self.end.clone(),
        };
        let crew = Crew {
            lending: counters.bus,
            link: self.link.clone(),
            shelf: (0..ITEMS / 4).map(item).collect(),
            lent: self.lent.clone(),
            dice,
            pace,
            end: self.end.clone(),
        };
        self.tasks.spawn(readers.come());
        self.tasks.spawn(crew.drive());
    }

    /// Ends the day: the bus is back in range.
    ///
    /// # Errors
    /// What went wrong meanwhile.
    pub(super) async fn close_up(&mut self) -> anyhow::Result<()> {
        self.end.cancel();
        self.link.turn(Weather::Fair);
        while let Some(ended) = self.tasks.join_next().await {
            ended.context("lending panicked")??;
        }
        Ok(())
    }

    /// How many loans were granted.
    ///
    /// # Errors
    /// Where the library system has not executed each of them once, the first item with both
    /// numbers.
    pub(super) fn account(&self) -> anyhow::Result<u64> {
        let ils = self.ils.ils();
        let mut out: BTreeSet<String> = BTreeSet::new();
        let told = Granted::default();
        for deed in ils.journal().deeds() {
            match deed {
                Deed::Checkout { item, .. } => {
                    ensure!(
                        out.insert(item.clone()),
                        "the library system lent {item} twice"
                    );
                    told.count(&item);
                }
                Deed::Checkin { item, .. } => {
                    out.remove(&item);
                }
                _ => {}
            }
        }
        self.lent.compare(&told)
    }

    /// Ends the library system.
    pub(super) async fn stop(mut self) {
        self.ils.stop().await;
    }
}

/// How often each item was lent.
#[derive(Clone, Default)]
struct Granted(Arc<Mutex<BTreeMap<String, u64>>>);

impl Granted {
    fn count(&self, item: &str) {
        let mut times = self.0.lock().expect("no panic holds it");
        *times.entry(item.to_owned()).or_default() += 1;
    }

    /// The sum, where the library system was told the same.
    fn compare(&self, told: &Self) -> anyhow::Result<u64> {
        let granted = self.0.lock().expect("no panic holds it");
        let told = told.0.lock().expect("no panic holds it");
        for item in granted.keys().chain(told.keys()) {
            let [here, there] = [&granted, &told].map(|times| times.get(item).copied());
            let [here, there] = [here, there].map(Option::unwrap_or_default);
            ensure!(
                here == there,
                "{item} was lent {here} times, the library system has it {there} times"
            );
        }
        Ok(granted.values().sum())
    }
}

/// Simulated time in real time.
#[derive(Clone, Copy)]
struct Pace {
    speed: f64,
}

impl Pace {
    /// Lets simulated time pass; false where the day ended meanwhile. It ends between two readers
    /// only: a loan once begun is carried out, and counted where it was granted.
    async fn pass(self, simulated: Duration, end: &CancellationToken) -> bool {
        let passed = tokio::time::sleep(simulated.div_f64(self.speed));
        end.run_until_cancelled(passed).await.is_some()
    }
}

/// Readers at the self-checkout.
struct Readers {
    relay: SocketAddr,
    shelf: VecDeque<String>,
    /// Items out, and who has them.
    out: BTreeMap<String, String>,
    clock: Arc<FastClock>,
    lent: Granted,
    dice: StdRng,
    pace: Pace,
    end: CancellationToken,
}

impl Readers {
    async fn come(mut self) -> anyhow::Result<()> {
        // A day of twelve hours; one comes after the other, as at one machine.
        let a_day = LOANS_A_YEAR / 365.0 * SHARE / f64::from(ITEMS_AT_ONCE - 1);
        let between = Duration::from_secs_f64(12.0 * 3_600.0 / a_day);
        let mut machine = Machine::connect(self.relay, Profile::default()).await?;
        while self.pace.pass(between, &self.end).await {
            let reader = reader(self.dice.random_range(READERS / 4..READERS));
            for _ in 0..self.dice.random_range(1..ITEMS_AT_ONCE) {
                self.borrow(&mut machine, &reader).await?;
            }
            if self.out.len() > 100 {
                self.give_back(&mut machine).await?;
            }
        }
        Ok(())
    }

    async fn borrow(&mut self, machine: &mut Machine, reader: &str) -> anyhow::Result<()> {
        let item = self.shelf.pop_front().context("the shelf is empty")?;
        let request = Checkout {
            transaction_date: self.now(),
            patron_identifier: Private::new(reader),
            item_identifier: item.clone(),
            ..Checkout::default()
        };
        match machine.ask(request).await? {
            Response::Checkout(answer) if answer.ok => {
                self.lent.count(&item);
                self.out.insert(item, reader.to_owned());
                Ok(())
            }
            other => bail!("a loan of {item} was answered {other:?}"),
        }
    }

    async fn give_back(&mut self, machine: &mut Machine) -> anyhow::Result<()> {
        let (item, _) = self.out.pop_first().context("nothing is out")?;
        let request = Checkin {
            transaction_date: self.now(),
            return_date: self.now(),
            item_identifier: item.clone(),
            ..Checkin::default()
        };
        match machine.ask(request).await? {
            Response::Checkin(answer) if answer.ok => {
                self.shelf.push_back(item);
                Ok(())
            }
            other => bail!("a return of {item} was answered {other:?}"),
        }
    }

    fn now(&self) -> Option<SipDate> {
        Some(SipDate::utc(self.clock.wall()))
    }
}

/// The crew of the bus.
struct Crew {
    lending: Lending,
    link: Arc<Link>,
    shelf: VecDeque<String>,
    lent: Granted,
    dice: StdRng,
    pace: Pace,
    end: CancellationToken,
}

impl Crew {
    /// Out of range, a stop, and back; once a demonstration.
    async fn drive(mut self) -> anyhow::Result<()> {
        if !self.pace.pass(BUS_LEAVES, &self.end).await {
            return Ok(());
        }
        self.link.turn(Weather::Hole);
        let stop: Label = "demo-stop".parse().context("a label")?;
        let opened = StopOpened {
            stop: stop.clone(),
            place: "醴陵市实验小学".parse().context("a label")?,
            unit: Some("实验小学".parse().context("a label")?),
            occasion: Some("送书进学校".parse().context("a label")?),
            volumes: Some(320),
        };
        let opening = self.lending.open_stop(opened).await;
        opening.map_err(|refused| anyhow::anyhow!("the stop: {}", refused.word()))?;
        self.lend(&stop).await?;
        let closed = StopClosed {
            stop,
            participants: Some(650),
            volumes: None,
        };
        let closing = self.lending.close_stop(closed).await;
        closing.map_err(|refused| anyhow::anyhow!("closing the stop: {}", refused.word()))?;
        self.link.turn(Weather::Fair);
        Ok(())
    }

    async fn lend(&mut self, stop: &Label) -> anyhow::Result<()> {
        let readers = (BUS_RETURNS - BUS_LEAVES).as_secs() / BUS_READER_EVERY.as_secs();
        for number in 0..readers {
            if !self.pace.pass(BUS_READER_EVERY, &self.end).await {
                break;
            }
            let session: Label = format!("demo-{number}").parse().context("a label")?;
            let card = reader(self.dice.random_range(0..READERS / 4));
            let card = self.lending.validate_reader(&card);
            let card = card.map_err(|refused| anyhow::anyhow!("a card: {}", refused.word()))?;
            let barcode = self.shelf.pop_front().context("the bus is empty")?;
            let barcode = self.lending.validate_item(&barcode);
            let item = barcode.map_err(|refused| anyhow::anyhow!("{}", refused.word()))?;
            let loan = Loan {
                reader: card,
                item: item.clone(),
                session: session.clone(),
                stop: Some(stop.clone()),
                block: None,
            };
            if self.lending.lend(loan).await.is_ok() {
                self.lent.count(item.as_str());
            }
            if number % 4 == 3 {
                let back = Return {
                    item,
                    session,
                    stop: Some(stop.clone()),
                    block: None,
                    cancels: None,
                };
                let back = self.lending.take_back(back).await;
                back.map_err(|refused| anyhow::anyhow!("a return: {}", refused.word()))?;
            }
        }
        Ok(())
    }
}

/// An identity card's number.
fn reader(number: usize) -> String {
    format!("43022319800101{number:04}")
}

fn item(number: usize) -> String {
    format!("LL{number:07}")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::ils::Fault;
    use crate::site::PATIENCE;
    use crate::wait::until;

    /// Long enough for the day to end meanwhile, short enough to wait for.
    const SLOW: Duration = Duration::from_millis(500);

    fn readers(lenders: &Lenders) -> Readers {
        let boot = "demo-readers".parse().expect("a boot");
        let clock = FastClock::starting(Timestamp::UNIX_EPOCH, 600.0, boot);
        Readers {
            relay: lenders.ils(),
            shelf: (0..ITEMS).map(item).collect(),
            out: BTreeMap::new(),
            clock: Arc::new(clock),
            lent: lenders.lent.clone(),
            dice: StdRng::seed_from_u64(7),
            pace: Pace { speed: 600.0 },
            end: lenders.end.clone(),
        }
    }

    #[tokio::test]
    async fn a_loan_that_is_under_way_when_the_day_ends_is_counted() {
        let ils = Lenders::library_system().await.unwrap();
        ils.set_fault_of("11", Fault::Delay(SLOW));
        let door = ils.addr;
        let mut lenders = Lenders::open(ils, door).await.unwrap();
        let readers = readers(&lenders);
        lenders.tasks.spawn(readers.come());
        until("the first loan to be under way", PATIENCE, async || {
            ensure!(lenders.ils.received_of("11") > 0, "nobody borrows yet");
            Ok(())
        })
        .await
        .unwrap();
        lenders.close_up().await.unwrap();
        assert!(lenders.account().unwrap() > 0);
        lenders.stop().await;
    }

    #[tokio::test]
    async fn a_loan_the_library_system_has_twice_or_not_at_all_is_named() {
        let ils = Lenders::library_system().await.unwrap();
        let door = ils.addr;
        let mut lenders = Lenders::open(ils, door).await.unwrap();
        let mut readers = readers(&lenders);
        let mut machine = Machine::connect(lenders.ils(), Profile::default())
            .await
            .unwrap();
        readers.borrow(&mut machine, &reader(1)).await.unwrap();
        assert_eq!(lenders.account().unwrap(), 1);
        lenders.lent.count(&item(9));
        let missing = lenders.account().unwrap_err().to_string();
        assert!(missing.contains(&item(9)), "{missing}");
        lenders.close_up().await.unwrap();
        lenders.stop().await;
    }
}
