//! Whether somebody may make the first user, and how.

use pierhead_db::queries::users;
use pierhead_db::{Database, Error};

use crate::config::ApiConfig;

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
    // A page is shown without what the database would tell rather than late.
    let known = tokio::time::timeout(config.health.check_limit, exists(db)).await;
    if !matches!(known, Ok(Ok(false))) {
        return None;
    }
    Some(if config.user_initialize {
        FirstUserBy::Request
    } else {
        FirstUserBy::CommandLine
    })
}
