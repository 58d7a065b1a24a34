//! Background work on a real database and a real folder.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod audit;
mod log_export;
mod pull_counts;
mod site;
mod upload_cleanup;
