//! `LocalStorage`: a folder, laid out as Quay's.
//!
//! Publishing links the upload's file under its digest and then syncs file and folder: the database row that makes content
//! readable is written only afterwards. The upload keeps its own name until the row is there, so that a crash in between
//! leaves an upload that leads to the unowned content.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::driver::{BoxFuture, Content, DiskSpace, Driver, UploadFile};
use crate::error::{Error, Result};
use crate::path::{ContentPath, UploadName};

/// Most pieces that one `writev` takes (`IOV_MAX` is 1024 on Linux).
const PIECES_PER_WRITE: usize = 256;

/// A folder as a storage location.
#[derive(Clone, Debug)]
pub struct LocalDriver {
    location: Arc<str>,
    root: Arc<Path>,
}

impl LocalDriver {
    /// Opens the folder (`storage_path` of the configuration), making it and its `uploads` folder if they are missing.
    pub fn open(location: &str, root: &Path) -> Result<Self> {
        let driver = Self {
            location: location.into(),
            root: root.into(),
        };
        let uploads = root.join("uploads");
        fs::create_dir_all(&uploads)
            .and_then(|()| File::open(root)?.sync_all())
            .map_err(|error| driver.error("making the folder", "uploads", error))?;
        Ok(driver)
    }

    fn error(&self, action: &'static str, path: &str, source: io::Error) -> Error {
        Error::io(&self.location, action, path, source)
    }

    /// Runs blocking file work on the blocking pool.
    async fn blocking<T: Send + 'static>(
        &self,
        action: &'static str,
        path: String,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let root = self.root.clone();
        match tokio::task::spawn_blocking(move || work(&root)).await {
            Ok(result) => result.map_err(|error| self.error(action, &path, error)),
            Err(_) => Err(Error::Cancelled),
        }
    }
}

struct LocalUpload(File);

impl UploadFile for LocalUpload {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn append(&mut self, pieces: &[Bytes]) -> io::Result<()> {
        for batch in pieces.chunks(PIECES_PER_WRITE) {
            let mut slices: Vec<IoSlice<'_>> =
                batch.iter().map(|piece| IoSlice::new(piece)).collect();
            let mut rest = slices.as_mut_slice();
            while !rest.is_empty() {
                match self.0.write_vectored(rest) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(written) => IoSlice::advance_slices(&mut rest, written),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}

impl Driver for LocalDriver {
    fn append<'a>(
        &'a self,
        upload: &'a UploadName,
        create: bool,
    ) -> BoxFuture<'a, Result<Box<dyn UploadFile>>> {
        Box::pin(async move {
            let path = upload.path();
            let file = self
                .blocking("opening", path.clone(), move |root| {
                    open_for_append(&root.join(path), create)
                })
                .await?;
            Ok(Box::new(LocalUpload(file)) as Box<dyn UploadFile>)
        })
    }

    fn open_upload<'a>(&'a self, upload: &'a UploadName) -> BoxFuture<'a, Result<Content>> {
        let path = upload.path();
        Box::pin(self.blocking("opening", path.clone(), move |root| {
            open_content(&root.join(path))
        }))
    }

    fn publish<'a>(
        &'a self,
        upload: &'a UploadName,
        path: &'a ContentPath,
        size: u64,
        trusted: bool,
    ) -> BoxFuture<'a, Result<()>> {
        let (from, to) = (upload.path(), path.to_string());
        Box::pin(self.blocking("publishing", to.clone(), move |root| {
            publish(&root.join(from), &root.join(to), size, trusted)
        }))
    }

    fn discard<'a>(&'a self, upload: &'a UploadName) -> BoxFuture<'a, Result<()>> {
        let path = upload.path();
        Box::pin(self.blocking("removing", path.clone(), move |root| {
            remove(&root.join(path))
        }))
    }

    fn stale_uploads(
        &self,
        age_seconds: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<UploadName>>> {
        Box::pin(self.blocking("listing", "uploads".to_owned(), move |root| {
            let before = SystemTime::now() - Duration::from_secs(age_seconds);
            let mut stale = Vec::new();
            for entry in fs::read_dir(root.join("uploads"))? {
                let entry = entry?;
                let Some(upload) = entry.file_name().to_str().and_then(UploadName::parse) else {
                    continue;
                };
                if entry.metadata()?.modified()? <= before {
                    stale.push(upload);
                }
                if stale.len() == limit {
                    break;
                }
            }
            Ok(stale)
        }))
    }

    fn is_published<'a>(&'a self, upload: &'a UploadName) -> BoxFuture<'a, Result<bool>> {
        let path = upload.path();
        Box::pin(self.blocking("reading", path.clone(), move |root| {
            Ok(fs::metadata(root.join(path))?.nlink() > 1)
        }))
    }

    fn open<'a>(&'a self, path: &'a ContentPath) -> BoxFuture<'a, Result<Content>> {
        let path = path.to_string();
        Box::pin(self.blocking("opening", path.clone(), move |root| {
            open_content(&root.join(path))
        }))
    }

    fn delete<'a>(&'a self, path: &'a ContentPath) -> BoxFuture<'a, Result<()>> {
        let path = path.to_string();
        Box::pin(self.blocking("removing", path.clone(), move |root| {
            remove(&root.join(path))
        }))
    }

    fn check(&self) -> BoxFuture<'_, Result<()>> {
        let path = format!("uploads/{}", uuid::Uuid::new_v4());
        Box::pin(self.blocking("checking", path.clone(), move |root| {
            let path = root.join(path);
            let written = b"pierhead";
            fs::write(&path, written)?;
            let mut read = Vec::new();
            let outcome = File::open(&path)
                .and_then(|mut file| file.read_to_end(&mut read))
                .map(|_| read == written);
            fs::remove_file(&path)?;
            if outcome? {
                Ok(())
            } else {
                Err(io::Error::other("what was read is not what was written"))
            }
        }))
    }

    fn disk_space(&self) -> Option<DiskSpace> {
        let stat = rustix::fs::statvfs(&*self.root).ok()?;
        Some(DiskSpace {
            available: stat.f_bavail * stat.f_frsize,
            total: stat.f_blocks * stat.f_frsize,
        })
    }
}

fn open_for_append(path: &Path, create: bool) -> io::Result<File> {
    let file = OpenOptions::new().append(true).create(create).open(path)?;
    // The lock goes with the file: it ends when the file is closed, also by a crash.
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}

fn open_content(path: &Path) -> io::Result<Content> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    Ok(Content::File {
        file: Arc::new(file),
        size,
    })
}

fn publish(from: &Path, to: &Path, size: u64, trusted: bool) -> io::Result<()> {
    let stored = fs::metadata(from)?.len();
    if stored != size {
        return Err(io::Error::other(format!(
            "the upload holds {stored} bytes where {size} were hashed"
        )));
    }
    let folder = to.parent().map(Path::to_owned).unwrap_or_default();
    match fs::hard_link(from, to) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_folders(&folder)?;
            fs::hard_link(from, to)?;
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let present = fs::metadata(to)?;
            let ours = fs::metadata(from)?;
            let same_file = present.ino() == ours.ino() && present.dev() == ours.dev();
            if trusted && present.len() == size && !same_file {
                return Ok(());
            }
            if !same_file {
                replace(from, to)?;
            }
        }
        Err(error) => return Err(error),
    }
    File::open(from)?.sync_all()?;
    File::open(folder)?.sync_all()
}

/// Puts `from` in the place of whatever lies at `to`, in one step, keeping `from`.
fn replace(from: &Path, to: &Path) -> io::Result<()> {
    // Named like an upload, so that the sweep of stale uploads finds what a crash leaves.
    let mut beside = from.as_os_str().to_owned();
    beside.push("-0");
    let beside = PathBuf::from(beside);
    remove(&beside)?;
    fs::hard_link(from, &beside)?;
    fs::rename(&beside, to)
}

/// Makes the two folders of a content path durable: each new one is synced into its parent.
fn make_folders(folder: &Path) -> io::Result<()> {
    let mut missing = Vec::new();
    let mut at = folder;
    while !at.exists() {
        missing.push(at.to_owned());
        match at.parent() {
            Some(parent) => at = parent,
            None => break,
        }
    }
    fs::create_dir_all(folder)?;
    for made in missing {
        if let Some(parent) = made.parent() {
            File::open(parent)?.sync_all()?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
