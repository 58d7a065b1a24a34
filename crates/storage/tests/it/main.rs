//! What every storage driver must do, and what the local one does when the file system fails.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod conformance;
mod local;
