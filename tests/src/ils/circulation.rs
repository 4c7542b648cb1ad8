//! Lending, returning, renewing: what changes who has what.

use jiff::Timestamp;
use jiff::civil::DateTime;
use lujiang_sip2::{
    AlertType, Checkin, CheckinResponse, Checkout, CheckoutResponse, Private, Renew, RenewResponse,
    SipDate,
};

use super::{Deed, Entry, Ils, Kind, Loan, RenewalBase};

/// Why something is not done, in the system's words.
type Refusal = &'static str;

/// A loan that is wanted.
struct Wanted<'a> {
    patron: &'a str,
    item: &'a str,
    /// When it happened.
    at: DateTime,
    /// Until when, if the request says so.
    due: Option<DateTime>,
    /// Whether the system heeds that nothing is to be refused.
    forced: bool,
    /// Whether a loan that the patron has already may be made longer.
    may_renew: bool,
}

/// What became of it.
struct Lent {
    renewal: bool,
    due: DateTime,
}

impl Ils {
    pub(super) fn checkout(&mut self, request: &Checkout, now: Timestamp) -> CheckoutResponse {
        let item = &request.item_identifier;
        let patron = request.patron_identifier.reveal();
        let wanted = Wanted {
            patron,
            item,
            at: self.happened(request.no_block, request.transaction_date, now),
            due: self.due_told(request.no_block, request.nb_due_date),
            forced: self.is_forced(request.no_block),
            may_renew: request.sc_renewal_policy,
        };
        let lent = self.lend(&wanted, now);
        let mut answer = CheckoutResponse {
            renewal_ok: false,
            magnetic_media: Some(false),
            desensitize: Some(lent.is_ok()),
            transaction_date: Some(self.wall(now)),
            institution_id: self.habits.institution.clone(),
            patron_identifier: request.patron_identifier.clone(),
            item_identifier: item.clone(),
            title_identifier: self
                .items
                .get(item)
                .map(|item| item.title.clone())
                .unwrap_or_default(),
            ..CheckoutResponse::default()
        };
        match lent {
            Ok(lent) => {
                self.note(&wanted, &lent, request.no_block, now);
                answer.ok = true;
                answer.renewal_ok = lent.renewal;
                answer.due_date = local(lent.due).into();
            }
            Err(refusal) => answer.screen_message = vec![refusal.to_owned()],
        }
        answer
    }

    pub(super) fn renew(&mut self, request: &Renew, now: Timestamp) -> RenewResponse {
        let item = request.item_identifier.clone().unwrap_or_default();
        let patron = request.patron_identifier.reveal();
        let wanted = Wanted {
            patron,
            item: &item,
            at: self.happened(request.no_block, request.transaction_date, now),
            due: self.due_told(request.no_block, request.nb_due_date),
            forced: self.is_forced(request.no_block),
            may_renew: true,
        };
        let has_it = self.items.get(&item).and_then(|item| item.loan.as_ref());
        let lent = match has_it {
            Some(loan) if loan.patron == patron => self.lend(&wanted, now),
            Some(_) | None => Err("Item is not charged to this patron"),
        };
        let mut answer = RenewResponse {
            magnetic_media: Some(false),
            desensitize: Some(false),
            transaction_date: Some(self.wall(now)),
            institution_id: self.habits.institution.clone(),
            patron_identifier: request.patron_identifier.clone(),
            item_identifier: item.clone(),
            title_identifier: self
                .items
                .get(&item)
                .map(|item| item.title.clone())
                .unwrap_or_default(),
            ..RenewResponse::default()
        };
        match lent {
            Ok(lent) => {
                self.note(&wanted, &lent, request.no_block, now);
                answer.ok = true;
                answer.renewal_ok = true;
                answer.due_date = local(lent.due).into();
            }
            Err(refusal) => answer.screen_message = vec![refusal.to_owned()],
        }
        answer
    }

    pub(super) fn checkin(&mut self, request: &Checkin, now: Timestamp) -> CheckinResponse {
        let happened = request.return_date.or(request.transaction_date);
        let happened = self.happened(request.no_block, happened, now);
        let mut answer = CheckinResponse {
            magnetic_media: Some(false),
            transaction_date: Some(self.wall(now)),
            institution_id: self.habits.institution.clone(),
            item_identifier: request.item_identifier.clone(),
            permanent_location: "main".to_owned(),
            ..CheckinResponse::default()
        };
        let Some(item) = self.items.get_mut(&request.item_identifier) else {
            answer.screen_message = vec!["Item is not known".to_owned()];
            return answer;
        };
        answer.title_identifier = Some(item.title.clone());
        let patron = item.loan.take().map(|loan| loan.patron);
        item.lost = false;
        answer.ok = patron.is_some() || self.habits.kind != Kind::Koha;
        answer.resensitize = answer.ok;
        answer.patron_identifier = patron.clone().map(Private::new);
        if patron.is_none() {
            answer.screen_message = vec!["Item was not on loan".to_owned()];
        }
        if let Some(waiting) = item.holds.first() {
            answer.alert = true;
            answer.alert_type = Some(AlertType::HOLD_HERE);
            answer.hold_patron_id = Some(Private::new(waiting.clone()));
        }
        if answer.ok {
            let item = request.item_identifier.clone();
            self.journal.note(Entry {
                executed: now,
                happened,
                no_block: request.no_block,
                deed: Deed::Checkin { item, patron },
            });
        }
        answer
    }

    /// Lends, or lends longer. Who has the item already is looked at before the patron's limit:
    /// a renewal makes nothing more.
    fn lend(&mut self, wanted: &Wanted<'_>, now: Timestamp) -> Result<Lent, Refusal> {
        let loans = self.loans_of(wanted.patron);
        let patron = self
            .patrons
            .get(wanted.patron)
            .ok_or("Patron is not known")?;
        let item = self.items.get_mut(wanted.item).ok_or("Item is not known")?;
        let had = item.loan.take_if(|loan| loan.patron == wanted.patron);
        let mut renewals = 0;
        let refusal = if let Some(had) = &had {
            renewals = had.renewals + 1;
            if !wanted.may_renew && !wanted.forced {
                Some("Item is charged to this patron already")
            } else if had.renewals >= item.renewals_max && !wanted.forced {
                Some("Item was renewed as often as may be")
            } else {
                // A loan that exists counts in the limit already.
                patron
                    .refusal(wanted.at.date(), loans - 1)
                    .filter(|_| !wanted.forced)
            }
        } else {
            let out = item.loan.is_some() && !(wanted.forced && self.habits.kind == Kind::Koha);
            let state = patron
                .refusal(wanted.at.date(), loans)
                .or_else(|| item.refusal(wanted.patron))
                .filter(|_| !wanted.forced);
            if out {
                Some("Item is charged to another patron")
            } else {
                state
            }
        };
        if let Some(refusal) = refusal {
            if had.is_some() {
                item.loan = had;
            }
            return Err(refusal);
        }
        let from = match (&had, self.habits.renewal_base) {
            (Some(had), RenewalBase::DueDate) => had.due,
            (Some(_), RenewalBase::Today) | (None, _) => wanted.at,
        };
        let due = wanted.due.unwrap_or_else(|| item.due_from(from));
        let since = had.as_ref().map_or(wanted.at, |had| had.since);
        let patron = wanted.patron.to_owned();
        let before = item.loan.replace(Loan {
            patron,
            since,
            due,
            renewals,
        });
        item.lost = false;
        item.holds.retain(|waiting| waiting != wanted.patron);
        if let Some(before) = before {
            // What Koha does: returned at the time of this loan, then lent.
            self.journal.note(Entry {
                executed: now,
                happened: wanted.at,
                no_block: true,
                deed: Deed::Checkin {
                    item: wanted.item.to_owned(),
                    patron: Some(before.patron),
                },
            });
        }
        Ok(Lent {
            renewal: had.is_some(),
            due,
        })
    }

    fn note(&mut self, wanted: &Wanted<'_>, lent: &Lent, no_block: bool, now: Timestamp) {
        let (item, patron) = (wanted.item.to_owned(), wanted.patron.to_owned());
        let due = lent.due;
        let deed = if lent.renewal {
            Deed::Renew { item, patron, due }
        } else {
            Deed::Checkout { item, patron, due }
        };
        self.journal.note(Entry {
            executed: now,
            happened: wanted.at,
            no_block,
            deed,
        });
    }

    /// How many items a patron has.
    pub(super) fn loans_of(&self, patron: &str) -> usize {
        let loans = self.items.values().filter_map(|item| item.loan.as_ref());
        loans.filter(|loan| loan.patron == patron).count()
    }

    /// Whether this kind of system heeds `no block`.
    fn is_forced(&self, no_block: bool) -> bool {
        match self.habits.kind {
            Kind::Koha | Kind::Generic => no_block,
            Kind::Evergreen => false,
        }
    }

    /// When it happened: a transaction that says `no block` tells, any other happens now.
    fn happened(&self, no_block: bool, told: Option<SipDate>, now: Timestamp) -> DateTime {
        let told = told
            .filter(|_| no_block)
            .and_then(|date| date.timestamp(&self.zone));
        self.wall(told.unwrap_or(now)).when
    }

    /// The due date of the request, where this kind of system takes it.
    fn due_told(&self, no_block: bool, told: Option<SipDate>) -> Option<DateTime> {
        match self.habits.kind {
            Kind::Koha if no_block => told.map(|date| date.when),
            Kind::Koha | Kind::Evergreen | Kind::Generic => None,
        }
    }
}

pub(super) fn local(when: DateTime) -> SipDate {
    SipDate {
        when,
        zone: lujiang_sip2::Zone::Local,
    }
}
