//! The books our tests are made of are books: epubcheck, which is not ours, has nothing to say
//! against them.

use std::path::Path;
use std::process::Command;

use lujiang_content::{Book, BookFormat, BookLimits};
use lujiang_tests::epubs::{Licence, Wish, deliver, write_epub};

/// The checker of the W3C, as Debian has it.
const EPUBCHECK: &str = "/usr/share/java/epubcheck.jar";

#[test]
fn generated_books_have_no_error_and_no_warning_by_epubcheck() {
    if !Path::new(EPUBCHECK).exists() {
        // `tests/run` installs it; a plain `cargo test` elsewhere goes on without.
        eprintln!("skipped: {EPUBCHECK} is missing");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut sizes = vec![(1, 60_000), (2, 3_000_000)];
    // As large as those of the long download, which take the checker their time.
    sizes.extend(std::env::var_os("LUJIANG_LONG").map(|_| (3, 10_000_000)));
    for (number, bytes) in sizes {
        let file = folder.path().join(format!("{number}.epub"));
        write_epub(&file, 2026, number, bytes).unwrap();
        let mut checker = Command::new("java");
        checker
            .args(["-jar", EPUBCHECK, "--failonwarnings"])
            .arg(&file);
        let said = checker.output().unwrap();
        let words = String::from_utf8_lossy(&said.stderr).into_owned()
            + &String::from_utf8_lossy(&said.stdout);
        assert!(said.status.success(), "{words}");
        assert!(words.contains("No errors or warnings"), "{words}");
    }
}

#[test]
fn what_was_written_into_a_book_is_read_out_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let wish = Wish {
        seed: 11,
        epubs: 6,
        pdfs: 3,
        book_bytes: 200_000,
        licence: Licence::default(),
    };
    for made in deliver(folder.path(), &wish).unwrap().books {
        let read = Book::read(&made.file, &BookLimits::default()).unwrap();
        let authors: Vec<_> = read.authors.iter().map(|author| author.as_str()).collect();
        assert_eq!(read.title.unwrap().as_str(), made.title);
        assert_eq!(authors, made.authors);
        assert_eq!(read.description, Some(made.description));
        assert_eq!(read.protection, None);
        match read.format {
            BookFormat::Epub => {
                assert_eq!(read.isbn.unwrap().to_string(), made.isbn);
                assert_eq!(read.languages[0].as_str(), made.language);
                assert_eq!(read.publisher.unwrap().as_str(), made.publisher);
                assert_eq!(read.cover.unwrap().unwrap().media_type, "image/png");
            }
            BookFormat::Pdf => assert_eq!(read.isbn, None),
        }
    }
}
