//! The subcommands. Each takes its parsed arguments and what it works on, and leaves opening that to its caller.

pub(crate) mod config;
pub(crate) mod org;
pub(crate) mod output;
pub(crate) mod password;
pub(crate) mod repo;
pub(crate) mod robot;
pub(crate) mod user;

use chrono::{NaiveDateTime, SecondsFormat};
use pierhead_auth::accounts::AccountsError;

/// How many rows of a list are read at once.
const PAGE: u32 = 500;

/// Why a subcommand failed. Its message goes to standard error, and the process ends with 1; wrong usage, which ends it
/// with 2, is found by the argument parser before anything runs.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The change was refused or failed.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// A password could not be read.
    #[error("the password cannot be read from {from}: {reason}")]
    Password {
        /// Standard input or a file.
        from: String,
        /// What is wrong.
        reason: String,
    },
    /// The result could not be written.
    #[error("the result cannot be written: {0}")]
    Output(#[from] std::io::Error),
}

/// A stored time for output: UTC, RFC 3339, whole seconds.
fn time(stored: Option<NaiveDateTime>) -> Option<String> {
    stored.map(|time| time.and_utc().to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// An address for output. Where there is none, the column holds a uuid4.
fn address(stored: &str) -> Option<&str> {
    stored.contains('@').then_some(stored)
}

#[cfg(test)]
mod testing;
