//! What the agent's relay costs a patron: a self-checkout's answer through it, and straight from
//! the library system. Both are asked in turns, so that what else the machine does meets both.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use lujiang_sip2::{
    Checkin, Checkout, ItemInformation, Private, Profile, Request, Response, SipDate,
};
use serde::Serialize;
use serde_json::json;

use super::Scale;
use super::table::{median, milliseconds, print};
use crate::ils::{Habits, Ils, IlsHandle, Kind};
use crate::machine::Machine;
use crate::self_checkout::SelfCheckout;
use crate::site::Library;

/// Answers that are not measured: connections, caches, the first pages of the outbox.
const WARM_UP: usize = 20;

/// The relay answers in its own name within three seconds. So much later than the library system it
/// would have cut in: such a run measures something else.
const TOO_LATE: Duration = Duration::from_millis(2_900);

/// Figures of one kind of request, in milliseconds.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// What is asked.
    pub request: &'static str,
    /// Answers of each way.
    pub answers: usize,
    /// The median, asking the library system.
    pub straight_p50_ms: f64,
    /// The median through the relay.
    pub relayed_p50_ms: f64,
    /// The median of what the relay adds to the answer asked for just before or after.
    pub more_p50_ms: f64,
    /// The 99th percentile of that.
    pub more_p99_ms: f64,
}

/// One way to the library system, with a patron and an item of its own.
struct Way {
    machine: Machine,
    patron: &'static str,
    item: &'static str,
}

/// The parts of a measurement.
struct Stage {
    library: Library,
    ils: IlsHandle,
    desk: SelfCheckout,
    straight: Way,
    relayed: Way,
}

/// A request of one way.
type Ask = fn(&Way) -> Request;

/// What is asked in turn: nothing happens, an item goes out, it comes back.
const ASKED: [(&str, Ask); 3] = [
    ("17 item information", Way::about),
    ("11 checkout", Way::out),
    ("09 checkin", Way::back),
];

/// Measures and prints.
///
/// # Errors
/// Where a part fails, or an answer is a refusal.
pub async fn measure(scale: &Scale) -> anyhow::Result<Vec<Figures>> {
    let answers = if scale.is_quick { 20 } else { 1_000 };
    let mut stage = Stage::set(scale).await?;
    let mut times = [const { Vec::new() }; ASKED.len()];
    for round in 0..WARM_UP + answers {
        for ((_, ask), times) in ASKED.iter().zip(&mut times) {
            let pair = stage.pair(*ask, round % 2 == 0).await?;
            if round >= WARM_UP {
                times.push(pair);
            }
        }
    }
    stage.end().await?;
    let figures = ASKED
        .iter()
        .zip(times)
        .map(|((request, _), times)| figures(request, &times));
    let figures: Vec<_> = figures.collect();
    show(&figures)?;
    Ok(figures)
}

impl Stage {
    async fn set(scale: &Scale) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program's path")?;
        let mut library = Library::in_folder(&scale.folder, &scale.folder.join("data"))?;
        library.run_as(program.clone());
        library.start().await?;
        let body = json!({"id": "desk-1", "kind": "self-checkout", "site": "main"});
        let issued = library.post("/api/v1/devices", &body).await?;
        let issued = serde_json::from_value(issued).context("a new device")?;
        let ils = Ils::stocked(Habits::of(Kind::Koha), 2, 2);
        let ils = IlsHandle::start(ils, Profile::default()).await?;
        let mut desk = SelfCheckout::registered(&library, &issued, ils.addr, "[lending]")?;
        desk.run_as(program, "agent");
        desk.start()?;
        let straight = Machine::connect(ils.addr, Profile::default()).await?;
        let relayed = desk.machine(Profile::default()).await?;
        desk.is_served(true).await?;
        Ok(Self {
            library,
            ils,
            desk,
            straight: Way {
                machine: straight,
                patron: "R0001",
                item: "B00001",
            },
            relayed: Way {
                machine: relayed,
                patron: "R0002",
                item: "B00002",
            },
        })
    }

    /// How long an answer takes straight, and relayed. Who is second finds the caches warm: the
    /// two take turns in that, too.
    async fn pair(
        &mut self,
        ask: Ask,
        is_straight_first: bool,
    ) -> anyhow::Result<(Duration, Duration)> {
        if is_straight_first {
            let straight = self.straight.time(ask).await?;
            return Ok((straight, self.relayed.time(ask).await?));
        }
        let relayed = self.relayed.time(ask).await?;
        Ok((self.straight.time(ask).await?, relayed))
    }

    async fn end(mut self) -> anyhow::Result<()> {
        self.desk.stop().await?;
        self.ils.stop().await;
        self.library.stop().await
    }
}

impl Way {
    /// How long the answer to this takes; it has to be a good one.
    async fn time(&mut self, request: Ask) -> anyhow::Result<Duration> {
        let request = request(self);
        let asked = Instant::now();
        let answer = self.machine.ask(request).await?;
        let time = asked.elapsed();
        let is_good = match &answer {
            Response::Checkout(answer) => answer.ok,
            Response::Checkin(answer) => answer.ok,
            Response::ItemInformation(answer) => !answer.title_identifier.is_empty(),
            _ => false,
        };
        ensure!(is_good, "answered {answer:?}");
        ensure!(time < TOO_LATE, "answered after {time:?}");
        Ok(time)
    }

    fn about(&self) -> Request {
        let item_identifier = self.item.to_owned();
        ItemInformation {
            item_identifier,
            ..ItemInformation::default()
        }
        .into()
    }

    fn out(&self) -> Request {
        Checkout {
            transaction_date: now(),
            patron_identifier: Private::new(self.patron),
            item_identifier: self.item.to_owned(),
            ..Checkout::default()
        }
        .into()
    }

    fn back(&self) -> Request {
        Checkin {
            transaction_date: now(),
            return_date: now(),
            item_identifier: self.item.to_owned(),
            ..Checkin::default()
        }
        .into()
    }
}

fn now() -> Option<SipDate> {
    Some(SipDate::utc(jiff::Timestamp::now()))
}

/// What pairs of times, straight and relayed, come to.
fn figures(request: &'static str, times: &[(Duration, Duration)]) -> Figures {
    let of =
        |one: fn(&(Duration, Duration)) -> f64| -> Vec<f64> { times.iter().map(one).collect() };
    let mut more = of(|(straight, relayed)| milliseconds(*relayed) - milliseconds(*straight));
    more.sort_by(f64::total_cmp);
    Figures {
        request,
        answers: times.len(),
        straight_p50_ms: median(of(|times| milliseconds(times.0))),
        relayed_p50_ms: median(of(|times| milliseconds(times.1))),
        more_p50_ms: more[more.len() / 2],
        more_p99_ms: more[more.len() * 99 / 100],
    }
}

fn show(figures: &[Figures]) -> anyhow::Result<()> {
    let head = [
        "",
        "answers",
        "straight p50 ms",
        "relayed p50 ms",
        "more p50 ms",
        "more p99 ms",
    ];
    let row = |of: &Figures| {
        let times = [
            of.straight_p50_ms,
            of.relayed_p50_ms,
            of.more_p50_ms,
            of.more_p99_ms,
        ];
        let times = times.map(|time| format!("{time:.2}"));
        [
            vec![of.request.to_owned(), of.answers.to_string()],
            times.to_vec(),
        ]
        .concat()
    };
    print(&head, &figures.iter().map(row).collect::<Vec<_>>())
}
