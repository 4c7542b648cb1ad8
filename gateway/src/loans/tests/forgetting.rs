//! Readers are forgotten in time and for good: in every file, and by no clock that is wrong.

use std::sync::Mutex;

use super::super::steady_clock::SteadyClock;
use super::*;

/// A clock that a test sets.
struct SetClock(Mutex<(Timestamp, Duration)>);

impl SetClock {
    fn new(wall: &str) -> Arc<Self> {
        Arc::new(Self(Mutex::new((wall.parse().unwrap(), Duration::ZERO))))
    }

    /// So many hours later the wall clock says this.
    fn set(&self, wall: &str, later: u64) {
        let mut now = self.0.lock().unwrap();
        let later = Duration::from_secs(3_600 * later);
        *now = (wall.parse().unwrap(), now.1 + later);
    }
}

impl Clock for SetClock {
    fn wall(&self) -> Timestamp {
        self.0.lock().unwrap().0
    }

    fn uptime(&self) -> Uptime {
        Uptime::new(self.0.lock().unwrap().1)
    }

    fn boot(&self) -> Boot {
        "gateway".parse().unwrap()
    }
}

/// The sealed reader of a fact, as it lies in files.
fn sealed(house: &House, fact: i64) -> Vec<u8> {
    let read = |connection: &rusqlite::Connection| {
        let sql = "SELECT CAST(sealed AS BLOB) FROM person WHERE fact = ?1";
        Ok(connection.query_row(sql, [fact], |row| row.get(0))?)
    };
    house.rehearsal.store.read(read).unwrap()
}

/// Makes all facts so old that their readers' time is over.
async fn age(house: &House) {
    let age = |tx: &Transaction<'_>| {
        let long_ago: Timestamp = "2025-01-01T00:00:00Z".parse().unwrap();
        tx.execute("UPDATE fact SET received = ?1", [long_ago.as_microsecond()])?;
        Ok(())
    };
    house.rehearsal.store.decide(age).await.unwrap();
}

/// Waits until no file holds these bytes: the log is emptied after what it told of.
async fn are_gone(house: &House, bytes: &[u8]) {
    tokio::time::timeout(DEADLINE, async {
        while house.rehearsal.files_hold(bytes) {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn readers_are_forgotten_in_time_and_the_loan_is_told_without() {
    let house = House::open();
    house.send(&loan(1, "checkout", "LJ1", Some("R1"))).await;
    house.is_heard().await;
    let forgotten = house.loans.forget(&admin(), false).await.unwrap();
    assert_eq!((forgotten.readers, house.acts().len()), (0, 0));
    // As if it had come long ago.
    age(&house).await;
    let forgotten = house.loans.forget(&admin(), false).await.unwrap();
    assert_eq!((forgotten.readers, house.person(1)), (1, (false, false)));
    assert_eq!(house.acts(), ["loans.forget"]);
    let exported = house.loans.export(ExportForm::Koc, None, &admin()).await;
    assert_eq!(exported.unwrap().without_reader, [EntryNumber(1)]);
}

#[tokio::test]
async fn of_a_reader_who_is_forgotten_no_file_holds_anything() {
    let house = House::open();
    house.send(&loan(1, "checkout", "LJ1", Some("R1"))).await;
    house.is_heard().await;
    let bytes = sealed(&house, 1);
    assert!(house.rehearsal.files_hold(&bytes));
    age(&house).await;
    house.loans.forget(&admin(), true).await.unwrap();
    assert!(!house.rehearsal.files_hold(&bytes));
}

#[tokio::test]
async fn of_the_reader_of_a_settled_loan_no_file_holds_anything() {
    let house = House::open();
    let lent = loan(1, "checkout", "LJ1", Some("R1"));
    house.send(&lent).await;
    house.is_heard().await;
    let bytes = sealed(&house, 1);
    assert!(house.rehearsal.files_hold(&bytes));
    house.send(&undone(2, &lent)).await;
    house.is_heard().await;
    are_gone(&house, &bytes).await;
}

#[tokio::test]
async fn a_gateway_whose_clock_is_ahead_forgets_nobody_until_it_has_been_right_for_a_while() {
    let clock = SetClock::new("2036-03-02T12:00:00Z");
    let by: Arc<dyn Clock> = Arc::<SetClock>::clone(&clock);
    let house = House::by(Rehearsal::new(), LoansSection::default(), by);
    house.send(&loan(1, "checkout", "LJ1", Some("R1"))).await;
    house.is_heard().await;
    let mut steady = SteadyClock::default();
    // At its start it stands ten years ahead; then it is told the time.
    house.loans.look(&mut steady).await;
    clock.set("2026-03-02T18:00:00Z", 6);
    house.loans.look(&mut steady).await;
    clock.set("2026-03-03T00:00:00Z", 6);
    house.loans.look(&mut steady).await;
    assert_eq!(house.person(1), (true, false), "it is not over");
    // Ahead once more while it runs.
    clock.set("2027-03-03T06:00:00Z", 6);
    house.loans.look(&mut steady).await;
    assert_eq!(
        house.person(1),
        (true, false),
        "nobody can say that it is over"
    );
    // A year later in earnest.
    clock.set("2027-03-03T12:00:00Z", 6);
    house.loans.look(&mut steady).await;
    assert_eq!(house.person(1), (false, false));
}
