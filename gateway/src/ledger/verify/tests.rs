//! Claims about the verifier: each damage is named, and nothing else is.

use std::fs;

use rusqlite::Connection;
use serde_json::json;

use super::*;
use crate::intake::RulingVerdict;
use crate::intake::rehearsal::{Rehearsal, batch, dropped, plain, visit};

#[tokio::test]
async fn a_sound_ledger_has_no_finding_while_running_and_after() {
    let house = filled().await;
    let mut seen = Vec::new();
    let report = verify(house.store.path(), &mut |done, total| {
        seen.push((done, total))
    })
    .unwrap();

    assert_eq!(report.findings, []);
    assert_eq!(
        (report.entries, report.accepted, report.quarantined),
        (10, 7, 2)
    );
    assert_eq!((report.admitted, seen), (1, vec![(10, 10)]));
    assert!(closed(house).await.1.is_sound());
}

#[tokio::test]
async fn each_damage_is_named() {
    let (folder, _) = closed(filled().await).await;
    let path = folder.path().join("ledger.db");
    let whole = fs::read(&path).unwrap();
    for (sql, is_named) in damages() {
        fs::write(&path, &whole).unwrap();
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(sql).unwrap();
        drop(connection);

        let report = verify(&path, &mut |_, _| ()).unwrap();

        assert!(
            report.findings.iter().any(is_named),
            "{sql}: {:#?}",
            report.findings
        );
        assert!(report.findings.len() <= 6, "{sql}: {:#?}", report.findings);
    }
}

#[tokio::test]
async fn a_flipped_byte_within_a_record_is_named() {
    let (folder, _) = closed(filled().await).await;
    let path = folder.path().join("ledger.db");
    let mut bytes = fs::read(&path).unwrap();
    let needle = br#""in":7"#;
    let at = bytes
        .windows(needle.len())
        .position(|window| window == needle)
        .unwrap();
    bytes[at + 5] ^= 1;
    fs::write(&path, bytes).unwrap();

    let report = verify(&path, &mut |_, _| ()).unwrap();

    assert!(
        matches!(
            report.findings.as_slice(),
            [Finding::Damaged { number: 1, .. }]
        ),
        "{:#?}",
        report.findings
    );
}

#[tokio::test]
async fn a_page_of_nonsense_is_named_and_ends_nothing_else() {
    let (folder, _) = closed(filled().await).await;
    let path = folder.path().join("ledger.db");
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes
        .windows(13)
        .position(|window| window == b"loan.checkout")
        .unwrap();
    let page = at / 4096 * 4096;
    bytes[page..page + 4096].fill(0xAA);
    fs::write(&path, bytes).unwrap();

    let report = verify(&path, &mut |_, _| ()).unwrap();

    assert!(
        report
            .findings
            .iter()
            .any(|finding| matches!(finding, Finding::Database { .. }))
    );
}

/// Whether a finding is the one expected.
type Named = Box<dyn Fn(&Finding) -> bool>;

/// What is done to a sound ledger, and the finding that names it.
#[expect(clippy::too_many_lines, reason = "a table")]
fn damages() -> Vec<(&'static str, Named)> {
    let damaged = |number: i64, found: &'static str| {
        move |finding: &Finding| match finding {
            Finding::Damaged {
                number: n,
                found: f,
            } => *n == number && f.contains(found),
            _ => false,
        }
    };
    let missing = |finding: &Finding| *finding == Finding::Missing { from: 3, to: 3 };
    vec![
        (
            "UPDATE fact SET body = replace(body, '\"in\":7', '\"in\":8') WHERE number = 1",
            Box::new(damaged(1, "CRC")),
        ),
        (
            "UPDATE fact SET verdict = 'implausible', body = NULL, correction = NULL,
             quality = NULL WHERE number = 1",
            Box::new(damaged(1, "CRC")),
        ),
        (
            "UPDATE fact SET quality = 'synced' WHERE number = 2",
            Box::new(damaged(2, "CRC")),
        ),
        (
            "UPDATE fact SET received = received + 1 WHERE number = 2",
            Box::new(damaged(2, "CRC")),
        ),
        (
            "UPDATE fact SET verdict = 'nonsense' WHERE number = 2",
            Box::new(damaged(2, "verdict")),
        ),
        (
            "UPDATE fact SET sequence = NULL WHERE number = 2",
            Box::new(damaged(2, "place")),
        ),
        ("DELETE FROM fact WHERE number = 3", Box::new(missing)),
        (
            "DELETE FROM seen",
            Box::new(|f| matches!(f, Finding::IdNotRemembered { number: 6 })),
        ),
        (
            "UPDATE seen SET entry = 1",
            Box::new(|f| matches!(f, Finding::IdAstray { entry: 1, .. })),
        ),
        (
            "UPDATE settled SET through = through + 1 WHERE stream = 'visit'",
            Box::new(|f| {
                matches!(
                    f,
                    Finding::Settled {
                        stored: Some(6),
                        computed: Some(5),
                        ..
                    }
                )
            }),
        ),
        (
            "DELETE FROM settled WHERE stream = 'receipt'",
            Box::new(|f| {
                matches!(
                    f,
                    Finding::Settled {
                        stored: None,
                        computed: Some(1),
                        ..
                    }
                )
            }),
        ),
        (
            "DELETE FROM given_up",
            Box::new(|f| matches!(f, Finding::GivenUp { number: 4 })),
        ),
        (
            "DELETE FROM person",
            Box::new(|f| matches!(f, Finding::PersonMissing { number: 7 })),
        ),
        (
            "UPDATE person SET fact = 70",
            Box::new(|f| matches!(f, Finding::PersonAstray { fact: 70 })),
        ),
        (
            "DELETE FROM quarantine WHERE number = 8",
            Box::new(|f| matches!(f, Finding::AsideMissing { number: 8 })),
        ),
        (
            "UPDATE quarantine SET reason = 'implausible' WHERE number = 8",
            Box::new(|f| matches!(f, Finding::AsideAstray { number: 8 })),
        ),
        (
            "UPDATE fact SET ruling = replace(ruling, 'they', 'nobody') WHERE number = 10",
            Box::new(damaged(10, "CRC")),
        ),
        (
            "UPDATE quarantine SET admitted = NULL WHERE number = 8",
            Box::new(|f| matches!(f, Finding::RulingAstray { number: 10 })),
        ),
        (
            "UPDATE quarantine SET admitted = 7 WHERE number = 9",
            Box::new(|f| matches!(f, Finding::RulingAstray { number: 9 })),
        ),
        (
            "DELETE FROM fact WHERE number >= 9; DELETE FROM quarantine WHERE number >= 9;
             DELETE FROM seen WHERE entry >= 9; UPDATE quarantine SET admitted = NULL, state = 'open'",
            Box::new(|f| *f == Finding::Missing { from: 9, to: 9 }),
        ),
        (
            "INSERT INTO fact SELECT 11, device, received, epoch, stream, sequence, verdict, body,
             correction, quality, digest, crc, ruling FROM fact WHERE number = 1",
            Box::new(|f| matches!(f, Finding::CountedTwice { times: 2, .. })),
        ),
    ]
}

/// Entries 1 to 10: three visits, a given-up range, a visit, a plain visit, a loan with a reader,
/// two quarantined, and the first of these let in.
async fn filled() -> Rehearsal {
    let house = Rehearsal::new();
    let mut loan = plain("loan-1", 0);
    loan["type"] = json!("library.loan.checkout.v1");
    loan["data"] = json!({"item": "LJ0001", "patron": {"id": "R350200"}, "session": "s",
                          "mode": "offline", "outcome": {"ok": true}});
    house
        .send(&batch(&[
            visit(1, 7),
            visit(2, 8),
            visit(3, 9),
            dropped(1, 4, 4),
        ]))
        .await;
    house
        .send(&batch(&[visit(5, 1), plain("p-1", 2), loan]))
        .await;
    house.send("nonsense").await;
    house.send(&visit(1, 8).to_string()).await;
    let mended = RulingVerdict::Correct(plain("mended", 3).to_string());
    house.rule(EntryNumber(8), mended).await.unwrap();
    house
}

async fn closed(house: Rehearsal) -> (tempfile::TempDir, VerifyReport) {
    house.intake.stop().await;
    house.store.close();
    let path = house.folder.path().join("ledger.db");
    let report = verify(&path, &mut |_, _| ()).unwrap();
    (house.folder, report)
}
