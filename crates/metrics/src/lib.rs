//! Every exported metric, by its Quay name.
//!
//! [`Metrics`] is made once and shared; its fields are the metrics. Quay pushed these to a gateway, here they
//! are read at `/metrics` ([`Metrics::router`]) in the Prometheus text format 0.0.4, with the same names and
//! labels (registry.md §17), so that dashboards and alerts keep working. The prefix `quay` is
//! `PROMETHEUS_NAMESPACE`; names that Quay exports without a prefix have none here either. Our own metrics
//! begin with `pierhead_`.
//!
//! Recording on a request's path costs less than 100 ns: labels are small enumerations, and the request
//! histogram is reached by indexes ([`Route`]), never by hashing strings.

mod exposition;
mod labels;
mod metrics;
mod process;
mod route;

pub use exposition::CONTENT_TYPE;
pub use labels::{
    AttemptLabels, AuditLossLabels, Availability, ImageReference, ModelCacheLabels,
    OperationLabels, Protocol, PullLabels, PulledLabels, PushLabels, QueueGetLabels, QueueLabels,
    RegionLabels, StatementLabels, StorageLabels, SuccessLabels, TableLabels, TagCacheLabels,
};
pub use metrics::{Build, Metrics};
pub use prometheus_client::metrics::counter::Counter;
pub use prometheus_client::metrics::family::Family;
pub use prometheus_client::metrics::gauge::Gauge;
pub use prometheus_client::metrics::histogram::Histogram;
pub use route::{NamespaceBucket, Route};
