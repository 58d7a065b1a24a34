//! Poolers between Pierhead and PostgreSQL, such as pgBouncer in transaction mode.
//!
//! Such a pooler lends a connection to the server for one transaction. A statement that was prepared under a name is then at
//! one server, and the next use of that name may meet another: at best it is unknown there, at worst it is another
//! client's statement. So behind a pooler nothing is prepared under a name, and a statement that stands alone gets a
//! transaction, in which its two halves (parse, then bind and execute) meet the same server. That costs round trips:
//! a read of one statement takes 4 (begin, parse, execute, rollback) instead of 1, each further one 2 instead of 1.
//!
//! Whether a pooler is there is asked once, by a setting that names one session: a server keeps it for the session, a pooler
//! refuses or drops it, because sessions with different settings cannot share a server. pgBouncer 1.18 refuses it, and
//! drops it if `options` is among its `ignore_startup_parameters`. A pooler in session mode counts as one too, which
//! costs time but is never wrong.

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::encoding::random;
use crate::error::{Error, Result};

/// A setting that no server knows and every server accepts, as it does all with a dot in the name.
const SETTING: &str = "pierhead.session";
const SHOW: &str = "SELECT current_setting('pierhead.session', true)";
/// The class of protocol violations, which is how poolers refuse a parameter.
const PROTOCOL_VIOLATION: &str = "08P01";

/// Whether what listens at the address of a database is not the server itself.
pub(crate) async fn stands_before(options: &PgConnectOptions) -> Result<bool> {
    let session = random::token(16)
        .map_err(|error| Error::Unavailable(sqlx::Error::Configuration(Box::new(error))))?;
    let marked = options
        .clone()
        .disable_statement_logging()
        .options([(SETTING, &session)]);
    let mut conn: PgConnection = match marked.connect().await {
        Ok(conn) => conn,
        Err(sqlx::Error::Database(error))
            if error.code().as_deref() == Some(PROTOCOL_VIOLATION) =>
        {
            return Ok(true);
        }
        Err(error) => return Err(Error::Unavailable(error)),
    };
    let kept = sqlx::raw_sql(SHOW).fetch_one(&mut conn).await;
    let kept: Option<String> = kept
        .and_then(|row| sqlx::Row::try_get(&row, 0))
        .map_err(Error::Unavailable)?;
    // The answer is known; whether the server hears the farewell changes nothing.
    let _ = conn.close().await;
    Ok(kept.as_deref() != Some(session.as_str()))
}
