//! What a library system can answer. Found out once, from what it shows of the first loans the
//! desk made in it; until then, and where it shows nothing, its silence proves nothing. What is
//! shown once it can show; that it shows nothing takes two loans, since one may have been brought
//! back at its counter before the desk looked.

use serde::{Deserialize, Serialize};

use crate::desk::sighting::{Charged, Circulation, Sighting};

/// Whether a library system can answer one kind of question.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ability {
    /// Not yet known: what it shows is believed, what it does not show means nothing.
    #[default]
    Unproven,
    /// It did not show it of one loan; else as above.
    Doubted,
    /// It shows it.
    Proven,
    /// It does not: it showed it of neither of two loans.
    Lacking,
}

impl Ability {
    fn is_unproven(self) -> bool {
        match self {
            Self::Unproven | Self::Doubted => true,
            Self::Proven | Self::Lacking => false,
        }
    }
}

/// What a library system can answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abilities {
    /// Whether the item information says that an item is on loan.
    pub circulation: Ability,
    /// Whether it says until when (AH).
    pub due: Ability,
    /// Whether the patron information lists a reader's items by barcode (AU).
    pub charged_items: Ability,
}

impl Abilities {
    /// Whether a loan the desk makes still has something to prove.
    #[must_use]
    pub fn are_unproven(&self) -> bool {
        let all = [self.circulation, self.due, self.charged_items];
        all.into_iter().any(Ability::is_unproven)
    }

    /// Learns from what is shown of a loan the library system has just accepted.
    pub(crate) fn prove(&mut self, sighting: &Sighting) {
        let settle = |ability: &mut Ability, is_shown: bool| {
            *ability = match (*ability, is_shown) {
                (Ability::Unproven | Ability::Doubted, true) => Ability::Proven,
                (Ability::Unproven, false) => Ability::Doubted,
                (Ability::Doubted, false) => Ability::Lacking,
                (known @ (Ability::Proven | Ability::Lacking), _) => known,
            };
        };
        let is_on_loan = sighting.circulation == Circulation::OnLoan;
        settle(&mut self.circulation, is_on_loan);
        settle(&mut self.due, is_on_loan && sighting.due.is_some());
        settle(&mut self.charged_items, sighting.is_with_reader());
    }

    /// Whether the item is surely with nobody.
    pub(crate) fn shows_in(&self, sighting: &Sighting) -> bool {
        self.circulation == Ability::Proven
            && match sighting.circulation {
                Circulation::In | Circulation::OnHoldShelf => true,
                Circulation::OnLoan | Circulation::Lost => false,
                Circulation::NoSuchItem | Circulation::Silent => false,
            }
    }

    /// Whether the item is surely not with the reader that was asked about.
    pub(crate) fn shows_not_with_reader(&self, sighting: &Sighting) -> bool {
        let is_not_listed = sighting.charged() == Some(Charged::NotListed);
        self.shows_in(sighting) || (is_not_listed && self.charged_items == Ability::Proven)
    }
}
