//! The request histogram, reached by indexes.
//!
//! `request_duration_seconds` has four labels. Methods, statuses and tracked namespaces are few and known, so a
//! [`Route`] holds a table from them to its series, filled as they occur: recording is three array lookups and
//! one observation. Statuses outside the table are recorded as the general one of their class (RFC 9110, 15).

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

/// The default buckets of Quay's metrics library, in seconds.
const SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

pub(crate) fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

/// Methods with series of their own; the last stands for any other.
const METHODS: [&str; 8] = [
    "GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "OTHER",
];

/// Statuses with series of their own.
const STATUSES: [u16; 31] = [
    100, 200, 201, 202, 204, 206, 300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 406,
    408, 409, 412, 413, 415, 416, 429, 499, 500, 502, 503, 504,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    method: &'static str,
    route: &'static str,
    status: u16,
    namespace_name: Arc<str>,
}

pub(crate) type RequestDurations = Family<RequestLabels, Histogram>;

/// The namespaces that have series of their own (`TRACKED_NAMESPACES`).
#[derive(Debug)]
pub(crate) struct Namespaces {
    /// The first is `other`.
    names: Vec<Arc<str>>,
    buckets: HashMap<Arc<str>, usize>,
}

/// The series a namespace belongs to: its own when it is tracked, or that of all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamespaceBucket(usize);

impl NamespaceBucket {
    /// Requests without a namespace, or with one that is not tracked.
    pub const OTHER: Self = Self(0);
}

impl Namespaces {
    pub(crate) fn new(tracked: &[String]) -> Self {
        let mut names: Vec<Arc<str>> = vec!["other".into()];
        for name in tracked {
            if !names.iter().any(|known| **known == **name) {
                names.push(name.as_str().into());
            }
        }
        let buckets = names
            .iter()
            .cloned()
            .enumerate()
            .map(|(bucket, name)| (name, bucket))
            .collect();
        Self { names, buckets }
    }

    pub(crate) fn bucket(&self, namespace: &str) -> NamespaceBucket {
        if self.names.len() == 1 {
            return NamespaceBucket::OTHER;
        }
        NamespaceBucket(self.buckets.get(namespace).copied().unwrap_or(0))
    }
}

type Series = [OnceLock<Histogram>; STATUSES.len()];
type ByMethod = [OnceLock<Box<Series>>; METHODS.len()];

/// The request series of one route; made once per route by [`crate::Metrics::route`] and kept beside it.
#[derive(Debug)]
pub struct Route {
    name: &'static str,
    durations: RequestDurations,
    namespaces: Arc<Namespaces>,
    by_namespace: Vec<ByMethod>,
}

impl Route {
    pub(crate) fn new(
        name: &'static str,
        durations: RequestDurations,
        namespaces: Arc<Namespaces>,
    ) -> Self {
        let by_namespace = namespaces
            .names
            .iter()
            .map(|_| ByMethod::default())
            .collect();
        Self {
            name,
            durations,
            namespaces,
            by_namespace,
        }
    }

    /// Name of the route, as Quay's endpoint is named: `v2.fetch_manifest_by_tagname`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Records one answered request.
    pub fn observe(
        &self,
        method: &Method,
        status: StatusCode,
        namespace: NamespaceBucket,
        elapsed: Duration,
    ) {
        let Some(by_method) = self.by_namespace.get(namespace.0) else {
            return;
        };
        let method = method_index(method);
        let status = status_index(status.as_u16());
        let series =
            by_method[method].get_or_init(|| Box::new([const { OnceLock::new() }; STATUSES.len()]));
        let histogram = series[status].get_or_init(|| {
            self.durations.get_or_create_owned(&RequestLabels {
                method: METHODS[method],
                route: self.name,
                status: STATUSES[status],
                namespace_name: self.namespaces.names[namespace.0].clone(),
            })
        });
        histogram.observe(elapsed.as_secs_f64());
    }
}

fn method_index(method: &Method) -> usize {
    match *method {
        Method::GET => 0,
        Method::HEAD => 1,
        Method::PUT => 2,
        Method::POST => 3,
        Method::PATCH => 4,
        Method::DELETE => 5,
        Method::OPTIONS => 6,
        _ => 7,
    }
}

fn status_index(status: u16) -> usize {
    let find = |status: u16| STATUSES.binary_search(&status).ok();
    // Every class from 100 to 500 is in the table; codes above 599 mean nothing and count as 500.
    find(status)
        .or_else(|| find(status.min(500) / 100 * 100))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_outside_the_table_counts_as_its_class() {
        assert!(STATUSES.is_sorted());
        for (status, counted) in [
            (200, 200),
            (226, 200),
            (418, 400),
            (499, 499),
            (599, 500),
            (999, 500),
            (101, 100),
        ] {
            assert_eq!(STATUSES[status_index(status)], counted, "{status}");
        }
    }

    #[test]
    fn only_tracked_namespaces_have_a_bucket() {
        let namespaces = Namespaces::new(&["a".into(), "b".into(), "a".into()]);
        assert_eq!(namespaces.bucket("a"), NamespaceBucket(1));
        assert_eq!(namespaces.bucket("b"), NamespaceBucket(2));
        assert_eq!(namespaces.bucket("c"), NamespaceBucket::OTHER);
        assert_eq!(Namespaces::new(&[]).bucket("a"), NamespaceBucket::OTHER);
    }
}
