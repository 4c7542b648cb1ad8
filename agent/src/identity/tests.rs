//! Claims about the identity of a device.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::test_authority::{Authority, YEAR};

fn device() -> DeviceId {
    "gate-1".parse().unwrap()
}

fn url() -> GatewayUrl {
    "https://gateway:8443".parse().unwrap()
}

fn identity(authority: &Authority) -> Identity {
    let key = DeviceKey::generate().unwrap();
    let csr = key.signing_request(&device()).unwrap();
    Identity::assemble(
        &device(),
        url(),
        &key,
        authority.issue(&csr, &device(), YEAR),
    )
    .unwrap()
}

/// A folder with an identity in it.
fn enrolled() -> (tempfile::TempDir, IdentityFolder) {
    let outer = tempfile::tempdir().unwrap();
    let folder = IdentityFolder::new(&outer.path().join("identity"), &device());
    folder.replace(&identity(&Authority::new())).unwrap();
    (outer, folder)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_is_written_is_for_its_owner_alone_and_is_read_again() {
    let (_outer, folder) = enrolled();
    assert_eq!(mode(&folder.file()), 0o600);
    assert_eq!(mode(folder.file().parent().unwrap()), 0o700);
    let read = folder.load().unwrap();
    assert_eq!(read.gateway(), &url());
    assert_eq!(read.not_after(), YEAR.1.parse().unwrap());
    assert!(read.not_before() < read.renew_after() && read.renew_after() < read.not_after());
}

#[test]
fn a_device_that_never_enrolled_is_told_what_to_run() {
    let outer = tempfile::tempdir().unwrap();
    let folder = IdentityFolder::new(&outer.path().join("identity"), &device());
    let error = folder.load().unwrap_err().to_string();
    assert!(
        error.contains("lujiang-agent enrol") && error.contains("identity.json"),
        "{error}"
    );
    fs::create_dir(outer.path().join("identity")).unwrap();
    set_mode(&outer.path().join("identity"), 0o700);
    assert!(matches!(folder.load(), Err(IdentityError::Absent { .. })));
}

#[test]
fn a_file_or_folder_others_can_use_is_refused_with_the_mode_found_and_the_command_that_mends_it() {
    let (_outer, folder) = enrolled();
    set_mode(&folder.file(), 0o644);
    let error = folder.load().unwrap_err().to_string();
    for part in ["mode 0644", "expected 0600", "chmod 600", "identity.json"] {
        assert!(error.contains(part), "{error}");
    }
    set_mode(&folder.file(), 0o400);
    folder.load().unwrap();
    let parent = folder.file().parent().unwrap().to_owned();
    set_mode(&parent, 0o750);
    let error = folder.load().unwrap_err().to_string();
    assert!(error.contains("mode 0750, expected 0700"), "{error}");
    let error = folder.replace(&identity(&Authority::new())).unwrap_err();
    assert!(
        matches!(error, IdentityError::Mode { found: 0o750, .. }),
        "{error}"
    );
}

#[test]
fn parts_that_do_not_belong_together_are_no_identity() {
    let authority = Authority::new();
    let (good, other) = (identity(&authority), identity(&authority));
    let check = |change: &dyn Fn(&mut Stored)| {
        let mut stored = good.stored.clone();
        change(&mut stored);
        let text = serde_json::to_string(&stored).unwrap();
        Identity::parse(&device(), &text).unwrap_err().to_string()
    };
    let error = check(&|stored| stored.key.clone_from(&other.stored.key));
    assert_eq!(error, "its certificate is for another key");
    let error = check(&|stored| stored.roots.clear());
    assert_eq!(error, "its roots cannot be read, expected PEM");
    let error = check(&|stored| stored.certificate.truncate(200));
    assert_eq!(error, "its certificate cannot be read, expected PEM");
    let error = check(&|stored| stored.version = 2);
    assert_eq!(error, "it is of version 2, expected 1");
    let text = serde_json::to_string(&good.stored).unwrap();
    let error = Identity::parse(&"gate-2".parse().unwrap(), &text).unwrap_err();
    assert_eq!(
        error.to_string(),
        "its certificate is for gate-1, expected gate-2"
    );
}

#[test]
fn no_key_is_ever_printed_not_even_of_a_file_that_cannot_be_read() {
    let identity = identity(&Authority::new());
    let key = &identity.stored.key;
    let secret = key.lines().nth(1).unwrap();
    let shown = format!("{identity:?} {:?}", DeviceKey::generate().unwrap());
    assert!(
        !shown.contains(secret) && shown.contains("[redacted]"),
        "{shown}"
    );
    let spoilt = format!(r#"{{"version": "{}"}}"#, key.replace('\n', "\\n"));
    let error = anyhow::Error::from(Identity::parse(&device(), &spoilt).unwrap_err());
    assert!(
        !format!("{error:#} {error:?}").contains(secret),
        "{error:#}"
    );
}

#[test]
fn the_power_going_at_any_step_of_a_renewal_leaves_an_identity_that_can_be_used() {
    use crate::durable_file::{Step, replace_in_steps};
    let authority = Authority::new();
    for stop in [Step::Begun, Step::Written, Step::Synced, Step::Renamed] {
        let outer = tempfile::tempdir().unwrap();
        let folder = IdentityFolder::new(&outer.path().join("identity"), &device());
        let (old, new) = (identity(&authority), identity(&authority));
        folder.replace(&old).unwrap();
        replace_in_steps(&folder.file(), &new.to_json(), |step| {
            if step == stop {
                return Err(std::io::Error::other("no power"));
            }
            Ok(())
        })
        .unwrap_err();
        let expected = if stop == Step::Renamed { &new } else { &old };
        assert!(folder.load().unwrap().is_same(expected), "{stop:?}");
        folder.replace(&new).unwrap();
        assert!(folder.load().unwrap().is_same(&new), "{stop:?}");
    }
}

#[test]
fn a_renewed_identity_keeps_the_one_before_it_until_another_is_put_in_its_place() {
    let (_outer, folder) = enrolled();
    let (old, new) = (folder.load().unwrap(), identity(&Authority::new()));
    assert!(folder.load_previous().is_err());
    folder.succeed(&old, &new).unwrap();
    assert!(folder.load().unwrap().is_same(&new));
    assert!(folder.load_previous().unwrap().is_same(&old));
    assert_eq!(mode(&folder.file().with_file_name("previous.json")), 0o600);
    folder.replace(&old).unwrap();
    assert!(folder.load().unwrap().is_same(&old));
    assert!(folder.load_previous().is_err());
}
