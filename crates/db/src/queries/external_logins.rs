//! Who people are at identity providers (`federatedlogin`), and the names that are free for people who come from there.

use crate::statement::{execute, fetch_all_of, fetch_optional, padded, placeholders, statements};
use crate::{Conn, Result, UserId};

statements! {
    FIND = "SELECT federatedlogin.user_id FROM federatedlogin
            JOIN loginservice ON loginservice.id = federatedlogin.service_id
        WHERE loginservice.name = $1 AND federatedlogin.service_ident = $2";
    ADD_SERVICE = "INSERT INTO loginservice (name) VALUES ($1) ON CONFLICT DO NOTHING";
    INSERT = "INSERT INTO federatedlogin (user_id, service_id, service_ident, metadata_json)
        VALUES ($1, (SELECT id FROM loginservice WHERE name = $2), $3, $4) ON CONFLICT DO NOTHING";
}

/// The account that an identity at a service (`loginservice.name`) is linked to.
pub async fn find(conn: &mut Conn, service: &str, ident: &str) -> Result<Option<UserId>> {
    let row: Option<(UserId,)> = fetch_optional!(conn, FIND, service, ident)?;
    Ok(row.map(|(user,)| user))
}

/// Makes a service known; 0 when it is.
pub async fn add_service(conn: &mut Conn, service: &str) -> Result<u64> {
    execute!(conn, ADD_SERVICE, service)
}

/// Links an account to an identity at a service that is known; 0 when the identity is linked already, or the account to
/// another identity there.
pub async fn insert(
    conn: &mut Conn,
    user: UserId,
    service: &str,
    ident: &str,
    metadata_json: &str,
) -> Result<u64> {
    execute!(conn, INSERT, user, service, ident, metadata_json)
}

/// Those of these names that somebody has, or that are still being deleted.
pub async fn taken(conn: &mut Conn, names: &[String]) -> Result<Vec<String>> {
    let Some(last) = names.last() else {
        return Ok(Vec::new());
    };
    let names_of = placeholders(1, names.len());
    let sql = format!(
        r#"SELECT username FROM "user" WHERE username IN {names_of}
        UNION SELECT original_username FROM deletednamespace WHERE original_username IN {names_of}"#
    );
    let values = names
        .iter()
        .chain(std::iter::repeat(last))
        .take(padded(names.len()));
    let rows: Vec<(String,)> = fetch_all_of!(conn, sqlx::AssertSqlSafe(sql.as_str()), [], values)?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}
