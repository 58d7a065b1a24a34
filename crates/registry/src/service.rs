//! The rules of the registry, free of HTTP and SQL.

pub(crate) mod blobs;
pub(crate) mod labels;
pub(crate) mod manifests;
pub(crate) mod push;
pub(crate) mod referrers;
pub(crate) mod tags;
pub(crate) mod uploads;
