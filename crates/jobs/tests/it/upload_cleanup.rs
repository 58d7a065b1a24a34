//! Collecting what crashes and clients leave behind.

use std::time::Duration;

use bytes::Bytes;
use pierhead_jobs::CancellationToken;
use pierhead_jobs::upload_cleanup::{Collected, UploadCleanup};
use pierhead_oci::digest::Algorithm;
use pierhead_oci::{Digest, Hasher};
use pierhead_storage::{ContentPath, UploadName, Written};

use crate::site::{LOCATION, Site};

const CLEANUP: UploadCleanup = UploadCleanup {
    every: Duration::from_hours(1),
    age: Duration::ZERO,
};

impl Site {
    async fn collect(&self) -> Collected {
        let stop = CancellationToken::new();
        CLEANUP.round(&self.db, &self.storage, &stop).await.unwrap()
    }

    /// An upload with its file, locked.
    async fn upload(&self, content: &'static [u8]) -> (UploadName, Digest, Written) {
        let name = UploadName::random();
        let open = self.storage.append(LOCATION, &name, true).await.unwrap();
        let mut writer = open.writer(Hasher::new(Algorithm::Sha256)).await.unwrap();
        writer.push(Bytes::from_static(content)).await.unwrap();
        let written = writer.finish().await.unwrap();
        (name, written.hasher.clone().finish(), written)
    }

    /// The session of an upload, begun long ago.
    async fn session(&self, name: &UploadName) {
        self.execute(&format!(
            "INSERT INTO blobupload (repository_id, uuid, byte_count, location_id, storage_metadata, chunk_count, created) \
             SELECT 1, '{name}', 3, id, '{{}}', 1, '2020-01-01 00:00:00.000000' FROM imagestoragelocation WHERE name = '{LOCATION}'"
        ))
        .await;
    }

    async fn publish(&self, name: &UploadName, digest: &Digest, size: u64) -> std::path::PathBuf {
        let path = ContentPath::of_digest(digest);
        self.storage
            .publish(LOCATION, name, &path, size, false)
            .await
            .unwrap();
        self.stored(path.as_str())
    }

    async fn blob_row(&self, digest: &Digest) {
        self.execute(&format!(
            "INSERT INTO imagestorage (uuid, image_size, uploading, cas_path, content_checksum) VALUES ('{}', 3, false, true, '{digest}')",
            uuid::Uuid::new_v4()
        ))
        .await;
        self.execute(
            "INSERT INTO imagestorageplacement (storage_id, location_id) \
             SELECT MAX(s.id), l.id FROM imagestorage s, imagestoragelocation l WHERE l.name = 'local_us'",
        )
        .await;
    }
}

fn collected(sessions: usize, files: usize, contents: usize) -> Collected {
    Collected {
        sessions,
        files,
        contents,
    }
}

#[tokio::test]
async fn a_stale_session_goes_with_its_file() {
    let site = Site::start().await;
    let (name, _, written) = site.upload(b"abc").await;
    site.session(&name).await;
    // Others, without a file.
    for _ in 0..250 {
        site.session(&UploadName::random()).await;
    }
    drop(written);
    assert_eq!(site.collect().await, collected(251, 0, 0));
    assert_eq!(site.count("blobupload").await, 0);
    assert!(!site.stored(&format!("uploads/{name}")).exists());
    assert_eq!(site.collect().await, Collected::default());
}

#[tokio::test]
async fn a_session_that_somebody_writes_to_stays() {
    let site = Site::start().await;
    let (name, _, written) = site.upload(b"abc").await;
    site.session(&name).await;
    assert_eq!(site.collect().await, Collected::default());
    drop(written);
    assert_eq!(site.collect().await, collected(1, 0, 0));
}

#[tokio::test]
async fn a_file_without_a_session_is_removed() {
    let site = Site::start().await;
    let (_, _, written) = site.upload(b"abc").await;
    assert_eq!(
        site.collect().await,
        Collected::default(),
        "it is being written"
    );
    drop(written);
    assert_eq!(site.collect().await, collected(0, 1, 0));
}

#[tokio::test]
async fn content_that_no_row_names_goes_with_its_upload() {
    let site = Site::start().await;
    for with_session in [true, false] {
        let (name, digest, written) = site.upload(b"abc").await;
        if with_session {
            site.session(&name).await;
        }
        let content = site.publish(&name, &digest, 3).await;
        assert_eq!(
            site.collect().await,
            Collected::default(),
            "its row may be under way"
        );
        drop(written);
        let sessions = usize::from(with_session);
        assert_eq!(site.collect().await, collected(sessions, 1 - sessions, 1));
        assert!(!content.exists());
    }
}

#[tokio::test]
async fn content_that_a_row_names_stays() {
    let site = Site::start().await;
    let (name, digest, written) = site.upload(b"abc").await;
    let content = site.publish(&name, &digest, 3).await;
    drop(written);
    site.blob_row(&digest).await;
    assert_eq!(site.collect().await, collected(0, 1, 0));
    assert_eq!(std::fs::read(&content).unwrap(), b"abc");
}

#[tokio::test]
async fn content_of_somebody_else_stays() {
    let site = Site::start().await;
    let (leftover, digest, written) = site.upload(b"abc").await;
    site.publish(&leftover, &digest, 3).await;
    drop(written);
    // A push of the same content is between publishing and its row.
    let (pushing, _, written) = site.upload(b"abc").await;
    let content = site.publish(&pushing, &digest, 3).await;
    assert_eq!(site.collect().await, collected(0, 1, 0));
    assert_eq!(std::fs::read(&content).unwrap(), b"abc");
    site.blob_row(&digest).await;
    drop(written);
    assert_eq!(site.collect().await, collected(0, 1, 0));
    assert!(content.exists());
}

#[tokio::test]
async fn an_upload_that_cannot_be_removed_does_not_keep_the_others() {
    let site = Site::start().await;
    let blocked = UploadName::random();
    std::fs::create_dir(site.stored(&format!("uploads/{blocked}"))).unwrap();
    site.session(&blocked).await;
    let (name, _, written) = site.upload(b"abc").await;
    site.session(&name).await;
    drop(written);
    assert_eq!(site.collect().await, collected(1, 0, 0));
    assert!(!site.stored(&format!("uploads/{name}")).exists());
}
