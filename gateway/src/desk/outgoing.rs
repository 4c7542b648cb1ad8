//! Facts for a library system that is told by files: what goes out next, and what need not or must
//! not. Nobody is asked; what is written into a file is settled by it.

use jiff::Timestamp;
use lujiang_wire::{Label, Mode};

use crate::desk::Desk;
use crate::desk::conflict::ConflictKind;
use crate::desk::effect::Settled;
use crate::desk::judge::Move;
use crate::desk::step::Stage;
use crate::entry::EntryNumber;

impl Desk {
    /// The next fact of an item that goes out; what needs no telling is settled on the way, and
    /// what nobody can decide is held for staff. None where nothing of it goes out, or no longer.
    /// The item is held: recall it first; and the desk is paused.
    pub fn next_outgoing(&mut self, item: &Label, now: Timestamp) -> Option<EntryNumber> {
        loop {
            let matter = self.matter(item)?;
            let open = matter.open;
            let number = open.fact.number();
            let next = match open.fact.mode {
                // What may have been told over a line, before there was none, is told by a file only
                // if staff wants it.
                _ if matches!(open.stage, Stage::Intended(_)) && !open.is_forced => {
                    Move::Dispute(ConflictKind::Unresolved)
                }
                _ if open.stage == Stage::Proving => Move::Settle(Settled::Told),
                _ if matches!(open.stage, Stage::Disputed(_)) => return None,
                Mode::Offline => matter.unasked(),
                // The library system was asked on-line and never answered: staff has to look.
                Mode::Online if !open.fact.deed.is_sure() => {
                    matter.dispute(ConflictKind::Unresolved)
                }
                // Of an on-line fact the desk knows no reader.
                Mode::Online => return None,
            };
            match next {
                Move::Ask => return Some(number),
                next @ (Move::Settle(_) | Move::Dispute(_)) => {
                    let under_way = self.under_way(item, number, false);
                    self.perform(under_way, next, None, now);
                }
                // Both are said only of what was seen.
                Move::Seek(_) | Move::Send(_) => return None,
            }
        }
    }

    /// A fact is in a file; or is in none, since nobody can say who its reader was.
    pub fn handle_outgoing(
        &mut self,
        item: &Label,
        number: EntryNumber,
        outgoing: Outgoing,
        now: Timestamp,
    ) {
        let next = match (outgoing, self.matter(item)) {
            (_, None) => return,
            (Outgoing::Written, Some(_)) => Move::Settle(Settled::Exported),
            (Outgoing::NoReader, Some(matter)) => matter.dispute(ConflictKind::ReaderErased),
        };
        let under_way = self.under_way(item, number, false);
        self.perform(under_way, next, None, now);
    }
}

/// What became of a fact that was to go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outgoing {
    /// It is in the file.
    Written,
    /// Its reader is no longer kept.
    NoReader,
}
