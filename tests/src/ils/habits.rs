//! How one library system answers and another does not.

/// What is the same in all systems of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Honours `no block`: refuses unknown patrons and items only; an item that is out to another
    /// is returned at the transaction's time and then lent. Takes the due date it is told. The
    /// return of what is not on loan is not ok.
    Koha,
    /// Does not know `no block`: what it would refuse at the desk it refuses here. The return of
    /// what is not on loan is ok.
    Evergreen,
    /// Honours `no block` for the patron's and the item's state, but lends nothing that is out to
    /// another, and makes its own due date. The return of what is not on loan is ok.
    Generic,
}

/// What 64 says of the items a patron has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargedItems {
    /// Their barcodes, as the standard has it.
    Barcodes,
    /// Their titles.
    Titles,
    /// Nothing; the count is there.
    Missing,
}

/// From when a renewal lends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenewalBase {
    /// From its day: a loan of the same day is due as before.
    Today,
    /// From the day the item was due: each renewal moves it.
    DueDate,
}

/// How a library system is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Habits {
    /// In the large.
    pub kind: Kind,
    /// What AU holds.
    pub charged_items: ChargedItems,
    /// Whether 18 says where an item is.
    pub tells_items: bool,
    /// From when a renewal lends.
    pub renewal_base: RenewalBase,
    /// Whether a request with the AY and AZ of the one before is answered again, and not executed
    /// again.
    pub knows_duplicates: bool,
    /// Whether it calls readers by name and number in what it says for people.
    pub names_readers: bool,
    /// Who may log in, name and password; with none, anybody may, and needs not.
    pub login: Option<(String, String)>,
    /// What AO says.
    pub institution: String,
}

impl Habits {
    /// A system of that kind without further faults, to which anybody may speak.
    #[must_use]
    pub fn of(kind: Kind) -> Self {
        Self {
            kind,
            charged_items: ChargedItems::Barcodes,
            tells_items: true,
            renewal_base: RenewalBase::Today,
            knows_duplicates: true,
            names_readers: false,
            login: None,
            institution: "liling".to_owned(),
        }
    }

    /// Wants this login before anything else.
    #[must_use]
    pub fn with_login(mut self, name: &str, password: &str) -> Self {
        self.login = Some((name.to_owned(), password.to_owned()));
        self
    }
}
