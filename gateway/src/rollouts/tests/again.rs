//! More than one rollout: the same release again, and who joins which.

use super::*;

fn november() -> Label {
    "2026-11".parse().unwrap()
}

impl House {
    async fn begun(&self, release: Label, devices: Vec<DeviceId>) -> u64 {
        let is_named = !devices.is_empty();
        let mut asked = NewRollout {
            release: release.clone(),
            devices,
            ..asked()
        };
        if is_named {
            asked.stages.remove(0);
        }
        let (signed, by) = ([release], actor());
        let created = self.rollouts.create(asked, &signed, li(), &by).await;
        let number = created.unwrap();
        let started = Happened::Started(li());
        self.act(number, started).await.unwrap();
        number
    }

    /// A kiosk says that it shows a release.
    async fn shows(&self, following: &mut Following, number: usize, release: Label) {
        let shown = ReportedContent {
            shown: Some(release),
            ..ReportedContent::default()
        };
        self.report(following, number, shown).await;
    }

    /// November is with both kiosks; its number.
    async fn november_is_shown(&self, following: &mut Following) -> u64 {
        let first = self.begun(november(), Vec::new()).await;
        for number in 0..2 {
            self.shows(following, number, november()).await;
        }
        following.try_step(true).await.unwrap();
        first
    }

    fn progress(&self, number: u64, kiosk: &DeviceId) -> &'static str {
        let entry = self.rollouts.entry(number).unwrap();
        entry.rollout.members()[kiosk].progress.as_str()
    }

    async fn enable(&self, kiosk: &DeviceId, is_enabled: bool) {
        let change = DeviceChange {
            enabled: Some(is_enabled),
            ..DeviceChange::default()
        };
        let by = actor();
        let changed = self.registry.change_device(kiosk, change, &by);
        changed.await.unwrap();
    }
}

/// What a kiosk says that has the release on its shelf, and how it fares.
fn on_its_shelf(state: TakingState) -> ReportedContent {
    ReportedContent {
        shown: Some(release()),
        taking: Some(Taking {
            release: release(),
            attempt: 0,
            state,
        }),
        ..ReportedContent::default()
    }
}

#[tokio::test]
async fn what_a_kiosk_said_of_an_aborted_rollout_is_not_taken_for_news_of_the_next() {
    let house = House::new(1).await;
    let first = house.begun(release(), Vec::new()).await;
    let mut following = house.following();
    house.say(&mut following, 0, failed()).await;
    house.act(first, Happened::Aborted(li())).await.unwrap();

    let second = house.begun(release(), Vec::new()).await;
    house.say(&mut following, 0, failed()).await;
    assert_eq!(house.progress(second, &kiosk(0)), "offered", "an echo");
    assert_eq!(house.offer(0), Some(1), "it tries again");
    // It took it at last, or from a stick meanwhile: whichever attempt did it.
    let shown = on_its_shelf(TakingState::Shown);
    house.report(&mut following, 0, shown).await;
    assert_eq!(house.progress(second, &kiosk(0)), "shown");
    house.is_as_kept();
}

#[tokio::test]
async fn a_kiosk_that_is_new_has_the_release_of_before_while_the_next_is_with_its_canaries() {
    let house = House::new(2).await;
    let mut following = house.following();
    let first = house.november_is_shown(&mut following).await;
    let second = house.begun(release(), Vec::new()).await;

    house.add(7, DeviceKind::Kiosk).await;
    following.try_step(true).await.unwrap();
    let signed = [november(), release()];
    let offered = house.rollouts.offer_to(&kiosk(7), &signed);
    assert_eq!(offered, Some((november(), 0)));
    assert_eq!(house.progress(first, &kiosk(7)), "offered");
    assert_eq!(house.progress(second, &kiosk(7)), "waiting");
}

#[tokio::test]
async fn a_kiosk_that_was_away_goes_back_to_nothing_older_than_what_it_shows() {
    let house = House::new(2).await;
    let mut following = house.following();
    let first = house.november_is_shown(&mut following).await;
    house.begun(release(), vec![kiosk(0)]).await;
    house.shows(&mut following, 0, release()).await;

    house.enable(&kiosk(0), false).await;
    following.try_step(true).await.unwrap();
    house.enable(&kiosk(0), true).await;
    following.try_step(true).await.unwrap();
    let entry = house.rollouts.entry(first).unwrap();
    assert!(!entry.rollout.members().contains_key(&kiosk(0)));
    let signed = [november(), release()];
    assert_eq!(house.rollouts.offer_to(&kiosk(0), &signed), None);
}

#[tokio::test]
async fn a_kiosk_whose_release_is_over_is_removed_and_has_done_its_part() {
    let house = House::new(1).await;
    let number = house.begun(release(), Vec::new()).await;
    let mut following = house.following();
    house.shows(&mut following, 0, release()).await;
    assert_eq!(house.progress(number, &kiosk(0)), "shown");
    let over = on_its_shelf(TakingState::Removed);
    house.report(&mut following, 0, over).await;
    assert_eq!(house.progress(number, &kiosk(0)), "removed");
    house.is_as_kept();
    // A licence that was prolonged, or a clock that was mended: it is read again.
    let back = on_its_shelf(TakingState::Shown);
    house.report(&mut following, 0, back).await;
    assert_eq!(house.progress(number, &kiosk(0)), "shown");
    house.is_as_kept();
}
