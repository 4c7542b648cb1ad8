//! What is said of a patron in fixed-width fields: status, summary, and what a hold is to become.

use crate::fixed::Codec;

/// Fourteen flags; what is off lets the patron do as usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the standard has fourteen independent flags"
)]
pub struct PatronStatus {
    /// Nothing is lent.
    pub charge_privileges_denied: bool,
    /// Nothing is renewed.
    pub renewal_privileges_denied: bool,
    /// Nothing is recalled for this patron.
    pub recall_privileges_denied: bool,
    /// No holds are placed.
    pub hold_privileges_denied: bool,
    /// The card was reported lost.
    pub card_reported_lost: bool,
    /// As many items are charged as may be.
    pub too_many_items_charged: bool,
    /// Too many items are overdue.
    pub too_many_items_overdue: bool,
    /// Too many renewals.
    pub too_many_renewals: bool,
    /// Too many items are said to be returned.
    pub too_many_claims_of_items_returned: bool,
    /// Too many items are lost.
    pub too_many_items_lost: bool,
    /// Fines are outstanding.
    pub excessive_outstanding_fines: bool,
    /// Fees are outstanding.
    pub excessive_outstanding_fees: bool,
    /// A recalled item is overdue.
    pub recall_overdue: bool,
    /// Too many items are billed.
    pub too_many_items_billed: bool,
}

impl PatronStatus {
    const FLAGS: usize = 14;

    fn from_flags(flags: [bool; Self::FLAGS]) -> Self {
        let [
            charge,
            renewal,
            recall,
            hold,
            lost_card,
            charged,
            overdue,
            rest @ ..,
        ] = flags;
        let [renewals, claims, lost, fines, fees, recall_overdue, billed] = rest;
        Self {
            charge_privileges_denied: charge,
            renewal_privileges_denied: renewal,
            recall_privileges_denied: recall,
            hold_privileges_denied: hold,
            card_reported_lost: lost_card,
            too_many_items_charged: charged,
            too_many_items_overdue: overdue,
            too_many_renewals: renewals,
            too_many_claims_of_items_returned: claims,
            too_many_items_lost: lost,
            excessive_outstanding_fines: fines,
            excessive_outstanding_fees: fees,
            recall_overdue,
            too_many_items_billed: billed,
        }
    }

    fn flags(self) -> [bool; Self::FLAGS] {
        [
            self.charge_privileges_denied,
            self.renewal_privileges_denied,
            self.recall_privileges_denied,
            self.hold_privileges_denied,
            self.card_reported_lost,
            self.too_many_items_charged,
            self.too_many_items_overdue,
            self.too_many_renewals,
            self.too_many_claims_of_items_returned,
            self.too_many_items_lost,
            self.excessive_outstanding_fines,
            self.excessive_outstanding_fees,
            self.recall_overdue,
            self.too_many_items_billed,
        ]
    }
}

/// `Y`, or a blank; some write `N` for it.
impl Codec for PatronStatus {
    type Value = Self;
    const WIDTH: usize = Self::FLAGS;

    fn read(text: &str) -> Option<Self> {
        let bytes: [u8; Self::FLAGS] = text.as_bytes().try_into().ok()?;
        let known = bytes.iter().all(|byte| matches!(byte, b'Y' | b'N' | b' '));
        known.then(|| Self::from_flags(bytes.map(|byte| byte == b'Y')))
    }

    fn write(value: &Self, out: &mut String) {
        out.extend(value.flags().map(|flag| if flag { 'Y' } else { ' ' }));
    }
}

/// Which list of a patron's items 63 asks for; only one may be asked for at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Summary {
    /// AS.
    HoldItems,
    /// AT.
    OverdueItems,
    /// AU.
    ChargedItems,
    /// AV.
    FineItems,
    /// BU.
    RecallItems,
    /// CD.
    UnavailableHolds,
    /// Fees; there is no list of them.
    FeeItems,
}

impl Summary {
    const ORDER: [Self; 7] = [
        Self::HoldItems,
        Self::OverdueItems,
        Self::ChargedItems,
        Self::FineItems,
        Self::RecallItems,
        Self::UnavailableHolds,
        Self::FeeItems,
    ];
}

/// Ten characters, a `Y` at the place of the list wanted. Where several are, the first is meant.
impl Codec for Summary {
    type Value = Option<Self>;
    const WIDTH: usize = 10;

    fn read(text: &str) -> Option<Option<Self>> {
        if !text.bytes().all(|byte| matches!(byte, b'Y' | b'N' | b' ')) {
            return None;
        }
        let place = text.bytes().position(|byte| byte == b'Y');
        Some(place.and_then(|place| Self::ORDER.get(place)).copied())
    }

    fn write(value: &Option<Self>, out: &mut String) {
        let place = value.and_then(|wanted| Self::ORDER.iter().position(|one| *one == wanted));
        out.extend((0..Self::WIDTH).map(|at| if Some(at) == place { 'Y' } else { ' ' }));
    }
}

/// What is to happen to a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HoldMode {
    /// `+`.
    #[default]
    Add,
    /// `-`.
    Delete,
    /// `*`.
    Change,
}

impl Codec for HoldMode {
    type Value = Self;
    const WIDTH: usize = 1;

    fn read(text: &str) -> Option<Self> {
        match text {
            "+" => Some(Self::Add),
            "-" => Some(Self::Delete),
            "*" => Some(Self::Change),
            _ => None,
        }
    }

    fn write(value: &Self, out: &mut String) {
        out.push(match value {
            Self::Add => '+',
            Self::Delete => '-',
            Self::Change => '*',
        });
    }
}
