//! Metrics, by the conventions of Prometheus: names end in their unit, counters in `_total`.
//!
//! What other rooms count themselves is read at each scrape from a [`Reading`]; only what nobody
//! else keeps (answers, commit times) is counted here.

mod names;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::Method;
use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

use names::{COUNTERS, GAUGES};
pub use names::{Counter, Gauge};

/// The media type of what [`Metrics::scrape`] gives.
pub const TEXT_FORMAT: &str = prometheus::TEXT_FORMAT;

/// Upper bounds in seconds: one fsync of a good disk is about 1 ms, of a tired card about 1 s.
const COMMIT_SECONDS: [f64; 9] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0];
/// Upper bounds in seconds.
const ANSWER_SECONDS: [f64; 7] = [0.002, 0.01, 0.05, 0.2, 1.0, 5.0, 30.0];

/// The metrics of one gateway.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

/// What the other rooms say at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// Counters, by name and label value (empty where the counter has no label).
    pub counters: BTreeMap<(Counter, String), u64>,
    /// Gauges, likewise.
    pub gauges: BTreeMap<(Gauge, String), i64>,
}

struct Inner {
    registry: Registry,
    answers: IntCounterVec,
    answer_seconds: HistogramVec,
    http_accepted: IntCounterVec,
    http_closed: IntCounterVec,
    commit_seconds: Histogram,
    counters: BTreeMap<Counter, IntCounterVec>,
    gauges: BTreeMap<Gauge, IntGaugeVec>,
    /// One scrape at a time: a scrape sets and then encodes.
    scraping: Mutex<()>,
}

impl Default for Metrics {
    fn default() -> Self {
        let registry = Registry::new();
        let answers = IntCounterVec::new(
            Opts::new("lujiang_http_answers_total", "Answers of the HTTP API."),
            &["method", "route", "status"],
        );
        let answer_seconds = HistogramVec::new(
            HistogramOpts::new(
                "lujiang_http_answer_seconds",
                "Time until an answer of the HTTP API began.",
            )
            .buckets(ANSWER_SECONDS.to_vec()),
            &["route"],
        );
        let http_accepted = IntCounterVec::new(
            Opts::new(
                "lujiang_http_accepted_total",
                "Connections the HTTP listeners accepted.",
            ),
            &["listener"],
        );
        let http_closed = IntCounterVec::new(
            Opts::new(
                "lujiang_http_closed_total",
                "Connections the HTTP listeners closed by themselves.",
            ),
            &["listener", "reason"],
        );
        let commit_seconds = Histogram::with_opts(
            HistogramOpts::new(
                "lujiang_commit_seconds",
                "Time of a group commit to the ledger.",
            )
            .buckets(COMMIT_SECONDS.to_vec()),
        );
        let inner = Inner {
            answers: answers.expect(NAMES_ARE_GOOD),
            answer_seconds: answer_seconds.expect(NAMES_ARE_GOOD),
            http_accepted: http_accepted.expect(NAMES_ARE_GOOD),
            http_closed: http_closed.expect(NAMES_ARE_GOOD),
            commit_seconds: commit_seconds.expect(NAMES_ARE_GOOD),
            counters: COUNTERS.iter().map(|it| (it.0, counter(it))).collect(),
            gauges: GAUGES.iter().map(|it| (it.0, gauge(it))).collect(),
            registry,
            scraping: Mutex::new(()),
        };
        inner.register();
        Self(Arc::new(inner))
    }
}

const NAMES_ARE_GOOD: &str = "the names in this file are good and each stands once";

fn counter(&(_, name, label, help): &(Counter, &str, Option<&str>, &str)) -> IntCounterVec {
    IntCounterVec::new(Opts::new(name, help), label.as_slice()).expect(NAMES_ARE_GOOD)
}

fn gauge(&(_, name, label, help): &(Gauge, &str, Option<&str>, &str)) -> IntGaugeVec {
    IntGaugeVec::new(Opts::new(name, help), label.as_slice()).expect(NAMES_ARE_GOOD)
}

impl Inner {
    fn register(&self) {
        let mut all: Vec<Box<dyn prometheus::core::Collector>> = vec![
            Box::new(self.answers.clone()),
            Box::new(self.answer_seconds.clone()),
            Box::new(self.http_accepted.clone()),
            Box::new(self.http_closed.clone()),
            Box::new(self.commit_seconds.clone()),
            Box::new(prometheus::process_collector::ProcessCollector::for_self()),
        ];
        for counter in self.counters.values() {
            all.push(Box::new(counter.clone()));
        }
        for gauge in self.gauges.values() {
            all.push(Box::new(gauge.clone()));
        }
        for collector in all {
            self.registry.register(collector).expect(NAMES_ARE_GOOD);
        }
    }
}

impl Metrics {
    /// Counts a group commit.
    pub fn committed(&self, took: Duration) {
        self.0.commit_seconds.observe(took.as_secs_f64());
    }

    /// Counts an answer of the API.
    pub(crate) fn answered(&self, method: &Method, route: &str, status: u16, took: Duration) {
        // Anyone may invent a method; a label may not have endless values.
        let method = match method.as_str() {
            known @ ("GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "PATCH" | "OPTIONS") => known,
            _ => "other",
        };
        let status = status.to_string();
        self.0
            .answers
            .with_label_values(&[method, route, &status])
            .inc();
        self.0
            .answer_seconds
            .with_label_values(&[route])
            .observe(took.as_secs_f64());
    }

    /// Connections that a listener accepted.
    pub(crate) fn http_accepted(&self, listener: &str) -> IntCounter {
        self.0.http_accepted.with_label_values(&[listener])
    }

    /// Connections that a listener closed for this reason.
    pub(crate) fn http_closed(&self, listener: &str, reason: &str) -> IntCounter {
        self.0.http_closed.with_label_values(&[listener, reason])
    }

    /// Everything, in the text format of Prometheus.
    #[must_use]
    pub fn scrape(&self, reading: &Reading) -> String {
        let _one = self.0.scraping.lock().expect("nothing panics in a scrape");
        for ((counter, label), value) in &reading.counters {
            let vector = &self.0.counters[counter];
            raise(
                &labelled(label, |values| vector.with_label_values(values)),
                *value,
            );
        }
        for gauge in self.0.gauges.values() {
            // A label value that is gone must not stay at its last number.
            gauge.reset();
        }
        for ((gauge, label), value) in &reading.gauges {
            let vector = &self.0.gauges[gauge];
            let gauge: IntGauge = labelled(label, |values| vector.with_label_values(values));
            gauge.set(*value);
        }
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&self.0.registry.gather(), &mut text)
            .expect("memory takes all that is written");
        String::from_utf8(text).expect("the text format is UTF-8")
    }
}

fn labelled<T>(label: &str, with: impl FnOnce(&[&str]) -> T) -> T {
    if label.is_empty() {
        with(&[])
    } else {
        with(&[label])
    }
}

/// Brings a counter up to what its room says; a lower number means the room began again.
fn raise(counter: &IntCounter, value: u64) {
    if value < counter.get() {
        counter.reset();
    }
    counter.inc_by(value - counter.get());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_says_what_the_rooms_say() {
        let metrics = Metrics::default();
        let mut reading = Reading::default();
        reading
            .counters
            .insert((Counter::FactsAccepted, String::new()), 41);
        reading
            .counters
            .insert((Counter::Quarantined, "id-conflict".to_owned()), 2);
        reading.gauges.insert((Gauge::Gaps, "open".to_owned()), 3);
        let _ = metrics.scrape(&reading);
        reading
            .counters
            .insert((Counter::FactsAccepted, String::new()), 42);
        reading.gauges.clear();
        reading.gauges.insert((Gauge::Gaps, "lost".to_owned()), 1);
        let text = metrics.scrape(&reading);
        for line in [
            "lujiang_facts_accepted_total 42",
            "lujiang_quarantined_total{reason=\"id-conflict\"} 2",
            "lujiang_gaps{state=\"lost\"} 1",
            "# TYPE lujiang_commit_seconds histogram",
            "# TYPE process_resident_memory_bytes gauge",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} in\n{text}");
        }
        assert!(!text.contains("state=\"open\""));
    }

    #[test]
    fn every_counter_ends_in_total_and_no_gauge_does() {
        assert!(COUNTERS.iter().all(|it| it.1.ends_with("_total")));
        assert!(!GAUGES.iter().any(|it| it.1.ends_with("_total")));
    }
}
