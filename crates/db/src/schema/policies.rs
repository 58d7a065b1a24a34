//! Retention, quota, pull-through and mirroring policies.

use super::table::{
    Table, bigint, boolean, id, index, integer, table, text, timestamp, unique, varchar,
};

/// The tables of this group, in the order they are made.
pub(super) const TABLES: &[Table] = &[
    // Auto-prune policy of a namespace (several per ns allowed since 3.13).
    table(
        "namespaceautoprunepolicy",
        &[
            id(),
            varchar("uuid", 36).unique(),
            integer("namespace_id").to("user").index(),
            text("policy"),
        ],
    ),
    // Auto-prune policy of a repository.
    table(
        "repositoryautoprunepolicy",
        &[
            id(),
            varchar("uuid", 36).unique(),
            integer("repository_id").to("repository").index(),
            integer("namespace_id").to("user").index(),
            text("policy"),
        ],
    ),
    // One row per namespace with policies: scheduling state of the prune worker.
    table(
        "autoprunetaskstatus",
        &[
            id(),
            integer("namespace_id").to("user").unique(),
            bigint("last_ran_ms").null().index(),
            text("status").null(),
        ],
    ),
    // Tag immutability rule.
    table(
        "namespaceimmutabilitypolicy",
        &[
            id(),
            varchar("uuid", 36).unique(),
            integer("namespace_id").to("user").index(),
            text("policy"),
        ],
    ),
    table(
        "repositoryimmutabilitypolicy",
        &[
            id(),
            varchar("uuid", 36).unique(),
            integer("repository_id").to("repository").index(),
            integer("namespace_id").to("user").index(),
            text("policy"),
        ],
    ),
    // Storage limit of a namespace (one per ns).
    table(
        "userorganizationquota",
        &[
            id(),
            integer("namespace_id").to("user").unique(),
            bigint("limit_bytes"),
        ],
    ),
    // Thresholds (percent, type).
    table(
        "quotalimits",
        &[
            id(),
            integer("quota_id").to("userorganizationquota").index(),
            integer("quota_type_id").to("quotatype"),
            integer("percent_of_limit"),
        ],
    ),
    // What reaching a limit does. No unique index.
    table("quotatype", &[id(), varchar("name", 255)]),
    // Cached total bytes of namespace.
    table(
        "quotanamespacesize",
        &[
            id(),
            integer("namespace_user_id").to("user").unique(),
            bigint("size_bytes").default("'0'").index(),
            bigint("backfill_start_ms").null().index(),
            boolean("backfill_complete").default("false"),
        ],
    ),
    // Cached total bytes of repository.
    table(
        "quotarepositorysize",
        &[
            id(),
            integer("repository_id").to("repository").unique(),
            bigint("size_bytes").default("'0'").index(),
            bigint("backfill_start_ms").null(),
            boolean("backfill_complete").default("false"),
        ],
    ),
    // Singleton: registry total.
    table(
        "quotaregistrysize",
        &[
            id(),
            bigint("size_bytes").default("'0'"),
            boolean("running").default("false"),
            boolean("queued").default("false"),
            bigint("completed_ms").null(),
        ],
    ),
    // Debounce of quota notifications.
    table(
        "quotanotificationstate",
        &[
            id(),
            integer("namespace_id").to("user").index(),
            integer("threshold_percent"),
            timestamp("last_notified_at").null(),
            boolean("cleared").default("true"),
        ],
    )
    .indexes(&[unique(&["namespace_id", "threshold_percent"])]),
    // Pull-through configuration of an org (logically 1:1; no unique/index).
    table(
        "proxycacheconfig",
        &[
            id(),
            integer("organization_id").to("user"),
            timestamp("creation_date"),
            varchar("upstream_registry", 2048),
            varchar("upstream_registry_username", 4096).null(),
            varchar("upstream_registry_password", 4096).null(),
            integer("expiration_s").null().default("86400"),
            boolean("insecure").default("false"),
        ],
    ),
    // Repository mirror configuration.
    table(
        "repomirrorconfig",
        &[
            id(),
            integer("repository_id").to("repository").unique(),
            timestamp("creation_date"),
            boolean("is_enabled"),
            integer("mirror_type").index(),
            integer("internal_robot_id").to("user").index(),
            varchar("external_registry_username", 4096).null(),
            text("external_registry_config"),
            integer("sync_interval").default("60"),
            timestamp("sync_start_date").null(),
            timestamp("sync_expiration_date").null(),
            integer("sync_retries_remaining").default("3"),
            integer("sync_status").index(),
            varchar("sync_transaction_id", 36).null().index(),
            integer("root_rule_id").to("repomirrorrule").index(),
            text("external_reference"),
            varchar("external_registry_password", 9000).null(),
            bigint("skopeo_timeout").default("'300'"),
            text("architecture_filter").null(),
        ],
    ),
    // Tree of mirror rules; only the root TAG_GLOB_CSV is used.
    table(
        "repomirrorrule",
        &[
            id(),
            varchar("uuid", 36).unique(),
            integer("repository_id").to("repository").index(),
            timestamp("creation_date"),
            integer("rule_type").index(),
            text("rule_value"),
            integer("left_child_id").null().to("repomirrorrule").index(),
            integer("right_child_id")
                .null()
                .to("repomirrorrule")
                .index(),
        ],
    ),
    // Org-level mirror (3.17).
    table(
        "orgmirrorconfig",
        &[
            id(),
            integer("organization_id").to("user").unique(),
            timestamp("creation_date"),
            boolean("is_enabled").default("true"),
            integer("mirror_type").default("1"),
            integer("external_registry_type"),
            varchar("external_registry_url", 2048),
            varchar("external_namespace", 255),
            varchar("external_registry_username", 4096).null(),
            varchar("external_registry_password", 9000).null(),
            text("external_registry_config"),
            integer("internal_robot_id").to("user").index(),
            text("repository_filters"),
            integer("visibility_id").to("visibility"),
            boolean("delete_stale_repos").default("false"),
            integer("sync_interval"),
            timestamp("sync_start_date").null().index(),
            timestamp("sync_expiration_date").null(),
            integer("sync_retries_remaining").default("3"),
            integer("sync_status").default("0").index(),
            varchar("sync_transaction_id", 36).null(),
            bigint("skopeo_timeout").default("'300'"),
            text("architecture_filter").default("'[]'"),
        ],
    ),
    // Discovered repository of an org mirror.
    table(
        "orgmirrorrepository",
        &[
            id(),
            integer("org_mirror_config_id")
                .to("orgmirrorconfig")
                .index(),
            varchar("repository_name", 255),
            integer("repository_id").null().to("repository").index(),
            timestamp("discovery_date"),
            integer("sync_status").default("0").index(),
            timestamp("sync_start_date").null(),
            timestamp("sync_expiration_date").null(),
            timestamp("last_sync_date").null(),
            text("status_message").null(),
            timestamp("creation_date"),
            integer("sync_retries_remaining").default("3"),
            varchar("sync_transaction_id", 36).null(),
        ],
    )
    .indexes(&[
        unique(&["org_mirror_config_id", "repository_name"]),
        index(&["org_mirror_config_id", "sync_status"]),
    ]),
];
