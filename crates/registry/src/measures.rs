//! What the registry counts, under Quay's names. Everything that a request records is looked up by index or by small
//! labels, never by text.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use pierhead_metrics::{
    AttemptLabels, ImageReference, Metrics, Protocol, PullLabels, PulledLabels, PushLabels,
    QueueLabels, Route,
};

use crate::route::{OPERATIONS, Operation};

/// Metrics of `/v2`.
#[derive(Debug)]
pub struct Measures {
    metrics: Arc<Metrics>,
    /// A histogram for each operation, by tag and by digest.
    routes: Vec<(Operation, [Route; 2])>,
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
        Self { metrics, routes }
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
