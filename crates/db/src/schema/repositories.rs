//! Repositories and what belongs to them as a whole.

use super::table::{
    Table, bigint, boolean, date, id, integer, table, text, timestamp, trigram, unique, varchar,
};

/// The tables of this group, in the order they are made.
pub(super) const TABLES: &[Table] = &[
    // Name unique per namespace; `namespace_user_id` nullable in DB but always set.
    table(
        "repository",
        &[
            id(),
            integer("namespace_user_id").null().to("user").index(),
            varchar("name", 255),
            integer("visibility_id").to("visibility").index(),
            text("description").null(),
            varchar("badge_token", 255),
            integer("kind_id").default("1").to("repositorykind").index(),
            boolean("trust_enabled").default("false"),
            integer("state").default("0").index(),
        ],
    )
    .indexes(&[
        trigram(&["description"]),
        trigram(&["name"]),
        unique(&["namespace_user_id", "name"]),
    ]),
    table("repositorykind", &[id(), varchar("name", 255).unique()]),
    table("visibility", &[id(), varchar("name", 255).unique()]),
    // User starred repository.
    table(
        "star",
        &[
            id(),
            integer("user_id").to("user").index(),
            integer("repository_id").to("repository").index(),
            timestamp("created"),
        ],
    )
    .indexes(&[unique(&["user_id", "repository_id"])]),
    // Per-day count of log rows (built by worker).
    table(
        "repositoryactioncount",
        &[
            id(),
            integer("repository_id").to("repository").index(),
            integer("count"),
            date("date").index(),
        ],
    )
    .indexes(&[unique(&["repository_id", "date"])]),
    // Search rank.
    table(
        "repositorysearchscore",
        &[
            id(),
            integer("repository_id").to("repository").unique(),
            bigint("score").index(),
            timestamp("last_updated").null(),
        ],
    ),
    // E-mail address confirmed for notifications.
    table(
        "repositoryauthorizedemail",
        &[
            id(),
            integer("repository_id").to("repository").index(),
            varchar("email", 255),
            varchar("code", 255).unique(),
            boolean("confirmed"),
        ],
    )
    .indexes(&[unique(&["email", "repository_id"])]),
    // Marker of a repository being deleted.
    table(
        "deletedrepository",
        &[
            id(),
            integer("repository_id").to("repository").unique(),
            timestamp("marked"),
            varchar("original_name", 255).index(),
            varchar("queue_id", 255).null().index(),
        ],
    ),
];
