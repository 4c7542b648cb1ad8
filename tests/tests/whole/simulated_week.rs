//! A small week with real processes: two self-checkouts and two buses lend and take back while
//! clocks jump by minutes and years, links are cut, agents and the gateway are killed, and the
//! library system breaks off. In the end the library system knows what a model of the shelves
//! knows, it was told of nothing twice, and nothing is in dispute. A gateway that says again what
//! it does not know the fate of turns it red.
//!
//! The week of thousands of seeds, with wrong clocks and disputes of every kind, is the cores' own
//! (`gateway/src/desk/tests/week.rs`).

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use jiff::SignedDuration;
use lujiang_agent::lending::{Loan, Return};
use lujiang_sip2::{Checkin, Checkout, Private, Profile, Response, SipDate};
use lujiang_tests::bus::Bus;
use lujiang_tests::desk::LoanHouse;
use lujiang_tests::ils::{Deed, Fault, Habits, Ils, Item, Kind, Patron};
use lujiang_tests::link::Weather;
use lujiang_tests::machine::Machine;
use lujiang_tests::self_checkout::SelfCheckout;
use lujiang_tests::wait::until;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom as _;
use rand::{Rng as _, SeedableRng as _};

/// Another week.
const SEED: &str = "LUJIANG_SEED";

/// What happens in one week.
const STEPS: usize = 120;

/// An item is left alone for this many steps, so that no two of its facts fall into the few
/// milliseconds by which measured clocks differ.
const REST: usize = 6;

const READERS: usize = 30;
const ITEMS: usize = 24;

/// How far a bus's wall clock is off after it was started again: not at all, minutes, years.
const OFF: [SignedDuration; 4] = [
    SignedDuration::ZERO,
    SignedDuration::from_mins(-7),
    SignedDuration::from_hours(24 * 365 * 30),
    SignedDuration::from_hours(-24 * 365 * 20),
];

/// Long for a machine that compiles meanwhile.
const LONG: Duration = Duration::from_secs(90);

/// Everything that lends, and what the shelves know.
struct Week {
    house: LoanHouse,
    desks: Vec<(SelfCheckout, Option<Machine>)>,
    buses: Vec<Bus>,
    is_served: bool,
    /// Who has which item.
    out: BTreeMap<String, usize>,
    touched: BTreeMap<String, usize>,
    dice: StdRng,
    granted: usize,
}

fn item(number: usize) -> String {
    format!("LL{number:08}")
}

fn reader(number: usize) -> String {
    format!("43022319900101{number:03}X")
}

fn library_system() -> Ils {
    let mut ils = Ils::new(Habits::of(Kind::Koha));
    for number in 0..READERS {
        ils.add_patron(Patron::new(&reader(number), "读者"));
    }
    for number in 0..ITEMS {
        ils.add_item(Item::new(&item(number), "渌江书院志"));
    }
    ils
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_the_end_the_library_system_knows_what_the_shelves_know_and_disputes_nothing() {
    let seed = std::env::var(SEED).map_or(20_161_120, |seed| seed.parse().unwrap());
    println!("{SEED}={seed}");
    let folder = tempfile::tempdir().unwrap();
    let mut week = Week::begin(folder.path(), seed, None).await;
    for step in 0..STEPS {
        match week.dice.random_range(0..100) {
            0..6 => week.kill_something().await,
            6..12 => week.turn_the_weather(),
            12..16 => week.turn_the_library_system().await,
            16..20 => week.house.ils.set_fault(Fault::DropAfter),
            20..23 => week.house.ils.set_fault(Fault::DropBefore),
            _ => week.lend_or_take_back(step).await,
        }
    }
    week.come_home().await;
    week.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_gateway_that_sends_again_blindly_after_a_break_turns_the_week_red() {
    for plant in [None, Some("sends-again-blindly")] {
        let folder = tempfile::tempdir().unwrap();
        let mut week = Week::begin(folder.path(), 1, plant).await;
        // The library system lends it, and breaks off before it says so.
        week.house.ils.set_fault_of("11", Fault::DropAfter);
        assert!(week.lend_on_bus(0, 1, 1).await);
        week.out.insert(item(1), 1);
        match plant {
            None => until("the week to be right", LONG, async || week.is_right().await)
                .await
                .unwrap(),
            Some(_) => {
                let seen = async || week.told_twice().context("nothing was told twice");
                let twice = until("the loan to be told twice", LONG, seen).await;
                assert_eq!(twice.unwrap(), item(1));
                // The loan is settled at the desk, and the week is red all the same.
                let red = async || {
                    let wrong = week.is_right().await.err().context("the week is right")?;
                    anyhow::ensure!(wrong.to_string().contains("was told twice"), "{wrong}");
                    Ok(())
                };
                until("the week to be red for this reason", LONG, red)
                    .await
                    .unwrap();
            }
        }
        week.end().await;
    }
}

impl Week {
    async fn begin(folder: &std::path::Path, seed: u64, plant: Option<&str>) -> Self {
        let house = LoanHouse::planted(folder, library_system(), "koha", "", plant).await;
        let house = house.unwrap();
        let mut desks = Vec::new();
        for name in ["desk-1", "desk-2"] {
            let added = house.library.add_device(name, "self-checkout", "main");
            let issued = added.await.unwrap();
            let desk = SelfCheckout::enrolled(
                &house.library,
                &issued,
                house.ils.addr,
                "[lending]\nreader_items_max = 1000\nreader_day_max = 1000",
            );
            let mut desk = desk.await.unwrap();
            desk.start().unwrap();
            desks.push((desk, None));
        }
        let mut buses = Vec::new();
        for name in ["bus-2", "bus-3"] {
            let mut bus = Bus::enrolled(&house.library, name).await.unwrap();
            bus.start_with_papers().await.unwrap();
            buses.push(bus);
        }
        Self {
            house,
            desks,
            buses,
            is_served: true,
            out: BTreeMap::new(),
            touched: BTreeMap::new(),
            dice: StdRng::seed_from_u64(seed),
            granted: 0,
        }
    }

    async fn lend_or_take_back(&mut self, step: usize) {
        let number = self.dice.random_range(0..ITEMS);
        let name = item(number);
        if self.touched.get(&name).is_some_and(|at| step - at < REST) {
            return;
        }
        self.touched.insert(name.clone(), step);
        let at_bus = self.dice.random_bool(0.5);
        let place = self.dice.random_range(0..2);
        let reader = self.dice.random_range(0..READERS);
        let who = self.out.get(&name).copied();
        let is_done = match (at_bus, who) {
            (true, None) => self.lend_on_bus(place, number, reader).await,
            (true, Some(_)) => self.take_back_on_bus(place, number).await,
            // On-line the library system decides by what it knows: it is asked only about what it
            // has heard of.
            (false, _) if self.is_served && !self.has_heard_of(&name) => return,
            (false, None) => self.lend_at_desk(place, &name, reader).await,
            (false, Some(_)) => self.take_back_at_desk(place, &name).await,
        };
        if !is_done {
            return;
        }
        self.granted += 1;
        match who {
            None => self.out.insert(name, reader),
            Some(_) => self.out.remove(&name),
        };
    }

    fn has_heard_of(&self, item: &str) -> bool {
        let state = self.house.ils.ils().state();
        let known = state.get(item).map(|loan| loan.patron.clone());
        known == self.out.get(item).map(|number| reader(*number))
    }

    async fn lend_on_bus(&self, place: usize, item: usize, reader: usize) -> bool {
        let bus = &self.buses[place];
        let loan = Loan {
            reader: bus.reader(reader),
            item: bus.item(item),
            session: "week".parse().unwrap(),
            stop: None,
            block: None,
        };
        // What this bus lent and another took back it believes to be out: it refuses, and says so.
        bus.lending().lend(loan).await.is_ok()
    }

    async fn take_back_on_bus(&self, place: usize, item: usize) -> bool {
        let bus = &self.buses[place];
        let back = Return {
            item: bus.item(item),
            session: "week".parse().unwrap(),
            stop: None,
            block: None,
            cancels: None,
        };
        bus.lending().take_back(back).await.is_ok()
    }

    async fn lend_at_desk(&mut self, place: usize, item: &str, who: usize) -> bool {
        let request = Checkout {
            transaction_date: now(),
            patron_identifier: Private::new(reader(who)),
            item_identifier: item.to_owned(),
            ..Checkout::default()
        };
        let machine = self.machine(place).await;
        match machine.ask(request).await.unwrap() {
            Response::Checkout(answer) => answer.ok,
            other => panic!("answered {other:?}"),
        }
    }

    async fn take_back_at_desk(&mut self, place: usize, item: &str) -> bool {
        let request = Checkin {
            transaction_date: now(),
            return_date: now(),
            item_identifier: item.to_owned(),
            ..Checkin::default()
        };
        let machine = self.machine(place).await;
        match machine.ask(request).await.unwrap() {
            Response::Checkin(answer) => answer.ok,
            other => panic!("answered {other:?}"),
        }
    }

    /// The machine at this desk, connected.
    async fn machine(&mut self, place: usize) -> &mut Machine {
        let (desk, machine) = &mut self.desks[place];
        if machine.is_none() {
            desk.is_served(self.is_served).await.unwrap();
            *machine = Some(desk.machine(Profile::default()).await.unwrap());
        }
        machine.as_mut().unwrap()
    }

    async fn kill_something(&mut self) {
        match self.dice.random_range(0..3) {
            0 => {
                let place = self.dice.random_range(0..2);
                self.buses[place].kill();
                let off = OFF.into_iter().choose(&mut self.dice).unwrap();
                self.buses[place].start_off_by(off).await.unwrap();
            }
            1 => {
                let place = self.dice.random_range(0..2);
                let (desk, machine) = &mut self.desks[place];
                *machine = None;
                desk.kill().await.unwrap();
                desk.start().unwrap();
            }
            _ => {
                self.house.library.kill().await.unwrap();
                self.house.library.start().await.unwrap();
            }
        }
    }

    fn turn_the_weather(&mut self) {
        let weathers = [Weather::Fair, Weather::Hole, Weather::Reset];
        let weather = weathers.into_iter().choose(&mut self.dice).unwrap();
        self.house.library.secure_link().turn(weather);
    }

    async fn turn_the_library_system(&mut self) {
        match self.is_served {
            true => self.house.ils.stop().await,
            false => self.house.ils.restart().await.unwrap(),
        }
        self.is_served = !self.is_served;
        for (desk, _) in &self.desks {
            desk.is_served(self.is_served).await.unwrap();
        }
    }

    /// Fair weather, everything runs; the library system hears of all.
    async fn come_home(&mut self) {
        self.house.ils.clear_faults();
        self.house.library.secure_link().turn(Weather::Fair);
        if !self.is_served {
            self.turn_the_library_system().await;
        }
        assert!(self.granted > STEPS / 4, "only {} were done", self.granted);
        until(
            "the library system to know what the shelves know",
            LONG,
            async || self.is_right().await,
        )
        .await
        .unwrap();
    }

    /// Whether all is told, once, and the library system knows what the shelves know.
    async fn is_right(&self) -> anyhow::Result<()> {
        let expected: BTreeMap<String, String> = self
            .out
            .iter()
            .map(|(item, number)| (item.clone(), reader(*number)))
            .collect();
        let desk = self.house.library.get("/api/v1/loans/desk").await?;
        let conflicts = self.house.library.get("/api/v1/conflicts").await?;
        let disputed = conflicts["conflicts"].as_array().unwrap().len();
        anyhow::ensure!(disputed == 0, "in dispute: {conflicts}");
        let totals = desk["totals"].as_array().unwrap();
        let open = totals.iter().filter(|total| total["state"] != "settled");
        let open: u64 = open.filter_map(|total| total["facts"].as_u64()).sum();
        anyhow::ensure!(open == 0, "{open} open: {desk}");
        let state = self.house.ils.ils().state();
        let known: BTreeMap<String, String> = state
            .iter()
            .map(|(item, loan)| (item.clone(), loan.patron.clone()))
            .collect();
        anyhow::ensure!(known == expected, "known {known:?}, expected {expected:?}");
        match self.told_twice() {
            Some(item) => anyhow::bail!("{item} was told twice: {:?}", self.house.executed()),
            None => Ok(()),
        }
    }

    /// An item that was lent, or lent on, while it was lent: nobody renews in this week.
    fn told_twice(&self) -> Option<String> {
        let ils = self.house.ils.ils();
        let deeds = ils.journal().deeds();
        (0..ITEMS).map(item).find(|item| {
            let own = deeds.iter().filter_map(|deed| match deed {
                Deed::Checkout { item: it, .. } | Deed::Renew { item: it, .. } => {
                    (it == item).then_some(true)
                }
                Deed::Checkin { item: it, .. } => (it == item).then_some(false),
                Deed::Block { .. } | Deed::FeePaid { .. } => None,
            });
            let own: Vec<bool> = own.collect();
            own.windows(2).any(|two| two == [true, true])
        })
    }

    async fn end(mut self) {
        for (desk, _) in &mut self.desks {
            desk.stop().await.unwrap();
        }
        for bus in &mut self.buses {
            bus.stop().await;
        }
        self.house.ils.stop().await;
        self.house.library.stop().await.unwrap();
    }
}

fn now() -> Option<SipDate> {
    Some(SipDate::utc(jiff::Timestamp::now()))
}
