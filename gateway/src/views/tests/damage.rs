//! Damaged stores and killed processes: the figures stay the same, and a rebuild is counted.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::mpsc::sync_channel;

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

use super::*;

/// Longest a damaged store may take to be found out and rebuilt.
const DEADLINE: Duration = Duration::from_secs(60);

/// Damaged copies tried: most flips hit space that is not used.
const ROUNDS: usize = 60;

/// Tells the child what to do: the folder of its views.
const CHILD: &str = "LUJIANG_VIEWS_CHILD";

#[test]
fn flipped_bytes_and_cut_files_change_no_figure() {
    let ledger = some_ledger(600);
    let pristine = tempfile::tempdir().unwrap();
    let views = ledger.views_at(pristine.path(), gates());
    let expected = report(&views);
    drop(views);
    let mut random = random(20_261_110);
    let mut rebuilt = 0;
    for round in 0..ROUNDS {
        let damaged = tempfile::tempdir().unwrap();
        copy(pristine.path(), damaged.path());
        let what = damage(damaged.path(), &mut random, round);
        let (path, ledger) = (damaged.path().to_owned(), ledger.clone());
        let (done, answer) = sync_channel(1);
        std::thread::spawn(move || {
            let views = ledger.views_at(&path, gates());
            let _ = done.send((report(&views), views.rebuilds()));
        });
        let (found, rebuilds) = answer
            .recv_timeout(DEADLINE)
            .unwrap_or_else(|_| panic!("round {round} ({what}) does not end"));
        assert_eq!(found, expected, "round {round}: {what}");
        rebuilt += rebuilds;
    }
    assert!(
        rebuilt > 5,
        "only {rebuilt} of {ROUNDS} damages were noticed"
    );
}

#[test]
fn a_store_that_kills_its_opener_is_not_opened_for_ever() {
    let ledger = some_ledger(20);
    let dir = tempfile::tempdir().unwrap();
    let views = ledger.views_at(dir.path(), gates());
    let expected = report(&views);
    let folder = views.0.generations.newest_first().unwrap().remove(0);
    drop(views);
    fs::write(folder.join("attempts"), "..").unwrap();
    let views = ledger.views_at(dir.path(), gates());
    assert_eq!((report(&views), views.rebuilds()), (expected, 1));
}

#[test]
fn a_half_written_snapshot_is_removed_before_opening() {
    let ledger = some_ledger(20);
    let dir = tempfile::tempdir().unwrap();
    let views = ledger.views_at(dir.path(), gates());
    let expected = report(&views);
    let folder = views.0.generations.newest_first().unwrap().remove(0);
    drop(views);
    fs::write(
        folder.join("store/snap.0000000000000FFF.generating"),
        b"half",
    )
    .unwrap();
    let views = ledger.views_at(dir.path(), gates());
    assert_eq!((report(&views), views.rebuilds()), (expected, 0));
}

#[test]
fn a_record_lost_or_come_back_from_before_is_noticed() {
    let ledger = some_ledger(50);
    for lose in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let views = ledger.views_at(dir.path(), gates());
        let expected = report(&views);
        let folder = views.0.generations.newest_first().unwrap().remove(0);
        drop(views);
        // Behind our back, and with a right CRC.
        let db = sled::open(folder.join("store")).unwrap();
        let tree = db.open_tree("figures").unwrap();
        let gate: DeviceId = "gate-1".parse().unwrap();
        let key = key::Key::Tally(gate).encode();
        if lose {
            tree.remove(&key).unwrap();
        } else {
            let other = key::Key::Tally("gate-2".parse().unwrap()).encode();
            let mut older = tree.get(&other).unwrap().unwrap().to_vec();
            older.truncate(older.len() - 4);
            older.extend_from_slice(&pages::check(&key, &older).to_le_bytes());
            tree.insert(&key, older).unwrap();
        }
        drop((tree, db));
        let views = ledger.views_at(dir.path(), gates());
        assert_eq!(
            (report(&views), views.rebuilds()),
            (expected, 1),
            "lose: {lose}"
        );
    }
}

#[test]
fn kill_9_leaves_whole_batches_and_no_rebuild() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = some_ledger(KILLED_LEDGER);
    let expected = report(&ledger.views(gates()));
    let mut random = random(9);
    let mut furthest = EntryNumber::NONE;
    for round in 0..12 {
        let mut child = Killed(spawn_child(dir.path()));
        // Killed once it has come some way further, at a moment it does not choose.
        let further = 1 + random.next_u32() % 40;
        wait_for_steps(dir.path(), further);
        child.0.kill().unwrap();
        child.0.wait().unwrap();
        let reader = Arc::new(Mutex::new(ledger.clone()));
        let views = Views::open(dir.path(), reader, source(), section(7)).unwrap();
        let folded = *views.folded().borrow();
        assert_eq!(views.rebuilds(), 0, "round {round}");
        assert!(
            folded >= furthest,
            "round {round}: {folded:?} after {furthest:?}"
        );
        let is_ready = views.visits(&everything(), at("2029-01-01T00:00:00Z"), &|_| None);
        assert!(is_ready.is_ok(), "round {round}: the store was given up");
        furthest = folded;
    }
    assert!(furthest > EntryNumber::NONE, "nothing survived any kill");
    let views = ledger.views_at(dir.path(), gates());
    assert_eq!((report(&views), views.rebuilds()), (expected, 0));
}

/// Steps of a killed process: more than it is killed after.
const STEPS_MAX: u32 = 60;

/// Long enough not to be folded whole before the last kill, by steps of seven.
const KILLED_LEDGER: i64 = 6_000;

/// Not a test of its own: what the killed process does. Each line of `steps` is a step flushed.
#[test]
fn child_folds_until_it_is_killed() {
    let Some(dir) = std::env::var_os(CHILD).map(PathBuf::from) else {
        return;
    };
    let whole = some_ledger(KILLED_LEDGER);
    let reader = Arc::new(Mutex::new(whole));
    let views = Views::open(&dir, reader, source(), section(7)).unwrap();
    let mut steps = fs::File::create(dir.join("steps")).unwrap();
    if matches!(&*views.0.read(), State::Rebuilding(..)) {
        let shelf = views.0.create().unwrap();
        shelf.finish().unwrap();
        views.0.put(shelf);
    }
    for _ in 0..STEPS_MAX {
        assert!(matches!(views.0.step(), Ok(Step::Folded)));
        views.0.flush(&mut views.0.write());
        std::io::Write::write_all(&mut steps, b".").unwrap();
    }
    // Whoever is to kill it may be late; what is left is for the next.
    std::thread::park_timeout(DEADLINE);
}

fn spawn_child(dir: &Path) -> Child {
    let _ = fs::remove_file(dir.join("steps"));
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "views::tests::damage::child_folds_until_it_is_killed",
        ])
        .env(CHILD, dir)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

fn wait_for_steps(dir: &Path, steps: u32) {
    let began = Instant::now();
    let seen = || fs::metadata(dir.join("steps")).map_or(0, |found| found.len());
    while seen() < u64::from(steps) {
        assert!(began.elapsed() < DEADLINE, "the child does not fold");
        std::thread::yield_now();
    }
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn some_ledger(visits: i64) -> Entries {
    let mut ledger = Entries::default();
    let start = at("2026-11-10T08:00:00+08:00");
    for number in 0..visits {
        let gate = ["gate-1", "gate-2"][usize::try_from(number % 2).unwrap()];
        let from = start + SignedDuration::from_mins(5 * number);
        let flags: &[Flag] = if number % 17 == 0 {
            &[Flag::Reset]
        } else {
            &[]
        };
        let period = (from, from + SignedDuration::from_mins(5));
        ledger.visit(gate, period, number.unsigned_abs() % 23, flags);
    }
    ledger
}

fn gates() -> Places {
    places("Asia/Shanghai", &[("gate-1", "main"), ("gate-2", "branch")])
}

fn source() -> PlacesSource {
    let places = Arc::new(gates());
    Arc::new(move || places.clone())
}

fn report(views: &Views) -> (VisitReport, Vec<DeviceFigures>) {
    let from = at("2026-11-09T00:00:00+08:00");
    let to = from + SignedDuration::from_hours(30 * 24);
    let report = views.visits(&query(from, to, Bucket::Hour), to, &|_| None);
    let figures =
        ["gate-1", "gate-2"].map(|gate| views.device(&gate.parse().unwrap(), &|_| None).unwrap());
    (report.unwrap(), figures.to_vec())
}

fn random(seed: u64) -> TestRng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let target = to.join(file.file_name());
        if file.file_type().unwrap().is_dir() {
            copy(&file.path(), &target);
        } else {
            fs::copy(file.path(), target).unwrap();
        }
    }
}

fn files(below: &Path, found: &mut Vec<PathBuf>) {
    for file in fs::read_dir(below).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
    found.sort();
}

/// Spoils one file: a few flipped bits, a stretch of noise or of zeros, or its end cut off.
fn damage(dir: &Path, random: &mut TestRng, round: usize) -> String {
    let mut all = Vec::new();
    files(dir, &mut all);
    all.retain(|file| fs::metadata(file).unwrap().len() > 0);
    let file = &all[random.next_u32() as usize % all.len()];
    let mut bytes = fs::read(file).unwrap();
    // Most of a young store is empty space; half of the damages aim at what is written.
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0) + 1;
    let place = random.next_u32() as usize % used;
    let end = used.min(place + 512);
    let what = match round % 4 {
        0 => {
            bytes[place] ^= 1 << (round % 8);
            "a bit"
        }
        1 => {
            bytes[place..end].fill_with(|| random.next_u32().to_le_bytes()[0]);
            "noise"
        }
        2 => {
            bytes[place..end].fill(0);
            "zeros"
        }
        _ => {
            bytes.truncate(place);
            "its end"
        }
    };
    fs::write(file, bytes).unwrap();
    format!("{what} at {place} of {}", file.display())
}
