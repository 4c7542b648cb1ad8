//! What goes wrong between a library system and whoever asks it.

use std::collections::VecDeque;
use std::time::Duration;

use lujiang_sip2::Command;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// How one request is not answered as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends; nothing is executed.
    DropBefore,
    /// It is executed; the connection ends without an answer.
    DropAfter,
    /// It is executed; the connection ends in the middle of the answer.
    DropWithin,
    /// Nothing is executed and nothing is said; the connection stays, and is deaf from now on.
    SilentBefore,
    /// It is executed and nothing is said; the connection stays, and is deaf from now on.
    SilentAfter,
    /// It is executed, and answered so much later.
    Delay(Duration),
    /// It is executed, and answered with a wrong sum.
    WrongChecksum,
    /// Nothing is executed; it is asked for once more (96).
    AskAgain,
    /// It is executed, and before the answer comes a message nobody knows.
    Stranger,
    /// It is executed, and the answer comes byte by byte.
    Dribble,
}

/// Which faults are to come.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    script: VecDeque<(Option<Command>, Fault)>,
    seeded: Option<Seeded>,
}

/// Faults by chance.
#[derive(Debug)]
struct Seeded {
    random: StdRng,
    per_thousand: u32,
}

impl Faults {
    /// The next request, or the next of that command, goes wrong so; in the order of the calls.
    pub(crate) fn expect(&mut self, command: Option<Command>, fault: Fault) {
        self.script.push_back((command, fault));
    }

    /// Whether one waits for its request.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.script.is_empty()
    }

    /// From now on so many of a thousand requests go wrong, as `seed` has it.
    pub(crate) fn seed(&mut self, seed: u64, per_thousand: u32) {
        self.seeded = Some(Seeded {
            random: StdRng::seed_from_u64(seed),
            per_thousand,
        });
    }

    /// Nothing goes wrong any more.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// How this request goes wrong.
    pub(crate) fn next(&mut self, command: Command) -> Option<Fault> {
        let meant = |(of, _): &(Option<Command>, Fault)| of.is_none_or(|of| of == command);
        if let Some(place) = self.script.iter().position(meant) {
            return self.script.remove(place).map(|(_, fault)| fault);
        }
        let seeded = self.seeded.as_mut()?;
        if !seeded
            .random
            .random_ratio(seeded.per_thousand.min(1_000), 1_000)
        {
            return None;
        }
        Some(match seeded.random.random_range(0..9) {
            0 => Fault::DropBefore,
            1 => Fault::DropAfter,
            2 => Fault::DropWithin,
            3 => Fault::SilentBefore,
            4 => Fault::SilentAfter,
            5 => Fault::Delay(Duration::from_millis(seeded.random.random_range(1..50))),
            6 => Fault::WrongChecksum,
            7 => Fault::AskAgain,
            _ => Fault::Dribble,
        })
    }
}
