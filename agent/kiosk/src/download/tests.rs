use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use proptest::prelude::*;
use tokio::sync::watch;

use super::*;
use crate::download::Yielding;

/// A source with one blob, and every fault there is.
#[derive(Debug)]
struct Line {
    blob: Vec<u8>,
    /// The body breaks off after so many bytes, once for each.
    cuts: Mutex<Vec<usize>>,
    /// These bytes are wrong, once for each.
    spoilt: Mutex<Vec<u64>>,
    fault: Fault,
    chunk: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    IgnoresRanges,
    NeverEnds,
    EndsEarly,
    SaysAnotherLength,
    LiesAlways,
    LiesInTheList,
}

#[async_trait]
impl Source for Line {
    async fn open(
        &self,
        resource: &Resource,
        from: u64,
        _if_range: Option<&ETag>,
    ) -> Result<Opened, SourceError> {
        let Resource::Blob(_) = resource else {
            let mut list = block_list(&self.blob);
            if self.fault == Fault::LiesInTheList {
                list[0] ^= 1;
            }
            return Ok(opened(0, None, vec![Ok(list.into())]));
        };
        let from = match self.fault {
            Fault::IgnoresRanges => 0,
            _ => usize::try_from(from).unwrap(),
        };
        let mut bytes = self.blob[from..].to_vec();
        self.spoilt.lock().unwrap().retain(|at| {
            let here = usize::try_from(*at).unwrap().checked_sub(from);
            let Some(byte) = here.and_then(|here| bytes.get_mut(here)) else {
                return true;
            };
            *byte ^= 0xff;
            false
        });
        let mut length = Some(self.blob.len() as u64);
        match self.fault {
            Fault::LiesAlways => bytes.iter_mut().for_each(|byte| *byte ^= 1),
            Fault::NeverEnds => bytes.extend(std::iter::repeat_n(7, 1 << 20)),
            Fault::EndsEarly => bytes.truncate(bytes.len() / 2),
            Fault::SaysAnotherLength => length = Some(1),
            Fault::None | Fault::IgnoresRanges | Fault::LiesInTheList => {}
        }
        let cut = self
            .cuts
            .lock()
            .unwrap()
            .pop()
            .filter(|cut| *cut < bytes.len());
        bytes.truncate(cut.unwrap_or(bytes.len()));
        let mut body: Vec<_> = bytes
            .chunks(self.chunk)
            .map(|it| Ok(Bytes::copy_from_slice(it)))
            .collect();
        if cut.is_some() {
            body.push(Err(SourceError::Unreachable("cut".into())));
        }
        Ok(opened(from as u64, length, body))
    }
}

fn opened(offset: u64, length: Option<u64>, body: Vec<Result<Bytes, SourceError>>) -> Opened {
    Opened {
        offset,
        length,
        etag: None,
        body: futures_util::stream::iter(body).boxed(),
    }
}

impl Line {
    fn of(blob: Vec<u8>) -> Self {
        Self {
            blob,
            cuts: Mutex::default(),
            spoilt: Mutex::default(),
            fault: Fault::None,
            chunk: 10_000,
        }
    }

    fn faulty(size: usize, fault: Fault) -> (Arc<dyn Source>, Wanted) {
        let line = Self {
            fault,
            ..Self::of(bytes(size))
        };
        let wanted = wanted(&line.blob);
        (Arc::new(line), wanted)
    }
}

fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * at / 7) as u8).collect()
}

fn block_list(blob: &[u8]) -> Vec<u8> {
    blob.chunks(BLOCK_BYTES).flat_map(Sha256::digest).collect()
}

fn wanted(blob: &[u8]) -> Wanted {
    Wanted {
        blob: BlobHash::new(Sha256::digest(blob).into()),
        size: blob.len() as u64,
        blocks: Some(BlobHash::new(Sha256::digest(block_list(blob)).into())),
    }
}

fn downloads(folder: &std::path::Path) -> Downloads {
    let (_, yielding) = watch::channel(Yielding::Free);
    let folder = BlobFolder::open(folder).unwrap();
    Downloads::new(folder, Pace::new(None, yielding), Duration::from_secs(5))
}

#[tokio::test]
async fn a_blob_comes_and_is_not_fetched_again() {
    let folder = tempfile::tempdir().unwrap();
    let (source, wanted) = Line::faulty(300_000, Fault::None);
    let downloads = downloads(folder.path());
    let mut last = 0;
    downloads
        .fetch(&source, &wanted, |good| last = good)
        .await
        .unwrap();
    assert_eq!(last, 300_000);
    let read = downloads.bytes_read();
    assert_eq!(read, 300_000 + 5 * 32);
    downloads.fetch(&source, &wanted, |_| {}).await.unwrap();
    assert_eq!(downloads.bytes_read(), read);
    assert_eq!(
        std::fs::read(downloads.folder.place(&wanted.blob)).unwrap(),
        bytes(300_000)
    );
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing else is left"
    );
}

#[tokio::test]
async fn a_bad_byte_costs_a_block_and_not_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let line = Line::of(bytes(1_000_000));
    line.spoilt.lock().unwrap().extend([3, 500_000, 999_999]);
    let wanted = wanted(&line.blob);
    let source: Arc<dyn Source> = Arc::new(line);
    let downloads = downloads(folder.path());
    downloads.fetch(&source, &wanted, |_| {}).await.unwrap();
    let more = downloads.bytes_read() - 1_000_000 - 16 * 32;
    // And what was under way in the same chunk.
    assert!(more <= 3 * (BLOCK_BYTES as u64 + 10_000), "{more}");
}

#[tokio::test]
async fn whatever_the_disk_holds_after_a_power_loss_only_what_is_bad_comes_again() {
    let whole = bytes(500_000);
    let wanted = wanted(&whole);
    let source: Arc<dyn Source> = Arc::new(Line::of(whole.clone()));
    let mut zeros = whole[..300_000].to_vec();
    zeros[200_000..].fill(0);
    let mut flipped = whole[..400_000].to_vec();
    flipped[70_000] ^= 4;
    let longer = [whole.as_slice(), &[1; 999]].concat();
    // What is on the disk, and what has to come at most.
    for (left, most) in [
        (Vec::new(), 500_000),
        (whole[..299_999].to_vec(), 200_001),
        (zeros, 500_000 - 3 * BLOCK_BYTES + 10_000),
        (flipped, 100_000 + 2 * BLOCK_BYTES),
        (longer, 0),
        (whole.clone(), 0),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let downloads = downloads(folder.path());
        std::fs::write(downloads.folder.part(&wanted.blob), &left).unwrap();
        downloads.fetch(&source, &wanted, |_| {}).await.unwrap();
        let came = downloads.bytes_read() - 8 * 32;
        assert!(
            came <= most as u64,
            "{came} of {most} with {} left",
            left.len()
        );
        assert_eq!(
            std::fs::read(downloads.folder.place(&wanted.blob)).unwrap(),
            whole
        );
    }
}

#[tokio::test]
async fn a_source_that_lies_is_refused_and_nothing_gets_a_name() {
    for (fault, expected) in [
        (Fault::EndsEarly, "its length"),
        (Fault::SaysAnotherLength, "its length"),
        (Fault::LiesAlways, "its blocks"),
        (Fault::LiesInTheList, "its block list"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (source, wanted) = Line::faulty(200_000, fault);
        let downloads = downloads(folder.path());
        let refused = downloads.fetch(&source, &wanted, |_| {}).await;
        let error = refused.expect_err("it is a lie");
        assert!(error.to_string().contains(expected), "{fault:?}: {error}");
        assert!(!error.is_transient());
        assert!(
            !downloads.folder.has(&wanted.blob, wanted.size),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_read_to_the_end_of_what_was_signed() {
    let folder = tempfile::tempdir().unwrap();
    let (source, wanted) = Line::faulty(195_000, Fault::NeverEnds);
    let downloads = downloads(folder.path());
    downloads.fetch(&source, &wanted, |_| {}).await.unwrap();
    assert!(downloads.bytes_read() <= 195_000 + 3 * 32 + 10_000);
    assert!(downloads.folder.has(&wanted.blob, wanted.size));
}

#[tokio::test]
async fn a_source_that_ignores_ranges_is_of_use_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (source, wanted) = Line::faulty(200_000, Fault::IgnoresRanges);
    let downloads = downloads(folder.path());
    std::fs::write(
        downloads.folder.part(&wanted.blob),
        &bytes(200_000)[..150_000],
    )
    .unwrap();
    downloads.fetch(&source, &wanted, |_| {}).await.unwrap();
    assert!(downloads.folder.has(&wanted.blob, wanted.size));
}

#[tokio::test]
async fn a_document_without_a_list_is_one_block() {
    let folder = tempfile::tempdir().unwrap();
    let line = Line::of(bytes(150_000));
    line.cuts.lock().unwrap().push(90_000);
    let wanted = Wanted {
        blocks: None,
        ..wanted(&line.blob)
    };
    let source: Arc<dyn Source> = Arc::new(line);
    let downloads = downloads(folder.path());
    assert!(
        downloads
            .fetch(&source, &wanted, |_| {})
            .await
            .unwrap_err()
            .is_transient()
    );
    downloads.fetch(&source, &wanted, |_| {}).await.unwrap();
    assert_eq!(
        downloads.bytes_read(),
        150_000,
        "it went on from where it was"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_line_that_is_cut_again_and_again_costs_no_byte_twice(
        size in 1_usize..600_000,
        chunk in 1_000_usize..70_000,
        cuts in prop::collection::vec(0_usize..200_000, 0..30),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let line = Line { chunk, ..Line::of(bytes(size)) };
            let interruptions = cuts.len() as u64;
            *line.cuts.lock().unwrap() = cuts;
            let wanted = wanted(&line.blob);
            let source: Arc<dyn Source> = Arc::new(line);
            let mut read = 0;
            for _ in 0..=interruptions {
                // A new one each time, as after a kill.
                let downloads = downloads(folder.path());
                let ended = downloads.fetch(&source, &wanted, |_| {}).await;
                read += downloads.bytes_read();
                if ended.is_ok() {
                    break;
                }
            }
            let lists = (size.div_ceil(BLOCK_BYTES) * 32) as u64;
            prop_assert_eq!(read, size as u64 + lists, "a kept byte is never asked for again");
            prop_assert!(downloads(folder.path()).folder.has(&wanted.blob, wanted.size));
            Ok(())
        })?;
    }
}
