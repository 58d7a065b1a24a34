//! Tokens, OAuth applications and service keys.

use super::table::{Table, boolean, id, index, integer, table, text, timestamp, varchar};

/// The tables of this group, in the order they are made.
pub(super) const TABLES: &[Table] = &[
    // Repository-bound token (`$token` user; builds).
    table(
        "accesstoken",
        &[
            id(),
            varchar("friendly_name", 255).null(),
            integer("repository_id").to("repository").index(),
            timestamp("created"),
            integer("role_id").to("role").index(),
            boolean("temporary"),
            integer("kind_id").null().to("accesstokenkind").index(),
            varchar("token_code", 255),
            varchar("token_name", 255).unique(),
        ],
    ),
    table("accesstokenkind", &[id(), varchar("name", 255).unique()]),
    // User's CLI token (`$app`).
    table(
        "appspecificauthtoken",
        &[
            id(),
            integer("user_id").to("user").index(),
            varchar("uuid", 36).index(),
            varchar("title", 255),
            timestamp("created"),
            timestamp("expiration").null(),
            timestamp("last_accessed").null(),
            varchar("token_name", 255).unique(),
            varchar("token_secret", 255),
        ],
    )
    .indexes(&[index(&["user_id", "expiration"])]),
    // OAuth client owned by an organization.
    table(
        "oauthapplication",
        &[
            id(),
            varchar("client_id", 255).index(),
            varchar("redirect_uri", 255),
            varchar("application_uri", 255),
            integer("organization_id").to("user").index(),
            varchar("name", 255),
            text("description"),
            varchar("gravatar_email", 255).null(),
            varchar("secure_client_secret", 255).null(),
            boolean("fully_migrated").default("false"),
        ],
    ),
    // Issued OAuth/API token.
    table(
        "oauthaccesstoken",
        &[
            id(),
            varchar("uuid", 255).index(),
            integer("application_id").to("oauthapplication").index(),
            integer("authorized_user_id").to("user").index(),
            varchar("scope", 255),
            varchar("token_type", 255),
            timestamp("expires_at"),
            text("data"),
            varchar("token_code", 255),
            varchar("token_name", 255).unique(),
            timestamp("last_accessed").null(),
            timestamp("created").null(),
            varchar("display_name", 255).null(),
        ],
    )
    .indexes(&[index(&["application_id", "last_accessed"])]),
    // A pending token assignment to another user (user must approve).
    table(
        "oauthassignedtoken",
        &[
            id(),
            varchar("uuid", 255).unique(),
            integer("assigned_user_id").to("user").index(),
            integer("application_id").to("oauthapplication").index(),
            varchar("redirect_uri", 255).null(),
            varchar("scope", 255),
            varchar("response_type", 255).null(),
        ],
    ),
    // Short-lived code for the `code` grant.
    table(
        "oauthauthorizationcode",
        &[
            id(),
            integer("application_id").to("oauthapplication").index(),
            varchar("scope", 255),
            text("data"),
            varchar("code_credential", 255),
            varchar("code_name", 255).unique(),
        ],
    ),
    // Public keys of Quay processes and other services, `jwk` JSON (public part only).
    table(
        "servicekey",
        &[
            id(),
            varchar("name", 255),
            varchar("kid", 255).unique(),
            varchar("service", 255).index(),
            text("jwk"),
            text("metadata"),
            timestamp("created_date"),
            timestamp("expiration_date").null(),
            integer("rotation_duration").null(),
            integer("approval_id")
                .null()
                .to("servicekeyapproval")
                .index(),
        ],
    ),
    // Approval row; no FK on approver.
    table(
        "servicekeyapproval",
        &[
            id(),
            integer("approver_id").null().index(),
            varchar("approval_type", 255).index(),
            timestamp("approved_date"),
            text("notes"),
        ],
    ),
];
