//! Drives the router of `/v2` in this process, on both database engines, and looks at what it leaves in database, storage
//! and counters.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[macro_use]
mod site;

mod audit;
mod bad_input;
mod blobs;
mod client_gone;
mod costs;
mod expiry;
mod manifests;
mod mounts;
mod notifications;
mod ping;
mod pull_counts;
mod referrers;
mod rights;
mod tag_pages;
mod tags;
mod uploads;
