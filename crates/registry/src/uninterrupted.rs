//! Changes that end although the client has gone.
//!
//! When a client closes its connection, the future that answers it is dropped wherever it waits. A change that is under way
//! must not be left there: its commit may still come (SQLite's writer ends what it was given), and then nobody would tell
//! the caches, which on SQLite believe what they hold until they are told. The same is true of what is made at another server
//! and noted here.

use crate::error::Error;

/// Runs a change to its end, whether or not the caller stays to see it.
///
/// # Errors
/// Those of the change; that the database gave no answer if it could not end.
pub async fn uninterrupted<T, E>(
    change: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    tokio::spawn(change)
        .await
        .map_err(|_| Error::from(pierhead_storage::Error::Cancelled))?
}
