//! The database room: schema, migrations, encodings of columns, and every SQL statement, for PostgreSQL and SQLite.
//!
//! Tables, columns and encodings are Quay's; what is our own lives in tables named `pierhead_*` that Quay never sees.
//! Queries hold no policy: a function is one statement. Rules live in the rooms above.

mod conn;
mod database;
pub mod encoding;
pub mod enums;
mod error;
mod ids;
pub mod migrate;
mod own_index;
mod pooler;
pub mod queries;
pub mod schema;
mod statement;
mod tally;
mod writer;

pub use conn::{Conn, EngineConn};
pub use database::{Database, Durability, PostgresOptions, SqliteOptions};
pub use error::{Error, Result};
pub use futures_util::future::BoxFuture;
pub use ids::{
    BlobId, ManifestId, NamespaceId, OrgMirrorId, QuotaId, QuotaLimitId, RepoMirrorId,
    RepoMirrorRuleId, RepositoryId, RobotTokenId, TagId, TeamId, UploadId, UserId,
};
pub use own_index::{OWN_INDEXES, OwnIndex, OwnIndexState, ensure_own_index};
pub use sqlx::postgres::{PgConnectOptions, PgSslMode};
