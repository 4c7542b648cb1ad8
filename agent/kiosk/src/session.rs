//! Who is at the shelf: sessions that name nobody, what is counted of each, and the book each has
//! open.
//!
//! A session begins with the first thing worth counting, is known by a random name in the browser,
//! and ends on idle or when its reader leaves; until then the shelf stays as it is. It knows no
//! clock, no disk and no HTTP; what an open book is, is for others to say (`B`).

use std::collections::BTreeMap;
use std::time::Duration;

use lujiang_wire::{Fact, KioskUsed, Label, Uptime};

use crate::shelf::{Reading, Shelf};
use crate::usage::{Act, Usage};

/// Most sessions at once. A kiosk has one screen; beyond it whoever is idle longest is gone.
const SESSIONS_MAX: usize = 16;

/// The sessions of a kiosk.
#[derive(Debug)]
pub(crate) struct Sessions<B> {
    limits: IdleLimits,
    shelf: Shelf,
    sessions: BTreeMap<SessionId, Session<B>>,
    /// Files that are being given out, each to the session that asked for it.
    lent: BTreeMap<LentId, Lent>,
    next: LentId,
}

/// A file that is being given out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LentId(u64);

#[derive(Debug)]
struct Lent {
    session: SessionId,
    title: Label,
    touched: Uptime,
}

/// How long a session lives without a touch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IdleLimits {
    /// At the shelf.
    pub(crate) shelf: Duration,
    /// In a book.
    pub(crate) book: Duration,
}

/// The name of a session: random, of letters and digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SessionId(Label);

#[derive(Debug)]
struct Session<B> {
    touched: Uptime,
    usage: Usage,
    open: Option<OpenBook<B>>,
    /// Whether its last book was taken from it: its licence is over.
    is_ended: bool,
    /// Keeps the shelf as it is, for as long as the session lives.
    _reading: Reading,
}

/// A book that is open.
#[derive(Debug)]
pub(crate) struct OpenBook<B> {
    /// Which.
    pub(crate) title: Label,
    /// The book.
    pub(crate) book: B,
}

impl SessionId {
    /// The name in these 16 random bytes.
    pub(crate) fn new(random: [u8; 16]) -> Self {
        Self(hex::encode(random).parse().expect("hexadecimal digits"))
    }

    /// The name a browser brings, where it may be one.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| text.parse().ok().map(Self)).flatten()
    }

    /// As it is told.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl<B> Sessions<B> {
    /// Nobody is there.
    pub(crate) fn new(limits: IdleLimits, shelf: Shelf) -> Self {
        Self {
            limits,
            shelf,
            sessions: BTreeMap::new(),
            lent: BTreeMap::new(),
            next: LentId::default(),
        }
    }

    /// Whether this session lives.
    pub(crate) fn is_there(&self, id: &SessionId) -> bool {
        self.sessions.contains_key(id)
    }

    /// Somebody is there: the session begins if it did not yet.
    pub(crate) fn enter(&mut self, id: &SessionId, now: Uptime) {
        if self.is_there(id) {
            return self.touch(id, now);
        }
        if self.sessions.len() >= SESSIONS_MAX {
            let idlest = self.sessions.iter().min_by_key(|(_, it)| it.touched);
            if let Some(idlest) = idlest.map(|(id, _)| id.clone()) {
                self.sessions.remove(&idlest);
            }
        }
        let session = Session {
            touched: now,
            usage: Usage::default(),
            open: None,
            is_ended: false,
            _reading: self.shelf.begin_reading(),
        };
        self.sessions.insert(id.clone(), session);
    }

    /// The reader touched something at this time.
    pub(crate) fn touch(&mut self, id: &SessionId, at: Uptime) {
        if let Some(session) = self.sessions.get_mut(id) {
            session.touched = session.touched.max(at);
        }
    }

    /// What is to be told of this act: nothing of a double click, nothing of a session that ended.
    pub(crate) fn count(
        &mut self,
        id: &SessionId,
        title: &Label,
        act: Act,
        now: Uptime,
    ) -> Vec<Fact> {
        let Some(session) = self.sessions.get_mut(id) else {
            return Vec::new();
        };
        let metrics = session.usage.count(title, act, now);
        let fact = |metric| {
            Fact::KioskUsed(KioskUsed {
                title: title.clone(),
                metric,
                session: id.0.clone(),
            })
        };
        metrics.into_iter().map(fact).collect()
    }

    /// How many others have this title open, or are being given its file.
    pub(crate) fn others_with(&self, id: &SessionId, title: &Label) -> usize {
        let is_other = |(other, session): &(&SessionId, &Session<B>)| {
            *other != id && session.open.as_ref().is_some_and(|it| it.title == *title)
        };
        let is_lent = |it: &&Lent| it.session != *id && it.title == *title;
        let lent = self.lent.values().filter(is_lent).count();
        self.sessions.iter().filter(is_other).count() + lent
    }

    /// A title's file begins to be given out.
    pub(crate) fn lend(&mut self, id: &SessionId, title: &Label, now: Uptime) -> LentId {
        let lent = self.next;
        self.next = LentId(lent.0 + 1);
        let entry = Lent {
            session: id.clone(),
            title: title.clone(),
            touched: now,
        };
        self.lent.insert(lent, entry);
        lent
    }

    /// More of the file was taken.
    pub(crate) fn touch_lent(&mut self, lent: LentId, now: Uptime) {
        if let Some(it) = self.lent.get_mut(&lent) {
            it.touched = now;
        }
    }

    /// The file is given out, or nobody takes it any more.
    pub(crate) fn give_back(&mut self, lent: LentId) {
        self.lent.remove(&lent);
    }

    /// The session opens a book, and closes the one before.
    pub(crate) fn open(&mut self, id: &SessionId, book: OpenBook<B>) {
        if let Some(session) = self.sessions.get_mut(id) {
            session.open = Some(book);
            session.is_ended = false;
        }
    }

    /// The book a session has open.
    pub(crate) fn book(&self, id: &SessionId) -> Option<&OpenBook<B>> {
        self.sessions.get(id)?.open.as_ref()
    }

    /// The same, to turn its pages.
    pub(crate) fn book_mut(&mut self, id: &SessionId) -> Option<&mut OpenBook<B>> {
        self.sessions.get_mut(id)?.open.as_mut()
    }

    /// All books that are open.
    pub(crate) fn books_mut(&mut self) -> impl Iterator<Item = &mut OpenBook<B>> {
        self.sessions.values_mut().filter_map(|it| it.open.as_mut())
    }

    /// The reader closes the book.
    pub(crate) fn close(&mut self, id: &SessionId) {
        if let Some(session) = self.sessions.get_mut(id) {
            session.open = None;
            session.is_ended = false;
        }
    }

    /// The reader leaves.
    pub(crate) fn leave(&mut self, id: &SessionId) {
        self.sessions.remove(id);
    }

    /// Ends the sessions that are idle for too long; who takes nothing of a file for as long as a
    /// book may lie open holds no copy of it.
    pub(crate) fn end_idle(&mut self, now: Uptime) {
        let IdleLimits { shelf, book } = self.limits;
        self.sessions.retain(|_, session| {
            let limit = if session.open.is_some() { book } else { shelf };
            now.as_duration()
                .saturating_sub(session.touched.as_duration())
                < limit
        });
        let idle = |it: &Lent| now.as_duration().saturating_sub(it.touched.as_duration());
        self.lent.retain(|_, it| idle(it) < book);
    }

    /// Closes the books that may not be read any more.
    pub(crate) fn close_unless(&mut self, may_be_read: impl Fn(&Label) -> bool) {
        for session in self.sessions.values_mut() {
            if session
                .open
                .as_ref()
                .is_some_and(|it| !may_be_read(&it.title))
            {
                session.open = None;
                session.is_ended = true;
            }
        }
    }

    /// Whether the book of a session was closed by its licence, and not by its reader.
    pub(crate) fn was_ended(&self, id: &SessionId) -> bool {
        self.sessions.get(id).is_some_and(|it| it.is_ended)
    }
}

#[cfg(test)]
mod tests {
    use lujiang_wire::Metric;

    use super::*;

    const LIMITS: IdleLimits = IdleLimits {
        shelf: Duration::from_secs(60),
        book: Duration::from_secs(300),
    };

    #[test]
    fn a_session_ends_on_idle_later_in_a_book_and_until_then_the_shelf_stays() {
        let (mut sessions, [ann, ben]) = two();
        sessions.enter(&ann, at(0));
        sessions.enter(&ben, at(0));
        sessions.open(&ann, opened("t"));
        assert_eq!(readings(&sessions), 2, "who looks for a book is a reader");

        sessions.end_idle(at(59));
        assert!(sessions.is_there(&ben));
        sessions.end_idle(at(60));
        assert!(!sessions.is_there(&ben) && sessions.is_there(&ann));
        assert_eq!(readings(&sessions), 1);
        sessions.touch(&ann, at(100));
        sessions.end_idle(at(399));
        assert!(sessions.is_there(&ann));
        sessions.end_idle(at(400));
        assert!(!sessions.is_there(&ann));
        assert_eq!(readings(&sessions), 0);
    }

    #[test]
    fn a_touch_heard_late_sets_no_clock_back() {
        let (mut sessions, [ann, _]) = two();
        sessions.enter(&ann, at(50));
        sessions.touch(&ann, at(10));
        sessions.end_idle(at(100));
        assert!(sessions.is_there(&ann));
    }

    #[test]
    fn what_is_unique_is_unique_in_each_session() {
        let (mut sessions, [ann, ben]) = two();
        sessions.enter(&ann, at(0));
        sessions.enter(&ben, at(0));
        for id in [&ann, &ben] {
            let facts = sessions.count(id, &label("t"), Act::Investigate, at(1));
            let unique = facts.iter().filter(|fact| {
                matches!(fact, Fact::KioskUsed(used)
                    if used.metric == Metric::UniqueTitleInvestigations
                        && used.session.as_str() == id.as_str())
            });
            assert_eq!(unique.count(), 1);
        }
        let gone = SessionId::new([9; 16]);
        assert!(
            sessions
                .count(&gone, &label("t"), Act::Request, at(1))
                .is_empty()
        );
    }

    #[test]
    fn a_book_closes_when_its_licence_is_over_and_no_other() {
        let (mut sessions, [ann, ben]) = two();
        for (id, title) in [(&ann, "over"), (&ben, "runs")] {
            sessions.enter(id, at(0));
            sessions.open(id, opened(title));
        }
        assert_eq!(sessions.others_with(&ann, &label("runs")), 1);
        assert_eq!(sessions.others_with(&ben, &label("runs")), 0);
        sessions.close_unless(|title| title.as_str() == "runs");
        assert!(sessions.book(&ann).is_none() && sessions.book(&ben).is_some());
        assert!(sessions.is_there(&ann), "she is still at the shelf");
        assert!(sessions.was_ended(&ann) && !sessions.was_ended(&ben));
        sessions.leave(&ann);
        assert_eq!(readings(&sessions), 1);
    }

    #[test]
    fn a_file_nobody_takes_on_holds_no_copy_for_ever() {
        let mut sessions = Sessions::<()>::new(LIMITS, Shelf::default());
        let [ann, ben] = [1, 2].map(|it| SessionId::new([it; 16]));
        let lent = sessions.lend(&ann, &label("runs"), at(0));
        sessions.touch_lent(lent, at(100));
        let book = LIMITS.book.as_secs();
        sessions.end_idle(at(100 + book - 1));
        assert_eq!(sessions.others_with(&ben, &label("runs")), 1);
        assert_eq!(sessions.others_with(&ann, &label("runs")), 0);
        sessions.end_idle(at(100 + book));
        assert_eq!(sessions.others_with(&ben, &label("runs")), 0);
    }

    #[test]
    fn whoever_comes_to_a_full_house_takes_the_place_of_the_idlest() {
        let mut sessions = Sessions::<()>::new(LIMITS, Shelf::default());
        let id = |n: usize| SessionId::new([u8::try_from(n).unwrap(); 16]);
        for n in 0..=SESSIONS_MAX {
            sessions.enter(&id(n), at(n as u64));
        }
        assert!(!sessions.is_there(&id(0)));
        assert!((1..=SESSIONS_MAX).all(|n| sessions.is_there(&id(n))));
    }

    #[test]
    fn a_name_is_read_only_in_the_form_it_was_given() {
        let id = SessionId::new([0xa5; 16]);
        assert_eq!(SessionId::read(id.as_str()), Some(id));
        for wrong in ["", "a5", &"g".repeat(32), &"a".repeat(33)] {
            assert_eq!(SessionId::read(wrong), None, "{wrong}");
        }
    }

    fn two() -> (Sessions<()>, [SessionId; 2]) {
        let ids = [1, 2].map(|n| SessionId::new([n; 16]));
        (Sessions::new(LIMITS, Shelf::default()), ids)
    }

    fn readings(sessions: &Sessions<()>) -> usize {
        *sessions.shelf.readings().borrow()
    }

    fn opened(title: &str) -> OpenBook<()> {
        OpenBook {
            title: label(title),
            book: (),
        }
    }

    fn at(second: u64) -> Uptime {
        Uptime::new(Duration::from_secs(second))
    }

    fn label(text: &str) -> Label {
        text.parse().unwrap()
    }
}
