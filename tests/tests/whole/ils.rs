//! The small library system on its port, as bytes and to a client that is not ours.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use lujiang_sip2::{
    Charset, Checkout, ErrorDetection, ItemInformation, Login, Private, Profile, Request,
    RequestAcsResend, Response, ScStatus, Sequence,
};
use lujiang_tests::ils::{Deed, Fault, Habits, Ils, IlsHandle, Item, Kind, Patron};
use lujiang_tests::machine::Machine;
use lujiang_tests::peer;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);

/// Long enough for an answer on loopback, short enough to wait for none.
const SILENCE: Duration = Duration::from_millis(300);
/// Longer than any answer takes that is only slow.
const NO_ANSWER: Duration = Duration::from_secs(3);

#[tokio::test]
async fn a_foreign_client_borrows_renews_and_returns() -> anyhow::Result<()> {
    let mut ils = Ils::new(Habits::of(Kind::Koha).with_login("check1", "secret"));
    ils.add_patron(Patron::new("R1", "Li Hua"));
    ils.add_item(Item::new("B1", "A Journey"));
    let mut ils = IlsHandle::start(ils, Profile::default()).await?;
    let told = peer::sip2_desk(ils.addr, ("check1", "secret"), "R1", "B1").await?;
    let answers = told.as_array().context("an array of answers")?;
    let codes: Vec<_> = answers
        .iter()
        .filter_map(|answer| answer["code"].as_str())
        .collect();
    assert_eq!(codes, ["94", "98", "12", "64", "18", "30", "10", "36"]);
    assert!(
        answers
            .iter()
            .all(|answer| answer["sum"] == Value::Bool(true)),
        "{told:#}"
    );
    assert_eq!(answers[0]["fixed"]["Ok"], "1");
    assert_eq!(answers[2]["fixed"]["Ok"], "1");
    assert_eq!(answers[2]["variable"]["AJ"][0], "A Journey");
    assert_eq!(answers[3]["fixed"]["ChargedItemsCount"], "0001");
    assert_eq!(answers[3]["variable"]["AU"][0], "B1");
    assert_eq!(answers[5]["fixed"]["RenewalOk"], "Y");
    assert_eq!(answers[6]["fixed"]["Ok"], "1");
    assert_eq!(ils.ils().journal().of_item("B1").len(), 3);
    ils.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_duplicate_and_97_get_the_last_answer_and_are_executed_once() -> anyhow::Result<()> {
    let ils = library().await?;
    let mut line = Line::to(&ils).await?;
    let first = line.say(&checkout("B00001"), 1).await?;
    assert_eq!(line.say(&checkout("B00001"), 1).await?, first);
    assert_eq!(
        line.say(&RequestAcsResend::default().into(), 0).await?,
        first
    );
    assert_eq!(ils.ils().journal().entries().len(), 1);
    line.say(&checkout("B00001"), 2).await?;
    assert_eq!(
        ils.ils().journal().entries().len(),
        1,
        "it is charged to this patron already"
    );
    Ok(())
}

#[tokio::test]
async fn each_fault_is_as_its_name_says() -> anyhow::Result<()> {
    let ils = library().await?;
    let executed = |item: &str| !ils.ils().journal().of_item(item).is_empty();

    ils.set_fault(Fault::DropBefore);
    assert!(
        Line::to(&ils)
            .await?
            .is_dropped_after(&checkout("B00001"))
            .await?
    );
    assert!(!executed("B00001"));

    ils.set_fault(Fault::DropAfter);
    assert!(
        Line::to(&ils)
            .await?
            .is_dropped_after(&checkout("B00002"))
            .await?
    );
    assert!(executed("B00002"));

    for (fault, item, is_executed) in [
        (Fault::SilentBefore, "B00003", false),
        (Fault::SilentAfter, "B00004", true),
    ] {
        ils.set_fault(fault);
        let mut line = Line::to(&ils).await?;
        line.send(&checkout(item), 1).await?;
        assert!(line.is_silent().await, "{fault:?}");
        line.send(&ScStatus::default().into(), 2).await?;
        assert!(line.is_silent().await, "it stays deaf");
        assert_eq!(executed(item), is_executed, "{fault:?}");
    }

    ils.set_fault(Fault::AskAgain);
    let mut line = Line::to(&ils).await?;
    assert_eq!(line.say(&checkout("B00005"), 1).await?, "96AZFEF6");
    assert!(!executed("B00005"));
    assert!(line.say(&checkout("B00005"), 1).await?.starts_with("121"));

    ils.set_fault(Fault::WrongChecksum);
    let answer = line.say(&checkout("B00006"), 2).await?;
    assert!(
        profile().decode::<Response>(answer.as_bytes()).is_err(),
        "{answer}"
    );
    let again = line.say(&RequestAcsResend::default().into(), 0).await?;
    profile().decode::<Response>(again.as_bytes())?;

    ils.set_fault(Fault::DropWithin);
    assert!(
        Line::to(&ils)
            .await?
            .is_dropped_after(&checkout("B00007"))
            .await?
    );
    assert!(executed("B00007"));

    ils.set_fault_of("11", Fault::Dribble);
    ils.set_fault_of("17", Fault::Delay(Duration::from_millis(20)));
    let item = ItemInformation {
        item_identifier: "B00008".to_owned(),
        ..ItemInformation::default()
    };
    assert!(line.say(&item.into(), 3).await?.starts_with("1803"));
    assert!(line.say(&checkout("B00008"), 4).await?.starts_with("121"));
    Ok(())
}

#[tokio::test]
async fn what_was_executed_outlives_a_restart_on_the_same_port() -> anyhow::Result<()> {
    let mut ils = library().await?;
    Line::to(&ils).await?.say(&checkout("B00001"), 1).await?;
    ils.stop().await;
    assert!(
        TcpStream::connect(ils.addr).await.is_err(),
        "nobody listens"
    );
    ils.restart().await?;
    let answer = Line::to(&ils).await?.say(&checkout("B00001"), 1).await?;
    assert!(
        answer.starts_with("120"),
        "a new connection knows no duplicates: {answer}"
    );
    assert_eq!(ils.connections(), 2);
    Ok(())
}

#[tokio::test]
async fn nobody_speaks_without_a_login_and_three_wrong_ones_end_the_connection()
-> anyhow::Result<()> {
    let wanted = Habits::of(Kind::Evergreen).with_login("check1", "secret");
    let ils = IlsHandle::start(Ils::stocked(wanted, 1, 1), profile()).await?;
    assert!(
        Line::to(&ils)
            .await?
            .is_dropped_after(&checkout("B00001"))
            .await?
    );
    let mut line = Line::to(&ils).await?;
    for sequence in 0..3 {
        assert!(
            line.say(&login("wrong"), sequence)
                .await?
                .starts_with("940")
        );
    }
    assert!(line.is_dropped_after(&login("secret")).await?);
    let mut line = Line::to(&ils).await?;
    ils.refuse_logins(true);
    assert!(line.say(&login("secret"), 0).await?.starts_with("940"));
    ils.refuse_logins(false);
    assert!(line.say(&login("secret"), 1).await?.starts_with("941"));
    assert!(line.say(&checkout("B00001"), 2).await?.starts_with("121"));
    assert!(matches!(
        ils.ils().journal().deeds()[..],
        [Deed::Checkout { .. }]
    ));
    Ok(())
}

#[tokio::test]
async fn the_same_seed_brings_the_same_faults() -> anyhow::Result<()> {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let ils = library().await?;
        ils.seed_faults(7, 500);
        let mut answered = Vec::new();
        for number in 1..=20 {
            let mut line = Line::to(&ils).await?;
            line.send(&checkout(&format!("B{number:05}")), 1).await?;
            let answer = timeout(NO_ANSWER, line.0.answer()).await;
            answered.push(answer.is_ok_and(|answer| answer.is_ok()));
        }
        let state: Vec<String> = ils.ils().state().into_keys().collect();
        runs.push((answered, state));
    }
    ensure!(runs[0] == runs[1], "{runs:?}");
    ensure!(
        runs[0].0.iter().any(|answered| !answered),
        "nothing went wrong"
    );
    Ok(())
}

#[tokio::test]
async fn dp2s_sums_and_gb18030_are_spoken_where_the_profile_says_so() -> anyhow::Result<()> {
    let dp2 = Profile {
        charset: Charset::Gb18030,
        error_detection: ErrorDetection::Dp2,
        ..Profile::default()
    };
    let ils = IlsHandle::start(Ils::stocked(Habits::of(Kind::Generic), 1, 1), dp2).await?;
    let mut line = Line::speaking(&ils, dp2).await?;
    line.send(&checkout("B00001"), 1).await?;
    let bytes = line.0.line().await?.context("the connection ended")?;
    let answer = Charset::Gb18030.decode(&bytes);
    assert!(
        answer.contains("剪面包的男孩") && answer.contains("|AY4AZ"),
        "{answer}"
    );
    Ok(())
}

/// A machine whose answers are looked at as text.
struct Line(Machine);

impl Line {
    async fn to(ils: &IlsHandle) -> anyhow::Result<Self> {
        Self::speaking(ils, profile()).await
    }

    async fn speaking(ils: &IlsHandle, profile: Profile) -> anyhow::Result<Self> {
        Machine::connect(ils.addr, profile).await.map(Self)
    }

    async fn send(&mut self, request: &Request, sequence: u8) -> anyhow::Result<()> {
        let sequence = Sequence::new(sequence).context("a digit")?;
        self.0.send(request, sequence).await
    }

    /// Whether nothing comes for a while.
    async fn is_silent(&mut self) -> bool {
        timeout(SILENCE, self.0.line()).await.is_err()
    }

    async fn say(&mut self, request: &Request, sequence: u8) -> anyhow::Result<String> {
        self.send(request, sequence).await?;
        let line = timeout(PATIENCE, self.0.line())
            .await
            .context("no answer came")??;
        Ok(Charset::Utf8.decode(&line.context("the connection ended")?))
    }

    async fn is_dropped_after(&mut self, request: &Request) -> anyhow::Result<bool> {
        self.send(request, 9).await?;
        let line = timeout(PATIENCE, self.0.line())
            .await
            .context("it stays")??;
        Ok(line.is_none())
    }
}

async fn library() -> anyhow::Result<IlsHandle> {
    IlsHandle::start(Ils::stocked(Habits::of(Kind::Koha), 3, 30), profile()).await
}

fn profile() -> Profile {
    Profile::default()
}

fn checkout(item: &str) -> Request {
    // Nobody borrows more than ten.
    let patron = if item < "B00010" { "R0001" } else { "R0002" };
    Checkout {
        patron_identifier: Private::new(patron),
        item_identifier: item.to_owned(),
        ..Checkout::default()
    }
    .into()
}

fn login(password: &str) -> Request {
    Login {
        login_user_id: "check1".to_owned(),
        login_password: Private::new(password),
        ..Login::default()
    }
    .into()
}
