//! What the library system tells without lending anything: of patrons, of items, of itself.

use jiff::Timestamp;
use lujiang_sip2::{
    AcsStatus, BlockPatron, CirculationStatus, Command, EndPatronSession, EndSessionResponse,
    FeePaid, FeePaidResponse, FeeType, ItemInformation, ItemInformationResponse, Login,
    LoginResponse, PatronInformation, PatronInformationResponse, PatronStatus, PatronStatusRequest,
    PatronStatusResponse, Private, Retries, SecurityMarker, Summary, SupportedMessages, Timeout,
};

use super::circulation::local;
use super::{ChargedItems, Deed, Entry, Ils, Item};

/// What it answers, in the order of the standard.
const SUPPORTED: [&[u8]; 12] = [
    b"23", b"11", b"09", b"01", b"99", b"97", b"93", b"63", b"35", b"37", b"17", b"29",
];

impl Ils {
    pub(super) fn login(&self, login: &Login) -> LoginResponse {
        let ok = self.habits.login.as_ref().is_none_or(|(name, password)| {
            *name == login.login_user_id && password == login.login_password.reveal()
        });
        LoginResponse {
            ok,
            ..LoginResponse::default()
        }
    }

    pub(super) fn status(&self, now: Timestamp) -> AcsStatus {
        let commands: Vec<_> = SUPPORTED.into_iter().filter_map(Command::of).collect();
        AcsStatus {
            online_status: true,
            checkin_ok: true,
            checkout_ok: true,
            acs_renewal_policy: true,
            status_update_ok: true,
            offline_ok: false,
            timeout_period: Timeout::Tenths(100),
            retries_allowed: Retries::Times(3),
            date_time_sync: Some(self.wall(now)),
            institution_id: self.habits.institution.clone(),
            library_name: Some("醴陵市图书馆".to_owned()),
            supported_messages: Some(SupportedMessages::of(&commands)),
            ..AcsStatus::default()
        }
    }

    pub(super) fn patron_status(
        &self,
        asked: &PatronStatusRequest,
        now: Timestamp,
    ) -> PatronStatusResponse {
        let patron = self.patrons.get(asked.patron_identifier.reveal());
        PatronStatusResponse {
            patron_status: self.flags(asked.patron_identifier.reveal(), now),
            language: asked.language,
            transaction_date: Some(self.wall(now)),
            institution_id: self.habits.institution.clone(),
            patron_identifier: asked.patron_identifier.clone(),
            personal_name: Private::new(patron.map_or("", |patron| &patron.name)),
            valid_patron: Some(patron.is_some()),
            ..PatronStatusResponse::default()
        }
    }

    pub(super) fn patron_information(
        &self,
        asked: &PatronInformation,
        now: Timestamp,
    ) -> PatronInformationResponse {
        let barcode = asked.patron_identifier.reveal();
        let patron = self.patrons.get(barcode);
        let today = self.wall(now).when;
        let items = self.items.values();
        let has = items.filter(|item| {
            item.loan
                .as_ref()
                .is_some_and(|loan| loan.patron == barcode)
        });
        let has: Vec<&Item> = has.collect();
        let late = has
            .iter()
            .filter(|item| item.loan.as_ref().is_some_and(|loan| loan.due < today));
        let late: Vec<&Item> = late.copied().collect();
        let held = self
            .items
            .values()
            .filter(|item| item.holds.iter().any(|who| who == barcode));
        let held: Vec<&Item> = held.collect();
        let list = |wanted: Summary, items: &[&Item]| {
            if asked.summary == Some(wanted) {
                self.list(items, asked)
            } else {
                Vec::new()
            }
        };
        PatronInformationResponse {
            patron_status: self.flags(barcode, now),
            language: asked.language,
            transaction_date: Some(self.wall(now)),
            hold_items_count: count(&held),
            overdue_items_count: count(&late),
            charged_items_count: count(&has),
            fine_items_count: Some(0),
            recall_items_count: Some(0),
            unavailable_holds_count: Some(0),
            institution_id: self.habits.institution.clone(),
            patron_identifier: asked.patron_identifier.clone(),
            personal_name: Private::new(patron.map_or("", |patron| &patron.name)),
            charged_items_limit: patron.and_then(|patron| u16::try_from(patron.loans_max).ok()),
            valid_patron: Some(patron.is_some()),
            hold_items: list(Summary::HoldItems, &held),
            overdue_items: list(Summary::OverdueItems, &late),
            charged_items: list(Summary::ChargedItems, &has),
            screen_message: if patron.is_some() {
                Vec::new()
            } else {
                vec!["Patron is not known".to_owned()]
            },
            ..PatronInformationResponse::default()
        }
    }

    pub(super) fn item_information(
        &self,
        asked: &ItemInformation,
        now: Timestamp,
    ) -> ItemInformationResponse {
        let silent = ItemInformationResponse {
            circulation_status: CirculationStatus::Other,
            security_marker: SecurityMarker::OTHER,
            fee_type: FeeType::OTHER,
            transaction_date: Some(self.wall(now)),
            item_identifier: asked.item_identifier.clone(),
            ..ItemInformationResponse::default()
        };
        let Some(item) = self.items.get(&asked.item_identifier) else {
            let screen_message = vec!["Item is not known".to_owned()];
            return ItemInformationResponse {
                screen_message,
                ..silent
            };
        };
        if !self.habits.tells_items {
            return silent;
        }
        let called = item.called.as_ref().unwrap_or(&item.barcode);
        ItemInformationResponse {
            item_identifier: called.clone(),
            circulation_status: item.circulation(),
            title_identifier: item.title.clone(),
            due_date: item.loan.as_ref().map(|loan| local(loan.due).into()),
            hold_queue_length: u16::try_from(item.holds.len()).ok(),
            permanent_location: Some("main".to_owned()),
            ..silent
        }
    }

    pub(super) fn end_session(
        &self,
        session: &EndPatronSession,
        now: Timestamp,
    ) -> EndSessionResponse {
        EndSessionResponse {
            end_session: true,
            transaction_date: Some(self.wall(now)),
            institution_id: self.habits.institution.clone(),
            patron_identifier: session.patron_identifier.clone(),
            ..EndSessionResponse::default()
        }
    }

    pub(super) fn block(&mut self, block: &BlockPatron, now: Timestamp) -> PatronStatusResponse {
        if let Some(patron) = self.patrons.get_mut(block.patron_identifier.reveal()) {
            patron.blocked = true;
            let patron = patron.barcode.clone();
            self.done_now(Deed::Block { patron }, now);
        }
        let asked = PatronStatusRequest {
            patron_identifier: block.patron_identifier.clone(),
            ..PatronStatusRequest::default()
        };
        self.patron_status(&asked, now)
    }

    pub(super) fn fee_paid(&mut self, paid: &FeePaid, now: Timestamp) -> FeePaidResponse {
        let patron = paid.patron_identifier.reveal().to_owned();
        let known = self.patrons.contains_key(&patron);
        if known {
            self.done_now(
                Deed::FeePaid {
                    patron,
                    amount: paid.fee_amount.clone(),
                },
                now,
            );
        }
        FeePaidResponse {
            payment_accepted: known,
            transaction_date: Some(self.wall(now)),
            institution_id: self.habits.institution.clone(),
            patron_identifier: paid.patron_identifier.clone(),
            transaction_id: paid.transaction_id.clone(),
            ..FeePaidResponse::default()
        }
    }

    fn done_now(&mut self, deed: Deed, now: Timestamp) {
        let happened = self.wall(now).when;
        self.journal.note(Entry {
            executed: now,
            happened,
            no_block: false,
            deed,
        });
    }

    /// A patron nobody knows may nothing.
    fn flags(&self, barcode: &str, now: Timestamp) -> PatronStatus {
        match self.patrons.get(barcode) {
            Some(patron) => patron.status(self.wall(now).when.date(), self.loans_of(barcode)),
            None => PatronStatus {
                charge_privileges_denied: true,
                renewal_privileges_denied: true,
                recall_privileges_denied: true,
                hold_privileges_denied: true,
                ..PatronStatus::default()
            },
        }
    }

    /// The part of a list that BP and BQ ask for, counted from one.
    fn list(&self, items: &[&Item], asked: &PatronInformation) -> Vec<String> {
        let first = usize::from(asked.start_item.unwrap_or(1).max(1)) - 1;
        let end = asked.end_item.map_or(items.len(), usize::from);
        let part = items.iter().take(end).skip(first);
        match self.habits.charged_items {
            ChargedItems::Barcodes => part.map(|item| item.barcode.clone()).collect(),
            ChargedItems::Titles => part.map(|item| item.title.clone()).collect(),
            ChargedItems::Missing => Vec::new(),
        }
    }
}

fn count(items: &[&Item]) -> Option<u16> {
    u16::try_from(items.len()).ok()
}
