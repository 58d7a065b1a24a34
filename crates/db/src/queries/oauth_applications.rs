//! `oauthapplication` and `oauthaccesstoken`, as far as the first user of a database needs them.

use chrono::NaiveDateTime;

use crate::statement::{execute, fetch_one, statements};
use crate::{Conn, Result, UserId};

/// An application to insert. It has no address of its own.
#[derive(Clone, Debug)]
pub struct NewApplication<'a> {
    /// Public.
    pub client_id: &'a str,
    /// The person or organization it belongs to.
    pub owner: UserId,
    /// For people.
    pub name: &'a str,
    /// For people.
    pub description: &'a str,
    /// Encrypted.
    pub secure_client_secret: &'a str,
}

/// An access token to insert.
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
    /// The first 20 characters.
    pub token_name: &'a str,
    /// bcrypt of the other 20 characters.
    pub token_code: &'a str,
    /// Now, in UTC.
    pub created: NaiveDateTime,
}

statements! {
    INSERT_APPLICATION = "INSERT INTO oauthapplication (client_id, redirect_uri, application_uri, organization_id, name,
            description, secure_client_secret, fully_migrated)
        VALUES ($1, '', '', $2, $3, $4, $5, false) RETURNING id";
    INSERT_ACCESS_TOKEN = "INSERT INTO oauthaccesstoken (uuid, application_id, authorized_user_id, scope, token_type,
            expires_at, data, token_code, token_name, created)
        VALUES ($1, $2, $3, $4, $5, $6, '', $7, $8, $9)";
}

/// Inserts an application; returns its id.
pub async fn insert_application(conn: &mut Conn, new: &NewApplication<'_>) -> Result<i32> {
    let (id,): (i32,) = fetch_one!(
        conn,
        INSERT_APPLICATION,
        new.client_id,
        new.owner,
        new.name,
        new.description,
        new.secure_client_secret,
    )?;
    Ok(id)
}

/// Inserts an access token.
pub async fn insert_access_token(conn: &mut Conn, new: &NewAccessToken<'_>) -> Result<u64> {
    execute!(
        conn,
        INSERT_ACCESS_TOKEN,
        new.uuid,
        new.application,
        new.user,
        new.scope,
        new.token_type,
        new.expires_at,
        new.token_code,
        new.token_name,
        new.created,
    )
}
