//! An e-book kiosk: what keeps its content and what serves its screens, put beside the agent's link
//! and outbox.
//!
//! It decides nothing: [`lujiang_kiosk`] does. Here bytes come from the gateway by the device's
//! certificate, facts go into the outbox, and what the kiosk says of itself goes to the uplink.

mod gateway_source;
mod import_desk;
mod outbox_notebook;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use lujiang_config::KioskSection;
use lujiang_kiosk::{
    Counted, DownloadOptions, Downloads, Hours, Keeper, KeeperOptions, Neighbour, Pace,
    ScreenAddresses, ScreenParts, Screens, Shelf, Traffic, Yielding,
};
use lujiang_wire::{Clock, Desired, DesiredContent, DeviceId, Reported};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::line::Line;
use crate::measured_time::MeasuredTime;
use crate::outbox::Outbox;
use crate::status::{Board, Link};
pub(crate) use gateway_source::GatewaySource;
use import_desk::ImportDesk;
use outbox_notebook::OutboxNotebook;

/// The folder of the content in the data folder.
const FOLDER: &str = "content";

/// The file in the data folder that says how many bytes of it came over the line.
const TRAFFIC: &str = "content-traffic";

/// What the kiosk stands on.
pub(crate) struct KioskParts<'a> {
    pub(crate) section: KioskSection,
    pub(crate) device: &'a DeviceId,
    pub(crate) data: &'a Path,
    pub(crate) outbox: Outbox,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) time: MeasuredTime,
    /// What the link is like.
    pub(crate) board: Arc<Board>,
    /// What the gateway wants of this device.
    pub(crate) desired: watch::Receiver<Desired>,
    /// The line to the gateway.
    pub(crate) gateway: Line,
    /// The bus that comes by, if one does.
    pub(crate) neighbour: Option<Neighbour>,
    /// What the bus says the gateway wants.
    pub(crate) carried: watch::Receiver<Option<DesiredContent>>,
    /// What this device says of itself.
    pub(crate) reported: watch::Sender<Reported>,
}

/// The kiosk, its shelf as it was on the disk.
pub(crate) struct Kiosk {
    keeper: Keeper,
    screens: Screens,
    imports: ImportDesk,
    shelf: Shelf,
    outbox: Outbox,
    board: Arc<Board>,
    desired: watch::Receiver<Desired>,
    carried: watch::Receiver<Option<DesiredContent>>,
    wanted: watch::Sender<Option<DesiredContent>>,
    yielding: watch::Sender<Yielding>,
    reported: watch::Sender<Reported>,
}

impl Kiosk {
    /// Opens what there is on the disk.
    pub(crate) async fn open(parts: KioskParts<'_>) -> anyhow::Result<Self> {
        let wanted = watch::Sender::new(parts.carried.borrow().clone());
        let yielding = watch::Sender::new(Yielding::Free);
        let shelf = Shelf::default();
        let (brings, imports) = mpsc::channel(1);
        let time = parts.time.clone();
        let line = yielding.subscribe();
        let traffic =
            Traffic::open(&parts.data.join(TRAFFIC)).context("counting the line's bytes")?;
        let source = Counted::new(GatewaySource(parts.gateway), traffic.clone());
        parts.board.content_read(traffic);
        let notebook = OutboxNotebook {
            outbox: parts.outbox.clone(),
            clock: parts.clock.clone(),
        };
        let section = parts.section.downloads;
        let reserve = section.reserve.as_u64();
        let paint_patience = parts.section.screens.paint_patience;
        let clock = parts.clock.clone();
        let wall = Arc::new(move || clock.wall());
        let hours = Hours::new(parts.section.time_zone.clone(), &section);
        let pace = Pace::new(hours, wall, line);
        let screens = Screens::open(ScreenParts {
            section: parts.section.screens,
            zone: parts.section.time_zone,
            shelf: shelf.clone(),
            recorder: Arc::new(notebook.clone()),
            clock: parts.clock.clone(),
        });
        let screens = screens.await?;
        let keeper = Keeper::open(KeeperOptions {
            device: parts.device.clone(),
            folder: parts.data.join(FOLDER),
            source: Arc::new(source),
            neighbour: parts.neighbour,
            notebook: Arc::new(notebook),
            clock: parts.clock,
            measured: Arc::new(move || time.now()),
            desired: wanted.subscribe(),
            imports,
            shelf: shelf.clone(),
            downloads: Arc::new(move |blobs| {
                Downloads::new(blobs, pace.clone(), DownloadOptions::from(&section))
            }),
            reserve,
            paint_patience,
        });
        let keeper = keeper.await.context("opening the kiosk's content")?;
        Ok(Self {
            imports: ImportDesk {
                data: parts.data.to_owned(),
                imports: brings,
                reported: keeper.reported(),
            },
            keeper,
            screens,
            shelf,
            outbox: parts.outbox,
            board: parts.board,
            desired: parts.desired,
            carried: parts.carried,
            wanted,
            yielding,
            reported: parts.reported,
        })
    }

    /// What is on display.
    pub(crate) fn shelf(&self) -> Shelf {
        self.shelf.clone()
    }

    /// Where its screens are served.
    pub(crate) fn addresses(&self) -> ScreenAddresses {
        self.screens.addresses()
    }

    /// Keeps the content, and serves the screens, until told to stop.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut said = self.keeper.reported();
        let (mut facts, mut states) = (self.outbox.changes(), self.board.changes());
        let mut seen = self.screens.reported();
        let keeping = tokio::spawn(self.keeper.run(stop.clone()));
        let serving = tokio::spawn(self.screens.run(stop.clone()));
        let importing = tokio::spawn(self.imports.run(stop.clone()));
        said.mark_changed();
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => break,
                Ok(()) = self.desired.changed() => {
                    let content = self.desired.borrow_and_update().content.clone();
                    want(&self.wanted, content);
                }
                Ok(()) = self.carried.changed() => {
                    let content = self.carried.borrow_and_update().clone();
                    want(&self.wanted, content);
                }
                Ok(()) = said.changed() => {
                    let content = said.borrow_and_update().clone();
                    self.reported.send_modify(|reported| reported.content = Some(content));
                }
                Ok(()) = seen.changed() => {
                    let screens = seen.borrow_and_update().clone();
                    self.reported.send_modify(|reported| reported.screens = screens);
                }
                Ok(()) = facts.changed() => yields(&self.outbox, &self.board, &self.yielding).await,
                Ok(()) = states.changed() => yields(&self.outbox, &self.board, &self.yielding).await,
            }
        }
        for (task, ended) in [
            ("content", keeping.await),
            ("screens", serving.await),
            ("sticks", importing.await),
        ] {
            if let Err(error) = ended {
                tracing::error!(%error, task, "a task of the kiosk failed");
            }
        }
    }
}

/// Facts that wait go first on the line. Where there is none they wait for it, perhaps for weeks,
/// and what a bus brings waits for nobody.
async fn yields(outbox: &Outbox, board: &Board, yielding: &watch::Sender<Yielding>) {
    let is_online = matches!(board.link_shown().0, Link::Online);
    let next = match outbox.with(Outbox::is_drained).await {
        Ok(false) if is_online => Yielding::ToFacts,
        Ok(_) | Err(_) => Yielding::Free,
    };
    yielding.send_if_modified(|before| {
        let is_new = *before != next;
        *before = next;
        is_new
    });
}

/// What was said last is what is wanted.
fn want(wanted: &watch::Sender<Option<DesiredContent>>, content: Option<DesiredContent>) {
    wanted.send_if_modified(|wanted| {
        let is_new = *wanted != content;
        *wanted = content;
        is_new
    });
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lujiang_config::OutboxSection;
    use lujiang_wire::{Fact, OutboxDropped, Stream};

    use super::*;
    use crate::measured_time::tests::SetClock;
    use crate::outbox::{OutboxOptions, Stamp};

    #[tokio::test]
    async fn books_wait_for_facts_only_where_there_is_a_line_to_wait_for() {
        let folder = tempfile::tempdir().unwrap();
        let (path, device) = (folder.path().join("outbox.db"), "kiosk-1".parse().unwrap());
        let (section, options) = (OutboxSection::default(), OutboxOptions::default());
        let outbox = Outbox::open(&path, &device, &section, options).unwrap();
        let clock = SetClock::at("2026-11-30T08:00:00Z", Duration::ZERO);
        let stamp = Stamp::now(clock.as_ref());
        let fact = Fact::OutboxDropped(OutboxDropped {
            stream: Stream::Visit,
            from: 1,
            to: 1,
            reason: "a test".to_owned(),
        });
        outbox.record(&stamp, vec![fact], None).unwrap();
        let board = Board::new(stamp.time, false);
        let yielding = watch::Sender::new(Yielding::Free);
        let down = Link::Down {
            reason: "no line".to_owned(),
        };
        for (link, expected) in [
            (down.clone(), Yielding::Free),
            (Link::Online, Yielding::ToFacts),
            (down, Yielding::Free),
        ] {
            board.link(link, stamp.time);
            yields(&outbox, &board, &yielding).await;
            assert_eq!(*yielding.borrow(), expected);
        }
    }
}
