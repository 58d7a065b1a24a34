//! Every SQL statement, by the tables it is about. A function is one statement and holds no policy.

pub mod blobs;
pub mod catalog;
pub mod logs;
pub mod manifests;
pub mod policies;
pub mod permissions;
pub mod principals;
pub mod service_keys;
pub mod tags;
pub mod uploads;
