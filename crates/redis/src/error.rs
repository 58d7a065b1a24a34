//! What can go wrong with Redis. No error holds a credential.

use std::path::PathBuf;
use std::time::Duration;

/// Why Redis did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// Host and port.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The server, or what is between, does not speak TLS as it must.
    #[error("no TLS with {address}: {source}")]
    Tls {
        /// Host and port.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// It took too long.
    #[error("{address} did not answer within {} ms", limit.as_millis())]
    TooSlow {
        /// Host and port.
        address: String,
        /// How long was waited.
        limit: Duration,
    },
    /// The server refused, or the connection broke.
    #[error("{address}: {source}")]
    Redis {
        /// Host and port.
        address: String,
        /// Why.
        source: redis::RedisError,
    },
    /// The server closed the connection.
    #[error("{address} closed the connection")]
    Closed {
        /// Host and port.
        address: String,
    },
}

/// Why a server cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A file of certificates or of a key cannot be read.
    #[error("{field}: cannot read {}: {source}", path.display())]
    File {
        /// The key of the configuration.
        field: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A certificate or key is malformed.
    #[error("{field}: {reason}")]
    Content {
        /// The key of the configuration.
        field: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Nothing is trusted.
    #[error(
        "ssl: the system has no certificate authorities; name those of the server in ssl_ca_certs"
    )]
    NoAuthorities,
    /// The host is no name that a certificate can be for.
    #[error("host: {host:?} is neither a host name nor an address")]
    Host {
        /// As configured.
        host: String,
    },
    /// The settings do not fit together.
    #[error("ssl: {0}")]
    Rustls(#[from] rustls::Error),
}
