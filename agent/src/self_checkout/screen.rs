//! What a machine's screen shows and its printer prints where we answer: short, and what to do.

use lujiang_config::MachineLanguage;
use lujiang_sip2::Charset;
use lujiang_wire::Due;

use crate::lending::{Limit, Refused};

/// A language of screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// 中文.
    Chinese,
    /// English.
    English,
}

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// The item is lent until then.
    Lent(Due),
    /// The item is back.
    Back,
    /// What was done is undone.
    Undone,
    /// Nobody can look at the reader's account now.
    AccountUnseen,
    /// It is not done.
    Refused(Refused),
    /// Only the library system can do this.
    NotNow,
    /// It may have been done, and nobody knows.
    Unsure,
}

impl Language {
    /// The language a machine told; none where it told none.
    pub(super) fn told(language: lujiang_sip2::Language) -> Option<Self> {
        match language {
            lujiang_sip2::Language::UNKNOWN => None,
            lujiang_sip2::Language::CHINESE => Some(Self::Chinese),
            _ => Some(Self::English),
        }
    }

    /// This language, or one that the charset has letters for.
    pub(super) fn written_in(self, charset: Charset) -> Self {
        match charset {
            Charset::Utf8 | Charset::Gb18030 | Charset::Gbk => self,
            Charset::Cp850 => Self::English,
        }
    }
}

impl From<MachineLanguage> for Language {
    fn from(language: MachineLanguage) -> Self {
        match language {
            MachineLanguage::Chinese => Self::Chinese,
            MachineLanguage::English => Self::English,
        }
    }
}

impl Words {
    /// The words in this language.
    pub(super) fn in_language(self, language: Language) -> String {
        let pick = |chinese: &str, english: &str| match language {
            Language::Chinese => chinese.to_owned(),
            Language::English => english.to_owned(),
        };
        match self {
            Self::Lent(due) => {
                let due = due.to_string();
                match language {
                    Language::Chinese => format!("借阅成功，请于 {due} 前归还"),
                    Language::English => format!("Lent. Please return by {due}"),
                }
            }
            Self::Back => pick("还书成功", "Returned. Thank you"),
            Self::Undone => pick("已取消", "Cancelled"),
            Self::AccountUnseen => pick(
                "图书馆系统暂时无法连接，可以借还，暂时无法查询",
                "The library system is away: you can borrow and return, but not see your account",
            ),
            Self::NotNow => pick(
                "图书馆系统暂时无法连接，请稍后再试或到服务台办理",
                "Not possible while the library system is away: try later or ask at the desk",
            ),
            Self::Unsure => pick(
                "结果未确认，请勿重复操作，请到服务台办理",
                "Not confirmed: please do not repeat it and ask at the desk",
            ),
            Self::Refused(refused) => of_refusal(refused, language),
        }
    }
}

fn of_refusal(refused: Refused, language: Language) -> String {
    let (chinese, english) = match refused {
        Refused::UnknownForm => (
            "条码无法识别，请重新扫描",
            "Unknown barcode: please scan again",
        ),
        Refused::LooksLikeAnItem => (
            "这是图书条码，请扫描读者证",
            "This is an item: please scan your card",
        ),
        Refused::LooksLikeAReader => (
            "这是读者证，请扫描图书条码",
            "This is a card: please scan the item",
        ),
        Refused::NotLentOffline | Refused::NoPapers => (
            "图书馆系统暂时无法连接，现在只能还书",
            "The library system is away: only returns are possible now",
        ),
        Refused::ReaderBlocked => (
            "此证暂停借阅，请到服务台办理",
            "This card cannot borrow: please ask at the desk",
        ),
        Refused::ItemAlreadyLentHere => (
            "此书已借出，请先归还",
            "This item is on loan: please return it first",
        ),
        Refused::LimitReached {
            limit: Limit::Out | Limit::Day,
            most: _,
        }
        | Refused::TooManyItems { most: _ } => (
            "已达到借阅册数上限",
            "You have borrowed as many items as you may",
        ),
        Refused::NotRenewedOffline | Refused::NotLentHere => (
            "现在无法续借，请稍后再试或到服务台办理",
            "Not renewable now: try later or ask at the desk",
        ),
        Refused::LentToAnother => (
            "此书由其他读者借出",
            "This item is on loan to another reader",
        ),
        Refused::RenewalLimitReached { most: _ } => {
            ("已达到续借次数上限", "This item cannot be renewed any more")
        }
        Refused::RenewalGainsNothing => (
            "现在续借不会延长归还日期",
            "Renewed today it would be due no later",
        ),
        Refused::ItemListedTwice
        | Refused::NoItems
        | Refused::NotUndoable
        | Refused::StopOpen
        | Refused::NoStopOpen
        | Refused::ReturnedAlready
        | Refused::NoRoom
        | Refused::Failed => (
            "现在无法办理，请到服务台",
            "Not possible now: please ask at the desk",
        ),
    };
    match language {
        Language::Chinese => chinese.to_owned(),
        Language::English => english.to_owned(),
    }
}
