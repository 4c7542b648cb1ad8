//! The words of the page, in Chinese and English: object, fact, remedy; no excuses and no
//! exclamation marks. Every text of a page stands here or below, so that both languages say the
//! same.

mod label;
mod refusal;
mod said;
mod sync;

use jiff::civil::Date;
use lujiang_config::DeskLanguage;
use lujiang_wire::{Due, LoanKind};

use super::block::BlockKind;

pub(crate) use label::{Labels, labels};
pub(crate) use refusal::why;
pub(crate) use said::{Told, tell};
pub(crate) use sync::{conflict, delivered, delivered_at, link, since};

/// A text in the language of whoever reads it.
pub(crate) fn choose<T>(language: DeskLanguage, chinese: T, english: T) -> T {
    match language {
        DeskLanguage::Chinese => chinese,
        DeskLanguage::English => english,
    }
}

/// As it stands in `lang`: without a region a browser may draw Japanese forms.
pub(crate) fn html_language(language: DeskLanguage) -> &'static str {
    choose(language, "zh-CN", "en")
}

/// A day, with its year only where that is another than `today`'s.
pub(crate) fn day(language: DeskLanguage, day: Date, today: Date) -> String {
    let (month, of_month) = (day.month(), day.day());
    let chinese = format!("{month}月{of_month}日");
    let name = month_name(day);
    if day.year() == today.year() {
        return choose(language, chinese, format!("{of_month} {name}"));
    }
    whole_day(language, day)
}

/// A day with its year, as on paper.
pub(crate) fn whole_day(language: DeskLanguage, day: Date) -> String {
    let (year, month, of_month) = (day.year(), day.month(), day.day());
    choose(
        language,
        format!("{year}年{month}月{of_month}日"),
        format!("{of_month} {} {year}", month_name(day)),
    )
}

fn month_name(day: Date) -> &'static str {
    let index = usize::try_from(day.month() - 1).unwrap_or(0);
    MONTHS[index]
}

/// Until when something is lent.
pub(crate) fn due(language: DeskLanguage, due: Due, today: Date) -> String {
    let date = match due {
        Due::Day(date) => date,
        Due::Instant(time) => time.to_zoned(jiff::tz::TimeZone::UTC).date(),
    };
    let day = day(language, date, today);
    choose(language, format!("{day}前还"), format!("due {day}"))
}

/// What was done with an item.
pub(crate) fn done(language: DeskLanguage, kind: LoanKind) -> &'static str {
    match kind {
        LoanKind::Checkout => choose(language, "已借出", "Lent"),
        LoanKind::Renew => choose(language, "已续借", "Renewed"),
        LoanKind::Checkin => choose(language, "已归还", "Returned"),
    }
}

/// How many items a reader may borrow besides.
pub(crate) fn items_left(language: DeskLanguage, left: u32) -> String {
    choose(
        language,
        format!("还可借 {left} 册"),
        format!("{left} more may be lent"),
    )
}

/// What was done with a block.
pub(crate) fn block_done(language: DeskLanguage, kind: BlockKind, items: u64) -> String {
    let items = number(items);
    let (chinese, english) = if kind.is_loan() {
        (format!("已借出 {items} 册"), format!("{items} items lent"))
    } else {
        (
            format!("已归还 {items} 册"),
            format!("{items} items returned"),
        )
    };
    choose(language, chinese, english)
}

/// A span of time in its two largest units.
pub(crate) fn span(language: DeskLanguage, span: std::time::Duration) -> String {
    let minutes = span.as_secs() / 60;
    let (days, hours, rest) = (minutes / 1_440, minutes / 60 % 24, minutes % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => choose(language, "不到 1 分钟".to_owned(), "under 1 min".to_owned()),
        (0, 0, _) => choose(language, format!("{rest} 分钟"), format!("{rest} min")),
        (0, _, _) => choose(
            language,
            format!("{hours} 小时 {rest} 分"),
            format!("{hours} h {rest} min"),
        ),
        (_, _, _) => choose(
            language,
            format!("{days} 天 {hours} 小时"),
            format!("{days} d {hours} h"),
        ),
    }
}

/// A number with its thousands apart.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn days_spans_and_numbers_are_said_as_people_say_them() {
        let today: Date = "2026-11-25".parse().unwrap();
        let soon = Due::Day("2026-12-04".parse().unwrap());
        let next_year = Due::Day("2027-01-04".parse().unwrap());
        let (zh, en) = (DeskLanguage::Chinese, DeskLanguage::English);
        assert_eq!(due(zh, soon, today), "12月4日前还");
        assert_eq!(due(en, soon, today), "due 4 Dec");
        assert_eq!(due(zh, next_year, today), "2027年1月4日前还");
        assert_eq!(due(en, next_year, today), "due 4 Jan 2027");
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        assert_eq!(span(zh, minutes(192)), "3 小时 12 分");
        assert_eq!(span(en, minutes(192)), "3 h 12 min");
        assert_eq!(span(zh, Duration::from_secs(59)), "不到 1 分钟");
        assert_eq!(span(zh, minutes(7)), "7 分钟");
        assert_eq!(span(zh, minutes(2 * 1_440 + 61)), "2 天 1 小时");
        let numbers = [0, 999, 1_000, 530_000].map(number);
        assert_eq!(numbers, ["0", "999", "1,000", "530,000"]);
    }
}
