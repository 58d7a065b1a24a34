//! The rules of the registry, free of HTTP and SQL.

pub mod blobs;
pub mod labels;
pub mod manifests;
pub mod push;
pub mod referrers;
pub mod tags;
pub mod uploads;
