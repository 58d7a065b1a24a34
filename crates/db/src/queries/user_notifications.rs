//! `notification`: what the console tells people, to themselves and to the organizations they administer. Kinds are given as
//! `notificationkind.id`.

use chrono::NaiveDateTime;

use crate::statement::{execute, fetch_all, fetch_optional, statements};
use crate::{Conn, Result, UserId};

/// A notification in a list.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct UserNotification {
    /// `notification.id`.
    pub id: i32,
    /// How people name it.
    pub uuid: String,
    /// `notificationkind.name`.
    pub kind: String,
    /// When it was made, UTC.
    pub created: NaiveDateTime,
    /// What it is about, as JSON.
    pub metadata_json: String,
    /// Whether somebody put it away.
    pub dismissed: bool,
    /// Whom it is for.
    pub target: String,
    /// Whether that is an organization.
    pub target_is_organization: bool,
}

/// A notification to make.
#[derive(Clone, Copy, Debug)]
pub struct NewNotification<'a> {
    /// How people name it.
    pub uuid: &'a str,
    /// Its kind.
    pub kind: i32,
    /// Whom it is for.
    pub target: UserId,
    /// What it is about, as JSON.
    pub metadata_json: &'a str,
    /// When it is made, UTC.
    pub created: NaiveDateTime,
    /// By what it is found when what it is about has ended.
    pub lookup_path: Option<&'a str>,
}

macro_rules! select {
    ($condition:literal) => {
        concat!(
            r#"SELECT notification.id, notification.uuid, notificationkind.name AS kind, notification.created,
                notification.metadata_json, notification.dismissed, target.username AS target,
                target.organization AS target_is_organization
            FROM notification JOIN notificationkind ON notificationkind.id = notification.kind_id
                JOIN "user" target ON target.id = notification.target_id
            WHERE notification.target_id IN (SELECT CAST($1 AS integer) UNION SELECT team.organization_id FROM teammember
                JOIN team ON team.id = teammember.team_id
                JOIN teamrole ON teamrole.id = team.role_id AND teamrole.name = 'admin'
                WHERE teammember.user_id = $1) AND "#,
            $condition
        )
    };
}

statements! {
    LIST = select!("notification.dismissed = false
        ORDER BY notification.created DESC, notification.id DESC LIMIT $2 OFFSET $3");
    FIND = select!("notification.uuid = $2");
    SET_DISMISSED = "UPDATE notification SET dismissed = $2 WHERE id = $1";
    INSERT = "INSERT INTO notification (uuid, kind_id, target_id, metadata_json, created, dismissed, lookup_path)
        VALUES ($1, $2, $3, $4, $5, false, $6)";
    LIST_OF_KIND = "SELECT id, metadata_json FROM notification WHERE target_id = $1 AND kind_id = $2";
    DELETE = "DELETE FROM notification WHERE id = $1";
    DELETE_OF_KIND = "DELETE FROM notification WHERE target_id = $1 AND kind_id = $2";
    DELETE_UNDER_PATH = "DELETE FROM notification WHERE kind_id = $1 AND substr(lookup_path, 1, $3) = $2";
}

/// What a person was told and has not put away, the newest first. There are few of these, so that pages may be counted.
pub async fn list(
    conn: &mut Conn,
    user: UserId,
    limit: i64,
    offset: i64,
) -> Result<Vec<UserNotification>> {
    fetch_all!(conn, LIST, user, limit, offset)
}

/// One of them, put away or not.
pub async fn find(conn: &mut Conn, user: UserId, uuid: &str) -> Result<Option<UserNotification>> {
    fetch_optional!(conn, FIND, user, uuid)
}

/// Puts one away, or brings it back.
pub async fn set_dismissed(conn: &mut Conn, id: i32, dismissed: bool) -> Result<u64> {
    execute!(conn, SET_DISMISSED, id, dismissed)
}

/// Tells somebody something.
pub async fn insert(conn: &mut Conn, new: &NewNotification<'_>) -> Result<u64> {
    let NewNotification {
        uuid,
        kind,
        target,
        metadata_json,
        created,
        lookup_path,
    } = *new;
    execute!(
        conn,
        INSERT,
        uuid,
        kind,
        target,
        metadata_json,
        created,
        lookup_path
    )
}

/// Those of a kind that an account has: their ids, and what they say as JSON.
pub async fn list_of_kind(
    conn: &mut Conn,
    target: UserId,
    kind: i32,
) -> Result<Vec<(i32, String)>> {
    fetch_all!(conn, LIST_OF_KIND, target, kind)
}

/// Deletes one.
pub async fn delete(conn: &mut Conn, id: i32) -> Result<u64> {
    execute!(conn, DELETE, id)
}

/// Deletes those of a kind that an account has.
pub async fn delete_of_kind(conn: &mut Conn, target: UserId, kind: i32) -> Result<u64> {
    execute!(conn, DELETE_OF_KIND, target, kind)
}

/// Deletes those of a kind, whoever has them, whose look-up path begins so.
pub async fn delete_under_path(conn: &mut Conn, kind: i32, path: &str) -> Result<u64> {
    let length = i32::try_from(path.chars().count()).unwrap_or(i32::MAX);
    execute!(conn, DELETE_UNDER_PATH, kind, path, length)
}
