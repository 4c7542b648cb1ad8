//! Drafts of a small library: two sites, three kiosks, and the months of a year.

use std::collections::BTreeMap;

use lujiang_wire::Copies;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::book::{BookFormat, Cover, CoverFault, Protection};
use crate::difference::{Change, Difference};

const ISBN: &str = "9787020002207";

#[test]
fn a_first_release_has_each_licensed_file_and_refuses_the_others_by_name() {
    let mut sources =
        november("file,start,end,copies\na.epub,2026-11-01,2026-11-30,2\ngone.epub,,,\n");
    sources.files = vec![file("b.epub", 2, None), file("a.epub", 1, Some(ISBN))];
    let draft = Draft::of(sources);

    let [title] = &draft.parts.catalogue.publications[..] else {
        panic!("{draft:#?}")
    };
    assert_eq!(title.metadata.identifier.as_str(), "urn:isbn:9787020002207");
    assert_eq!(
        title.window().unwrap().until.unwrap().to_string(),
        "2026-11-30T16:00:00Z"
    );
    assert_eq!(
        title
            .acquisition()
            .unwrap()
            .properties
            .as_ref()
            .unwrap()
            .copies
            .as_ref()
            .unwrap()
            .total,
        2
    );
    assert_eq!(title.borrow_link(), None);
    assert_eq!(draft.parts.blobs.len(), 2, "a file and its cover");
    assert_eq!(held(&draft, 0), 2);
    assert_eq!(
        told(&draft),
        [
            "b.epub: no line of the licences is about it",
            "line 3: the file \"gone.epub\" is neither in the folder nor on the shelf",
            "a.epub: 2 copies for 3 kiosks: some have none",
        ]
    );
    assert!(draft.is_refused_in_part());
}

#[test]
fn the_shelf_of_the_month_before_stays_while_its_licences_go_on() {
    let mut october =
        november("file,end\na.epub,2026-10-31\nb.epub,2027-03-31\nc.epub,\nd.epub,\n");
    october.now = "2026-10-01T00:00:00Z".parse().unwrap();
    october.files = ["a", "b", "c", "d"]
        .map(|it| file(&format!("{it}.epub"), it.as_bytes()[0], None))
        .into();
    let october = Draft::of(october);
    assert_eq!(told(&october), [""; 0]);

    let c = identifier_of_file(&hash(b'c'));
    let mut sources = november(&format!(
        "file,isbn,sha256,end\ne.epub,,,\n,,{},2027-12-31\n",
        hash(b'd')
    ));
    sources.files = vec![file("e.epub", b'e', None)];
    sources.before = Some(shelved(&october));
    sources.retire = BTreeSet::from([c.clone(), "urn:isbn:0".parse().unwrap()]);
    let draft = Draft::of(sources);

    let fates: Vec<_> = draft
        .titles
        .iter()
        .map(|it| (it.fate, it.title.as_str().to_owned()))
        .collect();
    let fate = |fate, letter: u8| (fate, format!("书 {letter}"));
    assert_eq!(
        fates,
        [
            fate(Fate::New, b'e'),
            fate(Fate::Kept, b'b'),
            fate(Fate::Renewed, b'd'),
            fate(Fate::Ended, b'a'),
            fate(Fate::Retired, b'c'),
        ]
    );
    assert_eq!(draft.parts.catalogue.publications.len(), 3);
    assert_eq!(draft.parts.allotment.titles.len(), 3);
    assert_eq!(draft.parts.blobs.len(), 2, "only what is new is brought");
    assert_eq!(
        told(&draft),
        ["urn:isbn:0: it cannot be retired: the release before does not have it"]
    );

    let (before, after) = (shelved(&october), shelved(&draft));
    let difference = Difference::between(&before, &after);
    assert_eq!(
        (
            difference.added.len(),
            difference.removed.len(),
            difference.same
        ),
        (1, 2, 1)
    );
    assert_eq!(difference.changed[0].1, [Change::Window]);
}

#[test]
fn a_file_that_is_on_the_shelf_needs_no_second_line_and_a_new_edition_takes_its_place() {
    let mut october = november(&format!("isbn,end\n{ISBN},2027-03-31\n"));
    october.files = vec![file("a.epub", 1, Some(ISBN))];
    let october = Draft::of(october);

    let mut sources = november("file\nnothing.epub\n");
    sources.files = vec![file("a.epub", 1, Some(ISBN))];
    sources.before = Some(shelved(&october));
    let draft = Draft::of(sources);
    assert_eq!(draft.titles[0].fate, Fate::Kept);
    assert_eq!(draft.parts.blobs, []);

    let mut sources = november(&format!("isbn\n{ISBN}\n"));
    sources.files = vec![file("a2.epub", 2, Some(ISBN))];
    sources.before = Some(shelved(&october));
    let draft = Draft::of(sources);
    assert_eq!(
        (draft.titles.len(), draft.titles[0].fate),
        (1, Fate::Replaced)
    );
}

#[test]
fn a_volume_that_shares_its_number_keeps_its_name_from_month_to_month() {
    let both = "file,copies\none.epub,2\ntwo.epub,3\n";
    let mut october = november(both);
    let volumes = [
        file("one.epub", 1, Some(ISBN)),
        file("two.epub", 2, Some(ISBN)),
    ];
    october.files = volumes.into();
    let october = Draft::of(october);
    let names = |draft: &Draft| {
        let names = draft
            .titles
            .iter()
            .map(|it| (it.identifier.to_string(), it.fate));
        names.collect::<BTreeMap<_, _>>()
    };
    let (by_isbn, by_hash) = (
        format!("urn:isbn:{ISBN}"),
        identifier_of_file(&hash(2)).to_string(),
    );
    let of = |fate| BTreeMap::from([(by_isbn.clone(), fate), (by_hash.clone(), fate)]);
    assert_eq!(names(&october), of(Fate::New));

    // The second comes again, alone, under a licence of its own.
    let mut sources = november("file,copies\ntwo.epub,3\n");
    sources.files = vec![file("two.epub", 2, Some(ISBN))];
    sources.before = Some(shelved(&october));
    let draft = Draft::of(sources);
    let mut expected = of(Fate::Kept);
    expected.insert(by_hash.clone(), Fate::Renewed);
    assert_eq!(names(&draft), expected, "{:#?}", draft.problems);
    assert_eq!(
        (0..2).map(|at| held(&draft, at)).sum::<u64>(),
        5,
        "no copy more"
    );

    // A third of that number would take the place of the first: somebody is asked.
    let mut sources = november("file,copies\nthree.epub,1\n");
    sources.files = vec![file("three.epub", 3, Some(ISBN))];
    sources.before = Some(shelved(&october));
    let draft = Draft::of(sources);
    assert_eq!(draft.titles[0].fate, Fate::Replaced);
    let told = told(&draft);
    let asked = told
        .iter()
        .any(|it| it.contains("\"书 1\", which has its ISBN: is it the same book?"));
    assert!(asked, "{told:?}");
}

#[test]
fn a_title_leaves_with_the_second_its_licence_ends_in() {
    let mut october = november("file,end\na.epub,2026-11-30\n");
    october.files = vec![file("a.epub", 1, None)];
    let october = Draft::of(october);
    for (now, fate) in [
        ("2026-11-30T15:59:59Z", Fate::Kept),
        ("2026-11-30T16:00:00Z", Fate::Ended),
    ] {
        let mut sources = november("file\n");
        sources.now = now.parse().unwrap();
        sources.before = Some(shelved(&october));
        assert_eq!(Draft::of(sources).titles[0].fate, fate, "{now}");
    }
}

#[test]
fn doubles_are_told_in_the_folder_and_over_the_months() {
    let mut spring = november("file\na.epub\n");
    spring.files = vec![file("a.epub", 1, None)];
    let spring = Draft::of(spring);

    let mut sources = november("file\na.epub\nb.epub\nc.epub\nd.epub\n");
    sources.files = vec![
        file("a.epub", 1, None),
        file("b.epub", 1, None),
        file("c.epub", 2, Some(ISBN)),
        file("d.epub", 3, Some(ISBN)),
    ];
    sources.earlier = vec![spring.parts.catalogue];
    let draft = Draft::of(sources);
    assert_eq!(draft.count(Fate::New), 3);
    assert_eq!(
        told(&draft),
        [
            "a.epub: the same file was in 2026-11 already",
            "b.epub: the same bytes as a.epub: it is left out",
            "d.epub: it has the ISBN of c.epub: it is known by its hash",
        ]
    );
    assert!(!draft.is_refused_in_part());
    assert!(
        draft.parts.blobs.iter().all(|it| it.blob != hash(1)),
        "it is at the gateway"
    );
}

#[test]
fn what_may_not_be_shown_is_refused() {
    let mut sources = november(
        "file,end,sites\nlocked.epub,,\nbroken.epub,,\nover.epub,2026-10-31,\nnowhere.epub,,moon\ntwice.epub,,\ntwice.epub,,\n",
    );
    let mut locked = file("locked.epub", 1, None);
    locked.book.as_mut().unwrap().protection = Some(Protection::Lcp);
    let mut broken = file("broken.epub", 2, None);
    broken.book = Err(BookFault::NothingToRead);
    sources.files = vec![
        locked,
        broken,
        file("over.epub", 3, None),
        file("nowhere.epub", 4, None),
    ];
    sources
        .files
        .push(file("odd\u{1b}[2J\u{202e}.epub", 5, None));
    let mut notes = file("README.txt", 6, None);
    notes.book = Err(BookFault::Unknown);
    let mut empty = file("empty.EPUB", 7, None);
    empty.book = Err(BookFault::Unknown);
    sources.files.extend([notes, empty]);
    let draft = Draft::of(sources);
    assert_eq!(draft.parts.catalogue.publications, []);
    assert_eq!(
        told(&draft),
        [
            "the file \"twice.epub\": line 6 and line 7 are about it: one title has one licence",
            "broken.epub: its spine is empty: there is nothing to read",
            "empty.EPUB: neither an EPUB nor a PDF",
            "locked.epub: locked by Readium LCP: no kiosk can open it",
            "nowhere.epub: \"moon\" is no site here",
            "odd [2J .epub: no line of the licences is about it",
            "over.epub: its licence ended 2026-10-31 24:00",
            "line 6: the file \"twice.epub\" is neither in the folder nor on the shelf",
            "README.txt: neither an EPUB nor a PDF: it is left out",
        ]
    );
}

#[test]
fn two_lines_about_one_file_are_refused() {
    let mut sources = november(&format!("file,isbn,copies\na.epub,,5\n,{ISBN},1\n"));
    sources.files = vec![file("a.epub", 1, Some(ISBN))];
    let draft = Draft::of(sources);
    assert_eq!(
        told(&draft),
        ["a.epub: line 2 and line 3 are about it: one title has one licence"]
    );
}

#[test]
fn a_licence_of_a_site_is_allotted_there_only_by_id_or_by_name() {
    let mut sources =
        november("file,sites,phone\na.epub,东岗村图书室=1,yes\nb.epub,main,\nc.epub,empty,\n");
    sources.files = vec![
        file("a.epub", 1, None),
        file("b.epub", 2, None),
        file("c.epub", 3, None),
    ];
    let draft = Draft::of(sources);
    let devices = |at: usize| &draft.titles[at].allotted.devices;
    let of_one = Copies::Of(1.try_into().unwrap());
    assert_eq!(
        devices(0),
        &BTreeMap::from([("kiosk-c".parse().unwrap(), of_one)])
    );
    let main = ["kiosk-a", "kiosk-b"].map(|it| (it.parse().unwrap(), Copies::Unlimited));
    assert_eq!(devices(1), &BTreeMap::from(main));
    assert_eq!(
        told(&draft),
        ["c.epub: no kiosk stands where it is licensed: it is shown nowhere"]
    );
    let phone = draft.parts.catalogue.publications[0].borrow_link().unwrap();
    assert_eq!(phone.href, format!("/borrow/urn:sha256:{}", hash(1)));
}

#[test]
fn what_a_file_does_not_tell_the_list_may_tell() {
    let mut sources = november("file,title,author\na.pdf,渌江 纪事,李明远\nsub/b.pdf,,\n");
    sources.files = ["a.pdf", "sub/b.pdf"]
        .map(|name| {
            let mut file = file(name, name.as_bytes()[0], None);
            let book = file.book.as_mut().unwrap();
            (book.title, book.cover) = (None, Err(CoverFault::Large));
            (book.authors, file.cover) = (Vec::new(), None);
            file
        })
        .into();
    let draft = Draft::of(sources);
    let titles: Vec<_> = draft
        .parts
        .catalogue
        .publications
        .iter()
        .map(|it| it.metadata.title.as_str())
        .collect();
    assert_eq!(titles, ["渌江 纪事", "b"]);
    assert_eq!(
        draft.parts.catalogue.publications[0].metadata.author[0].as_str(),
        "李明远"
    );
    assert_eq!(
        told(&draft)[1],
        "sub/b.pdf: it tells no title: its file's name is shown"
    );
}

#[test]
fn copies_of_a_kiosk_that_is_gone_are_nobodys_until_the_licence_is_read_anew() {
    let mut october = november("file,copies\na.epub,3\n");
    october.files = vec![file("a.epub", 1, None)];
    let october = Draft::of(october);
    let mut sources = november(&format!("sha256,copies\n{},4\n", hash(9)));
    sources.before = Some(shelved(&october));
    sources.kiosks.pop();
    let draft = Draft::of(sources);
    assert_eq!(held(&draft, 0), 2);

    let mut sources = november(&format!("sha256,copies\n{},3\n", hash(1)));
    sources.before = Some(shelved(&october));
    sources.kiosks.pop();
    assert_eq!(held(&Draft::of(sources), 0), 3);
}

proptest! {
    #[test]
    fn over_months_no_title_is_allotted_more_than_its_licence_has(
        months in prop::collection::vec(
            (prop::collection::vec((0..8_u8, prop::option::of(1..9_u32), 0..4_usize), 0..6), 0..4_usize),
            1..6,
        ),
    ) {
        let mut before = None;
        for (lines, kiosks) in months {
            let mut table = String::from("sha256,copies,sites\n");
            for (letter, copies, sites) in &lines {
                let copies = copies.map(|it| it.to_string()).unwrap_or_default();
                let sites = ["", "main", "east", "main;east"][*sites];
                table += &format!("{},{copies},{sites}\n", hash(*letter));
            }
            let mut sources = november(&table);
            sources.kiosks.truncate(kiosks);
            sources.files = lines.iter().enumerate()
                .map(|(at, (letter, ..))| file(&format!("{at}.epub"), *letter, None)).collect();
            sources.before = before.take();
            let kiosks = sources.kiosks.clone();
            let draft = Draft::of(sources);
            for title in &draft.titles {
                let Some(copies) = title.copies else { continue };
                prop_assert_eq!(title.allotted.others, Copies::None);
                prop_assert!(sum(&title.allotted) <= u64::from(copies), "{:?}", title);
                let known = |it: &DeviceId| kiosks.iter().any(|kiosk| kiosk.device == *it);
                prop_assert!(title.allotted.devices.keys().all(known));
            }
            let names: BTreeSet<_> = draft.parts.allotment.titles.keys().collect();
            let listed: BTreeSet<_> = draft.parts.catalogue.publications.iter()
                .map(|it| &it.metadata.identifier).collect();
            prop_assert_eq!(names, listed);
            before = Some(shelved(&draft));
        }
    }
}

fn november(table: &str) -> DraftSources {
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let kiosk = |device: &str, site: &str| Kiosk {
        device: device.parse().unwrap(),
        site: site.parse().unwrap(),
    };
    let site = |id: &str, name: &str| (id.parse().unwrap(), name.to_owned());
    DraftSources {
        release: "2026-11".parse().unwrap(),
        now: "2026-11-01T00:00:00Z".parse().unwrap(),
        files: Vec::new(),
        licences: LicenceList::read(table.as_bytes(), &zone),
        zone,
        before: None,
        earlier: Vec::new(),
        kiosks: vec![
            kiosk("kiosk-a", "main"),
            kiosk("kiosk-b", "main"),
            kiosk("kiosk-c", "east"),
        ],
        sites: vec![
            site("main", "总馆"),
            site("east", "东岗村图书室"),
            site("empty", "空"),
        ],
        retire: BTreeSet::new(),
    }
}

fn hash(letter: u8) -> BlobHash {
    BlobHash::new(Sha256::digest([letter]).into())
}

fn file(name: &str, letter: u8, isbn: Option<&str>) -> FoundFile {
    let origin = |blob| BlobOrigin {
        blob,
        size: 1_000,
        file: PathBuf::from(name),
    };
    let cover = Cover {
        media_type: "image/png",
        bytes: vec![letter],
    };
    FoundFile {
        name: name.into(),
        origin: origin(hash(letter)),
        cover: Some(origin(BlobHash::new([letter; 32]))),
        book: Ok(Book {
            format: BookFormat::Epub,
            title: line(&format!("书 {letter}")),
            authors: vec!["李".parse().unwrap()],
            languages: Vec::new(),
            publisher: None,
            description: None,
            isbn: isbn.map(|it| it.parse().unwrap()),
            cover: Ok(Some(cover)),
            protection: None,
        }),
    }
}

fn shelved(draft: &Draft) -> Shelved {
    Shelved {
        catalogue: draft.parts.catalogue.clone(),
        allotment: draft.parts.allotment.clone(),
    }
}

fn told(draft: &Draft) -> Vec<String> {
    draft.problems.iter().map(ToString::to_string).collect()
}

fn held(draft: &Draft, at: usize) -> u64 {
    sum(&draft.titles[at].allotted)
}

fn sum(allotted: &TitleAllotment) -> u64 {
    let number = |copies: &Copies| match copies {
        Copies::None => 0,
        Copies::Of(number) => u64::from(number.get()),
        Copies::Unlimited => panic!("a licence with a number was allotted without one"),
    };
    allotted.devices.values().map(number).sum()
}
