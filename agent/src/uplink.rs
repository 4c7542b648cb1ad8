//! The way to the gateway: what one connection does, decided here, done in `link`.
//!
//! Before anything else the clock is measured; then the device says that it is online; then the
//! outbox is sent, several payloads under way at once, as many bytes as the line can take. Nothing is settled here: a PUBACK says
//! that a payload arrived, the gateway's receipt says that its facts are in the ledger. A refused
//! payload ends the connection, and the pause before the next one grows.

pub(crate) mod door;
pub(crate) mod link;
mod papers;
mod password;
mod sending;
mod window;

use std::collections::VecDeque;
use std::time::Duration;

use lujiang_config::UplinkSection;
use lujiang_wire::{Boot, ClockReply, ClockReport, ClockRequest, Stream, Uptime};

use crate::carrying::PayloadNumber;
use crate::clock::ClockMeter;

pub use password::PasswordError;
pub(crate) use password::read as read_password;
use window::Window;

/// What bounds a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionLimits {
    pub(crate) in_flight_max: usize,
    pub(crate) payload_bytes_max: usize,
    pub(crate) connect_timeout: Duration,
    pub(crate) ack_timeout: Duration,
    pub(crate) clock_timeout: Duration,
    pub(crate) clock_interval: Duration,
}

impl SessionLimits {
    pub(crate) fn of(section: &UplinkSection) -> Self {
        Self {
            in_flight_max: usize::from(section.in_flight_max).max(1),
            payload_bytes_max: section.batch_bytes_max.as_usize(),
            connect_timeout: section.connect_timeout,
            ack_timeout: section.ack_timeout,
            clock_timeout: section.clock_timeout,
            clock_interval: section.clock_interval,
        }
    }
}

/// What the shell is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Subscribe to what the gateway says to this device.
    Subscribe,
    /// Ask for the time; the uptime is filled in at sending.
    AskTime,
    /// Tell the gateway what was measured.
    ReportClock(ClockReport),
    /// Say that the device is online.
    Announce,
    /// A payload arrived.
    Arrived(Cargo),
    /// End the connection, with a word where it still carries one.
    Leave(Leave),
}

/// What a payload is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cargo {
    /// Facts of this device.
    Own {
        /// Their stream.
        stream: Stream,
        /// The last number.
        to: u64,
    },
    /// Facts of another, which this device carries.
    Carried(PayloadNumber),
}

/// Why a connection ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Leave {
    /// It was lost, or does not answer.
    Lost(String),
    /// The gateway does not know us by what we showed.
    Unwelcome(String),
    /// The gateway refused a payload: nothing is settled by that.
    Refused(String),
    /// The agent stops, and what could be sent is sent.
    Stopped,
    /// The certificate is renewed, and nothing is under way: the next connection has the new one.
    Renewed,
}

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No CONNACK yet.
    Connecting,
    /// No SUBACK yet.
    Subscribing {
        /// The longest it is waited for.
        until: Duration,
    },
    /// The clock is measured for the first time.
    Measuring,
    /// Facts are sent.
    Sending,
}

/// A payload under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Flight {
    id: u64,
    cargo: Cargo,
    bytes: usize,
    since: Duration,
}

/// What became of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// PUBACK with a reason code below 0x80.
    Taken,
    /// PUBACK with a reason code of 0x80 or more.
    Refused(String),
    /// There will be no answer.
    None(String),
}

/// One connection. Times are counted from its beginning, by a clock that only goes forward.
#[derive(Debug)]
pub(crate) struct Session {
    limits: SessionLimits,
    phase: Phase,
    boot: Boot,
    meter: ClockMeter,
    /// Numbers clock requests across measurements.
    measurements: u64,
    /// When the measurement under way is given up; none when none is.
    measure_until: Option<Duration>,
    measure_next: Duration,
    in_flight: VecDeque<Flight>,
    window: Window,
    next_flight: u64,
    /// Whether the outbox had nothing more when it was last asked.
    empty: bool,
    stopping: bool,
    /// Whether this connection goes by a certificate that has been replaced.
    renewed: bool,
    left: bool,
    effects: VecDeque<Effect>,
}

/// Clock requests in one measurement, rounded up: the distance of their numbers.
const REQUESTS_SPACE: u64 = 16;

impl Session {
    pub(crate) fn new(limits: SessionLimits, boot: Boot) -> Self {
        Self {
            window: Window::new(
                limits
                    .in_flight_max
                    .saturating_mul(limits.payload_bytes_max),
            ),
            limits,
            phase: Phase::Connecting,
            meter: ClockMeter::new(boot.clone(), 0),
            boot,
            measurements: 0,
            measure_until: None,
            measure_next: Duration::ZERO,
            in_flight: VecDeque::new(),
            next_flight: 0,
            empty: false,
            stopping: false,
            renewed: false,
            left: false,
            effects: VecDeque::new(),
        }
    }

    /// What to do next, until there is nothing.
    pub(crate) fn next_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Whether facts may be sent now.
    pub(crate) fn is_sending(&self) -> bool {
        self.phase == Phase::Sending
    }

    /// Whether another payload is wanted.
    pub(crate) fn wants_batch(&self) -> bool {
        self.is_sending()
            && !self.left
            && !self.empty
            && !self.gives_way()
            && self.in_flight.len() < self.limits.in_flight_max
            && self.window.is_open()
    }

    /// Bytes that the next payload may have; its first event goes whatever it has.
    pub(crate) fn payload_bytes(&self) -> usize {
        self.window.payload().min(self.limits.payload_bytes_max)
    }

    /// Whether nothing waits and nothing is under way, as far as is known.
    pub(crate) fn is_quiet(&self) -> bool {
        self.empty && self.in_flight.is_empty()
    }

    /// When [`Session::handle_time`] has something to do at the latest.
    pub(crate) fn deadline(&self) -> Duration {
        match self.phase {
            Phase::Connecting => return self.limits.connect_timeout,
            Phase::Subscribing { until } => return until,
            Phase::Measuring | Phase::Sending => {}
        }
        let measuring = self.measure_until.unwrap_or(self.measure_next);
        let oldest = self
            .in_flight
            .front()
            .map(|flight| flight.since + self.limits.ack_timeout);
        oldest.map_or(measuring, |oldest| oldest.min(measuring))
    }

    /// CONNACK came.
    pub(crate) fn handle_connected(&mut self, now: Duration) {
        self.phase = Phase::Subscribing {
            until: now + self.limits.ack_timeout,
        };
        self.effects.push_back(Effect::Subscribe);
    }

    /// SUBACK came, or never will: an answer to what is asked before it could be missed.
    pub(crate) fn handle_subscribed(&mut self, answer: Answer, now: Duration) {
        match answer {
            Answer::Taken => {
                self.phase = Phase::Measuring;
                self.measure(now);
            }
            Answer::Refused(reason) | Answer::None(reason) => self.leave(Leave::Lost(reason)),
        }
    }

    /// The next request of the measurement, at this uptime.
    pub(crate) fn clock_request(&mut self, uptime: Uptime) -> Option<ClockRequest> {
        self.meter.next_request(uptime)
    }

    /// The gateway told the time.
    pub(crate) fn handle_clock_reply(&mut self, reply: &ClockReply, heard: Uptime, now: Duration) {
        if self.measure_until.is_none() || !self.meter.handle_reply(reply, heard) {
            return;
        }
        if self.meter.is_complete() {
            self.end_measurement(now);
        } else {
            self.effects.push_back(Effect::AskTime);
        }
    }

    /// Something may be waiting in the outbox.
    pub(crate) fn handle_written(&mut self) {
        self.empty = false;
    }

    /// The outbox had nothing more to send.
    pub(crate) fn handle_empty(&mut self) {
        self.empty = true;
        self.leave_if_done();
    }

    /// A payload was handed to the connection; its number.
    pub(crate) fn handle_handed(&mut self, cargo: Cargo, bytes: usize, now: Duration) -> u64 {
        self.next_flight += 1;
        self.window.handle_handed(bytes);
        self.in_flight.push_back(Flight {
            id: self.next_flight,
            cargo,
            bytes,
            since: now,
        });
        self.next_flight
    }

    /// A payload was answered, or never will be.
    pub(crate) fn handle_answer(&mut self, id: u64, answer: Answer, now: Duration) {
        let Some(position) = self.in_flight.iter().position(|flight| flight.id == id) else {
            return;
        };
        match answer {
            Answer::Taken => {
                let flight = self
                    .in_flight
                    .remove(position)
                    .expect("the position was just found");
                let took = now.saturating_sub(flight.since);
                self.window.handle_answered(flight.bytes, took);
                self.effects.push_back(Effect::Arrived(flight.cargo));
                self.leave_if_done();
                self.leave_if_renewed();
            }
            Answer::Refused(reason) => self.leave(Leave::Refused(reason)),
            Answer::None(reason) => self.leave(Leave::Lost(reason)),
        }
    }

    /// Time passed.
    pub(crate) fn handle_time(&mut self, now: Duration) {
        match self.phase {
            Phase::Connecting if now >= self.limits.connect_timeout => {
                return self.leave(Leave::Lost("no CONNACK in time".to_owned()));
            }
            Phase::Subscribing { until } if now >= until => {
                return self.leave(Leave::Lost("no SUBACK in time".to_owned()));
            }
            Phase::Connecting | Phase::Subscribing { .. } => return,
            Phase::Measuring | Phase::Sending => {}
        }
        let oldest = self.in_flight.front();
        if oldest.is_some_and(|flight| now >= flight.since + self.limits.ack_timeout) {
            self.leave(Leave::Lost("no PUBACK in time".to_owned()));
        }
        match self.measure_until {
            Some(until) if now >= until => self.end_measurement(now),
            None if now >= self.measure_next => self.measure(now),
            Some(_) | None => {}
        }
    }

    /// The agent stops: what waits is sent, then the connection ends; one that is only being made
    /// is made for that.
    pub(crate) fn handle_stop(&mut self) {
        self.stopping = true;
        self.empty = false;
    }

    /// The certificate is renewed: nothing more is put on this connection, and it ends as soon as
    /// nothing is under way.
    pub(crate) fn handle_renewed(&mut self) {
        self.renewed = true;
        self.leave_if_renewed();
    }

    /// The connection is gone.
    pub(crate) fn handle_lost(&mut self, reason: String) {
        self.leave(Leave::Lost(reason));
    }

    /// The gateway did not let us in.
    pub(crate) fn handle_unwelcome(&mut self, reason: String) {
        self.leave(Leave::Unwelcome(reason));
    }

    fn measure(&mut self, now: Duration) {
        self.measurements += 1;
        self.meter = ClockMeter::new(self.boot.clone(), self.measurements * REQUESTS_SPACE);
        self.measure_until = Some(now + self.limits.clock_timeout);
        self.measure_next = now + self.limits.clock_interval;
        self.effects.push_back(Effect::AskTime);
    }

    /// Ends a measurement with what it has; an unmeasured clock holds nothing up.
    fn end_measurement(&mut self, now: Duration) {
        self.measure_until = None;
        // Nothing measured, since an answer was lost: soon again.
        let pause = match self.meter.report() {
            Some(_) => self.limits.clock_interval,
            None => self.limits.clock_timeout.min(self.limits.clock_interval),
        };
        self.measure_next = now + pause;
        if let Some(report) = self.meter.report() {
            self.effects.push_back(Effect::ReportClock(report.clone()));
        }
        if self.phase == Phase::Measuring {
            self.phase = Phase::Sending;
            self.effects.push_back(Effect::Announce);
        }
        self.leave_if_renewed();
    }

    /// Whether the next connection is awaited to send the rest. One that stops sends it here.
    fn gives_way(&self) -> bool {
        self.renewed && !self.stopping
    }

    fn leave_if_done(&mut self) {
        if self.stopping && self.empty && self.in_flight.is_empty() {
            self.leave(Leave::Stopped);
        }
    }

    fn leave_if_renewed(&mut self) {
        let quiet = self.in_flight.is_empty() && self.measure_until.is_none();
        if self.gives_way() && self.is_sending() && quiet {
            self.leave(Leave::Renewed);
        }
    }

    fn leave(&mut self, why: Leave) {
        if !self.left {
            self.left = true;
            self.effects.push_back(Effect::Leave(why));
        }
    }
}

#[cfg(test)]
mod tests;
