//! Who stands at the desk: the one task that owns it. What is asked of it, by pages and by the
//! scanner on its line, is done one after the other in the order it came; each answer is given
//! when its facts are on disk. Whoever goes away meanwhile changes nothing of that.

mod blocks;
mod session;

use std::sync::Arc;
use std::time::Duration;

use lujiang_config::BusDeskSection;
use lujiang_wire::{Clock, Label, LoanKind, StopClosed, StopOpened};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::block::{BlockAsked, Blocks, Draft, DraftId, ItemUndone, Receipt};
use super::desk::{Desk, LineId, Order, Outcome, Settings};
use super::plans::Plans;
use super::scan::{Code, Command, Scan};
use super::shown::{LinkShown, ReaderShown, Shown, Strip};
use crate::lending::{BlockRefused, Lending, Loan, ReaderCard, Refused, Return, Waiting};
use crate::status::Link;
pub(super) use session::new_name;

/// How many may wait to be served; more wait before that. A desk has one scanner and one page.
const ASKED_MAX: usize = 64;

/// How often it looks at the clock: for readers who left, and for the clock of the page.
const TICK: Duration = Duration::from_secs(1);

/// What is asked of the desk.
#[derive(Debug)]
pub(super) enum Ask {
    /// A scan as it came; answered when it is done.
    Scan(String, oneshot::Sender<()>),
    /// A key.
    Command(Command, oneshot::Sender<()>),
    /// That one line is undone.
    Undo(LineId, oneshot::Sender<()>),
    /// That a stop begins.
    Open(StopOpened, oneshot::Sender<Result<(), Refused>>),
    /// That it ends.
    Close(StopClosed, oneshot::Sender<Result<(), Refused>>),
    /// That a list is looked at.
    Check(Box<BlockAsked>, oneshot::Sender<DraftId>),
    /// A list that was looked at.
    Draft(DraftId, oneshot::Sender<Option<Draft>>),
    /// That a list is done.
    Confirm(DraftId, oneshot::Sender<Confirmed>),
    /// The receipt of a block.
    Receipt(Label, oneshot::Sender<Option<Receipt>>),
    /// That one item of a block is undone, by its barcode as read.
    UndoItem(Label, String, oneshot::Sender<ItemUndone>),
}

/// What came of a confirmation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Confirmed {
    /// It is written, now or before.
    Done(Label),
    /// It is not; the list says why.
    Refused(DraftId),
    /// There is no such list any more.
    Gone,
}

/// The task.
pub(super) struct Attendant {
    desk: Desk,
    blocks: Blocks,
    plans: Plans,
    lending: Lending,
    clock: Arc<dyn Clock>,
    /// The session of the reader at the desk, and which visit it belongs to.
    session: (u64, Label),
    /// How many facts waited when there was no room for another loan.
    full_at: Option<u64>,
    asked: mpsc::Receiver<Ask>,
    shown: watch::Sender<Arc<Shown>>,
}

/// How the desk is asked.
#[derive(Debug, Clone)]
pub(super) struct Counter {
    asks: mpsc::Sender<Ask>,
    shown: watch::Receiver<Arc<Shown>>,
}

impl Counter {
    /// Asks, and waits for the answer; none where the desk has closed.
    pub(super) async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.asks.send(ask(answer)).await.ok()?;
        answered.await.ok()
    }

    /// The desk as it is now.
    pub(super) fn shown(&self) -> Arc<Shown> {
        self.shown.borrow().clone()
    }

    /// Moves whenever a page would look otherwise.
    pub(super) fn changes(&self) -> watch::Receiver<Arc<Shown>> {
        self.shown.clone()
    }
}

impl Attendant {
    /// Opens the desk, at the stop that was open when the agent ended.
    pub(super) async fn new(
        section: &BusDeskSection,
        plans: Plans,
        lending: Lending,
        clock: Arc<dyn Clock>,
    ) -> (Self, Counter) {
        let settings = Settings {
            reader_idle: section.reader_idle,
            repeat_within: section.repeat_within,
        };
        let mut desk = Desk::new(settings, clock.uptime());
        if let Some(stop) = lending.stop() {
            desk.resume(lending.undoable_at(&stop.opened.stop));
        }
        let (asks, asked) = mpsc::channel(ASKED_MAX);
        let first = Arc::new(seen(
            &desk,
            &plans,
            &lending,
            clock.as_ref(),
            Waiting::default(),
            None,
        ));
        let (shown, seen) = watch::channel(first);
        let mut attendant = Self {
            session: (desk.visit(), new_name("bus-")),
            desk,
            blocks: Blocks::default(),
            plans,
            lending,
            clock,
            full_at: None,
            asked,
            shown,
        };
        attendant.publish().await;
        (attendant, Counter { asks, shown: seen })
    }

    /// Serves until the agent ends; what was begun is finished.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut changes = self.lending.changes();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                ask = self.asked.recv() => match ask {
                    Some(ask) => self.serve(ask).await,
                    None => return,
                },
                _ = tick.tick() => {
                    self.desk.tick(self.clock.uptime());
                    self.publish().await;
                }
                // The lending lives as long as we hold it.
                Ok(()) = changes.changed() => self.publish().await,
            }
        }
    }

    /// Does what is asked. Who asked may be gone: then the answer is dropped, and what was done
    /// stays done.
    async fn serve(&mut self, ask: Ask) {
        match ask {
            Ask::Scan(text, answer) => {
                if let Some(scan) = Scan::read(&text) {
                    let order = self.desk.scan(scan, self.clock.uptime());
                    self.carry_out(order).await;
                }
                self.publish().await;
                let _ = answer.send(());
            }
            Ask::Command(command, answer) => {
                let scan = Scan::Command(command);
                let order = self.desk.scan(scan, self.clock.uptime());
                self.carry_out(order).await;
                self.publish().await;
                let _ = answer.send(());
            }
            Ask::Undo(line, answer) => {
                let order = self.desk.undo(line, self.clock.uptime());
                self.carry_out(order).await;
                self.publish().await;
                let _ = answer.send(());
            }
            Ask::Open(stop, answer) => {
                let opened = self.open_stop(stop).await;
                self.note_room(&opened);
                self.publish().await;
                let _ = answer.send(opened);
            }
            Ask::Close(stop, answer) => {
                let closed = self.lending.close_stop(stop).await.map(|_| ());
                self.note_room(&closed);
                if closed.is_ok() {
                    self.desk.end_stop();
                }
                self.publish().await;
                let _ = answer.send(closed);
            }
            Ask::Check(asked, answer) => {
                let _ = answer.send(self.check(*asked));
            }
            Ask::Draft(id, answer) => {
                let _ = answer.send(self.blocks.draft(id).cloned());
            }
            Ask::Confirm(id, answer) => {
                let confirmed = self.confirm(id).await;
                self.publish().await;
                let _ = answer.send(confirmed);
            }
            Ask::Receipt(block, answer) => {
                let _ = answer.send(self.receipt(&block));
            }
            Ask::UndoItem(block, code, answer) => {
                let undone = self.undo_item(&block, &code).await;
                self.publish().await;
                let _ = answer.send(undone);
            }
        }
    }

    /// Opens a stop. Its fact is on disk before its name is noted as used: after a power cut in
    /// between, the open stop itself tells.
    async fn open_stop(&mut self, stop: StopOpened) -> Result<(), Refused> {
        let name = stop.stop.clone();
        self.lending.open_stop(stop).await?;
        self.desk.end_stop();
        if let Err(error) = self.plans.opened(name).await {
            tracing::warn!(%error, "which stops were opened is not kept");
        }
        Ok(())
    }

    async fn carry_out(&mut self, order: Option<Order>) {
        let Some(order) = order else { return };
        let outcome = match &order {
            Order::Admit(code) => self.admit(code),
            Order::Lend(reader, code) => self.lend(LoanKind::Checkout, reader, code).await,
            Order::Renew(reader, code) => self.lend(LoanKind::Renew, reader, code).await,
            Order::TakeBack(code) => self.take_back(code).await,
            Order::Undo(_, fact) => {
                let undone = self.lending.undo(fact).await;
                undone.map(|_| Outcome::Undone)
            }
        };
        match &outcome {
            // A card that is looked at writes nothing.
            Ok(Outcome::Admitted(_)) => {}
            Ok(Outcome::Written { .. } | Outcome::Undone) | Err(_) => self.note_room(&outcome),
        }
        self.desk.answer(order, outcome);
    }

    fn admit(&self, code: &Code) -> Result<Outcome, Refused> {
        let reader = self.lending.validate_reader(code.reveal())?;
        self.lending.may_borrow(&reader)?;
        Ok(Outcome::Admitted(reader))
    }

    async fn lend(
        &mut self,
        kind: LoanKind,
        reader: &ReaderCard,
        code: &Code,
    ) -> Result<Outcome, Refused> {
        let item = self.lending.validate_item(code.reveal())?;
        let loan = Loan {
            reader: reader.clone(),
            item: item.clone(),
            session: self.session(),
            stop: Some(self.stop()?),
            block: None,
        };
        let lent = match kind {
            LoanKind::Renew => self.lending.renew(loan).await?,
            LoanKind::Checkout | LoanKind::Checkin => self.lending.lend(loan).await?,
        };
        Ok(Outcome::Written {
            fact: lent.fact,
            item: item.label().clone(),
            due: Some(lent.due),
        })
    }

    async fn take_back(&mut self, code: &Code) -> Result<Outcome, Refused> {
        let item = self.lending.validate_item(code.reveal())?;
        let back = Return {
            item: item.clone(),
            session: self.session(),
            stop: Some(self.stop()?),
            block: None,
            cancels: None,
        };
        let taken = self.lending.take_back(back).await?;
        Ok(Outcome::Written {
            fact: taken.fact,
            item: item.label().clone(),
            due: None,
        })
    }

    fn stop(&self) -> Result<Label, Refused> {
        let stop = self.lending.stop().ok_or(Refused::NoStopOpen)?;
        Ok(stop.opened.stop)
    }

    /// The session of who is at the desk: a new name for each who comes.
    fn session(&mut self) -> Label {
        let visit = self.desk.visit();
        if self.session.0 != visit {
            self.session = (visit, new_name("bus-"));
        }
        self.session.1.clone()
    }

    /// Notes whether there is room for loans, by what came of writing a fact. There is again once
    /// one was written, or fewer wait.
    fn note_room<T>(&mut self, written: &Result<T, Refused>) {
        match written {
            Err(Refused::NoRoom) => self.full_at = Some(self.shown.borrow().strip.waiting),
            Ok(_) => self.full_at = None,
            Err(_) => {}
        }
    }

    async fn publish(&mut self) {
        let waiting = self.lending.waiting().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the desk does not know what waits");
            Waiting::default()
        });
        if self.full_at.is_some_and(|at| waiting.facts < at) {
            self.full_at = None;
        }
        let now = seen(
            &self.desk,
            &self.plans,
            &self.lending,
            self.clock.as_ref(),
            waiting,
            self.full_at,
        );
        self.shown.send_if_modified(|shown| {
            let is_new = **shown != now;
            if is_new {
                *shown = Arc::new(now);
            }
            is_new
        });
    }
}

/// What pages show.
fn seen(
    desk: &Desk,
    plans: &Plans,
    lending: &Lending,
    clock: &dyn Clock,
    waiting: Waiting,
    full_at: Option<u64>,
) -> Shown {
    let link = lending.link();
    let estimate = waiting.estimate;
    let link_shown = match (full_at, link.link) {
        (Some(_), _) => LinkShown::Full,
        (None, Link::Online) if waiting.facts > 0 => LinkShown::CatchingUp { left: estimate },
        (None, Link::Online) => LinkShown::Online,
        (None, Link::Idle | Link::Connecting | Link::Measuring) => LinkShown::Offline,
        (None, Link::Down { .. } | Link::Stopped) => LinkShown::Offline,
    };
    // To the minute, as it is shown: a page is not made anew each second.
    let minutes = |span: Duration| Duration::from_secs(span.as_secs() / 60 * 60);
    Shown {
        stop: lending.stop(),
        planned: plans.left(lending.stops()),
        work: desk.work(),
        reader: desk.reader().map(|reader| ReaderShown {
            tail: tail(reader),
            left: lending.items_left(reader),
        }),
        lines: desk.visible_lines().cloned().collect(),
        said: desk.said().clone(),
        turn: desk.turn(),
        is_repeated: desk.is_repeated(),
        strip: Strip {
            link: link_shown,
            link_since: link.since,
            waiting: waiting.facts,
            oldest: waiting.oldest.map(minutes),
            last_sync: waiting.synchronisation,
            has_papers: lending.papers().is_some(),
            minute: clock.wall().as_second() / 60,
        },
        conflicts: lending.conflicts(),
    }
}

/// The last characters of a card.
fn tail(reader: &ReaderCard) -> String {
    reader.to_string().trim_start_matches('…').to_owned()
}

/// What is wrong with the whole of a list, where not with some of its items.
fn whole(refused: BlockRefused) -> Refused {
    match refused {
        BlockRefused::Whole(refused) => refused,
        BlockRefused::Items(items) => items.first().map_or(Refused::Failed, |(_, why)| *why),
    }
}
