//! Every SQL statement, by the tables it is about. A function is one statement and holds no policy.

pub mod blobs;
pub mod logs;
pub mod manifests;
pub mod policies;
pub mod tags;
pub mod uploads;
