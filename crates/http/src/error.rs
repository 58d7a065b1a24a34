//! What can keep the server from starting.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The listen address cannot be read.
    #[error(
        "listen address {address:?} is not understood: {reason}; write host:port, for example 127.0.0.1:8080 or [::1]:8080"
    )]
    Address {
        /// As given.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The machine has no IPv6.
    #[error(
        "listener {listener}: this machine has no IPv6 for {address}; set FEATURE_LISTEN_IP_VERSION to IPv4, or enable IPv6"
    )]
    NoIpv6 {
        /// Name of the listener.
        listener: &'static str,
        /// The address it was to have.
        address: SocketAddr,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The address cannot be listened on.
    #[error(
        "listener {listener}: cannot listen on {address}: {source}{}",
        hint(source)
    )]
    Bind {
        /// Name of the listener.
        listener: &'static str,
        /// The address it was to have.
        address: SocketAddr,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A listener speaks TLS but no certificate was given.
    #[error(
        "listener {listener} speaks TLS, but there is no certificate: put ssl.cert and ssl.key into the configuration folder"
    )]
    NoCertificate {
        /// Name of the listener.
        listener: &'static str,
    },
    /// A certificate or key file cannot be read.
    #[error("TLS file {path} cannot be read: {reason}", path = path.display())]
    TlsFile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Certificate and key do not work together.
    #[error("certificate {certificate} and key {key} cannot be used: {source}", certificate = certificate.display(), key = key.display())]
    TlsPair {
        /// The certificate file.
        certificate: PathBuf,
        /// The key file.
        key: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            " (another process listens there: stop it, or choose another port)"
        }
        io::ErrorKind::PermissionDenied => {
            " (ports below 1024 need a privilege: choose a higher one)"
        }
        io::ErrorKind::AddrNotAvailable => " (no interface of this machine has that address)",
        _ => "",
    }
}
