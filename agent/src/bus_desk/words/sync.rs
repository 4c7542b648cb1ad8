//! The link and what came over it, in words.

use jiff::Timestamp;
use lujiang_config::DeskLanguage;

use super::{choose, number};
use crate::bus_desk::shown::LinkShown;
use crate::lending::Synchronisation;

/// The link.
pub(crate) fn link(language: DeskLanguage, link: LinkShown) -> &'static str {
    let labels = super::labels(language);
    match link {
        LinkShown::Online => labels.online,
        LinkShown::CatchingUp { .. } => labels.catching_up,
        LinkShown::Offline => labels.offline,
        LinkShown::Full => labels.full,
    }
}

/// Since this time.
pub(crate) fn since(language: DeskLanguage, time: &str) -> String {
    choose(language, format!("{time} 起"), format!("since {time}"))
}

/// What a synchronisation did, in the strip: until now where it goes on, else when it ended.
pub(crate) fn delivered_at(
    language: DeskLanguage,
    last: &Synchronisation,
    clock: impl Fn(Timestamp) -> String,
) -> String {
    let settled = number(last.settled);
    match last.ended.map(clock) {
        None => choose(
            language,
            format!("已送达 {settled} 条"),
            format!("{settled} sent so far"),
        ),
        Some(time) => choose(
            language,
            format!("{time} 送达 {settled} 条"),
            format!("{settled} sent {time}"),
        ),
    }
}

/// What a synchronisation did.
pub(crate) fn delivered(language: DeskLanguage, last: &Synchronisation) -> String {
    let (settled, left) = (number(last.settled), number(last.left));
    if last.left == 0 {
        return choose(
            language,
            format!("送达 {settled} 条，全部送完"),
            format!("{settled} facts, all of them"),
        );
    }
    choose(
        language,
        format!("送达 {settled} 条，还有 {left} 条"),
        format!("{settled} facts, {left} left"),
    )
}

/// What kind of conflict came back. A kind of a later gateway is shown by its own word.
pub(crate) fn conflict(language: DeskLanguage, kind: &str) -> String {
    let (chinese, english) = match kind {
        "on-loan-to-another" => ("该书已由他人借出", "On loan to someone else"),
        "not-on-loan" => (
            "该书在图书馆系统里没有借出",
            "Not on loan in the library system",
        ),
        "item-unknown" => (
            "图书馆系统没有这本书",
            "The library system does not know the item",
        ),
        "item-lost" => ("该书登记为丢失", "The item is recorded as lost"),
        "reader-unknown" => (
            "图书馆系统没有这位读者",
            "The library system does not know the reader",
        ),
        "reader-erased" => ("读者身份已按规定清除", "The reader's identity was erased"),
        "reader-blocked" => ("读者证已停用", "The reader is blocked"),
        "reader-at-limit" => ("读者已借满", "The reader has as many items as allowed"),
        "reserved" => ("该书已被预约", "Another reader has reserved it"),
        "renewal-limit" => ("续借次数已满", "Renewed as often as it may be"),
        "refused" => ("图书馆系统未接受", "The library system refused it"),
        "unresolved" => (
            "结果不明，待馆员核对",
            "The outcome is not known, staff will look",
        ),
        "late-while-lent" => (
            "送达太晚，该书已另行借出",
            "It came late, the item was lent since",
        ),
        "order-unclear" => (
            "先后不明，待馆员核对",
            "The order is not clear, staff will look",
        ),
        "undone-too-late" => (
            "撤销太晚，待馆员核对",
            "It was undone too late, staff will look",
        ),
        "overtaken" => (
            "送达前该书已被图书馆系统借出",
            "The library system lent it before it heard of this",
        ),
        other => return other.to_owned(),
    };
    choose(language, chinese, english).to_owned()
}
