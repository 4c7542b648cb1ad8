//! What the right-hand screen shows: for its page, and as JSON for any other program.

use jiff::Timestamp;
use lujiang_wire::Notice;
use serde::Serialize;

use crate::pages::in_address;
use crate::shelf::{NoticeOnDisplay, OnDisplay};

/// A notice that is shown now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item<'d> {
    /// What it says.
    pub(crate) notice: &'d Notice,
    /// Whether its picture is there.
    pub(crate) has_image: bool,
}

/// The playlist as a document.
#[derive(Debug, Serialize)]
pub(crate) struct Playlist<'d> {
    /// Shortest time each stays.
    seconds: u64,
    items: Vec<PlaylistItem<'d>>,
}

#[derive(Debug, Serialize)]
struct PlaylistItem<'d> {
    id: &'d str,
    title: &'d str,
    body: &'d str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    from: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

impl Item<'_> {
    /// Where its picture is; the address changes with its bytes, so that no browser shows an old
    /// one.
    pub(crate) fn image(&self) -> Option<String> {
        let image = self.notice.image.as_ref().filter(|_| self.has_image)?;
        let id = in_address(self.notice.id.as_str());
        Some(format!("/notices/{id}?{}", image.blob))
    }
}

/// The notices of now, in their order: from their beginning on, and no more at their end.
pub(crate) fn now(display: &OnDisplay, now: Timestamp) -> Vec<Item<'_>> {
    let is_now = |it: &&NoticeOnDisplay| {
        let notice = &it.notice;
        notice.from <= now && notice.until.is_none_or(|until| now < until)
    };
    let mut shown: Vec<&NoticeOnDisplay> = display.notices.iter().filter(is_now).collect();
    shown.sort_by(|a, b| {
        let order = a.notice.order.cmp(&b.notice.order);
        order.then_with(|| a.notice.id.cmp(&b.notice.id))
    });
    let shown = shown.into_iter().map(|it| Item {
        notice: &it.notice,
        has_image: it.image.is_some(),
    });
    shown.collect()
}

impl<'d> Playlist<'d> {
    /// The document of these notices.
    pub(crate) fn new(items: &[Item<'d>], seconds: u64) -> Self {
        let items = items.iter().map(|item| {
            let notice = item.notice;
            PlaylistItem {
                id: notice.id.as_str(),
                title: notice.title.as_str(),
                body: &notice.body,
                image: item.image(),
                from: notice.from,
                until: notice.until,
            }
        });
        Self {
            seconds,
            items: items.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_shown_from_its_beginning_until_its_end_and_in_its_order() {
        let display = OnDisplay {
            notices: vec![
                notice("b", "2026-11-02T00:00:00Z", None, 0),
                notice("a", "2026-11-01T00:00:00Z", Some("2026-11-03T00:00:00Z"), 0),
                notice("first", "2026-11-01T00:00:00Z", None, -1),
            ],
            ..OnDisplay::default()
        };
        let at = |time: &str| -> Vec<&str> {
            let items = now(&display, time.parse().unwrap());
            items.iter().map(|it| it.notice.id.as_str()).collect()
        };
        assert_eq!(at("2026-10-31T23:59:59Z"), Vec::<&str>::new());
        assert_eq!(at("2026-11-01T00:00:00Z"), ["first", "a"]);
        assert_eq!(at("2026-11-02T23:59:59Z"), ["first", "a", "b"]);
        assert_eq!(at("2026-11-03T00:00:00Z"), ["first", "b"]);
    }

    fn notice(id: &str, from: &str, until: Option<&str>, order: i32) -> NoticeOnDisplay {
        let notice = Notice {
            id: id.parse().unwrap(),
            title: "通知".parse().unwrap(),
            body: String::new(),
            image: None,
            from: from.parse().unwrap(),
            until: until.map(|it| it.parse().unwrap()),
            order,
        };
        NoticeOnDisplay {
            notice,
            image: None,
        }
    }
}
