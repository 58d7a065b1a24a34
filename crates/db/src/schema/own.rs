//! Tables of our own. Quay does not know them and does not need them: they are made beside its tables, can be lost
//! without losing content, and have no foreign keys, so that nothing Quay deletes is held by them.

use super::table::{Table, integer, table, timestamp};

/// The tables of this group, in the order they are made.
pub(super) const TABLES: &[Table] = &[
    // A blob that a client deleted from a repository although manifests that can still be restored name it: hidden
    // from that repository until it is pushed or mounted again, while the manifests keep their rows.
    table(
        "pierhead_deleted_blob",
        &[
            integer("repository_id").primary_key(),
            integer("blob_id").primary_key(),
            timestamp("deleted_at"),
        ],
    ),
];
