//! What the desk says, in words: a fact in large letters, and what to do next below it.

use jiff::civil::Date;
use lujiang_config::DeskLanguage;
use lujiang_wire::LoanKind;

use super::{choose, done, due, why};
use crate::bus_desk::desk::Work;
use crate::bus_desk::said::{Said, Wanted};
use crate::lending::Refused;

/// A fact, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// What is so.
    pub(crate) fact: String,
    /// What to do.
    pub(crate) remedy: String,
}

fn told(fact: impl Into<String>, remedy: impl Into<String>) -> Told {
    Told {
        fact: fact.into(),
        remedy: remedy.into(),
    }
}

/// What was said, in words.
pub(crate) fn tell(language: DeskLanguage, said: &Said, today: Date) -> Told {
    let l = language;
    match said {
        Said::Ready(work) => ready(l, *work),
        Said::ReaderCame(Work::Renew) => told(
            choose(l, "请扫要续借的图书", "Scan the items to renew"),
            choose(l, "一本接一本扫。", "One after the other."),
        ),
        Said::ReaderCame(Work::Lend | Work::Return) => told(
            choose(l, "请扫要借的图书", "Scan the items to lend"),
            choose(l, "一本接一本扫。", "One after the other."),
        ),
        Said::ReaderLeft => told(
            choose(l, "上一位读者已离开", "The last reader has left"),
            choose(
                l,
                "一段时间没有扫码，已清除读者。请扫读者证。",
                "Nothing was scanned for a while. Scan a reader's card.",
            ),
        ),
        Said::Done {
            kind,
            item,
            due: None,
        } => told(done(l, *kind), barcode(l, item.as_str())),
        Said::Done {
            kind,
            item,
            due: Some(day),
        } => {
            let (what, day) = (done(l, *kind), due(l, *day, today));
            let fact = choose(l, format!("{what}，{day}"), format!("{what}, {day}"));
            told(fact, barcode(l, item.as_str()))
        }
        Said::Undone { kind, item } => {
            let fact = match kind {
                LoanKind::Checkout => choose(l, "已撤销借出", "Loan undone"),
                LoanKind::Renew => choose(l, "已撤销续借", "Renewal undone"),
                LoanKind::Checkin => choose(l, "已撤销归还", "Return undone"),
            };
            told(fact, barcode(l, item.as_str()))
        }
        Said::NothingToUndo => told(
            choose(l, "没有可撤销的记录", "There is nothing to undo"),
            choose(
                l,
                "更早的借出，请按“归还”再扫一次。",
                "Take back what was lent earlier with \"Return\".",
            ),
        ),
        Said::UnknownCommand => told(
            choose(l, "不认识的指令码", "Unknown command barcode"),
            choose(
                l,
                "请用本页“指令码”打印出的卡片。",
                "Use the card printed from \"Commands\" of this page.",
            ),
        ),
        Said::Refused { wanted, why, item } => {
            refused(l, *wanted, *why, item.as_ref().map(|it| it.as_str()))
        }
    }
}

fn ready(l: DeskLanguage, work: Work) -> Told {
    match work {
        Work::Lend => told(
            choose(l, "请扫读者证", "Scan a reader's card"),
            choose(l, "然后扫要借的图书。", "Then the items to lend."),
        ),
        Work::Return => told(
            choose(l, "请扫要还的图书", "Scan the items to return"),
            choose(l, "归还不用读者证。", "No card is needed."),
        ),
        Work::Renew => told(
            choose(l, "请扫读者证", "Scan a reader's card"),
            choose(l, "然后扫要续借的图书。", "Then the items to renew."),
        ),
    }
}

fn refused(l: DeskLanguage, wanted: Wanted, refused: Refused, item: Option<&str>) -> Told {
    let Told { fact, remedy } = why(l, refused);
    let what = match wanted {
        Wanted::Reader(_) => choose(l, "未接受", "Not accepted"),
        Wanted::Item(LoanKind::Checkout) => choose(l, "未借出", "Not lent"),
        Wanted::Item(LoanKind::Renew) => choose(l, "未续借", "Not renewed"),
        Wanted::Item(LoanKind::Checkin) => choose(l, "未归还", "Not returned"),
        Wanted::Undoing => choose(l, "未撤销", "Not undone"),
    };
    let remedy = match item {
        Some(item) => choose(
            l,
            format!("{}。{remedy}", barcode(l, item)),
            format!("{}. {remedy}", barcode(l, item)),
        ),
        None => remedy,
    };
    told(
        choose(l, format!("{what}：{fact}"), format!("{what}: {fact}")),
        remedy,
    )
}

fn barcode(l: DeskLanguage, item: &str) -> String {
    choose(l, format!("条码 {item}"), format!("Barcode {item}"))
}
