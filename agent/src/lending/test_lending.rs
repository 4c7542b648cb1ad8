//! For tests: the lending of a device in a folder of its own, with papers, and the desk that opens
//! what it sealed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, Serializable};
use lujiang_config::{LendingSection, OutboxSection};
use lujiang_wire::{
    BLOCKED_READER_BYTES, BLOCKED_READER_INFO, BlockList, DeskKey, Event, Fact, KeyText,
    LoanPapers, Patron, READER_SEAL_INFO, Uptime,
};

use super::papers_file::PapersFile;
use super::*;
use crate::measured_time::tests::SetClock;
use crate::outbox::OutboxOptions;

/// Where the clock of a test begins: a Tuesday evening in Changsha.
pub(crate) const BEGIN: &str = "2026-11-24T12:00:00Z";

/// The lending of a test; its folder goes with it.
pub(crate) struct TestLending {
    pub(crate) lending: Lending,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) outbox: Outbox,
    board: Arc<Board>,
    time: MeasuredTime,
    section: LendingSection,
    outbox_section: OutboxSection,
    folder: tempfile::TempDir,
}

impl TestLending {
    /// With the default policy, and papers that block nobody.
    pub(crate) fn start() -> Self {
        Self::with(LendingSection::default(), OutboxSection::default())
    }

    /// With this policy, and papers that block nobody.
    pub(crate) fn with(section: LendingSection, outbox_section: OutboxSection) -> Self {
        let folder = tempfile::tempdir().unwrap();
        keep_papers(folder.path(), &test_papers(&[]));
        Self::in_folder(folder, section, outbox_section)
    }

    /// Without any papers.
    pub(crate) fn without_papers() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::in_folder(folder, LendingSection::default(), OutboxSection::default())
    }

    /// Gives it papers that block these readers, and starts it again.
    pub(crate) fn blocking(self, readers: &[&str]) -> Self {
        keep_papers(self.folder.path(), &test_papers(readers));
        self.restarted()
    }

    /// The same device after a power cut.
    pub(crate) fn restarted(self) -> Self {
        let Self {
            section,
            outbox_section,
            folder,
            ..
        } = self;
        Self::in_folder(folder, section, outbox_section)
    }

    fn in_folder(
        folder: tempfile::TempDir,
        section: LendingSection,
        outbox_section: OutboxSection,
    ) -> Self {
        let path = folder.path().join("outbox.db");
        let device = "bus-1".parse().unwrap();
        let outbox =
            Outbox::open(&path, &device, &outbox_section, OutboxOptions::default()).unwrap();
        let clock = SetClock::at(BEGIN, Duration::from_secs(60));
        let time = MeasuredTime::new(clock.clone());
        let board = Arc::new(Board::new(clock.wall(), false));
        let surroundings = Surroundings {
            data: folder.path().to_owned(),
            outbox: outbox.clone(),
            time: time.clone(),
            clock: clock.clone(),
            board: board.clone(),
        };
        let lending = Lending::open(&section, surroundings).unwrap();
        Self {
            lending,
            clock,
            outbox,
            board,
            time,
            section,
            outbox_section,
            folder,
        }
    }

    /// As [`TestLending::without_papers`], with what else stands around it.
    pub(crate) fn parts(self) -> (Lending, Arc<Board>, MeasuredTime, tempfile::TempDir) {
        (self.lending, self.board, self.time, self.folder)
    }

    /// Its data folder.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// A reader's card.
    pub(crate) fn reader(&self, read: &str) -> ReaderCard {
        self.lending.validate_reader(read).unwrap()
    }

    /// An item's barcode.
    pub(crate) fn item(&self, read: &str) -> Barcode {
        self.lending.validate_item(read).unwrap()
    }

    /// One item for one reader.
    pub(crate) fn loan(&self, reader: &str, item: &str) -> Loan {
        Loan {
            reader: self.reader(reader),
            item: self.item(item),
            session: "s-1".parse().unwrap(),
            stop: None,
            block: None,
        }
    }

    /// One item that comes back.
    pub(crate) fn back(&self, item: &str) -> Return {
        Return {
            item: self.item(item),
            session: "s-2".parse().unwrap(),
            stop: None,
            block: None,
            cancels: None,
        }
    }

    /// The link to the gateway is there.
    pub(crate) fn online(&self) {
        let link = crate::status::Link::Online;
        self.board.link(link, self.clock.wall());
    }

    /// Time passes.
    pub(crate) fn wait(&self, time: Duration) {
        let mut clock = self.clock.0.lock().unwrap();
        clock.0 = clock.0.checked_add(time).unwrap();
        clock.1 += time;
    }

    /// All that waits in the outbox, in order.
    pub(crate) fn facts(&self) -> Vec<Event> {
        self.outbox.begin_connection().unwrap();
        let stamp = crate::outbox::Stamp {
            time: self.clock.wall(),
            moment: lujiang_wire::Moment {
                boot: self.clock.boot(),
                uptime: Uptime::new(Duration::ZERO),
            },
        };
        let mut events = Vec::new();
        while let Some(batch) = self.outbox.next_batch(&stamp, 500, 1 << 20).unwrap() {
            events.extend(
                batch
                    .events
                    .iter()
                    .map(|text| Event::from_json(text).unwrap()),
            );
        }
        events
    }

    /// What a receipt does that covers these numbers of the stream of loans, all of it sent.
    pub(crate) fn settle(&self, to: u64) {
        self.facts();
        let receipts = lujiang_wire::Receipts {
            ledger: lujiang_wire::LedgerId("a".to_owned()),
            epoch: self.outbox.epoch().clone(),
            streams: [(Stream::Loan, to)].into(),
        };
        let stamp = crate::outbox::Stamp::now(self.clock.as_ref());
        self.outbox.settle(&receipts, &stamp).unwrap();
    }
}

/// The desk's key pair of the tests.
fn desk() -> (
    <X25519HkdfSha256 as Kem>::PrivateKey,
    <X25519HkdfSha256 as Kem>::PublicKey,
) {
    X25519HkdfSha256::derive_keypair(&[9; 32])
}

/// Papers that block these readers.
pub(crate) fn test_papers(blocked: &[&str]) -> LoanPapers {
    let key = hmac_key();
    let mark = |reader: &&str| {
        let text = [BLOCKED_READER_INFO, reader.as_bytes()].concat();
        let tag = aws_lc_rs::hmac::sign(&key, &text);
        URL_SAFE_NO_PAD.encode(&tag.as_ref()[..BLOCKED_READER_BYTES])
    };
    LoanPapers {
        revision: "r-1".parse().unwrap(),
        desk: DeskKey {
            kid: "desk-1".parse().unwrap(),
            public: KeyText::new(desk().1.to_bytes().into()),
        },
        blocks: BlockList {
            key: KeyText::new([5; 32]),
            as_of: None,
            readers: blocked.iter().map(mark).collect(),
        },
        stops: Vec::new(),
        conflicts: Vec::new(),
    }
}

fn hmac_key() -> aws_lc_rs::hmac::Key {
    aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &[5; 32])
}

/// Keeps papers in the folder of a device.
pub(crate) fn keep_papers(folder: &Path, papers: &LoanPapers) {
    let text = serde_json::to_vec(papers).unwrap();
    PapersFile::in_folder(folder).keep(&text, None).unwrap();
}

/// The default policy's: patterns are slow to make.
static FORMS: LazyLock<Forms> = LazyLock::new(|| Forms::of(&LendingSection::default()));

/// An item's barcode by the default policy.
pub(crate) fn read_item(read: &str) -> Result<Barcode, Refused> {
    FORMS.item(read)
}

/// A reader's card by the default policy.
pub(crate) fn read_reader(read: &str) -> Result<ReaderCard, Refused> {
    FORMS.reader(read)
}

/// What the desk opens of the reader in a fact.
pub(crate) fn opened(fact: &Fact) -> Option<String> {
    let Patron::Sealed { sealed, kid } = fact.patron()? else {
        panic!("a reader in clear");
    };
    let bytes = URL_SAFE_NO_PAD.decode(sealed).unwrap();
    let (encapsulated, sealed) = bytes.split_at(32);
    let plain = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &desk().0,
        &Deserializable::from_bytes(encapsulated).unwrap(),
        READER_SEAL_INFO,
        sealed,
        kid.as_str().as_bytes(),
    );
    Some(String::from_utf8(plain.unwrap()).unwrap())
}
