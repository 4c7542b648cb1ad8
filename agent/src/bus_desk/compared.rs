//! A list that comes back, held against the blocks that are out: what no block here has, and what
//! of the blocks on the list is not on it. Neither is wrong, and both are worth a look before the
//! list is confirmed.

use std::collections::BTreeSet;

use lujiang_wire::Label;

use crate::lending::{Barcode, BlockOut};

/// What a returned list and the blocks that are out do not have in common.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Compared {
    /// Items of the list that are in no block lent here, in the order of the list.
    pub(crate) strangers: Vec<Barcode>,
    /// Blocks that come back in part.
    pub(crate) parts: Vec<Part>,
}

/// A block of which something is on the list, and something is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Its name.
    pub(crate) block: Label,
    /// What of it stays out.
    pub(crate) missing: Vec<Barcode>,
}

/// Holds a list against the blocks of its kind.
pub(crate) fn compare<'a>(
    items: &[Barcode],
    blocks: impl IntoIterator<Item = &'a BlockOut>,
) -> Compared {
    let listed: BTreeSet<&Barcode> = items.iter().collect();
    let mut known = BTreeSet::new();
    let mut parts = Vec::new();
    for block in blocks {
        known.extend(&block.items);
        let is_missing = |item: &&Barcode| !listed.contains(item);
        let missing: Vec<Barcode> = block.items.iter().filter(is_missing).cloned().collect();
        if !missing.is_empty() && missing.len() < block.items.len() {
            parts.push(Part {
                block: block.block.clone(),
                missing,
            });
        }
    }
    let is_stranger = |item: &&Barcode| !known.contains(item);
    Compared {
        strangers: items.iter().filter(is_stranger).cloned().collect(),
        parts,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::lending::test_lending::read_item;

    fn items(numbers: impl IntoIterator<Item = u32>) -> Vec<Barcode> {
        let read = |number| read_item(&format!("LL{number:08}")).unwrap();
        numbers.into_iter().map(read).collect()
    }

    fn out(name: &str, numbers: impl IntoIterator<Item = u32>) -> BlockOut {
        BlockOut {
            block: name.parse().unwrap(),
            day: date(2026, 11, 1),
            due: date(2026, 12, 1),
            items: items(numbers),
        }
    }

    #[test]
    fn what_no_block_has_and_what_a_block_still_misses_are_named() {
        let blocks = [
            out("block-1", 1..=5),
            out("block-2", 6..=8),
            out("block-3", 9..=9),
        ];
        let compared = compare(&items([77, 1, 2, 3, 9, 78]), &blocks);
        assert_eq!(compared.strangers, items([77, 78]));
        let part = Part {
            block: "block-1".parse().unwrap(),
            missing: items([4, 5]),
        };
        assert_eq!(
            compared.parts,
            [part],
            "block-2 is not on the list, block-3 is whole"
        );
    }

    #[test]
    fn a_block_that_comes_back_whole_leaves_nothing_to_say() {
        let blocks = [out("block-1", 1..=5)];
        assert_eq!(compare(&items((1..=5).rev()), &blocks), Compared::default());
    }
}
