//! Drives the built `pierhead` binary from outside, with the clients that people use.
//!
//! Every scenario of a real client runs on both engines: the embedded default with SQLite, and
//! PostgreSQL with a Quay `config.yaml`. Requirement ids stand in the comments of the tests that prove
//! them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[macro_use]
mod site;

mod api;
mod buildah;
mod conformance;
mod containerd;
mod cosign;
mod crane;
mod crash;
mod database_away;
mod disk_full;
mod docker;
mod helm;
mod instances;
mod namespace;
mod operations;
mod oras;
mod podman;
mod postgres_tls;
mod regctl;
mod skopeo;
mod stopping;
mod tls;
mod user_events;
