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

    /// Whether a value cannot be stored whatever else is in the database: a text that is too long, or has U+0000.
    pub fn refuses_data(&self) -> bool {
        match self {
            Self::Statement(sqlx::Error::Encode(_)) => true,
            Self::Statement(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| code.starts_with("22"))
            }
            _ => false,
        }
    }

    /// Whether the database refuses the values themselves, so that the same statement never succeeds: a text that is too
    /// long, bytes that are no text, a foreign key without its row.
    pub fn refuses_values(&self) -> bool {
        match self {
            Self::Duplicate(_) | Self::Statement(sqlx::Error::Encode(_)) => true,
            Self::Statement(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| is_about_values(&code))
            }
            _ => false,
        }
    }
}

/// PostgreSQL classes 22 (data) and 23 (integrity); SQLite TOOBIG, CONSTRAINT and MISMATCH with any extension.
fn is_about_values(code: &str) -> bool {
    match code.parse::<u32>() {
        Ok(sqlite) if code.len() < 5 => matches!(sqlite & 0xff, 18..=20),
        _ => code.starts_with("22") || code.starts_with("23"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_refused_values_are_told_from_others() {
        for refused in ["22001", "22021", "23503", "787", "1299", "19", "18"] {
            assert!(is_about_values(refused), "{refused}");
        }
        // No such table, busy, full, I/O; a shut down server, a missing table.
        for other in ["1", "5", "13", "10", "266", "57P01", "42P01", "08006"] {
            assert!(!is_about_values(other), "{other}");
        }
    }
}
