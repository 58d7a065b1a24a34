//! What is pushed while the server may be killed at any moment, and what it said about it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use pierhead_testkit::{Blob, Client, Image, Result};
use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::sync::Notify;

/// What the server said it has, and what it was asked for without an answer.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) blobs: HashMap<String, Arc<Blob>>,
    pub(super) manifests: HashMap<String, Arc<Image>>,
    pub(super) moving: HashMap<String, Moving>,
    pub(super) open_blobs: Vec<Arc<Blob>>,
    pub(super) open_manifests: Vec<(String, Arc<Image>)>,
    /// Acknowledged since the last restart.
    pub(super) new_blobs: Vec<Arc<Blob>>,
    pub(super) new_manifests: Vec<(String, Arc<Image>)>,
}

/// A tag that one worker moves from image to image.
#[derive(Default, Clone)]
pub(super) struct Moving {
    /// The image whose move was acknowledged last.
    pub(super) acknowledged: Option<Arc<Image>>,
    /// The image that may have replaced it.
    pub(super) asked: Option<Arc<Image>>,
}

/// Counts what the workers do, so that the crash falls somewhere into their work.
#[derive(Default)]
pub(super) struct Steps {
    done: AtomicU64,
    moved: Notify,
}

impl Steps {
    fn step(&self) {
        self.done.fetch_add(1, Ordering::SeqCst);
        self.moved.notify_one();
    }

    pub(super) async fn reach(&self, target: u64) {
        while self.done.load(Ordering::SeqCst) < target {
            self.moved.notified().await;
        }
    }
}

/// One worker's repository and pushes.
pub(super) struct Worker {
    pub(super) client: Client,
    pub(super) ledger: Arc<Mutex<Ledger>>,
    pub(super) steps: Arc<Steps>,
    pub(super) repository: String,
    pub(super) random: StdRng,
}

impl Worker {
    /// Pushes images until the server is gone.
    pub(super) async fn push_until_the_crash(mut self) {
        while self.push_one().await.is_ok() {}
    }

    async fn push_one(&mut self) -> Result<()> {
        let sizes: Vec<usize> = (0..self.random.random_range(1..3))
            .map(|_| {
                if self.random.random_bool(0.2) {
                    self.random.random_range(100_000..700_000)
                } else {
                    self.random.random_range(1..8000)
                }
            })
            .collect();
        let image = Arc::new(Image::build(self.random.random::<u64>() >> 12, &sizes));
        for blob in image.blobs() {
            let blob = Arc::new(blob.clone());
            lock(&self.ledger).open_blobs.push(Arc::clone(&blob));
            self.push_blob(&blob).await?;
            let mut ledger = lock(&self.ledger);
            ledger
                .blobs
                .insert(self.key(&blob.digest), Arc::clone(&blob));
            ledger.new_blobs.push(blob);
        }
        let tag = format!("t{}", &image.manifest.digest[7..23]);
        lock(&self.ledger)
            .open_manifests
            .push((self.key(&tag), Arc::clone(&image)));
        self.put_manifest(&tag, &image).await?;
        {
            let mut ledger = lock(&self.ledger);
            ledger.manifests.insert(self.key(&tag), Arc::clone(&image));
            ledger
                .new_manifests
                .push((self.key(&tag), Arc::clone(&image)));
            ledger.moving.entry(self.key("moving")).or_default().asked = Some(Arc::clone(&image));
        }
        self.put_manifest("moving", &image).await?;
        lock(&self.ledger).moving.insert(
            self.key("moving"),
            Moving {
                acknowledged: Some(image),
                asked: None,
            },
        );
        Ok(())
    }

    async fn push_blob(&mut self, blob: &Blob) -> Result<()> {
        let size = self.random.random_range(1_000..200_000);
        let mut upload = self.client.start_upload(&self.repository).await?;
        self.steps.step();
        for piece in blob.bytes.chunks(size) {
            upload = self.client.send_chunk(&upload, piece).await?;
            self.steps.step();
        }
        self.client.finish_upload(&upload, &blob.digest).await?;
        self.steps.step();
        Ok(())
    }

    async fn put_manifest(&self, reference: &str, image: &Image) -> Result<()> {
        let manifest = &image.manifest;
        self.client
            .push_manifest(
                &self.repository,
                reference,
                manifest.media_type,
                &manifest.bytes,
            )
            .await?;
        self.steps.step();
        Ok(())
    }

    fn key(&self, reference: &str) -> String {
        format!("{} {reference}", self.repository)
    }
}

pub(super) fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap()
}
