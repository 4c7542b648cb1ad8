//! For property tests: anything one of our types can hold.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::{
    Boot, CardIssued, Channel, ClockMessage, ClockReply, ClockReport, ClockRequest, ContentFailed,
    ContentInstalled, ContentRemoved, DeviceId, Due, Epoch, Event, EventId, Fact, Flag, KioskUsed,
    Label, LedgerId, LinkState, LoanCancelled, LoanCheckin, LoanCheckout, LoanFailed, LoanKind,
    LoanUndone, Metric, Mode, Moment, OutboxDropped, Outcome, Patron, PaymentUnresolved, Place,
    RawTotals, ReaderId, Receipts, Sequence, Status, StopClosed, StopOpened, Stream, Telemetry,
    Topic, TopicFilter, Uptime, VisitCounted,
};

pub(crate) fn device() -> BoxedStrategy<DeviceId> {
    "[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}"
        .prop_map(|text| text.parse().unwrap())
        .boxed()
}

pub(crate) fn topic() -> BoxedStrategy<Topic> {
    let job = || "[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}".prop_map(|text| text.parse().unwrap());
    let channel = prop_oneof![
        select(vec![
            Channel::Events,
            Channel::Telemetry,
            Channel::Status,
            Channel::Reported,
            Channel::Carried,
            Channel::Clock,
            Channel::Receipts,
            Channel::Desired,
        ]),
        job().prop_map(Channel::Job),
        job().prop_map(Channel::JobStatus),
    ];
    (device(), channel)
        .prop_map(|(device, channel)| Topic { device, channel })
        .boxed()
}

pub(crate) fn filter() -> BoxedStrategy<TopicFilter> {
    let level = select(vec!["a", "b", "", "+"]);
    (prop::collection::vec(level, 1..5), any::<bool>())
        .prop_filter_map("an empty filter", |(mut levels, is_open)| {
            if is_open {
                levels.pop();
                levels.push("#");
            }
            levels.join("/").parse().ok()
        })
        .boxed()
}

/// From year 0 to 9999, to the nanosecond.
pub(crate) fn time() -> BoxedStrategy<Timestamp> {
    let seconds = -62_167_219_200_i64..253_402_207_200;
    (seconds, select(vec![0, 5_000_000, 123_456_789]))
        .prop_map(|(seconds, nanos)| Timestamp::new(seconds, nanos).unwrap())
        .boxed()
}

pub(crate) fn label() -> BoxedStrategy<Label> {
    prop_oneof!["[a-z0-9-]{1,20}", "\\PC{1,60}", "[醴陵市图书馆]{1,200}"]
        .prop_filter_map("blank at an end", |text: String| text.parse().ok())
        .boxed()
}

fn moment() -> BoxedStrategy<Moment> {
    (boot(), uptime())
        .prop_map(|(boot, uptime)| Moment { boot, uptime })
        .boxed()
}

fn boot() -> BoxedStrategy<Boot> {
    "[a-z0-9-]{1,64}"
        .prop_map(|text| text.parse().unwrap())
        .boxed()
}

fn uptime() -> BoxedStrategy<Uptime> {
    (0..=i64::MAX.unsigned_abs())
        .prop_map(|millis| Uptime::from_millis(millis).unwrap())
        .boxed()
}

fn epoch() -> BoxedStrategy<Epoch> {
    any::<u128>().prop_map(Epoch::from_bits).boxed()
}

fn sequence() -> BoxedStrategy<Sequence> {
    (1..=i64::MAX.unsigned_abs())
        .prop_map(|number| Sequence::new(number).unwrap())
        .boxed()
}

fn stream() -> BoxedStrategy<Stream> {
    select(Stream::ALL.to_vec()).boxed()
}

fn numbers() -> BoxedStrategy<BTreeMap<Stream, u64>> {
    prop::collection::btree_map(stream(), any::<u64>(), 0..4).boxed()
}

fn visit() -> BoxedStrategy<VisitCounted> {
    let raw = (any::<u64>(), any::<u64>()).prop_map(|(entered, left)| RawTotals { entered, left });
    let flag = prop_oneof![
        select(vec![
            Flag::Rollover,
            Flag::Reset,
            Flag::Recovered,
            Flag::Implausible,
            Flag::Merged,
            Flag::FromUnknown,
        ]),
        "x[a-z-]{1,20}".prop_map(Flag::Other),
    ];
    let count = || 0..(1_u64 << 53);
    let flags = prop::collection::vec(flag, 0..4);
    (time(), time(), count(), count(), option::of(raw), flags)
        .prop_filter_map("an empty period", |(a, b, entered, left, raw, flags)| {
            (a != b).then(|| VisitCounted {
                from: a.min(b),
                to: a.max(b),
                entered,
                left,
                raw,
                flags,
            })
        })
        .boxed()
}

fn outcome(ok: BoxedStrategy<bool>) -> BoxedStrategy<Outcome> {
    (ok, option::of(label()))
        .prop_map(|(ok, reason)| Outcome { ok, reason })
        .boxed()
}

pub(crate) fn patron() -> BoxedStrategy<Patron> {
    prop_oneof![
        ("[A-Za-z0-9_-]{1,80}", label()).prop_map(|(sealed, kid)| Patron::Sealed { sealed, kid }),
        label().prop_map(|id| Patron::Clear {
            id: ReaderId::new(id)
        }),
    ]
    .boxed()
}

/// Who decided, what, and the reader that goes with it.
fn decision() -> BoxedStrategy<(Mode, Outcome, Option<Patron>)> {
    prop_oneof![
        outcome(any::<bool>().boxed()).prop_map(|outcome| (Mode::Online, outcome, None)),
        (outcome(any::<bool>().boxed()), patron()).prop_map(|(outcome, patron)| (
            Mode::Offline,
            outcome,
            Some(patron)
        )),
        outcome(Just(false).boxed()).prop_map(|outcome| (Mode::Offline, outcome, None)),
    ]
    .boxed()
}

fn checkout() -> BoxedStrategy<LoanCheckout> {
    let day = (1_i16..=9999, 1_i8..=12, 1_i8..=28)
        .prop_map(|(year, month, day)| Due::Day(Date::new(year, month, day).unwrap()));
    let due = prop_oneof![day, time().prop_map(Due::Instant)];
    (
        label(),
        option::of(due),
        label(),
        decision(),
        place_of_loan(),
        cancelled(),
    )
        .prop_map(
            |(item, due, session, (mode, outcome, patron), (block, stop), cancels)| LoanCheckout {
                item,
                patron,
                due,
                session,
                mode,
                outcome,
                block,
                stop,
                cancels,
            },
        )
        .boxed()
}

fn checkin() -> BoxedStrategy<LoanCheckin> {
    (label(), label(), decision(), place_of_loan(), cancelled())
        .prop_map(
            |(item, session, (mode, outcome, _), (block, stop), cancels)| LoanCheckin {
                item,
                session,
                mode,
                outcome,
                block,
                stop,
                cancels,
            },
        )
        .boxed()
}

/// What failed at a machine, where anything did.
fn cancelled() -> BoxedStrategy<Option<LoanCancelled>> {
    let failed =
        (event_id(), loan_kind(), time(), label()).prop_map(|(fact, kind, at, session)| {
            LoanFailed {
                fact,
                kind,
                at,
                session,
            }
        });
    let cancelled = option::of(failed).prop_map(|failed| LoanCancelled { failed });
    option::of(cancelled).boxed()
}

fn event_id() -> BoxedStrategy<EventId> {
    "[ -~]{1,200}".prop_map(|id| id.parse().unwrap()).boxed()
}

fn loan_kind() -> BoxedStrategy<LoanKind> {
    select(vec![LoanKind::Checkout, LoanKind::Renew, LoanKind::Checkin]).boxed()
}

/// The block loan, and the stop of the bus.
fn place_of_loan() -> BoxedStrategy<(Option<Label>, Option<Label>)> {
    (option::of(label()), option::of(label())).boxed()
}

fn undone() -> BoxedStrategy<LoanUndone> {
    (
        event_id(),
        loan_kind(),
        label(),
        time(),
        label(),
        place_of_loan(),
    )
        .prop_map(
            |(fact, kind, item, at, session, (block, stop))| LoanUndone {
                fact,
                kind,
                item,
                at,
                session,
                block,
                stop,
            },
        )
        .boxed()
}

fn card() -> BoxedStrategy<CardIssued> {
    (option::of(label()), label(), decision())
        .prop_map(|(kind, session, (mode, outcome, patron))| CardIssued {
            patron,
            kind,
            session,
            mode,
            outcome,
        })
        .boxed()
}

fn payment() -> BoxedStrategy<PaymentUnresolved> {
    let amount = option::of("[0-9]{1,6}(\\.[0-9]{1,2})?");
    (amount, option::of("[A-Z]{3}"), label())
        .prop_map(|(amount, currency, session)| PaymentUnresolved {
            amount: amount.map(|amount| amount.parse().unwrap()),
            currency: currency.map(|currency| currency.parse().unwrap()),
            session,
        })
        .boxed()
}

fn kiosk() -> BoxedStrategy<KioskUsed> {
    let metric = select(vec![
        Metric::TotalItemInvestigations,
        Metric::UniqueItemInvestigations,
        Metric::UniqueTitleInvestigations,
        Metric::TotalItemRequests,
        Metric::UniqueItemRequests,
        Metric::UniqueTitleRequests,
        Metric::NoLicense,
        Metric::LimitExceeded,
    ]);
    (label(), metric, label())
        .prop_map(|(title, metric, session)| KioskUsed {
            title,
            metric,
            session,
        })
        .boxed()
}

fn content() -> BoxedStrategy<Fact> {
    (
        label(),
        option::of(label()),
        option::of(any::<u64>()),
        label(),
        0..3,
    )
        .prop_map(|(release, title, bytes, reason, which)| match which {
            0 => Fact::ContentInstalled(ContentInstalled {
                release,
                title,
                bytes,
            }),
            1 => Fact::ContentRemoved(ContentRemoved {
                release,
                title,
                reason,
            }),
            _ => Fact::ContentFailed(ContentFailed {
                release,
                title,
                reason,
            }),
        })
        .boxed()
}

fn stop() -> BoxedStrategy<Fact> {
    let opened = (
        label(),
        label(),
        option::of(label()),
        option::of(label()),
        option::of(any::<u64>()),
    )
        .prop_map(|(stop, place, unit, occasion, volumes)| {
            Fact::StopOpened(StopOpened {
                stop,
                place,
                unit,
                occasion,
                volumes,
            })
        });
    let closed = (label(), option::of(any::<u64>()), option::of(any::<u64>())).prop_map(
        |(stop, participants, volumes)| {
            Fact::StopClosed(StopClosed {
                stop,
                participants,
                volumes,
            })
        },
    );
    prop_oneof![opened, closed].boxed()
}

fn dropped() -> BoxedStrategy<OutboxDropped> {
    (stream(), sequence(), sequence(), "\\PC{0,40}")
        .prop_map(|(stream, a, b, reason)| OutboxDropped {
            stream,
            from: a.min(b).get(),
            to: a.max(b).get(),
            reason,
        })
        .boxed()
}

/// A fact of any type.
pub(crate) fn fact() -> BoxedStrategy<Fact> {
    prop_oneof![
        visit().prop_map(Fact::VisitCounted),
        checkout().prop_map(Fact::LoanCheckout),
        checkout().prop_map(Fact::LoanRenew),
        checkin().prop_map(Fact::LoanCheckin),
        undone().prop_map(Fact::LoanUndone),
        card().prop_map(Fact::CardIssued),
        payment().prop_map(Fact::PaymentUnresolved),
        kiosk().prop_map(Fact::KioskUsed),
        content(),
        stop(),
        dropped().prop_map(Fact::OutboxDropped),
    ]
    .boxed()
}

/// An event as an agent makes it.
pub(crate) fn event() -> BoxedStrategy<Event> {
    (device(), epoch(), sequence(), moment(), time(), fact())
        .prop_map(|(source, epoch, sequence, moment, time, fact)| {
            let place = Place {
                epoch,
                stream: fact.stream(),
                sequence,
            };
            Event::of_agent(source, place, moment, time, fact)
        })
        .boxed()
}

pub(crate) fn status() -> BoxedStrategy<Status> {
    let state = select(vec![
        LinkState::Online,
        LinkState::Offline,
        LinkState::Unknown,
    ]);
    let agent = option::of("\\PC{0,20}");
    (
        state,
        time(),
        agent,
        option::of(boot()),
        option::of(epoch()),
        numbers(),
        option::of(time()),
    )
        .prop_map(
            |(state, since, agent, boot, epoch, written, oldest)| Status {
                state,
                since,
                agent,
                boot,
                epoch,
                written,
                oldest,
            },
        )
        .boxed()
}

pub(crate) fn telemetry() -> BoxedStrategy<Telemetry> {
    let metrics = prop::collection::btree_map(
        "x[a-z_]{1,20}",
        (any::<i32>()).prop_map(|n| f64::from(n) / 8.0),
        0..6,
    );
    (time(), option::of(epoch()), numbers(), metrics)
        .prop_map(|(time, epoch, written, metrics)| Telemetry {
            time,
            epoch,
            written,
            metrics,
        })
        .boxed()
}

pub(crate) fn receipts() -> BoxedStrategy<Receipts> {
    ("[a-z0-9]{1,32}", epoch(), numbers())
        .prop_map(|(ledger, epoch, streams)| Receipts {
            ledger: LedgerId(ledger),
            epoch,
            streams,
        })
        .boxed()
}

pub(crate) fn clock() -> BoxedStrategy<ClockMessage> {
    prop_oneof![
        (any::<u64>(), uptime())
            .prop_map(|(id, uptime)| ClockMessage::Request(ClockRequest { id, uptime })),
        (any::<u64>(), uptime(), time())
            .prop_map(|(id, uptime, time)| ClockMessage::Reply(ClockReply { id, uptime, time })),
        (boot(), uptime(), time(), any::<u64>()).prop_map(|(boot, uptime, time, error_ms)| {
            ClockMessage::Report(ClockReport {
                boot,
                uptime,
                time,
                error_ms,
            })
        }),
    ]
    .boxed()
}
