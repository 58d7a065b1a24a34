//! Errors of the database room.

/// What went wrong with a statement or a transaction.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database cannot be reached, or no connection became free in time. Worth trying again.
    #[error("the database is not available: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// A unique index refused the row: somebody else wrote it first.
    #[error("the row exists already: {0}")]
    Duplicate(#[source] sqlx::Error),
    /// Any other failure of a statement.
    #[error("a statement failed: {0}")]
    Statement(#[source] sqlx::Error),
    /// The transaction could not begin, or could not be committed: no room, no disk, a lock that another program holds.
    #[error("the transaction was not committed: {0}")]
    NotCommitted(String),
    /// The writer has stopped, because the process is going down.
    #[error("the database is shutting down")]
    Closed,
}

/// A result of the database room.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Whether the same call may succeed later without any change by the caller.
    pub fn is_unavailable(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_) | Self::NotCommitted(_) | Self::Closed
        )
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) if database.is_unique_violation() => {
                Self::Duplicate(error)
            }
            // PostgreSQL classes 08 (connection), 57P (shutdown), 53 (resources); SQLite BUSY and FULL.
            sqlx::Error::Database(database)
                if database.code().is_some_and(|code| {
                    code.starts_with("08")
                        || code.starts_with("57P")
                        || code.starts_with("53")
                        || code == "5"
                        || code == "13"
                }) =>
            {
                Self::Unavailable(error)
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error),
            _ => Self::Statement(error),
        }
    }
}
