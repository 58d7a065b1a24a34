//! One text for both engines: the macros with which a query function runs its statement, and the list of all texts, from
//! which a test prepares every statement on both engines.

/// Names the SQL texts of a module and lists them in `STATEMENTS`.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* const $name: &str = $sql;)*
        /// Every statement of this module, for the test that prepares them on both engines.
        pub(crate) const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

/// Runs a statement and returns `Result<Option<Row>>`.
macro_rules! fetch_optional {
    ($conn:expr, $sql:expr $(, $arg:expr)* $(,)?) => {
        $crate::statement::run!($conn, fetch_optional, $sql $(, $arg)*)
    };
}

/// Runs a statement and returns `Result<Row>`.
macro_rules! fetch_one {
    ($conn:expr, $sql:expr $(, $arg:expr)* $(,)?) => {
        $crate::statement::run!($conn, fetch_one, $sql $(, $arg)*)
    };
}

/// Runs a statement and returns `Result<Vec<Row>>`.
macro_rules! fetch_all {
    ($conn:expr, $sql:expr $(, $arg:expr)* $(,)?) => {
        $crate::statement::run!($conn, fetch_all, $sql $(, $arg)*)
    };
}

/// Runs a statement and returns the number of rows it changed.
macro_rules! execute {
    ($conn:expr, $sql:expr $(, $arg:expr)* $(,)?) => {{
        let prepares = $conn.prepares();
        match $conn.statement() {
            $crate::conn::EngineConn::Postgres(conn) => sqlx::query::<sqlx::Postgres>($sql)
                .persistent(prepares)
                $(.bind($arg))*
                .execute(conn)
                .await
                .map(|done| done.rows_affected()),
            $crate::conn::EngineConn::Sqlite(conn) => sqlx::query::<sqlx::Sqlite>($sql)
                $(.bind($arg))*
                .execute(conn)
                .await
                .map(|done| done.rows_affected()),
        }
        .map_err($crate::error::Error::from)
    }};
}

macro_rules! run {
    ($conn:expr, $how:ident, $sql:expr $(, $arg:expr)*) => {{
        let prepares = $conn.prepares();
        match $conn.statement() {
            $crate::conn::EngineConn::Postgres(conn) => {
                sqlx::query_as::<sqlx::Postgres, _>($sql).persistent(prepares)$(.bind($arg))*.$how(conn).await
            }
            $crate::conn::EngineConn::Sqlite(conn) => {
                sqlx::query_as::<sqlx::Sqlite, _>($sql)$(.bind($arg))*.$how(conn).await
            }
        }
        .map_err($crate::error::Error::from)
    }};
}

/// Like [`fetch_all`], with fixed arguments followed by an iterator of values for an `IN` list.
macro_rules! fetch_all_of {
    ($conn:expr, $sql:expr, [$($arg:expr),*], $values:expr) => {{
        let prepares = $conn.prepares();
        match $conn.statement() {
            $crate::conn::EngineConn::Postgres(conn) => {
                let mut query = sqlx::query_as::<sqlx::Postgres, _>($sql).persistent(prepares)$(.bind($arg))*;
                for value in $values {
                    query = query.bind(value);
                }
                query.fetch_all(conn).await
            }
            $crate::conn::EngineConn::Sqlite(conn) => {
                let mut query = sqlx::query_as::<sqlx::Sqlite, _>($sql)$(.bind($arg))*;
                for value in $values {
                    query = query.bind(value);
                }
                query.fetch_all(conn).await
            }
        }
        .map_err($crate::error::Error::from)
    }};
}

/// Like [`execute`], with fixed arguments followed by an iterator of values, or with a function that binds.
macro_rules! execute_of {
    ($conn:expr, $sql:expr, |$query:ident| $bind:block) => {{
        let prepares = $conn.prepares();
        match $conn.statement() {
            $crate::conn::EngineConn::Postgres(conn) => {
                let $query = sqlx::query::<sqlx::Postgres>($sql).persistent(prepares);
                $bind.execute(conn).await.map(|done| done.rows_affected())
            }
            $crate::conn::EngineConn::Sqlite(conn) => {
                let $query = sqlx::query::<sqlx::Sqlite>($sql);
                $bind.execute(conn).await.map(|done| done.rows_affected())
            }
        }
        .map_err($crate::error::Error::from)
    }};
    ($conn:expr, $sql:expr, [$($arg:expr),*], $values:expr) => {
        execute_of!($conn, $sql, |query| {
            let mut query = query$(.bind($arg))*;
            for value in $values {
                query = query.bind(value);
            }
            query
        })
    };
}

pub(crate) use {
    execute, execute_of, fetch_all, fetch_all_of, fetch_one, fetch_optional, run, statements,
};

/// Placeholders `($n, …)` for `IN` lists, with the number of values rounded up to a power of two so that few texts exist.
///
/// `first` is the number of the first placeholder. The caller repeats its last value to fill [`padded`] places.
pub(crate) fn placeholders(first: usize, values: usize) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(values * 5);
    for n in 0..padded(values) {
        let separator = if n == 0 { "(" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}${}", first + n);
    }
    text.push(')');
    text
}

/// How many places [`placeholders`] makes for that many values.
pub(crate) fn padded(values: usize) -> usize {
    values.max(1).next_power_of_two()
}
