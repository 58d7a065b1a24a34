//! `LocalStorage`: a folder, laid out as Quay's.
//!
//! Publishing links the upload's file under its digest and then syncs file and folder: the database row that makes content
//! readable is written only afterwards. The upload keeps its own name until the row is there, so that a crash in between
//! leaves an upload that leads to the unowned content.
//!
//! Two names of one file are a danger: whoever appends to the upload would change the content. So a lock on an upload holds
//! only if the file still has the upload's name, and a file that has another name too is copied before it is written to.
//! Publishing holds a shared lock on the folder of the content, taking back an exclusive one, so that what is taken back
//! is never what somebody else published meanwhile.

use std::collections::HashSet;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, IoSlice, Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use rustix::fs::{FlockOperation, flock};

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
    /// Folders of content whose own entries are known to be on the disk; at most 257 for each algorithm.
    durable: Arc<Mutex<HashSet<PathBuf>>>,
}

impl LocalDriver {
    /// Opens the folder (`storage_path` of the configuration), making it and its `uploads` folder if they are missing.
    pub fn open(location: &str, root: &Path) -> Result<Self> {
        let driver = Self {
            location: location.into(),
            root: root.into(),
            durable: Arc::default(),
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

struct LocalUpload {
    file: File,
    path: PathBuf,
    /// Whether the file is also published content.
    published: bool,
}

impl LocalUpload {
    fn open(path: PathBuf, create: bool) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(create)
            .open(&path)?;
        // The lock goes with the file: it ends when the file is closed, also by a crash.
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        let opened = file.metadata()?;
        if !is_same(&opened, &fs::metadata(&path)?) {
            // It was replaced between opening and locking.
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Self {
            file,
            path,
            published: opened.nlink() > 1,
        })
    }

    /// Leaves the file to the content that was published from it, and goes on in a copy.
    fn part_from_content(&mut self) -> io::Result<()> {
        if !self.published {
            return Ok(());
        }
        let beside = beside(&self.path);
        remove(&beside)?;
        let mut copy = OpenOptions::new()
            .read(true)
            .append(true)
            .create_new(true)
            .open(&beside)?;
        flock(&copy, FlockOperation::NonBlockingLockExclusive)?;
        self.file.rewind()?;
        io::copy(&mut self.file, &mut copy)?;
        fs::rename(&beside, &self.path)?;
        self.file = copy;
        self.published = false;
        Ok(())
    }
}

impl UploadFile for LocalUpload {
    fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn truncate(&mut self, size: u64) -> io::Result<()> {
        self.part_from_content()?;
        self.file.set_len(size)
    }

    fn append(&mut self, pieces: &[Bytes]) -> io::Result<()> {
        self.part_from_content()?;
        for batch in pieces.chunks(PIECES_PER_WRITE) {
            let mut slices: Vec<IoSlice<'_>> =
                batch.iter().map(|piece| IoSlice::new(piece)).collect();
            let mut rest = slices.as_mut_slice();
            while !rest.is_empty() {
                match self.file.write_vectored(rest) {
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
            let upload = self
                .blocking("opening", path.clone(), move |root| {
                    LocalUpload::open(root.join(path), create)
                })
                .await?;
            Ok(Box::new(upload) as Box<dyn UploadFile>)
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
        let driver = self.clone();
        Box::pin(self.blocking("publishing", to.clone(), move |root| {
            driver.publish_file(&root.join(from), &root.join(to), size, trusted)
        }))
    }

    fn unpublish<'a>(
        &'a self,
        upload: &'a UploadName,
        path: &'a ContentPath,
    ) -> BoxFuture<'a, Result<bool>> {
        let (from, to) = (upload.path(), path.to_string());
        Box::pin(self.blocking("removing", to.clone(), move |root| {
            unpublish_file(&root.join(from), &root.join(to))
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
            let mut read = Vec::new();
            let outcome =
                fs::write(&path, written).and_then(|()| File::open(&path)?.read_to_end(&mut read));
            remove(&path)?;
            outcome?;
            if read == written {
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

fn open_content(path: &Path) -> io::Result<Content> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    Ok(Content::File {
        file: Arc::new(file),
        size,
    })
}

impl LocalDriver {
    fn publish_file(&self, from: &Path, to: &Path, size: u64, trusted: bool) -> io::Result<()> {
        let ours = fs::metadata(from)?;
        if ours.len() != size {
            return Err(io::Error::other(format!(
                "the upload holds {} bytes where {size} were hashed",
                ours.len()
            )));
        }
        let folder = to.parent().map(Path::to_owned).unwrap_or_default();
        let folder = self.durable_folder(&folder)?;
        flock(&folder, FlockOperation::LockShared)?;
        match fs::hard_link(from, to) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let present = fs::metadata(to)?;
                if !is_same(&present, &ours) {
                    if trusted && present.len() == size {
                        return Ok(());
                    }
                    replace(from, to)?;
                }
            }
            Err(error) => return Err(error),
        }
        File::open(from)?.sync_all()?;
        folder.sync_all()
    }

    /// Opens a folder below the root, made if it is missing, whose entry in its parent is on the disk: also when another
    /// request made it and has not synced the parent yet.
    fn durable_folder(&self, folder: &Path) -> io::Result<File> {
        let known = |folder: &Path| {
            let durable = self.durable.lock();
            durable
                .unwrap_or_else(PoisonError::into_inner)
                .contains(folder)
        };
        match File::open(folder) {
            Ok(opened) if folder == &*self.root || known(folder) => return Ok(opened),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let parent = folder
            .parent()
            .filter(|_| folder.starts_with(&self.root))
            .ok_or(io::ErrorKind::NotFound)?;
        let parent = self.durable_folder(parent)?;
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => parent.sync_all()?,
        }
        self.durable
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(folder.to_owned());
        File::open(folder)
    }
}

fn unpublish_file(from: &Path, to: &Path) -> io::Result<bool> {
    let folder = to.parent().map(Path::to_owned).unwrap_or_default();
    let folder = match File::open(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        folder => folder?,
    };
    flock(&folder, FlockOperation::LockExclusive)?;
    let same = match (fs::metadata(from), fs::metadata(to)) {
        (Ok(ours), Ok(present)) => is_same(&ours, &present),
        (Err(error), _) | (_, Err(error)) if error.kind() == io::ErrorKind::NotFound => false,
        (Err(error), _) | (_, Err(error)) => return Err(error),
    };
    if same {
        fs::remove_file(to)?;
    }
    Ok(same)
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// A second name for an upload while it is replaced: like an upload's, so that the sweep of stale uploads finds what a
/// crash leaves.
fn beside(upload: &Path) -> PathBuf {
    let mut name = upload.as_os_str().to_owned();
    name.push("-0");
    name.into()
}

/// Puts `from` in the place of whatever lies at `to`, in one step, keeping `from`.
fn replace(from: &Path, to: &Path) -> io::Result<()> {
    // Another instance may have a row for what lies there by now: what takes its place must be whole on the disk first.
    File::open(from)?.sync_all()?;
    let beside = beside(from);
    remove(&beside)?;
    fs::hard_link(from, &beside)?;
    fs::rename(&beside, to)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
