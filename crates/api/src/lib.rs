//! The API room: the management API, the key server, discovery documents, health, and the page at `/`.
//!
//! A request walks router ([`router`], which declares the guard of each route) → controller (parse, call, map) → the rule
//! (in [`pierhead_auth::accounts`], `health`, `key_server`, `landing`) → query function. Controllers are one file per domain
//! of the API; answers and errors have the shapes of Quay (api-v1.md §3.1), made in `json` and `error` only.

mod config;
mod controllers;
mod error;
mod first_user;
mod guard;
mod health;
mod json;
mod key_server;
mod landing;
mod router;
mod state;
#[cfg(test)]
mod testing;

pub use config::{ApiConfig, HealthConfig};
pub use guard::{DeclaredRoute, Guard};
pub use router::{router, routes};
pub use state::{Api, Parts};
