//! What is refused though no release came with it: told, and no release is given up for it.

use lujiang_wire::{Notice, NoticeImage};

use super::*;

fn notice(id: &str, picture: &[u8]) -> Notice {
    Notice {
        id: label(id),
        title: label(id),
        body: String::new(),
        image: Some(NoticeImage {
            blob: hash(picture),
            media_type: label("image/png"),
        }),
        from: now(),
        until: None,
        order: 0,
    }
}

/// Notices with these pictures, which are served as well.
async fn say(press: &Press, pictures: &[&str]) {
    let notices = pictures.iter().map(|it| notice(it, &book(it)));
    let images = pictures.iter().map(|it| {
        let (blob, facts) = press.put(&book(it));
        (blob, facts.size)
    });
    let notices = Notices {
        notices: notices.collect(),
        hidden: Vec::new(),
    };
    press.say_all(notices, images.collect()).await;
}

fn pictures(kiosk: &Kiosk) -> Vec<bool> {
    let display = kiosk.shelf.now();
    display
        .notices
        .iter()
        .map(|it| it.image.is_some())
        .collect()
}

#[tokio::test]
async fn a_picture_that_is_lost_or_altered_costs_no_release_and_is_told() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    say(&press, &["一", "二", "三"]).await;
    let place = |picture: &str| press.blob(&hash(&book(picture)));
    std::fs::remove_file(place("一")).unwrap();
    std::fs::write(place("二"), book("四")).unwrap();
    let mut kiosk = Kiosk::beside(&press.served).await;

    kiosk.shows("2026-11").await;

    assert_eq!(kiosk.facts(), ["library.content.installed.v1"]);
    assert_eq!(
        pictures(&kiosk),
        [false, true, false],
        "each is shown: 一 三 二"
    );
    let told = kiosk.until(|it| it.refused.is_some()).await;
    assert_eq!(told.refused.unwrap().reason, label("absent"));

    for picture in ["一", "二"] {
        press.put(&book(picture));
    }
    kiosk.asks().await;
    kiosk.until(|it| it.refused.is_none()).await;
    assert_eq!(pictures(&kiosk), [true, true, true]);
}

#[tokio::test]
async fn a_picture_that_does_not_come_holds_up_no_release() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    say(&press, &["一"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    let picture = Resource::Blob(hash(&book("一")));
    *kiosk.line.silent.lock().unwrap() = Some(picture.clone());
    kiosk.wants("2026-11", 0);
    wait(|| kiosk.line.asked.lock().unwrap().contains(&picture)).await;
    tokio::time::pause();

    kiosk
        .until_within(Duration::from_secs(600), |it| {
            taking(it) == Some(TakingState::Installed)
        })
        .await;
}

#[tokio::test]
async fn metadata_that_is_refused_while_nothing_is_on_offer_is_told_until_it_holds_again() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    let place = press.served.join("metadata/timestamp.json");
    let good = std::fs::read(&place).unwrap();
    std::fs::write(&place, b"{}").unwrap();

    kiosk.hears(77);

    let told = kiosk.until(|it| it.refused.is_some()).await;
    let refused = told.refused.unwrap();
    assert_eq!(refused.reason, label("metadata-refused"));
    assert!(
        refused.detail.contains("does not hold"),
        "{}",
        refused.detail
    );
    assert_eq!(told.shown, Some(label("2026-11")));
    assert_eq!(kiosk.facts(), ["library.content.installed.v1"]);
    std::fs::write(&place, good).unwrap();
    kiosk.hears(78);
    kiosk.until(|it| it.refused.is_none()).await;
}
