//! The SIP2 relay: self-checkout machines speak to this agent as to the library system, and it
//! speaks to the library system as they would; while that is away, it answers in its place.
//!
//! ```text
//! machine --TCP or serial--> Relay ----------> Line --TCP--> ACS of the library system
//!                              │ what was said, time
//!                              v
//!                           Machine (core) ── Acs (core): login, keep-alive, resending
//!                              │ decide, record
//!                              v
//!                           Deputy ── Substitute (answers) ── lending (rules, facts)
//! ```
//!
//! Each machine has a task, a port and a connection of its own, so that one that is slow holds no
//! other. Reading order: what a machine says ([`asked`]), what becomes of it ([`machine`],
//! [`acs`]), who decides otherwise ([`deputy`], [`substitute`]), and the task ([`relay`]).

mod asked;
mod card_rule;
mod last_answer;
mod pairing;
mod said;
mod session;
mod vendor_pair;

mod acs;
mod effect;
mod machine;

mod account;
mod screen;
mod substitute;

mod deputy;
mod line;
mod relay;
mod tally;
mod under_way;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use lujiang_config::{
    AcsSection, MachineSection, SelfCheckoutSection, Sip2Charset, Sip2Checksum, Sip2Fields,
    Sip2Profile, Sip2Terminator,
};
use lujiang_sip2::{Charset, ErrorDetection, FixedFields, Login, Private, Profile, Terminator};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use acs::{Acs, AcsRules};
use card_rule::CardRule;
use deputy::{Deputy, session_prefix};
use line::{LineBounds, Port};
use machine::{Machine, MachineRules};
use relay::{Dialling, Lines, Relay};
use session::Sessions;
use substitute::Substitute;
use tally::Tally;
use under_way::UnderWay;
use vendor_pair::VendorPair;

use crate::backoff::Backoff;
use crate::lending::Lending;
use crate::status::Board;
use crate::uplink::read_password;

/// The relay of one agent: the tasks of all its machines.
pub(crate) struct SelfCheckout {
    relays: Vec<Relay>,
}

impl SelfCheckout {
    /// Binds the ports of all machines.
    ///
    /// # Errors
    /// Where a port cannot be bound, or the password cannot be read.
    pub(crate) async fn open(
        section: &SelfCheckoutSection,
        data: &Path,
        lending: &Lending,
        board: &Arc<Board>,
    ) -> anyhow::Result<Self> {
        let surroundings = Surroundings {
            section,
            login: login(&section.acs)?,
            data,
            lending,
            board,
        };
        let mut relays = Vec::with_capacity(section.machines.len());
        for (name, machine) in &section.machines {
            let relay = surroundings.relay(name, machine).await;
            relays.push(relay.with_context(|| format!("cannot serve the self-checkout {name}"))?);
        }
        Ok(Self { relays })
    }

    /// Serves the machines until it is told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut tasks = JoinSet::new();
        for relay in self.relays {
            tasks.spawn(relay.run(stop.clone()));
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "the task of a self-checkout failed");
            }
        }
    }
}

/// What all machines share.
struct Surroundings<'a> {
    section: &'a SelfCheckoutSection,
    login: Option<Login>,
    data: &'a Path,
    lending: &'a Lending,
    board: &'a Arc<Board>,
}

impl Surroundings<'_> {
    /// The task of one machine.
    async fn relay(&self, name: &str, machine: &MachineSection) -> anyhow::Result<Relay> {
        let acs = &self.section.acs;
        let port = Port::open(machine).await.context("cannot open its port")?;
        let (data, owned) = (self.data.to_owned(), name.to_owned());
        let open = move || UnderWay::open(&data, &owned);
        let under_way = tokio::task::spawn_blocking(open).await?;
        let substitute = Substitute::new(self.section.offline.clone());
        let deputy = Deputy::new(self.lending.clone(), substitute, self.card());
        Ok(Relay {
            tally: Tally::new(name, port.place(), self.board.clone()),
            port,
            bounds: LineBounds {
                message_bytes_max: self.section.message_size_max.as_usize(),
                patience: acs.answer_timeout,
            },
            machine: self.core(name, machine)?,
            machine_profile: profile(machine.profile),
            acs_profile: profile(acs.profile),
            dialling: Dialling {
                host: acs.host.clone(),
                port: acs.port,
                timeout: acs.connect_timeout,
                backoff: Backoff::new(acs.backoff_min, acs.backoff_max),
                longest: acs.backoff_max,
            },
            deputy: Arc::new(deputy),
            under_way: under_way.context("cannot note what is under way")?,
            silent_after: self.section.silent_after,
            lines: Lines::default(),
        })
    }

    fn core(&self, name: &str, machine: &MachineSection) -> anyhow::Result<Machine> {
        let acs = &self.section.acs;
        let vendor: Vec<_> = machine.vendor_messages.iter().map(VendorPair::of).collect();
        let rules = MachineRules {
            profile: profile(machine.profile),
            language: machine.language.into(),
            repeat_within: self.section.repeat_within,
            hope: acs.answer_timeout,
            logs_in: self.login.is_some(),
            vendor: vendor.clone(),
            card: self.card(),
            zone: self.lending.now().time_zone().clone(),
        };
        let acs_rules = AcsRules {
            profile: profile(acs.profile),
            answer_timeout: acs.answer_timeout,
            keep_alive: acs.keep_alive,
            steady: acs.backoff_max,
            retries: acs.retries,
            vendor,
        };
        let prefix = session_prefix(name, random()?);
        let sessions = Sessions::new(prefix, self.section.session_idle);
        let acs = Acs::new(acs_rules, self.login.clone(), Instant::now().into_std());
        Ok(Machine::new(rules, acs, sessions))
    }

    fn card(&self) -> Option<CardRule> {
        self.section.card.as_ref().map(CardRule::of)
    }
}

/// Tells this run of the agent from another.
fn random() -> anyhow::Result<u32> {
    let random = getrandom::u32();
    random.map_err(|error| anyhow::anyhow!("no random number: {error}"))
}

/// The login that we say by ourselves.
fn login(acs: &AcsSection) -> anyhow::Result<Option<Login>> {
    let Some(user) = &acs.user else {
        return Ok(None);
    };
    let password = read_password(&acs.password_file)?;
    Ok(Some(Login {
        login_user_id: user.clone(),
        login_password: Private::new(password.reveal()),
        location_code: Some(acs.location.clone()).filter(|location| !location.is_empty()),
        ..Login::default()
    }))
}

fn profile(section: Sip2Profile) -> Profile {
    Profile {
        charset: match section.charset {
            Sip2Charset::Utf8 => Charset::Utf8,
            Sip2Charset::Gb18030 => Charset::Gb18030,
            Sip2Charset::Gbk => Charset::Gbk,
            Sip2Charset::Cp850 => Charset::Cp850,
        },
        terminator: match section.terminator {
            Sip2Terminator::Cr => Terminator::Cr,
            Sip2Terminator::CrLf => Terminator::CrLf,
            Sip2Terminator::Lf => Terminator::Lf,
        },
        error_detection: match section.checksum {
            Sip2Checksum::Off => ErrorDetection::Off,
            Sip2Checksum::Standard => ErrorDetection::Standard,
            Sip2Checksum::Dp2 => ErrorDetection::Dp2,
            Sip2Checksum::Ignore => ErrorDetection::Ignore,
        },
        fixed_fields: match section.fields {
            Sip2Fields::Lenient => FixedFields::Lenient,
            Sip2Fields::Strict => FixedFields::Strict,
        },
    }
}

#[cfg(test)]
mod tests;
