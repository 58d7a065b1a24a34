//! The API room: the management API, sign-in and OAuth pages, the key server, discovery documents, health, and the page at
//! `/`.
//!
//! A request walks router ([`mod@router`]) → guard (the first argument of the handler: who may call, and what was found out on
//! the way) → controller (parse, call, map) → the rule (in [`pierhead_auth::accounts`], in `services`, or in the registry) →
//! query function. Controllers are one file per domain; answers and errors have the shapes of Quay (api-v1.md §3.1), made in
//! `json` and `error` only.

mod caller;
mod captcha_page;
mod config;
mod controllers;
mod cors;
mod dates;
mod description;
mod error;
mod extract;
mod first_user;
mod guard;
mod health;
mod hex;
mod json;
mod key_server;
mod landing;
mod oauth_pages;
mod repository_path;
mod route;
mod router;
mod services;
mod session;
mod site_files;
mod state;
#[cfg(test)]
mod testing;
mod views;

pub use config::{ApiConfig, HealthConfig};
pub use guard::{Rule, Who};
pub use router::{DeclaredRoute, router, routes};
pub use services::external_login::LoginServices;
pub use services::triggers::GitHosts;
pub use session::SessionConfig;
pub use site_files::SiteFiles;
pub use state::{Api, Parts};
pub use views::log_entry::show_log_row;
