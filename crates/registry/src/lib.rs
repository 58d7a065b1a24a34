//! The registry room: the OCI distribution protocol under `/v2`, as Quay speaks it.
//!
//! Router (guard) → handler (parse, call, map) → service (the rule) → query or storage call. Handlers hold no rule,
//! services no HTTP type, and neither holds SQL.

mod announcements;
mod audit;
mod clock;
mod config;
mod error;
mod generation;
mod guard;
mod handlers;
mod locks;
mod measures;
mod notification;
mod route;
mod router;
mod service;
mod state;
mod stored;
mod uninterrupted;

pub use audit::AuditConfig;
pub use config::RegistryConfig;
pub use error::Error;
pub use route::{Guard, OPERATIONS, Operation};
pub use router::router;
pub use service::author::Author;
pub use service::manifest_labels::{LabelError, NewLabel};
pub use service::manifest_view::{LayerView, ManifestView, ModelCardRule};
pub use service::tag_changes::{Removal, TagChange, TagError};
pub use service::tag_history::{ListedTag, TagFilter, TagPage};
pub use state::{Registry, Rooms};
pub use uninterrupted::uninterrupted;
