//! What is known of one machine, for telemetry and for `lujiang-agent status`.

use std::sync::Arc;

use lujiang_sip2::ScStatusCode;

use super::effect::Occurrence;
use crate::status::{Board, MachineStatus};

/// Where a machine's task writes down what it sees.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    machine: String,
    board: Arc<Board>,
}

impl Tally {
    pub(super) fn new(machine: &str, place: String, board: Arc<Board>) -> Self {
        board.machine(machine, |status| status.place = place);
        Self {
            machine: machine.to_owned(),
            board,
        }
    }

    /// The machine's name.
    pub(super) fn machine(&self) -> &str {
        &self.machine
    }

    /// Whether the machine is connected.
    pub(super) fn connected(&self, is_connected: bool) {
        self.change(|status| status.connected = is_connected);
    }

    /// A fact of the library system's decision was not written.
    pub(super) fn unrecorded(&self) {
        self.change(|status| status.unrecorded += 1);
    }

    /// Counts what the core noted, and tells an operator what to look at.
    pub(super) fn note(&self, occurrence: Occurrence) {
        self.tell(occurrence);
        self.change(|status| match occurrence {
            Occurrence::AnsweredByAcs => status.answered_by_library_system += 1,
            Occurrence::AnsweredHere => status.answered_here += 1,
            Occurrence::Repeated => status.repeated += 1,
            Occurrence::GarbledByMachine => status.garbled_by_machine += 1,
            Occurrence::GarbledByAcs => status.garbled_by_library_system += 1,
            Occurrence::Unsure => status.unsure += 1,
            Occurrence::PaymentUnsure => status.payments_unresolved += 1,
            Occurrence::Unanswered => status.unanswered += 1,
            Occurrence::Unwritable => status.unwritable += 1,
            Occurrence::LoginRefused => status.logins_refused += 1,
            Occurrence::Serving(serving) => status.library_system = serving,
            Occurrence::Terminal(code) => {
                status.out_of_paper = code == ScStatusCode::OutOfPaper;
                status.shutting_down = code == ScStatusCode::ShuttingDown;
            }
        });
    }

    fn tell(&self, occurrence: Occurrence) {
        let machine = self.machine.as_str();
        match occurrence {
            Occurrence::Serving(serving) => {
                let mut served = serving;
                self.change(|status| served = status.library_system);
                match (served, serving) {
                    (false, true) => tracing::info!(machine, "the library system serves"),
                    (true, false) => {
                        tracing::warn!(
                            machine,
                            "the library system is away: decided here from now on"
                        );
                    }
                    (true, true) | (false, false) => {}
                }
            }
            Occurrence::Unsure => {
                tracing::warn!(
                    machine,
                    "what the library system did with a request is not known"
                );
            }
            Occurrence::PaymentUnsure => {
                tracing::warn!(
                    machine,
                    "a payment was not confirmed: compare it with the library system"
                );
            }
            Occurrence::LoginRefused => {
                tracing::warn!(machine, "the library system refuses our login");
            }
            Occurrence::Unwritable => {
                tracing::warn!(
                    machine,
                    "an answer has letters that the machine's charset has not"
                );
            }
            Occurrence::AnsweredByAcs
            | Occurrence::AnsweredHere
            | Occurrence::Repeated
            | Occurrence::GarbledByMachine
            | Occurrence::GarbledByAcs
            | Occurrence::Unanswered
            | Occurrence::Terminal(_) => {}
        }
    }

    fn change(&self, change: impl FnOnce(&mut MachineStatus)) {
        self.board.machine(&self.machine, change);
    }
}
