//! Finding the person or organization that owns repositories.

use pierhead_auth::accounts::Account;
use pierhead_db::Conn;
use pierhead_db::queries::users;

use crate::error::{Error, Result};

/// The person or organization of that name.
///
/// # Errors
/// 404 when there is none.
pub(crate) async fn find(conn: &mut Conn, name: &str) -> Result<Account> {
    users::find(conn, name)
        .await?
        .filter(|account| !account.robot)
        .ok_or_else(Error::not_found)
}

/// The organization of that name.
///
/// # Errors
/// 404 when there is none.
pub(crate) async fn find_organization(conn: &mut Conn, name: &str) -> Result<Account> {
    users::find(conn, name)
        .await?
        .filter(|account| account.organization)
        .ok_or_else(Error::not_found)
}
