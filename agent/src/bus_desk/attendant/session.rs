//! Names that nobody has used: of sessions, stops and blocks. They come from chance, so that a
//! restart, or a clock that jumps back, makes none of them twice.

use lujiang_wire::Label;

/// A new name with this beginning, in letters, digits and hyphens.
pub(in crate::bus_desk) fn new_name(prefix: &str) -> Label {
    let mut random = [0; 6];
    getrandom::fill(&mut random).expect("Linux has had random bytes since 3.17");
    let name = format!("{prefix}{}", hex::encode(random));
    name.parse().expect("a short name in plain letters")
}
