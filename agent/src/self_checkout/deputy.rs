//! Decides in the library system's place, by the rules of lending, and writes down what it decided
//! itself. What a machine is told is on disk before it is told.

use std::sync::{Mutex, MutexGuard, PoisonError};

use lujiang_config::Offline;
use lujiang_sip2::{FeePaid, Private, Profile, Request, Response, SipDate, may_be_identity};
use lujiang_wire::{
    EventId, Label, LoanCancelled, LoanFailed, LoanKind, Mode, Outcome, PaymentUnresolved,
};

use super::account::{Account, LoanAccount, outcome};
use super::asked::reader_of;
use super::card_rule::CardRule;
use super::effect::{Decided, Inquiry, Why};
use super::screen::Words;
use super::substitute::{Substitute, Verdict};
use crate::lending::{
    Barcode, Card, Lending, Loan, OnlineLoan, Reach, ReaderCard, Refused, Return, Written,
};

/// Who decides for one machine.
pub(super) struct Deputy {
    lending: Lending,
    substitute: Substitute,
    card: Option<CardRule>,
    /// What was last decided here, for a machine that cancels it.
    last: Mutex<Option<(Barcode, EventId)>>,
    /// What the library system last granted here, or may have, for the same.
    last_online: Mutex<Option<(Label, LoanFailed)>>,
}

impl Deputy {
    pub(super) fn new(lending: Lending, substitute: Substitute, card: Option<CardRule>) -> Self {
        Self {
            lending,
            substitute,
            card,
            last: Mutex::default(),
            last_online: Mutex::default(),
        }
    }

    /// How far what happened here to an item can have got.
    pub(super) async fn reach(&self, item: &str) -> Option<Reach> {
        match self.lending.reach(item).await {
            Ok(reach) => reach,
            Err(error) => {
                tracing::warn!(%error, "what waits for the gateway cannot be read");
                None
            }
        }
    }

    /// Whether an item was lent here and is not back, as far as is known here.
    pub(super) fn has_lent(&self, item: &str) -> bool {
        let item = self.lending.validate_item(item);
        item.is_ok_and(|item| self.lending.due_here(&item).is_some())
    }

    /// What of a line a log may show.
    pub(super) fn shown(&self, profile: &Profile, line: &[u8]) -> String {
        profile.redacted_knowing(line, &|value| self.may_name_reader(value))
    }

    /// Whether this may name a reader: it has the form of a card and not of an item, or so many
    /// digits that an identity card was misread, or read with something before it.
    fn may_name_reader(&self, read: &str) -> bool {
        match self.lending.validate_item(read) {
            Ok(_) => false,
            Err(refused) => refused == Refused::LooksLikeAReader || may_be_identity(read),
        }
    }

    /// The library system serves this machine from now on, or does not.
    pub(super) fn served(&self, machine: &str, serves: bool) {
        self.lending.served(machine, serves);
    }

    /// Decides, and says what the machine is told. Whatever happened is on disk by then.
    pub(super) async fn decide(&self, inquiry: Inquiry) -> Response {
        let verdict = match self.judge(&inquiry).await {
            Ok(verdict) => verdict,
            Err(refused) if inquiry.why == Why::Unsure => self.doubt(&inquiry, refused).await,
            Err(refused) => Verdict::No(Words::Refused(refused)),
        };
        self.note_card(&inquiry, &verdict).await;
        let now = self.lending.now();
        let date = SipDate::local(now.timestamp(), now.time_zone());
        self.substitute
            .answer(&inquiry.request, verdict, inquiry.language, date)
    }

    /// Writes down what the library system decided.
    ///
    /// # Errors
    /// Where the disk says no.
    pub(super) async fn record(&self, account: Account) -> Result<(), Refused> {
        match account {
            Account::Loan(loan) => self.record_loan(loan).await,
            Account::Card(card) => {
                let reader = card.reader.and_then(|reader| self.sealable(&reader));
                let card = Card {
                    mode: match reader {
                        Some(_) => Mode::Offline,
                        None => Mode::Online,
                    },
                    reader,
                    kind: card.kind,
                    session: card.session,
                    outcome: card.outcome,
                };
                self.lending.card_issued(card).await.map(drop)
            }
        }
    }

    async fn record_loan(&self, loan: LoanAccount) -> Result<(), Refused> {
        // A card that was held in place of an item would stand in the fact in clear. Nothing was
        // lent or taken back by it; where the library system says so, somebody has to look.
        if self.may_name_reader(&loan.item) {
            return match loan.outcome.ok {
                true => Err(Refused::LooksLikeAReader),
                false => Ok(()),
            };
        }
        let Ok(item) = loan.item.trim().parse::<Label>() else {
            return Ok(());
        };
        let cancels = match loan.is_cancel && loan.outcome.ok {
            true => Some(self.cancelled(&item).await),
            false => None,
        };
        let (is_cancel, granted) = (loan.is_cancel, loan.outcome.ok);
        let (kind, session) = (loan.kind, loan.session.clone());
        let written = self.lending.record_online(OnlineLoan {
            kind,
            item: item.clone(),
            due: loan.due,
            session: loan.session,
            outcome: loan.outcome,
            cancels,
        });
        let Written { fact, at } = written.await?;
        if granted {
            let granted = LoanFailed {
                fact,
                kind,
                at,
                session,
            };
            *self.last_online() = (!is_cancel).then_some((item, granted));
        }
        Ok(())
    }

    /// What failed at the machine, of what was last granted here of this item. What was decided
    /// here itself is undone: the library system has yet to hear of it, and need not.
    async fn cancelled(&self, item: &Label) -> LoanCancelled {
        if let Err(error) = self.cancel(item.as_str()).await
            && error != Refused::NotUndoable
        {
            tracing::warn!(%error, "what a machine cancels is not undone");
        }
        let last = self.last_online().take();
        LoanCancelled {
            failed: last.and_then(|(of, failed)| (of == *item).then_some(failed)),
        }
    }

    /// Undoes a loan that was decided here. One that the library system granted ends as any return
    /// that it has yet to hear of.
    async fn cancel_loan(&self, inquiry: &Inquiry, item: &str) -> Result<Verdict, Refused> {
        match self.cancel(item).await {
            Err(Refused::NotUndoable) => {}
            cancelled => return cancelled,
        }
        let item = self.lending.validate_item(item)?;
        let last = self.last_online().clone();
        let failed = last.and_then(|(of, failed)| (of == *item.label()).then_some(failed));
        let back = Return {
            cancels: Some(LoanCancelled { failed }),
            ..back(inquiry, item)
        };
        // It is not what was last decided here: to cancel it once more is not to undo it.
        self.lending.take_back(back).await?;
        *self.last_online() = None;
        Ok(Verdict::Back)
    }

    fn last_online(&self) -> MutexGuard<'_, Option<(Label, LoanFailed)>> {
        self.last_online
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn judge(&self, inquiry: &Inquiry) -> Result<Verdict, Refused> {
        let unsure = inquiry.why == Why::Unsure;
        if let Why::Decided(decided) = inquiry.why {
            return Ok(told_before(&inquiry.request, decided));
        }
        match &inquiry.request {
            Request::Checkout(asked) if asked.cancel == Some(true) => {
                self.cancel(&asked.item_identifier).await
            }
            Request::Checkin(asked) if asked.cancel == Some(true) => {
                self.cancel_loan(inquiry, &asked.item_identifier).await
            }
            Request::Checkout(asked) => {
                let loan = self.loan(inquiry, &asked.patron_identifier, &asked.item_identifier)?;
                self.lend(loan, unsure).await
            }
            // An ILS that has renewed it already would do so again; nobody is harmed by a "no".
            Request::Renew(_) if unsure => Err(Refused::NotRenewedOffline),
            Request::Renew(asked) => {
                let item = asked.item_identifier.as_deref().unwrap_or_default();
                let loan = self.loan(inquiry, &asked.patron_identifier, item)?;
                let item = loan.item.clone();
                let lent = self.lending.renew(loan).await?;
                self.remember(item, Some(lent.fact));
                Ok(Verdict::Lent(lent.due))
            }
            Request::Checkin(asked) => {
                let item = self.lending.validate_item(&asked.item_identifier)?;
                let back = back(inquiry, item.clone());
                let taken = self.lending.take_back(back).await?;
                // What the library system may have done as well is not undone by our word alone.
                self.remember(item, (!unsure).then_some(taken.fact));
                Ok(Verdict::Back)
            }
            Request::PatronStatus(asked) => self.reader(&asked.patron_identifier),
            Request::PatronInformation(asked) => self.reader(&asked.patron_identifier),
            Request::ItemInformation(asked) => {
                let item = self.lending.validate_item(&asked.item_identifier)?;
                Ok(Verdict::Item(self.lending.due_here(&item)))
            }
            Request::ScStatus(_) => Ok(Verdict::Status {
                lends: self.lends(),
            }),
            Request::Login(_) | Request::EndPatronSession(_) | Request::RequestAcsResend(_) => {
                Ok(Verdict::Fine)
            }
            Request::FeePaid(paid) if unsure => {
                self.doubt_payment(inquiry, paid).await;
                Ok(Verdict::No(Words::Unsure))
            }
            // The core leaves a vendor's own message unanswered.
            Request::FeePaid(_)
            | Request::Hold(_)
            | Request::Vendor(_)
            | Request::RenewAll(_)
            | Request::BlockPatron(_)
            | Request::PatronEnable(_)
            | Request::ItemStatusUpdate(_) => Ok(Verdict::No(if unsure {
                Words::Unsure
            } else {
                Words::NotNow
            })),
        }
    }

    fn lends(&self) -> bool {
        match self.lending.offline() {
            Offline::Checkin => false,
            Offline::CheckinAndCheckout => self.lending.papers().is_some(),
        }
    }

    fn reader(&self, identifier: &Private) -> Result<Verdict, Refused> {
        let reader = self.lending.validate_reader(identifier.reveal())?;
        self.lending.may_borrow(&reader)?;
        let out = self.lending.items_out(&reader);
        Ok(Verdict::Reader { out })
    }

    fn loan(&self, inquiry: &Inquiry, reader: &Private, item: &str) -> Result<Loan, Refused> {
        Ok(Loan {
            reader: self.lending.validate_reader(reader.reveal())?,
            item: self.lending.validate_item(item)?,
            session: inquiry.session.clone(),
            stop: None,
            block: None,
        })
    }

    async fn lend(&self, loan: Loan, unsure: bool) -> Result<Verdict, Refused> {
        let (reader, item, session) =
            (loan.reader.clone(), loan.item.clone(), loan.session.clone());
        let mut lent = self.lending.lend(loan.clone()).await;
        if matches!(lent, Err(Refused::ItemAlreadyLentHere)) {
            if self.reach(item.as_str()).await == Some(Reach::Here) {
                // The same reader asks for the same item once more: the answer was lost, with the
                // memory of it.
                let due = self.lending.due_for(&reader, &item);
                return due.map(Verdict::Lent).ok_or(Refused::ItemAlreadyLentHere);
            }
            // The gateway has long known of that loan, and the item lies here: it came back
            // elsewhere.
            self.lending.forget(&item).await?;
            lent = self.lending.lend(loan).await;
        }
        let lent = lent?;
        self.remember(item.clone(), (!unsure).then(|| lent.fact.clone()));
        if unsure {
            // The library system may have granted it: cancelled it ends as one that it did.
            let granted = LoanFailed {
                fact: lent.fact,
                kind: LoanKind::Checkout,
                at: lent.at,
                session,
            };
            *self.last_online() = Some((item.label().clone(), granted));
        }
        Ok(Verdict::Lent(lent.due))
    }

    /// Undoes what was last decided here, if it is that.
    async fn cancel(&self, item: &str) -> Result<Verdict, Refused> {
        let item = self.lending.validate_item(item)?;
        let last = self.last().clone().filter(|(last, _)| *last == item);
        let (_, fact) = last.ok_or(Refused::NotUndoable)?;
        self.lending.undo(&fact).await?;
        *self.last() = None;
        Ok(Verdict::Undone)
    }

    /// What may have happened is refused, but never without a trace: staff have to look.
    async fn doubt(&self, inquiry: &Inquiry, refused: Refused) -> Verdict {
        let (kind, item) = match &inquiry.request {
            Request::Checkout(asked) => (LoanKind::Checkout, Some(&asked.item_identifier)),
            Request::Renew(asked) => (LoanKind::Renew, asked.item_identifier.as_ref()),
            Request::Checkin(asked) => (LoanKind::Checkin, Some(&asked.item_identifier)),
            Request::PatronStatus(_)
            | Request::BlockPatron(_)
            | Request::ScStatus(_)
            | Request::RequestAcsResend(_)
            | Request::Login(_)
            | Request::PatronInformation(_)
            | Request::EndPatronSession(_)
            | Request::FeePaid(_)
            | Request::ItemInformation(_)
            | Request::ItemStatusUpdate(_)
            | Request::PatronEnable(_)
            | Request::Hold(_)
            | Request::RenewAll(_)
            | Request::Vendor(_) => return Verdict::No(Words::Refused(refused)),
        };
        let account = LoanAccount {
            kind,
            item: item.cloned().unwrap_or_default(),
            due: None,
            session: inquiry.session.clone(),
            outcome: Outcome::unresolved(),
            is_cancel: false,
        };
        if let Err(error) = self.record_loan(account).await {
            tracing::error!(%error, ?kind, "what may have happened at a self-checkout is not written down");
        }
        Verdict::No(Words::Unsure)
    }

    /// A payment that may have been taken down: staff have to compare it with the library system.
    async fn doubt_payment(&self, inquiry: &Inquiry, paid: &FeePaid) {
        let said = |text: &str, is: fn(&str) -> bool| -> Option<Label> {
            let text = Some(text.trim()).filter(|text| is(text));
            text.and_then(|text| text.parse().ok())
        };
        let payment = PaymentUnresolved {
            amount: said(&paid.fee_amount, PaymentUnresolved::is_amount),
            currency: said(paid.currency_type.as_str(), PaymentUnresolved::is_currency),
            session: inquiry.session.clone(),
        };
        if let Err(error) = self.lending.payment_unresolved(payment).await {
            tracing::error!(%error, "a payment that was not confirmed is not written down");
        }
    }

    /// Notes a card that was issued while nobody could be asked. It counts where the machine was
    /// told so and it is known whose it is; what the library system may have taken down, and a yes
    /// that names nobody, is for somebody to look at.
    async fn note_card(&self, inquiry: &Inquiry, verdict: &Verdict) {
        let rule = self.card.as_ref();
        let Some(rule) = rule.filter(|rule| rule.matches(&inquiry.request)) else {
            return;
        };
        let reader = reader_of(&inquiry.request).and_then(|reader| self.sealable(reader));
        let is_yes = !matches!(verdict, Verdict::No(_));
        let (mode, outcome) = match inquiry.why {
            Why::Decided(_) => return,
            Why::Unsure => (Mode::Online, Outcome::unresolved()),
            Why::Away | Why::ItemWaits if is_yes && reader.is_none() => {
                (Mode::Offline, Outcome::unresolved())
            }
            Why::Away | Why::ItemWaits => (Mode::Offline, outcome(is_yes)),
        };
        let card = Card {
            mode: reader.as_ref().map_or(mode, |_| Mode::Offline),
            reader,
            kind: rule.kind.clone(),
            session: inquiry.session.clone(),
            outcome,
        };
        if let Err(error) = self.lending.card_issued(card).await {
            tracing::error!(%error, "a card that was issued is not written down");
        }
    }

    /// A reader that can be sealed: of a card's form, and there are papers with a key.
    fn sealable(&self, reader: &Private) -> Option<ReaderCard> {
        self.lending.papers()?;
        self.lending.validate_reader(reader.reveal()).ok()
    }

    /// What was last decided here, where it may be undone. What was granted before of this item is
    /// not the last any more.
    fn remember(&self, item: Barcode, fact: Option<EventId>) {
        let mut online = self.last_online();
        online.take_if(|(of, _)| of == item.label());
        *self.last() = fact.map(|fact| (item, fact));
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<(Barcode, EventId)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the library system had answered an earlier process: it is told again, and nothing is done.
fn told_before(request: &Request, decided: Decided) -> Verdict {
    match (request, decided.due) {
        (_, _) if decided.is_unsure => Verdict::No(Words::Unsure),
        (_, _) if !decided.ok => Verdict::No(Words::Refused(Refused::Failed)),
        (Request::Checkin(_), _) => Verdict::Back,
        (_, Some(due)) => Verdict::Lent(due),
        // It was granted until a time that nobody here could read.
        (_, None) => Verdict::No(Words::Unsure),
    }
}

/// An item that comes back in this session.
fn back(inquiry: &Inquiry, item: Barcode) -> Return {
    Return {
        item,
        session: inquiry.session.clone(),
        stop: None,
        block: None,
        cancels: None,
    }
}

/// A session's name begins with the machine's, and differs in each run of the agent.
pub(super) fn session_prefix(machine: &str, run: u32) -> Label {
    format!("{machine}-{run:08x}")
        .parse()
        .expect("a machine's name and digits are a label")
}
