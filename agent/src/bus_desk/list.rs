//! A list of items as it is scanned or pasted, a thousand at a time, and what is wrong with which
//! line of it: blanks, full-width digits, duplicates, readers' cards among the books.

use std::collections::BTreeMap;

use super::scan::normalise;
use crate::lending::{Barcode, Refused};

/// Characters of a code that may be a reader's that are shown.
const SHOWN: usize = 4;

/// Longest code of unknown form that is shown whole: an identity number is longer.
const OPEN_LENGTH_MAX: usize = 14;

/// One entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its line, from 1.
    pub(crate) line: usize,
    /// What it says, in one form.
    pub(crate) code: String,
}

/// One line that cannot be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// Its line, from 1.
    pub(crate) line: usize,
    /// What it says, or the end of it where that may name a reader.
    pub(crate) code: String,
    /// What is wrong with it.
    pub(crate) why: Refused,
    /// The line the same item stood on before.
    pub(crate) first_line: Option<usize>,
}

/// A list that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Checked {
    /// What can be done, in the order of the list.
    pub(crate) good: Vec<Barcode>,
    /// What cannot, by line.
    pub(crate) troubles: Vec<Trouble>,
}

/// Reads a list: one item a line; tabs, commas and semicolons part items, too, as they do in what
/// is pasted from a table. Blank lines count as lines, so that numbers agree with what is seen.
pub(crate) fn read(text: &str) -> Vec<Entry> {
    let lines = text.lines().enumerate();
    let entries = lines.flat_map(|(index, line)| {
        let parts = line.split(['\t', ',', ';', '，', '；', '、']);
        parts.map(move |part| Entry {
            line: index + 1,
            code: normalise(part),
        })
    });
    entries.filter(|entry| !entry.code.is_empty()).collect()
}

/// Looks at each entry: its form, and whether it stood there before.
pub(crate) fn check(
    entries: &[Entry],
    form: impl Fn(&str) -> Result<Barcode, Refused>,
) -> (Checked, BTreeMap<Barcode, usize>) {
    let mut checked = Checked::default();
    let mut lines: BTreeMap<Barcode, usize> = BTreeMap::new();
    for Entry { line, code } in entries {
        let trouble = |why, first_line| Trouble {
            line: *line,
            code: shown(code, why),
            why,
            first_line,
        };
        match form(code) {
            Err(why) => checked.troubles.push(trouble(why, None)),
            Ok(item) => match lines.get(&item) {
                Some(first) => {
                    let twice = trouble(Refused::ItemListedTwice, Some(*first));
                    checked.troubles.push(twice);
                }
                None => {
                    lines.insert(item.clone(), *line);
                    checked.good.push(item);
                }
            },
        }
    }
    (checked, lines)
}

impl Checked {
    /// Takes out what lending refuses; `lines` says where each item stood.
    pub(crate) fn refuse(
        &mut self,
        wrong: Vec<(Barcode, Refused)>,
        lines: &BTreeMap<Barcode, usize>,
    ) {
        let wrong: BTreeMap<Barcode, Refused> = wrong.into_iter().collect();
        self.good.retain(|item| !wrong.contains_key(item));
        let troubles = wrong.into_iter().map(|(item, why)| Trouble {
            line: lines.get(&item).copied().unwrap_or(0),
            code: item.to_string(),
            why,
            first_line: None,
        });
        self.troubles.extend(troubles);
        self.troubles.sort_by_key(|trouble| trouble.line);
    }
}

/// A code that may be a reader's is shown by its end.
fn shown(code: &str, why: Refused) -> String {
    let length = code.chars().count();
    if why != Refused::LooksLikeAReader && length <= OPEN_LENGTH_MAX {
        return code.to_owned();
    }
    let hidden = length - SHOWN.min(length / 2);
    let end: String = code.chars().skip(hidden).collect();
    format!("…{end}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lending::test_lending::read_item;

    fn form(code: &str) -> Result<Barcode, Refused> {
        read_item(code)
    }

    fn checked(text: &str) -> Checked {
        check(&read(text), form).0
    }

    #[test]
    fn each_line_that_cannot_be_done_is_named_by_its_number() {
        let text = "LL00000001\n\n  LL00000002 \r\nLL00000001\n４３０２２３１９９００１０１１２３ｘ\n\
                    ＬＬ００００００３３\n桃花村\nLL00000004,LL00000005\tLL00000002\n";
        let Checked { good, troubles } = checked(text);
        let good: Vec<&str> = good.iter().map(Barcode::as_str).collect();
        assert_eq!(
            good,
            [
                "LL00000001",
                "LL00000002",
                "LL00000033",
                "LL00000004",
                "LL00000005"
            ]
        );
        let told: Vec<_> = troubles
            .iter()
            .map(|it| (it.line, it.code.as_str(), it.why, it.first_line))
            .collect();
        assert_eq!(
            told,
            [
                (4, "LL00000001", Refused::ItemListedTwice, Some(1)),
                (5, "…123x", Refused::LooksLikeAReader, None),
                (7, "桃花村", Refused::UnknownForm, None),
                (8, "LL00000002", Refused::ItemListedTwice, Some(3)),
            ]
        );
    }

    #[test]
    fn what_is_long_enough_to_be_an_identity_is_not_shown_whatever_its_form() {
        let Checked { troubles, .. } = checked("430223199001011@34\n");
        assert_eq!(troubles[0].why, Refused::UnknownForm);
        assert_eq!(troubles[0].code, "…1@34");
    }

    #[test]
    fn what_lending_refuses_takes_its_place_among_the_lines() {
        let entries = read("LL00000001\nx\nLL00000002\nLL00000003");
        let (mut checked, lines) = check(&entries, form);
        let item = |text: &str| form(text).unwrap();
        checked.refuse(
            vec![
                (item("LL00000003"), Refused::ItemAlreadyLentHere),
                (item("LL00000001"), Refused::ItemAlreadyLentHere),
            ],
            &lines,
        );
        assert_eq!(checked.good, [item("LL00000002")]);
        let lines: Vec<usize> = checked.troubles.iter().map(|it| it.line).collect();
        assert_eq!(lines, [1, 2, 4]);
    }

    proptest! {
        #[test]
        fn no_entry_is_lost_and_no_item_is_good_twice(
            codes in prop::collection::vec("(LL000000[0-9]{2}|[a-z]{3}| |[0-9]{17}X)", 0..200),
        ) {
            let entries = read(&codes.join("\n"));
            let written = codes.iter().filter(|code| !code.trim().is_empty()).count();
            prop_assert_eq!(entries.len(), written);
            let (Checked { good, troubles }, lines) = check(&entries, form);
            prop_assert_eq!(good.len() + troubles.len(), entries.len());
            prop_assert_eq!(good.len(), lines.len());
            for entry in &entries {
                let known = form(&entry.code).is_ok_and(|item| lines[&item] <= entry.line);
                let named = troubles.iter().any(|it| it.line == entry.line);
                prop_assert!(known || named);
            }
        }
    }
}
