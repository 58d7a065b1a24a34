//! Every SQL statement, by the tables it is about. A function is one statement and holds no policy.

pub mod access_tokens;
pub mod account_refs;
pub mod app_tokens;
pub mod autoprune_policies;
pub mod blobs;
pub mod build_triggers;
pub mod builds;
pub mod catalog;
pub mod confirmations;
pub mod external_logins;
pub mod health;
pub mod immutability_policies;
pub mod labels;
pub mod log_pages;
pub mod logs;
pub mod managed_accounts;
pub mod manifests;
pub mod messages;
pub mod namespace_deletion;
pub mod notification_hooks;
pub mod oauth_applications;
pub mod oauth_grants;
pub mod oauth_tokens;
pub mod org_mirrors;
pub mod organization_members;
pub mod organizations;
pub mod permissions;
pub mod policies;
pub mod principals;
pub mod profiles;
pub mod prototypes;
pub mod proxy_caches;
pub mod pull_statistics;
pub mod queue;
pub mod quotas;
pub mod registry_size;
pub mod repo_mirrors;
pub mod repositories;
pub mod repository_lists;
pub mod repository_permissions;
pub mod repository_views;
pub mod robot_details;
pub mod robot_federation;
pub mod robots;
pub mod row_counts;
pub mod search;
pub mod service_keys;
pub mod tag_changes;
pub mod tag_history;
pub mod tags;
pub mod team_invites;
pub mod teams;
pub mod uploads;
pub mod user_notifications;
pub mod users;

/// Every fixed statement, by module: name and text. A name that ends with `_POSTGRES` is for that engine alone.
///
/// Statements with lists of varying length are made when they run and are not among these.
pub fn statements() -> Vec<(&'static str, &'static str, &'static str)> {
    let modules = [
        ("access_tokens", access_tokens::STATEMENTS),
        ("account_refs", account_refs::STATEMENTS),
        ("app_tokens", app_tokens::STATEMENTS),
        ("autoprune_policies", autoprune_policies::STATEMENTS),
        ("blobs", blobs::STATEMENTS),
        ("build_triggers", build_triggers::STATEMENTS),
        ("builds", builds::STATEMENTS),
        ("catalog", catalog::STATEMENTS),
        ("confirmations", confirmations::STATEMENTS),
        ("external_logins", external_logins::STATEMENTS),
        ("health", health::STATEMENTS),
        ("immutability_policies", immutability_policies::STATEMENTS),
        ("labels", labels::STATEMENTS),
        ("log_pages", log_pages::STATEMENTS),
        ("logs", logs::STATEMENTS),
        ("managed_accounts", managed_accounts::STATEMENTS),
        ("manifests", manifests::STATEMENTS),
        ("messages", messages::STATEMENTS),
        ("namespace_deletion", namespace_deletion::NAMESPACE),
        ("namespace_deletion", namespace_deletion::ORGANIZATION),
        ("namespace_deletion", namespace_deletion::ROBOTS_POSTGRES),
        ("namespace_deletion", namespace_deletion::ROBOTS_SQLITE),
        ("namespace_deletion", namespace_deletion::STATEMENTS),
        ("notification_hooks", notification_hooks::STATEMENTS),
        ("oauth_applications", oauth_applications::STATEMENTS),
        ("oauth_grants", oauth_grants::STATEMENTS),
        ("oauth_tokens", oauth_tokens::STATEMENTS),
        ("org_mirrors", org_mirrors::STATEMENTS),
        ("organization_members", organization_members::STATEMENTS),
        ("organizations", organizations::STATEMENTS),
        ("permissions", permissions::STATEMENTS),
        ("policies", policies::STATEMENTS),
        ("principals", principals::STATEMENTS),
        ("profiles", profiles::STATEMENTS),
        ("prototypes", prototypes::STATEMENTS),
        ("proxy_caches", proxy_caches::STATEMENTS),
        ("queue", queue::STATEMENTS),
        ("quotas", quotas::STATEMENTS),
        ("registry_size", registry_size::STATEMENTS),
        ("repo_mirrors", repo_mirrors::STATEMENTS),
        ("pull_statistics", pull_statistics::STATEMENTS),
        ("repositories", repositories::STATEMENTS),
        ("repository_lists", repository_lists::STATEMENTS),
        ("repository_permissions", repository_permissions::STATEMENTS),
        ("repository_views", repository_views::STATEMENTS),
        ("robot_details", robot_details::STATEMENTS),
        ("robot_federation", robot_federation::STATEMENTS),
        ("robots", robots::STATEMENTS),
        ("row_counts", row_counts::STATEMENTS),
        ("search", search::STATEMENTS),
        ("service_keys", service_keys::STATEMENTS),
        ("tag_changes", tag_changes::STATEMENTS),
        ("tag_history", tag_history::STATEMENTS),
        ("tags", tags::STATEMENTS),
        ("team_invites", team_invites::STATEMENTS),
        ("teams", teams::STATEMENTS),
        ("uploads", uploads::STATEMENTS),
        ("user_notifications", user_notifications::STATEMENTS),
        ("users", users::STATEMENTS),
    ];
    modules
        .into_iter()
        .flat_map(|(module, statements)| {
            statements
                .iter()
                .map(move |(name, sql)| (module, *name, *sql))
        })
        .collect()
}
