//! Views that several answers share (api-v1.md §4).

pub(crate) mod avatar;
pub(crate) mod oauth;
pub(crate) mod quota;
