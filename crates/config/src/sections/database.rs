//! The database.

use std::path::PathBuf;

use crate::database_uri::DatabaseUri;
use crate::field::{Mark, choice, object, options, section};

choice! {
    /// How TLS to PostgreSQL is used, as libpq names it.
    SslMode {
        /// Never.
        Disable = "disable",
        /// Only if the server insists.
        Allow = "allow",
        /// If the server can.
        Prefer = "prefer",
        /// Always, without checking the certificate.
        Require = "require",
        /// Always, with a certificate of a known CA.
        VerifyCa = "verify-ca",
        /// Always, with a certificate of a known CA for this host.
        VerifyFull = "verify-full",
    }
}

object! {
    /// `DB_CONNECTION_ARGS.ssl`, written for MySQL.
    SslFiles {
        /// CA certificate file.
        ca => ca: Option<PathBuf> = None;
        /// Client certificate file.
        cert => cert: Option<PathBuf> = None;
        /// Client key file.
        key => key: Option<PathBuf> = None;
    }
}

options! {
    /// `DB_CONNECTION_ARGS`: arguments of the database connection.
    ConnectionArgs {
        /// Of Quay's database library.
        threadlocals => threadlocals: bool = true, Mark::Ignored("a detail of Quay's database library");
        /// Of Quay's database library.
        autorollback => autorollback: bool = true, Mark::Ignored("a detail of Quay's database library");
        /// Most connections in the pool.
        max_connections => max_connections: Option<u32> = None;
        /// Seconds after which an idle connection is closed.
        stale_timeout => stale_timeout: Option<u32> = None;
        /// Seconds to wait for a free connection.
        timeout => timeout: Option<u32> = None;
        /// Seconds to wait for a new connection.
        connect_timeout => connect_timeout: Option<u32> = None;
        /// Use of TLS.
        sslmode => sslmode: Option<SslMode> = None;
        /// CA certificate file.
        sslrootcert => sslrootcert: Option<PathBuf> = None;
        /// Client certificate file.
        sslcert => sslcert: Option<PathBuf> = None;
        /// Client key file.
        sslkey => sslkey: Option<PathBuf> = None;
        /// Revocation list file.
        sslcrl => sslcrl: Option<PathBuf> = None;
        /// Directory of revocation lists.
        sslcrldir => sslcrldir: Option<PathBuf> = None;
        /// Compression inside TLS.
        sslcompression => sslcompression: Option<bool> = None, Mark::Ignored("TLS compression is unsafe");
        /// Send the server name.
        sslsni => sslsni: Option<bool> = None;
        /// Oldest TLS version.
        ssl_min_protocol_version => ssl_min_protocol_version: Option<String> = None;
        /// Newest TLS version.
        ssl_max_protocol_version => ssl_max_protocol_version: Option<String> = None;
        /// TCP keepalive.
        keepalives => keepalives: Option<bool> = None;
        /// Seconds of idleness before the first keepalive.
        keepalives_idle => keepalives_idle: Option<u32> = None;
        /// Seconds between keepalives.
        keepalives_interval => keepalives_interval: Option<u32> = None;
        /// Lost keepalives before the connection is dead.
        keepalives_count => keepalives_count: Option<u32> = None;
        /// Milliseconds that sent data may stay unacknowledged.
        tcp_user_timeout => tcp_user_timeout: Option<u32> = None;
        /// TLS files as MySQL's driver takes them.
        ssl => ssl: Option<SslFiles> = None, Mark::Ignored("for MySQL, which is not supported");
    }
}

object! {
    /// One element of `DB_READ_REPLICAS`.
    ReadReplica {
        /// Address of the replica.
        DB_URI => db_uri: DatabaseUri;
        /// Arguments of its connections.
        DB_CONNECTION_ARGS => db_connection_args: ConnectionArgs = ConnectionArgs::default();
        /// Use a pool.
        DB_CONNECTION_POOLING => db_connection_pooling: bool = true;
    }
}

section! {
    /// The database.
    Database {
        /// Address of the database: `postgresql://user:password@host:port/name`, `sqlite:///relative/path` or `sqlite:////absolute/path`; user and password are URL-encoded.
        DB_URI => db_uri: DatabaseUri = DatabaseUri::sqlite("test/data/test.db");
        /// Arguments of database connections.
        DB_CONNECTION_ARGS => db_connection_args: ConnectionArgs = ConnectionArgs::default();
        /// Use a pool. Quay also wants the environment variable of the same name to be `true`.
        DB_CONNECTION_POOLING => db_connection_pooling: bool = true;
        /// Replicas; reads that tolerate lag pick one at random.
        DB_READ_REPLICAS => db_read_replicas: Option<Vec<ReadReplica>> = None, Mark::Undocumented;
        /// Database host for build nodes.
        BUILDER_DB_HOST_OVERRIDE => builder_db_host_override: Option<String> = None, Mark::Undocumented;
    }
}
