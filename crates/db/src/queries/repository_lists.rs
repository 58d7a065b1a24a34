//! Pages of the repositories that somebody may see, in the order they were made.
//!
//! What a person sees is a union: their own permissions, those of their teams, the namespaces they administer, and what is
//! public. Each branch is walked along an index from where the page begins and stops after a page, so the cost of a page
//! does not grow with the number of repositories: `(user_id, repository_id)` and `(team_id, repository_id)` are Quay's, and
//! a namespace is walked along `namespace_user_id` (SQLite) or our own `pierhead_repository_namespace` (PostgreSQL).

use std::fmt::Write as _;

use chrono::NaiveDate;

use crate::conn::Conn;
use crate::error::Result;
use crate::ids::{NamespaceId, RepositoryId, TeamId, UserId};
use crate::statement::{fetch_all, fetch_all_of, statements};

/// Most teams and namespaces that get a branch of their own; of more, the rest shares one, which reads all their rows.
const MOST_BRANCHES: usize = 48;

/// The columns of a branch: those of the repository, so that it is not looked up again.
const BRANCH: &str = "id, namespace_user_id, name, description, visibility_id, state";
const BRANCH_OF_PERMISSIONS: &str =
    "r.id, r.namespace_user_id, r.name, r.description, r.visibility_id, r.state";

/// A repository of a list.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ListedRepository {
    /// `repository.id`.
    pub id: RepositoryId,
    /// The owner.
    pub namespace_id: NamespaceId,
    /// The owner's name.
    pub namespace: String,
    /// Without the namespace.
    pub name: String,
    /// Markdown.
    pub description: Option<String>,
    /// Whether everyone may read it.
    pub public: bool,
    /// `repository.state`.
    pub state: i32,
    /// Whether the user starred it.
    pub starred: bool,
    /// When its newest living tag began, if it was asked for: epoch milliseconds.
    pub last_modified_ms: Option<i64>,
    /// Actions since the day that was asked for.
    pub actions: Option<i64>,
}

/// What the columns of a list depend on.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    /// `visibility.id` of public.
    pub public: i32,
    /// `repositorykind.id` to list.
    pub kind: i32,
    /// Whose stars.
    pub user: Option<UserId>,
    /// Count actions from this day on.
    pub actions_since: Option<NaiveDate>,
    /// Find the newest tag that lives at this time, epoch milliseconds.
    pub newest_tag_at: Option<i64>,
}

/// Which repositories to list.
#[derive(Clone, Debug, Default)]
pub struct Branches {
    /// Every repository (of the namespace).
    pub everything: bool,
    /// Those that are public.
    pub public: bool,
    /// Those that the user of the [`Columns`] has a permission for.
    pub of_user: bool,
    /// Those that these teams have a permission for.
    pub of_teams: Vec<TeamId>,
    /// Those of these namespaces.
    pub of_namespaces: Vec<NamespaceId>,
    /// Only those of this namespace.
    pub namespace: Option<NamespaceId>,
}

/// A namespace, with one of the teams there that a user is in.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct Membership {
    /// The organization or person.
    pub namespace_id: NamespaceId,
    /// A team of the user; `None` if there is none.
    pub team_id: Option<TeamId>,
    /// `teamrole.id` of that team.
    pub role_id: Option<i32>,
}

/// The name of the namespace is looked up for each row: PostgreSQL would join the whole table of accounts.
macro_rules! columns {
    () => {
        "SELECT r.id, r.namespace_user_id AS namespace_id, \
            (SELECT n.username FROM \"user\" n WHERE n.id = r.namespace_user_id) AS namespace, r.name, r.description, \
            r.visibility_id = $4 AS public, r.state, \
            EXISTS (SELECT 1 FROM star s WHERE s.user_id = $5 AND s.repository_id = r.id) AS starred, \
            CASE WHEN CAST($7 AS BIGINT) IS NULL THEN NULL ELSE (SELECT t.lifetime_start_ms FROM tag t \
                WHERE t.repository_id = r.id AND t.hidden = false AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > $7) \
                ORDER BY t.lifetime_start_ms DESC LIMIT 1) END AS last_modified_ms, \
            (SELECT SUM(c.count) FROM repositoryactioncount c WHERE c.repository_id = r.id AND c.date >= $6) AS actions \
         FROM "
    };
}

statements! {
    /// `$1` first id, `$2` limit, `$3` kind, `$4` public, `$5` user, `$6` day, `$7` time, `$8` whether they may see everything,
    /// `$9` `teamrole` admin.
    STARRED = concat!(columns!(), "star f JOIN repository r ON r.id = f.repository_id \
        WHERE f.user_id = $5 AND f.repository_id >= $1 AND r.state <> 3 AND r.kind_id = $3 \
          AND ($8 OR r.visibility_id = $4 OR r.namespace_user_id = $5 \
            OR EXISTS (SELECT 1 FROM repositorypermission p WHERE p.user_id = $5 AND p.repository_id = r.id) \
            OR EXISTS (SELECT 1 FROM teammember m JOIN repositorypermission p ON p.team_id = m.team_id \
                WHERE m.user_id = $5 AND p.repository_id = r.id) \
            OR EXISTS (SELECT 1 FROM teammember m JOIN team t ON t.id = m.team_id \
                WHERE m.user_id = $5 AND t.organization_id = r.namespace_user_id AND t.role_id = $9)) \
        ORDER BY f.repository_id LIMIT $2");
    /// `$1` namespace, `$2` user. One row at least if the namespace is there.
    MEMBERSHIPS_IN = "SELECT n.id AS namespace_id, t.id AS team_id, t.role_id FROM \"user\" n \
        LEFT JOIN (teammember m JOIN team t ON t.id = m.team_id) ON t.organization_id = n.id AND m.user_id = $2 \
        WHERE n.username = $1 AND n.robot = false";
    MEMBERSHIPS = "SELECT t.organization_id AS namespace_id, t.id AS team_id, t.role_id FROM teammember m \
        JOIN team t ON t.id = m.team_id WHERE m.user_id = $1 ORDER BY t.id";
}

/// Repositories of these branches from an id on.
pub async fn visible(
    conn: &mut Conn,
    columns: &Columns,
    branches: &Branches,
    first: RepositoryId,
    limit: i64,
) -> Result<Vec<ListedRepository>> {
    let (sql, values) = statement(branches);
    if sql.is_empty() {
        return Ok(Vec::new());
    }
    let sql = sqlx::AssertSqlSafe(sql);
    fetch_all_of!(
        conn,
        sql,
        [
            first,
            limit,
            columns.kind,
            columns.public,
            columns.user,
            columns.actions_since,
            columns.newest_tag_at
        ],
        values.iter()
    )
}

/// The text for these branches, and the ids that follow its fixed arguments; an empty text if there are no branches.
fn statement(branches: &Branches) -> (String, Vec<i32>) {
    let mut values = Vec::new();
    let mut place = |id: i32| {
        values.push(id);
        values.len() + 7
    };
    let filter = branches.namespace.map_or_else(String::new, |namespace| {
        format!(" AND r.namespace_user_id = ${}", place(namespace.0))
    });
    let mut parts = Vec::new();
    if branches.everything {
        parts.push(of_repositories(&filter));
    } else {
        if branches.public {
            parts.push(of_repositories(&format!(
                "{filter} AND r.visibility_id = $4"
            )));
        }
        if branches.of_user {
            parts.push(of_permissions("p.user_id = $5", &filter));
        }
        let teams: Vec<i32> = branches.of_teams.iter().map(|team| team.0).collect();
        for group in grouped(&teams) {
            let places: Vec<_> = group.iter().map(|id| format!("${}", place(*id))).collect();
            parts.push(of_permissions(
                &format!("p.team_id IN ({})", places.join(", ")),
                &filter,
            ));
        }
        let namespaces: Vec<i32> = branches.of_namespaces.iter().map(|id| id.0).collect();
        for group in grouped(&namespaces) {
            let places: Vec<_> = group.iter().map(|id| format!("${}", place(*id))).collect();
            parts.push(of_repositories(&format!(
                "{filter} AND r.namespace_user_id IN ({})",
                places.join(", ")
            )));
        }
    }
    if parts.is_empty() {
        return (String::new(), Vec::new());
    }
    let mut union = String::new();
    for (number, part) in parts.iter().enumerate() {
        let separator = if number == 0 { "" } else { " UNION ALL " };
        // Writing to a string cannot fail.
        let _ = write!(union, "{separator}SELECT {BRANCH} FROM ({part}) b{number}");
    }
    let sql = format!(
        "{}(SELECT DISTINCT {BRANCH} FROM ({union}) r ORDER BY id LIMIT $2) r ORDER BY r.id",
        columns!()
    );
    (sql, values)
}

/// Each id by itself, and what is beyond the limit together.
fn grouped(ids: &[i32]) -> impl Iterator<Item = &[i32]> {
    let (single, rest) = ids.split_at(ids.len().min(MOST_BRANCHES));
    single.chunks(1).chain((!rest.is_empty()).then_some(rest))
}

fn of_repositories(filter: &str) -> String {
    format!(
        "SELECT {BRANCH} FROM repository r WHERE r.id >= $1 AND r.state <> 3 AND r.kind_id = $3{filter} ORDER BY r.id LIMIT $2"
    )
}

fn of_permissions(whose: &str, filter: &str) -> String {
    format!(
        "SELECT {BRANCH_OF_PERMISSIONS} FROM repositorypermission p JOIN repository r ON r.id = p.repository_id \
         WHERE {whose} AND p.repository_id >= $1 AND r.state <> 3 AND r.kind_id = $3{filter} \
         ORDER BY p.repository_id LIMIT $2"
    )
}

/// The texts that lists run, for the test that reads their plans: what each is for, and the text.
pub fn shapes() -> Vec<(&'static str, String)> {
    let namespace = Some(NamespaceId(1));
    let branches = [
        (
            "a namespace as its administrator",
            Branches {
                everything: true,
                namespace,
                ..Branches::default()
            },
        ),
        (
            "a namespace as a member of a team",
            Branches {
                public: true,
                of_user: true,
                of_teams: vec![TeamId(1)],
                namespace,
                ..Branches::default()
            },
        ),
        (
            "everything that one may see",
            Branches {
                public: true,
                of_user: true,
                of_teams: vec![TeamId(1), TeamId(2)],
                of_namespaces: vec![NamespaceId(1)],
                ..Branches::default()
            },
        ),
    ];
    branches
        .into_iter()
        .map(|(what, branches)| (what, statement(&branches).0))
        .collect()
}

/// Repositories that the user of the columns starred and may see, from an id on. `admin` is `teamrole` admin.
pub async fn starred(
    conn: &mut Conn,
    columns: &Columns,
    everything: bool,
    admin: i32,
    first: RepositoryId,
    limit: i64,
) -> Result<Vec<ListedRepository>> {
    fetch_all!(
        conn,
        STARRED,
        first,
        limit,
        columns.kind,
        columns.public,
        columns.user,
        columns.actions_since,
        columns.newest_tag_at,
        everything,
        admin
    )
}

/// The namespace with that name and the teams there that the user is in; nothing if there is no such namespace.
pub async fn memberships_in(
    conn: &mut Conn,
    namespace: &str,
    user: Option<UserId>,
) -> Result<Vec<Membership>> {
    fetch_all!(conn, MEMBERSHIPS_IN, namespace, user)
}

/// Every team that the user is in.
pub async fn memberships(conn: &mut Conn, user: UserId) -> Result<Vec<Membership>> {
    fetch_all!(conn, MEMBERSHIPS, user)
}
