//! Removing a namespace from sight: what is linked to it is deleted, its name and address are hidden behind uuids, and a
//! worker is asked to collect its repositories (database.md §4.15).
//!
//! `unlink` statements delete what nobody needs once the namespace is gone. Each takes the namespace's `user.id`, or the
//! range of names that its robots have.

use chrono::NaiveDateTime;

use crate::queries::account_refs::end_of;
use crate::statement::{execute, fetch_all, fetch_one, statements};
use crate::{Conn, Result, UserId};

/// The robots whose name lies in the range `$1` to `$2` in the order of bytes.
macro_rules! of_robots {
    ($statement:literal, $name:expr) => {
        concat!(
            $statement,
            r#" (SELECT id FROM "user" WHERE robot = true AND "#,
            $name,
            " >= $1 AND ",
            $name,
            " < $2)"
        )
    };
}

/// The statements that remove robots, in an order in which nothing points to what is deleted.
macro_rules! robot_statements {
    ($engine:literal, $name:expr) => {
        [
            (
                concat!("ROBOT_MIRRORS", $engine),
                of_robots!(
                    "DELETE FROM repomirrorconfig WHERE internal_robot_id IN",
                    $name
                ),
            ),
            (
                concat!("ROBOT_METADATA", $engine),
                of_robots!(
                    "DELETE FROM robotaccountmetadata WHERE robot_account_id IN",
                    $name
                ),
            ),
            (
                concat!("ROBOT_TOKENS", $engine),
                of_robots!(
                    "DELETE FROM robotaccounttoken WHERE robot_account_id IN",
                    $name
                ),
            ),
            (
                concat!("ROBOT_MEMBERSHIPS", $engine),
                of_robots!("DELETE FROM teammember WHERE user_id IN", $name),
            ),
            (
                concat!("ROBOT_LINKS", $engine),
                of_robots!("DELETE FROM federatedlogin WHERE user_id IN", $name),
            ),
            (
                concat!("ROBOT_PERMISSIONS", $engine),
                of_robots!("DELETE FROM repositorypermission WHERE user_id IN", $name),
            ),
            (
                concat!("ROBOT_ACTIVATING", $engine),
                of_robots!(
                    "DELETE FROM permissionprototype WHERE activating_user_id IN",
                    $name
                ),
            ),
            (
                concat!("ROBOT_DELEGATED", $engine),
                of_robots!(
                    "DELETE FROM permissionprototype WHERE delegate_user_id IN",
                    $name
                ),
            ),
            (
                concat!("ROBOT_NOTIFICATIONS", $engine),
                of_robots!("DELETE FROM notification WHERE target_id IN", $name),
            ),
            (
                concat!("ROBOT_TRIGGERS", $engine),
                of_robots!(
                    "UPDATE repositorybuildtrigger SET pull_robot_id = NULL WHERE pull_robot_id IN",
                    $name
                ),
            ),
            (
                concat!("ROBOT_BUILDS", $engine),
                of_robots!(
                    "UPDATE repositorybuild SET pull_robot_id = NULL WHERE pull_robot_id IN",
                    $name
                ),
            ),
            (
                concat!("ROBOTS", $engine),
                of_robots!(r#"DELETE FROM "user" WHERE id IN"#, $name),
            ),
        ]
    };
}

pub(crate) const ROBOTS_POSTGRES: &[(&str, &str)] =
    &robot_statements!("_POSTGRES", r#"username COLLATE "C""#);
pub(crate) const ROBOTS_SQLITE: &[(&str, &str)] = &robot_statements!("_SQLITE", "username");

/// What belongs to an organization alone.
pub(crate) const ORGANIZATION: &[(&str, &str)] = &[
    (
        "ORGANIZATION_TEAMMEMBER",
        "DELETE FROM teammember WHERE team_id IN (SELECT id FROM team WHERE organization_id = $1)",
    ),
    (
        "ORGANIZATION_TEAMMEMBERINVITE",
        "DELETE FROM teammemberinvite WHERE team_id IN (SELECT id FROM team WHERE organization_id = $1)",
    ),
    (
        "ORGANIZATION_TEAMSYNC",
        "DELETE FROM teamsync WHERE team_id IN (SELECT id FROM team WHERE organization_id = $1)",
    ),
    (
        "ORGANIZATION_REPOSITORYPERMISSION",
        "DELETE FROM repositorypermission WHERE team_id IN (SELECT id FROM team WHERE organization_id = $1)",
    ),
    (
        "ORGANIZATION_PERMISSIONPROTOTYPE",
        "DELETE FROM permissionprototype WHERE org_id = $1",
    ),
    (
        "ORGANIZATION_TEAM",
        "DELETE FROM team WHERE organization_id = $1",
    ),
    (
        "ORGANIZATION_OAUTHASSIGNEDTOKEN",
        "DELETE FROM oauthassignedtoken WHERE application_id IN (SELECT id FROM oauthapplication WHERE organization_id = $1)",
    ),
    (
        "ORGANIZATION_OAUTHACCESSTOKEN",
        "DELETE FROM oauthaccesstoken WHERE application_id IN (SELECT id FROM oauthapplication WHERE organization_id = $1)",
    ),
    (
        "ORGANIZATION_OAUTHAUTHORIZATIONCODE",
        "DELETE FROM oauthauthorizationcode WHERE application_id IN (SELECT id FROM oauthapplication WHERE organization_id = $1)",
    ),
    (
        "ORGANIZATION_OAUTHAPPLICATION",
        "DELETE FROM oauthapplication WHERE organization_id = $1",
    ),
    (
        "ORGANIZATION_ORGMIRRORREPOSITORY",
        "DELETE FROM orgmirrorrepository WHERE org_mirror_config_id IN (SELECT id FROM orgmirrorconfig WHERE organization_id = $1)",
    ),
];

/// What belongs to any namespace.
pub(crate) const NAMESPACE: &[(&str, &str)] = &[
    (
        "NAMESPACE_ORGMIRRORCONFIG",
        "DELETE FROM orgmirrorconfig WHERE organization_id = $1",
    ),
    (
        "NAMESPACE_TEAMMEMBER",
        "DELETE FROM teammember WHERE user_id = $1",
    ),
    (
        "NAMESPACE_REPOSITORYBUILD",
        "UPDATE repositorybuild SET trigger_id = NULL WHERE trigger_id IN
        (SELECT id FROM repositorybuildtrigger WHERE connected_user_id = $1)",
    ),
    (
        "NAMESPACE_REPOSITORYBUILDTRIGGER",
        "DELETE FROM repositorybuildtrigger WHERE connected_user_id = $1",
    ),
    (
        "NAMESPACE_QUOTALIMITS",
        "DELETE FROM quotalimits WHERE quota_id IN (SELECT id FROM userorganizationquota WHERE namespace_id = $1)",
    ),
    (
        "NAMESPACE_USERORGANIZATIONQUOTA",
        "DELETE FROM userorganizationquota WHERE namespace_id = $1",
    ),
    (
        "NAMESPACE_SERVICEKEYAPPROVAL",
        "UPDATE servicekeyapproval SET approver_id = NULL WHERE approver_id = $1",
    ),
    (
        "NAMESPACE_FEDERATEDLOGIN",
        "DELETE FROM federatedlogin WHERE user_id = $1",
    ),
    (
        "NAMESPACE_NAMESPACENOTIFICATION",
        "DELETE FROM namespacenotification WHERE namespace_id = $1",
    ),
    (
        "NAMESPACE_QUOTANOTIFICATIONSTATE",
        "DELETE FROM quotanotificationstate WHERE namespace_id = $1",
    ),
    (
        "NAMESPACE_QUOTANAMESPACESIZE",
        "DELETE FROM quotanamespacesize WHERE namespace_user_id = $1",
    ),
    (
        "NAMESPACE_OAUTHASSIGNEDTOKEN",
        "DELETE FROM oauthassignedtoken WHERE assigned_user_id = $1",
    ),
    (
        "NAMESPACE_PROXYCACHECONFIG",
        "DELETE FROM proxycacheconfig WHERE organization_id = $1",
    ),
];

statements! {
    DELETE_QUEUED = "DELETE FROM queueitem WHERE substr(queue_name, 1, $2) = $1";
    INSERT_MARKER = "INSERT INTO deletednamespace (namespace_id, marked, original_username, original_email)
        VALUES ($1, $2, $3, $4) RETURNING id";
    SET_MARKER_QUEUE_ID = "UPDATE deletednamespace SET queue_id = $2 WHERE id = $1";
    HIDE = r#"UPDATE "user" SET enabled = false, username = $2, email = $3, uuid = $4 WHERE id = $1"#;
    SOLELY_ADMINISTERED = r#"SELECT organization.username FROM "user" organization
        WHERE organization.id IN (SELECT team.organization_id FROM teammember
                JOIN team ON team.id = teammember.team_id
                JOIN teamrole ON teamrole.id = team.role_id AND teamrole.name = 'admin'
                WHERE teammember.user_id = $1)
            AND NOT EXISTS (SELECT 1 FROM team
                JOIN teamrole ON teamrole.id = team.role_id AND teamrole.name = 'admin'
                JOIN teammember ON teammember.team_id = team.id
                JOIN "user" member ON member.id = teammember.user_id AND member.robot = false
                WHERE team.organization_id = organization.id AND member.id <> $1)
        ORDER BY organization.id"#;
}

/// Deletes what waits in a queue for a namespace.
pub async fn delete_queued(conn: &mut Conn, queue: &str, namespace: &str) -> Result<u64> {
    let prefix = format!("{queue}/{namespace}/");
    let length = prefix.chars().count() as i32;
    execute!(conn, DELETE_QUEUED, prefix, length)
}

/// Removes every robot whose name starts with exactly `prefix` (`namespace+`), with everything that names it.
pub async fn unlink_robots(conn: &mut Conn, prefix: &str) -> Result<()> {
    let texts = if conn.is_postgres() {
        ROBOTS_POSTGRES
    } else {
        ROBOTS_SQLITE
    };
    for (_, sql) in texts {
        execute!(conn, *sql, prefix, end_of(prefix))?;
    }
    Ok(())
}

/// Removes what belongs to an organization alone: teams, default permissions, OAuth applications, its mirror.
pub async fn unlink_organization(conn: &mut Conn, organization: UserId) -> Result<()> {
    for (_, sql) in ORGANIZATION {
        execute!(conn, *sql, organization)?;
    }
    Ok(())
}

/// Removes what any namespace has: memberships, triggers, quota, external identities, notifications.
pub async fn unlink_namespace(conn: &mut Conn, namespace: UserId) -> Result<()> {
    for (_, sql) in NAMESPACE {
        execute!(conn, *sql, namespace)?;
    }
    Ok(())
}

/// Records what a namespace was called; returns the marker's id.
pub async fn insert_marker(
    conn: &mut Conn,
    namespace: UserId,
    marked: NaiveDateTime,
    username: &str,
    email: &str,
) -> Result<i32> {
    let (id,): (i32,) = fetch_one!(conn, INSERT_MARKER, namespace, marked, username, email)?;
    Ok(id)
}

/// Records which queue item will collect the namespace.
pub async fn set_marker_queue_id(conn: &mut Conn, marker: i32, queue_id: &str) -> Result<u64> {
    execute!(conn, SET_MARKER_QUEUE_ID, marker, queue_id)
}

/// Disables a namespace, ends its sessions, and frees its unique columns.
pub async fn hide(
    conn: &mut Conn,
    namespace: UserId,
    username: &str,
    email: &str,
    uuid: &str,
) -> Result<u64> {
    execute!(conn, HIDE, namespace, username, email, uuid)
}

/// The organizations that nobody but this person administers.
pub async fn solely_administered(conn: &mut Conn, user: UserId) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = fetch_all!(conn, SOLELY_ADMINISTERED, user)?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}
