//! Opening a database, and lending its connections.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::conn::{Conn, Inner};
use crate::error::{Error, Result};
use crate::pooler;
use crate::tally::Tally;
use crate::writer::Writer;

/// How long a caller waits for a free connection before it is told that the database is not available.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// A pooled connection that was idle for longer is pinged before use, so that a restarted server is noticed.
const PING_AFTER: Duration = Duration::from_secs(5);
/// How long SQLite waits for a lock that another process holds (Quay's `busy_timeout`).
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// What a committed write survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Loss of power: the answer waits for the disk.
    Full,
    /// A crash of the process. For rows that only spare a client a retry, such as upload sessions.
    Relaxed,
}

/// How to open SQLite.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// The database file; its folder must exist.
    pub path: PathBuf,
    /// Connections for reading. Each is a thread.
    pub readers: u32,
}

impl SqliteOptions {
    /// The file with the default number of readers.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            readers: 4,
        }
    }
}

/// How to open PostgreSQL.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// Address, credentials and TLS.
    pub connect: PgConnectOptions,
    /// Most connections held at once.
    pub max_connections: u32,
}

impl PostgresOptions {
    /// Options from a `postgresql://` URL.
    pub fn from_url(url: &str) -> Result<Self> {
        Ok(Self {
            connect: PgConnectOptions::from_str(url)?,
            max_connections: 20,
        })
    }
}

/// A database of either engine. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    engine: Engine,
    tally: Tally,
    /// Connections that were opened.
    connects: Arc<AtomicU64>,
    lacks_own_tables: bool,
}

#[derive(Clone, Debug)]
enum Engine {
    Postgres(PgPool),
    /// PostgreSQL behind a pooler, where only a transaction stays at one server: see [`crate::pooler`].
    PooledPostgres(PgPool),
    Sqlite {
        readers: SqlitePool,
        writer: Writer,
    },
}

impl Database {
    /// Opens an SQLite file, making it if it is missing. This process must be the only one that serves from it.
    pub async fn sqlite(options: &SqliteOptions) -> Result<Self> {
        let tally = Tally::default();
        let connect = SqliteConnectOptions::new()
            .filename(&options.path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        let writer = Writer::start(connect.connect().await?, &options.path, tally.clone());
        let connects = Arc::new(AtomicU64::new(0));
        let connected = connects.clone();
        let readers = SqlitePoolOptions::new()
            .after_connect(move |_, _| {
                connected.fetch_add(1, Ordering::Relaxed);
                Box::pin(std::future::ready(Ok(())))
            })
            .max_connections(options.readers)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .connect_lazy_with(connect.pragma("query_only", "ON"));
        Ok(Self {
            engine: Engine::Sqlite { readers, writer },
            tally,
            connects,
            lacks_own_tables: false,
        })
    }

    /// Connects to PostgreSQL, directly or through a pooler such as pgBouncer.
    pub async fn postgres(options: PostgresOptions) -> Result<Self> {
        let pooled = pooler::stands_before(&options.connect).await?;
        let connects = Arc::new(AtomicU64::new(0));
        let connected = connects.clone();
        let pool = PgPoolOptions::new()
            .after_connect(move |_, _| {
                connected.fetch_add(1, Ordering::Relaxed);
                Box::pin(std::future::ready(Ok(())))
            })
            .max_connections(options.max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .before_acquire(|conn, meta| {
                Box::pin(async move { Ok(meta.idle_for < PING_AFTER || conn.ping().await.is_ok()) })
            })
            .connect_with(options.connect.disable_statement_logging())
            .await
            .map_err(Error::Unavailable)?;
        let engine = if pooled {
            Engine::PooledPostgres(pool)
        } else {
            Engine::Postgres(pool)
        };
        Ok(Self {
            engine,
            tally: Tally::default(),
            connects,
            lacks_own_tables: false,
        })
    }

    /// The same database, of which is known that it has Quay's tables but not ours, and that nothing may be written: a
    /// read-only registry serves what Quay left. Reads then ask nothing of our tables.
    #[must_use]
    pub fn without_own_tables(mut self) -> Self {
        self.lacks_own_tables = true;
        self
    }

    /// Whether other processes may write to this database while we serve from it, so that what was read may be stale.
    pub fn is_shared(&self) -> bool {
        !matches!(self.engine, Engine::Sqlite { .. })
    }

    /// Whether a pooler stands before PostgreSQL, so that a statement costs more round trips.
    pub fn is_pooled(&self) -> bool {
        matches!(self.engine, Engine::PooledPostgres(_))
    }

    /// A connection for reading, outside any transaction (behind a pooler: inside one that ends with the connection's use).
    pub async fn read(&self) -> Result<Conn> {
        let tally = self.tally.clone();
        let mut conn = match &self.engine {
            Engine::Postgres(pool) => {
                let lent = pool.acquire().await.map_err(Error::Unavailable)?;
                Conn::new(Inner::Postgres(lent), tally)
            }
            Engine::PooledPostgres(pool) => {
                let transaction = pool.begin().await.map_err(Error::Unavailable)?;
                Conn::lent(Inner::PostgresTransaction(transaction), tally)
            }
            Engine::Sqlite { readers, .. } => {
                let lent = readers.acquire().await.map_err(Error::Unavailable)?;
                Conn::new(Inner::SqliteReader(lent), tally)
            }
        };
        if self.lacks_own_tables {
            conn.do_without_own_tables();
        }
        Ok(conn)
    }

    /// A connection outside any transaction, behind a pooler too: there each statement may meet another server, so they have to
    /// go by the simple protocol.
    pub(crate) async fn outside_transactions(&self) -> Result<Conn> {
        match &self.engine {
            Engine::PooledPostgres(pool) => {
                let inner = Inner::Postgres(pool.acquire().await.map_err(Error::Unavailable)?);
                Ok(Conn::lent(inner, self.tally.clone()))
            }
            Engine::Postgres(_) | Engine::Sqlite { .. } => self.read().await,
        }
    }

    /// Runs `write` inside one transaction. `Ok` commits before it is returned, `Err` takes every change back.
    ///
    /// On SQLite the transaction may be shared with other writes, each in a savepoint of its own.
    pub async fn write<T, E, F>(&self, durability: Durability, write: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let pool = match &self.engine {
            Engine::Postgres(pool) | Engine::PooledPostgres(pool) => pool,
            Engine::Sqlite { writer, .. } => {
                return writer.write(durability, &self.tally, write).await;
            }
        };
        let transaction = pool.begin().await.map_err(Error::Unavailable)?;
        let inner = Inner::PostgresTransaction(transaction);
        let tally = self.tally.clone();
        let mut conn = if self.is_pooled() {
            Conn::lent(inner, tally)
        } else {
            Conn::new(inner, tally)
        };
        // Dropping the connection on an error rolls back.
        let value = write(&mut conn).await?;
        if let Inner::PostgresTransaction(transaction) = conn.into_inner() {
            transaction.commit().await.map_err(Error::from)?;
        }
        Ok(value)
    }

    /// The same database, for work that no request waits for: its statements are counted apart, so that what a request costs
    /// can be told exactly.
    #[must_use]
    pub fn in_background(&self) -> Self {
        Self {
            tally: self.tally.of_background(),
            ..self.clone()
        }
    }

    /// How many statements were executed for requests since the database was opened (transaction control is not counted).
    pub fn statements(&self) -> u64 {
        self.tally.for_requests()
    }

    /// How many were executed by what no request waits for: see [`Database::in_background`].
    pub fn background_statements(&self) -> u64 {
        self.tally.in_background()
    }

    /// Writes that wait for SQLite's only writer; none on PostgreSQL.
    pub fn queued_writes(&self) -> usize {
        match &self.engine {
            Engine::Postgres(_) | Engine::PooledPostgres(_) => 0,
            Engine::Sqlite { writer, .. } => writer.queued(),
        }
    }

    /// Connections of the pool: in use, and idle.
    pub fn connections(&self) -> (u32, usize) {
        let (size, idle) = match &self.engine {
            Engine::Postgres(pool) | Engine::PooledPostgres(pool) => (pool.size(), pool.num_idle()),
            Engine::Sqlite { readers, .. } => (readers.size(), readers.num_idle()),
        };
        (size.saturating_sub(idle as u32), idle)
    }

    /// Connections of the pool since the database was opened: how many were opened, and how many of them were closed again.
    pub fn connection_changes(&self) -> (u64, u64) {
        let opened = self.connects.load(Ordering::Relaxed);
        let (in_use, idle) = self.connections();
        (
            opened,
            opened.saturating_sub(u64::from(in_use) + idle as u64),
        )
    }
}
