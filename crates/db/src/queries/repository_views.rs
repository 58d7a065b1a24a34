//! What the management API shows of one repository and of its owner; stars; addresses that may be told about it.

use chrono::{NaiveDate, NaiveDateTime};

use crate::conn::Conn;
use crate::error::Result;
use crate::ids::{RepositoryId, UserId};
use crate::statement::{execute, fetch_all, fetch_optional, statements};

/// A repository with its owner.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct RepositoryView {
    /// Markdown.
    pub description: Option<String>,
    /// What lets somebody see the badge of a private repository.
    pub badge_token: String,
    /// `repository.state`.
    pub state: i32,
    /// Whether content trust is on.
    pub trust_enabled: bool,
    /// `repository.visibility_id`.
    pub visibility_id: i32,
    /// `repository.kind_id`.
    pub kind_id: i32,
    /// Whether the owner is an organization.
    pub organization: bool,
    /// How long dead tags can be restored, in seconds.
    pub removed_tag_expiration_s: i64,
    /// Whether the owner has no billing account.
    pub free: bool,
    /// Whether the user starred it.
    pub starred: bool,
}

/// Actions of a day.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ActionCount {
    /// The day, in UTC.
    pub date: NaiveDate,
    /// How many.
    pub count: i32,
}

/// What the badge of a repository depends on.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Badge {
    /// What lets somebody see it if the repository is private.
    pub badge_token: String,
    /// `repository.visibility_id`.
    pub visibility_id: i32,
    /// `repository.kind_id`.
    pub kind_id: i32,
    /// Phase of the last build; `None` if there was none.
    pub phase: Option<String>,
}

/// An address that may be told about a repository.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct AuthorizedEmail {
    /// What confirms it.
    pub code: String,
    /// Whether it was confirmed.
    pub confirmed: bool,
}

statements! {
    /// `$1` repository, `$2` user.
    VIEW = "SELECT r.description, r.badge_token, r.state, r.trust_enabled, r.visibility_id, r.kind_id, n.organization, \
            n.removed_tag_expiration_s, n.stripe_id IS NULL AS free, \
            EXISTS (SELECT 1 FROM star s WHERE s.user_id = $2 AND s.repository_id = r.id) AS starred \
        FROM repository r JOIN \"user\" n ON n.id = r.namespace_user_id WHERE r.id = $1 AND r.state <> 3";
    ACTION_COUNTS = "SELECT date, count FROM repositoryactioncount WHERE repository_id = $1 AND date >= $2 ORDER BY date";
    BADGE = "SELECT r.badge_token, r.visibility_id, r.kind_id, \
            (SELECT b.phase FROM repositorybuild b WHERE b.repository_id = r.id ORDER BY b.started DESC LIMIT 1) AS phase \
        FROM repository r JOIN \"user\" n ON n.id = r.namespace_user_id \
        WHERE n.username = $1 AND r.name = $2 AND r.state <> 3";
    STAR = "INSERT INTO star (user_id, repository_id, created) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    UNSTAR = "DELETE FROM star WHERE user_id = $1 AND repository_id = $2";
    AUTHORIZED_EMAIL = "SELECT code, confirmed FROM repositoryauthorizedemail WHERE repository_id = $1 AND email = $2";
    /// `$1` repository, `$2` address, `$3` code.
    AUTHORIZE_EMAIL = "INSERT INTO repositoryauthorizedemail (repository_id, email, code, confirmed) \
        VALUES ($1, $2, $3, false) ON CONFLICT DO NOTHING";
    /// `$1` code. Returns the name of the repository.
    CONFIRM_EMAIL = "UPDATE repositoryauthorizedemail SET confirmed = true \
        WHERE code = $1 AND EXISTS (SELECT 1 FROM repository r WHERE r.id = repository_id AND r.state <> 3) \
        RETURNING (SELECT n.username || '/' || r.name FROM repository r JOIN \"user\" n ON n.id = r.namespace_user_id \
            WHERE r.id = repository_id)";
    SET_DESCRIPTION = "UPDATE repository SET description = $2 WHERE id = $1 AND state <> 3";
}

/// A repository as the user sees it; `None` if it is gone.
pub async fn view(
    conn: &mut Conn,
    repository: RepositoryId,
    user: Option<UserId>,
) -> Result<Option<RepositoryView>> {
    fetch_optional!(conn, VIEW, repository, user)
}

/// Actions of each day from one on.
pub async fn action_counts(
    conn: &mut Conn,
    repository: RepositoryId,
    since: NaiveDate,
) -> Result<Vec<ActionCount>> {
    fetch_all!(conn, ACTION_COUNTS, repository, since)
}

/// What a badge shows.
pub async fn badge(conn: &mut Conn, namespace: &str, name: &str) -> Result<Option<Badge>> {
    fetch_optional!(conn, BADGE, namespace, name)
}

/// Stars a repository; 0 if it was starred.
pub async fn star(
    conn: &mut Conn,
    user: UserId,
    repository: RepositoryId,
    now: NaiveDateTime,
) -> Result<u64> {
    execute!(conn, STAR, user, repository, now)
}

/// Takes a star back; 0 if there was none.
pub async fn unstar(conn: &mut Conn, user: UserId, repository: RepositoryId) -> Result<u64> {
    execute!(conn, UNSTAR, user, repository)
}

/// Believes who followed the link with that code; returns `namespace/name` of the repository, `None` for an unknown code.
pub async fn confirm_email(conn: &mut Conn, code: &str) -> Result<Option<String>> {
    let row: Option<(String,)> = fetch_optional!(conn, CONFIRM_EMAIL, code)?;
    Ok(row.map(|(name,)| name))
}

/// Whether an address was asked to confirm, and did.
pub async fn authorized_email(
    conn: &mut Conn,
    repository: RepositoryId,
    email: &str,
) -> Result<Option<AuthorizedEmail>> {
    fetch_optional!(conn, AUTHORIZED_EMAIL, repository, email)
}

/// Asks an address to confirm; 0 if it was asked before.
pub async fn authorize_email(
    conn: &mut Conn,
    repository: RepositoryId,
    email: &str,
    code: &str,
) -> Result<u64> {
    execute!(conn, AUTHORIZE_EMAIL, repository, email, code)
}

/// Sets the description.
pub async fn set_description(
    conn: &mut Conn,
    repository: RepositoryId,
    description: &str,
) -> Result<u64> {
    execute!(conn, SET_DESCRIPTION, repository, description)
}
