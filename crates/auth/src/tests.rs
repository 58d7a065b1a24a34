//! The room as a whole, on a migrated SQLite database with a clock that the tests move.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
mod attacks;
mod direct_sign_in;
mod federation;
mod fixture;
mod issue;
mod revocation;
mod service_keys;
mod sign_in;
