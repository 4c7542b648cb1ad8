//! Takes up what `lujiang-agent content import` asks for, and answers it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lujiang_kiosk::{FolderSource, Import, ImportError, Imported};
use lujiang_wire::ReportedContent;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::import::{self, ImportAnswer, ImportRequest, ImportState};

/// How often it is looked whether somebody asks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often is said that a stick is still being taken, so that who waits knows that we run.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// The task.
pub(super) struct ImportDesk {
    pub(super) data: PathBuf,
    pub(super) imports: mpsc::Sender<Import>,
    pub(super) reported: watch::Receiver<ReportedContent>,
}

impl ImportDesk {
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = look.tick() => {}
            }
            let data = self.data.clone();
            let request = match on_disk(move || import::request(&data)).await {
                Ok(Some(request)) => request,
                Ok(None) => continue,
                Err(error) => {
                    tracing::warn!(%error, "the request to take a stick cannot be read");
                    self.settle().await;
                    continue;
                }
            };
            let id = request.id.clone();
            // Where the agent stops meanwhile the request stays, and is taken up at its start.
            let Some(state) = self.take(request, &stop).await else {
                return;
            };
            // Whoever hears the answer may ask for the next stick at once.
            self.settle().await;
            self.tell(&id, state).await;
        }
    }

    /// Has a stick taken; nothing where the agent stops.
    async fn take(
        &mut self,
        request: ImportRequest,
        stop: &CancellationToken,
    ) -> Option<ImportState> {
        let ImportRequest {
            id,
            folder,
            release,
            code,
        } = request;
        tracing::info!(%release, folder = %folder.display(), "a stick is taken");
        self.tell(&id, ImportState::Working { taking: None }).await;
        let (answer, mut answered) = oneshot::channel();
        let wanted = release.clone();
        let import = Import {
            source: Arc::new(FolderSource::new(&folder)),
            release,
            code,
            answer,
        };
        tokio::select! {
            () = stop.cancelled() => return None,
            sent = self.imports.send(import) => sent.ok()?,
        }
        let mut say = tokio::time::interval(SAY_EVERY);
        say.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return None,
                answer = &mut answered => return Some(state(answer.ok()?)),
                Ok(()) = self.reported.changed() => {}
                _ = say.tick() => {}
            }
            let taking = self.reported.borrow_and_update().taking.clone();
            let taking = taking.filter(|it| it.release == wanted).map(|it| it.state);
            self.tell(&id, ImportState::Working { taking }).await;
        }
    }

    async fn tell(&self, id: &str, state: ImportState) {
        let data = self.data.clone();
        let answer = ImportAnswer {
            id: id.to_owned(),
            state,
        };
        if let Err(error) = on_disk(move || import::tell(&data, &answer)).await {
            tracing::warn!(%error, "what became of a stick cannot be told");
        }
    }

    async fn settle(&self) {
        let data = self.data.clone();
        if let Err(error) = on_disk(move || import::settle(&data)).await {
            tracing::warn!(%error, "the request to take a stick cannot be taken away");
        }
    }
}

fn state(ended: Result<Imported, ImportError>) -> ImportState {
    match ended {
        Ok(Imported::OnShelf) => ImportState::OnShelf,
        Ok(Imported::WasThere) => ImportState::WasThere,
        Err(ImportError::Unconfirmed(code)) => ImportState::Unconfirmed { code },
        Err(ImportError::Refused(reason)) => ImportState::Refused { reason },
        Err(ImportError::BrokeOff(reason)) => ImportState::BrokeOff { reason },
    }
}

async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let worked = tokio::task::spawn_blocking(work).await;
    worked.unwrap_or_else(|_| Err(io::Error::other("the agent is stopping")))
}

#[cfg(test)]
mod tests {
    use lujiang_wire::BlobHash;

    use super::*;

    fn request(id: &str) -> ImportRequest {
        ImportRequest {
            id: id.to_owned(),
            folder: "/media/stick".into(),
            release: "2026-12".parse().unwrap(),
            code: None,
        }
    }

    struct Desk {
        data: tempfile::TempDir,
        imports: mpsc::Receiver<Import>,
        stop: CancellationToken,
        running: tokio::task::JoinHandle<()>,
    }

    fn desk(data: tempfile::TempDir) -> Desk {
        let (brings, imports) = mpsc::channel(1);
        let desk = ImportDesk {
            data: data.path().to_owned(),
            imports: brings,
            reported: watch::Sender::default().subscribe(),
        };
        let stop = CancellationToken::new();
        let running = tokio::spawn(desk.run(stop.clone()));
        Desk {
            data,
            imports,
            stop,
            running,
        }
    }

    async fn answered(data: &std::path::Path, id: &str) -> ImportState {
        let waiting = async {
            loop {
                let answer = import::answer(data).unwrap();
                match answer.filter(|it| it.id == id).map(|it| it.state) {
                    None | Some(ImportState::Working { .. }) => tokio::task::yield_now().await,
                    Some(state) => return state,
                }
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
        waited.expect("within 20 s")
    }

    #[tokio::test]
    async fn each_request_is_answered_once_by_its_own_name() {
        let mut desk = desk(tempfile::tempdir().unwrap());
        let code = BlobHash::new([7; 32]);
        let ends = [
            Err(ImportError::Unconfirmed(code)),
            Ok(Imported::OnShelf),
            Err(ImportError::Refused("altered".to_owned())),
        ];
        let expected = [
            ImportState::Unconfirmed { code },
            ImportState::OnShelf,
            ImportState::Refused {
                reason: "altered".to_owned(),
            },
        ];
        for (number, (ended, expected)) in ends.into_iter().zip(expected).enumerate() {
            let id = number.to_string();
            import::ask(desk.data.path(), &request(&id)).unwrap();
            let import = desk.imports.recv().await.unwrap();
            assert_eq!(import.release.as_str(), "2026-12");
            import.answer.send(ended).unwrap();
            assert_eq!(answered(desk.data.path(), &id).await, expected);
        }
        desk.stop.cancel();
        desk.running.await.unwrap();
        assert_eq!(import::request(desk.data.path()).unwrap(), None);
    }

    #[tokio::test]
    async fn an_import_goes_on_after_a_restart() {
        let mut first = desk(tempfile::tempdir().unwrap());
        import::ask(first.data.path(), &request("1")).unwrap();
        let _unanswered = first.imports.recv().await.unwrap();
        first.stop.cancel();
        first.running.await.unwrap();

        let mut second = desk(first.data);

        let import = second.imports.recv().await.unwrap();
        import.answer.send(Ok(Imported::WasThere)).unwrap();
        let state = answered(second.data.path(), "1").await;
        assert_eq!(state, ImportState::WasThere);
        second.stop.cancel();
    }
}
