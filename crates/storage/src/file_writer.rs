//! Writing a file that is no blob: an exported log, a build context. It is written as an upload and becomes visible whole,
//! when its last byte is on the disk. What a crash leaves is an upload, which the clean-up of uploads removes.

use bytes::Bytes;
use pierhead_oci::digest::Algorithm;
use pierhead_oci::hasher::Hasher;

use crate::error::Result;
use crate::path::{ContentPath, UploadName};
use crate::storage::Storage;
use crate::writer::UploadWriter;

/// A file that is being written, in pieces.
#[derive(Debug)]
pub struct FileWriter {
    storage: Storage,
    location: String,
    upload: UploadName,
    writer: UploadWriter,
}

impl Storage {
    /// Begins a file in a location.
    ///
    /// # Errors
    /// When the location is unknown or cannot be written to.
    pub async fn write_file(&self, location: &str) -> Result<FileWriter> {
        let upload = UploadName::random();
        let open = self.append(location, &upload, true).await?;
        Ok(FileWriter {
            storage: self.clone(),
            location: location.to_owned(),
            upload,
            writer: open.writer(Hasher::new(Algorithm::Sha256)).await?,
        })
    }
}

impl FileWriter {
    /// Bytes so far.
    pub fn received(&self) -> u64 {
        self.writer.received()
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When an earlier piece could not be written.
    pub async fn push(&mut self, bytes: impl Into<Bytes>) -> Result<()> {
        self.writer.push(bytes.into()).await
    }

    /// Makes the file durable and visible. A file that lies there already is replaced.
    ///
    /// # Errors
    /// When it cannot be written; then there is no such file.
    pub async fn finish(self, path: &ContentPath) -> Result<u64> {
        let written = self.writer.finish().await?;
        let size = written.received;
        self.storage
            .publish(&self.location, &self.upload, path, size, false)
            .await?;
        drop(written);
        self.storage.discard(&self.location, &self.upload).await?;
        Ok(size)
    }

    /// Gives up, and removes what was written.
    ///
    /// # Errors
    /// When it cannot be removed; the clean-up of uploads tries again.
    pub async fn abandon(self) -> Result<()> {
        drop(self.writer.finish().await);
        self.storage.discard(&self.location, &self.upload).await
    }
}
