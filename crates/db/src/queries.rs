//! Every SQL statement, by the tables it is about. A function is one statement and holds no policy.

pub mod access_tokens;
pub mod app_tokens;
pub mod blobs;
pub mod build_triggers;
pub mod builds;
pub mod catalog;
pub mod health;
pub mod log_pages;
pub mod logs;
pub mod manifests;
pub mod messages;
pub mod notification_hooks;
pub mod oauth_applications;
pub mod organizations;
pub mod permissions;
pub mod policies;
pub mod principals;
pub mod queue;
pub mod repositories;
pub mod repository_permissions;
pub mod robots;
pub mod row_counts;
pub mod service_keys;
pub mod tags;
pub mod uploads;
pub mod users;

/// Every fixed statement, by module: name and text. A name that ends with `_POSTGRES` is for that engine alone.
///
/// Statements with lists of varying length are made when they run and are not among these.
pub fn statements() -> Vec<(&'static str, &'static str, &'static str)> {
    let modules = [
        ("access_tokens", access_tokens::STATEMENTS),
        ("app_tokens", app_tokens::STATEMENTS),
        ("blobs", blobs::STATEMENTS),
        ("build_triggers", build_triggers::STATEMENTS),
        ("builds", builds::STATEMENTS),
        ("catalog", catalog::STATEMENTS),
        ("health", health::STATEMENTS),
        ("log_pages", log_pages::STATEMENTS),
        ("manifests", manifests::STATEMENTS),
        ("messages", messages::STATEMENTS),
        ("notification_hooks", notification_hooks::STATEMENTS),
        ("oauth_applications", oauth_applications::STATEMENTS),
        ("organizations", organizations::STATEMENTS),
        ("permissions", permissions::STATEMENTS),
        ("policies", policies::STATEMENTS),
        ("principals", principals::STATEMENTS),
        ("queue", queue::STATEMENTS),
        ("repositories", repositories::STATEMENTS),
        ("repository_permissions", repository_permissions::STATEMENTS),
        ("robots", robots::STATEMENTS),
        ("row_counts", row_counts::STATEMENTS),
        ("service_keys", service_keys::STATEMENTS),
        ("tags", tags::STATEMENTS),
        ("uploads", uploads::STATEMENTS),
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
