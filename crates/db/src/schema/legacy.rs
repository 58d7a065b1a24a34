//! The retired application registry and release tracking. Nothing writes these tables; they are kept
//! so that the schema stays Quay's.

use super::table::{
    Table, bigint, boolean, id, index, integer, table, text, timestamp, unique, varchar,
};

/// The tables of this group, in the order they are made.
pub(super) const TABLES: &[Table] = &[
    table(
        "apprblob",
        &[
            id(),
            varchar("digest", 255).unique(),
            integer("media_type_id").to("mediatype").index(),
            bigint("size"),
            bigint("uncompressed_size").null(),
        ],
    ),
    table(
        "apprblobplacement",
        &[
            id(),
            integer("blob_id").to("apprblob").index(),
            integer("location_id")
                .to("apprblobplacementlocation")
                .index(),
        ],
    )
    .indexes(&[unique(&["blob_id", "location_id"])]),
    table(
        "apprblobplacementlocation",
        &[id(), varchar("name", 255).unique()],
    ),
    table(
        "apprmanifest",
        &[
            id(),
            varchar("digest", 255).unique(),
            integer("media_type_id").to("mediatype").index(),
            text("manifest_json"),
        ],
    ),
    table(
        "apprmanifestblob",
        &[
            id(),
            integer("manifest_id").to("apprmanifest").index(),
            integer("blob_id").to("apprblob").index(),
        ],
    )
    .indexes(&[unique(&["manifest_id", "blob_id"])]),
    table(
        "apprmanifestlist",
        &[
            id(),
            varchar("digest", 255).unique(),
            text("manifest_list_json"),
            varchar("schema_version", 255),
            integer("media_type_id").to("mediatype").index(),
        ],
    ),
    table(
        "apprmanifestlistmanifest",
        &[
            id(),
            integer("manifest_list_id").to("apprmanifestlist").index(),
            integer("manifest_id").to("apprmanifest").index(),
            varchar("operating_system", 255).null(),
            varchar("architecture", 255).null(),
            text("platform_json").null(),
            integer("media_type_id").to("mediatype").index(),
        ],
    )
    .indexes(&[
        index(&["manifest_list_id", "media_type_id"]),
        index(&[
            "manifest_list_id",
            "operating_system",
            "architecture",
            "media_type_id",
        ]),
    ]),
    table(
        "apprtag",
        &[
            id(),
            varchar("name", 255),
            integer("repository_id").to("repository").index(),
            integer("manifest_list_id")
                .null()
                .to("apprmanifestlist")
                .index(),
            bigint("lifetime_start"),
            bigint("lifetime_end").null().index(),
            boolean("hidden"),
            boolean("reverted"),
            boolean("protected"),
            integer("tag_kind_id").to("apprtagkind").index(),
            integer("linked_tag_id").null().to("apprtag").index(),
        ],
    )
    .indexes(&[
        index(&["repository_id", "name"]),
        index(&["repository_id", "name", "hidden"]),
        unique(&["repository_id", "name", "lifetime_end"]),
    ]),
    table("apprtagkind", &[id(), varchar("name", 255).unique()]),
    // Release tracking (written only when QUAY_REGION env and GIT_HEAD exist).
    table("quayservice", &[id(), varchar("name", 255).unique()]),
    table("quayregion", &[id(), varchar("name", 255).unique()]),
    table(
        "quayrelease",
        &[
            id(),
            integer("service_id").to("quayservice").index(),
            varchar("version", 255),
            integer("region_id").to("quayregion").index(),
            boolean("reverted"),
            timestamp("created").index(),
        ],
    )
    .indexes(&[
        index(&["service_id", "region_id", "created"]),
        unique(&["service_id", "version", "region_id"]),
    ]),
];
