//! The local driver, on file systems that work and on those that do not.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use pierhead_oci::digest::Algorithm;
use pierhead_oci::{Digest, Hasher};
use pierhead_storage::{
    ContentPath, Driver as _, Error, LocalDriver, Location, Storage, UploadName,
};
use tempfile::TempDir;

use crate::conformance::conforms;

fn storage(root: &Path) -> Storage {
    let location = Location {
        id: "disk".to_owned(),
        driver: Arc::new(LocalDriver::open("disk", root).unwrap()),
    };
    Storage::new(vec![location], vec!["disk".to_owned()]).unwrap()
}

#[tokio::test]
async fn the_local_driver_conforms() {
    let folder = TempDir::new().unwrap();
    conforms(Arc::new(LocalDriver::open("disk", folder.path()).unwrap())).await;
    let uploads = std::fs::read_dir(folder.path().join("uploads")).unwrap();
    assert_eq!(uploads.count(), 0, "nothing is left over");
}

#[tokio::test]
async fn a_folder_that_vanished_is_made_again() {
    let folder = TempDir::new().unwrap();
    let driver = LocalDriver::open("disk", folder.path()).unwrap();
    let path = ContentPath::of_digest(&Digest::SHA256_OF_NOTHING);
    for _ in 0..2 {
        let name = UploadName::random();
        drop(driver.append(&name, true).await.unwrap());
        driver.publish(&name, &path, 0, false).await.unwrap();
        driver.open(&path).await.unwrap();
        std::fs::remove_dir_all(folder.path().join("sha256")).unwrap();
    }
}

#[tokio::test]
async fn a_location_that_cannot_be_written_to_is_told() {
    let folder = TempDir::new().unwrap();
    let blocked = folder.path().join("file");
    std::fs::write(&blocked, "").unwrap();
    assert!(matches!(
        LocalDriver::open("disk", &blocked),
        Err(Error::Io { .. })
    ));
    let driver = LocalDriver::open("disk", folder.path()).unwrap();
    // Root may write to a read-only folder, but not into a file in the folder's place.
    let uploads = folder.path().join("uploads");
    std::fs::remove_dir(&uploads).unwrap();
    std::fs::write(&uploads, "").unwrap();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o500)).unwrap();
    assert!(driver.check().await.is_err());
    assert!(driver.append(&UploadName::random(), true).await.is_err());
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
}

/// A file system of that many bytes; needs root, as the tests of the whole server do.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn new(size: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let options = format!("size={size},mode=700");
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(folder.path());
        assert!(
            mount.status().unwrap().success(),
            "run the tests as root: they mount a small disk"
        );
        Self(folder)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_freed_again() {
    let disk = SmallDisk::new("4m");
    let storage = storage(disk.0.path());
    let name = UploadName::random();
    let open = storage.append("disk", &name, true).await.unwrap();
    let mut writer = open.writer(Hasher::new(Algorithm::Sha256)).await.unwrap();
    let mut failure = None;
    for _ in 0..20 {
        if let Err(error) = writer.push(Bytes::from(vec![1; 1 << 20])).await {
            failure = Some(error);
            break;
        }
    }
    assert!(
        matches!(failure, Some(Error::NoSpace { .. })),
        "{failure:?}"
    );
    writer.undo().await.unwrap();
    assert_eq!(
        storage.append("disk", &name, false).await.unwrap().stored(),
        0
    );
    assert!(storage.disk_space().unwrap().available > 3 << 20);
    for (_, outcome) in storage.check().await {
        outcome.unwrap();
    }
}
