//! A borrowed connection of either engine, on which query functions run.

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres, Sqlite, SqliteConnection, Transaction};

use crate::tally::Tally;

/// One connection, inside or outside a transaction. Query functions take `&mut Conn`.
pub struct Conn {
    inner: Inner,
    tally: Tally,
    prepares: bool,
    lacks_own_tables: bool,
}

pub(crate) enum Inner {
    Postgres(PoolConnection<Postgres>),
    PostgresTransaction(Transaction<'static, Postgres>),
    SqliteReader(PoolConnection<Sqlite>),
    SqliteWriter(SqliteConnection),
}

/// The connection as the type of its engine, for the macros of [`crate::statement`].
#[derive(Debug)]
pub enum EngineConn<'c> {
    /// PostgreSQL.
    Postgres(&'c mut PgConnection),
    /// SQLite.
    Sqlite(&'c mut SqliteConnection),
}

impl Conn {
    pub(crate) fn new(inner: Inner, tally: Tally) -> Self {
        Self {
            inner,
            tally,
            prepares: true,
            lacks_own_tables: false,
        }
    }

    /// A transaction at a server that a pooler lends: see [`crate::pooler`].
    pub(crate) fn lent(inner: Inner, tally: Tally) -> Self {
        Self {
            inner,
            tally,
            prepares: false,
            lacks_own_tables: false,
        }
    }

    /// What follows is counted there.
    pub(crate) fn count_in(&mut self, tally: Tally) {
        self.tally = tally;
    }

    /// Whether a statement may be prepared under a name and used again by that name.
    pub(crate) fn prepares(&self) -> bool {
        self.prepares
    }

    /// The database has none of our tables: see [`crate::Database::without_own_tables`].
    pub(crate) fn do_without_own_tables(&mut self) {
        self.lacks_own_tables = true;
    }

    /// Whether a statement has to do without our tables.
    pub(crate) fn lacks_own_tables(&self) -> bool {
        self.lacks_own_tables
    }

    /// The engine's connection, counted as one statement.
    pub(crate) fn statement(&mut self) -> EngineConn<'_> {
        self.tally.count();
        self.engine()
    }

    /// The engine's connection, for transaction control, which is not counted.
    pub(crate) fn engine(&mut self) -> EngineConn<'_> {
        match &mut self.inner {
            Inner::Postgres(conn) => EngineConn::Postgres(conn),
            Inner::PostgresTransaction(conn) => EngineConn::Postgres(conn),
            Inner::SqliteReader(conn) => EngineConn::Sqlite(conn),
            Inner::SqliteWriter(conn) => EngineConn::Sqlite(conn),
        }
    }

    /// Whether statements go to PostgreSQL: for the few rules that only one engine needs, such as advisory locks.
    pub fn is_postgres(&self) -> bool {
        matches!(
            self.inner,
            Inner::Postgres(_) | Inner::PostgresTransaction(_)
        )
    }

    pub(crate) fn into_inner(self) -> Inner {
        self.inner
    }
}

impl std::fmt::Debug for Conn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conn")
            .field("postgres", &self.is_postgres())
            .finish_non_exhaustive()
    }
}
