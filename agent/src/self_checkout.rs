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
mod session;

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
        lending: &Lending,
        board: &Arc<Board>,
    ) -> anyhow::Result<Self> {
        let login = login(&section.acs)?;
        let mut relays = Vec::with_capacity(section.machines.len());
        for (name, machine) in &section.machines {
            let port = Port::open(machine)
                .await
                .with_context(|| format!("cannot open the port of the self-checkout {name}"))?;
            let tally = Tally::new(name, port.place(), board.clone());
            let login = login.clone();
            relays.push(relay(section, machine, port, login, lending, tally)?);
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

/// The task of one machine.
fn relay(
    section: &SelfCheckoutSection,
    machine: &MachineSection,
    port: Port,
    login: Option<Login>,
    lending: &Lending,
    tally: Tally,
) -> anyhow::Result<Relay> {
    let acs = &section.acs;
    let (near, far) = (profile(machine.profile), profile(acs.profile));
    let card = section.card.as_ref().map(CardRule::of);
    let rules = MachineRules {
        profile: near,
        language: machine.language.into(),
        repeat_within: section.repeat_within,
        hope: acs.answer_timeout,
        logs_in: login.is_some(),
        card: card.clone(),
        zone: lending.now().time_zone().clone(),
    };
    let acs_rules = AcsRules {
        profile: far,
        answer_timeout: acs.answer_timeout,
        keep_alive: acs.keep_alive,
        steady: acs.backoff_max,
        retries: acs.retries,
    };
    let prefix = session_prefix(tally.machine(), random()?);
    let sessions = Sessions::new(prefix, section.session_idle);
    let core = Acs::new(acs_rules, login, Instant::now().into_std());
    let substitute = Substitute::new(section.offline.clone());
    let deputy = Deputy::new(lending.clone(), substitute, card);
    Ok(Relay {
        tally,
        port,
        bounds: LineBounds {
            message_bytes_max: section.message_size_max.as_usize(),
            patience: acs.answer_timeout,
        },
        machine: Machine::new(rules, core, sessions),
        machine_profile: near,
        acs_profile: far,
        dialling: Dialling {
            host: acs.host.clone(),
            port: acs.port,
            timeout: acs.connect_timeout,
            backoff: Backoff::new(acs.backoff_min, acs.backoff_max),
            longest: acs.backoff_max,
        },
        deputy: Arc::new(deputy),
        lines: Lines::default(),
    })
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
