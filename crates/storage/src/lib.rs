//! The storage room: where the bytes of blobs lie, and how they get there durably.
//!
//! Content lies in *locations* (the ids of `DISTRIBUTED_STORAGE_CONFIG`), each served by a [`Driver`]. Paths inside a location
//! are Quay's, so that an existing folder or bucket is served as it is and can be given back. The room knows bytes, digests
//! and upload names; it knows no repository, no user and no database.

mod driver;
mod error;
mod file_writer;
mod local;
mod path;
mod storage;
mod writer;

pub use driver::{BoxFuture, Content, DiskSpace, Driver, UploadFile};
pub use error::{Error, Result};
pub use file_writer::FileWriter;
pub use local::LocalDriver;
pub use path::{ContentPath, UploadName};
pub use storage::{Location, Storage, StorageCalls};
pub use writer::{OpenUpload, UploadWriter, Written};
