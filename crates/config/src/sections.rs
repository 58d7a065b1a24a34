//! The fields of `config.yaml`, grouped as in the reference.

pub mod auth;
pub mod builds;
pub mod database;
pub mod health;
pub mod keys;
pub mod logs;
pub mod mail;
pub mod mirroring;
pub mod queues;
pub mod quota;
pub mod redis;
pub mod scanner;
pub mod server;
pub mod signing;
pub mod spam;
pub mod storage;
pub mod tags;
pub mod tokens;
pub mod ui;
pub mod users;

/// A list of texts, for defaults.
pub(crate) fn texts(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}
