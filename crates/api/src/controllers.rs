//! Controllers by domain: each parses a request, calls a rule, and maps its outcome to an answer. Each file has the routes of
//! its domain.

use axum::http::HeaderValue;

use crate::route::Routes;

pub(crate) mod authorizations;
pub(crate) mod authorized_emails;
pub(crate) mod autoprune;
pub(crate) mod badges;
pub(crate) mod bootstrap;
pub(crate) mod builds;
pub(crate) mod capabilities;
pub(crate) mod console;
pub(crate) mod discovery;
pub(crate) mod entities;
pub(crate) mod errors;
pub(crate) mod external_login;
pub(crate) mod federation;
pub(crate) mod health;
pub(crate) mod immutability;
pub(crate) mod key_server;
pub(crate) mod landing;
pub(crate) mod logs;
pub(crate) mod mail_links;
pub(crate) mod manifests;
pub(crate) mod messages;
pub(crate) mod mirror_health;
pub(crate) mod notifications;
pub(crate) mod oauth_applications;
pub(crate) mod oauth_provider;
pub(crate) mod oauth_tokens;
pub(crate) mod org_mirror;
pub(crate) mod organizations;
pub(crate) mod pings;
pub(crate) mod prototypes;
pub(crate) mod proxy_cache;
pub(crate) mod quota;
pub(crate) mod realtime;
pub(crate) mod repo_mirror;
pub(crate) mod repositories;
pub(crate) mod repository_permissions;
pub(crate) mod repository_tokens;
pub(crate) mod robots;
pub(crate) mod scanner;
pub(crate) mod search;
pub(crate) mod service_keys;
pub(crate) mod shortcuts;
pub(crate) mod site;
pub(crate) mod static_files;
pub(crate) mod superuser;
pub(crate) mod tags;
pub(crate) mod teams;
pub(crate) mod triggers;
pub(crate) mod unknown;
pub(crate) mod users;

/// The `Cache-Control` of answers that are true only now, or that hold a secret.
pub(crate) const NO_CACHE: HeaderValue =
    HeaderValue::from_static("no-cache, no-store, must-revalidate");

/// Every route.
pub(crate) fn routes() -> Routes {
    [
        authorizations::routes(),
        authorized_emails::routes(),
        autoprune::routes(),
        badges::routes(),
        bootstrap::routes(),
        builds::routes(),
        capabilities::routes(),
        console::routes(),
        discovery::routes(),
        entities::routes(),
        errors::routes(),
        external_login::routes(),
        federation::routes(),
        health::routes(),
        immutability::routes(),
        key_server::routes(),
        landing::routes(),
        logs::routes(),
        mail_links::routes(),
        manifests::routes(),
        messages::routes(),
        mirror_health::routes(),
        notifications::routes(),
        oauth_applications::routes(),
        oauth_provider::routes(),
        oauth_tokens::routes(),
        org_mirror::routes(),
        organizations::routes(),
        pings::routes(),
        prototypes::routes(),
        proxy_cache::routes(),
        quota::routes(),
        realtime::routes(),
        repo_mirror::routes(),
        repositories::routes(),
        repository_permissions::routes(),
        repository_tokens::routes(),
        robots::routes(),
        scanner::routes(),
        search::routes(),
        service_keys::routes(),
        shortcuts::routes(),
        site::routes(),
        static_files::routes(),
        superuser::routes(),
        tags::routes(),
        teams::routes(),
        triggers::routes(),
        users::routes(),
    ]
    .into_iter()
    .fold(Routes::pages(), Routes::merge)
}
