//! `/api/v1/user`: for now the first user of an empty database (api-v1.md §6.1).

mod initialize;

pub(crate) use initialize::initialize;
