//! Finding repositories, namespaces, robots and teams by a part of their names.
//!
//! Repository names and descriptions are searched through Quay's trigram indexes on PostgreSQL. `LIKE` ignores case on
//! SQLite, `ILIKE` on PostgreSQL; patterns escape with `!`.

use chrono::NaiveDate;

use crate::conn::Conn;
use crate::error::Result;
use crate::ids::{RepositoryId, TeamId, UserId};
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
    /// `$1` first name, `$2` the first name behind them, `$6` limit.
    NAMESPACES = concat!(
        "SELECT n.username, n.email, n.organization FROM \"user\" n \
         WHERE n.username >= $1 AND n.username < $2 AND n.robot = false AND n.enabled = true \
           AND EXISTS (SELECT 1 FROM repository r WHERE r.namespace_user_id = n.id AND r.state <> 3 AND ",
        visible!(),
        ") ORDER BY n.username LIMIT $6"
    );
    /// `$1` user, `$2` their name, `$3` pattern of the short name, `$4` the administrators' role, `$5` limit.
    ROBOTS = "SELECT b.username, b.email, b.organization FROM \"user\" b \
        WHERE b.robot = true AND (b.username LIKE $2 || '+' || $3 ESCAPE '!' \
          OR EXISTS (SELECT 1 FROM team t JOIN teammember m ON m.team_id = t.id JOIN \"user\" o ON o.id = t.organization_id \
               WHERE m.user_id = $1 AND t.role_id = $4 AND b.username LIKE o.username || '+' || $3 ESCAPE '!')) \
        ORDER BY b.username LIMIT $5";
    /// `$1` user, `$2` pattern, `$3` the administrators' role, `$4` limit.
    TEAMS = "SELECT t.id AS team_id, t.name AS team, o.username, o.email, o.organization \
        FROM team t JOIN \"user\" o ON o.id = t.organization_id \
        WHERE t.name LIKE $2 ESCAPE '!' AND (EXISTS (SELECT 1 FROM teammember m WHERE m.team_id = t.id AND m.user_id = $1) \
          OR EXISTS (SELECT 1 FROM team a JOIN teammember m ON m.team_id = a.id \
               WHERE a.organization_id = t.organization_id AND a.role_id = $3 AND m.user_id = $1)) \
        ORDER BY t.name, t.id LIMIT $4";
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

/// At most `limit` people and organizations whose name begins with the text and who have a repository that can be seen.
pub async fn namespaces(
    conn: &mut Conn,
    wanted: &Wanted<'_>,
    limit: i64,
) -> Result<Vec<FoundAccount>> {
    let end = format!("{}\u{10ffff}", wanted.text);
    fetch_all!(
        conn,
        NAMESPACES,
        wanted.text,
        end.as_str(),
        wanted.user.map_or(0, |user| user.0),
        wanted.public,
        wanted.team_admin,
        limit
    )
}

/// At most `limit` robots, of the user and of organizations the user administers, whose short name begins with a text.
pub async fn robots(
    conn: &mut Conn,
    text: &str,
    (user, username): (UserId, &str),
    team_admin: i32,
    limit: i64,
) -> Result<Vec<FoundAccount>> {
    let pattern = format!("{}%", escaped(text));
    let username = escaped(username);
    fetch_all!(
        conn,
        ROBOTS,
        user,
        username.as_str(),
        pattern.as_str(),
        team_admin,
        limit
    )
}

/// At most `limit` teams, of which the user is a member or whose organization the user administers, whose name begins
/// with a text.
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
    /// When its newest visible tag began, in milliseconds since 1970.
    pub last_tag_start_ms: Option<i64>,
    /// How many people starred it.
    pub stars: i64,
    /// Actions since a day.
    pub actions: i64,
}

/// The usage of these repositories, actions since `since`. One statement.
pub async fn usage(
    conn: &mut Conn,
    repositories: &[RepositoryId],
    since: NaiveDate,
) -> Result<Vec<Usage>> {
    let Some(last) = repositories.last() else {
        return Ok(Vec::new());
    };
    let places = placeholders(2, repositories.len());
    let sql = format!(
        "SELECT r.id AS repository_id, \
         (SELECT MAX(t.lifetime_start_ms) FROM tag t WHERE t.repository_id = r.id AND t.hidden = false) AS last_tag_start_ms, \
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
    fetch_all_of!(conn, sqlx::AssertSqlSafe(sql.clone()), [since], ids)
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
