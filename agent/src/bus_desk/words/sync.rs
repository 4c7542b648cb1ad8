//! The link and what came over it, in words.

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

/// What the last synchronisation did, in the strip.
pub(crate) fn last_delivered(language: DeskLanguage, time: &str, settled: u64) -> String {
    let settled = number(settled);
    choose(
        language,
        format!("{time} 送达 {settled} 条"),
        format!("{settled} sent {time}"),
    )
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
        "unknown-item" => (
            "馆藏系统没有这本书",
            "The library system does not know the item",
        ),
        "unknown-reader" => (
            "馆藏系统没有这位读者",
            "The library system does not know the reader",
        ),
        "expired-reader" => ("读者证已过期", "The reader's card has expired"),
        "reader-blocked" => ("读者证已停用", "The reader is blocked"),
        "item-lost" => ("该书登记为丢失", "The item is recorded as lost"),
        "renewal-limit" => ("续借次数已满", "Renewed as often as it may be"),
        "unresolved" => (
            "结果不明，待馆员核对",
            "The outcome is not known, staff will look",
        ),
        other => return other.to_owned(),
    };
    choose(language, chinese, english).to_owned()
}
