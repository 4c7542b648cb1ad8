//! Claims about what is always in sight: how what waited leaves, and that no more can be stored.

use lujiang_config::ByteSize;

use super::*;
use crate::lending::Refused;

/// Readers who may have whatever they carry.
fn generous() -> LendingSection {
    LendingSection {
        reader_items_max: 10_000,
        reader_day_max: 10_000,
        ..LendingSection::default()
    }
}

/// Lends so many items beside the desk, or until one is refused; why.
async fn lend(bench: &TestLending, numbers: std::ops::Range<u32>) -> Option<Refused> {
    for number in numbers {
        let loan = bench.loan(SCHOOL, &format!("LL{number:06}"));
        if let Err(refused) = bench.lending.lend(loan).await {
            return Some(refused);
        }
    }
    None
}

impl Bench {
    /// The desk in another language, as it is now.
    async fn page_in(&self, language: &str) -> String {
        // Whoever does something at the desk sees it as it is.
        self.send("/command", &[("command", "LJ-READER")]).await;
        let request = self.client.get(&self.address);
        let request = request.header(COOKIE, format!("language={language}"));
        request.send().await.unwrap().text().await.unwrap()
    }
}

#[tokio::test]
async fn while_it_drains_the_page_says_how_far_it_is_and_about_how_long_it_takes() {
    let lending = TestLending::with(generous(), OutboxSection::default());
    let bench = Bench::with(lending, BusDeskSection::default()).await;
    bench.open().await;
    assert_eq!(lend(&bench.lending, 0..29).await, None);
    bench.lending.online();
    // Nothing moved yet: nobody can say how long.
    for (language, begun) in [("zh", "补传中"), ("en", "Catching up")] {
        let page = bench.page_in(language).await;
        assert!(page.contains(begun) && !page.contains("<small>还需"));
        assert!(!page.contains(" left</small>"), "{page}");
    }

    bench.lending.wait(Duration::from_secs(10));
    bench.lending.settle(10);
    for (language, texts) in [
        ("zh", ["补传中 <small>还需约 20 秒", "已送达 10 条"]),
        (
            "en",
            ["Catching up <small>about 20 s left", "10 sent so far"],
        ),
    ] {
        let page = bench.page_in(language).await;
        for text in texts {
            assert!(page.contains(text), "no {text} in {page}");
        }
    }

    // One more in all of the next minute: it takes longer than a minute.
    bench.lending.wait(Duration::from_secs(50));
    bench.lending.settle(11);
    for (language, text) in [("zh", "还需约 1 分钟"), ("en", "about 1 min left")] {
        let page = bench.page_in(language).await;
        assert!(page.contains(text), "no {text} in {page}");
    }
    bench.lending.settle(30);
    assert!(bench.page_in("zh").await.contains("已全部送达"));
    bench.end().await;
}

#[tokio::test]
async fn that_the_store_is_full_is_said_until_something_is_written_again() {
    const FULL: &str = "存储已满，停止借还";
    let outbox = OutboxSection {
        size_max: ByteSize::kib(200),
        ..OutboxSection::default()
    };
    let lending = TestLending::with(generous(), outbox);
    let bench = Bench::with(lending, BusDeskSection::default()).await;
    bench.open().await;
    assert!(!bench.scan(READER).await.contains(FULL));
    let refused = lend(&bench.lending, 0..10_000).await;
    assert_eq!(refused, Some(Refused::NoRoom));

    assert!(bench.scan("LL900000").await.contains(FULL));
    // A card that is looked at, and a barcode that is none, write nothing.
    bench.scan("LJ-READER").await;
    assert!(bench.scan(READER).await.contains(FULL));
    assert!(bench.scan("?").await.contains(FULL));

    // Neither does the stop end; the page says what to do meanwhile.
    let page = bench.page("/close").await;
    let form = [("stop", of_stop(&page))];
    let request = bench.client.post(format!("{}/close", bench.address));
    let request = request.header(ORIGIN, &bench.address).form(&form);
    let page = request.send().await.unwrap().text().await.unwrap();
    assert!(page.contains("期间请用纸笔登记"), "{page}");

    let waiting = bench.lending.lending.waiting().await.unwrap();
    bench.lending.settle(waiting.facts);
    assert!(!bench.scan("LL900000").await.contains(FULL));
    bench.end().await;
}
