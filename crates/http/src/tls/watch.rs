//! Says at once that files of a folder may have changed.
//!
//! Linux tells of changes in a folder (inotify): a file that was written and closed, moved or removed, and a symbolic link that
//! was replaced, which is how Kubernetes swaps the files of a mounted secret. Where the kernel cannot tell (network file systems,
//! too many watches) nothing is said, so whoever relies on it also looks from time to time.

use std::io;
use std::path::Path;

use futures_util::{FutureExt as _, StreamExt as _};
use inotify::{EventStream, Inotify, WatchMask};

/// What may give a file a new content.
const CHANGES: WatchMask = WatchMask::CLOSE_WRITE
    .union(WatchMask::MOVED_TO)
    .union(WatchMask::CREATE)
    .union(WatchMask::DELETE);
/// Bytes of events that are read at once.
const BUFFER: usize = 4096;

/// The folders that are watched.
pub(super) struct Watch(Option<EventStream<[u8; BUFFER]>>);

impl Watch {
    /// Watches the folders of these files. What cannot be watched is told once.
    pub(super) fn beside(files: &[&Path]) -> Self {
        Self(Self::open(files).map_err(|error| give_up(&error)).ok())
    }

    fn open(files: &[&Path]) -> io::Result<EventStream<[u8; BUFFER]>> {
        let inotify = Inotify::init()?;
        for file in files {
            let folder = match file.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder,
                _ => Path::new("."),
            };
            inotify.watches().add(folder, CHANGES)?;
        }
        inotify.into_event_stream([0; BUFFER])
    }

    /// Waits until something has changed; for ever if nothing can be watched. Which file it was does not matter: whoever waits
    /// looks at all of them.
    pub(super) async fn changed(&mut self) {
        let Some(events) = &mut self.0 else {
            return std::future::pending().await;
        };
        match events.next().await {
            Some(Ok(_)) => self.forget(),
            Some(Err(error)) => {
                give_up(&error);
                self.0 = None;
            }
            None => self.0 = None,
        }
    }

    /// Forgets the changes that were told meanwhile.
    pub(super) fn forget(&mut self) {
        if let Some(events) = &mut self.0 {
            while let Some(Some(Ok(_))) = events.next().now_or_never() {}
        }
    }
}

fn give_up(error: &io::Error) {
    tracing::warn!(%error, "changes of the certificate files are only seen when they are looked at next");
}
