//! Audit logs, notifications, the work queue and the schema revision.

use super::table::{
    Table, big_id, bigint, boolean, id, index, integer, table, text, timestamp, varchar,
};

/// The tables of this group, in the order they are made.
pub(super) const TABLES: &[Table] = &[
    // Current audit log.
    table(
        "logentry3",
        &[
            big_id(),
            integer("kind_id"),
            integer("account_id"),
            integer("performer_id").null(),
            integer("repository_id").null(),
            timestamp("datetime").index(),
            varchar("ip", 255).null(),
            text("metadata_json"),
        ],
    )
    .indexes(&[
        index(&["account_id", "datetime"]),
        index(&["performer_id", "datetime"]),
        index(&["repository_id", "datetime", "kind_id"]),
    ]),
    // Oldest log table, read only.
    table(
        "logentry",
        &[
            big_id(),
            integer("kind_id").to("logentrykind").index(),
            integer("account_id").index(),
            integer("performer_id").null().index(),
            integer("repository_id").null().index(),
            timestamp("datetime").index(),
            varchar("ip", 255).null(),
            text("metadata_json"),
        ],
    )
    .indexes(&[
        index(&["account_id", "datetime"]),
        index(&["performer_id", "datetime"]),
        index(&["repository_id", "datetime"]),
        index(&["repository_id", "datetime", "kind_id"]),
    ]),
    // Quay.io intermediate table, read only.
    table(
        "logentry2",
        &[
            id(),
            integer("kind_id").to("logentrykind").index(),
            integer("account_id").index(),
            integer("performer_id").null().index(),
            integer("repository_id").null().index(),
            timestamp("datetime").index(),
            varchar("ip", 255).null(),
            text("metadata_json"),
        ],
    )
    .indexes(&[
        index(&["account_id", "datetime"]),
        index(&["performer_id", "datetime"]),
        index(&["repository_id", "datetime"]),
        index(&["repository_id", "datetime", "kind_id"]),
    ]),
    table("logentrykind", &[id(), varchar("name", 255).unique()]),
    // In-app notification to a user/org.
    table(
        "notification",
        &[
            id(),
            varchar("uuid", 255).index(),
            integer("kind_id").to("notificationkind").index(),
            integer("target_id").to("user").index(),
            text("metadata_json"),
            timestamp("created").index(),
            boolean("dismissed"),
            varchar("lookup_path", 255).null().index(),
        ],
    ),
    table("notificationkind", &[id(), varchar("name", 255).unique()]),
    // User-defined hook on a repository.
    table(
        "repositorynotification",
        &[
            id(),
            varchar("uuid", 255).index(),
            integer("repository_id").to("repository").index(),
            integer("event_id").to("externalnotificationevent").index(),
            integer("method_id")
                .to("externalnotificationmethod")
                .index(),
            varchar("title", 255).null(),
            text("config_json"),
            text("event_config_json"),
            integer("number_of_failures").default("0"),
            bigint("last_ran_ms").null().index(),
        ],
    ),
    // User-defined hook on a namespace (quota events).
    table(
        "namespacenotification",
        &[
            id(),
            varchar("uuid", 255).index(),
            integer("namespace_id").to("user").index(),
            integer("event_id").to("externalnotificationevent"),
            integer("method_id").to("externalnotificationmethod"),
            varchar("title", 255).null(),
            text("config_json"),
            text("event_config_json").default("'{}'"),
            integer("number_of_failures").default("0"),
            bigint("last_ran_ms").null(),
        ],
    ),
    // Tags already reported by an expiry notification.
    table(
        "tagnotificationsuccess",
        &[
            id(),
            integer("notification_id")
                .to("repositorynotification")
                .index(),
            integer("tag_id").to("tag").index(),
            integer("method_id").to("externalnotificationmethod"),
        ],
    ),
    table(
        "externalnotificationevent",
        &[id(), varchar("name", 255).unique()],
    ),
    table(
        "externalnotificationmethod",
        &[id(), varchar("name", 255).unique()],
    ),
    // Global banner messages.
    table(
        "messages",
        &[
            id(),
            text("content"),
            varchar("uuid", 36).default("''").index(),
            integer("media_type_id")
                .default("1")
                .to("mediatype")
                .index(),
            varchar("severity", 255).default("'info'").index(),
        ],
    ),
    // Generic work queue.
    table(
        "queueitem",
        &[
            id(),
            varchar("queue_name", 1024).index(),
            text("body"),
            timestamp("available_after"),
            boolean("available"),
            timestamp("processing_expires").null(),
            integer("retries_remaining"),
            varchar("state_id", 255).default("''").unique(),
        ],
    )
    .indexes(&[
        index(&["processing_expires", "available"]),
        index(&[
            "processing_expires",
            "available_after",
            "queue_name",
            "retries_remaining",
            "available",
        ]),
        index(&[
            "processing_expires",
            "available_after",
            "retries_remaining",
            "available",
        ]),
        index(&["processing_expires", "queue_name", "available"]),
    ]),
    // Schema revision.
    table(
        "alembic_version",
        &[varchar("version_num", 32).primary_key()],
    ),
];
