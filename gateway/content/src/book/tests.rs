//! Good books, and files that mean harm.

use std::io::{Cursor, Write as _};
use std::path::PathBuf;

use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;

const PACKAGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:uuid:0</dc:identifier><dc:identifier>978-7-02-000220-7</dc:identifier>
<dc:title>渌江 纪事</dc:title><dc:creator>李明远</dc:creator><dc:creator>王静 &amp; 友</dc:creator>
<dc:language>zh-CN</dc:language><dc:publisher>渌江出版社</dc:publisher>
<dc:description>&lt;p&gt;江水从城东流过。&lt;/p&gt;</dc:description>
</metadata><manifest><item id="c" href="images/c%201.png" media-type="image/png" properties="cover-image"/>
<item id="t" href="t.xhtml" media-type="application/xhtml+xml"/></manifest>
<spine><itemref idref="t"/></spine></package>"#;

const CONTAINER: &str = r#"<container><rootfiles><rootfile full-path="EPUB/package.opf"
media-type="application/oebps-package+xml"/></rootfiles></container>"#;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10";

#[test]
fn a_book_tells_what_it_is() {
    let book = read(&good().bytes()).unwrap();
    let labels = |labels: &[Label]| labels.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(book.title.unwrap().as_str(), "渌江 纪事");
    assert_eq!(labels(&book.authors), ["李明远", "王静 & 友"]);
    assert_eq!(labels(&book.languages), ["zh-CN"]);
    assert_eq!(book.publisher.unwrap().as_str(), "渌江出版社");
    assert_eq!(book.description.unwrap(), "江水从城东流过。");
    assert_eq!(book.isbn.unwrap().to_string(), "9787020002207");
    let cover = book.cover.unwrap().unwrap();
    assert_eq!((cover.media_type, &cover.bytes[..]), ("image/png", PNG));
    assert_eq!(book.protection, None);
}

#[test]
fn a_locked_book_is_marked_and_turned_around_fonts_are_no_lock() {
    let encryption = |algorithm: &str| {
        format!(
            r#"<encryption><EncryptedData><EncryptionMethod Algorithm="{algorithm}"/></EncryptedData></encryption>"#
        )
    };
    let font = encryption("http://www.idpf.org/2008/embedding");
    let aes = encryption("http://www.w3.org/2001/04/xmlenc#aes256-cbc");
    for (name, text, protection) in [
        ("META-INF/license.lcpl", "{}", Some(Protection::Lcp)),
        ("META-INF/rights.xml", "<r/>", Some(Protection::Adobe)),
        ("META-INF/sinf.xml", "<r/>", Some(Protection::Apple)),
        ("META-INF/encryption.xml", &aes, Some(Protection::Encrypted)),
        ("META-INF/encryption.xml", &font, None),
    ] {
        let book = read(&good().with(name, text.as_bytes()).bytes()).unwrap();
        assert_eq!(book.protection, protection, "{name}");
    }
}

#[test]
fn a_bomb_is_refused_by_what_it_declares() {
    let zeros = vec![0; 64 << 20];
    let bytes = good().with("EPUB/bomb.css", &zeros).bytes();
    assert!(bytes.len() < 200_000, "a bomb is small");
    let fault = read(&bytes).unwrap_err();
    assert!(
        matches!(fault, BookFault::Archive(ArchiveFault::Expanded { found, .. }) if found > 64 << 20),
        "{fault}"
    );
}

#[test]
fn a_bomb_that_lies_about_its_size_is_refused_while_it_expands() {
    let mut bytes = good().with("EPUB/bomb.css", &vec![0; 32 << 20]).bytes();
    let size = (32_u32 << 20).to_le_bytes();
    let lie = 1_000_u32.to_le_bytes();
    let mut lies = 0;
    for at in 0..bytes.len() - 4 {
        if bytes[at..at + 4] == size {
            bytes[at..at + 4].copy_from_slice(&lie);
            lies += 1;
        }
    }
    assert!(lies >= 1);
    let fault = read(&bytes).unwrap_err();
    let told = "File is larger than its declared uncompressed size";
    assert!(fault.to_string().contains("bomb.css"), "{fault}");
    assert!(fault.to_string().contains(told), "{fault}");
}

#[test]
fn files_that_share_bytes_are_refused() {
    let mut zip = ZipWriter::new_append(Cursor::new(good().bytes())).unwrap();
    zip.shallow_copy_file("EPUB/t.xhtml", "EPUB/u.xhtml")
        .unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    let fault = read(&bytes).unwrap_err();
    assert!(
        matches!(fault, BookFault::Archive(ArchiveFault::Overlap)),
        "{fault}"
    );
}

#[test]
fn names_that_lead_out_of_the_book_are_refused() {
    for name in [
        "../../etc/cron.d/evil",
        "EPUB/../../evil",
        "/etc/passwd",
        "C:\\evil",
        "EPUB\\..\\evil",
        "EPUB/a\nb",
        "EPUB//x",
        "EPUB/./x",
    ] {
        // The writer would tidy some of these up: the name is put in by its bytes.
        let stand_in: String = name.chars().map(|_| 'q').collect();
        let bytes = replaced(&good().with(&stand_in, b"x").bytes(), &stand_in, name);
        let fault = read(&bytes).unwrap_err();
        assert!(
            matches!(fault, BookFault::Archive(ArchiveFault::Name { .. })),
            "{name}: {fault}"
        );
    }
}

#[test]
fn a_link_within_a_book_is_refused() {
    let mut zip = ZipWriter::new_append(Cursor::new(good().bytes())).unwrap();
    let options = SimpleFileOptions::default();
    zip.add_symlink("EPUB/link", "/etc/passwd", options)
        .unwrap();
    let fault = read(&zip.finish().unwrap().into_inner()).unwrap_err();
    assert!(
        matches!(fault, BookFault::Archive(ArchiveFault::Name { .. })),
        "{fault}"
    );
}

#[test]
fn two_files_of_one_name_are_refused() {
    let bytes = good()
        .with("EPUB/qqqq", b"x")
        .with("EPUB/wwww", b"y")
        .bytes();
    let fault = read(&replaced(&bytes, "EPUB/wwww", "EPUB/qqqq")).unwrap_err();
    assert!(
        matches!(fault, BookFault::Archive(ArchiveFault::SameName)),
        "{fault}"
    );
}

#[test]
fn more_files_than_may_be_are_refused() {
    let limits = BookLimits {
        entries: 4,
        ..BookLimits::default()
    };
    let fault = read_within(&good().with("EPUB/a", b"").bytes(), &limits).unwrap_err();
    assert!(
        matches!(
            fault,
            BookFault::Archive(ArchiveFault::Entries {
                found: 6,
                allowed: 4
            })
        ),
        "{fault}"
    );
}

#[test]
fn a_file_without_end_or_directory_is_left_after_some_megabytes() {
    let mut bytes = b"PK\x03\x04".to_vec();
    bytes.resize(24 << 20, 0);
    let fault = read(&bytes).unwrap_err();
    assert!(matches!(fault, BookFault::Archive(_)), "{fault}");

    let limits = BookLimits {
        file_bytes: 1_000,
        ..BookLimits::default()
    };
    let fault = read_within(&bytes, &limits).unwrap_err();
    assert!(
        matches!(fault, BookFault::Large { allowed: 1_000, .. }),
        "{fault}"
    );
}

#[test]
fn entities_in_a_package_are_refused_by_its_name() {
    let package = format!(r#"<!DOCTYPE p [<!ENTITY a "aaaaaaaa">]>{PACKAGE}"#);
    let bytes = replaced_entry("EPUB/package.opf", package.as_bytes());
    let fault = read(&bytes).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "EPUB/package.opf: it defines entities, which no document of a book needs"
    );
}

#[test]
fn a_book_without_a_chapter_it_names_is_refused() {
    let package = PACKAGE.replace("t.xhtml", "gone.xhtml");
    let fault = read(&replaced_entry("EPUB/package.opf", package.as_bytes())).unwrap_err();
    assert_eq!(fault.to_string(), "a chapter is missing: EPUB/gone.xhtml");
}

#[test]
fn a_chapter_that_no_browser_shows_is_refused_by_its_name() {
    let fault = read(&replaced_entry("EPUB/t.xhtml", b"<html>\xff</html>")).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "EPUB/t.xhtml is no chapter that can be shown: not UTF-8 from byte 6 on"
    );
}

#[test]
fn what_a_kiosk_cannot_hold_in_memory_is_refused() {
    let limits = BookLimits {
        part_bytes: 1_000,
        ..BookLimits::default()
    };
    let font = good().with("EPUB/font.otf", &[7; 1_001]).bytes();
    let fault = read_within(&font, &limits).unwrap_err();
    let told = "\"EPUB/font.otf\" has 1001 bytes, and at most 1000 are taken";
    assert_eq!(fault.to_string(), told);
}

#[test]
fn a_cover_that_is_no_picture_costs_the_cover_and_not_the_book() {
    let book = read(&replaced_entry("EPUB/images/c 1.png", b"<html>")).unwrap();
    assert_eq!(book.cover, Err(CoverFault::Kind));
}

#[test]
fn a_cut_off_book_is_refused_wherever_it_is_cut() {
    let bytes = good().bytes();
    for cut in (0..bytes.len()).step_by(7) {
        assert!(read(&bytes[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn a_changed_byte_of_a_file_is_seen() {
    let mut bytes = good().with("EPUB/x.bin", &[7; 4_096]).stored().bytes();
    let at = bytes.windows(64).position(|it| it == [7; 64]).unwrap();
    bytes[at + 2_000] ^= 1;
    let fault = read(&bytes).unwrap_err();
    assert!(fault.to_string().contains("x.bin"), "{fault}");
}

#[test]
fn a_pdf_tells_what_it_is_and_whether_it_is_locked() {
    let book = read(pdf("").as_bytes()).unwrap();
    assert_eq!(book.title.unwrap().as_str(), "Tea");
    assert_eq!(book.authors.len(), 2);
    assert_eq!(book.isbn.unwrap().to_string(), "9787020002207");
    assert_eq!(book.protection, None);

    let locked = pdf("/Encrypt << /Filter /Standard /V 99 /R 99 >>");
    match read(locked.as_bytes()) {
        Ok(book) => assert_eq!(book.protection, Some(Protection::Pdf)),
        Err(fault) => assert!(matches!(fault, BookFault::Pdf { .. }), "{fault}"),
    }
    let empty = pdf("").replace("/Count 1", "/Count 0");
    assert!(matches!(read(empty.as_bytes()), Err(BookFault::Pdf { .. })));
}

#[test]
fn a_pdf_says_its_language_and_a_scanned_one_is_its_own_cover() {
    let scanned = |width: u32, filter: &str| {
        let mut jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x0b\x08".to_vec();
        jpeg.extend(800_u16.to_be_bytes());
        jpeg.extend(600_u16.to_be_bytes());
        let picture = format!(
            "<< /Type /XObject /Subtype /Image /Width {width} /Height 800 /ColorSpace /DeviceRGB \
             /BitsPerComponent 8 /Filter {filter} /Length {} >>\nstream\n",
            jpeg.len()
        );
        let picture = [picture.as_bytes(), &jpeg, b"\nendstream"].concat();
        let objects = [
            b"<< /Type /Catalog /Pages 2 0 R /Lang (zh-CN) >>".to_vec(),
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] \
              /Resources << /XObject << /P 5 0 R >> >> >>"
                .to_vec(),
            b"<< /Title (Tea) >>".to_vec(),
            picture,
        ];
        read(&pdf_of(&objects, "")).unwrap()
    };
    let book = scanned(600, "/DCTDecode");
    let languages: Vec<_> = book.languages.iter().map(|it| it.as_str()).collect();
    assert_eq!(languages, ["zh-CN"]);
    assert!(book.cover.unwrap().is_some(), "the page is a picture");
    // A logo, and what only a viewer of PDF can unpack.
    for (width, filter) in [(90, "/DCTDecode"), (600, "[/FlateDecode /DCTDecode]")] {
        assert_eq!(scanned(width, filter).cover, Ok(None), "{filter}");
    }
    let plain = read(pdf("").as_bytes()).unwrap();
    assert_eq!((plain.languages.len(), plain.cover), (0, Ok(None)));
}

#[test]
fn a_pdf_that_leads_in_circles_comes_to_an_end() {
    let pages = pdf("").replace("/Kids [3 0 R] /Count 1", "/Kids [2 0 R 2 0 R 3 0 R]");
    let table = pdf("").find("xref\n").unwrap();
    let tables = pdf(&format!("/Prev {table}"));
    let info = pdf("").replace("/Title (Tea)", "/Title 4 0 R");
    for circle in [pages, tables, info] {
        // Whether it is taken or refused is for its reader to say; it must say so.
        let _ = read(circle.as_bytes());
    }
}

#[test]
fn what_is_no_book_is_told_so() {
    for bytes in [&b""[..], b"hello", b"\x1f\x8b", b"MZ", &[0; 2_000]] {
        assert!(matches!(read(bytes), Err(BookFault::Unknown)));
    }
    let zip = Epub::default().with("a.txt", b"x").bytes();
    assert!(matches!(read(&zip), Err(BookFault::Unknown)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_are_a_panic(kind in 0..3_usize, bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let beginning = [&b"PK\x03\x04"[..], b"%PDF-1.7\n", b""][kind];
        let _ = read(&[beginning, &bytes].concat());
    }

    #[test]
    fn no_changed_book_is_a_panic(
        is_pdf in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let mut bytes = if is_pdf { pdf("").into_bytes() } else { good().stored().bytes() };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = read(&bytes);
    }
}

fn read(bytes: &[u8]) -> Result<Book, BookFault> {
    read_within(bytes, &BookLimits::default())
}

fn read_within(bytes: &[u8], limits: &BookLimits) -> Result<Book, BookFault> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    Book::read(&PathBuf::from(file.path()), limits)
}

#[derive(Default)]
struct Epub {
    entries: Vec<(String, Vec<u8>)>,
    is_stored: bool,
}

fn good() -> Epub {
    Epub::default()
        .with("mimetype", b"application/epub+zip")
        .with("META-INF/container.xml", CONTAINER.as_bytes())
        .with("EPUB/package.opf", PACKAGE.as_bytes())
        .with("EPUB/t.xhtml", b"<html><head></head><body/></html>")
        .with("EPUB/images/c 1.png", PNG)
}

fn replaced_entry(name: &str, content: &[u8]) -> Vec<u8> {
    let mut epub = good();
    for (entry, bytes) in &mut epub.entries {
        if entry == name {
            *bytes = content.to_vec();
        }
    }
    epub.bytes()
}

impl Epub {
    fn with(mut self, name: &str, bytes: &[u8]) -> Self {
        self.entries.push((name.into(), bytes.into()));
        self
    }

    fn stored(self) -> Self {
        Self {
            is_stored: true,
            ..self
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in &self.entries {
            let method = match self.is_stored || name == "mimetype" {
                true => CompressionMethod::Stored,
                false => CompressionMethod::Deflated,
            };
            let options = SimpleFileOptions::default().compression_method(method);
            zip.start_file(name, options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }
}

/// Every occurrence of a name, in the directory and before the file.
fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let mut found = 0;
    for at in 0..bytes.len().saturating_sub(from.len()) {
        if &bytes[at..at + from.len()] == from.as_bytes() {
            bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
            found += 1;
        }
    }
    assert!(found >= 2, "{from} stands in the file {found} times");
    bytes
}

fn pdf(trailer: &str) -> String {
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>",
        "<< /Title (Tea) /Author (Lu Yu; Li Bai) /Keywords (tea, 978-7-02-000220-7) >>",
    ];
    let objects = objects.map(|object| object.as_bytes().to_vec());
    String::from_utf8(pdf_of(&objects, trailer)).unwrap()
}

/// A PDF of these objects: the first is its catalogue, the fourth says what it is.
fn pdf_of(objects: &[Vec<u8>], trailer: &str) -> Vec<u8> {
    let size = objects.len() + 1;
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let mut table = format!("xref\n0 {size}\n0000000000 65535 f \n");
    for (index, object) in objects.iter().enumerate() {
        table += &format!("{:010} 00000 n \n", bytes.len());
        bytes.extend(format!("{} 0 obj\n", index + 1).bytes());
        bytes.extend(object);
        bytes.extend(b"\nendobj\n");
    }
    let at = bytes.len();
    let end = format!(
        "{table}trailer\n<< /Size {size} /Root 1 0 R /Info 4 0 R {trailer} >>\nstartxref\n{at}\n%%EOF\n"
    );
    bytes.extend(end.bytes());
    bytes
}
