//! The shell's side of the connection: what the desk asks and orders, with the reader opened for
//! that one request; dialling, and hanging up.

use std::sync::Arc;

use lujiang_sip2::{Request, Response};
use tokio::time::Instant;

use super::{Shell, stopping};
use crate::data_dir::random_bytes;
use crate::desk::{Link, Order, Question, ReaderRef, Sighting, Told};
use crate::ledger::LedgerError;
use crate::loans::link::{IlsLink, LinkError, not_answered};
use crate::loans::{LinkWord, words};
use crate::store::loans as rows;

/// Why there is no answer.
pub(super) enum Unanswered {
    /// The reader is erased, or cannot be opened.
    NoReader,
    Link(LinkError),
    Ledger(LedgerError),
}

impl From<LinkError> for Unanswered {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

impl From<LedgerError> for Unanswered {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl Shell {
    pub(super) async fn ask(&mut self, question: &Question) -> Result<Sighting, Unanswered> {
        let reader = match question.reader {
            Some(reader) => Some(self.open_reader(reader).await?),
            None => None,
        };
        self.private = reader.iter().cloned().collect();
        let loans = Arc::clone(&self.loans.0);
        let (section, zone, now) = (&loans.section.ils, &loans.zone, self.loans.now());
        let asked = words::item_information(section, &question.item, now, zone);
        let item = match self.exchange(&asked).await? {
            Response::ItemInformation(item)
                if words::is_about(&item.item_identifier, &question.item) =>
            {
                item
            }
            other => return Err(not_answered("a question for an item", &other).into()),
        };
        let mut said = item.screen_message.clone();
        let mut seen = None;
        if let Some(reader) = &reader {
            let asked = words::patron_information(section, reader, now, zone);
            let patron = match self.exchange(&asked).await? {
                Response::PatronInformation(patron) => patron,
                other => return Err(not_answered("a question for a reader", &other).into()),
            };
            let named = [&patron.personal_name, &patron.patron_identifier];
            self.private
                .extend(named.map(|name| name.reveal().to_owned()));
            said.extend(patron.screen_message.iter().cloned());
            seen = Some(words::reader_seen(&patron, &question.item));
        }
        let due = item.due_date.as_ref().and_then(|date| date.read());
        Ok(Sighting {
            circulation: words::circulation(&item),
            due: due.and_then(|date| date.timestamp(zone)),
            reader: seen,
            words: words::words(&said, &self.private),
        })
    }

    pub(super) async fn order(&mut self, order: &Order) -> Result<Told, Unanswered> {
        let reader = match order.reader {
            Some(reader) => Some(self.open_reader(reader).await?),
            None => None,
        };
        self.private.extend(reader.iter().cloned());
        let loans = Arc::clone(&self.loans.0);
        let asked = words::order(&loans.section.ils, order, reader.as_deref(), &loans.zone);
        let answer = self.exchange(&asked).await?;
        let (item, is_done, said) = match &answer {
            Response::Checkout(it) => (&it.item_identifier, it.ok, &it.screen_message),
            Response::Renew(it) => (&it.item_identifier, it.ok, &it.screen_message),
            Response::Checkin(it) => {
                let named = [
                    &it.patron_identifier,
                    &it.hold_patron_id,
                    &it.hold_patron_name,
                ];
                let named = named.into_iter().flatten();
                self.private
                    .extend(named.map(|name| name.reveal().to_owned()));
                (&it.item_identifier, it.ok, &it.screen_message)
            }
            other => return Err(not_answered("an order", other).into()),
        };
        if !words::is_about(item, &order.item) {
            return Err(not_answered("an order for another item", &answer).into());
        }
        let words = words::words(said, &self.private);
        Ok(Told { is_done, words })
    }

    /// The reader of a fact, in clear: for one request.
    async fn open_reader(&self, reader: ReaderRef) -> Result<String, Unanswered> {
        let loans = self.loans.clone();
        let opening = tokio::task::spawn_blocking(move || {
            let person = loans
                .0
                .store
                .read(|connection| rows::person(connection, reader.0))?;
            let opened = person.map(|person| loans.0.seals.open_person(&person));
            Ok(opened.and_then(Result::ok))
        });
        let opened: Result<_, LedgerError> = opening.await.map_err(|_| stopping())?;
        let bytes = opened?.ok_or(Unanswered::NoReader)?;
        String::from_utf8(bytes).map_err(|_| Unanswered::NoReader)
    }

    /// Asks once the library system has had its pause since the last answer.
    async fn exchange(&mut self, request: &Request) -> Result<Response, Unanswered> {
        let pause = self.loans.0.section.request_interval;
        let link = self.link.as_mut().ok_or(LinkError::Closed)?;
        tokio::time::sleep_until(link.used + pause).await;
        Ok(link.exchange(request).await?)
    }

    /// Dials where there is no connection and it is time; asks how the library system is where it
    /// was quiet for long.
    pub(super) async fn dial(&mut self) {
        let loans = Arc::clone(&self.loans.0);
        let section = &loans.section.ils;
        let Some(host) = &section.host else {
            return;
        };
        if self.is_paused {
            if self.link.take().is_some() {
                self.desk.handle_link(Link::Down, self.loans.now());
            }
            self.loans.report(LinkWord::Down, None);
            return;
        }
        let now = Instant::now();
        match &mut self.link {
            Some(link) if now < link.used + section.keep_alive => {}
            Some(link) => {
                if let Err(error) = link.keep_alive().await {
                    self.hang_up(&error);
                }
            }
            None if now < self.dial_at => {}
            None => match IlsLink::open(section, host).await {
                Ok(link) => {
                    self.link = Some(link);
                    self.failures = 0;
                    self.desk.handle_link(Link::Up, self.loans.now());
                    self.loans.report(LinkWord::Up, None);
                    tracing::info!("the library system answers");
                }
                Err(error) => self.hang_up(&error),
            },
        }
    }

    pub(super) fn hang_up(&mut self, error: &LinkError) {
        let section = &self.loans.0.section.ils;
        self.link = None;
        self.desk.handle_link(Link::Down, self.loans.now());
        let doubled = 2_u32.saturating_pow(self.failures.min(16));
        let pause = match error.needs_people() {
            true => section.backoff_max,
            false => section.backoff_min.saturating_mul(doubled),
        };
        let pause = pause.min(section.backoff_max);
        // Scattered over its second half, so that several desks do not come at once.
        let scattered = pause / 2 + pause / 2 * u32::from(random_bytes::<1>()[0]) / 255;
        self.dial_at = Instant::now() + scattered;
        if self.failures == 0 {
            tracing::warn!(%error, "the library system cannot be spoken to");
        }
        self.failures = self.failures.saturating_add(1);
        self.loans.report(LinkWord::Down, Some(told(error)));
    }
}

/// An error with its causes: a system's word for why a file or an address cannot be used.
pub(super) fn told(error: &LinkError) -> String {
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        told += &format!(": {error}");
        cause = error.source();
    }
    told
}
