//! The yearly table of the bus, 流动服务活动一览表: what the ledger has of a year's stops, and what
//! was imported of years before it. A pure function of both; what is missing is said, not guessed.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::past_stops::PastStop;
use crate::views::report::StopFigures;

/// The table of a year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopTable {
    /// Which.
    pub year: i16,
    /// Its rows: the imported in their printed order, then the ledger's in order of time.
    pub rows: Vec<StopRow>,
}

/// A stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopRow {
    /// 序号
    pub number: u32,
    /// 流动服务单位
    pub unit: Option<String>,
    /// 活动内容
    pub occasion: Option<String>,
    /// Its first day in the library's time zone; none where it is not known.
    pub date: Option<Date>,
    /// 活动时间, as printed.
    pub printed: Option<String>,
    /// 活动地点
    pub place: Option<String>,
    /// 册数
    pub volumes: Option<u64>,
    /// 参与人数
    pub participants: Option<u64>,
    /// Where it is known from.
    pub source: StopSource,
    /// Items lent at it; not known of imported ones.
    pub checkouts: Option<u64>,
    /// Items taken back at it.
    pub checkins: Option<u64>,
}

/// Where a stop is known from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopSource {
    /// The bus's own facts.
    Ledger {
        /// Which bus.
        device: String,
        /// The stop's name.
        stop: String,
        /// Whether it was closed.
        is_closed: bool,
    },
    /// A printed table.
    Imported,
}

/// A sum over rows, and how many rows lack the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    /// The sum over those that have it.
    pub sum: u64,
    /// Rows without it: the sum is whole only where there is none.
    pub missing: u64,
}

impl StopTable {
    /// The table of `year` in the library's zone. A stop whose time is not known stands in the
    /// year it was received in, without a date.
    #[must_use]
    pub fn of(year: i16, past: Vec<PastStop>, stops: &[StopFigures], zone: &TimeZone) -> Self {
        let mut rows: Vec<StopRow> = past.into_iter().map(StopRow::of_past).collect();
        let last = rows.iter().map(|row| row.number).max().unwrap_or(0);
        let of_ledger = stops.iter().filter_map(|stop| {
            let at = stop.at?.to_zoned(zone.clone()).date();
            (at.year() == year).then_some((stop, at))
        });
        for (number, (stop, at)) in (last + 1..).zip(of_ledger) {
            rows.push(StopRow::of_ledger(number, stop, at));
        }
        Self { year, rows }
    }

    /// 册数
    #[must_use]
    pub fn volumes(&self) -> Total {
        Total::over(self.rows.iter().map(|row| row.volumes))
    }

    /// 参与人数
    #[must_use]
    pub fn participants(&self) -> Total {
        Total::over(self.rows.iter().map(|row| row.participants))
    }
}

impl Total {
    fn over(numbers: impl Iterator<Item = Option<u64>>) -> Self {
        let mut total = Self::default();
        for number in numbers {
            match number {
                Some(number) => total.sum = total.sum.saturating_add(number),
                None => total.missing += 1,
            }
        }
        total
    }
}

impl StopRow {
    fn of_past(past: PastStop) -> Self {
        Self {
            number: past.number,
            unit: Some(past.unit.into()),
            occasion: Some(past.occasion.into()),
            date: Some(past.date),
            printed: Some(past.printed.into()),
            place: Some(past.place.into()),
            volumes: Some(past.volumes),
            participants: Some(past.participants),
            source: StopSource::Imported,
            checkouts: None,
            checkins: None,
        }
    }

    fn of_ledger(number: u32, stop: &StopFigures, at: Date) -> Self {
        let date = stop.is_dated.then_some(at);
        // Whom it served is its place, where the crew named nobody else.
        let unit = stop.unit.as_ref().or(stop.place.as_ref());
        Self {
            number,
            unit: unit.map(ToString::to_string),
            occasion: stop.occasion.as_ref().map(ToString::to_string),
            date,
            printed: date.map(|date| format!("{}月{}日", date.month(), date.day())),
            place: stop.place.as_ref().map(ToString::to_string),
            volumes: stop.volumes,
            participants: stop.participants,
            source: StopSource::Ledger {
                device: stop.device.to_string(),
                stop: stop.stop.to_string(),
                is_closed: stop.closed.is_some(),
            },
            checkouts: Some(stop.lent.checkouts),
            checkins: Some(stop.lent.checkins),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::past_stops::read_past_stops;
    use crate::views::report::LoanFigures;

    fn stop(name: &str, at: &str, participants: Option<u64>) -> StopFigures {
        StopFigures {
            device: "bus-1".parse().unwrap(),
            stop: name.parse().unwrap(),
            at: Some(at.parse().unwrap()),
            is_dated: true,
            place: Some("醴陵市实验小学".parse().unwrap()),
            unit: None,
            occasion: Some("送书进学校".parse().unwrap()),
            volumes: Some(320),
            participants,
            closed: participants.map(|_| at.parse().unwrap()),
            lent: LoanFigures::default(),
        }
    }

    #[test]
    fn a_year_holds_its_own_stops_and_says_what_is_missing() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let stops = [
            // The last evening of the year, in the library's zone the first morning of the next.
            stop("a", "2025-12-31T17:00:00Z", Some(650)),
            stop("b", "2026-06-08T02:00:00Z", None),
            stop("c", "2026-12-31T16:30:00Z", Some(1)),
        ];
        let table = StopTable::of(2026, Vec::new(), &stops, &zone);

        let told: Vec<_> = table
            .rows
            .iter()
            .map(|row| (row.number, row.printed.as_deref(), row.participants))
            .collect();
        assert_eq!(
            told,
            [(1, Some("1月1日"), Some(650)), (2, Some("6月8日"), None)]
        );
        let of = |sum, missing| Total { sum, missing };
        assert_eq!(
            (table.volumes(), table.participants()),
            (of(640, 0), of(650, 1))
        );
        assert_eq!(table.rows[0].unit.as_deref(), Some("醴陵市实验小学"));
    }

    #[test]
    fn imported_stops_come_first_under_their_printed_numbers() {
        let text = include_str!("../../tests/data/mobile_service_2016.csv");
        let past = read_past_stops(2016, text).unwrap();
        let stops = [stop("a", "2016-12-30T02:00:00Z", Some(10))];
        let table = StopTable::of(2016, past, &stops, &TimeZone::UTC);

        assert_eq!(table.rows.len(), 45);
        assert_eq!(table.rows[44].number, 45);
        assert_eq!(table.volumes().sum, 7_300 + 320);
        assert_eq!(table.participants().sum, 14_405 + 10);
    }
}
