//! What a storage location can do. Each driver is one adapter of this trait, and passes the same tests.

use std::fs::File;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::Result;
use crate::path::{ContentPath, UploadName};

/// A boxed future that borrows from its driver.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Content that was opened for reading.
#[derive(Clone, Debug)]
pub enum Content {
    /// A local file, whose bytes can leave by `sendfile`.
    File {
        /// The open file.
        file: Arc<File>,
        /// Its size in bytes.
        size: u64,
    },
}

/// Room in a location, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct DiskSpace {
    /// Bytes that this process may still write.
    pub available: u64,
    /// Bytes in all.
    pub total: u64,
}

/// An upload that is open for appending, and locked against every other writer until it is dropped. Its calls block, so
/// they run on the blocking pool. Content that was published from the upload never changes by what is written later.
pub trait UploadFile: Send {
    /// Bytes that it holds.
    fn size(&self) -> io::Result<u64>;
    /// Cuts off everything behind the first `size` bytes.
    fn truncate(&mut self, size: u64) -> io::Result<()>;
    /// Writes the pieces one after the other at the end.
    fn append(&mut self, pieces: &[Bytes]) -> io::Result<()>;
}

/// One storage location.
///
/// Order of a durable push: [`Driver::append`] and writes, then [`Driver::publish`] (which returns when the content would
/// survive a loss of power), then the database row, then [`Driver::discard`]. Content is read only through a row, so what
/// a crash leaves between the steps is never served, and the upload that is left over leads to it.
pub trait Driver: Send + Sync {
    /// Opens an upload for appending, making it if `create`. [`crate::Error::Busy`] if somebody else has it open.
    fn append<'a>(
        &'a self,
        upload: &'a UploadName,
        create: bool,
    ) -> BoxFuture<'a, Result<Box<dyn UploadFile>>>;

    /// Opens an upload for reading: to hash it again.
    fn open_upload<'a>(&'a self, upload: &'a UploadName) -> BoxFuture<'a, Result<Content>>;

    /// Makes the upload's bytes durable under `path` and keeps the upload itself.
    ///
    /// The upload must hold exactly `size` bytes. Content that already lies at `path` is kept if `trusted` (a database row
    /// vouches for it) and it has `size` bytes, and is replaced otherwise.
    fn publish<'a>(
        &'a self,
        upload: &'a UploadName,
        path: &'a ContentPath,
        size: u64,
        trusted: bool,
    ) -> BoxFuture<'a, Result<()>>;

    /// Removes an upload. It is not an error if it is gone.
    fn discard<'a>(&'a self, upload: &'a UploadName) -> BoxFuture<'a, Result<()>>;

    /// Uploads that were last written before `age_seconds` ago: what is left of clients and crashes. At most `limit`.
    fn stale_uploads(
        &self,
        age_seconds: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<UploadName>>>;

    /// Whether the upload's bytes are also published under some path: a crash came between publishing and the row.
    fn is_published<'a>(&'a self, upload: &'a UploadName) -> BoxFuture<'a, Result<bool>>;

    /// Opens finished content.
    fn open<'a>(&'a self, path: &'a ContentPath) -> BoxFuture<'a, Result<Content>>;

    /// Takes back what [`Driver::publish`] did for this upload. Content at `path` that came from anywhere else stays, also
    /// when it is published at the same time. Returns whether there was something to take back.
    fn unpublish<'a>(
        &'a self,
        upload: &'a UploadName,
        path: &'a ContentPath,
    ) -> BoxFuture<'a, Result<bool>>;

    /// Removes finished content. It is not an error if it is gone.
    fn delete<'a>(&'a self, path: &'a ContentPath) -> BoxFuture<'a, Result<()>>;

    /// Whether the location works: writes, reads and removes a small object, as Quay's health check does.
    fn check(&self) -> BoxFuture<'_, Result<()>>;

    /// Room on the device, if the location has a device.
    fn disk_space(&self) -> Option<DiskSpace>;
}
