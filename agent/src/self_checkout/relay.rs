//! The task of one machine: two lines, one core, and whatever the core asks for. Nothing here
//! decides.

use std::collections::VecDeque;
use std::io;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use lujiang_sip2::{Profile, Response};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::deputy::Deputy;
use super::effect::{Effect, Occurrence, Pause, Why};
use super::line::{Line, LineBounds, Port};
use super::machine::Machine;
use super::tally::Tally;
use super::under_way::{Left, UnderWay};
use crate::backoff::Backoff;
use crate::lending::Reach;

type Pending<T> = Option<Pin<Box<dyn Future<Output = T> + Send>>>;

/// Where the ACS is, and how it is dialled.
pub(super) struct Dialling {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) timeout: Duration,
    pub(super) backoff: Backoff,
    pub(super) longest: Duration,
}

/// The task.
pub(super) struct Relay {
    pub(super) port: Port,
    pub(super) bounds: LineBounds,
    pub(super) machine: Machine,
    pub(super) machine_profile: Profile,
    pub(super) acs_profile: Profile,
    pub(super) dialling: Dialling,
    pub(super) deputy: Arc<Deputy>,
    pub(super) under_way: UnderWay,
    /// A machine that lost its power does not say so.
    pub(super) silent_after: Duration,
    pub(super) tally: Tally,
    pub(super) lines: Lines,
}

/// What is under way.
#[derive(Default)]
pub(super) struct Lines {
    /// To the machine.
    near: Option<Line>,
    /// When it was last heard there; none while it is not believed to be there.
    heard: Option<Instant>,
    /// To the ACS.
    far: Option<Line>,
    dial: Pending<io::Result<TcpStream>>,
    decision: Pending<Response>,
    /// The last fact of the ACS's decisions; the next waits for it, so that they stay in order.
    recording: Option<JoinHandle<()>>,
}

/// What woke the task.
enum Woken {
    Said(io::Result<Vec<u8>>),
    Answered(io::Result<Vec<u8>>),
    Arrived(io::Result<Line>),
    Dialled(io::Result<TcpStream>),
    Decided(Box<Response>),
    Silence,
    Time,
    Stopped,
}

impl Relay {
    /// Relays until it is told to stop; what was begun here is finished.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        self.perform(vec![Effect::Dial(Pause::None)]).await;
        while self.tick(&stop).await.is_continue() {}
        // What the library system was asked, it answers in time or never.
        let never = CancellationToken::new();
        while self.machine.awaits_acs() && self.tick(&never).await.is_continue() {}
        if let Some(decision) = self.lines.decision.take() {
            let response = decision.await;
            let mut effects = Vec::new();
            let now = Instant::now().into_std();
            self.machine.handle_decided(now, &response, &mut effects);
            // Nothing new is begun.
            let ends =
                |effect: &Effect| matches!(effect, Effect::ToMachine(_) | Effect::Decided(_));
            effects.retain(ends);
            self.perform(effects).await;
        }
        if let Some(recording) = self.lines.recording.take() {
            finish(recording).await;
        }
    }

    async fn tick(&mut self, stop: &CancellationToken) -> ControlFlow<()> {
        let woken = self.wait(stop).await;
        let now = Instant::now().into_std();
        let mut effects = Vec::new();
        match woken {
            Woken::Stopped => return ControlFlow::Break(()),
            Woken::Said(Ok(line)) => self.hear(line, &mut effects).await,
            Woken::Said(Err(error)) => {
                tracing::info!(machine = self.tally.machine(), %error, "the machine's line ended");
                self.hang_up_near();
            }
            Woken::Arrived(Ok(line)) => {
                self.hang_up_near();
                self.lines.near = Some(line);
                self.is_there();
                tracing::info!(machine = self.tally.machine(), "the machine is connected");
            }
            Woken::Arrived(Err(error)) => {
                tracing::info!(machine = self.tally.machine(), %error, "the machine cannot be reached");
            }
            Woken::Answered(Ok(line)) => {
                let shown = || self.deputy.shown(&self.acs_profile, &line);
                tracing::trace!(
                    machine = self.tally.machine(),
                    message = shown(),
                    "the library system says"
                );
                self.machine.handle_acs_line(now, &line, &mut effects);
            }
            Woken::Answered(Err(error)) => {
                tracing::info!(machine = self.tally.machine(), %error, "the library system's line ended");
                self.lines.far = None;
                self.machine.handle_lost(now, &mut effects);
            }
            Woken::Dialled(dialled) => self.handle_dialled(dialled, &mut effects),
            Woken::Decided(response) => {
                self.machine.handle_decided(now, &response, &mut effects);
            }
            Woken::Silence => {
                tracing::warn!(
                    machine = self.tally.machine(),
                    "the machine has said nothing for long: is it switched off, or its cable out?"
                );
                self.lines.heard = None;
                self.tally.connected(false);
            }
            Woken::Time => self.machine.handle_time(now, &mut effects),
        }
        self.perform(effects).await;
        ControlFlow::Continue(())
    }

    /// Waits for whatever comes first. Every branch is cancel-safe: lines keep what they read, and
    /// what is pending stays pending.
    async fn wait(&mut self, stop: &CancellationToken) -> Woken {
        let deadline = self.machine.deadline().map(Instant::from_std);
        let silence = self.lines.heard.map(|heard| heard + self.silent_after);
        let Lines {
            near,
            heard: _,
            far,
            dial,
            decision,
            recording: _,
        } = &mut self.lines;
        let (has_line, listens) = (near.is_some(), self.machine.listens());
        tokio::select! {
            () = stop.cancelled() => Woken::Stopped,
            line = next(far) => Woken::Answered(line),
            response = done(decision) => Woken::Decided(Box::new(response)),
            dialled = done(dial) => Woken::Dialled(dialled),
            line = next(near), if listens => Woken::Said(line),
            line = self.port.next_line(has_line, self.bounds) => Woken::Arrived(line),
            () = at(deadline) => Woken::Time,
            () = at(silence) => Woken::Silence,
        }
    }

    /// The machine came, or said something.
    fn is_there(&mut self) {
        if self.lines.heard.replace(Instant::now()).is_none() {
            self.tally.connected(true);
        }
    }

    /// The machine said something.
    async fn hear(&mut self, line: Vec<u8>, effects: &mut Vec<Effect>) {
        self.is_there();
        let shown = || self.deputy.shown(&self.machine_profile, &line);
        tracing::trace!(
            machine = self.tally.machine(),
            message = shown(),
            "the machine says"
        );
        let mut said = self.machine.read(line);
        let item = said.item();
        let reach = match &item {
            Some(item) => self.deputy.reach(item).await,
            None => None,
        };
        let doubt = match (self.under_way.take_left(&said.line), reach) {
            (Some(Left::Unanswered), _) => Some(Why::Unsure),
            (Some(Left::Decided(decided)), _) => Some(Why::Decided(decided)),
            (None, Some(Reach::Here | Reach::Gateway)) => Some(Why::ItemWaits),
            (None, Some(Reach::LibrarySystem) | None) => None,
        };
        // Of most items nothing was decided here; those wait for nobody who writes.
        said.is_lent_here = reach.is_some() && item.is_some_and(|item| self.deputy.has_lent(&item));
        let now = Instant::now().into_std();
        self.machine.handle_said(now, said, doubt, effects);
    }

    fn handle_dialled(&mut self, dialled: io::Result<TcpStream>, effects: &mut Vec<Effect>) {
        let now = Instant::now().into_std();
        match dialled.and_then(|stream| Line::over_tcp(stream, self.bounds)) {
            Ok(line) => {
                self.lines.far = Some(line);
                self.machine.handle_connected(now, effects);
            }
            Err(error) => {
                tracing::debug!(machine = self.tally.machine(), %error, "the library system is not reached");
                self.machine.handle_dial_failed(now, effects);
            }
        }
    }

    /// Does what the core asks for, and what follows from that.
    async fn perform(&mut self, effects: Vec<Effect>) {
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Dial(pause) => self.dial(pause),
                Effect::HangUp => {
                    self.lines.far = None;
                    self.lines.dial = None;
                }
                Effect::Remember(line) => {
                    if let Err(error) = self.under_way.note(&line).await {
                        let machine = self.tally.machine();
                        tracing::warn!(machine, %error, "what is under way is not noted");
                    }
                }
                Effect::ToMachine(bytes) => self.tell_machine(&bytes).await,
                Effect::ToAcs(bytes) => {
                    let shown = || self.deputy.shown(&self.acs_profile, &bytes);
                    tracing::trace!(machine = self.tally.machine(), message = shown(), "asked");
                    let sent = match &mut self.lines.far {
                        Some(far) => far.send(&bytes).await,
                        None => Err(io::ErrorKind::NotConnected.into()),
                    };
                    if sent.is_err() {
                        self.lines.far = None;
                        let mut more = Vec::new();
                        let now = Instant::now().into_std();
                        self.machine.handle_lost(now, &mut more);
                        effects.extend(more);
                    }
                }
                Effect::Decide(inquiry) => {
                    let deputy = self.deputy.clone();
                    let before = self.lines.recording.take();
                    self.lines.decision = Some(Box::pin(async move {
                        // What came first stands first in the outbox.
                        if let Some(before) = before {
                            finish(before).await;
                        }
                        deputy.decide(*inquiry).await
                    }));
                }
                Effect::Record(account) => {
                    let (deputy, tally) = (self.deputy.clone(), self.tally.clone());
                    self.write_down(async move {
                        if let Err(error) = deputy.record(*account).await {
                            tally.unrecorded();
                            tracing::warn!(machine = tally.machine(), %error, "a transaction of the library system is not written down");
                        }
                    });
                }
                Effect::Decided(decided) => {
                    let (noted, tally) = (self.under_way.noted(), self.tally.clone());
                    self.write_down(async move {
                        if let Err(error) = noted.decided(decided).await {
                            let machine = tally.machine();
                            tracing::warn!(machine, %error, "what was decided is not noted");
                        }
                    });
                }
                Effect::Note(occurrence) => {
                    if let Occurrence::Serving(serves) = occurrence {
                        self.deputy.served(self.tally.machine(), serves);
                    }
                    self.tally.note(occurrence);
                }
            }
        }
    }

    /// Writes something down, after all that came before.
    fn write_down(&mut self, writing: impl Future<Output = ()> + Send + 'static) {
        let before = self.lines.recording.take();
        self.lines.recording = Some(tokio::spawn(async move {
            if let Some(before) = before {
                finish(before).await;
            }
            writing.await;
        }));
    }

    async fn tell_machine(&mut self, bytes: &[u8]) {
        let shown = || self.deputy.shown(&self.machine_profile, bytes);
        tracing::trace!(
            machine = self.tally.machine(),
            message = shown(),
            "the machine is told"
        );
        let sent = match &mut self.lines.near {
            Some(near) => near.send(bytes).await,
            // It is gone; it asks again when it is back.
            None => Ok(()),
        };
        if let Err(error) = sent {
            tracing::info!(machine = self.tally.machine(), %error, "the machine does not take its answer");
            self.hang_up_near();
        }
    }

    fn hang_up_near(&mut self) {
        if self.lines.near.take().is_some() {
            self.machine.handle_gone();
            self.lines.heard = None;
            self.tally.connected(false);
        }
    }

    fn dial(&mut self, pause: Pause) {
        let dialling = &mut self.dialling;
        let pause = match pause {
            Pause::None => {
                dialling.backoff.reset();
                Duration::ZERO
            }
            Pause::Next => dialling.backoff.next_pause(),
            Pause::Longest => dialling.longest,
        };
        let (host, port, limit) = (dialling.host.clone(), dialling.port, dialling.timeout);
        self.lines.dial = Some(Box::pin(async move {
            sleep(pause).await;
            timeout(limit, TcpStream::connect((host, port)))
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        }));
    }
}

/// The next message of a line; never, where there is none.
async fn next(line: &mut Option<Line>) -> io::Result<Vec<u8>> {
    match line {
        Some(line) => line.next().await,
        None => std::future::pending().await,
    }
}

/// What is pending, once; never, where nothing is.
async fn done<T>(pending: &mut Pending<T>) -> T {
    let Some(future) = pending else {
        return std::future::pending().await;
    };
    let output = future.await;
    *pending = None;
    output
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Waits for a task that has nothing to give.
async fn finish(task: JoinHandle<()>) {
    if let Err(error) = task.await {
        tracing::error!(%error, "a fact's task failed");
    }
}
