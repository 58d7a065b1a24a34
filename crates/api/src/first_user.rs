//! Whether somebody may make the first user, and how.

use std::time::Duration;

use pierhead_db::queries::users;
use pierhead_db::{Database, Error};

use crate::config::ApiConfig;

/// Longest time a page waits for the database before it is shown without what the database would tell.
const PAGE_LIMIT: Duration = Duration::from_secs(1);

/// How the first user of an empty database is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstUserBy {
    /// `POST /api/v1/user/initialize`.
    Request,
    /// The command line of the server.
    CommandLine,
}

/// Whether there is any account: then nobody makes a first one.
pub(crate) async fn exists(db: &Database) -> Result<bool, Error> {
    users::exists_any(&mut db.read().await?).await
}

/// How to make the first user, if there is none and one can be made. Not knowing is like having one.
pub(crate) async fn wanted(db: &Database, config: &ApiConfig) -> Option<FirstUserBy> {
    if config.read_only || !config.database_auth {
        return None;
    }
    let known = tokio::time::timeout(PAGE_LIMIT, exists(db)).await;
    if !matches!(known, Ok(Ok(false))) {
        return None;
    }
    Some(if config.user_initialize {
        FirstUserBy::Request
    } else {
        FirstUserBy::CommandLine
    })
}
