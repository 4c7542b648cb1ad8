//! Disks that lose power or fill up: an ext4 image on a loop device, and a small tmpfs.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use nix::mount::{MntFlags, umount2};

/// Size of the image: room for a test, small enough to make in a blink.
const IMAGE_BYTES: u64 = 192 << 20;

/// The one ioctl that takes a file system down without a word to its journal.
mod ioctl {
    // EXT4_IOC_SHUTDOWN, `_IOR('X', 125, __u32)` in fs/ext4/ext4.h.
    nix::ioctl_read!(shutdown, b'X', 125, u32);
}

/// EXT4_GOING_FLAGS_NOLOGFLUSH: what is not on the disk yet never gets there.
const NO_LOG_FLUSH: u32 = 2;

/// An ext4 file system whose plug can be pulled. Needs root.
#[derive(Debug)]
pub struct Disk {
    image: PathBuf,
    mounted_at: PathBuf,
}

impl Disk {
    /// Makes a file system in `folder` and mounts it there.
    ///
    /// # Errors
    /// Where mkfs or mount fail, as they do for anyone but root.
    pub fn make(folder: &Path) -> anyhow::Result<Self> {
        let image = folder.join("disk.img");
        let mounted_at = folder.join("disk");
        File::create(&image)
            .and_then(|file| file.set_len(IMAGE_BYTES))
            .context("making an image")?;
        std::fs::create_dir_all(&mounted_at).context("making a mount point")?;
        run(
            "mkfs.ext4",
            &[
                "-q",
                "-F",
                "-E",
                "lazy_itable_init=0,lazy_journal_init=0",
                text(&image),
            ],
        )?;
        let disk = Self { image, mounted_at };
        disk.mount()?;
        Ok(disk)
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.mounted_at
    }

    /// Pulls the plug: nothing more reaches the image, and what the journal holds is not flushed.
    ///
    /// # Errors
    /// Where the file system refuses.
    pub fn pull_plug(&self) -> anyhow::Result<()> {
        let root = File::open(&self.mounted_at).context("opening the mount point")?;
        let mut flags = NO_LOG_FLUSH;
        #[expect(
            unsafe_code,
            reason = "the ioctl reads one u32 behind a live reference"
        )]
        // SAFETY: the descriptor is open and `flags` outlives the call.
        unsafe { ioctl::shutdown(root.as_raw_fd(), &raw mut flags) }
            .context("EXT4_IOC_SHUTDOWN")?;
        Ok(())
    }

    /// Brings everything written so far to the image, synced by its writer or not.
    ///
    /// # Errors
    /// Where the file system refuses.
    pub fn sync(&self) -> anyhow::Result<()> {
        let root = File::open(&self.mounted_at).context("opening the mount point")?;
        nix::unistd::syncfs(&root).context("syncing the file system")
    }

    /// Power comes back: unmounts what is dead, and mounts it again, replaying the journal.
    ///
    /// # Errors
    /// Where mount fails.
    pub fn power_up(&self) -> anyhow::Result<()> {
        umount2(&self.mounted_at, MntFlags::empty()).context("unmounting; is it still in use?")?;
        self.mount()
    }

    fn mount(&self) -> anyhow::Result<()> {
        run(
            "mount",
            &["-o", "loop", text(&self.image), text(&self.mounted_at)],
        )
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // At the end of a test nobody is left to tell.
        let _ = umount2(&self.mounted_at, MntFlags::MNT_DETACH);
    }
}

/// A small file system that fills up. Needs root.
#[derive(Debug)]
pub struct SmallDisk {
    mounted_at: PathBuf,
}

impl SmallDisk {
    /// Mounts a tmpfs of this many KiB at `folder`.
    ///
    /// # Errors
    /// Where mount fails.
    pub fn make(folder: &Path, kib: u64) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).context("making a mount point")?;
        run(
            "mount",
            &[
                "-t",
                "tmpfs",
                "-o",
                &format!("size={kib}k"),
                "tmpfs",
                text(folder),
            ],
        )?;
        Ok(Self {
            mounted_at: folder.to_owned(),
        })
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.mounted_at
    }

    /// Takes all room that is left, with one file.
    ///
    /// # Errors
    /// Where the file cannot be made at all.
    pub fn fill(&self) -> anyhow::Result<()> {
        use std::io::Write as _;
        let mut ballast =
            File::create(self.mounted_at.join("ballast")).context("making ballast")?;
        let block = [0_u8; 4096];
        while ballast.write_all(&block).is_ok() {}
        Ok(())
    }

    /// Takes room, with one file, until only so many bytes are left.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn fill_but(&self, left: u64) -> anyhow::Result<()> {
        use std::io::Write as _;
        let mut ballast =
            File::create(self.mounted_at.join("ballast")).context("making ballast")?;
        // In large steps first: a download may go on meanwhile.
        let (large, small) = (vec![0_u8; 1 << 20], [0_u8; 4096]);
        let free = || {
            nix::sys::statvfs::statvfs(&self.mounted_at)
                .map(|it| it.blocks_available() * it.fragment_size())
        };
        loop {
            let more = free().context("asking for room")?.saturating_sub(left);
            match more {
                0 => return Ok(()),
                more if more > 2 << 20 => ballast.write_all(&large),
                _ => ballast.write_all(&small),
            }
            .context("writing ballast")?;
        }
    }

    /// Gives the room back.
    ///
    /// # Errors
    /// Where there is no ballast.
    pub fn empty(&self) -> anyhow::Result<()> {
        std::fs::remove_file(self.mounted_at.join("ballast")).context("throwing ballast out")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // At the end of a test nobody is left to tell.
        let _ = umount2(&self.mounted_at, MntFlags::MNT_DETACH);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("test folders have plain names")
}

fn run(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let done = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("starting {program}"))?;
    let errors = String::from_utf8_lossy(&done.stderr);
    anyhow::ensure!(
        done.status.success(),
        "{program} {arguments:?}: {errors} (are you root?)"
    );
    Ok(())
}
