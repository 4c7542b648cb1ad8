//! Rollouts over their store: whatever step was the last before the process died, what is read
//! again is what was there.

mod again;

use jiff::ToSpan as _;
use lujiang_broker::Word;
use lujiang_wire::{Reported, ReportedContent, Taking, TakingState};

use super::follow::Following;
use super::*;
use crate::places::DeviceKind;
use crate::presence::Presence;
use crate::registry::{DeviceChange, NewDevice};
use crate::rollout::{Threshold, Why};
use crate::run::SystemClock;
use crate::store::StoreOptions;
use crate::store::audit::{AuditQuery, page};

#[tokio::test]
async fn after_every_step_a_gateway_that_was_killed_reads_what_was_there() {
    let house = House::new(3).await;
    let number = house.create(RolloutApproval::Nobody).await;
    house.is_as_kept();
    house.act(number, Happened::Started(li())).await.unwrap();
    house.is_as_kept();
    let mut following = house.following();
    for state in [
        TakingState::Offered,
        downloading(10),
        downloading(60),
        TakingState::Verified,
        TakingState::Installed,
        TakingState::Shown,
    ] {
        house.say(&mut following, 0, state).await;
        house.is_as_kept();
    }
    assert_eq!(house.rollouts.entry(number).unwrap().rollout.stage(), 1);
    let until = Timestamp::now() + 24.hours();
    let excused = Happened::Excused(kiosk(2), until);
    house.act(number, excused).await.unwrap();
    house.is_as_kept();
    house.say(&mut following, 1, failed()).await;
    house.is_as_kept();
    let failed = State::Paused(Why::Failures(1, 1));
    assert_eq!(
        *house.rollouts.entry(number).unwrap().rollout.state(),
        failed
    );
    house.act(number, Happened::Retried(li())).await.unwrap();
    assert_eq!(house.offer(1), Some(1), "another attempt");
    house.act(number, Happened::Aborted(li())).await.unwrap();
    house.is_as_kept();
    assert_eq!((house.offer(0), house.offer(1)), (Some(0), None));
}

#[tokio::test]
async fn every_step_has_its_audit_record_and_bytes_that_come_in_have_none() {
    let house = House::new(2).await;
    let number = house.create(RolloutApproval::Nobody).await;
    house.act(number, Happened::Started(li())).await.unwrap();
    let mut following = house.following();
    for bytes in 0..50 {
        house.say(&mut following, 0, downloading(bytes)).await;
    }
    house.say(&mut following, 0, TakingState::Shown).await;
    let told = house.told();
    assert_eq!(
        told,
        [
            "rollout.create",
            "rollout.start",
            "rollout.device",
            "rollout.advance",
            "rollout.device"
        ]
    );
    let refused = house.act(number, Happened::Approved(li())).await;
    assert!(matches!(refused, Err(RolloutError::Refused(_))));
    assert_eq!(
        house.told().len(),
        told.len(),
        "what is refused changes nothing"
    );
}

#[tokio::test]
async fn a_device_that_says_something_else_each_second_does_not_fill_the_audit() {
    let house = House::new(1).await;
    let number = house.create(RolloutApproval::Nobody).await;
    house.act(number, Happened::Started(li())).await.unwrap();
    let mut following = house.following();
    for _ in 0..150 {
        house.say(&mut following, 0, TakingState::Verified).await;
        house.say(&mut following, 0, TakingState::Installed).await;
    }
    let devices = house.told().into_iter().filter(|it| it == "rollout.device");
    assert_eq!(devices.count(), 200);
    house.is_as_kept();
}

#[tokio::test]
async fn a_kiosk_that_is_new_joins_by_itself_and_one_that_may_not_connect_has_no_part() {
    let house = House::new(2).await;
    let number = house.create(RolloutApproval::Nobody).await;
    house.act(number, Happened::Started(li())).await.unwrap();
    house.add(7, DeviceKind::Kiosk).await;
    house.add(8, DeviceKind::Gate).await;
    let off = DeviceChange {
        enabled: Some(false),
        ..DeviceChange::default()
    };
    let (gone, by) = (kiosk(1), actor());
    let change = house.registry.change_device(&gone, off, &by);
    change.await.unwrap();
    house.following().try_step(true).await.unwrap();
    let entry = house.rollouts.entry(number).unwrap();
    let members: Vec<_> = entry.rollout.members().keys().cloned().collect();
    assert_eq!(members, [kiosk(0), kiosk(7)]);
    house.is_as_kept();
}

#[tokio::test]
async fn another_person_approves_and_one_rollout_is_under_way_at_a_time() {
    let house = House::with(2, RolloutApproval::SecondPerson).await;
    let number = house.create(RolloutApproval::SecondPerson).await;
    let own = house.act(number, Happened::Approved(li())).await;
    assert!(matches!(
        own,
        Err(RolloutError::Refused(Refused::SamePerson(_)))
    ));
    let wang: Label = "token wang".parse().unwrap();
    let approved = house.act(number, Happened::Approved(wang.clone())).await;
    assert_eq!(approved.unwrap().facts.approved_by, Some(wang.clone()));
    house.act(number, Happened::Started(li())).await.unwrap();
    let second = house.create(RolloutApproval::SecondPerson).await;
    house.act(second, Happened::Approved(wang)).await.unwrap();
    let started = house.act(second, Happened::Started(li())).await;
    assert!(matches!(started, Err(RolloutError::UnderWay(it)) if it == number));
    house.is_as_kept();
}

#[tokio::test]
async fn a_release_that_is_signed_no_more_is_offered_to_nobody_and_the_one_before_is() {
    let house = House::new(1).await;
    let first = house.create(RolloutApproval::Nobody).await;
    house.act(first, Happened::Started(li())).await.unwrap();
    let mut following = house.following();
    house.say(&mut following, 0, TakingState::Shown).await;
    house.say(&mut following, 0, TakingState::Shown).await;
    following.try_step(true).await.unwrap();
    let (old, new): (Label, Label) = (release(), "2027-01".parse().unwrap());
    let asked = NewRollout {
        release: new.clone(),
        ..asked()
    };
    let signed = [old.clone(), new.clone()];
    let second = house
        .rollouts
        .create(asked, &signed, li(), &actor())
        .await
        .unwrap();
    house.act(second, Happened::Started(li())).await.unwrap();
    let offer = |signed: &[Label]| house.rollouts.offer_to(&kiosk(0), signed);
    assert_eq!(offer(&signed), Some((new, 0)));
    assert_eq!(offer(&signed[..1]), Some((old, 0)));
    assert_eq!(offer(&[]), None);
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_named() {
    let house = House::new(1).await;
    house.add(8, DeviceKind::Gate).await;
    let ask = async |asked: NewRollout| {
        let created = house
            .rollouts
            .create(asked, &[release()], li(), &actor())
            .await;
        created.unwrap_err().to_string()
    };
    let gate = NewRollout {
        devices: vec![kiosk(8)],
        ..asked()
    };
    assert_eq!(ask(gate).await, "kiosk-8 is no kiosk that may connect");
    let unsigned = NewRollout {
        release: "2031-01".parse().unwrap(),
        ..asked()
    };
    assert!(ask(unsigned).await.contains("2031-01 is no release"));
    assert!(house.rollouts.entries().is_empty());
}

/// A store with kiosks, and the rollouts over it.
struct House {
    _folder: tempfile::TempDir,
    store: Store,
    registry: Registry,
    presence: Presence,
    rollouts: Rollouts,
    section: RolloutsSection,
}

impl House {
    async fn new(kiosks: usize) -> Self {
        Self::with(kiosks, RolloutApproval::Nobody).await
    }

    async fn with(kiosks: usize, approval: RolloutApproval) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("ledger.db"), StoreOptions::default()).unwrap();
        let clock = Arc::new(SystemClock::new());
        let zone = jiff::tz::TimeZone::UTC;
        let registry = Registry::open(store.clone(), zone, clock.clone())
            .await
            .unwrap();
        let section = RolloutsSection {
            approval,
            ..RolloutsSection::default()
        };
        let rollouts = Rollouts::open(store.clone(), registry.clone(), clock, &section).unwrap();
        let house = Self {
            _folder: folder,
            store,
            registry,
            presence: Presence::restored(Vec::new(), Timestamp::now()),
            rollouts,
            section,
        };
        for number in 0..kiosks {
            house.add(number, DeviceKind::Kiosk).await;
        }
        house
    }

    async fn add(&self, number: usize, kind: DeviceKind) {
        let device = NewDevice {
            id: kiosk(number),
            kind,
            site: "main".parse().unwrap(),
            name: None,
        };
        self.registry.add_device(device, &actor()).await.unwrap();
    }

    async fn create(&self, approval: RolloutApproval) -> u64 {
        assert_eq!(approval, self.section.approval);
        let (signed, actor) = ([release()], actor());
        let created = self.rollouts.create(asked(), &signed, li(), &actor).await;
        created.unwrap()
    }

    async fn act(&self, number: u64, what: Happened) -> Result<Arc<Entry>, RolloutError> {
        self.rollouts.perform(number, what, &actor()).await
    }

    fn following(&self) -> Following {
        Following::new(self.rollouts.clone(), self.presence.clone())
    }

    async fn say(&self, following: &mut Following, number: usize, state: TakingState) {
        let content = ReportedContent {
            taking: Some(Taking {
                release: release(),
                attempt: 0,
                state,
            }),
            ..ReportedContent::default()
        };
        self.report(following, number, content).await;
    }

    async fn report(&self, following: &mut Following, number: usize, content: ReportedContent) {
        let reported = Reported {
            content: Some(content),
            screens: Vec::new(),
        };
        let device = kiosk(number);
        let word = Word::Reported { device, reported };
        self.presence.hear(word, Timestamp::now());
        following.listen_to_all();
        following.try_step(false).await.unwrap();
    }

    fn offer(&self, number: usize) -> Option<u32> {
        let offer = self.rollouts.offer_to(&kiosk(number), &[release()]);
        offer.map(|(_, attempt)| attempt)
    }

    /// What another process reads from the same file is what stands here.
    fn is_as_kept(&self) {
        let clock = Arc::new(SystemClock::new());
        let (store, registry) = (self.store.clone(), self.registry.clone());
        let again = Rollouts::open(store, registry, clock, &self.section).unwrap();
        assert_eq!(again.entries(), self.rollouts.entries());
    }

    fn told(&self) -> Vec<String> {
        let query = AuditQuery {
            action: Some("rollout".to_owned()),
            limit: 1_000,
            ..AuditQuery::default()
        };
        let rows = self
            .store
            .read(|connection| page(connection, &query))
            .unwrap();
        rows.into_iter()
            .rev()
            .map(|row| row.record.action)
            .collect()
    }
}

/// The first kiosk, then the rest.
fn asked() -> NewRollout {
    let all = |percent, sample_min| Threshold {
        percent,
        sample_min,
    };
    let stage = |name: &str, group| NewStage {
        name: name.parse().unwrap(),
        group,
        success: all(100, 1),
        failure: all(50, 1),
    };
    NewRollout {
        release: release(),
        devices: Vec::new(),
        stages: vec![
            stage("canary", Group::Devices([kiosk(0)].into())),
            stage("rest", Group::Rest),
        ],
        patience: None,
    }
}

fn downloading(bytes: u64) -> TakingState {
    TakingState::Downloading {
        bytes,
        of: 100,
        rate: Some(7),
        arrival: None,
    }
}

fn failed() -> TakingState {
    TakingState::Failed {
        reason: "no-space".parse().unwrap(),
        detail: "3 MB are missing".to_owned(),
    }
}

fn kiosk(number: usize) -> DeviceId {
    format!("kiosk-{number}").parse().unwrap()
}

fn release() -> Label {
    "2026-12".parse().unwrap()
}

fn li() -> Label {
    "administrator".parse().unwrap()
}

fn actor() -> Actor {
    Actor::named("li")
}
