//! Registry content: manifests, tags, labels, blobs, uploads and their statistics.

use super::table::{
    Table, big_id, bigint, boolean, id, index, integer, table, text, timestamp, unique, varchar,
};

/// The tables of this group, in the order they are made.
pub(super) const TABLES: &[Table] = &[
    // One row per (repository,digest), full JSON text inside.
    table(
        "manifest",
        &[
            id(),
            integer("repository_id").to("repository").index(),
            varchar("digest", 255).index(),
            integer("media_type_id").to("mediatype").index(),
            text("manifest_bytes"),
            varchar("config_media_type", 255).null(),
            bigint("layers_compressed_size").null(),
            varchar("subject", 255).null(),
            boolean("subject_backfilled").null().index(),
            varchar("artifact_type", 255).null(),
            boolean("artifact_type_backfilled").null().index(),
        ],
    )
    .indexes(&[
        index(&["repository_id", "artifact_type"]),
        index(&["repository_id", "config_media_type"]),
        unique(&["repository_id", "digest"]),
        index(&["repository_id", "media_type_id"]),
        index(&["repository_id", "subject"]),
    ]),
    // Manifest → local blobs incl. config.
    table(
        "manifestblob",
        &[
            big_id(),
            integer("repository_id").to("repository").index(),
            integer("manifest_id").to("manifest").index(),
            integer("blob_id").to("imagestorage").index(),
        ],
    )
    .indexes(&[
        unique(&["manifest_id", "blob_id"]),
        index(&["repository_id", "blob_id"]),
    ]),
    // Index → child manifests.
    table(
        "manifestchild",
        &[
            id(),
            integer("repository_id").to("repository").index(),
            integer("manifest_id").to("manifest").index(),
            integer("child_manifest_id").to("manifest").index(),
        ],
    )
    .indexes(&[
        unique(&["manifest_id", "child_manifest_id"]),
        index(&["repository_id", "child_manifest_id"]),
        index(&["repository_id", "manifest_id"]),
        index(&["repository_id", "manifest_id", "child_manifest_id"]),
    ]),
    // Label bound to manifest.
    table(
        "manifestlabel",
        &[
            id(),
            integer("repository_id").to("repository").index(),
            integer("manifest_id").to("manifest").index(),
            integer("label_id").to("label").index(),
        ],
    )
    .indexes(&[unique(&["manifest_id", "label_id"])]),
    // Label key/value.
    table(
        "label",
        &[
            id(),
            varchar("uuid", 255).unique(),
            varchar("key", 255).index(),
            text("value"),
            integer("media_type_id").to("mediatype").index(),
            integer("source_type_id").to("labelsourcetype").index(),
        ],
    ),
    table(
        "labelsourcetype",
        &[id(), varchar("name", 255).unique(), boolean("mutable")],
    ),
    // Media types of manifests, labels and messages.
    table("mediatype", &[id(), varchar("name", 255).unique()]),
    // Tag history: one row per lifetime interval.
    table(
        "tag",
        &[
            id(),
            varchar("name", 255),
            integer("repository_id").to("repository").index(),
            integer("manifest_id").null().to("manifest").index(),
            bigint("lifetime_start_ms"),
            bigint("lifetime_end_ms").null().index(),
            boolean("hidden").default("false"),
            boolean("reversion").default("false"),
            integer("tag_kind_id").to("tagkind").index(),
            integer("linked_tag_id").null().to("tag").index(),
            boolean("immutable").default("false"),
        ],
    )
    .indexes(&[
        index(&["manifest_id", "immutable"]),
        index(&["manifest_id", "lifetime_end_ms"]),
        index(&["repository_id", "immutable"]),
        index(&["repository_id", "lifetime_end_ms"]),
        index(&["repository_id", "lifetime_start_ms"]),
        index(&["repository_id", "name"]),
        index(&["repository_id", "name", "hidden"]),
        unique(&["repository_id", "name", "lifetime_end_ms"]),
        index(&["repository_id", "name", "tag_kind_id"]),
    ]),
    // Kinds of tags: only `tag`.
    table("tagkind", &[id(), varchar("name", 255).unique()]),
    // A blob (content-addressed) — `content_checksum` = digest, index not unique.
    table(
        "imagestorage",
        &[
            id(),
            varchar("uuid", 255).unique(),
            bigint("image_size").null(),
            bigint("uncompressed_size").null(),
            boolean("uploading").null(),
            boolean("cas_path").default("false"),
            varchar("content_checksum", 255).null().index(),
        ],
    ),
    // Storage locations; those of the configuration are added at start.
    table(
        "imagestoragelocation",
        &[id(), varchar("name", 255).unique()],
    ),
    // Blob present in location.
    table(
        "imagestorageplacement",
        &[
            id(),
            integer("storage_id").to("imagestorage").index(),
            integer("location_id").to("imagestoragelocation").index(),
        ],
    )
    .indexes(&[unique(&["storage_id", "location_id"])]),
    // Lease that keeps a freshly pushed/mounted blob from GC.
    table(
        "uploadedblob",
        &[
            big_id(),
            integer("repository_id").to("repository").index(),
            integer("blob_id").to("imagestorage").index(),
            timestamp("uploaded_at"),
            timestamp("expires_at").index(),
        ],
    ),
    // Upload in progress. `piece_sha_state` and `piece_hashes` are not used any more.
    table(
        "blobupload",
        &[
            id(),
            integer("repository_id").to("repository").index(),
            varchar("uuid", 255).unique(),
            bigint("byte_count"),
            text("sha_state").null(),
            integer("location_id").to("imagestoragelocation").index(),
            text("storage_metadata").null(),
            integer("chunk_count").default("0"),
            bigint("uncompressed_byte_count").null(),
            timestamp("created").default("CURRENT_TIMESTAMP").index(),
            text("piece_sha_state").null(),
            text("piece_hashes").null(),
        ],
    )
    .indexes(&[unique(&["repository_id", "uuid"])]),
    // Clair indexing status per manifest.
    table(
        "manifestsecuritystatus",
        &[
            id(),
            integer("manifest_id").to("manifest").unique(),
            integer("repository_id").to("repository").index(),
            integer("index_status").index(),
            text("error_json"),
            timestamp("last_indexed").index(),
            varchar("indexer_hash", 128).index(),
            integer("indexer_version").index(),
            text("metadata_json"),
        ],
    ),
    // Pull counters per tag name.
    table(
        "tagpullstatistics",
        &[
            id(),
            integer("repository_id").to("repository"),
            varchar("tag_name", 255),
            bigint("tag_pull_count"),
            timestamp("last_tag_pull_date"),
            varchar("current_manifest_digest", 255).null(),
        ],
    )
    .indexes(&[unique(&["repository_id", "tag_name"])]),
    // Pull counters per digest.
    table(
        "manifestpullstatistics",
        &[
            id(),
            integer("repository_id").to("repository"),
            varchar("manifest_digest", 255),
            bigint("manifest_pull_count"),
            timestamp("last_manifest_pull_date"),
        ],
    )
    .indexes(&[unique(&["repository_id", "manifest_digest"])]),
    // Retired: signatures of the first registry protocol.
    table(
        "imagestoragesignature",
        &[
            id(),
            integer("storage_id").to("imagestorage").index(),
            integer("kind_id").to("imagestoragesignaturekind").index(),
            text("signature").null(),
            boolean("uploading").null(),
        ],
    )
    .indexes(&[unique(&["kind_id", "storage_id"])]),
    table(
        "imagestoragesignaturekind",
        &[id(), varchar("name", 255).unique()],
    ),
    // Retired: kinds of derived images.
    table(
        "imagestoragetransformation",
        &[id(), varchar("name", 255).unique()],
    ),
];
