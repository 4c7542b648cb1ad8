//! `[loans]` of the gateway's configuration: how the library system hears of loans, and how long
//! anything is kept of a reader.

mod read;

use std::path::PathBuf;
use std::time::Duration;

use crate::Sip2Profile;

/// `[loans]`: the loan desk.
#[derive(Debug, Clone, PartialEq)]
pub struct LoansSection {
    /// The make of the library system.
    pub make: IlsMake,
    /// How long a fact lies before the library system is asked about it.
    pub patience: Duration,
    /// The least time between two requests to it.
    pub request_interval: Duration,
    /// How long it is left alone after a connection that broke.
    pub break_pause: Duration,
    /// How long a ruling can be taken back before the library system hears of it.
    pub ruling_delay: Duration,
    /// The wait after a first refusal that may mend itself; each next is twice as long.
    pub retry_first: Duration,
    /// The longest such wait.
    pub retry_longest: Duration,
    /// How often it is tried again before it is held for staff.
    pub retries_max: u32,
    /// Late news of a loan while the item is on loan to another.
    pub late_while_lent: LateWhileLentRule,
    /// Late news of a loan that is over.
    pub late_and_over: LateAndOverRule,
    /// What an unmoved due date tells of a renewal nobody answered.
    pub unmoved_due: UnmovedDueRule,
    /// For how many days a renewal lends at least; none where that is not said.
    pub renewal_days_min: u16,
    /// How long a sealed reader is kept that the library system has not accepted.
    pub reader_retention: Duration,
    /// How long the key of a year's pseudonyms is kept after that year.
    pub pseudonym_retention: Duration,
    /// What is done about conflicts, kind by kind.
    pub conflicts: ConflictRules,
    /// The library system's SIP2 server.
    pub ils: IlsSection,
}

/// `[loans.ils]`: the library system's SIP2 server, as the desk reaches it.
#[derive(Debug, Clone, PartialEq)]
pub struct IlsSection {
    /// Its host name or address; none: facts wait, and are exported.
    pub host: Option<String>,
    /// Its port.
    pub port: u16,
    /// Whom the desk logs in as; none where nobody has to.
    pub user: Option<String>,
    /// The file with the password, mode 0600; none where there is no password.
    pub password_file: Option<PathBuf>,
    /// The location that is told at the login.
    pub location: String,
    /// The institution in every request.
    pub institution: String,
    /// How it writes.
    pub profile: Sip2Profile,
    /// From dialling to a connection.
    pub connect_timeout: Duration,
    /// Longest wait for one answer.
    pub answer_timeout: Duration,
    /// It is asked for its status after this long without a request.
    pub keep_alive: Duration,
    /// First pause after a lost connection; doubles, with jitter.
    pub backoff_min: Duration,
    /// Longest pause, and the pause after a refused login.
    pub backoff_max: Duration,
}

/// `[loans.conflicts]`: what is done where the library system disputes a fact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConflictRules(pub Vec<(&'static str, ConflictRule)>);

/// The make of a library system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IlsMake {
    /// Koha.
    Koha,
    /// Evergreen.
    Evergreen,
    /// Any other.
    Generic,
}

/// What is done about a conflict of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictRule {
    /// Held until staff rules.
    Hold,
    /// Tried again, later and later; then held.
    RetryLater,
    /// The item is taken back and lent again, at the fact's time.
    ReturnThenLoan,
}

/// What is done about late news of a loan while the item is on loan to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LateWhileLentRule {
    /// Held until staff rules.
    Hold,
    /// It counts, and is over.
    Count,
}

/// What is done about late news of a loan that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LateAndOverRule {
    /// It counts.
    Count,
    /// Where the item is in, the library system is told of the loan and of its return.
    TellBoth,
}

/// What it tells that a due date stands where it stood before a renewal nobody answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnmovedDueRule {
    /// Nothing, but where the item is due sooner than `renewal_days_min` from the renewal.
    Unclear,
    /// That it was not renewed.
    NotRenewed,
}

impl Default for LoansSection {
    fn default() -> Self {
        Self {
            make: IlsMake::Generic,
            // Outboxes drain side by side within seconds of a gateway's start.
            patience: Duration::from_secs(30),
            // Five requests a second leave a library system to its readers.
            request_interval: Duration::from_millis(200),
            break_pause: Duration::from_secs(10),
            ruling_delay: Duration::from_secs(8),
            retry_first: Duration::from_secs(60),
            retry_longest: Duration::from_secs(3_600),
            retries_max: 12,
            late_while_lent: LateWhileLentRule::Hold,
            late_and_over: LateAndOverRule::Count,
            unmoved_due: UnmovedDueRule::Unclear,
            renewal_days_min: 0,
            reader_retention: Duration::from_secs(90 * 24 * 3_600),
            pseudonym_retention: Duration::from_secs(366 * 24 * 3_600),
            conflicts: ConflictRules::default(),
            ils: IlsSection::default(),
        }
    }
}

impl Default for IlsSection {
    fn default() -> Self {
        Self {
            host: None,
            port: 6_001,
            user: None,
            password_file: None,
            location: String::new(),
            institution: String::new(),
            profile: Sip2Profile::default(),
            connect_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(20),
            keep_alive: Duration::from_secs(60),
            backoff_min: Duration::from_secs(1),
            backoff_max: Duration::from_secs(300),
        }
    }
}
