//! The faults themselves: a fault test whose faults never fire proves nothing.

use std::io::Write as _;

use lujiang_tests::disk::{Disk, SmallDisk};

#[test]
fn a_pulled_plug_takes_what_was_not_synced_and_leaves_what_was() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::make(folder.path()).unwrap();
    let synced = disk.path().join("synced");
    let mut file = std::fs::File::create(&synced).unwrap();
    file.write_all(b"on disk").unwrap();
    file.sync_all().unwrap();
    std::fs::File::open(disk.path())
        .unwrap()
        .sync_all()
        .unwrap();
    std::fs::write(disk.path().join("unsynced"), b"in memory").unwrap();
    drop(file);

    disk.pull_plug().unwrap();
    assert!(
        std::fs::write(disk.path().join("after"), b"x").is_err(),
        "a dead disk takes nothing"
    );
    disk.power_up().unwrap();

    assert_eq!(std::fs::read(&synced).unwrap(), b"on disk");
    let lost = std::fs::read(disk.path().join("unsynced")).unwrap_or_default();
    assert!(
        lost.is_empty(),
        "what was only in memory must be gone, found {lost:?}"
    );
}

#[test]
fn a_small_disk_fills_up_and_has_room_again() {
    let folder = tempfile::tempdir().unwrap();
    let disk = SmallDisk::make(&folder.path().join("small"), 512).unwrap();
    disk.fill().unwrap();
    assert!(std::fs::write(disk.path().join("more"), [0; 4096]).is_err());
    disk.empty().unwrap();
    std::fs::write(disk.path().join("more"), [0; 4096]).unwrap();
}
