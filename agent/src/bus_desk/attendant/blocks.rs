//! Block loans at the desk: looking at a list, and writing it.

use lujiang_wire::{Due, Label};

use super::{Attendant, Confirmed, new_name, whole};
use crate::bus_desk::block::{BlockAsked, BlockKind, Draft, DraftId, ItemUndone, Receipt};
use crate::bus_desk::compared::{Compared, compare};
use crate::bus_desk::list;
use crate::bus_desk::scan::normalise;
use crate::lending::{Barcode, BlockLoan, BlockOut, BlockReturn, ReaderCard, Refused};

impl Attendant {
    /// Looks at a list, and keeps it to be confirmed.
    pub(super) fn check(&mut self, asked: BlockAsked) -> DraftId {
        let before = asked.draft.and_then(|id| self.blocks.draft(id)).cloned();
        let kind = before.as_ref().map_or(asked.kind, |before| before.kind);
        let reader = self.borrower(kind, &asked.card, before.as_ref());
        let text = match &asked.block {
            Some(block) => lines_of(&self.items_of(block)),
            None => asked.list,
        };
        let entries = list::read(&text);
        let form = |code: &str| self.lending.validate_item(code);
        let (mut checked, lines) = list::check(&entries, form);
        let wrong = match &reader {
            Err(refused) => Err(*refused),
            Ok(Some(reader)) => self.lending.check_loan(reader, &checked.good),
            Ok(None) => self.lending.check_return(&checked.good),
        };
        let refused = match wrong {
            Ok(wrong) => {
                checked.refuse(wrong, &lines);
                None
            }
            Err(refused) => Some(refused),
        };
        let compared = self.compare(kind, &checked.good);
        let mut draft = Draft {
            id: self.blocks.next_id(),
            kind,
            reader: reader.ok().flatten(),
            block: asked.block,
            list: text,
            checked,
            compared,
            refused,
        };
        if asked.leave_out {
            draft.list = lines_of(&draft.checked.good);
            draft.checked.troubles.clear();
        }
        let id = draft.id;
        self.blocks.keep(draft);
        id
    }

    /// Writes a list that was looked at: all of it, or nothing.
    pub(super) async fn confirm(&mut self, id: DraftId) -> Confirmed {
        if let Some(receipt) = self.blocks.receipt_of(id) {
            return Confirmed::Done(receipt.block.clone());
        }
        let Some(draft) = self.blocks.draft(id).cloned() else {
            return Confirmed::Gone;
        };
        if !draft.is_good() {
            return Confirmed::Refused(id);
        }
        let block = draft.block.clone();
        let block = block.unwrap_or_else(|| new_name(draft.kind.prefix()));
        let written = self.write_block(&draft, block.clone()).await;
        self.note_room(&written);
        match written {
            Ok(receipt) => {
                self.blocks.done(id, receipt);
                Confirmed::Done(block)
            }
            Err(refused) => {
                self.blocks.refuse(id, refused);
                Confirmed::Refused(id)
            }
        }
    }

    /// The receipt of a block: of what was done here since the start, or of what is out.
    pub(super) fn receipt(&self, block: &Label) -> Option<Receipt> {
        if let Some(receipt) = self.blocks.receipt(block) {
            return Some(receipt.clone());
        }
        let mut out = self.lending.blocks_out().into_iter();
        let out = out.find(|out| out.block == *block)?;
        Some(Receipt {
            kind: BlockKind::of_name(&out.block),
            block: out.block,
            card: None,
            day: out.day,
            due: Some(Due::Day(out.due)),
            items: out.items,
            undone: Vec::new(),
        })
    }

    /// Undoes one item of a block.
    pub(super) async fn undo_item(&mut self, block: &Label, code: &str) -> ItemUndone {
        let done = match self.lending.validate_item(&normalise(code)) {
            Ok(item) => {
                let undone = self.lending.undo_in_block(block, &item).await;
                undone.map(|undone| undone.item)
            }
            Err(refused) => Err(refused),
        };
        self.note_room(&done);
        if let Ok(item) = &done {
            self.blocks.undone(block, item);
        }
        ItemUndone {
            done,
            receipt: self.receipt(block),
        }
    }

    async fn write_block(&self, draft: &Draft, block: Label) -> Result<Receipt, Refused> {
        let items = draft.checked.good.clone();
        let session = new_name("bus-");
        let stop = match draft.kind {
            BlockKind::Lend | BlockKind::Return => self.lending.stop(),
            // What the bus carries is no business of a stop.
            BlockKind::Load | BlockKind::Unload => None,
        };
        let stop = stop.map(|stop| stop.opened.stop);
        let due = match &draft.reader {
            Some(reader) => {
                let loan = BlockLoan {
                    reader: reader.clone(),
                    items: items.clone(),
                    block: block.clone(),
                    session,
                    stop,
                };
                let lent = self.lending.block_loan(loan).await.map_err(whole)?;
                lent.first().map(|lent| lent.due)
            }
            None => {
                let back = BlockReturn {
                    items: items.clone(),
                    block: block.clone(),
                    session,
                    stop,
                };
                self.lending.block_return(back).await.map_err(whole)?;
                None
            }
        };
        Ok(Receipt {
            block,
            kind: draft.kind,
            card: draft.reader.as_ref().map(ToString::to_string),
            day: self.lending.today(),
            due,
            items,
            undone: Vec::new(),
        })
    }

    /// Who borrows: nobody where items come back.
    fn borrower(
        &self,
        kind: BlockKind,
        card: &str,
        before: Option<&Draft>,
    ) -> Result<Option<ReaderCard>, Refused> {
        let card = match kind {
            BlockKind::Return | BlockKind::Unload => return Ok(None),
            BlockKind::Load => {
                let own = self.lending.own_card().ok_or(Refused::UnknownForm);
                return own.cloned().map(Some);
            }
            BlockKind::Lend => normalise(card),
        };
        let known = before.and_then(|before| before.reader.clone());
        if card.is_empty()
            && let Some(known) = known
        {
            return Ok(Some(known));
        }
        self.lending.validate_reader(&card).map(Some)
    }

    /// Holds a list that comes back against the blocks of its kind that are out.
    fn compare(&self, kind: BlockKind, items: &[Barcode]) -> Compared {
        if kind.is_loan() {
            return Compared::default();
        }
        let out = self.lending.blocks_out();
        let is_of_kind = |out: &&BlockOut| out.block.as_str().starts_with(kind.prefix());
        compare(items, out.iter().filter(is_of_kind))
    }

    fn items_of(&self, block: &Label) -> Vec<Barcode> {
        let mut out = self.lending.blocks_out().into_iter();
        let found = out.find(|out| out.block == *block);
        found.map(|out| out.items).unwrap_or_default()
    }
}

fn lines_of(items: &[Barcode]) -> String {
    let lines: Vec<&str> = items.iter().map(Barcode::as_str).collect();
    lines.join("\n")
}
