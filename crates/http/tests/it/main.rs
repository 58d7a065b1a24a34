//! The server as clients see it: real sockets, real TLS, real files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod addresses;
mod files;
mod limits;
mod logs;
mod running;
mod stopping;
mod tls;
