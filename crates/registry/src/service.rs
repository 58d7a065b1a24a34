//! The rules of the registry, free of HTTP and SQL.

pub(crate) mod author;
pub(crate) mod blobs;
pub(crate) mod ending;
pub(crate) mod labels;
pub(crate) mod manifest_labels;
pub(crate) mod manifest_view;
pub(crate) mod manifests;
pub(crate) mod mounts;
pub(crate) mod push;
pub(crate) mod referrers;
pub(crate) mod retarget;
pub(crate) mod tag_changes;
pub(crate) mod tag_history;
pub(crate) mod tags;
pub(crate) mod uploads;
