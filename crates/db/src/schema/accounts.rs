//! Accounts, teams, roles and the permissions they hold.

use super::table::{
    Table, bigint, boolean, id, index, integer, table, text, timestamp, unique, unique_where,
    varchar,
};

/// The tables of this group, in the order they are made.
pub(super) const TABLES: &[Table] = &[
    // One table for users, organizations (`organization=true`) and robots (`robot=true`, username `ns+short`).
    table(
        "user",
        &[
            id(),
            varchar("uuid", 36).null().index(),
            varchar("username", 255).unique(),
            varchar("password_hash", 255).null(),
            varchar("email", 255).index(),
            boolean("verified"),
            varchar("stripe_id", 255).null().index(),
            boolean("organization").index(),
            boolean("robot").index(),
            boolean("invoice_email"),
            integer("invalid_login_attempts").default("0"),
            timestamp("last_invalid_login"),
            bigint("removed_tag_expiration_s").default("1209600"),
            boolean("enabled").default("true"),
            varchar("invoice_email_address", 255).null().index(),
            varchar("company", 255).null(),
            varchar("family_name", 255).null(),
            varchar("given_name", 255).null(),
            varchar("location", 255).null(),
            integer("maximum_queued_builds_count").null(),
            timestamp("creation_date").null(),
            timestamp("last_accessed").null().index(),
        ],
    )
    .indexes(&[unique_where(&["email"], "organization = false")]),
    // External identity (LDAP/OIDC/…) or robot's owner link; `metadata_json` carries robot federation.
    table(
        "federatedlogin",
        &[
            id(),
            integer("user_id").to("user").index(),
            integer("service_id").to("loginservice").index(),
            varchar("service_ident", 255),
            text("metadata_json"),
        ],
    )
    .indexes(&[
        unique(&["service_id", "service_ident"]),
        unique(&["service_id", "user_id"]),
    ]),
    // Kinds of external identity; configured providers add their own.
    table("loginservice", &[id(), varchar("name", 255).unique()]),
    // Robot description + free JSON.
    table(
        "robotaccountmetadata",
        &[
            id(),
            integer("robot_account_id").to("user").unique(),
            varchar("description", 255),
            text("unstructured_json"),
        ],
    ),
    // Robot's encrypted 64-char token.
    table(
        "robotaccounttoken",
        &[
            id(),
            integer("robot_account_id").to("user").unique(),
            varchar("token", 255),
            boolean("fully_migrated").default("false"),
        ],
    ),
    // Org team; name+org unique; `owners` team has teamrole admin.
    table(
        "team",
        &[
            id(),
            varchar("name", 255).index(),
            integer("organization_id").to("user").index(),
            integer("role_id").to("teamrole").index(),
            text("description"),
        ],
    )
    .indexes(&[unique(&["name", "organization_id"])]),
    table(
        "teammember",
        &[
            id(),
            integer("user_id").to("user").index(),
            integer("team_id").to("team").index(),
        ],
    )
    .indexes(&[unique(&["user_id", "team_id"])]),
    // Pending invitation (user or e-mail).
    table(
        "teammemberinvite",
        &[
            id(),
            integer("user_id").null().to("user").index(),
            varchar("email", 255).null(),
            integer("team_id").to("team").index(),
            integer("inviter_id").to("user").index(),
            varchar("invite_token", 255),
        ],
    ),
    table("teamrole", &[id(), varchar("name", 255).index()]),
    // Team ↔ external group (LDAP/OIDC/Keystone), `config` JSON.
    table(
        "teamsync",
        &[
            id(),
            integer("team_id").to("team").unique(),
            varchar("transaction_id", 255),
            timestamp("last_updated").null().index(),
            integer("service_id").to("loginservice").index(),
            text("config"),
        ],
    ),
    // What a permission grants: admin, write or read.
    table("role", &[id(), varchar("name", 255).unique()]),
    // Grant to exactly one of user/team on a repository.
    table(
        "repositorypermission",
        &[
            id(),
            integer("team_id").null().to("team").index(),
            integer("user_id").null().to("user").index(),
            integer("repository_id").to("repository").index(),
            integer("role_id").to("role").index(),
        ],
    )
    .indexes(&[
        unique(&["team_id", "repository_id"]),
        unique(&["user_id", "repository_id"]),
    ]),
    // Org default permissions applied when a repository is created (activating user optional; delegate user or
    // team).
    table(
        "permissionprototype",
        &[
            id(),
            integer("org_id").to("user").index(),
            varchar("uuid", 255).index(),
            integer("activating_user_id").null().to("user").index(),
            integer("delegate_user_id").null().to("user").index(),
            integer("delegate_team_id").null().to("team").index(),
            integer("role_id").to("role").index(),
        ],
    )
    .indexes(&[index(&["org_id", "activating_user_id"])]),
    // E-mail confirm / password reset / change-email codes.
    table(
        "emailconfirmation",
        &[
            id(),
            varchar("code", 255).unique(),
            integer("user_id").to("user").index(),
            boolean("pw_reset"),
            varchar("new_email", 255).null(),
            boolean("email_confirm"),
            timestamp("created"),
            varchar("verification_code", 255).null(),
        ],
    ),
    // Prompt the UI must show (choose username…).
    table(
        "userprompt",
        &[
            id(),
            integer("user_id").to("user").index(),
            integer("kind_id").to("userpromptkind").index(),
        ],
    )
    .indexes(&[unique(&["user_id", "kind_id"])]),
    table("userpromptkind", &[id(), varchar("name", 255).index()]),
    // Geo regions for a user/org; read by storage replication.
    table(
        "userregion",
        &[
            id(),
            integer("user_id").to("user").index(),
            integer("location_id").to("imagestoragelocation").index(),
        ],
    ),
    // Marker of a namespace being deleted.
    table(
        "deletednamespace",
        &[
            id(),
            integer("namespace_id").to("user").unique(),
            timestamp("marked"),
            varchar("original_username", 255).index(),
            varchar("original_email", 255).index(),
            varchar("queue_id", 255).null().index(),
        ],
    ),
    // Filled once by the migration to 3.17; nothing reads it since 3.18.
    table(
        "organizationcontactemail",
        &[
            id(),
            integer("organization_id").to("user").unique(),
            varchar("contact_email", 255).null().index(),
        ],
    ),
    // Quay.io marketplace account number.
    table(
        "redhatsubscriptions",
        &[
            id(),
            integer("user_id").to("user"),
            integer("account_number"),
        ],
    ),
    // Quay.io subscription ↔ org.
    table(
        "organizationrhskus",
        &[
            id(),
            integer("subscription_id").index(),
            integer("org_id").to("user"),
            integer("user_id").to("user"),
            integer("quantity").null(),
        ],
    )
    .indexes(&[
        unique(&["subscription_id", "org_id"]),
        unique(&["subscription_id", "org_id", "user_id"]),
    ]),
];
