//! The fields of `config.yaml`, grouped as in the reference.

pub mod database;
pub mod health;
pub mod keys;
pub mod server;
pub mod storage;
pub mod tags;
pub mod tokens;
pub mod users;

/// A list of texts, for defaults.
pub(crate) fn texts(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}
