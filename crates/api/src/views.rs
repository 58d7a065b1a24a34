//! Views that several answers share (api-v1.md §4).

pub(crate) mod account_ref;
pub(crate) mod avatar;
pub(crate) mod build;
pub(crate) mod held_permission;
pub(crate) mod log_entry;
pub(crate) mod oauth;
pub(crate) mod quota;
pub(crate) mod superuser_user;
pub(crate) mod user;
