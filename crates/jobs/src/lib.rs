//! Background work: what must happen although no request asks for it.
//!
//! A worker runs until its [`CancellationToken`] is cancelled, says what it does in the log, and survives failures of the
//! parts it needs by trying again later.

pub mod audit;
pub mod json_template;
pub mod log_export;
pub mod pull_counts;
pub mod row_counts;
pub mod upload_cleanup;

pub use tokio_util::sync::CancellationToken;
pub use tokio_util::task::TaskTracker;
