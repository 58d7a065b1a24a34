//! `oauthapplication`: programs that may ask for tokens, each owned by an organization (or, for automation, a person).

use chrono::NaiveDateTime;

use crate::statement::{execute, fetch_all, fetch_one, fetch_optional, statements};
use crate::{Conn, Result, UserId};

/// An application to insert.
#[derive(Clone, Debug, Default)]
pub struct NewApplication<'a> {
    /// Public.
    pub client_id: &'a str,
    /// For people.
    pub name: &'a str,
    /// For people.
    pub description: &'a str,
    /// Where browsers are sent with a token; empty for none.
    pub redirect_uri: &'a str,
    /// Its home page; empty for none.
    pub application_uri: &'a str,
    /// The address whose avatar it shows.
    pub avatar_email: Option<&'a str>,
    /// Encrypted.
    pub secure_client_secret: &'a str,
}

/// An application with its owner.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Application {
    /// `oauthapplication.id`.
    pub id: i32,
    /// Public.
    pub client_id: String,
    /// For people.
    pub name: String,
    /// For people.
    pub description: String,
    /// Where browsers are sent with a token; empty for none.
    pub redirect_uri: String,
    /// Its home page; empty for none.
    pub application_uri: String,
    /// The address whose avatar it shows.
    pub avatar_email: Option<String>,
    /// Encrypted; missing in rows of very old versions.
    pub secure_client_secret: Option<String>,
    /// The organization that owns it.
    pub owner_id: UserId,
    /// Its name.
    pub owner: String,
    /// Its address, or a uuid4 where there is none.
    pub owner_email: String,
}

/// An application of that name, with one of its tokens.
#[derive(Clone, sqlx::FromRow)]
pub struct NamedApplicationToken {
    /// `oauthapplication.id`.
    pub application: i32,
    /// Its owner.
    pub owner: UserId,
    /// `oauthaccesstoken.id`.
    pub token: i32,
    /// Whose rights the token has.
    pub user: UserId,
    /// What is recorded about it, as JSON.
    pub data: String,
    /// The part of it that is not secret.
    pub token_name: String,
    /// bcrypt of the rest.
    pub token_code: String,
    /// When it ends, UTC.
    pub expires_at: NaiveDateTime,
}

/// The columns of [`Application`], for joins that bring `application` and its `owner`.
macro_rules! application_columns {
    () => {
        "application.id, application.client_id, application.name, application.description, application.redirect_uri,
            application.application_uri, application.gravatar_email AS avatar_email, application.secure_client_secret,
            owner.id AS owner_id, owner.username AS owner, owner.email AS owner_email"
    };
}

macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            application_columns!(),
            r#" FROM oauthapplication application JOIN "user" owner ON owner.id = application.organization_id WHERE "#,
            $condition
        )
    };
}

statements! {
    INSERT = "INSERT INTO oauthapplication (client_id, redirect_uri, application_uri, organization_id, name,
            description, gravatar_email, secure_client_secret, fully_migrated)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, false) RETURNING id";
    LIST = select!("application.organization_id = $1 ORDER BY application.id");
    FIND = select!("application.client_id = $2 AND application.organization_id = $1 ORDER BY application.id LIMIT 1");
    BY_CLIENT_ID = select!("application.client_id = $1 ORDER BY application.id LIMIT 1");
    UPDATE = "UPDATE oauthapplication SET name = $2, description = $3, redirect_uri = $4, application_uri = $5,
        gravatar_email = $6 WHERE id = $1";
    SET_SECRET = "UPDATE oauthapplication SET secure_client_secret = $2 WHERE id = $1";
    LOCK = "UPDATE oauthapplication SET fully_migrated = fully_migrated WHERE id = $1";
    DELETE_ASSIGNMENTS = "DELETE FROM oauthassignedtoken WHERE application_id = $1";
    DELETE_CODES = "DELETE FROM oauthauthorizationcode WHERE application_id = $1";
    DELETE_TOKENS = "DELETE FROM oauthaccesstoken WHERE application_id = $1 RETURNING authorized_user_id";
    DELETE = "DELETE FROM oauthapplication WHERE id = $1";
    TOKENS_OF_NAMED = "SELECT application.id AS application, application.organization_id AS owner, token.id AS token,
            token.authorized_user_id AS \"user\", token.data, token.token_name, token.token_code,
            token.expires_at
        FROM oauthapplication application JOIN oauthaccesstoken token ON token.application_id = application.id
        WHERE application.name = $1 ORDER BY application.id DESC, token.id";
}

/// Inserts an application; returns its id.
pub async fn insert(conn: &mut Conn, owner: UserId, new: &NewApplication<'_>) -> Result<i32> {
    let (id,): (i32,) = fetch_one!(
        conn,
        INSERT,
        new.client_id,
        new.redirect_uri,
        new.application_uri,
        owner,
        new.name,
        new.description,
        new.avatar_email,
        new.secure_client_secret,
    )?;
    Ok(id)
}

/// Every application of an organization, oldest first.
pub async fn list(conn: &mut Conn, owner: UserId) -> Result<Vec<Application>> {
    fetch_all!(conn, LIST, owner)
}

/// An application of an organization.
pub async fn find(conn: &mut Conn, owner: UserId, client_id: &str) -> Result<Option<Application>> {
    fetch_optional!(conn, FIND, owner, client_id)
}

/// An application, whoever owns it.
pub async fn by_client_id(conn: &mut Conn, client_id: &str) -> Result<Option<Application>> {
    fetch_optional!(conn, BY_CLIENT_ID, client_id)
}

/// Changes everything about an application but its owner, client id and secret.
pub async fn update(conn: &mut Conn, id: i32, new: &NewApplication<'_>) -> Result<u64> {
    execute!(
        conn,
        UPDATE,
        id,
        new.name,
        new.description,
        new.redirect_uri,
        new.application_uri,
        new.avatar_email,
    )
}

/// Stores a new encrypted secret.
pub async fn set_secret(conn: &mut Conn, id: i32, secure_client_secret: &str) -> Result<u64> {
    execute!(conn, SET_SECRET, id, secure_client_secret)
}

/// Waits until nobody else holds the application's row, and holds it until the transaction ends. 0 when it is gone.
pub async fn lock(conn: &mut Conn, id: i32) -> Result<u64> {
    execute!(conn, LOCK, id)
}

/// Takes back what was assigned of an application.
pub async fn delete_assignments(conn: &mut Conn, id: i32) -> Result<u64> {
    execute!(conn, DELETE_ASSIGNMENTS, id)
}

/// Deletes the codes of an application that were not exchanged.
pub async fn delete_codes(conn: &mut Conn, id: i32) -> Result<u64> {
    execute!(conn, DELETE_CODES, id)
}

/// Revokes the tokens of an application; returns whose they were, a person once per token.
pub async fn delete_tokens(conn: &mut Conn, id: i32) -> Result<Vec<UserId>> {
    let rows: Vec<(UserId,)> = fetch_all!(conn, DELETE_TOKENS, id)?;
    Ok(rows.into_iter().map(|(user,)| user).collect())
}

/// Deletes an application that nothing points to any more.
pub async fn delete(conn: &mut Conn, id: i32) -> Result<u64> {
    execute!(conn, DELETE, id)
}

/// The tokens of every application of that name, newest application first.
pub async fn tokens_of_named(conn: &mut Conn, name: &str) -> Result<Vec<NamedApplicationToken>> {
    fetch_all!(conn, TOKENS_OF_NAMED, name)
}

pub(crate) use application_columns;
