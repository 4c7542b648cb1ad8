//! Claims about books as files, the honest and the others.

use std::io::Write as _;
use std::path::PathBuf;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;

mod published;

pub(crate) const CONTAINER: &str = r#"<?xml version="1.0"?><container version="1.0"
 xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile
 full-path="OEBPS/package.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"#;

pub(crate) const PACKAGE: &str = r#"<?xml version="1.0"?><package version="3.0"
 xmlns="http://www.idpf.org/2007/opf"><metadata/><manifest>
 <item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
 <item id="a" href="text/one.xhtml" media-type="application/xhtml+xml"/>
 <item id="b" href="text/%E4%BA%8C.xhtml" media-type="application/xhtml+xml"/>
 <item id="f" href="font.bin" media-type="application/vnd.ms-opentype"/>
 <item id="s" href="evil.js" media-type="text/javascript"/>
 </manifest><spine><itemref idref="a"/><itemref idref="b"/><itemref idref="s"/></spine></package>"#;

const NAV: &str = r##"<html xmlns="http://www.w3.org/1999/xhtml"
 xmlns:epub="http://www.idpf.org/2007/ops"><head><title>t</title></head><body>
 <nav epub:type="toc"><ol><li><a href="text/one.xhtml">第一章 A &amp; B</a><ol>
 <li><a href="text/one.xhtml#s1">小节</a></li></ol></li>
 <li><a href="text/%E4%BA%8C.xhtml">第二章</a></li><li><a href="../../../etc/passwd">x</a></li></ol></nav>
 <nav epub:type="landmarks"><ol><li><a href="text/one.xhtml">not this</a></li></ol></nav></body></html>"##;

const CHAPTER: &str = "<html xmlns=\"http://www.w3.org/1999/xhtml\"><head><title>t</title></head>\
                       <body><p>字</p></body></html>";

const BOUNDS: BookBounds = BookBounds {
    files_max: 20,
    file_max: 1 << 20,
    book_max: 4 << 20,
};

#[test]
fn a_book_is_read_in_its_order_by_its_contents() {
    let (_folder, epub) = opened(&honest());
    assert_eq!(
        epub.spine(),
        ["OEBPS/text/one.xhtml", "OEBPS/text/二.xhtml"]
    );
    let told: Vec<(&str, usize, usize, Option<&str>)> = epub
        .contents()
        .iter()
        .map(|it| {
            (
                it.text.as_str(),
                it.depth,
                it.document,
                it.fragment.as_deref(),
            )
        })
        .collect();
    let expected = [
        ("第一章 A & B", 0, 0, None),
        ("小节", 1, 0, Some("s1")),
        ("第二章", 0, 1, None),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_book_without_contents_is_read_by_numbers_and_an_old_one_by_its_ncx() {
    let mut files = honest();
    files.retain(|(name, _)| *name != "OEBPS/nav.xhtml");
    let (_folder, epub) = opened(&files);
    assert_eq!(epub.contents().len(), 2);
    assert_eq!(epub.contents()[1].text, "");

    let ncx = r#"<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel>
      <text>甲</text></navLabel><content src="text/one.xhtml"/><navPoint><navLabel><text>乙</text>
      </navLabel><content src="text/one.xhtml#b"/></navPoint></navPoint></navMap></ncx>"#;
    let package = PACKAGE.replace("<spine>", "<spine toc=\"ncx\">").replace(
        "</manifest>",
        "<item id=\"ncx\" href=\"toc.ncx\" media-type=\"application/x-dtbncx+xml\"/></manifest>",
    );
    let mut files = honest();
    files.retain(|(name, _)| *name != "OEBPS/nav.xhtml" && *name != "OEBPS/package.opf");
    files.push(("OEBPS/toc.ncx", ncx.as_bytes().to_vec()));
    files.push(("OEBPS/package.opf", package.into_bytes()));
    let (_folder, epub) = opened(&files);
    let told: Vec<(&str, usize)> = epub
        .contents()
        .iter()
        .map(|it| (&*it.text, it.depth))
        .collect();
    assert_eq!(told, [("甲", 0), ("乙", 1)]);
}

#[test]
fn a_file_is_what_the_package_says_and_a_script_is_none() {
    let mut files = honest();
    files.push(("OEBPS/font.bin", b"font".to_vec()));
    files.push(("OEBPS/evil.js", b"alert(1)".to_vec()));
    files.push(("OEBPS/evil.exe", b"MZ".to_vec()));
    let (_folder, epub) = opened(&files);
    let kind = |name: &str| epub.resource(name).map(|it| it.media_type.as_str());
    assert_eq!(kind("OEBPS/font.bin").unwrap(), "font/otf");
    assert_eq!(
        kind("OEBPS/text/one.xhtml").unwrap(),
        "application/xhtml+xml; charset=utf-8"
    );
    for name in [
        "OEBPS/evil.js",
        "OEBPS/evil.exe",
        "OEBPS/none.png",
        "../x.png",
    ] {
        assert!(matches!(kind(name), Err(BookError::Absent(_))), "{name}");
    }
}

#[test]
fn whatever_is_too_large_for_a_book_is_refused() {
    let many: Vec<String> = (0..30).map(|n| format!("OEBPS/{n}.css")).collect();
    let mut files = honest();
    files.extend(many.iter().map(|name| (name.as_str(), Vec::new())));
    assert!(matches!(open(&files), Err(BookError::TooLarge { .. })));

    // A bomb: two mebibytes of nothing are two kibibytes in the zip.
    let mut files = honest();
    files.push(("OEBPS/bomb.css", vec![0; 2 << 20]));
    let (_folder, epub) = opened(&files);
    let read = epub.resource("OEBPS/bomb.css");
    assert!(matches!(read, Err(BookError::TooLarge { .. })), "{read:?}");

    let mut files = honest();
    for name in ["a.css", "b.css", "c.css", "d.css", "e.css"] {
        files.push((name, vec![0; 1 << 20]));
    }
    assert!(matches!(open(&files), Err(BookError::TooLarge { .. })));
}

#[test]
fn a_zip_that_lies_about_a_size_is_read_to_its_bound_and_no_further() {
    let mut files = honest();
    files.push(("OEBPS/bomb.css", vec![0; 2 << 20]));
    let mut bytes = zipped(&files);
    // The size of the bomb stands in its local header and in the directory.
    let (real, told) = ((2_u32 << 20).to_le_bytes(), 10_u32.to_le_bytes());
    let places: Vec<usize> = (0..bytes.len() - 4)
        .filter(|&at| bytes[at..at + 4] == real)
        .collect();
    assert!(places.len() >= 2, "{places:?}");
    for at in places {
        bytes[at..at + 4].copy_from_slice(&told);
    }
    let (_folder, file) = written(&bytes);
    let read = Epub::open(&file, BOUNDS).and_then(|epub| epub.resource("OEBPS/bomb.css"));
    assert!(read.is_err(), "{read:?}");
}

#[test]
fn names_that_lead_elsewhere_are_a_trick() {
    for name in ["../../etc/cron.d/x", "/etc/passwd", "OEBPS\\..\\x", "a/./b"] {
        let mut files = honest();
        files.push((name, b"x".to_vec()));
        let read = open(&files);
        assert!(matches!(read, Err(BookError::Trick(_))), "{name}: {read:?}");
    }
}

#[test]
fn what_is_no_book_is_named() {
    assert!(matches!(opened_bytes(b"not a zip"), Err(BookError::Zip(_))));
    let empty = open(&[("mimetype", b"application/epub+zip".to_vec())]);
    assert!(matches!(empty, Err(BookError::Absent(_))));
    let kind = BookView::open(Path::new("/nowhere"), "text/html", BOUNDS);
    assert!(matches!(kind, Err(BookError::Kind(_))));
    let mut files = honest();
    files[0].1 = b"<container><rootfile full-path=".to_vec();
    assert!(matches!(open(&files), Err(BookError::Malformed { .. })));
}

#[test]
fn a_chapter_gets_the_house_style_last_and_loses_what_it_has_no_business_with() {
    let chapter = r#"<?xml version="1.0"?><?xml-stylesheet href="http://evil.example/x.css"?>
<!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head><title>t &amp; u</title>
<meta http-equiv="refresh" content="0;url=http://evil.example/"/><meta name="kept" content="x"/>
<link rel="preconnect" href="http://evil.example/"/><link rel="stylesheet" href="own.css"/>
<link href="nothing"/><base href="http://evil.example/"/><script src="evil.js"></script></head>
<body onload="evil()"><a href="http://evil.example/" class="kept-too">x</a>
<a href="two.xhtml#n">y</a><img SRC="//evil.example/x.png" alt="z"/><p>A&nbsp;B &lt; C</p><iframe src="x"><p>in</p></iframe><svg xmlns="http://www.w3.org/2000/svg">
<script>alert(1)</script><circle r="1"/></svg><object data="x"><embed/></object></body></html>"#;
    let shown = with_house_style("one.xhtml", chapter.into(), "/k/house.css").unwrap();
    let shown = String::from_utf8(shown).unwrap();
    for gone in [
        "evil",
        "script",
        "iframe",
        "object",
        "embed",
        "base",
        "preconnect",
        "in</p>",
    ] {
        assert!(!shown.contains(gone), "{gone}: {shown}");
    }
    for kept in [
        "t &amp; u",
        "A&nbsp;B &lt; C",
        "own.css",
        "kept",
        "circle",
        "kept-too",
        "two.xhtml#n",
    ] {
        assert!(shown.contains(kept), "{kept}: {shown}");
    }
    let (own, house) = (shown.find("own.css"), shown.find("/k/house.css"));
    assert!(own < house, "{shown}");

    for wrong in [
        "<html><head></head><body><p></body></html>",
        "<html/>",
        "\u{0}",
    ] {
        let shown = with_house_style("x", wrong.into(), "/s");
        assert!(matches!(shown, Err(BookError::Malformed { .. })), "{wrong}");
    }
    let other = with_house_style("x", vec![0xff, 0xfe, 0x3c, 0], "/s");
    assert!(matches!(other, Err(BookError::Malformed { .. })));
}

#[test]
fn a_pdf_keeps_its_pages_and_nothing_that_acts() {
    let pdf = acting_pdf();
    let (_folder, file) = written(&pdf);
    let before = String::from_utf8_lossy(&pdf).into_owned();
    let pdf = BookView::open(&file, "application/pdf", BOUNDS).unwrap();
    assert_eq!(pdf.documents(), 1);
    let BookView::Pdf(pdf) = pdf else {
        panic!("it is a PDF");
    };
    let after = std::fs::read(pdf.still()).unwrap();
    let after = String::from_utf8_lossy(&after).into_owned();
    for acts in [
        "JavaScript",
        "launchURL",
        "evil.example",
        "OpenAction",
        "Annots",
        "Launch",
    ] {
        assert!(before.contains(acts), "{acts}");
        assert!(!after.contains(acts), "{acts}: {after}");
    }
    let path = pdf.still().to_owned();
    drop(pdf);
    assert!(!path.exists(), "nothing of it stays");

    let wrong = written(b"%PDF-1.7\nnot one");
    let wrong = BookView::open(&wrong.1, "application/pdf", BOUNDS);
    assert!(matches!(wrong, Err(BookError::Pdf(_))), "{wrong:?}");
}

/// One page that is a link, a script as it opens, a program behind an outline.
fn acting_pdf() -> Vec<u8> {
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (app.launchURL) >> \
         /Extra << /S /Launch /F (evil.example) >> >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 400] /Annots [4 0 R] >>",
        "<< /Type /Annot /Subtype /Link /Rect [0 0 300 400] /A << /S /URI /URI \
         (http://evil.example/) >> >>",
    ];
    let mut text = "%PDF-1.7\n".to_owned();
    let mut table = "0000000000 65535 f \n".to_owned();
    for (index, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", text.len()));
        text.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    let at = text.len();
    text.push_str(&format!(
        "xref\n0 5\n{table}trailer << /Size 5 /Root 1 0 R >>\nstartxref\n{at}\n%%EOF\n"
    ));
    text.into_bytes()
}

fn honest() -> Vec<(&'static str, Vec<u8>)> {
    [
        ("META-INF/container.xml", CONTAINER),
        ("OEBPS/package.opf", PACKAGE),
        ("OEBPS/nav.xhtml", NAV),
        ("OEBPS/text/one.xhtml", CHAPTER),
        ("OEBPS/text/二.xhtml", CHAPTER),
    ]
    .map(|(name, text)| (name, text.into()))
    .into()
}

fn open(files: &[(&str, Vec<u8>)]) -> Result<Epub, BookError> {
    opened_bytes(&zipped(files))
}

fn opened(files: &[(&str, Vec<u8>)]) -> (tempfile::TempDir, Epub) {
    let (folder, file) = written(&zipped(files));
    let epub = Epub::open(&file, BOUNDS).unwrap();
    (folder, epub)
}

fn opened_bytes(bytes: &[u8]) -> Result<Epub, BookError> {
    let (_folder, file) = written(bytes);
    Epub::open(&file, BOUNDS)
}

fn written(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("book.epub");
    std::fs::write(&file, bytes).unwrap();
    (folder, file)
}

pub(crate) fn zipped(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let deflated = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in files {
        zip.start_file(*name, deflated).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
