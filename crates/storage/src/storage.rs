//! The configured locations, and which of them a read or a write goes to.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pierhead_oci::digest::Algorithm;
use pierhead_oci::hasher::Hasher;

use crate::driver::{Content, DiskSpace, Driver};
use crate::error::{Error, Result};
use crate::path::{ContentPath, UploadName};
use crate::writer::OpenUpload;

/// Bytes read at once when an upload is hashed again.
const READ_BUFFER: usize = 1 << 20;

/// One entry of `DISTRIBUTED_STORAGE_CONFIG`.
#[derive(Clone)]
pub struct Location {
    /// Its id, which is also its name in `imagestoragelocation`.
    pub id: String,
    /// Its driver.
    pub driver: Arc<dyn Driver>,
}

impl std::fmt::Debug for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Location")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// All locations of an installation. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Storage {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    locations: HashMap<String, Location>,
    /// Ids in the order of `DISTRIBUTED_STORAGE_PREFERENCE`; the first takes every write.
    preference: Vec<String>,
    calls: StorageCalls,
}

/// How many calls went to drivers, by kind, since the start: tests assert them, and they are exported as metrics.
#[derive(Debug, Default)]
pub struct StorageCalls {
    /// Uploads opened for appending.
    pub appends: AtomicU64,
    /// Contents published.
    pub publishes: AtomicU64,
    /// Uploads removed.
    pub discards: AtomicU64,
    /// Contents opened for reading.
    pub opens: AtomicU64,
    /// Contents removed.
    pub deletes: AtomicU64,
}

impl Storage {
    /// Locations by preference. `preference` must not be empty and must name only locations that exist.
    pub fn new(locations: Vec<Location>, preference: Vec<String>) -> Result<Self> {
        let locations: HashMap<_, _> = locations
            .into_iter()
            .map(|location| (location.id.clone(), location))
            .collect();
        if let Some(unknown) = preference.iter().find(|id| !locations.contains_key(*id)) {
            return Err(Error::UnknownLocation(unknown.clone()));
        }
        if preference.is_empty() {
            return Err(Error::UnknownLocation("(none is preferred)".to_owned()));
        }
        Ok(Self {
            inner: Arc::new(Inner {
                locations,
                preference,
                calls: StorageCalls::default(),
            }),
        })
    }

    /// Counters of driver calls.
    pub fn calls(&self) -> &StorageCalls {
        &self.inner.calls
    }

    /// The id of the location that takes writes.
    pub fn write_location(&self) -> &str {
        // `new` refuses an empty preference.
        &self.inner.preference[0]
    }

    /// Ids of all locations.
    pub fn location_ids(&self) -> impl Iterator<Item = &str> {
        self.inner.locations.keys().map(String::as_str)
    }

    fn driver(&self, location: &str) -> Result<&dyn Driver> {
        self.inner
            .locations
            .get(location)
            .map(|location| &*location.driver)
            .ok_or_else(|| Error::UnknownLocation(location.to_owned()))
    }

    /// Opens and locks an upload for appending, making it if `create`.
    pub async fn append(
        &self,
        location: &str,
        upload: &UploadName,
        create: bool,
    ) -> Result<OpenUpload> {
        self.inner.calls.appends.fetch_add(1, Ordering::Relaxed);
        let file = self.driver(location)?.append(upload, create).await?;
        OpenUpload::new(location, upload.path(), file)
    }

    /// Hashes the first `size` bytes of an upload, or all of them, from what is stored. `None` if it holds fewer.
    pub async fn hash_upload(
        &self,
        location: &str,
        upload: &UploadName,
        size: Option<u64>,
        algorithm: Algorithm,
    ) -> Result<Option<Hasher>> {
        let Content::File { file, size: stored } =
            self.driver(location)?.open_upload(upload).await?;
        let size = size.unwrap_or(stored);
        if stored < size {
            return Ok(None);
        }
        let hashed = tokio::task::spawn_blocking(move || -> std::io::Result<Hasher> {
            let mut hasher = Hasher::new(algorithm);
            let mut buffer = vec![0; READ_BUFFER];
            let mut reader = (&*file).take(size);
            loop {
                match reader.read(&mut buffer)? {
                    0 => return Ok(hasher),
                    read => hasher.update(&buffer[..read]),
                }
            }
        })
        .await
        .map_err(|_| Error::Cancelled)?;
        hashed
            .map(Some)
            .map_err(|error| Error::io(location, "reading", &upload.path(), error))
    }

    /// Makes the upload's bytes durable under `path`; see [`Driver::publish`].
    pub async fn publish(
        &self,
        location: &str,
        upload: &UploadName,
        path: &ContentPath,
        size: u64,
        trusted: bool,
    ) -> Result<()> {
        self.inner.calls.publishes.fetch_add(1, Ordering::Relaxed);
        self.driver(location)?
            .publish(upload, path, size, trusted)
            .await
    }

    /// Removes an upload.
    pub async fn discard(&self, location: &str, upload: &UploadName) -> Result<()> {
        self.inner.calls.discards.fetch_add(1, Ordering::Relaxed);
        self.driver(location)?.discard(upload).await
    }

    /// Opens content that is placed in `placements`: in the first preferred location that has it, else in any.
    pub async fn open(&self, placements: &[String], path: &ContentPath) -> Result<Content> {
        self.inner.calls.opens.fetch_add(1, Ordering::Relaxed);
        let preferred = self
            .inner
            .preference
            .iter()
            .find(|id| placements.contains(id));
        let location = preferred
            .or_else(|| {
                placements
                    .iter()
                    .find(|id| self.inner.locations.contains_key(*id))
            })
            .ok_or_else(|| Error::UnknownLocation(placements.join(", ")))?;
        self.driver(location)?.open(path).await
    }

    /// Removes content from one location.
    pub async fn delete(&self, location: &str, path: &ContentPath) -> Result<()> {
        self.inner.calls.deletes.fetch_add(1, Ordering::Relaxed);
        self.driver(location)?.delete(path).await
    }

    /// Uploads last written longer ago than `age_seconds`, at most `limit`.
    pub async fn stale_uploads(
        &self,
        location: &str,
        age_seconds: u64,
        limit: usize,
    ) -> Result<Vec<UploadName>> {
        self.driver(location)?
            .stale_uploads(age_seconds, limit)
            .await
    }

    /// Takes back what was published from an upload; see [`Driver::unpublish`].
    pub async fn unpublish(
        &self,
        location: &str,
        upload: &UploadName,
        path: &ContentPath,
    ) -> Result<bool> {
        self.inner.calls.deletes.fetch_add(1, Ordering::Relaxed);
        self.driver(location)?.unpublish(upload, path).await
    }

    /// See [`Driver::is_published`].
    pub async fn is_published(&self, location: &str, upload: &UploadName) -> Result<bool> {
        self.driver(location)?.is_published(upload).await
    }

    /// Checks every location in use: `(id, outcome)` in no particular order.
    pub async fn check(&self) -> Vec<(String, Result<()>)> {
        let mut outcomes = Vec::new();
        for location in self.inner.locations.values() {
            outcomes.push((location.id.clone(), location.driver.check().await));
        }
        outcomes
    }

    /// Room on the device that takes writes, if there is one.
    pub fn disk_space(&self) -> Option<DiskSpace> {
        self.driver(self.write_location()).ok()?.disk_space()
    }
}
