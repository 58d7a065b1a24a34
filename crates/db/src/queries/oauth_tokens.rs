//! `oauthaccesstoken`: tokens for the API, each of an application and with the rights of a person, capped by scopes.

use chrono::NaiveDateTime;

use super::oauth_applications::{Application, application_columns};
use crate::statement::{execute, fetch_all, fetch_one, fetch_optional, statements};
use crate::{Conn, Result, UserId};

/// A token to insert.
#[derive(Clone, Debug)]
pub struct NewAccessToken<'a> {
    /// A new uuid4.
    pub uuid: &'a str,
    /// `oauthapplication.id`.
    pub application: i32,
    /// Whose rights it has.
    pub user: UserId,
    /// Names of scopes, separated by spaces.
    pub scope: &'a str,
    /// `token`, or `Bearer` for tokens made in other ways.
    pub token_type: &'a str,
    /// When it ends, in UTC.
    pub expires_at: NaiveDateTime,
    /// What there is to say about its origin, as JSON or empty.
    pub data: &'a str,
    /// The first 20 characters.
    pub token_name: &'a str,
    /// bcrypt of the other 20 characters.
    pub token_code: &'a str,
    /// How people name it.
    pub display_name: Option<&'a str>,
    /// Now, in UTC.
    pub created: NaiveDateTime,
}

/// A token in the list of its application, without the secret.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ApplicationToken {
    /// `oauthaccesstoken.id`, by which lists are paged.
    pub id: i32,
    /// How it is named to be revoked.
    pub uuid: String,
    /// How people name it; older tokens have no name.
    pub display_name: Option<String>,
    /// Names of scopes.
    pub scope: String,
    /// When it ends, in UTC.
    pub expires_at: NaiveDateTime,
    /// When it was made, in UTC; unknown for older tokens.
    pub created: Option<NaiveDateTime>,
    /// When it was last used, in UTC.
    pub last_accessed: Option<NaiveDateTime>,
    /// Whose rights it has.
    pub username: Option<String>,
}

/// A token in the list of its person, with its application.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Authorization {
    /// How it is named to be revoked.
    pub token_uuid: String,
    /// Names of scopes.
    pub scope: String,
    /// The application.
    #[sqlx(flatten)]
    pub application: Application,
}

/// A token with its application and its person, for the audit log.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct TokenOrigin {
    /// `oauthaccesstoken.id`.
    pub id: i32,
    /// The application's name.
    pub application: String,
    /// The application's client id.
    pub client_id: String,
    /// Whose application it is.
    pub owner: UserId,
    /// Whose rights the token has.
    pub user: UserId,
    /// That one's name.
    pub username: String,
}

macro_rules! select_authorization {
    ($condition:literal) => {
        concat!(
            "SELECT token.uuid AS token_uuid, token.scope, ",
            application_columns!(),
            r#" FROM oauthaccesstoken token JOIN oauthapplication application ON application.id = token.application_id
                JOIN "user" owner ON owner.id = application.organization_id WHERE "#,
            $condition
        )
    };
}

statements! {
    INSERT = "INSERT INTO oauthaccesstoken (uuid, application_id, authorized_user_id, scope, token_type,
            expires_at, data, token_code, token_name, display_name, created)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id";
    LIST_OF_APPLICATION = r#"SELECT token.id, token.uuid, token.display_name, token.scope, token.expires_at, token.created,
            token.last_accessed, "user".username
        FROM oauthaccesstoken token LEFT JOIN "user" ON "user".id = token.authorized_user_id
        WHERE token.application_id = $1 AND token.expires_at > $2 AND token.id <= $3
        ORDER BY token.id DESC LIMIT $4"#;
    COUNT_ACTIVE = "SELECT COUNT(*) FROM oauthaccesstoken WHERE application_id = $1 AND expires_at > $2";
    DELETE_OF_APPLICATION = "DELETE FROM oauthaccesstoken WHERE uuid = $2 AND application_id = $1
        RETURNING authorized_user_id";
    ORIGIN = r#"SELECT token.id, application.name AS application, application.client_id, application.organization_id AS owner,
            "user".id AS "user", "user".username
        FROM oauthaccesstoken token JOIN oauthapplication application ON application.id = token.application_id
            JOIN "user" ON "user".id = token.authorized_user_id
        WHERE token.token_name = $1"#;
    LIST_OF_USER = select_authorization!("token.authorized_user_id = $1 ORDER BY token.id");
    FIND_OF_USER = select_authorization!("token.uuid = $2 AND token.authorized_user_id = $1");
    DELETE_OF_USER = "DELETE FROM oauthaccesstoken WHERE uuid = $2 AND authorized_user_id = $1";
    GRANTED_SCOPES = "SELECT scope FROM oauthaccesstoken
        WHERE application_id = $1 AND authorized_user_id = $2 AND expires_at > $3";
    DELETE = "DELETE FROM oauthaccesstoken WHERE id = $1";
}

/// Inserts a token; returns its id.
pub async fn insert(conn: &mut Conn, new: &NewAccessToken<'_>) -> Result<i32> {
    let (id,): (i32,) = fetch_one!(
        conn,
        INSERT,
        new.uuid,
        new.application,
        new.user,
        new.scope,
        new.token_type,
        new.expires_at,
        new.data,
        new.token_code,
        new.token_name,
        new.display_name,
        new.created,
    )?;
    Ok(id)
}

/// Tokens of an application that have not ended at `now`, newest first, from an id on.
pub async fn list_of_application(
    conn: &mut Conn,
    application: i32,
    now: NaiveDateTime,
    from: i32,
    limit: i64,
) -> Result<Vec<ApplicationToken>> {
    fetch_all!(conn, LIST_OF_APPLICATION, application, now, from, limit)
}

/// How many tokens of an application have not ended at `now`.
pub async fn count_active(conn: &mut Conn, application: i32, now: NaiveDateTime) -> Result<i64> {
    let (count,): (i64,) = fetch_one!(conn, COUNT_ACTIVE, application, now)?;
    Ok(count)
}

/// Revokes a token of an application; returns whose it was.
pub async fn delete_of_application(
    conn: &mut Conn,
    application: i32,
    uuid: &str,
) -> Result<Option<UserId>> {
    let row: Option<(UserId,)> = fetch_optional!(conn, DELETE_OF_APPLICATION, application, uuid)?;
    Ok(row.map(|(user,)| user))
}

/// What a token is of, by its first 20 characters.
pub async fn origin(conn: &mut Conn, token_name: &str) -> Result<Option<TokenOrigin>> {
    fetch_optional!(conn, ORIGIN, token_name)
}

/// Every token of a person, with its application, oldest first.
pub async fn list_of_user(conn: &mut Conn, user: UserId) -> Result<Vec<Authorization>> {
    fetch_all!(conn, LIST_OF_USER, user)
}

/// A token of a person, with its application.
pub async fn find_of_user(
    conn: &mut Conn,
    user: UserId,
    uuid: &str,
) -> Result<Option<Authorization>> {
    fetch_optional!(conn, FIND_OF_USER, user, uuid)
}

/// Revokes a token of a person; 0 when there is none.
pub async fn delete_of_user(conn: &mut Conn, user: UserId, uuid: &str) -> Result<u64> {
    execute!(conn, DELETE_OF_USER, user, uuid)
}

/// The scopes of every token that a person gave to an application and that has not ended at `now`.
pub async fn granted_scopes(
    conn: &mut Conn,
    application: i32,
    user: UserId,
    now: NaiveDateTime,
) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = fetch_all!(conn, GRANTED_SCOPES, application, user, now)?;
    Ok(rows.into_iter().map(|(scope,)| scope).collect())
}

/// Revokes a token.
pub async fn delete(conn: &mut Conn, id: i32) -> Result<u64> {
    execute!(conn, DELETE, id)
}
