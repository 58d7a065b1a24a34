//! Finding repositories, namespaces, robots and teams by a part of their names.
//!
//! Repository names and descriptions are searched through Quay's trigram indexes on PostgreSQL. `LIKE` ignores case on
//! SQLite, `ILIKE` on PostgreSQL; patterns escape with `!`.
//!
//! The other names have no capitals and are searched by their beginning, as ranges of bytes: a collation may give no weight to
//! what ends a range, nor to punctuation. Teams and robots are looked for from the teams of the person who asks.

use chrono::NaiveDate;

use crate::conn::Conn;
use crate::error::Result;
use crate::ids::{RepositoryId, TeamId, UserId};
use crate::queries::account_refs::end_of;
use crate::statement::{fetch_all, fetch_all_of, padded, placeholders, statements};

/// A repository that was found.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct FoundRepository {
    /// `repository.id`.
    pub id: RepositoryId,
    /// Without the namespace.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// `repository.visibility_id`.
    pub visibility_id: i32,
    /// The namespace.
    #[sqlx(flatten)]
    pub namespace: FoundAccount,
}

/// A person, organization or robot that was found.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct FoundAccount {
    /// Its name.
    pub username: String,
    /// Its e-mail address, or a uuid.
    pub email: String,
    /// Whether it is an organization.
    pub organization: bool,
}

/// A team that was found.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct FoundTeam {
    /// `team.id`.
    pub team_id: TeamId,
    /// Unique in the organization.
    pub team: String,
    /// The organization.
    #[sqlx(flatten)]
    pub organization: FoundAccount,
}

/// What repositories are looked for, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// A part of the name or description; everything if it is empty.
    pub text: &'a str,
    /// The only namespace, if it is not empty.
    pub namespace: &'a str,
    /// Who looks; `None` for anonymous.
    pub user: Option<UserId>,
    /// `visibility` `public`.
    pub public: i32,
    /// `teamrole` `admin`.
    pub team_admin: i32,
}

/// Repositories that the user `$3` can see: `$4` is public visibility, `$5` the administrators' role.
macro_rules! visible {
    () => {
        "(r.visibility_id = $4 OR r.namespace_user_id = $3 \
          OR EXISTS (SELECT 1 FROM repositorypermission p WHERE p.repository_id = r.id AND p.user_id = $3) \
          OR EXISTS (SELECT 1 FROM repositorypermission p JOIN teammember m ON m.team_id = p.team_id \
               WHERE p.repository_id = r.id AND m.user_id = $3) \
          OR EXISTS (SELECT 1 FROM team t JOIN teammember m ON m.team_id = t.id \
               WHERE t.organization_id = r.namespace_user_id AND t.role_id = $5 AND m.user_id = $3))"
    };
}

/// `$1` pattern, `$2` namespace or nothing, `$6` offset, `$7` limit.
macro_rules! repositories {
    ($like:literal) => {
        concat!(
            "SELECT r.id, r.name, r.description, r.visibility_id, n.username, n.email, n.organization \
             FROM repository r JOIN \"user\" n ON n.id = r.namespace_user_id \
             JOIN repositorysearchscore s ON s.repository_id = r.id \
             WHERE (r.name ", $like, " $1 ESCAPE '!' OR r.description ", $like, " $1 ESCAPE '!') \
             AND ($2 = '' OR n.username = $2) AND r.state <> 3 AND n.enabled = true AND ",
            visible!(),
            " ORDER BY CASE WHEN r.name ", $like, " $1 ESCAPE '!' THEN 100 * s.score ELSE s.score END DESC, s.id \
             LIMIT $7 OFFSET $6"
        )
    };
}

/// People and organizations whose name lies in the range `$1` to `$2` in the order of bytes: those with a public repository
/// (`$4`), those that the user `$3` is or administers (`$5`), and those of repositories that the user or one of the user's
/// teams has a permission for. `$6` limit.
///
/// A team has permissions in its own organization only, so one of each team is enough to know. What has to exist is the first in
/// an order that only the right index has: PostgreSQL would take another, or read whole tables for all at once.
macro_rules! namespaces {
    ($name:literal, $found:literal) => {
        concat!(
            "SELECT found.username, found.email, found.organization FROM (\
             SELECT * FROM (",
            matching_namespaces!(
                $name,
                "\"user\" n",
                "(SELECT r.id FROM repository r \
                   WHERE r.namespace_user_id = n.id AND r.visibility_id = $4 AND r.state <> 3 \
                   ORDER BY r.name LIMIT 1) IS NOT NULL"
            ),
            " ORDER BY ", $name, " LIMIT $6) open_to_all UNION ",
            matching_namespaces!(
                $name,
                "(SELECT u.id FROM \"user\" u WHERE u.id = $3 \
                   UNION SELECT t.organization_id FROM teammember m JOIN team t ON t.id = m.team_id \
                   WHERE m.user_id = $3 AND t.role_id = $5) own JOIN \"user\" n ON n.id = own.id",
                "(SELECT r.id FROM repository r WHERE r.namespace_user_id = n.id AND r.state <> 3 \
                   ORDER BY r.name LIMIT 1) IS NOT NULL"
            ),
            " UNION ",
            matching_namespaces!(
                $name,
                "teammember m JOIN team t ON t.id = m.team_id JOIN \"user\" n ON n.id = t.organization_id",
                "m.user_id = $3 AND (SELECT p.team_id FROM repositorypermission p WHERE p.team_id >= t.id \
                   ORDER BY p.team_id LIMIT 1) = t.id"
            ),
            " UNION ",
            matching_namespaces!(
                $name,
                "repositorypermission p JOIN repository r ON r.id = p.repository_id \
                 JOIN \"user\" n ON n.id = r.namespace_user_id",
                "p.user_id = $3 AND r.state <> 3"
            ),
            ") found ORDER BY ", $found, " LIMIT $6"
        )
    };
}

macro_rules! matching_namespaces {
    ($name:literal, $from:literal, $which:literal) => {
        concat!(
            "SELECT n.username, n.email, n.organization FROM ",
            $from,
            " WHERE ",
            $which,
            " AND ",
            $name,
            " >= $1 AND ",
            $name,
            " < $2 AND NOT n.robot AND n.enabled = true"
        )
    };
}

/// Robots of the user `$1` and of organizations that the user administers (role `$4`), whose short name lies in the range `$2`
/// to `$3` in the order of bytes. `$5` limit, also of each owner on PostgreSQL, which joins ranges badly.
macro_rules! robots {
    ($join:literal, $name:literal, $of_owner:literal) => {
        concat!(
            "SELECT robot.username, robot.email, robot.organization FROM (\
             SELECT u.username FROM \"user\" u WHERE u.id = $1 \
             UNION SELECT o.username FROM teammember m JOIN team t ON t.id = m.team_id \
               JOIN \"user\" o ON o.id = t.organization_id WHERE m.user_id = $1 AND t.role_id = $4) owner ",
            $join, " ", $name, " >= owner.username || '+' || $2 AND ", $name, " < owner.username || '+' || $3 \
             AND robot.robot ", $of_owner, " ORDER BY ", $name, " LIMIT $5"
        )
    };
}

statements! {
    REPOSITORIES = repositories!("LIKE");
    REPOSITORIES_POSTGRES = repositories!("ILIKE");
    /// Without a text: by score. `$1` and `$2` only keep the numbers of the others.
    ALL_REPOSITORIES = concat!(
        "SELECT r.id, r.name, r.description, r.visibility_id, n.username, n.email, n.organization \
         FROM repositorysearchscore s JOIN repository r ON r.id = s.repository_id \
         JOIN \"user\" n ON n.id = r.namespace_user_id \
         WHERE $1 = $1 AND ($2 = '' OR n.username = $2) AND r.state <> 3 AND n.enabled = true AND ",
        visible!(),
        " ORDER BY s.score DESC, s.id LIMIT $7 OFFSET $6"
    );
    NAMESPACES_POSTGRES = namespaces!(r#"n.username COLLATE "C""#, r#"found.username COLLATE "C""#);
    NAMESPACES_SQLITE = namespaces!("n.username", "found.username");
    ROBOTS_POSTGRES = robots!(
        r#"CROSS JOIN LATERAL (SELECT * FROM "user" robot WHERE"#,
        r#"robot.username COLLATE "C""#,
        r#"ORDER BY robot.username COLLATE "C" LIMIT $5) robot"#
    );
    ROBOTS_SQLITE = robots!(r#"JOIN "user" robot ON"#, "robot.username", "");
    /// `$1` user, `$2` pattern, `$3` the administrators' role, `$4` limit.
    TEAMS = "SELECT t.id AS team_id, t.name AS team, o.username, o.email, o.organization \
        FROM (SELECT m.team_id FROM teammember m WHERE m.user_id = $1 \
          UNION SELECT t.id FROM teammember m JOIN team a ON a.id = m.team_id \
            JOIN team t ON t.organization_id = a.organization_id \
            WHERE m.user_id = $1 AND a.role_id = $3 AND t.name LIKE $2 ESCAPE '!') mine \
        JOIN team t ON t.id = mine.team_id JOIN \"user\" o ON o.id = t.organization_id \
        WHERE t.name LIKE $2 ESCAPE '!' ORDER BY t.name, t.id LIMIT $4";
}

/// At most `limit` repositories after the first `offset`, the best first.
pub async fn repositories(
    conn: &mut Conn,
    wanted: &Wanted<'_>,
    offset: i64,
    limit: i64,
) -> Result<Vec<FoundRepository>> {
    let sql = match (wanted.text.is_empty(), conn.is_postgres()) {
        (true, _) => ALL_REPOSITORIES,
        (false, true) => REPOSITORIES_POSTGRES,
        (false, false) => REPOSITORIES,
    };
    let pattern = format!("%{}%", escaped(wanted.text));
    fetch_all!(
        conn,
        sql,
        pattern.as_str(),
        wanted.namespace,
        wanted.user.map_or(0, |user| user.0),
        wanted.public,
        wanted.team_admin,
        offset,
        limit
    )
}

/// At most `limit` people and organizations whose name begins with the text, which has no capitals, and who have a repository
/// that can be seen.
pub async fn namespaces(
    conn: &mut Conn,
    wanted: &Wanted<'_>,
    limit: i64,
) -> Result<Vec<FoundAccount>> {
    let sql = if conn.is_postgres() {
        NAMESPACES_POSTGRES
    } else {
        NAMESPACES_SQLITE
    };
    fetch_all!(
        conn,
        sql,
        wanted.text,
        end_of(wanted.text),
        wanted.user.map_or(0, |user| user.0),
        wanted.public,
        wanted.team_admin,
        limit
    )
}

/// At most `limit` robots, of the user and of organizations the user administers, whose short name begins with a text without
/// capitals.
pub async fn robots(
    conn: &mut Conn,
    text: &str,
    user: UserId,
    team_admin: i32,
    limit: i64,
) -> Result<Vec<FoundAccount>> {
    let sql = if conn.is_postgres() {
        ROBOTS_POSTGRES
    } else {
        ROBOTS_SQLITE
    };
    fetch_all!(conn, sql, user, text, end_of(text), team_admin, limit)
}

/// At most `limit` teams, of which the user is a member or whose organization the user administers, whose name begins
/// with a text without capitals.
pub async fn teams(
    conn: &mut Conn,
    text: &str,
    user: UserId,
    team_admin: i32,
    limit: i64,
) -> Result<Vec<FoundTeam>> {
    let pattern = format!("{}%", escaped(text));
    fetch_all!(conn, TEAMS, user, pattern.as_str(), team_admin, limit)
}

/// How much a repository is used.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct Usage {
    /// The repository.
    pub repository_id: RepositoryId,
    /// When the newest visible tag that it has now began, in milliseconds since 1970.
    pub last_tag_start_ms: Option<i64>,
    /// How many people starred it.
    pub stars: i64,
    /// Actions since a day.
    pub actions: i64,
}

/// The usage of these repositories, actions since `since`; `now_ms` is in milliseconds since 1970. One statement.
pub async fn usage(
    conn: &mut Conn,
    repositories: &[RepositoryId],
    since: NaiveDate,
    now_ms: i64,
) -> Result<Vec<Usage>> {
    let Some(last) = repositories.last() else {
        return Ok(Vec::new());
    };
    let places = placeholders(3, repositories.len());
    let sql = format!(
        "SELECT r.id AS repository_id, \
         (SELECT MAX(t.lifetime_start_ms) FROM tag t WHERE t.repository_id = r.id AND t.hidden = false \
           AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > $2)) AS last_tag_start_ms, \
         (SELECT COUNT(*) FROM star s WHERE s.repository_id = r.id) AS stars, \
         CAST((SELECT COALESCE(SUM(c.count), 0) FROM repositoryactioncount c \
           WHERE c.repository_id = r.id AND c.date >= $1) AS bigint) AS actions \
         FROM repository r WHERE r.id IN {places}"
    );
    let ids = repositories
        .iter()
        .chain(std::iter::repeat(last))
        .take(padded(repositories.len()))
        .map(|id| id.0);
    fetch_all_of!(conn, sqlx::AssertSqlSafe(sql.clone()), [since, now_ms], ids)
}

/// A text as a part of a pattern that means only itself.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '!' | '%' | '_') {
            escaped.push('!');
        }
        escaped.push(character);
    }
    escaped
}
