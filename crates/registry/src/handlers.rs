//! From a request to a call of a service, and from its result to an answer.

pub mod blobs;
pub mod catalog;
pub mod manifests;
pub mod ping;
pub mod query;
pub mod referrers;
pub mod tags;
pub mod token;
pub mod uploads;
