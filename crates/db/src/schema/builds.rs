//! Image builds and their triggers.

use super::table::{Table, boolean, id, index, integer, table, text, timestamp, varchar};

/// The tables of this group, in the order they are made.
pub(super) const TABLES: &[Table] = &[
    // Image build.
    table(
        "repositorybuild",
        &[
            id(),
            varchar("uuid", 255).index(),
            integer("repository_id").to("repository").index(),
            integer("access_token_id").to("accesstoken").index(),
            varchar("resource_key", 255).null().index(),
            text("job_config"),
            varchar("phase", 255),
            timestamp("started").index(),
            varchar("display_name", 255),
            integer("trigger_id")
                .null()
                .to("repositorybuildtrigger")
                .index(),
            integer("pull_robot_id").null().to("user").index(),
            boolean("logs_archived").default("false").index(),
            varchar("queue_id", 255).null().index(),
        ],
    )
    .indexes(&[
        index(&["repository_id", "started", "phase"]),
        index(&["started", "logs_archived", "phase"]),
    ]),
    // Git trigger.
    table(
        "repositorybuildtrigger",
        &[
            id(),
            varchar("uuid", 255).index(),
            integer("service_id").to("buildtriggerservice").index(),
            integer("repository_id").to("repository").index(),
            integer("connected_user_id").to("user").index(),
            text("config"),
            integer("write_token_id").null().to("accesstoken").index(),
            integer("pull_robot_id").null().to("user").index(),
            integer("disabled_reason_id")
                .null()
                .to("disablereason")
                .index(),
            boolean("enabled").default("true"),
            integer("successive_failure_count").default("0"),
            integer("successive_internal_error_count").default("0"),
            timestamp("disabled_datetime").null().index(),
            varchar("secure_auth_token", 255).null(),
            text("secure_private_key").null(),
            boolean("fully_migrated").default("false"),
        ],
    ),
    table(
        "buildtriggerservice",
        &[id(), varchar("name", 255).unique()],
    ),
    table("disablereason", &[id(), varchar("name", 255).unique()]),
];
