//! Claims about the store on a real disk.

use std::time::Duration;

use crate::ledger::conformance;

use super::*;

#[test]
fn sqlite_is_a_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    let fresh = || {
        count.set(count.get() + 1);
        let path = folder.path().join(format!("{}.db", count.get()));
        Store::open(&path, StoreOptions::default()).unwrap()
    };
    let reopen = |store: Store| {
        let path = store.path().to_owned();
        store.close();
        Store::open(&path, StoreOptions::default()).unwrap()
    };
    conformance::hold_all(&fresh, &reopen);
}

#[test]
fn opening_writes_to_the_disk_once_and_syncs_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let asked = |options| {
        let store = Store::open(&path, options).unwrap();
        let found = store
            .decide_blocking(|tx| {
                let pragma = |name: &str| tx.pragma_query_value(None, name, |row| row.get(0));
                let opened = "SELECT value FROM meta WHERE key = 'opened'";
                Ok((
                    pragma("synchronous")?,
                    pragma("secure_delete")?,
                    tx.query_row(opened, [], |row| row.get(0))?,
                ))
            })
            .unwrap();
        store.close();
        found
    };
    let off = StoreOptions {
        synchronous: Synchronous::Off,
        ..StoreOptions::default()
    };

    let (synchronous, secure, opened): (i64, i64, String) = asked(StoreOptions::default());
    assert_eq!((synchronous, secure, opened.as_str()), (2, 1, "1"));
    let (synchronous, _, opened): (i64, i64, String) = asked(off);
    assert_eq!((synchronous, opened.as_str()), (0, "2"));
}

#[test]
fn a_file_that_is_no_ledger_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.db");
    let connection = rusqlite::Connection::open(&other).unwrap();
    connection
        .execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1)")
        .unwrap();
    drop(connection);
    let garbage = folder.path().join("garbage.db");
    std::fs::write(&garbage, [7_u8; 9_000]).unwrap();

    for path in [&other, &garbage] {
        assert!(Store::open(path, StoreOptions::default()).is_err());
    }
    assert_eq!(std::fs::read(&garbage).unwrap(), [7_u8; 9_000]);
    assert!(LedgerFile::open(&folder.path().join("none.db")).is_err());
    assert!(!folder.path().join("none.db").exists());
}

#[test]
fn a_making_cut_short_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    std::fs::write(&path, b"").unwrap();

    let store = Store::open(&path, StoreOptions::default()).unwrap();

    assert_eq!(store.head().unwrap().number, EntryNumber::NONE);
}

#[tokio::test]
async fn a_closed_store_refuses_and_does_not_hang() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let store = Store::open(&path, StoreOptions::default()).unwrap();
    let clone = store.clone();
    store.close();

    let refused = tokio::time::timeout(Duration::from_secs(5), clone.decide(|_| Ok(())));

    assert!(refused.await.unwrap().is_err());
}

#[test]
fn after_a_disk_that_took_no_writes_what_was_committed_stands_outside_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let store = Store::open(&path, StoreOptions::default()).unwrap();
    let note = |text: &'static str| {
        store.decide_blocking(move |tx| {
            tx.execute("INSERT INTO meta VALUES (?1, '')", [text])?;
            Ok(())
        })
    };
    note("before").unwrap();
    let refused = store.decide_blocking(|_| -> Result<(), LedgerError> { Err(LedgerError::Full) });
    assert!(matches!(refused, Err(LedgerError::Full)));
    note("after").unwrap();

    // The database alone, as it would be if the log's pages had never reached the disk.
    let alone = folder.path().join("alone.db");
    std::fs::copy(&path, &alone).unwrap();
    let stands: i64 = rusqlite::Connection::open(&alone)
        .unwrap()
        .query_row(
            "SELECT count(*) FROM meta WHERE key = 'before'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(stands, 1);
}
