//! Credentials as they are stored: finding one by what a client sends, reading one again by its row, and what a sign-in
//! writes back.
//!
//! All of them give a [`CredentialRow`], so that the rules that judge one exist once. The columns that a kind does not have
//! are NULL.

use chrono::NaiveDateTime;

use crate::conn::Conn;
use crate::error::Result;
use crate::ids::{RepositoryId, UserId};
use crate::statement::{execute, fetch_optional, statements};

/// A stored credential and the account behind it.
#[derive(Clone, sqlx::FromRow)]
pub struct CredentialRow {
    /// The row that holds the secret: `user`, `robotaccounttoken`, `appspecificauthtoken`, `oauthaccesstoken` or `accesstoken`.
    pub credential_row: Option<i32>,
    /// The secret as stored: a bcrypt hash, or an encrypted field.
    pub secret: Option<String>,
    /// When the credential ends, UTC.
    pub expires_at: Option<NaiveDateTime>,
    /// `oauthaccesstoken.scope`.
    pub scope: Option<String>,
    /// Public identifier of a token: its uuid, or the name part of an access token.
    pub reference: Option<String>,
    /// Title of an app specific token, or name of the application of an OAuth token.
    pub title: Option<String>,
    /// `oauthapplication.client_id` of an OAuth token.
    pub client_id: Option<String>,
    /// When it was used last, as far as that is recorded.
    pub last_accessed: Option<NaiveDateTime>,
    /// The person or robot it belongs to.
    pub user_id: Option<UserId>,
    /// `user.uuid`.
    pub user_uuid: Option<String>,
    /// `user.username`.
    pub username: Option<String>,
    /// `user.email`; a bare uuid where there is no e-mail.
    pub email: Option<String>,
    /// `user.enabled`.
    pub enabled: Option<bool>,
    /// `user.enabled` of the account that owns a robot; of the account itself otherwise.
    pub owner_enabled: Option<bool>,
    /// Failed sign-ins since the last good one.
    pub invalid_login_attempts: Option<i32>,
    /// When the last of them was, UTC.
    pub last_invalid_login: Option<NaiveDateTime>,
    /// The role of an access token.
    pub token_role_id: Option<i32>,
    /// The only repository of an access token.
    pub token_repository_id: Option<RepositoryId>,
}

/// The columns of the account `u`, after those of its credential.
macro_rules! account_columns {
    ($owner_enabled:literal) => {
        concat!(
            "u.id AS user_id, u.uuid AS user_uuid, u.username AS username, u.email AS email, u.enabled AS enabled, ",
            $owner_enabled,
            " AS owner_enabled, u.invalid_login_attempts AS invalid_login_attempts, u.last_invalid_login AS last_invalid_login, \
             CAST(NULL AS integer) AS token_role_id, CAST(NULL AS integer) AS token_repository_id"
        )
    };
}

macro_rules! password_columns {
    () => {
        concat!(
            "u.id AS credential_row, u.password_hash AS secret, CAST(NULL AS timestamp) AS expires_at, \
             CAST(NULL AS text) AS scope, CAST(NULL AS text) AS reference, CAST(NULL AS text) AS title, CAST(NULL AS text) AS client_id, \
             u.last_accessed AS last_accessed, ",
            crate::queries::principals::account_columns!("u.enabled")
        )
    };
}

macro_rules! robot_columns {
    () => {
        concat!(
            "c.id AS credential_row, c.token AS secret, CAST(NULL AS timestamp) AS expires_at, \
             CAST(NULL AS text) AS scope, CAST(NULL AS text) AS reference, CAST(NULL AS text) AS title, CAST(NULL AS text) AS client_id, \
             u.last_accessed AS last_accessed, ",
            crate::queries::principals::account_columns!("o.enabled")
        )
    };
}

macro_rules! app_token_columns {
    () => {
        concat!(
            "c.id AS credential_row, c.token_secret AS secret, c.expiration AS expires_at, \
             CAST(NULL AS text) AS scope, c.uuid AS reference, c.title AS title, CAST(NULL AS text) AS client_id, c.last_accessed AS last_accessed, ",
            crate::queries::principals::account_columns!("u.enabled")
        )
    };
}

macro_rules! oauth_token_columns {
    () => {
        concat!(
            "c.id AS credential_row, c.token_code AS secret, c.expires_at AS expires_at, \
             c.scope AS scope, c.uuid AS reference, a.name AS title, a.client_id AS client_id, c.last_accessed AS last_accessed, ",
            crate::queries::principals::account_columns!("u.enabled")
        )
    };
}

macro_rules! access_token_columns {
    () => {
        "c.id AS credential_row, c.token_code AS secret, CAST(NULL AS timestamp) AS expires_at, \
         CAST(NULL AS text) AS scope, c.token_name AS reference, CAST(NULL AS text) AS title, CAST(NULL AS text) AS client_id, \
         CAST(NULL AS timestamp) AS last_accessed, CAST(NULL AS integer) AS user_id, CAST(NULL AS text) AS user_uuid, \
         CAST(NULL AS text) AS username, CAST(NULL AS text) AS email, CAST(NULL AS boolean) AS enabled, \
         CAST(NULL AS boolean) AS owner_enabled, CAST(NULL AS integer) AS invalid_login_attempts, \
         CAST(NULL AS timestamp) AS last_invalid_login, c.role_id AS token_role_id, \
         c.repository_id AS token_repository_id"
    };
}

pub(crate) use {
    access_token_columns, account_columns, app_token_columns, oauth_token_columns,
    password_columns, robot_columns,
};

macro_rules! select_password {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            password_columns!(),
            " FROM \"user\" u WHERE u.robot = false AND ",
            $condition
        )
    };
}

macro_rules! select_robot {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            robot_columns!(),
            " FROM robotaccounttoken c JOIN \"user\" u ON u.id = c.robot_account_id \
             LEFT JOIN \"user\" o ON o.username = $2 WHERE u.robot = true AND ",
            $condition
        )
    };
}

macro_rules! select_app_token {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            app_token_columns!(),
            " FROM appspecificauthtoken c JOIN \"user\" u ON u.id = c.user_id WHERE ",
            $condition
        )
    };
}

macro_rules! select_oauth_token {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            oauth_token_columns!(),
            " FROM oauthaccesstoken c JOIN oauthapplication a ON a.id = c.application_id \
             JOIN \"user\" u ON u.id = c.authorized_user_id WHERE ",
            $condition
        )
    };
}

macro_rules! select_access_token {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            access_token_columns!(),
            " FROM accesstoken c WHERE ",
            $condition
        )
    };
}

statements! {
    /// A person by user name or e-mail address.
    PASSWORD_BY_LOGIN = select_password!(
        "(u.username = $1 OR (u.email = $1 AND u.organization = false))"
    );
    /// A person by row.
    PASSWORD_BY_ID = select_password!("u.id = $1");
    /// A person by uuid.
    PASSWORD_BY_UUID = select_password!("u.organization = false AND u.uuid = $1");
    /// A robot by its full name; `$2` is its owner's name.
    ROBOT_BY_NAME = select_robot!("u.username = $1");
    /// A robot by the row of its token.
    ROBOT_BY_ID = select_robot!("c.id = $1");
    /// An app specific token by its public part.
    APP_TOKEN_BY_NAME = select_app_token!("c.token_name = $1");
    /// An app specific token by row.
    APP_TOKEN_BY_ID = select_app_token!("c.id = $1");
    /// An app specific token by uuid.
    APP_TOKEN_BY_UUID = select_app_token!("c.uuid = $1");
    /// An OAuth access token by its public part.
    OAUTH_TOKEN_BY_NAME = select_oauth_token!("c.token_name = $1");
    /// An OAuth access token by row.
    OAUTH_TOKEN_BY_ID = select_oauth_token!("c.id = $1");
    /// An OAuth access token by uuid.
    OAUTH_TOKEN_BY_UUID = select_oauth_token!("c.uuid = $1");
    /// A repository's access token by its public part.
    ACCESS_TOKEN_BY_NAME = select_access_token!("c.token_name = $1");
    /// A repository's access token by row.
    ACCESS_TOKEN_BY_ID = select_access_token!("c.id = $1");
    /// Counts a failed sign-in.
    COUNT_FAILED_LOGIN = "UPDATE \"user\" SET invalid_login_attempts = invalid_login_attempts + 1, \
                          last_invalid_login = $2 WHERE id = $1";
    /// Forgets failed sign-ins.
    CLEAR_FAILED_LOGINS = "UPDATE \"user\" SET invalid_login_attempts = 0 WHERE id = $1";
    /// Records use of an account.
    TOUCH_USER = "UPDATE \"user\" SET last_accessed = $2 \
                  WHERE id = $1 AND (last_accessed IS NULL OR last_accessed <= $3)";
    /// Records use of an app specific token.
    TOUCH_APP_TOKEN = "UPDATE appspecificauthtoken SET last_accessed = $2 \
                       WHERE id = $1 AND (last_accessed IS NULL OR last_accessed <= $3)";
    /// Records use of an OAuth access token.
    TOUCH_OAUTH_TOKEN = "UPDATE oauthaccesstoken SET last_accessed = $2 \
                         WHERE id = $1 AND (last_accessed IS NULL OR last_accessed <= $3)";
}

/// The kinds of stored credentials, by the table that holds the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialTable {
    /// `user.password_hash`.
    Password,
    /// `robotaccounttoken.token`; reading one needs the name of its owner.
    Robot,
    /// `appspecificauthtoken.token_secret`.
    AppToken,
    /// `oauthaccesstoken.token_code`.
    OAuthToken,
    /// `accesstoken.token_code`.
    AccessToken,
}

/// A person by user name or e-mail address. Organizations and robots are never found by e-mail.
pub async fn find_password(conn: &mut Conn, login: &str) -> Result<Option<CredentialRow>> {
    fetch_optional!(conn, PASSWORD_BY_LOGIN, login)
}

/// A robot by its full name `owner+short`.
pub async fn find_robot(conn: &mut Conn, name: &str, owner: &str) -> Result<Option<CredentialRow>> {
    fetch_optional!(conn, ROBOT_BY_NAME, name, owner)
}

/// A token by its public part.
pub async fn find_token(
    conn: &mut Conn,
    table: CredentialTable,
    public_part: &str,
) -> Result<Option<CredentialRow>> {
    let sql = match table {
        CredentialTable::AppToken => APP_TOKEN_BY_NAME,
        CredentialTable::OAuthToken => OAUTH_TOKEN_BY_NAME,
        CredentialTable::AccessToken => ACCESS_TOKEN_BY_NAME,
        CredentialTable::Password | CredentialTable::Robot => return Ok(None),
    };
    fetch_optional!(conn, sql, public_part)
}

/// A person or token by its uuid.
pub async fn find_by_uuid(
    conn: &mut Conn,
    table: CredentialTable,
    uuid: &str,
) -> Result<Option<CredentialRow>> {
    let sql = match table {
        CredentialTable::Password => PASSWORD_BY_UUID,
        CredentialTable::AppToken => APP_TOKEN_BY_UUID,
        CredentialTable::OAuthToken => OAUTH_TOKEN_BY_UUID,
        CredentialTable::Robot | CredentialTable::AccessToken => return Ok(None),
    };
    fetch_optional!(conn, sql, uuid)
}

/// A credential by the row that holds its secret. `owner` is the name of a robot's owner, and not used otherwise.
pub async fn read(
    conn: &mut Conn,
    table: CredentialTable,
    row: i32,
    owner: &str,
) -> Result<Option<CredentialRow>> {
    let sql = match table {
        CredentialTable::Password => PASSWORD_BY_ID,
        CredentialTable::Robot => return fetch_optional!(conn, ROBOT_BY_ID, row, owner),
        CredentialTable::AppToken => APP_TOKEN_BY_ID,
        CredentialTable::OAuthToken => OAUTH_TOKEN_BY_ID,
        CredentialTable::AccessToken => ACCESS_TOKEN_BY_ID,
    };
    fetch_optional!(conn, sql, row)
}

/// Counts a failed sign-in at `now` (UTC).
pub async fn count_failed_login(conn: &mut Conn, user: UserId, now: NaiveDateTime) -> Result<u64> {
    execute!(conn, COUNT_FAILED_LOGIN, user, now)
}

/// Forgets the failed sign-ins of a user.
pub async fn clear_failed_logins(conn: &mut Conn, user: UserId) -> Result<u64> {
    execute!(conn, CLEAR_FAILED_LOGINS, user)
}

/// Records that a credential was used at `now`, unless a use later than `unless_after` is recorded already. Passwords and
/// robots are recorded in their `user` row; access tokens have no such column.
pub async fn touch(
    conn: &mut Conn,
    table: CredentialTable,
    row: i32,
    now: NaiveDateTime,
    unless_after: NaiveDateTime,
) -> Result<u64> {
    let sql = match table {
        CredentialTable::Password | CredentialTable::Robot => TOUCH_USER,
        CredentialTable::AppToken => TOUCH_APP_TOKEN,
        CredentialTable::OAuthToken => TOUCH_OAUTH_TOKEN,
        CredentialTable::AccessToken => return Ok(0),
    };
    execute!(conn, sql, row, now, unless_after)
}
