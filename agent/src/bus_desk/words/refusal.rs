//! Why something is refused, in words: one sentence for each reason, and what to do about it. The
//! crew reads it in a moving bus with a reader waiting: it names the thing and the remedy.

use lujiang_config::DeskLanguage;

use super::choose;
use super::said::Told;
use crate::lending::{Limit, Refused};

/// A fact and what to do about it, in Chinese and English.
struct Sentence {
    fact: (&'static str, &'static str),
    remedy: (&'static str, &'static str),
}

impl Sentence {
    /// In one language, with a number where the fact has one.
    fn say(&self, language: DeskLanguage, most: u32) -> Told {
        let fact = choose(language, self.fact.0, self.fact.1);
        Told {
            fact: fact.replace("{most}", &most.to_string()),
            remedy: choose(language, self.remedy.0, self.remedy.1).to_owned(),
        }
    }
}

/// Why something is refused, as a sentence of its own.
pub(crate) fn why(language: DeskLanguage, refused: Refused) -> Told {
    match refused {
        Refused::UnknownForm => UNKNOWN_FORM.say(language, 0),
        Refused::LooksLikeAnItem => LOOKS_LIKE_AN_ITEM.say(language, 0),
        Refused::LooksLikeAReader => LOOKS_LIKE_A_READER.say(language, 0),
        Refused::NotLentOffline => NOT_LENT_OFFLINE.say(language, 0),
        Refused::NoPapers => NO_PAPERS.say(language, 0),
        Refused::ReaderBlocked => READER_BLOCKED.say(language, 0),
        Refused::ItemAlreadyLentHere => ITEM_ALREADY_LENT_HERE.say(language, 0),
        Refused::LimitReached {
            limit: Limit::Out,
            most,
        } => LIMIT_OUT_REACHED.say(language, most),
        Refused::LimitReached {
            limit: Limit::Day,
            most,
        } => LIMIT_DAY_REACHED.say(language, most),
        Refused::NotRenewedOffline => NOT_RENEWED_OFFLINE.say(language, 0),
        Refused::NotLentHere => NOT_LENT_HERE.say(language, 0),
        Refused::LentToAnother => LENT_TO_ANOTHER.say(language, 0),
        Refused::RenewalLimitReached { most } => {
            RENEWAL_LIMIT_REACHED.say(language, u32::from(most))
        }
        Refused::RenewalGainsNothing => RENEWAL_GAINS_NOTHING.say(language, 0),
        Refused::ItemListedTwice => ITEM_LISTED_TWICE.say(language, 0),
        Refused::TooManyItems { most } => TOO_MANY_ITEMS.say(language, most),
        Refused::NoItems => NO_ITEMS.say(language, 0),
        Refused::NotUndoable => NOT_UNDOABLE.say(language, 0),
        Refused::StopOpen => STOP_OPEN.say(language, 0),
        Refused::NoStopOpen => NO_STOP_OPEN.say(language, 0),
        Refused::ReturnedAlready => RETURNED_ALREADY.say(language, 0),
        Refused::NoRoom => NO_ROOM.say(language, 0),
        Refused::Failed => FAILED.say(language, 0),
    }
}

const UNKNOWN_FORM: Sentence = Sentence {
    fact: ("不认识这个条码", "this is no barcode of the library"),
    remedy: (
        "它既不是读者证也不是图书条码。请再扫一次，或手工输入。",
        "It is neither a reader's card nor an item. Scan again, or type it.",
    ),
};

const LOOKS_LIKE_AN_ITEM: Sentence = Sentence {
    fact: (
        "这是图书，不是读者证",
        "that is an item, not a reader's card",
    ),
    remedy: (
        "请先扫读者证，再扫图书。",
        "Scan the reader's card first, then the items.",
    ),
};

const LOOKS_LIKE_A_READER: Sentence = Sentence {
    fact: (
        "这是读者证，不是图书",
        "that is a reader's card, not an item",
    ),
    remedy: (
        "请扫图书上的条码；要换读者，请点“换读者”。",
        "Scan the barcode on the item; for another reader press \"Next reader\".",
    ),
};

const NOT_LENT_OFFLINE: Sentence = Sentence {
    fact: (
        "本机设为离线只还不借",
        "this desk only takes back while off-line",
    ),
    remedy: (
        "请让读者到馆里办理。",
        "Ask the reader to come to the library.",
    ),
};

const NO_PAPERS: Sentence = Sentence {
    fact: (
        "还没有离线借阅资料",
        "this desk has no papers for lending yet",
    ),
    remedy: (
        "请让本机联网一次，资料会自动下载；归还不受影响。",
        "Connect this computer once, they come by themselves; returns work meanwhile.",
    ),
};

const READER_BLOCKED: Sentence = Sentence {
    fact: ("该读者证已停用", "this reader is blocked"),
    remedy: (
        "请读者联系总馆办理后再借；归还不受影响。",
        "Ask the reader to see the main library; returns work meanwhile.",
    ),
};

const ITEM_ALREADY_LENT_HERE: Sentence = Sentence {
    fact: (
        "这本书已经借出，还没有还",
        "this item is lent already and is not back",
    ),
    remedy: (
        "刚才扫过的不必再扫；别人还来的书，请先按“归还”。",
        "If it was just scanned, go on; if somebody brought it back, press \"Return\" first.",
    ),
};

const LIMIT_OUT_REACHED: Sentence = Sentence {
    fact: ("该读者已借满 {most} 册", "this reader has {most} items out"),
    remedy: ("请先归还，再借。", "Take something back first."),
};

const LIMIT_DAY_REACHED: Sentence = Sentence {
    fact: (
        "该读者今天已借 {most} 册",
        "this reader was lent {most} items today",
    ),
    remedy: (
        "请明天再借，或到馆里办理。",
        "Come back tomorrow, or to the library.",
    ),
};

const NOT_RENEWED_OFFLINE: Sentence = Sentence {
    fact: ("本机不办离线续借", "this desk renews nothing off-line"),
    remedy: (
        "请到馆里或联网后续借。",
        "Renew at the library, or on-line.",
    ),
};

const NOT_LENT_HERE: Sentence = Sentence {
    fact: ("这本书不是在本机借出的", "this item was not lent here"),
    remedy: (
        "请到馆里或联网后续借。",
        "Renew at the library, or on-line.",
    ),
};

const LENT_TO_ANOTHER: Sentence = Sentence {
    fact: (
        "这本书借给了另一位读者",
        "this item is lent to another reader",
    ),
    remedy: (
        "请核对读者证；书若已还来，请按“归还”。",
        "Check the card; if it came back, press \"Return\".",
    ),
};

const RENEWAL_LIMIT_REACHED: Sentence = Sentence {
    fact: ("续借已满 {most} 次", "it was renewed {most} times already"),
    remedy: ("请按期归还。", "It has to come back when it is due."),
};

const RENEWAL_GAINS_NOTHING: Sentence = Sentence {
    fact: (
        "今天续借，还期不会更晚",
        "renewed today it would be due no later",
    ),
    remedy: (
        "请临近到期时再续借。",
        "Renew it nearer to the day it is due.",
    ),
};

const ITEM_LISTED_TWICE: Sentence = Sentence {
    fact: (
        "这本书在清单里出现两次",
        "this item stands twice in the list",
    ),
    remedy: ("请改正清单，再核对。", "Mend the list, and check it again."),
};

const TOO_MANY_ITEMS: Sentence = Sentence {
    fact: ("一次最多 {most} 册", "at most {most} items at once"),
    remedy: ("请分成几次办理。", "Do it in several parts."),
};

const NO_ITEMS: Sentence = Sentence {
    fact: ("清单里没有条码", "the list has no barcodes"),
    remedy: ("请改正清单，再核对。", "Mend the list, and check it again."),
};

const NOT_UNDOABLE: Sentence = Sentence {
    fact: ("这条记录不能再撤销", "this can be undone no more"),
    remedy: (
        "这本书之后又有借还。请按“归还”或“借出”改正。",
        "Something happened to the item since. Put it right with \"Return\" or \"Lend\".",
    ),
};

const STOP_OPEN: Sentence = Sentence {
    fact: ("已有一站正在进行", "a stop is open already"),
    remedy: ("请先结束那一站。", "Close it first."),
};

const NO_STOP_OPEN: Sentence = Sentence {
    fact: ("没有开站", "no stop is open"),
    remedy: ("请先开站，再借还。", "Open a stop first."),
};

const RETURNED_ALREADY: Sentence = Sentence {
    fact: (
        "这本书在本站已经归还",
        "this item was returned at this stop already",
    ),
    remedy: (
        "没有再记一次，可以放回书架。",
        "It is not noted again; put it on the shelf.",
    ),
};

const NO_ROOM: Sentence = Sentence {
    fact: (
        "存储已满，停止借还",
        "storage is full, the desk has stopped",
    ),
    remedy: (
        "请开到有网络的地方，待传记录送出后自动恢复；期间请用纸笔登记。",
        "Go where there is a network: it goes on when the waiting facts have left. Until then, note it on paper.",
    ),
};

const FAILED: Sentence = Sentence {
    fact: ("没有写入磁盘", "it could not be written to disk"),
    remedy: (
        "请再扫一次；若仍不行，请改用纸笔登记并联系技术员。",
        "Scan again; if it fails again, note it on paper and call a technician.",
    ),
};
