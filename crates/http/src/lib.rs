//! Listeners, TLS, HTTP/1.1 and HTTP/2, client addresses, request ids, access log, limits and file
//! bodies: everything between the network and an [`axum::Router`], and nothing of the domain.
//!
//! A connection walks straight through: [`listen`] binds, [`server`] accepts and drains, `connection`
//! reads the PROXY header, shakes hands and enforces the timeouts, `exchange` turns one request into
//! one answer (client address, request id, panic guard, access log), and the router does the rest.
//! A handler answers with the bytes of a file by [`FileSlice`]; on plain HTTP/1 they leave by
//! `sendfile(2)`.

mod access_log;
mod activity;
mod body_timeout;
mod connection;
mod error;
mod exchange;
mod file_body;
mod listen;
mod options;
mod peer;
mod proxy_protocol;
mod redirect;
mod request_id;
mod requested_host;
mod server;
mod socket;
mod tls;

pub use access_log::{AccessLog, AccessLogOptions, LineFormat, WhenFull};
pub use body_timeout::{BodyIdle, IdleBody};
pub use error::HttpError;
pub use exchange::{Answered, Endless, LoggedPath, Observer};
pub use file_body::{FileBody, FileSlice};
pub use listen::{IpFamilies, ListenAddress};
pub use options::{Limits, Listener, ListenerKind, SecurityHeaders, ServerOptions};
pub use peer::{ForwardedHost, Peer, TrustedProxies};
pub use request_id::{RequestId, current_request_id};
pub use requested_host::requested_host;
pub use rustls::CipherSuite;
pub use server::Server;
pub use tls::{TlsOptions, TlsVersions};
