//! Which addresses stand for which part of a file, per connection.
//!
//! A file body that is polled for a connection that can `sendfile` registers its mapping here, and the
//! socket of that connection looks the slices it is given up. The body learns of the connection through
//! a thread-local that is set exactly while the connection polls the body ([`SendfileRanges::enter`]): a
//! body polled by anything else (a test, TLS, HTTP/2) finds nothing and reads the file instead, so a
//! handler does not need to know where its answer goes.

use std::cell::Cell;
use std::fs::File;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

thread_local! {
    static CURRENT: Cell<Option<Arc<SendfileRanges>>> = const { Cell::new(None) };
}

/// The file ranges that are on their way out on one connection: one, or a few when answers are pipelined.
#[derive(Debug, Default)]
pub(crate) struct SendfileRanges {
    /// Number of entries, so that a connection without file bodies pays one load per write.
    count: AtomicUsize,
    entries: Mutex<Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    start: usize,
    length: usize,
    file: Arc<File>,
    offset: u64,
}

/// Where the bytes at an address are: `file` from `offset`.
#[derive(Debug)]
pub(crate) struct FilePart {
    pub(crate) file: Arc<File>,
    pub(crate) offset: u64,
}

impl SendfileRanges {
    /// Runs `poll` with this connection visible to the file bodies inside.
    ///
    /// The `Arc` is moved in and out: no reference count is touched.
    pub(crate) fn enter<T>(this: &mut Option<Arc<Self>>, poll: impl FnOnce() -> T) -> T {
        struct Restore<'a>(
            &'a mut Option<Arc<SendfileRanges>>,
            Option<Arc<SendfileRanges>>,
        );
        impl Drop for Restore<'_> {
            fn drop(&mut self) {
                *self.0 = CURRENT.replace(self.1.take());
            }
        }
        let outer = CURRENT.replace(this.take());
        let _restore = Restore(this, outer);
        poll()
    }

    /// The connection that is polling, if it can `sendfile`.
    pub(super) fn current() -> Option<Arc<Self>> {
        let current = CURRENT.take();
        let copy = current.clone();
        CURRENT.set(current);
        copy
    }

    /// Whether no file is on its way.
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    pub(super) fn register(&self, range: &[u8], file: Arc<File>, offset: u64) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push(Entry {
            start: range.as_ptr() as usize,
            length: range.len(),
            file,
            offset,
        });
        self.count.store(entries.len(), Ordering::Release);
    }

    pub(super) fn remove(&self, range: &[u8]) {
        let start = range.as_ptr() as usize;
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| entry.start != start);
        self.count.store(entries.len(), Ordering::Release);
    }

    /// What `bytes` stand for, when all of them lie inside one registered range.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<FilePart> {
        let address = bytes.as_ptr() as usize;
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().find_map(|entry| {
            let into = address.checked_sub(entry.start)?;
            (into < entry.length && bytes.len() <= entry.length - into).then(|| FilePart {
                file: entry.file.clone(),
                offset: entry.offset + into as u64,
            })
        })
    }
}
