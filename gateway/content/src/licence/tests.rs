//! Lists as suppliers write them, and as nobody should.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> LicenceList {
    LicenceList::read(text.as_bytes(), &TimeZone::get("Asia/Shanghai").unwrap())
}

fn problems(text: &str) -> Vec<String> {
    let list = read(text);
    list.problems.iter().map(ToString::to_string).collect()
}

fn some(number: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(number)
}

#[test]
fn a_table_is_understood_line_by_line() {
    let list = read(
        "\u{feff}file,start,end,copies,sites,phone\n\
         a.epub,2026-11-01,2026-11-30,3,,yes\n\
         \n\
         ./sub/b.pdf,,,,main;east,\n\
         c.epub,2026/11/1,,,main=2;east=1,no\n",
    );
    assert_eq!(list.problems, []);
    let [a, b, c] = &list.licences[..] else {
        panic!("{list:?}")
    };
    assert_eq!(a.subject, Subject::File("a.epub".into()));
    assert_eq!(a.window.since.unwrap().to_string(), "2026-10-31T16:00:00Z");
    assert_eq!(a.window.until.unwrap().to_string(), "2026-11-30T16:00:00Z");
    assert_eq!(
        (&a.grant, &a.phone),
        (&Grant::Everywhere(some(3)), &Phone::Allowed)
    );
    assert_eq!(b.subject, Subject::File("sub/b.pdf".into()));
    assert_eq!((b.window, b.place), (Window::default(), Place::Line(4)));
    let both = vec!["east".parse().unwrap(), "main".parse().unwrap()];
    assert_eq!(
        b.grant,
        Grant::Within {
            sites: both,
            copies: None
        }
    );
    let Grant::BySite(by_site) = &c.grant else {
        panic!("{:?}", c.grant)
    };
    assert_eq!(
        by_site.values().map(|it| it.get()).collect::<Vec<_>>(),
        [1, 2]
    );
}

#[test]
fn a_table_a_spreadsheet_saved_in_chinese_is_understood() {
    let text = "书号\t书名\t作者\t开始\t结束\t份数\t馆点\t手机\n\
                978-7-02-000220-7\t渌江 纪事\t李明远、王静\t2026年11月1日\t2026年11月30日\t不限\t东岗村图书室\t是\n";
    let (bytes, ..) = encoding_rs::GB18030.encode(text);
    for bytes in [text.as_bytes(), &bytes] {
        let list = LicenceList::read(bytes, &TimeZone::UTC);
        assert_eq!(list.problems, []);
        let licence = &list.licences[0];
        assert_eq!(licence.subject.to_string(), "ISBN 9787020002207");
        assert_eq!(licence.told.title.as_ref().unwrap().as_str(), "渌江 纪事");
        assert_eq!(licence.told.authors.len(), 2);
        assert!(
            matches!(&licence.grant, Grant::Within { sites, copies: None } if sites[0].as_str() == "东岗村图书室")
        );
    }
}

#[test]
fn every_problem_is_told_by_line_and_column() {
    let told = problems(
        "file,isbn,start,end,copies,sites,phone\n\
         a,,01/11/2026,,,,\n\
         b,,2026-11-30,2026-11-29,,,\n\
         c,,,2026-02-30,,,\n\
         d,,,,0,,\n\
         e,,,,4,main=2;east=1,\n\
         f,,,,,main=0,\n\
         g,,,,,,perhaps\n\
         ,978-7-02-000220-8,,,,,\n\
         ,,2026-11-01,,,,\n\
         ../h,,,,,,\n",
    );
    let begins = [
        "line 2, start: \"01/11/2026\" is no date",
        "line 3, end: it ends before it begins",
        "line 4, end: \"2026-02-30\" is no date: there is no such day",
        "line 5, copies: \"0\" is no number of copies",
        "line 6, sites: the copies by site are 3 together, and 4 stand in `copies`",
        "line 7, sites: \"main=0\" is no list of sites",
        "line 8, phone: \"perhaps\" is neither yes, no, nor an address",
        "line 9, isbn: \"978-7-02-000220-8\" is no ISBN",
        "line 10, the line: it names no title",
        "line 11, file: \"../h\" is no name of a file in the folder",
    ];
    assert_eq!(told.len(), begins.len(), "{told:#?}");
    for (told, begin) in told.iter().zip(begins) {
        assert!(told.starts_with(begin), "{told}\n{begin}");
    }
}

#[test]
fn a_mistyped_heading_makes_no_licence_endless() {
    let told = problems("file,start,ennd\na.epub,2026-11-01,2026-11-30\n");
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("line 1, \"ennd\": no such column; known are file,"),
        "{told:?}"
    );
    assert_eq!(
        problems("start,end\n"),
        ["line 1, the headings: a column `file`, `isbn` or `sha256` is needed"]
    );
    assert_eq!(
        problems(""),
        ["line 1, the headings: a column `file`, `isbn` or `sha256` is needed"]
    );
    assert!(problems("file,文件\n")[0].contains("two columns mean the same"));
}

#[test]
fn hostile_cells_reach_no_terminal_as_they_are() {
    let told =
        problems("file,copies\na.epub,\u{1b}]0;pwned\u{7}\n\"=cmd|'/c calc'!A1\",x\n\u{1b}[2J,1\n");
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(
        told.iter().all(|it| !it.chars().any(char::is_control)),
        "{told:?}"
    );

    let long = format!("file,copies\na.epub,{}\n", "9".repeat(1_000_000));
    assert!(problems(&long)[0].len() < 200);
    let list = read("file,title\na.epub,\"\u{1b}[31mred\u{202e}\n\"\n");
    assert_eq!(
        list.licences[0].told.title.as_ref().unwrap().as_str(),
        "[31mred"
    );
}

#[test]
fn a_feed_of_others_is_understood() {
    let list = read(
        r#"{"metadata": {"title": "x"}, "publications": [
        {"metadata": {"identifier": "urn:isbn:9787020002207", "title": {"zh": "渌江"},
            "author": [{"name": "李明远"}, "王静"], "language": "zh"},
         "links": [{"rel": ["self"], "href": "x"},
            {"rel": ["http://opds-spec.org/acquisition"], "href": "a.epub", "properties":
             {"availability": {"state": "available", "since": "2026-11-01T00:00:00Z", "until": "2026-12-01T00:00:00Z"},
              "copies": {"total": 5, "available": 3}}},
            {"rel": "http://opds-spec.org/acquisition/borrow", "href": "b"}]},
        {"metadata": {"title": "y", "author": "单"}, "links":
         [{"rel": "http://opds-spec.org/acquisition/open-access", "href": "https://x.cn/dl/b%20c.pdf?k=1"}]},
        {"metadata": {"title": "z", "author": {"name": {"zh": "双"}}}, "links": "nonsense"}
        ]}"#,
    );
    let [a, b] = &list.licences[..] else {
        panic!("{list:?}")
    };
    assert_eq!(a.subject.to_string(), "ISBN 9787020002207");
    assert_eq!(
        (&a.grant, &a.phone),
        (&Grant::Everywhere(some(5)), &Phone::Allowed)
    );
    assert_eq!(a.window.until.unwrap().to_string(), "2026-12-01T00:00:00Z");
    assert_eq!(
        (
            a.told.authors.len(),
            a.told.title.as_ref().unwrap().as_str()
        ),
        (2, "渌江")
    );
    assert_eq!(b.subject, Subject::File("b c.pdf".into()));
    assert_eq!(
        (b.window, b.told.authors[0].as_str()),
        (Window::default(), "单")
    );
    let told: Vec<_> = list.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["publication 3, metadata.identifier: it names no title"]
    );
}

#[test]
fn a_feed_says_by_site_what_a_table_does() {
    let feed = |sites: &str, copies: &str| {
        format!(
            r#"{{"publications": [{{"metadata": {{"identifier": "9787020002207"}}, "links":
            [{{"rel": "http://opds-spec.org/acquisition", "properties":
            {{"sites": {sites}, "copies": {{"total": {copies}}}}}}}]}}]}}"#
        )
    };
    let within = |grant: &Grant| match grant {
        Grant::Within { sites, copies } => (sites.len(), *copies),
        other => panic!("{other:?}"),
    };
    for together in [r#"["main", "donggang"]"#, r#""main; donggang""#] {
        let list = read(&feed(together, "3"));
        assert_eq!(within(&list.licences[0].grant), (2, some(3)), "{together}");
    }
    for each in [
        r#"{"main": 2, "donggang": 1}"#,
        r#"["main=2", "donggang=1"]"#,
    ] {
        let list = read(&feed(each, "null"));
        let grant = &list.licences[0].grant;
        assert!(
            matches!(grant, Grant::BySite(sites) if sites.len() == 2),
            "{grant:?}"
        );
    }
    // What is no site must not become everywhere.
    for wrong in [
        "7",
        "[7]",
        "true",
        r#"{"main": -1}"#,
        r#"{"main": 0}"#,
        "[[]]",
    ] {
        let told = problems(&feed(wrong, "null"));
        assert!(told[0].contains("properties.sites"), "{wrong}: {told:?}");
    }
}

#[test]
fn an_address_to_borrow_at_is_one_of_the_web() {
    let phone = |cell: &str| {
        read(&format!("file,phone\na.epub,{cell}\n"))
            .licences
            .pop()
            .map(|it| it.phone)
    };
    let at = |text: &str| Some(Phone::At(text.parse().unwrap()));
    assert_eq!(
        phone("https://lender.example/1"),
        at("https://lender.example/1")
    );
    for wrong in [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://user:pw@lender.example/",
        "//x",
    ] {
        assert_eq!(phone(wrong), None, "{wrong}");
    }
}

#[test]
fn a_feed_that_is_none_is_told_so() {
    assert!(
        problems("{\"publications\": [\n")[0].starts_with("line 2, the feed: not an OPDS 2.0 feed")
    );
    assert!(problems("{}")[0].contains("it has no list `publications`"));
    let deep = format!("{{\"a\":{}", "[".repeat(100_000));
    assert!(problems(&deep)[0].contains("recursion limit"));
    let feed = r#"{"publications": [{"metadata": {"identifier": "9787020002207"}, "links":
        [{"rel": "http://opds-spec.org/acquisition", "properties": {"copies": {"total": -1}}}]}]}"#;
    assert!(problems(feed)[0].starts_with("publication 1, properties.copies.total"));
}

#[test]
fn a_list_with_thousands_of_faults_tells_the_first() {
    let table = format!("file,copies\n{}", "a,0\n".repeat(10_000));
    assert_eq!(problems(&table).len(), PROBLEMS_MAX);
}

proptest! {
    #[test]
    fn no_bytes_are_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = LicenceList::read(&bytes, &TimeZone::UTC);
    }

    #[test]
    fn no_cells_are_a_panic(cells in prop::collection::vec("\\PC{0,12}", 6)) {
        let list = read(&format!("file,start,end,copies,sites,phone\n{}\n", cells.join(",")));
        // Each line is understood or told, and never both.
        prop_assert!(list.licences.len() + list.problems.len() <= 1);
    }

    #[test]
    fn no_feed_is_a_panic(text in "\\{\"publications\": ?\\[[\\PC]{0,60}\\]\\}") {
        let _ = read(&text);
    }
}
