//! Errors of the storage room.

use std::io;

/// A result of the storage room.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong with stored bytes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The object is not there.
    #[error("{path} does not exist in location {location}")]
    NotFound {
        /// The location's id.
        location: String,
        /// The path inside the location.
        path: String,
    },
    /// No room for more bytes (`ENOSPC`, quota of the file system, or a file size limit).
    #[error("no space is left in location {location} while writing {path}")]
    NoSpace {
        /// The location's id.
        location: String,
        /// The path inside the location.
        path: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Another request is writing to this upload.
    #[error("{path} in location {location} is being written by another request")]
    Busy {
        /// The location's id.
        location: String,
        /// The path inside the location.
        path: String,
    },
    /// Any other failure of the file system or object store.
    #[error("location {location}: {action} {path} failed: {source}")]
    Io {
        /// The location's id.
        location: String,
        /// What was tried.
        action: &'static str,
        /// The path inside the location.
        path: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The configuration names no such location.
    #[error("no storage location is called {0}: DISTRIBUTED_STORAGE_CONFIG does not have it")]
    UnknownLocation(String),
    /// The task that wrote was ended from outside.
    #[error("a storage task was cancelled")]
    Cancelled,
}

impl Error {
    pub(crate) fn io(location: &str, action: &'static str, path: &str, source: io::Error) -> Self {
        let (location, path) = (location.to_owned(), path.to_owned());
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { location, path },
            io::ErrorKind::WouldBlock => Self::Busy { location, path },
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::NoSpace {
                location,
                path,
                source,
            },
            _ => Self::Io {
                location,
                action,
                path,
                source,
            },
        }
    }
}
