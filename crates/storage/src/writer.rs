//! Receiving an upload: each byte is hashed and written in one pass, on the blocking pool, while the next ones arrive.

use bytes::Bytes;
use pierhead_oci::digest::Algorithm;
use pierhead_oci::hasher::Hasher;
use tokio::task::JoinHandle;

use crate::driver::UploadFile;
use crate::error::{Error, Result};

/// Bytes that are handed to the blocking pool at once. With one batch being written and one being received, an upload
/// holds at most about twice as many.
const BATCH: usize = 1 << 20;

/// An upload that this request has locked, and has not begun to write to.
pub struct OpenUpload {
    location: String,
    path: String,
    file: Box<dyn UploadFile>,
    len: u64,
}

impl std::fmt::Debug for OpenUpload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenUpload")
            .field("path", &self.path)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

impl OpenUpload {
    pub(crate) fn new(location: &str, path: String, file: Box<dyn UploadFile>) -> Result<Self> {
        let len = file
            .size()
            .map_err(|error| Error::io(location, "reading", &path, error))?;
        let location = location.to_owned();
        Ok(Self {
            location,
            path,
            file,
            len,
        })
    }

    /// Bytes that the upload holds.
    pub fn stored(&self) -> u64 {
        self.len
    }

    /// Begins to append behind the bytes that `hasher` has taken in, which are kept; what lies behind them is cut off.
    pub async fn writer(mut self, hasher: Hasher) -> Result<UploadWriter> {
        if self.len != hasher.len() {
            self.file = truncate(self.file, hasher.len())
                .await?
                .map_err(|error| Error::io(&self.location, "truncating", &self.path, error))?;
        }
        Ok(UploadWriter::new(self, hasher))
    }
}

/// Truncates on the blocking pool.
async fn truncate(
    mut file: Box<dyn UploadFile>,
    size: u64,
) -> Result<std::io::Result<Box<dyn UploadFile>>> {
    tokio::task::spawn_blocking(move || file.truncate(size).map(|()| file))
        .await
        .map_err(|_| Error::Cancelled)
}

/// Appends to an upload and hashes what it appends.
#[derive(Debug)]
pub struct UploadWriter {
    location: String,
    path: String,
    state: State,
    /// Bytes of the upload before this writer.
    before: u64,
    pending: Vec<Bytes>,
    pending_bytes: usize,
    received: u64,
}

enum State {
    Idle(Box<Sink>),
    Writing(JoinHandle<(Box<Sink>, std::io::Result<()>)>),
    /// An earlier write failed or was cancelled.
    Failed,
}

struct Sink {
    file: Box<dyn UploadFile>,
    hasher: Hasher,
}

/// What an upload came to. The upload stays locked until this is dropped.
pub struct Written {
    /// The hash over everything from the first byte of the blob.
    pub hasher: Hasher,
    /// Bytes received through this writer.
    pub received: u64,
    _locked: Box<dyn UploadFile>,
}

impl std::fmt::Debug for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Written")
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Idle(_) => "Idle",
            Self::Writing(_) => "Writing",
            Self::Failed => "Failed",
        })
    }
}

impl UploadWriter {
    fn new(open: OpenUpload, hasher: Hasher) -> Self {
        Self {
            location: open.location,
            path: open.path,
            before: hasher.len(),
            state: State::Idle(Box::new(Sink {
                file: open.file,
                hasher,
            })),
            pending: Vec::new(),
            pending_bytes: 0,
            received: 0,
        }
    }

    /// Bytes received so far through this writer.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// The algorithm that the bytes are hashed with.
    pub fn algorithm(&self) -> Option<Algorithm> {
        match &self.state {
            State::Idle(sink) => Some(sink.hasher.algorithm()),
            _ => None,
        }
    }

    /// Takes the next bytes. Waits only while an earlier batch is still being written.
    pub async fn push(&mut self, bytes: Bytes) -> Result<()> {
        self.received += bytes.len() as u64;
        self.pending_bytes += bytes.len();
        self.pending.push(bytes);
        if self.pending_bytes >= BATCH {
            self.start_batch().await?;
        }
        Ok(())
    }

    /// Writes what is left and returns the hash.
    pub async fn finish(mut self) -> Result<Written> {
        if !self.pending.is_empty() {
            self.start_batch().await?;
        }
        let sink = self.settle().await?;
        Ok(Written {
            hasher: sink.hasher,
            received: self.received,
            _locked: sink.file,
        })
    }

    /// Gives up: the upload is again what it was before this writer.
    pub async fn undo(mut self) -> Result<()> {
        let sink = match std::mem::replace(&mut self.state, State::Failed) {
            State::Idle(sink) => sink,
            State::Writing(task) => task.await.map_err(|_| Error::Cancelled)?.0,
            // Was undone when it failed.
            State::Failed => return Ok(()),
        };
        truncate(sink.file, self.before)
            .await?
            .map(drop)
            .map_err(|error| Error::io(&self.location, "truncating", &self.path, error))
    }

    async fn start_batch(&mut self) -> Result<()> {
        let mut sink = self.settle().await?;
        let pieces = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        let before = self.before;
        self.state = State::Writing(tokio::task::spawn_blocking(move || {
            let outcome = sink.file.append(&pieces);
            if outcome.is_ok() {
                for piece in &pieces {
                    sink.hasher.update(piece);
                }
            } else {
                // Room for others, if the disk is full. What stays is cut off by whoever goes on.
                let _ = sink.file.truncate(before);
            }
            (sink, outcome)
        }));
        Ok(())
    }

    /// Waits for the batch under way, if there is one, and takes the sink out.
    async fn settle(&mut self) -> Result<Box<Sink>> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Idle(sink) => Ok(sink),
            State::Failed => Err(Error::Cancelled),
            State::Writing(task) => {
                let (sink, outcome) = task.await.map_err(|_| Error::Cancelled)?;
                outcome.map_err(|error| Error::io(&self.location, "writing", &self.path, error))?;
                Ok(sink)
            }
        }
    }
}
