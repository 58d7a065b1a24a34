//! `notification`: what the console tells people, to themselves and to the organizations they administer.

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
