//! Every SQL statement, by the tables it is about. A function is one statement and holds no policy.

pub mod app_tokens;
pub mod blobs;
pub mod catalog;
pub mod logs;
pub mod manifests;
pub mod oauth_applications;
pub mod organizations;
pub mod permissions;
pub mod policies;
pub mod principals;
pub mod repositories;
pub mod repository_permissions;
pub mod robots;
pub mod service_keys;
pub mod tags;
pub mod uploads;
pub mod users;
