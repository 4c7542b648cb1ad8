//! Claims about the desk as a whole, over HTTP as a browser without script speaks it, with real
//! lending and a real outbox behind it.

use std::time::Duration;

use axum::http::StatusCode;
use lujiang_config::{LendingSection, OutboxSection};
use lujiang_wire::{Event, Fact};
use reqwest::header::{COOKIE, ETAG, HOST, IF_NONE_MATCH, LOCATION, ORIGIN};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_serial::{SerialPort, SerialStream};

mod strip;

use super::*;
use crate::lending::test_lending::TestLending;

const READER: &str = "43022319900101123X";
const SCHOOL: &str = "430223200001010018";
const BUS: &str = "430223200001019991";

/// Longest wait for anything here.
const SOON: Duration = Duration::from_secs(20);

/// A desk that is served, and somebody who speaks to it.
struct Bench {
    lending: TestLending,
    address: String,
    client: Client,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Bench {
    async fn start() -> Self {
        let section = LendingSection {
            own_card: Some(BUS.to_owned()),
            ..LendingSection::default()
        };
        let lending = TestLending::with(section, OutboxSection::default());
        Self::with(lending, BusDeskSection::default()).await
    }

    async fn with(lending: TestLending, section: BusDeskSection) -> Self {
        let section = BusDeskSection {
            listen: "127.0.0.1:0".parse().unwrap(),
            // A test scans faster than a crew, and never by accident.
            repeat_within: Duration::ZERO,
            ..section
        };
        let clock = lending.clock.clone();
        let desk = BusDesk::open(section, &lending.folder(), lending.lending.clone(), clock).await;
        let desk = desk.unwrap();
        let address = format!("http://{}", desk.address());
        let stop = CancellationToken::new();
        let task = tokio::spawn(desk.run(stop.clone()));
        let client = Client::builder().redirect(Policy::none()).no_proxy();
        Self {
            lending,
            address,
            client: client.build().unwrap(),
            stop,
            task,
        }
    }

    async fn get(&self, path: &str) -> Response {
        let request = self.client.get(format!("{}{path}", self.address));
        request.send().await.unwrap()
    }

    async fn page(&self, path: &str) -> String {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.text().await.unwrap()
    }

    /// Sends a form that is answered by a page.
    async fn page_of(&self, path: &str, form: &[(&str, &str)]) -> String {
        let request = self.client.post(format!("{}{path}", self.address));
        let request = request.header(ORIGIN, &self.address).form(form);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.text().await.unwrap()
    }

    /// Sends a form; where to look next.
    async fn send(&self, path: &str, form: &[(&str, &str)]) -> String {
        let request = self.client.post(format!("{}{path}", self.address));
        let request = request.header(ORIGIN, &self.address).form(form);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{path} {form:?}");
        response.headers()[LOCATION].to_str().unwrap().to_owned()
    }

    async fn open(&self) {
        let form = [("place", "官庄乡桃花村"), ("volumes", "３２０")];
        assert_eq!(self.send("/open", &form).await, "/");
    }

    /// Closes the stop by its page; where to look next.
    async fn close(&self, form: &[(&str, &str)]) -> String {
        let page = self.page("/close").await;
        let stop = of_stop(&page);
        self.send("/close", &[form, &[("stop", stop)]].concat())
            .await
    }

    async fn scan(&self, code: &str) -> String {
        assert_eq!(self.send("/scan", &[("code", code)]).await, "/");
        self.page("/").await
    }

    async fn end(self) -> TestLending {
        self.stop.cancel();
        timeout(SOON, self.task).await.unwrap().unwrap();
        self.lending
    }
}

fn told(events: &[Event]) -> Vec<String> {
    let tell = |event: &Event| match event.fact() {
        Fact::StopOpened(stop) => format!("opened {} {:?}", stop.place, stop.volumes),
        Fact::StopClosed(stop) => format!("closed {:?} {:?}", stop.participants, stop.volumes),
        Fact::LoanCheckout(loan) => format!("lent {}", loan.item),
        Fact::LoanCheckin(loan) => format!("back {}", loan.item),
        Fact::LoanUndone(undone) => format!("undone {}", undone.item),
        other => panic!("{other:?}"),
    };
    events.iter().map(tell).collect()
}

#[tokio::test]
async fn a_day_at_a_stop_over_plain_forms_leaves_exactly_these_facts() {
    let bench = Bench::start().await;
    bench.open().await;
    assert!(bench.scan(READER).await.contains("123X"));
    assert!(bench.scan("LL000001").await.contains("12月24日前还"));
    bench.scan("LL000002").await;
    assert!(bench.scan(SCHOOL).await.contains("未借出：这是读者证"));
    assert!(bench.scan("LJ-UNDO").await.contains("已撤销借出"));
    bench.send("/command", &[("command", "LJ-RETURN")]).await;
    assert!(bench.scan("LL000001").await.contains("已归还"));
    let again = bench.page("/close").await;
    assert!(again.contains("value=\"320\""));
    let form = [("participants", "８０"), ("volumes", "310")];
    assert_eq!(bench.close(&form).await, "/?closed=1");
    assert!(bench.page("/?closed=1").await.contains("本站已结束"));

    let facts = bench.end().await.facts();
    let expected = [
        "opened 官庄乡桃花村 Some(320)",
        "lent LL000001",
        "lent LL000002",
        "undone LL000002",
        "back LL000001",
        "closed Some(80) Some(310)",
    ];
    assert_eq!(told(&facts), expected);
    let text = facts.iter().map(Event::to_json).collect::<String>();
    assert!(!text.contains(READER));
    let stops: Vec<&str> = text.split("\"stop\":\"").skip(1).collect();
    let first = stops[0].split('"').next().unwrap();
    assert_eq!(stops.len(), 6, "every fact names the stop");
    assert!(stops.iter().all(|stop| stop.starts_with(first)));
}

#[tokio::test]
async fn after_a_power_cut_the_desk_is_at_the_same_stop_with_the_same_counts() {
    let bench = Bench::start().await;
    bench.open().await;
    bench.scan(READER).await;
    bench.scan("LL000001").await;
    bench.scan("LL000002").await;
    // Nothing is said goodbye to.
    bench.task.abort();
    let bench = Bench::with(bench.lending.restarted(), BusDeskSection::default()).await;
    let page = bench.page("/").await;
    assert!(page.contains("官庄乡桃花村"));
    assert!(page.contains("本站借出 2 册"), "{page}");
    assert!(!page.contains("123X"), "nobody is at the desk");
    bench.end().await;
}

#[tokio::test]
async fn after_a_restart_in_the_middle_of_a_stop_the_last_is_undone_as_before() {
    let bench = Bench::start().await;
    // Of another stop: over, and undone by nobody.
    bench.open().await;
    bench.scan(READER).await;
    bench.scan("LL000009").await;
    bench.close(&[]).await;
    bench.open().await;
    bench.scan(READER).await;
    bench.scan("LL000002").await;
    bench.scan("LL000001").await;
    bench.task.abort();
    let bench = Bench::with(bench.lending.restarted(), BusDeskSection::default()).await;
    for item in ["LL000001", "LL000002"] {
        let page = bench.scan("LJ-UNDO").await;
        assert!(page.contains("已撤销借出") && page.contains(item), "{page}");
    }
    assert!(bench.scan("LJ-UNDO").await.contains("没有可撤销的记录"));
    bench.end().await;
}

#[tokio::test]
async fn what_is_for_another_host_or_comes_from_another_page_changes_nothing() {
    let bench = Bench::start().await;
    bench.open().await;
    let form = [("code", READER)];
    let post = || {
        bench
            .client
            .post(format!("{}/scan", bench.address))
            .form(&form)
    };
    let answers = [
        (post(), StatusCode::FORBIDDEN),
        (
            post().header(ORIGIN, "http://evil.example"),
            StatusCode::FORBIDDEN,
        ),
        (
            post()
                .header(ORIGIN, &bench.address)
                .header("sec-fetch-site", "cross-site"),
            StatusCode::FORBIDDEN,
        ),
        (
            post()
                .header(ORIGIN, "http://evil.example")
                .header(HOST, "evil.example"),
            StatusCode::MISDIRECTED_REQUEST,
        ),
    ];
    for (request, expected) in answers {
        assert_eq!(request.send().await.unwrap().status(), expected);
    }
    let rebound = bench
        .client
        .get(&bench.address)
        .header(HOST, "evil.example");
    let rebound = rebound.send().await.unwrap();
    assert_eq!(rebound.status(), StatusCode::MISDIRECTED_REQUEST);
    assert!(!bench.page("/").await.contains("123X"));
    bench.end().await;
}

#[tokio::test]
async fn nothing_is_inline_and_no_page_is_kept() {
    let bench = Bench::start().await;
    bench.open().await;
    for path in [
        "/",
        "/close",
        "/blocks",
        "/blocks?kind=return",
        "/sync",
        "/commands",
    ] {
        let response = bench.get(path).await;
        let headers = response.headers().clone();
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"));
        assert_eq!(headers["cache-control"], "no-store", "{path}");
        assert_eq!(headers["x-frame-options"], "DENY");
        let page = response.text().await.unwrap();
        for inline in ["<style", " style=", " onclick", "javascript:"] {
            assert!(!page.contains(inline), "{path} has {inline}");
        }
    }
    let style = asset::STYLE.address();
    let first = bench.get(&style).await;
    assert!(
        first.headers()["cache-control"]
            .to_str()
            .unwrap()
            .contains("immutable")
    );
    let again = bench.client.get(format!("{}{style}", bench.address));
    let again = again.header(IF_NONE_MATCH, &first.headers()[ETAG]);
    assert_eq!(
        again.send().await.unwrap().status(),
        StatusCode::NOT_MODIFIED
    );
    assert_eq!(
        bench.get("/desk-0.css").await.status(),
        StatusCode::NOT_FOUND
    );
    bench.end().await;
}

#[tokio::test]
async fn a_block_is_looked_at_and_written_whole_and_once() {
    let bench = Bench::start().await;
    let list = "LL000001\n\nLL000001\nＬＬ００００２\nLL000003\n";
    let form = [("kind", "lend"), ("card", SCHOOL), ("list", list)];
    let draft = bench.send("/blocks", &form).await;
    let page = bench.page(&draft).await;
    assert!(page.contains("先在第 1 行") && page.contains("不认识这个条码"));
    assert!(!page.contains(SCHOOL) && page.contains("…0018"));
    let id = draft.rsplit('/').next().unwrap();
    let confirmed = bench.send("/blocks/confirm", &[("draft", id)]).await;
    assert_eq!(confirmed, draft, "a list with a problem is not written");

    let mended = [
        ("kind", "lend"),
        ("draft", id),
        ("list", "LL000001\nLL000003"),
        ("card", ""),
    ];
    let draft = bench.send("/blocks", &mended).await;
    let id = draft.rsplit('/').next().unwrap();
    let receipt = bench.send("/blocks/confirm", &[("draft", id)]).await;
    assert!(bench.page(&receipt).await.contains("已借出 2 册"));
    let again = bench.send("/blocks/confirm", &[("draft", id)]).await;
    assert_eq!(again, receipt, "confirmed twice is done once");

    let block = receipt
        .trim_start_matches("/blocks/receipt/")
        .trim_end_matches("?new=1");
    // One barcode was wrong.
    let address = format!("/blocks/receipt/{block}");
    assert!(bench.page(&address).await.contains("撤销其中一册"));
    let undo = [("block", block), ("code", "ＬＬ０００００１")];
    let page = bench.page_of("/blocks/undo", &undo).await;
    assert!(page.contains("已撤销 LL000001") && page.contains("<s>LL000001</s>"));
    let page = bench.page_of("/blocks/undo", &undo).await;
    assert!(page.contains("不能再撤销"), "once is enough");
    let card = [("block", block), ("code", READER)];
    let page = bench.page_of("/blocks/undo", &card).await;
    assert!(page.contains("这是读者证") && !page.contains(READER));

    let back = bench
        .send("/blocks", &[("kind", "return"), ("block", block)])
        .await;
    let id = back.rsplit('/').next().unwrap();
    bench.send("/blocks/confirm", &[("draft", id)]).await;
    let facts = bench.end().await.facts();
    let expected = [
        "lent LL000001",
        "lent LL000003",
        "undone LL000001",
        "back LL000003",
    ];
    assert_eq!(told(&facts), expected);
    let text = facts.iter().map(Event::to_json).collect::<String>();
    assert_eq!(text.matches(&format!("\"block\":\"{block}\"")).count(), 4);
}

#[tokio::test]
async fn the_last_of_a_block_is_undone_after_a_restart_and_that_is_said() {
    let bench = Bench::start().await;
    let form = [("kind", "lend"), ("card", SCHOOL), ("list", "LL000001")];
    let draft = bench.send("/blocks", &form).await;
    let id = draft.rsplit('/').next().unwrap();
    let receipt = bench.send("/blocks/confirm", &[("draft", id)]).await;
    bench.task.abort();
    let bench = Bench::with(bench.lending.restarted(), BusDeskSection::default()).await;
    let block = receipt
        .trim_start_matches("/blocks/receipt/")
        .trim_end_matches("?new=1");
    let undo = [("block", block), ("code", "LL000001")];
    let next = bench.send("/blocks/undo", &undo).await;
    let page = bench.page(&next).await;
    assert!(page.contains("已撤销；这一批没有在外的图书了"), "{page}");
    let next = bench.send("/blocks/undo", &undo).await;
    assert!(bench.page(&next).await.contains("这份清单已不在"));
    assert_eq!(
        told(&bench.end().await.facts()),
        ["lent LL000001", "undone LL000001"]
    );
}

#[tokio::test]
async fn an_item_that_is_returned_twice_at_a_stop_is_returned_once() {
    let bench = Bench::start().await;
    bench.open().await;
    bench.send("/command", &[("command", "LJ-RETURN")]).await;
    assert!(bench.scan("LL000001").await.contains("已归还"));
    bench.lending.wait(Duration::from_secs(60));
    let page = bench.scan("LL000001").await;
    assert!(page.contains("这本书在本站已经归还"), "{page}");
    bench.send("/command", &[("command", "LJ-LEND")]).await;
    bench.scan(READER).await;
    assert!(bench.scan("LL000001").await.contains("已借出"));
    bench.send("/command", &[("command", "LJ-RETURN")]).await;
    assert!(bench.scan("LL000001").await.contains("已归还"));
    let facts = bench.end().await.facts();
    assert_eq!(
        told(&facts)[1..],
        ["back LL000001", "lent LL000001", "back LL000001"]
    );
}

#[tokio::test]
async fn a_page_that_closes_one_stop_does_not_close_the_next() {
    let bench = Bench::start().await;
    bench.open().await;
    let stale = bench.page("/close").await;
    bench.close(&[("participants", "20")]).await;
    bench.open().await;
    let form = [("participants", "80"), ("stop", of_stop(&stale))];
    assert_eq!(bench.send("/close", &form).await, "/close");
    assert_eq!(bench.close(&[("participants", "30")]).await, "/?closed=1");
    let facts = bench.end().await.facts();
    let came = facts.iter().filter_map(|event| match event.fact() {
        Fact::StopClosed(stop) => Some(stop.participants),
        _ => None,
    });
    assert_eq!(came.collect::<Vec<_>>(), [Some(20), Some(30)]);
}

#[tokio::test]
async fn each_stop_has_a_name_of_its_own_also_at_the_same_place() {
    let bench = Bench::start().await;
    for _ in 0..2 {
        bench.open().await;
        bench.close(&[]).await;
    }
    let facts = bench.end().await.facts();
    let names = facts.iter().filter_map(|event| match event.fact() {
        Fact::StopOpened(stop) => Some(&stop.stop),
        _ => None,
    });
    assert_eq!(names.collect::<std::collections::BTreeSet<_>>().len(), 2);
}

#[tokio::test]
async fn a_language_that_was_chosen_is_remembered() {
    let bench = Bench::start().await;
    assert!(bench.page("/").await.contains("lang=\"zh-CN\""));
    let request = bench.client.post(format!("{}/language", bench.address));
    let request = request
        .header(ORIGIN, &bench.address)
        .form(&[("language", "en")]);
    let response = request.send().await.unwrap();
    let cookie = response.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(cookie.contains("SameSite=Strict") && cookie.contains("HttpOnly"));
    let request = bench
        .client
        .get(&bench.address)
        .header(COOKIE, "language=en");
    let page = request.send().await.unwrap().text().await.unwrap();
    assert!(page.contains("lang=\"en\"") && page.contains("Open a stop"));
    bench.end().await;
}

#[tokio::test]
async fn a_scanner_on_a_serial_line_is_heard_once_and_pages_are_told() {
    let (mut scanner, line) = SerialStream::pair().unwrap();
    let section = BusDeskSection {
        scanner: Some(lujiang_config::GateSection::on_port(line.name().unwrap().into()).serial),
        ..BusDeskSection::default()
    };
    let bench = Bench::with(TestLending::start(), section).await;
    bench.open().await;
    let mut events = bench.get("/events").await;
    let mut told = async || {
        timeout(SOON, events.chunk())
            .await
            .unwrap()
            .unwrap()
            .unwrap()
    };
    assert!(told().await.starts_with(b"event: desk"));
    let scans = format!("{READER}\r\nLL000001\r\n");
    scanner.write_all(scans.as_bytes()).await.unwrap();
    while !bench.page("/").await.contains("LL000001") {
        told().await;
    }
    assert_eq!(
        bench
            .page("/")
            .await
            .matches("class=\"code\">LL000001")
            .count(),
        1
    );
    let facts = bench.end().await.facts();
    assert_eq!(facts.len(), 2, "the stop and one loan");
}

/// Which stop a page closes.
fn of_stop(page: &str) -> &str {
    let (_, rest) = page.split_once("name=\"stop\" value=\"").unwrap();
    rest.split_once('"').unwrap().0
}
