//! Reading the audit log: pages, counts and exports over `logentry3` and the two older tables that a database may still
//! hold (`logentry2` of quay.io's time, `logentry`).
//!
//! Each statement asks every table for at most one page through its index and merges them, so a page costs the same
//! whatever the tables hold. A row's place is (time, table, id): rows of one time are told apart, and a page begins where
//! the last one ended, not after an offset.

use chrono::NaiveDateTime;

use crate::conn::Conn;
use crate::error::Result;
use crate::statement::{fetch_all, statements};
use crate::{RepositoryId, UserId};

/// How many kinds the `_WITHOUT` statements leave out.
pub const HIDDEN_KINDS: usize = 6;

/// Whose log is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    All,
    /// A namespace, with its repositories.
    Account {
        /// The person or organization.
        account: UserId,
        /// Only what this person or robot did.
        performer: Option<UserId>,
        /// Kinds (`logentrykind.id`) that are left out.
        without: Option<[i32; HIDDEN_KINDS]>,
    },
    /// One repository.
    Repository(RepositoryId),
}

/// A row of an audit log with the names that its numbers mean. Names are `None` for accounts that are gone.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct LogRow {
    /// The table: 3 for `logentry3`, 2 for `logentry2`, 1 for `logentry`.
    pub source: i32,
    /// The id in that table.
    pub id: i64,
    /// `logentrykind.id`.
    pub kind: i32,
    /// When, in UTC.
    pub datetime: NaiveDateTime,
    /// Address of the client.
    pub ip: Option<String>,
    /// A JSON object.
    pub metadata_json: String,
    /// Who did it.
    pub performer: Option<String>,
    /// The performer's address.
    pub performer_email: Option<String>,
    /// Whether the performer is a robot.
    pub performer_robot: Option<bool>,
    /// The namespace it is about.
    pub account: Option<String>,
    /// The namespace's address.
    pub account_email: Option<String>,
    /// Whether the namespace is an organization.
    pub account_organization: Option<bool>,
    /// Whether the namespace is a robot.
    pub account_robot: Option<bool>,
}

/// How often something happened on a day.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct LogCount {
    /// `logentrykind.id`.
    pub kind: i32,
    /// `YYYY-MM-DD`, in UTC.
    pub day: String,
    /// How often.
    pub count: i64,
}

/// A place in the order of a log: the row that was read last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPlace {
    /// [`LogRow::datetime`].
    pub datetime: NaiveDateTime,
    /// [`LogRow::source`].
    pub source: i32,
    /// [`LogRow::id`].
    pub id: i64,
}

impl LogRow {
    /// Where the row stands.
    pub fn place(&self) -> LogPlace {
        LogPlace {
            datetime: self.datetime,
            source: self.source,
            id: self.id,
        }
    }
}

impl LogPlace {
    /// A bound that no row stands at: behind every row of that time going back, before every row of it going forward.
    fn bound(datetime: NaiveDateTime) -> Self {
        Self {
            datetime,
            source: 0,
            id: 0,
        }
    }

    /// Going back in time: rows of that table and of this very time come after this place if their id is below this.
    fn below(self, source: i32) -> i64 {
        match source.cmp(&self.source) {
            std::cmp::Ordering::Less => i64::MAX,
            std::cmp::Ordering::Equal => self.id,
            std::cmp::Ordering::Greater => 0,
        }
    }

    /// Going forward in time: rows of that table and of this very time come after this place if their id is above this.
    fn above(self, source: i32) -> i64 {
        match source.cmp(&self.source) {
            std::cmp::Ordering::Less => i64::MAX,
            std::cmp::Ordering::Equal => self.id,
            std::cmp::Ordering::Greater => -1,
        }
    }
}

/// One table's part of a page. `$1` and `$2` bound the time, `$id` is the bound among rows of that very time.
macro_rules! part {
    ($source:literal, $table:literal, $id:literal, $time:literal, $order:literal, $filter:literal) => {
        concat!(
            "SELECT * FROM (SELECT ",
            $source,
            " AS source, id, kind_id, account_id, performer_id, datetime, ip, \
                 metadata_json FROM ",
            $table,
            " WHERE ",
            $filter,
            " datetime >= $1 AND ",
            $time,
            " CAST(",
            $id,
            " AS BIGINT))",
            " ORDER BY datetime ",
            $order,
            ", id ",
            $order,
            " LIMIT $6) AS t",
            $source
        )
    };
}

macro_rules! merged {
    ($time:literal, $order:literal, $filter:literal) => {
        concat!(
            r"SELECT l.source, l.id, l.kind_id AS kind, l.datetime, l.ip, l.metadata_json, p.username AS performer,
                p.email AS performer_email, p.robot AS performer_robot, a.username AS account,
                a.email AS account_email, a.organization AS account_organization, a.robot AS account_robot
            FROM (",
            part!("3", "logentry3", "$3", $time, $order, $filter),
            " UNION ALL ",
            part!("2", "logentry2", "$4", $time, $order, $filter),
            " UNION ALL ",
            part!("1", "logentry", "$5", $time, $order, $filter),
            r#") AS l
            LEFT JOIN "user" p ON p.id = l.performer_id
            LEFT JOIN "user" a ON a.id = l.account_id
            ORDER BY l.datetime "#, $order, ", l.source ", $order, ", l.id ", $order, " LIMIT $6"
        )
    };
}

/// Newest first, from `$2` back to `$1`.
macro_rules! page {
    ($filter:literal) => {
        merged!("datetime <= $2 AND (datetime < $2 OR id <", "DESC", $filter)
    };
}

/// Oldest first, from `$1` on to before `$2`.
macro_rules! export {
    ($filter:literal) => {
        merged!("datetime < $2 AND (datetime > $1 OR id >", "ASC", $filter)
    };
}

macro_rules! counted {
    ($table:literal, $filter:literal) => {
        concat!(
            "SELECT kind_id, substr(CAST(datetime AS TEXT), 1, 10) AS day, COUNT(*) AS n FROM ",
            $table,
            " WHERE ",
            $filter,
            " datetime >= $1 AND datetime < $2 GROUP BY 1, 2"
        )
    };
}

macro_rules! counts {
    ($filter:literal) => {
        concat!(
            "SELECT kind_id AS kind, day, CAST(SUM(n) AS BIGINT) AS count FROM (",
            counted!("logentry3", $filter),
            " UNION ALL ",
            counted!("logentry2", $filter),
            " UNION ALL ",
            counted!("logentry", $filter),
            ") AS c GROUP BY kind_id, day ORDER BY day, kind_id"
        )
    };
}

statements! {
    PAGE_ALL = page!("");
    PAGE_ACCOUNT = page!("account_id = $7 AND");
    PAGE_ACCOUNT_BY = page!("account_id = $7 AND performer_id = $8 AND");
    PAGE_ACCOUNT_WITHOUT = page!("account_id = $7 AND kind_id NOT IN ($8, $9, $10, $11, $12, $13) AND");
    PAGE_ACCOUNT_BY_WITHOUT =
        page!("account_id = $7 AND kind_id NOT IN ($8, $9, $10, $11, $12, $13) AND performer_id = $14 AND");
    PAGE_REPOSITORY = page!("repository_id = $7 AND");
    EXPORT_ACCOUNT = export!("account_id = $7 AND");
    EXPORT_REPOSITORY = export!("repository_id = $7 AND");
    COUNT_ALL = counts!("");
    COUNT_ACCOUNT = counts!("account_id = $3 AND");
    COUNT_ACCOUNT_BY = counts!("account_id = $3 AND performer_id = $4 AND");
    COUNT_ACCOUNT_WITHOUT = counts!("account_id = $3 AND kind_id NOT IN ($4, $5, $6, $7, $8, $9) AND");
    COUNT_ACCOUNT_BY_WITHOUT =
        counts!("account_id = $3 AND kind_id NOT IN ($4, $5, $6, $7, $8, $9) AND performer_id = $10 AND");
    COUNT_REPOSITORY = counts!("repository_id = $3 AND");
}

/// Rows with `start <= datetime < end`, newest first, behind a place or from the end on.
pub async fn page(
    conn: &mut Conn,
    scope: Scope,
    start: NaiveDateTime,
    end: NaiveDateTime,
    after: Option<LogPlace>,
    limit: i64,
) -> Result<Vec<LogRow>> {
    let from = after.unwrap_or(LogPlace::bound(end));
    let to = from.datetime;
    let (b3, b2, b1) = (from.below(3), from.below(2), from.below(1));
    match scope {
        Scope::All => fetch_all!(conn, PAGE_ALL, start, to, b3, b2, b1, limit),
        Scope::Repository(repository) => {
            fetch_all!(
                conn,
                PAGE_REPOSITORY,
                start,
                to,
                b3,
                b2,
                b1,
                limit,
                repository
            )
        }
        Scope::Account {
            account,
            performer: None,
            without: None,
        } => fetch_all!(conn, PAGE_ACCOUNT, start, to, b3, b2, b1, limit, account),
        Scope::Account {
            account,
            performer: Some(performer),
            without: None,
        } => fetch_all!(
            conn,
            PAGE_ACCOUNT_BY,
            start,
            to,
            b3,
            b2,
            b1,
            limit,
            account,
            performer
        ),
        Scope::Account {
            account,
            performer: None,
            without: Some([k1, k2, k3, k4, k5, k6]),
        } => fetch_all!(
            conn,
            PAGE_ACCOUNT_WITHOUT,
            start,
            to,
            b3,
            b2,
            b1,
            limit,
            account,
            k1,
            k2,
            k3,
            k4,
            k5,
            k6
        ),
        Scope::Account {
            account,
            performer: Some(performer),
            without: Some([k1, k2, k3, k4, k5, k6]),
        } => fetch_all!(
            conn,
            PAGE_ACCOUNT_BY_WITHOUT,
            start,
            to,
            b3,
            b2,
            b1,
            limit,
            account,
            k1,
            k2,
            k3,
            k4,
            k5,
            k6,
            performer
        ),
    }
}

/// Rows of a namespace, or of one repository, with `start <= datetime < end`, oldest first, behind a place.
pub async fn export(
    conn: &mut Conn,
    namespace: UserId,
    repository: Option<RepositoryId>,
    start: NaiveDateTime,
    end: NaiveDateTime,
    after: Option<LogPlace>,
    limit: i64,
) -> Result<Vec<LogRow>> {
    let from = after.unwrap_or(LogPlace::bound(start));
    let start = from.datetime;
    let (b3, b2, b1) = (from.above(3), from.above(2), from.above(1));
    if let Some(repository) = repository {
        return fetch_all!(
            conn,
            EXPORT_REPOSITORY,
            start,
            end,
            b3,
            b2,
            b1,
            limit,
            repository
        );
    }
    fetch_all!(
        conn,
        EXPORT_ACCOUNT,
        start,
        end,
        b3,
        b2,
        b1,
        limit,
        namespace
    )
}

/// How often each kind happened on each day with `start <= datetime < end`, by day.
pub async fn count(
    conn: &mut Conn,
    scope: Scope,
    start: NaiveDateTime,
    end: NaiveDateTime,
) -> Result<Vec<LogCount>> {
    match scope {
        Scope::All => fetch_all!(conn, COUNT_ALL, start, end),
        Scope::Repository(repository) => fetch_all!(conn, COUNT_REPOSITORY, start, end, repository),
        Scope::Account {
            account,
            performer: None,
            without: None,
        } => fetch_all!(conn, COUNT_ACCOUNT, start, end, account),
        Scope::Account {
            account,
            performer: Some(performer),
            without: None,
        } => fetch_all!(conn, COUNT_ACCOUNT_BY, start, end, account, performer),
        Scope::Account {
            account,
            performer: None,
            without: Some([k1, k2, k3, k4, k5, k6]),
        } => fetch_all!(
            conn,
            COUNT_ACCOUNT_WITHOUT,
            start,
            end,
            account,
            k1,
            k2,
            k3,
            k4,
            k5,
            k6
        ),
        Scope::Account {
            account,
            performer: Some(performer),
            without: Some([k1, k2, k3, k4, k5, k6]),
        } => fetch_all!(
            conn,
            COUNT_ACCOUNT_BY_WITHOUT,
            start,
            end,
            account,
            k1,
            k2,
            k3,
            k4,
            k5,
            k6,
            performer
        ),
    }
}
