//! The rules of the management API that belong to no other room, by domain. No HTTP but the status of a refusal, no SQL.

pub(crate) mod registry_size;
pub(crate) mod search;
