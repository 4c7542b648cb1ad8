//! A PDF of one page [PDF 1.7], written byte by byte: what reads it must not be what wrote it.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};

use rand::RngCore;

use super::Book;

/// Pixels of a line of the picture.
const WIDTH: u64 = 256;

/// Writes the book's one page: a picture of noise over its whole size.
pub(super) fn write(book: &Book, mut dice: impl RngCore, bytes: u64) -> io::Result<()> {
    let height = (bytes.saturating_sub(1_200) / (WIDTH * 3)).max(1);
    let mut out = Counted {
        inner: BufWriter::new(File::create(&book.file)?),
        written: 0,
    };
    // The comment of four high bytes tells that the file is binary [7.5.2].
    out.write_all(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")?;

    let drawing = "q 595 0 0 842 0 0 cm /I Do Q";
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R /Lang (zh-CN) >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
         /Resources << /XObject << /I 6 0 R >> >> >>"
            .to_owned(),
        format!(
            "<< /Length {} >>\nstream\n{drawing}\nendstream",
            drawing.len()
        ),
        format!(
            "<< /Title {} /Author {} /Subject {} >>",
            text(&book.title),
            text(&book.authors.join("; ")),
            text(&book.description)
        ),
    ];
    let mut places = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        places.push(out.written);
        write!(out, "{} 0 obj\n{object}\nendobj\n", index + 1)?;
    }
    places.push(out.written);
    write!(
        out,
        "6 0 obj\n<< /Type /XObject /Subtype /Image /Width {WIDTH} /Height {height} \
         /ColorSpace /DeviceRGB /BitsPerComponent 8 /Length {} >>\nstream\n",
        WIDTH * height * 3
    )?;
    let mut line = [0; WIDTH as usize * 3];
    for _ in 0..height {
        dice.fill_bytes(&mut line);
        out.write_all(&line)?;
    }
    out.write_all(b"\nendstream\nendobj\n")?;

    let table = out.written;
    let mut end = format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1);
    for place in &places {
        let _ = writeln!(end, "{place:010} 00000 n ");
    }
    let _ = write!(
        end,
        "trailer\n<< /Size {} /Root 1 0 R /Info 5 0 R >>\nstartxref\n{table}\n%%EOF\n",
        places.len() + 1
    );
    out.write_all(end.as_bytes())?;
    out.flush()
}

/// A text string in UTF-16 with its mark, as hexadecimal digits [7.9.2.2].
fn text(text: &str) -> String {
    let mut hex = String::from("<FEFF");
    for unit in text.encode_utf16() {
        let _ = write!(hex, "{unit:04X}");
    }
    hex + ">"
}

/// Knows where it is: the table at the end names the place of every object.
struct Counted<W> {
    inner: W,
    written: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
