//! What the registry counts, under Quay's names. Everything that a request records is looked up by index or by small
//! labels, never by text.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use pierhead_metrics::{
    AttemptLabels, Counter, ImageReference, Metrics, Protocol, PullLabels, PulledLabels,
    PushLabels, QueueLabels, RegionLabels, Route, TagCacheLabels,
};

use crate::route::{OPERATIONS, Operation};

/// Metrics of `/v2`.
#[derive(Debug)]
pub struct Measures {
    metrics: Arc<Metrics>,
    /// A histogram for each operation, by tag and by digest.
    routes: Vec<(Operation, [Route; 2])>,
    tag_cache_hits: Counter,
    tag_cache_misses: Counter,
}

impl Measures {
    /// Prepares the histograms of every operation.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        let routes = OPERATIONS
            .iter()
            .map(|(operation, ..)| {
                let route = |by_digest| metrics.route(operation.endpoint(by_digest));
                (*operation, [route(false), route(true)])
            })
            .collect();
        let lookups = |result| metrics.tag_cache.get_or_create_owned(&result);
        let (tag_cache_hits, tag_cache_misses) =
            (lookups(TagCacheLabels::HIT), lookups(TagCacheLabels::MISS));
        Self {
            metrics,
            routes,
            tag_cache_hits,
            tag_cache_misses,
        }
    }

    /// A tag was looked up: in the cache, or in the database.
    pub fn tag_looked_up(&self, cached: bool) {
        if cached {
            self.tag_cache_hits.inc();
        } else {
            self.tag_cache_misses.inc();
        }
    }

    /// A chunk of an upload was received and stored in that location.
    pub fn chunk_stored(&self, location: &str, elapsed: Duration) {
        let labels = RegionLabels {
            region: location.to_owned(),
        };
        self.metrics
            .chunk_upload_duration
            .get_or_create(&labels)
            .observe(elapsed.as_secs_f64());
    }

    /// A request was answered. `namespace` is that of its path.
    pub fn answered(
        &self,
        operation: Operation,
        by_digest: bool,
        method: &Method,
        status: StatusCode,
        namespace: &str,
        elapsed: Duration,
    ) {
        let Some((_, routes)) = self.routes.iter().find(|(known, _)| *known == operation) else {
            return;
        };
        let bucket = self.metrics.namespace(namespace);
        routes[usize::from(by_digest)].observe(method, status, bucket, elapsed);
        if operation == Operation::PullManifest && method == Method::GET {
            let labels = PullLabels {
                protocol: Protocol::V2,
                r#ref: if by_digest {
                    ImageReference::Manifest
                } else {
                    ImageReference::Tag
                },
                status: status.as_u16(),
            };
            self.metrics.image_pulls.get_or_create(&labels).inc();
        }
    }

    /// A manifest was pushed.
    pub fn pushed(&self, media_type: &'static str) {
        let labels = PushLabels {
            protocol: Protocol::V2,
            status: StatusCode::CREATED.as_u16(),
            media_type,
        };
        self.metrics.image_pushes.get_or_create(&labels).inc();
    }

    /// Items were put into a queue.
    pub fn queued(&self, queue: &str, items: u64) {
        if items > 0 {
            let labels = QueueLabels {
                queue_name: queue.to_owned(),
            };
            self.metrics.queue_puts.get_or_create(&labels).inc_by(items);
        }
    }

    /// The content of a blob is about to leave.
    pub fn blob_pulled(&self, bytes: u64) {
        let labels = PulledLabels {
            protocol: Protocol::V2,
        };
        self.metrics
            .pulled_bytes
            .get_or_create(&labels)
            .inc_by(bytes);
    }

    /// A request brought bytes of a blob.
    pub fn blob_received(&self, bytes: u64) {
        self.metrics.pushed_bytes.inc_by(bytes);
    }

    /// Somebody asked for a token with a credential.
    pub fn sign_in(&self, username: &str, success: bool) {
        let kind = match username {
            "$token" => "token",
            "$app" => "app_specific_token",
            "$oauthtoken" => "oauth",
            robot if robot.contains('+') => "robot",
            _ => "credentials",
        };
        let labels = AttemptLabels::new(kind, success);
        self.metrics
            .authentication_attempts
            .get_or_create(&labels)
            .inc();
    }

    /// A bearer token was looked at.
    pub fn bearer(&self, success: bool) {
        self.metrics
            .bearer_tokens
            .get_or_create(&success.into())
            .inc();
    }
}
