//! A section of a configuration file being read: one call a key.
//!
//! A key is asked for with its default and its bound; a bad value is named and the default goes
//! on in its place. What was never asked for is unknown.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use lujiang_wire::DeviceId;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::document::{Document, KnownKey};
use crate::problem::Fault;
use crate::span_of_time;
use crate::{ByteSize, Pattern};

/// Least likeness of a known name to be offered for an unknown one; 1 is the same.
const LIKENESS_MIN: f64 = 0.7;

/// A section being read. A section that is not in the file is read as an empty one.
pub(crate) struct Section<'d> {
    document: &'d Document<'d>,
    /// With a trailing dot; empty for the root.
    prefix: String,
    table: Option<&'d DeTable<'d>>,
    /// Where its header stands.
    span: Option<std::ops::Range<usize>>,
    asked: Vec<String>,
    /// Whether a value of this section was bad, so that values need not fit together.
    is_faulty: bool,
}

impl<'d> Section<'d> {
    /// The file as a whole.
    pub(crate) fn root(document: &'d Document<'d>, table: &'d Spanned<DeTable<'d>>) -> Self {
        Self {
            document,
            prefix: String::new(),
            table: Some(table.get_ref()),
            span: None,
            asked: Vec::new(),
            is_faulty: false,
        }
    }

    /// Reads a section within, present or not.
    pub(crate) fn section<T>(&mut self, name: &str, read: impl FnOnce(&mut Section<'_>) -> T) -> T {
        let found = self.value(name);
        let table = found.and_then(|value| match value.get_ref() {
            DeValue::Table(table) => Some(table),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => {
                self.fault(
                    name,
                    Some(value),
                    format!("a section [{}{name}]", self.prefix),
                );
                None
            }
        });
        let mut section = Section {
            document: self.document,
            prefix: format!("{}{name}.", self.prefix),
            table,
            span: found.map(Spanned::span),
            asked: Vec::new(),
            is_faulty: false,
        };
        let value = read(&mut section);
        section.finish();
        value
    }

    /// Reads a section within if it is there.
    pub(crate) fn optional_section<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Section<'_>) -> T,
    ) -> Option<T> {
        self.value(name)?;
        Some(self.section(name, read))
    }

    /// Reads the sections within a section, each under a name of the operator's own; none where a
    /// problem was named.
    pub(crate) fn named_sections<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        is_number: impl FnOnce(usize) -> bool,
        is_name: fn(&str) -> bool,
        read: fn(&mut Section<'_>) -> Option<T>,
    ) -> Option<BTreeMap<String, T>> {
        let read_all = |within: &mut Section<'_>| {
            let names = within.table.into_iter().flatten().map(|(name, _)| {
                let name: &str = name.get_ref();
                name.to_owned()
            });
            let names: Vec<String> = names.filter(|name| is_name(name)).collect();
            let sections = names.into_iter().map(|name| {
                let section = within.section(&name, read);
                section.map(|section| (name, section))
            });
            // All are read before one is missed, so that every problem is named.
            sections.collect::<Vec<_>>()
        };
        let sections = self.section(name, read_all);
        if !is_number(sections.len()) {
            let found = self.table.and_then(|table| table.get(name));
            self.fault(name, found, expected.to_owned());
            return None;
        }
        sections.into_iter().collect()
    }

    /// Reads a span of time within bounds.
    pub(crate) fn duration(
        &mut self,
        key: &'static str,
        default: Duration,
        bounds: RangeInclusive<Duration>,
    ) -> Duration {
        let expected = format!(
            "a duration such as \"90s\", \"5m\", \"12h\", from {} to {}",
            span_of_time::show(*bounds.start()),
            span_of_time::show(*bounds.end()),
        );
        let shown = format!("{:?}", span_of_time::show(default));
        let read = |text: &str| span_of_time::parse(text).filter(|span| bounds.contains(span));
        self.text_value(key, expected, Some(shown), read)
            .unwrap_or(default)
    }

    /// Reads a span of time in whole seconds within bounds.
    pub(crate) fn seconds(
        &mut self,
        key: &'static str,
        default: Duration,
        bounds: RangeInclusive<Duration>,
    ) -> Duration {
        let expected = format!(
            "a duration of whole seconds such as \"90s\", \"5m\", from {} to {}",
            span_of_time::show(*bounds.start()),
            span_of_time::show(*bounds.end()),
        );
        let shown = format!("{:?}", span_of_time::show(default));
        let read = |text: &str| {
            span_of_time::parse(text)
                .filter(|span| bounds.contains(span) && span.subsec_nanos() == 0)
        };
        self.text_value(key, expected, Some(shown), read)
            .unwrap_or(default)
    }

    /// Reads a size within bounds.
    pub(crate) fn size(
        &mut self,
        key: &'static str,
        default: ByteSize,
        bounds: RangeInclusive<ByteSize>,
    ) -> ByteSize {
        let expected = format!(
            "a size such as \"64KiB\", \"16MiB\", from {} to {}",
            bounds.start(),
            bounds.end()
        );
        let shown = format!("\"{default}\"");
        let read = |text: &str| text.parse().ok().filter(|size| bounds.contains(size));
        self.text_value(key, expected, Some(shown), read)
            .unwrap_or(default)
    }

    /// Reads a whole number within bounds.
    pub(crate) fn number<T>(
        &mut self,
        key: &'static str,
        default: T,
        bounds: RangeInclusive<T>,
    ) -> T
    where
        T: Copy + Display + PartialOrd + TryFrom<u64>,
    {
        self.optional_number(key, Some(default), bounds)
            .unwrap_or(default)
    }

    /// Reads a whole number within bounds that has no default.
    pub(crate) fn required_number<T>(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<T>,
    ) -> Option<T>
    where
        T: Copy + Display + PartialOrd + TryFrom<u64>,
    {
        self.optional_number(key, None, bounds)
    }

    /// Reads a width in registers of 16 bits.
    pub(crate) fn width(&mut self, key: &'static str, default: u8) -> u8 {
        let shown = Some(default.to_string());
        let read = |value: &DeValue<'_>| whole_number(value).filter(|w| [1, 2, 4].contains(w));
        self.read(key, "1, 2 or 4".to_owned(), shown, read)
            .unwrap_or(default)
    }

    fn optional_number<T>(
        &mut self,
        key: &'static str,
        default: Option<T>,
        bounds: RangeInclusive<T>,
    ) -> Option<T>
    where
        T: Copy + Display + PartialOrd + TryFrom<u64>,
    {
        let expected = format!("a whole number from {} to {}", bounds.start(), bounds.end());
        let shown = default.map(|number| number.to_string());
        self.read(key, expected, shown, |value| {
            whole_number(value).filter(|number| bounds.contains(number))
        })
    }

    /// Reads one of some words.
    pub(crate) fn choice<T: Copy + PartialEq>(
        &mut self,
        key: &'static str,
        default: T,
        words: &[(&str, T)],
    ) -> T {
        let quoted: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
        let shown = words
            .iter()
            .find(|(_, value)| *value == default)
            .map(|(word, _)| format!("{word:?}"));
        let read = |text: &str| {
            words
                .iter()
                .find(|(word, _)| *word == text)
                .map(|(_, value)| *value)
        };
        self.text_value(key, quoted.join(" or "), shown, read)
            .unwrap_or(default)
    }

    /// Reads a text that `is_good`.
    pub(crate) fn text(
        &mut self,
        key: &'static str,
        default: String,
        expected: &str,
        is_good: fn(&str) -> bool,
    ) -> String {
        let shown = format!("{default:?}");
        let read = |text: &str| is_good(text).then(|| text.to_owned());
        self.text_value(key, expected.to_owned(), Some(shown), read)
            .unwrap_or(default)
    }

    /// Reads a text that `is_good` and has no default.
    pub(crate) fn required_text(
        &mut self,
        key: &'static str,
        expected: &str,
        is_good: fn(&str) -> bool,
    ) -> Option<String> {
        let read = |text: &str| is_good(text).then(|| text.to_owned());
        self.text_value(key, expected.to_owned(), None, read)
    }

    /// Reads a path; a relative one begins at the folder of the configuration file.
    pub(crate) fn path(&mut self, key: &'static str, default: PathBuf) -> PathBuf {
        let shown = format!("{default:?}");
        self.text_value(key, "a path".to_owned(), Some(shown), non_empty)
            .map_or(default, |path| self.document.resolve(&path))
    }

    /// Reads a path that has no default.
    pub(crate) fn required_path(&mut self, key: &'static str) -> Option<PathBuf> {
        self.text_value(key, "a path".to_owned(), None, non_empty)
            .map(|path| self.document.resolve(&path))
    }

    /// Reads a path that may be left out, or be "".
    pub(crate) fn optional_path(&mut self, key: &'static str) -> Option<PathBuf> {
        let expected = "a path, or \"\" for none".to_owned();
        let read = |text: &str| (!text.contains('\0')).then(|| text.to_owned());
        self.text_value(key, expected, Some("\"\"".to_owned()), read)
            .filter(|text| !text.is_empty())
            .map(|text| self.document.resolve(Path::new(&text)))
    }

    /// Reads a list of host names and addresses, at least one.
    pub(crate) fn hosts(&mut self, key: &'static str, default: Vec<String>) -> Vec<String> {
        let expected = "a list of host names and addresses, 1 to 64 of them";
        self.list(key, expected, default, 1..=64, |value| {
            value
                .as_str()
                .filter(|host| is_host(host))
                .map(ToOwned::to_owned)
        })
    }

    /// Reads a list of values, each by `read`.
    pub(crate) fn list<T: std::fmt::Debug>(
        &mut self,
        key: &'static str,
        expected: &str,
        default: Vec<T>,
        lengths: RangeInclusive<usize>,
        read: fn(&DeValue<'_>) -> Option<T>,
    ) -> Vec<T> {
        let shown = format!("{default:?}");
        let read = |value: &DeValue<'_>| {
            let DeValue::Array(array) = value else {
                return None;
            };
            let values: Option<Vec<T>> = array.iter().map(|one| read(one.get_ref())).collect();
            values.filter(|values| lengths.contains(&values.len()))
        };
        self.read(key, expected.to_owned(), Some(shown), read)
            .unwrap_or(default)
    }

    /// Reads a regular expression for whole texts.
    pub(crate) fn pattern(&mut self, key: &'static str, default: Pattern) -> Pattern {
        let expected = "a regular expression for the whole of it";
        let shown = format!("{:?}", default.as_str());
        self.text_value(key, expected.to_owned(), Some(shown), |text| {
            text.parse().ok()
        })
        .unwrap_or(default)
    }

    /// Reads the device id, which has no default.
    pub(crate) fn required_device(&mut self, key: &'static str) -> Option<DeviceId> {
        let expected = "the device id as registered: 1 to 64 of a-z A-Z 0-9 - _ . beginning \
                        with a letter or digit";
        self.text_value(key, expected.to_owned(), None, |text| text.parse().ok())
    }

    /// Reads an address to listen on. Whoever can reach it could read passwords and figures on
    /// the way, so it must be one only this machine reaches.
    pub(crate) fn listen(&mut self, key: &'static str, default: SocketAddr) -> SocketAddr {
        let expected = "a loopback address and port such as \"127.0.0.1:0\" or \"[::1]:0\" \
                        (port 0 takes a free one; others only once there is TLS)";
        let read = |text: &str| {
            text.parse()
                .ok()
                .filter(|address: &SocketAddr| address.ip().is_loopback())
        };
        let shown = format!("\"{default}\"");
        self.text_value(key, expected.to_owned(), Some(shown), read)
            .unwrap_or(default)
    }

    /// Reads an address to listen on behind TLS, which may be any of this machine's.
    pub(crate) fn listen_anywhere(&mut self, key: &'static str, default: SocketAddr) -> SocketAddr {
        let expected = "an address and port such as \"0.0.0.0:8883\" or \"[::]:8883\" (port 0 \
                        takes a free one)";
        let shown = format!("\"{default}\"");
        self.text_value(key, expected.to_owned(), Some(shown), |text| {
            text.parse().ok()
        })
        .unwrap_or(default)
    }

    /// Reads a time zone by its name.
    pub(crate) fn time_zone(&mut self, key: &'static str, default: TimeZone) -> TimeZone {
        let expected = "an IANA time zone such as \"Asia/Shanghai\"";
        let shown = default.iana_name().map(|name| format!("{name:?}"));
        self.text_value(key, expected.to_owned(), shown, |name| {
            TimeZone::get(name).ok()
        })
        .unwrap_or(default)
    }

    /// Names `key` as wrong where the values of this section, each good by itself, do not fit
    /// together.
    pub(crate) fn fits(&mut self, key: &'static str, holds: bool, expected: &str) {
        if holds || self.is_faulty {
            return;
        }
        let found = self.table.and_then(|table| table.get(key));
        self.fault(key, found, expected.to_owned());
    }

    /// Names everything that was never asked for.
    pub(crate) fn finish(self) {
        let unknown = self.table.into_iter().flatten().filter(|(key, _)| {
            let name: &str = key.get_ref();
            !self.asked.iter().any(|known| known == name)
        });
        for (key, _) in unknown {
            let name: &str = key.get_ref();
            let nearest = self
                .asked
                .iter()
                .map(|known| (strsim::jaro_winkler(known, name), known))
                .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .map(|(_, known)| known.clone());
            let path = format!("{}{name}", self.prefix);
            let fault = Fault::Unknown { nearest };
            self.document.fault(Some(key.span()), path, fault);
        }
    }

    fn text_value<T>(
        &mut self,
        key: &'static str,
        expected: String,
        default: Option<String>,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.read(key, expected, default, |value| {
            value.as_str().and_then(read)
        })
    }

    /// Reads a value: good, or absent with a default, or a problem.
    fn read<T>(
        &mut self,
        key: &'static str,
        expected: String,
        default: Option<String>,
        read: impl FnOnce(&DeValue<'_>) -> Option<T>,
    ) -> Option<T> {
        let is_required = default.is_none();
        self.document.know(KnownKey {
            path: format!("{}{key}", self.prefix),
            expected: expected.clone(),
            default,
        });
        let Some(found) = self.value(key) else {
            if is_required {
                self.fault(key, None, expected);
            }
            return None;
        };
        let value = read(found.get_ref());
        if value.is_none() {
            self.fault(key, Some(found), expected);
        }
        value
    }

    fn value(&mut self, key: &str) -> Option<&'d Spanned<DeValue<'d>>> {
        if !self.asked.iter().any(|known| known == key) {
            self.asked.push(key.to_owned());
        }
        self.table.and_then(|table| table.get(key))
    }

    fn fault(&mut self, key: &str, found: Option<&Spanned<DeValue<'_>>>, expected: String) {
        self.is_faulty = true;
        let at = found.map(Spanned::span).or_else(|| self.span.clone());
        let fault = match found {
            Some(value) => Fault::Value {
                found: self.document.excerpt(value),
                expected,
            },
            None => Fault::Missing { expected },
        };
        self.document
            .fault(at, format!("{}{key}", self.prefix), fault);
    }
}

fn non_empty(text: &str) -> Option<PathBuf> {
    (!text.is_empty() && !text.contains('\0')).then(|| Path::new(text).to_path_buf())
}

/// Whether a text may be a host name or an address.
pub(crate) fn is_host(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b))
}

/// A whole number of any width that holds it.
pub(crate) fn whole_number<T: TryFrom<u64>>(value: &DeValue<'_>) -> Option<T> {
    let number = value.as_integer()?;
    u64::from_str_radix(number.as_str(), number.radix())
        .ok()
        .and_then(|number| T::try_from(number).ok())
}
