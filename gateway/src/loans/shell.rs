//! The task that drives the desk: takes in the ledger, keeps what the desk says to keep before
//! anything else is done, asks and orders over the one connection, and applies rulings that are
//! due. If something cannot be kept, the desk is forgotten and begun anew from its rows.

mod line;

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroize as _;

use super::keeper::Kept;
use super::link::{IlsLink, LinkError};
use super::{LinkReport, LinkWord, Loans};
use crate::desk::{Answer, Desk, Effect, Failure, LoanFact, Words, Work};
use crate::entry::{Entry, EntryNumber, TimeQuality};
use crate::ledger::{Head, LedgerError, LedgerReader};
use crate::store::loans as rows;
use line::Unanswered;

/// Entries taken in with one transaction.
const ENTRIES_MAX: usize = 500;

/// Rows recalled at a start; the others follow as these are done.
const ROWS_MAX: usize = 10_000;

/// After something could not be kept.
const BEGIN_AGAIN: Duration = Duration::from_secs(2);

/// The longest the shell sleeps: a clock that is set must not keep it asleep.
const SLEEP_MAX: Duration = Duration::from_secs(30);

/// The desk with what it needs to work.
struct Shell {
    loans: Loans,
    desk: Desk,
    /// The last entry that was taken in, and the last of which that is on disk.
    heard: EntryNumber,
    saved: EntryNumber,
    is_paused: bool,
    /// There may be rows that are moving and not recalled.
    has_more_rows: bool,
    link: Option<IlsLink>,
    /// Before this it is not dialled again.
    dial_at: Instant,
    failures: u32,
    /// What the library system's words may name of the reader it was last asked about.
    private: Vec<String>,
    kept: Kept,
    next_ruling: Option<Timestamp>,
}

impl Loans {
    /// Runs the desk until cancelled.
    pub async fn run(self, head: watch::Receiver<Head>, cancel: CancellationToken) {
        loop {
            let ended = match Shell::open(&self).await {
                Ok(mut shell) => {
                    let run = shell.run(head.clone(), &cancel);
                    tokio::select! {
                        ended = run => ended,
                        () = cancel.cancelled() => Ok(()),
                    }
                }
                Err(error) => Err(error),
            };
            match ended {
                Ok(()) => return,
                Err(error) => {
                    tracing::error!(%error, "the loan desk reads its rows again and goes on from there");
                    self.report(LinkWord::Down, None);
                }
            }
            tokio::select! {
                () = tokio::time::sleep(BEGIN_AGAIN) => {}
                () = cancel.cancelled() => return,
            }
        }
    }

    pub(super) fn report(&self, state: LinkWord, problem: Option<String>) {
        let (is_configured, now) = (self.0.section.ils.host.is_some(), self.now());
        let state = match is_configured {
            true => state,
            false => LinkWord::None,
        };
        self.0.link.send_if_modified(|known| {
            if known.state == state && known.problem == problem {
                return false;
            }
            let since = match known.state == state {
                true => known.since,
                false => now,
            };
            *known = LinkReport {
                state,
                since,
                problem,
            };
            true
        });
    }
}

impl Shell {
    async fn open(loans: &Loans) -> Result<Self, LedgerError> {
        let loans = loans.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let (desk, heard, is_paused, has_more_rows) = loans.0.store.read(|connection| {
                let abilities = loans.abilities(connection)?;
                let mut desk = Desk::new(loans.profile(), loans.policy(), abilities);
                let records = match loans.0.section.ils.host {
                    Some(_) => rows::moving(connection, ROWS_MAX)?,
                    None => Vec::new(),
                };
                let has_more_rows = records.len() == ROWS_MAX;
                records.into_iter().for_each(|record| desk.recall(record));
                let is_paused = rows::is_paused(connection)?;
                Ok((desk, rows::heard(connection)?, is_paused, has_more_rows))
            })?;
            Ok::<_, LedgerError>(Self {
                loans,
                desk,
                heard,
                saved: heard,
                is_paused,
                has_more_rows,
                link: None,
                dial_at: Instant::now(),
                failures: 0,
                private: Vec::new(),
                kept: Kept::default(),
                next_ruling: None,
            })
        });
        let mut shell: Self = reading.await.map_err(|_| stopping())??;
        shell.desk.handle_work(shell.work());
        Ok(shell)
    }

    async fn run(
        &mut self,
        mut head: watch::Receiver<Head>,
        cancel: &CancellationToken,
    ) -> Result<(), LedgerError> {
        let loans = self.loans.clone();
        loop {
            let woken = loans.0.wake.notified();
            head.borrow_and_update();
            while self.take_in().await? {}
            self.heed_staff().await?;
            self.dial().await;
            self.perform().await?;
            self.recall_more().await?;
            self.tidy().await;
            let sleep = self.sleep();
            tokio::select! {
                changed = head.changed() => if changed.is_err() { return Ok(()) },
                () = woken => {}
                () = tokio::time::sleep(sleep) => {}
                () = cancel.cancelled() => return Ok(()),
            }
        }
    }

    /// Takes in entries of the ledger; says whether there may be more.
    async fn take_in(&mut self) -> Result<bool, LedgerError> {
        let (store, heard) = (self.loans.0.store.clone(), self.heard);
        let reading = tokio::task::spawn_blocking(move || store.entries_after(heard, ENTRIES_MAX));
        let entries = reading.await.map_err(|_| stopping())??;
        let Some(last) = entries.last().map(|entry| entry.number) else {
            return Ok(false);
        };
        let is_whole = entries.len() == ENTRIES_MAX;
        let concerned = |entry: &Entry| {
            let counted = entry.verdict.counted();
            counted.is_some_and(|(event, _)| rows::is_of_an_item(event.fact()))
        };
        self.heard = last;
        if !entries.iter().any(concerned) {
            self.pass_over(last).await?;
            return Ok(is_whole);
        }
        self.saved = last;
        let loans = self.loans.clone();
        self.with_desk(move |desk, tx| {
            let mut kept = Kept::default();
            for entry in entries.iter().filter(|entry| concerned(entry)) {
                let not_before = match entry.verdict.counted() {
                    Some((_, time)) if time.quality == TimeQuality::Unknown => {
                        rows::dated_before(tx, entry)?
                    }
                    Some(_) | None => None,
                };
                let Some(fact) = LoanFact::of_entry(entry, not_before, &loans.0.zone) else {
                    continue;
                };
                recall(desk, tx, &fact.item)?;
                desk.handle_fact(fact, loans.now());
                kept = kept.and(loans.keep_all(desk, tx)?);
            }
            rows::set_heard(tx, last)?;
            Ok(kept)
        })
        .await?;
        Ok(is_whole)
    }

    /// Of visits little is written: some are looked through again after a restart.
    async fn pass_over(&mut self, last: EntryNumber) -> Result<(), LedgerError> {
        let passed = usize::try_from(last.0 - self.saved.0).unwrap_or(0);
        if passed >= ENTRIES_MAX {
            let store = &self.loans.0.store;
            store.decide(move |tx| rows::set_heard(tx, last)).await?;
            self.saved = last;
        }
        Ok(())
    }

    /// Heeds a pause, and applies the rulings that are due.
    async fn heed_staff(&mut self) -> Result<(), LedgerError> {
        let (store, now) = (self.loans.0.store.clone(), self.loans.now());
        let reading = tokio::task::spawn_blocking(move || {
            store.read(|connection| {
                let is_probe_wanted = rows::is_probe_wanted(connection)?;
                let is_paused = rows::is_paused(connection)?;
                Ok((is_paused, is_probe_wanted, rows::rulings(connection)?))
            })
        });
        let (is_paused, is_probe_wanted, rulings) = reading.await.map_err(|_| stopping())??;
        if is_probe_wanted {
            let loans = self.loans.clone();
            self.with_desk(move |desk, tx| {
                desk.handle_other_answers();
                rows::probe_heeded(tx)?;
                loans.keep_all(desk, tx)
            })
            .await?;
        }
        if is_paused != self.is_paused {
            self.is_paused = is_paused;
            self.desk.handle_work(self.work());
        }
        let next = rulings.iter().find(|row| !row.is_due(now));
        self.next_ruling = next.map(|row| row.due);
        for row in rulings.into_iter().filter(|row| row.is_due(now)) {
            let loans = self.loans.clone();
            self.with_desk(move |desk, tx| {
                let Some(row) = rows::take_ruling(tx, row.fact)? else {
                    return Ok(Kept::default());
                };
                recall(desk, tx, &row.item)?;
                loans.apply_ruling(desk, tx, &row)?;
                loans.keep_all(desk, tx)
            })
            .await?;
        }
        Ok(())
    }

    /// Does what the desk says until it says nothing more.
    async fn perform(&mut self) -> Result<(), LedgerError> {
        while let Some(effect) = self.desk.next_effect(self.loans.now()) {
            match effect {
                Effect::Keep(keep) => {
                    let loans = self.loans.clone();
                    let keeping = self.loans.0.store.decide(move |tx| loans.keep(tx, &keep));
                    self.kept = self.kept.and(keeping.await?);
                }
                Effect::KeepAbilities(abilities) => {
                    let loans = self.loans.clone();
                    let keep =
                        move |tx: &rusqlite::Transaction<'_>| loans.keep_abilities(tx, &abilities);
                    self.loans.0.store.decide(keep).await?;
                }
                Effect::Ask(question) => {
                    let answered = self.ask(&question).await;
                    self.answered(question.request, answered.map(Answer::Seen))?;
                }
                Effect::Do(order) => {
                    let answered = self.order(&order).await;
                    self.answered(order.request, answered.map(Answer::Told))?;
                }
            }
        }
        // Whom the last words were about is needed no longer.
        self.private.zeroize();
        Ok(())
    }

    fn answered(
        &mut self,
        request: crate::desk::RequestNumber,
        answered: Result<Answer, Unanswered>,
    ) -> Result<(), LedgerError> {
        let now = self.loans.now();
        match answered {
            Ok(answer) => self.desk.handle_answer(request, answer, now),
            Err(Unanswered::NoReader) => self.desk.handle_answer(request, Answer::NoReader, now),
            Err(Unanswered::Link(error)) => {
                let failure = Failure {
                    kind: error.kind(),
                    words: Words::new(&line::told(&error)),
                };
                let answer = Answer::Failed(failure);
                self.desk.handle_answer(request, answer, now);
                // What could not be written has not touched the line.
                if !matches!(error, LinkError::NotWritten(_)) {
                    self.hang_up(&error);
                }
            }
            Err(Unanswered::Ledger(error)) => return Err(error),
        }
        Ok(())
    }

    async fn recall_more(&mut self) -> Result<(), LedgerError> {
        if !self.has_more_rows || self.desk.items() > ROWS_MAX / 2 {
            return Ok(());
        }
        let store = self.loans.0.store.clone();
        let reading = tokio::task::spawn_blocking(move || {
            store.read(|connection| rows::moving(connection, ROWS_MAX))
        });
        let records = reading.await.map_err(|_| stopping())??;
        self.has_more_rows = records.len() == ROWS_MAX;
        for record in records {
            if self.desk.has_room() {
                self.desk.recall(record);
            }
        }
        Ok(())
    }

    /// Tells devices what is disputed, and empties the log of erased readers.
    async fn tidy(&mut self) {
        self.loans.tidy(std::mem::take(&mut self.kept)).await;
    }

    /// Lends the desk to a transaction on the writer's thread; what it says to keep is kept in it.
    async fn with_desk(
        &mut self,
        f: impl FnOnce(&mut Desk, &rusqlite::Transaction<'_>) -> Result<Kept, LedgerError>
        + Send
        + 'static,
    ) -> Result<(), LedgerError> {
        let empty = Desk::new(
            self.loans.profile(),
            self.loans.policy(),
            self.desk.abilities(),
        );
        let mut desk = std::mem::replace(&mut self.desk, empty);
        let work = self.work();
        let lent = self.loans.0.store.decide(move |tx| {
            // Nothing is asked or done in here.
            desk.handle_work(Work::Paused);
            let kept = f(&mut desk, tx)?;
            desk.handle_work(work);
            Ok((desk, kept))
        });
        let (desk, kept) = lent.await?;
        // Nobody to tell: what waits are rows, which an export changes, and need no memory.
        if self.loans.0.section.ils.host.is_some() {
            self.desk = desk;
        }
        self.kept = self.kept.and(kept);
        Ok(())
    }

    fn work(&self) -> Work {
        match self.is_paused {
            true => Work::Paused,
            false => Work::Going,
        }
    }

    /// How long there is nothing to do.
    fn sleep(&self) -> Duration {
        let now = self.loans.now();
        let until = |at: Timestamp| Duration::try_from(at.duration_since(now)).unwrap_or_default();
        let section = &self.loans.0.section.ils;
        let line = match (&self.link, &section.host) {
            (_, None) => None,
            (Some(link), Some(_)) => Some(link.used + section.keep_alive),
            (None, Some(_)) if self.is_paused => None,
            (None, Some(_)) => Some(self.dial_at),
        };
        let line = line.map(|at| at.saturating_duration_since(Instant::now()));
        let next = [
            self.desk.next_wake().map(until),
            self.next_ruling.map(until),
            line,
        ];
        let next = next.into_iter().flatten().min();
        next.unwrap_or(SLEEP_MAX).min(SLEEP_MAX)
    }
}

impl Loans {
    /// Keeps everything the desk says to keep; it is not asked for anything else.
    pub(super) fn keep_all(
        &self,
        desk: &mut Desk,
        tx: &rusqlite::Transaction<'_>,
    ) -> Result<Kept, LedgerError> {
        let mut kept = Kept::default();
        while let Some(effect) = desk.next_effect(self.now()) {
            match effect {
                Effect::Keep(keep) => kept = kept.and(self.keep(tx, &keep)?),
                Effect::KeepAbilities(abilities) => self.keep_abilities(tx, &abilities)?,
                // A paused desk asks and does nothing.
                Effect::Ask(_) | Effect::Do(_) => {}
            }
        }
        Ok(kept)
    }
}

fn recall(
    desk: &mut Desk,
    tx: &rusqlite::Transaction<'_>,
    item: &lujiang_wire::Label,
) -> Result<(), LedgerError> {
    if !desk.holds(item)
        && let Some(record) = rows::item(tx, item)?
    {
        desk.recall(record);
    }
    Ok(())
}

fn stopping() -> LedgerError {
    LedgerError::Database("the gateway is stopping".to_owned())
}
