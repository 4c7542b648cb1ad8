//! The forms of barcodes: what a reader's looks like, what an item's, and how one is caught that
//! is held in place of the other.

use lujiang_config::{LendingSection, Pattern};
use lujiang_wire::normalise_reader;

use super::{Barcode, ReaderCard, Refused};

/// The two forms, from the configuration.
#[derive(Debug, Clone)]
pub(super) struct Forms {
    reader: Pattern,
    item: Pattern,
}

impl Forms {
    pub(super) fn of(section: &LendingSection) -> Self {
        Self {
            reader: section.reader_pattern.clone(),
            item: section.item_pattern.clone(),
        }
    }

    /// What was read where a reader is expected.
    pub(super) fn reader(&self, read: &str) -> Result<ReaderCard, Refused> {
        let normalised = normalise_reader(read);
        if self.reader.matches(&normalised) {
            return Ok(ReaderCard::new(normalised));
        }
        if self.item.matches(read.trim()) {
            return Err(Refused::LooksLikeAnItem);
        }
        Err(Refused::UnknownForm)
    }

    /// What was read where an item is expected.
    pub(super) fn item(&self, read: &str) -> Result<Barcode, Refused> {
        let read = read.trim();
        if self.item.matches(read) {
            // A pattern may allow what no label may be.
            let label = read.parse().map_err(|_| Refused::UnknownForm)?;
            return Ok(Barcode::new(label));
        }
        if self.reader.matches(&normalise_reader(read)) {
            return Err(Refused::LooksLikeAReader);
        }
        Err(Refused::UnknownForm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms() -> Forms {
        Forms::of(&LendingSection::default())
    }

    #[test]
    fn a_reader_is_known_however_it_was_typed() {
        let typed = [
            "43022319900101123x",
            " ４３０２２３１９９００１０１１２３Ｘ\u{3000}",
        ];
        for read in typed {
            assert_eq!(forms().reader(read).unwrap().reveal(), "43022319900101123X");
        }
    }

    #[test]
    fn a_reader_held_in_place_of_an_item_is_caught_and_the_reverse() {
        let forms = forms();
        assert_eq!(
            forms.item("43022319900101123x"),
            Err(Refused::LooksLikeAReader)
        );
        assert_eq!(forms.reader("LL00012345"), Err(Refused::LooksLikeAnItem));
        for neither in ["", "?", "430223", "ll00012345\u{7}"] {
            assert_eq!(
                forms.reader(neither).err(),
                match neither {
                    "430223" => Some(Refused::LooksLikeAnItem),
                    _ => Some(Refused::UnknownForm),
                }
            );
        }
        assert_eq!(forms.item("hello"), Err(Refused::UnknownForm));
        assert_eq!(forms.item(" LL00012345 ").unwrap().as_str(), "LL00012345");
    }
}
