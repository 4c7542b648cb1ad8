//! Export: entries of a time of receipt, one a line, for whoever counts by other means. What a
//! person let in is exported with the time he did, so that yesterday's export is never
//! incomplete afterwards.
//!
//! Columns of the CSV form, and members of the JSON lines (which carry the whole `event` in place
//! of `type`, `id`, `device_time` and `data`):
//!
//! | name | what |
//! |---|---|
//! | `number` | the entry's number in this ledger |
//! | `received` | when the gateway read it (RFC 3339) |
//! | `device` | whose connection it came over |
//! | `verdict` | `accepted`; `admitted`, by a person; or why it is quarantined |
//! | `epoch`, `stream`, `sequence` | its place in the device's outbox; empty where it has none |
//! | `time`, `quality`, `correction_seconds` | when it happened; `time` is empty where the quality is `unknown` |
//! | `type`, `id`, `device_time`, `data` | of the event; empty where it is quarantined |
//! | `quarantined`, `ruled_as`, `ruled_at`, `ruled_by`, `ruled_why` | of an admitted one: the entry it counts for, `accepted` or `corrected`, when, who, why |

use std::io::Write;

use jiff::Timestamp;
use lujiang_wire::Event;
use serde::Serialize;
use serde_json::Value;

use crate::entry::{Entry, EntryNumber, TimeQuality, Verdict};
use crate::ledger::{ACCEPTED, ADMITTED, LedgerError, LedgerReader};
use crate::ruling::{AsideState, Ruling};
use crate::spreadsheet::harmless;

/// Entries read at once.
const PAGE: usize = 1_000;

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// One JSON object a line.
    JsonLines,
    /// Comma-separated values with a header line (RFC 4180).
    Csv,
}

/// Which entries: received, or let in by a person, in `[from, to)`; an open end takes all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExportRange {
    /// Not before this.
    pub from: Option<Timestamp>,
    /// Before this.
    pub to: Option<Timestamp>,
}

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The ledger could not be read.
    #[error("reading the ledger")]
    Ledger(#[from] LedgerError),
    /// The output took no more.
    #[error("writing the export")]
    Write(#[from] std::io::Error),
}

/// Writes the entries of a range, in the order of the ledger; says how many.
///
/// # Errors
/// Where the ledger is damaged or the output takes no more; what was written stands.
pub fn export(
    reader: &dyn LedgerReader,
    range: ExportRange,
    format: ExportFormat,
    out: &mut dyn Write,
) -> Result<u64, ExportError> {
    let mut lines: Box<dyn Lines + '_> = match format {
        ExportFormat::JsonLines => Box::new(JsonLines(out)),
        ExportFormat::Csv => Box::new(Csv::begin(out)?),
    };
    let mut written = 0;
    let mut after = EntryNumber::NONE;
    loop {
        let page = reader.entries_after(after, PAGE)?;
        let Some(last) = page.last() else {
            lines.end()?;
            return Ok(written);
        };
        after = last.number;
        for entry in &page {
            if range.holds(entry.entered()) {
                lines.write(entry)?;
                written += 1;
            }
        }
    }
}

impl ExportRange {
    fn holds(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }
}

trait Lines {
    fn write(&mut self, entry: &Entry) -> std::io::Result<()>;
    fn end(&mut self) -> std::io::Result<()>;
}

struct JsonLines<'a>(&'a mut dyn Write);

#[derive(Serialize)]
struct JsonLine<'a> {
    number: i64,
    received: Timestamp,
    device: &'a str,
    verdict: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correction_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ruling: Option<&'a Ruling>,
}

impl Lines for JsonLines<'_> {
    fn write(&mut self, entry: &Entry) -> std::io::Result<()> {
        let place = entry.place.as_ref();
        let dated = Dated::of(entry);
        let line = JsonLine {
            number: entry.number.0,
            received: entry.received,
            device: entry.device.as_str(),
            verdict: verdict(entry),
            epoch: place.map(|place| place.epoch.as_str()),
            stream: place.map(|place| place.stream.as_str()),
            sequence: place.map(|place| place.sequence.get()),
            time: dated.as_ref().and_then(|dated| dated.time),
            quality: dated.as_ref().map(|dated| dated.quality.as_str()),
            correction_seconds: dated.as_ref().map(|dated| dated.correction_seconds),
            event: event(entry).map(members),
            ruling: ruling(entry),
        };
        serde_json::to_writer(&mut self.0, &line)?;
        self.0.write_all(b"\n")
    }

    fn end(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

struct Csv<'a>(csv::Writer<&'a mut dyn Write>);

impl<'a> Csv<'a> {
    const HEADER: [&'static str; 19] = [
        "number",
        "received",
        "device",
        "verdict",
        "epoch",
        "stream",
        "sequence",
        "time",
        "quality",
        "correction_seconds",
        "type",
        "id",
        "device_time",
        "data",
        "quarantined",
        "ruled_as",
        "ruled_at",
        "ruled_by",
        "ruled_why",
    ];

    fn begin(out: &'a mut dyn Write) -> std::io::Result<Self> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(Self::HEADER)?;
        Ok(Self(writer))
    }
}

impl Lines for Csv<'_> {
    fn write(&mut self, entry: &Entry) -> std::io::Result<()> {
        let place = entry.place.as_ref();
        let (dated, event) = (Dated::of(entry), event(entry));
        let of_event = |cell: fn(&Event) -> String| event.map(cell).unwrap_or_default();
        let of_ruling = |cell: fn(&Ruling) -> String| ruling(entry).map(cell).unwrap_or_default();
        let of_date = |cell: fn(&Dated) -> String| dated.as_ref().map(cell).unwrap_or_default();
        self.0.write_record(
            [
                entry.number.0.to_string(),
                entry.received.to_string(),
                entry.device.to_string(),
                verdict(entry).to_owned(),
                place
                    .map(|place| place.epoch.to_string())
                    .unwrap_or_default(),
                place
                    .map(|place| place.stream.to_string())
                    .unwrap_or_default(),
                place
                    .map(|place| place.sequence.get().to_string())
                    .unwrap_or_default(),
                of_date(|dated| dated.time.map(|time| time.to_string()).unwrap_or_default()),
                of_date(|dated| dated.quality.as_str().to_owned()),
                of_date(|dated| dated.correction_seconds.to_string()),
                of_event(|event| event.fact().event_type().as_str().to_owned()),
                of_event(|event| event.id.as_str().to_owned()),
                of_event(|event| event.time.to_string()),
                of_event(|event| members(event)["data"].to_string()),
                of_ruling(|ruling| ruling.quarantined.0.to_string()),
                of_ruling(|ruling| AsideState::Admitted(ruling.form).as_str().to_owned()),
                of_ruling(|ruling| ruling.at.to_string()),
                of_ruling(|ruling| ruling.by.clone()),
                of_ruling(|ruling| ruling.why.as_str().to_owned()),
            ]
            .map(harmless),
        )?;
        Ok(())
    }

    fn end(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// When an accepted fact happened.
struct Dated {
    time: Option<Timestamp>,
    quality: TimeQuality,
    correction_seconds: f64,
}

impl Dated {
    fn of(entry: &Entry) -> Option<Self> {
        let (event, time) = entry.verdict.counted()?;
        Some(Self {
            time: match time.quality {
                TimeQuality::Synced | TimeQuality::Estimated => Some(time.correct(event.time)),
                TimeQuality::Unknown => None,
            },
            quality: time.quality,
            correction_seconds: time.correction.as_secs_f64(),
        })
    }
}

fn event(entry: &Entry) -> Option<&Event> {
    entry.verdict.counted().map(|(event, _)| event)
}

fn verdict(entry: &Entry) -> &'static str {
    match &entry.verdict {
        Verdict::Accepted { .. } => ACCEPTED,
        Verdict::Admitted { .. } => ADMITTED,
        Verdict::Quarantined { reason } => reason.as_str(),
    }
}

fn ruling(entry: &Entry) -> Option<&Ruling> {
    match &entry.verdict {
        Verdict::Admitted { ruling, .. } => Some(ruling),
        Verdict::Accepted { .. } | Verdict::Quarantined { .. } => None,
    }
}

fn members(event: &Event) -> Value {
    serde_json::from_str(&event.to_json()).expect("what we write is JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::rehearsal::{Rehearsal, batch, plain, visit};
    use crate::store::LedgerFile;

    #[tokio::test]
    async fn an_export_holds_the_range_and_reads_back() {
        let house = Rehearsal::new();
        let awkward = plain("a,\"b\"", 3);
        house.send(&batch(&[visit(1, 7), awkward])).await;
        house.send("nonsense").await;
        let file = LedgerFile::open(house.store.path()).unwrap();
        let all = |format| {
            let mut out = Vec::new();
            let written = export(&file, ExportRange::default(), format, &mut out).unwrap();
            assert_eq!(written, 3);
            String::from_utf8(out).unwrap()
        };

        let lines = all(ExportFormat::JsonLines);
        let lines: Vec<Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines[0]["event"]["data"]["in"], 7);
        assert_eq!(lines[1]["quality"], "estimated");
        assert_eq!(lines[2]["verdict"], "not-readable");

        let table = all(ExportFormat::Csv);
        let mut table = csv::Reader::from_reader(table.as_bytes());
        let rows: Vec<csv::StringRecord> = table.records().collect::<Result<_, _>>().unwrap();
        assert_eq!(&rows[1][11], "a,\"b\"");
        assert_eq!(&rows[0][6], "1");

        let received = house.entries()[0].received;
        for (from, to, expected) in [(Some(received), None, 3), (None, Some(received), 0)] {
            let range = ExportRange { from, to };
            let mut out = Vec::new();
            let written = export(&house.store, range, ExportFormat::Csv, &mut out).unwrap();
            assert_eq!(written, expected);
        }
    }
}
