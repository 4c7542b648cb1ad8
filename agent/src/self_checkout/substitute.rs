//! Answers in the library system's place: of each kind of request, what is said once it was
//! decided. What nobody here can know is left open; what nobody here can do is declined.

use lujiang_config::{OfflineSection, OfflineStatus};
use lujiang_sip2::{
    AcsStatus, Checkin, CheckinResponse, CheckoutResponse, CirculationStatus, Command,
    EndPatronSession, EndSessionResponse, FeePaid, FeePaidResponse, Hold, HoldResponse,
    ItemInformation, ItemInformationResponse, ItemStatusUpdate, ItemStatusUpdateResponse,
    LoginResponse, PatronEnableResponse, PatronInformation, PatronInformationResponse,
    PatronStatus, PatronStatusResponse, RenewAll, RenewAllResponse, RenewResponse, Request,
    RequestScResend, Response, Retries, SipDate, SupportedMessages, Timeout, VariableDate,
};
use lujiang_wire::Due;

use super::screen::{Language, Words};

/// What is answered here while the library system is away; the rest is declined.
const ANSWERED: [&[u8]; 10] = [
    b"23", b"11", b"09", b"99", b"97", b"93", b"63", b"35", b"17", b"29",
];

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The item is lent, or lent on, until then.
    Lent(Due),
    /// The item is back.
    Back,
    /// What was done is undone.
    Undone,
    /// The reader may borrow, and has so many items of this device.
    Reader {
        /// Items out.
        out: u32,
    },
    /// The item is ours; where this device lent it, until when.
    Item(Option<Due>),
    /// How we are: whether items are lent.
    Status {
        /// Whether they are.
        lends: bool,
    },
    /// There was nothing to decide.
    Fine,
    /// It is not done, and this is said.
    No(Words),
}

/// Writes answers.
#[derive(Debug, Clone)]
pub(super) struct Substitute {
    section: OfflineSection,
}

/// One answer being made.
struct Answering<'a> {
    section: &'a OfflineSection,
    verdict: Verdict,
    date: SipDate,
    screen: Vec<String>,
}

impl Substitute {
    pub(super) fn new(section: OfflineSection) -> Self {
        Self { section }
    }

    /// The answer to this request by this verdict, at this time.
    pub(super) fn answer(
        &self,
        request: &Request,
        verdict: Verdict,
        language: Language,
        date: SipDate,
    ) -> Response {
        let words = verdict.words().map(|words| words.in_language(language));
        let answering = Answering {
            section: &self.section,
            verdict,
            date,
            screen: words.into_iter().collect(),
        };
        answering.answer(request)
    }
}

impl Verdict {
    fn words(self) -> Option<Words> {
        match self {
            Self::Lent(due) => Some(Words::Lent(due)),
            Self::Back => Some(Words::Back),
            Self::Undone => Some(Words::Undone),
            Self::Reader { out: _ } => Some(Words::AccountUnseen),
            Self::No(words) => Some(words),
            Self::Item(_) | Self::Status { lends: _ } | Self::Fine => None,
        }
    }

    fn is_yes(self) -> bool {
        match self {
            Self::Lent(_) | Self::Back | Self::Undone | Self::Fine => true,
            Self::Reader { out: _ } | Self::Item(_) | Self::Status { lends: _ } => true,
            Self::No(_) => false,
        }
    }

    fn due(self) -> Option<VariableDate> {
        match self {
            Self::Lent(due) | Self::Item(Some(due)) => Some(VariableDate::new(due.to_string())),
            Self::Item(None) | Self::Back | Self::Undone => None,
            Self::Reader { out: _ } | Self::Status { lends: _ } | Self::Fine | Self::No(_) => None,
        }
    }

    /// How the reader stands: what nobody can do now is denied, whoever it is.
    fn patron_status(self) -> PatronStatus {
        PatronStatus {
            charge_privileges_denied: !self.is_yes(),
            renewal_privileges_denied: !self.is_yes(),
            recall_privileges_denied: true,
            hold_privileges_denied: true,
            ..PatronStatus::default()
        }
    }
}

/// An answer about a reader: 24 and 26 hold the same.
macro_rules! about_reader {
    ($answering:expr, $asked:expr, $answer:ident, $language:expr) => {
        $answer {
            patron_status: $answering.verdict.patron_status(),
            language: $language,
            transaction_date: Some($answering.date),
            institution_id: $answering.institution(&$asked.institution_id),
            patron_identifier: $asked.patron_identifier.clone(),
            valid_patron: Some($answering.verdict.is_yes()),
            screen_message: $answering.screen,
            ..$answer::default()
        }
    };
}

/// An answer about a loan: 12 and 30 hold the same.
macro_rules! about_loan {
    ($answering:expr, $asked:expr, $answer:ident, $item:expr, $renewed:expr) => {
        $answer {
            ok: $answering.verdict.is_yes(),
            renewal_ok: $answering.verdict.is_yes() && $renewed,
            desensitize: Some($answering.verdict.is_yes() && !$renewed),
            transaction_date: Some($answering.date),
            institution_id: $answering.institution(&$asked.institution_id),
            patron_identifier: $asked.patron_identifier.clone(),
            title_identifier: $item.clone(),
            item_identifier: $item,
            due_date: $answering.verdict.due().unwrap_or_default(),
            print_line: $answering.screen.clone(),
            screen_message: $answering.screen,
            ..$answer::default()
        }
    };
}

impl Answering<'_> {
    /// The institution the machine named, or else ours.
    fn institution(&self, named: &str) -> String {
        if named.is_empty() {
            self.section.institution.clone()
        } else {
            named.to_owned()
        }
    }

    fn answer(self, request: &Request) -> Response {
        let unknown = lujiang_sip2::Language::UNKNOWN;
        match request {
            Request::PatronStatus(asked) => {
                about_reader!(self, asked, PatronStatusResponse, asked.language).into()
            }
            Request::BlockPatron(asked) => {
                about_reader!(self, asked, PatronStatusResponse, unknown).into()
            }
            Request::PatronEnable(asked) => {
                about_reader!(self, asked, PatronEnableResponse, unknown).into()
            }
            Request::PatronInformation(asked) => self.account(asked).into(),
            Request::Checkout(asked) => {
                let item = asked.item_identifier.clone();
                about_loan!(self, asked, CheckoutResponse, item, false).into()
            }
            Request::Renew(asked) => {
                let item = asked.item_identifier.clone().unwrap_or_default();
                about_loan!(self, asked, RenewResponse, item, true).into()
            }
            Request::Checkin(asked) => self.checkin(asked).into(),
            Request::EndPatronSession(asked) => self.end_session(asked).into(),
            Request::FeePaid(asked) => self.fee(asked).into(),
            Request::ItemInformation(asked) => self.item(asked).into(),
            Request::ItemStatusUpdate(asked) => self.item_status(asked).into(),
            Request::Hold(asked) => self.hold(asked).into(),
            Request::RenewAll(asked) => self.renew_all(asked).into(),
            Request::ScStatus(_) => self.status().into(),
            Request::Login(_) => self.login().into(),
            // Nobody here knows an answer to a vendor's own message, and the core asks for none.
            Request::RequestAcsResend(_) | Request::Vendor(_) => RequestScResend::default().into(),
        }
    }

    fn account(self, asked: &PatronInformation) -> PatronInformationResponse {
        let out = match self.verdict {
            Verdict::Reader { out } => u16::try_from(out).ok(),
            Verdict::Lent(_) | Verdict::Back | Verdict::Undone | Verdict::Item(_) => None,
            Verdict::Status { lends: _ } | Verdict::Fine | Verdict::No(_) => None,
        };
        PatronInformationResponse {
            charged_items_count: out,
            ..about_reader!(self, asked, PatronInformationResponse, asked.language)
        }
    }

    fn checkin(self, asked: &Checkin) -> CheckinResponse {
        let is_back = self.verdict.is_yes();
        CheckinResponse {
            ok: is_back,
            resensitize: is_back,
            transaction_date: Some(self.date),
            institution_id: self.institution(&asked.institution_id),
            item_identifier: asked.item_identifier.clone(),
            title_identifier: Some(asked.item_identifier.clone()),
            print_line: self.screen.clone(),
            screen_message: self.screen,
            ..CheckinResponse::default()
        }
    }

    /// Somebody who leaves is always let go.
    fn end_session(self, asked: &EndPatronSession) -> EndSessionResponse {
        EndSessionResponse {
            end_session: true,
            transaction_date: Some(self.date),
            institution_id: self.institution(&asked.institution_id),
            patron_identifier: asked.patron_identifier.clone(),
            ..EndSessionResponse::default()
        }
    }

    fn fee(self, asked: &FeePaid) -> FeePaidResponse {
        FeePaidResponse {
            payment_accepted: self.verdict.is_yes(),
            transaction_date: Some(self.date),
            institution_id: self.institution(&asked.institution_id),
            patron_identifier: asked.patron_identifier.clone(),
            transaction_id: asked.transaction_id.clone(),
            screen_message: self.screen,
            ..FeePaidResponse::default()
        }
    }

    fn item(self, asked: &ItemInformation) -> ItemInformationResponse {
        let due = self.verdict.due();
        ItemInformationResponse {
            circulation_status: match due {
                Some(_) => CirculationStatus::Charged,
                None => CirculationStatus::Other,
            },
            transaction_date: Some(self.date),
            due_date: due,
            item_identifier: asked.item_identifier.clone(),
            title_identifier: asked.item_identifier.clone(),
            screen_message: self.screen,
            ..ItemInformationResponse::default()
        }
    }

    fn item_status(self, asked: &ItemStatusUpdate) -> ItemStatusUpdateResponse {
        ItemStatusUpdateResponse {
            item_properties_ok: self.verdict.is_yes(),
            transaction_date: Some(self.date),
            item_identifier: asked.item_identifier.clone(),
            screen_message: self.screen,
            ..ItemStatusUpdateResponse::default()
        }
    }

    fn hold(self, asked: &Hold) -> HoldResponse {
        HoldResponse {
            ok: self.verdict.is_yes(),
            transaction_date: Some(self.date),
            institution_id: self.institution(&asked.institution_id),
            patron_identifier: asked.patron_identifier.clone(),
            screen_message: self.screen,
            ..HoldResponse::default()
        }
    }

    fn renew_all(self, asked: &RenewAll) -> RenewAllResponse {
        RenewAllResponse {
            ok: self.verdict.is_yes(),
            transaction_date: Some(self.date),
            institution_id: self.institution(&asked.institution_id),
            screen_message: self.screen,
            ..RenewAllResponse::default()
        }
    }

    fn login(self) -> LoginResponse {
        LoginResponse {
            ok: self.verdict.is_yes(),
            ..LoginResponse::default()
        }
    }

    /// How we are. The machine itself is to store nothing: all it does comes to us, and the gateway
    /// tells the library system.
    fn status(self) -> AcsStatus {
        let lends = match self.verdict {
            Verdict::Status { lends } => lends,
            Verdict::Lent(_) | Verdict::Back | Verdict::Undone | Verdict::Item(_) => false,
            Verdict::Reader { out: _ } | Verdict::Fine | Verdict::No(_) => false,
        };
        let answered: Vec<Command> = ANSWERED
            .iter()
            .filter_map(|code| Command::of(code))
            .collect();
        AcsStatus {
            online_status: match self.section.status {
                OfflineStatus::Online => true,
                OfflineStatus::Offline => false,
            },
            checkin_ok: true,
            checkout_ok: lends,
            acs_renewal_policy: lends,
            status_update_ok: false,
            offline_ok: false,
            timeout_period: Timeout::lasting(self.section.machine_timeout),
            retries_allowed: Retries::Times(self.section.machine_retries),
            date_time_sync: Some(self.date),
            institution_id: self.section.institution.clone(),
            supported_messages: Some(SupportedMessages::of(&answered)),
            ..AcsStatus::default()
        }
    }
}
